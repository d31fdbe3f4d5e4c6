/* SPDX-License-Identifier: MIT */

/*
 * Figures of the listener, a JSON line each, goals beside them. The client shares the machine
 * with the server, which is the whole engine; each delivery is committed at FULL before the
 * answer, with its body, one transaction for what came together. For events and for a store
 * that hangs a clerk stands in for the control thread.
 *
 *   webhook         deliveries a second of a signed pull_request of 21,370 bytes, with 1 and
 *                   16 connections that wait for each answer; as is, and with fsync made
 *                   slower by 1 ms (an ordinary disk)
 *   webhook.flood   the same 16, while as many send 10,000 wrong signatures a second
 *   webhook.busy    the store hangs: what is answered, and how memory grows
 *   events          messages of 300 bytes a second to 1,000 subscribers, and their latency
 *   idle            the same 16 while 10,000 connections come and do nothing
 */

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/engine.h"
#include "tests/lib/visitor.h"

#define BODY_LEN    21370
#define CONNS_MAX   64
#define LATENCY_MAX 2000000
#define CLIENTS     1000

/* SQLite's calls come here, before libc's: as slow as a disk that is told to be. */
static atomic_long sync_us;

static int slow_sync(long call, int fd)
{
    long us = atomic_load(&sync_us);
    if (us > 0) {
        struct timespec pause = {0, us * 1000};
        (void)nanosleep(&pause, NULL);
    }
    return (int)syscall(call, fd);
}

int fsync(int fd)
{
    return slow_sync(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return slow_sync(SYS_fdatasync, fd);
}

static void die(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static double rss_mib(void)
{
    struct err err = ERR_INIT;
    char *text = NULL;
    size_t len = 0;
    double kib = 0;
    if (file_read("/proc/self/status", 65536, &text, &len, &err)) {
        const char *line = strstr(text, "VmRSS:");
        kib = line != NULL ? strtod(line + 6, NULL) : 0;
        free(text);
    }
    return kib / 1024;
}

/* ---- payload ----------------------------------------------------------------------------- */

static void put_user(struct jsonw *w, const char *key, const char *login)
{
    static const char *const urls[] = {
        "avatar_url",        "url",       "html_url",    "followers_url",
        "following_url",     "gists_url", "starred_url", "subscriptions_url",
        "organizations_url", "repos_url", "events_url",  "received_events_url",
    };
    jsonw_open(w, key, '{');
    jsonw_str(w, "login", login);
    jsonw_int(w, "id", 21031067);
    jsonw_str(w, "node_id", "MDQ6VXNlcjIxMDMxMDY3");
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        AUTO_FREE char *url =
            mem_printf("https://api.github.com/users/%s/%s{/other_user}", login, urls[i]);
        jsonw_str(w, urls[i], url);
    }
    jsonw_str(w, "type", "User");
    jsonw_bool(w, "site_admin", false);
    jsonw_close(w, '}');
}

static void put_repository(struct jsonw *w, const char *key)
{
    static const char *const urls[] = {
        "forks",        "keys",       "collaborators", "teams",         "hooks",
        "issue_events", "events",     "assignees",     "branches",      "tags",
        "blobs",        "git_tags",   "git_refs",      "trees",         "statuses",
        "languages",    "stargazers", "contributors",  "commits",       "comments",
        "contents",     "compare",    "merges",        "archive",       "issues",
        "pulls",        "milestones", "labels",        "notifications", "releases",
    };
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", 186853002);
    jsonw_str(w, "name", "Hello-World");
    jsonw_str(w, "full_name", "Codertocat/Hello-World");
    put_user(w, "owner", "Codertocat");
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        AUTO_FREE char *name = mem_printf("%s_url", urls[i]);
        AUTO_FREE char *url = mem_printf(
            "https://api.github.com/repos/Codertocat/Hello-World/%s{/sha}", urls[i]);
        jsonw_str(w, name, url);
    }
    jsonw_str(w, "created_at", "2019-05-15T15:19:25Z");
    jsonw_int(w, "size", 0);
    jsonw_null(w, "language");
    jsonw_str(w, "default_branch", "master");
    jsonw_close(w, '}');
}

/* The shape of GitHub's example of pull_request.opened, and its length. */
static char *make_payload(void)
{
    struct buf out;
    struct jsonw w;
    buf_init(&out, BODY_LEN * 2);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "action", "opened");
    jsonw_int(&w, "number", 2);
    jsonw_open(&w, "pull_request", '{');
    jsonw_int(&w, "id", 279147437);
    jsonw_int(&w, "number", 2);
    jsonw_str(&w, "state", "open");
    jsonw_str(&w, "title", "Update the README with new information.");
    put_user(&w, "user", "Codertocat");
    jsonw_str(&w, "html_url", "https://github.com/Codertocat/Hello-World/pull/2");
    jsonw_null(&w, "merge_commit_sha");
    const char *const sides[] = {"head", "base"};
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        jsonw_open(&w, sides[i], '{');
        jsonw_str(&w, "ref", i == 0 ? "changes" : "master");
        jsonw_str(&w, "sha", "ec26c3e57ca3a959ca5aad62de7213c562f8c821");
        put_user(&w, "user", "Codertocat");
        put_repository(&w, "repo");
        jsonw_close(&w, '}');
    }
    jsonw_bool(&w, "merged", false);
    jsonw_bool(&w, "draft", false);
    jsonw_close(&w, '}');
    put_repository(&w, "repository");
    put_user(&w, "sender", "Codertocat");
    AUTO_FREE char *pad = mem_alloc(BODY_LEN);
    size_t rest = BODY_LEN - out.len - strlen(",\"body\":\"\"}");
    if (rest >= BODY_LEN) {
        die("the payload is too long");
    }
    memset(pad, 'x', rest);
    jsonw_str(&w, "body", pad);
    jsonw_close(&w, '}');
    return buf_take(&out, NULL);
}

/* ---- the client of webhooks -------------------------------------------------------------- */

struct load {
    int port, n_conns;
    bool is_wrong; /* signatures are */
    double seconds;
    long rate; /* a second at most; 0 = as fast as it goes */
    pthread_t thread;
    /* results */
    long n_good, n_denied, n_busy, n_other, n_broken;
    double p50, p99, max; /* ms */
};

struct link {
    int fd;
    char *request;
    char *guid; /* in it */
    size_t len, sent, got;
    char answer[1024];
    struct mono begin;
};

static atomic_long guid;

static int connect_to(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        die("no connection");
    }
    return fd;
}

static void begin_request(struct link *link)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%016lx",
                   (unsigned long)atomic_fetch_add(&guid, 1));
    memcpy(link->guid, text, 16);
    link->sent = link->got = 0;
    link->begin = mono_now();
    while (link->sent < link->len) { /* the kernel takes 21 KB at once or soon */
        ssize_t n = send(link->fd, link->request + link->sent, link->len - link->sent,
                         MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        link->sent += (size_t)n;
    }
}

static void open_link(const struct load *load, struct link *link, const char *body)
{
    char sign[80];
    link->fd = connect_to(load->port);
    (void)visit_sign(load->is_wrong ? "wrong" : VISITOR_SECRET, body, BODY_LEN, sign);
    link->request = mem_printf(
        "POST /webhooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "User-Agent: GitHub-Hookshot/bench\r\nContent-Type: application/json\r\n"
        "X-GitHub-Event: pull_request\r\nX-Hub-Signature-256: %s\r\n"
        "Content-Length: %d\r\nX-GitHub-Delivery: 0123456789abcdef\r\n\r\n%s",
        sign, BODY_LEN, body);
    link->len = strlen(link->request);
    link->guid = strstr(link->request, "0123456789abcdef");
}

/* True when an answer is whole; counts it. */
static bool take_answer(struct load *load, struct link *link)
{
    ssize_t n = recv(link->fd, link->answer + link->got,
                     sizeof(link->answer) - 1 - link->got, MSG_DONTWAIT);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN) {
            return false;
        }
        load->n_broken++;
        (void)close(link->fd);
        link->fd = -1;
        return true;
    }
    link->got += (size_t)n;
    link->answer[link->got] = '\0';
    const char *end = strstr(link->answer, "\r\n\r\n");
    const char *length = strstr(link->answer, "Content-Length: ");
    if (end == NULL || length == NULL ||
        link->got < (size_t)(end + 4 - link->answer) + strtoul(length + 16, NULL, 10)) {
        return false;
    }
    long status = strtol(link->answer + 9, NULL, 10);
    load->n_good += status == 200;
    load->n_denied += status == 401;
    load->n_busy += status == 503;
    load->n_other += status != 200 && status != 401 && status != 503;
    return true;
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void *run_load(void *user)
{
    struct load *load = user;
    AUTO_FREE char *body = make_payload();
    AUTO_FREE float *latency = mem_array(LATENCY_MAX, sizeof(float));
    AUTO_FREE struct link *links = mem_array((size_t)load->n_conns, sizeof(*links));
    size_t n_latency = 0;
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct mono begin = mono_now();
    int64_t end = begin.ns + (int64_t)(load->seconds * 1e9);
    long n_begun = 0;
    for (int i = 0; i < load->n_conns; i++) {
        open_link(load, &links[i], body);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        (void)epoll_ctl(poller, EPOLL_CTL_ADD, links[i].fd, &event);
        begin_request(&links[i]);
        n_begun++;
    }
    while (mono_now().ns < end) {
        struct epoll_event events[CONNS_MAX];
        int n = epoll_wait(poller, events, CONNS_MAX, 50);
        for (int i = 0; i < n; i++) {
            struct link *link = &links[events[i].data.u32];
            if (link->fd < 0 || !take_answer(load, link)) {
                continue;
            }
            if (n_latency < LATENCY_MAX) {
                latency[n_latency++] = (float)(mono_now().ns - link->begin.ns) / 1e6F;
            }
            if (link->fd < 0) {
                link->fd = connect_to(load->port);
                struct epoll_event event = {.events = EPOLLIN,
                                            .data.u32 = events[i].data.u32};
                (void)epoll_ctl(poller, EPOLL_CTL_ADD, link->fd, &event);
            }
            while (load->rate > 0 &&
                   (double)n_begun >
                       (double)(mono_now().ns - begin.ns) / 1e9 * (double)load->rate) {
                (void)poll(NULL, 0, 1);
            }
            begin_request(link);
            n_begun++;
        }
    }
    for (int i = 0; i < load->n_conns; i++) {
        (void)close(links[i].fd);
        free(links[i].request);
    }
    (void)close(poller);
    qsort(latency, n_latency, sizeof(float), compare);
    load->p50 = n_latency > 0 ? (double)latency[n_latency / 2] : 0;
    load->p99 = n_latency > 0 ? (double)latency[n_latency * 99 / 100] : 0;
    load->max = n_latency > 0 ? (double)latency[n_latency - 1] : 0;
    return NULL;
}

static void figure(const char *name, const char *label, double value, const char *unit,
                   double goal, const char *more)
{
    (void)printf("{\"fig\":\"%s%s\",\"who\":\"signalbox\",\"value\":%.6g,\"unit\":\"%s\","
                 "\"goal\":%g%s}\n",
                 name, label, value, unit, goal, more);
    (void)fflush(stdout);
}

static void load_figure(const char *name, const char *label, const struct load *load,
                        double value, double goal)
{
    AUTO_FREE char *more =
        mem_printf(",\"conns\":%d,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
                   "\"denied\":%ld,\"busy\":%ld,\"other\":%ld,\"broken\":%ld",
                   load->n_conns, load->p50, load->p99, load->max, load->n_denied,
                   load->n_busy, load->n_other, load->n_broken);
    figure(name, label, value, "1/s", goal, more);
}

static char *folder;

static void open_clerk(struct clerk *clerk, char **ret_path)
{
    struct err err = ERR_INIT;
    if (!file_remove_tree(folder, &err) || !file_make_dirs(folder, &err)) {
        die(err.msg);
    }
    *ret_path = file_join(folder, "bench.db");
    clerk_init(clerk, *ret_path);
    clerk->durability = STORE_FULL;
    clerk->spec.connections = 2000; /* the default */
}

static void must_open(struct clerk *clerk)
{
    struct err err = ERR_INIT;
    if (!clerk_open(clerk, &err)) {
        die(err.msg);
    }
}

static double run_one(struct load *load)
{
    (void)run_load(load);
    return (double)load->n_good / load->seconds;
}

/* ---- the whole engine -------------------------------------------------------------------- */

struct server {
    struct config *config;
    struct engine *engine;
    struct secret_source secret;
};

static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        die("no port");
    }
    (void)close(fd);
    return ntohs(at.sin_port);
}

static void open_server(struct server *server)
{
    struct err err = ERR_INIT;
    int pid = 0;
    if (!file_remove_tree(folder, &err) || !file_make_dirs(folder, &err)) {
        die(err.msg);
    }
    *server = (struct server){.config = config_default()};
    server->secret.env = (char *)(uintptr_t) "BENCH_SECRET"; /* only read */
    (void)setenv("BENCH_SECRET", VISITOR_SECRET, 1);
    free(server->config->store);
    server->config->store = file_join(folder, "bench.db");
    server->config->listener.port = free_port();
    server->config->listener.secrets = &server->secret;
    server->config->listener.n_secrets = 1;
    if (engine_start(server->config, &server->engine, &pid, &err) != ENGINE_STARTED) {
        die(err.msg);
    }
}

static void close_server(struct server *server)
{
    engine_stop(server->engine);
    server->config->listener.secrets = NULL;
    server->config->listener.n_secrets = 0;
    config_free(server->config);
}

static double webhook(int n_conns, long us, double goal)
{
    struct server server;
    open_server(&server);
    atomic_store(&sync_us, us);
    struct load warm = {
        .port = server.config->listener.port, .n_conns = n_conns, .seconds = 1};
    (void)run_one(&warm);
    struct load load = {.port = warm.port, .n_conns = n_conns, .seconds = 4};
    double rate = run_one(&load);
    load_figure("webhook.rps", us > 0 ? "@1ms-fsync" : "", &load, rate, goal);
    atomic_store(&sync_us, 0);
    close_server(&server);
    return rate;
}

static void flood(void)
{
    struct server server;
    open_server(&server);
    struct load alone = {
        .port = server.config->listener.port, .n_conns = 16, .seconds = 3};
    double rate = run_one(&alone);
    struct load good = {.port = alone.port, .n_conns = 16, .seconds = 3};
    struct load bad = {
        .port = alone.port, .n_conns = 16, .seconds = 3, .is_wrong = true, .rate = 10000};
    (void)pthread_create(&bad.thread, NULL, run_load, &bad);
    double with = run_one(&good);
    (void)pthread_join(bad.thread, NULL);
    load_figure("webhook.flood.denied", "", &bad, (double)bad.n_denied / bad.seconds,
                10000);
    load_figure("webhook.flood.good", "", &good, with, rate * 0.4);
    figure("webhook.flood.share", "", with / rate * 100, "%", 40, "");
    close_server(&server);
}

static void busy(void)
{
    struct clerk clerk;
    AUTO_FREE char *path = NULL;
    open_clerk(&clerk, &path);
    clerk.limits.webhooks_max = 1000;
    atomic_store(&clerk.is_holding, true);
    must_open(&clerk);
    double before = rss_mib();
    struct load load = {
        .port = listener_port(clerk.listener), .n_conns = 64, .seconds = 3};
    /* Each answered client leaves a webhook behind until the store wakes up. */
    for (int i = 0; i < 40; i++) {
        struct load gone = {.port = load.port, .n_conns = 64, .seconds = 0.02};
        (void)run_one(&gone);
    }
    (void)run_one(&load);
    load_figure("webhook.busy.503", "", &load, (double)load.n_busy / load.seconds, 0);
    figure("webhook.busy.rss", "", rss_mib() - before, "MiB", 128, "");
    atomic_store(&clerk.is_holding, false);
    clerk_close(&clerk);
}

static void idle(void)
{
    struct clerk clerk;
    AUTO_FREE char *path = NULL;
    struct rlimit limit = {0};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    int n = limit.rlim_cur > 20100 ? 10000 : (int)(limit.rlim_cur - 100) / 2;
    open_clerk(&clerk, &path);
    must_open(&clerk);
    AUTO_FREE int *fds = mem_array((size_t)n, sizeof(int));
    for (int i = 0; i < n; i++) {
        fds[i] = connect_to(listener_port(clerk.listener));
    }
    struct load load = {
        .port = listener_port(clerk.listener), .n_conns = 16, .seconds = 3};
    double rate = run_one(&load);
    AUTO_FREE char *label = mem_printf(".%d", n);
    load_figure("webhook.idle", label, &load, rate, 1000);
    for (int i = 0; i < n; i++) {
        (void)close(fds[i]);
    }
    clerk_close(&clerk);
}

/* ---- subscribers --------------------------------------------------------------------------- */

struct hearer {
    int fd;
    size_t len;
    char bytes[32768];
};

static float *hear_latency;
static size_t n_heard;

static void hear(struct hearer *hearer)
{
    for (;;) {
        ssize_t n = recv(hearer->fd, hearer->bytes + hearer->len,
                         sizeof(hearer->bytes) - hearer->len, MSG_DONTWAIT);
        if (n <= 0) {
            return;
        }
        hearer->len += (size_t)n;
        int64_t now = mono_now().ns;
        size_t at = 0;
        while (hearer->len - at >= 4) {
            const unsigned char *p = (const unsigned char *)hearer->bytes + at;
            size_t len = p[1] & 127, head = 2;
            if (len == 126) {
                len = (size_t)p[2] << 8 | p[3];
                head = 4;
            }
            if (hearer->len - at < head + len) {
                break;
            }
            const char *stamp = memmem(p + head, len, "ts=", 3);
            if (stamp != NULL && n_heard < 8 * LATENCY_MAX) {
                hear_latency[n_heard++] =
                    (float)(now - strtoll(stamp + 3, NULL, 10)) / 1e6F;
            }
            at += head + len;
        }
        memmove(hearer->bytes, hearer->bytes + at, hearer->len - at);
        hearer->len -= at;
    }
}

/* The clients' process: prints nothing, writes {count, p50, p99, max} into the pipe. */
static void hear_all(const struct clerk *clerk, double seconds, int ready, int out)
{
    struct hearer **hearers = mem_array(CLIENTS, sizeof(struct hearer *));
    int poller = epoll_create1(EPOLL_CLOEXEC);
    hear_latency = mem_array(8 * LATENCY_MAX, sizeof(float));
    for (int i = 0; i < CLIENTS; i++) {
        int status = 0;
        hearers[i] = mem_alloc(sizeof(struct hearer));
        hearers[i]->fd = visit_ws(clerk, "/events", "", &status);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        (void)epoll_ctl(poller, EPOLL_CTL_ADD, hearers[i]->fd, &event);
    }
    (void)!write(ready, "r", 1);
    int64_t end = mono_now().ns + (int64_t)((seconds + 0.5) * 1e9);
    while (mono_now().ns < end) {
        struct epoll_event events[512];
        int n = epoll_wait(poller, events, 512, 50);
        for (int i = 0; i < n; i++) {
            hear(hearers[events[i].data.u32]);
        }
    }
    qsort(hear_latency, n_heard, sizeof(float), compare);
    double result[4] = {(double)n_heard, 0, 0, 0};
    if (n_heard > 0) {
        result[1] = (double)hear_latency[n_heard / 2];
        result[2] = (double)hear_latency[n_heard * 99 / 100];
        result[3] = (double)hear_latency[n_heard - 1];
    }
    (void)!write(out, result, sizeof(result));
    _exit(0);
}

/* 300 bytes as a message. */
static void write_stamped(struct store *store)
{
    char text[200];
    int n = snprintf(text, sizeof(text), "ts=%" PRId64 " ", mono_now().ns);
    memset(text + n, 'x', sizeof(text) - (size_t)n);
    text[76] = '\0';
    (void)store_add_event(store, &(struct event_row){.at = wall_now(),
                                                     .kind = "effect-passed",
                                                     .actor = "engine",
                                                     .text = text});
}

static void events(int rate, double goal, bool is_latency)
{
    struct clerk clerk;
    AUTO_FREE char *path = NULL;
    int ready[2], out[2];
    const double seconds = 4;
    open_clerk(&clerk, &path);
    clerk.write_event = write_stamped;
    must_open(&clerk);
    if (pipe(ready) != 0 || pipe(out) != 0) {
        die("no pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        hear_all(&clerk, seconds, ready[1], out[1]);
    }
    char byte;
    if (read(ready[0], &byte, 1) != 1) {
        die("the clients do not come");
    }
    struct rusage before, after;
    (void)getrusage(RUSAGE_SELF, &before);
    struct mono begin = mono_now();
    for (long n = 0; (double)(mono_now().ns - begin.ns) < seconds * 1e9;) {
        long due = (long)((double)(mono_now().ns - begin.ns) / 1e9 * rate);
        if (due > n) {
            atomic_fetch_add(&clerk.n_events, (int)(due - n));
            mailbox_wake(clerk.inbox);
            n = due;
        }
        (void)poll(NULL, 0, 1);
    }
    (void)getrusage(RUSAGE_SELF, &after);
    double result[4] = {0};
    if (read(out[0], result, sizeof(result)) != (ssize_t)sizeof(result)) {
        die("the clients are gone");
    }
    (void)waitpid(pid, NULL, 0);
    double cores = ((double)(after.ru_utime.tv_sec + after.ru_stime.tv_sec -
                             before.ru_utime.tv_sec - before.ru_stime.tv_sec) +
                    (double)(after.ru_utime.tv_usec + after.ru_stime.tv_usec -
                             before.ru_utime.tv_usec - before.ru_stime.tv_usec) /
                        1e6) /
                   seconds;
    AUTO_FREE char *more = mem_printf(
        ",\"clients\":%d,\"offered\":%d,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
        "\"max_ms\":%.3f,\"cores\":%.2f,\"rss_mib\":%.1f",
        CLIENTS, rate * CLIENTS, result[1], result[2], result[3], cores, rss_mib());
    if (is_latency) {
        figure("events.p99", "", result[2], "ms", goal, more);
    } else {
        figure("events.delivered", "", result[0] / seconds, "1/s", goal, more);
    }
    (void)close(ready[0]);
    (void)close(ready[1]);
    (void)close(out[0]);
    (void)close(out[1]);
    clerk_close(&clerk);
}

int main(int argc, char **argv)
{
    const char *base = getenv("TMPDIR");
    const char *which = argc > 1 ? argv[1] : "all";
    bool is_all = strcmp(which, "all") == 0;
    struct rlimit limit = {0};
    struct err err = ERR_INIT;
    folder = mem_printf("%s/signalbox-bench.%ld", base != NULL ? base : "/tmp",
                        (long)getpid());
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* as far as it goes */
    if (is_all || strcmp(which, "webhook") == 0) {
        bool has_one = argc < 3 || strcmp(argv[2], "16") != 0;
        if (has_one) {
            (void)webhook(1, 0, 0);
            (void)webhook(1, 1000, 0);
        }
        (void)webhook(16, 0, 6500);
        (void)webhook(16, 1000, 3000);
    }
    if (is_all || strcmp(which, "flood") == 0) {
        flood();
    }
    if (is_all || strcmp(which, "busy") == 0) {
        busy();
    }
    if (is_all || strcmp(which, "idle") == 0) {
        idle();
    }
    if (is_all || strcmp(which, "events") == 0) {
        events(50, 10, true);
        events(180, 180000, false);
        events(300, 180000, false);
    }
    (void)file_remove_tree(folder, &err); /* in a scratch folder it may stay */
    free(folder);
    return 0;
}
