/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CARD_H
#define SIGNALBOX_TUI_CARD_H

/*
 * Card: what a person must know to decide, told in lines: an approval, or an optimization.
 *
 * The same lines are drawn by the console and printed by `signalbox approvals a-3` and
 * `signalbox optimizations o-3`, so that both can be read by who knows one. A line is a label
 * (upper case, or "" where the label above goes on), a mark, and a text that was cleaned and
 * wrapped to the width; where a text was cut, it ends in a mark.
 *
 * A card fits on one screen: with a height, blank lines go first, then the lines beyond the first
 * of the least important parts ("2 more"), then whole parts; what is done, how sure, how risky and
 * how it is taken back stay. Nothing is cut in the middle of a word without a mark.
 *
 * Pure: rows and a moment in, lines in the arena out. What is JSON in a row is parsed once by who
 * reads it (card_parse); text that is no JSON, or of another shape, gives what can be read of it.
 */

#include "engine/recovery/case.h"
#include "store/approval.h"
#include "tui/canvas.h"

#define CARD_LABEL      11 /* cells of the label, with the gap behind it */
#define CARD_MARK       2  /* cells of the mark, with its gap */
#define CARD_VALUES_MAX 40 /* newest values of a series that are shown */

struct card_evidence {
    const char *id, *text, *kind, *ref; /* "" = none */
    const double *values;               /* of a series, oldest first; NAN = not known */
    size_t n_values;
};
struct card_before {
    const char *id, *verdict, *by, *reason;
    struct wall at;
};
struct card_vote {
    const char *by, *role;
    struct wall at;
};
struct card_list {
    const char *const *texts;
    size_t n;
};
struct card {
    struct card_list why, dry_run, repositories, environments;
    const char *expected, *if_wrong, *guard;
    const char *setting, *scope, *from, *to; /* "" = no setting is changed */
    const char *undo;                        /* "" = cannot be taken back */
    int64_t n_workflows, n_queued;           /* -1 = not known */
    const struct card_evidence *evidence;
    size_t n_evidence;
    const struct card_before *before;
    size_t n_before;
};

/* Of approval_row.card, or of optimization_row.evidence. */
void card_parse(struct arena *arena, const char *text, struct card *ret_card);
size_t card_parse_votes(struct arena *arena, const char *text,
                        const struct card_vote **ret_votes);

/* What differs between two effects, field by field: "" where one has it not. */
struct card_change {
    const char *field, *was, *is;
};
size_t card_changes(struct arena *arena, const char *was, const char *is,
                    const struct card_change **ret_changes);

struct card_line {
    const char *label;
    enum glyph mark; /* GLYPH_COUNT = none */
    enum theme_role mark_role, role;
    const char *text;
    const double *values; /* drawn behind the text; NULL = none */
    size_t n_values;
    bool is_wide; /* begins where labels do */
    int evidence; /* of this number, from 1: its first line; 0 = none */
};

enum card_page {
    CARD_WHOLE,
    CARD_DIFF,     /* the effect before and after, and the setting */
    CARD_EVIDENCE, /* all of it, with where it can be looked up */
    CARD_DRY_RUN   /* what would have happened on recorded history */
};

/* width: cells of a whole line, label and mark included; at least 40. height: lines that
 * there are, 0 = any. *ret_n_less: parts or lines that were left out for want of room. */
const struct card_line *card_of_approval(struct arena *arena,
                                         const struct approval_row *row,
                                         const struct card *card, enum card_page page,
                                         struct wall now, int width, int height,
                                         size_t *ret_n, size_t *ret_n_less);
const struct card_line *card_of_optimization(struct arena *arena,
                                             const struct optimization_row *row,
                                             const struct card *card, enum card_page page,
                                             struct wall now, int width, int height,
                                             size_t *ret_n, size_t *ret_n_less);

/* Fields of a row into the object that is open. */
void card_write_approval(struct jsonw *w, const void *row);
void card_write_optimization(struct jsonw *w, const void *row);

/* How things look everywhere. */
enum glyph card_risk_glyph(enum risk risk);
enum theme_role card_risk_role(enum risk risk);
enum glyph card_optimization_glyph(enum optimization_status status);
enum theme_role card_optimization_role(enum optimization_status status);
/* "+4.1% (+2.9 to +5.3)" of a share, "-3.2 min (-4 to -1)" of minutes; "not known". */
#define CARD_EFFECT_MAX 64
const char *card_effect(const char *metric, double mean, double low, double high,
                        char text[CARD_EFFECT_MAX]);
/* A value of a setting for people: a list without brackets and quotes, "as configured" for none. */
const char *card_value(struct arena *arena, const char *value);
/* "wasted minutes" of "wasted_minutes". */
const char *card_metric(struct arena *arena, const char *metric);
/* "expires in 2h, then parks", "approved by ada", "snoozed for 12m", "claimed by ada". What asks
 * for attention comes first. Returns text. */
const char *card_state(const struct approval_row *row, struct wall now, char *text,
                       size_t cap);
/* "8m", "expired"; "" when it never does. Returns text. */
const char *card_expiry(const struct approval_row *row, struct wall now,
                        char text[CLOCK_TEXT_MAX]);
/* Who looks after it: the one who claimed it, else to whom it was given; "" nobody. */
const char *card_owner(const struct approval_row *row, struct wall now);

#endif
