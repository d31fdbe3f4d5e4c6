/* SPDX-License-Identifier: MIT */

/*
 * Predictions: one for each run at its start, one for each service and hour; each is kept as a
 * row, and scored when its outcome is known.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/monitor/monitor_private.h"

#define HOUR_MS INT64_C(3600000)

/* ---- what waits for its outcome ---- */

struct pending *monitor_find_pending(struct monitor *monitor, enum model model,
                                     int64_t workflow, int64_t effect)
{
    for (size_t i = 0; i < PENDINGS_MAX; i++) {
        struct pending *pending = &monitor->memory->pendings[i];
        if (pending->prediction != 0 && pending->model == (int32_t)model &&
            pending->workflow == workflow && pending->effect == effect) {
            return pending;
        }
    }
    return NULL;
}

/* The same one again keeps its number, so that its row is written over. */
struct pending *monitor_add_pending(struct monitor *monitor, enum model model,
                                    int64_t workflow, int64_t effect)
{
    struct pending *pending = monitor_find_pending(monitor, model, workflow, effect);
    int64_t number = pending != NULL ? pending->prediction : 0;
    if (pending == NULL) {
        pending = &monitor->memory->pendings[0];
        for (size_t i = 0; i < PENDINGS_MAX && pending->prediction != 0; i++) {
            struct pending *other = &monitor->memory->pendings[i];
            if (other->prediction < pending->prediction) {
                pending = other; /* free, or the oldest */
            }
        }
        number = monitor->memory->next_prediction++;
    }
    *pending = (struct pending){.prediction = number,
                                .workflow = workflow,
                                .effect = effect,
                                .model = (int32_t)model};
    return pending;
}

static struct scorecard *card_of(struct monitor *monitor, enum model model)
{
    return &monitor->memory->cards.cards[model];
}

/* ---- runs ---- */

static enum model model_of(const struct observer_run *run)
{
    return run->effect != 0 ? MODEL_STEP : MODEL_WORKFLOW;
}

static const char *subject_of(const struct observer_run *run, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s:%s", run->effect != 0 ? "step" : "pipeline", run->name);
    return out;
}

/* {"repo","effect","reasons":[{"text","weight"}],"q80"} */
static char *detail_of(const struct observer_run *run,
                       const struct failure_answer *answer,
                       const struct duration_answer *duration)
{
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, 4096);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "repo", run->repo);
    jsonw_int(&w, "effect", run->effect);
    jsonw_num(&w, "q80", duration->p80);
    jsonw_open(&w, "reasons", '[');
    for (size_t i = 0; i < answer->n_reasons; i++) {
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "text", answer->reasons[i].text);
        jsonw_num(&w, "weight", answer->reasons[i].weight);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    return buf_take(&buf, NULL);
}

void monitor_on_begun(void *context, const struct observer_run *run)
{
    struct monitor *monitor = context;
    struct failure_answer answer;
    struct duration_answer duration;
    char subject[160];
    failure_predict(monitor->failure, run->context, &answer);
    duration_predict(monitor->duration, run->context, &duration);
    bool is_again = observer_seq(monitor->observer) <= monitor->saved_runs_seq;
    if (is_again || monitor_find_pending(monitor, model_of(run), run->workflow,
                                         run->effect) != NULL) {
        return; /* told again after a restart: what was said counts, or was scored */
    }
    struct pending *pending =
        monitor_add_pending(monitor, model_of(run), run->workflow, run->effect);
    pending->p = answer.p;
    pending->low = duration.p10;
    pending->mid = duration.p50;
    pending->high = duration.p90;
    AUTO_FREE char *detail = detail_of(run, &answer, &duration);
    monitor_put_prediction(monitor,
                           &(struct metric_prediction){
                               .id = pending->prediction,
                               .workflow = run->workflow,
                               .kind = model_key(model_of(run)),
                               .subject = subject_of(run, subject, sizeof(subject)),
                               .at = run->at,
                               .p = answer.p,
                               .base = answer.base,
                               .n = answer.n,
                               .q10 = duration.p10,
                               .q50 = duration.p50,
                               .q90 = duration.p90,
                               .outcome = (double)NAN,
                               .detail = detail,
                           });
}

void monitor_on_ended(void *context, const struct observer_run *run,
                      enum observer_verdict verdict, double seconds)
{
    struct monitor *monitor = context;
    enum model model = model_of(run);
    struct pending *pending =
        monitor_find_pending(monitor, model, run->workflow, run->effect);
    uint64_t id = observer_run_id(run->workflow, run->effect);
    bool has_failed = verdict == OBSERVER_FAILED;
    if (verdict == OBSERVER_NO_VERDICT) {
        failure_forget(monitor->failure, id);
        duration_forget(monitor->duration, id);
    } else {
        (void)failure_observe(monitor->failure, id, has_failed, run->at);
        (void)duration_observe(monitor->duration, id, has_failed, seconds);
    }
    if (pending == NULL) {
        return; /* told again after a restart, or displaced */
    }
    if (verdict != OBSERVER_NO_VERDICT) {
        scorecard_add(card_of(monitor, model), pending->p, has_failed);
        if (!has_failed) {
            scorecard_add_duration(card_of(monitor, model), pending->mid, pending->low,
                                   pending->high, seconds);
        }
        monitor_put_score(monitor, pending->prediction, run->at, has_failed ? 1 : 0);
    }
    pending->prediction = 0;
}

/* ---- services ---- */

/* Will its breaker open within the hour? Asked while it is closed. */
static void begin_hour(struct monitor *monitor, struct wall now,
                       const struct service_row *row, const struct service_detail *detail,
                       int64_t key)
{
    struct failure_context context;
    struct failure_answer answer;
    char subject[120];
    int64_t hour = now.ms / HOUR_MS;
    failure_context_init(&context, failure_hash_with((uint64_t)key, (uint64_t)hour), now);
    failure_context_text(&context, "service", FAILURE_KIND, row->name);
    failure_context_text(&context, "kind", FAILURE_KIND, row->kind);
    failure_context_number(&context, "failure_percent", FAILURE_NUMBER,
                           (double)detail->failure_percent);
    failure_context_number(&context, "slow_percent", FAILURE_NUMBER,
                           (double)detail->slow_percent);
    failure_context_number(&context, "p95", FAILURE_NUMBER, (double)detail->p95_ms);
    failure_context_number(&context, "waiting", FAILURE_NUMBER, (double)detail->waiting);
    failure_context_number(&context, "anomalies", FAILURE_NUMBER, monitor->now.anomalies);
    failure_predict(monitor->breaking, &context, &answer);
    struct pending *pending = monitor_add_pending(monitor, MODEL_SERVICE, 0, key);
    pending->p = answer.p;
    pending->low = pending->mid = pending->high = (double)NAN;
    pending->since = 0;
    pending->due.ms = (hour + 1) * HOUR_MS;
    (void)snprintf(subject, sizeof(subject), "service:%s", row->name);
    monitor->are_models_dirty = true;
    monitor_put_prediction(monitor, &(struct metric_prediction){
                                        .id = pending->prediction,
                                        .kind = model_key(MODEL_SERVICE),
                                        .subject = subject,
                                        .at = now,
                                        .p = answer.p,
                                        .base = answer.base,
                                        .n = answer.n,
                                        .q10 = (double)NAN,
                                        .q50 = (double)NAN,
                                        .q90 = (double)NAN,
                                        .outcome = (double)NAN,
                                        .detail = "",
                                    });
}

static void end_hour(struct monitor *monitor, struct wall now, struct pending *pending)
{
    bool has_opened = pending->since > 0;
    int64_t hour = pending->due.ms / HOUR_MS - 1;
    uint64_t id = failure_hash_with((uint64_t)pending->effect, (uint64_t)hour);
    (void)failure_observe(monitor->breaking, id, has_opened, now);
    scorecard_add(card_of(monitor, MODEL_SERVICE), pending->p, has_opened);
    monitor_put_score(monitor, pending->prediction, now, has_opened ? 1 : 0);
    pending->prediction = 0;
    monitor->are_models_dirty = true;
}

void monitor_predict_services(struct monitor *monitor, struct wall now,
                              const struct service_row *rows,
                              const struct service_detail *details, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t key = (int64_t)(failure_hash(rows[i].name) >> 1);
        struct pending *pending = monitor_find_pending(monitor, MODEL_SERVICE, 0, key);
        bool is_open = rows[i].state == BREAKER_OPEN;
        if (pending != NULL && is_open) {
            pending->since = 1;
        }
        if (pending != NULL && pending->due.ms <= now.ms) {
            end_hour(monitor, now, pending);
            pending = NULL;
        }
        if (pending == NULL && rows[i].state == BREAKER_CLOSED) {
            begin_hour(monitor, now, &rows[i], &details[i], key);
        }
    }
}
