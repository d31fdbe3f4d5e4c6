/* SPDX-License-Identifier: MIT */
/* Decisions on a terminal: what is asked, what is dropped, and what is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "store/sqlite_private.h"
#include "tests/lib/asks.h"
#include "tests/lib/desk.h"

#define SOON_MS 5000

static int set_up(void **state)
{
    if (desk_set_up(state) != 0) {
        return -1;
    }
    struct desk *desk = *state;
    struct err err = ERR_INIT;
    struct arena *arena = arena_new();
    struct store *store = store_open(desk->store, STORE_FULL, &err);
    if (store == NULL) {
        fail_msg("%s", err.msg);
    }
    asks_put(store, arena, wall_now());
    assert_true(store_commit(store, &err));
    store_close(store);
    arena_free(arena);
    return 0;
}

/* Rows of `command` that say `what`. */
static int64_t count(const struct desk *desk, const char *what)
{
    struct err err = ERR_INIT;
    int64_t n = -1;
    AUTO_FREE char *sql = mem_printf("SELECT count(*) FROM command WHERE %s", what);
    struct reader *reader = reader_open(desk->store, &err);
    assert_non_null(reader);
    assert_true(database_number(&reader->database, sql, &n, &err));
    reader_close(reader);
    return n;
}

/* As somebody else's engine would: a store is a file. */
static void change(const struct desk *desk, const char *sql)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(desk->store, STORE_FULL, &err);
    assert_non_null(store);
    if (!database_exec(&store->database, sql, &err)) {
        fail_msg("%s", err.msg);
    }
    store_close(store);
}

static void must_see(const struct desk *desk, const char *text)
{
    if (!pty_wait_text(desk->pty, text, SOON_MS)) {
        AUTO_FREE char *screen = pty_screen(desk->pty);
        fail_msg("missing '%s' in:\n%s", text, screen);
    }
}

/* The queue, with the cursor on `title`; down `n` rows. Settled: what is shown was painted. */
static void open_queue(struct desk *desk, int n)
{
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    must_see(desk, "engine up");
    pty_send(desk->pty, "A");
    must_see(desk, ", next expires in"); /* the overview lists them too */
    for (int i = 0; i < n; i++) {
        pty_send(desk->pty, "j");
    }
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
}

static void quit(struct desk *desk)
{
    int status = -1;
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, 2 * SOON_MS, &status));
    assert_true(WIFEXITED(status));
    assert_string_equal(pty_damage(desk->pty), "");
}

static void low_risk_is_one_key(void **state)
{
    struct desk *desk = *state;
    open_queue(desk, 4); /* a-1186 */
    pty_send(desk->pty, "a");
    must_see(desk, "approve");
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    assert_int_equal(count(desk, "verb = 'approve'"), 1);
    assert_int_equal(count(desk, "args LIKE '%\"approval\":1186%'"), 1);
    quit(desk);
}

/* The key that comes with the one that moves the cursor was meant for something else. */
static void a_key_before_the_item_was_painted_decides_nothing(void **state)
{
    struct desk *desk = *state;
    open_queue(desk, 3);
    pty_send(desk->pty, "ja"); /* a-1186 comes under the cursor, and at once */
    must_see(desk, "the key came before a-1186 was on the screen");
    assert_int_equal(count(desk, "verb = 'approve'"), 0);
    quit(desk);
}

/* A plan and a merge, marked one by one: one y would name only one of them. */
static void a_batch_is_of_one_class(void **state)
{
    struct desk *desk = *state;
    open_queue(desk, 0);
    pty_send(desk->pty, "mjm"); /* a-1190 merge, a-1188 restart */
    must_see(desk, "2 marked");
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    pty_send(desk->pty, "a");
    must_see(desk, "a batch is of one class");
    assert_int_equal(count(desk, "verb = 'approve'"), 0);
    quit(desk);
}

/* A key takes a message away that was read; one that came with it has not seen it. */
static void a_message_outlives_the_key_that_came_before_it(void **state)
{
    struct desk *desk = *state;
    open_queue(desk, 3);
    pty_send(desk->pty, "jak");
    must_see(desk, "the key came before a-1186 was on the screen");
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    pty_send(desk->pty, "k");
    assert_true(pty_wait_no_text(desk->pty, "the key came before", SOON_MS));
    quit(desk);
}

static void high_risk_asks_for_the_name(void **state)
{
    struct desk *desk = *state;
    open_queue(desk, 3);                    /* a-1187 */
    pty_send(desk->pty, "apayments-api\r"); /* typed blindly: dropped */
    must_see(desk, "Approve a-1187?");
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    must_see(desk, "Approve a-1187?");
    assert_int_equal(count(desk, "1"), 0);
    pty_send(desk->pty, "\x1b[200~payments-api\r\x1b[201~");
    must_see(desk, "pasted text does not confirm");
    pty_send(desk->pty, "payments\r");
    must_see(desk, "'payments' is not the name");
    assert_int_equal(count(desk, "1"), 0);
    pty_send(desk->pty, "-api\r");
    assert_true(pty_wait_no_text(desk->pty, "Approve a-1187?", SOON_MS));
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    assert_int_equal(count(desk, "args LIKE '%\"approval\":1187%' AND"
                                 " args LIKE '%\"confirm\":\"payments-api\"%'"),
                     1);
    quit(desk);
}

static void a_rejection_needs_a_reason(void **state)
{
    struct desk *desk = *state;
    open_queue(desk, 4);
    pty_send(desk->pty, "r");
    must_see(desk, "reject a-1186, reason");
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    pty_send(desk->pty, "\r"); /* nothing is no reason */
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    assert_int_equal(count(desk, "1"), 0);
    pty_send(desk->pty, "too early\r");
    assert_true(pty_wait_no_text(desk->pty, "reject a-1186, reason", SOON_MS));
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    assert_int_equal(count(desk, "verb = 'reject' AND args LIKE '%too early%'"), 1);
    quit(desk);
}

/* What another console decided meanwhile is told, with who and when, and the dialog closes. */
static void the_loser_sees_who_decided(void **state)
{
    struct desk *desk = *state;
    open_queue(desk, 3);
    pty_send(desk->pty, "a");
    must_see(desk, "Approve a-1187?");
    change(desk, "UPDATE approval SET status = 3, decided_by = 'grace',"
                 " decided_at = unixepoch() * 1000 WHERE id = 1187");
    pty_send(desk->pty, "\x0c"); /* reads again */
    must_see(desk, "a-1187 was approved by grace");
    assert_true(pty_wait_no_text(desk->pty, "Approve a-1187?", SOON_MS));
    assert_int_equal(count(desk, "1"), 0);
    quit(desk);
}

static void a_drift_closes_the_dialog(void **state)
{
    struct desk *desk = *state;
    open_queue(desk, 3);
    pty_send(desk->pty, "a");
    must_see(desk, "Approve a-1187?");
    change(desk, "UPDATE approval SET status = 1, effect_before = effect,"
                 " effect = '{\"to\":\"95m\"}', digest = 'ff' || substr(digest, 3)"
                 " WHERE id = 1187");
    pty_send(desk->pty, "\x0c");
    must_see(desk, "what a-1187 would do changed just now");
    assert_true(pty_wait_no_text(desk->pty, "Approve a-1187?", SOON_MS));
    pty_send(desk->pty, "\r");
    must_see(desk, "95m");
    assert_int_equal(count(desk, "1"), 0);
    quit(desk);
}

/* What was decided long ago is no news. */
static void an_old_decision_is_no_news(void **state)
{
    struct desk *desk = *state;
    open_queue(desk, 0);
    pty_send(desk->pty, "f");
    must_see(desk, "all, newest first");
    must_see(desk, "a-1181"); /* the title comes before the rows */
    pty_send(desk->pty, "G");
    assert_true(pty_wait_quiet(desk->pty, 300, SOON_MS));
    pty_send(desk->pty, "\r");
    must_see(desk, "expired by engine"); /* a-1181, on its card */
    assert_true(pty_wait_quiet(desk->pty, 300, SOON_MS));
    AUTO_FREE char *screen = pty_screen(desk->pty);
    assert_null(strstr(screen, "a-1181 was"));
    quit(desk);
}

static void read_only_decides_nothing(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 80, 24, NULL, NULL, "--read-only");
    must_see(desk, "read-only");
    pty_send(desk->pty, "A");
    must_see(desk, ", next expires in");
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    AUTO_FREE char *screen = pty_screen(desk->pty);
    assert_null(strstr(screen, " a approve"));
    pty_send(desk->pty, "a");
    must_see(desk, "approve: refused, read-only");
    pty_send(desk->pty, "z");
    must_see(desk, "snooze");
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    assert_int_equal(count(desk, "1"), 0);
    quit(desk);
}

/* The queue shows a line, which is no presentation; the card is one, once. */
static void a_card_is_seen_once(void **state)
{
    struct desk *desk = *state;
    change(desk, "UPDATE approval SET shown_at = 0");
    open_queue(desk, 4);
    assert_int_equal(count(desk, "verb = 'seen'"), 0);
    pty_send(desk->pty, "\r");
    must_see(desk, "a-1186, asked by");
    must_see(desk, "e evidence"); /* all that helps to decide is named at 80 columns */
    must_see(desk, "x dry run");
    must_see(desk, "z later");
    for (int i = 0; i < 100 && count(desk, "verb = 'seen'") == 0; i++) {
        (void)pty_wait_quiet(desk->pty, 50, 100);
    }
    assert_int_equal(count(desk, "verb = 'seen' AND args LIKE '%1186%'"), 1);
    for (int i = 0; i < 100 && count(desk, "verb = 'seen' AND answer >= 0") == 0; i++) {
        (void)pty_wait_quiet(desk->pty, 50, 100);
    }
    pty_send(desk->pty, "\x1b");
    assert_true(pty_wait_no_text(desk->pty, "a-1186, asked by", SOON_MS));
    pty_send(desk->pty, "\r");
    must_see(desk, "a-1186, asked by");
    assert_true(pty_wait_quiet(desk->pty, 500, SOON_MS));
    assert_int_equal(count(desk, "verb = 'seen'"), 1);
    quit(desk);
}

/* Space: critical first, then what expires soon, what ended without a verdict, the oldest. */
static void space_goes_where_it_is_most_urgent(void **state)
{
    struct desk *desk = *state;
    static const char *const route[] = {"a-1190", "a-1188", "o-12",  "a-1189",
                                        "a-1187", "a-1186", "a-1190"};
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    must_see(desk, "engine up");
    must_see(desk, "NEEDS YOU");
    for (size_t i = 0; i < ARRAY_LEN(route); i++) {
        AUTO_FREE char *crumb = mem_printf("› %s", route[i]);
        pty_send(desk->pty, " ");
        must_see(desk, crumb);
        assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    }
    quit(desk);
}

/* From every view, the card of what is most urgent. */
static void space_goes_there_from_anywhere(void **state)
{
    struct desk *desk = *state;
    static const char *const views[] = {
        "workflows",  "services",    "deliveries", "audit",
        "health",     "metrics",     "outlook",    "failures",
        "strategies", "decisions",   "approvals",  "optimizations",
        "autonomy",   "bottlenecks", "engine",     "handoff"};
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    must_see(desk, "engine up");
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        AUTO_FREE char *crumb = mem_printf("› %s", views[i]);
        AUTO_FREE char *line = mem_printf(":%s\r", views[i]);
        pty_send(desk->pty, line);
        must_see(desk, crumb);
        pty_send(desk->pty, " ");
        must_see(desk, "› a-1190");
    }
    quit(desk);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, desk_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(low_risk_is_one_key),
        TEST(a_key_before_the_item_was_painted_decides_nothing),
        TEST(a_batch_is_of_one_class),
        TEST(a_message_outlives_the_key_that_came_before_it),
        TEST(high_risk_asks_for_the_name),
        TEST(a_rejection_needs_a_reason),
        TEST(the_loser_sees_who_decided),
        TEST(a_drift_closes_the_dialog),
        TEST(read_only_decides_nothing),
        TEST(an_old_decision_is_no_news),
        TEST(a_card_is_seen_once),
        TEST(space_goes_where_it_is_most_urgent),
        TEST(space_goes_there_from_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
