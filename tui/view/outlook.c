/* SPDX-License-Identifier: MIT */
/*
 * Outlook: when limits are reached, how good predictions were, and what another limit of
 * running workflows would give.
 */
#include <inttypes.h>
#include <math.h>

#include "engine/monitor/cards.h"
#include "engine/monitor/reading.h"
#include "engine/predict/queueing.h"
#include "tui/view/monitor.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define HEAD_ROWS  2
#define BELOW_ROWS 14 /* how good, and what if */
#define X_COLUMN   4
#define FLOW_MIN   10 /* finished workflows that a rate is made of */

enum column_id {
    COL_WHAT,
    COL_USED,
    COL_LIMIT,
    COL_WHEN,
    COL_CHANCE,
    COL_TRUST,
    COLUMNS
};

static const struct column columns[COLUMNS] = {
    [COL_WHAT] = {"LIMIT",   26, 48, 0, false, -1},
    [COL_USED] = {"USED",    9,  9,  1, true,  -1},
    [COL_LIMIT] = {"OF",      9,  9,  4, true,  -1},
    [COL_WHEN] = {"FULL IN", 20, 24, 0, false, -1},
    [COL_CHANCE] = {"CHANCE",  6,  6,  2, true,  -1},
    [COL_TRUST] = {"TRUST",   14, 40, 3, false, -1},
};

struct outlook_view {
    struct view view;
    char cursor[200]; /* what; "" = the first one */
    int limit;        /* of the what-if; 0 = the one in force */
};

static struct view *outlook_open(int64_t id, const char *arg)
{
    struct outlook_view *self = mem_alloc(sizeof *self);
    (void)id;
    (void)snprintf(self->cursor, sizeof self->cursor, "%s", arg);
    return &self->view;
}

static void outlook_close(struct view *view)
{
    free(view);
}

static void outlook_query(const struct view *view, struct frame_query *query)
{
    (void)view;
    query->parts = PART_HEALTH;
}

static size_t find_cursor(const struct outlook_view *self, const struct health *health)
{
    for (size_t i = 0; i < health->n_forecasts; i++)
        if (strcmp(health->forecasts[i].what, self->cursor) == 0)
            return i;
    return 0;
}

/* ---- limits --------------------------------------------------------------------------- */

static void draw_cell(const struct canvas *canvas, enum column_id id, int x, int y, int w,
                      const struct health_outlook *row)
{
    char text[READING_MAX], when[120];
    bool is_near = row->p_within > 0.5;
    switch (id) {
    case COL_WHAT:
        look_text(canvas, x, y, w, ROLE_TEXT, row->what);
        break;
    case COL_USED:
        canvas_right(canvas, x, y, w, ROLE_TEXT,
                     reading_format(row->what, row->used, text));
        break;
    case COL_LIMIT:
        canvas_right(canvas, x, y, w, ROLE_TEXT_DIM,
                     reading_format(row->what, row->limit, text));
        break;
    case COL_WHEN:
        canvas_text(canvas, x, y, w,
                    is_near && row->is_trusted ? ROLE_STATUS_WARN : ROLE_TEXT,
                    outlook_when(row, when, sizeof when));
        break;
    case COL_CHANCE:
        if (isfinite(row->p_within))
            canvas_right_printf(canvas, x, y, w, ROLE_TEXT, "%.0f%%",
                                100 * row->p_within);
        break;
    case COL_TRUST:
        look_text(canvas, x, y, w, row->is_trusted ? ROLE_TEXT_DIM : ROLE_STALE,
                  row->is_trusted ? "trusted" : row->verdict);
        break;
    case COLUMNS:
        break;
    }
}

bool outlook_is_limit(const struct health_outlook *outlook)
{
    return strcmp(outlook->unit, "days") == 0;
}

const char *outlook_what(const struct health_outlook *outlook, char *text, size_t cap)
{
    static const char *const ends[] = {"_used_ratio", "_ratio"};
    size_t name = strcspn(outlook->what, "{"), n = 0;
    (void)snprintf(text, cap, "%s", outlook->what);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        size_t len = strlen(ends[i]);
        if (name <= len || strncmp(outlook->what + name - len, ends[i], len) != 0)
            continue;
        for (; n < name - len && n + 1 < cap; n++)
            text[n] = outlook->what[n] == '_' ? ' ' : outlook->what[n];
        for (const char *p = outlook->what + name; *p != '\0' && n + 2 < cap; p++) {
            if (*p != '"')
                continue;
            text[n++] = ' ';
            for (p++; *p != '"' && *p != '\0' && n + 2 < cap; p++)
                text[n++] = *p;
            if (*p == '\0')
                break;
        }
        text[n] = '\0';
        break;
    }
    return text;
}

const char *outlook_full(const struct health_outlook *outlook, char *text, size_t cap)
{
    char when[80];
    if (outlook->value <= 0)
        (void)snprintf(text, cap, "full");
    else
        (void)snprintf(text, cap, "full in %s", outlook_when(outlook, when, sizeof when));
    return text;
}

static void draw_limits(const struct canvas *canvas, const struct outlook_view *self,
                        const struct health *health)
{
    struct table_layout layout = table_layout(columns, COLUMNS, X_COLUMN, canvas->w - 5);
    size_t at = find_cursor(self, health), n = health->n_forecasts;
    look_title(canvas, 2, 0, canvas->w - 3, "CAPACITY",
               n > 0 ? "" : "nothing with a limit has a history yet");
    if (n == 0)
        return;
    table_draw_heading(canvas, HEAD_ROWS - 1, columns, COLUMNS, &layout, -1, false);
    struct canvas body =
        canvas_sub(canvas, (struct rect){0, HEAD_ROWS, canvas->w, canvas->h - HEAD_ROWS});
    int64_t top = table_scroll(0, (int64_t)at, (int64_t)n, body.h);
    for (int y = 0; y < body.h && top + y < (int64_t)n; y++) {
        for (enum column_id c = 0; c < COLUMNS; c++)
            if (layout.w[c] > 0)
                draw_cell(&body, c, layout.x[c], y, layout.w[c],
                          &health->forecasts[top + y]);
        if (top + y == (int64_t)at) {
            canvas_glyph(&body, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(&body, (struct rect){0, y, body.w, 1}, ROLE_CURSOR);
        }
    }
}

/* ---- how good ------------------------------------------------------------------------- */

static void draw_cards(const struct canvas *canvas, const struct monitor_cards *cards)
{
    look_title(canvas, 2, 0, canvas->w - 3, "HOW GOOD", "against who only counts");
    for (int m = 0; m < MODEL_COUNT; m++) {
        const struct scorecard *card = &cards->cards[m];
        struct scorecard_skill skill = scorecard_recent(card);
        int y = 1 + m, x = X_COLUMN;
        canvas_text(canvas, x, y, 44, ROLE_TEXT, model_words((enum model)m));
        x += 44;
        x += canvas_printf(canvas, x, y, CANVAS_REST, ROLE_TEXT_DIM, "n %" PRId64,
                           card->n) +
             2;
        if (card->n == 0)
            continue;
        if (isfinite(skill.skill))
            x += canvas_printf(canvas, x, y, CANVAS_REST,
                               skill.skill > 0 ? ROLE_TEXT : ROLE_STATUS_WARN,
                               "skill %+.2f", skill.skill) +
                 2;
        if (isfinite(skill.coverage))
            x += canvas_printf(canvas, x, y, CANVAS_REST, ROLE_TEXT, "80%% held %.0f%%",
                               100 * skill.coverage) +
                 2;
        look_text(canvas, x, y, canvas->w - x - 1, ROLE_TEXT_DIM,
                  scorecard_verdict(card));
    }
}

/* ---- what if -------------------------------------------------------------------------- */

static const char *seconds(double value, char text[CLOCK_TEXT_MAX])
{
    if (!isfinite(value))
        return isnan(value) ? "unknown" : "without end";
    return span_format((struct span){(int64_t)(value * 1000)}, text);
}

static void draw_answer(const struct canvas *canvas, int y, const char *word, int limit,
                        const struct queueing_answer *answer)
{
    char wait[CLOCK_TEXT_MAX], high[CLOCK_TEXT_MAX];
    int x = X_COLUMN;
    x += canvas_printf(canvas, x, y, 16, ROLE_TEXT, "%-5s%5d", word, limit) + 2;
    if (!answer->is_known) {
        canvas_text(canvas, x, y, canvas->w - x - 1, ROLE_TEXT_DIM, "unknown");
    } else if (!answer->is_stable) {
        canvas_printf(canvas, x, y, canvas->w - x - 1, ROLE_STATUS_WARN,
                      "too few: %.1f done an hour, the queue grows by %.1f",
                      answer->throughput * 3600, answer->growth * 3600);
    } else {
        canvas_printf(canvas, x, y, canvas->w - x - 1, ROLE_TEXT,
                      "busy %3.0f%%   wait %s (90%% under %s)   %.1f done an hour",
                      100 * answer->utilization, seconds(answer->wait, wait),
                      seconds(answer->wait_p90, high), answer->throughput * 3600);
    }
}

static int shown_limit(const struct outlook_view *self, const struct monitor_cards *cards)
{
    return self->limit > 0 ? self->limit
                           : cards->max_running + cards->max_running / 5 + 1;
}

static void draw_what_if(const struct canvas *canvas, const struct outlook_view *self,
                         const struct monitor_cards *cards)
{
    const struct queueing_history *history = &cards->history;
    char service[CLOCK_TEXT_MAX], wait[CLOCK_TEXT_MAX], said[CLOCK_TEXT_MAX];
    look_title(canvas, 2, 0, canvas->w - 3, "WHAT IF", "another max_running");
    if (cards->max_running <= 0 || history->n < FLOW_MIN ||
        !isfinite(history->load.service)) {
        canvas_text(canvas, X_COLUMN, 1, CANVAS_REST, ROLE_TEXT_DIM,
                    "needs ten finished workflows");
        return;
    }
    canvas_printf(
        canvas, X_COLUMN, 1, canvas->w - 5, ROLE_TEXT_DIM,
        "%.1f arrive an hour, each holds its place for %s; seen in the last %zu",
        history->load.arrival_rate * 3600, seconds(history->load.service, service),
        history->n);
    struct queueing_answer now = queueing_run(&history->load, cards->max_running);
    struct queueing_answer then = queueing_run(&history->load, shown_limit(self, cards));
    draw_answer(canvas, 2, "now", cards->max_running, &now);
    draw_answer(canvas, 3, "then", shown_limit(self, cards), &then);
    struct queueing_check check = queueing_check(history, cards->max_running);
    if (!check.is_known)
        canvas_printf(canvas, X_COLUMN, 4, canvas->w - 5, ROLE_STALE,
                      "not checked against history: that needs %d", QUEUEING_CHECK_MIN);
    else
        canvas_printf(canvas, X_COLUMN, 4, canvas->w - 5,
                      check.is_credible ? ROLE_TEXT_DIM : ROLE_STATUS_WARN,
                      "the model says a wait of %s for the past, it was %s%s",
                      seconds(check.predicted, said), seconds(check.observed, wait),
                      check.is_credible ? "" : ": do not believe it");
}

static void outlook_draw(const struct view *view, const struct frame *frame,
                         const struct canvas *all)
{
    const struct outlook_view *self = (const struct outlook_view *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h < BELOW_ROWS || !frame)
        return;
    if (!frame->health || !frame->cards) {
        blank_draw(&canvas, "reading the forecasts", "");
        return;
    }
    int wanted = HEAD_ROWS + (int)frame->health->n_forecasts + 1;
    int room = canvas.h - BELOW_ROWS;
    int h = wanted < room ? wanted : room;
    struct canvas limits = canvas_sub(&canvas, (struct rect){0, 0, canvas.w, h});
    struct canvas good =
        canvas_sub(&canvas, (struct rect){0, h + 1, canvas.w, 1 + MODEL_COUNT});
    struct canvas what =
        canvas_sub(&canvas, (struct rect){0, h + 3 + MODEL_COUNT, canvas.w, 5});
    draw_limits(&limits, self, frame->health);
    draw_cards(&good, frame->cards);
    draw_what_if(&what, self, frame->cards);
}

/* ---- handling ------------------------------------------------------------------------- */

static void put_cursor(struct outlook_view *self, const struct health *health, int64_t to,
                       struct reply *reply)
{
    int64_t n = (int64_t)health->n_forecasts;
    if (n == 0)
        return;
    to = to < 0 ? 0 : to >= n ? n - 1 : to;
    (void)snprintf(self->cursor, sizeof self->cursor, "%s", health->forecasts[to].what);
    reply->flags |= REPLY_REDRAW;
}

static void change_limit(struct outlook_view *self, const struct frame *frame, int by,
                         struct reply *reply)
{
    if (!frame->cards || frame->cards->max_running <= 0)
        return;
    int limit = shown_limit(self, frame->cards);
    int step = limit >= 100 ? limit / 20 : limit >= 20 ? 5 : 1;
    limit += by * step;
    self->limit = limit < 1                      ? 1
                  : limit > QUEUEING_SERVERS_MAX ? QUEUEING_SERVERS_MAX
                                                 : limit;
    reply->flags |= REPLY_REDRAW;
}

static void outlook_on_action(struct view *view, const struct frame *frame,
                              enum action action, struct reply *reply)
{
    struct outlook_view *self = (struct outlook_view *)view;
    if (!frame || !frame->health) {
        reply->flags |= REPLY_UNUSED;
        return;
    }
    int64_t at = (int64_t)find_cursor(self, frame->health);
    switch (action) {
    case ACTION_ROW_DOWN:
        put_cursor(self, frame->health, at + 1, reply);
        break;
    case ACTION_ROW_UP:
        put_cursor(self, frame->health, at - 1, reply);
        break;
    case ACTION_TOP:
    case ACTION_PAGE_UP:
        put_cursor(self, frame->health, 0, reply);
        break;
    case ACTION_END:
    case ACTION_PAGE_DOWN:
        put_cursor(self, frame->health, INT64_MAX, reply);
        break;
    case ACTION_LIMIT_UP:
    case ACTION_RIGHT:
        change_limit(self, frame, 1, reply);
        break;
    case ACTION_LIMIT_DOWN:
    case ACTION_LEFT:
        change_limit(self, frame, -1, reply);
        break;
    default:
        reply->flags |= REPLY_UNUSED;
        break;
    }
}

const struct view_class outlook_class = {
    .name = "outlook",
    .title = "outlook",
    .help =
        "When limits are reached, how good predictions were, what another limit gives",
    .context = CONTEXT_OUTLOOK,
    .hints = {ACTION_LIMIT_UP, ACTION_LIMIT_DOWN, ACTION_GO_HEALTH, ACTION_PALETTE,
              ACTION_HELP},
    .open = outlook_open,
    .close = outlook_close,
    .query = outlook_query,
    .draw = outlook_draw,
    .on_action = outlook_on_action,
};
