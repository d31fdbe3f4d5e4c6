/* SPDX-License-Identifier: MIT */
/* signalbox approvals, optimizations and autonomy, over a store without engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <locale.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "tests/lib/asks.h"
#include "tests/lib/place.h"
#include "tui/cli/cli.h"

static void fill(const struct place *place)
{
    struct store *store = place_store(place);
    asks_put(store, place->arena, wall_now());
    must_commit(store);
    store_close(store);
}

/* What the command prints, and its status. */
static char *output(const struct place *place, int expected, const char *const words[])
{
    struct err err = ERR_INIT;
    struct cli cli;
    const char *argv[16] = {"signalbox", *words, "--store", place->path};
    int argc = 4;
    for (words++; *words != NULL; words++) {
        argv[argc++] = *words;
    }
    AUTO_FREE char *path = file_join(place->folder, "out");
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_non_null(freopen(path, "we", stdout));
    cli_init(&cli);
    bool is_parsed = cli_parse(&cli, argc, argv, &err);
    int status = is_parsed ? cli_run(&cli) : -1;
    cli_fini(&cli);
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    if (!is_parsed) {
        fail_msg("%s", err.msg);
    }
    char *text = NULL;
    size_t len = 0;
    assert_true(file_read(path, 10 << 20, &text, &len, &err));
    if (status != expected) {
        fail_msg("status %d: %s", status, text);
    }
    return text;
}
#define STATUS(status, ...)                                                              \
    output(place, status, (const char *const[]){__VA_ARGS__, NULL})
#define OUTPUT(...) STATUS(CLI_OK, __VA_ARGS__)

/* It fails so, and prints nothing. */
static void refuses(const struct place *place, int expected, const char *const words[])
{
    AUTO_FREE char *text = output(place, expected, words);
    assert_string_equal(text, "");
}
#define REFUSES(status, ...)                                                             \
    refuses(place, status, (const char *const[]){__VA_ARGS__, NULL})

static void says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("missing '%s' in:\n%s", part, text);
    }
}

static void says_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("'%s' in:\n%s", part, text);
    }
}

static void test_the_queue(void **state)
{
    struct place *place = *state;
    fill(place);
    AUTO_FREE char *text = STATUS(CLI_HUMAN, "approvals");
    const char *at = text;
    static const char *const order[] = {
        "a-1190  critical", "a-1188  medium", "a-1189  high", "a-1187  high",
        "a-1186  low",      "a-1184  medium", "a-1185  low"};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        at = strstr(at, order[i]);
        if (at == NULL) {
            fail_msg("missing or too early '%s' in:\n%s", order[i], text);
        }
    }
    says(text, "snoozed");
    says(text, "suggested");
    says(text, "drifted");
    says(text, "grace"); /* who claimed it */
    says(text, "8m");
    says_not(text, "a-1183");
    AUTO_FREE char *all = OUTPUT("approvals", "--all");
    says(all, "a-1183");
    says(all, "rejected");
    AUTO_FREE char *high = STATUS(CLI_HUMAN, "approvals", "--risk", "high");
    says(high, "a-1187");
    says_not(high, "a-1190");
    AUTO_FREE char *some = STATUS(CLI_HUMAN, "approvals", "--text", "BRIDGE");
    says(some, "a-1188");
    says_not(some, "a-1187");
    AUTO_FREE char *none = OUTPUT("approvals", "--text", "nothing like it");
    says(none, "nothing waits for a decision");
    AUTO_FREE char *plain = STATUS(CLI_HUMAN, "approvals", "--plain");
    says(plain, "a-1190\tcritical\topen\t");
    REFUSES(CLI_USAGE, "approvals", "--risk", "huge");
}

static void test_a_card(void **state)
{
    struct place *place = *state;
    fill(place);
    AUTO_FREE char *text = STATUS(CLI_HUMAN, "approvals", "a-1187");
    static const char *const parts[] = {
        "Raise the CODING deadline for payments-api from 60m to 85m",
        "high: changes 1 repository",
        "the name of what it is about, typed",
        "then is dropped",
        "asked by engine 47m ago",
        "WHY NOW    ",
        "17 of 92 agent runs in 7 days",
        "EFFECT     ",
        "IF WRONG   ",
        "limits.coding  repo:payments-api  60m",
        "payments-api, no environment, 2 workflows, 4 queued",
        "taken back if completed falls below 81%",
        "one step, exact: limits.coding back to 60m",
        "e1  deadline hits by day",
        "e3  same change in billing-api",
        "a-903 rejected by grace",
        "wait for the",
        "30 days replayed",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        says(text, parts[i]);
    }
    AUTO_FREE char *merge = STATUS(CLI_HUMAN, "approvals", "1190");
    says(merge, "1 of 2 people: ada (approver)");
    says(merge, "waits for a second person");
    says(merge, "pull 482");
    AUTO_FREE char *restart = STATUS(CLI_HUMAN, "approvals", "a-1188");
    says(restart, "cannot be taken back");
    says(restart, "claimed by grace");
    AUTO_FREE char *drifted = STATUS(CLI_HUMAN, "approvals", "a-1189");
    says(drifted, "head: 11aa22bb");
    says(drifted, "squash: nothing");
    says(drifted, "given to lin");
    AUTO_FREE char *over = OUTPUT("approvals", "a-1183");
    says(over, "rejected by ada");
    says(over, "it was deployed a minute ago");
    REFUSES(CLI_FAILURE, "approvals", "a-4711");
    REFUSES(CLI_USAGE, "approvals", "o-14");
}

static void test_json(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    fill(place);
    AUTO_FREE char *text = STATUS(CLI_HUMAN, "approvals", "a-1190", "--json");
    struct json *root = json_parse(text, strlen(text), &err);
    assert_non_null(root);
    assert_string_equal(json_str(root, "id", ""), "a-1190");
    assert_string_equal(json_str(root, "risk", ""), "critical");
    assert_string_equal(json_str(root, "on_expiry", ""), "parks");
    assert_int_equal(json_int(json_get(root, "effect"), "pull", 0), 482);
    assert_int_equal(json_len(json_get(root, "votes")), 1);
    assert_non_null(json_get(json_get(root, "card"), "why"));
    json_free(root);
    AUTO_FREE char *one = OUTPUT("optimizations", "o-13", "--json");
    root = json_parse(one, strlen(one), &err);
    assert_non_null(root);
    assert_string_equal(json_str(root, "status", ""), "guarded");
    assert_true(json_num(root, "expected", 0) == -3.4);
    assert_int_equal(json_int(json_get(root, "guard"), "of", 0), 60);
    json_free(root);
}

static void test_optimizations(void **state)
{
    struct place *place = *state;
    fill(place);
    AUTO_FREE char *text = OUTPUT("optimizations");
    says(text, "o-10  taken-back");
    says(text, "+4.1% (+2.9 to +5.3)");
    says(text, "-3.4 min (-4.6 to -2.2)");
    says(text, "not known");
    AUTO_FREE char *open = OUTPUT("optimizations", "--open");
    says(open, "o-12");
    says_not(open, "o-10");
    AUTO_FREE char *one = OUTPUT("optimizations", "o-10");
    says(one, "completed fell to 79%");
    says(one, "PREDICTED");
    says(one, "MEASURED");
    says(one, "-6.1% (-9.0 to -3.0)");
    says_not(one, "UNDO"); /* it is not in force */
    AUTO_FREE char *guarded = OUTPUT("optimizations", "o-13");
    says(guarded, "UNDO");
    says(guarded, "watched for 28h");
    REFUSES(CLI_FAILURE, "optimizations", "o-999");
}

static void test_autonomy(void **state)
{
    struct place *place = *state;
    fill(place);
    AUTO_FREE char *text = OUTPUT("autonomy");
    says(text, "not halted");
    says(text, "merge     all");
    says(text, "by grace: release week");
    says(text, "/srv/git/orders.git");
    says(text, "by ada: hotfix train");
    says(text, "as configured");
    struct store *store = place_store(place);
    store_put_setting(store, HALT_SETTING,
                      "{\"by\":\"ada\",\"at\":1000,\"reason\":\"a flood\"}");
    must_commit(store);
    store_close(store);
    AUTO_FREE char *halted = OUTPUT("autonomy");
    says(halted, "HALTED by ada");
    says(halted, "a flood");
    AUTO_FREE char *json = OUTPUT("autonomy", "--json");
    says(json, "\"is_halted\":true");
    says(json, "\"level\":\"auto\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_the_queue),     PLACE_TEST(test_a_card),   PLACE_TEST(test_json),
        PLACE_TEST(test_optimizations), PLACE_TEST(test_autonomy),
    };
    (void)setenv("TZ", "UTC0", 1);
    tzset();
    (void)setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
