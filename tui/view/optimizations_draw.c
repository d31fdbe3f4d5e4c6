/* SPDX-License-Identifier: MIT */
/* The list of optimizations: in groups, what was predicted beside what was measured. */
#include <inttypes.h>
#include <math.h>

#include "engine/base/json.h"
#include "tui/view/optimizations_impl.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

enum optimization_column {
    O_MARK,
    O_ID,
    O_TITLE,
    O_PREDICTED,
    O_MEASURED,
    O_GUARD,
    O_COLUMNS
};
_Static_assert(O_COLUMNS == OPTIMIZATION_COLUMNS, "one for each");
const struct column optimization_columns[OPTIMIZATION_COLUMNS] = {
    [O_MARK] = {"",          1,  1,  0, false, -1},
    [O_ID] = {"ID",        4,  5,  0, true,  -1},
    [O_TITLE] = {"WHAT",      22, 48, 0, false, -1},
    [O_PREDICTED] = {"PREDICTED", 14, 14, 1, false, 1 },
    [O_MEASURED] = {"MEASURED",  14, 14, 2, false, 2 },
    [O_GUARD] = {"WATCHED",   11, 12, 3, false, -1},
};

/* In the order in which they ask for attention: what a person decides, what is watched, what
 * became of the rest. */
static const enum optimization_status groups[] = {
    OPT_INCONCLUSIVE, OPT_PROPOSED, OPT_GUARDED,  OPT_KEPT,
    OPT_TAKEN_BACK,   OPT_UNDONE,   OPT_REJECTED, OPT_WITHDRAWN};

static const char *title_of(enum optimization_status status)
{
    static const char *const titles[OPT_STATUS_COUNT] = {[OPT_PROPOSED] = "PROPOSED",
                                                         [OPT_GUARDED] = "WATCHED",
                                                         [OPT_KEPT] = "KEPT",
                                                         [OPT_TAKEN_BACK] = "TAKEN BACK",
                                                         [OPT_INCONCLUSIVE] = "UNCLEAR",
                                                         [OPT_REJECTED] = "REJECTED",
                                                         [OPT_UNDONE] =
                                                             "UNDONE BY A PERSON",
                                                         [OPT_WITHDRAWN] = "WITHDRAWN"};
    return titles[status];
}

static size_t put_group(struct optimization_page *page,
                        const struct frame_optimizations *data,
                        enum optimization_status status)
{
    size_t first = page->n, n = 0;
    page->n += first > 0 ? 2 : 1; /* a blank line, and the title */
    for (size_t i = 0; i < data->n; i++)
        if (data->rows[i].status == status) {
            page->lines[page->n++] = (struct optimization_line){.row = &data->rows[i]};
            n++;
        }
    if (n == 0)
        page->n = first;
    else
        page->lines[first > 0 ? first + 1 : 0] =
            (struct optimization_line){.title = title_of(status), .n = n};
    return n;
}

void optimization_page(const struct frame_optimizations *data,
                       struct optimization_page *ret_page)
{
    *ret_page = (struct optimization_page){.n = 0};
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        (void)put_group(ret_page, data, groups[i]);
}

/* ---- drawing --------------------------------------------------------------------------- */

/* How far the guard window is: "37 of 60", else what is left of it. */
static const char *guard_of(const struct optimization_row *row, struct wall now,
                            char *text, size_t cap)
{
    struct err ignored = ERR_INIT;
    char left[CLOCK_TEXT_MAX];
    text[0] = '\0';
    if (row->status != OPT_GUARDED)
        return text;
    struct json *guard = json_parse(row->guard, strlen(row->guard), &ignored);
    int64_t n = json_int(guard, "runs", -1), of = json_int(guard, "of", -1);
    json_free(guard);
    if (n >= 0 && of > 0)
        (void)snprintf(text, cap, "%" PRId64 " of %" PRId64, n, of);
    else if (wall_is_set(row->guard_until))
        (void)snprintf(text, cap, "%s left",
                       look_left(wall_since(row->guard_until, now), left));
    return text;
}

/* Measured beyond what was promised: worth a colour. */
static enum theme_role measured_role(const struct optimization_row *row)
{
    bool is_inside =
        row->measured >= row->expected_low && row->measured <= row->expected_high;
    return !isfinite(row->measured) ? ROLE_TEXT_DIM
           : is_inside              ? ROLE_STATUS_OK
                                    : ROLE_STATUS_WARN;
}

/* "+4.1% (+2.9 to +5.3)", or with little room "+4.1% ±1.2". */
static const char *effect_of(const char *metric, double mean, double low, double high,
                             int w, char text[CARD_EFFECT_MAX])
{
    bool is_share = strstr(metric, "minutes") == NULL;
    const char *unit;
    double by = is_share || !isfinite(mean) ? 100 : minutes_scale(mean, &unit);
    double half = (high - low) / 2 * by;
    if (w >= 24 || !isfinite(half))
        return card_effect(metric, mean, low, high, text);
    size_t n = strlen(card_effect(metric, mean, (double)NAN, (double)NAN, text));
    (void)snprintf(text + n, CARD_EFFECT_MAX - n, " ±%.1f", half);
    return text;
}

static void draw_cell(const struct canvas *canvas, enum optimization_column column, int x,
                      int y, int w, const struct optimization_row *row, struct wall now)
{
    char text[CARD_EFFECT_MAX];
    enum theme_role role = card_optimization_role(row->status);
    switch (column) {
    case O_MARK:
        canvas_glyph(canvas, x, y, role, card_optimization_glyph(row->status));
        break;
    case O_ID:
        canvas_right(canvas, x, y, w, ROLE_TEXT_DIM,
                     case_id(CASE_OPTIMIZATION, row->id, text));
        break;
    case O_TITLE:
        look_text(canvas, x, y, w, ROLE_TEXT, row->title);
        break;
    case O_PREDICTED:
        canvas_text(canvas, x, y, w, ROLE_TEXT_DIM,
                    effect_of(row->metric, row->expected, row->expected_low,
                              row->expected_high, w, text));
        break;
    case O_MEASURED:
        canvas_text(canvas, x, y, w, measured_role(row),
                    isfinite(row->measured)
                        ? effect_of(row->metric, row->measured, row->measured_low,
                                    row->measured_high, w, text)
                    : row->status == OPT_GUARDED ? "not yet"
                                                 : "");
        break;
    case O_GUARD:
        canvas_text(canvas, x, y, w, ROLE_TEXT_DIM,
                    guard_of(row, now, text, sizeof text));
        break;
    case O_COLUMNS:
        break;
    }
}

static void draw_line(const struct canvas *canvas, const struct table_layout *layout,
                      int y, const struct optimization_line *line, struct wall now)
{
    if (line->title) {
        int w = canvas_text(canvas, 2, y, CANVAS_REST, ROLE_TITLE, line->title);
        canvas_printf(canvas, 4 + w, y, 8, ROLE_TEXT_DIM, "%zu", line->n);
    }
    for (enum optimization_column c = 0; line->row && c < O_COLUMNS; c++)
        if (layout->w[c] > 0)
            draw_cell(canvas, c, layout->x[c], y, layout->w[c], line->row, now);
}

void optimization_lines(const struct canvas *canvas, int head,
                        const struct optimization_page *page, size_t at,
                        const struct view *view)
{
    struct table_layout layout = chosen_layout(view, 2, canvas->w - 3);
    chosen_heading(view, canvas, head, &layout);
    struct canvas part =
        canvas_sub(canvas, (struct rect){0, head + 1, canvas->w, canvas->h - head - 1});
    int64_t top =
        table_scroll((int64_t)at - part.h / 2, (int64_t)at, (int64_t)page->n, part.h);
    for (int y = 0; y < part.h && top + y < (int64_t)page->n; y++) {
        draw_line(&part, &layout, y, &page->lines[top + y], view->now);
        if (top + y == (int64_t)at) {
            canvas_glyph(&part, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(&part, (struct rect){0, y, part.w, 1}, ROLE_CURSOR);
        }
    }
}
