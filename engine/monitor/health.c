/* SPDX-License-Identifier: MIT */
#include "engine/monitor/health.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "engine/base/json.h"
#include "engine/monitor/reading.h"

#define SOON_DAYS    3.0  /* a limit that is reached then degrades */
#define ADVISED_DAYS 21.0 /* and then it is worth saying */
#define LIKELY       0.7  /* chance of a failure that is worth a look */

const char *health_word(enum health_status status)
{
    static const char *const words[] = {
#define X(id, word, number) [id] = word,
        HEALTH_LIST(X)
#undef X
    };
    return words[status];
}

int health_exit_status(enum health_status status)
{
    static const int numbers[] = {
#define X(id, word, number) [id] = number,
        HEALTH_LIST(X)
#undef X
    };
    return numbers[status];
}

const char *health_metric_word(enum health_metric_status status)
{
    static const char *const words[] = {[HEALTH_METRIC_OK] = "ok",
                                        [HEALTH_METRIC_ANOMALOUS] = "anomalous",
                                        [HEALTH_METRIC_STALE] = "stale",
                                        [HEALTH_METRIC_UNKNOWN] = "unknown"};
    return words[status];
}

/* ---- judging --------------------------------------------------------------------------- */

struct judge {
    struct health *health;
    struct arena *arena;
};

/* Of equals the first stays first. */
static void advise(const struct judge *j, enum severity severity, const char *component,
                   const char *text, const char *because, int64_t incident)
{
    struct health *health = j->health;
    size_t at = health->n_advice;
    for (size_t i = 0; i < health->n_advice; i++) {
        if (strcmp(health->advice[i].text, text) == 0) {
            return; /* once is enough */
        }
    }
    while (at > 0 && health->advice[at - 1].severity < severity) {
        at--;
    }
    if (at >= HEALTH_RECOMMENDATIONS_MAX) {
        return;
    }
    size_t n = health->n_advice < HEALTH_RECOMMENDATIONS_MAX ? health->n_advice + 1
                                                             : health->n_advice;
    memmove(&health->advice[at + 1], &health->advice[at],
            (n - at - 1) * sizeof(*health->advice));
    health->advice[at] = (struct health_advice){
        severity, component, arena_str(j->arena, text), because, incident};
    health->n_advice = n;
}

static void say(const struct judge *j, enum health_status status, const char *reason)
{
    struct health *health = j->health;
    if (status > health->status) {
        health->status = status;
    }
    if (health->n_reasons < HEALTH_REASONS_MAX) {
        health->reasons[health->n_reasons++] = reason;
    }
}

static const struct anomaly_row *worst_of(const struct health *health, int64_t incident)
{
    const struct anomaly_row *worst = NULL;
    for (size_t i = 0; i < health->n_anomalies; i++) {
        const struct anomaly_row *row = &health->anomalies[i];
        if (row->incident == incident &&
            (worst == NULL || row->severity > worst->severity ||
             (row->severity == worst->severity &&
              row->began_at.ms < worst->began_at.ms))) {
            worst = row;
        }
    }
    return worst;
}

static void judge_engine(const struct judge *j)
{
    const struct health *health = j->health;
    if (!health->has_engine) {
        say(j, HEALTH_HUMAN, "no engine runs: nothing moves, nothing is watched");
        advise(j, SEVERITY_CRITICAL, "engine", "start the engine: signalbox serve",
               "no engine holds the store", 0);
    } else if (health->engine_fault[0] != '\0') {
        say(j, HEALTH_HUMAN,
            arena_printf(j->arena, "the engine cannot write: %s", health->engine_fault));
        advise(j, SEVERITY_CRITICAL, "engine", "look at signalbox status for what to do",
               health->engine_fault, 0);
    } else if (!wall_is_set(health->monitor_at)) {
        say(j, HEALTH_DEGRADED, "the monitor has not looked yet");
    } else if (health->at.ms - health->monitor_at.ms > HEALTH_STALE_MS) {
        say(j, HEALTH_DEGRADED, "the monitor has not looked for more than 10 minutes");
        advise(j, SEVERITY_HIGH, "engine",
               "see whether the metrics file can be written, and start the engine again",
               "the newest figures are old", 0);
    }
}

static void judge_people(const struct judge *j)
{
    int64_t n = 0;
    for (int i = 0; i < WAIT_COUNT; i++) {
        n += wait_needs_human((enum workflow_wait)i) ? j->health->totals.by_wait[i] : 0;
    }
    if (n > 0) {
        const char *text = arena_printf(j->arena, "%lld workflow%s for a person",
                                        (long long)n, n == 1 ? " waits" : "s wait");
        say(j, HEALTH_HUMAN, text);
        advise(j, SEVERITY_HIGH, "engine", "answer what waits for you: signalbox status",
               text, 0);
    }
}

static void advise_incident(const struct judge *j, const struct incident_row *row)
{
    const struct anomaly_row *worst = worst_of(j->health, row->id);
    struct err ignored = ERR_INIT;
    struct json *detail =
        worst != NULL ? json_parse(worst->detail, strlen(worst->detail), &ignored) : NULL;
    const struct json *actions = json_get(detail, "actions");
    for (size_t i = 0; i < json_len(actions) && i < 2; i++) {
        const char *text = json_text(json_at(actions, i));
        if (text != NULL) {
            advise(j, row->severity, row->cause, text, row->text, row->id);
        }
    }
    json_free(detail);
}

static void judge_incidents(const struct judge *j)
{
    for (size_t i = 0; i < j->health->n_incidents; i++) {
        const struct incident_row *row = &j->health->incidents[i];
        bool is_quiet = row->inhibited_by[0] != '\0' || row->state == INCIDENT_RESOLVED;
        if (is_quiet || row->severity < SEVERITY_MEDIUM) {
            continue;
        }
        bool needs_human =
            row->severity == SEVERITY_CRITICAL && row->state == INCIDENT_OPEN;
        say(j, needs_human ? HEALTH_HUMAN : HEALTH_DEGRADED,
            arena_printf(j->arena, "incident %lld, %s: %s", (long long)row->id,
                         severity_word(row->severity), row->text));
        advise_incident(j, row);
    }
}

static void judge_services(const struct judge *j)
{
    for (size_t i = 0; i < j->health->n_services; i++) {
        const struct service_row *row = &j->health->services[i];
        if (row->state != BREAKER_OPEN && row->state != BREAKER_FORCED_OPEN) {
            continue;
        }
        const char *text = arena_printf(j->arena, "the breaker of %s is %s%s%s",
                                        row->name, breaker_state_word(row->state),
                                        row->reason[0] != '\0' ? ": " : "", row->reason);
        say(j, HEALTH_DEGRADED, text);
        advise(j, SEVERITY_MEDIUM, arena_printf(j->arena, "service:%s", row->name),
               arena_printf(j->arena,
                            "look at the service: signalbox services %s; work that needs "
                            "it goes on by itself",
                            row->name),
               text, 0);
    }
}

static void judge_outlooks(const struct judge *j)
{
    const struct health *health = j->health;
    for (size_t i = 0; i < health->n_forecasts; i++) {
        const struct health_outlook *row = &health->forecasts[i];
        if (!row->is_trusted || !(row->value <= ADVISED_DAYS)) {
            continue; /* what does not beat its baseline triggers nothing */
        }
        bool is_soon = row->value <= SOON_DAYS;
        if (is_soon) {
            say(j, HEALTH_DEGRADED, row->text);
        }
        advise(j, is_soon ? SEVERITY_HIGH : SEVERITY_LOW, row->what,
               arena_printf(j->arena, "make room before %s is full", row->what),
               row->text, 0);
    }
    for (size_t i = 0; i < health->n_predictions; i++) {
        const struct health_outlook *row = &health->predictions[i];
        if (row->is_trusted && row->value >= LIKELY) {
            advise(j, SEVERITY_LOW, row->what,
                   arena_printf(j->arena, "look at %s before it fails", row->what),
                   row->text, 0);
        }
    }
}

static const struct anomaly_row *anomaly_of(const struct judge *j,
                                            const struct health_metric *metric)
{
    const char *name =
        metric->labels[0] == '\0'
            ? metric->name
            : arena_printf(j->arena, "%s{%s}", metric->name, metric->labels);
    for (size_t i = 0; i < j->health->n_anomalies; i++) {
        if (strcmp(j->health->anomalies[i].series, name) == 0) {
            return &j->health->anomalies[i];
        }
    }
    return NULL;
}

static void judge_metrics(const struct judge *j)
{
    for (size_t i = 0; i < j->health->n_metrics; i++) {
        struct health_metric *metric = &j->health->metrics[i];
        const struct anomaly_row *row =
            j->health->n_anomalies > 0 ? anomaly_of(j, metric) : NULL;
        metric->low = row != NULL ? row->low : metric->low;
        metric->high = row != NULL ? row->high : metric->high;
        metric->status = isnan(metric->value) ? HEALTH_METRIC_UNKNOWN
                         : j->health->at.ms - metric->at.ms > HEALTH_STALE_MS
                             ? HEALTH_METRIC_STALE
                         : row != NULL ? HEALTH_METRIC_ANOMALOUS
                                       : HEALTH_METRIC_OK;
    }
}

void health_judge(struct health *health, struct arena *arena)
{
    const struct judge j = {health, arena};
    health->status = HEALTH_HEALTHY;
    health->reasons = arena_array(arena, HEALTH_REASONS_MAX, sizeof(*health->reasons));
    health->advice =
        arena_array(arena, HEALTH_RECOMMENDATIONS_MAX, sizeof(*health->advice));
    health->n_reasons = health->n_advice = 0;
    judge_engine(&j);
    judge_people(&j);
    judge_incidents(&j);
    judge_services(&j);
    judge_outlooks(&j);
    judge_metrics(&j);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static void write_wall(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    jsonw_str(w, key, wall_is_set(at) ? wall_format(at, true, text) : NULL);
}

/* An object of the store, as it is; {} when it is none. */
static void write_detail(struct jsonw *w, const char *detail)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(detail, strlen(detail), &ignored);
    if (root != NULL && json_is_an_object(root)) {
        jsonw_raw(w, "detail", detail, strlen(detail));
    } else {
        jsonw_open(w, "detail", '{');
        jsonw_close(w, '}');
    }
    json_free(root);
}

void health_write_anomaly(struct jsonw *w, const struct anomaly_row *row)
{
    jsonw_int(w, "id", row->id);
    jsonw_int(w, "incident", row->incident);
    jsonw_str(w, "type", anomaly_word(row->type));
    jsonw_str(w, "severity", severity_word(row->severity));
    jsonw_str(w, "series", row->series);
    jsonw_str(w, "component", row->component);
    jsonw_str(w, "text", row->text);
    jsonw_num(w, "value", row->value);
    jsonw_num(w, "low", row->low);
    jsonw_num(w, "high", row->high);
    jsonw_num(w, "score", row->score);
    jsonw_str(w, "rule", row->rule[0] != '\0' ? row->rule : NULL);
    write_wall(w, "began_at", row->began_at);
    write_wall(w, "opened_at", row->opened_at);
    write_wall(w, "seen_at", row->seen_at);
    write_wall(w, "closed_at", row->closed_at);
    jsonw_str(w, "closed_by", row->closed_by[0] != '\0' ? row->closed_by : NULL);
    write_detail(w, row->detail);
}

static void write_links(struct jsonw *w, const char *links)
{
    struct err ignored = ERR_INIT;
    struct json *list = json_parse(links, strlen(links), &ignored);
    jsonw_open(w, "links", '[');
    for (size_t i = 0; i < json_len(list); i++) {
        jsonw_str(w, NULL, json_text(json_at(list, i)));
    }
    jsonw_close(w, ']');
    json_free(list);
}

void health_write_incident(struct jsonw *w, const struct incident_row *row)
{
    jsonw_int(w, "id", row->id);
    jsonw_str(w, "severity", severity_word(row->severity));
    jsonw_str(w, "state", incident_word(row->state));
    jsonw_str(w, "cause", row->cause);
    jsonw_str(w, "text", row->text);
    write_wall(w, "opened_at", row->opened_at);
    write_wall(w, "changed_at", row->changed_at);
    write_wall(w, "closed_at", row->closed_at);
    jsonw_int(w, "n_anomalies", row->n_anomalies);
    jsonw_int(w, "n_open", row->n_open);
    jsonw_str(w, "inhibited_by", row->inhibited_by[0] != '\0' ? row->inhibited_by : NULL);
    jsonw_str(w, "owner", row->owner[0] != '\0' ? row->owner : NULL);
    jsonw_str(w, "note", row->note[0] != '\0' ? row->note : NULL);
    write_wall(w, "acked_at", row->acked_at);
    jsonw_str(w, "claimed_by", row->claimed_by[0] != '\0' ? row->claimed_by : NULL);
    write_wall(w, "claimed_until", row->claimed_until);
    jsonw_str(w, "assignee", row->assignee[0] != '\0' ? row->assignee : NULL);
    write_links(w, row->links);
    write_detail(w, row->detail);
}

static void write_metrics(struct jsonw *w, const struct health *health)
{
    jsonw_open(w, "metrics", '{');
    for (int family = 0; family < FAMILY_COUNT; family++) {
        jsonw_open(w, family_name((enum metric_family)family), '[');
        for (size_t i = 0; i < health->n_metrics; i++) {
            const struct health_metric *metric = &health->metrics[i];
            if ((int)metric->family != family) {
                continue;
            }
            jsonw_open(w, NULL, '{');
            jsonw_str(w, "name", metric->name);
            jsonw_str(w, "labels", metric->labels);
            jsonw_str(w, "component", metric->component);
            jsonw_str(w, "unit", metric->unit);
            jsonw_num(w, "value", metric->value);
            jsonw_num(w, "low", metric->low);
            jsonw_num(w, "high", metric->high);
            write_wall(w, "at", metric->at);
            jsonw_str(w, "status", health_metric_word(metric->status));
            jsonw_close(w, '}');
        }
        jsonw_close(w, ']');
    }
    jsonw_close(w, '}');
    jsonw_int(w, "metrics_left_out", health->n_left_out);
}

static void write_outlook(struct jsonw *w, const struct health_outlook *row,
                          bool is_forecast)
{
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "what", row->what);
    jsonw_str(w, "text", row->text);
    if (is_forecast) {
        jsonw_num(w, "limit", row->limit);
        jsonw_num(w, "used", row->used);
        jsonw_num(w, "days", row->value);
        jsonw_num(w, "p_within", row->p_within);
    } else {
        jsonw_str(w, "unit", row->unit);
        jsonw_num(w, "value", row->value);
    }
    jsonw_num(w, "low", row->low);
    jsonw_num(w, "high", row->high);
    jsonw_bool(w, "is_trusted", row->is_trusted);
    jsonw_int(w, "n", row->n);
    jsonw_num(w, "skill", row->skill);
    jsonw_num(w, "coverage", row->coverage);
    jsonw_str(w, "verdict", row->verdict);
    jsonw_close(w, '}');
}

static void write_state(struct jsonw *w, const struct health *health)
{
    const struct totals *totals = &health->totals;
    int64_t humans = 0, running = 0;
    for (int i = 0; i < WAIT_COUNT; i++) {
        humans += wait_needs_human((enum workflow_wait)i) ? totals->by_wait[i] : 0;
    }
    for (int i = STATE_PLANNING; i <= STATE_VALIDATING; i++) {
        running += totals->by_state[i];
    }
    jsonw_open(w, "breakers", '[');
    for (size_t i = 0; i < health->n_services; i++) {
        jsonw_open(w, NULL, '{');
        jsonw_str(w, "service", health->services[i].name);
        jsonw_str(w, "state", breaker_state_word(health->services[i].state));
        write_wall(w, "since", health->services[i].since);
        jsonw_str(w, "reason", health->services[i].reason);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
    jsonw_open(w, "queue", '{');
    jsonw_int(w, "running", running);
    jsonw_int(w, "waiting", totals->by_wait[WAIT_SLOT]);
    jsonw_int(w, "needs_human", humans);
    jsonw_int(w, "limit", health->max_running);
    jsonw_close(w, '}');
    jsonw_open(w, "engine", '{');
    jsonw_bool(w, "is_running", health->has_engine);
    if (health->pid > 0) {
        jsonw_int(w, "pid", health->pid);
    } else {
        jsonw_null(w, "pid");
    }
    write_wall(w, "started_at", health->started_at);
    jsonw_str(w, "fault", health->engine_fault[0] != '\0' ? health->engine_fault : NULL);
    write_wall(w, "monitor_at", health->monitor_at);
    jsonw_int(w, "series", health->n_series);
    jsonw_close(w, '}');
}

static void write_advice(struct jsonw *w, const struct health *health)
{
    jsonw_open(w, "recommendations", '[');
    for (size_t i = 0; i < health->n_advice; i++) {
        const struct health_advice *row = &health->advice[i];
        jsonw_open(w, NULL, '{');
        jsonw_str(w, "severity", severity_word(row->severity));
        jsonw_str(w, "component", row->component);
        jsonw_str(w, "text", row->text);
        jsonw_str(w, "because", row->because);
        if (row->incident > 0) {
            jsonw_int(w, "incident", row->incident);
        } else {
            jsonw_null(w, "incident");
        }
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

void health_write(const struct health *health, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "version", HEALTH_VERSION);
    write_wall(&w, "at", health->at);
    jsonw_str(&w, "status", health_word(health->status));
    jsonw_open(&w, "reasons", '[');
    for (size_t i = 0; i < health->n_reasons; i++) {
        jsonw_str(&w, NULL, health->reasons[i]);
    }
    jsonw_close(&w, ']');
    write_metrics(&w, health);
    jsonw_open(&w, "anomalies", '[');
    for (size_t i = 0; i < health->n_anomalies; i++) {
        jsonw_open(&w, NULL, '{');
        health_write_anomaly(&w, &health->anomalies[i]);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_open(&w, "incidents", '[');
    for (size_t i = 0; i < health->n_incidents; i++) {
        jsonw_open(&w, NULL, '{');
        health_write_incident(&w, &health->incidents[i]);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_open(&w, "predictions", '[');
    for (size_t i = 0; i < health->n_predictions; i++) {
        write_outlook(&w, &health->predictions[i], false);
    }
    jsonw_close(&w, ']');
    jsonw_open(&w, "forecasts", '[');
    for (size_t i = 0; i < health->n_forecasts; i++) {
        write_outlook(&w, &health->forecasts[i], true);
    }
    jsonw_close(&w, ']');
    write_state(&w, health);
    write_advice(&w, health);
    jsonw_close(&w, '}');
}
