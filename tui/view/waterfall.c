/* SPDX-License-Identifier: MIT */
/*
 * Waterfall: where the time of one workflow went. Above its spans as bars over time, below
 * what is known of the one under the cursor. What is open grows with the clock.
 */
#include <inttypes.h>

#include "tui/view/common.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define HEAD_ROWS 2 /* title, headings */
#define BAR_MIN   12
#define ZOOM_MIN  1000 /* us: the shortest window */
#define NOW_STEP  1000 /* ms: a bar that grows is drawn anew no more often */

struct waterfall_view {
    struct view view;
    char cursor[SPAN_MAX]; /* id of the span; "" = the first row */
    int place;             /* row that it had, for when it is gone */
    bool is_zoomed;
    int64_t from_us, to_us; /* window, when zoomed */
    int skip;               /* attributes above the panel */
};

struct layout {
    int name, bar_x, bar;   /* cells */
    int rows, panel;        /* heights */
    int64_t from_us, to_us; /* window */
};

static struct view *waterfall_open(int64_t id, const char *arg)
{
    (void)id;
    (void)arg;
    struct waterfall_view *self = mem_alloc(sizeof *self);
    return &self->view;
}

static void waterfall_close(struct view *view)
{
    free(view);
}

static void waterfall_query(const struct view *view, struct frame_query *query)
{
    const struct waterfall_view *self = (const struct waterfall_view *)view;
    query->parts = PART_DETAIL | PART_TRACE;
    query->workflow = view->id;
    memcpy(query->trace_span, self->cursor, sizeof query->trace_span);
}

static const struct frame_trace *trace_of(const struct view *view,
                                          const struct frame *frame)
{
    if (!frame || !frame->trace || frame->trace->workflow != view->id ||
        frame->trace->fall.n == 0)
        return NULL;
    return frame->trace;
}

static int find_cursor(const struct waterfall_view *self, const struct waterfall *fall)
{
    if (self->cursor[0] == '\0')
        return 0;
    for (size_t i = 0; i < fall->n; i++)
        if (strcmp(fall->rows[i].span.span, self->cursor) == 0)
            return (int)i;
    return self->place < (int)fall->n ? self->place : (int)fall->n - 1;
}

/* ---- time ----------------------------------------------------------------------------- */

/* The frame stands still while nothing happens; the clock does not. */
static int64_t end_of(const struct waterfall_row *row, struct wall now)
{
    int64_t now_us = now.ms * 1000;
    return row->is_open && now_us > row->end_us ? now_us : row->end_us;
}

static int64_t end_of_all(const struct waterfall *fall, struct wall now)
{
    int64_t end = fall->end_us;
    for (size_t i = 0; i < fall->n; i++)
        if (end_of(&fall->rows[i], now) > end)
            end = end_of(&fall->rows[i], now);
    return end;
}

static struct layout layout_of(const struct waterfall_view *self,
                               const struct waterfall *fall, int w, int h)
{
    struct layout layout = {.name = w < WIDE_COLUMNS ? 30 : 46};
    while (layout.name > 10 && w - layout.name - 20 < BAR_MIN)
        layout.name--;
    layout.bar_x = 2 + layout.name + 3 + 7 + 7;
    layout.bar = w - layout.bar_x - 1;
    layout.panel = h < 14 ? 0 : h / 3 > 12 ? 12 : h / 3;
    layout.rows = h - HEAD_ROWS - layout.panel;
    layout.from_us = self->is_zoomed ? self->from_us : fall->start_us;
    layout.to_us = self->is_zoomed ? self->to_us : end_of_all(fall, self->view.now);
    return layout;
}

/* ---- drawing -------------------------------------------------------------------------- */

static enum theme_role role_of(const struct waterfall_row *row)
{
    if (row->is_open)
        return ROLE_STATUS_RUN;
    if (row->span.status == SPAN_ERROR)
        return ROLE_STATUS_ERROR;
    return row->span.status == SPAN_OK ? ROLE_STATUS_OK : ROLE_STATUS_OFF;
}

static enum glyph glyph_of(const struct waterfall_row *row)
{
    if (row->is_open)
        return GLYPH_RUN;
    if (row->span.status == SPAN_ERROR)
        return GLYPH_FAIL;
    return row->span.status == SPAN_OK ? GLYPH_OK : GLYPH_TODO;
}

static void draw_bar(const struct canvas *canvas, const struct layout *layout, int y,
                     const struct waterfall_row *row, struct wall now)
{
    int first, n;
    int64_t start = row->span.start_us, end = end_of(row, now);
    if (layout->bar <= 0)
        return;
    if (waterfall_bar(start, end, layout->from_us, layout->to_us, layout->bar, &first,
                      &n))
        canvas_line(canvas, layout->bar_x + first, y, n, role_of(row),
                    row->is_critical ? GLYPH_BAR8 : GLYPH_BAR4);
    else if (end < layout->from_us)
        canvas_glyph(canvas, layout->bar_x, y, ROLE_CHART_AXIS, GLYPH_ARROW_LEFT);
    else
        canvas_glyph(canvas, layout->bar_x + layout->bar - 1, y, ROLE_CHART_AXIS,
                     GLYPH_ARROW_RIGHT);
}

static void draw_row(const struct canvas *canvas, const struct layout *layout, int y,
                     const struct waterfall *fall, const struct waterfall_row *row,
                     struct wall now)
{
    char text[WATERFALL_TEXT_MAX];
    int indent = row->depth * 2 < layout->name / 2 ? row->depth * 2 : layout->name / 2;
    enum theme_role role = row->span.status == SPAN_ERROR ? ROLE_STATUS_ERROR
                           : row->depth < 2               ? ROLE_TEXT
                                                          : ROLE_TEXT_DIM;
    int64_t at = row->span.start_us - fall->start_us;
    look_text(canvas, 2 + indent, y, layout->name - indent, role, row->span.name);
    canvas_glyph(canvas, 2 + layout->name + 1, y, role_of(row), glyph_of(row));
    canvas_right(canvas, layout->bar_x - 14, y, 6, ROLE_TEXT_DIM,
                 at > 0 ? waterfall_time(at, text) : "0");
    canvas_right(canvas, layout->bar_x - 7, y, 6, ROLE_TEXT,
                 waterfall_time(end_of(row, now) - row->span.start_us, text));
    draw_bar(canvas, layout, y, row, now);
}

static void draw_head(const struct canvas *canvas, const struct layout *layout,
                      const struct waterfall *fall, struct wall now)
{
    char took[WATERFALL_TEXT_MAX], from[WATERFALL_TEXT_MAX], to[WATERFALL_TEXT_MAX];
    int x = 2 + canvas_text(canvas, 2, 0, CANVAS_REST, ROLE_TITLE, "TRACE") + 2;
    x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT_DIM, "%.32s",
                       fall->rows[0].span.trace) +
         3;
    canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT, "%zu spans in %s", fall->n,
                  waterfall_time(end_of_all(fall, now) - fall->start_us, took));
    canvas_text(canvas, 2, 1, layout->name, ROLE_COLUMN, "SPAN");
    canvas_right(canvas, layout->bar_x - 14, 1, 6, ROLE_COLUMN, "START");
    canvas_right(canvas, layout->bar_x - 7, 1, 6, ROLE_COLUMN, "TOOK");
    int64_t first = layout->from_us - fall->start_us;
    int used = canvas_printf(canvas, layout->bar_x, 1, layout->bar, ROLE_CHART_AXIS,
                             "%s%s", glyph_text(GLYPH_RIGHT1, canvas_is_ascii(canvas)),
                             first > 0 ? waterfall_time(first, from) : "0");
    (void)waterfall_time(layout->to_us - fall->start_us, to);
    if (layout->bar > used + (int)strlen(to) + 2)
        canvas_right_printf(canvas, layout->bar_x, 1, layout->bar, ROLE_CHART_AXIS,
                            "%s%s", to, glyph_text(GLYPH_LEFT1, canvas_is_ascii(canvas)));
}

/* ---- the panel below ------------------------------------------------------------------ */

static int draw_facts(const struct canvas *canvas, int y, const struct waterfall_row *row,
                      struct wall now)
{
    char at[CLOCK_TEXT_MAX], took[WATERFALL_TEXT_MAX];
    const struct span_row *span = &row->span;
    int x = 2 + look_text(canvas, 2, y, canvas->w / 2, ROLE_TEXT_STRONG, span->name) + 2;
    x += canvas_text(canvas, x, y, CANVAS_REST, ROLE_TEXT_DIM, span->kind) + 2;
    canvas_printf(canvas, x, y, CANVAS_REST, ROLE_TEXT_DIM, "%s  %s%s  span %s%s",
                  wall_format_time((struct wall){span->start_us / 1000}, true, at),
                  waterfall_time(end_of(row, now) - span->start_us, took),
                  row->is_open ? ", runs" : "", span->span,
                  row->is_critical ? "  critical path" : "");
    return y + 1;
}

static int attribute_rows(const struct frame_trace *trace, int columns)
{
    return ((int)trace->n_attributes + columns - 1) / columns;
}

static int panel_columns(int w)
{
    return w < WIDE_COLUMNS ? 1 : 2;
}

static void draw_panel(const struct canvas *canvas, const struct waterfall_view *self,
                       const struct frame_trace *trace, const struct waterfall_row *row)
{
    int columns = panel_columns(canvas->w), cell = (canvas->w - 3) / columns;
    canvas_line(canvas, 0, 0, canvas->w, ROLE_CHART_AXIS, GLYPH_LINE);
    int y = draw_facts(canvas, 1, row, self->view.now);
    if (strcmp(trace->span, row->span.span) != 0)
        return; /* those of another one: they are on their way */
    int n = attribute_rows(trace, columns), left = canvas->h - y;
    int skip = self->skip < n - left ? self->skip : n - left > 0 ? n - left : 0;
    for (int i = skip; i < n && y < canvas->h; i++, y++)
        for (int c = 0; c < columns; c++) {
            size_t k = (size_t)c * (size_t)n + (size_t)i;
            if (k >= trace->n_attributes)
                continue;
            int x = 2 + c * cell;
            int used =
                canvas_text(canvas, x, y, 30, ROLE_TEXT_DIM, trace->attributes[k].key);
            used = used < 30 ? 30 : used;
            look_text(canvas, x + used + 1, y, cell - used - 2, ROLE_TEXT,
                      trace->attributes[k].value);
        }
    if (n > left && skip + left < n)
        canvas_glyph(canvas, canvas->w - 1, canvas->h - 1, ROLE_TEXT_DIM,
                     GLYPH_ARROW_DOWN);
}

static void waterfall_draw(const struct view *view, const struct frame *frame,
                           const struct canvas *all)
{
    const struct waterfall_view *self = (const struct waterfall_view *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h < 4 || !frame)
        return;
    const struct frame_trace *trace = trace_of(view, frame);
    if (!trace) {
        bool is_gone = frame->trace && frame->trace->workflow == view->id;
        blank_draw(&canvas, is_gone ? "There is no such workflow." : "reading the trace",
                   "");
        return;
    }
    const struct waterfall *fall = &trace->fall;
    struct layout layout = layout_of(self, fall, canvas.w, canvas.h);
    draw_head(&canvas, &layout, fall, view->now);
    struct canvas part =
        canvas_sub(&canvas, (struct rect){0, HEAD_ROWS, canvas.w, layout.rows});
    int at = find_cursor(self, fall);
    int64_t top = table_scroll((int64_t)at - part.h / 2, at, (int64_t)fall->n, part.h);
    for (int y = 0; y < part.h && top + y < (int64_t)fall->n; y++) {
        draw_row(&part, &layout, y, fall, &fall->rows[top + y], view->now);
        if (top + y == at) {
            canvas_glyph(&part, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(&part, (struct rect){0, y, part.w, 1}, ROLE_CURSOR);
        }
    }
    if (layout.panel > 0) {
        struct canvas panel = canvas_sub(
            &canvas, (struct rect){0, canvas.h - layout.panel, canvas.w, layout.panel});
        draw_panel(&panel, self, trace, &fall->rows[at]);
    }
}

/* ---- handling ------------------------------------------------------------------------- */

static void go_to(struct waterfall_view *self, const struct waterfall *fall, int to,
                  struct reply *reply)
{
    to = to < 0 ? 0 : to >= (int)fall->n ? (int)fall->n - 1 : to;
    memcpy(self->cursor, fall->rows[to].span.span, sizeof self->cursor);
    self->place = to;
    self->skip = 0;
    reply->flags |= REPLY_REQUERY;
}

/* Window of this length around a moment, inside of the whole. */
static void set_window(struct waterfall_view *self, const struct waterfall *fall,
                       int64_t centre, int64_t len, struct reply *reply)
{
    int64_t start = fall->start_us, end = end_of_all(fall, self->view.now);
    len = len > ZOOM_MIN ? len : ZOOM_MIN;
    reply->flags |= REPLY_REDRAW;
    self->is_zoomed = len < end - start;
    if (!self->is_zoomed)
        return;
    int64_t from = centre - len / 2;
    from = from > end - len ? end - len : from;
    self->from_us = from > start ? from : start;
    self->to_us = self->from_us + len;
}

/* Zooming in goes to the span under the cursor, for that is what is looked at. */
static void zoom(struct waterfall_view *self, const struct waterfall *fall, bool is_in,
                 struct reply *reply)
{
    struct layout layout = layout_of(self, fall, self->view.w, self->view.h);
    const struct waterfall_row *row = &fall->rows[find_cursor(self, fall)];
    int64_t len = layout.to_us - layout.from_us;
    int64_t centre = is_in ? (row->span.start_us + end_of(row, self->view.now)) / 2
                           : (layout.from_us + layout.to_us) / 2;
    set_window(self, fall, centre, is_in ? len / 2 : len * 2, reply);
}

static void pan(struct waterfall_view *self, const struct waterfall *fall, int direction,
                struct reply *reply)
{
    if (!self->is_zoomed)
        return;
    int64_t len = self->to_us - self->from_us;
    int64_t centre = (self->from_us + self->to_us) / 2 + direction * (len / 4);
    set_window(self, fall, centre, len, reply);
}

/* The log of the step under the cursor: "wf-12.7" in its attributes says which. */
static void open_log(const struct waterfall_view *self, const struct frame_trace *trace,
                     struct reply *reply)
{
    const char *name = "";
    for (size_t i = 0; i < trace->n_attributes; i++)
        if (strcmp(trace->attributes[i].key, "cicd.pipeline.task.run.id") == 0)
            name = trace->attributes[i].value;
    const char *seq = strchr(name, '.');
    if (seq)
        reply_open(reply, &log_class, self->view.id, seq + 1);
    else
        reply_say(reply, MESSAGE_INFO, "only a step has a log");
}

static void copy_ids(const struct waterfall_row *row, struct reply *reply)
{
    char text[TRACEPARENT_MAX];
    struct trace_context context = {.is_sampled = true};
    memcpy(context.trace, row->span.trace, sizeof context.trace);
    memcpy(context.span, row->span.span, sizeof context.span);
    (void)traceparent_format(&context, text);
    reply_copy(reply, text, strlen(text));
}

static bool move(struct waterfall_view *self, const struct waterfall *fall,
                 enum action action, struct reply *reply)
{
    struct layout layout = layout_of(self, fall, self->view.w, self->view.h);
    int at = find_cursor(self, fall);
    switch (action) {
    case ACTION_ROW_DOWN:
        go_to(self, fall, at + 1, reply);
        return true;
    case ACTION_ROW_UP:
        go_to(self, fall, at - 1, reply);
        return true;
    case ACTION_PAGE_DOWN:
        go_to(self, fall, at + layout.rows - 1, reply);
        return true;
    case ACTION_PAGE_UP:
        go_to(self, fall, at - layout.rows + 1, reply);
        return true;
    case ACTION_TOP:
        go_to(self, fall, 0, reply);
        return true;
    case ACTION_END:
        go_to(self, fall, (int)fall->n - 1, reply);
        return true;
    default:
        return false;
    }
}

static void waterfall_on_action(struct view *view, const struct frame *frame,
                                enum action action, struct reply *reply)
{
    struct waterfall_view *self = (struct waterfall_view *)view;
    const struct frame_trace *trace = trace_of(view, frame);
    const struct workflow_row *row =
        frame && frame->detail && !frame->detail->is_missing ? &frame->detail->row : NULL;
    if (!trace) {
        common_action(view, row, action, reply);
        return;
    }
    const struct waterfall *fall = &trace->fall;
    if (move(self, fall, action, reply))
        return;
    switch (action) {
    case ACTION_ZOOM_IN:
    case ACTION_ZOOM_OUT:
        zoom(self, fall, action == ACTION_ZOOM_IN, reply);
        break;
    case ACTION_ZOOM_ALL:
        self->is_zoomed = false;
        reply->flags |= REPLY_REDRAW;
        break;
    case ACTION_LEFT:
    case ACTION_RIGHT:
        pan(self, fall, action == ACTION_LEFT ? -1 : 1, reply);
        break;
    case ACTION_NEXT_PANEL: {
        int n = attribute_rows(trace, panel_columns(view->w));
        self->skip = self->skip + 4 < n ? self->skip + 4 : 0;
        reply->flags |= REPLY_REDRAW;
        break;
    }
    case ACTION_OPEN:
    case ACTION_SHOW_LOG:
        open_log(self, trace, reply);
        break;
    case ACTION_COPY:
        copy_ids(&fall->rows[find_cursor(self, fall)], reply);
        break;
    default:
        common_action(view, row, action, reply);
        break;
    }
}

static size_t waterfall_targets(const struct view *view, const struct frame *frame,
                                int64_t *ids, size_t max)
{
    (void)frame;
    if (max == 0 || view->id == 0)
        return 0;
    ids[0] = view->id;
    return 1;
}

static void waterfall_crumb(const struct view *view, const struct frame *frame, char *out,
                            size_t cap)
{
    (void)frame;
    (void)view;
    (void)snprintf(out, cap, "trace");
}

/* When a bar has grown by a cell, or a time by a second. */
static struct wall waterfall_next_change(const struct view *view,
                                         const struct frame *frame)
{
    const struct waterfall_view *self = (const struct waterfall_view *)view;
    const struct frame_trace *trace = trace_of(view, frame);
    bool is_open = false;
    for (size_t i = 0; trace && i < trace->fall.n; i++)
        is_open = is_open || trace->fall.rows[i].is_open;
    if (!is_open)
        return (struct wall){0};
    struct layout layout = layout_of(self, &trace->fall, view->w, view->h);
    int cells = layout.bar > 0 ? layout.bar : 1;
    int64_t ms = (layout.to_us - layout.from_us) / 1000 / cells;
    return (struct wall){view->now.ms + (ms > NOW_STEP ? ms : NOW_STEP)};
}

const struct view_class waterfall_class = {
    .name = "trace",
    .title = "trace",
    .help = "One workflow: where its time went, with the critical path",
    .context = CONTEXT_WATERFALL,
    .hints = {ACTION_ZOOM_IN, ACTION_ZOOM_OUT, ACTION_ZOOM_ALL, ACTION_SHOW_LOG,
              ACTION_SHOW_STEPS, ACTION_COPY, ACTION_PALETTE, ACTION_HELP},
    .open = waterfall_open,
    .close = waterfall_close,
    .query = waterfall_query,
    .draw = waterfall_draw,
    .on_action = waterfall_on_action,
    .on_prompt = common_on_prompt,
    .targets = waterfall_targets,
    .crumb = waterfall_crumb,
    .next_change = waterfall_next_change,
};
