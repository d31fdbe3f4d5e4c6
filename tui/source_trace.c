/* SPDX-License-Identifier: MIT */
/* The trace of the workflow that the detail is about. */
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "store/finding.h"
#include "tui/source_impl.h"

#define ATTRIBUTES_MAX 64
#define VALUE_MAX      256

/* Those of one span, cleaned. */
static void read_attributes(struct arena *arena, const struct span_row *span,
                            struct frame_trace *trace)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(span->attributes, strlen(span->attributes), &ignored);
    struct frame_attribute *rows = arena_array(arena, ATTRIBUTES_MAX, sizeof *rows);
    void *iter = NULL;
    const char *key;
    const struct json *value;
    while (trace->n_attributes < ATTRIBUTES_MAX && json_next(root, &iter, &key, &value)) {
        char clean[VALUE_MAX];
        AUTO_FREE char *plain = json_text(value) ? NULL : json_format(value);
        rows[trace->n_attributes].key =
            arena_str(arena, text_clean_into(clean, sizeof clean, key));
        rows[trace->n_attributes++].value =
            arena_str(arena, text_clean_into(clean, sizeof clean,
                                             plain ? plain : json_text(value)));
    }
    trace->attributes = rows;
    memcpy(trace->span, span->span, sizeof trace->span);
    json_free(root);
}

bool source_read_trace(struct reader *reader, const struct frame_query *query,
                       struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    const struct frame_detail *detail = frame->detail;
    struct frame_trace *trace = arena_alloc(arena, sizeof *trace);
    const struct span_row *spans;
    size_t n_spans;
    trace->workflow = query->workflow;
    frame->trace = trace;
    if (detail->is_missing)
        return true;
    if (!reader_spans(reader, arena, query->workflow, 0, WATERFALL_MAX, &spans, &n_spans,
                      err))
        return false;
    trace->fall = waterfall_build(arena, &detail->row, detail->effects, detail->n_effects,
                                  spans, n_spans, frame->taken_at);
    size_t at = 0; /* the workflow's, unless another is meant */
    for (size_t i = 0; i < trace->fall.n; i++)
        if (strcmp(trace->fall.rows[i].span.span, query->trace_span) == 0)
            at = i;
    read_attributes(arena, &trace->fall.rows[at].span, trace);
    return true;
}
