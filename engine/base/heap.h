/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_HEAP_H
#define SIGNALBOX_BASE_HEAP_H

/*
 * Heap: a binary min-heap of nodes that live inside their items, so that an item can be
 * moved or taken out wherever it stands. Ties are broken by `tie`, so the order is total
 * and the same in every run. The heap owns nothing but its array.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t key, tie;
    size_t place; /* 1-based; 0 = in no heap */
};

struct heap {
    struct heap_node **nodes;
    size_t n, cap;
};

void heap_fini(struct heap *heap); /* an all-zero heap is empty and ready */
/* Put in, or move to the new key when it is in already. */
void heap_put(struct heap *heap, struct heap_node *node, int64_t key, int64_t tie);
void heap_remove(struct heap *heap, struct heap_node *node); /* not in: nothing */
struct heap_node *heap_first(const struct heap *heap);       /* or NULL */

#define HEAP_ITEM(node, type, member)                                                    \
    ((type *)(void *)((char *)(node)-offsetof(type, member)))

#endif
