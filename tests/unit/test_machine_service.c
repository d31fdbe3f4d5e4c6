/* SPDX-License-Identifier: MIT */
/* Machine: services that are not there, degraded validation, pull requests of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/workflow/machine.h"

#define NOW ((struct wall){1767225600000})

static const char text[] =
    "name: all\nrepository: /r\nbase: main\nagent: {command: agent}\n"
    "plan: {mode: auto, command: plan}\n"
    "validate:\n  - {name: unit, command: unit}\n"
    "evaluator: {command: judge}\nmerge: {mode: auto}\n"
    "limits: {iterations: 3, retries: 1}\nbudget: {attempts: 2, wall: 8h}\n";

static const struct machine_limits limits = {{5000}, {300000}};

struct fixture {
    struct pipeline *pipeline;
    struct workflow *workflow;
    struct workflow_row *row;
    struct machine_output *out;
    struct rng rng;
    struct wall now;
};

static void begin(struct fixture *f)
{
    struct findings findings;
    findings_init(&findings);
    f->pipeline = pipeline_parse("all.yaml", text, strlen(text), &findings);
    assert_non_null(f->pipeline);
    findings_fini(&findings);
    struct workflow_row row = {
        .id = 1, .wait = WAIT_SLOT, .attempt = 1, .created_at = NOW};
    f->workflow = workflow_new(&row, f->pipeline);
    f->row = &f->workflow->row;
    f->out = mem_alloc(sizeof(*f->out));
    f->now = NOW;
    rng_init(&f->rng, 1);
}

static void finish(struct fixture *f)
{
    workflow_free(f->workflow);
    pipeline_free(f->pipeline);
    free(f->out);
}

static enum machine_verdict send_to(struct fixture *f, enum machine_event event,
                                    enum workflow_state checkpoint)
{
    struct machine_input input = {
        .event = event, .actor = "ops", .checkpoint = checkpoint};
    return machine_step(f->workflow, &input, &limits, f->now, &f->rng, f->out);
}

static void send(struct fixture *f, enum machine_event event)
{
    assert_int_equal(send_to(f, event, STATE_COUNT), MACHINE_DONE);
}

static void answer(struct fixture *f, struct effect_result like)
{
    struct effect_result *result = effect_result_new(1, f->row->effect_seq);
    result->status = like.status;
    result->blame = like.blame;
    result->is_degraded = like.is_degraded;
    result->summary = mem_str("as it was");
    result->head_sha = mem_str("abc");
    result->pr_number = 7;
    result->service = like.blame == BLAME_SERVICE ? mem_str("github_api") : NULL;
    struct machine_input input = {.event = event_of_result(result),
                                  .actor = "engine",
                                  .checkpoint = STATE_COUNT,
                                  .result = result};
    assert_int_equal(machine_step(f->workflow, &input, &limits, f->now, &f->rng, f->out),
                     MACHINE_DONE);
    effect_result_free(result);
}

static void pass(struct fixture *f, enum effect_kind kind)
{
    assert_true(f->row->is_active);
    assert_int_equal(f->out->effects[0].kind, kind);
    answer(f, (struct effect_result){.status = STATUS_PASSED});
}

static void defer(struct fixture *f, enum effect_kind kind)
{
    assert_true(f->row->is_active);
    assert_int_equal(f->out->effects[0].kind, kind);
    answer(f, (struct effect_result){.status = STATUS_DEFERRED, .blame = BLAME_SERVICE});
}

static void assert_waits(const struct fixture *f, enum workflow_state resume)
{
    assert_int_equal(f->row->state, STATE_PARKED);
    assert_int_equal(f->row->wait, WAIT_SERVICE);
    assert_string_equal(f->row->service, "github_api");
    assert_int_equal(f->row->resume_state, resume);
    assert_non_null(strstr(f->row->reason, "waits for github_api"));
    assert_false(machine_holds_slot(f->workflow));
    enum machine_event event = EV_NONE;
    assert_false(wall_is_set(machine_wake_at(f->workflow, &event)));
}

static const enum effect_kind whole_way[] = {
    EFFECT_PLAN,    EFFECT_WORKSPACE, EFFECT_CODE,     EFFECT_COMMIT, EFFECT_PULL_REQUEST,
    EFFECT_SANDBOX, EFFECT_CHECK,     EFFECT_EVALUATE, EFFECT_MERGE};

/* Each step in turn meets a closed door, several times: nothing is used up. */
static void waiting_for_a_service_uses_up_nothing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    send(&f, EV_START);
    for (size_t i = 0; i < ARRAY_LEN(whole_way); i++) {
        struct workflow_row before = *f.row;
        f.now.ms += 60000; /* of the state's clock */
        int64_t left = f.row->deadline_at.ms - f.now.ms;
        for (int again = 0; again < 5; again++) {
            defer(&f, whole_way[i]);
            assert_waits(&f, before.state);
            assert_int_equal(f.row->attempt, 1);
            assert_int_equal(f.row->retries, 0);
            f.now.ms += 3600000 / 4;
            send(&f, EV_RELEASE);
            assert_int_equal(f.row->state, before.state);
            assert_int_equal(f.row->wait, WAIT_SLOT);
            assert_string_equal(f.row->service, "");
            assert_string_equal(f.row->reason, "");
            send(&f, EV_START);
            assert_int_equal(f.row->step, before.step);
            assert_int_equal(f.row->agent_runs, before.agent_runs);
            assert_int_equal(f.row->deadline_at.ms - f.now.ms, left);
        }
        pass(&f, whole_way[i]);
    }
    assert_int_equal(f.row->state, STATE_COMPLETED);
    assert_int_equal(f.row->agent_runs, 1);
    assert_int_equal(f.row->iteration, 1);
    finish(&f);
}

static void to_pull_request(struct fixture *f)
{
    send(f, EV_START);
    for (size_t i = 0; i < 4; i++) {
        pass(f, whole_way[i]);
    }
    assert_int_equal(f->row->state, STATE_PR_CREATED);
}

static void operators_act_on_what_waits(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    to_pull_request(&f);
    defer(&f, EFFECT_PULL_REQUEST);
    send(&f, EV_RESUME); /* tries again, and meets the same door */
    send(&f, EV_START);
    defer(&f, EFFECT_PULL_REQUEST);
    assert_waits(&f, STATE_PR_CREATED);
    assert_int_equal(send_to(&f, EV_APPROVE, STATE_COUNT), MACHINE_REFUSED);
    assert_non_null(strstr(f.out->text[0], "nothing waits for approval"));
    send(&f, EV_PAUSE); /* now it waits for the operator alone */
    assert_int_equal(f.row->wait, WAIT_PAUSE);
    assert_string_equal(f.row->service, "");
    assert_int_equal(send_to(&f, EV_RELEASE, STATE_COUNT), MACHINE_IGNORED);
    send(&f, EV_RESUME);
    send(&f, EV_START);
    pass(&f, EFFECT_PULL_REQUEST);
    pass(&f, EFFECT_SANDBOX);
    defer(&f, EFFECT_CHECK);
    send(&f, EV_SKIP); /* done by hand: no service is needed any more */
    assert_int_equal(f.row->wait, WAIT_SLOT);
    send(&f, EV_START);
    defer(&f, EFFECT_EVALUATE);
    send(&f, EV_RETRY);
    assert_int_equal(f.row->state, STATE_VALIDATING);
    assert_int_equal(f.row->step, 0);
    send(&f, EV_START);
    defer(&f, EFFECT_SANDBOX);
    send(&f, EV_CANCEL);
    assert_int_equal(f.row->state, STATE_CANCELLED);
    assert_string_equal(f.row->service, "");
    finish(&f);
}

static void deferred_while_paused(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    to_pull_request(&f);
    send(&f, EV_PAUSE);
    answer(&f, (struct effect_result){.status = STATUS_DEFERRED, .blame = BLAME_SERVICE});
    assert_int_equal(f.row->wait, WAIT_PAUSE);
    assert_int_equal(f.row->held, EV_NONE);
    send(&f, EV_RESUME);
    send(&f, EV_START);
    pass(&f, EFFECT_PULL_REQUEST); /* asked for again */
    finish(&f);
}

static void a_rollback_waits_too(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.row->state = STATE_COMPLETED;
    f.row->wait = WAIT_NONE;
    workflow_set(&f.row->merge_sha, "m1");
    for (int way = 0; way < 3; way++) {
        send(&f, EV_ROLLBACK);
        f.now.ms += 1000;
        defer(&f, EFFECT_REVERT);
        assert_int_equal(f.row->state, STATE_RECOVERING);
        assert_int_equal(f.row->resume_state, STATE_ROLLED_BACK);
        assert_int_equal(f.row->wait, WAIT_SERVICE);
        enum machine_event event = EV_NONE;
        assert_false(wall_is_set(machine_wake_at(f.workflow, &event)));
        if (way == 0) { /* given up by a person */
            send(&f, EV_CANCEL);
            assert_int_equal(f.row->state, STATE_COMPLETED);
            assert_non_null(strstr(f.row->reason, "rollback cancelled"));
            continue;
        }
        send(&f, way == 1 ? EV_RELEASE : EV_RESUME);
        assert_string_equal(f.row->service, "");
        assert_true(f.row->deadline_at.ms > f.now.ms);
        pass(&f, EFFECT_REVERT);
        assert_int_equal(f.row->state, STATE_ROLLED_BACK);
        f.row->state = STATE_COMPLETED;
    }
    finish(&f);
}

static void cancelled_during_a_merge_that_never_began(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    send(&f, EV_START);
    for (size_t i = 0; i + 1 < ARRAY_LEN(whole_way); i++) {
        pass(&f, whole_way[i]);
    }
    send(&f, EV_CANCEL);
    assert_int_equal(f.row->state, STATE_VALIDATING);
    defer(&f, EFFECT_MERGE);
    assert_int_equal(f.row->state, STATE_CANCELLED);
    finish(&f);
}

static void a_deferral_without_a_name_is_a_failure_of_the_world(void **state)
{
    (void)state;
    struct effect_result *result = effect_result_new(1, 1);
    result->status = STATUS_DEFERRED;
    result->blame = BLAME_SERVICE;
    assert_int_equal(event_of_result(result), EV_WORLD);
    result->service = mem_str("codegen_api");
    assert_int_equal(event_of_result(result), EV_SERVICE);
    effect_result_free(result);
}

static void to_evaluate(struct fixture *f)
{
    send(f, EV_START);
    for (size_t i = 0; i + 2 < ARRAY_LEN(whole_way); i++) {
        pass(f, whole_way[i]);
    }
    assert_int_equal(f->out->effects[0].kind, EFFECT_EVALUATE);
}

static void a_degraded_validation_asks_before_the_merge(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    to_evaluate(&f);
    answer(&f, (struct effect_result){.status = STATUS_PASSED, .is_degraded = true});
    assert_int_equal(f.row->wait, WAIT_MERGE);
    assert_true(f.row->is_degraded);
    assert_non_null(strstr(f.row->reason, "validation is degraded: as it was"));
    assert_int_equal(send_to(&f, EV_REJECT, STATE_COUNT), MACHINE_DONE);
    assert_false(f.row->is_degraded); /* the next iteration validates anew */
    send(&f, EV_START);
    for (size_t i = 0; i + 2 < ARRAY_LEN(whole_way); i++) {
        pass(&f, whole_way[i]);
    }
    pass(&f, EFFECT_EVALUATE);
    assert_int_equal(f.row->wait, WAIT_NONE);
    pass(&f, EFFECT_MERGE);
    assert_int_equal(f.row->state, STATE_COMPLETED);
    finish(&f);
}

static void a_degraded_outcome_that_was_held_asks_too(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    to_evaluate(&f);
    send(&f, EV_PAUSE);
    answer(&f, (struct effect_result){.status = STATUS_PASSED, .is_degraded = true});
    send(&f, EV_RESUME);
    send(&f, EV_START);
    assert_int_equal(f.row->wait, WAIT_MERGE);
    send(&f, EV_APPROVE);
    send(&f, EV_START);
    pass(&f, EFFECT_MERGE);
    assert_true(f.row->is_degraded);
    finish(&f);
}

static void an_adopted_pull_request_begins_there(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.row->is_adopted = true;
    f.row->pr_number = 7;
    send(&f, EV_START);
    assert_int_equal(f.row->state, STATE_PR_CREATED);
    assert_int_equal(f.row->iteration, 1);
    defer(&f, EFFECT_PULL_REQUEST);
    send(&f, EV_RELEASE);
    send(&f, EV_START);
    pass(&f, EFFECT_PULL_REQUEST);
    pass(&f, EFFECT_SANDBOX);
    answer(&f, (struct effect_result){.status = STATUS_FAILED, .blame = BLAME_CHANGE});
    assert_int_equal(f.row->state, STATE_PLANNING); /* the agent mends it */
    assert_int_equal(f.row->iteration, 2);
    send(&f, EV_CANCEL);
    for (int i = 0; i < f.out->n_effects; i++) {
        assert_int_not_equal(f.out->effects[i].kind, EFFECT_CLOSE); /* not ours */
    }
    finish(&f);
}

static void a_remote_forge_has_checks_of_its_own(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct pipeline remote = *f.pipeline;
    char repository[] = "acme/payments", task[] = "log in and pay";
    remote.forge.repository = repository;
    static const enum effect_kind ours[] = {EFFECT_SANDBOX,  EFFECT_CHECK,
                                            EFFECT_EVALUATE, EFFECT_FORGE_CHECKS,
                                            EFFECT_MERGE,    EFFECT_NONE};
    for (int i = 0; i < (int)ARRAY_LEN(ours); i++) {
        assert_int_equal(stage_step(&remote, STATE_VALIDATING, i).kind, ours[i]);
    }
    /* Nothing to run: no sandbox. The evaluator is a service: no command. */
    remote.n_checks = 0;
    remote.evaluator.argv = NULL;
    remote.evaluator_task = task;
    static const enum effect_kind theirs[] = {EFFECT_EVALUATE, EFFECT_FORGE_CHECKS,
                                              EFFECT_MERGE, EFFECT_NONE};
    for (int i = 0; i < (int)ARRAY_LEN(theirs); i++) {
        assert_int_equal(stage_step(&remote, STATE_VALIDATING, i).kind, theirs[i]);
    }
    remote.forge.checks = FORGE_CHECKS_IGNORE;
    assert_int_equal(stage_step(&remote, STATE_VALIDATING, 1).kind, EFFECT_MERGE);
    finish(&f);
}

static void a_retry_without_budget_is_refused_with_the_reason(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    to_pull_request(&f);
    f.row->agent_runs = 2;
    send(&f, EV_CANCEL);
    assert_int_equal(send_to(&f, EV_RETRY, STATE_CODING), MACHINE_REFUSED);
    assert_non_null(strstr(f.out->text[0], "2 of 2 agent runs are used up"));
    assert_int_equal(send_to(&f, EV_RETRY, STATE_COUNT), MACHINE_REFUSED);
    assert_int_equal(send_to(&f, EV_RETRY, STATE_PR_CREATED),
                     MACHINE_DONE); /* no agent */
    send(&f, EV_CANCEL);
    f.now.ms += 9 * 3600000;
    assert_int_equal(send_to(&f, EV_RETRY, STATE_PR_CREATED), MACHINE_REFUSED);
    assert_non_null(strstr(f.out->text[0], "wall time"));
    finish(&f);
}

/* The last run that the budget allows is committed, whatever comes between. */
static void the_last_paid_run_is_committed(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    send(&f, EV_START);
    pass(&f, EFFECT_PLAN);
    pass(&f, EFFECT_WORKSPACE);
    f.row->agent_runs = 2;
    pass(&f, EFFECT_CODE);
    defer(&f, EFFECT_COMMIT);
    send(&f, EV_RELEASE);
    send(&f, EV_START);
    pass(&f, EFFECT_COMMIT);
    assert_int_equal(f.row->state, STATE_PR_CREATED);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_a_service_uses_up_nothing),
        cmocka_unit_test(operators_act_on_what_waits),
        cmocka_unit_test(deferred_while_paused),
        cmocka_unit_test(a_rollback_waits_too),
        cmocka_unit_test(cancelled_during_a_merge_that_never_began),
        cmocka_unit_test(a_deferral_without_a_name_is_a_failure_of_the_world),
        cmocka_unit_test(a_degraded_validation_asks_before_the_merge),
        cmocka_unit_test(a_degraded_outcome_that_was_held_asks_too),
        cmocka_unit_test(an_adopted_pull_request_begins_there),
        cmocka_unit_test(a_remote_forge_has_checks_of_its_own),
        cmocka_unit_test(a_retry_without_budget_is_refused_with_the_reason),
        cmocka_unit_test(the_last_paid_run_is_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
