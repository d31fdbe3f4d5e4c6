/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_PLACE_H
#define SIGNALBOX_TESTS_PLACE_H

/*
 * Place: a fresh folder with a store's path in it, and an arena, for one cmocka test; gone
 * afterwards. Use place_set_up and place_tear_down with cmocka_unit_test_setup_teardown;
 * *state is the struct place.
 */

#include "engine/base/mem.h"
#include "store/store.h"

struct place {
    char *folder, *path; /* path = folder/s.db, not made yet */
    struct arena *arena;
};

int place_set_up(void **state);
int place_tear_down(void **state);

/* These end the test when they fail. */
struct store *place_store(const struct place *place);
struct reader *place_reader(const struct place *place);
void must_commit(struct store *store);

/* A live workflow with something in each field. */
struct workflow_row sample_workflow(int64_t id);

#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)

#endif
