/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LIB_GOLDEN_H
#define SIGNALBOX_TESTS_LIB_GOLDEN_H

/*
 * Golden screens: a view on a fixed frame, as text and as a grid of roles, and what themes make
 * of the roles. What a cell looks like is its role and ground in the theme, and nothing else:
 * grid and legend together are the screen in that theme.
 *
 * A golden holds 80x24, 120x36 and 160x48, each in UTF-8 and ASCII. The ASCII screen of the larger
 * two is one line where each character is just its twin (rune_ascii). Then the styles of
 * all roles that were seen, in dark, light and mono.
 */

#include "tui/frame.h"
#include "tui/view.h"

struct shot {
    struct surface *surface;
    struct view *view;
};

/* What an operator does before the picture is taken. */
struct play {
    const enum action *actions; /* ACTION_NONE ends; NULL = none */
    const char *text;           /* typed after them; the answer when they asked for one */
};

/* View of `klass` as the console would have it after the frame came, in w x h cells between top
 * and bottom line. play may be NULL. */
struct shot shot_take(const struct view_class *klass, int64_t id, const char *arg,
                      const struct frame *frame, int w, int h, bool is_ascii,
                      const struct play *play);
void shot_drop(struct shot *shot);

/* Compare with tests/screen/NAME.golden, or write it (SCREENS_UPDATE=1). Takes the frame. */
void golden_check(const char *name, const struct view_class *klass, int64_t id,
                  const char *arg, const struct frame *frame, const struct play *play);
/* Was golden_check called for this class in this program? */
bool golden_has(const struct view_class *klass);

#endif
