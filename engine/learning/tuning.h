/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_TUNING_H
#define SIGNALBOX_LEARNING_TUNING_H

/*
 * Tuning: the settings that can be changed while the engine runs, in one table.
 *
 * A setting has a key ("limits.coding"), a scope ("pipeline:web", "service:github_api", "" for
 * the engine), and a value as it is written in YAML. Types, ranges and defaults are not said
 * twice: a row names the field of the schema of pipelines or of the configuration that it
 * stands for.
 *
 *   pipeline   takes effect for workflows that are submitted afterwards: the text that is
 *              stored with them has an overlay (pipeline.h)
 *   service    at once, in the gate of the live service; what it has counted stays
 *   engine     at once
 *
 * A key with '*' stands for one setting per name: "checks/STAR.retries" is found by
 * "checks/unit tests.retries", "scale/STAR" by "scale/runners".
 *
 * Values in normal form: durations "1h30m", sizes "2GiB", numbers, true or false, words and
 * names as they are, lists as JSON arrays (which YAML reads too), hours "06:00-20:00" (UTC),
 * times "2026-11-22T18:00:00Z".
 *
 * Pure; any thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/workflow/pipeline.h"
#include "store/approval.h"

enum tuning_scope { TUNING_PIPELINE, TUNING_SERVICE, TUNING_ENGINE };

/* Which way a change can do harm. */
enum tuning_side { TUNING_BOTH, TUNING_LOWER, TUNING_HIGHER };

struct tuning_spec {
    const char *key;
    enum tuning_scope scope;
    enum optimization_kind kind;
    enum tuning_side riskier;
    const char *field; /* path in the schema, "limits.coding", "validate.retries" */
    const char *help;  /* one sentence */
};
extern const struct tuning_spec tuning_specs[];
extern const size_t n_tuning_specs;

/* Row of "checks/unit tests.retries"; NULL when there is no such setting. */
const struct tuning_spec *tuning_find(const char *setting);
/* What stands for '*' in it; "" when the key has none. At most 63 bytes are kept. */
#define TUNING_NAME_MAX 65
const char *tuning_name(const char *setting, char ret_name[TUNING_NAME_MAX]);
/* The schema's row behind it: type, range, words. NULL: checks.order and scale, which have
 * none. A scale is an act: put in force its command is run, taken back the opposite one. */
struct field;
const struct field *tuning_field(const struct tuning_spec *spec);

/* "pipeline:" + name; "" of the engine. */
#define TUNING_SCOPE_MAX 128
const char *tuning_scope_text(enum tuning_scope scope, const char *name,
                              char ret_text[TUNING_SCOPE_MAX]);
/* Name in a scope's text ("web"); NULL when it is no such scope, or the name is empty. */
const char *tuning_scope_name(enum tuning_scope scope, const char *text);
const char *
tuning_scope_word(enum tuning_scope scope); /* "pipeline", "service", "engine" */

/* Is there such a setting, does the scope fit it, is the value one? The normal form of the
 * value goes into ret_value (initialised; replaced). err says what is expected. */
#define TUNING_VALUE_MAX 4096
NODISCARD bool tuning_check(const char *setting, const char *scope, const char *value,
                            struct buf *ret_value, struct err *err);
/* Are these two values the same? Values that are none are only equal as texts. */
bool tuning_is_same(const char *setting, const char *a, const char *b);
/* Value as a number: ms, bytes, count, 0 or 1. False: no value, or no number. */
NODISCARD bool tuning_number(const char *setting, const char *value, double *ret_number);
/* The other way, into the range of the setting; durations to two places that a person would
 * write. False: the setting is no number. */
NODISCARD bool tuning_from_number(const char *setting, double number, char ret_value[64]);
/* Is `to` riskier than `from`, by what the table says? */
bool tuning_is_riskier(const char *setting, const char *from, const char *to);

/* Present value of a setting of a pipeline (with the overlay that it has), in normal form.
 * False: no setting of pipelines, or no such step. */
NODISCARD bool tuning_of_pipeline(const struct pipeline *pipeline, const char *setting,
                                  struct buf *ret_value);

/* ---- overlay ----------------------------------------------------------------------- */

/* The overlay's text (marker, then a YAML map) of those rows that are in force for the
 * pipeline at `now` and fit it: a row about a step that it does not have is left out. Empty
 * when there is none. Returns how many rows it holds. */
size_t tuning_overlay(const struct pipeline *pipeline, const struct tuning_row *rows,
                      size_t n, struct wall now, struct buf *out);

#endif
