/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/monitor/observer.h"

/* What the sink was told, as text: one line each. */
static char told[8192];

static void on_point(void *self, enum metric_id metric, const char *label,
                     const char *label2, struct wall at, double value)
{
    size_t n = strlen(told);
    (void)self;
    (void)label2;
    (void)at;
    if (isfinite(value)) {
        (void)snprintf(told + n, sizeof(told) - n, "%s{%s} %g\n", metric_get(metric).name,
                       label != NULL ? label : "", value);
    }
}

static void on_begun(void *self, const struct observer_run *run)
{
    size_t n = strlen(told);
    (void)self;
    (void)snprintf(told + n, sizeof(told) - n, "begun %lld.%lld %s, %zu fields\n",
                   (long long)run->workflow, (long long)run->effect, run->name,
                   run->context->n_fields);
}

static void on_ended(void *self, const struct observer_run *run,
                     enum observer_verdict verdict, double seconds)
{
    static const char *const words[] = {"passed", "failed", "no verdict"};
    size_t n = strlen(told);
    (void)self;
    (void)snprintf(told + n, sizeof(told) - n, "ended %lld.%lld %s after %g\n",
                   (long long)run->workflow, (long long)run->effect, words[verdict],
                   seconds);
}

static const struct observer_sink sink = {NULL, on_point, on_begun, on_ended};
static const struct observer_world world = {.queued = 2, .running = 3, .max_running = 50};
static const struct workflow_row row = {.id = 7,
                                        .pipeline = "build",
                                        .repo = "/srv/app",
                                        .submitter = "ann",
                                        .priority = 5,
                                        .created_at = {1000}};

static int64_t seq;

static void event(struct observer *observer, int64_t ms, const char *kind,
                  const char *actor, enum workflow_state from, enum workflow_state to,
                  enum workflow_wait wait)
{
    told[0] = '\0';
    observer_event(observer,
                   &(struct event_row){.seq = ++seq,
                                       .at = {ms},
                                       .workflow = 7,
                                       .kind = kind,
                                       .actor = actor,
                                       .from = from,
                                       .to = to,
                                       .wait = wait,
                                       .iteration = 1,
                                       .text = "tests failed: 3 of 9"},
                   &row, &world, &sink);
}

static struct effect_row step(int64_t number, enum effect_status status)
{
    return (struct effect_row){.workflow = 7,
                               .seq = number,
                               .kind = EFFECT_CHECK,
                               .status = status,
                               .name = "unit tests",
                               .attempt = 1,
                               .asked_at = {5000},
                               .started_at = {5000},
                               .finished_at = {8000},
                               .summary = "3 of 9 failed",
                               .provider = "",
                               .cpu_ms = 1500,
                               .peak_rss_kib = -1};
}

static void starts(struct observer *observer)
{
    seq = 0;
    event(observer, 1000, "submit", "ann", STATE_IDLE, STATE_IDLE, WAIT_SLOT);
    assert_string_equal(told, "workflow_submitted_total{} 1\n");
    event(observer, 4000, "start", "engine", STATE_IDLE, STATE_PLANNING, WAIT_NONE);
    assert_string_equal(told, "workflow_wait_seconds{slot} 3\n"
                              "workflow_time_in_state_seconds{IDLE} 3\n"
                              "begun 7.0 build, 10 fields\n");
}

static void a_workflow_from_start_to_end(void **state)
{
    struct observer *observer = observer_new();
    (void)state;
    starts(observer);
    event(observer, 5000, "passed", "engine", STATE_PLANNING, STATE_VALIDATING,
          WAIT_NONE);
    assert_string_equal(told, "workflow_time_in_state_seconds{PLANNING} 1\n");
    struct effect_row rows[2] = {step(1, STATUS_PENDING), step(2, STATUS_PASSED)};
    told[0] = '\0';
    observer_effects(observer, 7, rows, 1, &world, &sink);
    assert_string_equal(told, "begun 7.1 unit tests, 13 fields\n");
    rows[0].status = STATUS_FAILED;
    told[0] = '\0';
    observer_effects(observer, 7, rows, 2, &world, &sink);
    assert_non_null(strstr(told, "step_duration_seconds{unit tests} 3\n"));
    assert_non_null(strstr(told, "step_cpu_seconds{unit tests} 1.5\n"));
    assert_null(strstr(told, "memory")); /* unknown is not zero */
    assert_non_null(strstr(told, "error_failures_total{check} 1\n"));
    assert_non_null(strstr(told, "ended 7.1 failed after 3\n"));
    assert_non_null(strstr(told, "ended 7.2 passed after 3\n"));
    told[0] = '\0';
    observer_effects(observer, 7, rows, 2, &world, &sink);
    assert_string_equal(told, ""); /* each outcome is told once */
    event(observer, 9000, "passed", "engine", STATE_VALIDATING, STATE_COMPLETED,
          WAIT_NONE);
    assert_non_null(strstr(told, "ended 7.0 passed after 5\n"));
    assert_non_null(strstr(told, "workflow_completion_seconds{build} 8\n"));
    assert_non_null(strstr(told, "workflow_finished_total{COMPLETED} 1\n"));
    assert_int_equal(observer_seq(observer), seq);
    observer_free(observer);
}

static void what_people_do_counts(void **state)
{
    struct observer *observer = observer_new();
    (void)state;
    starts(observer);
    event(observer, 5000, "passed", "engine", STATE_PLANNING, STATE_PLANNING, WAIT_PLAN);
    event(observer, 65000, "reject", "ann", STATE_PLANNING, STATE_PLANNING, WAIT_NONE);
    assert_non_null(strstr(told, "approval_wait_seconds{} 60\n"));
    assert_non_null(strstr(told, "approval_rejection_total{plan approval} 1\n"));
    event(observer, 66000, "skip", "ann", STATE_PLANNING, STATE_CODING, WAIT_NONE);
    assert_non_null(strstr(told, "operator_override_total{skip} 1\n"));
    event(observer, 67000, "world-failed", "engine", STATE_CODING, STATE_FAILED,
          WAIT_NONE);
    assert_non_null(strstr(told, "ended 7.0 failed after 63\n"));
    event(observer, 68000, "retry", "ann", STATE_FAILED, STATE_CODING, WAIT_NONE);
    assert_non_null(strstr(told, "operator_override_total{retry} 1\n"));
    assert_non_null(strstr(told, "begun 7.0 build"));
    event(observer, 69000, "cancel", "ann", STATE_CODING, STATE_CANCELLED, WAIT_NONE);
    assert_non_null(strstr(told, "ended 7.0 no verdict"));
    observer_free(observer);
}

static void saved_goes_on_the_same(void **state)
{
    struct observer *observer = observer_new();
    struct buf blob;
    (void)state;
    starts(observer);
    struct effect_row rows[1] = {step(1, STATUS_PENDING)};
    observer_effects(observer, 7, rows, 1, &world, &sink);
    buf_init(&blob, 1 << 22);
    assert_true(observer_save(observer, &blob));
    struct observer *copy = observer_load(blob.data, blob.len);
    assert_non_null(copy);
    assert_int_equal(observer_seq(copy), 2);
    assert_null(observer_load(blob.data, blob.len - 1));
    assert_null(observer_load(blob.data, 10));
    int32_t format = 1; /* what was saved before the masks changed goes on, too */
    (void)memcpy(blob.data, &format, sizeof(format));
    struct observer *older = observer_load(blob.data, blob.len);
    assert_non_null(older);
    assert_int_equal(observer_seq(older), 2);
    observer_free(older);
    format = 3;
    (void)memcpy(blob.data, &format, sizeof(format));
    assert_null(observer_load(blob.data, blob.len));
    rows[0].status = STATUS_PASSED;
    told[0] = '\0';
    observer_effects(copy, 7, rows, 1, &world, &sink);
    assert_non_null(strstr(told, "ended 7.1 passed after 3\n"));
    assert_null(strstr(told, "begun"));
    buf_fini(&blob);
    observer_free(copy);
    observer_free(observer);
}

static void history_of_the_queue(void **state)
{
    struct observer *observer = observer_new();
    (void)state;
    assert_int_equal(observer_history(observer).n, 0);
    for (int i = 0; i < 20; i++) {
        struct workflow_row one = row;
        one.id = 100 + i;
        one.created_at.ms = 1000 + i * 10000;
        struct event_row events[2] = {
            {.seq = i * 2 + 1,
             .at = {one.created_at.ms + 2000},
             .workflow = one.id,
             .kind = "start",
             .actor = "engine",
             .from = STATE_IDLE,
             .to = STATE_CODING,
             .text = ""},
            {.seq = i * 2 + 2,
             .at = {one.created_at.ms + 6000},
             .workflow = one.id,
             .kind = "passed",
             .actor = "engine",
             .from = STATE_CODING,
             .to = STATE_COMPLETED,
             .text = ""},
        };
        observer_event(observer, &events[0], &one, &world, &sink);
        observer_event(observer, &events[1], &one, &world, &sink);
        observer_effects(observer, one.id, NULL, 0, &world, &sink);
    }
    struct queueing_history history = observer_history(observer);
    assert_int_equal(history.n, 20);
    assert_true(fabs(history.load.arrival_rate - 0.1) < 0.01);
    assert_true(fabs(history.load.service - 4) < 1e-6);
    assert_true(fabs(history.wait - 2) < 1e-6);
    observer_free(observer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_workflow_from_start_to_end),
        cmocka_unit_test(what_people_do_counts),
        cmocka_unit_test(saved_goes_on_the_same),
        cmocka_unit_test(history_of_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
