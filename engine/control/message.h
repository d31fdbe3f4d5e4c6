/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_MESSAGE_H
#define SIGNALBOX_CONTROL_MESSAGE_H

/*
 * Message: what other threads put into the inbox of the control thread.
 *
 * A message owns what it points to and moves with it (engine/base/mailbox.h).
 */

#include "engine/base/mem.h"
#include "engine/service/desk.h"
#include "engine/service/forge_event.h"
#include "engine/service/port.h"
#include "engine/trace/span_batch.h"

/* A webhook that the listener has checked; `event` NULL: of a kind that nobody uses. The
 * control thread keeps it, and answers after the commit through `answer`. */
struct webhook {
    char *guid, *name; /* X-GitHub-Delivery, X-GitHub-Event */
    char *body;
    size_t body_len;
    struct wall at;
    struct forge_event *event;
    bool is_new;  /* set by the commit */
    void *ticket; /* the listener's */
};
void webhook_free(struct webhook *webhook); /* accepts NULL */

/* What polling found in place of an event. */
struct reconciled {
    int64_t workflow;
    char *text;
};

enum message_kind {
    MESSAGE_RESULT,     /* outcome of an effect */
    MESSAGE_REPORT,     /* a service's figures or a transition of its breaker */
    MESSAGE_RECONCILED, /* polling found what no event told */
    MESSAGE_WEBHOOK,
    MESSAGE_SPANS,   /* calls that are over */
    MESSAGE_REJECTED /* count of webhooks that were turned away since the last one */
};

struct message {
    enum message_kind kind;
    union {
        struct effect_result *result;
        struct service_report *report;
        struct reconciled *reconciled;
        struct webhook *webhook;
        struct span_batch *spans;
        int64_t n_rejected;
    };
};

NODISCARD struct message *message_new(enum message_kind kind);
void message_free(struct message *message); /* with what it owns; accepts NULL */

#endif
