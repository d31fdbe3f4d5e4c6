/* SPDX-License-Identifier: MIT */
#include "tui/view/common.h"
#include "tui/view/approval.h"
#include "tui/view/monitor.h"
#include "tui/view/recovery.h"
#include "tui/view/setup.h"

#include <ctype.h>
#include <inttypes.h>
#include <strings.h>

#include "engine/base/text.h"
#include "tui/widget/look.h"

int list_width(int w)
{
    if (w < WIDE_COLUMNS)
        return w;
    int list = w * 48 / 100;
    return list > 100 ? 100 : list;
}

/* ---- rows
 * -------------------------------------------------------------------------------------------
 */

static const char *phrase_of_wait(const struct workflow_row *row, struct wall now,
                                  char *text, size_t cap)
{
    char span[CLOCK_TEXT_MAX];
    switch (row->wait) {
    case WAIT_SLOT:
        (void)snprintf(text, cap, "queued");
        break;
    case WAIT_RETRY:
        if (row->retry_at.ms > now.ms)
            (void)snprintf(text, cap, "tries again in %s",
                           look_left(wall_since(row->retry_at, now), span));
        else
            (void)snprintf(text, cap, "tries again now");
        break;
    case WAIT_WINDOW:
        (void)snprintf(text, cap, "merges in %s",
                       look_left(wall_since(row->retry_at, now), span));
        break;
    case WAIT_OPERATOR:
        (void)snprintf(text, cap, "needs a person");
        break;
    case WAIT_PAUSE:
        (void)snprintf(text, cap, "paused");
        break;
    default:
        (void)snprintf(text, cap, "%s", wait_word(row->wait));
        break;
    }
    return text;
}

const char *row_phrase(const struct frame *frame, const struct workflow_row *row,
                       struct wall now, char *text, size_t cap)
{
    text[0] = '\0';
    if (state_is_final(row->state)) {
        if (row->reason[0] != '\0')
            (void)text_clean_into(text, cap, row->reason);
        else if (row->merge_sha[0] != '\0')
            (void)snprintf(text, cap, "merged %.8s", row->merge_sha);
        return text;
    }
    if (row->wait != WAIT_NONE)
        return phrase_of_wait(row, now, text, cap);
    const char *step = frame_step_name(frame_find_pipeline(frame, row->pipeline_id),
                                       row->state, row->step);
    if (step[0] != '\0')
        (void)text_clean_into(text, cap, step);
    else if (row->reason[0] != '\0')
        (void)text_clean_into(text, cap, row->reason);
    return text;
}

struct wall row_next_change(const struct workflow_row *row, struct wall now)
{
    struct wall next = look_age_change(now, row->state_since);
    if ((row->wait == WAIT_RETRY || row->wait == WAIT_WINDOW) &&
        row->retry_at.ms > now.ms) {
        int64_t left = row->retry_at.ms - now.ms;
        int64_t step = left % 5000;
        next = look_sooner(next, (struct wall){now.ms + step + 1});
    }
    return next;
}

/* ---- actions
 * ------------------------------------------------------------------------------------------
 */

static void change_priority(const struct workflow_row *row, int by, struct reply *reply)
{
    int value = row->priority + by;
    if (value < 0 || value > 9) {
        reply_say(reply, MESSAGE_INFO, "priority is %d already, the %s", row->priority,
                  by > 0 ? "highest" : "lowest");
        return;
    }
    int64_t id = row->id;
    struct verb_request request = {
        .verb = "priority",
        .targets = &id,
        .n_targets = 1,
        .args = mem_printf("{\"value\":%d}", value),
    };
    reply_verb(reply, &request);
}

static void copy_row(const struct workflow_row *row, struct reply *reply)
{
    char title[LOOK_TEXT_MAX];
    AUTO_FREE char *text =
        mem_printf("wf-%" PRId64 "  %s  %s", row->id, state_name(row->state),
                   text_clean_into(title, sizeof title, row->title));
    reply_copy(reply, text, strlen(text));
}

static void ask_checkpoint(struct reply *reply)
{
    struct prompt_request request = {
        .label = "retry from",
        .example = "PLANNING, CODING, PR_CREATED or VALIDATING",
        .token = TOKEN_RETRY_FROM,
    };
    reply_ask(reply, &request);
}

void common_action(struct view *view, const struct workflow_row *row, enum action action,
                   struct reply *reply)
{
    (void)view;
    const struct view_class *klass = NULL;
    switch (action) {
    case ACTION_SHOW_LOG:
        klass = &log_class;
        break;
    case ACTION_SHOW_DIFF:
        klass = &diff_class;
        break;
    case ACTION_SHOW_CONTEXT:
        klass = &context_class;
        break;
    case ACTION_SHOW_HISTORY:
        klass = &history_class;
        break;
    case ACTION_SHOW_STEPS:
        klass = &workflow_class;
        break;
    case ACTION_SHOW_TRACE:
        klass = &waterfall_class;
        break;
    case ACTION_SHOW_WHY:
        klass = &why_class;
        break;
    case ACTION_RETRY_FROM:
    case ACTION_PRIORITY_UP:
    case ACTION_PRIORITY_DOWN:
    case ACTION_COPY:
        break;
    default:
        reply->flags |= REPLY_UNUSED;
        return;
    }
    if (!row) {
        reply_say(reply, MESSAGE_INFO, "no workflow is selected");
        return;
    }
    if (klass)
        reply_open(reply, klass, row->id, NULL);
    else if (action == ACTION_RETRY_FROM)
        ask_checkpoint(reply);
    else if (action == ACTION_COPY)
        copy_row(row, reply);
    else
        change_priority(row, action == ACTION_PRIORITY_UP ? 1 : -1, reply);
}

/* A checkpoint by name or the start of one: "code", "CODING", "pr". */
static bool find_checkpoint(const char *text, enum workflow_state *ret_state)
{
    static const enum workflow_state checkpoints[] = {STATE_PLANNING, STATE_CODING,
                                                      STATE_PR_CREATED, STATE_VALIDATING};
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    for (size_t i = 0; i < ARRAY_LEN(checkpoints) && len > 0; i++)
        if (strncasecmp(state_name(checkpoints[i]), text, len) == 0 ||
            (strlen(state_brief(checkpoints[i])) == len &&
             strncasecmp(state_brief(checkpoints[i]), text, len) == 0)) {
            *ret_state = checkpoints[i];
            return true;
        }
    return false;
}

void common_on_prompt(struct view *view, const struct frame *frame, int token,
                      const char *text, bool is_final, struct reply *reply)
{
    if (token != TOKEN_RETRY_FROM || !text || !is_final || !view->klass->targets)
        return;
    enum workflow_state state;
    if (!find_checkpoint(text, &state)) {
        reply_say(reply, MESSAGE_ERROR,
                  "no such checkpoint: PLANNING, CODING, PR_CREATED or VALIDATING");
        return;
    }
    int64_t *ids = mem_array(VIEW_TARGETS_MAX, sizeof *ids);
    size_t n = view->klass->targets(view, frame, ids, VIEW_TARGETS_MAX);
    if (n > 0) {
        struct verb_request request = {
            .verb = "retry",
            .targets = ids,
            .n_targets = n,
            .args = mem_printf("{\"from\":\"%s\"}", state_name(state)),
        };
        reply_verb(reply, &request);
    }
    free(ids);
}

/* ---- every class
 * --------------------------------------------------------------------------------------
 */

const struct view_class *const view_classes[] = {
    &overview_class,
    &workflows_class,
    &workflow_class,
    &log_class,
    &diff_class,
    &context_class,
    &history_class,
    &submit_class,
    &engine_class,
    &services_class,
    &service_class,
    &deliveries_class,
    &delivery_class,
    &waterfall_class,
    &health_class,
    &incident_class,
    &handoff_class,
    &outlook_class,
    &incidents_class,
    &metrics_class,
    &metric_class,
    &failures_class,
    &why_class,
    &strategies_class,
    &decisions_class,
    &approvals_class,
    &approval_class,
    &optimizations_class,
    &optimization_class,
    &bottlenecks_class,
    &autonomy_class,
    &audit_class,
    &audit_row_class,
    &setup_class,
    NULL,
};

const struct view_class *view_class_find(const char *name)
{
    for (size_t i = 0; view_classes[i]; i++)
        if (strcmp(view_classes[i]->name, name) == 0)
            return view_classes[i];
    return NULL;
}
