/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_CONTROL_H
#define SIGNALBOX_CONTROL_CONTROL_H

/*
 * Control center: the one place where state changes.
 *
 * The owner (the control thread, or a simulation) feeds it: outcomes of effects, commands
 * of operators, the passing of time. Each changes workflows through the machine and
 * collects events, rows and effects in the store's batch. control_commit makes the batch
 * one transaction, and only when that succeeded gives the effects to the executor. While
 * a commit fails, nothing leaves; the owner stops feeding and calls control_commit again.
 *
 * No thread, no clock, no process here: `now` and the random source come in. The same
 * inputs give the same store, byte for byte.
 */

#include "engine/approval/approval.h"
#include "engine/control/message.h"
#include "engine/recovery/ladder.h"
#include "engine/service/port.h"
#include "engine/service/scale.h"
#include "engine/workflow/machine.h"
#include "store/store.h"

struct control;

/* What leaves after a commit beside effects. Each function takes what it is given; NULL:
 * it is dropped. */
struct control_outlet {
    void *self;
    /* The webhook is committed; is_kept false: not yet, the store is out of order. */
    void (*answer)(void *self, struct webhook *webhook, bool is_kept);
    void (*hint)(void *self, struct forge_event *event); /* of a webhook that is new */
    void (*order)(void *self, struct service_order *order);
    void (*tidy)(void *self); /* remove now what may go of logs and folders */
    /* What runs stands still, or goes on. To stand still is said before the commit, and may
     * be said again; to go on after it, and before the effects that waited. */
    void (*halt)(void *self, bool is_on);
};

/* How failures are answered. */
struct control_recovery {
    bool is_on; /* off: the transition table alone answers */
    struct ladder_limits ladder;
    struct decide_settings decide;
    const struct pattern_base
        *patterns; /* NULL = the shipped ones; outlives the control center */
};

/* What waits for people, and how much is done without them. */
struct risk_rule;
struct control_approvals {
    const struct risk_rule *rules; /* outlive the control center */
    size_t n_rules;
    struct approval_policy policy;
    struct span expire;        /* from when it was seen; 0 = never */
    struct span expire_unseen; /* of what nobody has seen; 0 = three times that */
    int levels[ACT_COUNT];     /* enum autonomy_level + 1; 0 = the class's own */
    /* Role of a user at a front end; NULL: everybody is admin. */
    void *self;
    enum user_role (*role_of)(void *self, const char *actor, const char *account,
                              const char *origin);
};
struct control_approvals control_approvals_default(void);

struct control_options {
    int max_running;
    struct machine_limits limits;
    int revert_per_hour, revert_per_day; /* by the engine, of one repository */
    int runs_per_day;                    /* of agents, of one repository; 0 = no cap */
    struct span agent_time_per_day;      /* likewise */
    int tokens_per_day;                  /* likewise, as agents say; 0 = no cap */
    int64_t cost_per_day;                /* likewise, micros */
    struct span history_keep; /* finished workflows older than this go; 0 = never */
    struct span deliveries_keep, bodies_keep; /* the same for webhook deliveries */
    const struct service_spec *services;      /* outlive the control center */
    size_t n_services;
    const struct scale_spec *scales; /* likewise */
    size_t n_scales;
    struct control_outlet outlet;
    bool is_proactive_off; /* nothing is done because of what is only likely */
    bool is_admission_off; /* max_running at once, whatever becomes of them */
    uint64_t seed;
    const char *environment; /* "" = not said; outlives the control center; may be NULL */
    struct control_recovery recovery;
    struct control_approvals approvals;
    bool is_learning;  /* what ended is learned from, and settings are proposed */
    int processors;    /* of this machine; 0 = unknown */
    bool has_listener; /* webhooks tell how far a forge is */
};

/* Borrows the store. */
NODISCARD struct control *control_new(const struct control_options *options,
                                      struct store *store);
void control_free(
    struct control *control); /* accepts NULL; effects in hand are forgotten */

/* After a start: load what is not final, and hand every effect without outcome to the
 * next control_commit, so that the executor adopts or repeats it. */
NODISCARD bool control_load(struct control *control, struct wall now, struct err *err);

/* An outcome; takes ownership. Late or unknown ones are counted and dropped. */
void control_result(struct control *control, struct effect_result *result,
                    struct wall now);
/* A service as the desk sees it; takes it. When it becomes available, the workflows that
 * wait for it go on, spread over its ramp, a few first (ramp.c). */
void control_report(struct control *control, struct service_report *report,
                    struct wall now);
/* Polling found what no webhook told; takes it. */
void control_reconciled(struct control *control, struct reconciled *reconciled,
                        struct wall now);
/* A webhook: kept with the next commit, then its event goes to outlet.hint when it is new,
 * and it to outlet.answer. Takes it. */
void control_webhook(struct control *control, struct webhook *webhook);
/* Webhooks that were turned away. */
void control_rejected(struct control *control, int64_t n);
/* What the monitor says; takes it. Its row is put, and an event added when people should
 * hear of it: an anomaly that opened, closed, or changed its type or severity; the same of
 * incidents, as long as nothing inhibits them. */
void control_finding(struct control *control, struct monitor_finding *finding,
                     struct wall now);
/* What the monitor sees coming; takes it. See engine/decision/proactive.h. */
void control_omens(struct control *control, struct omen_batch *batch, struct wall now);
/* The commit failed: tell outlet.answer of the webhooks in hand that they are not kept.
 * They stay in the batch, and are kept when it is committed after all. */
void control_fault(struct control *control);
/* Read new commands from the store and carry them out, at most max. Returns how many, or
 * -1 with err when the store cannot be read. */
NODISCARD int control_commands(struct control *control, size_t max, struct wall now,
                               struct err *err);
/* Deadlines, retries, free slots. Call before each commit. */
void control_tick(struct control *control, struct wall now);
/* When control_tick has something to do without new input; unset: never. */
struct wall control_wake_at(const struct control *control);

/* A row of the audit (store/audit.h) in the batch, with this text as its detail; what looks
 * like a secret is left out. outcome: "done", "begun", "refused" ... */
void control_audit(struct control *control, struct wall now, const char *actor,
                   const char *act, const char *subject, const char *outcome,
                   const char *format, ...) PRINTF_LIKE(7, 8);

/* Before the end: what is saved only now and then, into the batch. */
void control_save(struct control *control);
/* One transaction, then the effects. */
NODISCARD bool control_commit(struct control *control, const struct executor *executor,
                              struct err *err);

/* Start no more workflows (queued ones stay); true again lets them start. */
void control_drain(struct control *control, bool is_draining);
/* Does everything autonomous stand still (verb halt)? After control_load: it did when the
 * engine before ended. Then effects without outcome are not handed out before the release. */
bool control_is_halted(const struct control *control);
/* How many workflows may run at once, as it is set now. */
int control_max_running(const struct control *control);
/* How many of them may run now: fewer while evidence says so (engine/decision/admission.h). */
int control_admitted(const struct control *control);
/* Nothing runs any more (for a drain). */
bool control_is_idle(const struct control *control);
/* Does an effect of this key wait for its outcome? For sweeping runners left over. */
bool control_is_pending(const struct control *control, int64_t workflow, int64_t seq);

struct control_stats {
    int64_t n_live, n_running, n_queued;
    int64_t n_results, n_commands, n_ignored, n_refused, n_commits;
};
void control_stats(const struct control *control, struct control_stats *ret_stats);

/* Digest of what this workflow waits for, as a front end would show it; false: for nothing. */
bool control_digest(const struct control *control, int64_t workflow,
                    char ret_digest[DIGEST_HEX]);

/* Live workflows, for invariant checks of the simulation. iter starts at 0; NULL = end.
 */
const struct workflow *control_next_live(const struct control *control, size_t *iter);

#endif
