/* SPDX-License-Identifier: MIT */
/* The evaluator that is an MCP server. The command is in runner_eval_cli.c. */
#include "engine/io/runner_eval.h"

#include <errno.h>

#include "engine/base/base64.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/base/version.h"
#include "engine/io/runner_eval_private.h"
#include "engine/io/talk.h"
#include "engine/service/mcp.h"

#define TOOL "web_eval_agent"
#define HANDSHAKE_TIME                                                                   \
    ((struct span){120000}) /* uvx may have to fetch the server first */
#define LIST_TIME   ((struct span){60000})
#define CANCEL_TIME ((struct span){1000}) /* for the cancel to be written */
#define TASK_MAX    20000                 /* bytes of the task that the tool is given */
#define REPORT_MAX  (4 * 1024 * 1024)
#define PAGES_MAX   20 /* of tools/list */

enum phase { PHASE_HANDSHAKE, PHASE_TOOLS, PHASE_CALL, PHASE_OVER };

struct session {
    struct step *step;
    struct talk talk;
    struct mcp *mcp;
    enum phase phase;
    int64_t request;
    int n_pages;
    struct wall deadline, phase_until;
    char *task;
    struct buf report;
    struct eval_images images;
};

/* ---- what both evaluators need --------------------------------------------------------
 */

char *eval_task(const struct order *order)
{
    size_t len;
    if (order->evaluator_task != NULL && order->evaluator_task[0] != '\0') {
        return mem_str(order->evaluator_task);
    }
    char *task = order_doc(order, "task.md", &len);
    if (task[0] == '\0') {
        free(task);
        return mem_str(order->title);
    }
    while (len > TASK_MAX || (len > 0 && !text_is_utf8(task, len))) {
        len = len > TASK_MAX ? TASK_MAX : len - 1;
        task[len] = '\0';
    }
    return task;
}

bool eval_can_begin(struct step *step)
{
    const struct order *order = step->order;
    if (order->service_command.argv == NULL) {
        step_end(step, STATUS_REFUSED, BLAME_SETUP,
                 mem_printf("service %s has no command", order->provider));
    } else if (order->evaluator_url == NULL || order->evaluator_url[0] == '\0') {
        step_end(step, STATUS_REFUSED, BLAME_SETUP,
                 mem_str("the pipeline has no evaluator.url to look at"));
    } else {
        return true;
    }
    return false;
}

void eval_not_started(struct step *step, const struct err *err)
{
    const char *program = step->order->service_command.argv[0];
    bool is_missing = err->sys == ENOENT || err->sys == ENOTDIR || err->sys == EACCES;
    step_end(step, STATUS_REFUSED, is_missing ? BLAME_SETUP : BLAME_WORLD,
             is_missing
                 ? mem_printf("program '%s' of service %s %s", program,
                              step->order->provider,
                              err->sys == EACCES ? "cannot be executed" : "was not found")
                 : mem_str(err->msg));
}

static char *image_path(const struct step *step, size_t number, const char *mime)
{
    const char *suffix = strcmp(mime, "image/png") == 0    ? "png"
                         : strcmp(mime, "image/webp") == 0 ? "webp"
                         : strcmp(mime, "image/gif") == 0  ? "gif"
                                                           : "jpg";
    return mem_printf("%s/%s-%zu.%s", step->order->log_folder, step->order->log, number,
                      suffix);
}

void eval_save_image(struct step *step, struct eval_images *images, const char *base64,
                     const char *mime)
{
    struct err err = ERR_INIT;
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, EVAL_IMAGE_BYTES_MAX);
    if (images->n == EVAL_IMAGES_MAX || !base64_decode(&bytes, base64, strlen(base64)) ||
        bytes.len == 0) {
        images->n_dropped++;
        return;
    }
    AUTO_FREE char *path = image_path(step, images->n + 1, mime);
    if (!file_write(path, bytes.data, bytes.len, &err)) {
        step_note(step, "image not saved: %s", err.msg);
        images->n_dropped++;
        return;
    }
    step_note(step, "image: %s", path);
    if (++images->n == 1) {
        images->first = TAKE(path);
    }
}

void eval_conclude(struct step *step, const struct web_verdict *verdict,
                   const struct eval_images *images)
{
    AUTO_BUF struct buf excerpt;
    AUTO_FREE char *where =
        images->n == 0   ? mem_str("")
        : images->n == 1 ? mem_printf("; image: %s", images->first)
                         : mem_printf("; %zu images: %s ...", images->n, images->first);
    buf_init(&excerpt, EXCERPT_MAX);
    for (size_t i = 0; i < verdict->n_reasons; i++) {
        (void)buf_printf(&excerpt, "%s\n", verdict->reasons[i]);
    }
    if (verdict->n_more > 0) {
        (void)buf_printf(&excerpt, "... and %zu more\n", verdict->n_more);
    }
    if (images->n_dropped > 0) {
        step_note(step, "%zu images could not be saved", images->n_dropped);
    }
    if (verdict->n_reasons > 0) {
        step_note(step, "judged by");
        step_log(step, excerpt.data, excerpt.len);
        step->result->excerpt = mem_str(excerpt.data);
    }
    step_end(step, verdict->status, verdict->blame,
             mem_printf("%s%s", verdict->summary, where));
}

/* ---- the report -----------------------------------------------------------------------
 */

static void take_parts(struct session *session, const struct json *content)
{
    for (size_t i = 0; i < json_len(content); i++) {
        const struct json *part = json_at(content, i);
        const char *type = json_str(part, "type", "");
        if (strcmp(type, "text") == 0) {
            (void)buf_str(&session->report, json_str(part, "text", ""));
            (void)buf_char(&session->report, '\n');
        } else if (strcmp(type, "image") == 0) {
            eval_save_image(session->step, &session->images, json_str(part, "data", ""),
                            json_str(part, "mimeType", ""));
        }
    }
}

static void take_report(struct session *session, const struct json *result)
{
    struct step *step = session->step;
    struct web_verdict verdict;
    take_parts(session, json_get(result, "content"));
    step_log(step, session->report.data, session->report.len);
    if (json_bool(result, "isError", false)) { /* unknown tool, arguments not taken */
        web_verdict_one(&verdict, STATUS_REFUSED, BLAME_SETUP, "the tool refused",
                        session->report.data);
    } else {
        web_report_judge(session->report.data, session->report.len, session->task,
                         &verdict);
    }
    eval_conclude(step, &verdict, &session->images);
    web_verdict_fini(&verdict);
    session->phase = PHASE_OVER;
}

/* ---- the protocol ---------------------------------------------------------------------
 */

static void call_tool(struct session *session)
{
    AUTO_BUF struct buf arguments;
    struct jsonw w;
    buf_init(&arguments, REPORT_MAX);
    jsonw_init(&w, &arguments);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "url", session->step->order->evaluator_url);
    jsonw_str(&w, "task", session->task);
    jsonw_bool(&w, "headless_browser", true); /* false would want a display */
    jsonw_close(&w, '}');
    session->request = mcp_call(session->mcp, TOOL, arguments.data, arguments.len);
    session->phase = PHASE_CALL;
    session->phase_until = session->deadline;
}

static void take_tools(struct session *session, const struct json *result)
{
    const struct json *tools = json_get(result, "tools");
    const char *cursor = json_str(result, "nextCursor", NULL);
    for (size_t i = 0; i < json_len(tools); i++) {
        if (strcmp(json_str(json_at(tools, i), "name", ""), TOOL) == 0) {
            call_tool(session);
            return;
        }
    }
    if (cursor != NULL && ++session->n_pages < PAGES_MAX) {
        session->request = mcp_list_tools(session->mcp, cursor);
        return;
    }
    step_end(
        session->step, STATUS_REFUSED, BLAME_SETUP,
        mem_printf("service %s has no tool %s", session->step->order->provider, TOOL));
    session->phase = PHASE_OVER;
}

static struct wall no_later(struct session *session, struct span span)
{
    struct wall at = wall_add(wall_now(), span);
    return wall_is_set(session->deadline) && session->deadline.ms < at.ms
               ? session->deadline
               : at;
}

static void take_failure(struct session *session, const struct mcp_event *event)
{
    static const char *const what[] = {"initialize", "tools/list", TOOL, ""};
    step_end(session->step, STATUS_FAILED, BLAME_WORLD,
             mem_printf("service %s answered %s with error %lld: %s",
                        session->step->order->provider, what[session->phase],
                        (long long)event->code, event->text));
    session->phase = PHASE_OVER;
}

static void take_event(struct session *session, const struct mcp_event *event)
{
    switch (event->kind) {
    case MCP_NONE:
        break;
    case MCP_READY:
        step_note(session->step, "%s, protocol " MCP_PROTOCOL, event->text);
        session->request = mcp_list_tools(session->mcp, NULL);
        session->phase = PHASE_TOOLS;
        session->phase_until = no_later(session, LIST_TIME);
        break;
    case MCP_RESULT:
        if (event->id == session->request && session->phase == PHASE_TOOLS) {
            take_tools(session, event->value);
        } else if (event->id == session->request && session->phase == PHASE_CALL) {
            take_report(session, event->value);
        }
        break;
    case MCP_FAILED:
        take_failure(session, event);
        break;
    case MCP_NOTICE:
    case MCP_NOISE:
        step_log(session->step, event->text, strlen(event->text));
        step_log(session->step, "\n", 1);
        break;
    case MCP_BROKEN:
        step_end(session->step, STATUS_FAILED, BLAME_WORLD, mem_str(event->text));
        session->phase = PHASE_OVER;
        break;
    }
}

static void on_out(void *user, const char *bytes, size_t len)
{
    struct session *session = user;
    struct mcp_event event;
    mcp_feed(session->mcp, bytes, len);
    while (mcp_next(session->mcp, &event)) {
        if (session->phase != PHASE_OVER) {
            take_event(session, &event);
        }
        mcp_event_fini(&event);
    }
}

static void on_err(void *user, const char *bytes, size_t len)
{
    struct session *session = user;
    step_log(session->step, bytes, len);
}

/* Tell the server, so that it can close its browser, before it is killed. */
static void cancel(struct session *session, const char *reason)
{
    struct wall until = wall_add(wall_now(), CANCEL_TIME);
    if (session->phase == PHASE_CALL) {
        mcp_cancel(session->mcp, session->request, reason);
    }
    session->phase = PHASE_OVER;
    while (mcp_out(session->mcp)->len > 0 &&
           talk_wait(&session->talk, mcp_out(session->mcp), until, -1) == TALK_SPOKE) {
    }
}

static void run_out_of_time(struct session *session)
{
    struct step *step = session->step;
    static const char *const what[] = {"initialize", "tools/list"};
    if (session->phase == PHASE_CALL) {
        step_end(step, STATUS_TIMED_OUT, BLAME_WORLD, step_timeout_text(step->order));
    } else {
        step_end(step, STATUS_TIMED_OUT, BLAME_WORLD,
                 mem_printf("service %s did not answer %s in time", step->order->provider,
                            what[session->phase]));
    }
    cancel(session, "timeout");
}

static void converse(struct session *session)
{
    struct step *step = session->step;
    while (session->phase != PHASE_OVER) {
        switch (talk_wait(&session->talk, mcp_out(session->mcp), session->phase_until,
                          step->runner->stop_fd)) {
        case TALK_SPOKE:
            break;
        case TALK_TIME:
            run_out_of_time(session);
            break;
        case TALK_OTHER:
            step_end(step, STATUS_CANCELLED, BLAME_NONE, mem_str("stopped"));
            cancel(session, "stopped");
            break;
        case TALK_ENDED:
            if (session->phase != PHASE_OVER) {
                AUTO_FREE char *how = talk_how_it_ended(&session->talk);
                step_end(step, STATUS_FAILED, BLAME_WORLD,
                         mem_printf("the server of service %s %s before it had answered",
                                    step->order->provider, how));
            }
            session->phase = PHASE_OVER;
            break;
        }
    }
}

static void evaluate(struct step *step)
{
    struct err err = ERR_INIT;
    const struct order *order = step->order;
    struct session session = {.step = step, .deadline = step_deadline(step->runner)};
    AUTO_FREE char *name = mem_printf("wf-%lld.%lld-eval", (long long)order->workflow,
                                      (long long)order->seq);
    const struct talk_spec spec = {
        .argv = order->service_command.argv,
        .envp = step->env.entries,
        .folder = order->workflow_folder,
        .bounds = &order->bounds,
        .name = name,
        .on_out = on_out,
        .on_err = on_err,
        .user = &session,
        .hold = step->runner->hold,
    };
    session.task = eval_task(order);
    session.mcp = mcp_new("signalbox", SIGNALBOX_VERSION, order->message_max);
    mcp_trace(session.mcp, order->traceparent);
    buf_init(&session.report, REPORT_MAX);
    session.phase_until = no_later(&session, HANDSHAKE_TIME);
    if (talk_open(&session.talk, &spec, &err)) {
        converse(&session);
        talk_close(&session.talk, order->grace);
    } else {
        eval_not_started(step, &err);
    }
    mcp_free(session.mcp);
    buf_fini(&session.report);
    free(session.images.first);
    free(session.task);
}

void eval_mcp(const struct runner *runner, struct effect_result *result)
{
    struct step step;
    if (step_open(&step, runner, result) && eval_can_begin(&step) &&
        step_may_begin(&step)) {
        evaluate(&step);
    }
    step_close(&step);
}
