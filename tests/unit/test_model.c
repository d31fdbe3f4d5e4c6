/* SPDX-License-Identifier: MIT */
/* Model: each word of the lists, and nothing past their ends. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "store/model.h"

static void test_states(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        enum workflow_state state = (enum workflow_state)i, found = STATE_COUNT;
        assert_true(state_find(state_name(state), &found));
        assert_int_equal(found, state);
        assert_true(strlen(state_brief(state)) > 0 && strlen(state_brief(state)) <= 7);
        assert_true(strlen(state_help(state)) > 0);
    }
    enum workflow_state found = STATE_CODING;
    assert_true(state_find("pr_created", &found));
    assert_int_equal(found, STATE_PR_CREATED);
    assert_false(state_find("", &found));
    assert_false(state_find("PLAN", &found));
    assert_int_equal(found, STATE_PR_CREATED); /* untouched */
    assert_string_equal(state_name((enum workflow_state)99), "?");
    assert_string_equal(state_brief((enum workflow_state)99), "?");
    assert_string_equal(state_help((enum workflow_state)99), "");
    assert_true(state_is_final(STATE_COMPLETED));
    assert_true(state_is_final(STATE_FAILED));
    assert_true(state_is_final(STATE_CANCELLED));
    assert_true(state_is_final(STATE_ROLLED_BACK));
    assert_false(state_is_final(STATE_IDLE));
    assert_false(state_is_final(STATE_PARKED));
    assert_false(state_is_final(STATE_RECOVERING));
}

static void test_other_words(void **unused)
{
    (void)unused;
    assert_string_equal(wait_word(WAIT_NONE), "");
    assert_string_equal(wait_word(WAIT_MERGE), "merge approval");
    assert_string_equal(wait_word((enum workflow_wait)99), "?");
    assert_true(wait_needs_human(WAIT_PLAN));
    assert_true(wait_needs_human(WAIT_MERGE));
    assert_true(wait_needs_human(WAIT_OPERATOR));
    assert_false(wait_needs_human(WAIT_SLOT));
    assert_false(wait_needs_human(WAIT_PAUSE));
    assert_false(wait_needs_human((enum workflow_wait)99));
    assert_string_equal(effect_name(EFFECT_PULL_REQUEST), "pull-request");
    assert_string_equal(effect_port(EFFECT_MERGE), "forge");
    assert_string_equal(effect_name((enum effect_kind)99), "?");
    assert_string_equal(effect_port((enum effect_kind)99), "");
    assert_string_equal(status_name(STATUS_TIMED_OUT), "timed-out");
    assert_string_equal(status_name((enum effect_status)99), "?");
    assert_string_equal(doc_name(DOC_METADATA), "metadata");
    assert_string_equal(doc_name((enum doc_kind)99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_other_words),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
