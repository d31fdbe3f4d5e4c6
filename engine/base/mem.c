/* SPDX-License-Identifier: MIT */
#include "engine/base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"

#define ARENA_BLOCK 16384
#define PAGE        4096
#define LARGE       131072 /* bytes: by mmap(2), so that free(3) gives it back */
#define HEAPS_MAX   2 /* of malloc; the default, 8 a processor, keeps the most of each */

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size > 0 ? size : 1);
    if (p == NULL) {
        BUG("out of memory");
    }
    return p;
}

void *mem_array(size_t n, size_t size)
{
    void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);
    if (p == NULL) {
        BUG("out of memory");
    }
    return p;
}

void *mem_grow(void *p, size_t n, size_t size)
{
    void *grown = reallocarray(p, n > 0 ? n : 1, size);
    if (grown == NULL) {
        BUG("out of memory");
    }
    return grown;
}

void mem_copy_pages(void *to, const void *from, size_t len)
{
    static const char zeros[PAGE];
    char *out = to;
    for (size_t at = 0; at < len; at += PAGE) {
        size_t n = len - at < PAGE ? len - at : PAGE;
        const char *page = from != NULL ? (const char *)from + at : zeros;
        if (memcmp(out + at, page, n) != 0) {
            memcpy(out + at, page, n);
        }
    }
}

void mem_set_up(void)
{
    /* By default the bound of what is large grows with what is freed. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE);
    (void)mallopt(M_ARENA_MAX, HEAPS_MAX);
}

void mem_give_back(void)
{
    (void)malloc_trim(0);
}

char *mem_strn(const char *text, size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    return copy;
}

char *mem_str(const char *text)
{
    return text != NULL ? mem_strn(text, strlen(text)) : NULL;
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        BUG("out of memory");
    }
    return text;
}

void mem_free_cleanup(void *pointer_to_pointer)
{
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof(p));
    free(p);
}

void mem_close_cleanup(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* nothing to do about it here */
    }
}

struct block {
    struct block *next;
    size_t cap, used;
    _Alignas(16) unsigned char data[];
};

struct arena {
    struct block *first, *current;
    size_t bytes;
};

struct arena *arena_new(void)
{
    return mem_alloc(sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    struct block *block = arena->first;
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

void arena_reset(struct arena *arena)
{
    for (struct block *b = arena->first; b != NULL; b = b->next) {
        b->used = 0;
    }
    arena->current = arena->first;
    arena->bytes = 0;
}

static struct block *block_with_room(struct arena *arena, size_t size)
{
    struct block *block = arena->current;
    while (block != NULL && block->cap - block->used < size) {
        block = block->next;
    }
    if (block != NULL) {
        arena->current = block;
        return block;
    }
    size_t cap = size > ARENA_BLOCK ? size : ARENA_BLOCK;
    block = mem_alloc(sizeof(*block) + cap);
    block->cap = cap;
    if (arena->first == NULL) {
        arena->first = block;
    } else {
        struct block *last = arena->current != NULL ? arena->current : arena->first;
        while (last->next != NULL) {
            last = last->next;
        }
        last->next = block;
    }
    arena->current = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    struct block *block = block_with_room(arena, size);
    void *p = block->data + block->used;
    block->used += size;
    arena->bytes += size;
    memset(p, 0, size);
    return p;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        BUG("arena_array overflow");
    }
    return arena_alloc(arena, total);
}

char *arena_strn(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    return copy;
}

char *arena_str(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strn(arena, text, strlen(text))
                        : arena_strn(arena, "", 0);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        BUG("bad format");
    }
    char *text = arena_alloc(arena, (size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->bytes;
}
