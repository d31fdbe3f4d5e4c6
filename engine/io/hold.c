/* SPDX-License-Identifier: MIT */
#include "engine/io/hold.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

/* WORK/wf-N/fx-SEQ -> WORK/halted */
static char *path_of(const char *folder)
{
    AUTO_FREE char *work = mem_str(folder);
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(work, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
    return file_join(work, HOLD_FILE);
}

void hold_open(struct hold *hold, const char *folder)
{
    sigset_t set;
    (void)sigemptyset(&set); /* these three cannot fail */
    (void)sigaddset(&set, HOLD_SIGNAL);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    *hold = (struct hold){.path = path_of(folder)};
    hold->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void hold_close(struct hold *hold)
{
    if (hold->fd >= 0) {
        (void)close(hold->fd); /* only read */
    }
    free(hold->path);
}

bool hold_look(struct hold *hold)
{
    struct signalfd_siginfo info;
    while (hold->fd >= 0 && read(hold->fd, &info, sizeof(info)) > 0) {
    }
    bool is_on = file_exists(hold->path);
    if (is_on == hold->is_on) {
        return false;
    }
    struct wall now = wall_now();
    hold->is_on = is_on;
    if (is_on) {
        hold->since = now;
    } else {
        int64_t ms = wall_since(now, hold->since).ms;
        hold->last.ms = ms > 0 ? ms : 0;
        hold->total.ms += hold->last.ms;
    }
    return true;
}

struct span hold_stood(const struct hold *hold)
{
    if (hold == NULL) {
        return (struct span){0};
    }
    int64_t ms = hold->is_on ? wall_since(wall_now(), hold->since).ms : 0;
    return (struct span){hold->total.ms + (ms > 0 ? ms : 0)};
}

bool hold_wait(struct hold *hold, int stop_fd)
{
    (void)!hold_look(hold); /* is_on tells */
    while (hold->is_on) {
        struct pollfd fds[] = {
            {.fd = hold->fd, .events = POLLIN},
            {.fd = stop_fd,  .events = POLLIN},
        };
        int n = poll(fds, 2, HOLD_LOOK);
        if (n > 0 && fds[1].revents != 0) {
            return false;
        }
        (void)!hold_look(hold); /* likewise */
    }
    return true;
}
