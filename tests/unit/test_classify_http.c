/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/recovery/classify.h"

static const struct wall now = {1700000000000};

struct example {
    int status;
    const char *field, *value; /* one field of the answer; NULL = none */
    const char *url, *body;
    enum http_class class_;
    bool is_retryable;
};

/* Wordings of the services' public documentation. */
static const struct example examples[] = {
    {0,   NULL,                    NULL, "/",                        "curl: (7) Failed to connect",                              HTTP_NETWORK,      true },
    {0,   NULL,                    NULL, "/",                        "x509: certificate signed by unknown authority",            HTTP_NETWORK,
     false                                                                                                                                               },
    {301, NULL,                    NULL, "/",                        "",                                                         HTTP_REDIRECT,     false},
    {401, NULL,                    NULL, "/",                        "{\"message\":\"Requires authentication\"}",                HTTP_AUTH,         false},
    {402, NULL,                    NULL, "/",                        "",                                                         HTTP_QUOTA,        false},
    {403, NULL,                    NULL, "/",                        "{\"message\":\"Resource not accessible by integration\"}",
     HTTP_PERMISSION,                                                                                                                               false},
    {403, "X-RateLimit-Remaining", "0",  "/",                        "{\"message\":\"Forbidden\"}",
     HTTP_RATE_LIMIT,                                                                                                                               true },
    {403, "x-ratelimit-remaining", "12", "/",                        "{\"message\":\"Forbidden\"}",
     HTTP_PERMISSION,                                                                                                                               false},
    {403, NULL,                    NULL, "/",                        "{\"message\":\"API rate limit exceeded for 1.2.3.4.\"}",
     HTTP_RATE_LIMIT,                                                                                                                               true },
    {403, NULL,                    NULL, "/",
     "{\"message\":\"You have triggered an abuse detection mechanism.\"}",                                                       HTTP_RATE_LIMIT,   true },
    {404, NULL,                    NULL, "/",                        "{\"message\":\"Not Found\"}",                              HTTP_NOT_FOUND,    false},
    {405, NULL,                    NULL, "/repos/a/b/pulls/1/merge",
     "{\"message\":\"Pull Request is not mergeable\"}",                                                                          HTTP_CONFLICT,     false},
    {409, NULL,                    NULL, "/",                        "{\"message\":\"Git Repository is empty.\"}",               HTTP_CONFLICT,
     false                                                                                                                                               },
    {422, NULL,                    NULL, "/",                        "{\"errors\":[{\"code\":\"already_exists\"}]}",             HTTP_CONFLICT,
     false                                                                                                                                               },
    {422, NULL,                    NULL, "/",                        "{\"message\":\"Update is not a fast forward\"}",
     HTTP_CONFLICT,                                                                                                                                 false},
    {422, NULL,                    NULL, "/",                        "{\"errors\":[{\"code\":\"missing_field\"}]}",              HTTP_VALIDATION,
     false                                                                                                                                               },
    {429, NULL,                    NULL, "/",
     "{\"error\":{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}",                                            HTTP_QUOTA,        false},
    {429, NULL,                    NULL, "/",                        "toomanyrequests: You have reached your pull rate limit.",
     HTTP_RATE_LIMIT,                                                                                                                               true },
    {529, NULL,                    NULL, "/",                        "{\"error\":{\"type\":\"overloaded_error\"}}",
     HTTP_SERVER_ERROR,                                                                                                                             true },
    {200, NULL,                    NULL, "/graphql",
     "{\"errors\":[{\"type\":\"FORBIDDEN\",\"message\":\"no\"}]}",                                                               HTTP_PERMISSION,
     false                                                                                                                                               },
    {200, NULL,                    NULL, "/graphql",                 "{\"errors\":[{\"message\":\"Parse error on )\"}]}",
     HTTP_VALIDATION,                                                                                                                               false},
    {503, NULL,                    NULL, "/",                        "",                                                         HTTP_SERVER_ERROR, true },
    {999, NULL,                    NULL, "/",                        "",                                                         HTTP_VALIDATION,   false},
};

static void test_classes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        const struct example *example = &examples[i];
        struct http_field field = {example->field, example->value};
        struct http_facts facts = {.method = "GET",
                                   .url = example->url,
                                   .status = example->status,
                                   .fields = &field,
                                   .n_fields = example->field != NULL,
                                   .body = example->body};
        struct http_judgement judgement;
        classify_http(&facts, now, &judgement);
        if (judgement.class_ != example->class_) {
            print_message("%d %s: %s by %s\n", example->status, example->body,
                          http_class_word(judgement.class_), judgement.rule);
        }
        assert_int_equal(judgement.class_, example->class_);
        assert_int_equal(judgement.is_retryable, example->is_retryable);
        assert_true(judgement.confidence > 0 && judgement.confidence <= 1);
    }
}

static double delay(int status, const char *name, const char *value, const char *body)
{
    struct http_field fields[] = {
        {name,                    value},
        {"X-RateLimit-Remaining", "0"  }
    };
    struct http_facts facts = {
        .status = status, .fields = fields, .n_fields = 2, .body = body};
    struct http_judgement judgement;
    classify_http(&facts, now, &judgement);
    return judgement.retry_after_s;
}

static void test_when_to_come_back(void **state)
{
    (void)state;
    assert_float_equal(delay(429, "Retry-After", "17", ""), 17, 1e-9);
    assert_float_equal(delay(503, "retry-after", "Tue, 14 Nov 2023 22:14:20 GMT", ""), 60,
                       1e-6);
    assert_float_equal(delay(503, "retry-after", "Tue, 14 Nov 2023 22:00:00 GMT", ""), 0,
                       1e-6);
    assert_float_equal(delay(403, "x-ratelimit-reset", "1700000090", ""), 90, 1e-6);
    assert_float_equal(delay(429, "x-ratelimit-reset-requests", "6m1s", ""), 361, 1e-6);
    assert_float_equal(delay(429, "x", "y", "Please try again in 20ms."), .02, 1e-6);
    assert_true(isnan(delay(429, "retry-after", "soon", "")));
    assert_true(isnan(delay(401, "retry-after", "5", ""))); /* does not help */
}

static void test_no_body(void **state)
{
    (void)state;
    struct http_facts facts = {.status = 500};
    struct http_judgement judgement;
    classify_http(&facts, now, &judgement);
    assert_int_equal(judgement.class_, HTTP_SERVER_ERROR);
    assert_string_equal(http_class_word(HTTP_CLASS_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_when_to_come_back),
        cmocka_unit_test(test_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
