/* SPDX-License-Identifier: MIT */
#include "tests/lib/sim_world.h"

#include <inttypes.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"

#define KEYS 16384 /* effects of one workflow at most */

enum { CODEGEN, CODEGEN_EU, GITHUB, GRAINCHAIN, WEB_EVAL };

static char codegen[] = "codegen_api", codegen_eu[] = "codegen_eu",
            github[] = "github_api", grainchain[] = "grainchain", web[] = "web_eval";
/* clang-format off */
#define GATE {.ramp = {60000}, .breaker = {.half_open_calls = 2}}
const struct service_spec sim_services[SIM_SERVICES] = {
    [CODEGEN]    = {.name = codegen,    .kind = SERVICE_CODEGEN,    .gate = GATE},
    [CODEGEN_EU] = {.name = codegen_eu, .kind = SERVICE_CODEGEN,    .gate = GATE},
    [GITHUB]     = {.name = github,     .kind = SERVICE_GITHUB,     .gate = GATE},
    [GRAINCHAIN] = {.name = grainchain, .kind = SERVICE_GRAINCHAIN, .gate = GATE},
    [WEB_EVAL]   = {.name = web,        .kind = SERVICE_WEB_EVAL,   .gate = GATE},
};
/* clang-format on */

struct job {
    struct heap_node node;
    struct effect_row row; /* without strings */
    int n_starts;
    bool is_stopped;
    bool is_over; /* its outcome was ready once; it is delivered again when asked again */
    int service;  /* who performs it; -1: nobody here but ourselves */
    bool is_deferred, is_fallback;
    int n_beside; /* checks that it is performed for; 0 = for itself alone */
};

/* ---- weather ---- */

static int64_t minutes(struct sim_world *world, int from, int to)
{
    return 60000 *
           (from + (int64_t)rng_below(&world->weather, (uint64_t)(to - from + 1)));
}

void sim_world_init(struct sim_world *world, uint64_t seed, struct wall now,
                    bool has_services)
{
    world->seed = seed;
    world->has_services = has_services;
    world->now = now;
    rng_init(&world->weather, seed ^ 0x5eed);
    for (size_t i = 0; i < SIM_SERVICES; i++) {
        world->services[i].state = BREAKER_CLOSED;
        world->services[i].change_at.ms = now.ms + minutes(world, 1, 90);
    }
}

/* Closed for an hour or so, open for some minutes, half open for one. */
static void change(struct sim_world *world, struct sim_service *service)
{
    switch (service->state) {
    case BREAKER_CLOSED:
        service->state = BREAKER_OPEN;
        service->change_at.ms = world->now.ms + minutes(world, 2, 20);
        world->n_outages++;
        break;
    case BREAKER_OPEN:
        service->state = BREAKER_HALF_OPEN;
        service->change_at.ms = world->now.ms + minutes(world, 1, 1);
        break;
    default:
        service->state = rng_unit(&world->weather) < 0.3 ? BREAKER_OPEN : BREAKER_CLOSED;
        service->change_at.ms =
            world->now.ms + (service->state == BREAKER_OPEN ? minutes(world, 2, 20)
                                                            : minutes(world, 20, 120));
    }
    service->has_news = true;
}

struct service_report *sim_world_report(struct sim_world *world)
{
    for (size_t i = 0; world->has_services && i < SIM_SERVICES; i++) {
        struct sim_service *service = &world->services[i];
        if (service->change_at.ms <= world->now.ms) {
            change(world, service);
        }
        if (!service->has_news) {
            continue;
        }
        service->has_news = false;
        struct service_report *report = mem_alloc(sizeof(*report));
        bool is_open = service->state == BREAKER_OPEN;
        report->row = (struct service_row){
            .name = sim_services[i].name,
            .kind = service_kind_word(sim_services[i].kind),
            .state = service->state,
            .since = world->now,
            .until = is_open ? service->change_at : (struct wall){0},
            .reason = "",
            .detail = "{}",
            .memo = "{}",
            .updated_at = world->now,
        };
        report->event = mem_printf("breaker-%s", breaker_state_word(service->state));
        report->cause = mem_str("played");
        return report;
    }
    return NULL;
}

void sim_world_restart(struct sim_world *world)
{
    uint64_t lost = rng_below(&world->weather, SIM_SERVICES);
    for (size_t i = 0; i < SIM_SERVICES; i++) {
        world->services[i].has_news = i != lost;
    }
}

void sim_world_fini(struct sim_world *world)
{
    size_t iter = 0;
    void *item;
    while ((item = idmap_next(&world->jobs, &iter)) != NULL) {
        free(item);
    }
    iter = 0;
    while ((item = idmap_next(&world->workflows, &iter)) != NULL) {
        free(item);
    }
    idmap_fini(&world->jobs);
    idmap_fini(&world->workflows);
    heap_fini(&world->running);
}

static struct sim_merges *merges_of(struct sim_world *world, int64_t id)
{
    struct sim_merges *found = idmap_get(&world->workflows, id);
    if (found == NULL) {
        found = mem_alloc(sizeof(*found));
        idmap_put(&world->workflows, id, found);
    }
    return found;
}

struct sim_merges sim_world_merges(struct sim_world *world, int64_t workflow)
{
    return *merges_of(world, workflow);
}

void sim_world_serve(struct sim_world *world, int64_t workflow)
{
    merges_of(world, workflow)->is_served = true;
}

void sim_world_approve(struct sim_world *world, int64_t workflow)
{
    merges_of(world, workflow)->is_approved = true;
}

static struct rng dice(const struct sim_world *world, const struct effect_row *row)
{
    struct rng rng;
    rng_init(&rng, world->seed ^ ((uint64_t)row->workflow << 20) ^ (uint64_t)row->seq);
    (void)rng_next(&rng);
    return rng;
}

static void fail_as(struct effect_result *result, enum effect_status status,
                    enum blame blame, const char *summary)
{
    result->status = status;
    result->blame = blame;
    result->summary = mem_str(summary);
    result->excerpt = mem_str("error: played");
}

static void play_agent(struct effect_result *result, double luck)
{
    if (luck < 0.06) {
        fail_as(result, STATUS_FAILED, BLAME_WORLD, "the agent crashed");
    } else if (luck < 0.09) {
        fail_as(result, STATUS_TIMED_OUT, BLAME_WORLD, "the agent hung");
    } else if (luck < 0.10) {
        fail_as(result, STATUS_LOST, BLAME_WORLD, "the agent vanished");
    } else if (luck < 0.105) {
        fail_as(result, STATUS_REFUSED, BLAME_SETUP, "agent program not found");
    }
}

static void play_check(struct effect_result *result, double luck)
{
    if (luck < 0.12) {
        fail_as(result, STATUS_FAILED, BLAME_CHANGE, "tests failed");
    } else if (luck < 0.14) {
        fail_as(result, STATUS_TIMED_OUT, BLAME_CHANGE, "tests hung");
    } else if (luck < 0.16) {
        result->status = STATUS_FLAKY;
        result->tries = 2;
    } else if (luck < 0.18) {
        fail_as(result, STATUS_FAILED, BLAME_WORLD, "no space left");
    }
}

/* Checks side by side, as the runner tells of them: the first that did not pass, in their order,
 * decides; those behind one that has failed are ended, or were not begun. */
static void play_beside(struct effect_result *result, int n, struct rng *rng)
{
    int failed = n;
    effect_result_make_parts(result, (size_t)n);
    for (int i = 0; i < n; i++) {
        struct effect_result *part =
            effect_result_new(result->workflow, result->seq - n + 1 + i);
        result->parts[i] = part;
        part->status = STATUS_PASSED;
        play_check(part, rng_unit(rng));
        if (failed < n && rng_unit(rng) < 0.7) {
            part->status = rng_unit(rng) < 0.5 ? STATUS_CANCELLED : STATUS_SKIPPED;
            part->blame = BLAME_NONE;
        } else if (part->blame != BLAME_NONE && failed == n) {
            failed = i;
        }
    }
    const struct effect_result *of = result->parts[failed < n ? failed : n - 1];
    result->of = of->seq;
    if (failed < n) {
        fail_as(result, of->status, of->blame, of->summary);
    }
}

static void play_merge(struct sim_world *world, struct effect_result *result, double luck)
{
    struct sim_merges *merges = merges_of(world, result->workflow);
    if (merges->n_merges == merges->n_reverts) {
        if (luck < 0.08) {
            fail_as(result, STATUS_FAILED, BLAME_CHANGE, "merge conflict in a.c");
            return;
        }
        if (luck < 0.10) {
            fail_as(result, STATUS_FAILED, BLAME_OPERATOR, "uncommitted changes in a.c");
            return;
        }
        merges->n_merges++;
        world->n_merges++;
    }
    result->merge_sha = mem_printf("m%" PRId64, result->workflow);
}

static void play_forge(struct sim_world *world, const struct effect_row *row,
                       struct effect_result *result, double luck)
{
    struct sim_merges *merges = merges_of(world, row->workflow);
    switch (row->kind) {
    case EFFECT_WORKSPACE:
        result->branch = mem_printf("signalbox/wf-%" PRId64, row->workflow);
        result->base_sha = mem_str("b0");
        break;
    case EFFECT_COMMIT:
        if (luck < 0.03) {
            fail_as(result, STATUS_FAILED, BLAME_CHANGE, "the agent changed nothing");
        } else {
            result->head_sha =
                mem_printf("h%" PRId64 ".%" PRId64, row->workflow, row->seq);
        }
        break;
    case EFFECT_PULL_REQUEST:
        merges->n_pull_requests += merges->n_pull_requests == 0;
        result->pr_number = row->workflow;
        result->head_sha = mem_printf("h%" PRId64 ".p", row->workflow);
        break;
    case EFFECT_REVERT:
        if (luck < 0.1) {
            fail_as(result, STATUS_FAILED, BLAME_CHANGE, "conflict");
        } else {
            merges->n_reverts++;
        }
        break;
    case EFFECT_MERGE:
        play_merge(world, result, luck);
        break;
    default:
        break;
    }
}

/* One merge in seven breaks the base; one in twenty finds it broken before. */
static double fate(const struct sim_world *world, int64_t workflow)
{
    struct rng rng;
    rng_init(&rng, world->seed ^ (uint64_t)workflow * 0x9e3779b97f4a7c15u);
    (void)rng_next(&rng);
    return rng_unit(&rng);
}

bool sim_world_is_bad(const struct sim_world *world, int64_t workflow)
{
    return fate(world, workflow) < 0.15;
}

/* A look at the base. What passes may be red by chance, but not twice in a row. */
static void play_look(const struct sim_world *world, const struct effect_row *row,
                      struct effect_result *result, double luck)
{
    double f = fate(world, row->workflow);
    bool is_parent = row->kind == EFFECT_CONFIRM && row->step == 1;
    bool is_red = f >= 0.95 || (f < 0.15 && !is_parent) ||
                  (row->kind == EFFECT_WATCH && luck < 0.05);
    result->head_sha = mem_printf("m%" PRId64, row->workflow);
    if (luck > 0.97) {
        fail_as(result, STATUS_FAILED, BLAME_WORLD, "no space left");
    } else if (is_red) {
        fail_as(result, STATUS_FAILED, BLAME_CHANGE, "unit failed");
        result->red = 1;
    }
}

static void play(struct sim_world *world, const struct effect_row *row,
                 struct effect_result *result)
{
    struct rng rng = dice(world, row);
    double luck = rng_unit(&rng);
    result->status = STATUS_PASSED;
    switch (row->kind) {
    case EFFECT_PLAN:
        result->plan = mem_str("do it");
        play_agent(result, luck);
        break;
    case EFFECT_CODE:
        play_agent(result, luck);
        break;
    case EFFECT_WATCH:
    case EFFECT_CONFIRM:
        play_look(world, row, result, luck);
        break;
    case EFFECT_SETUP:
    case EFFECT_CHECK:
    case EFFECT_EVALUATE:
    case EFFECT_FORGE_CHECKS:
        play_check(result, luck);
        break;
    default:
        play_forge(world, row, result, luck);
    }
}

/* ---- who performs it ---- */

static void weigh(struct sim_world *world, const struct effect_row *effect,
                  struct job *job)
{
    static const int chains[][3] = {
        [EFFECT_WORKSPACE] = {GITHUB,     -1,         -1},
        [EFFECT_CODE] = {CODEGEN,    CODEGEN_EU, -1},
        [EFFECT_COMMIT] = {GITHUB,     -1,         -1},
        [EFFECT_PULL_REQUEST] = {GITHUB,     -1,         -1},
        [EFFECT_SANDBOX] = {GRAINCHAIN, -1,         -1},
        [EFFECT_SETUP] = {GRAINCHAIN, -1,         -1},
        [EFFECT_CHECK] = {GRAINCHAIN, -1,         -1},
        [EFFECT_EVALUATE] = {WEB_EVAL,   -1,         -1},
        [EFFECT_MERGE] = {GITHUB,     -1,         -1},
        [EFFECT_REVERT] = {GITHUB,     -1,         -1},
        [EFFECT_CLOSE] = {GITHUB,     -1,         -1},
        [EFFECT_FORGE_CHECKS] = {GITHUB,     -1,         -1},
    };
    job->service = -1;
    job->is_deferred = job->is_fallback = false;
    if (!merges_of(world, effect->workflow)->is_served ||
        (size_t)effect->kind >= ARRAY_LEN(chains) || effect->kind == EFFECT_PLAN ||
        effect->kind == EFFECT_CLEANUP) {
        return;
    }
    const int *chain = chains[effect->kind];
    for (int i = 0; i < 3 && chain[i] >= 0; i++) {
        /* Sometimes a line is full, though the breaker is closed. */
        bool is_full = rng_unit(&world->weather) < 0.02;
        if (world->services[chain[i]].state == BREAKER_CLOSED && !is_full) {
            job->service = chain[i];
            job->is_fallback = i > 0;
            return;
        }
    }
    job->service = chain[0];
    job->is_deferred = true;
}

static struct job *job_of(struct sim_world *world, const struct effect_row *effect)
{
    int64_t key = effect->workflow * KEYS + effect->seq;
    struct job *job = idmap_get(&world->jobs, key);
    if (effect->seq >= KEYS) {
        BUG("a workflow with too many effects");
    }
    if (job == NULL) {
        job = mem_alloc(sizeof(*job));
        job->row = *effect;
        job->n_beside =
            effect_is_beside(effect)
                ? (int)strtol(effect->params + strlen(EFFECT_PARAMS_ALL), NULL, 10)
                : 0;
        job->row.name = job->row.params = job->row.summary = job->row.log = NULL;
        idmap_put(&world->jobs, key, job);
    }
    return job;
}

static void check_merge(struct sim_world *world, const struct effect_row *effect)
{
    const struct sim_merges *merges = merges_of(world, effect->workflow);
    if (effect->kind == EFFECT_MERGE && merges->is_degraded && !merges->is_approved) {
        world->was_merged_unseen = true;
    }
}

static void on_perform(void *self, const struct effect_row *effect)
{
    struct sim_world *world = self;
    world->n_while_halted += world->is_halted;
    if (effect_with(effect) != 0) {
        BUG("performed, though another effect is performed for it");
    }
    struct job *job = job_of(world, effect);
    int64_t key = effect->workflow * KEYS + effect->seq;
    bool is_fresh = !job->is_over && job->n_starts == 0;
    if (is_fresh) {
        weigh(world, effect, job);
    }
    if (job->is_over) {
        heap_put(&world->running, &job->node, world->now.ms, key);
    } else if (job->is_deferred && effect->kind != EFFECT_EVALUATE) {
        heap_put(&world->running, &job->node, world->now.ms + 50, key);
    } else if (is_fresh) {
        struct rng rng = dice(world, effect);
        (void)rng_next(&rng);
        uint64_t range = effect->kind == EFFECT_CODE ? 600000 : 20000;
        int64_t ms = 500 + (int64_t)rng_below(&rng, range);
        if (rng_unit(&rng) < 0.01) {
            ms += 2 * 86400000LL; /* hangs: the engine's own deadline has to end it */
        }
        job->n_starts++;
        world->n_agent_starts += effect->kind == EFFECT_CODE;
        merges_of(world, effect->workflow)->n_agent_starts += effect->kind == EFFECT_CODE;
        check_merge(world, effect);
        heap_put(&world->running, &job->node, world->now.ms + ms, key);
    } /* else it runs, and is adopted */
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    struct sim_world *world = self;
    struct job *job = idmap_get(&world->jobs, workflow * KEYS + seq);
    if (job != NULL) {
        job->is_stopped = true;
    }
}

struct executor sim_world_executor(struct sim_world *world)
{
    return (struct executor){world, on_perform, on_stop};
}

struct wall sim_world_next(const struct sim_world *world)
{
    const struct heap_node *first = heap_first(&world->running);
    struct wall at = {first != NULL ? first->key : 0};
    for (size_t i = 0; world->has_services && i < SIM_SERVICES; i++) {
        const struct sim_service *service = &world->services[i];
        int64_t due = service->has_news ? world->now.ms : service->change_at.ms;
        at.ms = at.ms == 0 || due < at.ms ? due : at.ms;
    }
    return at;
}

static bool is_deferred(const struct job *job)
{
    return job->is_deferred && !job->is_over && !job->is_stopped &&
           job->row.kind != EFFECT_EVALUATE;
}

static void name_provider(const struct sim_world *world, const struct job *job,
                          struct effect_result *result)
{
    (void)world;
    result->provider =
        mem_str(job->service >= 0 ? sim_services[job->service].name : SERVICE_LOCAL);
    result->is_fallback = job->is_fallback;
}

/* Nobody was there to judge: passed, but for a person to look at. */
static void judge(struct sim_world *world, const struct job *job,
                  struct effect_result *result)
{
    struct sim_merges *merges = merges_of(world, job->row.workflow);
    if (job->row.kind != EFFECT_EVALUATE) {
        return;
    }
    merges->is_degraded = merges->is_approved = false;
    if (job->is_deferred && result->status == STATUS_PASSED) {
        result->is_degraded = merges->is_degraded = true;
        world->n_degraded++;
    }
}

struct effect_result *sim_world_due(struct sim_world *world)
{
    struct heap_node *first = heap_first(&world->running);
    if (first == NULL || first->key > world->now.ms) {
        return NULL;
    }
    struct job *job = HEAP_ITEM(first, struct job, node);
    heap_remove(&world->running, first);
    struct effect_result *result = effect_result_new(job->row.workflow, job->row.seq);
    result->finished_at = world->now;
    name_provider(world, job, result);
    if (is_deferred(job)) {
        world->n_deferrals++;
        fail_as(result, STATUS_DEFERRED, BLAME_SERVICE, "its breaker is open");
        result->service = mem_str(sim_services[job->service].name);
        return result; /* nothing was begun: who asks again is weighed anew */
    }
    if (job->is_stopped && !job->is_over) {
        result->status = STATUS_CANCELLED;
        result->blame = BLAME_WORLD;
    } else {
        play(world, &job->row, result);
        if (job->n_beside > 0) {
            struct rng rng = dice(world, &job->row);
            free(TAKE(result->summary)); /* of one check */
            free(TAKE(result->excerpt));
            result->status = STATUS_PASSED;
            result->blame = BLAME_NONE;
            play_beside(result, job->n_beside, &rng);
        }
        judge(world, job, result);
    }
    job->is_over = true;
    return result;
}

int sim_world_most_starts(const struct sim_world *world)
{
    int most = 0;
    size_t iter = 0;
    const struct job *job;
    while ((job = idmap_next(&world->jobs, &iter)) != NULL) {
        most = job->n_starts > most ? job->n_starts : most;
    }
    return most;
}
