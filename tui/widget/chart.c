/* SPDX-License-Identifier: MIT */
#include "tui/widget/chart.h"

#include <inttypes.h>

#include "tui/widget/look.h"

#define SECOND_MS     INT64_C(1000)
#define MINUTE_MS     (60 * SECOND_MS)
#define HOUR_MS       (60 * MINUTE_MS)
#define DAY_MS        (24 * HOUR_MS)
#define WAIT_WORTH_MS (10 * SECOND_MS) /* a shorter wait for a slot gets no row */

/* Columns of the timeline. */
#define X_GLYPH  2
#define X_STATE  4
#define X_SPAN   16
#define W_SPAN   6
#define X_AXIS   24
#define AXIS_MIN 12
#define AXIS_MAX 60

void spark_draw(const struct canvas *canvas, int x, int y,
                const struct spark_value *values, size_t n)
{
    double max = 0;
    for (size_t i = 0; i < n; i++)
        if (values[i].is_known && values[i].value > max)
            max = values[i].value;
    for (size_t i = 0; i < n; i++) {
        if (!values[i].is_known)
            continue;
        int level = max > 0 ? (int)(values[i].value / max * 7.0 + 0.5) : 0;
        if (values[i].value > 0 && level == 0)
            level = 1; /* little is not nothing */
        enum theme_role role = values[i].is_bad      ? ROLE_CHART_BAD
                               : values[i].value > 0 ? ROLE_CHART
                                                     : ROLE_CHART_AXIS;
        canvas_glyph(canvas, x + (int)i, y, role, (enum glyph)(GLYPH_BAR1 + level));
    }
}

/* ---- axis
 * ---------------------------------------------------------------------------------------
 */

static int64_t eighths_of(const struct time_axis *axis, struct wall at)
{
    int64_t length = axis->to.ms - axis->from.ms;
    int64_t all = (int64_t)axis->cells * 8;
    if (length <= 0 || at.ms <= axis->from.ms)
        return 0;
    if (at.ms >= axis->to.ms)
        return all;
    return (int64_t)((double)(at.ms - axis->from.ms) / (double)length * (double)all);
}

void axis_place(const struct time_axis *axis, struct wall from, struct wall to,
                int *ret_cell, int *ret_eighths)
{
    int64_t start = eighths_of(axis, from), end = eighths_of(axis, to);
    int64_t cell = start / 8;
    if (cell >= axis->cells)
        cell = axis->cells - 1;
    /* A bar begins with a whole cell, as there are no blocks from the right. */
    int64_t len = end - cell * 8;
    if (len < 1)
        len = 1;
    if (len > (axis->cells - cell) * 8)
        len = (axis->cells - cell) * 8;
    *ret_cell = (int)cell;
    *ret_eighths = (int)len;
}

static int64_t tick_step(const struct time_axis *axis, int cells_between)
{
    static const int64_t steps[] = {
        10 * SECOND_MS, 30 * SECOND_MS, MINUTE_MS,      2 * MINUTE_MS, 5 * MINUTE_MS,
        10 * MINUTE_MS, 20 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS,       2 * HOUR_MS,
        4 * HOUR_MS,    6 * HOUR_MS,    12 * HOUR_MS,   DAY_MS,        2 * DAY_MS,
        7 * DAY_MS,     14 * DAY_MS,    28 * DAY_MS,    112 * DAY_MS,  448 * DAY_MS,
    };
    double per_cell = (double)(axis->to.ms - axis->from.ms) / axis->cells;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if ((double)steps[i] >= per_cell * cells_between)
            return steps[i];
    return steps[ARRAY_LEN(steps) - 1];
}

static void format_tick(struct wall at, int64_t step, char text[CLOCK_TEXT_MAX])
{
    char full[CLOCK_TEXT_MAX];
    wall_format(at, false, full); /* 2026-11-22T14:03:07Z */
    if (step >= DAY_MS)
        (void)snprintf(text, CLOCK_TEXT_MAX, "%.5s", full + 5);
    else if (step >= MINUTE_MS)
        (void)snprintf(text, CLOCK_TEXT_MAX, "%.5s", full + 11);
    else
        (void)snprintf(text, CLOCK_TEXT_MAX, "%.8s", full + 11);
}

void axis_draw(const struct canvas *canvas, int x, int y, const struct time_axis *axis,
               bool ends_now)
{
    if (axis->to.ms <= axis->from.ms || axis->cells < AXIS_MIN)
        return;
    int64_t step = tick_step(axis, 9);
    int label = step < MINUTE_MS ? 8 : 5;
    int end = ends_now ? axis->cells - 4 : axis->cells;
    int used = 0;
    for (int64_t at = (axis->from.ms + step - 1) / step * step; at < axis->to.ms;
         at += step) {
        int cell = (int)(eighths_of(axis, (struct wall){at}) / 8);
        if (cell < used || cell + label > end)
            continue;
        char text[CLOCK_TEXT_MAX];
        format_tick((struct wall){at}, step, text);
        canvas_text(canvas, x + cell, y, label, ROLE_CHART_AXIS, text);
        used = cell + label + 2;
    }
    if (ends_now)
        canvas_text(canvas, x + axis->cells - 3, y, 3, ROLE_CHART_AXIS, "now");
}

/* ---- timeline
 * -------------------------------------------------------------------------------------
 */

bool timeline_shows(const struct state_span *span, struct wall now)
{
    struct wall to = wall_is_set(span->to) ? span->to : now;
    return span->state != STATE_IDLE || span->end == SPAN_OPEN ||
           to.ms - span->from.ms >= WAIT_WORTH_MS;
}

int timeline_height(const struct frame_detail *detail, struct wall now)
{
    int n = 0;
    for (size_t i = 0; i < detail->n_spans; i++)
        n += timeline_shows(&detail->spans[i], now);
    return n;
}

/* The newest spans that fit; one row is given up to say how many went before. */
static struct timeline_rows choose_rows(const struct frame_detail *detail,
                                        struct wall now, int height)
{
    struct timeline_rows rows = {.first = detail->n_spans};
    int n_all = timeline_height(detail, now);
    bool is_cut = n_all > height || detail->has_more_events;
    size_t room = (size_t)(height > 0 ? height : 0);
    if (is_cut && room > 1)
        room--;
    for (size_t i = detail->n_spans; i-- > 0 && rows.n < room;) {
        if (!timeline_shows(&detail->spans[i], now))
            continue;
        rows.first = i;
        rows.n++;
    }
    if (is_cut && height > 1)
        rows.n_before = (size_t)n_all - rows.n;
    return rows;
}

static enum glyph span_glyph(const struct state_span *span)
{
    if (span->end == SPAN_OPEN || state_is_final(span->state))
        return look_state_glyph(span->state);
    if (span->end == SPAN_FAILED)
        return GLYPH_FAIL;
    if (span->end == SPAN_STOPPED)
        return GLYPH_TIMES;
    return GLYPH_OK;
}

static enum theme_role span_role(const struct state_span *span)
{
    if (span->end == SPAN_OPEN || state_is_final(span->state))
        return look_state_role(span->state);
    if (span->end == SPAN_FAILED)
        return ROLE_STATUS_ERROR;
    return span->end == SPAN_STOPPED ? ROLE_STATUS_OFF : ROLE_STATUS_OK;
}

static void draw_bar(const struct canvas *canvas, int y, const struct time_axis *axis,
                     const struct state_span *span, struct wall to)
{
    int cell, eighths;
    axis_place(axis, span->from, to, &cell, &eighths);
    bool is_wait = span->state == STATE_IDLE || span->state == STATE_PARKED ||
                   span->state == STATE_RECOVERING;
    if (is_wait) /* time that passes without work is a line, not a block */
        canvas_line(canvas, X_AXIS + cell, y, (eighths + 7) / 8, ROLE_CHART_AXIS,
                    GLYPH_LINE);
    else
        canvas_bar(canvas, X_AXIS + cell, y,
                   span->end == SPAN_FAILED ? ROLE_CHART_BAD : ROLE_CHART, eighths);
}

static void draw_span(const struct canvas *canvas, int y, const struct time_axis *axis,
                      const struct state_span *span, struct wall now)
{
    char text[CLOCK_TEXT_MAX];
    bool is_final = state_is_final(span->state);
    struct wall to = wall_is_set(span->to) ? span->to : now;
    canvas_glyph(canvas, X_GLYPH, y, span_role(span), span_glyph(span));
    canvas_text(canvas, X_STATE, y, X_SPAN - X_STATE - 1,
                span->end == SPAN_OPEN ? ROLE_TEXT : ROLE_TEXT_DIM,
                look_state_word(span->state));
    if (!is_final) {
        canvas_right(canvas, X_SPAN, y, W_SPAN, ROLE_TEXT,
                     span_format(wall_since(to, span->from), text));
        draw_bar(canvas, y, axis, span, to);
    } else {
        canvas_right(canvas, X_SPAN, y, W_SPAN, ROLE_TEXT_DIM,
                     wall_format_time(span->from, false, text));
    }
    int x = X_AXIS + axis->cells + 2;
    enum theme_role role = span->end == SPAN_FAILED ? ROLE_TEXT : ROLE_TEXT_DIM;
    look_text(canvas, x, y, canvas->w - x - 1, role, span->text);
}

void timeline_draw(const struct canvas *canvas, const struct frame_detail *detail,
                   struct wall now)
{
    struct timeline_rows rows = choose_rows(detail, now, canvas->h - 1);
    if (rows.n == 0)
        return;
    const struct state_span *last = &detail->spans[detail->n_spans - 1];
    bool ends_now = last->end == SPAN_OPEN;
    int cells = (canvas->w - X_AXIS) / 2;
    cells = cells > AXIS_MAX ? AXIS_MAX : cells;
    struct time_axis axis = {
        .from = detail->spans[rows.first].from,
        .to = ends_now ? now : last->to,
        .cells = cells < AXIS_MIN ? AXIS_MIN : cells,
    };
    int y = 0;
    if (rows.n_before > 0)
        canvas_printf(canvas, X_STATE, y++, canvas->w - X_STATE, ROLE_TEXT_DIM,
                      "%zu earlier", rows.n_before);
    for (size_t i = rows.first; i < detail->n_spans; i++)
        if (timeline_shows(&detail->spans[i], now))
            draw_span(canvas, y++, &axis, &detail->spans[i], now);
    axis_draw(canvas, X_AXIS, y, &axis, ends_now);
}
