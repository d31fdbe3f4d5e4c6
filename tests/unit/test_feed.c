/* SPDX-License-Identifier: MIT */
/*
 * The feed against a real store, bell and log: the test is the engine. Nothing here waits
 * for a time to pass; next_frame waits for a frame that fulfils a condition, with a
 * bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/stat.h>

#include "engine/base/file.h"
#include "engine/control/config.h"
#include "store/bell.h"
#include "store/sqlite_private.h"
#include "tests/lib/cases.h"
#include "tests/lib/flavour.h"
#include "tests/lib/place.h"
#include "tui/feed.h"
#include "tui/source.h"

#define BOUND_MS 10000

struct world {
    struct config *config;
    struct feed *feed;
    struct store *store;
    struct bell *bell;
    struct lease *lease;
    struct frame_query query;
};

static struct config *config_at(const struct place *place)
{
    struct config *config = config_default();
    free(config->store);
    config->store = mem_str(place->path);
    for (size_t i = 0; i < config->n_pipeline_dirs; i++) {
        free(config->pipeline_dirs[i]);
        config->pipeline_dirs[i] = mem_str(place->folder);
    }
    return config;
}

static void begin_feed(struct world *world, const struct place *place)
{
    struct err err = ERR_INIT;
    world->config = config_at(place);
    world->feed = feed_start(world->config, &err);
    assert_non_null(world->feed);
}

static void begin_engine(struct world *world, const struct place *place)
{
    struct err err = ERR_INIT;
    int pid;
    world->store = place_store(place);
    assert_int_equal(lease_take(place->path, &world->lease, &pid, &err), LEASE_TAKEN);
    world->bell = bell_open(place->path, &err);
    assert_non_null(world->bell);
}

static void end_engine(struct world *world)
{
    bell_close(world->bell);
    store_close(world->store);
    lease_give_back(world->lease);
    world->bell = NULL;
    world->store = NULL;
    world->lease = NULL;
}

static void end(struct world *world)
{
    feed_stop(world->feed);
    end_engine(world);
    config_free(world->config);
}

typedef bool condition(const struct frame *frame, const void *user);

/* The bell's connections are served while we wait, as an engine does. */
static const struct frame *next_frame(struct world *world, condition *is_met,
                                      const void *user)
{
    struct mono begun = mono_now();
    for (;;) {
        const struct frame *frame = feed_take(world->feed);
        if (is_met(frame, user))
            return frame;
        frame_unref(frame);
        if ((mono_now().ns - begun.ns) / 1000000 > BOUND_MS)
            fail_msg("the frame did not come");
        struct pollfd fds[] = {
            {.fd = feed_fd(world->feed),                    .events = POLLIN},
            {.fd = world->bell ? bell_fd(world->bell) : -1, .events = POLLIN},
        };
        (void)poll(fds, 2, BOUND_MS);
        if (world->bell)
            (void)bell_serve(world->bell);
    }
}

static bool is_answer(const struct frame *frame, const void *user)
{
    return frame->query >= *(const uint64_t *)user && frame->trouble == TROUBLE_NONE;
}

static const struct frame *ask(struct world *world)
{
    uint64_t number = feed_ask(world->feed, &world->query);
    return next_frame(world, is_answer, &number);
}

static void put_workflow(struct world *world, int64_t id, enum workflow_state state,
                         const char *title)
{
    struct workflow_row row = sample_workflow(id);
    row.state = state;
    row.title = title;
    row.wait = WAIT_NONE;
    row.state_since = (struct wall){1000000 + id};
    store_put_workflow(world->store, &row);
}

static void put_many(struct world *world, int64_t n)
{
    static const char *const titles[] = {"alpha", "beta", "gamma"};
    for (int64_t id = 1; id <= n; id++)
        put_workflow(world, id, (enum workflow_state)(id % STATE_COUNT), titles[id % 3]);
    struct totals totals = {.n_workflows = n};
    for (int64_t id = 1; id <= n; id++)
        totals.by_state[id % STATE_COUNT]++;
    store_put_totals(world->store, &totals);
    must_commit(world->store);
}

/* ---- failures and what is done about them ------------------------------------------ */

static void test_recovery_is_read(void **state)
{
    struct place *place = *state;
    struct world world = {0};
    begin_engine(&world, place);
    put_workflow(&world, 2207, STATE_VALIDATING, "alpha");
    cases_put(world.store, place->arena, wall_now());
    store_put_totals(world.store, &(struct totals){.n_workflows = 1});
    must_commit(world.store);
    begin_feed(&world, place);
    world.query = (struct frame_query){.parts = PART_FAILURES | PART_CASE,
                                       .is_unsettled = true,
                                       .case_kind = CASE_FAILURE,
                                       .case_id = 31};
    const struct frame *frame = ask(&world);
    assert_int_equal(frame->failures->n, 5);
    static const int64_t order[] = {28, 27, 31, 30, 29}; /* a person is needed first */
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        assert_int_equal(frame->failures->rows[i].id, order[i]);
    assert_int_equal(frame->failures->recoveries[0]->id, 42);
    assert_int_equal(frame->failures->recoveries[2]->id, 45);
    assert_null(frame->failures->recoveries[3]); /* its problem is recovered */
    assert_int_equal(frame->failures->n_problems, 1);
    assert_int_equal(frame->failures->recovery.totals.by_status[FAILURE_OPEN], 4);
    assert_int_equal(frame->failures->recovery.settled[FAILURE_RECOVERED], 1);
    assert_true(frame->case_->file.has_failure);
    assert_int_equal(frame->case_->file.n_past, 2);
    assert_string_equal(frame->case_->file.past[0].helped, "hand_back");
    frame_unref(frame);
    world.query.case_kind = CASE_DECISION; /* another question, not the same again */
    world.query.case_id = 53;
    frame = ask(&world);
    assert_int_equal(frame->case_->file.n_decisions, 1);
    assert_false(frame->case_->file.has_failure);
    frame_unref(frame);
    world.query.is_unsettled = false;
    world.query.recovery_before = 30;
    frame = ask(&world);
    assert_int_equal(frame->failures->rows[0].id, 29);
    assert_int_equal(frame->failures->n_problems, 0); /* not on a later page */
    frame_unref(frame);
    world.query = (struct frame_query){.parts = PART_DECISIONS | PART_STRATEGIES |
                                                PART_OVERVIEW | PART_DETAIL,
                                       .workflow = 2207,
                                       .n_rows = 5};
    frame = ask(&world);
    assert_int_equal(frame->decisions->n, 6);
    assert_int_equal(frame->strategies->n, 10); /* none of single fingerprints */
    assert_true(frame->overview->has_recovery);
    assert_int_equal(frame->overview->recovery.totals.n_asked, 1);
    assert_int_equal(frame->detail->failure->id, 31);
    assert_int_equal(frame->detail->recovery->id, 45);
    frame_unref(frame);
    end(&world);
}

/* ---- store and engine come and go -------------------------------------------------- */

static bool is_trouble(const struct frame *frame, const void *user)
{
    return frame->trouble == *(const enum trouble *)user;
}

static bool is_health(const struct frame *frame, const void *user)
{
    return frame->engine.health == *(const enum engine_health *)user &&
           frame->trouble == TROUBLE_NONE;
}

static void test_store_appears(void **state)
{
    struct place *place = *state;
    struct world world = {0};
    begin_feed(&world, place);
    enum trouble missing = TROUBLE_MISSING, none = TROUBLE_NONE;
    const struct frame *frame = next_frame(&world, is_trouble, &missing);
    assert_false(frame->has_totals);
    assert_int_equal(frame_running(frame), -1);
    assert_false(wall_is_set(frame->read_at));
    frame_unref(frame);
    begin_engine(&world, place);
    put_many(&world, 3);
    frame = next_frame(&world, is_trouble, &none);
    assert_true(frame->has_totals);
    frame_unref(frame);
    end(&world);
}

static void test_engine_goes_and_comes(void **state)
{
    struct place *place = *state;
    struct world world = {0};
    begin_engine(&world, place);
    store_put_setting(
        world.store, "engine",
        "{\"pid\":1,\"version\":\"9.9\",\"max_running\":50,\"state\":\"running\"}");
    put_many(&world, 3);
    begin_feed(&world, place);
    enum engine_health running = ENGINE_RUNNING, gone = ENGINE_GONE,
                       draining = ENGINE_DRAINING;
    const struct frame *frame = next_frame(&world, is_health, &running);
    assert_string_equal(frame->engine.version, "9.9");
    assert_int_equal(frame->engine.max_running, 50);
    frame_unref(frame);
    store_put_setting(world.store, "engine", "{\"pid\":1,\"state\":\"draining\"}");
    must_commit(world.store);
    bell_ring(world.bell);
    frame_unref(next_frame(&world, is_health, &draining));
    end_engine(&world);
    frame = next_frame(&world, is_health, &gone);
    assert_true(wall_is_set(frame->engine.gone_since));
    assert_int_equal(frame->totals.n_workflows, 3); /* still shown */
    frame_unref(frame);
    begin_engine(&world, place);
    store_put_setting(world.store, "engine", "{\"pid\":1,\"state\":\"running\"}");
    must_commit(world.store);
    frame_unref(next_frame(&world, is_health, &running));
    end(&world);
}

static bool has_fault(const struct frame *frame, const void *user)
{
    return frame->engine.fault_code == *(const enum err_code *)user;
}

static void test_fault_is_heard(void **state)
{
    struct place *place = *state;
    struct world world = {0};
    begin_engine(&world, place);
    put_many(&world, 1);
    begin_feed(&world, place);
    enum engine_health running = ENGINE_RUNNING;
    frame_unref(next_frame(&world, is_health, &running));
    enum err_code full = ERR_FULL, none = ERR_NONE;
    bell_set_fault(world.bell, full);
    frame_unref(next_frame(&world, has_fault, &full));
    bell_set_fault(world.bell, none);
    frame_unref(next_frame(&world, has_fault, &none));
    end(&world);
}

static void test_damaged_store(void **state)
{
    struct place *place = *state;
    struct world world = {0};
    struct err err = ERR_INIT;
    char junk[8192];
    memset(junk, 'x', sizeof junk);
    assert_true(file_write(place->path, junk, sizeof junk, &err));
    begin_feed(&world, place);
    enum trouble corrupt = TROUBLE_CORRUPT;
    const struct frame *frame = next_frame(&world, is_trouble, &corrupt);
    assert_true(frame->trouble_text[0] != '\0');
    frame_unref(frame);
    end(&world);
}

/* ---- list
 * ------------------------------------------------------------------------------------------
 */

static void test_pages(void **state)
{
    struct place *place = *state;
    struct world world = {
        .query = {.parts = PART_LIST, .n_before = 5, .n_after = 5}
    };
    begin_engine(&world, place);
    put_many(&world, 100);
    begin_feed(&world, place);

    const struct frame *frame = ask(&world); /* newest first */
    assert_int_equal(frame->list->page.n, 11);
    assert_int_equal(frame->list->page.rows[0].id, 100);
    assert_int_equal(frame->list->n_all, 100);
    assert_false(frame->list->has_before);
    assert_true(frame->list->has_after);
    frame_unref(frame);

    world.query.anchor = 50;
    frame = ask(&world);
    assert_int_equal(frame->list->page.n, 11);
    assert_int_equal(frame->list->page.rows[0].id, 55);
    assert_int_equal(frame->list->page.rows[5].id, 50);
    assert_int_equal(frame->list->page.rows[10].id, 45);
    assert_true(frame->list->has_before);
    assert_true(frame->list->has_after);
    frame_unref(frame);

    world.query.anchor = 98;
    frame = ask(&world);
    assert_int_equal(frame->list->page.rows[0].id, 100);
    assert_int_equal(frame->list->page.n, 8);
    assert_false(frame->list->has_before);
    frame_unref(frame);

    world.query.anchor = 0;
    world.query.is_from_end = true;
    frame = ask(&world);
    assert_int_equal(frame->list->page.rows[frame->list->page.n - 1].id, 1);
    assert_true(frame->list->has_before);
    assert_false(frame->list->has_after);
    frame_unref(frame);

    world.query.is_from_end = false;
    world.query.is_reversed = true;
    world.query.anchor = 50;
    frame = ask(&world);
    assert_int_equal(frame->list->page.rows[0].id, 45);
    frame_unref(frame);

    /* A row that the filter leaves out still says where the page is. */
    world.query.is_reversed = false;
    world.query.anchor = 50; /* gamma */
    (void)snprintf(world.query.text, sizeof world.query.text, "beta");
    frame = ask(&world);
    assert_int_equal(frame->list->n_all, -1);
    for (size_t i = 0; i < frame->list->page.n; i++)
        assert_string_equal(frame->list->page.rows[i].title, "beta");
    assert_true(frame->list->page.n >= 10);
    frame_unref(frame);
    end(&world);
}

static bool has_new(const struct frame *frame, const void *user)
{
    return frame->totals.n_workflows == *(const int64_t *)user;
}

static void test_held_page_stands(void **state)
{
    struct place *place = *state;
    struct world world = {
        .query = {.parts = PART_LIST, .n_before = 5, .n_after = 5, .is_held = true}
    };
    begin_engine(&world, place);
    put_many(&world, 4);
    begin_feed(&world, place);
    enum engine_health running = ENGINE_RUNNING;
    frame_unref(next_frame(&world, is_health, &running));
    frame_unref(ask(&world));
    put_many(&world, 6);
    bell_ring(world.bell);
    int64_t six = 6;
    const struct frame *frame = next_frame(&world, has_new, &six);
    assert_int_equal(frame->list->page.n, 4);
    assert_int_equal(frame->list->page.rows[0].id, 4);
    assert_string_equal(frame->list->page.rows[0].title, "beta");
    frame_unref(frame);
    world.query.is_held = false;
    frame = ask(&world);
    assert_int_equal(frame->list->page.n, 6);
    frame_unref(frame);
    end(&world);
}

/* ---- orders
 * ----------------------------------------------------------------------------------------
 */

static bool has_answer(const struct frame *frame, const void *user)
{
    for (size_t i = 0; i < frame->n_answers; i++)
        if (frame->answers[i].ticket == *(const uint64_t *)user &&
            (frame->answers[i].is_failed ||
             frame->answers[i].n_done + frame->answers[i].n_refused ==
                 frame->answers[i].n))
            return true;
    return false;
}

/* Wait until the feed rang, then take what it wrote. */
static int take_commands(struct world *world, struct arena *arena, int n,
                         const struct command_row **ret_rows)
{
    struct err err = ERR_INIT;
    struct mono begun = mono_now();
    int got = 0;
    while (got < n && (mono_now().ns - begun.ns) / 1000000 < BOUND_MS) {
        struct pollfd fd = {.fd = bell_fd(world->bell), .events = POLLIN};
        (void)poll(&fd, 1, 100);
        (void)bell_serve(world->bell);
        got = store_take_commands(world->store, arena, 0, 100, ret_rows, &err);
    }
    return got;
}

static void test_order_and_answers(void **state)
{
    struct place *place = *state;
    struct world world = {0};
    begin_engine(&world, place);
    put_many(&world, 5);
    begin_feed(&world, place);
    enum engine_health running = ENGINE_RUNNING;
    frame_unref(next_frame(&world, is_health, &running));

    const int64_t ids[] = {1, 2, 3};
    uint64_t ticket = feed_send(
        world.feed, &(struct feed_order){.verb = "pause", .workflows = ids, .n = 3});
    assert_true(ticket > 0);
    const struct command_row *rows = NULL;
    assert_int_equal(take_commands(&world, place->arena, 3, &rows), 3);
    assert_string_equal(rows[0].verb, "pause");
    assert_int_equal(rows[2].workflow, 3);
    assert_string_equal(rows[0].args, "{}");
    store_answer_command(world.store, rows[0].id, 0, "paused", 1);
    store_answer_command(world.store, rows[1].id, 1, "it has ended", 2);
    store_answer_command(world.store, rows[2].id, 0, "paused", 3);
    must_commit(world.store);
    bell_ring(world.bell);
    const struct frame *frame = next_frame(&world, has_answer, &ticket);
    assert_int_equal(frame->answers[0].n, 3);
    assert_int_equal(frame->answers[0].n_done, 2);
    assert_int_equal(frame->answers[0].n_refused, 1);
    assert_string_equal(frame->answers[0].message, "it has ended");
    frame_unref(frame);
    end(&world);
}

static const char good_pipeline[] =
    "name: demo\nbase: main\nagent: {command: ./agent.sh}\n"
    "validate:\n  - {name: tests, command: make test}\n";

static void test_submission(void **state)
{
    struct place *place = *state;
    struct world world = {0};
    struct err err = ERR_INIT;
    AUTO_FREE char *file = file_join(place->folder, "demo.yaml");
    assert_true(file_write(file, good_pipeline, strlen(good_pipeline), &err));
    begin_engine(&world, place);
    put_many(&world, 1);
    begin_feed(&world, place);
    enum engine_health running = ENGINE_RUNNING;
    frame_unref(next_frame(&world, is_health, &running));

    /* What is missing, and what is wrong, is the answer. */
    struct feed_submission task = {.pipeline = "nowhere", .repo = "", .task = "x"};
    uint64_t ticket = feed_submit(world.feed, &task);
    const struct frame *frame = next_frame(&world, has_answer, &ticket);
    assert_true(frame->answers[0].is_failed);
    frame_unref(frame);
    task.pipeline = "demo";
    ticket = feed_submit(world.feed, &task);
    frame = next_frame(&world, has_answer, &ticket);
    assert_true(frame->answers[1].is_failed);
    assert_non_null(strstr(frame->answers[1].message, "no repository"));
    frame_unref(frame);

    task.repo = "/srv/git/one";
    task.task = "say \"hello\"\nand go";
    task.priority = 7;
    ticket = feed_submit(world.feed, &task);
    const struct command_row *rows = NULL;
    assert_int_equal(take_commands(&world, place->arena, 1, &rows), 1);
    assert_string_equal(rows[0].verb, "submit");
    assert_non_null(strstr(rows[0].args, "\"priority\":7"));
    assert_non_null(strstr(rows[0].args, "say \\\"hello\\\"\\nand go"));
    store_answer_command(world.store, rows[0].id, 0, "wf-2", 2);
    must_commit(world.store);
    bell_ring(world.bell);
    frame = next_frame(&world, has_answer, &ticket);
    assert_int_equal(frame->answers[2].workflow, 2);
    frame_unref(frame);
    end(&world);
}

static void test_form_is_checked(void **state)
{
    struct place *place = *state;
    struct world world = {.query = {.parts = PART_SUBMIT}};
    struct err err = ERR_INIT;
    AUTO_FREE char *file = file_join(place->folder, "demo.yaml");
    AUTO_FREE char *bad = file_join(place->folder, "bad.yaml");
    assert_true(file_write(file, good_pipeline, strlen(good_pipeline), &err));
    assert_true(file_write(bad, "name: bad\nmerge: {mode: maybe}\n", 31, &err));
    begin_engine(&world, place);
    put_many(&world, 2);
    begin_feed(&world, place);
    (void)snprintf(world.query.submit_pipeline, sizeof world.query.submit_pipeline,
                   "demo");
    (void)snprintf(world.query.submit_repo, sizeof world.query.submit_repo, "%s",
                   place->folder);
    const struct frame *frame = ask(&world);
    assert_true(frame->submit->is_pipeline_good);
    assert_int_equal(frame->submit->n_findings, 0);
    assert_false(frame->submit->is_repo_good);
    assert_string_equal(frame->submit->repo_problem, "this folder is no git repository");
    assert_string_equal(frame->submit->pipelines[0].name, "bad");
    assert_string_equal(frame->submit->pipelines[1].name, "demo");
    frame_unref(frame);
    (void)snprintf(world.query.submit_pipeline, sizeof world.query.submit_pipeline,
                   "bad");
    frame = ask(&world);
    assert_false(frame->submit->is_pipeline_good);
    assert_true(frame->submit->n_findings > 0);
    frame_unref(frame);
    end(&world);
}

/* ---- log
 * -------------------------------------------------------------------------------------------
 */

static void write_lines(struct segment_writer *writer, int from, int n)
{
    struct err err = ERR_INIT;
    for (int i = from; i < from + n; i++) {
        char line[64];
        int len = snprintf(line, sizeof line, "line %d%s\n", i, i == 70 ? " needle" : "");
        assert_true(segment_write(writer, line, (size_t)len, &err));
    }
    assert_true(segment_flush(writer, &err));
}

static bool has_lines(const struct frame *frame, const void *user)
{
    const struct frame_detail *detail = frame->detail;
    return detail && detail->log && detail->log->info.n_lines == *(const int *)user;
}

/* The folder of logs is not there when the step begins: it appears, grows, is searched.
 */
static void test_log_is_followed(void **state)
{
    struct place *place = *state;
    struct world world = {
        .query = {.parts = PART_DETAIL | PART_LOG,
                  .workflow = 1,
                  .log_place = LOG_TAIL,
                  .log_rows = 10}
    };
    struct err err = ERR_INIT;
    begin_engine(&world, place);
    struct effect_row effect = {.workflow = 1,
                                .seq = 3,
                                .kind = EFFECT_CHECK,
                                .name = "unit tests",
                                .iteration = 1,
                                .params = "{}",
                                .summary = "",
                                .log = "",
                                .exit_status = -1};
    store_put_effect(world.store, &effect);
    put_many(&world, 1);
    begin_feed(&world, place);
    enum engine_health running = ENGINE_RUNNING;
    frame_unref(next_frame(&world, is_health, &running));
    const struct frame *frame = ask(&world);
    assert_true(frame->detail->log->is_missing);
    assert_int_equal(frame->detail->log->effect, 3);
    frame_unref(frame);

    AUTO_FREE char *logs = mem_printf("%s-logs", place->path);
    AUTO_FREE char *folder = file_join(logs, "wf-1");
    AUTO_FREE char *path = file_join(folder, "3-unit-tests");
    assert_true(file_make_dirs(folder, &err));
    struct segment_writer *writer = segment_create(path, 16 * SEGMENT_STRIDE, &err);
    assert_non_null(writer);
    write_lines(writer, 1, 50);
    int n = 50;
    frame = next_frame(&world, has_lines, &n);
    assert_int_equal(frame->detail->log->n_lines, 10);
    assert_int_equal(frame->detail->log->lines[9].number, 50);
    frame_unref(frame);
    write_lines(writer, 51, 50);
    n = 100;
    frame_unref(next_frame(&world, has_lines, &n));

    world.query.log_place = LOG_LINE;
    world.query.log_first = 20;
    (void)snprintf(world.query.log_find, sizeof world.query.log_find, "NEEDLE");
    world.query.log_find_from = 80;
    world.query.log_find_serial = 1;
    frame = ask(&world);
    assert_int_equal(frame->detail->log->lines[0].number, 20);
    assert_int_equal(frame->detail->log->found, 70); /* round the end */
    frame_unref(frame);
    world.query.log_find_back = true;
    world.query.log_find_serial = 2;
    frame = ask(&world);
    assert_int_equal(frame->detail->log->found, 70);
    frame_unref(frame);
    (void)snprintf(world.query.log_find, sizeof world.query.log_find, "nowhere");
    world.query.log_find_serial = 3;
    frame = ask(&world);
    assert_int_equal(frame->detail->log->found, 0);
    frame_unref(frame);
    segment_close(writer);
    end(&world);
}

/* ---- what it costs ----------------------------------------------------------------- */

/* No frame and no wake-up while an engine is alive and nothing happens. */
static void test_idle_is_silent(void **state)
{
    struct place *place = *state;
    struct world world = {
        .query = {.parts = PART_OVERVIEW, .n_rows = 20}
    };
    begin_engine(&world, place);
    put_many(&world, 20);
    begin_feed(&world, place);
    enum engine_health running = ENGINE_RUNNING;
    frame_unref(next_frame(&world, is_health, &running));
    const struct frame *frame = ask(&world);
    int64_t n_wakes = frame->cost.n_wakes;
    uint64_t generation = frame->generation;
    frame_unref(frame);
    struct pollfd fd = {.fd = feed_fd(world.feed), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 2200), 0); /* longer than two looks for an engine */
    feed_refresh(world.feed);
    assert_int_equal(poll(&fd, 1, BOUND_MS), 1);
    frame = feed_take(world.feed);
    assert_int_equal(frame->generation, generation + 1);
    assert_in_range(frame->cost.n_wakes - n_wakes, 0, 2);
    frame_unref(frame);
    end(&world);
}

static void test_large_history(void **state)
{
    struct place *place = *state;
    struct world world = {
        .query = {.parts = PART_LIST, .n_before = 100, .n_after = 100}
    };
    struct err err = ERR_INIT;
    world.store = store_open(place->path, STORE_OFF, &err);
    assert_non_null(world.store);
    put_many(&world, 100000);
    begin_feed(&world, place);
    /* The best of three: on a busy machine any one is slow, a scan of all is so each time. */
    int64_t best[SORT_COUNT];
    for (int sort = 0; sort < SORT_COUNT; sort++)
        best[sort] = INT64_MAX;
    for (int64_t i = 0; i < 24; i++) {
        world.query.anchor = i == 0 ? 0 : 1 + i * 4000;
        world.query.sort = (enum sort_key)(i % SORT_COUNT);
        const struct frame *frame = ask(&world);
        assert_true(frame->list->page.n > 100);
        if (i >= SORT_COUNT && frame->cost.build_us < best[world.query.sort])
            best[world.query.sort] = frame->cost.build_us;
        frame_unref(frame);
    }
    for (int sort = 0; sort < SORT_COUNT; sort++)
        print_message("history of 100,000 by %s: %lld us\n",
                      sort_word((enum sort_key)sort), (long long)best[sort]);
    assert_true(best[SORT_ID] < FEWER(20000, 100000));
    end(&world);
}

/* ---- deliveries ---- */

/* Nothing is committed between the questions: each must be read for its own sake. */
static void test_deliveries_are_asked_for(void **state)
{
    struct world world = {0};
    begin_engine(&world, *state);
    static const struct {
        const char *guid;
        enum delivery_status status;
    } brought[] = {
        {"a", DELIVERY_ACCEPTED},
        {"b", DELIVERY_IGNORED }
    };
    for (size_t i = 0; i < ARRAY_LEN(brought); i++) {
        struct delivery_row row = {.guid = brought[i].guid,
                                   .status = brought[i].status,
                                   .at = {.ms = 1000},
                                   .event = "ping",
                                   .action = "",
                                   .repository = "",
                                   .sha = "",
                                   .text = "",
                                   .body = "{}",
                                   .body_len = 2};
        store_add_delivery(world.store, &row, NULL);
    }
    must_commit(world.store);
    begin_feed(&world, *state);
    world.query = (struct frame_query){.parts = PART_DELIVERIES};
    const struct frame *frame = ask(&world);
    assert_int_equal(frame->deliveries->n, 2);
    frame_unref(frame);
    world.query.delivery_statuses = 1U << DELIVERY_IGNORED;
    frame = ask(&world);
    assert_int_equal(frame->deliveries->n, 1);
    frame_unref(frame);
    world.query.delivery_before = 2;
    frame = ask(&world);
    assert_int_equal(frame->deliveries->n, 0);
    frame_unref(frame);
    world.query = (struct frame_query){.parts = PART_DELIVERIES, .delivery = 1};
    frame = ask(&world);
    assert_int_equal(frame->deliveries->one.seq, 1);
    assert_non_null(frame->deliveries->body);
    frame_unref(frame);
    end(&world);
}

/* ---- audit ---- */

static void put_audit(struct world *world, int n)
{
    for (int i = 0; i < n; i++)
        (void)store_add_audit(world->store,
                              &(struct audit_row){.at = {1000 + i},
                                                  .actor = "ada",
                                                  .act = i % 2 ? "pause" : "approve",
                                                  .detail = "{}"});
    must_commit(world->store);
}

static bool is_verified(const struct frame *frame, const void *user)
{
    const int64_t *n = user;
    return frame && frame->audit && wall_is_set(frame->audit->check.at) &&
           frame->audit->check.n >= *n;
}

static bool is_broken(const struct frame *frame, const void *user)
{
    const int64_t *n = user;
    return frame && frame->audit && frame->audit->check.broken == *n;
}

/* Commands that say that the audit is read; all that there are. */
static int n_readings(struct world *world, struct place *place)
{
    struct err err = ERR_INIT;
    const struct command_row *rows = NULL;
    int n = store_take_commands(world->store, place->arena, 0, 10, &rows, &err);
    for (int i = 0; i < n; i++) {
        assert_string_equal(rows[i].verb, "audit-read");
        assert_string_equal(rows[i].args, "{\"what\":\"console\"}");
    }
    return n;
}

/* The check needs three frames for so many rows; they come by themselves. */
static void test_the_audit_is_checked(void **state)
{
    enum { ROWS = 45000 };
    struct world world = {0};
    struct place *place = *state;
    int64_t n = ROWS;
    begin_engine(&world, place);
    put_audit(&world, ROWS);
    begin_feed(&world, place);
    const struct frame *frame = ask(&world);
    assert_int_equal(n_readings(&world, place), 0);
    frame_unref(frame);
    world.query = (struct frame_query){.parts = PART_AUDIT};
    frame = ask(&world);
    assert_int_equal(frame->audit->n, FRAME_AUDIT);
    assert_true(frame->audit->has_more);
    assert_int_equal(frame->audit->rows[0].n, ROWS);
    assert_true(frame->audit->check.is_running);
    frame_unref(frame);
    frame = next_frame(&world, is_verified, &n);
    assert_int_equal(frame->audit->check.fault, AUDIT_WHOLE);
    assert_false(frame->audit->check.has_file);
    frame_unref(frame);

    assert_int_equal(n_readings(&world, place), 1);

    (void)snprintf(world.query.audit_act, sizeof world.query.audit_act, "pause");
    world.query.audit_before = 4;
    frame = ask(&world);
    assert_int_equal(frame->audit->n, 1);
    assert_int_equal(frame->audit->rows[0].n, 2);
    frame_unref(frame);
    world.query = (struct frame_query){.parts = PART_AUDIT, .audit_row = 7};
    frame = ask(&world);
    assert_int_equal(frame->audit->one.n, 7);
    assert_non_null(frame->audit->detail);
    frame_unref(frame);
    world.query.audit_row = ROWS + 7;
    frame = ask(&world);
    assert_true(frame->audit->is_missing);
    frame_unref(frame);

    assert_int_equal(n_readings(&world, place), 1); /* opened once */

    put_audit(&world, 2); /* what comes after is checked as it comes */
    bell_ring(world.bell);
    n = ROWS + 2;
    frame = next_frame(&world, is_verified, &n);
    frame_unref(frame);
    struct err err = ERR_INIT;
    struct database database;
    assert_true(database_open(&database, place->path, DATABASE_WRITE, &err));
    assert_true(database_exec(&database,
                              "INSERT INTO audit SELECT 45003, at, 'eve', role, origin,"
                              " act, subject, outcome, detail, prev, hash FROM audit"
                              " WHERE n = 1",
                              &err));
    database_close(&database);
    bell_ring(world.bell);
    n = ROWS + 3;
    frame = next_frame(&world, is_broken, &n);
    assert_int_equal(frame->audit->check.fault, AUDIT_INSERTED);
    frame_unref(frame);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_recovery_is_read),
        PLACE_TEST(test_store_appears),
        PLACE_TEST(test_engine_goes_and_comes),
        PLACE_TEST(test_fault_is_heard),
        PLACE_TEST(test_damaged_store),
        PLACE_TEST(test_pages),
        PLACE_TEST(test_held_page_stands),
        PLACE_TEST(test_order_and_answers),
        PLACE_TEST(test_submission),
        PLACE_TEST(test_form_is_checked),
        PLACE_TEST(test_log_is_followed),
        PLACE_TEST(test_idle_is_silent),
        PLACE_TEST(test_deliveries_are_asked_for),
        PLACE_TEST(test_the_audit_is_checked),
        PLACE_TEST(test_large_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
