/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "tests/lib/fleet_world.h"

const char *const fleet_services[FLEET_SERVICES] = {"codegen_api", "codegen_eu"};

/* What a sound check of each name is like: the ratio of p_wrong to minutes falls. */
static const struct world_check sound[FLEET_CHECKS] = {
    {"lint",              0.7, 0.2,  0.05, 0, 200, 0.2,  8, 0},
    {"build",             2.5, 0.2,  0.05, 0, 700, 0.2,  8, 0},
    {"unit tests",        4,   0.25, 0.05, 0, 500, 0.25, 8, 0},
    {"integration tests", 7,   0.3,  0.04, 0, 800, 0.25, 8, 0},
    {"e2e tests",         9,   0.3,  0.02, 0, 900, 0.2,  8, 0},
};

struct rng world_rng(const struct fleet *fleet, int64_t workflow, int what, int which,
                     int attempt)
{
    struct rng rng;
    rng_init(&rng, fleet->seed * 0x9e3779b97f4a7c15u + (uint64_t)workflow);
    uint64_t state = rng_next(&rng);
    rng_init(&rng, state ^ ((uint64_t)what << 40) ^ ((uint64_t)which << 20) ^
                       (uint64_t)attempt);
    (void)rng_next(&rng);
    return rng;
}

double world_normal(struct rng *rng)
{
    double u = 1 - rng_unit(rng), v = rng_unit(rng);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

double world_lognormal(struct rng *rng, double median, double sigma)
{
    return median * exp(sigma * world_normal(rng));
}

static double between(struct rng *rng, double low, double high)
{
    return low + (high - low) * rng_unit(rng);
}

static void make_pipeline(struct world_pipeline *p, size_t i, struct rng *rng)
{
    (void)snprintf(p->name, sizeof(p->name), "p%zu", i);
    (void)snprintf(p->repo, sizeof(p->repo), "/srv/git/r%zu", i);
    p->n_checks = 4 + (size_t)rng_below(rng, 2);
    for (size_t k = 0; k < p->n_checks; k++) {
        p->checks[k] = sound[k];
        p->checks[k].minutes *= between(rng, 0.85, 1.15);
        p->checks[k].p_wrong *= between(rng, 0.9, 1.1);
        p->order[k] = (int)k;
        p->timeouts[k] = 60;
    }
    p->cpu = 600;
    p->plan_minutes = between(rng, 0.5, 2);
    p->code_minutes = between(rng, 8, 16);
    p->code_sigma = between(rng, 0.4, 0.6);
    p->skill[0] = 1;
    p->skill[1] = between(rng, 1, 1.3);
    p->speed[0] = 1;
    p->speed[1] = between(rng, 1, 1.1);
    p->p_other = between(rng, 0.2, 0.35);
    p->p_find = between(rng, 0.04, 0.08);
    p->judge_minutes = between(rng, 2, 4);
    p->p_merge = between(rng, 0.01, 0.03);
    p->p_merge_bad = p->p_merge;
    p->coding = 8 * p->code_minutes;
    p->validation = 240;
    p->planning = 30;
    p->memory = 4096;
    p->retries = 3;
    p->parallel = 1;
    p->has_evaluator = true;
    p->window_to = 24;
}

/* A check may be a little flaky; then a retry is worth it. */
static void make_a_little_flaky(struct world_pipeline *p, struct rng *rng)
{
    size_t k = 2;
    p->checks[k].p_flake = between(rng, 0.01, 0.03);
    p->checks[k].p_wrong = 0.005;
    p->check_retries[k] = 1;
    /* it fails seldom: it belongs behind those that fail more often for what they cost */
    p->order[2] = 3;
    p->order[3] = 2;
}

static void plant_order(struct world_pipeline *p, struct rng *rng)
{
    for (size_t k = 0; k < p->n_checks; k++) {
        p->order[k] = (int)(p->n_checks - 1 - k);
        p->checks[k].p_wrong *= k < 2 ? between(rng, 2, 3) : 0.3;
    }
}

static void plant_parallel(struct world_pipeline *p, struct rng *rng)
{
    for (size_t k = 0; k < p->n_checks; k++) {
        p->checks[k].processors = between(rng, 0.3, 1);
    }
}

static void plant_agent(struct world_pipeline *p, struct rng *rng)
{
    p->skill[0] = between(rng, 3, 4.5);
    p->speed[0] = between(rng, 1.1, 1.4);
    p->skill[1] = between(rng, 0.5, 0.8);
    p->speed[1] = between(rng, 0.8, 1);
}

static void plant_in_pipeline(struct world_pipeline *p, enum fleet_flaw flaw,
                              struct rng *rng)
{
    size_t last = p->n_checks - 1;
    switch (flaw) {
    case FLAW_DEADLINE: /* between the 80th and the 90th of 100 */
        p->coding = p->code_minutes * exp(p->code_sigma * between(rng, 0.85, 1.3));
        break;
    case FLAW_RETRIES:
        p->checks[1].p_wrong = between(rng, 0.15, 0.25);
        p->check_retries[1] = (int)(2 + rng_below(rng, 2));
        break;
    case FLAW_ORDER:
        plant_order(p, rng);
        break;
    case FLAW_PARALLEL:
        plant_parallel(p, rng);
        break;
    case FLAW_EVALUATOR:
        p->p_find = 0;
        break;
    case FLAW_QUARANTINE:
        p->checks[last].p_flake = between(rng, 0.15, 0.3);
        p->checks[last].p_wrong = between(rng, 0, 0.005);
        p->check_retries[last] = (int)(1 + rng_below(rng, 2));
        break;
    case FLAW_AGENT:
        plant_agent(p, rng);
        break;
    case FLAW_MERGE_WINDOW:
        p->bad_from = (int)rng_below(rng, 24);
        p->bad_hours = (int)(4 + rng_below(rng, 5));
        p->p_merge_bad = between(rng, 0.2, 0.35);
        break;
    case FLAW_TIMEOUT:
        p->checks[1].p_hang = between(rng, 0.05, 0.08);
        p->timeouts[1] = between(rng, 40, 80);
        break;
    case FLAW_CPU: /* the last check is at its 82nd to 92nd of 100 */
        p->cpu = p->checks[last].minutes * p->checks[last].processors *
                 exp(p->checks[last].sigma * between(rng, 0.9, 1.4));
        break;
    default: /* of memory: the largest check is at its 82nd to 92nd of 100 */
        p->memory = p->checks[last].memory *
                    exp(p->checks[last].memory_sigma * between(rng, 0.9, 1.4));
        break;
    }
}

static void make_load(struct fleet *fleet, unsigned flaws, struct rng *rng)
{
    fleet->arrivals = between(rng, 0.3, 0.4);
    fleet->p_world = between(rng, 0.01, 0.02);
    fleet->outage = between(rng, 0.1, 0.3);
    fleet->backoff = between(rng, 0.3, 0.5);
    for (size_t i = 0; i < FLEET_SERVICES; i++) {
        fleet->poll[i] = 1;
        fleet->failures[i] = 5;
        fleet->open[i] = 1;
    }
    if ((flaws >> FLAW_BREAKER & 1) != 0) {
        struct rng own = world_rng(fleet, -1, 1, FLAW_BREAKER, 0);
        fleet->p_call[0] = between(&own, 0.1, 0.14);
        fleet->failures[0] = 2;
        fleet->open[0] = between(&own, 8, 15);
    }
    if ((flaws >> FLAW_POLL & 1) != 0) {
        struct rng own = world_rng(fleet, -1, 1, FLAW_POLL, 0);
        fleet->poll[0] = between(&own, 8, 15);
    }
    if ((flaws >> FLAW_BACKOFF & 1) != 0) {
        fleet->p_world = between(rng, 0.02, 0.04);
        fleet->backoff = between(rng, 6, 12);
    }
}

struct demand {
    double held, coding[FLEET_SERVICES]; /* minutes in all */
};

static void count_demand(void *user, const struct feature_source *source)
{
    struct demand *demand = user;
    const struct workflow_row *row = source->workflow;
    demand->held += (double)(row->finished_at.ms - row->started_at.ms) / 60000;
    for (size_t i = 0; i < source->n_effects; i++) {
        const struct effect_row *effect = &source->effects[i];
        for (size_t k = 0; k < FLEET_SERVICES; k++) {
            bool is_its = strcmp(effect->provider, fleet_services[k]) == 0;
            double ms = (double)(effect->finished_at.ms - effect->started_at.ms);
            demand->coding[k] += is_its ? ms / 60000 : 0;
        }
    }
}

/* Slots and places for what this fleet needs, found by looking: enough, or, when that is the flaw,
 * so few that work waits. */
#define LOOKED_AT 1500
static void make_room(struct fleet *fleet, unsigned flaws, struct rng *rng)
{
    struct demand demand = {.held = 0};
    fleet->max_running = 100000;
    for (size_t i = 0; i < FLEET_SERVICES; i++) {
        fleet->places[i] = 100000;
    }
    fleet_run(fleet, 900001, LOOKED_AT, count_demand, &demand);
    double rate = fleet->arrivals / LOOKED_AT;
    bool is_full = (flaws >> FLAW_CONCURRENCY & 1) != 0;
    bool is_narrow = (flaws >> FLAW_BULKHEAD & 1) != 0;
    bool is_small = (flaws >> FLAW_SCALE & 1) != 0;
    double room = is_full ? 1 / between(rng, 0.9, 0.96) : between(rng, 2, 2.5);
    fleet->max_running = (int)ceil(rate * demand.held * room);
    for (size_t i = 0; i < FLEET_SERVICES; i++) {
        bool is_few = i == 0 ? is_narrow : is_small;
        double places = is_few ? 1 / between(rng, 0.85, 0.93) : 3;
        fleet->places[i] = (int)ceil(rate * demand.coding[i] * places) + (is_few ? 0 : 2);
    }
    if (is_small) {
        fleet->scale = (struct scale_choice){.name = "machines",
                                             .service = fleet_services[1],
                                             .adds = 2,
                                             .has_down = true};
    }
}

struct fleet *fleet_new(uint64_t seed, unsigned flaws)
{
    struct fleet *fleet = mem_alloc(sizeof(*fleet));
    struct rng rng;
    rng_init(&rng, seed * 77 + 5);
    fleet->seed = seed;
    for (size_t i = 0; i < FLEET_PIPELINES; i++) {
        make_pipeline(&fleet->pipelines[i], i, &rng);
    }
    make_a_little_flaky(&fleet->pipelines[0], &rng);
    make_load(fleet, flaws, &rng);
    /* what would hide each other is kept apart: order and parallel, quarantine and limits
     * (the same check), order and quarantine, retries and agent */
    static const int apart[FLAW_COUNT] = {
        [FLAW_ORDER] = 0,    [FLAW_PARALLEL] = 1,  [FLAW_QUARANTINE] = 2,
        [FLAW_LIMITS] = 3,   [FLAW_AGENT] = 1,     [FLAW_RETRIES] = 3,
        [FLAW_DEADLINE] = 2, [FLAW_EVALUATOR] = 0, [FLAW_MERGE_WINDOW] = 3,
        [FLAW_TIMEOUT] = 2,  [FLAW_CPU] = 1};
    size_t turn = 1 + (size_t)rng_below(&rng, FLEET_PIPELINES);
    for (int flaw = 0; flaw < FLAW_COUNT; flaw++) {
        char *scope = fleet->scopes[flaw];
        struct rng own = world_rng(fleet, -1, 1, flaw, 0);
        if ((flaws >> flaw & 1) == 0) {
            (void)snprintf(scope, sizeof(fleet->scopes[0]), "-");
        } else if (flaw == FLAW_BULKHEAD || flaw == FLAW_POLL || flaw == FLAW_BREAKER) {
            (void)snprintf(scope, sizeof(fleet->scopes[0]), "service:%s",
                           fleet_services[0]);
        } else if (flaw != FLAW_BACKOFF && flaw != FLAW_CONCURRENCY &&
                   flaw != FLAW_SCALE) {
            size_t at = ((size_t)apart[flaw] + turn) % FLEET_PIPELINES;
            struct world_pipeline *p = &fleet->pipelines[at];
            (void)snprintf(scope, sizeof(fleet->scopes[0]), "pipeline:p%zu", at);
            plant_in_pipeline(p, (enum fleet_flaw)flaw, &own);
        }
    }
    make_room(fleet, flaws, &rng);
    return fleet;
}

void fleet_free(struct fleet *fleet)
{
    free(fleet);
}

void fleet_on_change(struct fleet *fleet, fleet_change *change, void *user)
{
    fleet->on_change = change;
    fleet->change_user = user;
}

const struct scale_choice *fleet_scale(const struct fleet *fleet)
{
    return fleet->scale.adds > 0 ? &fleet->scale : NULL;
}

const char *fleet_flaw_scope(const struct fleet *fleet, enum fleet_flaw flaw)
{
    return fleet->scopes[flaw];
}

/* ---- settings ------------------------------------------------------------------------- */

/* Its index; FLEET_PIPELINES: it is none. */
static size_t pipeline_of(const struct fleet *fleet, const char *scope)
{
    size_t i = 0;
    while (i < FLEET_PIPELINES && (strncmp(scope, "pipeline:", 9) != 0 ||
                                   strcmp(scope + 9, fleet->pipelines[i].name) != 0)) {
        i++;
    }
    return i;
}

/* "checks/NAME.what": index of the check, or -1. */
static int check_of(const struct world_pipeline *p, const char *setting, const char *what)
{
    for (size_t k = 0; k < p->n_checks; k++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "checks/%s.%s", p->checks[k].name, what);
        if (strcmp(name, setting) == 0) {
            return (int)k;
        }
    }
    return -1;
}

static void put_minutes(char *out, size_t cap, double minutes)
{
    (void)snprintf(out, cap, "%llds", llround(minutes * 60));
}

static void put_order(const struct world_pipeline *p, char *out, size_t cap)
{
    size_t len = (size_t)snprintf(out, cap, "[");

    for (size_t k = 0; k < p->n_checks && len < cap; k++) {
        len += (size_t)snprintf(out + len, cap - len, "%s\"%s\"", k > 0 ? "," : "",
                                p->checks[p->order[k]].name);
    }
    (void)snprintf(out + len, cap - len, "]");
}

static bool get_of_pipeline(const struct world_pipeline *p, const char *setting,
                            char *out, size_t cap)
{
    int k = check_of(p, setting, "retries");
    if (k >= 0) {
        (void)snprintf(out, cap, "%d", p->check_retries[k]);
    } else if ((k = check_of(p, setting, "timeout")) >= 0) {
        put_minutes(out, cap, p->timeouts[k]);
    } else if (strcmp(setting, "limits.cpu") == 0) {
        put_minutes(out, cap, p->cpu);
    } else if ((k = check_of(p, setting, "quarantine")) >= 0) {
        (void)snprintf(out, cap, "%s", p->is_quarantined[k] ? "until then" : "");
    } else if (strcmp(setting, "limits.coding") == 0) {
        put_minutes(out, cap, p->coding);
    } else if (strcmp(setting, "limits.planning") == 0) {
        put_minutes(out, cap, p->planning);
    } else if (strcmp(setting, "limits.validation") == 0) {
        put_minutes(out, cap, p->validation);
    } else if (strcmp(setting, "limits.memory") == 0) {
        (void)snprintf(out, cap, "%lldMiB", llround(p->memory));
    } else if (strcmp(setting, "limits.retries") == 0) {
        (void)snprintf(out, cap, "%d", p->retries);
    } else if (strcmp(setting, "limits.parallel") == 0) {
        (void)snprintf(out, cap, "%d", p->parallel);
    } else if (strcmp(setting, "checks.order") == 0) {
        put_order(p, out, cap);
    } else if (strcmp(setting, "agent.provider") == 0) {
        (void)snprintf(out, cap, "%s", fleet_services[p->agent]);
    } else if (strcmp(setting, "evaluator.use") == 0) {
        (void)snprintf(out, cap, "%s", p->has_evaluator ? "true" : "false");
    } else if (strcmp(setting, "merge.window") == 0) {
        (void)snprintf(out, cap, "%s", p->window_to < 24 ? "hours" : "");
    } else {
        return false;
    }
    return true;
}

static bool get_of_service(const struct fleet *fleet, size_t i, const char *setting,
                           char *out, size_t cap)
{
    if (strcmp(setting, "concurrency") == 0) {
        (void)snprintf(out, cap, "%d", fleet->places[i]);
    } else if (strcmp(setting, "poll") == 0) {
        put_minutes(out, cap, fleet->poll[i]);
    } else if (strcmp(setting, "breaker.open") == 0) {
        put_minutes(out, cap, fleet->open[i]);
    } else if (strcmp(setting, "breaker.failures") == 0) {
        (void)snprintf(out, cap, "%d", fleet->failures[i]);
    } else {
        return false;
    }
    return true;
}

bool fleet_get(const struct fleet *fleet, const char *setting, const char *scope,
               char *ret_value, size_t cap)
{
    size_t at = pipeline_of(fleet, scope);
    if (at < FLEET_PIPELINES) {
        return get_of_pipeline(&fleet->pipelines[at], setting, ret_value, cap);
    }
    if (scope[0] == '\0' && strcmp(setting, "max_running") == 0) {
        (void)snprintf(ret_value, cap, "%d", fleet->max_running);
        return true;
    }
    if (strcmp(setting, "scale/machines") == 0 && fleet->scale.adds > 0) {
        (void)snprintf(ret_value, cap, "%s", fleet->is_scaled ? "up" : "");
        return true;
    }
    if (scope[0] == '\0' && strcmp(setting, "recovery.backoff") == 0) {
        put_minutes(ret_value, cap, fleet->backoff);
        return true;
    }
    for (size_t i = 0; i < FLEET_SERVICES; i++) {
        if (strncmp(scope, "service:", 8) == 0 &&
            strcmp(scope + 8, fleet_services[i]) == 0) {
            return get_of_service(fleet, i, setting, ret_value, cap);
        }
    }
    return false;
}

static bool set_order(struct world_pipeline *p, const char *value)
{
    int order[FLEET_CHECKS];
    size_t n = 0;
    const char *at = value + 1;
    while (*at != '\0' && *at != ']' && n < p->n_checks) {
        at += strspn(at, ",\"");
        size_t len = strcspn(at, "\"");
        order[n] = -1;
        for (size_t k = 0; k < p->n_checks; k++) {
            if (strlen(p->checks[k].name) == len &&
                strncmp(p->checks[k].name, at, len) == 0) {
                order[n] = (int)k;
            }
        }
        if (order[n] < 0) {
            return false;
        }
        n++;
        at += len + (at[len] == '"' ? 1 : 0);
    }
    if (value[0] != '[' || n != p->n_checks) {
        return false;
    }
    memcpy(p->order, order, n * sizeof(order[0]));
    return true;
}

static bool set_window(struct world_pipeline *p, const char *value)
{
    int from, from_minute, to, to_minute;
    if (sscanf(value, "%d:%d-%d:%d", &from, &from_minute, &to, &to_minute) != 4) {
        return false;
    }
    p->window_from = from + from_minute / 60.0;
    p->window_to = to + to_minute / 60.0;
    return true;
}

static bool set_of_pipeline(struct world_pipeline *p, const char *setting,
                            const char *value)
{
    struct span span = {0};
    int k = check_of(p, setting, "retries");
    bool is_span = span_parse(value, &span);
    double minutes = (double)span.ms / 60000;
    long number = strtol(value, NULL, 10);
    if (k >= 0) {
        p->check_retries[k] = (int)number;
    } else if ((k = check_of(p, setting, "timeout")) >= 0 && is_span) {
        p->timeouts[k] = minutes;
    } else if (strcmp(setting, "limits.cpu") == 0 && is_span) {
        p->cpu = minutes;
    } else if ((k = check_of(p, setting, "quarantine")) >= 0) {
        p->is_quarantined[k] = true;
    } else if (strcmp(setting, "limits.coding") == 0 && is_span) {
        p->coding = minutes;
    } else if (strcmp(setting, "limits.memory") == 0) {
        p->memory = (double)number * (strstr(value, "GiB") != NULL ? 1024 : 1);
    } else if (strcmp(setting, "limits.parallel") == 0) {
        p->parallel = (int)number;
    } else if (strcmp(setting, "limits.retries") == 0) {
        p->retries = (int)number;
    } else if (strcmp(setting, "checks.order") == 0) {
        return set_order(p, value);
    } else if (strcmp(setting, "agent.provider") == 0) {
        p->agent = strcmp(value, fleet_services[0]) == 0 ? 0 : 1;
    } else if (strcmp(setting, "evaluator.use") == 0) {
        p->has_evaluator = strcmp(value, "true") == 0;
    } else if (strcmp(setting, "merge.window") == 0) {
        return set_window(p, value);
    } else {
        return false;
    }
    return true;
}

static bool set_of_service(struct fleet *fleet, size_t i, const char *setting,
                           const char *value)
{
    struct span span = {0};
    bool is_span = span_parse(value, &span);
    if (strcmp(setting, "concurrency") == 0) {
        fleet->places[i] = (int)strtol(value, NULL, 10);
    } else if (strcmp(setting, "breaker.failures") == 0) {
        fleet->failures[i] = (int)strtol(value, NULL, 10);
    } else if (strcmp(setting, "poll") == 0 && is_span) {
        fleet->poll[i] = (double)span.ms / 60000;
    } else if (strcmp(setting, "breaker.open") == 0 && is_span) {
        fleet->open[i] = (double)span.ms / 60000;
    } else {
        return false;
    }
    return true;
}

bool fleet_set(struct fleet *fleet, const char *setting, const char *scope,
               const char *value)
{
    size_t at = pipeline_of(fleet, scope);
    if (at < FLEET_PIPELINES) {
        return set_of_pipeline(&fleet->pipelines[at], setting, value);
    }
    struct span span;
    if (strcmp(setting, "max_running") == 0) {
        fleet->max_running = (int)strtol(value, NULL, 10);
        return true;
    }
    if (strcmp(setting, "scale/machines") == 0 && strcmp(value, "up") == 0) {
        fleet->is_scaled = true;
        fleet->places[1] += fleet->scale.adds;
        return true;
    }
    if (strcmp(setting, "recovery.backoff") == 0 && span_parse(value, &span)) {
        fleet->backoff = (double)span.ms / 60000;
        return true;
    }
    for (size_t i = 0; i < FLEET_SERVICES; i++) {
        if (strncmp(scope, "service:", 8) == 0 &&
            strcmp(scope + 8, fleet_services[i]) == 0) {
            return set_of_service(fleet, i, setting, value);
        }
    }
    return false;
}
