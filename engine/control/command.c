/* SPDX-License-Identifier: MIT */

/*
 * Commands: what operators ask, checked by the table of verbs and carried out once. The
 * answer is part of the same transaction as what the command changed.
 */

#include <stdarg.h>

#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/money.h"
#include "engine/base/text.h"
#include "engine/control/approval.h"
#include "engine/control/control_private.h"
#include "engine/control/optimization.h"
#include "engine/control/tuning.h"
#include "engine/control/verb.h"

#define GRANT_MAX span_s(30 * 86400)

void answer_set(struct answer *answer, int status, const char *format, ...)
{
    va_list args;
    answer->status = status;
    va_start(args, format);
    if (vsnprintf(answer->text, sizeof(answer->text), format, args) < 0) {
        answer->text[0] = '\0';
    }
    va_end(args);
}

static void answer_err(struct answer *answer, const struct err *err)
{
    answer_set(answer, err->code == ERR_USAGE ? ANSWER_BAD : ANSWER_REFUSED, "%s",
               err->msg);
}

static void set_priority(struct control *control, const struct command_row *command,
                         const struct json *args, struct live *live, struct wall now,
                         struct answer *answer)
{
    struct workflow_row *row = &live->workflow->row;
    struct workflow_row before = *row;
    if (state_is_final(row->state)) {
        answer_set(answer, ANSWER_REFUSED, "wf-%lld is %s; priority does not apply",
                   (long long)row->id, state_name(row->state));
        return;
    }
    row->priority = (int)json_int(args, "value", row->priority);
    bool is_queued = live->queued.node.place != 0;
    queue_remove(control->queue, &live->queued);
    live->queued.priority = row->priority;
    if (is_queued) {
        queue_add(control->queue, &live->queued, row->id);
    }
    answer_set(answer, ANSWER_DONE, "wf-%lld has priority %d", (long long)row->id,
               row->priority);
    control_note(control, &(struct event_row){.at = now,
                                              .workflow = row->id,
                                              .kind = "priority",
                                              .actor = command->actor,
                                              .from = row->state,
                                              .to = row->state,
                                              .wait = row->wait,
                                              .iteration = row->iteration,
                                              .attempt = row->attempt,
                                              .text = answer->text});
    control_settle(control, live, &before, now);
}

/* An approval is of what was shown: the number of the newest effect then. */
static bool is_as_shown(const struct live *live, const struct json *args,
                        struct answer *answer)
{
    int64_t shown = json_int(args, "effect", -1);
    const struct workflow_row *row = &live->workflow->row;
    if (shown < 0 || shown == row->effect_seq) {
        return true;
    }
    answer_set(answer, ANSWER_REFUSED,
               "wf-%lld has moved on since it was shown (%lld, now %lld); look again",
               (long long)row->id, (long long)shown, (long long)row->effect_seq);
    return false;
}

/* What EV_EXTEND grants. */
static bool read_grant(const struct json *args, struct machine_input *input,
                       struct answer *answer)
{
    const char *wall = json_str(args, "wall", "");
    input->granted_runs = (int)json_int(args, "attempts", 0);
    if (wall[0] != '\0' &&
        (!span_parse(wall, &input->granted_wall) || input->granted_wall.ms <= 0 ||
         input->granted_wall.ms > GRANT_MAX.ms)) {
        answer_set(answer, ANSWER_BAD, "wall: '%.32s' is no time up to 30d, like 2h",
                   wall);
        return false;
    }
    const char *cost = json_str(args, "cost", "");
    input->granted.tokens = json_int(args, "tokens", 0);
    if (cost[0] != '\0' &&
        (!money_parse(cost, &input->granted.micros) || input->granted.micros == 0)) {
        answer_set(answer, ANSWER_BAD, "cost: '%.32s' is no amount, like 5.00", cost);
        return false;
    }
    if (input->granted_runs == 0 && input->granted_wall.ms == 0 &&
        input->granted.tokens == 0 && input->granted.micros == 0) {
        answer_set(answer, ANSWER_BAD,
                   "how much more? expected attempts, wall, tokens or cost");
        return false;
    }
    return true;
}

static void steer(struct control *control, const struct command_row *command,
                  const struct json *args, struct live *live, struct wall now,
                  struct answer *answer)
{
    struct machine_input input = {
        .event = event_of_verb(command->verb),
        .actor = command->actor,
        .checkpoint = STATE_COUNT,
    };
    char reason[300];
    const char *given = json_str(args, "reason", NULL);
    if (given != NULL && given[0] != '\0') {
        input.reason = text_clean_into(reason, sizeof(reason), given);
    }
    const char *from = json_str(args, "from", NULL);
    if (from != NULL) {
        if (!state_find(from, &input.checkpoint)) {
            BUG("a checkpoint that verb_check let pass");
        }
    }
    if (!is_as_shown(live, args, answer) ||
        (input.event == EV_EXTEND && !read_grant(args, &input, answer))) {
        return;
    }
    if (control_step(control, live, &input, now) != MACHINE_DONE) {
        answer_set(answer, ANSWER_REFUSED, "%s", control->out->text[0]);
        return;
    }
    const struct workflow_row *row = &live->workflow->row;
    const char *wait = wait_word(row->wait);
    if (input.event == EV_CANCEL && row->state != STATE_CANCELLED) {
        answer_set(answer, ANSWER_DONE,
                   "wf-%lld is being merged; it is cancelled unless that succeeds",
                   (long long)row->id);
        return;
    }
    answer_set(answer, ANSWER_DONE, "wf-%lld is %s%s%s%s", (long long)row->id,
               state_name(row->state), wait[0] != '\0' ? " (" : "", wait,
               wait[0] != '\0' ? ")" : "");
}

void approval_nothing(struct control *control, const struct command_row *command,
                      const struct json *args, struct wall now, struct answer *answer)
{
    struct err err = ERR_INIT;
    struct live *live = control_find(control, command->workflow, &err);
    enum machine_event event = event_of_verb(command->verb);
    if (live == NULL) {
        answer_err(answer, &err);
        return;
    }
    answer->workflow = command->workflow;
    if (event == EV_NONE) {
        answer_set(answer, ANSWER_REFUSED, "wf-%lld waits for no approval",
                   (long long)command->workflow);
    } else {
        steer(control, command, args, live, now, answer);
    }
    control_forget(control, live);
}

/* The one gate: who may use this verb. The front ends ask it too, only to be polite. */
static bool gate(const struct control *control, const struct verb *verb,
                 const struct command_row *command, struct answer *answer,
                 enum user_role *ret_role)
{
    const struct control_approvals *options = &control->options.approvals;
    char why[ACCESS_TEXT_MAX];
    *ret_role = options->role_of != NULL
                    ? options->role_of(options->self, command->actor, command->account,
                                       command->origin)
                    : USER_ADMIN;
    answer->role = user_role_word(*ret_role);
    if (access_allows(verb, *ret_role, command->actor, why)) {
        return true;
    }
    answer_set(answer, ANSWER_REFUSED, "%s", why);
    return false;
}

static void carry_out(struct control *control, const struct command_row *command,
                      const struct json *args, struct wall now, struct answer *answer)
{
    struct err err = ERR_INIT;
    enum user_role role;
    const struct verb *verb = verb_find(command->verb);
    if (verb == NULL) {
        answer_set(answer, ANSWER_BAD, "there is no verb '%.64s'", command->verb);
        return;
    }
    if (!verb_check(verb, args, &err)) {
        answer_err(answer, &err);
        return;
    }
    if (!gate(control, verb, command, answer, &role)) {
        return;
    }
    if (is_approval_verb(verb->name)) {
        control_approval_verb(control, command, args, role, now, answer);
        return;
    }
    if (!verb->has_workflow) {
        if (strcmp(verb->name, "submit") == 0) {
            control_submit(control, command, args, now, answer);
        } else if (strcmp(verb->name, "adopt") == 0) {
            control_adopt(control, command, args, now, answer);
        } else if (strcmp(verb->name, AUDIT_READ) == 0) {
            answer_set(answer, ANSWER_DONE, "noted"); /* as a row, like each command */
        } else if (strcmp(verb->name, APPROVAL_SEEN) == 0) {
            control_seen_verb(control, args, now, answer);
        } else if (is_optimization_verb(verb->name)) {
            control_optimization_verb(control, command, args, now, answer);
        } else if (strcmp(verb->name, "autonomy") == 0) {
            control_autonomy_verb(control, command, args, now, answer);
        } else if (is_halt_verb(verb->name)) {
            control_halt_verb(control, command, args, now, answer);
        } else if (strcmp(verb->name, "scale") == 0) {
            control_scale(control, command, args, now, answer);
        } else if (is_tuning_verb(verb->name)) {
            control_tuning_verb(control, command, args, now, answer);
        } else if (is_finding_verb(verb->name)) {
            control_finding_verb(control, command, args, now, answer);
        } else if (is_recovery_verb(verb->name)) {
            control_recovery_verb(control, command, args, now, answer);
        } else {
            control_order(control, command, args, now, answer);
        }
        return;
    }
    struct live *live = control_find(control, command->workflow, &err);
    if (live == NULL) {
        answer_err(answer, &err);
        return;
    }
    answer->workflow = command->workflow;
    if (strcmp(verb->name, "priority") == 0) {
        set_priority(control, command, args, live, now, answer);
    } else if (strncmp(verb->name, "thumbs-", 7) == 0) {
        control_thumb(control, command, args, live, now, answer);
    } else {
        steer(control, command, args, live, now, answer);
    }
    control_forget(control, live);
}

int control_commands(struct control *control, size_t max, struct wall now,
                     struct err *err)
{
    struct arena *arena = arena_new();
    const struct command_row *rows = NULL;
    int n = store_take_commands(control->store, arena, control->last_command, max, &rows,
                                err);
    for (int i = 0; i < n; i++) {
        struct answer answer = {.workflow = rows[i].workflow};
        struct err problem = ERR_INIT;
        struct json *args = json_parse(rows[i].args, strlen(rows[i].args), &problem);
        if (args == NULL || !json_is_an_object(args)) {
            answer_set(&answer, ANSWER_BAD, "arguments: %s",
                       args == NULL ? problem.msg : "expected an object");
        } else {
            carry_out(control, &rows[i], args, now, &answer);
        }
        if (!answer.is_nothing) {
            audit_command(control, &rows[i], args, &answer, now);
        }
        json_free(args);
        store_answer_command(control->store, rows[i].id, answer.status, answer.text,
                             answer.workflow);
        log_line(
            LOG_INFO, "command", "answered",
            LOG_FIELDS(LOG_INT("command", rows[i].id), LOG_TEXT("verb", rows[i].verb),
                       LOG_TEXT("actor", rows[i].actor),
                       LOG_INT("workflow", answer.workflow),
                       LOG_INT("answer", answer.status), LOG_TEXT("text", answer.text)));
        control->last_command = rows[i].id;
        control->stats.n_commands++;
    }
    arena_free(arena);
    return n;
}
