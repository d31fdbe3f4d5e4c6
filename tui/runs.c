/* SPDX-License-Identifier: MIT */
#include "tui/runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/findings.h"
#include "engine/base/idmap.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/learning/feature_size.h"
#include "store/history.h"

#define PIPELINES_MAX 512 /* texts that are kept; then the memory starts afresh */

/* One that ended, as the store lists it. */
struct ended {
    int64_t id;
    struct wall at;
};

struct runs {
    size_t max;
    struct words *words;
    struct arena *scratch;
    struct idmap known;     /* id -> its features; those that were never begun: none */
    struct idmap pipelines; /* id of the text -> struct pipeline */
    int64_t totals[STATE_COUNT];
    bool has_totals;
    struct ended *ended;    /* newest first */
    size_t n_ended, n_seen; /* of them looked at */
    const struct run_features **list;
    size_t n_list;
    bool is_sorted;
    uint64_t generation;
};

struct runs *runs_new(size_t max)
{
    struct runs *runs = mem_alloc(sizeof(*runs));
    runs->max = max > RUNS_MAX ? RUNS_MAX : max;
    runs->words = words_new();
    runs->scratch = arena_new();
    runs->ended = mem_array(runs->max, sizeof(*runs->ended));
    runs->list = mem_array(runs->max, sizeof(struct run_features *));
    return runs;
}

static void drop_pipelines(struct runs *runs)
{
    size_t iter = 0;
    struct pipeline *pipeline;
    while ((pipeline = idmap_next(&runs->pipelines, &iter)) != NULL) {
        pipeline_free(pipeline);
    }
    idmap_fini(&runs->pipelines);
    runs->pipelines = (struct idmap){0};
}

void runs_free(struct runs *runs)
{
    size_t iter = 0;
    void *run;
    if (runs == NULL) {
        return;
    }
    while ((run = idmap_next(&runs->known, &iter)) != NULL) {
        free(run);
    }
    idmap_fini(&runs->known);
    drop_pipelines(runs);
    words_free(runs->words);
    arena_free(runs->scratch);
    free(runs->ended);
    free(runs->list);
    free(runs);
}

/* ---- which ---- */

static unsigned final_states(void)
{
    unsigned states = 0;
    for (int state = 0; state < STATE_COUNT; state++) {
        states |= state_is_final((enum workflow_state)state) ? STATE_BIT(state) : 0;
    }
    return states;
}

/* Only what is listed stays. */
static void forget_old(struct runs *runs)
{
    struct idmap kept = {0};
    size_t iter = 0;
    void *run;
    for (size_t i = 0; i < runs->n_ended; i++) {
        run = idmap_take(&runs->known, runs->ended[i].id);
        if (run != NULL) {
            idmap_put(&kept, runs->ended[i].id, run);
        }
    }
    while ((run = idmap_next(&runs->known, &iter)) != NULL) {
        free(run);
    }
    idmap_fini(&runs->known);
    runs->known = kept;
}

/* The newest that ended, when the totals say that there are others than before. */
static bool list_ended(struct runs *runs, struct reader *reader, struct err *err)
{
    struct totals totals;
    const struct workflow_row *rows;
    size_t n = 0;
    const struct list_query query = {
        .states = final_states(), .sort = SORT_ID, .max = runs->max};
    if (!reader_totals(reader, &totals, err)) {
        return false;
    }
    bool is_same = runs->has_totals &&
                   memcmp(runs->totals, totals.by_state, sizeof(runs->totals)) == 0;
    if (is_same) {
        return true;
    }
    arena_reset(runs->scratch);
    if (!reader_list(reader, runs->scratch, &query, &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        runs->ended[i] = (struct ended){rows[i].id, rows[i].finished_at};
    }
    runs->n_ended = n;
    runs->n_seen = 0;
    runs->is_sorted = false;
    if (runs->known.n >= 2 * runs->max) {
        forget_old(runs);
    }
    memcpy(runs->totals, totals.by_state, sizeof(runs->totals));
    runs->has_totals = true;
    return true;
}

/* ---- what they say ---- */

static const struct pipeline *pipeline_of(struct runs *runs, struct reader *reader,
                                          int64_t id)
{
    struct pipeline *pipeline = idmap_get(&runs->pipelines, id);
    const char *name, *text;
    size_t len;
    struct err ignored = ERR_INIT; /* then nothing is known of it */
    if (pipeline != NULL || id == 0 ||
        reader_pipeline(reader, runs->scratch, id, &name, &text, &len, &ignored) !=
            FOUND) {
        return pipeline;
    }
    struct findings findings;
    findings_init(&findings);
    pipeline = pipeline_parse(name, text, len, &findings);
    findings_fini(&findings);
    if (pipeline != NULL) {
        if (runs->pipelines.n == PIPELINES_MAX) {
            drop_pipelines(runs);
        }
        idmap_put(&runs->pipelines, id, pipeline);
    }
    return pipeline;
}

static bool read_history(struct runs *runs, struct reader *reader, int64_t id,
                         struct workflow_history *ret, enum found *ret_found,
                         struct err *err)
{
    const struct recovery_query failures = {.workflow = id, .max = HISTORY_FAILURES_MAX};
    struct arena *arena = runs->scratch;
    *ret_found = reader_workflow(reader, arena, id, &ret->workflow, err);
    if (*ret_found != FOUND) {
        return *ret_found != FOUND_FAILED;
    }
    return reader_events(reader, arena, id, 0, HISTORY_EVENTS_MAX, &ret->events,
                         &ret->n_events, err) &&
           reader_effects(reader, arena, id, &ret->effects, &ret->n_effects, err) &&
           reader_failures(reader, arena, &failures, &ret->failures, &ret->n_failures,
                           err);
}

static double size_of(struct runs *runs, struct reader *reader,
                      const struct workflow_history *history)
{
    struct err ignored = ERR_INIT; /* then it is not known */
    const char *diff = "";
    size_t len = 0;
    double lines = feature_size_of_steps(history->effects, history->n_effects);
    bool has_diff =
        !isfinite(lines) && reader_doc(reader, runs->scratch, history->workflow.id,
                                       DOC_DIFF, &diff, &len, &ignored) == FOUND;
    return has_diff ? feature_size_of_diff(diff, len) : lines;
}

static bool add_run(struct runs *runs, struct reader *reader, int64_t id, struct err *err)
{
    struct workflow_history history = {.n_events = 0};
    enum found found;
    arena_reset(runs->scratch);
    if (!read_history(runs, reader, id, &history, &found, err)) {
        return false;
    }
    if (found != FOUND) {
        return true;
    }
    const struct feature_source source = {
        .workflow = &history.workflow,
        .events = history.events,
        .n_events = history.n_events,
        .effects = history.effects,
        .n_effects = history.n_effects,
        .failures = history.failures,
        .n_failures = history.n_failures,
        .pipeline = pipeline_of(runs, reader, history.workflow.pipeline_id),
        .diff_lines = size_of(runs, reader, &history),
    };
    struct run_features *run = features_of(runs->words, &source);
    if (run != NULL) {
        free(idmap_take(&runs->known, id));
        idmap_put(&runs->known, id, run);
        runs->is_sorted = false;
    }
    return true;
}

bool runs_read(struct runs *runs, struct reader *reader, size_t some, bool *ret_is_done,
               struct err *err)
{
    if (!list_ended(runs, reader, err)) {
        return false;
    }
    while (some > 0 && runs->n_seen < runs->n_ended) {
        const struct ended *ended = &runs->ended[runs->n_seen];
        const struct run_features *known = idmap_get(&runs->known, ended->id);
        if (known == NULL || known->finished_at.ms != ended->at.ms) {
            some--;
            if (!add_run(runs, reader, ended->id, err)) {
                return false;
            }
        }
        runs->n_seen++;
    }
    *ret_is_done = runs->n_seen == runs->n_ended;
    return true;
}

/* ---- as a list ---- */

static int by_end(const void *left, const void *right)
{
    const struct run_features *a = *(const struct run_features *const *)left;
    const struct run_features *b = *(const struct run_features *const *)right;
    if (a->finished_at.ms != b->finished_at.ms) {
        return a->finished_at.ms < b->finished_at.ms ? -1 : 1;
    }
    return a->workflow < b->workflow ? -1 : a->workflow > b->workflow;
}

struct run_list runs_list(struct runs *runs)
{
    if (!runs->is_sorted) {
        runs->n_list = 0;
        for (size_t i = 0; i < runs->n_seen; i++) {
            const struct run_features *run = idmap_get(&runs->known, runs->ended[i].id);
            if (run != NULL) {
                runs->list[runs->n_list++] = run;
            }
        }
        if (runs->n_list > 0) {
            qsort(runs->list, runs->n_list, sizeof(struct run_features *), by_end);
        }
        runs->is_sorted = true;
        runs->generation++;
    }
    return (struct run_list){runs->list, runs->n_list,
                             runs->n_list + runs->n_ended - runs->n_seen, runs->words,
                             runs->generation};
}
