/* SPDX-License-Identifier: MIT */
#include "engine/control/message.h"

struct message *message_new(enum message_kind kind)
{
    struct message *message = mem_alloc(sizeof(*message));
    message->kind = kind;
    return message;
}

static void reconciled_free(struct reconciled *reconciled)
{
    if (reconciled != NULL) {
        free(reconciled->text);
        free(reconciled);
    }
}

void message_free(struct message *message)
{
    if (message == NULL) {
        return;
    }
    switch (message->kind) {
    case MESSAGE_RESULT:
        effect_result_free(message->result);
        break;
    case MESSAGE_REPORT:
        service_report_free(message->report);
        break;
    case MESSAGE_RECONCILED:
        reconciled_free(message->reconciled);
        break;
    case MESSAGE_WEBHOOK:
        webhook_free(message->webhook);
        break;
    case MESSAGE_SPANS:
        span_batch_free(message->spans);
        break;
    case MESSAGE_REJECTED: /* a number */
        break;
    case MESSAGE_FINDING:
        monitor_finding_free(message->finding);
        break;
    case MESSAGE_OMENS:
        omen_batch_free(message->omens);
        break;
    }
    free(message);
}

void omen_batch_free(struct omen_batch *batch)
{
    if (batch != NULL) {
        arena_free(batch->arena);
        free(batch);
    }
}

static struct monitor_finding *monitor_finding_new(enum finding_kind kind, int64_t number)
{
    struct monitor_finding *finding = mem_alloc(sizeof(*finding));
    finding->kind = kind;
    finding->number = number;
    finding->arena = arena_new();
    return finding;
}

struct monitor_finding *monitor_finding_of_anomaly(int64_t number,
                                                   const struct anomaly_row *row)
{
    struct monitor_finding *finding = monitor_finding_new(FINDING_ANOMALY, number);
    struct anomaly_row *copy = &finding->anomaly;
    *copy = *row;
    copy->series = arena_str(finding->arena, row->series);
    copy->component = arena_str(finding->arena, row->component);
    copy->text = arena_str(finding->arena, row->text);
    copy->rule = arena_str(finding->arena, row->rule);
    copy->closed_by = arena_str(finding->arena, row->closed_by);
    copy->detail = arena_str(finding->arena, row->detail);
    return finding;
}

struct monitor_finding *monitor_finding_of_incident(int64_t number,
                                                    const struct incident_row *row)
{
    struct monitor_finding *finding = monitor_finding_new(FINDING_INCIDENT, number);
    struct incident_row *copy = &finding->incident;
    *copy = *row;
    copy->cause = arena_str(finding->arena, row->cause);
    copy->text = arena_str(finding->arena, row->text);
    copy->inhibited_by = arena_str(finding->arena, row->inhibited_by);
    copy->detail = arena_str(finding->arena, row->detail);
    copy->owner = arena_str(finding->arena, row->owner);
    copy->note = arena_str(finding->arena, row->note);
    return finding;
}

void monitor_finding_free(struct monitor_finding *finding)
{
    if (finding != NULL) {
        arena_free(finding->arena);
        free(finding);
    }
}
