/* SPDX-License-Identifier: MIT */

/* What jobs want of the store: a reader, pipelines that were parsed lately, orders. */
#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/io/job.h"
#include "engine/service/scale.h"

struct reader *job_reader(struct job_shop *shop, struct err *err)
{
    if (shop->reader == NULL) {
        shop->reader = reader_open(shop->store, err);
    }
    return shop->reader;
}

const struct pipeline *job_pipeline(struct job_shop *shop, int64_t id, struct err *err)
{
    for (size_t i = 0; i < JOB_PIPELINES; i++) {
        if (shop->pipelines[i].pipeline != NULL && shop->pipelines[i].id == id) {
            return shop->pipelines[i].pipeline;
        }
    }
    struct reader *reader = job_reader(shop, err);
    if (reader == NULL) {
        return NULL;
    }
    const char *name, *text;
    size_t len;
    struct arena *arena = arena_new();
    struct pipeline *pipeline = NULL;
    enum found found = reader_pipeline(reader, arena, id, &name, &text, &len, err);
    if (found == FOUND) {
        struct findings findings;
        findings_init(&findings);
        pipeline = pipeline_parse(name, text, len, &findings);
        if (pipeline == NULL) {
            AUTO_FREE char *line = finding_format(&findings.rows[0]);
            err_set(err, ERR_CONFIG, "%s", line);
        }
        findings_fini(&findings);
    } else if (found == MISSING) {
        err_set(err, ERR_CORRUPT, "the store has no pipeline %lld", (long long)id);
    }
    arena_free(arena);
    if (pipeline != NULL) {
        size_t slot = shop->n_pipelines++ % JOB_PIPELINES;
        pipeline_free(shop->pipelines[slot].pipeline);
        shop->pipelines[slot].id = id;
        shop->pipelines[slot].pipeline = pipeline;
    }
    return pipeline;
}

struct order *job_order(struct job_shop *shop, const struct effect_row *effect,
                        struct err *err)
{
    struct reader *reader = job_reader(shop, err);
    if (reader == NULL) {
        return NULL;
    }
    struct order *order = NULL;
    struct workflow_row workflow;
    struct arena *arena = arena_new();
    enum found found = reader_workflow(reader, arena, effect->workflow, &workflow, err);
    if (found == MISSING) {
        err_set(err, ERR_CORRUPT, "the store has no workflow %lld",
                (long long)effect->workflow);
    } else if (found == FOUND) {
        const struct pipeline *pipeline = job_pipeline(shop, workflow.pipeline_id, err);
        const struct order_paths paths = {shop->work, shop->logs, shop->log_max};
        order = pipeline != NULL ? order_build(pipeline, &workflow, effect, &paths, err)
                                 : NULL;
    }
    if (order != NULL && effect->kind == EFFECT_SCALE &&
        !scale_order(order, effect->params, shop->scales, shop->n_scales, err)) {
        order_free(order);
        order = NULL;
    }
    if (order != NULL && !order_write(order, reader, err)) {
        order_free(order);
        order = NULL;
    }
    arena_free(arena);
    return order;
}
