/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/recovery/template.h"

static void check_mask(const char *text, const char *expected)
{
    char out[TEMPLATE_TEXT];
    (void)template_mask(text, strlen(text), out, sizeof(out));
    assert_string_equal(out, expected);
}

static void masks_what_changes(void **state)
{
    (void)state;
    check_mask("exit status 2 after 31.5s", "exit status # after #");
    check_mask("cannot open /srv/app-12/x.c: no such file",
               "cannot open <path>: no such file");
    check_mask("commit 3fa9c21d is gone", "commit # is gone");
    check_mask("commit 1234567 is gone", "commit # is gone");
    check_mask("at 0x7ffe12 (core dumped)", "at # (core dumped)");
    check_mask("id 550e8400-e29b-41d4-a716-446655440000.", "id #.");
    check_mask("  two\t words\n", "two words");
    check_mask("the added facade", "the added facade");
    check_mask("GET https://api.example.com/x?y=1 503", "GET <url> #");
    check_mask("connect to 10.0.0.17:8443 and [fe80::1]:80",
               "connect to # and [<addr>]:#");
    check_mask("used 812MB of 1.5GiB", "used # of #");
    check_mask("pod/web-5d4f8c7b9-x2x9z", "<path>");
    check_mask("pod web-5d4f8c7b9-x2x9z died", "pod web-#-# died");
    check_mask("token ghs9aB3xK27LmQ0pZr81 refused", "token # refused");
    check_mask("retry 3/10", "retry #");
    check_mask("cache=/var/tmp/a1 key=77", "cache=<path> key=#");
    check_mask("by <someone@example.org>", "by <<mail>>");
    check_mask("", "");
    check_mask("a / b", "a / b");
}

static void keeps_what_says_it(void **state)
{
    (void)state;
    check_mask("a.ts(1,2): error TS2345: no", "a.ts(#,#): error TS2345: no");
    check_mask("error[E0308]: mismatched types", "error[E0308]: mismatched types");
    check_mask("FAILED tests/unit/test_a.py::test_add - boom",
               "FAILED <path>::test_add - boom");
    check_mask("no package @scope/name here", "no package @scope/name here");
    check_mask("na\xc3\xafve \xe2\x9c\x97 x", "na\xc3\xafve \xe2\x9c\x97 x");
}

static void time_and_colour_go(void **state)
{
    (void)state;
    check_mask("2022-05-07T08:49:38.2847211Z fatal: no", "fatal: no");
    check_mask("[12:33:01.123] fatal: no", "fatal: no");
    check_mask("\x1b[31;1mfatal:\x1b[0m no\x1b[K", "fatal: no");
    check_mask("\x1b]8;;x\afatal: no", "fatal: no");
    check_mask("\x1b", "");
    check_mask("\x1b[", "");
    check_mask("\x1b[3", "");
    check_mask("404 not found", "# not found");
}

static void cut_text_keeps_the_whole_hash(void **state)
{
    (void)state;
    const char here[] = "something rather long failed here";
    const char there[] = "something rather long failed there";
    char small[8], large[200];
    uint64_t a = template_mask(here, strlen(here), small, 8);
    uint64_t b = template_mask(here, strlen(here), large, 200);
    uint64_t c = template_mask(there, strlen(there), small, 8);
    assert_string_equal(small, "somethi");
    assert_true(a == b);
    assert_true(a != c);
    assert_true(template_mask(NULL, 0, small, 0) != 0);
}

/* ---- book ---- */

struct print {
    char word[FINGERPRINT_WORD];
};

static struct print see(struct template_book *book, enum failure_class class_,
                        const char *line)
{
    struct print print;
    template_fingerprint(book, class_, line, strlen(line), print.word);
    assert_int_equal(strlen(print.word), 16);
    return print;
}

#define SAME(a, b)  assert_string_equal((a).word, (b).word)
#define OTHER(a, b) assert_string_not_equal((a).word, (b).word)

static void same_failure_same_fingerprint(void **state)
{
    (void)state;
    struct template_book *book = template_book_new();
    struct print a = see(book, CLASS_NETWORK, "dial tcp 10.0.0.1:443: i/o timeout");
    SAME(a, see(book, CLASS_NETWORK, "dial tcp 10.9.8.7:80: i/o timeout"));
    OTHER(a, see(book, CLASS_INFRA, "dial tcp 10.0.0.1:443: i/o timeout"));
    OTHER(a, see(book, CLASS_NETWORK, "dial udp 10.0.0.1:443: i/o timeout"));
    template_book_free(book);
}

static void joins_what_differs_in_one_variable(void **state)
{
    (void)state;
    struct template_book *book = template_book_new();
    struct print a = see(book, CLASS_COMPILE, "error: 'foo' was not declared");
    SAME(a, see(book, CLASS_COMPILE, "error: 'bar' was not declared"));
    SAME(a, see(book, CLASS_COMPILE, "error: 'baz' was not declared"));
    OTHER(a, see(book, CLASS_COMPILE, "error: 'foo' was not defined"));
    OTHER(a, see(book, CLASS_COMPILE, "error: baz was not declared"));
    struct print b = see(book, CLASS_COMPILE, "module 'a' wants symbol 'b'");
    SAME(b, see(book, CLASS_COMPILE, "module 'c' wants symbol 'b'"));
    OTHER(b, see(book, CLASS_COMPILE, "module 'c' wants symbol 'd'"));
    template_book_free(book);
}

static void tests_keep_their_names(void **state)
{
    (void)state;
    struct template_book *book = template_book_new();
    struct print a = see(book, CLASS_TEST, "not ok 3 - 'adds two numbers'");
    SAME(a, see(book, CLASS_TEST, "not ok 14 - 'adds two numbers'"));
    OTHER(a, see(book, CLASS_TEST, "not ok 3 - 'takes two numbers'"));
    template_book_free(book);
}

static void fingerprint_needs_no_history(void **state)
{
    (void)state;
    struct template_book *one = template_book_new(), *two = template_book_new();
    (void)see(two, CLASS_CRASH, "Segmentation fault (core dumped)");
    (void)see(two, CLASS_TEST, "1 of 9 failed");
    SAME(see(one, CLASS_TEST, "assertion x == 3 failed"),
         see(two, CLASS_TEST, "assertion x == 7 failed"));
    template_book_free(one);
    template_book_free(two);
}

static void book_survives_a_restart(void **state)
{
    (void)state;
    struct template_book *book = template_book_new();
    struct print a = see(book, CLASS_COMPILE, "error: 'foo' was not declared");
    size_t len;
    char *bytes = template_book_save(book, &len);
    struct template_book *copy = template_book_new();
    assert_true(template_book_load(copy, bytes, len));
    SAME(a, see(copy, CLASS_COMPILE, "error: 'other' was not declared"));
    assert_false(template_book_load(copy, bytes, len - 1));
    struct print fresh = see(copy, CLASS_COMPILE, "error: 'other' was not declared");
    OTHER(a, fresh); /* the book is empty after what it could not load */
    bytes[0] ^= 1;
    assert_false(template_book_load(copy, bytes, len));
    assert_false(template_book_load(copy, bytes, 3));
    free(bytes);
    template_book_free(book);
    template_book_free(copy);
}

static void the_one_unused_for_longest_goes(void **state)
{
    (void)state;
    struct template_book *book = template_book_new();
    struct print kept = see(book, CLASS_COMPILE, "error: 'foo' was not declared");
    char line[] = "aaaa bbbb was here";
    for (int i = 0; i < 5000; i++) {
        for (int j = 0, rest = i; j < 4; j++, rest /= 20) {
            line[j] = (char)('a' + rest % 20);
        }
        (void)see(book, CLASS_COMPILE, line);
        SAME(kept, see(book, CLASS_COMPILE, "error: 'bar' was not declared"));
    }
    template_book_free(book);
}

static void any_line_is_bounded(void **state)
{
    (void)state;
    size_t len = 1000000;
    char *line = mem_alloc(len), out[TEMPLATE_TEXT];
    static const char fill[] = "a1 /:@.\x1b[-(";
    for (size_t i = 0; i < sizeof(fill) - 1; i++) {
        (void)memset(line, fill[i], len);
        (void)template_mask(line, len, out, sizeof(out));
        assert_true(strlen(out) < sizeof(out));
    }
    for (size_t i = 0; i < len; i++) {
        line[i] = (char)(i * 2654435761u >> 13);
    }
    struct template_book *book = template_book_new();
    char word[FINGERPRINT_WORD];
    template_fingerprint(book, CLASS_TEST, line, len, word);
    template_book_free(book);
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_what_changes),
        cmocka_unit_test(keeps_what_says_it),
        cmocka_unit_test(time_and_colour_go),
        cmocka_unit_test(cut_text_keeps_the_whole_hash),
        cmocka_unit_test(same_failure_same_fingerprint),
        cmocka_unit_test(joins_what_differs_in_one_variable),
        cmocka_unit_test(tests_keep_their_names),
        cmocka_unit_test(fingerprint_needs_no_history),
        cmocka_unit_test(book_survives_a_restart),
        cmocka_unit_test(the_one_unused_for_longest_goes),
        cmocka_unit_test(any_line_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
