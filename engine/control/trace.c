/* SPDX-License-Identifier: MIT */

/*
 * Trace: what becomes of workflows, as spans in the batch of the change itself. A span is
 * written once, when it has ended; what is still going on is made from the rows by whoever
 * shows it (engine/trace/span.h derives the same ids).
 */

#include "engine/base/mem.h"
#include "engine/control/control_private.h"
#include "engine/trace/span.h"

static void add(struct control *control, const struct span_row *span)
{
    (void)store_add_span(control->store, span); /* nobody needs its number */
    arena_reset(control->trace_arena);
}

void trace_begin(struct trace_before *before, const struct workflow_row *row)
{
    before->row = *row;
    before->row.reason = before->reason = mem_str(row->reason);
    before->row.service = before->service = mem_str(row->service);
    before->row.branch = before->row.base_sha = "";
    before->row.head_sha = before->row.merge_sha = "";
}

void trace_end(struct trace_before *before)
{
    free(before->reason);
    free(before->service);
}

void trace_step(struct control *control, const struct workflow_row *row,
                const struct effect_row *effect)
{
    struct span_row span = span_of_step(control->trace_arena, row, effect);
    add(control, &span);
}

void trace_change(struct control *control, const struct trace_before *before,
                  const struct workflow_row *row)
{
    if (before->row.state == row->state) {
        return;
    }
    if (!state_is_final(before->row.state)) {
        struct span_row span =
            span_of_state(control->trace_arena, &before->row, row->state_since);
        add(control, &span);
    }
    if (state_is_final(row->state)) {
        struct span_row span = span_of_workflow(control->trace_arena, row);
        add(control, &span);
    }
}
