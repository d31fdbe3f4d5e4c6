/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TRACE_SPAN_BATCH_H
#define SIGNALBOX_TRACE_SPAN_BATCH_H

/*
 * Span batch: ended spans on their way to another thread, as one thing that moves.
 *
 * Bounded: a batch that is full takes no more, and counts what it left out.
 */

#include "engine/trace/span.h"

#define SPAN_BATCH_MAX 256

struct span_batch {
    struct arena *arena; /* of the texts */
    struct span_row *rows;
    size_t n, cap;
    int64_t n_dropped;
};

NODISCARD struct span_batch *span_batch_new(void);
void span_batch_free(struct span_batch *batch); /* accepts NULL */
/* The row, whose texts are in batch->arena, or longer-lived. */
void span_batch_add(struct span_batch *batch, const struct span_row *row);

#endif
