/* SPDX-License-Identifier: MIT */
/*
 * Log of one step, whatever its size: the frame holds a window of lines around what is
 * shown, and the next window is asked for before its edge is reached. A failed step opens
 * at its first failing line, a running one follows its tail. Scrolling up stops
 * following; what is new is counted.
 */
#include <inttypes.h>

#include "engine/base/text.h"
#include "tui/view/common.h"
#include "tui/widget/look.h"
#include "tui/widget/pager.h"

#define HEAD_ROWS  2
#define TOKEN_FIND 1

struct log_view {
    struct view view;
    struct pager pager; /* top is line number - 1 */
    int64_t effect;     /* seq, 0 = the feed picks */
    bool is_placed;     /* the first window came */
    bool is_following;
    int64_t n_seen;        /* lines there were when following stopped */
    unsigned find_serial;  /* search asked for; 0 = none */
    unsigned found_serial; /* search whose answer was shown */
    int64_t find_from;
    bool is_find_back, is_find_failure;
};

static struct view *log_open(int64_t id, const char *arg)
{
    (void)id;
    struct log_view *self = mem_alloc(sizeof *self);
    pager_init(&self->pager);
    self->effect = strtoll(arg, NULL, 10);
    return &self->view;
}

static void log_close(struct view *view)
{
    free(view);
}

static int log_height(const struct view *view, const struct frame *frame)
{
    int h = view->h - HEAD_ROWS - (frame ? notice_height(frame, view->now, view->h) : 0);
    return h > 1 ? h : 1;
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
                                            : LOG_LINE;
    query->log_first = self->pager.top + 1 - h;
    if (query->log_first < 1)
        query->log_first = 1;
    if (query->log_place != LOG_LINE)
        query->log_first = 0;
    if (!self->is_find_failure)
        (void)snprintf(query->log_find, sizeof query->log_find, "%s", self->pager.find);
    query->log_find_failure = self->is_find_failure;
    query->log_find_from = self->find_from;
    query->log_find_back = self->is_find_back;
    query->log_find_serial = self->find_serial;
}

static const struct frame_log *log_of(const struct view *view, const struct frame *frame)
{
    if (!frame || !frame->detail || frame->detail->row.id != view->id)
        return NULL;
    return frame->detail->log;
}

/* Line `index` when the window has it. The numbers jump where the middle was not kept. */
static bool log_line(const void *user, int64_t index, struct pager_line *ret,
                     char *scratch)
{
    const struct frame_log *log = user;
    size_t low = 0, high = log->n_lines;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (log->lines[mid].number < index + 1)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < log->n_lines && log->lines[low].number == index + 1) {
        const struct segment_line *line = &log->lines[low];
        *ret = (struct pager_line){line->text, line->len, line->number,
                                   line->is_failure ? ROLE_LOG_ERROR : ROLE_LOG};
        return true;
    }
    if (log->info.cut_lines > 0 && index + 1 == log->info.cut_from) {
        (void)snprintf(scratch, PAGER_LINE_MAX,
                       "%" PRId64 " lines were not kept here: the log is longer than its "
                       "bound",
                       log->info.cut_lines);
        *ret = (struct pager_line){scratch, strlen(scratch), 0, ROLE_TEXT_DIM};
        return true;
    }
    return false;
}

/* ---- drawing
 * -----------------------------------------------------------------------------------------
 */

static void draw_head(const struct canvas *canvas, const struct log_view *self,
                      const struct frame_log *log, int h)
{
    char text[160], position[80], count[CLOCK_TEXT_MAX];
    char name[120];
    (void)snprintf(name, sizeof name, "wf-%" PRId64 "  %s", self->view.id, log->name);
    int x = 2 + look_title(canvas, 2, 0, canvas->w / 2, "LOG", name) + 2;
    canvas_glyph(canvas, x, 0, look_status_role(log->status),
                 look_status_glyph(log->status));
    canvas_text(canvas, x + 2, 0, 12, look_status_role(log->status),
                log->status == STATUS_PENDING ? "running" : status_name(log->status));
    x += 16;
    pager_position(&self->pager, log->info.n_lines, h, position, sizeof position);
    int64_t n_new = log->info.n_lines - self->n_seen;
    if (self->is_following && log->status == STATUS_PENDING)
        (void)snprintf(text, sizeof text, "following, %s", position);
    else if (!self->is_following && log->status == STATUS_PENDING && n_new > 0)
        (void)snprintf(text, sizeof text, "%s new, %s", look_count(n_new, count),
                       position);
    else
        (void)snprintf(text, sizeof text, "%s", position);
    canvas_right(canvas, x, 0, canvas->w - x - 1, ROLE_TEXT_DIM, text);
}

static void log_draw(const struct view *view, const struct frame *frame,
                     const struct canvas *all)
{
    const struct log_view *self = (const struct log_view *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    const struct frame_log *log = log_of(view, frame);
    if (!log) {
        bool is_gone = frame->detail && frame->detail->is_missing;
        blank_draw(&canvas, is_gone ? "There is no such workflow." : "reading the log",
                   "");
        return;
    }
    int h = canvas.h - HEAD_ROWS;
    if (log->is_missing || log->info.n_lines == 0) {
        look_title(&canvas, 2, 0, canvas.w - 3, "LOG", log->name);
        blank_draw(&canvas,
                   log->name[0] == '\0'            ? "No step has run yet."
                   : log->status == STATUS_PENDING ? "No output yet."
                                                   : "This step left no output.",
                   log->why);
        return;
    }
    draw_head(&canvas, self, log, h);
    struct canvas part =
        canvas_sub(&canvas, (struct rect){0, HEAD_ROWS, canvas.w - 1, h});
    pager_draw(&part, &self->pager, log->info.n_lines, log_line, log);
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
    self->is_placed = true;
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
    if (log->n_lines == 0)
        return log->info.n_lines == 0;
    int64_t first = first_number(log), last = log->lines[log->n_lines - 1].number;
    int64_t from = self->pager.top + 1, to = self->pager.top + h;
    if (to > log->info.n_lines)
        to = log->info.n_lines;
    return first <= from && last >= to && (first == 1 || first <= from - h / 2) &&
           (last == log->info.n_lines || last >= to + h / 2);
}

static void show_found(struct log_view *self, const struct frame_log *log, int h,
                       struct reply *reply)
{
    if (self->find_serial == 0 || log->find_serial != self->find_serial ||
        self->found_serial == self->find_serial)
        return;
    self->found_serial = self->find_serial;
    if (log->found == 0) {
        if (self->is_find_failure)
            reply_say(reply, MESSAGE_INFO, "no line looks like a failure");
        else
            reply_say(reply, MESSAGE_INFO, "nothing contains \"%s\"", self->pager.find);
        return;
    }
    self->is_following = false;
    pager_show(&self->pager, log->found - 1, log->info.n_lines, h);
    reply->flags |= REPLY_REDRAW;
}

static void log_on_frame(struct view *view, const struct frame *frame,
                         struct reply *reply)
{
    struct log_view *self = (struct log_view *)view;
    const struct frame_log *log = log_of(view, frame);
    if (!log || log->is_missing)
        return;
    int h = log_height(view, frame);
    if (!self->is_placed) {
        place(self, log, h);
        reply->flags |= REPLY_REQUERY;
    }
    if (self->effect == 0)
        self->effect = log->effect; /* stay with it when the next step begins */
    show_found(self, log, h, reply);
    if (self->is_following) {
        self->pager.top = log->info.n_lines - h;
        self->n_seen = log->info.n_lines;
    }
    pager_clamp(&self->pager, log->info.n_lines, h);
    if (!self->is_following && !window_serves(self, log, h))
        reply->flags |= REPLY_REQUERY;
}

static void start_find(struct log_view *self, int direction, bool is_failure,
                       bool is_next, struct reply *reply)
{
    if (!is_failure && self->pager.find[0] == '\0')
        return;
    int64_t from = self->pager.mark >= 0 ? self->pager.mark + 1 : self->pager.top + 1;
    self->find_from = is_next ? from + direction : from;
    self->is_find_back = direction < 0;
    self->is_find_failure = is_failure;
    self->find_serial++;
    reply->flags |= REPLY_REQUERY;
}

static void scroll(struct log_view *self, const struct frame *frame, enum action action,
                   struct reply *reply)
{
    const struct frame_log *log = log_of(&self->view, frame);
    int h = log_height(&self->view, frame);
    int64_t n = log ? log->info.n_lines : 0;
    (void)pager_action(&self->pager, action, n, h);
    reply->flags |= REPLY_REDRAW;
    if (!log || action == ACTION_LEFT || action == ACTION_RIGHT || action == ACTION_WRAP)
        return;
    bool was_following = self->is_following;
    self->is_following = log->status == STATUS_PENDING && self->pager.top >= n - h &&
                         action != ACTION_ROW_UP;
    if (was_following && !self->is_following)
        self->n_seen = n;
    if (was_following != self->is_following || !window_serves(self, log, h))
        reply->flags |= REPLY_REQUERY;
}

static void toggle_follow(struct log_view *self, const struct frame *frame,
                          struct reply *reply)
{
    const struct frame_log *log = log_of(&self->view, frame);
    self->is_following = !self->is_following;
    if (log)
        self->n_seen = log->info.n_lines;
    if (self->is_following && log)
        self->pager.top = log->info.n_lines - log_height(&self->view, frame);
    if (self->pager.top < 0)
        self->pager.top = 0;
    reply->flags |= REPLY_REQUERY;
}

static void log_on_action(struct view *view, const struct frame *frame,
                          enum action action, struct reply *reply)
{
    struct log_view *self = (struct log_view *)view;
    struct prompt_request request = {.label = "search",
                                     .initial = self->pager.find,
                                     .example = "text",
                                     .token = TOKEN_FIND,
                                     .may_be_empty = true};
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
        reply_ask(reply, &request);
        break;
    case ACTION_SEARCH_NEXT:
        start_find(self, 1, false, true, reply);
        break;
    case ACTION_SEARCH_PREVIOUS:
        start_find(self, -1, false, true, reply);
        break;
    case ACTION_NEXT_ERROR:
        start_find(self, 1, true, true, reply);
        break;
    default:
        common_action(view, detail ? &detail->row : NULL, action, reply);
        break;
    }
}

static void log_on_prompt(struct view *view, const struct frame *frame, int token,
                          const char *text, bool is_final, struct reply *reply)
{
    struct log_view *self = (struct log_view *)view;
    if (token != TOKEN_FIND) {
        common_on_prompt(view, frame, token, text, is_final, reply);
        return;
    }
    if (!text)
        return;
    (void)text_clean_into(self->pager.find, sizeof self->pager.find, text);
    reply->flags |= REPLY_REDRAW;
    if (self->pager.find[0] == '\0')
        self->pager.mark = -1;
    else
        start_find(self, 1, false, false, reply);
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
    .context = CONTEXT_TEXT,
    .hints = {ACTION_SEARCH, ACTION_SEARCH_NEXT, ACTION_NEXT_ERROR, ACTION_FOLLOW,
              ACTION_WRAP, ACTION_SHOW_DIFF, ACTION_SHOW_CONTEXT, ACTION_CLOSE,
              ACTION_HELP},
    .open = log_open,
    .close = log_close,
    .query = log_query,
    .on_frame = log_on_frame,
    .draw = log_draw,
    .on_action = log_on_action,
    .on_prompt = log_on_prompt,
    .targets = log_targets,
};
