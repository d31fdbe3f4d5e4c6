/* SPDX-License-Identifier: MIT */
/*
 * Workflows: the table of all of them, whatever their number.
 *
 * A frame holds a page of rows around the cursor's workflow (keyset paging, see the
 * store). The cursor is a workflow, not a line: when the order changes it stays on its
 * item and at its line of the screen, and the rows around it move.
 */
#include "engine/base/text.h"
#include "tui/view/workflows_impl.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define MARKS_MAX  VIEW_TARGETS_MAX
#define TOKEN_TEXT 1

/* Groups that the state filter goes through. */
const struct state_group state_groups[N_GROUPS] = {
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

static struct view *workflows_open(int64_t id, const char *arg)
{
    struct workflows *list = mem_alloc(sizeof *list);
    list->cursor = id;
    for (size_t i = 0; i < N_GROUPS; i++)
        if (strcmp(state_groups[i].name, arg) == 0)
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
    int h =
        view->h - LIST_HEAD_ROWS - (frame ? notice_height(frame, view->now, view->h) : 0);
    return h > 1 ? h : 1;
}

static void workflows_query(const struct view *view, struct frame_query *query)
{
    const struct workflows *list = (const struct workflows *)view;
    int h = page_height(view, NULL);
    query->parts = PART_LIST;
    query->states = state_groups[list->group].states;
    query->needs_human = state_groups[list->group].needs_human;
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

size_t workflows_cursor(const struct workflows *list, const struct frame_list *data)
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

int64_t workflows_top(const struct workflows *list, const struct frame_list *data,
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
    size_t at = workflows_cursor(list, frame->list);
    int row = (int)((int64_t)at - workflows_top(list, frame->list, at, h));
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
    int64_t id = frame->list->page.rows[workflows_cursor(list, frame->list)].id;
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
    int64_t top =
        workflows_top(list, frame->list, workflows_cursor(list, frame->list), h);
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
    ids[0] = frame->list->page.rows[workflows_cursor(list, frame->list)].id;
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
    size_t at = workflows_cursor(list, frame->list);
    int64_t id = frame->list->page.rows[at].id;
    bool is_new = id != list->cursor;
    list->cursor = id;
    list->screen_row = (int)((int64_t)at - workflows_top(list, frame->list, at,
                                                         page_height(view, frame)));
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
        row = &frame->list->page.rows[workflows_cursor(list, frame->list)];
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
        list->group = (list->group + 1) % N_GROUPS;
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

/* Marks have done their work when the engine has answered for all of them. */
static void workflows_on_answer(struct view *view, const struct frame *frame,
                                const struct frame_answer *answer, struct reply *reply)
{
    struct workflows *list = (struct workflows *)view;
    (void)frame;
    if (answer->n > 1 && !answer->is_failed && list->n_marks > 0) {
        list->n_marks = 0;
        reply->flags |= REPLY_REDRAW;
    }
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
    int64_t top =
        workflows_top(list, frame->list, workflows_cursor(list, frame->list), h);
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
    .settings = workflows_settings,
    .setting_value = workflows_value,
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
    .on_answer = workflows_on_answer,
    .targets = workflows_targets,
    .next_change = workflows_next_change,
};
