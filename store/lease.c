/* SPDX-License-Identifier: MIT */
/*
 * Lease: an open file description lock (fcntl(2)) on PATH-lock. It belongs to the open
 * file, not to the process: another thread's open does not share it, a close of another
 * descriptor does not drop it, and the kernel gives it back when the holder dies. The
 * file is never removed: whoever removed it could take a lock on a name that another one
 * locks anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "store/store.h"

#define ORPHAN_TRIES    200
#define ORPHAN_PAUSE_NS 10000000 /* 2 s in all */

struct lease {
    int fd;
};

/* The lease is taken before the store is made, so its folder may be missing. */
static int open_lock(const char *name, struct err *err)
{
    AUTO_FREE char *folder = mem_str(name);
    char *slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        if (!file_exists(folder) && !file_make_dirs(folder, err)) {
            return -1;
        }
    }
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        (void)err_sys(err, "%s", name);
    }
    return fd;
}

/* Beside the file itself when `path` is a symbolic link, as SQLite does with -wal. */
static char *lock_path(const char *path)
{
    struct err ignored;
    AUTO_FREE char *real = file_real(path, &ignored);
    return mem_printf("%s-lock", real != NULL ? real : path);
}

static int read_pid(int fd)
{
    char text[24] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    return pid > 0 && pid < INT32_MAX ? (int)pid : 0;
}

static bool write_pid(int fd)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
}

/* A child of the holder between fork and exec holds the lock too, for a moment. When the
 * holder itself is dead, that moment is waited for; a living holder is not. */
static bool lock_file(int fd)
{
    for (int tries = 0; tries < ORPHAN_TRIES; tries++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
            return true;
        }
        if (errno != EAGAIN && errno != EACCES) {
            return false;
        }
        int pid = read_pid(fd);
        if (pid != 0 && (kill(pid, 0) == 0 || errno != ESRCH)) {
            break;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = ORPHAN_PAUSE_NS}, NULL);
    }
    errno = EAGAIN;
    return false;
}

enum lease_result lease_take(const char *path, struct lease **ret_lease, int *ret_pid,
                             struct err *err)
{
    AUTO_FREE char *name = lock_path(path);
    int fd = open_lock(name, err);
    if (fd < 0) {
        return LEASE_FAILED;
    }
    if (!lock_file(fd)) {
        enum lease_result result = LEASE_HELD;
        if (errno != EAGAIN && errno != EACCES) {
            (void)err_sys(err, "%s", name);
            result = LEASE_FAILED;
        } else {
            *ret_pid = read_pid(fd);
        }
        (void)close(fd); /* nothing was written */
        return result;
    }
    (void)fchmod(fd, 0600);
    if (!write_pid(fd)) {
        /* The number is for people; on a full disk the lock alone must do. */
    }
    struct lease *lease = mem_alloc(sizeof(*lease));
    lease->fd = fd;
    *ret_lease = lease;
    return LEASE_TAKEN;
}

void lease_give_back(struct lease *lease)
{
    if (lease == NULL) {
        return;
    }
    if (ftruncate(lease->fd, 0) != 0) {
        /* A stale number does no harm: the lock alone counts. */
    }
    (void)close(lease->fd); /* gives the lock back */
    free(lease);
}

bool lease_is_held(const char *path, int *ret_pid)
{
    AUTO_FREE char *name = lock_path(path);
    AUTO_CLOSE int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return false;
    }
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) {
        return false;
    }
    *ret_pid = read_pid(fd);
    return true;
}
