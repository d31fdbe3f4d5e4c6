/* SPDX-License-Identifier: MIT */
/*
 * Failures and decisions: two lists that work alike, with the case of the selected row beside
 * them where there is room.
 *
 * Open problems stand above the failures that they explain: a pile of failures with one cause is
 * one thing to look at. The cursor is a case, not a line. A frame holds a window of rows.
 */
#include <inttypes.h>
#include <math.h>

#include "engine/base/text.h"
#include "tui/view/recovery.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define HEAD_ROWS  3
#define TOKEN_TEXT 2  /* case_prompt has 1 */
#define EDGE_ROWS  50 /* so near to the window's end, the next one is asked for */

enum failure_column {
    F_MARK,
    F_ID,
    F_CLASS,
    F_FOR,
    F_NOW,
    F_AGE,
    F_STEP,
    F_REPO,
    F_TEXT,
    F_COLUMNS
};
static const struct column failure_columns[F_COLUMNS] = {
    [F_MARK] = {"",      1,  1,  0, false, -1},
    [F_ID] = {"ID",    5,  8,  0, true,  -1},
    [F_CLASS] = {"CLASS", 10, 12, 0, false, -1},
    [F_FOR] = {"FOR",   8,  9,  1, false, -1},
    [F_NOW] = {"NOW",   19, 22, 0, false, -1},
    [F_AGE] = {"AGE",   6,  6,  2, true,  -1},
    [F_STEP] = {"STEP",  12, 20, 4, false, -1},
    [F_REPO] = {"REPO",  12, 24, 5, false, -1},
    [F_TEXT] = {"WHAT",  10, 60, 3, false, -1},
};

enum decision_column {
    D_MARK,
    D_ID,
    D_AGE,
    D_KIND,
    D_FOR,
    D_CHOICE,
    D_BY,
    D_SURE,
    D_ENDED,
    D_TEXT,
    D_COLUMNS
};
static const struct column decision_columns[D_COLUMNS] = {
    [D_MARK] = {"",       1,  1,  0, false, -1},
    [D_ID] = {"ID",     6,  8,  0, true,  -1},
    [D_AGE] = {"AGE",    6,  6,  3, true,  -1},
    [D_KIND] = {"KIND",   9,  9,  4, false, -1},
    [D_FOR] = {"FOR",    14, 20, 1, false, -1},
    [D_CHOICE] = {"CHOICE", 12, 14, 0, false, -1},
    [D_BY] = {"BY",     8,  8,  2, false, -1},
    [D_SURE] = {"SURE",   4,  4,  5, true,  -1},
    [D_ENDED] = {"ENDED",  7,  7,  0, false, -1},
    [D_TEXT] = {"WHY",    20, 60, 6, false, -1},
};

struct cases {
    struct view view;
    bool has_all; /* also what is settled */
    char text[FRAME_FILTER_MAX];
    enum case_kind kind; /* of the cursor's row */
    int64_t cursor;      /* id, 0 = the first row */
    int64_t before;      /* of the window; 0 = from the newest */
};

static bool is_failures(const struct cases *list)
{
    return list->view.klass == &failures_class;
}

static struct view *failures_open(int64_t id, const char *arg)
{
    struct cases *list = mem_alloc(sizeof *list);
    (void)id;
    (void)text_clean_into(list->text, sizeof list->text, arg ? arg : "");
    return &list->view;
}

static struct view *decisions_open(int64_t id, const char *arg)
{
    struct cases *list = (struct cases *)failures_open(id, arg);
    list->has_all = true;
    return &list->view;
}

static void cases_close(struct view *view)
{
    free(view);
}

static void cases_query(const struct view *view, struct frame_query *query)
{
    const struct cases *list = (const struct cases *)view;
    query->parts = is_failures(list) ? PART_FAILURES : PART_DECISIONS;
    query->is_unsettled = !list->has_all;
    query->recovery_before = list->before;
    (void)snprintf(query->text, sizeof query->text, "%s", list->text);
    if (list->cursor != 0) {
        query->parts |= PART_CASE;
        query->case_kind = list->kind;
        query->case_id = list->cursor;
    }
}

/* ---- rows ------------------------------------------------------------------------------ */

/* Problems come first, then failures; or decisions. */
struct rows {
    const struct frame_failures *failures;
    const struct frame_decisions *decisions;
    size_t n_problems, n;
};

static bool rows_of(const struct cases *list, const struct frame *frame,
                    struct rows *ret_rows)
{
    struct rows rows = {0};
    if (frame && is_failures(list) && frame->failures) {
        rows.failures = frame->failures;
        rows.n_problems = frame->failures->n_problems;
        rows.n = rows.n_problems + frame->failures->n;
    } else if (frame && !is_failures(list) && frame->decisions) {
        rows.decisions = frame->decisions;
        rows.n = frame->decisions->n;
    }
    *ret_rows = rows;
    return rows.failures || rows.decisions;
}

static enum case_kind kind_at(const struct rows *rows, size_t at)
{
    return rows->decisions         ? CASE_DECISION
           : at < rows->n_problems ? CASE_PROBLEM
                                   : CASE_FAILURE;
}

static int64_t id_at(const struct rows *rows, size_t at)
{
    if (rows->decisions)
        return rows->decisions->rows[at].id;
    return at < rows->n_problems ? rows->failures->problems[at].id
                                 : rows->failures->rows[at - rows->n_problems].id;
}

/* The cursor's row; when it is gone (settled, filtered), the one that took its place. */
static size_t find_cursor(const struct cases *list, const struct rows *rows)
{
    if (list->cursor == 0 || rows->n == 0)
        return 0;
    for (size_t i = 0; i < rows->n; i++)
        if (kind_at(rows, i) == list->kind && id_at(rows, i) <= list->cursor)
            return i;
    return list->kind == CASE_PROBLEM ? 0 : rows->n - 1;
}

static bool has_more(const struct rows *rows)
{
    return rows->decisions ? rows->decisions->has_more : rows->failures->has_more;
}

static const struct case_file *selected(const struct cases *list,
                                        const struct frame *frame)
{
    const struct frame_case *data = frame ? frame->case_ : NULL;
    bool is_it = data && data->kind == list->kind && data->id == list->cursor;
    return is_it && !data->is_missing ? &data->file : NULL;
}

/* ---- drawing --------------------------------------------------------------------------- */

/* What is done about a failure now, or what became of it. */
static const char *now_of(const struct failure_row *row,
                          const struct recovery_row *recovery, char *text, size_t cap)
{
    char odds[CASE_ODDS_MAX], id[CASE_ID_MAX];
    if (recovery && recovery->status == RECOVERY_ASKED)
        (void)snprintf(text, cap, "%s? approve", rung_word(recovery->rung));
    else if (row->status == FAILURE_ESCALATED)
        (void)snprintf(text, cap, "needs a person");
    else if (recovery && isfinite(recovery->odds))
        (void)snprintf(text, cap, "%d. %s %s", recovery->number,
                       rung_word(recovery->rung),
                       case_odds(recovery->odds, (double)NAN, (double)NAN, odds));
    else if (recovery)
        (void)snprintf(text, cap, "%d. %s", recovery->number, rung_word(recovery->rung));
    else if (row->status == FAILURE_OPEN && row->problem != 0)
        (void)snprintf(text, cap, "with %s", case_id(CASE_PROBLEM, row->problem, id));
    else
        (void)snprintf(text, cap, "%s", failure_status_word(row->status));
    return text;
}

static bool is_for_person(const struct failure_row *row,
                          const struct recovery_row *recovery)
{
    return row->status == FAILURE_ESCALATED ||
           (recovery && recovery->status == RECOVERY_ASKED);
}

static void draw_failure(const struct canvas *canvas, enum failure_column column, int x,
                         int y, int w, const struct failure_row *row,
                         const struct recovery_row *recovery, struct wall now)
{
    char text[LOOK_TEXT_MAX], id[CASE_ID_MAX];
    bool is_person = is_for_person(row, recovery);
    enum theme_role role = is_person ? ROLE_STATUS_HUMAN : case_status_role(row->status);
    switch (column) {
    case F_MARK:
        canvas_glyph(canvas, x, y, role,
                     is_person ? GLYPH_HIGH : case_status_glyph(row->status));
        break;
    case F_ID:
        canvas_right(canvas, x, y, w, ROLE_TEXT, case_id(CASE_FAILURE, row->id, id));
        break;
    case F_CLASS:
        canvas_printf(canvas, x, y, w, ROLE_TEXT, "%s%s", class_word(row->class_),
                      row->is_flaky && row->class_ != CLASS_FLAKY ? " ~" : "");
        break;
    case F_FOR:
        canvas_text(canvas, x, y, w, ROLE_TEXT,
                    case_id(CASE_WORKFLOW, row->workflow, id));
        break;
    case F_NOW:
        canvas_text(canvas, x, y, w, role, now_of(row, recovery, text, sizeof text));
        break;
    case F_AGE:
        canvas_right(canvas, x, y, w, ROLE_TEXT_DIM, look_age(now, row->at, text));
        break;
    case F_STEP:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM,
                  row->step[0] ? row->step : row->provider);
        break;
    case F_REPO:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM, row->repo);
        break;
    case F_TEXT:
        look_text(canvas, x, y, w, ROLE_TEXT, row->text);
        break;
    case F_COLUMNS:
        break;
    }
}

/* A problem takes the columns from FOR on for its own words. */
static void draw_problem(const struct canvas *canvas, int y,
                         const struct table_layout *layout, const struct problem_row *row)
{
    char id[CASE_ID_MAX];
    const int *x = layout->x;
    canvas_glyph(canvas, x[F_MARK], y, ROLE_STATUS_ERROR, GLYPH_HIGH);
    canvas_right(canvas, x[F_ID], y, layout->w[F_ID], ROLE_TEXT,
                 case_id(CASE_PROBLEM, row->id, id));
    canvas_text(canvas, x[F_CLASS], y, layout->w[F_CLASS], ROLE_TEXT,
                class_word(row->class_));
    int at = x[F_CLASS] + layout->w[F_CLASS] + TABLE_GAP;
    at += canvas_printf(canvas, at, y, canvas->w - at - 1, ROLE_STATUS_ERROR,
                        "%" PRId64 " failures, %" PRId64 " workflows", row->n_failures,
                        row->n_workflows) +
          2;
    bool has_rung = (unsigned)row->rung < RUNG_COUNT;
    at += canvas_printf(canvas, at, y, canvas->w - at - 1, ROLE_STATUS_RUN, "%s",
                        has_rung ? rung_word(row->rung) : "nothing tried yet") +
          2;
    look_text(canvas, at, y, canvas->w - at - 1, ROLE_TEXT, row->text);
}

static void draw_decision(const struct canvas *canvas, enum decision_column column, int x,
                          int y, int w, const struct decision_row *row, struct wall now)
{
    char text[CLOCK_TEXT_MAX], id[CASE_ID_MAX];
    switch (column) {
    case D_MARK:
        canvas_glyph(canvas, x, y, case_verdict_role(row->verdict),
                     case_verdict_glyph(row->verdict));
        break;
    case D_ID:
        canvas_right(canvas, x, y, w, ROLE_TEXT, case_id(CASE_DECISION, row->id, id));
        break;
    case D_AGE:
        canvas_right(canvas, x, y, w, ROLE_TEXT_DIM, look_age(now, row->at, text));
        break;
    case D_KIND:
        canvas_text(canvas, x, y, w, ROLE_TEXT_DIM, decision_word(row->kind));
        break;
    case D_FOR:
        look_text(canvas, x, y, w, ROLE_TEXT, row->subject);
        break;
    case D_CHOICE:
        look_text(canvas, x, y, w, ROLE_TEXT_STRONG, row->choice);
        break;
    case D_BY:
        canvas_text(canvas, x, y, w, ROLE_TEXT, decider_word(row->decider));
        break;
    case D_SURE:
        canvas_right_printf(canvas, x, y, w, ROLE_TEXT, "%.0f%%", row->confidence * 100);
        break;
    case D_ENDED:
        canvas_text(canvas, x, y, w, case_verdict_role(row->verdict),
                    verdict_word(row->verdict));
        break;
    case D_TEXT:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM, row->reason);
        break;
    case D_COLUMNS:
        break;
    }
}

static void draw_row(const struct canvas *canvas, int y, const struct rows *rows,
                     size_t at, const struct table_layout *layout, struct wall now)
{
    if (rows->decisions) {
        for (enum decision_column c = 0; c < D_COLUMNS; c++)
            if (layout->w[c] > 0)
                draw_decision(canvas, c, layout->x[c], y, layout->w[c],
                              &rows->decisions->rows[at], now);
        return;
    }
    if (at < rows->n_problems) {
        draw_problem(canvas, y, layout, &rows->failures->problems[at]);
        return;
    }
    size_t i = at - rows->n_problems;
    for (enum failure_column c = 0; c < F_COLUMNS; c++)
        if (layout->w[c] > 0)
            draw_failure(canvas, c, layout->x[c], y, layout->w[c],
                         &rows->failures->rows[i], rows->failures->recoveries[i], now);
}

const char *recovery_summary(const struct frame_recovery *recovery, char *text,
                             size_t cap)
{
    const int64_t *now = recovery->totals.by_status, *day = recovery->settled;
    int64_t person = now[FAILURE_ESCALATED] + recovery->totals.n_asked;
    int64_t good = day[FAILURE_RECOVERED];
    int64_t all = good + day[FAILURE_HELPED] + day[FAILURE_LOST] + now[FAILURE_ESCALATED];
    int used = 0;
    text[0] = '\0';
    if (now[FAILURE_OPEN] + person + all == 0)
        return text;
    used = snprintf(text, cap, "%" PRId64 " recovering   ", now[FAILURE_OPEN]);
    if (person > 0)
        used += snprintf(text + used, cap - (size_t)used,
                         "%" PRId64 " waiting for you   ", person);
    if (all > 0)
        (void)snprintf(text + used, cap - (size_t)used,
                       "%" PRId64 " recovered in 24h (%.0f%%)", good,
                       100.0 * (double)good / (double)all);
    else
        (void)snprintf(text + used, cap - (size_t)used, "none recovered in 24h");
    return text;
}

static void draw_head(const struct canvas *canvas, const struct cases *list,
                      const struct rows *rows)
{
    char text[400];
    int x = 2 +
            canvas_text(canvas, 2, 0, CANVAS_REST, ROLE_TITLE,
                        is_failures(list) ? "FAILURES" : "DECISIONS") +
            2;
    if (rows->failures)
        canvas_text(canvas, x, 0, canvas->w - x - 1, ROLE_TEXT,
                    recovery_summary(&rows->failures->recovery, text, sizeof text));
    bool is_usual = list->has_all != is_failures(list) && list->text[0] == '\0';
    if (is_usual)
        return;
    (void)snprintf(
        text, sizeof text, "shown: %s%s%s%s", list->has_all ? "all" : "not settled",
        list->text[0] ? ", with \"" : "", list->text, list->text[0] ? "\"" : "");
    look_text(canvas, 2, 1, canvas->w - 3, ROLE_TEXT_STRONG, text);
}

static void draw_empty(const struct canvas *canvas, const struct cases *list)
{
    if (list->text[0] != '\0')
        blank_draw(canvas, "Nothing matches.", "F shows all again.");
    else if (!is_failures(list))
        blank_draw(canvas, "Nothing was decided yet.",
                   "Each choice comes here: which rung, merge or ask, how many at once.");
    else if (list->has_all)
        blank_draw(canvas, "Nothing has failed.", "");
    else
        blank_draw(canvas, "No failure is open.", "f shows those that are settled.");
}

static void draw_list(const struct canvas *canvas, const struct cases *list,
                      const struct rows *rows)
{
    const struct column *columns = rows->decisions ? decision_columns : failure_columns;
    size_t n_columns = rows->decisions ? (size_t)D_COLUMNS : (size_t)F_COLUMNS;
    struct table_layout layout = table_layout(columns, n_columns, 2, canvas->w - 3);
    table_draw_heading(canvas, HEAD_ROWS - 1, columns, n_columns, &layout, -1, false);
    struct canvas part =
        canvas_sub(canvas, (struct rect){0, HEAD_ROWS, canvas->w, canvas->h - HEAD_ROWS});
    size_t at = find_cursor(list, rows);
    int64_t top =
        table_scroll((int64_t)at - part.h / 2, (int64_t)at, (int64_t)rows->n, part.h);
    for (int y = 0; y < part.h && top + y < (int64_t)rows->n; y++) {
        draw_row(&part, y, rows, (size_t)(top + y), &layout, list->view.now);
        if (top + y == (int64_t)at) {
            canvas_glyph(&part, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(&part, (struct rect){0, y, part.w, 1}, ROLE_CURSOR);
        }
    }
}

static void cases_draw(const struct view *view, const struct frame *frame,
                       const struct canvas *all)
{
    const struct cases *list = (const struct cases *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    struct rows rows;
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    bool is_read = rows_of(list, frame, &rows);
    draw_head(&canvas, list, &rows);
    struct canvas part =
        canvas_sub(&canvas, (struct rect){0, HEAD_ROWS, canvas.w, canvas.h - HEAD_ROWS});
    if (!is_read) {
        blank_draw(&part, "reading", "");
        return;
    }
    if (rows.n == 0) {
        draw_empty(&part, list);
        return;
    }
    int left = list_width(canvas.w);
    struct canvas side = canvas_sub(&canvas, (struct rect){0, 0, left, canvas.h});
    draw_list(&side, list, &rows);
    const struct case_file *file = selected(list, frame);
    if (!file)
        return;
    struct rect beside = {left + SIDE_GAP, HEAD_ROWS - 1, canvas.w - left - SIDE_GAP,
                          canvas.h - HEAD_ROWS + 1};
    /* On a narrow screen the selected one is below a short list. */
    int y = HEAD_ROWS + (int)rows.n + 1;
    struct rect below = {0, y, canvas.w, canvas.h - y};
    struct canvas page = canvas_sub(&canvas, left < canvas.w ? beside : below);
    if (page.h > 3)
        (void)case_draw(&page, file, view->now, 0);
}

/* ---- handling -------------------------------------------------------------------------- */

static void put_cursor(struct cases *list, const struct rows *rows, size_t at,
                       struct reply *reply)
{
    int64_t id = rows->n > 0 ? id_at(rows, at) : 0;
    enum case_kind kind = rows->n > 0 ? kind_at(rows, at) : CASE_FAILURE;
    if (id != list->cursor || kind != list->kind)
        reply->flags |= REPLY_REQUERY;
    list->cursor = id;
    list->kind = kind;
}

static void cases_on_frame(struct view *view, const struct frame *frame,
                           struct reply *reply)
{
    struct cases *list = (struct cases *)view;
    struct rows rows;
    if (rows_of(list, frame, &rows))
        put_cursor(list, &rows, find_cursor(list, &rows), reply);
}

static void go_to(struct cases *list, const struct rows *rows, int64_t to,
                  struct reply *reply)
{
    int64_t n = (int64_t)rows->n;
    if (n == 0)
        return;
    to = to < 0 ? 0 : to >= n ? n - 1 : to;
    put_cursor(list, rows, (size_t)to, reply);
    if (to >= n - EDGE_ROWS && has_more(rows)) {
        list->before = id_at(rows, (size_t)(n > 2 * EDGE_ROWS ? n - 2 * EDGE_ROWS : 0));
        reply->flags |= REPLY_REQUERY;
    } else if (to < EDGE_ROWS && list->before != 0) {
        int64_t newer = id_at(rows, 0) + FRAME_FAILURES / 2;
        bool is_newest = n < FRAME_FAILURES / 2 || list->before >= newer;
        list->before = is_newest ? 0 : newer;
        reply->flags |= REPLY_REQUERY;
    }
}

static void restart(struct cases *list, struct reply *reply)
{
    list->cursor = list->before = 0;
    reply->flags |= REPLY_REQUERY;
}

/* The case under the cursor to act on: whole, or, while it is being read, as far as its row
 * tells. Returns file, or NULL when there is none. */
static const struct case_file *act_on(const struct cases *list, const struct frame *frame,
                                      struct case_file *file)
{
    const struct case_file *whole = selected(list, frame);
    struct rows rows;
    if (whole)
        return whole;
    if (!rows_of(list, frame, &rows) || rows.n == 0)
        return NULL;
    size_t at = find_cursor(list, &rows);
    *file = (struct case_file){.kind = kind_at(&rows, at), .id = id_at(&rows, at)};
    if (rows.decisions) {
        file->decisions = &rows.decisions->rows[at];
        file->n_decisions = 1;
    } else if (at < rows.n_problems) {
        file->problem = rows.failures->problems[at];
        file->has_problem = true;
    } else {
        at -= rows.n_problems;
        file->failure = rows.failures->rows[at];
        file->has_failure = true;
        file->recoveries = rows.failures->recoveries[at];
        file->n_recoveries = file->recoveries ? 1 : 0;
    }
    return file;
}

static bool move(struct cases *list, const struct frame *frame, enum action action,
                 struct reply *reply)
{
    int h = list->view.h - HEAD_ROWS;
    struct rows rows;
    int64_t by;
    switch (action) {
    case ACTION_ROW_DOWN:
        by = 1;
        break;
    case ACTION_ROW_UP:
        by = -1;
        break;
    case ACTION_PAGE_DOWN:
        by = h - 1;
        break;
    case ACTION_PAGE_UP:
        by = 1 - h;
        break;
    case ACTION_TOP:
        restart(list, reply);
        return true;
    case ACTION_END:
        by = FRAME_FAILURES + FRAME_PROBLEMS;
        break;
    default:
        return false;
    }
    if (rows_of(list, frame, &rows))
        go_to(list, &rows, (int64_t)find_cursor(list, &rows) + by, reply);
    return true;
}

static void cases_on_action(struct view *view, const struct frame *frame,
                            enum action action, struct reply *reply)
{
    struct cases *list = (struct cases *)view;
    struct case_file file;
    char id[CASE_ID_MAX];
    if (move(list, frame, action, reply))
        return;
    switch (action) {
    case ACTION_OPEN:
    case ACTION_SHOW_WHY:
        if (list->cursor != 0)
            reply_open(reply, &why_class, 0, case_id(list->kind, list->cursor, id));
        break;
    case ACTION_FILTER:
    case ACTION_SEARCH:
        reply_ask(reply, &(struct prompt_request){
                             .label = "filter",
                             .initial = list->text,
                             .example = "part of a text, class, rung, step or workflow",
                             .token = TOKEN_TEXT,
                             .is_live = true,
                             .may_be_empty = true,
                         });
        break;
    case ACTION_FILTER_STATE:
        list->has_all = !list->has_all;
        restart(list, reply);
        break;
    case ACTION_CLOSE: /* first the filter, then the view */
        if (list->text[0] == '\0' && list->has_all != is_failures(list)) {
            reply->flags |= REPLY_UNUSED;
            break;
        }
        list->has_all = !is_failures(list);
        list->text[0] = '\0';
        restart(list, reply);
        break;
    case ACTION_FILTER_CLEAR:
        list->has_all = !is_failures(list);
        list->text[0] = '\0';
        restart(list, reply);
        break;
    default:
        case_action(act_on(list, frame, &file), action, reply);
        break;
    }
}

static void cases_on_prompt(struct view *view, const struct frame *frame, int token,
                            const char *text, bool is_final, struct reply *reply)
{
    struct cases *list = (struct cases *)view;
    struct case_file file;
    if (token != TOKEN_TEXT) {
        case_prompt(act_on(list, frame, &file), token, text, is_final, reply);
    } else if (text) {
        (void)text_clean_into(list->text, sizeof list->text, text);
        restart(list, reply);
    }
}

const struct view_class failures_class = {
    .name = "failures",
    .title = "failures",
    .help = "What failed, its class and cause, and what is done about it",
    .context = CONTEXT_FAILURES,
    .hints = {ACTION_OPEN, ACTION_FILTER, ACTION_FILTER_STATE, ACTION_LABEL_CLASS,
              ACTION_RECOVERY_APPROVE, ACTION_RECOVERY_REJECT, ACTION_GO_STRATEGIES,
              ACTION_GO_DECISIONS, ACTION_HELP},
    .is_root = true,
    .open = failures_open,
    .close = cases_close,
    .query = cases_query,
    .on_frame = cases_on_frame,
    .draw = cases_draw,
    .on_action = cases_on_action,
    .on_prompt = cases_on_prompt,
};

const struct view_class decisions_class = {
    .name = "decisions",
    .title = "decisions",
    .help = "What was decided, by whom, and how it turned out",
    .context = CONTEXT_FAILURES,
    .hints = {ACTION_OPEN, ACTION_FILTER, ACTION_FILTER_STATE, ACTION_GO_FAILURES,
              ACTION_GO_STRATEGIES, ACTION_PALETTE, ACTION_HELP},
    .is_root = true,
    .open = decisions_open,
    .close = cases_close,
    .query = cases_query,
    .on_frame = cases_on_frame,
    .draw = cases_draw,
    .on_action = cases_on_action,
    .on_prompt = cases_on_prompt,
};
