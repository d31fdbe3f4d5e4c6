/* SPDX-License-Identifier: MIT */
#include "tests/lib/visitor.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/digest.h"

#define WAIT_MS 60000

static char *no_origins[1];

/* ---- clerk ----------------------------------------------------------------------------- */

static bool on_webhook(void *user, struct webhook *webhook)
{
    struct clerk *clerk = user;
    atomic_fetch_add(&clerk->n_got, 1);
    return mailbox_put(clerk->inbox, webhook);
}

static void on_rejected(void *user, int64_t n)
{
    struct clerk *clerk = user;
    atomic_fetch_add(&clerk->n_rejected, n);
    atomic_fetch_add(&clerk->n_reports, 1);
}

static void keep(struct clerk *clerk, struct webhook *webhook)
{
    const struct forge_event *event = webhook->event;
    store_add_delivery(clerk->store,
                       &(struct delivery_row){
                           .at = webhook->at,
                           .guid = webhook->guid,
                           .event = webhook->name,
                           .action = event != NULL ? event->action : "",
                           .repository = event != NULL ? event->repository : "",
                           .pull = event != NULL ? event->pull : 0,
                           .sha = event != NULL ? event->sha : "",
                           .status = event != NULL ? DELIVERY_ACCEPTED : DELIVERY_IGNORED,
                           .text = "",
                           .body = webhook->body,
                           .body_len = webhook->body_len,
                       },
                       &webhook->is_new);
}

static void write_event(struct clerk *clerk)
{
    AUTO_FREE char *text = mem_printf("number %lld", (long long)clerk->n_written++);
    (void)store_add_event(
        clerk->store, &(struct event_row){.at = wall_now(),
                                          .workflow = clerk->n_written % 3,
                                          .kind = clerk->n_written % 2 ? "odd" : "even",
                                          .actor = "test",
                                          .text = text});
}

static void commit(struct clerk *clerk)
{
    struct err err = ERR_INIT;
    if (!store_commit(clerk->store, &err)) {
        BUG("the store of a test does not commit");
    }
}

static void *clerk_main(void *user)
{
    struct clerk *clerk = user;
    while (!atomic_load(&clerk->is_ending)) {
        struct pollfd fd = {.fd = mailbox_fd(clerk->inbox), .events = POLLIN};
        bool is_holding = atomic_load(&clerk->is_holding);
        (void)poll(&fd, is_holding ? 0 : 1, is_holding ? 1 : 100);
        void *webhooks[256];
        size_t n = 0;
        if (!atomic_load(
                &clerk->is_holding)) { /* also when it was told while it waited */
            n = mailbox_drain(clerk->inbox, webhooks, ARRAY_LEN(webhooks));
        }
        bool is_kept = !atomic_load(&clerk->is_broken);
        for (size_t i = 0; i < n && is_kept; i++) {
            keep(clerk, webhooks[i]);
        }
        if (n > 0 && is_kept) {
            commit(clerk);
        }
        for (size_t i = 0; i < n; i++) {
            atomic_fetch_add(&clerk->n_kept, is_kept ? 1 : 0);
            listener_answer(clerk->listener, webhooks[i], is_kept);
        }
        while (atomic_load(&clerk->n_events) > 0) {
            if (clerk->write_event != NULL) {
                clerk->write_event(clerk->store);
            } else {
                write_event(clerk);
            }
            commit(clerk);
            atomic_fetch_sub(&clerk->n_events, 1);
            listener_look(clerk->listener);
        }
    }
    return NULL;
}

void clerk_init(struct clerk *clerk, const char *path)
{
    static struct secret_source secret;
    *clerk = (struct clerk){.path = path, .durability = STORE_NORMAL};
    if (secret.env == NULL) {
        secret.env = mem_str("VISITOR_SECRET");
        (void)setenv("VISITOR_SECRET", VISITOR_SECRET, 1);
    }
    clerk->spec.address = (char *)(uintptr_t) "127.0.0.1"; /* only read */
    clerk->spec.secrets = &secret;
    clerk->spec.n_secrets = 1;
    clerk->spec.origins = no_origins;
    clerk->spec.body_max = (int64_t)25 * 1024 * 1024;
    clerk->spec.connections = 512;
    clerk->limits.ping = (struct span){600000}; /* a visitor answers none */
}

bool clerk_open(struct clerk *clerk, struct err *err)
{
    clerk->store = store_open(clerk->path, clerk->durability, err);
    if (clerk->store == NULL) {
        return false;
    }
    store_put_setting(clerk->store, "engine", "{\"state\":\"running\"}");
    commit(clerk);
    clerk->inbox = mailbox_new(1024);
    const struct listener_options options = {.spec = &clerk->spec,
                                             .store = clerk->path,
                                             .on_webhook = on_webhook,
                                             .on_rejected = on_rejected,
                                             .user = clerk,
                                             .limits = clerk->limits};
    clerk->listener = listener_start(&options, err);
    if (clerk->listener == NULL) {
        mailbox_free(clerk->inbox, NULL);
        store_close(clerk->store);
        return false;
    }
    return pthread_create(&clerk->thread, NULL, clerk_main, clerk) == 0;
}

void clerk_close(struct clerk *clerk)
{
    atomic_store(&clerk->is_ending, true);
    mailbox_wake(clerk->inbox);
    (void)pthread_join(clerk->thread, NULL); /* started and joined once */
    listener_stop(clerk->listener);
    mailbox_free(clerk->inbox, (void (*)(void *))webhook_free);
    store_close(clerk->store);
}

void clerk_events(struct clerk *clerk, int n)
{
    atomic_fetch_add(&clerk->n_events, n);
    mailbox_wake(clerk->inbox);
    for (int i = 0; i < WAIT_MS && atomic_load(&clerk->n_events) > 0; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(atomic_load(&clerk->n_events), 0);
}

/* ---- visitor --------------------------------------------------------------------------- */

int visit(const struct clerk *clerk)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)listener_port(clerk->listener)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

void visit_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return; /* the answer tells why */
        }
        bytes += n;
        len -= (size_t)n;
    }
}

void visit_text(int fd, const char *text)
{
    visit_send(fd, text, strlen(text));
}

/* One byte, or false at the end. */
static bool read_bytes(int fd, char *out, size_t len)
{
    for (size_t got = 0; got < len;) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        if (poll(&one, 1, WAIT_MS) != 1) {
            fail_msg("nothing came in a minute");
        }
        ssize_t n = recv(fd, out + got, len - got, 0);
        if (n <= 0) {
            return false;
        }
        got += (size_t)n;
    }
    return true;
}

static bool read_head(int fd, struct buf *head)
{
    char c = '\0';
    while (head->len < 4 || memcmp(head->data + head->len - 4, "\r\n\r\n", 4) != 0) {
        if (!read_bytes(fd, &c, 1) || !buf_char(head, c)) {
            return false;
        }
    }
    return true;
}

struct reply visit_reply(int fd)
{
    struct reply reply = {0};
    struct buf head;
    buf_init(&head, 65536);
    if (read_head(fd, &head)) {
        const char *length = strcasestr(head.data, "Content-Length: ");
        size_t len = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
        reply.status = (int)strtol(head.data + 9, NULL, 10);
        reply.body = mem_alloc(len + 1);
        if (!read_bytes(fd, reply.body, len)) {
            reply.status = 0;
        }
    }
    reply.head = buf_take(&head, NULL);
    if (reply.body == NULL) {
        reply.body = mem_str("");
    }
    return reply;
}

void reply_free(struct reply *reply)
{
    free(reply->head);
    free(reply->body);
    *reply = (struct reply){0};
}

struct reply visit_once(const struct clerk *clerk, const char *text)
{
    int fd = visit(clerk);
    visit_text(fd, text);
    struct reply reply = visit_reply(fd);
    (void)close(fd);
    return reply;
}

bool visit_is_closed(int fd)
{
    char c;
    for (;;) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        if (poll(&one, 1, WAIT_MS) != 1) {
            return false;
        }
        if (recv(fd, &c, 1, 0) <= 0) {
            return true;
        }
    }
}

const char *visit_sign(const char *secret, const char *body, size_t len, char *text)
{
    uint8_t mac[DIGEST_LEN];
    digest_hmac(secret, strlen(secret), body, len, mac);
    memcpy(text, "sha256=", 7);
    (void)digest_format(mac, text + 7);
    return text;
}

char *visit_hook(const char *event, const char *guid, const char *body, size_t *ret_len)
{
    char sign[DIGEST_TEXT_MAX + 8];
    size_t len = strlen(body);
    char *text =
        mem_printf("POST /webhooks/github HTTP/1.1\r\nHost: h\r\n"
                   "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                   "X-GitHub-Event: %s\r\nX-GitHub-Delivery: %s\r\n"
                   "X-Hub-Signature-256: %s\r\n\r\n%s",
                   len, event, guid, visit_sign(VISITOR_SECRET, body, len, sign), body);
    *ret_len = strlen(text);
    return text;
}

struct reply visit_deliver(const struct clerk *clerk, const char *event, const char *guid,
                           const char *body)
{
    size_t len = 0;
    AUTO_FREE char *text = visit_hook(event, guid, body, &len);
    return visit_once(clerk, text);
}

/* ---- WebSocket ------------------------------------------------------------------------- */

int visit_ws(const struct clerk *clerk, const char *path, const char *more,
             int *ret_status)
{
    int fd = visit(clerk);
    AUTO_FREE char *text =
        mem_printf("GET %s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
                   "Connection: keep-alive, Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Version: 13\r\n%s\r\n",
                   path, more);
    visit_text(fd, text);
    struct reply reply = visit_reply(fd);
    *ret_status = reply.status;
    reply_free(&reply);
    if (*ret_status != 101) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

char *visit_message(int fd, int *ret_code)
{
    *ret_code = 0;
    for (;;) {
        unsigned char head[4] = {0};
        if (!read_bytes(fd, (char *)head, 2)) {
            return NULL;
        }
        size_t len = head[1] & 127;
        if (len == 126) {
            if (!read_bytes(fd, (char *)head + 2, 2)) {
                return NULL;
            }
            len = (size_t)head[2] << 8 | head[3];
        }
        assert_true(len < 65536 && (head[1] & 128) == 0); /* a server masks nothing */
        char *text = mem_alloc(len + 1);
        if (!read_bytes(fd, text, len)) {
            free(text);
            return NULL;
        }
        if ((head[0] & 15) == 1) {
            return text;
        }
        if ((head[0] & 15) == 8 && len >= 2) {
            *ret_code = (unsigned char)text[0] << 8 | (unsigned char)text[1];
            free(text);
            return NULL;
        }
        free(text);
    }
}

int64_t message_number(const char *message, const char *key)
{
    AUTO_FREE char *quoted = mem_printf("\"%s\":", key);
    const char *at = strstr(message, quoted);
    return at != NULL ? strtoll(at + strlen(quoted), NULL, 10) : -1;
}
