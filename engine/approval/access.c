/* SPDX-License-Identifier: MIT */
#include "engine/approval/access.h"

#include <stdio.h>
#include <string.h>

#include "engine/control/verb.h"

static const char *const words_of_roles[] = {
#define X(id, word, help) word,
    USER_ROLE_LIST(X)
#undef X
};
static const char *const helps_of_roles[] = {
#define X(id, word, help) help,
    USER_ROLE_LIST(X)
#undef X
};
static const char *const origin_words[] = {
#define X(id, word, help) word,
    ORIGIN_LIST(X)
#undef X
};

const char *user_role_word(enum user_role role)
{
    return (unsigned)role < USER_ROLE_COUNT ? words_of_roles[role] : "?";
}

const char *user_role_help(enum user_role role)
{
    return (unsigned)role < USER_ROLE_COUNT ? helps_of_roles[role] : "?";
}

bool user_role_find(const char *word, enum user_role *ret_role)
{
    for (int i = 0; i < USER_ROLE_COUNT; i++) {
        if (strcmp(words_of_roles[i], word) == 0) {
            *ret_role = (enum user_role)i;
            return true;
        }
    }
    return false;
}

const char *origin_word(enum origin origin)
{
    return (unsigned)origin < ORIGIN_COUNT ? origin_words[origin] : "?";
}

bool origin_find(const char *word, enum origin *ret_origin)
{
    for (int i = 0; i < ORIGIN_COUNT; i++) {
        if (strcmp(origin_words[i], word) == 0) {
            *ret_origin = (enum origin)i;
            return true;
        }
    }
    return false;
}

bool access_is_configured(const struct access_spec *spec)
{
    for (int role = USER_OBSERVER; role < USER_ROLE_COUNT; role++) {
        if (spec->roles[role].n_users + spec->roles[role].n_groups > 0) {
            return true;
        }
    }
    return false;
}

static bool has_user(const struct role_members *members, const char *user)
{
    for (size_t i = 0; i < members->n_users; i++) {
        if (strcmp(members->users[i], "*") == 0 || strcmp(members->users[i], user) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_group(const struct role_members *members, const char *const *groups,
                      size_t n)
{
    for (size_t i = 0; i < members->n_groups; i++) {
        for (size_t k = 0; k < n; k++) {
            if (strcmp(members->groups[i], groups[k]) == 0) {
                return true;
            }
        }
    }
    return false;
}

enum user_role access_role(const struct access_spec *spec, const char *user,
                           const char *const *groups, size_t n_groups)
{
    for (int role = USER_ADMIN; role > USER_NONE; role--) {
        if (has_user(&spec->roles[role], user) ||
            has_group(&spec->roles[role], groups, n_groups)) {
            return (enum user_role)role;
        }
    }
    return USER_NONE;
}

bool access_allows(const struct verb *verb, enum user_role role, const char *actor,
                   char ret_why[ACCESS_TEXT_MAX])
{
    ret_why[0] = '\0';
    if (role >= verb->role) {
        return true;
    }
    (void)snprintf(ret_why, ACCESS_TEXT_MAX, "%.60s is %s; %s needs %s", actor,
                   user_role_word(role), verb->name, user_role_word(verb->role));
    return false;
}

bool access_reads_only(const struct verb *verb, char ret_why[ACCESS_TEXT_MAX])
{
    ret_why[0] = '\0';
    if (verb->changes) {
        (void)snprintf(ret_why, ACCESS_TEXT_MAX, "%s: refused, read-only", verb->name);
    }
    return !verb->changes;
}
