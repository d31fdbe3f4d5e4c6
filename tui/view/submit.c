/* SPDX-License-Identifier: MIT */
/*
 * Submit: a form for a new task. What is typed is checked by the feed as it is typed;
 * what is wrong stands under its field. Tab and Enter go on, the last Enter hands it
 * over.
 */
#include "engine/base/text.h"
#include "tui/feed.h"
#include "tui/view/common.h"
#include "tui/widget/field.h"
#include "tui/widget/look.h"

enum form_field {
    FIELD_PIPELINE,
    FIELD_REPO,
    FIELD_TASK,
    FIELD_PRIORITY,
    FIELD_SEND,
    FIELDS
};

#define X_LABEL            2
#define X_VALUE            14
#define VALUE_MAX          100 /* cells: a form does not stretch */
#define FINDINGS_MAX_SHOWN 4
#define PRIORITY_DEFAULT   "5"

static const char *const labels[FIELDS] = {
    [FIELD_PIPELINE] = "pipeline", [FIELD_REPO] = "repository", [FIELD_TASK] = "task",
    [FIELD_PRIORITY] = "priority", [FIELD_SEND] = "",
};

struct submit_view {
    struct view view;
    struct field fields[FIELD_PRIORITY + 1];
    enum form_field focus;
    int choice;        /* index of the choice taken last, -1 = none */
    bool is_tried;     /* Enter on submit: missing fields are named from then on */
    bool is_sent;      /* waits for the answer */
    char refusal[400]; /* of the engine, or of the feed */
};

static struct view *submit_open(int64_t id, const char *arg)
{
    (void)id;
    struct submit_view *self = mem_alloc(sizeof *self);
    field_init(&self->fields[FIELD_PIPELINE], FRAME_PATH_MAX - 1, false);
    field_init(&self->fields[FIELD_REPO], FRAME_PATH_MAX - 1, false);
    field_init(&self->fields[FIELD_TASK], DOC_MAX, true);
    field_init(&self->fields[FIELD_PRIORITY], 1, false);
    field_set(&self->fields[FIELD_PRIORITY], PRIORITY_DEFAULT);
    field_set(&self->fields[FIELD_PIPELINE], arg);
    self->choice = -1;
    return &self->view;
}

static void submit_close(struct view *view)
{
    struct submit_view *self = (struct submit_view *)view;
    for (int i = 0; i <= FIELD_PRIORITY; i++)
        field_fini(&self->fields[i]);
    free(self);
}

static void submit_query(const struct view *view, struct frame_query *query)
{
    const struct submit_view *self = (const struct submit_view *)view;
    query->parts = PART_SUBMIT;
    (void)snprintf(query->submit_pipeline, sizeof query->submit_pipeline, "%s",
                   field_text(&self->fields[FIELD_PIPELINE]));
    (void)snprintf(query->submit_repo, sizeof query->submit_repo, "%s",
                   field_text(&self->fields[FIELD_REPO]));
}

static bool is_empty(const struct submit_view *self, enum form_field field)
{
    const char *text = field_text(&self->fields[field]);
    return text[strspn(text, " \n")] == '\0';
}

/* What the feed found out about what stands in the fields now; NULL while it looks. */
static const struct frame_submit *checked(const struct submit_view *self,
                                          const struct frame *frame)
{
    const struct frame_submit *data = frame ? frame->submit : NULL;
    if (!data ||
        strcmp(data->checked_pipeline, field_text(&self->fields[FIELD_PIPELINE])) != 0 ||
        strcmp(data->checked_repo, field_text(&self->fields[FIELD_REPO])) != 0)
        return NULL;
    return data;
}

/* ---- what stands under a field ----------------------------------------------------- */

static int draw_choices(const struct canvas *canvas, int y,
                        const struct submit_view *self, const struct frame_submit *data)
{
    int x = X_VALUE, end = canvas->w - 1;
    bool is_pipeline = self->focus == FIELD_PIPELINE;
    size_t n = is_pipeline ? data->n_pipelines : data->n_repos;
    for (size_t i = 0; i < n && x < end - 8; i++) {
        const char *name = is_pipeline ? data->pipelines[i].name : data->repos[i];
        bool is_chosen = strcmp(name, field_text(&self->fields[self->focus])) == 0;
        x += look_text(canvas, x, y, end - x,
                       is_chosen ? ROLE_TEXT_STRONG : ROLE_INPUT_GHOST, name) +
             3;
    }
    return n > 0 ? 1 : 0;
}

static int draw_pipeline_hint(const struct canvas *canvas, int y,
                              const struct submit_view *self,
                              const struct frame_submit *data)
{
    int width = canvas->w - X_VALUE - 1;
    if (is_empty(self, FIELD_PIPELINE)) {
        if (self->is_tried)
            canvas_text(canvas, X_VALUE, y, width, ROLE_INPUT_ERROR,
                        "choose a pipeline, or give the path of one");
        return self->is_tried ? 1 : 0;
    }
    if (!data)
        return 0;
    if (data->n_findings == 0) {
        look_text(canvas, X_VALUE, y, width, ROLE_TEXT_DIM, data->pipeline_help);
        return 1;
    }
    int rows = 0;
    for (size_t i = 0; i < data->n_findings && rows < FINDINGS_MAX_SHOWN; i++)
        look_text(canvas, X_VALUE, y + rows++, width, ROLE_INPUT_ERROR,
                  data->findings[i]);
    if (data->n_findings > FINDINGS_MAX_SHOWN)
        canvas_printf(canvas, X_VALUE, y + rows++, width, ROLE_TEXT_DIM, "and %zu more",
                      data->n_findings - FINDINGS_MAX_SHOWN);
    return rows;
}

static int draw_repo_hint(const struct canvas *canvas, int y,
                          const struct submit_view *self, const struct frame_submit *data)
{
    int width = canvas->w - X_VALUE - 1;
    if (is_empty(self, FIELD_REPO)) {
        bool is_named = data && data->pipeline_repo[0] != '\0';
        if (self->is_tried && data && !is_named) {
            canvas_text(canvas, X_VALUE, y, width, ROLE_INPUT_ERROR,
                        "the pipeline names no repository: give one");
            return 1;
        }
        return 0;
    }
    if (!data || data->repo_problem[0] == '\0')
        return 0;
    look_text(canvas, X_VALUE, y, width, ROLE_INPUT_ERROR, data->repo_problem);
    return 1;
}

static const char *ghost_of(enum form_field field, const struct frame_submit *data)
{
    switch (field) {
    case FIELD_PIPELINE:
        return data && data->n_pipelines > 0
                   ? "choose one below, or type a name or a path"
                   : "name or path of a pipeline";
    case FIELD_REPO:
        return data && data->pipeline_repo[0] ? data->pipeline_repo
                                              : "full path of a git repository";
    case FIELD_TASK:
        return "what shall be done; the first line becomes the title";
    default:
        return "";
    }
}

/* ---- drawing
 * ----------------------------------------------------------------------------------------------
 */

static void draw_label(const struct canvas *canvas, int y, const struct submit_view *self,
                       enum form_field field)
{
    bool has_focus = self->focus == field;
    if (has_focus)
        canvas_glyph(canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
    canvas_text(canvas, X_LABEL, y, X_VALUE - X_LABEL - 1,
                has_focus ? ROLE_TEXT_STRONG : ROLE_INPUT_LABEL, labels[field]);
}

static int draw_field(const struct canvas *canvas, int y, int rows,
                      const struct submit_view *self, enum form_field field,
                      const struct frame_submit *data)
{
    char ghost[LOOK_TEXT_MAX];
    draw_label(canvas, y, self, field);
    struct rect rect = {X_VALUE, y, canvas->w - X_VALUE - 1, rows};
    field_draw(canvas, rect, &self->fields[field], self->focus == field,
               text_clean_into(ghost, sizeof ghost, ghost_of(field, data)));
    return rows;
}

static void draw_send(const struct canvas *canvas, int y, const struct submit_view *self)
{
    bool has_focus = self->focus == FIELD_SEND;
    if (has_focus)
        canvas_glyph(canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
    int used = canvas_text(canvas, X_VALUE, y, 20,
                           has_focus ? ROLE_TEXT_STRONG : ROLE_TEXT, "[ hand it over ]");
    if (has_focus)
        canvas_ground(canvas, (struct rect){X_VALUE, y, used, 1}, ROLE_CURSOR);
    int x = X_VALUE + used + 3, width = canvas->w - x - 1;
    if (self->is_sent)
        canvas_text(canvas, x, y, width, ROLE_TEXT_DIM,
                    "handed over, waits for the engine");
    else if (self->refusal[0] != '\0')
        look_text(canvas, x, y, width, ROLE_INPUT_ERROR, self->refusal);
}

static void submit_draw(const struct view *view, const struct frame *frame,
                        const struct canvas *all)
{
    const struct submit_view *self = (const struct submit_view *)view;
    struct canvas whole = *all;
    /* Without a store a task can be handed over all the same: it is made by that. */
    if (frame && frame->trouble != TROUBLE_MISSING && frame->trouble != TROUBLE_LOADING)
        whole = notice_draw(all, frame, view->now);
    struct canvas canvas = canvas_sub(
        &whole,
        (struct rect){0, 0, whole.w > X_VALUE + VALUE_MAX ? X_VALUE + VALUE_MAX : whole.w,
                      whole.h});
    if (canvas.h < 8)
        return;
    const struct frame_submit *any = frame ? frame->submit : NULL;
    const struct frame_submit *data = checked(self, frame);
    look_title(&canvas, X_LABEL, 0, canvas.w - 3, "NEW TASK", "");
    int y = 2;
    y += draw_field(&canvas, y, 1, self, FIELD_PIPELINE, any);
    y += draw_pipeline_hint(&canvas, y, self, data);
    if (self->focus == FIELD_PIPELINE && any)
        y += draw_choices(&canvas, y, self, any);
    y++;
    y += draw_field(&canvas, y, 1, self, FIELD_REPO, any);
    y += draw_repo_hint(&canvas, y, self, data);
    if (self->focus == FIELD_REPO && any)
        y += draw_choices(&canvas, y, self, any);
    y++;
    int room = canvas.h - y - 5;
    int rows = room > 16 ? 16 : room < 1 ? 1 : room;
    y += draw_field(&canvas, y, rows, self, FIELD_TASK, any);
    if (self->is_tried && is_empty(self, FIELD_TASK))
        canvas_text(&canvas, X_VALUE, y, canvas.w - X_VALUE - 1, ROLE_INPUT_ERROR,
                    "say what shall be done");
    y++;
    y += draw_field(&canvas, y, 1, self, FIELD_PRIORITY, any);
    canvas_text(&canvas, X_VALUE + 4, y - 1, canvas.w - X_VALUE - 5, ROLE_TEXT_DIM,
                "0 to 9, 9 goes first");
    y++;
    draw_send(&canvas, y, self);
}

/* ---- handling
 * ---------------------------------------------------------------------------------------------
 */

static void changed(struct submit_view *self, struct reply *reply)
{
    self->refusal[0] = '\0';
    self->is_sent = false;
    reply->flags |= REPLY_REDRAW;
    if (self->focus == FIELD_PIPELINE || self->focus == FIELD_REPO)
        reply->flags |= REPLY_REQUERY;
}

static void set_focus(struct submit_view *self, int to, struct reply *reply)
{
    self->focus = (enum form_field)((to + FIELDS) % FIELDS);
    self->choice = -1;
    reply->flags |= REPLY_REDRAW;
}

static void send(struct submit_view *self, const struct frame *frame, struct reply *reply)
{
    const struct frame_submit *data = checked(self, frame);
    self->is_tried = true;
    reply->flags |= REPLY_REDRAW;
    if (self->is_sent)
        return; /* once is enough */
    if (is_empty(self, FIELD_PIPELINE) || (data && !data->is_pipeline_good)) {
        set_focus(self, FIELD_PIPELINE, reply);
    } else if (data && (data->repo_problem[0] != '\0' ||
                        (is_empty(self, FIELD_REPO) && data->pipeline_repo[0] == '\0'))) {
        set_focus(self, FIELD_REPO, reply);
    } else if (is_empty(self, FIELD_TASK)) {
        set_focus(self, FIELD_TASK, reply);
    } else {
        const char *priority = field_text(&self->fields[FIELD_PRIORITY]);
        struct feed_submission submission = {
            .pipeline = field_text(&self->fields[FIELD_PIPELINE]),
            .repo = field_text(&self->fields[FIELD_REPO]),
            .task = field_text(&self->fields[FIELD_TASK]),
            .priority = priority[0] ? priority[0] - '0' : 5,
        };
        self->is_sent = true;
        self->refusal[0] = '\0';
        reply_submit(reply, &submission);
    }
}

/* The next choice into the field. */
static bool choose(struct submit_view *self, const struct frame *frame, int by,
                   struct reply *reply)
{
    const struct frame_submit *data = frame ? frame->submit : NULL;
    if (self->focus == FIELD_PRIORITY) {
        const char *text = field_text(&self->fields[FIELD_PRIORITY]);
        int value = (text[0] ? text[0] - '0' : 5) - by;
        char digit[2] = {(char)('0' + (value < 0 ? 0 : value > 9 ? 9 : value)), '\0'};
        field_set(&self->fields[FIELD_PRIORITY], digit);
        changed(self, reply);
        return true;
    }
    if (!data || (self->focus != FIELD_PIPELINE && self->focus != FIELD_REPO))
        return false;
    bool is_pipeline = self->focus == FIELD_PIPELINE;
    int n = (int)(is_pipeline ? data->n_pipelines : data->n_repos);
    if (n == 0)
        return false;
    self->choice = self->choice < 0 && by < 0 ? n - 1 : (self->choice + by + n) % n;
    field_set(&self->fields[self->focus], is_pipeline ? data->pipelines[self->choice].name
                                                      : data->repos[self->choice]);
    changed(self, reply);
    return true;
}

static void submit_on_action(struct view *view, const struct frame *frame,
                             enum action action, struct reply *reply)
{
    struct submit_view *self = (struct submit_view *)view;
    bool has_field = self->focus <= FIELD_PRIORITY;
    if (has_field && field_action(&self->fields[self->focus], action)) {
        changed(self, reply);
        return;
    }
    switch (action) {
    case ACTION_NEXT_PANEL:
        set_focus(self, (int)self->focus + 1, reply);
        break;
    case ACTION_PREVIOUS_PANEL:
        set_focus(self, (int)self->focus - 1, reply);
        break;
    case ACTION_ROW_DOWN:
    case ACTION_CHOICE_NEXT:
        if (!choose(self, frame, 1, reply))
            set_focus(self, (int)self->focus + 1, reply);
        break;
    case ACTION_ROW_UP:
    case ACTION_CHOICE_PREVIOUS:
        if (!choose(self, frame, -1, reply))
            set_focus(self, (int)self->focus - 1, reply);
        break;
    case ACTION_COMPLETE:
        if (!choose(self, frame, 1, reply))
            set_focus(self, (int)self->focus + 1, reply);
        break;
    case ACTION_OPEN:
    case ACTION_ACCEPT:
        if (self->focus == FIELD_SEND)
            send(self, frame, reply);
        else
            set_focus(self, (int)self->focus + 1, reply);
        break;
    default:
        reply->flags |= REPLY_UNUSED;
        break;
    }
}

static bool submit_takes_text(const struct view *view)
{
    const struct submit_view *self = (const struct submit_view *)view;
    return self->focus <= FIELD_PRIORITY;
}

static void submit_on_text(struct view *view, const struct frame *frame, const char *text,
                           size_t len, struct reply *reply)
{
    struct submit_view *self = (struct submit_view *)view;
    (void)frame;
    if (self->focus > FIELD_PRIORITY)
        return;
    struct field *field = &self->fields[self->focus];
    if (self->focus == FIELD_PRIORITY) {
        if (len != 1 || text[0] < '0' || text[0] > '9')
            return;
        field_set(field, "");
    }
    if (!field_insert(field, text, len))
        reply_say(reply, MESSAGE_WARN, "cut: more than fits here");
    changed(self, reply);
}

static void submit_on_answer(struct view *view, const struct frame *frame,
                             const struct frame_answer *answer, struct reply *reply)
{
    struct submit_view *self = (struct submit_view *)view;
    (void)frame;
    if (answer->is_failed || answer->n_refused > 0) {
        self->is_sent = false;
        (void)text_clean_into(self->refusal, sizeof self->refusal, answer->message);
        reply->flags |= REPLY_REDRAW;
    }
}

const struct view_class submit_class = {
    .name = "submit",
    .title = "new task",
    .help = "A form to hand over a new task",
    .context = CONTEXT_FORM,
    .hints = {ACTION_NEXT_PANEL, ACTION_ROW_DOWN, ACTION_ACCEPT, ACTION_CLOSE,
              ACTION_HELP},
    .open = submit_open,
    .close = submit_close,
    .query = submit_query,
    .draw = submit_draw,
    .on_action = submit_on_action,
    .takes_text = submit_takes_text,
    .on_text = submit_on_text,
    .on_answer = submit_on_answer,
};
