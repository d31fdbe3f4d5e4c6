/* SPDX-License-Identifier: MIT */

/* The report: what was counted, judged by the truth. */
#include <math.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/drill/world.h"

#define FIRST_CHOICES 500
#define FOUND_WINDOW  20

double drill_recovered(const struct drill_report *report)
{
    return report->n_recoverable > 0
               ? (double)report->n_recovered / (double)report->n_recoverable
               : 1;
}

double drill_asked_rightly(const struct drill_report *report)
{
    int64_t n = report->n_asked_rightly + report->n_asked_wrongly;
    return n > 0 ? (double)report->n_asked_rightly / (double)n : 1;
}

bool drill_is_good(const struct drill_report *report)
{
    return report->failure[0] == '\0' && drill_recovered(report) >= 0.95 &&
           drill_asked_rightly(report) >= 0.9 && report->availability >= 0.999 &&
           report->n_repeated == 0 && report->n_over_bound == 0;
}

/* Chance of a rung by the truth. */
static double chance(const struct drill_world *world, const struct drill_choice *choice,
                     enum rung rung)
{
    const struct drill_fault *fault = &world->profile->faults[choice->fault];
    if (rung == RUNG_ESCALATE) {
        return drill_is_recoverable(fault, choice->is_drifted) ? 0 : 1;
    }
    double p = drill_helps(fault, rung, choice->is_drifted);
    return p;
}

static double best_chance(const struct drill_world *world,
                          const struct drill_choice *choice)
{
    double best = 0;
    for (int rung = 0; rung < RUNG_COUNT; rung++) {
        double p = chance(world, choice, (enum rung)rung);
        best = p > best ? p : best;
    }
    return best;
}

static bool is_of(const struct drill_world *world, size_t i, enum failure_class class_)
{
    return world->profile->faults[world->choices[i].fault].class_ == class_;
}

/* Sums of each rung's chance over the first `max` choices of a class. */
struct sums {
    double fixed[RUNG_COUNT], chosen, oracle;
    int64_t n;
};

static struct sums sum_up(const struct drill_world *world, enum failure_class class_,
                          int64_t max)
{
    struct sums sums = {.n = 0};
    for (size_t i = 0; i < world->n_choices && sums.n < max; i++) {
        const struct drill_choice *choice = &world->choices[i];
        if (!is_of(world, i, class_)) {
            continue;
        }
        for (int rung = 0; rung < RUNG_COUNT; rung++) {
            sums.fixed[rung] += chance(world, choice, (enum rung)rung);
        }
        sums.chosen += chance(world, choice, (enum rung)choice->rung);
        sums.oracle += best_chance(world, choice);
        sums.n++;
    }
    return sums;
}

/* Choices after the drift until FOUND_WINDOW of them on end are nearly as good as the best. */
static int64_t found_after(const struct drill_world *world, enum failure_class class_)
{
    double window[FOUND_WINDOW] = {0}, sum = 0;
    int64_t n = 0;
    bool has_drift = false;
    for (size_t i = 0; i < world->n_choices; i++) {
        const struct drill_choice *choice = &world->choices[i];
        if (!is_of(world, i, class_) || !choice->is_drifted ||
            !world->profile->faults[choice->fault].has_then) {
            continue;
        }
        has_drift = true;
        double regret =
            best_chance(world, choice) - chance(world, choice, (enum rung)choice->rung);
        sum += regret - window[n % FOUND_WINDOW];
        window[n % FOUND_WINDOW] = regret;
        n++;
        if (n >= FOUND_WINDOW && sum / FOUND_WINDOW <= 0.15) {
            return n;
        }
    }
    return has_drift ? -1 : 0;
}

static void score_class(struct drill_world *world, enum failure_class class_)
{
    struct drill_class *row = &world->report->classes[class_];
    struct sums sums = sum_up(world, class_, INT64_MAX);
    row->n_choices = sums.n;
    row->best = row->worst = row->regret_500 = (double)NAN;
    if (sums.n == 0) {
        return;
    }
    double n = (double)sums.n;
    row->best = row->worst = sums.fixed[0] / n;
    row->best_rung = (enum rung)0;
    for (int rung = 1; rung < RUNG_COUNT; rung++) {
        double p = sums.fixed[rung] / n;
        if (p > row->best) {
            row->best = p;
            row->best_rung = (enum rung)rung;
        }
        row->worst = p < row->worst ? p : row->worst;
    }
    row->mean_chance = sums.chosen / n;
    row->oracle = sums.oracle / n;
    row->mean_regret = row->oracle - row->mean_chance;
    row->found_after = found_after(world, class_);
    struct sums first = sum_up(world, class_, FIRST_CHOICES);
    double worst = first.fixed[0];
    for (int rung = 1; rung < RUNG_COUNT; rung++) {
        worst = first.fixed[rung] < worst ? first.fixed[rung] : worst;
    }
    if (first.n == FIRST_CHOICES && first.oracle > worst) {
        row->regret_500 = (first.oracle - first.chosen) / (first.oracle - worst);
    }
}

static int compare_ms(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void score_times(struct drill_world *world)
{
    if (world->n_recovered == 0) {
        return;
    }
    qsort(world->recover_ms, world->n_recovered, sizeof(int64_t), compare_ms);
    size_t n = world->n_recovered;
    world->report->recover_p50.ms = world->recover_ms[n / 2];
    world->report->recover_p95.ms = world->recover_ms[n * 95 / 100];
}

void drill_score(struct drill_world *world)
{
    struct drill_report *report = world->report;
    struct err err = ERR_INIT;
    struct totals totals;
    int64_t last = 0;
    double regret = 0, fixed = 0, n = 0;
    if (!store_load_counters(world->store, &last, &totals, &err)) {
        drill_complain(world, "counters: %s", err.msg);
        return;
    }
    report->n_completed = totals.by_state[STATE_COMPLETED];
    report->n_failed = totals.by_state[STATE_FAILED];
    report->n_cancelled = totals.by_state[STATE_CANCELLED];
    report->n_rolled_back = totals.by_state[STATE_ROLLED_BACK];
    report->n_never = report->n_cases - (int64_t)world->n_recovered - report->n_helped;
    report->took = wall_since(world->now, DRILL_START);
    double minutes = (double)world->n_minutes;
    double bad = (double)world->n_bad_minutes + (double)world->away_ms / 60000;
    report->availability = minutes > 0 ? 1 - bad / minutes : 1;
    score_times(world);
    for (int class_ = 0; class_ < CLASS_COUNT; class_++) {
        struct drill_class *row = &report->classes[class_];
        score_class(world, (enum failure_class)class_);
        if (row->n_choices > 0) {
            double k = (double)row->n_choices;
            regret += row->mean_regret * k;
            fixed += (row->oracle - row->best) * k;
            n += k;
        }
    }
    report->regret = n > 0 ? regret / n : 0;
    report->regret_fixed = n > 0 ? fixed / n : 0;
}
