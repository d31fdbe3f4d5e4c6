/* SPDX-License-Identifier: MIT */
/* The past in the console: what its keys ask for, what they come back with, what is drawn. */
#include "engine/base/text.h"
#include "tui/console_impl.h"

bool past_is_on(const struct console *c)
{
    return c->past.is_on || (c->frame != NULL && c->frame->is_past);
}

bool console_is_read_only(const struct console *c)
{
    return c->options->is_read_only || past_is_on(c);
}

struct wall console_now(const struct console *c)
{
    return c->frame != NULL && c->frame->is_past ? c->frame->moment.at : wall_now();
}

/* What waited for a confirmation was about something else. */
static void ask(struct console *c)
{
    order_drop(c);
    place_refresh(c, true);
}

bool past_action(struct console *c, enum action action)
{
    bool is_answered = c->frame->query >= c->asked;
    if (!past_step(&c->past, c->frame, is_answered, action, wall_now())) {
        return false;
    }
    ask(c);
    return true;
}

void past_return(struct console *c)
{
    c->past = (struct past_ask){.is_on = false};
    ask(c);
}

void past_go(struct console *c, const char *text)
{
    struct moment_ask moment;
    struct err err = ERR_INIT;
    if (text[0] == '\0' || strcmp(text, "now") == 0) {
        past_return(c);
    } else if (!moment_parse(text, wall_now(), &moment, &err)) {
        console_say(c, MESSAGE_ERROR, "at: %s", err.msg);
    } else {
        c->past =
            (struct past_ask){.is_on = true, .event = moment.event, .at = moment.at};
        ask(c);
    }
}

void past_on_frame(struct console *c)
{
    const struct frame *frame = c->frame;
    if (!c->past.is_on || frame->past_why == NULL || frame->past_why[0] == '\0') {
        return;
    }
    console_say(c, MESSAGE_ERROR, "%s", frame->past_why);
    c->past.is_on = frame->is_past;
}

static const char *label(const struct console *c, enum context context,
                         enum action action, char out[KEY_TEXT_MAX])
{
    (void)keymap_label(c->keymap, context, action, out);
    /* As it stands on the key, not as it is written in a file. */
    if (strcmp(out, "<Comma>") == 0 || strcmp(out, "<Lt>") == 0) {
        (void)snprintf(out, KEY_TEXT_MAX, "%s", out[1] == 'C' ? "," : "<");
    }
    return out;
}

static void pair(const struct console *c, enum action back, enum action on, char *out,
                 size_t cap)
{
    char first[KEY_TEXT_MAX], second[KEY_TEXT_MAX];
    (void)snprintf(out, cap, "%s %s", label(c, CONTEXT_PAST, back, first),
                   label(c, CONTEXT_PAST, on, second));
}

static const char *way_back(const struct console *c, char out[KEY_TEXT_MAX])
{
    (void)label(c, CONTEXT_GLOBAL, ACTION_PAST, out);
    if (out[0] == '\0') {
        (void)snprintf(out, KEY_TEXT_MAX, ":at");
    }
    return out;
}

void past_draw(const struct console *c, const struct canvas *canvas, int y)
{
    char event[2 * KEY_TEXT_MAX], minute[2 * KEY_TEXT_MAX], hour[2 * KEY_TEXT_MAX];
    char now[KEY_TEXT_MAX];
    if (!c->frame->is_past) {
        canvas_fill(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_BANNER);
        (void)canvas_text(canvas, 1, y, CANVAS_REST, ROLE_BANNER, "AS OF ...");
        return; /* the answer is under way: what is shown is still of now */
    }
    pair(c, ACTION_PAST_EVENT_BACK, ACTION_PAST_EVENT_ON, event, sizeof(event));
    pair(c, ACTION_PAST_MINUTE_BACK, ACTION_PAST_MINUTE_ON, minute, sizeof(minute));
    pair(c, ACTION_PAST_HOUR_BACK, ACTION_PAST_HOUR_ON, hour, sizeof(hour));
    const struct past_keys keys = {
        .event = event, .minute = minute, .hour = hour, .now = way_back(c, now)};
    past_draw_banner(canvas, y, &c->frame->moment, &keys);
}

bool past_draw_view(const struct console *c, const struct canvas *canvas)
{
    const struct view *view = place_top(c);
    char now[KEY_TEXT_MAX];
    if (!past_is_on(c) || past_knows(view->klass)) {
        return false;
    }
    past_draw_unknown(canvas, view->klass->title, way_back(c, now));
    return true;
}
