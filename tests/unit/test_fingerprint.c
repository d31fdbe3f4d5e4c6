/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "engine/monitor/fingerprint.h"

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
        cmocka_unit_test(tells_new_known_and_returned),
        cmocka_unit_test(oldest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
