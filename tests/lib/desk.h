/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_DESK_H
#define SIGNALBOX_TESTS_DESK_H

/*
 * Desk: the real program on a pty, with a home, a configuration and a store of its own, for
 * one cmocka test. The program is $SIGNALBOX, else build/signalbox.
 */

#include "tests/lib/pty.h"

struct desk {
    char *folder, *store, *config;
    char *home, *xdg_config, *xdg_state, *xdg_data; /* "NAME=VALUE" */
    struct pty *pty;
};

int desk_set_up(void **state);
/* Ends program and engine; fails when the engine cannot be ended. */
int desk_tear_down(void **state);
/* Start the console. term, extra (one more "NAME=VALUE") and argument may be NULL. */
void desk_start(struct desk *desk, int w, int h, const char *term, const char *extra,
                const char *argument);
/* Start it so that SIGHUP is ignored. */
void desk_start_deaf(struct desk *desk);
/* Write signalbox.yaml; before desk_start. */
void desk_configure(const struct desk *desk, const char *yaml);

#define DESK_TEST(f) cmocka_unit_test_setup_teardown(f, desk_set_up, desk_tear_down)

#endif
