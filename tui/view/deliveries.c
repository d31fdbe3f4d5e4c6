/* SPDX-License-Identifier: MIT */
/*
 * Deliveries: the webhooks that came, newest first, and what was found without one.
 *
 * A frame holds a window of rows; the cursor is a delivery, not a line. `delivery` shows one
 * with the body that was kept.
 */
#include <inttypes.h>

#include "engine/base/text.h"
#include "tui/view/chosen.h"
#include "tui/view/common.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define HEAD_ROWS 3
#define EDGE_ROWS 50 /* so near to the window's end, the next one is asked for */

enum column_id {
    COL_MARK,
    COL_TIME,
    COL_STATUS,
    COL_EVENT,
    COL_WORKFLOW,
    COL_REPO,
    COL_PULL,
    COL_SIZE,
    COL_REPEATS,
    COL_TEXT,
    COLUMNS
};

static const struct column columns[COLUMNS] = {
    [COL_MARK] = {"",       1,  1,  0, false, -1},
    [COL_TIME] = {"TIME",   9,  9,  0, false, -1},
    [COL_STATUS] = {"STATUS", 10, 10, 0, false, -1},
    [COL_EVENT] = {"EVENT",  22, 32, 0, false, -1},
    [COL_WORKFLOW] = {"FOR",    8,  9,  1, false, -1},
    [COL_REPO] = {"REPO",   12, 30, 2, false, -1},
    [COL_PULL] = {"PULL",   5,  6,  4, true,  -1},
    [COL_SIZE] = {"SIZE",   8,  8,  6, true,  -1},
    [COL_REPEATS] = {"AGAIN",  5,  5,  5, true,  -1},
    [COL_TEXT] = {"WHAT",   20, 60, 3, false, -1},
};

static const struct {
    enum glyph glyph;
    enum theme_role role;
} looks[DELIVERY_STATUS_COUNT] = {
    [DELIVERY_ACCEPTED] = {GLYPH_OK,   ROLE_STATUS_OK   },
    [DELIVERY_IGNORED] = {GLYPH_TODO, ROLE_STATUS_OFF  },
    [DELIVERY_DUPLICATE] = {GLYPH_TODO, ROLE_STATUS_OFF  },
    [DELIVERY_REJECTED] = {GLYPH_FAIL, ROLE_STATUS_ERROR},
    [DELIVERY_RECONCILED] = {GLYPH_HALF, ROLE_STATUS_WARN },
};

/* What the status filter goes through: all, then those that are rows. */
static const char *const groups[] = {"all", "accepted", "reconciled", "ignored", NULL};
static const unsigned group_statuses[] = {
    0, 1u << DELIVERY_ACCEPTED, 1u << DELIVERY_RECONCILED, 1u << DELIVERY_IGNORED};

struct deliveries {
    struct list_view base;
    int64_t cursor; /* number, 0 = the newest */
    int64_t before; /* of the window; 0 = from the newest */
    int scroll;     /* `delivery`: first line of the body */
};

static struct view *deliveries_open(int64_t id, const char *arg)
{
    struct deliveries *list = mem_alloc(sizeof *list);
    list->cursor = id;
    (void)text_clean_into(list->base.chosen.text, sizeof list->base.chosen.text, arg);
    return &list->base.view;
}

static void deliveries_close(struct view *view)
{
    free(view);
}

static void deliveries_query(const struct view *view, struct frame_query *query)
{
    const struct deliveries *list = (const struct deliveries *)view;
    query->parts = PART_DELIVERIES;
    query->delivery_statuses = group_statuses[list->base.chosen.group];
    query->delivery_before = list->before;
    chosen_query(view, query);
}

static void delivery_query(const struct view *view, struct frame_query *query)
{
    query->parts = PART_DELIVERIES;
    query->delivery = view->id;
}

/* The cursor's row; when it is gone (filtered, pruned), the one that took its place. */
static size_t find_cursor(const struct deliveries *list,
                          const struct frame_deliveries *data)
{
    if (list->cursor == 0)
        return 0;
    for (size_t i = 0; i < data->n; i++)
        if (data->rows[i].seq <= list->cursor)
            return i;
    return data->n > 0 ? data->n - 1 : 0;
}

/* ---- drawing -------------------------------------------------------------------------- */

static void draw_cell(const struct canvas *canvas, enum column_id id, int x, int y, int w,
                      const struct delivery_row *row)
{
    char text[LOOK_TEXT_MAX];
    switch (id) {
    case COL_MARK:
        canvas_glyph(canvas, x, y, looks[row->status].role, looks[row->status].glyph);
        break;
    case COL_TIME:
        canvas_text(canvas, x, y, w, ROLE_TEXT_DIM,
                    wall_format_time(row->at, true, text));
        break;
    case COL_STATUS:
        canvas_text(canvas, x, y, w, looks[row->status].role,
                    delivery_status_word(row->status));
        break;
    case COL_EVENT:
        (void)snprintf(text, sizeof text, "%s%s%s", row->event, row->action[0] ? " " : "",
                       row->action);
        look_text(canvas, x, y, w, ROLE_TEXT, text);
        break;
    case COL_WORKFLOW:
        if (row->workflow != 0)
            canvas_printf(canvas, x, y, w, ROLE_TEXT, "wf-%" PRId64, row->workflow);
        break;
    case COL_REPO:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM, row->repository);
        break;
    case COL_PULL:
        if (row->pull != 0)
            canvas_right_printf(canvas, x, y, w, ROLE_TEXT, "#%" PRId64, row->pull);
        break;
    case COL_SIZE:
        if (row->body_len > 0)
            canvas_right(canvas, x, y, w, ROLE_TEXT_DIM,
                         look_bytes((int64_t)row->body_len, text));
        break;
    case COL_REPEATS:
        if (row->repeats > 0)
            canvas_right_printf(canvas, x, y, w, ROLE_TEXT, "%d", row->repeats);
        break;
    case COL_TEXT:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM, row->text);
        break;
    case COLUMNS:
        break;
    }
}

static void draw_head(const struct canvas *canvas, const struct deliveries *list,
                      const struct frame *frame)
{
    char text[300], n[CLOCK_TEXT_MAX];
    int x = 2 + canvas_text(canvas, 2, 0, CANVAS_REST, ROLE_TITLE, "DELIVERIES") + 2;
    for (int s = 0; frame->has_totals && s < DELIVERY_STATUS_COUNT; s++) {
        int64_t count = frame->totals.by_delivery[s];
        if (count > 0)
            x += canvas_printf(canvas, x, 0, CANVAS_REST,
                               s == DELIVERY_REJECTED ? ROLE_STATUS_ERROR : ROLE_TEXT_DIM,
                               "%s %s", look_count(count, n),
                               delivery_status_word((enum delivery_status)s)) +
                 3;
    }
    const struct chosen *chosen = &list->base.chosen;
    if (!chosen_is_narrowed(&list->base.view))
        return;
    (void)snprintf(text, sizeof text, "shown: %s%s%s%s", groups[chosen->group],
                   chosen->text[0] ? ", with \"" : "", chosen->text,
                   chosen->text[0] ? "\"" : "");
    look_text(canvas, 2, 1, canvas->w - 3, ROLE_TEXT_STRONG, text);
}

static void draw_empty(const struct canvas *canvas, const struct deliveries *list)
{
    if (chosen_is_narrowed(&list->base.view))
        blank_draw(canvas, "No delivery matches.", "F shows all again.");
    else
        blank_draw(
            canvas, "No webhook has come.",
            "listener: in signalbox.yaml lets them in; without it polling does the job.");
}

static void deliveries_draw(const struct view *view, const struct frame *frame,
                            const struct canvas *all)
{
    const struct deliveries *list = (const struct deliveries *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    const struct frame_deliveries *data = frame->deliveries;
    draw_head(&canvas, list, frame);
    struct canvas part =
        canvas_sub(&canvas, (struct rect){0, HEAD_ROWS, canvas.w, canvas.h - HEAD_ROWS});
    if (!data) {
        blank_draw(&part, "reading the deliveries", "");
        return;
    }
    if (data->n == 0) {
        draw_empty(&part, list);
        return;
    }
    struct table_layout layout = chosen_layout(view, 2, canvas.w - 3);
    chosen_heading(view, &canvas, HEAD_ROWS - 1, &layout);
    size_t at = find_cursor(list, data);
    int64_t top =
        table_scroll((int64_t)at - part.h / 2, (int64_t)at, (int64_t)data->n, part.h);
    for (int y = 0; y < part.h && top + y < (int64_t)data->n; y++) {
        for (enum column_id c = 0; c < COLUMNS; c++)
            if (layout.w[c] > 0)
                draw_cell(&part, c, layout.x[c], y, layout.w[c], &data->rows[top + y]);
        if (top + y == (int64_t)at) {
            canvas_glyph(&part, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(&part, (struct rect){0, y, part.w, 1}, ROLE_CURSOR);
        }
    }
}

static int draw_facts(const struct canvas *canvas, const struct delivery_row *row)
{
    char text[300], at[CLOCK_TEXT_MAX], size[CLOCK_TEXT_MAX];
    int y = 0;
    (void)snprintf(text, sizeof text, "%s%s%s", row->event, row->action[0] ? " " : "",
                   row->action);
    int x = 2 + look_text(canvas, 2, y, 40, ROLE_TITLE, text) + 3;
    canvas_glyph(canvas, x, y, looks[row->status].role, looks[row->status].glyph);
    canvas_text(canvas, x + 2, y++, CANVAS_REST, looks[row->status].role,
                delivery_status_word(row->status));
    (void)snprintf(text, sizeof text, "%s   %s   %s", wall_format(row->at, false, at),
                   row->guid[0] ? row->guid : "no delivery",
                   row->body_len > 0 ? look_bytes((int64_t)row->body_len, size) : "");
    look_text(canvas, 2, y++, canvas->w - 3, ROLE_TEXT_DIM, text);
    char sha[12 + 1];
    (void)text_clean_into(text, sizeof text, row->repository);
    if (row->pull != 0)
        text_add(text, sizeof text, " #%" PRId64, row->pull);
    if (row->sha[0])
        text_add(text, sizeof text, "   %s", text_clean_into(sha, sizeof sha, row->sha));
    if (row->workflow != 0)
        text_add(text, sizeof text, "   for wf-%" PRId64, row->workflow);
    look_text(canvas, 2, y++, canvas->w - 3, ROLE_TEXT, text);
    if (row->text[0])
        look_text(canvas, 2, y++, canvas->w - 3, ROLE_TEXT, row->text);
    return y + 1;
}

static void delivery_draw(const struct view *view, const struct frame *frame,
                          const struct canvas *all)
{
    const struct deliveries *one = (const struct deliveries *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h < 6 || !frame)
        return;
    const struct frame_deliveries *data = frame->deliveries;
    if (!data || (data->one.seq != view->id && !data->is_missing)) {
        blank_draw(&canvas, "reading the delivery", "");
        return;
    }
    if (data->is_missing) {
        blank_draw(&canvas, "This delivery is not kept any more.", "");
        return;
    }
    int y = draw_facts(&canvas, &data->one);
    if (!data->body) {
        canvas_text(&canvas, 2, y, canvas.w - 3, ROLE_TEXT_DIM,
                    data->one.body_len > 0 ? "what it brought is not kept any more"
                                           : "it brought nothing");
        return;
    }
    for (size_t i = (size_t)one->scroll; i < data->body->n_lines && y < canvas.h;
         i++, y++) {
        const char *line = data->body->text + data->body->starts[i];
        size_t len = data->body->starts[i + 1] - data->body->starts[i];
        canvas_textn(&canvas, 2, y, canvas.w - 3, ROLE_TEXT, line, len);
    }
}

/* ---- handling ------------------------------------------------------------------------- */

static void go_to(struct deliveries *list, const struct frame_deliveries *data,
                  int64_t to, struct reply *reply)
{
    int64_t n = (int64_t)data->n;
    if (n == 0)
        return;
    to = to < 0 ? 0 : to >= n ? n - 1 : to;
    list->cursor = data->rows[to].seq;
    reply->flags |= REPLY_REDRAW;
    if (to >= n - EDGE_ROWS && data->has_more) {
        list->before = data->rows[n > 2 * EDGE_ROWS ? n - 2 * EDGE_ROWS : 0].seq;
        reply->flags |= REPLY_REQUERY;
    } else if (to < EDGE_ROWS && list->before != 0) {
        /* Numbers have no gaps but for the filter: at worst it takes another step. */
        int64_t newer = data->rows[0].seq + FRAME_DELIVERIES / 2;
        bool is_newest = data->n < FRAME_DELIVERIES / 2 || list->before >= newer;
        list->before = is_newest ? 0 : newer;
        reply->flags |= REPLY_REQUERY;
    }
}

static void restart(struct deliveries *list, struct reply *reply)
{
    list->cursor = list->before = 0;
    reply->flags |= REPLY_REQUERY;
}

static bool move(struct deliveries *list, const struct frame *frame, enum action action,
                 struct reply *reply)
{
    int h = list->base.view.h - HEAD_ROWS;
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
        by = FRAME_DELIVERIES;
        break;
    default:
        return false;
    }
    if (frame && frame->deliveries && frame->deliveries->n > 0)
        go_to(list, frame->deliveries, (int64_t)find_cursor(list, frame->deliveries) + by,
              reply);
    return true;
}

static const struct delivery_row *selected(const struct deliveries *list,
                                           const struct frame *frame)
{
    if (!frame || !frame->deliveries || frame->deliveries->n == 0)
        return NULL;
    return &frame->deliveries->rows[find_cursor(list, frame->deliveries)];
}

static void copy_row(const struct delivery_row *row, struct reply *reply)
{
    AUTO_FREE char *text =
        mem_printf("%s  %s %s  %s", row->guid, row->event, row->action, row->repository);
    reply_copy(reply, text, strlen(text));
}

static void deliveries_on_action(struct view *view, const struct frame *frame,
                                 enum action action, struct reply *reply)
{
    struct deliveries *list = (struct deliveries *)view;
    if (move(list, frame, action, reply) || chosen_action(view, action, reply))
        return;
    const struct delivery_row *row = selected(list, frame);
    switch (action) {
    case ACTION_OPEN:
        if (row)
            reply_open(reply, &delivery_class, row->seq, NULL);
        break;
    case ACTION_SHOW_STEPS:
        if (row && row->workflow != 0)
            reply_open(reply, &workflow_class, row->workflow, NULL);
        else
            reply_say(reply, MESSAGE_INFO, "no workflow waits for it");
        break;
    case ACTION_COPY:
        if (row)
            copy_row(row, reply);
        break;
    default:
        reply->flags |= REPLY_UNUSED;
        break;
    }
}

static void deliveries_on_prompt(struct view *view, const struct frame *frame, int token,
                                 const char *text, bool is_final, struct reply *reply)
{
    (void)frame;
    (void)is_final;
    (void)chosen_on_prompt(view, token, text, reply);
}

static void delivery_on_action(struct view *view, const struct frame *frame,
                               enum action action, struct reply *reply)
{
    struct deliveries *one = (struct deliveries *)view;
    const struct frame_text *body =
        frame && frame->deliveries ? frame->deliveries->body : NULL;
    int h = view->h - 6, by;
    switch (action) {
    case ACTION_ROW_DOWN:
        by = 1;
        break;
    case ACTION_ROW_UP:
        by = -1;
        break;
    case ACTION_PAGE_DOWN:
        by = h;
        break;
    case ACTION_PAGE_UP:
        by = -h;
        break;
    case ACTION_TOP:
        by = -one->scroll;
        break;
    case ACTION_END:
        by = 1000000;
        break;
    case ACTION_COPY:
        if (frame && frame->deliveries && frame->deliveries->one.seq != 0)
            copy_row(&frame->deliveries->one, reply);
        return;
    default:
        reply->flags |= REPLY_UNUSED;
        return;
    }
    int last = body ? (int)body->n_lines - h : 0;
    int to = one->scroll + by;
    one->scroll = to < 0 || last < 0 ? 0 : to > last ? last : to;
    reply->flags |= REPLY_REDRAW;
}

static void delivery_crumb(const struct view *view, const struct frame *frame, char *out,
                           size_t cap)
{
    (void)frame;
    (void)snprintf(out, cap, "%" PRId64, view->id);
}

static void from_the_start(struct view *view)
{
    struct deliveries *list = (struct deliveries *)view;
    list->cursor = list->before = 0;
}

static const struct choices choices = {
    .filter = "part of event, action, repository, sha or id",
    .groups = groups,
    .columns = columns,
    .n_columns = COLUMNS,
    .restart = from_the_start,
};

/* clang-format off */
static const struct view_setting settings[] = {
    CHOSEN_FILTER,
    CHOSEN_STATE("all, accepted, reconciled or ignored"),
    CHOSEN_COLUMNS("time status event for repo pull size again what"),
    {0},
};
/* clang-format on */

const struct view_class deliveries_class = {
    .name = "deliveries",
    .title = "deliveries",
    .help = "Webhooks that came, and what polling found without one",
    .context = CONTEXT_DELIVERIES,
    .hints = {ACTION_OPEN, ACTION_SHOW_STEPS, ACTION_FILTER, ACTION_FILTER_STATE,
              ACTION_FILTER_CLEAR, ACTION_GO_SERVICES, ACTION_PALETTE, ACTION_HELP},
    .choices = &choices,
    .settings = settings,
    .setting_value = chosen_value,
    .is_root = true,
    .open = deliveries_open,
    .close = deliveries_close,
    .query = deliveries_query,
    .draw = deliveries_draw,
    .on_action = deliveries_on_action,
    .on_prompt = deliveries_on_prompt,
};

const struct view_class delivery_class = {
    .name = "delivery",
    .title = "delivery",
    .help = "One delivery with what it brought",
    .context = CONTEXT_DELIVERIES,
    .hints = {ACTION_CLOSE, ACTION_COPY, ACTION_PALETTE, ACTION_HELP},
    .open = deliveries_open,
    .close = deliveries_close,
    .query = delivery_query,
    .draw = delivery_draw,
    .on_action = delivery_on_action,
    .crumb = delivery_crumb,
};
