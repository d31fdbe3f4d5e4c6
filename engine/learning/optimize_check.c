/* SPDX-License-Identifier: MIT */

/*
 * Checks: in which order, how many at once, and whether the evaluator is worth its time.
 *
 * The order that finds the first failure soonest sorts by p_fail / cost, largest first (Mitten, "An
 * analytic solution to the least cost testing sequence problem", J. Industrial Engineering 11, 1960).
 * The dry run goes through each recorded iteration that failed: what ran before the failure is
 * known, what would have run in its place has its mean cost and its chance to fail.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/learning/replay.h"

#define RUNS_LEAST     80
#define ORDER_LEAST    30 /* what it rests on are the failures */
#define FAILURES_LEAST 20 /* iterations that failed at a check */
#define CHECKS_MAX     16
#define UNKNOWN        (-1.0)

/* What one iteration of one run says about the checks, by their place in the list. */
struct round_of_checks {
    double took[CHECKS_MAX]; /* seconds, all tries; UNKNOWN: it did not run */
    double busy[CHECKS_MAX]; /* processors; NAN unknown */
    int failed;              /* first place that said no; -1: all passed */
    bool is_clean;           /* no trouble in between */
};

struct checks {
    size_t n;
    uint16_t names[CHECKS_MAX]; /* in the order in force */
    double n_tried[CHECKS_MAX], n_failed[CHECKS_MAX], cost[CHECKS_MAX], busy[CHECKS_MAX];
    double beside; /* processors that other work keeps busy meanwhile; NAN unknown */
    size_t n_failures;
};

static bool is_check(const struct run_step *step)
{
    return step->kind == EFFECT_CHECK && step->position < CHECKS_MAX &&
           isfinite(step->run);
}

static void read_round(const struct run_features *run, int iteration,
                       struct round_of_checks *round)
{
    bool is_no[CHECKS_MAX] = {false}; /* what the last try of each said */
    round->failed = -1;
    round->is_clean = true;
    for (size_t i = 0; i < CHECKS_MAX; i++) {
        round->took[i] = UNKNOWN;
        round->busy[i] = (double)NAN;
    }
    for (size_t k = 0; k < run->n_steps; k++) {
        const struct run_step *step = &run->steps[k];
        if (step->iteration != iteration || !is_check(step)) {
            continue;
        }
        double *took = &round->took[step->position];
        *took = (*took >= 0 ? *took : 0) + (double)step->run;
        if (step->cpu >= 0 && step->run > 0) {
            round->busy[step->position] = (double)step->cpu / (double)step->run;
        }
        bool is_odd = step->class_ == CLASS_INFRA || step->class_ == CLASS_NETWORK ||
                      step->class_ == CLASS_RESOURCE ||
                      step->status == STATUS_CANCELLED ||
                      step->status == STATUS_TIMED_OUT;
        round->is_clean = round->is_clean && !is_odd;
        is_no[step->position] =
            run_step_has_failed(step) && (step->flags & STEP_MAY_FAIL) == 0;
    }
    for (int i = CHECKS_MAX - 1; i >= 0; i--) {
        round->failed = is_no[i] ? i : round->failed;
    }
}

/* Names by place, of the newest run; runs before the last change of the list are left out. */
static bool read_list(struct search *search, struct checks *checks, size_t least)
{
    const struct run_features *newest = search->runs[search->n_runs - 1];
    checks->n = newest->n_checks < CHECKS_MAX ? newest->n_checks : CHECKS_MAX;
    for (size_t i = search->n_runs; i-- > 0;) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (!is_check(step) || step->position >= checks->n) {
                continue;
            }
            uint16_t *name = &checks->names[step->position];
            if (*name != 0 && *name != step->name) {
                search_drop(search, i + 1);
                return search->n_runs >= least;
            }
            *name = step->name;
        }
    }
    for (size_t i = 0; i < checks->n; i++) {
        if (checks->names[i] == 0) {
            return false;
        }
    }
    return checks->n >= 2;
}

static void count_round(struct checks *checks, const struct round_of_checks *round)
{
    for (size_t i = 0; i < checks->n; i++) {
        if (round->took[i] >= 0) {
            checks->n_tried[i] += 1;
            checks->cost[i] += round->took[i];
            checks->busy[i] += isfinite(round->busy[i]) ? round->busy[i] : 0;
        }
    }
    if (round->failed >= 0) {
        checks->n_failed[round->failed] += 1;
        checks->n_failures++;
    }
}

/* Totals become means. */
static void count_checks(const struct search *search, struct checks *checks)
{
    struct round_of_checks round;
    for (size_t i = 0; i < search->n_runs; i++) {
        for (int k = 1; k <= search->runs[i]->iterations; k++) {
            read_round(search->runs[i], k, &round);
            if (round.is_clean) {
                count_round(checks, &round);
            }
        }
    }
    for (size_t i = 0; i < checks->n; i++) {
        double n = checks->n_tried[i] > 0 ? checks->n_tried[i] : 1;
        checks->cost[i] /= n;
        checks->busy[i] /= n;
    }
}

static double p_fail(const struct checks *checks, size_t i)
{
    return (checks->n_failed[i] + 0.5) / (checks->n_tried[i] + 1);
}

/* ---- order -------------------------------------------------------------------------------- */

static void best_order(const struct checks *checks, size_t order[CHECKS_MAX])
{
    for (size_t i = 0; i < checks->n; i++) {
        double ratio = p_fail(checks, i) / fmax(checks->cost[i], 1);
        size_t at = i;
        while (at > 0 &&
               p_fail(checks, order[at - 1]) / fmax(checks->cost[order[at - 1]], 1) <
                   ratio) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

/* Seconds until the first failure of this round in another order. */
static double replay_order(const struct checks *checks,
                           const struct round_of_checks *round,
                           const size_t order[CHECKS_MAX])
{
    double cost = 0, reach = 1;
    for (size_t at = 0; at < checks->n; at++) {
        size_t i = order[at];
        bool is_known = round->took[i] >= 0;
        cost += reach * (is_known ? round->took[i] : checks->cost[i]);
        if ((int)i == round->failed) {
            break;
        }
        reach *= is_known ? 1 : 1 - p_fail(checks, i);
    }
    return cost;
}

static double sum_of_round(const struct checks *checks,
                           const struct round_of_checks *round)
{
    double sum = 0;
    for (size_t i = 0; i < checks->n; i++) {
        sum += round->took[i] >= 0 ? round->took[i] : 0;
    }
    return sum;
}

/* A JSON array, which YAML reads, too. "" when it is longer than a setting may be. */
static void write_order(const struct search *search, const struct checks *checks,
                        const size_t order[CHECKS_MAX], char *out, size_t cap)
{
    AUTO_BUF struct buf buf = {0};
    struct jsonw w;
    buf_init(&buf, cap - 1);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '[');
    for (size_t i = 0; i < checks->n; i++) {
        jsonw_str(&w, NULL, words_name(search->input->words, checks->names[order[i]]));
    }
    jsonw_close(&w, ']');
    draft_text(out, cap, "%s", buf.is_cut ? "" : buf.data);
}

static size_t replay_orders(struct search *search, const struct checks *checks,
                            const size_t order[CHECKS_MAX])
{
    struct round_of_checks round;
    size_t n_hit = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        double delta = 0;
        for (int k = 1; k <= search->runs[i]->iterations; k++) {
            read_round(search->runs[i], k, &round);
            bool has_said_no = round.failed >= 0 && round.is_clean;
            delta += has_said_no ? replay_order(checks, &round, order) -
                                       sum_of_round(checks, &round)
                                 : 0;
        }
        search->delta[i] = delta / 60;
        n_hit += delta < 0 ? 1 : 0;
    }
    return n_hit;
}

void generate_order(struct search *search)
{
    struct proposal *draft = &search->draft;
    struct checks checks = {0};
    size_t order[CHECKS_MAX] = {0}, n_hit;
    char text[CLOCK_TEXT_MAX];
    if (!search_begin(search, "checks.order", ORDER_LEAST) ||
        !read_list(search, &checks, ORDER_LEAST) ||
        search->runs[search->n_runs - 1]->parallel > 1) {
        return;
    }
    count_checks(search, &checks);
    if (checks.n_failures < FAILURES_LEAST) {
        return;
    }
    best_order(&checks, order);
    n_hit = replay_orders(search, &checks, order);
    draft->metric = RUN_VALIDATION;
    draft->traits = PROPOSAL_REVERSIBLE;
    write_order(search, &checks, order, draft->to, sizeof(draft->to));
    search_expect(search, 1, 0.15, 0.1);
    draft_text(draft->title, sizeof(draft->title), "%s: '%.40s' first of %zu checks",
               search->scope, words_name(search->input->words, checks.names[order[0]]),
               checks.n);
    draft_text(draft->reason, sizeof(draft->reason),
               "'%.60s' fails in %.1f %% and takes %s; now it is number %zu",
               words_name(search->input->words, checks.names[order[0]]),
               100 * p_fail(&checks, order[0]), say_span(checks.cost[order[0]], text),
               order[0] + 1);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "a check that needs what another made before it would fail");
    for (size_t i = 0; i < checks.n && i < SEARCH_LINES; i++) {
        search_fact(search, p_fail(&checks, i), "%.60s: fails in %.1f %%, takes %s",
                    words_name(search->input->words, checks.names[i]),
                    100 * p_fail(&checks, i), say_span(checks.cost[i], text));
    }
    search_line(search,
                "%zu iterations of %zu workflows failed; %zu would have known sooner",
                checks.n_failures, search->n_runs, n_hit);
    if (draft->to[0] != '\0') {
        search_propose(search);
    }
}

/* ---- side by side ------------------------------------------------------------------------- */

/* Seconds until this round is over with so many lanes: checks begin in their order as lanes become
 * free; one that fails ends those behind it and waits for those before it
 * (engine/io/runner_checks.h). */
static double replay_lanes(const struct checks *checks,
                           const struct round_of_checks *round, size_t n_lanes,
                           double stretch)
{
    double lanes[CHECKS_MAX] = {0}, end = 0;
    for (size_t i = 0; i < checks->n; i++) {
        size_t lane = 0;
        for (size_t k = 1; k < n_lanes; k++) {
            lane = lanes[k] < lanes[lane] ? k : lane;
        }
        double took = round->took[i] >= 0 ? round->took[i] : checks->cost[i];
        lanes[lane] += took * stretch;
        end = fmax(end, lanes[lane]);
        if ((int)i == round->failed) {
            break;
        }
    }
    return end;
}

/* Processors that so many at once would want, against those that are idle; of a machine that is
 * full each gets its share. */
static double stretch_of(const struct search *search, const struct checks *checks,
                         size_t n_lanes)
{
    double sum = 0, processors = search->input->processors;
    for (size_t i = 0; i < checks->n; i++) {
        sum += checks->busy[i];
    }
    double one = sum / (double)checks->n, wanted = one * (double)n_lanes;
    double beside = isfinite(checks->beside) ? checks->beside : 0;
    double idle = fmax(processors - beside, fmin(one, processors));
    return isfinite(processors) && processors > 0 && one > 0 ? fmax(1, wanted / idle) : 1;
}

static double replay_side_by_side(struct search *search, const struct checks *checks,
                                  size_t n_lanes)
{
    struct round_of_checks round;
    double stretch = stretch_of(search, checks, n_lanes), sum = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        double delta = 0;
        for (int k = 1; k <= search->runs[i]->iterations; k++) {
            read_round(search->runs[i], k, &round);
            if (round.is_clean) {
                delta += replay_lanes(checks, &round, n_lanes, stretch) -
                         sum_of_round(checks, &round);
            }
        }
        search->delta[i] = delta / 60;
        sum += delta / 60;
    }
    return sum;
}

static size_t pick_lanes(struct search *search, const struct checks *checks)
{
    double most = fmin((double)checks->n, 8), best = 0, gains[CHECKS_MAX + 1] = {0};
    most = isfinite(search->now.most) ? fmin(most, search->now.most) : most;
    for (size_t lanes = 2; (double)lanes <= most; lanes++) {
        gains[lanes] = replay_side_by_side(search, checks, lanes);
        best = fmin(best, gains[lanes]);
    }
    for (size_t lanes = 2; (double)lanes <= most; lanes++) {
        if (best < 0 && gains[lanes] <= 0.95 * best) {
            return lanes;
        }
    }
    return 1;
}

/* Elsewhere one command runs at a time: a pipeline that asks for more is refused. */
static bool is_all_local(const struct search *search)
{
    uint16_t local = words_find(search->input->words, "local");
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (step->kind == EFFECT_CHECK && step->provider != local &&
                step->provider != 0) { /* 0: it was stopped */
                return false;
            }
        }
    }
    return true;
}

void generate_parallel(struct search *search)
{
    struct proposal *draft = &search->draft;
    double busy = 0;
    struct checks checks = {0};
    size_t lanes;
    if (!search_begin(search, "limits.parallel", RUNS_LEAST) ||
        search_value(search) > 1 || !read_list(search, &checks, RUNS_LEAST) ||
        !is_all_local(search)) {
        return;
    }
    count_checks(search, &checks);
    checks.beside = search_busy_beside(search);
    lanes = pick_lanes(search, &checks);
    if (lanes < 2) {
        return;
    }
    (void)replay_side_by_side(search, &checks, lanes);
    for (size_t i = 0; i < checks.n; i++) {
        busy += checks.busy[i] / (double)checks.n;
    }
    draft->metric = RUN_VALIDATION;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_SPENDS;
    draft_text(draft->to, sizeof(draft->to), "%zu", lanes);
    /* they share caches, disk and network, too: how much that costs is not known */
    search_expect(search, 1, busy > 0 ? 0.35 : 0.6, 0.3);
    draft_text(draft->title, sizeof(draft->title), "%s: %zu checks side by side",
               search->scope, lanes);
    draft_text(draft->reason, sizeof(draft->reason),
               "%zu checks run one after the other and keep %.1f processors busy",
               checks.n, busy);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "checks that use the same files or ports disturb each other");
    search_fact(search, busy, "a check keeps %.1f processors busy", busy);
    if (isfinite(checks.beside)) {
        double idle = fmax(0, search->input->processors - checks.beside - busy);
        search_fact(search, idle, "of %.0f processors %.1f are idle meanwhile",
                    search->input->processors, idle);
    }
    for (size_t i = 0; i < checks.n && i + 2 < SEARCH_LINES; i++) {
        search_fact(search, checks.cost[i] / 60, "%.60s takes %.1f minutes",
                    words_name(search->input->words, checks.names[i]),
                    checks.cost[i] / 60);
    }
    search_line(search,
                "%zu recorded workflows would have been checked in %.1f minutes less",
                search->n_runs, -draft->expected.value);
    search_propose(search);
}

/* ---- evaluator ---------------------------------------------------------------------------- */

/* Never found anything in n runs: with 95 % its share is below 3 / n (Hanley and Lippman-Hand, "If
 * Nothing Goes Wrong, Is Everything All Right?", JAMA 249, 1983). Rule: n is EVALUATIONS_LEAST. */
#define EVALUATIONS_LEAST 300

void generate_evaluator(struct search *search)
{
    struct proposal *draft = &search->draft;
    size_t n = 0, n_found = 0;
    double minutes = 0;
    if (!search_begin(search, "evaluator.use", RUNS_LEAST) ||
        strcmp(search->now.value, "true") != 0) {
        return;
    }
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (step->kind == EFFECT_EVALUATE && isfinite(step->run)) {
                n += run_step_has_passed(step) ? 1 : 0;
                n_found += step->status == STATUS_FAILED ? 1 : 0;
                search->delta[i] -= (double)step->run / 60;
                minutes += (double)step->run / 60;
            }
        }
    }
    if (n_found > 0 || n < EVALUATIONS_LEAST) {
        return;
    }
    draft->metric = RUN_WORK;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_JUDGES;
    draft_text(draft->to, sizeof(draft->to), "false");
    search_expect(search, 1, 0.1, 0.05);
    draft_text(draft->title, sizeof(draft->title), "%s: leave the evaluator out",
               search->scope);
    draft_text(draft->reason, sizeof(draft->reason),
               "it took %.0f minutes in %zu evaluations and never found anything",
               minutes, n);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "what it would have found is merged: with 95 %% fewer than %.2f %% of "
               "changes",
               300 / (double)n);
    search_fact(search, 0, "found nothing in %zu evaluations: below %.2f %% with 95 %%",
                n, 300 / (double)n);
    search_line(search, "%zu recorded workflows would have ended %.1f minutes sooner",
                search->n_runs, minutes / (double)search->n_runs);
    search_propose(search);
}

/* ---- dry runs ------------------------------------------------------------------------------ */

/* The checks in force, and how they fare; false: the list changed lately. */
static bool know_checks(struct search *search, struct checks *checks)
{
    if (search->n_runs == 0 || !read_list(search, checks, RUNS_LEAST)) {
        return false;
    }
    count_checks(search, checks);
    return true;
}

bool replay_checks_order(struct search *search, const char *to, size_t *ret_n_failures)
{
    struct err ignored = ERR_INIT;
    struct checks checks = {0};
    size_t order[CHECKS_MAX] = {0}, n = 0;
    bool is_taken[CHECKS_MAX] = {false};
    if (!know_checks(search, &checks)) {
        return false;
    }
    struct json *names = json_parse(to, strlen(to), &ignored);
    for (size_t k = 0; k < json_len(names); k++) {
        const char *name = json_text(json_at(names, k));
        for (size_t i = 0; i < checks.n && name != NULL; i++) {
            if (!is_taken[i] &&
                strcmp(words_name(search->input->words, checks.names[i]), name) == 0) {
                order[n++] = i;
                is_taken[i] = true;
            }
        }
    }
    json_free(names);
    for (size_t i = 0; i < checks.n; i++) {
        if (!is_taken[i]) {
            order[n++] = i; /* the others follow as they stood */
        }
    }
    (void)replay_orders(search, &checks, order);
    *ret_n_failures = checks.n_failures;
    return true;
}

bool replay_checks_lanes(struct search *search, size_t from, size_t to)
{
    struct checks checks = {0};
    if (from < 1 || to < 1 || !know_checks(search, &checks)) {
        return false;
    }
    AUTO_FREE double *before = mem_array(search->n_runs, sizeof(*before));
    (void)replay_side_by_side(search, &checks, from < CHECKS_MAX ? from : CHECKS_MAX);
    memcpy(before, search->delta, search->n_runs * sizeof(*before));
    (void)replay_side_by_side(search, &checks, to < CHECKS_MAX ? to : CHECKS_MAX);
    for (size_t i = 0; i < search->n_runs; i++) {
        search->delta[i] -= before[i];
    }
    return true;
}
