/* SPDX-License-Identifier: MIT */

/*
 * Dry runs of limits: deadlines of states, timeouts of checks, memory and processor time.
 *
 * What was killed at the old limit would have needed more: the share of it that ends below the new one
 * is that of a lognormal and a Weibull distribution fitted to cut and whole observations, in the
 * middle between the two. What ended by itself above a lower limit would have been killed; what
 * then would have come of it nobody knows, so that it is counted and its time is lost.
 */

#include <math.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/dry_run_private.h"

#define SAME_LIMIT 0.01 /* relative: settings are rounded to seconds and bytes */
#define STAYS_MOST (2 * OPTIMIZE_RUNS_MAX)

/* One thing that has the limit: seconds or MiB that it needed, what it cost (seconds). */
struct stay {
    double size, cost, pause;
    bool is_killed, is_whole; /* at the limit; ended by itself */
};

enum limit_of { OF_STATE, OF_TIMEOUT, OF_MEMORY, OF_PROCESSOR, OF_UNKNOWN };

struct limiting {
    enum limit_of of;
    enum workflow_state state;
    uint16_t check;
    double limit_now; /* of the newest run; 0 unknown */
};

static struct limiting limiting_of(const struct replaying *r)
{
    static const struct {
        const char *setting;
        enum limit_of of;
        enum workflow_state state;
    } known[] = {
        {"limits.planning",   OF_STATE,     STATE_PLANNING  },
        {"limits.coding",     OF_STATE,     STATE_CODING    },
        {"limits.validation", OF_STATE,     STATE_VALIDATING},
        {"limits.memory",     OF_MEMORY,    STATE_IDLE      },
        {"limits.cpu",        OF_PROCESSOR, STATE_IDLE      },
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(known[i].setting, r->ask->setting) == 0) {
            return (struct limiting){.of = known[i].of, .state = known[i].state};
        }
    }
    uint16_t check = dry_run_check(r);
    return (struct limiting){.of = check != 0 ? OF_TIMEOUT : OF_UNKNOWN, .check = check};
}

static double limit_of_run(const struct run_features *run, const struct limiting *what)
{
    if (what->of == OF_MEMORY) {
        return (double)run->memory;
    }
    if (what->of == OF_PROCESSOR) {
        return (double)run->cpu;
    }
    return what->of != OF_STATE            ? 0
           : what->state == STATE_PLANNING ? (double)run->planning
           : what->state == STATE_CODING   ? (double)run->coding
                                           : (double)run->validation;
}

/* Runs that had another limit say something else. */
static void drop_others(struct search *search, const struct limiting *what, double from)
{
    size_t n = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        double was = limit_of_run(search->runs[i], what);
        if (was <= 0 || fabs(was / from - 1) <= SAME_LIMIT) {
            search->runs[n++] = search->runs[i];
        }
    }
    search->n_runs = n;
}

static bool visit_at(const struct run_features *run, size_t at,
                     const struct limiting *what, struct stay *ret)
{
    const struct run_visit *visit = &run->visits[at];
    if (visit->state != what->state || !(visit->active > 0)) {
        return false;
    }
    *ret = (struct stay){.size = (double)visit->active,
                         .cost = (double)visit->active,
                         .is_killed = visit->end == VISIT_DEADLINE,
                         .is_whole = visit->end == VISIT_DONE};
    if (ret->is_killed && at + 1 < run->n_visits &&
        run->visits[at + 1].state == visit->state) {
        ret->pause =
            fmax(0, (double)(run->visits[at + 1].at - visit->at - visit->active));
    }
    return true;
}

static bool step_at(const struct run_features *run, size_t at,
                    const struct limiting *what, struct stay *ret)
{
    const struct run_step *step = &run->steps[at];
    bool is_it = what->of != OF_TIMEOUT ||
                 (step->kind == EFFECT_CHECK && step->name == what->check);
    double size = what->of == OF_TIMEOUT  ? (double)step->run
                  : what->of == OF_MEMORY ? (double)step->memory
                                          : (double)step->cpu;
    if (!is_it || !isfinite(step->run) || !(size > 0)) {
        return false;
    }
    bool is_killed = what->of == OF_TIMEOUT  ? step->status == STATUS_TIMED_OUT
                     : what->of == OF_MEMORY ? (step->flags & STEP_OVER_LIMIT) != 0
                                             : (step->flags & STEP_OVER_CPU) != 0;
    *ret = (struct stay){.size = size,
                         .cost = (double)step->run,
                         .is_killed = is_killed,
                         .is_whole = !is_killed};
    return true;
}

/* The next stay of the run from *at on; false: there is none. */
static bool next_stay(const struct run_features *run, const struct limiting *what,
                      size_t *at, struct stay *ret)
{
    size_t n = what->of == OF_STATE ? run->n_visits : run->n_steps;
    while (*at < n) {
        size_t here = (*at)++;
        if (what->of == OF_STATE ? visit_at(run, here, what, ret)
                                 : step_at(run, here, what, ret)) {
            return true;
        }
    }
    return false;
}

struct totals_of_limit {
    size_t n, n_killed, n_would; /* would: that ended, and would have been killed */
    double n_saved;
};

/* Wasted minutes of one run: kills that would have ended are no waste; each kill that follows
 * another of the same state would only have come if that one had come, too. */
static double replay_run(const struct run_features *run, const struct limiting *what,
                         const struct replaying *r, double saved,
                         struct totals_of_limit *totals)
{
    struct stay stay;
    double delta = 0, reached = 1;
    bool is_time = what->of == OF_STATE || what->of == OF_TIMEOUT;
    for (size_t at = 0; next_stay(run, what, &at, &stay);) {
        totals->n++;
        if (stay.is_killed) {
            double cost = is_time ? r->to : stay.cost;
            totals->n_killed++;
            totals->n_saved += r->to > r->from ? saved : 0;
            reached *= r->to > r->from ? 1 - saved : 1;
            delta += reached * (cost + stay.pause) - (stay.cost + stay.pause);
        } else if (stay.is_whole) {
            bool is_over = stay.size > r->to;
            totals->n_would += is_over ? 1 : 0;
            delta += is_over ? (is_time ? r->to : stay.cost) : 0;
            reached = 1;
        }
    }
    return delta / 60;
}

/* Share of what was killed at the old limit that ends below the new one; NAN: nobody knows. */
static double share_saved(const struct replaying *r, const struct limiting *what)
{
    AUTO_FREE struct lifetime *lives = mem_array(STAYS_MOST, sizeof(*lives));
    struct lifetime_fit fit;
    struct stay stay;
    size_t n = 0;
    for (size_t i = 0; i < r->search->n_runs; i++) {
        for (size_t at = 0;
             n < STAYS_MOST && next_stay(r->search->runs[i], what, &at, &stay);) {
            lives[n++] = (struct lifetime){stay.size, !stay.is_whole};
        }
    }
    if (!lifetime_fit(lives, n, &fit)) {
        return (double)NAN;
    }
    double a = lifetime_beyond_lognormal(&fit, r->from);
    double b = lifetime_beyond_weibull(&fit, r->from);
    a = a > 0 ? 1 - lifetime_beyond_lognormal(&fit, r->to) / a : 1;
    b = b > 0 ? 1 - lifetime_beyond_weibull(&fit, r->to) / b : 1;
    return (a + b) / 2;
}

bool replay_limit(struct replaying *r)
{
    struct limiting what = limiting_of(r);
    struct totals_of_limit totals = {.n = 0};
    if (what.of == OF_UNKNOWN) {
        return dry_run_refuse(r, "what came near to this limit is not recorded");
    }
    if (!(r->from > 0 && r->to > 0)) {
        return dry_run_refuse(r, "one of the two values is no limit");
    }
    drop_others(r->search, &what, r->from);
    double saved = r->to > r->from ? share_saved(r, &what) : 0;
    bool is_known = isfinite(saved);
    for (size_t i = 0; i < r->search->n_runs; i++) {
        r->search->delta[i] =
            replay_run(r->search->runs[i], &what, r, is_known ? saved : 0, &totals);
    }
    if (!is_known && totals.n_killed > 0) {
        return dry_run_refuse(r,
                              "too few ended by themselves to tell how long the %zu "
                              "that were killed would have taken",
                              totals.n_killed);
    }
    dry_run_note(r, "%zu of %zu were killed at %.40s", totals.n_killed, totals.n,
                 r->ask->from);
    if (r->to > r->from) {
        dry_run_note(r, "%.0f of those would have ended within %.40s", totals.n_saved,
                     r->ask->to);
    } else {
        dry_run_note(r, "%zu that ended by themselves would have been killed",
                     totals.n_would);
    }
    return true;
}
