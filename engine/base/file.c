/* SPDX-License-Identifier: MIT */
#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"

bool file_read(const char *path, size_t max, char **ret_data, size_t *ret_len,
               struct err *err)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_sys(err, "%s", path);
    }
    AUTO_BUF struct buf buf;
    buf_init(&buf, max);
    char chunk[16384];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_sys(err, "%s", path);
        }
        if (n == 0) {
            break;
        }
        if (!buf_add(&buf, chunk, (size_t)n)) {
            return err_set(err, ERR_TOO_LARGE, "%s: more than %zu bytes", path, max);
        }
    }
    *ret_data = buf_take(&buf, ret_len);
    return true;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static void sync_folder(const char *path)
{
    AUTO_FREE char *folder = mem_str(path);
    char *slash = strrchr(folder, '/');
    const char *name = ".";
    if (slash == folder) {
        name = "/";
    } else if (slash != NULL) {
        *slash = '\0';
        name = folder;
    }
    AUTO_CLOSE int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* some file systems cannot; the rename is still atomic */
    }
}

bool file_write(const char *path, const void *data, size_t len, struct err *err)
{
    AUTO_FREE char *temporary = mem_printf("%s.%ld.tmp", path, (long)getpid());
    AUTO_CLOSE int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_sys(err, "%s", temporary);
    }
    if (!write_all(fd, data, len) || fsync(fd) != 0 || rename(temporary, path) != 0) {
        (void)err_sys(err, "%s", path);
        (void)unlink(temporary);
        return false;
    }
    sync_folder(path);
    return true;
}

bool file_write_new(const char *path, const void *data, size_t len, struct err *err)
{
    const char *home = getenv("HOME");
    bool is_home = path[0] == '~' && path[1] == '/' && home != NULL;
    AUTO_FREE char *full = is_home ? mem_printf("%s%s", home, path + 1) : mem_str(path);
    AUTO_CLOSE int fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) {
        return err_set(err, ERR_REFUSED, "%.200s: is there already", path);
    }
    if (fd < 0) {
        return err_sys(err, "%.200s", path);
    }
    if (!write_all(fd, data, len)) {
        (void)err_sys(err, "%.200s", path);
        (void)unlink(full);
        return false;
    }
    return true;
}

bool file_make_dirs(const char *path, struct err *err)
{
    AUTO_FREE char *part = mem_str(path);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != '\0') {
            continue;
        }
        char kept = *p;
        *p = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST) {
            return err_sys(err, "%s", part);
        }
        if (kept == '\0') {
            break;
        }
        *p = kept;
    }
    struct stat st;
    if (stat(path, &st) != 0) {
        return err_sys(err, "%s", path);
    }
    return S_ISDIR(st.st_mode) ? true : err_set(err, ERR_IO, "%s: not a folder", path);
}

static int remove_entry(const char *path, const struct stat *st, int type,
                        struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

static int open_up_folder(const char *path, const struct stat *st, int type,
                          struct FTW *ftw)
{
    (void)ftw;
    if ((type == FTW_D || type == FTW_DNR) && (st->st_mode & 0700) != 0700) {
        (void)chmod(path,
                    (st->st_mode & 07777) | 0700); /* removal reports what is left */
    }
    return 0;
}

bool file_remove_tree(const char *path, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return errno == ENOENT ? true : err_sys(err, "%s", path);
    }
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0) {
        return true;
    }
    (void)nftw(path, open_up_folder, 16, FTW_PHYS | FTW_MOUNT);
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0) {
        return true;
    }
    return err_sys(err, "removing %s", path);
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

char *file_join(const char *folder, const char *name)
{
    return mem_printf("%s/%s", folder, name);
}

char *file_real(const char *path, struct err *err)
{
    char *real = realpath(path, NULL);
    if (real == NULL) {
        (void)err_sys(err, "%s", path);
    }
    return real;
}

static char *home_dir(void)
{
    const char *home = getenv("HOME"); // NOLINT(concurrency-mt-unsafe): no thread sets it
    if (home != NULL && home[0] == '/') {
        return mem_str(home);
    }
    struct passwd entry, *found = NULL;
    char space[4096];
    if (getpwuid_r(getuid(), &entry, space, sizeof(space), &found) == 0 &&
        found != NULL) {
        return mem_str(found->pw_dir);
    }
    return mem_str("/");
}

static char *xdg_dir(const char *variable, const char *below_home)
{
    const char *base =
        getenv(variable); // NOLINT(concurrency-mt-unsafe): no thread sets it
    if (base != NULL && base[0] == '/') { /* relative paths are ignored, as specified */
        return mem_printf("%s/signalbox", base);
    }
    AUTO_FREE char *home = home_dir();
    return mem_printf("%s/%s/signalbox", home, below_home);
}

char *file_config_dir(void)
{
    return xdg_dir("XDG_CONFIG_HOME", ".config");
}

char *file_state_dir(void)
{
    return xdg_dir("XDG_STATE_HOME", ".local/state");
}

char *file_data_dir(void)
{
    return xdg_dir("XDG_DATA_HOME", ".local/share");
}
