/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_PALETTE_IMPL_H
#define SIGNALBOX_TUI_PALETTE_IMPL_H

/* Inside of the palette, shared by its files only: what a line means (palette.c), and what could
 * be meant (palette_complete.c, and palette_value.c for what stands behind a name). */

#include "tui/palette.h"

#define PALETTE_WORD_MAX 512

/* A line, word by word. */
struct palette_line {
    const char *rest;
    char word[PALETTE_WORD_MAX]; /* longer ones are cut */
};
/* Next word into line->word; false at the end. */
bool palette_next_word(struct palette_line *line);

/* What of a verb's arguments stands in a line already: bits by their place in verb->args. */
struct palette_given {
    unsigned args;
    bool has_rest; /* the reason has begun: it goes to the end of the line */
};
/* What `word` is to the verb: an argument by its name or by its place, or the beginning of its
 * reason; noted in *given. NULL: it is a workflow, or means nothing. *ret_value: what is said. */
const struct verb_arg *palette_argument(const struct verb *verb, const char *word,
                                        struct palette_given *given,
                                        const char **ret_value);
/* The argument that a word without a name would be now: the next one by its place, else the
 * reason; or NULL. */
const struct verb_arg *palette_next_argument(const struct verb *verb,
                                             const struct palette_given *given);
/* What takes the rest of the line: the reason, else the note; or NULL. */
const struct verb_arg *palette_rest(const struct verb *verb);
/* 'submit' and 'adopt' are forms and files, and what reads the audit or shows a card says so
 * itself: they are no lines to type. */
bool palette_is_line(const struct verb *verb);

/* Commands of the console that are no actions; name NULL at the end. */
struct palette_own {
    const char *name, *rest, *help;
    enum palette_kind kind;
};
extern const struct palette_own palette_owns[];
/* Actions that make sense as a command; ACTION_NONE at the end. */
extern const enum action palette_actions[];

/* ---- candidates ---- */

struct palette_list {
    struct palette_candidate *rows;
    size_t n, max;
    const char *pattern;
    const char *before; /* put before each: "state=" */
};
void palette_offer(struct palette_list *list, const char *text, const char *help);
/* Workflows, and everything else with an id, that the screen shows. frame may be NULL. */
void palette_offer_workflows(struct palette_list *list, const struct frame *frame);
/* kind: only these; CASE_COUNT = all. */
void palette_offer_cases(struct palette_list *list, const struct frame *frame, int kind);
/* What an argument can be: words of the tables, names of the configuration, ids on the screen. line:
 * the whole of it, because a value belongs to its setting. */
void palette_offer_values(struct palette_list *list, const struct verb_arg *arg,
                          const struct palette_context *context, const char *line);

#endif
