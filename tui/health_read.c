/* SPDX-License-Identifier: MIT */
#include "tui/health_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/monitor/reading.h"
#include "engine/predict/scorecard.h"
#include "store/finding.h"

struct gather {
    struct reader *reader;
    struct metric_reader *metrics;
    struct arena *arena;
    struct health *health;
};

/* Text from a file that others write. */
static const char *clean(struct arena *arena, const char *text)
{
    char out[400];
    return arena_str(arena, text_clean_into(out, sizeof(out), text));
}

/* ---- metrics --------------------------------------------------------------------------- */

static enum metric_family family_of(const struct metric_series *row)
{
    enum metric_id id;
    return metric_find(row->name, &id) ? metric_get(id).family : FAMILY_SCRAPED;
}

/* Our own in the order of the table's families, then what was scraped. */
static bool read_metrics(const struct gather *g, struct err *err)
{
    struct metric_series *rows;
    size_t n;
    if (!metric_reader_series(g->metrics, g->arena, &rows, &n, err)) {
        return false;
    }
    size_t max = n < HEALTH_METRICS_MAX ? n : HEALTH_METRICS_MAX;
    struct health_metric *metrics = arena_array(g->arena, max + 1, sizeof(*metrics));
    for (int family = 0; family < FAMILY_COUNT; family++) {
        for (size_t i = 0; i < n && g->health->n_metrics < max; i++) {
            if ((int)family_of(&rows[i]) == family) {
                metrics[g->health->n_metrics++] = (struct health_metric){
                    .family = (enum metric_family)family,
                    .name = clean(g->arena, rows[i].name),
                    .labels = clean(g->arena, rows[i].labels),
                    .component = clean(g->arena, rows[i].component),
                    .unit = clean(g->arena, rows[i].unit),
                    .value = rows[i].newest,
                    .low = (double)NAN,
                    .high = (double)NAN,
                    .at = rows[i].newest_at,
                };
            }
        }
    }
    g->health->metrics = metrics;
    g->health->n_series = (int64_t)n;
    g->health->n_left_out = (int64_t)(n - g->health->n_metrics);
    return metric_reader_setting(g->metrics, "monitor_at", 0, &g->health->monitor_at.ms,
                                 err);
}

/* ---- predictions ----------------------------------------------------------------------- */

/* How good predictions of one kind were. */
struct score {
    const char *kind;
    struct scorecard card;
    int64_t n_interval, held;
};

#define KINDS_MAX 8

struct scores {
    struct score rows[KINDS_MAX];
    size_t n;
};

static struct score *score_of(struct scores *scores, const char *kind)
{
    for (size_t i = 0; i < scores->n; i++) {
        if (strcmp(scores->rows[i].kind, kind) == 0) {
            return &scores->rows[i];
        }
    }
    if (scores->n == KINDS_MAX) {
        return NULL;
    }
    scores->rows[scores->n].kind = kind;
    return &scores->rows[scores->n++];
}

static bool read_scores(const struct gather *g, struct scores *scores, struct err *err)
{
    const struct metric_prediction_query query = {.is_scored_only = true,
                                                  .max = HEALTH_SCORED_MAX};
    struct metric_prediction *rows;
    size_t n;
    if (!metric_reader_predictions(g->metrics, g->arena, &query, &rows, &n, err)) {
        return false;
    }
    for (size_t i = n; i > 0; i--) { /* oldest first */
        const struct metric_prediction *row = &rows[i - 1];
        struct score *score = score_of(scores, row->kind);
        if (score == NULL || !isfinite(row->outcome)) {
            continue;
        }
        if (isfinite(row->p)) {
            scorecard_add(&score->card, row->p, row->outcome > 0.5);
        } else if (isfinite(row->q10) && isfinite(row->q90)) {
            score->n_interval++;
            score->held += row->outcome >= row->q10 && row->outcome <= row->q90;
        }
    }
    return true;
}

static const char *share_text(double share, char out[READING_MAX])
{
    return reading_format("x_ratio", share, out);
}

static struct health_outlook outlook_of(const struct gather *g, struct scores *scores,
                                        const struct metric_prediction *row)
{
    struct score *score = score_of(scores, row->kind);
    struct scorecard_skill skill = {.skill = (double)NAN, .coverage = (double)NAN};
    char share[READING_MAX], low[READING_MAX], high[READING_MAX];
    struct health_outlook outlook = {.what = clean(g->arena, row->subject),
                                     .unit = isfinite(row->p) ? "ratio" : "",
                                     .value = isfinite(row->p) ? row->p : row->q50,
                                     .low = row->q10,
                                     .high = row->q90,
                                     .p_within = (double)NAN,
                                     .limit = (double)NAN,
                                     .used = (double)NAN,
                                     .verdict = ""};
    if (score != NULL) {
        skill = scorecard_all(&score->card);
        outlook.is_trusted = scorecard_is_trusted(&score->card);
        outlook.verdict = isfinite(row->p) ? scorecard_verdict(&score->card) : "";
        skill.n += score->n_interval;
        if (score->n_interval > 0) {
            skill.coverage = (double)score->held / (double)score->n_interval;
        }
    }
    if (row->workflow > 0) {
        outlook.what = arena_printf(g->arena, "wf-%lld", (long long)row->workflow);
    }
    outlook.n = skill.n;
    outlook.skill = skill.skill;
    outlook.coverage = skill.coverage;
    outlook.text =
        isfinite(row->p)
            ? arena_printf(g->arena, "%s fails with %s", outlook.what,
                           share_text(row->p, share))
            : arena_printf(g->arena, "%s: %s to %s in 8 of 10 cases", outlook.what,
                           reading_format(row->subject, row->q10, low),
                           reading_format(row->subject, row->q90, high));
    return outlook;
}

static bool read_predictions(const struct gather *g, struct err *err)
{
    const struct metric_prediction_query query = {.is_open_only = true,
                                                  .max = HEALTH_PREDICTIONS_MAX};
    struct metric_prediction *rows;
    size_t n;
    struct scores *scores = arena_alloc(g->arena, sizeof(*scores));
    if (!read_scores(g, scores, err) ||
        !metric_reader_predictions(g->metrics, g->arena, &query, &rows, &n, err)) {
        return false;
    }
    struct health_outlook *outlooks = arena_array(g->arena, n + 1, sizeof(*outlooks));
    for (size_t i = 0; i < n; i++) {
        outlooks[i] = outlook_of(g, scores, &rows[i]);
    }
    g->health->predictions = outlooks;
    g->health->n_predictions = n;
    return true;
}

/* ---- forecasts ------------------------------------------------------------------------- */

/* null in the JSON of days is "beyond the horizon". */
static double days_of(const struct json *capacity, const char *key)
{
    return json_num(capacity, key, (double)INFINITY);
}

static const char *day_text(struct arena *arena, double days)
{
    return !isfinite(days) ? "not within a year"
           : days < 1      ? arena_printf(arena, "%.0f h", days * 24)
                           : arena_printf(arena, "%.1f days", days);
}

static bool forecast_of(const struct gather *g, const struct metric_forecast *row,
                        struct health_outlook *ret_outlook)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(row->json, strlen(row->json), &ignored);
    const struct json *capacity = json_get(root, "capacity");
    bool is_one = json_is_an_object(capacity) &&
                  strcmp(json_str(capacity, "verdict", "unknown"), "unknown") != 0;
    if (is_one) {
        double skill = json_num(root, "skill", (double)NAN);
        *ret_outlook = (struct health_outlook){
            .what = clean(g->arena, row->subject),
            .unit = "days",
            .value = days_of(capacity, "days"),
            .low = days_of(capacity, "low"),
            .high = days_of(capacity, "high"),
            .p_within = json_num(capacity, "p_within", (double)NAN),
            .limit = json_num(capacity, "limit", (double)NAN),
            .used = json_num(capacity, "used", (double)NAN),
            .is_trusted = skill > 0,
            .skill = skill,
            .coverage = (double)NAN,
            .verdict = skill > 0      ? "better than what it was before"
                       : isnan(skill) ? "not measured yet: triggers nothing"
                                      : "not better than its baseline: triggers nothing",
        };
        ret_outlook->text = arena_printf(
            g->arena, "%s: full in %s (8 of 10: %s to %s)", ret_outlook->what,
            day_text(g->arena, ret_outlook->value), day_text(g->arena, ret_outlook->low),
            day_text(g->arena, ret_outlook->high));
    }
    json_free(root);
    return is_one;
}

static bool read_forecasts(const struct gather *g, struct err *err)
{
    struct metric_forecast *rows;
    size_t n;
    if (!metric_reader_forecasts(g->metrics, g->arena, NULL, false, &rows, &n, err)) {
        return false;
    }
    struct health_outlook *outlooks = arena_array(g->arena, n + 1, sizeof(*outlooks));
    for (size_t i = 0; i < n; i++) {
        g->health->n_forecasts +=
            forecast_of(g, &rows[i], &outlooks[g->health->n_forecasts]);
    }
    g->health->forecasts = outlooks;
    return true;
}

/* ---- the store ------------------------------------------------------------------------- */

static int by_severity(const void *a, const void *b)
{
    const struct incident_row *x = a, *y = b;
    return x->severity != y->severity ? (int)y->severity - (int)x->severity
                                      : (x->id > y->id) - (x->id < y->id);
}

static bool read_findings(const struct gather *g, struct err *err)
{
    const struct anomaly_query anomalies = {.is_open = true, .max = HEALTH_FINDINGS_MAX};
    const struct incident_query incidents = {.is_open = true, .max = HEALTH_FINDINGS_MAX};
    const struct incident_row *rows;
    struct health *health = g->health;
    if (!reader_anomalies(g->reader, g->arena, &anomalies, &health->anomalies,
                          &health->n_anomalies, err) ||
        !reader_incidents(g->reader, g->arena, &incidents, &rows, &health->n_incidents,
                          err)) {
        return false;
    }
    struct incident_row *sorted =
        arena_array(g->arena, health->n_incidents + 1, sizeof(*sorted));
    if (health->n_incidents > 0) {
        memcpy(sorted, rows, health->n_incidents * sizeof(*sorted));
        qsort(sorted, health->n_incidents, sizeof(*sorted), by_severity);
    }
    health->incidents = sorted;
    return true;
}

static bool read_store(const struct gather *g, struct err *err)
{
    struct reader *reader = g->reader;
    struct health *health = g->health;
    if (!reader_begin(reader, err)) {
        return false;
    }
    bool is_read =
        reader_totals(reader, &health->totals, err) && read_findings(g, err) &&
        reader_services(reader, g->arena, &health->services, &health->n_services, err);
    if (is_read) {
        const char *started = reader_setting(reader, g->arena, "started_at");
        if (!health->has_engine || !wall_parse(started, &health->started_at)) {
            health->started_at = (struct wall){0};
        }
        health->engine_fault =
            health->has_engine ? reader_setting(reader, g->arena, "fault") : "";
    }
    reader_end(reader);
    return is_read;
}

bool health_read(const char *store_path, struct reader *reader,
                 struct metric_reader *metrics, struct arena *arena, struct wall now,
                 struct health *ret_health, struct err *err)
{
    struct health health = {.at = now, .engine_fault = ""};
    const struct gather g = {reader, metrics, arena, &health};
    health.has_engine = lease_is_held(store_path, &health.pid);
    if (reader != NULL && !read_store(&g, err)) {
        return false;
    }
    if (metrics != NULL && !(read_metrics(&g, err) && read_predictions(&g, err) &&
                             read_forecasts(&g, err))) {
        return false;
    }
    health_judge(&health, arena);
    *ret_health = health;
    return true;
}
