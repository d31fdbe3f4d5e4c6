/* SPDX-License-Identifier: MIT */
#include "engine/control/config.h"

#include <errno.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/base/yaml.h"
#include "engine/control/config_schema.h"
#include "engine/workflow/schema.h"

#define SECOND INT64_C(1000)
#define DAY    (86400 * SECOND)
#define YEARS  (3650 * DAY) /* ten: more is a slip of the hand */

static const char *const hangup_words[] = {"continue", "drain", "stop", NULL};
static const char *const ascii_words[] = {"auto", "always", "never", NULL};
static const char *const call_words[] = {"off", "bell", "osc9", "osc777", NULL};

#define AT(member) offsetof(struct config, member)

/* clang-format off */
static const struct field logs_fields[] = {
    {.name = "max_bytes", .type = FIELD_BYTES, .offset = AT(log_max_bytes), .min = 64 * 1024,
     .max = INT64_C(1) << 40, .fallback = "16MiB",
     .help = "Longest log of one step; of more, the beginning and the end are kept."},
    {.name = "keep", .type = FIELD_DURATION, .offset = AT(log_keep), .min = 60 * SECOND,
     .max = YEARS, .fallback = "30d",
     .help = "How long the logs of a finished workflow are kept."},
};
static const struct schema logs_schema = {
    .name = "logs", .size = sizeof(struct config), .fields = logs_fields,
    .n_fields = ARRAY_LEN(logs_fields), .help = "Logs of steps."};

static const struct field history_fields[] = {
    {.name = "keep", .type = FIELD_DURATION, .offset = AT(history_keep), .min = 60 * SECOND,
     .max = YEARS, .fallback = "90d", .help = "How long a finished workflow is kept."},
};
static const struct schema history_schema = {
    .name = "history", .size = sizeof(struct config), .fields = history_fields,
    .n_fields = ARRAY_LEN(history_fields), .help = "Finished workflows."};

static const struct field console_fields[] = {
    {.name = "theme", .type = FIELD_PLACE, .offset = AT(theme), .fallback = "dark",
     .help = "Name of a theme, or path of a theme file, see signalbox-theme(5)."},
    {.name = "ascii", .type = FIELD_WORD, .offset = AT(ascii), .words = ascii_words,
     .fallback = "auto",
     .help = "Whether lines and symbols are drawn with ASCII characters alone; auto asks the "
             "locale."},
    {.name = "mouse", .type = FIELD_BOOL, .offset = AT(has_mouse), .fallback = "false",
     .help = "Whether the wheel of the mouse scrolls; a click does nothing, and text is then "
             "selected with Shift."},
    {.name = "notify", .type = FIELD_WORD, .offset = AT(call), .words = call_words,
     .fallback = "bell",
     .help = "How the console calls you when something begins to wait for a person, at most once "
             "in 10 seconds: not at all, by the bell of the terminal, or by a notification of the "
             "desktop (osc9: iTerm2, WezTerm, Windows Terminal, kitty; osc777: foot, Ghostty, "
             "urxvt)."},
    {.name = "keys", .type = FIELD_PATH, .offset = AT(keys), .may_be_empty = true,
     .fallback = "", .shown = "$XDG_CONFIG_HOME/signalbox/keys, when there is one",
     .help = "Path of a file with own keys, see signalbox-keys(7)."},
    {.name = "environments", .type = FIELD_MAPS, .offset = AT(looks), .offset_n = AT(n_looks),
     .sub = &look_schema, .shown = "none",
     .help = "How the console looks in an environment."},
};
static const struct schema console_schema = {
    .name = "console", .size = sizeof(struct config), .fields = console_fields,
    .n_fields = ARRAY_LEN(console_fields), .help = "The console."};

static const struct field config_fields[] = {
    {.name = "environment", .type = FIELD_TEXT, .offset = AT(environment), .max = 64,
     .may_be_empty = true, .fallback = "", .shown = "none",
     .help = "Shown in the top line, so that nobody takes one host for another."},
    {.name = "max_running", .type = FIELD_INT, .offset = AT(max_running), .min = 1,
     .max = 100000, .fallback = "50",
     .help = "Workflows that run at once; the others wait in the queue."},
    {.name = "store", .type = FIELD_PATH, .offset = AT(store),
     .shown = "$XDG_STATE_HOME/signalbox/signalbox.db",
     .help = "The store: one file, with the work trees and logs beside it."},
    {.name = "pipelines", .type = FIELD_PATHS, .offset = AT(pipeline_dirs),
     .offset_n = AT(n_pipeline_dirs), .shown = "$XDG_CONFIG_HOME/signalbox/pipelines",
     .help = "Folders in which submit --pipeline NAME looks for NAME.yaml or NAME.yml, in order; "
             "the folder .signalbox of the repository comes last."},
    {.name = "on_hangup", .type = FIELD_WORD, .offset = AT(on_hangup), .words = hangup_words,
     .fallback = "continue",
     .help = "What the engine does when the terminal goes away: go on, finish what runs and "
             "start nothing new, or stop."},
    {.name = "logs", .type = FIELD_TABLE, .sub = &logs_schema,
     .help = "Logs of steps."},
    {.name = "history", .type = FIELD_TABLE, .sub = &history_schema,
     .help = "Finished workflows."},
    {.name = "recovery", .type = FIELD_TABLE, .sub = &recovery_schema,
     .help = "What is done by itself after failures, and how much of it."},
    {.name = "services", .type = FIELD_MAPS, .offset = AT(services), .offset_n = AT(n_services),
     .sub = &service_schema, .shown = "none", .help = "External services that pipelines may name."},
    {.name = "access", .type = FIELD_TABLE, .sub = &access_schema, .shown = "none",
     .help = "Who may do what."},
    {.name = "approvals", .type = FIELD_TABLE, .sub = &approvals_schema,
     .help = "What waits for a person."},
    {.name = "autonomy", .type = FIELD_TABLE, .sub = &autonomy_schema,
     .help = "How much is done without a person."},
    {.name = "scale", .type = FIELD_MAPS, .offset = AT(scales), .offset_n = AT(n_scales),
     .sub = &scale_schema, .shown = "none",
     .help = "Commands that add or remove machines, runners or workers."},
    {.name = "listener", .type = FIELD_TABLE, .sub = &listener_schema, .shown = "off",
     .help = "Webhooks in, events out, metrics."},
    {.name = "monitor", .type = FIELD_TABLE, .sub = &monitor_schema,
     .help = "Metrics, limits, what is scraped."},
    {.name = "telemetry", .type = FIELD_TABLE, .sub = &telemetry_schema, .shown = "none",
     .help = "Where traces go."},
    {.name = "notify", .type = FIELD_MAPS, .offset = AT(notifies), .offset_n = AT(n_notifies),
     .sub = &notify_schema, .shown = "none",
     .help = "Where people are told of what needs them."},
    {.name = "console", .type = FIELD_TABLE, .sub = &console_schema,
     .help = "The console."},
};
/* clang-format on */

const struct schema *config_schema(void)
{
    static const struct schema schema = {
        .name = "configuration",
        .size = sizeof(struct config),
        .fields = config_fields,
        .n_fields = ARRAY_LEN(config_fields),
        .help = "The configuration file holds one map of these fields. All are optional.",
    };
    return &schema;
}

struct config *config_default(void)
{
    struct config *config = mem_alloc(sizeof(*config));
    schema_init(config_schema(), config);
    AUTO_FREE char *state_dir = file_state_dir();
    AUTO_FREE char *config_dir = file_config_dir();
    config->store = file_join(state_dir, "signalbox.db");
    config->pipeline_dirs = mem_array(1, sizeof(*config->pipeline_dirs));
    config->pipeline_dirs[0] = file_join(config_dir, "pipelines");
    config->n_pipeline_dirs = 1;
    return config;
}

/* Relative paths of a configuration are relative to its file. */
static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    AUTO_FREE char *folder = slash == NULL   ? mem_str(".")
                             : slash == file ? mem_str("/")
                                             : mem_strn(file, (size_t)(slash - file));
    struct err err = ERR_INIT;
    return file_real(folder, &err);
}

struct config *config_parse(const char *file, const char *text, size_t len,
                            struct findings *findings)
{
    size_t n_before = findings->n, n_dropped = findings->n_dropped;
    struct config *config = config_default();
    struct yaml_tree *tree = yaml_tree_parse(file, text, len, findings);
    AUTO_FREE char *folder = folder_of(file);
    bool is_all_default =
        !tree->is_partial && (tree->root == NULL || tree->root->kind == YAML_NULL);
    if (!is_all_default) { /* a file of comments only is fine */
        schema_decode(config_schema(), file, folder, tree, config, findings);
        config_check_recovery(file, config, tree->root, findings);
        config_check_services(file, config, tree->root, findings);
        config_check_scale(file, config, tree->root, findings);
        config_check_monitor(file, config, tree->root, findings);
        config_check_listener(file, config, tree->root, findings);
        config_check_notify(file, config, tree->root, findings);
    }
    yaml_tree_free(tree);
    if (findings->n > n_before || findings->n_dropped > n_dropped) {
        findings_sort(findings, n_before);
        config_free(config);
        return NULL;
    }
    return config;
}

struct config *config_load(const char *path, struct findings *findings)
{
    AUTO_FREE char *folder = file_config_dir();
    AUTO_FREE char *usual = file_join(folder, "signalbox.yaml");
    const char *file = path != NULL ? path : usual;
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    struct err err = ERR_INIT;
    if (!file_read(file, YAML_TEXT_MAX, &text, &len, &err)) {
        if (path == NULL && (err.sys == ENOENT || err.sys == ENOTDIR)) {
            return config_default();
        }
        if (err.sys != 0) {
            findings_add(findings, file, 0, "", "cannot be read: %s",
                         strerrordesc_np(err.sys));
        } else {
            findings_add(findings, file, 0, "",
                         "cannot be read; expected at most %d bytes", YAML_TEXT_MAX);
        }
        return NULL;
    }
    return config_parse(file, text, len, findings);
}

void config_free(struct config *config)
{
    if (config == NULL) {
        return;
    }
    schema_fini(config_schema(), config);
    free(config);
}

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static char *find_in(const char *folder, const char *name)
{
    static const char *const ends[] = {".yaml", ".yml"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        AUTO_FREE char *base = mem_printf("%s%s", name, ends[i]);
        AUTO_FREE char *path = file_join(folder, base);
        if (file_exists(path)) {
            return TAKE(path);
        }
    }
    return NULL;
}

char *config_find_pipeline(const struct config *config, const char *name,
                           const char *repo, struct err *err)
{
    if (strchr(name, '/') != NULL || ends_in(name, ".yaml") || ends_in(name, ".yml")) {
        return mem_str(name);
    }
    AUTO_BUF struct buf places;
    buf_init(&places, sizeof(err->msg));
    for (size_t i = 0; i < config->n_pipeline_dirs && name[0] != '\0'; i++) {
        char *path = find_in(config->pipeline_dirs[i], name);
        if (path != NULL) {
            return path;
        }
        buf_printf(&places, "%s%s", places.len > 0 ? ", " : "", config->pipeline_dirs[i]);
    }
    if (repo != NULL && name[0] != '\0') {
        AUTO_FREE char *folder = file_join(repo, ".signalbox");
        char *path = find_in(folder, name);
        if (path != NULL) {
            return path;
        }
        buf_printf(&places, "%s%s", places.len > 0 ? ", " : "", folder);
    }
    char quoted[YAML_QUOTE_MAX];
    char clean[80];
    text_clean_into(clean, sizeof(clean), name);
    err_set(err, ERR_NOT_FOUND, "no pipeline %s; looked for %s.yaml and %s.yml in %s",
            yaml_quote(name, strlen(name), quoted), clean, clean,
            places.len > 0 ? places.data : "no folder");
    return NULL;
}
