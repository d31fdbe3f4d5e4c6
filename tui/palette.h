/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_PALETTE_H
#define SIGNALBOX_TUI_PALETTE_H

/*
 * Palette: what a line typed after ":" means, and what could be meant.
 *
 *   workflows               a view
 *   wf-12                   the workflow
 *   pause wf-12 wf-14       a verb on workflows; without them on what is selected
 *   reject wf-12 too risky  the rest is the reason
 *   retry wf-12 from=CODING an argument by name
 *   theme light             a theme
 *   at 03:12                the console as it was then
 *   save NAME               keep what is shown under a name; open NAME, forget NAME
 *   set sort age            a setting of the view that is shown
 *   tune limits.coding 2h scope=pipeline:web because   a setting of the engine
 *   report p-2              write it to a file; without an id what is selected
 *   perf                    an action of the console
 *
 * Pure: candidates come from the tables of verbs, views, actions, themes and settings, from what
 * the frame shows, the settings of the view, the saved views and the configuration.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/control/verb.h"
#include "tui/action.h"
#include "tui/saved.h"
#include "tui/view.h"

#define PALETTE_ROWS    8   /* candidates shown */
#define PALETTE_TARGETS 200 /* workflows in one line */

struct palette_candidate {
    char text[64]; /* what would be typed */
    char help[96];
    int score;
};

struct config;

/* What is there to be meant; every pointer may be NULL. */
struct palette_context {
    const struct frame *frame;
    const struct view *view; /* on top: its settings */
    const struct saved_views *saved;
    const char *const *themes; /* names of the user's own */
    size_t n_themes;
    const struct config *config; /* services, users */
};

/* Best first; at most max. `text` up to its end is what is completed (its last word). */
size_t palette_complete(const char *text, const struct palette_context *context,
                        struct palette_candidate *candidates, size_t max);
/* How the command goes on that the line begins with, one line: "pause [wf-N ...] [REASON]: pause
 * the workflow"; "" when it begins with none. */
void palette_usage(const char *text, char *out, size_t cap);
/* `text` with its last word replaced by the candidate. */
void palette_apply(const char *text, const struct palette_candidate *candidate, char *out,
                   size_t cap);

enum palette_kind {
    PALETTE_VIEW,
    PALETTE_WORKFLOW,
    PALETTE_WHY,  /* one case, by its id */
    PALETTE_CARD, /* an approval or optimization, by its id */
    PALETTE_VERB,
    PALETTE_THEME,
    PALETTE_AT, /* a moment that is over */
    PALETTE_ACTION,
    PALETTE_SAVE,   /* text: the name */
    PALETTE_OPEN,   /* likewise */
    PALETTE_FORGET, /* likewise */
    PALETTE_SET,    /* text: of the setting; args: its value */
    PALETTE_REPORT  /* text: "17", "p-2"; "" = of what is selected */
};

struct palette_command {
    enum palette_kind kind;
    const struct view_class *view;
    const struct verb *verb;
    int64_t targets[PALETTE_TARGETS]; /* WORKFLOW: one; VERB: none = what is selected */
    size_t n_targets;
    char *args; /* VERB: JSON object; SET: the value; malloc'd, or NULL */
    char text[64];
    char theme[64];
    char at[64];  /* AT: as it was typed; "" = now */
    char why[32]; /* WHY: "f-31" */
    int64_t id;   /* CARD: of what `view` shows */
    enum action action;
};

/* ERR_USAGE says what is not understood and what was expected. */
NODISCARD bool palette_parse(const char *text, struct palette_command *ret_command,
                             struct err *err);

/* Does `word` match `pattern` as a subsequence? Higher is better, 0 = no. */
int palette_score(const char *pattern, const char *word);
/* "wf-12" or "12". */
NODISCARD bool palette_parse_id(const char *text, int64_t *ret_id);
/* Actions that make sense as a command. */
bool palette_has_action(enum action action);

#endif
