/* SPDX-License-Identifier: MIT */

/*
 * Restart: the command that starts a service again, as an effect. It has to stand beside a
 * workflow, for that is where effects are kept, adopted and shown: one that depends on the
 * service and has nothing in flight, for want of one any that has nothing in flight.
 */

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/recovery_private.h"

#define RESTART_DEADLINE span_s(600)
#define LOOK_BACK        100 /* workflows that have ended, from the newest */

static bool depends_on(const struct workflow *workflow, const char *service)
{
    const struct pipeline *pipeline = workflow->pipeline;
    return chain_has(&pipeline->agent_chain, service) ||
           chain_has(&pipeline->sandbox_chain, service) ||
           chain_has(&pipeline->evaluator_chain, service) ||
           (pipeline_is_remote(pipeline) &&
            strcmp(pipeline->forge.provider, service) == 0);
}

/* The lowest number wins, so that the same store gives the same choice. */
static struct live *find_place(struct control *control, const char *service)
{
    struct live *live, *any = NULL, *best = NULL;
    size_t iter = 0;
    while ((live = idmap_next(&control->live, &iter)) != NULL) {
        const struct workflow_row *row = &live->workflow->row;
        if (row->is_active) {
            continue;
        }
        if (any == NULL || row->id < any->workflow->row.id) {
            any = live;
        }
        if (depends_on(live->workflow, service) &&
            (best == NULL || row->id < best->workflow->row.id)) {
            best = live;
        }
    }
    for (int64_t id = control->last_workflow;
         best == NULL && any == NULL && id > 0 && id > control->last_workflow - LOOK_BACK;
         id--) {
        struct err ignored = ERR_INIT;
        live = control_find(control, id, &ignored);
        any = live != NULL && !live->workflow->row.is_active ? live : NULL;
    }
    return best != NULL ? best : any;
}

static void note(struct control *control, const struct workflow_row *row,
                 const char *kind, int64_t effect, bool has_ended, const char *text,
                 struct wall now)
{
    control_note(control, &(struct event_row){.at = now,
                                              .workflow = row->id,
                                              .kind = kind,
                                              .actor = "engine",
                                              .from = row->state,
                                              .to = row->state,
                                              .wait = row->wait,
                                              .iteration = row->iteration,
                                              .attempt = row->attempt,
                                              .effect = effect,
                                              .ended = has_ended ? effect : 0,
                                              .text = text});
}

bool restart_begin(struct control *control, const char *service, struct wall now)
{
    struct live *live = find_place(control, service);
    if (live == NULL) {
        return false;
    }
    struct workflow_row *row = &live->workflow->row;
    struct workflow_row before = *row;
    AUTO_BUF struct buf params;
    AUTO_FREE char *name = mem_printf("restart %s", service);
    AUTO_FREE char *text = mem_printf("the restart command of %s runs", service);
    struct jsonw w;
    buf_init(&params, 4096);
    jsonw_init(&w, &params);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "service", service);
    jsonw_close(&w, '}');
    const struct effect_row effect = {
        .workflow = row->id,
        .seq = ++row->effect_seq,
        .kind = EFFECT_RESTART,
        .status = STATUS_PENDING,
        .name = name,
        .iteration = row->iteration,
        .attempt = row->attempt,
        .asked_at = now,
        .deadline_at = wall_add(now, RESTART_DEADLINE),
        .params = params.data,
        .summary = "",
        .log = "",
        .provider = "",
        .exit_status = -1,
        .cpu_ms = -1,
        .peak_rss_kib = -1,
        .out_bytes = -1,
    };
    store_put_effect(control->store, &effect);
    (void)pending_add(live, &effect);
    outbox_add(control, false, effect.workflow, effect.seq);
    audit_effect(control, &effect, now);
    note(control, row, "restart-begun", effect.seq, false, text, now);
    control_settle(control, live, &before, now);
    return true;
}

void restart_result(struct control *control, const struct workflow_row *row,
                    const struct effect_row *effect, const struct effect_result *result,
                    struct wall now)
{
    struct err ignored = ERR_INIT;
    if (effect->kind != EFFECT_RESTART) {
        return;
    }
    bool has_passed = result->status == STATUS_PASSED;
    struct json *params = json_parse(effect->params, strlen(effect->params), &ignored);
    const char *service = json_str(params, "service", "");
    AUTO_FREE char *text =
        mem_printf("%s: %s", service, result->summary != NULL ? result->summary : "");
    note(control, row, has_passed ? "restart-passed" : "restart-failed", effect->seq,
         true, text, now);
    if (!has_passed) {
        remedy_could_not(control, service, RUNG_RESTART, text, now);
    }
    json_free(params);
}
