/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_PULL_H
#define SIGNALBOX_SERVICE_LOCAL_PULL_H

/*
 * Local pull: records of pull requests in COMMON-DIR/signalbox/.
 *
 *   pull/N.json              the record; made once with link(2), replaced atomically
 *   branch/NAME              symbolic link to ../pull/N.json: the newest one of a branch,
 * with
 *                            '/' in NAME written as %2F. Made before the record, so that
 * an interrupted creation is found again
 *
 * Fields: number, state (open, merged, closed), branch, base, head, title, body, author,
 * workflow, merge, created_at, updated_at (RFC 3339).
 */

#include "engine/service/local_git.h"

struct pull {
    int64_t number;
    char *state, *branch, *base, *head, *title, *body, *author, *workflow, *merge;
    char *created_at, *updated_at;
};

void pull_free(struct pull *pull); /* accepts NULL */
/* Newest pull request of a branch, or NULL: err untouched when there is none. */
NODISCARD struct pull *pull_find(struct git *git, const char *branch, struct err *err);
NODISCARD struct pull *pull_read(struct git *git, int64_t number, struct err *err);
/* Give it the next number that is free in this repository, and store it. */
NODISCARD bool pull_create(struct git *git, struct pull *pull, struct err *err);
/* Store it again, with updated_at set to now. */
NODISCARD bool pull_write(struct git *git, struct pull *pull, struct err *err);

#endif
