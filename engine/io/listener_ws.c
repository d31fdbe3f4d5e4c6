/* SPDX-License-Identifier: MIT */

/* Subscribers of /events, and the commands that they send. */
#include "engine/io/listener_private.h"

#define NOTES_MAX 64 /* that one may leave unread */

/* libwebsockets binds to the first subprotocol that it knows by name; ours must be that. */
static bool is_our_protocol(const char *protocols)
{
    size_t len = sizeof(LISTENER_PROTOCOL) - 1;
    return protocols == NULL ||
           (strncmp(protocols, LISTENER_PROTOCOL, len) == 0 &&
            (protocols[len] == '\0' || protocols[len] == ',' || protocols[len] == ' '));
}

static bool take_query(struct conn *conn, struct query *query, const char **ret_why)
{
    char arg[QUERY_ARG_MAX + 1];
    for (int i = 0;; i++) {
        int n = lws_hdr_copy_fragment(conn->wsi, arg, (int)sizeof(arg),
                                      WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n == -2) {
            *ret_why = "a parameter is too long";
            return false;
        }
        if (n < 0) {
            return true;
        }
        if (n > 0 && !query_take(query, arg, (size_t)n, ret_why)) {
            return false;
        }
    }
}

static int judge(struct conn *conn, struct query *query, const char **ret_why)
{
    struct listener *listener = conn->listener;
    AUTO_FREE char *upgrade = conn_header(conn, WSI_TOKEN_UPGRADE);
    AUTO_FREE char *path = conn_header(conn, WSI_TOKEN_GET_URI);
    AUTO_FREE char *version = conn_header(conn, WSI_TOKEN_VERSION);
    AUTO_FREE char *protocols = conn_header(conn, WSI_TOKEN_PROTOCOL);
    struct err err = ERR_INIT;
    *ret_why = "there is no WebSocket here";
    if (path == NULL || strcmp(path, "/events") != 0 || upgrade == NULL ||
        strcasecmp(upgrade, "websocket") != 0) {
        return 404;
    }
    int status = check_token(conn, ret_why);
    if (status != 0) {
        return status;
    }
    if (!check_origin(conn)) {
        *ret_why = "this origin is not in the list";
        return 403;
    }
    *ret_why = "version 13 of the protocol, signalbox.events first of the subprotocols";
    if (version == NULL || strcmp(version, "13") != 0 || !is_our_protocol(protocols)) {
        return 400;
    }
    if (!take_query(conn, query, ret_why)) {
        return 400;
    }
    *ret_why = "no room for it now";
    if (listener->counts.subscribers >= listener->max_conns - listener->max_conns / 8) {
        return 503; /* webhooks keep their places */
    }
    *ret_why = "the store cannot be read";
    return feed_begin(listener->feed, &err) ? 0 : 503;
}

int ws_check(struct conn *conn)
{
    struct query query = {0};
    const char *why = "";
    int status = judge(conn, &query, &why);
    if (status != 0) {
        query_fini(&query);
        return conn_refuse_upgrade(conn, status, why);
    }
    conn->subscriber = mem_alloc(sizeof(*conn->subscriber));
    conn->subscriber->query = query;
    conn->listener->counts.subscribers++;
    return 0;
}

int ws_begin(struct conn *conn)
{
    if (conn->subscriber == NULL) {
        return -1;
    }
    conn->subscriber->place = feed_enter(conn->listener->feed, &conn->subscriber->query);
    conn->is_live = true;
    (void)lws_callback_on_writable(conn->wsi); /* for the greeting */
    return 0;
}

bool ws_note(struct conn *conn, const char *text, size_t len)
{
    struct subscriber *subscriber = conn->subscriber;
    if (subscriber == NULL || subscriber->n_notes == NOTES_MAX) {
        return false;
    }
    struct note *note = mem_alloc(sizeof(*note) + LWS_PRE + len);
    note->len = len;
    memcpy(note->text + LWS_PRE, text, len);
    if (subscriber->last != NULL) {
        subscriber->last->next = note;
    } else {
        subscriber->first = note;
    }
    subscriber->last = note;
    subscriber->n_notes++;
    (void)lws_callback_on_writable(conn->wsi); /* fails only for what is closed */
    return true;
}

static struct note *take_note(struct subscriber *subscriber)
{
    struct note *note = subscriber->first;
    if (note != NULL) {
        subscriber->first = note->next;
        subscriber->last = note->next != NULL ? subscriber->last : NULL;
        subscriber->n_notes--;
    }
    return note;
}

static int write_note(struct conn *conn)
{
    struct note *note = take_note(conn->subscriber);
    int n = lws_write(conn->wsi, (unsigned char *)note->text + LWS_PRE, note->len,
                      LWS_WRITE_TEXT);
    free(note);
    (void)lws_callback_on_writable(conn->wsi);
    return n < 0 ? -1 : 0;
}

static int close_with(struct conn *conn, int code, const char *why)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%s", why);
    lws_close_reason(conn->wsi, (enum lws_close_status)code, (unsigned char *)text,
                     strlen(text));
    return -1;
}

static void drop_message(struct conn *conn)
{
    struct subscriber *subscriber = conn->subscriber;
    conn->listener->body_bytes -= (int64_t)subscriber->in.len;
    buf_fini(&subscriber->in);
    subscriber->in = (struct buf){0};
}

/* Only what a user says is kept until it is whole; RFC 6455 7.4.1 has the codes. */
int ws_bytes(struct conn *conn, const char *bytes, size_t len)
{
    struct listener *listener = conn->listener;
    struct subscriber *subscriber = conn->subscriber;
    bool is_last =
        lws_is_final_fragment(conn->wsi) && lws_remaining_packet_payload(conn->wsi) == 0;
    if (subscriber == NULL || listener->sender == NULL) {
        return 0; /* commands are not taken at all: nobody is listened to */
    }
    if (lws_frame_is_binary(conn->wsi)) {
        return close_with(conn, 1003, "expected JSON text");
    }
    if (conn->user >= 0) {
        if (subscriber->in.data == NULL) {
            buf_init(&subscriber->in, REQUEST_MAX);
        }
        if (listener->body_bytes + (int64_t)len > listener->limits.bodies_max) {
            return close_with(conn, 1013, "no room for it now");
        }
        if (subscriber->in.len + len > REQUEST_MAX) {
            return close_with(conn, 1009, "the message is too large");
        }
        (void)buf_add(&subscriber->in, bytes, len); /* it fits */
        listener->body_bytes += (int64_t)len;
    }
    if (!is_last) {
        return 0;
    }
    bool is_open = command_message(conn, subscriber->in.data, subscriber->in.len);
    if (conn->user >= 0) {
        drop_message(conn);
    }
    return is_open ? 0 : close_with(conn, 1008, "too much that is not read");
}

int ws_write(struct conn *conn)
{
    struct listener *listener = conn->listener;
    struct subscriber *subscriber = conn->subscriber;
    size_t len = 0;
    char *out = listener->scratch + LWS_PRE;
    if (subscriber == NULL) {
        return -1;
    }
    if (subscriber->first != NULL && subscriber->place.has_hello) {
        return write_note(conn);
    }
    enum feed_result result =
        feed_read(listener->feed, &subscriber->place, &subscriber->query, out, &len);
    if (result == FEED_FAILED) { /* RFC 6455 7.4: 1013, try again later (IANA) */
        return close_with(conn, 1013, "the store cannot be read");
    }
    if (len > 0) {
        /* The frames are ready: this kind of write puts no header before them. */
        if (lws_write(conn->wsi, (unsigned char *)out, len, LWS_WRITE_HTTP) < 0) {
            return -1;
        }
        listener->counts.messages++;
    }
    if (result == FEED_AGAIN || subscriber->first != NULL) {
        (void)lws_callback_on_writable(conn->wsi);
    }
    return 0;
}

void ws_end(struct conn *conn)
{
    struct listener *listener = conn->listener;
    if (conn->subscriber != NULL) {
        command_leave(conn);
        drop_message(conn);
        for (struct note *note; (note = take_note(conn->subscriber)) != NULL;) {
            free(note);
        }
        query_fini(&conn->subscriber->query);
        free(TAKE(conn->subscriber));
        conn->is_live = false;
        if (--listener->counts.subscribers == 0) {
            feed_end(listener->feed);
        }
    }
}

void ws_take_news(struct listener *listener)
{
    if (listener->counts.subscribers == 0) {
        return;
    }
    if (feed_update(listener->feed)) {
        listener_look(listener); /* others first, then the rest */
    }
    for (struct conn *conn = listener->conns; conn != NULL; conn = conn->next) {
        if (conn->is_live && conn->subscriber->place.is_live) {
            (void)lws_callback_on_writable(conn->wsi);
        }
    }
}
