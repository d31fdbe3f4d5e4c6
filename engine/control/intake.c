/* SPDX-License-Identifier: MIT */

/*
 * Intake: what services and the forge say by themselves. A webhook is in the batch as it
 * came, and leaves after the commit: its event as a hint to the io thread, itself back to
 * the listener, which answers the forge.
 */

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/optimization.h"

#define TEXT_MAX 240

void control_report(struct control *control, struct service_report *report,
                    struct wall now)
{
    const struct service_row *row = &report->row;
    store_put_service(control->store, row);
    if (report->event != NULL && report->event[0] != '\0') {
        bool has_cause = report->cause != NULL && report->cause[0] != '\0';
        AUTO_FREE char *text =
            mem_printf("%s: %s", row->name, has_cause ? report->cause : report->event);
        control_note(
            control,
            &(struct event_row){.at = now,
                                .kind = report->event,
                                .actor = report->actor != NULL ? report->actor : "engine",
                                .text = text});
    }
    if (report->event != NULL && strncmp(report->event, "breaker-", 8) == 0) {
        optimization_breaker(control, row->name, row->state, now);
    }
    if (report->event != NULL && strcmp(report->event, "breaker-open") == 0) {
        prepared_opened(control, row->name, now);
    }
    order_settle(control, row);
    ramp_report(control, row, now);
    service_report_free(report);
}

void control_reconciled(struct control *control, struct reconciled *reconciled,
                        struct wall now)
{
    const struct live *live = idmap_get(&control->live, reconciled->workflow);
    const struct workflow_row none = {
        .id = reconciled->workflow, .repo = "", .head_sha = ""};
    const struct workflow_row *row = live != NULL ? &live->workflow->row : &none;
    const char *text = reconciled->text != NULL ? reconciled->text : "";
    store_add_delivery(control->store,
                       &(struct delivery_row){.at = now,
                                              .guid = "",
                                              .event = "",
                                              .action = "",
                                              .repository = row->repo,
                                              .pull = row->pr_number,
                                              .sha = row->head_sha,
                                              .workflow = row->id,
                                              .status = DELIVERY_RECONCILED,
                                              .text = text},
                       NULL);
    control_note(control, &(struct event_row){.at = now,
                                              .workflow = row->id,
                                              .kind = "reconciled",
                                              .actor = "engine",
                                              .from = row->state,
                                              .to = row->state,
                                              .wait = row->wait,
                                              .iteration = row->iteration,
                                              .attempt = row->attempt,
                                              .text = text});
    free(reconciled->text);
    free(reconciled);
}

/* ---- webhooks ---- */

/* "#7 completed success unit tests" */
static void describe(char text[TEXT_MAX], const struct forge_event *event)
{
    char raw[TEXT_MAX * 2], number[24] = "";
    if (event->pull > 0) {
        (void)snprintf(number, sizeof(number), "#%lld", (long long)event->pull);
    }
    const char *words[] = {
        number,      event->action, event->conclusion, event->is_merged ? "merged" : "",
        event->name, event->branch};
    size_t len = 0;
    raw[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(words) && len < sizeof(raw) - 1; i++) {
        if (words[i] != NULL && words[i][0] != '\0') {
            int n = snprintf(raw + len, sizeof(raw) - len, "%s%.120s", len > 0 ? " " : "",
                             words[i]);
            len += n > 0 ? (size_t)n : 0;
        }
    }
    (void)text_clean_into(text, TEXT_MAX, raw);
}

/* A hint, like all of them: nothing begins or ends by it, but no agent is run again before a person
 * has looked (recovery_choice.c). */
static void note_goal(struct control *control, int64_t workflow,
                      const struct forge_event *event)
{
    struct live *live = workflow > 0 ? idmap_get(&control->live, workflow) : NULL;
    if (live != NULL && event->kind == FORGE_PULL_REQUEST &&
        event->pull == live->workflow->row.pr_number &&
        !state_is_final(live->workflow->row.state)) {
        live->is_goal_gone = event->is_closed;
    }
}

void control_webhook(struct control *control, struct webhook *webhook)
{
    const struct forge_event *event = webhook->event;
    char text[TEXT_MAX] = "";
    struct delivery_row row = {
        .at = webhook->at,
        .guid = webhook->guid,
        .event = webhook->name,
        .action = "",
        .repository = "",
        .sha = "",
        .status = DELIVERY_IGNORED,
        .text = text,
        .body = webhook->body,
        .body_len = webhook->body_len,
    };
    if (event != NULL) {
        describe(text, event);
        row.action = event->action;
        row.repository = event->repository;
        row.pull = event->pull;
        row.sha = event->sha;
        row.workflow = place_find(control, event->repository, event->pull, event->sha,
                                  event->branch);
        row.status = DELIVERY_ACCEPTED;
        note_goal(control, row.workflow, event);
    }
    store_add_delivery(control->store, &row, &webhook->is_new);
    if (control->n_webhooks == control->cap_webhooks) {
        control->cap_webhooks =
            control->cap_webhooks > 0 ? control->cap_webhooks * 2 : 64;
        control->webhooks =
            mem_grow(control->webhooks, control->cap_webhooks, sizeof(struct webhook *));
    }
    control->webhooks[control->n_webhooks++] = webhook;
}

void control_rejected(struct control *control, int64_t n)
{
    store_count_rejected(control->store, n);
}

static void answer(const struct control *control, struct webhook *webhook, bool is_kept)
{
    const struct control_outlet *outlet = &control->options.outlet;
    if (outlet->answer != NULL && webhook->ticket != NULL) {
        outlet->answer(outlet->self, webhook, is_kept);
    } else {
        webhook_free(webhook);
    }
}

void control_fault(struct control *control)
{
    for (size_t i = 0; i < control->n_webhooks; i++) {
        struct webhook *webhook = control->webhooks[i];
        if (webhook->ticket == NULL) {
            continue; /* it was told before */
        }
        /* The body stays with the batch; the client is answered with what is needed. */
        struct webhook *told = mem_alloc(sizeof(*told));
        told->guid = mem_str(webhook->guid);
        told->name = mem_str(webhook->name);
        told->at = webhook->at;
        told->ticket = webhook->ticket;
        webhook->ticket = NULL;
        answer(control, told, false);
    }
}

void intake_release(struct control *control)
{
    const struct control_outlet *outlet = &control->options.outlet;
    size_t n_kept = 0;
    for (size_t i = 0; i < control->n_orders; i++) {
        struct service_order *order = control->orders[i];
        if (control->halt.is_on && strcmp(order->actor, "engine") == 0) {
            control->orders[n_kept++] = order; /* until everything goes on */
        } else if (outlet->order != NULL) {
            outlet->order(outlet->self, order);
        } else {
            service_order_free(order);
        }
    }
    control->n_orders = n_kept;
    if (control->wants_room && outlet->tidy != NULL) {
        outlet->tidy(outlet->self);
    }
    control->wants_room = false;
    for (size_t i = 0; i < control->n_webhooks; i++) {
        struct webhook *webhook = control->webhooks[i];
        if (webhook->is_new && webhook->event != NULL && outlet->hint != NULL) {
            outlet->hint(outlet->self, forge_event_copy(webhook->event));
        }
        answer(control, webhook, true);
    }
    control->n_webhooks = 0;
}

void intake_fini(struct control *control)
{
    for (size_t i = 0; i < control->n_orders; i++) {
        service_order_free(control->orders[i]);
    }
    for (size_t i = 0; i < control->n_webhooks; i++) {
        answer(control, control->webhooks[i], false);
    }
    free(control->orders);
    free(control->webhooks);
}
