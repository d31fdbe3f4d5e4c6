/* SPDX-License-Identifier: MIT */

/*
 * Timeouts of checks, fitted to how long they take (optimize_limit.c): lower where what meets it
 * hangs and the slowest that ends by itself is far below, higher where it kills what still works. A
 * check without a timeout is bounded by the deadline of its state alone; it is left as its author
 * wrote it.
 */

#include <math.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/learning/optimize_private.h"

#define RUNS_LEAST  100
#define AT_LIMIT    0.98 /* of the timeout: nothing else ended it */
#define MODEL_ERROR 0.25

/* Names of the checks that have a timeout, each once. */
static size_t timed_names(const struct search *search, uint16_t names[FEATURE_CHECKS_MAX])
{
    size_t n = 0;
    for (size_t i = search->n_runs; i-- > 0;) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            size_t at = 0;
            while (at < n && names[at] != step->name) {
                at++;
            }
            if (step->kind == EFFECT_CHECK && isfinite(step->limit) && at == n &&
                n < FEATURE_CHECKS_MAX) {
                names[n++] = step->name;
            }
        }
    }
    return n;
}

static bool is_its(const struct run_step *step, uint16_t name)
{
    return step->name == name && step->kind == EFFECT_CHECK && isfinite(step->run);
}

static bool is_timed_out(const struct run_step *step)
{
    return step->status == STATUS_TIMED_OUT && isfinite(step->limit) &&
           (double)step->run >= AT_LIMIT * (double)step->limit;
}

static bool had_this_timeout(struct search *search, uint16_t name, double limit)
{
    size_t n_other = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            bool is_same = isfinite(step->limit) &&
                           fabs((double)step->limit / limit - 1) <= LIMIT_SAME;
            n_other = is_its(step, name) && !is_same ? i + 1 : n_other;
        }
    }
    search_drop(search, n_other);
    return search->n_runs >= RUNS_LEAST;
}

/* As long as the check takes now. */
static bool forget_times(struct search *search, uint16_t name)
{
    AUTO_FREE double *series = mem_array(search->n_runs + 1, sizeof(*series));
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        series[i] = (double)NAN;
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (is_its(step, name) && run_step_has_passed(step)) {
                series[i] = fmax((double)step->run, series[i]);
            }
        }
    }
    return search_forget(search, series, RUNS_LEAST);
}

/* Returns the slowest that ended by itself. */
static double take_times(const struct search *search, uint16_t name,
                         struct limit_search *limit)
{
    double slowest = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps && limit->n < LIVES_MAX; k++) {
            const struct run_step *step = &run->steps[k];
            bool is_cut = is_timed_out(step);
            if (is_its(step, name) && step->run > 0 &&
                (is_cut || run_step_has_passed(step))) {
                limit->lives[limit->n++] = (struct lifetime){(double)step->run, is_cut};
                limit->n_cut += is_cut ? 1 : 0;
                slowest = is_cut ? slowest : fmax(slowest, (double)step->run);
            }
        }
    }
    return slowest;
}

/* Wasted minutes of one run when each kill comes at `to`, and a share of `saved` of them does not
 * come at all: then the pause after it goes, too. */
static double replay_kills(const struct run_features *run, uint16_t name, double to,
                           double saved)
{
    double delta = 0;
    for (size_t k = 0; k < run->n_steps; k++) {
        const struct run_step *step = &run->steps[k];
        if (!is_its(step, name) || !is_timed_out(step)) {
            continue;
        }
        double pause = 0;
        for (size_t i = k + 1; i < run->n_steps && saved > 0; i++) {
            if (is_same_check(&run->steps[i], step)) {
                pause = isfinite(run->steps[i].pause) ? (double)run->steps[i].pause : 0;
                break;
            }
        }
        delta += (1 - saved) * to - (double)step->run - saved * pause;
    }
    return delta / 60;
}

static void propose_timeout(struct search *search, const struct limit_search *limit,
                            const char *check, double to, struct estimate saved,
                            double slowest)
{
    struct proposal *draft = &search->draft;
    char from[CLOCK_TEXT_MAX], text[CLOCK_TEXT_MAX];
    bool is_lower = to < limit->limit;
    draft->metric = RUN_WASTED;
    draft->traits = PROPOSAL_REVERSIBLE | (is_lower ? PROPOSAL_STRICTER : 0u);
    write_span(draft->to, sizeof(draft->to), to);
    draft_text(draft->title, sizeof(draft->title), "%s: '%.40s' may take %s, not %s",
               search->scope, check, draft->to, say_span(limit->limit, from));
    if (is_lower) {
        search_expect(search, 1, MODEL_ERROR, MODEL_ERROR);
        draft_text(draft->reason, sizeof(draft->reason),
                   "%zu tries of '%.60s' hung until their timeout; the slowest of %zu "
                   "others passed after %s",
                   limit->n_cut, check, limit->n - limit->n_cut, say_span(slowest, text));
        draft_text(draft->if_wrong, sizeof(draft->if_wrong),
                   "one that is slower than all so far is killed, and tried again");
        search_line(search,
                    "of %zu recorded workflows none that passed would have been killed",
                    search->n_runs);
    } else {
        limit_expect(search, saved);
        draft_text(
            draft->reason, sizeof(draft->reason),
            "%zu of %zu tries of '%.60s' were killed while they worked; %.0f %% of "
            "them would have ended within %s",
            limit->n_cut, limit->n, check, 100 * saved.value, draft->to);
        draft_text(draft->if_wrong, sizeof(draft->if_wrong),
                   "one that hangs is noticed %s later",
                   say_span(to - limit->limit, text));
        search_line(search, "%.0f %% of the kills in %zu workflows would not have been",
                    100 * saved.value, search->n_runs);
    }
    search_fact(search, (double)limit->n_cut, "killed after %s: %zu of %zu tries", from,
                limit->n_cut, limit->n);
    search_fact(search, exp(limit->fit.mu), "half of them end within %s",
                say_span(exp(limit->fit.mu), text));
    search_propose(search);
}

static void fit_timeout(struct search *search, uint16_t name)
{
    struct limit_search limit = {.n = 0};
    char setting[sizeof(search->draft.setting)];
    const char *check = words_name(search->input->words, name);
    draft_text(setting, sizeof(setting), "checks/%s.timeout", check);
    if (!search_begin(search, setting, RUNS_LEAST) ||
        !((limit.limit = search_value(search)) > 0) ||
        !had_this_timeout(search, name, limit.limit) || !forget_times(search, name)) {
        return;
    }
    AUTO_FREE struct lifetime *lives = mem_array(LIVES_MAX, sizeof(*lives));
    limit.lives = lives;
    double slowest = take_times(search, name, &limit), to = limit.limit;
    struct estimate saved = {0, 0, 0};
    if (!limit_is_met_often(&limit)) {
        return;
    }
    if (slowest * LIMIT_ROOM < limit.limit * LIMIT_HUNG) {
        to = nice_seconds(slowest * LIMIT_ROOM);
    } else if (slowest > limit.limit * LIMIT_HUNG * 1.5) {
        to = limit_pick(&limit, search->now.most, nice_seconds);
        saved = limit_saved(&limit, to);
    }
    bool is_allowed = !isfinite(search->now.least) || to >= search->now.least;
    if (to < limit.limit || to > limit.limit) {
        for (size_t i = 0; i < search->n_runs; i++) {
            search->delta[i] = replay_kills(search->runs[i], name, to, saved.value);
        }
        if (is_allowed) {
            propose_timeout(search, &limit, check, to, saved, slowest);
        }
    }
}

void generate_timeout(struct search *search)
{
    uint16_t names[FEATURE_CHECKS_MAX];
    if (!search_begin(search, "limits.retries", RUNS_LEAST)) {
        return;
    }
    size_t n = timed_names(search, names);
    for (size_t i = 0; i < n; i++) {
        fit_timeout(search, names[i]);
    }
}
