/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/service/github_limit.h"

static const struct wall now = {1700000000000};

/* "name: value\n..." */
static struct http_response *answer(int status, const char *headers, const char *body)
{
    struct http_response *response = http_response_new(HTTP_FINE, status);
    while (*headers != '\0') {
        size_t name = strcspn(headers, ":"), line = strcspn(headers, "\n");
        http_response_header(response, headers, name, headers + name + 2,
                             line - name - 2);
        headers += line + (headers[line] == '\n');
    }
    free(response->body);
    response->body = mem_str(body);
    response->body_len = strlen(body);
    return response;
}

struct limit_case {
    int status;
    const char *headers, *body;
    enum github_limit_kind kind;
    int64_t wait_s;
};

static void test_limits(void **state)
{
    (void)state;
    static const struct limit_case cases[] = {
        {200, "x-ratelimit-limit: 60\nx-ratelimit-remaining: 0\n", "",                                                                 GITHUB_NO_LIMIT,
         0                                                                                                                                                   },
        {403, "",                                                  "{\"message\":\"Resource not accessible by integration\"}",
         GITHUB_NO_LIMIT,                                                                                                                                0   },
        {404, "retry-after: 5\n",                                  "",                                                                 GITHUB_NO_LIMIT,  0   },
        {403,
         "x-ratelimit-limit: 5000\nx-ratelimit-remaining: 0\nx-ratelimit-reset: "
         "1700000600\n",                                           "",                                                                 GITHUB_PRIMARY,   600 },
        {429,
         "x-ratelimit-limit: 5000\nx-ratelimit-remaining: 0\nx-ratelimit-reset: "
         "1700000600\nretry-after: 7\n",                           "",                                                                 GITHUB_PRIMARY,   7   },
        {403, "retry-after: 30\n",
         "{\"message\":\"You have exceeded a secondary rate limit.\"}",                                                                GITHUB_SECONDARY,
         30                                                                                                                                                  },
        {403, "",                                                  "{\"message\":\"You have exceeded a Secondary Rate Limit. Wait\"}",
         GITHUB_SECONDARY,                                                                                                                               60  },
        {429, "",                                                  "not JSON",                                                         GITHUB_SECONDARY, 60  },
        {429, "retry-after: Fri, 31 Dec 1999 23:59:59 GMT\n",      "",                                                                 GITHUB_SECONDARY, 60  },
        {429, "retry-after: 999999\n",                             "",                                                                 GITHUB_SECONDARY, 3600},
        {429, "retry-after: 0\n",                                  "",                                                                 GITHUB_SECONDARY, 1   },
 /* a clock that goes wrong, and milliseconds */
        {403,
         "x-ratelimit-limit: 60\nx-ratelimit-remaining: 0\nx-ratelimit-reset: "
         "1600000000\n",                                           "",                                                                 GITHUB_PRIMARY,   1   },
        {403,
         "x-ratelimit-limit: 60\nx-ratelimit-remaining: 0\nx-ratelimit-reset: "
         "1700000600000\n",                                        "",                                                                 GITHUB_PRIMARY,   3600},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct limit_case *row = &cases[i];
        struct http_response *response = answer(row->status, row->headers, row->body);
        struct github_limit limit = github_limit(response, now);
        if (limit.kind != row->kind ||
            (row->kind != GITHUB_NO_LIMIT &&
             wall_since(limit.until, now).ms != row->wait_s * 1000)) {
            fail_msg("case %zu: kind %d, wait %lld ms", i, limit.kind,
                     (long long)wall_since(limit.until, now).ms);
        }
        http_response_free(response);
    }
    struct http_response *lost = http_response_new(HTTP_LOST, 0);
    assert_int_equal(github_limit(lost, now).kind, GITHUB_NO_LIMIT);
    http_response_free(lost);
}

static void test_quota(void **state)
{
    (void)state;
    struct github_quota quota;
    struct http_response *response =
        answer(200,
               "x-ratelimit-limit: 5000\nx-ratelimit-remaining: 4999\n"
               "x-ratelimit-reset: 1700001800\nx-ratelimit-resource: graphql\n",
               "");
    assert_true(github_quota(response, now, &quota));
    assert_int_equal(quota.limit, 5000);
    assert_int_equal(quota.remaining, 4999);
    assert_int_equal(wall_since(quota.reset_at, now).ms, 1800 * 1000);
    assert_string_equal(quota.resource, "graphql");
    http_response_free(response);
    const char *bad[] = {
        "", "x-ratelimit-limit: 10\n",
        "x-ratelimit-limit: -1\nx-ratelimit-remaining: 5\n",
        "x-ratelimit-limit: 5x\nx-ratelimit-remaining: 5\n",
        "x-ratelimit-limit: 9999999999999999\nx-ratelimit-remaining: 5\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        response = answer(200, bad[i], "");
        assert_false(github_quota(response, now, &quota));
        http_response_free(response);
    }
}

static void assert_link(const char *value, const char *expected)
{
    AUTO_FREE char *url = github_link(value, "next");
    if (expected == NULL ? url != NULL : url == NULL || strcmp(url, expected) != 0) {
        fail_msg("'%s' gives '%s'", value, url != NULL ? url : "(none)");
    }
}

static void test_link(void **state)
{
    (void)state;
    assert_link("<https://a/x?page=2>; rel=\"next\", <https://a/x?page=9>; rel=\"last\"",
                "https://a/x?page=2");
    assert_link("<https://a/1>; rel=\"prev\", <https://a/3>; rel=\"next\"",
                "https://a/3");
    assert_link("<https://a/1>;rel=next", "https://a/1");
    assert_link("<https://a/1>; title=\"a, <b>; rel=next\"; rel=\"last\"", NULL);
    assert_link("<https://a/1,2;3>; rel=\"first NEXT\"", "https://a/1,2;3");
    assert_link("<https://a/1>; rel=\"last\"; rel=\"next\"", NULL);
    assert_link("<https://a/1>; title=\"\\\"\"; rel=\"next\"", "https://a/1");
    assert_link("<https://a/1>; relx=\"next\"", NULL);
    assert_link("<https://a/1>; rel=\"nextpage\"", NULL);
    assert_link("<https://a/1", NULL);
    assert_link("<https://a/1>; rel=\"next", "https://a/1");
    assert_link("<https://a/1>; rel=", NULL);
    assert_link("", NULL);
}

static void assert_below(const char *base, const char *url, const char *expected)
{
    AUTO_FREE char *path = github_below(base, url);
    if (expected == NULL ? path != NULL : path == NULL || strcmp(path, expected) != 0) {
        fail_msg("%s below %s gives '%s'", url, base, path != NULL ? path : "(none)");
    }
}

/* No link and no redirect makes us send the token to another host. */
static void test_below(void **state)
{
    (void)state;
    const char *base = "https://api.github.com";
    assert_below(base, "https://api.github.com/repositories/1/pulls?page=2",
                 "/repositories/1/pulls?page=2");
    assert_below(base, "https://evil.example/repositories/1", "/repositories/1");
    assert_below("http://127.0.0.1:8080", "https://api.github.com/a#b", "/a");
    assert_below(base, "/relative", "/relative");
    assert_below(base, "//evil.example/x", NULL);
    assert_below(base, "ftp://a/b", NULL);
    assert_below(base, "https://a", NULL);
    assert_below(base, "https://a?x=/y", NULL);
    assert_below(base, "", NULL);
    assert_below(base, "https://a/b c", NULL);
    assert_below(base, "https://a/b\r\nX: y", NULL);
    assert_below("https://h/api/v3", "https://h/api/v3/x", "/x");
    assert_below("https://h/api/v3/", "https://h/api/v3/x", "/x");
    assert_below("https://h/api/v3", "https://h/api/v33", NULL);
    assert_below("https://h/api/v3", "https://h/other", NULL);
}

static void assert_reason(const char *body, const char *expected)
{
    char text[GITHUB_REASON_MAX + 1];
    struct http_response *response = answer(422, "", body);
    assert_string_equal(github_reason(response, text), expected);
    http_response_free(response);
}

static void test_reason(void **state)
{
    (void)state;
    assert_reason("{\"message\":\"Not Found\",\"documentation_url\":\"u\"}", "Not Found");
    assert_reason("{\"message\":\"Validation Failed\",\"errors\":[{\"resource\":"
                  "\"PullRequest\",\"field\":\"head\",\"code\":\"invalid\"},{\"code\":"
                  "\"custom\",\"message\":\"A pull request already exists\"}]}",
                  "Validation Failed; PullRequest head invalid; A pull request already "
                  "exists");
    assert_reason("{\"message\":\"x\",\"errors\":[\"a text\"]}", "x; a text");
    assert_reason("<html>", "HTTP status 422");
    assert_reason("{\"message\":7}", "HTTP status 422");
    assert_reason("{\"message\":\"a\\u001b[31mb\\nc\"}", "ab c");
    char text[GITHUB_REASON_MAX + 1];
    struct http_response *lost = http_response_new(HTTP_TIMEOUT, 0);
    assert_string_equal(github_reason(lost, text), "timeout");
    http_response_free(lost);
    struct http_response *response = answer(
        422, "", "{\"message\":\"m\",\"errors\":[{\"message\":\"Already There\"}]}");
    assert_true(github_says(response, "already there"));
    assert_false(github_says(response, "nowhere"));
    http_response_free(response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits), cmocka_unit_test(test_quota),
        cmocka_unit_test(test_link),   cmocka_unit_test(test_below),
        cmocka_unit_test(test_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
