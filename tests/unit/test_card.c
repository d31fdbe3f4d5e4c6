/* SPDX-License-Identifier: MIT */
/* Cards: told in lines, made to fit, whatever stands in the rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "engine/base/text.h"
#include "tests/lib/asks.h"
#include "tests/lib/place.h"
#include "tui/card.h"
#include "tui/levels.h"

#define NOW 1763733600000 /* 2025-11-21T14:00:00Z */

static const struct approval_row *find(const struct asks *asks, int64_t id)
{
    for (size_t i = 0; i < asks->n_approvals; i++) {
        if (asks->approvals[i].id == id) {
            return &asks->approvals[i];
        }
    }
    fail_msg("there is no a-%lld", (long long)id);
    return NULL;
}

static bool has_label(const struct card_line *lines, size_t n, const char *label)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(lines[i].label, label) == 0) {
            return true;
        }
    }
    return false;
}

/* On 80x24 every part that a decision needs is there, whatever else must go. */
static void test_nothing_that_is_needed_is_left_out(void **state)
{
    struct place *place = *state;
    struct asks asks = asks_make(place->arena, (struct wall){NOW});
    static const char *const needed[] = {"WHY NOW", "EFFECT", "IF WRONG", "CHANGE",
                                         "TOUCHES", "GUARD",  "UNDO",     "EVIDENCE",
                                         "BEFORE",  "DRY RUN"};
    const struct approval_row *row = find(&asks, 1187);
    struct card card;
    size_t n, n_less;
    card_parse(place->arena, row->card, &card);
    const struct card_line *lines = card_of_approval(
        place->arena, row, &card, CARD_WHOLE, (struct wall){NOW}, 77, 22, &n, &n_less);
    assert_true(n <= 22);
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (!has_label(lines, n, needed[i])) {
            fail_msg("%s is not on the card", needed[i]);
        }
    }
    /* With half the room, the first line of each is still there. */
    lines = card_of_approval(place->arena, row, &card, CARD_WHOLE, (struct wall){NOW}, 77,
                             15, &n, &n_less);
    assert_true(n <= 15);
    assert_true(n_less > 0);
    assert_true(has_label(lines, n, "UNDO") && has_label(lines, n, "DRY RUN"));
    bool has_mark = false;
    for (size_t i = 0; i < n; i++) {
        has_mark = has_mark || strstr(lines[i].text, "…") != NULL;
    }
    assert_true(has_mark); /* what was cut says so */
}

/* The last word of a line is whole in the whole card, or the line ends in a mark. */
static void must_end_well(const char *text, const char *whole)
{
    size_t len = strlen(text);
    if (strstr(text, "…") != NULL || strchr(text, ' ') == NULL) {
        return; /* one word that is longer than a line has no better place to break */
    }
    for (const char *at = whole; (at = strstr(at, text)) != NULL; at++) {
        if (at[len] == '\n' || at[len] == ' ') {
            return;
        }
    }
    fail_msg("'%s' ends in the middle of a word", text);
}

static void test_it_fits_wherever(void **state)
{
    struct place *place = *state;
    struct asks asks = asks_make(place->arena, (struct wall){NOW});
    for (size_t i = 0; i < asks.n_approvals; i++) {
        struct card card;
        card_parse(place->arena, asks.approvals[i].card, &card);
        for (int width = 40; width <= 160; width += 7) {
            size_t n, n_less;
            AUTO_BUF struct buf whole;
            buf_init(&whole, 1 << 20);
            const struct card_line *lines =
                card_of_approval(place->arena, &asks.approvals[i], &card, CARD_WHOLE,
                                 (struct wall){NOW}, 100000, 0, &n, &n_less);
            for (size_t k = 0; k < n; k++) {
                (void)buf_printf(&whole, "%s\n", lines[k].text);
            }
            for (int height = 6; height <= 60; height += 3) {
                lines =
                    card_of_approval(place->arena, &asks.approvals[i], &card, CARD_WHOLE,
                                     (struct wall){NOW}, width, height, &n, &n_less);
                assert_true(n > 0);
                for (size_t k = 0; k < n; k++) {
                    int room = width - CARD_MARK - (lines[k].is_wide ? 0 : CARD_LABEL);
                    assert_true(text_cells(lines[k].text, strlen(lines[k].text)) <= room);
                    must_end_well(lines[k].text, whole.data);
                }
                /* the head alone may be higher than a very small place */
                assert_true((int)n <= height || height < 12);
            }
        }
    }
}

static void test_what_is_no_card_is_told_all_the_same(void **state)
{
    struct place *place = *state;
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "7",
        "{\"why\":7,\"undo\":[],\"evidence\":{},\"before\":[7,null],\"touches\":7}",
        "{\"evidence\":[{\"values\":[null,\"x\",1e308,-1,[],{}]}],\"change\":\"x\"}",
        "{\"why\":[\"\\u001b[2J\\u0007\\u202e\",\"\"],\"dry_run\":[\"\"]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct asks asks = asks_make(place->arena, (struct wall){NOW});
        struct approval_row row = asks.approvals[0];
        struct card card;
        size_t n, n_less;
        row.effect = row.effect_before = row.votes = texts[i];
        row.risk = (enum risk)99;
        row.status = (enum approval_status)99;
        card_parse(place->arena, texts[i], &card);
        for (int page = CARD_WHOLE; page <= CARD_DRY_RUN; page++) {
            const struct card_line *lines =
                card_of_approval(place->arena, &row, &card, (enum card_page)page,
                                 (struct wall){NOW}, 77, 22, &n, &n_less);
            assert_true(n > 0);
            for (size_t k = 0; k < n; k++) {
                assert_null(strchr(lines[k].text, 0x1b));
            }
        }
    }
}

static void test_changes_field_by_field(void **state)
{
    struct place *place = *state;
    const struct card_change *changes;
    size_t n = card_changes(place->arena, "{\"a\":1,\"b\":\"x\",\"c\":{\"d\":2},\"g\":5}",
                            "{\"c\":{\"d\":3},\"b\":\"x\",\"a\":1,\"e\":true}", &changes);
    assert_int_equal(n, 3); /* order means nothing */
    assert_string_equal(changes[0].field, "c.d");
    assert_string_equal(changes[0].was, "2");
    assert_string_equal(changes[0].is, "3");
    assert_string_equal(changes[1].field, "e");
    assert_string_equal(changes[1].was, "");
    assert_string_equal(changes[2].field, "g");
    assert_string_equal(changes[2].is, "");
    assert_int_equal(card_changes(place->arena, "{\"a\":1}", "{\"a\":1}", &changes), 0);
    assert_int_equal(card_changes(place->arena, "", "no JSON", &changes), 0);
}

static void test_effects_have_their_unit(void **state)
{
    (void)state;
    char text[CARD_EFFECT_MAX];
    assert_string_equal(card_effect("completed", 0.041, 0.029, 0.053, text),
                        "+4.1% (+2.9 to +5.3)");
    assert_string_equal(card_effect("wasted_minutes", -3.4, -4.6, -2.2, text),
                        "-3.4 min (-4.6 to -2.2)");
    assert_string_equal(card_effect("wasted_minutes", -0.03, -0.05, 0, text),
                        "-1.8 s (-3.0 to +0.0)"); /* not -0.0 min */
    assert_string_equal(card_effect("wasted_minutes", -0.0001, (double)NAN, 0, text),
                        "+0.0 s");
    assert_string_equal(card_effect("completed", 0.5, (double)NAN, 1, text), "+50.0%");
    assert_string_equal(card_effect("completed", (double)NAN, 0, 1, text), "not known");
}

static void test_who_has_it(void **state)
{
    struct place *place = *state;
    struct asks asks = asks_make(place->arena, (struct wall){NOW});
    struct approval_row row = *find(&asks, 1188);
    char text[300];
    assert_string_equal(card_owner(&row, (struct wall){NOW}), "grace");
    assert_string_equal(card_state(&row, (struct wall){NOW}, text, sizeof(text)),
                        "expires in 1m30s, then is dropped, claimed by grace for 12m");
    row.assignee = "lin";
    assert_string_equal(card_owner(&row, row.claimed_until),
                        "lin"); /* the claim is over */
    row.claimed_by = row.assignee = "";
    assert_string_equal(card_owner(&row, (struct wall){NOW}), "");
    row.expires_at.ms = NOW - 1;
    assert_string_equal(card_state(&row, (struct wall){NOW}, text, sizeof(text)),
                        "expires now, then is dropped");
    row.expires_at.ms = 0;
    assert_string_equal(card_state(&row, (struct wall){NOW}, text, sizeof(text)),
                        "waits without end");
    row.snoozed_until.ms = NOW + 60000;
    assert_string_equal(card_state(&row, (struct wall){NOW}, text, sizeof(text)),
                        "snoozed for 1m00s, waits without end");
}

static void test_levels(void **state)
{
    struct place *place = *state;
    struct asks asks = asks_make(place->arena, (struct wall){NOW});
    size_t n;
    char text[300];
    const struct level_line *lines =
        levels_list(place->arena, asks.levels, asks.n_levels, "", (struct wall){NOW}, &n);
    assert_int_equal(n, ACT_COUNT + 1);
    assert_int_equal(lines[ACT_MERGE].level, LEVEL_APPROVE);
    assert_string_equal(
        level_why(&lines[ACT_MERGE], (struct wall){NOW}, text, sizeof(text)),
        "without end, by grace: release week");
    assert_string_equal(lines[ACT_MERGE + 1].repo, "/srv/git/orders.git");
    assert_string_equal(
        level_why(&lines[ACT_MERGE + 1], (struct wall){NOW}, text, sizeof(text)),
        "for 45m, by ada: hotfix train");
    assert_null(lines[ACT_PLAN].row);
    /* An hour later the raised one is over. */
    lines = levels_list(place->arena, asks.levels, asks.n_levels, "",
                        (struct wall){NOW + 3600000}, &n);
    assert_int_equal(n, ACT_COUNT);
    assert_int_equal(lines[ACT_RESTART].level, LEVEL_AUTO);
    lines = levels_list(place->arena, asks.levels, asks.n_levels, "",
                        (struct wall){NOW + 3 * 3600000}, &n);
    assert_int_equal(lines[ACT_RESTART].level, lines[ACT_RESTART].configured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_nothing_that_is_needed_is_left_out),
        PLACE_TEST(test_it_fits_wherever),
        PLACE_TEST(test_what_is_no_card_is_told_all_the_same),
        PLACE_TEST(test_changes_field_by_field),
        cmocka_unit_test(test_effects_have_their_unit),
        PLACE_TEST(test_who_has_it),
        PLACE_TEST(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
