/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_MAILBOX_H
#define SIGNALBOX_BASE_MAILBOX_H

/*
 * Mailbox: a bounded queue of pointers from any thread to one owner.
 *
 * A message owns what it points to and moves with it. A full mailbox is an error to the
 * sender, never a wait. The fd (eventfd) means "look", is coalesced, and belongs into the
 * owner's poll; mailbox_drain clears it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/compiler.h"

struct mailbox;

NODISCARD struct mailbox *mailbox_new(size_t cap);
/* Messages still inside are given to on_left (may be NULL). Accepts a NULL mailbox. */
void mailbox_free(struct mailbox *mailbox, void (*on_left)(void *message));
/* Any thread. False when full: the message stays the sender's. */
NODISCARD bool mailbox_put(struct mailbox *mailbox, void *message);
/* Owner. Takes up to max messages in order of arrival; returns how many. */
size_t mailbox_drain(struct mailbox *mailbox, void **messages, size_t max);
/* Any thread: make fd readable without a message. */
void mailbox_wake(struct mailbox *mailbox);
int mailbox_fd(const struct mailbox *mailbox);

#endif
