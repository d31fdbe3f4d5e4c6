/* SPDX-License-Identifier: MIT */
#include "engine/monitor/thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/mailbox.h"
#include "store/pulse.h"

#define EVENTS_MAX     1000 /* of one look */
#define SPANS_MAX      2000
#define DELIVERIES_MAX 500
#define TOUCHED_MAX    EVENTS_MAX
#define INCIDENTS_MAX  200
#define GIVEN_MAX      256
#define SCRAPES_CAP    1024 /* bodies that wait */
#define LOOK_MS        200  /* between two looks at the event log */
#define HURRY_MS       1000 /* between two flushes because something was found */
#define TRIM_MS        60000
#define STRAYS_MAX     1000
#define RESEND_MS      30000 /* what is not taken by then is given again */
#define OMENS_MS       60000 /* within OMEN_FRESH */
#define REOPEN_MS      10000 /* until the metrics file is tried again */
#define LOG_PLACE      "monitor"

struct scraped {
    size_t index;
    struct wall at;
    char *text; /* NULL: it failed */
    size_t len;
    char why[160];
};

struct monitor_thread {
    struct monitor_thread_options options; /* immutable */
    bool is_control_silent;                /* told */
    pthread_t thread;
    struct mailbox *mailbox; /* struct scraped */
    atomic_bool is_stopping, has_news;
    /* thread only */
    struct monitor *monitor;
    struct metric_store *file;
    struct collector *collector;
    struct reader *reader; /* NULL: to be opened */
    struct arena *arena;
    int64_t version; /* of the store, at the last sample */
    int64_t sent;    /* findings up to this one were given */
    struct wall sent_at;
    bool is_hurried, has_failed;
    struct wall look_at, sample_at, flush_at, level_at, trim_at, omens_at; /* next */
};

/* ---- reading the store ---- */

static bool open_reader(struct monitor_thread *thread)
{
    struct err err = ERR_INIT;
    if (thread->reader != NULL && reader_version(thread->reader) < 0) {
        reader_close(TAKE(thread->reader)); /* replaced: a backup was put back */
    }
    if (thread->reader == NULL) {
        thread->reader = reader_open(thread->options.store, &err);
    }
    return thread->reader != NULL;
}

/* Which workflows the events of a look were about, each once. */
struct touched {
    int64_t ids[TOUCHED_MAX];
    size_t n;
};

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void unique(struct touched *touched)
{
    size_t n = 0;
    qsort(touched->ids, touched->n, sizeof(*touched->ids), by_id);
    for (size_t i = 0; i < touched->n; i++) {
        if (i == 0 || touched->ids[i] != touched->ids[i - 1]) {
            touched->ids[n++] = touched->ids[i];
        }
    }
    touched->n = n;
}

static void tell_effects(struct monitor_thread *thread, struct touched *touched)
{
    unique(touched);
    for (size_t i = 0; i < touched->n; i++) {
        const struct effect_row *rows;
        size_t n;
        struct err ignored = ERR_INIT;
        if (reader_effects(thread->reader, thread->arena, touched->ids[i], &rows, &n,
                           &ignored)) {
            monitor_effects(thread->monitor, touched->ids[i], rows, n);
        }
    }
}

/* True: there is more. */
static bool follow_events(struct monitor_thread *thread)
{
    const struct event_row *events;
    size_t n;
    struct err err = ERR_INIT;
    struct touched *touched = mem_alloc(sizeof(*touched));
    bool is_read =
        reader_events(thread->reader, thread->arena, 0, monitor_seq(thread->monitor),
                      EVENTS_MAX, &events, &n, &err);
    for (size_t i = 0; is_read && i < n; i++) {
        struct workflow_row row;
        struct err ignored = ERR_INIT;
        bool has_row = events[i].workflow != 0 &&
                       reader_workflow(thread->reader, thread->arena, events[i].workflow,
                                       &row, &ignored) == FOUND;
        monitor_event(thread->monitor, &events[i], has_row ? &row : NULL);
        if (has_row) {
            touched->ids[touched->n++] = events[i].workflow;
        }
    }
    tell_effects(thread, touched);
    free(touched);
    return is_read && n == EVENTS_MAX;
}

static bool follow_spans(struct monitor_thread *thread)
{
    const struct span_row *spans;
    size_t n;
    struct err err = ERR_INIT;
    if (!reader_spans(thread->reader, thread->arena, 0, monitor_span_seq(thread->monitor),
                      SPANS_MAX, &spans, &n, &err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        monitor_span(thread->monitor, &spans[i]);
    }
    return n == SPANS_MAX;
}

/* Newest first is how they come; what is older than a page is given up. */
static void follow_deliveries(struct monitor_thread *thread)
{
    int64_t seen = monitor_delivery_seq(thread->monitor);
    struct delivery_query query = {.max = DELIVERIES_MAX};
    const struct delivery_row *rows;
    size_t n;
    struct err err = ERR_INIT;
    if (!reader_deliveries(thread->reader, thread->arena, &query, &rows, &n, &err)) {
        return;
    }
    for (size_t i = n; i > 0; i--) {
        if (rows[i - 1].seq > seen) {
            monitor_delivery(thread->monitor, &rows[i - 1]);
        }
    }
}

static void follow(struct monitor_thread *thread)
{
    struct err err = ERR_INIT;
    if (!open_reader(thread) || !reader_begin(thread->reader, &err)) {
        return;
    }
    bool is_more = follow_events(thread);
    is_more = follow_spans(thread) || is_more;
    follow_deliveries(thread);
    reader_end(thread->reader);
    arena_reset(thread->arena);
    if (is_more) {
        atomic_store(&thread->has_news, true);
    }
}

static void read_services(struct monitor_thread *thread, struct wall now)
{
    const struct service_row *rows;
    size_t n;
    struct err err = ERR_INIT;
    if (!reader_services(thread->reader, thread->arena, &rows, &n, &err)) {
        return;
    }
    struct service_detail *details = arena_array(thread->arena, n, sizeof(*details));
    for (size_t i = 0; i < n; i++) {
        service_detail_parse(thread->arena, rows[i].detail, &details[i]);
    }
    monitor_services(thread->monitor, now, rows, details, n);
}

static void read_operators(struct monitor_thread *thread, struct wall now)
{
    const struct silence_row *silences;
    const struct incident_row *incidents;
    struct incident_query query = {.max = INCIDENTS_MAX};
    size_t n;
    struct err err = ERR_INIT;
    if (reader_silences(thread->reader, thread->arena, now, &silences, &n, &err)) {
        monitor_silences(thread->monitor, silences, n);
    }
    if (!reader_incidents(thread->reader, thread->arena, &query, &incidents, &n, &err)) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (incidents[i].state == INCIDENT_RESOLVED && incidents[i].n_open > 0) {
            monitor_resolve(thread->monitor, incidents[i].id, now);
        }
    }
}

/* ---- one sample ---- */

static void sample(struct monitor_thread *thread, struct wall now)
{
    struct totals totals;
    struct err err = ERR_INIT;
    collector_round(thread->collector, monitor_series(thread->monitor), now,
                    monitor_signal, thread->monitor);
    if (!open_reader(thread) || !reader_begin(thread->reader, &err)) {
        return; /* the store is out of order: its levels are unknown */
    }
    bool is_read = reader_totals(thread->reader, &totals, &err);
    if (is_read) {
        read_services(thread, now);
        read_operators(thread, now);
    }
    reader_end(thread->reader);
    arena_reset(thread->arena);
    if (is_read) {
        monitor_tick(thread->monitor, now, &totals);
    }
    if (monitor_gather(thread->monitor)) {
        thread->is_hurried = true;
    }
}

static void free_scraped(void *item)
{
    struct scraped *scraped = item;
    free(scraped->text);
    free(scraped);
}

/* While there is no file to keep anything in. */
static void drop_scrapes(struct monitor_thread *thread)
{
    void *items[64];
    size_t n;
    while ((n = mailbox_drain(thread->mailbox, items, ARRAY_LEN(items))) > 0) {
        for (size_t i = 0; i < n; i++) {
            free_scraped(items[i]);
        }
    }
}

static void take_scrapes(struct monitor_thread *thread)
{
    void *items[64];
    size_t n;
    while ((n = mailbox_drain(thread->mailbox, items, ARRAY_LEN(items))) > 0) {
        for (size_t i = 0; i < n; i++) {
            struct scraped *scraped = items[i];
            monitor_scrape(thread->monitor, &thread->options.scrapes[scraped->index],
                           scraped->at, scraped->text, scraped->len,
                           scraped->text == NULL ? scraped->why : NULL);
            free(scraped->text);
            free(scraped);
        }
    }
}

/* ---- the file ---- */

static void tell_broken(const char *broken)
{
    if (broken != NULL) {
        log_line(LOG_WARN, LOG_PLACE, "the metrics file was damaged and is begun anew",
                 LOG_FIELDS(LOG_TEXT("kept_as", broken)));
    }
}

static void tell_failure(struct monitor_thread *thread, const struct err *err)
{
    if (!thread->has_failed) {
        log_line(LOG_ERROR, LOG_PLACE, "the metrics file cannot be written",
                 LOG_FIELDS(LOG_TEXT("why", err->msg)));
    }
    thread->has_failed = true;
}

static void tell_recovery(struct monitor_thread *thread)
{
    if (thread->has_failed) {
        log_line(LOG_INFO, LOG_PLACE, "the metrics file is written again",
                 LOG_FIELDS(LOG_TEXT("store", thread->options.store)));
    }
    thread->has_failed = false;
}

static int64_t taken(struct monitor_thread *thread)
{
    const char *text =
        thread->reader != NULL
            ? reader_setting(thread->reader, thread->arena, FINDING_SETTING)
            : "";
    return strtoll(text, NULL, 10);
}

static void flush(struct monitor_thread *thread, struct wall now, bool is_all)
{
    struct err err = ERR_INIT;
    metric_store_begin(thread->file);
    monitor_save(thread->monitor, thread->file, now, is_all);
    metric_store_put_setting(thread->file, "monitor_at", now.ms);
    metric_store_drop_findings(thread->file, taken(thread));
    if (metric_store_commit(thread->file, &err)) {
        monitor_saved(thread->monitor, now);
        tell_recovery(thread);
    } else if (err.code == ERR_CORRUPT) {
        AUTO_FREE char *broken = NULL;
        if (metric_store_renew(thread->file, now, &broken, &err)) {
            if (broken == NULL) {
                log_line(LOG_WARN, LOG_PLACE,
                         "the metrics file was removed and is begun anew", LOG_NONE);
            }
            tell_broken(broken);
            monitor_unsaved(thread->monitor);
        } else {
            tell_failure(thread, &err);
        }
    } else {
        tell_failure(thread, &err);
    }
    arena_reset(thread->arena);
}

static void trim(struct monitor_thread *thread, struct wall now)
{
    struct metric_bounds bounds = metric_bounds_default();
    struct err err = ERR_INIT;
    bounds.bytes = thread->options.disk;
    if (!metric_store_trim(thread->file, &bounds, now, &err)) {
        tell_failure(thread, &err);
    }
}

/* ---- findings ---- */

static bool send_one(struct monitor_thread *thread, const struct metric_finding *row)
{
    struct discovery discovery;
    if (!discovery_parse(thread->arena, row->json, &discovery)) {
        log_line(LOG_WARN, LOG_PLACE, "a finding in the metrics file cannot be read",
                 LOG_FIELDS(LOG_INT("number", row->number)));
        return true;
    }
    struct monitor_finding *finding =
        discovery.anomaly != NULL
            ? monitor_finding_of_anomaly(row->number, discovery.anomaly)
            : monitor_finding_of_incident(row->number, discovery.incident);
    return thread->options.on_finding(thread->options.user, finding);
}

/* In order; what finds no room is given with a later flush. */
static void send_findings(struct monitor_thread *thread, struct wall now)
{
    struct metric_finding *rows;
    size_t n;
    struct err err = ERR_INIT;
    if (thread->sent > taken(thread) && now.ms - thread->sent_at.ms > RESEND_MS) {
        thread->sent = taken(thread);
    }
    bool has_room =
        metric_reader_findings(metric_store_reader(thread->file), thread->arena,
                               thread->sent, GIVEN_MAX, &rows, &n, &err);
    for (size_t i = 0; has_room && i < n; i++) {
        has_room = send_one(thread, &rows[i]);
        if (has_room) {
            thread->sent = rows[i].number;
            thread->sent_at = now;
        }
    }
    arena_reset(thread->arena);
}

/* What is not taken is said again. */
static void tell_omens(struct monitor_thread *thread, struct wall now)
{
    struct omen_batch *omens =
        thread->options.on_omens != NULL ? monitor_omens(thread->monitor, now) : NULL;
    if (omens != NULL) {
        thread->options.on_omens(thread->options.user, omens);
    }
}

/* ---- the loop ---- */

static struct wall later(struct wall now, int64_t ms)
{
    return (struct wall){now.ms + ms};
}

static void round_of(struct monitor_thread *thread, struct wall now)
{
    take_scrapes(thread);
    if (atomic_load(&thread->has_news) && now.ms >= thread->look_at.ms) {
        atomic_store(&thread->has_news, false);
        follow(thread);
        thread->look_at = later(now, LOOK_MS);
    }
    if (now.ms >= thread->sample_at.ms) {
        sample(thread, now);
        int64_t every =
            thread->options.interval.ms; /* on the grid, so that rates agree */
        thread->sample_at = later(now, every - now.ms % every);
    }
    if (now.ms >= thread->level_at.ms) {
        monitor_level(thread->monitor, now, thread->file);
        thread->level_at = later(now, monitor_level_pause(thread->monitor).ms);
    }
    bool is_early = thread->is_hurried || series_is_full(monitor_series(thread->monitor));
    if (now.ms >= thread->flush_at.ms ||
        (is_early && now.ms >= thread->flush_at.ms - MONITOR_FLUSH_MS + HURRY_MS)) {
        flush(thread, now, false);
        thread->is_hurried = false;
        thread->flush_at = later(now, MONITOR_FLUSH_MS);
        send_findings(thread, now);
    }
    if (now.ms >= thread->omens_at.ms) {
        tell_omens(thread, now);
        thread->omens_at = later(now, OMENS_MS);
    }
    if (now.ms >= thread->trim_at.ms) {
        trim(thread, now);
        thread->trim_at = later(now, TRIM_MS);
    }
}

static int wait_ms(const struct monitor_thread *thread, struct wall now)
{
    int64_t at = thread->sample_at.ms;
    at = thread->level_at.ms < at ? thread->level_at.ms : at;
    at = thread->flush_at.ms < at ? thread->flush_at.ms : at;
    at = thread->trim_at.ms < at ? thread->trim_at.ms : at;
    at = thread->omens_at.ms < at ? thread->omens_at.ms : at;
    if (thread->is_hurried) {
        int64_t soon = thread->flush_at.ms - MONITOR_FLUSH_MS + HURRY_MS;
        at = soon < at ? soon : at;
    }
    if (atomic_load(&thread->has_news) && thread->look_at.ms < at) {
        at = thread->look_at.ms;
    }
    if (thread->options.pulse != NULL && at > now.ms + PULSE_EVERY.ms) {
        at = now.ms + PULSE_EVERY.ms;
    }
    return at <= now.ms ? 0 : (int)(at - now.ms);
}

/* The control thread cannot tell of itself; the log can be read without it. */
static void mind_control(struct monitor_thread *thread)
{
    char text[CLOCK_TEXT_MAX];
    struct span span = pulse_silence(thread->options.pulse, PULSE_CONTROL, mono_now());
    bool is_silent = span.ms > 0;
    if (is_silent && !thread->is_control_silent) {
        log_line(LOG_ERROR, "engine", "the control thread is silent",
                 LOG_FIELDS(LOG_TEXT("for", span_format(span, text))));
    } else if (!is_silent && thread->is_control_silent) {
        log_line(LOG_INFO, "engine", "the control thread is heard again", LOG_NONE);
    }
    thread->is_control_silent = is_silent;
}

/* A clock that was set back must not stop the samples. */
static void mind_clock(struct monitor_thread *thread, struct wall now)
{
    if (thread->sample_at.ms > now.ms + 2 * thread->options.interval.ms) {
        thread->look_at = thread->sample_at = thread->level_at = now;
        thread->flush_at = thread->trim_at = thread->omens_at = now;
    }
}

static struct monitor *make_monitor(const struct monitor_thread_options *options)
{
    return monitor_new(&(struct monitor_options){
        .rules = options->rules,
        .n_rules = options->n_rules,
        .max_running = options->max_running,
    });
}

/* Damage that opening does not see shows when the models are read: then too the file is moved
 * aside, and the monitor begins anew. */
static bool load(struct monitor_thread *thread, char **broken, struct err *err)
{
    if (monitor_load(thread->monitor, thread->file, err)) {
        return true;
    }
    if (err->code != ERR_CORRUPT) {
        return false;
    }
    *err = ERR_INIT;
    monitor_free(thread->monitor);
    thread->monitor = make_monitor(&thread->options);
    free(*broken);
    return metric_store_renew(thread->file, wall_now(), broken, err) &&
           monitor_load(thread->monitor, thread->file, err);
}

static bool open_file(struct monitor_thread *thread)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = metric_store_path(thread->options.store);
    AUTO_FREE char *broken = NULL;
    thread->monitor = make_monitor(&thread->options);
    thread->file = metric_store_open(path, wall_now(), &broken, &err);
    if (thread->file != NULL && load(thread, &broken, &err)) {
        tell_broken(broken);
        return true;
    }
    tell_failure(thread, &err);
    metric_store_close(TAKE(thread->file));
    monitor_free(TAKE(thread->monitor));
    return false;
}

static void wait_for(const struct monitor_thread *thread, int ms)
{
    struct pollfd fd = {.fd = mailbox_fd(thread->mailbox), .events = POLLIN};
    (void)poll(&fd, 1, ms); /* woken early: a round for nothing */
}

/* False: told to stop before it could. */
static bool open_at_last(struct monitor_thread *thread)
{
    while (!atomic_load(&thread->is_stopping)) {
        if (open_file(thread)) {
            return true;
        }
        drop_scrapes(thread);
        wait_for(thread, REOPEN_MS);
    }
    return false;
}

/* When the metrics file was lost, ids go on behind those of the store, and what the store
 * holds open is closed: a new trouble with an old number would else inherit what an operator
 * said of the old one. */
static void settle_ids(struct monitor_thread *thread, struct wall now)
{
    struct anomaly_query open = {.is_open = true, .max = STRAYS_MAX};
    struct incident_query incidents = {.is_open = true, .max = STRAYS_MAX};
    const struct anomaly_row *rows = NULL;
    const struct incident_row *groups = NULL;
    int64_t anomaly = 0, incident = 0;
    size_t n = 0, n_groups = 0;
    struct err err = ERR_INIT;
    if (!reader_finding_ids(thread->reader, &anomaly, &incident, &err) ||
        !monitor_ids_taken(thread->monitor, anomaly, incident) ||
        !reader_anomalies(thread->reader, thread->arena, &open, &rows, &n, &err) ||
        !reader_incidents(thread->reader, thread->arena, &incidents, &groups, &n_groups,
                          &err)) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        monitor_stray(thread->monitor, &(struct discovery){.anomaly = &rows[i]}, now);
    }
    for (size_t i = 0; i < n_groups; i++) {
        monitor_stray(thread->monitor, &(struct discovery){.incident = &groups[i]}, now);
    }
    thread->is_hurried = true;
}

static void settle_seqs(struct monitor_thread *thread)
{
    struct totals totals;
    struct delivery_query newest = {.max = 1};
    const struct delivery_row *rows = NULL;
    size_t n = 0;
    struct err err = ERR_INIT;
    if (reader_totals(thread->reader, &totals, &err) &&
        reader_deliveries(thread->reader, thread->arena, &newest, &rows, &n, &err)) {
        monitor_rewind(thread->monitor, totals.last_event,
                       reader_last_span(thread->reader), n > 0 ? rows[0].seq : 0);
    }
}

static void begin(struct monitor_thread *thread)
{
    struct wall now = wall_now();
    thread->flush_at = later(now, MONITOR_FLUSH_MS);
    thread->trim_at = later(now, TRIM_MS);
    thread->level_at = later(now, MONITOR_FLUSH_MS);
    if (open_reader(thread)) {
        monitor_taken(thread->monitor, taken(thread));
        thread->sent = taken(thread);
        settle_seqs(thread);
        settle_ids(thread, now);
        arena_reset(thread->arena);
    }
    send_findings(thread, now);
    mem_give_back(); /* of what the models were read from */
}

static void *thread_main(void *user)
{
    struct monitor_thread *thread = user;
    (void)pthread_setname_np(pthread_self(), "monitor");
    if (!open_at_last(thread)) {
        return NULL;
    }
    begin(thread);
    while (!atomic_load(&thread->is_stopping)) {
        struct wall now = wall_now();
        mind_clock(thread, now);
        pulse_beat(thread->options.pulse, PULSE_MONITOR);
        wait_for(thread, wait_ms(thread, now));
        mind_control(thread);
        round_of(thread, wall_now());
    }
    pulse_end(thread->options.pulse, PULSE_MONITOR);
    flush(thread, wall_now(), true);
    return NULL;
}

/* ---- from outside ---- */

static void free_parts(struct monitor_thread *thread)
{
    monitor_free(thread->monitor);
    metric_store_close(thread->file);
    collector_free(thread->collector);
    reader_close(thread->reader);
    mailbox_free(thread->mailbox, free_scraped);
    arena_free(thread->arena);
    free(thread);
}

static struct collector *make_collector(const char *store)
{
    AUTO_FREE char *work = mem_printf("%s-work", store);
    AUTO_FREE char *logs = mem_printf("%s-logs", store);
    const char *slash = strrchr(store, '/');
    AUTO_FREE char *folder =
        slash == NULL ? mem_str(".") : mem_strn(store, (size_t)(slash - store) + 1);
    const char *folders[] = {folder, work, logs};
    return collector_new("", folders, ARRAY_LEN(folders));
}

struct monitor_thread *monitor_start(const struct monitor_thread_options *options,
                                     struct err *err)
{
    struct monitor_thread *thread = mem_alloc(sizeof(*thread));
    thread->options = *options;
    thread->arena = arena_new();
    thread->mailbox = mailbox_new(SCRAPES_CAP);
    thread->collector = make_collector(options->store);
    atomic_store(&thread->has_news, true);
    sigset_t all, old;
    (void)sigfillset(&all); /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&thread->thread, NULL, thread_main, thread);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error != 0) {
        errno = error;
        err_sys(err, "cannot start the monitor thread");
        free_parts(thread);
        return NULL;
    }
    return thread;
}

void monitor_stop(struct monitor_thread *thread)
{
    if (thread == NULL) {
        return;
    }
    atomic_store(&thread->is_stopping, true);
    mailbox_wake(thread->mailbox);
    (void)pthread_join(thread->thread, NULL);
    free_parts(thread);
}

void monitor_look(struct monitor_thread *thread)
{
    if (!atomic_exchange(&thread->has_news, true)) {
        mailbox_wake(thread->mailbox);
    }
}

void monitor_scraped(struct monitor_thread *thread, size_t index, struct wall at,
                     char *text, size_t len, const struct err *error)
{
    struct scraped *scraped = mem_alloc(sizeof(*scraped));
    scraped->index = index;
    scraped->at = at;
    scraped->text = text;
    scraped->len = len;
    if (error != NULL) {
        (void)snprintf(scraped->why, sizeof(scraped->why), "%.150s", error->msg);
    }
    if (!mailbox_put(thread->mailbox, scraped)) {
        free_scraped(scraped);
    }
}
