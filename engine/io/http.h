/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_HTTP_H
#define SIGNALBOX_IO_HTTP_H

/*
 * Http: sends the requests of adapters (engine/service/http.h) over libcurl, whose only user
 * this is.
 *
 * One curl_multi for all services: HTTP/2 where TLS agrees on it, connections used again,
 * thousands of calls in flight, no thread of its own. It hangs in the owner's poll as one
 * descriptor (http_fd); nothing here blocks, but for reading a token's file.
 *
 *   http_send ─► token (engine/io/secret.h) ─► libcurl ─► redirects ─► cache ─► on_answer
 *
 * What is added to a request: User-Agent and the token of its service. Accept, API versions
 * and the like are the adapter's, the headers of a service mesh the desk's.
 *
 * Token: Authorization: Bearer (RFC 6750, 2.1), for E2B X-API-Key. It is sent to the
 * service's own origin (scheme, host and port of its base URL) only: an absolute URL or a
 * redirect that leads elsewhere goes without it, a redirect also without the headers of the
 * adapter. From https to http nobody is followed.
 *
 * Exactly once: libcurl sends a request again by itself when a connection that was used
 * before turns out to be dead, and cannot know whether the server took it. So every call
 * that is no CALL_READ or CALL_PROBE gets a new connection (RFC 9110, 9.2.2).
 *
 * Bounds: time of a call with its redirects, connect_time of the service's gate, answer_max
 * of the request, HTTP_HEADERS_MAX, HTTP_REDIRECTS_MAX, http and https only. Proxies:
 * http_proxy and the like are ignored; name the proxy as the service's `url`.
 *
 * Cache: answers 200 with an ETag to GET requests that ask for it (has_etag), per URL,
 * Accept and token; the least recently used go when cache_bytes is passed. 304 is given as
 * the cached answer (status 200, is_cached) with the headers of the 304 on top.
 *
 * Faults: see HTTP_FAULT_LIST. `text` never holds a token, a header or a query.
 *
 * Threads: all functions belong to one thread, which blocks or ignores SIGPIPE.
 */

#include "engine/base/err.h"
#include "engine/service/http.h"
#include "engine/service/service.h"

#define HTTP_HEADERS_MAX   65536 /* bytes of an answer's header lines */
#define HTTP_REDIRECTS_MAX 5
#define HTTP_TIME          30000 /* ms of a call that says none */
#define HTTP_CACHE_BYTES   (32 * 1024 * 1024)

struct http;

struct http_options {
    /* Runs inside http_run; owns the answer. It may send and cancel. */
    void (*on_answer)(void *user, int64_t call, struct http_response *response);
    void *user;
    size_t cache_bytes;  /* 0: HTTP_CACHE_BYTES */
    const char *ca_file; /* PEM of who is trusted; NULL: as the system is set up */
};

/* NULL with err: no descriptors, or a libcurl without what is needed. */
NODISCARD struct http *http_start(const struct http_options *options, struct err *err);
/* Calls in flight are given up. Accepts NULL. */
void http_stop(struct http *http);
/* Readable (poll) when http_run has something to do. */
int http_fd(const struct http *http);
void http_run(struct http *http);

struct http_call {
    int64_t id;                         /* not 0, never used again */
    const struct service_spec *service; /* outlives the call */
    struct http_request *request;       /* taken */
    struct span time;                   /* 0: HTTP_TIME */
};
/* The answer, whatever it is, comes through on_answer, never from inside this call. */
void http_send(struct http *http, const struct http_call *call);
/* No answer comes any more. What was sent may have been done. False: it is over. */
bool http_cancel(struct http *http, int64_t call);
/* Fetch the credential of this service anew with the next call. */
void http_renew(struct http *http, const struct service_spec *service);
size_t http_in_flight(const struct http *http);

#endif
