/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_MONEY_H
#define SIGNALBOX_BASE_MONEY_H

/*
 * Money: amounts as whole millionths of a unit, so that sums are exact. Which unit is not said:
 * what is reported and what bounds it are of the same one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/compiler.h"

#define MONEY_UNIT     INT64_C(1000000)
#define MONEY_MAX      (INT64_C(1000000000) * MONEY_UNIT)
#define MONEY_TEXT_MAX 32

/* "2", "2.5", "0.000125": digits, at most six after the point. False: nothing of the kind, or
 * above MONEY_MAX. */
NODISCARD bool money_parse(const char *text, int64_t *ret_micros);
/* "2.50", "0.0042": two digits after the point, more where they count. Returns out. */
const char *money_format(int64_t micros, char out[MONEY_TEXT_MAX]);

#endif
