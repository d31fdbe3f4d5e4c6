/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "tui/call.h"

static struct mono at_ms(int64_t ms)
{
    return (struct mono){1000000000 + ms * 1000000};
}

static void look(struct call *call, int64_t n, const char *halted_by, const char *trouble)
{
    call_look(call, &(struct call_facts){.n_needs = n,
                                         .is_halted = halted_by != NULL,
                                         .halted_by = halted_by != NULL ? halted_by : "",
                                         .trouble = trouble});
}

static void at_most_once_in_ten_seconds(void **state)
{
    (void)state;
    struct call call = {0};
    look(&call, 2, NULL, ""); /* there when it opened */
    assert_null(call_take(&call, at_ms(0)));
    look(&call, -1, NULL, ""); /* not known for a moment */
    look(&call, 2, NULL, "");
    assert_null(call_take(&call, at_ms(0)));
    look(&call, 3, NULL, "");
    assert_string_equal(call_take(&call, at_ms(1)), "signalbox: 3 need you");
    look(&call, 4, NULL, "");
    look(&call, 3, NULL, "");
    look(&call, 5, NULL, "");
    assert_null(call_take(&call, at_ms(9000)));
    assert_true(call_next(&call).ns == at_ms(10001).ns);
    assert_string_equal(call_take(&call, at_ms(10001)), "signalbox: 5 need you");
    assert_null(call_take(&call, at_ms(90000)));
    look(&call, 1, NULL, ""); /* fewer is no news */
    assert_null(call_take(&call, at_ms(90000)));
    look(&call, 2, NULL, "");
    look(&call, 0, NULL, ""); /* over before it was told */
    assert_true(call_next(&call).ns == 0);
}

static void halts_and_troubles_call(void **state)
{
    (void)state;
    struct call call = {0};
    look(&call, 0, NULL, "");
    look(&call, 0, "a\x1b]0;da", "");
    const char *text = call_take(&call, at_ms(0));
    assert_non_null(strstr(text, "HALTED by a"));
    assert_null(strchr(text, '\x1b'));
    look(&call, 0, "ada", "");
    assert_null(call_take(&call, at_ms(60000)));
    look(&call, 1, "ada", "the io thread is stuck");
    assert_string_equal(call_take(&call, at_ms(60000)),
                        "signalbox: HALTED by ada, the io thread is stuck, 1 needs you");
}

static void bytes(void **state)
{
    (void)state;
    static const struct {
        enum call_mode mode;
        enum call_wrap wrap;
        const char *want;
    } cases[] = {
        {CALL_OFF,    CALL_PLAIN,  ""                                          },
        {CALL_BELL,   CALL_TMUX,   "\a"                                        },
        {CALL_OSC9,   CALL_PLAIN,  "\x1b]9;a,b\a"                              },
        {CALL_OSC777, CALL_PLAIN,  "\x1b]777;notify;signalbox;a,b\a"           },
        {CALL_OSC9,   CALL_TMUX,   "\x1bPtmux;\x1b\x1b]9;a,b\a\x1b\\"          },
        {CALL_OSC777, CALL_SCREEN, "\x1bP\x1b]777;notify;signalbox;a,b\a\x1b\\"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_BUF struct buf out;
        buf_init(&out, 1000);
        call_put(&out, cases[i].mode, cases[i].wrap, "a;b");
        assert_string_equal(out.data != NULL ? out.data : "", cases[i].want);
    }
    AUTO_BUF struct buf out;
    buf_init(&out, 1000);
    call_put(&out, CALL_OSC9, CALL_PLAIN, "a\x07\x1b]52;c;eA==\x07\x9c\nb");
    assert_memory_equal(out.data, "\x1b]9;", 4);
    for (size_t i = 4; i + 1 < out.len; i++) { /* nothing ends it early */
        assert_true((unsigned char)out.data[i] >= 0x20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_most_once_in_ten_seconds),
        cmocka_unit_test(halts_and_troubles_call),
        cmocka_unit_test(bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
