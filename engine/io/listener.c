/* SPDX-License-Identifier: MIT */

/*
 * The thread, its connections and their bounds.
 *
 * The door is ours, not the library's: with a socket of our own the address is taken or
 * refused with its reason, a connection too many gets an answer, and the door can be shut
 * while there are no descriptors. A sweep each second closes what is past its deadline, so
 * that a byte now and then keeps nobody alive.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/io/listener_private.h"

#define ACCEPTS     64 /* at one turn */
#define BACKLOG     4096
#define SEND_BUFFER 65536 /* bytes in the kernel for one that does not read */
#define HEADER_MAX  4096  /* of one request; GitHub's is about 1 KiB */
#define READ_MAX    32768 /* bytes at one read */
#define FDS_KEPT    4096  /* descriptors for everybody else */
#define COMPLETIONS 64    /* of one body, see conn_write_answer */
#define WS_READ_MAX 1024  /* bytes of a subscriber at one read */
#define ASKS_BACK   257   /* commands that may come back at once: all in hand */

struct role listener_thread;

static const struct listener_limits defaults = {
    .header_time = {10000},
    .body_time = {60000},
    .answer_time = {9000},
    .command_time = {5000},
    .idle_time = {60000},
    .ping = {30000},
    .pong = {10000},
    .bodies_max = 128 * 1024 * 1024,
    .webhooks_max = 4096,
    .command_burst = TAP_BURST,
    .feed_events = 8192,
};

/* ---- connections ----------------------------------------------------------------------- */

struct conn *conn_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

static void set_deadline(struct conn *conn, struct span time)
{
    conn->deadline.ns = mono_now().ns + time.ms * 1000000;
}

static void leave_idle(struct conn *conn)
{
    struct listener *listener = conn->listener;
    if (!conn->is_idle) {
        return;
    }
    if (conn->idle_prev != NULL) {
        conn->idle_prev->idle_next = conn->idle_next;
    } else {
        listener->idle_first = conn->idle_next;
    }
    if (conn->idle_next != NULL) {
        conn->idle_next->idle_prev = conn->idle_prev;
    } else {
        listener->idle_last = conn->idle_prev;
    }
    conn->idle_prev = conn->idle_next = NULL;
    conn->is_idle = false;
}

static void enter_idle(struct conn *conn, struct span time)
{
    struct listener *listener = conn->listener;
    leave_idle(conn);
    conn->idle_prev = listener->idle_last;
    if (listener->idle_last != NULL) {
        listener->idle_last->idle_next = conn;
    } else {
        listener->idle_first = conn;
    }
    listener->idle_last = conn;
    conn->is_idle = true;
    set_deadline(conn, time);
}

void conn_idle(struct conn *conn)
{
    enter_idle(conn, conn->listener->limits.idle_time);
}

void conn_busy(struct conn *conn, struct span time)
{
    leave_idle(conn);
    set_deadline(conn, time);
}

void conn_kill(struct conn *conn)
{
    if (!conn->is_dying) {
        conn->is_dying = true;
        conn->listener->n_dying++;
        leave_idle(conn);
        lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
}

/* The library's timers stand in one sorted list that is walked for each new one: with ten
 * thousand idle connections that is all that is done. The sweep knows the deadlines. */
static void no_timer(struct lws *wsi)
{
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
}

void conn_no_timer(struct conn *conn)
{
    no_timer(conn->wsi);
}

static struct conn *conn_new(struct listener *listener)
{
    struct conn *conn = mem_alloc(sizeof(*conn));
    conn->listener = listener;
    conn->user = -1;
    conn->next = listener->conns;
    if (listener->conns != NULL) {
        listener->conns->prev = conn;
    }
    listener->conns = conn;
    listener->n_conns++;
    enter_idle(conn, listener->limits.header_time);
    return conn;
}

static void conn_free(struct conn *conn)
{
    struct listener *listener = conn->listener;
    leave_idle(conn);
    webhook_leave(conn);
    command_leave(conn);
    ws_end(conn);
    if (conn->prev != NULL) {
        conn->prev->next = conn->next;
    } else {
        listener->conns = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
    listener->n_conns--;
    listener->n_dying -= conn->is_dying ? 1 : 0;
    free(conn->body);
    free(conn);
}

char *conn_header(struct conn *conn, enum lws_token_indexes token)
{
    int len = lws_hdr_total_length(conn->wsi, token);
    if (len <= 0) {
        return NULL;
    }
    char *text = mem_alloc((size_t)len + 1);
    if (lws_hdr_copy(conn->wsi, text, len + 1, token) < 0) {
        text[0] = '\0';
    }
    return text;
}

char *conn_custom_header(struct conn *conn, const char *name)
{
    int name_len = (int)strlen(name);
    int len = lws_hdr_custom_length(conn->wsi, name, name_len);
    if (len < 0) {
        return NULL;
    }
    char *text = mem_alloc((size_t)len + 1);
    if (lws_hdr_custom_copy(conn->wsi, text, len + 1, name, name_len) < 0) {
        text[0] = '\0';
    }
    return text;
}

/* ---- the door -------------------------------------------------------------------------- */

/* All places are taken and nobody is idle. What the client has sent is not read. */
static void turn_away(struct listener *listener, int fd)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
                               "Content-Length: 0\r\nConnection: close\r\n\r\n";
    listener->counts.refused++;
    if (!listener->has_tls) {
        ssize_t n = send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)n; /* told if it can be */
        (void)shutdown(fd, SHUT_WR);
    }
    (void)close(fd);
}

/* The connection that has been idle longest gives way. */
static bool evict(struct listener *listener)
{
    if (listener->idle_first == NULL) {
        return false;
    }
    listener->counts.evicted++;
    /* conn_free takes it out of this list */
    conn_kill(listener->idle_first); // NOLINT(clang-analyzer-unix.Malloc)
    return true;
}

/* A place for one more. */
static bool has_place(struct listener *listener)
{
    if (listener->n_conns - listener->n_dying < listener->max_conns) {
        return true;
    }
    return listener->n_dying < listener->max_conns && evict(listener);
}

static void adopt(struct listener *listener, int fd)
{
    int one = 1, size = SEND_BUFFER;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* latency only */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));  /* a wish */
    struct conn *conn = conn_new(listener);
    lws_sock_file_fd_type descriptor = {.sockfd = fd};
    const lws_adopt_desc_t desc = {
        .vh = listener->vhost,
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP |
                (listener->has_tls ? LWS_ADOPT_ALLOW_SSL : 0),
        .fd = descriptor,
        .opaque = conn,
    };
    listener->adopting = conn;
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&desc);
    bool is_left = listener->adopting != NULL;
    listener->adopting = NULL;
    if (wsi != NULL) {
        no_timer(wsi);
    } else if (is_left) { /* it never became a connection; the library closed it */
        conn_free(conn);
    }
}

/* An idle connection gives its own; when there is none, the door stays shut until the next
 * sweep: poll(2) would say for ever that somebody knocks. */
static void on_no_descriptor(struct listener *listener)
{
    if (!evict(listener)) {
        listener->is_door_shut = true;
        (void)lws_rx_flow_control(listener->door, 0);
    }
}

static void open_door(struct listener *listener)
{
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(lws_get_socket_fd(listener->door), NULL, NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                errno == ENOMEM) {
                on_no_descriptor(listener);
            }
            return;
        }
        if (has_place(listener)) {
            adopt(listener, fd);
        } else {
            turn_away(listener, fd);
        }
    }
}

static int on_door(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                   void *in, size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_RAW_RX_FILE) {
        open_door(lws_context_user(lws_get_context(wsi)));
    }
    return 0;
}

static int on_wake(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                   void *in, size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_RAW_RX_FILE) {
        struct listener *listener = lws_context_user(lws_get_context(wsi));
        webhook_take_answers(listener); /* clears the descriptor */
        bool has_news = atomic_exchange(&listener->has_news, false);
        command_take(listener); /* clears the other one */
        if (has_news) {
            ws_take_news(listener);
        }
    }
    return 0;
}

/* ---- requests -------------------------------------------------------------------------- */

static int on_request(struct conn *conn, const char *path)
{
    conn->n_completions = 0;
    conn_busy(conn, conn->listener->limits.answer_time);
    route_request(conn, path);
    return 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                   void *in, size_t len)
{
    struct conn *conn = conn_of(wsi);
    (void)user;
    if (conn == NULL) {
        return 0; /* the library's own affairs */
    }
    switch (reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        conn->wsi = wsi;
        return 0;
    case LWS_CALLBACK_HTTP:
        return on_request(conn, in);
    case LWS_CALLBACK_HTTP_BODY:
        webhook_bytes(conn, in, len);
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        if (++conn->n_completions > COMPLETIONS) {
            return -1;
        }
        webhook_whole(conn);
        if ((conn->hook != NULL || conn->n_asks > 0) && conn->status == 0) {
            (void)lws_rx_flow_control(wsi,
                                      0); /* the next request waits for this answer */
        }
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return conn_write_answer(conn);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        conn_busy(conn, conn->listener->limits.answer_time);
        return ws_check(conn);
    case LWS_CALLBACK_ESTABLISHED:
        conn->deadline.ns = 0;
        return ws_begin(conn);
    case LWS_CALLBACK_RECEIVE:
        return ws_bytes(conn, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return ws_write(conn);
    case LWS_CALLBACK_CLOSED:
        ws_end(conn);
        return 0;
    case LWS_CALLBACK_CLOSED_HTTP:
        webhook_leave(conn);
        command_leave(conn);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (conn->listener->adopting == conn) {
            conn->listener->adopting = NULL;
        }
        conn_free(conn);
        lws_set_opaque_user_data(wsi, NULL);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {"http",            on_http, 0, WS_READ_MAX, 0, NULL, FEED_ROOM},
    {LISTENER_PROTOCOL, on_http, 0, WS_READ_MAX, 0, NULL, FEED_ROOM},
    {"door",            on_door, 0, 0,           0, NULL, 0        },
    {"wake",            on_wake, 0, 0,           0, NULL, 0        },
    {NULL,              NULL,    0, 0,           0, NULL, 0        },
};

/* ---- the sweep ------------------------------------------------------------------------- */

static void check_deadline(struct conn *conn, struct mono now)
{
    if (conn->deadline.ns == 0 || conn->deadline.ns > now.ns || conn->is_dying) {
        return;
    }
    if (conn->is_idle || conn->status != 0 || conn->is_closing) {
        conn_kill(conn);
    } else if (conn->hook != NULL && conn->hook->is_handed) {
        webhook_leave(conn);
        set_deadline(conn, conn->listener->limits.header_time);
        conn_answer(conn, 503, "the engine is busy", true);
    } else if (conn->hook != NULL) {
        webhook_leave(conn);
        set_deadline(conn, conn->listener->limits.header_time);
        conn_answer(conn, 408, "the body took too long", true);
    } else {
        conn_kill(conn);
    }
}

static void on_tick(lws_sorted_usec_list_t *timer)
{
    struct listener *listener = ((struct tick *)(void *)timer)->listener;
    struct mono now = mono_now();
    for (struct conn *conn = listener->conns; conn != NULL; conn = conn->next) {
        check_deadline(conn, now);
    }
    command_tick(listener, now);
    if (listener->is_door_shut) {
        listener->is_door_shut = false;
        (void)lws_rx_flow_control(listener->door, 1);
    }
    if (listener->counts.rejected > 0 && listener->options.on_rejected != NULL) {
        listener->options.on_rejected(listener->options.user, listener->counts.rejected);
        listener->counts.rejected = 0;
    }
    lws_sul_schedule(listener->context, 0, timer, on_tick, LWS_US_PER_SEC);
}

static void *listener_main(void *user)
{
    struct listener *listener = user;
    assert_role(&listener_thread);
    (void)pthread_setname_np(pthread_self(), "listener");
    listener->tick.listener = listener;
    lws_sul_schedule(listener->context, 0, &listener->tick.timer, on_tick,
                     LWS_US_PER_SEC);
    while (!atomic_load(&listener->is_stopping) &&
           lws_service(listener->context, 0) >= 0) {
    }
    return NULL;
}

/* ---- start and stop -------------------------------------------------------------------- */

static int bind_to(const struct addrinfo *info, struct err *err)
{
    int one = 1;
    AUTO_CLOSE int fd =
        socket(info->ai_family, info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        (void)err_sys(err, "making a socket");
        return -1;
    }
    /* A restarted engine finds its address free, whatever connections linger. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        (void)err_sys(err, "taking the address");
        err->code = ERR_IO;
        return -1;
    }
    int taken = fd;
    fd = -1;
    return taken;
}

static int listen_at(const struct listener_spec *spec, struct err *err)
{
    char port[16];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    (void)snprintf(port, sizeof(port), "%d", spec->port);
    int failed = getaddrinfo(spec->address, port, &hints, &list);
    if (failed != 0) {
        (void)err_set(err, ERR_IO, "listener: %s: %s", spec->address,
                      gai_strerror(failed));
        return -1;
    }
    int fd = bind_to(list, err);
    freeaddrinfo(list);
    if (fd < 0) {
        (void)err_wrap(err, "listener: %s port %d", spec->address, spec->port);
    }
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof(at);
    char port[16] = "0";
    if (getsockname(fd, (struct sockaddr *)&at, &len) == 0) {
        (void)getnameinfo((struct sockaddr *)&at, len, NULL, 0, port, sizeof(port),
                          NI_NUMERICSERV);
    }
    return (int)strtol(port, NULL, 10);
}

/* The library's tables are as long as the limit of descriptors at this moment. */
static int most_conns(int wanted)
{
    struct rlimit limit = {0};
    rlim_t needed = (rlim_t)wanted + FDS_KEPT;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) {
        return wanted;
    }
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* fewer connections at once otherwise */
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t most = limit.rlim_cur / 2; /* where descriptors are scarce, half of them */
    if (limit.rlim_cur > 2 * FDS_KEPT) {
        most = limit.rlim_cur - FDS_KEPT;
    }
    return most < (rlim_t)wanted ? (int)most : wanted;
}

/* The library ignores SIGPIPE for the whole process; that is not its decision. */
static void make_context(struct listener *listener)
{
    const struct listener_limits *limits = &listener->limits;
    struct lws_context_creation_info info = {0};
    struct sigaction before;
    lws_set_log_level(0, NULL);
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.user = listener;
    info.vhost_name = "signalbox";
    info.alpn = "http/1.1";
    /* Deadlines are the sweep's; the library's own come later, for what it knows alone. */
    info.timeout_secs = (unsigned int)((limits->header_time.ms + limits->body_time.ms +
                                        limits->answer_time.ms) /
                                       1000) +
                        5;
    info.keepalive_timeout = (int)(limits->idle_time.ms / 1000) + 5;
    info.max_http_header_data = HEADER_MAX;
    info.max_http_header_pool =
        (unsigned short)(listener->max_conns < 60000 ? listener->max_conns + 64 : 60000);
    info.pt_serv_buf_size = READ_MAX;
    info.retry_and_idle_policy = &listener->retry;
    if (listener->has_tls) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = listener->spec->certificate;
        info.ssl_private_key_filepath = listener->spec->key;
    }
    (void)sigaction(SIGPIPE, NULL, &before); /* cannot fail */
    listener->context = lws_create_context(&info);
    if (listener->context != NULL) {
        listener->vhost = lws_create_vhost(listener->context, &info);
    }
    (void)sigaction(SIGPIPE, &before, NULL);
}

static struct lws *adopt_file(struct listener *listener, int fd, const char *protocol)
{
    lws_sock_file_fd_type descriptor = {.filefd = fd};
    return lws_adopt_descriptor_vhost(listener->vhost, LWS_ADOPT_RAW_FILE_DESC,
                                      descriptor, protocol, NULL);
}

/* The library closes what it adopts; the mailbox closes its own. */
static bool adopt_mailbox(struct listener *listener, const struct mailbox *mailbox)
{
    int wake = fcntl(mailbox_fd(mailbox), F_DUPFD_CLOEXEC, 0);
    return wake >= 0 && adopt_file(listener, wake, "wake") != NULL;
}

static bool make_library(struct listener *listener, struct err *err)
{
    const struct listener_spec *spec = listener->spec;
    int fd = listen_at(spec, err);
    if (fd < 0) {
        return false;
    }
    listener->port = port_of(fd);
    make_context(listener);
    if (listener->vhost == NULL) {
        (void)close(fd);
        return listener->has_tls
                   ? err_set(err, ERR_CONFIG,
                             "listener: certificate %s or key %s cannot be "
                             "used",
                             spec->certificate, spec->key)
                   : err_set(err, ERR_IO, "listener: libwebsockets does not start");
    }
    listener->door = adopt_file(listener, fd, "door");
    if (listener->door == NULL || !adopt_mailbox(listener, listener->answers) ||
        !adopt_mailbox(listener, listener->sent)) {
        return err_set(err, ERR_IO, "listener: no descriptors");
    }
    return true;
}

static void fill_limits(struct listener_limits *limits)
{
#define DEFAULT(field, is_unset)                                                         \
    limits->field = (is_unset) ? defaults.field : limits->field
    DEFAULT(header_time, limits->header_time.ms == 0);
    DEFAULT(body_time, limits->body_time.ms == 0);
    DEFAULT(answer_time, limits->answer_time.ms == 0);
    DEFAULT(command_time, limits->command_time.ms == 0);
    DEFAULT(idle_time, limits->idle_time.ms == 0);
    DEFAULT(ping, limits->ping.ms == 0);
    DEFAULT(pong, limits->pong.ms == 0);
    DEFAULT(bodies_max, limits->bodies_max == 0);
    DEFAULT(webhooks_max, limits->webhooks_max == 0);
    DEFAULT(command_burst, limits->command_burst == 0);
    DEFAULT(feed_events, limits->feed_events == 0);
#undef DEFAULT
}

static void free_parts(struct listener *listener)
{
    sender_stop(listener->sender);
    if (listener->context != NULL) {
        lws_context_destroy(listener->context);
    }
    mailbox_free(listener->answers, NULL); /* what is in it is still among the handed */
    mailbox_free(listener->sent, NULL);    /* likewise */
    while (listener->asks != NULL) {
        ask_free(listener, listener->asks);
    }
    while (listener->handed != NULL) {
        struct hook *hook = listener->handed;
        listener->handed = hook->next;
        hook_free(listener, hook);
    }
    feed_free(listener->feed);
    reader_close(listener->reader);
    arena_free(listener->arena);
    listener_series_free(listener->series);
    keeper_free(listener->keeper);
    free(listener->scratch);
    free(listener->store);
    free(listener);
}

static bool start_thread(struct listener *listener, struct err *err)
{
    sigset_t all, old;
    (void)sigfillset(&all); /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    errno = pthread_create(&listener->thread, NULL, listener_main, listener);
    listener->has_thread = errno == 0;
    if (!listener->has_thread) {
        (void)err_sys(err, "starting the listener");
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return listener->has_thread;
}

/* Without tokens of users there are no commands. */
static bool start_sender(struct listener *listener, struct err *err)
{
    const struct sender_options options = {.store = listener->store,
                                           .max = ASKS_BACK - 1,
                                           .done = listener->sent,
                                           .on_command = listener->options.on_command,
                                           .user = listener->options.user};
    if (listener->spec->n_users > 0) {
        listener->sender = sender_start(&options, err);
    }
    return listener->spec->n_users == 0 || listener->sender != NULL;
}

struct listener *listener_start(const struct listener_options *options, struct err *err)
{
    const struct listener_spec *spec = options->spec;
    struct listener *listener = mem_alloc(sizeof(*listener));
    listener->options = *options;
    listener->spec = spec;
    listener->limits = options->limits;
    fill_limits(&listener->limits);
    listener->store = mem_str(options->store);
    listener->is_loopback = listener_is_local(spec);
    listener->has_tls = spec->certificate != NULL && spec->certificate[0] != '\0';
    listener->max_conns = most_conns(spec->connections);
    listener->retry = (lws_retry_bo_t){
        .secs_since_valid_ping = (uint16_t)((listener->limits.ping.ms + 999) / 1000),
        .secs_since_valid_hangup =
            (uint16_t)((listener->limits.ping.ms + listener->limits.pong.ms + 999) /
                       1000),
    };
    listener->answers = mailbox_new(listener->limits.webhooks_max + 1);
    listener->sent = mailbox_new(ASKS_BACK);
    listener->feed = feed_new(options->store, listener->limits.feed_events);
    listener->arena = arena_new();
    listener->series = listener_series_new(options->store);
    listener->scratch = mem_alloc(LWS_PRE + FEED_ROOM);
    listener->started_at = mono_now();
    listener->keeper = keeper_new(spec, err);
    if (listener->keeper == NULL || !make_library(listener, err) ||
        !start_sender(listener, err) || !start_thread(listener, err)) {
        free_parts(listener);
        return NULL;
    }
    return listener;
}

void listener_stop(struct listener *listener)
{
    if (listener == NULL) {
        return;
    }
    atomic_store(&listener->is_stopping, true);
    mailbox_wake(listener->answers);
    (void)pthread_join(listener->thread, NULL); /* it was started and is joined once */
    free_parts(listener);
}

void listener_look(struct listener *listener)
{
    if (!atomic_exchange(&listener->has_news, true)) {
        mailbox_wake(listener->answers);
    }
}

void listener_fault(struct listener *listener, enum err_code code)
{
    atomic_store(&listener->fault, (int)code);
}

void listener_watch_telemetry(struct listener *listener,
                              const struct telemetry *telemetry)
{
    atomic_store(&listener->telemetry, telemetry);
}

int listener_port(const struct listener *listener)
{
    return listener->port;
}
