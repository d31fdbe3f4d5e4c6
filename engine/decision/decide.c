/* SPDX-License-Identifier: MIT */
#include "engine/decision/decide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/decision/decide_private.h"

#define DRAWS 48 /* of all options, to say how sure a choice is */
/* The draw that decides is from narrower distributions, which tries less: what is found out
 * is not used for long before it drifts (posterior reshaping, Chapelle and Li 2011). */
#define SHARP 3

struct decide_settings decide_defaults(void)
{
    return (struct decide_settings){
        .half_life_trials = 60,
        .shadow_trials = 8,
        .demote_margin = 0.2,
        .factor_keys = 8192,
        .open_cases = 256,
    };
}

struct decide *decide_new(const struct decide_settings *settings)
{
    struct decide *decide = mem_alloc(sizeof(*decide));
    decide->settings = *settings;
    decide->settings.half_life_trials = fmax(1, settings->half_life_trials);
    decide_arms_init(&decide->arms);
    decide->outlook = outlook_new(settings->factor_keys, settings->open_cases);
    decide->asked = mem_array(settings->open_cases, sizeof(*decide->asked));
    return decide;
}

void decide_free(struct decide *decide)
{
    if (decide != NULL) {
        decide_arms_fini(&decide->arms);
        outlook_free(decide->outlook);
        free(decide->asked);
        free(decide);
    }
}

/* ---- what may be chosen ---- */

const char *decide_why_not(const struct decide_question *question, int option,
                           bool is_killed)
{
    const struct decide_option *choice = &question->options[option];
    return choice->why_not != NULL             ? choice->why_not
           : is_killed                         ? "switched off"
           : choice->risk > question->risk_max ? "too risky without a person"
                                               : NULL;
}

static bool is_allowed(const struct decide_question *question,
                       const struct decide_view *views, int option)
{
    return decide_why_not(question, option, views[option].is_killed) == NULL;
}

static int first_by_rank(const struct decide_question *question,
                         const struct decide_view *views)
{
    int best = -1;
    for (int i = 0; i < (int)question->n_options; i++) {
        if (is_allowed(question, views, i) &&
            (best < 0 || question->options[i].rank < question->options[best].rank)) {
            best = i;
        }
    }
    return best;
}

/* ---- asking ---- */

struct trial {
    const struct decide_question *question;
    struct decide_view views[DECIDE_OPTIONS_MAX];
    int base[DECIDE_OPTIONS_MAX]; /* that it is the opposite of, else itself */
    int rules, n_options;
    bool may_learn[DECIDE_OPTIONS_MAX]; /* learning may take it */
};

static int find_option(const struct decide_question *question, const char *name)
{
    for (int i = 0; i < (int)question->n_options; i++) {
        if (strcmp(question->options[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static int base_of(const struct decide_question *question, int option)
{
    const char *opposite = question->options[option].opposite;
    int other = opposite == NULL ? -1 : find_option(question, opposite);
    return other < 0 || question->options[other].opposite != NULL ? option : other;
}

static struct decide_view see_option(const struct decide *decide,
                                     const struct decide_question *question, int option,
                                     int base)
{
    struct decide_view view = decide_view(decide, question, base);
    if (question->n_factors > 0) {
        decide_view_factors(decide, question, base, &view, NULL);
    }
    if (base != option) {
        struct decide_view own = decide_view(decide, question, option);
        view.beta = (struct beta){view.beta.b, view.beta.a};
        view.is_killed = own.is_killed;
        view.is_demoted = own.is_demoted;
        view.cost_s = own.cost_s;
    }
    return view;
}

static void trial_init(struct trial *trial, const struct decide *decide,
                       const struct decide_question *question)
{
    memset(trial, 0, sizeof(*trial));
    trial->question = question;
    trial->n_options = (int)question->n_options;
    for (int i = 0; i < trial->n_options; i++) {
        trial->base[i] = base_of(question, i);
        trial->views[i] = see_option(decide, question, i, trial->base[i]);
    }
    trial->rules = first_by_rank(question, trial->views);
    for (int i = 0; i < trial->n_options; i++) {
        trial->may_learn[i] = is_allowed(question, trial->views, i) &&
                              (i == trial->rules || !trial->views[i].is_demoted);
    }
}

static double mean_value(const struct trial *trial, int option)
{
    const struct decide_view *view = &trial->views[option];
    return decide_value(trial->question, option, beta_mean(&view->beta), view->cost_s);
}

/* The best one by what is believed on average. */
static int best_on_average(const struct trial *trial)
{
    int best = -1;
    for (int i = 0; i < trial->n_options; i++) {
        if (trial->may_learn[i] &&
            (best < 0 || mean_value(trial, i) > mean_value(trial, best))) {
            best = i;
        }
    }
    return best;
}

/* sharp: as if there were so many times the trials. */
static int draw_best(const struct trial *trial, double sharp, struct rng *rng)
{
    double drawn[DECIDE_OPTIONS_MAX], most = 0;
    int best = -1;
    for (int i = 0; i < trial->n_options; i++) {
        bool is_needed = trial->may_learn[i];
        for (int j = 0; j < trial->n_options; j++) {
            is_needed = is_needed || (trial->may_learn[j] && trial->base[j] == i);
        }
        const struct beta *beta = &trial->views[i].beta;
        drawn[i] = is_needed && trial->base[i] == i
                       ? beta_draw(&(struct beta){beta->a * sharp, beta->b * sharp}, rng)
                       : 0;
    }
    for (int i = 0; i < trial->n_options; i++) {
        if (!trial->may_learn[i]) {
            continue;
        }
        double p = trial->base[i] == i ? drawn[i] : 1 - drawn[trial->base[i]];
        double value = decide_value(trial->question, i, p, trial->views[i].cost_s);
        if (best < 0 || value > most) {
            best = i;
            most = value;
        }
    }
    return best;
}

/* When whatever is chosen tells the same, there is nothing to find out by trying. */
static bool is_trying_useless(const struct trial *trial)
{
    int base = -1;
    for (int i = 0; i < trial->n_options; i++) {
        if (trial->may_learn[i] && base >= 0 && trial->base[i] != base) {
            return false;
        }
        base = trial->may_learn[i] ? trial->base[i] : base;
    }
    return true;
}

/* Trials of the options at the best known level; the coarsest one mixes what has nothing to
 * do with each other, so that it does not count when there are others. */
static double evidence(const struct decide *decide, const struct trial *trial)
{
    const struct decide_question *question = trial->question;
    size_t n_levels =
        question->n_levels > 1 ? question->n_levels - 1 : question->n_levels;
    double most = 0;
    if (question->n_levels == 0) {
        for (int j = 0; j < trial->n_options; j++) {
            most = fmax(most, trial->views[j].trials);
        }
    }
    for (size_t i = 0; i < n_levels; i++) {
        double sum = 0;
        for (int j = 0; j < trial->n_options; j++) {
            const struct decide_arm *arm = decide_arm_find(
                &decide->arms, question->levels[i], question->options[j].name);
            sum += arm == NULL || !trial->may_learn[j] ? 0 : decide_arm_trials(arm);
        }
        most = fmax(most, sum);
    }
    return most;
}

/* Why learning does not act; NULL when it does. */
static const char *why_shadow(const struct decide *decide, const struct trial *trial)
{
    const struct decide_record *shadow =
        decide_record_find(decide, decide_scope(trial->question), "");
    if (decide->settings.is_learning_off) {
        return "learning is off";
    }
    if (evidence(decide, trial) < decide->settings.shadow_trials * 0.95) {
        return "too few trials to learn from";
    }
    return shadow != NULL && shadow->gain < 0 ? "no better in its shadow" : NULL;
}

static void set_order(const struct trial *trial, struct decide_answer *answer)
{
    for (int i = 0; i < trial->n_options; i++) {
        int at = i;
        bool is_good = is_allowed(trial->question, trial->views, i);
        for (; at > 0; at--) {
            int other = answer->order[at - 1];
            bool is_other = is_allowed(trial->question, trial->views, other);
            if (is_other != is_good
                    ? is_other
                    : answer->beliefs[other].value >= answer->beliefs[i].value) {
                break;
            }
            answer->order[at] = other;
        }
        answer->order[at] = i;
    }
}

static void set_beliefs(const struct trial *trial, struct decide_answer *answer)
{
    for (int i = 0; i < trial->n_options; i++) {
        const struct decide_view *view = &trial->views[i];
        answer->beliefs[i] = (struct decide_belief){
            .p = beta_mean(&view->beta),
            .low = beta_quantile(&view->beta, 0.05),
            .high = beta_quantile(&view->beta, 0.95),
            .trials = view->trials,
            .value = mean_value(trial, i),
            .cost_s = view->cost_s,
            .level = view->level < 0 ? "" : trial->question->levels[view->level],
        };
    }
}

/* What the outcome will be judged by, and what it will teach. */
static void remember(struct decide *decide, const struct trial *trial,
                     const struct decide_answer *answer)
{
    const struct decide_question *question = trial->question;
    uint64_t id = decide_question_id(question);
    int learned = best_on_average(trial), base = trial->base[answer->choice];
    size_t at = decide->n_asked % decide->settings.open_cases;
    for (size_t i = 0; i < decide->settings.open_cases; i++) {
        if (decide->asked[i].id == id) {
            at = i;
        }
    }
    decide->n_asked += decide->asked[at].id != id;
    decide->asked[at] = (struct decide_asked){
        .id = id,
        .rules = decide_hash(question->options[trial->rules].name),
        .learned = decide_hash(question->options[learned].name),
        .value_of_rules = mean_value(trial, trial->rules),
        .value_of_learned = mean_value(trial, learned),
    };
    if (question->n_factors > 0) {
        struct decide_view view = decide_view(decide, question, base);
        struct outlook_sight sight;
        decide_view_factors(decide, question, base, &view, &sight);
        outlook_keep(decide->outlook,
                     decide_case_id(question, question->options[base].name), &sight);
    }
}

static void choose(const struct decide *decide, const struct trial *trial,
                   struct rng *rng, struct decide_answer *answer, const char **ret_note)
{
    int wins[DECIDE_OPTIONS_MAX] = {0}, n_allowed = 0, learned = trial->rules;
    for (int i = 0; i < trial->n_options; i++) {
        n_allowed += is_allowed(trial->question, trial->views, i);
    }
    for (int i = 0; i < DRAWS && n_allowed > 1; i++) {
        wins[draw_best(trial, 1, rng)]++;
    }
    if (n_allowed > 1) {
        learned = is_trying_useless(trial) ? best_on_average(trial)
                                           : draw_best(trial, SHARP, rng);
    }
    *ret_note = n_allowed > 1 ? why_shadow(decide, trial) : NULL;
    answer->rules = trial->rules;
    answer->learned = learned;
    answer->choice = *ret_note == NULL ? learned : trial->rules;
    answer->decider = n_allowed < 2 && trial->n_options > 1 ? DECIDER_LIMIT
                      : *ret_note == NULL && n_allowed > 1  ? DECIDER_LEARNED
                                                            : DECIDER_RULES;
    answer->confidence = n_allowed > 1    ? (double)wins[answer->choice] / DRAWS
                         : n_allowed == 1 ? 1
                                          : 0;
}

void decide_ask(struct decide *decide, const struct decide_question *question,
                struct wall now, struct rng *rng, struct decide_answer *ret_answer)
{
    struct trial trial;
    const char *note = NULL;
    (void)now; /* evidence ages by trials */
    memset(ret_answer, 0, sizeof(*ret_answer));
    trial_init(&trial, decide, question);
    choose(decide, &trial, rng, ret_answer, &note);
    set_beliefs(&trial, ret_answer);
    set_order(&trial, ret_answer);
    decide_reason(question, trial.views, ret_answer, note);
    if (ret_answer->choice >= 0) {
        remember(decide, &trial, ret_answer);
    }
}

/* ---- learning ---- */

/* What the others at a key are worth fades a little every few trials of one, so that what was
 * once bad is tried again some day. */
#define STALE_EVERY 8
#define STALE_LIVES 1.5 /* half-lives of the trials of others */

static void fade_others(struct decide *decide, const struct decide_arm *tried)
{
    double stale = exp2(-STALE_EVERY / (STALE_LIVES * decide->settings.half_life_trials));
    struct decide_arm *arm = NULL;
    while ((arm = decide_arm_next(&decide->arms, tried->key, arm)) != NULL) {
        if (arm != tried && decide_arm_trials(arm) > 0) {
            decide_arm_fade(arm, stale);
        }
    }
}

static void learn_level(struct decide *decide, const struct decide_question *question,
                        int option, size_t level, const struct decide_view *view,
                        double success, double weight, struct wall now)
{
    const char *key = question->levels[level];
    struct decide_arm *arm =
        decide_arm_make(&decide->arms, key, question->options[option].name);
    decide_arm_fade(arm, decide_share_left(arm, view->changed_ms[level]));
    arm->updated_at = now;
    decide_shrink_learn(&decide->shrink[question->kind][level], arm, view->means[level],
                        success);
    if (decide_arm_add(arm, success, weight, decide->settings.half_life_trials)) {
        decide_change_note(decide, key, now);
    }
    if (arm->n % STALE_EVERY == 0) {
        fade_others(decide, arm);
    }
}

static void learn_factors(struct decide *decide, const struct decide_question *question,
                          int option, struct decide_view view, double success)
{
    uint64_t id = decide_case_id(question, question->options[option].name);
    struct outlook_sight sight;
    if (question->n_factors == 0 || outlook_learn_kept(decide->outlook, id, success)) {
        return;
    }
    decide_view_factors(decide, question, option, &view, &sight);
    outlook_learn(decide->outlook, &sight, success);
}

static void learn_cost(struct decide_arm *arm, double cost_s)
{
    double share = fmax(0.1, 1 / (double)(arm->n < 1 ? 1 : arm->n));
    arm->cost_s =
        isnan(arm->cost_s) ? cost_s : arm->cost_s + share * (cost_s - arm->cost_s);
    arm->is_changed = true;
}

static void judge(struct decide *decide, const struct decide_question *question,
                  int option, double success, const struct decide_outcome *outcome,
                  struct wall now)
{
    const char *scope = decide_scope(question), *name = question->options[option].name;
    uint64_t id = decide_question_id(question), hash = decide_hash(name);
    const struct decide_asked *asked = NULL;
    for (size_t i = 0; i < decide->settings.open_cases && asked == NULL; i++) {
        asked = decide->asked[i].id == id ? &decide->asked[i] : NULL;
    }
    if (asked == NULL) {
        return;
    }
    double cost =
        isnan(outcome->cost_s) ? question->options[option].cost_s : outcome->cost_s;
    double value = decide_value(question, option, success, cost);
    if (outcome->chosen_by == DECIDER_RULES) {
        /* What learning would have had, by its estimate where the two differ (Dudik, Langford
         * and Li, "Doubly robust policy evaluation and learning", ICML 2011; rules choose
         * the same always, so that nothing is left to weigh). */
        decide_record_add(decide, scope, "",
                          asked->learned == hash ? 0 : asked->value_of_learned - value,
                          now);
    } else if (outcome->chosen_by == DECIDER_LEARNED && asked->rules != hash) {
        decide_record_add(decide, scope, name, value - asked->value_of_rules, now);
    }
}

/* An option that learning took against the rules and that did worse is theirs alone, until so
 * many trials have gone by that its record has faded. */
static void demote(struct decide *decide, const struct decide_question *question,
                   int option)
{
    const char *scope = decide_scope(question);
    double enough = decide->settings.shadow_trials * 0.75;
    struct decide_arm *arm = NULL;
    while ((arm = decide_arm_next(&decide->arms, scope, arm)) != NULL) {
        if (strcmp(arm->option, question->options[option].name) != 0) {
            decide_record_fade(decide, scope, arm->option);
        }
        const struct decide_record *record =
            decide_record_find(decide, scope, arm->option);
        bool is_bad = record != NULL &&
                      (arm->is_demoted
                           ? record->n >= enough / 2
                           : record->n >= enough && decide_record_low(record) <
                                                        -decide->settings.demote_margin);
        arm->is_changed = arm->is_changed || is_bad != arm->is_demoted;
        arm->is_demoted = is_bad;
    }
}

/* What is said of the option at each of its levels, for people. */
static void tell(struct decide *decide, const struct decide_question *question,
                 int option)
{
    struct decide_question from = *question;
    for (size_t i = 0; i < question->n_levels; i++) {
        struct decide_arm *arm = decide_arm_find(&decide->arms, question->levels[i],
                                                 question->options[option].name);
        from.n_levels = question->n_levels - i;
        for (size_t j = 0; j < from.n_levels; j++) {
            from.levels[j] = question->levels[i + j];
        }
        struct decide_view view = decide_view(decide, &from, option);
        if (arm != NULL) {
            arm->low = beta_quantile(&view.beta, 0.05);
            arm->mean = beta_mean(&view.beta);
            arm->high = beta_quantile(&view.beta, 0.95);
        }
    }
}

static void learn_success(struct decide *decide, const struct decide_question *question,
                          int option, double success, double weight, struct wall now)
{
    struct decide_view view = decide_view(decide, question, option);
    learn_factors(decide, question, option, view, success);
    for (size_t i = 0; i < question->n_levels; i++) {
        learn_level(decide, question, option, i, &view, success, weight, now);
    }
}

void decide_learn(struct decide *decide, const struct decide_question *question,
                  int option, const struct decide_outcome *outcome, struct wall now)
{
    double success = outcome->success, weight = 1;
    if (option < 0 || option >= (int)question->n_options) {
        return;
    }
    /* A person who chooses against the engine says something before it is known how it
     * turns out, and once more when it turns out well. */
    if (outcome->is_override && (isnan(success) || success >= 0.5)) {
        weight = 2;
        success = isnan(success) ? 1 : success;
    }
    if (!isnan(success)) {
        success = fmin(1, fmax(0, success));
        judge(decide, question, option, success, outcome, now);
        struct decide_option base = question->options[option];
        struct decide_question of_base = *question;
        if (base.opposite != NULL) { /* all that is known is known of the other one */
            base.name = base.opposite;
            base.prior = 1 - base.prior;
        }
        of_base.options = &base;
        of_base.n_options = 1;
        learn_success(decide, &of_base, 0,
                      question->options[option].opposite != NULL ? 1 - success : success,
                      weight, now);
        demote(decide, question, option);
        tell(decide, &of_base, 0);
    }
    for (size_t i = 0; i < question->n_levels && !isnan(outcome->cost_s); i++) {
        learn_cost(decide_arm_make(&decide->arms, question->levels[i],
                                   question->options[option].name),
                   outcome->cost_s);
    }
}

void decide_kill(struct decide *decide, const char *key, const char *option,
                 bool is_killed)
{
    struct decide_arm *arm = decide_arm_make(&decide->arms, key, option);
    arm->is_killed = is_killed;
    arm->is_changed = true;
}
