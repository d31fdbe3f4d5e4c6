/* SPDX-License-Identifier: MIT */

/*
 * Restart: the command that starts a service again, as an effect. It has to stand beside a
 * workflow, for that is where effects are kept, adopted and shown: one that depends on the
 * service and has nothing in flight, for want of one any that has nothing in flight.
 */

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/recovery_private.h"

#define BESIDE_DEADLINE span_s(600)
#define LOOK_BACK       100 /* workflows that have ended, from the newest */

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
struct live *beside_place(struct control *control, const char *service)
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
        if (service[0] != '\0' && depends_on(live->workflow, service) &&
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

void beside_note(struct control *control, const struct workflow_row *row,
                 const char *kind, const char *actor, int64_t effect, bool has_ended,
                 const char *text, struct wall now)
{
    control_note(control, &(struct event_row){.at = now,
                                              .workflow = row->id,
                                              .kind = kind,
                                              .actor = actor,
                                              .from = row->state,
                                              .to = row->state,
                                              .wait = row->wait,
                                              .iteration = row->iteration,
                                              .attempt = row->attempt,
                                              .effect = effect,
                                              .ended = has_ended ? effect : 0,
                                              .text = text});
}

void beside_ask(struct control *control, struct live *live, const struct beside *what,
                struct wall now)
{
    struct workflow_row *row = &live->workflow->row;
    struct workflow_row before = *row;
    const struct effect_row effect = {
        .workflow = row->id,
        .seq = ++row->effect_seq,
        .kind = what->kind,
        .status = STATUS_PENDING,
        .name = what->name,
        .iteration = row->iteration,
        .attempt = row->attempt,
        .asked_at = now,
        .deadline_at = wall_add(now, BESIDE_DEADLINE),
        .params = what->params,
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
    beside_note(control, row, what->event, what->actor, effect.seq, false, what->text,
                now);
    control_settle(control, live, &before, now);
}

bool restart_begin(struct control *control, const char *service, struct wall now)
{
    struct live *live = beside_place(control, service);
    if (live == NULL) {
        return false;
    }
    AUTO_BUF struct buf params;
    AUTO_FREE char *name = mem_printf("restart %s", service);
    AUTO_FREE char *text = mem_printf("the restart command of %s runs", service);
    struct jsonw w;
    buf_init(&params, 4096);
    jsonw_init(&w, &params);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "service", service);
    jsonw_close(&w, '}');
    beside_ask(control, live,
               &(struct beside){.kind = EFFECT_RESTART,
                                .name = name,
                                .params = params.data,
                                .event = "restart-begun",
                                .actor = "engine",
                                .text = text},
               now);
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
    beside_note(control, row, has_passed ? "restart-passed" : "restart-failed", "engine",
                effect->seq, true, text, now);
    if (!has_passed) {
        remedy_could_not(control, service, RUNG_RESTART, text, now);
    }
    json_free(params);
}
