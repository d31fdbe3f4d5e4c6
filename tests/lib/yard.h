/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_YARD_H
#define SIGNALBOX_TESTS_YARD_H

/*
 * Yard: a control center over a store of its own in a folder of its own, worked by hand: hand
 * tasks over, see which effects it asks for, answer them, kill it and open it again. The clock
 * stands still but for what the test adds to `now`. What goes wrong fails the cmocka test.
 */

#include "engine/control/control.h"

#define YARD_BEGIN ((struct wall){1767225600000})

/* An effect that was asked for. */
struct asked {
    int64_t workflow, seq;
    enum effect_kind kind;
    int step, attempt;
    char params[320]; /* cut */
};

struct yard {
    struct control_options options; /* change them before yard_restart */
    struct control *control;
    struct store *store;
    char *path; /* of the store */
    struct wall now;
    struct asked asked[64]; /* since yard_new or yard_restart */
    int n_asked, n_stopped; /* n_stopped since yard_new */
    char folder[64];
};

/* Opens the store and control center; the options are kept as they are, pointers too. */
NODISCARD struct yard *yard_new(const struct control_options *options);
/* Ends both and removes the folder. */
void yard_free(struct yard *yard);
/* Commands, clock, commit. */
void yard_turn(struct yard *yard);
/* As after kill -9: what was committed is all there is, and it is asked for again. */
void yard_restart(struct yard *yard);
/* An order of anna, and a turn. args is a JSON object. */
void yard_send(struct yard *yard, const char *verb, int64_t workflow, const char *args);
/* The task "do it" with the text of a pipeline. */
void yard_submit(struct yard *yard, const char *pipeline);
/* The newest effect asked for; it lives until the next turn. */
const struct asked *yard_last(const struct yard *yard);
/* What an effect gave, for yard_answer; a pull request has the workflow's number. */
NODISCARD struct effect_result *yard_result(const struct asked *asked,
                                            enum effect_status status, enum blame blame);
/* Takes the result, and a turn. */
void yard_answer(struct yard *yard, struct effect_result *result);
/* An event of the kind says so; of several the newest that does. */
void yard_expect_event(const struct yard *yard, const char *kind, const char *part);

#endif
