/* SPDX-License-Identifier: MIT */
/* Causes: what is wrong, a row for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/base/json.h"
#include "tests/lib/place.h"
#include "tests/lib/troubles.h"
#include "tui/cause.h"

static struct wall moment(void)
{
    struct wall at;
    assert_true(wall_parse("2026-11-22T14:03:07Z", &at));
    return at;
}

static struct causes read_causes(const struct place *place, bool has_all)
{
    struct err err = ERR_INIT;
    struct causes causes = {0};
    struct reader *reader = reader_open(place->path, &err);
    assert_non_null(reader);
    if (!causes_read(reader, place->arena, moment(), has_all, &causes, &err)) {
        fail_msg("%s", err.msg);
    }
    reader_close(reader);
    return causes;
}

static void put_service(struct store *store, const char *name, enum breaker_state state)
{
    store_put_service(store, &(struct service_row){.name = name,
                                                   .kind = "github",
                                                   .state = state,
                                                   .since = moment(),
                                                   .reason = "5 failures in a row",
                                                   .detail = "{}",
                                                   .memo = "{}",
                                                   .updated_at = moment()});
}

static void put_problem(struct store *store, const char *cause, int64_t incident)
{
    (void)store_put_problem(store,
                            &(struct problem_row){.cause = cause,
                                                  .class_ = CLASS_TEST,
                                                  .fingerprint = "0123456789abcdef",
                                                  .severity = SEVERITY_CRITICAL,
                                                  .text = "the yard is closed",
                                                  .opened_at = moment(),
                                                  .seen_at = moment(),
                                                  .n_failures = 5,
                                                  .n_workflows = 4,
                                                  .incident = incident,
                                                  .rung = RUNG_COUNT,
                                                  .detail = "{}"});
}

/* The afternoon of troubles.h, and what is of nobody there. */
static struct causes troubles(const struct place *place, bool has_all)
{
    struct store *store = place_store(place);
    troubles_put(store, place->arena, moment());
    put_service(store, "harbour", BREAKER_OPEN);
    put_problem(store, "repo:yard", 0);
    put_problem(store, "service:harbour", 0);
    must_commit(store);
    store_close(store);
    return read_causes(place, has_all);
}

static const struct cause_row *find(const struct causes *causes, const char *id)
{
    for (size_t i = 0; i < causes->n; i++) {
        if (strcmp(causes->rows[i].id, id) == 0) {
            return &causes->rows[i];
        }
    }
    return NULL;
}

static const struct cause_part *find_part(const struct cause_row *row, const char *name)
{
    for (size_t i = 0; i < row->n_parts; i++) {
        if (strcmp(row->parts[i].name, name) == 0) {
            return &row->parts[i];
        }
    }
    return NULL;
}

static void one_row_for_each_cause(void **state)
{
    struct causes causes = troubles(*state, false);
    const struct cause_row *row = find(&causes, "17");
    assert_non_null(row);
    assert_int_equal(row->state, CAUSE_CLAIMED);
    assert_string_equal(row->who, "lin");
    assert_int_equal(row->n[CAUSE_ANOMALY], 2);
    assert_int_equal(row->n[CAUSE_PROBLEM], 1);
    assert_int_equal(row->n[CAUSE_FAILURE], 9); /* the problem has counted them */
    assert_int_equal(row->n[CAUSE_BREAKER], 1);
    assert_true(row->n[CAUSE_DECISION] > 0);
    assert_non_null(find_part(row, "p-2"));
    assert_non_null(find_part(row, "f-30"));
    assert_string_equal(find_part(row, "github_api")->state, "forced-open");
    assert_null(find(&causes, "p-2")); /* inside, and not beside it */
    assert_null(find(&causes, "service:github_api"));
    assert_null(find(&causes, "f-30"));
    assert_null(find(&causes, "f-31")); /* is being recovered: daily work */
    assert_int_equal(find(&causes, "18")->state, CAUSE_QUIET);
    assert_int_equal(find(&causes, "f-27")->state, CAUSE_NEEDS);
    assert_null(find(&causes, "12"));
    for (size_t i = 1; i < causes.n; i++) {
        assert_true(causes.rows[i].severity <= causes.rows[i - 1].severity);
    }
}

static void what_the_monitor_does_not_know(void **state)
{
    struct causes causes = troubles(*state, false);
    const struct cause_row *yard = NULL, *harbour = NULL;
    for (size_t i = 0; i < causes.n; i++) {
        bool is_yard = strcmp(causes.rows[i].cause, "repo:yard") == 0;
        bool is_harbour = strcmp(causes.rows[i].cause, "service:harbour") == 0;
        assert_false(is_harbour && harbour != NULL); /* one row for problem and breaker */
        yard = is_yard ? &causes.rows[i] : yard;
        harbour = is_harbour ? &causes.rows[i] : harbour;
    }
    assert_non_null(yard);
    assert_non_null(harbour);
    assert_int_equal(yard->subject.of, STORY_OF_PROBLEM);
    assert_int_equal(yard->state, CAUSE_OPEN);
    assert_int_equal(harbour->n[CAUSE_BREAKER], 1);
    assert_int_equal(harbour->n[CAUSE_PROBLEM], 1);
    assert_int_equal(harbour->severity, SEVERITY_CRITICAL);
}

static void what_is_over_comes_last(void **state)
{
    struct causes causes = troubles(*state, true);
    size_t order[CAUSES_MAX];
    assert_int_equal(find(&causes, "12")->state, CAUSE_CLOSED);
    for (int sort = 0; sort < CAUSE_SORT_COUNT; sort++) {
        for (int reversed = 0; reversed < 2; reversed++) {
            bool is_over = false;
            size_t n =
                causes_order(&causes, "", (enum cause_sort)sort, reversed == 1, order);
            assert_int_equal(n, causes.n);
            for (size_t i = 0; i < n; i++) {
                bool is_it = wall_is_set(causes.rows[order[i]].to);
                assert_false(is_over && !is_it);
                is_over = is_it;
            }
        }
    }
    size_t n = causes_order(&causes, "", CAUSE_BY_AGE, false, order);
    for (size_t i = 1; i < n && !wall_is_set(causes.rows[order[i]].to); i++) {
        assert_true(causes.rows[order[i - 1]].from.ms <= causes.rows[order[i]].from.ms);
    }
}

static void a_filter_looks_inside(void **state)
{
    struct causes causes = troubles(*state, false);
    size_t order[CAUSES_MAX];
    assert_int_equal(causes_order(&causes, "QUOTA", CAUSE_BY_SEVERITY, false, order), 1);
    assert_string_equal(causes.rows[order[0]].id, "17"); /* of its breaker's reason */
    assert_int_equal(causes_order(&causes, "needs you", CAUSE_BY_SEVERITY, false, order),
                     2);
    assert_int_equal(causes_order(&causes, "nowhere", CAUSE_BY_SEVERITY, false, order),
                     0);
}

static void as_json(void **state)
{
    struct causes causes = troubles(*state, true);
    struct err err = ERR_INIT;
    for (size_t i = 0; i < causes.n; i++) {
        AUTO_BUF struct buf out;
        struct jsonw w;
        buf_init(&out, 1 << 16);
        jsonw_init(&w, &out);
        jsonw_open(&w, NULL, '{');
        cause_json(&causes.rows[i], &w);
        jsonw_close(&w, '}');
        struct json *root = json_parse(out.data, out.len, &err);
        const struct json *inside = json_get(root, "inside");
        assert_non_null(inside);
        assert_string_equal(json_str(inside, "state", ""),
                            cause_state_word(causes.rows[i].state));
        assert_int_equal(json_len(json_get(inside, "parts")), causes.rows[i].n_parts);
        json_free(root);
    }
}

static void nothing_is_wrong(void **state)
{
    const struct place *place = *state;
    store_close(place_store(place));
    assert_int_equal(read_causes(place, true).n, 0);
}

/* More than there is room for: the newest, and it says so. */
static void there_are_too_many(void **state)
{
    const struct place *place = *state;
    struct store *store = place_store(place);
    for (int i = 0; i < CAUSES_MAX + 20; i++) {
        put_service(store, arena_printf(place->arena, "s%d", i), BREAKER_OPEN);
    }
    must_commit(store);
    store_close(store);
    struct causes causes = read_causes(place, false);
    assert_int_equal(causes.n, CAUSES_MAX);
    assert_true(causes.has_more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(one_row_for_each_cause),
        PLACE_TEST(what_the_monitor_does_not_know),
        PLACE_TEST(what_is_over_comes_last),
        PLACE_TEST(a_filter_looks_inside),
        PLACE_TEST(as_json),
        PLACE_TEST(nothing_is_wrong),
        PLACE_TEST(there_are_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
