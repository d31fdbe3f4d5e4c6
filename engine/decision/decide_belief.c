/* SPDX-License-Identifier: MIT */

/* What is believed of an option: a Beta posterior for each level, from the coarsest down; the
 * posterior above is the prior below, with as much weight as has served best so far. */
#include <math.h>
#include <string.h>

#include "engine/decision/decide_private.h"

#define PRIOR_LEAST   0.02 /* no prior is so sure that evidence could not move it */
#define PRIOR_WEIGHTY 50
#define LOSS_KEPT     0.99
#define COST_OF_RULES 3 /* tries that the expected cost given is worth */

static const double weights[DECIDE_WEIGHTS] = {2, 6, 20, 60};

static double within(double x, double low, double high)
{
    return x > low ? x < high ? x : high : low; /* a NAN gives low */
}

/* Mixture of the grid, in logs, by how well each weight has predicted. */
static double weight_above(const struct decide_shrink *shrink)
{
    double sum = 0, logs = 0, least = shrink->loss[0];
    for (int i = 1; i < DECIDE_WEIGHTS; i++) {
        least = fmin(least, shrink->loss[i]);
    }
    for (int i = 0; i < DECIDE_WEIGHTS; i++) {
        double share = exp(least - shrink->loss[i]);
        sum += share;
        logs += share * log(weights[i]);
    }
    return exp(logs / sum);
}

void decide_shrink_learn(struct decide_shrink *shrink, const struct decide_arm *arm,
                         double above, double success)
{
    double trials = decide_arm_trials(arm);
    if (trials < 0.5) {
        return; /* all weights say the same */
    }
    for (int i = 0; i < DECIDE_WEIGHTS; i++) {
        double p = (arm->passed + weights[i] * above) / (trials + weights[i]);
        p = within(p, 1e-3, 1 - 1e-3);
        shrink->loss[i] =
            shrink->loss[i] * LOSS_KEPT - success * log(p) - (1 - success) * log(1 - p);
    }
}

double decide_share_left(const struct decide_arm *arm, int64_t changed_ms)
{
    double trials = decide_arm_trials(arm);
    return arm->updated_at.ms < changed_ms && trials > DECIDE_AFTER_CHANGE
               ? DECIDE_AFTER_CHANGE / trials
               : 1;
}

/* What one level knows of the option. */
struct seen {
    const struct decide_arm *arm; /* NULL nothing */
    double passed, failed;
};

static void descend(struct decide_view *view, const struct decide_shrink *shrink,
                    const struct seen *here, const struct seen *finer)
{
    /* A trial is counted at every level; what is above is asked what it knows besides. */
    double passed = fmax(0, here->passed - finer->passed);
    double failed = fmax(0, here->failed - finer->failed);
    double trials = passed + failed, mean = beta_mean(&view->beta);
    double strength = view->beta.a + view->beta.b, weight = weight_above(shrink);
    /* What is above keeps its strength while there is nothing here, and loses it step by
     * step: one trial must not make a guess out of what is known. */
    double kept = fmin(strength, weight) + fmax(0, strength - weight) / (1 + trials);
    view->beta = (struct beta){mean * kept + passed, (1 - mean) * kept + failed};
}

static void see_levels(const struct decide *decide,
                       const struct decide_question *question, const char *option,
                       struct decide_view *view, struct seen seen[DECIDE_LEVELS + 1])
{
    int64_t changed_ms = INT64_MIN;
    for (size_t i = question->n_levels; i-- > 0;) {
        const char *key = question->levels[i];
        const struct decide_arm *arm = decide_arm_find(&decide->arms, key, option);
        int64_t here_ms = decide_change_ms(decide, key);
        view->changed_ms[i] = here_ms > changed_ms ? here_ms : changed_ms;
        /* The coarsest level mixes what has nothing to do with each other: when its mixture
         * changes, nothing is said of its parts. */
        changed_ms = i + 1 == question->n_levels ? INT64_MIN : view->changed_ms[i];
        seen[i + 1].arm = arm;
        if (arm != NULL) {
            double share = decide_share_left(arm, view->changed_ms[i]);
            seen[i + 1].passed = arm->passed * share;
            seen[i + 1].failed = arm->failed * share;
            view->is_killed = view->is_killed || arm->is_killed;
            view->is_demoted = view->is_demoted || arm->is_demoted;
        }
    }
}

static double mix_cost(double known, const struct decide_arm *arm)
{
    double n = (double)(arm->n < 1000 ? arm->n : 1000);
    return isnan(arm->cost_s) ? known
           : isnan(known)
               ? arm->cost_s
               : (COST_OF_RULES * known + n * arm->cost_s) / (COST_OF_RULES + n);
}

struct decide_view decide_view(const struct decide *decide,
                               const struct decide_question *question, int option)
{
    const struct decide_option *choice = &question->options[option];
    double mean = within(choice->prior, PRIOR_LEAST, 1 - PRIOR_LEAST);
    double weight = within(choice->prior_weight, 0.5, PRIOR_WEIGHTY), most = 0;
    struct seen seen[DECIDE_LEVELS + 1] = {
        {0}}; /* by level + 1: nothing is finer than 0 */
    struct decide_view view = {
        .beta = {mean * weight, (1 - mean) * weight},
        .level = -1,
        .cost_s = choice->cost_s,
    };
    see_levels(decide, question, choice->name, &view, seen);
    for (size_t i = question->n_levels; i-- > 0;) {
        const struct seen *here = &seen[i + 1];
        double trials = here->passed + here->failed;
        view.means[i] = beta_mean(&view.beta);
        if (trials <= 0) {
            continue;
        }
        descend(&view, &decide->shrink[question->kind][i], here, &seen[i]);
        /* Finer evidence counts more, so that less of it is enough to be named. */
        if (trials * 3 >= most) {
            most = trials;
            view.level = (int)i;
        }
        view.cost_s = mix_cost(view.cost_s, here->arm);
    }
    view.trials = most;
    return view;
}

/* ---- factors ---- */

uint64_t decide_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
    return hash == 0 ? 1 : hash;
}

static uint64_t join(uint64_t hash, uint64_t other)
{
    hash = (hash ^ other) * UINT64_C(0xbf58476d1ce4e5b9);
    hash ^= hash >> 31;
    return hash == 0 ? 1 : hash;
}

uint64_t decide_question_id(const struct decide_question *question)
{
    uint64_t hash = (uint64_t)question->kind + 1;
    for (size_t i = 0; i < question->n_levels; i++) {
        hash = join(hash, decide_hash(question->levels[i]));
    }
    for (size_t i = 0; i < question->n_factors; i++) {
        const struct decide_factor *factor = &question->factors[i];
        uint64_t bits = 0;
        double number = isfinite(factor->number) ? factor->number : 0;
        memcpy(&bits, &number, sizeof(bits));
        hash = join(join(hash, decide_hash(factor->name)),
                    factor->word == NULL ? bits : decide_hash(factor->word));
    }
    return hash;
}

uint64_t decide_case_id(const struct decide_question *question, const char *option)
{
    return join(decide_question_id(question), decide_hash(option));
}

#define OUTCOMES_PER_TRIAL 3  /* what factors say is worth so many of its outcomes .. */
#define FACTORS_WEIGHTY    40 /* .. and at most so many trials */

void decide_view_factors(const struct decide *decide,
                         const struct decide_question *question, int option,
                         struct decide_view *view, struct outlook_sight *ret_sight)
{
    struct outlook_sight sight;
    const struct decide_option *choice = &question->options[option];
    double p = outlook_say(
        decide->outlook,
        &(struct outlook_case){
            .kind = question->kind,
            .option = choice->name,
            .prior = within(choice->prior, PRIOR_LEAST, 1 - PRIOR_LEAST),
            .level = question->n_levels == 0 ? (double)NAN : beta_mean(&view->beta),
            .factors = question->factors,
            .n_factors = question->n_factors,
        },
        &sight);
    double strength = fmax(view->beta.a + view->beta.b,
                           fmin(FACTORS_WEIGHTY, sight.trials / OUTCOMES_PER_TRIAL));
    view->beta = (struct beta){p * strength, (1 - p) * strength};
    view->trials = fmax(view->trials, view->level < 0 ? sight.trials : 0);
    if (ret_sight != NULL) {
        *ret_sight = sight;
    }
}

double decide_value(const struct decide_question *question, int option, double p,
                    double cost_s)
{
    const struct decide_option *choice = &question->options[option];
    double worth = choice->worth > 0 ? choice->worth : 1;
    double cost =
        isnan(cost_s) || !(question->worth_s > 0) ? 0 : cost_s / question->worth_s;
    return p * worth - cost - (1 - p) * choice->risk * question->aversion;
}
