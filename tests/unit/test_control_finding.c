/* SPDX-License-Identifier: MIT */
/* What the monitor says to the control center, what operators answer, and spans. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "engine/trace/span.h"
#include "tests/lib/place.h"

#define NOW    INT64_C(1767225600000)
#define MINUTE INT64_C(60000)

struct desk {
    struct place *place;
    struct store *store;
    struct control *control;
    struct wall now;
    int64_t last_seq;
};

static void on_perform(void *self, const struct effect_row *effect)
{
    ((struct desk *)self)->last_seq = effect->seq;
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    (void)self;
    (void)workflow;
    (void)seq;
}

static void desk_open(struct desk *desk, struct place *place, int64_t now)
{
    struct err err = ERR_INIT;
    struct control_options options = {
        .max_running = 2, .limits = {span_s(5), span_s(300)},
             .seed = 1
    };
    desk->place = place;
    desk->now.ms = now;
    desk->store = place_store(place);
    desk->control = control_new(&options, desk->store);
    if (!control_load(desk->control, desk->now, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void desk_close(struct desk *desk)
{
    control_free(desk->control);
    store_close(desk->store);
}

static void turn(struct desk *desk)
{
    struct err err = ERR_INIT;
    struct executor executor = {desk, on_perform, on_stop};
    assert_true(control_commands(desk->control, 100, desk->now, &err) >= 0);
    control_tick(desk->control, desk->now);
    if (!control_commit(desk->control, &executor, &err)) {
        fail_msg("%s", err.msg);
    }
}

/* Send, carry out, and compare: the status, and a part of the answer. */
static void ask(struct desk *desk, const char *verb, int64_t workflow, const char *args,
                int status, const char *part)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = desk->now,
                              .actor = "ada",
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    int64_t id = command_send(desk->place->path, &row, &err);
    assert_true(id > 0);
    turn(desk);
    struct reader *reader = place_reader(desk->place);
    assert_int_equal(reader_command(reader, desk->place->arena, id, &row, &err), FOUND);
    if (row.answer != status || strstr(row.message, part) == NULL) {
        fail_msg("%s %s: %d '%s', expected %d '%s'", verb, args, row.answer, row.message,
                 status, part);
    }
    reader_close(reader);
}

/* How many events of this kind; the newest one's text in *ret_text (may be NULL). */
static int events(const struct desk *desk, const char *kind, const char **ret_text)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(desk->place);
    const struct event_row *rows;
    size_t n_rows;
    int n = 0;
    assert_true(
        reader_events(reader, desk->place->arena, 0, 0, 10000, &rows, &n_rows, &err));
    for (size_t i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].kind, kind) == 0) {
            n++;
            if (ret_text != NULL) {
                *ret_text = rows[i].text;
            }
        }
    }
    reader_close(reader);
    return n;
}

static struct anomaly_row sample_anomaly(int64_t id)
{
    return (struct anomaly_row){.id = id,
                                .incident = 1,
                                .type = ANOMALY_SPIKE,
                                .severity = SEVERITY_LOW,
                                .opened_at = {NOW},
                                .series = "s{a=\"b\"}",
                                .component = "service:github",
                                .text = "\x1b[31mred\x1b[0m is wrong",
                                .rule = "",
                                .closed_by = "",
                                .detail = "{}"};
}

static void give_anomaly(struct desk *desk, int64_t number, const struct anomaly_row *row)
{
    control_finding(desk->control, monitor_finding_of_anomaly(number, row), desk->now);
}

static void give_incident(struct desk *desk, int64_t number,
                          const struct incident_row *row)
{
    control_finding(desk->control, monitor_finding_of_incident(number, row), desk->now);
}

static void test_an_anomaly_is_told_once(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct desk desk = {0};
    const char *text = "";
    desk_open(&desk, place, NOW);
    struct anomaly_row row = sample_anomaly(7);
    give_anomaly(&desk, 1, &row);
    row.score = 0.9; /* no news */
    give_anomaly(&desk, 2, &row);
    turn(&desk);
    assert_int_equal(events(&desk, "anomaly-opened", &text), 1);
    assert_string_equal(text, "anomaly 7 (low, spike): red is wrong");
    assert_int_equal(events(&desk, "anomaly-changed", NULL), 0);
    row.severity = SEVERITY_HIGH;
    give_anomaly(&desk, 3, &row);
    turn(&desk);
    assert_int_equal(events(&desk, "anomaly-changed", &text), 1);
    assert_string_equal(text, "anomaly 7 (high, spike): red is wrong");

    /* Killed here: the monitor gives again what it is not sure of. */
    desk_close(&desk);
    desk_open(&desk, place, NOW);
    row.severity = SEVERITY_CRITICAL;
    give_anomaly(&desk, 2, &row);
    give_anomaly(&desk, 3, &row);
    turn(&desk);
    assert_int_equal(events(&desk, "anomaly-changed", NULL), 1);
    row.closed_at.ms = NOW + 5;
    row.closed_by = "recovered";
    give_anomaly(&desk, 4, &row);
    give_anomaly(&desk, 4, &row);
    turn(&desk);
    assert_int_equal(events(&desk, "anomaly-closed", &text), 1);
    assert_string_equal(text, "anomaly 7 (critical, spike, recovered): red is wrong");
    struct reader *reader = place_reader(place);
    struct anomaly_row seen;
    assert_int_equal(reader_anomaly(reader, place->arena, 7, &seen, &err), FOUND);
    assert_int_equal(seen.closed_at.ms, NOW + 5);
    assert_string_equal(reader_setting(reader, place->arena, FINDING_SETTING), "4");
    reader_close(reader);
    desk_close(&desk);
}

static struct incident_row sample_incident(int64_t id)
{
    return (struct incident_row){.id = id,
                                 .severity = SEVERITY_MEDIUM,
                                 .cause = "service:github",
                                 .text = "github is slow",
                                 .opened_at = {NOW},
                                 .changed_at = {NOW},
                                 .n_anomalies = 1,
                                 .n_open = 1,
                                 .inhibited_by = "",
                                 .detail = "{}",
                                 .owner = "",
                                 .note = "",
                                 .claimed_by = "",
                                 .assignee = "",
                                 .links = ""};
}

static void test_what_is_inhibited_is_not_told(void **state)
{
    struct desk desk = {0};
    const char *text = "";
    desk_open(&desk, *state, NOW);
    struct incident_row row = sample_incident(1);
    row.inhibited_by = "silence:4";
    give_incident(&desk, 1, &row);
    turn(&desk);
    assert_int_equal(events(&desk, "incident-opened", NULL), 0);
    row.inhibited_by = "";
    give_incident(&desk, 2, &row);
    turn(&desk);
    assert_int_equal(events(&desk, "incident-opened", &text), 1);
    assert_string_equal(text, "incident 1 (medium): github is slow");
    row.inhibited_by = "breaker:github";
    give_incident(&desk, 3, &row);
    turn(&desk);
    assert_int_equal(events(&desk, "incident-inhibited", &text), 1);
    assert_int_equal(events(&desk, "incident-closed", NULL), 0);
    row.inhibited_by = "";
    row.severity = SEVERITY_HIGH;
    give_incident(&desk, 4, &row); /* told again */
    row.severity = SEVERITY_CRITICAL;
    give_incident(&desk, 5, &row);
    row.closed_at.ms = NOW + 1;
    give_incident(&desk, 6, &row);
    turn(&desk);
    assert_int_equal(events(&desk, "incident-opened", NULL), 2);
    assert_int_equal(events(&desk, "incident-changed", NULL), 1);
    assert_int_equal(events(&desk, "incident-closed", NULL), 1);
    desk_close(&desk);
}

static void test_claimed_assigned_linked(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct desk desk = {0};
    const char *text = "";
    desk_open(&desk, place, NOW);
    struct incident_row row = sample_incident(3), seen;
    give_incident(&desk, 1, &row);
    turn(&desk);
    ask(&desk, "claim-incident", 0, "{\"incident\":4}", 1, "there is no incident 4");
    ask(&desk, "claim-incident", 0, "{\"incident\":3}", 0, "claimed by ada for 15m");
    ask(&desk, "assign", 0, "{\"incident\":3}", 2, "assign needs 'to'");
    ask(&desk, "assign", 0, "{\"incident\":3,\"to\":\"gr\\u001b[1mace\"}", 0,
        "assigned to grace");
    static const char *const wrong[] = {
        "soon",    "wf-",        "0",       "012",
        "ftp://x", "http://a b", "'; drop", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO_FREE char *args = mem_printf("{\"incident\":3,\"what\":\"%s\"}", wrong[i]);
        ask(&desk, "link", 0, args, 2, "is no id like");
    }
    ask(&desk, "link", 0, "{\"incident\":3,\"what\":\"p-2\"}", 0, "linked to p-2");
    ask(&desk, "link", 0, "{\"incident\":3,\"what\":\"p-2\"}", 1, "already");
    give_incident(&desk, 2, &row); /* the monitor knows nothing of this */
    row.closed_at.ms = NOW + 1;
    give_incident(&desk, 3, &row);
    turn(&desk);
    ask(&desk, "claim-incident", 0, "{\"incident\":3}", 1, "closed at");
    ask(&desk, "assign", 0, "{\"incident\":3,\"to\":\"lin\"}", 1, "closed at");
    ask(&desk, "link", 0, "{\"incident\":3,\"what\":\"https://a.org/7\"}", 0,
        "linked"); /* afterwards */
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_incident(reader, place->arena, 3, &seen, &err), FOUND);
    assert_string_equal(seen.claimed_by, "ada");
    assert_int_equal(seen.claimed_until.ms, NOW + 900000);
    assert_string_equal(seen.assignee, "grace");
    assert_string_equal(seen.links, "[\"p-2\",\"https://a.org/7\"]");
    reader_close(reader);
    assert_int_equal(events(&desk, "link", &text), 2);
    assert_int_equal(events(&desk, "assign", &text), 1);
    assert_string_equal(text, "incident 3 is assigned to grace");
    desk_close(&desk);
}

static void test_operators_take_incidents(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct desk desk = {0};
    const char *text = "";
    desk_open(&desk, place, NOW);
    struct incident_row row = sample_incident(3);
    give_incident(&desk, 1, &row);
    turn(&desk);
    ask(&desk, "ack", 0, "{\"incident\":4}", 1, "there is no incident 4");
    ask(&desk, "ack", 0, "{}", 2, "ack needs 'incident'");
    ask(&desk, "ack", 0, "{\"incident\":0}", 2, "expected a number from 1");
    ask(&desk, "ack", 0, "{\"incident\":3,\"note\":\"I\\u001b[1m look\"}", 0,
        "looked after by ada");
    assert_int_equal(events(&desk, "ack", &text), 1);
    assert_string_equal(text, "incident 3 is looked after by ada: I look");
    ask(&desk, "note", 0, "{\"incident\":3,\"note\":\" \"}", 2, "note: empty");
    ask(&desk, "note", 0, "{\"incident\":3}", 2, "note needs 'note'");
    ask(&desk, "note", 0, "{\"incident\":3,\"note\":\"their disk\"}", 0, "noted");
    assert_int_equal(events(&desk, "note", &text), 1);
    assert_string_equal(text, "incident 3: their disk");
    row.n_open = 5;
    give_incident(&desk, 2, &row); /* the monitor knows nothing of this */
    turn(&desk);
    struct reader *reader = place_reader(place);
    struct incident_row seen;
    assert_int_equal(reader_incident(reader, place->arena, 3, &seen, &err), FOUND);
    assert_int_equal(seen.state, INCIDENT_ACKED);
    assert_string_equal(seen.owner, "ada");
    assert_string_equal(seen.note, "their disk");
    assert_int_equal(seen.acked_at.ms, NOW);
    assert_int_equal(seen.n_open, 5);
    ask(&desk, "resolve", 0, "{\"incident\":3,\"reason\":\"was the disk\"}", 0, "closed");
    assert_int_equal(events(&desk, "resolve", &text), 1);
    assert_string_equal(text, "incident 3 is closed: was the disk");
    ask(&desk, "resolve", 0, "{\"incident\":3}", 1, "was closed by ada");
    ask(&desk, "ack", 0, "{\"incident\":3}", 1, "was closed by ada");
    assert_int_equal(reader_incident(reader, place->arena, 3, &seen, &err), FOUND);
    assert_int_equal(seen.state, INCIDENT_RESOLVED);
    reader_close(reader);
    row.id = 4;
    row.closed_at.ms = NOW;
    give_incident(&desk, 3, &row);
    turn(&desk);
    ask(&desk, "ack", 0, "{\"incident\":4}", 1, "incident 4 closed at 2026-01-01");
    ask(&desk, "note", 0, "{\"incident\":4,\"note\":\"after all\"}", 0, "noted");
    desk_close(&desk);
}

static void test_a_silence_has_an_end(void **state)
{
    /* clang-format off */
    static const struct {
        const char *args, *part;
    } wrong[] = {
        {"{\"match\":\"a\",\"reason\":\"r\"}", "a silence has an end"},
        {"{\"match\":\"a\",\"reason\":\"r\",\"for\":\"1h\","
         "\"until\":\"2026-01-01T01:00:00Z\"}", "either for"},
        {"{\"match\":\"a\",\"for\":\"1h\"}", "silence needs 'reason'"},
        {"{\"match\":\"a\",\"for\":\"1h\",\"reason\":\"  \"}", "reason: empty"},
        {"{\"match\":\"a\",\"for\":\"soon\",\"reason\":\"r\"}", "'soon' is no duration"},
        {"{\"match\":\"a\",\"for\":\"0\",\"reason\":\"r\"}", "is no duration"},
        {"{\"match\":\"a\",\"for\":\"31d\",\"reason\":\"r\"}", "more than 30 days"},
        {"{\"match\":\"a\",\"until\":\"noon\",\"reason\":\"r\"}", "'noon' is no time"},
        {"{\"match\":\"a\",\"until\":\"2025-12-31T23:59:59Z\",\"reason\":\"r\"}", "over already"},
        {"{\"match\":\"a\",\"until\":\"2026-02-01T00:00:00Z\",\"reason\":\"r\"}", "more than 30 days away"},
        {"{\"match\":\" \",\"for\":\"1h\",\"reason\":\"r\"}", "expected a pattern"},
        {"{\"match\":\"a\\u001b[1m\",\"for\":\"1h\",\"reason\":\"r\"}", "expected a pattern"},
        {"{\"match\":\"*a*a*a*a*a*a*a*a*\",\"for\":\"1h\",\"reason\":\"r\"}", "8 stars"},
        {"{\"for\":\"1h\",\"reason\":\"r\"}", "silence needs 'match'"},
    };
    /* clang-format on */
    struct desk desk = {0};
    desk_open(&desk, *state, NOW);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ask(&desk, "silence", 0, wrong[i].args, 2, wrong[i].part);
    }
    assert_int_equal(events(&desk, "silence", NULL), 0);
    desk_close(&desk);
}

static const char one_hour[] =
    "{\"match\":\"service:*\",\"for\":\"1h\",\"reason\":\"moving\"}";

static void test_the_end_of_a_silence_is_told(void **state)
{
    struct place *place = *state;
    struct desk desk = {0};
    const char *text = "";
    desk_open(&desk, place, NOW);
    ask(&desk, "silence", 0, one_hour, 0,
        "silence 1: service:* until 2026-01-01T01:00:00Z");
    assert_int_equal(events(&desk, "silence", &text), 1);
    assert_string_equal(text, "silence 1: service:* until 2026-01-01T01:00:00Z: moving");
    assert_int_equal(control_wake_at(desk.control).ms, NOW + 50 * MINUTE);
    desk_close(&desk);

    desk_open(&desk, place, NOW + 10 * MINUTE); /* it holds over a restart */
    assert_int_equal(control_wake_at(desk.control).ms, NOW + 50 * MINUTE);
    desk.now.ms = NOW + 50 * MINUTE - 1;
    turn(&desk);
    assert_int_equal(events(&desk, "silence-ending", NULL), 0);
    desk.now.ms++;
    turn(&desk);
    turn(&desk);
    assert_int_equal(events(&desk, "silence-ending", &text), 1);
    assert_string_equal(text, "silence 1 of service:* ends at 2026-01-01T01:00:00Z");
    desk_close(&desk);

    desk_open(&desk, place, NOW + 55 * MINUTE);
    turn(&desk);
    assert_int_equal(events(&desk, "silence-ending", NULL), 1); /* told before */
    assert_int_equal(control_wake_at(desk.control).ms, NOW + 60 * MINUTE);
    desk.now.ms = NOW + 60 * MINUTE;
    turn(&desk);
    assert_int_equal(events(&desk, "silence-ended", NULL), 1);
    assert_int_equal(control_wake_at(desk.control).ms, 0);
    ask(&desk, "unsilence", 0, "{\"silence\":1}", 1, "over already");
    desk_close(&desk);
}

static void test_a_silence_is_ended(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct desk desk = {0};
    desk_open(&desk, place, NOW);
    ask(&desk, "silence", 0, one_hour, 0, "silence 1");
    ask(&desk, "silence", 0, "{\"match\":\"x\",\"for\":\"5m\",\"reason\":\"r\"}", 0,
        "silence 2");
    ask(&desk, "unsilence", 0, "{\"silence\":3}", 1, "there is no silence 3");
    ask(&desk, "unsilence", 0, "{\"silence\":1,\"reason\":\"done\"}", 0, "is ended");
    ask(&desk, "unsilence", 0, "{\"silence\":1}", 1, "over already");
    assert_int_equal(control_wake_at(desk.control).ms, NOW + 5 * MINUTE);
    struct reader *reader = place_reader(place);
    const struct silence_row *rows;
    size_t n;
    assert_true(reader_silences(reader, place->arena, desk.now, &rows, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].id, 2);
    assert_string_equal(rows[0].author, "ada");
    reader_close(reader);
    desk.now.ms = NOW + 5 * MINUTE;
    turn(&desk);
    assert_int_equal(events(&desk, "silence-ending", NULL), 0); /* too short to tell */
    assert_int_equal(events(&desk, "silence-ended", NULL), 1);
    desk_close(&desk);
}

/* ---- kill -9 ---- */

#define FINDINGS 300

/* Every finding from the one before the store's number on, in batches, until killed. */
static void give_all(const struct place *place, int64_t from)
{
    struct err err = ERR_INIT;
    struct control_options options = {.max_running = 1, .seed = 1};
    struct store *store = store_open(place->path, STORE_NORMAL, &err);
    struct control *control = store != NULL ? control_new(&options, store) : NULL;
    struct wall now = {NOW};
    struct executor executor = {NULL, on_perform, on_stop};
    if (control == NULL || !control_load(control, now, &err)) {
        _exit(1);
    }
    for (int64_t number = from; number <= FINDINGS; number++) {
        struct anomaly_row row = sample_anomaly((number + 1) / 2);
        row.closed_at.ms = number % 2 == 0 ? NOW : 0; /* opened, then closed */
        row.closed_by = number % 2 == 0 ? "recovered" : "";
        control_finding(control, monitor_finding_of_anomaly(number, &row), now);
        if (number % 3 == 0 && !control_commit(control, &executor, &err)) {
            _exit(1);
        }
    }
    _exit(control_commit(control, &executor, &err) ? 0 : 1);
}

static int64_t number_taken(const struct place *place)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(place->path, &err);
    int64_t number = 0;
    if (reader != NULL) {
        number = strtoll(reader_setting(reader, place->arena, FINDING_SETTING), NULL, 10);
    }
    reader_close(reader);
    return number;
}

static void test_each_finding_is_taken_once_whatever_is_killed(void **state)
{
    struct place *place = *state;
    struct desk desk = {0};
    uint64_t pause_ns = 1, n_stuck = 0; /* rounds without progress, on a slow machine */
    store_close(place_store(place));
    for (int i = 0; i < 400 && number_taken(place) < FINDINGS; i++) {
        int64_t from = number_taken(place);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            give_all(place, from > 3 ? from - 3 : 1); /* some of them again */
        }
        pause_ns = pause_ns * 7919 % 20000003; /* up to 20 ms, another each time */
        uint64_t all_ns = pause_ns + n_stuck * n_stuck * 20000000;
        struct timespec pause = {(time_t)(all_ns / 1000000000),
                                 (long)(all_ns % 1000000000)};
        (void)nanosleep(&pause, NULL); /* the kill is to come at any moment */
        (void)kill(child, SIGKILL);
        int status = 0;
        assert_true(waitpid(child, &status, 0) == child);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        n_stuck = number_taken(place) > from ? 0 : n_stuck + 1;
    }
    assert_int_equal(number_taken(place), FINDINGS);
    desk_open(&desk, place, NOW);
    assert_int_equal(events(&desk, "anomaly-opened", NULL), FINDINGS / 2);
    assert_int_equal(events(&desk, "anomaly-closed", NULL), FINDINGS / 2);
    desk_close(&desk);
}

/* ---- workflows ---- */

static const char pipeline[] = "name: p\nrepository: /srv/p\nbase: main\n"
                               "agent: {command: agent}\nvalidate: []\n";

static void submit(struct desk *desk)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 4096);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", "p");
    jsonw_str(&w, "text", pipeline);
    jsonw_str(&w, "task", "do it");
    jsonw_close(&w, '}');
    ask(desk, "submit", 0, args.data, 0, "wf-1");
}

/* The outcome of the newest effect. */
static void answer(struct desk *desk, enum effect_status status)
{
    struct effect_result *result = mem_alloc(sizeof(*result));
    result->workflow = 1;
    result->seq = desk->last_seq;
    result->status = status;
    result->summary = mem_str("said so");
    result->exit_status = status == STATUS_PASSED ? 0 : 1;
    result->started_at = desk->now;
    desk->now.ms += 1000;
    result->finished_at = desk->now;
    control_result(desk->control, result, desk->now);
    turn(desk);
}

static void test_thumbs(void **state)
{
    struct place *place = *state;
    struct desk desk = {0};
    const char *text = "";
    desk_open(&desk, place, NOW);
    ask(&desk, "thumbs-up", 1, "{}", 1, "there is no workflow wf-1");
    submit(&desk);
    ask(&desk, "thumbs-down", 1, "{\"reason\":\"too\\nlong\"}", 0, "noted");
    assert_int_equal(events(&desk, "thumbs-down", &text), 1);
    assert_string_equal(text, "too long");
    ask(&desk, "cancel", 1, "{}", 0, "");
    ask(&desk, "thumbs-up", 1, "{}", 0, "noted"); /* and when it is over */
    assert_int_equal(events(&desk, "thumbs-up", &text), 1);
    assert_string_equal(text, "");
    ask(&desk, "thumbs-up", 1, "{\"note\":\"x\"}", 2, "takes no 'note'");
    desk_close(&desk);
}

static const struct span_row *find_span(const struct span_row *rows, size_t n,
                                        const char *kind, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].kind, kind) == 0 &&
            (name == NULL || strcmp(rows[i].name, name) == 0)) {
            return &rows[i];
        }
    }
    fail_msg("no span %s %s", kind, name != NULL ? name : "");
    return NULL;
}

static void test_each_change_leaves_its_spans(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct desk desk = {0};
    desk_open(&desk, place, NOW);
    submit(&desk);
    desk.now.ms += 500;
    int64_t agent = desk.last_seq;
    answer(&desk, STATUS_PASSED);
    int64_t second = desk.last_seq;
    ask(&desk, "cancel", 1, "{\"reason\":\"enough\"}", 0, "");
    struct reader *reader = place_reader(place);
    const struct span_row *rows;
    struct workflow_row workflow;
    size_t n;
    assert_int_equal(reader_workflow(reader, place->arena, 1, &workflow, &err), FOUND);
    assert_true(reader_spans(reader, place->arena, 1, 0, 100, &rows, &n, &err));
    assert_true(n >= 4);
    struct trace_context whole = trace_of_workflow(&workflow);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(rows[i].trace, whole.trace);
        assert_true(rows[i].end_us >= rows[i].start_us && rows[i].start_us > 0);
        assert_int_equal(rows[i].workflow, 1);
    }
    const struct span_row *root = find_span(rows, n, SPAN_WORKFLOW, NULL);
    assert_string_equal(root->span, whole.span);
    assert_string_equal(root->parent, "");
    assert_int_equal(root->end_us, workflow.finished_at.ms * 1000);
    const struct span_row *idle = find_span(rows, n, SPAN_STATE, "IDLE");
    assert_string_equal(idle->parent, root->span);
    const struct span_row *first = NULL, *stopped = NULL;
    struct trace_context step = trace_of_step(&workflow, agent);
    struct trace_context other = trace_of_step(&workflow, second);
    for (size_t i = 0; i < n; i++) {
        first = strcmp(rows[i].span, step.span) == 0 ? &rows[i] : first;
        stopped = strcmp(rows[i].span, other.span) == 0 ? &rows[i] : stopped;
    }
    assert_non_null(first);
    assert_string_equal(first->kind, SPAN_STEP);
    assert_int_equal(first->status, SPAN_OK);
    assert_int_equal(first->end_us - first->start_us, 1000000);
    assert_non_null(stopped); /* its outcome was not awaited any more */
    assert_int_equal(stopped->status, SPAN_UNSET);
    bool has_parent = false;
    for (size_t i = 0; i < n; i++) {
        has_parent = has_parent || (strcmp(rows[i].span, first->parent) == 0 &&
                                    strcmp(rows[i].kind, SPAN_STATE) == 0);
    }
    assert_true(has_parent); /* the state that asked for it */
    reader_close(reader);
    desk_close(&desk);
}

/* An event says which effect ended with it, though it asks for the next one. */
static void test_an_event_names_what_ended(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct desk desk = {0};
    desk_open(&desk, place, NOW);
    submit(&desk);
    int64_t first = desk.last_seq;
    answer(&desk, STATUS_PASSED);
    int64_t second = desk.last_seq;
    assert_true(second > first);
    ask(&desk, "cancel", 1, "{}", 0, "");
    struct reader *reader = place_reader(place);
    const struct event_row *rows;
    struct effect_row effect;
    size_t n;
    int n_first = 0, n_second = 0;
    assert_true(reader_events(reader, place->arena, 1, 0, 100, &rows, &n, &err));
    for (size_t i = 0; i < n; i++) {
        n_first += rows[i].ended == first;
        n_second += rows[i].ended == second;
        if (rows[i].ended == first) {
            assert_string_equal(rows[i].kind, "passed");
            assert_int_equal(rows[i].effect, second);
        }
        if (rows[i].ended == second) {
            assert_string_equal(rows[i].kind, "cancel");
        }
    }
    assert_int_equal(n_first, 1);
    assert_int_equal(n_second, 1);
    assert_int_equal(reader_effect(reader, place->arena, 1, first, &effect, &err), FOUND);
    assert_int_equal(effect.status, STATUS_PASSED);
    reader_close(reader);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_an_anomaly_is_told_once),
        PLACE_TEST(test_what_is_inhibited_is_not_told),
        PLACE_TEST(test_operators_take_incidents),
        PLACE_TEST(test_claimed_assigned_linked),
        PLACE_TEST(test_a_silence_has_an_end),
        PLACE_TEST(test_the_end_of_a_silence_is_told),
        PLACE_TEST(test_a_silence_is_ended),
        PLACE_TEST(test_each_finding_is_taken_once_whatever_is_killed),
        PLACE_TEST(test_thumbs),
        PLACE_TEST(test_each_change_leaves_its_spans),
        PLACE_TEST(test_an_event_names_what_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
