/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_MEM_H
#define SIGNALBOX_BASE_MEM_H

/*
 * Mem: allocation that does not return without memory, cleanup for locals, and an arena.
 *
 * Out of memory is not an error value here: the program aborts (after the terminal is
 * restored). Sizes that come from outside are capped before they reach these functions.
 * AUTO_FREE is for locals that are initialised where they are declared; hand one out with
 * `return TAKE(p);`.
 */

#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"

NODISCARD void *mem_alloc(size_t size);           /* zeroed; size 0 gives 1 byte */
NODISCARD void *mem_array(size_t n, size_t size); /* zeroed, overflow checked */
NODISCARD void *mem_grow(void *p, size_t n,
                         size_t size); /* realloc to n items; tail not zeroed */
/* Copies what differs, by pages; `from` NULL: zeros. Pages of a large value that were never
 * written, and need not be, so stay without memory. */
void mem_copy_pages(void *to, const void *from, size_t len);
NODISCARD char *mem_str(const char *text); /* NULL gives NULL */
NODISCARD char *mem_strn(const char *text, size_t len);
NODISCARD char *mem_printf(const char *format, ...) PRINTF_LIKE(1, 2);

/* For a program that lives long, before its first thread: what is freed goes back to the
 * system, and a burst of one thread does not stay its own. */
void mem_set_up(void);
/* After much was read and freed: what pages are free go back now. */
void mem_give_back(void);

void mem_free_cleanup(void *pointer_to_pointer);
void mem_close_cleanup(const int *fd);
#define AUTO_FREE  __attribute__((cleanup(mem_free_cleanup)))
#define AUTO_CLOSE __attribute__((cleanup(mem_close_cleanup))) /* int, -1 = none */
#define TAKE(p)                                                                          \
    __extension__({                                                                      \
        __typeof__(p) taken_ = (p);                                                      \
        (p) = (__typeof__(p))0;                                                          \
        taken_;                                                                          \
    })

/*
 * Arena: data with one common death (a frame, a query result). Memory is zeroed, aligned to
 * 16 bytes, and freed at once. arena_reset keeps the blocks for the next round, so that a
 * steady state allocates nothing.
 */
struct arena;
NODISCARD struct arena *arena_new(void);
void arena_free(struct arena *arena); /* accepts NULL */
void arena_reset(struct arena *arena);
NODISCARD void *arena_alloc(struct arena *arena, size_t size);
NODISCARD void *arena_array(struct arena *arena, size_t n, size_t size);
NODISCARD char *arena_str(struct arena *arena, const char *text); /* NULL gives "" */
NODISCARD char *arena_strn(struct arena *arena, const char *text, size_t len);
NODISCARD char *arena_printf(struct arena *arena, const char *format, ...)
    PRINTF_LIKE(2, 3);
size_t arena_bytes(const struct arena *arena); /* handed out since the last reset */

#endif
