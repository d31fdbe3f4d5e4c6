/* SPDX-License-Identifier: MIT */
/*
 * Metrics: every series with its newest value and its last hour. `metric` is the chart of one,
 * or of up to four that were marked; see tui/view/metric.c.
 */
#include <math.h>

#include "engine/base/text.h"
#include "tui/rank.h"
#include "tui/view/chosen.h"
#include "tui/view/common.h"
#include "tui/view/monitor.h"
#include "tui/widget/chart.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define HEAD_ROWS 2
#define NO_ONE    (-1)

enum column_id { COL_MARK, COL_SERIES, COL_NOW, COL_HOUR, COL_AGE, COL_ABOUT, COLUMNS };

static const struct column columns[COLUMNS] = {
    [COL_MARK] = {"",          1,            1,            0, false, -1},
    [COL_SERIES] = {"SERIES",    34,           100,          0, false, 0 },
    [COL_NOW] = {"NOW",       9,            11,           0, true,  2 },
    [COL_HOUR] = {"LAST HOUR", METRIC_SPARK, METRIC_SPARK, 1, false, -1},
    [COL_AGE] = {"SEEN",      5,            5,            2, true,  3 },
    [COL_ABOUT] = {"ABOUT",     20,           30,           3, false, -1},
};

struct metrics {
    struct list_view list;
    int32_t cursor; /* series; NO_ONE = the first */
    int place;      /* its row when it was last seen */
    int first;      /* row from which sparks are asked for */
    int32_t marks[PLOT_LINES_MAX];
    size_t n_marks;
};

static struct view *metrics_open(int64_t id, const char *arg)
{
    struct metrics *self = mem_alloc(sizeof *self);
    (void)id;
    self->cursor = NO_ONE;
    (void)text_clean_into(self->list.chosen.text, sizeof self->list.chosen.text, arg);
    return &self->list.view;
}

static void metrics_close(struct view *view)
{
    free(view);
}

static int rows_of(const struct view *view)
{
    return view->h > HEAD_ROWS ? view->h - HEAD_ROWS : 0;
}

static void metrics_query(const struct view *view, struct frame_query *query)
{
    const struct metrics *self = (const struct metrics *)view;
    query->parts = PART_METRICS;
    query->metric_first = self->first;
    query->metric_sparks = rows_of(view);
    chosen_query(view, query);
}

static int find_cursor(const struct metrics *self, const struct frame_metrics *data)
{
    for (size_t i = 0; i < data->n; i++)
        if (data->rows[i].id == self->cursor)
            return (int)i;
    int last = (int)data->n - 1;
    return self->cursor == NO_ONE || last < 0 ? 0
           : self->place < last               ? self->place
                                              : last;
}

static int mark_of(const struct metrics *self, int32_t id)
{
    for (size_t i = 0; i < self->n_marks; i++)
        if (self->marks[i] == id)
            return (int)i;
    return NO_ONE;
}

/* ---- drawing ---------------------------------------------------------------------------- */

static int first_row(const struct metrics *self, const struct frame_metrics *data)
{
    int h = rows_of(&self->list.view), at = find_cursor(self, data);
    return (int)table_scroll(self->first, at, (int64_t)data->n, h);
}

static void draw_head(const struct canvas *canvas, const struct metrics *self,
                      const struct frame_metrics *data)
{
    size_t n_odd = 0;
    char n[CLOCK_TEXT_MAX];
    int x = 2 + canvas_text(canvas, 2, 0, CANVAS_REST, ROLE_TITLE, "METRICS") + 2;
    for (size_t i = 0; i < data->n; i++)
        n_odd += data->rows[i].anomaly != NULL;
    x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT_DIM, "%s series",
                       look_count((int64_t)data->n_all, n));
    if (n_odd > 0) {
        canvas_glyph(canvas, x + 2, 0, ROLE_STATUS_WARN, GLYPH_HIGH);
        x += 4 + canvas_printf(canvas, x + 4, 0, CANVAS_REST, ROLE_STATUS_WARN, "%zu odd",
                               n_odd);
    }
    if (self->n_marks > 0)
        x += 2 + canvas_printf(canvas, x + 2, 0, CANVAS_REST, ROLE_TEXT_STRONG,
                               "%zu marked: Enter shows them together", self->n_marks);
    if (self->list.chosen.text[0] != '\0')
        canvas_printf(canvas, x + 2, 0, CANVAS_REST, ROLE_TEXT_STRONG,
                      "shown: %zu with \"%s\"", data->n, self->list.chosen.text);
}

static void draw_spark(const struct canvas *canvas, int x, int y, const double *means)
{
    struct spark_value values[METRIC_SPARK];
    double least = 0;
    for (int i = 0; i < METRIC_SPARK; i++)
        least = isfinite(means[i]) && means[i] < least ? means[i] : least;
    for (int i = 0; i < METRIC_SPARK; i++)
        values[i] = (struct spark_value){.value = means[i] - least,
                                         .is_known = isfinite(means[i])};
    spark_draw(canvas, x, y, values, METRIC_SPARK);
}

static void draw_cell(const struct canvas *canvas, enum column_id id, int x, int y, int w,
                      const struct metrics *self, const struct metric_row *row)
{
    char text[METRIC_TEXT_MAX], age[CLOCK_TEXT_MAX];
    switch (id) {
    case COL_MARK:
        if (mark_of(self, row->id) != NO_ONE)
            canvas_printf(canvas, x, y, 1, ROLE_TEXT_STRONG, "%d",
                          mark_of(self, row->id) + 1);
        else if (row->anomaly)
            canvas_glyph(canvas, x, y, ROLE_STATUS_WARN, GLYPH_HIGH);
        break;
    case COL_SERIES:
        look_text(canvas, x, y, w, row->anomaly ? ROLE_TEXT_STRONG : ROLE_TEXT,
                  row->title);
        break;
    case COL_NOW:
        canvas_right(canvas, x, y, w, ROLE_TEXT_STRONG,
                     metric_value_text(row->newest, row->unit, row->is_rate, text));
        break;
    case COL_HOUR:
        if (row->spark)
            draw_spark(canvas, x, y, row->spark);
        break;
    case COL_AGE:
        canvas_right(canvas, x, y, w, ROLE_TEXT_DIM,
                     look_age(self->list.view.now, row->newest_at, age));
        break;
    case COL_ABOUT:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM, row->component);
        break;
    case COLUMNS:
        break;
    }
}

static void draw_rows(const struct canvas *all, const struct metrics *self,
                      const struct frame_metrics *data)
{
    struct canvas canvas =
        canvas_sub(all, (struct rect){0, HEAD_ROWS, all->w, all->h - HEAD_ROWS});
    struct table_layout layout = chosen_layout(&self->list.view, 2, all->w - 3);
    chosen_heading(&self->list.view, all, HEAD_ROWS - 1, &layout);
    int top = first_row(self, data), at = find_cursor(self, data);
    for (int y = 0; y < canvas.h && top + y < (int)data->n; y++) {
        for (enum column_id c = 0; c < COLUMNS; c++)
            if (layout.w[c] > 0)
                draw_cell(&canvas, c, layout.x[c], y, layout.w[c], self,
                          &data->rows[top + y]);
        if (top + y == at) {
            canvas_glyph(&canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(&canvas, (struct rect){0, y, canvas.w, 1}, ROLE_CURSOR);
        }
    }
}

static void metrics_draw(const struct view *view, const struct frame *frame,
                         const struct canvas *all)
{
    const struct metrics *self = (const struct metrics *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    const struct frame_metrics *data = frame->metrics;
    if (!data)
        blank_draw(&canvas, "reading the metrics", "");
    else if (!data->has_file)
        blank_draw(&canvas, "Nothing was measured yet.",
                   "The engine begins a few seconds after its start.");
    else if (data->n == 0)
        blank_draw(&canvas,
                   data->n_all > 0 ? "No series has these words." : "No series yet.",
                   data->n_all > 0 ? "F shows all again." : "");
    else
        draw_rows(&canvas, self, data);
    if (data && data->has_file)
        draw_head(&canvas, self, data);
}

/* ---- handling --------------------------------------------------------------------------- */

static void metrics_on_frame(struct view *view, const struct frame *frame,
                             struct reply *reply)
{
    struct metrics *self = (struct metrics *)view;
    if (!frame || !frame->metrics || frame->metrics->n == 0)
        return;
    int first = first_row(self, frame->metrics);
    if (first != self->first) {
        self->first = first;
        reply->flags |= REPLY_REQUERY;
    }
}

static void go_to(struct metrics *self, const struct frame_metrics *data, int to,
                  struct reply *reply)
{
    int last = (int)data->n - 1;
    to = to < 0 ? 0 : to > last ? last : to;
    self->cursor = data->rows[to].id;
    self->place = to;
    int first = first_row(self, data);
    reply->flags |= first == self->first ? REPLY_REDRAW : REPLY_REQUERY;
    self->first = first;
}

static bool move(struct metrics *self, const struct frame_metrics *data,
                 enum action action, struct reply *reply)
{
    int at = find_cursor(self, data), page = rows_of(&self->list.view) - 1;
    switch (action) {
    case ACTION_ROW_DOWN:
        at += 1;
        break;
    case ACTION_ROW_UP:
        at -= 1;
        break;
    case ACTION_PAGE_DOWN:
        at += page;
        break;
    case ACTION_PAGE_UP:
        at -= page;
        break;
    case ACTION_TOP:
        at = 0;
        break;
    case ACTION_END:
        at = (int)data->n - 1;
        break;
    default:
        return false;
    }
    go_to(self, data, at, reply);
    return true;
}

static void toggle_mark(struct metrics *self, int32_t id, struct reply *reply)
{
    int at = mark_of(self, id);
    if (at != NO_ONE) {
        memmove(&self->marks[at], &self->marks[at + 1],
                (self->n_marks - (size_t)at - 1) * sizeof self->marks[0]);
        self->n_marks--;
    } else if (self->n_marks == PLOT_LINES_MAX) {
        reply_say(reply, MESSAGE_INFO, "a chart has at most %d lines", PLOT_LINES_MAX);
        return;
    } else {
        self->marks[self->n_marks++] = id;
    }
    reply->flags |= REPLY_REDRAW;
}

/* The marked ones, else the one under the cursor. */
static void open_chart(const struct metrics *self, int32_t id, struct reply *reply)
{
    char arg[64];
    int used = 0;
    if (self->n_marks == 0)
        used = snprintf(arg, sizeof arg, "%d", id);
    for (size_t i = 0; i < self->n_marks; i++)
        used += snprintf(arg + used, sizeof arg - (size_t)used, i > 0 ? ",%d" : "%d",
                         self->marks[i]);
    reply_open(reply, &metric_class, 0, arg);
}

static void metrics_on_action(struct view *view, const struct frame *frame,
                              enum action action, struct reply *reply)
{
    struct metrics *self = (struct metrics *)view;
    const struct frame_metrics *data = frame ? frame->metrics : NULL;
    const struct metric_row *row =
        data && data->n > 0 ? &data->rows[find_cursor(self, data)] : NULL;
    if (row && move(self, data, action, reply))
        return;
    bool is_close = action == ACTION_FILTER_CLEAR || action == ACTION_CLOSE;
    if (is_close && self->n_marks > 0) {
        self->n_marks = 0; /* the marks first, then the filter */
        reply->flags |= REPLY_REDRAW;
        return;
    }
    if (chosen_action(view, action, reply))
        return;
    switch (action) {
    case ACTION_OPEN:
        if (row)
            open_chart(self, row->id, reply);
        break;
    case ACTION_MARK:
        if (row)
            toggle_mark(self, row->id, reply);
        break;
    case ACTION_COPY:
        if (row)
            reply_copy(reply, row->title, strlen(row->title));
        break;
    default:
        reply->flags |= REPLY_UNUSED;
        break;
    }
}

static void metrics_on_prompt(struct view *view, const struct frame *frame, int token,
                              const char *text, bool is_final, struct reply *reply)
{
    (void)frame;
    (void)is_final;
    (void)chosen_on_prompt(view, token, text, reply);
}

static void from_the_start(struct view *view)
{
    struct metrics *self = (struct metrics *)view;
    self->cursor = NO_ONE;
    self->first = 0;
}

static const struct choices choices = {
    .filter = "words of name, labels or what it is about",
    .orders = rank_metric_words,
    .columns = columns,
    .n_columns = COLUMNS,
    .restart = from_the_start,
};

/* clang-format off */
static const struct view_setting settings[] = {
    CHOSEN_FILTER,
    CHOSEN_SORT("series, odd, now or seen"),
    CHOSEN_COLUMNS("series now last-hour seen about"),
    {0},
};
/* clang-format on */

const struct view_class metrics_class = {
    .name = "metrics",
    .title = "metrics",
    .help = "Every figure that is measured, with its last hour",
    .context = CONTEXT_METRICS,
    .hints = {ACTION_OPEN, ACTION_MARK, ACTION_FILTER, ACTION_SORT_NEXT, ACTION_COPY,
              ACTION_PALETTE, ACTION_HELP},
    .is_root = true,
    .choices = &choices,
    .settings = settings,
    .setting_value = chosen_value,
    .open = metrics_open,
    .close = metrics_close,
    .query = metrics_query,
    .on_frame = metrics_on_frame,
    .draw = metrics_draw,
    .on_action = metrics_on_action,
    .on_prompt = metrics_on_prompt,
};
