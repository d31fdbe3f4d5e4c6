/* SPDX-License-Identifier: MIT */
#include "store/presence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/text.h"

#define FILE_MAX 2048 /* bytes of what a console says */

struct presence {
    int fd;
    char *path;
    struct presence_row row;
};

static char *folder_of(const char *store_path)
{
    return mem_printf("%s-here", store_path);
}

/* Whoever can use the store can use what lies beside it. */
static mode_t mode_of(const char *store_path)
{
    struct stat info;
    return stat(store_path, &info) == 0 ? (info.st_mode & 0666) | 0600 : 0600;
}

static bool put(const struct presence *presence)
{
    const struct presence_row *row = &presence->row;
    AUTO_BUF struct buf out;
    struct jsonw w;
    buf_init(&out, FILE_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "pid", row->pid);
    jsonw_str(&w, "user", row->user);
    jsonw_str(&w, "tty", row->tty);
    jsonw_str(&w, "from", row->from);
    jsonw_str(&w, "view", row->view);
    jsonw_int(&w, "since", row->since.ms);
    jsonw_bool(&w, "read_only", row->is_read_only);
    jsonw_close(&w, '}');
    return pwrite(presence->fd, out.data, out.len, 0) == (ssize_t)out.len &&
           ftruncate(presence->fd, (off_t)out.len) == 0;
}

/* The lock comes before the name: nobody takes the file for one of the dead. */
static bool make(struct presence *presence, const char *folder, mode_t mode,
                 struct err *err)
{
    AUTO_FREE char *new_path = mem_printf("%s/.%d", folder, presence->row.pid);
    (void)unlink(new_path);
    presence->fd =
        open(new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (presence->fd < 0 || fchmod(presence->fd, mode) != 0 ||
        flock(presence->fd, LOCK_EX | LOCK_NB) != 0 || !put(presence) ||
        rename(new_path, presence->path) != 0) {
        return err_sys(err, "%s", new_path);
    }
    return true;
}

struct presence *presence_begin(const char *store_path, const struct presence_row *row,
                                struct err *err)
{
    AUTO_FREE char *folder = folder_of(store_path);
    mode_t mode = mode_of(store_path);
    /* To read is to be able to enter. */
    mode_t enter = mode | (mode & 0444) >> 2;
    if (mkdir(folder, 0700) == 0) {
        (void)chmod(folder, enter);
    }
    struct presence *presence = mem_alloc(sizeof(*presence));
    presence->row = *row;
    presence->row.pid = (int)getpid();
    presence->path = mem_printf("%s/%d", folder, presence->row.pid);
    if (!make(presence, folder, mode, err)) {
        presence_end(presence);
        return NULL;
    }
    return presence;
}

void presence_tell(struct presence *presence, const char *view)
{
    if (presence != NULL && strcmp(presence->row.view, view) != 0) {
        (void)snprintf(presence->row.view, sizeof(presence->row.view), "%s", view);
        (void)put(presence); /* it is only told */
    }
}

void presence_end(struct presence *presence)
{
    if (presence != NULL) {
        if (presence->fd >= 0) {
            (void)unlink(presence->path);
            (void)close(presence->fd);
        }
        free(presence->path);
        free(presence);
    }
}

/* ---- the others ------------------------------------------------------------------------- */

static bool parse(const char *text, size_t len, struct presence_row *ret)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, len, &ignored);
    if (root == NULL) {
        return false;
    }
    memset(ret, 0, sizeof(*ret)); /* rows are compared as bytes */
    ret->pid = (int)json_int(root, "pid", 0);
    ret->since.ms = json_int(root, "since", 0);
    ret->is_read_only = json_bool(root, "read_only", false);
    (void)text_clean_into(ret->user, sizeof(ret->user), json_str(root, "user", ""));
    (void)text_clean_into(ret->tty, sizeof(ret->tty), json_str(root, "tty", ""));
    (void)text_clean_into(ret->from, sizeof(ret->from), json_str(root, "from", ""));
    (void)text_clean_into(ret->view, sizeof(ret->view), json_str(root, "view", ""));
    json_free(root);
    return true;
}

/* False: nobody holds it, or it says nothing that is understood. */
static bool read_one(int folder, const char *name, struct presence_row *ret)
{
    char text[FILE_MAX];
    AUTO_CLOSE int fd =
        openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
        (void)unlinkat(folder, name, 0); /* whoever it was is gone */
        return false;
    }
    ssize_t n = errno == EWOULDBLOCK ? read(fd, text, sizeof(text)) : -1;
    return n > 0 && parse(text, (size_t)n, ret);
}

static int compare(const void *a, const void *b)
{
    const struct presence_row *x = a, *y = b;
    if (x->since.ms != y->since.ms) {
        return x->since.ms < y->since.ms ? -1 : 1;
    }
    return x->pid < y->pid ? -1 : x->pid > y->pid;
}

size_t presence_list(const char *store_path, struct presence_row *rows, size_t max)
{
    AUTO_FREE char *path = folder_of(store_path);
    DIR *folder = opendir(path);
    size_t n = 0;
    if (folder == NULL) {
        return 0;
    }
    const struct dirent *entry;
    while (n < max && (entry = readdir(folder)) != NULL) {
        /* Names are numbers of processes; one that begins with a dot is being made. */
        if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name) &&
            read_one(dirfd(folder), entry->d_name, &rows[n])) {
            n++;
        }
    }
    (void)closedir(folder);
    if (n > 1) {
        qsort(rows, n, sizeof(*rows), compare);
    }
    return n;
}
