/* SPDX-License-Identifier: MIT */
#include "tui/saved.h"

#include <ctype.h>
#include <errno.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define KEY_MAX 32

static const char head[] =
    "# Saved views of the console: `save NAME` and `forget NAME` after : write this "
    "file,\n"
    "# and leave out comments. signalbox-keys(7) says what it may hold.\n";

void saved_init(struct saved_views *views)
{
    *views = (struct saved_views){0};
}

static void free_view(struct saved_view *view)
{
    for (size_t i = 0; i < view->n; i++) {
        free(view->steps[i].settings);
    }
    view->n = 0;
}

void saved_fini(struct saved_views *views)
{
    for (size_t i = 0; i < views->n; i++) {
        free_view(&views->rows[i]);
    }
    free(views->rows);
    saved_init(views);
}

bool saved_is_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= SAVED_NAME_MAX || !isalnum((unsigned char)name[0])) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* ---- words: KEY=VALUE, VALUE in quotes where it has spaces ---- */

struct word {
    char key[KEY_MAX], value[SAVED_VALUE_MAX];
};

enum word_end { WORD_FOUND, WORD_NONE, WORD_WRONG };

static enum word_end take_quoted(const char **at, char value[SAVED_VALUE_MAX])
{
    const char *p = *at + 1;
    size_t n = 0;
    for (; *p != '"'; p++) {
        p += *p == '\\' && (p[1] == '"' || p[1] == '\\') ? 1 : 0;
        if (*p == '\0' || n == SAVED_VALUE_MAX - 1) {
            return WORD_WRONG;
        }
        value[n++] = *p;
    }
    value[n] = '\0';
    *at = p + 1;
    return **at == '\0' || **at == ' ' || **at == '\t' ? WORD_FOUND : WORD_WRONG;
}

static enum word_end next_word(const char **at, struct word *word)
{
    const char *p = *at + strspn(*at, " \t");
    size_t key = strcspn(p, "= \t\"");
    if (*p == '\0') {
        return WORD_NONE;
    }
    if (key == 0 || key >= KEY_MAX || p[key] != '=') {
        return WORD_WRONG;
    }
    memcpy(word->key, p, key);
    word->key[key] = '\0';
    *at = p + key + 1;
    if (**at == '"') {
        return take_quoted(at, word->value);
    }
    size_t len = strcspn(*at, " \t\"");
    if (len >= SAVED_VALUE_MAX || (*at)[len] == '"') {
        return WORD_WRONG;
    }
    memcpy(word->value, *at, len);
    word->value[len] = '\0';
    *at += len;
    return WORD_FOUND;
}

static void put_word(struct buf *out, const char *key, const char *value)
{
    bool is_plain = value[0] != '\0' && strpbrk(value, " \t\"\\") == NULL;
    (void)buf_printf(out, "%s%s=", out->len > 0 ? " " : "", key);
    if (is_plain) {
        (void)buf_str(out, value);
        return;
    }
    (void)buf_char(out, '"');
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\') {
            (void)buf_char(out, '\\');
        }
        (void)buf_char(out, *value);
    }
    (void)buf_char(out, '"');
}

/* ---- views and their settings ---- */

static const struct view_setting *find_setting(const struct view_class *klass,
                                               const char *name)
{
    const struct view_setting *setting = klass->settings;
    while (setting != NULL && setting->name != NULL && strcmp(setting->name, name) != 0) {
        setting++;
    }
    return setting != NULL && setting->name != NULL ? setting : NULL;
}

bool saved_set(struct view *view, const char *name, const char *value)
{
    const struct view_setting *setting = find_setting(view->klass, name);
    return setting != NULL && setting->set(view, value);
}

void saved_step_of(const struct view *view, struct saved_step *ret_step)
{
    AUTO_BUF struct buf out;
    const struct view_setting *setting = view->klass->settings;
    buf_init(&out, SAVED_FILE_MAX);
    *ret_step = (struct saved_step){.klass = view->klass, .id = view->id};
    (void)snprintf(ret_step->arg, sizeof(ret_step->arg), "%s", view->arg);
    for (; setting != NULL && setting->name != NULL; setting++) {
        char value[SAVED_VALUE_MAX] = "";
        setting->get(view, value, sizeof(value));
        if (value[0] != '\0') {
            put_word(&out, setting->name, value);
        }
    }
    ret_step->settings = out.len > 0 ? buf_take(&out, NULL) : mem_str("");
}

bool saved_apply(const struct saved_step *step, struct view *view)
{
    const struct view_setting *setting = step->klass->settings;
    const char *at = step->settings;
    struct word word;
    bool is_good = true;
    for (; setting != NULL && setting->name != NULL; setting++) {
        is_good = setting->set(view, "") && is_good;
    }
    while (next_word(&at, &word) == WORD_FOUND) {
        is_good = saved_set(view, word.key, word.value) && is_good;
    }
    return is_good;
}

/* ---- parsing ---- */

struct parser {
    const char *file;
    int line;
    struct findings *findings;
    struct saved_views views;
    bool is_bad;
};

#define COMPLAIN(p, field, ...)                                                          \
    do {                                                                                 \
        (p)->is_bad = true;                                                              \
        findings_add((p)->findings, (p)->file, (p)->line, field, __VA_ARGS__);           \
    } while (0)

static void complain_of_setting(struct parser *p, const struct view_class *klass,
                                const char *key)
{
    AUTO_BUF struct buf known;
    const struct view_setting *setting = klass->settings;
    buf_init(&known, 1000);
    for (; setting != NULL && setting->name != NULL; setting++) {
        (void)buf_printf(&known, ", %s", setting->name);
    }
    COMPLAIN(p, klass->name, "'%s' is no setting of it; expected id, arg%s", key,
             known.len > 0 ? known.data : "");
}

/* The value is tried on a view of that kind, which knows best. */
static void try_setting(struct parser *p, struct view *view, const struct word *word)
{
    if (find_setting(view->klass, word->key) == NULL) {
        complain_of_setting(p, view->klass, word->key);
    } else if (!saved_set(view, word->key, word->value)) {
        COMPLAIN(p, word->key, "'%.60s' means nothing there; %s", word->value,
                 find_setting(view->klass, word->key)->help);
    }
}

static bool take_id(const char *text, int64_t *ret_id)
{
    char *end;
    errno = 0;
    long long id = strtoll(text, &end, 10);
    *ret_id = id;
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0;
}

static void parse_words(struct parser *p, struct saved_step *step, const char *text)
{
    AUTO_BUF struct buf out;
    struct word word;
    enum word_end end;
    buf_init(&out, SAVED_FILE_MAX);
    struct view *view = step->klass->open(0, "");
    view->klass = step->klass;
    while ((end = next_word(&text, &word)) == WORD_FOUND) {
        if (strcmp(word.key, "id") == 0) {
            if (!take_id(word.value, &step->id)) {
                COMPLAIN(p, "id", "'%.40s' is no number", word.value);
            }
        } else if (strcmp(word.key, "arg") == 0) {
            (void)snprintf(step->arg, sizeof(step->arg), "%.127s", word.value);
        } else {
            try_setting(p, view, &word);
            put_word(&out, word.key, word.value);
        }
    }
    view->klass->close(view);
    if (end == WORD_WRONG) {
        COMPLAIN(p, step->klass->name, "expected NAME=VALUE, with quotes around spaces");
    }
    step->settings = out.len > 0 ? buf_take(&out, NULL) : mem_str("");
}

static void parse_step(struct parser *p, const char *text)
{
    char name[KEY_MAX];
    size_t len = strcspn(text, " \t");
    if (p->views.n == 0) {
        COMPLAIN(p, "", "expected a name at the left edge before the first view");
        return;
    }
    struct saved_view *view = &p->views.rows[p->views.n - 1];
    (void)snprintf(name, sizeof(name), "%.*s", (int)(len < KEY_MAX ? len : KEY_MAX - 1),
                   text);
    const struct view_class *klass = view_class_find(name);
    if (klass == NULL) {
        COMPLAIN(p, view->name, "'%s' is no view", name);
    } else if (view->n == SAVED_STEPS_MAX) {
        COMPLAIN(p, view->name, "more than %d views above each other", SAVED_STEPS_MAX);
    } else {
        struct saved_step *step = &view->steps[view->n++];
        *step = (struct saved_step){.klass = klass};
        parse_words(p, step, text + len);
    }
}

static struct saved_view *add_row(struct saved_views *views, const char *name)
{
    views->rows = mem_grow(views->rows, views->n + 1, sizeof(*views->rows));
    struct saved_view *view = &views->rows[views->n++];
    *view = (struct saved_view){.n = 0};
    (void)snprintf(view->name, sizeof(view->name), "%s", name);
    return view;
}

static void parse_name(struct parser *p, const char *name)
{
    if (!saved_is_name(name)) {
        COMPLAIN(p, "", "'%.60s' is no name; expected letters, digits and . _ -", name);
    } else if (saved_find(&p->views, name) != NULL) {
        COMPLAIN(p, name, "is there already");
    } else if (p->views.n == SAVED_MAX) {
        COMPLAIN(p, name, "more than %d views", SAVED_MAX);
        return;
    }
    (void)add_row(&p->views, saved_is_name(name) ? name : "?"); /* for what follows it */
}

static void parse_line(struct parser *p, const char *bytes, size_t len)
{
    while (len > 0 && strchr(" \t\r", bytes[len - 1]) != NULL) {
        len--;
    }
    AUTO_FREE char *line = mem_strn(bytes, len);
    const char *text = line + strspn(line, " \t");
    if (!text_is_utf8(bytes, len) || strlen(line) != len) {
        COMPLAIN(p, "", "is no UTF-8 text");
    } else if (text[0] == '\0' || text[0] == '#') {
        return;
    } else if (text == line) {
        parse_name(p, text);
    } else {
        parse_step(p, text);
    }
}

bool saved_parse(const char *file, const char *text, size_t len,
                 struct saved_views *ret_views, struct findings *findings)
{
    struct parser p = {.file = file, .findings = findings};
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t size = end != NULL ? (size_t)(end - (text + at)) : len - at;
        p.line++;
        parse_line(&p, text + at, size);
        at += size + 1;
    }
    for (size_t i = 0; i < p.views.n && !p.is_bad; i++) {
        if (p.views.rows[i].n == 0) {
            COMPLAIN(&p, p.views.rows[i].name, "shows no view");
        }
    }
    if (p.is_bad) {
        saved_fini(&p.views);
        return false;
    }
    *ret_views = p.views;
    return true;
}

bool saved_load(const char *path, struct saved_views *ret_views,
                struct findings *findings)
{
    AUTO_FREE char *data = NULL;
    size_t len = 0;
    struct err err = ERR_INIT;
    if (!file_read(path, SAVED_FILE_MAX, &data, &len, &err)) {
        if (err.sys == ENOENT || err.sys == ENOTDIR) {
            saved_init(ret_views);
            return true;
        }
        findings_add(findings, path, 0, "", "%s", err.msg);
        return false;
    }
    return saved_parse(path, data, len, ret_views, findings);
}

void saved_format(const struct saved_views *views, struct buf *out)
{
    (void)buf_str(out, head);
    for (size_t i = 0; i < views->n; i++) {
        const struct saved_view *view = &views->rows[i];
        (void)buf_printf(out, "\n%s\n", view->name);
        for (size_t s = 0; s < view->n; s++) {
            const struct saved_step *step = &view->steps[s];
            AUTO_BUF struct buf words;
            buf_init(&words, SAVED_FILE_MAX);
            if (step->id != 0) {
                char id[24];
                (void)snprintf(id, sizeof(id), "%lld", (long long)step->id);
                put_word(&words, "id", id);
            }
            if (step->arg[0] != '\0') {
                put_word(&words, "arg", step->arg);
            }
            (void)buf_printf(out, "  %s%s%s%s%s\n", step->klass->name,
                             words.len > 0 ? " " : "", words.len > 0 ? words.data : "",
                             step->settings[0] != '\0' ? " " : "", step->settings);
        }
    }
}

/* ---- the list ---- */

const struct saved_view *saved_find(const struct saved_views *views, const char *name)
{
    for (size_t i = 0; i < views->n; i++) {
        if (strcmp(views->rows[i].name, name) == 0) {
            return &views->rows[i];
        }
    }
    return NULL;
}

bool saved_put(struct saved_views *views, const struct saved_view *view)
{
    for (size_t i = 0; i < views->n; i++) {
        if (strcmp(views->rows[i].name, view->name) == 0) {
            free_view(&views->rows[i]);
            views->rows[i] = *view;
            return true;
        }
    }
    if (views->n == SAVED_MAX) {
        return false;
    }
    *add_row(views, view->name) = *view;
    return true;
}

bool saved_remove(struct saved_views *views, const char *name)
{
    for (size_t i = 0; i < views->n; i++) {
        if (strcmp(views->rows[i].name, name) == 0) {
            free_view(&views->rows[i]);
            views->n--;
            memmove(&views->rows[i], &views->rows[i + 1],
                    (views->n - i) * sizeof(views->rows[0]));
            return true;
        }
    }
    return false;
}
