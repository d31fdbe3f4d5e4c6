/* SPDX-License-Identifier: MIT */
/* The log of a step as the source reads it: search, filter, comparison with the last green run,
 * against a real store and real logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/control/config.h"
#include "store/segment.h"
#include "tests/lib/place.h"
#include "tui/source.h"

struct scene {
    const struct place *place;
    struct config *config;
    struct store *store;
    struct reader *reader;
    struct source *source;
    struct frame_query query;
};

static void put_step(const struct scene *scene, int64_t workflow, const char *repo,
                     enum workflow_state state, enum effect_status status,
                     const char *name, const char *text)
{
    struct err err = ERR_INIT;
    struct workflow_row row = sample_workflow(workflow);
    row.state = state;
    row.repo = repo;
    store_put_workflow(scene->store, &row);
    AUTO_FREE char *log = mem_printf("wf-%d/3-unit", (int)workflow);
    struct effect_row effect = {.workflow = workflow,
                                .seq = 3,
                                .kind = EFFECT_CHECK,
                                .status = status,
                                .name = name,
                                .params = "{}",
                                .summary = "",
                                .log = log,
                                .finished_at = {1000 * workflow}};
    store_put_effect(scene->store, &effect);
    AUTO_FREE char *logs = mem_printf("%s-logs", scene->place->path);
    AUTO_FREE char *path = file_join(logs, log);
    AUTO_FREE char *folder = mem_printf("%s/wf-%d", logs, (int)workflow);
    assert_true(file_make_dirs(folder, &err));
    if (!text)
        return; /* it was not kept */
    struct segment_writer *writer = segment_create(path, 1 << 24, &err);
    assert_non_null(writer);
    assert_true(segment_write(writer, text, strlen(text), &err));
    segment_close(writer);
}

static void begin(struct scene *scene, const struct place *place)
{
    *scene = (struct scene){.place = place, .store = place_store(place)};
    scene->config = config_default();
    free(scene->config->store);
    scene->config->store = mem_str(place->path);
    scene->source = source_new(scene->config);
    scene->query = (struct frame_query){.parts = PART_DETAIL | PART_LOG,
                                        .log_place = LOG_LINE,
                                        .log_first = 1,
                                        .log_rows = 40};
}

static void end(struct scene *scene)
{
    source_free(scene->source);
    reader_close(scene->reader);
    store_close(scene->store);
    config_free(scene->config);
}

/* The frame when all work is done. */
static struct frame *ask(struct scene *scene, int64_t workflow)
{
    struct err err = ERR_INIT;
    if (!scene->reader) {
        must_commit(scene->store);
        scene->reader = place_reader(scene->place);
    }
    scene->query.workflow = workflow;
    for (int round = 0; round < 1000; round++) {
        struct frame *frame = frame_new();
        if (!source_read(scene->source, scene->reader, &scene->query, frame, &err))
            fail_msg("%s", err.msg);
        if (!source_has_work(scene->source))
            return frame;
        frame_unref(frame);
        (void)source_work(scene->source);
    }
    fail_msg("the work does not end");
    return NULL;
}

/* "1 2 ..7 +8 -gone" */
static void assert_shown(const struct frame *frame, const char *expected)
{
    const struct frame_log *log = frame->detail->log;
    AUTO_BUF struct buf text = {0};
    buf_init(&text, 65536);
    for (size_t i = 0; i < log->n_rows; i++) {
        const struct frame_log_row *row = &log->rows[i];
        if (row->kind == LOG_ROW_GAP)
            (void)buf_printf(&text, " ..%d", (int)row->n);
        else if (row->kind == LOG_ROW_GONE)
            (void)buf_printf(&text, " -%s", row->line.text);
        else
            (void)buf_printf(&text, " %s%d", row->is_hit ? "+" : "",
                             (int)row->line.number);
    }
    assert_string_equal(text.len > 0 ? text.data + 1 : "", expected);
}

static const struct frame_log *log_of(const struct frame *frame)
{
    return frame->detail->log;
}

static void find(struct scene *scene, const char *text, int64_t from, bool is_back)
{
    (void)snprintf(scene->query.log_find, sizeof scene->query.log_find, "%s", text);
    scene->query.log_find_from = from;
    scene->query.log_find_back = is_back;
    scene->query.log_find_serial++;
}

static void test_search_and_filter(void **state)
{
    struct scene scene;
    begin(&scene, *state);
    put_step(&scene, 7, "/r", STATE_FAILED, STATUS_FAILED, "unit",
             "a\nb\nhit\nd\ne\nerror: f\ng\nh\ni\nhit\nk\nl\n");
    find(&scene, "HIT", 4, false);
    struct frame *frame = ask(&scene, 7);
    assert_int_equal(log_of(frame)->found, 10);
    assert_int_equal(log_of(frame)->found_index, 2);
    assert_int_equal(log_of(frame)->n_hits, 2);
    assert_int_equal(log_of(frame)->percent, 100);
    frame_unref(frame);
    scene.query.log_target = LOG_FIND_FAILURE;
    find(&scene, "HIT", 12, false);
    frame = ask(&scene, 7);
    assert_int_equal(log_of(frame)->found, 6);
    assert_int_equal(log_of(frame)->n_hits, 2); /* the text is not forgotten */
    frame_unref(frame);

    scene.query.log_target = LOG_FIND_TEXT;
    (void)snprintf(scene.query.log_filter, sizeof scene.query.log_filter, "hit");
    scene.query.log_around = 1;
    scene.query.log_rows_serial = 5;
    frame = ask(&scene, 7);
    assert_shown(frame, "..1 2 +3 4 ..4 9 +10 11 ..1");
    assert_int_equal(log_of(frame)->rows_all, 9);
    assert_int_equal(log_of(frame)->rows_serial, 5);
    assert_int_equal(log_of(frame)->n_matches, 2);
    frame_unref(frame);
    find(&scene, "hit", 4, false); /* from a row on */
    frame = ask(&scene, 7);
    assert_int_equal(log_of(frame)->found, 7);
    frame_unref(frame);
    find(&scene, "hit", 6, true);
    frame = ask(&scene, 7);
    assert_int_equal(log_of(frame)->found, 3);
    frame_unref(frame);
    find(&scene, "error", 1, false); /* is left out */
    frame = ask(&scene, 7);
    assert_int_equal(log_of(frame)->found, 0);
    assert_int_equal(log_of(frame)->n_hits, 1);
    frame_unref(frame);
    scene.query.log_around = 0;
    scene.query.log_place = LOG_NEAR;
    scene.query.log_first = 10;
    frame = ask(&scene, 7);
    assert_shown(frame, "..2 +3 ..6 +10 ..2");
    assert_true(log_of(frame)->is_near);
    assert_int_equal(log_of(frame)->row_near, 3);
    frame_unref(frame);
    end(&scene);
}

/* The newest that completed before, of the same repository, in which the step passed and whose log
 * is there. */
static void test_green_run(void **state)
{
    struct scene scene;
    begin(&scene, *state);
    put_step(&scene, 1, "/r", STATE_COMPLETED, STATUS_PASSED, "unit", "old\n");
    put_step(&scene, 2, "/r", STATE_COMPLETED, STATUS_FLAKY, "unit",
             "same 1\ngreen\nsame 2\n");
    put_step(&scene, 3, "/other", STATE_COMPLETED, STATUS_PASSED, "unit", "x\n");
    put_step(&scene, 4, "/r", STATE_COMPLETED, STATUS_SKIPPED, "unit", "x\n");
    put_step(&scene, 5, "/r", STATE_COMPLETED, STATUS_PASSED, "lint", "x\n");
    put_step(&scene, 6, "/r", STATE_FAILED, STATUS_PASSED, "unit", "x\n");
    put_step(&scene, 7, "/r", STATE_COMPLETED, STATUS_PASSED, "unit", NULL);
    put_step(&scene, 8, "/r", STATE_FAILED, STATUS_FAILED, "unit",
             "same 3\nsame 4\nerror: red\n");
    put_step(&scene, 9, "/r", STATE_COMPLETED, STATUS_PASSED, "unit", "later\n");
    put_step(&scene, 10, "/alone", STATE_FAILED, STATUS_FAILED, "unit", "x\n");
    scene.query.log_compare = true;
    find(&scene, "", 1, false);
    scene.query.log_target = LOG_FIND_CHANGE;
    struct frame *frame = ask(&scene, 8);
    assert_int_equal(log_of(frame)->green_workflow, 2);
    assert_int_equal(log_of(frame)->green_effect, 3);
    assert_int_equal(log_of(frame)->green_at.ms, 2000);
    assert_int_equal(log_of(frame)->n_matches, 1);
    assert_int_equal(log_of(frame)->n_gone, 1);
    assert_shown(frame, "..1 -green ..1 +3");
    assert_int_equal(log_of(frame)->found, 2);
    frame_unref(frame);
    find(&scene, "", 3, false);
    frame = ask(&scene, 8);
    assert_int_equal(log_of(frame)->found, 4);
    frame_unref(frame);
    find(&scene, "", 5, false); /* round the end */
    scene.query.log_around = 1;
    frame = ask(&scene, 8);
    assert_shown(frame, "1 -green 2 +3");
    assert_int_equal(log_of(frame)->found, 2);
    frame_unref(frame);
    frame = ask(&scene, 10);
    assert_int_equal(log_of(frame)->green_workflow, 0);
    assert_non_null(strstr(log_of(frame)->green_why, "completed before"));
    frame_unref(frame);
    scene.query.log_compare = false;
    frame = ask(&scene, 8);
    assert_false(log_of(frame)->has_rows);
    assert_int_equal(log_of(frame)->n_lines, 3);
    frame_unref(frame);
    end(&scene);
}

/* A search through a log that is too large for one slice: frames come in between. */
static void test_work_goes_on_between_frames(void **state)
{
    struct scene scene;
    struct err err = ERR_INIT;
    begin(&scene, *state);
    AUTO_BUF struct buf text = {0};
    buf_init(&text, 1 << 24);
    while (text.len < 12 << 20)
        (void)buf_str(&text, "\033[32mok\033[0m nothing to see in this line\n");
    (void)buf_str(&text, "needle\n");
    put_step(&scene, 7, "/r", STATE_FAILED, STATUS_FAILED, "unit", text.data);
    must_commit(scene.store);
    scene.reader = place_reader(scene.place);
    scene.query.workflow = 7;
    find(&scene, "needle", 1, false);
    struct frame *frame = frame_new();
    assert_true(source_read(scene.source, scene.reader, &scene.query, frame, &err));
    assert_int_equal(log_of(frame)->n_lines, 40);
    assert_true(source_has_work(scene.source));
    assert_int_not_equal(log_of(frame)->find_serial, 1);
    assert_true(log_of(frame)->percent < 100);
    frame_unref(frame);
    frame = ask(&scene, 7);
    assert_int_equal(log_of(frame)->find_serial, 1);
    assert_int_equal(log_of(frame)->found, log_of(frame)->info.n_lines);
    frame_unref(frame);
    find(&scene, "", 1, false); /* taken back: nothing goes on */
    frame = ask(&scene, 7);
    assert_false(source_has_work(scene.source));
    frame_unref(frame);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_search_and_filter),
        PLACE_TEST(test_green_run),
        PLACE_TEST(test_work_goes_on_between_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
