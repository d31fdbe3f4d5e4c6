/* SPDX-License-Identifier: MIT */
/*
 * Audit: who did what, newest first, below a line that says how far the chain was checked.
 *
 * A frame holds a window of rows; the cursor is a row's number, not a line. `audit-row` shows
 * one with its detail and its place in the chain.
 */
#include <inttypes.h>

#include "engine/base/text.h"
#include "tui/view/chosen.h"
#include "tui/view/common.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define HEAD_ROWS 4
#define FACT_ROWS 9
#define EDGE_ROWS 50 /* so near to the window's end, the next one is asked for */

enum column_id {
    COL_MARK,
    COL_N,
    COL_AT,
    COL_WHO,
    COL_ACT,
    COL_ON,
    COL_OUTCOME,
    COL_ROLE,
    COL_FROM,
    COL_TEXT,
    COLUMNS
};

static const struct column columns[COLUMNS] = {
    [COL_MARK] = {"",        1,  1,  0, false, -1},
    [COL_N] = {"N",       6,  9,  0, true,  -1},
    [COL_AT] = {"AT",      11, 20, 0, false, -1},
    [COL_WHO] = {"WHO",     8,  16, 0, false, -1},
    [COL_ACT] = {"ACT",     12, 16, 0, false, -1},
    [COL_ON] = {"ON",      8,  24, 0, false, -1},
    [COL_OUTCOME] = {"OUTCOME", 9,  10, 2, false, -1},
    [COL_ROLE] = {"ROLE",    8,  9,  4, false, -1},
    [COL_FROM] = {"FROM",    7,  8,  3, false, -1},
    [COL_TEXT] = {"WHAT",    14, 90, 1, false, -1},
};

/* What the filter of acts goes through. */
static const char *const acts[] = {"all",        "approve",  "reject", "merge",
                                   "revert",     "recovery", "tune",   "halt",
                                   "audit-read", NULL};

struct audit {
    struct list_view list;
    int64_t cursor; /* number, 0 = the newest */
    int64_t before; /* of the window; 0 = from the newest */
    int scroll;     /* `audit-row`: first line of the detail */
};

static struct view *audit_open(int64_t id, const char *arg)
{
    struct audit *audit = mem_alloc(sizeof *audit);
    audit->cursor = id;
    (void)text_clean_into(audit->list.chosen.text, sizeof audit->list.chosen.text, arg);
    return &audit->list.view;
}

static void audit_close(struct view *view)
{
    free(view);
}

static void audit_query(const struct view *view, struct frame_query *query)
{
    const struct audit *audit = (const struct audit *)view;
    query->parts = PART_AUDIT;
    query->audit_before = audit->before;
    if (audit->list.chosen.group > 0)
        (void)snprintf(query->audit_act, sizeof query->audit_act, "%s",
                       acts[audit->list.chosen.group]);
    chosen_query(view, query);
}

static void row_query(const struct view *view, struct frame_query *query)
{
    query->parts = PART_AUDIT;
    query->audit_row = view->id;
}

/* The cursor's row; when a filter took it, the one that is in its place. */
static size_t find_cursor(const struct audit *audit, const struct frame_audit *data)
{
    if (audit->cursor == 0)
        return 0;
    for (size_t i = 0; i < data->n; i++)
        if (data->rows[i].n <= audit->cursor)
            return i;
    return data->n > 0 ? data->n - 1 : 0;
}

/* ---- drawing -------------------------------------------------------------------------- */

static void outcome_look(const char *outcome, enum glyph *ret_glyph,
                         enum theme_role *ret_role)
{
    static const struct {
        const char *word;
        enum glyph glyph;
        enum theme_role role;
    } looks[] = {
        {"done",      GLYPH_OK,   ROLE_STATUS_OK   },
        {"passed",    GLYPH_OK,   ROLE_STATUS_OK   },
        {"refused",   GLYPH_FAIL, ROLE_STATUS_WARN },
        {"malformed", GLYPH_FAIL, ROLE_STATUS_WARN },
        {"failed",    GLYPH_FAIL, ROLE_STATUS_ERROR},
        {"found",     GLYPH_FAIL, ROLE_STATUS_ERROR},
    };
    *ret_glyph = GLYPH_TODO;
    *ret_role = ROLE_TEXT;
    for (size_t i = 0; i < ARRAY_LEN(looks); i++)
        if (strcmp(looks[i].word, outcome) == 0) {
            *ret_glyph = looks[i].glyph;
            *ret_role = looks[i].role;
        }
}

/* "2026-11-22T14:03:07Z" where there is room, else "11-22 14:03". */
static void draw_time(const struct canvas *canvas, int x, int y, int w, struct wall at)
{
    char text[CLOCK_TEXT_MAX], brief[CLOCK_TEXT_MAX];
    (void)wall_format(at, false, text);
    if (w < 20 && strlen(text) == 20) {
        (void)snprintf(brief, sizeof brief, "%.5s %.5s", text + 5, text + 11);
        canvas_text(canvas, x, y, w, ROLE_TEXT_DIM, brief);
    } else {
        canvas_text(canvas, x, y, w, ROLE_TEXT_DIM, text);
    }
}

static void draw_cell(const struct canvas *canvas, enum column_id id, int x, int y, int w,
                      const struct audit_row *row, const char *text)
{
    enum glyph glyph;
    enum theme_role role;
    outcome_look(row->outcome, &glyph, &role);
    switch (id) {
    case COL_MARK:
        canvas_glyph(canvas, x, y, role, glyph);
        break;
    case COL_N:
        canvas_right_printf(canvas, x, y, w, ROLE_TEXT_DIM, "%" PRId64, row->n);
        break;
    case COL_AT:
        draw_time(canvas, x, y, w, row->at);
        break;
    case COL_WHO:
        look_text(canvas, x, y, w, ROLE_TEXT_STRONG, row->actor);
        break;
    case COL_ACT:
        look_text(canvas, x, y, w, ROLE_TEXT, row->act);
        break;
    case COL_ON:
        look_text(canvas, x, y, w, ROLE_TEXT, row->subject);
        break;
    case COL_OUTCOME:
        look_text(canvas, x, y, w, role, row->outcome);
        break;
    case COL_ROLE:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM, row->role);
        break;
    case COL_FROM:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM, row->origin);
        break;
    case COL_TEXT:
        look_text(canvas, x, y, w, ROLE_TEXT_DIM, text);
        break;
    case COLUMNS:
        break;
    }
}

/* How far the chain was checked, and what was found. */
static void draw_check(const struct canvas *canvas, int y,
                       const struct frame_audit_check *check)
{
    char text[400], at[CLOCK_TEXT_MAX];
    enum theme_role role = ROLE_STATUS_OK;
    enum glyph glyph = GLYPH_OK;
    if (check->fault != AUDIT_WHOLE) {
        role = ROLE_STATUS_ERROR;
        glyph = GLYPH_FAIL;
        (void)snprintf(text, sizeof text, "chain broken: %s", check->text);
    } else if (!wall_is_set(check->at)) {
        role = ROLE_TEXT_DIM;
        glyph = GLYPH_HALF;
        (void)snprintf(text, sizeof text,
                       "chain is being checked: %" PRId64 " of %" PRId64, check->n,
                       check->n_all);
    } else {
        int used = snprintf(text, sizeof text, "chain verified up to %" PRId64 " at %s",
                            check->n, wall_format_time(check->at, true, at));
        (void)snprintf(text + used, sizeof text - (size_t)used,
                       check->has_file ? "; %zu of %zu heads noted outside agree"
                                       : "; no head is noted outside",
                       check->n_agree, check->n_notes);
        role = check->has_file ? role : ROLE_STATUS_WARN;
    }
    canvas_glyph(canvas, 2, y, role, glyph);
    look_text(canvas, 4, y, canvas->w - 5, role, text);
}

static void draw_head(const struct canvas *canvas, const struct audit *audit,
                      const struct frame_audit *data)
{
    char text[300], n[CLOCK_TEXT_MAX];
    int x = 2 + canvas_text(canvas, 2, 0, CANVAS_REST, ROLE_TITLE, "AUDIT") + 2;
    if (data) {
        canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT_DIM, "%s rows",
                      look_count(data->check.n_all, n));
        draw_check(canvas, 1, &data->check);
    }
    const struct chosen *chosen = &audit->list.chosen;
    if (!chosen_is_narrowed(&audit->list.view))
        return;
    (void)snprintf(text, sizeof text, "shown: %s%s%s%s", acts[chosen->group],
                   chosen->text[0] ? ", with \"" : "", chosen->text,
                   chosen->text[0] ? "\"" : "");
    look_text(canvas, 2, 2, canvas->w - 3, ROLE_TEXT_STRONG, text);
}

static void audit_draw(const struct view *view, const struct frame *frame,
                       const struct canvas *all)
{
    const struct audit *audit = (const struct audit *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    const struct frame_audit *data = frame->audit;
    draw_head(&canvas, audit, data);
    struct canvas part =
        canvas_sub(&canvas, (struct rect){0, HEAD_ROWS, canvas.w, canvas.h - HEAD_ROWS});
    if (!data) {
        blank_draw(&part, "reading the audit", "");
        return;
    }
    if (data->n == 0) {
        bool is_filtered = chosen_is_narrowed(view);
        blank_draw(&part,
                   is_filtered ? "No row matches." : "Nobody has done anything yet.",
                   is_filtered ? "F shows all again." : "");
        return;
    }
    struct table_layout layout = chosen_layout(view, 2, canvas.w - 3);
    chosen_heading(view, &canvas, HEAD_ROWS - 1, &layout);
    size_t at = find_cursor(audit, data);
    int64_t top =
        table_scroll((int64_t)at - part.h / 2, (int64_t)at, (int64_t)data->n, part.h);
    for (int y = 0; y < part.h && top + y < (int64_t)data->n; y++) {
        for (enum column_id c = 0; c < COLUMNS; c++)
            if (layout.w[c] > 0)
                draw_cell(&part, c, layout.x[c], y, layout.w[c], &data->rows[top + y],
                          data->texts[top + y]);
        if (top + y == (int64_t)at) {
            canvas_glyph(&part, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(&part, (struct rect){0, y, part.w, 1}, ROLE_CURSOR);
        }
    }
}

static int fact(const struct canvas *canvas, int y, const char *label, const char *text)
{
    canvas_text(canvas, 2, y, 9, ROLE_TEXT_DIM, label);
    look_text(canvas, 11, y, canvas->w - 12, ROLE_TEXT, text);
    return y + 1;
}

static void draw_facts(const struct canvas *canvas, const struct audit_row *row)
{
    char text[400], at[CLOCK_TEXT_MAX], hex[DIGEST_TEXT_MAX];
    enum glyph glyph;
    enum theme_role role;
    int y = 1;
    (void)snprintf(text, sizeof text, "%s %s", row->act, row->subject);
    int x = 2 + look_text(canvas, 2, y, 50, ROLE_TITLE, text) + 3;
    outcome_look(row->outcome, &glyph, &role);
    canvas_glyph(canvas, x, y, role, glyph);
    look_text(canvas, x + 2, y++, canvas->w - x - 3, role, row->outcome);
    (void)snprintf(text, sizeof text, "%s%s%s%s%s", row->actor, row->role[0] ? ", " : "",
                   row->role, row->origin[0] ? ", from " : "", row->origin);
    y = fact(canvas, y, "by", text);
    y = fact(canvas, y, "at", wall_format(row->at, true, at));
    y = fact(canvas, y, "prev", digest_format(row->prev, hex));
    y = fact(canvas, y, "hash", digest_format(row->hash, hex));
}

/* Only what the check has reached is known to be good. */
static void draw_place(const struct canvas *canvas, int y, int64_t n,
                       const struct frame_audit_check *check)
{
    if (check->fault == AUDIT_WHOLE && n > check->n) {
        canvas_text(canvas, 4, y, canvas->w - 5, ROLE_TEXT_DIM,
                    "not checked yet: it comes after what was");
        return;
    }
    draw_check(canvas, y, check);
}

static void row_draw(const struct view *view, const struct frame *frame,
                     const struct canvas *all)
{
    const struct audit *audit = (const struct audit *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= FACT_ROWS || !frame)
        return;
    const struct frame_audit *data = frame->audit;
    if (!data || (data->one.n != view->id && !data->is_missing)) {
        blank_draw(&canvas, "reading the row", "");
        return;
    }
    if (data->is_missing) {
        blank_draw(&canvas, "There is no such row.", "signalbox audit verify says why.");
        return;
    }
    draw_facts(&canvas, &data->one);
    draw_place(&canvas, FACT_ROWS - 3, data->one.n, &data->check);
    int y = FACT_ROWS - 1;
    for (size_t i = (size_t)audit->scroll; i < data->detail->n_lines && y < canvas.h;
         i++, y++) {
        const char *line = data->detail->text + data->detail->starts[i];
        size_t len = data->detail->starts[i + 1] - data->detail->starts[i];
        canvas_textn(&canvas, 2, y, canvas.w - 3, ROLE_TEXT, line, len);
    }
}

/* ---- handling ------------------------------------------------------------------------- */

static void go_to(struct audit *audit, const struct frame_audit *data, int64_t to,
                  struct reply *reply)
{
    int64_t n = (int64_t)data->n;
    if (n == 0)
        return;
    to = to < 0 ? 0 : to >= n ? n - 1 : to;
    audit->cursor = data->rows[to].n;
    reply->flags |= REPLY_REDRAW;
    if (to >= n - EDGE_ROWS && data->has_more) {
        audit->before = data->rows[n > 2 * EDGE_ROWS ? n - 2 * EDGE_ROWS : 0].n;
        reply->flags |= REPLY_REQUERY;
    } else if (to < EDGE_ROWS && audit->before != 0) {
        /* Numbers have no gaps but for the filter: at worst it takes another step. */
        int64_t newer = data->rows[0].n + FRAME_AUDIT / 2;
        bool is_newest = data->n < FRAME_AUDIT / 2 || audit->before >= newer;
        audit->before = is_newest ? 0 : newer;
        reply->flags |= REPLY_REQUERY;
    }
}

static void restart(struct audit *audit, struct reply *reply)
{
    audit->cursor = audit->before = 0;
    reply->flags |= REPLY_REQUERY;
}

static bool move(struct audit *audit, const struct frame *frame, enum action action,
                 struct reply *reply)
{
    int h = audit->list.view.h - HEAD_ROWS;
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
        restart(audit, reply);
        return true;
    case ACTION_END:
        by = FRAME_AUDIT;
        break;
    default:
        return false;
    }
    if (frame && frame->audit && frame->audit->n > 0)
        go_to(audit, frame->audit, (int64_t)find_cursor(audit, frame->audit) + by, reply);
    return true;
}

static void copy_row(const struct audit_row *row, struct reply *reply)
{
    char hex[DIGEST_TEXT_MAX];
    AUTO_FREE char *text =
        mem_printf("%" PRId64 ":%s", row->n, digest_format(row->hash, hex));
    reply_copy(reply, text, strlen(text)); /* as 'audit verify --head' takes it */
}

static void open_subject(const struct audit_row *row, struct reply *reply)
{
    int64_t id = 0;
    if (row && strncmp(row->subject, "wf-", 3) == 0)
        id = strtoll(row->subject + 3, NULL, 10);
    if (id > 0)
        reply_open(reply, &workflow_class, id, NULL);
    else
        reply_say(reply, MESSAGE_INFO, "it is about no workflow");
}

static void audit_on_action(struct view *view, const struct frame *frame,
                            enum action action, struct reply *reply)
{
    struct audit *audit = (struct audit *)view;
    if (move(audit, frame, action, reply) || chosen_action(view, action, reply))
        return;
    const struct frame_audit *data = frame ? frame->audit : NULL;
    const struct audit_row *row =
        data && data->n > 0 ? &data->rows[find_cursor(audit, data)] : NULL;
    switch (action) {
    case ACTION_OPEN:
        if (row)
            reply_open(reply, &audit_row_class, row->n, NULL);
        break;
    case ACTION_SHOW_STEPS:
        open_subject(row, reply);
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

static void audit_on_prompt(struct view *view, const struct frame *frame, int token,
                            const char *text, bool is_final, struct reply *reply)
{
    (void)frame;
    (void)is_final;
    (void)chosen_on_prompt(view, token, text, reply);
}

static void row_on_action(struct view *view, const struct frame *frame,
                          enum action action, struct reply *reply)
{
    struct audit *audit = (struct audit *)view;
    const struct frame_audit *data = frame ? frame->audit : NULL;
    const struct audit_row *row = data && data->one.n != 0 ? &data->one : NULL;
    int h = view->h - FACT_ROWS, by;
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
        by = -audit->scroll;
        break;
    case ACTION_END:
        by = 1000000;
        break;
    case ACTION_SHOW_STEPS:
        open_subject(row, reply);
        return;
    case ACTION_COPY:
        if (row)
            copy_row(row, reply);
        return;
    default:
        reply->flags |= REPLY_UNUSED;
        return;
    }
    int last = data && data->detail ? (int)data->detail->n_lines - h : 0;
    int to = audit->scroll + by;
    audit->scroll = to < 0 || last < 0 ? 0 : to > last ? last : to;
    reply->flags |= REPLY_REDRAW;
}

static void row_crumb(const struct view *view, const struct frame *frame, char *out,
                      size_t cap)
{
    (void)frame;
    (void)snprintf(out, cap, "%" PRId64, view->id);
}

static void from_the_start(struct view *view)
{
    struct audit *audit = (struct audit *)view;
    audit->cursor = audit->before = 0;
}

static const struct choices choices = {
    .filter = "part of who, act, what it is on, or outcome",
    .groups = acts,
    .columns = columns,
    .n_columns = COLUMNS,
    .restart = from_the_start,
};

/* clang-format off */
static const struct view_setting settings[] = {
    CHOSEN_FILTER,
    CHOSEN_STATE("all, approve, reject, merge, revert, recovery, tune, halt or audit-read"),
    CHOSEN_COLUMNS("n at who act on outcome role from what"),
    {0},
};
/* clang-format on */

const struct view_class audit_class = {
    .name = "audit",
    .title = "audit",
    .help = "Who did what, in a chain that is checked",
    .context = CONTEXT_AUDIT,
    .hints = {ACTION_OPEN, ACTION_SHOW_STEPS, ACTION_FILTER, ACTION_FILTER_STATE,
              ACTION_FILTER_CLEAR, ACTION_COPY, ACTION_PALETTE, ACTION_HELP},
    .is_root = true,
    .choices = &choices,
    .settings = settings,
    .setting_value = chosen_value,
    .open = audit_open,
    .close = audit_close,
    .query = audit_query,
    .draw = audit_draw,
    .on_action = audit_on_action,
    .on_prompt = audit_on_prompt,
};

const struct view_class audit_row_class = {
    .name = "audit-row",
    .title = "row",
    .help = "One row of the audit with its detail and its place in the chain",
    .context = CONTEXT_AUDIT,
    .hints = {ACTION_CLOSE, ACTION_SHOW_STEPS, ACTION_COPY, ACTION_PALETTE, ACTION_HELP},
    .open = audit_open,
    .close = audit_close,
    .query = row_query,
    .draw = row_draw,
    .on_action = row_on_action,
    .crumb = row_crumb,
};
