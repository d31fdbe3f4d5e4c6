/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_NOTICE_H
#define SIGNALBOX_IO_NOTICE_H

/*
 * Notice: what is told to people who do not look at a screen, made from an event and from what
 * it is about, and the bodies in which it is sent. Pure.
 *
 *   approval    something waits for a person's approval (with its risk)
 *   drifted     its effect has changed since it was shown
 *   expiring    nobody has decided, and its time is nearly over
 *   escalation  nothing more can be done without a person
 *   failed      a workflow has failed
 *   halted      everything autonomous was halted, or goes on
 *   watchdog    a thread of the engine is not heard of, or the audit is broken
 *
 * What is over by the time it could be told is not told.
 */

#include "engine/base/buf.h"
#include "engine/service/http.h"
#include "engine/service/service.h"
#include "store/approval.h"

/* X(identifier, word, tag of ntfy (docs.ntfy.sh/emojis), help) */
#define NOTICE_LIST(X)                                                                   \
    X(NOTICE_APPROVAL, "approval", "question", "waits for an approval")                  \
    X(NOTICE_DRIFTED, "drifted", "warning", "changed since it was shown")                \
    X(NOTICE_EXPIRING, "expiring", "hourglass", "its time is nearly over")               \
    X(NOTICE_ESCALATION, "escalation", "sos", "only a person can go on")                 \
    X(NOTICE_FAILED, "failed", "x", "a workflow failed")                                 \
    X(NOTICE_HALTED, "halted", "octagonal_sign", "halted, or released")                  \
    X(NOTICE_WATCHDOG, "watchdog", "rotating_light", "something that watches is silent")
enum notice_kind {
#define X(id, word, tag, help) id,
    NOTICE_LIST(X)
#undef X
        NOTICE_COUNT
};
const char *notice_word(enum notice_kind kind);
const char *notice_help(enum notice_kind kind);
NODISCARD bool notice_find(const char *word, enum notice_kind *ret_kind);

enum notify_format { NOTIFY_NTFY, NOTIFY_SLACK, NOTIFY_JSON };

#define NOTIFIES_MAX 16

/* Where it goes (signalbox.yaml, notify). */
struct notify_spec {
    char *name;                    /* unique; all that logs say of it */
    char *url;                     /* http or https; "" = url_from */
    struct secret_source url_from; /* an address that is a secret itself */
    struct secret_source token;    /* sent as Authorization: Bearer; optional */
    enum notify_format format;
    char **on; /* words of NOTICE_LIST; n_on 0 = all */
    size_t n_on;
    enum risk min_risk; /* of approvals; a lower one is not told */
    char *click;        /* URL that a notice opens; "" = none (ntfy) */
};

/* Strings in the arena that it was made in. */
struct notice {
    enum notice_kind kind;
    enum risk risk; /* of approvals; others: RISK_HIGH when people should hurry */
    struct wall at;
    int64_t event, workflow, approval; /* 0 = none */
    const char *title, *text;          /* one clean line each */
    const char *command;               /* what shows more: "signalbox approvals a-3" */
};

/* What is known of what an event is about; NULL: nothing, or not looked for. */
struct notice_facts {
    const struct workflow_row *workflow; /* as it is now */
    const struct approval_row
        *approval; /* that it is about, or that the workflow waits for */
};

/* Does an event of this kind need facts at all? Cheap. */
bool notice_is_of_interest(const struct event_row *event);
/* The approval that an event names: "a-3 ..." at the beginning of its text; 0 = none. */
int64_t notice_approval_of(const struct event_row *event);
/* False: nobody is told of it. */
NODISCARD bool notice_make(struct arena *arena, const struct event_row *event,
                           const struct notice_facts *facts, struct notice *ret_notice);
/* Does it go there? */
bool notice_is_for(const struct notify_spec *spec, const struct notice *notice);
/* Several in one: "7 need you: 3 approval, 4 failed", with the highest risk. */
void notice_sum_up(struct arena *arena, const struct notice *notices, size_t n,
                   struct notice *ret_notice);

/* The request's headers and body. host, environment: "" = not said. */
void notice_put(const struct notify_spec *spec, const struct notice *notice,
                const char *host, const char *environment, struct http_request *request);

#endif
