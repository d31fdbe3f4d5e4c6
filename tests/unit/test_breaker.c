/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/resilience/breaker.h"

#define BEGIN 1000000000000

static struct wall at(int64_t ms)
{
    return (struct wall){BEGIN + ms};
}

static struct breaker_settings base(void)
{
    return (struct breaker_settings){.window = BREAKER_CONSECUTIVE,
                                     .failures = 3,
                                     .slow = {1000},
                                     .min_calls = 4,
                                     .window_calls = 10,
                                     .window_time = {30000},
                                     .open = {10000},
                                     .open_max = {60000},
                                     .half_open_calls = 2,
                                     .half_open_max = {20000}};
}

static void one(struct breaker *breaker, enum breaker_outcome outcome, int64_t took,
                int64_t ms)
{
    uint32_t ticket = breaker_admit(breaker, at(ms));
    assert_true(ticket != 0);
    breaker_record(breaker, ticket, outcome, (struct span){took}, at(ms));
}

static void failures(struct breaker *breaker, int n, int64_t ms)
{
    for (int i = 0; i < n; i++) {
        one(breaker, OUTCOME_FAILURE, 1, ms);
    }
}

static void in_a_row(void **state)
{
    (void)state;
    struct breaker_settings set = base();
    struct breaker breaker;
    struct breaker_change change;
    breaker_init(&breaker, &set, 1, at(0));
    failures(&breaker, 2, 0);
    one(&breaker, OUTCOME_OK, 1, 0); /* a 404 is one, too: gate_judge */
    failures(&breaker, 2, 0);
    one(&breaker, OUTCOME_NEUTRAL, 1, 0); /* neither mends nor breaks the row */
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    failures(&breaker, 1, 0);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_true(breaker_take_change(&breaker, &change));
    assert_string_equal(change.cause, "3 failures in a row");
    assert_string_equal(change.actor, "engine");
    assert_false(breaker_take_change(&breaker, &change));
    assert_int_equal(breaker_admit(&breaker, at(9999)), 0);
    assert_int_equal(breaker_wake_at(&breaker).ms, at(10000).ms);
    breaker_tick(&breaker, at(10000)); /* without any call */
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
}

static void half_open_permits_so_many(void **state)
{
    (void)state;
    struct breaker_settings set = base();
    struct breaker breaker;
    breaker_init(&breaker, &set, 1, at(0));
    uint32_t old = breaker_admit(&breaker, at(0));
    failures(&breaker, 3, 0);
    uint32_t first = breaker_admit(&breaker, at(10000));
    uint32_t second = breaker_admit(&breaker, at(10000));
    assert_true(first != 0 && second != 0);
    assert_int_equal(breaker_admit(&breaker, at(10000)), 0);
    breaker_record(&breaker, old, OUTCOME_FAILURE, (struct span){1}, at(10001));
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN); /* that was of another time */
    breaker_record(&breaker, first, OUTCOME_OK, (struct span){1}, at(10001));
    assert_int_equal(breaker_admit(&breaker, at(10001)), 0); /* 1 passed, 1 under way */
    breaker_record(&breaker, second, OUTCOME_OK, (struct span){1}, at(10002));
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

/* 10, 20, 40, 60, 60 seconds; a call that never ends counts as none. */
static void the_stay_grows(void **state)
{
    (void)state;
    static const int64_t stays[] = {10, 20, 40, 60, 60};
    struct breaker_settings set = base();
    struct breaker breaker;
    int64_t now = 0;
    breaker_init(&breaker, &set, 1, at(0));
    failures(&breaker, 3, 0);
    for (size_t i = 0; i < ARRAY_LEN(stays); i++) {
        assert_int_equal(breaker.until.ms - at(now).ms, stays[i] * 1000);
        now += stays[i] * 1000;
        if (i % 2 == 0) {
            one(&breaker, OUTCOME_FAILURE, 1, now);
        } else {
            assert_true(breaker_admit(&breaker, at(now)) != 0);
            now += 20000;
            breaker_tick(&breaker, at(now));
        }
        assert_int_equal(breaker.state, BREAKER_OPEN);
    }
    now = breaker.until.ms - BEGIN;
    one(&breaker, OUTCOME_OK, 1, now);
    one(&breaker, OUTCOME_OK, 1, now);
    failures(&breaker, 3, now); /* closed by real calls: it begins anew */
    assert_int_equal(breaker.until.ms - at(now).ms, 10000);
}

static void jitter_is_on_top_and_bounded(void **state)
{
    (void)state;
    struct breaker_settings set = base();
    set.jitter_percent = 20;
    int64_t least = INT64_MAX, most = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct breaker breaker;
        breaker_init(&breaker, &set, seed, at(0));
        failures(&breaker, 3, 0);
        int64_t stay = breaker.until.ms - BEGIN;
        least = stay < least ? stay : least;
        most = stay > most ? stay : most;
    }
    assert_true(least >= 10000 && least < 10100);
    assert_true(most <= 12000 && most > 11900);
}

static void windows(void **state)
{
    (void)state;
    struct breaker_settings set = base();
    struct breaker breaker;
    set.window = BREAKER_COUNT;
    set.failures = 0;
    set.failure_percent = 50;
    breaker_init(&breaker, &set, 1, at(0));
    failures(&breaker, 3, 0);
    assert_int_equal(breaker.state, BREAKER_CLOSED); /* fewer than min_calls */
    breaker_init(&breaker, &set, 1, at(0));
    for (int i = 0; i < 10; i++) {
        one(&breaker, OUTCOME_OK, 1, 0);
    }
    failures(&breaker, 4, 0);
    assert_int_equal(breaker_failure_percent(&breaker), 40);
    failures(&breaker, 1, 0); /* the oldest calls have left the window */
    assert_int_equal(breaker.state, BREAKER_OPEN);

    set.failure_percent = 0;
    set.slow_percent = 50;
    breaker_init(&breaker, &set, 1, at(0));
    one(&breaker, OUTCOME_OK, 1000, 0);
    one(&breaker, OUTCOME_OK, 1, 0);
    one(&breaker, OUTCOME_OK, 1001, 0);
    one(&breaker, OUTCOME_OK, 1001, 0);
    assert_int_equal(breaker.state, BREAKER_OPEN);

    set = base();
    set.window = BREAKER_TIME;
    breaker_init(&breaker, &set, 1, at(0));
    failures(&breaker, 2, 0);
    one(&breaker, OUTCOME_OK, 1, 29000);
    assert_int_equal(breaker.n_failed, 2);
    failures(&breaker, 1, 31000); /* the first two are forgotten */
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_int_equal(breaker.n_failed, 1);
    failures(&breaker, 2, 40000);
    assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void the_service_has_a_say(void **state)
{
    (void)state;
    struct breaker_settings set = base();
    struct breaker breaker;
    breaker_init(&breaker, &set, 1, at(0));
    failures(&breaker, 3, 0);
    breaker_hold(&breaker, at(45000), at(1)); /* Retry-After */
    assert_int_equal(breaker_admit(&breaker, at(44999)), 0);
    breaker_probed(&breaker, true, at(20000));
    assert_int_equal(breaker.state, BREAKER_OPEN); /* it asked to wait */
    breaker_probed(&breaker, true, at(45000));
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
    breaker_probed(&breaker, true, at(46000));
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    breaker_evidence(&breaker, 50, at(47000));
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    breaker_evidence(&breaker, 0, at(47000));
    assert_int_equal(breaker.state, BREAKER_OPEN);
    breaker_hold(&breaker, at(INT32_MAX), at(48000)); /* nobody waits for ever */
    assert_true(breaker.until.ms <= at(48000).ms + BREAKER_HOLD_MAX.ms);
}

/* Probes are well and work is not: it must not flap at the shortest stay. */
static void probes_alone_prove_little(void **state)
{
    (void)state;
    struct breaker_settings set = base();
    struct breaker breaker;
    set.half_open_calls = 1;
    breaker_init(&breaker, &set, 1, at(0));
    failures(&breaker, 3, 0);
    for (int64_t stay = 20000; stay <= 40000; stay *= 2) {
        int64_t now = breaker.until.ms - BEGIN;
        breaker_probed(&breaker, true, at(now));
        assert_int_equal(breaker.state, BREAKER_CLOSED);
        failures(&breaker, 3, now);
        assert_int_equal(breaker.until.ms - at(now).ms, stay);
    }
}

static void operators_force_and_reset(void **state)
{
    (void)state;
    struct breaker_settings set = base();
    struct breaker breaker;
    struct breaker_change change;
    breaker_init(&breaker, &set, 1, at(0));
    breaker_force(&breaker, BREAKER_FORCED_OPEN, at(60000), "ann", "maintenance", at(0));
    assert_int_equal(breaker_admit(&breaker, at(59999)), 0);
    assert_true(breaker_take_change(&breaker, &change));
    assert_string_equal(change.actor, "ann");
    assert_string_equal(change.cause, "maintenance");
    breaker_tick(&breaker, at(60000));
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);

    breaker_force(&breaker, BREAKER_FORCED_CLOSED, (struct wall){0}, "ann", "x", at(0));
    failures(&breaker, 9, 61000);
    assert_int_equal(breaker.state, BREAKER_FORCED_CLOSED);
    assert_false(wall_is_set(breaker_wake_at(&breaker)));
    breaker_force(&breaker, BREAKER_CLOSED, (struct wall){0}, "ann", "auto", at(62000));
    assert_int_equal(breaker.state, BREAKER_CLOSED);

    breaker_force(&breaker, BREAKER_DISABLED, (struct wall){0}, "ann", "x", at(63000));
    failures(&breaker, 9, 63000);
    assert_int_equal(breaker.n_recent, 0); /* nothing is counted */
    breaker_force(&breaker, BREAKER_METRICS, at(70000), "ann", "x", at(64000));
    while (breaker_take_change(&breaker, &change)) {
    }
    failures(&breaker, 9, 64000);
    assert_true(breaker_take_change(&breaker, &change)); /* said once */
    assert_int_equal(change.from, change.to);
    assert_false(breaker_take_change(&breaker, &change));
    breaker_tick(&breaker, at(70000));
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    failures(&breaker, 3, 71000);
    breaker_reset(&breaker, "ann", "it is back", at(72000));
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_true(breaker_admit(&breaker, at(72000)) != 0);
}

static struct json *saved(const struct breaker *breaker)
{
    struct err err = ERR_INIT;
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, 65536);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    breaker_save(breaker, &w);
    jsonw_close(&w, '}');
    struct json *root = json_parse(out.data, out.len, &err);
    assert_non_null(root);
    return root;
}

static void over_a_restart(void **state)
{
    (void)state;
    struct breaker_settings set = base();
    struct breaker breaker, again;
    breaker_init(&breaker, &set, 1, at(0));
    failures(&breaker, 2, 0);
    struct json *memo = saved(&breaker);
    breaker_init(&again, &set, 1, at(500));
    breaker_restore(&again, memo, at(500));
    json_free(memo);
    failures(&again, 1, 500); /* the third in a row */
    assert_int_equal(again.state, BREAKER_OPEN);

    one(&again, OUTCOME_FAILURE, 1, 10500);
    memo = saved(&again); /* open for 20 s */
    breaker_init(&breaker, &set, 1, at(11000));
    breaker_restore(&breaker, memo, at(11000));
    assert_int_equal(breaker.until.ms, at(30500).ms);
    assert_int_equal(breaker.n_reopened, 1);
    /* the clock was set back a year: the stay is still bounded */
    breaker_init(&breaker, &set, 1, at(0));
    breaker_restore(&breaker, memo, (struct wall){BEGIN - 31536000000});
    assert_true(breaker.until.ms <= BEGIN - 31536000000 + 60000);
    json_free(memo);

    breaker_tick(&again, at(30500));
    assert_int_equal(again.state, BREAKER_HALF_OPEN);
    assert_true(breaker_admit(&again, at(30500)) != 0);
    memo = saved(&again); /* its call is lost with the engine */
    breaker_init(&breaker, &set, 1, at(31000));
    breaker_restore(&breaker, memo, at(31000));
    json_free(memo);
    one(&breaker, OUTCOME_OK, 1, 31000);
    one(&breaker, OUTCOME_OK, 1, 31000);
    assert_int_equal(breaker.state, BREAKER_CLOSED);

    /* nonsense changes nothing, or nothing for long */
    static const char wrong[] =
        "{\"state\":\"open\",\"until\":-5,\"n_recent\":-9,\"since\":1e300}";
    struct err err = ERR_INIT;
    memo = json_parse(wrong, sizeof(wrong) - 1, &err);
    assert_non_null(memo);
    breaker_init(&breaker, &set, 1, at(0));
    breaker_restore(&breaker, memo, at(0));
    breaker_tick(&breaker, at(0));
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
    json_free(memo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_row),
        cmocka_unit_test(half_open_permits_so_many),
        cmocka_unit_test(the_stay_grows),
        cmocka_unit_test(jitter_is_on_top_and_bounded),
        cmocka_unit_test(windows),
        cmocka_unit_test(the_service_has_a_say),
        cmocka_unit_test(probes_alone_prove_little),
        cmocka_unit_test(operators_force_and_reset),
        cmocka_unit_test(over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
