/* SPDX-License-Identifier: MIT */
#include "tui/rank.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void approvals(int order, bool is_reversed, const int64_t expected[4])
{
    struct approval_row rows[] = {
        {.id = 1,
         .risk = RISK_LOW,
         .created_at = {400},
         .expires_at = {900},
         .target = "b"                                                                 },
        {.id = 2,           .risk = RISK_CRITICAL, .created_at = {100}, .target = "d"},
        {.id = 3,
         .risk = RISK_LOW,
         .created_at = {300},
         .expires_at = {500},
         .target = "a"},
        {.id = 4,
         .risk = RISK_HIGH,
         .created_at = {200},
         .expires_at = {700},
         .target = "c"                                                               },
    };
    rank_approvals(rows, ARRAY_LEN(rows), order, is_reversed);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(rows[i].id, expected[i]);
    }
}
#define APPROVALS(order, is_reversed, ...)                                               \
    approvals(order, is_reversed, (const int64_t[]){__VA_ARGS__})

static void approvals_by_risk_age_end_and_target(void **state)
{
    (void)state;
    APPROVALS(0, false, 1, 2, 3, 4);
    APPROVALS(0, true, 4, 3, 2, 1);
    APPROVALS(1, false, 2, 4, 1, 3); /* alike: as they came */
    APPROVALS(2, false, 2, 4, 3, 1); /* the oldest first */
    APPROVALS(3, false, 3, 4, 1, 2); /* without an end: last ... */
    APPROVALS(3, true, 1, 4, 3, 2);  /* ... reversed, too */
    APPROVALS(4, false, 3, 1, 4, 2);
    rank_approvals(NULL, 0, 1, true);
}

static void what_is_not_known_comes_last(void **state)
{
    struct metric_row rows[] = {
        {.id = 1, .newest = 2          },
        {.id = 2, .newest = (double)NAN},
        {.id = 3, .newest = -5         },
        {.id = 4, .newest = 9          }
    };
    (void)state;
    rank_metrics(rows, ARRAY_LEN(rows), 2, false);
    assert_int_equal(rows[0].id, 4);
    assert_int_equal(rows[2].id, 3);
    assert_int_equal(rows[3].id, 2);
    rank_metrics(rows, ARRAY_LEN(rows), 2, true);
    assert_int_equal(rows[0].id, 3);
    assert_int_equal(rows[3].id, 2);
}

static void services_with_trouble_first(void **state)
{
    struct frame_service rows[] = {
        {.row = {.name = "a", .state = BREAKER_CLOSED},
         .detail = {.failure_percent = -1, .p95_ms = 10, .limit = 4, .in_flight = 1} },
        {.row = {.name = "b", .state = BREAKER_OPEN},
         .detail = {.failure_percent = 0, .p95_ms = -1, .limit = 4, .in_flight = 3}  },
        {.row = {.name = "c", .state = BREAKER_HALF_OPEN},
         .detail = {.failure_percent = 50, .p95_ms = 30, .limit = -1, .in_flight = 9}},
    };
    static const char *const first[] = {"a", "b", "c", "c", "b"};
    static const char *const last[] = {"c", "a", "a", "b", "c"};
    (void)state;
    for (int order = 0; rank_service_words[order] != NULL; order++) {
        struct frame_service some[ARRAY_LEN(rows)];
        memcpy(some, rows, sizeof(rows));
        rank_services(some, ARRAY_LEN(some), order, false);
        assert_string_equal(some[0].row.name, first[order]);
        assert_string_equal(some[2].row.name, last[order]);
    }
}

static void rungs_stay_with_their_class(void **state)
{
    struct odds_row rows[] = {
        {.key = "all",        .rung = "retry", .trials = 1, .cost_s = 5          },
        {.key = "all",        .rung = "alert", .trials = 9, .cost_s = (double)NAN},
        {.key = "class:test", .rung = "split", .trials = 3, .cost_s = 1          },
        {.key = "class:test", .rung = "fix",   .trials = 4, .cost_s = 2          }
    };
    static const char *const expected[][4] = {
        {"retry", "alert", "split", "fix"  },
        {"alert", "retry", "fix",   "split"},
        {"retry", "alert", "fix",   "split"},
        {"alert", "retry", "fix",   "split"}
    };
    (void)state;
    for (int order = 0; rank_strategy_words[order] != NULL; order++) {
        struct odds_row some[ARRAY_LEN(rows)];
        memcpy(some, rows, sizeof(rows));
        rank_strategies(some, ARRAY_LEN(some), order, false);
        for (size_t i = 0; i < ARRAY_LEN(some); i++) {
            assert_string_equal(some[i].rung, expected[order][i]);
        }
    }
}

static void optimizations_by_what_they_bring(void **state)
{
    struct optimization_row rows[] = {
        {.id = 9, .expected = 1, .measured = (double)NAN, .setting = "poll"         },
        {.id = 8, .expected = 3, .measured = 2,           .setting = "limits.coding"},
        {.id = 7, .expected = 2, .measured = 5,           .setting = "max_running"  }
    };
    static const int64_t expected[][3] = {
        {9, 8, 7},
        {8, 7, 9},
        {7, 8, 9},
        {8, 7, 9}
    };
    (void)state;
    for (int order = 0; rank_optimization_words[order] != NULL; order++) {
        struct optimization_row some[ARRAY_LEN(rows)];
        memcpy(some, rows, sizeof(rows));
        rank_optimizations(some, ARRAY_LEN(some), order, false);
        for (size_t i = 0; i < ARRAY_LEN(some); i++) {
            assert_int_equal(some[i].id, expected[order][i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(approvals_by_risk_age_end_and_target),
        cmocka_unit_test(what_is_not_known_comes_last),
        cmocka_unit_test(services_with_trouble_first),
        cmocka_unit_test(rungs_stay_with_their_class),
        cmocka_unit_test(optimizations_by_what_they_bring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
