/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_WORDS_H
#define SIGNALBOX_LEARNING_WORDS_H

/*
 * Words: names that come again and again (pipelines, repositories, steps, providers) as small
 * numbers.
 *
 * Word 0 is "", which is also what stands for all names that came after the book was full. Numbers
 * are never given back. Pure; one thread.
 */

#include "engine/base/blob.h"

#define WORDS_MAX 4000
#define WORD_LEN  120 /* bytes of a name that count, with NUL; cut at a whole character */

struct words;
NODISCARD struct words *words_new(void);
void words_free(struct words *words); /* accepts NULL */

/* The number of a name, given now if it is new; of a full book 0. NULL is "". */
uint16_t words_put(struct words *words, const char *name);
/* 0 also when the name is not known. */
uint16_t words_find(const struct words *words, const char *name);
/* Never NULL; borrowed until words_free. */
const char *words_name(const struct words *words, uint16_t word);
size_t words_count(const struct words *words); /* numbers are below it; at least 1 */

void words_save(const struct words *words, struct buf *out);
/* Into an empty book; false when the bytes are none. */
NODISCARD bool words_load(struct words *words, struct blob *blob);

#endif
