/* SPDX-License-Identifier: MIT */

/*
 * Commands: what operators ask, checked by the table of verbs and carried out once. The
 * answer is part of the same transaction as what the command changed.
 */

#include <stdarg.h>

#include "engine/base/findings.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/control_private.h"
#include "engine/control/verb.h"

enum { ANSWER_DONE = 0, ANSWER_REFUSED = 1, ANSWER_BAD = 2 };

struct answer {
    int status;
    int64_t workflow;
    char text[480];
};

static void answer_set(struct answer *answer, int status, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void answer_set(struct answer *answer, int status, const char *format, ...)
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

/* First line with words in it, clean, at most TITLE_MAX bytes. */
static void make_title(char title[TITLE_MAX], const char *task)
{
    const char *line = task;
    while (*line == '\n' || *line == '\r' || *line == ' ' || *line == '\t') {
        line++;
    }
    size_t len = strcspn(line, "\n\r");
    AUTO_FREE char *first = mem_strn(line, len < 4096 ? len : 4096);
    (void)text_clean_into(title, TITLE_MAX, first);
}

static const struct pipeline *parse_pipeline(struct control *control,
                                             const struct json *args, int64_t *ret_id,
                                             struct answer *answer)
{
    const char *name = json_str(args, "pipeline", "");
    const char *text = json_str(args, "text", "");
    struct findings findings;
    findings_init(&findings);
    const struct pipeline *result = NULL;
    struct pipeline *parsed = pipeline_parse(name, text, strlen(text), &findings);
    if (parsed == NULL) {
        AUTO_FREE char *line =
            findings.n > 0 ? finding_format(&findings.rows[0]) : mem_str("unreadable");
        answer_set(answer, ANSWER_BAD, "%s", line);
    } else {
        *ret_id = store_put_pipeline(control->store, parsed->name, text, strlen(text));
        result = idmap_get(&control->pipelines, *ret_id);
        if (result == NULL && *ret_id > 0) {
            idmap_put(&control->pipelines, *ret_id, parsed);
            result = parsed;
            parsed = NULL;
        } else if (*ret_id <= 0) {
            answer_set(answer, ANSWER_REFUSED, "the pipeline could not be stored");
        }
    }
    pipeline_free(parsed);
    findings_fini(&findings);
    return result;
}

static void put_task(struct control *control, int64_t id, const struct json *args)
{
    const char *task = json_str(args, "task", "");
    store_put_doc(control->store, id, DOC_TASK, task, strlen(task));
    const struct json *metadata = json_get(args, "metadata");
    if (metadata != NULL) {
        AUTO_FREE char *text = json_format(metadata);
        store_put_doc(control->store, id, DOC_METADATA, text, strlen(text));
    }
}

static void submit(struct control *control, const struct command_row *command,
                   const struct json *args, struct wall now, struct answer *answer)
{
    char title[TITLE_MAX];
    int64_t pipeline_id = 0;
    const struct pipeline *pipeline = parse_pipeline(control, args, &pipeline_id, answer);
    if (pipeline == NULL) {
        return;
    }
    const char *repo = json_str(args, "repo", pipeline->repository);
    if (repo[0] == '\0') {
        answer_set(answer, ANSWER_BAD,
                   "no repository: neither the pipeline nor the command names one");
        return;
    }
    make_title(title, json_str(args, "task", ""));
    if (title[0] == '\0') {
        answer_set(answer, ANSWER_BAD, "task: empty; expected what is to be done");
        return;
    }
    struct workflow_row row = {
        .id = ++control->last_workflow,
        .pipeline = pipeline->name,
        .pipeline_id = pipeline_id,
        .repo = repo,
        .title = title,
        .submitter = command->actor,
        .priority = (int)json_int(args, "priority", 5),
        .state = STATE_IDLE,
        .wait = WAIT_SLOT,
        .attempt = 1,
        .created_at = now,
        .state_since = now,
        .branch = "",
        .base_sha = "",
        .head_sha = "",
        .merge_sha = "",
        .reason = "",
    };
    struct live *live = control_add(control, &row, pipeline);
    control->totals.n_workflows++;
    put_task(control, row.id, args);
    control->totals.last_event =
        store_add_event(control->store, &(struct event_row){.at = now,
                                                            .workflow = row.id,
                                                            .kind = "submit",
                                                            .actor = command->actor,
                                                            .from = STATE_IDLE,
                                                            .to = STATE_IDLE,
                                                            .wait = WAIT_SLOT,
                                                            .text = title});
    control_settle(control, live, &(struct workflow_row){.id = 0}, now);
    answer->workflow = row.id;
    answer_set(answer, ANSWER_DONE, "wf-%lld accepted", (long long)row.id);
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
    control->totals.last_event =
        store_add_event(control->store, &(struct event_row){.at = now,
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
    if (!is_as_shown(live, args, answer)) {
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

static void carry_out(struct control *control, const struct command_row *command,
                      const struct json *args, struct wall now, struct answer *answer)
{
    struct err err = ERR_INIT;
    const struct verb *verb = verb_find(command->verb);
    if (verb == NULL) {
        answer_set(answer, ANSWER_BAD, "there is no verb '%.64s'", command->verb);
        return;
    }
    if (!verb_check(verb, args, &err)) {
        answer_err(answer, &err);
        return;
    }
    if (!verb->has_workflow) {
        submit(control, command, args, now, answer);
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
        json_free(args);
        store_answer_command(control->store, rows[i].id, answer.status, answer.text,
                             answer.workflow);
        control->last_command = rows[i].id;
        control->stats.n_commands++;
    }
    arena_free(arena);
    return n;
}
