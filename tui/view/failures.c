/* SPDX-License-Identifier: MIT */
/*
 * Failures and decisions: two lists that work alike, with the case of the selected row beside
 * them where there is room.
 *
 * Open problems stand above the failures that they explain: a pile of failures with one cause is
 * one thing to look at. The cursor is a case, not a line. A frame holds a window of rows.
 */
#include "engine/base/text.h"
#include "tui/view/failures_impl.h"

#define TOKEN_TEXT 2  /* case_prompt has 1 */
#define EDGE_ROWS  50 /* so near to the window's end, the next one is asked for */

bool cases_is_failures(const struct cases *list)
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
    query->parts = cases_is_failures(list) ? PART_FAILURES : PART_DECISIONS;
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

bool cases_rows(const struct cases *list, const struct frame *frame,
                struct rows *ret_rows)
{
    struct rows rows = {0};
    if (frame && cases_is_failures(list) && frame->failures) {
        rows.failures = frame->failures;
        rows.n_problems = frame->failures->n_problems;
        rows.n = rows.n_problems + frame->failures->n;
    } else if (frame && !cases_is_failures(list) && frame->decisions) {
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

size_t cases_find_cursor(const struct cases *list, const struct rows *rows)
{
    if (list->cursor == 0 || rows->n == 0)
        return 0;
    for (size_t i = 0; i < rows->n; i++)
        if (kind_at(rows, i) == list->kind && id_at(rows, i) == list->cursor)
            return i;
    for (size_t i = 0; i < rows->n; i++)
        if (kind_at(rows, i) == list->kind && id_at(rows, i) < list->cursor)
            return i;
    return list->kind == CASE_PROBLEM ? 0 : rows->n - 1;
}

static bool has_more(const struct rows *rows)
{
    return rows->decisions ? rows->decisions->has_more : rows->failures->has_more;
}

const struct case_file *cases_selected(const struct cases *list,
                                       const struct frame *frame)
{
    const struct frame_case *data = frame ? frame->case_ : NULL;
    bool is_it = data && data->kind == list->kind && data->id == list->cursor;
    return is_it && !data->is_missing ? &data->file : NULL;
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
    if (cases_rows(list, frame, &rows))
        put_cursor(list, &rows, cases_find_cursor(list, &rows), reply);
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
    const struct case_file *whole = cases_selected(list, frame);
    struct rows rows;
    if (whole)
        return whole;
    if (!cases_rows(list, frame, &rows) || rows.n == 0)
        return NULL;
    size_t at = cases_find_cursor(list, &rows);
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
    int h = list->view.h - FAILURES_HEAD;
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
    if (cases_rows(list, frame, &rows))
        go_to(list, &rows, (int64_t)cases_find_cursor(list, &rows) + by, reply);
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
        if (list->text[0] == '\0' && list->has_all != cases_is_failures(list)) {
            reply->flags |= REPLY_UNUSED;
            break;
        }
        list->has_all = !cases_is_failures(list);
        list->text[0] = '\0';
        restart(list, reply);
        break;
    case ACTION_FILTER_CLEAR:
        list->has_all = !cases_is_failures(list);
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

/* Verbs on workflows act on the one that failed. */
static size_t cases_targets(const struct view *view, const struct frame *frame,
                            int64_t *ids, size_t max)
{
    struct case_file file;
    const struct case_file *one = act_on((const struct cases *)view, frame, &file);
    if (!one || max == 0 || case_workflow(one) == 0)
        return 0;
    ids[0] = case_workflow(one);
    return 1;
}

/* ---- settings ---- */

static void get_filter(const struct view *view, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s", ((const struct cases *)view)->text);
}

static bool set_filter(struct view *view, const char *value)
{
    struct cases *list = (struct cases *)view;
    (void)text_clean_into(list->text, sizeof list->text, value);
    list->cursor = list->before = 0;
    return true;
}

static void get_settled(const struct view *view, char *out, size_t cap)
{
    const struct cases *list = (const struct cases *)view;
    bool is_usual = list->has_all != cases_is_failures(list);
    (void)snprintf(out, cap, "%s", is_usual ? "" : list->has_all ? "yes" : "no");
}

static bool set_settled(struct view *view, const char *value)
{
    struct cases *list = (struct cases *)view;
    bool is_yes = strcmp(value, "yes") == 0;
    if (!is_yes && value[0] != '\0' && strcmp(value, "no") != 0)
        return false;
    list->has_all = value[0] == '\0' ? !cases_is_failures(list) : is_yes;
    list->cursor = list->before = 0;
    return true;
}

static const struct view_setting settings[] = {
    {"filter",    "a text that the rows hold", get_filter, set_filter},
    {"settled", "yes or no: also what is settled", get_settled, set_settled},
    {0          },
};

const struct view_class failures_class = {
    .name = "failures",
    .title = "failures",
    .help = "What failed, its class and cause, and what is done about it",
    .context = CONTEXT_FAILURES,
    .hints = {ACTION_OPEN, ACTION_FILTER, ACTION_FILTER_STATE, ACTION_LABEL_CLASS,
              ACTION_RECOVERY_DECIDE, ACTION_GO_STRATEGIES, ACTION_GO_DECISIONS,
              ACTION_HELP},
    .is_root = true,
    .settings = settings,
    .open = failures_open,
    .close = cases_close,
    .query = cases_query,
    .on_frame = cases_on_frame,
    .draw = cases_draw,
    .on_action = cases_on_action,
    .on_prompt = cases_on_prompt,
    .targets = cases_targets,
};

const struct view_class decisions_class = {
    .name = "decisions",
    .title = "decisions",
    .help = "What was decided, by whom, and how it turned out",
    .context = CONTEXT_FAILURES,
    .hints = {ACTION_OPEN, ACTION_FILTER, ACTION_FILTER_STATE, ACTION_GO_FAILURES,
              ACTION_GO_STRATEGIES, ACTION_PALETTE, ACTION_HELP},
    .is_root = true,
    .settings = settings,
    .open = decisions_open,
    .close = cases_close,
    .query = cases_query,
    .on_frame = cases_on_frame,
    .draw = cases_draw,
    .on_action = cases_on_action,
    .on_prompt = cases_on_prompt,
    .targets = cases_targets,
};
