/* SPDX-License-Identifier: MIT */

/* The program of runners, and starting one. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/job.h"

/* The small program that is installed for runners: beside ours in a build folder, else
 * where `make install` puts it. -1: none, and ours has to do. */
static int open_runner_program(void)
{
    struct err err;
    AUTO_FREE char *self = file_real("/proc/self/exe", &err);
    char *slash = self != NULL ? strrchr(self, '/') : NULL;
    if (slash == NULL) {
        return -1;
    }
    *slash = '\0';
    AUTO_FREE char *beside = file_join(self, "signalbox-run");
    AUTO_FREE char *installed = file_join(self, "../libexec/signalbox/signalbox-run");
    int fd = open(beside, O_PATH | O_CLOEXEC);
    return fd >= 0 ? fd : open(installed, O_PATH | O_CLOEXEC);
}

/* Held open, so that an engine goes on with the runner that it came with when the program
 * is replaced by a newer one. Not /proc/self: the child closes its copy before it begins. */
static char *runner_program(int fd)
{
    return fd >= 0 ? mem_printf("/proc/%ld/fd/%d", (long)getpid(), fd)
                   : mem_str("/proc/self/exe");
}

void job_program_init(struct job_shop *shop, const char *self_exe)
{
    shop->program_fd = self_exe == NULL ? open_runner_program() : -1;
    shop->program =
        self_exe != NULL ? mem_str(self_exe) : runner_program(shop->program_fd);
}

void job_program_fini(struct job_shop *shop)
{
    free(shop->program);
    if (shop->program_fd >= 0) {
        (void)close(shop->program_fd); /* only a path */
    }
}

/* posix_spawn shares memory with the child until exec: it costs the same however large
 * the engine is. */
bool job_spawn(const struct job_shop *shop, const char *folder, char *const *env,
               pid_t *ret_pid, struct err *err)
{
    char program[] = "signalbox", verb[] = "__run";
    AUTO_FREE char *place = mem_str(folder);
    char *const argv[] = {program, verb, place, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none); /* cannot fail */
    (void)sigfillset(&all);   /* cannot fail */
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    for (int fd = 0; fd < 3; fd++) {
        (void)posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    }
    (void)posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    (void)posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    errno = posix_spawn(ret_pid, shop->program, &actions, &attributes, argv, env);
    bool done = errno == 0 || err_sys(err, "starting %s", shop->program);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return done;
}
