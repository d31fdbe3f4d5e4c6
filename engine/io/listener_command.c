/* SPDX-License-Identifier: MIT */

/*
 * Commands over the network. A request is judged (listener_request.h), written into the store by
 * the sender as any front end writes one, with the token's user as who asks, and answered when
 * the control thread has answered it, which a look at the store after each commit tells. So the
 * gate is the same as everybody's, and nothing here waits.
 */
#include "engine/approval/access.h"
#include "engine/approval/approval_json.h"
#include "engine/io/listener_private.h"

#define ASKS_MAX     256 /* of all */
#define ASKS_OF_CONN 16  /* of one subscriber */
#define SMALL_BODY   4096 /* bytes that are looked at for a halt, however often they come */
#define ANSWER_MAX   16384
#define JSON_TYPE    "application/json"

#define APPROVALS_MAX   500 /* that are told, the most urgent first */
#define APPROVALS_BYTES (16 * 1024 * 1024)

/* ---- answers ---- */

static void answer_json(struct conn *conn, int status, struct buf *json, bool is_closing)
{
    free(conn->body);
    conn->body = buf_take(json, &conn->body_len);
    conn->type = JSON_TYPE;
    conn->text = "";
    conn_answer_whole(conn, status, is_closing);
}

static void refuse_http(struct conn *conn, const struct request_problem *problem,
                        bool is_closing)
{
    AUTO_BUF struct buf out;
    buf_init(&out, ANSWER_MAX);
    request_put_problem(&out, problem, NULL);
    answer_json(conn, problem->status, &out, is_closing);
}

static void set_problem(struct request_problem *problem, int status, const char *text)
{
    problem->status = status;
    problem->field[0] = '\0';
    (void)snprintf(problem->text, sizeof(problem->text), "%s", text);
}

void command_refuse(struct conn *conn, int status, const char *text, bool is_closing)
{
    struct request_problem problem = {0};
    set_problem(&problem, status, text);
    refuse_http(conn, &problem, is_closing);
}

/* Whoever waits for it hears this; nobody does afterwards. */
static void tell(struct ask *ask, int status, struct buf *json)
{
    struct conn *conn = TAKE(ask->conn);
    if (conn == NULL) {
        return;
    }
    conn->n_asks--;
    if (!conn->is_live) {
        answer_json(conn, status, json, false);
    } else if (!ws_note(conn, json->data, json->len)) {
        conn_kill(conn);
    }
}

static void tell_problem(struct ask *ask, int status, const char *text)
{
    AUTO_BUF struct buf out;
    struct request_problem problem = {0};
    bool is_live = ask->conn != NULL && ask->conn->is_live;
    set_problem(&problem, status, text);
    (void)snprintf(problem.key, sizeof(problem.key), "%s", ask->request.key);
    buf_init(&out, ANSWER_MAX);
    request_put_problem(&out, &problem, is_live ? "error" : NULL);
    tell(ask, status, &out);
}

static void tell_row(struct ask *ask, const struct command_row *row)
{
    AUTO_BUF struct buf out;
    bool is_live = ask->conn != NULL && ask->conn->is_live;
    int status = request_status(row);
    buf_init(&out, ANSWER_MAX);
    request_put_answer(&out, row, is_live ? "answer" : NULL, status);
    tell(ask, status, &out);
}

/* ---- asks ---- */

void ask_free(struct listener *listener, struct ask *ask)
{
    if (ask->prev != NULL) {
        ask->prev->next = ask->next;
    } else {
        listener->asks = ask->next;
    }
    if (ask->next != NULL) {
        ask->next->prev = ask->prev;
    }
    listener->n_asks--;
    request_free(&ask->request);
    free(ask);
}

static bool begin(struct conn *conn, struct request *request)
{
    struct listener *listener = conn->listener;
    struct ask *ask = mem_alloc(sizeof(*ask));
    ask->conn = conn;
    ask->request = *request;
    ask->actor = listener->spec->users[conn->user].user;
    ask->due.ns = mono_now().ns + listener->limits.command_time.ms * 1000000;
    ask->next = listener->asks;
    if (listener->asks != NULL) {
        listener->asks->prev = ask;
    }
    listener->asks = ask;
    listener->n_asks++;
    if (!sender_put(listener->sender, ask)) {
        *request = (struct request){0};
        ask_free(listener, ask);
        return false;
    }
    conn->n_asks++;
    return true;
}

/* False: *ret_problem is the answer. */
static bool submit(struct conn *conn, const char *text, size_t len, const char *key,
                   struct request_problem *ret_problem)
{
    struct listener *listener = conn->listener;
    const struct listener_user *user = &listener->spec->users[conn->user];
    struct request request;
    char why[ACCESS_TEXT_MAX];
    bool has_turn =
        tap_take(&listener->rates[conn->user], mono_now(),
                 (struct span){1000 / TAP_SECOND}, listener->limits.command_burst);
    if (!has_turn && len > SMALL_BODY) {
        set_problem(ret_problem, 429, "too many commands with this token");
        return false;
    }
    if (!request_parse(text, len, key, &request, ret_problem)) {
        return false;
    }
    (void)snprintf(ret_problem->key, sizeof(ret_problem->key), "%s", request.key);
    /* Stopping everything must work for who has a script that ran wild. */
    if (!has_turn && strcmp(request.verb->name, "halt") != 0) {
        set_problem(ret_problem, 429, "too many commands with this token");
    } else if (user->is_read_only && !access_reads_only(request.verb, why)) {
        set_problem(ret_problem, 403, why);
    } else if (listener->n_asks >= ASKS_MAX || !begin(conn, &request)) {
        set_problem(ret_problem, 503, "no room for it now; nothing was done");
    } else {
        return true;
    }
    request_free(&request);
    return false;
}

/* ---- over HTTP ---- */

static bool is_json(const char *type)
{
    size_t len = sizeof(JSON_TYPE) - 1;
    return type != NULL && strncasecmp(type, JSON_TYPE, len) == 0 &&
           (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

/* 0, or a status. A page that no list allows can send nothing that gets this far: a browser adds
 * the token to nothing by itself, tells the origin, and asks first whether it may send JSON. */
static int judge(struct conn *conn, const char **ret_why)
{
    AUTO_FREE char *type = conn_header(conn, WSI_TOKEN_HTTP_CONTENT_TYPE);
    int status = check_user(conn, ret_why);
    if (status != 0) {
        return status;
    }
    *ret_why = "this origin is not in the list";
    if (!check_origin(conn)) {
        return 403;
    }
    *ret_why = "expected Content-Type: application/json";
    return is_json(type) ? 0 : 415;
}

void command_begin(struct conn *conn)
{
    AUTO_FREE char *length = conn_header(conn, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    AUTO_FREE char *transfer = conn_header(conn, WSI_TOKEN_HTTP_TRANSFER_ENCODING);
    const struct hook_head head = {.length = length, .transfer = transfer};
    struct hook_plan plan = {.why = ""};
    const char *why = "";
    bool is_sound = hook_check_length(&head, REQUEST_MAX, &plan);
    conn->is_closing = plan.length == 0; /* see conn_write_answer */
    conn_busy(conn, conn->listener->limits.body_time);
    if (!is_sound) {
        command_refuse(conn, plan.status, plan.why, plan.is_closing);
        return;
    }
    int status = judge(conn, &why);
    if (status != 0) {
        command_refuse(conn, status, why, plan.is_chunked);
        return;
    }
    struct hook *hook = mem_alloc(sizeof(*hook));
    hook->conn = conn;
    hook->is_command = true;
    hook->most = REQUEST_MAX;
    hook->plan = plan;
    hook->key = conn_custom_header(conn, "idempotency-key:");
    conn->hook = hook;
}

void command_whole(struct conn *conn, struct hook *hook)
{
    struct request_problem problem = {0};
    const struct listener_limits *limits = &conn->listener->limits;
    if (submit(conn, hook->body, hook->len, hook->key, &problem)) {
        /* command_tick() answers in time; this is the end of a connection that is stuck */
        conn_busy(conn, (struct span){limits->command_time.ms + limits->answer_time.ms});
    } else {
        refuse_http(conn, &problem, false);
    }
    hook_free(conn->listener, hook);
}

void command_look(struct conn *conn, const char *number)
{
    struct listener *listener = conn->listener;
    struct err err = ERR_INIT;
    struct command_row row = {0};
    const char *why = "";
    int status = check_user(conn, &why);
    size_t len = strlen(number);
    bool is_number = len > 0 && len <= 18 && number[strspn(number, "0123456789")] == '\0';
    if (status != 0) {
        command_refuse(conn, status, why, true);
        return;
    }
    struct reader *reader = listener_reader(listener, &err);
    arena_reset(listener->arena);
    enum found found = reader == NULL ? FOUND_FAILED
                       : !is_number
                           ? MISSING
                           : reader_command(reader, listener->arena,
                                            strtoll(number, NULL, 10), &row, &err);
    const char *user = listener->spec->users[conn->user].user;
    if (found == FOUND_FAILED) {
        command_refuse(conn, 503, "the store cannot be read", true);
    } else if (found == MISSING || strcmp(row.actor, user) != 0) {
        command_refuse(conn, 404, "there is no such command of yours", true);
    } else {
        AUTO_BUF struct buf out;
        buf_init(&out, ANSWER_MAX);
        request_put_answer(&out, &row, NULL, 200);
        answer_json(conn, 200, &out, true);
    }
}

void command_approvals(struct conn *conn)
{
    struct listener *listener = conn->listener;
    struct err err = ERR_INIT;
    const struct approval_query query = {
        .is_open = true, .has_snoozed = true, .now = wall_now(), .max = APPROVALS_MAX};
    const struct approval_row *rows = NULL;
    size_t n = 0;
    const char *why = "";
    int status = check_token(conn, &why);
    if (status != 0) {
        command_refuse(conn, status, why, true);
        return;
    }
    struct reader *reader = listener_reader(listener, &err);
    arena_reset(listener->arena);
    if (reader == NULL ||
        !reader_approvals(reader, listener->arena, &query, &rows, &n, &err)) {
        command_refuse(conn, 503, "the store cannot be read", true);
        return;
    }
    AUTO_BUF struct buf out;
    struct jsonw w;
    buf_init(&out, APPROVALS_BYTES);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '[');
    for (size_t i = 0; i < n; i++) {
        jsonw_open(&w, NULL, '{');
        approval_json_write(&w, &rows[i]);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    if (out.is_cut) {
        command_refuse(conn, 503, "more than can be told at once", true);
    } else {
        answer_json(conn, 200, &out, true);
    }
}

/* ---- over a WebSocket ---- */

bool command_message(struct conn *conn, const char *text, size_t len)
{
    AUTO_BUF struct buf out;
    struct request_problem problem = {0};
    buf_init(&out, ANSWER_MAX);
    if (conn->user < 0) {
        set_problem(&problem, 401, "commands need the token of a user");
    } else if (conn->n_asks >= ASKS_OF_CONN) {
        set_problem(&problem, 429, "too many commands at once");
    } else if (submit(conn, text, len, NULL, &problem)) {
        return true;
    }
    request_put_problem(&out, &problem, "error");
    return ws_note(conn, out.data, out.len);
}

/* ---- what becomes of them ---- */

void command_leave(struct conn *conn)
{
    for (struct ask *ask = conn->listener->asks; ask != NULL && conn->n_asks > 0;
         ask = ask->next) {
        if (ask->conn == conn) {
            ask->conn =
                NULL; /* it goes on; who asks again with its key hears the answer */
            conn->n_asks--;
        }
    }
}

/* Takes the ask when it has an answer, or nobody waits for one. */
static void look_at(struct listener *listener, struct reader *reader, struct ask *ask)
{
    struct err err = ERR_INIT;
    struct command_row row;
    if (ask->conn != NULL) {
        arena_reset(listener->arena);
        if (reader_command(reader, listener->arena, ask->id, &row, &err) != FOUND) {
            return; /* the next look may see it; else it is told when it is due */
        }
        if (!request_is_same(&ask->request, &row)) {
            tell_problem(ask, 422, "this key stands for another command");
        } else if (row.answer >= 0) {
            tell_row(ask, &row);
        }
    }
    if (ask->conn == NULL) {
        ask_free(listener, ask);
    }
}

static void come_back(struct listener *listener, struct ask *ask)
{
    char text[200];
    ask->is_back = true;
    if (atomic_load(&ask->state) == ASK_GIVEN_UP) {
        ask_free(listener, ask);
    } else if (ask->id <= 0) {
        (void)snprintf(text, sizeof(text),
                       "the store cannot be written (%s); nothing was done",
                       err_word(ask->err.code));
        tell_problem(ask, 503, text);
        ask_free(listener, ask);
    } else {
        listener->counts.commands++;
    }
}

void command_take(struct listener *listener)
{
    void *asks[64];
    size_t n = mailbox_drain(listener->sent, asks, ARRAY_LEN(asks));
    struct err ignored = ERR_INIT; /* who is due is told that it is not known yet */
    for (size_t i = 0; i < n; i++) {
        come_back(listener, asks[i]);
    }
    struct reader *reader =
        listener->asks != NULL ? listener_reader(listener, &ignored) : NULL;
    for (struct ask *ask = listener->asks, *next; reader != NULL && ask != NULL;
         ask = next) {
        next = ask->next;
        if (ask->is_back) {
            look_at(listener, reader, ask);
        }
    }
}

/* It has waited long enough. */
static void is_due(struct ask *ask)
{
    int waits = ASK_WAITS;
    if (atomic_compare_exchange_strong(&ask->state, &waits, ASK_GIVEN_UP)) {
        tell_problem(ask, 503, "the store is busy; nothing was done");
    } else if (!ask->is_back) {
        tell_problem(ask, 503,
                     "the store is busy, and it is not known yet whether this was taken; "
                     "ask again with the same key");
    } else {
        const struct command_row row = {.id = ask->id,
                                        .verb = ask->request.verb->name,
                                        .workflow = ask->request.workflow,
                                        .actor = ask->actor,
                                        .key = ask->request.key,
                                        .answer = -1,
                                        .message = "stored; not answered yet"};
        tell_row(ask, &row);
    }
}

void command_tick(struct listener *listener, struct mono now)
{
    for (struct ask *ask = listener->asks, *next; ask != NULL; ask = next) {
        next = ask->next;
        if (ask->conn != NULL && ask->due.ns <= now.ns) {
            is_due(ask);
            if (ask->is_back) {
                ask_free(listener, ask);
            }
        }
    }
}
