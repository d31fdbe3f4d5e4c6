/* SPDX-License-Identifier: MIT */
/*
 * The loop. What happens to one effect is in job.c. With services, effects go to the desk
 * first (desk_shell.c), and come to job.c from there when a runner is to perform them.
 */
#include "engine/io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mailbox.h"
#include "engine/base/mem.h"
#include "engine/io/desk_shell.h"
#include "engine/io/hold.h"
#include "engine/io/job.h"
#include "engine/io/limits.h"
#include "engine/io/retention.h"
#include "store/pulse.h"

#define BATCH  64
#define EVENTS 64
#define HINTS_MAX                                                                        \
    512 /* webhooks on their way to this thread; polling finds what is left out */

#define RETENTION_FIRST 60000000000LL   /* ns after the start: nothing waits for it */
#define RETENTION_EVERY 3600000000000LL /* ns */
#define RETENTION_MORE  1000000000LL    /* ns until the next part of a large clearing */

enum message_kind {
    MESSAGE_PERFORM,
    MESSAGE_STOP,
    MESSAGE_SWEEP,
    MESSAGE_RESTORE,
    MESSAGE_ORDER,
    MESSAGE_HINT,
    MESSAGE_TIDY,
    MESSAGE_HALT
};

struct message {
    enum message_kind kind;
    int64_t workflow, seq;
    struct job *job;             /* MESSAGE_PERFORM */
    char *service, *memo;        /* MESSAGE_RESTORE */
    struct service_order *order; /* MESSAGE_ORDER */
    struct forge_event *event;   /* MESSAGE_HINT */
};

struct io {
    /* immutable after start */
    struct mailbox *mailbox;
    pthread_t thread;
    int epoll, timer;
    void (*on_result)(void *user, struct effect_result *result);
    void *user;
    /* atomic */
    atomic_bool is_ending;
    atomic_int n_hints; /* on their way */
    atomic_bool is_halted;
    /* io thread only */
    struct job_shop shop;
    struct desk_shell *desk; /* NULL: there are no services */
    struct mono armed;       /* what the timer is set to; 0 = not set */
    struct pulse *pulse;
    struct span log_keep;
    struct mono retention_at; /* 0 = never */
};

static void free_message(void *p)
{
    struct message *message = p;
    job_free(message->job);
    free(message->service);
    free(message->memo);
    service_order_free(message->order);
    forge_event_free(message->event);
    free(message);
}

/* ---- the control thread's side --------------------------------------------------------
 */

static bool send(struct io *io, struct message value)
{
    struct message *message = mem_alloc(sizeof(*message));
    *message = value;
    if (mailbox_put(io->mailbox, message)) {
        return true;
    }
    /* Cannot happen while each workflow has one effect in flight. It is answered all the
     * same, so that the workflow tries again and does not hang. */
    if (value.kind == MESSAGE_PERFORM) {
        struct effect_result *result = effect_result_new(value.workflow, value.seq);
        result->status = STATUS_REFUSED;
        result->blame = BLAME_WORLD;
        result->started_at = result->finished_at = wall_now();
        result->summary = mem_str("too many effects at once");
        io->on_result(io->user, result);
    }
    free_message(message);
    return false;
}

static void perform(void *self, const struct effect_row *effect)
{
    (void)send(self, (struct message){.kind = MESSAGE_PERFORM,
                                      .workflow = effect->workflow,
                                      .seq = effect->seq,
                                      .job = job_new(effect)}); /* or it is answered */
}

static void stop(void *self, int64_t workflow, int64_t seq)
{
    (void)send(self, (struct message){.kind = MESSAGE_STOP,
                                      .workflow = workflow,
                                      .seq = seq}); /* there is room, see send */
}

void io_sweep(struct io *io)
{
    (void)send(io, (struct message){.kind = MESSAGE_SWEEP}); /* there is room, see send */
}

void io_restore(struct io *io, const struct service_row *row)
{
    (void)send(io, (struct message){.kind = MESSAGE_RESTORE,
                                    .service = mem_str(row->name),
                                    .memo = mem_str(row->memo)}); /* the same */
}

void io_tidy(struct io *io)
{
    (void)send(io, (struct message){.kind = MESSAGE_TIDY}); /* the same */
}

/* The file first: a runner that is being started finds it. The message only wakes, for the
 * thread looks at the flag before anything else. */
void io_halt(struct io *io, bool is_halted)
{
    AUTO_FREE char *path = file_join(io->shop.work, HOLD_FILE);
    if (is_halted) {
        AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        (void)fd; /* without it only what this thread holds back stands still */
    } else {
        (void)unlink(path); /* or it is not there */
    }
    atomic_store(&io->is_halted, is_halted);
    (void)send(io, (struct message){.kind = MESSAGE_HALT}); /* there is room, see send */
}

void io_order(struct io *io, struct service_order *order)
{
    (void)send(io,
               (struct message){.kind = MESSAGE_ORDER, .order = order}); /* the same */
}

/* They come from outside, so that there is no bound on them but this one. */
void io_hint(struct io *io, struct forge_event *event)
{
    if (atomic_fetch_add(&io->n_hints, 1) >= HINTS_MAX) {
        atomic_fetch_sub(&io->n_hints, 1);
        forge_event_free(event);
    } else if (!send(io, (struct message){.kind = MESSAGE_HINT, .event = event})) {
        atomic_fetch_sub(&io->n_hints, 1);
    }
}

struct executor io_executor(struct io *io)
{
    return (struct executor){.self = io, .perform = perform, .stop = stop};
}

/* ---- the thread -----------------------------------------------------------------------
 */

static void arm(struct io *io, struct mono now)
{
    struct mono next = job_next_time(&io->shop);
    if (io->desk != NULL) {
        struct mono desk = desk_shell_next_time(io->desk);
        next = next.ns == 0 || (desk.ns > 0 && desk.ns < next.ns) ? desk : next;
    }
    if (io->retention_at.ns > 0 && (next.ns == 0 || io->retention_at.ns < next.ns)) {
        next = io->retention_at;
    }
    if (next.ns == io->armed.ns) {
        return;
    }
    io->armed = next;
    struct itimerspec spec = {0};
    if (next.ns > 0) {
        int64_t left = next.ns > now.ns ? next.ns - now.ns : 1;
        spec.it_value.tv_sec = left / 1000000000;
        spec.it_value.tv_nsec = left % 1000000000;
    }
    (void)timerfd_settime(io->timer, 0, &spec, NULL); /* valid arguments cannot fail */
}

/* When the store cannot say, the workflow counts as known. */
static bool is_known(void *user, int64_t workflow)
{
    struct job_shop *shop = user;
    struct err err;
    if (shop->reader == NULL && (shop->reader = reader_open(shop->store, &err)) == NULL) {
        return true;
    }
    struct arena *arena = arena_new();
    struct workflow_row row;
    bool found = reader_workflow(shop->reader, arena, workflow, &row, &err) != MISSING;
    arena_free(arena);
    return found;
}

static void clear_logs(struct io *io, struct mono now)
{
    if (io->retention_at.ns == 0 || io->retention_at.ns > now.ns) {
        return;
    }
    struct wall before = {wall_now().ms - io->log_keep.ms};
    bool has_more = retention_run(io->shop.logs, before);
    has_more = retention_places(io->shop.work, is_known, &io->shop) || has_more;
    io->retention_at.ns = now.ns + (has_more ? RETENTION_MORE : RETENTION_EVERY);
}

/* The desk's part of it. */
static void take_for_desk(struct io *io, struct message *message)
{
    switch (message->kind) {
    case MESSAGE_PERFORM:
        desk_shell_perform(io->desk, job_effect(message->job));
        break;
    case MESSAGE_STOP:
        desk_shell_stop_effect(io->desk, message->workflow, message->seq);
        break;
    case MESSAGE_SWEEP:
        desk_shell_sweep(io->desk);
        break;
    case MESSAGE_RESTORE:
        desk_shell_restore(io->desk, &(struct service_row){.name = message->service,
                                                           .memo = message->memo});
        break;
    case MESSAGE_ORDER:
        desk_shell_order(io->desk, message->order);
        break;
    case MESSAGE_HINT:
        atomic_fetch_sub(&io->n_hints, 1);
        desk_shell_hint(io->desk, message->event);
        break;
    case MESSAGE_TIDY:
    case MESSAGE_HALT:
        break;
    }
}

static void take_for_jobs(struct io *io, struct message *message)
{
    switch (message->kind) {
    case MESSAGE_PERFORM:
        job_begin(&io->shop, TAKE(message->job));
        break;
    case MESSAGE_STOP:
        job_stop(&io->shop, message->workflow, message->seq);
        break;
    case MESSAGE_SWEEP:
        job_sweep(&io->shop, NULL, NULL);
        break;
    case MESSAGE_HINT:
        atomic_fetch_sub(&io->n_hints, 1);
        break;
    case MESSAGE_TIDY:
    case MESSAGE_HALT:
        break;
    case MESSAGE_RESTORE:
    case MESSAGE_ORDER:
        break; /* there is no such service any more */
    }
}

static void take(struct io *io, struct message *message)
{
    if (message->kind == MESSAGE_TIDY && io->retention_at.ns > 0) {
        io->retention_at = mono_now(); /* 0: nothing may go */
    } else if (io->desk != NULL) {
        take_for_desk(io, message);
    } else {
        take_for_jobs(io, message);
    }
    free_message(message);
}

/* Before any mail: what was given before it must not begin any more. */
static void look_at_halt(struct io *io)
{
    bool is_halted = atomic_load(&io->is_halted);
    if (is_halted != io->shop.is_halted) {
        job_halt(&io->shop, is_halted);
        if (io->desk != NULL) {
            desk_shell_halt(io->desk, is_halted);
        }
    }
}

static void take_mail(struct io *io)
{
    void *messages[BATCH];
    size_t n = mailbox_drain(io->mailbox, messages, BATCH);
    for (size_t i = 0; i < n; i++) {
        look_at_halt(io);
        take(io, messages[i]);
    }
}

static void *run(void *self)
{
    struct io *io = self;
    (void)pthread_setname_np(pthread_self(), "io"); /* for people who look */
    while (!atomic_load(&io->is_ending)) {
        struct epoll_event events[EVENTS];
        arm(io, mono_now());
        pulse_beat(io->pulse, PULSE_IO);
        int n = epoll_wait(io->epoll, events, EVENTS,
                           io->pulse != NULL ? (int)PULSE_EVERY.ms : -1);
        bool has_mail = false, has_time = false;
        look_at_halt(io);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == io->mailbox) {
                has_mail = true;
            } else if (events[i].data.ptr == &io->timer) {
                has_time = true;
            } else if (events[i].data.ptr == &io->desk) {
                desk_shell_look(io->desk);
            } else {
                job_ended(&io->shop, events[i].data.ptr);
            }
        }
        /* Last: mail and timers may end a job whose event stands further back. */
        if (has_mail) {
            take_mail(io);
        }
        if (has_time) {
            uint64_t count;
            ssize_t got = read(io->timer, &count, sizeof(count));
            (void)got; /* jobs say themselves what is due */
            io->armed = (struct mono){0};
            job_run_timers(&io->shop, mono_now());
            clear_logs(io, mono_now());
        }
        if (io->desk != NULL) {
            desk_shell_run(io->desk);
        }
    }
    pulse_end(io->pulse, PULSE_IO);
    return NULL;
}

static bool watch(int epoll, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void raise_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* fewer runners at once otherwise */
    }
}

/* All signals are for the host's loop, not for this thread. */
static bool start_thread(struct io *io, struct err *err)
{
    sigset_t all, before;
    (void)sigfillset(&all); /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&io->thread, NULL, run, io);
    bool done = errno == 0 || err_sys(err, "starting the io thread");
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return done;
}

static void destroy(struct io *io)
{
    mailbox_free(io->mailbox, free_message);
    desk_shell_stop(io->desk);
    job_shop_fini(&io->shop);
    if (io->epoll >= 0) {
        (void)close(io->epoll);
    }
    if (io->timer >= 0) {
        (void)close(io->timer);
    }
    free(io);
}

/* Outcomes of runners are the desk's first. */
static void on_runner_result(void *user, struct effect_result *result)
{
    struct io *io = user;
    desk_shell_result(io->desk, result);
}

static bool start_desk(struct io *io, const struct io_options *options, struct err *err)
{
    if (options->n_services == 0) {
        return true;
    }
    io->desk = desk_shell_start(
        &(struct desk_shell_options){.shop = &io->shop,
                                     .services = options->services,
                                     .n_services = options->n_services,
                                     .has_listener = options->has_listener,
                                     .on_result = options->on_result,
                                     .on_report = options->on_report,
                                     .on_reconciled = options->on_reconciled,
                                     .on_spans = options->on_spans,
                                     .user = options->user},
        err);
    io->shop.on_result = on_runner_result;
    io->shop.user = io;
    return io->desk != NULL && (watch(io->epoll, desk_shell_fd(io->desk), &io->desk) ||
                                err_sys(err, "starting the io thread"));
}

struct io *io_start(const struct io_options *options, struct err *err)
{
    struct io *io = mem_alloc(sizeof(*io));
    io->on_result = options->on_result;
    io->user = options->user;
    io->mailbox = mailbox_new(4 * options->max_running + 1024);
    io->epoll = epoll_create1(EPOLL_CLOEXEC);
    io->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    io->pulse = options->pulse;
    io->log_keep = options->log_keep;
    if (io->log_keep.ms > 0) {
        io->retention_at.ns = mono_now().ns + RETENTION_FIRST;
    }
    raise_open_files();
    limits_delegate();
    if (!job_shop_init(&io->shop, options, io->epoll, err)) {
        destroy(io);
        return NULL;
    }
    if (io->epoll < 0 || io->timer < 0 || !watch(io->epoll, io->timer, &io->timer) ||
        !watch(io->epoll, mailbox_fd(io->mailbox), io->mailbox)) {
        err_sys(err, "starting the io thread");
        destroy(io);
        return NULL;
    }
    if (!start_desk(io, options, err) || !start_thread(io, err)) {
        destroy(io);
        return NULL;
    }
    return io;
}

void io_stop(struct io *io)
{
    if (io == NULL) {
        return;
    }
    atomic_store(&io->is_ending, true);
    mailbox_wake(io->mailbox);
    (void)pthread_join(io->thread, NULL); /* it is ours and runs */
    destroy(io);
}
