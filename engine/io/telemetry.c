/* SPDX-License-Identifier: MIT */

/* The loop: sockets, secrets and commands hang in one epoll instance; the rest is time. */
#include "engine/io/telemetry.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/base/digest.h"
#include "engine/base/mem.h"
#include "engine/io/telemetry_private.h"

#define EVENTS   16
#define LONGEST  3600000 /* ms without anything to do */
#define HOST_MAX 256
#define INSTANCE 32 /* hexadecimal digits */

int64_t telemetry_call(struct telemetry *telemetry, bool is_scrape, void *whose)
{
    telemetry->last_call += 2;
    int64_t id = telemetry->last_call + (is_scrape ? 1 : 0);
    idmap_put(&telemetry->calls, id, whose);
    return id;
}

static void on_answer(void *user, int64_t id, struct http_response *response)
{
    struct telemetry *telemetry = user;
    void *whose = idmap_take(&telemetry->calls, id);
    if (whose != NULL && id % 2 == 1) {
        scraper_answer(telemetry, whose, response);
    } else if (whose != NULL) {
        exporter_answer(telemetry, whose, response);
    }
    http_response_free(response);
}

static void on_settled(void *user)
{
    exporters_settled(user);
}

/* ---- time -----------------------------------------------------------------------------
 */

static struct mono earliest(struct mono a, struct mono b)
{
    return a.ns == 0 || (b.ns > 0 && b.ns < a.ns) ? b : a;
}

/* Milliseconds to wait, rounded up; what is due at once is 1 ns. */
static int wait_ms(const struct telemetry *telemetry)
{
    struct mono next = captures_next(telemetry->captures);
    for (size_t i = 0; i < telemetry->options.n_otlps; i++) {
        const struct exporter *exporter = &telemetry->exporters[i];
        if (exporter->call == 0) {
            struct mono at = {exporter->next_at.ns > 0 ? exporter->next_at.ns : 1};
            next = earliest(next, at);
        }
    }
    for (size_t i = 0; i < telemetry->options.n_scrapes; i++) {
        next = earliest(next, telemetry->scrapers[i].next_at);
    }
    if (next.ns == 0) {
        return LONGEST;
    }
    int64_t left = next.ns - mono_now().ns;
    int64_t ms = left > 0 ? (left + 999999) / 1000000 : 0;
    return ms < LONGEST ? (int)ms : LONGEST;
}

/* ---- the thread -----------------------------------------------------------------------
 */

static void look(struct telemetry *telemetry, int fd)
{
    if (fd == telemetry->wake_fd) {
        uint64_t count;
        ssize_t got = read(fd, &count, sizeof(count));
        (void)got; /* the atomics say what it was */
    } else if (fd == http_fd(telemetry->http)) {
        http_run(telemetry->http);
    } else if (fd == secrets_fd(telemetry->secrets)) {
        secrets_run(telemetry->secrets);
    }
}

static void *run(void *user)
{
    struct telemetry *telemetry = user;
    (void)pthread_setname_np(pthread_self(), "telemetry"); /* for people who look */
    while (!atomic_load(&telemetry->is_ending)) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(telemetry->epoll, events, EVENTS, wait_ms(telemetry));
        for (int i = 0; i < n; i++) {
            look(telemetry, events[i].data.fd);
        }
        captures_run(telemetry->captures);
        struct mono now = mono_now();
        exporters_run(telemetry, now);
        scrapers_run(telemetry, now);
    }
    return NULL;
}

static bool watch(const struct telemetry *telemetry, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return fd >= 0 && epoll_ctl(telemetry->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* The same for the same store on the same machine, and says neither. */
static char *instance_of(const char *host, const char *store)
{
    uint8_t digest[DIGEST_LEN];
    char text[DIGEST_TEXT_MAX];
    AUTO_FREE char *key = mem_printf("signalbox instance|%s|%s", host, store);
    digest_sha256(key, strlen(key), digest);
    return mem_strn(digest_format(digest, text), INSTANCE);
}

static bool start_thread(struct telemetry *telemetry, struct err *err)
{
    sigset_t all, before;
    (void)sigfillset(&all); /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&telemetry->thread, NULL, run, telemetry);
    telemetry->has_thread = errno == 0 || err_sys(err, "starting the telemetry thread");
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return telemetry->has_thread;
}

static bool prepare(struct telemetry *telemetry, struct err *err)
{
    const struct http_options http = {
        .on_answer = on_answer, .user = telemetry, .ca_file = telemetry->options.ca_file};
    const struct secret_options secrets = {.on_settled = on_settled, .user = telemetry};
    const struct capture_options captures = {scraper_ended, telemetry};
    telemetry->http = http_start(&http, err);
    telemetry->secrets = telemetry->http != NULL ? secrets_new(&secrets, err) : NULL;
    telemetry->captures =
        telemetry->secrets != NULL ? captures_new(&captures, err) : NULL;
    if (telemetry->captures == NULL) {
        return false;
    }
    telemetry->epoll = epoll_create1(EPOLL_CLOEXEC);
    telemetry->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (telemetry->epoll < 0 || !watch(telemetry, telemetry->wake_fd) ||
        !watch(telemetry, http_fd(telemetry->http)) ||
        !watch(telemetry, secrets_fd(telemetry->secrets)) ||
        !watch(telemetry, captures_fd(telemetry->captures))) {
        return err_sys(err, "starting the telemetry thread");
    }
    return true;
}

struct telemetry *telemetry_start(const struct telemetry_options *options,
                                  struct err *err)
{
    struct telemetry *telemetry = mem_alloc(sizeof(*telemetry));
    char host[HOST_MAX] = "";
    uint64_t seed = (uint64_t)mono_now().ns;
    (void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK); /* jitter only has to differ */
    (void)gethostname(host, sizeof(host) - 1);            /* or none */
    rng_init(&telemetry->rng, seed);
    telemetry->options = *options;
    telemetry->epoll = telemetry->wake_fd = -1;
    telemetry->store = mem_str(options->store);
    telemetry->state_path = mem_printf("%s-telemetry", options->store);
    telemetry->environment =
        mem_str(options->environment != NULL ? options->environment : "");
    telemetry->host = mem_str(host);
    telemetry->instance = instance_of(host, options->store);
    telemetry->arena = arena_new();
    exporters_init(telemetry);
    scrapers_init(telemetry);
    if (!prepare(telemetry, err) || !start_thread(telemetry, err)) {
        telemetry_stop(telemetry);
        return NULL;
    }
    return telemetry;
}

void telemetry_wake(struct telemetry *telemetry)
{
    uint64_t one = 1;
    atomic_store(&telemetry->is_woken, true);
    ssize_t written = write(telemetry->wake_fd, &one, sizeof(one));
    (void)written; /* an eventfd takes it */
}

void telemetry_stop(struct telemetry *telemetry)
{
    if (telemetry == NULL) {
        return;
    }
    if (telemetry->has_thread) {
        atomic_store(&telemetry->is_ending, true);
        telemetry_wake(telemetry);
        (void)pthread_join(telemetry->thread, NULL); /* it is ours and runs */
    }
    captures_free(telemetry->captures);
    http_stop(telemetry->http);
    secrets_free(telemetry->secrets);
    reader_close(telemetry->reader);
    exporters_fini(telemetry);
    scrapers_fini(telemetry);
    idmap_fini(&telemetry->calls);
    arena_free(telemetry->arena);
    if (telemetry->epoll >= 0) {
        (void)close(telemetry->epoll); /* nothing is in it */
    }
    if (telemetry->wake_fd >= 0) {
        (void)close(telemetry->wake_fd); /* the same */
    }
    free(telemetry->store);
    free(telemetry->state_path);
    free(telemetry->environment);
    free(telemetry->host);
    free(telemetry->instance);
    free(telemetry);
}

void telemetry_figures(const struct telemetry *telemetry,
                       struct telemetry_figures *ret_figures)
{
    *ret_figures = (struct telemetry_figures){
        .spans_exported = atomic_load(&telemetry->counts.exported),
        .spans_rejected = atomic_load(&telemetry->counts.rejected),
        .spans_dropped = atomic_load(&telemetry->counts.dropped),
        .spans_pruned = atomic_load(&telemetry->counts.pruned),
        .export_failures = atomic_load(&telemetry->counts.failures),
        .scrapes = atomic_load(&telemetry->counts.scrapes),
        .scrape_failures = atomic_load(&telemetry->counts.failed),
    };
}
