/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RESILIENCE_BULKHEAD_H
#define SIGNALBOX_RESILIENCE_BULKHEAD_H

/*
 * Bulkhead: how many calls may be under way at once, and how many may wait for a place, so
 * that one slow service cannot take every place there is (Nygard, Release It!). It only
 * counts; who waits stands in the desk's own line.
 */

#include <stdbool.h>
#include <stdint.h>

struct bulkhead {
    int limit, queue; /* places, and places to wait; limit may be moved at any time */
    int in_flight, waiting;
    int64_t n_refused;
};

static inline bool bulkhead_has_place(const struct bulkhead *bulkhead)
{
    return bulkhead->in_flight < bulkhead->limit;
}
static inline bool bulkhead_enter(struct bulkhead *bulkhead)
{
    if (bulkhead->in_flight >= bulkhead->limit) {
        return false;
    }
    bulkhead->in_flight++;
    return true;
}
static inline void bulkhead_leave(struct bulkhead *bulkhead)
{
    bulkhead->in_flight -= bulkhead->in_flight > 0;
}
/* False, and counted, when the line is full. */
static inline bool bulkhead_wait(struct bulkhead *bulkhead)
{
    if (bulkhead->waiting >= bulkhead->queue) {
        bulkhead->n_refused++;
        return false;
    }
    bulkhead->waiting++;
    return true;
}
static inline void bulkhead_unwait(struct bulkhead *bulkhead)
{
    bulkhead->waiting -= bulkhead->waiting > 0;
}

#endif
