/* SPDX-License-Identifier: MIT */

/*
 * Preloaded into the engine by the crash campaign: SIGKILL at the Nth fsync or fdatasync
 * of the process, before it (KILL_AT_SYNC=N) or after it (KILL_AFTER_SYNC=N). These calls
 * are the commit points, so every one of them is hit once, on both sides.
 */

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_long n_syncs;

static void die_when(const char *variable, long n)
{
    const char *wanted = getenv(variable);
    if (wanted != NULL && strtol(wanted, NULL, 10) == n) {
        (void)kill(getpid(), SIGKILL);
    }
}

static int counted(const char *name, int fd)
{
    union {
        void *object;
        int (*function)(int);
    } real;
    long n = atomic_fetch_add(&n_syncs, 1) + 1;
    real.object = dlsym(RTLD_NEXT, name);
    die_when("KILL_AT_SYNC", n);
    int result = real.function(fd);
    die_when("KILL_AFTER_SYNC", n);
    return result;
}

int fsync(int fd)
{
    return counted("fsync", fd);
}

int fdatasync(int fd)
{
    return counted("fdatasync", fd);
}
