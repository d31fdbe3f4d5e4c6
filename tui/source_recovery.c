/* SPDX-License-Identifier: MIT */
/* Failures, decisions, strategies and one case, for a frame. */
#include <string.h>

#include "tui/rank.h"
#include "tui/source_impl.h"

#define DAY_MS 86400000

static bool read_summary(struct reader *reader, struct wall now,
                         struct frame_recovery *ret_recovery, struct err *err)
{
    struct wall day = {now.ms - DAY_MS};
    return reader_recovery_totals(reader, &ret_recovery->totals, err) &&
           reader_settled_since(reader, day, ret_recovery->settled, err);
}

/* What is tried on each row now. */
static void match_recoveries(struct arena *arena, struct frame_failures *data,
                             const struct recovery_row *open, size_t n_open)
{
    const struct recovery_row **of =
        arena_array(arena, data->n + 1, sizeof(const struct recovery_row *));
    for (size_t i = 0; i < data->n; i++)
        for (size_t k = 0; k < n_open && !of[i]; k++)
            if (open[k].failure == data->rows[i].id)
                of[i] = &open[k];
    data->recoveries = of;
}

static bool waits_for_person(const struct frame_failures *data, size_t i)
{
    const struct recovery_row *recovery = data->recoveries[i];
    return data->rows[i].status == FAILURE_ESCALATED ||
           (recovery && recovery->status == RECOVERY_ASKED);
}

/* What waits for a person comes first; a window of a longer list stays in its order. */
static void sort_by_need(struct arena *arena, struct frame_failures *data)
{
    struct failure_row *rows = arena_array(arena, data->n + 1, sizeof *rows);
    const struct recovery_row **of =
        arena_array(arena, data->n + 1, sizeof(const struct recovery_row *));
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < data->n; i++)
            if (waits_for_person(data, i) == (pass == 0)) {
                of[n] = data->recoveries[i];
                rows[n++] = data->rows[i];
            }
    data->rows = rows;
    data->recoveries = of;
}

static bool read_failures(struct reader *reader, const struct frame_query *query,
                          struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_failures *data = arena_alloc(arena, sizeof *data);
    const struct recovery_row *open;
    size_t n_open = 0;
    const struct recovery_query list = {.is_open = query->is_unsettled,
                                        .text = query->text,
                                        .before_id = query->recovery_before,
                                        .max = FRAME_FAILURES + 1};
    const struct recovery_query under_way = {.is_open = true, .max = 4 * FRAME_FAILURES};
    const struct recovery_query problems = {
        .is_open = true, .text = query->text, .max = FRAME_PROBLEMS};
    if (!reader_failures(reader, arena, &list, &data->rows, &data->n, err) ||
        !reader_recoveries(reader, arena, &under_way, &open, &n_open, err) ||
        !read_summary(reader, frame->taken_at, &data->recovery, err))
        return false;
    if (query->recovery_before == 0 &&
        !reader_problems(reader, arena, &problems, &data->problems, &data->n_problems,
                         err))
        return false;
    data->has_more = data->n > FRAME_FAILURES;
    data->n = data->has_more ? FRAME_FAILURES : data->n;
    match_recoveries(arena, data, open, n_open);
    if (!data->has_more && query->recovery_before == 0)
        sort_by_need(arena, data);
    frame->failures = data;
    return true;
}

static bool read_decisions(struct reader *reader, const struct frame_query *query,
                           struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_decisions *data = arena_alloc(arena, sizeof *data);
    const struct recovery_query list = {.is_open = query->is_unsettled,
                                        .text = query->text,
                                        .before_id = query->recovery_before,
                                        .max = FRAME_FAILURES + 1};
    if (!reader_decisions(reader, arena, &list, &data->rows, &data->n, err))
        return false;
    data->has_more = data->n > FRAME_FAILURES;
    data->n = data->has_more ? FRAME_FAILURES : data->n;
    frame->decisions = data;
    return true;
}

/* What is known of single fingerprints, steps and services is for the page of a case. */
static bool is_general(const struct odds_row *row)
{
    return strcmp(row->key, "all") == 0 || strcmp(row->key, "all-problems") == 0 ||
           strncmp(row->key, "class:", 6) == 0 || strncmp(row->key, "problem:", 8) == 0;
}

/* Words of class or rung; case ignored. */
static bool has_text(const struct odds_row *row, const char *text)
{
    return text[0] == '\0' || strcasestr(row->key, text) != NULL ||
           strcasestr(row->rung, text) != NULL;
}

static bool read_strategies(struct reader *reader, const struct frame_query *query,
                            struct frame *frame, struct err *err)
{
    static const char *const prefixes[] = {"all", "class:", "problem:"};
    struct arena *arena = frame_arena(frame);
    struct frame_strategies *data = arena_alloc(arena, sizeof *data);
    const struct odds_row *rows[ARRAY_LEN(prefixes)];
    size_t n[ARRAY_LEN(prefixes)] = {0}, sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (!reader_odds(reader, arena, prefixes[i], &rows[i], &n[i], err))
            return false;
        sum += n[i];
    }
    struct odds_row *all = arena_array(arena, sum + 1, sizeof *all);
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        for (size_t k = 0; k < n[i]; k++)
            if (is_general(&rows[i][k]) && has_text(&rows[i][k], query->text))
                all[data->n++] = rows[i][k];
    if (query->order != 0 || query->is_reversed)
        rank_strategies(all, data->n, query->order, query->is_reversed);
    data->rows = all;
    frame->strategies = data;
    return true;
}

static bool read_case(struct reader *reader, const struct frame_query *query,
                      struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_case *data = arena_alloc(arena, sizeof *data);
    enum found found =
        case_read(reader, arena, query->case_kind, query->case_id, &data->file, err);
    data->kind = query->case_kind;
    data->id = query->case_id;
    data->is_missing = found == MISSING;
    frame->case_ = data;
    return found != FOUND_FAILED;
}

/* The frame's parts are shared and constant once it is; this is before. */
static bool add_to_overview(struct reader *reader, struct frame *frame, struct err *err)
{
    struct frame_overview *over = arena_alloc(frame_arena(frame), sizeof *over);
    *over = *frame->overview;
    over->has_recovery = read_summary(reader, frame->taken_at, &over->recovery, err);
    frame->overview = over;
    return over->has_recovery;
}

static bool add_to_detail(struct reader *reader, struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_detail *detail = arena_alloc(arena, sizeof *detail);
    const struct failure_row *failures;
    const struct recovery_row *recoveries;
    size_t n = 0, n_tried = 0;
    *detail = *frame->detail;
    struct recovery_query query = {.is_open = true, .workflow = detail->row.id, .max = 1};
    if (!reader_failures(reader, arena, &query, &failures, &n, err))
        return false;
    if (n > 0) {
        detail->failure = &failures[0];
        query =
            (struct recovery_query){.is_open = true, .failure = failures[0].id, .max = 1};
        if (!reader_recoveries(reader, arena, &query, &recoveries, &n_tried, err))
            return false;
        detail->recovery = n_tried > 0 ? &recoveries[0] : NULL;
    }
    frame->detail = detail;
    return true;
}

bool source_read_recovery(struct reader *reader, const struct frame_query *query,
                          struct frame *frame, struct err *err)
{
    unsigned parts = query->parts;
    if (frame->overview && !add_to_overview(reader, frame, err))
        return false;
    if (frame->detail && !frame->detail->is_missing && !add_to_detail(reader, frame, err))
        return false;
    if ((parts & PART_FAILURES) && !read_failures(reader, query, frame, err))
        return false;
    if ((parts & PART_DECISIONS) && !read_decisions(reader, query, frame, err))
        return false;
    if ((parts & PART_STRATEGIES) && !read_strategies(reader, query, frame, err))
        return false;
    return !(parts & PART_CASE) || query->case_id == 0 ||
           read_case(reader, query, frame, err);
}
