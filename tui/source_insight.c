/* SPDX-License-Identifier: MIT */
/* Recorded workflows for a frame: what holds work back, and dry runs. */
#include "tui/card_dry_run.h"
#include "tui/source_impl.h"

#define RUNS_READ 1000 /* for one frame: some tens of milliseconds */

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

/* Some more of the records. */
static bool read_runs(struct source *source, struct reader *reader, struct run_list *ret,
                      bool *ret_is_done, struct err *err)
{
    if (!source->runs)
        source->runs = runs_new(RUNS_MAX);
    if (!runs_read(source->runs, reader, RUNS_READ, ret_is_done, err))
        return false;
    *ret = runs_list(source->runs);
    return true;
}

static struct card_list reading(struct arena *arena, const struct run_list *list)
{
    const char **texts = arena_array(arena, 1, sizeof *texts);
    texts[0] = arena_printf(arena, "reading the records: %zu of %zu workflows", list->n,
                            list->n_all);
    return (struct card_list){texts, 1};
}

/* The parts are shared and constant once the frame is; this is before. */
static bool dry_run_approval(struct reader *reader, const struct run_list *list,
                             bool is_done, struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_approval *one = arena_alloc(arena, sizeof *one);
    struct optimization_row row;
    *one = *frame->approval;
    enum found found = MISSING;
    if (one->row.optimization != 0)
        found = reader_optimization(reader, arena, one->row.optimization, &row, err);
    if (found == FOUND_FAILED)
        return false;
    if (!is_done)
        one->card.dry_run = reading(arena, list);
    else if (found == FOUND)
        one->card.dry_run = card_dry_run_of_optimization(arena, &row, list);
    else
        one->card.dry_run = card_dry_run_of_approval(arena, &one->row, list);
    frame->approval = one;
    return true;
}

static void dry_run_optimization(const struct run_list *list, bool is_done,
                                 struct frame *frame)
{
    struct arena *arena = frame_arena(frame);
    struct frame_optimization *one = arena_alloc(arena, sizeof *one);
    *one = *frame->optimization;
    one->card.dry_run = is_done ? card_dry_run_of_optimization(arena, &one->row, list)
                                : reading(arena, list);
    frame->optimization = one;
}

static bool read_dry_run(struct reader *reader, const struct run_list *list, bool is_done,
                         struct frame *frame, struct err *err)
{
    frame->is_replaying = !is_done;
    if (frame->optimization && !frame->optimization->is_missing)
        dry_run_optimization(list, is_done, frame);
    return !frame->approval || frame->approval->is_missing ||
           dry_run_approval(reader, list, is_done, frame, err);
}

bool source_read_insight(struct source *source, struct reader *reader,
                         const struct frame_query *query, struct frame *frame,
                         struct err *err)
{
    bool is_done = false;
    struct run_list list;
    if (!(query->parts & (PART_INSIGHT | PART_DRY_RUN)))
        return true;
    if (!read_runs(source, reader, &list, &is_done, err))
        return false;
    if ((query->parts & PART_DRY_RUN) &&
        !read_dry_run(reader, &list, is_done, frame, err))
        return false;
    if (!(query->parts & PART_INSIGHT))
        return true;
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
