/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/retention.h"

static char folder[] = "/tmp/signalbox-logs.XXXXXX";

static char *put(const char *name, time_t age)
{
    struct err err = ERR_INIT;
    char *path = file_join(folder, name);
    AUTO_FREE char *parent = mem_str(path);
    *strrchr(parent, '/') = '\0';
    assert_true(file_make_dirs(parent, &err));
    assert_true(file_write(path, "x", 1, &err));
    struct timespec times[2] = {{.tv_sec = time(NULL) - age},
                                {.tv_sec = time(NULL) - age}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    return path;
}

static void only_old_logs_go(void **state)
{
    (void)state;
    AUTO_FREE char *old = put("wf-1/1-agent.log", 1000);
    AUTO_FREE char *index = put("wf-1/1-agent.idx", 1000);
    AUTO_FREE char *mixed = put("wf-2/1-agent.log", 1000);
    AUTO_FREE char *fresh = put("wf-2/2-agent.log", 10);
    AUTO_FREE char *foreign = put("other/1-agent.log", 1000);
    AUTO_FREE char *link = file_join(folder, "wf-2/3-link.log");
    AUTO_FREE char *gone = file_join(folder, "wf-1");
    assert_int_equal(symlink(foreign, link), 0);
    assert_false(retention_run(folder, (struct wall){wall_now().ms - 500000}));
    assert_false(file_exists(old));
    assert_false(file_exists(index));
    assert_false(file_exists(gone));
    assert_false(file_exists(mixed));
    assert_true(file_exists(fresh));
    assert_true(file_exists(foreign));
    assert_true(file_exists(link));
}

static void one_call_is_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < RETENTION_MAX + 7; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "wf-%d/%d-agent.log", 10 + i / 50, i);
        AUTO_FREE char *made = put(name, 1000);
        (void)made;
    }
    struct wall before = {wall_now().ms - 500000};
    assert_true(retention_run(folder, before));
    assert_false(retention_run(folder, before));
}

static bool is_two(void *user, int64_t workflow)
{
    (void)user;
    return workflow == 2;
}

static void places_of_unknown_workflows_go(void **state)
{
    (void)state;
    AUTO_FREE char *work = file_join(folder, "work");
    AUTO_FREE char *gone = put("work/wf-1/tree/file", 10);
    AUTO_FREE char *known = put("work/wf-2/tree/file", 10);
    AUTO_FREE char *live = put("work/live/wf-1.1", 10);
    AUTO_FREE char *other = put("work/wf-1x/file", 10);
    assert_false(retention_places(work, is_two, NULL));
    assert_false(file_exists(gone));
    assert_true(file_exists(known));
    assert_true(file_exists(live));
    assert_true(file_exists(other));
}

static void a_missing_folder_is_fine(void **state)
{
    (void)state;
    assert_false(retention_run("/nonexistent/logs", wall_now()));
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    return file_remove_tree(folder, &err) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_old_logs_go),
        cmocka_unit_test(one_call_is_bounded),
        cmocka_unit_test(places_of_unknown_workflows_go),
        cmocka_unit_test(a_missing_folder_is_fine),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
