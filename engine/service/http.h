/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_HTTP_H
#define SIGNALBOX_SERVICE_HTTP_H

/*
 * Http: requests and answers as plain values, so that adapters are pure.
 *
 * An adapter makes a request; who sends it (engine/io/http.h over libcurl, or a simulation)
 * is not its business. Tokens, User-Agent and the headers of a service mesh are added when
 * it is sent.
 *
 * Ownership: every string and array is malloc'd and belongs to the struct, except `name`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE };
const char *http_method_word(enum http_method method);

/* What kind of call it is to the service, for limits and repetitions. */
enum call_class {
    CALL_READ,   /* may be repeated, coalesced, hedged, answered from the cache */
    CALL_WRITE,  /* changes something; repeated only by its op, after a look */
    CALL_CREATE, /* a write that counts against the limit of creations */
    CALL_PROBE   /* asks whether the service lives; bypasses the bulkhead's queue */
};

struct http_header {
    char *name, *value;
};

struct http_request {
    const char *name; /* static: "pulls.merge"; for statistics, logs and traces */
    enum call_class class;
    enum http_method method;
    char *url; /* "/path?query" below the service's base, or absolute (a Link) */
    struct http_header *headers; /* beside those of every call to the service */
    size_t n_headers;
    char *body; /* NULL: none */
    size_t body_len;
    char *body_file; /* or the path of a file that is the body, read when it is sent */
    const char *content_type; /* static; NULL: application/json when there is a body */
    int64_t answer_max;       /* bytes of the answer's body; 0 = HTTP_ANSWER_MAX */
    bool is_foreign;          /* absolute URL of another host: no token, no cookies */
    bool is_trusted;          /* absolute URL of another host that the service named for
                                 this: the token goes there, but with no redirect */
    bool follows;             /* redirects are followed (the token stays behind on another
                                 host); else the 3xx is the answer */
    bool has_etag;            /* conditional when the cache knows it */
    bool is_operators;        /* may use the reserve of the quota */
    int64_t workflow;         /* for whom; 0 = for the house */
};

#define HTTP_ANSWER_MAX    (16 * 1024 * 1024)
#define HTTP_BODY_FILE_MAX (512 * 1024 * 1024)

/* X(identifier, word, help) */
#define HTTP_FAULT_LIST(X)                                                               \
    X(HTTP_FINE, "", "an answer came; status says which")                                \
    X(HTTP_BLOCKED, "blocked", "not sent: the breaker is open, or no place was free")    \
    X(HTTP_NO_TOKEN, "no token", "not sent: the token cannot be had")                    \
    X(HTTP_UNREACHED, "unreached", "not sent: no address, no connection, no TLS")        \
    X(HTTP_LOST, "lost",                                                                 \
      "sent, and the connection broke: nobody knows whether it was done")                \
    X(HTTP_TIMEOUT, "timeout", "sent, and no answer came in time: nobody knows")         \
    X(HTTP_TOO_LARGE, "too large", "the answer is larger than answer_max")               \
    X(HTTP_STOPPED, "stopped", "given up because nobody waits for it any more")
enum http_fault {
#define X(id, word, help) id,
    HTTP_FAULT_LIST(X)
#undef X
        HTTP_FAULT_COUNT
};
const char *http_fault_word(enum http_fault fault);

struct http_response {
    enum http_fault fault;
    int status;                  /* 0 unless HTTP_FINE */
    struct http_header *headers; /* names in lower case */
    size_t n_headers;
    char *body; /* NUL behind the last byte; "" when there is none */
    size_t body_len;
    bool is_cached;    /* 304: body and headers are those of the cache */
    struct span took;  /* from sending to the last byte */
    struct wall until; /* HTTP_BLOCKED: when to ask again; unset: unknown */
    char *text;        /* one clean line about a fault; "" */
};

NODISCARD struct http_request *http_request_new(const char *name, enum call_class class,
                                                enum http_method method, char *url);
void http_request_header(struct http_request *request, const char *name,
                         const char *value);                                  /* copies */
void http_request_body(struct http_request *request, char *body, size_t len); /* takes */
NODISCARD struct http_request *http_request_copy(const struct http_request *request);
void http_request_free(struct http_request *request); /* accepts NULL */

NODISCARD struct http_response *http_response_new(enum http_fault fault, int status);
void http_response_header(struct http_response *response, const char *name,
                          size_t name_len, const char *value,
                          size_t value_len); /* copies, lower case */
/* Value of the first header of that name (lower case), or NULL. */
const char *http_header_of(const struct http_response *response, const char *name);
void http_response_free(struct http_response *response); /* accepts NULL */

/* Path or query part with everything but RFC 3986 "unreserved" percent-encoded; malloc'd. */
NODISCARD char *http_escape(const char *text);

#endif
