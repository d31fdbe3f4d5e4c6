/* SPDX-License-Identifier: MIT */

/*
 * How a service is treated: how often it is asked, and when it is left alone.
 *
 * What runs there is looked at after pauses that grow by a half, from POLL_FIRST to the setting
 * (codegen_poll_later, look_within); its end is noticed at the next look, half of the last pause late
 * in the mean. Rule: STEPS_LEAST steps took longer than the pause grows, and the setting is more than
 * twice POLL_SHARE of the median of what runs there.
 */

#include <math.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/learning/optimize_private.h"

#define RUNS_LEAST   60
#define STEPS_LEAST  50
#define POLL_FIRST   2.0
#define POLL_DEFAULT 60.0 /* the setting 0 */
#define POLL_LEAST   15.0
#define POLL_SHARE   0.1
#define QUOTA_MOST   0.01 /* of steps that were throttled: then more looks are no help */
#define LOOKS_ERROR  0.2

static bool is_watched(const struct search *search, const struct run_step *step)
{
    bool is_remote = step->kind == EFFECT_CODE || step->kind == EFFECT_FORGE_CHECKS;
    return is_remote && step->provider == search->name && isfinite(step->run) &&
           run_step_has_passed(step);
}

/* The pause in which something that took so long ended; *ret_looks grows by the looks. */
static double last_pause(double took, double most, double *ret_looks)
{
    double pause = fmin(POLL_FIRST, most), at = pause;
    *ret_looks += 1;
    while (at < took) {
        pause = fmin(1.5 * pause, most);
        at += pause;
        *ret_looks += 1;
    }
    return pause;
}

struct poll_search {
    double *took;
    size_t n, n_all, n_quota;
    double now, to;
    double late, looks, looks_to; /* sums */
};

static void take_steps(const struct search *search, struct poll_search *poll)
{
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            bool is_its = step->provider == search->name;
            poll->n_all += is_its ? 1 : 0;
            poll->n_quota += is_its && step->class_ == CLASS_QUOTA ? 1 : 0;
            if (is_watched(search, step)) {
                poll->took[poll->n++] = (double)step->run;
            }
        }
    }
}

/* Minutes that the run's steps would have been noticed sooner. */
static double replay_looks(const struct search *search, const struct run_features *run,
                           struct poll_search *poll)
{
    double delta = 0;
    for (size_t k = 0; k < run->n_steps; k++) {
        const struct run_step *step = &run->steps[k];
        if (is_watched(search, step)) {
            double late = last_pause((double)step->run, poll->now, &poll->looks) / 2;
            double ended = fmax((double)step->run - late, 0);
            double then = last_pause(ended, poll->to, &poll->looks_to) / 2;
            poll->late += late;
            delta += fmin(then - late, 0);
        }
    }
    return delta / 60;
}

static void propose_poll(struct search *search, struct poll_search *poll, double median)
{
    struct proposal *draft = &search->draft;
    char from[CLOCK_TEXT_MAX], text[CLOCK_TEXT_MAX];
    for (size_t i = 0; i < search->n_runs; i++) {
        search->delta[i] = replay_looks(search, search->runs[i], poll);
    }
    double n = (double)poll->n;
    draft->metric = RUN_WORK;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_SPENDS;
    write_span(draft->to, sizeof(draft->to), poll->to);
    search_expect(search, 1, LOOKS_ERROR, LOOKS_ERROR);
    draft_text(draft->title, sizeof(draft->title), "%s: look after at most %s, not %s",
               search->scope, draft->to, say_span(poll->now, from));
    draft_text(
        draft->reason, sizeof(draft->reason),
        "half of what runs there takes less than %s, and its end is noticed %s late "
        "in the mean",
        say_span(median, from), say_span(poll->late / n, text));
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "%.1f calls for each step, not %.1f, of what the service allows",
               poll->looks_to / n, poll->looks / n);
    search_fact(search, poll->late / n / 60, "%zu steps were noticed %s late in the mean",
                poll->n, text);
    search_fact(search, poll->looks / n, "looked at %.1f times each", poll->looks / n);
    search_line(search, "%zu recorded workflows would have ended %s sooner in the mean",
                search->n_runs, say_span(-60 * draft->expected.value, text));
    search_propose(search);
}

void generate_poll(struct search *search)
{
    struct poll_search poll = {.n = 0};
    size_t cap = 1;
    if (!search_begin(search, "poll", RUNS_LEAST)) {
        return;
    }
    for (size_t i = 0; i < search->n_runs; i++) {
        cap += search->runs[i]->n_steps;
    }
    AUTO_FREE double *took = mem_array(cap, sizeof(*took));
    poll.took = took;
    take_steps(search, &poll);
    double now = search_value(search);
    poll.now = now > 0 ? now : POLL_DEFAULT;
    if (poll.n < STEPS_LEAST || (double)poll.n_quota > QUOTA_MOST * (double)poll.n_all) {
        return;
    }
    double median = stat_quantile(took, poll.n, 0.5);
    double least = isfinite(search->now.least) ? search->now.least : 0;
    poll.to = fmax(fmax(nice_seconds(POLL_SHARE * median), POLL_LEAST), least);
    if (poll.now >= 2 * poll.to) {
        propose_poll(search, &poll, median);
    }
}
