/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TRACE_WATERFALL_H
#define SIGNALBOX_TRACE_WATERFALL_H

/*
 * Waterfall: the trace of one workflow as rows to be drawn, parents before children.
 *
 * Made of the spans that are stored, and of what the rows of the workflow and its effects
 * say by themselves: what is still open has no stored span yet, and a workflow that ended
 * before spans were kept has none at all. Ids are derived (engine/trace/span.h), so that
 * both never show the same thing twice.
 *
 * Critical path: beginning at the end of a span, the child that ended last before that,
 * then the one that ended last before that one began, and so on, down through them. What
 * is on it decides how long the whole took; what is not could be slower for nothing
 * (Kelley and Walker, "Critical-Path Planning and Scheduling", 1959, backward pass).
 *
 * Pure. Rows and texts are in the arena, or where the given rows have them.
 */

#include "engine/trace/span.h"

#define WATERFALL_MAX 4000 /* spans of one workflow that are shown */

struct waterfall_row {
    struct span_row span;
    int depth;      /* 0 = the workflow */
    bool is_open;   /* has not ended: it is drawn up to now */
    int64_t end_us; /* of an open one: now */
    bool is_critical;
};

struct waterfall {
    const struct waterfall_row *rows;
    size_t n;
    int64_t start_us, end_us; /* of all of them */
};

/* spans: of this workflow, in any order. `now` counts for what is open. */
struct waterfall waterfall_build(struct arena *arena, const struct workflow_row *workflow,
                                 const struct effect_row *effects, size_t n_effects,
                                 const struct span_row *spans, size_t n_spans,
                                 struct wall now);

/* Cells of a bar from..to in a window of `cells` cells: first cell and how many, at least
 * one. False: it is outside of the window. An empty window shows all in its first cell. */
bool waterfall_bar(int64_t from, int64_t to, int64_t window_from, int64_t window_to,
                   int cells, int *ret_first, int *ret_n);

/* How long it took, in at most 6 cells: "340us" "1.2ms" "12ms" "4.1s" "2m03s" "5h10m". */
#define WATERFALL_TEXT_MAX 32
const char *waterfall_time(int64_t us, char text[WATERFALL_TEXT_MAX]);

#endif
