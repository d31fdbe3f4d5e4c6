/* SPDX-License-Identifier: MIT */
/*
 * Workflows: the table of all of them, whatever their number.
 *
 * A frame holds a page of rows around the cursor's workflow (keyset paging, see the
 * store). The cursor is a workflow, not a line: when the order changes it stays on its
 * item and at its line of the screen, and the rows around it move.
 */
#include <inttypes.h>

#include "engine/base/text.h"
#include "tui/view/common.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define HEAD_ROWS  3 /* filter line, blank, headings */
#define MARKS_MAX  VIEW_TARGETS_MAX
#define TOKEN_TEXT 1

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
    [COL_ID] = {"ID",       8,  8,  0, false, SORT_ID      },
    [COL_STATE] = {"STATE",    11, 11, 0, false, SORT_STATE   },
    [COL_STEP] = {"STEP",     14, 18, 2, false, -1           },
    [COL_TITLE] = {"TITLE",    14, 48, 0, false, -1           },
    [COL_REPO] = {"REPO",     10, 18, 3, false, SORT_REPO    },
    [COL_PIPELINE] = {"PIPELINE", 10, 16, 6, false, SORT_PIPELINE},
    [COL_ITERATION] = {"ITER",     6,  6,  5, true,  -1           },
    [COL_AGE] = {"AGE",      6,  6,  1, true,  SORT_AGE     },
    [COL_LEFT] = {"LEFT",     6,  6,  7, true,  -1           },
    [COL_PRIORITY] = {"PRIO",     5,  5,  8, true,  SORT_PRIORITY},
    [COL_REASON] = {"REASON",   20, 60, 4, false, -1           },
};

/* Groups that the state filter goes through. */
static const struct {
    const char *name;
    unsigned states;
    bool needs_human;
} groups[] = {
    {"all",                0,                                                         false},
    {"needs you",          0,                                                         true },
    {"running",
     STATE_BIT(STATE_PLANNING) | STATE_BIT(STATE_CODING) | STATE_BIT(STATE_PR_CREATED) |
         STATE_BIT(STATE_VALIDATING),
     false                                                                                 },
    {"queued",             STATE_BIT(STATE_IDLE),                                     false},
    {"recovering, parked", STATE_BIT(STATE_RECOVERING) | STATE_BIT(STATE_PARKED),     false},
    {"failed",             STATE_BIT(STATE_FAILED),                                   false},
    {"completed",          STATE_BIT(STATE_COMPLETED) | STATE_BIT(STATE_ROLLED_BACK), false},
    {"cancelled",          STATE_BIT(STATE_CANCELLED),                                false},
};

struct workflows {
    struct view view;
    size_t group;
    char text[FRAME_FILTER_MAX];
    enum sort_key sort;
    bool is_reversed, is_held, is_from_end;
    int64_t cursor; /* workflow id, 0 = the first row */
    int screen_row; /* line of the screen on which it stands */
    int64_t *marks;
    size_t n_marks;
};

static struct view *workflows_open(int64_t id, const char *arg)
{
    struct workflows *list = mem_alloc(sizeof *list);
    list->cursor = id;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (strcmp(groups[i].name, arg) == 0)
            list->group = i;
    if (list->group == 0)
        (void)text_clean_into(list->text, sizeof list->text, arg);
    return &list->view;
}

static void workflows_close(struct view *view)
{
    struct workflows *list = (struct workflows *)view;
    free(list->marks);
    free(list);
}

static int page_height(const struct view *view, const struct frame *frame)
{
    int h = view->h - HEAD_ROWS - (frame ? notice_height(frame, view->now, view->h) : 0);
    return h > 1 ? h : 1;
}

static void workflows_query(const struct view *view, struct frame_query *query)
{
    const struct workflows *list = (const struct workflows *)view;
    int h = page_height(view, NULL);
    query->parts = PART_LIST;
    query->states = groups[list->group].states;
    query->needs_human = groups[list->group].needs_human;
    (void)snprintf(query->text, sizeof query->text, "%s", list->text);
    query->sort = list->sort;
    query->is_reversed = list->is_reversed;
    query->anchor = list->is_from_end ? 0 : list->cursor;
    query->is_from_end = list->is_from_end;
    query->n_before = query->n_after = 2 * h;
    query->is_held = list->is_held;
    if (view->w >= WIDE_COLUMNS && list->cursor != 0) {
        query->parts |= PART_DETAIL | PART_LOG;
        query->workflow = list->cursor;
        query->log_rows = detail_log_rows(view->h);
    }
}

/* ---- the page
 * ----------------------------------------------------------------------------------------
 */

/* Index of the cursor's row; where it would be when it is gone: the same line. */
static size_t find_cursor(const struct workflows *list, const struct frame_list *data)
{
    const struct frame_rows *page = &data->page;
    for (size_t i = 0; i < page->n; i++)
        if (page->rows[i].id == list->cursor)
            return i;
    if (page->n == 0)
        return 0;
    if (list->is_from_end)
        return page->n - 1;
    return (size_t)list->screen_row < page->n ? (size_t)list->screen_row : page->n - 1;
}

/* First row on the screen. Not before the start nor past the end, where these are known.
 */
static int64_t top_of(const struct workflows *list, const struct frame_list *data,
                      size_t at, int h)
{
    int64_t n = (int64_t)data->page.n;
    int64_t top = (int64_t)at - list->screen_row;
    if (top + h > n)
        top = n - h;
    if (top < 0)
        top = 0;
    return table_scroll(top, (int64_t)at, n, h);
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
                       groups[list->group].name) +
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
    size_t at = find_cursor(list, frame->list);
    int64_t top = top_of(list, frame->list, at, canvas->h);
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
                       groups[list->group].name);
        blank_draw(canvas, text, "");
    }
}

static void draw_list(const struct canvas *canvas, const struct workflows *list,
                      const struct frame *frame)
{
    draw_filter_line(canvas, list, frame);
    struct canvas part =
        canvas_sub(canvas, (struct rect){0, HEAD_ROWS, canvas->w, canvas->h - HEAD_ROWS});
    if (!frame->list) {
        blank_draw(&part, "reading the workflows", "");
        return;
    }
    if (frame->list->page.n == 0) {
        draw_empty(&part, list, frame);
        return;
    }
    struct table_layout layout = table_layout(columns, COLUMNS, 2, canvas->w - 3);
    table_draw_heading(canvas, HEAD_ROWS - 1, columns, COLUMNS, &layout, (int)list->sort,
                       list->is_reversed);
    draw_rows(&part, list, frame, &layout);
}

static void workflows_draw(const struct view *view, const struct frame *frame,
                           const struct canvas *all)
{
    const struct workflows *list = (const struct workflows *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
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

/* ---- moving
 * ------------------------------------------------------------------------------------------
 */

static void go_to(struct workflows *list, const struct frame *frame, int64_t to,
                  int screen_row, struct reply *reply)
{
    const struct frame_list *data = frame->list;
    int h = page_height(&list->view, frame);
    int64_t n = (int64_t)data->page.n;
    if (to >= n)
        to = n - 1;
    if (to < 0)
        to = 0;
    list->cursor = data->page.rows[to].id;
    list->screen_row = screen_row < 0 ? 0 : screen_row >= h ? h - 1 : screen_row;
    list->is_from_end = false;
    reply->flags |= REPLY_REDRAW;
    bool is_near_start = data->has_before && to < h;
    bool is_near_end = data->has_after && to >= n - h;
    if (is_near_start || is_near_end || list->view.w >= WIDE_COLUMNS)
        reply->flags |= REPLY_REQUERY;
}

static void go_to_end(struct workflows *list, bool is_end, struct reply *reply)
{
    list->cursor = 0;
    list->is_from_end = is_end;
    list->screen_row = is_end ? page_height(&list->view, NULL) - 1 : 0;
    reply->flags |= REPLY_REQUERY;
}

static bool move(struct workflows *list, const struct frame *frame, enum action action,
                 struct reply *reply)
{
    if (action == ACTION_TOP || action == ACTION_END) {
        go_to_end(list, action == ACTION_END, reply);
        return true;
    }
    int by, h = page_height(&list->view, frame);
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
    default:
        return false;
    }
    if (!frame || !frame->list || frame->list->page.n == 0)
        return true;
    size_t at = find_cursor(list, frame->list);
    int row = (int)((int64_t)at - top_of(list, frame->list, at, h));
    /* A page moves the rows, a step moves the cursor. */
    bool is_page = action == ACTION_PAGE_DOWN || action == ACTION_PAGE_UP;
    go_to(list, frame, (int64_t)at + by, is_page ? row : row + by, reply);
    return true;
}

/* ---- marks
 * -------------------------------------------------------------------------------------------
 */

static void add_mark(struct workflows *list, int64_t id)
{
    if (list->n_marks == MARKS_MAX)
        return;
    list->marks = mem_grow(list->marks, list->n_marks + 1, sizeof *list->marks);
    list->marks[list->n_marks++] = id;
}

static void toggle_mark(struct workflows *list, const struct frame *frame,
                        struct reply *reply)
{
    if (!frame || !frame->list || frame->list->page.n == 0)
        return;
    int64_t id = frame->list->page.rows[find_cursor(list, frame->list)].id;
    size_t i = 0;
    while (i < list->n_marks && list->marks[i] != id)
        i++;
    if (i < list->n_marks)
        list->marks[i] = list->marks[--list->n_marks];
    else
        add_mark(list, id);
    (void)move(list, frame, ACTION_ROW_DOWN, reply);
    reply->flags |= REPLY_REDRAW;
}

/* The rows on the screen, or none when there are marks already. */
static void mark_all(struct workflows *list, const struct frame *frame,
                     struct reply *reply)
{
    reply->flags |= REPLY_REDRAW;
    if (list->n_marks > 0) {
        list->n_marks = 0;
        return;
    }
    if (!frame || !frame->list || frame->list->page.n == 0)
        return;
    int h = page_height(&list->view, frame);
    const struct frame_rows *page = &frame->list->page;
    int64_t top = top_of(list, frame->list, find_cursor(list, frame->list), h);
    for (int64_t i = top; i < top + h && i < (int64_t)page->n; i++)
        add_mark(list, page->rows[i].id);
    reply_say(reply, MESSAGE_INFO, "%zu marked: the rows on the screen", list->n_marks);
}

static size_t workflows_targets(const struct view *view, const struct frame *frame,
                                int64_t *ids, size_t max)
{
    const struct workflows *list = (const struct workflows *)view;
    if (list->n_marks > 0) {
        size_t n = list->n_marks < max ? list->n_marks : max;
        for (size_t i = 0; i < n; i++)
            ids[i] = list->marks[i];
        return n;
    }
    if (!frame || !frame->list || frame->list->page.n == 0 || max == 0)
        return 0;
    ids[0] = frame->list->page.rows[find_cursor(list, frame->list)].id;
    return 1;
}

/* ---- handling
 * ----------------------------------------------------------------------------------------
 */

static void workflows_on_frame(struct view *view, const struct frame *frame,
                               struct reply *reply)
{
    struct workflows *list = (struct workflows *)view;
    if (!frame->list || frame->list->page.n == 0)
        return;
    size_t at = find_cursor(list, frame->list);
    int64_t id = frame->list->page.rows[at].id;
    bool is_new = id != list->cursor;
    list->cursor = id;
    list->screen_row =
        (int)((int64_t)at - top_of(list, frame->list, at, page_height(view, frame)));
    list->is_from_end = false;
    /* The panel beside needs its workflow; the page is there already. */
    if (is_new && view->w >= WIDE_COLUMNS)
        reply->flags |= REPLY_REQUERY;
}

static void restart(struct workflows *list, struct reply *reply)
{
    go_to_end(list, false, reply);
}

static void next_sort(struct workflows *list, struct reply *reply)
{
    list->sort = (enum sort_key)((list->sort + 1) % SORT_COUNT);
    list->is_reversed = false;
    restart(list, reply);
}

static void ask_filter(const struct workflows *list, struct reply *reply)
{
    struct prompt_request request = {
        .label = "filter",
        .initial = list->text,
        .example = "part of title, repository, pipeline or wf-12",
        .token = TOKEN_TEXT,
        .is_live = true,
        .may_be_empty = true,
    };
    reply_ask(reply, &request);
}

static void workflows_on_action(struct view *view, const struct frame *frame,
                                enum action action, struct reply *reply)
{
    struct workflows *list = (struct workflows *)view;
    if (move(list, frame, action, reply))
        return;
    const struct workflow_row *row = NULL;
    if (frame && frame->list && frame->list->page.n > 0)
        row = &frame->list->page.rows[find_cursor(list, frame->list)];
    switch (action) {
    case ACTION_OPEN:
        if (row)
            reply_open(reply, &workflow_class, row->id, NULL);
        break;
    case ACTION_SORT_NEXT:
        next_sort(list, reply);
        break;
    case ACTION_SORT_REVERSE:
        list->is_reversed = !list->is_reversed;
        restart(list, reply);
        break;
    case ACTION_FILTER:
    case ACTION_SEARCH:
        ask_filter(list, reply);
        break;
    case ACTION_FILTER_STATE:
        list->group = (list->group + 1) % ARRAY_LEN(groups);
        restart(list, reply);
        break;
    case ACTION_FILTER_CLEAR:
        list->group = 0;
        list->text[0] = '\0';
        reply->flags |= REPLY_REQUERY;
        break;
    case ACTION_MARK:
        toggle_mark(list, frame, reply);
        break;
    case ACTION_MARK_ALL:
        mark_all(list, frame, reply);
        break;
    case ACTION_FOLLOW:
        list->is_held = !list->is_held;
        reply->flags |= REPLY_REQUERY;
        break;
    case ACTION_CLOSE:
        /* Esc takes back marks, then the filter, before it leaves. */
        if (list->n_marks > 0) {
            list->n_marks = 0;
            reply->flags |= REPLY_REDRAW;
        } else if (list->text[0] != '\0' || list->group != 0) {
            list->text[0] = '\0';
            list->group = 0;
            reply->flags |= REPLY_REQUERY;
        } else {
            reply->flags |= REPLY_UNUSED;
        }
        break;
    default:
        common_action(view, row, action, reply);
        break;
    }
}

static void workflows_on_prompt(struct view *view, const struct frame *frame, int token,
                                const char *text, bool is_final, struct reply *reply)
{
    struct workflows *list = (struct workflows *)view;
    if (token != TOKEN_TEXT) {
        common_on_prompt(view, frame, token, text, is_final, reply);
        return;
    }
    if (!text || strcmp(text, list->text) == 0)
        return;
    (void)text_clean_into(list->text, sizeof list->text, text);
    restart(list, reply);
}

static struct wall workflows_next_change(const struct view *view,
                                         const struct frame *frame)
{
    const struct workflows *list = (const struct workflows *)view;
    struct wall next = {0};
    if (!frame || !frame->list || frame->list->page.n == 0)
        return next;
    int h = page_height(view, frame);
    const struct frame_rows *page = &frame->list->page;
    int64_t top = top_of(list, frame->list, find_cursor(list, frame->list), h);
    for (int64_t i = top; i < top + h && i < (int64_t)page->n; i++)
        next = look_sooner(next, row_next_change(&page->rows[i], view->now));
    if (frame->detail && view->w >= WIDE_COLUMNS && frame->detail->row.id == list->cursor)
        next = look_sooner(next, detail_next_change(frame->detail, view->now));
    return next;
}

const struct view_class workflows_class = {
    .name = "workflows",
    .title = "workflows",
    .help = "Every workflow in a table: sort, filter, mark",
    .context = CONTEXT_WORKFLOWS,
    .hints = {ACTION_OPEN, ACTION_FILTER, ACTION_FILTER_STATE, ACTION_SORT_NEXT,
              ACTION_MARK, ACTION_PAUSE, ACTION_RESUME, ACTION_CANCEL, ACTION_GO_SUBMIT,
              ACTION_PALETTE, ACTION_HELP},
    .is_root = true,
    .open = workflows_open,
    .close = workflows_close,
    .query = workflows_query,
    .on_frame = workflows_on_frame,
    .draw = workflows_draw,
    .on_action = workflows_on_action,
    .on_prompt = workflows_on_prompt,
    .targets = workflows_targets,
    .next_change = workflows_next_change,
};
