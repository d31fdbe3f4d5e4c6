/* SPDX-License-Identifier: MIT */

/*
 * What a candidate is, as integers. Features are written one after the other; their order is
 * known to the trees alone, so a change here needs `make train`.
 */

#include <stdlib.h>
#include <string.h>

#include "engine/recovery/locate_private.h"

#define FAR        999
#define CUE_STRONG 3
#define NEAR       10
#define TAIL_LINES                                                                       \
    60 /* before the end of the step that failed: candidates whatever they say */

/* Of the whole log. */
struct scene {
    const struct locate_log *log;
    uint32_t *end;    /* the next line with MARK_END at or after it; n_lines: none */
    uint32_t *stop;   /* the next with MARK_STOP or MARK_END */
    uint32_t *begin;  /* the last line with MARK_PHASE or MARK_COMMAND at or before it */
    uint32_t *strong; /* lines with a strong cue before it */
    uint32_t *blank;  /* the last blank line or rule before it */
    uint32_t *gap;    /* the next blank line or rule after it */
    int8_t *top;      /* most cue of the lines since `blank`, without it */
    uint32_t first_end; /* first MARK_END, else the last line of all */
};

struct features {
    int16_t *x;
    int n;
};

static void add(struct features *features, long value)
{
    features->x[features->n++] = (int16_t)(value > 30000    ? 30000
                                           : value < -30000 ? -30000
                                                            : value);
}

static bool is_marked(const struct locate_line *line, uint32_t marks)
{
    return (line->marks & marks) != 0;
}

/* ---- the scene ---- */

static void follow_back(struct scene *scene)
{
    const struct locate_log *log = scene->log;
    uint32_t end = (uint32_t)log->n_lines, stop = end, gap = end;
    for (size_t i = log->n_lines; i-- > 0;) {
        if (is_marked(&log->lines[i], BIT(MARK_END))) {
            end = stop = (uint32_t)i;
            scene->first_end = end;
        } else if (is_marked(&log->lines[i], BIT(MARK_STOP))) {
            stop = (uint32_t)i;
        }
        scene->end[i] = end;
        scene->stop[i] = stop;
        scene->gap[i] = gap;
        if (is_marked(&log->lines[i],
                      BIT(MARK_BLANK) | BIT(MARK_RULE) | BIT(MARK_PHASE))) {
            gap = (uint32_t)i;
        }
    }
}

static void set_scene(struct scene *scene, const struct locate_log *log,
                      struct arena *arena)
{
    uint32_t begin = 0, strong = 0, blank = 0;
    *scene = (struct scene){.log = log, .first_end = (uint32_t)log->n_lines};
    scene->end = arena_array(arena, log->n_lines, sizeof(uint32_t));
    scene->stop = arena_array(arena, log->n_lines, sizeof(uint32_t));
    scene->begin = arena_array(arena, log->n_lines, sizeof(uint32_t));
    scene->strong = arena_array(arena, log->n_lines, sizeof(uint32_t));
    scene->blank = arena_array(arena, log->n_lines, sizeof(uint32_t));
    scene->gap = arena_array(arena, log->n_lines, sizeof(uint32_t));
    scene->top = arena_array(arena, log->n_lines, 1);
    follow_back(scene);
    int8_t top = 0;
    for (size_t i = 0; i < log->n_lines; i++) {
        const struct locate_line *line = &log->lines[i];
        scene->begin[i] = begin;
        scene->strong[i] = strong;
        scene->blank[i] = blank;
        scene->top[i] = top;
        if (is_marked(line, BIT(MARK_PHASE) | BIT(MARK_COMMAND))) {
            begin = (uint32_t)i;
        }
        if (is_marked(line, BIT(MARK_BLANK) | BIT(MARK_RULE) | BIT(MARK_PHASE))) {
            blank = (uint32_t)i;
            top = 0;
        }
        top = line->cue > top ? line->cue : top;
        strong += line->cue >= CUE_STRONG;
    }
}

/* ---- features ---- */

static void add_itself(struct features *features, const struct locate_line *line)
{
    for (int i = 0; i < GROUP_COUNT; i++) {
        add(features, line->n[i] > 3 ? 3 : line->n[i]);
    }
    for (int i = 0; i < MARK_COUNT; i++) {
        if (i != MARK_BLANK) {
            add(features, is_marked(line, BIT(i)));
        }
    }
    add(features, line->indent);
    add(features, line->n_words);
    add(features, line->digits);
    add(features, line->upper);
    add(features, line->punct);
    add(features, line->length);
    add(features, line->cue);
}

static long bounded(size_t n, long most)
{
    return n < (size_t)most ? (long)n : most;
}

static void add_place(struct features *features, const struct scene *scene, size_t i)
{
    const struct locate_log *log = scene->log;
    size_t n = log->n_lines;
    uint32_t end = scene->end[i], last = end < n ? end : (uint32_t)n - 1;
    add(features, (long)((n - i) * 1000 / n));
    add(features, bounded(n - i, FAR));
    add(features, end < n ? bounded(end - i, FAR) : FAR + 1);
    add(features, scene->stop[i] < n ? bounded(scene->stop[i] - i, FAR) : FAR + 1);
    add(features, i > scene->first_end ? -bounded(i - scene->first_end, FAR)
                                       : bounded(scene->first_end - i, FAR));
    add(features, bounded(i - scene->begin[i], FAR));
    add(features, bounded(scene->strong[last] - scene->strong[i], FAR));
    add(features, bounded(scene->strong[i] - scene->strong[scene->begin[i]], FAR));
    add(features, bounded(scene->strong[i], FAR));
    add(features, bounded(i - scene->blank[i], FAR));
    add(features, bounded(scene->gap[i] - i, FAR));
    add(features, scene->top[i]);
    add(features, log->lines[i].cue - scene->top[i]);
    add(features, log->shape_counts[i]);
    add(features, log->shape_seen[i]);
    add(features, log->head_counts[i]);
    add(features, log->head_seen[i]);
    add(features, i + 1 < n ? log->head_counts[i + 1] : 0);
    add(features, i > 0 ? log->head_counts[i - 1] : 0);
}

static const struct locate_line *line_at(const struct locate_log *log, size_t i, long by)
{
    static const struct locate_line none = {.marks = BIT(MARK_BLANK)};
    long at = (long)i + by;
    return at >= 0 && at < (long)log->n_lines ? &log->lines[at] : &none;
}

/* A neighbour as it stands. */
static void add_beside(struct features *features, const struct locate_log *log, size_t i,
                       long by)
{
    const struct locate_line *line = line_at(log, i, by);
    add(features, line->cue);
    add(features, line->indent - log->lines[i].indent);
    add(features, is_marked(line, BIT(MARK_BLANK))                                  ? 0
                  : is_marked(line, BIT(MARK_RULE))                                 ? 1
                  : is_marked(line, BIT(MARK_FRAME))                                ? 2
                  : is_marked(line, BIT(MARK_CARET))                                ? 3
                  : is_marked(line, BIT(MARK_PHASE) | BIT(MARK_COMMAND))            ? 4
                  : is_marked(line, BIT(MARK_END) | BIT(MARK_STOP) | BIT(MARK_NPM)) ? 5
                                                                                    : 6);
    add(features, is_marked(line, BIT(MARK_RED)));
    add(features, is_marked(line, BIT(MARK_COLON)));
}

static void add_window(struct features *features, const struct locate_log *log, size_t i,
                       long from, long to)
{
    long most = -9, sum = 0, n_frames = 0, n_places = 0, n_ends = 0, n_ok = 0;
    for (long by = from; by <= to; by++) {
        const struct locate_line *line = line_at(log, i, by);
        most = line->cue > most ? line->cue : most;
        sum += line->cue > 0 ? line->cue : 0;
        n_frames += is_marked(line, BIT(MARK_FRAME));
        n_places += is_marked(line, BIT(MARK_PLACE));
        n_ends += is_marked(line, BIT(MARK_END) | BIT(MARK_STOP) | BIT(MARK_NPM));
        n_ok += line->n[GROUP_OK] > 0 || is_marked(line, BIT(MARK_TICK));
    }
    add(features, most);
    add(features, sum);
    add(features, n_frames);
    add(features, n_places);
    add(features, n_ends);
    add(features, n_ok);
}

static void add_patterns(struct features *features, const struct pattern_base *base,
                         const struct locate_log *log, size_t i)
{
    const struct locate_line *line = &log->lines[i];
    const struct pattern *pattern =
        base != NULL
            ? pattern_line(base, log->text + line->at,
                           line->len < PATTERN_LINE_MAX ? line->len : PATTERN_LINE_MAX)
            : NULL;
    add(features, pattern != NULL ? (long)(pattern->weight * 100) : 0);
}

static int features_of(const struct pattern_base *base, const struct scene *scene,
                       size_t i, int16_t *x)
{
    struct features features = {.x = x};
    add_itself(&features, &scene->log->lines[i]);
    add_place(&features, scene, i);
    add_beside(&features, scene->log, i, -1);
    add_beside(&features, scene->log, i, 1);
    add_beside(&features, scene->log, i, 2);
    add_window(&features, scene->log, i, -NEAR, -1);
    add_window(&features, scene->log, i, 1, NEAR);
    add_patterns(&features, base, scene->log, i);
    return features.n;
}

/* ---- candidates ---- */

static bool is_silent(const struct locate_line *line)
{
    return is_marked(line, BIT(MARK_BLANK) | BIT(MARK_RULE) | BIT(MARK_CARET)) ||
           line->n_words == 0;
}

static int gate(const struct scene *scene, size_t i)
{
    const struct locate_log *log = scene->log;
    const struct locate_line *line = &log->lines[i];
    if (is_silent(line)) {
        return 0;
    }
    int score = line->cue > 0 ? line->cue : 0;
    for (long by = -2; by <= 2; by++) {
        score += line_at(log, i, by)->cue >= CUE_STRONG;
    }
    uint32_t end = scene->end[i];
    bool is_tail =
        (end < log->n_lines && end - i < TAIL_LINES) || log->n_lines - i < TAIL_LINES;
    return score + (is_tail ? 2 : 0);
}

/* The gate that lets at most LOCATE_CANDIDATES through. */
static int narrow(const uint8_t *gates, size_t n)
{
    size_t counts[64] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++) {
        counts[gates[i]]++;
    }
    for (int least = 63; least > 0; least--) {
        sum += counts[least];
        if (sum > LOCATE_CANDIDATES) {
            return least + 1;
        }
    }
    return 1;
}

size_t locate_candidates(const struct pattern_base *base, const struct locate_log *log,
                         struct arena *arena, struct locate_candidate **ret)
{
    struct scene scene;
    size_t n = 0;
    if (log->n_lines == 0) {
        return 0;
    }
    set_scene(&scene, log, arena);
    uint8_t *gates = arena_array(arena, log->n_lines, 1);
    for (size_t i = 0; i < log->n_lines; i++) {
        int score = gate(&scene, i);
        gates[i] = (uint8_t)(score < 63 ? score : 63);
    }
    int least = narrow(gates, log->n_lines);
    for (size_t i = 0; i < log->n_lines; i++) {
        n += gates[i] >= least;
    }
    /* All equal, or nearly: the last of those just under the gate fill up. */
    size_t n_more = n < LOCATE_CANDIDATES ? LOCATE_CANDIDATES - n : 0;
    for (size_t i = log->n_lines; i-- > 0 && n_more > 0 && least > 1;) {
        if (gates[i] == least - 1) {
            gates[i]++;
            n++;
            n_more--;
        }
    }
    *ret = arena_array(arena, n, sizeof(**ret));
    size_t at = 0;
    for (size_t i = 0; i < log->n_lines; i++) {
        if (gates[i] >= least) {
            (*ret)[at].line = (uint32_t)i;
            (void)features_of(base, &scene, i, (*ret)[at].x);
            at++;
        }
    }
    return n;
}

int locate_feature_count(void)
{
    static const char text[] = "x\n";
    struct arena *arena = arena_new();
    struct locate_log log;
    struct scene scene;
    int16_t x[LOCATE_FEATURES];
    locate_read(&log, text, 2, arena);
    set_scene(&scene, &log, arena);
    int n = features_of(NULL, &scene, 0, x);
    arena_free(arena);
    return n;
}
