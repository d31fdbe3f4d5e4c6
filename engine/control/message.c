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
    }
    free(message);
}
