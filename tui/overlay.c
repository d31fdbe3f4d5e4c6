/* SPDX-License-Identifier: MIT */
/* Text that floats: help, made from the live key tables, and the messages of this
 * session. */
#include "engine/base/mem.h"
#include "tui/console_impl.h"
#include "tui/twin.h"

/* Rows are drawn one by one; those outside the window are only counted. */
struct sheet {
    struct canvas canvas;
    int skip, row;
};

/* Canvas row of the next row of the sheet, or -1 when it is out of sight. */
static int next_row(struct sheet *sheet)
{
    int y = sheet->row++ - sheet->skip;
    return y >= 0 && y < sheet->canvas.h ? y : -1;
}

static void write_title(struct sheet *sheet, const char *name, const char *text)
{
    int y = next_row(sheet);
    char upper[32];
    size_t n = 0;
    for (; name[n] != '\0' && n + 1 < sizeof(upper); n++) {
        upper[n] =
            name[n] >= 'a' && name[n] <= 'z' ? (char)(name[n] - 'a' + 'A') : name[n];
    }
    upper[n] = '\0';
    if (y >= 0) {
        int used = canvas_text(&sheet->canvas, 0, y, 20, ROLE_TITLE, upper);
        (void)canvas_text(&sheet->canvas, used + 2, y, CANVAS_REST, ROLE_POPUP_DIM, text);
    }
}

/* What a key does, as console.c looks it up: the past comes before the view. */
static enum action find_action(const struct console *c, const struct layer *layer,
                               uint32_t key)
{
    enum action action =
        layer->is_past ? keymap_find(c->keymap, CONTEXT_PAST, key) : ACTION_NONE;
    return action != ACTION_NONE ? action : keymap_find(c->keymap, layer->context, key);
}

/* Keys of `action` written in `at` that do it here: a key that a nearer context took over is
 * not shown. */
static void write_action(const struct console *c, struct sheet *sheet,
                         const struct layer *layer, enum context at, enum action action)
{
    char keys[96];
    size_t len = 0;
    uint32_t key;
    enum action bound;
    for (size_t i = 0; keymap_row(c->keymap, at, i, &key, &bound); i++) {
        char label[KEY_TEXT_MAX];
        if (bound != action || find_action(c, layer, key) != action) {
            continue;
        }
        int n = snprintf(keys + len, sizeof(keys) - len, "%s%s", len > 0 ? "  " : "",
                         key_label(key, label));
        len = len + (size_t)n < sizeof(keys) ? len + (size_t)n : sizeof(keys) - 1;
    }
    if (len == 0) {
        return;
    }
    int y = next_row(sheet);
    if (y < 0) {
        return;
    }
    const struct verb *verb = verb_find(action_verb(action));
    bool is_refused = verb != NULL && verb->changes && console_is_read_only(c);
    (void)canvas_text(&sheet->canvas, 2, y, 20, ROLE_BOTTOM_KEY, keys);
    (void)canvas_printf(&sheet->canvas, 24, y, CANVAS_REST,
                        is_refused ? ROLE_POPUP_DIM : ROLE_POPUP, "%s%s",
                        action_help(action), is_refused ? " (refused: read-only)" : "");
}

static void write_context(const struct console *c, struct sheet *sheet,
                          const struct layer *layer, enum context at)
{
    uint32_t key;
    enum action action;
    if (!keymap_row(c->keymap, at, 0, &key, &action)) {
        return;
    }
    write_title(sheet, context_name(at), context_help(at));
    for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++) {
        write_action(c, sheet, layer, at, (enum action)i);
    }
    (void)next_row(sheet);
}

/* What this view shows, in lines, for scripts. */
static void write_twin(const struct console *c, struct sheet *sheet)
{
    const struct twin *twin = twin_find(place_top(c)->klass->name);
    int y = twin != NULL ? next_row(sheet) : -1;
    if (y < 0) {
        return;
    }
    int used = canvas_text(&sheet->canvas, 0, y, 20, ROLE_TITLE, "IN LINES");
    (void)canvas_printf(&sheet->canvas, used + 2, y, CANVAS_REST, ROLE_POPUP_DIM,
                        "signalbox %s%s%s, with --json for scripts", twin->command,
                        twin->target[0] != '\0' ? " " : "", twin->target);
}

static void write_help(const struct console *c, struct sheet *sheet,
                       const struct layer *layer)
{
    enum context at = layer->context;
    if (layer->is_past) {
        write_context(c, sheet, layer, CONTEXT_PAST);
    }
    for (;;) {
        write_context(c, sheet, layer, at);
        enum context parent = keymap_parent(c->keymap, at);
        if (parent == at) {
            break;
        }
        at = parent;
    }
    write_twin(c, sheet);
    write_title(sheet, "more",
                "signalbox-keys(7): your own keys; signalbox(1): everything else");
}

static void write_messages(const struct console *c, struct sheet *sheet)
{
    static const enum theme_role roles[] = {[MESSAGE_INFO] = ROLE_MESSAGE,
                                            [MESSAGE_OK] = ROLE_MESSAGE_OK,
                                            [MESSAGE_WARN] = ROLE_MESSAGE_WARN,
                                            [MESSAGE_ERROR] = ROLE_MESSAGE_ERROR};
    static const char *const words[] = {[MESSAGE_INFO] = "",
                                        [MESSAGE_OK] = "done",
                                        [MESSAGE_WARN] = "note",
                                        [MESSAGE_ERROR] = "failed"};
    size_t n = c->n_messages < MESSAGES_MAX ? c->n_messages : MESSAGES_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct message *message =
            &c->messages[(c->n_messages - 1 - i) % MESSAGES_MAX];
        char at[CLOCK_TEXT_MAX];
        int y = next_row(sheet);
        if (y < 0) {
            continue;
        }
        (void)canvas_text(&sheet->canvas, 0, y, 10, ROLE_POPUP_DIM,
                          wall_format_time(message->at, true, at));
        (void)canvas_text(&sheet->canvas, 11, y, 6, roles[message->kind],
                          words[message->kind]);
        (void)canvas_text(&sheet->canvas, 18, y, CANVAS_REST, roles[message->kind],
                          message->text);
    }
    if (n == 0) {
        int y = next_row(sheet);
        if (y >= 0) {
            (void)canvas_text(&sheet->canvas, 0, y, CANVAS_REST, ROLE_POPUP_DIM,
                              "No messages yet.");
        }
    }
}

int overlay_draw(struct console *c, struct layer *layer, const struct canvas *canvas)
{
    int w = canvas->w - 4 < 84 ? canvas->w - 4 : 84;
    int h = canvas->h - 3;
    struct canvas inside =
        canvas_popup(canvas, (struct rect){(canvas->w - w) / 2, 1, w, h},
                     layer->overlay == OVERLAY_HELP ? "Keys" : "Messages");
    struct sheet sheet = {.canvas = inside, .skip = layer->scroll};
    layer->h = inside.h;
    if (layer->overlay == OVERLAY_HELP) {
        write_help(c, &sheet, layer);
    } else {
        write_messages(c, &sheet);
    }
    if (sheet.row > inside.h) {
        int last =
            layer->scroll + inside.h < sheet.row ? layer->scroll + inside.h : sheet.row;
        (void)canvas_right_printf(canvas, (canvas->w - w) / 2, 1, w - 2, ROLE_POPUP_DIM,
                                  " %d to %d of %d ", layer->scroll + 1, last, sheet.row);
    }
    return sheet.row;
}
