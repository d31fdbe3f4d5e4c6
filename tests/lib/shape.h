/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LIB_SHAPE_H
#define SIGNALBOX_TESTS_LIB_SHAPE_H

/*
 * Shape: inputs made from a schema, so that a new field is tested the day it is added.
 */

#include <stddef.h>

#include "engine/workflow/schema.h"
#include "tests/lib/wrong.h"

/* Every YAML shape at every field of every table: findings or a parse, never a crash.
 * Returns how many inputs that were. */
size_t shape_check(const struct schema *schema, wrong_parse *parse);

/* For each field and each of its names: a good value is taken, values out of range are
 * refused, there is help that reads like a sentence, and the manual has the field. */
void shape_check_rows(const struct schema *schema, wrong_parse *parse);

/* The text ended and begun at each byte, and each byte in turn replaced by bad ones. */
void shape_check_cut(const char *text, size_t len, wrong_parse *parse);

#endif
