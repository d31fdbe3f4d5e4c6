/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LISTENER_HOOK_H
#define SIGNALBOX_IO_LISTENER_HOOK_H

/*
 * Hook: what a webhook request must be before anything of it is kept. Pure.
 *
 * hook_check judges the header alone, so that nothing is allocated for what is too large or
 * not signed. Rules: docs.github.com "Validating webhook deliveries" and "Webhook events and
 * payloads" (headers, 25 MB), RFC 9112 6 (length and chunks of a message).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/digest.h"

#define HOOK_GUID_MAX  64 /* bytes of X-GitHub-Delivery; GitHub's are 36 */
#define HOOK_EVENT_MAX 64 /* bytes of X-GitHub-Event */

/* Values of the headers, NULL = not there. */
struct hook_head {
    const char *length;    /* Content-Length */
    const char *transfer;  /* Transfer-Encoding */
    const char *type;      /* Content-Type */
    const char *signature; /* X-Hub-Signature-256 */
    const char *guid;      /* X-GitHub-Delivery */
    const char *event;     /* X-GitHub-Event */
};

struct hook_plan {
    int status;      /* 0: read the body; else this is the answer */
    const char *why; /* text of the answer */
    bool is_closing; /* the rest of the request is not worth reading */
    bool is_chunked;
    int64_t length; /* of the body; -1 when chunked */
    uint8_t mac[DIGEST_LEN];
};

void hook_check(const struct hook_head *head, int64_t body_max,
                struct hook_plan *ret_plan);
/* Only where the body ends (RFC 9112 6.3): false: ret_plan refuses it. An all-zero plan. */
NODISCARD bool hook_check_length(const struct hook_head *head, int64_t body_max,
                                 struct hook_plan *ret_plan);
/* First byte that is no white space is '{'. */
bool hook_is_an_object(const char *body, size_t len);

/* Chunked transfer coding (RFC 9112 7.1), as bytes come. Extensions and trailers are
 * dropped, and bounded. */
struct hook_chunks {
    int state;
    int digits;
    uint64_t left;
    size_t spent; /* bytes of line ends, extensions and trailers since the last data */
};
enum hook_step {
    HOOK_DATA, /* ret_data, ret_len: go on with the rest */
    HOOK_MORE, /* everything was used */
    HOOK_END,  /* the body is whole */
    HOOK_BAD
};
/* Moves *at towards end. An all-zero struct begins. */
enum hook_step hook_chunk(struct hook_chunks *chunks, const char **at, const char *end,
                          const char **ret_data, size_t *ret_len);

#endif
