/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FAKES_FAKE_H
#define SIGNALBOX_TESTS_FAKES_FAKE_H

/*
 * Fake: what the models of the simulated services have in common.
 *
 * A model is state and a function (request, now) -> reply. It knows no socket, no thread and
 * no clock, so that the server (fake_http.h) and a simulation use the same one. Faults are
 * not its business either: whoever carries requests to it drops, delays and garbles them
 * (fake_fault.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"

#define FAKE_BODY_MAX (32 * 1024 * 1024)

struct fake_header {
    char *name, *value;
};

/* Borrowed by the model for the time of the call. */
struct fake_request {
    const char *method; /* "GET" */
    const char *path;   /* as sent, still encoded, without the query */
    const char *query;  /* without '?'; "" */
    const struct fake_header *headers;
    size_t n_headers;
    const char *body; /* NUL behind it */
    size_t body_len;
};

struct fake_reply {
    int status;
    struct buf headers; /* "Name: value\r\n" each */
    struct buf body;
    const char *type; /* static; content type of the body */
};

void fake_reply_init(struct fake_reply *reply);
void fake_reply_fini(struct fake_reply *reply);
void fake_reply_header(struct fake_reply *reply, const char *name, const char *format,
                       ...) PRINTF_LIKE(3, 4);

/* Value of a header, any case; NULL when it is missing. */
const char *fake_request_header(const struct fake_request *request, const char *name);
/* Decoded value of a query parameter, malloc'd; NULL when it is missing. */
char *fake_request_param(const struct fake_request *request, const char *name);
int64_t fake_request_number(const struct fake_request *request, const char *name,
                            int64_t fallback);
/* Percent decoding (RFC 3986 2.1), malloc'd; '+' stays. */
char *fake_unescape(const char *text, size_t len);
/* A whole number, or fallback. */
int64_t fake_number(const char *text, int64_t fallback);

/* "2026-11-22T14:03:07Z" as a value, or null when it is unset. */
void fake_put_time(struct jsonw *w, const char *key, struct wall at);
void fake_put(struct jsonw *w, const char *key, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Replace *text by a copy; frees what was there. */
void fake_keep(char **text, const char *value);

/* Grow an array of pointers or structs by one: FAKE_ADD(items, n) gives the new item. */
#define FAKE_ADD(items, n)                                                               \
    ((items) = mem_grow((items), (n) + 1, sizeof *(items)),                              \
     memset(&(items)[n], 0, sizeof *(items)), &(items)[(n)++])

/* At most `max` calls within `time`: the sliding window of a rate limit. */
struct fake_window {
    int64_t *at; /* ms */
    size_t n;
};
/* False when one more would be too many; else it is counted. max 0: no limit. */
bool fake_window_take(struct fake_window *window, int64_t max, struct span time,
                      struct wall now);
void fake_window_fini(struct fake_window *window);

/* SHA-256 (FIPS 180-4) and HMAC (RFC 2104), written apart from the program's own so that one
 * proves the other. Lower-case hexadecimal, NUL-terminated. */
void fake_sha256(const void *bytes, size_t len, char hex[65]);
void fake_hmac(const char *key, const void *bytes, size_t len, char hex[65]);

#endif
