/* SPDX-License-Identifier: MIT */
/*
 * A piece is a run of lines, or of entries of the other log. Where a run of lines does not begin
 * behind the one before it, it has the row of the gap in front. `row` counts from the start of
 * the text; only the last run may reach beyond the end of the log, and is cut there when asked.
 */
#include "tui/log_rows.h"

#include "engine/base/mem.h"

struct piece {
    int64_t row;      /* of its gap, or of its first line */
    int64_t first, n; /* lines, or entries */
    int64_t behind;   /* first line that none of the pieces up to this one has passed */
    bool is_gone, has_gap;
};

struct log_rows {
    int around;
    size_t n, cap;
    struct piece *pieces;
};

struct log_rows *log_rows_new(int around)
{
    struct log_rows *rows = mem_alloc(sizeof *rows);
    rows->around = around < 0 ? 0 : around > LOG_AROUND_MAX ? LOG_AROUND_MAX : around;
    return rows;
}

void log_rows_free(struct log_rows *rows)
{
    if (!rows)
        return;
    free(rows->pieces);
    free(rows);
}

static struct piece *last_of(const struct log_rows *rows)
{
    return rows->n > 0 ? &rows->pieces[rows->n - 1] : NULL;
}

/* First line that no piece has passed. */
static int64_t behind_of(const struct log_rows *rows)
{
    const struct piece *last = last_of(rows);
    return last ? last->behind : 1;
}

static void push(struct log_rows *rows, struct piece piece)
{
    const struct piece *last = last_of(rows);
    piece.row = last ? last->row + last->has_gap + last->n : 0;
    if (rows->n == rows->cap) {
        rows->cap = rows->cap > 0 ? 2 * rows->cap : 16;
        rows->pieces = mem_grow(rows->pieces, rows->cap, sizeof *rows->pieces);
    }
    rows->pieces[rows->n++] = piece;
}

/* Lines from..to, of which some may be there already. */
static void add_run(struct log_rows *rows, int64_t from, int64_t to)
{
    int64_t behind = behind_of(rows);
    struct piece *last = last_of(rows);
    if (from < behind)
        from = behind;
    if (to < from)
        return;
    if (last && !last->is_gone && from == behind) {
        last->n += to - from + 1;
        last->behind = to + 1;
        return;
    }
    push(rows, (struct piece){.first = from,
                              .n = to - from + 1,
                              .behind = to + 1,
                              .has_gap = from > behind});
}

void log_rows_add(struct log_rows *rows, int64_t line)
{
    add_run(rows, line - rows->around > 1 ? line - rows->around : 1, line + rows->around);
}

void log_rows_add_gone(struct log_rows *rows, int64_t after, int64_t entry, int64_t n)
{
    int64_t from = after - rows->around + 1 > 1 ? after - rows->around + 1 : 1;
    add_run(rows, from, after);
    struct piece *last = last_of(rows);
    if (last && !last->is_gone && last->behind > after + 1) { /* what was around a line */
        last->n -= last->behind - (after + 1);
        last->behind = after + 1;
        if (last->n == 0 && !last->has_gap)
            rows->n--;
    }
    last = last_of(rows);
    if (last && last->is_gone && last->first + last->n == entry &&
        last->behind == after + 1)
        last->n += n;
    else
        push(rows, (struct piece){.first = entry,
                                  .n = n,
                                  .behind = after + 1,
                                  .is_gone = true,
                                  .has_gap = after + 1 > behind_of(rows)});
    add_run(rows, after + 1, after + rows->around);
}

/* ---- reading ----------------------------------------------------------------------- */

/* Lines of the piece that the log has. */
static int64_t lines_of(const struct piece *piece, int64_t n_lines)
{
    if (piece->is_gone || piece->first + piece->n - 1 <= n_lines)
        return piece->n;
    return piece->first <= n_lines ? n_lines - piece->first + 1 : 0;
}

int64_t log_rows_count(const struct log_rows *rows, int64_t n_lines)
{
    const struct piece *last = last_of(rows);
    if (!last)
        return n_lines > 0 ? 1 : 0; /* all is left out */
    return last->row + last->has_gap + lines_of(last, n_lines) +
           (last->behind <= n_lines ? 1 : 0);
}

/* The piece with the row: the last that begins at it or before. */
static size_t piece_of(const struct log_rows *rows, int64_t row)
{
    size_t low = 0, high = rows->n;
    while (low + 1 < high) {
        size_t mid = low + (high - low) / 2;
        if (rows->pieces[mid].row <= row)
            low = mid;
        else
            high = mid;
    }
    return low;
}

bool log_rows_get(const struct log_rows *rows, int64_t n_lines, int64_t row,
                  struct log_row *ret_row)
{
    if (row < 0 || row >= log_rows_count(rows, n_lines))
        return false;
    if (rows->n == 0) {
        *ret_row = (struct log_row){LOG_ROW_GAP, 1, n_lines};
        return true;
    }
    size_t i = piece_of(rows, row);
    const struct piece *piece = &rows->pieces[i];
    int64_t inside = row - piece->row - piece->has_gap;
    if (inside < 0) {
        int64_t from = i > 0 ? rows->pieces[i - 1].behind : 1;
        int64_t to = piece->is_gone ? piece->behind : piece->first;
        *ret_row = (struct log_row){LOG_ROW_GAP, from, to - from};
    } else if (inside >= lines_of(piece, n_lines)) {
        *ret_row =
            (struct log_row){LOG_ROW_GAP, piece->behind, n_lines - piece->behind + 1};
    } else {
        *ret_row = (struct log_row){piece->is_gone ? LOG_ROW_GONE : LOG_ROW_LINE,
                                    piece->first + inside, 1};
    }
    return true;
}

int64_t log_rows_find(const struct log_rows *rows, int64_t n_lines, int64_t line,
                      bool *ret_is_shown)
{
    size_t low = 0, high = rows->n; /* first piece that passes the line */
    *ret_is_shown = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (rows->pieces[mid].behind <= line)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == rows->n) {
        int64_t n = log_rows_count(rows, n_lines);
        return n > 0 ? n - 1 : 0;
    }
    const struct piece *piece = &rows->pieces[low];
    *ret_is_shown = !piece->is_gone && line >= piece->first && line <= n_lines;
    int64_t inside = *ret_is_shown ? line - piece->first : piece->has_gap ? -1 : 0;
    return piece->row + piece->has_gap + inside;
}
