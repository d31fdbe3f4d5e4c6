/* SPDX-License-Identifier: MIT */
/* Control center: settings that are changed while it runs, and taken back. */
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
#include "engine/control/tuning.h"
#include "engine/service/service.h"

#define NOW       ((struct wall){1767225600000})
#define N_DEFAULT 2 /* max_running */

static const char web[] =
    "name: web\nrepository: /srv/p\nbase: main\n"
    "agent: {command: agent}\n"
    "validate: [{name: lint, command: a}, {name: test, command: b}]\n"
    "limits: {coding: 40m}\n";

static char name_codegen[] = "codegen_api", name_eu[] = "codegen_eu";
static const struct service_spec services[] = {
    {.name = name_codegen,
     .kind = SERVICE_CODEGEN,
     .gate = {.concurrency = 16, .breaker = {.failures = 3, .open = {30000}}}},
    {.name = name_eu,
     .kind = SERVICE_CODEGEN,
     .gate = {.concurrency = 4, .breaker = {.failures = 5, .open = {10000}}} },
};

struct fixture {
    char folder[64];
    char *path;
    struct store *store;
    struct control *control;
    struct wall now;
    int n_performed, n_orders;
    struct service_tuning tuned[2]; /* as last ordered, by service */
    bool has_tuned[2];
};

static void on_perform(void *self, const struct effect_row *effect)
{
    struct fixture *f = self;
    (void)effect;
    f->n_performed++;
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    (void)self;
    (void)workflow;
    (void)seq;
}

static void on_order(void *self, struct service_order *order)
{
    struct fixture *f = self;
    int which = strcmp(order->service, name_eu) == 0;
    f->n_orders++;
    f->has_tuned[which] = order->has_tuning;
    f->tuned[which] = order->tuning;
    service_order_free(order);
}

static void open_control(struct fixture *f)
{
    struct err err = ERR_INIT;
    f->store = store_open(f->path, STORE_OFF, &err);
    assert_non_null(f->store);
    struct control_options options = {
        .max_running = N_DEFAULT,
        .limits = {span_s(5), span_s(300)      },
        .seed = 1,
        .services = services,
        .n_services = ARRAY_LEN(services),
        .outlet = {.self = f, .order = on_order},
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

static void start_anew(struct fixture *f)
{
    turn(f);
    close_control(f);
    memset(f->has_tuned, 0, sizeof(f->has_tuned));
    open_control(f);
    turn(f);
}

static void expect(struct fixture *f, const char *verb, const char *args, int answer,
                   const char *part)
{
    struct err err = ERR_INIT;
    struct command_row row = {
        .at = f->now, .actor = "ada", .verb = verb, .args = args, .message = ""};
    int64_t id = command_send(f->path, &row, &err);
    assert_true(id > 0);
    turn(f);
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    assert_non_null(reader);
    assert_int_equal(reader_command(reader, arena, id, &row, &err), FOUND);
    if (row.answer != answer || strstr(row.message, part) == NULL) {
        fail_msg("%s %s: answer %d '%s', expected %d '%s'", verb, args, row.answer,
                 row.message, answer, part);
    }
    arena_free(arena);
    reader_close(reader);
}

#define TUNE(setting, scope, value)                                                      \
    "{\"setting\":\"" setting "\",\"scope\":\"" scope "\",\"value\":\"" value            \
    "\",\"reason\":\"because\"}"
#define UNTUNE(setting, scope) "{\"setting\":\"" setting "\",\"scope\":\"" scope "\"}"

/* Rows in the store, as "setting scope value<was" of each. */
static const char *stored(struct fixture *f)
{
    static char text[1000];
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    const struct tuning_row *rows = NULL;
    size_t n = 0, len = 0;
    assert_non_null(reader);
    assert_true(reader_tunings(reader, arena, &rows, &n, &err));
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s %s<%s",
                                i > 0 ? "; " : "", rows[i].setting, rows[i].scope,
                                rows[i].value, rows[i].was);
    }
    arena_free(arena);
    reader_close(reader);
    return text;
}

static const struct pipeline *submit(struct fixture *f, const char *text)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 8192);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", "web.yaml");
    jsonw_str(&w, "text", text);
    jsonw_str(&w, "task", "do it");
    jsonw_close(&w, '}');
    expect(f, "submit", args.data, 0, "accepted");
    size_t iter = 0;
    const struct workflow *workflow, *newest = NULL;
    while ((workflow = control_next_live(f->control, &iter)) != NULL) {
        if (newest == NULL || workflow->row.id > newest->row.id) {
            newest = workflow;
        }
    }
    assert_non_null(newest);
    return newest->pipeline;
}

static void last_event(struct fixture *f, const char *kind, const char *actor,
                       const char *text)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    const struct event_row *rows = NULL;
    size_t n = 0;
    assert_non_null(reader);
    assert_true(reader_last_events(reader, arena, 0, 1, &rows, &n, &err));
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].kind, kind);
    assert_string_equal(rows[0].actor, actor);
    assert_string_equal(rows[0].text, text);
    arena_free(arena);
    reader_close(reader);
}

/* A workflow keeps what it began with; the next one has what is in force. */
static void a_pipeline_is_tuned_for_those_to_come(void **state)
{
    struct fixture *f = *state;
    const struct pipeline *before = submit(f, web);
    assert_int_equal(before->coding.ms, 2400000);
    expect(f, "tune", TUNE("limits.coding", "pipeline:web", "1200s"), 0,
           "limits.coding of pipeline:web is 20m, for workflows that are submitted from "
           "now on");
    last_event(f, "tuned", "ada",
               "limits.coding of pipeline:web is 20m, was as configured: because");
    expect(f, "tune", TUNE("checks/gone.retries", "pipeline:web", "2"), 0, "");
    expect(f, "tune", TUNE("agent.provider", "pipeline:web", "nobody"), 0, "");
    expect(f, "tune", TUNE("checks.order", "pipeline:web", "[test]"), 0, "");
    expect(f, "tune", TUNE("limits.coding", "pipeline:other", "1m"), 0, "");
    assert_int_equal(before->coding.ms, 2400000);
    const struct pipeline *after = submit(f, web);
    assert_int_equal(after->coding.ms, 1200000);
    assert_string_equal(after->checks[0].name, "test");
    assert_string_equal(after->agent_chain.first, "local"); /* nobody is configured */
    start_anew(f);
    after = submit(f, web);
    assert_int_equal(after->coding.ms, 1200000);
    /* Taken back it is exactly as before: the same text, so the same row. */
    expect(f, "untune", UNTUNE("limits.coding", "pipeline:web"), 0,
           "limits.coding of pipeline:web is as configured again");
    last_event(f, "tuned-back", "ada",
               "limits.coding of pipeline:web is as configured, was 20m");
    expect(f, "untune", UNTUNE("checks.order", "pipeline:web"), 0, "");
    expect(f, "untune", UNTUNE("limits.coding", "pipeline:web"), 1, "is not tuned");
    after = submit(f, web);
    assert_int_equal(after->coding.ms, 2400000);
    assert_string_equal(after->checks[0].name, "lint");
    /* A text with an overlay of its own is taken as it is. */
    expect(f, "tune", TUNE("limits.coding", "pipeline:web", "3m"), 0, "");
    AUTO_FREE char *own = mem_printf("%s--- # tuned\nlimits: {retries: 9}\n", web);
    after = submit(f, own);
    assert_int_equal(after->coding.ms, 2400000);
    assert_int_equal(after->max_retries, 9);
}

static void the_engine_is_tuned_at_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 6; i++) {
        (void)submit(f, web);
    }
    assert_int_equal(f->n_performed, N_DEFAULT);
    expect(f, "tune", TUNE("max_running", "", "5"), 0, "max_running of engine is 5");
    assert_int_equal(f->n_performed, 5);
    expect(f, "tune", TUNE("recovery.backoff", "", "20m"), 0, "");
    AUTO_BUF struct buf value;
    buf_init(&value, 100);
    assert_true(tuning_present(f->control, "recovery.backoff_max", "", &value));
    assert_string_equal(value.data, "20m"); /* never below the first one */
    start_anew(f);
    assert_true(tuning_present(f->control, "max_running", "", &value));
    assert_string_equal(value.data, "5");
    expect(f, "untune", UNTUNE("max_running", ""), 0,
           "max_running of engine is 2 again, as configured");
    expect(f, "untune", UNTUNE("recovery.backoff", ""), 0, "5s again");
    assert_true(tuning_present(f->control, "recovery.backoff_max", "", &value));
    assert_string_equal(value.data, "5m");
    expect(f, "tune", TUNE("max_running", "", "261"), 1, "at most 260");
    expect(f, "tune", TUNE("max_running", "", "0"), 2, "out of range");
    assert_string_equal(stored(f), "");
}

static void a_service_is_told(void **state)
{
    struct fixture *f = *state;
    expect(f, "tune", TUNE("concurrency", "service:codegen_api", "8"), 0,
           "concurrency of service:codegen_api is 8");
    last_event(f, "tuned", "ada",
               "concurrency of service:codegen_api is 8, was 16: because");
    expect(f, "tune", TUNE("breaker.open", "service:codegen_api", "1m"), 0, "");
    assert_true(f->has_tuned[0] && !f->has_tuned[1]);
    assert_int_equal(f->tuned[0].concurrency, 8);
    assert_int_equal(f->tuned[0].failures, -1);
    assert_int_equal(f->tuned[0].open.ms, 60000);
    assert_int_equal(f->tuned[0].poll.ms, -1);
    start_anew(f);
    assert_true(f->has_tuned[0] && !f->has_tuned[1]);
    assert_int_equal(f->tuned[0].concurrency, 8);
    expect(f, "untune", UNTUNE("concurrency", "service:codegen_api"), 0, "16 again");
    assert_int_equal(f->tuned[0].concurrency, -1);
    assert_int_equal(f->tuned[0].open.ms, 60000);
    expect(f, "tune", TUNE("concurrency", "service:gone", "8"), 1, "no service 'gone'");
}

/* One on top of the other; each goes without the other, whoever is first. */
static void settings_lie_on_each_other(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    const char *const setting = "limits.coding", *const scope = "pipeline:web";
    for (int64_t i = 1; i <= 3; i++) {
        AUTO_FREE char *value = mem_printf("%lldm", (long long)(i * 10));
        struct tuning_row row = {.setting = setting,
                                 .scope = scope,
                                 .value = value,
                                 .actor = "engine",
                                 .reason = "learned",
                                 .optimization = i};
        assert_true(tuning_apply(f->control, &row, f->now, &err));
    }
    turn(f);
    assert_string_equal(stored(f), "limits.coding pipeline:web 30m<20m");
    start_anew(f);
    assert_true(tuning_drop(f->control, setting, scope, 2, "ada", "harm", f->now, &err));
    turn(f);
    last_event(f, "tuned-back", "ada",
               "limits.coding of pipeline:web is still 30m, without 20m: harm");
    assert_string_equal(stored(f), "limits.coding pipeline:web 30m<10m");
    assert_false(tuning_drop(f->control, setting, scope, 2, "ada", "harm", f->now, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    start_anew(f);
    assert_true(
        tuning_drop(f->control, setting, scope, 3, "engine", "harm", f->now, &err));
    turn(f);
    assert_string_equal(stored(f), "limits.coding pipeline:web 10m<");
    assert_int_equal(tuning_in_force(f->control, setting, scope)->optimization, 1);
    assert_true(
        tuning_drop(f->control, setting, scope, 1, "engine", "harm", f->now, &err));
    turn(f);
    assert_string_equal(stored(f), "");
    assert_null(tuning_in_force(f->control, setting, scope));
}

static void it_ends_with_its_time(void **state)
{
    struct fixture *f = *state;
    expect(f, "tune",
           "{\"setting\":\"max_running\",\"value\":\"4\",\"for\":\"10m\","
           "\"reason\":\"rush\"}",
           0, "max_running of engine is 4 until 2026-01-01T00:10:00Z");
    assert_int_equal(control_wake_at(f->control).ms, NOW.ms + 600000);
    start_anew(f);
    f->now.ms += 599999;
    turn(f);
    assert_non_null(tuning_in_force(f->control, "max_running", ""));
    f->now.ms++;
    turn(f);
    assert_null(tuning_in_force(f->control, "max_running", ""));
    last_event(f, "tuned-back", "engine",
               "max_running of engine is 2, was 4: its time is over");
    expect(f, "tune",
           "{\"setting\":\"max_running\",\"value\":\"4\",\"reason\":\"rush\","
           "\"until\":\"2020-01-01T00:00:00Z\"}",
           2, "over already");
    /* Over while no engine ran. */
    expect(f, "tune",
           "{\"setting\":\"max_running\",\"value\":\"4\",\"for\":\"10m\","
           "\"reason\":\"rush\"}",
           0, "");
    f->now.ms += 3600000;
    close_control(f);
    open_control(f);
    turn(f);
    assert_string_equal(stored(f), "");
}

static void what_is_wrong_changes_nothing(void **state)
{
    struct fixture *f = *state;
    expect(f, "tune", TUNE("limits.codnig", "pipeline:web", "1m"), 1, "no setting");
    expect(f, "tune", TUNE("limits.coding", "", "1m"), 2, "pipeline:NAME");
    expect(f, "tune", TUNE("limits.coding", "pipeline:web", "soon"), 2, "no duration");
    expect(f, "tune", "{\"setting\":\"max_running\",\"value\":\"3\"}", 2, "reason");
    expect(f, "tune", "{\"setting\":\"max_running\",\"value\":\"3\",\"reason\":\" \"}", 2,
           "reason");
    expect(f, "tune",
           "{\"setting\":\"max_running\",\"value\":\"3\",\"reason\":\"x\",\"for\":\"1m\","
           "\"until\":\"2027-01-01T00:00:00Z\"}",
           2, "not both");
    expect(f, "untune", UNTUNE("limits.coding", "pipeline:web"), 1, "is not tuned");
    assert_string_equal(stored(f), "");
    assert_int_equal(f->n_orders, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pipeline_is_tuned_for_those_to_come, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_engine_is_tuned_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_service_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(settings_lie_on_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_ends_with_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_changes_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
