/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LISTENER_FEED_H
#define SIGNALBOX_IO_LISTENER_FEED_H

/*
 * Feed: the events of the store as WebSocket frames, for any number of subscribers.
 *
 * Greetings and events that are new carry the head of the audit, "audit":{"n","hash"}, as it was
 * committed when they were read (store/audit.h): it is noted outside by who keeps them.
 *
 * The newest events stand in one ring, framed once; a subscriber is a place in it. One that
 * begins further back reads pages of the store at its own pace until it reaches the ring. One
 * that falls out of the ring is told to resync and goes on with the newest: it costs neither
 * memory nor anybody's time. Knows sockets not at all.
 *
 * Threads: one.
 */

#include "engine/base/err.h"
#include "engine/io/listener_query.h"

#define FEED_WRITE 16384 /* bytes after which feed_read stops */
/* Room that feed_read needs: one frame more. */
#define FEED_ROOM (FEED_WRITE + 65536)

struct feed;

struct feed_place {
    int64_t seq;    /* events up to here are done with */
    bool is_live;   /* stands in the ring */
    bool has_hello; /* was greeted */
    uint64_t at;    /* in the ring, while live */
};

NODISCARD struct feed *feed_new(const char *store, size_t n_events);
void feed_free(struct feed *feed); /* accepts NULL */
/* Begin to hold events: what is committed from now on. False: the store cannot be read. */
NODISCARD bool feed_begin(struct feed *feed, struct err *err);
/* Nobody listens: hold nothing. */
void feed_end(struct feed *feed);
/* Read what is new; true when there may be more. */
bool feed_update(struct feed *feed);
/* Place of a new subscriber. */
struct feed_place feed_enter(const struct feed *feed, const struct query *query);

enum feed_result { FEED_DONE, FEED_AGAIN, FEED_FAILED };
/* Frames of what the subscriber wants into out[FEED_ROOM]; AGAIN: there is more, now. */
enum feed_result feed_read(struct feed *feed, struct feed_place *place,
                           const struct query *query, char *out, size_t *ret_len);
/* Resyncs sent so far. */
int64_t feed_resyncs(const struct feed *feed);

#endif
