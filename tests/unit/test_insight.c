/* SPDX-License-Identifier: MIT */

/* Recorded workflows read back from a store, some at a time; what holds them back and what those that
 * pass have in common. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fleet.h"
#include "tests/lib/place.h"
#include "tui/insight.h"

#define WORKFLOWS 1200

struct keeping {
    struct store *store;
    struct totals totals;
    double minutes; /* of all, as the rows say */
    struct words *words;
};

static void keep(void *user, const struct feature_source *source)
{
    struct keeping *keeping = user;
    struct workflow_row row = *source->workflow;
    row.pipeline_id = 0;
    store_put_workflow(keeping->store, &row);
    for (size_t i = 0; i < source->n_events; i++) {
        (void)store_add_event(keeping->store, &source->events[i]);
    }
    for (size_t i = 0; i < source->n_effects; i++) {
        store_put_effect(keeping->store, &source->effects[i]);
    }
    for (size_t i = 0; i < source->n_failures; i++) {
        (void)store_put_failure(keeping->store, &source->failures[i]);
    }
    struct run_features *run = features_of(keeping->words, source);
    keeping->totals.by_state[row.state]++;
    keeping->totals.n_workflows++;
    keeping->minutes += run_measure(run, RUN_MINUTES);
    free(run);
}

static void fill(const struct place *place, int64_t from, size_t n, unsigned flaws,
                 struct keeping *keeping)
{
    struct fleet *fleet = fleet_new(3, flaws);
    keeping->store = place_store(place);
    fleet_run(fleet, from, n, keep, keeping);
    store_put_totals(keeping->store, &keeping->totals);
    must_commit(keeping->store);
    store_close(keeping->store);
    fleet_free(fleet);
}

static bool read_some(struct runs *runs, struct reader *reader, size_t some)
{
    struct err err = ERR_INIT;
    bool is_done = false;
    if (!runs_read(runs, reader, some, &is_done, &err)) {
        fail_msg("%s", err.msg);
    }
    return is_done;
}

static void what_ended_is_read_once_some_at_a_time(void **state)
{
    const struct place *place = *state;
    struct keeping keeping = {.words = words_new()};
    fill(place, 1, 250, 0, &keeping);
    struct reader *reader = place_reader(place);
    struct runs *runs = runs_new(RUNS_MAX);
    assert_false(read_some(runs, reader, 100));
    struct run_list list = runs_list(runs);
    assert_int_equal(list.n, 100);
    assert_int_equal(list.n_all, 250);
    assert_false(read_some(runs, reader, 100));
    assert_true(read_some(runs, reader, 100));
    list = runs_list(runs);
    assert_int_equal(list.n, 250);
    double minutes = 0;
    for (size_t i = 0; i < list.n; i++) {
        minutes += run_measure(list.runs[i], RUN_MINUTES);
        assert_true(i == 0 ||
                    list.runs[i - 1]->finished_at.ms <= list.runs[i]->finished_at.ms);
    }
    assert_true(fabs(minutes - keeping.minutes) < 1e-6);

    uint64_t generation = list.generation;
    assert_true(read_some(runs, reader, 100));
    assert_int_equal(runs_list(runs).generation, generation);
    fill(place, 251, 50, 0, &keeping);
    assert_true(read_some(runs, reader, 100));
    list = runs_list(runs);
    assert_int_equal(list.n, 300);
    assert_true(list.generation != generation);
    runs_free(runs);
    reader_close(reader);
    words_free(keeping.words);
}

static void only_the_newest_are_kept(void **state)
{
    const struct place *place = *state;
    struct keeping keeping = {.words = words_new()};
    fill(place, 1, 60, 0, &keeping);
    struct reader *reader = place_reader(place);
    struct runs *runs = runs_new(40);
    assert_true(read_some(runs, reader, 100));
    for (int more = 1; more <= 3; more++) { /* twice as many as are kept, and more */
        fill(place, 60 * more + 1, 30, 0, &keeping);
        assert_true(read_some(runs, reader, 100));
        struct run_list list = runs_list(runs);
        assert_int_equal(list.n, 40);
        for (size_t i = 0; i < list.n; i++) {
            assert_true(list.runs[i]->workflow > 60 * more - 60);
        }
    }
    runs_free(runs);
    reader_close(reader);
    words_free(keeping.words);
}

static void what_holds_back_and_what_passes(void **state)
{
    const struct place *place = *state;
    struct keeping keeping = {.words = words_new()};
    struct insight insight, copy;
    bool has_hours = false;
    fill(place, 1, WORKFLOWS, 1u << FLAW_MERGE_WINDOW, &keeping);
    struct reader *reader = place_reader(place);
    struct runs *runs = runs_new(RUNS_MAX);
    assert_true(read_some(runs, reader, RUNS_MAX));
    struct run_list list = runs_list(runs);
    insight_make(place->arena, &list, &(struct insight_filter){0}, &insight);
    assert_int_equal(insight.n_runs, WORKFLOWS);
    assert_true(fabs(insight.lead - keeping.minutes / WORKFLOWS) < 1e-6);
    double shares = 0;
    for (size_t i = 0; i < insight.n_bottlenecks; i++) {
        shares += insight.bottlenecks[i].row.share;
        assert_true(insight.bottlenecks[i].what[0] != '\0');
    }
    assert_true(fabs(shares - 1) < 1e-3); /* every minute has one cause */
    for (size_t i = 0; i < insight.n_patterns; i++) {
        has_hours = has_hours || (insight.patterns[i].of == SUCCESS_MERGE &&
                                  strstr(insight.patterns[i].what, "UTC") != NULL);
    }
    assert_true(has_hours);

    copy = insight_copy(place->arena, &insight);
    assert_int_equal(copy.n_patterns, insight.n_patterns);
    assert_string_equal(copy.patterns[0].what, insight.patterns[0].what);

    insight_make(place->arena, &list, &(struct insight_filter){.text = "P2"}, &insight);
    assert_true(insight.n_runs > 0 && insight.n_runs < WORKFLOWS / 2);
    insight_make(place->arena, &list, &(struct insight_filter){.pipeline = "none"},
                 &insight);
    assert_int_equal(insight.n_runs, 0);
    assert_int_equal(insight.n_bottlenecks, 0);
    runs_free(runs);
    reader_close(reader);
    words_free(keeping.words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(what_ended_is_read_once_some_at_a_time),
        PLACE_TEST(only_the_newest_are_kept),
        PLACE_TEST(what_holds_back_and_what_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
