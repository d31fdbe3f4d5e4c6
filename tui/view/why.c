/* SPDX-License-Identifier: MIT */
/*
 * Why: one case whole: what failed, which class and which lines say so, the cause, what it
 * touches, the ladder rung by rung, the ranking behind each decision, and cases before.
 *
 * Opened with the id as text, "f-31", "d-5" or "wf-12"; without one it is of the workflow that it
 * was opened for. The lines are made by tui/case_text.c, as for `signalbox why`.
 */
#include <inttypes.h>

#include "engine/base/json.h"
#include "tui/view/approval.h"
#include "tui/view/recovery.h"
#include "tui/widget/look.h"

#define TOKEN_CLASS 1
#define PAGE_MAX    100 /* cells: a longer line is hard to read */

struct why {
    struct view view;
    enum case_kind kind;
    int64_t id; /* 0: none was given */
    int top;
};

static struct view *why_open(int64_t id, const char *arg)
{
    struct why *self = mem_alloc(sizeof *self);
    self->kind = CASE_WORKFLOW;
    self->id = id;
    if (arg && !case_id_parse(arg, &self->kind, &self->id) && id == 0)
        self->id = 0;
    return &self->view;
}

static void why_close(struct view *view)
{
    free(view);
}

static void why_query(const struct view *view, struct frame_query *query)
{
    const struct why *self = (const struct why *)view;
    query->parts = PART_CASE;
    query->case_kind = self->kind;
    query->case_id = self->id;
}

/* ---- the page ------------------------------------------------------------------------- */

int case_draw(const struct canvas *canvas, const struct case_file *file, struct wall now,
              int top)
{
    struct arena *arena = arena_new();
    int width = canvas->w - 3 < PAGE_MAX ? canvas->w - 3 : PAGE_MAX;
    size_t n;
    const struct case_line *lines = case_lines(arena, file, now, width, &n);
    for (int y = 0; y < canvas->h && top + y < (int)n; y++) {
        const struct case_line *line = &lines[top + y];
        int x = 2 + CASE_LABEL;
        canvas_text(canvas, 2, y, CASE_LABEL, ROLE_TITLE, line->label);
        if (line->mark != GLYPH_COUNT)
            canvas_glyph(canvas, x, y, line->mark_role, line->mark);
        canvas_text(canvas, x + CASE_MARK, y, canvas->w - x - CASE_MARK - 1, line->role,
                    line->text);
    }
    arena_free(arena);
    return (int)n;
}

static const struct case_file *file_of(const struct why *self, const struct frame *frame)
{
    const struct frame_case *data = frame ? frame->case_ : NULL;
    bool is_it = data && data->kind == self->kind && data->id == self->id;
    return is_it && !data->is_missing ? &data->file : NULL;
}

static void why_draw(const struct view *view, const struct frame *frame,
                     const struct canvas *all)
{
    const struct why *self = (const struct why *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    const struct case_file *file = file_of(self, frame);
    if (canvas.h < 2 || !frame)
        return;
    if (file)
        (void)case_draw(&canvas, file, view->now, self->top);
    else if (self->id == 0)
        blank_draw(&canvas, "Why what?",
                   "why wf-12, f-31 (failure), p-2 (problem), r-4 or d-5 (decision)");
    else if (!frame->case_ || frame->case_->id != self->id)
        blank_draw(&canvas, "reading the case", "");
    else if (self->kind == CASE_WORKFLOW)
        blank_draw(&canvas, "Nothing has failed in this workflow.", "");
    else
        blank_draw(&canvas, "There is nothing of this number.",
                   "It may be older than the history that is kept.");
}

/* ---- what can be done ------------------------------------------------------------------ */

static void send_verb(struct reply *reply, const char *verb, const char *name,
                      int64_t number, const char *key, const char *value)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 1000);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, name, number);
    if (key)
        jsonw_str(&w, key, value);
    jsonw_close(&w, '}');
    reply_verb(reply,
               &(struct verb_request){.verb = verb, .args = buf_take(&args, NULL)});
}

int64_t case_workflow(const struct case_file *file)
{
    if (file->has_failure)
        return file->failure.workflow;
    return file->n_decisions > 0    ? file->decisions[0].workflow
           : file->n_recoveries > 0 ? file->recoveries[0].workflow
                                    : 0;
}

/* It is decided where its card is: what is approved must have been seen. */
static void decide(const struct case_file *file, struct reply *reply)
{
    if (file->approval != 0)
        reply_open(reply, &approval_class, file->approval, NULL);
    else
        reply_say(reply, MESSAGE_INFO, "nothing here waits for an answer");
}

static void ask_class(const struct case_file *file, struct reply *reply)
{
    if (!file->has_failure) {
        reply_say(reply, MESSAGE_INFO, "no failure is selected");
        return;
    }
    reply_ask(reply, &(struct prompt_request){
                         .label = "class",
                         .example = "test compile lint dependency config network timeout "
                                    "resource crash infra vcs auth quota flaky",
                         .token = TOKEN_CLASS,
                     });
}

static void copy_case(const struct case_file *file, struct reply *reply)
{
    char id[CASE_ID_MAX];
    AUTO_FREE char *text = NULL;
    if (file->has_failure)
        text = mem_printf("%s  %s  %s", case_id(CASE_FAILURE, file->failure.id, id),
                          class_word(file->failure.class_), file->failure.text);
    else if (file->has_problem)
        text = mem_printf("%s  %s", case_id(CASE_PROBLEM, file->problem.id, id),
                          file->problem.text);
    else if (file->n_decisions > 0)
        text = mem_printf("%s  %s  %s", case_id(CASE_DECISION, file->decisions[0].id, id),
                          file->decisions[0].choice, file->decisions[0].reason);
    if (text)
        reply_copy(reply, text, strlen(text));
}

void case_action(const struct case_file *file, enum action action, struct reply *reply)
{
    if (action != ACTION_RECOVERY_DECIDE && action != ACTION_LABEL_CLASS &&
        action != ACTION_SHOW_STEPS && action != ACTION_SHOW_LOG &&
        action != ACTION_COPY) {
        reply->flags |= REPLY_UNUSED;
        return;
    }
    if (!file) {
        reply_say(reply, MESSAGE_INFO, "nothing is selected");
        return;
    }
    if (action == ACTION_LABEL_CLASS)
        ask_class(file, reply);
    else if (action == ACTION_COPY)
        copy_case(file, reply);
    else if (action == ACTION_RECOVERY_DECIDE)
        decide(file, reply);
    else if (case_workflow(file) == 0)
        reply_say(reply, MESSAGE_INFO, "it is of no single workflow");
    else
        reply_open(reply, action == ACTION_SHOW_LOG ? &log_class : &workflow_class,
                   case_workflow(file), NULL);
}

void case_prompt(const struct case_file *file, int token, const char *text, bool is_final,
                 struct reply *reply)
{
    enum failure_class wanted;
    if (token != TOKEN_CLASS || !text || !is_final || !file || !file->has_failure)
        return;
    if (!class_find(text, &wanted))
        reply_say(reply, MESSAGE_ERROR,
                  "'%.40s' is no class such as test, infra or quota", text);
    else
        send_verb(reply, "label", "failure", file->failure.id, "class", text);
}

/* ---- handling -------------------------------------------------------------------------- */

static bool scroll(struct why *self, const struct case_file *file, enum action action)
{
    int h = self->view.h, by;
    const struct canvas nothing = {.w = self->view.w};
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
        by = -self->top;
        break;
    case ACTION_END:
        by = 100000;
        break;
    default:
        return false;
    }
    int last = file ? case_draw(&nothing, file, self->view.now, 0) - h : 0;
    int to = self->top + by;
    self->top = to < 0 || last < 0 ? 0 : to > last ? last : to;
    return true;
}

static void why_on_action(struct view *view, const struct frame *frame,
                          enum action action, struct reply *reply)
{
    struct why *self = (struct why *)view;
    const struct case_file *file = file_of(self, frame);
    if (scroll(self, file, action))
        reply->flags |= REPLY_REDRAW;
    else
        case_action(file, action, reply);
}

static void why_on_prompt(struct view *view, const struct frame *frame, int token,
                          const char *text, bool is_final, struct reply *reply)
{
    case_prompt(file_of((struct why *)view, frame), token, text, is_final, reply);
}

static size_t why_targets(const struct view *view, const struct frame *frame,
                          int64_t *ids, size_t max)
{
    const struct case_file *file = file_of((const struct why *)view, frame);
    if (!file || max == 0 || case_workflow(file) == 0)
        return 0;
    ids[0] = case_workflow(file);
    return 1;
}

static void why_crumb(const struct view *view, const struct frame *frame, char *out,
                      size_t cap)
{
    const struct why *self = (const struct why *)view;
    char id[CASE_ID_MAX];
    (void)frame;
    (void)snprintf(out, cap, "why %s", case_id(self->kind, self->id, id));
}

const struct view_class why_class = {
    .name = "why",
    .title = "why",
    .help = "Why something failed, and why that was done: why f-31",
    .context = CONTEXT_FAILURES,
    .hints = {ACTION_LABEL_CLASS, ACTION_RECOVERY_DECIDE, ACTION_SHOW_STEPS,
              ACTION_SHOW_LOG, ACTION_CLOSE, ACTION_HELP},
    .open = why_open,
    .close = why_close,
    .query = why_query,
    .draw = why_draw,
    .on_action = why_on_action,
    .on_prompt = why_on_prompt,
    .targets = why_targets,
    .crumb = why_crumb,
};
