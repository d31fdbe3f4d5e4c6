/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_NOTIFY_H
#define SIGNALBOX_IO_NOTIFY_H

/*
 * Notify: the thread that tells people who do not look at a screen: it follows the event log,
 * makes notices of it (engine/io/notice.h), and sends them over HTTP to what is configured:
 * a topic of ntfy (docs.ntfy.sh/publish), an incoming webhook as Slack has it
 * (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks), or JSON to anything.
 * Nothing waits for it.
 *
 * Watermark. STORE-notify, a small JSON file that this thread alone writes, atomically and
 * synced: for each target the number of the newest event that is done with, told or not worth
 * it. So a restart tells nothing twice and misses nothing; only a crash between the answer and
 * the write tells that one again. A target that is new begins with what happens from now on.
 *
 * Failures. 429, 5xx and a connection that fails are tried again after Retry-After, else after
 * a pause that doubles up to NOTIFY_PAUSE_MAX with jitter; any other answer drops that one
 * notice and is logged. What piles up meanwhile is bounded: more than NOTIFY_EACH at once are
 * told as one sum. One call at a time for each target. A call whose answer never came is made
 * again: better twice than never.
 *
 * Addresses and tokens may be secrets: a log names the target only by its name.
 *
 * Threads: start and stop belong to the starter of the control thread.
 */

#include <stdint.h>

#include "engine/io/notice.h"

#define NOTIFY_EACH      5 /* at once, one by one; more are summed up */
#define NOTIFY_PAUSE_MAX ((struct span){300000})
#define NOTIFY_TIME      ((struct span){15000})

struct notify_options {
    const char *store;
    const char *environment;         /* "" or NULL = not said */
    const struct notify_spec *specs; /* outlive the thread */
    size_t n_specs;
    const char *ca_file;     /* for tests; NULL: as the system is set up */
    struct span pause_first; /* for tests; 0: a second */
};

struct notify_figures {
    int64_t sent, failed, dropped; /* calls that were taken, tried again, refused */
};

struct notify;

NODISCARD struct notify *notify_start(const struct notify_options *options,
                                      struct err *err);
void notify_stop(struct notify *notify); /* accepts NULL */
/* Something was committed. Any thread. */
void notify_look(struct notify *notify);
void notify_figures(const struct notify *notify, struct notify_figures *ret_figures);

#endif
