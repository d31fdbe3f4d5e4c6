/* SPDX-License-Identifier: MIT */
/* Presence: who is here is told, who is gone is not, and nothing that lies there does harm. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "store/presence.h"
#include "tests/lib/place.h"

static struct presence_row row_of(const char *user, int64_t since)
{
    struct presence_row row = {.since = {since}};
    (void)snprintf(row.user, sizeof(row.user), "%s", user);
    return row;
}

/* A process that is here until it is killed. */
static pid_t begin_other(const char *path, const char *user, int64_t since)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct err err = ERR_INIT;
        struct presence_row row = row_of(user, since);
        struct presence *presence = presence_begin(path, &row, &err);
        presence_tell(presence, "workflow wf-12");
        (void)!write(ready[1], presence != NULL ? "y" : "n", 1);
        for (;;) {
            (void)pause();
        }
    }
    char answer = 'n';
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    (void)close(ready[0]);
    (void)close(ready[1]);
    return pid;
}

static void end_other(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_who_is_here(void **state)
{
    const struct place *place = *state;
    struct presence_row rows[4];
    struct err err = ERR_INIT;
    assert_int_equal(presence_list(place->path, rows, 4), 0);
    pid_t ada = begin_other(place->path, "ada", 2000);
    pid_t eve = begin_other(place->path, "eve", 1000);
    struct presence_row me = row_of("me", 3000);
    me.is_read_only = true;
    struct presence *self = presence_begin(place->path, &me, &err);
    assert_non_null(self);
    assert_int_equal(presence_list(place->path, rows, 4), 3);
    assert_string_equal(rows[0].user, "eve");
    assert_string_equal(rows[0].view, "workflow wf-12");
    assert_string_equal(rows[1].user, "ada");
    assert_int_equal(rows[1].pid, ada);
    assert_string_equal(rows[2].user, "me");
    assert_true(rows[2].is_read_only && !rows[1].is_read_only);
    assert_int_equal(presence_list(place->path, rows, 2), 2);
    end_other(eve); /* nothing of hers ran any more */
    assert_int_equal(presence_list(place->path, rows, 4), 2);
    assert_string_equal(rows[0].user, "ada");
    presence_end(self);
    assert_int_equal(presence_list(place->path, rows, 4), 1);
    end_other(ada);
    assert_int_equal(presence_list(place->path, rows, 4), 0);
}

static void test_what_lies_there(void **state)
{
    const struct place *place = *state;
    struct presence_row rows[4];
    struct err err = ERR_INIT;
    AUTO_FREE char *folder = mem_printf("%s-here", place->path);
    struct presence_row me = row_of("m\x1b[31m\xE2\x80\xAE", 1);
    struct presence *self = presence_begin(place->path, &me, &err);
    AUTO_FREE char *link = file_join(folder, "1"), *fifo = file_join(folder, "2");
    AUTO_FREE char *text = file_join(folder, "3"), *other = file_join(folder, "x3");
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_true(file_write(text, "no json", 7, &err));
    assert_true(file_write(other, "{}", 2, &err));
    assert_int_equal(presence_list(place->path, rows, 4), 1);
    assert_null(strchr(rows[0].user, '\x1b'));
    presence_end(self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_who_is_here),
        PLACE_TEST(test_what_lies_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
