/* SPDX-License-Identifier: MIT */
/*
 * Words of the lists of recovery.h.
 */
#include "store/recovery.h"

#include <string.h>

#include "engine/base/compiler.h"

static const struct {
    const char *word;
    enum failure_category category;
    const char *help;
} classes[] = {
#define X(id, word, category, help) [id] = {word, category, help},
    CLASS_LIST(X)
#undef X
};

static const struct {
    const char *word, *strategy, *subject;
    bool needs_approval;
    const char *help;
} rungs[] = {
#define X(id, word, strategy, category, subject, approval, help)                         \
    [id] = {word, strategy, subject, approval, help},
    RUNG_LIST(X)
#undef X
};

const char *class_word(enum failure_class class_)
{
    return (unsigned)class_ < CLASS_COUNT ? classes[class_].word : "?";
}

const char *class_help(enum failure_class class_)
{
    return (unsigned)class_ < CLASS_COUNT ? classes[class_].help : "";
}

enum failure_category class_category(enum failure_class class_)
{
    return (unsigned)class_ < CLASS_COUNT ? classes[class_].category : CATEGORY_WORKFLOW;
}

bool class_find(const char *word, enum failure_class *ret_class)
{
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        if (strcmp(classes[i].word, word) == 0) {
            *ret_class = (enum failure_class)i;
            return true;
        }
    }
    return false;
}

const char *rung_word(enum rung rung)
{
    return (unsigned)rung < RUNG_COUNT ? rungs[rung].word : "?";
}

const char *rung_strategy(enum rung rung)
{
    return (unsigned)rung < RUNG_COUNT ? rungs[rung].strategy : "?";
}

const char *rung_help(enum rung rung)
{
    return (unsigned)rung < RUNG_COUNT ? rungs[rung].help : "";
}

bool rung_is_of_service(enum rung rung)
{
    return (unsigned)rung < RUNG_COUNT && strcmp(rungs[rung].subject, "service") == 0;
}

bool rung_needs_approval(enum rung rung)
{
    return (unsigned)rung < RUNG_COUNT && rungs[rung].needs_approval;
}

bool rung_find(const char *word, enum rung *ret_rung)
{
    for (unsigned i = 0; i < RUNG_COUNT; i++) {
        if (strcmp(rungs[i].word, word) == 0) {
            *ret_rung = (enum rung)i;
            return true;
        }
    }
    return false;
}

#define WORDS(function, type, list, count)                                               \
    const char *function(type value)                                                     \
    {                                                                                    \
        static const char *const words[] = {list(X)};                                    \
        return (unsigned)value < (count) ? words[value] : "?";                           \
    }
#define X(id, word, help) [id] = (word),
WORDS(category_word, enum failure_category, CATEGORY_LIST, CATEGORY_COUNT)
WORDS(failure_status_word, enum failure_status, FAILURE_STATUS_LIST, FAILURE_STATUS_COUNT)
WORDS(recovery_status_word, enum recovery_status, RECOVERY_STATUS_LIST,
      RECOVERY_STATUS_COUNT)
WORDS(decision_word, enum decision_kind, DECISION_LIST, DECISION_KIND_COUNT)
WORDS(decider_word, enum decider, DECIDER_LIST, DECIDER_COUNT)
WORDS(verdict_word, enum verdict, VERDICT_LIST, VERDICT_COUNT)
#undef X
