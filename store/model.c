/* SPDX-License-Identifier: MIT */
#include "store/model.h"

#include <strings.h>

static const struct {
    const char *name, *brief, *help;
} states[] = {
#define X(id, name, brief, help) [id] = {name, brief, help},
    STATE_LIST(X)
#undef X
};

static const struct {
    const char *word;
    bool needs_human;
} waits[] = {
#define X(id, word, human, help) [id] = {word, human},
    WAIT_LIST(X)
#undef X
};

static const struct {
    const char *name, *port;
} effects[] = {
#define X(id, name, port, help) [id] = {name, port},
    EFFECT_LIST(X)
#undef X
};

static const char *const statuses[] = {
#define X(id, name, help) [id] = name,
    STATUS_LIST(X)
#undef X
};

static const char *const docs[] = {
#define X(id, name, help) [id] = name,
    DOC_LIST(X)
#undef X
};

/* A number that a newer program wrote is shown as "?", never read past the end. */
const char *state_name(enum workflow_state state)
{
    return (unsigned)state < STATE_COUNT ? states[state].name : "?";
}

const char *state_brief(enum workflow_state state)
{
    return (unsigned)state < STATE_COUNT ? states[state].brief : "?";
}

const char *state_help(enum workflow_state state)
{
    return (unsigned)state < STATE_COUNT ? states[state].help : "";
}

bool state_find(const char *name, enum workflow_state *ret_state)
{
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        if (strcasecmp(states[i].name, name) == 0) {
            *ret_state = (enum workflow_state)i;
            return true;
        }
    }
    return false;
}

bool state_is_final(enum workflow_state state)
{
    return state == STATE_COMPLETED || state == STATE_FAILED ||
           state == STATE_CANCELLED || state == STATE_ROLLED_BACK;
}

const char *wait_word(enum workflow_wait wait)
{
    return (unsigned)wait < WAIT_COUNT ? waits[wait].word : "?";
}

bool wait_needs_human(enum workflow_wait wait)
{
    return (unsigned)wait < WAIT_COUNT && waits[wait].needs_human;
}

const char *effect_name(enum effect_kind kind)
{
    return (unsigned)kind < EFFECT_COUNT ? effects[kind].name : "?";
}

const char *effect_port(enum effect_kind kind)
{
    return (unsigned)kind < EFFECT_COUNT ? effects[kind].port : "";
}

const char *status_name(enum effect_status status)
{
    return (unsigned)status < STATUS_COUNT ? statuses[status] : "?";
}

const char *doc_name(enum doc_kind doc)
{
    return (unsigned)doc < DOC_COUNT ? docs[doc] : "?";
}

const char *breaker_state_word(enum breaker_state state)
{
    static const char *const words[] = {
#define X(id, word, help) [id] = word,
        BREAKER_LIST(X)
#undef X
    };
    return (unsigned)state < BREAKER_STATE_COUNT ? words[state] : "?";
}

const char *delivery_status_word(enum delivery_status status)
{
    static const char *const words[] = {
#define X(id, word, help) [id] = word,
        DELIVERY_LIST(X)
#undef X
    };
    return (unsigned)status < DELIVERY_STATUS_COUNT ? words[status] : "?";
}
