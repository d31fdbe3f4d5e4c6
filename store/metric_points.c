/* SPDX-License-Identifier: MIT */
/*
 * Points of a series at a level. What a level has not got yet is made of the finer ones: from
 * the end of its newest interval on the next finer level goes on, and so down to the raw
 * values. All is read backwards, because the newest are wanted.
 */
#include <math.h>

#include "engine/base/sketch.h"
#include "store/metric_chunk.h"
#include "store/metric_private.h"

#define KIND_IS_COUNTER 1 /* enum metric_kind, as stored */
#define KIND_IS_SUMMARY 2

/* Points, newest first. */
struct points {
    struct arena *arena;
    struct metric_point *items;
    size_t n, cap, max;
};

static bool points_are_full(const struct points *points)
{
    return points->n >= points->max;
}

static struct metric_point *points_add(struct points *points)
{
    if (points->n == points->cap) {
        points->cap = points->cap == 0 ? 256 : points->cap * 2;
        struct metric_point *items =
            arena_array(points->arena, points->cap, sizeof(*items));
        if (points->n > 0) {
            memcpy(items, points->items, points->n * sizeof(*items));
        }
        points->items = items;
    }
    return &points->items[points->n++];
}

/* `part` belongs to the same interval. Whichever is later has the last value. */
static void join(struct metric_point *point, const struct metric_point *part,
                 struct arena *arena, bool is_later)
{
    point->n += part->n;
    point->sum += part->sum;
    point->min = part->min < point->min ? part->min : point->min;
    point->max = part->max > point->max ? part->max : point->max;
    point->last = is_later ? part->last : point->last;
    struct sketch whole, other;
    if (point->sketch == NULL || part->sketch == NULL ||
        !sketch_parse(point->sketch, point->sketch_len, &whole) ||
        !sketch_parse(part->sketch, part->sketch_len, &other)) {
        point->sketch = part->sketch != NULL ? part->sketch : point->sketch;
        point->sketch_len = part->sketch != NULL ? part->sketch_len : point->sketch_len;
        return;
    }
    sketch_merge(&whole, &other);
    uint8_t *bytes = arena_alloc(arena, SKETCH_BLOB_MAX);
    point->sketch_len = sketch_format(&whole, bytes);
    point->sketch = bytes;
}

/* ---- intervals ------------------------------------------------------------------------ */

/* The interval of a series in a row; it is there twice when a model began anew. */
static void take_interval(struct points *points, int member, struct wall at,
                          const uint8_t *bytes, size_t len)
{
    struct block_reader reader = {.bytes = bytes, .len = len};
    const uint8_t *entry;
    size_t entry_len;
    int who;
    bool is_first = true;
    while (block_next(&reader, &who, &entry, &entry_len)) {
        struct metric_point part;
        if (who != member || !interval_parse(entry, entry_len, &part)) {
            continue;
        }
        part.at = at;
        if (part.sketch != NULL) {
            part.sketch = (const uint8_t *)arena_strn(
                points->arena, (const char *)part.sketch, part.sketch_len);
        }
        if (is_first) {
            *points_add(points) = part;
        } else {
            join(&points->items[points->n - 1], &part, points->arena, true);
        }
        is_first = false;
    }
}

/* First and last interval that the file has; false: none, or a failure in err. */
static bool known_range(struct metric_reader *reader, enum metric_level level,
                        int64_t *ret_first, int64_t *ret_last, struct err *err)
{
    int64_t low = -1, high = -1;
    const char *table = metric_level_word(level);
    AUTO_FREE char *first = mem_printf("SELECT coalesce(min(id), -1) FROM %s", table);
    AUTO_FREE char *last = mem_printf("SELECT coalesce(max(id), -1) FROM %s", table);
    if (!database_number(&reader->database, first, &low, err) ||
        !database_number(&reader->database, last, &high, err)) {
        return false;
    }
    *ret_first = low >> 16;
    *ret_last = high >> 16;
    return high >= 0;
}

static bool read_intervals(struct metric_reader *reader, enum metric_level level,
                           const struct metric_query *query, struct points *points,
                           struct err *err)
{
    static const enum metric_sql gets[LEVEL_COUNT] = {[LEVEL_MINUTE] = SQL_MINUTE_GET,
                                                      [LEVEL_HOUR] = SQL_HOUR_GET,
                                                      [LEVEL_DAY] = SQL_DAY_GET};
    int64_t width = metric_level_width(level).ms, first = 0, last = 0;
    if (!known_range(reader, level, &first, &last, err)) {
        return err->code == ERR_NONE;
    }
    int64_t from = query->from.ms / width, to = (query->to.ms - 1) / width;
    first = from > first ? from : first;
    last = to < last ? to : last;
    sqlite3_stmt *s = metric_sql(reader, gets[level]);
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    for (int64_t i = last; i >= first && !points_are_full(points); i--) {
        (void)sqlite3_reset(s); /* of a good step */
        bind_int(s, 1, metric_row_id(i, query->series / METRIC_BLOCK));
        int code = sqlite3_step(s);
        if (code == SQLITE_ROW) {
            take_interval(points, query->series % METRIC_BLOCK, (struct wall){i * width},
                          sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0));
        } else if (code != SQLITE_DONE) {
            (void)sqlite3_reset(s); /* repeats the failure that is reported */
            return database_fail(&reader->database, err);
        }
    }
    (void)sqlite3_reset(s); /* of a good step */
    return true;
}

/* ---- raw values ----------------------------------------------------------------------- */

struct raw {
    const struct metric_query *query;
    struct points *points;
    bool is_counter;
    struct wall next_at; /* of a counter: the point after the one in hand */
    double next;
};

/* Values of one flush, oldest first; kept newest first. */
static void take_raw(struct raw *raw, const uint8_t *bytes, size_t len)
{
    struct chunk_reader reader;
    struct wall at;
    double value;
    size_t n = 0;
    chunk_reader_init(&reader, bytes, len);
    struct metric_point *some =
        arena_array(raw->points->arena, reader.left + 1, sizeof(*some));
    while (chunk_next(&reader, &at, &value)) {
        some[n] = (struct metric_point){
            .at = at, .n = 1, .min = value, .max = value, .sum = value, .last = value};
        n++;
    }
    while (n-- > 0) {
        at = some[n].at;
        value = some[n].last;
        if (at.ms >= raw->query->to.ms) {
            continue;
        }
        if (raw->is_counter) { /* the point after this one has its rate now */
            double grown = raw->next >= value ? raw->next - value : raw->next;
            double rate = grown * 1000 / (double)(raw->next_at.ms - at.ms);
            struct metric_point point = {.at = raw->next_at,
                                         .n = 1,
                                         .min = rate,
                                         .max = rate,
                                         .sum = rate,
                                         .last = rate};
            bool is_known = wall_is_set(raw->next_at) && raw->next_at.ms > at.ms;
            raw->next_at = at;
            raw->next = value;
            if (is_known && point.at.ms >= raw->query->from.ms &&
                !points_are_full(raw->points)) {
                *points_add(raw->points) = point;
            }
        } else if (at.ms >= raw->query->from.ms && !points_are_full(raw->points)) {
            *points_add(raw->points) = some[n];
        }
    }
}

static bool read_block(struct metric_reader *reader, struct raw *raw, int64_t flush,
                       struct err *err)
{
    int member = raw->query->series % METRIC_BLOCK, who;
    sqlite3_stmt *s = metric_sql(reader, SQL_RAW_GET);
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    bind_int(s, 1, metric_row_id(flush, raw->query->series / METRIC_BLOCK));
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        struct block_reader block = {.bytes = sqlite3_column_blob(s, 0),
                                     .len = (size_t)sqlite3_column_bytes(s, 0)};
        const uint8_t *bytes;
        size_t len;
        while (block_next(&block, &who, &bytes, &len)) {
            if (who == member) {
                take_raw(raw, bytes, len);
            }
        }
        code = SQLITE_DONE;
    }
    bool is_good = code == SQLITE_DONE || database_fail(&reader->database, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

static bool read_raw(struct metric_reader *reader, const struct metric_query *query,
                     int kind, struct points *points, struct err *err)
{
    struct raw raw = {
        .query = query, .points = points, .is_counter = kind == KIND_IS_COUNTER};
    sqlite3_stmt *s = metric_sql(reader, SQL_FLUSH_GET);
    bool is_good = true;
    int code = SQLITE_DONE;
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    /* the first rate of a counter needs the point before it */
    bind_int(s, 1,
             query->from.ms - (raw.is_counter ? metric_level_width(LEVEL_MINUTE).ms : 0));
    bind_int(s, 2, query->to.ms);
    while (is_good && !points_are_full(points) &&
           (code = sqlite3_step(s)) == SQLITE_ROW) {
        is_good = read_block(reader, &raw, sqlite3_column_int64(s, 0), err);
    }
    if (is_good && code != SQLITE_ROW && code != SQLITE_DONE) {
        is_good = database_fail(&reader->database, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

/* ---- all together --------------------------------------------------------------------- */

static void reverse(struct points *points)
{
    for (size_t i = 0, k = points->n; i + 1 < k; i++) {
        struct metric_point point = points->items[i];
        points->items[i] = points->items[--k];
        points->items[k] = point;
    }
}

/* Oldest first, into intervals of the level. */
static void fold(struct points *points, enum metric_level level)
{
    int64_t width = metric_level_width(level).ms;
    size_t n = 0;
    for (size_t i = 0; i < points->n; i++) {
        struct metric_point point = points->items[i];
        point.at.ms -= point.at.ms % width;
        if (n > 0 && points->items[n - 1].at.ms == point.at.ms) {
            join(&points->items[n - 1], &point, points->arena, true);
        } else {
            points->items[n++] = point;
        }
    }
    points->n = n;
}

static bool kind_of(struct metric_reader *reader, int32_t series, int *ret_kind,
                    struct err *err)
{
    sqlite3_stmt *s = metric_sql(reader, SQL_KIND_GET);
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    bind_int(s, 1, series);
    int code = sqlite3_step(s);
    *ret_kind = code == SQLITE_ROW ? sqlite3_column_int(s, 0) : 0;
    bool is_good = code == SQLITE_ROW || code == SQLITE_DONE ||
                   database_fail(&reader->database, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

/* Levels from the asked one down, each from where the one above ends; oldest first. */
static bool read_levels(struct metric_reader *reader, const struct metric_query *query,
                        int kind, struct points *all, struct err *err)
{
    struct metric_query rest = *query;
    for (int i = (int)query->level; i >= LEVEL_RAW; i--) {
        enum metric_level level = (enum metric_level)i;
        bool is_raw = level == LEVEL_RAW;
        struct points part = {.arena = all->arena,
                              .max =
                                  i == (int)query->level ? all->max : METRIC_POINTS_MAX};
        if (is_raw && kind == KIND_IS_SUMMARY && query->level != LEVEL_RAW) {
            break; /* its raw values are quantiles already */
        }
        if (is_raw ? !read_raw(reader, &rest, kind, &part, err)
                   : !read_intervals(reader, level, &rest, &part, err)) {
            return false;
        }
        if (part.n > 0) {
            rest.from.ms = part.items[0].at.ms + metric_level_width(level).ms;
        }
        reverse(&part);
        for (size_t k = 0; k < part.n; k++) {
            *points_add(all) = part.items[k];
        }
    }
    return true;
}

bool metric_reader_points(struct metric_reader *reader, struct arena *arena,
                          const struct metric_query *query,
                          struct metric_point **ret_points, size_t *ret_n,
                          struct err *err)
{
    struct metric_query whole = *query;
    struct points all = {.arena = arena};
    int kind = 0;
    all.max = query->max == 0 || query->max > METRIC_POINTS_MAX ? METRIC_POINTS_MAX
                                                                : query->max;
    if (!wall_is_set(whole.to)) {
        whole.to.ms = INT64_MAX;
    }
    if (query->level != LEVEL_RAW) { /* whole intervals */
        whole.from.ms -= whole.from.ms % metric_level_width(query->level).ms;
    }
    if (!kind_of(reader, query->series, &kind, err) ||
        !read_levels(reader, &whole, kind, &all, err)) {
        return false;
    }
    if (query->level != LEVEL_RAW) {
        fold(&all, query->level);
    }
    size_t cut = all.n > all.max ? all.n - all.max : 0;
    *ret_points = all.items != NULL ? all.items + cut : NULL;
    *ret_n = all.n - cut;
    return true;
}
