/* SPDX-License-Identifier: MIT */
/* Control center: waiting for services, webhooks, orders to services, adopted pull requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "engine/service/service.h"

#define NOW      ((struct wall){1767225600000})
#define RAMP_MS  60000
#define KEPT_MAX 64

static const char remote[] =
    "name: p\nbase: main\nagent: {provider: codegen_api, backups: [codegen_eu]}\n"
    "forge: {provider: github_api, repository: acme/Payments}\n"
    "validate: []\nmerge: {mode: auto}\n";
static const char local[] = "name: l\nrepository: /srv/p\nbase: main\n"
                            "agent: {command: agent}\nvalidate: []\n";

static char name_codegen[] = "codegen_api", name_eu[] = "codegen_eu",
            name_github[] = "github_api";
static const struct service_spec services[] = {
    {.name = name_codegen,
     .kind = SERVICE_CODEGEN,
     .gate = {.ramp = {RAMP_MS}, .breaker = {.half_open_calls = 2}}},
    {.name = name_eu,
     .kind = SERVICE_CODEGEN,
     .gate = {.ramp = {RAMP_MS}, .breaker = {.half_open_calls = 1}}},
    {.name = name_github,
     .kind = SERVICE_GITHUB,
     .gate = {.ramp = {RAMP_MS}, .breaker = {.half_open_calls = 3}}},
};

struct fixture {
    char folder[64];
    char *path;
    struct store *store;
    struct control *control;
    struct wall now;
    int n_performed;
    struct effect_row performed[KEPT_MAX]; /* without strings */
    int n_kept, n_not_kept, n_hints;
    int64_t hinted_pull;
    int n_orders;
    struct service_order last_order; /* without strings */
    char order_text[200];
};

static void on_perform(void *self, const struct effect_row *effect)
{
    struct fixture *f = self;
    assert_true(f->n_performed < KEPT_MAX);
    f->performed[f->n_performed++] = *effect;
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    (void)self;
    (void)workflow;
    (void)seq;
}

static void on_answer(void *self, struct webhook *webhook, bool is_kept)
{
    struct fixture *f = self;
    assert_non_null(webhook->ticket);
    f->n_kept += is_kept;
    f->n_not_kept += !is_kept;
    webhook_free(webhook);
}

static void on_hint(void *self, struct forge_event *event)
{
    struct fixture *f = self;
    f->n_hints++;
    f->hinted_pull = event->pull;
    forge_event_free(event);
}

static void on_order(void *self, struct service_order *order)
{
    struct fixture *f = self;
    f->n_orders++;
    f->last_order = *order;
    (void)snprintf(f->order_text, sizeof(f->order_text), "%s %s %s", order->service,
                   order->actor, order->reason);
    service_order_free(order);
}

static void open_control(struct fixture *f)
{
    struct err err = ERR_INIT;
    f->store = store_open(f->path, STORE_OFF, &err);
    assert_non_null(f->store);
    struct control_options options = {
        .max_running = 100,
        .limits = {span_s(5),        span_s(300)      },
        .seed = 1,
        .services = services,
        .n_services = ARRAY_LEN(services),
        .outlet = { .self = f, .answer = on_answer, .hint = on_hint, .order = on_order},
    };
    f->control = control_new(&options, f->store);
    assert_true(control_load(f->control, f->now, &err));
}

static void close_control(struct fixture *f)
{
    control_free(f->control);
    store_close(f->store);
}

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/signalbox-test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->path = file_join(f->folder, "s.db");
    f->now = NOW;
    open_control(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    close_control(f);
    (void)file_remove_tree(f->folder, &err);
    free(f->path);
    free(f);
    return 0;
}

static void turn(struct fixture *f)
{
    struct err err = ERR_INIT;
    struct executor executor = {f, on_perform, on_stop};
    assert_true(control_commands(f->control, 100, f->now, &err) >= 0);
    control_tick(f->control, f->now);
    assert_true(control_commit(f->control, &executor, &err));
}

/* Time passes; every wake-up is used. */
static void wait_until(struct fixture *f, int64_t ms)
{
    int64_t end = NOW.ms + ms;
    while (f->now.ms < end) {
        struct wall at = control_wake_at(f->control);
        f->now.ms = wall_is_set(at) && at.ms < end ? at.ms : end;
        turn(f);
    }
}

static int64_t send(struct fixture *f, const char *verb, const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {
        .at = f->now, .actor = "ada", .verb = verb, .args = args, .message = ""};
    int64_t id = command_send(f->path, &row, &err);
    assert_true(id > 0);
    return id;
}

static void expect_answer(struct fixture *f, int64_t id, int answer, const char *part)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    struct command_row row;
    assert_non_null(reader);
    assert_int_equal(reader_command(reader, arena, id, &row, &err), FOUND);
    if (row.answer != answer || strstr(row.message, part) == NULL) {
        fail_msg("answer %d '%s', expected %d '%s'", row.answer, row.message, answer,
                 part);
    }
    arena_free(arena);
    reader_close(reader);
}

static int64_t hand_over(struct fixture *f, const char *verb, const char *text,
                         int number)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 4096);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", "p");
    jsonw_str(&w, "text", text);
    if (strcmp(verb, "adopt") == 0) {
        jsonw_int(&w, "pull", number);
    } else {
        jsonw_str(&w, "task", "do it");
        jsonw_int(&w, "priority", number);
    }
    jsonw_close(&w, '}');
    return send(f, verb, args.data);
}

static const struct workflow_row *row_of(const struct fixture *f, int64_t id)
{
    size_t iter = 0;
    const struct workflow *workflow;
    while ((workflow = control_next_live(f->control, &iter)) != NULL) {
        if (workflow->row.id == id) {
            return &workflow->row;
        }
    }
    fail_msg("wf-%lld is not live", (long long)id);
    return NULL;
}

static int count_waiting(const struct fixture *f)
{
    size_t iter = 0;
    int n = 0;
    const struct workflow *workflow;
    while ((workflow = control_next_live(f->control, &iter)) != NULL) {
        n += workflow->row.wait == WAIT_SERVICE;
    }
    return n;
}

static void answer(struct fixture *f, int64_t id, const char *waits_for)
{
    struct effect_result *result = effect_result_new(id, row_of(f, id)->effect_seq);
    result->status = waits_for != NULL ? STATUS_DEFERRED : STATUS_PASSED;
    result->blame = waits_for != NULL ? BLAME_SERVICE : BLAME_NONE;
    result->service = waits_for != NULL ? mem_str(waits_for) : NULL;
    result->summary = mem_str(waits_for != NULL ? "its breaker is open" : "done");
    result->provider = mem_str("codegen_api");
    result->branch = mem_printf("topic-%lld", (long long)id);
    result->head_sha = mem_printf("sha-%lld", (long long)id);
    control_result(f->control, result, f->now);
}

static void report(struct fixture *f, const char *name, enum breaker_state breaker,
                   int64_t until_ms, const char *event)
{
    struct service_report *report = mem_alloc(sizeof(*report));
    report->text[0] = mem_str(name);
    report->row = (struct service_row){.name = report->text[0],
                                       .kind = "codegen",
                                       .state = breaker,
                                       .since = f->now,
                                       .until = {until_ms},
                                       .reason = "",
                                       .detail = "{}",
                                       .memo = "{}",
                                       .updated_at = f->now};
    report->event = mem_str(event);
    report->cause = mem_str("3 failures in a row");
    report->actor = mem_str("engine");
    control_report(f->control, report, f->now);
}

/* n workflows, parked at CODE because codegen_api is not there. */
static void park(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++) {
        (void)hand_over(f, "submit", remote, i == n - 1 ? 9 : 5);
    }
    turn(f);
    report(f, "codegen_eu", BREAKER_OPEN, 0, "breaker-open");
    report(f, "codegen_api", BREAKER_OPEN, f->now.ms + 30000, "breaker-open");
    for (int i = 1; i <= n; i++) {
        answer(f, i, NULL); /* workspace */
        answer(f, i, "codegen_api");
    }
    turn(f);
    assert_int_equal(count_waiting(f), n);
    f->n_performed = 0;
}

static void those_who_wait_go_on_along_the_ramp(void **state)
{
    struct fixture *f = *state;
    park(f, 12);
    wait_until(f, 20000);
    assert_int_equal(f->n_performed, 0);
    report(f, "codegen_api", BREAKER_CLOSED, 0, "breaker-closed");
    turn(f);
    /* A few at once: the highest priority, then the oldest. */
    assert_int_equal(f->n_performed, 2);
    assert_int_equal(f->performed[0].workflow, 12);
    assert_int_equal(f->performed[1].workflow, 1);
    wait_until(f, 20000 + RAMP_MS / 2);
    assert_int_equal(f->n_performed, 2 + 5);
    wait_until(f, 20000 + RAMP_MS);
    assert_int_equal(f->n_performed, 12);
    for (int i = 2; i < 12; i++) {
        assert_int_equal(f->performed[i].workflow, i);
    }
    assert_int_equal(row_of(f, 3)->agent_runs, 1);
    assert_int_equal(row_of(f, 3)->attempt, 1);
}

static void the_rest_stays_when_it_opens_again(void **state)
{
    struct fixture *f = *state;
    park(f, 12);
    report(f, "codegen_api", BREAKER_CLOSED, 0, "");
    wait_until(f, RAMP_MS / 2);
    int n = f->n_performed;
    assert_in_range(n, 3, 9);
    report(f, "codegen_api", BREAKER_OPEN, 0, "");
    wait_until(f, RAMP_MS * 10);
    assert_int_equal(f->n_performed, n);
    assert_int_equal(count_waiting(f), 12 - n);
    report(f, "codegen_api", BREAKER_FORCED_CLOSED, 0, "");
    wait_until(f, RAMP_MS * 11);
    assert_int_equal(f->n_performed, 12);
}

static void half_open_lets_a_few_try(void **state)
{
    struct fixture *f = *state;
    park(f, 8);
    report(f, "codegen_api", BREAKER_HALF_OPEN, 0, "");
    turn(f);
    assert_int_equal(f->n_performed, 2);
    report(f, "codegen_api", BREAKER_HALF_OPEN, 0, ""); /* figures only */
    wait_until(f, 5000);
    assert_int_equal(f->n_performed, 2);
    report(f, "codegen_api", BREAKER_CLOSED, 0, "");
    wait_until(f, RAMP_MS * 2);
    assert_int_equal(f->n_performed, 8);
}

static void a_backup_serves_them_too(void **state)
{
    struct fixture *f = *state;
    park(f, 4);
    report(f, "codegen_eu", BREAKER_CLOSED, 0, "");
    wait_until(f, RAMP_MS);
    assert_int_equal(f->n_performed, 4);
    /* A service that none of them could use changes nothing. */
    for (int i = 1; i <= 4; i++) {
        answer(f, i, "codegen_api");
    }
    report(f, "codegen_eu", BREAKER_OPEN, 0, "");
    turn(f);
    report(f, "github_api", BREAKER_OPEN, 0, "");
    report(f, "github_api", BREAKER_CLOSED, 0, "");
    wait_until(f, RAMP_MS + 20000);
    assert_int_equal(f->n_performed, 4);
}

static void a_restart_begins_the_ramp_again(void **state)
{
    struct fixture *f = *state;
    park(f, 6);
    report(f, "codegen_api", BREAKER_CLOSED, 0, "");
    turn(f);
    assert_int_equal(f->n_performed, 2);
    close_control(f);
    f->n_performed = 0;
    open_control(f);
    turn(f);
    assert_int_equal(f->n_performed, 2 + 2); /* what was in flight, and the next few */
    wait_until(f, RAMP_MS);
    assert_int_equal(f->n_performed, 6);

    /* And while it is open, nobody goes on after a restart. */
    for (int i = 1; i <= 6; i++) {
        answer(f, i, "codegen_api");
    }
    report(f, "codegen_api", BREAKER_FORCED_OPEN, 0, "");
    turn(f);
    close_control(f);
    f->n_performed = 0;
    open_control(f);
    wait_until(f, RAMP_MS * 10);
    assert_int_equal(f->n_performed, 0);
}

/* Nobody says that the breaker has closed: a few try after a while, and again. */
static void a_lost_report_costs_a_minute(void **state)
{
    struct fixture *f = *state;
    park(f, 5);
    wait_until(f, 30000 + 59000);
    assert_int_equal(f->n_performed, 0);
    wait_until(f, 30000 + 60000);
    assert_int_equal(f->n_performed, 2);
    wait_until(f, 30000 + 180000);
    assert_int_equal(f->n_performed, 5);
}

/* Sent back though the breaker is closed (a full line): each time a longer pause. */
static void a_closed_door_without_a_breaker_is_tried_less_and_less(void **state)
{
    struct fixture *f = *state;
    (void)hand_over(f, "submit", remote, 5);
    turn(f);
    answer(f, 1, NULL);
    for (int i = 0; i < 8; i++) {
        int64_t at = f->now.ms;
        answer(f, 1, "codegen_api");
        turn(f);
        assert_int_equal(row_of(f, 1)->wait, WAIT_SERVICE);
        int n = f->n_performed;
        while (f->n_performed == n) {
            struct wall wake = control_wake_at(f->control);
            assert_true(wake.ms > f->now.ms);
            f->now = wake;
            turn(f);
        }
        assert_int_equal(f->now.ms - at, (int64_t)5000 << (i < 6 ? i : 6));
    }
    answer(f, 1, NULL); /* done: the next time begins with a short pause */
    int64_t at = f->now.ms;
    answer(f, 1, "github_api");
    turn(f);
    assert_int_equal(control_wake_at(f->control).ms - at, 5000);
}

/* Nobody waits for the pull request to be closed, and it is closed all the same. */
static void what_goes_beside_is_not_forgotten(void **state)
{
    struct fixture *f = *state;
    (void)hand_over(f, "submit", remote, 5);
    turn(f);
    for (int i = 0; i < 3; i++) { /* workspace, agent, commit */
        answer(f, 1, NULL);
    }
    struct effect_result *opened = effect_result_new(1, row_of(f, 1)->effect_seq);
    opened->status = STATUS_PASSED;
    opened->pr_number = 7;
    control_result(f->control, opened, f->now);
    struct err err = ERR_INIT;
    struct command_row cancel = {.at = f->now,
                                 .actor = "ada",
                                 .verb = "cancel",
                                 .workflow = 1,
                                 .args = "{}",
                                 .message = ""};
    assert_true(command_send(f->path, &cancel, &err) > 0);
    turn(f);
    struct effect_row close = f->performed[f->n_performed - 2];
    assert_int_equal(close.kind, EFFECT_CLOSE);
    for (int i = 0; i < 3; i++) {
        struct effect_result *result = effect_result_new(1, close.seq);
        result->status = STATUS_DEFERRED;
        result->blame = BLAME_SERVICE;
        result->service = mem_str("github_api");
        control_result(f->control, result, f->now);
        turn(f);
        int n = f->n_performed;
        if (i == 1) { /* also over a restart */
            close_control(f);
            open_control(f);
            turn(f);
        } else {
            f->now = control_wake_at(f->control);
            turn(f);
        }
        assert_true(f->n_performed > n);
        assert_true(control_is_pending(f->control, 1, close.seq));
    }
    struct effect_result *result = effect_result_new(1, close.seq);
    result->status = STATUS_PASSED;
    control_result(f->control, result, f->now);
    turn(f);
    assert_false(control_is_pending(f->control, 1, close.seq));
}

static void reports_are_kept_and_told(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    report(f, "github_api", BREAKER_OPEN, 99, "breaker-open");
    report(f, "github_api", BREAKER_OPEN, 99, "");
    turn(f);
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    const struct service_row *rows;
    const struct event_row *events;
    size_t n;
    assert_true(reader_services(reader, arena, &rows, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].state, BREAKER_OPEN);
    assert_true(reader_events(reader, arena, 0, 0, 10, &events, &n, &err));
    assert_int_equal(n, 1);
    assert_string_equal(events[0].kind, "breaker-open");
    assert_string_equal(events[0].text, "github_api: 3 failures in a row");
    arena_free(arena);
    reader_close(reader);
}

/* ---- webhooks ---- */

static struct webhook *make_webhook(const struct fixture *f, const char *guid,
                                    int64_t pull, const char *sha, const char *branch)
{
    struct webhook *webhook = mem_alloc(sizeof(*webhook));
    struct forge_event *event = mem_alloc(sizeof(*event));
    event->kind = FORGE_PULL_REQUEST;
    event->action = mem_str("opened");
    event->repository = mem_str("ACME/payments"); /* the same in any case */
    event->branch = mem_str(branch);
    event->sha = mem_str(sha);
    event->pull = pull;
    char **rest[] = {&event->base,       &event->before, &event->name, &event->status,
                     &event->conclusion, &event->actor,  &event->url,  &event->merge_sha};
    for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
        *rest[i] = mem_str("");
    }
    webhook->event = event;
    webhook->guid = mem_str(guid);
    webhook->name = mem_str("pull_request");
    webhook->body = mem_str("{\"action\":\"opened\"}");
    webhook->body_len = strlen(webhook->body);
    webhook->at = f->now;
    webhook->ticket = webhook;
    return webhook;
}

static struct delivery_row last_delivery(struct fixture *f, struct arena *arena)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    const struct delivery_row *rows;
    size_t n = 0;
    struct delivery_query query = {.max = 1};
    assert_true(reader_deliveries(reader, arena, &query, &rows, &n, &err));
    assert_int_equal(n, 1);
    struct delivery_row row = rows[0];
    reader_close(reader);
    return row;
}

static void a_webhook_is_kept_answered_and_hinted_once(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    (void)hand_over(f, "submit", remote, 5);
    turn(f);
    answer(f, 1, NULL);
    turn(f);
    control_webhook(f->control, make_webhook(f, "g-1", 7, "", "topic-1"));
    assert_int_equal(f->n_kept, 0); /* not before the commit */
    turn(f);
    assert_int_equal(f->n_kept, 1);
    assert_int_equal(f->n_hints, 1);
    assert_int_equal(f->hinted_pull, 7);
    struct delivery_row row = last_delivery(f, arena);
    assert_int_equal(row.workflow, 1);
    assert_int_equal(row.status, DELIVERY_ACCEPTED);
    assert_string_equal(row.text, "#7 opened topic-1");

    control_webhook(f->control, make_webhook(f, "g-1", 7, "", "topic-1"));
    turn(f);
    assert_int_equal(f->n_kept, 2);
    assert_int_equal(f->n_hints, 1); /* a duplicate has no effect */

    control_webhook(f->control, make_webhook(f, "g-2", 0, "sha-1", ""));
    turn(f);
    assert_int_equal(last_delivery(f, arena).workflow, 1);
    control_webhook(f->control, make_webhook(f, "g-3", 99, "other", "other"));
    turn(f);
    assert_int_equal(last_delivery(f, arena).workflow, 0);

    struct webhook *unused = make_webhook(f, "g-4", 0, "", "");
    forge_event_free(unused->event);
    unused->event = NULL;
    control_webhook(f->control, unused);
    control_rejected(f->control, 3);
    turn(f);
    assert_int_equal(last_delivery(f, arena).status, DELIVERY_IGNORED);
    assert_int_equal(f->n_kept, 5);
    assert_int_equal(f->n_hints, 3);
    arena_free(arena);
}

static void a_fault_is_told_and_nothing_is_lost(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    control_webhook(f->control, make_webhook(f, "g-1", 7, "", ""));
    control_fault(f->control);
    control_fault(f->control);
    assert_int_equal(f->n_not_kept, 1);
    turn(f); /* the cause is gone */
    assert_int_equal(f->n_kept, 0);
    assert_int_equal(f->n_hints, 1);
    assert_string_equal(last_delivery(f, arena).guid, "g-1");
    control_webhook(f->control, make_webhook(f, "g-2", 7, "", "")); /* at the end */
    arena_free(arena);
}

static void what_polling_found_is_seen(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    (void)hand_over(f, "submit", remote, 5);
    turn(f);
    struct reconciled *reconciled = mem_alloc(sizeof(*reconciled));
    reconciled->workflow = 1;
    reconciled->text = mem_str("pull request 7 was merged");
    control_reconciled(f->control, reconciled, f->now);
    turn(f);
    struct delivery_row row = last_delivery(f, arena);
    assert_int_equal(row.status, DELIVERY_RECONCILED);
    assert_int_equal(row.workflow, 1);
    assert_string_equal(row.repository, "acme/Payments");
    assert_string_equal(row.text, "pull request 7 was merged");
    arena_free(arena);
}

/* ---- orders to services ---- */

static void orders_reach_the_service_after_the_commit(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    int64_t id = send(f, "breaker",
                      "{\"service\":\"github_api\",\"state\":\"open\",\"for\":\"10m\","
                      "\"reason\":\"they deploy\"}");
    turn(f);
    expect_answer(f, id, 0, "github_api: breaker open until 2026-01-01T00:10:00Z");
    assert_int_equal(f->n_orders, 1);
    assert_string_equal(f->order_text, "github_api ada they deploy");
    assert_true(f->last_order.has_force && f->last_order.force == FORCE_OPEN);
    assert_int_equal(f->last_order.until.ms, NOW.ms + 600000);
    (void)send(f, "breaker",
               "{\"service\":\"github_api\",\"state\":\"auto\",\"reason\":\"done\"}");
    turn(f);
    assert_int_equal(f->last_order.force, FORCE_AUTO);
    assert_false(wall_is_set(f->last_order.until));
    (void)send(f, "probe", "{\"service\":\"github_api\",\"reason\":\"well?\"}");
    turn(f);
    assert_true(f->last_order.is_probe && !f->last_order.has_force);
    (void)send(f, "reset", "{\"service\":\"codegen_api\",\"reason\":\"new key\"}");
    turn(f);
    assert_true(f->last_order.is_reset);
    assert_int_equal(f->n_orders, 4);

    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    const struct event_row *events;
    size_t n;
    assert_true(reader_events(reader, arena, 0, 0, 10, &events, &n, &err));
    assert_int_equal(n, 4);
    assert_string_equal(events[0].kind, "breaker");
    assert_string_equal(events[0].actor, "ada");
    assert_string_equal(
        events[0].text,
        "github_api: breaker open until 2026-01-01T00:10:00Z: they deploy");
    assert_string_equal(events[3].kind, "reset");
    arena_free(arena);
    reader_close(reader);
}

/* Answered as done, and the engine dies before the service has it. */
static void an_order_is_given_until_it_is_heard(void **state)
{
    struct fixture *f = *state;
    (void)send(f, "breaker",
               "{\"service\":\"github_api\",\"state\":\"open\",\"for\":\"10m\","
               "\"reason\":\"they deploy\"}");
    turn(f);
    assert_int_equal(f->n_orders, 1);
    report(f, "github_api", BREAKER_CLOSED, 0, ""); /* from before */
    turn(f);
    close_control(f);
    open_control(f);
    turn(f);
    assert_int_equal(f->n_orders, 2);
    assert_string_equal(f->order_text, "github_api ada they deploy");
    assert_int_equal(f->last_order.force, FORCE_OPEN);
    assert_int_equal(f->last_order.until.ms, NOW.ms + 600000);
    report(f, "github_api", BREAKER_FORCED_OPEN, NOW.ms + 600000, "breaker-forced-open");
    turn(f);
    close_control(f);
    open_control(f);
    turn(f);
    assert_int_equal(f->n_orders, 2);
}

static void wrong_orders_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *verb, *args;
        int answer;
        const char *part;
    } wrong[] = {
        {"breaker", "{\"service\":\"nope\",\"state\":\"open\",\"reason\":\"x\"}",        1,
         "no service 'nope'"                                                                                 },
        {"breaker", "{\"service\":\"github_api\",\"state\":\"ajar\",\"reason\":\"x\"}",  2,
         "'ajar'"                                                                                            },
        {"breaker", "{\"service\":\"github_api\",\"state\":\"open\"}",                   2,
         "needs 'reason'"                                                                                    },
        {"breaker", "{\"service\":\"github_api\",\"state\":\"open\",\"reason\":\"  \"}",
         2,                                                                                 "reason: empty"  },
        {"breaker",
         "{\"service\":\"github_api\",\"state\":\"open\",\"for\":\"soon\","
         "\"reason\":\"x\"}",                                                            2, "for: 'soon'"    },
        {"breaker",
         "{\"service\":\"github_api\",\"state\":\"auto\",\"for\":\"5m\","
         "\"reason\":\"x\"}",                                                            2, "auto has no end"},
        {"probe",   "{\"service\":\"github_api\"}",                                      2, "needs 'reason'" },
        {"reset",   "{\"reason\":\"x\"}",                                                2, "needs 'service'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        int64_t id = send(f, wrong[i].verb, wrong[i].args);
        turn(f);
        expect_answer(f, id, wrong[i].answer, wrong[i].part);
    }
    assert_int_equal(f->n_orders, 0);
}

/* ---- new workflows ---- */

static void a_pull_request_is_adopted_once(void **state)
{
    struct fixture *f = *state;
    int64_t id = hand_over(f, "adopt", remote, 7);
    turn(f);
    expect_answer(f, id, 0, "wf-1 accepted");
    const struct workflow_row *row = row_of(f, 1);
    assert_true(row->is_adopted);
    assert_int_equal(row->pr_number, 7);
    assert_int_equal(row->state, STATE_PR_CREATED);
    assert_string_equal(row->repo, "acme/Payments");
    assert_string_equal(row->title,
                        "Make pull request #7 of acme/Payments ready to merge");
    assert_int_equal(f->performed[0].kind, EFFECT_PULL_REQUEST);
    id = hand_over(f, "adopt", remote, 7);
    turn(f);
    expect_answer(f, id, 1, "is wf-1's");
    id = hand_over(f, "adopt", remote, 8);
    turn(f);
    expect_answer(f, id, 0, "wf-2 accepted");
    id = hand_over(f, "adopt", local, 9);
    turn(f);
    expect_answer(f, id, 1, "forge.repository");
    id = hand_over(f, "adopt", remote, 0);
    turn(f);
    expect_answer(f, id, 2, "pull");
}

static void providers_must_be_configured_and_fit(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *part;
    } wrong[] = {
        {"name: p\nbase: main\nagent: {provider: codegen_us}\n"
         "forge: {provider: github_api, repository: acme/p}\nvalidate: []\n",  "agent.provider: no service 'codegen_us'"                                    },
        {"name: p\nbase: main\nagent: {provider: codegen_api, backups: [github_api]}\n"
         "forge: {provider: github_api, repository: acme/p}\nvalidate: []\n",  "agent.backups[0]: service 'github_api' is of kind github, which is no agent"},
        {"name: p\nbase: main\nagent: {command: a}\n"
         "forge: {provider: codegen_api, repository: acme/p}\nvalidate: []\n", "forge.provider: service 'codegen_api'"                                      },
        {"name: p\nrepository: /srv/p\nbase: main\nagent: {command: a}\n"
         "sandbox: {provider: grainchain, backups: [local]}\nvalidate: []\n",  "sandbox.provider: no service 'grainchain'"                                  },
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        int64_t id = hand_over(f, "submit", wrong[i].text, 5);
        turn(f);
        expect_answer(f, id, 1, wrong[i].part);
    }
    int64_t id = hand_over(f, "submit", local, 5);
    turn(f);
    expect_answer(f, id, 0, "wf-1 accepted");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(those_who_wait_go_on_along_the_ramp),
        TEST(the_rest_stays_when_it_opens_again),
        TEST(half_open_lets_a_few_try),
        TEST(a_backup_serves_them_too),
        TEST(a_restart_begins_the_ramp_again),
        TEST(a_lost_report_costs_a_minute),
        TEST(a_closed_door_without_a_breaker_is_tried_less_and_less),
        TEST(what_goes_beside_is_not_forgotten),
        TEST(reports_are_kept_and_told),
        TEST(a_webhook_is_kept_answered_and_hinted_once),
        TEST(a_fault_is_told_and_nothing_is_lost),
        TEST(what_polling_found_is_seen),
        TEST(orders_reach_the_service_after_the_commit),
        TEST(an_order_is_given_until_it_is_heard),
        TEST(wrong_orders_are_refused),
        TEST(a_pull_request_is_adopted_once),
        TEST(providers_must_be_configured_and_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
