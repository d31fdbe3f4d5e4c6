/* SPDX-License-Identifier: MIT */
/* The loop of the ui thread: wait, hand on, perform, paint. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "engine/base/identity.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "tui/console_impl.h"

#define FRAME_NS     (1000000000 / CONSOLE_FRAMES)
#define PERF_TICK_MS 2000
#define MINUTE_MS    60000

static int64_t ns_of_ms(int64_t ms)
{
    return ms * 1000000;
}

static int64_t cpu_us(void)
{
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) {
        return 0;
    }
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

/* ---- input ---- */

static bool view_takes_text(const struct console *c)
{
    const struct view *view = place_top(c);
    return c->n_layers == 0 && view->klass->takes_text != NULL &&
           view->klass->takes_text(view) && view->klass->on_text != NULL;
}

static void on_text(struct console *c, const char *text, size_t len)
{
    if (layer_takes_text(c)) {
        layer_text(c, text, len);
    } else if (view_takes_text(c)) {
        struct view *view = place_top(c);
        struct reply reply;
        reply_init(&reply);
        view->klass->on_text(view, c->frame, text, len, &reply);
        console_perform(c, &reply);
        c->needs_paint = true;
    } else {
        console_say(c, MESSAGE_INFO, "pasted text is not typed: nothing here takes text");
    }
}

/* A paste never confirms: what is typed there is typed by a person who has read it. */
static void on_paste(struct console *c, const char *text, size_t len)
{
    const struct layer *layer = layer_top(c);
    if (layer != NULL && layer->key != NULL && strcmp(layer->key, "confirm") == 0) {
        (void)snprintf(c->order.mistake, sizeof(c->order.mistake),
                       "pasted text does not confirm: type the name");
        c->needs_paint = true;
    } else {
        on_text(c, text, len);
    }
}

static bool is_too_small(const struct console *c)
{
    return surface_width(c->surface) < TERM_MIN_W ||
           surface_height(c->surface) < TERM_MIN_H;
}

static void on_key(struct console *c, uint32_t key)
{
    bool is_plain = key >= ' ' && key < KEYC_FIRST;
    if (c->is_message_shown &&
        console_has_painted(c, c->message_asked, c->message_asked_at)) {
        c->is_message_shown = false; /* it was read: the key came after it */
        c->needs_paint = true;
    }
    if (is_plain && (layer_takes_text(c) || view_takes_text(c)) && !is_too_small(c)) {
        char text[4];
        on_text(c, text, text_encode(key, text));
        return;
    }
    enum action action = ACTION_NONE;
    if (past_is_on(c) && layer_top(c) == NULL) {
        action = keymap_find(c->keymap, CONTEXT_PAST, key);
    }
    if (action == ACTION_NONE) {
        action = keymap_find(c->keymap, layer_context(c), key);
    }
    if (is_too_small(c) && action != ACTION_QUIT && action != ACTION_SUSPEND) {
        return; /* nothing is seen, so nothing is done */
    }
    if (action == ACTION_NONE) {
        return;
    }
    if (layer_top(c) != NULL) {
        layer_action(c, action);
    } else {
        act_in_view(c, action);
    }
}

uint64_t console_ask_painted(struct console *c)
{
    term_ask_status(c->term);
    return ++c->n_status_asked;
}

/* The answer to a question comes after everything that was typed before it was painted. */
bool console_has_painted(const struct console *c, uint64_t number, struct mono asked_at)
{
    return number != 0 && (c->n_status_seen >= number ||
                           mono_now().ns - asked_at.ns >= (int64_t)ARM_MS * 1000000);
}

static void arm(struct console *c)
{
    struct layer *layer = layer_top(c);
    if (layer != NULL && layer_must_arm(layer) && layer->has_asked &&
        console_has_painted(c, layer->asked_number, layer->asked_at)) {
        layer->is_armed = true;
    }
}

static void on_painted(struct console *c)
{
    c->n_status_seen += c->n_status_seen < c->n_status_asked;
    arm(c);
    decide_seen(c);
}

static void read_input(struct console *c)
{
    struct input_event event;
    while (!c->is_done && term_next(c->term, &event)) {
        if (event.kind == INPUT_KEY) {
            c->key_at = c->key_at.ns == 0 ? mono_now() : c->key_at;
            c->is_urgent = true;
            on_key(c, event.key);
        } else if (event.kind == INPUT_PASTE) {
            c->is_urgent = true;
            on_paste(c, event.text, event.len);
            free(event.text);
        } else {
            on_painted(c);
        }
    }
}

static void on_terminal(struct console *c, short events)
{
    if ((events & POLLOUT) != 0 && !term_flush(c->term)) {
        c->is_done = true;
        c->end = CONSOLE_HANGUP;
    }
    if ((events & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != 0 && !term_read(c->term)) {
        c->is_done = true;
        c->end = CONSOLE_HANGUP;
    }
    read_input(c);
}

/* ---- signals, feed, clock ---- */

static void on_resize(struct console *c)
{
    int w;
    int h;
    (void)term_resize(c->term);
    term_size(c->term, &w, &h);
    if (w != surface_width(c->surface) || h != surface_height(c->surface)) {
        surface_resize(c->surface, w, h);
        place_refresh(c, false);
        c->is_urgent = true;
    }
}

static void on_signals(struct console *c, int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGWINCH:
            on_resize(c);
            break;
        case SIGTSTP:
            (void)console_action(c, ACTION_SUSPEND);
            on_resize(c);
            break;
        case SIGHUP:
            c->is_done = true;
            c->end = CONSOLE_HANGUP;
            break;
        default:
            c->is_done = true;
            c->end = CONSOLE_SIGNAL;
        }
    }
}

static void look_at_needs(struct console *c)
{
    const struct frame *frame = c->frame;
    const struct call_facts facts = {
        .n_needs = frame->has_totals ? frame_attention(frame) : -1,
        .is_halted = frame->halt.is_on,
        .halted_by = frame->halt.by != NULL ? frame->halt.by : "",
        .trouble = frame->trouble_text != NULL ? frame->trouble_text : "",
    };
    call_look(&c->call, &facts);
}

static void on_feed(struct console *c)
{
    struct view *view = place_top(c);
    const struct frame *frame = feed_take(c->feed);
    frame_unref(c->frame);
    c->frame = frame;
    c->now = console_now(c);
    view->now = c->now;
    c->needs_paint = true;
    if (!frame->is_past) {
        look_at_needs(c); /* what is over calls nobody */
    }
    if (view->h != place_view_height(c)) { /* everything was halted, or goes on */
        place_refresh(c, false);
    }
    if (frame->query < c->asked) {
        return; /* it answers an older question */
    }
    past_on_frame(c);
    if (view->klass->on_frame != NULL) {
        struct reply reply;
        reply_init(&reply);
        view->klass->on_frame(view, frame, &reply);
        console_perform(c, &reply);
    }
    decide_on_frame(c);
    order_read_answers(c);
    if (c->wants_next && c->frame->overview != NULL) {
        next_needed(c);
    }
}

/* Set the timer to the next moment at which the clock or a view changes by itself. */
static void set_timer(const struct console *c, int fd)
{
    const struct view *view = place_top(c);
    struct wall now = wall_now();
    struct wall next = {(now.ms / MINUTE_MS + 1) * MINUTE_MS};
    if (view->klass->next_change != NULL && !past_is_on(c)) {
        struct wall change = view->klass->next_change(view, c->frame);
        if (wall_is_set(change) && change.ms < next.ms) {
            next = change;
        }
    }
    if (c->is_perf_shown && now.ms + PERF_TICK_MS < next.ms) {
        next.ms = now.ms + PERF_TICK_MS;
    }
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(next.ms / 1000),
                     .tv_nsec = (long)(next.ms % 1000) * 1000000}
    };
    (void)timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

static void on_timer(struct console *c, int fd)
{
    uint64_t n;
    if (read(fd, &n, sizeof(n)) < 0 && errno == EAGAIN) {
        return;
    }
    c->now = console_now(c); /* ECANCELED: the clock was set */
    if (c->frame->asks.n_snoozed > 0) {
        feed_refresh(
            c->feed); /* what was put off comes back with time, not with a commit */
    }
    place_refresh(c, false);
}

/* ---- painting ---- */

void console_compose(struct console *c)
{
    struct canvas all = canvas_of(c->surface);
    surface_clear(c->surface);
    if (is_too_small(c)) {
        chrome_draw_too_small(&all);
        return;
    }
    struct view *view = place_top(c);
    struct canvas part = canvas_sub(
        &all, (struct rect){0, 1 + chrome_banner_rows(c), all.w, place_view_height(c)});
    chrome_draw_top(c, &all);
    char cost[200];
    if (view->klass->shows_cost) {
        perf_format(&c->perf, mono_now(), cost, sizeof(cost));
        view->cost = cost;
    }
    if (!past_draw_view(c, &part)) {
        view->klass->draw(view, c->frame, &part);
    }
    view->cost = NULL;
    chrome_draw_bottom(c, &all);
    layer_draw(c, &all);
}

static void paint(struct console *c)
{
    uint64_t before = term_bytes(c->term);
    console_compose(c);
    (void)term_show(c->term, c->surface, &c->theme);
    struct layer *layer = layer_top(c);
    if (layer != NULL && layer_must_arm(layer) && !layer->has_asked) {
        layer->asked_number = console_ask_painted(c);
        layer->has_asked = true;
        layer->asked_at = mono_now();
    }
    if (c->is_message_shown && layer == NULL && c->message_asked == 0) {
        c->message_asked = console_ask_painted(c);
        c->message_asked_at = mono_now();
    }
    decide_painted(c);
    first_run_painted(c);
    struct mono now = mono_now();
    perf_frame(&c->perf, now, term_bytes(c->term) - before, cpu_us());
    if (c->key_at.ns != 0) {
        perf_key(&c->perf, (now.ns - c->key_at.ns) / 1000);
    }
    c->key_at = (struct mono){0};
    c->painted_at = now;
    c->needs_paint = false;
    c->is_urgent = false;
}

/* Nanoseconds until something is due, -1 = nothing; paints what is due now. */
static int64_t paint_if_due(struct console *c)
{
    struct mono now = mono_now();
    if (!c->needs_paint) {
        c->key_at = (struct mono){0};
        c->is_urgent = false;
        return -1;
    }
    if (term_is_busy(c->term)) {
        return -1; /* the line is slow: poll says when it takes more */
    }
    bool is_loading = c->frame->query < c->asked;
    if (is_loading && now.ns < c->hold_until.ns && c->n_layers == 0) {
        return c->hold_until.ns - now.ns;
    }
    int64_t wait = c->painted_at.ns + FRAME_NS - now.ns;
    if (!c->is_urgent && wait > 0) {
        return wait;
    }
    paint(c);
    return -1;
}

static int64_t soonest(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* Call the operator when it is time; nanoseconds until it is, -1 = nothing to tell. */
static int64_t do_call(struct console *c, int64_t now)
{
    const char *text = call_take(&c->call, (struct mono){now});
    if (text != NULL) {
        term_call(c->term, c->options->config->call, text);
    }
    struct mono next = call_next(&c->call);
    return next.ns == 0 ? -1 : next.ns > now ? next.ns - now : 0;
}

/* Messages that leave, confirmations that arm. */
static int64_t do_delayed(struct console *c)
{
    int64_t now = mono_now().ns;
    int64_t wait = soonest(do_call(c, now), look_do_due(c, now));
    const struct layer *top = layer_top(c);
    if (c->is_message_shown && c->message_until.ns != 0) {
        int64_t left = c->message_until.ns - now;
        if (left <= 0) {
            c->is_message_shown = false;
            c->needs_paint = true;
        } else {
            wait = soonest(wait, left);
        }
    }
    if (top != NULL && layer_must_arm(top) && top->has_asked && !top->is_armed) {
        int64_t left = top->asked_at.ns + ns_of_ms(ARM_MS) - now;
        if (left <= 0) {
            arm(c);
        } else if (wait < 0 || left < wait) {
            wait = left;
        }
    }
    return wait;
}

/* ---- the loop ---- */

enum { POLL_TERM, POLL_SIGNALS, POLL_FEED, POLL_TIMER, POLL_WATCH, POLL_COUNT };

/* ---- the others ---- */

static void join_others(struct console *c)
{
    struct err ignored = ERR_INIT;
    struct identity who;
    struct presence_row row = {.since = wall_now(),
                               .is_read_only = c->options->is_read_only};
    const char *from = getenv("SSH_CONNECTION"), *tty = ttyname(STDIN_FILENO);
    identity_of_process(&who);
    (void)snprintf(row.user, sizeof(row.user), "%s", who.actor);
    (void)snprintf(row.tty, sizeof(row.tty), "%s", tty != NULL ? tty : "");
    (void)snprintf(row.from, sizeof(row.from), "%.*s",
                   from != NULL ? (int)strcspn(from, " ") : 0, from != NULL ? from : "");
    c->presence = presence_begin(c->options->config->store, &row, &ignored);
}

/* Which view this is, so that two people see that they look at the same thing. */
static void tell_others(struct console *c)
{
    char text[PRESENCE_TEXT_MAX];
    const struct view *view = place_top(c);
    if (view->id > 0) {
        (void)snprintf(text, sizeof(text), "%s %lld", view->klass->title,
                       (long long)view->id);
    } else {
        (void)snprintf(text, sizeof(text), "%s", view->klass->title);
    }
    presence_tell(c->presence, text);
}

static void loop(struct console *c, int signal_fd, int timer_fd)
{
    struct pollfd fds[POLL_COUNT] = {
        [POLL_TERM] = {.fd = term_fd(c->term)},
        [POLL_SIGNALS] = { .fd = signal_fd,      .events = POLLIN},
        [POLL_FEED] = { .fd = feed_fd(c->feed),      .events = POLLIN},
        [POLL_TIMER] = { .fd = timer_fd,      .events = POLLIN},
        [POLL_WATCH] = { .fd = file_watch_fd(c->watch),      .events = POLLIN},
    };
    while (!c->is_done) {
        int64_t wait = do_delayed(c);
        wait = soonest(wait, paint_if_due(c));
        tell_others(c);
        int escape = term_timeout(c->term);
        wait = soonest(wait, escape < 0 ? -1 : ns_of_ms(escape));
        set_timer(c, timer_fd);
        fds[POLL_TERM].events = (short)(POLLIN | (term_is_busy(c->term) ? POLLOUT : 0));
        struct timespec limit = {.tv_sec = (time_t)(wait / 1000000000),
                                 .tv_nsec = (long)(wait % 1000000000)};
        int n = ppoll(fds, POLL_COUNT, wait < 0 ? NULL : &limit, NULL);
        perf_wake(&c->perf, mono_now());
        if (n <= 0) {
            if (escape >= 0) {
                term_expire(c->term);
                read_input(c);
            }
            continue;
        }
        if (fds[POLL_SIGNALS].revents != 0) {
            on_signals(c, signal_fd);
        }
        if (fds[POLL_TERM].revents != 0) {
            on_terminal(c, fds[POLL_TERM].revents);
        }
        if (fds[POLL_FEED].revents != 0) {
            on_feed(c);
        }
        if (fds[POLL_TIMER].revents != 0) {
            on_timer(c, timer_fd);
        }
        if (fds[POLL_WATCH].revents != 0) {
            look_on_watch(c);
        }
    }
}

/* ---- beginning and end ---- */

static void block_signals(sigset_t *set, sigset_t *ret_before)
{
    static const int handled[] = {SIGINT,  SIGTERM,  SIGHUP, SIGQUIT,
                                  SIGPIPE, SIGWINCH, SIGTSTP};
    (void)sigemptyset(set);
    for (size_t i = 0; i < ARRAY_LEN(handled); i++) {
        (void)sigaddset(set, handled[i]);
    }
    (void)pthread_sigmask(SIG_BLOCK, set, ret_before);
}

static void begin(struct console *c)
{
    char host[256] = "";
    int w;
    int h;
    (void)gethostname(host, sizeof(host) - 1);
    host[strcspn(host, ".")] = '\0';
    (void)text_clean_into(c->host, sizeof(c->host), host);
    term_size(c->term, &w, &h);
    c->surface = surface_new(w, h, term_is_ascii(c->term));
    c->now = wall_now();
    c->frame = feed_take(c->feed);
    look_load(c);
    keep_load(c);
    const char *name = c->options->is_first_run ? "setup" : c->options->view;
    const struct view_class *first = name != NULL ? view_class_find(name) : NULL;
    place_open(c, first != NULL ? first : view_class_find("overview"), 0, NULL);
}

static void end(struct console *c)
{
    place_close_all(c);
    order_drop(c);
    term_close(c->term); /* before the feed: joining it may take a moment */
    c->term = NULL;
    feed_stop(c->feed);
    frame_unref(c->frame);
    keep_fini(c);
    look_fini(c);
    surface_free(c->surface);
}

enum console_end console_run(const struct console_options *options, struct err *err)
{
    sigset_t set;
    sigset_t before;
    struct term_options term_options = {
        .wants_ascii = options->is_ascii || options->config->ascii == ASCII_ALWAYS,
        .wants_utf8 = options->config->ascii == ASCII_NEVER,
        .wants_mouse = options->config->has_mouse};
    block_signals(&set, &before);
    AUTO_CLOSE int signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    AUTO_CLOSE int timer_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (signal_fd < 0 || timer_fd < 0) {
        (void)err_sys(err, "console");
        return CONSOLE_FAILED;
    }
    AUTO_FREE struct console *c = mem_alloc(sizeof(*c));
    c->options = options;
    /* The feed first: it reads the store while the terminal is being set up. */
    c->feed = feed_start(options->config, err);
    if (c->feed == NULL) {
        return CONSOLE_FAILED;
    }
    if (!term_open(&term_options, &c->term, err)) {
        feed_stop(c->feed);
        return CONSOLE_FAILED;
    }
    join_others(c);
    begin(c);
    loop(c, signal_fd, timer_fd);
    presence_end(c->presence);
    enum console_end how = c->end;
    end(c);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return how;
}
