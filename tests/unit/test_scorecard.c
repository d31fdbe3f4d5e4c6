/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/predict/scorecard.h"

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

static void an_empty_card_knows_nothing(void **state)
{
    (void)state;
    struct scorecard card = {0};
    struct scorecard_skill skill = scorecard_all(&card);
    assert_int_equal(skill.n, 0);
    assert_true(isnan(skill.brier) && isnan(skill.skill) && isnan(skill.ece));
    assert_true(isnan(skill.coverage) && isnan(skill.error));
    assert_false(scorecard_is_trusted(&card));
    assert_non_null(strstr(scorecard_verdict(&card), "not trusted yet"));
}

/* Worked by hand: outcomes 1 0 1, said .5 .4 .9; the base before each is -, 1, 1/2. */
static void sums_are_those_of_the_book(void **state)
{
    (void)state;
    struct scorecard card = {0};
    scorecard_add(&card, 0.5, true);
    scorecard_add(&card, 0.4, false);
    scorecard_add(&card, 0.9, true);
    struct scorecard_skill all = scorecard_all(&card), recent = scorecard_recent(&card);
    assert_true(is_near(all.brier, (0.16 + 0.01) / 2));
    assert_true(is_near(all.base, (1 + 0.25) / 2));
    assert_true(is_near(all.skill, 1 - 0.17 / 1.25));
    assert_true(is_near(all.ece, (0.5 + 0.4 + 0.1) / 3));
    assert_true(fabs(recent.skill - all.skill) < 1e-6 && recent.n == 3);
    assert_int_equal(card.bins[5].n, 1);
    assert_int_equal(card.bins[9].failed, 1);
}

static void trust_is_earned_and_lost(void **state)
{
    (void)state;
    struct scorecard card = {0};
    for (int i = 0; i < SCORECARD_RECENT - 1; i++) {
        scorecard_add(&card, i % 2 ? 0.9 : 0.1, i % 2);
        assert_false(scorecard_is_trusted(&card)); /* too few */
    }
    scorecard_add(&card, 0.9, true);
    assert_true(scorecard_is_trusted(&card));
    assert_non_null(strstr(scorecard_verdict(&card), "trusted: better"));
    for (int i = 0; i < SCORECARD_RECENT; i++) {
        scorecard_add(&card, i % 2 ? 0.1 : 0.9, i % 2); /* now it is wrong */
    }
    assert_true(scorecard_all(&card).n == 2 * SCORECARD_RECENT);
    assert_false(scorecard_is_trusted(&card));
    assert_true(scorecard_recent(&card).skill < 0);
    for (int i = 0; i < SCORECARD_RECENT; i++) {
        scorecard_add(&card, i % 2 ? 0.8 : 0.2, i % 2);
    }
    assert_true(scorecard_is_trusted(&card)); /* what is long ago is forgiven */
}

static void the_base_rate_itself_is_not_trusted(void **state)
{
    (void)state;
    struct scorecard card = {0};
    for (int i = 0; i < 300; i++) {
        double base = card.n > 0 ? (double)card.failed / (double)card.n : 0.5;
        scorecard_add(&card, base, i % 3 == 0);
    }
    assert_false(scorecard_is_trusted(&card));
}

static void nonsense_counts_as_half(void **state)
{
    (void)state;
    struct scorecard card = {0};
    scorecard_add(&card, 0.3, true);
    scorecard_add(&card, (double)NAN, true);
    scorecard_add(&card, 7, false);
    scorecard_add(&card, -1, false);
    assert_int_equal(card.bins[5].n, 3);
    assert_true(is_near(scorecard_all(&card).brier, 0.25));
    scorecard_add(&card, 1, true); /* is in the last bin */
    assert_int_equal(card.bins[9].n, 1);
}

static void intervals_and_errors_are_counted(void **state)
{
    (void)state;
    struct scorecard card = {0};
    scorecard_add_duration(&card, 10, 5, 15, 10); /* belongs to nothing */
    assert_true(isnan(scorecard_all(&card).coverage));
    scorecard_add(&card, 0.1, false);
    scorecard_add_duration(&card, 10, 5, 15, 8);
    scorecard_add(&card, 0.1, false);
    scorecard_add_duration(&card, 10, 5, 15, 20);
    scorecard_add(&card, 0.1, true);
    scorecard_add(&card, 0.1, false);
    scorecard_add_duration(&card, (double)NAN, (double)NAN, (double)NAN, 20);
    scorecard_add(&card, 0.1, false);
    scorecard_add_duration(&card, 40, 15, 45, 20);
    struct scorecard_skill all = scorecard_all(&card), recent = scorecard_recent(&card);
    assert_true(is_near(all.coverage, 2.0 / 3));
    assert_true(is_near(recent.coverage, 2.0 / 3));
    assert_true(is_near(recent.error, 0.5)); /* of .25, .5, 1 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_card_knows_nothing),
        cmocka_unit_test(sums_are_those_of_the_book),
        cmocka_unit_test(trust_is_earned_and_lost),
        cmocka_unit_test(the_base_rate_itself_is_not_trusted),
        cmocka_unit_test(nonsense_counts_as_half),
        cmocka_unit_test(intervals_and_errors_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
