/* SPDX-License-Identifier: MIT */
#include "engine/service/scale.h"

#include "engine/base/json.h"
#include "engine/service/order.h"

const struct scale_spec *scale_find(const struct scale_spec *scales, size_t n,
                                    const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (scales[i].name != NULL && strcmp(scales[i].name, name) == 0) {
            return &scales[i];
        }
    }
    return NULL;
}

const struct command_spec *scale_command(const struct scale_spec *scale,
                                         const char *direction)
{
    const struct command_spec *command = strcmp(direction, "up") == 0     ? &scale->up
                                         : strcmp(direction, "down") == 0 ? &scale->down
                                                                          : NULL;
    return command != NULL && command->argv != NULL ? command : NULL;
}

bool scale_order(struct order *order, const char *params, const struct scale_spec *scales,
                 size_t n, struct err *err)
{
    struct err ignored = ERR_INIT;
    struct json *asked = json_parse(params, strlen(params), &ignored);
    const char *name = json_str(asked, "scale", "");
    const char *direction = json_str(asked, "direction", "");
    const struct scale_spec *scale = scale_find(scales, n, name);
    const struct command_spec *command =
        scale != NULL ? scale_command(scale, direction) : NULL;
    if (command != NULL) {
        order_set_command(order, command);
    } else {
        err_set(err, ERR_CONFIG, "no command to scale %.64s %.8s is configured", name,
                direction);
    }
    json_free(asked);
    return command != NULL;
}
