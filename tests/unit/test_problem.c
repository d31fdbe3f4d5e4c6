/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/recovery/problem.h"
#include "tests/lib/flavour.h"

#define BEGIN  ((int64_t)1800000000000)
#define SECOND ((int64_t)1000)
#define PRINT  "00112233445566aa"
#define OTHER  "00112233445566bb"

static struct wall at(int64_t seconds)
{
    return (struct wall){BEGIN + seconds * SECOND};
}

static struct problem_failure failure(int64_t id, const char *cause,
                                      enum failure_class class_, int64_t seconds)
{
    return (struct problem_failure){.failure = id,
                                    .workflow = 1000 + id,
                                    .cause = cause,
                                    .repo = "acme/shop",
                                    .class_ = class_,
                                    .fingerprint = PRINT,
                                    .severity = SEVERITY_MEDIUM,
                                    .text = "connection refused",
                                    .at = at(seconds)};
}

static int64_t next_id;

/* The problem it belongs to; a new one is numbered. */
static int64_t add(struct problem_book *book, const struct problem_failure *failure)
{
    struct problem_row row;
    problem_add(book, failure, &row);
    if (row.id != -1) {
        return row.id;
    }
    problem_number(book, ++next_id);
    return next_id;
}

static int64_t add_plain(struct problem_book *book, int64_t id, const char *cause,
                         enum failure_class class_, int64_t seconds)
{
    struct problem_failure it = failure(id, cause, class_, seconds);
    return add(book, &it);
}

static struct problem_book *fresh(void)
{
    next_id = 0;
    return problem_book_new();
}

static void an_outage_is_one_problem(void **state)
{
    (void)state;
    struct problem_book *book = fresh();
    int64_t members[8];
    for (int i = 1; i < PROBLEM_WORKFLOWS; i++) {
        assert_int_equal(add_plain(book, i, "service:github_api", CLASS_NETWORK, i), 0);
    }
    for (int i = PROBLEM_WORKFLOWS; i <= 500; i++) {
        assert_int_equal(add_plain(book, i, "service:github_api", CLASS_NETWORK, i / 2),
                         1);
    }
    /* The same workflow again, and the same failure told twice. */
    struct problem_failure again = failure(600, "service:github_api", CLASS_INFRA, 250);
    again.workflow = 1001;
    again.severity = SEVERITY_CRITICAL;
    assert_int_equal(add(book, &again), 1);
    assert_int_equal(add(book, &again), 1);
    assert_int_equal(next_id, 1);
    const struct problem_row *row = problem_find(book, 1);
    assert_non_null(row);
    assert_string_equal(row->cause, "service:github_api");
    assert_string_equal(row->text, "connection refused");
    assert_string_equal(row->fingerprint, PRINT);
    assert_int_equal(row->n_failures, 501);
    assert_int_equal(row->n_workflows, 500);
    assert_int_equal(row->severity, SEVERITY_CRITICAL);
    assert_int_equal(row->class_, CLASS_NETWORK);
    assert_int_equal(row->opened_at.ms, at(1).ms);
    assert_int_equal(row->seen_at.ms, at(250).ms);
    assert_int_equal(row->rung, RUNG_COUNT);
    problem_set(book, 1, RUNG_BACKUP);
    assert_int_equal(problem_find(book, 1)->rung, RUNG_BACKUP);
    assert_int_equal(problem_members(book, 1, members, 8), 8);
    assert_int_equal(members[0], 1);
    assert_int_equal(problem_members(book, 2, members, 8), 0);
    problem_book_free(book);
    problem_book_free(NULL);
}

static void two_causes_are_two_problems(void **state)
{
    (void)state;
    struct problem_book *book = fresh();
    for (int i = 1; i <= 100; i++) { /* with the same words */
        (void)add_plain(book, i, i % 2 == 0 ? "service:github_api" : "host:disk",
                        CLASS_NETWORK, i);
    }
    assert_int_equal(next_id, 2);
    assert_int_equal(problem_find(book, 1)->n_failures, 50);
    assert_int_equal(problem_find(book, 2)->n_failures, 50);
    problem_book_free(book);
}

static void own_faults_are_none(void **state)
{
    (void)state;
    static const enum failure_class classes[] = {CLASS_TEST, CLASS_COMPILE, CLASS_LINT,
                                                 CLASS_CRASH};
    struct problem_book *book = fresh();
    char print[FINGERPRINT_WORD];
    char repo[16];
    for (int i = 1; i <= 400; i++) {
        struct problem_failure it = failure(i, "change", classes[i % 4], i);
        (void)snprintf(print, sizeof(print), "%016x", (unsigned)i);
        it.fingerprint = print;
        assert_int_equal(add(book, &it), 0);
    }
    for (int i = 401; i <= 800; i++) { /* the same words, each in another repository */
        struct problem_failure it = failure(i, "change", classes[i % 4], i);
        (void)snprintf(repo, sizeof(repo), "r%d", i);
        it.repo = repo;
        assert_int_equal(add(book, &it), 0);
    }
    for (int i = 801; i <= 900; i++) { /* one workflow, a hundred times */
        struct problem_failure it = failure(i, "service:agent", CLASS_INFRA, i);
        it.workflow = 7;
        assert_int_equal(add(book, &it), 0);
    }
    for (int i = 901; i <= 910; i++) { /* slowly, one in five minutes */
        assert_int_equal(add_plain(book, i, "service:agent", CLASS_INFRA, i * 300), 0);
    }
    problem_book_free(book);
}

static void a_broken_base_branch_is_one(void **state)
{
    (void)state;
    struct problem_book *book = fresh();
    for (int i = 1; i <= 20; i++) {
        (void)add_plain(book, i, "change", CLASS_TEST, i);
    }
    assert_int_equal(next_id, 1);
    assert_string_equal(problem_find(book, 1)->cause, "repo:acme/shop");
    assert_int_equal(problem_find(book, 1)->n_failures, 20);
    /* Another failure of that repository is somebody's own. */
    struct problem_failure own = failure(21, "change", CLASS_TEST, 21);
    own.fingerprint = OTHER;
    assert_int_equal(add(book, &own), 0);
    /* Unless all have it: the base is broken in two ways, and still one problem. */
    for (int i = 22; i <= 25; i++) {
        own = failure(i, "change", CLASS_TEST, i);
        own.fingerprint = OTHER;
        assert_int_equal(add(book, &own), i < 24 ? 0 : 1);
    }
    assert_int_equal(problem_find(book, 1)->n_failures, 25);
    /* And whom the graph blames on it belongs to it. */
    assert_int_equal(add_plain(book, 30, "repo:acme/shop", CLASS_COMPILE, 30), 1);
    problem_book_free(book);
}

static void steps_are_of_their_repository(void **state)
{
    (void)state;
    struct problem_book *book = fresh();
    char repo[16];
    for (int i = 1; i <= 12; i++) {
        struct problem_failure it = failure(i, "step:unit tests", CLASS_FLAKY, i);
        (void)snprintf(repo, sizeof(repo), "r%d", i % 4);
        it.repo = repo;
        assert_int_equal(add(book, &it), 0);
    }
    for (int i = 13; i <= 20; i++) {
        struct problem_failure it = failure(i, "step:unit tests", CLASS_FLAKY, i);
        it.repo = "r1";
        assert_int_equal(add(book, &it), 1);
    }
    assert_string_equal(problem_find(book, 1)->cause, "step:unit tests");
    problem_book_free(book);
}

static void what_is_known_grows(void **state)
{
    (void)state;
    struct problem_book *book = fresh();
    for (int i = 1; i <= 5; i++) {
        (void)add_plain(book, i, "unknown", CLASS_INFRA, i);
    }
    assert_int_equal(next_id, 1);
    assert_string_equal(problem_find(book, 1)->cause, "unknown");
    for (int i = 6; i <= 10; i++) {
        (void)add_plain(book, i, "service:agent", CLASS_INFRA, i);
    }
    assert_string_equal(problem_find(book, 1)->cause, "service:agent");
    for (int i = 11; i <= 20; i++) { /* other cause, same words */
        (void)add_plain(book, i, "service:sandbox", CLASS_INFRA, i);
    }
    assert_int_equal(next_id, 2);
    /* Blamed on the endpoint first, on the service when its breaker has opened. */
    problem_book_free(book);
    book = fresh();
    for (int i = 1; i <= 20; i++) {
        struct problem_failure it =
            failure(i, i < 5 ? "endpoint:api" : "service:api", CLASS_INFRA, i);
        it.also[0] = i < 5 ? "service:api" : "endpoint:api";
        (void)add(book, &it);
    }
    assert_int_equal(next_id, 1);
    assert_string_equal(problem_find(book, 1)->cause, "service:api");
    assert_int_equal(add_plain(book, 21, "service:api", CLASS_INFRA, 21), 1);
    assert_int_equal(add_plain(book, 22, "endpoint:api", CLASS_INFRA, 22), 1);
    assert_int_equal(add_plain(book, 23, "unknown", CLASS_INFRA, 23), 1);
    problem_book_free(book);
    /* Some of unknown cause before: they are its, too. */
    book = fresh();
    for (int i = 1; i <= 7; i++) {
        (void)add_plain(book, i, i < 4 ? "" : "service:agent", CLASS_INFRA, i);
    }
    assert_int_equal(problem_find(book, 1)->n_failures, 7);
    problem_book_free(book);
}

static void the_same_again(void **state)
{
    (void)state;
    struct problem_book *book = fresh();
    for (int i = 1; i <= 6; i++) { /* each of its own, at first */
        struct problem_failure it = failure(i, "change", CLASS_CRASH, i);
        it.fingerprint = "";
        assert_int_equal(add(book, &it), 0);
    }
    for (int i = 1; i <= 6; i++) { /* now the breaker has opened */
        assert_int_equal(add_plain(book, i, "service:agent", CLASS_INFRA, 60 + i) != 0,
                         i >= 4);
    }
    assert_int_equal(problem_find(book, 1)->n_failures, 6);
    assert_int_equal(add_plain(book, 2, "service:agent", CLASS_INFRA, 500), 1);
    assert_int_equal(problem_find(book, 1)->n_failures, 6);
    assert_int_equal(problem_find(book, 1)->seen_at.ms, at(500).ms);
    assert_int_equal(add_plain(book, 2, "service:agent", CLASS_INFRA, 400), 1);
    assert_int_equal(problem_find(book, 1)->seen_at.ms, at(500).ms);
    problem_book_free(book);
}

static void shuffle(struct rng *rng, int *order, int n)
{
    for (int i = 0; i < n; i++) {
        int j = (int)rng_below(rng, (uint64_t)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

static void order_does_not_matter(void **state)
{
    (void)state;
    enum { N = 60 };
    static const char *const causes[] = {"service:agent", "host:disk", "change",
                                         "endpoint:x"};
    struct rng rng;
    rng_init(&rng, 3);
    for (int round = 0; round < 200; round++) {
        struct problem_book *book = fresh();
        int order[N] = {0};
        shuffle(&rng, order, N);
        for (int i = 0; i < N; i++) {
            int id = order[i];
            struct problem_failure it =
                failure(id + 1, causes[id % 4], CLASS_INFRA, id * 9);
            it.also[0] = id % 4 == 0 ? "endpoint:agent" : NULL;
            (void)add(book, &it);
        }
        assert_int_equal(next_id, 4); /* "change": the base branch */
        int64_t sum = 0;
        for (int64_t id = 1; id <= next_id; id++) {
            const struct problem_row *row = problem_find(book, id);
            assert_int_equal(row->n_failures, N / 4);
            assert_int_equal(row->n_workflows, N / 4);
            assert_true(row->opened_at.ms <= at(27).ms);
            sum += row->seen_at.ms - BEGIN;
        }
        assert_int_equal(sum, (56 + 57 + 58 + 59) * 9 * SECOND);
        problem_book_free(book);
    }
}

static struct problem_book *reborn(struct problem_book *book)
{
    AUTO_BUF struct buf blob;
    AUTO_BUF struct buf twice;
    struct problem_book *copy = problem_book_new();
    buf_init(&blob, 1 << 22);
    buf_init(&twice, 1 << 22);
    problem_save(book, &blob);
    assert_true(problem_load(copy, blob.data, blob.len));
    problem_save(copy, &twice);
    assert_int_equal(blob.len, twice.len);
    assert_memory_equal(blob.data, twice.data, blob.len);
    problem_book_free(book);
    return copy;
}

/* ---- storm ----------------------------------------------------------------------------- */

static struct problem_book *in_an_outage(void)
{
    struct problem_book *book = fresh();
    for (int i = 1; i <= 500; i++) {
        (void)add_plain(book, i, "service:github_api", CLASS_NETWORK, 0);
    }
    assert_int_equal(next_id, 1);
    return book;
}

static int admitted(struct problem_book *book, int64_t seconds)
{
    int n = 0;
    for (int i = 1; i <= 500; i++) {
        n += problem_admit(book, 1, 1000 + i, at(seconds));
    }
    return n;
}

static void few_try_first(void **state)
{
    (void)state;
    struct problem_book *book = in_an_outage();
    int64_t ids[4];
    struct problem_row row;
    assert_int_equal(problem_room(book, 1, at(0)), STORM_TRIES);
    assert_int_equal(admitted(book, 0), STORM_TRIES);
    assert_int_equal(admitted(book, 1), STORM_TRIES); /* the same: they may */
    assert_int_equal(problem_room(book, 1, at(1)), 0);
    assert_false(problem_admit(book, 1, 1400, at(1)));
    assert_true(problem_admit(book, 9, 1400, at(1))); /* of no open problem */
    assert_int_equal(problem_room(book, 9, at(1)), INT_MAX);
    /* Both fail: a pause that grows, then two again. */
    problem_tried(book, 1, 1001, false, at(5));
    assert_int_equal(problem_room(book, 1, at(14)), 0);
    problem_tried(book, 1, 1002, false, at(5));
    assert_int_equal(problem_wake_at(book).ms, at(25).ms);
    assert_int_equal(admitted(book, 24), 0);
    assert_int_equal(problem_tick(book, at(25), &row, 1), 0);
    assert_int_equal(problem_room(book, 1, at(25)), STORM_TRIES);
    assert_true(problem_wake_at(book).ms > at(25).ms);
    assert_true(problem_admit(book, 1, 1003, at(25)));
    assert_true(problem_admit(book, 1, 1004, at(25)));
    /* One passes: four, then eight, ... then all. */
    problem_tried(book, 1, 1003, true, at(30));
    assert_int_equal(problem_room(book, 1, at(30)), 3);
    assert_int_equal(admitted(book, 30), 4);
    assert_int_equal(problem_passed(book, "service:github_api", at(31), ids, 4), 1);
    assert_int_equal(ids[0], 1);
    assert_int_equal(problem_passed(book, "service:agent", at(31), ids, 4), 0);
    assert_int_equal(admitted(book, 31), 8);
    for (int i = 0; i < 3; i++) {
        (void)problem_passed(book, "service:github_api", at(32), ids, 4);
    }
    assert_int_equal(admitted(book, 33), 500);
    /* It comes again. */
    problem_tried(book, 1, 1100, false, at(40));
    assert_int_equal(problem_room(book, 1, at(40)), 0);
    problem_book_free(book);
}

static void a_lost_scout_does_not_block(void **state)
{
    (void)state;
    struct problem_book *book = in_an_outage();
    struct problem_row row;
    int64_t limit = SCOUT_TIMEOUT.ms / SECOND;
    assert_int_equal(admitted(book, 0), STORM_TRIES);
    assert_false(problem_admit(book, 1, 1400, at(limit - 1)));
    assert_int_equal(problem_wake_at(book).ms, at(limit).ms);
    assert_int_equal(problem_tick(book, at(limit), &row, 1), 0);
    assert_int_equal(problem_room(book, 1, at(limit)), STORM_TRIES);
    assert_true(problem_admit(book, 1, 1400, at(limit)));
    problem_book_free(book);
}

static void pauses_are_bounded(void **state)
{
    (void)state;
    struct problem_book *book = in_an_outage();
    int64_t now = 0;
    int64_t pause = 0;
    int tries = 0;
    while (now < 3600) { /* an hour, tried as soon as one may */
        struct problem_row row;
        assert_int_equal(problem_tick(book, at(now), &row, 1), 0);
        if (problem_room(book, 1, at(now)) > 0) {
            assert_true(problem_admit(book, 1, 1001 + tries, at(now)));
            problem_tried(book, 1, 1001 + tries, false, at(now));
            tries++;
        }
        (void)add_plain(book, 600 + now, "service:github_api", CLASS_NETWORK, now);
        int64_t wake = (problem_wake_at(book).ms - BEGIN) / SECOND;
        assert_true(wake > now);
        assert_true(wake - now >=
                    pause); /* it grows, and a restart is no new beginning */
        pause = wake - now;
        book = reborn(book);
        assert_true(wake - now <= SCOUT_PAUSE_MAX.ms / SECOND);
        now = wake;
    }
    assert_in_range(tries, 25, 40);
    problem_book_free(book);
}

static void it_closes(void **state)
{
    (void)state;
    struct problem_book *book = in_an_outage();
    struct problem_row rows[2];
    int64_t ids[1];
    int64_t quiet = PROBLEM_QUIET.ms / SECOND;
    int64_t stale = PROBLEM_STALE.ms / SECOND;
    /* Nobody knows whether it is over. */
    assert_int_equal(problem_tick(book, at(quiet + 1), rows, 2), 0);
    (void)problem_passed(book, "service:github_api", at(100), ids, 1);
    (void)add_plain(book, 600, "service:github_api", CLASS_NETWORK, 200);
    assert_int_equal(problem_tick(book, at(200 + quiet), rows, 2), 0); /* it came again */
    (void)problem_passed(book, "service:github_api", at(300), ids, 1);
    assert_int_equal(problem_wake_at(book).ms, at(200 + quiet).ms);
    assert_int_equal(problem_tick(book, at(200 + quiet), rows, 0), 0);
    assert_int_equal(problem_tick(book, at(200 + quiet), rows, 2), 1);
    assert_int_equal(rows[0].id, 1);
    assert_int_equal(rows[0].closed_at.ms, at(200 + quiet).ms);
    assert_string_equal(rows[0].cause, "service:github_api");
    assert_null(problem_find(book, 1));
    assert_false(wall_is_set(problem_wake_at(book)));
    assert_int_equal(problem_tick(book, at(9999), rows, 2), 0);
    /* The next is a new one. */
    for (int i = 1001; i < 1010; i++) {
        (void)add_plain(book, i, "service:github_api", CLASS_NETWORK, 5000);
    }
    assert_int_equal(next_id, 2);
    assert_int_equal(problem_find(book, 2)->n_failures, 9);
    assert_int_equal(problem_tick(book, at(5000 + stale - 1), rows, 2), 0);
    assert_int_equal(problem_tick(book, at(5000 + stale), rows, 2), 1);
    problem_book_free(book);
}

static void bounds(void **state)
{
    (void)state;
    struct problem_book *book = fresh();
    char cause[300];
    struct problem_row rows[PROBLEMS_OPEN];
    for (int i = 0; i < 4 * 100; i++) {
        (void)snprintf(cause, sizeof(cause), "service:%d", i / 4);
        int64_t id = add_plain(book, i + 1, cause, CLASS_INFRA, 0);
        assert_true(id <= PROBLEMS_OPEN);
    }
    assert_int_equal(next_id, PROBLEMS_OPEN);
    for (int i = 0; i < 3 * PROBLEM_FAILURES; i++) {
        assert_int_equal(add_plain(book, 1000 + i, "service:3", CLASS_INFRA, 1), 4);
    }
    memset(cause, 'x', sizeof(cause));
    cause[299] = '\0';
    struct problem_failure it = failure(99999, cause, CLASS_COUNT, 2);
    it.fingerprint = cause;
    it.text = cause;
    (void)add(book, &it);
    assert_int_equal(problem_tick(book, at(9999999), rows, PROBLEMS_OPEN), PROBLEMS_OPEN);
    problem_book_free(book);
}

/* ---- restarts --------------------------------------------------------------------------- */

/* One random thing that can happen; a number that says what came of it. */
static int64_t step(struct problem_book *book, struct rng *rng, int64_t *now)
{
    static const char *const causes[] = {"service:agent", "host:disk", "change",
                                         "endpoint:x",    "unknown",   "step:unit tests"};
    static const char *const prints[] = {PRINT, OTHER, ""};
    struct problem_row rows[4];
    int64_t ids[4];
    int64_t problem = 1 + (int64_t)rng_below(rng, (uint64_t)next_id + 1);
    int64_t workflow = 1 + (int64_t)rng_below(rng, 40);
    *now += (int64_t)rng_below(rng, 90);
    switch (rng_below(rng, 8)) {
    case 0:
        return problem_admit(book, problem, workflow, at(*now));
    case 1:
        problem_tried(book, problem, workflow, rng_below(rng, 2) == 0, at(*now));
        return problem_room(book, problem, at(*now));
    case 2:
        return (int64_t)problem_passed(book, causes[rng_below(rng, 6)], at(*now), ids, 4);
    case 3:
        return (int64_t)problem_tick(book, at(*now), rows, 4) + problem_wake_at(book).ms;
    default:
        break;
    }
    struct problem_failure it =
        failure(1 + *now * 10 + (int64_t)rng_below(rng, 8), causes[rng_below(rng, 6)],
                (enum failure_class)rng_below(rng, CLASS_COUNT), *now);
    it.workflow = workflow;
    it.fingerprint = prints[rng_below(rng, 3)];
    it.also[0] = rng_below(rng, 5) == 0 ? "service:agent" : NULL;
    return add(book, &it);
}

static void restart_equals_never_restarted(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < FEWER(20, 4); seed++) {
        static int64_t said[2][1500];
        for (int run = 0; run < 2; run++) {
            struct problem_book *book = fresh();
            struct rng rng;
            int64_t now = 0;
            rng_init(&rng, seed);
            for (size_t i = 0; i < ARRAY_LEN(said[0]); i++) {
                said[run][i] = step(book, &rng, &now);
                if (run == 1 && i % 7 == 0) {
                    book = reborn(book);
                }
            }
            assert_true(next_id > 1);
            problem_book_free(book);
        }
        assert_memory_equal(said[0], said[1], sizeof(said[0]));
    }
}

static void what_is_damaged_is_not_loaded(void **state)
{
    (void)state;
    struct problem_book *book = in_an_outage();
    AUTO_BUF struct buf blob;
    buf_init(&blob, 1 << 22);
    assert_int_equal(admitted(book, 0), STORM_TRIES);
    problem_save(book, &blob);
    for (size_t len = 0; len < blob.len; len += FEWER(7, 61)) {
        assert_false(problem_load(book, blob.data, len));
    }
    assert_null(problem_find(book, 1));
    (void)buf_char(&blob, 0);
    assert_false(problem_load(book, blob.data, blob.len));
    for (size_t i = 0; i < blob.len; i += FEWER(1, 11)) { /* used without harm */
        blob.data[i] = (char)(blob.data[i] ^ 0x55);
        if (problem_load(book, blob.data, blob.len - 1)) {
            (void)add_plain(book, 7777, "service:github_api", CLASS_NETWORK, 10);
        }
        blob.data[i] = (char)(blob.data[i] ^ 0x55);
    }
    assert_true(problem_load(book, blob.data, blob.len - 1));
    assert_int_equal(problem_find(book, 1)->n_workflows, 500);
    problem_book_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outage_is_one_problem),
        cmocka_unit_test(two_causes_are_two_problems),
        cmocka_unit_test(own_faults_are_none),
        cmocka_unit_test(a_broken_base_branch_is_one),
        cmocka_unit_test(steps_are_of_their_repository),
        cmocka_unit_test(what_is_known_grows),
        cmocka_unit_test(the_same_again),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(few_try_first),
        cmocka_unit_test(a_lost_scout_does_not_block),
        cmocka_unit_test(pauses_are_bounded),
        cmocka_unit_test(it_closes),
        cmocka_unit_test(bounds),
        cmocka_unit_test(restart_equals_never_restarted),
        cmocka_unit_test(what_is_damaged_is_not_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
