/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_WORKFLOW_SCHEMA_VALUE_H
#define SIGNALBOX_WORKFLOW_SCHEMA_VALUE_H

/*
 * Schema value: one text of a file becomes one value of a field. Private to schema*.c.
 */

#include "engine/base/clock.h"
#include "engine/workflow/schema.h"

#define VALUE_WHY_MAX 1024

/* Text in slot, as field->type says, replacing (and freeing) what was there. False with
 * `why` filled: "'soon' is no duration; expected like 90s, 10m, 1h30m". Types of one text
 * only. */
NODISCARD bool value_from_text(const struct field *field, const char *folder,
                               const char *text, size_t len, void *slot,
                               char why[VALUE_WHY_MAX]);
/* "a duration like 90s, 10m, 1h30m", for what has another shape or is missing. */
const char *value_expected(const struct field *field, char out[VALUE_WHY_MAX]);
/* "1 to 100", "" when any value is fine. For messages and the manual. */
const char *value_range(const struct field *field, char out[VALUE_WHY_MAX]);
/* "auto, ask or never". */
const char *value_words(const struct field *field, char out[VALUE_WHY_MAX]);
/* Is the value of this type a single text? */
bool value_is_text(enum field_type type);

/* Digits at *text as a number, *text moves behind them; false when there is none. What is
 * too large gives INT64_MAX. */
NODISCARD bool value_take_number(const char **text, int64_t *ret_number);
/* As bytes_parse, but what is well formed and too large gives INT64_MAX. */
NODISCARD bool value_parse_bytes(const char *text, int64_t *ret_bytes);
/* Exact, and as a person would write it: "1h30m". */
const char *value_format_duration(int64_t ms, char text[CLOCK_TEXT_MAX]);
/* Was a duration refused for its size alone? Then the same text with small numbers is
 * one.
 */
bool value_is_long_duration(const char *text);

/* The candidate that `text` was probably meant to be, or NULL. Candidates may be NULL. */
const char *value_nearest(const char *text, const char *const *candidates, size_t n);

#endif
