/* SPDX-License-Identifier: MIT */
/*
 * Approvals: the queue in the order of attention with the card of the selected one beside it,
 * and the card alone on a whole screen.
 *
 * The cursor is an approval, not a line: it stays on it when the queue moves, and when it leaves
 * the queue because somebody decided it, the line that took its place is next. What a decision
 * is about, and the digest that binds it, are what is shown: see view_class.subjects.
 */
#include "engine/base/text.h"
#include "tui/rank.h"
#include "tui/view/approval.h"
#include "tui/view/chosen.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define HEAD_ROWS  2
#define ROW_HEIGHT 2 /* what, and why */

struct asks {
    struct list_view list; /* group 1: also what was decided, newest first */
    enum card_page page;   /* of the card alone */
    int top;               /* of a page that scrolls */
    int evidence;          /* under the cursor on its page */
    int64_t cursor;        /* id, 0 = the first row */
    size_t index;          /* where it stood, for when it is gone */
    struct view_subject marks[VIEW_SUBJECTS_MAX];
    size_t n_marks;
};

static bool is_list(const struct asks *self)
{
    return self->list.view.klass == &approvals_class;
}

static struct view *approvals_open(int64_t id, const char *arg)
{
    struct asks *self = mem_alloc(sizeof *self);
    (void)id;
    (void)text_clean_into(self->list.chosen.text, sizeof self->list.chosen.text,
                          arg ? arg : "");
    return &self->list.view;
}

static struct view *approval_open(int64_t id, const char *arg)
{
    struct asks *self = mem_alloc(sizeof *self);
    self->cursor = id;
    self->page = !arg                           ? CARD_WHOLE
                 : strcmp(arg, "diff") == 0     ? CARD_DIFF
                 : strcmp(arg, "evidence") == 0 ? CARD_EVIDENCE
                 : strcmp(arg, "dry-run") == 0  ? CARD_DRY_RUN
                                                : CARD_WHOLE;
    return &self->list.view;
}

static void asks_close(struct view *view)
{
    free(view);
}

static void asks_query(const struct view *view, struct frame_query *query)
{
    const struct asks *self = (const struct asks *)view;
    if (is_list(self)) {
        query->parts = PART_APPROVALS;
        query->is_unsettled = self->list.chosen.group == 0;
        chosen_query(view, query);
    }
    if (self->cursor != 0) {
        query->parts |= PART_APPROVAL;
        query->parts |= self->page == CARD_DRY_RUN ? PART_DRY_RUN : 0;
        query->approval = self->cursor;
    }
}

/* ---- what is shown --------------------------------------------------------------------- */

static const struct frame_approvals *rows_of(const struct frame *frame)
{
    return frame ? frame->approvals : NULL;
}

static const struct frame_approval *one_of(const struct asks *self,
                                           const struct frame *frame)
{
    const struct frame_approval *one = frame ? frame->approval : NULL;
    return one && one->id == self->cursor ? one : NULL;
}

static size_t find_cursor(const struct asks *self, const struct frame_approvals *data)
{
    for (size_t i = 0; i < data->n; i++)
        if (data->rows[i].id == self->cursor)
            return i;
    return data->n == 0 || self->cursor == 0 ? 0
           : self->index < data->n           ? self->index
                                             : data->n - 1;
}

/* The approval under the cursor as this frame has it, or NULL. */
static const struct approval_row *row_here(const struct asks *self,
                                           const struct frame *frame)
{
    const struct frame_approval *one = one_of(self, frame);
    const struct frame_approvals *data = rows_of(frame);
    if (is_list(self) && data)
        return data->n > 0 ? &data->rows[find_cursor(self, data)] : NULL;
    return one && !one->is_missing ? &one->row : NULL;
}

static const struct view_subject *find_mark(const struct asks *self, int64_t id)
{
    for (size_t i = 0; i < self->n_marks; i++)
        if (self->marks[i].approval == id)
            return &self->marks[i];
    return NULL;
}

static size_t asks_subjects(const struct view *view, const struct frame *frame,
                            struct view_subject *subjects, size_t max)
{
    const struct asks *self = (const struct asks *)view;
    const struct approval_row *row = row_here(self, frame);
    if (self->n_marks > 0) {
        size_t n = self->n_marks < max ? self->n_marks : max;
        memcpy(subjects, self->marks, n * sizeof *subjects);
        return n;
    }
    if (!row || max == 0)
        return 0;
    subject_of(row, &subjects[0]);
    return 1;
}

/* ---- drawing --------------------------------------------------------------------------- */

static void draw_head(const struct canvas *canvas, const struct asks *self,
                      const struct frame *frame)
{
    char text[300], note[300];
    (void)ask_summary(&frame->asks, self->list.view.now, text, sizeof text);
    const struct chosen *chosen = &self->list.chosen;
    char order[80];
    (void)chosen_order_text(&self->list.view, order, sizeof order);
    if (chosen->text[0] != '\0')
        (void)snprintf(note, sizeof note, "with \"%.100s\"", chosen->text);
    else if (order[0] != '\0')
        (void)snprintf(note, sizeof note, "%s%s", chosen->group > 0 ? "all, " : "",
                       order);
    else
        (void)snprintf(note, sizeof note, "%s",
                       chosen->group > 0 ? "all, newest first" : text);
    if (self->n_marks > 0)
        (void)snprintf(note, sizeof note, "%zu marked: a and r decide all of them",
                       self->n_marks);
    look_title(canvas, 2, 0, canvas->w - 3, "APPROVALS", note);
}

static void draw_rows(const struct canvas *canvas, const struct asks *self,
                      const struct frame_approvals *data)
{
    size_t at = find_cursor(self, data);
    int room = canvas->h / ROW_HEIGHT;
    int64_t top =
        table_scroll((int64_t)at - room / 2, (int64_t)at, (int64_t)data->n, room);
    for (int i = 0; i < room && top + i < (int64_t)data->n; i++) {
        size_t k = (size_t)(top + i);
        struct rect rect = {0, i * ROW_HEIGHT, canvas->w, ROW_HEIGHT};
        ask_line(canvas, rect.y, &data->rows[k], data->whys[k], self->list.view.now);
        if (find_mark(self, data->rows[k].id))
            canvas_ground(canvas, rect, ROLE_MARK);
        if (k == at) {
            canvas_glyph(canvas, 0, rect.y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(canvas, rect, ROLE_CURSOR);
        }
    }
}

static void draw_empty(const struct canvas *canvas, const struct asks *self)
{
    if (self->list.chosen.text[0] != '\0')
        blank_draw(canvas, "Nothing matches.", "F shows all again.");
    else if (self->list.chosen.group > 0)
        blank_draw(canvas, "Nothing was asked yet.",
                   "Plans, merges, recoveries and optimizations that need a person come "
                   "here.");
    else
        blank_draw(canvas, "Nothing waits for a decision.", "f shows what was decided.");
}

/* The card, made to fit; a page that is asked for scrolls instead. */
static size_t card_lines_of(const struct asks *self, struct arena *arena,
                            const struct frame_approval *one, int w, int h,
                            const struct card_line **ret_lines)
{
    size_t n, n_less;
    *ret_lines =
        card_of_approval(arena, &one->row, &one->card, self->page, self->list.view.now,
                         w - 3, self->page == CARD_WHOLE ? h : 0, &n, &n_less);
    return n;
}

static void draw_card(const struct canvas *canvas, const struct asks *self,
                      const struct frame_approval *one)
{
    const struct card_line *lines;
    struct arena *arena = arena_new();
    size_t n = card_lines_of(self, arena, one, canvas->w, canvas->h, &lines);
    size_t top = self->page == CARD_WHOLE ? 0 : (size_t)self->top;
    card_draw(canvas, lines, n, top);
    if (self->page == CARD_EVIDENCE)
        evidence_mark(canvas, lines, n, top, self->evidence);
    arena_free(arena);
}

static void draw_queue(const struct canvas *canvas, const struct asks *self,
                       const struct frame *frame)
{
    const struct frame_approvals *data = rows_of(frame);
    int left = list_width(canvas->w);
    struct canvas side = canvas_sub(canvas, (struct rect){0, 0, left, canvas->h});
    struct canvas part =
        canvas_sub(&side, (struct rect){0, HEAD_ROWS, left, canvas->h - HEAD_ROWS});
    draw_head(canvas, self, frame);
    if (!data) {
        blank_draw(&part, "reading", "");
        return;
    }
    if (data->n == 0) {
        draw_empty(&part, self);
        return;
    }
    draw_rows(&part, self, data);
    const struct frame_approval *one = one_of(self, frame);
    int x = left + SIDE_GAP, width = canvas->w - x;
    if (left == canvas->w || !one || one->is_missing)
        return;
    struct canvas page =
        canvas_sub(canvas, (struct rect){x, HEAD_ROWS, width > 100 ? 100 : width,
                                         canvas->h - HEAD_ROWS});
    draw_card(&page, self, one);
}

static void asks_draw(const struct view *view, const struct frame *frame,
                      const struct canvas *all)
{
    const struct asks *self = (const struct asks *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    if (is_list(self)) {
        draw_queue(&canvas, self, frame);
        return;
    }
    const struct frame_approval *one = one_of(self, frame);
    if (!one)
        blank_draw(&canvas, self->cursor == 0 ? "Which approval?" : "reading the card",
                   self->cursor == 0 ? "a-12 in the palette, or A for the queue" : "");
    else if (one->is_missing)
        blank_draw(&canvas, "There is no approval of this number.",
                   "It may be older than the history that is kept.");
    else
        draw_card(&canvas, self, one);
}

/* ---- handling -------------------------------------------------------------------------- */

static void put_cursor(struct asks *self, const struct frame_approvals *data, size_t at,
                       struct reply *reply)
{
    int64_t id = data->n > 0 ? data->rows[at].id : 0;
    if (id != self->cursor)
        reply->flags |= REPLY_REQUERY;
    self->cursor = id;
    self->index = at;
}

/* Marks whose approval has left the queue, or drifted, are marks of something else. */
static void trim_marks(struct asks *self, const struct frame_approvals *data)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_marks; i++)
        for (size_t k = 0; k < data->n; k++)
            if (data->rows[k].id == self->marks[i].approval &&
                approval_waits(data->rows[k].status) &&
                strcmp(data->rows[k].digest, self->marks[i].digest) == 0) {
                self->marks[n++] = self->marks[i];
                break;
            }
    self->n_marks = n;
}

static void asks_on_frame(struct view *view, const struct frame *frame,
                          struct reply *reply)
{
    struct asks *self = (struct asks *)view;
    const struct frame_approvals *data = rows_of(frame);
    if (is_list(self) && data) {
        trim_marks(self, data);
        put_cursor(self, data, find_cursor(self, data), reply);
    }
}

static bool move(struct asks *self, const struct frame *frame, enum action action,
                 struct reply *reply)
{
    const struct frame_approvals *data = rows_of(frame);
    const struct frame_approval *one = one_of(self, frame);
    if (!is_list(self)) {
        const struct card_line *lines;
        bool is_evidence = self->page == CARD_EVIDENCE && one && !one->is_missing;
        if (is_evidence && evidence_move(&one->card, action, &self->evidence)) {
            reply->flags |= REPLY_REDRAW;
            return true;
        }
        struct arena *arena = arena_new();
        size_t n = one && !one->is_missing
                       ? card_lines_of(self, arena, one, self->list.view.w,
                                       self->list.view.h, &lines)
                       : 0;
        arena_free(arena);
        bool is_done = page_scroll(&self->top, action, (int)n, self->list.view.h);
        reply->flags |= is_done ? REPLY_REDRAW : 0;
        return is_done;
    }
    size_t n = data ? data->n : 0, at = data ? find_cursor(self, data) : 0;
    int to = (int)at;
    int room = (self->list.view.h - HEAD_ROWS) / ROW_HEIGHT;
    switch (action) {
    case ACTION_ROW_DOWN:
        to += 1;
        break;
    case ACTION_ROW_UP:
        to -= 1;
        break;
    case ACTION_PAGE_DOWN:
        to += room > 1 ? room - 1 : 1;
        break;
    case ACTION_PAGE_UP:
        to -= room > 1 ? room - 1 : 1;
        break;
    case ACTION_TOP:
        to = 0;
        break;
    case ACTION_END:
        to = (int)n - 1;
        break;
    default:
        return false;
    }
    if (n > 0) {
        to = to < 0 ? 0 : to >= (int)n ? (int)n - 1 : to;
        put_cursor(self, data, (size_t)to, reply);
        reply->flags |= REPLY_REDRAW;
    }
    return true;
}

static void toggle_mark(struct asks *self, const struct approval_row *row,
                        struct reply *reply)
{
    const struct view_subject *mark = find_mark(self, row->id);
    reply->flags |= REPLY_REDRAW;
    if (mark) {
        size_t i = (size_t)(mark - self->marks);
        self->marks[i] = self->marks[--self->n_marks];
    } else if (!approval_waits(row->status)) {
        reply_say(reply, MESSAGE_INFO, "it was decided: nothing to mark");
    } else if (self->n_marks == VIEW_SUBJECTS_MAX) {
        reply_say(reply, MESSAGE_WARN, "no more than %d at once", VIEW_SUBJECTS_MAX);
    } else {
        subject_of(row, &self->marks[self->n_marks++]);
    }
}

static void mark_batch(struct asks *self, const struct frame_approvals *data,
                       const struct approval_row *row, struct reply *reply)
{
    reply->flags |= REPLY_REDRAW;
    if (self->n_marks > 0) {
        self->n_marks = 0;
        return;
    }
    for (size_t i = 0; i < data->n && self->n_marks < VIEW_SUBJECTS_MAX; i++)
        if (data->rows[i].action == row->action && data->rows[i].risk == row->risk &&
            approval_waits(data->rows[i].status))
            subject_of(&data->rows[i], &self->marks[self->n_marks++]);
    reply_say(reply, MESSAGE_INFO, "%zu of %s with %s risk are marked", self->n_marks,
              act_word(row->action), risk_word(row->risk));
}

static void show_page(struct asks *self, int64_t id, enum card_page page,
                      struct reply *reply)
{
    static const char *const words[] = {[CARD_WHOLE] = "",
                                        [CARD_DIFF] = "diff",
                                        [CARD_EVIDENCE] = "evidence",
                                        [CARD_DRY_RUN] = "dry-run"};
    if (is_list(self)) {
        reply_open(reply, &approval_class, id, words[page]);
        return;
    }
    self->page = self->page == page ? CARD_WHOLE : page;
    self->top = 0;
    reply->flags |= REPLY_REQUERY; /* the dry run is made when it is asked for */
}

static void undo(const struct approval_row *row, struct reply *reply)
{
    if (row->optimization == 0) {
        reply_say(reply, MESSAGE_INFO, "only an optimization is taken back with one key");
        return;
    }
    begin_undo(reply, row->optimization, row->title);
}

/* What needs a row. False: it is none of these. */
static bool act_on(struct asks *self, const struct frame *frame,
                   const struct approval_row *row, enum action action,
                   struct reply *reply)
{
    switch (action) {
    case ACTION_OPEN:
        if (!is_list(self) && self->page == CARD_EVIDENCE)
            evidence_open(&frame->approval->card, self->evidence, row->workflow, reply);
        else
            show_page(self, row->id, CARD_WHOLE, reply);
        return true;
    case ACTION_SHOW_CHANGE:
        show_page(self, row->id, CARD_DIFF, reply);
        return true;
    case ACTION_SHOW_EVIDENCE:
        show_page(self, row->id, CARD_EVIDENCE, reply);
        return true;
    case ACTION_SHOW_DRY_RUN:
        show_page(self, row->id, CARD_DRY_RUN, reply);
        return true;
    case ACTION_MARK:
        if (is_list(self))
            toggle_mark(self, row, reply);
        return true;
    case ACTION_ASK_BATCH:
        if (is_list(self) && rows_of(frame))
            mark_batch(self, rows_of(frame), row, reply);
        return true;
    case ACTION_UNDO:
        undo(row, reply);
        return true;
    case ACTION_SHOW_LOG:
    case ACTION_SHOW_STEPS:
        if (row->workflow != 0)
            reply_open(reply, action == ACTION_SHOW_LOG ? &log_class : &workflow_class,
                       row->workflow, NULL);
        else
            reply_say(reply, MESSAGE_INFO, "it is of no single workflow");
        return true;
    case ACTION_COPY: {
        AUTO_FREE char *text = mem_printf("a-%lld  %s  %s", (long long)row->id,
                                          risk_word(row->risk), row->title);
        reply_copy(reply, text, strlen(text));
        return true;
    }
    default:
        return false;
    }
}

static void from_the_start(struct view *view)
{
    struct asks *self = (struct asks *)view;
    self->n_marks = 0; /* nobody decides what a filter hides */
    self->cursor = 0;
    self->index = 0;
}

static bool narrow(struct asks *self, enum action action, struct reply *reply)
{
    if (action == ACTION_CLOSE && self->n_marks > 0) {
        self->n_marks = 0; /* the marks first, then the filter */
        reply->flags |= REPLY_REDRAW;
        return true;
    }
    return chosen_action(&self->list.view, action, reply);
}

static void asks_on_action(struct view *view, const struct frame *frame,
                           enum action action, struct reply *reply)
{
    struct asks *self = (struct asks *)view;
    const struct approval_row *row = row_here(self, frame);
    if (move(self, frame, action, reply) ||
        (is_list(self) && narrow(self, action, reply)))
        return;
    if (action == ACTION_CLOSE && self->page != CARD_WHOLE && view->arg[0] == '\0') {
        self->page = CARD_WHOLE; /* first back to the card */
        reply->flags |= REPLY_REQUERY;
        return;
    }
    if (!row || !act_on(self, frame, row, action, reply))
        reply->flags |= REPLY_UNUSED;
}

static void asks_on_prompt(struct view *view, const struct frame *frame, int token,
                           const char *text, bool is_final, struct reply *reply)
{
    (void)frame;
    (void)is_final;
    (void)chosen_on_prompt(view, token, text, reply);
}

static size_t asks_targets(const struct view *view, const struct frame *frame,
                           int64_t *ids, size_t max)
{
    const struct approval_row *row = row_here((const struct asks *)view, frame);
    if (!row || row->workflow == 0 || max == 0)
        return 0;
    ids[0] = row->workflow;
    return 1;
}

static struct wall asks_next_change(const struct view *view, const struct frame *frame)
{
    const struct asks *self = (const struct asks *)view;
    const struct frame_approvals *data = rows_of(frame);
    const struct frame_approval *one = one_of(self, frame);
    struct wall next = {0};
    for (size_t i = 0; is_list(self) && data && i < data->n; i++)
        next = look_sooner(next, ask_next_change(&data->rows[i], view->now));
    if (one && !one->is_missing)
        next = look_sooner(next, ask_next_change(&one->row, view->now));
    return next;
}

static void approval_crumb(const struct view *view, const struct frame *frame, char *out,
                           size_t cap)
{
    const struct asks *self = (const struct asks *)view;
    static const char *const words[] = {[CARD_WHOLE] = "",
                                        [CARD_DIFF] = " diff",
                                        [CARD_EVIDENCE] = " evidence",
                                        [CARD_DRY_RUN] = " dry run"};
    (void)frame;
    (void)snprintf(out, cap, "a-%lld%s", (long long)self->cursor, words[self->page]);
}

static const char *const groups[] = {"waiting", "all", NULL};
static const struct choices choices = {
    .filter = "part of what, target, repository, who asks or id",
    .groups = groups,
    .orders = rank_approval_words,
    .restart = from_the_start,
};

/* clang-format off */
static const struct view_setting settings[] = {
    CHOSEN_FILTER,
    CHOSEN_STATE("waiting or all"),
    CHOSEN_SORT("attention, risk, age, expires or target"),
    {0},
};
/* clang-format on */

const struct view_class approvals_class = {
    .name = "approvals",
    .title = "approvals",
    .help = "What waits for a decision, in the order of attention",
    .context = CONTEXT_APPROVALS,
    .hints = {ACTION_ASK_APPROVE, ACTION_ASK_REJECT, ACTION_ASK_SNOOZE, ACTION_OPEN,
              ACTION_SHOW_CHANGE, ACTION_SHOW_EVIDENCE, ACTION_SHOW_DRY_RUN,
              ACTION_ASK_CLAIM, ACTION_ASK_DELEGATE, ACTION_ASK_BATCH, ACTION_FILTER,
              ACTION_FILTER_STATE},
    .is_root = true,
    .choices = &choices,
    .settings = settings,
    .setting_value = chosen_value,
    .open = approvals_open,
    .close = asks_close,
    .query = asks_query,
    .on_frame = asks_on_frame,
    .draw = asks_draw,
    .on_action = asks_on_action,
    .on_prompt = asks_on_prompt,
    .targets = asks_targets,
    .subjects = asks_subjects,
    .next_change = asks_next_change,
};

const struct view_class approval_class = {
    .name = "approval",
    .title = "approval",
    .help = "One card: what would be done, why, how sure, how it is taken back",
    .context = CONTEXT_APPROVALS,
    .hints = {ACTION_ASK_APPROVE, ACTION_ASK_REJECT, ACTION_ASK_SNOOZE,
              ACTION_SHOW_CHANGE, ACTION_SHOW_EVIDENCE, ACTION_SHOW_DRY_RUN,
              ACTION_SHOW_LOG, ACTION_OPEN, ACTION_ASK_CLAIM, ACTION_ASK_DELEGATE,
              ACTION_CLOSE},
    .open = approval_open,
    .close = asks_close,
    .query = asks_query,
    .draw = asks_draw,
    .on_action = asks_on_action,
    .targets = asks_targets,
    .subjects = asks_subjects,
    .crumb = approval_crumb,
    .next_change = asks_next_change,
};
