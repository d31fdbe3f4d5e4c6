/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "store/pulse.h"

static char folder[64], *path;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/signalbox-test.XXXXXX");
    assert_non_null(mkdtemp(folder));
    path = file_join(folder, "s.db");
    return 0;
}

static int tear_down(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    free(path);
    return file_remove_tree(folder, &err) ? 0 : -1;
}

static struct mono after(int64_t ms)
{
    return (struct mono){mono_now().ns + ms * 1000000};
}

static bool find(int64_t ms, enum pulse_thread *ret_thread)
{
    struct span span;
    bool is_found = pulse_find_silent(path, after(ms), ret_thread, &span);
    assert_true(!is_found || span.ms > 2 * PULSE_EVERY.ms);
    return is_found;
}

static void silence_is_seen_from_outside(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    enum pulse_thread who = PULSE_COUNT;
    assert_false(find(0, &who)); /* no file */
    struct pulse *pulse = pulse_open(path, &err);
    assert_non_null(pulse);
    assert_false(find(3600000, &who)); /* nobody has begun */
    pulse_beat(pulse, PULSE_IO);
    assert_false(find(PULSE_EVERY.ms, &who));
    assert_false(find(2 * PULSE_EVERY.ms, &who));
    assert_true(find(2 * PULSE_EVERY.ms + 100, &who));
    assert_int_equal(who, PULSE_IO);
    pulse_beat(pulse, PULSE_CONTROL);
    assert_true(find(60000, &who)); /* the one that matters most */
    assert_int_equal(who, PULSE_CONTROL);
    assert_int_equal(pulse_silence(pulse, PULSE_CONTROL, mono_now()).ms, 0);
    assert_int_equal(pulse_silence(pulse, PULSE_MONITOR, after(60000)).ms, 0);
    assert_in_range(pulse_silence(pulse, PULSE_CONTROL, after(60000)).ms, 59000, 60100);
    pulse_end(pulse, PULSE_CONTROL);
    pulse_close(pulse);
    assert_false(find(3600000, &who));
}

/* What stands there of something else, or of an engine that was killed. */
static void a_file_that_is_none(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    enum pulse_thread who = PULSE_COUNT;
    AUTO_FREE char *file = mem_printf("%s-pulse", path);
    assert_true(file_write(file, "short", 5, &err));
    assert_false(find(60000, &who));
    char bytes[256];
    memset(bytes, 1, sizeof(bytes));
    assert_true(file_write(file, bytes, sizeof(bytes), &err));
    assert_false(find(60000, &who));
    struct pulse *pulse = pulse_open(path, &err);
    assert_non_null(pulse);
    assert_false(find(60000, &who));
    pulse_close(pulse);
    pulse_beat(NULL, PULSE_IO);
    pulse_end(NULL, PULSE_IO);
    pulse_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(silence_is_seen_from_outside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
