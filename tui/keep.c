/* SPDX-License-Identifier: MIT */
/* What the console keeps for its user: saved views, lines of the palette, names of themes. */
#include <dirent.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "tui/console_impl.h"

#define HISTORY_FILE_MAX (256 * 1024)
#define THEMES_MAX       50

/* ---- saved views ---- */

static bool read_views(struct console *c, struct saved_views *ret_views)
{
    struct findings findings;
    findings_init(&findings);
    bool is_read = saved_load(c->views_path, ret_views, &findings);
    for (size_t i = findings.n; i > 0; i--) {
        struct finding row = findings.rows[i - 1];
        char *slash = strrchr(row.file, '/');
        row.file = slash != NULL && slash[1] != '\0' ? slash + 1 : row.file;
        AUTO_FREE char *line = finding_format(&row);
        console_say(c, MESSAGE_ERROR, "saved views: %s", line);
    }
    findings_fini(&findings);
    return is_read;
}

void keep_read_views(struct console *c, bool is_told)
{
    struct saved_views views;
    if (!read_views(c, &views)) {
        return;
    }
    saved_fini(&c->saved);
    c->saved = views;
    if (is_told) {
        console_say(c, MESSAGE_OK, "saved views read again: %zu", views.n);
    }
}

static bool write_views(struct console *c, const struct saved_views *views)
{
    AUTO_BUF struct buf out;
    struct err err = ERR_INIT;
    AUTO_FREE char *folder = file_config_dir();
    buf_init(&out, SAVED_FILE_MAX);
    saved_format(views, &out);
    if (!file_make_dirs(folder, &err) ||
        !file_write(c->views_path, out.data, out.len, &err)) {
        console_say(c, MESSAGE_ERROR, "saved views: %s", err.msg);
        return false;
    }
    file_watch_set(c->watch, LOOK_VIEWS, c->views_path); /* the folder may be new */
    c->views_written = true;
    return true;
}

void keep_save(struct console *c, const char *name)
{
    struct saved_views views;
    struct saved_view view = {.n = 0};
    if (!read_views(c, &views)) {
        return; /* what stands there would be lost */
    }
    (void)snprintf(view.name, sizeof(view.name), "%s", name);
    for (size_t i = 0; i < c->n_stack && i < SAVED_STEPS_MAX; i++) {
        saved_step_of(c->stack[i], &view.steps[view.n++]);
    }
    bool is_new = saved_find(&views, name) == NULL;
    if (!saved_put(&views, &view)) {
        console_say(c, MESSAGE_WARN, "save: there are %d already; forget one", SAVED_MAX);
        for (size_t i = 0; i < view.n; i++) {
            free(view.steps[i].settings);
        }
    } else if (write_views(c, &views)) {
        console_say(c, MESSAGE_OK, "%s %s; `open %s` shows it again",
                    is_new ? "saved as" : "saved anew as", name, name);
    }
    saved_fini(&c->saved);
    c->saved = views;
}

void keep_forget(struct console *c, const char *name)
{
    struct saved_views views;
    if (!read_views(c, &views)) {
        return;
    }
    if (!saved_remove(&views, name)) {
        console_say(c, MESSAGE_ERROR, "forget: there is no saved view '%s'", name);
    } else if (write_views(c, &views)) {
        console_say(c, MESSAGE_OK, "%s is forgotten", name);
    }
    saved_fini(&c->saved);
    c->saved = views;
}

void keep_open(struct console *c, const char *name)
{
    const struct saved_view *view = saved_find(&c->saved, name);
    if (view == NULL) {
        console_say(c, MESSAGE_ERROR, "open: there is no saved view '%s'", name);
        return;
    }
    place_show_saved(c, view);
}

void keep_set(struct console *c, const char *name, const char *value)
{
    struct view *view = place_top(c);
    const struct view_setting *setting = view->klass->settings;
    while (setting != NULL && setting->name != NULL && strcmp(setting->name, name) != 0) {
        setting++;
    }
    if (setting == NULL || setting->name == NULL) {
        console_say(c, MESSAGE_ERROR, "set: %s has no setting '%s'", view->klass->title,
                    name);
    } else if (!setting->set(view, value)) {
        console_say(c, MESSAGE_ERROR, "set %s: expected %s", name, setting->help);
    } else {
        place_refresh(c, true);
    }
}

/* ---- lines of the palette ---- */

void keep_line(struct console *c, const char *line)
{
    if (c->n_lines > 0 && strcmp(c->lines[c->n_lines - 1], line) == 0) {
        return;
    }
    if (c->n_lines == LINES_MAX) {
        free(c->lines[0]);
        memmove(&c->lines[0], &c->lines[1], (LINES_MAX - 1) * sizeof(c->lines[0]));
        c->n_lines--;
        c->n_old_lines -= c->n_old_lines > 0 ? 1 : 0;
    }
    c->lines[c->n_lines++] = mem_str(line);
}

static char *history_path(void)
{
    AUTO_FREE char *folder = file_state_dir();
    return file_join(folder, "palette");
}

static void read_lines(struct console *c)
{
    AUTO_FREE char *path = history_path();
    AUTO_FREE char *data = NULL;
    size_t len = 0;
    struct err err = ERR_INIT;
    if (!file_read(path, HISTORY_FILE_MAX, &data, &len, &err) ||
        !text_is_utf8(data, len)) {
        return; /* there is none yet, or it is none of ours: begin anew */
    }
    char *state = NULL;
    for (char *line = strtok_r(data, "\n", &state); line != NULL;
         line = strtok_r(NULL, "\n", &state)) {
        char clean[EDIT_MAX + 1];
        keep_line(c, text_clean_into(clean, sizeof(clean), line));
    }
    c->n_old_lines = c->n_lines;
}

/* What was typed here goes behind what others have typed meanwhile. */
static void write_lines(struct console *c)
{
    if (c->n_old_lines == c->n_lines) {
        return;
    }
    size_t n_new = c->n_lines - c->n_old_lines;
    char *mine[LINES_MAX];
    memcpy(mine, &c->lines[c->n_old_lines], n_new * sizeof(mine[0]));
    for (size_t i = 0; i < c->n_old_lines; i++) {
        free(c->lines[i]);
    }
    c->n_lines = c->n_old_lines = 0;
    read_lines(c);
    AUTO_FREE char *path = history_path();
    AUTO_FREE char *folder = file_state_dir();
    AUTO_BUF struct buf out;
    struct err err = ERR_INIT;
    buf_init(&out, HISTORY_FILE_MAX);
    for (size_t i = 0; i < n_new; i++) {
        keep_line(c, mine[i]);
        free(mine[i]);
    }
    for (size_t i = 0; i < c->n_lines; i++) {
        (void)buf_printf(&out, "%s\n", c->lines[i]);
    }
    bool is_kept =
        file_make_dirs(folder, &err) && file_write(path, out.data, out.len, &err);
    (void)is_kept; /* a history that is lost is no reason to keep somebody here */
}

/* ---- themes of one's own ---- */

void keep_find_themes(struct console *c)
{
    AUTO_FREE char *folder = file_config_dir();
    DIR *dir = opendir(folder);
    keep_drop_themes(c);
    c->themes = mem_array(THEMES_MAX, sizeof(*c->themes));
    struct dirent *entry;
    while (dir != NULL && c->n_themes < THEMES_MAX &&
           (entry = readdir(dir)) !=
               NULL) { /* NOLINT(concurrency-mt-unsafe): own stream */
        char *dot = strrchr(entry->d_name, '.');
        if (dot != NULL && dot != entry->d_name && strcmp(dot, ".theme") == 0) {
            AUTO_FREE char *name = mem_strn(entry->d_name, (size_t)(dot - entry->d_name));
            char clean[THEME_NAME_MAX];
            c->themes[c->n_themes++] =
                mem_str(text_clean_into(clean, sizeof(clean), name));
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

void keep_drop_themes(struct console *c)
{
    for (size_t i = 0; i < c->n_themes; i++) {
        free(c->themes[i]);
    }
    free(c->themes);
    c->themes = NULL;
    c->n_themes = 0;
}

/* ---- beginning and end ---- */

void keep_load(struct console *c)
{
    AUTO_FREE char *folder = file_config_dir();
    c->views_path = file_join(folder, "views");
    saved_init(&c->saved);
    file_watch_set(c->watch, LOOK_VIEWS, c->views_path);
    keep_read_views(c, false);
    read_lines(c);
}

void keep_fini(struct console *c)
{
    write_lines(c);
    for (size_t i = 0; i < c->n_lines; i++) {
        free(c->lines[i]);
    }
    keep_drop_themes(c);
    saved_fini(&c->saved);
    free(c->views_path);
}
