/* SPDX-License-Identifier: MIT */

/* Expressions with bounds, and the texts that they cannot match without. */
#include "engine/base/regex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/recovery/literal.h"

static struct regex *compile(const char *text)
{
    struct err err = ERR_INIT;
    struct regex *regex = regex_new(text, strlen(text), &err);
    if (regex == NULL) {
        fail_msg("%s: %s", text, err.msg);
    }
    return regex;
}

static enum regex_result match(const char *regex, const char *text, size_t len)
{
    struct regex *compiled = compile(regex);
    struct regex_room *room = regex_room_new();
    enum regex_result result = regex_match(compiled, room, text, len);
    regex_room_free(room);
    regex_free(compiled);
    return result;
}

static void matching_is_over_bytes(void **state)
{
    (void)state;
    assert_int_equal(match("b+c", "abbcd", 5), REGEX_FOUND);
    assert_int_equal(match("^b", "abb", 3), REGEX_NONE);
    assert_int_equal(match("a.b", "a\0b", 3), REGEX_FOUND);
    assert_int_equal(match("^\\W+$", "\xff\xfe\x80", 3), REGEX_FOUND);
    assert_int_equal(match("\xe2\x9c\x97 x", "\xe2\x9c\x97 x", 5), REGEX_FOUND);
    assert_int_equal(match("^$", NULL, 0), REGEX_FOUND);
    assert_int_equal(match("(?i)error", "ERROR", 5), REGEX_FOUND);
}

static void mistakes_say_where(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_null(regex_new("ab[c", 4, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_string_equal(err.msg,
                        "missing terminating ] for character class at character 5");
    assert_null(regex_new("(*UTF)a", 7, &err));
    assert_null(regex_new("a\\Cb", 4, &err));
    char nested[101];
    memset(nested, '(', 50);
    memset(nested + 50, ')', 50);
    assert_null(regex_new(nested, 100, &err));
    AUTO_FREE char *large = mem_alloc(REGEX_TEXT_MAX + 1);
    memset(large, 'a', REGEX_TEXT_MAX + 1);
    assert_null(regex_new(large, REGEX_TEXT_MAX + 1, &err));
    assert_string_equal(err.msg, "has 1001 bytes; expected at most 1000");
    struct regex *regex = regex_new(large, REGEX_TEXT_MAX, &err);
    assert_non_null(regex);
    regex_free(regex);
    regex_free(NULL);
    regex_room_free(NULL);
}

static void a_match_gives_up(void **state)
{
    (void)state;
    char text[64];
    memset(text, 'a', sizeof(text));
    assert_int_equal(match("^(a+)+$", text, sizeof(text)), REGEX_FOUND);
    text[sizeof(text) - 1] = '!';
    assert_int_equal(match("^(a|aa)+$", text, sizeof(text)), REGEX_GAVE_UP);
    AUTO_FREE char *deep = mem_alloc(200000);
    memset(deep, 'a', 200000);
    assert_true(match("^(a|b(?=c)|(a)b)*$", deep, 200000) != REGEX_NONE);
}

/* "a|b" for a set, "?" for nothing sure, "!" for not understood. */
static void expect_literals(const char *regex, const char *expected)
{
    struct literals literals;
    char text[2048] = "";
    size_t n = 0;
    switch (literals_of(regex, strlen(regex), &literals)) {
    case LITERALS_NONE:
        n = (size_t)snprintf(text, sizeof(text), "?");
        break;
    case LITERALS_UNKNOWN:
        n = (size_t)snprintf(text, sizeof(text), "!");
        break;
    case LITERALS_FOUND:
        for (size_t i = 0; i < literals.n; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i > 0 ? "|" : "",
                                  (int)literals.items[i].len,
                                  (const char *)literals.items[i].text);
        }
        break;
    }
    if (strcmp(text, expected) != 0) {
        fail_msg("%s: '%s', expected '%s'", regex, text, expected);
    }
}

static void literals_are_what_a_match_must_hold(void **state)
{
    (void)state;
    expect_literals("foobar", "foobar");
    expect_literals("FooBar", "foobar");
    expect_literals("^foobar$", "foobar");
    expect_literals("fo|bar", "?");
    expect_literals("foo|barx", "foo|barx");
    expect_literals("(foo|barx)baz", "foobaz|barxbaz");
    expect_literals("(foo|barx)? baz1", "foo baz1|barx baz1| baz1");
    expect_literals("[Ff]oobar", "foobar");
    expect_literals("[fb]oobar", "oobar");
    expect_literals("fooba?r", "foobar|foobr");
    expect_literals("fooba*rquux", "rquux");
    expect_literals("foob+arquux", "arquux");
    expect_literals("fooba{2,3}", "fooba");
    expect_literals("fooba{0,3}", "foob");
    expect_literals("foo{,3}", "foo{,3}");
    expect_literals("foo.*barbaz", "barbaz");
    expect_literals("foo(?=x)bar", "foobar");
    expect_literals("foo(?!quuuux)bar", "foobar");
    expect_literals("(?:abc|def)+xy", "abc|def");
    expect_literals("(abc.|def.)*xyz", "xyz");
    expect_literals("\\d+", "?");
    expect_literals("a\\.b\\tc", "a.b\tc");
    expect_literals("abc\\x41def", "abc");
    expect_literals("(?i)ABC", "abc");
    expect_literals("abcdefghijklmnopqrstuv", "abcdefghij");
    expect_literals("[]abc]defg", "defg");
    expect_literals("[[:alpha:]]defg", "defg");
    expect_literals("error: .* undeclared", " undeclare");
    expect_literals("(?<n>abc)", "!");
    expect_literals("(?R)abc", "!");
    expect_literals("\\Qabc\\E", "!");
    expect_literals("(*UTF)abc", "!");
    expect_literals("(?x)abc", "!");
    expect_literals("abc)", "!");
}

static void the_finder_finds_all(void **state)
{
    (void)state;
    static const char *const regexes[] = {"he said", "she", "hers", "(his|this)", "aid"};
    struct finder *finder = finder_new();
    for (size_t i = 0; i < ARRAY_LEN(regexes); i++) {
        struct literals literals;
        assert_int_equal(literals_of(regexes[i], strlen(regexes[i]), &literals),
                         LITERALS_FOUND);
        assert_true(finder_add(finder, &literals, (uint16_t)i));
    }
    finder_finish(finder);
    uint16_t owners[8];
    static const char text[] = "uSHE SAID THIS and this";
    assert_int_equal(finder_search(finder, text, sizeof(text) - 1, owners, 8), 4);
    assert_int_equal(owners[0], 1);
    unsigned found = 0;
    for (int i = 0; i < 4; i++) {
        found |= 1u << owners[i];
    }
    assert_int_equal(found, 0x1B);
    assert_int_equal(finder_search(finder, text, sizeof(text) - 1, owners, 2), 2);
    assert_int_equal(finder_search(finder, "hell", 4, owners, 8), 0);
    assert_int_equal(finder_search(finder, NULL, 0, owners, 8), 0);
    finder_free(finder);
    finder_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matching_is_over_bytes),
        cmocka_unit_test(mistakes_say_where),
        cmocka_unit_test(a_match_gives_up),
        cmocka_unit_test(literals_are_what_a_match_must_hold),
        cmocka_unit_test(the_finder_finds_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
