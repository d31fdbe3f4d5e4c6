/* SPDX-License-Identifier: MIT */
/*
 * Bottlenecks: what holds work back, and what those that pass have in common; of the workflows
 * that have ended. One below the other, or side by side where there is room.
 */
#include <math.h>

#include "engine/base/text.h"
#include "tui/view/approval.h"
#include "tui/view/chosen.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define HEAD_ROWS   2
#define W_BAR       6
#define SHARE_LEAST 0.001 /* less is not worth a line */
#define LINES_MAX   (INSIGHT_BOTTLENECKS + SUCCESS_OF_COUNT * (INSIGHT_PATTERNS + 2) + 4)

struct bottlenecks {
    struct list_view list;
    int top;
};

enum bottleneck_column {
    B_WHAT,
    B_SHARE,
    B_BAR,
    B_EACH,
    B_P90,
    B_ONCE,
    B_WASTED,
    B_RATE,
    B_COLUMNS
};
static const struct column columns[B_COLUMNS] = {
    [B_WHAT] = {"WHAT",     18,    28,    0, false, -1},
    [B_SHARE] = {"SHARE",    5,     5,     0, true,  -1},
    [B_BAR] = {"",         W_BAR, W_BAR, 1, false, -1},
    [B_EACH] = {"EACH",     7,     7,     0, true,  -1},
    [B_P90] = {"9 OF 10",  7,     7,     2, true,  -1},
    [B_ONCE] = {"AT ONCE",  7,     7,     0, true,  -1},
    [B_WASTED] = {"WASTED",   6,     6,     3, true,  -1},
    [B_RATE] = {"PER HOUR", 8,     8,     4, true,  -1},
};

/* A line of the screen: one of these, or a title, or nothing. */
struct line {
    const struct insight_bottleneck *bottleneck;
    const struct insight_pattern *pattern;
    const char *title, *note;
    bool is_heading;  /* of the columns */
    bool has_columns; /* of a title: of patterns */
};
struct page {
    struct line lines[LINES_MAX];
    int n;
};

static struct view *bottlenecks_open(int64_t id, const char *arg)
{
    struct bottlenecks *self = mem_alloc(sizeof *self);
    (void)id;
    (void)text_clean_into(self->list.chosen.text, sizeof self->list.chosen.text,
                          arg ? arg : "");
    return &self->list.view;
}

static void bottlenecks_close(struct view *view)
{
    free(view);
}

static void bottlenecks_query(const struct view *view, struct frame_query *query)
{
    query->parts = PART_INSIGHT;
    chosen_query(view, query);
}

static void put(struct page *page, const struct line *line)
{
    if (page->n < LINES_MAX)
        page->lines[page->n++] = *line;
}

static void put_bottlenecks(struct page *page, const struct insight *insight)
{
    put(page, &(struct line){.is_heading = true});
    for (size_t i = 0; i < insight->n_bottlenecks; i++)
        if (insight->bottlenecks[i].row.share >= SHARE_LEAST)
            put(page, &(struct line){.bottleneck = &insight->bottlenecks[i]});
}

static void put_patterns(struct page *page, const struct insight *insight)
{
    for (size_t i = 0; i < insight->n_patterns; i++) {
        const struct insight_pattern *one = &insight->patterns[i];
        if (i == 0 || one->of != insight->patterns[i - 1].of) {
            if (i > 0)
                put(page, &(struct line){0});
            put(page, &(struct line){.title = "WHO PASSES",
                                     .has_columns = true,
                                     .note = insight_success(one->of)});
        }
        put(page, &(struct line){.pattern = one});
    }
    if (insight->n_patterns == 0)
        put(page, &(struct line){
                      .title = "WHO PASSES",
                      .note = "nothing distinguishes those that pass beyond what chance "
                              "explains"});
}

/* The second stands beside the first, or is empty. Returns the lines of the longer one. */
static int make_pages(const struct insight *insight, int w, struct page pages[2])
{
    bool is_beside = list_width(w) < w;
    put_bottlenecks(&pages[0], insight);
    if (!is_beside)
        put(&pages[0], &(struct line){0});
    put_patterns(&pages[is_beside ? 1 : 0], insight);
    return pages[0].n > pages[1].n ? pages[0].n : pages[1].n;
}

/* ---- drawing --------------------------------------------------------------------------- */

static const char *minutes(double value, char text[CLOCK_TEXT_MAX])
{
    text[0] = '\0';
    if (isfinite(value))
        (void)span_format((struct span){llround(value * 60) * 1000}, text);
    return text;
}

static void draw_cell(const struct canvas *canvas, enum bottleneck_column column, int x,
                      int y, int w, const struct insight_bottleneck *one)
{
    const struct bottleneck *row = &one->row;
    char text[CLOCK_TEXT_MAX];
    switch (column) {
    case B_WHAT:
        look_text(canvas, x, y, w, ROLE_TEXT, one->what);
        break;
    case B_SHARE:
        canvas_right_printf(canvas, x, y, w, ROLE_TEXT, "%.0f%%", 100 * row->share);
        break;
    case B_BAR:
        canvas_bar(canvas, x, y, ROLE_CHART, (int)lround(row->share * W_BAR * 8));
        break;
    case B_EACH:
        canvas_right(canvas, x, y, w, ROLE_TEXT, minutes(row->minutes, text));
        break;
    case B_P90:
        canvas_right(canvas, x, y, w, ROLE_TEXT_DIM, minutes(row->p90.value, text));
        break;
    case B_ONCE:
        if (isfinite(row->at_once))
            canvas_right_printf(canvas, x, y, w, ROLE_TEXT, "%.1f", row->at_once);
        break;
    case B_WASTED:
        canvas_right_printf(canvas, x, y, w,
                            row->wasted >= 0.2 ? ROLE_STATUS_WARN : ROLE_TEXT_DIM,
                            "%.0f%%", 100 * row->wasted);
        break;
    case B_RATE:
        if (isfinite(row->rate))
            canvas_right_printf(canvas, x, y, w, ROLE_TEXT_DIM, "%.1f", row->rate);
        break;
    case B_COLUMNS:
        break;
    }
}

/* "+12 points  agent a2, largest quarter of changes     61% (54 to 68)   others 49%" */
static void draw_pattern(const struct canvas *canvas, int y,
                         const struct insight_pattern *one)
{
    const struct success_row *row = &one->row;
    double points = 100 * (row->share.value - row->others);
    int right = canvas->w - 1;
    canvas_right_printf(canvas, 2, y, 4, points < 0 ? ROLE_STATUS_WARN : ROLE_STATUS_OK,
                        "%+.0f", points);
    canvas_right_printf(canvas, right - 6, y, 6, ROLE_TEXT_DIM, "%lld",
                        (long long)row->n);
    canvas_right_printf(canvas, right - 13, y, 6, ROLE_TEXT_DIM, "%.0f%%",
                        100 * row->others);
    canvas_right_printf(canvas, right - 30, y, 16, ROLE_TEXT, "%.0f%% (%.0f to %.0f)",
                        100 * row->share.value, 100 * row->share.low,
                        100 * row->share.high);
    look_text(canvas, 8, y, right - 31 - 8, ROLE_TEXT, one->what);
}

static void draw_pattern_title(const struct canvas *canvas, int y,
                               const struct line *line)
{
    int right = canvas->w - 1;
    look_title(canvas, 2, y, line->has_columns ? right - 32 : right - 2, line->title,
               line->note);
    if (!line->has_columns)
        return;
    canvas_right(canvas, right - 30, y, 16, ROLE_COLUMN, "PASS");
    canvas_right(canvas, right - 13, y, 6, ROLE_COLUMN, "OTHERS");
    canvas_right(canvas, right - 6, y, 6, ROLE_COLUMN, "RUNS");
}

static void draw_page(const struct canvas *canvas, const struct view *view,
                      const struct page *page, int top)
{
    struct table_layout layout = chosen_layout(view, 2, canvas->w - 3);
    for (int y = 0; y < canvas->h && top + y < page->n; y++) {
        const struct line *line = &page->lines[top + y];
        if (line->is_heading)
            chosen_heading(view, canvas, y, &layout);
        else if (line->title)
            draw_pattern_title(canvas, y, line);
        else if (line->pattern)
            draw_pattern(canvas, y, line->pattern);
        for (enum bottleneck_column c = 0; line->bottleneck && c < B_COLUMNS; c++)
            if (layout.w[c] > 0)
                draw_cell(canvas, c, layout.x[c], y, layout.w[c], line->bottleneck);
    }
}

static void draw_head(const struct canvas *canvas, const struct bottlenecks *self,
                      const struct frame_insight *data)
{
    char note[300] = "", lead[CLOCK_TEXT_MAX], count[CLOCK_TEXT_MAX], with[100] = "";
    const struct insight *insight = &data->data;
    if (self->list.chosen.text[0] != '\0')
        (void)snprintf(with, sizeof with, " with \"%.60s\"", self->list.chosen.text);
    if (data->is_reading)
        (void)snprintf(note, sizeof note, "reading %zu of %zu workflows", data->n_read,
                       data->n_all);
    else if (insight->n_runs > 0)
        (void)snprintf(note, sizeof note,
                       "%s workflows%s: %s each in the mean, %.1f at once",
                       look_count((int64_t)insight->n_runs, count), with,
                       minutes(insight->lead, lead), insight->at_once);
    look_title(canvas, 2, 0, canvas->w - 3, "WHAT HOLDS WORK BACK", note);
}

static void draw_parts(const struct canvas *canvas, const struct bottlenecks *self,
                       const struct insight *insight)
{
    struct page *pages = mem_array(2, sizeof *pages);
    int left = list_width(canvas->w), x = left + SIDE_GAP;
    struct canvas side = canvas_sub(canvas, (struct rect){0, 0, left, canvas->h});
    struct canvas beside =
        canvas_sub(canvas, (struct rect){x, 0, canvas->w - x, canvas->h});
    (void)make_pages(insight, canvas->w, pages);
    draw_page(&side, &self->list.view, &pages[0], self->top);
    draw_page(&beside, &self->list.view, &pages[1], self->top);
    free(pages);
}

static void bottlenecks_draw(const struct view *view, const struct frame *frame,
                             const struct canvas *all)
{
    const struct bottlenecks *self = (const struct bottlenecks *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    struct canvas part =
        canvas_sub(&canvas, (struct rect){0, HEAD_ROWS, canvas.w, canvas.h - HEAD_ROWS});
    const struct frame_insight *data = frame->insight;
    if (!data) {
        blank_draw(&part, "reading", "");
        return;
    }
    draw_head(&canvas, self, data);
    if (data->data.n_runs > 0)
        draw_parts(&part, self, &data->data);
    else if (data->is_reading)
        blank_draw(&part, "reading", "");
    else if (chosen_is_narrowed(view))
        blank_draw(&part, "Nothing matches.", "F shows all again.");
    else
        blank_draw(&part, "No workflow has ended yet.",
                   "Then this says what they waited for, and for how long.");
}

/* ---- handling -------------------------------------------------------------------------- */

static void bottlenecks_on_action(struct view *view, const struct frame *frame,
                                  enum action action, struct reply *reply)
{
    struct bottlenecks *self = (struct bottlenecks *)view;
    int n = 0;
    if (frame && frame->insight) {
        struct page *pages = mem_array(2, sizeof *pages);
        n = make_pages(&frame->insight->data, self->list.view.w, pages);
        free(pages);
    }
    if (chosen_action(view, action, reply))
        return;
    if (page_scroll(&self->top, action, n, self->list.view.h - HEAD_ROWS))
        reply->flags |= REPLY_REDRAW;
    else
        reply->flags |= REPLY_UNUSED;
}

static void bottlenecks_on_prompt(struct view *view, const struct frame *frame, int token,
                                  const char *text, bool is_final, struct reply *reply)
{
    (void)frame;
    (void)is_final;
    (void)chosen_on_prompt(view, token, text, reply);
}

static void from_the_start(struct view *view)
{
    ((struct bottlenecks *)view)->top = 0;
}

static const struct choices choices = {
    .filter = "part of a repository or pipeline",
    .is_slow = true,
    .columns = columns,
    .n_columns = B_COLUMNS,
    .restart = from_the_start,
};

/* clang-format off */
static const struct view_setting settings[] = {
    CHOSEN_FILTER,
    CHOSEN_COLUMNS("what share each 9-of-10 at-once wasted per-hour"),
    {0},
};
/* clang-format on */

const struct view_class bottlenecks_class = {
    .name = "bottlenecks",
    .title = "bottlenecks",
    .help = "What holds work back, and what those that pass have in common",
    .context = CONTEXT_BOTTLENECKS,
    .hints = {ACTION_FILTER, ACTION_FILTER_CLEAR, ACTION_GO_OPTIMIZATIONS, ACTION_CLOSE},
    .choices = &choices,
    .settings = settings,
    .setting_value = chosen_value,
    .open = bottlenecks_open,
    .close = bottlenecks_close,
    .query = bottlenecks_query,
    .draw = bottlenecks_draw,
    .on_action = bottlenecks_on_action,
    .on_prompt = bottlenecks_on_prompt,
};
