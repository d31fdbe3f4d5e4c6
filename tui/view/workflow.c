/* SPDX-License-Identifier: MIT */
/* Workflow: one of them, from top to bottom; the drawing is in detail.c. */
#include <inttypes.h>

#include "tui/view/common.h"
#include "tui/widget/look.h"

struct workflow_view {
    struct view view;
    bool has_chosen; /* the operator moved to a step; else the log picks its own */
    int step;        /* index among detail_steps */
    int64_t effect;  /* seq of the chosen step's effect, 0 = not begun */
};

static struct view *workflow_open(int64_t id, const char *arg)
{
    (void)id;
    (void)arg;
    struct workflow_view *self = mem_alloc(sizeof *self);
    return &self->view;
}

static void workflow_close(struct view *view)
{
    free(view);
}

static void workflow_query(const struct view *view, struct frame_query *query)
{
    const struct workflow_view *self = (const struct workflow_view *)view;
    query->parts = PART_DETAIL | PART_LOG;
    query->workflow = view->id;
    query->log_effect = self->has_chosen ? self->effect : 0;
    query->log_rows = detail_log_rows(view->h);
}

static const struct frame_detail *detail_of(const struct view *view,
                                            const struct frame *frame)
{
    if (!frame || !frame->detail || frame->detail->is_missing ||
        frame->detail->row.id != view->id)
        return NULL;
    return frame->detail;
}

/* The step whose log is shown. */
static int find_step(const struct workflow_view *self, const struct frame_detail *detail,
                     const struct step_row *steps, size_t n)
{
    int64_t seq = self->has_chosen ? self->effect : detail->log ? detail->log->effect : 0;
    for (size_t i = 0; i < n; i++)
        if (seq != 0 && steps[i].effect && steps[i].effect->seq == seq)
            return (int)i;
    if (self->has_chosen && (size_t)self->step < n)
        return self->step;
    for (size_t i = n; i-- > 0;)
        if (steps[i].effect)
            return (int)i;
    return n > 0 ? 0 : -1;
}

static void workflow_draw(const struct view *view, const struct frame *frame,
                          const struct canvas *all)
{
    const struct workflow_view *self = (const struct workflow_view *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h < 4 || !frame)
        return;
    struct detail_look look = {.step = -1, .has_cursor = true};
    const struct frame_detail *detail = detail_of(view, frame);
    if (detail) {
        struct step_row steps[STEPS_MAX];
        size_t n = detail_steps(detail, steps, STEPS_MAX);
        look.step = find_step(self, detail, steps, n);
    } else if (frame->detail && frame->detail->row.id != view->id) {
        blank_draw(&canvas, "reading the workflow", "");
        return;
    }
    detail_draw(&canvas, frame, view->now, &look);
}

static void choose(struct workflow_view *self, const struct step_row *steps, size_t n,
                   int step, struct reply *reply)
{
    if (n == 0)
        return;
    step = step < 0 ? 0 : (size_t)step >= n ? (int)n - 1 : step;
    self->has_chosen = true;
    self->step = step;
    self->effect = steps[step].effect ? steps[step].effect->seq : -1;
    reply->flags |= REPLY_REQUERY;
}

/* Next row, in order, that waits for a person is the console's business. */
static void workflow_on_action(struct view *view, const struct frame *frame,
                               enum action action, struct reply *reply)
{
    struct workflow_view *self = (struct workflow_view *)view;
    const struct frame_detail *detail = detail_of(view, frame);
    struct step_row steps[STEPS_MAX];
    size_t n = detail ? detail_steps(detail, steps, STEPS_MAX) : 0;
    int at = detail ? find_step(self, detail, steps, n) : -1;
    char arg[32];
    switch (action) {
    case ACTION_ROW_DOWN:
        choose(self, steps, n, at + 1, reply);
        break;
    case ACTION_ROW_UP:
        choose(self, steps, n, at - 1, reply);
        break;
    case ACTION_TOP:
        choose(self, steps, n, 0, reply);
        break;
    case ACTION_END:
        choose(self, steps, n, (int)n - 1, reply);
        break;
    case ACTION_FOLLOW:
        self->has_chosen = false;
        reply->flags |= REPLY_REQUERY;
        break;
    case ACTION_OPEN:
    case ACTION_SHOW_LOG:
        if (at < 0 || !steps[at].effect) {
            reply_say(reply, MESSAGE_INFO, "this step has not begun");
            break;
        }
        (void)snprintf(arg, sizeof arg, "%" PRId64, steps[at].effect->seq);
        reply_open(reply, &log_class, view->id, arg);
        break;
    default:
        common_action(view, detail ? &detail->row : NULL, action, reply);
        break;
    }
}

static size_t workflow_targets(const struct view *view, const struct frame *frame,
                               int64_t *ids, size_t max)
{
    (void)frame;
    if (max == 0 || view->id == 0)
        return 0;
    ids[0] = view->id;
    return 1;
}

static void workflow_crumb(const struct view *view, const struct frame *frame, char *out,
                           size_t cap)
{
    (void)frame;
    (void)snprintf(out, cap, "wf-%" PRId64, view->id);
}

static struct wall workflow_next_change(const struct view *view,
                                        const struct frame *frame)
{
    return detail_next_change(detail_of(view, frame), view->now);
}

const struct view_class workflow_class = {
    .name = "workflow",
    .title = "workflow",
    .help = "One workflow: timeline, steps and log",
    .context = CONTEXT_WORKFLOW,
    .hints = {ACTION_SHOW_LOG, ACTION_SHOW_DIFF, ACTION_SHOW_CONTEXT, ACTION_APPROVE,
              ACTION_RETRY, ACTION_PAUSE, ACTION_CANCEL, ACTION_SHOW_HISTORY,
              ACTION_SHOW_TRACE, ACTION_REJECT, ACTION_RESUME, ACTION_SKIP},
    .open = workflow_open,
    .close = workflow_close,
    .query = workflow_query,
    .draw = workflow_draw,
    .on_action = workflow_on_action,
    .on_prompt = common_on_prompt,
    .targets = workflow_targets,
    .crumb = workflow_crumb,
    .next_change = workflow_next_change,
};
