/* SPDX-License-Identifier: MIT */

/*
 * Learned: what has ended is read back and learned from, once.
 *
 * The whole state is large and saved seldom. Between two saves LEARNED_SETTING, a short list, is
 * written in the same transaction in which a workflow leaves the memory or is learned from: which
 * ones were learned since the last save, in their order, and which still wait. After a crash the
 * former are learned again from their rows, in the same order (and told to no guard, which has
 * counted them), and the latter as if nothing had been. What people and the guard said is kept
 * nowhere else, so that the state is saved with the verdict.
 */

#include <math.h>
#include <stdlib.h>

#include "engine/base/base64.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/guarding.h"
#include "engine/control/optimization_private.h"
#include "engine/learning/feature_size.h"
#include "engine/learning/tuning.h"
#include "store/history.h"
#include "store/store.h"

#define READ_MAX 20 /* per tick */
#define LIST_MAX ((ENDED_MAX + LEARNED_MAX) * 24)

/* ---- pipelines ---------------------------------------------------------------------------- */

static void know_pipeline(struct optimizing *optimizing, const struct workflow_row *row)
{
    size_t i = 0;
    while (i < optimizing->n_known &&
           strcmp(optimizing->known[i].name, row->pipeline) != 0) {
        i++;
    }
    if (i == PIPELINES_MAX) {
        return;
    }
    struct known_pipeline *known = &optimizing->known[i];
    optimizing->n_known += i == optimizing->n_known ? 1 : 0;
    (void)snprintf(known->name, sizeof(known->name), "%s", row->pipeline);
    (void)snprintf(known->repo, sizeof(known->repo), "%s", row->repo);
    known->pipeline = row->pipeline_id;
}

const struct known_pipeline *learned_pipeline(const struct optimizing *optimizing,
                                              const char *scope)
{
    const char *name = tuning_scope_name(TUNING_PIPELINE, scope);
    for (size_t i = 0; name != NULL && i < optimizing->n_known; i++) {
        if (strcmp(optimizing->known[i].name, name) == 0) {
            return &optimizing->known[i];
        }
    }
    return NULL;
}

/* ---- what ended --------------------------------------------------------------------------- */

void optimization_ended(struct control *control, int64_t workflow)
{
    struct optimizing *optimizing = control->optimizing;
    if (optimizing->learning != NULL && optimizing->n_ended < ENDED_MAX) {
        optimizing->ended[optimizing->n_ended++] = workflow;
        optimizing->has_moved = true;
    }
}

void optimization_committed(struct control *control)
{
    control->optimizing->n_ready = control->optimizing->n_ended;
}

void optimization_breaker(struct control *control, const char *service,
                          enum breaker_state state, struct wall now)
{
    struct optimizing *optimizing = control->optimizing;
    if (optimizing->learning == NULL || optimizing->n_changes == LEARNED_MAX) {
        return; /* more in one batch than a service can do */
    }
    size_t at = optimizing->n_changes++;
    (void)snprintf(optimizing->changes[at].service,
                   sizeof(optimizing->changes[at].service), "%s", service);
    optimizing->changes[at].state = state;
    optimizing->changes[at].at = now;
    optimizing->changes[at].after = optimizing->n_learned;
    learning_change(optimizing->learning, service, state, now);
    optimizing->is_changed = true;
    optimizing->has_moved = true;
}

static double size_of(struct control *control, const struct workflow_history *history)
{
    struct err err = ERR_INIT;
    const char *diff = "";
    size_t len = 0;
    double lines = feature_size_of_steps(history->effects, history->n_effects);
    if (!isfinite(lines) &&
        store_load_doc(control->store, control->optimizing->arena, history->workflow.id,
                       DOC_DIFF, &diff, &len, &err) == FOUND) {
        lines = feature_size_of_diff(diff, len);
    }
    return lines;
}

/* Read back and learned from; what cannot be read, or is known, is left out. The name of its
 * pipeline, in the arena, or NULL. */
static const char *learn_from(struct control *control, int64_t workflow)
{
    struct optimizing *optimizing = control->optimizing;
    struct err err = ERR_INIT;
    struct workflow_history history;
    arena_reset(optimizing->arena);
    if (store_load_history(control->store, optimizing->arena, workflow, &history, &err) !=
        FOUND) {
        return NULL;
    }
    const struct feature_source source = {
        .workflow = &history.workflow,
        .events = history.events,
        .n_events = history.n_events,
        .effects = history.effects,
        .n_effects = history.n_effects,
        .failures = history.failures,
        .n_failures = history.n_failures,
        .pipeline = control_pipeline(control, history.workflow.pipeline_id, &err),
        .diff_lines = size_of(control, &history),
    };
    if (!learning_add(optimizing->learning, &source)) {
        return NULL;
    }
    optimizing->is_changed = true;
    know_pipeline(optimizing, &history.workflow);
    return history.workflow.pipeline;
}

void learned_read(struct control *control, struct wall now)
{
    struct optimizing *optimizing = control->optimizing;
    size_t n = optimizing->n_ready < READ_MAX ? optimizing->n_ready : READ_MAX;
    size_t i = 0;
    for (; i < n && optimizing->n_learned < LEARNED_MAX; i++) {
        const char *pipeline = learn_from(control, optimizing->ended[i]);
        if (pipeline != NULL) {
            struct learning_runs runs = learning_runs(optimizing->learning);
            optimizing->learned[optimizing->n_learned++] = optimizing->ended[i];
            guarding_ended(control, runs.runs[runs.n - 1], pipeline, now);
        }
        optimizing->has_moved = true;
    }
    optimizing->n_ended -= i;
    optimizing->n_ready -= i;
    memmove(optimizing->ended, optimizing->ended + i,
            optimizing->n_ended * sizeof(optimizing->ended[0]));
}

/* ---- in the store ------------------------------------------------------------------------- */

static void put_ids(struct jsonw *w, const char *key, const int64_t *ids, size_t n)
{
    AUTO_BUF struct buf text = {0};
    buf_init(&text, LIST_MAX);
    for (size_t i = 0; i < n; i++) {
        (void)buf_printf(&text, "%s%lld", i > 0 ? " " : "", (long long)ids[i]);
    }
    jsonw_str(w, key, text.len > 0 ? text.data : "");
}

static void put_learned(struct control *control)
{
    struct optimizing *optimizing = control->optimizing;
    AUTO_BUF struct buf text = {0};
    struct jsonw w;
    buf_init(&text, 2 * LIST_MAX + LEARNED_MAX * 200);
    jsonw_init(&w, &text);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "searched", optimizing->searched);
    jsonw_int(&w, "turns", optimizing->n_turns);
    jsonw_int(&w, "kind", (int64_t)learning_turn(optimizing->learning));
    put_ids(&w, "learned", optimizing->learned, optimizing->n_learned);
    put_ids(&w, "waiting", optimizing->ended, optimizing->n_ended);
    jsonw_open(&w, "changes", '[');
    for (size_t i = 0; i < optimizing->n_changes; i++) {
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "service", optimizing->changes[i].service);
        jsonw_int(&w, "state", (int64_t)optimizing->changes[i].state);
        jsonw_int(&w, "at", optimizing->changes[i].at.ms);
        jsonw_int(&w, "after", (int64_t)optimizing->changes[i].after);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    store_put_setting(control->store, LEARNED_SETTING, text.data);
    optimizing->has_moved = false;
}

void optimization_save(struct control *control)
{
    struct optimizing *optimizing = control->optimizing;
    AUTO_BUF struct buf blob = {0}, text = {0};
    if (optimizing->learning == NULL || !optimizing->is_changed) {
        return;
    }
    buf_init(&blob, LEARNING_BLOB_MAX);
    buf_init(&text, 2 * LEARNING_BLOB_MAX);
    if (learning_save(optimizing->learning, &blob) &&
        base64_encode(&text, blob.data, blob.len)) {
        store_put_setting(control->store, LEARNING_SETTING, text.data);
        optimizing->is_changed = false;
    }
    /* also when it could not be: it would not be the next time either */
    optimizing->n_learned = 0;
    optimizing->n_changes = 0;
    optimizing->is_urgent = false;
    put_learned(control);
}

void optimization_put(struct control *control)
{
    struct optimizing *optimizing = control->optimizing;
    if (optimizing->learning == NULL) {
        return;
    }
    if (optimizing->is_urgent || optimizing->n_learned == LEARNED_MAX ||
        optimizing->n_changes == LEARNED_MAX) {
        optimization_save(control);
    }
    if (optimizing->has_moved) {
        put_learned(control);
    }
}

static size_t take_ids(const struct json *object, const char *key, int64_t *ids,
                       size_t max)
{
    size_t n = 0;
    char *end;
    for (const char *at = json_str(object, key, ""); *at != '\0' && n < max; at = end) {
        int64_t id = strtoll(at, &end, 10);
        if (end == at || id <= 0) {
            break;
        }
        ids[n++] = id;
    }
    return n;
}

static void know_again(struct control *control)
{
    struct optimizing *optimizing = control->optimizing;
    struct learning_runs runs = learning_runs(optimizing->learning);
    struct err err = ERR_INIT;
    for (size_t i = 0; i < runs.n; i++) {
        struct workflow_row row;
        bool is_last = true; /* of its pipeline */
        for (size_t k = i + 1; k < runs.n && is_last; k++) {
            is_last = runs.runs[k]->pipeline != runs.runs[i]->pipeline;
        }
        if (is_last && store_load_workflow(control->store, optimizing->arena,
                                           runs.runs[i]->workflow, &row, &err) == FOUND) {
            know_pipeline(optimizing, &row);
        }
    }
    arena_reset(optimizing->arena);
}

/* The first start of this version: what was recorded before it is read as if it ended now. */
static void read_recorded(struct control *control)
{
    struct optimizing *optimizing = control->optimizing;
    size_t n = store_load_ended(control->store, optimizing->ended, LEARNING_RUNS);
    optimizing->n_ended = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t id = optimizing->ended[i];
        if (idmap_get(&control->live, id) == NULL) { /* else it comes when it leaves */
            optimizing->ended[optimizing->n_ended++] = id;
        }
    }
    optimizing->n_ready = optimizing->n_ended;
    optimizing->has_moved = optimizing->n_ended > 0;
}

/* False: there is none. */
static bool load_state(struct optimizing *optimizing, const char *text)
{
    AUTO_BUF struct buf blob = {0};
    buf_init(&blob, LEARNING_BLOB_MAX);
    struct learning *saved = text[0] != '\0' && base64_decode(&blob, text, strlen(text))
                                 ? learning_load(blob.data, blob.len)
                                 : NULL;
    if (saved != NULL) {
        learning_free(optimizing->learning);
        optimizing->learning = saved;
    }
    optimizing->searched = learning_count(optimizing->learning);
    return saved != NULL;
}

/* Changes of breakers from *at on that came before the next one was learned. */
static void change_again(struct control *control, const struct json *changes, size_t *at,
                         size_t n_learned)
{
    for (; *at < json_len(changes); (*at)++) {
        const struct json *change = json_at(changes, *at);
        int64_t state = json_int(change, "state", BREAKER_STATE_COUNT);
        if (json_int(change, "after", 0) > (int64_t)n_learned) {
            return;
        }
        if (state >= 0 && state < BREAKER_STATE_COUNT) {
            optimization_breaker(control, json_str(change, "service", ""),
                                 (enum breaker_state)state,
                                 (struct wall){json_int(change, "at", 0)});
        }
    }
}

static void learn_again(struct control *control, const struct json *since)
{
    struct optimizing *optimizing = control->optimizing;
    size_t n = take_ids(since, "learned", optimizing->learned, LEARNED_MAX);
    const struct json *changes = json_get(since, "changes");
    size_t n_changes = 0;
    for (size_t i = 0; i < n; i++) {
        change_again(control, changes, &n_changes, i);
        if (learn_from(control, optimizing->learned[i]) != NULL) {
            optimizing->learned[optimizing->n_learned++] = optimizing->learned[i];
        }
    }
    change_again(control, changes, &n_changes, LEARNED_MAX);
    optimizing->n_ended = take_ids(since, "waiting", optimizing->ended, ENDED_MAX);
    optimizing->n_ready = optimizing->n_ended;
    optimizing->searched = json_int(since, "searched", optimizing->searched);
    int64_t turns = json_int(since, "turns", 0), kind = json_int(since, "kind", 0);
    if (turns >= 0 && turns <= OPTIMIZATION_KIND_COUNT) {
        optimizing->n_turns = (int)turns;
    }
    if (kind >= 0 && kind < OPTIMIZATION_KIND_COUNT) {
        learning_turn_to(optimizing->learning, (enum optimization_kind)kind);
    }
}

bool learned_load(struct control *control, struct err *err)
{
    struct optimizing *optimizing = control->optimizing;
    struct err ignored = ERR_INIT;
    const char *state = "", *text = "";
    if (!store_load_setting(control->store, optimizing->arena, LEARNING_SETTING, &state,
                            err) ||
        !store_load_setting(control->store, optimizing->arena, LEARNED_SETTING, &text,
                            err)) {
        return false;
    }
    struct json *since =
        text[0] != '\0' ? json_parse(text, strlen(text), &ignored) : NULL;
    bool is_saved = load_state(optimizing, state);
    arena_reset(optimizing->arena);
    know_again(control);
    if (since != NULL && (is_saved || state[0] == '\0')) {
        learn_again(control, since);
    } else if (!is_saved) {
        read_recorded(control);
    }
    json_free(since);
    /* What has ended and is still looked at leaves the memory later than this. */
    size_t iter = 0;
    struct live *live;
    while ((live = idmap_next(&control->live, &iter)) != NULL) {
        live->has_ended = live->has_ended || state_is_final(live->workflow->row.state);
    }
    return true;
}
