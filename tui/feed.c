/* SPDX-License-Identifier: MIT */
/*
 * One poll for everything: the mailbox (orders, and "look" for a new question), the bell,
 * and inotify on the folder of the log that is followed. `is_due_*` say what has to be
 * done; what commits and log growth ask for waits until FRAME_SPACING after the last
 * frame, what a person asks for does not.
 *
 * The ui's question and the newest frame are the only things under the lock.
 */
#include "tui/feed.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/base/mailbox.h"
#include "engine/control/config.h"
#include "engine/control/verb.h"
#include "store/bell.h"
#include "tui/beside.h"
#include "tui/feed_order.h"
#include "tui/past_read.h"
#include "tui/source.h"

#define FRAME_SPACING_MS                                                                 \
    20 /* at most 50 frames a second for what happens by itself: the console
                                 paints fewer and takes the newest; */
#define SPACING_MAX_MS 2000  /* fewer when they are dear: */
#define SPACING_COST   10    /* a tenth of the time goes into building */
#define ROOM_MS        10000 /* how often to look whether the disk is full */
#define LOOK_MS        1000  /* how often to look for an engine, or for a store to open */
#define HEALTH_MS      5000  /* between two looks at the figures of the monitor */
#define COMING_MS      60000 /* between two looks at what the overview says is coming */
#define LOG_DEPTH      3     /* FILE-logs/wf-N/: folders that may not be there yet */
#define ORDERS_MAX     256   /* handed over by the ui, not yet taken */

struct feed {
    /* immutable after start */
    const struct config *config;
    struct mailbox *mailbox; /* of struct order; a wake without message: new question */
    int ready_fd;            /* eventfd: a newer frame is there */
    pthread_t thread;

    /* under lock */
    pthread_mutex_t lock;
    struct frame_query query;
    uint64_t n_asked;
    const struct frame *newest;
    bool is_refresh, is_stopping;

    /* ui thread only */
    uint64_t last_ticket;

    /* feed thread only */
    struct frame_query now_query;
    uint64_t now_asked;
    struct reader *reader;
    enum trouble trouble;
    char trouble_text[400];
    struct bell_client *bell;
    bool has_looked; /* for an engine */
    int lease_pid;   /* 0 = the lease is free, or its holder unknown */
    bool is_held;    /* the lease */
    bool is_full;    /* the disk */
    bool has_silent; /* a thread of the engine */
    enum pulse_thread silent;
    struct wall silent_since;
    bool watches_agent;  /* that runs, in the newest frame */
    bool is_audit_noted; /* that the audit is shown */
    struct wall gone_since;
    int inotify, watch;
    char *watched;
    bool is_watch_exact; /* the log's own folder, not one above it */
    bool is_due_now, is_due_soon;
    struct mono last_built, last_look, last_room;
    struct presence_row here[PRESENCE_MAX];
    size_t n_here;
    int64_t version;
    const struct frame *good; /* last frame that was read well */
    struct moment moment;     /* of the past that was shown last; at unset: none was */
    struct source *source;
    struct orders *orders;
    struct feed_cost cost;
    uint64_t generation;
};

/* ---- engine and store: is anybody there? ------------------------------------------- */

static void look_for_engine(struct feed *feed)
{
    if (feed->bell)
        return;
    feed->bell = bell_connect(feed->config->store);
    bool was_held = feed->is_held;
    feed->is_held = feed->bell || lease_is_held(feed->config->store, &feed->lease_pid);
    if (feed->bell)
        (void)lease_is_held(feed->config->store, &feed->lease_pid); /* for its pid only */
    if (feed->is_held)
        feed->gone_since = (struct wall){0};
    else if (!wall_is_set(feed->gone_since))
        feed->gone_since = wall_now();
    if (feed->bell || was_held != feed->is_held || !feed->has_looked)
        feed->is_due_now = true;
    feed->has_looked = true;
}

static void hear_bell(struct feed *feed)
{
    if (bell_client_heard(feed->bell)) {
        feed->is_due_soon = !feed->now_query.past.is_on; /* what is over stays */
        return;
    }
    bell_disconnect(feed->bell);
    feed->bell = NULL;
    feed->is_due_now = true;
    feed->last_look = (struct mono){0}; /* a new engine may be there already */
}

static enum trouble trouble_of(enum err_code code)
{
    switch (code) {
    case ERR_NOT_FOUND:
        return TROUBLE_MISSING;
    case ERR_TOO_NEW:
        return TROUBLE_NEWER;
    case ERR_CORRUPT:
        return TROUBLE_CORRUPT;
    case ERR_BUSY:
        return TROUBLE_BUSY;
    case ERR_READ_ONLY:
        return TROUBLE_DENIED;
    default:
        return TROUBLE_IO;
    }
}

static void set_trouble(struct feed *feed, const struct err *err)
{
    feed->trouble = trouble_of(err->code);
    (void)snprintf(feed->trouble_text, sizeof feed->trouble_text, "%s", err->msg);
}

static bool open_reader(struct feed *feed)
{
    if (feed->reader)
        return true;
    struct err err = ERR_INIT;
    feed->reader = reader_open(feed->config->store, &err);
    if (!feed->reader) {
        enum trouble before = feed->trouble;
        set_trouble(feed, &err);
        feed->is_due_now = feed->is_due_now || before != feed->trouble;
    }
    return feed->reader != NULL;
}

/* ---- frames ------------------------------------------------------------------------ */

static void fill_engine(struct feed *feed, struct frame *frame)
{
    struct frame_engine *engine = &frame->engine;
    if (feed->now_query.past.is_on)
        return; /* whether one was there is not known */
    engine->pid = feed->lease_pid;
    if (!feed->has_looked)
        engine->health = ENGINE_UNKNOWN;
    else if (feed->bell)
        engine->health = ENGINE_RUNNING;
    else
        engine->health = feed->is_held ? ENGINE_STARTING : ENGINE_GONE;
    beside_describe(engine, frame_arena(frame));
    engine->gone_since = feed->gone_since;
    if (feed->bell)
        engine->fault_code = bell_client_fault(feed->bell);
    if (feed->is_full && engine->fault_code == ERR_NONE)
        engine->fault_code = ERR_FULL;
    engine->has_silent = feed->has_silent && feed->bell;
    engine->silent = feed->silent;
    engine->silent_since = feed->silent_since;
}

static void publish(struct feed *feed, const struct frame *frame)
{
    pthread_mutex_lock(&feed->lock);
    const struct frame *before = feed->newest;
    feed->newest = frame;
    pthread_mutex_unlock(&feed->lock);
    frame_unref(before);
    uint64_t one = 1;
    (void)!write(feed->ready_fd, &one, sizeof one); /* full counter: readable anyway */
}

/* The page stands still while the list is held, unless the question itself is new. */
static void keep_held_page(struct feed *feed, struct frame *frame, bool is_new_question)
{
    const struct frame *good = feed->good;
    if (!feed->now_query.is_held || is_new_question || !frame->list || !good ||
        !good->list)
        return;
    struct frame_list *list = arena_alloc(frame_arena(frame), sizeof *list);
    *list = *good->list;
    list->page = frame_copy_rows(frame_arena(frame), &good->list->page);
    frame->list = list;
}

static bool read_parts(struct feed *feed, struct frame *frame)
{
    if (!open_reader(feed))
        return false;
    struct err err = ERR_INIT;
    feed->version = reader_version(feed->reader);
    if (!feed->now_query.past.is_on)
        feed->moment = (struct moment){0};
    bool is_read =
        feed->now_query.past.is_on
            ? past_read(feed->source, feed->reader, &feed->now_query, &feed->moment,
                        frame, &err)
            : source_read(feed->source, feed->reader, &feed->now_query, frame, &err);
    if (is_read && orders_update(feed->orders, feed->reader, &err)) {
        feed->trouble = TROUBLE_NONE;
        feed->trouble_text[0] = '\0';
        return true;
    }
    /* The file may have been replaced: the next look opens it afresh. */
    reader_close(feed->reader);
    feed->reader = NULL;
    set_trouble(feed, &err);
    return false;
}

/* Opening the audit is an act, too; what becomes of that row is nobody's answer. */
static void note_audit(struct feed *feed)
{
    struct feed_order reading = {.verb = AUDIT_READ, .args = "{\"what\":\"console\"}"};
    bool is_shown =
        (feed->now_query.parts & PART_AUDIT) != 0 && !feed->now_query.past.is_on;
    if (is_shown && !feed->is_audit_noted &&
        orders_send(feed->orders, order_new(&reading, 0), feed->source, feed->reader) &&
        feed->bell)
        bell_client_ring(feed->bell);
    feed->is_audit_noted = is_shown;
}

static struct frame *new_frame(struct feed *feed)
{
    struct frame *frame = frame_new();
    frame->generation = ++feed->generation;
    frame->query = feed->now_asked;
    frame->parts = feed->now_query.parts;
    frame->taken_at = wall_now();
    frame->store_path = arena_str(frame_arena(frame), feed->config->store);
    fill_engine(feed, frame);
    return frame;
}

static void build(struct feed *feed)
{
    struct mono begun = mono_now();
    pthread_mutex_lock(&feed->lock);
    bool is_new_question = feed->now_asked != feed->n_asked;
    feed->now_query = feed->query;
    feed->now_asked = feed->n_asked;
    pthread_mutex_unlock(&feed->lock);

    struct frame *frame = new_frame(feed);
    if (read_parts(feed, frame)) {
        frame->read_at = wall_now();
        keep_held_page(feed, frame, is_new_question);
        note_audit(feed);
        frame_unref(feed->good);
        feed->good = frame_ref(frame);
    } else {
        /* Half a frame is worth less than the last whole one. */
        frame_unref(frame);
        frame = new_frame(feed);
        if (feed->good)
            frame_borrow(frame, feed->good);
        if (feed->now_query.parts & PART_STATUS)
            source_read_status(feed->source, NULL, frame);
    }
    struct presence_row *here =
        arena_array(frame_arena(frame), feed->n_here, sizeof *here);
    if (feed->n_here > 0)
        memcpy(here, feed->here, feed->n_here * sizeof *here);
    frame->here = here;
    frame->n_here = frame->is_past ? 0 : feed->n_here; /* who was there is not known */
    frame->trouble = feed->trouble;
    frame->trouble_text = arena_str(frame_arena(frame), feed->trouble_text);
    orders_show(feed->orders, frame);
    feed->watches_agent = frame->detail && frame->detail->progress;
    feed->last_built = mono_now();
    feed->cost.n_frames++;
    feed->cost.build_us = (feed->last_built.ns - begun.ns) / 1000;
    frame->cost = feed->cost;
    feed->is_due_now = false;
    feed->is_due_soon =
        feed->reader &&
        (orders_have_more(feed->orders) ||
         (frame->audit && frame->audit->check.is_running) ||
         (frame->insight && frame->insight->is_reading) || frame->is_replaying);
    publish(feed, frame);
}

/* ---- following a log --------------------------------------------------------------- */

static int watch_folder(struct feed *feed, const char *path, int up)
{
    AUTO_FREE char *folder = mem_str(path);
    for (int i = 0; i <= up; i++) {
        char *slash = strrchr(folder, '/');
        if (!slash || slash == folder)
            return -1;
        *slash = '\0';
    }
    uint32_t mask = IN_CREATE | IN_MOVED_TO | (up == 0 ? (uint32_t)IN_MODIFY : 0);
    return inotify_add_watch(feed->inotify, folder, mask);
}

static void unwatch(struct feed *feed)
{
    if (feed->watch >= 0)
        (void)inotify_rm_watch(feed->inotify, feed->watch); /* gone is fine */
    feed->watch = -1;
    feed->is_watch_exact = false;
}

/* The folder is watched, not the file: a log may begin, or be replaced, after we look.
 * While the folder is not there yet, the one above it is, for what is made in it; it is
 * tried once more afterwards, as it may have been made in between. */
static void watch_log(struct feed *feed)
{
    const char *path = source_log_path(feed->source);
    if (path[0] == '\0' && feed->watch < 0)
        return;
    if (feed->watched && strcmp(path, feed->watched) == 0 && feed->is_watch_exact)
        return;
    unwatch(feed);
    free(feed->watched);
    feed->watched = mem_str(path);
    int tries = 0;
    for (int up = 0; up < LOG_DEPTH && path[0] != '\0' && tries < 4 * LOG_DEPTH; up++) {
        tries++;
        int above = watch_folder(feed, path, up);
        if (above < 0)
            continue;
        unwatch(feed);
        feed->watch = above;
        feed->is_watch_exact = up == 0;
        if (feed->is_watch_exact)
            break;
        int closer = watch_folder(feed, path, up - 1);
        if (closer < 0)
            break;
        (void)inotify_rm_watch(feed->inotify, closer);
        up = -1; /* it is there by now: from the start */
    }
    /* Between reading and watching it may have grown, or begun. */
    if (feed->is_watch_exact)
        feed->is_due_soon = true;
}

static void drain_inotify(struct feed *feed)
{
    char bytes[4096] __attribute__((aligned(8)));
    while (read(feed->inotify, bytes, sizeof bytes) > 0) {
    }
    if (source_log_grew(feed->source))
        feed->is_due_soon = true;
}

/* ---- the loop ---------------------------------------------------------------------- */

static void take_orders(struct feed *feed)
{
    void *messages[16];
    size_t n;
    bool is_sent = false;
    while ((n = mailbox_drain(feed->mailbox, messages, ARRAY_LEN(messages))) > 0) {
        for (size_t i = 0; i < n; i++)
            is_sent |= orders_send(feed->orders, messages[i], feed->source, feed->reader);
        feed->is_due_now = true; /* "handed over", or why not */
    }
    if (is_sent && feed->bell)
        bell_client_ring(feed->bell);
}

static bool needs_looking(const struct feed *feed)
{
    return !feed->bell || !feed->reader;
}

static int64_t ms_since(struct mono then)
{
    return (mono_now().ns - then.ns) / 1000000;
}

static int64_t spacing_ms(const struct feed *feed)
{
    int64_t spacing = feed->cost.build_us * SPACING_COST / 1000;
    if (spacing > SPACING_MAX_MS)
        return SPACING_MAX_MS;
    return spacing > FRAME_SPACING_MS ? spacing : FRAME_SPACING_MS;
}

/* How old a frame with figures of the monitor may get; 0: it has none. */
static int figures_ms(const struct feed *feed)
{
    unsigned parts = feed->now_query.parts;
    return parts & (PART_HEALTH | PART_METRICS) ? HEALTH_MS
           : parts & PART_OVERVIEW              ? COMING_MS
                                                : 0;
}

static int wait_ms(const struct feed *feed)
{
    int64_t wait = ROOM_MS - ms_since(feed->last_room);
    if (feed->is_due_now || source_has_work(feed->source))
        return 0;
    if (feed->is_due_soon) {
        int64_t soon = spacing_ms(feed) - ms_since(feed->last_built);
        wait = soon < wait ? soon : wait;
    }
    if (figures_ms(feed) > 0) {
        int64_t fresh = figures_ms(feed) - ms_since(feed->last_built);
        wait = fresh < wait ? fresh : wait;
    }
    if (needs_looking(feed)) {
        int64_t look = LOOK_MS - ms_since(feed->last_look);
        wait = look < wait ? look : wait;
    }
    return wait > 0 ? (int)wait : 0;
}

/* Without a bell nobody tells of commits, so the look asks the store itself. */
static void look(struct feed *feed)
{
    if (!needs_looking(feed) || ms_since(feed->last_look) < LOOK_MS)
        return;
    feed->last_look = mono_now();
    look_for_engine(feed);
    bool had_reader = feed->reader != NULL;
    if (open_reader(feed) && !feed->now_query.past.is_on &&
        (!had_reader || reader_version(feed->reader) != feed->version))
        feed->is_due_now = true;
}

/* A thread that is stuck does not say so. */
static void listen_to_pulse(struct feed *feed)
{
    struct span span;
    enum pulse_thread silent = PULSE_CONTROL;
    bool was = feed->has_silent;
    feed->has_silent = pulse_find_silent(feed->config->store, mono_now(), &silent, &span);
    feed->is_due_now |= feed->has_silent != was;
    if (feed->has_silent && (!was || silent != feed->silent)) {
        feed->silent = silent;
        feed->silent_since = (struct wall){wall_now().ms - span.ms};
    }
}

/* Consoles that came or went, or look at something else. */
static void look_for_others(struct feed *feed)
{
    struct presence_row rows[PRESENCE_MAX];
    memset(rows, 0, sizeof rows); /* compared as a whole */
    size_t n = presence_list(feed->config->store, rows, PRESENCE_MAX);
    bool is_same = n == feed->n_here && memcmp(rows, feed->here, n * sizeof rows[0]) == 0;
    memcpy(feed->here, rows, n * sizeof rows[0]);
    /* Where the others look is worth a frame only to who looks at them. */
    feed->is_due_now |=
        n != feed->n_here || (!is_same && (feed->now_query.parts & PART_STATUS) != 0);
    feed->n_here = n;
}

/* Steps that cannot write their results wait for room and cannot say so. */
static void look_for_room(struct feed *feed)
{
    if (ms_since(feed->last_room) < ROOM_MS)
        return;
    feed->last_room = mono_now();
    listen_to_pulse(feed);
    look_for_others(feed);
    int64_t room = store_room(feed->config->store);
    bool is_full = room >= 0 && room < STORE_ROOM_MIN;
    feed->is_due_now |= feed->watches_agent; /* its signs of life are no commits */
    feed->is_due_now |= is_full != feed->is_full;
    feed->is_full = is_full;
}

/* Figures get older without a commit to tell of it. */
static void look_for_figures(struct feed *feed)
{
    if (figures_ms(feed) > 0 && ms_since(feed->last_built) >= figures_ms(feed))
        feed->is_due_now = true;
}

static void wait_for_something(struct feed *feed)
{
    struct pollfd fds[] = {
        {.fd = mailbox_fd(feed->mailbox),                    .events = POLLIN},
        {.fd = feed->inotify,                                .events = POLLIN},
        {.fd = feed->bell ? bell_client_fd(feed->bell) : -1, .events = POLLIN},
        {.fd = beside_fd(),                                  .events = POLLIN},
    };
    int timeout = wait_ms(feed);
    if (poll(fds, ARRAY_LEN(fds), timeout) < 0 && errno != EINTR)
        BUG("poll of the feed");
    if (timeout != 0)
        feed->cost.n_wakes++;
    if (fds[0].revents)
        take_orders(feed);
    if (fds[1].revents)
        drain_inotify(feed);
    if (fds[2].revents && feed->bell)
        hear_bell(feed);
    if (fds[3].revents) {
        look_for_engine(feed);
        feed->is_due_now = true;
    }
}

static bool take_wishes(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool is_stopping = feed->is_stopping;
    if (feed->n_asked != feed->now_asked || feed->is_refresh)
        feed->is_due_now = true;
    feed->is_refresh = false;
    pthread_mutex_unlock(&feed->lock);
    return !is_stopping;
}

static void *run(void *user)
{
    struct feed *feed = user;
    look_for_engine(feed);
    look_for_room(feed);
    feed->last_look = mono_now();
    feed->is_due_now = true;
    while (take_wishes(feed)) {
        if (feed->is_due_now ||
            (feed->is_due_soon && ms_since(feed->last_built) >= spacing_ms(feed))) {
            build(feed);
            watch_log(feed);
        }
        wait_for_something(feed);
        if (source_has_work(feed->source))
            feed->is_due_soon |= source_work(feed->source);
        look(feed);
        look_for_room(feed);
        look_for_figures(feed);
    }
    return NULL;
}

/* ---- ui side ----------------------------------------------------------------------- */

static void free_feed(struct feed *feed)
{
    bell_disconnect(feed->bell);
    reader_close(feed->reader);
    source_free(feed->source);
    orders_free(feed->orders);
    frame_unref(feed->good);
    frame_unref(feed->newest);
    mailbox_free(feed->mailbox, order_free_message);
    if (feed->inotify >= 0)
        close(feed->inotify);
    if (feed->ready_fd >= 0)
        close(feed->ready_fd);
    free(feed->watched);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

static const struct frame *first_frame(const struct config *config)
{
    struct frame *frame = frame_new();
    frame->taken_at = wall_now();
    frame->trouble = TROUBLE_LOADING;
    frame->store_path = arena_str(frame_arena(frame), config->store);
    return frame;
}

struct feed *feed_start(const struct config *config, struct err *err)
{
    struct feed *feed = mem_alloc(sizeof *feed);
    feed->config = config;
    feed->watch = -1;
    feed->trouble = TROUBLE_LOADING;
    (void)pthread_mutex_init(&feed->lock, NULL); /* cannot fail here */
    feed->newest = first_frame(config);
    feed->mailbox = mailbox_new(ORDERS_MAX);
    feed->source = source_new(config);
    feed->orders = orders_new(config);
    feed->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    feed->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (feed->ready_fd < 0 || feed->inotify < 0) {
        (void)err_sys(err, "feed: eventfd or inotify");
        free_feed(feed);
        return NULL;
    }
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* cannot fail with these */
    int failed = pthread_create(&feed->thread, NULL, run, feed);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        errno = failed;
        (void)err_sys(err, "feed: thread");
        free_feed(feed);
        return NULL;
    }
    return feed;
}

void feed_stop(struct feed *feed)
{
    if (!feed)
        return;
    pthread_mutex_lock(&feed->lock);
    feed->is_stopping = true;
    pthread_mutex_unlock(&feed->lock);
    mailbox_wake(feed->mailbox);
    (void)pthread_join(feed->thread, NULL); /* fails for a bug only */
    free_feed(feed);
}

int feed_fd(const struct feed *feed)
{
    return feed->ready_fd;
}

const struct frame *feed_take(struct feed *feed)
{
    uint64_t count;
    (void)!read(feed->ready_fd, &count, sizeof count); /* empty: nothing newer */
    pthread_mutex_lock(&feed->lock);
    const struct frame *frame = frame_ref(feed->newest);
    pthread_mutex_unlock(&feed->lock);
    return frame;
}

/* Member by member: padding says nothing. */
static bool is_same_page(const struct frame_query *a, const struct frame_query *b)
{
    return a->states == b->states && a->needs_human == b->needs_human &&
           strcmp(a->text, b->text) == 0 && a->sort == b->sort && a->order == b->order &&
           a->is_reversed == b->is_reversed && a->anchor == b->anchor &&
           a->is_from_end == b->is_from_end && a->n_before == b->n_before &&
           a->n_after == b->n_after && a->is_held == b->is_held;
}

static bool is_same_log(const struct frame_query *a, const struct frame_query *b)
{
    return a->log_effect == b->log_effect && a->log_place == b->log_place &&
           a->log_first == b->log_first && a->log_rows == b->log_rows &&
           strcmp(a->log_find, b->log_find) == 0 &&
           a->log_find_from == b->log_find_from && a->log_find_back == b->log_find_back &&
           a->log_target == b->log_target && a->log_find_serial == b->log_find_serial &&
           strcmp(a->log_filter, b->log_filter) == 0 &&
           a->log_compare == b->log_compare && a->log_around == b->log_around &&
           a->log_rows_serial == b->log_rows_serial;
}

static bool is_same_chart(const struct frame_query *a, const struct frame_query *b)
{
    return a->metric_first == b->metric_first && a->metric_sparks == b->metric_sparks &&
           a->n_metrics == b->n_metrics && a->metric_span == b->metric_span &&
           a->metric_end.ms == b->metric_end.ms && a->metric_slots == b->metric_slots &&
           a->has_metric_forecast == b->has_metric_forecast &&
           memcmp(a->metrics, b->metrics, sizeof a->metrics) == 0;
}

static bool is_same_past(const struct past_ask *a, const struct past_ask *b)
{
    return a->is_on == b->is_on && a->event == b->event && a->at.ms == b->at.ms &&
           a->by == b->by;
}

static bool is_same_query(const struct frame_query *a, const struct frame_query *b)
{
    return a->parts == b->parts && a->n_rows == b->n_rows && a->workflow == b->workflow &&
           a->docs == b->docs && a->has_all_events == b->has_all_events &&
           is_same_page(a, b) && is_same_log(a, b) && is_same_chart(a, b) &&
           a->delivery_statuses == b->delivery_statuses &&
           a->delivery_before == b->delivery_before && a->delivery == b->delivery &&
           a->audit_before == b->audit_before && a->audit_row == b->audit_row &&
           strcmp(a->audit_act, b->audit_act) == 0 &&
           strcmp(a->trace_span, b->trace_span) == 0 && strcmp(a->story, b->story) == 0 &&
           a->is_unsettled == b->is_unsettled &&
           a->recovery_before == b->recovery_before && a->case_kind == b->case_kind &&
           a->case_id == b->case_id && a->approval == b->approval &&
           a->optimization == b->optimization && is_same_past(&a->past, &b->past) &&
           strcmp(a->submit_pipeline, b->submit_pipeline) == 0 &&
           strcmp(a->submit_repo, b->submit_repo) == 0;
}

uint64_t feed_ask(struct feed *feed, const struct frame_query *query)
{
    pthread_mutex_lock(&feed->lock);
    bool is_new = feed->n_asked == 0 || !is_same_query(&feed->query, query);
    if (is_new) {
        feed->query = *query;
        feed->n_asked++;
    }
    uint64_t number = feed->n_asked;
    pthread_mutex_unlock(&feed->lock);
    if (is_new)
        mailbox_wake(feed->mailbox);
    return number;
}

void feed_refresh(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->is_refresh = true;
    pthread_mutex_unlock(&feed->lock);
    mailbox_wake(feed->mailbox);
}

static uint64_t put_order(struct feed *feed, struct order *order, uint64_t ticket)
{
    if (!mailbox_put(feed->mailbox, order)) {
        order_free_message(order);
        return 0;
    }
    feed->last_ticket = ticket;
    return ticket;
}

uint64_t feed_send(struct feed *feed, const struct feed_order *order)
{
    uint64_t ticket = feed->last_ticket + 1;
    return put_order(feed, order_new(order, ticket), ticket);
}

uint64_t feed_submit(struct feed *feed, const struct feed_submission *submission)
{
    uint64_t ticket = feed->last_ticket + 1;
    return put_order(feed, order_new_submission(submission, ticket), ticket);
}
