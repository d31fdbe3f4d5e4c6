/* SPDX-License-Identifier: MIT */
/* Store: what is written is read, in order, by the engine and by readers. */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "store/store.h"
#include "tests/lib/place.h"

static void assert_same_workflow(const struct workflow_row *a,
                                 const struct workflow_row *b)
{
    assert_int_equal(a->id, b->id);
    assert_string_equal(a->pipeline, b->pipeline);
    assert_int_equal(a->pipeline_id, b->pipeline_id);
    assert_string_equal(a->repo, b->repo);
    assert_string_equal(a->title, b->title);
    assert_string_equal(a->submitter, b->submitter);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->resume_state, b->resume_state);
    assert_int_equal(a->wait, b->wait);
    assert_int_equal(a->resume_wait, b->resume_wait);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->iteration, b->iteration);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->retries, b->retries);
    assert_int_equal(a->agent_runs, b->agent_runs);
    assert_int_equal(a->granted_runs, b->granted_runs);
    assert_int_equal(a->granted_wall.ms, b->granted_wall.ms);
    assert_int_equal(a->budget_told, b->budget_told);
    assert_int_equal(a->last_run.ms, b->last_run.ms);
    assert_memory_equal(&a->used, &b->used, sizeof(a->used));
    assert_memory_equal(&a->last_used, &b->last_used, sizeof(a->used));
    assert_memory_equal(&a->granted, &b->granted, sizeof(a->used));
    assert_int_equal(a->held, b->held);
    assert_int_equal(a->effect_seq, b->effect_seq);
    assert_int_equal(a->is_active, b->is_active);
    assert_int_equal(a->created_at.ms, b->created_at.ms);
    assert_int_equal(a->started_at.ms, b->started_at.ms);
    assert_int_equal(a->state_since.ms, b->state_since.ms);
    assert_int_equal(a->finished_at.ms, b->finished_at.ms);
    assert_int_equal(a->deadline_at.ms, b->deadline_at.ms);
    assert_int_equal(a->time_left.ms, b->time_left.ms);
    assert_int_equal(a->retry_at.ms, b->retry_at.ms);
    assert_string_equal(a->branch, b->branch);
    assert_string_equal(a->base_sha, b->base_sha);
    assert_string_equal(a->head_sha, b->head_sha);
    assert_string_equal(a->merge_sha, b->merge_sha);
    assert_int_equal(a->pr_number, b->pr_number);
    assert_string_equal(a->reason, b->reason);
    assert_string_equal(a->service, b->service);
    assert_int_equal(a->is_degraded * 2 + a->is_adopted,
                     b->is_degraded * 2 + b->is_adopted);
}

static void test_workflow_comes_back_whole(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct workflow_row row = sample_workflow(12), seen;
    assert_false(store_has_batch(store));
    store_put_workflow(store, &row);
    assert_true(store_has_batch(store));
    /* The batch counts for the writer ... */
    assert_int_equal(store_load_workflow(store, place->arena, 12, &seen, &err), FOUND);
    assert_same_workflow(&row, &seen);
    /* ... and not for a reader. */
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_workflow(reader, place->arena, 12, &seen, &err), MISSING);
    must_commit(store);
    assert_false(store_has_batch(store));
    assert_int_equal(reader_workflow(reader, place->arena, 12, &seen, &err), FOUND);
    assert_same_workflow(&row, &seen);
    assert_int_equal(store_load_workflow(store, place->arena, 13, &seen, &err), MISSING);

    /* Each change of what may change; what was written once stays. */
    row.state = STATE_FAILED;
    row.wait = WAIT_OPERATOR;
    row.finished_at.ms = 9999;
    row.priority = 9;
    row.head_sha = "dddd";
    row.reason = "limits used up";
    row.is_active = false;
    store_put_workflow(store, &row);
    must_commit(store);
    assert_int_equal(reader_workflow(reader, place->arena, 12, &seen, &err), FOUND);
    assert_same_workflow(&row, &seen);
    row.state = STATE_CODING; /* retried: lives again */
    row.wait = WAIT_NONE;
    row.finished_at.ms = 0;
    store_put_workflow(store, &row);
    row.step = 77;
    store_put_workflow(store, &row); /* twice in one batch: the last one counts */
    must_commit(store);
    assert_int_equal(store_load_workflow(store, place->arena, 12, &seen, &err), FOUND);
    assert_same_workflow(&row, &seen);
    reader_close(reader);
    store_close(store);
}

static void test_events_have_no_gaps(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct event_row event = {.at = {5},
                              .workflow = 1,
                              .kind = "plan-passed",
                              .actor = "engine",
                              .from = STATE_PLANNING,
                              .to = STATE_CODING,
                              .wait = WAIT_NONE,
                              .iteration = 2,
                              .attempt = 3,
                              .effect = 4,
                              .text = "ok"};
    for (int64_t i = 1; i <= 10; i++) {
        event.workflow = i % 2 + 1;
        assert_int_equal(store_add_event(store, &event), i);
        if (i % 3 == 0) {
            must_commit(store);
        }
    }
    must_commit(store);
    store_close(store);
    store = place_store(place);
    event.text = "";
    assert_int_equal(store_add_event(store, &event), 11);
    must_commit(store);

    struct reader *reader = place_reader(place);
    const struct event_row *rows;
    size_t n;
    assert_true(reader_events(reader, place->arena, 0, 3, 100, &rows, &n, &err));
    assert_int_equal(n, 8);
    assert_int_equal(rows[0].seq, 4);
    assert_int_equal(rows[7].seq, 11);
    assert_string_equal(rows[0].kind, "plan-passed");
    assert_string_equal(rows[0].actor, "engine");
    assert_string_equal(rows[0].text, "ok");
    assert_string_equal(rows[7].text, "");
    assert_int_equal(rows[0].from, STATE_PLANNING);
    assert_int_equal(rows[0].to, STATE_CODING);
    assert_int_equal(rows[0].iteration, 2);
    assert_int_equal(rows[0].attempt, 3);
    assert_int_equal(rows[0].effect, 4);
    assert_true(reader_events(reader, place->arena, 1, 4, 2, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].seq, 6);
    assert_int_equal(rows[1].seq, 8);
    assert_true(reader_last_events(reader, place->arena, 2, 3, &rows, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(rows[0].seq, 5);
    assert_int_equal(rows[2].seq, 9);
    assert_true(reader_last_events(reader, place->arena, 0, 2, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].seq, 10);
    assert_int_equal(rows[1].seq, 11);
    reader_close(reader);
    store_close(store);
}

static void count_effect(void *user, const struct effect_row *row)
{
    int64_t *last = user;
    int64_t key = row->workflow * 1000 + row->seq;
    assert_true(key > *last); /* in order */
    assert_int_equal(row->status, STATUS_PENDING);
    *last = key;
}

static void test_effects(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct effect_row row = {.workflow = 3,
                             .seq = 1,
                             .kind = EFFECT_CHECK,
                             .status = STATUS_PENDING,
                             .step = 2,
                             .name = "unit tests",
                             .iteration = 1,
                             .attempt = 2,
                             .asked_at = {100},
                             .deadline_at = {900},
                             .params = "{\"a\":1}",
                             .summary = "",
                             .log = "wf-3/1",
                             .exit_status = -1,
                             .cpu_ms = -1,
                             .peak_rss_kib = -1,
                             .out_bytes = -1};
    store_put_effect(store, &row);
    row.workflow = 4;
    store_put_effect(store, &row);
    row.workflow = 3;
    row.seq = 2;
    store_put_effect(store, &row);
    row.seq = 1;
    row.status = STATUS_TIMED_OUT;
    row.summary = "killed at its deadline";
    row.exit_status = 137;
    row.cpu_ms = 5;
    row.peak_rss_kib = 6;
    row.out_bytes = (int64_t)7 << 32;
    row.started_at.ms = 200;
    row.finished_at.ms = 300;
    store_put_effect(store, &row);
    must_commit(store);
    int64_t last = 0;
    assert_true(store_load_pending(store, count_effect, &last, &err));
    assert_int_equal(last, 4001);

    struct reader *reader = place_reader(place);
    const struct effect_row *rows;
    size_t n;
    assert_true(reader_effects(reader, place->arena, 3, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].workflow, 3);
    assert_int_equal(rows[0].seq, 1);
    assert_int_equal(rows[0].kind, EFFECT_CHECK);
    assert_int_equal(rows[0].status, STATUS_TIMED_OUT);
    assert_string_equal(rows[0].name, "unit tests");
    assert_string_equal(rows[0].params, "{\"a\":1}");
    assert_string_equal(rows[0].summary, "killed at its deadline");
    assert_string_equal(rows[0].log, "wf-3/1");
    assert_int_equal(rows[0].exit_status, 137);
    assert_int_equal(rows[0].out_bytes, (int64_t)7 << 32);
    assert_int_equal(rows[0].finished_at.ms, 300);
    assert_int_equal(rows[0].deadline_at.ms, 900);
    assert_int_equal(rows[1].exit_status, -1);
    assert_true(reader_effects(reader, place->arena, 5, &rows, &n, &err));
    assert_int_equal(n, 0);
    reader_close(reader);
    store_close(store);
}

static void test_docs(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct reader *reader;
    const char *text;
    size_t len;
    store_put_doc(store, 1, DOC_TASK, "a\0b\xff", 4); /* bytes, whatever they are */
    store_append_doc(store, 1, DOC_ERRORS, "first\n", 6);
    store_append_doc(store, 1, DOC_ERRORS, "second\n", 7);
    must_commit(store);
    reader = place_reader(place);
    assert_int_equal(reader_doc(reader, place->arena, 1, DOC_TASK, &text, &len, &err),
                     FOUND);
    assert_int_equal(len, 4);
    assert_memory_equal(text, "a\0b\xff", 5);
    assert_int_equal(reader_doc(reader, place->arena, 1, DOC_PLAN, &text, &len, &err),
                     MISSING);
    assert_int_equal(reader_doc(reader, place->arena, 1, DOC_ERRORS, &text, &len, &err),
                     FOUND);
    assert_string_equal(text, "first\nsecond\n");

    /* Appending past the bound drops whole old lines. */
    AUTO_FREE char *big = mem_alloc(DOC_MAX);
    memset(big, 'x', DOC_MAX);
    big[DOC_MAX - 1] = '\n';
    store_append_doc(store, 1, DOC_ERRORS, big + 100, DOC_MAX - 100);
    store_append_doc(store, 1, DOC_ERRORS, "last\n", 5);
    must_commit(store);
    assert_int_equal(reader_doc(reader, place->arena, 1, DOC_ERRORS, &text, &len, &err),
                     FOUND);
    assert_true(len <= DOC_MAX);
    assert_memory_equal(text, "first\n", 6); /* all of it fits yet */
    store_append_doc(store, 1, DOC_ERRORS, big + DOC_MAX - 90, 90);
    must_commit(store);
    assert_int_equal(reader_doc(reader, place->arena, 1, DOC_ERRORS, &text, &len, &err),
                     FOUND);
    assert_true(len <= DOC_MAX);
    assert_memory_equal(text, "xx",
                        2); /* "first" and "second" went, the long line stays */
    reader_close(reader);
    store_close(store);
}

static void test_pipelines_are_stored_once(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    int64_t one = store_put_pipeline(store, "p", "text", 4);
    assert_int_equal(store_put_pipeline(store, "p", "text", 4), one); /* in the batch */
    const char *name, *text;
    size_t len;
    assert_int_equal(
        store_load_pipeline(store, place->arena, one, &name, &text, &len, &err), FOUND);
    must_commit(store);
    assert_int_equal(store_put_pipeline(store, "p", "text", 4), one); /* in the store */
    int64_t two = store_put_pipeline(store, "q", "text", 4);
    int64_t three = store_put_pipeline(store, "p", "text2", 5);
    assert_true(two != one && three != one && three != two);
    must_commit(store);
    store_close(store);
    store = place_store(place);
    assert_int_equal(store_put_pipeline(store, "p", "text2", 5), three);
    assert_false(store_has_batch(store));
    assert_int_equal(
        store_load_pipeline(store, place->arena, two, &name, &text, &len, &err), FOUND);
    assert_string_equal(name, "q");
    assert_string_equal(text, "text");
    assert_int_equal(len, 4);
    struct reader *reader = place_reader(place);
    assert_int_equal(
        reader_pipeline(reader, place->arena, three, &name, &text, &len, &err), FOUND);
    assert_string_equal(text, "text2");
    assert_int_equal(reader_pipeline(reader, place->arena, 99, &name, &text, &len, &err),
                     MISSING);
    reader_close(reader);
    store_close(store);
}

static void test_commands(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct command_row command = {.at = {77},
                                  .actor = "ada",
                                  .verb = "submit",
                                  .workflow = 0,
                                  .args = "{\"task\":\"x\"}"};
    /* Before any engine: the store is made. */
    assert_int_equal(command_send(place->path, &command, &err), 1);
    command.verb = "pause";
    command.workflow = 4;
    assert_int_equal(command_send(place->path, &command, &err), 2);
    struct store *store = place_store(place);
    const struct command_row *rows;
    assert_int_equal(store_take_commands(store, place->arena, 0, 10, &rows, &err), 2);
    assert_string_equal(rows[0].verb, "submit");
    assert_string_equal(rows[0].args, "{\"task\":\"x\"}");
    assert_int_equal(rows[0].answer, -1);
    assert_int_equal(rows[0].at.ms, 77);
    assert_int_equal(rows[1].workflow, 4);
    assert_int_equal(store_take_commands(store, place->arena, 1, 10, &rows, &err), 1);
    assert_int_equal(store_take_commands(store, place->arena, 2, 10, &rows, &err), 0);
    store_answer_command(store, 1, 0, "submitted", 12);
    must_commit(store);
    assert_int_equal(store_take_commands(store, place->arena, 0, 10, &rows, &err), 1);
    struct reader *reader = place_reader(place);
    struct command_row row;
    assert_int_equal(reader_command(reader, place->arena, 1, &row, &err), FOUND);
    assert_int_equal(row.answer, 0);
    assert_int_equal(row.workflow, 12);
    assert_string_equal(row.message, "submitted");
    assert_int_equal(reader_command(reader, place->arena, 2, &row, &err), FOUND);
    assert_int_equal(row.answer, -1);
    assert_int_equal(reader_command(reader, place->arena, 3, &row, &err), MISSING);
    reader_close(reader);
    store_close(store);
}

/* The name that a client gave its request: the same one of the same person is one command. */
static void test_command_keys(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct command_row command = {.actor = "ada",
                                  .account = "root",
                                  .verb = "pause",
                                  .workflow = 4,
                                  .args = "{}",
                                  .key = "k-1"};
    assert_int_equal(command_send(place->path, &command, &err), 1);
    assert_int_equal(command_send(place->path, &command, &err), 1);
    command.workflow = 5; /* the first one stands */
    assert_int_equal(command_send(place->path, &command, &err), 1);
    command.actor = "eve";
    int64_t of_eve = command_send(place->path, &command, &err);
    assert_true(of_eve > 1);
    command.key = NULL;
    int64_t without = command_send(place->path, &command, &err);
    assert_true(command_send(place->path, &command, &err) > without && without > of_eve);
    struct reader *reader = place_reader(place);
    struct command_row row;
    assert_int_equal(reader_command(reader, place->arena, 1, &row, &err), FOUND);
    assert_string_equal(row.key, "k-1");
    assert_string_equal(row.account, "root");
    assert_int_equal(row.workflow, 4);
    reader_close(reader);
}

static void test_totals_hours_settings(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct totals totals = {.n_workflows = 3}, seen;
    totals.by_state[STATE_CODING] = 2;
    totals.by_state[STATE_ROLLED_BACK] = 1;
    totals.by_wait[WAIT_PAUSE] = 4;
    store_put_totals(store, &totals);
    struct hour_row hour = {.hour = 100,
                            .completed = 1,
                            .failed = 2,
                            .cancelled = 3,
                            .submitted = 4,
                            .duration_ms = 5};
    store_put_hour(store, &hour);
    hour.hour = 102;
    hour.completed = 9;
    store_put_hour(store, &hour);
    store_put_setting(store, "state", "running");
    must_commit(store);
    totals.by_state[STATE_CODING] = 0;
    store_put_totals(store, &totals);
    store_put_setting(store, "state", "draining");
    must_commit(store);
    struct reader *reader = place_reader(place);
    assert_true(reader_totals(reader, &seen, &err));
    assert_int_equal(seen.by_state[STATE_CODING], 0);
    assert_int_equal(seen.by_state[STATE_ROLLED_BACK], 1);
    assert_int_equal(seen.by_wait[WAIT_PAUSE], 4);
    assert_int_equal(seen.n_workflows, 3);
    const struct hour_row *rows;
    assert_true(reader_hours(reader, place->arena, 99, 102, &rows, &err));
    assert_int_equal(rows[0].hour, 99);
    assert_int_equal(rows[0].completed, 0);
    assert_int_equal(rows[1].completed, 1);
    assert_int_equal(rows[1].duration_ms, 5);
    assert_int_equal(rows[2].submitted, 0);
    assert_int_equal(rows[3].hour, 102);
    assert_int_equal(rows[3].completed, 9);
    assert_string_equal(reader_setting(reader, place->arena, "state"), "draining");
    assert_string_equal(reader_setting(reader, place->arena, "none"), "");
    struct hour_row one;
    assert_true(store_load_hour(store, 100, &one, &err));
    assert_int_equal(one.failed, 2);
    assert_true(store_load_hour(store, 101, &one, &err));
    assert_int_equal(one.hour, 101);
    assert_int_equal(one.failed, 0);
    hour.hour = 102 + HOURS_KEPT; /* the old ones go */
    store_put_hour(store, &hour);
    must_commit(store);
    assert_true(store_load_hour(store, 102, &one, &err));
    assert_int_equal(one.completed, 0);
    reader_close(reader);
    store_close(store);
}

static void collect_ids(void *user, const struct workflow_row *row)
{
    struct buf *ids = user;
    (void)buf_printf(ids, "%lld ", (long long)row->id);
    assert_string_equal(row->pipeline, "payments");
    assert_string_equal(row->submitter, "ada");
}

static void test_loads_what_lives(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    static const enum workflow_state states[] = {
        STATE_IDLE,       STATE_COMPLETED, STATE_PARKED,     STATE_FAILED,
        STATE_RECOVERING, STATE_CANCELLED, STATE_VALIDATING, STATE_ROLLED_BACK};
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct workflow_row row = sample_workflow((int64_t)i + 1);
        row.state = states[i];
        store_put_workflow(store, &row);
    }
    must_commit(store);
    store_close(store);
    store = place_store(place);
    AUTO_BUF struct buf ids;
    buf_init(&ids, 1000);
    assert_true(store_load_live(store, collect_ids, &ids, &err));
    assert_string_equal(ids.data, "1 3 5 7 ");
    int64_t last;
    struct totals totals;
    assert_true(store_load_counters(store, &last, &totals, &err));
    assert_int_equal(last, 8);
    store_close(store);
}

static void test_prune_keeps_numbers(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    for (int64_t id = 1; id <= 6; id++) {
        struct workflow_row row = sample_workflow(id);
        row.state = id == 3 ? STATE_CODING : STATE_COMPLETED;
        row.finished_at.ms = id == 3 ? 0 : id * 100;
        store_put_workflow(store, &row);
        (void)store_add_event(
            store,
            &(struct event_row){.workflow = id, .kind = "k", .actor = "a", .text = ""});
        store_put_effect(store, &(struct effect_row){.workflow = id,
                                                     .seq = 1,
                                                     .status = STATUS_PASSED,
                                                     .name = "n",
                                                     .params = "",
                                                     .summary = "",
                                                     .log = ""});
        store_put_doc(store, id, DOC_TASK, "t", 1);
    }
    must_commit(store);
    assert_int_equal(store_prune(store, (struct wall){350}, 100), 2); /* 1, 2; 3 lives */
    assert_int_equal(store_prune(store, (struct wall){350}, 100), 0); /* already asked */
    must_commit(store);
    assert_int_equal(store_prune(store, (struct wall){10000}, 2), 2); /* 4, 5 */
    must_commit(store);
    assert_int_equal(store_prune(store, (struct wall){10000}, 2), 1); /* 6, the newest */
    must_commit(store);
    assert_int_equal(store_prune(store, (struct wall){10000}, 2), 0);
    store_close(store);
    store = place_store(place);
    int64_t last;
    struct totals totals;
    assert_true(store_load_counters(store, &last, &totals, &err));
    assert_int_equal(last, 6);
    assert_int_equal(totals.last_event, 6);
    assert_int_equal(
        store_add_event(store,
                        &(struct event_row){.kind = "k", .actor = "a", .text = ""}),
        7);
    struct reader *reader = place_reader(place);
    const struct event_row *events;
    const struct effect_row *effects;
    const char *text;
    size_t n;
    assert_true(reader_events(reader, place->arena, 0, 0, 100, &events, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(events[0].workflow, 3);
    assert_true(reader_effects(reader, place->arena, 4, &effects, &n, &err));
    assert_int_equal(n, 0);
    assert_true(reader_effects(reader, place->arena, 3, &effects, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(reader_doc(reader, place->arena, 6, DOC_TASK, &text, &n, &err),
                     MISSING);
    reader_close(reader);
    store_close(store);
    assert_true(store_verify(place->path, &err));
}

/* Answered ones of no workflow go as the others do; what waits for its answer stays. */
static void test_old_commands_go(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct workflow_row row = sample_workflow(1);
    const struct command_row *rows;
    store_put_workflow(store, &row);
    must_commit(store);
    for (int64_t id = 1; id <= 6; id++) { /* the third is of wf-1, the fourth of none */
        struct command_row command = {.at = {id * 100},
                                      .actor = "ops",
                                      .verb = "halt",
                                      .workflow = id == 3   ? 1
                                                  : id == 4 ? 99
                                                            : 0,
                                      .args = "{}",
                                      .key = id == 5 ? "again" : NULL,
                                      .message = ""};
        assert_int_equal(command_send(place->path, &command, &err), id);
        if (id != 2) {
            store_answer_command(store, id, 0, "done", command.workflow);
        }
    }
    must_commit(store);
    assert_int_equal(store_prune_commands(store, (struct wall){550}, 2), 2); /* 1, 4 */
    assert_int_equal(store_prune_commands(store, (struct wall){550}, 2), 0);
    must_commit(store);
    assert_int_equal(store_prune_commands(store, (struct wall){550}, 2), 0);   /* not 5 */
    assert_int_equal(store_prune_commands(store, (struct wall){10000}, 9), 1); /* 6 */
    must_commit(store);
    assert_int_equal(store_prune_commands(store, (struct wall){86400501}, 9), 1); /* 5 */
    must_commit(store);
    assert_int_equal(store_prune_commands(store, (struct wall){10000}, 9), 0);
    assert_int_equal(store_take_commands(store, place->arena, 0, 9, &rows, &err), 1);
    assert_int_equal(rows[0].id, 2);
    struct command_row next = rows[0];
    assert_int_equal(command_send(place->path, &next, &err), 7); /* none is given twice */
    struct reader *reader = place_reader(place);
    for (int64_t id = 1; id <= 7; id++) {
        assert_int_equal(reader_command(reader, place->arena, id, &next, &err),
                         id == 2 || id == 3 || id == 7 ? FOUND : MISSING);
    }
    reader_close(reader);
    store_close(store);
}

static void test_version_tells_of_commits(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct reader *reader = place_reader(place);
    int64_t before = reader_version(reader);
    assert_int_equal(reader_version(reader), before);
    struct workflow_row row = sample_workflow(1), seen;
    store_put_workflow(store, &row);
    assert_int_equal(reader_version(reader), before);
    must_commit(store);
    int64_t after = reader_version(reader);
    assert_true(after != before);
    /* A snapshot stays as it is until it ends. */
    assert_true(reader_begin(reader, &err));
    row.reason = "later";
    store_put_workflow(store, &row);
    must_commit(store);
    assert_int_equal(reader_workflow(reader, place->arena, 1, &seen, &err), FOUND);
    assert_string_equal(seen.reason, "because");
    reader_end(reader);
    assert_int_equal(reader_workflow(reader, place->arena, 1, &seen, &err), FOUND);
    assert_string_equal(seen.reason, "later");
    assert_true(reader_version(reader) != after);
    store_checkpoint(store);
    reader_close(reader);
    store_close(store);
}

static void test_files_are_private(void **state)
{
    struct place *place = *state;
    mode_t old = umask(0);
    AUTO_FREE char *deep = mem_printf("%s/a/b/s.db", place->folder);
    struct err err = ERR_INIT;
    struct store *store = store_open(deep, STORE_FULL, &err);
    assert_non_null(store);
    struct workflow_row row = sample_workflow(1);
    store_put_workflow(store, &row);
    must_commit(store);
    static const char *const names[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct stat st;
        AUTO_FREE char *name = mem_printf("%s%s", deep, names[i]);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    store_close(store);
    (void)umask(old);
}

static void test_memory_store(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct store *store = store_open(":memory:", STORE_OFF, &err);
    assert_non_null(store);
    struct workflow_row row = sample_workflow(1);
    store_put_workflow(store, &row);
    must_commit(store);
    struct arena *arena = arena_new();
    assert_int_equal(store_load_workflow(store, arena, 1, &row, &err), FOUND);
    arena_free(arena);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_workflow_comes_back_whole),
        PLACE_TEST(test_events_have_no_gaps),
        PLACE_TEST(test_effects),
        PLACE_TEST(test_docs),
        PLACE_TEST(test_pipelines_are_stored_once),
        PLACE_TEST(test_commands),
        PLACE_TEST(test_command_keys),
        PLACE_TEST(test_totals_hours_settings),
        PLACE_TEST(test_loads_what_lives),
        PLACE_TEST(test_prune_keeps_numbers),
        PLACE_TEST(test_old_commands_go),
        PLACE_TEST(test_version_tells_of_commits),
        PLACE_TEST(test_files_are_private),
        PLACE_TEST(test_memory_store),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
