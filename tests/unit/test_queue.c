/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/heap.h"
#include "engine/base/idmap.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/workflow/queue.h"

struct item {
    struct queue_entry entry;
    int64_t id;
};

static struct item make(struct queue *queue, int64_t id, const char *repo, int priority)
{
    (void)queue;
    return (struct item){
        .entry = {.repo = queue_repo(queue, repo), .priority = priority},
          .id = id
    };
}

static int64_t take(struct queue *queue)
{
    struct queue_entry *entry = queue_take(queue);
    return entry != NULL ? HEAP_ITEM(entry, struct item, entry)->id : 0;
}

static void priority_then_age(void **state)
{
    (void)state;
    struct queue *queue = queue_new();
    struct item items[] = {make(queue, 3, "a", 5), make(queue, 1, "a", 5),
                           make(queue, 2, "a", 9), make(queue, 4, "a", 0)};
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        queue_add(queue, &items[i].entry, items[i].id);
    }
    assert_int_equal(queue_len(queue), 4);
    assert_int_equal(take(queue), 2);
    assert_int_equal(take(queue), 1);
    assert_int_equal(take(queue), 3);
    assert_int_equal(take(queue), 4);
    assert_int_equal(take(queue), 0);
    queue_free(queue);
}

/* A repository with a thousand tasks does not starve another with one. */
static void fair_between_repositories(void **state)
{
    (void)state;
    struct queue *queue = queue_new();
    struct item many[10], one = make(queue, 100, "small", 5);
    for (int i = 0; i < 10; i++) {
        many[i] = make(queue, i + 1, "large", 5);
        queue_add(queue, &many[i].entry, i + 1);
    }
    queue_add(queue, &one.entry, 100);
    assert_int_equal(take(queue), 1); /* the oldest, both run nothing */
    queue_count_running(many[0].entry.repo, 1);
    assert_int_equal(take(queue), 100); /* the one that runs less */
    queue_count_running(one.entry.repo, 1);
    assert_int_equal(take(queue), 2);
    queue_free(queue);
}

static void removed_ones_do_not_come(void **state)
{
    (void)state;
    struct queue *queue = queue_new();
    struct item first = make(queue, 1, "a", 5), second = make(queue, 2, "a", 5);
    queue_add(queue, &first.entry, 1);
    queue_add(queue, &second.entry, 2);
    queue_remove(queue, &first.entry);
    queue_remove(queue, &first.entry); /* twice is nothing */
    assert_int_equal(queue_len(queue), 1);
    assert_int_equal(take(queue), 2);
    queue_free(queue);
}

static void heap_gives_the_least(void **state)
{
    (void)state;
    enum { N = 500 };
    struct heap heap = {0};
    struct heap_node nodes[N] = {{0}};
    struct rng rng;
    rng_init(&rng, 7);
    for (int i = 0; i < N; i++) {
        heap_put(&heap, &nodes[i], (int64_t)rng_below(&rng, 100), i);
    }
    for (int i = 0; i < N; i += 3) {
        heap_remove(&heap, &nodes[i]);
    }
    for (int i = 1; i < N; i += 3) {
        heap_put(&heap, &nodes[i], (int64_t)rng_below(&rng, 100), i); /* moved */
    }
    int64_t last_key = -1, last_tie = -1;
    size_t n = 0;
    struct heap_node *node;
    while ((node = heap_first(&heap)) != NULL) {
        assert_true(node->key > last_key ||
                    (node->key == last_key && node->tie > last_tie));
        last_key = node->key;
        last_tie = node->tie;
        heap_remove(&heap, node);
        n++;
    }
    assert_int_equal(n, N - (N + 2) / 3);
    heap_fini(&heap);
}

static void idmap_agrees_with_an_array(void **state)
{
    (void)state;
    enum { N = 300 };
    struct idmap map = {0};
    char marks[N] = {0};
    struct rng rng;
    rng_init(&rng, 11);
    for (int round = 0; round < 20000; round++) {
        int64_t key = 1 + (int64_t)rng_below(&rng, N - 1);
        if (rng_below(&rng, 2) == 0) {
            idmap_put(&map, key, &marks[key]);
            marks[key] = 1;
        } else {
            void *taken = idmap_take(&map, key);
            assert_true(taken == (marks[key] != 0 ? &marks[key] : NULL));
            marks[key] = 0;
        }
    }
    size_t n = 0, iter = 0;
    while (idmap_next(&map, &iter) != NULL) {
        n++;
    }
    assert_int_equal(n, map.n);
    for (int64_t key = 1; key < N; key++) {
        assert_true((idmap_get(&map, key) != NULL) == (marks[key] != 0));
    }
    idmap_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priority_then_age),
        cmocka_unit_test(fair_between_repositories),
        cmocka_unit_test(removed_ones_do_not_come),
        cmocka_unit_test(heap_gives_the_least),
        cmocka_unit_test(idmap_agrees_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
