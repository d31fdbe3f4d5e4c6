/* SPDX-License-Identifier: MIT */
#include "tui/input.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "tui/keymap.h"

/* All events as text: "<Up> j paste(a)". */
static void read_events(struct input *input, struct buf *out)
{
    struct input_event event;
    while (input_next(input, &event)) {
        char key[KEY_TEXT_MAX];
        (void)buf_str(out, out->len > 0 ? " " : "");
        if (event.kind == INPUT_KEY) {
            (void)buf_str(out, key_format(event.key, key));
        } else if (event.kind == INPUT_STATUS) {
            (void)buf_str(out, "status");
        } else {
            (void)buf_printf(out, "paste(%s)", event.text);
            free(event.text);
        }
    }
}

struct input_row {
    const char *bytes, *events;
};

/* clang-format off */
static const struct input_row rows[] = {
    {"jG?", "j G ?"}, {"é漢", "é 漢"}, {" ,<", "<Space> <Comma> <Lt>"},
    {"\r\n\t\x7f\x08", "<Enter> <Enter> <Tab> <Backspace> <Backspace>"},
    {"\x01\x04\x1a\x1c", "<C-a> <C-d> <C-z> <C-\\>"},
    {"\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F", "<Up> <Down> <Right> <Left> <Home> <End>"},
    {"\x1bOA\x1bOB\x1bOC\x1bOD\x1bOH\x1bOF", "<Up> <Down> <Right> <Left> <Home> <End>"},
    {"\x1b[1~\x1b[4~\x1b[7~\x1b[8~", "<Home> <End> <Home> <End>"},
    {"\x1b[2~\x1b[3~\x1b[5~\x1b[6~", "<Insert> <Delete> <PageUp> <PageDown>"},
    {"\x1bOP\x1bOQ\x1bOR\x1bOS\x1b[15~\x1b[24~", "<F1> <F2> <F3> <F4> <F5> <F12>"},
    {"\x1b[11~\x1b[[A\x1b[[E", "<F1> <F1> <F5>"},
    {"\x1b[Z", "<BackTab>"},
    {"\x1b[1;5A\x1b[1;2D\x1b[1;3C\x1b[3;5~\x1bO5A", "<C-Up> <S-Left> <A-Right> <C-Delete> <Up>"},
    {"\x1b[1;2R\x1b[24;80R", "<S-F3>"},
    {"\x1b" "b\x1b\x7f\x1b\xC3\xA9", "<A-b> <A-Backspace> <A-é>"},
    {"\x1b[97;5u\x1b[9;2u\x1b[27u", "<C-a> <BackTab> <Esc>"},
    {"\x1b[0n", "status"},
    {"\x1b[I\x1b[O\x1b[?62;22c\x1b[>0;276;0c\x1b[99~x", "x"},
    {"\x1b[M !!x\x1b[<0;3;4Mx", "x x"},
    {"\xFFx\xC3(\x80", "x ("},
    {"\x1b[200~echo 1\rrm -rf /\r\nx\x1b[201~j", "paste(echo 1\nrm -rf /\nx) j"},
    {"\x1b[200~\x1b[31mred\x1b[0m\x03\x1b\x1b[201~", "paste(red\xEF\xBF\xBD\xEF\xBF\xBD)"},
    {"\x1b[200~\x1b[201~", "paste()"},
    /* Answers that nobody asked for press no key: colours, title, DA3, version, APC, PM, SOS. */
    {"a\x1b]11;rgb:ffff/ffff/=q\x07" "b\x1b]10;rgb:0=q\x1b\\c", "a b c"},
    {"\x1b]lHALT =q\r:quit\r\x1b\\x", "x"},
    {"\x1bP!|00000000\x1b\\\x1bP>|XTerm(368)\x1b\\\x1bP1+r544e=787465\x1b\\x", "x"},
    {"\x1b_Gi=31;OK\x1b\\\x1b^private\x1b\\\x1bXstring\x1b\\x", "x"},
    {"\x1b]0;lost\x1b[Ax", "<Up> x"}, {"\x1b]0;q\x18x\x1bPq\x1ay", "x y"},
    {"\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27;28cx", "x"},
    {"\x1b[24;80R\x1b[3n\x1b[?2026;2$y\x1b[8;24;80t\x1b[?1;2c\x1b[?62;cx", "x"},
};
/* clang-format on */

static void expect_events(const struct input_row *row, size_t split)
{
    AUTO_BUF struct buf out;
    struct input *input = input_new();
    size_t len = strlen(row->bytes);
    buf_init(&out, 4096);
    input_feed(input, row->bytes, split);
    input_feed(input, row->bytes + split, len - split);
    read_events(input, &out);
    assert_string_equal(out.data, row->events);
    input_free(input);
}

static void sequences_become_keys_wherever_they_are_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t split = 0; split <= strlen(rows[i].bytes); split++) {
            expect_events(&rows[i], split);
        }
    }
}

static void a_lone_escape_waits_a_moment(void **state)
{
    static const struct input_row waits[] = {
        {"\x1b",          "<Esc>"      },
        {"\x1b\x1b",      "<Esc> <Esc>"},
        {"\x1b[",         "<A-[>"      },
        {"\x1bO",         "<A-O>"      },
        {"\x1b[1;",       ""           },
        {"\xE6\xBC",      ""           },
        {"\x1b]",         "<A-]>"      },
        {"\x1bP",         "<A-P>"      },
        {"\x1b]11;rgb:=", ""           },
        {"x\x1b",         "x <Esc>"    },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        AUTO_BUF struct buf out;
        buf_init(&out, 4096);
        struct input *input = input_new();
        assert_false(input_is_waiting(input));
        input_feed(input, waits[i].bytes, strlen(waits[i].bytes));
        assert_true(input_is_waiting(input));
        for (int k = 0; k < 25 && input_is_waiting(input);
             k++) /* of an answer: half a second */
            input_expire(input);
        assert_false(input_is_waiting(input));
        read_events(input, &out);
        assert_string_equal(out.data, waits[i].events);
        input_feed(input, "j", 1);
        buf_clear(&out);
        read_events(input, &out);
        assert_string_equal(out.data, "j");
        input_free(input);
    }
}

/* On a slow line an answer comes in pieces. */
static void the_rest_of_an_answer_is_no_key(void **state)
{
    static const char *const pieces[][2] = {
        {"\x1b[?62;",    "22c"   },
        {"\x1b]11;rgb:", "=q\x07"},
        {"\x1b]0;a\x1b", "\\"    }
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        AUTO_BUF struct buf out;
        buf_init(&out, 4096);
        struct input *input = input_new();
        input_feed(input, pieces[i][0], strlen(pieces[i][0]));
        input_expire(input);
        input_expire(input);
        input_feed(input, pieces[i][1], strlen(pieces[i][1]));
        input_feed(input, "j", 1);
        read_events(input, &out);
        assert_string_equal(out.data, "j");
        input_free(input);
    }
}

static void a_paste_is_bounded_and_waits_for_its_end(void **state)
{
    struct input *input = input_new();
    struct input_event event;
    (void)state;
    input_feed(input, "\x1b[200~", 6);
    AUTO_FREE char *megabyte = mem_alloc(1024 * 1024);
    memset(megabyte, 'y', 1024 * 1024);
    for (int i = 0; i < 3; i++) {
        input_feed(input, megabyte, 1024 * 1024);
    }
    assert_false(input_is_waiting(input));
    assert_false(input_next(input, &event));
    input_feed(input, "\x1b[201~", 6);
    assert_true(input_next(input, &event));
    assert_int_equal(event.kind, INPUT_PASTE);
    assert_int_equal(event.len, INPUT_PASTE_MAX);
    free(event.text);
    input_free(input);
}

static void noise_never_overflows(void **state)
{
    unsigned seed = 7;
    (void)state;
    struct input *input = input_new();
    AUTO_BUF struct buf out;
    buf_init(&out, 64);
    for (int i = 0; i < 300000; i++) {
        static const char alphabet[] = "\x1b[O;0123~AMRu<?\xC3\xA9\xE2x";
        seed = seed * 1103515245u + 12345u;
        char byte = (seed & 0x80000000u) != 0
                        ? alphabet[(seed >> 16) % (sizeof(alphabet) - 1)]
                        : (char)(seed >> 16 & 0xFF);
        input_feed(input, &byte, 1);
        if (i % 3000 == 0) {
            read_events(input, &out);
        }
    }
    for (int i = 0; i < 500; i++) {
        input_feed(input, "\x1b[1;1;1;1;1;1;1;11111111111111", 30);
    }
    input_feed(input, "q", 1);
    input_free(input);
    input_free(NULL);
}

static void the_wheel_counts_when_it_was_asked_for(void **state)
{
    static const char reports[] =
        "\x1b[<64;10;5M\x1b[<65;1;1M\x1b[<68;1;1M" /* up down up */
        "\x1b[<0;3;3M\x1b[<0;3;3m\x1b[<64;1;1m\x1b[<999999999999M"
        "\x1b[<M";
    struct input_event event;
    (void)state;
    for (int is_on = 0; is_on <= 1; is_on++) {
        struct input *input = input_new();
        int n_up = 0, n_down = 0, n_other = 0;
        input_take_wheel(input, is_on == 1);
        for (size_t i = 0; i < sizeof(reports) - 1; i++) { /* split anywhere */
            input_feed(input, &reports[i], 1);
        }
        while (input_next(input, &event)) {
            bool is_key = event.kind == INPUT_KEY;
            n_up += is_key && event.key == KEYC_UP;
            n_down += is_key && event.key == KEYC_DOWN;
            n_other += !is_key || (event.key != KEYC_UP && event.key != KEYC_DOWN);
            free(event.text);
        }
        assert_int_equal(n_up, is_on * 6);
        assert_int_equal(n_down, is_on * 3);
        assert_int_equal(n_other, 0);
        input_free(input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_become_keys_wherever_they_are_split),
        cmocka_unit_test(a_lone_escape_waits_a_moment),
        cmocka_unit_test(the_rest_of_an_answer_is_no_key),
        cmocka_unit_test(a_paste_is_bounded_and_waits_for_its_end),
        cmocka_unit_test(noise_never_overflows),
        cmocka_unit_test(the_wheel_counts_when_it_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
