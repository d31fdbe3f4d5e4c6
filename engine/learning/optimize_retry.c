/* SPDX-License-Identifier: MIT */

/*
 * Trying again: retries by what they bought, pauses by how long troubles last, and checks whose
 * failures mean nothing.
 *
 * A retry of a check is worth it when the chance that it passes, times what another iteration costs,
 * is more than it takes itself. Rule: RETRIES_LEAST retries were seen, and with all that is not
 * known (Jeffreys) the upper bound of what they buy is still less than what they cost.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/replay.h"

#define RUNS_LEAST    60
#define RETRIES_LEAST 25
#define CHECKS_MAX    FEATURE_CHECKS_MAX

bool is_world(const struct run_step *step)
{
    switch ((enum failure_class)step->class_) {
    case CLASS_NETWORK:
    case CLASS_INFRA:
    case CLASS_QUOTA:
    case CLASS_AUTH:
        return true;
    default:
        return false;
    }
}

bool has_said_no(const struct run_step *step)
{
    return step->kind == EFFECT_CHECK && step->status == STATUS_FAILED &&
           !is_world(step) && step->class_ != CLASS_RESOURCE &&
           (step->flags & STEP_OVER_LIMIT) == 0;
}

const struct run_step *try_before(const struct run_features *run, size_t at)
{
    for (size_t i = at; i-- > 0;) {
        if (is_same_check(&run->steps[i], &run->steps[at])) {
            return &run->steps[i];
        }
    }
    return NULL;
}

static double end_of(const struct run_step *step)
{
    return (double)(step->at + step->wait + step->run);
}

/* Names of the checks of the pipeline, each once. */
static size_t check_names(const struct search *search, uint16_t names[CHECKS_MAX])
{
    size_t n = 0;
    for (size_t i = search->n_runs; i-- > 0;) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            size_t at = 0;
            while (at < n && names[at] != run->steps[k].name) {
                at++;
            }
            if (run->steps[k].kind == EFFECT_CHECK && at == n && n < CHECKS_MAX) {
                names[n++] = run->steps[k].name;
            }
        }
    }
    return n;
}

/* As often as the check says no now: before that it may have been another. */
static bool forget_check(struct search *search, uint16_t name)
{
    AUTO_FREE double *series = mem_array(search->n_runs + 1, sizeof(*series));
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        series[i] = (double)NAN;
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (step->name == name && step->kind == EFFECT_CHECK) {
                series[i] = has_said_no(step) || series[i] > 0 ? 1 : 0;
            }
        }
    }
    return search_forget(search, series, RUNS_LEAST);
}

/* ---- retries ------------------------------------------------------------------------------ */

/* Which retry of its check this is: 0 the first try. */
static int level_of(const struct run_features *run, size_t at)
{
    int level = 0;
    for (size_t i = 0; i < at; i++) {
        level +=
            is_same_check(&run->steps[i], &run->steps[at]) && has_said_no(&run->steps[i])
                ? 1
                : 0;
    }
    return level;
}

static bool is_own_retry(const struct run_features *run, size_t at, uint16_t name)
{
    const struct run_step *step = &run->steps[at];
    const struct run_step *before =
        step->name == name && step->kind == EFFECT_CHECK ? try_before(run, at) : NULL;
    return before != NULL && has_said_no(before);
}

/* What the next iteration took until it was at the same check again; NAN: there was none. */
static double iteration_after(const struct run_features *run, size_t at)
{
    const struct run_step *step = &run->steps[at];
    for (size_t i = at + 1; i < run->n_steps; i++) {
        const struct run_step *next = &run->steps[i];
        if (next->iteration != step->iteration && next->name == step->name &&
            next->kind == step->kind) {
            return (double)next->at - end_of(step);
        }
    }
    return (double)NAN;
}

struct bought count_bought(const struct search *search, uint16_t name, int level)
{
    struct bought bought = {0};
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (is_own_retry(run, k, name) && level_of(run, k) >= level) {
                bought.n += 1;
                bought.n_passed += run_step_has_passed(step) ? 1 : 0;
                bought.cost_s += isfinite(step->run) ? (double)step->run : 0;
            }
            double next = step->name == name && has_said_no(step)
                              ? iteration_after(run, k)
                              : (double)NAN;
            bought.iteration_s += isfinite(next) ? next : 0;
            bought.n_iterations += isfinite(next) ? 1 : 0;
        }
    }
    return bought;
}

/* The last try of the check in this iteration. */
static const struct run_step *last_try(const struct run_features *run, size_t at)
{
    for (size_t i = run->n_steps; i-- > at;) {
        if (is_same_check(&run->steps[i], &run->steps[at])) {
            return &run->steps[i];
        }
    }
    return &run->steps[at];
}

double replay_retries(const struct run_features *run, uint16_t name, int level,
                      double iteration_s)
{
    double delta = 0;
    for (size_t k = 0; k < run->n_steps; k++) {
        const struct run_step *step = &run->steps[k];
        if (step->name == name && has_said_no(step) && level_of(run, k) == level - 1) {
            const struct run_step *last = last_try(run, k);
            double saved = end_of(last) - end_of(step);
            delta -= isfinite(saved) ? saved : 0;
            delta += run_step_has_passed(last) ? iteration_s : 0;
        }
    }
    return delta / 60;
}

static void propose_fewer(struct search *search, uint16_t name, int level,
                          const struct bought *bought)
{
    struct proposal *draft = &search->draft;
    const char *check = words_name(search->input->words, name);
    double iteration_s = bought->iteration_s / bought->n_iterations;
    struct estimate share = stat_share(bought->n_passed, bought->n, 0.9);
    size_t n_hit = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        search->delta[i] = replay_retries(search->runs[i], name, level, iteration_s);
        n_hit += search->delta[i] < 0 ? 1 : 0;
    }
    draft->metric = RUN_WORK;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_STRICTER;
    draft_text(draft->to, sizeof(draft->to), "%d", level - 1);
    search_expect(search, 1, 0.1, 0.1);
    draft->expected.high += (share.high - share.value) * bought->n * iteration_s / 60 /
                            (double)search->n_runs;
    draft_text(draft->title, sizeof(draft->title), "%s: %d retries of '%.40s', not %s",
               search->scope, level - 1, check, draft->from);
    draft_text(draft->reason, sizeof(draft->reason),
               "%.0f retries of '%.60s' took %.0f minutes and %.0f of them passed; what "
               "a pass saves is an iteration of %.0f minutes",
               bought->n, check, bought->cost_s / 60, bought->n_passed, iteration_s / 60);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "a failure that would have passed by itself costs an iteration, %.0f "
               "minutes",
               iteration_s / 60);
    search_fact(search, share.value,
                "retries that passed: %.0f of %.0f, at most %.1f %% (95 %%)",
                bought->n_passed, bought->n, 100 * share.high);
    search_line(search, "of %zu recorded workflows %zu would have been faster",
                search->n_runs, n_hit);
    search_propose(search);
}

/* The first retry that is not worth it, and all after it. */
static void fit_retries(struct search *search, uint16_t name)
{
    char setting[sizeof(search->draft.setting)];
    draft_text(setting, sizeof(setting), "checks/%s.retries",
               words_name(search->input->words, name));
    if (!search_begin(search, setting, RUNS_LEAST) || !forget_check(search, name)) {
        return;
    }
    double now = search_value(search);
    for (int level = 1; level <= now; level++) {
        struct bought bought = count_bought(search, name, level);
        if (bought.n < RETRIES_LEAST || bought.n_iterations < 5) {
            return;
        }
        struct estimate share = stat_share(bought.n_passed, bought.n, 0.9);
        double worth = share.high * bought.iteration_s / bought.n_iterations;
        if (worth < bought.cost_s / bought.n) {
            propose_fewer(search, name, level, &bought);
            return;
        }
    }
}

void generate_retries(struct search *search)
{
    uint16_t names[CHECKS_MAX];
    if (!search_begin(search, "limits.retries", RUNS_LEAST)) {
        return;
    }
    size_t n = check_names(search, names);
    for (size_t i = 0; i < n; i++) {
        fit_retries(search, names[i]);
    }
}

/* ---- quarantine --------------------------------------------------------------------------- */

/*
 * Flaky is a check that fails and passes on the same commit. Rule: at least FLAKY_LEAST failures
 * were followed by a pass of the same commit, they are the greater part of all failures that were
 * tried again (lower bound over a half), at most WRONG_MOST of changes are really wrong by what the
 * tries say, and the last two tries are not both failures: two in a row
 * without a pass between are a regression, which is never quarantined.
 */
#define FLAKY_LEAST     12
#define QUARANTINE_DAYS 14
#define WRONG_MOST      0.05 /* of changes: what only this check finds */
#define FLAKY_SHARE     0.04 /* of the first tries */

struct flakes {
    double n_first, n_failed; /* first tries */
    double n_again, n_passed; /* tried again after a failure, on the same commit */
    bool is_down;             /* the last two tries failed */
};

static struct flakes count_flakes(const struct search *search, uint16_t name)
{
    struct flakes flakes = {0};
    bool has_failed = false;
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            bool is_no = has_said_no(step);
            if (step->name != name || step->kind != EFFECT_CHECK ||
                (!is_no && !run_step_has_passed(step))) {
                continue;
            }
            bool is_again = is_own_retry(run, k, name);
            flakes.n_first += is_again ? 0 : 1;
            flakes.n_failed += is_no && !is_again ? 1 : 0;
            flakes.n_again += is_again ? 1 : 0;
            flakes.n_passed += is_again && !is_no ? 1 : 0;
            flakes.is_down = is_no && has_failed;
            has_failed = is_no;
        }
    }
    return flakes;
}

double replay_quarantine(const struct run_features *run, uint16_t name)
{
    double delta = 0, since = (double)NAN;
    for (size_t k = 0; k < run->n_steps; k++) {
        const struct run_step *step = &run->steps[k];
        if (step->name != name || step->kind != EFFECT_CHECK) {
            continue;
        }
        if (has_said_no(step) && !isfinite(since)) {
            since = end_of(step);
        } else if (run_step_has_passed(step) && isfinite(since)) {
            delta -= end_of(step) - since;
            since = (double)NAN;
        }
    }
    return delta / 60;
}

/*
 * Changes that are really wrong, as a share of all: at most so many, with 95 %. First tries fail with
 * the chance F = g + (1 - g) f, and a failure is followed by a pass with r = (1 - g) f (1 - f) / F,
 * where f is the flake's chance and g that of a real failure; solved for g.
 */
static double really_wrong(struct estimate rate, struct estimate passes)
{
    double f = rate.value, r = passes.low, below = 1 - f - r * f;
    double g = below > 0 ? f * (1 - f - r) / below : 1;
    return g > 0 ? g : 0;
}

static void fit_quarantine(struct search *search, uint16_t name)
{
    char setting[sizeof(search->draft.setting)];
    const char *check = words_name(search->input->words, name);
    struct proposal *draft = &search->draft;
    draft_text(setting, sizeof(setting), "checks/%s.quarantine", check);
    if (!search_begin(search, setting, RUNS_LEAST) || search->now.value[0] != '\0' ||
        !forget_check(search, name)) {
        return;
    }
    struct flakes flakes = count_flakes(search, name);
    struct estimate share = stat_share(flakes.n_passed, flakes.n_again, 0.9);
    struct estimate rate = stat_share(flakes.n_failed, flakes.n_first, 0.9);
    if (flakes.is_down || flakes.n_passed < FLAKY_LEAST || share.low < 0.5 ||
        rate.low * share.low < FLAKY_SHARE || really_wrong(rate, share) > WRONG_MOST) {
        return;
    }
    for (size_t i = 0; i < search->n_runs; i++) {
        search->delta[i] = replay_quarantine(search->runs[i], name);
    }
    draft->metric = RUN_WORK;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_JUDGES;
    (void)wall_format(wall_add(search->input->now, span_s(QUARANTINE_DAYS * 86400)),
                      false, draft->to);
    search_expect(search, 1, 0.3, 0.25);
    draft_text(draft->title, sizeof(draft->title),
               "%s: '%.60s' does not decide for %d days", search->scope, check,
               QUARANTINE_DAYS);
    draft_text(draft->reason, sizeof(draft->reason),
               "'%.60s' failed in %.0f of %.0f first tries; of %.0f that were tried "
               "again on the same commit %.0f passed",
               check, flakes.n_failed, flakes.n_first, flakes.n_again, flakes.n_passed);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "a real failure of '%.60s' would be merged: up to %.1f %% of changes",
               check, 100 * really_wrong(rate, share));
    search_fact(search, rate.value, "first tries that failed: %.1f %% (%.1f to %.1f)",
                100 * rate.value, 100 * rate.low, 100 * rate.high);
    search_fact(search, share.value,
                "failures that passed on the same commit: %.0f of %.0f", flakes.n_passed,
                flakes.n_again);
    search_line(search, "in %zu recorded workflows its failures cost %.0f minutes",
                search->n_runs, -draft->expected.value * (double)search->n_runs);
    search_propose(search);
}

void generate_quarantine(struct search *search)
{
    uint16_t names[CHECKS_MAX];
    if (!search_begin(search, "limits.retries", RUNS_LEAST)) {
        return;
    }
    size_t n = check_names(search, names);
    for (size_t i = 0; i < n; i++) {
        fit_quarantine(search, names[i]);
    }
}

/* ---- backoff ------------------------------------------------------------------------------ */

/*
 * A pause is judged by what it costs under all that is believed of troubles (optimize_trouble.c).
 * Rule: PAUSES_LEAST retries after a pause.
 */
#define PAUSES_LEAST 30
#define RETRIES      3
#define LOST_S       3600.0 /* a workflow that fails for good costs somebody an hour */

void learn_troubles(const struct search *search, struct trouble_model *model)
{
    double n_failed = 0;
    trouble_begin(model);
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            const struct run_step *before = step->pause > 0 ? try_before(run, k) : NULL;
            bool is_bad = run_step_has_failed(step) && is_world(step);
            model->fail_s += is_bad && isfinite(step->run) ? (double)step->run : 0;
            n_failed += is_bad ? 1 : 0;
            if (before != NULL && is_world(before)) {
                trouble_weigh(model, (double)step->pause, is_bad);
            }
        }
    }
    model->fail_s = n_failed > 0 ? model->fail_s / n_failed : 0;
    trouble_end(model);
}

/* Seconds that one trouble costs with this first pause: pauses double, half of each is drawn. */
static double trouble_cost(double a, double tau, double first, double fail_s)
{
    double cost = 0, reach = 1, pause = first;
    for (int k = 0; k < RETRIES; k++, pause *= 2) {
        double least = exp(-0.5 * pause / tau), most = exp(-pause / tau);
        double lasts = (least - most) * tau / (0.5 * pause); /* mean over the jitter */
        double passes = a * (1 - lasts);
        cost += reach * (0.75 * pause + (1 - passes) * fail_s);
        reach *= 1 - passes;
    }
    return cost + reach * LOST_S;
}

struct estimate pause_gain(const struct trouble_model *model, double from, double to)
{
    return trouble_gain(model, trouble_cost, from, to);
}

/* Pauses after what had nothing to do with the surroundings (it was killed at a limit) only become
 * shorter. Seconds. */
static double other_pauses(const struct run_features *run)
{
    double sum = 0;
    for (size_t k = 0; k < run->n_steps; k++) {
        const struct run_step *before =
            run->steps[k].pause > 0 ? try_before(run, k) : NULL;
        sum += before != NULL && !is_world(before) ? (double)run->steps[k].pause : 0;
    }
    return sum;
}

double count_troubles(const struct run_features *run)
{
    double n = 0;
    for (size_t k = 0; k < run->n_steps; k++) {
        const struct run_step *step = &run->steps[k];
        const struct run_step *before = try_before(run, k);
        bool is_first =
            before == NULL || !is_world(before) || !run_step_has_failed(before);
        n += is_world(step) && run_step_has_failed(step) && is_first ? 1 : 0;
    }
    return n;
}

void generate_backoff(struct search *search)
{
    static const double factors[] = {0.5, 0.25, 0.1, 0.05, 0.02};
    struct proposal *draft = &search->draft;
    char text[CLOCK_TEXT_MAX];
    double from, to = 0;
    if (!search_begin(search, "recovery.backoff", RUNS_LEAST) ||
        !((from = search_value(search)) > 0)) {
        return;
    }
    AUTO_FREE struct trouble_model *model = mem_alloc(sizeof(*model));
    learn_troubles(search, model);
    if (model->n < PAUSES_LEAST) {
        return;
    }
    struct estimate best = {0, 0, 0};
    for (size_t i = 0; i < ARRAY_LEN(factors); i++) {
        double next = nice_seconds(from * factors[i]);
        struct estimate gain = pause_gain(model, from, next);
        bool is_allowed = !isfinite(search->now.least) || next >= search->now.least;
        if (is_allowed && gain.high < best.high) { /* the most that is sure */
            best = gain;
            to = next;
        }
    }
    if (!(best.high < 0)) {
        return;
    }
    for (size_t i = 0; i < search->n_runs; i++) {
        search->delta[i] = count_troubles(search->runs[i]) * best.value / 60 -
                           other_pauses(search->runs[i]) * (1 - to / from) / 60;
    }
    draft->metric = RUN_WORK;
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_SPENDS;
    write_span(draft->to, sizeof(draft->to), to);
    search_expect(search, 1, 1 - best.high / best.value + 0.1,
                  best.low / best.value - 1 + 0.1);
    draft_text(draft->title, sizeof(draft->title),
               "first pause before a retry: %s, not %s", draft->to, draft->from);
    draft_text(draft->reason, sizeof(draft->reason),
               "%.0f of %.0f retries passed after a pause of %s or more: troubles are "
               "over much sooner",
               model->n_passed, model->n, say_span(from / 2, text));
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "a trouble that lasts longer than %s uses up retries",
               say_span(to * 7 * 0.75, text));
    search_fact(search, model->n_passed / model->n, "retries that passed: %.0f of %.0f",
                model->n_passed, model->n);
    search_line(search, "each of the recorded troubles would have cost %.0f s less",
                -best.value);
    search_propose(search);
}
