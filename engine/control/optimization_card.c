/* SPDX-License-Identifier: MIT */

/*
 * The card of a proposal: what a person must know to decide.
 */
#include "engine/base/json.h"
#include "engine/control/optimization_private.h"
#include "engine/learning/guard.h"
#include "engine/learning/tuning.h"

static void put_member(struct jsonw *w, const struct json *object, const char *key)
{
    const struct json *item = json_get(object, key);
    if (item != NULL) {
        AUTO_FREE char *text = json_format(item);
        jsonw_raw(w, key, text, strlen(text));
    }
}

/* "wasted minutes" */
static const char *plain(const char *metric, char text[64])
{
    (void)snprintf(text, 64, "%s", metric);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '_' ? ' ' : *at;
    }
    return text;
}

/* "completed +4.1% (+2.9 to +5.3) per workflow, 98% sure" */
static void put_expected(struct jsonw *w, const struct optimization_row *row)
{
    char text[200], name[64];
    enum run_metric metric;
    bool is_share = run_metric_find(row->metric, &metric) &&
                    strcmp(run_metric_unit(metric), "share") == 0;
    const char *unit = "%";
    double by = is_share ? 100 : minutes_scale(row->expected, &unit);
    (void)snprintf(text, sizeof(text),
                   "%s %+.1f%s (%+.1f to %+.1f) per workflow, %.0f%% sure",
                   plain(row->metric, name), without_minus(row->expected * by), unit,
                   without_minus(row->expected_low * by),
                   without_minus(row->expected_high * by), 100 * row->confidence);
    jsonw_str(w, "expected", text);
}

static void put_change(struct jsonw *w, const struct optimization_row *row)
{
    jsonw_open(w, "change", '{');
    jsonw_str(w, "setting", row->setting);
    jsonw_str(w, "scope", row->scope);
    jsonw_str(w, "from", row->from);
    jsonw_str(w, "to", row->to);
    jsonw_close(w, '}');
}

static void put_touches(struct jsonw *w, const struct control *control,
                        const struct risk_facts *facts)
{
    jsonw_open(w, "touches", '{');
    jsonw_open(w, "repositories", '[');
    if (facts->repo[0] != '\0') {
        jsonw_str(w, NULL, facts->repo);
    }
    jsonw_close(w, ']');
    jsonw_open(w, "environments", '[');
    if (facts->environment[0] != '\0') {
        jsonw_str(w, NULL, facts->environment);
    }
    jsonw_close(w, ']');
    jsonw_int(w, "workflows", facts->n_workflows);
    jsonw_int(w, "queued", (int64_t)queue_len(control->queue));
    jsonw_close(w, '}');
}

/* What would be judged, in which window, and what harm does. */
static void put_guard(struct jsonw *w, const struct optimization_row *row)
{
    char text[240], longest[CLOCK_TEXT_MAX], name[64];
    const struct guard_settings guard = guard_defaults(GUARD_SHARE, true);
    bool is_completed = strcmp(row->metric, run_metric_word(RUN_COMPLETED)) == 0;
    (void)snprintf(text, sizeof(text),
                   "%s%s of the next %d to %d workflows, at most %s: worse than expected "
                   "without it, and it is taken back",
                   plain(row->metric, name), is_completed ? "" : " and completed",
                   guard.min_runs, guard.max_runs, span_format(guard.max_time, longest));
    jsonw_str(w, "guard", text);
}

void optimization_card(const struct control *control, const struct optimization_row *row,
                       const struct risk_facts *facts, struct buf *out)
{
    struct err ignored = ERR_INIT; /* evidence that is none is left out */
    struct jsonw w;
    char text[300];
    struct json *evidence = json_parse(row->evidence, strlen(row->evidence), &ignored);
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "why", '[');
    jsonw_str(&w, NULL, row->reason);
    jsonw_close(&w, ']');
    put_expected(&w, row);
    jsonw_str(&w, "if_wrong", row->if_wrong);
    put_change(&w, row);
    put_touches(&w, control, facts);
    put_guard(&w, row);
    if (row->kind == OPT_SCALE) {
        (void)snprintf(text, sizeof(text),
                       "%.100s: its other command is run by undo o-%lld", row->setting,
                       (long long)row->id);
    } else {
        (void)snprintf(text, sizeof(text), "%.100s back to %.80s: undo o-%lld, any time",
                       row->setting, row->from[0] != '\0' ? row->from : "what it was",
                       (long long)row->id);
    }
    jsonw_str(&w, "undo", facts->is_reversible ? text : "");
    put_member(&w, evidence, "evidence");
    put_member(&w, evidence, "dry_run");
    jsonw_close(&w, '}');
    json_free(evidence);
}
