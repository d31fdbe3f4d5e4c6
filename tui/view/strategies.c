/* SPDX-License-Identifier: MIT */
/*
 * Strategies: what is known of each rung, by class of failure: the believed chance of success as
 * a mark on a scale from 0 to 100 %, with its 90 % interval as a line, the evidence behind it, and
 * the newest trials.
 *
 * A line for each class, then its rungs, the best first. The cursor stands on rungs.
 */
#include <math.h>

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "tui/rank.h"
#include "tui/view/chosen.h"
#include "tui/view/recovery.h"
#include "tui/widget/look.h"

#define HEAD_ROWS 2
#define LINES_MAX 1000
#define X_RUNG    4
#define W_RUNG    13
#define X_SCALE   (X_RUNG + W_RUNG + 1)
#define W_SCALE   15
#define X_ODDS    (X_SCALE + W_SCALE + 1)
#define W_ODDS    15
#define X_TRIALS  (X_ODDS + W_ODDS + 1)
#define W_TRIALS  6
#define X_RECENT  (X_TRIALS + W_TRIALS + 2)
#define W_RECENT  12
#define X_MARK    (X_RECENT + W_RECENT + 1)
#define WIDE_X    (X_MARK + 14) /* wide screens: passed, takes */
#define KEY_MAX   100

struct strategies {
    struct list_view list;
    char key[KEY_MAX], rung[40]; /* cursor; "" = the first one */
};

/* Each row of the screen: a title (odds NULL), a blank (both NULL), or a rung. */
struct line {
    const char *title;
    const struct odds_row *odds;
};
struct page {
    struct line lines[LINES_MAX];
    int n;
};

static struct view *strategies_open(int64_t id, const char *arg)
{
    struct strategies *self = mem_alloc(sizeof *self);
    (void)id;
    (void)text_clean_into(self->list.chosen.text, sizeof self->list.chosen.text, arg);
    return &self->list.view;
}

static void strategies_close(struct view *view)
{
    free(view);
}

static void strategies_query(const struct view *view, struct frame_query *query)
{
    query->parts = PART_STRATEGIES;
    chosen_query(view, query);
}

static void make_page(const struct frame_strategies *data, struct page *page)
{
    const char *key = "";
    page->n = 0;
    for (size_t i = 0; i < data->n && page->n + 3 < LINES_MAX; i++) {
        if (strcmp(key, data->rows[i].key) != 0) {
            if (page->n > 0)
                page->lines[page->n++] = (struct line){NULL, NULL};
            key = data->rows[i].key;
            page->lines[page->n++] = (struct line){key, NULL};
        }
        page->lines[page->n++] = (struct line){NULL, &data->rows[i]};
    }
}

/* Line of the cursor, else of the first rung, else -1. */
static int find_cursor(const struct strategies *self, const struct page *page)
{
    int first = -1;
    for (int i = 0; i < page->n; i++) {
        const struct odds_row *odds = page->lines[i].odds;
        if (odds && strcmp(odds->key, self->key) == 0 &&
            strcmp(odds->rung, self->rung) == 0)
            return i;
        first = odds && first < 0 ? i : first;
    }
    return first;
}

/* ---- drawing --------------------------------------------------------------------------- */

static int cell_of(double share)
{
    int cell = (int)lround(share * (W_SCALE - 1));
    return cell < 0 ? 0 : cell >= W_SCALE ? W_SCALE - 1 : cell;
}

static void draw_scale(const struct canvas *canvas, int y, const struct odds_row *odds,
                       enum theme_role role)
{
    canvas_line(canvas, X_SCALE, y, W_SCALE, ROLE_CHART_AXIS, GLYPH_TODO);
    if (!isfinite(odds->mean))
        return;
    if (isfinite(odds->low) && isfinite(odds->high)) {
        int from = cell_of(odds->low), to = cell_of(odds->high);
        canvas_line(canvas, X_SCALE + from, y, to - from + 1, role, GLYPH_LINE);
    }
    canvas_glyph(canvas, X_SCALE + cell_of(odds->mean), y, role, GLYPH_CLOSED);
}

static void draw_recent(const struct canvas *canvas, int y, const struct odds_row *odds)
{
    char text[CASE_RECENT_MAX];
    (void)case_recent(odds, W_RECENT, text);
    for (int i = 0; text[i] != '\0'; i++) {
        bool has_passed = text[i] == '+';
        canvas_textn(canvas, X_RECENT + i, y, 1,
                     has_passed ? ROLE_STATUS_OK : ROLE_CHART_BAD, &text[i], 1);
    }
}

static void draw_rung(const struct canvas *canvas, int y, const struct odds_row *odds)
{
    char text[CASE_ODDS_MAX], took[CLOCK_TEXT_MAX];
    bool is_off = odds->is_killed || odds->is_demoted;
    enum theme_role role = is_off ? ROLE_STATUS_OFF : ROLE_CHART;
    look_text(canvas, X_RUNG, y, W_RUNG, is_off ? ROLE_TEXT_DIM : ROLE_TEXT, odds->rung);
    draw_scale(canvas, y, odds, role);
    canvas_text(canvas, X_ODDS, y, W_ODDS, is_off ? ROLE_TEXT_DIM : ROLE_TEXT,
                case_odds(odds->mean, odds->low, odds->high, text));
    canvas_right_printf(canvas, X_TRIALS, y, W_TRIALS, ROLE_TEXT_DIM, "%.1f",
                        odds->trials);
    draw_recent(canvas, y, odds);
    if (is_off)
        canvas_text(canvas, X_MARK, y, canvas->w - X_MARK, ROLE_STATUS_WARN,
                    odds->is_killed ? "off" : "demoted");
    if (canvas->w < WIDE_COLUMNS)
        return;
    canvas_printf(canvas, WIDE_X, y, 16, ROLE_TEXT_DIM, "%lld of %lld",
                  (long long)odds->n_passed, (long long)odds->n);
    if (isfinite(odds->cost_s))
        canvas_right(canvas, WIDE_X + 16, y, 6, ROLE_TEXT_DIM,
                     look_span((struct span){(int64_t)(odds->cost_s * 1000)}, took));
}

static void draw_title(const struct canvas *canvas, int y, const char *key)
{
    enum failure_class one;
    if (strcmp(key, "all") == 0)
        look_title(canvas, 2, y, canvas->w - 3, "ALL FAILURES", "");
    else if (strcmp(key, "all-problems") == 0)
        look_title(canvas, 2, y, canvas->w - 3, "ALL PROBLEMS", "of many workflows");
    else if (strncmp(key, "class:", 6) == 0 && class_find(key + 6, &one))
        look_title(canvas, 2, y, canvas->w - 3, key + 6, class_help(one));
    else
        look_title(canvas, 2, y, canvas->w - 3, key, "");
}

static void draw_head(const struct canvas *canvas)
{
    canvas_text(canvas, 2, 0, CANVAS_REST, ROLE_TITLE, "STRATEGIES");
    canvas_text(canvas, X_SCALE, 0, W_SCALE, ROLE_COLUMN, "0%");
    canvas_right(canvas, X_SCALE, 0, W_SCALE, ROLE_COLUMN, "100%");
    canvas_text(canvas, X_ODDS, 0, W_ODDS, ROLE_COLUMN, "WORKS");
    canvas_right(canvas, X_TRIALS, 0, W_TRIALS, ROLE_COLUMN, "TRIALS");
    canvas_text(canvas, X_RECENT, 0, W_RECENT, ROLE_COLUMN, "RECENT");
    if (canvas->w < WIDE_COLUMNS)
        return;
    canvas_text(canvas, WIDE_X, 0, 16, ROLE_COLUMN, "PASSED");
    canvas_right(canvas, WIDE_X + 16, 0, 6, ROLE_COLUMN, "TAKES");
}

static void draw_chosen(const struct canvas *canvas, const struct strategies *self)
{
    const struct chosen *chosen = &self->list.chosen;
    char order[80];
    (void)chosen_order_text(&self->list.view, order, sizeof order);
    if (chosen->text[0] != '\0' || order[0] != '\0')
        canvas_printf(canvas, 2, 1, CANVAS_REST, ROLE_TEXT_STRONG, "shown: %s%s%s%s%s",
                      chosen->text[0] ? "with \"" : "", chosen->text,
                      chosen->text[0] ? "\"" : "",
                      chosen->text[0] && order[0] ? ", " : "", order);
}

/* So that the class of the first rung is seen too. */
static int first_line(const struct page *page, int at, int h)
{
    int top = at - h / 2;
    top = top > page->n - h ? page->n - h : top;
    return top < 0 ? 0 : top;
}

static void strategies_draw(const struct view *view, const struct frame *frame,
                            const struct canvas *all)
{
    const struct strategies *self = (const struct strategies *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    draw_head(&canvas);
    draw_chosen(&canvas, self);
    struct canvas body =
        canvas_sub(&canvas, (struct rect){0, HEAD_ROWS, canvas.w, canvas.h - HEAD_ROWS});
    if (!frame->strategies || frame->strategies->n == 0) {
        if (frame->strategies && chosen_is_narrowed(view)) {
            blank_draw(&body, "No class or rung has these words.", "F shows all again.");
            return;
        }
        blank_draw(&body, frame->strategies ? "Nothing was learned yet." : "reading",
                   frame->strategies ? "The rules decide until there is evidence." : "");
        return;
    }
    struct page *page = mem_alloc(sizeof *page);
    make_page(frame->strategies, page);
    int at = find_cursor(self, page), top = first_line(page, at, body.h);
    for (int y = 0; y < body.h && top + y < page->n; y++) {
        const struct line *line = &page->lines[top + y];
        if (line->odds)
            draw_rung(&body, y, line->odds);
        else if (line->title)
            draw_title(&body, y, line->title);
        if (top + y == at) {
            canvas_glyph(&body, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(&body, (struct rect){0, y, body.w, 1}, ROLE_CURSOR);
        }
    }
    free(page);
}

/* ---- handling -------------------------------------------------------------------------- */

static void put_cursor(struct strategies *self, const struct odds_row *odds)
{
    (void)snprintf(self->key, sizeof self->key, "%s", odds->key);
    (void)snprintf(self->rung, sizeof self->rung, "%s", odds->rung);
}

/* `by` rungs on from the cursor's, as far as there are. */
static void step(struct strategies *self, const struct page *page, int by)
{
    int at = find_cursor(self, page), direction = by < 0 ? -1 : 1;
    for (int i = at + direction; at >= 0 && by != 0 && i >= 0 && i < page->n;
         i += direction) {
        if (page->lines[i].odds) {
            put_cursor(self, page->lines[i].odds);
            by -= direction;
        }
    }
}

static bool move(struct strategies *self, const struct frame *frame, enum action action)
{
    int by, h = self->list.view.h - HEAD_ROWS;
    switch (action) {
    case ACTION_ROW_DOWN:
        by = 1;
        break;
    case ACTION_ROW_UP:
        by = -1;
        break;
    case ACTION_PAGE_DOWN:
        by = h / 2;
        break;
    case ACTION_PAGE_UP:
        by = -h / 2;
        break;
    case ACTION_TOP:
        by = -LINES_MAX;
        break;
    case ACTION_END:
        by = LINES_MAX;
        break;
    default:
        return false;
    }
    if (frame && frame->strategies) {
        struct page *page = mem_alloc(sizeof *page);
        make_page(frame->strategies, page);
        step(self, page, by);
        free(page);
    }
    return true;
}

static void change(const struct odds_row *odds, bool is_kill, struct reply *reply)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 1000);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "strategy", odds->rung);
    if (strncmp(odds->key, "class:", 6) == 0)
        jsonw_str(&w, "class", odds->key + 6);
    jsonw_close(&w, '}');
    reply_verb(reply, &(struct verb_request){.verb = is_kill ? "kill-strategy"
                                                             : "revive-strategy",
                                             .args = buf_take(&args, NULL)});
}

static void strategies_on_action(struct view *view, const struct frame *frame,
                                 enum action action, struct reply *reply)
{
    struct strategies *self = (struct strategies *)view;
    const struct odds_row *odds = NULL;
    if (move(self, frame, action)) {
        reply->flags |= REPLY_REDRAW;
        return;
    }
    if (chosen_action(view, action, reply))
        return;
    for (size_t i = 0; frame && frame->strategies && i < frame->strategies->n; i++) {
        const struct odds_row *row = &frame->strategies->rows[i];
        bool is_it =
            strcmp(row->key, self->key) == 0 && strcmp(row->rung, self->rung) == 0;
        odds = is_it || (self->key[0] == '\0' && i == 0) ? row : odds;
    }
    bool is_change = action == ACTION_STRATEGY_KILL || action == ACTION_STRATEGY_REVIVE;
    if (odds && is_change && strstr(odds->key, "problem"))
        reply_say(reply, MESSAGE_INFO, "switched off for a class, or for all failures");
    else if (odds && is_change)
        change(odds, action == ACTION_STRATEGY_KILL, reply);
    else if (odds && action == ACTION_COPY) {
        char text[CASE_ODDS_MAX];
        AUTO_FREE char *line =
            mem_printf("%s  %s  %s", odds->key, odds->rung,
                       case_odds(odds->mean, odds->low, odds->high, text));
        reply_copy(reply, line, strlen(line));
    } else
        reply->flags |= REPLY_UNUSED;
}

static void strategies_on_prompt(struct view *view, const struct frame *frame, int token,
                                 const char *text, bool is_final, struct reply *reply)
{
    (void)frame;
    (void)is_final;
    (void)chosen_on_prompt(view, token, text, reply);
}

static void from_the_start(struct view *view)
{
    struct strategies *self = (struct strategies *)view;
    self->key[0] = self->rung[0] = '\0';
}

static const struct choices choices = {
    .filter = "part of a class or rung",
    .orders = rank_strategy_words,
    .restart = from_the_start,
};

/* clang-format off */
static const struct view_setting settings[] = {
    CHOSEN_FILTER,
    CHOSEN_SORT("works, trials, takes or rung"),
    {0},
};
/* clang-format on */

const struct view_class strategies_class = {
    .name = "strategies",
    .title = "strategies",
    .help = "How well each rung works, by class of failure",
    .context = CONTEXT_STRATEGIES,
    .hints = {ACTION_STRATEGY_KILL, ACTION_STRATEGY_REVIVE, ACTION_FILTER,
              ACTION_SORT_NEXT, ACTION_GO_FAILURES, ACTION_GO_DECISIONS, ACTION_PALETTE,
              ACTION_HELP},
    .is_root = true,
    .choices = &choices,
    .settings = settings,
    .setting_value = chosen_value,
    .open = strategies_open,
    .close = strategies_close,
    .query = strategies_query,
    .draw = strategies_draw,
    .on_action = strategies_on_action,
    .on_prompt = strategies_on_prompt,
};
