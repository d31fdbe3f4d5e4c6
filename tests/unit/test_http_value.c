/* SPDX-License-Identifier: MIT */

/* Requests, answers and the cache as values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/io/http_cache.h"
#include "engine/service/http.h"

static void test_escape(void **state)
{
    (void)state;
    AUTO_FREE char *path = http_escape("heads/A b%~-._\xc3\xa4?&");
    AUTO_FREE char *empty = http_escape("");
    assert_string_equal(path, "heads%2FA%20b%25~-._%C3%A4%3F%26");
    assert_string_equal(empty, "");
}

static void test_request_copy(void **state)
{
    (void)state;
    struct http_request *request =
        http_request_new("x", CALL_WRITE, HTTP_PATCH, mem_str("/a"));
    http_request_header(request, "Accept", "b");
    http_request_body(request, mem_strn("a\0b", 3), 3);
    request->answer_max = 7;
    struct http_request *copy = http_request_copy(request);
    http_request_free(request);
    assert_string_equal(copy->url, "/a");
    assert_string_equal(copy->headers[0].name, "Accept");
    assert_string_equal(copy->headers[0].value, "b");
    assert_int_equal(copy->body_len, 3);
    assert_memory_equal(copy->body, "a\0b", 4);
    assert_int_equal(copy->answer_max, 7);
    assert_string_equal(http_method_word(copy->method), "PATCH");
    http_request_free(copy);
    http_request_free(NULL);
}

static void test_headers(void **state)
{
    (void)state;
    struct http_response *response = http_response_new(HTTP_FINE, 200);
    http_response_header(response, "X-RateLimit-Reset!", 17, "1234", 2);
    http_response_header(response, "link", 4, "a", 1);
    http_response_header(response, "Link", 4, "b", 1);
    assert_string_equal(http_header_of(response, "x-ratelimit-reset"), "12");
    assert_string_equal(http_header_of(response, "link"), "a");
    assert_null(http_header_of(response, "etag"));
    assert_string_equal(response->body, "");
    assert_string_equal(response->text, "");
    http_response_free(response);
    http_response_free(NULL);
    assert_string_equal(http_fault_word(HTTP_LOST), "lost");
}

static struct http_response *answer_of(size_t size, const char *tag)
{
    struct http_response *response = http_response_new(HTTP_FINE, 200);
    free(response->body);
    response->body = mem_alloc(size + 1);
    memset(response->body, *tag, size);
    response->body_len = size;
    http_response_header(response, "ETag", 4, tag, strlen(tag));
    return response;
}

static void put(struct http_cache *cache, const char *key, size_t size, const char *tag)
{
    struct http_response *response = answer_of(size, tag);
    http_cache_put(cache, key, response);
    http_response_free(response);
}

static bool has(struct http_cache *cache, const char *key, const char *tag)
{
    const struct http_entry *entry = http_cache_hold(cache, key);
    bool is_same = entry != NULL && strcmp(entry->etag, tag) == 0;
    http_entry_release(entry);
    return is_same;
}

static void test_cache_is_bounded(void **state)
{
    (void)state;
    struct http_cache *cache = http_cache_new(100000);
    char key[16];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        put(cache, key, 9000, "t");
        assert_true(has(cache, "k0", "t") || i > 0);
        assert_true(http_cache_bytes(cache) <= 100000);
        assert_true(has(cache, "k0", "t")); /* used each time: it stays */
    }
    assert_true(has(cache, "k999", "t"));
    assert_true(has(cache, "k995", "t"));
    assert_false(has(cache, "k500", "t"));
    put(cache, "large", 13000, "t"); /* more than its share */
    assert_false(has(cache, "large", "t"));
    put(cache, "k0", 10, "u"); /* replaced */
    assert_true(has(cache, "k0", "u"));
    http_cache_free(cache);
    http_cache_free(NULL);
}

static void test_what_is_held_lives_on(void **state)
{
    (void)state;
    struct http_cache *cache = http_cache_new(100000);
    put(cache, "a", 100, "one");
    const struct http_entry *entry = http_cache_hold(cache, "a");
    put(cache, "a", 200, "two");
    struct http_response *newer = http_response_new(HTTP_FINE, 304);
    http_response_header(newer, "ETag", 4, "three", 5);
    http_response_header(newer, "New", 3, "x", 1);
    http_cache_free(cache);
    assert_string_equal(entry->etag, "one");
    struct http_response *answer = http_entry_answer(entry, newer);
    assert_int_equal(answer->status, 200);
    assert_true(answer->is_cached);
    assert_int_equal(answer->body_len, 100);
    assert_string_equal(http_header_of(answer, "etag"), "three");
    assert_string_equal(http_header_of(answer, "new"), "x");
    http_response_free(answer);
    http_response_free(newer);
    http_entry_release(entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_request_copy),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_cache_is_bounded),
        cmocka_unit_test(test_what_is_held_lives_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
