/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_PROBLEM_H
#define SIGNALBOX_RECOVERY_PROBLEM_H

/*
 * Problem: failures of one cause are one problem with one recovery, not a hundred.
 *
 * The book keeps the failures of the last hours by cause and by fingerprint. Failures of
 * PROBLEM_WORKFLOWS or more different workflows within PROBLEM_WINDOW that share a cause node
 * below the change (a service, a host resource, the base branch) or a fingerprint that is not the
 * change's own fault, are one problem: it opens, further ones join it, and it closes when nothing
 * of it was seen for PROBLEM_QUIET and something that depends on the cause has passed.
 * While a problem is open a storm limit holds: at most STORM_TRIES workflows try at once (they
 * are its scouts), the others wait; when a scout passes, the rest goes on, a few first.
 *
 * Pure, bounded (PROBLEM_FAILURES failures, PROBLEMS_OPEN problems), saved and loaded exactly.
 */

#include "engine/base/buf.h"
#include "store/recovery.h"

#define PROBLEM_WORKFLOWS 4
#define PROBLEM_WINDOW    span_s(600)
#define PROBLEM_QUIET     span_s(900)
#define PROBLEM_FAILURES  4096
#define PROBLEMS_OPEN     64
#define STORM_TRIES       2

struct problem_book;
NODISCARD struct problem_book *problem_book_new(void);
void problem_book_free(struct problem_book *book); /* accepts NULL */

struct problem_failure {
    int64_t failure, workflow;
    const char *cause; /* node; "change" when it is the change's own */
    enum failure_class class_;
    const char *fingerprint;
    enum severity severity;
    const char *text;
    struct wall at;
};
/* ret_problem: that it belongs to as it is now (id 0: none; id -1: a new one, tell its number with
 * problem_number). Strings borrowed from the book until the next call. */
void problem_add(struct problem_book *book, const struct problem_failure *failure,
                 struct problem_row *ret_problem);
void problem_number(struct problem_book *book, int64_t id);
/* Something that depends on this node passed. Returns the number of problems of it that may let
 * others go on; *ret_ids of at most max. */
size_t problem_passed(struct problem_book *book, const char *node, struct wall at,
                      int64_t *ret_ids, size_t max);
/* May this workflow try something of this problem now, or does it wait? Counts it as a scout when
 * it may; problem_tried when its try is over. */
bool problem_admit(struct problem_book *book, int64_t problem, int64_t workflow,
                   struct wall now);
void problem_tried(struct problem_book *book, int64_t problem, int64_t workflow,
                   bool has_passed, struct wall now);
/* Closed since the last call: rows with closed_at. */
size_t problem_tick(struct problem_book *book, struct wall now,
                    struct problem_row *ret_rows, size_t max);
struct wall problem_wake_at(const struct problem_book *book); /* unset: never */
const struct problem_row *problem_find(const struct problem_book *book,
                                       int64_t id); /* open; NULL */
void problem_set(struct problem_book *book, int64_t id,
                 enum rung rung); /* what is done about it */
void problem_save(const struct problem_book *book, struct buf *out);
NODISCARD bool problem_load(struct problem_book *book, const void *data, size_t len);

#endif
