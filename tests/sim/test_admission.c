/* SPDX-License-Identifier: MIT */

/*
 * How many run at once, over the real control center: a service that can do five things at once and
 * lets the rest time out, for hours of virtual time; then it can do all again. And the rules alone.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "engine/control/event_kind.h"
#include "engine/decision/admission.h"
#include "store/approval.h"
#include "tests/lib/place.h"

#define NOW    INT64_C(1767225600000)
#define MINUTE INT64_C(60000)
#define MOST   16
#define JOBS   256

/* An effect under way: when it ends, and how. */
struct job {
    struct effect_row row;
    struct wall begin, end;
    bool is_bad;
};

struct world {
    struct place *place;
    struct store *store;
    struct control *control;
    struct wall now;
    struct job jobs[JOBS];
    int n_jobs, capacity; /* checks at once that end well */
    int level;            /* of tune, + 1; 0 = by default */
    int64_t peak;         /* running at once since it was set to 0 */
};

/* ---- the world ---- */

static int at_work(const struct world *world)
{
    int n = 0;
    for (int i = 0; i < world->n_jobs; i++) {
        n += world->jobs[i].row.kind == EFFECT_CHECK;
    }
    return n;
}

static void on_perform(void *self, const struct effect_row *effect)
{
    struct world *world = self;
    assert_true(world->n_jobs < JOBS);
    bool is_check = effect->kind == EFFECT_CHECK;
    bool is_bad = is_check && at_work(world) >= world->capacity;
    world->jobs[world->n_jobs++] = (struct job){
        .row = {.workflow = effect->workflow, .seq = effect->seq, .kind = effect->kind},
        .begin = world->now,
        .end = {world->now.ms + (is_bad     ? 10
                                 : is_check ? 5
                                            : 1) *
                                    MINUTE       },
        .is_bad = is_bad
    };
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    struct world *world = self;
    for (int i = 0; i < world->n_jobs; i++) {
        struct job *job = &world->jobs[i];
        if (job->row.workflow == workflow && job->row.seq == seq) {
            *job = world->jobs[--world->n_jobs];
            return;
        }
    }
}

static void open_control(struct world *world)
{
    struct err err = ERR_INIT;
    struct control_options options = {
        .max_running = MOST,
        .limits = {span_s(60),                  span_s(300)},
        .recovery = { .is_on = true,
                   .ladder = ladder_defaults(),
                   .decide = decide_defaults()},
        .approvals = control_approvals_default(),
        .seed = 1
    };
    options.recovery.decide.is_learning_off = true;
    options.recovery.ladder.attempts = 100;
    options.approvals.levels[ACT_TUNE] = world->level;
    world->control = control_new(&options, world->store);
    if (!control_load(world->control, world->now, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void begin(struct world *world, struct place *place)
{
    world->place = place;
    world->now.ms = NOW;
    world->capacity = JOBS;
    struct err err = ERR_INIT;
    world->store = store_open(place->path, STORE_OFF, &err);
    assert_non_null(world->store);
    open_control(world);
}

static void end(struct world *world)
{
    control_free(world->control);
    store_close(world->store);
}

static void turn(struct world *world)
{
    struct err err = ERR_INIT;
    struct executor executor = {world, on_perform, on_stop};
    struct control_stats stats;
    assert_true(control_commands(world->control, 1000, world->now, &err) >= 0);
    control_tick(world->control, world->now);
    if (!control_commit(world->control, &executor, &err)) {
        fail_msg("%s", err.msg);
    }
    control_stats(world->control, &stats);
    world->peak = stats.n_running > world->peak ? stats.n_running : world->peak;
}

static void finish(struct world *world, struct job job)
{
    struct effect_result *result = effect_result_new(job.row.workflow, job.row.seq);
    result->status = job.is_bad ? STATUS_TIMED_OUT : STATUS_PASSED;
    result->blame = job.is_bad ? BLAME_WORLD : BLAME_NONE;
    result->summary = mem_str(job.is_bad ? "killed at its deadline" : "fine");
    result->provider = mem_str("local");
    result->started_at = job.begin;
    result->finished_at = world->now;
    result->pr_number = job.row.kind == EFFECT_PULL_REQUEST ? 1 : 0;
    if (job.row.kind == EFFECT_COMMIT) {
        result->head_sha = mem_printf("%040llx", (unsigned long long)job.row.workflow);
    }
    if (job.row.kind == EFFECT_MERGE) {
        result->merge_sha = mem_printf("%040llx", (unsigned long long)job.row.workflow);
    }
    control_result(world->control, result, world->now);
}

static void submit(struct world *world)
{
    static const char args[] =
        "{\"pipeline\":\"p\",\"task\":\"t\",\"text\":\"name: p\\nrepository: /srv/p\\n"
        "base: main\\nagent: {command: agent}\\nplan: {mode: auto}\\n"
        "limits: {retries: 100}\\nmerge: {mode: auto}\\n"
        "validate: [{name: unit, command: make}]\\n\"}";
    struct err err = ERR_INIT;
    struct command_row row = {
        .at = world->now, .actor = "ada", .verb = "submit", .args = args, .message = ""};
    assert_true(command_send(world->place->path, &row, &err) > 0);
}

/* So many minutes in which there is always more to do than may run. */
static void minutes(struct world *world, int n)
{
    for (int i = 0; i < n; i++) {
        struct control_stats stats;
        control_stats(world->control, &stats);
        if (stats.n_queued < 4) {
            submit(world);
            submit(world);
            submit(world);
            submit(world);
        }
        turn(world);
        world->now.ms += MINUTE;
        for (int j = world->n_jobs - 1; j >= 0; j--) {
            if (world->jobs[j].end.ms <= world->now.ms) {
                struct job job = world->jobs[j];
                world->jobs[j] = world->jobs[--world->n_jobs];
                finish(world, job);
            }
        }
        turn(world);
    }
}

struct told {
    int n, n_open, n_good, n_fewer, least;
    const char *newest, *reason, *outcome;
    enum decider decider;
};

/* The decisions about this, newest first in the store. */
static struct told decisions(const struct world *world)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(world->place);
    const struct decision_row *rows;
    size_t n_rows;
    struct told told = {.least = MOST, .newest = "", .reason = "", .outcome = ""};
    const struct recovery_query query = {.max = 10000};
    assert_true(
        reader_decisions(reader, world->place->arena, &query, &rows, &n_rows, &err));
    for (size_t i = 0; i < n_rows; i++) {
        if (rows[i].kind != DECISION_ADMISSION) {
            continue;
        }
        int number = (int)strtol(rows[i].choice, NULL, 10);
        assert_in_range(number, 1, MOST);
        assert_string_equal(rows[i].subject, "engine");
        told.least = number < told.least ? number : told.least;
        told.n_open += rows[i].verdict == VERDICT_OPEN;
        told.n_good += rows[i].verdict == VERDICT_GOOD;
        told.n_fewer += strstr(rows[i].reason, "half of what was at work") != NULL;
        if (told.n++ == 0) {
            told.newest = rows[i].choice;
            told.reason = rows[i].reason;
            told.outcome = rows[i].outcome;
            told.decider = rows[i].decider;
        }
    }
    reader_close(reader);
    return told;
}

/* ---- tests ---- */

static void healthy_uses_all(void **state)
{
    struct world world = {.level = 0};
    begin(&world, *state);
    minutes(&world, 240);
    assert_int_equal(world.peak, MOST);
    assert_int_equal(control_admitted(world.control), MOST);
    assert_int_equal(decisions(&world).n, 0);
    end(&world);
}

static void saturated_then_well(void **state)
{
    struct world world = {.level = 0};
    begin(&world, *state);
    minutes(&world, 60);
    assert_int_equal(control_admitted(world.control), MOST);
    world.capacity = 5;
    minutes(&world, 120);
    struct told told = decisions(&world);
    assert_true(told.n_fewer > 0 && told.n_good > 0);
    assert_true(told.least <= MOST / 2);
    assert_non_null(strstr(told.reason, " of 16 at once: "));
    assert_true(event_kind_is_known("admission"));
    int limit = control_admitted(world.control);
    assert_true(limit < MOST);
    /* what is known holds over a restart, and nothing is open for ever */
    control_free(world.control);
    world.n_jobs = 0;
    open_control(&world);
    turn(&world);
    assert_int_equal(control_admitted(world.control), limit);
    assert_true(decisions(&world).n_open == 0);
    minutes(&world, 120);
    told = decisions(&world);
    assert_true(told.n <= 40); /* four hours of overload: no decision a tick */
    world.capacity = JOBS;
    minutes(&world, 300);
    assert_int_equal(control_admitted(world.control), MOST);
    assert_string_equal(decisions(&world).newest, "16");
    int n = decisions(&world).n;
    world.peak = 0;
    minutes(&world, 300);
    assert_int_equal(world.peak, MOST);
    assert_int_equal(decisions(&world).n, n); /* and then there is nothing to decide */
    end(&world);
}

static void only_suggested(void **state)
{
    struct world world = {.level = LEVEL_OBSERVE + 1};
    begin(&world, *state);
    world.capacity = 5;
    minutes(&world, 180);
    struct told told = decisions(&world);
    assert_int_equal(told.n, 1);
    assert_int_equal(told.decider, DECIDER_LIMIT);
    assert_non_null(strstr(told.outcome, "only suggested"));
    assert_int_equal(control_admitted(world.control), MOST);
    end(&world);
}

/* ---- the rules alone ---- */

static struct wall window(struct admission *a, int n_bad, struct wall now,
                          struct admission_step *step)
{
    struct wall began = a->since;
    now.ms += 2 * MINUTE;
    for (int i = 0; i < 32; i++) {
        admission_count(a, i < n_bad, began, a->limit);
    }
    (void)!admission_look(a, NULL, now, step);
    if (step->move != ADMIT_NONE) {
        admission_take(a, step, now);
    }
    return now;
}

static void what_is_not_load_is_left_alone(void **state)
{
    struct admission a;
    struct admission_step step = {.to = 0};
    struct wall now = {NOW};
    (void)state;
    admission_init(&a, 40, now);
    static const int limits[] = {20, 10, 5, 2, 40};
    for (int i = 0; i < 5; i++) { /* half of it is bad, however few there are */
        now = window(&a, 16, now, &step);
        assert_int_equal(a.limit, limits[i]);
        assert_int_equal(step.verdict, i > 0 ? VERDICT_BAD : VERDICT_OPEN);
    }
    assert_int_equal(step.move, ADMIT_BACK);
    now = window(&a, 16, now, &step);
    assert_int_equal(a.limit, 40); /* and for a while */
    assert_int_equal(wall_is_set(admission_wake_at(&a)), false);
}

static void bounds_and_hysteresis(void **state)
{
    struct admission a;
    struct admission_step step = {.to = 0};
    struct wall now = {NOW};
    (void)state;
    admission_init(&a, 0, now);
    assert_int_equal(a.limit, 1);
    now = window(&a, 32, now, &step); /* never below 1 */
    assert_int_equal(a.limit, 1);
    admission_most(&a, 8);
    assert_int_equal(a.limit, 8); /* who had all has all */
    now = window(&a, 7, now, &step);
    assert_int_equal(a.limit, 8); /* 22 %: neither */
    now = window(&a, 10, now, &step);
    assert_int_equal(a.limit, 4);
    now = window(&a, 5, now, &step);
    assert_int_equal(a.limit, 4); /* 16 %: it helped, and no more yet */
    assert_int_equal(step.verdict, VERDICT_GOOD);
    now = window(&a, 0, now, &step);
    now = window(&a, 0, now, &step);
    now = window(&a, 0, now, &step);
    now = window(&a, 0, now, &step);
    assert_true(a.limit <= 8 && a.limit > 4);
    admission_most(&a, 3);
    assert_int_equal(a.limit, 3);
    /* one at work that fails says nothing about how many */
    admission_init(&a, 8, now);
    struct wall began = a.since;
    for (int i = 0; i < 32; i++) {
        admission_count(&a, true, began, 1);
    }
    now.ms += 2 * MINUTE;
    assert_false(admission_look(&a, NULL, now, &step));
    assert_int_equal(a.limit, 8);
}

static void held_and_old(void **state)
{
    struct admission a;
    struct admission_step step = {.to = 0};
    struct wall now = {NOW};
    (void)state;
    admission_init(&a, 8, now);
    now = window(&a, 16, now, &step);
    assert_int_equal(a.limit, 4);
    for (int i = 0; i < 32; i++) {
        admission_count(&a, false, now, 4);
    }
    now.ms += 2 * MINUTE;
    assert_true(admission_look(&a, "a service is tried again", now, &step));
    assert_int_equal(step.verdict, VERDICT_GOOD);
    assert_int_equal(step.move, ADMIT_NONE); /* held */
    struct wall at = admission_wake_at(&a);
    assert_int_equal(at.ms, now.ms + 30 * MINUTE);
    assert_false(admission_look(&a, NULL, now, &step));
    assert_true(
        admission_look(&a, NULL, at, &step)); /* nobody says anything: a step more */
    assert_int_equal(step.move, ADMIT_MORE);
    assert_int_equal(step.to, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(healthy_uses_all),
        PLACE_TEST(saturated_then_well),
        PLACE_TEST(only_suggested),
        cmocka_unit_test(what_is_not_load_is_left_alone),
        cmocka_unit_test(bounds_and_hysteresis),
        cmocka_unit_test(held_and_old),
    };
    return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
