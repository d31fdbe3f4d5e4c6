/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_PROBLEM_H
#define SIGNALBOX_RECOVERY_PROBLEM_H

/*
 * Problem: failures of one cause are one problem with one recovery, not a hundred.
 *
 * The book keeps the failures of the last PROBLEM_WINDOW and those of open problems. Failures of
 * PROBLEM_WORKFLOWS or more different workflows within the window are one problem when they share
 *   - a cause below the change (a service, an endpoint, a host resource, a repository's base
 *     branch; a step together with its repository), or
 *   - where the cause is unknown: a fingerprint, or
 *   - where it seems to be the change's own fault (cause "change", or class test, compile, lint or
 *     unknown): fingerprint and repository. Changes that break in the very same way did not break it: the
 *     problem's cause is "repo:NAME", its base branch.
 * Further ones join it. So do those of another cause that at least half of its failures may as
 * well mean (problem_failure.also); once more of them name that one, it is the problem's. An unknown
 * cause is replaced by the first that is known. It closes when
 * nothing of it was seen for PROBLEM_QUIET and something that depends on the cause has passed after
 * the last failure, or when nothing at all was heard of it for PROBLEM_STALE.
 *
 * While a problem is open a storm limit holds: at most STORM_TRIES workflows try at once (they
 * are its scouts), the others wait. After scouts that failed there is a pause, SCOUT_PAUSE doubled with
 * each one in a row, at most SCOUT_PAUSE_MAX. When a scout passes, the rest goes on, a few first:
 * each pass doubles how many may try at once, a failed try begins again with STORM_TRIES. A scout of
 * which nothing is heard for SCOUT_TIMEOUT is one no more.
 *
 * Pure, deterministic, bounded (PROBLEM_FAILURES failures, of which the oldest go; PROBLEMS_OPEN
 * problems, beyond which none opens), saved and loaded exactly. Which problems there are does
 * not depend on the order in which failures of one window come. Cost: some 10 us a call.
 */

#include "engine/base/buf.h"
#include "store/recovery.h"

#define PROBLEM_WORKFLOWS 4
#define PROBLEM_WINDOW    span_s(600)
#define PROBLEM_QUIET     span_s(900)
#define PROBLEM_STALE     span_s(4 * 3600)
#define PROBLEM_FAILURES  4096
#define PROBLEMS_OPEN     64
#define PROBLEM_ALSO      2
#define STORM_TRIES       2
#define SCOUT_TIMEOUT     span_s(900)
#define SCOUT_PAUSE       span_s(10)
#define SCOUT_PAUSE_MAX   span_s(120)

struct problem_book;
NODISCARD struct problem_book *problem_book_new(void);
void problem_book_free(struct problem_book *book); /* accepts NULL */

struct problem_failure {
    int64_t failure, workflow;
    const char *cause; /* node; "change" when it is the change's own; "" or "unknown" */
    /* Other nodes of its path that may as well be meant, for what is known grows while it
     * goes wrong ("endpoint:api.github.com" beside "service:github_api"); NULL or "" = none; nothing
     * beside the change or an unknown cause. */
    const char *also[PROBLEM_ALSO];
    const char *repo; /* "" = none */
    enum failure_class class_;
    const char *fingerprint;
    enum severity severity;
    const char *text;
    struct wall at;
};
/* ret_problem: that it belongs to as it is now (id 0: none; id -1: a new one, tell its number with
 * problem_number before anything else). Strings borrowed from the book until the next call. A failure
 * that is told again (its step was tried and failed again) counts once: its problem was seen
 * again, or it is looked at anew with the cause that is known now. */
void problem_add(struct problem_book *book, const struct problem_failure *failure,
                 struct problem_row *ret_problem);
void problem_number(struct problem_book *book, int64_t id);
/* The failures of an open problem that the book still has, oldest first: a new one explains
 * failures that came before. */
size_t problem_members(const struct problem_book *book, int64_t problem,
                       int64_t *ret_failures, size_t max);
/* Something that depends on this node passed (for a repository or a step: the same step).
 * Returns the number of problems of it that may let others go on; *ret_ids of at most max. */
size_t problem_passed(struct problem_book *book, const char *node, struct wall at,
                      int64_t *ret_ids, size_t max);
/* May this workflow try something of this problem now, or does it wait? Counts it as a scout when
 * it may; problem_tried when its try is over, or when it never will be (cancelled). has_passed:
 * it passed, or failed of something else. A problem that is not open lets everybody pass. */
bool problem_admit(struct problem_book *book, int64_t problem, int64_t workflow,
                   struct wall now);
void problem_tried(struct problem_book *book, int64_t problem, int64_t workflow,
                   bool has_passed, struct wall now);
/* How many more may try now; INT_MAX: all. */
int problem_room(const struct problem_book *book, int64_t problem, struct wall now);
/* Closed since the last call: rows with closed_at, strings borrowed until the next call. Those beyond
 * max close with the next. Ends pauses and scouts that are over. */
size_t problem_tick(struct problem_book *book, struct wall now,
                    struct problem_row *ret_rows, size_t max);
/* When problem_tick is due; then problem_room may have grown. Unset: never. */
struct wall problem_wake_at(const struct problem_book *book);
const struct problem_row *problem_find(const struct problem_book *book,
                                       int64_t id); /* open; NULL */
void problem_set(struct problem_book *book, int64_t id,
                 enum rung rung); /* what is done about it */
/* The whole state, the same bytes for the same state. */
void problem_save(const struct problem_book *book, struct buf *out);
/* False: not what was saved; the book is empty then. */
NODISCARD bool problem_load(struct problem_book *book, const void *data, size_t len);

#endif
