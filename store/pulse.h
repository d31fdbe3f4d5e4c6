/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_PULSE_H
#define SIGNALBOX_STORE_PULSE_H

/*
 * Pulse: the beats of the engine's threads, for whoever wants to know whether one of them is
 * stuck: the other threads, and every screen.
 *
 * PATH-pulse is one small page of memory that the engine shares (mmap): a number for each
 * thread, the moment of its last beat on CLOCK_MONOTONIC, which all processes of a machine
 * share and which does not run while it sleeps. A beat is a store to memory; nothing is
 * written that would be waited for. 0: the thread has not begun, or has ended well.
 *
 * A thread beats at least every PULSE_EVERY, also when it has nothing to do. Silent: no beat
 * for more than two of them.
 */

#include "engine/base/clock.h"
#include "engine/base/err.h"

/* X(identifier, word, what stands still without it) */
#define PULSE_LIST(X)                                                                    \
    X(PULSE_CONTROL, "control", "nothing moves")                                         \
    X(PULSE_IO, "io", "no step begins, and no result comes in")                          \
    X(PULSE_MONITOR, "monitor", "nothing is measured")
enum pulse_thread {
#define X(id, word, help) id,
    PULSE_LIST(X)
#undef X
        PULSE_COUNT
};
const char *pulse_word(enum pulse_thread thread);
const char *pulse_help(enum pulse_thread thread);

#define PULSE_EVERY span_s(10)

struct pulse;
/* The caller holds the lease. What an earlier engine left is overwritten. */
NODISCARD struct pulse *pulse_open(const char *store_path, struct err *err);
void pulse_close(struct pulse *pulse); /* accepts NULL; the file says that nobody beats */
/* Any thread, its own slot. Accept NULL. */
void pulse_beat(struct pulse *pulse, enum pulse_thread thread);
void pulse_end(struct pulse *pulse, enum pulse_thread thread);
/* How long it has been silent; 0 = it is not. */
struct span pulse_silence(const struct pulse *pulse, enum pulse_thread thread,
                          struct mono now);

/* From outside: the first thread of the list that is silent. False: none is, or there is no
 * pulse to be read. */
bool pulse_find_silent(const char *store_path, struct mono now,
                       enum pulse_thread *ret_thread, struct span *ret_silence);

#endif
