/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LIB_WRONG_H
#define SIGNALBOX_TESTS_LIB_WRONG_H

/*
 * Wrong: files of wrong inputs, each beside the exact findings that it must give.
 *
 *   # a comment or the title of a group
 *   <<<<
 *   name: p
 *   >>>>
 *   p:1: agent: missing; expected ...
 *
 * In an input <0A> is the byte of that hexadecimal number, and <EOF> at its end takes the
 * last newline away. `WRONG_UPDATE=1 PROGRAM` writes the files anew, for a look at the
 * difference.
 */

#include <stddef.h>

#include "engine/base/findings.h"

typedef void wrong_parse(const char *file, const char *text, size_t len,
                         struct findings *findings);

/* Run all cases of `path`; ret_n_cases says how many. Fails the cmocka test on a
 * difference and when an input gives no finding at all. */
void wrong_check(const char *path, wrong_parse *parse, size_t *ret_n_cases);

#endif
