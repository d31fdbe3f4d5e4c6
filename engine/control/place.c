/* SPDX-License-Identifier: MIT */

/*
 * Place: which workflow a forge's event is about. An index in memory over repository and
 * pull request, head commit or branch, for thousands of events a second; the store pays
 * nothing for it. What a workflow once had stays in the index for a while, so that the
 * last words about a pull request still find the workflow that has just ended.
 *
 * Two workflows of one branch: the newer one is found. Nothing depends on it: an event is a
 * hint to look, and what is not hinted at is found by polling.
 */

#include <ctype.h>

#include "engine/base/mem.h"
#include "engine/control/control_private.h"

#define PLACES_SPARE 100000 /* of workflows that have ended */

enum { BY_PULL, BY_SHA, BY_BRANCH };

static uint64_t mix(uint64_t hash, const char *text, bool is_folded)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        hash = (hash ^ (is_folded ? (uint64_t)tolower(*p) : *p)) * 0x100000001b3u;
    }
    return (hash ^ 0xff) * 0x100000001b3u; /* no byte of UTF-8 */
}

/* Names of owners and repositories are the same in any case (docs.github.com). */
static int64_t key_of(const char *repo, int by, const char *value)
{
    uint64_t hash = mix(0xcbf29ce484222325u + (uint64_t)by, repo, true);
    hash = mix(hash, value, false) >> 1;
    return hash != 0 ? (int64_t)hash : 1;
}

static int64_t pull_key(const char *repo, int64_t pull)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "%lld", (long long)pull);
    return key_of(repo, BY_PULL, number);
}

static void put(struct control *control, int64_t key, int64_t id)
{
    void *value = (void *)(intptr_t)id; // NOLINT(performance-no-int-to-ptr): a number
    idmap_put(&control->places, key, value);
}

static void put_keys(struct control *control, const struct live *live)
{
    for (size_t i = 0; i < ARRAY_LEN(live->place_keys); i++) {
        if (live->place_keys[i] != 0) {
            put(control, live->place_keys[i], live->workflow->row.id);
        }
    }
}

/* The index forgets those who have ended. */
static void thin_out(struct control *control)
{
    size_t iter = 0;
    const struct live *live;
    idmap_fini(&control->places);
    control->places = (struct idmap){0};
    while ((live = idmap_next(&control->live, &iter)) != NULL) {
        put_keys(control, live);
    }
}

void place_settle(struct control *control, struct live *live)
{
    const struct workflow_row *row = &live->workflow->row;
    if (!pipeline_is_remote(live->workflow->pipeline)) {
        return;
    }
    int64_t keys[] = {
        row->pr_number > 0 ? pull_key(row->repo, row->pr_number) : 0,
        row->head_sha[0] != '\0' ? key_of(row->repo, BY_SHA, row->head_sha) : 0,
        row->branch[0] != '\0' ? key_of(row->repo, BY_BRANCH, row->branch) : 0,
    };
    if (memcmp(keys, live->place_keys, sizeof(keys)) == 0) {
        return;
    }
    memcpy(live->place_keys, keys, sizeof(keys));
    if (control->places.n > control->live.n * 4 + PLACES_SPARE) {
        thin_out(control);
    }
    put_keys(control, live);
}

static int64_t look_up(const struct control *control, int64_t key)
{
    return (int64_t)(intptr_t)idmap_get(&control->places, key);
}

int64_t place_find(const struct control *control, const char *repo, int64_t pull,
                   const char *sha, const char *branch)
{
    int64_t id = pull > 0 ? look_up(control, pull_key(repo, pull)) : 0;
    if (id == 0 && sha[0] != '\0') {
        id = look_up(control, key_of(repo, BY_SHA, sha));
    }
    if (id == 0 && branch[0] != '\0') {
        id = look_up(control, key_of(repo, BY_BRANCH, branch));
    }
    return id;
}

void place_fini(struct control *control)
{
    idmap_fini(&control->places);
}
