/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_FEED_H
#define SIGNALBOX_TUI_FEED_H

/*
 * Feed: the thread between the store and the screen.
 *
 * Owns a reader of the store and a client of the engine's bell. It waits for {a question
 * or an order of the ui, the bell, growth of the log that is followed}, reads what the
 * newest question asks for in one read transaction, and publishes an immutable frame. The
 * latest question wins; at most 50 frames a second are built for commits, a new question
 * is answered at once. While an engine is alive and nothing happens the thread sleeps
 * without a timer; without an engine it looks for one once a second.
 *
 * It also carries what a person decided: an order becomes command rows and a ring of the
 * bell, and what the engine answered appears in the frames (frame_answer).
 *
 * Threads: all functions belong to the ui thread and never wait for the store; feed_take
 *          holds a lock for a pointer copy. Signals are blocked in the feed thread.
 * Errors:  a store in trouble is a state of the frame, never an end of the feed.
 */

#include "engine/base/err.h"
#include "tui/frame.h"

struct config;
struct feed;

/* Thread for config->store; config must outlive the feed. The store need not exist. */
NODISCARD struct feed *feed_start(const struct config *config, struct err *err);
void feed_stop(struct feed *feed); /* joins; accepts NULL */

/* Readable when there is a newer frame than the last one taken. */
int feed_fd(const struct feed *feed);
/* Newest frame with a reference for the caller; clears the fd. Never NULL: before the
 * first read it is a frame with TROUBLE_LOADING. */
NODISCARD const struct frame *feed_take(struct feed *feed);

/* Replace the question. Returns its number, which frame->query reaches with the answer.
 * The same question again is not asked twice. */
uint64_t feed_ask(struct feed *feed, const struct frame_query *query);
/* Read again now, also when nothing seems to have changed. */
void feed_refresh(struct feed *feed);

/* A verb on some workflows. Copied by feed_send. */
struct feed_order {
    const char *verb;
    const char *args;         /* JSON object; NULL = "{}" */
    const int64_t *workflows; /* NULL with n 0: none */
    size_t n;                 /* at most FEED_ORDER_MAX */
};
#define FEED_ORDER_MAX 10000

/* Hand an order over. Returns the ticket that its frame_answer bears, 0 when too many
 * wait. */
NODISCARD uint64_t feed_send(struct feed *feed, const struct feed_order *order);

/* The submit form. The pipeline's file is found, read and checked in the feed thread;
 * what is wrong with it comes as the answer, and as findings in frame->submit. */
struct feed_submission {
    const char *pipeline; /* name or path */
    const char *repo;     /* "" = the one that the pipeline names */
    const char *task;     /* at most DOC_MAX bytes */
    int priority;         /* 0..9 */
};
NODISCARD uint64_t feed_submit(struct feed *feed,
                               const struct feed_submission *submission);

#endif
