/* SPDX-License-Identifier: MIT */
#include "engine/io/retention.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

static DIR *open_folder(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (folder == NULL && fd >= 0) {
        (void)close(fd); /* nothing was done with it */
    }
    return folder;
}

static bool is_old(int folder, const char *name, struct wall before)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (int64_t)st.st_mtim.tv_sec * 1000 < before.ms;
}

/* Old files of one workflow's folder; returns how many went. */
static int clear(DIR *folder, struct wall before, int max)
{
    int n = 0;
    struct dirent *entry;
    while (n < max && (entry = readdir(folder)) != NULL) {
        if (is_old(dirfd(folder), entry->d_name, before) &&
            unlinkat(dirfd(folder), entry->d_name, 0) == 0) {
            n++;
        }
    }
    return n;
}

bool retention_run(const char *logs, struct wall before)
{
    int n = 0;
    DIR *top = open_folder(AT_FDCWD, logs);
    struct dirent *entry;
    while (top != NULL && n < RETENTION_MAX && (entry = readdir(top)) != NULL) {
        DIR *folder = strncmp(entry->d_name, "wf-", 3) == 0
                          ? open_folder(dirfd(top), entry->d_name)
                          : NULL;
        if (folder == NULL) {
            continue;
        }
        int gone = clear(folder, before, RETENTION_MAX - n);
        (void)closedir(folder); /* only read */
        if (gone > 0) {
            (void)unlinkat(dirfd(top), entry->d_name, AT_REMOVEDIR); /* when empty */
        }
        n += gone;
    }
    if (top != NULL) {
        (void)closedir(top); /* only read */
    }
    return n == RETENTION_MAX;
}

/* N of "wf-N", 0 when it is another name. */
static int64_t number_of(const char *name)
{
    char *end;
    if (strncmp(name, "wf-", 3) != 0 || name[3] < '1' || name[3] > '9') {
        return 0;
    }
    long long number = strtoll(name + 3, &end, 10);
    return *end == '\0' ? number : 0;
}

bool retention_places(const char *work, bool (*is_known)(void *user, int64_t workflow),
                      void *user)
{
    int n = 0;
    DIR *top = open_folder(AT_FDCWD, work);
    struct dirent *entry;
    while (top != NULL && n < RETENTION_MAX && (entry = readdir(top)) != NULL) {
        int64_t workflow = number_of(entry->d_name);
        if (workflow > 0 && !is_known(user, workflow)) {
            struct err err;
            AUTO_FREE char *place = file_join(work, entry->d_name);
            n += file_remove_tree(place, &err); /* what stays is tried again */
        }
    }
    if (top != NULL) {
        (void)closedir(top); /* only read */
    }
    return n == RETENTION_MAX;
}
