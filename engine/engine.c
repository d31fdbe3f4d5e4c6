/* SPDX-License-Identifier: MIT */

/*
 * The control thread: inbox -> control center -> one commit -> effects and the bell.
 *
 * While a commit fails (full disk, lock held by another program, read-only file system)
 * the batch stays in the store's hand and nothing else is taken from the inbox; the bell
 * tells the consoles why, and the commit is tried again until the cause is gone.
 */

#include "engine/engine_private.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/mailbox.h"
#include "engine/base/version.h"
#include "engine/control/config.h"
#include "engine/control/control.h"
#include "engine/control/message.h"
#include "engine/io/holder.h"
#include "engine/io/io.h"
#include "engine/io/listener.h"
#include "engine/io/notify.h"
#include "engine/io/runner.h"
#include "engine/io/telemetry.h"
#include "engine/monitor/thread.h"
#include "store/bell.h"
#include "store/finding.h"
#include "store/pulse.h"
#include "store/store.h"

#define BATCH_MAX      256
#define COMMANDS_MAX   256
#define FAULT_RETRY_MS 250
#define IDLE_MS        1000 /* quiet for so long: the write-ahead log goes home */

int engine_run_effect(const char *folder)
{
    return runner_main(folder);
}

int engine_hold_sandbox(const char *folder)
{
    return holder_main(folder);
}

/* ---- what leaves after a commit; control thread ---- */

static void perform(void *self, const struct effect_row *effect)
{
    struct engine *engine = self;
    log_line(
        LOG_INFO, "effect", "asked for",
        LOG_FIELDS(LOG_INT("workflow", effect->workflow), LOG_INT("effect", effect->seq),
                   LOG_TEXT("kind", effect_name(effect->kind)),
                   LOG_TEXT("name", effect->name), LOG_INT("attempt", effect->attempt)));
    engine->performer.perform(engine->performer.self, effect);
}

static void stop_effect(void *self, int64_t workflow, int64_t seq)
{
    struct engine *engine = self;
    log_line(LOG_INFO, "effect", "stopped",
             LOG_FIELDS(LOG_INT("workflow", workflow), LOG_INT("effect", seq)));
    engine->performer.stop(engine->performer.self, workflow, seq);
}

static void on_answer(void *self, struct webhook *webhook, bool is_kept)
{
    struct engine *engine = self;
    if (engine->listener != NULL) {
        listener_answer(engine->listener, webhook, is_kept);
    } else {
        webhook_free(webhook); /* at the end: the listener has stopped */
    }
}

static void on_hint(void *self, struct forge_event *event)
{
    struct engine *engine = self;
    io_hint(engine->io, event);
}

static void on_order(void *self, struct service_order *order)
{
    struct engine *engine = self;
    io_order(engine->io, order);
}

static void on_tidy(void *self)
{
    struct engine *engine = self;
    io_tidy(engine->io);
}

static void on_halt(void *self, bool is_on)
{
    struct engine *engine = self;
    if (engine->io != NULL) {
        io_halt(engine->io, is_on);
    }
}

static void put_state(struct engine *engine, const char *state)
{
    AUTO_BUF struct buf buf;
    struct jsonw w;
    char at[CLOCK_TEXT_MAX];
    buf_init(&buf, 1024);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "pid", getpid());
    jsonw_str(&w, "version", SIGNALBOX_VERSION);
    jsonw_str(&w, "state", state);
    jsonw_str(&w, "started_at", wall_format(engine->started_at, false, at));
    jsonw_int(&w, "max_running", control_max_running(engine->control));
    jsonw_int(&w, "admitted", control_admitted(engine->control));
    jsonw_str(&w, "listener", engine->listener != NULL ? engine->listener_text : "");
    jsonw_str(&w, "listener_fault",
              engine->listener == NULL ? engine->listener_text : "");
    jsonw_close(&w, '}');
    store_put_setting(engine->store, "engine", buf.data);
    engine->state = state;
    engine->shown_max = control_max_running(engine->control);
    engine->shown_admitted = control_admitted(engine->control);
}

static void put_engine_event(struct engine *engine, const char *kind, const char *text)
{
    log_line(strstr(kind, "failed") != NULL ? LOG_WARN : LOG_INFO, "engine", kind,
             LOG_FIELDS(LOG_INT("pid", getpid()), LOG_TEXT("version", SIGNALBOX_VERSION),
                        LOG_TEXT("store", engine->config->store),
                        LOG_TEXT("text", text)));
    (void)store_add_event(engine->store, &(struct event_row){.at = wall_now(),
                                                             .kind = kind,
                                                             .actor = "engine",
                                                             .text = text});
}

static void log_fault(const struct err *err)
{
    log_line(
        LOG_ERROR, "store", "cannot be written",
        LOG_FIELDS(LOG_TEXT("error", err->msg), LOG_TEXT("code", err_word(err->code))));
}

static void tell_fault(struct engine *engine, enum err_code code)
{
    bell_set_fault(engine->bell, code);
    atomic_store(&engine->is_deaf, code != ERR_NONE);
    if (engine->listener != NULL) {
        listener_fault(engine->listener, code);
    }
}

/* One try. The bell rings for what was committed, and for a change of the fault. */
static bool commit(struct engine *engine)
{
    struct err err = ERR_INIT;
    bool has_news = engine->has_faulted || store_has_batch(engine->store);
    store_set_now(engine->store, wall_now());
    if (!control_commit(engine->control, &engine->executor, &err)) {
        engine->has_faulted = true;
        log_fault(&err);
        tell_fault(engine, err.code);
        control_fault(engine->control);
        return false;
    }
    if (engine->has_faulted) {
        engine->has_faulted = false;
        log_line(LOG_INFO, "store", "can be written again", LOG_NONE);
        tell_fault(engine, ERR_NONE);
    }
    engine_audit_note(engine, false);
    if (has_news) {
        engine->is_dirty = true;
        bell_ring(engine->bell);
        if (engine->listener != NULL) {
            listener_look(engine->listener);
        }
        if (engine->monitor != NULL) {
            monitor_look(engine->monitor);
        }
        if (engine->notify != NULL) {
            notify_look(engine->notify);
        }
    }
    return true;
}

static void log_result(const struct effect_result *result)
{
    bool is_bad = result->status == STATUS_TIMED_OUT || result->status == STATUS_LOST ||
                  result->status == STATUS_REFUSED;
    log_line(is_bad ? LOG_WARN : LOG_INFO, "effect", "ended",
             LOG_FIELDS(LOG_INT("workflow", result->workflow),
                        LOG_INT("effect", result->seq),
                        LOG_TEXT("status", status_name(result->status)),
                        LOG_TEXT("provider", result->provider),
                        LOG_INT("took_ms",
                                wall_since(result->finished_at, result->started_at).ms),
                        LOG_TEXT("summary", result->summary)));
}

/* Figures alone are no news. */
static void log_report(const struct service_report *report)
{
    if (report->event != NULL && report->event[0] != '\0') {
        log_line(report->row.state == BREAKER_CLOSED ? LOG_INFO : LOG_WARN, "service",
                 "transition",
                 LOG_FIELDS(LOG_TEXT("service", report->row.name),
                            LOG_TEXT("event", report->event),
                            LOG_TEXT("state", breaker_state_word(report->row.state)),
                            LOG_TEXT("actor", report->actor),
                            LOG_TEXT("cause", report->cause)));
    }
}

/* Spans change nothing: they go as they are into the batch that is open. */
static void take_spans(struct engine *engine, struct span_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        (void)store_add_span(engine->store,
                             &batch->rows[i]); /* nobody needs its number */
    }
    span_batch_free(batch);
}

/* The message's content moves on to the control center. */
static void take(struct engine *engine, struct message *message, struct wall now)
{
    if (message->kind == MESSAGE_REPORT || message->kind == MESSAGE_RECONCILED ||
        message->kind == MESSAGE_SPANS || message->kind == MESSAGE_OMENS) {
        (void)atomic_fetch_sub(&engine->n_extras, 1);
    }
    switch (message->kind) {
    case MESSAGE_RESULT:
        log_result(message->result);
        control_result(engine->control, message->result, now);
        break;
    case MESSAGE_REPORT:
        log_report(message->report);
        control_report(engine->control, message->report, now);
        break;
    case MESSAGE_RECONCILED:
        control_reconciled(engine->control, message->reconciled, now);
        break;
    case MESSAGE_WEBHOOK:
        control_webhook(engine->control, message->webhook);
        break;
    case MESSAGE_SPANS:
        take_spans(engine, message->spans);
        break;
    case MESSAGE_REJECTED:
        control_rejected(engine->control, message->n_rejected);
        break;
    case MESSAGE_FINDING:
        control_finding(engine->control, message->finding, now);
        break;
    case MESSAGE_OMENS:
        control_omens(engine->control, message->omens, now);
        break;
    }
    free(message);
}

static void take_messages(struct engine *engine)
{
    void *messages[BATCH_MAX];
    size_t n = mailbox_drain(engine->inbox, messages, BATCH_MAX);
    struct wall now = wall_now();
    for (size_t i = 0; i < n; i++) {
        take(engine, messages[i], now);
    }
    int64_t n_rejected = atomic_exchange(&engine->n_rejected, 0);
    if (n_rejected > 0) {
        control_rejected(engine->control, n_rejected);
    }
}

static void take_commands(struct engine *engine)
{
    struct err err = ERR_INIT;
    bool has_requests = atomic_exchange(&engine->has_requests, false);
    if (bell_serve(engine->bell) || has_requests) {
        engine->has_commands = true;
    }
    if (!engine->has_commands) {
        return;
    }
    int n = control_commands(engine->control, COMMANDS_MAX, wall_now(), &err);
    engine->has_commands = n < 0 || n == COMMANDS_MAX; /* more, or try again */
}

/* The other threads, from here; this one is watched by the monitor and by every screen. */
static void mind_threads(struct engine *engine)
{
    struct mono now = mono_now();
    for (int i = 0; i < PULSE_COUNT; i++) {
        enum pulse_thread thread = (enum pulse_thread)i;
        struct span span = pulse_silence(engine->pulse, thread, now);
        char text[CLOCK_TEXT_MAX];
        if (thread == PULSE_CONTROL || engine->is_silent[i] == (span.ms > 0)) {
            continue;
        }
        engine->is_silent[i] = span.ms > 0;
        AUTO_FREE char *line =
            engine->is_silent[i]
                ? mem_printf("the %s thread has not been heard of for %s: %s",
                             pulse_word(thread), span_format(span, text),
                             pulse_help(thread))
                : mem_printf("the %s thread is heard again", pulse_word(thread));
        put_engine_event(engine, engine->is_silent[i] ? "thread-silent" : "thread-heard",
                         line);
    }
}

static void one_batch(struct engine *engine)
{
    pulse_beat(engine->pulse, PULSE_CONTROL);
    mind_threads(engine);
    take_commands(engine); /* first: one of them may be to halt */
    take_messages(engine);
    if (atomic_load(&engine->is_draining) && !engine->is_drain_told) {
        engine->is_drain_told = true;
        control_drain(engine->control, true);
        put_state(engine, "draining");
    }
    control_tick(engine->control, wall_now());
    if (engine->shown_max != control_max_running(engine->control) ||
        engine->shown_admitted != control_admitted(engine->control)) {
        put_state(engine, engine->state); /* it was tuned, or evidence says fewer */
    }
    (void)commit(engine); /* told by the bell; tried again */
}

/* -1: never. */
static int64_t ms_until(struct wall at)
{
    int64_t ms = at.ms - wall_now().ms;
    return !wall_is_set(at) ? -1 : ms < 0 ? 0 : ms + 1;
}

/* Milliseconds until there is something to do without being told; -1 = nothing. */
static int wait_ms(const struct engine *engine)
{
    if (engine->has_faulted) {
        return FAULT_RETRY_MS;
    }
    if (engine->has_commands) {
        return 0;
    }
    int64_t ms = ms_until(control_wake_at(engine->control));
    int64_t note_ms = ms_until(engine_audit_wake_at(engine));
    if (note_ms >= 0 && (ms < 0 || ms > note_ms)) {
        ms = note_ms;
    }
    if (engine->is_dirty && (ms < 0 || ms > IDLE_MS)) {
        ms = IDLE_MS;
    }
    int64_t most = engine->pulse != NULL ? PULSE_EVERY.ms : 3600000;
    return ms < 0 || ms > most ? (int)most : (int)ms;
}

static bool is_over(const struct engine *engine)
{
    return atomic_load(&engine->is_stopping) ||
           (engine->is_drain_told && control_is_idle(engine->control));
}

static void *control_main(void *user)
{
    struct engine *engine = user;
    (void)pthread_setname_np(pthread_self(), "control");
    one_batch(engine); /* what was in flight, and commands sent meanwhile */
    if (!control_is_halted(engine->control)) {
        io_halt(engine->io, false);
    }
    bool is_swept = false;
    while (!is_over(engine)) {
        if (!is_swept && !engine->has_faulted &&
            !control_is_halted(engine->control)) { /* everything pending is performed */
            io_sweep(engine->io);
            is_swept = true;
        }
        struct pollfd fds[] = {
            {.fd = mailbox_fd(engine->inbox), .events = POLLIN},
            {.fd = bell_fd(engine->bell),     .events = POLLIN},
        };
        /* With a fault only a stop is listened to; the rest waits where it is. */
        int n = poll(fds, engine->has_faulted ? 0 : 2, wait_ms(engine));
        if (n < 0 && errno != EINTR) {
            break;
        }
        if (engine->has_faulted) {
            pulse_beat(engine->pulse, PULSE_CONTROL);
            (void)bell_serve(engine->bell); /* new consoles hear the fault */
            engine->has_commands = true;
            (void)commit(engine);
            continue;
        }
        if (n == 0 && engine->is_dirty && wait_ms(engine) >= IDLE_MS) {
            store_checkpoint(engine->store);
            mem_give_back();
            engine->is_dirty = false;
            continue;
        }
        one_batch(engine);
    }
    put_state(engine, "stopped");
    control_save(engine->control);
    put_engine_event(engine, "engine-stop", "");
    control_audit(engine->control, wall_now(), "engine", "engine-stop", "engine", "done",
                  "process %d", (int)getpid());
    if (commit(engine)) { /* else it is found again by the next engine */
        engine_audit_note(engine, true);
    }
    pulse_end(engine->pulse, PULSE_CONTROL);
    uint64_t one = 1;
    ssize_t written = write(engine->ended_fd, &one, sizeof(one));
    (void)written; /* an eventfd takes it */
    return NULL;
}

static void on_left(void *message)
{
    message_free(message);
}

static void stop_parts(struct engine *engine)
{
    listener_stop(engine->listener); /* it looks at the one below */
    engine->listener = NULL;
    notify_stop(engine->notify);
    engine->notify = NULL;
    telemetry_stop(engine->telemetry);
    engine->telemetry = NULL;
    monitor_stop(engine->monitor);
    engine->monitor = NULL;
    io_stop(engine->io);
    pulse_close(engine->pulse);
    bell_close(engine->bell);
    control_free(engine->control);
    engine_audit_stop(engine);
    pattern_base_free(engine->patterns);
    store_close(engine->store);
    mailbox_free(engine->inbox, on_left);
    log_close();
    lease_give_back(engine->lease);
    if (engine->ended_fd >= 0) {
        (void)close(engine->ended_fd);
    }
    free(engine);
}

/* Nothing else needs them: what cannot start is said in the log. */
static void start_watching(struct engine *engine)
{
    const struct config *config = engine->config;
    struct err err = ERR_INIT;
    struct monitor_thread_options options = {
        .store = config->store,
        .interval = config->monitor.interval,
        .disk = config->monitor.disk,
        .max_running = config->max_running,
        .rules = config->monitor.rules,
        .n_rules = config->monitor.n_rules,
        .scrapes = config->monitor.scrapes,
        .n_scrapes = config->monitor.n_scrapes,
        .on_finding = on_finding,
        .on_omens = on_omens,
        .user = engine,
        .pulse = engine->pulse,
    };
    engine->monitor = monitor_start(&options, &err);
    if (engine->monitor == NULL) {
        log_line(LOG_ERROR, "monitor", "cannot start",
                 LOG_FIELDS(LOG_TEXT("why", err.msg)));
    }
    struct telemetry_options carries = {
        .store = config->store,
        .environment = config->environment,
        .scrapes = config->monitor.scrapes,
        .n_scrapes = engine->monitor != NULL ? config->monitor.n_scrapes : 0,
        .otlps = config->telemetry.otlps,
        .n_otlps = config->telemetry.n_otlps,
        .on_scrape = on_scrape,
        .user = engine,
    };
    bool is_wanted = carries.n_scrapes + carries.n_otlps > 0;
    engine->telemetry = is_wanted ? telemetry_start(&carries, &err) : NULL;
    if (is_wanted && engine->telemetry == NULL) {
        log_line(LOG_ERROR, "telemetry", "cannot start",
                 LOG_FIELDS(LOG_TEXT("why", err.msg)));
    }
    if (engine->listener != NULL) {
        listener_watch_telemetry(engine->listener, engine->telemetry);
    }
}

static void start_notify(struct engine *engine)
{
    const struct config *config = engine->config;
    struct err err = ERR_INIT;
    const struct notify_options options = {.store = config->store,
                                           .environment = config->environment,
                                           .specs = config->notifies,
                                           .n_specs = config->n_notifies};
    if (options.n_specs == 0) {
        return;
    }
    engine->notify = notify_start(&options, &err);
    if (engine->notify == NULL) {
        log_line(LOG_ERROR, "notify", "cannot start",
                 LOG_FIELDS(LOG_TEXT("why", err.msg)));
    }
}

/* Everything else works without it: polling finds what webhooks would tell. */
static void start_listener(struct engine *engine)
{
    const struct listener_spec *spec = &engine->config->listener;
    struct err err = ERR_INIT;
    if (spec->port == 0) {
        return;
    }
    struct listener_options options = {
        .spec = spec,
        .store = engine->config->store,
        .on_webhook = on_webhook,
        .on_rejected = on_rejected,
        .on_command = on_command,
        .user = engine,
    };
    engine->listener = listener_start(&options, &err);
    if (engine->listener == NULL) {
        (void)snprintf(engine->listener_text, sizeof(engine->listener_text), "%.150s",
                       err.msg);
        put_engine_event(engine, "listener-failed", engine->listener_text);
        return;
    }
    bool is_v6 = strchr(spec->address, ':') != NULL;
    (void)snprintf(engine->listener_text, sizeof(engine->listener_text), "%s%.100s%s:%d",
                   is_v6 ? "[" : "", spec->address, is_v6 ? "]" : "",
                   listener_port(engine->listener));
    put_engine_event(engine, "listener-start", engine->listener_text);
}

/* Its breaker goes on as it was. */
static void on_stored_service(void *user, const struct service_row *row)
{
    struct engine *engine = user;
    if (service_find(engine->config->services, engine->config->n_services, row->name) !=
        NULL) {
        io_restore(engine->io, row);
    }
}

/* Without it the engine works as well: what cannot be opened is told in the store. */
static void start_log(struct engine *engine)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *folder = mem_printf("%s-logs", engine->config->store);
    AUTO_FREE char *path = mem_printf("%s/engine.log", folder);
    if (!file_make_dirs(folder, &err) ||
        !log_open(&(struct log_options){.path = path, .level = LOG_INFO}, &err)) {
        (void)store_add_event(engine->store, &(struct event_row){.at = wall_now(),
                                                                 .kind = "log-failed",
                                                                 .actor = "engine",
                                                                 .text = err.msg});
    }
}

/* Without it the engine works as well, only nobody sees when a thread is stuck. */
static void start_pulse(struct engine *engine)
{
    struct err err = ERR_INIT;
    engine->pulse = pulse_open(engine->config->store, &err);
    if (engine->pulse == NULL) {
        log_line(LOG_WARN, "engine", "no pulse", LOG_FIELDS(LOG_TEXT("why", err.msg)));
    }
}

static bool start_io(struct engine *engine, struct err *err)
{
    const struct config *config = engine->config;
    AUTO_FREE char *work = mem_printf("%s-work", config->store);
    AUTO_FREE char *logs = mem_printf("%s-logs", config->store);
    struct io_options options = {
        .store = config->store,
        .work = work,
        .logs = logs,
        .log_max_bytes = config->log_max_bytes,
        .log_keep = config->log_keep,
        .max_running = (size_t)config->max_running,
        .on_result = on_result,
        .on_report = on_report,
        .on_reconciled = on_reconciled,
        .on_spans = on_spans,
        .user = engine,
        .services = config->services,
        .n_services = config->n_services,
        .scales = config->scales,
        .n_scales = config->n_scales,
        .pulse = engine->pulse,
        .has_listener = engine->listener != NULL,
    };
    engine->io = io_start(&options, err);
    /* As it was left, before anything is performed. The end of a halt is told after the first
     * batch: somebody may have halted while no engine lived. */
    if (engine->io != NULL && control_is_halted(engine->control)) {
        io_halt(engine->io, true);
    }
    return engine->io != NULL;
}

static bool make_parts(struct engine *engine, struct err *err)
{
    const struct config *config = engine->config;
    engine->store = store_open(config->store, STORE_FULL, err);
    if (engine->store == NULL) {
        return false;
    }
    struct control_options options = engine_control_options(engine);
    options.outlet =
        (struct control_outlet){engine, on_answer, on_hint, on_order, on_tidy, on_halt};
    engine->control = control_new(&options, engine->store);
    engine->started_at = wall_now();
    if (!control_load(engine->control, engine->started_at, err)) {
        return false;
    }
    engine->bell = bell_open(config->store, err);
    if (engine->bell == NULL) {
        return false;
    }
    engine->inbox =
        mailbox_new((size_t)config->max_running * 4 + 4096 + WEBHOOKS_MAX + EXTRAS_MAX);
    start_log(engine);
    put_engine_event(engine, "engine-start", "");
    engine_audit_start(engine);
    start_pulse(engine);
    start_listener(engine);
    if (!start_io(engine, err) ||
        !store_load_services(engine->store, on_stored_service, engine, err)) {
        return false;
    }
    engine->performer = io_executor(engine->io);
    engine->executor = (struct executor){engine, perform, stop_effect};
    start_watching(engine);
    start_notify(engine);
    put_state(engine, "running");
    engine->has_commands = true;
    mem_give_back(); /* of what was only needed to load */
    return true;
}

static bool start_thread(struct engine *engine, struct err *err)
{
    sigset_t all, old;
    (void)sigfillset(&all); /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    errno = pthread_create(&engine->thread, NULL, control_main, engine);
    bool is_running = errno == 0;
    if (!is_running) {
        (void)err_sys(err, "starting the control thread");
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return is_running;
}

static bool make_folder(const char *store_path, struct err *err)
{
    AUTO_FREE char *folder = mem_str(store_path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder) {
        return true;
    }
    *slash = '\0';
    return file_make_dirs(folder, err);
}

enum engine_start_result engine_start(const struct config *config,
                                      struct engine **ret_engine, int *ret_pid,
                                      struct err *err)
{
    struct lease *lease = NULL;
    if (!make_folder(config->store, err)) {
        return ENGINE_FAILED;
    }
    switch (lease_take(config->store, &lease, ret_pid, err)) {
    case LEASE_HELD:
        return ENGINE_ELSEWHERE;
    case LEASE_FAILED:
        return ENGINE_FAILED;
    case LEASE_TAKEN:
        break;
    }
    struct engine *engine = mem_alloc(sizeof(*engine));
    engine->config = config;
    engine->lease = lease;
    engine->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!make_parts(engine, err) || !start_thread(engine, err)) {
        stop_parts(engine);
        return ENGINE_FAILED;
    }
    *ret_engine = engine;
    return ENGINE_STARTED;
}

void engine_stop(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    atomic_store(&engine->is_stopping, true);
    mailbox_wake(engine->inbox);
    (void)pthread_join(engine->thread, NULL); /* it was started and is joined once */
    stop_parts(engine);
}

void engine_drain(struct engine *engine)
{
    atomic_store(&engine->is_draining, true);
    mailbox_wake(engine->inbox);
}

int engine_fd(const struct engine *engine)
{
    return engine->ended_fd;
}
