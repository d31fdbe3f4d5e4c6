/* SPDX-License-Identifier: MIT */
/* Graph and problem book together, as the engine uses them: what an outage of services does to five
 * hundred workflows, with a classifier that errs and evidence that comes late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/recovery/graph.h"
#include "engine/recovery/problem.h"

#define BEGIN     ((int64_t)1800000000000)
#define SECOND    ((int64_t)1000)
#define WORKFLOWS 500
#define SERVICES  3

static const char *const steps[SERVICES] = {"step:code", "step:push", "step:unit tests"};
static const char *const services[SERVICES] = {"service:agent", "service:github",
                                               "service:sandbox"};
static const char *const endpoints[SERVICES] = {
    "endpoint:agent.example", "endpoint:api.github.com", "endpoint:boxes.example"};

struct world {
    struct graph *graph;
    struct problem_book *book;
    struct rng rng;
    int64_t now;
    int64_t n_failed[SERVICES];   /* since the beginning */
    int64_t opened_at[SERVICES];  /* breaker; 0 = closed */
    int64_t noticed_at[SERVICES]; /* anomaly; 0 = none */
    int64_t failures, problems;
};

static void evidence(struct world *world, const char *node, const char *what,
                     double strength, int64_t since)
{
    graph_evidence(world->graph, &(struct graph_evidence){.node = node,
                                                          .what = what,
                                                          .strength = strength,
                                                          .since = {since}});
}

static void draw(struct world *world)
{
    graph_clear(world->graph);
    for (int i = 0; i < SERVICES; i++) {
        graph_edge(world->graph, steps[i], services[i]);
        graph_edge(world->graph, steps[i], "repo:acme/shop");
        graph_edge(world->graph, services[i], endpoints[i]);
        if (world->opened_at[i] != 0) {
            evidence(world, services[i], "breaker open", 0.85, world->opened_at[i]);
        }
        if (world->noticed_at[i] != 0) {
            evidence(world, services[i], "errors up", 0.6, world->noticed_at[i]);
        }
    }
    graph_edge(world->graph, services[2], "host:disk");
    evidence(world, "host:disk", "fills slowly", 0.3, BEGIN - 7200 * SECOND); /* noise */
}

/* A failure of step `at`, told to the book as the engine does. */
static int64_t fails_at(struct world *world, int at, int64_t workflow,
                        enum failure_class class_, const char *print)
{
    struct graph_cause causes[GRAPH_CAUSES];
    struct problem_row row;
    draw(world);
    struct wall now = {world->now};
    size_t n =
        graph_causes(world->graph, steps[at], class_, false, now, causes, GRAPH_CAUSES);
    struct problem_failure failure = {.failure = ++world->failures,
                                      .workflow = workflow,
                                      .cause = causes[0].node,
                                      .repo = "acme/shop",
                                      .class_ = class_,
                                      .fingerprint = print,
                                      .severity = SEVERITY_MEDIUM,
                                      .text = "it failed",
                                      .at = now};
    for (size_t i = 1; i < n && i <= PROBLEM_ALSO; i++) {
        enum node_kind kind = node_kind(causes[i].node);
        bool is_node = kind != NODE_OTHER && kind != NODE_CHANGE;
        bool is_likely = causes[i].weight * 2 >= causes[0].weight;
        failure.also[i - 1] = is_node && is_likely ? causes[i].node : NULL;
    }
    problem_add(world->book, &failure, &row);
    if (row.id == -1) {
        problem_number(world->book, ++world->problems);
        return world->problems;
    }
    return row.id;
}

static void outage(struct world *world, int at, int64_t workflow)
{
    static const enum failure_class classes[] = {
        CLASS_NETWORK, CLASS_NETWORK, CLASS_NETWORK, CLASS_INFRA,  CLASS_INFRA,
        CLASS_TIMEOUT, CLASS_TIMEOUT, CLASS_QUOTA,   CLASS_UNKNOWN};
    static const char *const prints[] = {"00000000000000a1", "00000000000000a2",
                                         "00000000000000a3", "00000000000000a4"};
    enum failure_class class_ = classes[rng_below(&world->rng, ARRAY_LEN(classes))];
    (void)fails_at(world, at, workflow, class_, prints[rng_below(&world->rng, 4)]);
    world->n_failed[at]++;
    if (world->n_failed[at] == 5) {
        world->opened_at[at] = world->now;
    }
    if (world->n_failed[at] == 25) {
        world->noticed_at[at] = world->now - 60 * SECOND;
    }
}

static void own_fault(struct world *world, int64_t workflow)
{
    static const enum failure_class classes[] = {CLASS_TEST, CLASS_TEST, CLASS_COMPILE,
                                                 CLASS_LINT};
    char print[FINGERPRINT_WORD];
    (void)snprintf(print, sizeof(print), "%016llx",
                   (unsigned long long)rng_next(&world->rng));
    assert_int_equal(
        fails_at(world, 2, workflow, classes[rng_below(&world->rng, 4)], print), 0);
}

/* Half an hour; returns how many problems there were. */
static int64_t live(const bool is_down[SERVICES], uint64_t seed)
{
    struct world world = {.graph = graph_new(), .book = problem_book_new()};
    rng_init(&world.rng, seed);
    for (int64_t i = 0; i < WORKFLOWS; i++) {
        world.now = BEGIN + i * 3600;
        int at = (int)rng_below(&world.rng, SERVICES);
        if (is_down[at]) {
            outage(&world, at, i + 1);
        } else if (rng_below(&world.rng, 10) == 0) {
            own_fault(&world, i + 1);
        }
    }
    int64_t explained = 0;
    for (int64_t id = 1; id <= world.problems; id++) {
        const struct problem_row *row = problem_find(world.book, id);
        assert_non_null(row);
        for (int i = 0; i < SERVICES; i++) {
            explained += strcmp(row->cause, services[i]) == 0 ||
                                 strcmp(row->cause, endpoints[i]) == 0
                             ? row->n_failures
                             : 0;
        }
    }
    int64_t all = world.n_failed[0] + world.n_failed[1] + world.n_failed[2];
    assert_true(explained * 100 >= all * 95);
    graph_free(world.graph);
    problem_book_free(world.book);
    return world.problems;
}

static void one_outage_is_one_problem(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        bool is_down[SERVICES] = {seed % 3 == 0, seed % 3 == 1, seed % 3 == 2};
        assert_int_equal(live(is_down, seed), 1);
    }
}

static void two_outages_are_two(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        bool is_down[SERVICES] = {seed % 3 != 0, seed % 3 != 1, seed % 3 != 2};
        assert_int_equal(live(is_down, seed), 2);
    }
}

static void no_outage_is_none(void **state)
{
    (void)state;
    static const bool is_down[SERVICES] = {false, false, false};
    for (uint64_t seed = 0; seed < 60; seed++) {
        assert_int_equal(live(is_down, seed), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_outage_is_one_problem),
        cmocka_unit_test(two_outages_are_two),
        cmocka_unit_test(no_outage_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
