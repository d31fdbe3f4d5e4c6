/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LISTENER_PRIVATE_H
#define SIGNALBOX_IO_LISTENER_PRIVATE_H

/*
 * The parts of the listener: connections (listener.c), bodies and webhooks
 * (listener_webhook.c), commands (listener_command.c) and who writes them into the store
 * (listener_sender.c), who is let in (listener_token.c), answers (listener_answer.c),
 * subscribers (listener_ws.c), figures (listener_metrics.c), secrets (listener_secret.c). One
 * thread, but for what is marked.
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
#include "engine/io/listener_request.h"
#include "engine/io/listener_series.h"
#include "engine/io/listener_tap.h"
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
    char *token;                               /* NULL = none is configured */
    uint8_t users[LISTENER_USERS][DIGEST_LEN]; /* SHA-256 of the users' tokens */
    size_t n_users;
};
struct keeper;
NODISCARD struct keeper *keeper_new(const struct listener_spec *spec, struct err *err);
void keeper_free(struct keeper *keeper); /* accepts NULL */
/* The newest values; what an earlier call returned is gone. */
const struct secret_values *keeper_get(struct keeper *keeper);

/* A request with a body on its way. A webhook is the listener's until it is given to
 * on_webhook, then the ticket of struct webhook; between the threads only `is_kept` and
 * `webhook` are touched. A command ends with its body: what becomes of it is an ask. */
struct hook {
    struct hook *prev, *next; /* of those in the control thread's hands */
    struct conn *conn;        /* NULL: the client has gone */
    bool is_command;
    int64_t most; /* bytes of the body */
    char *key;    /* Idempotency-Key of a command; NULL = none */
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

/* How far a command has come; the sender's thread takes what waits, the listener's gives up
 * what has waited too long. */
enum ask_state { ASK_WAITS, ASK_TAKEN, ASK_GIVEN_UP };

/* A command that is being carried out. */
struct ask {
    struct ask *prev, *next;
    struct conn *conn; /* NULL: nobody waits for it any more */
    struct request request;
    const char *actor; /* of the configuration */
    struct mono due;   /* answered by then */
    atomic_int state;
    bool is_back; /* from the sender */
    /* the sender's, until it comes back */
    int64_t id; /* of the command row; -1: err says why there is none */
    struct err err;
};

/* A thread that writes commands into the store, each as a front end does: that may wait for
 * the disk and for other programs, which the listener does not. */
struct sender;
struct sender_options {
    const char *store;
    size_t max;                     /* asks in hand */
    struct mailbox *done;           /* where they come back; has room for all */
    void (*on_command)(void *user); /* one was written; NULL = nobody is told */
    void *user;
};
NODISCARD struct sender *sender_start(const struct sender_options *options,
                                      struct err *err);
void sender_stop(struct sender *sender); /* accepts NULL; asks stay the listener's */
/* False: no room. */
NODISCARD bool sender_put(struct sender *sender, struct ask *ask);

/* A message for one subscriber. */
struct note {
    struct note *next;
    size_t len;
    char text[]; /* LWS_PRE bytes of room first */
};

struct subscriber {
    struct query query;
    struct feed_place place;
    struct note *first, *last; /* to be written, before events */
    int n_notes;
    struct buf in; /* a message as it comes; all-zero: none */
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
    int user;      /* whose token came with it: index of spec->users; -1 = nobody's */
    size_t n_asks; /* that wait for an answer */
};

struct counts {
    int64_t by_status[COUNT_STATUSES];
    int64_t refused;     /* connections that got no place */
    int64_t evicted;     /* idle ones that made room */
    int64_t messages;    /* writes to subscribers */
    int64_t subscribers; /* now */
    int64_t rejected;    /* webhooks, not reported yet */
    int64_t rejected_all;
    int64_t commands;     /* that were stored */
    int64_t wrong_tokens; /* and too many of them */
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
    struct mailbox *sent;    /* struct ask, from the sender */
    struct sender *sender;   /* NULL: no tokens of users are configured */
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
    struct ask *asks;
    size_t n_asks;
    struct tap_bucket rates[LISTENER_USERS]; /* of commands, by token */
    struct tap_bucket wrongs[TAP_PLACES];    /* of wrong tokens, by address */
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

/* The same with conn->text or conn->body set already, when the whole body has been read: closing
 * while the client sends would take the answer from it. */
void conn_answer_whole(struct conn *conn, int status, bool is_closing);

/* ---- routes ---- */
void route_request(struct conn *conn, const char *path);
/* Opened once and again when the store was replaced; NULL with err. */
struct reader *listener_reader(struct listener *listener, struct err *err);

/* ---- who is let in ---- */
/* 0, or a status that refuses what needs the token. Sets conn->user. */
int check_token(struct conn *conn, const char **ret_text);
/* The same for commands: only a user's token will do. */
int check_user(struct conn *conn, const char **ret_text);
/* True: no browser, or a page of an origin that is in the list. */
bool check_origin(struct conn *conn);
char *metrics_format(struct listener *listener, enum openmetrics_format format,
                     size_t *ret_len); /* or NULL */
/* "" = ready. */
const char *ready_problem(struct listener *listener);

/* ---- commands ---- */
void command_begin(struct conn *conn);
/* The body as far as it came will not do. */
void command_refuse(struct conn *conn, int status, const char *text, bool is_closing);
void command_whole(struct conn *conn, struct hook *hook); /* takes the hook */
void command_look(struct conn *conn, const char *number); /* GET /commands/NUMBER */
void command_approvals(struct conn *conn);                /* GET /approvals */
/* A message of a subscriber. False: close the connection. */
NODISCARD bool command_message(struct conn *conn, const char *text, size_t len);
void command_leave(struct conn *conn); /* its client has gone */
/* What the sender has done, and what the engine has answered since. */
void command_take(struct listener *listener);
void command_tick(struct listener *listener, struct mono now); /* what is due */
void ask_free(struct listener *listener, struct ask *ask);

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
/* Bytes of a message. -1: close the connection. */
int ws_bytes(struct conn *conn, const char *bytes, size_t len);
/* Text to one subscriber. False: it has too much to read, and is closed. */
NODISCARD bool ws_note(struct conn *conn, const char *text, size_t len);
void ws_end(struct conn *conn);
void ws_take_news(struct listener *listener);

#endif
