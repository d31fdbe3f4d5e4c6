/* SPDX-License-Identifier: MIT */

/*
 * Problem: many failures of one cause, and what is done about the service that is the cause: once,
 * for all of them, with a window in which it has to show that it helped.
 */

#include <math.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/approval.h"
#include "engine/control/recovery_private.h"

#define HOLD_OPEN    span_s(300)
#define HOLD_BACKUP  span_s(900)
#define HOLD_DEGRADE span_s(900)
#define WINDOW_MORE  span_s(300)
#define WORTH_S      7200.0
#define RUNNING_MIN  1

/* ---- who is concerned ---- */

static const char *service_of_cause(const char *cause)
{
    return strncmp(cause, "service:", 8) == 0 ? cause + 8 : "";
}

static bool is_on_service(const struct workflow *workflow, const char *service)
{
    const struct pipeline *pipeline = workflow->pipeline;
    return chain_has(&pipeline->agent_chain, service) ||
           chain_has(&pipeline->sandbox_chain, service) ||
           chain_has(&pipeline->evaluator_chain, service) ||
           (pipeline_is_remote(pipeline) &&
            strcmp(pipeline->forge.provider, service) == 0);
}

static bool has_backup(const struct workflow *workflow, const char *service)
{
    const struct pipeline *pipeline = workflow->pipeline;
    const struct provider_chain *chains[] = {
        &pipeline->agent_chain, &pipeline->sandbox_chain, &pipeline->evaluator_chain};
    for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
        if (chain_has(chains[i], service) && chains[i]->n_backups > 0) {
            return true;
        }
    }
    return false;
}

static struct remedy *remedy_find(struct recovery *recovery, int64_t problem)
{
    for (size_t i = 0; i < recovery->n_remedies; i++) {
        if (recovery->remedies[i].problem == problem) {
            return &recovery->remedies[i];
        }
    }
    return NULL;
}

/* ---- what can be done ---- */

struct choice {
    struct decide_option options[RUNG_COUNT];
    enum rung rungs[RUNG_COUNT];
    size_t n;
};

static void add(struct choice *choice, enum rung rung, double prior, double cost_s,
                double risk, const char *why_not)
{
    choice->rungs[choice->n] = rung;
    choice->options[choice->n] = (struct decide_option){.name = rung_word(rung),
                                                        .rank = (int)choice->n,
                                                        .prior = prior,
                                                        .prior_weight = 4,
                                                        .cost_s = cost_s,
                                                        .risk = risk,
                                                        .why_not = why_not};
    choice->n++;
}

static const char *tried(const struct remedy *remedy, enum rung rung)
{
    return remedy->tried[rung] > 0 ? "tried on this problem already" : NULL;
}

static bool is_open(enum breaker_state state)
{
    return state == BREAKER_OPEN || state == BREAKER_HALF_OPEN ||
           state == BREAKER_FORCED_OPEN;
}

static void list_choices(const struct control *control, const struct workflow *workflow,
                         const struct remedy *remedy, struct choice *choice)
{
    const struct service_state *service = find_service_state(control, remedy->service);
    const char *no_service = service == NULL ? "no service is the cause" : NULL;
    const char *held = service != NULL && is_open(service->state)
                           ? "its breaker has opened by itself"
                           : NULL;
    const char *why = no_service != NULL ? no_service
                      : held != NULL     ? held
                      : !has_backup(workflow, remedy->service)
                          ? "no backup is configured"
                          : tried(remedy, RUNG_BACKUP);
    add(choice, RUNG_BACKUP, 0.7, 300, 0.15, why);
    why = no_service != NULL ? no_service
          : held != NULL     ? held
                             : tried(remedy, RUNG_BREAKER);
    add(choice, RUNG_BREAKER, 0.6, (double)HOLD_OPEN.ms / 1000, 0.15, why);
    why = control->options.max_running <= RUNNING_MIN ? "one at a time already"
                                                      : tried(remedy, RUNG_DEGRADE);
    add(choice, RUNG_DEGRADE, 0.35, 600, 0.2, why);
    why = no_service != NULL                    ? no_service
          : service->spec->restart.argv == NULL ? "no restart command is configured"
                                                : tried(remedy, RUNG_RESTART);
    add(choice, RUNG_RESTART, 0.6, 600, 0.3, why);
    add(choice, RUNG_WAIT, 0.5, 900, 0, tried(remedy, RUNG_WAIT));
    add(choice, RUNG_ESCALATE, 0.95, 3600, 0, NULL);
}

static void ask_for_remedy(struct control *control, const struct problem_row *problem,
                           struct remedy *remedy, const struct workflow *workflow,
                           struct wall now)
{
    struct recovery *recovery = control->recovery;
    struct kept_question *kept = &remedy->question;
    struct decide_factor factors[FACTORS_MAX];
    struct decide_question question;
    struct decide_answer *answer = &recovery->answer;
    struct choice choice = {.n = 0};
    list_choices(control, workflow, remedy, &choice);
    memset(kept, 0, sizeof(*kept));
    kept->kind = DECISION_PROBLEM;
    (void)snprintf(kept->levels[0], LEVEL_MAX, "cause:%.120s", problem->cause);
    (void)snprintf(kept->levels[1], LEVEL_MAX, "problem:%s", class_word(problem->class_));
    (void)snprintf(kept->levels[2], LEVEL_MAX, "all-problems");
    kept->n_levels = 3;
    question_of(kept, factors, &question);
    question.options = choice.options;
    question.n_options = choice.n;
    question.worth_s = WORTH_S;
    question.aversion = 0.3;
    question.risk_max = 0.45;
    decide_ask(recovery->decide, &question, now, &control->rng, answer);
    struct ladder *ladder = &recovery->ladder; /* only for its text */
    ladder->n = choice.n;
    memcpy(ladder->options, choice.options, sizeof(choice.options));
    memcpy(ladder->rungs, choice.rungs, sizeof(choice.rungs));
    remedy->rung = answer->choice >= 0 ? choice.rungs[answer->choice] : RUNG_ESCALATE;
    const struct decision_row row = {
        .at = now,
        .kind = DECISION_PROBLEM,
        .problem = problem->id,
        .subject = problem->cause,
        .choice = rung_word(remedy->rung),
        .confidence = answer->confidence,
        .risk = answer->choice >= 0 ? choice.options[answer->choice].risk : 0,
        .decider = answer->decider,
        .reason = answer->reason,
        .alternatives = text_alternatives(control, ladder, answer),
        .context = text_context(control, kept),
        .shadow = "",
        .reward = (double)NAN,
        .outcome = "",
    };
    remedy->decision = store_put_decision(control->store, &row);
}

/* ---- doing it ---- */

struct span remedy_hold(enum rung rung)
{
    switch (rung) {
    case RUNG_BACKUP:
        return HOLD_BACKUP;
    case RUNG_BREAKER:
        return HOLD_OPEN;
    case RUNG_DEGRADE:
        return HOLD_DEGRADE;
    default:
        return span_s(900);
    }
}

static void carry_out(struct control *control, const struct remedy *remedy,
                      struct wall now)
{
    if (remedy->rung == RUNG_BACKUP || remedy->rung == RUNG_BREAKER) {
        order_engine(control, remedy->service, FORCE_OPEN,
                     wall_add(now, remedy_hold(remedy->rung)),
                     rung_strategy(remedy->rung), now);
    } else if (remedy->rung == RUNG_DEGRADE) {
        int half = control->options.max_running / 2;
        control->running_limit = half > RUNNING_MIN ? half : RUNNING_MIN;
    } else if (remedy->rung == RUNG_RESTART &&
               !restart_begin(control, remedy->service, now)) {
        control_tell(control, now, "restart-failed", 0,
                     "%s: no workflow is left to do it beside", remedy->service);
    }
}

static void take_back(struct control *control, const struct remedy *remedy,
                      struct wall now)
{
    const struct service_state *service = find_service_state(control, remedy->service);
    if ((remedy->rung == RUNG_BACKUP || remedy->rung == RUNG_BREAKER) &&
        service != NULL && service->state == BREAKER_FORCED_OPEN) {
        order_engine(control, remedy->service, FORCE_AUTO, (struct wall){0},
                     "the recovery has ended", now);
    } else if (remedy->rung == RUNG_DEGRADE) {
        control->running_limit = 0;
    }
}

static void begin(struct control *control, const struct problem_row *problem,
                  struct remedy *remedy, struct wall now)
{
    const struct decide_answer *answer = &control->recovery->answer;
    static const struct decide_belief unknown = {(double)NAN, (double)NAN, (double)NAN, 0,
                                                 0,           (double)NAN, ""};
    const struct decide_belief *belief =
        answer->choice >= 0 ? &answer->beliefs[answer->choice] : &unknown;
    bool is_asked = remedy_asks(control, remedy->rung, now);
    remedy->began_at = now;
    remedy->n_passed = remedy->n_failed = 0;
    remedy->tried[remedy->rung]++;
    remedy->window_end = wall_add(wall_add(now, remedy_hold(remedy->rung)), WINDOW_MORE);
    const struct recovery_row row = {
        .problem = problem->id,
        .decision = remedy->decision,
        .service = remedy->service,
        .rung = remedy->rung,
        .number = 1,
        .status = is_asked ? RECOVERY_ASKED : RECOVERY_RUNNING,
        .decider = answer->decider,
        .odds = belief->p,
        .odds_low = belief->low,
        .odds_high = belief->high,
        .trials = belief->trials,
        .reason = answer->reason,
        .expected = ladder_expected(remedy->rung),
        .inverse = ladder_inverse(remedy->rung),
        .outcome = "",
        .asked_at = now,
        .started_at.ms = is_asked ? 0 : now.ms,
        .window_end = remedy->window_end,
        .cost_s = (double)NAN,
    };
    remedy->recovery = store_put_recovery(control->store, &row);
    audit_recovery(control, remedy->recovery, &row, now);
    remedy->is_asked = is_asked;
    if (is_asked) {
        remedy_ask(control, problem, remedy->rung, &row, now);
    } else {
        remedy_done(control, remedy->rung);
        carry_out(control, remedy, now);
    }
    control_tell(control, now, is_asked ? "recovery-asked" : "recovery-begun", 0,
                 "p-%lld %s: %s%s; %s", (long long)problem->id, problem->cause,
                 rung_strategy(remedy->rung), is_asked ? " waits for approval" : "",
                 answer->reason);
}

static void put_problem(struct control *control, struct problem_row *problem)
{
    struct blast blast;
    cause_blast(control, problem->cause, &blast);
    problem->detail = text_blast(control, &blast);
    problem->id = store_put_problem(control->store, problem);
}

static int64_t incident_of(const struct recovery *recovery, const char *cause)
{
    for (size_t i = 0; i < recovery->n_anomalies; i++) {
        if (strcmp(recovery->anomalies[i].component, cause) == 0) {
            return recovery->anomalies[i].incident;
        }
    }
    return 0;
}

/* The next remedy of the problem, unless one is under way or nothing is left but people. */
static void remedy_next(struct control *control, struct problem_row *problem,
                        const struct workflow *workflow, struct wall now)
{
    struct recovery *recovery = control->recovery;
    struct remedy *remedy = remedy_find(recovery, problem->id);
    if (remedy == NULL) {
        if (recovery->n_remedies == ARRAY_LEN(recovery->remedies)) {
            return;
        }
        remedy = &recovery->remedies[recovery->n_remedies++];
        memset(remedy, 0, sizeof(*remedy));
        remedy->problem = problem->id;
    }
    if (remedy->recovery == 0) { /* the cause may have become known since */
        (void)snprintf(remedy->service, sizeof(remedy->service), "%s",
                       service_of_cause(problem->cause));
    }
    if (remedy->recovery != 0 || remedy->tried[RUNG_ESCALATE] > 0) {
        return;
    }
    ask_for_remedy(control, problem, remedy, workflow, now);
    begin(control, problem, remedy, now);
    problem_set(recovery->problems, problem->id, remedy->rung);
    problem->rung = remedy->rung;
}

int64_t remedy_join(struct control *control, struct live *live,
                    struct problem_row *problem, struct wall now)
{
    struct recovery *recovery = control->recovery;
    bool is_new = problem->id < 0;
    problem->incident = incident_of(recovery, problem->cause);
    if (is_new) {
        problem->id = 0;
        problem->rung = RUNG_COUNT;
        put_problem(control, problem);
        problem_number(recovery->problems, problem->id);
        control_tell(control, now, "problem-opened", 0, "p-%lld %s: %s (%lld workflows)",
                     (long long)problem->id, problem->cause, problem->text,
                     (long long)problem->n_workflows);
    }
    remedy_next(control, problem, live->workflow, now);
    put_problem(control, problem);
    recovery->is_dirty = true;
    return problem->id;
}

void remedy_count(struct control *control, const struct workflow *workflow,
                  const char *provider, bool has_passed, struct wall now)
{
    struct recovery *recovery = control->recovery;
    for (size_t i = 0; i < recovery->n_remedies; i++) {
        struct remedy *remedy = &recovery->remedies[i];
        bool counts = remedy->service[0] == '\0' ||
                      strcmp(provider, remedy->service) == 0 ||
                      (remedy->rung == RUNG_BACKUP && provider[0] != '\0' &&
                       is_on_service(workflow, remedy->service));
        if (remedy->recovery != 0 && counts && now.ms > remedy->began_at.ms) {
            remedy->n_passed += has_passed;
            remedy->n_failed += !has_passed;
        }
    }
}

static void end_remedy(struct control *control, struct remedy *remedy,
                       enum recovery_status status, double success, const char *outcome,
                       struct wall now)
{
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    struct recovery_row row;
    double cost = (double)(now.ms - remedy->began_at.ms) / 1000;
    if (remedy->recovery != 0 &&
        store_load_recovery(control->store, arena, remedy->recovery, &row, &err) ==
            FOUND) {
        row.status = status;
        row.outcome = outcome;
        row.ended_at = now;
        row.cost_s = cost;
        (void)store_put_recovery(control->store, &row);
        decision_settle(control, remedy->decision,
                        isnan(success)   ? VERDICT_UNCLEAR
                        : success >= 0.5 ? VERDICT_GOOD
                                         : VERDICT_BAD,
                        success, outcome, now);
        question_learn(control, &remedy->question, rung_word(remedy->rung),
                       &(struct decide_outcome){
                           .success = success, .cost_s = cost, .chosen_by = row.decider},
                       now);
    }
    if (remedy->is_asked) {
        approval_withdraw(control, approval_of_recovery(control, remedy->recovery),
                          outcome, now);
        remedy->is_asked = false;
    } else {
        take_back(control, remedy, now);
    }
    remedy->recovery = remedy->decision = 0;
    arena_free(arena);
}

void remedy_could_not(struct control *control, const char *service, enum rung rung,
                      const char *why, struct wall now)
{
    struct recovery *recovery = control->recovery;
    for (size_t i = 0; recovery != NULL && i < recovery->n_remedies; i++) {
        struct remedy *remedy = &recovery->remedies[i];
        if (remedy->recovery != 0 && !remedy->is_asked && remedy->rung == rung &&
            strcmp(remedy->service, service) == 0) {
            end_remedy(control, remedy, RECOVERY_FAILED, 0, why, now);
        }
    }
}

static void judge(struct control *control, struct remedy *remedy, struct wall now)
{
    char outcome[120];
    int n = remedy->n_passed + remedy->n_failed;
    (void)snprintf(outcome, sizeof(outcome), "%d of %d passed in its window",
                   remedy->n_passed, n);
    if (n == 0) {
        control_tell(control, now, "recovery-inconclusive", 0,
                     "p-%lld: %s had no verdict in its window; look at it",
                     (long long)remedy->problem, rung_strategy(remedy->rung));
        end_remedy(control, remedy, RECOVERY_INCONCLUSIVE, (double)NAN, outcome, now);
        return;
    }
    bool is_good = remedy->n_passed * 2 >= n;
    end_remedy(control, remedy, is_good ? RECOVERY_PASSED : RECOVERY_FAILED, is_good,
               outcome, now);
}

static void close_problems(struct control *control, struct wall now)
{
    struct recovery *recovery = control->recovery;
    struct problem_row rows[8];
    size_t n = problem_tick(recovery->problems, now, rows, ARRAY_LEN(rows));
    for (size_t i = 0; i < n; i++) {
        struct remedy *remedy = remedy_find(recovery, rows[i].id);
        if (remedy != NULL && remedy->recovery != 0) {
            end_remedy(control, remedy, RECOVERY_PASSED, 1, "the problem is over", now);
        }
        if (remedy != NULL) {
            *remedy = recovery->remedies[--recovery->n_remedies];
        }
        rows[i].detail = "{}";
        (void)store_put_problem(control->store, &rows[i]);
        control_tell(control, now, "problem-closed", 0, "p-%lld %s: over, %lld failures",
                     (long long)rows[i].id, rows[i].cause, (long long)rows[i].n_failures);
        recovery->is_dirty = true;
    }
}

void remedy_tick(struct control *control, struct wall now)
{
    struct recovery *recovery = control->recovery;
    for (size_t i = 0; i < recovery->n_remedies; i++) {
        struct remedy *remedy = &recovery->remedies[i];
        if (remedy->recovery != 0 && !remedy->is_asked && remedy->rung != RUNG_ESCALATE &&
            remedy->window_end.ms <= now.ms) {
            judge(control, remedy, now);
        }
    }
    close_problems(control, now);
}

void remedy_restore(struct control *control, const struct recovery_row *row)
{
    struct recovery *recovery = control->recovery;
    struct remedy *remedy = remedy_find(recovery, row->problem);
    if (problem_find(recovery->problems, row->problem) == NULL) {
        return; /* its problem is not known any more */
    }
    if (remedy == NULL && recovery->n_remedies < ARRAY_LEN(recovery->remedies)) {
        remedy = &recovery->remedies[recovery->n_remedies++];
        memset(remedy, 0, sizeof(*remedy));
        remedy->problem = row->problem;
        (void)snprintf(remedy->service, sizeof(remedy->service), "%s", row->service);
    }
    if (remedy == NULL) {
        return;
    }
    remedy->tried[row->rung]++;
    if (row->status != RECOVERY_RUNNING && row->status != RECOVERY_ASKED) {
        return;
    }
    remedy->recovery = row->id;
    remedy->decision = row->decision;
    remedy->rung = row->rung;
    remedy->is_asked = row->status == RECOVERY_ASKED;
    remedy->began_at = row->started_at;
    remedy->window_end = row->window_end;
    if (row->rung == RUNG_DEGRADE) {
        carry_out(control, remedy, row->started_at);
    }
}

/* A person has said yes or no to a remedy that waits. */
void remedy_answer(struct control *control, const struct recovery_row *row,
                   bool is_approved, const char *actor, const char *reason,
                   struct wall now, struct answer *answer)
{
    struct recovery *recovery = control->recovery;
    struct remedy *remedy = remedy_find(recovery, row->problem);
    struct recovery_row changed = *row;
    if (remedy == NULL || remedy->recovery != row->id || !remedy->is_asked) {
        answer_set(answer, ANSWER_REFUSED, "r-%lld waits for nobody any more",
                   (long long)row->id);
        return;
    }
    remedy->is_asked = false;
    if (!is_approved) {
        char outcome[200];
        (void)snprintf(outcome, sizeof(outcome), "rejected by %.60s: %.100s", actor,
                       reason);
        end_remedy(control, remedy, RECOVERY_REFUSED, (double)NAN, outcome, now);
        answer_set(answer, ANSWER_DONE, "r-%lld is rejected", (long long)row->id);
        return;
    }
    changed.status = RECOVERY_RUNNING;
    changed.started_at = now;
    changed.window_end = wall_add(wall_add(now, remedy_hold(row->rung)), WINDOW_MORE);
    remedy->began_at = now;
    remedy->window_end = changed.window_end;
    (void)store_put_recovery(control->store, &changed);
    audit_recovery(control, changed.id, &changed, now);
    carry_out(control, remedy, now);
    answer_set(answer, ANSWER_DONE, "r-%lld: %s of %s begins", (long long)row->id,
               rung_strategy(row->rung), remedy->service);
}
