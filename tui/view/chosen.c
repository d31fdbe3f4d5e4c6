/* SPDX-License-Identifier: MIT */
#include "tui/view/chosen.h"

#include "engine/base/text.h"

#define COLUMN_NAME_MAX 24
#define NEVER           10000 /* wider than any screen: does not fit */

static struct chosen *chosen_of(struct view *view)
{
    return &((struct list_view *)view)->chosen;
}

static const struct chosen *its(const struct view *view)
{
    return &((const struct list_view *)view)->chosen;
}

static void restart(struct view *view)
{
    view->klass->choices->restart(view);
}

/* ---- settings ------------------------------------------------------------------------- */

void chosen_get_filter(const struct view *view, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s", its(view)->text);
}

bool chosen_set_filter(struct view *view, const char *value)
{
    (void)text_clean_into(chosen_of(view)->text, FRAME_FILTER_MAX, value);
    restart(view);
    return true;
}

/* Place of a word of `len` bytes in the list, or -1. */
static int place_of(const char *const *words, const char *word, size_t len)
{
    for (int i = 0; words[i]; i++)
        if (strlen(words[i]) == len && strncmp(words[i], word, len) == 0)
            return i;
    return -1;
}

void chosen_get_state(const struct view *view, char *out, size_t cap)
{
    size_t group = its(view)->group;
    (void)snprintf(out, cap, "%s", group > 0 ? view->klass->choices->groups[group] : "");
}

bool chosen_set_state(struct view *view, const char *value)
{
    size_t len = strlen(value);
    int at = len == 0 ? 0 : place_of(view->klass->choices->groups, value, len);
    if (at < 0)
        return false;
    chosen_of(view)->group = (size_t)at;
    restart(view);
    return true;
}

void chosen_get_sort(const struct view *view, char *out, size_t cap)
{
    const struct chosen *chosen = its(view);
    bool is_usual = chosen->order == 0 && !chosen->is_reversed;
    (void)snprintf(out, cap, "%s%s",
                   is_usual ? "" : view->klass->choices->orders[chosen->order],
                   chosen->is_reversed ? " reversed" : "");
}

bool chosen_set_sort(struct view *view, const char *value)
{
    size_t len = strcspn(value, " ");
    bool is_reversed = strcmp(value + len, " reversed") == 0;
    int at = len == 0 ? 0 : place_of(view->klass->choices->orders, value, len);
    if (at < 0 || (value[len] != '\0' && !is_reversed))
        return false;
    chosen_of(view)->order = at;
    chosen_of(view)->is_reversed = is_reversed;
    restart(view);
    return true;
}

/* "AT ONCE" is at-once; "" of a column that is always there. */
static const char *column_name(const struct choices *choices, size_t i,
                               char name[COLUMN_NAME_MAX])
{
    size_t n = 0;
    for (const char *at = choices->columns[i].title; *at && n + 1 < COLUMN_NAME_MAX; at++)
        name[n++] = *at == ' '                 ? '-'
                    : *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a')
                                               : *at;
    name[n] = '\0';
    return name;
}

void chosen_get_columns(const struct view *view, char *out, size_t cap)
{
    const struct choices *choices = view->klass->choices;
    char name[COLUMN_NAME_MAX];
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < choices->n_columns && used + COLUMN_NAME_MAX < cap; i++)
        if ((its(view)->columns & 1u << i) != 0)
            used += (size_t)snprintf(out + used, cap - used, "%s%s", used > 0 ? " " : "",
                                     column_name(choices, i, name));
}

static unsigned column_bit(const struct choices *choices, const char *word, size_t len)
{
    char name[COLUMN_NAME_MAX];
    for (size_t i = 0; i < choices->n_columns; i++)
        if (len > 0 && strlen(column_name(choices, i, name)) == len &&
            strncmp(name, word, len) == 0)
            return 1u << i;
    return 0;
}

bool chosen_set_columns(struct view *view, const char *value)
{
    unsigned columns = 0;
    for (value += strspn(value, " "); *value != '\0'; value += strspn(value, " ")) {
        size_t len = strcspn(value, " ");
        unsigned bit = column_bit(view->klass->choices, value, len);
        if (bit == 0)
            return false;
        columns |= bit;
        value += len;
    }
    chosen_of(view)->columns = columns;
    return true;
}

/* Column number i of those that have a name. */
static const char *named_column(const struct choices *choices, size_t i)
{
    static char name[COLUMN_NAME_MAX]; /* ui thread only; copied at once */
    for (size_t c = 0; c < choices->n_columns; c++)
        if (column_name(choices, c, name)[0] != '\0' && i-- == 0)
            return name;
    return NULL;
}

const char *chosen_value(const struct view *view, const char *name, size_t i)
{
    const struct choices *choices = view->klass->choices;
    if (strcmp(name, "columns") == 0)
        return choices->columns ? named_column(choices, i) : NULL;
    const char *const *words = strcmp(name, "sort") == 0    ? choices->orders
                               : strcmp(name, "state") == 0 ? choices->groups
                                                            : NULL;
    for (size_t k = 0; words && k < i; k++)
        if (!words[k])
            return NULL;
    return words ? words[i] : NULL;
}

/* ---- keys ----------------------------------------------------------------------------- */

bool chosen_is_narrowed(const struct view *view)
{
    return its(view)->text[0] != '\0' || its(view)->group != 0;
}

static void next_of(const char *const *words, size_t *at)
{
    *at = words[*at + 1] ? *at + 1 : 0;
}

static void ask_filter(const struct view *view, struct reply *reply)
{
    reply_ask(reply, &(struct prompt_request){
                         .label = "filter",
                         .initial = its(view)->text,
                         .example = view->klass->choices->filter,
                         .token = TOKEN_CHOSEN,
                         .is_live = !view->klass->choices->is_slow,
                         .may_be_empty = true,
                     });
}

static bool sort(struct view *view, enum action action, struct reply *reply)
{
    const struct choices *choices = view->klass->choices;
    struct chosen *chosen = chosen_of(view);
    char text[80];
    if (!choices->orders)
        return false;
    if (action == ACTION_SORT_NEXT) {
        size_t at = (size_t)chosen->order;
        next_of(choices->orders, &at);
        chosen->order = (int)at;
        chosen->is_reversed = false;
    } else {
        chosen->is_reversed = !chosen->is_reversed;
    }
    restart(view);
    reply->flags |= REPLY_REQUERY;
    (void)chosen_order_text(view, text, sizeof text);
    reply_say(reply, MESSAGE_INFO, "%s", text[0] != '\0' ? text : "in the usual order");
    return true;
}

bool chosen_action(struct view *view, enum action action, struct reply *reply)
{
    const struct choices *choices = view->klass->choices;
    struct chosen *chosen = chosen_of(view);
    switch (action) {
    case ACTION_FILTER:
    case ACTION_SEARCH:
        if (choices->filter)
            ask_filter(view, reply);
        return choices->filter != NULL;
    case ACTION_SORT_NEXT:
    case ACTION_SORT_REVERSE:
        return sort(view, action, reply);
    case ACTION_FILTER_STATE:
        if (!choices->groups)
            return false;
        next_of(choices->groups, &chosen->group);
        break;
    case ACTION_FILTER_CLEAR:
    case ACTION_CLOSE:
        if (!chosen_is_narrowed(view))
            return false; /* nothing to take back: Esc leaves */
        chosen->text[0] = '\0';
        chosen->group = 0;
        break;
    default:
        return false;
    }
    restart(view);
    reply->flags |= REPLY_REQUERY;
    return true;
}

bool chosen_on_prompt(struct view *view, int token, const char *text, struct reply *reply)
{
    if (token != TOKEN_CHOSEN)
        return false;
    if (text && strcmp(text, its(view)->text) != 0) {
        (void)chosen_set_filter(view, text);
        reply->flags |= REPLY_REQUERY;
    }
    return true;
}

/* ---- what follows from it ------------------------------------------------------------- */

void chosen_query(const struct view *view, struct frame_query *query)
{
    (void)snprintf(query->text, sizeof query->text, "%s", its(view)->text);
    query->order = its(view)->order;
    query->is_reversed = its(view)->is_reversed;
}

struct table_layout chosen_layout(const struct view *view, int x0, int width)
{
    const struct choices *choices = view->klass->choices;
    struct column wanted[TABLE_COLUMNS_MAX];
    size_t n =
        choices->n_columns < TABLE_COLUMNS_MAX ? choices->n_columns : TABLE_COLUMNS_MAX;
    for (size_t i = 0; i < n; i++) {
        wanted[i] = choices->columns[i];
        bool is_named = wanted[i].title[0] != '\0';
        if (is_named && its(view)->columns != 0 && (its(view)->columns & 1u << i) == 0)
            wanted[i].min = wanted[i].max = wanted[i].importance = NEVER;
    }
    return table_layout(wanted, n, x0, width);
}

void chosen_heading(const struct view *view, const struct canvas *canvas, int y,
                    const struct table_layout *layout)
{
    const struct choices *choices = view->klass->choices;
    table_draw_heading(canvas, y, choices->columns, choices->n_columns, layout,
                       choices->orders ? its(view)->order : -2, its(view)->is_reversed);
}

const char *chosen_order_text(const struct view *view, char *text, size_t cap)
{
    const struct chosen *chosen = its(view);
    bool is_usual = chosen->order == 0 && !chosen->is_reversed;
    text[0] = '\0';
    if (!is_usual)
        (void)snprintf(text, cap, "by %s%s", view->klass->choices->orders[chosen->order],
                       chosen->is_reversed ? ", reversed" : "");
    return text;
}
