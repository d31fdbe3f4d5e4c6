/* SPDX-License-Identifier: MIT */
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "tui/console_impl.h"

#define HOLD_MS 60 /* a new view waits so long for its data before it shows without */

struct view *place_top(const struct console *c)
{
    return c->n_stack > 0 ? c->stack[c->n_stack - 1] : NULL;
}

int place_view_height(const struct console *c)
{
    int h = surface_height(c->surface) - 2 - (c->is_perf_shown ? 1 : 0) -
            chrome_banner_rows(c);
    return h > 0 ? h : 0;
}

void place_refresh(struct console *c, bool asks)
{
    struct view *view = place_top(c);
    if (view == NULL) {
        return;
    }
    int w = surface_width(c->surface);
    int h = place_view_height(c);
    bool is_resized = view->w != w || view->h != h;
    view->w = w;
    view->h = h;
    view->now = c->now;
    if (asks || is_resized) {
        struct frame_query query;
        memset(&query, 0, sizeof(query)); /* padding too: the feed compares questions */
        if (view->klass->query != NULL) {
            view->klass->query(view, &query);
        }
        query.past = c->past;
        c->asked = feed_ask(c->feed, &query);
    }
    c->needs_paint = true;
}

static struct view *open_view(const struct console *c, const struct place_step *step)
{
    struct view *view = step->klass->open(step->id, step->arg);
    view->klass = step->klass;
    view->id = step->id;
    view->is_ascii = surface_is_ascii(c->surface);
    view->w = surface_width(c->surface);
    view->h = place_view_height(c);
    view->now = c->now;
    (void)snprintf(view->arg, sizeof(view->arg), "%s", step->arg);
    return view;
}

static void close_top(struct console *c)
{
    struct view *view = c->stack[--c->n_stack];
    view->klass->close(view);
}

void place_close_all(struct console *c)
{
    while (c->n_stack > 0) {
        close_top(c);
    }
}

static struct place here(const struct console *c)
{
    struct place place = {.n = c->n_stack};
    for (size_t i = 0; i < c->n_stack; i++) {
        place.steps[i].klass = c->stack[i]->klass;
        place.steps[i].id = c->stack[i]->id;
        (void)snprintf(place.steps[i].arg, sizeof(place.steps[i].arg), "%s",
                       c->stack[i]->arg);
    }
    return place;
}

static bool same_step(const struct view *view, const struct place_step *step)
{
    return view->klass == step->klass && view->id == step->id &&
           strcmp(view->arg, step->arg) == 0;
}

/* Make the stack what `place` says; views that stay keep their cursor. */
static void go(struct console *c, const struct place *place)
{
    size_t n_same = 0;
    while (n_same < c->n_stack && n_same < place->n &&
           same_step(c->stack[n_same], &place->steps[n_same])) {
        n_same++;
    }
    while (c->n_stack > n_same) {
        close_top(c);
    }
    for (size_t i = n_same; i < place->n; i++) {
        c->stack[c->n_stack++] = open_view(c, &place->steps[i]);
    }
    place_refresh(c, true);
    c->hold_until = (struct mono){mono_now().ns + HOLD_MS * 1000000};
}

static void remember(struct console *c)
{
    struct place place = here(c);
    if (c->n_history > 0) {
        c->n_history = c->history_at + 1; /* what was ahead is gone */
    }
    if (c->n_history == HISTORY_MAX) {
        memmove(&c->history[0], &c->history[1],
                (HISTORY_MAX - 1) * sizeof(c->history[0]));
        c->n_history--;
    }
    c->history_at = c->n_history;
    c->history[c->n_history++] = place;
}

void place_open(struct console *c, const struct view_class *klass, int64_t id,
                const char *arg)
{
    struct place_step step = {.klass = klass, .id = id};
    struct place place = here(c);
    (void)snprintf(step.arg, sizeof(step.arg), "%s", arg != NULL ? arg : "");
    if (klass->is_root) {
        place.n = 0;
    }
    for (size_t i = 0; i < place.n; i++) {
        if (place.steps[i].klass == klass && place.steps[i].id == id) {
            place.n = i; /* it is open already: back to it */
        }
    }
    /* Log, diff and context of one workflow take each other's place. */
    if (place.n >= 2 && id != 0 && place.steps[place.n - 1].id == id &&
        place.steps[place.n - 2].id == id) {
        place.n--;
    }
    if (place.n == STACK_MAX) {
        place.n--;
    }
    place.steps[place.n++] = step;
    go(c, &place);
    remember(c);
}

void place_show_saved(struct console *c, const struct saved_view *saved)
{
    struct place place = {.n = saved->n};
    bool is_good = true;
    for (size_t i = 0; i < saved->n; i++) {
        place.steps[i].klass = saved->steps[i].klass;
        place.steps[i].id = saved->steps[i].id;
        (void)snprintf(place.steps[i].arg, sizeof(place.steps[i].arg), "%s",
                       saved->steps[i].arg);
    }
    go(c, &place);
    for (size_t i = 0; i < saved->n; i++) {
        is_good = saved_apply(&saved->steps[i], c->stack[i]) && is_good;
    }
    place_refresh(c, true);
    remember(c);
    if (!is_good) {
        console_say(c, MESSAGE_WARN, "%s: not every setting of it means something now",
                    saved->name);
    }
}

bool place_up(struct console *c)
{
    struct place place = here(c);
    if (place.n > 1) {
        place.n--;
    } else if (place.n == 1 && strcmp(place.steps[0].klass->name, "overview") != 0) {
        place.steps[0] = (struct place_step){.klass = view_class_find("overview")};
    } else {
        return false;
    }
    go(c, &place);
    remember(c);
    return true;
}

void place_back(struct console *c, int step)
{
    size_t to = c->history_at + (size_t)step; /* wraps below zero */
    if (to >= c->n_history) {
        console_say(c, MESSAGE_INFO, step < 0 ? "nothing before" : "nothing after");
        return;
    }
    c->history_at = to;
    go(c, &c->history[to]);
}

/* A few pages, into the page cache: nothing that this thread would wait for. */
static void save(struct console *c, const struct reply *reply)
{
    struct err err = ERR_INIT;
    char path[300];
    (void)text_clean_into(path, sizeof(path), reply->save_path);
    if (file_write_new(reply->save_path, reply->save, strlen(reply->save), &err)) {
        console_say(c, MESSAGE_OK, "written to %s", path);
    } else {
        console_say(c, MESSAGE_ERROR, "%s", err.msg);
    }
}

void console_perform(struct console *c, struct reply *reply)
{
    struct view *asker = place_top(c);
    if (reply->message[0] != '\0') {
        console_say(c, reply->message_kind, "%s", reply->message);
    }
    if (reply->save != NULL) {
        save(c, reply);
    }
    if (reply->copy != NULL) {
        bool is_copied = term_copy(c->term, reply->copy, strlen(reply->copy));
        if (!is_copied && reply->save == NULL) {
            console_say(c, MESSAGE_WARN, "too long for the terminal's clipboard");
        } else if (reply->message[0] == '\0' && reply->save == NULL) {
            console_say(c, MESSAGE_OK, "copied");
        }
    }
    if ((reply->flags & (REPLY_REDRAW | REPLY_REQUERY)) != 0) {
        place_refresh(c, (reply->flags & REPLY_REQUERY) != 0);
    }
    if (reply->has_prompt) {
        layer_ask(c, &reply->prompt, reply->prompt_initial);
    }
    if (reply->submission != NULL) {
        order_submit(c, reply->submission);
    }
    if (reply->has_verb) {
        char *args = TAKE(reply->verb.args);
        const struct verb *verb = verb_find(reply->verb.verb);
        if (verb != NULL && reply->verb.n_each > 0) {
            free(args);
            order_begin_each(c, verb, TAKE(reply->verb.each), reply->verb.n_each);
            reply->verb.n_each = 0;
        } else if (verb != NULL) {
            order_begin(c, verb, reply->verb.targets, reply->verb.n_targets, args);
            order_tell(c, reply->verb.title, reply->verb.why);
        } else {
            free(args);
        }
    }
    if (reply->open != NULL) {
        place_open(c, reply->open, reply->open_id, reply->open_arg);
    } else if ((reply->flags & REPLY_CLOSE) != 0 && asker == place_top(c)) {
        (void)place_up(c);
    }
    reply_fini(reply);
}
