/* SPDX-License-Identifier: MIT */

/*
 * The saved form: numbers of variable length and texts with their length, no padding, the same on
 * every machine. What is read is not trusted: a number out of its range or a text that is not clean
 * makes the whole invalid.
 */

#include <limits.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/base/varint.h"
#include "engine/recovery/problem_private.h"

#define FORMAT 1

/* ---- write ----------------------------------------------------------------------------- */

static void put(struct buf *out, int64_t number)
{
    uint8_t bytes[VARINT_MAX];
    (void)buf_add(out, bytes, varint_put(bytes, varint_fold(number)));
}

static void put_key(struct buf *out, uint64_t key)
{
    uint8_t bytes[VARINT_MAX];
    (void)buf_add(out, bytes, varint_put(bytes, key));
}

static void put_text(struct buf *out, const char *text)
{
    put(out, (int64_t)strlen(text));
    (void)buf_str(out, text);
}

static void put_member(struct buf *out, const struct member *member)
{
    put(out, member->failure);
    put(out, member->workflow);
    put(out, member->problem);
    put(out, member->at.ms);
    put_key(out, member->cause);
    put_key(out, member->also);
    put_key(out, member->print);
    put_key(out, member->bare_print);
    put(out, (int64_t)member->class_);
    put(out, (int64_t)member->severity);
    put_text(out, member->fingerprint);
}

static void put_row(struct buf *out, const struct problem_row *row)
{
    put(out, row->id);
    put(out, (int64_t)row->class_);
    put(out, (int64_t)row->severity);
    put(out, (int64_t)row->rung);
    put(out, row->opened_at.ms);
    put(out, row->seen_at.ms);
    put(out, row->n_failures);
    put(out, row->n_workflows);
    put_text(out, row->fingerprint);
}

static void put_problem(struct buf *out, const struct problem *problem)
{
    put_row(out, &problem->row);
    put_text(out, problem->cause);
    put_text(out, problem->text);
    put_key(out, problem->key);
    put_key(out, problem->also);
    put(out, problem->passed_at.ms);
    put(out, problem->pause_until.ms);
    put(out, problem->n_failed);
    put(out, problem->limit);
    put(out, problem->n_scouts);
    for (int i = 0; i < problem->n_scouts; i++) {
        put(out, problem->scouts[i].workflow);
        put(out, problem->scouts[i].since.ms);
    }
}

void problem_save(const struct problem_book *book, struct buf *out)
{
    put(out, FORMAT);
    put(out, book->newest.ms);
    put(out, (int64_t)book->n_members);
    for (size_t i = 0; i < book->n_members; i++) {
        put_member(out, &book->members[i]);
    }
    put(out, (int64_t)book->n_problems);
    for (size_t i = 0; i < book->n_problems; i++) {
        put_problem(out, &book->problems[i]);
    }
}

/* ---- read ------------------------------------------------------------------------------ */

struct source {
    const uint8_t *bytes;
    size_t len;
    bool is_bad;
};

static uint64_t take_key(struct source *source)
{
    uint64_t number = 0;
    size_t used = varint_get(source->bytes, source->len, &number);
    if (source->is_bad || used == 0) {
        source->is_bad = true;
        return 0;
    }
    source->bytes += used;
    source->len -= used;
    return number;
}

static int64_t take(struct source *source, int64_t low, int64_t high)
{
    int64_t number = varint_unfold(take_key(source));
    if (number < low || number > high) {
        source->is_bad = true;
    }
    return source->is_bad ? low : number;
}

/* Moments such that sums with the spans of this module cannot overflow. */
static struct wall take_wall(struct source *source)
{
    return (struct wall){take(source, 0, INT64_MAX / 4)};
}

static bool is_clean(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)text[i] < 0x20 || (uint8_t)text[i] == 0x7F) {
            return false;
        }
    }
    return text_is_utf8(text, len);
}

static void take_text(struct source *source, char *out, size_t cap)
{
    size_t len = (size_t)take(source, 0, (int64_t)cap - 1);
    if (source->is_bad || len > source->len ||
        !is_clean((const char *)source->bytes, len)) {
        source->is_bad = true;
        return;
    }
    memcpy(out, source->bytes, len);
    out[len] = '\0';
    source->bytes += len;
    source->len -= len;
}

static void take_member(struct source *source, struct member *ret_member)
{
    memset(ret_member, 0, sizeof(*ret_member));
    ret_member->failure = take(source, INT64_MIN, INT64_MAX);
    ret_member->workflow = take(source, INT64_MIN, INT64_MAX);
    ret_member->problem = take(source, 0, INT64_MAX);
    ret_member->at = take_wall(source);
    ret_member->cause = take_key(source);
    ret_member->also = take_key(source);
    ret_member->print = take_key(source);
    ret_member->bare_print = take_key(source);
    ret_member->class_ = (enum failure_class)take(source, 0, CLASS_COUNT - 1);
    ret_member->severity = (enum severity)take(source, 0, SEVERITY_COUNT - 1);
    take_text(source, ret_member->fingerprint, sizeof(ret_member->fingerprint));
}

static void take_row(struct source *source, struct problem_row *row)
{
    row->id = take(source, 1, INT64_MAX);
    row->class_ = (enum failure_class)take(source, 0, CLASS_COUNT - 1);
    row->severity = (enum severity)take(source, 0, SEVERITY_COUNT - 1);
    row->rung = (enum rung)take(source, 0, RUNG_COUNT);
    row->opened_at = take_wall(source);
    row->seen_at = take_wall(source);
    row->n_failures = take(source, 0, INT64_MAX / 2);
    row->n_workflows = take(source, 0, INT64_MAX / 2);
    take_text(source, row->fingerprint, sizeof(row->fingerprint));
}

static void take_problem(struct source *source, struct problem *ret_problem)
{
    memset(ret_problem, 0, sizeof(*ret_problem));
    take_row(source, &ret_problem->row);
    take_text(source, ret_problem->cause, sizeof(ret_problem->cause));
    take_text(source, ret_problem->text, sizeof(ret_problem->text));
    ret_problem->key = take_key(source);
    ret_problem->also = take_key(source);
    ret_problem->passed_at = take_wall(source);
    ret_problem->pause_until = take_wall(source);
    ret_problem->n_failed = (int)take(source, 0, INT_MAX);
    ret_problem->limit = (int)take(source, STORM_TRIES, SCOUTS_MAX);
    ret_problem->n_scouts = (int)take(source, 0, SCOUTS_MAX);
    for (int i = 0; i < ret_problem->n_scouts && !source->is_bad; i++) {
        ret_problem->scouts[i].workflow = take(source, INT64_MIN, INT64_MAX);
        ret_problem->scouts[i].since = take_wall(source);
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
    struct source source = {.bytes = data, .len = len};
    memset(book, 0, sizeof(*book));
    if (take(&source, FORMAT, FORMAT) != FORMAT) {
        source.is_bad = true;
    }
    book->newest = take_wall(&source);
    size_t n = (size_t)take(&source, 0, PROBLEM_FAILURES);
    for (size_t i = 0; i < n && !source.is_bad; i++) {
        take_member(&source, &book->members[book->n_members++]);
    }
    n = (size_t)take(&source, 0, PROBLEMS_OPEN);
    for (size_t i = 0; i < n && !source.is_bad; i++) {
        take_problem(&source, &book->problems[book->n_problems++]);
    }
    if (source.is_bad || source.len != 0 || !is_whole(book)) {
        memset(book, 0, sizeof(*book));
        return false;
    }
    return true;
}
