/* SPDX-License-Identifier: MIT */

/*
 * Limits of a sandbox that follow what runs in it: memory, processor time, processes.
 *
 * How much more would have been enough is told by what was used when it was (optimize_limit.c).
 * Where that is not known (how many processes were wanted; processor time is bounded for each
 * process, and measured for all of them) the limit is doubled, and the interval says how little is
 * known. Rule: as there; kills of one step, the one that is killed most often.
 */

#include <math.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/learning/optimize_private.h"

#define RUNS_LEAST  100
#define KILLS_LEAST 20
#define KILLS_SHARE 0.02
#define ABOVE       1.1 /* times the limit: then it is no bound of the sum */

static double memory_limit(const struct run_features *run)
{
    return (double)run->memory;
}

static double cpu_limit(const struct run_features *run)
{
    return (double)run->cpu;
}

static double process_limit(const struct run_features *run)
{
    return (double)run->processes;
}

static double memory_used(const struct run_step *step)
{
    return (double)step->memory;
}

static double cpu_used(const struct run_step *step)
{
    return (double)step->cpu;
}

static double processes_used(const struct run_step *step)
{
    (void)step;
    return (double)NAN;
}

static double nice_count(double count)
{
    return ceil(count / 64) * 64;
}

static void write_count(char *out, size_t cap, double count)
{
    (void)snprintf(out, cap, "%.0f", count);
}

struct resource {
    const char *setting, *what, *of, *if_wrong;
    unsigned flag; /* enum run_step_flag */
    double (*limit)(const struct run_features *run);
    double (*used)(const struct run_step *step);
    double (*nice)(double value);
    void (*write)(char *out, size_t cap, double value);
};

/* clang-format off */
static const struct resource resources[] = {
    {"limits.memory", "memory", "of memory", "each sandbox may take that much more of the machine",
     STEP_OVER_LIMIT, memory_limit, memory_used, nice_mib, write_mib},
    {"limits.cpu", "processor time", "of processor time",
     "one that runs in a circle keeps a processor busy for longer",
     STEP_OVER_CPU, cpu_limit, cpu_used, nice_seconds, write_span},
    {"limits.processes", "processes", "processes",
     "one that starts more and more of them fills the machine further",
     STEP_OVER_PROCESSES, process_limit, processes_used, nice_count, write_count},
};
/* clang-format on */

static bool is_over(const struct resource *resource, const struct run_step *step)
{
    return (step->flags & resource->flag) != 0;
}

/* Runs up to the last one that had another limit than now are left out. */
static bool had_this_limit(struct search *search, const struct resource *resource,
                           double limit)
{
    size_t n_other = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        double was = resource->limit(search->runs[i]);
        n_other = was > 0 && fabs(was / limit - 1) > LIMIT_SAME ? i + 1 : n_other;
    }
    search_drop(search, n_other);
    return search->n_runs >= RUNS_LEAST;
}

/* The step that is killed most often; 0: none is. */
static uint16_t most_killed(const struct search *search, const struct resource *resource)
{
    AUTO_FREE size_t *kills = mem_array(WORDS_MAX, sizeof(*kills));
    uint16_t most = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            uint16_t name = run->steps[k].name;
            if (is_over(resource, &run->steps[k]) && ++kills[name] > kills[most]) {
                most = name;
            }
        }
    }
    return most;
}

/* As much as the step uses now: before that it may have been another. */
static bool forget_use(struct search *search, const struct resource *resource,
                       uint16_t name)
{
    AUTO_FREE double *series = mem_array(search->n_runs + 1, sizeof(*series));
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        series[i] = (double)NAN;
        for (size_t k = 0; k < run->n_steps; k++) {
            if (run->steps[k].name == name) {
                series[i] = fmax(resource->used(&run->steps[k]), series[i]);
            }
        }
    }
    return search_forget(search, series, RUNS_LEAST);
}

/* Returns how many used clearly more than the limit and passed. */
static size_t take_use(const struct search *search, const struct resource *resource,
                       uint16_t name, struct limit_search *limit)
{
    size_t n_above = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps && limit->n < LIVES_MAX; k++) {
            const struct run_step *step = &run->steps[k];
            bool has_met = is_over(resource, step);
            if (step->name == name && (has_met || run_step_has_passed(step))) {
                double used = has_met ? limit->limit : resource->used(step);
                n_above += !has_met && used > ABOVE * limit->limit ? 1 : 0;
                limit->lives[limit->n++] = (struct lifetime){used, has_met};
                limit->n_cut += has_met ? 1 : 0;
            }
        }
    }
    return n_above;
}

/* Minutes of one run if what was killed had a share of `saved` chances to end, whichever step it
 * was: the first of several in one iteration saves those that follow. */
static double replay_kills(const struct run_features *run,
                           const struct resource *resource, double saved)
{
    double delta = 0, reached = 1;
    int iteration = 0;
    uint16_t killed = 0;
    for (size_t k = 0; k < run->n_steps; k++) {
        const struct run_step *step = &run->steps[k];
        if (step->iteration != iteration) {
            iteration = step->iteration;
            reached = 1;
            killed = 0;
        }
        bool is_after = step->name == killed && isfinite(step->pause);
        delta -= is_after ? (1 - reached) * (double)step->pause : 0;
        if (is_over(resource, step)) {
            double was = (double)step->run;
            reached = step->name == killed ? reached : 1;
            killed = step->name;
            reached *= 1 - saved;
            delta += reached * was - was;
        }
    }
    return delta / 60;
}

static void propose_more(struct search *search, const struct resource *resource,
                         const struct limit_search *limit, double to,
                         struct estimate saved, const char *step)
{
    struct proposal *draft = &search->draft;
    for (size_t i = 0; i < search->n_runs; i++) {
        search->delta[i] = replay_kills(search->runs[i], resource, saved.value);
    }
    draft->metric = RUN_WASTED;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_SPENDS;
    resource->write(draft->to, sizeof(draft->to), to);
    if (limit->fit.n > 0) {
        limit_expect(search, saved);
    } else { /* the guess says itself how little is known */
        search_expect(search, 1, (saved.value - saved.low) / saved.value,
                      (saved.high - saved.value) / saved.value);
    }
    draft_text(draft->title, sizeof(draft->title), "%s: %s %s, not %s", search->scope,
               draft->to, resource->of, draft->from);
    draft_text(draft->reason, sizeof(draft->reason),
               "%s was killed at the limit of %s in %zu of %zu tries; %s%.0f %% of them "
               "would have had enough",
               step, resource->what, limit->n_cut, limit->n,
               limit->fit.n > 0 ? "" : "perhaps ", 100 * saved.value);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong), "%s", resource->if_wrong);
    search_fact(search, (double)limit->n_cut, "killed at %s: %zu of %zu tries of %s",
                draft->from, limit->n_cut, limit->n, step);
    if (limit->fit.n > 0) {
        char half[64];
        resource->write(half, sizeof(half), resource->nice(exp(limit->fit.mu)));
        search_fact(search, exp(limit->fit.mu), "half of them need less than %s", half);
    }
    search_line(search,
                "%.0f %% of the kills in %zu recorded workflows would not have been",
                100 * saved.value, search->n_runs);
    search_propose(search);
}

static void fit_resource(struct search *search, const struct resource *resource)
{
    struct limit_search limit = {.n = 0};
    if (!search_begin(search, resource->setting, RUNS_LEAST) ||
        !((limit.limit = search_value(search)) > 0) ||
        !had_this_limit(search, resource, limit.limit)) {
        return;
    }
    AUTO_FREE struct lifetime *lives = mem_array(LIVES_MAX, sizeof(*lives));
    limit.lives = lives;
    uint16_t name = most_killed(search, resource);
    if (name == 0 || !forget_use(search, resource, name)) {
        return;
    }
    const char *step = words_name(search->input->words, name);
    size_t n_above = take_use(search, resource, name, &limit);
    bool is_known = n_above == 0 && isfinite(limit.lives[0].time);
    for (size_t i = 0; i < limit.n && is_known; i++) {
        is_known = isfinite(lives[i].time) && lives[i].time > 0;
    }
    if (is_known && limit_is_met_often(&limit)) {
        double to = limit_pick(&limit, search->now.most, resource->nice);
        propose_more(search, resource, &limit, to, limit_saved(&limit, to), step);
    } else if (!is_known && limit.n_cut >= KILLS_LEAST &&
               (double)limit.n_cut >= KILLS_SHARE * (double)limit.n) {
        double to = resource->nice(2 * limit.limit);
        bool is_allowed = !isfinite(search->now.most) || to <= search->now.most;
        struct estimate guess = {0.65, 0.3, 1};
        if (is_allowed) {
            propose_more(search, resource, &limit, to, guess, step);
        }
    }
}

void generate_limits(struct search *search)
{
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        fit_resource(search, &resources[i]);
    }
}
