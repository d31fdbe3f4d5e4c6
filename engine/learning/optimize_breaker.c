/* SPDX-License-Identifier: MIT */

/*
 * Breakers: how long one stays open the first time, and how many failures open it.
 *
 * The stay. Each stay in open ended with a try that passed or not: that is a pause after a trouble
 * (optimize_trouble.c), and a stay is judged by how long it is until the breaker is closed again,
 * with stays that double. Who waited for the service waits that much less. Rule: OPENINGS_LEAST
 * openings.
 *
 * The failures. Single failures that have nothing to do with each other meet in a row by accident:
 * with a share p of calls that fail after one that passed, k in a row come p^(k - 1) times as often as
 * one. Where that explains the openings that were (lower bound: ACCIDENTS_LEAST of them), some more
 * failures are waited for. It is believed only if the steps that were recorded, counted as a breaker
 * counts calls, open it about as often as it did. Rule: OPENINGS_LEAST openings.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/replay.h"

#define RUNS_LEAST      100
#define OPENINGS_LEAST  12
#define ACCIDENTS_LEAST 0.5
#define ACCIDENTS_LEFT  0.1 /* of the openings, after the change */
#define MODEL_FACTOR    1.5
#define STAYS           8 /* until a trouble is given up: the stay does not grow for ever */
#define RAMP_S          900.0 /* who waited goes on within this time after it closed */
#define BLOCKS          12
#define FAILURES_MOST   10
#define MODEL_ERROR     0.25

/* From opened to closed. Seconds since the epoch. */
struct spell {
    double from, until;
};

struct breaker_search {
    struct spell *spells;
    size_t n;
    struct trouble_model *model;
};

static double seconds_of(struct wall at)
{
    return (double)at.ms / 1000;
}

/* Openings since the setting is in force, and what became of each stay. */
static void take_spells(const struct search *search, struct breaker_search *breaker)
{
    double opened = (double)NAN, stays = (double)NAN;
    trouble_begin(breaker->model);
    for (size_t i = 0; i < search->input->n_changes; i++) {
        const struct service_change *change = &search->input->changes[i];
        double at = seconds_of(change->at);
        if (change->service != search->name || change->at.ms < search->now.since.ms) {
            continue;
        }
        if (change->state == BREAKER_OPEN) {
            if (isfinite(stays) && isfinite(opened)) {
                trouble_weigh(breaker->model, stays, true);
            }
            opened = isfinite(opened) ? opened : at;
            stays = -at; /* until it is half-open */
        } else if (change->state == BREAKER_HALF_OPEN && isfinite(stays)) {
            stays = stays < 0 ? at + stays : stays;
        } else if (change->state == BREAKER_CLOSED && isfinite(opened)) {
            if (stays > 0) {
                trouble_weigh(breaker->model, stays, false);
            }
            breaker->spells[breaker->n++] = (struct spell){opened, at};
            opened = stays = (double)NAN;
        }
    }
    trouble_end(breaker->model);
}

/* Waits of the run while the breaker was open; `less` of each at most is saved. Minutes. */
static double parked_less(const struct breaker_search *breaker,
                          const struct run_features *run, double less)
{
    double sum = 0;
    for (size_t k = 0; k < run->n_visits; k++) {
        const struct run_visit *visit = &run->visits[k];
        double from = seconds_of(run->created_at) + (double)visit->at;
        double until = from + (double)visit->active;
        for (size_t i = 0; i < breaker->n && visit->state == STATE_PARKED; i++) {
            const struct spell *spell = &breaker->spells[i];
            if (from < spell->until + 1 && until > spell->from &&
                until < spell->until + RAMP_S) {
                sum += fmin((double)visit->active, less);
                break;
            }
        }
    }
    return sum / 60;
}

/* ---- the stay ----------------------------------------------------------------------------- */

/* Until it is closed: stays double. */
static double stay_cost(double a, double tau, double first, double fail_s)
{
    double cost = 0, reach = 1, stay = first;
    for (int k = 0; k < STAYS; k++, stay *= 2) {
        double passes = a * (1 - exp(-stay / tau));
        cost += reach * (stay + (1 - passes) * fail_s);
        reach *= 1 - passes;
    }
    return cost + reach * stay;
}

static void fit_stay(struct search *search, struct breaker_search *breaker)
{
    static const double factors[] = {0.5, 0.25, 0.1, 0.05};
    struct proposal *draft = &search->draft;
    struct estimate best = {0, 0, 0};
    char was[CLOCK_TEXT_MAX], text[CLOCK_TEXT_MAX];
    double from = search_value(search), to = 0;
    for (size_t i = 0; i < ARRAY_LEN(factors); i++) {
        double next = nice_seconds(from * factors[i]);
        bool is_allowed = !isfinite(search->now.least) || next >= search->now.least;
        struct estimate gain = trouble_gain(breaker->model, stay_cost, from, next);
        if (is_allowed && gain.high < best.high) { /* the most that is sure */
            best = gain;
            to = next;
        }
    }
    if (!(best.high < 0)) {
        return;
    }
    for (size_t i = 0; i < search->n_runs; i++) {
        search->delta[i] = -parked_less(breaker, search->runs[i], -best.value);
    }
    draft->metric = RUN_PARKED;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_SPENDS;
    write_span(draft->to, sizeof(draft->to), to);
    search_expect(search, search->n_runs / BLOCKS,
                  1 - best.high / best.value + MODEL_ERROR,
                  best.low / best.value - 1 + MODEL_ERROR);
    draft_text(draft->title, sizeof(draft->title), "%s: open for %s at first, not %s",
               search->scope, draft->to, say_span(from, was));
    draft_text(
        draft->reason, sizeof(draft->reason),
        "it opened %zu times; %.0f of %.0f tries after a stay of %s passed: it was "
        "well much sooner",
        breaker->n, breaker->model->n_passed, breaker->model->n, was);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "a service that is away for longer is tried more often: after %s, then "
               "after twice that",
               say_span(to, text));
    search_fact(search, breaker->model->n_passed / breaker->model->n,
                "tries after a stay that passed: %.0f of %.0f", breaker->model->n_passed,
                breaker->model->n);
    search_line(search, "each of %zu openings would have been %s shorter", breaker->n,
                say_span(-best.value, text));
    search_propose(search);
}

/* ---- the failures ------------------------------------------------------------------------- */

struct call {
    double at;
    bool is_bad;
};

static int by_at(const void *left, const void *right)
{
    double a = ((const struct call *)left)->at, b = ((const struct call *)right)->at;
    return a < b ? -1 : a > b;
}

static bool is_bad_call(const struct run_step *step)
{
    enum failure_class class = (enum failure_class)step->class_;
    return run_step_has_failed(step) && (class == CLASS_NETWORK || class == CLASS_INFRA);
}

static size_t take_calls(const struct search *search, struct call *calls)
{
    size_t n = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            bool is_bad = is_bad_call(step);
            if (step->provider == search->name && isfinite(step->run) &&
                (is_bad || run_step_has_passed(step))) {
                calls[n++] =
                    (struct call){seconds_of(run->created_at) +
                                      (double)(step->at + step->wait + step->run),
                                  is_bad};
            }
        }
    }
    if (n > 0) {
        qsort(calls, n, sizeof(*calls), by_at);
    }
    return n;
}

struct rows {
    double n_after_pass, n_bad_after_pass; /* calls after one that passed */
    double n_full;                         /* rows of `most` failures */
};

/* A row that is full opens the breaker: what comes next begins anew. */
static struct rows count_rows(const struct call *calls, size_t n, int most)
{
    struct rows rows = {0};
    int in_a_row = 0;
    for (size_t i = 0; i < n; i++) {
        rows.n_after_pass += in_a_row == 0 ? 1 : 0;
        rows.n_bad_after_pass += in_a_row == 0 && calls[i].is_bad ? 1 : 0;
        in_a_row = calls[i].is_bad ? in_a_row + 1 : 0;
        if (in_a_row == most) {
            rows.n_full += 1;
            in_a_row = 0;
        }
    }
    return rows;
}

static void propose_failures(struct search *search, const struct breaker_search *breaker,
                             const struct rows *rows, int from, int to,
                             struct estimate share)
{
    struct proposal *draft = &search->draft;
    for (size_t i = 0; i < search->n_runs; i++) {
        search->delta[i] =
            -share.value * parked_less(breaker, search->runs[i], (double)INFINITY);
    }
    draft->metric = RUN_PARKED;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_SPENDS;
    draft_text(draft->to, sizeof(draft->to), "%d", to);
    search_expect(search, search->n_runs / BLOCKS,
                  (share.value - share.low) / share.value + MODEL_ERROR,
                  (share.high - share.value) / share.value + MODEL_ERROR);
    draft_text(draft->title, sizeof(draft->title), "%s: opens after %d failures, not %d",
               search->scope, to, from);
    draft_text(draft->reason, sizeof(draft->reason),
               "it opened %zu times; single failures, %.1f %% of calls, meet %d in a row "
               "that often by accident",
               breaker->n, 100 * rows->n_bad_after_pass / rows->n_after_pass, from);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "when it is really away, %d more calls fail before it opens", to - from);
    search_fact(search, rows->n_bad_after_pass / rows->n_after_pass,
                "calls that failed after one that passed: %.0f of %.0f",
                rows->n_bad_after_pass, rows->n_after_pass);
    search_line(search, "of %zu openings %.0f would not have been", breaker->n,
                share.value * (double)breaker->n);
    search_propose(search);
}

static void fit_failures(struct search *search, const struct breaker_search *breaker)
{
    size_t cap = 1;
    for (size_t i = 0; i < search->n_runs; i++) {
        cap += search->runs[i]->n_steps;
    }
    AUTO_FREE struct call *calls = mem_array(cap, sizeof(*calls));
    size_t n = take_calls(search, calls);
    double now = search_value(search), opened = (double)breaker->n;
    if (!(now >= 1 && now < FAILURES_MOST)) {
        return;
    }
    int from = (int)now, to = from;
    struct rows rows = count_rows(calls, n, from);
    struct estimate p = stat_share(rows.n_bad_after_pass, rows.n_after_pass, 0.9);
    double ratio = rows.n_full / opened;
    if (!(ratio < MODEL_FACTOR && ratio > 1 / MODEL_FACTOR)) {
        return; /* it counts something else than these steps */
    }
    double firsts = rows.n_bad_after_pass;
    while (to < FAILURES_MOST && firsts * pow(p.high, to - 1) > ACCIDENTS_LEFT * opened) {
        to++;
    }
    struct estimate share = {fmin(firsts * pow(p.value, from - 1) / opened, 1),
                             fmin(firsts * pow(p.low, from - 1) / opened, 1), 1};
    share.value *= 1 - pow(p.value, to - from);
    share.low *= 1 - pow(p.high, to - from);
    bool is_allowed = !isfinite(search->now.most) || to <= search->now.most;
    if (to > from && is_allowed && share.low >= ACCIDENTS_LEAST) {
        propose_failures(search, breaker, &rows, from, to, share);
    }
}

static void fit_breaker(struct search *search, const char *setting,
                        void fit(struct search *search, struct breaker_search *breaker))
{
    if (!search_begin(search, setting, RUNS_LEAST)) {
        return;
    }
    AUTO_FREE struct trouble_model *model = mem_alloc(sizeof(*model));
    AUTO_FREE struct spell *spells =
        mem_array(search->input->n_changes + 1, sizeof(*spells));
    struct breaker_search breaker = {.spells = spells, .model = model};
    take_spells(search, &breaker);
    if (breaker.n >= OPENINGS_LEAST) {
        fit(search, &breaker);
    }
}

static void fit_rows(struct search *search, struct breaker_search *breaker)
{
    fit_failures(search, breaker);
}

void generate_breaker(struct search *search)
{
    fit_breaker(search, "breaker.open", fit_stay);
    fit_breaker(search, "breaker.failures", fit_rows);
}
