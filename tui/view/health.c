/* SPDX-License-Identifier: MIT */
/*
 * Health: how it goes, what is wrong, what is coming, what to do, and the figures behind it.
 *
 * The page is a list of lines, made anew for each drawing from the report (engine/monitor/
 * health.h). The cursor stands on lines that can be opened: incidents, and predictions of a
 * workflow.
 */
#include <inttypes.h>
#include <math.h>

#include "engine/base/text.h"
#include "engine/monitor/health.h"
#include "engine/monitor/reading.h"
#include "tui/view/common.h"
#include "tui/view/monitor.h"
#include "tui/widget/look.h"

#define LINES_MAX  600
#define X_TEXT     4
#define W_SEVERITY 8
#define W_NAME     34
#define W_VALUE    12
#define W_HOLDER   8

enum line_kind {
    LINE_BLANK,
    LINE_TITLE,
    LINE_REASON,
    LINE_INCIDENT,
    LINE_FORECAST,
    LINE_PREDICTION,
    LINE_ADVICE,
    LINE_BECAUSE,
    LINE_METRIC
};

struct line {
    enum line_kind kind;
    size_t index;
    const char *text; /* titles */
    const char *note;
};

struct page {
    struct line lines[LINES_MAX];
    int n;
};

struct health_view {
    struct view view;
    int cursor; /* line */
    int top;
};

static struct view *health_open(int64_t id, const char *arg)
{
    struct health_view *page = mem_alloc(sizeof *page);
    (void)id;
    (void)arg;
    return &page->view;
}

static void health_close(struct view *view)
{
    free(view);
}

static void health_query(const struct view *view, struct frame_query *query)
{
    (void)view;
    query->parts = PART_HEALTH;
}

/* ---- lines ---------------------------------------------------------------------------- */

static void add(struct page *page, enum line_kind kind, size_t index)
{
    if (page->n < LINES_MAX)
        page->lines[page->n++] = (struct line){.kind = kind, .index = index};
}

static void add_title(struct page *page, const char *title, const char *note)
{
    if (page->n > 0)
        add(page, LINE_BLANK, 0);
    if (page->n < LINES_MAX)
        page->lines[page->n++] = (struct line){LINE_TITLE, 0, title, note};
}

static void add_metrics(struct page *page, const struct health *health)
{
    for (int family = 0; family < FAMILY_COUNT; family++) {
        bool has_title = false;
        for (size_t i = 0; i < health->n_metrics; i++) {
            if (health->metrics[i].family != (enum metric_family)family)
                continue;
            if (!has_title)
                add_title(page, family_name((enum metric_family)family), "");
            has_title = true;
            add(page, LINE_METRIC, i);
        }
    }
}

static void make_page(const struct health *health, struct page *page)
{
    page->n = 0;
    for (size_t i = 0; i < health->n_reasons && health->n_incidents == 0; i++)
        add(page, LINE_REASON, i); /* else the incidents say it */
    add_title(page, "WRONG NOW", health->n_incidents > 0 ? "" : "no incident is open");
    for (size_t i = 0; i < health->n_incidents; i++)
        add(page, LINE_INCIDENT, i);
    bool has_outlook = health->n_forecasts + health->n_predictions > 0;
    add_title(page, "COMING", has_outlook ? "" : "nothing is predicted yet");
    for (size_t i = 0; i < health->n_forecasts; i++)
        add(page, LINE_FORECAST, i);
    for (size_t i = 0; i < health->n_predictions; i++)
        add(page, LINE_PREDICTION, i);
    if (health->n_advice > 0)
        add_title(page, "WHAT TO DO", "");
    for (size_t i = 0; i < health->n_advice; i++) {
        add(page, LINE_ADVICE, i);
        if (health->advice[i].because[0] != '\0')
            add(page, LINE_BECAUSE, i);
    }
    add_metrics(page, health);
}

static bool can_open(const struct line *line)
{
    return line->kind == LINE_INCIDENT || line->kind == LINE_FORECAST ||
           line->kind == LINE_PREDICTION;
}

/* The next line from `from` on that the cursor may stand on, or -1. */
static int next_stop(const struct page *page, int from, int direction)
{
    for (int i = from; i >= 0 && i < page->n; i += direction)
        if (can_open(&page->lines[i]))
            return i;
    return -1;
}

/* ---- drawing -------------------------------------------------------------------------- */

enum theme_role severity_role(enum severity severity)
{
    switch (severity) {
    case SEVERITY_CRITICAL:
        return ROLE_SEVERITY_CRITICAL;
    case SEVERITY_HIGH:
        return ROLE_SEVERITY_HIGH;
    case SEVERITY_MEDIUM:
        return ROLE_SEVERITY_MEDIUM;
    case SEVERITY_LOW:
    case SEVERITY_INFO:
    case SEVERITY_COUNT:
        break;
    }
    return ROLE_SEVERITY_LOW;
}

enum glyph severity_glyph(enum severity severity)
{
    return severity >= SEVERITY_HIGH ? GLYPH_HIGH : GLYPH_LOW;
}

void incident_line(const struct canvas *canvas, int y, const struct incident_row *row,
                   struct wall now)
{
    char age[CLOCK_TEXT_MAX];
    enum theme_role role = severity_role(row->severity);
    canvas_glyph(canvas, 2, y, role, severity_glyph(row->severity));
    int x = X_TEXT + W_SEVERITY + 2;
    canvas_text(canvas, X_TEXT, y, W_SEVERITY, role, severity_word(row->severity));
    int right = canvas->w - 2;
    canvas_right(canvas, right - 6, y, 6, ROLE_TEXT_DIM,
                 look_age(now, row->opened_at, age));
    right -= 8;
    const char *mark = row->inhibited_by[0] != '\0'     ? "quiet"
                       : row->claimed_until.ms > now.ms ? row->claimed_by
                       : row->owner[0] != '\0'          ? row->owner
                                                        : row->assignee;
    if (mark[0] != '\0') { /* whose it is */
        int cells = text_cells(mark, strlen(mark));
        cells = cells < W_HOLDER ? cells : W_HOLDER;
        look_right(canvas, right - cells, y, cells, ROLE_TEXT_DIM, mark);
        right -= cells + 2;
    }
    look_text(canvas, x, y, right - x, ROLE_TEXT, row->text);
}

static const char *days(double value, char text[READING_MAX])
{
    (void)snprintf(text, READING_MAX, "%.*f%s", value < 10 && value >= 1 ? 1 : 0,
                   value < 1 ? value * 24 : value, value < 1 ? "h" : "d");
    return text;
}

const char *outlook_when(const struct health_outlook *outlook, char *text, size_t cap)
{
    char at[READING_MAX], low[READING_MAX], high[READING_MAX];
    if (isnan(outlook->value))
        (void)snprintf(text, cap, "not known yet");
    else if (isinf(outlook->value))
        (void)snprintf(text, cap, "not in sight");
    else if (!isfinite(outlook->low) || !isfinite(outlook->high))
        (void)snprintf(text, cap, "%s (from %s)", days(outlook->value, at),
                       isfinite(outlook->low) ? days(outlook->low, low) : "now");
    else
        (void)snprintf(text, cap, "%s (%s to %s)", days(outlook->value, at),
                       days(outlook->low, low), days(outlook->high, high));
    return text;
}

static void draw_forecast(const struct canvas *canvas, int y,
                          const struct health_outlook *outlook)
{
    char text[120];
    bool is_near = outlook->p_within > 0.5 && outlook->is_trusted;
    int x = X_TEXT + W_NAME + 2;
    look_text(canvas, X_TEXT, y, W_NAME, ROLE_TEXT, outlook->what);
    x += canvas_text(canvas, x, y, canvas->w - x - 1,
                     is_near ? ROLE_STATUS_WARN : ROLE_TEXT,
                     outlook_when(outlook, text, sizeof text)) +
         2;
    if (!outlook->is_trusted)
        look_text(canvas, x, y, canvas->w - x - 1, ROLE_TEXT_DIM, outlook->verdict);
}

static void draw_prediction(const struct canvas *canvas, int y,
                            const struct health_outlook *outlook)
{
    int x = X_TEXT + W_NAME + 2;
    look_text(canvas, X_TEXT, y, W_NAME, ROLE_TEXT, outlook->what);
    x += canvas_printf(canvas, x, y, canvas->w - x - 1,
                       outlook->value >= 0.5 && outlook->is_trusted ? ROLE_STATUS_WARN
                                                                    : ROLE_TEXT,
                       "p %.2f", outlook->value) +
         2;
    look_text(canvas, x, y, canvas->w - x - 1, ROLE_TEXT_DIM,
              outlook->is_trusted ? outlook->text : outlook->verdict);
}

/* Name and values of its labels: "host_pressure_ratio some cpu". */
static const char *name_of(const struct health_metric *metric, char *out, size_t cap)
{
    bool is_quoted = false;
    size_t n = (size_t)snprintf(out, cap, "%s", metric->name);
    for (const char *p = metric->labels; *p != '\0' && n + 2 < cap; p++) {
        if (*p == '"') {
            if (!is_quoted)
                out[n++] = ' ';
            is_quoted = !is_quoted;
        } else if (is_quoted) {
            p += *p == '\\' && p[1] != '\0';
            out[n++] = *p;
        }
    }
    out[n < cap ? n : cap - 1] = '\0';
    return out;
}

static void draw_metric(const struct canvas *canvas, int y,
                        const struct health_metric *metric, struct wall now)
{
    char value[READING_MAX], low[READING_MAX], high[READING_MAX], age[CLOCK_TEXT_MAX];
    enum theme_role role = metric->status == HEALTH_METRIC_ANOMALOUS ? ROLE_STATUS_ERROR
                           : metric->status == HEALTH_METRIC_OK      ? ROLE_TEXT
                                                                     : ROLE_STALE;
    int x = X_TEXT + W_NAME + 2, names = W_NAME;
    char name[300];
    if (canvas->w >= WIDE_COLUMNS) {
        names += 26;
        x += 26;
    }
    look_text(canvas, X_TEXT, y, names, ROLE_TEXT_DIM,
              name_of(metric, name, sizeof name));
    canvas_right(canvas, x, y, W_VALUE, role,
                 reading_format(metric->name, metric->value, value));
    x += W_VALUE + 2;
    if (isfinite(metric->low) && isfinite(metric->high))
        x += canvas_printf(canvas, x, y, canvas->w - x - 1, ROLE_TEXT_DIM, "%s to %s",
                           reading_format(metric->name, metric->low, low),
                           reading_format(metric->name, metric->high, high)) +
             2;
    if (metric->status == HEALTH_METRIC_ANOMALOUS)
        canvas_text(canvas, x, y, canvas->w - x - 1, role, "anomalous");
    else if (metric->status == HEALTH_METRIC_STALE)
        canvas_printf(canvas, x, y, canvas->w - x - 1, ROLE_STALE, "%s old",
                      look_age(now, metric->at, age));
}

static void draw_line(const struct canvas *canvas, int y, const struct health *health,
                      const struct line *line, struct wall now)
{
    int width = canvas->w - X_TEXT - 1;
    switch (line->kind) {
    case LINE_BLANK:
        break;
    case LINE_TITLE:
        look_title(canvas, 2, y, canvas->w - 3, line->text, line->note);
        break;
    case LINE_REASON:
        look_text(canvas, X_TEXT, y, width, ROLE_TEXT, health->reasons[line->index]);
        break;
    case LINE_INCIDENT:
        incident_line(canvas, y, &health->incidents[line->index], now);
        break;
    case LINE_FORECAST:
        draw_forecast(canvas, y, &health->forecasts[line->index]);
        break;
    case LINE_PREDICTION:
        draw_prediction(canvas, y, &health->predictions[line->index]);
        break;
    case LINE_ADVICE:
        look_text(canvas, X_TEXT, y, width, ROLE_TEXT, health->advice[line->index].text);
        break;
    case LINE_BECAUSE:
        look_text(canvas, X_TEXT + 2, y, width - 2, ROLE_TEXT_DIM,
                  health->advice[line->index].because);
        break;
    case LINE_METRIC:
        draw_metric(canvas, y, &health->metrics[line->index], now);
        break;
    }
}

static void draw_head(const struct canvas *canvas, const struct health *health,
                      struct wall now)
{
    char age[CLOCK_TEXT_MAX], n[CLOCK_TEXT_MAX];
    enum theme_role role = health->status == HEALTH_HEALTHY    ? ROLE_STATUS_OK
                           : health->status == HEALTH_DEGRADED ? ROLE_STATUS_WARN
                                                               : ROLE_STATUS_HUMAN;
    enum glyph glyph = health->status == HEALTH_HEALTHY ? GLYPH_OK : GLYPH_HIGH;
    int x = 2 + canvas_text(canvas, 2, 0, CANVAS_REST, ROLE_TITLE, "HEALTH") + 2;
    canvas_glyph(canvas, x, 0, role, glyph);
    canvas_text(canvas, x + 2, 0, CANVAS_REST, role, health_word(health->status));
    if (!wall_is_set(health->monitor_at)) {
        canvas_right(canvas, canvas->w - 42, 0, 40, ROLE_STALE,
                     "the monitor has not looked yet");
        return;
    }
    bool is_old = now.ms - health->monitor_at.ms > HEALTH_STALE_MS;
    canvas_right_printf(canvas, canvas->w - 42, 0, 40,
                        is_old ? ROLE_STALE : ROLE_TEXT_DIM, "%s series, looked %s ago",
                        look_count(health->n_series, n),
                        look_age(now, health->monitor_at, age));
}

static void health_draw(const struct view *view, const struct frame *frame,
                        const struct canvas *all)
{
    const struct health_view *self = (const struct health_view *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    struct page page;
    if (canvas.h < 4 || !frame)
        return;
    if (!frame->health) {
        blank_draw(&canvas, "reading the report", "");
        return;
    }
    make_page(frame->health, &page);
    draw_head(&canvas, frame->health, view->now);
    struct canvas body = canvas_sub(&canvas, (struct rect){0, 2, canvas.w, canvas.h - 2});
    for (int y = 0; y < body.h && self->top + y < page.n; y++) {
        draw_line(&body, y, frame->health, &page.lines[self->top + y], view->now);
        if (self->top + y == self->cursor && can_open(&page.lines[self->cursor])) {
            canvas_glyph(&body, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(&body, (struct rect){0, y, body.w, 1}, ROLE_CURSOR);
        }
    }
}

/* ---- handling ------------------------------------------------------------------------- */

static void clamp(struct health_view *self, const struct page *page)
{
    int h = self->view.h - 2, last = page->n - h;
    self->top = self->top > last ? last : self->top;
    self->top = self->top < 0 ? 0 : self->top;
}

static void show_cursor(struct health_view *self)
{
    int h = self->view.h - 2;
    if (self->cursor < self->top)
        self->top = self->cursor;
    else if (self->cursor >= self->top + h)
        self->top = self->cursor - h + 1;
}

static void health_on_frame(struct view *view, const struct frame *frame,
                            struct reply *reply)
{
    struct health_view *self = (struct health_view *)view;
    struct page page;
    (void)reply;
    if (!frame || !frame->health)
        return;
    make_page(frame->health, &page);
    if (self->cursor >= page.n || !can_open(&page.lines[self->cursor])) {
        int stop = next_stop(&page, self->cursor < page.n ? self->cursor : 0, 1);
        self->cursor = stop >= 0 ? stop : 0;
    }
    clamp(self, &page);
}

/* Down to the next line that can be opened, or by a line when there is none in sight. */
static void step(struct health_view *self, const struct page *page, int direction)
{
    int h = self->view.h - 2;
    int stop = next_stop(page, self->cursor + direction, direction);
    bool is_near = stop >= 0 && stop >= self->top - 1 && stop <= self->top + h;
    if (is_near) {
        self->cursor = stop;
        show_cursor(self);
    } else {
        self->top += direction;
    }
}

static bool move(struct health_view *self, const struct page *page, enum action action)
{
    int h = self->view.h - 2;
    switch (action) {
    case ACTION_ROW_DOWN:
        step(self, page, 1);
        break;
    case ACTION_ROW_UP:
        step(self, page, -1);
        break;
    case ACTION_PAGE_DOWN:
        self->top += h;
        break;
    case ACTION_PAGE_UP:
        self->top -= h;
        break;
    case ACTION_TOP:
        self->top = 0;
        self->cursor = next_stop(page, 0, 1) >= 0 ? next_stop(page, 0, 1) : 0;
        break;
    case ACTION_END:
        self->top = page->n;
        break;
    default:
        return false;
    }
    clamp(self, page);
    return true;
}

static void open_line(const struct health *health, const struct line *line,
                      struct reply *reply)
{
    int64_t id = 0;
    if (line->kind == LINE_INCIDENT)
        reply_open(reply, &incident_class, health->incidents[line->index].id, NULL);
    else if (line->kind == LINE_FORECAST)
        reply_open(reply, &outlook_class, 0, health->forecasts[line->index].what);
    else if (line->kind == LINE_PREDICTION &&
             sscanf(health->predictions[line->index].what, "wf-%" SCNd64, &id) == 1)
        reply_open(reply, &workflow_class, id, NULL);
    else
        reply->flags |= REPLY_UNUSED;
}

static void health_on_action(struct view *view, const struct frame *frame,
                             enum action action, struct reply *reply)
{
    struct health_view *self = (struct health_view *)view;
    struct page page;
    if (!frame || !frame->health) {
        reply->flags |= REPLY_UNUSED;
        return;
    }
    make_page(frame->health, &page);
    const struct line *line = self->cursor < page.n ? &page.lines[self->cursor] : NULL;
    if (move(self, &page, action))
        reply->flags |= REPLY_REDRAW;
    else if (action == ACTION_OPEN && line)
        open_line(frame->health, line, reply);
    else if (line && line->kind == LINE_INCIDENT)
        incident_action(
            &(const struct incident_row *){&frame->health->incidents[line->index]}, 1,
            action, reply);
    else
        reply->flags |= REPLY_UNUSED;
}

static void health_on_prompt(struct view *view, const struct frame *frame, int token,
                             const char *text, bool is_final, struct reply *reply)
{
    const struct health_view *self = (const struct health_view *)view;
    struct page page;
    if (!frame || !frame->health)
        return;
    make_page(frame->health, &page);
    if (self->cursor < page.n && page.lines[self->cursor].kind == LINE_INCIDENT)
        incident_prompt(
            &(const struct incident_row *){
                &frame->health->incidents[page.lines[self->cursor].index]},
            1, token, text, is_final, reply);
}

const struct view_class health_class = {
    .name = "health",
    .title = "health",
    .help = "How it goes: what is wrong, what is coming, what to do, and the figures",
    .context = CONTEXT_HEALTH,
    .hints = {ACTION_OPEN, ACTION_INCIDENT_ACK, ACTION_INCIDENT_SILENCE,
              ACTION_INCIDENT_RESOLVE, ACTION_GO_OUTLOOK, ACTION_PALETTE, ACTION_HELP},
    .open = health_open,
    .close = health_close,
    .query = health_query,
    .on_frame = health_on_frame,
    .draw = health_draw,
    .on_action = health_on_action,
    .on_prompt = health_on_prompt,
};
