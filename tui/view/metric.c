/* SPDX-License-Identifier: MIT */
/*
 * Metric: the chart of a series, or of up to four: expected band, anomalies, forecast, and the
 * value under a cursor. `arg` holds the numbers of the series: "3" or "3,17".
 */
#include <math.h>

#include "tui/view/common.h"
#include "tui/view/monitor.h"
#include "tui/widget/chart.h"
#include "tui/widget/look.h"
#include "tui/widget/plot.h"

#define LABEL_CELLS 10 /* left of the chart */
#define FOOT_ROWS   4  /* marks of anomalies, axis, two of the cursor */
#define CHART_MIN   3
#define LIVE        (-1)

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
static const int64_t spans[] = {5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR,     3 * HOUR,
                                6 * HOUR,   12 * HOUR,   DAY,         3 * DAY,  7 * DAY,
                                14 * DAY,   30 * DAY,    90 * DAY,    365 * DAY};
#define SPAN_FIRST 3 /* an hour */

struct metric_view {
    struct view view;
    int32_t ids[PLOT_LINES_MAX];
    int n_ids;
    int span;           /* index in spans */
    struct wall end;    /* unset: goes with the time */
    struct wall cursor; /* unset: the newest */
    bool has_forecast;
    enum plot_style style;
};

static struct view *metric_open(int64_t id, const char *arg)
{
    struct metric_view *self = mem_alloc(sizeof *self);
    (void)id;
    self->span = SPAN_FIRST;
    for (const char *at = arg ? arg : ""; *at != '\0' && self->n_ids < PLOT_LINES_MAX;) {
        char *stop;
        long number = strtol(at, &stop, 10);
        if (stop == at || number < 0 || number > INT32_MAX)
            break;
        self->ids[self->n_ids++] = (int32_t)number;
        at = stop + (*stop == ',');
    }
    return &self->view;
}

static void metric_close(struct view *view)
{
    free(view);
}

static int chart_width(const struct view *view)
{
    int w = view->w - LABEL_CELLS - 2;
    return w > 8 ? w : 8;
}

static void metric_query(const struct view *view, struct frame_query *query)
{
    const struct metric_view *self = (const struct metric_view *)view;
    query->parts = PART_METRICS;
    memcpy(query->metrics, self->ids, sizeof query->metrics);
    query->n_metrics = self->n_ids > 0 ? self->n_ids : 1;
    if (self->n_ids == 0)
        query->metrics[0] = -1; /* no series has it */
    query->metric_span = spans[self->span];
    query->metric_end = self->end;
    query->metric_slots = 2 * chart_width(view);
    query->has_metric_forecast = self->has_forecast;
}

static const struct metric_chart *chart_of(const struct frame *frame)
{
    return frame && frame->metrics && frame->metrics->chart.n_lines > 0
               ? &frame->metrics->chart
               : NULL;
}

/* Slot of the cursor; the newest known one of the first line when it is not set. */
static size_t cursor_slot(const struct metric_view *self,
                          const struct metric_chart *chart)
{
    if (wall_is_set(self->cursor)) {
        int64_t at = (self->cursor.ms - chart->from.ms) / chart->slot.ms;
        return at < 0                          ? 0
               : at >= (int64_t)chart->n_slots ? chart->n_slots - 1
                                               : (size_t)at;
    }
    size_t i = chart->n_past;
    while (i > 1 && chart->lines[0].slots[i - 1].n == 0)
        i--;
    return i > 0 ? i - 1 : 0;
}

/* ---- drawing ---------------------------------------------------------------------------- */

static bool has_one_unit(const struct metric_chart *chart)
{
    for (size_t k = 1; k < chart->n_lines; k++)
        if (strcmp(chart->lines[k].unit, chart->lines[0].unit) != 0 ||
            chart->lines[k].is_rate != chart->lines[0].is_rate)
            return false;
    return true;
}

/* Least and largest value of lines [from, to); the band counts where there is one line. */
static void range_of(const struct metric_chart *chart, size_t from, size_t to, double *lo,
                     double *hi)
{
    *lo = (double)INFINITY;
    *hi = -(double)INFINITY;
    for (size_t k = from; k < to; k++)
        for (size_t i = 0; i < chart->n_slots; i++) {
            const struct plot_slot *slot = &chart->lines[k].slots[i];
            if (slot->n > 0 || i >= chart->n_past) {
                double least = slot->n > 0 ? slot->min : slot->low;
                double most = slot->n > 0 ? slot->max : slot->high;
                *lo = fmin(*lo, least);
                *hi = fmax(*hi, most);
            }
        }
}

/* Points may be rarer than slots; then a line bridges the slots between them. */
static size_t join_of(const struct metric_chart *chart)
{
    static const int64_t intervals[] = {
#define X(id, word, ms, days) ms,
        METRIC_LEVEL_LIST(X)
#undef X
    };
    int64_t interval = chart->level == LEVEL_RAW ? 15000 : intervals[chart->level];
    return (size_t)(3 * interval / chart->slot.ms) + 2;
}

static void draw_legend(const struct canvas *canvas, const struct metric_chart *chart,
                        size_t k, int y)
{
    const struct metric_line *line = &chart->lines[k];
    char text[METRIC_TEXT_MAX];
    int x = 2;
    if (chart->n_lines > 1)
        x += 2 + 0 * canvas_printf(canvas, x, y, 1, plot_role(k), "%zu", k + 1);
    metric_value_text(line->newest, line->unit, line->is_rate, text);
    int room = canvas->w - x - 2 - (int)strlen(text) - 2;
    x +=
        look_text(canvas, x, y, room, k == 0 ? ROLE_TEXT_STRONG : ROLE_TEXT, line->title);
    look_text(canvas, x + 2, y, CANVAS_REST, plot_role(k), text);
}

static void draw_axis(const struct canvas *canvas, const struct metric_line *line,
                      double lo, double hi, double step, int y0, int h)
{
    char text[METRIC_TEXT_MAX];
    int last = -2;
    int n_ticks = (int)((hi - lo) / step + 0.5);
    for (int i = 0; i <= n_ticks; i++) {
        double value = hi - i * step;
        int row = plot_row(value, lo, hi, h);
        if (row - last < 2 && last >= 0)
            continue;
        double shown = fabs(value) < step * 1e-6 ? 0 : value;
        canvas_right(canvas, 0, y0 + row, LABEL_CELLS - 1, ROLE_CHART_AXIS,
                     metric_axis_text(shown, step, fmax(fabs(lo), fabs(hi)), line->unit,
                                      line->is_rate, text));
        last = row;
    }
}

/* Where anomalies of the first line began, and for how long they went on. */
static void draw_anomalies(const struct canvas *canvas, int x0, int y, int w,
                           const struct metric_chart *chart)
{
    struct time_axis axis = {chart->from, chart->to, w};
    for (size_t i = chart->n_anomalies; i-- > 0;) {
        const struct anomaly_row *row = &chart->anomalies[i];
        int cell, eighths;
        struct wall end = wall_is_set(row->closed_at) ? row->closed_at : row->seen_at;
        axis_place(&axis, row->began_at, end, &cell, &eighths);
        enum theme_role role =
            wall_is_set(row->closed_at) ? ROLE_STATUS_WARN : ROLE_STATUS_ERROR;
        canvas_line(canvas, x0 + cell, y, (eighths + 7) / 8, role, GLYPH_LINE);
        canvas_glyph(canvas, x0 + cell, y, role, GLYPH_HIGH);
    }
}

static const struct anomaly_row *anomaly_at(const struct metric_chart *chart, size_t slot)
{
    int64_t at = chart->from.ms + (int64_t)slot * chart->slot.ms;
    for (size_t i = 0; i < chart->n_anomalies; i++) {
        const struct anomaly_row *row = &chart->anomalies[i];
        int64_t end = wall_is_set(row->closed_at) ? row->closed_at.ms : row->seen_at.ms;
        if (row->began_at.ms < at + chart->slot.ms && end >= at)
            return row;
    }
    return NULL;
}

static int put_value(const struct canvas *canvas, int x, int y,
                     const struct metric_chart *chart, size_t k, size_t at)
{
    const struct metric_line *line = &chart->lines[k];
    const struct plot_slot *slot = &line->slots[at];
    char mean[METRIC_TEXT_MAX], lo[METRIC_TEXT_MAX], hi[METRIC_TEXT_MAX];
    bool is_ahead = at >= chart->n_past;
    if (chart->n_lines > 1)
        x += 1 + canvas_printf(canvas, x, y, CANVAS_REST, plot_role(k), "%zu", k + 1);
    if (slot->n == 0 && !is_ahead)
        return x + 2 + canvas_text(canvas, x, y, CANVAS_REST, ROLE_TEXT_DIM, "no point");
    x += canvas_printf(canvas, x, y, CANVAS_REST, ROLE_TEXT_STRONG, "%s%s",
                       is_ahead ? "forecast " : "",
                       metric_value_text(slot->mean, line->unit, line->is_rate, mean));
    if (slot->n > 1 && slot->min < slot->max)
        x += canvas_printf(canvas, x, y, CANVAS_REST, ROLE_TEXT_DIM, " (%s to %s)",
                           metric_value_text(slot->min, line->unit, line->is_rate, lo),
                           metric_value_text(slot->max, line->unit, line->is_rate, hi));
    if (k == 0 && isfinite(slot->low) && isfinite(slot->high))
        x += canvas_printf(canvas, x, y, CANVAS_REST, ROLE_TEXT_DIM, "  %s %s to %s",
                           is_ahead ? "in 4 of 5 cases" : "expected",
                           metric_value_text(slot->low, line->unit, line->is_rate, lo),
                           metric_value_text(slot->high, line->unit, line->is_rate, hi));
    return x + 2;
}

static void draw_cursor(const struct canvas *canvas, int y,
                        const struct metric_view *self, const struct metric_chart *chart)
{
    size_t at = cursor_slot(self, chart);
    char when[CLOCK_TEXT_MAX], full[CLOCK_TEXT_MAX];
    struct wall moment = {chart->from.ms + (int64_t)at * chart->slot.ms};
    wall_format(moment, false, full); /* 2026-11-22T14:03:07Z */
    (void)snprintf(when, sizeof when, "%.5s %.8s", full + 5, full + 11);
    int x = 2 + canvas_text(canvas, 2, y, CANVAS_REST, ROLE_TEXT_DIM, when) + 2;
    for (size_t k = 0; k < chart->n_lines; k++)
        x = put_value(canvas, x, y, chart, k, at);
    const struct anomaly_row *odd = anomaly_at(chart, at);
    if (!odd)
        return;
    canvas_glyph(canvas, 2, y + 1, ROLE_STATUS_WARN, GLYPH_HIGH);
    look_text(canvas, 4, y + 1, canvas->w - 5, ROLE_STATUS_WARN, odd->text);
}

/* What the chart is of, in one line. */
static void draw_note(const struct canvas *canvas, int y, const struct metric_view *self,
                      const struct metric_chart *chart)
{
    static const char *const levels[] = {
#define X(id, word, ms, days) word,
        METRIC_LEVEL_LIST(X)
#undef X
    };
    char span[CLOCK_TEXT_MAX];
    int x = 2;
    x += canvas_printf(canvas, x, y, CANVAS_REST, ROLE_TEXT_DIM, "%s%s, %s points",
                       wall_is_set(self->end) ? "" : "last ",
                       look_span((struct span){spans[self->span]}, span),
                       levels[chart->level]);
    if (wall_is_set(self->end))
        x += canvas_text(canvas, x, y, CANVAS_REST, ROLE_STATUS_WARN, "; stands still");
    if (!has_one_unit(chart))
        x += canvas_text(canvas, x, y, CANVAS_REST, ROLE_TEXT_DIM,
                         "; each on a scale of its own");
    if (self->has_forecast)
        x += canvas_printf(canvas, x, y, CANVAS_REST, ROLE_TEXT_DIM, "; forecast: %s",
                           chart->model[0] != '\0' ? chart->model : "too few points");
    static const char how[] = "arrows: value   PageUp: earlier   G: now";
    if (x + 4 + (int)sizeof how < canvas->w)
        canvas_right(canvas, 0, y, canvas->w - 1, ROLE_TEXT_DIM, how);
}

static void draw_plot(const struct canvas *canvas, const struct metric_view *self,
                      const struct metric_chart *chart)
{
    struct plot plot = {.n_lines = chart->n_lines,
                        .n_slots = chart->n_slots,
                        .n_past = chart->n_past,
                        .join = join_of(chart),
                        .style = self->style};
    bool is_one = has_one_unit(chart);
    int h = canvas->h - FOOT_ROWS;
    double lo, hi, step = 1, axis_step = 1;
    for (size_t k = 0; k < chart->n_lines; k++) {
        range_of(chart, is_one ? 0 : k, is_one ? chart->n_lines : k + 1, &lo, &hi);
        plot_scale(lo, hi, h / 3, &plot.lines[k].lo, &plot.lines[k].hi, &step);
        plot.lines[k].slots = chart->lines[k].slots;
        axis_step = k == 0 ? step : axis_step;
    }
    int w = chart_width(&self->view);
    struct canvas area = canvas_sub(canvas, (struct rect){LABEL_CELLS, 0, w, h});
    size_t at = cursor_slot(self, chart);
    draw_axis(canvas, &chart->lines[0], plot.lines[0].lo, plot.lines[0].hi, axis_step, 0,
              h);
    if (chart->n_past < chart->n_slots)
        for (int y = 0; y < h; y++)
            canvas_glyph(&area, plot_cell(&plot, chart->n_past, w), y, ROLE_CHART_AXIS,
                         GLYPH_VLINE);
    plot_draw(&area, &plot);
    draw_anomalies(canvas, LABEL_CELLS, h, w, chart);
    if (wall_is_set(self->cursor)) {
        int cell = plot_cell(&plot, at, w);
        canvas_ground(&area, (struct rect){cell, 0, 1, h}, ROLE_CURSOR);
        canvas_glyph(canvas, LABEL_CELLS + cell, h, ROLE_TEXT_STRONG, GLYPH_ARROW_UP);
    }
    struct time_axis axis = {chart->from, chart->to, w};
    axis_draw(canvas, LABEL_CELLS, h + 1, &axis, false);
    draw_cursor(canvas, h + 2, self, chart);
}

static void metric_draw(const struct view *view, const struct frame *frame,
                        const struct canvas *all)
{
    const struct metric_view *self = (const struct metric_view *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    const struct metric_chart *chart = chart_of(frame);
    if (canvas.h <= 0 || !frame)
        return;
    if (!frame->metrics) {
        blank_draw(&canvas, "reading the points", "");
        return;
    }
    if (!chart) {
        blank_draw(&canvas,
                   self->n_ids == 0 ? "No series was chosen."
                                    : "There is no such series.",
                   "C lists all that is measured.");
        return;
    }
    int head = (int)chart->n_lines + 1;
    if (canvas.h < head + FOOT_ROWS + CHART_MIN) {
        blank_draw(&canvas, "The chart needs more rows.", "");
        return;
    }
    for (size_t k = 0; k < chart->n_lines; k++)
        draw_legend(&canvas, chart, k, (int)k);
    draw_note(&canvas, head - 1, self, chart);
    struct canvas below =
        canvas_sub(&canvas, (struct rect){0, head, canvas.w, canvas.h - head});
    draw_plot(&below, self, chart);
}

/* ---- handling --------------------------------------------------------------------------- */

static struct wall end_of(const struct metric_view *self,
                          const struct metric_chart *chart)
{
    if (wall_is_set(self->end))
        return self->end;
    return (struct wall){chart->from.ms + (int64_t)chart->n_past * chart->slot.ms - 1};
}

/* The end of what is shown; at or after now it goes with the time again. */
static void set_end(struct metric_view *self, int64_t end_ms, struct reply *reply)
{
    self->end = (struct wall){end_ms < self->view.now.ms ? end_ms : 0};
    reply->flags |= REPLY_REQUERY;
}

static void zoom(struct metric_view *self, const struct metric_chart *chart, int by,
                 struct reply *reply)
{
    int to = self->span + by;
    if (to < 0 || to >= (int)ARRAY_LEN(spans))
        return;
    /* What is under the cursor stays in sight. */
    if (chart && wall_is_set(self->cursor)) {
        int64_t end = end_of(self, chart).ms;
        int64_t behind = end - self->cursor.ms;
        int64_t share = behind * spans[to] / spans[self->span];
        self->span = to;
        set_end(self, self->cursor.ms + share, reply);
        return;
    }
    self->span = to;
    reply->flags |= REPLY_REQUERY;
}

static void pan(struct metric_view *self, const struct metric_chart *chart, int direction,
                struct reply *reply)
{
    set_end(self, end_of(self, chart).ms + direction * spans[self->span] / 2, reply);
}

/* One cell; at an edge the chart moves on by half of its time. */
static void move_cursor(struct metric_view *self, const struct metric_chart *chart,
                        int by, struct reply *reply)
{
    int64_t at = ((int64_t)cursor_slot(self, chart) / 2 + by) * 2;
    if (at < 0 || at >= (int64_t)chart->n_slots) {
        if (at < 0 || wall_is_set(self->end))
            pan(self, chart, by < 0 ? -1 : 1, reply);
        return;
    }
    self->cursor = (struct wall){chart->from.ms + at * chart->slot.ms};
    reply->flags |= REPLY_REDRAW;
}

static void copy_value(const struct metric_view *self, const struct metric_chart *chart,
                       struct reply *reply)
{
    size_t at = cursor_slot(self, chart);
    char when[CLOCK_TEXT_MAX];
    struct wall moment = {chart->from.ms + (int64_t)at * chart->slot.ms};
    AUTO_FREE char *text =
        mem_printf("%s %s %.9g", wall_format(moment, false, when), chart->lines[0].title,
                   chart->lines[0].slots[at].mean);
    reply_copy(reply, text, strlen(text));
}

static bool on_chart(struct metric_view *self, const struct metric_chart *chart,
                     enum action action, struct reply *reply)
{
    switch (action) {
    case ACTION_LEFT:
    case ACTION_ROW_UP:
        move_cursor(self, chart, -1, reply);
        return true;
    case ACTION_RIGHT:
    case ACTION_ROW_DOWN:
        move_cursor(self, chart, 1, reply);
        return true;
    case ACTION_PAGE_UP:
        pan(self, chart, -1, reply);
        return true;
    case ACTION_PAGE_DOWN:
        pan(self, chart, 1, reply);
        return true;
    case ACTION_COPY:
        copy_value(self, chart, reply);
        return true;
    default:
        return false;
    }
}

static void metric_on_action(struct view *view, const struct frame *frame,
                             enum action action, struct reply *reply)
{
    struct metric_view *self = (struct metric_view *)view;
    const struct metric_chart *chart = chart_of(frame);
    if (chart && on_chart(self, chart, action, reply))
        return;
    switch (action) {
    case ACTION_ZOOM_IN:
    case ACTION_ZOOM_OUT:
        zoom(self, chart, action == ACTION_ZOOM_IN ? -1 : 1, reply);
        break;
    case ACTION_ZOOM_ALL:
        self->span = SPAN_FIRST;
        self->end = self->cursor = (struct wall){0};
        reply->flags |= REPLY_REQUERY;
        break;
    case ACTION_END:
        self->end = self->cursor = (struct wall){0};
        reply->flags |= REPLY_REQUERY;
        break;
    case ACTION_CHART_FORECAST:
        self->has_forecast = !self->has_forecast;
        self->end = (struct wall){0};
        reply->flags |= REPLY_REQUERY;
        break;
    case ACTION_CHART_STYLE:
        self->style = (self->style + 1) % PLOT_STYLES;
        reply->flags |= REPLY_REDRAW;
        break;
    default:
        reply->flags |= REPLY_UNUSED;
        break;
    }
}

static void metric_crumb(const struct view *view, const struct frame *frame, char *out,
                         size_t cap)
{
    const struct metric_chart *chart = chart_of(frame);
    (void)view;
    (void)snprintf(out, cap, "%.*s", chart ? (int)strcspn(chart->lines[0].title, "{") : 6,
                   chart ? chart->lines[0].title : "metric");
}

const struct view_class metric_class = {
    .name = "metric",
    .title = "metric",
    .help = "Chart of a series, with what was expected and what is forecast",
    .context = CONTEXT_METRICS,
    .hints = {ACTION_ZOOM_IN, ACTION_ZOOM_OUT, ACTION_ZOOM_ALL, ACTION_CHART_FORECAST,
              ACTION_CHART_STYLE, ACTION_COPY, ACTION_PALETTE, ACTION_HELP},
    .open = metric_open,
    .close = metric_close,
    .query = metric_query,
    .draw = metric_draw,
    .on_action = metric_on_action,
    .crumb = metric_crumb,
};
