/* SPDX-License-Identifier: MIT */
/* What floats above the view: prompt, palette, confirmation. Overlays draw in overlay.c.
 */
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "tui/card.h"
#include "tui/console_impl.h"

struct layer *layer_top(struct console *c)
{
    return c->n_layers > 0 ? &c->layers[c->n_layers - 1] : NULL;
}

static struct layer *push(struct console *c, enum layer_kind kind)
{
    if (c->n_layers == LAYERS_MAX) {
        c->n_layers--; /* the deepest ones are a help over a palette: nothing is lost */
    }
    struct layer *layer = &c->layers[c->n_layers++];
    *layer = (struct layer){.kind = kind, .choice = -1};
    c->needs_paint = true;
    return layer;
}

void layer_close(struct console *c)
{
    if (c->n_layers > 0) {
        c->n_layers--;
        c->needs_paint = true;
    }
}

enum context layer_context(const struct console *c)
{
    static const enum context contexts[] = {[LAYER_PROMPT] = CONTEXT_PROMPT,
                                            [LAYER_PALETTE] = CONTEXT_PALETTE,
                                            [LAYER_CONFIRM] = CONTEXT_CONFIRM,
                                            [LAYER_OVERLAY] = CONTEXT_OVERLAY};
    if (c->n_layers > 0) {
        return contexts[c->layers[c->n_layers - 1].kind];
    }
    const struct view *view = place_top(c);
    enum context context = view->klass->context;
    if (view->klass->takes_text == NULL || !view->klass->takes_text(view)) {
        return context;
    }
    for (enum context at = context;;) { /* a context for text looks further in edit */
        enum context parent = keymap_parent(c->keymap, at);
        if (at == CONTEXT_EDIT) {
            return context;
        }
        if (parent == at) {
            return CONTEXT_EDIT;
        }
        at = parent;
    }
}

bool layer_takes_text(struct console *c)
{
    const struct layer *layer = layer_top(c);
    return layer != NULL && (layer->kind == LAYER_PROMPT || layer->kind == LAYER_PALETTE);
}

/* ---- prompt ---- */

void layer_ask(struct console *c, const struct prompt_request *request,
               const char *initial)
{
    struct layer *layer = push(c, LAYER_PROMPT);
    layer->request = *request;
    (void)snprintf(layer->label, sizeof(layer->label), "%s", request->label);
    edit_set(&layer->edit, initial);
}

void layer_ask_reason(struct console *c, const char *label)
{
    /* The table of verbs says of each reason what it is for: a rejection is handed on. */
    const char *help = "";
    for (const struct verb_arg *arg = c->order.verb->args; arg->name != NULL; arg++) {
        help = strcmp(arg->name, "reason") == 0 ? arg->help : help;
    }
    struct layer *layer = push(c, LAYER_PROMPT);
    layer->is_for_order = true;
    layer->is_decision = c->order.n_subjects > 0;
    layer->key = "reason";
    layer->request.example = help;
    (void)snprintf(layer->label, sizeof(layer->label), "%s", label);
    edit_set(&layer->edit, "");
}

void layer_ask_argument(struct console *c, const char *key, const char *label,
                        const char *initial, const char *example)
{
    struct layer *layer = push(c, LAYER_PROMPT);
    layer->is_for_order = true;
    layer->is_decision = c->order.n_subjects > 0;
    layer->key = key;
    layer->request.example = example;
    (void)snprintf(layer->label, sizeof(layer->label), "%s", label);
    edit_set(&layer->edit, initial);
}

bool layer_must_arm(const struct layer *layer)
{
    return layer->kind == LAYER_CONFIRM ||
           (layer->kind == LAYER_PROMPT && layer->is_decision);
}

/* What was typed belongs to the order. False: it is not what was asked for. */
static bool take_argument(struct console *c, const char *key, const char *text)
{
    if (strcmp(key, "reason") == 0) {
        c->order.reason = mem_str(text);
        return true;
    }
    if (strcmp(key, "confirm") == 0) {
        if (!decide_check_name(c, text)) {
            return false;
        }
        c->order.confirm = mem_str(text);
        return true;
    }
    AUTO_BUF struct buf json;
    struct jsonw w;
    buf_init(&json, 4000);
    jsonw_init(&w, &json);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, key, text);
    jsonw_close(&w, '}');
    free(c->order.args);
    c->order.args = buf_take(&json, NULL);
    return true;
}

static void tell_prompt(struct console *c, const struct layer *layer, const char *text,
                        bool is_final)
{
    struct view *view = place_top(c);
    struct reply reply;
    if (view->klass->on_prompt == NULL) {
        return;
    }
    reply_init(&reply);
    view->klass->on_prompt(view, c->frame, layer->request.token, text, is_final, &reply);
    console_perform(c, &reply);
}

static void end_prompt(struct console *c, bool is_accepted)
{
    struct layer layer = *layer_top(c);
    if (is_accepted && layer.edit.len == 0 && !layer.request.may_be_empty) {
        console_say(c, MESSAGE_INFO, "%s: something is needed, or Esc", layer.label);
        return;
    }
    if (layer.is_for_order && is_accepted &&
        !take_argument(c, layer.key, layer.edit.text)) {
        return; /* said why; the dialog stays */
    }
    layer_close(c);
    if (!layer.is_for_order) {
        tell_prompt(c, &layer, is_accepted ? layer.edit.text : NULL, true);
    } else if (is_accepted) {
        order_send(c);
    } else {
        console_say(c, MESSAGE_INFO, "%s: given up", c->order.verb->name);
        order_drop(c);
    }
}

static void prompt_action(struct console *c, struct layer *layer, enum action action)
{
    bool is_known;
    if (layer_must_arm(layer) && !layer->is_armed && action != ACTION_CLOSE) {
        return; /* typed before it could be read */
    }
    if (action == ACTION_ACCEPT || action == ACTION_CLOSE) {
        end_prompt(c, action == ACTION_ACCEPT);
    } else if (edit_action(&layer->edit, action, &is_known) && layer->request.is_live) {
        tell_prompt(c, layer, layer->edit.text, false);
    }
}

/* ---- palette ---- */

static void find_candidates(struct console *c, struct layer *layer)
{
    layer->choice = -1;
    const struct palette_context context = {.frame = c->frame,
                                            .view = place_top(c),
                                            .saved = &c->saved,
                                            .themes = (const char *const *)c->themes,
                                            .n_themes = c->n_themes,
                                            .config = c->options->config};
    layer->n_candidates = palette_complete(layer->edit.text, &context, layer->candidates,
                                           ARRAY_LEN(layer->candidates));
    palette_usage(layer->edit.text, layer->usage, sizeof(layer->usage));
}

void layer_palette(struct console *c, const char *initial)
{
    struct layer *layer = push(c, LAYER_PALETTE);
    keep_find_themes(c);
    edit_set(&layer->edit, initial);
    find_candidates(c, layer);
}

/* Put the chosen candidate, or the best one, into the line. */
static void complete(struct console *c, struct layer *layer)
{
    char line[EDIT_MAX + 1];
    if (layer->n_candidates == 0) {
        return;
    }
    size_t i = layer->choice >= 0 ? (size_t)layer->choice : 0;
    palette_apply(layer->edit.text, &layer->candidates[i], line, sizeof(line));
    size_t len = strlen(line);
    if (len > 0 && len < EDIT_MAX && line[len - 1] != '=') {
        line[len] = ' ';
        line[len + 1] = '\0';
    }
    edit_set(&layer->edit, line);
    find_candidates(c, layer);
}

static void accept_line(struct console *c, struct layer *layer)
{
    char line[EDIT_MAX + 1];
    struct palette_command command;
    struct err err = ERR_INIT;
    (void)snprintf(line, sizeof(line), "%s", layer->edit.text);
    if (layer->choice >= 0) {
        palette_apply(layer->edit.text, &layer->candidates[layer->choice], line,
                      sizeof(line));
    } else if (line[0] != '\0' && !palette_parse(line, &command, &err) &&
               layer->n_candidates > 0 && strchr(line, ' ') == NULL) {
        /* Not a command as it stands: the best candidate is what was meant. In a longer line it
         * would be a guess at an argument: what is wrong there is said. */
        palette_apply(layer->edit.text, &layer->candidates[0], line, sizeof(line));
    } else if (line[0] != '\0' && err.code == ERR_NONE) {
        free(command.args);
    }
    layer_close(c);
    if (line[0] != '\0') {
        keep_line(c, line);
        console_run_line(c, line);
    }
}

static void choose(struct console *c, struct layer *layer, int step)
{
    int n = (int)layer->n_candidates;
    /* Up in an empty line walks through the lines typed before. */
    if (layer->choice < 0 && (step < 0 || layer->history > 0) &&
        (layer->edit.len == 0 || layer->history > 0)) {
        int to = layer->history - step;
        if (to >= 0 && to <= (int)c->n_lines) {
            layer->history = to;
            edit_set(&layer->edit, to > 0 ? c->lines[c->n_lines - (size_t)to] : "");
            find_candidates(c, layer);
        }
        return;
    }
    if (n > 0) {
        layer->choice = (layer->choice + step + (n + 1) + 1) % (n + 1) - 1;
    }
}

static void palette_action(struct console *c, struct layer *layer, enum action action)
{
    bool is_known;
    switch (action) {
    case ACTION_ACCEPT:
        accept_line(c, layer);
        return;
    case ACTION_CLOSE:
        layer_close(c);
        return;
    case ACTION_COMPLETE:
        complete(c, layer);
        return;
    case ACTION_CHOICE_NEXT:
        choose(c, layer, 1);
        return;
    case ACTION_CHOICE_PREVIOUS:
        choose(c, layer, -1);
        return;
    default:
        if (action == ACTION_EDIT_BACKSPACE && layer->edit.len == 0) {
            layer_close(c);
        } else if (edit_action(&layer->edit, action, &is_known)) {
            layer->history = 0;
            find_candidates(c, layer);
        }
    }
}

/* ---- confirmation ---- */

void layer_confirm(struct console *c)
{
    (void)push(c, LAYER_CONFIRM);
}

static void confirm_action(struct console *c, struct layer *layer, enum action action)
{
    if (!layer->is_armed) {
        return; /* typed before it could be read */
    }
    switch (action) {
    case ACTION_CHOICE_NEXT:
    case ACTION_CHOICE_PREVIOUS:
        layer->is_yes = !layer->is_yes;
        return;
    case ACTION_ACCEPT:
        action = layer->is_yes ? ACTION_YES : ACTION_NO;
        break;
    case ACTION_YES:
    case ACTION_NO:
    case ACTION_CLOSE:
        break;
    default:
        return;
    }
    layer_close(c);
    if (action == ACTION_YES) {
        order_send(c);
    } else {
        console_say(c, MESSAGE_INFO, "%s: not sent", c->order.verb->name);
        order_drop(c);
    }
}

/* ---- overlay ---- */

void layer_overlay(struct console *c, enum overlay_kind kind)
{
    enum context context = layer_context(c);
    bool is_past = past_is_on(c) && layer_top(c) == NULL;
    struct layer *layer = push(c, LAYER_OVERLAY);
    layer->overlay = kind;
    layer->context = context;
    layer->is_past = is_past;
}

static void overlay_action(struct console *c, struct layer *layer, enum action action)
{
    int page = layer->h > 2 ? layer->h - 2 : 1;
    switch (action) {
    case ACTION_ROW_DOWN:
        layer->scroll++;
        break;
    case ACTION_ROW_UP:
        layer->scroll--;
        break;
    case ACTION_PAGE_DOWN:
        layer->scroll += page;
        break;
    case ACTION_PAGE_UP:
        layer->scroll -= page;
        break;
    case ACTION_TOP:
        layer->scroll = 0;
        break;
    case ACTION_END:
        layer->scroll = layer->n_rows;
        break;
    case ACTION_CLOSE:
        layer_close(c);
        return;
    default:
        (void)console_action(c, action);
        return;
    }
    int most = layer->n_rows > layer->h ? layer->n_rows - layer->h : 0;
    layer->scroll = layer->scroll > most ? most : layer->scroll;
    layer->scroll = layer->scroll < 0 ? 0 : layer->scroll;
}

/* ---- dispatch ---- */

static bool is_for_console(enum action action)
{
    return action == ACTION_HELP || action == ACTION_REDRAW || action == ACTION_SUSPEND ||
           action == ACTION_PERF || action == ACTION_THEME_NEXT;
}

void layer_action(struct console *c, enum action action)
{
    struct layer *layer = layer_top(c);
    c->needs_paint = true;
    if (is_for_console(action) && layer->kind != LAYER_OVERLAY) {
        (void)console_action(c, action);
        return;
    }
    switch (layer->kind) {
    case LAYER_PROMPT:
        prompt_action(c, layer, action);
        return;
    case LAYER_PALETTE:
        palette_action(c, layer, action);
        return;
    case LAYER_CONFIRM:
        confirm_action(c, layer, action);
        return;
    case LAYER_OVERLAY:
        overlay_action(c, layer, action);
        return;
    }
}

void layer_text(struct console *c, const char *text, size_t len)
{
    struct layer *layer = layer_top(c);
    if (layer_must_arm(layer) && !layer->is_armed) {
        return; /* typed before it could be read */
    }
    edit_insert(&layer->edit, text, len);
    c->needs_paint = true;
    if (layer->kind == LAYER_PALETTE) {
        layer->history = 0;
        find_candidates(c, layer);
    } else if (layer->request.is_live) {
        tell_prompt(c, layer, layer->edit.text, false);
    }
}

/* ---- drawing ---- */

static void draw_candidates(const struct layer *layer, const struct canvas *canvas)
{
    int n = (int)layer->n_candidates;
    int w = canvas->w - 2 < 78 ? canvas->w - 2 : 78;
    int head = layer->usage[0] != '\0' ? 1 : 0;
    if (n + head == 0) {
        return;
    }
    struct canvas all = canvas_popup(
        canvas, (struct rect){0, canvas->h - 3 - n - head, w, n + head + 2}, "");
    if (head > 0) {
        (void)canvas_text(&all, 0, 0, CANVAS_REST, ROLE_POPUP_DIM, layer->usage);
    }
    struct canvas inside = canvas_sub(&all, (struct rect){0, head, all.w, n});
    for (int i = 0; i < n; i++) {
        const struct palette_candidate *row = &layer->candidates[i];
        bool is_chosen = i == layer->choice;
        if (is_chosen) {
            canvas_ground(&inside, (struct rect){-1, i, inside.w + 2, 1},
                          ROLE_POPUP_CHOICE);
        }
        (void)canvas_text(&inside, 0, i, 22, is_chosen ? ROLE_TEXT_STRONG : ROLE_POPUP,
                          row->text);
        (void)canvas_text(&inside, 24, i, CANVAS_REST, ROLE_POPUP_DIM, row->help);
    }
}

static int draw_button(const struct canvas *canvas, int x, int y, bool is_chosen,
                       enum theme_role role, const char *text)
{
    int used = canvas_printf(canvas, x, y, CANVAS_REST, role, "%c %s %c",
                             is_chosen ? '[' : ' ', text, is_chosen ? ']' : ' ');
    if (is_chosen) {
        canvas_ground(canvas, (struct rect){x, y, used, 1}, ROLE_POPUP_CHOICE);
    }
    return x + used + 2;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static void draw_confirm(const struct console *c, const struct layer *layer,
                         const struct canvas *canvas)
{
    const struct order *order = &c->order;
    char target[64];
    char title[128];
    char yes[96];
    char text[300];
    int w = canvas->w - 4 < 64 ? canvas->w - 4 : 64;
    int h = 9;
    (void)order_target(c, target, sizeof(target));
    bool is_production = config_is_production(c->options->config);
    (void)chrome_environment(c, text, sizeof(text));
    (void)snprintf(title, sizeof(title), "%c%s %s%s%.40s?", upper(order->verb->name[0]),
                   order->verb->name + 1, target, is_production ? " in " : "",
                   is_production ? text : "");
    (void)snprintf(yes, sizeof(yes), "Yes, %s", order->verb->name);
    struct canvas inside = canvas_popup(
        canvas, (struct rect){(canvas->w - w) / 2, (canvas->h - h) / 2, w, h}, title);
    int y = 1;
    const struct view_subject *one = order->n_subjects == 1 ? order->subjects : NULL;
    (void)snprintf(text, sizeof(text), "%s: %s", one != NULL ? risk_word(one->risk) : "",
                   one != NULL ? one->rule : "");
    const char *what = one != NULL ? one->title : order->title;
    const char *why = one != NULL ? text : order->why;
    if (what[0] != '\0') {
        (void)canvas_text(&inside, 0, y++, CANVAS_REST, ROLE_TEXT_STRONG, what);
    }
    if (why[0] != '\0') {
        (void)canvas_text(&inside, 0, y++, CANVAS_REST,
                          one != NULL ? card_risk_role(one->risk) : ROLE_POPUP_DIM, why);
    }
    y += y > 1 ? 1 : 0;
    (void)snprintf(text, sizeof(text), "%c%s.", upper(order->verb->help[0]),
                   order->verb->help + 1);
    if (order->n_subjects > 0) {
        (void)snprintf(text, sizeof(text),
                       "What was shown is approved, and nothing else.");
    }
    (void)canvas_paragraph(&inside, (struct rect){0, y, inside.w, inside.h - 2 - y},
                           ROLE_POPUP, text);
    int x =
        draw_button(&inside, 0, inside.h - 1, !layer->is_yes, ROLE_POPUP, "No, go back");
    (void)draw_button(&inside, x, inside.h - 1, layer->is_yes, ROLE_POPUP_DANGER, yes);
}

static void draw_edit(const struct layer *layer, const struct canvas *canvas)
{
    int y = canvas->h - 1;
    int x = 1;
    canvas_fill(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_BOTTOM);
    if (layer->kind == LAYER_PALETTE) {
        x += canvas_text(canvas, x, y, 1, ROLE_INPUT_LABEL, ":");
    } else {
        x += canvas_printf(canvas, x, y, canvas->w / 2, ROLE_INPUT_LABEL,
                           "%s: ", layer->label);
    }
    int width = canvas->w - x - 1;
    if (layer->edit.len == 0 && layer->request.example != NULL) {
        (void)canvas_text(canvas, x, y, width, ROLE_INPUT_GHOST, layer->request.example);
        canvas_put_cursor(canvas, x, y);
        return;
    }
    edit_draw(&layer->edit, canvas, x, y, width, ROLE_INPUT);
}

void layer_draw(struct console *c, const struct canvas *canvas)
{
    for (size_t i = 0; i < c->n_layers; i++) {
        struct layer *layer = &c->layers[i];
        switch (layer->kind) {
        case LAYER_PALETTE:
            draw_candidates(layer, canvas);
            draw_edit(layer, canvas);
            break;
        case LAYER_PROMPT:
            if (layer->key != NULL && strcmp(layer->key, "confirm") == 0) {
                decide_draw(c, canvas);
            }
            draw_edit(layer, canvas);
            break;
        case LAYER_CONFIRM:
            draw_confirm(c, layer, canvas);
            break;
        case LAYER_OVERLAY:
            layer->n_rows = overlay_draw(c, layer, canvas);
            break;
        }
    }
}
