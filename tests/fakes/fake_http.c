/* SPDX-License-Identifier: MIT */

#include "tests/fakes/fake_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/mem.h"

#define HEAD_MAX  (64 * 1024)
#define IDLE_TIME 60000 /* ms */

struct door {
    int fd;
    fake_http_serve *serve;
    void *user;
};

struct conn {
    const struct door *door;
    int fd;
    struct buf in; /* what came and is not used yet */
};

/* ---- bytes -------------------------------------------------------------------------- */

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool receive(int fd, struct buf *in, int64_t time_ms)
{
    char bytes[16384];
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    if (poll(&waiting, 1, (int)time_ms) <= 0)
        return false;
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    return n > 0 && buf_add(in, bytes, (size_t)n);
}

static void consume(struct buf *in, size_t len)
{
    memmove(in->data, in->data + len, in->len - len + 1);
    in->len -= len;
}

/* ---- a request ---------------------------------------------------------------------- */

struct message {
    char *head; /* cut into lines */
    char *method, *path, *query;
    struct fake_header *headers;
    size_t n_headers;
    struct buf body;
};

static void message_fini(struct message *message)
{
    free(message->head);
    free(message->headers);
    buf_fini(&message->body);
}

static const char *header_of(const struct message *message, const char *name)
{
    for (size_t i = 0; i < message->n_headers; i++)
        if (strcasecmp(message->headers[i].name, name) == 0)
            return message->headers[i].value;
    return "";
}

static bool head_parse(struct message *message)
{
    char *line = message->head, *end = strstr(line, "\r\n");
    if (end == NULL)
        return false;
    *end = '\0';
    message->method = line;
    char *space = strchr(line, ' ');
    if (space == NULL)
        return false;
    *space = '\0';
    message->path = space + 1;
    space = strchr(message->path, ' ');
    if (space == NULL)
        return false;
    *space = '\0';
    message->query = strchr(message->path, '?');
    if (message->query != NULL)
        *message->query++ = '\0';
    else
        message->query = space;
    for (line = end + 2; (end = strstr(line, "\r\n")) != NULL && end != line;
         line = end + 2) {
        *end = '\0';
        char *colon = strchr(line, ':');
        if (colon == NULL)
            return false;
        *colon++ = '\0';
        colon += strspn(colon, " \t");
        *FAKE_ADD(message->headers, message->n_headers) =
            (struct fake_header){line, colon};
    }
    return true;
}

/* RFC 9112 7.1 */
static bool read_chunks(struct conn *conn, struct buf *body)
{
    for (;;) {
        char *end;
        while ((end = strstr(conn->in.data, "\r\n")) == NULL)
            if (!receive(conn->fd, &conn->in, IDLE_TIME))
                return false;
        size_t size = strtoul(conn->in.data, NULL, 16);
        consume(&conn->in, (size_t)(end + 2 - conn->in.data));
        while (conn->in.len < size + 2)
            if (!receive(conn->fd, &conn->in, IDLE_TIME))
                return false;
        buf_add(body, conn->in.data, size);
        consume(&conn->in, size + 2);
        if (size == 0)
            return true;
    }
}

static bool read_body(struct conn *conn, struct message *message)
{
    if (strcasecmp(header_of(message, "Expect"), "100-continue") == 0 &&
        !send_all(conn->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25))
        return false;
    if (strcasecmp(header_of(message, "Transfer-Encoding"), "chunked") == 0)
        return read_chunks(conn, &message->body);
    size_t len = (size_t)fake_number(header_of(message, "Content-Length"), 0);
    while (conn->in.len < len)
        if (!receive(conn->fd, &conn->in, IDLE_TIME))
            return false;
    buf_add(&message->body, conn->in.data, len);
    consume(&conn->in, len);
    return true;
}

static bool read_message(struct conn *conn, struct message *message)
{
    const char *end;
    while ((end = strstr(conn->in.data, "\r\n\r\n")) == NULL)
        if (conn->in.len > HEAD_MAX || !receive(conn->fd, &conn->in, IDLE_TIME))
            return false;
    size_t len = (size_t)(end + 4 - conn->in.data);
    message->head = mem_strn(conn->in.data, len);
    consume(&conn->in, len);
    return head_parse(message) && read_body(conn, message);
}

/* ---- an answer ---------------------------------------------------------------------- */

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 302:
        return "Found";
    case 304:
        return "Not Modified";
    case 404:
        return "Not Found";
    default:
        return "Status";
    }
}

static void format_reply(const struct fake_reply *reply, bool has_body, struct buf *out)
{
    buf_printf(out, "HTTP/1.1 %d %s\r\nServer: fake\r\n", reply->status,
               reason_of(reply->status));
    buf_add(out, reply->headers.data, reply->headers.len);
    if (reply->body.len > 0)
        buf_printf(out, "Content-Type: %s\r\n", reply->type);
    if (reply->status != 204 && reply->status != 304)
        buf_printf(out, "Content-Length: %zu\r\n", reply->body.len);
    buf_str(out, "\r\n");
    if (has_body)
        buf_add(out, reply->body.data, reply->body.len);
}

/* Until the other end goes away, at most `time`. */
static void wait_for_end(int fd, struct span time)
{
    struct pollfd waiting = {.fd = fd, .events = POLLRDHUP};
    (void)poll(&waiting, 1, (int)time.ms);
}

static void make_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* False: the connection is over. */
static bool send_reply(struct conn *conn, const struct fake_reply *reply, bool has_body,
                       const struct fake_http_plan *plan)
{
    static const char garbage[] = "\x16\x03\x01 this is no HTTP at all \xff\xfe\r\n\r\n";
    struct buf AUTO_BUF out;
    buf_init(&out, FAKE_BODY_MAX + HEAD_MAX);
    format_reply(reply, has_body, &out);
    switch (plan->way) {
    case HTTP_WAY_LATE:
        wait_for_end(conn->fd, plan->time);
        break;
    case HTTP_WAY_REFUSE:
        return false;
    case HTTP_WAY_HANG:
        wait_for_end(conn->fd, plan->time);
        return false;
    case HTTP_WAY_RESET:
        (void)send_all(conn->fd, out.data, out.len < 40 ? out.len : 40);
        make_reset(conn->fd);
        return false;
    case HTTP_WAY_GARBAGE:
        (void)send_all(conn->fd, garbage, sizeof garbage - 1);
        return false;
    case HTTP_WAY_TRUNCATE:
        (void)send_all(conn->fd, out.data,
                       out.len - (has_body ? reply->body.len / 2 + 1 : 0));
        return false;
    case HTTP_WAY_FINE:
        break;
    }
    return send_all(conn->fd, out.data, out.len);
}

static bool serve_one(struct conn *conn)
{
    struct message message = {0};
    buf_init(&message.body, FAKE_BODY_MAX);
    bool goes_on = read_message(conn, &message);
    if (goes_on) {
        struct fake_request request = {
            message.method,    message.path,      message.query,   message.headers,
            message.n_headers, message.body.data, message.body.len};
        struct fake_http_plan plan = {.way = HTTP_WAY_FINE};
        struct fake_reply reply;
        fake_reply_init(&reply);
        conn->door->serve(conn->door->user, &request, &reply, &plan);
        goes_on = send_reply(conn, &reply, strcmp(message.method, "HEAD") != 0, &plan) &&
                  strcasecmp(header_of(&message, "Connection"), "close") != 0;
        fake_reply_fini(&reply);
    }
    message_fini(&message);
    return goes_on;
}

static void *conn_main(void *arg)
{
    struct conn *conn = arg;
    int one = 1;
    (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    while (serve_one(conn))
        ;
    (void)close(conn->fd);
    buf_fini(&conn->in);
    free(conn);
    return NULL;
}

static void *door_main(void *arg)
{
    const struct door *door = arg;
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attr, 512 * 1024);
    for (;;) {
        int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        struct conn *conn = mem_alloc(sizeof *conn);
        pthread_t thread;
        conn->door = door;
        conn->fd = fd;
        buf_init(&conn->in, FAKE_BODY_MAX + HEAD_MAX);
        if (pthread_create(&thread, &attr, conn_main, conn) != 0) {
            (void)close(fd);
            buf_fini(&conn->in);
            free(conn);
        }
    }
    return NULL;
}

int fake_http_listen(int port, fake_http_serve *serve, void *user)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0)
        return 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    pthread_t thread;
    struct door *door = mem_alloc(sizeof *door);
    *door = (struct door){fd, serve, user};
    if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        pthread_create(&thread, NULL, door_main, door) != 0) {
        (void)close(fd);
        free(door);
        return 0;
    }
    (void)pthread_detach(thread);
    return ntohs(address.sin_port);
}

/* ---- a client ----------------------------------------------------------------------- */

/* "http://127.0.0.1:8080/path": the socket, or -1. */
static int dial(const char *url, const char **ret_path, char host[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (strncmp(url, "http://", 7) != 0)
        return -1;
    const char *from = url + 7;
    size_t len = strcspn(from, ":/");
    if (len >= 64)
        return -1;
    memcpy(host, from, len);
    host[len] = '\0';
    const char *at = from + len;
    address.sin_port = htons((uint16_t)(*at == ':' ? strtol(at + 1, NULL, 10) : 80));
    *ret_path = strchr(at, '/') != NULL ? strchr(at, '/') : "/";
    if (strcmp(host, "localhost") == 0)
        (void)snprintf(host, 64, "127.0.0.1");
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return -1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

int fake_http_post(const char *url, const char *headers, const char *body, size_t len,
                   struct span time)
{
    const char *path;
    char host[64];
    int fd = dial(url, &path, host), status = 0;
    if (fd < 0)
        return 0;
    struct buf AUTO_BUF out, AUTO_BUF in;
    buf_init(&out, FAKE_BODY_MAX);
    buf_init(&in, HEAD_MAX);
    buf_printf(&out, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %zu\r\n", path,
               host, headers, len);
    buf_str(&out, "Connection: close\r\n\r\n");
    buf_add(&out, body, len);
    if (send_all(fd, out.data, out.len)) {
        int64_t until = wall_now().ms + time.ms, left;
        while (strstr(in.data, "\r\n") == NULL && (left = until - wall_now().ms) > 0 &&
               receive(fd, &in, left))
            ;
        if (strncmp(in.data, "HTTP/1.", 7) == 0 && in.len > 12)
            status = (int)strtol(in.data + 9, NULL, 10);
    }
    (void)close(fd);
    return status;
}
