/* SPDX-License-Identifier: MIT */

/*
 * Features are read off the rows in three passes: events give the stays in states and what was
 * waited for, effects give the tries of steps, failures give their classes.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/feature.h"
#include "engine/service/port.h"

#define MIB         (1024.0 * 1024)
#define MS_PER_HOUR 3600000
#define SIGNAL_KILL 137 /* 128 + SIGKILL: what the kernel does at the limit of memory */
#define SIGNAL_CPU  152 /* 128 + SIGXCPU: at the limit of processor time, setrlimit(2) */
#define FORK_RULE   "too-many-processes" /* of the patterns: classify.h */
#define NEAR_LIMIT  0.9  /* share of the limit that a killed program had reached */
#define PAUSE_LEAST 0.1f /* seconds: less is what times are rounded to */

static float seconds(struct wall from, struct wall to)
{
    if (!wall_is_set(from) || !wall_is_set(to)) {
        return (float)NAN;
    }
    return to.ms > from.ms ? (float)((double)(to.ms - from.ms) / 1000) : 0;
}

static uint8_t byte_of(int64_t number)
{
    return (uint8_t)(number < 0 ? 0 : number > UINT8_MAX ? UINT8_MAX : number);
}

bool run_step_has_failed(const struct run_step *step)
{
    return step->status == STATUS_FAILED || step->status == STATUS_TIMED_OUT ||
           step->status == STATUS_LOST || step->status == STATUS_REFUSED;
}

bool run_step_has_passed(const struct run_step *step)
{
    return step->status == STATUS_PASSED || step->status == STATUS_FLAKY;
}

/* ---- events --------------------------------------------------------------------------- */

static bool is_worked_in(enum workflow_state state)
{
    return state == STATE_PLANNING || state == STATE_CODING ||
           state == STATE_PR_CREATED || state == STATE_VALIDATING;
}

/* A person put something right, as opposed to answering what the pipeline asks. */
static bool is_help(const struct event_row *event)
{
    return event->wait == WAIT_OPERATOR || event->wait == WAIT_BUDGET ||
           strcmp(event->kind, "retry") == 0 || strcmp(event->kind, "skip") == 0;
}

struct visit_walk {
    struct run_features *run;
    struct run_visit open; /* state STATE_IDLE: none */
};

static void close_visit(struct visit_walk *walk, enum visit_end end)
{
    struct run_features *run = walk->run;
    if (walk->open.state != STATE_IDLE && run->n_visits < FEATURE_VISITS_MAX) {
        walk->open.end = (uint8_t)end;
        run->visits[run->n_visits++] = walk->open;
    }
    walk->open = (struct run_visit){.state = STATE_IDLE};
}

/* Forward in the order of states: what it was there for is done. */
static bool is_forward(enum workflow_state from, enum workflow_state to)
{
    return to == STATE_COMPLETED || (is_worked_in(to) && to > from);
}

static void walk_event(struct visit_walk *walk, const struct event_row *event,
                       struct wall created_at)
{
    enum workflow_state open = (enum workflow_state)walk->open.state;
    if (open != STATE_IDLE && event->to != open && event->to != STATE_PARKED) {
        bool is_deadline = strcmp(event->kind, "deadline") == 0;
        close_visit(walk, is_deadline                   ? VISIT_DEADLINE
                          : is_forward(open, event->to) ? VISIT_DONE
                                                        : VISIT_BROKEN);
    }
    if (is_worked_in(event->to) && event->wait == WAIT_NONE &&
        walk->open.state == STATE_IDLE) {
        walk->open = (struct run_visit){.state = (uint8_t)event->to,
                                        .at = seconds(created_at, event->at)};
    }
}

/* A wait for a service is a stay of its own. */
static void read_park(struct run_features *run, const struct event_row *event, float took)
{
    if (event->wait == WAIT_SERVICE && run->n_visits < FEATURE_VISITS_MAX) {
        run->visits[run->n_visits++] =
            (struct run_visit){.state = STATE_PARKED,
                               .end = VISIT_DONE,
                               .at = seconds(run->created_at, event->at),
                               .active = took};
    }
}

static void read_events(struct run_features *run, const struct feature_source *source)
{
    struct visit_walk walk = {.run = run, .open = {.state = STATE_IDLE}};
    for (size_t i = 0; i < source->n_events; i++) {
        const struct event_row *event = &source->events[i];
        walk_event(&walk, event, run->created_at);
        run->has_human = run->has_human || is_help(event);
        if (state_is_final(event->to)) {
            break; /* what follows a merge is in the effects */
        }
        struct wall until =
            i + 1 < source->n_events ? source->events[i + 1].at : run->finished_at;
        float took = seconds(event->at, until);
        took = isfinite(took) ? took : 0;
        if (event->to < STATE_COUNT) {
            run->state_s[event->to] += took;
        }
        if (event->wait < WAIT_COUNT) {
            run->wait[event->wait] += took;
        }
        if (walk.open.state == event->to && event->wait == WAIT_NONE) {
            walk.open.active += took;
        }
        read_park(run, event, took);
    }
    run->wait[WAIT_NONE] = 0;
}

/* ---- effects -------------------------------------------------------------------------- */

/* The failed try before this one of the same step, or NULL. */
static const struct run_step *try_before(const struct run_features *run,
                                         const struct run_step *step)
{
    for (size_t i = run->n_steps; i-- > 0;) {
        const struct run_step *before = &run->steps[i];
        if (before->kind == step->kind && before->position == step->position &&
            before->iteration == step->iteration) {
            return run_step_has_failed(before) ? before : NULL;
        }
    }
    return NULL;
}

/* The check in the pipeline, as it was run; NULL: it is none, or not known. */
static const struct command_spec *check_of(const struct pipeline *pipeline,
                                           const struct effect_row *effect)
{
    bool is_there = pipeline != NULL && effect->kind == EFFECT_CHECK &&
                    effect->step >= 0 && (size_t)effect->step < pipeline->n_checks;
    return is_there ? &pipeline->checks[effect->step] : NULL;
}

static const struct failure_row *failure_of(const struct feature_source *source,
                                            int64_t effect)
{
    for (size_t i = 0; i < source->n_failures; i++) {
        if (source->failures[i].effect == effect) {
            return &source->failures[i];
        }
    }
    return NULL;
}

/* At which limit of its sandbox it was killed. */
static unsigned limit_of(const struct run_features *run, const struct effect_row *effect,
                         const struct failure_row *failure)
{
    double mib = (double)effect->peak_rss_kib / 1024;
    double cpu = (double)effect->cpu_ms / 1000;
    bool is_killed =
        effect->exit_status == SIGNAL_KILL || effect->exit_status == SIGNAL_CPU;
    if (is_killed && run->cpu > 0 && cpu >= NEAR_LIMIT * (double)run->cpu) {
        return STEP_OVER_CPU;
    }
    if (effect->exit_status == SIGNAL_KILL && run->memory > 0 &&
        mib >= NEAR_LIMIT * (double)run->memory) {
        return STEP_OVER_LIMIT;
    }
    bool is_fork =
        failure != NULL && failure->rule != NULL && strcmp(failure->rule, FORK_RULE) == 0;
    return is_fork ? STEP_OVER_PROCESSES : 0;
}

/* Ended, or never begun, because another check beside it had failed: as if it had come later. */
static bool is_without_verdict(const struct effect_row *effect)
{
    return effect_is_beside(effect) &&
           (effect->status == STATUS_CANCELLED || effect->status == STATUS_SKIPPED);
}

static void read_effect(struct run_features *run, struct words *words,
                        const struct feature_source *source,
                        const struct effect_row *effect)
{
    struct wall begun =
        wall_is_set(effect->started_at) ? effect->started_at : effect->asked_at;
    const struct failure_row *failure = failure_of(source, effect->seq);
    const struct command_spec *check = check_of(source->pipeline, effect);
    unsigned flags = limit_of(run, effect, failure) |
                     (effect->is_fallback ? STEP_FALLBACK : 0u) |
                     (check != NULL && check->may_fail ? STEP_MAY_FAIL : 0u);
    /* One that waits for a lane beside others is in no service's line. */
    struct wall asked = effect_is_beside(effect) ? begun : effect->asked_at;
    struct run_step step = {
        .name = words_put(words, effect->name),
        .provider = words_put(words, effect->provider),
        .kind = (uint8_t)effect->kind,
        .status = (uint8_t)effect->status,
        .position = byte_of(effect->step),
        .iteration = byte_of(effect->iteration),
        .attempt = byte_of(effect->attempt),
        .class_ = failure != NULL ? (uint8_t)failure->class_ : CLASS_COUNT,
        .flags = (uint8_t)flags,
        .hour = (uint8_t)(begun.ms / MS_PER_HOUR % 24),
        .at = seconds(run->created_at, asked),
        .wait = seconds(asked, begun),
        .run = seconds(begun, effect->finished_at),
        .pause = (float)NAN,
        .cpu = effect->cpu_ms < 0 ? (float)NAN : (float)((double)effect->cpu_ms / 1000),
        .memory = effect->peak_rss_kib < 0 ? (float)NAN
                                           : (float)((double)effect->peak_rss_kib / 1024),
        .limit = check != NULL && check->timeout.ms > 0
                     ? (float)((double)check->timeout.ms / 1000)
                     : (float)NAN,
    };
    const struct run_step *before = try_before(run, &step);
    if (before != NULL && isfinite(before->run)) {
        float pause = step.at - (before->at + before->wait + before->run);
        step.pause = pause > PAUSE_LEAST ? pause : 0;
    }
    if (effect->kind == EFFECT_CODE && run->agent == 0) {
        run->agent = step.provider;
    }
    run->steps[run->n_steps++] = step;
}

/* ---- the whole ------------------------------------------------------------------------ */

static void read_pipeline(struct run_features *run, const struct pipeline *pipeline)
{
    if (pipeline == NULL) {
        return;
    }
    run->planning = (float)((double)pipeline->planning.ms / 1000);
    run->coding = (float)((double)pipeline->coding.ms / 1000);
    run->validation = (float)((double)pipeline->validation.ms / 1000);
    run->memory = (float)((double)pipeline->bounds.memory / MIB);
    run->cpu = (float)((double)pipeline->bounds.cpu.ms / 1000);
    int processes = (int)pipeline->bounds.processes;
    run->processes = (uint16_t)(processes < UINT16_MAX ? processes : UINT16_MAX);
    run->retries = byte_of(pipeline->max_retries);
    run->parallel = byte_of(pipeline->parallel);
    run->has_evaluator = pipeline_has_evaluator(pipeline);
    size_t n = pipeline->n_checks;
    n = n < FEATURE_CHECKS_MAX ? n : FEATURE_CHECKS_MAX;
    run->n_checks = (uint8_t)n;
    for (size_t i = 0; i < n; i++) {
        run->check_retries[i] = byte_of(pipeline->checks[i].retries);
    }
}

static uint64_t last_fingerprint(const struct feature_source *source)
{
    const struct failure_row *last = NULL;
    for (size_t i = 0; i < source->n_failures; i++) {
        if (last == NULL || source->failures[i].at.ms > last->at.ms) {
            last = &source->failures[i];
        }
    }
    return last == NULL ? 0 : strtoull(last->fingerprint, NULL, 16);
}

/* One allocation with room for so many. */
static struct run_features *features_new(size_t n_steps, size_t n_visits)
{
    size_t steps = n_steps * sizeof(struct run_step);
    struct run_features *run =
        mem_alloc(sizeof(*run) + steps + n_visits * sizeof(struct run_visit));
    run->steps = (struct run_step *)(void *)(run + 1);
    run->visits = (struct run_visit *)(void *)((char *)(run + 1) + steps);
    return run;
}

/* To the millisecond, as it is saved: what was learned before a restart and after it is the same. */
static void round_s(float *s)
{
    if (isfinite(*s)) {
        *s = (float)((double)llround((double)*s * 1000) / 1000);
    }
}

static void round_all(struct run_features *run)
{
    for (size_t i = 0; i < WAIT_COUNT; i++) {
        round_s(&run->wait[i]);
    }
    for (size_t i = 0; i < STATE_COUNT; i++) {
        round_s(&run->state_s[i]);
    }
    for (size_t i = 0; i < run->n_visits; i++) {
        round_s(&run->visits[i].at);
        round_s(&run->visits[i].active);
    }
    float *const all[] = {&run->diff_lines, &run->planning, &run->coding,
                          &run->validation, &run->memory,   &run->cpu};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        round_s(all[i]);
    }
    for (size_t i = 0; i < run->n_steps; i++) {
        struct run_step *step = &run->steps[i];
        float *const of_step[] = {&step->at,  &step->wait,   &step->run,  &step->pause,
                                  &step->cpu, &step->memory, &step->limit};
        for (size_t k = 0; k < ARRAY_LEN(of_step); k++) {
            round_s(of_step[k]);
        }
    }
}

/* Only as large as it needs to be. */
static struct run_features *shrunk(struct run_features *run)
{
    struct run_features *exact = features_new(run->n_steps, run->n_visits);
    struct run_step *steps = exact->steps;
    struct run_visit *visits = exact->visits;
    memcpy(steps, run->steps, run->n_steps * sizeof(*steps));
    memcpy(visits, run->visits, run->n_visits * sizeof(*visits));
    *exact = *run;
    exact->steps = steps;
    exact->visits = visits;
    free(run);
    return exact;
}

struct run_features *features_of(struct words *words, const struct feature_source *source)
{
    const struct workflow_row *row = source->workflow;
    if (!state_is_final(row->state) || !wall_is_set(row->started_at) ||
        !wall_is_set(row->created_at) || !wall_is_set(row->finished_at)) {
        return NULL;
    }
    struct run_features *run = features_new(FEATURE_STEPS_MAX, FEATURE_VISITS_MAX);
    run->workflow = row->id;
    run->created_at = row->created_at;
    run->started_at = row->started_at;
    run->finished_at = row->finished_at;
    run->fingerprint = last_fingerprint(source);
    run->repo = words_put(words, row->repo);
    run->pipeline = words_put(words, row->pipeline);
    run->state = (uint8_t)row->state;
    run->priority = byte_of(row->priority);
    run->iterations = byte_of(row->iteration);
    run->is_degraded = row->is_degraded;
    run->agent_runs = (uint16_t)row->agent_runs;
    run->diff_lines = (float)source->diff_lines;
    run->parallel = 1;
    read_pipeline(run, source->pipeline);
    if (source->parallel > 0) {
        run->parallel = byte_of(source->parallel);
    }
    read_events(run, source);
    for (size_t i = 0; i < source->n_effects && run->n_steps < FEATURE_STEPS_MAX; i++) {
        if (source->effects[i].status != STATUS_PENDING &&
            !is_without_verdict(&source->effects[i])) {
            read_effect(run, words, source, &source->effects[i]);
        }
    }
    round_all(run);
    return shrunk(run);
}

/* ---- bytes ---------------------------------------------------------------------------- */

/* Milliseconds; -1 = NAN. */
static void save_s(struct buf *out, float s)
{
    blob_put(out, isfinite(s) ? (int64_t)llround((double)s * 1000) : -1);
}

#define MS_MAX (INT64_C(1) << 50)
static float load_s(struct blob *blob)
{
    int64_t ms = blob_take(blob, -1, MS_MAX);
    return ms < 0 ? (float)NAN : (float)((double)ms / 1000);
}

static uint8_t load_byte(struct blob *blob, int64_t high)
{
    return (uint8_t)blob_take(blob, 0, high);
}

static void save_step(const struct run_step *step, struct buf *out)
{
    blob_put(out, step->name);
    blob_put(out, step->provider);
    blob_put(out, step->kind);
    blob_put(out, step->status);
    blob_put(out, step->position);
    blob_put(out, step->iteration);
    blob_put(out, step->attempt);
    blob_put(out, step->class_);
    blob_put(out, step->flags);
    blob_put(out, step->hour);
    save_s(out, step->at);
    save_s(out, step->wait);
    save_s(out, step->run);
    save_s(out, step->pause);
    save_s(out, step->cpu);
    save_s(out, step->memory);
    save_s(out, step->limit);
}

static void load_step(struct run_step *step, struct blob *blob, size_t n_words)
{
    step->name = (uint16_t)blob_take(blob, 0, (int64_t)n_words - 1);
    step->provider = (uint16_t)blob_take(blob, 0, (int64_t)n_words - 1);
    step->kind = load_byte(blob, UINT8_MAX);
    step->status = load_byte(blob, UINT8_MAX);
    step->position = load_byte(blob, UINT8_MAX);
    step->iteration = load_byte(blob, UINT8_MAX);
    step->attempt = load_byte(blob, UINT8_MAX);
    step->class_ = load_byte(blob, UINT8_MAX);
    step->flags = load_byte(blob, UINT8_MAX);
    step->hour = load_byte(blob, 23);
    step->at = load_s(blob);
    step->wait = load_s(blob);
    step->run = load_s(blob);
    step->pause = load_s(blob);
    step->cpu = load_s(blob);
    step->memory = load_s(blob);
    step->limit = load_s(blob);
}

void features_save(const struct run_features *run, struct buf *out)
{
    blob_put(out, run->n_steps);
    blob_put(out, run->n_visits);
    blob_put(out, run->workflow);
    blob_put(out, run->created_at.ms);
    blob_put(out, run->started_at.ms - run->created_at.ms);
    blob_put(out, run->finished_at.ms - run->created_at.ms);
    blob_put_key(out, run->fingerprint);
    blob_put(out, run->repo);
    blob_put(out, run->pipeline);
    blob_put(out, run->agent);
    blob_put(out, run->state);
    blob_put(out, run->priority);
    blob_put(out, run->iterations);
    blob_put(out, (run->has_human ? 1 : 0) | (run->is_degraded ? 2 : 0) |
                      (run->has_evaluator ? 4 : 0));
    blob_put(out, run->agent_runs);
    for (size_t i = 0; i < WAIT_COUNT; i++) {
        save_s(out, run->wait[i]);
    }
    for (size_t i = 0; i < STATE_COUNT; i++) {
        save_s(out, run->state_s[i]);
    }
    save_s(out, run->diff_lines);
    save_s(out, run->planning);
    save_s(out, run->coding);
    save_s(out, run->validation);
    save_s(out, run->memory);
    save_s(out, run->cpu);
    blob_put(out, run->processes);
    blob_put(out, run->retries);
    blob_put(out, run->parallel);
    blob_put(out, run->n_checks);
    for (size_t i = 0; i < run->n_checks; i++) {
        blob_put(out, run->check_retries[i]);
    }
    for (size_t i = 0; i < run->n_visits; i++) {
        blob_put(out, run->visits[i].state);
        blob_put(out, run->visits[i].end);
        save_s(out, run->visits[i].at);
        save_s(out, run->visits[i].active);
    }
    for (size_t i = 0; i < run->n_steps; i++) {
        save_step(&run->steps[i], out);
    }
}

static void load_times(struct run_features *run, struct blob *blob)
{
    run->workflow = blob_take(blob, 0, INT64_MAX);
    run->created_at = blob_take_wall(blob);
    run->started_at.ms = run->created_at.ms + blob_take(blob, -MS_MAX, MS_MAX);
    run->finished_at.ms = run->created_at.ms + blob_take(blob, -MS_MAX, MS_MAX);
    run->fingerprint = blob_take_key(blob);
}

static void load_settings(struct run_features *run, struct blob *blob)
{
    run->diff_lines = load_s(blob);
    run->planning = load_s(blob);
    run->coding = load_s(blob);
    run->validation = load_s(blob);
    run->memory = load_s(blob);
    run->cpu = load_s(blob);
    run->processes = (uint16_t)blob_take(blob, 0, UINT16_MAX);
    run->retries = load_byte(blob, UINT8_MAX);
    run->parallel = load_byte(blob, UINT8_MAX);
    run->n_checks = load_byte(blob, FEATURE_CHECKS_MAX);
    for (size_t i = 0; i < run->n_checks; i++) {
        run->check_retries[i] = load_byte(blob, UINT8_MAX);
    }
}

struct run_features *features_load(struct blob *blob, size_t n_words)
{
    int64_t last = (int64_t)n_words - 1;
    size_t n_steps = (size_t)blob_take(blob, 0, FEATURE_STEPS_MAX);
    size_t n_visits = (size_t)blob_take(blob, 0, FEATURE_VISITS_MAX);
    struct run_features *run = features_new(n_steps, n_visits);
    run->n_steps = (uint16_t)n_steps;
    run->n_visits = (uint16_t)n_visits;
    load_times(run, blob);
    run->repo = (uint16_t)blob_take(blob, 0, last);
    run->pipeline = (uint16_t)blob_take(blob, 0, last);
    run->agent = (uint16_t)blob_take(blob, 0, last);
    run->state = load_byte(blob, STATE_COUNT - 1);
    run->priority = load_byte(blob, UINT8_MAX);
    run->iterations = load_byte(blob, UINT8_MAX);
    int flags = load_byte(blob, 7);
    run->has_human = (flags & 1) != 0;
    run->is_degraded = (flags & 2) != 0;
    run->has_evaluator = (flags & 4) != 0;
    run->agent_runs = (uint16_t)blob_take(blob, 0, UINT16_MAX);
    for (size_t i = 0; i < WAIT_COUNT; i++) {
        run->wait[i] = load_s(blob);
    }
    for (size_t i = 0; i < STATE_COUNT; i++) {
        run->state_s[i] = load_s(blob);
    }
    load_settings(run, blob);
    for (size_t i = 0; i < n_visits; i++) {
        run->visits[i].state = load_byte(blob, STATE_COUNT - 1);
        run->visits[i].end = load_byte(blob, VISIT_BROKEN);
        run->visits[i].at = load_s(blob);
        run->visits[i].active = load_s(blob);
    }
    for (size_t i = 0; i < n_steps; i++) {
        load_step(&run->steps[i], blob, n_words);
    }
    if (blob->is_bad) {
        free(run);
        return NULL;
    }
    return run;
}
