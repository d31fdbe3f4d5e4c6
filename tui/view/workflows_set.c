/* SPDX-License-Identifier: MIT */
/* Settings of the workflows view, for saved views; see workflows.c. */
#include "engine/base/text.h"
#include "tui/view/workflows_impl.h"

static struct workflows *list_of(struct view *view)
{
    return (struct workflows *)view;
}

static const struct workflows *its_list(const struct view *view)
{
    return (const struct workflows *)view;
}

static void from_the_start(struct workflows *list)
{
    list->cursor = 0;
    list->screen_row = 0;
    list->is_from_end = false;
}

static void get_filter(const struct view *view, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s", its_list(view)->text);
}

static bool set_filter(struct view *view, const char *value)
{
    struct workflows *list = list_of(view);
    (void)text_clean_into(list->text, sizeof(list->text), value);
    from_the_start(list);
    return true;
}

static void get_state(const struct view *view, char *out, size_t cap)
{
    size_t group = its_list(view)->group;
    (void)snprintf(out, cap, "%s", group > 0 ? state_groups[group].name : "");
}

static bool set_state(struct view *view, const char *value)
{
    for (size_t i = 0; i < N_GROUPS; i++) {
        if (strcmp(state_groups[i].name, value) == 0 || (i == 0 && value[0] == '\0')) {
            list_of(view)->group = i;
            from_the_start(list_of(view));
            return true;
        }
    }
    return false;
}

static void get_sort(const struct view *view, char *out, size_t cap)
{
    const struct workflows *list = its_list(view);
    (void)snprintf(out, cap, "%s%s",
                   list->sort != SORT_ID || list->is_reversed ? sort_word(list->sort)
                                                              : "",
                   list->is_reversed ? " reversed" : "");
}

static bool set_sort(struct view *view, const char *value)
{
    struct workflows *list = list_of(view);
    size_t len = strcspn(value, " ");
    bool is_reversed = strcmp(value + len, " reversed") == 0;
    if (value[len] != '\0' && !is_reversed) {
        return false;
    }
    for (int key = 0; key < SORT_COUNT; key++) {
        const char *word = sort_word((enum sort_key)key);
        bool is_it = strlen(word) == len && strncmp(word, value, len) == 0;
        if (is_it || (key == SORT_ID && len == 0)) {
            list->sort = (enum sort_key)key;
            list->is_reversed = is_reversed;
            from_the_start(list);
            return true;
        }
    }
    return false;
}

static void get_columns(const struct view *view, char *out, size_t cap)
{
    unsigned columns = its_list(view)->columns;
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; workflows_column(i) != NULL && used + 16 < cap; i++) {
        if ((columns & 1u << i) != 0) {
            used += (size_t)snprintf(out + used, cap - used, "%s%s", used > 0 ? " " : "",
                                     workflows_column(i));
        }
    }
}

static unsigned column_bit(const char *name, size_t len)
{
    for (size_t i = 0; workflows_column(i) != NULL; i++) {
        const char *known = workflows_column(i);
        if (len > 0 && strlen(known) == len && strncmp(known, name, len) == 0) {
            return 1u << i;
        }
    }
    return 0;
}

static bool set_columns(struct view *view, const char *value)
{
    unsigned columns = 0;
    for (value += strspn(value, " "); *value != '\0'; value += strspn(value, " ")) {
        size_t len = strcspn(value, " ");
        unsigned bit = column_bit(value, len);
        if (bit == 0) {
            return false;
        }
        columns |= bit;
        value += len;
    }
    list_of(view)->columns = columns;
    return true;
}

const struct view_setting workflows_settings[] = {
    {"filter",    "a text that the rows hold", get_filter, set_filter},
    {"state",
     "all, needs you, running, queued, \"recovering, parked\", failed, completed or "
     "cancelled", get_state, set_state},
    {"sort",           "id, state, age, priority, repo or pipeline, and perhaps reversed behind it",
     get_sort, set_sort},
    {"columns",
     "some of id state step title repo pipeline iteration age left priority reason", get_columns, set_columns},
    {0 },
};

/* Column number i of those that have a name. */
static const char *named_column(size_t i)
{
    for (size_t c = 0; workflows_column(c) != NULL; c++) {
        if (workflows_column(c)[0] != '\0' && i-- == 0) {
            return workflows_column(c);
        }
    }
    return NULL;
}

const char *workflows_value(const struct view *view, const char *name, size_t i)
{
    (void)view;
    if (strcmp(name, "sort") == 0) {
        return i < SORT_COUNT ? sort_word((enum sort_key)i) : NULL;
    }
    if (strcmp(name, "columns") == 0) {
        return named_column(i);
    }
    bool is_state = strcmp(name, "state") == 0;
    return is_state && i < N_GROUPS ? state_groups[i].name : NULL;
}
