/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CARD_TELL_H
#define SIGNALBOX_TUI_CARD_TELL_H

/* Telling, private to the cards: lines in parts, which are then made to fit. */

#include "tui/card.h"

#define CARD_PARTS_MAX 24
#define CARD_LINES_MAX 400
#define CARD_TEXT_MAX  2000

/* A part's rank: the highest goes first where there is little room. */
enum { RANK_KEPT, RANK_WHY, RANK_BEFORE, RANK_EVIDENCE, RANK_DRY_RUN, RANK_DIGEST };

struct part {
    const char *label;
    int rank;
    bool is_wide;
    size_t first, n; /* its lines */
    size_t n_cut;    /* of them, from the end, that there is no room for */
    bool has_blank;  /* above it */
};

struct telling {
    struct arena *arena;
    struct wall now;
    int width; /* of the text */
    struct card_line *lines;
    bool begins[CARD_LINES_MAX]; /* the line begins a paragraph */
    size_t n;
    struct part parts[CARD_PARTS_MAX];
    size_t n_parts;
};

struct telling *card_begin(struct arena *arena, struct wall now, int width);
/* Lines that follow belong to it. has_blank: a blank line above it where there is room. */
void card_part(struct telling *t, const char *label, int rank, bool has_blank);
/* The first part: what it is about, over the whole width. */
void card_head(struct telling *t);
/* Cleaned, wrapped. */
void card_say(struct telling *t, enum glyph mark, enum theme_role mark_role,
              enum theme_role role, const char *text);
void card_tell(struct telling *t, enum theme_role role, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* A part with one text, or none when the text is "". */
void card_tell_part(struct telling *t, const char *label, int rank, bool has_blank,
                    enum theme_role role, const char *text);
void card_tell_list(struct telling *t, const char *label, int rank, bool has_blank,
                    const struct card_list *list);
void card_tell_change(struct telling *t, const char *setting, const char *scope,
                      const char *from, const char *to);
/* has_refs: each with where it can be looked up in a line of its own. */
void card_tell_evidence(struct telling *t, const struct card *card, bool has_refs);
/* CARD_EVIDENCE or CARD_DRY_RUN. */
void card_tell_page(struct telling *t, const struct card *card, enum card_page page);
/* As the functions in card.h return them. height: 0 = any. */
const struct card_line *card_finish(struct telling *t, int height, size_t *ret_n,
                                    size_t *ret_n_less);

#endif
