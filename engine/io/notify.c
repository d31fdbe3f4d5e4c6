/* SPDX-License-Identifier: MIT */
#include "engine/io/notify.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/io/http.h"
#include "engine/io/otlp.h"
#include "engine/io/secret.h"
#include "engine/resilience/rate.h"
#include "store/store.h"

#define EVENTS       8
#define LONGEST      3600000 /* ms without anything to do */
#define HOST_MAX     128
#define STATE_MAX    65536
#define ANSWER_MAX   65536
#define LAST_ANSWERS INT64_C(2000000000) /* ns at the end */
#define PAGE         500                 /* events that are looked at together */
#define LOOK_AGAIN                                                                       \
    INT64_C(5000000000) /* ns until a store that cannot be read is tried again */

/* Where notices go. */
struct target {
    const struct notify_spec *spec;
    struct service_spec service; /* scheme, host and port of its address */
    char *origin, *path;
    int64_t done;   /* newest event that is done with */
    int64_t last;   /* the same, once the call in flight is answered */
    int64_t call;   /* 0 = none */
    int n_failures; /* in a row */
    struct mono next_at;
    bool is_waiting; /* for a secret */
};

struct notify {
    /* immutable after start */
    char *store, *state_path, *environment, *host;
    struct target *targets;
    size_t n_targets;
    struct span pause_first;
    pthread_t thread;
    bool has_thread;
    int epoll, wake_fd;
    /* atomic */
    atomic_bool is_ending;
    atomic_llong sent, failed, dropped;
    /* notify thread only */
    struct reader *reader;
    struct arena *arena;
    struct http *http;
    struct secrets *secrets;
    struct rng rng;
    int64_t last_call;
};

/* ---- the watermark --------------------------------------------------------------------
 */

static void read_state(struct notify *notify)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    bool is_read = file_read(notify->state_path, STATE_MAX, &text, &len, &err);
    struct json *root = is_read ? json_parse(text, len, &err) : NULL;
    if (root == NULL && err.code != ERR_NOT_FOUND) {
        log_line(LOG_WARN, "notify",
                 "the watermark cannot be read: what was missed is lost",
                 LOG_FIELDS(LOG_TEXT("error", err.msg)));
    }
    const struct json *done = json_get(root, "done");
    for (size_t i = 0; i < notify->n_targets; i++) {
        struct target *target = &notify->targets[i];
        target->done = json_int(done, target->spec->name, -1);
    }
    json_free(root);
}

static void write_state(struct notify *notify)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    struct err err = ERR_INIT;
    buf_init(&out, STATE_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "done", '{');
    for (size_t i = 0; i < notify->n_targets; i++) {
        jsonw_int(&w, notify->targets[i].spec->name, notify->targets[i].done);
    }
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    if (!file_write(notify->state_path, out.data, out.len, &err)) {
        log_line(LOG_WARN, "notify", "the watermark cannot be written",
                 LOG_FIELDS(LOG_TEXT("error", err.msg)));
    }
}

/* ---- what is due ----------------------------------------------------------------------
 */

static bool open_reader(struct notify *notify)
{
    struct err err = ERR_INIT;
    if (notify->reader != NULL && reader_version(notify->reader) < 0) {
        reader_close(notify->reader);
        notify->reader = NULL;
    }
    if (notify->reader == NULL) {
        notify->reader = reader_open(notify->store, &err);
    }
    return notify->reader != NULL;
}

/* Did the workflow begin to wait for a person with this event, or did it before? */
static bool begins_to_wait(struct notify *notify, const struct event_row *event)
{
    struct err err = ERR_INIT;
    enum workflow_wait before = WAIT_NONE;
    int64_t after = 0;
    size_t n = 0;
    do {
        const struct event_row *rows = NULL;
        if (!reader_events(notify->reader, notify->arena, event->workflow, after, PAGE,
                           &rows, &n, &err)) {
            return true; /* better twice than never */
        }
        for (size_t i = 0; i < n && rows[i].seq < event->seq; i++) {
            before = rows[i].wait;
            after = rows[i].seq;
        }
        n = n > 0 && rows[n - 1].seq < event->seq ? n : 0;
    } while (n > 0);
    return before != event->wait;
}

/* The approval that the event is about, or that the workflow waits for. */
static const struct approval_row *find_approval(struct notify *notify,
                                                const struct event_row *event)
{
    struct err err = ERR_INIT;
    const struct approval_row *rows = NULL;
    size_t n = 0;
    int64_t id = notice_approval_of(event);
    if (id > 0) {
        struct approval_row *row = arena_alloc(notify->arena, sizeof(*row));
        enum found found = reader_approval(notify->reader, notify->arena, id, row, &err);
        return found == FOUND ? row : NULL;
    }
    const struct approval_query query = {.is_open = true,
                                         .has_snoozed = true,
                                         .workflow = event->workflow,
                                         .now = event->at,
                                         .max = 1};
    bool is_read = event->workflow > 0 && reader_approvals(notify->reader, notify->arena,
                                                           &query, &rows, &n, &err);
    return is_read && n > 0 ? &rows[0] : NULL;
}

static bool make(struct notify *notify, const struct event_row *event,
                 struct notice *ret_notice)
{
    struct err err = ERR_INIT;
    struct workflow_row workflow;
    struct notice_facts facts = {.workflow = NULL};
    if (!notice_is_of_interest(event)) {
        return false;
    }
    if (event->workflow > 0 && wait_needs_human(event->wait) &&
        !begins_to_wait(notify, event)) {
        return false;
    }
    if (event->workflow > 0 &&
        reader_workflow(notify->reader, notify->arena, event->workflow, &workflow,
                        &err) == FOUND) {
        facts.workflow = &workflow;
    }
    facts.approval = find_approval(notify, event);
    return notice_make(notify->arena, event, &facts, ret_notice);
}

/* Notices that are due, at most `max`; *ret_last: the newest event that they stand for. */
static size_t collect(struct notify *notify, struct target *target,
                      struct notice *notices, size_t max, int64_t *ret_last)
{
    struct err err = ERR_INIT;
    const struct event_row *rows = NULL;
    size_t n_rows = 0, n = 0;
    *ret_last = target->done;
    do {
        if (!reader_events(notify->reader, notify->arena, 0, *ret_last, PAGE, &rows,
                           &n_rows, &err)) {
            log_line(LOG_WARN, "notify", "events cannot be read",
                     LOG_FIELDS(LOG_TEXT("error", err.msg)));
            target->next_at.ns = mono_now().ns + LOOK_AGAIN;
            return n;
        }
        for (size_t i = 0; i < n_rows; i++) {
            struct notice notice;
            if (make(notify, &rows[i], &notice) && notice_is_for(target->spec, &notice)) {
                if (n == max) {
                    return n;
                }
                notices[n++] = notice;
            }
            *ret_last = rows[i].seq;
        }
    } while (n_rows == PAGE);
    return n;
}

/* ---- sending --------------------------------------------------------------------------
 */

static void set_address(struct target *target, const char *url)
{
    const char *host = strstr(url, "://");
    const char *path =
        host != NULL ? host + 3 + strcspn(host + 3, "/?#") : url + strlen(url);
    free(target->origin);
    free(target->path);
    target->origin = mem_strn(url, (size_t)(path - url));
    target->path = mem_str(path[0] == '/' ? path : "/");
    target->service = (struct service_spec){
        .name = target->spec->name, .url = target->origin, .token = target->spec->token};
}

/* False: the address is a secret that is still to come, or cannot be had. */
static bool find_address(struct notify *notify, struct target *target)
{
    struct secret secret;
    struct err err = ERR_INIT;
    if (target->spec->url[0] != '\0') {
        if (target->origin == NULL) {
            set_address(target, target->spec->url);
        }
        return true;
    }
    switch (secrets_get(notify->secrets, &target->spec->url_from, &secret, &err)) {
    case SECRET_READY:
        log_hide(secret.value, strlen(secret.value));
        set_address(target, secret.value);
        if (strncmp(secret.value, "https://", 8) == 0 ||
            strncmp(secret.value, "http://", 7) == 0) {
            return true;
        }
        (void)err_set(&err, ERR_CONFIG, "it is no http or https URL");
        break;
    case SECRET_PENDING:
        target->is_waiting = true;
        return false;
    case SECRET_NONE:
    case SECRET_FAILED:
        break;
    }
    log_line(
        LOG_WARN, "notify", "its address cannot be had",
        LOG_FIELDS(LOG_TEXT("target", target->spec->name), LOG_TEXT("error", err.msg)));
    target->next_at.ns = mono_now().ns + INT64_C(60000000000);
    return false;
}

static void send_notice(struct notify *notify, struct target *target,
                        const struct notice *notice)
{
    struct http_request *request =
        http_request_new("notify", CALL_WRITE, HTTP_POST, mem_str(target->path));
    notice_put(target->spec, notice, notify->host, notify->environment, request);
    request->answer_max = ANSWER_MAX;
    target->call = ++notify->last_call;
    http_send(notify->http, &(struct http_call){.id = target->call,
                                                .service = &target->service,
                                                .request = request,
                                                .time = NOTIFY_TIME});
}

/* The store was put back from a backup: its numbers are given again. */
static void check_watermark(struct notify *notify, struct target *target)
{
    struct err err = ERR_INIT;
    struct totals totals;
    if (!reader_totals(notify->reader, &totals, &err)) {
        return;
    }
    if (target->done < 0 || target->done > totals.last_event) {
        target->done = totals.last_event;
        write_state(notify);
    }
}

/* One call: a notice, or what has piled up as one. */
static void look(struct notify *notify, struct target *target)
{
    struct notice notices[NOTIFY_EACH * 20];
    struct notice sum;
    int64_t last = 0;
    arena_reset(notify->arena);
    if (!open_reader(notify)) {
        target->next_at.ns = mono_now().ns + LOOK_AGAIN;
        return;
    }
    if (!find_address(notify, target)) {
        return;
    }
    check_watermark(notify, target);
    size_t n = collect(notify, target, notices, ARRAY_LEN(notices), &last);
    if (n == 0) {
        bool is_far = last >= target->done + PAGE; /* not a write for each event */
        target->done = last;
        if (is_far) {
            write_state(notify);
        }
        return;
    }
    if (n <= NOTIFY_EACH) {
        target->last = notices[0].event;
        send_notice(notify, target, &notices[0]);
        return;
    }
    notice_sum_up(notify->arena, notices, n, &sum);
    target->last = last;
    send_notice(notify, target, &sum);
}

static void run_targets(struct notify *notify)
{
    for (size_t i = 0; i < notify->n_targets; i++) {
        struct target *target = &notify->targets[i];
        if (target->call == 0 && !target->is_waiting &&
            target->next_at.ns <= mono_now().ns) {
            target->next_at.ns = 0; /* only when something happens, or fails */
            look(notify, target);
        }
    }
}

/* ---- answers --------------------------------------------------------------------------
 */

static void pause_target(struct notify *notify, struct target *target,
                         const struct http_response *response)
{
    struct wall at, now = wall_now();
    struct span span =
        otlp_pause(++target->n_failures, NOTIFY_PAUSE_MAX, rng_unit(&notify->rng));
    if (notify->pause_first.ms > 0) {
        span.ms = span.ms * notify->pause_first.ms / 1000;
    }
    if (response->fault == HTTP_FINE &&
        rate_retry_after(http_header_of(response, "retry-after"), now, &at)) {
        span = wall_since(at, now);
        span.ms = span.ms < 3600000 ? span.ms : 3600000;
    }
    target->next_at.ns = mono_now().ns + (span.ms > 0 ? span.ms : 0) * 1000000;
}

static void tell_failure(const struct target *target, const char *message,
                         const struct http_response *response)
{
    char text[160];
    if (response->fault == HTTP_FINE) {
        (void)snprintf(text, sizeof(text), "HTTP %d", response->status);
    } else { /* its words may hold the address */
        (void)snprintf(text, sizeof(text), "%s", http_fault_word(response->fault));
    }
    log_line(LOG_WARN, "notify", message,
             LOG_FIELDS(LOG_TEXT("target", target->spec->name), LOG_TEXT("error", text)));
}

static void over(struct notify *notify, struct target *target)
{
    target->done = target->last;
    target->n_failures = 0;
    target->next_at.ns = 0;
    write_state(notify);
}

static void on_answer(void *user, int64_t id, struct http_response *response)
{
    struct notify *notify = user;
    struct target *target = NULL;
    for (size_t i = 0; i < notify->n_targets; i++) {
        target = notify->targets[i].call == id ? &notify->targets[i] : target;
    }
    if (target != NULL) {
        int status = response->fault == HTTP_FINE ? response->status : 0;
        target->call = 0;
        if (status >= 200 && status < 300) {
            (void)atomic_fetch_add(&notify->sent, 1);
            over(notify, target);
        } else if (status == 0 || status == 408 || status == 429 || status >= 500) {
            (void)atomic_fetch_add(&notify->failed, 1);
            if (target->n_failures == 0) { /* once; its end is silent */
                tell_failure(target, "not taken: again later", response);
            }
            pause_target(notify, target, response);
        } else {
            (void)atomic_fetch_add(&notify->dropped, 1);
            tell_failure(target, "refused: dropped", response);
            over(notify, target);
        }
    }
    http_response_free(response);
}

static void on_settled(void *user)
{
    struct notify *notify = user;
    for (size_t i = 0; i < notify->n_targets; i++) {
        notify->targets[i].is_waiting = false;
    }
}

/* ---- the thread -----------------------------------------------------------------------
 */

static int wait_ms(const struct notify *notify)
{
    int64_t least = LONGEST, now = mono_now().ns;
    for (size_t i = 0; i < notify->n_targets; i++) {
        const struct target *target = &notify->targets[i];
        int64_t left = target->next_at.ns > 0 ? target->next_at.ns - now : LONGEST;
        if (target->call == 0 && target->next_at.ns > 0) {
            int64_t ms = left > 0 ? (left + 999999) / 1000000 : 0;
            least = ms < least ? ms : least;
        }
    }
    return (int)least;
}

static void wait(struct notify *notify, int ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(notify->epoll, events, EVENTS, ms);
    for (int i = 0; i < n; i++) {
        int fd = events[i].data.fd;
        if (fd == notify->wake_fd) {
            uint64_t count;
            ssize_t got = read(fd, &count, sizeof(count));
            (void)got; /* it only wakes */
        } else if (fd == http_fd(notify->http)) {
            http_run(notify->http);
        } else {
            secrets_run(notify->secrets);
        }
    }
}

static void *run(void *user)
{
    struct notify *notify = user;
    (void)pthread_setname_np(pthread_self(), "notify"); /* for people who look */
    while (!atomic_load(&notify->is_ending)) {
        run_targets(notify);
        wait(notify, wait_ms(notify));
    }
    /* What is on its way is not to be told again by the next one. */
    struct mono until = {mono_now().ns + LAST_ANSWERS};
    while (http_in_flight(notify->http) > 0 && mono_now().ns < until.ns) {
        wait(notify, 50);
    }
    return NULL;
}

static bool watch(const struct notify *notify, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return fd >= 0 && epoll_ctl(notify->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool start_thread(struct notify *notify, struct err *err)
{
    sigset_t all, before;
    (void)sigfillset(&all); /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&notify->thread, NULL, run, notify);
    notify->has_thread = errno == 0 || err_sys(err, "starting the notify thread");
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return notify->has_thread;
}

static bool prepare(struct notify *notify, const struct notify_options *options,
                    struct err *err)
{
    const struct http_options http = {
        .on_answer = on_answer, .user = notify, .ca_file = options->ca_file};
    const struct secret_options secrets = {.on_settled = on_settled, .user = notify};
    notify->http = http_start(&http, err);
    notify->secrets = notify->http != NULL ? secrets_new(&secrets, err) : NULL;
    if (notify->secrets == NULL) {
        return false;
    }
    notify->epoll = epoll_create1(EPOLL_CLOEXEC);
    notify->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return (notify->epoll >= 0 && watch(notify, notify->wake_fd) &&
            watch(notify, http_fd(notify->http)) &&
            watch(notify, secrets_fd(notify->secrets))) ||
           err_sys(err, "starting the notify thread");
}

struct notify *notify_start(const struct notify_options *options, struct err *err)
{
    struct notify *notify = mem_alloc(sizeof(*notify));
    char host[HOST_MAX] = "";
    uint64_t seed = (uint64_t)mono_now().ns;
    (void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK); /* jitter only has to differ */
    (void)gethostname(host, sizeof(host) - 1);            /* or none */
    rng_init(&notify->rng, seed);
    notify->epoll = notify->wake_fd = -1;
    notify->store = mem_str(options->store);
    notify->state_path = mem_printf("%s-notify", options->store);
    notify->environment =
        mem_str(options->environment != NULL ? options->environment : "");
    notify->host = mem_str(host);
    notify->pause_first = options->pause_first;
    notify->arena = arena_new();
    notify->n_targets = options->n_specs;
    notify->targets = mem_array(options->n_specs, sizeof(*notify->targets));
    for (size_t i = 0; i < options->n_specs; i++) {
        notify->targets[i].spec = &options->specs[i];
    }
    read_state(notify);
    if (!prepare(notify, options, err) || !start_thread(notify, err)) {
        notify_stop(notify);
        return NULL;
    }
    return notify;
}

void notify_look(struct notify *notify)
{
    uint64_t one = 1;
    ssize_t written = write(notify->wake_fd, &one, sizeof(one));
    (void)written; /* an eventfd takes it */
}

void notify_stop(struct notify *notify)
{
    if (notify == NULL) {
        return;
    }
    if (notify->has_thread) {
        atomic_store(&notify->is_ending, true);
        notify_look(notify);
        (void)pthread_join(notify->thread, NULL); /* it is ours and runs */
        write_state(notify);                      /* also what was not worth a word */
    }
    http_stop(notify->http);
    secrets_free(notify->secrets);
    reader_close(notify->reader);
    for (size_t i = 0; i < notify->n_targets; i++) {
        free(notify->targets[i].origin);
        free(notify->targets[i].path);
    }
    free(notify->targets);
    arena_free(notify->arena);
    if (notify->epoll >= 0) {
        (void)close(notify->epoll); /* nothing is in it */
    }
    if (notify->wake_fd >= 0) {
        (void)close(notify->wake_fd); /* the same */
    }
    free(notify->store);
    free(notify->state_path);
    free(notify->environment);
    free(notify->host);
    free(notify);
}

void notify_figures(const struct notify *notify, struct notify_figures *ret_figures)
{
    *ret_figures = (struct notify_figures){.sent = atomic_load(&notify->sent),
                                           .failed = atomic_load(&notify->failed),
                                           .dropped = atomic_load(&notify->dropped)};
}
