/* SPDX-License-Identifier: MIT */

/*
 * The path of a workflow is made of marks: each step covers the time from when it was begun until it
 * ended, the time in line before it, and the pause that it came after. What no step covers is told
 * by the waits of the workflow (people, services), and what is left is between steps.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/bottleneck.h"

#define KEPT 512 /* stays of which the 90th of 100 is told; the newest */

static const char *const words_of_kinds[] = {
#define X(id, word, help) word,
    BOTTLENECK_LIST(X)
#undef X
};

const char *bottleneck_word(enum bottleneck_kind kind)
{
    return (size_t)kind < ARRAY_LEN(words_of_kinds) ? words_of_kinds[kind] : "?";
}

struct tally {
    struct bottleneck row;
    double sum, wasted; /* seconds */
    double stays[KEPT];
};

struct tallies {
    struct tally *all;
    size_t n;
};

static void put(struct tallies *tallies, enum bottleneck_kind kind, uint16_t name,
                double seconds, bool is_wasted)
{
    size_t i = 0;
    while (i < tallies->n &&
           (tallies->all[i].row.kind != kind || tallies->all[i].row.name != name)) {
        i++;
    }
    if (!(seconds > 0) || i == BOTTLENECKS_MAX) {
        return;
    }
    struct tally *tally = &tallies->all[i];
    if (i == tallies->n) {
        tallies->n++;
        tally->row.kind = kind;
        tally->row.name = name;
    }
    tally->sum += seconds;
    tally->wasted += is_wasted ? seconds : 0;
    tally->stays[tally->row.n % KEPT] = seconds;
    tally->row.n++;
}

static double end_of(const struct run_step *step)
{
    return (double)step->at + (double)step->wait + (double)step->run;
}

/* The step that ends last of those asked for before `to` and ending after `from`: what the
 * workflow waits for until then. */
static const struct run_step *next_on_path(const struct run_features *run, double from)
{
    const struct run_step *next = NULL;
    for (size_t i = 0; i < run->n_steps; i++) {
        const struct run_step *step = &run->steps[i];
        if (!isfinite(step->run) || end_of(step) <= from + 1e-3) {
            continue;
        }
        bool is_sooner = next == NULL || step->at < next->at - 1e-3f;
        bool is_beside = next != NULL && (double)step->at < end_of(next) &&
                         end_of(step) > end_of(next);
        if (is_sooner || (is_beside && (double)step->at <= from + 1e-3)) {
            next = step;
        }
    }
    return next;
}

static void walk_path(struct tallies *tallies, const struct run_features *run, double end)
{
    double at = fmax(0, (double)(run->started_at.ms - run->created_at.ms) / 1000);
    double between = 0;
    put(tallies, BOTTLENECK_SLOT, 0, at, false);
    for (size_t guard = 0; guard <= run->n_steps; guard++) {
        const struct run_step *step = next_on_path(run, at);
        if (step == NULL || (double)step->at >= end) {
            break; /* what looks at the base after a merge holds nobody back */
        }
        double asked = fmax(at, (double)step->at);
        double pause = isfinite(step->pause) ? fmin((double)step->pause, asked - at) : 0;
        put(tallies, BOTTLENECK_RETRY, 0, pause, true);
        between += asked - at - pause;
        double begun = fmax(asked, (double)step->at + (double)step->wait);
        put(tallies, BOTTLENECK_LINE, step->provider, begun - asked, false);
        put(tallies, BOTTLENECK_STEP, step->name, fmin(end, end_of(step)) - begun,
            run_step_has_failed(step));
        at = fmin(end, end_of(step));
    }
    between += fmax(0, end - at);
    double human = 0;
    for (int wait = WAIT_NONE + 1; wait < WAIT_COUNT; wait++) {
        human += wait_needs_human((enum workflow_wait)wait) || wait == WAIT_PAUSE
                     ? (double)run->wait[wait]
                     : 0;
    }
    double service = fmin((double)run->wait[WAIT_SERVICE], between);
    human = fmin(human, between - service);
    put(tallies, BOTTLENECK_SERVICE, 0, service, false);
    put(tallies, BOTTLENECK_HUMAN, 0, human, false);
    put(tallies, BOTTLENECK_ENGINE, 0, between - service - human, false);
}

/* Interval of a quantile by the ranks that bound it (Conover, "Practical Nonparametric Statistics",
 * 3rd ed. 1999, 3.2; normal approximation). */
static struct estimate ninetieth(struct tally *tally)
{
    size_t n = (size_t)(tally->row.n < KEPT ? tally->row.n : KEPT);
    double half = 1.645 * sqrt(0.9 * 0.1 / (double)n);
    return (struct estimate){stat_quantile(tally->stays, n, 0.9) / 60,
                             stat_sorted_quantile(tally->stays, n, 0.9 - half) / 60,
                             stat_sorted_quantile(tally->stays, n, fmin(1, 0.9 + half)) /
                                 60};
}

static int by_share(const void *left, const void *right)
{
    double a = ((const struct bottleneck *)left)->share;
    double b = ((const struct bottleneck *)right)->share;
    return a > b ? -1 : a < b;
}

size_t bottlenecks(const struct run_features *const *runs, size_t n, uint16_t pipeline,
                   struct wall since, struct bottleneck *out, size_t max)
{
    AUTO_FREE struct tally *all = mem_array(BOTTLENECKS_MAX, sizeof(*all));
    struct tallies tallies = {all, 0};
    int64_t first = INT64_MAX, last = 0;
    double lead = 0;
    for (size_t i = 0; i < n; i++) {
        const struct run_features *run = runs[i];
        if (run->created_at.ms < since.ms ||
            (pipeline != 0 && run->pipeline != pipeline)) {
            continue;
        }
        double end = (double)(run->finished_at.ms - run->created_at.ms) / 1000;
        first = run->created_at.ms < first ? run->created_at.ms : first;
        last = run->finished_at.ms > last ? run->finished_at.ms : last;
        lead += end;
        walk_path(&tallies, run, end);
    }
    double hours = (double)(last - first) / 3600000;
    struct bottleneck rows[BOTTLENECKS_MAX];
    for (size_t i = 0; i < tallies.n; i++) {
        struct tally *tally = &all[i];
        struct bottleneck *row = &rows[i];
        *row = tally->row;
        row->pipeline = pipeline;
        row->share = lead > 0 ? tally->sum / lead : 0;
        row->minutes = tally->sum / 60 / (double)row->n;
        row->rate = hours > 0 ? (double)row->n / hours : (double)NAN;
        row->at_once = row->rate * row->minutes / 60;
        row->wasted = tally->wasted / tally->sum;
        row->p90 = ninetieth(tally);
    }
    if (tallies.n > 0) {
        qsort(rows, tallies.n, sizeof(rows[0]), by_share);
    }
    size_t n_out = tallies.n < max ? tallies.n : max;
    if (n_out > 0) {
        memcpy(out, rows, n_out * sizeof(rows[0]));
    }
    return n_out;
}

const char *bottleneck_text(const struct words *words, const struct bottleneck *row,
                            char ret_text[BOTTLENECK_TEXT_MAX])
{
    bool has_name = row->name != 0;
    (void)snprintf(ret_text, BOTTLENECK_TEXT_MAX,
                   "%s%s%.60s: %.0f %% of the lead time; L = %.1f/h x %.1f min = %.1f at "
                   "once; %.0f %% of it wasted",
                   bottleneck_word(row->kind), has_name ? " " : "",
                   has_name ? words_name(words, row->name) : "", 100 * row->share,
                   row->rate, row->minutes, row->at_once, 100 * row->wasted);
    return ret_text;
}
