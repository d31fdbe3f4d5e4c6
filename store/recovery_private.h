/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_RECOVERY_PRIVATE_H
#define SIGNALBOX_STORE_RECOVERY_PRIVATE_H

/*
 * Recovery, private: the columns of the tables of store/recovery.h.
 */

#include "store/row_shape.h"

extern const struct row_shape recovery_shapes[RECOVERY_TABLES];

#endif
