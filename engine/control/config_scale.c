/* SPDX-License-Identifier: MIT */
/* The section scale: commands that add or remove machines. */
#include "engine/control/config_schema.h"

#define AT(member) offsetof(struct scale_spec, member)

/* clang-format off */
static const struct field scale_fields[] = {
    {.name = "name", .type = FIELD_NAME, .offset = AT(name), .is_required = true,
     .help = "What it is called: signalbox scale NAME up."},
    {.name = "up", .type = FIELD_COMMAND, .offset = AT(up), .shown = "none",
     .help = "Command that adds one: a machine, a runner, a worker."},
    {.name = "down", .type = FIELD_COMMAND, .offset = AT(down), .shown = "none",
     .help = "Command that takes one away."},
    {.name = "help", .type = FIELD_TEXT, .offset = AT(help), .max = 200, .may_be_empty = true,
     .fallback = "", .shown = "none", .help = "What it does, for who is asked."},
    {.name = "service", .type = FIELD_TEXT, .offset = AT(service), .max = 64, .may_be_empty = true,
     .fallback = "", .shown = "the engine",
     .help = "The service whose places the machines are; without it they are slots of the engine."},
    {.name = "adds", .type = FIELD_INT, .offset = AT(adds), .max = 1000, .fallback = "0",
     .help = "How many places or slots one up adds; they count while it is in force, and it is "
             "proposed when work waits for them. 0: it is only run when somebody asks."},
};
/* clang-format on */

const struct schema scale_schema = {
    .name = "scale",
    .size = sizeof(struct scale_spec),
    .fields = scale_fields,
    .n_fields = ARRAY_LEN(scale_fields),
    .help =
        "A command that adds or removes machines; it is run when somebody asks for it, "
        "or approves that it is."};

void config_check_scale(const char *file, const struct config *config,
                        const struct yaml_item *root, struct findings *findings)
{
    const struct yaml_item *list = yaml_item_get(root, "scale");
    const struct yaml_item *item = list != NULL ? list->first : NULL;
    for (size_t i = 0; i < config->n_scales && item != NULL; i++, item = item->next) {
        const struct scale_spec *scale = &config->scales[i];
        const struct config_place at = {file, item, findings};
        if (item->kind != YAML_MAP || scale->name == NULL) {
            continue; /* told already */
        }
        if (scale->up.argv == NULL && scale->down.argv == NULL &&
            yaml_item_get(item, "up") == NULL && yaml_item_get(item, "down") == NULL) {
            config_report(&at, "up", "missing; expected a command for up, down or both");
        }
        if (scale->service != NULL && scale->service[0] != '\0' &&
            service_find(config->services, config->n_services, scale->service) == NULL) {
            config_report(&at, "service", "no such service is configured");
        }
        if (scale_find(config->scales, i, scale->name) != NULL) {
            config_report(&at, "name",
                          "is the name of another one; expected names that differ");
        }
    }
}
