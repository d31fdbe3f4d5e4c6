/* SPDX-License-Identifier: MIT */
/* Drawing of the workflows view; see workflows.c. */
#include <inttypes.h>

#include "tui/view/workflows_impl.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

enum column_id {
    COL_GLYPH,
    COL_ID,
    COL_STATE,
    COL_STEP,
    COL_TITLE,
    COL_REPO,
    COL_PIPELINE,
    COL_ITERATION,
    COL_AGE,
    COL_LEFT,
    COL_PRIORITY,
    COL_REASON,
    COLUMNS
};

static const struct column columns[COLUMNS] = {
    [COL_GLYPH] = {"",         1,  1,  0, false, -1           },
    [COL_ID] = {"ID",       9,  11, 0, false, SORT_ID      },
    [COL_STATE] = {"STATE",    11, 11, 0, false, SORT_STATE   },
    [COL_STEP] = {"STEP",     14, 18, 2, false, -1           },
    [COL_TITLE] = {"TITLE",    24, 48, 0, false, -1           },
    [COL_REPO] = {"REPO",     10, 18, 3, false, SORT_REPO    },
    [COL_PIPELINE] = {"PIPELINE", 10, 16, 6, false, SORT_PIPELINE},
    [COL_ITERATION] = {"ITER",     6,  6,  5, true,  -1           },
    [COL_AGE] = {"AGE",      6,  6,  1, true,  SORT_AGE     },
    [COL_LEFT] = {"LEFT",     6,  6,  7, true,  -1           },
    [COL_PRIORITY] = {"PRIO",     5,  5,  8, true,  SORT_PRIORITY},
    [COL_REASON] = {"REASON",   20, 60, 4, false, -1           },
};

#define NEVER_FITS 100000 /* cells, and the first to go */

const char *workflows_column(size_t index)
{
    static const char *const names[COLUMNS + 1] = {
        "",          "id",  "state", "step",     "title",  "repo", "pipeline",
        "iteration", "age", "left",  "priority", "reason", NULL};
    return index <= COLUMNS ? names[index] : NULL;
}

static bool is_marked(const struct workflows *list, int64_t id)
{
    for (size_t i = 0; i < list->n_marks; i++)
        if (list->marks[i] == id)
            return true;
    return false;
}

/* ---- drawing
 * -----------------------------------------------------------------------------------------
 */

static void draw_filter_line(const struct canvas *canvas, const struct workflows *list,
                             const struct frame *frame)
{
    char text[400], count[CLOCK_TEXT_MAX], age[CLOCK_TEXT_MAX];
    const struct frame_list *data = frame->list;
    int x = 2;
    x += canvas_text(canvas, x, 0, CANVAS_REST, ROLE_TITLE, "WORKFLOWS") + 2;
    if (data && data->n_all >= 0)
        x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT, "%s",
                           look_count(data->n_all, count)) +
             2;
    else if (data && !data->has_before && !data->has_after)
        x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT, "%zu", data->page.n) + 2;
    x += canvas_printf(canvas, x, 0, CANVAS_REST,
                       list->group ? ROLE_TEXT_STRONG : ROLE_TEXT_DIM, "%s",
                       state_groups[list->group].name) +
         2;
    if (list->text[0] != '\0') {
        (void)snprintf(text, sizeof text, "with \"%s\"", list->text);
        x += look_text(canvas, x, 0, canvas->w - x - 1, ROLE_TEXT_STRONG, text) + 2;
    }
    if (list->n_marks > 0)
        x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT_STRONG, "%zu marked",
                           list->n_marks) +
             2;
    if (list->is_held && data)
        canvas_right_printf(canvas, x, 0, canvas->w - x - 1, ROLE_STALE,
                            "paused, as of %s ago",
                            look_age(list->view.now, data->taken_at, age));
}

static void draw_cell(const struct canvas *canvas, enum column_id id, int x, int y, int w,
                      const struct frame *frame, const struct workflow_row *row,
                      bool has_reason_column, struct wall now)
{
    char text[LOOK_TEXT_MAX];
    const struct frame_pipeline *limits = frame_find_pipeline(frame, row->pipeline_id);
    switch (id) {
    case COL_GLYPH:
        canvas_glyph(canvas, x, y, look_row_role(row), look_row_glyph(row));
        break;
    case COL_ID:
        canvas_printf(canvas, x, y, w, ROLE_TEXT, "wf-%" PRId64, row->id);
        break;
    case COL_STATE:
        canvas_text(canvas, x, y, w, look_row_role(row), look_state_word(row->state));
        break;
    case COL_STEP:
        if (state_is_final(row->state) && has_reason_column)
            break;
        look_text(canvas, x, y, w,
                  wait_needs_human(row->wait) ? ROLE_STATUS_HUMAN : ROLE_TEXT_DIM,
                  row_phrase(frame, row, now, text, sizeof text));
        break;
    case COL_TITLE:
        look_text(canvas, x, y, w, ROLE_TEXT, row->title);
        break;
    case COL_REPO:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM,
                  look_repo(row->repo, text, sizeof text));
        break;
    case COL_PIPELINE:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM, row->pipeline);
        break;
    case COL_ITERATION:
        if (limits)
            canvas_right_printf(canvas, x, y, w, ROLE_TEXT_DIM, "%d/%d", row->iteration,
                                limits->max_iterations);
        else
            canvas_right_printf(canvas, x, y, w, ROLE_TEXT_DIM, "%d", row->iteration);
        break;
    case COL_AGE:
        canvas_right(canvas, x, y, w, ROLE_TEXT, look_age(now, row->state_since, text));
        break;
    case COL_LEFT:
        if (wall_is_set(row->deadline_at) && !state_is_final(row->state))
            canvas_right(canvas, x, y, w,
                         now.ms > row->deadline_at.ms ? ROLE_STATUS_WARN : ROLE_TEXT_DIM,
                         look_left(wall_since(row->deadline_at, now), text));
        break;
    case COL_PRIORITY:
        canvas_right_printf(canvas, x, y, w,
                            row->priority == 5 ? ROLE_TEXT_DIM : ROLE_TEXT, "%d",
                            row->priority);
        break;
    case COL_REASON:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM, row->reason);
        break;
    case COLUMNS:
        break;
    }
}

static void draw_rows(const struct canvas *canvas, const struct workflows *list,
                      const struct frame *frame, const struct table_layout *layout)
{
    const struct frame_rows *page = &frame->list->page;
    size_t at = workflows_cursor(list, frame->list);
    int64_t top = workflows_top(list, frame->list, at, canvas->h);
    for (int y = 0; y < canvas->h && top + y < (int64_t)page->n; y++) {
        const struct workflow_row *row = &page->rows[top + y];
        for (enum column_id c = 0; c < COLUMNS; c++)
            if (layout->w[c] > 0)
                draw_cell(canvas, c, layout->x[c], y, layout->w[c], frame, row,
                          layout->w[COL_REASON] > 0, list->view.now);
        if (is_marked(list, row->id)) {
            canvas_glyph(canvas, 1, y, ROLE_TEXT_STRONG, GLYPH_BLOCK);
            canvas_ground(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_MARK);
        }
        if (top + y == (int64_t)at) {
            canvas_glyph(canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_CURSOR);
        }
    }
}

static void draw_empty(const struct canvas *canvas, const struct workflows *list,
                       const struct frame *frame)
{
    char text[320];
    if (frame->has_totals && frame->totals.n_workflows == 0) {
        blank_draw(canvas, "No workflows yet. Press n to submit one.", "");
    } else if (list->text[0] != '\0') {
        (void)snprintf(text, sizeof text, "Nothing contains \"%s\".", list->text);
        blank_draw(canvas, text, "An empty filter shows all again.");
    } else {
        (void)snprintf(text, sizeof text, "No workflow here: %s.",
                       state_groups[list->group].name);
        blank_draw(canvas, text, "");
    }
}

static void draw_list(const struct canvas *canvas, const struct workflows *list,
                      const struct frame *frame)
{
    draw_filter_line(canvas, list, frame);
    struct canvas part = canvas_sub(
        canvas, (struct rect){0, LIST_HEAD_ROWS, canvas->w, canvas->h - LIST_HEAD_ROWS});
    if (!frame->list) {
        blank_draw(&part, "reading the workflows", "");
        return;
    }
    if (frame->list->page.n == 0) {
        draw_empty(&part, list, frame);
        return;
    }
    struct column wanted[COLUMNS];
    memcpy(wanted, columns, sizeof(wanted));
    for (size_t i = 0; i < COLUMNS; i++)
        if (list->columns != 0 && columns[i].title[0] != '\0' &&
            (list->columns & 1u << i) == 0)
            wanted[i].min = wanted[i].max = wanted[i].importance = NEVER_FITS;
    struct table_layout layout = table_layout(wanted, COLUMNS, 2, canvas->w - 3);
    table_draw_heading(canvas, LIST_HEAD_ROWS - 1, columns, COLUMNS, &layout,
                       (int)list->sort, list->is_reversed);
    draw_rows(&part, list, frame, &layout);
}

void workflows_draw(const struct view *view, const struct frame *frame,
                    const struct canvas *all)
{
    const struct workflows *list = (const struct workflows *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= LIST_HEAD_ROWS || !frame)
        return;
    int left = list_width(canvas.w);
    struct canvas part = canvas_sub(&canvas, (struct rect){0, 0, left, canvas.h});
    draw_list(&part, list, frame);
    if (left == canvas.w)
        return;
    int x = left + SIDE_GAP, width = canvas.w - x;
    struct canvas side =
        canvas_sub(&canvas, (struct rect){x, 0, width > 110 ? 110 : width, canvas.h});
    if (frame->detail && frame->detail->row.id == list->cursor)
        detail_draw(&side, frame, view->now, &(struct detail_look){.step = -1});
}
