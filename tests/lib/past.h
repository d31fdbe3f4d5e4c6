/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_PAST_H
#define SIGNALBOX_TESTS_PAST_H

/*
 * Past, for tests: a book of what a store was after each commit, table by table, to be held
 * against what store/past.h says later that it was.
 */

#include <stddef.h>

#include "engine/base/clock.h"

struct past_book;

struct past_book *past_book_new(void);
void past_book_free(struct past_book *book); /* accepts NULL */
/* The store as it is now, after a commit at `now`. */
void past_book_note(struct past_book *book, const char *path, struct wall now);
/* Each noted moment, or of all of them `max` spread evenly, by its newest event and by its
 * time, read as it was: "" when they are what was noted, else the first difference, for
 * people. *ret_n grows by the moments that were right. */
const char *past_book_check(struct past_book *book, const char *path, size_t max,
                            size_t *ret_n);

#endif
