/* SPDX-License-Identifier: MIT */
/* The lines around a view: where the operator is, and what can be done here. */
#include "engine/base/text.h"
#include "tui/console_impl.h"

/* Age in one unit, so that it changes at most once a minute. */
static const char *coarse_age(struct span span, char out[CLOCK_TEXT_MAX])
{
    int64_t minutes = span.ms > 0 ? span.ms / 60000 : 0;
    if (minutes < 1) {
        (void)snprintf(out, CLOCK_TEXT_MAX, "<1m");
    } else if (minutes < 60) {
        (void)snprintf(out, CLOCK_TEXT_MAX, "%dm", (int)minutes);
    } else if (minutes < 48 * 60) {
        (void)snprintf(out, CLOCK_TEXT_MAX, "%dh", (int)(minutes / 60));
    } else {
        (void)snprintf(out, CLOCK_TEXT_MAX, "%lldd", (long long)(minutes / 1440));
    }
    return out;
}

static enum theme_role engine_phrase(const struct console *c, char *out, size_t cap)
{
    const struct frame_engine *engine = &c->frame->engine;
    char age[CLOCK_TEXT_MAX];
    switch (engine->health) {
    case ENGINE_RUNNING:
        if (wall_is_set(engine->started_at)) {
            (void)snprintf(out, cap, "engine up %s",
                           coarse_age(wall_since(c->now, engine->started_at), age));
        } else {
            (void)snprintf(out, cap, "engine up");
        }
        return engine->fault != NULL && engine->fault[0] != '\0' ? ROLE_STATUS_WARN
                                                                 : ROLE_TOP_STATE;
    case ENGINE_GONE:
        (void)snprintf(out, cap, "engine not running");
        return ROLE_STATUS_ERROR;
    case ENGINE_UNKNOWN:
        out[0] = '\0';
        return ROLE_TOP_STATE;
    default:
        (void)snprintf(out, cap, "engine %s", engine_health_word(engine->health));
        return ROLE_STATUS_WARN;
    }
}

static int draw_crumbs(const struct console *c, const struct canvas *canvas, int x,
                       int width)
{
    for (size_t i = 0; i < c->n_stack; i++) {
        const struct view *view = c->stack[i];
        char crumb[128];
        if (strcmp(view->klass->name, "overview") == 0 && i == 0) {
            continue; /* it is home: the host says it */
        }
        (void)snprintf(crumb, sizeof(crumb), "%s", view->klass->title);
        if (view->klass->crumb != NULL) {
            view->klass->crumb(view, c->frame, crumb, sizeof(crumb));
        }
        x += canvas_text(canvas, x, 0, width - x, ROLE_TEXT_DIM, " › ");
        x += canvas_text(canvas, x, 0, width - x,
                         i + 1 == c->n_stack ? ROLE_TOP_PLACE : ROLE_TEXT_DIM, crumb);
    }
    return x;
}

/* What stands at the right edge of the top line, from the edge on. */
enum piece { PIECE_TIME, PIECE_ENGINE, PIECE_NEEDS, PIECE_HERE, PIECE_READ_ONLY, PIECES };
#define PIECE_GAP 3
#define NAME_ROOM 14 /* of the name of the program at the left, with the gap */

struct pieces {
    char text[PIECES][64]; /* "" = none */
    enum theme_role role[PIECES];
};

static void fill_pieces(const struct console *c, struct pieces *pieces)
{
    char text[CLOCK_TEXT_MAX];
    size_t cap = sizeof(pieces->text[0]);
    int64_t n = frame_attention(c->frame);
    pieces->role[PIECE_TIME] = ROLE_TOP_STATE;
    (void)snprintf(pieces->text[PIECE_TIME], cap, "%s",
                   wall_format_time(c->now, false, text));
    pieces->role[PIECE_ENGINE] = engine_phrase(c, pieces->text[PIECE_ENGINE], cap);
    pieces->role[PIECE_NEEDS] = ROLE_STATUS_HUMAN;
    if (n > 0) {
        (void)snprintf(pieces->text[PIECE_NEEDS], cap, "%lld need%s you", (long long)n,
                       n == 1 ? "s" : "");
    }
    pieces->role[PIECE_HERE] = ROLE_TOP_STATE;
    if (c->frame->n_here > 1) {
        (void)snprintf(pieces->text[PIECE_HERE], cap, "%zu here", c->frame->n_here);
    }
    pieces->role[PIECE_READ_ONLY] = ROLE_STATUS_WARN;
    if (console_is_read_only(c)) {
        (void)snprintf(pieces->text[PIECE_READ_ONLY], cap, "read-only");
    }
}

/* Where there is no room for all, the least important are left out. */
static void drop_pieces(struct pieces *pieces, int room)
{
    static const enum piece by_importance[PIECES] = {PIECE_ENGINE, PIECE_READ_ONLY,
                                                     PIECE_NEEDS, PIECE_TIME, PIECE_HERE};
    for (int i = 0; i < PIECES; i++) {
        char *text = pieces->text[by_importance[i]];
        int cells = text_cells(text, strlen(text));
        if (cells > room) {
            text[0] = '\0';
        } else if (cells > 0) {
            room -= cells + PIECE_GAP;
        }
    }
}

/* Returns where the left part must end. */
static int draw_pieces(const struct console *c, const struct canvas *canvas)
{
    struct pieces pieces = {0};
    int right = canvas->w - 1;
    fill_pieces(c, &pieces);
    drop_pieces(&pieces, right - NAME_ROOM);
    for (int i = 0; i < PIECES; i++) {
        const char *text = pieces.text[i];
        int cells = text_cells(text, strlen(text));
        if (cells > 0) {
            (void)canvas_text(canvas, right - cells, 0, cells, pieces.role[i], text);
            right -= cells + PIECE_GAP;
        }
    }
    return right;
}

int chrome_banner_rows(const struct console *c)
{
    bool is_halted = c->frame != NULL && c->frame->halt.is_on;
    return (past_is_on(c) ? 1 : 0) + (is_halted ? 1 : 0);
}

/* Who, when, why, and how it goes on: in words, on every view. */
static void draw_halt(const struct console *c, const struct canvas *canvas, int y)
{
    const struct halt_row *halt = &c->frame->halt;
    char key[KEY_TEXT_MAX], age[CLOCK_TEXT_MAX], hint[64], text[400];
    char by[60 + 1], reason[250 + 1];
    (void)keymap_label(c->keymap, CONTEXT_GLOBAL, ACTION_RELEASE, key);
    (void)snprintf(hint, sizeof(hint), "%s%sends it", key[0] != '\0' ? key : ":release",
                   " ");
    (void)snprintf(text, sizeof(text), "HALTED by %s, %s ago%s%s; %s",
                   halt->by[0] != '\0' ? text_clean_into(by, sizeof(by), halt->by)
                                       : "somebody",
                   coarse_age(wall_since(c->now, halt->at), age),
                   halt->reason[0] != '\0' ? ": " : "",
                   text_clean_into(reason, sizeof(reason), halt->reason),
                   "nothing goes on by itself");
    int cells = text_cells(hint, strlen(hint));
    canvas_fill(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_STATUS_ERROR);
    (void)canvas_text(canvas, canvas->w - 1 - cells, y, cells, ROLE_STATUS_ERROR, hint);
    (void)canvas_text(canvas, 1, y, canvas->w - 4 - cells, ROLE_STATUS_ERROR, text);
}

const char *chrome_environment(const struct console *c, char *out, size_t cap)
{
    bool is_production = config_is_production(c->options->config);
    (void)text_clean_into(out, cap, c->options->config->environment);
    for (char *p = out; is_production && *p != '\0'; p++) {
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    }
    if (is_production && out[0] == '\0') {
        (void)snprintf(out, cap, "PRODUCTION");
    }
    return out;
}

/* Production stands between two triangles, so that nobody has to see a colour to know where
 * he is. */
static int draw_environment(const struct console *c, const struct canvas *canvas, int x,
                            int right)
{
    char name[80];
    (void)chrome_environment(c, name, sizeof(name));
    if (name[0] == '\0') {
        return x;
    }
    bool is_production = config_is_production(c->options->config);
    x += canvas_text(canvas, x, 0, right - x, ROLE_TEXT_DIM,
                     is_production ? "  ▲ " : " · ");
    x += canvas_text(canvas, x, 0, right - x, ROLE_TOP_ENVIRONMENT, name);
    if (is_production) {
        x += canvas_text(canvas, x, 0, right - x, ROLE_TEXT_DIM, " ▲ ");
    }
    return x;
}

void chrome_draw_top(const struct console *c, const struct canvas *canvas)
{
    int y = 1;
    if (past_is_on(c)) {
        past_draw(c, canvas, y++);
    }
    if (c->frame->halt.is_on) {
        draw_halt(c, canvas, y);
    }
    canvas_fill(canvas, (struct rect){0, 0, canvas->w, 1}, ROLE_TOP);
    int right = draw_pieces(c, canvas);
    int x = 1;
    x += canvas_text(canvas, x, 0, right - x, ROLE_TOP_NAME, "signalbox");
    x += canvas_text(canvas, x, 0, right - x, ROLE_TOP, "  ");
    x += canvas_text(canvas, x, 0, right - x, ROLE_TOP_PLACE, c->host);
    x = draw_environment(c, canvas, x, right);
    (void)draw_crumbs(c, canvas, x, right);
    if (config_is_production(c->options->config)) {
        canvas_ground(canvas, (struct rect){0, 0, canvas->w, 1}, ROLE_TOP_PRODUCTION);
    }
}

/* "key word" at x; 0 when it does not fit before `right` or has no key here. */
static int draw_hint(const struct console *c, const struct canvas *canvas, int x,
                     int right, enum action action)
{
    char key[KEY_TEXT_MAX];
    int y = canvas->h - 1;
    const char *word = action_word(action);
    const char *decides = decide_verb(action);
    const struct verb *verb = verb_find(decides != NULL ? decides : action_verb(action));
    (void)keymap_label(c->keymap, layer_context(c), action, key);
    int cells = text_cells(key, strlen(key)) + 1 + text_cells(word, strlen(word));
    bool changes = decides != NULL || (verb != NULL && verb->changes);
    bool is_refused = changes && console_is_read_only(c);
    if (key[0] == '\0' || is_refused || x + cells > right) {
        return 0;
    }
    int used = canvas_text(canvas, x, y, cells, ROLE_BOTTOM_KEY, key);
    (void)canvas_text(canvas, x + used + 1, y, cells, ROLE_BOTTOM, word);
    return cells + 2;
}

/* What is always there, at the right edge; returns where it begins. */
static int draw_always(const struct console *c, const struct canvas *canvas)
{
    static const enum action always[] = {ACTION_HELP, ACTION_PALETTE};
    int right = canvas->w - 1;
    for (size_t i = 0; i < ARRAY_LEN(always); i++) {
        char key[KEY_TEXT_MAX];
        const char *word = action_word(always[i]);
        (void)keymap_label(c->keymap, layer_context(c), always[i], key);
        int cells = text_cells(key, strlen(key)) + 1 + text_cells(word, strlen(word));
        if (key[0] != '\0') {
            (void)draw_hint(c, canvas, right - cells, right, always[i]);
            right -= cells + 2;
        }
    }
    return right;
}

static void draw_hints(const struct console *c, const struct canvas *canvas, int right,
                       const enum action *hints, size_t n)
{
    int x = 1;
    for (size_t i = 0; i < n && hints[i] != ACTION_NONE; i++) {
        if (hints[i] != ACTION_HELP && hints[i] != ACTION_PALETTE) {
            x += draw_hint(c, canvas, x, right, hints[i]);
        }
    }
}

static void draw_message(const struct console *c, const struct canvas *canvas, int right)
{
    static const enum theme_role roles[] = {[MESSAGE_INFO] = ROLE_MESSAGE,
                                            [MESSAGE_OK] = ROLE_MESSAGE_OK,
                                            [MESSAGE_WARN] = ROLE_MESSAGE_WARN,
                                            [MESSAGE_ERROR] = ROLE_MESSAGE_ERROR};
    static const enum glyph glyphs[] = {[MESSAGE_INFO] = GLYPH_TODO,
                                        [MESSAGE_OK] = GLYPH_OK,
                                        [MESSAGE_WARN] = GLYPH_HIGH,
                                        [MESSAGE_ERROR] = GLYPH_FAIL};
    const struct message *message = &c->messages[(c->n_messages - 1) % MESSAGES_MAX];
    enum theme_role role = roles[message->kind];
    if (text_cells(message->text, strlen(message->text)) > right - 3) {
        right = canvas->w - 1; /* what happened is worth more than what is always there */
        canvas_fill(canvas, (struct rect){0, canvas->h - 1, canvas->w, 1}, ROLE_BOTTOM);
    }
    canvas_glyph(canvas, 1, canvas->h - 1, role, glyphs[message->kind]);
    (void)canvas_text(canvas, 3, canvas->h - 1, right - 3, role, message->text);
}

void chrome_draw_bottom(struct console *c, const struct canvas *canvas)
{
    static const enum action confirm[] = {ACTION_YES,    ACTION_NO,    ACTION_CHOICE_NEXT,
                                          ACTION_ACCEPT, ACTION_CLOSE, ACTION_NONE};
    static const enum action overlay[] = {ACTION_CLOSE, ACTION_ROW_DOWN, ACTION_ROW_UP,
                                          ACTION_PAGE_DOWN, ACTION_NONE};
    const struct layer *layer = layer_top(c);
    int y = canvas->h - 1;
    canvas_fill(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_BOTTOM);
    if (c->is_perf_shown) {
        char perf[200];
        perf_format(&c->perf, mono_now(), perf, sizeof(perf));
        (void)canvas_text(canvas, 1, y - 1, CANVAS_REST, ROLE_TEXT_DIM, perf);
    }
    int right = draw_always(c, canvas);
    if (layer != NULL && layer->kind == LAYER_CONFIRM) {
        draw_hints(c, canvas, right, confirm, ARRAY_LEN(confirm));
    } else if (layer != NULL && layer->kind == LAYER_OVERLAY) {
        draw_hints(c, canvas, right, overlay, ARRAY_LEN(overlay));
    } else if (c->is_message_shown) {
        draw_message(c, canvas, right);
    } else {
        draw_hints(c, canvas, right, place_top(c)->klass->hints, VIEW_HINTS_MAX);
    }
}

void chrome_draw_too_small(const struct canvas *canvas)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%dx%d is too small", canvas->w, canvas->h);
    (void)canvas_text(canvas, 0, 0, CANVAS_REST, ROLE_STATUS_WARN, text);
    (void)snprintf(text, sizeof(text), "signalbox needs %dx%d", TERM_MIN_W, TERM_MIN_H);
    (void)canvas_text(canvas, 0, 1, CANVAS_REST, ROLE_TEXT, text);
    (void)canvas_text(canvas, 0, 2, CANVAS_REST, ROLE_TEXT_DIM, "q quits");
}
