/* SPDX-License-Identifier: MIT */
/*
 * What is coming, for the overview: read from the metrics file now and then, and kept, because
 * predictions change slower than work does.
 */
#include "tui/health_read.h"
#include "tui/source_impl.h"

#define KEPT_MS 30000

struct source_coming {
    struct arena *arena;
    struct health_outlook rows[FRAME_COMING_MAX];
    size_t n;
    struct wall at; /* unset: not read yet */
};

static void read_coming(struct source *source, struct source_coming *coming)
{
    const struct health_outlook *picked[FRAME_COMING_MAX];
    struct metric_reader *metrics = source_metrics(source);
    struct health health;
    struct err trouble = ERR_INIT;
    arena_reset(source->scratch);
    arena_reset(coming->arena);
    coming->n = 0;
    if (metrics == NULL)
        return;
    if (!health_read_outlooks(metrics, source->scratch, &health, &trouble)) {
        metric_reader_close(metrics); /* damaged, or made anew: the next look opens it */
        source->metrics = NULL;
        return;
    }
    coming->n = health_coming(&health, picked, FRAME_COMING_MAX);
    for (size_t i = 0; i < coming->n; i++) {
        coming->rows[i] = *picked[i];
        coming->rows[i].what = arena_str(coming->arena, picked[i]->what);
        coming->rows[i].text = arena_str(coming->arena, picked[i]->text);
        coming->rows[i].verdict = ""; /* `unit` is a constant */
    }
}

void source_read_coming(struct source *source, struct frame *frame)
{
    if (source->coming == NULL) {
        source->coming = mem_alloc(sizeof *source->coming);
        source->coming->arena = arena_new();
    }
    struct source_coming *coming = source->coming;
    int64_t age = frame->taken_at.ms - coming->at.ms;
    if (!wall_is_set(coming->at) || age < 0 || age >= KEPT_MS) {
        read_coming(source, coming);
        coming->at = frame->taken_at;
    }
    struct arena *arena = frame_arena(frame);
    struct health_outlook *rows = arena_array(arena, coming->n, sizeof *rows);
    for (size_t i = 0; i < coming->n; i++) {
        rows[i] = coming->rows[i];
        rows[i].what = arena_str(arena, rows[i].what);
        rows[i].text = arena_str(arena, rows[i].text);
    }
    struct frame_overview *over = (struct frame_overview *)(uintptr_t)frame->overview;
    over->coming = rows;
    over->n_coming = coming->n;
}

void source_free_coming(struct source *source)
{
    if (source->coming != NULL) {
        arena_free(source->coming->arena);
        free(source->coming);
    }
}
