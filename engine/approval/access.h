/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_APPROVAL_ACCESS_H
#define SIGNALBOX_APPROVAL_ACCESS_H

/*
 * Access: who may use which verb, from where. The one gate of keys, palette, command line and
 * network: the front ends ask it to grey out what would be refused, the engine asks it again and
 * is the only judge.
 *
 * Each verb has the least role that may use it (engine/control/verb.h). Roles follow from users and groups
 * of the operating system, as the configuration says, for the person who logged in
 * (engine/base/identity.h); without one, processes of the engine's own user and of root are admins'
 * (who may become either needs no leave to write the store), and everybody else observes.
 *
 *   access:
 *     admin: {users: [ada], groups: [ops-leads]}
 *     approver: {groups: [ops]}
 *     operator: {groups: [dev]}
 *     observer: {users: ["*"]}
 *
 * Who may write the store's file may write whatever row: roles bound people who go through
 * signalbox, file permissions bound the others.
 *
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

/* Least first. X(identifier, word, help) */
#define USER_ROLE_LIST(X)                                                                \
    X(USER_NONE, "nobody", "may not even look")                                          \
    X(USER_OBSERVER, "observer", "sees everything, changes nothing")                     \
    X(USER_OPERATOR, "operator",                                                         \
      "submits, steers workflows, looks after incidents, halts")                         \
    X(USER_APPROVER, "approver",                                                         \
      "decides what waits for a person, releases, changes settings")                     \
    X(USER_ADMIN, "admin", "gives and takes autonomy, decides what is critical")
enum user_role {
#define X(id, word, help) id,
    USER_ROLE_LIST(X)
#undef X
        USER_ROLE_COUNT
};
const char *user_role_word(enum user_role role);
const char *user_role_help(enum user_role role);
NODISCARD bool user_role_find(const char *word, enum user_role *ret_role);

/* Where a command comes from. X(identifier, word, help) */
#define ORIGIN_LIST(X)                                                                   \
    X(ORIGIN_CLI, "cli", "the command line")                                             \
    X(ORIGIN_KEY, "console", "a key of the console")                                     \
    X(ORIGIN_PALETTE, "palette", "the console's palette")                                \
    X(ORIGIN_NETWORK, "network", "the listener")
enum origin {
#define X(id, word, help) id,
    ORIGIN_LIST(X)
#undef X
        ORIGIN_COUNT
};
const char *origin_word(enum origin origin);
NODISCARD bool origin_find(const char *word, enum origin *ret_origin);

/* Users and groups of one role, NULL-terminated by count. */
struct role_members {
    char **users; /* "*" = everybody */
    size_t n_users;
    char **groups;
    size_t n_groups;
};
struct access_spec {
    struct role_members roles[USER_ROLE_COUNT]; /* USER_NONE is unused */
};
/* The highest role that lists the user or one of the groups. */
enum user_role access_role(const struct access_spec *spec, const char *user,
                           const char *const *groups, size_t n_groups);
bool access_is_configured(const struct access_spec *spec);

/* One refusal, the same words on every way: "ada is observer; approve needs approver". */
#define ACCESS_TEXT_MAX 160
struct verb;
NODISCARD bool access_allows(const struct verb *verb, enum user_role role,
                             const char *actor, char ret_why[ACCESS_TEXT_MAX]);
/* The same of a front end that was told to change nothing (--read-only, a token with read_only):
 * "pause: refused, read-only". True: this verb changes nothing. */
NODISCARD bool access_reads_only(const struct verb *verb, char ret_why[ACCESS_TEXT_MAX]);

#endif
