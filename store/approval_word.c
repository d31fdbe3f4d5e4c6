/* SPDX-License-Identifier: MIT */
/*
 * Words of the lists of approval.h.
 */
#include "store/approval.h"

#include <string.h>

#include "engine/base/compiler.h"

static const struct {
    const char *word;
    enum autonomy_level level;
    const char *help;
} acts[] = {
#define X(id, word, level, help) [id] = {word, level, help},
    ACT_LIST(X)
#undef X
};

static const struct {
    const char *word, *confirmation;
} risks[] = {
#define X(id, word, confirmation) [id] = {word, confirmation},
    RISK_LIST(X)
#undef X
};

static const struct {
    const char *word;
    bool waits;
} statuses[] = {
#define X(id, word, waits, help) [id] = {word, waits},
    APPROVAL_LIST(X)
#undef X
};

static const struct {
    const char *word, *help;
} optimizations[] = {
#define X(id, word, help) [id] = {word, help},
    OPTIMIZATION_LIST(X)
#undef X
};

static const struct {
    const char *word;
    bool is_settled;
} optimization_statuses[] = {
#define X(id, word, settled, help) [id] = {word, settled},
    OPT_STATUS_LIST(X)
#undef X
};

static const char *const levels[] = {
#define X(id, word, help) [id] = (word),
    LEVEL_LIST(X)
#undef X
};

static const char *const expiries[] = {
#define X(id, word, help) [id] = (word),
    EXPIRY_LIST(X)
#undef X
};

const char *act_word(enum act action)
{
    return (unsigned)action < ACT_COUNT ? acts[action].word : "?";
}

const char *act_help(enum act action)
{
    return (unsigned)action < ACT_COUNT ? acts[action].help : "";
}

/* Of what is not known, nothing is done without a person. */
enum autonomy_level act_level(enum act action)
{
    return (unsigned)action < ACT_COUNT ? acts[action].level : LEVEL_APPROVE;
}

bool act_find(const char *word, enum act *ret_action)
{
    for (unsigned i = 0; i < ACT_COUNT; i++) {
        if (strcmp(acts[i].word, word) == 0) {
            *ret_action = (enum act)i;
            return true;
        }
    }
    return false;
}

const char *level_word(enum autonomy_level level)
{
    return (unsigned)level < AUTONOMY_LEVEL_COUNT ? levels[level] : "?";
}

bool level_find(const char *word, enum autonomy_level *ret_level)
{
    for (unsigned i = 0; i < AUTONOMY_LEVEL_COUNT; i++) {
        if (strcmp(levels[i], word) == 0) {
            *ret_level = (enum autonomy_level)i;
            return true;
        }
    }
    return false;
}

const char *risk_word(enum risk risk)
{
    return (unsigned)risk < RISK_COUNT ? risks[risk].word : "?";
}

const char *risk_confirmation(enum risk risk)
{
    return (unsigned)risk < RISK_COUNT ? risks[risk].confirmation : "?";
}

bool risk_find(const char *word, enum risk *ret_risk)
{
    for (unsigned i = 0; i < RISK_COUNT; i++) {
        if (strcmp(risks[i].word, word) == 0) {
            *ret_risk = (enum risk)i;
            return true;
        }
    }
    return false;
}

const char *approval_status_word(enum approval_status status)
{
    return (unsigned)status < APPROVAL_STATUS_COUNT ? statuses[status].word : "?";
}

bool approval_waits(enum approval_status status)
{
    return (unsigned)status < APPROVAL_STATUS_COUNT && statuses[status].waits;
}

const char *expiry_word(enum expiry expiry)
{
    return (unsigned)expiry < EXPIRY_COUNT ? expiries[expiry] : "?";
}

const char *optimization_word(enum optimization_kind kind)
{
    return (unsigned)kind < OPTIMIZATION_KIND_COUNT ? optimizations[kind].word : "?";
}

const char *optimization_help(enum optimization_kind kind)
{
    return (unsigned)kind < OPTIMIZATION_KIND_COUNT ? optimizations[kind].help : "";
}

bool optimization_find(const char *word, enum optimization_kind *ret_kind)
{
    for (unsigned i = 0; i < OPTIMIZATION_KIND_COUNT; i++) {
        if (strcmp(optimizations[i].word, word) == 0) {
            *ret_kind = (enum optimization_kind)i;
            return true;
        }
    }
    return false;
}

const char *optimization_status_word(enum optimization_status status)
{
    return (unsigned)status < OPT_STATUS_COUNT ? optimization_statuses[status].word : "?";
}

bool optimization_is_settled(enum optimization_status status)
{
    return (unsigned)status < OPT_STATUS_COUNT &&
           optimization_statuses[status].is_settled;
}
