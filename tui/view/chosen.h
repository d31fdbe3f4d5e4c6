/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_CHOSEN_H
#define SIGNALBOX_TUI_VIEW_CHOSEN_H

/*
 * Chosen: what an operator chose for a list - a text, a group of states, an order, columns - with
 * one grammar for all lists: / filters, f goes through the groups, F and Esc take that back, s and
 * S sort; `set` in the palette and saved views do the same by name.
 *
 * A list says in a const struct choices what there is to choose, and begins its own struct with
 * struct list_view. What it draws and asks for follows list_view.chosen; the order is that of the
 * feed (tui/rank.h).
 */

#include "tui/frame.h"
#include "tui/view.h"
#include "tui/widget/table.h"

struct chosen {
    char text[FRAME_FILTER_MAX];
    size_t group; /* of choices.groups */
    int order;    /* of choices.orders; 0 = the usual one */
    bool is_reversed;
    unsigned columns; /* bits of those shown; 0 = all that fit */
};

struct list_view {
    struct view view;
    struct chosen chosen;
};

/* What is NULL is not to be chosen. */
struct choices {
    const char *filter;           /* example for the prompt: part of what */
    bool is_slow;                 /* what is typed counts when it is whole */
    const char *const *groups;    /* [0] all; NULL at the end */
    const char *const *orders;    /* [0] the usual one; NULL at the end */
    const struct column *columns; /* those without title are always there */
    size_t n_columns;
    void (*restart)(struct view *view); /* cursor to the first row */
};

/* Rows of view_class.settings. */
void chosen_get_filter(const struct view *view, char *out, size_t cap);
bool chosen_set_filter(struct view *view, const char *value);
void chosen_get_state(const struct view *view, char *out, size_t cap);
bool chosen_set_state(struct view *view, const char *value);
void chosen_get_sort(const struct view *view, char *out, size_t cap);
bool chosen_set_sort(struct view *view, const char *value);
void chosen_get_columns(const struct view *view, char *out, size_t cap);
bool chosen_set_columns(struct view *view, const char *value);
#define CHOSEN_FILTER                                                                    \
    {                                                                                    \
        "filter", "a text that the rows hold", chosen_get_filter, chosen_set_filter      \
    }
#define CHOSEN_STATE(words)                                                              \
    {                                                                                    \
        "state", words, chosen_get_state, chosen_set_state                               \
    }
#define CHOSEN_SORT(words)                                                               \
    {                                                                                    \
        "sort", words ", and perhaps reversed behind it", chosen_get_sort,               \
            chosen_set_sort                                                              \
    }
#define CHOSEN_COLUMNS(words)                                                            \
    {                                                                                    \
        "columns", "some of " words, chosen_get_columns, chosen_set_columns              \
    }
/* For view_class.setting_value. */
const char *chosen_value(const struct view *view, const char *name, size_t i);

/* Its keys. False: it is none of them, or there is nothing to choose or take back. */
bool chosen_action(struct view *view, enum action action, struct reply *reply);
/* Answer to the prompt that chosen_action asked; false: it is another one's. */
#define TOKEN_CHOSEN 800
bool chosen_on_prompt(struct view *view, int token, const char *text,
                      struct reply *reply);
bool chosen_is_narrowed(const struct view *view);
/* text and order into the query. */
void chosen_query(const struct view *view, struct frame_query *query);
/* Columns that were chosen, as far as they fit. */
struct table_layout chosen_layout(const struct view *view, int x0, int width);
void chosen_heading(const struct view *view, const struct canvas *canvas, int y,
                    const struct table_layout *layout);
/* "by risk, reversed" for a head line; "" when it is the usual order. Returns text. */
const char *chosen_order_text(const struct view *view, char *text, size_t cap);

#endif
