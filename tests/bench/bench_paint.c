/* SPDX-License-Identifier: MIT */

/*
 * From a webhook to the screen: the time from the first byte of a signed delivery until the
 * terminal has got the bytes that show its row, a JSON line for each figure.
 *
 * The program runs on a pty of 160x48 with the deliveries open and the listener on; the whole way
 * is in it: HMAC, commit with synchronous=FULL, the bell, the feed, the frame, the terminal.
 * Idle: one delivery at a time. Loaded: beside 200 good deliveries a second and a flood of bad
 * signatures on two connections.
 *
 *   bench_paint [--quick]
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/lib/pty.h"

#define SECRET     "benchsecret"
#define BODY_BYTES 21370 /* of a real pull_request delivery */
#define WAIT_MS    5000
#define LOAD_PAUSE 5000 /* us between two good deliveries of the load: 200 a second */

static int port;
static atomic_bool is_over;
static atomic_long n_load, n_flood;

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_paint: %s\n", what);
    exit(1);
}

/* ---- a client ------------------------------------------------------------------------- */

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        (void)close(fd); /* the caller tries again */
        fd = -1;
    }
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Status of the answer, 0 = none. Answers are short and come in one piece. */
static int read_status(int fd)
{
    char answer[4096];
    ssize_t n = recv(fd, answer, sizeof(answer) - 1, 0);
    if (n <= 12) {
        return 0;
    }
    answer[n] = '\0';
    return (int)strtol(answer + 9, NULL, 10);
}

/* A pull_request delivery whose branch is `mark`, as long as a real one. */
static void make_delivery(struct buf *out, const char *mark, bool is_signed)
{
    AUTO_BUF struct buf body;
    uint8_t digest[DIGEST_LEN];
    char text[DIGEST_TEXT_MAX];
    buf_init(&body, 2 * BODY_BYTES);
    (void)buf_printf(
        &body,
        "{\"action\":\"opened\",\"number\":1,\"pull_request\":{\"number\":1,"
        "\"state\":\"open\",\"draft\":false,\"merged\":false,\"html_url\":\"\","
        "\"head\":{\"ref\":\"b\",\"sha\":\"8f3c2aa91bd04a7e6c5d4e3f2a1b0c9d8e7f6a5b\"},"
        "\"base\":{\"ref\":\"main\"}},\"repository\":{\"full_name\":\"acme/%s\"},"
        "\"sender\":{\"login\":\"ada\"},\"pad\":\"",
        mark);
    while (body.len < BODY_BYTES - 2) {
        (void)buf_char(&body, 'x');
    }
    (void)buf_str(&body, "\"}");
    digest_hmac(is_signed ? SECRET : "wrong", is_signed ? sizeof(SECRET) - 1 : 5,
                body.data, body.len, digest);
    buf_clear(out);
    (void)buf_printf(
        out,
        "POST /webhooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "User-Agent: GitHub-Hookshot/bench\r\nContent-Type: application/json\r\n"
        "X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: bench-%s\r\n"
        "X-Hub-Signature-256: sha256=%s\r\nContent-Length: %zu\r\n\r\n",
        mark, digest_format(digest, text), body.len);
    (void)buf_add(out, body.data, body.len);
}

/* Good deliveries at an even pace, or bad ones as fast as they are turned away. */
static void *load_main(void *user)
{
    bool is_good = user == NULL;
    AUTO_BUF struct buf request;
    buf_init(&request, 4 * BODY_BYTES);
    int fd = -1;
    for (long i = 0; !atomic_load(&is_over); i++) {
        AUTO_FREE char *mark = mem_printf("load-%ld-%d", i, is_good);
        if (fd < 0 && (fd = dial()) < 0) {
            die("no connection for the load");
        }
        make_delivery(&request, mark, is_good);
        bool is_done = send_all(fd, request.data, request.len) && read_status(fd) > 0;
        atomic_fetch_add(is_good ? &n_load : &n_flood, is_done ? 1 : 0);
        if (!is_done || !is_good) { /* who signs badly is hung up on */
            (void)close(fd);
            fd = -1;
        }
        if (is_good) {
            (void)usleep(LOAD_PAUSE);
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return NULL;
}

/* ---- the program ---------------------------------------------------------------------- */

static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        die("no free port");
    }
    (void)close(fd); /* ours in a moment */
    return ntohs(at.sin_port);
}

static void put_file(const char *path, const char *text)
{
    struct err err = ERR_INIT;
    if (!file_write(path, text, strlen(text), &err)) {
        die(err.msg);
    }
}

static struct pty *start(const char *folder, const char *program)
{
    AUTO_FREE char *config = mem_printf("%s/signalbox.yaml", folder);
    AUTO_FREE char *secret = mem_printf("%s/secret", folder);
    AUTO_FREE char *text = mem_printf("store: %s/s.db\nlistener:\n  port: %d\n"
                                      "  webhook_secrets: [{file: %s}]\n",
                                      folder, port, secret);
    AUTO_FREE char *home = mem_printf("HOME=%s", folder);
    put_file(config, text);
    put_file(secret, SECRET "\n");
    const char *const env[] = {home, "LC_ALL=C.UTF-8", NULL};
    const char *const argv[] = {program,  "--config",   config,
                                "--view", "deliveries", NULL};
    struct pty *pty =
        pty_start(&(struct pty_options){.w = 160, .h = 48, .env = env}, argv);
    if (!pty_wait_text(pty, "No webhook has come", 20000)) {
        die("the console does not come up");
    }
    for (int i = 0; i < 200; i++) {
        int fd = dial();
        if (fd >= 0) {
            (void)close(fd);
            return pty;
        }
        (void)usleep(50000);
    }
    die("the listener does not come up");
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(struct pty *pty, const char *what, int n, double goal)
{
    AUTO_FREE double *took = mem_array((size_t)n, sizeof(*took));
    AUTO_BUF struct buf request;
    buf_init(&request, 4 * BODY_BYTES);
    int fd = dial();
    if (fd < 0) {
        die("no connection");
    }
    for (int i = 0; i < n; i++) {
        AUTO_FREE char *mark = mem_printf("%s-%04d", what, i);
        make_delivery(&request, mark, true);
        struct mono begin = mono_now();
        if (!send_all(fd, request.data, request.len)) {
            die("a delivery could not be sent");
        }
        if (!pty_wait_text(pty, mark, WAIT_MS)) {
            die("a delivery never came to the screen");
        }
        took[i] = (double)(mono_now().ns - begin.ns) / 1e6;
        if (read_status(fd) != 200) {
            die("a delivery was not accepted");
        }
        /* Not in step with the frames of the one before. */
        (void)usleep(150000 + (unsigned)(i * 7919 % 100000));
    }
    (void)close(fd);
    qsort(took, (size_t)n, sizeof(*took), compare);
    (void)printf(
        "{\"fig\":\"paint.webhook.p50.%s\",\"who\":\"ours\",\"value\":%.3g,\"unit\":"
        "\"ms\"}\n",
        what, took[n / 2]);
    (void)printf(
        "{\"fig\":\"paint.webhook.p99.%s\",\"who\":\"ours\",\"value\":%.3g,\"unit\":"
        "\"ms\",\"goal\":%g}\n",
        what, took[n * 99 / 100], goal);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    int n = argc > 1 && strcmp(argv[1], "--quick") == 0 ? 30 : 200;
    char folder[] = "/tmp/signalbox-paint.XXXXXX";
    struct err err = ERR_INIT;
    const char *b = getenv("B");
    AUTO_FREE char *program = mem_printf("%s/signalbox", b != NULL ? b : "build/release");
    if (mkdtemp(folder) == NULL) {
        die("no folder");
    }
    port = free_port();
    struct pty *pty = start(folder, program);
    measure(pty, "idle", n, 25);

    pthread_t threads[3];
    struct mono begin = mono_now();
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        if (pthread_create(&threads[i], NULL, load_main, i == 0 ? NULL : &port) != 0) {
            die("no thread");
        }
    }
    measure(pty, "loaded", n, 100);
    atomic_store(&is_over, true);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        (void)pthread_join(threads[i], NULL); /* they were started */
    }
    double seconds = (double)(mono_now().ns - begin.ns) / 1e9;
    (void)printf("{\"fig\":\"paint.load.good\",\"who\":\"ours\",\"value\":%.4g,\"unit\":"
                 "\"1/s\"}\n",
                 (double)atomic_load(&n_load) / seconds);
    (void)printf(
        "{\"fig\":\"paint.load.bad\",\"who\":\"ours\",\"value\":%.4g,\"unit\":\"1/s\"}\n",
        (double)atomic_load(&n_flood) / seconds);
    pty_send(pty, "q");
    int status = 0;
    bool has_ended = pty_wait_exit(pty, 20000, &status);
    pty_free(pty);
    (void)file_remove_tree(folder, &err); /* the folder is in /tmp */
    return has_ended ? 0 : 1;
}
