/* SPDX-License-Identifier: MIT */
/* The lists of failures and decisions, drawn. */
#include <inttypes.h>
#include <math.h>

#include "tui/view/failures_impl.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

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
                        cases_is_failures(list) ? "FAILURES" : "DECISIONS") +
            2;
    if (rows->failures)
        canvas_text(canvas, x, 0, canvas->w - x - 1, ROLE_TEXT,
                    recovery_summary(&rows->failures->recovery, text, sizeof text));
    bool is_usual = list->has_all != cases_is_failures(list) && list->text[0] == '\0';
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
    else if (!cases_is_failures(list))
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
    table_draw_heading(canvas, FAILURES_HEAD - 1, columns, n_columns, &layout, -1, false);
    struct canvas part = canvas_sub(
        canvas, (struct rect){0, FAILURES_HEAD, canvas->w, canvas->h - FAILURES_HEAD});
    size_t at = cases_find_cursor(list, rows);
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

void cases_draw(const struct view *view, const struct frame *frame,
                const struct canvas *all)
{
    const struct cases *list = (const struct cases *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    struct rows rows;
    if (canvas.h <= FAILURES_HEAD || !frame)
        return;
    bool is_read = cases_rows(list, frame, &rows);
    draw_head(&canvas, list, &rows);
    struct canvas part = canvas_sub(
        &canvas, (struct rect){0, FAILURES_HEAD, canvas.w, canvas.h - FAILURES_HEAD});
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
    const struct case_file *file = cases_selected(list, frame);
    if (!file)
        return;
    struct rect beside = {left + SIDE_GAP, FAILURES_HEAD - 1, canvas.w - left - SIDE_GAP,
                          canvas.h - FAILURES_HEAD + 1};
    /* On a narrow screen the selected one is below a short list. */
    int y = FAILURES_HEAD + (int)rows.n + 1;
    struct rect below = {0, y, canvas.w, canvas.h - y};
    struct canvas page = canvas_sub(&canvas, left < canvas.w ? beside : below);
    if (page.h > 3)
        (void)case_draw(&page, file, view->now, 0);
}
