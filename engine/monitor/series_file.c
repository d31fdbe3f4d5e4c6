/* SPDX-License-Identifier: MIT */
/*
 * A set and the metrics file. Raw points go into the file with every flush, states in rounds
 * of SERIES_SAVE_ROUNDS flushes: a state that was saved with flush F is brought up to date by
 * the raw points of the flushes after F. Once a round is over, no flush before its first one is
 * needed for that any more; the file remembers which (setting "series_replay").
 */
#include <math.h>

#include "engine/base/buf.h"
#include "engine/base/varint.h"
#include "engine/monitor/series_private.h"

#define SETTING_REPLAY "series_replay"
#define ENTRY_MAX      (CHUNK_BYTES + 16)

_Static_assert(ENTRY_MAX >= CHUNK_BYTES + 3 + 1 + VARINT_MAX, "an entry of a block");

/* ---- saving --------------------------------------------------------------------------- */

/* Entries of one block. */
struct block {
    uint8_t bytes[METRIC_BLOCK * ENTRY_MAX];
    size_t len;
};

static void block_add(struct block *block, int32_t id, const uint8_t *bytes, size_t len)
{
    block->bytes[block->len++] = (uint8_t)(id % METRIC_BLOCK);
    block->len += varint_put(block->bytes + block->len, len);
    memcpy(block->bytes + block->len, bytes, len);
    block->len += len;
}

static void save_rows(struct series_set *set, struct metric_store *store)
{
    for (int32_t i = set->n - 1; i >= 0 && !series_at(set, i)->is_stored; i--) {
        const struct series_info *info = &series_at(set, i)->info;
        metric_store_put_series(store,
                                &(struct metric_series){.id = i,
                                                        .name = info->name,
                                                        .labels = info->labels,
                                                        .component = info->component,
                                                        .unit = info->unit,
                                                        .kind = (int)info->kind});
    }
}

static void widen(struct wall *from, struct wall *to, int64_t at_ms)
{
    from->ms = at_ms < from->ms ? at_ms : from->ms;
    to->ms = at_ms > to->ms ? at_ms : to->ms;
}

static void save_raw(const struct series_set *set, struct metric_store *store)
{
    struct wall from = {INT64_MAX}, to = {0};
    for (int32_t first = 0; first < set->n; first += METRIC_BLOCK) {
        struct block block;
        block.len = 0;
        for (int32_t i = first; i < set->n && i < first + METRIC_BLOCK; i++) {
            const struct chunk *chunk = &series_at(set, i)->chunk;
            if (chunk->n > 0) {
                uint8_t bytes[CHUNK_BYTES + 3] = {0};
                size_t len = chunk_format(chunk, bytes);
                block_add(&block, i, bytes, len);
                widen(&from, &to, chunk->first_ms);
                widen(&from, &to,
                      chunk->last_ms); /* before it, when the clock went back */
            }
        }
        if (block.len > 0) {
            metric_store_put_raw(store, first / METRIC_BLOCK, block.bytes, block.len);
        }
    }
    if (to.ms > 0) {
        metric_store_put_flush(store, from, to);
    }
}

static void save_newest(const struct series_set *set, struct metric_store *store)
{
    for (int32_t first = 0; first < set->n; first += METRIC_BLOCK) {
        struct block block;
        bool has_news = false;
        block.len = 0;
        for (int32_t i = first; i < set->n && i < first + METRIC_BLOCK; i++) {
            uint8_t bytes[VARINT_MAX + 8];
            struct wall at;
            double value;
            if (series_newest(set, i, &at, &value)) {
                size_t len = varint_put(bytes, (uint64_t)at.ms);
                len += double_put(bytes + len, value);
                block_add(&block, i, bytes, len);
                has_news |= series_at(set, i)->has_news;
            }
        }
        if (has_news) {
            metric_store_put_newest(store, first / METRIC_BLOCK, block.bytes, block.len);
        }
    }
}

/* By the row that they go to. */
static int compare_closed(const void *a, const void *b)
{
    const struct closed *x = a, *y = b;
    if (x->level != y->level) {
        return x->level < y->level ? -1 : 1;
    }
    if (x->sum.start_ms != y->sum.start_ms) {
        return x->sum.start_ms < y->sum.start_ms ? -1 : 1;
    }
    return (x->series > y->series) - (x->series < y->series);
}

static bool is_same_row(const struct closed *a, const struct closed *b)
{
    return a->level == b->level && a->sum.start_ms == b->sum.start_ms &&
           a->series / METRIC_BLOCK == b->series / METRIC_BLOCK;
}

static void put_closed(struct buf *out, const struct closed *closed)
{
    uint8_t bytes[INTERVAL_BYTES], head[1 + VARINT_MAX];
    struct metric_point point = {.n = closed->sum.n,
                                 .min = closed->sum.min,
                                 .max = closed->sum.max,
                                 .sum = closed->sum.sum,
                                 .last = closed->sum.last};
    size_t len = interval_format(&point, bytes);
    head[0] = (uint8_t)(closed->series % METRIC_BLOCK);
    (void)buf_add(out, head, 1 + varint_put(head + 1, len + closed->sketch_len));
    (void)buf_add(out, bytes, len);
    (void)buf_add(out, closed->sketch, closed->sketch_len);
}

static void save_closed(struct series_set *set, struct metric_store *store)
{
    AUTO_BUF struct buf row = {0};
    if (set->n_closed == 0) {
        return; /* and there is no list yet */
    }
    buf_init(&row, METRIC_BLOCK * (SKETCH_BLOB_MAX + INTERVAL_BYTES + 16) * 4);
    qsort(set->closed, set->n_closed, sizeof(set->closed[0]), compare_closed);
    for (size_t i = 0; i < set->n_closed; i++) {
        const struct closed *closed = &set->closed[i];
        put_closed(&row, closed);
        if (i + 1 == set->n_closed || !is_same_row(closed, closed + 1)) {
            metric_store_put_interval(store, closed->level,
                                      (struct wall){closed->sum.start_ms},
                                      closed->series / METRIC_BLOCK, row.data, row.len);
            buf_clear(&row);
        }
    }
}

static void save_state(const struct series *series, struct metric_store *store)
{
    uint8_t bytes[sizeof(struct series_state) + SUMS * (SKETCH_BLOB_MAX + VARINT_MAX)];
    size_t len = sizeof(series->state);
    if (series->sketches == NULL) {
        metric_store_put_state(store, series->info.id, STATE_FORMAT, &series->state, len);
        return;
    }
    memcpy(bytes, &series->state, len);
    for (int i = 0; i < SUMS; i++) {
        uint8_t sketch[SKETCH_BLOB_MAX];
        size_t sketch_len = sketch_format(&series->sketches[i], sketch);
        len += varint_put(bytes + len, sketch_len);
        memcpy(bytes + len, sketch, sketch_len);
        len += sketch_len;
    }
    metric_store_put_state(store, series->info.id, STATE_FORMAT, bytes, len);
}

/* Is it this series' turn in this save? */
static bool is_saved_now(const struct series_set *set, const struct series *series)
{
    int32_t id = series->info.id;
    bool is_its_turn = set->is_all || (id >= set->cursor && id < set->saved_to);
    return series->must_save || (series->is_changed && is_its_turn);
}

static void save_states(struct series_set *set, struct metric_store *store)
{
    int32_t step = (set->n + SERIES_SAVE_ROUNDS - 1) / SERIES_SAVE_ROUNDS;
    int64_t flush = metric_store_flush_number(store);
    if (set->cursor == 0 || set->is_all) {
        set->round_flush = flush;
    }
    set->saved_to = set->cursor + step;
    set->is_round_done = set->is_all || set->saved_to >= set->n;
    for (int32_t i = 0; i < set->n; i++) {
        const struct series *series = series_at(set, i);
        if (is_saved_now(set, series)) {
            save_state(series, store);
        }
    }
    if (set->is_round_done) {
        metric_store_put_setting(store, SETTING_REPLAY, set->round_flush);
    }
}

/* What people should know of a set that does not keep everything. */
static void save_counts(const struct series_set *set, struct metric_store *store)
{
    metric_store_put_setting(store, SERIES_SETTING_REFUSED, set->counts.refused);
    metric_store_put_setting(store, SERIES_SETTING_LATE, set->counts.late);
    metric_store_put_setting(store, SERIES_SETTING_UNKEPT, set->counts.unkept);
}

void series_save(struct series_set *set, struct metric_store *store, bool is_all)
{
    set->is_all = is_all;
    save_rows(set, store);
    save_raw(set, store);
    save_newest(set, store);
    save_closed(set, store);
    save_states(set, store);
    save_counts(set, store);
}

void series_saved(struct series_set *set)
{
    for (int32_t i = 0; i < set->n; i++) {
        struct series *series = series_at(set, i);
        if (is_saved_now(set, series)) {
            series->is_changed = series->must_save = false;
        }
        series->is_stored = true;
        series->has_news = false;
        if (series->chunk.n > 0) {
            series->before_at = series->state.input_at;
            series->before = series->state.input;
            chunk_clear(&series->chunk);
        }
    }
    series_forget_closed(set);
    set->cursor = set->is_round_done ? 0 : set->saved_to;
    set->is_full = false;
}

void series_unsaved(struct series_set *set)
{
    for (int32_t i = 0; i < set->n; i++) {
        struct series *series = series_at(set, i);
        series->is_stored = false;
        series->is_changed = series->must_save = series->has_news = true;
    }
    set->cursor = 0;
}

/* ---- loading -------------------------------------------------------------------------- */

struct loading {
    struct series_set *set;
    int64_t *flushes; /* with which each state was saved; 0 = there is none */
    int32_t n;
};

static bool parse_sketches(struct series *series, const uint8_t *bytes, size_t len)
{
    struct sketch sketches[SUMS];
    size_t at = 0;
    for (int i = 0; i < SUMS; i++) {
        uint64_t n = 0;
        size_t used = varint_get(bytes + at, len - at, &n);
        if (used == 0 || n > len - at - used ||
            !sketch_parse(bytes + at + used, (size_t)n, &sketches[i])) {
            return false;
        }
        at += used + (size_t)n;
    }
    memcpy(series->sketches, sketches, sizeof(sketches));
    return at == len;
}

static bool on_state(void *context, int32_t id, int format, int64_t flush,
                     const void *bytes, size_t len)
{
    struct loading *loading = context;
    if (id < 0 || id >= loading->n || format != STATE_FORMAT ||
        len < sizeof(struct series_state)) {
        return true; /* of another program: it begins anew */
    }
    struct series *series = series_at(loading->set, id);
    size_t rest = len - sizeof(struct series_state);
    bool is_whole =
        series->sketches == NULL
            ? rest == 0
            : parse_sketches(series, (const uint8_t *)bytes + (len - rest), rest);
    if (is_whole) {
        memcpy(&series->state, bytes, sizeof(series->state));
        loading->flushes[id] = flush;
    }
    return true;
}

static void replay(struct series_set *set, struct series *series, const uint8_t *bytes,
                   size_t len)
{
    struct chunk_reader reader;
    struct series_signal unused;
    struct wall at;
    double value;
    chunk_reader_init(&reader, bytes, len);
    while (chunk_next(&reader, &at, &value)) {
        bool is_good = isfinite(value) && at.ms > 0;
        if (is_good) { /* bytes that were damaged might say anything */
            (void)series_take(set, series, at, value, &unused);
        }
    }
}

static bool on_raw(void *context, int64_t flush, int32_t block, const uint8_t *bytes,
                   size_t len)
{
    struct loading *loading = context;
    struct block_reader reader = {.bytes = bytes, .len = len};
    const uint8_t *entry;
    size_t entry_len;
    int member;
    while (block_next(&reader, &member, &entry, &entry_len)) {
        int64_t id = (int64_t)block * METRIC_BLOCK + member;
        if (id < loading->n && flush > loading->flushes[id] &&
            series_at(loading->set, (int32_t)id)->sketches == NULL) {
            replay(loading->set, series_at(loading->set, (int32_t)id), entry, entry_len);
        }
    }
    return true;
}

static bool load_rows(struct series_set *set, struct metric_reader *reader,
                      struct err *err)
{
    struct arena *arena = arena_new();
    struct metric_series *rows = NULL;
    size_t n = 0;
    bool is_good = metric_reader_series(reader, arena, &rows, &n, err);
    for (size_t i = 0; is_good && i < n; i++) {
        int kind = rows[i].kind;
        if (kind < 0 || kind >= METRIC_KIND_COUNT) {
            kind = KIND_GAUGE;
        }
        series_add(set, rows[i].name, rows[i].labels, rows[i].component, rows[i].unit,
                   (enum metric_kind)kind)
            ->is_stored = true;
    }
    arena_free(arena);
    return is_good;
}

bool series_load(struct series_set *set, struct metric_store *store, struct err *err)
{
    struct metric_reader *reader = metric_store_reader(store);
    int64_t after = 0;
    if (!load_rows(set, reader, err) ||
        !metric_reader_setting(reader, SETTING_REPLAY, 0, &after, err)) {
        return false;
    }
    AUTO_FREE int64_t *flushes = mem_array((size_t)set->n, sizeof(*flushes));
    struct loading loading = {.set = set, .flushes = flushes, .n = set->n};
    set->is_replay = true;
    bool is_good = metric_reader_states(reader, on_state, &loading, err) &&
                   metric_reader_raw(reader, after, on_raw, &loading, err);
    set->is_replay = false;
    set->counts = (struct series_counts){0};
    for (int32_t i = 0; i < set->n; i++) {
        struct series *series = series_at(set, i);
        series->before_at = series->state.input_at;
        series->before = series->state.input;
    }
    return is_good;
}

/* ---- queries -------------------------------------------------------------------------- */

struct points {
    struct arena *arena;
    struct metric_point *items;
    size_t n, cap;
};

/* Intervals come in order; a point that belongs to the last one is joined to it. */
static void add_point(struct points *points, const struct metric_query *query,
                      const struct metric_point *point)
{
    struct metric_point *last = points->n > 0 ? &points->items[points->n - 1] : NULL;
    int64_t width = metric_level_width(query->level).ms;
    int64_t start = point->at.ms - point->at.ms % width;
    if (start < query->from.ms - query->from.ms % width ||
        (wall_is_set(query->to) && start >= query->to.ms)) {
        return;
    }
    if (query->level != LEVEL_RAW && last != NULL && last->at.ms == start) {
        last->n += point->n;
        last->sum += point->sum;
        last->min = point->min < last->min ? point->min : last->min;
        last->max = point->max > last->max ? point->max : last->max;
        last->last = point->last;
        struct sketch whole, part;
        if (last->sketch != NULL && point->sketch != NULL &&
            sketch_parse(last->sketch, last->sketch_len, &whole) &&
            sketch_parse(point->sketch, point->sketch_len, &part)) {
            uint8_t *bytes = arena_alloc(points->arena, SKETCH_BLOB_MAX);
            sketch_merge(&whole, &part);
            last->sketch_len = sketch_format(&whole, bytes);
            last->sketch = bytes;
        }
        return;
    }
    if (points->n == points->cap) {
        size_t cap = points->cap == 0 ? 256 : points->cap * 2;
        struct metric_point *items = arena_array(points->arena, cap, sizeof(*items));
        if (points->items != NULL) {
            memcpy(items, points->items, points->n * sizeof(*items));
        }
        points->items = items;
        points->cap = cap;
    }
    points->items[points->n] = *point;
    points->items[points->n++].at.ms = start;
}

static void add_sum(struct points *points, const struct metric_query *query,
                    const struct sum *sum, const uint8_t *sketch, size_t len)
{
    struct metric_point point = {.at = {sum->start_ms},
                                 .n = sum->n,
                                 .min = sum->min,
                                 .max = sum->max,
                                 .sum = sum->sum,
                                 .last = sum->last,
                                 .sketch_len = len};
    if (sketch != NULL) {
        point.sketch =
            (const uint8_t *)arena_strn(points->arena, (const char *)sketch, len);
    }
    add_point(points, query, &point);
}

/* Minutes of a summary that the file has not got. */
static void add_minutes(const struct series_set *set, const struct series *series,
                        const struct metric_query *query, struct points *points)
{
    uint8_t bytes[SKETCH_BLOB_MAX];
    for (size_t i = 0; i < set->n_closed; i++) {
        const struct closed *closed = &set->closed[i];
        if (closed->series == series->info.id && closed->level == LEVEL_MINUTE) {
            add_sum(points, query, &closed->sum, closed->sketch, closed->sketch_len);
        }
    }
    if (series->state.sums[0].n > 0) {
        add_sum(points, query, &series->state.sums[0], bytes,
                sketch_format(&series->sketches[0], bytes));
    }
}

static void add_chunk(const struct series *series, const struct metric_query *query,
                      struct points *points)
{
    uint8_t bytes[CHUNK_BYTES + 3];
    struct chunk_reader reader;
    struct wall at, before_at = {series->before_at};
    double value, before = series->before;
    chunk_reader_init(&reader, bytes, chunk_format(&series->chunk, bytes));
    while (chunk_next(&reader, &at, &value)) {
        double point = value;
        bool is_point = true;
        if (series->info.kind == KIND_COUNTER) {
            is_point = wall_is_set(before_at);
            double grown = value >= before ? value - before : value;
            point = grown * 1000 / (double)(at.ms - before_at.ms);
        }
        before_at = at;
        before = value;
        if (is_point) {
            add_point(points, query,
                      &(struct metric_point){.at = at,
                                             .n = 1,
                                             .min = point,
                                             .max = point,
                                             .sum = point,
                                             .last = point});
        }
    }
}

bool series_query(const struct series_set *set, struct metric_store *store,
                  const struct metric_query *query, struct arena *arena,
                  struct metric_point **ret_points, size_t *ret_n, struct err *err)
{
    struct points points = {.arena = arena};
    struct metric_point *stored = NULL;
    size_t n_stored = 0, max = query->max == 0 ? METRIC_POINTS_MAX : query->max;
    if (query->series < 0 || query->series >= set->n) {
        return err_set(err, ERR_NOT_FOUND, "there is no series %d", query->series);
    }
    const struct series *series = series_at(set, query->series);
    if (store != NULL && !metric_reader_points(metric_store_reader(store), arena, query,
                                               &stored, &n_stored, err)) {
        return false;
    }
    points.items = stored;
    points.n = points.cap = n_stored;
    if (series->sketches != NULL && query->level != LEVEL_RAW) {
        add_minutes(set, series, query, &points);
    } else {
        add_chunk(series, query, &points);
    }
    size_t cut = points.n > max ? points.n - max : 0;
    *ret_points = points.items + cut;
    *ret_n = points.n - cut;
    return true;
}
