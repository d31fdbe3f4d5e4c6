/* SPDX-License-Identifier: MIT */

/* Control center: what ended is learned from, proposed, asked or applied, answered and undone. The
 * rows are those of a simulated fleet (tests/lib/fleet.h). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/approval.h"
#include "engine/control/guarding.h"
#include "engine/control/optimization_private.h"
#include "engine/control/tuning.h"
#include "engine/service/desk.h"
#include "store/store.h"
#include "tests/lib/fleet.h"

#define START     INT64_C(1790000000000)
#define WORKFLOWS 1600

struct fixture {
    char folder[64];
    char *path;
    struct store *store;
    struct control *control;
    struct fleet *fleet;
    struct wall now;
    int64_t pipelines[FLEET_PIPELINES];
    struct arena *arena;
    const struct scale_spec *scale; /* NULL: none; with it both services are configured */
    struct service_spec services[FLEET_SERVICES];
    struct effect_row asked; /* the last that was performed; its texts in the arena */
    bool is_killed;          /* now and then */
    int64_t answers_at; /* workflow at which all that is proposed is allowed; 0 = never */
    int n_kills;
};

static void on_perform(void *self, const struct effect_row *effect)
{
    struct fixture *f = self;
    f->asked = *effect;
    f->asked.params = arena_str(f->arena, effect->params);
}

static void on_order(void *self, struct service_order *order)
{
    (void)self;
    service_order_free(order);
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    (void)self;
    (void)workflow;
    (void)seq;
}

static void open_control(struct fixture *f)
{
    struct err err = ERR_INIT;
    f->store = store_open(f->path, STORE_OFF, &err);
    assert_non_null(f->store);
    struct control_options options = {
        .max_running = 100,
        .limits = {span_s(5), span_s(300)      },
        .seed = 1,
        .is_learning = true,
        .processors = FLEET_PROCESSORS,
        .outlet = {.self = f, .order = on_order}
    };
    if (f->scale != NULL) {
        options.services = f->services;
        options.n_services = FLEET_SERVICES;
        options.scales = f->scale;
        options.n_scales = 1;
    }
    f->control = control_new(&options, f->store);
    assert_true(control_load(f->control, f->now, &err));
}

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/signalbox-test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->path = file_join(f->folder, "s.db");
    f->now.ms = START;
    f->arena = arena_new();
    open_control(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    control_free(f->control);
    store_close(f->store);
    fleet_free(f->fleet);
    arena_free(f->arena);
    (void)file_remove_tree(f->folder, &err);
    free(f->path);
    free(f);
    return 0;
}

/* As kill -9 does: what was committed is there, nothing else. */
static void kill_it(struct fixture *f)
{
    control_free(f->control);
    store_close(f->store);
    open_control(f);
    f->n_kills++;
}

static void commit(struct fixture *f)
{
    struct err err = ERR_INIT;
    struct executor executor = {f, on_perform, on_stop};
    control_tick(f->control, f->now);
    assert_true(control_commit(f->control, &executor, &err));
}

/* ---- the fleet's rows in the store ---------------------------------------------------------- */

/* The pipeline as its author would have written it. */
static int64_t put_pipeline(struct fixture *f, const char *name, const struct pipeline *p)
{
    AUTO_BUF struct buf text = {0};
    buf_init(&text, 8192);
    (void)buf_printf(&text, "name: %s\nrepository: /srv/git/%s\nbase: main\n", name,
                     name);
    (void)buf_str(&text, "agent: {command: agent}\nvalidate:\n");
    for (size_t i = 0; i < p->n_checks; i++) {
        (void)buf_printf(&text, "  - {name: %s, command: make, retries: %d}\n",
                         p->checks[i].name, p->checks[i].retries);
    }
    if (p->evaluator.argv != NULL) {
        (void)buf_str(&text, "evaluator: {command: judge}\n");
    }
    (void)buf_printf(&text, "limits: {coding: %llds, validation: 4h, memory: %lldMiB}\n",
                     (long long)(p->coding.ms / 1000),
                     (long long)(p->bounds.memory >> 20));
    return store_put_pipeline(f->store, name, text.data, text.len);
}

static void allow_all(struct fixture *f);

static void tell(void *user, const struct feature_source *source)
{
    struct fixture *f = user;
    struct workflow_row row = *source->workflow;
    int64_t *pipeline = &f->pipelines[row.pipeline[1] - '0'];
    if (*pipeline == 0) {
        *pipeline = put_pipeline(f, row.pipeline, source->pipeline);
    }
    row.pipeline_id = *pipeline;
    row.branch = row.base_sha = row.head_sha = row.merge_sha = "";
    f->now = row.finished_at;
    store_put_workflow(f->store, &row);
    for (size_t i = 0; i < source->n_events; i++) {
        (void)store_add_event(f->store, &source->events[i]);
    }
    for (size_t i = 0; i < source->n_effects; i++) {
        store_put_effect(f->store, &source->effects[i]);
    }
    for (size_t i = 0; i < source->n_failures; i++) {
        struct failure_row failure = source->failures[i];
        failure.id = 0;
        failure.repo = row.repo;
        failure.provider = failure.text = failure.rule = failure.cause = "";
        failure.detail = "{}";
        failure.labelled_by = "";
        (void)store_put_failure(f->store, &failure);
    }
    optimization_ended(f->control, row.id);
    if (row.id == f->answers_at) {
        allow_all(f);
    }
    if (row.id % OPTIMIZE_RUNS == 0) {
        commit(f);
    }
    if (f->is_killed && row.id % (7 * OPTIMIZE_RUNS) == 0) {
        kill_it(f);
    }
}

static void tell_change(void *user, const char *service, enum breaker_state state,
                        struct wall at)
{
    struct fixture *f = user;
    optimization_breaker(f->control, service, state, at);
}

static void allow_all(struct fixture *f)
{
    struct optimization_row row;
    struct err err = ERR_INIT;
    for (int64_t id = 1;
         store_load_optimization(f->store, f->arena, id, &row, &err) == FOUND; id++) {
        struct answer answer = {.status = ANSWER_DONE};
        optimization_answer(f->control, id, true, "ada", "", f->now, &answer);
    }
}

/* All kinds are searched, as time goes by. */
static void run_fleet(struct fixture *f, unsigned flaws)
{
    f->fleet = fleet_new(2, flaws);
    fleet_on_change(f->fleet, tell_change, f);
    fleet_run(f->fleet, 1, WORKFLOWS, tell, f);
    commit(f);
    for (int i = 0; i < 3 * OPTIMIZATION_KIND_COUNT; i++) {
        f->now.ms += OPTIMIZE_PAUSE;
        commit(f);
        if (f->is_killed && i % 10 == 4) {
            kill_it(f);
        }
    }
}

/* Number of the optimization of this kind; 0: there is none. */
static int64_t find(struct fixture *f, enum optimization_kind kind,
                    struct optimization_row *ret_row)
{
    struct err err = ERR_INIT;
    for (int64_t id = 1; id < 40; id++) {
        if (store_load_optimization(f->store, f->arena, id, ret_row, &err) == FOUND &&
            ret_row->kind == kind) {
            return id;
        }
    }
    return 0;
}

static struct optimization_row must_find(struct fixture *f, enum optimization_kind kind)
{
    struct optimization_row row;
    assert_true(find(f, kind, &row) > 0);
    return row;
}

/* ---- the tests ------------------------------------------------------------------------------ */

/* To leave out an evaluator changes what decides: a person is asked, with all that is known. */
static void what_decides_is_asked(void **state)
{
    struct fixture *f = *state;
    run_fleet(f, 1u << FLAW_EVALUATOR);
    struct optimization_row row = must_find(f, OPT_EVALUATOR);
    assert_int_equal(row.status, OPT_PROPOSED);
    assert_true(row.risk > RISK_LOW);
    assert_string_equal(row.from, "true");
    assert_string_equal(row.to, "false");
    assert_string_equal(row.scope, fleet_flaw_scope(f->fleet, FLAW_EVALUATOR));
    assert_true(row.approval > 0);
    assert_int_equal(approval_of_optimization(f->control, row.id), row.approval);
    struct approval_row approval;
    struct err err = ERR_INIT;
    assert_int_equal(
        store_load_approval(f->store, f->arena, row.approval, &approval, &err), FOUND);
    struct json *card = json_parse(approval.card, strlen(approval.card), &err);
    assert_non_null(card);
    assert_string_equal(json_str(json_get(card, "change"), "to", ""), "false");
    assert_true(json_len(json_get(card, "evidence")) > 0);
    assert_memory_equal(json_str(json_at(json_get(card, "evidence"), 0), "ref", ""),
                        "wf-", 3);
    assert_non_null(strstr(json_str(card, "guard", ""), "taken back"));
    assert_true(json_int(json_get(card, "touches"), "queued", -1) >= 0);
    assert_true(json_len(json_get(card, "dry_run")) > 0);
    assert_true(json_str(card, "if_wrong", "")[0] != '\0');
    assert_true(json_str(card, "undo", "")[0] != '\0');
    json_free(card);

    struct answer answer = {.status = ANSWER_DONE};
    optimization_answer(f->control, row.id, true, "ada", "", f->now, &answer);
    assert_int_equal(answer.status, ANSWER_DONE);
    const struct tuning_row *tuned = tuning_in_force(f->control, row.setting, row.scope);
    assert_non_null(tuned);
    assert_string_equal(tuned->value, "false");
    assert_true(guarding_is_on(f->control, row.id));
    optimization_answer(f->control, row.id, true, "grace", "", f->now, &answer);
    assert_int_equal(answer.status, ANSWER_REFUSED); /* decided already */
}

static void undo(struct fixture *f, int64_t id, struct answer *answer)
{
    struct err err = ERR_INIT;
    char text[64];
    (void)snprintf(text, sizeof(text), "{\"optimization\":%lld,\"reason\":\"no\"}",
                   (long long)id);
    struct json *args = json_parse(text, strlen(text), &err);
    const struct command_row command = {
        .id = 1, .at = f->now, .actor = "ada", .verb = "undo", .args = text};
    *answer = (struct answer){.status = ANSWER_DONE};
    control_optimization_verb(f->control, &command, args, f->now, answer);
    json_free(args);
}

static void what_was_applied_is_undone(void **state)
{
    struct fixture *f = *state;
    struct answer answer;
    run_fleet(f, 1u << FLAW_ORDER);
    struct optimization_row row = must_find(f, OPT_ORDER);
    if (row.status == OPT_PROPOSED) {
        undo(f, row.id, &answer);
        assert_int_equal(answer.status, ANSWER_REFUSED); /* not yet */
        optimization_answer(f->control, row.id, true, "ada", "", f->now, &answer);
    }
    commit(f);
    row = must_find(f, OPT_ORDER);
    assert_true(row.status == OPT_GUARDED || row.status == OPT_KEPT);
    assert_non_null(tuning_in_force(f->control, row.setting, row.scope));
    undo(f, row.id, &answer);
    assert_int_equal(answer.status, ANSWER_DONE);
    assert_null(tuning_in_force(f->control, row.setting, row.scope));
    assert_false(guarding_is_on(f->control, row.id));
    assert_int_equal(must_find(f, OPT_ORDER).status, OPT_UNDONE);
    undo(f, row.id, &answer);
    assert_int_equal(answer.status, ANSWER_REFUSED);
    undo(f, 999, &answer);
    assert_int_equal(answer.status, ANSWER_REFUSED);
}

static void a_rejected_one_does_not_come_again(void **state)
{
    struct fixture *f = *state;
    struct answer answer = {.status = ANSWER_DONE};
    run_fleet(f, 1u << FLAW_EVALUATOR);
    struct optimization_row row = must_find(f, OPT_EVALUATOR);
    optimization_answer(f->control, row.id, false, "ada", "we want it", f->now, &answer);
    assert_int_equal(answer.status, ANSWER_DONE);
    row = must_find(f, OPT_EVALUATOR);
    assert_int_equal(row.status, OPT_REJECTED);
    assert_string_equal(row.outcome, "we want it");
    assert_null(tuning_in_force(f->control, row.setting, row.scope));
    for (int i = 0; i < 2 * OPTIMIZATION_KIND_COUNT; i++) {
        f->now.ms += OPTIMIZE_PAUSE;
        commit(f);
    }
    struct err err = ERR_INIT;
    struct optimization_row other;
    assert_int_equal(
        store_load_optimization(f->store, f->arena, row.id + 1, &other, &err), MISSING);
}

/* What was learned, and what is open, is known after a restart. */
static void a_restart_goes_on(void **state)
{
    struct fixture *f = *state;
    run_fleet(f, 1u << FLAW_EVALUATOR);
    struct optimization_row row = must_find(f, OPT_EVALUATOR), other;
    f->now.ms += OPTIMIZE_SAVE * 1000;
    commit(f);
    control_free(f->control);
    store_close(f->store);
    open_control(f);
    fleet_run(f->fleet, 5001, 2 * OPTIMIZE_RUNS, tell, f);
    for (int i = 0; i < 2 * OPTIMIZATION_KIND_COUNT; i++) {
        f->now.ms += OPTIMIZE_PAUSE;
        commit(f);
    }
    struct err err = ERR_INIT;
    assert_int_equal(
        store_load_optimization(f->store, f->arena, row.id + 1, &other, &err), MISSING);
    struct answer answer = {.status = ANSWER_DONE};
    optimization_answer(f->control, row.id, true, "ada", "", f->now, &answer);
    assert_int_equal(answer.status, ANSWER_DONE);
}

static const char *whole_state(struct fixture *f)
{
    const char *text = "";
    struct err err = ERR_INIT;
    f->control->optimizing->is_changed = true;
    control_save(f->control);
    commit(f);
    assert_true(store_load_setting(f->store, f->arena, LEARNING_SETTING, &text, &err));
    return text;
}

static void assert_same(const char *left, const char *right)
{
    size_t at = 0;
    while (left[at] != '\0' && left[at] == right[at]) {
        at++;
    }
    if (left[at] != right[at]) {
        print_message("# differ at %zu: %.60s | %.60s\n", at, left + at, right + at);
    }
    assert_true(left[at] == right[at]);
}

/* What is learned, proposed and watched is the same to the byte as of one that never ended. */
static void a_crash_forgets_nothing(void **state)
{
    struct fixture *f = *state, *other;
    struct optimization_row row;
    assert_int_equal(set_up((void **)&other), 0);
    f->answers_at = other->answers_at = 1200;
    run_fleet(f, 1u << FLAW_DEADLINE | 1u << FLAW_EVALUATOR | 1u << FLAW_BREAKER);
    other->is_killed = true;
    run_fleet(other, 1u << FLAW_DEADLINE | 1u << FLAW_EVALUATOR | 1u << FLAW_BREAKER);
    assert_true(other->n_kills >= 10);
    assert_true(must_find(f, OPT_DEADLINE).status !=
                OPT_PROPOSED); /* a guard counts, too */
    for (enum optimization_kind kind = 0; kind < OPTIMIZATION_KIND_COUNT; kind++) {
        if (find(f, kind, &row) > 0) {
            struct optimization_row twin = must_find(other, kind);
            assert_int_equal(row.id, twin.id);
            assert_int_equal(row.status, twin.status);
            assert_same(row.guard, twin.guard);
            assert_string_equal(row.to, twin.to);
        }
    }
    assert_same(whole_state(f), whole_state(other));
    void *killed = other;
    assert_int_equal(tear_down(&killed), 0);
}

/* As an engine that could not learn left it: what is recorded is read, once. */
static void what_was_recorded_is_learned(void **state)
{
    struct fixture *f = *state;
    struct optimization_row row;
    run_fleet(f, 1u << FLAW_EVALUATOR);
    int64_t id = must_find(f, OPT_EVALUATOR).id;
    store_put_setting(f->store, LEARNING_SETTING, "of another version");
    commit(f);
    kill_it(f);
    for (int i = 0; i < WORKFLOWS / 20 + 10; i++) {
        commit(f);
    }
    assert_int_equal(learning_count(f->control->optimizing->learning), WORKFLOWS);
    for (int i = 0; i < 2 * OPTIMIZATION_KIND_COUNT; i++) {
        f->now.ms += OPTIMIZE_PAUSE;
        commit(f);
    }
    struct err err = ERR_INIT; /* the one that is open is not made again */
    assert_int_equal(store_load_optimization(f->store, f->arena, id + 1, &row, &err),
                     MISSING);
}

/* As configured, with what machines add. */
static void end_effect(struct fixture *f, bool has_passed)
{
    struct effect_result *result = effect_result_new(f->asked.workflow, f->asked.seq);
    result->status = has_passed ? STATUS_PASSED : STATUS_FAILED;
    result->summary = mem_str(has_passed ? "done" : "no machine is left");
    result->started_at = result->finished_at = f->now;
    control_result(f->control, result, f->now);
    commit(f);
}

/* Too few machines behind a service: to add some is asked, run, counted, and turned round. */
static void machines_are_asked_for(void **state)
{
    static char word[] = "machines", api[] = "codegen_api", eu[] = "codegen_eu";
    static char command[] = "./scale", *argv[] = {command, NULL};
    static char *const names[FLEET_SERVICES] = {api, eu};
    struct fixture *f = *state;
    struct answer answer;
    struct scale_spec scale = {
        .name = word,
        .up = {.argv = argv, .text = command},
        .down = {.argv = argv, .text = command},
        .service = eu,
        .adds = 2
    };
    struct fleet *fleet = fleet_new(2, 1u << FLAW_SCALE);
    for (size_t i = 0; i < FLEET_SERVICES; i++) {
        char places[16], scope[32];
        (void)snprintf(scope, sizeof(scope), "service:%s", names[i]);
        assert_true(fleet_get(fleet, "concurrency", scope, places, sizeof(places)));
        f->services[i].name = names[i];
        f->services[i].gate.concurrency = (int)strtol(places, NULL, 10);
    }
    fleet_free(fleet);
    f->scale = &scale;
    kill_it(f);
    run_fleet(f, 1u << FLAW_SCALE);
    kill_it(f); /* knows the workflows then, beside which a command can be run */
    struct optimization_row row = must_find(f, OPT_SCALE), other;
    assert_string_equal(row.setting, "scale/machines");
    assert_string_equal(row.from, "");
    assert_string_equal(row.to, "up");
    assert_int_equal(row.status, OPT_PROPOSED);
    assert_true(row.risk >= RISK_MEDIUM && row.approval > 0);
    assert_int_equal(find(f, OPT_BULKHEAD, &other), 0); /* places are machines */
    struct approval_row approval;
    struct err err = ERR_INIT;
    assert_int_equal(
        store_load_approval(f->store, f->arena, row.approval, &approval, &err), FOUND);
    assert_int_equal(approval.action, ACT_SCALE);
    assert_non_null(strstr(approval.effect, "\"operation\":\"scale\""));
    assert_non_null(strstr(approval.card, "its other command is run by undo"));

    optimization_answer(f->control, row.id, true, "ada", "", f->now, &answer);
    assert_int_equal(answer.status, ANSWER_DONE);
    assert_int_equal(tuning_scaled(f->control, eu), 2);
    commit(f);
    assert_int_equal(f->asked.kind, EFFECT_SCALE);
    assert_non_null(strstr(f->asked.params, "\"direction\":\"up\""));
    end_effect(f, true);
    assert_int_equal(must_find(f, OPT_SCALE).status, OPT_GUARDED);
    kill_it(f);
    assert_int_equal(tuning_scaled(f->control, eu), 2); /* still */
    undo(f, row.id, &answer);
    assert_int_equal(answer.status, ANSWER_DONE);
    commit(f);
    assert_non_null(strstr(f->asked.params, "\"direction\":\"down\""));
    end_effect(f, true);
    assert_int_equal(tuning_scaled(f->control, eu), 0);
    assert_int_equal(must_find(f, OPT_SCALE).status, OPT_UNDONE);
}

/* The command fails: nothing is in force, nothing is turned round, and it is known. */
static void machines_that_do_not_come_do_not_count(void **state)
{
    static char word[] = "machines";
    static char command[] = "./scale", *argv[] = {command, NULL};
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct scale_spec scale = {
        .name = word, .up = {.argv = argv, .text = command},
             .adds = 3
    };
    f->scale = &scale;
    f->services[0].name = word;
    f->services[1].name = word;
    run_fleet(f, 0);
    kill_it(f);
    const struct optimization_row made = {.kind = OPT_SCALE,
                                          .status = OPT_GUARDED,
                                          .setting = "scale/machines",
                                          .scope = "",
                                          .from = "",
                                          .to = "up",
                                          .title = "",
                                          .metric = "queue_minutes",
                                          .reason = "",
                                          .if_wrong = "",
                                          .outcome = "",
                                          .actor = "",
                                          .evidence = "{}",
                                          .guard = "{}",
                                          .fingerprint = "f",
                                          .proposed_at = f->now};
    int64_t id = store_put_optimization(f->store, &made);
    const struct tuning_row tuning = {.setting = "scale/machines",
                                      .scope = "",
                                      .value = "up",
                                      .was = "",
                                      .actor = "ada",
                                      .reason = "",
                                      .optimization = id};
    assert_true(tuning_apply(f->control, &tuning, f->now, &err));
    commit(f);
    assert_int_equal(control_max_running(f->control), 103);
    end_effect(f, false);
    assert_int_equal(control_max_running(f->control), 100);
    assert_null(tuning_in_force(f->control, "scale/machines", ""));
    assert_int_equal(f->asked.kind, EFFECT_SCALE);
    assert_non_null(strstr(f->asked.params, "\"direction\":\"up\""));
    struct optimization_row row = must_find(f, OPT_SCALE);
    assert_int_equal(row.status, OPT_TAKEN_BACK);
    assert_non_null(strstr(row.outcome, "no machine is left"));
}

static void a_sound_fleet_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct optimization_row row;
    struct err err = ERR_INIT;
    run_fleet(f, 0);
    assert_int_equal(store_load_optimization(f->store, f->arena, 1, &row, &err), MISSING);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_decides_is_asked),
        TEST(what_was_applied_is_undone),
        TEST(a_rejected_one_does_not_come_again),
        TEST(a_restart_goes_on),
        TEST(a_crash_forgets_nothing),
        TEST(what_was_recorded_is_learned),
        TEST(machines_are_asked_for),
        TEST(machines_that_do_not_come_do_not_count),
        TEST(a_sound_fleet_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
