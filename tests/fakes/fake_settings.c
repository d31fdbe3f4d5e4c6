/* SPDX-License-Identifier: MIT */

#include "tests/fakes/fake_settings.h"

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/base/yaml.h"
#include "tests/fakes/fake.h"

#define PROFILE_MAX (64 * 1024)

static const char *const fault_words[] = {
#define X(id, word, help) word,
    FAKE_FAULT_LIST(X)
#undef X
};

bool fake_fault_find(const char *word, enum fake_fault_kind *ret_kind)
{
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
        if (strcmp(fault_words[i], word) == 0) {
            *ret_kind = (enum fake_fault_kind)i;
            return true;
        }
    return false;
}

struct fake_fault fake_fault_init(void)
{
    return (struct fake_fault){.method = mem_str(""),
                               .match = mem_str(""),
                               .percent = 100,
                               .status = 503,
                               .retry_after = -1,
                               .time = span_s(1),
                               .count = -1};
}

void fake_fault_fini(struct fake_fault *fault)
{
    free(fault->method);
    free(fault->match);
}

struct fake_settings *fake_settings_new(void)
{
    struct fake_settings *set = mem_alloc(sizeof *set);
    set->seed = 1;
    set->codegen = (struct fake_codegen_settings){
        .organization = 42,
        .token = mem_str(""),
        .url = mem_str(""),
        .repository = mem_str(""),
        .run_time = {400},
        .end = mem_str("COMPLETE"),
        .lists_pull = true,
        .creates = 10,
        .calls = 60,
        .runs_left = -1,
    };
    set->github = (struct fake_github_settings){
        .owner = mem_str("acme"),
        .name = mem_str("payments"),
        .moved_from = mem_str(""),
        .token = mem_str(""),
        .url = mem_str(""),
        .logs_url = mem_str(""),
        .limit = 5000,
        .mergeable_after = {50},
    };
    return set;
}

static void texts_free(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
}

void fake_settings_free(struct fake_settings *set)
{
    if (set == NULL)
        return;
    char *const texts[] = {set->codegen.token,      set->codegen.url,
                           set->codegen.repository, set->codegen.end,
                           set->github.owner,       set->github.name,
                           set->github.token,       set->github.moved_from,
                           set->github.url,         set->github.logs_url};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    texts_free(set->codegen.statuses, set->codegen.n_statuses);
    texts_free(set->github.required, set->github.n_required);
    for (size_t i = 0; i < set->github.n_checks; i++) {
        struct fake_check_spec *check = &set->github.checks[i];
        texts_free(check->conclusions, check->n_conclusions);
        free(check->name);
        free(check->rerun);
        free(check->log);
    }
    free(set->github.checks);
    for (size_t i = 0; i < set->n_faults; i++)
        fake_fault_fini(&set->faults[i]);
    free(set->faults);
    free(set);
}

/* ---- reading ------------------------------------------------------------------------ */

struct reading {
    const char *file;
    struct findings findings;
};

static const struct yaml_item *field(const struct yaml_item *item, const char *key)
{
    const struct yaml_item *value = item != NULL ? yaml_item_get(item, key) : NULL;
    return value != NULL && value->kind != YAML_NULL ? value : NULL;
}

static void take_text(const struct yaml_item *item, const char *key, char **text)
{
    const struct yaml_item *value = field(item, key);
    if (value != NULL)
        fake_keep(text, value->text);
}

static void wrong(struct reading *in, const struct yaml_item *item, const char *what)
{
    findings_add(&in->findings, in->file, item->line, item->key != NULL ? item->key : "",
                 "%s", what);
}

static int64_t take_number(struct reading *in, const struct yaml_item *item,
                           const char *key, int64_t now)
{
    const struct yaml_item *value = field(item, key);
    if (value == NULL)
        return now;
    int64_t number = fake_number(value->text, INT64_MIN);
    if (number == INT64_MIN)
        wrong(in, value, "no whole number");
    return number;
}

static int take_int(struct reading *in, const struct yaml_item *item, const char *key,
                    int now)
{
    return (int)take_number(in, item, key, now);
}

static bool take_bool(struct reading *in, const struct yaml_item *item, const char *key,
                      bool now)
{
    const struct yaml_item *value = field(item, key);
    if (value == NULL)
        return now;
    if (strcmp(value->text, "true") != 0 && strcmp(value->text, "false") != 0)
        wrong(in, value, "neither true nor false");
    return strcmp(value->text, "true") == 0;
}

static void take_span(struct reading *in, const struct yaml_item *item, const char *key,
                      struct span *span)
{
    const struct yaml_item *value = field(item, key);
    if (value != NULL && !span_parse(value->text, span))
        wrong(in, value, "no length of time");
}

static void take_texts(const struct yaml_item *item, const char *key, char ***texts,
                       size_t *n)
{
    const struct yaml_item *list = field(item, key);
    for (const struct yaml_item *at = list != NULL ? list->first : NULL; at != NULL;
         at = at->next)
        *FAKE_ADD(*texts, *n) = mem_str(at->text);
}

static void take_codegen(struct reading *in, const struct yaml_item *item,
                         struct fake_codegen_settings *set)
{
    set->organization = take_number(in, item, "organization", set->organization);
    take_span(in, item, "run_time", &set->run_time);
    take_texts(item, "statuses", &set->statuses, &set->n_statuses);
    take_text(item, "end", &set->end);
    set->opens_pull = take_bool(in, item, "opens_pull", set->opens_pull);
    set->lists_pull = take_bool(in, item, "lists_pull", set->lists_pull);
    set->is_sparse = take_bool(in, item, "sparse", set->is_sparse);
    set->creates = take_number(in, item, "creates", set->creates);
    set->calls = take_number(in, item, "calls", set->calls);
    set->runs_left = take_number(in, item, "runs_left", set->runs_left);
}

static void take_check(struct reading *in, const struct yaml_item *item,
                       struct fake_github_settings *set)
{
    struct fake_check_spec *check = FAKE_ADD(set->checks, set->n_checks);
    AUTO_FREE char *kind = mem_str("actions");
    check->name = mem_str("build");
    check->rerun = mem_str("");
    check->log = mem_str("error: something is wrong");
    check->queue = (struct span){50};
    check->time = (struct span){150};
    take_text(item, "name", &check->name);
    take_text(item, "kind", &kind);
    take_text(item, "rerun", &check->rerun);
    take_text(item, "log", &check->log);
    take_texts(item, "conclusions", &check->conclusions, &check->n_conclusions);
    take_span(in, item, "queue", &check->queue);
    take_span(in, item, "time", &check->time);
    check->kind = strcmp(kind, "status") == 0 ? FAKE_CHECK_STATUS
                  : strcmp(kind, "app") == 0  ? FAKE_CHECK_APP
                                              : FAKE_CHECK_ACTIONS;
}

static void take_github(struct reading *in, const struct yaml_item *item,
                        struct fake_github_settings *set)
{
    const struct yaml_item *repository = field(item, "repository");
    const char *slash = repository != NULL ? strchr(repository->text, '/') : NULL;
    if (slash != NULL) {
        free(set->owner);
        set->owner = mem_strn(repository->text, (size_t)(slash - repository->text));
        fake_keep(&set->name, slash + 1);
    }
    take_text(item, "moved_from", &set->moved_from);
    set->limit = take_number(in, item, "limit", set->limit);
    set->writes = take_number(in, item, "writes", set->writes);
    take_span(in, item, "mergeable_after", &set->mergeable_after);
    take_texts(item, "required", &set->required, &set->n_required);
    const struct yaml_item *checks = field(item, "checks");
    for (const struct yaml_item *at = checks != NULL ? checks->first : NULL; at != NULL;
         at = at->next)
        take_check(in, at, set);
}

static void take_fault(struct reading *in, const struct yaml_item *item,
                       struct fake_fault *fault)
{
    const struct yaml_item *service = field(item, "service"), *kind = field(item, "kind");
    *fault = fake_fault_init();
    if (service != NULL)
        fault->service = strcmp(service->text, "codegen") == 0  ? FAKE_CODEGEN
                         : strcmp(service->text, "github") == 0 ? FAKE_GITHUB
                                                                : FAKE_ANY;
    if (kind == NULL || !fake_fault_find(kind->text, &fault->kind))
        wrong(in, kind != NULL ? kind : item, "no such fault");
    take_text(item, "method", &fault->method);
    take_text(item, "match", &fault->match);
    fault->percent = take_int(in, item, "percent", fault->percent);
    fault->status = take_int(in, item, "status", fault->status);
    fault->retry_after = take_number(in, item, "retry_after", fault->retry_after);
    fault->count = take_number(in, item, "count", fault->count);
    fault->is_after = take_bool(in, item, "after", fault->is_after);
    take_span(in, item, "time", &fault->time);
    take_span(in, item, "from", &fault->from);
    take_span(in, item, "for", &fault->span);
}

static void take_all(struct reading *in, const struct yaml_item *root,
                     struct fake_settings *set)
{
    const struct yaml_item *hooks = field(root, "hooks"), *faults = field(root, "faults");
    set->seed = (uint64_t)take_number(in, root, "seed", (int64_t)set->seed);
    take_codegen(in, field(root, "codegen"), &set->codegen);
    take_github(in, field(root, "github"), &set->github);
    set->hooks.drop = take_int(in, hooks, "drop", 0);
    set->hooks.duplicate = take_int(in, hooks, "duplicate", 0);
    take_span(in, hooks, "shuffle", &set->hooks.shuffle);
    take_span(in, hooks, "delay", &set->hooks.delay);
    for (const struct yaml_item *at = faults != NULL ? faults->first : NULL; at != NULL;
         at = at->next) {
        struct fake_fault *fault = FAKE_ADD(set->faults, set->n_faults);
        take_fault(in, at, fault);
    }
}

struct fake_settings *fake_settings_read(const char *path, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t len;
    if (!file_read(path, PROFILE_MAX, &text, &len, err))
        return NULL;
    struct reading in = {.file = path};
    findings_init(&in.findings);
    struct yaml_tree *tree = yaml_tree_parse(path, text, len, &in.findings);
    struct fake_settings *set = fake_settings_new();
    take_all(&in, tree->root, set);
    if (!findings_is_empty(&in.findings)) {
        AUTO_FREE char *line = finding_format(&in.findings.rows[0]);
        (void)err_set(err, ERR_CONFIG, "%s", line);
        fake_settings_free(set);
        set = NULL;
    }
    yaml_tree_free(tree);
    findings_fini(&in.findings);
    return set;
}
