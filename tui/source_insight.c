/* SPDX-License-Identifier: MIT */
/* Recorded workflows for a frame: what holds work back, and dry runs. */
#include "tui/source_impl.h"

#define RUNS_READ 600 /* for one frame: some tens of milliseconds */

void source_free_insight(struct source *source)
{
    runs_free(source->runs);
    arena_free(source->insight_arena);
    source->runs = NULL;
    source->insight_arena = NULL;
}

/* Of all that was read so far; made again only when there is more, or it is about others. */
static void make(struct source *source, const struct run_list *list, const char *text)
{
    bool is_same = source->insight_of == list->generation + 1 &&
                   strcmp(source->insight_text, text) == 0;
    if (is_same)
        return;
    const struct insight_filter filter = {.text = text};
    if (!source->insight_arena)
        source->insight_arena = arena_new();
    arena_reset(source->insight_arena);
    insight_make(source->insight_arena, list, &filter, &source->insight);
    source->insight_of = list->generation + 1;
    (void)snprintf(source->insight_text, sizeof source->insight_text, "%s", text);
}

bool source_read_insight(struct source *source, struct reader *reader,
                         const struct frame_query *query, struct frame *frame,
                         struct err *err)
{
    bool is_done = false;
    if (!(query->parts & PART_INSIGHT))
        return true;
    if (!source->runs)
        source->runs = runs_new(RUNS_MAX);
    if (!runs_read(source->runs, reader, RUNS_READ, &is_done, err))
        return false;
    const struct run_list list = runs_list(source->runs);
    struct frame_insight *data = arena_alloc(frame_arena(frame), sizeof *data);
    data->is_reading = !is_done;
    data->n_read = list.n;
    data->n_all = list.n_all;
    if (is_done)
        make(source, &list, query->text);
    data->data = insight_copy(frame_arena(frame), &source->insight);
    frame->insight = data;
    return true;
}
