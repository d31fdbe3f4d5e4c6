/* SPDX-License-Identifier: MIT */
#include "tui/action.h"

struct action_row {
    const char *name, *word, *verb, *help;
};
struct context_row {
    const char *name, *help;
};

static const struct action_row actions[ACTION_COUNT] = {
#define X(id, name, word, verb, help) [id] = {name, word, verb, help},
    ACTION_LIST(X)
#undef X
};

static const struct context_row contexts[CONTEXT_COUNT] = {
#define X(id, name, help) [id] = {name, help},
    CONTEXT_LIST(X)
#undef X
};

const char *action_name(enum action action)
{
    return actions[action].name;
}

const char *action_word(enum action action)
{
    return actions[action].word;
}

const char *action_verb(enum action action)
{
    return actions[action].verb;
}

const char *action_help(enum action action)
{
    return actions[action].help;
}

bool action_find(const char *name, enum action *ret_action)
{
    for (int i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(actions[i].name, name) == 0) {
            *ret_action = (enum action)i;
            return true;
        }
    }
    return false;
}

const char *context_name(enum context context)
{
    return contexts[context].name;
}

const char *context_help(enum context context)
{
    return contexts[context].help;
}

bool context_find(const char *name, enum context *ret_context)
{
    for (int i = 0; i < CONTEXT_COUNT; i++) {
        if (strcmp(contexts[i].name, name) == 0) {
            *ret_context = (enum context)i;
            return true;
        }
    }
    return false;
}
