/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/learning_private.h"

#define FORMAT  4
#define LARGEST 1e15

static void save_proposed(const struct proposed *proposed, struct buf *out)
{
    blob_put_text(out, proposed->fingerprint);
    blob_put(out, (int64_t)proposed->kind);
    blob_put(out, (int64_t)proposed->status);
    blob_put(out, (int64_t)proposed->metric);
    blob_put(out, proposed->at.ms);
    blob_put(out, proposed->n_evidence);
    blob_put_double(out, proposed->expected.value);
    blob_put_double(out, proposed->expected.low);
    blob_put_double(out, proposed->expected.high);
    blob_put_text(out, proposed->to);
}

static void load_proposed(struct proposed *proposed, struct blob *blob)
{
    blob_take_text(blob, proposed->fingerprint, sizeof(proposed->fingerprint));
    proposed->kind =
        (enum optimization_kind)blob_take(blob, 0, OPTIMIZATION_KIND_COUNT - 1);
    proposed->status = (enum optimization_status)blob_take(blob, 0, OPT_STATUS_COUNT - 1);
    proposed->metric = (enum run_metric)blob_take(blob, 0, RUN_METRIC_COUNT - 1);
    proposed->at = blob_take_wall(blob);
    proposed->n_evidence = blob_take(blob, 0, INT64_MAX);
    proposed->expected.value = blob_take_double(blob, -LARGEST, LARGEST);
    proposed->expected.low = blob_take_double(blob, -LARGEST, LARGEST);
    proposed->expected.high = blob_take_double(blob, -LARGEST, LARGEST);
    blob_take_text(blob, proposed->to, sizeof(proposed->to));
}

static void save_label(const struct label_count *label, struct buf *out)
{
    blob_put(out, (int64_t)label->kind);
    blob_put_text(out, label->scope);
    blob_put_double(out, label->n_taken);
    blob_put_double(out, label->n_refused);
    blob_put(out, label->at.ms);
}

static void load_label(struct label_count *label, struct blob *blob)
{
    label->kind = (enum optimization_kind)blob_take(blob, 0, OPTIMIZATION_KIND_COUNT - 1);
    blob_take_text(blob, label->scope, sizeof(label->scope));
    label->n_taken = blob_take_double(blob, 0, LARGEST);
    label->n_refused = blob_take_double(blob, 0, LARGEST);
    label->at = blob_take_wall(blob);
}

bool learning_save(const struct learning *learning, struct buf *out)
{
    size_t before = out->len;
    blob_put(out, FORMAT);
    blob_put(out,
             WAIT_COUNT); /* a newer program knows more of them: then it begins anew */
    blob_put(out, STATE_COUNT);
    blob_put_key(out, learning->seed);
    blob_put(out, learning->n_added);
    blob_put(out, learning->next_kind);
    words_save(learning->words, out);
    blob_put(out, (int64_t)learning->n_runs);
    for (size_t i = 0; i < learning->n_runs; i++) {
        features_save(learning->runs[i], out);
    }
    blob_put(out, (int64_t)learning->n_models);
    for (size_t i = 0; i < learning->n_models; i++) {
        blob_put(out, learning->models[i].of);
        blob_put(out, learning->models[i].scope);
        blob_put(out, learning->models[i].name);
        model_save(&learning->models[i].model, out);
    }
    blob_put(out, (int64_t)learning->n_proposed);
    for (size_t i = 0; i < learning->n_proposed; i++) {
        save_proposed(&learning->proposed[i], out);
    }
    blob_put(out, (int64_t)learning->n_labels);
    for (size_t i = 0; i < learning->n_labels; i++) {
        save_label(&learning->labels[i], out);
    }
    blob_put(out, (int64_t)learning->n_changes);
    for (size_t i = 0; i < learning->n_changes; i++) {
        blob_put(out, learning->changes[i].service);
        blob_put(out, learning->changes[i].state);
        blob_put(out, learning->changes[i].at.ms);
    }
    return !out->is_cut && out->len - before <= LEARNING_BLOB_MAX;
}

/* As many as there are when all is well. */
static void load_runs(struct learning *learning, struct blob *blob)
{
    size_t n = (size_t)blob_take(blob, 0, LEARNING_RUNS);
    for (size_t i = 0; i < n && !blob->is_bad; i++) {
        struct run_features *run = features_load(blob, words_count(learning->words));
        if (run == NULL) {
            blob->is_bad = true;
            return;
        }
        learning->runs[learning->n_runs++] = run;
    }
}

static void load_models(struct learning *learning, struct blob *blob)
{
    int64_t last = (int64_t)words_count(learning->words) - 1;
    size_t n = (size_t)blob_take(blob, 0, LEARNING_MODELS);
    for (size_t i = 0; i < n && !blob->is_bad; i++) {
        struct keyed_model *keyed = &learning->models[learning->n_models++];
        keyed->of = (uint8_t)blob_take(blob, 0, MODEL_OF_COUNT - 1);
        keyed->scope = (uint16_t)blob_take(blob, 0, last);
        keyed->name = (uint16_t)blob_take(blob, 0, last);
        if (!model_load(&keyed->model, blob)) {
            return;
        }
    }
}

struct learning *learning_load(const void *bytes, size_t len)
{
    struct blob blob = {bytes, len, false};
    struct learning *learning = learning_new(0);
    if (blob_take(&blob, FORMAT, FORMAT) != FORMAT) {
        blob.is_bad = true;
    }
    (void)blob_take(&blob, WAIT_COUNT, WAIT_COUNT);
    (void)blob_take(&blob, STATE_COUNT, STATE_COUNT);
    learning->seed = blob_take_key(&blob);
    learning->n_added = blob_take(&blob, 0, INT64_MAX);
    learning->next_kind = (int)blob_take(&blob, 0, OPTIMIZATION_KIND_COUNT - 1);
    blob.is_bad = !words_load(learning->words, &blob) || blob.is_bad;
    load_runs(learning, &blob);
    load_models(learning, &blob);
    learning->n_proposed = (size_t)blob_take(&blob, 0, LEARNING_PROPOSALS);
    for (size_t i = 0; i < learning->n_proposed; i++) {
        load_proposed(&learning->proposed[i], &blob);
    }
    learning->n_labels = (size_t)blob_take(&blob, 0, LABELS_MAX);
    for (size_t i = 0; i < learning->n_labels; i++) {
        load_label(&learning->labels[i], &blob);
    }
    learning->n_changes = (size_t)blob_take(&blob, 0, LEARNING_CHANGES);
    for (size_t i = 0; i < learning->n_changes; i++) {
        struct service_change *change = &learning->changes[i];
        change->service =
            (uint16_t)blob_take(&blob, 0, (int64_t)words_count(learning->words) - 1);
        change->state = (uint8_t)blob_take(&blob, 0, BREAKER_STATE_COUNT - 1);
        change->at = blob_take_wall(&blob);
    }
    if (!blob_is_done(&blob)) {
        learning_free(learning);
        return NULL;
    }
    return learning;
}
