/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/rng.h"
#include "engine/decision/decide_stream.h"

static struct decide_stream stream;
static struct buf out;

static int setup(void **state)
{
    (void)state;
    decide_stream_init(&stream);
    buf_init(&out, 65536);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    decide_stream_fini(&stream);
    buf_fini(&out);
    return 0;
}

static void say(const char *line)
{
    struct err err = ERR_INIT;
    buf_clear(&out);
    if (!decide_stream_line(&stream, line, strlen(line), &out, &err)) {
        fail_msg("%s: %s", line, err.msg);
    }
}

static void expect_wrong(const char *line, const char *part)
{
    struct err err = ERR_INIT;
    buf_clear(&out);
    assert_false(decide_stream_line(&stream, line, strlen(line), &out, &err));
    assert_int_equal(out.len, 0);
    if (strstr(err.msg, part) == NULL) {
        fail_msg("%s: said \"%s\"", line, err.msg);
    }
}

struct said {
    bool is_retry;
    double p;
};

static struct said ask(int id, const char *test, const char *run, int failing)
{
    char line[512];
    struct err err = ERR_INIT;
    (void)snprintf(line, sizeof(line),
                   "{\"op\":\"decide\",\"id\":\"f-%d\",\"test\":\"a.c :: suite > %s\","
                   "\"run\":\"%s\",\"failing\":\"%d\"}",
                   id, test, run, failing);
    say(line);
    struct json *root = json_parse(out.data, out.len, &err);
    assert_non_null(root);
    struct said said = {strcmp(json_str(root, "action", ""), "retry") == 0,
                        json_num(root, "p_flaky", -1)};
    assert_true(said.p > 0 && said.p < 1);
    assert_true(json_num(root, "confidence", -1) >= 0);
    json_free(root);
    return said;
}

static double tell(int id, bool is_retry, bool is_flaky)
{
    char line[256];
    double reward = is_retry ? is_flaky ? 1 : -0.3 : is_flaky ? -0.5 : 0.5;
    (void)snprintf(line, sizeof(line),
                   "{\"op\":\"reward\",\"id\":\"f-%d\",\"action\":\"%s\",\"reward\":%g}",
                   id, is_retry ? "retry" : "escalate", reward);
    say(line);
    assert_int_equal(out.len, 0);
    return reward;
}

/* One test is flaky and one breaks; the first is learned to be retried, the other not, and
 * when they change places that is followed. */
static void test_learns_and_follows(void **state)
{
    (void)state;
    static const char *const tests[] = {"wobbles", "breaks"};
    double late = 0;
    for (int i = 0; i < 400; i++) {
        char run[32];
        bool is_flaky = (i % 2 == 0) == (i < 200);
        (void)snprintf(run, sizeof(run), "%d.1", 1000 + i / 4);
        struct said said = ask(i, tests[i % 2], run, 3);
        double reward = tell(i, said.is_retry, is_flaky);
        if ((i >= 100 && i < 200) || i >= 300) {
            late += reward;
        }
    }
    print_message("mean reward when it knows: %.3f of 0.75\n", late / 200);
    assert_true(late / 200 > 0.73);
}

/* What fails in the same run on another platform tells before the rewards of this one come. */
static void test_many_are_open_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        (void)ask(i, i % 2 == 0 ? "a" : "b", "7.1", 30);
    }
    for (int i = 29; i >= 0; i--) { /* in any order */
        tell(i, true, i % 2 == 0);
    }
    struct said a = ask(100, "a", "8.1", 2), b = ask(101, "b", "8.1", 2);
    assert_true(a.p > b.p + 0.2);
    assert_int_equal(stream.n_unknown, 0);
    assert_int_equal(stream.n_rewards, 30);
}

/* 1.0 for a right retry and -0.3 for a wrong one: at 40 % it is worth it. */
static void test_rewards_are_learned(void **state)
{
    (void)state;
    struct rng rng;
    int n_retries = 0;
    rng_init(&rng, 3);
    for (int i = 0; i < 600; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "t%d", (int)rng_below(&rng, 5));
        struct said said = ask(i, name, "x", 1);
        tell(i, said.is_retry, rng_unit(&rng) < 0.43);
        n_retries += i >= 300 && said.is_retry;
    }
    assert_true(fabs(stream.rewards[0].right - 1) < 1e-9);
    assert_true(fabs(stream.rewards[0].wrong + 0.3) < 1e-9);
    assert_true(n_retries > 200); /* at even rewards it would be fewer than 100 */
}

static void test_unknown_rewards_are_counted(void **state)
{
    (void)state;
    (void)ask(1, "a", "1", 1);
    tell(2, true, true);
    tell(1, true, true);
    tell(1, true, true);
    assert_int_equal(stream.n_unknown, 2);
    buf_clear(&out);
    decide_stream_score(&stream, &out);
    assert_non_null(strstr(out.data, "\"unknown_rewards\":2"));
    /* Only the newest decisions are remembered. */
    for (int i = 0; i <= DECIDE_STREAM_OPEN; i++) {
        (void)ask(10 + i, "a", "1", 1);
    }
    tell(10, true, true);
    assert_int_equal(stream.n_unknown, 3);
    tell(10 + DECIDE_STREAM_OPEN, true, true);
    assert_int_equal(stream.n_unknown, 3);
}

static void test_wrong_lines(void **state)
{
    (void)state;
    expect_wrong("{", "line 1");
    expect_wrong("[]", "\"op\"");
    expect_wrong("{\"op\":\"guess\",\"id\":1}", "neither \"decide\" nor \"reward\"");
    expect_wrong("{\"op\":\"decide\"}", "no \"id\"");
    expect_wrong("{\"op\":\"decide\",\"id\":\"\"}", "no \"id\"");
    expect_wrong("{\"op\":\"decide\",\"id\":1,\"started_at\":\"soon\"}",
                 "soon is no time");
    expect_wrong("{\"op\":\"reward\",\"id\":1,\"reward\":1}", "nothing is neither");
    expect_wrong("{\"op\":\"reward\",\"id\":1,\"action\":\"pray\",\"reward\":1}", "pray");
    expect_wrong("{\"op\":\"reward\",\"id\":1,\"action\":\"retry\"}", "no number");
    expect_wrong("{\"op\":\"reward\",\"id\":1,\"action\":\"retry\",\"reward\":\"x\"}",
                 "no number");
    (void)ask(1, "a", "1", 1); /* it goes on */
    tell(1, true, true);
    assert_int_equal(stream.n_rewards, 1);
}

/* Fields of all kinds, far too many of them, and none. */
static void test_fields(void **state)
{
    (void)state;
    say("{\"op\":\"decide\",\"id\":7}");
    say("{\"op\":\"decide\",\"id\":8,\"a\":true,\"b\":null,\"c\":[1],\"d\":{},\"e\":"
        "1e300,"
        "\"f\":-3,\"g\":\"\",\"h\":\"-12.5\",\"started_at\":\"2026-04-14T05:28:30Z\"}");
    char line[8192];
    size_t len = (size_t)snprintf(line, sizeof(line), "{\"op\":\"decide\",\"id\":9");
    for (int i = 0; i < 200; i++) {
        len += (size_t)snprintf(line + len, sizeof(line) - len,
                                ",\"f%d\":\"v :: %d > 1.2\"", i, i);
    }
    (void)snprintf(line + len, sizeof(line) - len, "}");
    say(line);
    for (int i = 7; i < 10; i++) {
        (void)snprintf(line, sizeof(line),
                       "{\"op\":\"reward\",\"id\":%d,\"action\":\"retry\",\"reward\":1}",
                       i);
        say(line);
    }
    assert_int_equal(stream.n_unknown, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_learns_and_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_are_open_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rewards_are_learned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_rewards_are_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wrong_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
