/* SPDX-License-Identifier: MIT */

/* What operators ask of settings: tune and untune. */

#include "engine/base/json.h"
#include "engine/control/tuning.h"
#include "engine/learning/tuning.h"

#define VALUE_TEXT_MAX (8 * TUNING_VALUE_MAX)

bool is_tuning_verb(const char *verb)
{
    return strcmp(verb, "tune") == 0 || strcmp(verb, "untune") == 0;
}

static bool read_end(const struct json *args, struct wall now, struct wall *ret_until)
{
    const char *length = json_str(args, "for", NULL);
    const char *end = json_str(args, "until", NULL);
    struct span span = {0};
    *ret_until = (struct wall){0};
    if (length != NULL && span_parse(length, &span)) {
        *ret_until = wall_add(now, span);
    }
    return end == NULL || wall_parse(end, ret_until); /* verb_check let them pass */
}

static void answer_problem(struct answer *answer, const struct err *err)
{
    answer_set(answer, err->code == ERR_USAGE ? ANSWER_BAD : ANSWER_REFUSED, "%s",
               err->msg);
}

static void answer_present(const struct control *control, const char *setting,
                           const char *scope, struct answer *answer)
{
    AUTO_BUF struct buf value;
    char at[CLOCK_TEXT_MAX];
    buf_init(&value, VALUE_TEXT_MAX);
    const struct tuning_row *row = tuning_in_force(control, setting, scope);
    if (row == NULL && tuning_present(control, setting, scope, &value)) {
        answer_set(answer, ANSWER_DONE, "%s of %s is %.100s again, as configured",
                   setting, tuning_scope_shown(scope), value.data);
        return;
    }
    answer_set(
        answer, ANSWER_DONE, "%s of %s is %.100s%s%s%s", setting,
        tuning_scope_shown(scope), row != NULL ? row->value : "as configured again",
        row != NULL && wall_is_set(row->until) ? " until " : "",
        row != NULL && wall_is_set(row->until) ? wall_format(row->until, false, at) : "",
        strncmp(scope, "pipeline:", 9) == 0
            ? ", for workflows that are submitted from now on"
            : "");
}

void control_tuning_verb(struct control *control, const struct command_row *command,
                         const struct json *args, struct wall now, struct answer *answer)
{
    const char *setting = json_str(args, "setting", "");
    const char *scope = json_str(args, "scope", "");
    const char *reason = json_str(args, "reason", "");
    struct err err = ERR_INIT;
    bool is_done = false;
    if (strcmp(command->verb, "untune") == 0) {
        is_done =
            tuning_drop(control, setting, scope, 0, command->actor, reason, now, &err);
    } else {
        struct tuning_row row = {.setting = setting,
                                 .scope = scope,
                                 .value = json_str(args, "value", ""),
                                 .was = "",
                                 .actor = command->actor,
                                 .reason = reason};
        is_done =
            read_end(args, now, &row.until) && tuning_apply(control, &row, now, &err);
    }
    if (is_done) {
        answer_present(control, setting, scope, answer);
    } else {
        answer_problem(answer, &err);
    }
}
