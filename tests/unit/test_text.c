/* SPDX-License-Identifier: MIT */
#include "engine/base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/compiler.h"
#include "engine/base/mem.h"

#define BAD "\xEF\xBF\xBD"

static void decode_knows_every_scalar_value(void **state)
{
    (void)state;
    for (uint32_t rune = 0; rune <= 0x10FFFF; rune++) {
        char bytes[4];
        uint32_t back = 1;
        if (rune >= 0xD800 && rune <= 0xDFFF) {
            continue;
        }
        size_t n = text_encode(rune, bytes);
        assert_int_equal(text_decode(bytes, n, &back), n);
        assert_int_equal(back, rune);
        assert_int_equal(text_decode(bytes, n - 1, &back), 0);
    }
}

static void decode_refuses_what_rfc_3629_refuses(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC2",
        "\xC2\x41",
        "\xE0\x9F\xBF",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xE2\x82",
        "\xE2\x82\x41",
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xFF",
        "\xF0\x9F\x98",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint32_t rune = 7;
        assert_int_equal(text_decode(bad[i], strlen(bad[i]), &rune), 0);
        assert_int_equal(rune, 7);
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
    }
    assert_true(text_is_utf8("", 0));
    assert_true(text_is_utf8("aé€😀", strlen("aé€😀")));
    char bytes[4];
    assert_int_equal(text_encode(0xD800, bytes), 3);
    assert_memory_equal(bytes, BAD, 3);
    assert_int_equal(text_encode(0x110000, bytes), 3);
}

static void cells_after_uax_11(void **state)
{
    static const struct {
        uint32_t rune;
        int cells;
    } rows[] = {
        {0,        0},
        {0x1B,     0},
        {0x7F,     0},
        {0x9B,     0},
        {'a',      1},
        {0xE9,     1},
        {0x301,    0}, /* combining acute */
        {0x20DD,   0}, /* enclosing circle */
        {0x4E00,   2}, /* CJK */
        {0xAC00,   2}, /* Hangul syllable */
        {0x1160,   0}, /* Hangul vowel */
        {0xFF21,   2}, /* full width A */
        {0xFF71,   1}, /* half width katakana */
        {0x1F600,  2}, /* emoji */
        {0x20000,  2},
        {0x2500,   1},
        {0x2713,   1},
        {0x25B6,   1},
        {0x25CF,   1},
        {0x2026,   1},
        {0xFFFD,   1},
        {0x10FFFD, 1},
        {0x0E31,   0},
        {0xE0100,  0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(text_rune_cells(rows[i].rune), rows[i].cells);
    }
    assert_int_equal(text_cells("a漢e\xCC\x81", strlen("a漢e\xCC\x81")), 4);
}

static void fit_keeps_characters_and_marks_whole(void **state)
{
    const char *text = "ae\xCC\x81漢b";
    size_t len = strlen(text);
    (void)state;
    assert_int_equal(text_fit(text, len, 0), 0);
    assert_int_equal(text_fit(text, len, 1), 1);
    assert_int_equal(text_fit(text, len, 2), 4);
    assert_int_equal(text_fit(text, len, 3), 4);
    assert_int_equal(text_fit(text, len, 4), 7);
    assert_int_equal(text_fit(text, len, 5), 8);
    assert_int_equal(text_fit(text, len, 99), 8);
}

static void expect_clean(const char *text, size_t len, enum text_lines lines,
                         const char *expected)
{
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    text_clean(&out, text, len, lines);
    assert_string_equal(out.data, expected);
    assert_int_equal(out.len, strlen(expected));
}

struct clean_row {
    const char *dirty, *clean;
};

/* clang-format off */
static const struct clean_row hostile[] = {
    {"plain", "plain"},
    {"\x1b[31mred\x1b[0m", "red"},
    {"\x1b[38;2;1;2;3mx", "x"},
    {"\x1b[?1049hx\x1b[2J\x1b[H", "x"},
    {"\x1b]0;title\x07x", "x"},
    {"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"},
    {"\x1bP$q\"p\x1b\\x", "x"},
    {"\x1b_apc\x1b\\x", "x"},
    {"\x1b^pm\x1b\\x\x1bXsos\x1b\\", "x"},
    {"\x1b(B\x1b)0x\x1b" "c\x1b=\x1b>", "x"},
    {"\x1b#8x", "x"},
    {"\xC2\x9B" "31mx", "x"},                /* C1 CSI as UTF-8 */
    {"\xC2\x9D" "0;t\xC2\x9Cx", "x"},        /* C1 OSC ... ST */
    {"\x9B" "31mx", BAD "31mx"},             /* a bare C1 byte is no UTF-8 */
    {"\xC2\x85x", BAD "x"},                  /* NEL */
    {"\x1b", BAD}, {"x\x1b[", "x" BAD "["}, {"\x1b[31", BAD "[31"},
    {"\x1b]0;never ends", BAD "]0;never ends"},
    {"\x1b]0;one\x1b]0;two\x07x", BAD "]0;onex"},
    {"\x1b[\x1b[31mx", BAD "[x"},
    {"\x07\x08\x01\x7F", BAD BAD BAD BAD},
    {"a\x00" "b", "a"},                      /* see nul test */
    {"\xE2\x80\xAEtxt.exe", BAD "txt.exe"},  /* RLO */
    {"a\xE2\x80\x8B" "b\xEF\xBB\xBF", "a" BAD "b" BAD},
    {"\xE2\x80\xA8\xE2\x80\xA9", BAD BAD},
    {"\xEE\x80\x80\xEF\xB7\x90\xEF\xBF\xBE\xF3\xB0\x80\x80", BAD BAD BAD BAD},
    {"\xC2\xAD\xF3\xA0\x81\x81", BAD BAD},   /* soft hyphen, tag letter */
    {"\xE2\x9D\xA4\xEF\xB8\x8F", "❤"},       /* variation selector */
    {"👨\xE2\x80\x8D👩", "👨👩"},
    {"x\xE2\x80\x8Dy", "x" BAD "y"},
    {"\xCC\x81x", BAD "x"},                  /* a mark without a character */
    {"\xFF\xFE", BAD BAD}, {"\xE2\x82", BAD BAD}, {"\xF0\x9F\x98x", BAD BAD BAD "x"},
    {"10%\r20%\r30%", "30%"}, {"done\r", "done"}, {"long line\rab", "ab"},
    {"\x1b[2K\rfoo", "foo"},
};
/* clang-format on */

static void clean_makes_hostile_text_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        expect_clean(hostile[i].dirty, strlen(hostile[i].dirty), TEXT_ONE_LINE,
                     hostile[i].clean);
        expect_clean(hostile[i].dirty, strlen(hostile[i].dirty), TEXT_KEEP_NEWLINES,
                     hostile[i].clean);
    }
    expect_clean("a\0b", 3, TEXT_ONE_LINE, "a" BAD "b");
}

static void clean_handles_lines_and_tabs(void **state)
{
    (void)state;
    expect_clean("a\r\nb\nc", 6, TEXT_KEEP_NEWLINES, "a\nb\nc");
    expect_clean("a\r\nb\nc", 6, TEXT_ONE_LINE, "a b c");
    expect_clean("a\tb", 3, TEXT_KEEP_NEWLINES, "a       b");
    expect_clean("1234567\tb", 9, TEXT_KEEP_NEWLINES, "1234567 b");
    expect_clean("12345678\tb", 10, TEXT_KEEP_NEWLINES, "12345678        b");
    expect_clean("漢\tb", 5, TEXT_KEEP_NEWLINES, "漢      b");
    expect_clean("x\n\tb", 4, TEXT_KEEP_NEWLINES, "x\n        b");
    expect_clean("a\tb", 3, TEXT_ONE_LINE, "a b");
    expect_clean("old\rnew\nnext\rN", 14, TEXT_KEEP_NEWLINES, "new\nN");
    expect_clean("a\n\xCC\x81", 4, TEXT_KEEP_NEWLINES, "a\n" BAD);
}

static void clean_bounds_marks(void **state)
{
    AUTO_BUF struct buf in;
    AUTO_BUF struct buf out;
    (void)state;
    buf_init(&in, 4096);
    buf_init(&out, 4096);
    (void)buf_char(&in, 'z');
    for (int i = 0; i < 500; i++) {
        (void)buf_str(&in, "\xCC\x81");
    }
    (void)buf_char(&in, '!');
    text_clean(&out, in.data, in.len, TEXT_ONE_LINE);
    assert_int_equal(out.len, 1 + 8 * 2 + 1);
    assert_int_equal(text_cells(out.data, out.len), 2);
}

static void clean_appends_and_stops_at_a_whole_character(void **state)
{
    (void)state;
    for (size_t max = 0; max < 12; max++) {
        AUTO_BUF struct buf out;
        buf_init(&out, max);
        (void)buf_str(&out, "a");
        text_clean(&out, "é漢😀x", strlen("é漢😀x"), TEXT_ONE_LINE);
        assert_true(out.len <= max);
        assert_true(text_is_utf8(out.data, out.len));
        assert_int_equal(out.is_cut, max < 11);
    }
    char small[6];
    assert_string_equal(text_clean_into(small, sizeof(small), "abc漢漢"), "abc");
    assert_string_equal(text_clean_into(small, sizeof(small), "ab\x1b[31m漢漢"), "ab漢");
    assert_string_equal(text_clean_into(small, 1, "abc"), "");
}

/* Nothing that text_clean lets through may be a control, and cleaning twice changes
 * nothing. */
static void clean_random_bytes(void **state)
{
    static const char *const pieces[] = {
        "\x1b", "[",    "]",        "\x07", "\\", "P",  "\xC2\x9B", "\xC2\x9D",
        "31",   "m",    "\r",       "\n",   "\t", "漢", "é",        "\xCC\x81",
        "😀",    "\xFF", "\xE2\x80", "\x01", " ",  "a",  ";",        "\xE2\x80\x8D"};
    unsigned seed = 1;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        AUTO_BUF struct buf in;
        AUTO_BUF struct buf out;
        AUTO_BUF struct buf again;
        buf_init(&in, 4096);
        buf_init(&out, 4096);
        buf_init(&again, 4096);
        for (int i = 0; i < 24; i++) {
            seed = seed * 1103515245u + 12345u;
            (void)buf_str(&in, pieces[(seed >> 16) % ARRAY_LEN(pieces)]);
        }
        /* at the end of an allocation, so that the sanitizer sees one byte too far */
        AUTO_FREE char *exact = mem_alloc(in.len > 0 ? in.len : 1);
        memcpy(exact, in.data, in.len);
        text_clean(&out, exact, in.len, TEXT_KEEP_NEWLINES);
        for (size_t at = 0; at < out.len;) {
            uint32_t rune = 0;
            size_t n = text_decode(out.data + at, out.len - at, &rune);
            assert_int_not_equal(n, 0);
            assert_true(rune == '\n' || (rune >= 0x20 && rune < 0x7F) || rune >= 0xA0);
            at += n;
        }
        text_clean(&again, out.data, out.len, TEXT_KEEP_NEWLINES);
        assert_string_equal(again.data, out.data);
    }
}

static void clean_is_linear(void **state)
{
    /* 1 MiB of introducers: each must not scan to the end. */
    size_t len = 1024 * 1024;
    AUTO_FREE char *text = mem_alloc(len);
    AUTO_BUF struct buf out;
    (void)state;
    buf_init(&out, 16 * 1024 * 1024);
    for (size_t i = 0; i + 1 < len; i += 2) {
        text[i] = '\x1b';
        text[i + 1] = ']';
    }
    text_clean(&out, text, len, TEXT_ONE_LINE);
    assert_int_equal(out.len, len / 2 * 4);
}

static void ellipsis_fits(void **state)
{
    char out[64];
    (void)state;
    assert_string_equal(text_ellipsis(out, sizeof(out), "hello", 5, false), "hello");
    assert_string_equal(text_ellipsis(out, sizeof(out), "hello", 4, false), "hel…");
    assert_string_equal(text_ellipsis(out, sizeof(out), "hello", 4, true), "hel~");
    assert_string_equal(text_ellipsis(out, sizeof(out), "hello", 1, false), "…");
    assert_string_equal(text_ellipsis(out, sizeof(out), "hello", 0, false), "");
    assert_string_equal(text_ellipsis(out, sizeof(out), "漢字", 3, false), "漢…");
    assert_string_equal(text_ellipsis(out, sizeof(out), "漢字", 2, false), "…");
    assert_string_equal(text_ellipsis(out, 9, "漢字漢字", 8, false), "漢…");
}

static void half_a_character_goes(void **state)
{
    static const char *const rows[][2] = {
        {"",              ""             },
        {"a",             "a"            },
        {"a\xe6\xbc\xa2", "a\xe6\xbc\xa2"},
        {"a\xe6\xbc",     "a"            },
        {"a\xe6",         "a"            },
        {"\xf0\x9f\x9a",  ""             },
        {"\xc3\xa9",      "\xc3\xa9"     },
        {"e\xcc",         "e"            },
        {"\xbc\xa2",      "\xbc\xa2"     }, /* no beginning: it was not cut here */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%s", rows[i][0]);
        assert_string_equal(text_whole(text), rows[i][1]);
    }
}

static void what_is_added_stays_within_its_room(void **state)
{
    char text[8] = "ab";
    (void)state;
    text_add(text, sizeof(text), "%d", 12);
    assert_string_equal(text, "ab12");
    text_add(text, sizeof(text), "%s", "\xe6\xbc\xa2\xe6\xbc\xa2");
    assert_string_equal(text, "ab12\xe6\xbc\xa2");
    for (int i = 0; i < 3; i++) {
        text_add(text, sizeof(text), "%s", "a long text, more than once");
        assert_string_equal(text, "ab12\xe6\xbc\xa2");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_knows_every_scalar_value),
        cmocka_unit_test(decode_refuses_what_rfc_3629_refuses),
        cmocka_unit_test(cells_after_uax_11),
        cmocka_unit_test(fit_keeps_characters_and_marks_whole),
        cmocka_unit_test(clean_makes_hostile_text_harmless),
        cmocka_unit_test(clean_handles_lines_and_tabs),
        cmocka_unit_test(clean_bounds_marks),
        cmocka_unit_test(clean_appends_and_stops_at_a_whole_character),
        cmocka_unit_test(clean_random_bytes),
        cmocka_unit_test(clean_is_linear),
        cmocka_unit_test(ellipsis_fits),
        cmocka_unit_test(half_a_character_goes),
        cmocka_unit_test(what_is_added_stays_within_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
