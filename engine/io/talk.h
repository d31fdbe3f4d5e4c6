/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_TALK_H
#define SIGNALBOX_IO_TALK_H

/*
 * Talk: a child process that is spoken with over its stdin and stdout.
 *
 * The child gets a session of its own, so it has no controlling terminal and its group can
 * be killed whole; stderr is a third pipe. It dies with us. The caller pumps: talk_wait
 * writes what it is given, reads what comes and hands it to the callbacks. Nothing here
 * knows what is said.
 *
 * For a single-threaded process only (a runner, a holder): it forks, reaps every child,
 * and makes the caller a subreaper. talk_close leaves no descendant alive.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/io/hold.h"
#include "engine/io/limits.h"

struct talk_spec {
    char *const *argv;
    char *const *envp;
    const char *folder;          /* working directory */
    const struct bounds *bounds; /* NULL: none */
    const char *name;            /* for control groups */
    /* What the child says; NULL drops it. Called from talk_wait and talk_close. */
    void (*on_out)(void *user, const char *bytes, size_t len);
    void (*on_err)(void *user, const char *bytes, size_t len);
    void *user;
    struct hold *hold; /* it stands still with this; NULL = never */
};

struct talk {
    struct talk_spec spec;
    struct limits limits;
    pid_t pid;
    int pid_fd, in_fd, out_fd, err_fd; /* -1 = closed */
    size_t written;                    /* of what is to be written */
    bool is_over;
    int wait_status;   /* when is_over */
    struct span stood; /* so much later is everything that talk_wait waits until */
};

enum talk_event {
    TALK_SPOKE, /* something was read or written */
    TALK_TIME,  /* `until` has come */
    TALK_OTHER, /* other_fd is readable (or hung up) */
    TALK_ENDED  /* the child has ended or closed its stdout; all it said was handed on */
};

/* False: err->sys is the errno of what failed; err->code ERR_NOT_FOUND: no such program. */
NODISCARD bool talk_open(struct talk *talk, const struct talk_spec *spec,
                         struct err *err);
/* Wait for one of the events. out: to be written, cleared as far as that was done; NULL:
 * nothing. until unset: for ever; while everything is halted, that time stands. other_fd -1:
 * none. */
enum talk_event talk_wait(struct talk *talk, struct buf *out, struct wall until,
                          int other_fd);
/* Close its stdin; after `grace` SIGTERM to its group, after another SIGKILL to all that
 * descends from us. Accepts one that was never opened or is closed (pid 0). */
void talk_close(struct talk *talk, struct span grace);
/* "ended with exit status 3", "was killed by SIGKILL", "closed its output"; malloc'd. */
NODISCARD char *talk_how_it_ended(const struct talk *talk);

#endif
