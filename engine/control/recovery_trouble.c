/* SPDX-License-Identifier: MIT */

/*
 * Trouble: the open failure of a step of a workflow, from its first to its last word. A workflow
 * may have several: while the agent works on a failing check, the agent's own step may fail.
 */

#include <math.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/recovery_private.h"

#define TROUBLES_MAX 8

void trouble_free(struct trouble *trouble)
{
    if (trouble == NULL) {
        return;
    }
    free(trouble->step);
    free(trouble->repo);
    free(trouble->provider);
    free(trouble->text);
    free(trouble->rule);
    free(trouble->cause);
    free(trouble->detail);
    free(trouble->labelled_by);
    free(trouble);
}

void trouble_set(char **slot, const char **field, const char *text)
{
    char *copy = mem_str(text != NULL ? text : "");
    free(*slot);
    *slot = copy;
    *field = copy;
}

struct stage_step trouble_step(const struct workflow *workflow)
{
    const struct workflow_row *row = &workflow->row;
    enum workflow_state state =
        row->state == STATE_PARKED || row->state == STATE_RECOVERING ? row->resume_state
                                                                     : row->state;
    return stage_step(workflow->pipeline, state, row->step);
}

struct trouble *trouble_find(const struct live *live, enum workflow_state state,
                             const char *step)
{
    for (struct trouble *t = live->troubles; t != NULL; t = t->next) {
        if (t->row.state == state && strcmp(t->step, step) == 0) {
            return t;
        }
    }
    return NULL;
}

struct trouble *trouble_add(struct control *control, struct live *live)
{
    struct trouble *trouble = mem_alloc(sizeof(*trouble));
    struct trouble **end = &live->troubles;
    size_t n = 0;
    while (*end != NULL) {
        end = &(*end)->next;
        n++;
    }
    if (n >= TROUBLES_MAX) { /* the oldest is told no further */
        trouble_settle(control, live, live->troubles, FAILURE_LOST,
                       "too many failures at once", live->troubles->row.at);
        end = &live->troubles;
        while (*end != NULL) {
            end = &(*end)->next;
        }
    }
    *end = trouble;
    trouble->rung = trouble->operators_rung = RUNG_COUNT;
    trouble_set(&trouble->step, &trouble->row.step, "");
    trouble_set(&trouble->repo, &trouble->row.repo, "");
    trouble_set(&trouble->provider, &trouble->row.provider, "");
    trouble_set(&trouble->text, &trouble->row.text, "");
    trouble_set(&trouble->rule, &trouble->row.rule, "");
    trouble_set(&trouble->cause, &trouble->row.cause, "");
    trouble_set(&trouble->detail, &trouble->row.detail, "{}");
    trouble_set(&trouble->labelled_by, &trouble->row.labelled_by, "");
    return trouble;
}

void trouble_put(struct control *control, struct trouble *trouble)
{
    trouble->row.id = store_put_failure(control->store, &trouble->row);
}

/* ---- what passed ---- */

static uint64_t pass_key(const char *step, const char *repo)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *c = step; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    }
    hash = (hash ^ 0xFFu) * 1099511628211u;
    for (const char *c = repo; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    }
    return hash;
}

void passes_note(struct recovery *recovery, const char *step, const char *repo,
                 struct wall at)
{
    uint64_t key = pass_key(step, repo);
    recovery->passes[key % STEP_PASSES] = (struct step_pass){key, at};
}

struct wall passes_last(const struct recovery *recovery, const char *step,
                        const char *repo)
{
    uint64_t key = pass_key(step, repo);
    const struct step_pass *pass = &recovery->passes[key % STEP_PASSES];
    return pass->key == key ? pass->at : (struct wall){0};
}

/* ---- questions and their outcomes ---- */

void question_of(const struct kept_question *kept, struct decide_factor *factors,
                 struct decide_question *ret_question)
{
    *ret_question = (struct decide_question){.kind = kept->kind,
                                             .n_levels = kept->n_levels,
                                             .n_factors = kept->n_factors,
                                             .factors = factors};
    for (size_t i = 0; i < kept->n_levels; i++) {
        ret_question->levels[i] = kept->levels[i];
    }
    for (size_t i = 0; i < kept->n_factors; i++) {
        const struct kept_factor *factor = &kept->factors[i];
        factors[i] = (struct decide_factor){
            .name = factor->name,
            .word = factor->word[0] != '\0' ? factor->word : NULL,
            .number = factor->number,
        };
    }
}

void question_learn(struct control *control, const struct kept_question *kept,
                    const char *option, const struct decide_outcome *outcome,
                    struct wall now)
{
    struct decide_factor factors[FACTORS_MAX];
    struct decide_question question;
    const struct decide_option only = {
        .name = option, .prior = 0.5, .prior_weight = 2, .cost_s = outcome->cost_s};
    if (kept->n_levels == 0) {
        return; /* not known any more */
    }
    question_of(kept, factors, &question);
    question.options = &only;
    question.n_options = 1;
    decide_learn(control->recovery->decide, &question, 0, outcome, now);
    control->recovery->is_dirty = true;
}

void decision_settle(struct control *control, int64_t id, enum verdict verdict,
                     double reward, const char *outcome, struct wall now)
{
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    struct decision_row row;
    if (id > 0 && store_load_decision(control->store, arena, id, &row, &err) == FOUND) {
        row.verdict = verdict;
        row.reward = reward;
        row.outcome = outcome;
        row.settled_at = now;
        (void)store_put_decision(control->store, &row);
    }
    arena_free(arena);
}

/* ---- ends ---- */

static enum verdict verdict_of(double success)
{
    return isnan(success) ? VERDICT_UNCLEAR : success >= 0.5 ? VERDICT_GOOD : VERDICT_BAD;
}

void trouble_end_rung(struct control *control, struct trouble *trouble,
                      enum recovery_status status, double success, const char *outcome,
                      struct wall now)
{
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    struct recovery_row row;
    if (trouble->recovery == 0) {
        arena_free(arena);
        return;
    }
    double cost = (double)(now.ms - trouble->began_at.ms) / 1000;
    if (store_load_recovery(control->store, arena, trouble->recovery, &row, &err) ==
        FOUND) {
        row.status = status;
        row.outcome = outcome;
        row.ended_at = now;
        row.cost_s = cost;
        (void)store_put_recovery(control->store, &row);
    }
    decision_settle(control, trouble->decision, verdict_of(success), success, outcome,
                    now);
    /* What many have at once says little about the rung. */
    bool is_others = trouble->row.problem > 0 && success < 0.5 &&
                     ladder_is_transient(trouble->row.class_);
    if (trouble->rung != RUNG_ESCALATE && trouble->rung != RUNG_WAIT && !is_others) {
        question_learn(
            control, &trouble->question, rung_word(trouble->rung),
            &(struct decide_outcome){.success = success,
                                     .cost_s = cost,
                                     .is_override = trouble->decider == DECIDER_OPERATOR,
                                     .chosen_by = trouble->decider},
            now);
    }
    trouble->recovery = trouble->decision = 0;
    trouble->is_asked = false;
    trouble->rung = RUNG_COUNT;
    arena_free(arena);
}

void trouble_settle(struct control *control, struct live *live, struct trouble *trouble,
                    enum failure_status status, const char *outcome, struct wall now)
{
    bool is_good = status == FAILURE_RECOVERED || status == FAILURE_HELPED;
    struct trouble **at = &live->troubles;
    if (is_good) {
        trouble_end_rung(control, trouble, RECOVERY_PASSED, 1, outcome, now);
    } else if (status == FAILURE_LOST) {
        trouble_end_rung(control, trouble, RECOVERY_OBSOLETE, (double)NAN, outcome, now);
    } else {
        trouble_end_rung(control, trouble, RECOVERY_FAILED, 0, outcome, now);
    }
    trouble->row.status = status;
    trouble->row.settled_at.ms = status == FAILURE_ESCALATED ? 0 : now.ms;
    trouble_put(control, trouble);
    if (trouble->row.problem > 0) {
        problem_tried(control->recovery->problems, trouble->row.problem,
                      trouble->row.workflow, is_good, now);
    }
    while (*at != trouble) {
        at = &(*at)->next;
    }
    *at = trouble->next;
    trouble_free(trouble);
}

/* ---- the clock stood ---- */

static int64_t stood(struct wall began, struct wall from, struct wall now)
{
    int64_t since = began.ms > from.ms ? began.ms : from.ms;
    return now.ms > since ? now.ms - since : 0;
}

static void move_window(struct control *control, int64_t recovery, struct wall at)
{
    struct arena *arena = arena_new();
    struct recovery_row row;
    struct err ignored = ERR_INIT; /* then the commit fails as well, and says why */
    if (store_load_recovery(control->store, arena, recovery, &row, &ignored) == FOUND) {
        row.window_end = at;
        (void)store_put_recovery(control->store, &row);
    }
    arena_free(arena);
}

void recovery_stood(struct control *control, struct wall from, struct wall now)
{
    if (control->recovery == NULL) {
        return;
    }
    for (struct live *live = control->troubled; live != NULL;
         live = live->next_troubled) {
        for (struct trouble *t = live->troubles; t != NULL; t = t->next) {
            if (t->recovery != 0 && wall_is_set(t->window_end)) {
                t->window_end.ms += stood(t->began_at, from, now);
                move_window(control, t->recovery, t->window_end);
            }
        }
    }
    for (size_t i = 0; i < control->recovery->n_remedies; i++) {
        struct remedy *remedy = &control->recovery->remedies[i];
        if (remedy->recovery != 0 && wall_is_set(remedy->window_end)) {
            remedy->window_end.ms += stood(remedy->began_at, from, now);
            move_window(control, remedy->recovery, remedy->window_end);
        }
    }
}
