/* SPDX-License-Identifier: MIT */
/* The console in the past: into it, through it and back, and nothing done there. */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "store/store.h"
#include "tests/lib/desk.h"
#include "tests/lib/place.h"

#define SOON_MS  5000
#define N_EVENTS 3

/* wf-7 became PLANNING an hour ago, then CODING, then waited for its plan to be approved; the
 * title says in which of them it is. */
static int set_up(void **state)
{
    static const enum workflow_state states[N_EVENTS] = {STATE_PLANNING, STATE_CODING,
                                                         STATE_FAILED};
    if (desk_set_up(state) != 0) {
        return -1;
    }
    struct desk *desk = *state;
    struct err err = ERR_INIT;
    struct store *store = store_open(desk->store, STORE_FULL, &err);
    if (store == NULL) {
        fail_msg("%s", err.msg);
    }
    struct wall at = {wall_now().ms - 3600000};
    for (int i = 0; i < N_EVENTS; i++, at.ms += 600000) {
        struct workflow_row row = sample_workflow(7);
        struct totals totals = {.n_workflows = 1};
        AUTO_FREE char *reason = mem_printf("reason number %d", i + 1);
        totals.by_state[states[i]] = 1;
        row.state = states[i];
        row.wait = WAIT_NONE;
        row.reason = reason;
        row.is_active = false;
        row.state_since = row.started_at = row.created_at = at;
        row.finished_at = i == 2 ? at : (struct wall){0};
        (void)store_add_event(store, &(struct event_row){.at = at,
                                                         .workflow = 7,
                                                         .kind = "start",
                                                         .actor = "engine",
                                                         .to = states[i],
                                                         .text = ""});
        store_put_workflow(store, &row);
        store_put_totals(store, &totals);
        must_commit(store);
    }
    store_close(store);
    return 0;
}

static void must_show(struct desk *desk, const char *text)
{
    if (!pty_wait_text(desk->pty, text, SOON_MS)) {
        AUTO_FREE char *screen = pty_screen(desk->pty);
        fail_msg("no \"%s\" in:\n%s", text, screen);
    }
}

static void must_not_show(struct desk *desk, const char *text)
{
    if (!pty_wait_no_text(desk->pty, text, SOON_MS)) {
        AUTO_FREE char *screen = pty_screen(desk->pty);
        fail_msg("\"%s\" in:\n%s", text, screen);
    }
}

static void open_workflow(struct desk *desk)
{
    desk_start(desk, 120, 36, NULL, NULL, NULL);
    must_show(desk, "engine up");
    pty_send(desk->pty, ":wf-7\r");
    must_show(desk, "reason number 3");
}

static void quit(struct desk *desk)
{
    int status = -1;
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, 2 * SOON_MS, &status));
    assert_string_equal(pty_damage(desk->pty), "");
}

static void event_by_event_and_back_to_now(void **state)
{
    struct desk *desk = *state;
    open_workflow(desk);
    pty_send(desk->pty, ":at #3\r");
    must_show(desk, "AS OF ");
    must_show(desk, "#3 of ");
    pty_send(desk->pty, "?"); /* its keys come first: they are before those of the view */
    must_show(desk, "PAST  Anywhere in the past");
    must_show(desk, "Show the moment one event earlier");
    must_show(desk, "Show the moment one hour later");
    pty_send(desk->pty, "\x1b");
    must_not_show(desk, "one event earlier");
    pty_send(desk->pty, ",");
    must_show(desk, "reason number 2");
    must_show(desk, "#2 of ");
    pty_send(desk->pty, ",");
    must_show(desk, "reason number 1");
    pty_send(desk->pty, ".");
    must_show(desk, "reason number 2");
    pty_send(desk->pty, "T");
    must_show(desk, "reason number 3");
    must_not_show(desk, "AS OF");
    must_show(desk, "engine up");
    pty_send(desk->pty, "?"); /* now they do nothing, and are not there */
    must_show(desk, "TEXT  Log, diff");
    must_not_show(desk, "one event earlier");
    pty_send(desk->pty, "\x1b");
    must_not_show(desk, "TEXT  Log, diff");
    quit(desk);
}

static void nothing_is_done_there(void **state)
{
    struct desk *desk = *state;
    open_workflow(desk);
    pty_send(desk->pty, ":at #2\r");
    must_show(desk, "reason number 2");
    must_show(desk, "read-only");
    pty_send(desk->pty, "R");
    must_show(desk, "retry: refused");
    pty_send(desk->pty, ":pause wf-7\r");
    must_show(desk, "pause: refused");
    /* The other views are of then too, or say that they are not. */
    pty_send(desk->pty, "w");
    must_show(desk, "CODING");
    must_show(desk, "AS OF");
    pty_send(desk->pty, ":engine\r");
    must_show(desk, "Not known at that time");
    quit(desk);
}

static void by_time_and_refused_where_it_is_wrong(void **state)
{
    struct desk *desk = *state;
    open_workflow(desk);
    pty_send(desk->pty, ":at -55m\r");
    must_show(desk, "reason number 1");
    pty_send(desk->pty, "}"); /* an hour on is not yet: the newest event */
    must_show(desk, "reason number 3");
    must_show(desk, "AS OF");
    pty_send(desk->pty, ":at yesterday\r");
    must_show(desk, "is no moment");
    pty_send(desk->pty, ":at #99999\r");
    must_show(desk, "there is no event #99999 yet");
    must_show(desk, "AS OF");
    pty_send(desk->pty, "o\x1b"); /* nothing is above the overview: back to now */
    must_not_show(desk, "AS OF");
    quit(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(event_by_event_and_back_to_now, set_up,
                                        desk_tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_done_there, set_up, desk_tear_down),
        cmocka_unit_test_setup_teardown(by_time_and_refused_where_it_is_wrong, set_up,
                                        desk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
