/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_RULE_H
#define SIGNALBOX_MONITOR_RULE_H

/*
 * Rule: a limit that somebody knows, beside the detectors, which only know the past.
 *
 * A rule names series (a glob over the name, and labels), what is taken of their points (the
 * value, its rate, a mean or a quantile over a window), a limit, how long it must hold, and
 * where it is over again (hysteresis). Some are built in; more come from the configuration:
 *
 *   monitor:
 *     rules:
 *       - name: slow-checks
 *         metric: workflow_time_in_state_seconds   # glob: * ? [...]
 *         labels: ['state=VALIDATING', 'repo!=/srv/old*']
 *         of: p95              # value (default), rate, mean, p50, p90, p95, p99
 *         over: 30m            # window of all but value
 *         above: 2h            # or below: 85%, or absent: true
 *         resolve_below: 90m   # default: the limit itself
 *         for: 10m
 *         severity: high
 *         summary: '{component}: checks take {value}, limit {threshold}'
 *         actions: ['look for a slow test with signalbox log']
 *
 * Limits are written as 0.85, 85%, 90s, 2h or 5GiB; metrics are in ratios, seconds and bytes.
 * A rate is per second. `absent` fires when nothing has come for the length of `for`; a series
 * that never was is unknown, not absent.
 *
 * Pure: rule_step has state, point and time as arguments. The state is one flat struct.
 * Ownership: a rule_set owns its rules and their texts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/findings.h"
#include "engine/base/yaml.h"
#include "engine/monitor/series.h"
#include "engine/workflow/schema.h"
#include "store/finding.h"

#define RULES_MAX        64 /* built-in ones and the user's: a bit each */
#define RULES_USER_MAX   40 /* of a configuration */
#define RULE_LABELS_MAX  8  /* matchers of one rule */
#define RULE_SAMPLES     32 /* of a window; of more points the newest of each part counts */
#define RULE_SUMMARY_MAX 200 /* bytes of a summary with its placeholders filled */

enum rule_of { RULE_VALUE, RULE_RATE, RULE_MEAN, RULE_P50, RULE_P90, RULE_P95, RULE_P99 };
enum rule_condition { RULE_ABOVE, RULE_BELOW, RULE_ABSENT };

/* One rule. The texts of limits are as written; the numbers are made by rule_check. */
struct rule {
    char *name;
    char *metric;
    char **labels; /* "key=glob" or "key!=glob" */
    size_t n_labels;
    int of; /* enum rule_of */
    struct span over;
    char *above, *below, *resolve_below, *resolve_above; /* "" = not given */
    bool is_absent;
    struct span hold; /* `for:` in the file */
    int severity;     /* enum severity */
    char *summary;
    char **actions;
    size_t n_actions;
    bool is_of_ours; /* built in: what a scrape calls by the same name is not meant */
    /* made from the above: */
    enum rule_condition condition;
    double limit, resolve;
    enum anomaly_type type; /* ANOMALY_RULE for the user's */
};

/* Over struct rule: for a FIELD_MAPS row of the configuration. */
extern const struct schema rule_schema;

/*
 * What the table cannot say: exactly one condition, limits that are numbers, matchers, known
 * placeholders, names that differ. Fills condition, limit and resolve. `list` is the YAML list
 * that the rules were decoded from.
 */
void rule_check(const char *file, const struct yaml_item *list, struct rule *rules,
                size_t n, struct findings *findings);
/* "0.85", "85%", "90s", "5GiB" */
NODISCARD bool rule_number(const char *text, double *ret_number);

/* Built-in rules first, then copies of the user's. */
struct rule_set {
    struct rule *rules;
    size_t n;
};
NODISCARD struct rule_set *rule_set_new(const struct rule *user, size_t n);
void rule_set_free(struct rule_set *set); /* accepts NULL */
/* A file with nothing but `rules:`, for tests and tools; NULL when there are findings. */
NODISCARD struct rule_set *rule_set_parse(const char *file, const char *text, size_t len,
                                          struct findings *findings);
/* Which rules look at this series: bit i = set->rules[i]. Ask once per series and keep it. */
uint64_t rule_match(const struct rule_set *set, const struct series_info *series);
/* Glob with * ? and [...] over bytes; nothing escapes, no recursion. */
bool rule_glob(const char *pattern, const char *text);
/* Value of a label, "" when there is none; cut at cap. */
const char *rule_label(const char *labels, const char *key, char *out, size_t cap);

/* What a rule remembers of one series. All zero = nothing yet. */
struct rule_state {
    struct wall since;    /* the condition holds since then; unset = it does not */
    struct wall fired_at; /* unset = not firing */
    struct wall seen_at;  /* newest point */
    struct wall slot_at;  /* begin of the newest part of the window */
    double value;         /* what was compared last; NAN unknown */
    float samples[RULE_SAMPLES];
    int64_t sample_ms[RULE_SAMPLES]; /* 0 = empty */
    int32_t newest;
};

struct rule_result {
    bool is_firing;
    bool has_begun, has_ended; /* with this call */
    double value;              /* of what the rule looks at */
    struct wall since;         /* first moment at which the condition held */
};

/* A point. One that is not finite is none. */
struct rule_result rule_step(const struct rule *rule, struct rule_state *state,
                             struct wall at, double value);
/* Time goes by: what is absent fires. */
struct rule_result rule_tick(const struct rule *rule, struct rule_state *state,
                             struct wall now);

/*
 * The summary with {metric} {labels} {label:KEY} {component} {value} {threshold} {rule} {for}
 * filled (labels: their values) and made clean, or a sentence when the rule has none. At most RULE_SUMMARY_MAX bytes.
 */
const char *rule_text(const struct rule *rule, const struct series_info *series,
                      double value, char out[RULE_SUMMARY_MAX]);

#endif
