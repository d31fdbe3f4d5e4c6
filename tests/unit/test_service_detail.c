/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/service_detail.h"

static void test_all_of_it(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct service_detail d;
    service_detail_parse(
        arena,
        "{\"url\":\"https://"
        "x\",\"window\":{\"kind\":\"count\",\"calls\":9,\"failures\":2,"
        "\"failure_percent\":22,\"slow_percent\":1,\"recent\":\"..x\"},"
        "\"latency_ms\":{\"n\":9,\"p50\":1,\"p95\":2,\"p99\":3},"
        "\"bulkhead\":{\"limit\":4,\"in_flight\":3,\"waiting\":2,\"refused\":1},"
        "\"rate\":{\"limit\":60,\"remaining\":0,\"reset_at\":5000,\"creates_left\":7},"
        "\"retry\":{\"left_percent\":50,\"repeats\":6},"
        "\"fallback\":{\"to\":\"eu\",\"since\":4000,\"n\":8},"
        "\"endpoints\":[{\"name\":\"a\",\"calls\":1,\"errors\":0,\"p95_ms\":11}],"
        "\"errors\":[{\"at\":1,\"call\":\"old\",\"text\":\"t\"},"
        "{\"at\":2,\"call\":\"new\",\"text\":\"u\"}],"
        "\"mesh\":{\"healthy_percent\":80},\"probe\":{\"at\":3000,\"ok\":true},"
        "\"token_end\":6000,\"snapshots\":\"real\"}",
        &d);
    assert_string_equal(d.url, "https://x");
    assert_string_equal(d.window, "count");
    assert_int_equal(d.calls, 9);
    assert_int_equal(d.failures, 2);
    assert_int_equal(d.failure_percent, 22);
    assert_int_equal(d.slow_percent, 1);
    assert_string_equal(d.recent, "..x");
    assert_int_equal(d.p99_ms, 3);
    assert_int_equal(d.limit, 4);
    assert_int_equal(d.waiting, 2);
    assert_int_equal(d.rate_remaining, 0);
    assert_int_equal(d.rate_reset_at.ms, 5000);
    assert_int_equal(d.creates_left, 7);
    assert_int_equal(d.retry_left_percent, 50);
    assert_string_equal(d.fallback_to, "eu");
    assert_int_equal(d.n_fallbacks, 8);
    assert_int_equal(d.n_endpoints, 1);
    assert_int_equal(d.endpoints[0].p95_ms, 11);
    assert_int_equal(d.n_errors, 2);
    assert_string_equal(d.errors[0].call, "new"); /* the newest first */
    assert_int_equal(d.healthy_percent, 80);
    assert_true(d.is_probe_fine);
    assert_int_equal(d.token_end.ms, 6000);
    assert_string_equal(d.snapshots, "real");
    arena_free(arena);
}

/* Unknown is not zero. */
static void test_nothing_known(void **state)
{
    (void)state;
    static const char *const texts[] = {"",   "{}",   "{",
                                        "[]", "null", "{\"window\":7,\"errors\":{}}"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena *arena = arena_new();
        struct service_detail d;
        service_detail_parse(arena, texts[i], &d);
        assert_string_equal(d.url, "");
        assert_int_equal(d.calls, -1);
        assert_int_equal(d.p95_ms, -1);
        assert_int_equal(d.rate_remaining, -1);
        assert_int_equal(d.healthy_percent, -1);
        assert_false(wall_is_set(d.probe_at));
        assert_int_equal(d.n_errors, 0);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_nothing_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
