/* SPDX-License-Identifier: MIT */
/* The list of incidents, drawn. */
#include <inttypes.h>

#include "tui/view/incidents_impl.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

enum cause_column {
    C_GLYPH,
    C_ID,
    C_SEVERITY,
    C_STATE,
    C_WHO,
    C_INSIDE,
    C_AGE,
    C_WHAT,
    C_COLUMNS
};
static const struct column columns[C_COLUMNS] = {
    [C_GLYPH] = {"",         1,  1,  0, false, -1               },
    [C_ID] = {"ID",       5,  5,  0, true,  -1               },
    [C_SEVERITY] = {"SEVERITY", 8,  8,  0, false, CAUSE_BY_SEVERITY},
    [C_STATE] = {"STATE",    10, 10, 0, false, CAUSE_BY_STATE   },
    [C_WHO] = {"WHO",      7,  7,  2, false, CAUSE_BY_WHO     },
    [C_INSIDE] = {"IN",       2,  3,  3, true,  CAUSE_BY_INSIDE  },
    [C_AGE] = {"AGE",      5,  5,  1, true,  CAUSE_BY_AGE     },
    [C_WHAT] = {"WHAT",     20, 90, 0, false, -1               },
};

#define NEVER_FITS  100000 /* cells, and the first to go */
#define DETAIL_ROWS 6      /* at least, below the list */
#define SIDE_AT     190 /* from here on it stands beside: both are sentences, and want room */
#define W_NAME      11
#define W_STATE     11
#define W_AGE       5

const char *incidents_column(size_t index)
{
    static const char *const names[C_COLUMNS + 1] = {
        "", "id", "severity", "state", "who", "inside", "age", "what", NULL};
    return index <= C_COLUMNS ? names[index] : NULL;
}

static enum theme_role state_role(enum cause_state state)
{
    switch (state) {
    case CAUSE_NEEDS:
        return ROLE_STATUS_HUMAN;
    case CAUSE_OPEN:
        return ROLE_STATUS_ERROR;
    case CAUSE_RECOVERING:
    case CAUSE_CLAIMED:
    case CAUSE_ACKED:
        return ROLE_STATUS_RUN;
    case CAUSE_ASSIGNED:
    case CAUSE_HELD:
        return ROLE_STATUS_WARN;
    case CAUSE_QUIET:
    case CAUSE_RESOLVED:
    case CAUSE_CLOSED:
    case CAUSE_STATE_COUNT:
        break;
    }
    return ROLE_TEXT_DIM;
}

static bool is_dim(const struct cause_row *row)
{
    return row->state >= CAUSE_QUIET;
}

/* "17", "p-2"; a breaker is known by its service, which the text begins with. */
static const char *id_of(const struct cause_row *row)
{
    return row->subject.of == STORY_OF_BREAKER ? "-" : row->id;
}

/* ---- the list -------------------------------------------------------------------------- */

static void draw_cell(const struct canvas *canvas, enum cause_column column, int x, int y,
                      int w, const struct cause_row *row, struct wall now)
{
    char text[CLOCK_TEXT_MAX];
    enum theme_role severity = is_dim(row) ? ROLE_TEXT_DIM : severity_role(row->severity);
    switch (column) {
    case C_GLYPH:
        canvas_glyph(canvas, x, y, severity, severity_glyph(row->severity));
        break;
    case C_ID:
        canvas_right(canvas, x, y, w, ROLE_TEXT, id_of(row));
        break;
    case C_SEVERITY:
        canvas_text(canvas, x, y, w, severity, severity_word(row->severity));
        break;
    case C_STATE:
        canvas_text(canvas, x, y, w, state_role(row->state),
                    cause_state_word(row->state));
        break;
    case C_WHO:
        look_text(canvas, x, y, w, ROLE_TEXT, row->who);
        break;
    case C_INSIDE:
        canvas_right_printf(canvas, x, y, w, ROLE_TEXT_DIM, "%" PRId64, row->n_inside);
        break;
    case C_AGE:
        canvas_right(canvas, x, y, w, ROLE_TEXT_DIM, look_age(now, row->from, text));
        break;
    case C_WHAT:
        look_text(canvas, x, y, w, is_dim(row) ? ROLE_TEXT_DIM : ROLE_TEXT, row->text);
        break;
    case C_COLUMNS:
        break;
    }
}

static enum theme_role part_role(const struct cause_part *part)
{
    return part->is_over       ? ROLE_TEXT_DIM
           : part->needs_human ? ROLE_STATUS_HUMAN
                               : ROLE_TEXT;
}

/* Name, state, age, what; kept apart by columns of their own. */
static void draw_part(const struct canvas *canvas, int x, int y,
                      const struct cause_part *part, struct wall now)
{
    char text[CLOCK_TEXT_MAX];
    enum theme_role role = part_role(part);
    look_text(canvas, x, y, W_NAME, part->is_over ? ROLE_TEXT_DIM : ROLE_TEXT,
              part->name);
    x += W_NAME + 1;
    look_text(canvas, x, y, W_STATE, role == ROLE_TEXT ? ROLE_TEXT_DIM : role,
              part->state);
    x += W_STATE + 1;
    canvas_right(canvas, x, y, W_AGE, ROLE_TEXT_DIM, look_age(now, part->at, text));
    x += W_AGE + 2;
    look_text(canvas, x, y, canvas->w - x - 1, part->is_over ? ROLE_TEXT_DIM : ROLE_TEXT,
              part->text[0] != '\0' ? part->text : cause_part_word(part->kind, 1));
}

static void draw_branch(const struct canvas *canvas, int x, int y,
                        const struct cause_line *line, struct wall now)
{
    bool is_last = (size_t)line->part + 1 == line->row->n_parts;
    canvas_glyph(canvas, x, y, ROLE_TEXT_DIM, is_last ? GLYPH_CORNER_BL : GLYPH_TEE_L);
    draw_part(canvas, x + 2, y, &line->row->parts[line->part], now);
}

static void draw_rows(const struct canvas *canvas, const struct incidents *self,
                      const struct cause_page *page, const struct table_layout *layout)
{
    size_t at = incidents_cursor(self, page);
    int64_t top = table_scroll(0, (int64_t)at, (int64_t)page->n, canvas->h);
    for (int y = 0; y < canvas->h && top + y < (int64_t)page->n; y++) {
        const struct cause_line *line = &page->lines[top + y];
        if (line->part >= 0)
            draw_branch(canvas, layout->x[C_SEVERITY], y, line, self->view.now);
        for (int c = 0; c < C_COLUMNS && line->part < 0; c++)
            if (layout->w[c] > 0)
                draw_cell(canvas, (enum cause_column)c, layout->x[c], y, layout->w[c],
                          line->row, self->view.now);
        if (line->part < 0 && incidents_is_marked(self, line->row)) {
            canvas_glyph(canvas, 1, y, ROLE_TEXT_STRONG, GLYPH_BLOCK);
            canvas_ground(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_MARK);
        }
        if (top + y == (int64_t)at) {
            canvas_glyph(canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_CURSOR);
        }
    }
}

static int64_t count_state(const struct causes *causes, enum cause_state state)
{
    int64_t n = 0;
    for (size_t i = 0; i < causes->n; i++)
        n += causes->rows[i].state == state;
    return n;
}

static void draw_head(const struct canvas *canvas, const struct incidents *self,
                      const struct causes *causes)
{
    int x = 2 + canvas_text(canvas, 2, 0, CANVAS_REST, ROLE_TITLE, "INCIDENTS") + 2;
    int64_t n = 0, n_needs = count_state(causes, CAUSE_NEEDS);
    int64_t n_free = count_state(causes, CAUSE_OPEN);
    for (size_t i = 0; i < causes->n; i++)
        n += !wall_is_set(causes->rows[i].to);
    x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT, "%" PRId64 "%s open", n,
                       causes->has_more ? "+" : "") +
         3;
    if (n_needs > 0)
        x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_STATUS_HUMAN,
                           "%" PRId64 " need%s you", n_needs, n_needs == 1 ? "s" : "") +
             3;
    if (n_free > 0)
        x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_STATUS_ERROR,
                           "%" PRId64 " of nobody", n_free) +
             3;
    if (self->has_all)
        x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT_DIM, "%" PRId64 " closed",
                           (int64_t)causes->n - n) +
             3;
    if (self->sort != CAUSE_BY_SEVERITY || self->is_reversed)
        x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT_DIM, "by %s%s",
                           cause_sort_word(self->sort),
                           self->is_reversed ? ", reversed" : "") +
             3;
    if (self->n_marks > 0)
        x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT_STRONG, "%zu marked",
                           self->n_marks) +
             3;
    if (self->text[0] != '\0') {
        char text[FRAME_FILTER_MAX + 16];
        (void)snprintf(text, sizeof text, "with \"%s\"", self->text);
        look_text(canvas, x, 0, canvas->w - x - 1, ROLE_TEXT_STRONG, text);
    }
}

/* ---- what is under the cursor ---------------------------------------------------------- */

static void draw_detail(const struct canvas *canvas, const struct cause_row *row,
                        struct wall now)
{
    char text[400], age[CLOCK_TEXT_MAX];
    int y = 0, w = canvas->w - 3;
    look_title(canvas, 2, y++, w, "CAUSE",
               row->cause[0] != '\0' ? row->cause : "not known");
    look_text(canvas, 4, y++, w - 2,
              is_dim(row) ? ROLE_TEXT : severity_role(row->severity), row->text);
    (void)snprintf(text, sizeof text, "%s, %s, since %s%s%s",
                   severity_word(row->severity), cause_state_word(row->state),
                   look_age(now, row->from, age), row->who[0] != '\0' ? ", " : "",
                   row->who);
    look_text(canvas, 4, y++, w - 2, ROLE_TEXT_DIM, text);
    if (row->incident && row->incident->inhibited_by[0] != '\0') {
        (void)snprintf(text, sizeof text, "shown, but not told: %s",
                       row->incident->inhibited_by);
        look_text(canvas, 4, y++, w - 2, ROLE_TEXT_DIM, text);
    }
    if (row->incident && row->incident->note[0] != '\0') {
        (void)snprintf(text, sizeof text, "note: %s", row->incident->note);
        look_text(canvas, 4, y++, w - 2, ROLE_TEXT, text);
    }
    y++;
    look_title(canvas, 2, y++, w, "INSIDE", cause_inside(row, text, sizeof text));
    for (size_t i = 0; i < row->n_parts && y < canvas->h; i++, y++)
        draw_part(canvas, 4, y, &row->parts[i], now);
}

static void draw_empty(const struct canvas *canvas, const struct incidents *self,
                       const struct causes *causes)
{
    char text[FRAME_FILTER_MAX + 32];
    if (!causes) {
        blank_draw(canvas, "reading what is wrong", "");
    } else if (self->text[0] != '\0') {
        (void)snprintf(text, sizeof text, "Nothing contains \"%s\".", self->text);
        blank_draw(canvas, text, "F shows all again.");
    } else if (self->has_all) {
        blank_draw(canvas, "Nothing was wrong so far.", "");
    } else {
        blank_draw(canvas, "Nothing is wrong.", "f shows what is over as well.");
    }
}

static void draw_list(const struct canvas *canvas, const struct incidents *self,
                      const struct cause_page *page)
{
    struct column wanted[C_COLUMNS];
    memcpy(wanted, columns, sizeof wanted);
    for (size_t i = 1; i < C_COLUMNS; i++)
        if (self->columns != 0 && (self->columns & 1u << i) == 0)
            wanted[i].min = wanted[i].max = wanted[i].importance = NEVER_FITS;
    struct table_layout layout = table_layout(wanted, C_COLUMNS, 2, canvas->w - 3);
    table_draw_heading(canvas, 0, columns, C_COLUMNS, &layout, (int)self->sort,
                       self->is_reversed);
    struct canvas body =
        canvas_sub(canvas, (struct rect){0, 1, canvas->w, canvas->h - 1});
    draw_rows(&body, self, page, &layout);
}

/* The list takes what it needs, and leaves room for the detail when it is long. */
static int list_height(const struct cause_page *page, int h)
{
    int wanted = (int)page->n + 1, most = h - DETAIL_ROWS - 1;
    most = most < h / 2 ? h / 2 : most;
    return wanted < most ? wanted : most;
}

void incidents_draw(const struct view *view, const struct frame *frame,
                    const struct canvas *all)
{
    const struct incidents *self = (const struct incidents *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    const struct causes *causes = frame ? frame->causes : NULL;
    struct cause_page page = {.n = 0};
    if (canvas.h <= INCIDENTS_HEAD || !frame)
        return;
    if (causes) {
        incidents_page(self, causes, &page);
        draw_head(&canvas, self, causes);
    }
    int y = INCIDENTS_HEAD - 1, h = canvas.h - y,
        left = canvas.w < SIDE_AT ? canvas.w : list_width(canvas.w);
    if (page.n == 0) {
        struct canvas part = canvas_sub(&canvas, (struct rect){0, y, canvas.w, h});
        draw_empty(&part, self, causes);
        return;
    }
    bool is_wide = left < canvas.w;
    int rows = is_wide ? h : list_height(&page, h);
    struct canvas list = canvas_sub(&canvas, (struct rect){0, y, left, rows});
    struct rect beside = {left + SIDE_GAP, y, canvas.w - left - SIDE_GAP, h};
    struct rect below = {0, y + rows + 1, canvas.w, h - rows - 1};
    struct canvas detail = canvas_sub(&canvas, is_wide ? beside : below);
    draw_list(&list, self, &page);
    if (detail.h > 2)
        draw_detail(&detail, page.lines[incidents_cursor(self, &page)].row, view->now);
}
