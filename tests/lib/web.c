/* SPDX-License-Identifier: MIT */
#include "tests/lib/web.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

#define EVENTS      256
#define REQUEST_MAX (4 * 1024 * 1024)
#define ANSWER_MAX  (64 * 1024 * 1024)

struct guest {
    struct guest *next, **at;
    int fd, n_requests;
    struct buf in, out;
    size_t sent;
    bool is_held, is_ending, wants_out;
};

struct web {
    web_handler *handler;
    void *user;
    int fd, wake, epoll, port;
    pthread_t thread;
    atomic_bool is_ending, is_released;
    atomic_int n_requests, n_connections, n_held;
    struct guest *guests;
};

static void must(bool is_fine)
{
    if (!is_fine) {
        BUG("the test's server cannot go on");
    }
}

static void leave(const struct web *web, struct guest *guest)
{
    /* Closing alone is not enough when a forked child has a copy of it. */
    (void)epoll_ctl(web->epoll, EPOLL_CTL_DEL, guest->fd, NULL);
    *guest->at = guest->next;
    if (guest->next != NULL) {
        guest->next->at = guest->at;
    }
    (void)close(guest->fd);
    buf_fini(&guest->in);
    buf_fini(&guest->out);
    free(guest);
}

static void watch(const struct web *web, struct guest *guest, bool wants_out)
{
    if (guest->wants_out != wants_out) {
        struct epoll_event event = {.events = EPOLLIN | (wants_out ? EPOLLOUT : 0U),
                                    .data.ptr = guest};
        guest->wants_out = wants_out;
        must(epoll_ctl(web->epoll, EPOLL_CTL_MOD, guest->fd, &event) == 0);
    }
}

/* False: the guest is gone. */
static bool flush(const struct web *web, struct guest *guest)
{
    while (guest->sent < guest->out.len && !guest->is_held) {
        ssize_t n = send(guest->fd, guest->out.data + guest->sent,
                         guest->out.len - guest->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0) {
            break;
        }
        guest->sent += (size_t)n;
    }
    bool has_more = guest->sent < guest->out.len;
    if (!has_more) {
        buf_clear(&guest->out);
        guest->sent = 0;
    }
    if (!has_more && guest->is_ending) {
        leave(web, guest);
        return false;
    }
    watch(web, guest, has_more && !guest->is_held);
    return true;
}

/* Length of the complete request at the beginning of in, its head's length; 0 = not yet. */
static size_t whole(const struct buf *in, size_t *ret_head)
{
    const char *end = strstr(in->data, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }
    *ret_head = (size_t)(end - in->data) + 4;
    const char *length = strcasestr(in->data, "\r\ncontent-length:");
    size_t body =
        length != NULL && length < end ? (size_t)strtoul(length + 17, NULL, 10) : 0;
    return in->len >= *ret_head + body ? *ret_head + body : 0;
}

static enum web_after answer(struct web *web, struct guest *guest, size_t len,
                             size_t head)
{
    AUTO_FREE char *lines = mem_strn(guest->in.data, head);
    AUTO_FREE char *body = mem_strn(guest->in.data + head, len - head);
    AUTO_FREE char *first = mem_strn(lines, strcspn(lines, "\r"));
    char *rest = first;
    const char *method = strsep(&rest, " "), *path = strsep(&rest, " ");
    const struct web_request request = {method, path,       lines,
                                        body,   len - head, guest->n_requests};
    guest->n_requests++;
    atomic_fetch_add(&web->n_requests, 1);
    return web->handler(web->user, &request, &guest->out);
}

/* False: the guest is gone. */
static bool serve(struct web *web, struct guest *guest)
{
    size_t head = 0, len;
    while ((len = whole(&guest->in, &head)) > 0) {
        enum web_after after = answer(web, guest, len, head);
        memmove(guest->in.data, guest->in.data + len, guest->in.len - len + 1);
        guest->in.len -= len;
        if (after == WEB_RESET) {
            struct linger linger = {.l_onoff = 1, .l_linger = 0};
            must(setsockopt(guest->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) ==
                 0);
            leave(web, guest);
            return false;
        }
        guest->is_ending = after == WEB_CLOSE;
        if (after == WEB_HOLD && !atomic_load(&web->is_released)) {
            guest->is_held = true;
            atomic_fetch_add(&web->n_held, 1);
        }
        if (!flush(web, guest)) {
            return false;
        }
    }
    return true;
}

static void on_guest(struct web *web, struct guest *guest, uint32_t events)
{
    char bytes[16384];
    if ((events & EPOLLOUT) && !flush(web, guest)) {
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t n = recv(guest->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n <= 0) {
            leave(web, guest);
            return;
        }
        must(buf_add(&guest->in, bytes, (size_t)n));
        (void)serve(web, guest); /* it may be gone */
    }
}

static void on_connection(struct web *web)
{
    int fd = accept4(web->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct guest *guest = mem_alloc(sizeof(*guest));
    guest->fd = fd;
    buf_init(&guest->in, REQUEST_MAX);
    buf_init(&guest->out, ANSWER_MAX);
    guest->next = web->guests;
    guest->at = &web->guests;
    if (guest->next != NULL) {
        guest->next->at = &guest->next;
    }
    web->guests = guest;
    atomic_fetch_add(&web->n_connections, 1);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = guest};
    must(epoll_ctl(web->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void on_wake(struct web *web)
{
    uint64_t count;
    must(read(web->wake, &count, sizeof(count)) == sizeof(count));
    for (struct guest *guest = web->guests, *next; guest != NULL; guest = next) {
        next = guest->next;
        if (guest->is_held && atomic_load(&web->is_released)) {
            guest->is_held = false;
            atomic_fetch_sub(&web->n_held, 1);
            (void)flush(web, guest); /* it may be gone */
        }
    }
}

static void *run(void *user)
{
    struct web *web = user;
    struct epoll_event events[EVENTS];
    while (!atomic_load(&web->is_ending)) {
        int n = epoll_wait(web->epoll, events, EVENTS, -1);
        bool is_woken = false;
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == web) {
                on_connection(web);
            } else if (events[i].data.ptr == &web->wake) {
                is_woken = true;
            } else {
                on_guest(web, events[i].data.ptr, events[i].events);
            }
        }
        if (is_woken) { /* last: it may end guests whose event stands further back */
            on_wake(web);
        }
    }
    return NULL;
}

struct web *web_start(web_handler *handler, void *user)
{
    struct web *web = mem_alloc(sizeof(*web));
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    web->handler = handler;
    web->user = user;
    web->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    web->wake = eventfd(0, EFD_CLOEXEC);
    web->epoll = epoll_create1(EPOLL_CLOEXEC);
    must(web->fd >= 0 && web->wake >= 0 && web->epoll >= 0);
    must(bind(web->fd, (struct sockaddr *)&address, len) == 0);
    must(getsockname(web->fd, (struct sockaddr *)&address, &len) == 0);
    must(listen(web->fd, 4096) == 0);
    web->port = ntohs(address.sin_port);
    struct epoll_event door = {.events = EPOLLIN, .data.ptr = web};
    struct epoll_event wake = {.events = EPOLLIN, .data.ptr = &web->wake};
    must(epoll_ctl(web->epoll, EPOLL_CTL_ADD, web->fd, &door) == 0);
    must(epoll_ctl(web->epoll, EPOLL_CTL_ADD, web->wake, &wake) == 0);
    must(pthread_create(&web->thread, NULL, run, web) == 0);
    return web;
}

static void wake_up(const struct web *web)
{
    uint64_t one = 1;
    must(write(web->wake, &one, sizeof(one)) == sizeof(one));
}

void web_stop(struct web *web)
{
    atomic_store(&web->is_ending, true);
    wake_up(web);
    must(pthread_join(web->thread, NULL) == 0);
    while (web->guests != NULL) {
        leave(web, web->guests);
    }
    (void)close(web->fd);
    (void)close(web->wake);
    (void)close(web->epoll);
    free(web);
}

void web_release(struct web *web)
{
    atomic_store(&web->is_released, true);
    wake_up(web);
}

int web_port(const struct web *web)
{
    return web->port;
}

int web_requests(const struct web *web)
{
    return atomic_load(&web->n_requests);
}

int web_connections(const struct web *web)
{
    return atomic_load(&web->n_connections);
}

int web_held(const struct web *web)
{
    return atomic_load(&web->n_held);
}

void web_answer(struct buf *answer, const char *status, const char *headers,
                const char *body, size_t len)
{
    buf_printf(answer, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status, len,
               headers);
    buf_add(answer, body, len);
}
