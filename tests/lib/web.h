/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_WEB_H
#define SIGNALBOX_TESTS_WEB_H

/*
 * Web: a small HTTP/1.1 server on a thread of its own, whose answers the test makes: good
 * ones and broken ones. On 127.0.0.1, on a port of its own.
 */

#include <stddef.h>

#include "engine/base/buf.h"

struct web_request {
    const char *method, *path; /* path with query */
    const char *head;          /* all lines, as they came */
    const char *body;
    size_t body_len;
    int n_before; /* requests that came over this connection before */
};

enum web_after {
    WEB_KEEP,  /* the connection stays open */
    WEB_CLOSE, /* FIN behind what was written */
    WEB_RESET, /* RST at once, nothing is written */
    WEB_HOLD   /* what was written waits for web_release */
};

struct web;

/* Writes the answer as it goes over the wire. Runs on the server's thread. */
typedef enum web_after web_handler(void *user, const struct web_request *request,
                                   struct buf *answer);

struct web *web_start(web_handler *handler, void *user);
void web_stop(struct web *web);
int web_port(const struct web *web);
/* What is held goes out, now and from now on. */
void web_release(struct web *web);
int web_requests(const struct web *web);    /* that came, complete */
int web_connections(const struct web *web); /* that were accepted */
int web_held(const struct web *web);

/* "HTTP/1.1 200 OK" with these header lines ("a: b\r\n" each, or "") and a body. */
void web_answer(struct buf *answer, const char *status, const char *headers,
                const char *body, size_t len);

#endif
