/* SPDX-License-Identifier: MIT */

/*
 * Commands over the network: a real listener, a real control center on a thread of its own, and
 * clients that say exactly what they are told to. Every verb by every role, over HTTP and
 * WebSocket, and read-only; what is malformed; keys over a restart; who asks too often.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/control/control.h"
#include "engine/control/verb.h"
#include "engine/io/listener_tap.h"
#include "store/approval.h"
#include "tests/lib/place.h"
#include "tests/lib/visitor.h"

#define WAIT_MS 60000
#define TOKEN   "token-of-%s-that-is-long-enough"

/* The engine, as far as commands go. */
struct office {
    struct place *place;
    struct clerk clerk; /* only its listener and spec: for the visitor */
    struct store *store;
    struct control *control;
    struct mailbox *bell;
    pthread_t thread;
    atomic_bool is_ending, is_holding;
    bool is_open;
    struct reader *reader; /* the test's */
};
static struct office office;

/* One token for each role, named like it; then one that is read-only. */
#define USERS (USER_ROLE_COUNT + 1)
static struct listener_user users[USERS];
#define READ_ONLY_USER "reader"

static void on_command(void *user)
{
    (void)user;
    mailbox_wake(office.bell);
}

static bool on_webhook(void *user, struct webhook *webhook)
{
    (void)user;
    (void)webhook;
    return false;
}

/* A user is what he is called; the read-only one may do everything. */
static enum user_role role_of(void *self, const char *actor, const char *account,
                              const char *origin)
{
    enum user_role role = USER_NONE;
    (void)self;
    (void)account;
    (void)origin;
    if (strcmp(actor, READ_ONLY_USER) == 0 || strcmp(actor, "test") == 0) {
        return USER_ADMIN;
    }
    assert_true(user_role_find(actor, &role));
    return role;
}

static void perform(void *self, const struct effect_row *effect)
{
    (void)self;
    (void)effect;
}

static void stop(void *self, int64_t workflow, int64_t seq)
{
    (void)self;
    (void)workflow;
    (void)seq;
}

static void *office_main(void *user)
{
    const struct executor executor = {NULL, perform, stop};
    (void)user;
    while (!atomic_load(&office.is_ending)) {
        struct pollfd fd = {.fd = mailbox_fd(office.bell), .events = POLLIN};
        struct err err = ERR_INIT;
        void *none[1];
        (void)poll(&fd, 1, 100);
        (void)mailbox_drain(office.bell, none, 1);
        if (atomic_load(&office.is_holding)) {
            continue;
        }
        struct wall now = wall_now();
        if (control_commands(office.control, 1000, now, &err) < 0) {
            BUG("commands of a test cannot be read");
        }
        control_tick(office.control, now);
        if (!control_commit(office.control, &executor, &err)) {
            BUG("the store of a test does not commit");
        }
        listener_look(office.clerk.listener);
    }
    return NULL;
}

static void open_office(void)
{
    struct err err = ERR_INIT;
    office.store = store_open(office.place->path, STORE_OFF, &err);
    assert_non_null(office.store);
    struct control_options options = {
        .max_running = 8,
        .limits = {span_s(5), span_s(300)},
        .approvals = {.role_of = role_of        },
        .seed = 1,
    };
    options.approvals.levels[ACT_PLAN] = LEVEL_APPROVE + 1; /* each plan waits */
    office.control = control_new(&options, office.store);
    assert_true(control_load(office.control, wall_now(), &err));
    store_put_setting(office.store, "engine", "{\"state\":\"running\"}");
    assert_true(store_commit(office.store, &err));
    office.bell = mailbox_new(1);
    const struct listener_options listen = {.spec = &office.clerk.spec,
                                            .store = office.place->path,
                                            .on_webhook = on_webhook,
                                            .on_command = on_command,
                                            .limits = office.clerk.limits};
    office.clerk.listener = listener_start(&listen, &err);
    if (office.clerk.listener == NULL) {
        fail_msg("%s", err.msg);
    }
    atomic_store(&office.is_ending, false);
    atomic_store(&office.is_holding, false);
    assert_int_equal(pthread_create(&office.thread, NULL, office_main, NULL), 0);
    office.reader = place_reader(office.place);
    office.is_open = true;
}

static void close_office(void)
{
    reader_close(office.reader);
    atomic_store(&office.is_ending, true);
    mailbox_wake(office.bell);
    (void)pthread_join(office.thread, NULL);
    listener_stop(office.clerk.listener);
    control_free(office.control);
    store_close(office.store);
    mailbox_free(office.bell, NULL);
    office.is_open = false;
}

static void make_users(void)
{
    static char names[USERS][2][40];
    for (int i = 0; i < USERS; i++) {
        const char *name =
            i < USER_ROLE_COUNT ? user_role_word((enum user_role)i) : READ_ONLY_USER;
        AUTO_FREE char *token = mem_printf(TOKEN, name);
        (void)snprintf(names[i][0], sizeof(names[i][0]), "%s", name);
        (void)snprintf(names[i][1], sizeof(names[i][1]), "TOKEN_%d", i);
        (void)setenv(names[i][1], token, 1);
        users[i] = (struct listener_user){.user = names[i][0],
                                          .secret = {.env = names[i][1]},
                                          .is_read_only = i == USER_ROLE_COUNT};
    }
}

static int set_up(void **state)
{
    int failed = place_set_up(state);
    office = (struct office){.place = *state};
    make_users();
    clerk_init(&office.clerk, office.place->path);
    office.clerk.spec.users = users;
    office.clerk.spec.n_users = USERS;
    office.clerk.limits.command_burst = 1000;
    office.clerk.limits.command_time = (struct span){WAIT_MS}; /* whatever the load */
    office.clerk.limits.answer_time = (struct span){WAIT_MS};
    return failed;
}

static int tear_down(void **state)
{
    if (office.is_open) { /* the test failed */
        close_office();
    }
    return place_tear_down(state);
}

/* ---- asking ---- */

static struct reply ask_with(const char *token, const char *more, const char *body)
{
    AUTO_FREE char *text = mem_printf(
        "POST /commands HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n"
        "Content-Type: application/json\r\nAuthorization: Bearer %s\r\n%s\r\n%s",
        strlen(body), token, more, body);
    return visit_once(&office.clerk, text);
}

static struct reply ask(const char *user, const char *more, const char *body)
{
    AUTO_FREE char *token = mem_printf(TOKEN, user);
    return ask_with(token, more, body);
}

static void must_say(struct reply reply, int status, const char *part)
{
    if (reply.status != status || strstr(reply.body, part) == NULL) {
        fail_msg("wanted %d '%s', got %d:\n%s%s", status, part, reply.status, reply.head,
                 reply.body);
    }
    reply_free(&reply);
}

static int64_t number_in(struct reply reply, const char *key)
{
    int64_t n = message_number(reply.body, key);
    reply_free(&reply);
    return n;
}

static char *error_in(const char *body)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(body, strlen(body), &err);
    const char *text = json_str(root, "error", json_str(root, "message", ""));
    char *copy = mem_str(text);
    json_free(root);
    return copy;
}

/* Another number after every change of state: each is an event, or a mark on an approval. */
static int64_t last_change(void)
{
    struct err err = ERR_INIT;
    struct totals totals;
    const struct approval_query query = {
        .is_open = true, .has_snoozed = true, .now = wall_now(), .max = 1000};
    const struct approval_row *rows = NULL;
    size_t n = 0;
    assert_true(reader_totals(office.reader, &totals, &err));
    assert_true(
        reader_approvals(office.reader, office.place->arena, &query, &rows, &n, &err));
    int64_t change = totals.last_event;
    for (size_t i = 0; i < n; i++) {
        change += rows[i].snoozed_until.ms +
                  (int64_t)(strlen(rows[i].assignee) + strlen(rows[i].claimed_by)) * 1000;
    }
    return change;
}

static int64_t n_commands(void)
{
    struct err err = ERR_INIT;
    struct command_row row;
    int64_t n = 0;
    while (reader_command(office.reader, office.place->arena, n + 1, &row, &err) ==
           FOUND) {
        n++;
    }
    return n;
}

/* As somebody at the command line; until it is answered. */
static int64_t by_hand(const char *verb, int64_t workflow, const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = wall_now(),
                              .actor = "test",
                              .origin = "cli",
                              .verb = verb,
                              .workflow = workflow,
                              .args = args};
    int64_t id = command_send(office.place->path, &row, &err);
    assert_true(id > 0);
    for (int i = 0; i < WAIT_MS; i++) {
        mailbox_wake(office.bell);
        assert_int_equal(
            reader_command(office.reader, office.place->arena, id, &row, &err), FOUND);
        if (row.answer >= 0) {
            break;
        }
        (void)poll(NULL, 0, 1);
    }
    assert_true(row.answer >= 0);
    return row.workflow;
}

static const char submission[] =
    "{\"pipeline\":\"p\",\"text\":\"name: p\\nrepository: /srv/p\\nbase: main\\n"
    "agent: {command: agent}\\nvalidate: []\\nmerge: {mode: ask}\\n\",\"task\":\"do "
    "it\"}";

/* The approval that a workflow waits for; its digest. */
static int64_t approval_of(int64_t workflow, char digest[DIGEST_HEX])
{
    struct err err = ERR_INIT;
    const struct approval_query query = {
        .is_open = true, .workflow = workflow, .now = wall_now(), .max = 1};
    const struct approval_row *rows = NULL;
    size_t n = 0;
    assert_true(
        reader_approvals(office.reader, office.place->arena, &query, &rows, &n, &err));
    assert_int_equal(n, 1);
    (void)snprintf(digest, DIGEST_HEX, "%s", rows[0].digest);
    return rows[0].id;
}

/* ---- each verb by each role ---- */

/* Verbs that can be brought about here, and what must have been asked before. */
static const struct {
    const char *verb, *before, *before_args;
} doable[] = {
    {"submit",      NULL,    NULL                                                            },
    {"pause",       NULL,    NULL                                                            },
    {"resume",      "pause", "{}"                                                            },
    {"cancel",      NULL,    NULL                                                            },
    {"approve",     NULL,    NULL                                                            },
    {"reject",      NULL,    NULL                                                            },
    {"snooze",      NULL,    NULL                                                            },
    {"delegate",    NULL,    NULL                                                            },
    {"claim",       NULL,    NULL                                                            },
    {"priority",    NULL,    NULL                                                            },
    {"thumbs-up",   NULL,    NULL                                                            },
    {"thumbs-down", NULL,    NULL                                                            },
    {"autonomy",    NULL,    NULL                                                            },
    {"halt",        NULL,    NULL                                                            },
    {"release",     "halt",  "{}"                                                            },
    {"silence",     NULL,    NULL                                                            },
    {"tune",        NULL,    NULL                                                            },
    {"untune",      "tune",  "{\"setting\":\"max_running\",\"value\":\"5\",\"reason\":\"r\"}"},
};

static const char *value_of(const struct verb *verb, const char *name)
{
    static const struct {
        const char *verb, *name, *value;
    } values[] = {
        {"submit",   "text",
         "name: p\nrepository: /srv/p\nbase: main\n"
         "agent: {command: agent}\nvalidate: []\n"},
        {"adopt",    "text",     "name: p"        },
        {"",         "pipeline", "p"              },
        {"autonomy", "action",   "merge"          },
        {"autonomy", "level",    "suggest"        },
        {"",         "setting",  "max_running"    },
        {"",         "value",    "5"              },
        {"",         "for",      "1h"             },
        {"",         "strategy", "retry"          },
    };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if ((values[i].verb[0] == '\0' || strcmp(values[i].verb, verb->name) == 0) &&
            strcmp(values[i].name, name) == 0) {
            return values[i].value;
        }
    }
    return "x";
}

/* A request that is as it should be. */
static void make_request(const struct verb *verb, int64_t workflow, int64_t approval,
                         const char *digest, struct buf *out)
{
    struct jsonw w;
    buf_clear(out);
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "verb", verb->name);
    if (verb->has_workflow) {
        jsonw_int(&w, "workflow", workflow);
    }
    jsonw_open(&w, "args", '{');
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        bool is_wanted = arg->is_required || strcmp(arg->name, "approval") == 0 ||
                         strcmp(arg->name, "digest") == 0 ||
                         (strcmp(verb->name, "silence") == 0 && arg->type == ARG_TEXT &&
                          strcmp(arg->name, "for") == 0) ||
                         (strcmp(verb->name, "extend") == 0 && arg->type == ARG_INT);
        if (!is_wanted) {
            continue;
        }
        if (strcmp(arg->name, "approval") == 0) {
            jsonw_int(&w, arg->name, approval);
        } else if (strcmp(arg->name, "digest") == 0) {
            jsonw_str(&w, arg->name, digest);
        } else if (arg->type == ARG_INT) {
            jsonw_int(&w, arg->name, arg->min);
        } else if (arg->type == ARG_OBJECT) {
            jsonw_raw(&w, arg->name, "{}", 2);
        } else {
            jsonw_str(&w, arg->name,
                      arg->type == ARG_STATE ? "CODING" : value_of(verb, arg->name));
        }
    }
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
}

enum way { WAY_POST, WAY_SOCKET, WAYS };
static int sockets[USERS];

static void send_frame(int fd, int opcode, const char *text, size_t len)
{
    /* RFC 6455 5.2: masked, and with a mask of zeros as it is */
    AUTO_FREE char *frame = mem_alloc(len + 14);
    size_t head = len < 126 ? 2 : len < 65536 ? 4 : 10;
    frame[0] = (char)(0x80 | opcode);
    frame[1] = (char)(0x80 | (head == 2 ? len : head == 4 ? 126 : 127));
    for (size_t i = 2; i < head; i++) {
        frame[i] = (char)(len >> 8 * (head - 1 - i));
    }
    memset(frame + head, 0, 4);
    memcpy(frame + head + 4, text, len);
    visit_send(fd, frame, head + 4 + len);
}

static int open_socket(const char *user, const char *path)
{
    int status = 0;
    AUTO_FREE char *header = mem_printf("Authorization: Bearer " TOKEN "\r\n", user);
    int fd = visit_ws(&office.clerk, path, header, &status);
    assert_int_equal(status, 101);
    return fd;
}

/* The next message that is no event. */
static char *next_answer(int fd)
{
    for (;;) {
        int code = 0;
        char *message = visit_message(fd, &code);
        assert_non_null(message);
        if (strstr(message, "\"type\":\"answer\"") != NULL ||
            strstr(message, "\"type\":\"error\"") != NULL) {
            return message;
        }
        free(message);
    }
}

static int go(enum way way, int user, const char *request, char **ret_text)
{
    if (way == WAY_POST) {
        struct reply reply = ask(users[user].user, "", request);
        int status = reply.status;
        *ret_text = error_in(reply.body);
        reply_free(&reply);
        return status;
    }
    send_frame(sockets[user], 1, request, strlen(request));
    AUTO_FREE char *answer = next_answer(sockets[user]);
    *ret_text = error_in(answer);
    return (int)message_number(answer, "status");
}

static void open_sockets(void)
{
    for (int i = 0; i < USERS; i++) {
        sockets[i] = open_socket(users[i].user, "/events?kind=none");
    }
}

static void close_sockets(void)
{
    for (int i = 0; i < USERS; i++) {
        (void)close(sockets[i]);
    }
}

static void must_be_refused(const struct verb *verb, const char *request, enum way way)
{
    char why[ACCESS_TEXT_MAX];
    int64_t before = last_change();
    for (int role = USER_NONE; role < (int)verb->role; role++) {
        AUTO_FREE char *text = NULL;
        int status = go(way, role, request, &text);
        assert_false(access_allows(verb, (enum user_role)role, users[role].user, why));
        if (status != 403 || strcmp(text, why) != 0) {
            fail_msg("%s by %s: %d '%s', not '%s'", verb->name, users[role].user, status,
                     text, why);
        }
    }
    assert_int_equal(last_change(), before);
}

/* Asks what has to come before; the row of `doable`, or -1. */
static int prepare(const struct verb *verb, int64_t workflow)
{
    for (size_t i = 0; i < ARRAY_LEN(doable); i++) {
        if (strcmp(doable[i].verb, verb->name) == 0) {
            if (doable[i].before != NULL) {
                (void)by_hand(doable[i].before, verb->has_workflow ? workflow : 0,
                              doable[i].before_args);
            }
            return (int)i;
        }
    }
    return -1;
}

static void must_be_done(const struct verb *verb, int64_t workflow, const char *request,
                         enum way way, int role)
{
    AUTO_FREE char *text = NULL;
    int row = prepare(verb, workflow);
    int64_t before = last_change();
    int status = go(way, role, request, &text);
    if (status == 403 || strstr(text, " needs ") != NULL ||
        (row >= 0 && (status != 200 || last_change() == before))) {
        fail_msg("%s by %s: %d '%s'", verb->name, users[role].user, status, text);
    }
    if (strcmp(verb->name, "halt") == 0) {
        (void)by_hand("release", 0, "{}");
    }
}

static void each_verb_by_each_role(void **state)
{
    AUTO_BUF struct buf request;
    (void)state;
    buf_init(&request, 8192);
    open_office();
    open_sockets();
    for (size_t i = 0; i < n_verbs; i++) {
        const struct verb *verb = &verbs[i];
        for (int way = 0; way < WAYS; way++) {
            char digest[DIGEST_HEX] = "x";
            int64_t workflow = by_hand("submit", 0, submission);
            int64_t approval = approval_of(workflow, digest);
            make_request(verb, workflow, approval, digest, &request);
            must_be_refused(verb, request.data, (enum way)way);
            must_be_done(verb, workflow, request.data, (enum way)way, (int)verb->role);
        }
    }
    close_sockets();
    close_office();
}

static void each_verb_read_only(void **state)
{
    AUTO_BUF struct buf request;
    char why[ACCESS_TEXT_MAX];
    (void)state;
    buf_init(&request, 8192);
    open_office();
    open_sockets();
    int64_t workflow = by_hand("submit", 0, submission);
    int64_t before = last_change(), n = n_commands();
    for (size_t i = 0; i < n_verbs; i++) {
        make_request(&verbs[i], workflow, 1, "x", &request);
        for (int way = 0; way < WAYS && verbs[i].changes; way++) {
            AUTO_FREE char *text = NULL;
            int status = go((enum way)way, USER_ROLE_COUNT, request.data, &text);
            assert_false(access_reads_only(&verbs[i], why));
            assert_string_equal(text, why);
            assert_int_equal(status, 403);
        }
    }
    assert_int_equal(last_change(), before);
    assert_int_equal(n_commands(), n);
    AUTO_FREE char *text = NULL;
    assert_int_equal(go(WAY_POST, USER_ROLE_COUNT,
                        "{\"verb\":\"audit-read\",\"args\":{\"what\":\"verify\"}}",
                        &text),
                     200);
    close_sockets();
    close_office();
}

/* ---- what is malformed ---- */

#define PAUSE "{\"verb\":\"pause\",\"workflow\":1}"

static void what_is_refused(void **state)
{
    static const struct {
        int status;
        const char *part, *body;
    } tries[] = {
        {400, "no JSON",                    ""                                                   },
        {400, "no JSON",                    "{"                                                  },
        {400, "no JSON",                    PAUSE "x"                                            },
        {400, "no JSON object",             "[]"                                                 },
        {400, "\"field\":\"verb\"",         "{}"                                                 },
        {400, "\"field\":\"verb\"",         "{\"verb\":7}"                                       },
        {400, "there is no verb 'pasue'",   "{\"verb\":\"pasue\",\"workflow\":1}"                },
        {400, "\"field\":\"actor\"",        "{\"verb\":\"pause\",\"actor\":\"root\"}"            },
        {400, "\"field\":\"workflow\"",     "{\"verb\":\"pause\"}"                               },
        {400, "\"field\":\"workflow\"",     "{\"verb\":\"pause\",\"workflow\":-1}"               },
        {400, "\"field\":\"workflow\"",     "{\"verb\":\"pause\",\"workflow\":\"wf-\"}"          },
        {400, "\"field\":\"workflow\"",     "{\"verb\":\"halt\",\"workflow\":1}"                 },
        {400, "\"field\":\"args\"",         "{\"verb\":\"pause\",\"workflow\":1,\"args\":[]}"    },
        {400, "\"field\":\"args.force\"",
         "{\"verb\":\"pause\",\"workflow\":1,\"args\":{\"force\":true}}"                         },
        {400, "\"field\":\"args.reason\"",
         "{\"verb\":\"pause\",\"workflow\":1,\"args\":{\"reason\":7}}"                           },
        {400, "\"field\":\"args.value\"",   "{\"verb\":\"priority\",\"workflow\":1}"             },
        {400, "\"field\":\"args.digest\"",
         "{\"verb\":\"approve\",\"args\":{\"approval\":1}}"                                      },
        {400, "\"field\":\"key\"",          "{\"verb\":\"pause\",\"workflow\":1,\"key\":\"\"}"   },
        {400, "\"field\":\"key\"",          "{\"verb\":\"pause\",\"workflow\":1,\"key\":\"a b\"}"},
        {400, "\"field\":\"type\"",
         "{\"type\":\"event\",\"verb\":\"pause\",\"workflow\":1}"                                },
        {409, "there is no workflow wf-77", "{\"verb\":\"pause\",\"workflow\":77}"               },
    };
    (void)state;
    open_office();
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        int64_t before = n_commands();
        must_say(ask("admin", "", tries[i].body), tries[i].status, tries[i].part);
        assert_int_equal(n_commands() - before, tries[i].status == 409);
    }
    must_say(ask("admin", "Idempotency-Key: \"\"\r\n", PAUSE), 400, "Idempotency-Key");
    must_say(ask("admin", "Idempotency-Key: a\r\n",
                 "{\"verb\":\"pause\",\"workflow\":1,\"key\":\"b\"}"),
             400, "another one");
    assert_int_equal(last_change(), 0);
    close_office();
}

#define POST(more, body) "POST /commands HTTP/1.1\r\nHost: h\r\n" more "\r\n" body
#define BEARER           "Authorization: Bearer token-of-admin-that-is-long-enough\r\n"
#define JSON             "Content-Type: application/json\r\n"
#define LEN              "Content-Length: 29\r\n"

static void what_is_no_request(void **state)
{
    /* clang-format off */
    static const struct {
        int status;
        const char *part, *request;
    } tries[] = {
        {401, "\"error\":\"the token is missing or wrong\"", POST(LEN JSON, PAUSE)},
        {401, "wrong", POST(LEN JSON "Authorization: Bearer x\r\n", PAUSE)},
        {401, "missing", POST(LEN JSON "Authorization: Basic dGVzdA==\r\n", PAUSE)},
        {401, "missing", POST(LEN JSON "Cookie: token=token-of-admin-that-is-long-enough\r\n", PAUSE)},
        {415, "application/json", POST(LEN BEARER, PAUSE)},
        {415, "application/json", POST(LEN BEARER "Content-Type: text/plain\r\n", PAUSE)},
        {415, "application/json", POST(LEN BEARER "Content-Type: application/x-www-form-urlencoded\r\n", PAUSE)},
        {415, "application/json", POST(LEN BEARER "Content-Type: application/jsonp\r\n", PAUSE)},
        {403, "origin", POST(LEN BEARER JSON "Origin: https://evil.example\r\n", PAUSE)},
        {403, "origin", POST(LEN BEARER JSON "Origin: null\r\n", PAUSE)},
        {409, "no workflow", POST(LEN BEARER JSON "Origin: https://ops.example.com\r\n", PAUSE)},
        {409, "no workflow", POST(LEN BEARER "Content-Type: application/json; charset=utf-8\r\n", PAUSE)},
        {411, "Content-Length", POST(BEARER JSON, "")},
        {413, "too large", POST("Content-Length: 99999999\r\n" BEARER JSON, "")},
        {400, "Content-Length", POST("Content-Length: -1\r\n" BEARER JSON, "")},
        {400, "Transfer", POST(LEN BEARER JSON "Transfer-Encoding: chunked\r\n", PAUSE)},
        {409, "no workflow", POST(BEARER JSON "Transfer-Encoding: chunked\r\n", "1d\r\n" PAUSE "\r\n0\r\n\r\n")},
        {405, "another method", "GET /commands HTTP/1.1\r\nHost: h\r\n" BEARER "\r\n"},
        {405, "another method", "OPTIONS /commands HTTP/1.1\r\nHost: h\r\nOrigin: https://evil.example\r\n\r\n"},
        {405, "another method", "PUT /commands/1 HTTP/1.1\r\nHost: h\r\n" LEN JSON BEARER "\r\n" PAUSE},
        {401, "wrong", "GET /commands/1 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {404, "no such", "GET /commands/99 HTTP/1.1\r\nHost: h\r\n" BEARER "\r\n"},
        {404, "no such", "GET /commands/x HTTP/1.1\r\nHost: h\r\n" BEARER "\r\n"},
        {404, "no such", "GET /commands/ HTTP/1.1\r\nHost: h\r\n" BEARER "\r\n"},
    };
    /* clang-format on */
    char *origins[] = {(char *)(uintptr_t) "https://ops.example.com"};
    (void)state;
    assert_int_equal(strlen(PAUSE), 29);
    office.clerk.spec.origins = origins;
    office.clerk.spec.n_origins = 1;
    open_office();
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        struct reply reply = visit_once(&office.clerk, tries[i].request);
        if (reply.status == 401) {
            assert_non_null(strstr(reply.head, "WWW-Authenticate: Bearer\r\n"));
        }
        assert_null(strstr(reply.head, "Access-Control"));
        must_say(reply, tries[i].status, tries[i].part);
    }
    assert_int_equal(last_change(), 0);
    close_office();
}

static void without_tokens_of_users(void **state)
{
    static struct secret_source token;
    (void)state;
    token.env = (char *)(uintptr_t) "TOKEN_0"; /* of /events */
    office.clerk.spec.n_users = 0;
    open_office();
    must_say(ask("admin", "", PAUSE), 403, "no tokens of users");
    close_office();
    office.clerk.spec.token = token;
    office.clerk.spec.n_users = USERS - 1;
    office.clerk.spec.users = users + 1;
    open_office();
    must_say(ask("nobody", "", PAUSE), 403, "names no user");
    must_say(ask("admin", "", PAUSE), 409, "no workflow");
    close_office();
    struct err err = ERR_INIT;
    (void)setenv("TOKEN_1", "sesame", 1);
    const struct listener_options listen = {.spec = &office.clerk.spec,
                                            .store = office.place->path};
    assert_null(listener_start(&listen, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.msg, "at least 20"));
    assert_null(strstr(err.msg, "sesame"));
}

/* ---- what waits ---- */

/* Approved with nothing but what was told over the network. */
static void what_waits_is_told(void **state)
{
    (void)state;
    open_office();
    int64_t workflow = by_hand("submit", 0, submission);
    struct reply reply =
        visit_once(&office.clerk, "GET /approvals HTTP/1.1\r\nHost: h\r\n" BEARER "\r\n");
    struct err err = ERR_INIT;
    struct json *rows = json_parse(reply.body, strlen(reply.body), &err);
    assert_int_equal(reply.status, 200);
    assert_int_equal(json_len(rows), 1);
    AUTO_FREE char *body = mem_printf(
        "{\"verb\":\"approve\",\"workflow\":\"%s\",\"args\":{\"approval\":\"%s\","
        "\"digest\":\"%s\"}}",
        json_str(json_at(rows, 0), "workflow", ""), json_str(json_at(rows, 0), "id", ""),
        json_str(json_at(rows, 0), "digest", ""));
    assert_true(json_is_an_object(json_get(json_at(rows, 0), "effect")));
    json_free(rows);
    reply_free(&reply);
    must_say(ask("approver", "", body), 200, "wf-1 is ");
    must_say(ask("approver", "", body), 409, "a-1 was approved by approver");
    assert_int_equal(workflow, 1);
    must_say(visit_once(&office.clerk, "GET /approvals HTTP/1.1\r\nHost: h\r\n"
                                       "Authorization: Bearer x\r\n\r\n"),
             401, "wrong");
    must_say(ask("approver", "", "{\"verb\":\"claim\",\"args\":{\"approval\":\"o-3\"}}"),
             400, "\"field\":\"args.approval\"");
    close_office();
}

/* ---- keys ---- */

static void one_key_is_one_command(void **state)
{
    AUTO_FREE char *body =
        mem_printf("{\"verb\":\"submit\",\"args\":%s,\"key\":\"k-1\"}", submission);
    AUTO_FREE char *bare = mem_printf("{\"args\":%s,\"verb\":\"submit\"}", submission);
    (void)state;
    open_office();
    int64_t id = number_in(ask("operator", "", body), "command");
    assert_int_equal(number_in(ask("operator", "", body), "command"), id);
    must_say(ask("operator", "Idempotency-Key: \"k-1\"\r\n", bare), 200,
             "\"workflow\":1,");
    must_say(ask("operator", "Idempotency-Key: k-1\r\n", PAUSE), 422, "another command");
    int64_t of_other =
        number_in(ask("admin", "", body), "command"); /* a key of his own */
    assert_true(of_other > id);
    close_office();
    open_office();
    struct reply reply = ask("operator", "", body);
    assert_int_equal(message_number(reply.body, "command"), id);
    must_say(reply, 200, "\"key\":\"k-1\"");
    int64_t before = last_change();
    must_say(ask("operator", "", body), 200, "\"workflow\":1,");
    assert_int_equal(last_change(), before);
    assert_int_equal(n_commands(), of_other);
    close_office();
}

/* ---- later ---- */

static void answered_later(void **state)
{
    (void)state;
    office.clerk.limits.command_time = (struct span){1};
    open_office();
    atomic_store(&office.is_holding, true);
    struct reply reply = ask("admin", "", "{\"verb\":\"halt\",\"key\":\"h\"}");
    int64_t id = message_number(reply.body, "command");
    must_say(reply, 202, "\"is_answered\":false");
    AUTO_FREE char *look = mem_printf(
        "GET /commands/%lld HTTP/1.1\r\nHost: h\r\n" BEARER "\r\n", (long long)id);
    must_say(visit_once(&office.clerk, look), 200, "\"is_answered\":false");
    atomic_store(&office.is_holding, false);
    mailbox_wake(office.bell);
    (void)by_hand("audit-read", 0, "{\"what\":\"verify\"}"); /* answered in order */
    must_say(visit_once(&office.clerk, look), 200, "\"answer\":0");
    AUTO_FREE char *others = mem_printf("GET /commands/%lld HTTP/1.1\r\nHost: h\r\n"
                                        "Authorization: Bearer " TOKEN "\r\n\r\n",
                                        (long long)id, "approver");
    must_say(visit_once(&office.clerk, others), 404, "no such");
    close_office();
}

/* Who goes away has asked all the same, and hears it under his key. */
static void a_client_that_goes(void **state)
{
    (void)state;
    open_office();
    atomic_store(&office.is_holding, true);
    static const char body[] = "{\"verb\":\"halt\",\"key\":\"h-1\"}";
    AUTO_FREE char *text =
        mem_printf(POST("Content-Length: %zu\r\n" JSON BEARER, "%s"), strlen(body), body);
    int fd = visit(&office.clerk);
    visit_text(fd, text);
    for (int i = 0; i < WAIT_MS && n_commands() == 0; i++) {
        (void)poll(NULL, 0, 1);
    }
    (void)close(fd);
    assert_int_equal(n_commands(), 1);
    atomic_store(&office.is_holding, false);
    must_say(ask("admin", "", body), 200, "\"command\":1,");
    close_office();
}

static void connections_are_kept(void **state)
{
    AUTO_FREE char *text = mem_printf("%s", POST(LEN BEARER JSON, PAUSE));
    (void)state;
    open_office();
    int fd = visit(&office.clerk);
    for (int i = 0; i < 20; i++) {
        visit_text(fd, text);
        must_say(visit_reply(fd), 409, "no workflow");
    }
    (void)close(fd);
    for (size_t i = 0; i < strlen(text); i += 7) { /* cut off anywhere */
        fd = visit(&office.clerk);
        visit_send(fd, text, i);
        (void)close(fd);
    }
    assert_int_equal(n_commands(), 20);
    close_office();
}

/* ---- too often ---- */

/* Fifty at once: the purse would fill only if they took five seconds. */
static void commands_have_a_rate(void **state)
{
    int fds[50], n_late = 0;
    char large[5000]; /* answered before it is read */
    (void)state;
    memset(large, ' ', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    AUTO_FREE char *text = mem_printf(POST("Content-Length: %zu\r\n" JSON BEARER, "%s"),
                                      strlen(large), large);
    office.clerk.limits.command_burst = 3;
    open_office();
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = visit(&office.clerk);
        visit_text(fds[i], text);
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        struct reply reply = visit_reply(fds[i]);
        if (reply.status == 429) {
            assert_non_null(strstr(reply.head, "Retry-After: "));
            n_late++;
        }
        reply_free(&reply);
        (void)close(fds[i]);
    }
    assert_in_range(n_late, 1, ARRAY_LEN(fds) - 3);
    must_say(ask("operator", "", PAUSE), 409, "no workflow"); /* has his own */
    close_office();
}

/* What must work always works: an empty purse halts. */
static void a_halt_has_no_rate(void **state)
{
    (void)state;
    office.clerk.limits.command_burst = 1;
    open_office();
    for (int i = 0; i < 5; i++) {
        must_say(ask("admin", "", "{\"verb\":\"halt\"}"), 200, "halt");
    }
    close_office();
}

static void wrong_tokens_are_counted(void **state)
{
    (void)state;
    open_office();
    int n_wrong = 0, status = 401;
    while (status == 401 && n_wrong < 20 * TAP_WRONG) {
        struct reply reply = ask_with("a-guess-of-the-right-length", "", PAUSE);
        status = reply.status;
        n_wrong++;
        reply_free(&reply);
    }
    assert_int_equal(status, 429);
    assert_true(n_wrong > TAP_WRONG);
    must_say(ask("admin", "", PAUSE), 409, "no workflow"); /* a right one is none */
    close_office();
}

/* ---- WebSocket ---- */

static void over_a_socket(void **state)
{
    static const char request[] =
        "{\"type\":\"command\",\"verb\":\"halt\",\"args\":{\"reason\":\"r\"},"
        "\"key\":\"w-1\"}";
    (void)state;
    open_office();
    int fd = open_socket("operator", "/events");
    send_frame(fd, 1, request, strlen(request));
    int code = 0;
    AUTO_FREE char *hello = visit_message(fd, &code);
    assert_non_null(strstr(hello, "\"type\":\"hello\"")); /* first, whatever is said */
    AUTO_FREE char *answer = next_answer(fd);
    assert_non_null(strstr(answer, "\"status\":200"));
    assert_non_null(strstr(answer, "\"key\":\"w-1\""));
    must_say(ask("operator", "Idempotency-Key: w-1\r\n",
                 "{\"verb\":\"halt\",\"args\":{\"reason\":\"r\"}}"),
             200, "\"command\":1,");
    send_frame(fd, 1, "{\"verb\":\"x\",\"key\":\"w-2\"}", 24);
    AUTO_FREE char *error = next_answer(fd);
    assert_non_null(strstr(error, "\"status\":400,\"error\":\"there is no verb 'x'\""));
    assert_non_null(strstr(error, "\"key\":\"w-2\""));
    (void)close(fd);
    fd = visit_ws(&office.clerk, "/events", "", &code); /* open, on a loopback address */
    send_frame(fd, 1, request, strlen(request));
    AUTO_FREE char *nobody = next_answer(fd);
    assert_non_null(strstr(nobody, "\"status\":401"));
    (void)close(fd);
    assert_int_equal(n_commands(), 1);
    close_office();
}

static int close_code(int fd)
{
    int code = 0;
    for (char *message; (message = visit_message(fd, &code)) != NULL;) {
        free(message);
    }
    (void)close(fd);
    return code;
}

static void messages_that_will_not_do(void **state)
{
    (void)state;
    open_office();
    int fd = open_socket("admin", "/events");
    send_frame(fd, 2, PAUSE, strlen(PAUSE));
    assert_int_equal(close_code(fd), 1003);
    fd = open_socket("admin", "/events");
    AUTO_FREE char *large = mem_alloc(3 * 1024 * 1024);
    memset(large, ' ', 3 * 1024 * 1024);
    send_frame(fd, 1, large, 3 * 1024 * 1024);
    int code = close_code(fd);
    assert_true(code == 1009 || code == 0); /* closed while it still sends */
    assert_int_equal(n_commands(), 0);
    close_office();
}

/* Whoever says much and reads nothing is closed, and holds nobody up. */
static void who_does_not_read(void **state)
{
    (void)state;
    open_office();
    int fd = open_socket("admin", "/events"), small = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    for (int i = 0; i < 20000; i++) {
        send_frame(fd, 1, "{", 1);
    }
    int code = close_code(fd);
    assert_true(code == 1008 || code == 0);
    must_say(ask("operator", "", PAUSE), 409, "no workflow");
    close_office();
}

/* ---- what is kept of a token ---- */

static void no_token_is_kept(void **state)
{
    struct err err = ERR_INIT;
    char *bytes = NULL;
    size_t len = 0;
    (void)state;
    open_office();
    must_say(ask("operator", "", "{\"verb\":\"halt\"}"), 200, "halt");
    must_say(ask_with("wrong-but-secret-all-the-same", "", PAUSE), 401, "wrong");
    AUTO_FREE char *wal = mem_printf("%s-wal", office.place->path);
    const char *files[] = {wal, office.place->path};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        assert_true(file_read(files[i], 64 * 1024 * 1024, &bytes, &len, &err));
        assert_null(memmem(bytes, len, "long-enough", 11));
        assert_null(memmem(bytes, len, "wrong-but-secret", 16));
        free(bytes);
    }
    struct command_row row;
    assert_int_equal(reader_command(office.reader, office.place->arena, 1, &row, &err),
                     FOUND);
    assert_string_equal(row.actor, "operator");
    assert_string_equal(row.origin, "network");
    close_office();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_verb_by_each_role),    TEST(each_verb_read_only),
        TEST(what_is_refused),           TEST(what_is_no_request),
        TEST(what_waits_is_told),        TEST(without_tokens_of_users),
        TEST(one_key_is_one_command),    TEST(answered_later),
        TEST(a_client_that_goes),        TEST(connections_are_kept),
        TEST(commands_have_a_rate),      TEST(a_halt_has_no_rate),
        TEST(wrong_tokens_are_counted),  TEST(over_a_socket),
        TEST(messages_that_will_not_do), TEST(who_does_not_read),
        TEST(no_token_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
