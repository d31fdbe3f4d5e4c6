/* SPDX-License-Identifier: MIT */
/*
 * Log of one step, whatever its size: the frame holds a window of lines around what is
 * shown, and the next window is asked for before its edge is reached. A failed step opens
 * at its first failing line, a running one follows its tail. Scrolling up stops
 * following; what is new is counted.
 */
#include "engine/base/text.h"
#include "tui/view/common.h"
#include "tui/view/log_impl.h"
#include "tui/widget/look.h"

#define TOKEN_FIND   1
#define TOKEN_FILTER 2
#define AROUND       3 /* lines around each that a filter leaves, at first */

static struct view *log_open(int64_t id, const char *arg)
{
    (void)id;
    struct log_view *self = mem_alloc(sizeof *self);
    pager_init(&self->pager);
    self->effect = strtoll(arg, NULL, 10);
    self->around = AROUND;
    return &self->view;
}

static void log_close(struct view *view)
{
    free(view);
}

static bool wants_rows(const struct log_view *self)
{
    return self->is_compare || self->filter[0] != '\0';
}

static void log_query(const struct view *view, struct frame_query *query)
{
    const struct log_view *self = (const struct log_view *)view;
    int h = log_height(view, NULL);
    query->parts = PART_DETAIL | PART_LOG;
    query->workflow = view->id;
    query->log_effect = self->effect;
    query->log_rows = 3 * h;
    query->log_place = !self->is_placed     ? LOG_AUTO
                       : self->is_following ? LOG_TAIL
                       : self->anchor > 0   ? LOG_NEAR
                                            : LOG_LINE;
    query->log_first = self->pager.top + 1 - h;
    if (query->log_first < 1)
        query->log_first = 1;
    if (query->log_place != LOG_LINE)
        query->log_first = query->log_place == LOG_NEAR ? self->anchor : 0;
    (void)snprintf(query->log_find, sizeof query->log_find, "%s",
                   self->pager.find[0] != '\0' ? self->pager.find : self->filter);
    query->log_target = self->target;
    query->log_find_from = self->find_from;
    query->log_find_back = self->is_find_back;
    query->log_find_serial = self->find_serial;
    (void)snprintf(query->log_filter, sizeof query->log_filter, "%s", self->filter);
    query->log_compare = self->is_compare;
    query->log_around = self->around;
    query->log_rows_serial = self->rows_serial;
}

/* ---- handling
 * ----------------------------------------------------------------------------------------
 */

static int64_t first_number(const struct frame_log *log)
{
    return log->n_lines > 0 ? log->lines[0].number : 1;
}

static bool has_failed(enum effect_status status)
{
    return look_status_glyph(status) == GLYPH_FAIL;
}

/* Where the log opens: see the top of this file. */
static void place(struct log_view *self, const struct frame_log *log, int h)
{
    self->is_placed = !log->is_indexing || log->info.first_failure > 0;
    if (has_failed(log->status) && log->info.first_failure > 0) {
        pager_show(&self->pager, log->info.first_failure - 1, log->info.n_lines, h);
        self->pager.top = log->info.first_failure - 1 - h / 3;
        pager_clamp(&self->pager, log->info.n_lines, h);
    } else {
        self->is_following = log->status == STATUS_PENDING;
        self->pager.top = log->info.n_lines - h;
        pager_clamp(&self->pager, log->info.n_lines, h);
    }
    self->n_seen = log->info.n_lines;
}

/* Does the window hold what is shown, with something to spare where there is more? */
static bool window_serves(const struct log_view *self, const struct frame_log *log, int h)
{
    int64_t n = log_total(log);
    if (log->has_rows ? log->n_rows == 0 : log->n_lines == 0)
        return n == 0 || log->has_rows;
    int64_t first = log->has_rows ? log->row_first + 1 : first_number(log);
    int64_t last = log->has_rows ? log->row_first + (int64_t)log->n_rows
                                 : log->lines[log->n_lines - 1].number;
    int64_t from = self->pager.top + 1, to = self->pager.top + h;
    if (to > n)
        to = n;
    return first <= from && last >= to && (first == 1 || first <= from - h / 2) &&
           (last == n || last >= to + h / 2);
}

static void measure(struct log_view *self, const struct frame *frame,
                    const struct frame_log *log)
{
    self->pager.number_max = log->info.n_lines;
    pager_measure(&self->pager, self->view.w - 1, log_height(&self->view, frame),
                  log_total(log), log_text_line, log);
}

static void show_found(struct log_view *self, const struct frame_log *log, int h,
                       struct reply *reply)
{
    if (self->find_serial == 0 || log->find_serial != self->find_serial ||
        self->found_serial == self->find_serial)
        return;
    self->found_serial = self->find_serial;
    self->found_index = log->found_index;
    if (log->found == 0) {
        if (self->target == LOG_FIND_FAILURE)
            reply_say(reply, MESSAGE_INFO, "no line looks like a failure");
        else if (self->target == LOG_FIND_CHANGE)
            reply_say(reply, MESSAGE_INFO, "nothing is new and nothing is gone");
        else
            reply_say(reply, MESSAGE_INFO, "nothing contains \"%s\"",
                      self->pager.find[0] != '\0' ? self->pager.find : self->filter);
        return;
    }
    self->is_following = false;
    self->is_hidden = self->target == LOG_FIND_TEXT;
    self->anchor = 0;
    pager_show(&self->pager, log->found - 1, log_total(log), h);
    reply->flags |= REPLY_REDRAW;
}

/* The line that is marked, else the first on the screen. */
static int64_t line_shown(const struct log_view *self, const struct frame_log *log)
{
    int64_t from = self->pager.mark >= 0 ? self->pager.mark : self->pager.top;
    if (!log || !log->has_rows)
        return from + 1;
    for (int64_t i = from; i < log->row_first + (int64_t)log->n_rows; i++)
        if (i >= log->row_first && log->rows[i - log->row_first].kind == LOG_ROW_LINE)
            return log->rows[i - log->row_first].line.number;
    return self->line;
}

/* Rows of another kind, or lines again: what was shown stays in sight. */
static void ask_rows(struct log_view *self, const struct frame *frame,
                     struct reply *reply)
{
    const struct frame_log *log = log_of(&self->view, frame);
    bool has_rows = log && log->has_rows;
    self->line = line_shown(self, log);
    self->rows_serial++;
    self->found_index = 0;
    self->anchor = 0;
    self->pager.mark = -1;
    self->pager.inner = 0;
    (void)snprintf(self->pager.also, sizeof self->pager.also, "%s", self->filter);
    if (wants_rows(self)) {
        self->anchor = self->line;
        self->pager.is_at_end = false;
    } else if (has_rows && !self->is_following) {
        self->pager.top = self->line - 1 - log_height(&self->view, frame) / 3;
        self->pager.top = self->pager.top < 0 ? 0 : self->pager.top;
        self->pager.mark = self->line - 1;
    }
    reply->flags |= REPLY_REQUERY;
}

static void place_near(struct log_view *self, const struct frame_log *log, int h,
                       struct reply *reply)
{
    if (self->anchor == 0 || self->is_following || !log->has_rows)
        return;
    self->pager.top = log->row_near - h / 3;
    if (!log->is_near)
        return;
    self->anchor = 0;
    reply->flags |= REPLY_REQUERY;
}

static void log_on_frame(struct view *view, const struct frame *frame,
                         struct reply *reply)
{
    struct log_view *self = (struct log_view *)view;
    const struct frame_log *log = log_of(view, frame);
    if (!log || log->is_missing || log->rows_serial != self->rows_serial)
        return;
    int h = log_height(view, frame);
    if (!self->is_placed) {
        place(self, log, h);
        if (self->is_placed)
            reply->flags |= REPLY_REQUERY;
    }
    if (self->effect == 0)
        self->effect = log->effect; /* stay with it when the next step begins */
    if (self->is_compare && log->green_why[0] != '\0') {
        self->is_compare = false;
        ask_rows(self, frame, reply);
        reply_say(reply, MESSAGE_INFO, "%s", log->green_why);
        return;
    }
    place_near(self, log, h, reply);
    measure(self, frame, log);
    show_found(self, log, h, reply);
    if (self->is_following) {
        self->pager.top = log_total(log) - h;
        self->pager.is_at_end = true;
        self->n_seen = log->info.n_lines;
    }
    pager_clamp(&self->pager, log_total(log), h);
    if (self->is_hidden &&
        pager_reveal(&self->pager, view->w - 1, h, log_total(log), log_text_line, log))
        self->is_hidden = false;
    if (!self->is_following && !window_serves(self, log, h))
        reply->flags |= REPLY_REQUERY;
}

static void start_find(struct log_view *self, int direction, enum log_target target,
                       bool is_next, struct reply *reply)
{
    bool has_text = self->pager.find[0] != '\0' || self->filter[0] != '\0';
    if (target == LOG_FIND_TEXT && !has_text) {
        if (!self->is_compare)
            return;
        target = LOG_FIND_CHANGE;
    }
    int64_t from = self->pager.mark >= 0 ? self->pager.mark + 1 : self->pager.top + 1;
    self->find_from = is_next && self->pager.mark >= 0 ? from + direction : from;
    self->is_find_back = direction < 0;
    self->target = target;
    self->find_serial++;
    reply->flags |= REPLY_REQUERY;
}

static void scroll(struct log_view *self, const struct frame *frame, enum action action,
                   struct reply *reply)
{
    const struct frame_log *log = log_of(&self->view, frame);
    int h = log_height(&self->view, frame);
    int64_t n = log ? log_total(log) : 0;
    if (log)
        measure(self, frame, log);
    (void)pager_action(&self->pager, action, n, h);
    reply->flags |= REPLY_REDRAW;
    if (log && action == ACTION_WRAP) {
        measure(self, frame, log);
        pager_clamp(&self->pager, n, h);
    }
    if (!log || action == ACTION_LEFT || action == ACTION_RIGHT || action == ACTION_WRAP)
        return;
    self->is_placed = true;
    bool was_following = self->is_following;
    bool is_up =
        action == ACTION_ROW_UP || action == ACTION_PAGE_UP || action == ACTION_TOP;
    int64_t end = self->pager.is_wrapped && self->pager.measure.tail > 0
                      ? n - self->pager.measure.tail
                      : n - h;
    self->anchor = 0;
    self->is_following =
        log->status == STATUS_PENDING && self->pager.top >= end && !is_up;
    if (was_following && !self->is_following)
        self->n_seen = log->info.n_lines;
    if (was_following != self->is_following || !window_serves(self, log, h))
        reply->flags |= REPLY_REQUERY;
}

static void toggle_follow(struct log_view *self, const struct frame *frame,
                          struct reply *reply)
{
    const struct frame_log *log = log_of(&self->view, frame);
    self->is_following = !self->is_following;
    self->anchor = 0;
    if (log)
        self->n_seen = log->info.n_lines;
    if (self->is_following && log)
        self->pager.top = log_total(log) - log_height(&self->view, frame);
    self->pager.is_at_end = self->is_following;
    if (self->pager.top < 0)
        self->pager.top = 0;
    reply->flags |= REPLY_REQUERY;
}

static void toggle_compare(struct log_view *self, const struct frame *frame,
                           struct reply *reply)
{
    self->is_compare = !self->is_compare;
    self->filter[0] = '\0';
    self->is_following = false;
    ask_rows(self, frame, reply);
    if (!self->is_compare)
        return;
    self->anchor = 0;
    self->pager.top = 0;
    start_find(self, 1, LOG_FIND_CHANGE, false, reply);
}

static void change_around(struct log_view *self, const struct frame *frame, int by,
                          struct reply *reply)
{
    int around = self->around + by;
    if (!wants_rows(self)) {
        reply_say(reply, MESSAGE_INFO, "nothing is left out: & filters, | compares");
        return;
    }
    if (around < 0 || around > LOG_AROUND_MAX)
        return;
    self->around = around;
    ask_rows(self, frame, reply);
}

static void clear_filter(struct log_view *self, const struct frame *frame,
                         struct reply *reply)
{
    if (!wants_rows(self))
        return;
    self->is_compare = false;
    self->filter[0] = '\0';
    ask_rows(self, frame, reply);
}

static void ask_text(const struct log_view *self, enum action action, struct reply *reply)
{
    struct prompt_request search = {.label = "search",
                                    .initial = self->pager.find,
                                    .example = "text",
                                    .token = TOKEN_FIND,
                                    .may_be_empty = true};
    struct prompt_request filter = {.label = "only lines with",
                                    .initial = self->filter[0] != '\0' ? self->filter
                                                                       : self->pager.find,
                                    .example = "text; nothing shows all lines again",
                                    .token = TOKEN_FILTER,
                                    .may_be_empty = true};
    reply_ask(reply, action == ACTION_FILTER ? &filter : &search);
}

/* The marked line, else what is on the screen. */
static void copy_lines(const struct log_view *self, const struct frame *frame,
                       struct reply *reply)
{
    const struct frame_log *log = log_of(&self->view, frame);
    if (!log)
        return;
    AUTO_BUF struct buf text = {0};
    buf_init(&text, (size_t)4 * PAGER_LINE_MAX);
    int h = log_height(&self->view, frame);
    int64_t from = self->pager.mark >= 0 ? self->pager.mark : self->pager.top;
    int64_t to = self->pager.mark >= 0 ? from + 1 : from + h;
    AUTO_FREE char *scratch = mem_alloc(PAGER_LINE_MAX);
    for (int64_t i = from; i < to; i++) {
        struct pager_line line;
        if (!log_text_line(log, i, &line, scratch))
            continue;
        if (text.len > 0)
            (void)buf_char(&text, '\n');
        text_clean(&text, line.text, line.len, TEXT_KEEP_NEWLINES);
    }
    if (text.len > 0)
        reply_copy(reply, text.data, text.len);
}

static bool rows_action(struct log_view *self, const struct frame *frame,
                        enum action action, struct reply *reply)
{
    switch (action) {
    case ACTION_COMPARE:
        toggle_compare(self, frame, reply);
        return true;
    case ACTION_AROUND_MORE:
        change_around(self, frame, 1, reply);
        return true;
    case ACTION_AROUND_LESS:
        change_around(self, frame, -1, reply);
        return true;
    case ACTION_FILTER_CLEAR:
        clear_filter(self, frame, reply);
        return true;
    case ACTION_COPY:
        copy_lines(self, frame, reply);
        return true;
    default:
        return false;
    }
}

static void log_on_action(struct view *view, const struct frame *frame,
                          enum action action, struct reply *reply)
{
    struct log_view *self = (struct log_view *)view;
    const struct frame_detail *detail =
        frame && frame->detail && !frame->detail->is_missing ? frame->detail : NULL;
    switch (action) {
    case ACTION_ROW_DOWN:
    case ACTION_ROW_UP:
    case ACTION_PAGE_DOWN:
    case ACTION_PAGE_UP:
    case ACTION_TOP:
    case ACTION_END:
    case ACTION_LEFT:
    case ACTION_RIGHT:
    case ACTION_WRAP:
        scroll(self, frame, action, reply);
        break;
    case ACTION_FOLLOW:
        toggle_follow(self, frame, reply);
        break;
    case ACTION_SEARCH:
    case ACTION_FILTER:
        ask_text(self, action, reply);
        break;
    case ACTION_SEARCH_NEXT:
        start_find(self, 1, LOG_FIND_TEXT, true, reply);
        break;
    case ACTION_SEARCH_PREVIOUS:
        start_find(self, -1, LOG_FIND_TEXT, true, reply);
        break;
    case ACTION_NEXT_ERROR:
        start_find(self, 1, LOG_FIND_FAILURE, true, reply);
        break;
    default:
        if (!rows_action(self, frame, action, reply))
            common_action(view, detail ? &detail->row : NULL, action, reply);
        break;
    }
}

static void log_on_prompt(struct view *view, const struct frame *frame, int token,
                          const char *text, bool is_final, struct reply *reply)
{
    struct log_view *self = (struct log_view *)view;
    if (token != TOKEN_FIND && token != TOKEN_FILTER) {
        common_on_prompt(view, frame, token, text, is_final, reply);
        return;
    }
    if (!text)
        return;
    reply->flags |= REPLY_REDRAW;
    self->found_index = 0;
    if (token == TOKEN_FILTER) {
        (void)text_clean_into(self->filter, sizeof self->filter, text);
        self->is_compare = false;
        ask_rows(self, frame, reply);
        return;
    }
    (void)text_clean_into(self->pager.find, sizeof self->pager.find, text);
    if (self->pager.find[0] == '\0') {
        self->pager.mark = -1;
        reply->flags |= REPLY_REQUERY;
    } else {
        start_find(self, 1, LOG_FIND_TEXT, false, reply);
    }
}

static size_t log_targets(const struct view *view, const struct frame *frame,
                          int64_t *ids, size_t max)
{
    (void)frame;
    if (max == 0)
        return 0;
    ids[0] = view->id;
    return 1;
}

const struct view_class log_class = {
    .name = "log",
    .title = "log",
    .help = "The log of one step",
    .context = CONTEXT_LOG,
    .hints = {ACTION_SEARCH, ACTION_SEARCH_NEXT, ACTION_NEXT_ERROR, ACTION_FILTER,
              ACTION_COMPARE, ACTION_FOLLOW, ACTION_WRAP, ACTION_SHOW_DIFF,
              ACTION_SHOW_CONTEXT, ACTION_CLOSE, ACTION_HELP},
    .open = log_open,
    .close = log_close,
    .query = log_query,
    .on_frame = log_on_frame,
    .draw = log_draw,
    .on_action = log_on_action,
    .on_prompt = log_on_prompt,
    .targets = log_targets,
};
