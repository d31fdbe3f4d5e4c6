/* SPDX-License-Identifier: MIT */
#include "tui/seen.h"

#include <grp.h>
#include <unistd.h>

#include "engine/base/identity.h"
#include "engine/control/config.h"
#include "engine/control/verb.h"

#define GROUPS_MAX 64

/* By the groups of this process: those of the login session. */
static enum user_role own_role(const struct access_spec *spec)
{
    struct identity who;
    gid_t ids[GROUPS_MAX];
    const char *names[GROUPS_MAX];
    struct group group, *found;
    static char records[GROUPS_MAX][4096];
    size_t n_names = 0;
    int n = getgroups(GROUPS_MAX, ids);
    identity_of_process(&who);
    for (int i = 0; i < n; i++) {
        found = NULL;
        if (getgrgid_r(ids[i], &group, records[n_names], sizeof(records[0]), &found) ==
                0 &&
            found != NULL) {
            names[n_names++] = group.gr_name;
        }
    }
    return access_role(spec, who.actor, names, n_names);
}

static bool may_decide(const struct config *config)
{
    static bool is_known, may; /* only the main thread asks, and the answer stays */
    char why[ACCESS_TEXT_MAX];
    if (!is_known) {
        may = !access_is_configured(&config->access) ||
              access_allows(verb_find(APPROVAL_SEEN), own_role(&config->access), "", why);
        is_known = true;
    }
    return may;
}

bool seen_is_due(const struct config *config, const struct approval_row *row,
                 bool is_read_only)
{
    return !is_read_only && approval_waits(row->status) && !wall_is_set(row->shown_at) &&
           may_decide(config);
}
