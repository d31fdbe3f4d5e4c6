/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "engine/monitor/fingerprint.h"

static void check_mask(const char *text, const char *expected)
{
    char out[FINGERPRINT_TEXT];
    (void)fingerprint_mask(text, out, sizeof(out));
    assert_string_equal(out, expected);
}

static void masks_what_changes(void **state)
{
    (void)state;
    check_mask("exit status 2 after 31.5s", "exit status # after #.#s");
    check_mask("cannot open /srv/app-12/x.c: no such file",
               "cannot open <path>: no such file");
    check_mask("commit 3fa9c21d is gone", "commit <id> is gone");
    check_mask("at 0x7ffe12 (core dumped)", "at <id> (core dumped)");
    check_mask("id 550e8400-e29b-41d4-a716-446655440000.", "id <id>.");
    check_mask("  two\t words\n", "two words");
    check_mask("the added facade", "the added facade");
    check_mask("GET https://api.example.com/x?y=1 503", "GET <path> #");
    check_mask("", "");
    check_mask("a / b", "a / b");
}

static void cut_text_keeps_the_whole_hash(void **state)
{
    (void)state;
    char small[8], large[200];
    uint64_t a = fingerprint_mask("something rather long failed here", small, 8);
    uint64_t b = fingerprint_mask("something rather long failed here", large, 200);
    uint64_t c = fingerprint_mask("something rather long failed there", small, 8);
    assert_string_equal(small, "somethi");
    assert_true(a == b);
    assert_true(a != c);
}

static void tells_new_known_and_returned(void **state)
{
    (void)state;
    struct fingerprint_book *book = mem_alloc(sizeof(*book));
    const struct fingerprint *print;
    struct wall at = {1000};
    assert_int_equal(fingerprint_add(book, "timeout after 3 s", at, &print),
                     FINGERPRINT_NEW);
    at.ms += FINGERPRINT_RETURN_MS;
    assert_int_equal(fingerprint_add(book, "timeout after 9 s", at, &print),
                     FINGERPRINT_KNOWN);
    at.ms += FINGERPRINT_RETURN_MS + 1;
    assert_int_equal(fingerprint_add(book, "timeout after 9 s", at, &print),
                     FINGERPRINT_RETURNED);
    assert_int_equal(print->n, 3);
    assert_int_equal(print->first_at.ms, 1000);
    int64_t n_new, n_returned;
    at.ms += 10;
    fingerprint_count(book, at, span_s(60), &n_new, &n_returned);
    assert_int_equal(n_new, 0);
    assert_int_equal(n_returned, 1);
    fingerprint_count(book, (struct wall){2000}, span_s(60), &n_new, &n_returned);
    assert_int_equal(n_new, 1);
    free(book);
}

static void oldest_makes_room(void **state)
{
    (void)state;
    struct fingerprint_book *book = mem_alloc(sizeof(*book));
    for (int i = 0; i <= FINGERPRINTS_MAX; i++) {
        char text[] = "failure aa";
        text[8] = (char)('a' + i / 20);
        text[9] = (char)('g' + i % 20);
        assert_int_equal(fingerprint_add(book, text, (struct wall){i + 1}, NULL),
                         FINGERPRINT_NEW);
    }
    assert_int_equal(fingerprint_add(book, "failure ah", (struct wall){5000}, NULL),
                     FINGERPRINT_KNOWN);
    assert_int_equal(fingerprint_add(book, "failure ag", (struct wall){5000}, NULL),
                     FINGERPRINT_NEW);
    free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_what_changes),
        cmocka_unit_test(cut_text_keeps_the_whole_hash),
        cmocka_unit_test(tells_new_known_and_returned),
        cmocka_unit_test(oldest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
