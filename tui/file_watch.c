/* SPDX-License-Identifier: MIT */
#include "tui/file_watch.h"

#include <limits.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/base/mem.h"

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR)

struct watched {
    char *path, *name; /* NULL = free; name: without its folder */
    int folder;        /* watch descriptor, -1 = the folder cannot be watched */
};

struct file_watch {
    int fd;
    struct watched files[WATCH_FILES_MAX];
};

struct file_watch *file_watch_new(void)
{
    struct file_watch *watch = mem_alloc(sizeof(*watch));
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return watch;
}

static void forget(struct file_watch *watch, int slot)
{
    struct watched gone = watch->files[slot];
    watch->files[slot] = (struct watched){0};
    bool is_used = gone.path == NULL || gone.folder < 0;
    for (int i = 0; i < WATCH_FILES_MAX && !is_used; i++) {
        is_used = watch->files[i].path != NULL && watch->files[i].folder == gone.folder;
    }
    if (!is_used) {
        (void)inotify_rm_watch(watch->fd, gone.folder);
    }
    free(gone.path);
    free(gone.name);
}

void file_watch_free(struct file_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    for (int i = 0; i < WATCH_FILES_MAX; i++) {
        forget(watch, i);
    }
    if (watch->fd >= 0) {
        (void)close(watch->fd);
    }
    free(watch);
}

int file_watch_fd(const struct file_watch *watch)
{
    return watch->fd;
}

void file_watch_set(struct file_watch *watch, int slot, const char *path)
{
    struct watched *file = &watch->files[slot];
    bool is_none = path == NULL || path[0] == '\0';
    if (!is_none && file->path != NULL && file->folder >= 0 &&
        strcmp(file->path, path) == 0) {
        return;
    }
    forget(watch, slot);
    if (is_none || watch->fd < 0) {
        return;
    }
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    AUTO_FREE char *folder = slash == NULL   ? mem_str(".")
                             : slash == path ? mem_str("/")
                                             : mem_strn(path, len);
    file->path = mem_str(path);
    file->name = mem_str(slash != NULL ? slash + 1 : path);
    file->folder = inotify_add_watch(watch->fd, folder, EVENTS);
}

/* The files that an event is about. */
static unsigned told(const struct file_watch *watch, const struct inotify_event *event)
{
    unsigned bits = 0;
    for (int i = 0; i < WATCH_FILES_MAX; i++) {
        const struct watched *file = &watch->files[i];
        if (file->path == NULL) {
            continue;
        }
        bool is_it = event->wd == file->folder && event->len > 0 &&
                     strcmp(event->name, file->name) == 0;
        if (is_it || (event->mask & IN_Q_OVERFLOW) != 0) {
            bits |= 1u << i;
        }
    }
    return bits;
}

unsigned file_watch_read(struct file_watch *watch)
{
    /* As inotify(7) has it: aligned, and room for at least one event. */
    char bytes[8 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
        __attribute__((aligned(__alignof__(struct inotify_event))));
    unsigned bits = 0;
    ssize_t n;
    while (watch->fd >= 0 && (n = read(watch->fd, bytes, sizeof(bytes))) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event = (const void *)(bytes + at);
            bits |= told(watch, event);
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
    return bits;
}
