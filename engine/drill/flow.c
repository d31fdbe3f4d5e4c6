/* SPDX-License-Identifier: MIT */

/*
 * What becomes of a step: is the workflow hit by a fault, which rung has the engine tried since
 * the last failure, and did that help.
 *
 * The rung is read off what was done to the world: the agent ran again (with another provider, or
 * with the same one), the sandbox was made anew, another provider performs the step, or just the
 * same was tried again. Where the world cannot tell rungs apart, the engine's own row does.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/drill/world.h"

/* ---- time ---- */

static struct span usual(enum effect_kind kind)
{
    static const int seconds[EFFECT_COUNT] = {
        [EFFECT_PLAN] = 45,          [EFFECT_WORKSPACE] = 3,    [EFFECT_CODE] = 360,
        [EFFECT_COMMIT] = 2,         [EFFECT_PULL_REQUEST] = 3, [EFFECT_SANDBOX] = 10,
        [EFFECT_SETUP] = 40,         [EFFECT_CHECK] = 90,       [EFFECT_EVALUATE] = 60,
        [EFFECT_MERGE] = 4,          [EFFECT_REVERT] = 5,       [EFFECT_CLOSE] = 1,
        [EFFECT_CLEANUP] = 1,        [EFFECT_WATCH] = 120,      [EFFECT_CONFIRM] = 120,
        [EFFECT_FORGE_CHECKS] = 180,
    };
    return span_s(seconds[kind] > 0 ? seconds[kind] : 1);
}

static struct span time_of(const struct drill_world *world, const struct drill_job *job,
                           struct rng *luck)
{
    struct span takes = usual(job->kind);
    const struct drill_profile *profile = world->profile;
    for (size_t i = 0; i < profile->n_times; i++) {
        if (strcmp(profile->times[i].step, job->name) == 0 ||
            strcmp(profile->times[i].step, effect_name(job->kind)) == 0) {
            takes = profile->times[i].takes;
            break;
        }
    }
    double spread = 0.5 + 1.5 * rng_unit(luck) * rng_unit(luck);
    return (struct span){(int64_t)((double)takes.ms * spread) + 1};
}

/* ---- cases ---- */

void drill_choose(struct drill_world *world, const struct drill_case *c, enum rung rung)
{
    if (world->n_choices == world->cap_choices) {
        world->cap_choices = world->cap_choices > 0 ? 2 * world->cap_choices : 1024;
        world->choices =
            mem_grow(world->choices, world->cap_choices, sizeof(*world->choices));
    }
    world->choices[world->n_choices++] = (struct drill_choice){
        .fault = (int16_t)c->fault, .rung = (uint8_t)rung, .is_drifted = c->is_drifted};
}

/* Of several that spoil this step: one that still does. */
static struct drill_case *open_case(struct drill_flow *flow, const struct drill_job *job)
{
    struct drill_case *found = NULL;
    for (size_t i = 0; i < flow->n_cases; i++) {
        struct drill_case *c = &flow->cases[i];
        bool fits = !wall_is_set(c->ended_at) && c->kind == (int)job->kind &&
                    strcmp(c->step, job->name) == 0;
        if (fits && (found == NULL || (found->is_over && !c->is_over))) {
            found = c;
        }
    }
    return found;
}

static struct drill_case *new_case(struct drill_world *world, struct drill_flow *flow,
                                   const struct drill_job *job, int fault)
{
    if (flow->n_cases == DRILL_CASES) {
        return NULL;
    }
    struct drill_case *c = &flow->cases[flow->n_cases++];
    *c = (struct drill_case){.fault = fault, .kind = (int)job->kind};
    (void)snprintf(c->step, sizeof(c->step), "%s", job->name);
    c->is_drifted = drill_has_drifted(world);
    c->is_recoverable =
        drill_is_recoverable(&world->profile->faults[fault], c->is_drifted);
    return c;
}

/* What the engine says that it has tried last; RUNG_COUNT: it does not say. */
static enum rung said_rung(struct drill_world *world, const struct drill_flow *flow)
{
    struct err err = ERR_INIT;
    const struct recovery_row *rows = NULL;
    size_t n = 0;
    enum rung rung = RUNG_COUNT;
    struct arena *arena = arena_new();
    const struct recovery_query query = {.workflow = flow->id, .max = 4};
    if (!reader_recoveries(world->reader, arena, &query, &rows, &n, &err)) {
        drill_complain(world, "recoveries: %s", err.msg);
    }
    for (size_t i = 0; i < n && rung == RUNG_COUNT; i++) {
        rung = rows[i].status != RECOVERY_ASKED ? rows[i].rung : rung;
    }
    arena_free(arena);
    return rung;
}

static bool is_one_of(enum rung rung, uint32_t rungs)
{
    return rung < RUNG_COUNT && (rungs >> rung & 1) != 0;
}

#define BIT(rung) (UINT32_C(1) << (rung))

static enum rung tried_rung(struct drill_world *world, const struct drill_flow *flow,
                            const struct drill_case *c, const struct drill_job *job,
                            const char *provider)
{
    enum rung said = said_rung(world, flow);
    bool is_agents = job->kind == EFFECT_CODE || job->kind == EFFECT_PLAN;
    bool has_other = strcmp(provider, c->provider) != 0;
    if (flow->n_code > c->n_code + (is_agents ? 1 : 0)) {
        bool has_other_agent = strcmp(flow->agent, c->agent) != 0;
        uint32_t rungs = BIT(RUNG_HAND_BACK) | BIT(RUNG_SMALLER_TASK) |
                         BIT(RUNG_OTHER_ORDER) | BIT(RUNG_OTHER_AGENT);
        return is_one_of(said, rungs) && (said != RUNG_OTHER_AGENT || has_other_agent)
                   ? said
               : has_other_agent ? RUNG_OTHER_AGENT
                                 : RUNG_HAND_BACK;
    }
    if (has_other) {
        return is_agents ? RUNG_OTHER_AGENT : said == RUNG_BACKUP ? said : RUNG_FALLBACK;
    }
    bool is_fresh = flow->n_sandbox > c->n_sandbox || flow->n_workspace > c->n_workspace;
    if (is_fresh && job->kind != EFFECT_SANDBOX && job->kind != EFFECT_WORKSPACE) {
        return said == RUNG_OTHER_ORDER ? said : RUNG_CHECKPOINT;
    }
    uint32_t same = BIT(RUNG_RETRY) | BIT(RUNG_WAIT) | BIT(RUNG_BREAKER) |
                    BIT(RUNG_DEGRADE) | BIT(RUNG_RESTART);
    if (is_agents) {
        same |= BIT(RUNG_HAND_BACK) | BIT(RUNG_SMALLER_TASK);
    }
    return is_one_of(said, same) ? said : RUNG_RETRY;
}

static bool is_over_by_itself(const struct drill_world *world, const struct drill_case *c)
{
    const struct drill_fault *fault = &world->profile->faults[c->fault];
    if (fault->lasts.ms > 0 && wall_is_set(c->began_at) &&
        world->now.ms >= c->began_at.ms + fault->lasts.ms) {
        return true;
    }
    return (fault->is_shared || fault->begins == DRILL_WITH_A_MERGE) &&
           !drill_is_active(world, c->fault);
}

/* The step that failed is tried again. */
static void try_again(struct drill_world *world, struct drill_flow *flow,
                      struct drill_case *c, const struct drill_job *job,
                      const char *provider)
{
    const struct drill_fault *fault = &world->profile->faults[c->fault];
    enum rung rung = tried_rung(world, flow, c, job, provider);
    double p = drill_helps(fault, rung, drill_has_drifted(world));
    bool was_over = is_over_by_itself(world, c);
    c->is_drifted = drill_has_drifted(world);
    c->n_tries++;
    c->tried |= BIT(rung);
    world->report->n_tries++;
    struct rng luck = drill_luck(world, flow->id, c->fault, 100 + c->n_tries);
    (void)rng_next(&luck);
    bool helps = rng_unit(&luck) < p;
    if (!c->is_helped && !was_over) { /* else anything would have passed */
        drill_choose(world, c, rung);
    }
    c->is_over = was_over || helps;
    world->report->n_wasted += !c->is_over && p <= 0;
    if (!c->is_recoverable && !c->was_asked && c->n_tries == fault->bound + 1) {
        world->report->n_over_bound++;
    }
}

/* A case that spoils this step: one that is open, or a new one; NULL: nothing goes wrong. */
static struct drill_case *spoilt(struct drill_world *world, struct drill_flow *flow,
                                 const struct drill_job *job, const char *provider)
{
    struct drill_case *c = open_case(flow, job);
    const struct drill_fault *its = c != NULL ? &world->profile->faults[c->fault] : NULL;
    if (c != NULL && !drill_is_of_calls(its->what) && its->what != DRILL_SLOW) {
        if (!c->is_over) {
            try_again(world, flow, c, job, provider);
        }
        if (!c->is_over) {
            return c;
        }
    }
    for (size_t i = 0; i < world->profile->n_faults; i++) {
        const struct drill_fault *fault = &world->profile->faults[i];
        bool is_hit = (flow->hit >> i & 1) != 0;
        if (is_hit || drill_is_of_calls(fault->what) || fault->what == DRILL_SLOW ||
            !drill_is_active(world, (int)i) ||
            !drill_fits(world, (int)i, flow, job, provider)) {
            continue;
        }
        struct rng luck = drill_luck(world, flow->id, (int64_t)i, 3);
        flow->hit |= UINT64_C(1) << i;
        if (fault->begins == DRILL_WITH_A_MERGE || rng_unit(&luck) < fault->share) {
            return new_case(world, flow, job, (int)i);
        }
    }
    return NULL;
}

/* ---- outcomes ---- */

static enum blame blame_of(const struct drill_fault *fault, enum effect_kind kind)
{
    switch (kind) {
    case EFFECT_SETUP:
    case EFFECT_CHECK:
    case EFFECT_FORGE_CHECKS:
        return BLAME_CHANGE;
    case EFFECT_EVALUATE:
        return fault->exit_status == 1 ? BLAME_CHANGE : BLAME_WORLD;
    case EFFECT_MERGE:
    case EFFECT_COMMIT:
        return fault->class_ == CLASS_VCS ? BLAME_CHANGE : BLAME_WORLD;
    default:
        return BLAME_WORLD;
    }
}

static void fail(struct drill_world *world, const struct drill_flow *flow,
                 const struct drill_case *c, const struct drill_job *job,
                 struct drill_outcome *outcome)
{
    const struct drill_fault *fault = &world->profile->faults[c->fault];
    struct effect_result *result = outcome->result;
    struct rng variant = drill_luck(world, flow->id, c->fault, 4);
    result->status = STATUS_FAILED;
    result->blame = blame_of(fault, job->kind);
    result->exit_status = fault->exit_status;
    outcome->is_good = false;
    switch (fault->what) {
    case DRILL_HANGS:
        result->status = STATUS_TIMED_OUT;
        result->exit_status = -1;
        result->summary =
            mem_printf("%s was killed at the deadline of its state", job->name);
        result->excerpt = fault->n_logs > 0 ? drill_text(fault, &variant) : NULL;
        outcome->takes.ms = -1;
        return;
    case DRILL_VANISHES:
        result->status = STATUS_LOST;
        result->blame = BLAME_WORLD;
        result->exit_status = -1;
        result->summary = mem_str("its process vanished without a result");
        result->excerpt = fault->n_logs > 0 ? drill_text(fault, &variant) : NULL;
        return;
    case DRILL_MISSING:
        result->status = STATUS_REFUSED;
        result->blame = BLAME_SETUP;
        result->exit_status = 127;
        result->summary = mem_printf("%s program not found (exit status 127)", job->name);
        result->excerpt = drill_text(fault, &variant);
        return;
    default:
        break;
    }
    result->excerpt = drill_text(fault, &variant);
    result->summary =
        mem_printf("%s failed with exit status %d", job->name, fault->exit_status);
}

/* A look at the base after a merge: is it broken, and was it before? */
static void watch(struct drill_world *world, const struct drill_job *job,
                  struct drill_outcome *outcome)
{
    const struct pipeline *pipeline =
        world->profile->pipelines[drill_flow_of(world, job->workflow)->pipeline].pipeline;
    bool is_parent = job->kind == EFFECT_CONFIRM && job->step == 1;
    outcome->result->head_sha = mem_printf("m%" PRId64, job->workflow);
    for (size_t i = 0; i < world->profile->n_faults; i++) {
        const struct drill_fault *fault = &world->profile->faults[i];
        bool is_red =
            fault->begins == DRILL_WITH_A_MERGE && drill_is_active(world, (int)i) &&
            !(is_parent && world->conditions[i].culprit == job->workflow) &&
            (fault->pipeline[0] == '\0' || strcmp(fault->pipeline, pipeline->name) == 0);
        for (size_t k = 0; is_red && k < pipeline->n_checks; k++) {
            if (fault->step[0] == '\0' || strcmp(fault->step, "check") == 0 ||
                strcmp(fault->step, pipeline->checks[k].name) == 0) {
                outcome->result->red |= INT64_C(1) << k;
            }
        }
        if (outcome->result->red != 0 && outcome->result->excerpt == NULL && is_red) {
            struct rng luck = drill_luck(world, job->workflow, (int64_t)i, 12);
            outcome->result->status = STATUS_FAILED;
            outcome->result->blame = BLAME_CHANGE;
            outcome->result->exit_status = fault->exit_status;
            outcome->result->summary = mem_str("checks failed on the base");
            outcome->result->excerpt = drill_text(fault, &luck);
            outcome->is_good = false;
        }
    }
}

/* A commit for each time that the agent has worked, forty digits as git's. */
static char *sha_of(const struct drill_flow *flow, int salt)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)flow->id * 1000003u + (uint64_t)flow->n_code * 101u +
                       (uint64_t)salt);
    uint64_t a = rng_next(&rng), b = rng_next(&rng);
    return mem_printf("%016" PRIx64 "%016" PRIx64 "%08" PRIx32, a, b,
                      (uint32_t)rng_next(&rng));
}

/* What the machine needs of a step that passed, and what it has done to the world. */
static void pass(struct drill_world *world, struct drill_flow *flow,
                 const struct drill_job *job, struct effect_result *result)
{
    result->status = STATUS_PASSED;
    result->exit_status = 0;
    switch (job->kind) {
    case EFFECT_PLAN:
        result->plan = mem_str("do it");
        break;
    case EFFECT_WORKSPACE:
        result->branch = mem_printf("signalbox/wf-%" PRId64, job->workflow);
        result->base_sha = sha_of(flow, 1);
        break;
    case EFFECT_COMMIT:
        result->head_sha = sha_of(flow, 2);
        break;
    case EFFECT_PULL_REQUEST:
        flow->n_pulls += flow->n_pulls == 0;
        result->pr_number = job->workflow;
        break;
    case EFFECT_MERGE:
        result->merge_sha = sha_of(flow, 3);
        if (flow->n_merges == flow->n_reverts) { /* else it finds that it is done */
            flow->n_merges++;
            drill_on_merge(world, job->workflow);
        }
        break;
    case EFFECT_REVERT:
        flow->n_reverts += flow->n_reverts < flow->n_merges;
        flow->is_told_merged = false;
        drill_on_revert(world, job->workflow);
        break;
    default:
        break;
    }
}

/* Until the runner kills it; 0: never. */
static int64_t time_left(const struct drill_world *world, const struct drill_job *job)
{
    int64_t left =
        wall_is_set(job->deadline_at) ? job->deadline_at.ms - world->now.ms : 0;
    bool is_own = job->timeout.ms > 0 && (left == 0 || job->timeout.ms < left);
    left = is_own ? job->timeout.ms : left;
    return left != 0 && left < 1 ? 1 : left;
}

/* An agent on this machine that gives no sign of life is ended before its deadline. */
static bool is_stalled(const struct drill_world *world, const struct drill_case *c,
                       const struct drill_job *job, const char *provider, int64_t limit)
{
    const struct drill_fault *fault = &world->profile->faults[c->fault];
    return fault->what == DRILL_HANGS && fault->n_logs == 0 && job->stall.ms > 0 &&
           (job->kind == EFFECT_CODE || job->kind == EFFECT_PLAN) &&
           strcmp(provider, SERVICE_LOCAL) == 0 && (limit == 0 || job->stall.ms < limit);
}

static void kill_at(struct drill_outcome *outcome, const struct drill_job *job,
                    int64_t after)
{
    struct effect_result *result = outcome->result;
    result->status = STATUS_TIMED_OUT;
    result->exit_status = -1;
    result->blame = job->kind == EFFECT_CHECK || job->kind == EFFECT_SETUP ? BLAME_CHANGE
                                                                           : BLAME_WORLD;
    if (result->summary == NULL) {
        result->summary =
            mem_printf("%s was killed at the deadline of its state", job->name);
    }
    outcome->takes.ms = after;
    outcome->is_good = false;
}

struct drill_outcome drill_begin(struct drill_world *world, struct drill_job *job,
                                 const char *provider)
{
    struct drill_flow *flow = drill_flow_of(world, job->workflow);
    struct rng luck = drill_luck(world, job->workflow, job->seq, 1);
    struct drill_outcome outcome = {.is_good = true};
    outcome.result = effect_result_new(job->workflow, job->seq);
    outcome.takes = time_of(world, job, &luck);
    double times = drill_slowness(world, flow, job, provider);
    outcome.takes.ms = (int64_t)((double)outcome.takes.ms * times);
    if (job->kind == EFFECT_CODE) {
        flow->n_code++;
        (void)snprintf(flow->agent, sizeof(flow->agent), "%s", provider);
    }
    flow->n_sandbox += job->kind == EFFECT_SANDBOX;
    flow->n_workspace += job->kind == EFFECT_WORKSPACE;
    if (job->kind == EFFECT_MERGE && flow->is_told_merged) {
        world->report->n_repeated++; /* it knew */
    }
    if (job->kind == EFFECT_WATCH || job->kind == EFFECT_CONFIRM) {
        outcome.result->status = STATUS_PASSED;
        watch(world, job, &outcome);
        return outcome;
    }
    struct drill_case *c = spoilt(world, flow, job, provider);
    job->spoilt_by = c != NULL ? (int)(c - flow->cases) + 1 : 0;
    if (c != NULL) {
        fail(world, flow, c, job, &outcome);
        (void)snprintf(c->provider, sizeof(c->provider), "%s", provider);
    }
    int64_t limit = time_left(world, job);
    if (c != NULL && is_stalled(world, c, job, provider, limit)) {
        free(outcome.result->summary);
        outcome.result->summary = mem_str("stalled: no output, no file change, no cpu");
        limit = job->stall.ms;
    }
    if (limit > 0 && (outcome.takes.ms < 0 || outcome.takes.ms > limit)) {
        kill_at(&outcome, job, limit);
    } else if (c == NULL) {
        pass(world, flow, job, outcome.result);
    }
    return outcome;
}

/* ---- ends ---- */

static void note_recovery(struct drill_world *world, struct drill_case *c, bool is_good)
{
    struct drill_report *report = world->report;
    c->ended_at = world->now;
    if (!wall_is_set(c->began_at)) {
        return; /* its outcome never came */
    }
    if (!is_good) {
        report->n_lost++;
    } else if (c->is_helped) {
        report->n_helped++;
    } else {
        report->n_recovered += c->is_recoverable;
        if (world->n_recovered == world->cap_recovered) {
            world->cap_recovered =
                world->cap_recovered > 0 ? 2 * world->cap_recovered : 256;
            world->recover_ms =
                mem_grow(world->recover_ms, world->cap_recovered, sizeof(int64_t));
        }
        world->recover_ms[world->n_recovered++] = world->now.ms - c->began_at.ms;
    }
    struct drill_class *class_ =
        &report->classes[world->profile->faults[c->fault].class_];
    class_->n_recovered += is_good && !c->is_helped && c->is_recoverable;
}

/* The first outcome that was spoilt. */
static void note_failure(struct drill_world *world, struct drill_flow *flow,
                         struct drill_case *c, const struct effect_result *result)
{
    if (!wall_is_set(c->began_at)) {
        c->began_at = world->now;
        struct drill_class *class_ =
            &world->report->classes[world->profile->faults[c->fault].class_];
        world->report->n_cases++;
        world->report->n_recoverable += c->is_recoverable;
        class_->n++;
        class_->n_recoverable += c->is_recoverable;
    }
    c->last_seq = result->seq;
    c->n_code = flow->n_code;
    c->n_sandbox = flow->n_sandbox;
    c->n_workspace = flow->n_workspace;
    (void)snprintf(c->agent, sizeof(c->agent), "%s", flow->agent);
    if (c->kind == EFFECT_CODE || c->kind == EFFECT_PLAN) {
        c->n_code = flow->n_code;
    }
}

/* Not begun, or failed, while calls to its service went wrong: that is a case too. */
static struct drill_case *blame_calls(struct drill_world *world, struct drill_flow *flow,
                                      const struct drill_job *job, const char *service)
{
    for (size_t i = 0; i < world->profile->n_faults; i++) {
        const struct drill_fault *fault = &world->profile->faults[i];
        if ((drill_is_of_calls(fault->what) || fault->what == DRILL_SLOW) &&
            (flow->hit >> i & 1) == 0 && strcmp(fault->service, service) == 0 &&
            drill_is_active(world, (int)i)) {
            flow->hit |= UINT64_C(1) << i;
            struct drill_case *c = new_case(world, flow, job, (int)i);
            if (c != NULL) {
                (void)snprintf(c->provider, sizeof(c->provider), "%s", service);
            }
            return c;
        }
    }
    return NULL;
}

void drill_ended(struct drill_world *world, const struct drill_job *job,
                 const struct effect_result *result)
{
    struct drill_flow *flow = drill_flow_of(world, job->workflow);
    bool is_spoilt = job->spoilt_by > 0;
    struct drill_case *c =
        is_spoilt ? &flow->cases[job->spoilt_by - 1] : open_case(flow, job);
    bool is_good = result->status == STATUS_PASSED || result->status == STATUS_FLAKY;
    bool is_deferred = result->status == STATUS_DEFERRED;
    world->n_passed += is_good;
    world->n_failed_steps +=
        !is_good && !is_deferred && result->status != STATUS_CANCELLED;
    if (is_good) {
        flow->is_told_merged = flow->is_told_merged || job->kind == EFFECT_MERGE;
        for (c = open_case(flow, job); c != NULL; c = open_case(flow, job)) {
            note_recovery(world, c, true);
        }
        return;
    }
    if (flow != NULL && !is_spoilt && c == NULL && result->status != STATUS_CANCELLED) {
        const char *service = is_deferred && result->service != NULL ? result->service
                              : result->provider != NULL             ? result->provider
                                                                     : "";
        c = blame_calls(world, flow, job, service);
        world->report->n_parked += c != NULL && is_deferred;
    }
    if (c != NULL) {
        note_failure(world, flow, c, result);
    }
}

void drill_mend(struct drill_world *world, struct drill_flow *flow)
{
    for (size_t i = 0; i < flow->n_cases; i++) {
        struct drill_case *c = &flow->cases[i];
        const struct drill_fault *fault = &world->profile->faults[c->fault];
        if (wall_is_set(c->ended_at)) {
            continue;
        }
        c->is_over = c->is_helped = true;
        if (fault->is_shared && fault->needs_person) {
            world->conditions[c->fault].is_mended = true;
        }
        if (fault->begins == DRILL_WITH_A_MERGE) {
            world->conditions[c->fault].culprit = 0;
        }
    }
}

void drill_flow_end(struct drill_world *world, struct drill_flow *flow, bool is_good)
{
    for (size_t i = 0; i < flow->n_cases; i++) {
        struct drill_case *c = &flow->cases[i];
        if (!wall_is_set(c->ended_at) && wall_is_set(c->began_at)) {
            note_recovery(world, c, is_good);
        }
    }
}
