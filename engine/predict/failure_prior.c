/* SPDX-License-Identifier: MIT */

/* The first weights; all zero: none are shipped yet, and inputs are taken as they are. */
#include "engine/predict/failure_private.h"

#define ONE 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
const struct failure_prior failure_prior = {
    .scale = {ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE},
};
