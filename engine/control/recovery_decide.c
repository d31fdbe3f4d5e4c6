/* SPDX-License-Identifier: MIT */

/*
 * Which rung: the question with what is known, what rules and experience answer, and what the goal
 * of the workflow and the level of autonomy allow of it.
 */

#include <math.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/control/approval.h"
#include "engine/control/recovery_hand.h"

#define WORTH_S  3600.0 /* of seconds of work a workflow that goes on is worth */
#define AVERSION 0.3
#define RISK_MAX 0.45
/* Tried so often, and likely below this: not worth another try. */
#define HOPELESS_RUNGS                                                                   \
    2 /* that this failure gets in any case: the next may be another one */
#define HOPELESS_TRIALS 6
#define HOPELESS_CHANCE 0.15

/* ---- the question ---- */

static void add_word(struct kept_question *question, const char *name, const char *word)
{
    if (question->n_factors < FACTORS_MAX && word[0] != '\0') {
        struct kept_factor *factor = &question->factors[question->n_factors++];
        (void)snprintf(factor->name, sizeof(factor->name), "%s", name);
        (void)text_clean_into(factor->word, sizeof(factor->word), word);
    }
}

static void add_number(struct kept_question *question, const char *name, double number)
{
    if (question->n_factors < FACTORS_MAX) {
        struct kept_factor *factor = &question->factors[question->n_factors++];
        (void)snprintf(factor->name, sizeof(factor->name), "%s", name);
        factor->number = number;
    }
}

static double bad_services(const struct control *control)
{
    double n = 0;
    for (size_t i = 0; i < control->options.n_services; i++) {
        enum breaker_state state = control->services[i].state;
        n += state == BREAKER_OPEN || state == BREAKER_HALF_OPEN ||
             state == BREAKER_FORCED_OPEN;
    }
    return n;
}

static void make_question(struct hand *hand)
{
    struct control *control = hand->control;
    const struct trouble *trouble = hand->trouble;
    const struct workflow_row *row = &hand->live->workflow->row;
    const struct failure_judgement *judgement = &control->recovery->judgement;
    struct kept_question *question = &hand->question;
    memset(question, 0, sizeof(*question));
    question->kind = DECISION_RECOVERY;
    (void)snprintf(question->levels[0], LEVEL_MAX, "fingerprint:%s",
                   trouble->row.fingerprint);
    (void)snprintf(question->levels[1], LEVEL_MAX, "step:%.60s@%.80s", trouble->step,
                   trouble->repo);
    (void)snprintf(question->levels[2], LEVEL_MAX, "class:%s",
                   class_word(trouble->row.class_));
    (void)snprintf(question->levels[3], LEVEL_MAX, "all");
    question->n_levels = 4;
    add_word(question, "class", class_word(trouble->row.class_));
    add_word(question, "step", trouble->step);
    add_word(question, "repository", trouble->repo);
    add_word(question, "provider", trouble->row.provider);
    add_word(question, "rule", trouble->row.rule);
    add_word(question, "cause", trouble->row.cause);
    add_number(question, "p_flaky", judgement->p_flaky);
    add_number(question, "confidence", judgement->confidence);
    add_number(question, "attempt", row->attempt);
    add_number(question, "iteration", row->iteration);
    add_number(question, "rungs", trouble->row.n_rungs);
    add_number(question, "failing_now", control->recovery->n_failed);
    add_number(question, "bad_services", bad_services(control));
    add_number(question, "anomalies", (double)control->recovery->n_anomalies);
    add_number(question, "running", control->n_running);
}

/* Nothing that may be tried has helped before: even the best of it hardly ever. */
static bool is_hopeless(const struct ladder *ladder, const struct decide_answer *answer)
{
    for (size_t i = 0; i < ladder->n; i++) {
        const struct decide_belief *belief = &answer->beliefs[i];
        bool counts =
            ladder->rungs[i] != RUNG_ESCALATE && ladder->options[i].why_not == NULL;
        if (counts &&
            (belief->trials < HOPELESS_TRIALS || belief->high > HOPELESS_CHANCE)) {
            return false;
        }
    }
    return true;
}

static void give_up(const struct ladder *ladder, struct decide_answer *answer)
{
    for (size_t i = 0; i < ladder->n; i++) {
        if (ladder->rungs[i] == RUNG_ESCALATE && answer->choice != (int)i) {
            answer->choice = (int)i;
            answer->decider = DECIDER_LIMIT;
            (void)snprintf(
                answer->reason, sizeof(answer->reason),
                "escalate: what else may be tried has hardly ever helped here");
        }
    }
}

static void leave_to_person(const struct ladder *ladder, struct decide_answer *answer)
{
    for (size_t i = 0; i < ladder->n; i++) {
        answer->choice = ladder->rungs[i] == RUNG_ESCALATE ? (int)i : answer->choice;
    }
    answer->decider = DECIDER_LIMIT;
}

/* Only observed: a person is asked what he would do. */
static void observe(struct hand *hand, enum rung rung, struct decide_answer *answer)
{
    char would[sizeof(answer->reason)];
    hand->observed = rung;
    (void)snprintf(would, sizeof(would), "%s", answer->reason);
    (void)snprintf(answer->reason, sizeof(answer->reason),
                   "escalate: %s is only observed; it would be %.*s",
                   act_word(rung_act(rung)), (int)sizeof(answer->reason) - 80, would);
    control_tell(hand->control, hand->now, "recovery-observed",
                 hand->trouble->row.workflow, "f-%lld: it would be %s",
                 (long long)hand->trouble->row.id, would);
}

/* What the goal and its class of actions allow. */
static void obey(struct hand *hand, const struct ladder *ladder,
                 struct decide_answer *answer)
{
    enum rung rung = answer->choice >= 0 ? ladder->rungs[answer->choice] : RUNG_ESCALATE;
    if (rung == RUNG_ESCALATE) {
        return;
    }
    const struct workflow_row *row = &hand->live->workflow->row;
    enum act act = rung_act(rung);
    enum autonomy_level level = control_level(hand->control, act, row->repo, hand->now);
    bool runs_agent = act == ACT_REWORK || hand->step.kind == EFFECT_CODE;
    if (runs_agent && hand->live->is_goal_gone) {
        hand->is_gone = true;
        (void)snprintf(
            answer->reason, sizeof(answer->reason),
            "escalate: pull request #%lld was closed; no agent runs for it again",
            (long long)row->pr_number);
        leave_to_person(ladder, answer);
    } else if (level == LEVEL_OBSERVE) {
        observe(hand, rung, answer);
        leave_to_person(ladder, answer);
    } else {
        hand->is_asked = level != LEVEL_AUTO;
    }
}

enum rung hand_decide(struct hand *hand)
{
    struct control *control = hand->control;
    struct recovery *recovery = control->recovery;
    struct trouble *trouble = hand->trouble;
    const struct ladder *ladder = &recovery->ladder;
    struct decide_answer *answer = &recovery->answer;
    struct decide_factor factors[FACTORS_MAX];
    struct decide_question question;
    ladder_climb(&hand->context, &control->options.recovery.ladder, &recovery->ladder);
    make_question(hand);
    question_of(&hand->question, factors, &question);
    question.options = ladder->options;
    question.n_options = ladder->n;
    question.worth_s = WORTH_S;
    question.aversion = AVERSION;
    question.risk_max = RISK_MAX;
    decide_ask(recovery->decide, &question, hand->now, &control->rng, answer);
    if (trouble->row.n_rungs >= HOPELESS_RUNGS && is_hopeless(ladder, answer)) {
        give_up(ladder, answer);
    }
    obey(hand, ladder, answer);
    enum rung rung = answer->choice >= 0 ? ladder->rungs[answer->choice] : RUNG_ESCALATE;
    int other = answer->decider == DECIDER_LEARNED ? answer->rules : answer->learned;
    char subject[32];
    (void)snprintf(subject, sizeof(subject), "wf-%lld", (long long)trouble->row.workflow);
    const struct decision_row row = {
        .at = hand->now,
        .kind = DECISION_RECOVERY,
        .workflow = trouble->row.workflow,
        .failure = trouble->row.id,
        .problem = trouble->row.problem,
        .subject = subject,
        .choice = rung_word(rung),
        .confidence = answer->confidence,
        .risk = answer->choice >= 0 ? ladder->options[answer->choice].risk : 0,
        .decider = answer->decider,
        .reason = answer->reason,
        .alternatives = text_alternatives(control, ladder, answer),
        .context = text_context(control, &hand->question),
        .shadow = hand->observed < RUNG_COUNT             ? rung_word(hand->observed)
                  : other >= 0 && other != answer->choice ? ladder->options[other].name
                                                          : "",
        .reward = (double)NAN,
        .outcome = "",
    };
    trouble->decision = store_put_decision(control->store, &row);
    trouble->decider = answer->decider;
    trouble->question = hand->question;
    return rung;
}
