/* SPDX-License-Identifier: MIT */
/* Approvals, optimizations and levels of autonomy, for a frame. */
#include "tui/rank.h"
#include "tui/source_impl.h"

#define OVERVIEW_MAX     100
#define INCONCLUSIVE_MAX 20

static struct approval_query list_query_of(const struct frame_query *query,
                                           const struct frame *frame)
{
    return (struct approval_query){.is_open = query->is_unsettled,
                                   .has_snoozed = true,
                                   .now = frame->taken_at,
                                   .text = query->text,
                                   .before_id = query->recovery_before,
                                   .max = FRAME_APPROVALS + 1};
}

/* The first reason of each card. */
static const char *const *read_whys(struct arena *arena, const struct approval_row *rows,
                                    size_t n)
{
    const char **whys = arena_array(arena, n + 1, sizeof *whys);
    for (size_t i = 0; i < n; i++) {
        struct card card;
        card_parse(arena, rows[i].card, &card);
        whys[i] = card.why.n > 0 ? card.why.texts[0] : "";
    }
    return whys;
}

static bool read_approvals(struct reader *reader, const struct frame_query *query,
                           struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_approvals *data = arena_alloc(arena, sizeof *data);
    const struct approval_query list = list_query_of(query, frame);
    if (!reader_approvals(reader, arena, &list, &data->rows, &data->n, err))
        return false;
    data->has_more = data->n > FRAME_APPROVALS;
    data->n = data->has_more ? FRAME_APPROVALS : data->n;
    if (query->order != 0 || query->is_reversed) {
        struct approval_row *rows = arena_array(arena, data->n + 1, sizeof *rows);
        memcpy(rows, data->rows, data->n * sizeof *rows);
        rank_approvals(rows, data->n, query->order, query->is_reversed);
        data->rows = rows;
    }
    data->whys = read_whys(arena, data->rows, data->n);
    frame->approvals = data;
    return true;
}

static bool read_approval(struct reader *reader, int64_t id, struct frame *frame,
                          struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_approval *data = arena_alloc(arena, sizeof *data);
    enum found found = reader_approval(reader, arena, id, &data->row, err);
    data->id = id;
    data->is_missing = found == MISSING;
    if (found == FOUND)
        card_parse(arena, data->row.card, &data->card);
    frame->approval = data;
    return found != FOUND_FAILED;
}

static bool read_optimizations(struct reader *reader, const struct frame_query *query,
                               struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_optimizations *data = arena_alloc(arena, sizeof *data);
    const struct approval_query list = list_query_of(query, frame);
    if (!reader_optimizations(reader, arena, &list, &data->rows, &data->n, err))
        return false;
    data->has_more = data->n > FRAME_APPROVALS;
    data->n = data->has_more ? FRAME_APPROVALS : data->n;
    if (query->order != 0 || query->is_reversed) {
        struct optimization_row *rows = arena_array(arena, data->n + 1, sizeof *rows);
        memcpy(rows, data->rows, data->n * sizeof *rows);
        rank_optimizations(rows, data->n, query->order, query->is_reversed);
        data->rows = rows;
    }
    frame->optimizations = data;
    return true;
}

static bool read_optimization(struct reader *reader, int64_t id, struct frame *frame,
                              struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_optimization *data = arena_alloc(arena, sizeof *data);
    enum found found = reader_optimization(reader, arena, id, &data->row, err);
    data->id = id;
    data->is_missing = found == MISSING;
    if (found == FOUND)
        card_parse(arena, data->row.evidence, &data->card);
    frame->optimization = data;
    return found != FOUND_FAILED;
}

static bool read_autonomy(struct reader *reader, struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_autonomy *data = arena_alloc(arena, sizeof *data);
    const struct autonomy_row *rows;
    size_t n = 0;
    if (!reader_autonomy(reader, arena, &rows, &n, err) ||
        !reader_tunings(reader, arena, &data->tunings, &data->n_tunings, err))
        return false;
    data->levels =
        levels_list(arena, rows, n, reader_setting(reader, arena, LEVELS_SETTING),
                    frame->taken_at, &data->n_levels);
    frame->autonomy = data;
    return true;
}

/* The frame's parts are shared and constant once it is; this is before. */
static bool add_to_overview(struct reader *reader, struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_overview *over = arena_alloc(arena, sizeof *over);
    const struct optimization_row *rows;
    size_t n = 0;
    const struct approval_query waiting = {
        .is_open = true, .now = frame->taken_at, .max = OVERVIEW_MAX};
    const struct approval_query open = {
        .is_open = true, .now = frame->taken_at, .max = INCONCLUSIVE_MAX};
    *over = *frame->overview;
    if (!reader_approvals(reader, arena, &waiting, &over->approvals, &over->n_approvals,
                          err) ||
        !reader_optimizations(reader, arena, &open, &rows, &n, err))
        return false;
    /* Suggestions come last, and call nobody. */
    while (over->n_approvals > 0 &&
           over->approvals[over->n_approvals - 1].status == APPROVAL_SUGGESTED)
        over->n_approvals--;
    struct optimization_row *some = arena_array(arena, n + 1, sizeof *some);
    for (size_t i = 0; i < n; i++)
        if (rows[i].status == OPT_INCONCLUSIVE)
            some[over->n_inconclusive++] = rows[i];
    over->inconclusive = some;
    frame->overview = over;
    return true;
}

static bool add_to_detail(struct reader *reader, struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_detail *detail = arena_alloc(arena, sizeof *detail);
    const struct approval_row *rows;
    size_t n = 0;
    *detail = *frame->detail;
    const struct approval_query waiting = {.is_open = true,
                                           .has_snoozed = true,
                                           .now = frame->taken_at,
                                           .workflow = detail->row.id,
                                           .max = 1};
    if (!reader_approvals(reader, arena, &waiting, &rows, &n, err))
        return false;
    detail->approval = n > 0 ? rows[0].id : 0;
    frame->detail = detail;
    return true;
}

bool source_read_approvals(struct reader *reader, const struct frame_query *query,
                           struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    unsigned parts = query->parts;
    if (!reader_approval_totals(reader, frame->taken_at, &frame->asks, err))
        return false;
    reader_halt(reader, arena, &frame->halt);
    if (frame->overview && !add_to_overview(reader, frame, err))
        return false;
    if (frame->detail && !frame->detail->is_missing && !add_to_detail(reader, frame, err))
        return false;
    if ((parts & PART_APPROVALS) && !read_approvals(reader, query, frame, err))
        return false;
    if ((parts & PART_APPROVAL) && query->approval != 0 &&
        !read_approval(reader, query->approval, frame, err))
        return false;
    if ((parts & PART_OPTIMIZATIONS) && !read_optimizations(reader, query, frame, err))
        return false;
    if ((parts & PART_OPTIMIZATION) && query->optimization != 0 &&
        !read_optimization(reader, query->optimization, frame, err))
        return false;
    return !(parts & PART_AUTONOMY) || read_autonomy(reader, frame, err);
}
