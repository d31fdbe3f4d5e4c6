/* SPDX-License-Identifier: MIT */
/* Theme and keys, and reading them again when their files change. */
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tui/console_impl.h"

#define SETTLE_MS 100  /* an editor writes in several steps */
#define PAUSE_MS  1000 /* files are read at most so often */

static void say_findings(struct console *c, const char *what,
                         const struct findings *findings)
{
    for (size_t i = findings->n; i > 0; i--) {
        struct finding row = findings->rows[i - 1];
        char *slash = strrchr(row.file, '/');
        row.file = slash != NULL && slash[1] != '\0' ? slash + 1 : row.file;
        AUTO_FREE char *line = finding_format(&row); /* short: the end is what matters */
        console_say(c, MESSAGE_ERROR, "%s not used: %s", what, line);
    }
}

/* ---- theme ---- */

bool console_use_theme(struct console *c, const char *name)
{
    struct findings findings;
    struct theme theme;
    findings_init(&findings);
    bool is_loaded = theme_load(name, &theme, &findings);
    if (is_loaded) {
        AUTO_FREE char *path = theme_path(name);
        theme_degrade(&theme, term_depth(c->term));
        c->theme = theme;
        if (name != c->theme_name) {
            (void)snprintf(c->theme_name, sizeof(c->theme_name), "%s", name);
        }
        file_watch_set(c->watch, LOOK_THEME, path);
        term_forget(c->term);
        c->needs_paint = true;
    } else {
        say_findings(c, "theme", &findings);
    }
    findings_fini(&findings);
    return is_loaded;
}

void look_next_theme(struct console *c)
{
    size_t i = 0;
    while (theme_builtin(i) != NULL && strcmp(theme_builtin(i), c->theme_name) != 0) {
        i++;
    }
    const char *next = theme_builtin(i) != NULL ? theme_builtin(i + 1) : NULL;
    if (console_use_theme(c, next != NULL ? next : theme_builtin(0))) {
        console_say(c, MESSAGE_INFO, "theme %s", c->theme_name);
    }
}

/* ---- keys ---- */

/* The built-in keys with those of the file on top; NULL, with messages, on any mistake. */
static struct keymap *read_keys(struct console *c)
{
    struct findings findings;
    struct keymap *keymap = keymap_new();
    findings_init(&findings);
    if (!keymap_load(keymap, c->keys_path, &findings)) {
        say_findings(c, "keys", &findings);
        keymap_free(keymap);
        keymap = NULL;
    }
    findings_fini(&findings);
    return keymap;
}

static void use_keys(struct console *c, struct keymap *keymap)
{
    keymap_free(c->keymap);
    c->keymap = keymap;
    c->needs_paint = true;
}

/* ---- beginning, and again ---- */

void look_load(struct console *c)
{
    const struct config *config = c->options->config;
    const char *configured = config_theme(config);
    bool has_theme = configured != NULL && configured[0] != '\0';
    const char *name = term_depth(c->term) == DEPTH_MONO ? "mono"
                       : has_theme                       ? configured
                                                         : "dark";
    AUTO_FREE char *folder = file_config_dir();
    bool has_keys = config->keys != NULL && config->keys[0] != '\0';
    c->keys_path = has_keys ? mem_str(config->keys) : file_join(folder, "keys");
    c->watch = file_watch_new();
    file_watch_set(c->watch, LOOK_KEYS, c->keys_path);
    use_keys(c, keymap_new());
    if (!console_use_theme(c, name) && !console_use_theme(c, "dark")) {
        BUG("the built-in theme has a mistake"); /* test_theme shows which */
    }
    if (has_keys || file_exists(c->keys_path)) {
        struct keymap *keymap = read_keys(c);
        if (keymap != NULL) {
            use_keys(c, keymap);
        }
    }
}

void look_read_again(struct console *c, unsigned which, bool is_told)
{
    AUTO_FREE char *path = theme_path(c->theme_name);
    bool has_theme = (which & 1u << LOOK_THEME) != 0 && path != NULL && file_exists(path);
    if (has_theme && console_use_theme(c, c->theme_name) && is_told) {
        console_say(c, MESSAGE_OK, "theme read again from %s", path);
    }
    if ((which & 1u << LOOK_VIEWS) != 0) {
        keep_read_views(c, is_told && !c->views_written);
        c->views_written = false;
    }
    if ((which & 1u << LOOK_KEYS) != 0 && file_exists(c->keys_path)) {
        struct keymap *keymap = read_keys(c);
        if (keymap != NULL) {
            use_keys(c, keymap);
        }
        if (keymap != NULL && is_told) {
            console_say(c, MESSAGE_OK, "keys read again from %s", c->keys_path);
        }
    }
}

void look_on_watch(struct console *c)
{
    int64_t now = mono_now().ns;
    int64_t at = now + (int64_t)SETTLE_MS * 1000000;
    int64_t earliest = c->look_read_at.ns + (int64_t)PAUSE_MS * 1000000;
    unsigned changed = file_watch_read(c->watch);
    if (changed != 0 && c->look_changed == 0) {
        bool is_soon = c->look_read_at.ns != 0 && at < earliest;
        c->look_due = (struct mono){is_soon ? earliest : at};
    }
    c->look_changed |= changed;
}

int64_t look_do_due(struct console *c, int64_t now)
{
    if (c->look_changed == 0) {
        return -1;
    }
    if (now < c->look_due.ns) {
        return c->look_due.ns - now;
    }
    unsigned changed = c->look_changed;
    c->look_changed = 0;
    c->look_read_at = (struct mono){now};
    look_read_again(c, changed, true);
    return -1;
}

void look_fini(struct console *c)
{
    keymap_free(c->keymap);
    file_watch_free(c->watch);
    free(c->keys_path);
}
