/* SPDX-License-Identifier: MIT */

/* Spans: ids that can be computed again, traceparent by the letter, attributes. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/trace/span.h"

static struct workflow_row workflow(void)
{
    return (struct workflow_row){.id = 12,
                                 .pipeline = "default",
                                 .repo = "https://bot:hunter2@git.example.com/a/b?t=x",
                                 .title = "Fix the thing",
                                 .submitter = "ada",
                                 .state = STATE_CODING,
                                 .iteration = 1,
                                 .created_at = {1000},
                                 .state_since = {5000},
                                 .branch = "signalbox/wf-12",
                                 .base_sha = "",
                                 .head_sha = "abc",
                                 .merge_sha = "",
                                 .pr_number = 7,
                                 .reason = "",
                                 .service = ""};
}

static struct effect_row effect(void)
{
    return (struct effect_row){.workflow = 12,
                               .seq = 3,
                               .kind = EFFECT_CODE,
                               .status = STATUS_PASSED,
                               .name = "agent",
                               .iteration = 1,
                               .attempt = 2,
                               .asked_at = {5000},
                               .started_at = {5200},
                               .finished_at = {9000},
                               .params = "{}",
                               .summary = "",
                               .log = "",
                               .exit_status = 0,
                               .cpu_ms = 31,
                               .peak_rss_kib = -1,
                               .out_bytes = -1,
                               .provider = "local"};
}

/* The value of an attribute, parsed; "" when it is missing. Lives in the arena. */
static const char *text_of(struct arena *arena, const struct span_row *row,
                           const char *key)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(row->attributes, strlen(row->attributes), &err);
    assert_non_null(root);
    const char *text = arena_str(arena, json_str(root, key, ""));
    json_free(root);
    return text;
}

static int64_t int_of(const struct span_row *row, const char *key)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(row->attributes, strlen(row->attributes), &err);
    assert_non_null(root);
    int64_t number = json_int(root, key, -99);
    json_free(root);
    return number;
}

/* Written down once: another program version must give the same ids, or what runs over an
 * update falls into two traces. */
static void ids_are_for_ever(void **state)
{
    (void)state;
    struct workflow_row row = workflow();
    struct trace_context whole = trace_of_workflow(&row);
    struct trace_context step = trace_of_step(&row, 3);
    assert_string_equal(whole.trace, "32aa226cbfd643785cbf3e74a4ca61b3");
    assert_string_equal(whole.span, "d59238e845a888d2");
    assert_string_equal(trace_of_state(&row).span, "9c11046f1c87ab42");
    assert_string_equal(step.span, "064129f916c8dedb");
    assert_string_equal(step.trace, whole.trace);
    assert_string_equal(trace_of_call(&step, "github_api", 1, (struct wall){5300}).span,
                        "9f6768652ad2154e");
}

static void ids_differ_where_they_must(void **state)
{
    (void)state;
    struct workflow_row one = workflow(), other = workflow();
    other.title = "another title"; /* is no part of it */
    other.state = STATE_PARKED;
    assert_string_equal(trace_of_workflow(&one).trace, trace_of_workflow(&other).trace);
    assert_string_equal(trace_of_workflow(&one).span, trace_of_workflow(&other).span);
    assert_string_not_equal(trace_of_state(&one).span, trace_of_state(&other).span);
    other.created_at.ms++; /* the same number after a backup was put back */
    assert_string_not_equal(trace_of_workflow(&one).trace,
                            trace_of_workflow(&other).trace);
    assert_string_not_equal(trace_of_step(&one, 1).span, trace_of_step(&one, 2).span);
    struct trace_context step = trace_of_step(&one, 1);
    struct wall at = {7};
    assert_string_not_equal(trace_of_call(&step, "s", 1, at).span,
                            trace_of_call(&step, "s", 2, at).span);
    struct trace_context none = {.trace = ""};
    struct trace_context house = trace_of_call(&none, "s", 1, at);
    assert_int_equal(strlen(house.trace), 32);
    assert_string_not_equal(house.trace, trace_of_call(&none, "s", 2, at).trace);
}

static bool parses(const char *text)
{
    struct trace_context context;
    return traceparent_parse(text, strlen(text), &context);
}

/* The cases of www.w3.org/TR/trace-context/ 3.2.2 and of its test suite. */
static void traceparent_by_the_letter(void **state)
{
    (void)state;
    const char *good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    struct trace_context context = {.trace = "x"};
    char text[TRACEPARENT_MAX];
    assert_true(traceparent_parse(good, strlen(good), &context));
    assert_string_equal(context.trace, "0af7651916cd43dd8448eb211c80319c");
    assert_string_equal(context.span, "b7ad6b7169203331");
    assert_true(context.is_sampled);
    assert_string_equal(traceparent_format(&context, text), good);
    assert_string_equal(traceparent_format(&(struct trace_context){.trace = ""}, text),
                        "");
    for (size_t len = 0; len < strlen(good); len++) {
        assert_false(traceparent_parse(good, len, &context));
    }
    assert_true(parses("cc-12345678901234567890123456789012-1234567890123456-01"));
    assert_true(parses("cc-12345678901234567890123456789012-1234567890123456-01-what"));
    assert_false(parses("cc-12345678901234567890123456789012-1234567890123456-01.what"));
    assert_false(parses("00-12345678901234567890123456789012-1234567890123456-01-what"));
    assert_false(parses("ff-12345678901234567890123456789012-1234567890123456-01"));
    assert_false(parses("00-00000000000000000000000000000000-1234567890123456-01"));
    assert_false(parses("00-12345678901234567890123456789012-0000000000000000-01"));
    assert_false(parses("00-1234567890123456789012345678901A-1234567890123456-01"));
    assert_false(parses("00-12345678901234567890123456789012-123456789012345.-01"));
    assert_false(parses("00-12345678901234567890123456789012-1234567890123456-.0"));
    assert_false(parses("00_12345678901234567890123456789012_1234567890123456_01"));
    assert_false(parses(" 00-12345678901234567890123456789012-1234567890123456-0"));
    const char *off = "00-12345678901234567890123456789012-1234567890123456-fe";
    assert_true(traceparent_parse(off, strlen(off), &context));
    assert_false(context.is_sampled);
}

static void a_workflow(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct workflow_row row = workflow();
    struct span_row span = span_of_workflow(arena, &row);
    assert_string_equal(span.kind, "workflow");
    assert_string_equal(span.name, "RUN default");
    assert_string_equal(span.parent, "");
    assert_int_equal(span.start_us, 1000000);
    assert_int_equal(span.end_us, 0);
    assert_int_equal(span.status, SPAN_UNSET);
    assert_string_equal(text_of(arena, &span, "cicd.pipeline.run.id"), "wf-12");
    assert_string_equal(text_of(arena, &span, "vcs.repository.url.full"),
                        "https://git.example.com/a/b");
    assert_string_equal(text_of(arena, &span, "vcs.change.id"), "7");
    assert_string_equal(text_of(arena, &span, "vcs.ref.base.revision"), "");
    row.state = STATE_FAILED;
    row.finished_at.ms = 60000;
    span = span_of_workflow(arena, &row);
    assert_int_equal(span.end_us, 60000000);
    assert_int_equal(span.status, SPAN_ERROR);
    assert_string_equal(text_of(arena, &span, "cicd.pipeline.result"), "failure");
    row.state = STATE_COMPLETED;
    assert_int_equal(span_of_workflow(arena, &row).status, SPAN_OK);
    row.state = STATE_CANCELLED;
    assert_int_equal(span_of_workflow(arena, &row).status, SPAN_UNSET);
    arena_free(arena);
}

static void states_and_steps(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct workflow_row row = workflow();
    struct effect_row done = effect();
    struct span_row left = span_of_state(arena, &row, (struct wall){9500});
    struct span_row step = span_of_step(arena, &row, &done);
    assert_string_equal(left.kind, "state");
    assert_string_equal(left.name, "CODING");
    assert_int_equal(left.end_us, 9500000);
    assert_string_equal(left.parent, trace_of_workflow(&row).span);
    assert_string_equal(step.parent, left.span);
    assert_string_equal(step.span, trace_of_step(&row, 3).span);
    assert_int_equal(step.start_us, 5200000);
    assert_int_equal(step.end_us, 9000000);
    assert_int_equal(step.status, SPAN_OK);
    assert_int_equal(int_of(&step, "signalbox.queued_ms"), 200);
    assert_int_equal(int_of(&step, "signalbox.cpu_ms"), 31);
    assert_int_equal(int_of(&step, "signalbox.peak_rss_kib"), -99); /* unknown */
    row.state = STATE_PARKED; /* left while it ran */
    row.state_since.ms = 6000;
    assert_string_equal(span_of_step(arena, &row, &done).parent,
                        trace_of_workflow(&row).span);
    row.state = STATE_RECOVERING;
    assert_string_equal(span_of_state(arena, &row, (struct wall){0}).kind, "recovery");
    assert_int_equal(span_of_state(arena, &row, (struct wall){0}).end_us, 0);
    done.status = STATUS_PENDING;
    done.started_at = done.finished_at = (struct wall){0};
    step = span_of_step(arena, &row, &done);
    assert_int_equal(step.start_us, 5000000);
    assert_int_equal(step.end_us, 0);
    done.status = STATUS_TIMED_OUT;
    done.finished_at.ms = 4000; /* the clock was set back */
    step = span_of_step(arena, &row, &done);
    assert_int_equal(step.end_us, step.start_us);
    assert_int_equal(step.status, SPAN_ERROR);
    assert_string_equal(text_of(arena, &step, "error.type"), "timed-out");
    arena_free(arena);
}

static void a_call_without_its_secrets(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct workflow_row row = workflow();
    struct trace_context step = trace_of_step(&row, 3);
    struct span_call call = {
        .workflow = 12,
        .seq = 3,
        .context = trace_of_call(&step, "github_api", 4, (struct wall){5300}),
        .service = "github_api",
        .kind = "github",
        .name = "pulls.merge",
        .method = "PUT",
        .url = "https://u:p@w@[::1]:8443/repos/a/b/pulls/7/merge?token=ghp_secret#f",
        .start_us = 5300000,
        .end_us = 5400123,
        .attempt = 2,
        .status = 200,
        .fault = "",
        .sent_bytes = 10,
        .got_bytes = 99};
    memcpy(call.parent, step.span, sizeof(call.parent));
    struct span_row span = span_of_call(arena, &call);
    assert_string_equal(span.trace, step.trace);
    assert_string_equal(span.parent, step.span);
    assert_int_equal(span.end_us, 5400123);
    assert_int_equal(span.status, SPAN_OK);
    assert_null(strstr(span.attributes, "secret"));
    assert_null(strstr(span.attributes, "p@w"));
    assert_string_equal(text_of(arena, &span, "url.full"),
                        "https://[::1]:8443/repos/a/b/pulls/7/merge");
    assert_string_equal(text_of(arena, &span, "server.address"), "::1");
    assert_int_equal(int_of(&span, "server.port"), 8443);
    assert_int_equal(int_of(&span, "http.request.resend_count"), 1);
    call.status = 0;
    call.fault = "timeout";
    span = span_of_call(arena, &call);
    assert_int_equal(span.status, SPAN_ERROR);
    assert_string_equal(text_of(arena, &span, "error.type"), "timeout");
    call.status = 503;
    span = span_of_call(arena, &call);
    assert_string_equal(text_of(arena, &span, "error.type"), "503");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_for_ever),
        cmocka_unit_test(ids_differ_where_they_must),
        cmocka_unit_test(traceparent_by_the_letter),
        cmocka_unit_test(a_workflow),
        cmocka_unit_test(states_and_steps),
        cmocka_unit_test(a_call_without_its_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
