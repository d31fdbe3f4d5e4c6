/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LISTENER_PRIVATE_H
#define SIGNALBOX_IO_LISTENER_PRIVATE_H

/*
 * The parts of the listener: connections (listener.c), webhooks (listener_webhook.c),
 * answers (listener_answer.c), subscribers (listener_ws.c), figures (listener_metrics.c),
 * secrets (listener_secret.c). One thread, but for what is marked.
 */

#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/compiler.h"
#include "engine/base/mailbox.h"
#include "engine/io/listener.h"
#include "engine/io/listener_feed.h"
#include "engine/io/listener_hook.h"
#include "engine/io/listener_query.h"
#include "engine/io/listener_series.h"
#include "store/store.h"

#define LISTENER_PROTOCOL "signalbox.events"
#define LISTENER_SECRETS  16 /* of webhooks */

extern struct role listener_thread;

/* What was answered, by status. */
#define COUNT_STATUSES 600

/* Values of the secrets at one moment. Immutable but for its end. */
struct secret_values {
    char *hooks[LISTENER_SECRETS];
    size_t lens[LISTENER_SECRETS];
    size_t n_hooks;
    char *token; /* NULL = none is configured */
};
struct keeper;
NODISCARD struct keeper *keeper_new(const struct listener_spec *spec, struct err *err);
void keeper_free(struct keeper *keeper); /* accepts NULL */
/* The newest values; what an earlier call returned is gone. */
const struct secret_values *keeper_get(struct keeper *keeper);

/* A webhook on its way; the listener's until it is given to on_webhook, then the ticket of
 * struct webhook. Between the threads only `is_kept` and `webhook` are touched. */
struct hook {
    struct hook *prev, *next; /* of those in the control thread's hands */
    struct conn *conn;        /* NULL: the client has gone */
    struct hook_plan plan;
    struct hook_chunks chunks;
    char *guid, *event;
    struct digest_mac *macs[LISTENER_SECRETS];
    size_t n_macs;
    char *body;
    size_t len, cap;
    bool is_whole;  /* nothing more is read */
    bool is_handed; /* to on_webhook */
    /* the control thread's, until it comes back */
    struct webhook *webhook;
    bool is_kept;
};

struct subscriber {
    struct query query;
    struct feed_place place;
};

struct conn {
    struct conn *prev, *next;           /* all */
    struct conn *idle_prev, *idle_next; /* those without a request, the oldest first */
    struct lws *wsi;
    struct listener *listener;
    struct mono deadline; /* 0 = none */
    bool is_idle, is_dying, is_closing;
    bool is_live;      /* an open WebSocket */
    int n_completions; /* how often the library said that the body is whole */
    int status;        /* of the answer to be written; 0 = none */
    const char *text;  /* of it */
    const char *allow; /* header line of a 405 */
    char *body;        /* in place of text; owned */
    size_t body_len;
    const char *type; /* of body; a constant */
    struct hook *hook;
    struct subscriber *subscriber;
};

struct counts {
    int64_t by_status[COUNT_STATUSES];
    int64_t refused;     /* connections that got no place */
    int64_t evicted;     /* idle ones that made room */
    int64_t messages;    /* writes to subscribers */
    int64_t subscribers; /* now */
    int64_t rejected;    /* webhooks, not reported yet */
    int64_t rejected_all;
};

/* The library gives a timer back, not what it is of. */
struct tick {
    lws_sorted_usec_list_t timer; /* first */
    struct listener *listener;
};

struct listener {
    /* immutable after start */
    struct listener_options options;
    const struct listener_spec *spec;
    struct listener_limits limits;
    char *store;
    int port, max_conns;
    bool is_loopback, has_tls;
    lws_retry_bo_t retry;
    struct lws_context *context;
    struct lws_vhost *vhost;
    pthread_t thread;
    bool has_thread;
    struct mailbox *answers; /* struct hook, from the control thread */
    /* atomic */
    atomic_bool is_stopping, has_news;
    atomic_int fault;                            /* enum err_code */
    _Atomic(const struct telemetry *) telemetry; /* NULL = none */
    /* listener thread only */
    struct keeper *keeper;
    struct feed *feed;
    struct reader *reader; /* of /metrics and /readyz */
    struct arena *arena;
    struct listener_series *series;
    struct conn *conns, *idle_first, *idle_last;
    struct conn *adopting;
    struct lws *door; /* the listening socket */
    bool is_door_shut;
    struct hook *handed;
    int n_conns, n_dying;
    size_t n_handed;
    int64_t body_bytes;
    struct mono started_at, reported_at;
    struct tick tick;
    struct counts counts;
    char *scratch; /* LWS_PRE + FEED_ROOM */
};

/* ---- connections ---- */
struct conn *conn_of(struct lws *wsi); /* or NULL */
/* Close it at the next turn. */
void conn_kill(struct conn *conn);
void conn_busy(struct conn *conn, struct span time); /* has a request, due after `time` */
void conn_idle(struct conn *conn);                   /* has none */
void conn_no_timer(struct conn *conn);
/* Copy of a header, or NULL when it is not there (too long: ""). malloc'd */
char *conn_header(struct conn *conn, enum lws_token_indexes token);
char *conn_custom_header(struct conn *conn, const char *name);

/* ---- answers ---- */
/* Written when the socket takes it; text is a constant. */
void conn_answer(struct conn *conn, int status, const char *text, bool is_closing);
/* The same with a body of its own, which it takes, and its type, a constant. */
void conn_answer_body(struct conn *conn, int status, const char *type, char *body,
                      size_t len);
/* -1: close the connection. */
int conn_write_answer(struct conn *conn);
/* Before any other answer, in the handshake: straight away. */
int conn_refuse_upgrade(struct conn *conn, int status, const char *text);

/* ---- routes ---- */
void route_request(struct conn *conn, const char *path);
/* 0, or a status that refuses what needs the token. */
int check_token(struct conn *conn, const char **ret_text);
char *metrics_format(struct listener *listener, enum openmetrics_format format,
                     size_t *ret_len); /* or NULL */
/* "" = ready. */
const char *ready_problem(struct listener *listener);

/* ---- webhooks ---- */
void webhook_begin(struct conn *conn);
void webhook_bytes(struct conn *conn, const char *bytes, size_t len);
void webhook_whole(struct conn *conn); /* the body as long as it was said to be */
void webhook_take_answers(struct listener *listener);
void webhook_leave(struct conn *conn); /* its client has gone */
void hook_free(struct listener *listener, struct hook *hook);

/* ---- subscribers ---- */
int ws_check(struct conn *conn); /* of an upgrade: 0 = go on, 1 = was refused */
int ws_begin(struct conn *conn);
int ws_write(struct conn *conn);
void ws_end(struct conn *conn);
void ws_take_news(struct listener *listener);

#endif
