/* SPDX-License-Identifier: MIT */
#include "tui/file_watch.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

#define SOON_MS 5000

static int set_up(void **state)
{
    char folder[] = "/tmp/signalbox-watch.XXXXXX";
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    *state = mem_str(folder);
    return 0;
}

static int tear_down(void **state)
{
    AUTO_FREE char *folder = *state;
    struct err err = ERR_INIT;
    return file_remove_tree(folder, &err) ? 0 : -1;
}

static void put(const char *path, const char *text)
{
    struct err err = ERR_INIT;
    assert_true(file_write(path, text, strlen(text), &err));
}

/* The bits of the next news; 0 when there are none. */
static unsigned next(struct file_watch *watch, int ms)
{
    struct pollfd fd = {.fd = file_watch_fd(watch), .events = POLLIN};
    unsigned bits = 0;
    while (bits == 0 && poll(&fd, 1, ms) > 0) {
        bits = file_watch_read(watch);
    }
    return bits;
}

static void what_is_written_is_told(void **state)
{
    AUTO_FREE char *one = file_join(*state, "one");
    AUTO_FREE char *two = file_join(*state, "two");
    AUTO_FREE char *other = file_join(*state, "other");
    struct file_watch *watch = file_watch_new();
    file_watch_set(watch, 0, one);
    file_watch_set(watch, 2, two);
    assert_int_equal(next(watch, 0), 0);
    put(one, "1"); /* put in its place by rename */
    assert_int_equal(next(watch, SOON_MS), 1u << 0);
    FILE *file = fopen(two, "we");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(next(watch, SOON_MS), 1u << 2);
    put(other, "x");
    assert_int_equal(next(watch, 50), 0);
    assert_int_equal(unlink(two), 0);
    assert_int_equal(next(watch, SOON_MS), 1u << 2);
    file_watch_free(watch);
}

static void two_files_of_a_folder_do_not_disturb_each_other(void **state)
{
    AUTO_FREE char *one = file_join(*state, "one");
    AUTO_FREE char *two = file_join(*state, "two");
    AUTO_FREE char *nowhere = file_join(*state, "none/at/all");
    struct file_watch *watch = file_watch_new();
    file_watch_set(watch, 0, one);
    file_watch_set(watch, 1, two);
    file_watch_set(watch, 0, NULL);
    put(one, "1");
    assert_int_equal(next(watch, 50), 0);
    put(two, "2");
    assert_int_equal(next(watch, SOON_MS), 1u << 1);
    file_watch_set(watch, 0, nowhere);
    file_watch_set(watch, 0, one);
    file_watch_set(watch, 1, one); /* the same file twice */
    put(one, "3");
    assert_int_equal(next(watch, SOON_MS), 1u << 0 | 1u << 1);
    file_watch_free(watch);
    file_watch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_files_of_a_folder_do_not_disturb_each_other,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
