/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_MESSAGE_H
#define SIGNALBOX_CONTROL_MESSAGE_H

/*
 * Message: what other threads put into the inbox of the control thread.
 *
 * A message owns what it points to and moves with it (engine/base/mailbox.h).
 */

#include "engine/base/mem.h"
#include "engine/decision/proactive.h"
#include "engine/service/desk.h"
#include "engine/service/forge_event.h"
#include "engine/service/port.h"
#include "engine/trace/span_batch.h"
#include "store/finding.h"

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

/* What the monitor says: a row of an anomaly or an incident as it is now. Findings are
 * numbered 1, 2, 3 ... and given in that order; one whose number was taken before is
 * dropped, so that after a crash the monitor can give again what it is not sure of
 * (FINDING_SETTING says how far). A monitor that lost its own file goes on behind that
 * number. */
enum finding_kind { FINDING_ANOMALY, FINDING_INCIDENT };
struct monitor_finding {
    enum finding_kind kind;
    int64_t number;
    struct arena *arena; /* of the texts */
    union {
        struct anomaly_row anomaly;
        struct incident_row incident; /* the operator's part is not looked at */
    };
};
/* Deep copies. */
NODISCARD struct monitor_finding *
monitor_finding_of_anomaly(int64_t number, const struct anomaly_row *row);
NODISCARD struct monitor_finding *
monitor_finding_of_incident(int64_t number, const struct incident_row *row);
void monitor_finding_free(struct monitor_finding *finding); /* accepts NULL */

/* What the monitor sees coming, said again each minute; one that is lost does no harm. */
struct omen_batch {
    struct arena *arena; /* of the omens and their texts */
    struct omen *omens;
    size_t n;
};
void omen_batch_free(struct omen_batch *batch); /* accepts NULL */

enum message_kind {
    MESSAGE_RESULT,     /* outcome of an effect */
    MESSAGE_REPORT,     /* a service's figures or a transition of its breaker */
    MESSAGE_RECONCILED, /* polling found what no event told */
    MESSAGE_WEBHOOK,
    MESSAGE_SPANS,    /* calls that are over */
    MESSAGE_REJECTED, /* count of webhooks that were turned away since the last one */
    MESSAGE_FINDING,  /* what the monitor says */
    MESSAGE_OMENS     /* what it sees coming */
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
        struct monitor_finding *finding;
        struct omen_batch *omens;
    };
};

NODISCARD struct message *message_new(enum message_kind kind);
void message_free(struct message *message); /* with what it owns; accepts NULL */

#endif
