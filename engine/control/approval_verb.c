/* SPDX-License-Identifier: MIT */

/*
 * What people do with what waits. An approval that is given is carried out in the same
 * transaction; when it cannot be, nothing changes.
 */

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/control/approval_private.h"
#include "engine/control/verb.h"

#define REASON_MAX 300

bool is_approval_verb(const char *verb)
{
    enum approval_verb ignored;
    return approval_verb_find(verb, &ignored);
}

/* An act in hand. */
struct deciding {
    struct control *control;
    const struct command_row *command;
    const struct json *args;
    struct wall now;
    struct answer *answer;
    struct arena *arena;
    char reason[REASON_MAX];
};

/* ---- which one ---- */

static bool find_row(struct deciding *d, struct approval_row *ret_row)
{
    const struct waiting *waiting = waiting_of_workflow(d->control, d->command->workflow);
    int64_t id = json_int(d->args, "approval", waiting != NULL ? waiting->id : 0);
    struct err err = ERR_INIT;
    if (id == 0 && d->command->workflow == 0) {
        answer_set(d->answer, ANSWER_BAD, "approval: missing; expected a number");
        return false;
    }
    if (id == 0 ||
        store_load_approval(d->control->store, d->arena, id, ret_row, &err) != FOUND) {
        if (id != 0) {
            answer_set(d->answer, ANSWER_REFUSED, "there is no approval a-%lld",
                       (long long)id);
        }
        return false;
    }
    return true;
}

/* ---- carrying it out ---- */

static bool step(struct deciding *d, const struct approval_row *row,
                 const struct machine_input *input)
{
    struct err err = ERR_INIT;
    struct live *live = control_find(d->control, row->workflow, &err);
    if (live == NULL) {
        answer_set(d->answer, ANSWER_REFUSED, "%s", err.msg);
        return false;
    }
    d->answer->workflow = row->workflow;
    struct machine_input with = *input;
    if (row->recovery != 0 && input->event == EV_APPROVE) {
        with.plan = recovery_given(d->control, live, row->recovery);
    }
    if (row->recovery != 0 && input->event == EV_APPROVE && with.plan == NULL) {
        answer_set(d->answer, ANSWER_REFUSED,
                   "r-%lld is not known any more; retry wf-%lld or cancel it",
                   (long long)row->recovery, (long long)row->workflow);
        return false;
    }
    if (control_step(d->control, live, &with, d->now) != MACHINE_DONE) {
        answer_set(d->answer, ANSWER_REFUSED, "%s", d->control->out->text[0]);
        return false;
    }
    const struct workflow_row *is = &live->workflow->row;
    const char *wait = wait_word(is->wait);
    answer_set(d->answer, ANSWER_DONE, "wf-%lld is %s%s%s%s", (long long)is->id,
               state_name(is->state), wait[0] != '\0' ? " (" : "", wait,
               wait[0] != '\0' ? ")" : "");
    control_forget(d->control, live);
    return true;
}

/* A budget that is not granted ends the workflow: nothing else is left to do with it. */
static enum machine_event event_for(enum act act, bool is_approved)
{
    if (act == ACT_BUDGET) {
        return is_approved ? EV_EXTEND : EV_CANCEL;
    }
    return is_approved ? EV_APPROVE : EV_REJECT;
}

static bool carry_out(struct deciding *d, const struct approval_row *row,
                      bool is_approved)
{
    struct err ignored = ERR_INIT; /* written by us */
    struct json *effect = json_parse(row->effect, strlen(row->effect), &ignored);
    struct machine_input input = {
        .event = event_for(row->action, is_approved),
        .actor = d->command->actor,
        .reason = d->reason[0] != '\0' ? d->reason : NULL,
        .checkpoint = STATE_COUNT,
        .granted_runs = (int)json_int(effect, "runs", 0),
        .granted_wall = {json_int(effect,  "wall_ms", 0)},
        .granted = { json_int(effect, "tokens", 0),  json_int(effect, "micros", 0)},
    };
    json_free(effect);
    if (row->workflow != 0) {
        return step(d, row, &input);
    }
    if (row->recovery != 0) {
        recovery_answer(d->control, row->recovery, is_approved, d->command->actor,
                        d->reason, d->now, d->answer);
    } else if (row->action == ACT_PREPARE) {
        prepared_answer(d->control, row, is_approved, d->now, d->answer);
    } else {
        optimization_answer(d->control, row->optimization, is_approved, d->command->actor,
                            d->reason, d->now, d->answer);
    }
    return d->answer->status == ANSWER_DONE;
}

/* The effect as it is now, when it is a workflow's; else as it was asked for. */
static const char *present_effect(struct deciding *d, const struct approval_row *row)
{
    struct err err = ERR_INIT;
    struct live *live =
        row->workflow != 0 ? control_find(d->control, row->workflow, &err) : NULL;
    enum act act;
    struct approval_draft draft;
    const char *effect = row->effect;
    if (row->action == ACT_PREPARE) {
        effect = prepared_effect_now(d->control, d->arena, row);
    }
    if (live != NULL && card_act(live, &act) && act == row->action) {
        card_draft(d->control, live, act, d->arena, &draft);
        effect = effect_canonical(d->arena, draft.fields, draft.n_fields);
    }
    if (live != NULL) {
        control_forget(d->control, live);
    }
    return effect;
}

static void note(struct deciding *d, const struct approval_row *row, const char *kind)
{
    char text[APPROVAL_TEXT_MAX + REASON_MAX], clean[400];
    (void)snprintf(text, sizeof(text), "a-%lld %s%s%s", (long long)row->id, row->title,
                   d->reason[0] != '\0' ? ": " : "", d->reason);
    control_note(d->control, &(struct event_row){
                                 .at = d->now,
                                 .workflow = row->workflow,
                                 .kind = kind,
                                 .actor = d->command->actor,
                                 .text = text_clean_into(clean, sizeof(clean), text)});
}

/* Decided: what it allows first; when that is refused, nothing has changed. */
static void settle(struct deciding *d, const struct approval_row *row)
{
    bool is_approved = row->status == APPROVAL_APPROVED;
    waiting_put(d->control, row); /* so that the step finds nothing to withdraw */
    if (carry_out(d, row, is_approved)) {
        if (row->workflow == 0) {
            note(d, row, is_approved ? "approval-given" : "approval-refused");
        }
        return;
    }
    struct approval_row again = *row; /* the batch's last word counts */
    again.status = APPROVAL_OPEN;
    again.decided_at.ms = 0;
    again.decided_by = again.reason = "";
    again.votes = "[]";
    waiting_put(d->control, &again);
}

static void act(struct deciding *d, struct approval_row *row,
                const struct approval_input *input)
{
    const struct approval_policy *policy = &d->control->options.approvals.policy;
    char text[APPROVAL_TEXT_MAX];
    if (input->verb == APPROVAL_APPROVE && approval_waits(row->status)) {
        const char *effect = present_effect(d, row);
        if (strcmp(effect, row->effect) != 0) {
            approval_changed(d->control, row, effect, d->arena, d->now);
            note(d, row, "approval-drifted");
        }
    }
    if (approval_waits(row->status) && input->role >= USER_APPROVER) { /* has seen it */
        (void)approval_seen(d->control, row, d->now);
    }
    switch (approval_act(row, input, policy, d->now, d->arena, text)) {
    case APPROVAL_DENIED:
        answer_set(d->answer, ANSWER_REFUSED, "%s", text);
        return;
    case APPROVAL_MISTAKE:
        answer_set(d->answer, ANSWER_BAD, "%s", text);
        return;
    case APPROVAL_MORE:
        answer_set(d->answer, ANSWER_DONE, "%s", text);
        waiting_put(d->control, row);
        note(d, row, "approval-vote");
        return;
    case APPROVAL_DONE:
        answer_set(d->answer, ANSWER_DONE, "%s", text);
        if (approval_waits(row->status)) {
            waiting_put(d->control, row);
        } else {
            settle(d, row);
        }
        return;
    }
}

static bool read_time(struct deciding *d, struct span *ret_time)
{
    const char *text = json_str(d->args, "for", "");
    ret_time->ms = 0;
    if (text[0] == '\0' || (span_parse(text, ret_time) && ret_time->ms > 0)) {
        return true;
    }
    answer_set(d->answer, ANSWER_BAD, "for: '%.32s' is no duration; expected one like 2h",
               text);
    return false;
}

/* A front end that shows the workflow says with the number of its newest effect what it has
 * shown; that stands for the digest as long as it is the same. */
static const char *digest_by_effect(struct deciding *d, const struct approval_row *row)
{
    struct err err = ERR_INIT;
    int64_t shown = json_int(d->args, "effect", -1);
    struct live *live =
        row->workflow != 0 ? control_find(d->control, row->workflow, &err) : NULL;
    const char *digest = "";
    if (live != NULL && shown == live->workflow->row.effect_seq) {
        digest = row->digest;
    }
    if (live != NULL && shown >= 0 && digest[0] == '\0') {
        digest = "moved on";
    }
    if (live != NULL) {
        control_forget(d->control, live);
    }
    return digest;
}

void control_approval_verb(struct control *control, const struct command_row *command,
                           const struct json *args, enum user_role role, struct wall now,
                           struct answer *answer)
{
    struct deciding d = {.control = control,
                         .command = command,
                         .args = args,
                         .now = now,
                         .answer = answer,
                         .arena = arena_new()};
    struct approval_input input = {.actor = command->actor,
                                   .role = role,
                                   .confirm = json_str(args, "confirm", ""),
                                   .to = json_str(args, "to", "")};
    struct approval_row row;
    answer->status = ANSWER_BAD; /* until something else is known */
    answer->text[0] = '\0';
    (void)text_clean_into(d.reason, sizeof(d.reason), json_str(args, "reason", ""));
    input.reason = d.reason;
    if (!approval_verb_find(command->verb, &input.verb)) {
        BUG("no verb of approvals");
    }
    if (read_time(&d, &input.time)) {
        if (find_row(&d, &row)) {
            input.digest = json_str(args, "digest", "");
            if (input.digest[0] == '\0' || json_get(args, "effect") != NULL) {
                const char *by_effect = digest_by_effect(&d, &row);
                bool is_told =
                    input.digest[0] != '\0' && strcmp(by_effect, row.digest) == 0;
                input.digest = is_told ? input.digest : by_effect;
            }
            act(&d, &row, &input);
        } else if (answer->text[0] == '\0') {
            approval_nothing(control, command, args, now, answer);
        }
    }
    arena_free(d.arena);
}

void control_seen_verb(struct control *control, const struct json *args, struct wall now,
                       struct answer *answer)
{
    struct arena *arena = arena_new();
    struct approval_row row;
    struct err err = ERR_INIT;
    int64_t id = json_int(args, "approval", 0);
    if (store_load_approval(control->store, arena, id, &row, &err) != FOUND) {
        answer_set(answer, ANSWER_REFUSED, "there is no approval a-%lld", (long long)id);
    } else if (!approval_waits(row.status) || !approval_seen(control, &row, now)) {
        answer_set(answer, ANSWER_DONE, "noted before");
        answer->is_nothing = true;
    } else {
        answer_set(answer, ANSWER_DONE, "noted");
        waiting_put(control, &row);
    }
    arena_free(arena);
}

/* ---- nobody decided ---- */

void approval_expired(struct control *control, const struct waiting *was, struct wall now)
{
    struct answer ignored = {.status = ANSWER_DONE};
    struct err err = ERR_INIT;
    if (was->workflow != 0) {
        struct live *live = control_find(control, was->workflow, &err);
        const struct machine_input input = {.event = EV_PAUSE,
                                            .actor = "engine",
                                            .reason = "nobody decided in time",
                                            .checkpoint = STATE_COUNT};
        if (live != NULL && control_step(control, live, &input, now) == MACHINE_DONE) {
            control_forget(control, live);
        }
    } else if (was->recovery != 0) {
        recovery_answer(control, was->recovery, false, "engine", "nobody decided in time",
                        now, &ignored);
    } else if (was->optimization != 0) {
        optimization_answer(control, was->optimization, false, "engine",
                            "nobody decided in time", now, &ignored);
    } else if (was->act == ACT_PREPARE) {
        prepared_over(control, was->id);
    }
}
