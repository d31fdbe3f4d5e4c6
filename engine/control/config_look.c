/* SPDX-License-Identifier: MIT */

/* How consoles look by environment, so that nobody takes production for anything else. */

#include <fnmatch.h>
#include <string.h>

#include "engine/control/config_schema.h"

#define SPEC(member) offsetof(struct look_spec, member)

static const char *const production_words[] = {"auto", "always", "never", NULL};

/* clang-format off */
static const struct field look_fields[] = {
    {.name = "match", .type = FIELD_TEXT, .offset = SPEC(match), .max = 64, .is_required = true,
     .help = "Pattern of names of environments, as a shell matches file names; capitals are not "
             "told apart."},
    {.name = "theme", .type = FIELD_PLACE, .offset = SPEC(theme), .may_be_empty = true,
     .fallback = "", .shown = "that of console",
     .help = "Theme there: a name, or the path of a file."},
    {.name = "production", .type = FIELD_WORD, .offset = SPEC(production),
     .words = production_words, .fallback = "auto",
     .help = "Whether the console says in capitals, between two triangles and on a ground of its "
             "own that this is production; auto does when the name of the environment begins "
             "with prod or live."},
};
const struct schema look_schema = {
    .name = "console.environments", .size = sizeof(struct look_spec), .fields = look_fields,
    .n_fields = ARRAY_LEN(look_fields),
    .help = "How the console looks in an environment; the first that matches counts."};
/* clang-format on */

static bool is_like(const char *pattern, const char *name)
{
    return fnmatch(pattern, name, FNM_CASEFOLD) == 0;
}

static const struct look_spec *find_look(const struct config *config)
{
    for (size_t i = 0; i < config->n_looks; i++) {
        if (is_like(config->looks[i].match, config->environment)) {
            return &config->looks[i];
        }
    }
    return NULL;
}

const char *config_theme(const struct config *config)
{
    const struct look_spec *look = find_look(config);
    return look != NULL && look->theme[0] != '\0' ? look->theme : config->theme;
}

bool config_is_production(const struct config *config)
{
    const struct look_spec *look = find_look(config);
    enum ascii_mode mode = look != NULL ? look->production : ASCII_AUTO;
    return mode == ASCII_AUTO ? is_like("prod*", config->environment) ||
                                    is_like("live*", config->environment)
                              : mode == ASCII_ALWAYS;
}
