/* SPDX-License-Identifier: MIT */

/*
 * Time goes from event to event: a workflow arrives, or what it does now ends. What it needs that
 * others hold (a slot, a place at a service) it waits for in line. All it does leaves rows.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/heap.h"
#include "engine/base/mem.h"
#include "engine/service/port.h"
#include "tests/lib/fleet_world.h"

#define ROWS_MAX   160
#define START_MS   INT64_C(1790000000000)
#define MINUTE_MS  60000.0
#define ITERATIONS 6
#define EXIT_KILL  137
#define EXIT_CPU   152

enum phase {
    IN_SLOT,
    IN_PLAN,
    IN_CODE,
    IN_PULL,
    IN_CHECKS,
    IN_JUDGE,
    IN_WINDOW,
    IN_MERGE,
    IN_WATCH,
    IN_PAUSE,
    IN_PARK
};
enum what {
    DRAW_ARRIVAL = 2,
    DRAW_TASK,
    DRAW_PLAN,
    DRAW_CODE,
    DRAW_CHECK,
    DRAW_WRONG,
    DRAW_JUDGE,
    DRAW_MERGE,
    DRAW_WORLD,
    DRAW_PAUSE,
    DRAW_HANG,
    DRAW_LOOK,
    DRAW_CALL
};

struct job {
    struct heap_node node;
    struct job *next; /* in line for a place */
    struct workflow_row row;
    const struct world_pipeline *p;
    enum phase phase, resume;
    double size;      /* of the task; 1 is usual */
    double memory;    /* of the task; 1 is usual */
    int agent, tries; /* tries: draws of a step, so that each is another */
    int epoch;        /* of the breaker, when its call was begun */
    int first_check;  /* where the checks go on after a trouble */
    int64_t trouble_until;
    int64_t asked;
    struct event_row events[ROWS_MAX];
    struct effect_row effects[ROWS_MAX];
    struct failure_row failures[ROWS_MAX];
    size_t n_events, n_effects, n_failures;
};

struct place_line {
    struct job *first, **last;
    int n_used;
};

/* As engine/resilience/breaker.h: failures in a row open it, one trial closes it, stays double. */
struct switch_of {
    struct place_line parked;
    enum breaker_state state;
    int n_in_a_row, n_reopened, epoch;
    int64_t until;
    bool has_trial;
};

struct town {
    struct fleet *fleet;
    struct heap heap;
    int64_t now, tie;
    int n_running;
    struct place_line slots, places[FLEET_SERVICES];
    struct switch_of switches[FLEET_SERVICES];
    struct pipeline pipelines[FLEET_PIPELINES]; /* as the engine would have read them */
    struct command_spec checks[FLEET_PIPELINES][FLEET_CHECKS];
    char names[FLEET_PIPELINES][FLEET_CHECKS][32];
    fleet_sink *sink;
    void *user;
    int64_t failure;
};

static void go(struct town *town, struct job *job);

/* ---- rows ----------------------------------------------------------------------------- */

static void event(struct town *town, struct job *job, const char *kind,
                  enum workflow_state to, enum workflow_wait wait)
{
    if (job->n_events < ROWS_MAX) {
        job->events[job->n_events] = (struct event_row){.seq = (int64_t)job->n_events + 1,
                                                        .at = {town->now},
                                                        .workflow = job->row.id,
                                                        .kind = kind,
                                                        .actor = "engine",
                                                        .from = job->row.state,
                                                        .to = to,
                                                        .wait = wait,
                                                        .iteration = job->row.iteration,
                                                        .text = ""};
        job->n_events++;
    }
    job->row.state = to;
    job->row.wait = wait;
}

struct
try {
    enum effect_kind kind;
    const char *name, *provider;
    int position, attempt, exit_status;
    enum effect_status status;
    enum failure_class class_;
    int64_t asked, begun, ended;
    double memory, processors;
};

static void effect(struct town *town, struct job *job, const struct try *try)
{
    if (job->n_effects >= ROWS_MAX) {
        return;
    }
    double took = (double)(try->ended - try->begun);
    int64_t seq = (int64_t)job->n_effects + 1;
    job->effects[job->n_effects++] = (struct effect_row){
        .workflow = job->row.id,
        .seq = seq,
        .kind = try->kind,
        .status = try->status,
        .step = try->position,
        .name = try->name,
        .iteration = job->row.iteration,
        .attempt = try->attempt,
        .asked_at = {try->asked},
        .started_at = {try->begun},
        .finished_at = {try->ended},
        .params = try->kind == EFFECT_CHECK && job->p->parallel > 1 ? EFFECT_PARAMS_WITH
                      "1}"
                                                                    : "",
        .summary = "",
        .log = "",
        .exit_status = try->exit_status,
        .cpu_ms = try->processors > 0 ? (int64_t)(took * try->processors) : -1,
        .peak_rss_kib = try->memory > 0 ? (int64_t)(try->memory * 1024) : -1,
        .out_bytes = -1,
        .provider = try->provider != NULL ? try->provider : "local",
    };
    if (try->class_ != CLASS_COUNT && job->n_failures < ROWS_MAX) {
        job->failures[job->n_failures++] =
            (struct failure_row){.id = ++town->failure,
                                 .at = {try->ended},
                                 .workflow = job->row.id,
                                 .effect = seq,
                                 .step = try->name,
                                 .class_ = try->class_,
                                 .fingerprint = "0123456789abcdef"};
    }
}

/* ---- time ----------------------------------------------------------------------------- */

static void after(struct town *town, struct job *job, double minutes)
{
    int64_t ms = (int64_t)(minutes * MINUTE_MS);
    heap_put(&town->heap, &job->node, town->now + (ms > 0 ? ms : 1), ++town->tie);
}

static void stand_in(struct place_line *line, struct job *job)
{
    job->next = NULL;
    *line->last = job;
    line->last = &job->next;
}

static struct job *take_first(struct place_line *line)
{
    struct job *job = line->first;
    if (job != NULL) {
        line->first = job->next;
        line->last = line->first == NULL ? &line->first : line->last;
    }
    return job;
}

static void finish(struct town *town, struct job *job, enum workflow_state state)
{
    event(town, job, state == STATE_COMPLETED ? "passed" : "change-failed", state,
          WAIT_NONE);
    job->row.finished_at.ms = town->now;
    struct rng rng = world_rng(town->fleet, job->row.id, DRAW_TASK, 1, 0);
    struct feature_source source = {
        .workflow = &job->row,
        .events = job->events,
        .n_events = job->n_events,
        .effects = job->effects,
        .n_effects = job->n_effects,
        .failures = job->failures,
        .n_failures = job->n_failures,
        .pipeline = &town->pipelines[job->p - town->fleet->pipelines],
        .parallel = job->p->parallel,
        .diff_lines = world_lognormal(&rng, 120 * job->size, 0.3),
    };
    town->sink(town->user, &source);
    free(job);
    town->n_running--;
    struct job *next = take_first(&town->slots);
    if (next != NULL) {
        town->n_running++;
        after(town, next, 0);
    }
}

/* The surroundings fail: a pause that grows, then the same again. */
static void trouble(struct town *town, struct job *job, const char *kind)
{
    if (job->row.retries >= job->p->retries) {
        finish(town, job, STATE_FAILED);
        return;
    }
    struct rng rng =
        world_rng(town->fleet, job->row.id, DRAW_PAUSE, job->tries, job->row.retries);
    double pause = town->fleet->backoff * pow(2, job->row.retries);
    job->row.retries++;
    job->resume = job->phase;
    job->phase = IN_PAUSE;
    event(town, job, kind, STATE_RECOVERING, WAIT_RETRY);
    after(town, job, pause * (0.5 + 0.5 * rng_unit(&rng)));
}

/* The change is wrong: from the start with what was learned. */
static void again(struct town *town, struct job *job)
{
    if (job->row.iteration >= ITERATIONS) {
        finish(town, job, STATE_FAILED);
        return;
    }
    job->row.iteration++;
    job->row.retries = 0;
    job->first_check = 0;
    job->phase = IN_PLAN;
    event(town, job, "change-failed", STATE_PLANNING, WAIT_NONE);
    go(town, job);
}

/* Does this try meet a trouble? A trouble lasts on for a while after it was met. */
static bool meets_trouble(struct town *town, struct job *job, int64_t at)
{
    struct rng rng = world_rng(town->fleet, job->row.id, DRAW_WORLD, ++job->tries, 0);
    if (at < job->trouble_until) {
        return true;
    }
    bool is_met = rng_unit(&rng) < town->fleet->p_world;
    if (is_met) {
        double minutes = -log(1 - rng_unit(&rng)) * town->fleet->outage;
        job->trouble_until = at + (int64_t)(minutes * MINUTE_MS);
    }
    return is_met;
}

/* ---- agent ---------------------------------------------------------------------------- */

static double code_minutes(const struct town *town, const struct job *job)
{
    struct rng rng =
        world_rng(town->fleet, job->row.id, DRAW_CODE, job->row.iteration, job->tries);
    const struct world_pipeline *p = job->p;
    double again = job->row.iteration > 1 ? 0.6 : 1;
    double usual = p->code_minutes * p->speed[job->agent] * pow(job->size, 0.4) * again;
    return world_lognormal(&rng, usual, p->code_sigma);
}

/* When it is seen that it has ended: pauses between two looks grow by a half, a little is drawn. */
static double noticed(const struct town *town, const struct job *job, double minutes)
{
    struct rng rng =
        world_rng(town->fleet, job->row.id, DRAW_LOOK, job->row.iteration, job->tries);
    double most = town->fleet->poll[job->agent], pause = fmin(2.0 / 60, most), at = 0;
    while (at < minutes) {
        at += pause * (1 + 0.1 * rng_unit(&rng));
        pause = fmin(1.5 * pause, most);
    }
    return at;
}

static void begin_code(struct town *town, struct job *job)
{
    double minutes = noticed(town, job, code_minutes(town, job));
    bool is_killed = minutes > job->p->coding;
    struct try try = {.kind = EFFECT_CODE,
                      .name = "agent",
                      .provider = fleet_services[job->agent],
                      .attempt = job->row.retries + 1,
                      .status = is_killed ? STATUS_TIMED_OUT : STATUS_PASSED,
                      .class_ = is_killed ? CLASS_TIMEOUT : CLASS_COUNT,
                      .asked = job->asked,
                      .begun = town->now};
    minutes = is_killed ? job->p->coding : minutes;
    job->phase = IN_CODE;
    struct rng call =
        world_rng(town->fleet, job->row.id, DRAW_CALL, job->row.iteration, job->tries);
    bool is_bad = rng_unit(&call) < town->fleet->p_call[job->agent];
    job->epoch = town->switches[job->agent].epoch;
    if (!is_killed && (meets_trouble(town, job, town->now) || is_bad)) {
        minutes *= 0.3;
        try.status = STATUS_FAILED;
        try.class_ = CLASS_INFRA;
    }
    try.ended = town->now + (int64_t)(minutes * MINUTE_MS);
    effect(town, job, &try);
    job->row.agent_runs++;
    after(town, job, minutes);
}

/* ---- breakers ------------------------------------------------------------------------- */

static void change_switch(struct town *town, int service, enum breaker_state state)
{
    struct switch_of *breaker = &town->switches[service];
    breaker->state = state;
    breaker->epoch++;
    breaker->n_in_a_row = 0;
    breaker->has_trial = false;
    if (town->fleet->on_change != NULL) {
        town->fleet->on_change(town->fleet->change_user, fleet_services[service], state,
                               (struct wall){town->now});
    }
}

static void open_switch(struct town *town, int service)
{
    struct switch_of *breaker = &town->switches[service];
    double minutes = town->fleet->open[service] * pow(2, breaker->n_reopened);
    change_switch(town, service, BREAKER_OPEN);
    breaker->until = town->now + (int64_t)(fmin(minutes, 120) * MINUTE_MS);
}

/* True: it waits for the service; the first one goes on when the stay is over, and tries. */
static bool is_parked(struct town *town, struct job *job)
{
    struct switch_of *breaker = &town->switches[job->agent];
    if (breaker->state == BREAKER_OPEN && town->now >= breaker->until) {
        change_switch(town, job->agent, BREAKER_HALF_OPEN);
    }
    if (breaker->state == BREAKER_CLOSED) {
        return false;
    }
    if (breaker->state == BREAKER_HALF_OPEN && !breaker->has_trial) {
        breaker->has_trial = true;
        return false;
    }
    event(town, job, "service", STATE_PARKED, WAIT_SERVICE);
    job->phase = IN_PARK;
    bool is_first = breaker->state == BREAKER_OPEN && breaker->parked.first == NULL &&
                    !breaker->has_trial;
    if (is_first) {
        breaker->has_trial = true; /* its wake is the trial of this stay */
        after(town, job, (double)(breaker->until - town->now + 1) / MINUTE_MS);
    } else {
        stand_in(&breaker->parked, job);
    }
    return true;
}

static void wake_all(struct town *town, int service)
{
    struct switch_of *breaker = &town->switches[service];
    struct job *job;
    while ((job = take_first(&breaker->parked)) != NULL) {
        after(town, job, 0);
    }
}

/* The next of those that wait tries when the stay is over. */
static void wake_one(struct town *town, int service)
{
    struct switch_of *breaker = &town->switches[service];
    struct job *job = take_first(&breaker->parked);
    if (job != NULL) {
        breaker->has_trial = true;
        after(town, job, (double)(breaker->until - town->now + 1) / MINUTE_MS);
    }
}

static void record_call(struct town *town, const struct job *job, bool is_bad)
{
    int service = job->agent;
    struct switch_of *breaker = &town->switches[service];
    if (job->epoch != breaker->epoch) {
        return; /* begun in an earlier state */
    }
    if (breaker->state == BREAKER_HALF_OPEN) {
        breaker->n_reopened = is_bad ? breaker->n_reopened + 1 : 0;
        if (is_bad) {
            open_switch(town, service);
            wake_one(town, service);
        } else {
            change_switch(town, service, BREAKER_CLOSED);
            wake_all(town, service);
        }
        return;
    }
    breaker->n_in_a_row = is_bad ? breaker->n_in_a_row + 1 : 0;
    if (breaker->n_in_a_row >= town->fleet->failures[service]) {
        open_switch(town, service);
    }
}

static void ask_for_place(struct town *town, struct job *job)
{
    struct place_line *line = &town->places[job->agent];
    if (is_parked(town, job)) {
        return;
    }
    job->phase = IN_CODE;
    job->asked = town->now;
    if (line->n_used >= town->fleet->places[job->agent]) {
        stand_in(line, job);
        return;
    }
    line->n_used++;
    begin_code(town, job);
}

static void end_code(struct town *town, struct job *job)
{
    struct place_line *line = &town->places[job->agent];
    struct job *next = take_first(line);
    if (next == NULL) {
        line->n_used--;
    } else {
        begin_code(town, next);
    }
    const struct effect_row *last = &job->effects[job->n_effects - 1];
    record_call(town, job, last->status == STATUS_FAILED); /* who is killed was served */
    if (last->status != STATUS_PASSED) {
        trouble(town, job,
                last->status == STATUS_TIMED_OUT ? "deadline" : "world-failed");
        return;
    }
    job->row.retries = 0;
    job->phase = IN_PULL;
    event(town, job, "passed", STATE_PR_CREATED, WAIT_NONE);
    after(town, job, 0.2);
}

/* ---- checks --------------------------------------------------------------------------- */

enum verdict_of_check { CHECK_PASSED, CHECK_WRONG, CHECK_TROUBLE };

struct check_run {
    enum verdict_of_check verdict;
    int64_t ended;
};

static bool is_wrong(const struct town *town, const struct job *job, int k)
{
    struct rng rng =
        world_rng(town->fleet, job->row.id, DRAW_WRONG, k, job->row.iteration);
    double skill = job->p->skill[job->agent] * pow(job->size, 0.3);
    skill *= job->row.iteration > 1 ? 0.7 : 1;
    double p = job->p->checks[k].p_wrong * skill;
    return rng_unit(&rng) < (p < 0.9 ? p : 0.9);
}

/* One check with its own retries, from `at` on; stretch: others run beside it. */
static struct check_run run_check(struct town *town, struct job *job, int place,
                                  int64_t at, double stretch)
{
    const struct world_pipeline *p = job->p;
    int k = p->order[place];
    const struct world_check *check = &p->checks[k];
    bool wrong = is_wrong(town, job, k);
    for (int attempt = 1;; attempt++) {
        int which = job->row.iteration * 64 + k;
        struct rng rng = world_rng(town->fleet, job->row.id, DRAW_CHECK, which,
                                   attempt + 16 * job->row.retries);
        double minutes = world_lognormal(&rng, check->minutes, check->sigma) * stretch;
        bool flaked = rng_unit(&rng) < check->p_flake;
        double memory =
            job->memory * world_lognormal(&rng, check->memory, check->memory_sigma * 0.6);
        struct try try = {.kind = EFFECT_CHECK,
                          .name = check->name,
                          .position = place,
                          .attempt = attempt,
                          .status = STATUS_PASSED,
                          .class_ = CLASS_COUNT,
                          .asked = at,
                          .begun = at,
                          .memory = memory,
                          .processors = check->processors / stretch};
        struct check_run run = {CHECK_PASSED, 0};
        struct rng hang = world_rng(town->fleet, job->row.id, DRAW_HANG, which, attempt);
        bool hangs = rng_unit(&hang) < check->p_hang;
        if (hangs || minutes > p->timeouts[k]) {
            minutes = p->timeouts[k];
            try.class_ = CLASS_TIMEOUT;
            run.verdict = CHECK_TROUBLE;
        } else if (minutes * try.processors > p->cpu) {
            minutes = p->cpu / try.processors;
            try.exit_status = EXIT_CPU;
            try.class_ = CLASS_RESOURCE;
            run.verdict = CHECK_TROUBLE;
        } else if (memory > p->memory) {
            minutes *= 0.7;
            try.memory = p->memory * 0.995;
            try.exit_status = EXIT_KILL;
            try.class_ = CLASS_RESOURCE;
            run.verdict = CHECK_TROUBLE;
        } else if (meets_trouble(town, job, at)) {
            minutes *= 0.3;
            try.exit_status = 2;
            try.class_ = CLASS_INFRA;
            run.verdict = CHECK_TROUBLE;
        } else if (wrong || flaked) {
            try.exit_status = 1;
            try.class_ = CLASS_TEST;
            run.verdict = CHECK_WRONG;
        }
        try.status = try.class_ == CLASS_TIMEOUT ? STATUS_TIMED_OUT
                     : run.verdict == CHECK_PASSED
                         ? (attempt > 1 ? STATUS_FLAKY : STATUS_PASSED)
                         : STATUS_FAILED;
        try.ended = at + 1 + (int64_t)(minutes * MINUTE_MS);
        run.ended = try.ended;
        effect(town, job, &try);
        if (run.verdict == CHECK_WRONG && p->is_quarantined[k]) {
            run.verdict = CHECK_PASSED;
        }
        if (run.verdict != CHECK_WRONG || attempt > p->check_retries[k] ||
            p->is_quarantined[k]) {
            return run;
        }
        at = run.ended;
    }
}

/* How much slower each is when so many run at once: the processors are shared, and a little is
 * lost in any case. */
static double stretch_of(const struct world_pipeline *p)
{
    double sum = 0, most = 0;
    for (size_t k = 0; k < p->n_checks; k++) {
        sum += p->checks[k].processors;
        most = fmax(most, p->checks[k].processors);
    }
    size_t lanes = (size_t)p->parallel < p->n_checks ? (size_t)p->parallel : p->n_checks;
    double demand = sum / (double)p->n_checks * (double)lanes;
    double loss = 1 + 0.03 * (double)(lanes - 1);
    return lanes <= 1 ? 1 : fmax(1, demand / FLEET_PROCESSORS) * loss;
}

static struct check_run run_checks(struct town *town, struct job *job)
{
    const struct world_pipeline *p = job->p;
    int64_t lanes[FLEET_CHECKS];
    size_t n_lanes =
        (size_t)p->parallel < p->n_checks ? (size_t)p->parallel : p->n_checks;
    double stretch = stretch_of(p);
    struct check_run all = {CHECK_PASSED, town->now};
    int64_t over = INT64_MAX; /* what has failed ends those behind it */
    size_t n_settled = job->n_effects;
    for (size_t i = 0; i < n_lanes; i++) {
        lanes[i] = town->now;
    }
    for (size_t place = (size_t)job->first_check; place < p->n_checks; place++) {
        size_t lane = 0;
        for (size_t i = 1; i < n_lanes; i++) {
            lane = lanes[i] < lanes[lane] ? i : lane;
        }
        if (lanes[lane] >= over) {
            break;
        }
        struct check_run one = run_check(town, job, (int)place, lanes[lane], stretch);
        lanes[lane] = one.ended;
        if (all.verdict == CHECK_PASSED) { /* those before the first that failed count */
            all.ended = one.ended > all.ended ? one.ended : all.ended;
            n_settled = job->n_effects;
            job->first_check =
                one.verdict == CHECK_PASSED ? job->first_check : (int)place;
            all.verdict = one.verdict;
        }
        if (one.verdict != CHECK_PASSED && one.ended < over) {
            over = one.ended;
        }
    }
    for (size_t i = n_settled; i < job->n_effects; i++) {
        struct effect_row *row = &job->effects[i];
        if (row->finished_at.ms > over) {
            row->finished_at.ms = over;
            row->status = STATUS_CANCELLED;
        }
    }
    return all;
}

static void begin_checks(struct town *town, struct job *job)
{
    struct check_run all = run_checks(town, job);
    job->phase = IN_CHECKS;
    job->resume = (enum phase)all.verdict;
    after(town, job, (double)(all.ended - town->now) / MINUTE_MS);
}

static void end_checks(struct town *town, struct job *job)
{
    enum verdict_of_check verdict = (enum verdict_of_check)job->resume;
    if (verdict == CHECK_WRONG) {
        again(town, job);
    } else if (verdict == CHECK_TROUBLE) {
        trouble(town, job, "world-failed");
    } else {
        job->phase = IN_JUDGE;
        go(town, job);
    }
}

/* ---- judge, merge ---------------------------------------------------------------------- */

static void judge(struct town *town, struct job *job)
{
    if (!job->p->has_evaluator) {
        job->phase = IN_WINDOW;
        go(town, job);
        return;
    }
    struct rng rng =
        world_rng(town->fleet, job->row.id, DRAW_JUDGE, job->row.iteration, 0);
    double minutes = world_lognormal(&rng, job->p->judge_minutes, 0.3);
    bool finds = rng_unit(&rng) < job->p->p_find;
    struct try try = {.kind = EFFECT_EVALUATE,
                      .name = "judge",
                      .attempt = 1,
                      .status = finds ? STATUS_FAILED : STATUS_PASSED,
                      .class_ = finds ? CLASS_TEST : CLASS_COUNT,
                      .asked = town->now,
                      .begun = town->now,
                      .ended = town->now + (int64_t)(minutes * MINUTE_MS)};
    effect(town, job, &try);
    job->resume = finds ? IN_PLAN : IN_WINDOW;
    job->phase = IN_MERGE; /* the next thing that happens is its end */
    after(town, job, minutes);
}

static double hour_of(int64_t ms)
{
    return (double)(ms % 86400000) / 3600000;
}

/* Hours until merges are allowed. */
static double hours_to_window(const struct world_pipeline *p, double hour)
{
    double from = p->window_from, to = p->window_to;
    bool is_open = from <= to ? hour >= from && hour < to : hour >= from || hour < to;
    return is_open ? 0 : fmod(from - hour + 24, 24);
}

static void merge(struct town *town, struct job *job)
{
    struct rng rng =
        world_rng(town->fleet, job->row.id, DRAW_MERGE, job->row.iteration, 0);
    double hour = hour_of(town->now);
    bool is_bad_hour = fmod(hour - job->p->bad_from + 24, 24) < job->p->bad_hours;
    bool breaks = rng_unit(&rng) < (is_bad_hour ? job->p->p_merge_bad : job->p->p_merge);
    int64_t end = town->now + 20000;
    struct try try = {.kind = EFFECT_MERGE,
                      .name = "merge",
                      .attempt = 1,
                      .status = STATUS_PASSED,
                      .class_ = CLASS_COUNT,
                      .asked = town->now,
                      .begun = town->now,
                      .ended = end};
    effect(town, job, &try);
    try.kind = EFFECT_WATCH;
    try.name = "watch";
    try.asked = try.begun = end;
    try.ended = end + 120000;
    try.status = breaks ? STATUS_FAILED : STATUS_PASSED;
    try.class_ = breaks ? CLASS_TEST : CLASS_COUNT;
    effect(town, job, &try);
    job->phase = IN_WATCH;
    job->resume = breaks ? IN_PLAN : IN_WATCH;
    after(town, job, 140000 / MINUTE_MS);
}

static void go_to_window(struct town *town, struct job *job)
{
    double hours = hours_to_window(job->p, hour_of(town->now));
    if (hours > 0) {
        after(town, job, hours * 60 + 0.01);
    } else {
        merge(town, job);
    }
}

/* ---- the way of a workflow -------------------------------------------------------------- */

static void plan(struct town *town, struct job *job)
{
    struct rng rng =
        world_rng(town->fleet, job->row.id, DRAW_PLAN, job->row.iteration, 0);
    double minutes = world_lognormal(&rng, job->p->plan_minutes, 0.3);
    struct try try = {.kind = EFFECT_PLAN,
                      .name = "plan",
                      .attempt = 1,
                      .status = STATUS_PASSED,
                      .class_ = CLASS_COUNT,
                      .asked = town->now,
                      .begun = town->now,
                      .ended = town->now + (int64_t)(minutes * MINUTE_MS)};
    effect(town, job, &try);
    job->phase = IN_CODE;
    job->resume = IN_PLAN; /* IN_CODE with it: the plan is made, the agent not asked */
    after(town, job, minutes);
}

static void code(struct town *town, struct job *job)
{
    if (job->resume == IN_PLAN) {
        job->resume = IN_CODE;
        event(town, job, "passed", STATE_CODING, WAIT_NONE);
        ask_for_place(town, job);
    } else {
        end_code(town, job);
    }
}

/* A pause is over: the state that it came from, at the step that failed. */
static void resume(struct town *town, struct job *job)
{
    job->phase = job->resume;
    if (job->phase == IN_CODE) {
        event(town, job, "timer", STATE_CODING, WAIT_NONE);
        job->resume = IN_CODE;
        ask_for_place(town, job);
    } else {
        event(town, job, "timer", STATE_VALIDATING, WAIT_NONE);
        begin_checks(town, job);
    }
}

static void go(struct town *town, struct job *job)
{
    switch (job->phase) {
    case IN_SLOT:
        job->row.started_at.ms = town->now;
        job->phase = IN_PLAN;
        event(town, job, "start", STATE_PLANNING, WAIT_NONE);
        plan(town, job);
        break;
    case IN_PLAN:
        plan(town, job);
        break;
    case IN_CODE:
        code(town, job);
        break;
    case IN_PULL:
        job->row.retries = 0;
        event(town, job, "passed", STATE_VALIDATING, WAIT_NONE);
        begin_checks(town, job);
        break;
    case IN_CHECKS:
        end_checks(town, job);
        break;
    case IN_JUDGE:
        judge(town, job);
        break;
    case IN_MERGE: /* the evaluator has said what it found */
        if (job->resume == IN_PLAN) {
            again(town, job);
        } else {
            job->phase = IN_WINDOW;
            go_to_window(town, job);
        }
        break;
    case IN_WINDOW:
        go_to_window(town, job);
        break;
    case IN_WATCH:
        finish(town, job, job->resume == IN_PLAN ? STATE_ROLLED_BACK : STATE_COMPLETED);
        break;
    case IN_PAUSE:
        resume(town, job);
        break;
    case IN_PARK: {
        struct switch_of *breaker = &town->switches[job->agent];
        breaker->has_trial = breaker->state != BREAKER_OPEN && breaker->has_trial;
        event(town, job, "release", STATE_CODING, WAIT_NONE);
        ask_for_place(town, job);
        break;
    }
    }
}

/* ---- run ------------------------------------------------------------------------------ */

static struct job *arrival(struct town *town, int64_t id)
{
    struct rng rng = world_rng(town->fleet, id, DRAW_TASK, 0, 0);
    struct job *job = mem_alloc(sizeof(*job));
    job->p = &town->fleet->pipelines[rng_below(&rng, FLEET_PIPELINES)];
    job->size = world_lognormal(&rng, 1, 0.5);
    job->memory = world_lognormal(&rng, 1, job->p->checks[0].memory_sigma * 0.8);
    bool is_other = rng_unit(&rng) < job->p->p_other;
    job->agent = is_other ? 1 - job->p->agent : job->p->agent;
    job->row = (struct workflow_row){.id = id,
                                     .pipeline = job->p->name,
                                     .repo = job->p->repo,
                                     .title = "task",
                                     .submitter = "ada",
                                     .priority = 5,
                                     .iteration = 1,
                                     .created_at = {town->now},
                                     .reason = "",
                                     .service = ""};
    event(town, job, "submitted", STATE_IDLE, WAIT_SLOT);
    return job;
}

static void admit(struct town *town, struct job *job)
{
    if (town->n_running < town->fleet->max_running) {
        town->n_running++;
        after(town, job, 0);
    } else {
        stand_in(&town->slots, job);
    }
}

static void make_pipelines(struct town *town)
{
    static char judge[] = "judge";
    static char *judge_argv[] = {judge, NULL};
    for (size_t i = 0; i < FLEET_PIPELINES; i++) {
        const struct world_pipeline *p = &town->fleet->pipelines[i];
        struct pipeline *pipeline = &town->pipelines[i];
        pipeline->planning.ms = (int64_t)(p->planning * MINUTE_MS);
        pipeline->coding.ms = (int64_t)(p->coding * MINUTE_MS);
        pipeline->validation.ms = (int64_t)(p->validation * MINUTE_MS);
        pipeline->bounds.cpu.ms = (int64_t)(p->cpu * MINUTE_MS);
        pipeline->bounds.memory = (int64_t)(p->memory * 1024 * 1024);
        pipeline->max_retries = p->retries;
        pipeline->checks = town->checks[i];
        pipeline->n_checks = p->n_checks;
        pipeline->evaluator.argv = p->has_evaluator ? judge_argv : NULL;
        for (size_t k = 0; k < p->n_checks; k++) {
            int which = p->order[k];
            char *name = town->names[i][k];
            (void)snprintf(name, sizeof(town->names[i][k]), "%s", p->checks[which].name);
            town->checks[i][k].name = name;
            town->checks[i][k].retries = p->check_retries[which];
            town->checks[i][k].timeout.ms = (int64_t)(p->timeouts[which] * MINUTE_MS);
            town->checks[i][k].may_fail = p->is_quarantined[which];
        }
    }
}

static void line_init(struct place_line *line)
{
    *line = (struct place_line){.first = NULL};
    line->last = &line->first;
}

void fleet_run(struct fleet *fleet, int64_t from, size_t n, fleet_sink *sink, void *user)
{
    struct town town = {.fleet = fleet, .sink = sink, .user = user};
    /* later workflows come later */
    town.now = START_MS + (int64_t)((double)from * MINUTE_MS / fleet->arrivals);
    struct heap_node next = {0};
    int64_t id = from;
    make_pipelines(&town);
    line_init(&town.slots);
    for (size_t i = 0; i < FLEET_SERVICES; i++) {
        line_init(&town.places[i]);
        line_init(&town.switches[i].parked);
    }
    heap_put(&town.heap, &next, town.now, 0);
    struct heap_node *first;
    while ((first = heap_first(&town.heap)) != NULL) {
        town.now = first->key;
        heap_remove(&town.heap, first);
        if (first != &next) {
            go(&town, HEAP_ITEM(first, struct job, node));
            continue;
        }
        struct rng rng = world_rng(fleet, id, DRAW_ARRIVAL, 0, 0);
        admit(&town, arrival(&town, id));
        if (++id < from + (int64_t)n) {
            double minutes = -log(1 - rng_unit(&rng)) / fleet->arrivals;
            heap_put(&town.heap, &next, town.now + 1 + (int64_t)(minutes * MINUTE_MS), 0);
        }
    }
    heap_fini(&town.heap);
}
