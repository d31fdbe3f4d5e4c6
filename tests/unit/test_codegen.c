/* SPDX-License-Identifier: MIT */

/* Requests to and answers of the Codegen API. The op has test_codegen_op.c. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/codegen.h"

#define PARSE(function, text, ...) function(text, strlen(text), __VA_ARGS__)

static void test_status(void **state)
{
    static const struct {
        const char *word;
        enum codegen_state want;
    } cases[] = {
        {NULL,                     CODEGEN_IN_FLIGHT},
        {"",                       CODEGEN_IN_FLIGHT},
        {"ACTIVE",                 CODEGEN_IN_FLIGHT},
        {"running",                CODEGEN_IN_FLIGHT},
        {"PENDING",                CODEGEN_IN_FLIGHT},
        {"EVALUATION",             CODEGEN_IN_FLIGHT},
        {"queued",                 CODEGEN_IN_FLIGHT},
        {"in_progress",            CODEGEN_IN_FLIGHT},
        {"WHAT_IS_THIS",           CODEGEN_IN_FLIGHT},
        {"COMPLETE",               CODEGEN_COMPLETE },
        {"completed",              CODEGEN_COMPLETE },
        {"Complete",               CODEGEN_COMPLETE },
        {"MAX_ITERATIONS_REACHED", CODEGEN_PAUSED   },
        {"out_of_tokens",          CODEGEN_PAUSED   },
        {"TIMEOUT",                CODEGEN_PAUSED   },
        {"ERROR",                  CODEGEN_FAILED   },
        {"failed",                 CODEGEN_FAILED   },
        {"CANCELLED",              CODEGEN_STOPPED  },
        {"stopped",                CODEGEN_STOPPED  },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(codegen_state(cases[i].word), cases[i].want);
    }
}

static void test_time(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: none */
    } cases[] = {
        {"2025-06-21 11:20:04.338398",   "2025-06-21T11:20:04.338Z"},
        {"2025-06-21T11:20:04.338398",   "2025-06-21T11:20:04.338Z"},
        {"2025-06-21T11:20:04Z",         "2025-06-21T11:20:04.000Z"},
        {"2025-06-21 11:20:04",          "2025-06-21T11:20:04.000Z"},
        {"2025-06-21T13:20:04+02:00",    "2025-06-21T11:20:04.000Z"},
        {"2025-06-21T11:20:04.5+00:00",  "2025-06-21T11:20:04.500Z"},
        {"",                             NULL                      },
        {"yesterday",                    NULL                      },
        {"2025-06-21",                   NULL                      },
        {"2025-06-21 11:20:04 and more", NULL                      },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wall at = {0};
        char text[CLOCK_TEXT_MAX];
        bool done = codegen_time(cases[i].text, &at);
        assert_int_equal(done, cases[i].want != NULL);
        if (done) {
            assert_string_equal(wall_format(at, true, text), cases[i].want);
        }
    }
}

static void test_run_needs_only_its_id(void **state)
{
    struct codegen_run run;
    struct err err = ERR_INIT;
    (void)state;
    assert_true(PARSE(codegen_run_parse, "{\"id\":7,\"organization_id\":1}", &run, &err));
    assert_int_equal(run.id, 7);
    assert_int_equal(run.state, CODEGEN_IN_FLIGHT);
    assert_string_equal(run.summary, "");
    assert_string_equal(run.uid, "");
    assert_false(run.has_metadata);
    assert_false(wall_is_set(run.created_at));
    codegen_run_fini(&run);
    assert_true(PARSE(codegen_run_parse,
                      "{\"id\":8,\"organization_id\":1,\"status\":null,"
                      "\"created_at\":null,\"web_url\":null,\"result\":null,"
                      "\"summary\":null,\"source_type\":null,"
                      "\"github_pull_requests\":null,\"metadata\":null}",
                      &run, &err));
    assert_int_equal(run.n_pulls, 0);
    codegen_run_fini(&run);
    /* wrong types are as good as missing */
    assert_true(PARSE(codegen_run_parse,
                      "{\"id\":9,\"status\":4,\"metadata\":[],\"result\":{},"
                      "\"github_pull_requests\":[1,null,{}]}",
                      &run, &err));
    assert_int_equal(run.n_pulls, 1);
    assert_int_equal(run.pulls[0].number, 0);
    codegen_run_fini(&run);
    static const char *const bad[] = {
        "",          "[]",     "null",        "{}",        "{\"id\":\"7\"}",
        "{\"id\":7", "<html>", "{\"id\":-1}", "{\"id\":0}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        err = ERR_INIT;
        assert_false(PARSE(codegen_run_parse, bad[i], &run, &err));
        assert_int_equal(err.code, ERR_PROTOCOL);
    }
}

static void test_pull_requests(void **state)
{
    static const struct {
        const char *url, *repository;
        int64_t number;
    } cases[] = {
        {"https://github.com/acme/payments/pull/45",                   "acme/payments", 45},
        {"https://github.com/acme/payments/pull/45/files",             "acme/payments", 45},
        {"https://github.com/acme/payments/pull/45#issue",             "acme/payments", 45},
        {"https://ghe.example.com/a/b/pull/1?x=1",                     "a/b",           1 },
        {"https://github.com/acme/payments/pull/45x",                  "",              0 },
        {"https://github.com/acme/payments/pull/",                     "",              0 },
        {"https://github.com/acme/payments/pull/0",                    "",              0 },
        {"https://github.com/acme/payments/pull/99999999999999999999", "",              0 },
        {"https://github.com/acme/payments/issues/45",                 "",              0 },
        {"",                                                           "",              0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct codegen_run run;
        struct err err = ERR_INIT;
        AUTO_FREE char *body =
            mem_printf("{\"id\":1,\"github_pull_requests\":[{\"id\":3,\"url\":\"%s\","
                       "\"head_branch_name\":\"codegen/x\"}]}",
                       cases[i].url);
        assert_true(PARSE(codegen_run_parse, body, &run, &err));
        assert_int_equal(run.pulls[0].number, cases[i].number);
        assert_string_equal(run.pulls[0].repository, cases[i].repository);
        assert_string_equal(run.pulls[0].branch, "codegen/x");
        codegen_run_fini(&run);
    }
}

/* What an agent calls its branch ends up in git's arguments and in URLs. */
static void test_branch_names(void **state)
{
    static const char *const bad[] = {"-x",           "a b",       "a..b", "a~1",
                                      "a:b",          "a\\\\b",    "/a",   "a/",
                                      "a\\u001b[31m", "a\\u202eb", "x?",   "a@{1}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct codegen_run run;
        struct err err = ERR_INIT;
        AUTO_FREE char *body = mem_printf(
            "{\"id\":1,\"github_pull_requests\":[{\"head_branch_name\":\"%s\"}]}",
            bad[i]);
        assert_true(PARSE(codegen_run_parse, body, &run, &err));
        assert_string_equal(run.pulls[0].branch, "");
        codegen_run_fini(&run);
    }
}

static void test_texts_are_clean(void **state)
{
    struct codegen_run run;
    struct err err = ERR_INIT;
    (void)state;
    assert_true(PARSE(codegen_run_parse,
                      "{\"id\":1,\"status\":\"AC\\u001b[31mTIVE\\n\","
                      "\"summary\":\"a\\u0007b\\nc\"}",
                      &run, &err));
    assert_string_equal(run.status, "ACTIVE ");
    assert_string_equal(run.summary, "a\xEF\xBF\xBD"
                                     "b\nc");
    codegen_run_fini(&run);
}

static void test_pages(void **state)
{
    struct codegen_runs runs;
    struct codegen_repos repos;
    struct err err = ERR_INIT;
    (void)state;
    assert_true(PARSE(codegen_runs_parse,
                      "{\"items\":[{\"id\":2,\"metadata\":{\"signalbox_id\":\"u\"}},{},"
                      "{\"id\":1}],\"total\":30,\"page\":1,\"size\":3,\"pages\":10}",
                      &runs, &err));
    assert_int_equal(runs.n, 2);
    assert_int_equal(runs.n_items, 3);
    assert_int_equal(runs.total, 30);
    assert_string_equal(runs.list[0].uid, "u");
    assert_true(runs.list[0].has_metadata);
    codegen_runs_fini(&runs);
    assert_true(PARSE(codegen_runs_parse, "{}", &runs, &err));
    assert_int_equal(runs.n, 0);
    assert_int_equal(runs.total, -1);
    codegen_runs_fini(&runs);
    assert_false(PARSE(codegen_runs_parse, "[]", &runs, &err));
    assert_true(PARSE(codegen_repos_parse,
                      "{\"items\":[{\"id\":4,\"full_name\":\"acme/other\"},"
                      "{\"id\":5,\"full_name\":\"Acme/Payments\"}],\"total\":2}",
                      "acme/payments", &repos, &err));
    assert_int_equal(repos.found, 5);
}

static void test_logs(void **state)
{
    struct codegen_logs logs;
    struct err err = ERR_INIT;
    (void)state;
    assert_true(PARSE(codegen_logs_parse,
                      "{\"id\":1,\"organization_id\":1,\"logs\":["
                      "{\"agent_run_id\":1,\"created_at\":\"2025-06-21 11:20:04.338398\","
                      "\"message_type\":\"ACTION\",\"tool_name\":\"ripgrep\",\"thought\":"
                      "\"look\\nhere\","
                      "\"tool_input\":{\"q\":\"x\"},\"observation\":\"found\"},"
                      "{\"agent_run_id\":1,\"message_type\":\"ERROR\",\"observation\":{"
                      "\"why\":\"no\"}},"
                      "null,{\"agent_run_id\":1}],\"total_logs\":9}",
                      &logs, &err));
    assert_string_equal(logs.text, "11:20:04Z ACTION ripgrep\n"
                                   "  thought: look\n"
                                   "    here\n"
                                   "  input: {\"q\":\"x\"}\n"
                                   "  observation: found\n"
                                   "ERROR\n"
                                   "  observation: {\"why\":\"no\"}\n"
                                   "LOG\n");
    assert_string_equal(logs.failure, "{\"why\":\"no\"}");
    assert_int_equal(logs.n_items, 4);
    assert_int_equal(logs.total, 9);
    codegen_logs_fini(&logs);
}

static void check_complaint(int status, const char *body, const char *want)
{
    struct http_response *response = http_response_new(HTTP_FINE, status);
    free(response->body);
    response->body = mem_str(body);
    response->body_len = strlen(body);
    AUTO_FREE char *text = codegen_complaint(response);
    assert_string_equal(text, want);
    http_response_free(response);
}

static void test_complaints(void **state)
{
    (void)state;
    check_complaint(402, "{\"message\":\"The plan is used up.\",\"status_code\":402}",
                    "The plan is used up. (402)");
    check_complaint(401, "{\"detail\":\"Invalid token\"}", "Invalid token (401)");
    check_complaint(422,
                    "{\"detail\":[{\"loc\":[\"body\",0,\"prompt\"],\"msg\":\"field "
                    "required\",\"type\":\"missing\"},{\"loc\":[],\"msg\":\"b\"}]}",
                    "body.#.prompt: field required; b (422)");
    check_complaint(502, "<html>Bad Gateway</html>", "status 502");
    check_complaint(500, "", "status 500");
    check_complaint(400, "{\"message\":\"a\\u001b[2Jb\"}", "ab (400)");
}

static void check_request(enum codegen_call call, enum http_method method,
                          enum call_class class, const char *url, const char *body)
{
    static const struct codegen_args args = {.organization = "42",
                                             .run = 7,
                                             .skip = 100,
                                             .prompt = "do \"it\"\n",
                                             .repo = 5,
                                             .model = "",
                                             .agent_type = "claude_code",
                                             .uid = "u-1",
                                             .workflow = "wf-1",
                                             .effect = "wf-1.2"};
    struct http_request *request = codegen_request(call, &args);
    assert_string_equal(request->url, url);
    assert_int_equal(request->method, method);
    assert_int_equal(request->class, class);
    assert_string_equal(request->name, codegen_call_name(call));
    if (body == NULL) {
        assert_null(request->body);
    } else {
        assert_string_equal(request->body, body);
        assert_int_equal(request->body_len, strlen(body));
    }
    http_request_free(request);
}

static void test_requests(void **state)
{
    (void)state;
    check_request(CODEGEN_ME, HTTP_GET, CALL_READ, "/v1/users/me", NULL);
    check_request(CODEGEN_ORGANIZATIONS, HTTP_GET, CALL_READ,
                  "/v1/organizations?skip=100&limit=100", NULL);
    check_request(CODEGEN_REPOS, HTTP_GET, CALL_READ,
                  "/v1/organizations/42/repos?skip=100&limit=100", NULL);
    check_request(CODEGEN_CREATE, HTTP_POST, CALL_CREATE,
                  "/v1/organizations/42/agent/run",
                  "{\"prompt\":\"do \\\"it\\\"\\n\",\"repo_id\":5,"
                  "\"agent_type\":\"claude_code\",\"metadata\":{\"signalbox_id\":\"u-1\","
                  "\"signalbox_workflow\":\"wf-1\",\"signalbox_effect\":\"wf-1.2\"}}");
    check_request(CODEGEN_GET, HTTP_GET, CALL_READ, "/v1/organizations/42/agent/run/7",
                  NULL);
    check_request(CODEGEN_LIST, HTTP_GET, CALL_READ,
                  "/v1/organizations/42/agent/runs?skip=100&limit=100", NULL);
    check_request(CODEGEN_RESUME, HTTP_POST, CALL_WRITE,
                  "/v1/organizations/42/agent/run/resume",
                  "{\"agent_run_id\":7,\"prompt\":\"do \\\"it\\\"\\n\"}");
    check_request(CODEGEN_BAN, HTTP_POST, CALL_WRITE,
                  "/v1/organizations/42/agent/run/ban", "{\"agent_run_id\":7}");
    check_request(CODEGEN_UNBAN, HTTP_POST, CALL_WRITE,
                  "/v1/organizations/42/agent/run/unban", "{\"agent_run_id\":7}");
    check_request(CODEGEN_REMOVE, HTTP_POST, CALL_WRITE,
                  "/v1/organizations/42/agent/run/remove-from-pr",
                  "{\"agent_run_id\":7}");
    check_request(CODEGEN_LOGS, HTTP_GET, CALL_READ,
                  "/v1/alpha/organizations/42/agent/run/7/logs?skip=100&limit=100", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_run_needs_only_its_id),
        cmocka_unit_test(test_pull_requests),
        cmocka_unit_test(test_branch_names),
        cmocka_unit_test(test_texts_are_clean),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
