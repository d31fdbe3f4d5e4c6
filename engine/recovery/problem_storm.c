/* SPDX-License-Identifier: MIT */

/*
 * Who may try while a problem is open, and when it is over.
 */

#include <limits.h>
#include <string.h>

#include "engine/recovery/problem_private.h"

static bool is_over(const struct scout *scout, struct wall now)
{
    return wall_since(now, scout->since).ms >= SCOUT_TIMEOUT.ms;
}

static bool is_paused(const struct problem *problem, struct wall now)
{
    return wall_is_set(problem->pause_until) && now.ms < problem->pause_until.ms;
}

static int room_of(const struct problem *problem, struct wall now)
{
    if (problem->limit >= SCOUTS_MAX) {
        return INT_MAX;
    }
    if (is_paused(problem, now)) {
        return 0;
    }
    int room = problem->limit;
    for (int i = 0; i < problem->n_scouts; i++) {
        room -= !is_over(&problem->scouts[i], now);
    }
    return room > 0 ? room : 0;
}

int problem_room(const struct problem_book *book, int64_t problem, struct wall now)
{
    for (size_t i = 0; i < book->n_problems; i++) {
        if (book->problems[i].row.id == problem) {
            return room_of(&book->problems[i], now);
        }
    }
    return INT_MAX;
}

static void drop_scout(struct problem *problem, int index)
{
    problem->n_scouts--;
    for (int i = index; i < problem->n_scouts; i++) {
        problem->scouts[i] = problem->scouts[i + 1];
    }
    problem->scouts[problem->n_scouts] =
        (struct scout){0}; /* saved states are equal bytes */
}

static int scout_of(const struct problem *problem, int64_t workflow)
{
    for (int i = 0; i < problem->n_scouts; i++) {
        if (problem->scouts[i].workflow == workflow) {
            return i;
        }
    }
    return -1;
}

static void drop_over(struct problem *problem, struct wall now)
{
    for (int i = problem->n_scouts - 1; i >= 0; i--) {
        if (is_over(&problem->scouts[i], now)) {
            drop_scout(problem, i);
        }
    }
}

bool problem_admit(struct problem_book *book, int64_t problem, int64_t workflow,
                   struct wall now)
{
    struct problem *it = problem_of(book, problem);
    if (it == NULL) {
        return true;
    }
    drop_over(it, now);
    if (scout_of(it, workflow) >= 0) {
        return true;
    }
    if (room_of(it, now) == 0) {
        return false;
    }
    if (it->n_scouts < SCOUTS_MAX) {
        it->scouts[it->n_scouts++] = (struct scout){workflow, now};
    }
    return true;
}

static void ease(struct problem *problem, struct wall at)
{
    if (at.ms > problem->passed_at.ms) {
        problem->passed_at = at;
    }
    problem->n_failed = 0;
    problem->pause_until = (struct wall){0};
    problem->limit = problem->limit * 2 < SCOUTS_MAX ? problem->limit * 2 : SCOUTS_MAX;
}

static void tighten(struct problem *problem, struct wall now)
{
    int64_t pause = SCOUT_PAUSE.ms;
    for (int i = 0; i < problem->n_failed && pause < SCOUT_PAUSE_MAX.ms; i++) {
        pause *= 2;
    }
    pause = pause < SCOUT_PAUSE_MAX.ms ? pause : SCOUT_PAUSE_MAX.ms;
    problem->n_failed += problem->n_failed < INT_MAX;
    problem->limit = STORM_TRIES;
    problem->pause_until = wall_add(now, (struct span){pause});
}

void problem_tried(struct problem_book *book, int64_t problem, int64_t workflow,
                   bool has_passed, struct wall now)
{
    struct problem *it = problem_of(book, problem);
    if (it == NULL) {
        return;
    }
    int scout = scout_of(it, workflow);
    if (scout >= 0) {
        drop_scout(it, scout);
    }
    if (has_passed) {
        ease(it, now);
    } else if (scout >= 0 || it->limit >= SCOUTS_MAX) {
        tighten(it, now); /* who was on the way before it began says nothing new */
    }
}

size_t problem_passed(struct problem_book *book, const char *node, struct wall at,
                      int64_t *ret_ids, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < book->n_problems; i++) {
        struct problem *problem = &book->problems[i];
        if (strcmp(problem->cause, node) == 0) {
            ease(problem, at);
            if (n < max) {
                ret_ids[n++] = problem->row.id;
            }
        }
    }
    return n;
}

/* ---- the end --------------------------------------------------------------------------- */

/* When it closes if nothing more is heard. */
static struct wall end_of(const struct problem *problem)
{
    struct wall seen = problem->row.seen_at;
    struct wall heard = problem->passed_at.ms > seen.ms ? problem->passed_at : seen;
    bool has_passed = wall_is_set(problem->passed_at) && problem->passed_at.ms >= seen.ms;
    return has_passed ? wall_add(seen, PROBLEM_QUIET) : wall_add(heard, PROBLEM_STALE);
}

static void close_problem(struct problem_book *book, size_t index, struct wall now)
{
    struct problem *closed = &book->closed[book->n_closed++];
    *closed = book->problems[index];
    closed->row.closed_at = now;
    problem_tie(closed);
    for (size_t i = 0; i < book->n_members; i++) {
        if (book->members[i].problem == closed->row.id) {
            book->members[i].problem = 0;
        }
    }
    book->n_problems--;
    for (size_t i = index; i < book->n_problems; i++) {
        book->problems[i] = book->problems[i + 1];
        problem_tie(&book->problems[i]);
    }
}

size_t problem_tick(struct problem_book *book, struct wall now,
                    struct problem_row *ret_rows, size_t max)
{
    size_t n = 0;
    book->n_closed = 0;
    for (size_t i = book->n_problems; i > 0; i--) {
        struct problem *problem = &book->problems[i - 1];
        drop_over(problem, now);
        if (!is_paused(problem, now)) {
            problem->pause_until = (struct wall){0};
        }
        if (now.ms >= end_of(problem).ms && n < max) {
            close_problem(book, i - 1, now);
            ret_rows[n++] = book->closed[book->n_closed - 1].row;
        }
    }
    return n;
}

static struct wall sooner(struct wall a, struct wall b)
{
    return !wall_is_set(a) || (wall_is_set(b) && b.ms < a.ms) ? b : a;
}

struct wall problem_wake_at(const struct problem_book *book)
{
    struct wall wake = {0};
    for (size_t i = 0; i < book->n_problems; i++) {
        const struct problem *problem = &book->problems[i];
        wake = sooner(wake, end_of(problem));
        wake = sooner(wake, problem->pause_until);
        for (int k = 0; k < problem->n_scouts; k++) {
            wake = sooner(wake, wall_add(problem->scouts[k].since, SCOUT_TIMEOUT));
        }
    }
    return wake;
}
