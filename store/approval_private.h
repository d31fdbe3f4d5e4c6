/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_APPROVAL_PRIVATE_H
#define SIGNALBOX_STORE_APPROVAL_PRIVATE_H

/*
 * Approval, private: the columns of the tables of store/approval.h.
 */

#include "store/row_shape.h"

extern const struct row_shape approval_shapes[APPROVAL_TABLES];

#endif
