/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_ENGINE_PRIVATE_H
#define SIGNALBOX_ENGINE_PRIVATE_H

/*
 * What engine.c (the control thread, start and end), engine_message.c (what other threads say to
 * it) and engine_audit.c (the audit's head outside of the store) share.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "engine/control/config.h"
#include "engine/control/control.h"
#include "engine/control/message.h"
#include "engine/engine.h"
#include "engine/service/port.h"
#include "store/pulse.h"
#include "store/store.h"

/* Messages in the inbox beside outcomes, so that these always have room. */
#define WEBHOOKS_MAX 4096 /* the listener's default: no more are in hand */
#define EXTRAS_MAX   1024

/* A role that was looked up. */
struct known_role {
    char actor[96], account[96];
    enum user_role role;
    struct mono at;
};

struct engine {
    struct known_role roles[16]; /* control thread */
    /* immutable after start */
    const struct config *config;
    struct lease *lease;
    struct mailbox *inbox; /* struct message, from the other threads */
    struct io *io;
    struct pattern_base *patterns;  /* own rules; NULL = none */
    struct monitor_thread *monitor; /* NULL: it could not start */
    struct telemetry *telemetry;    /* NULL likewise */
    struct notify *notify;          /* NULL likewise */
    struct listener *listener;      /* NULL: not configured, or it could not start */
    char listener_text[160];        /* where it listens, or why it does not */
    struct executor executor;       /* ours: says it, and hands on to io's */
    struct executor performer;
    int ended_fd;
    pthread_t thread;
    struct pulse *pulse; /* NULL: could not be made; nothing depends on it */
    struct wall started_at;
    /* atomic */
    atomic_bool is_stopping, is_draining;
    atomic_bool has_requests; /* commands came over the network */
    atomic_bool is_deaf;      /* the store is out of order: no webhook is taken */
    atomic_llong n_rejected;
    atomic_int n_extras;
    /* control thread only */
    struct store *store;
    struct control *control;
    const char *state;  /* as last told: "running" */
    int shown_max;      /* max_running likewise */
    int shown_admitted; /* how many of them may run now */
    struct bell *bell;
    bool has_faulted, has_commands, is_dirty;
    bool is_silent[PULSE_COUNT]; /* told */
    bool is_drain_told;
    struct audit_file *audit_file;
    bool has_audit_fault; /* it could not be written; told */
};

/* After control_load: compare the chain with what was noted outside, tell of the start. */
void engine_audit_start(struct engine *engine);
void engine_audit_stop(struct engine *engine);
/* After a commit. is_last: nothing follows. */
void engine_audit_note(struct engine *engine, bool is_last);
struct wall engine_audit_wake_at(const struct engine *engine); /* unset: nothing waits */

/* Callbacks of the other threads; `user` is the engine. They become messages of its inbox. */
void on_result(void *user, struct effect_result *result);
void on_report(void *user, struct service_report *report);
void on_reconciled(void *user, int64_t workflow, char *text);
void on_spans(void *user, struct span_batch *batch);
bool on_finding(void *user, struct monitor_finding *finding);
void on_omens(void *user, struct omen_batch *batch);
void on_scrape(void *user, size_t index, struct wall at, char *text, size_t len,
               const struct err *error);
bool on_webhook(void *user, struct webhook *webhook);
void on_rejected(void *user, int64_t n);
void on_command(void *user);

/* How failures are answered, as configured; own rules are read, and kept in engine->patterns. */
/* Role of a user (engine_access.c). Control thread. */
enum user_role engine_role(void *engine, const char *actor, const char *account,
                           const char *origin);
/* All but the outlet. */
struct control_options engine_control_options(struct engine *engine);

#endif
