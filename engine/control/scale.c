/* SPDX-License-Identifier: MIT */

/*
 * Scale: the configured command that adds or removes machines, as an effect beside a workflow,
 * as the restart of a service is (restart.c).
 */

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/optimization.h"

bool scale_begin(struct control *control, const char *name, const char *direction,
                 bool is_tuning, const char *actor, const char *reason, struct wall now,
                 struct err *err)
{
    const struct scale_spec *scale =
        scale_find(control->options.scales, control->options.n_scales, name);
    char clean[300], shown[80];
    if (scale == NULL || scale_command(scale, direction) == NULL) {
        return err_set(err, ERR_NOT_FOUND, "no command to scale %s %.8s is configured",
                       text_clean_into(shown, sizeof(shown), name), direction);
    }
    struct live *live = beside_place(control, "");
    if (live == NULL) {
        return err_set(err, ERR_BUSY,
                       "there is no workflow beside which it could be run now");
    }
    AUTO_BUF struct buf params;
    AUTO_FREE char *title = mem_printf("scale %s %s", scale->name, direction);
    AUTO_FREE char *text = mem_printf("%s %s: %s", scale->name, direction,
                                      text_clean_into(clean, sizeof(clean), reason));
    struct jsonw w;
    buf_init(&params, 4096);
    jsonw_init(&w, &params);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "scale", scale->name);
    jsonw_str(&w, "direction", direction);
    if (is_tuning) {
        jsonw_bool(&w, "tuning", true);
    }
    jsonw_close(&w, '}');
    beside_ask(control, live,
               &(struct beside){.kind = EFFECT_SCALE,
                                .name = title,
                                .params = params.data,
                                .event = "scale-begun",
                                .actor = actor,
                                .text = text},
               now);
    return true;
}

void scale_result(struct control *control, const struct workflow_row *row,
                  const struct effect_row *effect, const struct effect_result *result,
                  struct wall now)
{
    struct err ignored = ERR_INIT;
    if (effect->kind != EFFECT_SCALE) {
        return;
    }
    bool has_passed = result->status == STATUS_PASSED;
    struct json *params = json_parse(effect->params, strlen(effect->params), &ignored);
    AUTO_FREE char *text = mem_printf("%s %s: %s", json_str(params, "scale", ""),
                                      json_str(params, "direction", ""),
                                      result->summary != NULL ? result->summary : "");
    beside_note(control, row, has_passed ? "scale-passed" : "scale-failed", "engine",
                effect->seq, true, text, now);
    if (!has_passed && json_bool(params, "tuning", false)) {
        optimization_scale_failed(control, json_str(params, "scale", ""),
                                  json_str(params, "direction", ""), text, now);
    }
    json_free(params);
}

void control_scale(struct control *control, const struct command_row *command,
                   const struct json *args, struct wall now, struct answer *answer)
{
    struct err err = ERR_INIT;
    const char *name = json_str(args, "name", "");
    const char *direction = json_str(args, "direction", "");
    if (strcmp(direction, "up") != 0 && strcmp(direction, "down") != 0) {
        answer_set(answer, ANSWER_BAD, "direction: '%.32s' is none; expected up or down",
                   direction);
    } else if (scale_begin(control, name, direction, false, command->actor,
                           json_str(args, "reason", ""), now, &err)) {
        answer_set(answer, ANSWER_DONE, "the command to scale %.64s %s runs", name,
                   direction);
    } else {
        answer_set(answer, ANSWER_REFUSED, "%s", err.msg);
    }
}
