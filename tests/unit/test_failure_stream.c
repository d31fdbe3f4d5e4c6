/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/predict/failure_stream.h"

struct world {
    struct failure_stream stream;
    struct buf out;
    struct err err;
};

static int set_up(void **state)
{
    struct world *world = mem_alloc(sizeof(*world));
    failure_stream_init(&world->stream);
    buf_init(&world->out, 65536);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    failure_stream_fini(&world->stream);
    buf_fini(&world->out);
    free(world);
    return 0;
}

static bool line(struct world *world, const char *text)
{
    world->err = ERR_INIT;
    buf_clear(&world->out);
    return failure_stream_line(&world->stream, text, strlen(text), &world->out,
                               &world->err);
}

static double number(struct world *world, const char *key)
{
    struct json *root = json_parse(world->out.data, world->out.len, &world->err);
    assert_non_null(root);
    double value = json_num(root, key, (double)NAN);
    json_free(root);
    return value;
}

static void predict_answers_and_observe_is_silent(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 40; i++) {
        assert_true(line(world, "{\"op\":\"predict\",\"id\":\"a\",\"started_at\":"
                                "\"2026-01-01T00:00:00Z\",\"job\":\"unit\"}"));
        assert_int_equal(world->out.data[world->out.len - 1], '\n');
        assert_true(number(world, "p_fail") > 0 && number(world, "p_fail") < 1);
        assert_true(line(world, "{\"op\":\"observe\",\"id\":\"a\",\"failed\":0,"
                                "\"duration_s\":\"120.5\"}"));
        assert_int_equal(world->out.len, 0);
    }
    assert_true(line(world, "{\"op\":\"predict\",\"id\":7,\"job\":\"unit\"}"));
    assert_true(number(world, "p_fail") < 0.15);
    assert_true(fabs(number(world, "duration_s") - 120.5) < 0.1);
    assert_true(number(world, "n") > 39.5 && number(world, "n") < 40.5);
    buf_clear(&world->out);
    failure_stream_score(&world->stream, &world->out);
    struct json *root = json_parse(world->out.data, world->out.len, &world->err);
    assert_int_equal(json_int(json_get(root, "all"), "n", 0), 40);
    assert_int_equal(json_len(json_get(root, "reliability")), SCORECARD_BINS);
    assert_false(json_bool(root, "is_trusted", true));
    json_free(root);
}

static void wrong_lines_say_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"",                                                                 "JSON"           },
        {"{",                                                                "JSON"           },
        {"[1]",                                                              "\"op\""         },
        {"{\"op\":\"guess\",\"id\":1}",                                      "\"op\""         },
        {"{\"op\":\"predict\"}",                                             "\"id\""         },
        {"{\"op\":\"predict\",\"id\":\"\"}",                                 "\"id\""         },
        {"{\"op\":\"predict\",\"id\":[]}",                                   "\"id\""         },
        {"{\"op\":\"predict\",\"id\":1,\"started_at\":\"noon\"}",            "noon is no time"},
        {"{\"op\":\"observe\",\"id\":1}",                                    "\"failed\""     },
        {"{\"op\":\"observe\",\"id\":1,\"failed\":2}",                       "\"failed\""     },
        {"{\"op\":\"observe\",\"id\":1,\"failed\":0,\"finished_at\":\"x\"}", "no time"        },
        {"{\"op\":\"forget\"}",                                              "\"id\""         },
    };
    struct world *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_false(line(world, rows[i].text));
        assert_non_null(strstr(world->err.msg, rows[i].says));
        assert_int_equal(world->out.len, 0);
    }
    assert_true(line(world, "{\"op\":\"predict\",\"id\":1}")); /* and it can go on */
    assert_true(line(world, "{\"op\":\"observe\",\"id\":1,\"failed\":true}"));
    assert_true(line(world, "{\"op\":\"observe\",\"id\":1,\"failed\":1}"));
    assert_int_equal(world->stream.n_unknown, 1);
}

static void ids_are_texts_or_numbers(void **state)
{
    struct world *world = *state;
    assert_true(line(world, "{\"op\":\"predict\",\"id\":1}"));
    assert_true(line(world, "{\"op\":\"predict\",\"id\":\"1\"}"));
    assert_true(line(world, "{\"op\":\"observe\",\"id\":1,\"failed\":1}"));
    assert_true(line(world, "{\"op\":\"observe\",\"id\":\"1\",\"failed\":1}"));
    assert_int_equal(world->stream.n_unknown, 0);
    assert_true(line(world, "{\"op\":\"predict\",\"id\":2}"));
    assert_true(line(world, "{\"op\":\"forget\",\"id\":2}"));
    assert_true(line(world, "{\"op\":\"observe\",\"id\":2,\"failed\":1}"));
    assert_int_equal(world->stream.n_unknown, 1);
}

/* A number under the name of a thing is a name. */
static void numbers_may_be_names(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 120; i++) {
        bool is_bad = i % 2 == 0;
        assert_true(line(
            world, is_bad ? "{\"op\":\"predict\",\"id\":1,\"job\":12,\"branch\":7}"
                          : "{\"op\":\"predict\",\"id\":1,\"job\":13,\"branch\":8}"));
        assert_true(line(world, is_bad ? "{\"op\":\"observe\",\"id\":1,\"failed\":1}"
                                       : "{\"op\":\"observe\",\"id\":1,\"failed\":0}"));
    }
    assert_true(line(world, "{\"op\":\"predict\",\"id\":1,\"job\":12,\"branch\":7}"));
    assert_true(number(world, "p_fail") > 0.8);
    assert_true(line(world, "{\"op\":\"predict\",\"id\":1,\"job\":13,\"branch\":8}"));
    assert_true(number(world, "p_fail") < 0.2);
}

static void reasons_come_when_asked(void **state)
{
    struct world *world = *state;
    assert_true(line(world, "{\"op\":\"predict\",\"id\":1}"));
    assert_null(strstr(world->out.data, "reasons"));
    world->stream.has_reasons = true;
    assert_true(line(world, "{\"op\":\"predict\",\"id\":2}"));
    assert_non_null(strstr(world->out.data, "\"reasons\":[{\"text\":\""));
}

static void a_long_line_is_an_error(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *text = mem_alloc(FAILURE_STREAM_LINE_MAX + 2);
    memset(text, ' ', FAILURE_STREAM_LINE_MAX + 1);
    assert_false(line(world, text));
    assert_int_equal(world->err.code, ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(predict_answers_and_observe_is_silent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(wrong_lines_say_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ids_are_texts_or_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_may_be_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reasons_come_when_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_line_is_an_error, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
