/* SPDX-License-Identifier: MIT */
#include "engine/trace/span_batch.h"

#include <stdlib.h>

struct span_batch *span_batch_new(void)
{
    struct span_batch *batch = mem_alloc(sizeof(*batch));
    batch->arena = arena_new();
    return batch;
}

void span_batch_free(struct span_batch *batch)
{
    if (batch != NULL) {
        arena_free(batch->arena);
        free(batch->rows);
        free(batch);
    }
}

void span_batch_add(struct span_batch *batch, const struct span_row *row)
{
    if (batch->n == SPAN_BATCH_MAX) {
        batch->n_dropped++;
        return;
    }
    if (batch->n == batch->cap) {
        batch->cap = batch->cap > 0 ? batch->cap * 2 : 8;
        batch->rows = mem_grow(batch->rows, batch->cap, sizeof(*batch->rows));
    }
    batch->rows[batch->n++] = *row;
}
