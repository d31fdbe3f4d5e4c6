/* SPDX-License-Identifier: MIT */
#include "engine/drill/profile.h"

#include <stdarg.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/workflow/machine.h"
#include "engine/workflow/schema.h"

#define SECOND INT64_C(1000)
#define DAY    (24 * 3600 * SECOND)

static const char *const what_words[] = {
#define X(id, word, of_calls, help) word,
    DRILL_WHAT_LIST(X)
#undef X
        NULL};
static const char *const class_words[] = {
#define X(id, word, category, help) word,
    CLASS_LIST(X)
#undef X
        NULL};
static const char *const person_words[] = {"fixes", "cancels", NULL};
static const char *const begins_words[] = {"by-itself", "with-a-merge", NULL};

bool drill_is_of_calls(enum drill_what what)
{
    static const bool of_calls[] = {
#define X(id, word, is_of_calls, help) is_of_calls,
        DRILL_WHAT_LIST(X)
#undef X
    };
    return of_calls[what];
}

#define AT(member)    offsetof(struct drill_profile, member)
#define FAULT(member) offsetof(struct drill_fault, member)
#define PIPE(member)  offsetof(struct drill_pipeline, member)

/* clang-format off */
static const struct field log_fields[] = {
    {.name = "text", .type = FIELD_LINES, .offset = offsetof(struct drill_log, text), .max = 8000,
     .is_required = true, .help = "Lines as the tool prints them, with words in braces."},
};
static const struct schema log_schema = {
    .name = "a log", .shorthand = "text", .size = sizeof(struct drill_log), .fields = log_fields,
    .n_fields = ARRAY_LEN(log_fields),
    .help = "What the step has printed; one of the logs is drawn each time a workflow is hit."};

static const struct field where_fields[] = {
    {.name = "service", .type = FIELD_TEXT, .offset = FAULT(service), .max = 64,
     .may_be_empty = true, .fallback = "", .shown = "any",
     .help = "Name of a service: calls to it, or steps that it performs."},
    {.name = "step", .type = FIELD_TEXT, .offset = FAULT(step), .max = 64, .may_be_empty = true,
     .fallback = "", .shown = "any",
     .help = "Name of a step of a pipeline, or a kind of step: plan, workspace, code, commit, "
             "pull-request, sandbox, setup, check, evaluate, forge-checks, merge."},
    {.name = "pipeline", .type = FIELD_TEXT, .offset = FAULT(pipeline), .max = 64,
     .may_be_empty = true, .fallback = "", .shown = "any", .help = "Name of a pipeline."},
};
static const struct schema where_schema = {
    .name = "where", .size = sizeof(struct drill_fault), .fields = where_fields,
    .n_fields = ARRAY_LEN(where_fields), .help = "What the fault can hit."};

#define RUNG_FIELD(table, id, word, rung_help)                                            \
    {.name = word, .type = FIELD_SHARE, .offset = offsetof(struct drill_fault, table[id]), \
     .fallback = "0", .help = "Chance that it helps: " rung_help "."},
static const struct field helps_fields[] = {
#define X(id, word, strategy, category, subject, approval, help) RUNG_FIELD(helps, id, word, help)
    RUNG_LIST(X)
#undef X
};
static const struct field then_fields[] = {
#define X(id, word, strategy, category, subject, approval, help) RUNG_FIELD(then, id, word, help)
    RUNG_LIST(X)
#undef X
};
static const struct schema helps_schema = {
    .name = "helps", .size = sizeof(struct drill_fault), .fields = helps_fields,
    .n_fields = ARRAY_LEN(helps_fields),
    .help = "The truth: for each rung the chance that one try of it overcomes the fault."};
static const struct schema then_schema = {
    .name = "then", .size = sizeof(struct drill_fault), .fields = then_fields,
    .n_fields = ARRAY_LEN(then_fields), .help = "The truth after the drift."};

static const struct field fault_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .offset = FAULT(name), .max = 64, .is_required = true,
     .help = "What people call it."},
    {.name = "where", .type = FIELD_TABLE, .sub = &where_schema, .help = "What it can hit."},
    {.name = "what", .type = FIELD_WORD, .offset = FAULT(what), .words = what_words,
     .fallback = "fails",
     .help = "What happens. Of the step: it fails, hangs until it is killed, vanishes with its "
             "process, cannot be begun because a program is missing, or is slow. Of calls to a "
             "service, which must be named: unreached, answers (with http), silent, or loses "
             "(it is done, but the answer gets lost)."},
    {.name = "share", .type = FIELD_SHARE, .offset = FAULT(share), .fallback = "1",
     .help = "Share of the workflows that come by and are hit, each at most once; of the calls; "
             "with begins: with-a-merge, of the merges."},
    {.name = "begins", .type = FIELD_WORD, .offset = FAULT(begins), .words = begins_words,
     .fallback = "by-itself",
     .help = "with-a-merge: a merge breaks the base branch, and everybody is hit until it is "
             "reverted, or somebody mends it."},
    {.name = "at", .type = FIELD_SHARE, .offset = FAULT(at), .fallback = "0",
     .help = "Share of the campaign after which it begins."},
    {.name = "for", .type = FIELD_DURATION, .offset = FAULT(length), .min = SECOND,
     .max = 90 * DAY, .has_zero = true, .fallback = "0", .shown = "to the end",
     .help = "How long it stays."},
    {.name = "windows", .type = FIELD_INT, .offset = FAULT(windows), .min = 1, .max = 100,
     .has_zero = true, .fallback = "0", .shown = "one, that begins at 'at'",
     .help = "It comes so often, at random moments."},
    {.name = "group", .type = FIELD_TEXT, .offset = FAULT(group), .max = 64,
     .may_be_empty = true, .fallback = "", .shown = "none",
     .help = "Faults of one group have their random moments together."},
    {.name = "shared", .type = FIELD_BOOL, .offset = FAULT(is_shared), .fallback = "false",
     .help = "Whether it is one condition of the surroundings: over for all when it is over, and "
             "mended for all when a person mends it once."},
    {.name = "class", .type = FIELD_WORD, .offset = FAULT(class_), .words = class_words,
     .fallback = "unknown", .help = "The truth: what kind of failure it is."},
    {.name = "http", .type = FIELD_INT, .offset = FAULT(http), .min = 400, .max = 599,
     .has_zero = true, .fallback = "0", .shown = "none", .help = "Status of the answers."},
    {.name = "retry_after", .type = FIELD_DURATION, .offset = FAULT(retry_after), .min = SECOND,
     .max = DAY, .has_zero = true, .fallback = "0", .shown = "none",
     .help = "What the header Retry-After of the answers says."},
    {.name = "exit", .type = FIELD_INT, .offset = FAULT(exit_status), .min = 1, .max = 255,
     .fallback = "1", .help = "Exit status of the command; 128 + n when signal n killed it."},
    {.name = "times", .type = FIELD_INT, .offset = FAULT(times), .min = 2, .max = 1000,
     .fallback = "5",
     .help = "How much longer it takes at the end of the window; it grows evenly."},
    {.name = "logs", .type = FIELD_MAPS, .offset = FAULT(logs), .offset_n = FAULT(n_logs),
     .sub = &log_schema, .shown = "one line",
     .help = "What is printed, as several variants."},
    {.name = "helps", .type = FIELD_TABLE, .sub = &helps_schema, .help = "What helps."},
    {.name = "then", .type = FIELD_TABLE, .sub = &then_schema, .shown = "as before",
     .help = "What helps after the drift."},
    {.name = "lasts", .type = FIELD_DURATION, .offset = FAULT(lasts), .min = SECOND, .max = 30 * DAY,
     .has_zero = true, .fallback = "0", .shown = "it does not go away",
     .help = "So long after the first failure it is gone by itself, and trying again helps."},
    {.name = "needs_person", .type = FIELD_BOOL, .offset = FAULT(needs_person),
     .fallback = "false",
     .help = "Whether it stays until a person has mended it: to ask one is right, all else is "
             "waste."},
    {.name = "person", .type = FIELD_WORD, .offset = FAULT(person), .words = person_words,
     .fallback = "fixes",
     .help = "What a person who is asked does: mends it, or cancels the workflow."},
    {.name = "bound", .type = FIELD_INT, .offset = FAULT(bound), .min = 1, .max = 100,
     .fallback = "8",
     .help = "Attempts after the first that may be spent before a person is asked, when it "
             "can never be recovered without one."},
};
static const struct schema fault_schema = {
    .name = "a fault", .size = sizeof(struct drill_fault), .fields = fault_fields,
    .n_fields = ARRAY_LEN(fault_fields), .help = "Something that goes wrong."};

static const struct field pipeline_fields[] = {
    {.name = "share", .type = FIELD_SHARE, .offset = PIPE(share), .fallback = "1",
     .help = "Its weight among the pipelines."},
    {.name = "text", .type = FIELD_LINES, .offset = PIPE(text), .max = 65536,
     .may_be_empty = true, .fallback = "", .shown = "none",
     .help = "The pipeline, as in signalbox.yaml(5)."},
    {.name = "file", .type = FIELD_PATH, .offset = PIPE(file), .may_be_empty = true,
     .fallback = "", .shown = "none", .help = "Or the file that holds it."},
};
static const struct schema lane_schema = {
    .name = "a pipeline", .size = sizeof(struct drill_pipeline), .fields = pipeline_fields,
    .n_fields = ARRAY_LEN(pipeline_fields), .help = "What workflows do."};

static const struct field time_fields[] = {
    {.name = "step", .type = FIELD_TEXT, .offset = offsetof(struct drill_time, step), .max = 64,
     .is_required = true, .help = "Name of a step, or a kind of step."},
    {.name = "takes", .type = FIELD_DURATION, .offset = offsetof(struct drill_time, takes),
     .min = 1, .max = DAY, .is_required = true,
     .help = "How long it takes, half of it to twice as long."},
};
static const struct schema time_schema = {
    .name = "a time", .size = sizeof(struct drill_time), .fields = time_fields,
    .n_fields = ARRAY_LEN(time_fields), .help = "How long a step takes."};

static const struct field fleet_fields[] = {
    {.name = "arrivals", .type = FIELD_DURATION, .offset = AT(arrivals), .min = 10, .max = DAY,
     .fallback = "15s",
     .help = "Mean pause between two new workflows. With their number it says how long the "
             "campaign is."},
    {.name = "crash_every", .type = FIELD_DURATION, .offset = AT(crash_every), .min = 60 * SECOND,
     .max = 90 * DAY, .has_zero = true, .fallback = "0", .shown = "never",
     .help = "Mean time between two crashes of the engine."},
    {.name = "restart", .type = FIELD_DURATION, .offset = AT(restart), .min = 1, .max = DAY,
     .fallback = "2s", .help = "How long the engine is away after a crash."},
    {.name = "operator", .type = FIELD_DURATION, .offset = AT(operator_delay), .min = SECOND,
     .max = 30 * DAY, .fallback = "20m",
     .help = "Mean time until a person who is asked has answered and mended what only a person "
             "can."},
    {.name = "drift", .type = FIELD_SHARE, .offset = AT(drift), .fallback = "1",
     .shown = "never",
     .help = "Share of the campaign after which 'then' is the truth about what helps."},
};
static const struct schema fleet_schema = {
    .name = "fleet", .size = sizeof(struct drill_profile), .fields = fleet_fields,
    .n_fields = ARRAY_LEN(fleet_fields), .help = "How work comes, and who looks after it."};

static const struct field profile_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .offset = AT(name), .max = 64, .is_required = true,
     .help = "What people call it."},
    {.name = "fleet", .type = FIELD_TABLE, .sub = &fleet_schema,
     .help = "How work comes, and who looks after it."},
    {.name = "settings", .type = FIELD_LINES, .offset = AT(settings), .max = 65536,
     .may_be_empty = true, .fallback = "", .shown = "the defaults",
     .help = "Settings of the engine as in signalbox.yaml(5): max_running, recovery, services."},
    {.name = "settings_file", .type = FIELD_PATH, .offset = AT(settings_file),
     .may_be_empty = true, .fallback = "", .shown = "none", .help = "Or the file that holds them."},
    {.name = "pipelines", .type = FIELD_MAPS, .offset = AT(pipelines), .offset_n = AT(n_pipelines),
     .sub = &lane_schema, .is_required = true, .help = "What workflows do."},
    {.name = "times", .type = FIELD_MAPS, .offset = AT(times), .offset_n = AT(n_times),
     .sub = &time_schema, .shown = "usual ones", .help = "How long steps take."},
    {.name = "faults", .type = FIELD_MAPS, .offset = AT(faults), .offset_n = AT(n_faults),
     .sub = &fault_schema, .shown = "none", .help = "What goes wrong."},
};
/* clang-format on */

const struct schema *drill_profile_schema(void)
{
    static const struct schema schema = {
        .name = "drill profile",
        .size = sizeof(struct drill_profile),
        .fields = profile_fields,
        .n_fields = ARRAY_LEN(profile_fields),
        .help = "A profile is one map of these fields.",
    };
    return &schema;
}

double drill_helps(const struct drill_fault *fault, enum rung rung, bool has_drifted)
{
    if (fault->needs_person || rung >= RUNG_COUNT) {
        return 0;
    }
    return has_drifted && fault->has_then ? fault->then[rung] : fault->helps[rung];
}

bool drill_is_recoverable(const struct drill_fault *fault, bool has_drifted)
{
    if (fault->needs_person) {
        return false;
    }
    bool ends = fault->lasts.ms > 0 || (fault->is_shared && fault->length.ms > 0) ||
                drill_is_of_calls(fault->what) || fault->what == DRILL_SLOW;
    for (int rung = 0; rung < RUNG_COUNT && !ends; rung++) {
        ends =
            rung != RUNG_ESCALATE && drill_helps(fault, (enum rung)rung, has_drifted) > 0;
    }
    return ends;
}

/* ---- what one field says about another ------------------------------------------------ */

struct checking {
    const char *file;
    const struct yaml_item *root;
    struct drill_profile *profile;
    struct findings *findings;
};

static const struct yaml_item *entry(const struct checking *c, const char *list, size_t i)
{
    const struct yaml_item *item = yaml_item_get(c->root, list);
    for (item = item != NULL ? item->first : NULL; item != NULL; item = item->next) {
        if (item->index == i) {
            return item;
        }
    }
    return c->root;
}

static void report(const struct checking *c, const struct yaml_item *map,
                   const char *field, const char *format, ...) PRINTF_LIKE(4, 5);
static void report(const struct checking *c, const struct yaml_item *map,
                   const char *field, const char *format, ...)
{
    char path[YAML_PATH_MAX], text[512];
    const struct yaml_item *value = yaml_item_get(map, field);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    findings_add(c->findings, c->file, value != NULL ? value->line : map->line,
                 yaml_item_path(map, field, path), "%s", text);
}

/* Mistakes of a file inside the file, at their line of the outer one. */
static void hand_on(const struct checking *c, const struct yaml_item *map,
                    const char *field, const struct findings *inner)
{
    const struct yaml_item *value = yaml_item_get(map, field);
    for (size_t i = 0; i < inner->n; i++) {
        const struct finding *row = &inner->rows[i];
        char path[YAML_PATH_MAX], whole[2 * YAML_PATH_MAX];
        bool is_block = value != NULL && strchr(value->text, '\n') != NULL;
        int line = value == NULL ? row->line : value->line + (is_block ? row->line : 0);
        (void)snprintf(whole, sizeof(whole), "%s%s%s", yaml_item_path(map, field, path),
                       row->field[0] != '\0' ? "." : "", row->field);
        findings_add(c->findings, c->file, line, whole, "%s", row->text);
    }
}

/* The text of `file`, or NULL with a finding. */
static char *read_file(const struct checking *c, const struct yaml_item *map,
                       const char *field, const char *path, size_t *ret_len)
{
    struct err err = ERR_INIT;
    char *text = NULL;
    if (!file_read(path, YAML_TEXT_MAX, &text, ret_len, &err)) {
        report(c, map, field, "cannot be read: %.200s", err.msg);
        return NULL;
    }
    return text;
}

static void check_settings(const struct checking *c)
{
    struct drill_profile *profile = c->profile;
    struct findings inner;
    if (profile->settings_file[0] != '\0' && profile->settings[0] != '\0') {
        report(c, c->root, "settings_file", "settings are given as well; expected one");
        return;
    }
    findings_init(&inner);
    if (profile->settings_file[0] != '\0') {
        size_t len = 0;
        AUTO_FREE char *text =
            read_file(c, c->root, "settings_file", profile->settings_file, &len);
        if (text != NULL) {
            profile->config =
                config_parse(profile->settings_file, text, len, c->findings);
        }
    } else {
        profile->config =
            config_parse(c->file, profile->settings, strlen(profile->settings), &inner);
        hand_on(c, c->root, "settings", &inner);
    }
    findings_fini(&inner);
}

static void check_pipeline(const struct checking *c, size_t i)
{
    struct drill_pipeline *row = &c->profile->pipelines[i];
    const struct yaml_item *map = entry(c, "pipelines", i);
    bool has_file = row->file[0] != '\0';
    if (has_file == (row->text[0] != '\0')) {
        report(c, map, "text", "expected either text or file");
        return;
    }
    struct findings inner;
    findings_init(&inner);
    size_t len = strlen(row->text);
    row->source =
        has_file ? read_file(c, map, "file", row->file, &len) : mem_str(row->text);
    if (row->source != NULL) {
        row->pipeline = has_file
                            ? pipeline_parse(row->file, row->source, len, c->findings)
                            : pipeline_parse(c->file, row->source, len, &inner);
    }
    hand_on(c, map, "text", &inner);
    findings_fini(&inner);
}

static bool has_step(const struct pipeline *pipeline, const char *name)
{
    static const enum workflow_state states[] = {STATE_PLANNING, STATE_CODING,
                                                 STATE_PR_CREATED, STATE_VALIDATING};
    for (size_t s = 0; s < ARRAY_LEN(states); s++) {
        struct stage_step step;
        for (int i = 0; (step = stage_step(pipeline, states[s], i)).kind != EFFECT_NONE;
             i++) {
            if (strcmp(step.name, name) == 0 ||
                strcmp(effect_name(step.kind), name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool any_pipeline(const struct checking *c, const char *name, const char *step)
{
    for (size_t i = 0; i < c->profile->n_pipelines; i++) {
        const struct pipeline *pipeline = c->profile->pipelines[i].pipeline;
        if (pipeline == NULL) {
            return true; /* its own mistakes are told */
        }
        if ((name[0] == '\0' || strcmp(pipeline->name, name) == 0) &&
            (step[0] == '\0' || has_step(pipeline, step))) {
            return true;
        }
    }
    return false;
}

static void check_where(const struct checking *c, const struct drill_fault *fault,
                        const struct yaml_item *map)
{
    const struct config *config = c->profile->config;
    const struct yaml_item *where = yaml_item_get(map, "where");
    char quoted[YAML_QUOTE_MAX];
    if (fault->service[0] != '\0' && config != NULL &&
        strcmp(fault->service, SERVICE_LOCAL) != 0 &&
        service_find(config->services, config->n_services, fault->service) == NULL) {
        report(c, where, "service", "%s is none of the services in settings",
               yaml_quote(fault->service, strlen(fault->service), quoted));
    }
    if (fault->pipeline[0] != '\0' && !any_pipeline(c, fault->pipeline, "")) {
        report(c, where, "pipeline", "no pipeline is called %s",
               yaml_quote(fault->pipeline, strlen(fault->pipeline), quoted));
    } else if (fault->step[0] != '\0' && !any_pipeline(c, fault->pipeline, fault->step)) {
        report(c, where, "step", "no pipeline has the step %s",
               yaml_quote(fault->step, strlen(fault->step), quoted));
    }
}

static void check_fault(const struct checking *c, size_t i)
{
    struct drill_fault *fault = &c->profile->faults[i];
    const struct yaml_item *map = entry(c, "faults", i);
    if (map->kind != YAML_MAP || fault->name == NULL) {
        return;
    }
    fault->has_then = yaml_item_get(map, "then") != NULL;
    for (size_t k = 0; k < i; k++) {
        if (c->profile->faults[k].name != NULL &&
            strcmp(c->profile->faults[k].name, fault->name) == 0) {
            report(c, map, "name", "another fault has this name");
        }
    }
    check_where(c, fault, map);
    if (drill_is_of_calls(fault->what) &&
        (fault->service[0] == '\0' || strcmp(fault->service, SERVICE_LOCAL) == 0)) {
        report(c, map, "what", "'%s' is of calls; expected where.service",
               what_words[fault->what]);
    }
    if ((fault->what == DRILL_ANSWERS) != (fault->http != 0)) {
        report(c, map, "http", "expected with what: answers, and only there");
    }
    if (fault->windows > 0 && fault->length.ms == 0) {
        report(c, map, "windows", "expected 'for' as well: how long each of them is");
    }
    if (fault->needs_person && yaml_item_get(map, "helps") != NULL) {
        report(c, map, "helps", "nothing helps against what needs a person");
    }
    if (fault->begins == DRILL_WITH_A_MERGE && drill_is_of_calls(fault->what)) {
        report(c, map, "begins", "a merge breaks steps, not calls to a service");
    }
}

static void check(const struct checking *c)
{
    struct drill_profile *profile = c->profile;
    check_settings(c);
    for (size_t i = 0; i < profile->n_pipelines; i++) {
        check_pipeline(c, i);
    }
    if (profile->n_pipelines == 0 && yaml_item_get(c->root, "pipelines") != NULL) {
        report(c, c->root, "pipelines", "is empty; expected at least one");
    }
    if (profile->n_faults > DRILL_FAULTS_MAX) {
        report(c, c->root, "faults", "%zu faults; expected at most %d", profile->n_faults,
               DRILL_FAULTS_MAX);
    }
    for (size_t i = 0; i < profile->n_faults; i++) {
        check_fault(c, i);
    }
}

static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    AUTO_FREE char *folder = slash == NULL   ? mem_str(".")
                             : slash == file ? mem_str("/")
                                             : mem_strn(file, (size_t)(slash - file));
    struct err err = ERR_INIT;
    return file_real(folder, &err);
}

struct drill_profile *drill_profile_parse(const char *file, const char *text, size_t len,
                                          struct findings *findings)
{
    size_t n_before = findings->n, n_dropped = findings->n_dropped;
    struct drill_profile *profile = mem_alloc(sizeof(*profile));
    struct yaml_tree *tree = yaml_tree_parse(file, text, len, findings);
    AUTO_FREE char *folder = folder_of(file);
    schema_init(drill_profile_schema(), profile);
    schema_decode(drill_profile_schema(), file, folder, tree, profile, findings);
    if (tree->root != NULL && tree->root->kind == YAML_MAP && !tree->is_partial) {
        const struct checking c = {file, tree->root, profile, findings};
        check(&c);
    }
    yaml_tree_free(tree);
    if (findings->n > n_before || findings->n_dropped > n_dropped) {
        findings_sort(findings, n_before);
        drill_profile_free(profile);
        return NULL;
    }
    return profile;
}

void drill_profile_free(struct drill_profile *profile)
{
    if (profile == NULL) {
        return;
    }
    for (size_t i = 0; i < profile->n_pipelines; i++) {
        pipeline_free(profile->pipelines[i].pipeline);
        free(profile->pipelines[i].source);
    }
    config_free(profile->config);
    schema_fini(drill_profile_schema(), profile);
    free(profile);
}
