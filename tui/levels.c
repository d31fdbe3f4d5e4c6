/* SPDX-License-Identifier: MIT */
#include "tui/levels.h"

#include <string.h>

#include "engine/base/json.h"
#include "tui/widget/look.h"

static bool is_in_force(const struct autonomy_row *row, struct wall now)
{
    return !wall_is_set(row->until) || row->until.ms > now.ms;
}

static const struct autonomy_row *find(const struct autonomy_row *rows, size_t n,
                                       enum act act, struct wall now)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].action == act && rows[i].repo[0] == '\0' &&
            is_in_force(&rows[i], now)) {
            return &rows[i];
        }
    }
    return NULL;
}

const struct level_line *levels_list(struct arena *arena, const struct autonomy_row *rows,
                                     size_t n, const char *configured, struct wall now,
                                     size_t *ret_n)
{
    struct level_line *lines = arena_array(arena, n + ACT_COUNT, sizeof(*lines));
    size_t n_lines = 0;
    struct err ignored = ERR_INIT;
    struct json *said = json_parse(configured, strlen(configured), &ignored);
    for (int i = 0; i < ACT_COUNT; i++) {
        enum act act = (enum act)i;
        const struct autonomy_row *row = find(rows, n, act, now);
        enum autonomy_level usual = act_level(act);
        if (!level_find(json_str(said, act_word(act), ""), &usual))
            usual = act_level(act);
        lines[n_lines++] = (struct level_line){.act = act,
                                               .repo = "",
                                               .level = row ? row->level : usual,
                                               .configured = usual,
                                               .row = row};
        for (size_t k = 0; k < n; k++) {
            if (rows[k].action == act && rows[k].repo[0] != '\0' &&
                is_in_force(&rows[k], now)) {
                lines[n_lines++] = (struct level_line){.act = act,
                                                       .repo = rows[k].repo,
                                                       .level = rows[k].level,
                                                       .configured = usual,
                                                       .row = &rows[k]};
            }
        }
    }
    json_free(said);
    *ret_n = n_lines;
    return lines;
}

const char *level_why(const struct level_line *line, struct wall now, char *text,
                      size_t cap)
{
    char left[CLOCK_TEXT_MAX];
    const struct autonomy_row *row = line->row;
    if (row == NULL) {
        (void)snprintf(text, cap, "as configured");
    } else if (wall_is_set(row->until)) {
        (void)snprintf(text, cap, "for %s, by %s%s%s",
                       look_left(wall_since(row->until, now), left), row->actor,
                       row->reason[0] != '\0' ? ": " : "", row->reason);
    } else {
        (void)snprintf(text, cap, "without end, by %s%s%s", row->actor,
                       row->reason[0] != '\0' ? ": " : "", row->reason);
    }
    return text;
}
