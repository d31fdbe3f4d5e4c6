/* SPDX-License-Identifier: MIT */

/*
 * Dry runs of what decides how work is done: retries, pauses, checks, slots, agents, merges. How each
 * is replayed, say the files of the generators (optimize_*.c), whose replays they are.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/dry_run_private.h"

#define RETRIES_LEAST 8 /* after a pause: fewer say nothing of how long troubles last */
#define SERVERS_MOST  2000

/* ---- retries ------------------------------------------------------------------------------- */

/* Tries of one step on one commit after the surroundings failed, beyond so many: what they took, and
 * whether it went on only because of them. Minutes. */
static double replay_state_retries(const struct run_features *run, int most,
                                   size_t *n_rescued)
{
    double delta = 0;
    for (size_t k = 0; k < run->n_steps; k++) {
        const struct run_step *step = &run->steps[k], *before = try_before(run, k);
        int n = 0;
        for (size_t i = 0; i < k; i++) {
            n += is_same_check(&run->steps[i], step) && is_world(&run->steps[i]) ? 1 : 0;
        }
        if (before == NULL || !is_world(before) || n <= most || !isfinite(step->run)) {
            continue;
        }
        delta -= (double)step->run + (step->pause > 0 ? (double)step->pause : 0);
        *n_rescued += run_step_has_passed(step) ? 1 : 0;
    }
    return delta / 60;
}

static bool replay_all_retries(struct replaying *r)
{
    size_t n_rescued = 0;
    for (size_t i = 0; i < r->search->n_runs; i++) {
        r->search->delta[i] =
            replay_state_retries(r->search->runs[i], (int)r->to, &n_rescued);
    }
    dry_run_note(r, "%zu steps that went on at a later retry would have failed for good",
                 n_rescued);
    return true;
}

bool replay_retry_count(struct replaying *r)
{
    bool is_of_check = strncmp(r->ask->setting, "checks/", 7) == 0;
    uint16_t name = is_of_check ? dry_run_check(r) : 0;
    if (!(r->from >= 0 && r->to >= 0) || (is_of_check && name == 0)) {
        return dry_run_refuse(r, "the check was never run");
    }
    if (r->to >= r->from) {
        return dry_run_refuse(r, "more retries than were allowed then were never made");
    }
    if (!is_of_check) {
        return replay_all_retries(r);
    }
    int level = (int)r->to + 1;
    struct bought bought = count_bought(r->search, name, level);
    if (bought.n_iterations < 1 && bought.n_passed > 0) {
        return dry_run_refuse(r, "what an iteration costs is not recorded");
    }
    double iteration_s =
        bought.n_iterations > 0 ? bought.iteration_s / bought.n_iterations : 0;
    for (size_t i = 0; i < r->search->n_runs; i++) {
        r->search->delta[i] =
            replay_retries(r->search->runs[i], name, level, iteration_s);
    }
    dry_run_note(r, "%.0f retries less, %.1f hours of them", bought.n,
                 bought.cost_s / 3600);
    dry_run_note(r, "%.0f of those passed: each would have cost an iteration, %.0f min",
                 bought.n_passed, iteration_s / 60);
    return true;
}

/* ---- pauses -------------------------------------------------------------------------------- */

bool replay_backoff(struct replaying *r)
{
    AUTO_FREE struct trouble_model *model = mem_alloc(sizeof(*model));
    double n_troubles = 0;
    if (strcmp(r->ask->setting, "recovery.backoff") != 0 || !(r->from > 0 && r->to > 0)) {
        return dry_run_refuse(r, "only the first pause is replayed");
    }
    learn_troubles(r->search, model);
    if (model->n < RETRIES_LEAST) {
        return dry_run_refuse(r, "only %.0f retries after a pause are recorded",
                              model->n);
    }
    struct estimate gain = pause_gain(model, r->from, r->to);
    for (size_t i = 0; i < r->search->n_runs; i++) {
        double n = count_troubles(r->search->runs[i]);
        r->search->delta[i] = n * gain.value / 60;
        n_troubles += n;
    }
    dry_run_note(r, "%.0f troubles of the surroundings; %.0f of %.0f retries passed",
                 n_troubles, model->n_passed, model->n);
    dry_run_note(r, "each would have taken %+.0f s (%+.0f to %+.0f)", gain.value,
                 gain.low, gain.high);
    return true;
}

/* ---- checks -------------------------------------------------------------------------------- */

bool replay_order(struct replaying *r)
{
    size_t n_failures = 0;
    if (!replay_checks_order(r->search, r->ask->to, &n_failures)) {
        return dry_run_refuse(r, "the list of checks changed lately");
    }
    dry_run_note(r,
                 "%zu iterations failed at a check; only those would have been otherwise",
                 n_failures);
    return true;
}

bool replay_parallel(struct replaying *r)
{
    double from = isfinite(r->from) && r->from >= 1 ? r->from : 1;
    if (!(r->to >= 1) ||
        !replay_checks_lanes(r->search, (size_t)from, (size_t)fmin(r->to, 64))) {
        return dry_run_refuse(r, "the list of checks changed lately");
    }
    dry_run_note(r, "as if checks did not disturb each other; processors are counted%s",
                 isfinite(r->ask->processors) ? "" : " as enough");
    return true;
}

bool replay_evaluator(struct replaying *r)
{
    size_t n = 0, n_found = 0;
    double minutes = 0;
    if (strcmp(r->ask->to, "false") != 0) {
        return dry_run_refuse(r, "what it would have found is not recorded");
    }
    for (size_t i = 0; i < r->search->n_runs; i++) {
        const struct run_features *run = r->search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (step->kind == EFFECT_EVALUATE && isfinite(step->run)) {
                n++;
                n_found += step->status == STATUS_FAILED ? 1 : 0;
                r->search->delta[i] -= (double)step->run / 60;
                minutes += (double)step->run / 60;
            }
        }
    }
    dry_run_note(r, "%zu evaluations less, %.1f hours", n, minutes / 60);
    dry_run_note(r, "%zu of them found something: it would have been merged", n_found);
    return true;
}

bool replay_no_verdict(struct replaying *r)
{
    uint16_t name = dry_run_check(r);
    size_t n_failed = 0, n_final = 0;
    if (name == 0) {
        return dry_run_refuse(r, "the check was never run");
    }
    for (size_t i = 0; i < r->search->n_runs; i++) {
        const struct run_features *run = r->search->runs[i];
        bool is_down = false;
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (step->kind == EFFECT_CHECK && step->name == name) {
                n_failed += has_said_no(step) ? 1 : 0;
                is_down = has_said_no(step) || (is_down && !run_step_has_passed(step));
            }
        }
        n_final += is_down ? 1 : 0;
        r->search->delta[i] = replay_quarantine(run, name);
    }
    dry_run_note(r,
                 "it failed %zu times; %zu workflows ended without its pass: those would "
                 "have been merged",
                 n_failed, n_final);
    return true;
}

/* ---- slots and places ---------------------------------------------------------------------- */

static double seconds_of(struct wall at)
{
    return (double)at.ms / 1000;
}

/* The recorded work with the new number of servers against the old one, both by the model, so that
 * its error does not count as an effect. */
static bool replay_servers(struct replaying *r, struct work *work, size_t n,
                           const char *what)
{
    double recorded = 0;
    bool is_good =
        r->from >= 1 && r->to >= 1 && r->from < SERVERS_MOST && r->to < SERVERS_MOST;
    if (n == 0 || !is_good) {
        return dry_run_refuse(r, n == 0 ? "nothing of it is recorded"
                                        : "one of the two values is no bound");
    }
    AUTO_FREE double *before = mem_array(n, sizeof(*before));
    AUTO_FREE double *after = mem_array(n, sizeof(*after));
    qsort(work, n, sizeof(*work), by_arrival);
    double was = replay_queue(work, n, (size_t)r->from, before);
    double would = replay_queue(work, n, (size_t)r->to, after);
    for (size_t i = 0; i < n; i++) {
        recorded += work[i].waited / (double)n;
        r->search->delta[work[i].run] += (after[i] - before[i]) / 60;
    }
    dry_run_note(r, "%s: a wait of %.1f min in the mean by the model, %.1f was recorded",
                 r->ask->from, was / 60, recorded / 60);
    dry_run_note(r, "%s: a wait of %.1f min; the same %zu %s, at the same times",
                 r->ask->to, would / 60, n, what);
    return true;
}

bool replay_slots(struct replaying *r)
{
    const struct search *search = r->search;
    AUTO_FREE struct work *work = mem_array(search->n_runs + 1, sizeof(*work));
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        double created = seconds_of(run->created_at),
               started = seconds_of(run->started_at);
        work[i] = (struct work){created, started - created,
                                seconds_of(run->finished_at) - started, i};
    }
    return replay_servers(r, work, search->n_runs, "workflows");
}

bool replay_places(struct replaying *r)
{
    const struct search *search = r->search;
    size_t cap = 0, n = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        cap += search->runs[i]->n_steps;
    }
    AUTO_FREE struct work *work = mem_array(cap + 1, sizeof(*work));
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            bool is_here = step->provider == search->name && isfinite(step->run) &&
                           isfinite(step->wait);
            if (is_here) {
                work[n++] = (struct work){seconds_of(run->created_at) + (double)step->at,
                                          (double)step->wait, (double)step->run, i};
            }
        }
    }
    return replay_servers(r, work, n, "calls");
}

/* ---- services ------------------------------------------------------------------------------ */

/* That something has ended is seen half a pause later in the mean. */
bool replay_poll(struct replaying *r)
{
    const struct search *search = r->search;
    double n_before = 0, n_after = 0;
    if (!(r->from > 0 && r->to > 0)) {
        return dry_run_refuse(r, "one of the two values is no pause");
    }
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (step->provider == search->name && step->run > 0) {
                double took = (double)step->run;
                n_before += ceil(took / r->from);
                n_after += ceil(took / r->to);
                search->delta[i] += (fmin(took, r->to) - fmin(took, r->from)) / 2 / 60;
            }
        }
    }
    dry_run_note(r, "about %.0f looks in place of %.0f, if nobody else told", n_after,
                 n_before);
    return true;
}

/* A call, in the order in which they were made. */
struct call {
    double at, took;
    size_t run;
    bool has_failed;
};

static int by_moment(const void *left, const void *right)
{
    const struct call *a = left, *b = right;
    if (a->at < b->at || a->at > b->at) {
        return a->at < b->at ? -1 : 1;
    }
    return a->run < b->run ? -1 : a->run > b->run;
}

struct breaking {
    double failures, open_s;
    size_t n_opened, n_spared,
        n_held; /* calls not made that had failed, that had passed */
};

/* So many failures one after the other open it for so long; what is held is made afterwards. */
static void break_calls(const struct call *calls, size_t n, struct breaking *with,
                        double sign, double *delta)
{
    double until = -1, in_row = 0;
    for (size_t i = 0; i < n; i++) {
        const struct call *call = &calls[i];
        if (call->at < until) {
            with->n_spared += call->has_failed ? 1 : 0;
            with->n_held += call->has_failed ? 0 : 1;
            delta[call->run] +=
                sign * (call->has_failed ? -call->took : until - call->at) / 60;
            continue;
        }
        in_row = call->has_failed ? in_row + 1 : 0;
        if (in_row >= with->failures) {
            until = call->at + call->took + with->open_s;
            in_row = 0;
            with->n_opened++;
        }
    }
}

static size_t take_calls(const struct search *search, struct call *calls)
{
    size_t n = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (step->provider == search->name && isfinite(step->run)) {
                double at = seconds_of(run->created_at) + (double)step->at +
                            (isfinite(step->wait) ? (double)step->wait : 0);
                calls[n++] = (struct call){at, (double)step->run, i,
                                           run_step_has_failed(step) && is_world(step)};
            }
        }
    }
    return n;
}

#define FAILURES_USUAL 5  /* of the setting that is not asked about: its default */
#define OPEN_USUAL     30 /* seconds; likewise */

bool replay_breaker(struct replaying *r)
{
    bool is_open = strcmp(r->ask->setting, "breaker.open") == 0;
    struct breaking was = {is_open ? FAILURES_USUAL : r->from,
                           is_open ? r->from : OPEN_USUAL, 0, 0, 0};
    struct breaking would = {is_open ? FAILURES_USUAL : r->to,
                             is_open ? r->to : OPEN_USUAL, 0, 0, 0};
    size_t cap = 0;
    if (!(r->from > 0 && r->to > 0)) {
        return dry_run_refuse(r, "one of the two values is none");
    }
    for (size_t i = 0; i < r->search->n_runs; i++) {
        cap += r->search->runs[i]->n_steps;
    }
    AUTO_FREE struct call *calls = mem_array(cap + 1, sizeof(*calls));
    size_t n = take_calls(r->search, calls);
    if (n == 0) {
        return dry_run_refuse(r, "no call to it is recorded");
    }
    qsort(calls, n, sizeof(*calls), by_moment);
    break_calls(calls, n, &was, -1, r->search->delta);
    break_calls(calls, n, &would, 1, r->search->delta);
    dry_run_note(r, "it opens %zu times, not %zu, in %zu calls", would.n_opened,
                 was.n_opened, n);
    dry_run_note(
        r, "%zu calls that failed are spared, not %zu; %zu that passed wait, not %zu",
        would.n_spared, was.n_spared, would.n_held, was.n_held);
    return true;
}

/* ---- agents and merges --------------------------------------------------------------------- */

bool replay_agent(struct replaying *r)
{
    size_t counts[2] = {0, 0};
    const struct words *words = r->search->input->words;
    if (!replay_agents(r->search, words_find(words, r->ask->from),
                       words_find(words, r->ask->to), counts)) {
        return dry_run_refuse(r, "%.40s began %zu recorded workflows, %.40s %zu",
                              r->ask->from, counts[0], r->ask->to, counts[1]);
    }
    dry_run_note(r,
                 "%zu of %.40s, each as long as the %zu of %.40s on changes of like size",
                 counts[0], r->ask->from, counts[1], r->ask->to);
    return true;
}

bool replay_merge_window(struct replaying *r)
{
    struct window_replay window;
    int from, from_minute, until, until_minute;
    if (sscanf(r->ask->to, "%2d:%2d-%2d:%2d", &from, &from_minute, &until,
               &until_minute) != 4 ||
        from < 0 || from > 23 || until < 0 || until > 24) {
        return dry_run_refuse(r, "without a window all merges are as they were");
    }
    if (!replay_window(r->search, from, until, &window)) {
        return dry_run_refuse(r, "no merge is recorded within it, or none outside");
    }
    dry_run_note(r, "%ld of %ld merges outside of it failed, %ld of %ld within",
                 window.n_failed[0], window.n[0], window.n_failed[1], window.n[1]);
    dry_run_note(r, "%ld would have waited, %.1f hours in the mean", window.n[0],
                 window.wait_hours / (double)window.n[0]);
    return true;
}
