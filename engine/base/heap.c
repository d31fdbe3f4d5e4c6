/* SPDX-License-Identifier: MIT */
#include "engine/base/heap.h"

#include "engine/base/mem.h"

void heap_fini(struct heap *heap)
{
    free(heap->nodes);
    *heap = (struct heap){0};
}

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
    return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void place(struct heap *heap, size_t i, struct heap_node *node)
{
    heap->nodes[i] = node;
    node->place = i + 1;
}

static void sift_up(struct heap *heap, size_t i)
{
    struct heap_node *node = heap->nodes[i];
    while (i > 0 && is_before(node, heap->nodes[(i - 1) / 2])) {
        place(heap, i, heap->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(heap, i, node);
}

static void sift_down(struct heap *heap, size_t i)
{
    struct heap_node *node = heap->nodes[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= heap->n) {
            break;
        }
        if (child + 1 < heap->n &&
            is_before(heap->nodes[child + 1], heap->nodes[child])) {
            child++;
        }
        if (!is_before(heap->nodes[child], node)) {
            break;
        }
        place(heap, i, heap->nodes[child]);
        i = child;
    }
    place(heap, i, node);
}

void heap_put(struct heap *heap, struct heap_node *node, int64_t key, int64_t tie)
{
    node->key = key;
    node->tie = tie;
    if (node->place == 0) {
        if (heap->n == heap->cap) {
            heap->cap = heap->cap > 0 ? heap->cap * 2 : 16;
            heap->nodes = mem_grow(heap->nodes, heap->cap, sizeof(struct heap_node *));
        }
        place(heap, heap->n++, node);
    }
    sift_up(heap, node->place - 1);
    sift_down(heap, node->place - 1);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == 0) {
        return;
    }
    size_t i = node->place - 1;
    node->place = 0;
    struct heap_node *last = heap->nodes[--heap->n];
    if (last != node) {
        place(heap, i, last);
        sift_up(heap, i);
        sift_down(heap, last->place - 1);
    }
}

struct heap_node *heap_first(const struct heap *heap)
{
    return heap->n > 0 ? heap->nodes[0] : NULL;
}
