/* SPDX-License-Identifier: MIT */

/*
 * Roles of users, by the users and groups of the operating system. Looked up at most once a
 * minute for each user: behind it may stand a directory on the network.
 *
 * With a section `access` the person who logged in counts, whichever user the process runs as:
 * two who both came through `sudo -u signalbox` are two, and neither is more than he is. Without
 * one there is nothing that tells people apart, and the user of the process counts: who may become
 * the engine's own user may write its store anyway, and `sudo -u signalbox signalbox approve` works
 * before anything is configured.
 */

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine_private.h"

#define KNOWN_FOR   span_s(60)
#define GROUPS_MAX  256
#define RECORD_MAX  16384
#define NAME_LENGTH 64

static bool is_own_user(const char *actor)
{
    char record[RECORD_MAX];
    struct passwd entry, *found = NULL;
    return strcmp(actor, "root") == 0 ||
           (getpwuid_r(geteuid(), &entry, record, sizeof(record), &found) == 0 &&
            found != NULL && strcmp(found->pw_name, actor) == 0);
}

/* Names of the groups of a user, in `names`; how many. */
static size_t groups_of(const char *actor, char names[GROUPS_MAX][NAME_LENGTH])
{
    char record[RECORD_MAX];
    struct passwd entry, *found = NULL;
    struct group group, *found_group;
    gid_t ids[GROUPS_MAX];
    int n = GROUPS_MAX;
    size_t n_names = 0;
    if (getpwnam_r(actor, &entry, record, sizeof(record), &found) != 0 || found == NULL) {
        return 0;
    }
    if (getgrouplist(actor, found->pw_gid, ids, &n) < 0) {
        n = GROUPS_MAX; /* of more groups, the first ones count */
    }
    for (int i = 0; i < n && i < GROUPS_MAX; i++) {
        found_group = NULL;
        if (getgrgid_r(ids[i], &group, record, sizeof(record), &found_group) == 0 &&
            found_group != NULL) {
            (void)snprintf(names[n_names++], NAME_LENGTH, "%s", found_group->gr_name);
        }
    }
    return n_names;
}

static enum user_role look_up(const struct access_spec *spec, const char *actor,
                              const char *account)
{
    static char names[GROUPS_MAX][NAME_LENGTH]; /* one thread */
    const char *groups[GROUPS_MAX];
    if (!access_is_configured(spec)) {
        const char *runs_as = account[0] != '\0' ? account : actor;
        return is_own_user(runs_as) ? USER_ADMIN : USER_OBSERVER;
    }
    size_t n = groups_of(actor, names);
    for (size_t i = 0; i < n; i++) {
        groups[i] = names[i];
    }
    return access_role(spec, actor, groups, n);
}

enum user_role engine_role(void *user, const char *actor, const char *account,
                           const char *origin)
{
    struct engine *engine = user;
    account = account != NULL ? account : "";
    struct known_role *free_one = &engine->roles[0];
    struct mono now = mono_now();
    (void)origin; /* the same from everywhere */
    for (size_t i = 0; i < ARRAY_LEN(engine->roles); i++) {
        struct known_role *known = &engine->roles[i];
        if (strcmp(known->actor, actor) == 0 && strcmp(known->account, account) == 0 &&
            now.ns - known->at.ns < KNOWN_FOR.ms * 1000000) {
            return known->role;
        }
        free_one = known->at.ns < free_one->at.ns ? known : free_one;
    }
    enum user_role role = look_up(&engine->config->access, actor, account);
    if (strlen(actor) < sizeof(free_one->actor) &&
        strlen(account) < sizeof(free_one->account)) {
        (void)snprintf(free_one->actor, sizeof(free_one->actor), "%s", actor);
        (void)snprintf(free_one->account, sizeof(free_one->account), "%s", account);
        free_one->role = role;
        free_one->at = now;
    }
    return role;
}
