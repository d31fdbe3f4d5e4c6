/* SPDX-License-Identifier: MIT */

/* signalbox check: every mistake in files that people write, all at once. */
#include "engine/approval/access.h"
#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/base/json.h"
#include "engine/control/config.h"
#include "engine/recovery/pattern.h"
#include "engine/workflow/pipeline.h"
#include "tui/cli/rows.h"
#include "tui/keymap.h"
#include "tui/theme.h"

/* ---- kinds of files
 * --------------------------------------------------------------------- */

static void check_pipeline(const char *file, const char *text, size_t len,
                           struct findings *findings, struct findings *warnings)
{
    (void)warnings;
    pipeline_free(pipeline_parse(file, text, len, findings));
}

static void check_theme(const char *file, const char *text, size_t len,
                        struct findings *findings, struct findings *warnings)
{
    (void)warnings;
    struct theme theme;
    bool is_good = theme_parse(file, text, len, &theme, findings);
    (void)is_good; /* the findings say it */
}

static void check_keys(const char *file, const char *text, size_t len,
                       struct findings *findings, struct findings *warnings)
{
    (void)warnings;
    struct keymap *keymap = keymap_new();
    bool is_good = keymap_add(keymap, file, text, len, findings);
    (void)is_good; /* the findings say it */
    keymap_free(keymap);
}

/* What is no mistake, but may not be meant. */
static void warn_of_config(const char *file, const struct config *config,
                           struct findings *warnings)
{
    const struct listener_spec *listener = &config->listener;
    if (listener->port != 0 && !listener_is_local(listener) &&
        listener->certificate[0] == '\0') {
        findings_add(warnings, file, 0, "listener.address",
                     "'%s' can be reached from other machines, and without TLS the "
                     "bearer token and the webhooks travel in the clear; set certificate "
                     "and key, or listen on 127.0.0.1 behind a proxy",
                     listener->address);
    }
    if (listener->n_users > 0 && !access_is_configured(&config->access)) {
        findings_add(warnings, file, 0, "listener.tokens",
                     "without a section access their users only look, but for the "
                     "engine's own user and root");
    }
}

static void check_patterns(const char *file, const char *text, size_t len,
                           struct findings *findings, struct findings *warnings)
{
    (void)warnings;
    pattern_base_free(pattern_base_new(file, text, len, findings));
}

/* With the theme, the keys and the patterns that it names. */
static void check_config(const char *file, const char *text, size_t len,
                         struct findings *findings, struct findings *warnings)
{
    struct err err = ERR_INIT;
    struct theme theme;
    struct config *config = config_parse(file, text, len, findings);
    if (config == NULL) {
        return;
    }
    bool is_good = theme_load(config->theme, &theme, findings);
    (void)is_good; /* the findings say it */
    for (size_t i = 0; i < config->n_looks; i++) {
        if (config->looks[i].theme[0] != '\0') {
            is_good = theme_load(config->looks[i].theme, &theme, findings);
        }
    }
    if (config->keys[0] != '\0') {
        AUTO_FREE char *lines = NULL;
        if (!file_read(config->keys, KEYMAP_FILE_MAX, &lines, &len, &err)) {
            findings_add(findings, file, 0, "console.keys", "%s", err.msg);
        } else {
            check_keys(config->keys, lines, len, findings, warnings);
        }
    }
    if (config->recovery.patterns[0] != '\0') {
        AUTO_FREE char *rules = NULL;
        if (!file_read(config->recovery.patterns, PATTERN_TEXT_MAX, &rules, &len, &err)) {
            findings_add(findings, file, 0, "recovery.patterns", "%s", err.msg);
        } else {
            check_patterns(config->recovery.patterns, rules, len, findings, warnings);
        }
    }
    warn_of_config(file, config, warnings);
    config_free(config);
}

static const struct kind {
    const char *name;
    size_t max;
    void (*check)(const char *file, const char *text, size_t len,
                  struct findings *findings, struct findings *warnings);
} kinds[] = {
    {"pipeline", PIPELINE_TEXT_MAX, check_pipeline},
    {"config",   PIPELINE_TEXT_MAX, check_config  },
    {"theme",    THEME_FILE_MAX,    check_theme   },
    {"keys",     KEYMAP_FILE_MAX,   check_keys    },
    {"patterns", PATTERN_TEXT_MAX,  check_patterns},
};
enum { KIND_PIPELINE, KIND_CONFIG, KIND_THEME, KIND_KEYS, KIND_PATTERNS };

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Does a line begin with "field:"? YAML's top level has no indentation here. */
static bool has_field(const char *text, const char *field)
{
    size_t len = strlen(field);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, field, len) == 0 && line[len] == ':') {
            return true;
        }
    }
    return false;
}

/* By name; a YAML file of any other name by fields that only a configuration has. */
static const struct kind *guess_kind(const char *file, const char *text)
{
    static const char *const config_fields[] = {
        "environment", "max_running", "store",     "pipelines", "on_hangup",
        "logs",        "history",     "recovery",  "console",   "services",
        "listener",    "monitor",     "telemetry",
    };
    const char *slash = strrchr(file, '/');
    const char *name = slash != NULL ? slash + 1 : file;
    if (ends_with(name, ".theme")) {
        return &kinds[KIND_THEME];
    }
    if (ends_with(name, ".keys")) {
        return &kinds[KIND_KEYS];
    }
    if (strcmp(name, "keys") == 0) {
        return &kinds[KIND_KEYS];
    }
    if (strcmp(name, "signalbox.yaml") == 0 || strcmp(name, "signalbox.yml") == 0) {
        return &kinds[KIND_CONFIG];
    }
    if (has_field(text, "patterns")) {
        return &kinds[KIND_PATTERNS];
    }
    if (!has_field(text, "agent") && !has_field(text, "validate")) {
        for (size_t i = 0; i < ARRAY_LEN(config_fields); i++) {
            if (has_field(text, config_fields[i])) {
                return &kinds[KIND_CONFIG];
            }
        }
    }
    return &kinds[KIND_PIPELINE];
}

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* ---- command
 * ------------------------------------------------------------------------------- */

static void put_findings(struct jsonw *w, const char *key,
                         const struct findings *findings)
{
    jsonw_open(w, key, '[');
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *row = &findings->rows[i];
        jsonw_open(w, NULL, '{');
        jsonw_str(w, "file", row->file);
        jsonw_int(w, "line", row->line);
        jsonw_str(w, "field", row->field);
        jsonw_str(w, "text", row->text);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void print_json(const char *file, const char *kind,
                       const struct findings *findings, const struct findings *warnings)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "file", file);
    jsonw_str(&w, "kind", kind);
    jsonw_bool(&w, "is_good", findings_is_empty(findings));
    put_findings(&w, "findings", findings);
    put_findings(&w, "warnings", warnings);
    jsonw_int(&w, "n_dropped", (int64_t)findings->n_dropped);
    jsonw_close(&w, '}');
    puts(out.data);
}

static void print_warnings(const struct findings *warnings)
{
    for (size_t i = 0; i < warnings->n; i++) {
        AUTO_FREE char *line = finding_format(&warnings->rows[i]);
        (void)fflush(stdout); /* keep the order of lines when both go to one place */
        fputs("warning: ", stderr);
        cli_print_clean(stderr, line);
        fputc('\n', stderr);
    }
}

static int check_file(struct cli *cli, const char *file, const struct kind *kind)
{
    struct findings findings, warnings;
    struct err err = ERR_INIT;
    AUTO_FREE char *text = NULL;
    size_t len;
    const char *kind_name = kind != NULL ? kind->name : "unknown";
    findings_init(&findings);
    findings_init(&warnings);
    if (!file_read(file, kinds[KIND_PIPELINE].max, &text, &len, &err)) {
        size_t skip = strlen(file); /* the finding says the name itself */
        bool is_named = strncmp(err.msg, file, skip) == 0 && err.msg[skip] == ':';
        findings_add(&findings, file, 0, "", "%s", err.msg + (is_named ? skip + 2 : 0));
    } else {
        kind = kind != NULL ? kind : guess_kind(file, text);
        kind_name = kind->name;
        if (len > kind->max) {
            findings_add(&findings, file, 0, "", "%zu bytes; at most %zu", len,
                         kind->max);
        } else {
            kind->check(file, text, len, &findings, &warnings);
        }
    }
    int status = findings_is_empty(&findings) ? CLI_OK : CLI_USAGE;
    if (cli_has(cli, "json")) {
        print_json(file, kind_name, &findings, &warnings);
    } else if (status == CLI_OK) {
        cli_print_clean(stdout, file);
        printf(": ok (%s)\n", kind_name);
    } else {
        (void)fflush(stdout); /* keep the order of lines when both go to one place */
        cli_print_findings(&findings);
    }
    if (!cli_has(cli, "json")) {
        print_warnings(&warnings);
    }
    findings_fini(&findings);
    findings_fini(&warnings);
    return status;
}

static int run(struct cli *cli)
{
    const struct kind *kind = NULL;
    const char *name = cli_value(cli, "kind");
    if (name != NULL && (kind = find_kind(name)) == NULL) {
        return cli_complain(cli,
                            "--kind: '%.40s'; expected pipeline, config, theme, keys or "
                            "patterns",
                            name);
    }
    int status = CLI_OK;
    for (int i = 0; i < cli->n_args; i++) {
        int one = check_file(cli, cli->args[i], kind);
        status = one > status ? one : status;
    }
    return status;
}

static const struct cli_option options[] = {
    {"kind",  0, "KIND",
     "pipeline, config, theme, keys or patterns, instead of finding out"},
    {0},
};

const struct cli_command cli_check = {
    .name = "check",
    .args = "FILE...",
    .min_args = 1,
    .max_args = -1,
    .options = options,
    .access = ACCESS_NONE,
    .help = "check pipelines, configuration, themes, keys and patterns",
    .more =
        "Prints every mistake as FILE:LINE: FIELD: what is wrong and what was expected. "
        "A warning is no mistake, and changes nothing of the exit status. "
        "The kind of a file is found by its name (signalbox.yaml, *.theme, *.keys) or "
        "its fields.",
    .run = run,
};
