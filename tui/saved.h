/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_SAVED_H
#define SIGNALBOX_TUI_SAVED_H

/*
 * Saved: views under names of the user's own, kept in a file that people can read and change.
 *
 *   # a name at the left edge, below it what is shown, from the first view to the one on top
 *   red-payments
 *     workflows filter=payments state=failed sort=age columns="id state title age"
 *   tests-of-12
 *     workflow id=12
 *     log id=12
 *
 * The words behind a view are `id` and `arg` of what was opened and the settings of the view
 * (struct view_setting), with quotes around a value that has spaces; in quotes \" and \\ stand
 * for " and \. What is not said is as when the view is opened.
 *
 * Parsing reports every mistake as a finding with its line and changes nothing when there is
 * one; a value is checked by the view it is for. Pure, but for saved_load.
 *
 * Ownership: struct saved_views owns its text; saved_fini. Threads: ui.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/findings.h"
#include "tui/view.h"

#define SAVED_MAX       100
#define SAVED_STEPS_MAX 6
#define SAVED_NAME_MAX  40 /* bytes, with the NUL */
#define SAVED_VALUE_MAX 256
#define SAVED_FILE_MAX  (64 * 1024)

struct saved_step {
    const struct view_class *klass;
    int64_t id;
    char arg[128];
    char *settings; /* as in the file: "filter=payments sort=age" */
};

struct saved_view {
    char name[SAVED_NAME_MAX];
    struct saved_step steps[SAVED_STEPS_MAX];
    size_t n;
};

struct saved_views {
    struct saved_view *rows; /* in the order of the file */
    size_t n;
};

void saved_init(struct saved_views *views);
void saved_fini(struct saved_views *views);
/* False with findings, and *ret_views untouched. */
NODISCARD bool saved_parse(const char *file, const char *text, size_t len,
                           struct saved_views *ret_views, struct findings *findings);
/* As saved_parse; a file that does not exist has no views. */
NODISCARD bool saved_load(const char *path, struct saved_views *ret_views,
                          struct findings *findings);
void saved_format(const struct saved_views *views, struct buf *out);

/* Letters, digits and . _ - , at most SAVED_NAME_MAX - 1. */
bool saved_is_name(const char *name);
const struct saved_view *saved_find(const struct saved_views *views, const char *name);
/* Takes the place of the one with its name. view->steps[].settings move. False: SAVED_MAX. */
NODISCARD bool saved_put(struct saved_views *views, const struct saved_view *view);
/* False: there is none. */
bool saved_remove(struct saved_views *views, const char *name);

/* What `view` would be saved as; settings malloc'd. */
void saved_step_of(const struct view *view, struct saved_step *ret_step);
/* Set `view`, just opened, as the step says. False: a value means nothing (any more). */
NODISCARD bool saved_apply(const struct saved_step *step, struct view *view);
/* Set one setting by name. False: no such setting, or no such value. */
NODISCARD bool saved_set(struct view *view, const char *name, const char *value);

#endif
