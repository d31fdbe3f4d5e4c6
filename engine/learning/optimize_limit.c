/* SPDX-License-Identifier: MIT */

/*
 * Limits fitted to what they bound: here deadlines of states; optimize_sandbox.c, optimize_timeout.c.
 *
 * What was killed at a limit would have needed more, nobody knows how much: it is an observation
 * that was cut. How much of it would have ended below a higher limit is told by a lognormal and a
 * Weibull distribution fitted to cut and whole observations together; where the two disagree, the
 * interval is as wide as that. Rule: at least KILLS_LEAST kills, KILLS_SHARE of all, and WHOLE_LEAST
 * that ended by themselves.
 */

#include <math.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/learning/optimize_private.h"

#define RUNS_LEAST  100
#define WHOLE_LEAST 30
#define KILLS_LEAST 20
#define KILLS_SHARE 0.02
#define FACTOR_MOST 3
#define ENOUGH      0.85 /* share of what was killed that should end */
#define MODEL_ERROR 0.25 /* of the saved share, beside the disagreement of the two */

static double limit_of_run(const struct run_features *run, enum workflow_state state)
{
    switch (state) {
    case STATE_PLANNING:
        return (double)run->planning;
    case STATE_CODING:
        return (double)run->coding;
    default:
        return (double)run->validation;
    }
}

/* Runs up to the last one that had another limit than now are left out: its author may have
 * changed it, or a change was taken back. */
static bool had_this_limit(struct search *search, enum workflow_state state, double limit)
{
    size_t n_other = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        double was = limit_of_run(search->runs[i], state);
        n_other = was > 0 && fabs(was / limit - 1) > LIMIT_SAME ? i + 1 : n_other;
    }
    search_drop(search, n_other);
    return search->n_runs >= RUNS_LEAST;
}

struct estimate limit_saved(const struct limit_search *limit, double to)
{
    const struct lifetime_fit *fit = &limit->fit;
    double now = lifetime_beyond_lognormal(fit, limit->limit);
    double a = now > 0 ? 1 - lifetime_beyond_lognormal(fit, to) / now : 1;
    now = lifetime_beyond_weibull(fit, limit->limit);
    double b = now > 0 ? 1 - lifetime_beyond_weibull(fit, to) / now : 1;
    return (struct estimate){(a + b) / 2, fmin(a, b), fmax(a, b)};
}

double limit_pick(const struct limit_search *limit, double most, double nice(double))
{
    double to = limit->limit;
    for (int quarters = 5; quarters <= 4 * FACTOR_MOST; quarters++) {
        double next = nice(limit->limit * quarters / 4);
        if (isfinite(most) && next > most) {
            break;
        }
        to = next;
        if (limit_saved(limit, to).low >= ENOUGH) {
            break;
        }
    }
    return to;
}

void limit_expect(struct search *search, struct estimate saved)
{
    double less = (saved.value - saved.low) / saved.value + MODEL_ERROR;
    double more = (saved.high - saved.value) / saved.value + MODEL_ERROR;
    search_expect(search, 1, fmin(less, 1), more);
}

bool limit_is_met_often(struct limit_search *limit)
{
    return limit->n_cut >= KILLS_LEAST && limit->n - limit->n_cut >= WHOLE_LEAST &&
           (double)limit->n_cut >= KILLS_SHARE * (double)limit->n &&
           lifetime_fit(limit->lives, limit->n, &limit->fit);
}

/* ---- deadlines -------------------------------------------------------------------------- */

struct deadline {
    enum workflow_state state;
    const char *setting;
};

/* How long each run was in the state, for what it is now. */
static bool forget_visits(struct search *search, enum workflow_state state)
{
    AUTO_FREE double *series = mem_array(search->n_runs + 1, sizeof(*series));
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        series[i] = (double)NAN;
        for (size_t k = 0; k < run->n_visits; k++) {
            if (run->visits[k].state == state) {
                series[i] = fmax((double)run->visits[k].active, series[i]);
            }
        }
    }
    return search_forget(search, series, RUNS_LEAST);
}

static void take_visits(const struct search *search, enum workflow_state state,
                        struct limit_search *limit)
{
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_visits; k++) {
            const struct run_visit *visit = &run->visits[k];
            if (visit->state == state && visit->active > 0 &&
                limit->n < OPTIMIZE_RUNS_MAX * 2) {
                limit->n_cut += visit->end == VISIT_DEADLINE ? 1 : 0;
                limit->lives[limit->n++] =
                    (struct lifetime){(double)visit->active, visit->end != VISIT_DONE};
            }
        }
    }
}

/* Wasted minutes of one run if its kills had a share of `saved` chances to end below `to`. Each kill
 * that follows another of the same stay would only have come if that one had come, too. */
static double replay_kills(const struct run_features *run, enum workflow_state state,
                           double to, double saved)
{
    double delta = 0, reached = 1;
    for (size_t k = 0; k < run->n_visits; k++) {
        const struct run_visit *visit = &run->visits[k];
        if (visit->state != state || visit->end != VISIT_DEADLINE) {
            reached = visit->state == state && visit->end == VISIT_DONE ? 1 : reached;
            continue;
        }
        double pause = 0, end = (double)(visit->at + visit->active);
        if (k + 1 < run->n_visits && run->visits[k + 1].state == state) {
            pause = fmax(0, (double)run->visits[k + 1].at - end);
        }
        double was = (double)visit->active + pause;
        reached *= 1 - saved;
        delta += reached * (to + pause) - was;
    }
    return delta / 60;
}

static void raise_deadline(struct search *search, const struct deadline *deadline,
                           struct limit_search *limit)
{
    char from[CLOCK_TEXT_MAX], below[CLOCK_TEXT_MAX];
    double to = limit_pick(limit, search->now.most, nice_seconds);
    struct estimate saved = limit_saved(limit, to);
    struct proposal *draft = &search->draft;
    size_t n_hit = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        search->delta[i] =
            replay_kills(search->runs[i], deadline->state, to, saved.value);
        n_hit += search->delta[i] < 0 ? 1 : 0;
    }
    draft->metric = RUN_WASTED;
    draft->traits = PROPOSAL_REVERSIBLE;
    write_span(draft->to, sizeof(draft->to), to);
    limit_expect(search, saved);
    draft_text(draft->title, sizeof(draft->title), "%s: allow %s in %s, not %s",
               search->scope, draft->to, state_name(deadline->state),
               say_span(limit->limit, from));
    draft_text(draft->reason, sizeof(draft->reason),
               "%zu of %zu stays in %s were killed at the deadline while they worked; "
               "%.0f %% of them would have ended within %s",
               limit->n_cut, limit->n, state_name(deadline->state), 100 * saved.value,
               draft->to);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "one that hangs is noticed %s later", say_span(to - limit->limit, below));
    search_fact(search, (double)limit->n_cut, "killed at the deadline: %zu of %zu stays",
                limit->n_cut, limit->n);
    search_fact(search, exp(limit->fit.mu), "half of the stays end within %s",
                say_span(exp(limit->fit.mu), from));
    search_line(search, "of %zu recorded workflows %zu would have wasted less",
                search->n_runs, n_hit);
    search_propose(search);
}

/* The kills are of such that hang: nobody who ends by himself comes near the deadline. */
static void lower_deadline(struct search *search, const struct deadline *deadline,
                           const struct limit_search *limit, double slowest)
{
    char text[CLOCK_TEXT_MAX];
    double to = nice_seconds(slowest * LIMIT_ROOM);
    struct proposal *draft = &search->draft;
    if (isfinite(search->now.least) && to < search->now.least) {
        return;
    }
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        search->delta[i] = 0;
        for (size_t k = 0; k < run->n_visits; k++) {
            bool is_kill = run->visits[k].state == deadline->state &&
                           run->visits[k].end == VISIT_DEADLINE;
            search->delta[i] += is_kill ? (to - (double)run->visits[k].active) / 60 : 0;
        }
    }
    draft->metric = RUN_WASTED;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_STRICTER;
    write_span(draft->to, sizeof(draft->to), to);
    search_expect(search, 1, MODEL_ERROR, MODEL_ERROR);
    draft_text(draft->title, sizeof(draft->title), "%s: end %s after %s, not %s",
               search->scope, state_name(deadline->state), draft->to,
               say_span(limit->limit, text));
    draft_text(draft->reason, sizeof(draft->reason),
               "%zu stays hung until the deadline; the slowest of %zu others ended "
               "after %s",
               limit->n_cut, limit->n - limit->n_cut, say_span(slowest, text));
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "one that is slower than all so far is killed, and tried again");
    search_fact(search, (double)limit->n_cut, "killed at the deadline: %zu",
                limit->n_cut);
    search_line(search,
                "of %zu recorded workflows none that ended would have been killed",
                search->n_runs);
    search_propose(search);
}

static void fit_deadline(struct search *search, const struct deadline *deadline)
{
    struct limit_search limit = {.n = 0};
    if (!search_begin(search, deadline->setting, RUNS_LEAST) ||
        !((limit.limit = search_value(search)) > 0) ||
        !had_this_limit(search, deadline->state, limit.limit) ||
        !forget_visits(search, deadline->state)) {
        return;
    }
    AUTO_FREE struct lifetime *lives =
        mem_array((size_t)OPTIMIZE_RUNS_MAX * 2, sizeof(*lives));
    limit.lives = lives;
    take_visits(search, deadline->state, &limit);
    double slowest = 0;
    for (size_t i = 0; i < limit.n; i++) {
        slowest = lives[i].is_cut ? slowest : fmax(slowest, lives[i].time);
    }
    if (!limit_is_met_often(&limit)) {
        return;
    }
    if (slowest * LIMIT_ROOM < limit.limit * LIMIT_HUNG) {
        lower_deadline(search, deadline, &limit, slowest);
    } else if (slowest > limit.limit * LIMIT_HUNG * 1.5) {
        raise_deadline(search, deadline, &limit);
    }
}

void generate_deadline(struct search *search)
{
    static const struct deadline deadlines[] = {
        {STATE_PLANNING,   "limits.planning"  },
        {STATE_CODING,     "limits.coding"    },
        {STATE_VALIDATING, "limits.validation"},
    };
    for (size_t i = 0; i < ARRAY_LEN(deadlines); i++) {
        fit_deadline(search, &deadlines[i]);
    }
}
