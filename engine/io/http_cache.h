/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_HTTP_CACHE_H
#define SIGNALBOX_IO_HTTP_CACHE_H

/*
 * Http cache: answers by key, so that a service can say "as before" (304).
 *
 * The least recently used ones go when their bytes pass the bound. An entry that somebody
 * holds lives on without the cache. One thread.
 */

#include "engine/service/http.h"

struct http_cache;

struct http_entry {
    const char *etag; /* verbatim, weak ones with W/ */
    const struct http_response *response;
};

NODISCARD struct http_cache *http_cache_new(size_t max_bytes);
void http_cache_free(struct http_cache *cache); /* accepts NULL */
/* Copies; replaces what is there. Too large a one, or one without ETag, is left out. */
void http_cache_put(struct http_cache *cache, const char *key,
                    const struct http_response *response);
/* Held until http_entry_release; NULL when there is none. */
NODISCARD const struct http_entry *http_cache_hold(struct http_cache *cache,
                                                   const char *key);
void http_entry_release(const struct http_entry *entry); /* accepts NULL */
size_t http_cache_bytes(const struct http_cache *cache);

/* The answer that a 304 stands for: body and status of the entry, headers of both, the
 * newer ones winning (RFC 9111, 3.2). */
NODISCARD struct http_response *http_entry_answer(const struct http_entry *entry,
                                                  const struct http_response *newer);

#endif
