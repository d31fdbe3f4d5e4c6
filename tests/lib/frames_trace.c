/* SPDX-License-Identifier: MIT */
#include "tests/lib/frames.h"

/* A call to a service inside of a step of wf-2207; times in ms before now. */
static struct span_row call(struct arena *arena, const struct workflow_row *row,
                            int64_t seq, const char *name, int64_t begun, int64_t took,
                            int status)
{
    struct trace_context step = trace_of_step(row, seq);
    struct wall at = {frames_now().ms - begun};
    struct span_call call = {.workflow = row->id,
                             .seq = seq,
                             .context = trace_of_call(&step, "github_api", begun, at),
                             .service = "github_api",
                             .kind = "github",
                             .name = name,
                             .method = "GET",
                             .url =
                                 "https://api.github.com/repos/acme/payments/pulls/482",
                             .start_us = at.ms * 1000,
                             .end_us = (at.ms + took) * 1000,
                             .attempt = status == 0 ? 1 : 2,
                             .status = status,
                             .fault = status == 0 ? "timeout" : "",
                             .sent_bytes = 0,
                             .got_bytes = status == 0 ? -1 : 21370};
    memcpy(call.parent, step.span, sizeof call.parent);
    return span_of_call(arena, &call);
}

const struct frame *frames_trace(void)
{
    static const struct frame_attribute attributes[] = {
        {"cicd.pipeline.name",      "default"                 },
        {"cicd.pipeline.run.id",    "wf-2207"                 },
        {"vcs.repository.url.full",
         "https://github.com/acme/a-long-name/of-a-repository"},
        {"vcs.ref.head.name",       "signalbox/wf-2207"       },
        {"signalbox.iteration",     "2"                       },
        {"signalbox.agent_runs",    "3"                       },
        {"signalbox.priority",      "5"                       },
        {"signalbox.submitter",     "ada"                     },
    };
    struct frame *frame =
        (struct frame *)(uintptr_t)frames_busy(); /* nobody has it yet */
    struct arena *arena = frame_arena(frame);
    const struct frame_detail *detail = frame->detail;
    const struct workflow_row *row = &detail->row;
    struct frame_trace *trace = arena_alloc(arena, sizeof *trace);
    size_t n = detail->n_effects;
    struct span_row *spans = arena_array(arena, 3, sizeof *spans);
    spans[0] =
        call(arena, row, detail->effects[n - 4].seq, "pulls.get", 200000, 30000, 0);
    spans[1] =
        call(arena, row, detail->effects[n - 4].seq, "pulls.get", 169000, 400, 200);
    spans[2] =
        call(arena, row, detail->effects[n - 1].seq, "checks.list", 60000, 900, 200);
    trace->workflow = row->id;
    trace->fall = waterfall_build(arena, row, detail->effects, n, spans, 3, frames_now());
    memcpy(trace->span, trace->fall.rows[0].span.span, sizeof trace->span);
    trace->attributes = attributes;
    trace->n_attributes = ARRAY_LEN(attributes);
    frame->trace = trace;
    return frame;
}
