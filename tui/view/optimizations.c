/* SPDX-License-Identifier: MIT */
/*
 * Optimizations: what was found to run better: proposed, applied and watched, kept, taken back;
 * what was predicted beside what was measured. One of them whole on a screen of its own, and
 * beside the list where there is room.
 */
#include <inttypes.h>
#include <math.h>

#include "engine/base/text.h"
#include "tui/rank.h"
#include "tui/view/optimizations_impl.h"
#include "tui/widget/look.h"

#define HEAD_ROWS 4

struct optimizations {
    struct list_view list; /* group 1: only what is open */
    enum card_page page;
    int top;
    int evidence;   /* under the cursor on its page */
    int64_t cursor; /* id, 0 = the first row */
    size_t line;    /* where it stood, for when it is gone */
};

static bool is_list(const struct optimizations *self)
{
    return self->list.view.klass == &optimizations_class;
}

static struct view *optimizations_open(int64_t id, const char *arg)
{
    struct optimizations *self = mem_alloc(sizeof *self);
    (void)text_clean_into(self->list.chosen.text, sizeof self->list.chosen.text,
                          arg ? arg : "");
    self->cursor = id;
    return &self->list.view;
}

static struct view *optimization_open(int64_t id, const char *arg)
{
    struct optimizations *self = mem_alloc(sizeof *self);
    self->cursor = id;
    self->page = arg && strcmp(arg, "evidence") == 0  ? CARD_EVIDENCE
                 : arg && strcmp(arg, "dry-run") == 0 ? CARD_DRY_RUN
                                                      : CARD_WHOLE;
    return &self->list.view;
}

static void optimizations_close(struct view *view)
{
    free(view);
}

static void optimizations_query(const struct view *view, struct frame_query *query)
{
    const struct optimizations *self = (const struct optimizations *)view;
    if (is_list(self)) {
        query->parts = PART_OPTIMIZATIONS | PART_INSIGHT;
        query->is_unsettled = self->list.chosen.group > 0;
        chosen_query(view, query);
    }
    if (self->cursor != 0) {
        query->parts |= PART_OPTIMIZATION;
        query->parts |= self->page == CARD_DRY_RUN ? PART_DRY_RUN : 0;
        query->optimization = self->cursor;
    }
}

/* ---- what is shown --------------------------------------------------------------------- */

static const struct frame_optimizations *rows_of(const struct frame *frame)
{
    return frame ? frame->optimizations : NULL;
}

static const struct frame_optimization *one_of(const struct optimizations *self,
                                               const struct frame *frame)
{
    const struct frame_optimization *one = frame ? frame->optimization : NULL;
    return one && one->id == self->cursor ? one : NULL;
}

/* Line of the cursor's row; when it is gone, of the one that took its place. */
static size_t find_cursor(const struct optimizations *self,
                          const struct optimization_page *page)
{
    size_t best = 0;
    for (size_t i = 0; i < page->n; i++) {
        const struct optimization_row *row = page->lines[i].row;
        if (row && row->id == self->cursor)
            return i;
        if (row && (i <= self->line || !page->lines[best].row))
            best = i;
    }
    return best;
}

static const struct optimization_row *cursor_row(const struct optimizations *self,
                                                 const struct frame_optimizations *data)
{
    struct optimization_page page;
    optimization_page(data, &page);
    return page.n > 0 ? page.lines[find_cursor(self, &page)].row : NULL;
}

static const struct optimization_row *row_here(const struct optimizations *self,
                                               const struct frame *frame)
{
    const struct frame_optimizations *data = rows_of(frame);
    const struct frame_optimization *one = one_of(self, frame);
    if (is_list(self) && data)
        return cursor_row(self, data);
    return one && !one->is_missing ? &one->row : NULL;
}

/* ---- drawing --------------------------------------------------------------------------- */

/* The two greatest bottlenecks in a line: where a change is worth most. */
static void draw_held_back(const struct canvas *canvas, const struct frame_insight *data)
{
    char text[300];
    if (!data || data->data.n_bottlenecks < 2)
        return;
    const struct insight_bottleneck *rows = data->data.bottlenecks;
    (void)snprintf(text, sizeof text, "held back by: %s %.0f%%, %s %.0f%%; b shows all",
                   rows[0].what, 100 * rows[0].row.share, rows[1].what,
                   100 * rows[1].row.share);
    canvas_text(canvas, 2, 1, canvas->w - 3, ROLE_TEXT_DIM, text);
}

static void draw_head(const struct canvas *canvas, const struct optimizations *self,
                      const struct frame *frame)
{
    const int64_t *n = frame->asks.n_optimizations;
    char note[200];
    if (self->list.chosen.text[0] != '\0')
        (void)snprintf(note, sizeof note, "with \"%.100s\"", self->list.chosen.text);
    else
        (void)snprintf(note, sizeof note,
                       "%" PRId64 " proposed, %" PRId64 " watched, %" PRId64
                       " kept, %" PRId64 " taken back, %" PRId64 " unclear",
                       n[OPT_PROPOSED], n[OPT_GUARDED], n[OPT_KEPT], n[OPT_TAKEN_BACK],
                       n[OPT_INCONCLUSIVE]);
    look_title(canvas, 2, 0, canvas->w - 3, "OPTIMIZATIONS", note);
    draw_held_back(canvas, frame->insight);
}

static size_t lines_of(const struct optimizations *self, struct arena *arena,
                       const struct frame_optimization *one, int w, int h,
                       const struct card_line **ret_lines)
{
    size_t n, n_less;
    *ret_lines = card_of_optimization(arena, &one->row, &one->card, self->page,
                                      self->list.view.now, w - 3, h, &n, &n_less);
    return n;
}

static void draw_one(const struct canvas *canvas, const struct optimizations *self,
                     const struct frame_optimization *one)
{
    const struct card_line *lines;
    struct arena *arena = arena_new();
    bool is_whole = !is_list(self);
    size_t n = lines_of(self, arena, one, canvas->w, is_whole ? 0 : canvas->h, &lines);
    card_draw(canvas, lines, n, is_whole ? (size_t)self->top : 0);
    if (is_whole && self->page == CARD_EVIDENCE)
        evidence_mark(canvas, lines, n, (size_t)self->top, self->evidence);
    arena_free(arena);
}

static void draw_list(const struct canvas *canvas, const struct optimizations *self,
                      const struct frame *frame)
{
    const struct frame_optimizations *data = rows_of(frame);
    const struct frame_optimization *one = one_of(self, frame);
    int left = list_width(canvas->w);
    struct canvas side = canvas_sub(canvas, (struct rect){0, 0, left, canvas->h});
    draw_head(canvas, self, frame);
    if (!data || data->n == 0) {
        struct canvas part = canvas_sub(
            canvas, (struct rect){0, HEAD_ROWS, canvas->w, canvas->h - HEAD_ROWS});
        if (!data)
            blank_draw(&part, "reading", "");
        else if (chosen_is_narrowed(&self->list.view))
            blank_draw(&part, "Nothing matches.", "F shows all again.");
        else
            blank_draw(&part, "Nothing was found yet that would run better.",
                       "Proposals come when there is enough evidence, and not before.");
        return;
    }
    struct optimization_page lines;
    optimization_page(data, &lines);
    optimization_lines(&side, HEAD_ROWS - 1, &lines, find_cursor(self, &lines),
                       &self->list.view);
    if (!one || one->is_missing)
        return;
    int y = HEAD_ROWS + (int)lines.n + 1;
    struct rect beside = {left + SIDE_GAP, HEAD_ROWS - 1, canvas->w - left - SIDE_GAP,
                          canvas->h - HEAD_ROWS + 1};
    struct rect below = {0, y, canvas->w, canvas->h - y};
    struct canvas page = canvas_sub(canvas, left < canvas->w ? beside : below);
    if (page.h > 3)
        draw_one(&page, self, one);
}

static void optimizations_draw(const struct view *view, const struct frame *frame,
                               const struct canvas *all)
{
    const struct optimizations *self = (const struct optimizations *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    if (is_list(self)) {
        draw_list(&canvas, self, frame);
        return;
    }
    const struct frame_optimization *one = one_of(self, frame);
    if (!one)
        blank_draw(&canvas, self->cursor == 0 ? "Which optimization?" : "reading",
                   self->cursor == 0 ? "o-12 in the palette, or O for all" : "");
    else if (one->is_missing)
        blank_draw(&canvas, "There is no optimization of this number.",
                   "It may be older than the history that is kept.");
    else
        draw_one(&canvas, self, one);
}

/* ---- handling -------------------------------------------------------------------------- */

static void put_cursor(struct optimizations *self, const struct optimization_page *page,
                       size_t at, struct reply *reply)
{
    int64_t id = page->n > 0 && page->lines[at].row ? page->lines[at].row->id : 0;
    if (id != self->cursor)
        reply->flags |= REPLY_REQUERY;
    self->cursor = id;
    self->line = at;
}

static void optimizations_on_frame(struct view *view, const struct frame *frame,
                                   struct reply *reply)
{
    struct optimizations *self = (struct optimizations *)view;
    const struct frame_optimizations *data = rows_of(frame);
    if (is_list(self) && data) {
        struct optimization_page page;
        optimization_page(data, &page);
        put_cursor(self, &page, find_cursor(self, &page), reply);
    }
}

/* `by` rows on, over titles, as far as there are. */
static size_t step(const struct optimization_page *page, size_t at, int by)
{
    for (size_t i = at; by != 0;) {
        bool is_end = by < 0 ? i == 0 : i + 1 >= page->n;
        if (is_end)
            return at;
        i = by < 0 ? i - 1 : i + 1;
        if (page->lines[i].row) {
            at = i;
            by += by < 0 ? 1 : -1;
        }
    }
    return at;
}

static bool move_list(struct optimizations *self, const struct frame_optimizations *data,
                      enum action action, struct reply *reply)
{
    int height = (self->list.view.h - HEAD_ROWS) / 2, by;
    switch (action) {
    case ACTION_ROW_DOWN:
        by = 1;
        break;
    case ACTION_ROW_UP:
        by = -1;
        break;
    case ACTION_PAGE_DOWN:
        by = height;
        break;
    case ACTION_PAGE_UP:
        by = -height;
        break;
    case ACTION_TOP:
        by = -FRAME_APPROVALS;
        break;
    case ACTION_END:
        by = FRAME_APPROVALS;
        break;
    default:
        return false;
    }
    if (data && data->n > 0) {
        struct optimization_page page;
        optimization_page(data, &page);
        put_cursor(self, &page, step(&page, find_cursor(self, &page), by), reply);
        reply->flags |= REPLY_REDRAW;
    }
    return true;
}

static bool move(struct optimizations *self, const struct frame *frame,
                 enum action action, struct reply *reply)
{
    const struct frame_optimizations *data = rows_of(frame);
    const struct frame_optimization *one = one_of(self, frame);
    int n_lines = 0;
    if (!is_list(self)) {
        const struct card_line *lines;
        bool is_evidence = self->page == CARD_EVIDENCE && one && !one->is_missing;
        if (is_evidence && evidence_move(&one->card, action, &self->evidence)) {
            reply->flags |= REPLY_REDRAW;
            return true;
        }
        struct arena *arena = arena_new();
        n_lines = one && !one->is_missing
                      ? (int)lines_of(self, arena, one, self->list.view.w, 0, &lines)
                      : 0;
        arena_free(arena);
        bool is_done = page_scroll(&self->top, action, n_lines, self->list.view.h);
        reply->flags |= is_done ? REPLY_REDRAW : 0;
        return is_done;
    }
    return move_list(self, data, action, reply);
}

void begin_undo(struct reply *reply, int64_t optimization, const char *why)
{
    struct verb_request request = {
        .verb = "undo",
        .args = mem_printf("{\"optimization\":%lld}", (long long)optimization)};
    (void)snprintf(request.title, sizeof request.title, "o-%lld",
                   (long long)optimization);
    (void)snprintf(request.why, sizeof request.why, "%.190s", why);
    reply_verb(reply, &request);
}

static void undo(const struct optimization_row *row, struct reply *reply)
{
    bool is_in_force = row->status == OPT_GUARDED || row->status == OPT_KEPT ||
                       row->status == OPT_INCONCLUSIVE;
    if (!is_in_force) {
        reply_say(reply, MESSAGE_INFO, "o-%lld is %s: there is nothing to take back",
                  (long long)row->id, optimization_status_word(row->status));
        return;
    }
    AUTO_FREE char *why = mem_printf("%.80s is %.80s again", row->setting,
                                     row->from[0] != '\0' ? row->from : "as configured");
    begin_undo(reply, row->id, why);
}

/* A proposal is decided where its card is: what is approved must have been seen. */
static void decide(const struct optimization_row *row, struct reply *reply)
{
    if (row->approval == 0) {
        reply_say(reply, MESSAGE_INFO, "o-%lld asks for nothing: it is %s",
                  (long long)row->id, optimization_status_word(row->status));
        return;
    }
    reply_open(reply, &approval_class, row->approval, NULL);
}

static void show_page(struct optimizations *self, int64_t id, enum card_page page,
                      struct reply *reply)
{
    if (is_list(self)) {
        reply_open(reply, &optimization_class, id,
                   page == CARD_EVIDENCE  ? "evidence"
                   : page == CARD_DRY_RUN ? "dry-run"
                                          : "");
        return;
    }
    self->page = self->page == page ? CARD_WHOLE : page;
    self->top = 0;
    reply->flags |= REPLY_REQUERY; /* the dry run is made when it is asked for */
}

static bool act_on(struct optimizations *self, const struct frame *frame,
                   const struct optimization_row *row, enum action action,
                   struct reply *reply)
{
    switch (action) {
    case ACTION_OPEN:
        if (!is_list(self) && self->page == CARD_EVIDENCE)
            evidence_open(&frame->optimization->card, self->evidence, 0, reply);
        else
            show_page(self, row->id, CARD_WHOLE, reply);
        return true;
    case ACTION_SHOW_CHANGE:
        show_page(self, row->id, CARD_WHOLE, reply);
        return true;
    case ACTION_SHOW_EVIDENCE:
        show_page(self, row->id, CARD_EVIDENCE, reply);
        return true;
    case ACTION_SHOW_DRY_RUN:
        show_page(self, row->id, CARD_DRY_RUN, reply);
        return true;
    case ACTION_UNDO:
        undo(row, reply);
        return true;
    case ACTION_ASK_APPROVE:
    case ACTION_ASK_REJECT:
        decide(row, reply);
        return true;
    default:
        return false;
    }
}

static void from_the_start(struct view *view)
{
    ((struct optimizations *)view)->cursor = 0;
}

static void optimizations_on_action(struct view *view, const struct frame *frame,
                                    enum action action, struct reply *reply)
{
    struct optimizations *self = (struct optimizations *)view;
    const struct optimization_row *row = row_here(self, frame);
    if (action == ACTION_SHOW_BOTTLENECKS) {
        reply_open(reply, &bottlenecks_class, 0, NULL);
        return;
    }
    if (move(self, frame, action, reply) ||
        (is_list(self) && chosen_action(view, action, reply)))
        return;
    if (!row || !act_on(self, frame, row, action, reply))
        reply->flags |= REPLY_UNUSED;
}

static void optimizations_on_prompt(struct view *view, const struct frame *frame,
                                    int token, const char *text, bool is_final,
                                    struct reply *reply)
{
    (void)frame;
    (void)is_final;
    (void)chosen_on_prompt(view, token, text, reply);
}

static void optimization_crumb(const struct view *view, const struct frame *frame,
                               char *out, size_t cap)
{
    const struct optimizations *self = (const struct optimizations *)view;
    (void)frame;
    (void)snprintf(out, cap, "o-%lld%s", (long long)self->cursor,
                   self->page == CARD_EVIDENCE  ? " evidence"
                   : self->page == CARD_DRY_RUN ? " dry run"
                                                : "");
}

static const char *const groups[] = {"all", "open", NULL};
static const struct choices choices = {
    .filter = "part of what, setting, scope, reason or id",
    .groups = groups,
    .orders = rank_optimization_words,
    .columns = optimization_columns,
    .n_columns = OPTIMIZATION_COLUMNS,
    .restart = from_the_start,
};

/* clang-format off */
static const struct view_setting settings[] = {
    CHOSEN_FILTER,
    CHOSEN_STATE("all or open"),
    CHOSEN_SORT("newest, predicted, measured or setting"),
    CHOSEN_COLUMNS("id what predicted measured watched"),
    {0},
};
/* clang-format on */

const struct view_class optimizations_class = {
    .name = "optimizations",
    .title = "optimizations",
    .help = "What was found to run better: predicted beside measured, and undo",
    .context = CONTEXT_OPTIMIZATIONS,
    .hints = {ACTION_OPEN, ACTION_UNDO, ACTION_ASK_APPROVE, ACTION_SHOW_EVIDENCE,
              ACTION_SHOW_DRY_RUN, ACTION_SHOW_BOTTLENECKS, ACTION_FILTER,
              ACTION_FILTER_STATE, ACTION_GO_APPROVALS, ACTION_GO_AUTONOMY},
    .is_root = true,
    .choices = &choices,
    .settings = settings,
    .setting_value = chosen_value,
    .open = optimizations_open,
    .close = optimizations_close,
    .query = optimizations_query,
    .on_frame = optimizations_on_frame,
    .draw = optimizations_draw,
    .on_action = optimizations_on_action,
    .on_prompt = optimizations_on_prompt,
};

const struct view_class optimization_class = {
    .name = "optimization",
    .title = "optimization",
    .help = "One optimization whole, with its evidence",
    .context = CONTEXT_OPTIMIZATIONS,
    .hints = {ACTION_UNDO, ACTION_ASK_APPROVE, ACTION_SHOW_EVIDENCE, ACTION_SHOW_DRY_RUN,
              ACTION_CLOSE},
    .open = optimization_open,
    .close = optimizations_close,
    .query = optimizations_query,
    .draw = optimizations_draw,
    .on_action = optimizations_on_action,
    .crumb = optimization_crumb,
};
