/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_HTTP_PRIVATE_H
#define SIGNALBOX_IO_HTTP_PRIVATE_H

/*
 * What http.c (the loop), http_send.c (one request) and http_answer.c (one answer) share.
 */

#include <stdbool.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/idmap.h"
#include "engine/io/http.h"
#include "engine/io/http_cache.h"
#include "engine/io/secret.h"

#define HTTP_ERROR_TEXT 256 /* CURL_ERROR_SIZE */
#define HTTP_SPARE      64  /* idle easy handles that are kept */

/* One call, from http_send to its answer. */
struct transfer {
    int64_t id;
    struct http *http;
    const struct service_spec *service;
    struct http_request *request;
    struct mono begun_at, end_at;
    struct transfer *next, **at; /* of the list of those that wait, or are over */
    char *url;                   /* absolute; of this hop */
    int n_hops;                  /* redirects that were followed */
    bool is_home;                /* url is of the service's own origin */
    bool has_token;
    int64_t generation;             /* of the token */
    const struct http_entry *entry; /* what the service is asked to compare with */
    /* libcurl's */
    void *easy;    /* CURL */
    void *headers; /* struct curl_slist */
    char error[HTTP_ERROR_TEXT];
    /* coming in */
    struct http_response *response;
    struct buf body;
    size_t head_bytes;
    bool has_head; /* all header lines */
    bool is_too_large;
};

struct http {
    struct http_options options;
    void *multi; /* CURLM */
    int epoll, timer;
    struct mono curl_at; /* when libcurl wants to be asked; 0 = not */
    struct mono armed;   /* what the timer is set to; 0 = not set */
    struct idmap transfers;
    struct transfer *waiting; /* for a token */
    struct transfer *over;    /* not sent; their answers are to be given */
    bool has_settled;         /* a token came or failed: look through waiting */
    struct secrets *secrets;
    struct http_cache *cache;
    char *user_agent;
    void *spare[HTTP_SPARE];
    size_t n_spare;
};

/* ---- http.c ---- */
/* Ends it without having been sent; the answer is given by the next http_run. */
void transfer_fail(struct transfer *transfer, enum http_fault fault, const char *text);
void transfer_wait(struct transfer *transfer); /* for its token */

/* ---- http_send.c ---- */
/* Token, then libcurl. */
void transfer_begin(struct transfer *transfer);
/* Absolute URL of the request below its service; malloc'd. */
NODISCARD char *transfer_url(const struct transfer *transfer);
/* What libcurl held of this hop; not on the multi any more. */
void transfer_clear(struct transfer *transfer);
/* Is url of the origin to which the token belongs? */
bool transfer_is_home(const struct transfer *transfer, const char *url);
/* Key of the cache. malloc'd. */
NODISCARD char *transfer_key(const struct transfer *transfer);
/* Follow the redirect in transfer->response. False: it is the answer. */
NODISCARD bool transfer_follow(struct transfer *transfer);

/* ---- http_answer.c ---- */
size_t transfer_on_header(char *bytes, size_t size, size_t n, void *user);
size_t transfer_on_body(char *bytes, size_t size, size_t n, void *user);
/* The answer after libcurl ended with `code` (CURLcode). The response is taken out. */
NODISCARD struct http_response *transfer_answer(struct transfer *transfer, int code);

#endif
