/* SPDX-License-Identifier: MIT */
/*
 * The log of one step for the frame: a window of its lines, or of the rows that a filter or a
 * comparison leaves. What must read the whole log goes on in slices between two frames
 * (source_work), so that a log of a gigabyte neither holds a frame back nor a key.
 */
#include "engine/control/config.h"
#include "tui/log_compare.h"
#include "tui/log_green.h"
#include "tui/log_scan.h"
#include "tui/source_impl.h"

#define SLICE_MS 15 /* between two frames, and at most with one */

struct source_log {
    char *path;                    /* NULL = no log was asked for */
    struct segment_reader *reader; /* NULL = it is not there (yet) */
    struct segment_info info;
    bool has_more;    /* work is left */
    bool is_indexing; /* the end of the log is not known yet */

    struct log_scan *find, *failures, *filter; /* NULL = not asked for */
    unsigned find_serial;                      /* search answered by `found` */
    int64_t found, found_index;

    struct log_rows *rows; /* NULL = not asked for, or not known yet */
    int around;
    size_t n_taken; /* hits that are in the rows */
    int64_t last_taken;

    bool has_looked; /* for a green run */
    struct log_green green;
    struct log_compare *compare;
};

/* ---- opening and forgetting -------------------------------------------------------- */

char *source_log_file(const struct config *config, const char *log)
{
    return mem_printf("%s-logs/%s", config->store, log);
}

const char *source_log_path(const struct source *source)
{
    return source->log && source->log->path ? source->log->path : "";
}

bool source_log_grew(struct source *source)
{
    struct source_log *log = source->log;
    return log && (log->reader ? segment_refresh(log->reader) : log->path != NULL);
}

static void drop_rows(struct source_log *log)
{
    log_rows_free(log->rows);
    log->rows = NULL;
    log->n_taken = 0;
    log->last_taken = 0;
}

static void drop_compare(struct source_log *log)
{
    if (!log->has_looked)
        return;
    segment_free(log->green.log);
    log_compare_free(log->compare);
    log->green = (struct log_green){0};
    log->compare = NULL;
    log->has_looked = false;
    drop_rows(log);
}

static void drop_scan(struct log_scan **scan)
{
    log_scan_free(*scan);
    *scan = NULL;
}

void source_drop_log(struct source *source)
{
    struct source_log *log = source->log;
    if (!log || !log->path)
        return;
    drop_compare(log);
    drop_rows(log);
    drop_scan(&log->find);
    drop_scan(&log->failures);
    drop_scan(&log->filter);
    segment_free(log->reader);
    free(log->path);
    *log = (struct source_log){0};
}

void source_free_log(struct source *source)
{
    source_drop_log(source);
    free(source->log);
    source->log = NULL;
}

static void open_log(struct source *source, const char *path, struct frame_log *shown)
{
    if (!source->log)
        source->log = mem_alloc(sizeof *source->log);
    struct source_log *log = source->log;
    if (!log->path || strcmp(log->path, path) != 0) {
        source_drop_log(source);
        log->path = mem_str(path);
    }
    struct err err = ERR_INIT;
    if (!log->reader)
        log->reader = segment_open_now(path, &err);
    if (log->reader)
        segment_set_line_max(log->reader, SEGMENT_LINE_LONG);
    if (log->reader)
        return;
    shown->is_missing = true;
    shown->why = err.code == ERR_NOT_FOUND ? "" : err.msg;
}

/* ---- what goes through the whole log ----------------------------------------------- */

static void want(struct log_scan **scan, bool is_wanted, const char *text)
{
    if (*scan && (!is_wanted || !log_scan_is_for(*scan, text)))
        drop_scan(scan);
    if (!*scan && is_wanted)
        *scan = log_scan_new(text);
}

/* Hits that are new become rows. When some are gone (the end of a line has come, the ring has
 * turned) the rows are made afresh. */
static void take_hits(struct source_log *log)
{
    size_t n;
    const int64_t *hits = log_scan_hits(log->filter, &n);
    if (n < log->n_taken ||
        (log->n_taken > 0 && hits[log->n_taken - 1] != log->last_taken))
        drop_rows(log);
    if (!log->rows)
        log->rows = log_rows_new(log->around);
    while (log->n_taken < n)
        log_rows_add(log->rows, log->last_taken = hits[log->n_taken++]);
}

static void advance(struct source_log *log)
{
    struct mono until = {mono_now().ns + (int64_t)SLICE_MS * 1000000};
    log->is_indexing = segment_index_more(log->reader);
    while (log->is_indexing && mono_now().ns < until.ns)
        log->is_indexing = segment_index_more(log->reader);
    log->has_more = log->is_indexing;
    if (log->failures)
        log->has_more |= log_scan_step(log->failures, log->reader, until);
    if (log->find)
        log->has_more |= log_scan_step(log->find, log->reader, until);
    if (log->filter) {
        log->has_more |= log_scan_step(log->filter, log->reader, until);
        take_hits(log);
    }
    if (log->compare && !log->rows && !log->is_indexing) {
        if (log_compare_step(log->compare, log->reader, log->green.log, until))
            log->has_more = true;
        else
            log->rows = log_compare_rows(log->compare, log->around);
    }
}

bool source_has_work(const struct source *source)
{
    return source->log && source->log->has_more;
}

bool source_work(struct source *source)
{
    advance(source->log);
    return true;
}

static bool find_green(struct source *source, struct reader *reader,
                       const struct frame_detail *detail, const struct effect_row *effect,
                       struct err *err)
{
    struct source_log *log = source->log;
    if (log->has_looked)
        return true;
    AUTO_FREE char *folder = mem_printf("%s-logs", source->config->store);
    enum found found =
        log_green_find(reader, folder, &detail->row, effect, &log->green, err);
    log->has_looked = found != FOUND_FAILED;
    if (found == FOUND) {
        segment_set_line_max(log->green.log, SEGMENT_LINE_LONG);
        log->compare = log_compare_new();
    }
    return log->has_looked;
}

static bool prepare(struct source *source, struct reader *reader,
                    const struct frame_query *query, const struct frame_detail *detail,
                    const struct effect_row *effect, struct err *err)
{
    struct source_log *log = source->log;
    bool is_filter = query->log_filter[0] != '\0' && !query->log_compare;
    bool is_same =
        is_filter ? log_scan_is_for(log->filter, query->log_filter) : !log->filter;
    if (!is_same || log->around != query->log_around)
        drop_rows(log);
    log->around = query->log_around;
    want(&log->find, query->log_find[0] != '\0', query->log_find);
    if (query->log_find_serial != log->find_serial)
        want(&log->failures, query->log_target == LOG_FIND_FAILURE, NULL);
    want(&log->filter, is_filter, query->log_filter);
    if (!query->log_compare)
        drop_compare(log);
    else if (!find_green(source, reader, detail, effect, err))
        return false;
    advance(log);
    return true;
}

/* ---- search ------------------------------------------------------------------------ */

static bool is_change(const struct source_log *log, int64_t row)
{
    struct log_row at;
    if (!log_rows_get(log->rows, log->info.n_lines, row, &at))
        return false;
    return at.kind == LOG_ROW_GONE ||
           (at.kind == LOG_ROW_LINE && log_compare_is_new(log->compare, at.number));
}

/* The first row of the next change: one run of rows that are new or gone. */
static bool find_change(struct source_log *log, const struct frame_query *query)
{
    if (!log->compare || !log->rows)
        return !log->compare; /* not yet, or never */
    int64_t n = log_rows_count(log->rows, log->info.n_lines);
    int64_t row = query->log_find_from - 1, by = query->log_find_back ? -1 : 1;
    for (int64_t done = 0; done < n; done++, row += by) {
        row = row < 0 ? n - 1 : row >= n ? 0 : row;
        if (is_change(log, row) && !is_change(log, row - 1)) {
            log->found = row + 1;
            return true;
        }
    }
    return true;
}

static bool is_over(const struct source_log *log, const struct log_scan *scan)
{
    return !log->is_indexing && log_scan_reached(scan) >= log->info.n_lines;
}

/* Of the hits that rows show, the one from `index` on. */
static bool find_shown(struct source_log *log, const struct log_scan *scan, size_t index,
                       int direction)
{
    size_t n;
    const int64_t *hits = log_scan_hits(scan, &n);
    for (size_t i = 0; i < n; i++) {
        bool is_shown;
        int64_t row = log_rows_find(log->rows, log->info.n_lines, hits[index], &is_shown);
        if (is_shown) {
            log->found = row + 1;
            log->found_index = (int64_t)index + 1;
            return true;
        }
        index = direction > 0 ? (index + 1) % n : (index + n - 1) % n;
    }
    return false;
}

/* False: nothing can be said yet. */
static bool find_hit(struct source_log *log, const struct frame_query *query)
{
    const struct log_scan *scan =
        query->log_target == LOG_FIND_FAILURE ? log->failures : log->find;
    int direction = query->log_find_back ? -1 : 1;
    if (!scan)
        return true;
    int64_t from = query->log_find_from;
    if (log->rows) { /* a row: its line, or the next that is one */
        struct log_row row = {0};
        int64_t at = from - 1;
        while (at >= 0 && log_rows_get(log->rows, log->info.n_lines, at, &row) &&
               row.kind == LOG_ROW_GONE)
            at += direction;
        from = row.kind == LOG_ROW_GAP && direction < 0 ? row.number + row.n - 1
                                                        : row.number;
        if (from < 1)
            from = direction > 0 ? 1 : log->info.n_lines;
    } else if (from < 1 || from > log->info.n_lines) {
        from = direction > 0 ? 1 : log->info.n_lines;
    }
    size_t index, n;
    if (!log_scan_find(scan, from, direction, is_over(log, scan), &index))
        return is_over(log, scan);
    if (log->rows)
        return find_shown(log, scan, index, direction) || is_over(log, scan);
    log->found = log_scan_hits(scan, &n)[index];
    log->found_index = (int64_t)index + 1;
    return true;
}

static void answer(struct source_log *log, const struct frame_query *query)
{
    if (query->log_find_serial == 0 || query->log_find_serial == log->find_serial)
        return;
    log->found = log->found_index = 0;
    if (query->log_target == LOG_FIND_CHANGE ? !find_change(log, query)
                                             : !find_hit(log, query))
        return;
    log->find_serial = query->log_find_serial;
    if (query->log_target == LOG_FIND_FAILURE)
        log->found_index = 0;
}

/* ---- the frame --------------------------------------------------------------------- */

static int64_t first_line(const struct frame_query *query,
                          const struct effect_row *effect,
                          const struct segment_info *info)
{
    int64_t tail = info->n_lines - query->log_rows + 1;
    int64_t first = tail;
    if (query->log_place == LOG_LINE || query->log_place == LOG_NEAR)
        first = query->log_first < info->n_lines ? query->log_first : info->n_lines;
    else if (query->log_place == LOG_AUTO && info->first_failure > 0 &&
             effect->status != STATUS_PENDING && effect->status != STATUS_PASSED)
        /* The failing line with some of what led to it, but never past the tail. */
        first = info->first_failure - query->log_rows / 3;
    if (first > tail && query->log_place == LOG_AUTO)
        first = tail;
    return first > 1 ? first : 1;
}

/* Lines of this log that stand one after the other: one look. Returns how many rows. */
static size_t read_run(const struct source_log *log, struct arena *arena, int64_t row,
                       size_t max, struct frame_log_row *rows)
{
    struct log_row at;
    size_t n = 0, n_hits = 0;
    int64_t first = 0;
    while (n < max && log_rows_get(log->rows, log->info.n_lines, row + (int64_t)n, &at) &&
           at.kind == LOG_ROW_LINE && (n == 0 || at.number == first + (int64_t)n)) {
        first = n == 0 ? at.number : first;
        rows[n++] =
            (struct frame_log_row){.kind = LOG_ROW_LINE, .line = {.number = at.number}};
    }
    struct segment_line *lines = arena_array(arena, n, sizeof *lines);
    size_t n_read = segment_lines(log->reader, arena, first, n, lines);
    for (size_t i = 0; i < n; i++) {
        rows[i].line.text = "";
        for (size_t k = 0; k < n_read; k++)
            if (lines[k].number == rows[i].line.number)
                rows[i].line = lines[k];
    }
    const int64_t *hits = log->filter ? log_scan_hits(log->filter, &n_hits) : NULL;
    for (size_t i = 0, low = 0; i < n; i++) {
        int64_t number = rows[i].line.number;
        size_t high = n_hits;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (hits[mid] < number)
                low = mid + 1;
            else
                high = mid;
        }
        rows[i].is_hit = log->compare ? log_compare_is_new(log->compare, number)
                                      : low < n_hits && hits[low] == number;
    }
    return n;
}

static void read_gone(const struct source_log *log, struct arena *arena, int64_t entry,
                      struct frame_log_row *row)
{
    size_t n;
    const struct log_gone *gone = log_compare_gone(log->compare, &n);
    row->kind = LOG_ROW_GONE;
    row->line.text = "";
    if ((size_t)entry < n)
        (void)!segment_lines(log->green.log, arena, gone[entry].line, 1, &row->line);
}

static void read_rows(const struct source_log *log, const struct frame_query *query,
                      struct arena *arena, struct frame_log *shown)
{
    size_t max = query->log_rows > 0 ? (size_t)query->log_rows : 1;
    int64_t all = log_rows_count(log->rows, log->info.n_lines), first;
    bool is_shown;
    shown->rows_all = all;
    shown->row_near =
        log_rows_find(log->rows, log->info.n_lines, query->log_first, &is_shown);
    shown->is_near = log->compare || is_over(log, log->filter) ||
                     log_scan_reached(log->filter) > query->log_first + log->around;
    first = query->log_place == LOG_LINE   ? query->log_first - 1
            : query->log_place == LOG_NEAR ? shown->row_near - (int64_t)max / 2
                                           : all - (int64_t)max;
    if (first > all - (int64_t)max / 3)
        first = all - (int64_t)max / 3;
    shown->row_first = first > 0 ? first : 0;
    struct frame_log_row *rows = arena_array(arena, max, sizeof *rows);
    struct log_row at;
    size_t n = 0;
    while (n < max && log_rows_get(log->rows, log->info.n_lines,
                                   shown->row_first + (int64_t)n, &at)) {
        if (at.kind == LOG_ROW_LINE) {
            n += read_run(log, arena, shown->row_first + (int64_t)n, max - n, rows + n);
            continue;
        }
        rows[n] = (struct frame_log_row){.kind = at.kind, .n = at.n};
        if (at.kind == LOG_ROW_GONE)
            read_gone(log, arena, at.number, &rows[n]);
        n++;
    }
    shown->rows = rows;
    shown->n_rows = n;
}

static void read_counts(const struct source_log *log, struct frame_log *shown)
{
    size_t n;
    const struct log_scan *scans[] = {log->find, log->filter, log->failures};
    shown->percent = log->compare && !log->rows ? log_compare_percent(log->compare) : 100;
    for (size_t i = 0; i < ARRAY_LEN(scans); i++) {
        int64_t all = log->info.n_lines;
        int64_t done = scans[i] && all > 0 ? log_scan_reached(scans[i]) * 100 / all : 100;
        if (done < shown->percent)
            shown->percent = (int)done;
    }
    shown->n_hits = log->find ? log_scan_total(log->find) : 0;
    if (log->filter) {
        (void)log_scan_hits(log->filter, &n);
        shown->n_matches = log_scan_total(log->filter);
        shown->is_bounded = shown->n_matches > (int64_t)n;
    }
    if (!log->compare)
        return;
    (void)log_compare_new_lines(log->compare, &n);
    shown->n_matches = (int64_t)n;
    (void)log_compare_gone(log->compare, &n);
    shown->n_gone = (int64_t)n;
    shown->is_bounded = log_compare_is_bounded(log->compare);
    shown->green_workflow = log->green.workflow;
    shown->green_effect = log->green.seq;
    shown->green_at = log->green.ended_at;
}

static void fill(struct source_log *log, const struct frame_query *query,
                 const struct effect_row *effect, struct arena *arena,
                 struct frame_log *shown)
{
    size_t max = query->log_rows > 0 ? (size_t)query->log_rows : 1;
    answer(log, query);
    shown->find_serial = log->find_serial;
    shown->found = log->found;
    shown->found_index = log->found_index;
    read_counts(log, shown);
    shown->rows_serial = query->log_rows_serial;
    shown->green_why = log->has_looked && !log->compare
                           ? "no workflow of this pipeline and repository that completed "
                             "before has a log of this step"
                           : "";
    shown->has_rows = log->filter || log->compare;
    if (log->rows) {
        read_rows(log, query, arena, shown);
        return;
    }
    if (shown->has_rows)
        return;
    struct segment_line *lines = arena_array(arena, max, sizeof *lines);
    shown->n_lines = segment_lines(log->reader, arena,
                                   first_line(query, effect, &log->info), max, lines);
    shown->lines = lines;
}

/* The step that is asked for; NULL: there is none. */
static const struct effect_row *pick(const struct frame_query *query,
                                     const struct frame_detail *detail)
{
    size_t at = detail->n_effects;
    if (query->log_effect == 0)
        at = frame_pick_log(detail->effects, detail->n_effects);
    else
        for (size_t i = 0; i < detail->n_effects; i++)
            if (detail->effects[i].seq == query->log_effect)
                at = i;
    return at < detail->n_effects ? &detail->effects[at] : NULL;
}

/* Says what of a log can be shown; false: nothing. */
static bool describe(const struct effect_row *effect, bool is_past,
                     struct frame_log *shown)
{
    bool is_running = effect && effect->status == STATUS_PENDING;
    shown->name = effect ? effect->name : "";
    shown->why = "";
    shown->green_why = "";
    shown->is_missing = !effect || (effect->log[0] == '\0' && !is_running);
    if (effect) {
        shown->effect = effect->seq;
        shown->status = effect->status;
    }
    if (is_running && is_past) {
        shown->is_missing = true;
        shown->why = "not known at that time: how far it had come is not kept";
    }
    return !shown->is_missing;
}

bool source_read_log(struct source *source, struct reader *reader,
                     const struct frame_query *query, struct frame *frame,
                     struct frame_detail *detail, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_log *shown = arena_alloc(arena, sizeof *shown);
    const struct effect_row *effect = pick(query, detail);
    detail->log = shown;
    if (!describe(effect, frame->is_past, shown)) {
        source_drop_log(source);
        return true;
    }
    /* Without a log yet its folder is worth watching. */
    AUTO_FREE char *name = effect->log[0] == '\0'
                               ? mem_printf("wf-%lld/%lld", (long long)query->workflow,
                                            (long long)effect->seq)
                               : mem_str(effect->log);
    AUTO_FREE char *path = source_log_file(source->config, name);
    open_log(source, path, shown);
    struct source_log *log = source->log;
    if (shown->is_missing) {
        shown->why = arena_str(arena, shown->why);
        return true;
    }
    (void)segment_refresh(log->reader); /* what it is now is read below */
    segment_info(log->reader, &log->info);
    if (!prepare(source, reader, query, detail, effect, err))
        return false;
    segment_info(log->reader, &log->info); /* the index may have come further */
    shown->info = log->info;
    shown->is_indexing = log->is_indexing;
    fill(log, query, effect, arena, shown);
    return true;
}
