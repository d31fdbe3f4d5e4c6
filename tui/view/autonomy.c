/* SPDX-License-Identifier: MIT */
/*
 * Autonomy: how much is done without a person, class by class, with who set it, for how long and
 * why; and below it the settings that are in force in place of the configured ones.
 *
 * Raising asks for a level, a time and a reason, in this order; lowering for a reason alone:
 * whoever is alarmed should not have to think of a time.
 */
#include <inttypes.h>

#include "engine/base/text.h"
#include "tui/view/approval.h"
#include "tui/widget/look.h"
#include "tui/widget/table.h"

#define TOKEN_LEVEL  2
#define TOKEN_FOR    3
#define TOKEN_REASON 4
#define X_REPO       12
#define W_REPO       14
#define X_LEVELS     (X_REPO + W_REPO + 1)
#define W_LEVELS     31 /* "observe suggest approve [auto]" */
#define X_WHY        (X_LEVELS + W_LEVELS + 2)

struct autonomy {
    struct view view;
    size_t cursor;
    /* what is asked for just now */
    enum act act;
    char repo[400];
    const char *level; /* static: its word */
    char span[40];
};

static struct view *autonomy_open(int64_t id, const char *arg)
{
    struct autonomy *self = mem_alloc(sizeof *self);
    (void)id;
    (void)arg;
    return &self->view;
}

static void autonomy_close(struct view *view)
{
    free(view);
}

static void autonomy_query(const struct view *view, struct frame_query *query)
{
    (void)view;
    query->parts = PART_AUTONOMY;
}

static const struct level_line *line_here(const struct autonomy *self,
                                          const struct frame *frame)
{
    const struct frame_autonomy *data = frame ? frame->autonomy : NULL;
    if (!data || data->n_levels == 0)
        return NULL;
    return &data->levels[self->cursor < data->n_levels ? self->cursor
                                                       : data->n_levels - 1];
}

/* ---- drawing --------------------------------------------------------------------------- */

/* All four levels, the one in force in brackets: where it stands is seen at a glance. */
static void draw_levels(const struct canvas *canvas, int y, const struct level_line *line)
{
    int x = X_LEVELS;
    for (int i = 0; i < AUTONOMY_LEVEL_COUNT; i++) {
        bool is_it = line->level == (enum autonomy_level)i;
        bool is_raised = is_it && line->level > line->configured;
        bool is_lowered = is_it && line->level < line->configured;
        enum theme_role role = is_raised    ? ROLE_STATUS_WARN
                               : is_lowered ? ROLE_STATUS_HUMAN
                               : is_it      ? ROLE_TEXT_STRONG
                                            : ROLE_TEXT_DIM;
        x += canvas_printf(canvas, x, y, CANVAS_REST, role, is_it ? "[%s]" : " %s",
                           level_word((enum autonomy_level)i));
    }
}

static void draw_line(const struct canvas *canvas, int y, const struct level_line *line,
                      struct wall now)
{
    char text[400], repo[120];
    if (line->repo[0] == '\0')
        canvas_text(canvas, 2, y, X_REPO - 3, ROLE_TEXT, act_word(line->act));
    look_text(canvas, X_REPO, y, W_REPO, line->repo[0] ? ROLE_TEXT : ROLE_TEXT_DIM,
              line->repo[0] ? look_repo(line->repo, repo, sizeof repo) : "all");
    draw_levels(canvas, y, line);
    int x = X_WHY;
    if (line->row && line->row->n_done > 0)
        x += canvas_printf(canvas, x, y, canvas->w - x - 1, ROLE_TEXT,
                           "%" PRId64 " done, ", line->row->n_done);
    look_text(canvas, x, y, canvas->w - x - 1, line->row ? ROLE_TEXT : ROLE_TEXT_DIM,
              line->row ? level_why(line, now, text, sizeof text) : "");
}

static int draw_halt(const struct canvas *canvas, const struct frame *frame,
                     struct wall now)
{
    char age[CLOCK_TEXT_MAX], note[300];
    if (!frame->halt.is_on) {
        look_title(canvas, 2, 0, canvas->w - 3, "AUTONOMY",
                   "what is done without a person");
        return 2;
    }
    (void)snprintf(note, sizeof note, "HALTED by %.60s %s ago%s%.120s", frame->halt.by,
                   look_age(now, frame->halt.at, age), frame->halt.reason[0] ? ": " : "",
                   frame->halt.reason);
    int used = look_title(canvas, 2, 0, canvas->w - 3, "AUTONOMY", "");
    look_text(canvas, 4 + used, 0, canvas->w - used - 5, ROLE_STATUS_ERROR, note);
    return 2;
}

/* What the class under the cursor is, and what would change it. */
static void draw_help(const struct canvas *canvas, int y, const struct level_line *line,
                      struct wall now)
{
    char text[400];
    if (line->row) {
        look_text(canvas, 2, y + 1, canvas->w - 3, ROLE_TEXT,
                  level_why(line, now, text, sizeof text));
    }
    canvas_printf(canvas, 2, y, canvas->w - 3, ROLE_TEXT_DIM,
                  "%s: %s; configured: %s; Enter: what was done", act_word(line->act),
                  act_help(line->act), level_word(line->configured));
}

static void draw_tunings(const struct canvas *canvas, const struct frame_autonomy *data,
                         struct wall now)
{
    char age[CLOCK_TEXT_MAX], note[60];
    (void)snprintf(note, sizeof note, "%zu in place of what is configured",
                   data->n_tunings);
    look_title(canvas, 2, 0, canvas->w - 3, "SETTINGS IN FORCE",
               data->n_tunings > 0 ? note : "all as configured");
    for (int y = 1; y < canvas->h && (size_t)y <= data->n_tunings; y++) {
        const struct tuning_row *row = &data->tunings[y - 1];
        int x = 2;
        x += look_text(canvas, x, y, 24, ROLE_TEXT, row->setting) + 2;
        x += look_text(canvas, x, y, 24, ROLE_TEXT_DIM, row->scope) + 2;
        x += look_text(canvas, x, y, 16, ROLE_TEXT_DIM,
                       row->was[0] ? row->was : "as configured");
        x += canvas_text(canvas, x, y, 3, ROLE_TEXT_DIM, " → ");
        x += look_text(canvas, x, y, 16, ROLE_TEXT_STRONG, row->value) + 2;
        AUTO_FREE char *by =
            mem_printf("by %s %s ago%s%s", row->actor, look_age(now, row->since, age),
                       row->reason[0] ? ": " : "", row->reason);
        look_text(canvas, x, y, canvas->w - x - 1, ROLE_TEXT_DIM, by);
    }
}

static void autonomy_draw(const struct view *view, const struct frame *frame,
                          const struct canvas *all)
{
    const struct autonomy *self = (const struct autonomy *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    const struct frame_autonomy *data = frame ? frame->autonomy : NULL;
    if (canvas.h < 4 || !frame)
        return;
    int y = draw_halt(&canvas, frame, view->now);
    if (!data) {
        struct canvas part = canvas_sub(&canvas, (struct rect){0, y, canvas.w, canvas.h});
        blank_draw(&part, "reading", "");
        return;
    }
    int n = (int)data->n_levels, at = (int)self->cursor < n ? (int)self->cursor : n - 1;
    int room = canvas.h - y - 3; /* a blank and the help */
    int n_settings = data->n_tunings > 0 ? (int)data->n_tunings + 2 : 2;
    int rows = n < room - n_settings ? n : room - n_settings;
    rows = rows < room / 2 ? (n < room / 2 ? n : room / 2) : rows;
    int top = (int)table_scroll(at - rows / 2, at, n, rows);
    for (int i = 0; i < rows && top + i < n; i++, y++) {
        draw_line(&canvas, y, &data->levels[top + i], view->now);
        if (top + i == at) {
            canvas_glyph(&canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(&canvas, (struct rect){0, y, canvas.w, 1}, ROLE_CURSOR);
        }
    }
    draw_help(&canvas, y + 1, &data->levels[at], view->now);
    struct canvas part =
        canvas_sub(&canvas, (struct rect){0, y + 4, canvas.w, canvas.h - y - 4});
    if (part.h > 0)
        draw_tunings(&part, data, view->now);
}

/* ---- handling -------------------------------------------------------------------------- */

static void send(const struct autonomy *self, const char *reason, struct reply *reply)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 4000);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "action", act_word(self->act));
    jsonw_str(&w, "level", self->level);
    if (self->repo[0])
        jsonw_str(&w, "repo", self->repo);
    if (self->span[0])
        jsonw_str(&w, "for", self->span);
    jsonw_str(&w, "reason", reason);
    jsonw_close(&w, '}');
    reply_verb(reply,
               &(struct verb_request){.verb = "autonomy", .args = buf_take(&args, NULL)});
}

static void ask_reason(struct reply *reply)
{
    reply_ask(reply, &(struct prompt_request){.label = "reason",
                                              .example = "why; kept with the act",
                                              .token = TOKEN_REASON});
}

static void ask_span(struct reply *reply)
{
    reply_ask(reply, &(struct prompt_request){.label = "for how long",
                                              .initial = "1h",
                                              .example = "1h, at most 8h",
                                              .token = TOKEN_FOR});
}

static void change(struct autonomy *self, const struct level_line *line,
                   enum action action, struct reply *reply)
{
    self->act = line->act;
    self->span[0] = '\0';
    (void)snprintf(self->repo, sizeof self->repo, "%s", line->repo);
    if (action == ACTION_LEVEL_CONFIGURED) {
        self->level = "configured";
        ask_reason(reply);
    } else if (action == ACTION_LEVEL_LOWER) {
        if (line->level == LEVEL_OBSERVE) {
            reply_say(reply, MESSAGE_INFO, "it is at the lowest level already");
            return;
        }
        self->level = level_word((enum autonomy_level)(line->level - 1));
        ask_reason(reply);
    } else if (line->level + 1 >= AUTONOMY_LEVEL_COUNT) {
        reply_say(reply, MESSAGE_INFO, "it is at the highest level already");
    } else {
        reply_ask(reply,
                  &(struct prompt_request){
                      .label = "level",
                      .initial = level_word((enum autonomy_level)(line->level + 1)),
                      .example = "observe, suggest, approve or auto",
                      .token = TOKEN_LEVEL});
    }
}

static void autonomy_on_prompt(struct view *view, const struct frame *frame, int token,
                               const char *text, bool is_final, struct reply *reply)
{
    struct autonomy *self = (struct autonomy *)view;
    enum autonomy_level level = LEVEL_OBSERVE;
    (void)frame;
    if (!text || !is_final)
        return;
    bool is_level = token == TOKEN_LEVEL && level_find(text, &level);
    if (is_level)
        self->level = level_word(level);
    if (token == TOKEN_LEVEL && !is_level)
        reply_say(reply, MESSAGE_ERROR,
                  "'%.40s' is no level: observe, suggest, approve or auto", text);
    else if (token == TOKEN_LEVEL)
        ask_span(reply);
    else if (token == TOKEN_FOR) {
        (void)snprintf(self->span, sizeof self->span, "%.39s", text);
        ask_reason(reply);
    } else if (token == TOKEN_REASON)
        send(self, text, reply);
}

static void autonomy_on_action(struct view *view, const struct frame *frame,
                               enum action action, struct reply *reply)
{
    struct autonomy *self = (struct autonomy *)view;
    const struct frame_autonomy *data = frame ? frame->autonomy : NULL;
    const struct level_line *line = line_here(self, frame);
    int n = data ? (int)data->n_levels : 0, at = (int)self->cursor;
    switch (action) {
    case ACTION_ROW_DOWN:
        at++;
        break;
    case ACTION_ROW_UP:
        at--;
        break;
    case ACTION_TOP:
    case ACTION_PAGE_UP:
        at = 0;
        break;
    case ACTION_END:
    case ACTION_PAGE_DOWN:
        at = n - 1;
        break;
    case ACTION_LEVEL_RAISE:
    case ACTION_LEVEL_LOWER:
    case ACTION_LEVEL_CONFIGURED:
        if (line)
            change(self, line, action, reply);
        return;
    case ACTION_OPEN: /* what was done of it, by whom */
        if (line)
            reply_open(reply, &audit_class, 0, act_word(line->act));
        return;
    default:
        reply->flags |= REPLY_UNUSED;
        return;
    }
    at = at >= n ? n - 1 : at;
    self->cursor = (size_t)(at < 0 ? 0 : at);
    reply->flags |= REPLY_REDRAW;
}

const struct view_class autonomy_class = {
    .name = "autonomy",
    .title = "autonomy",
    .help = "How much is done without a person, who allowed it, and until when",
    .context = CONTEXT_AUTONOMY,
    .hints = {ACTION_LEVEL_RAISE, ACTION_LEVEL_LOWER, ACTION_LEVEL_CONFIGURED,
              ACTION_HALT, ACTION_RELEASE, ACTION_GO_OPTIMIZATIONS, ACTION_GO_APPROVALS},
    .is_root = true,
    .open = autonomy_open,
    .close = autonomy_close,
    .query = autonomy_query,
    .draw = autonomy_draw,
    .on_action = autonomy_on_action,
    .on_prompt = autonomy_on_prompt,
};
