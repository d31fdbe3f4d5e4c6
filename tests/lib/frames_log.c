/* SPDX-License-Identifier: MIT */
#include "tests/lib/frames.h"

static struct segment_line line(struct arena *arena, int64_t number)
{
    const char *text =
        number == 17
            ? "test_cache_eviction ....... FAILED: expected 3 entries, found 4"
            : arena_printf(arena, "test_price_list_%02d ........ ok", (int)number);
    return (struct segment_line){number, text, strlen(text), number == 17, false};
}

static void add_lines(struct frame_log *log, struct frame_log_row *rows,
                      struct arena *arena, int64_t from, int64_t to)
{
    for (int64_t number = from; number <= to; number++) {
        rows[log->n_rows++] = (struct frame_log_row){
            .kind = LOG_ROW_LINE, .is_hit = number == 17, .line = line(arena, number)};
    }
}

static void add_gap(struct frame_log *log, struct frame_log_row *rows, int64_t n)
{
    rows[log->n_rows++] = (struct frame_log_row){.kind = LOG_ROW_GAP, .n = n};
}

static void add_gone(struct frame_log *log, struct frame_log_row *rows, const char *text)
{
    rows[log->n_rows++] = (struct frame_log_row){
        .kind = LOG_ROW_GONE, .line = {12, text, strlen(text), false, false}
    };
}

const struct frame *frames_log_rows(bool is_compare)
{
    const struct frame *frame = frames_failed();
    struct arena *arena = frame_arena((struct frame *)(uintptr_t)frame);
    struct frame_log *log = (struct frame_log *)(uintptr_t)frame->detail->log;
    struct frame_log_row *rows = arena_array(arena, 40, sizeof *rows);
    log->has_rows = true;
    log->rows_serial = 1;
    log->lines = NULL;
    log->n_lines = 0;
    log->green_why = "";
    log->percent = 100;
    log->is_near = true;
    add_gap(log, rows, 13);
    add_lines(log, rows, arena, 14, 18);
    if (is_compare) {
        add_gone(log, rows, "test_cache_eviction ....... ok");
        add_gone(log, rows, "\033[32mall is well\033[0m \xff");
    }
    add_lines(log, rows, arena, 19, 20);
    add_gap(log, rows, log->info.n_lines - 20);
    log->rows = rows;
    log->rows_all = (int64_t)log->n_rows;
    log->n_matches = 1;
    log->row_near = 4;
    if (!is_compare)
        return frame;
    log->n_gone = 2;
    log->is_bounded = true;
    log->green_workflow = 2198;
    log->green_effect = 9;
    log->green_at = (struct wall){frames_now().ms - 5 * 60000};
    log->find_serial = 1;
    log->found = 5;
    return frame;
}

const struct frame *frames_log_found(void)
{
    const struct frame *frame = frames_failed();
    struct frame_log *log = (struct frame_log *)(uintptr_t)frame->detail->log;
    log->find_serial = 1;
    log->found = 22;
    log->found_index = 3;
    log->n_hits = 10;
    log->percent = 45;
    log->green_why = "";
    return frame;
}
