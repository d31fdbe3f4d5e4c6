/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LISTENER_H
#define SIGNALBOX_IO_LISTENER_H

/*
 * Listener: the network side, one thread over libwebsockets (its only user).
 *
 *   POST /webhooks/github   HMAC over the raw bytes, kept before it is answered
 *   POST /commands          a verb, as a user whom a token names (listener_request.h)
 *   GET  /commands/N        what became of one
 *   GET  /approvals         what waits for a person, with the digest that an approval must name
 *   GET  /events            WebSocket: every event of the store, from any number on; commands
 *                           too, from who came with a user's token
 *   GET  /healthz           200 while the process lives
 *   GET  /readyz            200 while the engine runs and its store can be written, else 503
 *   GET  /metrics           OpenMetrics 1.0 text
 *
 * The listener reads the store through a handle of its own. A webhook
 * goes to the control thread (on_webhook), which commits it and gives it back
 * (listener_answer); a command is written by a thread of its own as the row that every front end
 * writes, and on_command tells that there is one. A flood costs the engine nothing: what has a bad signature, is too
 * large or comes too fast is turned away here.
 *
 * Answers to a webhook: 200 kept (or came before), 202 kept and nothing here uses it, 400 no
 * X-GitHub-Delivery or X-GitHub-Event or no JSON object, 401 no or wrong signature, 405,
 * 408 too slow, 411 no length, 413 too large, 415 not sent as application/json, 503 with
 * Retry-After: no room, or the store cannot be written.
 *
 * Answers to a command, all of them JSON: 200 done, 202 stored and not answered in time (its number
 * is in it), 400 malformed (with the field), 401 no or a wrong token, 403 the role is not enough,
 * a token that is read-only or names nobody, an origin that is not in the list, 408, 409 refused,
 * 411, 413, 415 not sent as application/json, 422 its key stands for another command, 429 too many
 * commands or wrong tokens, 503 not taken.
 *
 * /events: a token is asked for as listener_spec says, in `Authorization: Bearer TOKEN`, or,
 * for browsers, which cannot set that header, as a second subprotocol:
 * `Sec-WebSocket-Protocol: signalbox.events, bearer.TOKEN` (TOKEN of at most 96 bytes that
 * RFC 9110 allows in a token). It is never taken from the URL, which ends in logs. An Origin
 * header must be in the list of origins; without that header it is no browser. Query:
 * since=N (events after number N; without it only new ones) and the filters repo=, workflow=
 * and kind=, each up to 16 times (one of them must be right). Messages are JSON texts:
 *
 *   {"type":"hello","seq":N}               first: number after which events follow
 *   {"type":"event","seq":N,"repo":...}    fields as in `signalbox events --json`
 *   {"type":"answer","status":200,...}     to a command; {"type":"error",...} when it was not taken
 *   {"type":"resync","seq":N,"from":M}     too slow, or asked for what is not there (yet): what
 *                                          came after M up to N is left out; look at the state
 *                                          anew, or connect again with since=M
 *
 * Threads: listener_start and listener_stop belong to the control thread's owner;
 * listener_answer, listener_look and listener_fault may be called from the control thread,
 * which has ended before listener_stop. on_webhook and on_rejected run on the listener's
 * thread; on_webhook false: no room, and the client is told 503 with Retry-After.
 */

#include "engine/control/config.h"
#include "engine/control/message.h"

struct listener;
struct telemetry; /* engine/io/telemetry.h */

/* Bounds that no operator needs to set; all zero: the defaults in brackets. */
struct listener_limits {
    struct span header_time; /* until a request's header is whole (10 s) */
    struct span body_time;   /* until its body is whole (60 s) */
    struct span answer_time; /* until the commit; GitHub waits for 10 s (9 s) */
    struct span
        command_time;       /* until a command is answered, or said to be stored (5 s) */
    struct span idle_time;  /* between two requests of a connection (60 s) */
    struct span ping, pong; /* WebSocket: quiet for so long, and no answer (30 s, 10 s) */
    int64_t bodies_max;     /* bytes of all webhooks in hand (128 MiB) */
    size_t webhooks_max;    /* given to on_webhook and not answered yet (4096) */
    int command_burst;      /* commands of one token at once (40; 10 a second for long) */
    size_t feed_events;     /* that a slow subscriber may lag behind (8192) */
};

struct listener_options {
    const struct listener_spec *spec;                        /* outlives the listener */
    const char *store;                                       /* path */
    bool (*on_webhook)(void *user, struct webhook *webhook); /* takes it when true */
    void (*on_rejected)(void *user, int64_t n);              /* at most once a second */
    /* Commands were stored; runs on a thread of the listener. NULL: nobody is told. */
    void (*on_command)(void *user);
    void *user;
    struct listener_limits limits;
};

/* Listens when it returns; ERR_IO when the address is taken, ERR_CONFIG when a secret or
 * certificate cannot be read. The store must exist. */
NODISCARD struct listener *listener_start(const struct listener_options *options,
                                          struct err *err);
void listener_stop(struct listener *listener); /* accepts NULL */
/* The commit that holds it has succeeded (or, is_kept false, the store is out of order:
 * 503). Takes the webhook. */
void listener_answer(struct listener *listener, struct webhook *webhook, bool is_kept);
/* There are new events in the store. */
void listener_look(struct listener *listener);
/* The store cannot be written (ERR_NONE: it can again); for /readyz. */
void listener_fault(struct listener *listener, enum err_code code);
/* Whose figures /metrics tells, too; it lives longer than the listener. */
void listener_watch_telemetry(struct listener *listener,
                              const struct telemetry *telemetry);
/* Port that it listens on (spec->port 0 is for tests: any free one). */
int listener_port(const struct listener *listener);

#endif
