/* SPDX-License-Identifier: MIT */

/*
 * Webhooks: from the header to the control thread, and back with the answer.
 *
 * The body is hashed as it comes and grows as it comes: what a client only promises to send
 * takes no memory. All bodies in hand together have a bound, too.
 */
#include "engine/io/listener_private.h"

#define BODY_STEP 65536 /* first allocation at most */

static void list_add(struct hook **list, struct hook *hook)
{
    hook->prev = NULL;
    hook->next = *list;
    if (*list != NULL) {
        (*list)->prev = hook;
    }
    *list = hook;
}

static void list_remove(struct hook **list, struct hook *hook)
{
    if (hook->prev != NULL) {
        hook->prev->next = hook->next;
    } else {
        *list = hook->next;
    }
    if (hook->next != NULL) {
        hook->next->prev = hook->prev;
    }
}

static void drop_macs(struct hook *hook)
{
    for (size_t i = 0; i < hook->n_macs; i++) {
        digest_mac_free(hook->macs[i]);
    }
    hook->n_macs = 0;
}

void hook_free(struct listener *listener, struct hook *hook)
{
    if (hook != NULL) {
        drop_macs(hook);
        listener->body_bytes -= (int64_t)hook->cap;
        free(hook->guid);
        free(hook->key);
        free(hook->event);
        free(hook->body);
        webhook_free(hook->webhook);
        free(hook);
    }
}

/* Turned away without a look at the store. */
static void reject(struct conn *conn, int status, const char *text, bool is_closing)
{
    struct listener *listener = conn->listener;
    bool is_command = conn->hook != NULL && conn->hook->is_command;
    hook_free(listener, conn->hook);
    conn->hook = NULL;
    if (is_command) {
        command_refuse(conn, status, text, is_closing);
        return;
    }
    if (status != 503) {
        listener->counts.rejected++;
        listener->counts.rejected_all++;
    }
    conn->text = text;
    conn_answer_whole(conn, status, is_closing);
}

void webhook_begin(struct conn *conn)
{
    struct listener *listener = conn->listener;
    AUTO_FREE char *length = conn_header(conn, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    AUTO_FREE char *transfer = conn_header(conn, WSI_TOKEN_HTTP_TRANSFER_ENCODING);
    AUTO_FREE char *type = conn_header(conn, WSI_TOKEN_HTTP_CONTENT_TYPE);
    AUTO_FREE char *signature = conn_custom_header(conn, "x-hub-signature-256:");
    AUTO_FREE char *guid = conn_custom_header(conn, "x-github-delivery:");
    AUTO_FREE char *event = conn_custom_header(conn, "x-github-event:");
    const struct hook_head head = {length, transfer, type, signature, guid, event};
    struct hook_plan plan;
    hook_check(&head, listener->spec->body_max, &plan);
    conn->is_closing = plan.length == 0; /* see conn_write_answer */
    conn_busy(conn, listener->limits.body_time);
    if (plan.status != 0) {
        reject(conn, plan.status, plan.why, plan.is_closing);
        return;
    }
    const struct secret_values *secrets = keeper_get(listener->keeper);
    struct hook *hook = mem_alloc(sizeof(*hook));
    hook->conn = conn;
    hook->most = listener->spec->body_max;
    hook->plan = plan;
    hook->guid = TAKE(guid);
    hook->event = TAKE(event);
    for (size_t i = 0; i < secrets->n_hooks; i++) {
        hook->macs[hook->n_macs++] = digest_mac_new(secrets->hooks[i], secrets->lens[i]);
    }
    conn->hook = hook;
}

/* Room for len bytes more. False: refused. */
static bool reserve(struct conn *conn, size_t len)
{
    struct listener *listener = conn->listener;
    struct hook *hook = conn->hook;
    size_t total = hook->len + len;
    size_t most = (size_t)hook->most;
    if (total > most) { /* only chunks come here; the others were asked before */
        reject(conn, 413, "body is too large", true);
        return false;
    }
    if (total + 1 <= hook->cap) {
        return true;
    }
    size_t said = hook->plan.length >= 0 ? (size_t)hook->plan.length : most;
    size_t cap = hook->cap > 0 ? hook->cap * 2 : BODY_STEP;
    cap = cap > said ? said : cap;
    cap = cap < total ? total : cap;
    cap += 1; /* a NUL for who reads it as text */
    if (listener->body_bytes + (int64_t)(cap - hook->cap) > listener->limits.bodies_max) {
        reject(conn, 503, "no room for it now", true);
        return false;
    }
    listener->body_bytes += (int64_t)(cap - hook->cap);
    hook->body = mem_grow(hook->body, cap, 1);
    hook->cap = cap;
    return true;
}

static bool add_data(struct conn *conn, const char *data, size_t len)
{
    if (!reserve(conn, len)) {
        return false;
    }
    struct hook *hook = conn->hook;
    memcpy(hook->body + hook->len, data, len);
    hook->len += len;
    hook->body[hook->len] = '\0';
    for (size_t i = 0; i < hook->n_macs; i++) {
        digest_mac_add(hook->macs[i], data, len);
    }
    return true;
}

/* Every secret is tried whatever the others said: the time tells nothing. */
static bool is_signed(struct hook *hook)
{
    bool is_right = false;
    for (size_t i = 0; i < hook->n_macs; i++) {
        uint8_t mac[DIGEST_LEN];
        digest_mac_end(hook->macs[i], mac);
        is_right |= digest_is_equal(mac, hook->plan.mac, DIGEST_LEN);
    }
    drop_macs(hook);
    return is_right;
}

static struct webhook *make_webhook(struct hook *hook)
{
    struct webhook *webhook = mem_alloc(sizeof(*webhook));
    struct err err = ERR_INIT;
    webhook->guid = TAKE(hook->guid);
    webhook->name = TAKE(hook->event);
    webhook->body = TAKE(hook->body);
    webhook->body_len = hook->len;
    webhook->at = wall_now();
    webhook->ticket = hook;
    if (forge_event_kind(webhook->name) != FORGE_OTHER) {
        struct forge_event *event = mem_alloc(sizeof(*event));
        if (forge_event_parse(webhook->name, webhook->body, webhook->body_len, event,
                              &err)) {
            webhook->event = event;
        } else { /* signed, so it is GitHub's; a shape that is not known is kept, unused */
            free(event);
        }
    }
    return webhook;
}

static void hand_over(struct conn *conn)
{
    struct listener *listener = conn->listener;
    struct hook *hook = conn->hook;
    if (listener->n_handed >= listener->limits.webhooks_max) {
        reject(conn, 503, "no room for it now", false);
        return;
    }
    struct webhook *webhook = make_webhook(hook);
    hook->is_handed = true;
    list_add(&listener->handed, hook);
    listener->n_handed++;
    conn_busy(conn, listener->limits.answer_time);
    if (!listener->options.on_webhook(listener->options.user, webhook)) {
        list_remove(&listener->handed, hook);
        listener->n_handed--;
        webhook_free(webhook);
        reject(conn, 503, "no room for it now", false);
    }
}

static void finish(struct conn *conn)
{
    struct hook *hook = conn->hook;
    hook->is_whole = true;
    conn->is_closing |= hook->plan.is_chunked; /* libwebsockets knows no end of chunks */
    if (hook->body == NULL && !reserve(conn, 0)) {
        return;
    }
    if (hook->is_command) {
        conn->hook = NULL;
        command_whole(conn, hook);
        return;
    }
    if (!is_signed(hook)) {
        reject(conn, 401, "X-Hub-Signature-256 is wrong", conn->is_closing);
    } else if (!hook_is_an_object(hook->body, hook->len)) {
        reject(conn, 400, "the body is no JSON object", conn->is_closing);
    } else {
        hand_over(conn);
    }
}

static void read_chunks(struct conn *conn, const char *bytes, size_t len)
{
    const char *at = bytes, *end = bytes + len, *data = NULL;
    size_t n = 0;
    for (;;) {
        switch (hook_chunk(&conn->hook->chunks, &at, end, &data, &n)) {
        case HOOK_DATA:
            if (!add_data(conn, data, n)) {
                return;
            }
            break;
        case HOOK_MORE:
            return;
        case HOOK_BAD:
            reject(conn, 400, "chunks are broken", true);
            return;
        case HOOK_END:
            finish(conn);
            return;
        }
    }
}

void webhook_bytes(struct conn *conn, const char *bytes, size_t len)
{
    struct hook *hook = conn->hook;
    if (hook == NULL || hook->is_whole || len == 0) {
        return; /* answered already; the rest is read and dropped */
    }
    if (hook->plan.is_chunked) {
        read_chunks(conn, bytes, len);
    } else {
        (void)add_data(conn, bytes, len); /* false: refused, with an answer */
    }
}

void webhook_whole(struct conn *conn)
{
    struct hook *hook = conn->hook;
    if (hook == NULL && conn->status != 0) {
        conn_answer(conn, conn->status, conn->text, conn->is_closing); /* was put off */
        return;
    }
    if (hook == NULL || hook->is_whole) {
        return;
    }
    if (hook->plan.is_chunked) { /* the most that is read of chunks, and no end yet */
        reject(conn, 413, "body is too large", true);
    } else {
        finish(conn);
    }
}

void webhook_leave(struct conn *conn)
{
    struct hook *hook = TAKE(conn->hook);
    if (hook != NULL && hook->is_handed) {
        hook->conn = NULL; /* it comes back, and is kept without an answer */
    } else {
        hook_free(conn->listener, hook);
    }
}

static void answer(struct listener *listener, struct hook *hook)
{
    struct conn *conn = hook->conn;
    list_remove(&listener->handed, hook);
    listener->n_handed--;
    if (conn != NULL) {
        const struct webhook *webhook = hook->webhook;
        conn->hook = NULL;
        if (!hook->is_kept) {
            conn_answer(conn, 503, "the store cannot be written", conn->is_closing);
        } else if (!webhook->is_new) {
            conn_answer(conn, 200, "came before", conn->is_closing);
        } else if (webhook->event == NULL) {
            conn_answer(conn, 202, "kept; nothing here uses it", conn->is_closing);
        } else {
            conn_answer(conn, 200, "kept", conn->is_closing);
        }
    }
    hook_free(listener, hook);
}

void webhook_take_answers(struct listener *listener)
{
    void *hooks[256];
    size_t n = mailbox_drain(listener->answers, hooks, ARRAY_LEN(hooks));
    for (size_t i = 0; i < n; i++) {
        answer(listener, hooks[i]);
    }
}

void listener_answer(struct listener *listener, struct webhook *webhook, bool is_kept)
{
    struct hook *hook = webhook->ticket;
    hook->webhook = webhook;
    hook->is_kept = is_kept;
    if (!mailbox_put(listener->answers, hook)) {
        BUG("more answers than webhooks");
    }
}
