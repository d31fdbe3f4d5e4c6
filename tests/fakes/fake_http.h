/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FAKES_FAKE_HTTP_H
#define SIGNALBOX_TESTS_FAKES_FAKE_HTTP_H

/*
 * Fake http: a small HTTP/1.1 server and client over plain sockets (RFC 9112), so that a
 * test can make them misbehave. A thread per connection; loopback only.
 */

#include "tests/fakes/fake.h"

/* What is done to the connection instead of, or with, the answer. */
enum fake_http_way {
    HTTP_WAY_FINE,
    HTTP_WAY_REFUSE,   /* close before a word is said */
    HTTP_WAY_RESET,    /* half of the head, then a reset */
    HTTP_WAY_HANG,     /* nothing, for `time` */
    HTTP_WAY_GARBAGE,  /* no HTTP */
    HTTP_WAY_TRUNCATE, /* less of the body than was promised */
    HTTP_WAY_LATE      /* the answer, `time` later */
};

struct fake_http_plan {
    enum fake_http_way way;
    struct span time;
};

/* Runs on the connection's thread. */
typedef void fake_http_serve(void *user, const struct fake_request *request,
                             struct fake_reply *reply, struct fake_http_plan *plan);

/* Listens on 127.0.0.1; port 0: any. Returns the port, 0 when it cannot. Never stops. */
int fake_http_listen(int port, fake_http_serve *serve, void *user);

/* POST to "http://host:port/path": the status, 0 when nobody answered within `time`.
 * headers: "Name: value\r\n" each. */
int fake_http_post(const char *url, const char *headers, const char *body, size_t len,
                   struct span time);

#endif
