/* SPDX-License-Identifier: MIT */
#include "tui/feed_order.h"

#include "engine/approval/access.h"
#include "engine/base/findings.h"
#include "engine/base/identity.h"
#include "engine/base/json.h"
#include "engine/control/config.h"
#include "engine/workflow/pipeline.h"
#include "store/halt.h"
#include "tui/source.h"

#define UPDATE_MAX 512           /* unanswered rows looked at per frame */
#define ARGS_MAX   (4 * DOC_MAX) /* a task of DOC_MAX, escaped, and the pipeline */

struct order {
    uint64_t ticket;
    char *verb, *args;
    int64_t *workflows;
    size_t n;
    /* submission */
    bool is_submission;
    char *pipeline, *repo, *task;
    int priority;
};

/* What was sent: command ids, answered from the front. */
struct sent {
    uint64_t ticket; /* 0 = free */
    char *verb;
    int64_t *commands;
    size_t n_commands, n_looked;
    struct frame_answer answer; /* message and verb are set when shown */
    char message[400];
};

struct orders {
    const struct config *config;
    struct sent ring[FRAME_ANSWERS];
    size_t n;      /* ever; ring[n % FRAME_ANSWERS] is next */
    bool has_more; /* answers that the last update had no time for */
    struct identity who;
};

struct order *order_new(const struct feed_order *from, uint64_t ticket)
{
    struct order *order = mem_alloc(sizeof *order);
    order->ticket = ticket;
    order->verb = mem_str(from->verb);
    order->args = mem_str(from->args ? from->args : "{}");
    order->n = from->n < FEED_ORDER_MAX ? from->n : FEED_ORDER_MAX;
    order->workflows = mem_array(order->n, sizeof *order->workflows);
    for (size_t i = 0; i < order->n; i++)
        order->workflows[i] = from->workflows[i];
    return order;
}

struct order *order_new_submission(const struct feed_submission *from, uint64_t ticket)
{
    struct order *order = mem_alloc(sizeof *order);
    order->ticket = ticket;
    order->verb = mem_str("submit");
    order->is_submission = true;
    order->pipeline = mem_str(from->pipeline);
    order->repo = mem_str(from->repo);
    order->task = mem_str(from->task);
    order->priority = from->priority;
    return order;
}

void order_free_message(void *message)
{
    struct order *order = message;
    if (!order)
        return;
    free(order->verb);
    free(order->args);
    free(order->workflows);
    free(order->pipeline);
    free(order->repo);
    free(order->task);
    free(order);
}

struct orders *orders_new(const struct config *config)
{
    struct orders *orders = mem_alloc(sizeof *orders);
    orders->config = config;
    identity_of_process(&orders->who);
    return orders;
}

static void sent_clear(struct sent *sent)
{
    free(sent->verb);
    free(sent->commands);
    *sent = (struct sent){0};
}

void orders_free(struct orders *orders)
{
    if (!orders)
        return;
    for (size_t i = 0; i < FRAME_ANSWERS; i++)
        sent_clear(&orders->ring[i]);
    free(orders);
}

static void fail(struct sent *sent, const char *message)
{
    sent->answer.is_failed = true;
    (void)snprintf(sent->message, sizeof sent->message, "%s", message);
}

/* The arguments of submit, or false when the pipeline is wrong. */
static bool make_submit_args(const struct order *order, struct source *source,
                             struct reader *reader, char **ret_args, struct err *err)
{
    struct findings findings;
    findings_init(&findings);
    struct pipeline *pipeline = NULL;
    AUTO_FREE char *text = NULL;
    bool is_found = source_find_pipeline(source, reader, order->pipeline, order->repo,
                                         &pipeline, &text, &findings, err);
    bool is_good = is_found && pipeline;
    if (is_found && !pipeline) {
        AUTO_FREE char *line = findings.n > 0 ? finding_format(&findings.rows[0]) : NULL;
        (void)err_set(err, ERR_CONFIG, "%s%s", line ? line : "the pipeline is wrong",
                      findings.n > 1 ? " (and more)" : "");
    }
    findings_fini(&findings);
    if (!is_good)
        return false;
    const char *repo = pipeline_is_remote(pipeline) ? pipeline->forge.repository
                       : order->repo[0]             ? order->repo
                                                    : pipeline->repository;
    if (repo[0] == '\0') {
        pipeline_free(pipeline);
        return err_set(err, ERR_USAGE, "no repository: the pipeline names none");
    }
    struct buf buf;
    buf_init(&buf, ARGS_MAX);
    struct jsonw w;
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", pipeline->name);
    jsonw_str(&w, "text", text);
    jsonw_str(&w, "repo", repo);
    jsonw_str(&w, "task", order->task);
    jsonw_int(&w, "priority", order->priority);
    jsonw_close(&w, '}');
    pipeline_free(pipeline);
    bool is_cut = buf.is_cut;
    if (!is_cut)
        *ret_args = buf_take(&buf, NULL);
    buf_fini(&buf);
    return !is_cut ||
           err_set(err, ERR_TOO_LARGE, "the task is larger than %d bytes", DOC_MAX);
}

static bool send_rows(struct orders *orders, struct sent *sent, const struct order *order,
                      const char *args)
{
    size_t n = order->n > 0 ? order->n : 1;
    sent->commands = mem_array(n, sizeof *sent->commands);
    for (size_t i = 0; i < n; i++) {
        struct err err = ERR_INIT;
        struct command_row row = {
            .at = wall_now(),
            .actor = orders->who.actor,
            .account = orders->who.account,
            .origin = origin_word(ORIGIN_KEY),
            .verb = order->verb,
            .workflow = order->n > 0 ? order->workflows[i] : 0,
            .args = args,
            .answer = -1,
            .message = "",
        };
        int64_t id = command_send(orders->config->store, &row, &err);
        if (id < 0) {
            fail(sent, err.msg);
            break;
        }
        sent->commands[sent->n_commands++] = id;
    }
    int pid = 0;
    if (sent->n_commands > 0 && strcmp(order->verb, "halt") == 0 &&
        !lease_is_held(orders->config->store, &pid))
        (void)halt_without_engine(
            orders->config->store); /* agents outlive their engine */
    return sent->n_commands > 0;
}

bool orders_send(struct orders *orders, struct order *order, struct source *source,
                 struct reader *reader)
{
    struct sent *sent = &orders->ring[orders->n++ % FRAME_ANSWERS];
    sent_clear(sent);
    sent->ticket = order->ticket;
    sent->verb = mem_str(order->verb);
    sent->answer.n = order->n > 0 ? (int)order->n : 1;
    sent->answer.workflow = order->n > 0 ? order->workflows[0] : 0;
    bool is_sent = false;
    struct err err = ERR_INIT;
    AUTO_FREE char *submit_args = NULL;
    if (order->is_submission &&
        !make_submit_args(order, source, reader, &submit_args, &err))
        fail(sent, err.msg);
    else
        is_sent = send_rows(orders, sent, order, submit_args ? submit_args : order->args);
    order_free_message(order);
    return is_sent;
}

/* Rows are answered in order, so the first unanswered one ends the look. */
static bool update_one(struct sent *sent, struct reader *reader, struct arena *arena,
                       size_t *n_left, struct err *err)
{
    while (sent->n_looked<sent->n_commands && * n_left> 0) {
        struct command_row row;
        enum found found =
            reader_command(reader, arena, sent->commands[sent->n_looked], &row, err);
        if (found == FOUND_FAILED)
            return false;
        if (found == FOUND && row.answer < 0)
            return true;
        (*n_left)--;
        sent->n_looked++;
        if (found == MISSING || row.answer == 0) {
            sent->answer.n_done++;
            if (found == FOUND && sent->answer.workflow == 0)
                sent->answer.workflow = row.workflow;
        } else {
            sent->answer.n_refused++;
        }
        if (found == FOUND && (row.answer > 0 || sent->answer.n_refused == 0))
            (void)snprintf(sent->message, sizeof sent->message, "%s", row.message);
    }
    return true;
}

bool orders_update(struct orders *orders, struct reader *reader, struct err *err)
{
    size_t n_left = UPDATE_MAX;
    struct arena *arena = NULL;
    bool is_done = true;
    for (size_t i = 0; i < FRAME_ANSWERS && is_done; i++) {
        struct sent *sent = &orders->ring[i];
        if (sent->n_looked == sent->n_commands)
            continue;
        if (!arena)
            arena = arena_new();
        is_done = update_one(sent, reader, arena, &n_left, err);
    }
    arena_free(arena);
    orders->has_more = n_left == 0;
    return is_done;
}

bool orders_have_more(const struct orders *orders)
{
    return orders->has_more;
}

void orders_show(const struct orders *orders, struct frame *frame)
{
    struct arena *arena = frame_arena(frame);
    size_t n = orders->n < FRAME_ANSWERS ? orders->n : FRAME_ANSWERS;
    struct frame_answer *answers = arena_array(arena, n, sizeof *answers);
    for (size_t i = 0; i < n; i++) {
        const struct sent *sent = &orders->ring[(orders->n - n + i) % FRAME_ANSWERS];
        answers[i] = sent->answer;
        answers[i].ticket = sent->ticket;
        answers[i].verb = arena_str(arena, sent->verb);
        answers[i].message = arena_str(arena, sent->message);
    }
    frame->answers = answers;
    frame->n_answers = n;
}
