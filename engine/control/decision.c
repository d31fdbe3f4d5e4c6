/* SPDX-License-Identifier: MIT */

/*
 * Decision: choices beside those about failures: whether a validated change is merged without a
 * person, and with which provider of a chain an effect begins. Asked when they are due, recorded
 * with their ranking, learned from what became of them.
 */

#include <math.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/control/approval.h"
#include "engine/control/recovery_private.h"

#define WORTH_S 3600.0
#define ASK_S   900.0 /* what a person's yes costs */
#define CAPPED  0.5   /* what the rules think of a merge that could not be taken back */

/* ---- what is not known yet ---- */

void decision_forget(struct control *control, int64_t *decision, const char *why,
                     struct wall now)
{
    decision_settle(control, *decision, VERDICT_UNCLEAR, (double)NAN, why, now);
    *decision = 0;
}

/* The newest of a workflow that goes on is the one that its outcome is for. */
void decision_restore(struct control *control, const struct decision_row *row,
                      struct wall now)
{
    struct live *live = idmap_get(&control->live, row->workflow);
    bool goes_on = live != NULL && !state_is_final(live->workflow->row.state);
    int64_t ended = row->id;
    if (row->kind == DECISION_ADMISSION) {
        decision_forget(control, &ended,
                        "the engine was started again before it was known", now);
        return;
    }
    if (row->kind != DECISION_MERGE && row->kind != DECISION_PROVIDER) {
        return;
    }
    if (goes_on) {
        int64_t *open = row->kind == DECISION_MERGE ? &live->merge_decision
                                                    : &live->provider_decision;
        ended = *open;
        *open = row->id;
    }
    if (ended != 0) {
        decision_forget(control, &ended, "its end was not seen", now);
    }
}

/* ---- asking ---- */

void asked_option(struct asked *asked, const char *name, double prior, double cost_s,
                  double risk)
{
    if (asked->n < ARRAY_LEN(asked->options)) {
        asked->options[asked->n] = (struct decide_option){.name = name,
                                                          .rank = (int)asked->n,
                                                          .prior = prior,
                                                          .prior_weight = 10,
                                                          .cost_s = cost_s,
                                                          .risk = risk};
        asked->labels[asked->n] = name;
        asked->n++;
    }
}

void asked_level(struct asked *asked, const char *format, const char *what)
{
    (void)snprintf(asked->question.levels[asked->question.n_levels++], LEVEL_MAX,
                   "%s%.120s", format, what);
}

int asked_ask(struct control *control, struct asked *asked, struct wall now)
{
    struct recovery *recovery = control->recovery;
    struct decide_factor factors[FACTORS_MAX];
    struct decide_question question;
    struct decide_answer *answer = &recovery->answer;
    arena_reset(recovery->arena);
    question_of(&asked->question, factors, &question);
    question.options = asked->options;
    question.n_options = asked->n;
    question.worth_s = WORTH_S;
    question.aversion = 0.3;
    question.risk_max = 1;
    decide_ask(recovery->decide, &question, now, &control->rng, answer);
    return answer->choice >= 0 ? answer->choice : 0;
}

int64_t asked_put(struct control *control, const struct asked *asked, int choice,
                  struct decision_row row, struct wall now)
{
    struct recovery *recovery = control->recovery;
    const struct decide_answer *answer = &recovery->answer;
    struct ladder *ladder = &recovery->ladder; /* only for its text */
    int other = answer->decider == DECIDER_LEARNED ? answer->rules : answer->learned;
    ladder->n = asked->n;
    memcpy(ladder->options, asked->options, sizeof(asked->options));
    for (size_t i = 0; i < asked->n; i++) {
        ladder->options[i].name = asked->labels[i];
    }
    row.at = now;
    row.kind = asked->question.kind;
    row.choice = asked->labels[choice];
    row.confidence = answer->confidence;
    row.risk = asked->options[choice].risk;
    row.decider = answer->decider;
    row.reason = row.reason != NULL ? row.reason : answer->reason;
    row.alternatives = text_alternatives(control, ladder, answer);
    row.context = text_context(control, &asked->question);
    row.shadow = other >= 0 && other != choice ? asked->labels[other] : "";
    row.reward = (double)NAN;
    row.outcome = "";
    return store_put_decision(control->store, &row);
}

/* Index of the choice; its row is put. */
static int ask(struct control *control, const struct live *live, struct asked *asked,
               struct wall now, int64_t *ret_decision)
{
    const struct workflow_row *row = &live->workflow->row;
    char subject[32];
    (void)snprintf(subject, sizeof(subject), "wf-%lld", (long long)row->id);
    int choice = asked_ask(control, asked, now);
    *ret_decision =
        asked_put(control, asked, choice,
                  (struct decision_row){.workflow = row->id, .subject = subject}, now);
    return choice;
}

/* ---- merge ---- */

static void merge_question(struct control *control, const struct live *live,
                           struct asked *asked, struct wall now)
{
    bool is_capped = live->workflow->pipeline->after.watch != WATCH_NONE &&
                     merged_is_capped(control, &live->workflow->row, now);
    asked->question.kind = DECISION_MERGE;
    asked_level(asked, "merge:", live->workflow->row.repo);
    asked_level(asked, "merge", "");
    asked_option(asked, is_capped ? "ask" : "merge", is_capped ? 0.99 : 0.97,
                 is_capped ? ASK_S : 0, is_capped ? 0 : 0.3);
    asked_option(asked, is_capped ? "merge" : "ask", is_capped ? CAPPED : 0.99,
                 is_capped ? 0 : ASK_S, is_capped ? 0.5 : 0);
}

bool decision_merge_asks(struct control *control, struct live *live, struct wall now)
{
    struct asked asked = {.n = 0};
    if (control->recovery == NULL || live->workflow->pipeline->merge_mode != MERGE_AUTO ||
        control_level(control, ACT_MERGE, live->workflow->row.repo, now) < LEVEL_AUTO) {
        return false; /* nothing is left to decide */
    }
    merge_question(control, live, &asked, now);
    decision_forget(control, &live->merge_decision, "asked anew before it was known",
                    now);
    int choice = ask(control, live, &asked, now, &live->merge_decision);
    return strcmp(asked.options[choice].name, "ask") == 0;
}

void decision_merged(struct control *control, struct live *live, bool is_good,
                     const char *outcome, struct wall now)
{
    struct asked asked = {.n = 0};
    if (control->recovery == NULL || live->workflow->pipeline->merge_mode != MERGE_AUTO ||
        (is_good && live->merge_decision == 0)) {
        return;
    }
    merge_question(control, live, &asked, now);
    decision_settle(control, live->merge_decision, is_good ? VERDICT_GOOD : VERDICT_BAD,
                    is_good, outcome, now);
    question_learn(control, &asked.question, "merge",
                   &(struct decide_outcome){.success = is_good,
                                            .cost_s = 0,
                                            .is_override = !is_good,
                                            .chosen_by = DECIDER_RULES},
                   now);
    live->merge_decision = 0;
}

/* ---- provider ---- */

static void provider_question(const struct live *live, enum effect_kind kind,
                              const struct provider_chain *chain, struct asked *asked)
{
    asked->question.kind = DECISION_PROVIDER;
    (void)snprintf(asked->question.levels[0], LEVEL_MAX, "provider:%s@%.80s",
                   effect_name(kind), live->workflow->row.repo);
    asked->question.n_levels = 1;
    asked_level(asked, "provider:", effect_name(kind));
    asked_option(asked, chain->first, 0.85, (double)NAN, 0.05);
    for (size_t i = 0; i < chain->n_backups; i++) {
        asked_option(asked, chain->backups[i], 0.8, (double)NAN, 0.1);
    }
}

static bool chooses(enum effect_kind kind)
{
    return kind == EFFECT_CODE || kind == EFFECT_SANDBOX || kind == EFFECT_EVALUATE;
}

void decision_provider(struct control *control, struct live *live,
                       const struct effect_row *effect, struct wall now)
{
    struct asked asked = {.n = 0};
    const struct provider_chain *chain =
        chain_of_kind(live->workflow->pipeline, effect->kind);
    if (control->recovery == NULL || !chooses(effect->kind) || chain == NULL ||
        chain->n_backups == 0) {
        return;
    }
    decision_forget(control, &live->provider_decision, "asked anew before it was known",
                    now);
    provider_question(live, effect->kind, chain, &asked);
    (void)ask(control, live, &asked, now, &live->provider_decision);
}

void decision_performed(struct control *control, struct live *live,
                        const struct effect_row *effect,
                        const struct effect_result *result, struct wall now)
{
    struct asked asked = {.n = 0};
    const struct provider_chain *chain =
        chain_of_kind(live->workflow->pipeline, effect->kind);
    if (control->recovery == NULL || live->provider_decision == 0 ||
        !chooses(effect->kind) || chain == NULL) {
        return;
    }
    /* What is wrong with the change is not the provider's. */
    bool is_good = event_of_result(result) == EV_PASSED || result->blame == BLAME_CHANGE;
    bool is_known = result->blame != BLAME_SERVICE && result->provider != NULL;
    char outcome[120];
    (void)snprintf(outcome, sizeof(outcome), "%.60s: %s",
                   result->provider != NULL ? result->provider : "nobody",
                   is_good ? "did it" : "failed");
    decision_settle(control, live->provider_decision,
                    !is_known ? VERDICT_UNCLEAR
                    : is_good ? VERDICT_GOOD
                              : VERDICT_BAD,
                    is_known ? is_good : (double)NAN, outcome, now);
    live->provider_decision = 0;
    if (is_known) {
        double cost = (double)(now.ms - effect->asked_at.ms) / 1000;
        provider_question(live, effect->kind, chain, &asked);
        question_learn(control, &asked.question, result->provider,
                       &(struct decide_outcome){.success = is_good,
                                                .cost_s = cost,
                                                .chosen_by = DECIDER_RULES},
                       now);
    }
}
