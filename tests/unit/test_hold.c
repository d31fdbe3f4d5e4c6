/* SPDX-License-Identifier: MIT */
/* What a runner runs stands still with the file, whoever speaks with it: a command with its
 * pipes, and a child that is spoken with. This program is the runner; a child of it is the
 * engine that halts and lets go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/process.h"
#include "engine/io/talk.h"

static char work[64];
static char *folder, *file, *ticks;
static struct hold hold;

static int set_up(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    (void)snprintf(work, sizeof(work), "/tmp/signalbox-test.XXXXXX");
    assert_non_null(mkdtemp(work));
    folder = mem_printf("%s/wf-1/fx-2", work);
    assert_true(file_make_dirs(folder, &err));
    file = file_join(work, HOLD_FILE);
    ticks = file_join(work, "ticks");
    hold_open(&hold, folder);
    return 0;
}

static int tear_down(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    hold_close(&hold);
    (void)file_remove_tree(work, &err);
    free(folder);
    free(file);
    free(ticks);
    return 0;
}

static void nap(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

static int64_t size(void)
{
    struct stat info;
    return stat(ticks, &info) == 0 ? (int64_t)info.st_size : 0;
}

static void halt(pid_t runner, bool is_on)
{
    int fd = is_on ? open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        (void)close(fd);
    } else {
        (void)unlink(file);
    }
    (void)kill(runner, HOLD_SIGNAL);
}

/* The runner is a child, for it stops whatever descends from it. Once something ticks it is
 * halted for longer than its deadline allows. */
static void beside(bool (*runner)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        hold_close(&hold);
        hold_open(&hold, folder); /* a signalfd reads the signals of who opened it */
        _exit(runner() ? 0 : 1);
    }
    for (int i = 0; i < 6000 && size() < 3; i++) {
        nap(5);
    }
    halt(pid, true);
    nap(250);
    int64_t before = size();
    nap(2500);
    assert_true(before >= 3 && before < 120);
    assert_int_equal(size(), before);
    halt(pid, false);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(size(), 120);
}

static char *script_of(void)
{
    return mem_printf("i=0; while [ $i -lt 60 ]; do echo . >> %s; i=$((i+1)); "
                      "sleep 0.01; done",
                      ticks);
}

static bool run_command(void)
{
    AUTO_FREE char *script = script_of();
    char sh[] = "/bin/sh", flag[] = "-c", path[] = "PATH=/usr/bin:/bin";
    char *const argv[] = {sh, flag, script, NULL}, *const envp[] = {path, NULL};
    struct process_outcome outcome;
    process_run(&(struct process_spec){.argv = argv,
                                       .envp = envp,
                                       .folder = work,
                                       .name = "hold",
                                       .deadline = wall_add(wall_now(), span_s(2)),
                                       .grace = {100},
                                       .keep_fd = -1,
                                       .stop_fd = -1,
                                       .hold = &hold},
                &outcome);
    return outcome.end == PROCESS_EXITED && outcome.status == 0 &&
           hold_stood(&hold).ms >= 2500;
}

static void a_command_stands_and_its_deadline(void **state)
{
    (void)state;
    beside(run_command);
}

static void nothing_begins(void **state)
{
    (void)state;
    char yes[] = "/bin/true", path[] = "PATH=/usr/bin:/bin";
    char *const argv[] = {yes, NULL}, *const envp[] = {path, NULL};
    struct process_outcome outcome;
    int stop[2];
    assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
    halt(getpid(), true);
    assert_int_equal(write(stop[1], "x", 1), 1);
    struct process_spec spec = {.argv = argv,
                                .envp = envp,
                                .folder = work,
                                .name = "hold",
                                .keep_fd = -1,
                                .stop_fd = stop[0],
                                .hold = &hold};
    process_run(&spec, &outcome);
    assert_int_equal(outcome.end, PROCESS_STOPPED); /* it was never started */
    halt(getpid(), false);
    spec.stop_fd = -1;
    process_run(&spec, &outcome);
    assert_int_equal(outcome.end, PROCESS_EXITED);
    (void)close(stop[0]);
    (void)close(stop[1]);
}

static bool speak(void)
{
    struct err err = ERR_INIT;
    struct talk talk;
    AUTO_FREE char *script = script_of();
    char sh[] = "/bin/sh", flag[] = "-c", path[] = "PATH=/usr/bin:/bin";
    char *const argv[] = {sh, flag, script, NULL}, *const envp[] = {path, NULL};
    const struct talk_spec spec = {
        .argv = argv, .envp = envp, .folder = work, .name = "hold", .hold = &hold};
    if (!talk_open(&talk, &spec, &err)) {
        return false;
    }
    struct wall until = wall_add(wall_now(), span_s(2));
    enum talk_event event = talk_wait(&talk, NULL, until, -1);
    while (event == TALK_SPOKE) {
        event = talk_wait(&talk, NULL, until, -1);
    }
    bool has_stood = talk.stood.ms >= 2500;
    talk_close(&talk, (struct span){100});
    return event == TALK_ENDED && has_stood; /* and not TALK_TIME */
}

static void who_is_spoken_with_stands(void **state)
{
    (void)state;
    beside(speak);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_command_stands_and_its_deadline),
        TEST(nothing_begins),
        TEST(who_is_spoken_with_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
