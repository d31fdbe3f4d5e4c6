/* SPDX-License-Identifier: MIT */
#include "engine/service/local_turn.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

#define TIME  120000 /* ms: as many merges as can queue up in front */
#define PAUSE 20     /* ms */

static int open_lock(const struct git *git)
{
    AUTO_FREE char *path = file_join(git->common, "signalbox.lock");
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static bool lock(const struct git *git, int fd)
{
    int64_t tries = (git->patience.ms > 0 ? git->patience.ms : TIME) / PAUSE;
    for (int64_t i = 0; i < tries && !runner_is_stopped(git->runner); i++) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(fd, F_OFD_SETLK, &whole) == 0) {
            return true;
        }
        (void)poll(NULL, 0, PAUSE);
    }
    return false;
}

bool turn_take(struct git *git, struct effect_result *result)
{
    if (git->n_turns > 0) {
        git->n_turns++;
        return true;
    }
    int fd = open_lock(git);
    if (fd >= 0 && lock(git, fd)) {
        git->turn_fd = fd;
        git->n_turns = 1;
        return true;
    }
    result->status = STATUS_FAILED;
    result->blame = BLAME_WORLD;
    free(result->summary);
    result->summary = mem_printf("waited in vain for signalbox.lock in %s", git->common);
    if (fd >= 0) {
        (void)close(fd); /* nothing was locked */
    }
    return false;
}

void turn_give(struct git *git)
{
    if (--git->n_turns == 0) {
        (void)close(git->turn_fd); /* gives the lock back */
        git->turn_fd = 0;
    }
}
