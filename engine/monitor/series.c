/* SPDX-License-Identifier: MIT */
#include "engine/monitor/series.h"

#include <math.h>

#include "engine/base/text.h"
#include "engine/monitor/series_private.h"

#define CLOSED_MIN      1024
#define SUMMARY_LATE_MS 3600000

/* ---- set ------------------------------------------------------------------------------ */

struct series_set *series_set_new(int32_t max)
{
    struct series_set *set = mem_alloc(sizeof(*set));
    set->max = max;
    set->arena = arena_new();
    return set;
}

void series_forget_closed(struct series_set *set)
{
    for (size_t i = 0; i < set->n_closed; i++) {
        free(set->closed[i].sketch);
    }
    set->n_closed = 0;
}

void series_set_free(struct series_set *set)
{
    if (set == NULL) {
        return;
    }
    series_forget_closed(set);
    for (int32_t i = 0; i < set->n; i++) {
        free(series_at(set, i)->sketches);
    }
    for (int32_t i = 0; i < set->n; i += METRIC_BLOCK) {
        free(set->blocks[i / METRIC_BLOCK]);
    }
    free(set->blocks);
    free(set->index);
    free(set->closed);
    arena_free(set->arena);
    free(set);
}

int32_t series_count(const struct series_set *set)
{
    return set->n;
}

struct series_counts series_counts(const struct series_set *set)
{
    return set->counts;
}

/* ---- labels --------------------------------------------------------------------------- */

static bool is_key(const char *key)
{
    size_t len =
        strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    return len > 0 && key[len] == '\0' && (key[0] < '0' || key[0] > '9');
}

static bool put_label(struct buf *out, const char *key, const char *value)
{
    char clean[SERIES_LABELS_MAX];
    (void)text_clean_into(clean, sizeof(clean), value);
    bool is_whole = strlen(value) < sizeof(clean);
    is_whole &= buf_printf(out, "%s%s=\"", out->len > 0 ? "," : "", key);
    for (const char *c = clean; *c != '\0'; c++) {
        is_whole &= (*c != '\\' && *c != '"') || buf_char(out, '\\');
        is_whole &= buf_char(out, *c);
    }
    is_whole &= buf_char(out, '"');
    return is_whole;
}

bool series_labels(const struct series_label *labels, size_t n,
                   char out[SERIES_LABELS_MAX])
{
    const struct series_label *sorted[SERIES_LABELS] = {0};
    AUTO_BUF struct buf text;
    buf_init(&text, SERIES_LABELS_MAX - 1);
    if (n > SERIES_LABELS) {
        return false;
    }
    for (size_t i = 0; i < n; i++) { /* insertion: there are few */
        size_t k = i;
        for (; k > 0 && strcmp(sorted[k - 1]->key, labels[i].key) > 0; k--) {
            sorted[k] = sorted[k - 1];
        }
        sorted[k] = &labels[i];
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_key(sorted[i]->key) ||
            (i > 0 && strcmp(sorted[i - 1]->key, sorted[i]->key) == 0) ||
            !put_label(&text, sorted[i]->key, sorted[i]->value)) {
            return false;
        }
    }
    memcpy(out, text.data, text.len + 1);
    return true;
}

/* ---- finding -------------------------------------------------------------------------- */

/* FNV-1a */
static uint64_t hash_of(const char *name, const char *labels)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const char *const parts[] = {name, "{", labels};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (const char *c = parts[i]; *c != '\0'; c++) {
            hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

/* Place in the index of that series, or the free one where it belongs. */
static size_t place_of(const struct series_set *set, const char *name, const char *labels)
{
    size_t i = hash_of(name, labels) & (set->index_cap - 1);
    for (; set->index[i] != 0; i = (i + 1) & (set->index_cap - 1)) {
        const struct series_info *info = &series_at(set, set->index[i] - 1)->info;
        if (strcmp(info->name, name) == 0 && strcmp(info->labels, labels) == 0) {
            break;
        }
    }
    return i;
}

static void grow(struct series_set *set)
{
    if (set->n % METRIC_BLOCK == 0) {
        size_t n = (size_t)set->n / METRIC_BLOCK;
        set->blocks = mem_grow(set->blocks, n + 1, sizeof(struct series *));
        set->blocks[n] = mem_array(METRIC_BLOCK, sizeof(struct series));
    }
    /* at midnight each has a minute, an hour and a day to close */
    size_t needed = CLOSED_MIN + (size_t)set->n * 4;
    if (set->cap_closed < needed) {
        set->cap_closed = needed * 2;
        set->closed = mem_grow(set->closed, set->cap_closed, sizeof(struct closed));
    }
    if ((size_t)set->n * 2 >= set->index_cap) {
        set->index_cap = set->index_cap == 0 ? 256 : set->index_cap * 2;
        free(set->index);
        set->index = mem_array(set->index_cap, sizeof(set->index[0]));
        for (int32_t i = 0; i < set->n; i++) {
            const struct series_info *info = &series_at(set, i)->info;
            set->index[place_of(set, info->name, info->labels)] = i + 1;
        }
    }
}

struct series *series_add(struct series_set *set, const char *name, const char *labels,
                          const char *component, const char *unit, enum metric_kind kind)
{
    grow(set);
    int32_t id = set->n++;
    struct series *series = series_at(set, id);
    enum metric_id metric = METRIC_SCRAPED;
    if (strncmp(component, "scrape:", 7) != 0 && !metric_find(name, &metric)) {
        metric = METRIC_SCRAPED; /* of an older or newer program */
    }
    series->info = (struct series_info){.id = id,
                                        .metric = metric,
                                        .kind = kind,
                                        .name = arena_str(set->arena, name),
                                        .labels = arena_str(set->arena, labels),
                                        .component = arena_str(set->arena, component),
                                        .unit = arena_str(set->arena, unit)};
    series->is_judged = metric_get(metric).is_judged;
    if (kind == KIND_SUMMARY) {
        series->sketches = mem_array(SUMS, sizeof(struct sketch));
    }
    detect_init(&series->state.detector);
    set->index[place_of(set, series->info.name, series->info.labels)] = id + 1;
    return series;
}

int32_t series_find(const struct series_set *set, const char *name, const char *labels)
{
    return set->index_cap == 0 ? SERIES_NONE
                               : set->index[place_of(set, name, labels)] - 1;
}

int32_t series_open_scraped(struct series_set *set, const char *name,
                            enum metric_kind kind, const char *unit, const char *labels,
                            const char *component)
{
    int32_t id = series_find(set, name, labels);
    if (id != SERIES_NONE) {
        return id;
    }
    if (set->n >= set->max || strlen(name) >= SERIES_NAME_MAX ||
        strlen(labels) >= SERIES_LABELS_MAX) {
        set->counts.refused++;
        return SERIES_NONE;
    }
    return series_add(set, name, labels, component, unit, kind)->info.id;
}

int32_t series_open_foreign(struct series_set *set, const char *name,
                            enum metric_kind kind, const char *unit, const char *labels,
                            const char *component)
{
    int32_t id = series_find(set, name, labels);
    if (id == SERIES_NONE && set->n >= SERIES_FOREIGN_MAX) {
        set->counts.refused++;
        return SERIES_NONE;
    }
    return series_open_scraped(set, name, kind, unit, labels, component);
}

int32_t series_open(struct series_set *set, enum metric_id metric,
                    const struct series_label *labels, size_t n, const char *component)
{
    char text[SERIES_LABELS_MAX];
    struct metric row = metric_get(metric);
    if (!series_labels(labels, n, text)) {
        set->counts.refused++;
        return SERIES_NONE;
    }
    return series_open_scraped(set, row.name, row.kind, row.unit, text, component);
}

const struct series_info *series_get(const struct series_set *set, int32_t id)
{
    return &series_at(set, id)->info;
}

/* Of a summary: of the minute that goes on. */
bool series_newest(const struct series_set *set, int32_t id, struct wall *ret_at,
                   double *ret_value)
{
    const struct series *series = series_at(set, id);
    const struct series_state *state = &series->state;
    if (series->sketches != NULL && state->sums[0].n > 0) {
        ret_at->ms = state->input_at;
        *ret_value = sketch_quantile(&series->sketches[0], METRIC_JUDGED_QUANTILE);
        return true;
    }
    ret_at->ms = state->newest_at;
    *ret_value = state->newest;
    return state->newest_at != 0;
}

const struct detector *series_detector(const struct series_set *set, int32_t id)
{
    return &series_at(set, id)->state.detector;
}

bool series_is_full(const struct series_set *set)
{
    return set->is_full || set->n_closed > set->cap_closed / 4 * 3;
}

/* ---- minutes, hours, days ------------------------------------------------------------- */

static void sum_value(struct sum *sum, double value)
{
    sum->min = sum->n == 0 || value < sum->min ? value : sum->min;
    sum->max = sum->n == 0 || value > sum->max ? value : sum->max;
    sum->sum = sum->n == 0 ? value : sum->sum + value;
    sum->last = value;
    sum->n++;
}

static void sum_join(struct sum *to, const struct sum *from)
{
    to->min = to->n == 0 || from->min < to->min ? from->min : to->min;
    to->max = to->n == 0 || from->max > to->max ? from->max : to->max;
    to->sum = to->n == 0 ? from->sum : to->sum + from->sum;
    to->last = from->last;
    to->n += from->n;
}

static void keep_closed(struct series_set *set, struct series *series, int i)
{
    if (set->is_replay) {
        return; /* the flush that brought the point brought this too */
    }
    if (set->n_closed == set->cap_closed) {
        set->counts.unkept++;
        return;
    }
    struct closed *closed = &set->closed[set->n_closed++];
    *closed = (struct closed){.series = series->info.id,
                              .level = (enum metric_level)(LEVEL_MINUTE + i),
                              .sum = series->state.sums[i]};
    if (series->sketches != NULL) {
        uint8_t bytes[SKETCH_BLOB_MAX];
        closed->sketch_len = sketch_format(&series->sketches[i], bytes);
        closed->sketch = mem_alloc(closed->sketch_len);
        memcpy(closed->sketch, bytes, closed->sketch_len);
    }
}

/* The interval is over: into the file, and into the next longer one. */
static void close_sum(struct series_set *set, struct series *series, int i)
{
    struct sum *sum = &series->state.sums[i];
    if (sum->n == 0) {
        return;
    }
    keep_closed(set, series, i);
    if (i + 1 < SUMS) {
        struct sum *longer = sum + 1;
        int64_t width = metric_level_width((enum metric_level)(LEVEL_MINUTE + i + 1)).ms;
        longer->start_ms = sum->start_ms - sum->start_ms % width;
        sum_join(longer, sum);
        if (series->sketches != NULL) {
            sketch_merge(&series->sketches[i + 1], &series->sketches[i]);
        }
    }
    if (series->sketches != NULL) {
        sketch_init(&series->sketches[i]);
    }
    sum->n = 0;
}

/* Close what does not contain `at`: the minute first, since the hour is made of minutes. */
static void turn(struct series_set *set, struct series *series, struct wall at)
{
    for (int i = 0; i < SUMS; i++) {
        struct sum *sum = &series->state.sums[i];
        int64_t width = metric_level_width((enum metric_level)(LEVEL_MINUTE + i)).ms;
        if (sum->n > 0 && (at.ms - sum->start_ms >= width || at.ms < sum->start_ms)) {
            close_sum(set, series, i);
        }
    }
}

/* Also when the clock went back. */
static bool is_new_minute(const struct series *series, struct wall at)
{
    const struct sum *minute = &series->state.sums[0];
    return minute->n == 0 || at.ms - minute->start_ms >= 60000 ||
           at.ms < minute->start_ms;
}

static void sum_point(struct series_set *set, struct series *series, struct wall at,
                      double value)
{
    struct sum *minute = &series->state.sums[0];
    if (is_new_minute(series, at)) {
        turn(set, series, at);
        minute->start_ms = at.ms - at.ms % 60000;
    }
    sum_value(minute, value);
}

/* ---- points --------------------------------------------------------------------------- */

static void keep_raw(struct series_set *set, struct series *series, struct wall at,
                     double value)
{
    if (set->is_replay) {
        return;
    }
    if (!chunk_add(&series->chunk, at, value)) {
        series->must_save = true;
        set->is_full = true;
        set->counts.unkept++;
    }
}

static bool judge(struct series *series, struct wall at, double value,
                  struct series_signal *ret_signal)
{
    series->state.newest_at = at.ms;
    series->state.newest = value;
    series->has_news = true;
    *ret_signal = (struct series_signal){
        .series = &series->info,
        .at = at,
        .value = value,
        .result = {.value = value,
                   .expected = (double)NAN,
                   .low = (double)NAN,
                   .high = (double)NAN,
                   .chance = 1}
    };
    if (series->is_judged) {
        ret_signal->result = detect_step(&series->state.detector, at, value);
    }
    return true;
}

/* The minute of a summary is over: its quantile is what is judged, and kept as raw. */
static bool end_minute(struct series_set *set, struct series *series, struct wall at,
                       struct series_signal *ret_signal)
{
    struct wall start = {series->state.sums[0].start_ms};
    double value = sketch_quantile(&series->sketches[0], METRIC_JUDGED_QUANTILE);
    turn(set, series, at);
    keep_raw(set, series, start, value);
    series->is_changed = series->must_save = true;
    return judge(series, start, value, ret_signal);
}

static bool take_measurement(struct series_set *set, struct series *series,
                             struct wall at, double value,
                             struct series_signal *ret_signal)
{
    bool is_judged = false;
    if (value < 0) {
        return false;
    }
    if (series->state.sums[0].n > 0 && is_new_minute(series, at)) {
        is_judged = end_minute(set, series, at, ret_signal);
    }
    series->state.input_at = at.ms;
    series->has_news = true;
    series->must_save = true; /* the measurements are not kept one by one */
    (void)sketch_add(&series->sketches[0], value);
    sum_point(set, series, at, value);
    return is_judged;
}

bool series_take(struct series_set *set, struct series *series, struct wall at,
                 double value, struct series_signal *ret_signal)
{
    struct series_state *state = &series->state;
    series->is_changed = true;
    set->counts.points++;
    if (at.ms <
        state->input_at) { /* the clock was set back, and the detector's with it */
        state->detector.last_ms = at.ms;
    }
    if (series->sketches != NULL) {
        return take_measurement(set, series, at, value, ret_signal);
    }
    keep_raw(set, series, at, value);
    int64_t before_at = state->input_at;
    double before = state->input;
    state->input_at = at.ms;
    state->input = value;
    if (series->info.kind == KIND_COUNTER) {
        if (before_at == 0 || at.ms <= before_at) {
            return false; /* nothing to compare it with */
        }
        double grown = value >= before ? value - before : value; /* it was reset */
        value = grown * 1000 / (double)(at.ms - before_at);
    }
    sum_point(set, series, at, value);
    return judge(series, at, value, ret_signal);
}

bool series_push(struct series_set *set, int32_t id, struct wall at, double value,
                 struct series_signal *ret_signal)
{
    if (id < 0 || id >= set->n || !isfinite(value)) {
        return false;
    }
    struct series *series = series_at(set, id);
    int64_t newest = series->state.input_at;
    if (series->sketches != NULL && at.ms < newest && newest - at.ms <= SUMMARY_LATE_MS) {
        at.ms = newest; /* single measurements have no order; none is lost */
    }
    bool is_late = at.ms < newest, is_clock_back = series->n_late >= SERIES_LATE_MAX;
    if (at.ms <= 0 || (is_late && !is_clock_back)) {
        set->counts.late++;
        series->n_late = (uint8_t)(series->n_late + is_late);
        return false;
    }
    if (at.ms == newest && series->info.kind == KIND_COUNTER) {
        return false; /* no time has passed: the next point has this one's growth too */
    }
    series->n_late = 0;
    return series_take(set, series, at, value, ret_signal);
}

bool series_next_due(struct series_set *set, struct wall now, int32_t *iter,
                     struct series_signal *ret_signal)
{
    while (*iter < set->n) {
        struct series *series = series_at(set, (*iter)++);
        if (series->sketches != NULL && series->state.sums[0].n > 0 &&
            is_new_minute(series, now) && end_minute(set, series, now, ret_signal)) {
            return true;
        }
    }
    return false;
}

bool series_next_silent(const struct series_set *set, struct wall now, int32_t *iter,
                        struct series_signal *ret_signal)
{
    while (*iter < set->n) {
        const struct series *series = series_at(set, (*iter)++);
        if (!series->is_judged || series->state.newest_at == 0) {
            continue;
        }
        struct detect_result result = detect_silence(&series->state.detector, now);
        if (result.is_alarm) {
            *ret_signal = (struct series_signal){.series = &series->info,
                                                 .at = now,
                                                 .value = series->state.newest,
                                                 .result = result};
            return true;
        }
    }
    return false;
}
