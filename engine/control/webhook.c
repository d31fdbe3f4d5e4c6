/* SPDX-License-Identifier: MIT */
#include "engine/control/message.h"

void webhook_free(struct webhook *webhook)
{
    if (webhook != NULL) {
        free(webhook->guid);
        free(webhook->name);
        free(webhook->body);
        forge_event_free(webhook->event);
        free(webhook);
    }
}
