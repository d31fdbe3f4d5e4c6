/* SPDX-License-Identifier: MIT */

/*
 * Choices: which agent begins, and when merges are allowed.
 *
 * Agents are compared on tasks of like size: runs are cut into STRATA by the size of their change, and
 * the difference of the means in each is weighed by its share of all runs (direct standardization).
 * Rule: AGENT_LEAST runs of each by one agent alone.
 *
 * Bad hours are looked for with a scan over all spans of 2 to 12 hours round the clock (Kulldorff, "A
 * spatial scan statistic", 1997), each judged by Fisher's exact test and corrected for how many spans
 * there are (Bonferroni). Rule: MERGES_LEAST merges, FAILURES_LEAST failures inside.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/replay.h"

#define RUNS_LEAST  100
#define AGENT_LEAST 60
#define STRATA      4
#define AGENT_ERROR 0.15 /* of the difference: tasks are alike in more than their size */
#define AGENTS_MAX  16
#define RESAMPLES   200
#define SURE        0.01 /* an accident, at most */
/* Likewise of an agent: it is looked at again with each new run (and one that begins is watched by
 * nobody else), so that one look must be surer. */
#define AGENT_SURE 0.0005

/* ---- agent -------------------------------------------------------------------------------- */

struct sample {
    double size, value;
    bool is_other; /* by the agent that is compared */
};

static int by_size(const void *left, const void *right)
{
    double a = ((const struct sample *)left)->size;
    double b = ((const struct sample *)right)->size;
    return a < b ? -1 : a > b;
}

/* Mean of the other agent less mean of the present one, standardized by size; NAN: a stratum has
 * too few. `pick` draws n of the samples again; NULL takes each once. */
static double standardized(const struct sample *samples, size_t n, struct rng *rng)
{
    double sum = 0, weights = 0;
    for (size_t s = 0; s < STRATA; s++) {
        size_t from = n * s / STRATA, to = n * (s + 1) / STRATA;
        double totals[2] = {0, 0}, counts[2] = {0, 0};
        for (size_t i = from; i < to; i++) {
            size_t at = rng != NULL ? from + (size_t)rng_below(rng, to - from) : i;
            totals[samples[at].is_other ? 1 : 0] += samples[at].value;
            counts[samples[at].is_other ? 1 : 0] += 1;
        }
        if (counts[0] > 0 && counts[1] > 0) {
            double weight = (double)(to - from);
            sum += weight * (totals[1] / counts[1] - totals[0] / counts[0]);
            weights += weight;
        }
    }
    return weights > 0 ? sum / weights : (double)NAN;
}

/* All agent runs were by the one that began. */
static bool is_by_one(const struct run_features *run)
{
    for (size_t k = 0; k < run->n_steps; k++) {
        if (run->steps[k].kind == EFFECT_CODE && run->steps[k].provider != run->agent) {
            return false;
        }
    }
    return run->agent != 0;
}

static size_t take_samples(const struct search *search, uint16_t now, uint16_t other,
                           enum run_metric metric, struct sample *out, size_t counts[2])
{
    size_t n = 0;
    counts[0] = counts[1] = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        double value = run_measure(run, metric);
        bool is_either = run->agent == now || run->agent == other;
        if (is_either && is_by_one(run) && isfinite(value)) {
            double size = isfinite(run->diff_lines) ? (double)run->diff_lines : 0;
            out[n++] = (struct sample){size, value, run->agent == other};
            counts[run->agent == other ? 1 : 0]++;
        }
    }
    if (n > 0) {
        qsort(out, n, sizeof(*out), by_size);
    }
    return n;
}

/* Difference with the interval that the samples give; level: of the whole search. */
static struct estimate compare(const struct sample *samples, size_t n, struct rng *rng)
{
    double draws[RESAMPLES];
    size_t n_draws = 0;
    for (size_t r = 0; r < RESAMPLES; r++) {
        double draw = standardized(samples, n, rng);
        if (isfinite(draw)) {
            draws[n_draws++] = draw;
        }
    }
    return (struct estimate){standardized(samples, n, NULL),
                             stat_quantile(draws, n_draws, 0.05),
                             stat_sorted_quantile(draws, n_draws, 0.95)};
}

static void compare_agents(struct search *search, uint16_t now, uint16_t other,
                           struct sample *samples, double n_others)
{
    struct proposal *draft = &search->draft;
    size_t counts[2];
    size_t n = take_samples(search, now, other, RUN_COMPLETED, samples, counts);
    if (counts[0] < AGENT_LEAST || counts[1] < AGENT_LEAST) {
        return;
    }
    struct estimate done = compare(samples, n, search->rng);
    n = take_samples(search, now, other, RUN_WORK, samples, counts);
    struct estimate minutes = compare(samples, n, search->rng);
    if (done.low < -0.02 && done.value < 0) {
        return; /* faster, but not as good */
    }
    /* who does not begin now takes a share of the tasks for reasons of its own: when the two
     * change places, so does that share */
    double share = (double)counts[0] / (double)(counts[0] + counts[1]);
    double swap = 2 * share - 1, z = (minutes.high - minutes.low) / (2 * 1.645);
    if (swap <= 0 || z <= 0) {
        return;
    }
    double sure = normal_below(-minutes.value / z);
    if ((1 - sure) * n_others > AGENT_SURE) {
        return;
    }
    draft->metric = RUN_WORK;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_SPENDS | PROPOSAL_JUDGES;
    draft->expected =
        (struct estimate){swap * minutes.value, fmin(swap, share) * minutes.low,
                          minutes.high > 0 ? share * minutes.high : swap * minutes.high};
    draft->expected.low = fmin(draft->expected.low, share * minutes.value);
    draft->expected.high -= AGENT_ERROR * swap * minutes.value;
    draft->confidence = 1 - fmin(1, (1 - sure) * n_others);
    draft_text(draft->to, sizeof(draft->to), "%s",
               words_name(search->input->words, other));
    draft_text(draft->title, sizeof(draft->title), "%s: %s begins, not %s", search->scope,
               draft->to, draft->from);
    draft_text(draft->reason, sizeof(draft->reason),
               "on tasks of like size %s takes %.1f minutes less (%zu against %zu "
               "workflows); completed: %+.1f points",
               draft->to, -minutes.value, counts[1], counts[0], 100 * done.value);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "tasks take longer until the guard takes it back");
    search_fact(search, minutes.value, "minutes: %+.1f (%.1f to %.1f), by size of change",
                minutes.value, minutes.low, minutes.high);
    search_fact(search, done.value, "completed: %+.1f points (%.1f to %.1f)",
                100 * done.value, 100 * done.low, 100 * done.high);
    search_line(search, "%zu workflows of %s would have ended %.0f minutes sooner in all",
                counts[0], draft->from, -minutes.value * (double)counts[0]);
    search_propose(search);
}

void generate_agent(struct search *search)
{
    uint16_t others[AGENTS_MAX];
    size_t n_others = 0;
    if (!search_begin(search, "agent.provider", RUNS_LEAST)) {
        return;
    }
    uint16_t now = words_find(search->input->words, search->now.value);
    AUTO_FREE struct sample *samples = mem_array(search->n_runs, sizeof(*samples));
    for (size_t i = 0; i < search->n_runs && now != 0; i++) {
        uint16_t agent = search->runs[i]->agent;
        size_t at = 0;
        while (at < n_others && others[at] != agent) {
            at++;
        }
        if (agent != 0 && agent != now && at == n_others && n_others < AGENTS_MAX) {
            others[n_others++] = agent;
        }
    }
    struct proposal empty = search->draft;
    for (size_t i = 0; i < n_others; i++) {
        search->draft = empty;
        search->n_facts = search->n_lines = 0;
        compare_agents(search, now, others[i], samples, (double)n_others);
    }
}

/* ---- merge window ------------------------------------------------------------------------- */

#define HOURS          24
#define SPAN_LEAST     2
#define SPAN_MOST      12
#define MERGES_LEAST   250
#define FAILURES_LEAST 15
#define TIMES_WORSE    3.0
#define WIDEN          100.0 /* times as likely by accident is still nearly as good */
#define WIDEN_MOST     2     /* hours on each side */

struct merge_hours {
    long n[HOURS], n_failed[HOURS], all, all_failed;
    int from, span; /* the bad ones */
    long in, in_failed;
    double p;
};

/* Hour of the last merge of a run; -1: none. */
static int merge_hour(const struct run_features *run)
{
    for (size_t k = run->n_steps; k-- > 0;) {
        if (run->steps[k].kind == EFFECT_MERGE) {
            return run->steps[k].hour % HOURS;
        }
    }
    return -1;
}

static bool is_in_span(int hour, int from, int span)
{
    return (hour - from + HOURS) % HOURS < span;
}

static void count_span(const struct merge_hours *hours, int from, int span, long *ret_n,
                       long *ret_failed)
{
    *ret_n = *ret_failed = 0;
    for (int k = 0; k < span; k++) {
        *ret_n += hours->n[(from + k) % HOURS];
        *ret_failed += hours->n_failed[(from + k) % HOURS];
    }
}

/* That these hours are so much worse than the others by accident; 1: they are not. */
static double span_p(const struct merge_hours *hours, int from, int span)
{
    long in, failed;
    count_span(hours, from, span, &in, &failed);
    long out = hours->all - in, out_failed = hours->all_failed - failed;
    bool is_worse =
        (double)failed * (double)out > TIMES_WORSE * (double)out_failed * (double)in;
    return is_worse && failed >= FAILURES_LEAST
               ? stat_fisher(failed, in - failed, out_failed, out - out_failed)
               : 1;
}

static void scan_hours(struct merge_hours *hours)
{
    hours->p = 1;
    for (int from = 0; from < HOURS; from++) {
        for (int span = SPAN_LEAST; span <= SPAN_MOST; span++) {
            double p = span_p(hours, from, span);
            if (p < hours->p) {
                hours->p = p;
                hours->from = from;
                hours->span = span;
            }
        }
    }
}

/* Where the bad hours begin and end is not as clear as that there are some. A window that opens in
 * a bad hour would bring all that has waited into it: what is nearly as likely counts, too. */
static void widen_span(struct merge_hours *hours)
{
    int from = hours->from, span = hours->span;
    for (int before = 0; before <= WIDEN_MOST; before++) {
        for (int after = 0; after <= WIDEN_MOST; after++) {
            int start = (hours->from - before + HOURS) % HOURS;
            int length = hours->span + before + after;
            if (length <= SPAN_MOST + WIDEN_MOST &&
                span_p(hours, start, length) <= hours->p * WIDEN) {
                int begin = (hours->from - from + HOURS) % HOURS;
                int front = before > begin ? before : begin;
                int back = span - hours->span - begin;
                back = after > back ? after : back;
                from = (hours->from - front + HOURS) % HOURS;
                span = hours->span + front + back;
            }
        }
    }
    hours->from = from;
    hours->span = span;
    count_span(hours, from, span, &hours->in, &hours->in_failed);
}

static void propose_window(struct search *search, const struct merge_hours *hours)
{
    struct proposal *draft = &search->draft;
    long out = hours->all - hours->in, out_failed = hours->all_failed - hours->in_failed;
    double good = ((double)out_failed + 0.5) / ((double)out + 1);
    double bad = (double)hours->in_failed / (double)hours->in;
    int open = (hours->from + hours->span) % HOURS;
    for (size_t i = 0; i < search->n_runs; i++) {
        bool is_bad = is_in_span(merge_hour(search->runs[i]), hours->from, hours->span);
        double was = run_measure(search->runs[i], RUN_MERGE_FAILURES);
        search->delta[i] = is_bad ? good - was : 0;
    }
    draft->metric = RUN_MERGE_FAILURES;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_JUDGES;
    draft_text(draft->to, sizeof(draft->to), "%02d:00-%02d:00", open, hours->from);
    search_expect(search, 1, 0.2, 0.1);
    draft_text(draft->title, sizeof(draft->title), "%s: merge from %s UTC", search->scope,
               draft->to);
    draft_text(draft->reason, sizeof(draft->reason),
               "%ld of %ld merges from %02d:00 to %02d:00 UTC failed or broke the base "
               "(%.0f %%), %ld of %ld at other hours (%.1f %%)",
               hours->in_failed, hours->in, hours->from, open, 100 * bad, out_failed, out,
               100 * (double)out_failed / (double)out);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "%.0f %% of merges wait %.1f hours in the mean",
               100 * (double)hours->in / (double)hours->all, hours->span / 2.0);
    search_fact(search, bad, "failed in these hours: %ld of %ld", hours->in_failed,
                hours->in);
    search_fact(search, hours->p, "by accident: p = %.2g after correction for all spans",
                hours->p * HOURS * (SPAN_MOST - SPAN_LEAST + 1));
    search_line(search, "of %ld merges that failed about %.0f would not have",
                hours->all_failed, (double)hours->in_failed - good * (double)hours->in);
    search_propose(search);
}

void generate_merge_window(struct search *search)
{
    struct merge_hours hours = {.all = 0};
    size_t n = 0;
    if (!search_begin(search, "merge.window", RUNS_LEAST) ||
        search->now.value[0] != '\0') {
        return;
    }
    for (size_t i = 0; i < search->n_runs; i++) {
        int hour = merge_hour(search->runs[i]);
        double failed = run_measure(search->runs[i], RUN_MERGE_FAILURES);
        if (hour >= 0 && isfinite(failed)) {
            search->runs[n++] = search->runs[i];
            hours.n[hour]++;
            hours.n_failed[hour] += failed > 0 ? 1 : 0;
            hours.all++;
            hours.all_failed += failed > 0 ? 1 : 0;
        }
    }
    search->n_runs = n;
    search->draft.n_evidence = (int64_t)n;
    scan_hours(&hours);
    if (hours.all >= MERGES_LEAST &&
        hours.p * HOURS * (SPAN_MOST - SPAN_LEAST + 1) < SURE) {
        widen_span(&hours);
        propose_window(search, &hours);
    }
}

/* ---- dry runs ------------------------------------------------------------------------------ */

/* Mean of the other agent on changes of this size; NAN: it made none. */
static double mean_of_like(const struct sample *samples, size_t n, double size)
{
    size_t s = 0;
    while (s + 1 < STRATA && n * (s + 1) / STRATA > 0 &&
           size > samples[n * (s + 1) / STRATA - 1].size) {
        s++;
    }
    double sum = 0, n_alike = 0;
    for (size_t k = n * s / STRATA; k < n * (s + 1) / STRATA; k++) {
        sum += samples[k].is_other ? samples[k].value : 0;
        n_alike += samples[k].is_other ? 1 : 0;
    }
    return n_alike > 0 ? sum / n_alike : (double)NAN;
}

bool replay_agents(struct search *search, uint16_t from, uint16_t to, size_t counts[2])
{
    AUTO_FREE struct sample *samples = mem_array(search->n_runs + 1, sizeof(*samples));
    size_t n = take_samples(search, from, to, RUN_WORK, samples, counts);
    if (from == 0 || to == 0 || counts[0] == 0 || counts[1] == 0) {
        return false;
    }
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        double size = isfinite(run->diff_lines) ? (double)run->diff_lines : 0;
        bool is_moved = run->agent == from && is_by_one(run);
        double delta = mean_of_like(samples, n, size) - run_measure(run, RUN_WORK);
        search->delta[i] = is_moved && isfinite(delta) ? delta : 0;
    }
    return true;
}

/* "22:00-06:00": the hour is within. */
static bool is_open_at(int hour, int from, int until)
{
    return from <= until ? hour >= from && hour < until : hour >= from || hour < until;
}

bool replay_window(struct search *search, int from, int until, struct window_replay *ret)
{
    struct window_replay out = {0};
    for (size_t i = 0; i < search->n_runs; i++) {
        int hour = merge_hour(search->runs[i]);
        double failed = run_measure(search->runs[i], RUN_MERGE_FAILURES);
        if (hour < 0 || !isfinite(failed)) {
            continue;
        }
        bool is_open = is_open_at(hour, from, until);
        out.n[is_open ? 1 : 0]++;
        out.n_failed[is_open ? 1 : 0] += failed > 0 ? 1 : 0;
        out.wait_hours += is_open ? 0 : (from - hour + HOURS) % HOURS;
    }
    if (out.n[0] == 0 || out.n[1] == 0) {
        return false;
    }
    double good = (double)out.n_failed[1] / (double)out.n[1];
    for (size_t i = 0; i < search->n_runs; i++) {
        int hour = merge_hour(search->runs[i]);
        double failed = run_measure(search->runs[i], RUN_MERGE_FAILURES);
        bool is_moved = hour >= 0 && isfinite(failed) && !is_open_at(hour, from, until);
        search->delta[i] = is_moved ? good - failed : 0;
    }
    *ret = out;
    return true;
}
