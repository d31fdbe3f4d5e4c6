/* SPDX-License-Identifier: MIT */
/*
 * Past: random changes of every table, with and without events, and each moment of it read
 * again; what is refused, and what is said to be unknown.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/rng.h"
#include "store/past_private.h"
#include "tests/lib/past.h"
#include "tests/lib/place.h"

#define START 1700000000000

static const char *pick(struct rng *rng, struct arena *arena, const char *what)
{
    return arena_printf(arena, "%s %d", what, (int)rng_below(rng, 3));
}

/* ---- random changes ----------------------------------------------------------------- */

/* Numbers grow, and those that were given change again. */
struct world {
    struct rng rng;
    struct arena *arena;
    struct store *store;
    struct wall now;
    int64_t last[PAST_COUNT];
};

static int64_t some_id(struct world *world, enum past past)
{
    int64_t *last = &world->last[past];
    if (*last == 0 || rng_below(&world->rng, 3) == 0) {
        return ++*last;
    }
    return 1 + (int64_t)rng_below(&world->rng, (uint64_t)*last);
}

static void put_workflow(struct world *world)
{
    struct workflow_row row = sample_workflow(some_id(world, PAST_WORKFLOW));
    row.state = (enum workflow_state)rng_below(&world->rng, STATE_COUNT);
    row.wait = rng_below(&world->rng, 3) == 0 ? WAIT_MERGE : WAIT_NONE;
    row.reason = pick(&world->rng, world->arena, "reason");
    row.finished_at = state_is_final(row.state) ? world->now : (struct wall){0};
    store_put_workflow(world->store, &row);
}

static void put_effect(struct world *world)
{
    int64_t id = some_id(world, PAST_EFFECT);
    store_put_effect(
        world->store,
        &(struct effect_row){.workflow = 1 + id % 3,
                             .seq = id,
                             .status = (enum effect_status)rng_below(&world->rng, 3),
                             .name = "unit tests",
                             .asked_at = world->now,
                             .params = "{}",
                             .summary = pick(&world->rng, world->arena, "summary")});
}

static void put_doc(struct world *world)
{
    const char *text = pick(&world->rng, world->arena, "text\n");
    enum doc_kind doc = (enum doc_kind)rng_below(&world->rng, DOC_COUNT);
    int64_t id = 1 + (int64_t)rng_below(&world->rng, 3);
    if (rng_below(&world->rng, 2) == 0) {
        store_put_doc(world->store, id, doc, text, strlen(text));
    } else {
        store_append_doc(world->store, id, doc, text, strlen(text));
    }
}

static void put_approval(struct world *world)
{
    (void)store_put_approval(
        world->store,
        &(struct approval_row){.id = some_id(world, PAST_APPROVAL),
                               .status = (enum approval_status)rng_below(&world->rng, 4),
                               .title = pick(&world->rng, world->arena, "title"),
                               .card = pick(&world->rng, world->arena, "card"),
                               .effect = pick(&world->rng, world->arena, "effect")});
}

static void put_optimization(struct world *world)
{
    (void)store_put_optimization(
        world->store,
        &(struct optimization_row){.id = some_id(world, PAST_OPTIMIZATION),
                                   .measured = rng_unit(&world->rng),
                                   .expected = (double)NAN,
                                   .evidence = pick(&world->rng, world->arena, "e")});
}

static void put_tuning(struct world *world)
{
    const char *setting = pick(&world->rng, world->arena, "setting");
    const char *scope = pick(&world->rng, world->arena, "scope");
    if (rng_below(&world->rng, 3) == 0) {
        store_drop_tuning(world->store, setting, scope);
        return;
    }
    store_put_tuning(
        world->store,
        &(struct tuning_row){.setting = setting,
                             .scope = scope,
                             .value = pick(&world->rng, world->arena, "value")});
}

static void put_autonomy(struct world *world)
{
    const char *repo = pick(&world->rng, world->arena, "repo");
    enum act act = (enum act)rng_below(&world->rng, 3);
    if (rng_below(&world->rng, 3) == 0) {
        store_drop_autonomy(world->store, act, repo);
        return;
    }
    store_put_autonomy(
        world->store,
        &(struct autonomy_row){
            .action = act, .repo = repo, .n_done = (int64_t)rng_below(&world->rng, 9)});
}

static void put_failure(struct world *world)
{
    (void)store_put_failure(
        world->store,
        &(struct failure_row){.id = some_id(world, PAST_FAILURE),
                              .status = (enum failure_status)rng_below(&world->rng, 3),
                              .text = pick(&world->rng, world->arena, "text")});
}

static void put_recovery(struct world *world)
{
    switch (rng_below(&world->rng, 4)) {
    case 0:
        (void)store_put_problem(
            world->store,
            &(struct problem_row){.id = some_id(world, PAST_PROBLEM),
                                  .text = pick(&world->rng, world->arena, "text")});
        return;
    case 1:
        (void)store_put_recovery(
            world->store,
            &(struct recovery_row){.id = some_id(world, PAST_RECOVERY),
                                   .odds = rng_unit(&world->rng),
                                   .reason = pick(&world->rng, world->arena, "why")});
        return;
    case 2:
        (void)store_put_decision(
            world->store,
            &(struct decision_row){.id = some_id(world, PAST_DECISION),
                                   .choice = pick(&world->rng, world->arena, "choice")});
        return;
    default:
        store_put_odds(world->store,
                       &(struct odds_row){.key = pick(&world->rng, world->arena, "key"),
                                          .rung = pick(&world->rng, world->arena, "rung"),
                                          .mean = rng_unit(&world->rng)});
    }
}

static void put_finding(struct world *world)
{
    switch (rng_below(&world->rng, 4)) {
    case 0:
        store_put_anomaly(
            world->store,
            &(struct anomaly_row){.id = some_id(world, PAST_ANOMALY),
                                  .value = rng_unit(&world->rng),
                                  .text = pick(&world->rng, world->arena, "text")});
        return;
    case 1:
        store_put_incident(
            world->store,
            &(struct incident_row){.id = some_id(world, PAST_INCIDENT),
                                   .text = pick(&world->rng, world->arena, "text")});
        return;
    case 2:
        store_put_incident_ack(
            world->store,
            &(struct incident_row){.id = 1 + (int64_t)rng_below(&world->rng, 3),
                                   .state = INCIDENT_ACKED,
                                   .owner = pick(&world->rng, world->arena, "who")});
        return;
    default: {
        int64_t id = some_id(world, PAST_SILENCE);
        (void)store_put_silence(
            world->store,
            &(struct silence_row){
                .id = id, .match = "*", .is_ended = rng_below(&world->rng, 2) == 0});
    }
    }
}

static void put_small(struct world *world)
{
    struct totals totals = {.n_workflows = (int64_t)rng_below(&world->rng, 9),
                            .by_state[STATE_CODING] = (int64_t)rng_below(&world->rng, 9)};
    switch (rng_below(&world->rng, 4)) {
    case 0:
        store_put_totals(world->store, &totals);
        return;
    case 1:
        store_put_hour(world->store,
                       &(struct hour_row){
                           .hour = START / 3600000 + (int64_t)rng_below(&world->rng, 3),
                           .completed = (int64_t)rng_below(&world->rng, 9)});
        return;
    case 2:
        store_put_setting(world->store, rng_below(&world->rng, 2) == 0 ? "halt" : "other",
                          pick(&world->rng, world->arena, "value"));
        return;
    default:
        store_put_service(
            world->store,
            &(struct service_row){.name = pick(&world->rng, world->arena, "service"),
                                  .kind = "github",
                                  .state = (enum breaker_state)rng_below(&world->rng, 3),
                                  .reason = "",
                                  .detail = pick(&world->rng, world->arena, "detail"),
                                  .memo = "",
                                  .updated_at = world->now});
    }
}

static void put_event(struct world *world)
{
    (void)store_add_event(world->store, &(struct event_row){.at = world->now,
                                                            .workflow = 1,
                                                            .kind = "start",
                                                            .actor = "engine",
                                                            .text = ""});
}

static void change_something(struct world *world)
{
    static void (*const changes[])(struct world *) = {
        put_workflow, put_workflow, put_effect,  put_doc,      put_approval,
        put_tuning,   put_autonomy, put_failure, put_recovery, put_optimization,
        put_finding,  put_small,    put_event,   put_event};
    changes[rng_below(&world->rng, ARRAY_LEN(changes))](world);
}

static void test_every_moment_is_what_it_was(void **state)
{
    struct place *place = *state;
    struct past_book *book = past_book_new();
    size_t n = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct world world = {.arena = arena_new(), .now = {START}};
        AUTO_FREE char *path = mem_printf("%s/%d.db", place->folder, (int)seed);
        struct err err = ERR_INIT;
        world.store = store_open(path, STORE_OFF, &err);
        assert_non_null(world.store);
        rng_init(&world.rng, seed);
        for (int i = 0; i < 60; i++) {
            for (uint64_t k = 1 + rng_below(&world.rng, 8); k > 0; k--) {
                change_something(&world);
            }
            store_set_now(world.store, world.now);
            must_commit(world.store);
            past_book_note(book, path, world.now);
            world.now.ms += rng_below(&world.rng, 3) == 0 ? 0 : 1000;
        }
        store_close(world.store);
        arena_free(world.arena);
        assert_string_equal(past_book_check(book, path, SIZE_MAX, &n), "");
        past_book_free(book);
        book = past_book_new();
    }
    assert_true(n > 150);
    past_book_free(book);
}

/* ---- single rules -------------------------------------------------------------------- */

static struct moment must_find(struct reader *reader, int64_t event, int64_t at)
{
    struct moment_ask ask = {.event = event, .at = {at}};
    struct moment moment = {0};
    struct err err = ERR_INIT;
    if (!reader_find_moment(reader, &ask, &moment, &err)) {
        fail_msg("%s", err.msg);
    }
    return moment;
}

static void must_pin(struct reader *reader, const struct moment *moment)
{
    struct err err = ERR_INIT;
    if (!reader_pin(reader, moment, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void add_event(struct store *store, int64_t at)
{
    (void)store_add_event(
        store,
        &(struct event_row){
            .at = {at}, .workflow = 7, .kind = "start", .actor = "engine", .text = ""});
}

/* wf-7 in PLANNING with event 1 at START, CODING with event 2 a minute later, done with 3. */
static struct store *three_events(const struct place *place)
{
    static const enum workflow_state states[] = {STATE_PLANNING, STATE_CODING,
                                                 STATE_COMPLETED};
    struct store *store = place_store(place);
    for (int i = 0; i < 3; i++) {
        struct workflow_row row = sample_workflow(7);
        row.state = states[i];
        row.wait = WAIT_NONE;
        row.finished_at.ms = i == 2 ? START + 120000 : 0;
        add_event(store, START + i * 60000);
        store_put_workflow(store, &row);
        must_commit(store);
    }
    return store;
}

static void test_a_moment_by_time_and_by_event(void **state)
{
    struct place *place = *state;
    store_close(three_events(place));
    struct reader *reader = place_reader(place);
    assert_int_equal(must_find(reader, 0, START - 1).seq, 0);
    assert_int_equal(must_find(reader, 0, START).seq, 1);
    assert_int_equal(must_find(reader, 0, START + 59999).seq, 1);
    assert_int_equal(must_find(reader, 0, START + 60000).seq, 2);
    assert_int_equal(must_find(reader, 0, START + 99999999).seq, 3);
    struct moment moment = must_find(reader, 2, 0);
    assert_string_equal(moment.kind, "start");
    assert_int_equal(moment.workflow, 7);
    assert_int_equal(moment.at.ms, START + 60000);
    assert_int_equal(moment.last, 3);
    struct err err = ERR_INIT;
    assert_false(
        reader_find_moment(reader, &(struct moment_ask){.event = 4}, &moment, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_non_null(strstr(err.msg, "#4"));
    reader_close(reader);
}

static void test_steps_go_event_by_event(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    store_close(three_events(place));
    struct reader *reader = place_reader(place);
    struct moment moment = must_find(reader, 0, START + 70000);
    static const struct {
        int by, seq;
    } steps[] = {
        {-1, 2},
        {-1, 1},
        {-1, 1},
        {1,  2},
        {1,  3},
        {1,  3},
        {-9, 1},
        {2,  3}
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        assert_true(reader_step_moment(reader, &moment, steps[i].by, &moment, &err));
        assert_int_equal(moment.seq, steps[i].seq);
        assert_true(moment.is_event);
    }
    reader_close(reader);
}

static enum workflow_state state_of(struct reader *reader, struct arena *arena)
{
    struct workflow_row row;
    struct err err = ERR_INIT;
    assert_int_equal(reader_workflow(reader, arena, 7, &row, &err), FOUND);
    return row.state;
}

static void test_the_readers_tell_of_then_and_of_now_again(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    const struct workflow_row *rows;
    const struct event_row *events;
    size_t n;
    store_close(three_events(place));
    struct reader *reader = place_reader(place);
    assert_int_equal(state_of(reader, place->arena), STATE_COMPLETED);
    struct moment moment = must_find(reader, 2, 0);
    for (int i = 0; i < 2; i++) {
        must_pin(reader, &moment);
        assert_true(reader_is_pinned(reader));
        assert_true(reader_begin(reader, &err));
        assert_int_equal(state_of(reader, place->arena), STATE_CODING);
        reader_end(reader);
        assert_int_equal(state_of(reader, place->arena), STATE_CODING);
        for (int sort = 0; sort < SORT_COUNT; sort++) {
            struct list_query query = {
                .states = STATE_BIT(STATE_CODING), .sort = (enum sort_key)sort, .max = 9};
            assert_true(reader_list(reader, place->arena, &query, &rows, &n, &err));
            assert_int_equal(n, 1);
            query.repo = "/srv/git/odd";
            query.states = 0;
            assert_true(reader_list(reader, place->arena, &query, &rows, &n, &err));
            assert_int_equal(n, 1);
        }
        assert_true(reader_last_events(reader, place->arena, 0, 9, &events, &n, &err));
        assert_int_equal(n, 2);
        reader_unpin(reader);
        assert_int_equal(state_of(reader, place->arena), STATE_COMPLETED);
    }
    moment = must_find(reader, 0, START - 1);
    must_pin(reader, &moment);
    struct workflow_row row;
    assert_int_equal(reader_workflow(reader, place->arena, 7, &row, &err), MISSING);
    reader_close(reader);
}

static void test_what_is_committed_meanwhile_is_not_seen(void **state)
{
    struct place *place = *state;
    struct store *store = three_events(place);
    struct reader *reader = place_reader(place);
    struct moment moment = must_find(reader, 3, 0);
    must_pin(reader, &moment);
    struct workflow_row row = sample_workflow(7);
    row.state = STATE_ROLLED_BACK;
    add_event(store, START + 200000);
    store_put_workflow(store, &row);
    must_commit(store);
    assert_int_equal(state_of(reader, place->arena), STATE_COMPLETED);
    reader_unpin(reader);
    assert_int_equal(state_of(reader, place->arena), STATE_ROLLED_BACK);
    reader_close(reader);
    store_close(store);
}

static void test_a_document_that_changed_is_not_known(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = three_events(place);
    store_put_doc(store, 7, DOC_PLAN, "old", 3);
    add_event(store, START + 130000);
    must_commit(store);
    store_put_doc(store, 7, DOC_PLAN, "new", 3);
    add_event(store, START + 140000);
    must_commit(store);
    store_close(store);
    struct reader *reader = place_reader(place);
    static const struct {
        int64_t event;
        enum found found;
        bool is_later;
    } cases[] = {
        {3, MISSING, false},
        {4, MISSING, true },
        {5, FOUND,   false}
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *text;
        size_t len;
        struct moment moment = must_find(reader, cases[i].event, 0);
        must_pin(reader, &moment);
        assert_int_equal(reader_doc(reader, place->arena, 7, DOC_PLAN, &text, &len, &err),
                         cases[i].found);
        assert_int_equal(reader_doc_is_later(reader, 7, DOC_PLAN), cases[i].is_later);
        reader_unpin(reader);
    }
    assert_false(reader_doc_is_later(reader, 7, DOC_PLAN));
    reader_close(reader);
}

static void put_service(struct store *store, int64_t at, enum breaker_state state,
                        const char *detail)
{
    store_put_service(store, &(struct service_row){.name = "github",
                                                   .kind = "github",
                                                   .state = state,
                                                   .since = {START},
                                                   .reason = "",
                                                   .detail = detail,
                                                   .memo = "{}",
                                                   .updated_at = {at}});
    store_set_now(store, (struct wall){at});
    must_commit(store);
}

static void test_figures_of_a_service_are_not_of_later(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = three_events(place);
    put_service(store, START + 200000, BREAKER_CLOSED, "first");
    put_service(store, START + 201000, BREAKER_CLOSED, "second");
    put_service(store, START + 202000, BREAKER_OPEN, "third");
    store_close(store);
    struct reader *reader = place_reader(place);
    static const struct {
        int64_t at;
        size_t n;
        enum breaker_state state;
        const char *detail;
    } cases[] = {
        {START + 199999, 0, BREAKER_CLOSED, ""      },
        {START + 200500, 1, BREAKER_CLOSED, ""      },
        {START + 201500, 1, BREAKER_CLOSED, "second"},
        {START + 202500, 1, BREAKER_OPEN,   "third" }
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct service_row *rows;
        size_t n;
        struct moment moment = must_find(reader, 0, cases[i].at);
        must_pin(reader, &moment);
        assert_true(reader_services(reader, place->arena, &rows, &n, &err));
        assert_int_equal(n, cases[i].n);
        if (n > 0) {
            assert_int_equal(rows[0].state, cases[i].state);
            assert_string_equal(rows[0].detail, cases[i].detail);
        }
        reader_unpin(reader);
    }
    reader_close(reader);
}

static void test_before_what_is_kept_is_refused(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct moment moment;
    struct store *store = three_events(place);
    struct workflow_row row = sample_workflow(8);
    add_event(store, START + 150000);
    store_put_workflow(store, &row);
    must_commit(store);
    assert_int_equal(store_prune(store, (struct wall){START + 130000}, 9), 1);
    must_commit(store);
    store_close(store);
    struct reader *reader = place_reader(place);
    assert_false(reader_find_moment(reader, &(struct moment_ask){.at = {START + 119999}},
                                    &moment, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_non_null(strstr(err.msg, "no longer kept"));
    moment = must_find(reader, 0, START + 140000);
    must_pin(reader, &moment);
    reader_unpin(reader);
    int64_t n = -1;
    assert_true(
        database_number(&reader->database,
                        "SELECT (SELECT count(*) FROM past_workflow WHERE id = 7) +"
                        " (SELECT count(*) FROM past_total)",
                        &n, &err));
    assert_int_equal(n, 0);
    reader_close(reader);
}

static void test_before_the_schema_is_refused(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct moment moment;
    struct database old;
    int64_t past = 0;
    while (past < store_schema_version() && schema_migrations[past] != schema_past) {
        past++;
    }
    assert_true(database_open(&old, place->path, DATABASE_CREATE, &err));
    assert_true(schema_migrate_to(&old, past, &err));
    assert_true(database_exec(&old,
                              "INSERT INTO event VALUES (1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0,"
                              " '', 0), (2, 2, 0, 1, 1, 0, 0, 0, 0, 0, 0, '', 0)",
                              &err));
    database_close(&old);
    store_close(place_store(place));
    struct reader *reader = place_reader(place);
    assert_false(
        reader_find_moment(reader, &(struct moment_ask){.event = 1}, &moment, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_non_null(strstr(err.msg, "#2"));
    assert_int_equal(must_find(reader, 2, 0).seq, 2);
    reader_close(reader);
}

/* A migration that widens a table must widen its images: the same columns, in order. */
static void test_images_have_the_columns_of_their_tables(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    store_close(place_store(place));
    struct reader *reader = place_reader(place);
    for (int i = 0; i < PAST_COUNT; i++) {
        int64_t n = -1;
        AUTO_FREE char *sql =
            mem_printf("SELECT (SELECT group_concat(name) FROM pragma_table_info('%s')) ="
                       " (SELECT group_concat(name) FROM pragma_table_info('past_%s')"
                       " WHERE cid >= 3)",
                       past_tables[i].table, past_tables[i].table);
        assert_true(database_number(&reader->database, sql, &n, &err));
        if (n != 1) {
            fail_msg("past_%s has other columns than %s", past_tables[i].table,
                     past_tables[i].table);
        }
    }
    reader_close(reader);
}

static void test_what_a_person_types(void **state)
{
    (void)state;
    const struct wall now = {1763867520000}; /* 2025-11-23T03:12:00Z */
    static const struct {
        const char *text;
        int64_t event, at;
    } good[] = {
        {"#1204",                     1204, 0                       },
        {"2025-11-23T03:00:00Z",      0,    1763866800000           },
        {"2025-11-23T04:00:00+01:00", 0,    1763866800000           },
        {"2025-11-23",                0,    1763856000000           },
        {"03:12",                     0,    1763867520000           },
        {"03:12:00Z",                 0,    1763867520000           },
        {"03:13",                     0,    1763867580000 - 86400000},
        {"-2h",                       0,    1763867520000 - 7200000 },
        {"-90s",                      0,    1763867520000 - 90000   },
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct moment_ask ask;
        struct err err = ERR_INIT;
        if (!moment_parse(good[i].text, now, &ask, &err)) {
            fail_msg("%s", err.msg);
        }
        assert_int_equal(ask.event, good[i].event);
        assert_int_equal(ask.at.ms, good[i].at);
    }
    static const char *const wrong[] = {
        "",           "#",          "#0",    "#-1", "#12x",     "#99999999999999999999",
        "3:12",       "25:00",      "03:60", "-",   "-x",       "yesterday",
        "2025-11-24", "2025-13-01", "2h",    "+2h", "\033[31m", "-99999999d"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct moment_ask ask;
        struct err err = ERR_INIT;
        if (moment_parse(wrong[i], now, &ask, &err)) {
            fail_msg("'%s' was taken", wrong[i]);
        }
        assert_int_equal(err.code, ERR_USAGE);
        assert_null(strchr(err.msg, '\033'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_every_moment_is_what_it_was),
        PLACE_TEST(test_a_moment_by_time_and_by_event),
        PLACE_TEST(test_steps_go_event_by_event),
        PLACE_TEST(test_the_readers_tell_of_then_and_of_now_again),
        PLACE_TEST(test_what_is_committed_meanwhile_is_not_seen),
        PLACE_TEST(test_a_document_that_changed_is_not_known),
        PLACE_TEST(test_figures_of_a_service_are_not_of_later),
        PLACE_TEST(test_before_what_is_kept_is_refused),
        PLACE_TEST(test_before_the_schema_is_refused),
        PLACE_TEST(test_images_have_the_columns_of_their_tables),
        cmocka_unit_test(test_what_a_person_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
