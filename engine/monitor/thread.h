/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_THREAD_H
#define SIGNALBOX_MONITOR_THREAD_H

/*
 * Monitor thread: the shell around engine/monitor/monitor.h.
 *
 * It reads (the event log and the rows of the store with a connection of its own, /proc, what
 * telemetry scraped), samples every `interval`, writes the metrics file, and gives what was
 * found to whoever keeps it: in order, from the outbox of the file, again after a restart,
 * until the setting FINDING_SETTING of the store says that it was taken.
 *
 * The work does not depend on it: when the store or the metrics file cannot be read or written
 * it says so in the log, tries again, and nothing else waits.
 *
 * Threads: start, stop by who owns it; look and scrape by any thread.
 */

#include "engine/control/message.h"
#include "engine/monitor/monitor.h"

struct pulse; /* store/pulse.h */

struct monitor_thread_options {
    const char *store; /* path */
    struct span interval;
    int64_t disk; /* bytes of the metrics file */
    int max_running;
    const struct rule *rules;
    size_t n_rules;
    const struct scrape_spec *scrapes;
    size_t n_scrapes;
    /* Monitor thread. Takes the finding; false: no room, it is given again later. */
    bool (*on_finding)(void *user, struct monitor_finding *finding);
    /* Monitor thread, each minute. Takes them; NULL: nobody wants them. */
    void (*on_omens)(void *user, struct omen_batch *omens);
    void *user;
    struct pulse *pulse; /* NULL = none; outlives the thread */
};

struct monitor_thread;
/* Returns at once; the thread opens the file, as often as it takes. Options are copied, what they
 * point to outlives the thread. */
NODISCARD struct monitor_thread *
monitor_start(const struct monitor_thread_options *options, struct err *err);
/* Saves everything. Accepts NULL. */
void monitor_stop(struct monitor_thread *thread);
/* The store has news. */
void monitor_look(struct monitor_thread *thread);
/* As telemetry_options.on_scrape. */
void monitor_scraped(struct monitor_thread *thread, size_t index, struct wall at,
                     char *text, size_t len, const struct err *error);

#endif
