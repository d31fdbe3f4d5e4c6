/* SPDX-License-Identifier: MIT */
#include "tui/past.h"

#include "engine/base/text.h"

#define MINUTE_MS 60000
#define HOUR_MS   3600000

static const struct {
    enum action action;
    int events;
    int64_t ms;
} steps[] = {
    {ACTION_PAST_EVENT_BACK,  -1, 0         },
    {ACTION_PAST_EVENT_ON,    1,  0         },
    {ACTION_PAST_MINUTE_BACK, 0,  -MINUTE_MS},
    {ACTION_PAST_MINUTE_ON,   0,  MINUTE_MS },
    {ACTION_PAST_HOUR_BACK,   0,  -HOUR_MS  },
    {ACTION_PAST_HOUR_ON,     0,  HOUR_MS   },
};

/* From the moment that the screen shows; while an answer is under way from what was asked. */
static void stand(struct past_ask *ask, const struct frame *frame, bool is_answered)
{
    if (!is_answered || frame == NULL || !frame->is_past) {
        return;
    }
    const struct moment *moment = &frame->moment;
    ask->event = moment->is_event ? moment->seq : 0;
    ask->at = moment->at;
    ask->by = 0;
}

bool past_step(struct past_ask *ask, const struct frame *frame, bool is_answered,
               enum action action, struct wall now)
{
    if (action == ACTION_PAST) {
        bool was_on = ask->is_on;
        *ask = (struct past_ask){.is_on = !was_on, .event = was_on ? 0 : MOMENT_NEWEST};
        return true;
    }
    for (size_t i = 0; ask->is_on && i < ARRAY_LEN(steps); i++) {
        if (steps[i].action != action) {
            continue;
        }
        stand(ask, frame, is_answered);
        if (steps[i].ms == 0) {
            ask->by += steps[i].events;
            return true;
        }
        /* A step of time leaves from the time that is known: of the screen. */
        struct wall from = wall_is_set(ask->at) ? ask->at : now;
        *ask = (struct past_ask){.is_on = true, .at = {from.ms + steps[i].ms}};
        if (ask->at.ms >= now.ms) {
            *ask = (struct past_ask){.is_on = true, .event = MOMENT_NEWEST};
        }
        return true;
    }
    return false;
}

bool past_knows(const struct view_class *klass)
{
    static const char *const names[] = {
        "overview",  "workflows",  "workflow",  "log",           "diff",
        "context",   "history",    "trace",     "why",           "failures",
        "decisions", "strategies", "services",  "service",       "deliveries",
        "delivery",  "approvals",  "approval",  "optimizations", "optimization",
        "autonomy",  "audit",      "audit-row", "incident",      "handoff",
        "incidents",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(klass->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* "2026-11-22 03:12:00Z" */
static const char *moment_text(struct wall at, char out[CLOCK_TEXT_MAX])
{
    (void)wall_format(at, false, out);
    char *between = strchr(out, 'T');
    if (between != NULL) {
        *between = ' ';
    }
    return out;
}

static void describe(const struct moment *moment, char *out, size_t cap)
{
    char at[CLOCK_TEXT_MAX], workflow[32] = "";
    if (moment->workflow > 0) {
        (void)snprintf(workflow, sizeof(workflow), " wf-%lld",
                       (long long)moment->workflow);
    }
    if (moment->seq == 0) {
        (void)snprintf(out, cap, "AS OF %s  before the first event",
                       moment_text(moment->at, at));
        return;
    }
    (void)snprintf(out, cap, "AS OF %s  #%lld of %lld  %s%s", moment_text(moment->at, at),
                   (long long)moment->seq, (long long)moment->last, moment->kind,
                   workflow);
}

/* The way back is always there; the other keys as far as they fit. */
void past_draw_banner(const struct canvas *canvas, int y, const struct moment *moment,
                      const struct past_keys *keys)
{
    char text[200], hints[3][120];
    describe(moment, text, sizeof(text));
    (void)snprintf(hints[0], sizeof(hints[0]), "%s event  %s minute  %s hour  %s now",
                   keys->event, keys->minute, keys->hour, keys->now);
    (void)snprintf(hints[1], sizeof(hints[1]), "%s  %s now", keys->event, keys->now);
    (void)snprintf(hints[2], sizeof(hints[2]), "%s now", keys->now);
    int room = canvas->w - 2, said = text_cells(text, strlen(text)), cells = 0;
    const char *hint = "";
    for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
        hint = hints[i];
        cells = text_cells(hint, strlen(hint));
        if (said + 2 + cells <= room) {
            break;
        }
    }
    canvas_fill(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_BANNER);
    (void)canvas_text(canvas, 1, y, room - cells - 2, ROLE_BANNER, text);
    (void)canvas_text(canvas, canvas->w - 1 - cells, y, cells, ROLE_BANNER, hint);
}

void past_draw_unknown(const struct canvas *canvas, const char *title,
                       const char *now_key)
{
    char text[160];
    (void)canvas_text(canvas, 2, 1, CANVAS_REST, ROLE_STATUS_WARN,
                      "Not known at that time.");
    (void)snprintf(text, sizeof(text), "%s tells of now only: what it shows is not kept.",
                   title);
    (void)canvas_text(canvas, 2, 3, CANVAS_REST, ROLE_TEXT, text);
    (void)snprintf(text, sizeof(text), "%s returns to now.", now_key);
    (void)canvas_text(canvas, 2, 4, CANVAS_REST, ROLE_TEXT_DIM, text);
}
