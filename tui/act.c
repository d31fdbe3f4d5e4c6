/* SPDX-License-Identifier: MIT */
/* What the console does by itself: messages, actions, lines of the palette. */
#include <stdarg.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "tui/console_impl.h"

#define MESSAGE_MS 5000 /* a message leaves by itself, but for errors */

/* ---- messages ---- */

void console_say(struct console *c, enum message_kind kind, const char *format, ...)
{
    char raw[400];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(raw, sizeof(raw), format, args);
    va_end(args);
    if (len < 0) {
        return;
    }
    struct message *message = &c->messages[c->n_messages++ % MESSAGES_MAX];
    message->kind = kind;
    message->at = wall_now();
    (void)text_clean_into(message->text, sizeof(message->text), raw);
    c->is_message_shown = true;
    c->message_asked = 0;
    c->message_until = (struct mono){
        kind == MESSAGE_ERROR ? 0 : mono_now().ns + (int64_t)MESSAGE_MS * 1000000};
    c->needs_paint = true;
}

/* ---- actions ---- */

/* Actions that do nothing but open a view. */
static bool open_view(struct console *c, enum action action)
{
    static const struct {
        enum action action;
        const char *view;
    } rows[] = {
        {ACTION_GO_OVERVIEW,      "overview"     },
        {ACTION_GO_WORKFLOWS,     "workflows"    },
        {ACTION_GO_SUBMIT,        "submit"       },
        {ACTION_GO_SERVICES,      "services"     },
        {ACTION_GO_DELIVERIES,    "deliveries"   },
        {ACTION_GO_AUDIT,         "audit"        },
        {ACTION_GO_HEALTH,        "health"       },
        {ACTION_GO_INCIDENTS,     "incidents"    },
        {ACTION_GO_METRICS,       "metrics"      },
        {ACTION_GO_OUTLOOK,       "outlook"      },
        {ACTION_GO_FAILURES,      "failures"     },
        {ACTION_GO_STRATEGIES,    "strategies"   },
        {ACTION_GO_DECISIONS,     "decisions"    },
        {ACTION_GO_APPROVALS,     "approvals"    },
        {ACTION_GO_OPTIMIZATIONS, "optimizations"},
        {ACTION_GO_AUTONOMY,      "autonomy"     },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].action == action) {
            place_open(c, view_class_find(rows[i].view), 0, NULL);
            return true;
        }
    }
    return false;
}

bool console_action(struct console *c, enum action action)
{
    switch (action) {
    case ACTION_HELP:
        layer_overlay(c, OVERLAY_HELP);
        return true;
    case ACTION_MESSAGES:
        layer_overlay(c, OVERLAY_MESSAGES);
        return true;
    case ACTION_PALETTE:
        layer_palette(c, "");
        return true;
    case ACTION_PERF:
        c->is_perf_shown = !c->is_perf_shown;
        place_refresh(c, false);
        return true;
    case ACTION_THEME_NEXT:
        look_next_theme(c);
        return true;
    case ACTION_REDRAW:
        look_read_again(c, LOOK_ALL, false);
        term_forget(c->term);
        feed_refresh(c->feed);
        c->needs_paint = true;
        return true;
    case ACTION_SUSPEND:
        term_suspend(c->term);
        c->needs_paint = true;
        return true;
    case ACTION_QUIT:
        c->is_done = true;
        c->end = CONSOLE_QUIT;
        return true;
    case ACTION_HISTORY_BACK:
        place_back(c, -1);
        return true;
    case ACTION_HISTORY_FORWARD:
        place_back(c, 1);
        return true;
    case ACTION_NEXT_NEEDED:
        next_needed(c);
        return true;
    case ACTION_CLOSE:
        if (place_up(c)) {
            return true;
        }
        if (past_is_on(c)) {
            past_return(c); /* nothing is above: from the past to now */
        } else {
            console_say(c, MESSAGE_INFO, "nothing is above the overview");
        }
        return true;
    default:
        return past_action(c, action) || open_view(c, action);
    }
}

/* CLOSE and NEXT_NEEDED may mean something inside a view; the others never do. */
static bool is_for_view(enum action action)
{
    switch (action) {
    case ACTION_HELP:
    case ACTION_MESSAGES:
    case ACTION_PALETTE:
    case ACTION_PERF:
    case ACTION_THEME_NEXT:
    case ACTION_REDRAW:
    case ACTION_SUSPEND:
    case ACTION_QUIT:
    case ACTION_HISTORY_BACK:
    case ACTION_HISTORY_FORWARD:
    case ACTION_GO_OVERVIEW:
    case ACTION_GO_WORKFLOWS:
    case ACTION_GO_SUBMIT:
    case ACTION_GO_SERVICES:
    case ACTION_GO_DELIVERIES:
    case ACTION_GO_AUDIT:
    case ACTION_GO_HEALTH:
    case ACTION_GO_INCIDENTS:
    case ACTION_GO_METRICS:
    case ACTION_GO_OUTLOOK:
    case ACTION_GO_FAILURES:
    case ACTION_GO_STRATEGIES:
    case ACTION_GO_DECISIONS:
    case ACTION_GO_APPROVALS:
    case ACTION_GO_OPTIMIZATIONS:
    case ACTION_GO_AUTONOMY:
        return false;
    default:
        return true;
    }
}

/* No key does nothing without a word. */
static void act_in_console(struct console *c, enum action action)
{
    char key[KEY_TEXT_MAX];
    if (!console_action(c, action)) {
        (void)keymap_label(c->keymap, layer_context(c), ACTION_HELP, key);
        console_say(c, MESSAGE_INFO, "%s: nothing to do here%s%s%s", action_word(action),
                    key[0] != '\0' ? "; " : "", key,
                    key[0] != '\0' ? " shows the keys of this place" : "");
    }
}

void act_in_view(struct console *c, enum action action)
{
    struct view *view = place_top(c);
    const struct verb *verb = verb_find(action_verb(action));
    if (past_action(c, action) || decide_action(c, action) ||
        first_run_action(c, action)) {
        return;
    }
    if (verb != NULL) {
        order_begin_here(c, verb, NULL);
        return;
    }
    if (!is_for_view(action) || view->klass->on_action == NULL) {
        act_in_console(c, action);
        return;
    }
    struct reply reply;
    reply_init(&reply);
    view->klass->on_action(view, c->frame, action, &reply);
    if ((reply.flags & REPLY_UNUSED) != 0 || reply_is_empty(&reply)) {
        reply_fini(&reply);
        act_in_console(c, action);
    } else {
        console_perform(c, &reply);
    }
}

static void open_from_line(struct console *c, const struct palette_command *command)
{
    const struct view *view = place_top(c);
    int64_t id = 0;
    if (!command->view->is_root && strcmp(command->view->name, "submit") != 0) {
        id = view->id; /* the log of what is open or selected */
        if (id == 0 && view->klass->targets != NULL &&
            view->klass->targets(view, c->frame, &id, 1) == 0) {
            id = 0;
        }
    }
    place_open(c, command->view, id, NULL);
}

/* Of what is selected where a report can be written, else of what is named. */
static void report_from_line(struct console *c, const char *id)
{
    char arg[FRAME_STORY_MAX];
    const struct view_class *klass = place_top(c)->klass;
    bool has_one =
        klass->context == CONTEXT_INCIDENTS || klass->context == CONTEXT_HEALTH;
    if (id[0] == '\0' && has_one) {
        act_in_view(c, ACTION_INCIDENT_REPORT);
    } else if (id[0] == '\0') {
        console_say(c, MESSAGE_INFO, "report: of which? `report 17` or `report p-2`");
    } else {
        (void)snprintf(arg, sizeof(arg), "report %s", id);
        place_open(c, view_class_find("incident"), 0, arg);
    }
}

void console_run_line(struct console *c, const char *line)
{
    struct palette_command command;
    struct err err = ERR_INIT;
    if (!palette_parse(line, &command, &err)) {
        console_say(c, MESSAGE_ERROR, "%s", err.msg);
        return;
    }
    switch (command.kind) {
    case PALETTE_VIEW:
        open_from_line(c, &command);
        break;
    case PALETTE_WORKFLOW:
        place_open(c, view_class_find("workflow"), command.targets[0], NULL);
        break;
    case PALETTE_CARD:
        place_open(c, command.view, command.id, NULL);
        break;
    case PALETTE_WHY:
        place_open(c, view_class_find("why"), 0, command.why);
        break;
    case PALETTE_VERB:
        if (command.n_targets > 0) {
            order_begin(c, command.verb, command.targets, command.n_targets,
                        command.args);
        } else {
            order_begin_here(c, command.verb, command.args);
        }
        break;
    case PALETTE_THEME:
        if (console_use_theme(c, command.theme)) {
            console_say(c, MESSAGE_INFO, "theme %s", c->theme_name);
        }
        break;
    case PALETTE_AT:
        past_go(c, command.at);
        break;
    case PALETTE_ACTION:
        (void)console_action(c, command.action);
        break;
    case PALETTE_SAVE:
        keep_save(c, command.text);
        break;
    case PALETTE_OPEN:
        keep_open(c, command.text);
        break;
    case PALETTE_FORGET:
        keep_forget(c, command.text);
        break;
    case PALETTE_REPORT:
        report_from_line(c, command.text);
        break;
    case PALETTE_SET:
        keep_set(c, command.text, command.args);
        free(command.args);
        break;
    }
}
