/* SPDX-License-Identifier: MIT */
#include "engine/io/http_cache.h"

#include <string.h>

#include "engine/base/mem.h"

#define BUCKETS 1024
#define SHARE   8 /* an entry takes at most one part in so many */

struct item {
    struct http_entry entry; /* first: what is held */
    char *key;
    uint64_t hash;
    size_t bytes;
    int n_holders;
    bool is_in; /* in the cache */
    struct http_response *response;
    struct item *next;          /* of its bucket */
    struct item *newer, *older; /* by use */
};

struct http_cache {
    struct item *buckets[BUCKETS];
    struct item *newest, *oldest;
    size_t bytes, max_bytes;
};

/* FNV-1a (RFC draft-eastlake-fnv). Keys are our own URLs, nobody chooses them to collide. */
static uint64_t hash_of(const char *key)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (; *key != '\0'; key++) {
        hash = (hash ^ (unsigned char)*key) * 0x100000001b3U;
    }
    return hash;
}

static void free_item(struct item *item)
{
    http_response_free(item->response);
    free(item->key);
    free(item);
}

static void unlink_use(struct http_cache *cache, struct item *item)
{
    *(item->newer != NULL ? &item->newer->older : &cache->newest) = item->older;
    *(item->older != NULL ? &item->older->newer : &cache->oldest) = item->newer;
}

static void link_newest(struct http_cache *cache, struct item *item)
{
    item->newer = NULL;
    item->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = item;
    cache->newest = item;
}

static struct item **place_of(struct http_cache *cache, const char *key, uint64_t hash)
{
    struct item **at = &cache->buckets[hash % BUCKETS];
    while (*at != NULL && ((*at)->hash != hash || strcmp((*at)->key, key) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

static void drop(struct http_cache *cache, struct item **at)
{
    struct item *item = *at;
    *at = item->next;
    unlink_use(cache, item);
    cache->bytes -= item->bytes;
    item->is_in = false;
    if (item->n_holders == 0) {
        free_item(item);
    }
}

static void copy_header(struct http_response *to, const struct http_header *header)
{
    http_response_header(to, header->name, strlen(header->name), header->value,
                         strlen(header->value));
}

static struct http_response *copy_body(const struct http_response *from)
{
    struct http_response *copy = http_response_new(HTTP_FINE, from->status);
    free(copy->body);
    copy->body = mem_strn(from->body, from->body_len);
    copy->body_len = from->body_len;
    return copy;
}

struct http_cache *http_cache_new(size_t max_bytes)
{
    struct http_cache *cache = mem_alloc(sizeof(*cache));
    cache->max_bytes = max_bytes;
    return cache;
}

void http_cache_free(struct http_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    while (cache->oldest != NULL) {
        drop(cache, place_of(cache, cache->oldest->key, cache->oldest->hash));
    }
    free(cache);
}

void http_cache_put(struct http_cache *cache, const char *key,
                    const struct http_response *response)
{
    uint64_t hash = hash_of(key);
    struct item **at = place_of(cache, key, hash);
    if (*at != NULL) {
        drop(cache, at);
    }
    size_t bytes =
        sizeof(struct item) + sizeof(*response) + strlen(key) + response->body_len;
    for (size_t i = 0; i < response->n_headers; i++) {
        bytes += sizeof(struct http_header) + strlen(response->headers[i].name) +
                 strlen(response->headers[i].value);
    }
    if (http_header_of(response, "etag") == NULL || bytes > cache->max_bytes / SHARE) {
        return;
    }
    struct item *item = mem_alloc(sizeof(*item));
    item->key = mem_str(key);
    item->hash = hash;
    item->bytes = bytes;
    item->is_in = true;
    item->response = copy_body(response);
    for (size_t i = 0; i < response->n_headers; i++) {
        copy_header(item->response, &response->headers[i]);
    }
    item->entry.response = item->response;
    item->entry.etag = http_header_of(item->response, "etag");
    while (cache->bytes + bytes > cache->max_bytes) {
        drop(cache, place_of(cache, cache->oldest->key, cache->oldest->hash));
    }
    cache->bytes += bytes;
    struct item **bucket = &cache->buckets[hash % BUCKETS];
    item->next = *bucket;
    *bucket = item;
    link_newest(cache, item);
}

const struct http_entry *http_cache_hold(struct http_cache *cache, const char *key)
{
    struct item *item = *place_of(cache, key, hash_of(key));
    if (item == NULL) {
        return NULL;
    }
    unlink_use(cache, item);
    link_newest(cache, item);
    item->n_holders++;
    return &item->entry;
}

void http_entry_release(const struct http_entry *entry)
{
    if (entry == NULL) {
        return;
    }
    struct item *item = (struct item *)(void *)(uintptr_t)entry; /* its first member */
    if (--item->n_holders == 0 && !item->is_in) {
        free_item(item);
    }
}

size_t http_cache_bytes(const struct http_cache *cache)
{
    return cache->bytes;
}

struct http_response *http_entry_answer(const struct http_entry *entry,
                                        const struct http_response *newer)
{
    struct http_response *answer = copy_body(entry->response);
    answer->is_cached = true;
    for (size_t i = 0; i < newer->n_headers; i++) {
        copy_header(answer, &newer->headers[i]);
    }
    for (size_t i = 0; i < entry->response->n_headers; i++) {
        const struct http_header *header = &entry->response->headers[i];
        if (http_header_of(newer, header->name) == NULL) {
            copy_header(answer, header);
        }
    }
    return answer;
}
