/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/workflow/machine.h"

#define GOLDEN "tests/unit/machine.golden"
#define NOW    ((struct wall){1767225600000})

static const char text[] =
    "name: all\nrepository: /r\nbase: main\nagent: {command: agent}\n"
    "plan: {mode: ask, command: plan}\nsetup: [deps]\n"
    "validate:\n  - {name: unit, command: unit}\n"
    "  - {name: lint, command: lint, allow_failure: true}\n"
    "evaluator: {command: judge}\nmerge: {mode: ask}\n"
    "limits: {iterations: 2, retries: 1}\nbudget: {attempts: 3, wall: 8h}\n";

static const struct machine_limits limits = {{5000}, {300000}};

struct fixture {
    struct pipeline *pipeline;
    struct workflow *workflow;
    struct machine_output *out;
    struct rng rng;
    struct wall now;
};

static void begin_with(struct fixture *f, const char *yaml)
{
    struct findings findings;
    findings_init(&findings);
    f->pipeline = pipeline_parse("all.yaml", yaml, strlen(yaml), &findings);
    assert_non_null(f->pipeline);
    findings_fini(&findings);
    struct workflow_row row = {.id = 1,
                               .pipeline = "all",
                               .repo = "/r",
                               .title = "t",
                               .submitter = "ops",
                               .state = STATE_IDLE,
                               .wait = WAIT_SLOT,
                               .attempt = 1,
                               .created_at = NOW,
                               .branch = "",
                               .base_sha = "",
                               .head_sha = "",
                               .merge_sha = "",
                               .reason = ""};
    f->workflow = workflow_new(&row, f->pipeline);
    f->out = mem_alloc(sizeof(*f->out));
    f->now = NOW;
    rng_init(&f->rng, 1);
}

static void begin(struct fixture *f)
{
    begin_with(f, text);
}

static void finish(struct fixture *f)
{
    workflow_free(f->workflow);
    pipeline_free(f->pipeline);
    free(f->out);
}

static enum machine_verdict send(struct fixture *f, enum machine_event event)
{
    struct machine_input input = {
        .event = event, .actor = "ops", .checkpoint = STATE_COUNT};
    return machine_step(f->workflow, &input, &limits, f->now, &f->rng, f->out);
}

static enum machine_verdict answer(struct fixture *f, enum effect_status status,
                                   enum blame blame)
{
    struct effect_result *result = effect_result_new(1, f->workflow->row.effect_seq);
    result->status = status;
    result->blame = blame;
    result->summary = mem_str(status == STATUS_PASSED ? "fine" : "broken");
    result->service = blame == BLAME_SERVICE ? mem_str("github_api") : NULL;
    result->head_sha = mem_str("abc");
    result->pr_number = 7;
    struct machine_input input = {.event = event_of_result(result),
                                  .actor = "engine",
                                  .checkpoint = STATE_COUNT,
                                  .result = result};
    enum machine_verdict verdict =
        machine_step(f->workflow, &input, &limits, f->now, &f->rng, f->out);
    effect_result_free(result);
    return verdict;
}

static void pass(struct fixture *f, enum effect_kind kind)
{
    assert_true(f->workflow->row.is_active);
    assert_int_equal(f->out->effects[0].kind, kind);
    assert_int_equal(answer(f, STATUS_PASSED, BLAME_NONE), MACHINE_DONE);
}

static void to_validating(struct fixture *f)
{
    assert_int_equal(send(f, EV_START), MACHINE_DONE);
    pass(f, EFFECT_PLAN);
    assert_int_equal(f->workflow->row.wait, WAIT_PLAN);
    assert_int_equal(send(f, EV_APPROVE), MACHINE_DONE);
    assert_int_equal(send(f, EV_START), MACHINE_DONE);
    pass(f, EFFECT_WORKSPACE);
    pass(f, EFFECT_CODE);
    pass(f, EFFECT_COMMIT);
    pass(f, EFFECT_PULL_REQUEST);
    assert_int_equal(f->workflow->row.state, STATE_VALIDATING);
}

static void whole_way(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    to_validating(&f);
    pass(&f, EFFECT_SANDBOX);
    pass(&f, EFFECT_SETUP);
    pass(&f, EFFECT_CHECK);
    assert_int_equal(f.out->effects[0].step, 1);
    assert_int_equal(answer(&f, STATUS_FAILED, BLAME_CHANGE), MACHINE_DONE); /* allowed */
    pass(&f, EFFECT_EVALUATE);
    assert_int_equal(f.workflow->row.wait, WAIT_MERGE);
    assert_int_equal(send(&f, EV_APPROVE), MACHINE_DONE);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_non_null(strstr(f.out->effects[0].params, "\"head\":\"abc\""));
    pass(&f, EFFECT_MERGE);
    assert_int_equal(f.workflow->row.state, STATE_COMPLETED);
    assert_int_equal(f.out->effects[0].kind, EFFECT_CLEANUP);
    finish(&f);
}

static void failed_check_goes_back_with_the_error(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    to_validating(&f);
    pass(&f, EFFECT_SANDBOX);
    pass(&f, EFFECT_SETUP);
    assert_int_equal(answer(&f, STATUS_FAILED, BLAME_CHANGE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_PLANNING);
    assert_int_equal(f.workflow->row.iteration, 2);
    assert_true(f.out->has_errors);
    assert_non_null(strstr(f.out->errors, "broken"));
    assert_string_equal(f.workflow->row.reason, "broken");
    /* the second iteration is the last one */
    pass(&f, EFFECT_PLAN);
    assert_int_equal(send(&f, EV_REJECT), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_FAILED);
    finish(&f);
}

static void agent_crash_is_retried_then_fails(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    (void)send(&f, EV_START);
    pass(&f, EFFECT_PLAN);
    (void)send(&f, EV_APPROVE);
    (void)send(&f, EV_START);
    pass(&f, EFFECT_WORKSPACE);
    assert_int_equal(answer(&f, STATUS_FAILED, BLAME_WORLD), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_RECOVERING);
    enum machine_event event = EV_NONE;
    struct wall at = machine_wake_at(f.workflow, &event);
    assert_int_equal(event, EV_TIMER);
    assert_in_range(at.ms - NOW.ms, 2500, 5000);
    assert_int_equal(send(&f, EV_TIMER), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_CODING);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_int_equal(f.workflow->row.attempt, 2);
    assert_int_equal(answer(&f, STATUS_LOST, BLAME_WORLD), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_FAILED);
    /* done by hand: go past it */
    assert_int_equal(send(&f, EV_SKIP), MACHINE_DONE);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_int_equal(f.out->effects[0].kind, EFFECT_COMMIT);
    finish(&f);
}

static void pause_keeps_the_outcome_and_the_clock(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    to_validating(&f);
    f.now.ms += 600000;
    assert_int_equal(send(&f, EV_PAUSE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_PARKED);
    assert_int_equal(f.workflow->row.time_left.ms, 1200000);
    enum machine_event event = EV_NONE;
    assert_false(wall_is_set(machine_wake_at(f.workflow, &event)));
    assert_int_equal(answer(&f, STATUS_PASSED, BLAME_NONE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_PARKED);
    f.now.ms += 86400000;
    assert_int_equal(send(&f, EV_RESUME), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_VALIDATING);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_int_equal(f.out->effects[0].kind, EFFECT_SETUP);
    assert_int_equal(f.workflow->row.deadline_at.ms, f.now.ms + 1200000);
    finish(&f);
}

static void a_paused_approval_still_waits_after_resume(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    (void)send(&f, EV_START);
    pass(&f, EFFECT_PLAN);
    assert_int_equal(send(&f, EV_PAUSE), MACHINE_DONE);
    assert_int_equal(send(&f, EV_APPROVE), MACHINE_REFUSED);
    assert_non_null(strstr(f.out->text[0], "resume it first"));
    assert_int_equal(send(&f, EV_RESUME), MACHINE_DONE);
    assert_int_equal(f.workflow->row.wait, WAIT_PLAN);
    assert_int_equal(send(&f, EV_APPROVE), MACHINE_DONE);
    finish(&f);
}

static void to_merge(struct fixture *f)
{
    to_validating(f);
    pass(f, EFFECT_SANDBOX);
    pass(f, EFFECT_SETUP);
    pass(f, EFFECT_CHECK);
    pass(f, EFFECT_CHECK);
    pass(f, EFFECT_EVALUATE);
    assert_int_equal(send(f, EV_APPROVE), MACHINE_DONE);
    assert_int_equal(send(f, EV_START), MACHINE_DONE);
    assert_int_equal(f->out->effects[0].kind, EFFECT_MERGE);
}

/* Whether it is merged is not known before the outcome: never CANCELLED and merged. */
static void a_cancel_during_the_merge_waits_for_its_outcome(void **state)
{
    (void)state;
    static const struct {
        enum effect_status status;
        enum blame blame;
        enum workflow_state state;
    } cases[] = {
        {STATUS_PASSED,    BLAME_NONE,     STATE_COMPLETED},
        {STATUS_FAILED,    BLAME_CHANGE,   STATE_CANCELLED},
        {STATUS_TIMED_OUT, BLAME_WORLD,    STATE_CANCELLED},
        {STATUS_REFUSED,   BLAME_SETUP,    STATE_CANCELLED},
        {STATUS_FAILED,    BLAME_OPERATOR, STATE_CANCELLED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        begin(&f);
        to_merge(&f);
        assert_int_equal(send(&f, EV_CANCEL), MACHINE_DONE);
        assert_false(f.out->is_stopped);
        assert_int_equal(f.workflow->row.state, STATE_VALIDATING);
        assert_int_equal(answer(&f, cases[i].status, cases[i].blame), MACHINE_DONE);
        assert_int_equal(f.workflow->row.state, cases[i].state);
        assert_int_equal(f.workflow->row.held, EV_NONE);
        if (cases[i].state == STATE_CANCELLED) {
            assert_string_equal(f.workflow->row.reason, "cancelled by ops");
        }
        finish(&f);
    }
    struct fixture f;
    begin(&f);
    to_merge(&f);
    assert_int_equal(send(&f, EV_SKIP), MACHINE_REFUSED);
    (void)send(&f, EV_PAUSE);
    assert_int_equal(send(&f, EV_SKIP), MACHINE_REFUSED);
    assert_int_equal(send(&f, EV_CANCEL), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_VALIDATING);
    assert_int_equal(answer(&f, STATUS_PASSED, BLAME_NONE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_COMPLETED);
    finish(&f);
    begin(&f);
    to_merge(&f);
    (void)send(&f, EV_CANCEL);
    assert_int_equal(send(&f, EV_CANCEL), MACHINE_DONE); /* means it */
    assert_true(f.out->is_stopped);
    assert_int_equal(f.workflow->row.state, STATE_CANCELLED);
    finish(&f);
}

static void a_merge_is_not_given_up_at_the_deadline(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    to_validating(&f);
    pass(&f, EFFECT_SANDBOX);
    pass(&f, EFFECT_SETUP);
    pass(&f, EFFECT_CHECK);
    pass(&f, EFFECT_CHECK);
    pass(&f, EFFECT_EVALUATE);
    (void)send(&f, EV_APPROVE);
    (void)send(&f, EV_START);
    f.now.ms += 86400000;
    assert_int_equal(send(&f, EV_DEADLINE), MACHINE_DONE);
    assert_false(f.out->is_stopped);
    assert_true(f.workflow->row.deadline_at.ms > f.now.ms);
    assert_int_equal(answer(&f, STATUS_PASSED, BLAME_NONE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_COMPLETED);
    finish(&f);
}

static void late_outcomes_are_ignored(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    (void)send(&f, EV_START);
    assert_int_equal(send(&f, EV_CANCEL), MACHINE_DONE);
    assert_true(f.out->is_stopped);
    assert_int_equal(f.out->stop_effect, 1);
    struct workflow_row before = f.workflow->row;
    assert_int_equal(answer(&f, STATUS_PASSED, BLAME_NONE), MACHINE_IGNORED);
    assert_int_equal(f.workflow->row.state, STATE_CANCELLED);
    assert_int_equal(f.workflow->row.effect_seq, before.effect_seq);
    finish(&f);
}

static enum machine_verdict grant(struct fixture *f, int runs, struct span wall)
{
    struct machine_input input = {.event = EV_EXTEND,
                                  .actor = "ops",
                                  .checkpoint = STATE_COUNT,
                                  .granted_runs = runs,
                                  .granted_wall = wall};
    return machine_step(f->workflow, &input, &limits, f->now, &f->rng, f->out);
}

/* Passed, after so long. */
static void pass_in(struct fixture *f, enum effect_kind kind, int64_t ms)
{
    struct effect_result *result = effect_result_new(1, f->workflow->row.effect_seq);
    assert_int_equal(f->out->effects[0].kind, kind);
    result->status = STATUS_PASSED;
    result->started_at = f->now;
    result->finished_at.ms = f->now.ms + ms;
    struct machine_input input = {.event = EV_PASSED,
                                  .actor = "engine",
                                  .checkpoint = STATE_COUNT,
                                  .result = result};
    assert_int_equal(machine_step(f->workflow, &input, &limits, f->now, &f->rng, f->out),
                     MACHINE_DONE);
    effect_result_free(result);
}

/* Only the budget is of interest. */
static void stop_deadline(struct fixture *f)
{
    f->workflow->row.deadline_at.ms = 0;
}

static void budgets_stop_before_the_next_attempt(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.workflow->row.agent_runs = 3;
    (void)send(&f, EV_START);
    pass(&f, EFFECT_PLAN);
    (void)send(&f, EV_APPROVE);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_CODING);
    assert_int_equal(f.workflow->row.wait, WAIT_BUDGET);
    assert_int_equal(f.out->n_effects, 0);
    assert_non_null(strstr(f.workflow->row.reason, "BUDGET: 3 of 3 agent runs"));
    assert_int_equal(send(&f, EV_RESUME), MACHINE_REFUSED);
    assert_int_equal(send(&f, EV_EXTEND), MACHINE_REFUSED); /* nothing granted */
    assert_int_equal(grant(&f, 1, (struct span){0}), MACHINE_DONE);
    assert_string_equal(f.out->text[0], "ops granted 1 more agent run");
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    pass(&f, EFFECT_WORKSPACE);
    pass(&f, EFFECT_CODE);
    pass(&f, EFFECT_COMMIT); /* the reserve */
    assert_int_equal(f.workflow->row.state, STATE_PR_CREATED);
    finish(&f);
    begin(&f);
    f.pipeline->budget_end = BUDGET_FAIL;
    f.workflow->row.agent_runs = 3;
    (void)send(&f, EV_START);
    pass(&f, EFFECT_PLAN);
    (void)send(&f, EV_APPROVE);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_FAILED);
    assert_non_null(strstr(f.workflow->row.reason, "budget"));
    finish(&f);
}

/* The agent says what its run has used. */
static void use(struct fixture *f, int64_t tokens, int64_t micros)
{
    struct effect_result *result = effect_result_new(1, f->workflow->row.effect_seq);
    assert_int_equal(f->out->effects[0].kind, EFFECT_CODE);
    result->status = STATUS_FAILED;
    result->blame = BLAME_WORLD;
    result->tokens = tokens;
    result->micros = micros;
    struct machine_input input = {.event = EV_WORLD,
                                  .actor = "engine",
                                  .checkpoint = STATE_COUNT,
                                  .result = result};
    assert_int_equal(machine_step(f->workflow, &input, &limits, f->now, &f->rng, f->out),
                     MACHINE_DONE);
    effect_result_free(result);
}

/* A run that has used so much fails; whether another one begins. */
static void to_second_run(struct fixture *f, int64_t tokens, int64_t micros)
{
    f->pipeline->max_attempts = 0;
    (void)send(f, EV_START);
    pass(f, EFFECT_PLAN);
    (void)send(f, EV_APPROVE);
    (void)send(f, EV_START);
    pass(f, EFFECT_WORKSPACE);
    use(f, tokens, micros);
    f->now = f->workflow->row.retry_at;
    (void)send(f, EV_TIMER);
    (void)send(f, EV_START);
}

static void tokens_and_money_are_bounds(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.pipeline->max_tokens = 1000;
    to_second_run(&f, 501, 0); /* 499 are left, and a run uses 501 */
    assert_int_equal(f.workflow->row.wait, WAIT_BUDGET);
    assert_int_equal(f.workflow->row.used.tokens, 501);
    assert_string_equal(f.workflow->row.reason,
                        "BUDGET: 501 of 1000 tokens are used, and the last run used 501; "
                        "extend it or cancel");
    struct machine_input input = {.event = EV_EXTEND,
                                  .actor = "ops",
                                  .checkpoint = STATE_COUNT,
                                  .granted = {.micros = 5}};
    assert_int_equal(machine_step(f.workflow, &input, &limits, f.now, &f.rng, f.out),
                     MACHINE_REFUSED); /* it has no budget of money */
    input.granted = (struct usage){.tokens = 500};
    assert_int_equal(machine_step(f.workflow, &input, &limits, f.now, &f.rng, f.out),
                     MACHINE_DONE);
    assert_string_equal(f.out->text[0], "ops granted 500 more tokens");
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_int_equal(f.workflow->row.wait, WAIT_NONE);
    finish(&f);
    begin(&f);
    f.pipeline->max_cost = 2500000;
    f.pipeline->budget_end = BUDGET_FAIL;
    to_second_run(&f, 0, 2000000);
    assert_int_equal(f.workflow->row.state, STATE_FAILED);
    assert_non_null(strstr(f.workflow->row.reason, "budget: 2.00 of 2.50 of money"));
    char line[BUDGET_LINE_MAX];
    assert_true(budget_warns(f.workflow, line));
    assert_string_equal(line, "budget: 2.00 of 2.50 of money are used");
    assert_false(budget_warns(f.workflow, line));
    finish(&f);
    begin(&f);
    f.pipeline->max_tokens = 1000;
    to_second_run(&f, 500, 0); /* just enough */
    assert_int_equal(f.workflow->row.wait, WAIT_NONE);
    finish(&f);
}

/* Up to the merge, without asking for it. */
static void to_own_merge(struct fixture *f)
{
    f->pipeline->merge_mode = MERGE_AUTO;
    to_validating(f);
    pass(f, EFFECT_SANDBOX);
    pass(f, EFFECT_SETUP);
    pass(f, EFFECT_CHECK);
    pass(f, EFFECT_CHECK);
    pass(f, EFFECT_EVALUATE);
}

/* Outside of the window a merge waits, without a clock, and begins when it opens or when
 * somebody says so. */
static void merges_wait_for_their_window(void **state)
{
    (void)state;
    static const enum machine_event ways[] = {EV_TIMER, EV_RESUME, EV_APPROVE};
    int minute = (int)(NOW.ms / 60000 % MINUTES_OF_DAY);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct fixture f;
        begin(&f);
        f.pipeline->merge_window = (struct hours){(minute + 120) % MINUTES_OF_DAY,
                                                  (minute + 180) % MINUTES_OF_DAY};
        to_own_merge(&f);
        assert_int_equal(f.workflow->row.state, STATE_VALIDATING);
        assert_int_equal(f.workflow->row.wait, WAIT_WINDOW);
        assert_int_equal(f.out->n_effects, 0);
        assert_false(wall_is_set(f.workflow->row.deadline_at));
        assert_int_equal(f.workflow->row.retry_at.ms,
                         (NOW.ms / 60000 + 120) * INT64_C(60000));
        assert_non_null(strstr(f.workflow->row.reason, "all checks passed; merges at "));
        enum machine_event event = EV_NONE;
        assert_int_equal(machine_wake_at(f.workflow, &event).ms,
                         f.workflow->row.retry_at.ms);
        assert_int_equal(event, EV_TIMER);
        assert_int_equal(send(&f, EV_SKIP), MACHINE_REFUSED);
        /* Paused and resumed it waits as before. */
        assert_int_equal(send(&f, EV_PAUSE), MACHINE_DONE);
        assert_int_equal(send(&f, EV_SKIP), MACHINE_REFUSED);
        assert_int_equal(send(&f, EV_RESUME), MACHINE_DONE);
        assert_int_equal(f.workflow->row.wait, WAIT_WINDOW);
        assert_true(wall_is_set(f.workflow->row.retry_at));
        assert_int_equal(send(&f, ways[i]), MACHINE_DONE);
        assert_int_equal(f.workflow->row.wait, WAIT_SLOT);
        assert_int_equal(send(&f, EV_START), MACHINE_DONE);
        pass(&f, EFFECT_MERGE);
        assert_int_equal(f.workflow->row.state, STATE_COMPLETED);
        finish(&f);
    }
    struct fixture f;
    begin(&f);
    f.pipeline->merge_window = (struct hours){minute, (minute + 1) % MINUTES_OF_DAY};
    to_own_merge(&f);
    assert_true(f.workflow->row.is_active); /* it is open */
    finish(&f);
}

/* What was begun in its hours and failed, or waited for the forge, looks at them again; who is a
 * person has said when. */
static void a_merge_that_is_tried_again_looks_at_its_window(void **state)
{
    (void)state;
    static const struct {
        enum blame blame;
        enum machine_event goes_on;
        enum workflow_wait wait;
    } ways[] = {
        {BLAME_WORLD,   EV_TIMER,   WAIT_WINDOW},
        {BLAME_SERVICE, EV_RELEASE, WAIT_WINDOW},
        {BLAME_WORLD,   EV_RESUME,  WAIT_SLOT  },
    };
    int minute = (int)(NOW.ms / 60000 % MINUTES_OF_DAY);
    for (size_t i = 0; i < 2 * ARRAY_LEN(ways); i++) {
        size_t way = i / 2;
        bool is_open = i % 2 == 1;
        struct fixture f;
        begin(&f);
        f.pipeline->merge_window = (struct hours){minute, (minute + 60) % MINUTES_OF_DAY};
        to_own_merge(&f);
        assert_true(f.workflow->row.is_active);
        assert_int_equal(answer(&f, STATUS_FAILED, ways[way].blame), MACHINE_DONE);
        f.now.ms += is_open ? 60000 : 2 * 3600 * 1000;
        assert_int_equal(send(&f, ways[way].goes_on), MACHINE_DONE);
        assert_int_equal(f.workflow->row.state, STATE_VALIDATING);
        assert_int_equal(f.workflow->row.wait, is_open ? WAIT_SLOT : ways[way].wait);
        if (f.workflow->row.wait == WAIT_WINDOW) {
            enum machine_event event = EV_NONE;
            f.now = machine_wake_at(f.workflow, &event);
            assert_int_equal(event, EV_TIMER);
            assert_int_equal(f.now.ms, NOW.ms / 60000 * 60000 + 86400000);
            assert_int_equal(send(&f, EV_TIMER), MACHINE_DONE);
        }
        assert_int_equal(send(&f, EV_START), MACHINE_DONE);
        assert_int_equal(f.workflow->row.attempt, ways[way].blame == BLAME_WORLD ? 2 : 1);
        pass(&f, EFFECT_MERGE);
        assert_int_equal(f.workflow->row.state, STATE_COMPLETED);
        finish(&f);
    }
}

/* A check in quarantine does not decide, until its time is over. */
static void a_quarantine_ends(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        struct fixture f;
        begin(&f);
        f.pipeline->checks[0].quarantine = (struct wall){NOW.ms + 1 - after};
        to_validating(&f);
        pass(&f, EFFECT_SANDBOX);
        pass(&f, EFFECT_SETUP);
        assert_int_equal(answer(&f, STATUS_FAILED, BLAME_CHANGE), MACHINE_DONE);
        assert_int_equal(f.workflow->row.state,
                         after == 0 ? STATE_VALIDATING : STATE_PLANNING);
        finish(&f);
    }
}

static enum machine_event due(const struct fixture *f, int64_t hours, int64_t minutes)
{
    enum machine_event event = EV_NONE;
    struct wall at = machine_wake_at(f->workflow, &event);
    int64_t ms = NOW.ms + (hours * 60 + minutes) * 60000;
    return wall_is_set(at) && at.ms <= ms ? event : EV_NONE;
}

/* Wall time: told at 80 %, at 100 % it waits; a run that would not fit is not begun. */
static void wall_time_is_looked_at_before_a_run(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    (void)send(&f, EV_START);
    pass(&f, EFFECT_PLAN);
    stop_deadline(&f);
    assert_int_equal(due(&f, 6, 23), EV_NONE); /* waits for approval: it asks a person */
    (void)send(&f, EV_APPROVE);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    stop_deadline(&f);
    assert_int_equal(due(&f, 6, 23), EV_NONE);
    assert_int_equal(due(&f, 6, 24), EV_BUDGET);
    f.now.ms = NOW.ms + 384 * 60000;
    assert_int_equal(send(&f, EV_BUDGET), MACHINE_DONE);
    assert_string_equal(f.out->text[0], "budget: 6h24m of 8h00m of wall time are used");
    assert_true(f.workflow->row.is_active);
    assert_int_equal(due(&f, 7, 59), EV_NONE);
    assert_int_equal(due(&f, 8, 0), EV_BUDGET);
    f.workflow->row.last_run = span_s(7000);
    pass_in(&f, EFFECT_WORKSPACE, 0);
    pass_in(&f, EFFECT_CODE, 5400000);
    assert_int_equal(f.workflow->row.last_run.ms, 5400000);
    stop_deadline(&f);
    assert_int_equal(due(&f, 9, 0), EV_NONE); /* the commit goes */
    pass(&f, EFFECT_COMMIT);
    pass(&f, EFFECT_PULL_REQUEST);
    assert_int_equal(f.workflow->row.state, STATE_VALIDATING);
    f.now.ms = NOW.ms + 400 * 60000;
    assert_int_equal(answer(&f, STATUS_FAILED, BLAME_CHANGE), MACHINE_DONE);
    pass(&f, EFFECT_PLAN);
    (void)send(&f, EV_APPROVE);
    assert_int_equal(send(&f, EV_START),
                     MACHINE_DONE); /* 1h20m are left, a run takes 1h30m */
    assert_int_equal(f.workflow->row.wait, WAIT_BUDGET);
    assert_non_null(strstr(f.workflow->row.reason, "an agent run took 1h30m"));
    assert_int_equal(grant(&f, 0, span_s(3600)), MACHINE_DONE);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_true(f.workflow->row.is_active);
    f.now.ms = NOW.ms + 9 * 3600000;
    assert_int_equal(send(&f, EV_BUDGET), MACHINE_DONE);
    assert_int_equal(f.workflow->row.wait, WAIT_BUDGET);
    assert_true(f.out->is_stopped);
    finish(&f);
}

/* A budget of others, for today: it waits and goes on by itself. */
static void a_budget_of_the_day_is_waited_for(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    (void)send(&f, EV_START);
    pass(&f, EFFECT_PLAN);
    (void)send(&f, EV_APPROVE);
    struct machine_input input = {.event = EV_START,
                                  .actor = "engine",
                                  .checkpoint = STATE_COUNT,
                                  .spent = "20 of 20 agent runs of today are used",
                                  .spent_until = wall_add(f.now, span_s(7200))};
    assert_int_equal(machine_step(f.workflow, &input, &limits, f.now, &f.rng, f.out),
                     MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_RECOVERING);
    assert_int_equal(f.workflow->row.wait, WAIT_RETRY);
    assert_int_equal(f.out->n_effects, 0);
    assert_int_equal(due(&f, 1, 59), EV_NONE);
    assert_int_equal(due(&f, 2, 0), EV_TIMER);
    assert_int_equal(send(&f, EV_TIMER), MACHINE_DONE);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_CODING);
    assert_true(f.workflow->row.is_active);
    finish(&f);
}

static void rollback_of_merged_work(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.workflow->row.state = STATE_COMPLETED;
    f.workflow->row.wait = WAIT_NONE;
    assert_int_equal(send(&f, EV_ROLLBACK), MACHINE_REFUSED);
    workflow_set(&f.workflow->row.merge_sha, "m1");
    assert_int_equal(send(&f, EV_ROLLBACK), MACHINE_DONE);
    assert_int_equal(send(&f, EV_PAUSE), MACHINE_REFUSED);
    assert_int_equal(answer(&f, STATUS_FAILED, BLAME_CHANGE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_COMPLETED);
    assert_int_equal(send(&f, EV_ROLLBACK), MACHINE_DONE);
    pass(&f, EFFECT_REVERT);
    assert_int_equal(f.workflow->row.state, STATE_ROLLED_BACK);
    finish(&f);
}

/* Every state x event pair, in every kind of wait: a step never breaks the row, and a
 * refused one changes nothing. */
static void walk_every_pair(void **state)
{
    (void)state;
    for (int s = 0; s < STATE_COUNT; s++) {
        for (int e = EV_NONE + 1; e < EV_COUNT; e++) {
            for (int variant = 0; variant < WAIT_COUNT * 4; variant++) {
                struct fixture f;
                begin(&f);
                struct workflow_row *row = &f.workflow->row;
                row->state = (enum workflow_state)s;
                row->wait = (enum workflow_wait)(variant / 4);
                row->resume_state = s == STATE_RECOVERING && variant % 2 == 1
                                        ? STATE_ROLLED_BACK
                                        : STATE_CODING;
                row->step = 1;
                row->iteration = 1;
                row->effect_seq = 5;
                row->is_active = variant % 4 >= 2;
                struct workflow_row before = *row;
                bool is_outcome = (e >= EV_PASSED && e <= EV_OPERATOR) || e == EV_SERVICE;
                bool is_verb = (e >= EV_PAUSE && e <= EV_ROLLBACK) || e == EV_EXTEND;
                enum machine_verdict verdict =
                    is_outcome
                        ? answer(&f, e == EV_PASSED ? STATUS_PASSED : STATUS_FAILED,
                                 e == EV_SERVICE ? BLAME_SERVICE
                                                 : (enum blame)(e - EV_PASSED))
                    : e == EV_EXTEND ? grant(&f, variant % 3, (struct span){variant % 2})
                                     : send(&f, (enum machine_event)e);
                if (verdict != MACHINE_DONE) {
                    assert_int_equal(row->state, before.state);
                    assert_int_equal(row->effect_seq, before.effect_seq);
                    assert_int_equal(f.out->n_effects, 0);
                    assert_int_equal(verdict == MACHINE_REFUSED, is_verb);
                    assert_int_equal(verdict == MACHINE_REFUSED,
                                     f.out->text[0][0] != '\0');
                } else {
                    assert_in_range(f.out->n_events, 1, MACHINE_EVENTS_MAX);
                    assert_int_equal(row->effect_seq - before.effect_seq,
                                     f.out->n_effects);
                    assert_false(machine_holds_slot(f.workflow) && !row->is_active &&
                                 e != EV_EXTEND); /* changes neither */
                    assert_false(state_is_final(row->state) &&
                                 wall_is_set(row->deadline_at));
                    assert_false(row->wait != WAIT_SERVICE && row->service[0] != '\0');
                }
                finish(&f);
            }
        }
    }
}

static void table_is_as_reviewed(void **state)
{
    (void)state;
    char *now = NULL, *golden = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&now, &len);
    assert_non_null(out);
    machine_print(out);
    assert_int_equal(fclose(out), 0);
    struct err err = ERR_INIT;
    if (getenv("GOLDEN_UPDATE") != NULL) {
        assert_true(file_write(GOLDEN, now, len, &err));
    }
    size_t golden_len = 0;
    assert_true(file_read(GOLDEN, 1 << 20, &golden, &golden_len, &err));
    assert_string_equal(now, golden);
    free(now);
    free(golden);
}

/* ---- checks side by side ---- */

static const char beside_text[] =
    "name: all\nrepository: /r\nbase: main\nagent: {command: agent}\n"
    "validate:\n  - {name: a, command: a}\n  - {name: b, command: b}\n"
    "  - {name: c, command: c, allow_failure: true}\n  - {name: d, command: d}\n"
    "merge: {mode: ask}\nlimits: {iterations: 3, retries: 2, parallel: 2}\n";

/* Up to the checks; returns the seq of the first. */
static int64_t to_checks(struct fixture *f)
{
    begin_with(f, beside_text);
    assert_int_equal(send(f, EV_START), MACHINE_DONE);
    pass(f, EFFECT_WORKSPACE);
    pass(f, EFFECT_CODE);
    pass(f, EFFECT_COMMIT);
    pass(f, EFFECT_PULL_REQUEST);
    pass(f, EFFECT_SANDBOX);
    return f->workflow->row.effect_seq - 3;
}

/* The result of all, which speaks of check `at` of them (0-based); -1: of none that is known. */
static enum machine_verdict answer_all(struct fixture *f, int n, int at,
                                       enum effect_status status, enum blame blame)
{
    int64_t last = f->workflow->row.effect_seq;
    struct effect_result *result = effect_result_new(1, last);
    result->status = status;
    result->blame = blame;
    result->summary = mem_str("so");
    if (at >= 0) {
        effect_result_make_parts(result, (size_t)n);
        for (int i = 0; i < n; i++) {
            result->parts[i] = effect_result_new(1, last - n + 1 + i);
            result->parts[i]->status = i == 3 ? status : STATUS_PASSED;
            result->parts[i]->blame = i == 3 ? blame : BLAME_NONE;
            result->parts[i]->summary = mem_printf("%c says so", 'a' + i);
        }
        result->of = last - n + 1 + at;
    }
    struct machine_input input = {.event = event_of_result(result),
                                  .actor = "engine",
                                  .checkpoint = STATE_COUNT,
                                  .result = result};
    machine_arrive(f->workflow, result);
    enum machine_verdict verdict =
        machine_step(f->workflow, &input, &limits, f->now, &f->rng, f->out);
    effect_result_free(result);
    return verdict;
}

static void checks_are_asked_for_together(void **state)
{
    (void)state;
    struct fixture f;
    int64_t first = to_checks(&f);
    assert_int_equal(f.out->n_effects, 4);
    for (int i = 0; i < 4; i++) {
        const struct effect_row *effect = &f.out->effects[i];
        assert_int_equal(effect->seq, first + i);
        assert_int_equal(effect->step, i);
        assert_int_equal(effect->kind, EFFECT_CHECK);
        assert_int_equal(effect_with(effect), i < 3 ? first + 3 : 0);
        assert_true(effect_is_beside(effect));
        assert_int_equal(effect->name[0], 'a' + i);
    }
    assert_string_equal(f.out->effects[3].params, "{\"checks\":4}");
    assert_int_equal(f.workflow->row.effect_seq, first + 3);
    assert_int_equal(answer_all(&f, 4, 3, STATUS_PASSED, BLAME_NONE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.wait, WAIT_MERGE);
    assert_int_equal(f.out->events[0].ended, first + 3);
    finish(&f);
    (void)to_checks(&f); /* an outcome of all without one of each */
    assert_int_equal(answer_all(&f, 4, -1, STATUS_PASSED, BLAME_NONE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.wait, WAIT_MERGE);
    finish(&f);
}

static void the_failed_check_is_told_and_not_its_neighbours(void **state)
{
    (void)state;
    struct fixture f;
    int64_t first = to_checks(&f);
    assert_int_equal(answer_all(&f, 4, 1, STATUS_FAILED, BLAME_CHANGE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_CODING); /* no plan command */
    assert_int_equal(f.workflow->row.iteration, 2);
    assert_non_null(strstr(f.out->errors, ": b\n"));
    assert_non_null(strstr(f.out->errors, "\nBeside it: d says so\n"));
    assert_null(strstr(f.out->errors, "c says so"));
    assert_int_equal(f.out->events[0].ended, first + 1);
    assert_true(f.workflow->row.effect_seq > first + 3); /* no number is used again */
    finish(&f);
}

/* The surroundings failed at b: a has passed, and b is the first of those asked for again. */
static void a_retry_begins_with_the_failed_check(void **state)
{
    (void)state;
    struct fixture f;
    int64_t first = to_checks(&f);
    assert_int_equal(answer_all(&f, 4, 1, STATUS_LOST, BLAME_WORLD), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_RECOVERING);
    f.now.ms += 3600000;
    assert_int_equal(send(&f, EV_TIMER), MACHINE_DONE);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_int_equal(f.out->n_effects, 3);
    assert_int_equal(f.out->effects[0].step, 1);
    assert_int_equal(f.out->effects[0].seq, first + 4);
    assert_int_equal(f.out->effects[0].attempt, 2);
    assert_string_equal(f.out->effects[2].params, "{\"checks\":3}");
    finish(&f);
    (void)to_checks(&f); /* nothing is known: all again */
    assert_int_equal(answer_all(&f, 4, -1, STATUS_LOST, BLAME_WORLD), MACHINE_DONE);
    f.now.ms += 3600000;
    assert_int_equal(send(&f, EV_TIMER), MACHINE_DONE);
    assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    assert_int_equal(f.out->n_effects, 4);
    finish(&f);
}

/* One that may fail is passed over, and the rest begins; the last one is an effect of its own. */
static void one_that_is_tolerated_is_passed_over(void **state)
{
    (void)state;
    struct fixture f;
    (void)to_checks(&f);
    assert_int_equal(answer_all(&f, 4, 2, STATUS_FAILED, BLAME_CHANGE), MACHINE_DONE);
    assert_int_equal(f.out->n_effects, 1);
    assert_int_equal(f.out->effects[0].step, 3);
    assert_string_equal(f.out->effects[0].params, "{}");
    assert_int_equal(answer(&f, STATUS_PASSED, BLAME_NONE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.wait, WAIT_MERGE);
    finish(&f);
}

static void a_pause_keeps_the_outcome_of_all(void **state)
{
    (void)state;
    struct fixture f;
    (void)to_checks(&f);
    assert_int_equal(send(&f, EV_PAUSE), MACHINE_DONE);
    assert_int_equal(answer_all(&f, 4, 3, STATUS_PASSED, BLAME_NONE), MACHINE_DONE);
    assert_int_equal(f.workflow->row.state, STATE_PARKED);
    assert_int_equal(send(&f, EV_RESUME), MACHINE_DONE);
    while (f.workflow->row.wait == WAIT_SLOT) {
        assert_int_equal(send(&f, EV_START), MACHINE_DONE);
    }
    assert_int_equal(f.workflow->row.wait, WAIT_MERGE);
    finish(&f);
}

/* A number that no check of it has is told of the first: never out of bounds. */
static void an_odd_answer_stays_in_bounds(void **state)
{
    (void)state;
    static const int odd[] = {-7, 4, 1000};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct fixture f;
        (void)to_checks(&f);
        struct effect_result *result = effect_result_new(1, f.workflow->row.effect_seq);
        int step = f.workflow->row.step;
        result->status = STATUS_FAILED;
        effect_result_make_parts(result, 1);
        result->parts[0] = effect_result_new(1, 1);
        result->of = result->seq - 3 + odd[i];
        machine_arrive(f.workflow, result);
        assert_int_equal(f.workflow->row.step, step);
        result->seq++; /* late: of another effect */
        result->of = result->seq;
        machine_arrive(f.workflow, result);
        assert_int_equal(f.workflow->row.step, step);
        effect_result_free(result);
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_way),
        cmocka_unit_test(checks_are_asked_for_together),
        cmocka_unit_test(the_failed_check_is_told_and_not_its_neighbours),
        cmocka_unit_test(a_retry_begins_with_the_failed_check),
        cmocka_unit_test(one_that_is_tolerated_is_passed_over),
        cmocka_unit_test(a_pause_keeps_the_outcome_of_all),
        cmocka_unit_test(an_odd_answer_stays_in_bounds),
        cmocka_unit_test(failed_check_goes_back_with_the_error),
        cmocka_unit_test(agent_crash_is_retried_then_fails),
        cmocka_unit_test(pause_keeps_the_outcome_and_the_clock),
        cmocka_unit_test(a_paused_approval_still_waits_after_resume),
        cmocka_unit_test(a_cancel_during_the_merge_waits_for_its_outcome),
        cmocka_unit_test(a_merge_is_not_given_up_at_the_deadline),
        cmocka_unit_test(late_outcomes_are_ignored),
        cmocka_unit_test(tokens_and_money_are_bounds),
        cmocka_unit_test(budgets_stop_before_the_next_attempt),
        cmocka_unit_test(wall_time_is_looked_at_before_a_run),
        cmocka_unit_test(merges_wait_for_their_window),
        cmocka_unit_test(a_merge_that_is_tried_again_looks_at_its_window),
        cmocka_unit_test(a_quarantine_ends),
        cmocka_unit_test(a_budget_of_the_day_is_waited_for),
        cmocka_unit_test(rollback_of_merged_work),
        cmocka_unit_test(walk_every_pair),
        cmocka_unit_test(table_is_as_reviewed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
