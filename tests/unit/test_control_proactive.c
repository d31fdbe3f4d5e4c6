/* SPDX-License-Identifier: MIT */
/* What the monitor sees coming becomes a prepared action, and is taken back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "engine/control/event_kind.h"
#include "engine/service/service.h"
#include "store/approval.h"
#include "tests/lib/place.h"

#define NOW    INT64_C(1767225600000)
#define MINUTE INT64_C(60000)

static char main_name[] = "codegen_api", backup_name[] = "codegen_eu",
            forge_name[] = "github_api", nothing[] = "";
static const struct service_spec services[] = {
    {.name = main_name,   .kind = SERVICE_CODEGEN, .url = nothing},
    {.name = backup_name, .kind = SERVICE_CODEGEN, .url = nothing},
    {.name = forge_name,  .kind = SERVICE_GITHUB,  .url = nothing},
};

struct desk {
    struct place *place;
    struct store *store;
    struct control *control;
    struct wall now;
    int n_orders, n_tidied, n_performed;
    char ordered[64];
    bool is_probe, is_renew, is_off;
    int level;       /* of prepare, + 1; 0 = by default */
    int max_running; /* 0 = 6 */
    struct span expire;
};

static void on_order(void *self, struct service_order *order)
{
    struct desk *desk = self;
    desk->n_orders++;
    desk->is_probe = order->is_probe;
    desk->is_renew = order->is_renew;
    assert_false(order->has_force || order->is_reset);
    assert_string_equal(order->actor, "engine");
    (void)snprintf(desk->ordered, sizeof(desk->ordered), "%s", order->service);
    service_order_free(order);
}

static void on_tidy(void *self)
{
    ((struct desk *)self)->n_tidied++;
}

static void on_perform(void *self, const struct effect_row *effect)
{
    (void)effect;
    ((struct desk *)self)->n_performed++;
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    (void)self;
    (void)workflow;
    (void)seq;
}

static void desk_open(struct desk *desk, struct place *place)
{
    struct err err = ERR_INIT;
    struct control_options options = {
        .max_running = desk->max_running > 0 ? desk->max_running : 6,
        .limits = {span_s(5),          span_s(300)},
        .services = services,
        .n_services = ARRAY_LEN(services),
        .outlet = {.self = desk,                  .order = on_order, .tidy = on_tidy},
        .is_proactive_off = desk->is_off,
        .approvals = {.expire = desk->expire},
        .seed = 1
    };
    options.approvals.levels[ACT_PREPARE] = desk->level;
    desk->place = place;
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

static void reopen(struct desk *desk)
{
    desk_close(desk);
    desk_open(desk, desk->place);
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

static void hear(struct desk *desk, enum omen_kind kind, const char *subject, double p,
                 bool is_trusted)
{
    struct omen_batch *batch = mem_alloc(sizeof(*batch));
    batch->arena = arena_new();
    batch->omens = arena_array(batch->arena, 1, sizeof(*batch->omens));
    batch->n = 1;
    batch->omens[0] = (struct omen){.kind = kind,
                                    .subject = arena_str(batch->arena, subject),
                                    .text = "says the test",
                                    .p = p,
                                    .is_trusted = is_trusted,
                                    .due = {desk->now.ms + 30 * MINUTE}};
    control_omens(desk->control, batch, desk->now);
    turn(desk);
}

/* How many events of this kind; the newest one's text in *ret_text. */
static int events(const struct desk *desk, const char *kind, const char **ret_text)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(desk->place);
    const struct event_row *rows;
    size_t n_rows;
    int n = 0;
    assert_true(event_kind_is_known(kind));
    assert_true(
        reader_events(reader, desk->place->arena, 0, 0, 10000, &rows, &n_rows, &err));
    for (size_t i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].kind, kind) == 0) {
            n++;
            *ret_text = rows[i].text;
        }
    }
    reader_close(reader);
    return n;
}

static struct decision_row decision(const struct desk *desk, int64_t id)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(desk->place);
    struct decision_row row;
    assert_int_equal(reader_decision(reader, desk->place->arena, id, &row, &err), FOUND);
    reader_close(reader);
    return row;
}

static void submit(struct desk *desk, int n)
{
    static const char args[] =
        "{\"pipeline\":\"p\",\"task\":\"t\",\"text\":\"name: p\\nrepository: /srv/p\\n"
        "base: main\\nagent: {command: agent}\\nvalidate: []\\n\"}";
    struct err err = ERR_INIT;
    for (int i = 0; i < n; i++) {
        struct command_row row = {.at = desk->now,
                                  .actor = "ada",
                                  .verb = "submit",
                                  .args = args,
                                  .message = ""};
        int64_t id = command_send(desk->place->path, &row, &err);
        assert_true(id > 0);
        turn(desk);
        struct reader *reader = place_reader(desk->place);
        assert_int_equal(reader_command(reader, desk->place->arena, id, &row, &err),
                         FOUND);
        if (row.answer != 0) {
            fail_msg("%s", row.message);
        }
        reader_close(reader);
    }
}

static int64_t running(const struct desk *desk)
{
    struct control_stats stats;
    control_stats(desk->control, &stats);
    return stats.n_running;
}

static void fewer_at_once_and_back(void **state)
{
    struct desk desk = {.now = {NOW}};
    const char *text = "";
    desk_open(&desk, *state);
    hear(&desk, OMEN_LOAD, "memory", 0.9, false); /* not trusted: nothing */
    assert_int_equal(events(&desk, "proactive-begin", &text), 0);
    hear(&desk, OMEN_LOAD, "memory", 0.9, true);
    assert_int_equal(events(&desk, "proactive-begin", &text), 1);
    assert_string_equal(text, "slow_admission: 4 instead of 6 workflows at once; load of "
                              "memory within 30m00s: 90 %, trusted; says the test");
    submit(&desk, 8);
    assert_int_equal(running(&desk), 4);
    struct decision_row row = decision(&desk, 1);
    assert_int_equal(row.kind, DECISION_PROACTIVE);
    assert_string_equal(row.choice, "slow_admission");
    assert_string_equal(row.subject, "memory");
    assert_int_equal(row.verdict, VERDICT_OPEN);
    assert_non_null(strstr(row.context, "\"inverse\":\"as many"));
    reopen(&desk); /* it still holds, and is still to be taken back */
    turn(&desk);
    assert_int_equal(running(&desk), 4);
    desk.now.ms += MINUTE;
    hear(&desk, OMEN_LOAD, "memory", 0.1, true);
    assert_int_equal(events(&desk, "proactive-end", &text), 1);
    assert_string_equal(text,
                        "slow_admission: as many workflows as are configured run at "
                        "once again; load of memory: not likely any more");
    assert_int_equal(running(&desk), 6);
    row = decision(&desk, 1);
    assert_int_equal(row.verdict, VERDICT_GOOD);
    assert_int_equal(row.settled_at.ms, desk.now.ms);
    desk_close(&desk);
}

static void a_monitor_that_is_gone(void **state)
{
    struct desk desk = {.now = {NOW}};
    const char *text = "";
    desk_open(&desk, *state);
    hear(&desk, OMEN_LOAD, "memory", 0.9, true);
    submit(&desk, 8);
    struct wall wake = control_wake_at(desk.control);
    for (int i = 0; i < 1000 && running(&desk) < 6; i++) { /* nobody says it again */
        assert_true(wall_is_set(wake) && wake.ms >= desk.now.ms);
        desk.now = wake;
        turn(&desk);
        wake = control_wake_at(desk.control);
    }
    assert_true(desk.now.ms <= NOW + OMEN_FRESH.ms + 1);
    assert_int_equal(events(&desk, "proactive-end", &text), 1);
    assert_int_equal(decision(&desk, 1).verdict, VERDICT_UNCLEAR);
    desk_close(&desk);
}

static void report(struct desk *desk, const char *name, enum breaker_state service_state,
                   const char *event)
{
    struct service_report *it = mem_alloc(sizeof(*it));
    it->text[0] = mem_str(name);
    it->event = mem_str(event);
    it->row = (struct service_row){.name = it->text[0],
                                   .kind = "codegen",
                                   .reason = "",
                                   .detail = "{}",
                                   .memo = "",
                                   .state = service_state,
                                   .since = desk->now};
    control_report(desk->control, it, desk->now);
    turn(desk);
}

static void the_backup_is_probed(void **state)
{
    struct desk desk = {.now = {NOW}};
    const char *text = "";
    desk_open(&desk, *state);
    hear(&desk, OMEN_OUTAGE, "service:github_api", 0.9, true); /* there is no other */
    assert_int_equal(desk.n_orders, 0);
    assert_int_equal(events(&desk, "proactive-begin", &text), 0);
    desk.now.ms += 31 * MINUTE; /* the pause of what could not be done */
    report(&desk, backup_name, BREAKER_OPEN, "breaker-open");
    hear(&desk, OMEN_OUTAGE, "service:codegen_api", 0.9, true);
    assert_int_equal(desk.n_orders, 0); /* not well itself */
    desk.now.ms += 31 * MINUTE;
    report(&desk, backup_name, BREAKER_CLOSED, "breaker-closed");
    hear(&desk, OMEN_OUTAGE, "service:codegen_api", 0.9, true);
    assert_int_equal(desk.n_orders, 1);
    assert_string_equal(desk.ordered, "codegen_eu");
    assert_true(desk.is_probe && !desk.is_renew);
    assert_int_equal(events(&desk, "proactive-begin", &text), 1);
    report(&desk, main_name, BREAKER_OPEN, "breaker-open"); /* so it came */
    assert_int_equal(events(&desk, "proactive-end", &text), 1);
    assert_int_equal(decision(&desk, 1).verdict, VERDICT_GOOD);
    desk_close(&desk);
}

static void room_and_credentials(void **state)
{
    struct desk desk = {.now = {NOW}};
    const char *text = "";
    desk_open(&desk, *state);
    hear(&desk, OMEN_DISK, "disk:/var", 0.9, true);
    assert_int_equal(desk.n_tidied, 1);
    assert_int_equal(desk.n_orders, 0);
    hear(&desk, OMEN_EXPIRY, "credential:github_api", 1, true);
    assert_int_equal(desk.n_orders, 1);
    assert_true(desk.is_probe && desk.is_renew);
    assert_string_equal(desk.ordered, "github_api");
    hear(&desk, OMEN_DISK, "disk:/var", 0.9, true);
    assert_int_equal(desk.n_tidied, 1);
    assert_int_equal(events(&desk, "proactive-begin", &text), 2);
    desk_close(&desk);
}

static void switched_off(void **state)
{
    struct desk desk = {.now = {NOW}, .is_off = false};
    const char *text = "";
    desk_open(&desk, *state);
    hear(&desk, OMEN_LOAD, "memory", 1, true);
    submit(&desk, 8);
    assert_int_equal(running(&desk), 4);
    desk.is_off = true; /* the configuration was changed */
    reopen(&desk);
    turn(&desk);
    assert_int_equal(running(&desk), 6);
    hear(&desk, OMEN_DISK, "disk:/var", 1, true);
    assert_int_equal(desk.n_tidied, 0);
    assert_int_equal(events(&desk, "proactive-begin", &text), 1);
    assert_int_equal(events(&desk, "proactive-end", &text), 1);
    desk_close(&desk);
}

/* ---- levels ---- */

/* The newest approval; id 0: none. */
static struct approval_row newest(const struct desk *desk)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(desk->place);
    const struct approval_row *rows;
    size_t n = 0;
    assert_true(reader_approvals(reader, desk->place->arena,
                                 &(struct approval_query){.max = 1}, &rows, &n, &err));
    reader_close(reader);
    return n > 0 ? rows[0] : (struct approval_row){.id = 0};
}

static int say(struct desk *desk, const char *verb, int64_t approval, const char *rest)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *args = mem_printf("{\"approval\":%lld%s}", (long long)approval, rest);
    struct command_row row = {
        .at = desk->now, .actor = "ada", .verb = verb, .args = args, .message = ""};
    int64_t id = command_send(desk->place->path, &row, &err);
    assert_true(id > 0);
    turn(desk);
    struct reader *reader = place_reader(desk->place);
    assert_int_equal(reader_command(reader, desk->place->arena, id, &row, &err), FOUND);
    reader_close(reader);
    return row.answer;
}

static int approve(struct desk *desk, const struct approval_row *row)
{
    AUTO_FREE char *rest =
        mem_printf(",\"confirm\":\"memory\",\"digest\":\"%s\"", row->digest);
    return say(desk, "approve", row->id, rest);
}

static void what_is_only_observed(void **state)
{
    struct desk desk = {.now = {NOW}, .level = LEVEL_OBSERVE + 1};
    const char *text = "";
    desk_open(&desk, *state);
    for (int i = 0; i < 5; i++) { /* said once, as long as it is coming */
        hear(&desk, OMEN_LOAD, "memory", 0.9, true);
        hear(&desk, OMEN_OUTAGE, "service:codegen_api", 0.9, true);
        desk.now.ms += 5 * MINUTE;
    }
    assert_int_equal(events(&desk, "proactive-begin", &text), 0);
    assert_int_equal(events(&desk, "proactive-observed", &text), 2);
    assert_non_null(strstr(text, "codegen_eu is probed"));
    assert_int_equal(newest(&desk).id, 0);
    assert_int_equal(desk.n_orders, 0);
    assert_int_equal(decision(&desk, 1).verdict, VERDICT_UNCLEAR);
    assert_string_equal(decision(&desk, 1).outcome, "only observed: it was not done");
    submit(&desk, 8);
    assert_int_equal(running(&desk), 6);
    desk_close(&desk);
}

static void what_a_person_allows(void **state)
{
    (void)state;
    for (int level = LEVEL_SUGGEST; level <= LEVEL_APPROVE; level++) {
        void *place = NULL;
        assert_int_equal(place_set_up(&place), 0);
        struct desk desk = {.now = {NOW}, .level = level + 1, .expire = span_s(3600)};
        const char *text = "";
        desk_open(&desk, place);
        hear(&desk, OMEN_LOAD, "memory", 0.9, true);
        struct approval_row row = newest(&desk);
        assert_int_equal(row.action, ACT_PREPARE);
        assert_int_equal(row.status,
                         level == LEVEL_SUGGEST ? APPROVAL_SUGGESTED : APPROVAL_OPEN);
        assert_int_equal(row.on_expiry, EXPIRY_DROP);
        assert_int_equal(wall_is_set(row.expires_at), level == LEVEL_APPROVE);
        assert_string_equal(row.title,
                            "slow_admission: 4 instead of 6 workflows at once");
        assert_non_null(strstr(row.card, "\"undo\":\"as many"));
        desk.now.ms += 5 * MINUTE;
        hear(&desk, OMEN_LOAD, "memory", 0.9, true);
        assert_int_equal(newest(&desk).id, row.id); /* once */
        desk.max_running = 9; /* by the configuration: it is another effect now */
        reopen(&desk);
        assert_int_equal(approve(&desk, &row), 1);
        assert_int_equal(newest(&desk).n_drifts, 1);
        assert_int_equal(events(&desk, "proactive-begin", &text), 0);
        row = newest(&desk);
        assert_int_equal(approve(&desk, &row), 0);
        assert_int_equal(events(&desk, "proactive-begin", &text), 1);
        assert_int_equal(newest(&desk).status, APPROVAL_APPROVED);
        submit(&desk, 10);
        assert_int_equal(running(&desk), 6);
        hear(&desk, OMEN_LOAD, "memory", 0.1, true); /* taken back as ever */
        assert_int_equal(events(&desk, "proactive-end", &text), 1);
        assert_int_equal(running(&desk), 9);
        desk_close(&desk);
        assert_int_equal(place_tear_down(&place), 0);
    }
}

static void what_nobody_allows(void **state)
{
    static const enum approval_status ends[] = {APPROVAL_REJECTED, APPROVAL_EXPIRED,
                                                APPROVAL_WITHDRAWN};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        void *place = NULL;
        assert_int_equal(place_set_up(&place), 0);
        struct desk desk = {
            .now = {NOW}, .level = LEVEL_APPROVE + 1, .expire = span_s(600)};
        const char *text = "";
        desk_open(&desk, place);
        hear(&desk, OMEN_LOAD, "memory", 0.9, true);
        int64_t id = newest(&desk).id;
        assert_int_equal(id, 1);
        if (ends[i] == APPROVAL_REJECTED) {
            assert_int_equal(say(&desk, "reject", id, ",\"reason\":\"we have room\""), 0);
        } else if (ends[i] == APPROVAL_EXPIRED) {
            assert_int_equal(say(&desk, "seen", id, ""), 0);
        }
        for (int n = 0; n < 12 && ends[i] != APPROVAL_WITHDRAWN; n++) {
            desk.now.ms += 5 * MINUTE; /* not asked again while it is as likely */
            hear(&desk, OMEN_LOAD, "memory", 0.9, true);
        }
        for (int n = 0; n < 5; n++) { /* nobody says it any more */
            desk.now.ms += 3 * MINUTE;
            turn(&desk);
        }
        assert_int_equal(newest(&desk).id, id);
        assert_int_equal(newest(&desk).status, ends[i]);
        desk.now.ms += 60 * MINUTE;
        hear(&desk, OMEN_LOAD, "memory", 0.9, true); /* another one: asked anew */
        assert_int_equal(newest(&desk).id, id + 1);
        assert_int_equal(events(&desk, "proactive-begin", &text), 0);
        desk_close(&desk);
        assert_int_equal(place_tear_down(&place), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(fewer_at_once_and_back),
        PLACE_TEST(a_monitor_that_is_gone),
        PLACE_TEST(the_backup_is_probed),
        PLACE_TEST(room_and_credentials),
        PLACE_TEST(switched_off),
        PLACE_TEST(what_is_only_observed),
        cmocka_unit_test(what_a_person_allows),
        cmocka_unit_test(what_nobody_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
