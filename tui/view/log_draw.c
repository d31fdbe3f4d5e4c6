/* SPDX-License-Identifier: MIT */
#include "engine/base/text.h"
#include "tui/view/common.h"
#include "tui/view/log_impl.h"
#include "tui/widget/look.h"

#define HEAD_ROWS 2 /* title, and what is searched or left out */

int log_height(const struct view *view, const struct frame *frame)
{
    int h = view->h - HEAD_ROWS - (frame ? notice_height(frame, view->now, view->h) : 0);
    return h > 1 ? h : 1;
}

const struct frame_log *log_of(const struct view *view, const struct frame *frame)
{
    if (!frame || !frame->detail || frame->detail->row.id != view->id)
        return NULL;
    return frame->detail->log;
}

int64_t log_total(const struct frame_log *log)
{
    return log->has_rows ? log->rows_all : log->info.n_lines;
}

/* ---- lines ------------------------------------------------------------------------- */

static bool gap_line(struct pager_line *ret, char *scratch, int64_t n)
{
    char count[CLOCK_TEXT_MAX];
    (void)snprintf(scratch, PAGER_LINE_MAX, "... %s %s ...", look_count(n, count),
                   n == 1 ? "line" : "lines");
    ret->text = scratch;
    ret->len = strlen(scratch);
    ret->number = -1;
    ret->role = ROLE_TEXT_DIM;
    return true;
}

/* Says of a line that there is more of it. */
static void tell_cut(const struct segment_line *line, struct pager_line *ret,
                     char *scratch)
{
    if (!line->is_cut)
        return;
    static const char more[] = " [the line goes on]";
    _Static_assert(SEGMENT_LINE_LONG + sizeof more <= PAGER_LINE_MAX, "it fits");
    memcpy(scratch, line->text, line->len);
    memcpy(scratch + line->len, more, sizeof more);
    ret->text = scratch;
    ret->len = line->len + sizeof more - 1;
}

static bool row_line(const struct frame_log *log, int64_t index, struct pager_line *ret,
                     char *scratch)
{
    bool is_compare = log->green_workflow != 0;
    if (index < log->row_first || index >= log->row_first + (int64_t)log->n_rows)
        return false;
    const struct frame_log_row *row = &log->rows[index - log->row_first];
    *ret = (struct pager_line){row->line.text, row->line.len, row->line.number,
                               ROLE_TEXT_DIM, is_compare ? ' ' : '\0'};
    if (row->kind == LOG_ROW_GAP)
        return gap_line(ret, scratch, row->n);
    tell_cut(&row->line, ret, scratch);
    if (row->kind == LOG_ROW_GONE) {
        ret->number = -1; /* that of another log would mislead */
        ret->role = ROLE_DIFF_DEL;
        ret->sign = '-';
        return true;
    }
    if (row->is_hit && is_compare)
        ret->sign = '+';
    if (row->line.is_failure)
        ret->role = ROLE_LOG_ERROR;
    else if (row->is_hit)
        ret->role = is_compare ? ROLE_DIFF_ADD : ROLE_LOG;
    return true;
}

/* Line `index` when the window has it. The numbers jump where the middle was not kept. */
bool log_text_line(const void *user, int64_t index, struct pager_line *ret, char *scratch)
{
    const struct frame_log *log = user;
    if (log->has_rows)
        return row_line(log, index, ret, scratch);
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
                                   line->is_failure ? ROLE_LOG_ERROR : ROLE_LOG, '\0'};
        tell_cut(line, ret, scratch);
        return true;
    }
    if (log->info.cut_lines > 0 && index + 1 == log->info.cut_from) {
        (void)snprintf(scratch, PAGER_LINE_MAX,
                       "%" PRId64 " lines were not kept here: the log is longer than its "
                       "bound",
                       log->info.cut_lines);
        *ret = (struct pager_line){scratch, strlen(scratch), 0, ROLE_TEXT_DIM, '\0'};
        return true;
    }
    return false;
}

/* ---- head -------------------------------------------------------------------------- */

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
    pager_position(&self->pager, log_total(log), h, position, sizeof position);
    if (log->is_indexing)
        (void)snprintf(position + strlen(position), sizeof position - strlen(position),
                       " so far");
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

static void tell_compare(const struct log_view *self, const struct frame_log *log,
                         struct buf *text)
{
    char n_new[CLOCK_TEXT_MAX], n_gone[CLOCK_TEXT_MAX], age[CLOCK_TEXT_MAX];
    if (log->green_workflow == 0) {
        (void)buf_str(text, "looking for the last green run");
        return;
    }
    (void)buf_printf(text, "%s wf-%" PRId64 ".%" PRId64 ", green %s ago",
                     log->rows ? "against" : "comparing with", log->green_workflow,
                     log->green_effect, look_age(self->view.now, log->green_at, age));
    if (log->rows)
        (void)buf_printf(text, ": %s new, %s gone%s", look_count(log->n_matches, n_new),
                         look_count(log->n_gone, n_gone),
                         log->is_bounded ? " in the part looked at" : "");
}

static void tell_filter(const struct log_view *self, const struct frame_log *log,
                        struct buf *text)
{
    char count[CLOCK_TEXT_MAX];
    (void)buf_printf(text, "only lines with \"%s\": %s%s", self->filter,
                     look_count(log->n_matches, count),
                     log->is_bounded ? ", not all of them shown" : "");
}

/* "3 of 17" */
static void tell_search(const struct log_view *self, const struct frame_log *log,
                        struct buf *text)
{
    char index[CLOCK_TEXT_MAX], count[CLOCK_TEXT_MAX];
    if (text->len > 0)
        (void)buf_str(text, "   ");
    if (self->pager.find[0] != '\0')
        (void)buf_printf(text, "\"%s\" ", self->pager.find);
    if (self->found_index > 0)
        (void)buf_printf(text, "%s of %s", look_count(self->found_index, index),
                         look_count(log->n_hits, count));
    else if (self->pager.find[0] != '\0')
        (void)buf_printf(text, "%s %s", look_count(log->n_hits, count),
                         log->n_hits == 1 ? "line" : "lines");
}

/* What is searched for, what is left out, and how far that has come. */
static void draw_task(const struct canvas *canvas, const struct log_view *self,
                      const struct frame_log *log)
{
    AUTO_BUF struct buf text = {0};
    buf_init(&text, (size_t)4 * FRAME_FILTER_MAX);
    if (self->is_compare)
        tell_compare(self, log, &text);
    else if (self->filter[0] != '\0')
        tell_filter(self, log, &text);
    if (self->pager.find[0] != '\0' || self->found_index > 0)
        tell_search(self, log, &text);
    if (text.len == 0)
        return;
    char note[64] = "";
    bool is_leaving_out = self->is_compare || self->filter[0] != '\0';
    if (log->percent < 100)
        (void)snprintf(note, sizeof note, "%d%% read", log->percent);
    else if (is_leaving_out)
        (void)snprintf(note, sizeof note, "%d around", self->around);
    int x = canvas->w - 1 - (int)strlen(note);
    canvas_text(canvas, x, 1, (int)strlen(note), ROLE_TEXT_DIM, note);
    canvas_text(canvas, 2, 1, x - 4, ROLE_TEXT, text.data);
}

void log_draw(const struct view *view, const struct frame *frame,
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
    draw_task(&canvas, self, log);
    struct canvas part =
        canvas_sub(&canvas, (struct rect){0, HEAD_ROWS, canvas.w - 1, h});
    pager_draw(&part, &self->pager, log_total(log), log_text_line, log);
}
