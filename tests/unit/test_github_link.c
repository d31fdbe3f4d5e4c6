/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/service/github_link.h"

static struct http_response *answer(const char *body)
{
    struct http_response *response = http_response_new(HTTP_FINE, 422);
    free(response->body);
    response->body = mem_str(body);
    response->body_len = strlen(body);
    return response;
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
    struct http_response *response = answer(body);
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
    struct http_response *response =
        answer("{\"message\":\"m\",\"errors\":[{\"message\":\"Already There\"}]}");
    assert_true(github_says(response, "already there"));
    assert_false(github_says(response, "nowhere"));
    http_response_free(response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {

        cmocka_unit_test(test_link),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
