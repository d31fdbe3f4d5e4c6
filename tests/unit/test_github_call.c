/* SPDX-License-Identifier: MIT */

/* Requests to GitHub and readers of its answers; what Prism says of them is in
 * tests/conformance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/github.h"
#include "engine/service/github_answer.h"
#include "engine/service/github_call.h"

static struct http_response *answer(const char *body)
{
    struct http_response *response = http_response_new(HTTP_FINE, 200);
    free(response->body);
    response->body = mem_str(body);
    response->body_len = strlen(body);
    return response;
}

static void test_table(void **state)
{
    (void)state;
    for (int i = 0; i < GITHUB_CALL_COUNT; i++) {
        const struct github_call_row *row = github_call_row((enum github_call)i);
        assert_true(row->path[0] == '/');
        assert_true(github_is_success((enum github_call)i, row->status));
        assert_false(github_is_success((enum github_call)i, 500));
        bool is_reading = row->class == CALL_READ || row->class == CALL_PROBE;
        assert_int_equal(is_reading, row->method == HTTP_GET);
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(row->name,
                                    github_call_row((enum github_call)k)->name);
        }
    }
    assert_false(github_is_success(GITHUB_PULL_GET, 0));
}

static void assert_url(struct http_request *request, const char *expected)
{
    assert_string_equal(request->url, expected);
    http_request_free(request);
}

static void test_paths(void **state)
{
    (void)state;
    const struct github_path path = {.repo = "acme/pay.c",
                                     .number = 7,
                                     .second = 9,
                                     .text = "a/b c?d",
                                     .other = "e#f",
                                     .query = "per_page=2"};
    assert_url(github_request(GITHUB_COMPARE, &path),
               "/repos/acme/pay.c/compare/a%2Fb%20c%3Fd...e%23f?per_page=2");
    assert_url(
        github_request(GITHUB_DELIVERY_AGAIN,
                       &(struct github_path){.repo = "a/b", .number = 7, .second = 9}),
        "/repos/a/b/hooks/7/deliveries/9/attempts");
    assert_url(github_request(GITHUB_RATE_LIMIT, &(struct github_path){.repo = NULL}),
               "/rate_limit");
    struct http_request *request = github_request(GITHUB_PULL_LIST, &path);
    assert_true(request->has_etag);
    assert_false(request->follows);
    assert_false(request->is_foreign);
    assert_int_equal(request->n_headers, 2);
    assert_string_equal(request->headers[0].value, "application/vnd.github+json");
    assert_string_equal(request->headers[1].name, "X-GitHub-Api-Version");
    assert_string_equal(request->headers[1].value, "2022-11-28");
    http_request_free(request);
    request = github_request(GITHUB_JOB_LOGS, &path);
    assert_false(request->has_etag); /* a place for a minute */
    http_request_free(request);
}

static void test_repo_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a/b", "Acme-1/pay_2.c", "a/.github"};
    static const char *const bad[] = {
        "",      "a",     "a/",  "/b",   "a/b/c",    "a/..",  "../b",       "a b/c",
        "a/b?c", "a/b#1", "a/.", "a//b", "/srv/git", "a/b\n", "a/\xC3\xA9", "%2e/b"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(github_is_repo(good[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (github_is_repo(bad[i])) {
            fail_msg("'%s' is no repository", bad[i]);
        }
    }
    char repo[208];
    int64_t id = 0;
    assert_true(github_hook_of("acme/pay#55", repo, &id));
    assert_string_equal(repo, "acme/pay");
    assert_int_equal(id, 55);
    static const char *const hooks[] = {"",       "acme/pay",   "acme/pay#",
                                        "acme#5", "acme/pay#0", "acme/pay#5x",
                                        "a/b#-1", "#5",         "a/b#9999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
        assert_false(github_hook_of(hooks[i], repo, &id));
    }
    assert_false(github_hook_of(NULL, repo, &id));
}

static void assert_body(struct http_request *request, const char *expected)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(request->body, request->body_len, &err);
    assert_non_null(root);
    assert_string_equal(request->body, expected);
    json_free(root);
    http_request_free(request);
}

static void test_bodies(void **state)
{
    (void)state;
    const struct github_new_pull pull = {
        .title = "a \"b\"\n", .head = "h", .base = "m", .is_draft = true};
    assert_body(github_pull_create("a/b", &pull),
                "{\"title\":\"a \\\"b\\\"\\n\",\"head\":\"h\",\"base\":\"m\","
                "\"draft\":true}");
    assert_body(github_pull_update("a/b", 1, NULL, NULL, "closed"),
                "{\"state\":\"closed\"}");
    assert_body(github_pull_merge("a/b", 1, "s", "squash", NULL, "m"),
                "{\"sha\":\"s\",\"merge_method\":\"squash\",\"commit_message\":\"m\"}");
    assert_body(github_workflow_dispatch("a/b", "ci.yml", "main", "{\"x\":\"1\"}"),
                "{\"ref\":\"main\",\"inputs\":{\"x\":\"1\"}}");
    assert_body(github_commit_create("a/b", "m", "t", "p"),
                "{\"message\":\"m\",\"tree\":\"t\",\"parents\":[\"p\"]}");
    const struct github_new_check check = {.name = "n", .sha = "s", .title = "alone"};
    assert_body(github_check_create("a/b", &check),
                "{\"name\":\"n\",\"head_sha\":\"s\"}");
    struct http_request *request = github_revert("N", "t", NULL);
    assert_string_equal(request->url, "/graphql");
    assert_non_null(strstr(request->body, "\"variables\":{\"i\":{\"pullRequestId\":\"N\","
                                          "\"title\":\"t\"}}"));
    assert_int_equal(request->class, CALL_CREATE);
    http_request_free(request);
}

static void test_pull(void **state)
{
    (void)state;
    struct github_pull pull;
    struct http_response *response =
        answer("{\"number\":7,\"state\":\"open\",\"head\":{\"sha\":\"s\",\"ref\":\"r\","
               "\"repo\":null},\"base\":{\"ref\":\"main\"},\"mergeable\":null,"
               "\"merge_commit_sha\":\"trial\",\"body\":null,\"title\":null}");
    assert_true(github_pull_read(response, &pull));
    assert_int_equal(pull.mergeable, GITHUB_UNKNOWN);
    assert_string_equal(pull.merge_sha, "");
    assert_string_equal(pull.head_repo, "");
    assert_false(pull.is_ours);
    assert_true(pull.is_open);
    github_pull_fini(&pull);
    http_response_free(response);
    response =
        answer("{\"number\":7,\"head\":{\"sha\":\"s\"},\"mergeable\":false,\"body\":"
               "\"not Signalbox-Workflow: wf-1\\nSignalbox-Workflow: wf-23\\r\\n\"}");
    assert_true(github_pull_read(response, &pull));
    assert_int_equal(pull.mergeable, GITHUB_NO);
    assert_string_equal(pull.mark, "wf-23");
    github_pull_fini(&pull);
    http_response_free(response);
    static const char *const bad[] = {
        "",     "[]",
        "{}",   "{\"number\":7}",
        "null", "{\"number\":\"7\",\"head\":{\"sha\":\"s\"}}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        response = answer(bad[i]);
        assert_false(github_pull_read(response, &pull));
        http_response_free(response);
    }
}

static void test_verdicts(void **state)
{
    (void)state;
    assert_int_equal(github_verdict_of_run("queued", ""), CHECK_PENDING);
    assert_int_equal(github_verdict_of_run("waiting", "success"), CHECK_PENDING);
    assert_int_equal(github_verdict_of_run("completed", "neutral"), CHECK_GREEN);
    assert_int_equal(github_verdict_of_run("completed", "timed_out"), CHECK_RED);
    assert_int_equal(github_verdict_of_run("completed", "cancelled"), CHECK_PERSON);
    assert_int_equal(github_verdict_of_run("completed", ""), CHECK_PERSON);
    assert_int_equal(github_verdict_of_status("error"), CHECK_RED);
    assert_int_equal(github_verdict_of_status("pending"), CHECK_PENDING);
    assert_int_equal(github_verdict_of_status("new"), CHECK_PERSON);
}

/* Red counts before pending, pending before what waits for a person. */
static void test_gate(void **state)
{
    (void)state;
    struct github_checks checks = {.n = 0};
    char deploy[] = "deploy", *expected[] = {deploy};
    assert_int_equal(github_gate(&checks, NULL, 0), CHECKS_NONE);
    assert_int_equal(github_gate(&checks, expected, 1), CHECKS_PENDING);
    struct http_response *statuses =
        answer("{\"state\":\"pending\",\"total_count\":0,\"statuses\":[]}");
    assert_true(github_checks_add_statuses(&checks, statuses));
    assert_int_equal(github_gate(&checks, NULL, 0), CHECKS_NONE);
    http_response_free(statuses);
    static const struct {
        const char *run;
        enum github_gate gate;
    } steps[] = {
        {"{\"id\":1,\"name\":\"a\",\"status\":\"completed\",\"conclusion\":\"success\"}",
         CHECKS_GREEN  },
        {"{\"id\":2,\"name\":\"b\",\"status\":\"completed\",\"conclusion\":\"stale\"}",
         CHECKS_PERSON },
        {"{\"id\":3,\"name\":\"c\",\"status\":\"queued\",\"conclusion\":null}",
         CHECKS_PENDING},
        {"{\"id\":4,\"name\":\"d\",\"status\":\"completed\",\"conclusion\":\"failure\"}",
         CHECKS_RED    },
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        AUTO_FREE char *body =
            mem_printf("{\"total_count\":1,\"check_runs\":[%s]}", steps[i].run);
        struct http_response *runs = answer(body);
        assert_true(github_checks_add_runs(&checks, runs));
        assert_int_equal(github_gate(&checks, NULL, 0), steps[i].gate);
        http_response_free(runs);
    }
    AUTO_FREE char *text = github_gate_text(&checks, expected, 1);
    assert_string_equal(text,
                        "1 red (d), 1 for a person (b), 1 pending (c), 1 green, not "
                        "there: deploy");
    github_checks_fini(&checks);
}

static void assert_excerpt(const char *log, size_t max, const char *expected)
{
    AUTO_FREE char *text = github_log_excerpt(log, strlen(log), max);
    assert_string_equal(text, expected);
}

static void test_excerpt(void **state)
{
    (void)state;
    assert_excerpt("", 100, "");
    assert_excerpt("a\nb", 100, "a\nb\n");
    assert_excerpt("2023-07-01T12:00:00.1Z a\n##[error]b\nc\n##[error]d\ne\n", 100,
                   "a\n##[error]b\nc\n##[error]d\ne\n");
    assert_excerpt("one\ntwo\nthree\n", 8, "one\ntwo\n"); /* whole lines */
    assert_excerpt("x\033[31mred\033[0m\r\n", 100, "xred\n");
    AUTO_BUF struct buf log;
    buf_init(&log, 100000);
    for (int i = 0; i < 1000; i++) {
        (void)buf_printf(&log, "2023-07-01T12:00:00.1Z line %d\n%s", i,
                         i == 800 ? "src/a.c:1:2: error: no such type\n"
                                    "##[error]Process completed with exit code 1.\n"
                                  : "");
    }
    AUTO_FREE char *text = github_log_excerpt(log.data, log.len, 1000);
    assert_true(strlen(text) <= 1000);
    assert_null(strstr(text, "line 5\n"));
    assert_non_null(strstr(text, "\nline 800\nsrc/a.c:1:2: error: no such type\n"
                                 "##[error]Process completed with exit code 1.\n"));
    assert_non_null(strstr(text, "lines ...]\n"));
    assert_non_null(strstr(text, "\nline 999\n"));
    assert_null(strstr(text, "2023"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),      cmocka_unit_test(test_paths),
        cmocka_unit_test(test_repo_names), cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_pull),       cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_gate),       cmocka_unit_test(test_excerpt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
