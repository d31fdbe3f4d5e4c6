/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/decision/proactive.h"

#define BEGIN ((int64_t)1800000000000)
#define STEPS (2 * (size_t)PREPARED_COUNT)

static struct wall at(int64_t minutes)
{
    return (struct wall){BEGIN + minutes * 60000};
}

static struct omen omen(enum omen_kind kind, const char *subject, double p,
                        int64_t due_minutes)
{
    return (struct omen){.kind = kind,
                         .subject = subject,
                         .text = "the model says so",
                         .p = p,
                         .is_trusted = true,
                         .due = at(due_minutes)};
}

static void hear(struct proactive *it, enum omen_kind kind, const char *subject, double p,
                 int64_t due_minutes, int64_t minutes)
{
    struct omen said = omen(kind, subject, p, due_minutes);
    proactive_hear(it, &said, at(minutes));
}

static struct prepared_step steps[STEPS];

static size_t decide(struct proactive *it, int64_t minutes)
{
    return proactive_decide(it, at(minutes), steps, STEPS);
}

static void begins_and_takes_back(void **state)
{
    (void)state;
    struct proactive *it = proactive_new();
    assert_int_equal(decide(it, 0), 0);
    assert_false(wall_is_set(proactive_wake_at(it)));
    hear(it, OMEN_OUTAGE, "service:github_api", 0.8, 40, 0);
    assert_int_equal(decide(it, 0), 1);
    assert_false(steps[0].is_end);
    assert_int_equal(steps[0].action, PREPARED_WARM_BACKUP);
    assert_string_equal(steps[0].subject, "service:github_api");
    assert_string_equal(steps[0].reason, "outage of service:github_api within 40m00s: "
                                         "80 %, trusted; the model says so");
    assert_int_equal(steps[0].until.ms, at(60).ms);
    assert_string_equal(proactive_active(it, PREPARED_WARM_BACKUP), "service:github_api");
    proactive_number(it, PREPARED_WARM_BACKUP, 17);
    assert_int_equal(decide(it, 1), 0); /* once */
    hear(it, OMEN_OUTAGE, "service:github_api", 0.5, 40, 5);
    assert_int_equal(decide(it, 5), 0); /* in between: nothing changes */
    hear(it, OMEN_OUTAGE, "service:github_api", 0.3, 40, 8);
    assert_int_equal(decide(it, 8), 1);
    assert_true(steps[0].is_end);
    assert_int_equal(steps[0].decision, 17);
    assert_int_equal(steps[0].verdict, VERDICT_UNCLEAR);
    assert_null(proactive_active(it, PREPARED_WARM_BACKUP));
    hear(it, OMEN_OUTAGE, "service:github_api", 0.5, 40, 45);
    assert_int_equal(decide(it, 45), 0); /* below on */
    proactive_free(it);
    proactive_free(NULL);
}

static void only_who_is_trusted(void **state)
{
    (void)state;
    struct proactive *it = proactive_new();
    for (int kind = 0; kind < OMEN_COUNT; kind++) {
        struct omen said = omen((enum omen_kind)kind, "x", 1, 1);
        said.is_trusted = false;
        proactive_hear(it, &said, at(0));
    }
    assert_int_equal(decide(it, 0), 0);
    assert_string_equal(proactive_why_not(it, PREPARED_FREE_DISK, at(0)),
                        "x: its scorecard is not trusted");
    /* A trusted one that is less likely goes first all the same. */
    hear(it, OMEN_DISK, "disk:/var", 0.7, 60, 0);
    assert_int_equal(decide(it, 0), 1);
    assert_string_equal(steps[0].subject, "disk:/var");
    /* A fact needs no scorecard. */
    struct omen fact = omen(OMEN_EXPIRY, "credential:github_api", 1, 600);
    fact.is_trusted = false;
    fact.is_measured = true;
    proactive_hear(it, &fact, at(0));
    assert_int_equal(decide(it, 0), 1);
    assert_int_equal(steps[0].action, PREPARED_RENEW_TOKEN);
    assert_non_null(strstr(steps[0].reason, "measured"));
    /* Trust that is lost ends what it began. */
    struct omen doubt = omen(OMEN_DISK, "disk:/var", 0.9, 60);
    doubt.is_trusted = false;
    proactive_hear(it, &doubt, at(1));
    assert_int_equal(decide(it, 1), 1);
    assert_true(steps[0].is_end);
    assert_int_equal(steps[0].verdict, VERDICT_UNCLEAR);
    proactive_free(it);
}

static void one_of_a_kind(void **state)
{
    (void)state;
    struct proactive *it = proactive_new();
    hear(it, OMEN_LOAD, "memory", 0.8, 60, 0);
    hear(it, OMEN_LOAD, "tasks", 0.9, 60, 0);
    hear(it, OMEN_LOAD, "files", 0.9, 60, 0);
    assert_int_equal(decide(it, 0), 1);
    assert_string_equal(steps[0].subject, "files");
    assert_int_equal(decide(it, 1), 0);
    proactive_free(it);
}

static void due_soon_enough(void **state)
{
    (void)state;
    struct proactive *it = proactive_new();
    hear(it, OMEN_LOAD, "memory", 1, 12 * 60, 0);
    assert_int_equal(decide(it, 0), 0);
    assert_string_equal(proactive_why_not(it, PREPARED_SLOW_ADMISSION, at(0)),
                        "memory: due only in 12h00m");
    for (int64_t now = 5; now <= 6 * 60; now += 5) {
        hear(it, OMEN_LOAD, "memory", 1, 12 * 60, now);
        assert_int_equal(decide(it, now), now < 6 * 60 ? 0 : 1);
    }
    proactive_free(it);
}

static void a_fresh_credential(void **state)
{
    (void)state;
    struct proactive *it = proactive_new();
    hear(it, OMEN_EXPIRY, "credential:a", 1, 600, 0);
    assert_int_equal(decide(it, 0), 1);
    hear(it, OMEN_EXPIRY, "credential:a", 1, 26 * 60, 5); /* a little later only */
    assert_int_equal(decide(it, 5), 0);
    hear(it, OMEN_EXPIRY, "credential:a", 1, 90 * 24 * 60, 6);
    assert_int_equal(decide(it, 6), 1);
    assert_true(steps[0].is_end);
    assert_int_equal(steps[0].verdict, VERDICT_GOOD);
    proactive_free(it);
}

static void not_said_again(void **state)
{
    (void)state;
    struct proactive *it = proactive_new();
    int64_t fresh = OMEN_FRESH.ms / 60000;
    hear(it, OMEN_LOAD, "memory", 1, 60, 0);
    assert_int_equal(decide(it, 0), 1);
    assert_int_equal(decide(it, fresh), 0);
    assert_true(proactive_wake_at(it).ms <= at(fresh).ms + 1);
    assert_int_equal(decide(it, fresh + 1), 1);
    assert_true(steps[0].is_end);
    assert_false(wall_is_set(proactive_wake_at(it)));
    proactive_free(it);
}

static void it_came(void **state)
{
    (void)state;
    struct proactive *it = proactive_new();
    hear(it, OMEN_OUTAGE, "service:a", 0.9, 60, 0);
    hear(it, OMEN_LOAD, "memory", 0.9, 60, 0);
    assert_int_equal(decide(it, 0), 2);
    proactive_came(it, OMEN_OUTAGE, "service:b", at(1));
    assert_int_equal(decide(it, 1), 0);
    proactive_came(it, OMEN_OUTAGE, "service:a", at(2));
    proactive_came(it, OMEN_LOAD, "memory", at(2));
    assert_int_equal(decide(it, 2), 2);
    assert_int_equal(steps[0].action, PREPARED_WARM_BACKUP);
    assert_int_equal(steps[0].verdict, VERDICT_GOOD); /* it was ready */
    assert_int_equal(steps[1].verdict, VERDICT_BAD);  /* it did not help */
    proactive_free(it);
}

/* Said every minute with full certainty for a day: bounded all the same. */
static void pauses_and_caps(void **state)
{
    (void)state;
    for (int kind = 0; kind < OMEN_COUNT; kind++) {
        struct proactive *it = proactive_new();
        int64_t begun[24 * 60][PREPARED_COUNT] = {{0}};
        int64_t ended[PREPARED_COUNT] = {-10000, -10000, -10000, -10000};
        bool is_active[PREPARED_COUNT] = {false};
        int total = 0;
        for (int64_t now = 0; now < 24 * 60; now++) {
            hear(it, (enum omen_kind)kind, "x", now % 7 == 3 ? 0.1 : 1, now + 1, now);
            size_t n = decide(it, now);
            for (size_t i = 0; i < n; i++) {
                const struct prepared_rule *rule = prepared_rule(steps[i].action);
                int action = (int)steps[i].action;
                assert_int_equal(is_active[action], steps[i].is_end);
                is_active[action] = !steps[i].is_end;
                if (steps[i].is_end) {
                    ended[action] = now;
                    continue;
                }
                assert_true(now - ended[action] >= rule->cool.ms / 60000);
                begun[now][action] = 1;
                total++;
                int64_t in_hour = 0;
                for (int64_t k = now > 59 ? now - 59 : 0; k <= now; k++) {
                    in_hour += begun[k][action];
                }
                assert_true(in_hour <= rule->per_hour);
            }
        }
        assert_in_range(total, 10, 100);
        proactive_free(it);
    }
}

static void a_disk_that_stays_full(void **state)
{
    (void)state;
    struct proactive *it = proactive_new();
    bool has_slowed = false;
    for (int64_t now = 0; now < 40; now++) {
        hear(it, OMEN_DISK, "disk:/var", 0.9, 120, now);
        size_t n = decide(it, now);
        if (now == 0) {
            assert_int_equal(n, 1);
            assert_int_equal(steps[0].action, PREPARED_FREE_DISK);
        } else if (now == 30) {
            assert_int_equal(n, 2);
            assert_int_equal(steps[0].verdict, VERDICT_BAD);
            assert_int_equal(steps[1].action, PREPARED_SLOW_ADMISSION);
            assert_string_equal(steps[1].subject, "disk:/var");
            has_slowed = true;
        } else {
            assert_int_equal(n, 0);
        }
    }
    assert_true(has_slowed);
    hear(it, OMEN_DISK, "disk:/var", 0, 120, 41);
    assert_int_equal(decide(it, 41), 1);
    assert_int_equal(steps[0].verdict, VERDICT_GOOD);
    proactive_free(it);
}

static void switched_off_and_refused(void **state)
{
    (void)state;
    struct proactive *it = proactive_new();
    proactive_allow(it, PREPARED_SLOW_ADMISSION, false);
    hear(it, OMEN_LOAD, "memory", 1, 60, 0);
    assert_int_equal(decide(it, 0), 0);
    assert_string_equal(proactive_why_not(it, PREPARED_SLOW_ADMISSION, at(0)),
                        "switched off");
    proactive_allow(it, PREPARED_SLOW_ADMISSION, true);
    assert_int_equal(decide(it, 0), 1);
    assert_string_equal(proactive_why_not(it, PREPARED_SLOW_ADMISSION, at(0)), "");
    proactive_allow(it, PREPARED_SLOW_ADMISSION, false);
    assert_int_equal(decide(it, 1), 1);
    assert_true(steps[0].is_end);
    hear(it, OMEN_OUTAGE, "service:a", 1, 60, 1);
    assert_int_equal(decide(it, 1), 1);
    proactive_refuse(it, PREPARED_WARM_BACKUP, at(1));
    assert_null(proactive_active(it, PREPARED_WARM_BACKUP));
    assert_int_equal(decide(it, 2), 0);
    assert_string_equal(proactive_why_not(it, PREPARED_WARM_BACKUP, at(2)),
                        "service:a: not again before 08:31Z");
    assert_int_equal(proactive_wake_at(it).ms, at(10).ms + 1); /* memory is forgotten */
    proactive_free(it);
}

static void words(void **state)
{
    (void)state;
    for (int i = 0; i < PREPARED_COUNT; i++) {
        assert_true(strlen(prepared_word((enum prepared)i)) > 3);
        assert_true(strlen(prepared_effect((enum prepared)i)) > 10);
        assert_true(prepared_rule((enum prepared)i)->on >
                    prepared_rule((enum prepared)i)->off);
    }
    assert_string_equal(prepared_inverse(PREPARED_WARM_BACKUP), "");
    assert_true(strlen(prepared_inverse(PREPARED_SLOW_ADMISSION)) > 10);
    assert_string_equal(prepared_word(PREPARED_COUNT), "?");
    assert_string_equal(omen_word(OMEN_DISK), "disk");
    assert_string_equal(omen_word(OMEN_COUNT), "?");
}

static struct proactive *reborn(struct proactive *it)
{
    AUTO_BUF struct buf blob;
    AUTO_BUF struct buf twice;
    struct proactive *copy = proactive_new();
    buf_init(&blob, 1 << 20);
    buf_init(&twice, 1 << 20);
    proactive_save(it, &blob);
    assert_true(proactive_load(copy, blob.data, blob.len));
    assert_false(proactive_load(it, blob.data, blob.len - 1));
    proactive_save(copy, &twice);
    assert_int_equal(blob.len, twice.len);
    assert_memory_equal(blob.data, twice.data, blob.len);
    proactive_free(it);
    return copy;
}

static void restart_equals_never_restarted(void **state)
{
    (void)state;
    static const char *const subjects[] = {"a", "b", "c", ""};
    static struct prepared_step said[2][4000];
    size_t n[2] = {0};
    for (int run = 0; run < 2; run++) {
        struct proactive *it = proactive_new();
        struct rng rng;
        rng_init(&rng, 11);
        for (int64_t now = 0; now < 3000; now++) {
            struct omen said_now = omen(
                (enum omen_kind)rng_below(&rng, OMEN_COUNT), subjects[rng_below(&rng, 4)],
                rng_below(&rng, 20) == 0 ? (double)NAN : rng_unit(&rng),
                now + (int64_t)rng_below(&rng, 600));
            said_now.is_trusted = rng_below(&rng, 4) != 0;
            proactive_hear(it, &said_now, at(now));
            if (rng_below(&rng, 40) == 0) {
                proactive_came(it, said_now.kind, said_now.subject, at(now));
            }
            size_t more = decide(it, now);
            for (size_t i = 0; i < more; i++) {
                said[run][n[run]++] = steps[i];
                if (!steps[i].is_end) {
                    proactive_number(it, steps[i].action, (int64_t)n[run]);
                }
            }
            struct wall wake = proactive_wake_at(it);
            assert_true(!wall_is_set(wake) || wake.ms > at(now).ms); /* no busy loop */
            if (run == 1) {
                it = reborn(it);
            }
        }
        proactive_free(it);
    }
    assert_int_equal(n[0], n[1]);
    assert_true(n[0] > 100);
    for (size_t i = 0; i < n[0]; i++) {
        assert_string_equal(said[0][i].reason, said[1][i].reason);
        assert_int_equal(said[0][i].action, said[1][i].action);
        assert_int_equal(said[0][i].decision, said[1][i].decision);
    }
}

static void bounded(void **state)
{
    (void)state;
    struct proactive *it = proactive_new();
    char subject[400];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(subject, sizeof(subject), "%d", i);
        hear(it, OMEN_LOAD, subject, 0.6, 10, 0);
    }
    memset(subject, 'x', sizeof(subject));
    subject[399] = '\0';
    hear(it, OMEN_LOAD, subject, 0.9, 10, 0);
    hear(it, OMEN_LOAD, subject, 0.91, 10, 0);
    hear(it, OMEN_LOAD, "z", 7, 10, 0);
    assert_int_equal(decide(it, 0), 1);
    assert_int_equal(strlen(steps[0].subject), OMEN_SUBJECT - 1);
    it = reborn(it);
    proactive_free(it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_and_takes_back),
        cmocka_unit_test(only_who_is_trusted),
        cmocka_unit_test(one_of_a_kind),
        cmocka_unit_test(due_soon_enough),
        cmocka_unit_test(a_fresh_credential),
        cmocka_unit_test(not_said_again),
        cmocka_unit_test(it_came),
        cmocka_unit_test(pauses_and_caps),
        cmocka_unit_test(a_disk_that_stays_full),
        cmocka_unit_test(switched_off_and_refused),
        cmocka_unit_test(words),
        cmocka_unit_test(restart_equals_never_restarted),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
