/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_PRIVATE_H
#define SIGNALBOX_CONTROL_PRIVATE_H

/*
 * What these share:
 *   control.c          workflows, outcomes, time, commit
 *   outbox.c           effects without outcome, and what leaves after the commit
 *   command.c          commands; submit.c: new workflows; order.c: orders to services
 *   intake.c           services' reports and webhooks
 *   ramp.c             workflows that wait for a service, and when they go on
 *   place.c            which workflow a forge's event is about
 *   merged.c           looks at the base after a merge, caps of reverts
 *   proactive.c        prepared actions before something fails
 *   admission.c        how many run at once
 *   learned.c          what has ended is learned from, and kept (optimization.h)
 *   optimization.c     what is proposed and applied (optimization.h)
 *   guarding.c         optimizations that were applied, watched (guarding.h)
 *   tuning.c           settings in force in place of configured ones (tuning.h)
 *   trace.c            what becomes of workflows, as spans
 *   audit.c            who did what, as rows that are chained
 *   finding.c          what the monitor says; finding_verb.c: what operators say to it
 *   halt.c             everything autonomous stands still
 */

#include "engine/base/heap.h"
#include "engine/base/idmap.h"
#include "engine/control/control.h"
#include "engine/decision/admission.h"
#include "engine/workflow/queue.h"
#include "store/recovery.h"

/* An effect without outcome. Its strings are owned here: the row goes to the executor
 * after the commit and to the store once more with the outcome. */
struct pending {
    struct pending *next;
    struct effect_row row;
    char *name, *params;
    struct heap_node again; /* deferred beside its workflow: when it is performed again */
    int n_deferrals;
    struct heap_node look; /* a look at the base that waits for its turn */
};

/* A workflow in memory: not final yet, or with effects still pending beside it. */
struct live {
    struct workflow *workflow;
    struct heap_node timer;
    enum machine_event timer_event;
    struct queue_entry queued;
    bool has_slot;
    struct pending *pending;
    struct trouble *troubles; /* its open failures, oldest first; recovery_private.h */
    struct live *next_troubled, *prev_troubled; /* of those that have some */
    bool is_troubled;
    bool has_ended; /* since it came into memory: it is learned from when it leaves */
    int64_t merge_decision, provider_decision; /* open ones; 0 = none */
    bool is_goal_gone;     /* its pull request was closed, as a webhook says */
    struct wall wakes_at;  /* RUNG_WAIT: it may go on before its time; unset: no */
    struct heap_node ramp; /* WAIT_SERVICE: when it goes on; in no heap: not known yet */
    int n_deferrals;       /* in a row while its service said it was available */
    int64_t place_keys[3]; /* see place.c */
};

/* What is known of a configured service. */
struct service_state {
    const struct service_spec *spec;
    enum breaker_state state;
    struct wall since;    /* in this state */
    struct wall tried_at; /* a few went on to try */
    struct wall next_try; /* not available: when a few go on to try; unset: never */
    bool has_order;       /* one stands in the store: this */
    enum service_force ordered;
};

/* What leaves after the commit. */
struct release {
    bool is_stop;
    int64_t workflow, seq;
};

/* A silence in force. */
struct silence {
    int64_t id;
    struct wall until, tell_at; /* tell_at unset: it was told that it ends soon */
};

#define SILENCES_MAX 200 /* in force */

/* All that is done by itself stands still (halt.c). */
struct halt {
    bool is_on;
    bool must_tell; /* released: the outlet is told after the commit */
    struct wall at;
    char by[96], reason[300];
    struct effect_result **results; /* of failures; wait for the release */
    size_t n_results, cap_results;
};

struct control {
    struct control_options options;
    struct store *store;
    struct rng rng;
    struct idmap live;      /* id -> struct live */
    struct idmap pipelines; /* id -> struct pipeline */
    struct queue *queue;
    struct heap timers;
    struct totals totals;
    struct hour_row hour;
    bool has_new_totals, has_new_hour;
    int64_t last_workflow, last_command;
    int n_running;
    int running_limit; /* below max_running, for a while; 0 = none */
    bool is_draining;
    struct halt halt;
    struct release *releases;
    size_t n_releases, cap_releases;
    struct wall next_prune;
    struct service_state *services; /* one for each that is configured */
    struct heap ramp, again, looks;
    int n_looks;               /* under way */
    struct idmap places;       /* key -> id of a workflow */
    struct webhook **webhooks; /* in the batch */
    size_t n_webhooks, cap_webhooks;
    struct service_order **orders; /* for after the commit */
    size_t n_orders, cap_orders;
    struct arena *trace_arena; /* of the span in hand */
    int64_t last_finding;      /* taken */
    bool has_new_finding;
    struct silence silences[SILENCES_MAX];
    size_t n_silences;
    struct recovery *recovery;   /* NULL: off */
    struct approvals *approvals; /* what waits for people (approval.c) */
    struct live *troubled;       /* workflows with open failures */
    struct control_stats stats;
    struct machine_output *out; /* large; one at a time */
    struct proactive *proactive;
    struct admission admission;
    int64_t admission_decision;    /* open; 0 = none */
    struct wall admission_suggest; /* not said again before */
    struct tunings *tunings;       /* tuning.h */
    struct guarding *guarding;     /* guarding.h */
    struct optimizing *optimizing; /* optimization.h */
    bool wants_room;               /* after the commit: remove what may go */
};

/* Pipeline of a stored id, parsed once; NULL with err. */
const struct pipeline *control_pipeline(struct control *control, int64_t id,
                                        struct err *err);
/* The workflow in memory, or loaded from the store when it is final; NULL with err
 * (ERR_NOT_FOUND). */
struct live *control_find(struct control *control, int64_t id, struct err *err);
struct live *control_add(struct control *control, const struct workflow_row *row,
                         const struct pipeline *pipeline);
/* One step of the machine with all that follows from it. */
enum machine_verdict control_step(struct control *control, struct live *live,
                                  const struct machine_input *input, struct wall now);
/* Row, timer, slot and totals after a change. `before` is the row as it was; before->id
 * 0: a new one. */
void control_settle(struct control *control, struct live *live,
                    const struct workflow_row *before, struct wall now);
/* Drop from memory what is final and waits for nothing. */
void control_forget(struct control *control, struct live *live);
void control_tell(struct control *control, struct wall now, const char *kind,
                  int64_t workflow, const char *format, ...) PRINTF_LIKE(5, 6);
/* Record an event that is not the machine's. */
void control_note(struct control *control, const struct event_row *event);

/* ---- spans (trace.c) ---- */

/* A workflow's row before a step of the machine, with the texts that the step may free. */
struct trace_before {
    struct workflow_row row; /* without branch and commits */
    char *reason, *service;
};
void trace_begin(struct trace_before *before, const struct workflow_row *row);
void trace_end(struct trace_before *before);
/* The state that was left, and the workflow when it has ended with that. */
void trace_change(struct control *control, const struct trace_before *before,
                  const struct workflow_row *row);
/* An effect that has ended; `row` as it was before. */
void trace_step(struct control *control, const struct workflow_row *row,
                const struct effect_row *effect);

/* ---- effects (outbox.c) ---- */
void pending_free(struct pending *pending);
struct pending *pending_add(struct live *live, const struct effect_row *row);
/* Out of the list; NULL when it does not wait for its outcome. */
struct pending *pending_take(struct control *control, struct live *live, int64_t seq);
const struct pending *pending_find(const struct live *live, int64_t seq);
/* For after the commit: perform it, or stop it. */
void outbox_add(struct control *control, bool is_stop, int64_t workflow, int64_t seq);
/* Its row with the outcome, and the documents that came with it. */
void outbox_put_outcome(struct control *control, const struct workflow_row *workflow,
                        struct effect_row row, const struct effect_result *result,
                        struct wall now);
/* Checks side by side: the next effect, by seq, that `pending` is performed for beside its own;
 * taken out of the list. NULL: no more. */
struct pending *beside_take(struct control *control, struct live *live,
                            const struct pending *pending);
/* What a result says of one of them; borrows from the result. */
struct effect_result beside_part(const struct effect_result *result, int64_t seq);
void outbox_put_docs(struct control *control, const struct effect_result *result);
/* Nobody waits for it any more: its row with this status, and stopped after the commit.
 * `before`: the workflow as it was. */
void outbox_stop(struct control *control, struct live *live,
                 const struct workflow_row *before, int64_t seq,
                 enum effect_status status, struct wall now);
/* The outcome of an effect that nobody waits for (CLOSE): no provider was available. It
 * stays pending and is performed again after a pause that grows. */
void outbox_defer(struct control *control, struct live *live, int64_t seq,
                  const struct effect_result *result, struct wall now);
void outbox_tick(struct control *control, struct wall now);
struct wall outbox_wake_at(const struct control *control); /* unset: never */
void outbox_release(struct control *control, const struct executor *executor);

/* ---- after the merge (merged.c) ---- */
#define REVERTS_SETTING "merged_reverts"
/* An effect that nobody waits for has ended; `ended` as it was asked for. */
void merged_result(struct control *control, struct live *live,
                   const struct effect_row *ended, const struct effect_result *result,
                   struct wall now);
/* A look was asked for: after the commit, or when its turn comes. */
void merged_perform(struct control *control, struct pending *pending, struct wall now);
/* It has ended, or was stopped. */
void merged_over(struct control *control, struct pending *pending, struct wall now);
/* The merge is taken back: stop what looks at it. */
void merged_stop(struct control *control, struct live *live, struct wall now);

struct merged_output;
/* So much was taken back of this repository lately that no more would be. */
bool merged_is_capped(struct control *control, const struct workflow_row *row,
                      struct wall now);
/* A merge is confirmed as the culprit: what was decided is a row (merged_row.c). */
void merged_decided(struct control *control, const struct workflow_row *row,
                    const struct merged_output *out, bool is_limited, struct wall now);
/* And what became of that, when this change of the workflow's row says so. */
void merged_settle(struct control *control, const struct workflow_row *before,
                   const struct workflow_row *row, struct wall now);

/* ---- prepared actions (proactive.c) ---- */
#define PROACTIVE_SETTING "proactive_state" /* base64 of proactive_save */
NODISCARD bool prepared_load(struct control *control, struct err *err);
void prepared_tick(struct control *control, struct wall now);
struct wall prepared_wake_at(const struct control *control); /* unset: never */
/* The breaker of a service has opened. */
void prepared_opened(struct control *control, const char *service, struct wall now);
/* How many may run now: the least of max_running, running_limit, what admission says, and a third
 * fewer than max_running while a limit is near. */
int prepared_slots(const struct control *control);

/* ---- how many run at once (admission.c) ---- */
NODISCARD bool admission_load(struct control *control, struct wall now, struct err *err);
bool admission_is_on(const struct control *control);
/* The end of an effect that was waited for, after it was classified. */
void admission_result(struct control *control, const struct live *live,
                      const struct effect_result *result);
void admission_tick(struct control *control, struct wall now);
struct wall control_admission_wake_at(const struct control *control); /* unset: never */
int admission_slots(const struct control *control);

/* ---- commands beside a workflow (restart.c) ---- */
/* One that depends on the service ("": any) and has nothing in flight; NULL: there is none. */
struct live *beside_place(struct control *control, const char *service);
struct beside {
    enum effect_kind kind;
    const char *name, *params; /* of the effect */
    const char *event, *actor, *text;
};
void beside_ask(struct control *control, struct live *live, const struct beside *what,
                struct wall now);
void beside_note(struct control *control, const struct workflow_row *row,
                 const char *kind, const char *actor, int64_t effect, bool has_ended,
                 const char *text, struct wall now);

/* ---- adding and removing machines (scale.c) ---- */
/* direction "up" or "down". ERR_NOT_FOUND: no such command is configured; ERR_BUSY: there is no
 * workflow to do it beside. */
/* is_tuning: it stands as a tuning, which goes when the command fails. */
NODISCARD bool scale_begin(struct control *control, const char *name,
                           const char *direction, bool is_tuning, const char *actor,
                           const char *reason, struct wall now, struct err *err);
/* An effect beside the workflows has ended. */
void scale_result(struct control *control, const struct workflow_row *row,
                  const struct effect_row *effect, const struct effect_result *result,
                  struct wall now);
struct json;
struct answer;
void control_scale(struct control *control, const struct command_row *command,
                   const struct json *args, struct wall now, struct answer *answer);

/* ---- starting a service again (restart.c) ---- */
/* False: there is no workflow to do it beside. */
bool restart_begin(struct control *control, const char *service, struct wall now);
/* An effect beside the workflows has ended. */
void restart_result(struct control *control, const struct workflow_row *row,
                    const struct effect_row *effect, const struct effect_result *result,
                    struct wall now);

/* ---- budgets (budget.c) ---- */
/* A step of the machine asked for effects: agent runs count. */
void budget_count(struct control *control, const struct live *live, struct wall now);
/* What the repository's day allows goes into the input; its text points to `text`. */
void budget_look(struct control *control, const struct live *live,
                 struct machine_input *input, char text[BUDGET_LINE_MAX],
                 struct wall now);
/* An effect has ended; agent runs cost time. */
void budget_ended(struct control *control, const struct workflow_row *row,
                  const struct effect_row *effect, const struct effect_result *result,
                  struct wall now);

/* ---- answers to commands (command.c) ---- */

enum { ANSWER_DONE = 0, ANSWER_REFUSED = 1, ANSWER_BAD = 2 };

struct answer {
    const char *role; /* of who asked; NULL = not looked up */
    int status;
    bool is_nothing; /* a view that was noted before: no row of the audit */
    int64_t workflow;
    char text[480];
};
void answer_set(struct answer *answer, int status, const char *format, ...)
    PRINTF_LIKE(3, 4);

struct json;
/* audit.c: a command with its answer (args may be NULL); an effect that reaches outside or
 * changes merged work, when it is asked for and when it has ended (others are left out); a
 * rung that begins, or waits for a person. */
void audit_command(struct control *control, const struct command_row *command,
                   const struct json *args, const struct answer *answer, struct wall now);
void audit_effect(struct control *control, const struct effect_row *effect,
                  struct wall now);
void audit_recovery(struct control *control, int64_t id, const struct recovery_row *row,
                    struct wall now);

/* submit.c */
void control_submit(struct control *control, const struct command_row *command,
                    const struct json *args, struct wall now, struct answer *answer);
void control_adopt(struct control *control, const struct command_row *command,
                   const struct json *args, struct wall now, struct answer *answer);
/* order.c: breaker, probe and reset; the service gets them after the commit. A forced
 * breaker stands in the store until the service has said that it is so: order_load gives
 * it again after a start, order_settle takes it out. */
/* One of the engine itself; nothing when the service is not configured. */
void order_engine(struct control *control, const char *service, enum service_force force,
                  struct wall until, const char *reason, struct wall now);
void control_send_order(struct control *control,
                        struct service_order *order); /* takes it */
NODISCARD bool order_load(struct control *control, struct err *err);
void order_settle(struct control *control, const struct service_row *row);
void control_order(struct control *control, const struct command_row *command,
                   const struct json *args, struct wall now, struct answer *answer);

/* ---- everything stands still (halt.c) ---- */
bool is_halt_verb(const char *verb);
void control_halt_verb(struct control *control, const struct command_row *command,
                       const struct json *args, struct wall now, struct answer *answer);
NODISCARD bool halt_load(struct control *control, struct err *err);
void halt_fini(struct control *control);
/* Takes an outcome that has to wait for the release. */
NODISCARD bool halt_defers(struct control *control, struct effect_result *result);
void halt_release(struct control *control); /* after the commit */

/* ---- after the commit (intake.c) ---- */
void intake_release(struct control *control);
void intake_fini(struct control *control);

/* ---- waiting for services (ramp.c) ---- */
struct service_state *find_service_state(const struct control *control, const char *name);
void ramp_init(struct control *control);
void ramp_fini(struct control *control);
/* After a start: services as stored, then those who wait for them. */
NODISCARD bool ramp_load(struct control *control, struct wall now, struct err *err);
/* The workflow's row has changed. */
void ramp_settle(struct control *control, struct live *live,
                 const struct workflow_row *before, struct wall now);
void ramp_report(struct control *control, const struct service_row *row, struct wall now);
void ramp_tick(struct control *control, struct wall now);
struct wall ramp_wake_at(const struct control *control); /* unset: never */

/* ---- the monitor's findings, silences (finding.c) ---- */
NODISCARD bool finding_load(struct control *control, struct wall now, struct err *err);
void finding_put_number(struct control *control); /* into the batch, when it has grown */
/* A silence was made or ended. */
void silence_keep(struct control *control, int64_t id, struct wall from,
                  struct wall until);
void silence_drop(struct control *control, int64_t id);
/* Tell of silences that end soon, forget those that are over. */
void silence_tick(struct control *control, struct wall now);
struct wall silence_wake_at(const struct control *control); /* unset: never */

/* ack, note, resolve, silence, unsilence (finding_verb.c) */
bool is_finding_verb(const char *verb);
void control_finding_verb(struct control *control, const struct command_row *command,
                          const struct json *args, struct wall now,
                          struct answer *answer);
/* thumbs-up and thumbs-down */
void control_thumb(struct control *control, const struct command_row *command,
                   const struct json *args, const struct live *live, struct wall now,
                   struct answer *answer);

/* ---- failures and what is done about them (recovery.c) ---- */
struct machine_plan;
NODISCARD struct recovery *recovery_new(const struct control *control);
void recovery_free(struct control *control);
NODISCARD bool recovery_load(struct control *control, struct wall now, struct err *err);
/* The input is a failure of the step in hand: what is to be done; NULL: as the table says. */
const struct machine_plan *recovery_plan(struct control *control, struct live *live,
                                         const struct machine_input *input,
                                         struct wall now);
/* Before its outcome is stored: a step that passes on the commit on which it failed is flaky. Of
 * checks side by side: each one; those that have passed beside the one that the result speaks of
 * have passed for good. */
void recovery_mark(struct control *control, struct live *live,
                   struct effect_result *result, struct wall now);
/* What the workflow waits for as this recovery is approved: what is to be done, until the next
 * failure; NULL: it does not wait for that any more. */
const struct machine_plan *recovery_given(struct control *control, struct live *live,
                                          int64_t recovery);
/* After a step of the machine; `before`: the workflow as it was. */
void recovery_follow(struct control *control, struct live *live,
                     const struct workflow_row *before, const struct machine_input *input,
                     struct wall now);
/* The workflow leaves the memory: its open failures are kept. And it is there again. */
void recovery_forget(struct control *control, struct live *live);
void recovery_remember(struct control *control, struct live *live);
void recovery_anomaly(struct control *control, const struct anomaly_row *row);
/* The clock stood between these: windows are moved, in memory and in their rows. */
void recovery_stood(struct control *control, struct wall from, struct wall now);
void recovery_tick(struct control *control, struct wall now);
struct wall recovery_wake_at(const struct control *control); /* unset: never */
/* Into the batch, before a commit. */
void recovery_put(struct control *control);
/* Whether to merge, and who begins (decision.c). merge_asks: the next step is the merge; true: a
 * person is asked. merged: what became of it. provider: this effect is asked for; performed: its
 * outcome. */
bool decision_merge_asks(struct control *control, struct live *live, struct wall now);
void decision_merged(struct control *control, struct live *live, bool is_good,
                     const char *outcome, struct wall now);
void decision_provider(struct control *control, struct live *live,
                       const struct effect_row *effect, struct wall now);
void decision_performed(struct control *control, struct live *live,
                        const struct effect_row *effect,
                        const struct effect_result *result, struct wall now);
/* label, kill-strategy, revive-strategy (recovery_verb.c) */
bool is_recovery_verb(const char *verb);
void control_recovery_verb(struct control *control, const struct command_row *command,
                           const struct json *args, struct wall now,
                           struct answer *answer);

/* A person has said yes or no to a recovery that waits (recovery_verb.c), to a proposal
 * (optimization.c). */
void recovery_answer(struct control *control, int64_t recovery, bool is_approved,
                     const char *actor, const char *reason, struct wall now,
                     struct answer *answer);
void optimization_answer(struct control *control, int64_t optimization, bool is_approved,
                         const char *actor, const char *reason, struct wall now,
                         struct answer *answer);
/* approve or reject, and nothing waits for it: why (command.c). */
void approval_nothing(struct control *control, const struct command_row *command,
                      const struct json *args, struct wall now, struct answer *answer);

/* ---- what a forge calls a workflow (place.c) ---- */
void place_settle(struct control *control, struct live *live);
/* The workflow with this pull request (0: not said), head commit or branch ("": not said)
 * in this repository, also one that has ended lately; 0 = none. */
int64_t place_find(const struct control *control, const char *repo, int64_t pull,
                   const char *sha, const char *branch);
void place_fini(struct control *control);

#endif
