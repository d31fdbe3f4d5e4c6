/* SPDX-License-Identifier: MIT */
/* First run: the files that the setup view shows are written when somebody has seen them. */
#include "tui/console_impl.h"
#include "tui/view/setup.h"

static bool is_setup(const struct console *c)
{
    return place_top(c) != NULL && place_top(c)->klass == &setup_class;
}

void first_run_painted(struct console *c)
{
    if (is_setup(c) && c->setup_shown != place_top(c)) {
        c->setup_shown = place_top(c);
        c->setup_asked_number = console_ask_painted(c);
        c->setup_asked_at = mono_now();
    } else if (!is_setup(c)) {
        c->setup_shown = NULL;
    }
}

static void write_files(struct console *c)
{
    const struct setup *setup = setup_view_get(place_top(c));
    struct err err = ERR_INIT;
    if (setup_missing(setup) == 0) {
        console_say(c, MESSAGE_INFO, "there is nothing to write");
    } else if (console_is_read_only(c)) {
        console_say(c, MESSAGE_WARN, "setup: refused, read-only");
    } else if (!setup_write(setup, &err)) {
        console_say(c, MESSAGE_ERROR, "setup: %s", err.msg);
    } else if (c->options->is_first_run) {
        c->is_done = true;
        c->end = CONSOLE_AGAIN;
    } else {
        console_say(c, MESSAGE_OK,
                    "written; an engine reads its configuration when it starts");
        (void)place_up(c);
    }
}

bool first_run_action(struct console *c, enum action action)
{
    if (!is_setup(c) || action != ACTION_YES) {
        return false;
    }
    if (c->setup_shown == place_top(c) &&
        console_has_painted(c, c->setup_asked_number, c->setup_asked_at)) {
        write_files(c);
    }
    return true; /* typed before it could be read: nothing */
}
