/* SPDX-License-Identifier: MIT */
#include "tui/cli/watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "store/bell.h"

/* Without an engine, or without inotify: how long until the next look. */
static const struct span look_again = {1000};

struct watch {
    char *store;
    struct bell_client *bell; /* NULL: no engine */
    int inotify; /* -1: used up on this machine (fs.inotify.max_user_instances) */
    int folder;  /* watch of the store's folder, while no engine runs; -1 */
    int file;    /* watch of the file; -1 */
    bool has_file;
    int fds[WATCH_FDS_MAX];
    int n_fds;
    bool has_rung; /* a command was written: an engine that comes up later is told, too */
};

static void look_for_engine(struct watch *watch)
{
    if (watch->bell == NULL) {
        watch->bell = bell_connect(watch->store);
        if (watch->bell != NULL && watch->has_rung) {
            bell_client_ring(watch->bell);
        }
    }
    if (watch->inotify < 0) {
        return;
    }
    if (watch->bell != NULL && watch->folder >= 0) {
        (void)inotify_rm_watch(watch->inotify,
                               watch->folder); /* gone with the folder? fine */
        watch->folder = -1;
    } else if (watch->bell == NULL && watch->folder < 0) {
        const char *slash = strrchr(watch->store, '/');
        AUTO_FREE char *folder =
            slash != NULL ? mem_strn(watch->store, (size_t)(slash - watch->store) + 1)
                          : mem_str(".");
        watch->folder =
            inotify_add_watch(watch->inotify, folder, IN_CREATE | IN_MOVED_TO);
    }
}

struct watch *watch_new(const char *store_path)
{
    struct watch *watch = mem_alloc(sizeof(*watch));
    watch->store = mem_str(store_path);
    watch->folder = watch->file = -1;
    watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    look_for_engine(watch);
    return watch;
}

void watch_free(struct watch *watch)
{
    if (watch == NULL) {
        return;
    }
    bell_disconnect(watch->bell);
    if (watch->inotify >= 0) {
        (void)close(watch->inotify);
    }
    free(watch->store);
    free(watch);
}

void watch_file(struct watch *watch, const char *path)
{
    if (watch->file >= 0) {
        (void)inotify_rm_watch(watch->inotify, watch->file); /* the file may be gone */
        watch->file = -1;
    }
    watch->has_file = path != NULL;
    if (path != NULL && watch->inotify >= 0) {
        watch->file = inotify_add_watch(watch->inotify, path, IN_MODIFY);
    }
}

void watch_fd(struct watch *watch, int fd)
{
    if (watch->n_fds == WATCH_FDS_MAX) {
        BUG("too many descriptors in one watch");
    }
    watch->fds[watch->n_fds++] = fd;
}

static void drain_inotify(const struct watch *watch)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    while (read(watch->inotify, events, sizeof(events)) > 0) {
        /* what happened does not matter: the caller looks at everything again */
    }
}

/* The wait may end by itself after look_again when something cannot be heard. */
static bool is_deaf(const struct watch *watch)
{
    return watch->bell == NULL || (watch->has_file && watch->file < 0);
}

bool watch_wait(struct watch *watch, struct span timeout)
{
    struct pollfd fds[2 + WATCH_FDS_MAX] = {
        {.fd = watch->bell != NULL ? bell_client_fd(watch->bell) : -1, .events = POLLIN},
        {.fd = watch->inotify,                                         .events = POLLIN},
    };
    for (int i = 0; i < watch->n_fds; i++) {
        fds[2 + i] = (struct pollfd){.fd = watch->fds[i], .events = POLLIN};
    }
    struct span wait = timeout;
    if (is_deaf(watch) && (timeout.ms < 0 || timeout.ms > look_again.ms)) {
        wait = look_again;
    }
    int n = poll(fds, 2 + (nfds_t)watch->n_fds,
                 wait.ms > INT32_MAX ? INT32_MAX : (int)wait.ms);
    if (watch->inotify >= 0 && fds[1].revents != 0) {
        drain_inotify(watch);
    }
    if (fds[0].revents != 0 && !bell_client_heard(watch->bell)) {
        bell_disconnect(watch->bell);
        watch->bell = NULL;
    }
    if (watch->bell == NULL || watch->folder >= 0) {
        look_for_engine(watch);
    }
    return n != 0 || wait.ms != timeout.ms;
}

bool watch_has_engine(const struct watch *watch)
{
    return watch->bell != NULL;
}

void watch_ring(struct watch *watch)
{
    watch->has_rung = true;
    if (watch->bell == NULL) {
        look_for_engine(watch); /* it may have come up while the command was written */
    } else {
        bell_client_ring(watch->bell);
    }
}

enum err_code watch_fault(const struct watch *watch)
{
    return watch->bell != NULL ? bell_client_fault(watch->bell) : ERR_NONE;
}
