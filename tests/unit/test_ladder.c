/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "engine/recovery/ladder.h"

static struct failure_judgement judgement;

static struct ladder_context context_of(enum failure_class class_, enum blame blame)
{
    judgement = (struct failure_judgement){
        .class_ = class_, .category = class_category(class_), .p_flaky = 0.2};
    return (struct ladder_context){.judgement = &judgement,
                                   .blame = blame,
                                   .state = STATE_VALIDATING,
                                   .kind = EFFECT_CHECK,
                                   .is_changed = true,
                                   .has_agent = true,
                                   .has_head = true,
                                   .retries_left = 3,
                                   .iterations_left = 5,
                                   .runs_left = INT_MAX,
                                   .wall_left_s = (double)INFINITY,
                                   .pause_s = 5,
                                   .step_s = (double)NAN,
                                   .agent_s = (double)NAN};
}

/* The rules' choice: the first that is allowed. */
static enum rung first_of(const struct ladder_context *context)
{
    struct ladder_limits limits = ladder_defaults();
    struct ladder ladder;
    ladder_climb(context, &limits, &ladder);
    for (size_t i = 0; i < ladder.n; i++) {
        if (ladder.options[i].why_not == NULL) {
            return ladder.rungs[i];
        }
    }
    return RUNG_COUNT;
}

static const char *why_not(const struct ladder_context *context, enum rung rung)
{
    struct ladder_limits limits = ladder_defaults();
    struct ladder ladder;
    ladder_climb(context, &limits, &ladder);
    for (size_t i = 0; i < ladder.n; i++) {
        if (ladder.rungs[i] == rung) {
            return ladder.options[i].why_not;
        }
    }
    return "it is not in the table";
}

static void each_class_has_its_first_rung(void **state)
{
    (void)state;
    static const struct {
        enum failure_class class_;
        enum blame blame;
        enum rung want;
    } rows[] = {
        {CLASS_TEST,    BLAME_CHANGE,   RUNG_HAND_BACK},
        {CLASS_COMPILE, BLAME_CHANGE,   RUNG_HAND_BACK},
        {CLASS_LINT,    BLAME_CHANGE,   RUNG_HAND_BACK},
        {CLASS_UNKNOWN, BLAME_CHANGE,   RUNG_RETRY    }, /* once: it costs little */
        {CLASS_CRASH,   BLAME_CHANGE,   RUNG_HAND_BACK},
        {CLASS_NETWORK, BLAME_CHANGE,   RUNG_RETRY    },
        {CLASS_INFRA,   BLAME_CHANGE,   RUNG_RETRY    },
        {CLASS_FLAKY,   BLAME_CHANGE,   RUNG_RETRY    },
        {CLASS_UNKNOWN, BLAME_WORLD,    RUNG_RETRY    },
        {CLASS_QUOTA,   BLAME_WORLD,    RUNG_RETRY    },
        {CLASS_AUTH,    BLAME_WORLD,    RUNG_ESCALATE },
        {CLASS_CONFIG,  BLAME_SETUP,    RUNG_ESCALATE },
        {CLASS_UNKNOWN, BLAME_OPERATOR, RUNG_ESCALATE },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ladder_context context = context_of(rows[i].class_, rows[i].blame);
        if (first_of(&context) != rows[i].want) {
            fail_msg("%s, %s: %s, expected %s", class_word(rows[i].class_),
                     blame_word(rows[i].blame), rung_word(first_of(&context)),
                     rung_word(rows[i].want));
        }
    }
}

static void the_same_rung_needs_new_evidence(void **state)
{
    (void)state;
    struct ladder_context context = context_of(CLASS_TEST, BLAME_CHANGE);
    context.tried[RUNG_HAND_BACK] = 1;
    assert_null(why_not(&context, RUNG_HAND_BACK)); /* another commit */
    context.is_changed = false;
    assert_string_equal(why_not(&context, RUNG_HAND_BACK), "the agent changed nothing");
    assert_int_equal(first_of(&context), RUNG_SMALLER_TASK);
    context.tried[RUNG_SMALLER_TASK] = 1;
    assert_int_equal(first_of(&context), RUNG_OTHER_ORDER);
    context = context_of(CLASS_NETWORK, BLAME_WORLD);
    context.tried[RUNG_CHECKPOINT] = 1;
    assert_non_null(why_not(&context, RUNG_CHECKPOINT));
    assert_null(why_not(&context, RUNG_RETRY)); /* its pause grows */
}

static void limits_hold(void **state)
{
    (void)state;
    struct ladder_limits limits = ladder_defaults();
    struct ladder_context context = context_of(CLASS_TEST, BLAME_CHANGE);
    context.iterations_left = 0;
    assert_string_equal(why_not(&context, RUNG_HAND_BACK), "no iteration is left");
    context = context_of(CLASS_TEST, BLAME_CHANGE);
    context.runs_left = 0;
    assert_string_equal(why_not(&context, RUNG_HAND_BACK),
                        "the budget of agent runs is used up");
    context = context_of(CLASS_NETWORK, BLAME_WORLD);
    context.retries_left = 0;
    assert_string_equal(why_not(&context, RUNG_RETRY), "no retry is left in this state");
    context = context_of(CLASS_NETWORK, BLAME_WORLD);
    context.wall_left_s = 1;
    assert_non_null(why_not(&context, RUNG_RETRY));
    context = context_of(CLASS_TEST, BLAME_CHANGE);
    context.n_rungs = limits.attempts;
    assert_int_equal(first_of(&context), RUNG_ESCALATE);
}

static void what_cannot_be_done_is_said(void **state)
{
    (void)state;
    struct ladder_context context = context_of(CLASS_NETWORK, BLAME_WORLD);
    assert_string_equal(why_not(&context, RUNG_FALLBACK),
                        "no other provider for this step");
    context.has_other_provider = true;
    assert_null(why_not(&context, RUNG_FALLBACK));
    context = context_of(CLASS_COMPILE, BLAME_CHANGE);
    assert_string_equal(why_not(&context, RUNG_RETRY),
                        "the same again would fail the same way");
    context = context_of(CLASS_TEST, BLAME_CHANGE);
    judgement.p_flaky = 0.9;
    assert_int_equal(first_of(&context), RUNG_RETRY);
    context = context_of(CLASS_TEST, BLAME_CHANGE);
    context.has_agent = false;
    assert_int_not_equal(first_of(&context), RUNG_HAND_BACK);
}

static void others_of_a_problem_wait(void **state)
{
    (void)state;
    struct ladder_context context = context_of(CLASS_INFRA, BLAME_WORLD);
    context.is_in_problem = context.is_held = true;
    assert_int_equal(first_of(&context), RUNG_WAIT);
    assert_string_equal(why_not(&context, RUNG_RETRY),
                        "others of the same problem go first");
    struct ladder_limits limits = ladder_defaults();
    context = context_of(CLASS_INFRA, BLAME_WORLD);
    context.n_storm = limits.storm;
    assert_int_equal(first_of(&context), RUNG_WAIT);
}

/* Every class at every blame: the options have chances, costs and risks in range, ranks in
 * order, and a person can always be asked. */
static void tables_are_whole(void **state)
{
    (void)state;
    struct ladder_limits limits = ladder_defaults();
    for (int c = 0; c < CLASS_COUNT; c++) {
        for (int b = BLAME_CHANGE; b < BLAME_COUNT; b++) {
            struct ladder_context context =
                context_of((enum failure_class)c, (enum blame)b);
            struct ladder ladder;
            const char *why = NULL;
            bool has_person = false;
            ladder_climb(&context, &limits, &ladder);
            for (size_t i = 0; i < ladder.n; i++) {
                const struct decide_option *option = &ladder.options[i];
                assert_true(option->prior > 0 && option->prior < 1);
                assert_true(option->cost_s > 0 && option->risk >= 0 && option->risk <= 1);
                assert_true(i == 0 || ladder.options[i - 1].rank <= option->rank);
                assert_string_equal(option->name, rung_word(ladder.rungs[i]));
                has_person = has_person || ladder.rungs[i] == RUNG_ESCALATE;
            }
            assert_true(has_person);
            int complexity = ladder_complexity(&context, &why);
            assert_true(complexity >= 1 && complexity <= 5);
            assert_true(why != NULL && why[0] != '\0');
        }
    }
    for (int r = 0; r < RUNG_COUNT; r++) {
        assert_true(ladder_expected((enum rung)r)[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_has_its_first_rung),
        cmocka_unit_test(the_same_rung_needs_new_evidence),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(what_cannot_be_done_is_said),
        cmocka_unit_test(others_of_a_problem_wait),
        cmocka_unit_test(tables_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
