/* SPDX-License-Identifier: MIT */
/* Setup: what was found, and the files that would be written. The console writes them, when
 * somebody has seen them and says yes (tui/first_run.c). */
#include "tui/view/setup.h"

#include "engine/base/file.h"
#include "engine/base/text.h"
#include "tui/view/common.h"
#include "tui/widget/look.h"

#define X_VALUE   18
#define FOOT_ROWS 2 /* a blank, and what can be done */

struct setup_line {
    enum theme_role role;
    enum glyph glyph;  /* GLYPH_COUNT = none */
    const char *label; /* static, or NULL */
    char *text;
};

struct setup_view {
    struct view view;
    struct setup *setup;
    struct setup_line *lines;
    int n_lines, top;
};

static const struct setup_world *fixed_world;

void setup_view_use(const struct setup_world *world)
{
    fixed_world = world;
}

const struct setup *setup_view_get(const struct view *view)
{
    return ((const struct setup_view *)view)->setup;
}

static struct setup *look(void)
{
    struct err err = ERR_INIT;
    if (fixed_world != NULL) {
        AUTO_FREE char *config =
            mem_printf("%s/signalbox/signalbox.yaml", fixed_world->config_home);
        return setup_new(fixed_world, "/srv/git/payments", config);
    }
    struct setup_world world;
    AUTO_FREE char *here = file_real(".", &err);
    AUTO_FREE char *folder = file_config_dir();
    AUTO_FREE char *config = file_join(folder, "signalbox.yaml");
    setup_world_real(&world);
    struct setup *setup = setup_new(&world, here != NULL ? here : "/", config);
    setup_world_fini(&world);
    return setup;
}

/* ---- lines ---- */

static void add(struct setup_view *self, struct setup_line line)
{
    self->lines = mem_grow(self->lines, (size_t)self->n_lines + 1, sizeof(line));
    self->lines[self->n_lines++] = line;
}

static void add_text(struct setup_view *self, enum theme_role role, const char *text)
{
    add(self,
        (struct setup_line){.role = role, .glyph = GLYPH_COUNT, .text = mem_str(text)});
}

static void add_file(struct setup_view *self, const struct setup_file *file)
{
    AUTO_FREE char *head = mem_printf(
        "%s%s", file->path, file->exists ? "  is there already, and stays as it is" : "");
    add_text(self, ROLE_TEXT, "");
    add_text(self, ROLE_TEXT_STRONG, head);
    const char *at = file->exists ? "" : file->text;
    while (*at != '\0') {
        size_t len = strcspn(at, "\n");
        AUTO_FREE char *line = mem_printf("  %.*s", (int)len, at);
        add_text(self, at[0] == '#' ? ROLE_TEXT_DIM : ROLE_TEXT, line);
        at += len + (at[len] == '\n' ? 1 : 0);
    }
}

static struct view *setup_open(int64_t id, const char *arg)
{
    struct setup_view *self = mem_alloc(sizeof(*self));
    (void)id;
    (void)arg;
    self->setup = look();
    for (size_t i = 0; i < self->setup->n_facts; i++) {
        const struct setup_fact *fact = &self->setup->facts[i];
        add(self,
            (struct setup_line){.role = fact->is_found ? ROLE_TEXT : ROLE_STATUS_WARN,
                                .glyph = fact->is_found ? GLYPH_OK : GLYPH_FAIL,
                                .label = fact->label,
                                .text = mem_str(fact->value)});
    }
    for (size_t i = 0; i < SETUP_FILES; i++) {
        if (self->setup->files[i].path != NULL) {
            add_file(self, &self->setup->files[i]);
        }
    }
    return &self->view;
}

static void setup_close(struct view *view)
{
    struct setup_view *self = (struct setup_view *)view;
    for (int i = 0; i < self->n_lines; i++) {
        free(self->lines[i].text);
    }
    free(self->lines);
    setup_free(self->setup);
    free(self);
}

/* ---- drawing ---- */

#define HEAD_ROWS 2 /* title, blank */

static int rows_of(const struct view *view)
{
    int h = view->h - HEAD_ROWS - FOOT_ROWS;
    return h > 0 ? h : 0;
}

static int last_top(const struct setup_view *self)
{
    int most = self->n_lines - rows_of(&self->view);
    return most > 0 ? most : 0;
}

static void draw_line(const struct canvas *canvas, int y, const struct setup_line *line)
{
    if (line->label == NULL) {
        look_text(canvas, 2, y, canvas->w - 3, line->role, line->text);
        return;
    }
    look_text(canvas, 2, y, X_VALUE - 5, ROLE_TEXT_DIM, line->label);
    canvas_glyph(canvas, X_VALUE - 2, y,
                 line->glyph == GLYPH_OK ? ROLE_STATUS_OK : ROLE_STATUS_WARN,
                 line->glyph);
    look_text(canvas, X_VALUE, y, canvas->w - X_VALUE - 1, line->role, line->text);
}

static void setup_draw(const struct view *view, const struct frame *frame,
                       const struct canvas *canvas)
{
    const struct setup_view *self = (const struct setup_view *)view;
    size_t n = setup_missing(self->setup);
    int top = self->top < last_top(self) ? self->top : last_top(self);
    int rows = canvas->h - HEAD_ROWS - FOOT_ROWS;
    char foot[120];
    (void)frame;
    look_title(canvas, 2, 0, canvas->w - 3, "SETUP",
               n > 0 ? "what was found here, and what would be written"
                     : "everything is there already");
    for (int i = 0; i < rows && top + i < self->n_lines; i++) {
        draw_line(canvas, HEAD_ROWS + i, &self->lines[top + i]);
    }
    int below = self->n_lines - top - rows;
    (void)snprintf(foot, sizeof(foot), "%s%s",
                   n == 0   ? "Nothing to write."
                   : n == 1 ? "Write this file?"
                            : "Write these two files?",
                   below > 0 ? "  There is more below." : "");
    look_text(canvas, 2, canvas->h - 1, canvas->w - 3,
              n > 0 ? ROLE_STATUS_HUMAN : ROLE_TEXT_DIM, foot);
}

static void setup_on_action(struct view *view, const struct frame *frame,
                            enum action action, struct reply *reply)
{
    struct setup_view *self = (struct setup_view *)view;
    int page = rows_of(view) > 1 ? rows_of(view) - 1 : 1;
    int top = self->top < last_top(self) ? self->top : last_top(self);
    (void)frame;
    switch (action) {
    case ACTION_ROW_DOWN:
        top++;
        break;
    case ACTION_ROW_UP:
        top--;
        break;
    case ACTION_PAGE_DOWN:
        top += page;
        break;
    case ACTION_PAGE_UP:
        top -= page;
        break;
    case ACTION_TOP:
        top = 0;
        break;
    case ACTION_END:
        top = last_top(self);
        break;
    case ACTION_NO:
        reply->flags |= REPLY_CLOSE;
        return;
    default:
        reply->flags |= REPLY_UNUSED;
        return;
    }
    self->top = top < 0 ? 0 : top > last_top(self) ? last_top(self) : top;
    reply->flags |= REPLY_REDRAW;
}

const struct view_class setup_class = {
    .name = "setup",
    .title = "setup",
    .help = "A configuration and a pipeline for the repository you are in",
    .context = CONTEXT_SETUP,
    .hints = {ACTION_YES, ACTION_NO, ACTION_ROW_DOWN, ACTION_PAGE_DOWN, ACTION_HELP},
    .open = setup_open,
    .close = setup_close,
    .draw = setup_draw,
    .on_action = setup_on_action,
};
