/* SPDX-License-Identifier: MIT */

/* The saved form (engine/base/blob.h): all of it or nothing. */

#include <limits.h>
#include <string.h>

#include "engine/base/blob.h"
#include "engine/recovery/problem_private.h"

#define FORMAT 2

/* ---- write ----------------------------------------------------------------------------- */

static void put_member(struct buf *out, const struct member *member)
{
    blob_put(out, member->failure);
    blob_put(out, member->workflow);
    blob_put(out, member->problem);
    blob_put(out, member->at.ms);
    blob_put_key(out, member->cause);
    for (size_t i = 0; i < PROBLEM_ALSO; i++) {
        blob_put_key(out, member->also[i]);
    }
    blob_put_key(out, member->print);
    blob_put_key(out, member->bare_print);
    blob_put(out, (int64_t)member->class_);
    blob_put(out, (int64_t)member->severity);
    blob_put_text(out, member->fingerprint);
}

static void put_row(struct buf *out, const struct problem_row *row)
{
    blob_put(out, row->id);
    blob_put(out, (int64_t)row->class_);
    blob_put(out, (int64_t)row->severity);
    blob_put(out, (int64_t)row->rung);
    blob_put(out, row->opened_at.ms);
    blob_put(out, row->seen_at.ms);
    blob_put(out, row->n_failures);
    blob_put(out, row->n_workflows);
    blob_put_text(out, row->fingerprint);
}

static void put_problem(struct buf *out, const struct problem *problem)
{
    put_row(out, &problem->row);
    blob_put_text(out, problem->cause);
    blob_put_text(out, problem->text);
    blob_put_key(out, problem->key);
    blob_put(out, problem->passed_at.ms);
    blob_put(out, problem->pause_until.ms);
    blob_put(out, problem->n_failed);
    blob_put(out, problem->limit);
    blob_put(out, problem->n_scouts);
    for (int i = 0; i < problem->n_scouts; i++) {
        blob_put(out, problem->scouts[i].workflow);
        blob_put(out, problem->scouts[i].since.ms);
    }
}

void problem_save(const struct problem_book *book, struct buf *out)
{
    blob_put(out, FORMAT);
    blob_put(out, book->newest.ms);
    blob_put(out, (int64_t)book->n_members);
    for (size_t i = 0; i < book->n_members; i++) {
        put_member(out, &book->members[i]);
    }
    blob_put(out, (int64_t)book->n_problems);
    for (size_t i = 0; i < book->n_problems; i++) {
        put_problem(out, &book->problems[i]);
    }
}

/* ---- read ------------------------------------------------------------------------------ */

static void take_member(struct blob *blob, struct member *ret_member)
{
    memset(ret_member, 0, sizeof(*ret_member));
    ret_member->failure = blob_take(blob, INT64_MIN, INT64_MAX);
    ret_member->workflow = blob_take(blob, INT64_MIN, INT64_MAX);
    ret_member->problem = blob_take(blob, 0, INT64_MAX);
    ret_member->at = blob_take_wall(blob);
    ret_member->cause = blob_take_key(blob);
    for (size_t i = 0; i < PROBLEM_ALSO; i++) {
        ret_member->also[i] = blob_take_key(blob);
    }
    ret_member->print = blob_take_key(blob);
    ret_member->bare_print = blob_take_key(blob);
    ret_member->class_ = (enum failure_class)blob_take(blob, 0, CLASS_COUNT - 1);
    ret_member->severity = (enum severity)blob_take(blob, 0, SEVERITY_COUNT - 1);
    blob_take_text(blob, ret_member->fingerprint, sizeof(ret_member->fingerprint));
}

static void take_row(struct blob *blob, struct problem_row *row)
{
    row->id = blob_take(blob, 1, INT64_MAX);
    row->class_ = (enum failure_class)blob_take(blob, 0, CLASS_COUNT - 1);
    row->severity = (enum severity)blob_take(blob, 0, SEVERITY_COUNT - 1);
    row->rung = (enum rung)blob_take(blob, 0, RUNG_COUNT);
    row->opened_at = blob_take_wall(blob);
    row->seen_at = blob_take_wall(blob);
    row->n_failures = blob_take(blob, 0, INT64_MAX / 2);
    row->n_workflows = blob_take(blob, 0, INT64_MAX / 2);
    blob_take_text(blob, row->fingerprint, sizeof(row->fingerprint));
}

static void take_problem(struct blob *blob, struct problem *ret_problem)
{
    memset(ret_problem, 0, sizeof(*ret_problem));
    take_row(blob, &ret_problem->row);
    blob_take_text(blob, ret_problem->cause, sizeof(ret_problem->cause));
    blob_take_text(blob, ret_problem->text, sizeof(ret_problem->text));
    ret_problem->key = blob_take_key(blob);
    ret_problem->passed_at = blob_take_wall(blob);
    ret_problem->pause_until = blob_take_wall(blob);
    ret_problem->n_failed = (int)blob_take(blob, 0, INT_MAX);
    ret_problem->limit = (int)blob_take(blob, STORM_TRIES, SCOUTS_MAX);
    ret_problem->n_scouts = (int)blob_take(blob, 0, SCOUTS_MAX);
    for (int i = 0; i < ret_problem->n_scouts && !blob->is_bad; i++) {
        ret_problem->scouts[i].workflow = blob_take(blob, INT64_MIN, INT64_MAX);
        ret_problem->scouts[i].since = blob_take_wall(blob);
    }
    problem_tie(ret_problem);
}

/* Each member's problem is there, and none is there twice. */
static bool is_whole(struct problem_book *book)
{
    for (size_t i = 0; i < book->n_problems; i++) {
        if (problem_of(book, book->problems[i].row.id) != &book->problems[i]) {
            return false;
        }
    }
    for (size_t i = 0; i < book->n_members; i++) {
        if (book->members[i].problem != 0 &&
            problem_of(book, book->members[i].problem) == NULL) {
            return false;
        }
    }
    return true;
}

bool problem_load(struct problem_book *book, const void *data, size_t len)
{
    struct blob blob = {.bytes = data, .len = len};
    memset(book, 0, sizeof(*book));
    if (blob_take(&blob, FORMAT, FORMAT) != FORMAT) {
        blob.is_bad = true;
    }
    book->newest = blob_take_wall(&blob);
    size_t n = (size_t)blob_take(&blob, 0, PROBLEM_FAILURES);
    for (size_t i = 0; i < n && !blob.is_bad; i++) {
        take_member(&blob, &book->members[book->n_members++]);
    }
    n = (size_t)blob_take(&blob, 0, PROBLEMS_OPEN);
    for (size_t i = 0; i < n && !blob.is_bad; i++) {
        take_problem(&blob, &book->problems[book->n_problems++]);
    }
    if (!blob_is_done(&blob) || !is_whole(book)) {
        memset(book, 0, sizeof(*book));
        return false;
    }
    return true;
}
