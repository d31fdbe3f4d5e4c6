/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_FEED_ORDER_H
#define SIGNALBOX_TUI_FEED_ORDER_H

/*
 * Feed order: what a person decided, on its way to the engine and back.
 *
 * An order is one verb on some workflows; it becomes one command row each. The engine
 * answers rows one by one; `orders` remembers the newest FRAME_ANSWERS orders and what
 * became of them.
 *
 * Ownership: order_new copies; the message moves to orders_send.
 * Threads:   order_new* any; orders_* feed thread.
 */

#include "engine/base/err.h"
#include "tui/feed.h"

struct config;
struct order;
struct orders;
struct source;

NODISCARD struct order *order_new(const struct feed_order *order, uint64_t ticket);
NODISCARD struct order *order_new_submission(const struct feed_submission *submission,
                                             uint64_t ticket);
void order_free_message(void *order); /* accepts NULL */

NODISCARD struct orders *orders_new(const struct config *config);
void orders_free(struct orders *orders); /* accepts NULL */
/* Write the command rows; takes the order. True when a row was written: ring the bell.
 * A failure becomes the answer. reader may be NULL. */
bool orders_send(struct orders *orders, struct order *order, struct source *source,
                 struct reader *reader);
/* Look for answers of the engine, at most some hundred at a time. */
NODISCARD bool orders_update(struct orders *orders, struct reader *reader,
                             struct err *err);
/* More rows may be answered than the last update looked at. */
bool orders_have_more(const struct orders *orders);
/* Put the answers into a frame. */
void orders_show(const struct orders *orders, struct frame *frame);

#endif
