/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LISTENER_H
#define SIGNALBOX_IO_LISTENER_H

/*
 * Listener: the network side, one thread over libwebsockets (its only user).
 *
 *   POST /webhooks/github   HMAC over the raw bytes, kept before it is answered
 *   GET  /events            WebSocket: every event of the store, from any number on
 *   GET  /healthz /readyz /metrics
 *
 * The listener reads the store through a handle of its own and never writes it: a webhook
 * goes to the control thread (on_webhook), which commits it and gives it back
 * (listener_answer). A flood costs the engine nothing: what has a bad signature, is too
 * large or comes too fast is turned away here.
 *
 * Threads: listener_start and listener_stop belong to the control thread's owner;
 * listener_answer and listener_look may be called from the control thread. on_webhook runs on
 * the listener's thread; false: no room, and the client is told 503 with Retry-After.
 */

#include "engine/control/config.h"
#include "engine/control/message.h"

struct listener;

struct listener_options {
    const struct listener_spec *spec;                        /* outlives the listener */
    const char *store;                                       /* path */
    bool (*on_webhook)(void *user, struct webhook *webhook); /* takes it when true */
    void (*on_rejected)(void *user, int64_t n);
    void *user;
};

/* Listens when it returns; ERR_IO when the address is taken, ERR_CONFIG when a secret or
 * certificate cannot be read. */
NODISCARD struct listener *listener_start(const struct listener_options *options,
                                          struct err *err);
void listener_stop(struct listener *listener); /* accepts NULL */
/* The commit that holds it has succeeded (or, is_kept false, the store is out of order:
 * 503). Takes the webhook. */
void listener_answer(struct listener *listener, struct webhook *webhook, bool is_kept);
/* There are new events in the store. */
void listener_look(struct listener *listener);
/* Port that it listens on (spec->port 0 is for tests: any free one). */
int listener_port(const struct listener *listener);

#endif
