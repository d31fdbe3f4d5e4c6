/* SPDX-License-Identifier: MIT */
#include "tui/health_read.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/monitor/cards.h"
#include "engine/predict/capacity.h"

#define OPEN_PREDICTIONS_MAX 1000
#define REASONS_SHOWN        2

/* Text from a file that others write. */
static const char *clean(struct arena *arena, const char *text)
{
    char out[400];
    return arena_str(arena, text_clean_into(out, sizeof out, text));
}

/* ---- the store ---- */

static int by_severity(const void *a, const void *b)
{
    const struct incident_row *x = a, *y = b;
    return x->severity != y->severity ? (int)y->severity - (int)x->severity
                                      : (x->id > y->id) - (x->id < y->id);
}

/* Worst first, then the oldest. */
static bool read_incidents(struct reader *reader, struct arena *arena,
                           struct health *health, struct err *err)
{
    struct incident_query query = {.is_open = true, .max = HEALTH_FINDINGS_MAX};
    const struct incident_row *rows;
    size_t n;
    if (!reader_incidents(reader, arena, &query, &rows, &n, err))
        return false;
    struct incident_row *sorted = arena_array(arena, n, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = rows[i];
    qsort(sorted, n, sizeof *sorted, by_severity);
    health->incidents = sorted;
    health->n_incidents = n;
    return true;
}

static void read_engine(struct reader *reader, struct arena *arena, const char *path,
                        struct health *health)
{
    const char *text = reader_setting(reader, arena, "engine");
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &ignored);
    health->has_engine = lease_is_held(path, &health->pid);
    health->max_running = json_int(root, "max_running", 0);
    struct wall at;
    if (health->has_engine && wall_parse(json_str(root, "started_at", ""), &at))
        health->started_at = at;
    health->engine_fault = reader_setting(reader, arena, "fault");
    json_free(root);
}

static bool read_store(struct reader *reader, struct arena *arena, const char *path,
                       struct health *health, struct err *err)
{
    struct anomaly_query anomalies = {.is_open = true, .max = HEALTH_FINDINGS_MAX};
    if (!reader_anomalies(reader, arena, &anomalies, &health->anomalies,
                          &health->n_anomalies, err) ||
        !read_incidents(reader, arena, health, err) ||
        !reader_services(reader, arena, &health->services, &health->n_services, err) ||
        !reader_totals(reader, &health->totals, err))
        return false;
    read_engine(reader, arena, path, health);
    return true;
}

/* ---- the metrics file ---- */

struct reading {
    struct metric_reader *metrics;
    struct arena *arena;
    struct health *health;
    struct monitor_cards *cards;
};

static int by_family(const void *a, const void *b)
{
    const struct health_metric *x = a, *y = b;
    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    int names = strcmp(x->name, y->name);
    return names != 0 ? names : strcmp(x->labels, y->labels);
}

static bool read_metrics(const struct reading *in, struct err *err)
{
    struct metric_series *rows;
    size_t n;
    if (!metric_reader_series(in->metrics, in->arena, &rows, &n, err))
        return false;
    struct health *health = in->health;
    health->metrics = arena_array(in->arena, n, sizeof *health->metrics);
    health->n_series = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        enum metric_id id = METRIC_SCRAPED;
        bool is_ours = strncmp(rows[i].component, "scrape:", 7) != 0 &&
                       metric_find(rows[i].name, &id);
        health->metrics[i] = (struct health_metric){
            .family = is_ours ? metric_get(id).family : FAMILY_SCRAPED,
            .name = clean(in->arena, rows[i].name),
            .labels = clean(in->arena, rows[i].labels),
            .component = clean(in->arena, rows[i].component),
            .unit = clean(in->arena, rows[i].unit),
            .value = rows[i].newest,
            .low = (double)NAN,
            .high = (double)NAN,
            .at = rows[i].newest_at,
        };
    }
    qsort(health->metrics, n, sizeof *health->metrics, by_family);
    health->n_metrics = n < HEALTH_METRICS_MAX ? n : HEALTH_METRICS_MAX;
    health->n_left_out = (int64_t)(n - health->n_metrics);
    return metric_reader_setting(in->metrics, "monitor_at", 0, &health->monitor_at.ms,
                                 err);
}

static void put_card(struct health_outlook *outlook, const struct scorecard *card)
{
    struct scorecard_skill skill = scorecard_recent(card);
    outlook->is_trusted = scorecard_is_trusted(card);
    outlook->n = card->n;
    outlook->skill = skill.skill;
    outlook->coverage = skill.coverage;
    outlook->verdict = scorecard_verdict(card);
}

static enum model model_of(const char *kind)
{
    int m = 0;
    while (m < MODEL_COUNT && strcmp(model_key((enum model)m), kind) != 0)
        m++;
    return (enum model)m;
}

/* What speaks for a failure, strongest first: "same branch failed last; tests changed". */
static const char *reasons_of(struct arena *arena, const struct json *detail)
{
    const struct json *list = json_get(detail, "reasons");
    const char *text = "";
    int n = 0;
    for (size_t i = 0; i < json_len(list) && n < REASONS_SHOWN; i++) {
        const struct json *one = json_at(list, i);
        if (json_num(one, "weight", 0) > 0)
            text = n++ == 0
                       ? arena_str(arena, json_str(one, "text", ""))
                       : arena_printf(arena, "%s; %s", text, json_str(one, "text", ""));
    }
    return text;
}

static const char *what_of(struct arena *arena, const struct metric_prediction *row)
{
    const char *subject = clean(arena, row->subject);
    const char *name = strchr(subject, ':');
    name = name != NULL ? name + 1 : subject;
    if (row->workflow == 0)
        return arena_printf(arena, "%s opens within the hour", name);
    if (strcmp(row->kind, model_key(MODEL_STEP)) == 0)
        return arena_printf(arena, "wf-%" PRId64 " fails %s", row->workflow, name);
    return arena_printf(arena, "wf-%" PRId64 " fails", row->workflow);
}

static struct health_outlook prediction_of(const struct reading *in,
                                           const struct metric_prediction *row)
{
    struct err ignored = ERR_INIT;
    struct json *detail = json_parse(row->detail, strlen(row->detail), &ignored);
    struct health_outlook outlook = {
        .what = what_of(in->arena, row),
        .text = reasons_of(in->arena, detail),
        .unit = "ratio",
        .value = row->p,
        .low = (double)NAN,
        .high = (double)NAN,
        .p_within = (double)NAN,
        .limit = (double)NAN,
        .used = (double)NAN,
    };
    put_card(&outlook, &in->cards->cards[model_of(row->kind)]);
    json_free(detail);
    return outlook;
}

static int by_chance(const void *a, const void *b)
{
    const struct metric_prediction *x = a, *y = b;
    return (x->p < y->p) - (x->p > y->p);
}

static bool read_predictions(const struct reading *in, struct err *err)
{
    struct metric_prediction *rows;
    struct metric_prediction_query query = {.is_open_only = true,
                                            .max = OPEN_PREDICTIONS_MAX};
    size_t n, n_kept = 0;
    if (!metric_reader_predictions(in->metrics, in->arena, &query, &rows, &n, err))
        return false;
    struct health_outlook *list =
        arena_array(in->arena, HEALTH_PREDICTIONS_MAX, sizeof *list);
    if (n > 1)
        qsort(rows, n, sizeof *rows, by_chance);
    for (size_t i = 0; i < n && n_kept < HEALTH_PREDICTIONS_MAX; i++) {
        bool is_run = model_of(rows[i].kind) < MODEL_LEVEL;
        if (is_run && rows[i].p >= HEALTH_PREDICTION_MIN)
            list[n_kept++] = prediction_of(in, &rows[i]);
    }
    in->health->predictions = list;
    in->health->n_predictions = n_kept;
    return true;
}

/* The days are those of the futures in which the limit is reached: they say something only when
 * that is likely. Else the answer is "not in sight", or not known at all. */
static double days_of(const struct json *capacity, const char *key)
{
    const char *verdict = json_str(capacity, "verdict", "");
    if (strcmp(verdict, capacity_word(CAPACITY_FULL)) == 0)
        return 0;
    if (strcmp(verdict, capacity_word(CAPACITY_WITHIN)) == 0)
        return json_num(capacity, key, (double)INFINITY);
    bool is_far = strcmp(verdict, capacity_word(CAPACITY_BEYOND)) == 0;
    return is_far ? (double)INFINITY : (double)NAN;
}

static struct health_outlook forecast_of(const struct reading *in,
                                         const struct metric_forecast *row)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(row->json, strlen(row->json), &ignored);
    const struct json *capacity = json_get(root, "capacity");
    struct health_outlook outlook = {
        .what = clean(in->arena, row->subject),
        .text = arena_str(in->arena, json_str(capacity, "verdict", "")),
        .unit = "days",
        .value = days_of(capacity, "days"),
        .low = days_of(capacity, "low"),
        .high = days_of(capacity, "high"),
        .p_within = json_num(capacity, "p_within", (double)NAN),
        .limit = json_num(capacity, "limit", (double)NAN),
        .used = json_num(capacity, "used", (double)NAN),
    };
    put_card(&outlook, &in->cards->cards[MODEL_LEVEL]);
    json_free(root);
    return outlook;
}

static int by_days(const void *a, const void *b)
{
    const struct health_outlook *x = a, *y = b;
    double p = isnan(x->value) ? (double)INFINITY : x->value;
    double q = isnan(y->value) ? (double)INFINITY : y->value;
    if (p < q || p > q)
        return p < q ? -1 : 1;
    if (x->p_within < y->p_within || x->p_within > y->p_within)
        return x->p_within > y->p_within ? -1 : 1;
    return strcmp(x->what, y->what);
}

static bool read_forecasts(const struct reading *in, struct err *err)
{
    struct metric_forecast *rows;
    size_t n;
    if (!metric_reader_forecasts(in->metrics, in->arena, NULL, false, &rows, &n, err))
        return false;
    struct health_outlook *list = arena_array(in->arena, n, sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = forecast_of(in, &rows[i]);
    qsort(list, n, sizeof *list, by_days);
    in->health->forecasts = list;
    in->health->n_forecasts = n;
    return true;
}

bool health_read(const char *store_path, struct reader *reader,
                 struct metric_reader *metrics, struct arena *arena, struct wall now,
                 struct health *ret_health, struct err *err)
{
    struct monitor_cards cards;
    struct reading in = {metrics, arena, ret_health, &cards};
    struct err trouble = ERR_INIT;
    *ret_health = (struct health){.at = now, .engine_fault = ""};
    if (reader && !read_store(reader, arena, store_path, ret_health, err))
        return false;
    if (metrics && (!monitor_read_cards(metrics, arena, &cards, &trouble) ||
                    !read_metrics(&in, &trouble) || !read_predictions(&in, &trouble) ||
                    !read_forecasts(&in, &trouble))) {
        ret_health->n_metrics = ret_health->n_predictions = ret_health->n_forecasts = 0;
        ret_health->monitor_at.ms = 0;
    }
    health_judge(ret_health, arena);
    return true;
}

bool health_read_outlooks(struct metric_reader *metrics, struct arena *arena,
                          struct health *ret_health, struct err *err)
{
    struct monitor_cards cards;
    struct reading in = {metrics, arena, ret_health, &cards};
    *ret_health = (struct health){.engine_fault = ""};
    return monitor_read_cards(metrics, arena, &cards, err) &&
           read_predictions(&in, err) && read_forecasts(&in, err);
}

static bool is_limit_near(const struct health_outlook *limit)
{
    return limit->value <= COMING_DAYS && limit->p_within > 0.5;
}

static bool is_failure_near(const struct health_outlook *failure)
{
    return failure->is_trusted && failure->value > 0.5;
}

/* Both lists are in their order already: a limit that is reached within a day goes before
 * failures of single runs, the others after them. */
size_t health_coming(const struct health *read, const struct health_outlook **out,
                     size_t max)
{
    size_t n = 0;
    for (int is_late = 0; is_late < 2; is_late++) {
        for (size_t i = 0; i < read->n_forecasts && n < max; i++)
            if (is_limit_near(&read->forecasts[i]) &&
                (read->forecasts[i].value > 1) == (is_late == 1))
                out[n++] = &read->forecasts[i];
        for (size_t i = 0; is_late == 0 && i < read->n_predictions && n < max; i++)
            if (is_failure_near(&read->predictions[i]))
                out[n++] = &read->predictions[i];
    }
    return n;
}
