/* SPDX-License-Identifier: MIT */
#include "tui/log_green.h"

#define PAGE 32

static bool is_same_step(const struct effect_row *a, const struct effect_row *b)
{
    return a->kind == b->kind && strcmp(a->name, b->name) == 0 && a->log[0] != '\0' &&
           (a->status == STATUS_PASSED || a->status == STATUS_FLAKY);
}

/* The last time the step passed in a workflow, if its log is there. */
static enum found look(struct reader *reader, struct arena *arena, const char *folder,
                       int64_t workflow, const struct effect_row *like,
                       struct log_green *ret_green, struct err *err)
{
    const struct effect_row *effects;
    size_t n;
    if (!reader_effects(reader, arena, workflow, &effects, &n, err))
        return FOUND_FAILED;
    for (size_t i = n; i-- > 0;) {
        if (!is_same_step(&effects[i], like))
            continue;
        struct err missing = ERR_INIT;
        const char *path = arena_printf(arena, "%s/%s", folder, effects[i].log);
        struct segment_reader *log = segment_open(path, &missing);
        if (!log)
            return MISSING;
        *ret_green = (struct log_green){.workflow = workflow,
                                        .seq = effects[i].seq,
                                        .ended_at = effects[i].finished_at,
                                        .log = log};
        return FOUND;
    }
    return MISSING;
}

enum found log_green_find(struct reader *reader, const char *folder,
                          const struct workflow_row *row, const struct effect_row *effect,
                          struct log_green *ret_green, struct err *err)
{
    struct arena *arena = arena_new();
    enum found found = MISSING;
    struct list_query query = {.states = STATE_BIT(STATE_COMPLETED),
                               .repo = row->repo,
                               .sort = SORT_ID,
                               .after_id = row->id,
                               .max = PAGE};
    for (int looks = 0; found == MISSING && looks < LOG_GREEN_LOOKS; looks += PAGE) {
        const struct workflow_row *rows;
        size_t n;
        arena_reset(arena);
        if (!reader_list(reader, arena, &query, &rows, &n, err)) {
            found = FOUND_FAILED;
            break;
        }
        for (size_t i = 0; i < n && found == MISSING; i++)
            if (strcmp(rows[i].pipeline, row->pipeline) == 0)
                found = look(reader, arena, folder, rows[i].id, effect, ret_green, err);
        if (n < PAGE)
            break;
        query.after_id = rows[n - 1].id;
    }
    arena_free(arena);
    return found;
}
