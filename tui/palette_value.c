/* SPDX-License-Identifier: MIT */
/*
 * What an argument of a verb can be. A table says by its name where its values come from: words
 * of the domain, names of the configuration, what the screen shows. A name that is not in the
 * table is free text.
 */
#include "engine/control/config.h"
#include "engine/learning/tuning.h"
#include "engine/recovery/case.h"
#include "store/approval.h"
#include "store/recovery.h"
#include "tui/frame.h"
#include "tui/palette_impl.h"

/* What the values are taken from. */
struct source {
    struct palette_list *list;
    const struct palette_context *context;
    const char *line; /* the whole line behind the verb */
};

static void offer_words(struct palette_list *list, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        palette_offer(list, words[i], "");
    }
}

static void put_force(const struct source *source)
{
    static const char *const words[] = {"open", "closed", "disabled", "metrics-only",
                                        "auto"};
    offer_words(source->list, words, ARRAY_LEN(words));
}

static void put_direction(const struct source *source)
{
    static const char *const words[] = {"up", "down"};
    offer_words(source->list, words, ARRAY_LEN(words));
}

static void put_span(const struct source *source)
{
    static const char *const words[] = {"10m", "30m", "1h", "2h", "8h"};
    offer_words(source->list, words, ARRAY_LEN(words));
}

static void put_act(const struct source *source)
{
    for (int i = 0; i < ACT_COUNT; i++) {
        palette_offer(source->list, act_word((enum act)i), "");
    }
}

static void put_level(const struct source *source)
{
    for (int i = 0; i < AUTONOMY_LEVEL_COUNT; i++) {
        palette_offer(source->list, level_word((enum autonomy_level)i), "");
    }
    palette_offer(source->list, "configured", "As the configuration says");
}

static void put_class(const struct source *source)
{
    for (int i = 0; i < CLASS_COUNT; i++) {
        palette_offer(source->list, class_word((enum failure_class)i),
                      class_help((enum failure_class)i));
    }
}

static void put_strategy(const struct source *source)
{
    for (int i = 0; i < RUNG_COUNT; i++) {
        palette_offer(source->list, rung_word((enum rung)i), "");
    }
}

static void put_state(const struct source *source)
{
    for (int s = STATE_PLANNING; s <= STATE_VALIDATING; s++) {
        palette_offer(source->list, state_name((enum workflow_state)s),
                      state_help((enum workflow_state)s));
    }
}

static void put_service(const struct source *source)
{
    const struct config *config = source->context->config;
    for (size_t i = 0; config != NULL && i < config->n_services; i++) {
        palette_offer(source->list, config->services[i].name, "");
    }
}

static void put_scale(const struct source *source)
{
    const struct config *config = source->context->config;
    for (size_t i = 0; config != NULL && i < config->n_scales; i++) {
        palette_offer(source->list, config->scales[i].name, "");
    }
}

static void put_user(const struct source *source)
{
    const struct config *config = source->context->config;
    for (int role = 0; config != NULL && role < USER_ROLE_COUNT; role++) {
        const struct role_members *members = &config->access.roles[role];
        for (size_t i = 0; i < members->n_users; i++) {
            if (strcmp(members->users[i], "*") != 0) {
                palette_offer(source->list, members->users[i], "");
            }
        }
    }
}

static void put_approval(const struct source *source)
{
    palette_offer_cases(source->list, source->context->frame, CASE_APPROVAL);
}

static void put_optimization(const struct source *source)
{
    palette_offer_cases(source->list, source->context->frame, CASE_OPTIMIZATION);
}

static void put_failure(const struct source *source)
{
    palette_offer_cases(source->list, source->context->frame, CASE_FAILURE);
}

static void put_any_case(const struct source *source)
{
    palette_offer_workflows(source->list, source->context->frame);
    palette_offer_cases(source->list, source->context->frame, CASE_KIND_COUNT);
}

/* ---- settings ---- */

static void put_setting(const struct source *source)
{
    for (size_t i = 0; i < n_tuning_specs; i++) {
        palette_offer(source->list, tuning_specs[i].key, tuning_specs[i].help);
    }
}

/* The setting that the line names, by `setting=` or as the first word; NULL = none. */
static const struct tuning_spec *setting_of(const char *text, char name[TUNING_NAME_MAX])
{
    struct palette_line line = {.rest = text};
    const struct tuning_spec *spec = NULL;
    name[0] = '\0';
    while (spec == NULL && palette_next_word(&line)) {
        const char *equals = strchr(line.word, '=');
        bool is_named = strncmp(line.word, "setting=", 8) == 0;
        if (equals == NULL || is_named) {
            spec = tuning_find(is_named ? equals + 1 : line.word);
            (void)tuning_name(is_named ? equals + 1 : line.word, name);
        }
    }
    return spec;
}

static void put_scope(const struct source *source)
{
    char text[TUNING_SCOPE_MAX], name[TUNING_NAME_MAX];
    const struct tuning_spec *spec = setting_of(source->line, name);
    const struct config *config = source->context->config;
    const struct frame *frame = source->context->frame;
    bool is_service = spec == NULL || spec->scope == TUNING_SERVICE;
    bool is_pipeline = spec == NULL || spec->scope == TUNING_PIPELINE;
    for (size_t i = 0; is_service && config != NULL && i < config->n_services; i++) {
        palette_offer(source->list,
                      tuning_scope_text(TUNING_SERVICE, config->services[i].name, text),
                      "");
    }
    for (size_t i = 0;
         is_pipeline && frame != NULL && frame->list != NULL && i < frame->list->page.n;
         i++) {
        const char *pipeline = frame->list->page.rows[i].pipeline;
        bool is_new =
            i == 0 || strcmp(pipeline, frame->list->page.rows[i - 1].pipeline) != 0;
        if (is_new) {
            palette_offer(source->list,
                          tuning_scope_text(TUNING_PIPELINE, pipeline, text), "");
        }
    }
    if (is_pipeline) {
        palette_offer(source->list, "pipeline:", "Name of a pipeline");
    }
}

/* Words where there are some, else what is expected beside the default. */
static void put_value(const struct source *source)
{
    static const char *const truths[] = {"true", "false"};
    char name[TUNING_NAME_MAX], help[96];
    const struct tuning_spec *spec = setting_of(source->line, name);
    const struct field *field = spec != NULL ? tuning_field(spec) : NULL;
    if (spec != NULL && spec->kind == OPT_SCALE) {
        put_direction(source);
    }
    if (field == NULL) {
        return;
    }
    if (field->type == FIELD_BOOL) {
        offer_words(source->list, truths, ARRAY_LEN(truths));
    }
    for (size_t i = 0; field->words != NULL && field->words[i] != NULL; i++) {
        palette_offer(source->list, field->words[i], "");
    }
    if (field->fallback != NULL && field->fallback[0] != '\0' && field->words == NULL) {
        (void)snprintf(help, sizeof(help), "The default; a %s",
                       field_type_word(field->type));
        palette_offer(source->list, field->fallback, help);
    }
}

/* clang-format off */
static const struct {
    const char *name; /* of the argument */
    const char *verb_arg_help; /* NULL = any; else only where the help begins so */
    void (*put)(const struct source *source);
} rows[] = {
    {"action",       NULL,           put_act},
    {"approval",     NULL,           put_approval},
    {"class",        NULL,           put_class},
    {"direction",    NULL,           put_direction},
    {"failure",      NULL,           put_failure},
    {"for",          NULL,           put_span},
    {"from",         NULL,           put_state},
    {"level",        NULL,           put_level},
    {"name",         "name of the scale", put_scale},
    {"optimization", NULL,           put_optimization},
    {"scope",        NULL,           put_scope},
    {"service",      NULL,           put_service},
    {"setting",      NULL,           put_setting},
    {"state",        NULL,           put_force},
    {"strategy",     NULL,           put_strategy},
    {"to",           NULL,           put_user},
    {"value",        "its value",    put_value},
    {"wall",         NULL,           put_span},
    {"what",         "its id",       put_any_case},
};
/* clang-format on */

void palette_offer_values(struct palette_list *list, const struct verb_arg *arg,
                          const struct palette_context *context, const char *line)
{
    const struct source source = {.list = list, .context = context, .line = line};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *help = rows[i].verb_arg_help;
        if (strcmp(rows[i].name, arg->name) == 0 &&
            (help == NULL || strncmp(arg->help, help, strlen(help)) == 0)) {
            rows[i].put(&source);
        }
    }
}
