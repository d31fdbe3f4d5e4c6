/* SPDX-License-Identifier: MIT */

/*
 * The transition table and its one door. Rows are tried from top to bottom; the first
 * whose state, event and guard fit is taken. Actions are in action.c.
 */

#include "engine/workflow/machine.h"

#include "engine/base/err.h"
#include "engine/base/text.h"
#include "engine/workflow/machine_private.h"

#define IDLE       STATE_BIT(STATE_IDLE)
#define PLANNING   STATE_BIT(STATE_PLANNING)
#define CODING     STATE_BIT(STATE_CODING)
#define PR_CREATED STATE_BIT(STATE_PR_CREATED)
#define VALIDATING STATE_BIT(STATE_VALIDATING)
#define COMPLETED  STATE_BIT(STATE_COMPLETED)
#define FAILED     STATE_BIT(STATE_FAILED)
#define CANCELLED  STATE_BIT(STATE_CANCELLED)
#define RECOVERING STATE_BIT(STATE_RECOVERING)
#define PARKED     STATE_BIT(STATE_PARKED)
#define ROLLED     STATE_BIT(STATE_ROLLED_BACK)
#define ACTIVE     (PLANNING | CODING | PR_CREATED | VALIDATING)

struct transition {
    unsigned from; /* states */
    enum machine_event event;
    guard_function guard;
    const char *guard_name;
    int to; /* enum workflow_state, or a TO_ */
    action_function action;
    const char *action_name;
};

#define WHEN(guard) guard, #guard
#define ALWAYS      NULL, ""
#define DO(action)  action, #action

/* clang-format off */
static const struct transition transitions[] = {
    /* from                event        guard                        to                action */
    { IDLE,                EV_START,    WHEN(is_adopted),            STATE_PR_CREATED, DO(enter) },
    { IDLE,                EV_START,    ALWAYS,                      STATE_PLANNING,   DO(enter) },
    { ACTIVE,              EV_START,    WHEN(waits_slot_in_flight),  TO_SAME,          DO(go_on) },
    { ACTIVE,              EV_START,    WHEN(waits_slot_held),       TO_SAME,          DO(replay) },
    { CODING,              EV_START,    WHEN(over_budget_fails),     STATE_FAILED,     DO(fail_budget) },
    { CODING,              EV_START,    WHEN(over_budget),           TO_SAME,          DO(wait_budget) },
    { CODING,              EV_START,    WHEN(spent_for_now),         STATE_RECOVERING, DO(wait_day) },
    { ACTIVE,              EV_START,    WHEN(waits_slot),            TO_SAME,          DO(ask) },

    /* Cancelled during the merge: what became of it decides. */
    { VALIDATING,          EV_CHANGE,   WHEN(cancel_waits),          STATE_CANCELLED,  DO(cancel_late) },
    { VALIDATING,          EV_WORLD,    WHEN(cancel_waits),          STATE_CANCELLED,  DO(cancel_late) },
    { VALIDATING,          EV_SETUP,    WHEN(cancel_waits),          STATE_CANCELLED,  DO(cancel_late) },
    { VALIDATING,          EV_OPERATOR, WHEN(cancel_waits),          STATE_CANCELLED,  DO(cancel_late) },
    { VALIDATING,          EV_DEADLINE, WHEN(cancel_waits),          STATE_CANCELLED,  DO(cancel_late) },
    { VALIDATING,          EV_SERVICE,  WHEN(cancel_waits),          STATE_CANCELLED,  DO(cancel_late) },

    /* Resumed, its effect still in flight, no slot yet: the outcome waits for the slot too. */
    { ACTIVE,              EV_PASSED,   WHEN(waits_slot_in_flight),  TO_SAME,          DO(hold) },
    { ACTIVE,              EV_CHANGE,   WHEN(waits_slot_in_flight),  TO_SAME,          DO(hold) },
    { ACTIVE,              EV_WORLD,    WHEN(waits_slot_in_flight),  TO_SAME,          DO(hold) },
    { ACTIVE,              EV_SETUP,    WHEN(waits_slot_in_flight),  TO_SAME,          DO(hold) },
    { ACTIVE,              EV_OPERATOR, WHEN(waits_slot_in_flight),  TO_SAME,          DO(hold) },

    { ACTIVE,              EV_PASSED,   WHEN(merge_asks),            TO_SAME,          DO(wait_merge) },
    { VALIDATING,          EV_PASSED,   WHEN(window_is_shut),        TO_SAME,          DO(wait_window) },
    { ACTIVE,              EV_PASSED,   WHEN(more_steps),            TO_SAME,          DO(next) },
    { PLANNING,            EV_PASSED,   WHEN(plan_asks),             TO_SAME,          DO(wait_plan) },
    { PLANNING,            EV_PASSED,   WHEN(over_budget_fails),     STATE_FAILED,     DO(fail_budget) },
    { PLANNING,            EV_PASSED,   WHEN(over_budget),           STATE_CODING,     DO(wait_budget) },
    { PLANNING,            EV_PASSED,   WHEN(spent_for_now),         STATE_RECOVERING, DO(wait_day) },
    { PLANNING,            EV_PASSED,   ALWAYS,                      STATE_CODING,     DO(enter) },
    { CODING,              EV_PASSED,   ALWAYS,                      STATE_PR_CREATED, DO(enter) },
    { PR_CREATED,          EV_PASSED,   ALWAYS,                      STATE_VALIDATING, DO(enter) },
    { VALIDATING,          EV_PASSED,   ALWAYS,                      STATE_COMPLETED,  DO(finish) },

    /* Its runner has a deadline of its own and answers; until then nobody knows whether it
     * has happened. */
    { VALIDATING,          EV_DEADLINE, WHEN(merges),                TO_SAME,          DO(go_on) },

    /* A failure that somebody has thought about: what is to be done. */
    { ACTIVE,              EV_CHANGE,   WHEN(plan_asks_first),       TO_SAME,          DO(wait_recovery) },
    { ACTIVE,              EV_WORLD,    WHEN(plan_asks_first),       TO_SAME,          DO(wait_recovery) },
    { ACTIVE,              EV_SETUP,    WHEN(plan_asks_first),       TO_SAME,          DO(wait_recovery) },
    { ACTIVE,              EV_DEADLINE, WHEN(plan_asks_first),       TO_SAME,          DO(wait_recovery) },
    { ACTIVE,              EV_CHANGE,   WHEN(plan_waits),            STATE_RECOVERING, DO(wait_quietly) },
    { ACTIVE,              EV_WORLD,    WHEN(plan_waits),            STATE_RECOVERING, DO(wait_quietly) },
    { ACTIVE,              EV_SETUP,    WHEN(plan_waits),            STATE_RECOVERING, DO(wait_quietly) },
    { ACTIVE,              EV_DEADLINE, WHEN(plan_waits),            STATE_RECOVERING, DO(wait_quietly) },
    { ACTIVE,              EV_CHANGE,   WHEN(plan_retries),          STATE_RECOVERING, DO(backoff) },
    { ACTIVE,              EV_WORLD,    WHEN(plan_retries),          STATE_RECOVERING, DO(backoff) },
    { ACTIVE,              EV_SETUP,    WHEN(plan_retries),          STATE_RECOVERING, DO(backoff) },
    { ACTIVE,              EV_DEADLINE, WHEN(plan_retries),          STATE_RECOVERING, DO(backoff) },
    { ACTIVE,              EV_CHANGE,   WHEN(plan_goes_back),        TO_PLAN,          DO(go_back_to) },
    { ACTIVE,              EV_WORLD,    WHEN(plan_goes_back),        TO_PLAN,          DO(go_back_to) },
    { ACTIVE,              EV_SETUP,    WHEN(plan_goes_back),        TO_PLAN,          DO(go_back_to) },
    { ACTIVE,              EV_DEADLINE, WHEN(plan_goes_back),        TO_PLAN,          DO(go_back_to) },
    { ACTIVE,              EV_CHANGE,   WHEN(plan_iterates),         STATE_PLANNING,   DO(iterate) },
    { ACTIVE,              EV_WORLD,    WHEN(plan_iterates),         STATE_PLANNING,   DO(iterate) },
    { ACTIVE,              EV_SETUP,    WHEN(plan_iterates),         STATE_PLANNING,   DO(iterate) },
    { ACTIVE,              EV_DEADLINE, WHEN(plan_iterates),         STATE_PLANNING,   DO(iterate) },
    { ACTIVE,              EV_CHANGE,   WHEN(plan_escalates),        TO_SAME,          DO(wait_operator) },
    { ACTIVE,              EV_WORLD,    WHEN(plan_escalates),        TO_SAME,          DO(wait_operator) },
    { ACTIVE,              EV_SETUP,    WHEN(plan_escalates),        TO_SAME,          DO(wait_operator) },
    { ACTIVE,              EV_DEADLINE, WHEN(plan_escalates),        TO_SAME,          DO(wait_operator) },

    { ACTIVE,              EV_CHANGE,   WHEN(rework_asks),           TO_SAME,          DO(wait_person) },
    { ACTIVE,              EV_CHANGE,   WHEN(iterations_left),       STATE_PLANNING,   DO(iterate) },
    { ACTIVE,              EV_CHANGE,   ALWAYS,                      STATE_FAILED,     DO(fail_iterations) },
    { ACTIVE,              EV_WORLD,    WHEN(retry_asks),            TO_SAME,          DO(wait_person) },
    { ACTIVE,              EV_WORLD,    WHEN(retries_left),          STATE_RECOVERING, DO(backoff) },
    { ACTIVE,              EV_WORLD,    ALWAYS,                      STATE_FAILED,     DO(fail_retries) },
    { ACTIVE,              EV_SETUP,    ALWAYS,                      STATE_FAILED,     DO(fail) },
    { ACTIVE,              EV_OPERATOR, ALWAYS,                      TO_SAME,          DO(wait_operator) },

    { VALIDATING,          EV_DEADLINE, WHEN(rework_asks),           TO_SAME,          DO(wait_person) },
    { VALIDATING,          EV_DEADLINE, WHEN(iterations_left),       STATE_PLANNING,   DO(iterate) },
    { VALIDATING,          EV_DEADLINE, ALWAYS,                      STATE_FAILED,     DO(fail_iterations) },
    { ACTIVE,              EV_DEADLINE, WHEN(retry_asks),            TO_SAME,          DO(wait_person) },
    { ACTIVE,              EV_DEADLINE, WHEN(retries_left),          STATE_RECOVERING, DO(backoff) },
    { ACTIVE,              EV_DEADLINE, ALWAYS,                      STATE_FAILED,     DO(fail_retries) },
    { RECOVERING,          EV_DEADLINE, WHEN(undoing),               STATE_COMPLETED,  DO(undo_failed) },
    { ACTIVE | RECOVERING, EV_BUDGET,   WHEN(wall_is_left),          TO_SAME,          DO(warn_wall) },
    { ACTIVE | RECOVERING, EV_BUDGET,   WHEN(wall_fails),            STATE_FAILED,     DO(fail_wall) },
    { ACTIVE,              EV_BUDGET,   ALWAYS,                      TO_SAME,          DO(wait_budget) },
    { RECOVERING,          EV_BUDGET,   WHEN(not_undoing),           TO_RESUME,        DO(wait_budget) },

    { VALIDATING,          EV_TIMER,    WHEN(waits_window),          TO_SAME,          DO(merge_now) },
    { RECOVERING,          EV_TIMER,    WHEN(window_is_shut_again),  TO_RESUME,        DO(wait_window_again) },
    { RECOVERING,          EV_TIMER,    WHEN(not_undoing),           TO_RESUME,        DO(requeue) },
    { RECOVERING,          EV_PASSED,   WHEN(undoing),               STATE_ROLLED_BACK, DO(undone) },
    { RECOVERING,          EV_CHANGE,   WHEN(undoing),               STATE_COMPLETED,  DO(undo_failed) },
    { RECOVERING,          EV_WORLD,    WHEN(undoing),               STATE_COMPLETED,  DO(undo_failed) },
    { RECOVERING,          EV_SETUP,    WHEN(undoing),               STATE_COMPLETED,  DO(undo_failed) },
    { RECOVERING,          EV_OPERATOR, WHEN(undoing),               STATE_COMPLETED,  DO(undo_failed) },

    { PARKED,              EV_PASSED,   WHEN(in_flight),             TO_SAME,          DO(hold) },
    { PARKED,              EV_CHANGE,   WHEN(in_flight),             TO_SAME,          DO(hold) },
    { PARKED,              EV_WORLD,    WHEN(in_flight),             TO_SAME,          DO(hold) },
    { PARKED,              EV_SETUP,    WHEN(in_flight),             TO_SAME,          DO(hold) },
    { PARKED,              EV_OPERATOR, WHEN(in_flight),             TO_SAME,          DO(hold) },

    /* No provider was available, nothing was begun: the same step again when there is one. */
    { ACTIVE,              EV_SERVICE,  ALWAYS,                      STATE_PARKED,     DO(defer) },
    { PARKED,              EV_SERVICE,  WHEN(in_flight),             TO_SAME,          DO(defer_parked) },
    { RECOVERING,          EV_SERVICE,  WHEN(undoing),               TO_SAME,          DO(defer_undo) },
    { PARKED,              EV_RELEASE,  WHEN(release_is_shut),       TO_RESUME,        DO(wait_window_again) },
    { PARKED,              EV_RELEASE,  WHEN(waits_service),         TO_RESUME,        DO(let_go) },
    { RECOVERING,          EV_RELEASE,  WHEN(undo_waits),            TO_SAME,          DO(undo_again) },

    { PLANNING,            EV_APPROVE,  WHEN(waits_plan),            STATE_CODING,     DO(queue_entry) },
    { VALIDATING,          EV_APPROVE,  WHEN(waits_merge),           TO_SAME,          DO(queue_step) },
    { VALIDATING,          EV_APPROVE,  WHEN(waits_window),          TO_SAME,          DO(merge_now) },
    { ACTIVE,              EV_APPROVE,  WHEN(approves_wait),         STATE_RECOVERING, DO(wait_quietly) },
    { ACTIVE,              EV_APPROVE,  WHEN(approves_retry),        STATE_RECOVERING, DO(backoff) },
    { ACTIVE,              EV_APPROVE,  WHEN(approves_going_back),   TO_PLAN,          DO(go_back_to) },
    { ACTIVE,              EV_APPROVE,  WHEN(approves_iteration),    STATE_PLANNING,   DO(iterate) },
    { ACTIVE,              EV_REJECT,   WHEN(waits_recovery),        TO_SAME,          DO(refuse_recovery) },
    { PLANNING,            EV_REJECT,   WHEN(iterations_left_plan),  STATE_PLANNING,   DO(iterate) },
    { PLANNING,            EV_REJECT,   WHEN(waits_plan),            STATE_FAILED,     DO(fail_iterations) },
    { VALIDATING,          EV_REJECT,   WHEN(iterations_left_merge), STATE_PLANNING,   DO(iterate) },
    { VALIDATING,          EV_REJECT,   WHEN(waits_merge),           STATE_FAILED,     DO(fail_iterations) },

    { IDLE | ACTIVE,       EV_PAUSE,    ALWAYS,                      STATE_PARKED,     DO(park) },
    { RECOVERING,          EV_PAUSE,    WHEN(not_undoing),           STATE_PARKED,     DO(park) },
    { PARKED,              EV_PAUSE,    WHEN(waits_service),         TO_SAME,          DO(park_over) },
    { PARKED,              EV_RESUME,   ALWAYS,                      TO_RESUME,        DO(unpark) },
    { VALIDATING,          EV_RESUME,   WHEN(waits_window),          TO_SAME,          DO(merge_now) },
    { ACTIVE,              EV_RESUME,   WHEN(waits_operator),        TO_SAME,          DO(requeue) },
    { RECOVERING,          EV_RESUME,   WHEN(not_undoing),           TO_RESUME,        DO(requeue) },
    { RECOVERING,          EV_RESUME,   WHEN(undo_waits),            TO_SAME,          DO(undo_again) },

    { ACTIVE,              EV_EXTEND,   WHEN(waits_budget),          TO_SAME,          DO(extend_and_go) },
    { IDLE | ACTIVE | PARKED | FAILED, EV_EXTEND, WHEN(has_budget),  TO_SAME,          DO(extend) },
    { RECOVERING,          EV_EXTEND,   WHEN(has_budget_left),       TO_SAME,          DO(extend) },

    { VALIDATING,          EV_CANCEL,   WHEN(merges),                TO_SAME,          DO(cancel_after) },
    { PARKED,              EV_CANCEL,   WHEN(merges),                TO_RESUME,        DO(cancel_after) },
    { IDLE | ACTIVE | PARKED | FAILED, EV_CANCEL, ALWAYS,            STATE_CANCELLED,  DO(cancel) },
    { RECOVERING,          EV_CANCEL,   WHEN(not_undoing),           STATE_CANCELLED,  DO(cancel) },
    { RECOVERING,          EV_CANCEL,   WHEN(undo_waits),            STATE_COMPLETED,  DO(undo_given_up) },

    { ACTIVE | PARKED | RECOVERING | COMPLETED | FAILED | CANCELLED | ROLLED,
                           EV_RETRY,    WHEN(may_retry),             TO_CHECKPOINT,    DO(retry_from) },

    { ACTIVE,              EV_SKIP,     WHEN(may_skip),              TO_SAME,          DO(skip) },
    { RECOVERING | FAILED, EV_SKIP,     WHEN(may_skip),              TO_RESUME,        DO(skip) },
    { PARKED,              EV_SKIP,     WHEN(may_skip_blocked),      TO_RESUME,        DO(skip_blocked) },
    { PARKED,              EV_SKIP,     WHEN(parked_without_decision), TO_SAME,        DO(skip_parked) },

    { COMPLETED,           EV_ROLLBACK, WHEN(is_merged),             STATE_RECOVERING, DO(undo) },
    { COMPLETED,           EV_APPROVE,  WHEN(waits_revert),          STATE_RECOVERING, DO(undo) },
    { COMPLETED,           EV_REJECT,   WHEN(waits_revert),          TO_SAME,          DO(keep_merge) },
};
/* clang-format on */

static const struct {
    const char *name, *source, *help;
} event_words[] = {
#define X(id, name, source, help) [id] = {name, source, help},
    EVENT_LIST(X)
#undef X
};

const char *event_name(enum machine_event event)
{
    return (unsigned)event < EV_COUNT ? event_words[event].name : "unknown";
}

static bool is_from(enum machine_event event, const char *source)
{
    return strcmp(event_words[event].source, source) == 0;
}

enum machine_event event_of_verb(const char *verb)
{
    for (int i = 0; i < EV_COUNT; i++) {
        if (is_from((enum machine_event)i, "operator") &&
            strcmp(event_words[i].name, verb) == 0) {
            return (enum machine_event)i;
        }
    }
    return EV_NONE;
}

enum machine_event event_of_result(const struct effect_result *result)
{
    switch (result->status) {
    case STATUS_PASSED:
    case STATUS_FLAKY:
    case STATUS_SKIPPED:
        return EV_PASSED;
    default:
        break;
    }
    switch (result->blame) {
    case BLAME_SERVICE: /* without a name nobody could tell when to go on */
        return result->service != NULL && result->service[0] != '\0' ? EV_SERVICE
                                                                     : EV_WORLD;
    case BLAME_CHANGE:
        return EV_CHANGE;
    case BLAME_SETUP:
        return EV_SETUP;
    case BLAME_OPERATOR:
        return EV_OPERATOR;
    default:
        return EV_WORLD;
    }
}

static const struct transition *find_row(const struct turn *turn)
{
    unsigned bit = STATE_BIT(turn->workflow->row.state);
    for (size_t i = 0; i < ARRAY_LEN(transitions); i++) {
        const struct transition *row = &transitions[i];
        if ((row->from & bit) != 0 && row->event == turn->event &&
            (row->guard == NULL || row->guard(turn))) {
            return row;
        }
    }
    return NULL;
}

/* Is the outcome that of the effect in flight? Others are late: the effect was stopped.
 */
static bool is_awaited(const struct workflow *workflow, const struct machine_input *input)
{
    return input->result == NULL ||
           (workflow->row.is_active && input->result->seq == workflow->row.effect_seq);
}

static void take_text(const char **slot, const char *text)
{
    if (text != NULL) {
        workflow_set(slot, text);
    }
}

static void absorb(struct workflow *workflow, const struct effect_result *result)
{
    struct workflow_row *row = &workflow->row;
    row->is_active = false;
    row->is_degraded = row->is_degraded || result->is_degraded;
    take_text(&row->branch, result->branch);
    take_text(&row->base_sha, result->base_sha);
    take_text(&row->head_sha, result->head_sha);
    take_text(&row->merge_sha, result->merge_sha);
    if (result->pr_number > 0) {
        row->pr_number = result->pr_number;
    }
    budget_learn(workflow, result);
}

/* A failure that the pipeline allows is shown, and passed over; also one of a check in
 * quarantine. */
static enum machine_event tolerate(const struct workflow *workflow,
                                   enum machine_event event, struct wall now)
{
    const struct workflow_row *row = &workflow->row;
    enum workflow_state state =
        row->state == STATE_PARKED ? row->resume_state : row->state;
    struct stage_step step = stage_step(workflow->pipeline, state, row->step);
    const struct command_spec *spec = NULL;
    if (step.kind == EFFECT_CHECK) {
        spec = &workflow->pipeline->checks[step.index];
    } else if (step.kind == EFFECT_SETUP) {
        spec = &workflow->pipeline->setup[step.index];
    } else if (step.kind == EFFECT_EVALUATE) {
        spec = &workflow->pipeline->evaluator;
    }
    bool may_fail =
        spec != NULL &&
        (spec->may_fail || (step.kind == EFFECT_CHECK && now.ms < spec->quarantine.ms));
    return event == EV_CHANGE && may_fail ? EV_PASSED : event;
}

enum machine_event machine_event_here(const struct workflow *workflow,
                                      const struct effect_result *result, struct wall now)
{
    return tolerate(workflow, event_of_result(result), now);
}

void machine_arrive(struct workflow *workflow, struct effect_result *result)
{
    struct workflow_row *row = &workflow->row;
    enum workflow_state state =
        row->state == STATE_PARKED ? row->resume_state : row->state;
    int n = stage_together(workflow->pipeline, state, row->step);
    int64_t first = row->effect_seq - n + 1;
    if (n < 2 || !row->is_active || result->seq != row->effect_seq) {
        return;
    }
    bool is_of_all = result->n_parts == 0 && event_of_result(result) != EV_PASSED;
    if (is_of_all || effect_result_of(result) < first ||
        effect_result_of(result) > row->effect_seq) {
        result->of = first;
    }
    row->step += (int)(effect_result_of(result) - first);
}

/* Of the events of one step the first tells it. */
static int64_t ended_effect(const struct turn *turn)
{
    if (turn->out->n_events > 0) {
        return 0;
    }
    return turn->input->result != NULL ? effect_result_of(turn->input->result)
           : turn->out->is_stopped     ? turn->out->stop_effect
                                       : 0;
}

static void record(struct turn *turn, enum workflow_state from)
{
    const struct workflow_row *row = &turn->workflow->row;
    int64_t ended = ended_effect(turn);
    turn->out->events[turn->out->n_events++] = (struct event_row){
        .at = turn->now,
        .workflow = row->id,
        .kind = event_name(turn->event),
        .actor = turn->input->actor,
        .from = from,
        .to = row->state,
        .wait = row->wait,
        .iteration = row->iteration,
        .attempt = row->attempt,
        .effect =
            turn->out->n_effects > 0 || turn->input->result != NULL ? row->effect_seq : 0,
        .ended = ended,
        .text = turn->text,
    };
}

static enum workflow_state target(const struct turn *turn, int to)
{
    const struct workflow_row *row = &turn->workflow->row;
    switch (to) {
    case TO_SAME:
        return row->state;
    case TO_RESUME:
        return row->resume_state;
    case TO_CHECKPOINT:
        if (turn->input->checkpoint != STATE_COUNT) {
            return turn->input->checkpoint;
        }
        if (row->state == STATE_PARKED || row->state == STATE_RECOVERING ||
            row->state == STATE_FAILED) {
            return row->resume_state == STATE_IDLE ? STATE_PLANNING : row->resume_state;
        }
        return state_is_final(row->state) ? STATE_PLANNING : row->state;
    case TO_PLAN:
        return turn->input->plan->checkpoint;
    default:
        return (enum workflow_state)to;
    }
}

static void refuse(const struct turn *turn)
{
    const struct workflow_row *row = &turn->workflow->row;
    const char *wait = wait_word(row->wait);
    const char *hint = "";
    char spent[BUDGET_TEXT_MAX] = "; ";
    switch (turn->event) {
    case EV_RESUME:
        hint = row->state == STATE_FAILED   ? "; retry it"
               : row->wait == WAIT_RECOVERY ? "; approve or reject what it waits for"
                                            : "; nothing holds it";
        break;
    case EV_APPROVE:
    case EV_REJECT:
        hint = row->state == STATE_PARKED && row->wait == WAIT_PAUSE
                   ? "; resume it first"
                   : "; nothing waits for approval";
        break;
    case EV_RETRY:
        hint = row->merge_sha[0] != '\0'       ? "; it is merged"
               : budget_spent(turn, spent + 2) ? spent
                                               : "";
        break;
    case EV_SKIP:
        hint = wait_needs_human(row->wait) ? "; approve or reject it"
               : merges(turn)              ? "; the merge is under way"
                                           : "";
        break;
    case EV_EXTEND:
        hint = "; it has no such budget, or has ended";
        break;
    case EV_ROLLBACK:
        hint = "; only merged work can be taken back";
        break;
    default:
        break;
    }
    (void)snprintf(turn->text, turn->text_cap, "wf-%lld is %s%s%s%s; %s does not apply%s",
                   (long long)row->id, state_name(row->state),
                   wait[0] != '\0' ? " (" : "", wait[0] != '\0' ? wait : "",
                   wait[0] != '\0' ? ")" : "", event_name(turn->event), hint);
}

enum machine_verdict machine_step(struct workflow *workflow,
                                  const struct machine_input *input,
                                  const struct machine_limits *limits, struct wall now,
                                  struct rng *rng, struct machine_output *output)
{
    output->n_events = output->n_effects = 0;
    output->is_stopped = output->has_errors = false;
    output->stop_effect = 0;
    output->errors[0] = '\0';
    output->text[0][0] = '\0';
    struct turn turn = {
        .workflow = workflow,
        .input = input,
        .limits = limits,
        .now = now,
        .rng = rng,
        .out = output,
        .event = input->event,
        .text = output->text[0],
        .text_cap = sizeof(output->text[0]),
    };
    if (!is_awaited(workflow, input)) {
        return MACHINE_IGNORED;
    }
    if (input->result != NULL) {
        turn.event = tolerate(workflow, input->event, now);
    }
    const struct transition *row = find_row(&turn);
    if (row == NULL) {
        if (!is_from(input->event, "operator")) {
            return MACHINE_IGNORED;
        }
        refuse(&turn);
        return MACHINE_REFUSED;
    }
    if (input->result != NULL) {
        absorb(workflow, input->result);
    }
    while (row != NULL) {
        enum workflow_state from = workflow->row.state;
        turn.to = target(&turn, row->to);
        turn.follow = EV_NONE;
        if (turn.to != from) {
            workflow->row.state_since = now;
        }
        row->action(&turn);
        record(&turn, from);
        if (turn.follow == EV_NONE || output->n_events == MACHINE_EVENTS_MAX) {
            break;
        }
        turn.event = turn.follow;
        turn.text = output->text[output->n_events];
        turn.text[0] = '\0';
        row = find_row(&turn);
    }
    if (turn.follow != EV_NONE) {
        BUG("a chain of events without end");
    }
    return MACHINE_DONE;
}

static const char *target_name(int to)
{
    switch (to) {
    case TO_SAME:
        return "(same)";
    case TO_RESUME:
        return "(where it was)";
    case TO_CHECKPOINT:
    case TO_PLAN:
        return "(checkpoint)";
    default:
        return state_name((enum workflow_state)to);
    }
}

static void print_pair(FILE *out, enum workflow_state state, enum machine_event event)
{
    bool has_row = false, has_default = false;
    for (size_t i = 0; i < ARRAY_LEN(transitions); i++) {
        const struct transition *row = &transitions[i];
        if ((row->from & STATE_BIT(state)) == 0 || row->event != event || has_default) {
            continue;
        }
        (void)fprintf(out, "%-12s %-16s %-24s -> %-16s %s\n",
                      has_row ? "" : state_name(state), has_row ? "" : event_name(event),
                      row->guard != NULL ? row->guard_name : "-", target_name(row->to),
                      row->action_name);
        has_row = true;
        has_default = row->guard == NULL;
    }
    if (!has_default) {
        (void)fprintf(out, "%-12s %-16s %-24s -> %s\n", has_row ? "" : state_name(state),
                      has_row ? "" : event_name(event), "-",
                      is_from(event, "operator") ? "refused" : "ignored");
    }
}

void machine_print(FILE *out)
{
    (void)fprintf(out, "%-12s %-16s %-24s    %-16s %s\n", "state", "event", "guard", "to",
                  "action");
    for (int state = 0; state < STATE_COUNT; state++) {
        for (int event = EV_NONE + 1; event < EV_COUNT; event++) {
            print_pair(out, (enum workflow_state)state, (enum machine_event)event);
        }
    }
}
