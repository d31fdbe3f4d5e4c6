/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_VISITOR_H
#define SIGNALBOX_TESTS_VISITOR_H

/*
 * Visitor: a client of the listener that says exactly the bytes it is told to, and a clerk
 * that stands in for the control thread: it keeps what the listener hands over in a real
 * store, commits, and answers. Waits have a bound of ten seconds; what fails ends the test.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "engine/base/mailbox.h"
#include "engine/io/listener.h"
#include "store/store.h"

#define VISITOR_SECRET "It's a Secret to Everybody"

struct clerk {
    struct listener *listener;
    struct listener_spec spec; /* may be changed before clerk_open */
    struct listener_limits limits;
    enum store_durability durability;
    struct store *store;
    const char *path;
    struct mailbox *inbox;
    pthread_t thread;
    atomic_bool is_ending;
    atomic_bool is_holding; /* answers nothing for now */
    atomic_bool is_broken;  /* answers that it could not be kept */
    atomic_int n_events;    /* events to commit: the clerk takes them from here */
    atomic_long n_rejected, n_reports, n_kept, n_got;
    int64_t n_written;
    /* NULL, or in place of the clerk's own events */
    void (*write_event)(struct store *store);
};
/* Defaults: any port of 127.0.0.1, VISITOR_SECRET, no token. */
void clerk_init(struct clerk *clerk, const char *path);
NODISCARD bool clerk_open(struct clerk *clerk, struct err *err);
void clerk_close(struct clerk *clerk);
/* n events into the store, in commits of their own; returns when they are there. */
void clerk_events(struct clerk *clerk, int n);

int visit(const struct clerk *clerk); /* a connection */
void visit_send(int fd, const char *bytes, size_t len);
void visit_text(int fd, const char *text);

struct reply {
    int status; /* 0: closed without an answer */
    char *head, *body;
};
/* Of one request; free with reply_free. */
NODISCARD struct reply visit_reply(int fd);
void reply_free(struct reply *reply);
/* One request on a connection of its own: "GET /x HTTP/1.1\r\nHost: h\r\n\r\n". */
NODISCARD struct reply visit_once(const struct clerk *clerk, const char *text);
/* The other side closed, within the bound. */
bool visit_is_closed(int fd);

/* "sha256=..." of a body; text of 72 bytes. */
const char *visit_sign(const char *secret, const char *body, size_t len, char *text);
/* A whole request with the given delivery, signed. malloc'd */
NODISCARD char *visit_hook(const char *event, const char *guid, const char *body,
                           size_t *ret_len);
NODISCARD struct reply visit_deliver(const struct clerk *clerk, const char *event,
                                     const char *guid, const char *body);

/* WebSocket: more = further header lines. Returns the socket, or -1 with the status. */
int visit_ws(const struct clerk *clerk, const char *path, const char *more,
             int *ret_status);
/* Next message, malloc'd; pings are skipped and not answered. NULL: closed, *ret_code says
 * with what (0: without a word). */
NODISCARD char *visit_message(int fd, int *ret_code);
/* The number after "key": in a message, -1 when there is none. */
int64_t message_number(const char *message, const char *key);

#endif
