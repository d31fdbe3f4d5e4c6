/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_LITERAL_H
#define SIGNALBOX_RECOVERY_LITERAL_H

/*
 * Literal: texts that a line must hold to match an expression, and all of them found in one pass.
 *
 * literals_of reads a regular expression and gives a set of texts of which every match holds at
 * least one (upper and lower case are the same). It is careful: what it does not understand adds
 * nothing. The finder is the automaton of Aho and Corasick ("Efficient string matching", CACM
 * 18(6), 1975) as one table, so that a byte of text costs one look into it; it finds no text too
 * little, and sometimes one too many, for rare bytes share a column.
 *
 * Threads: a finder is immutable.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"

#define LITERAL_MIN  3  /* shorter ones would be everywhere */
#define LITERAL_MAX  10 /* longer ones would only make the automaton larger */
#define LITERALS_MAX 64 /* of one expression */

struct literal {
    unsigned char text[LITERAL_MAX]; /* lower case */
    uint8_t len;
};
struct literals {
    size_t n;
    struct literal items[LITERALS_MAX];
};

enum literals_result {
    LITERALS_FOUND,
    LITERALS_NONE,   /* nothing of LITERAL_MIN characters is sure to be there */
    LITERALS_UNKNOWN /* the expression uses something that is not understood here */
};
/* The set that is rarest, as far as length tells. */
enum literals_result literals_of(const char *regex, size_t len,
                                 struct literals *ret_literals);

struct finder;
NODISCARD struct finder *finder_new(void);
void finder_free(struct finder *finder); /* accepts NULL */
/* Whoever holds one of these texts is `owner`. False when there are too many texts. */
NODISCARD bool finder_add(struct finder *finder, const struct literals *literals,
                          uint16_t owner);
/* After the last finder_add, before the first finder_search. */
void finder_finish(struct finder *finder);
/* Owners of texts that are in text[0..len), each once, in the order found, at most max. */
size_t finder_search(const struct finder *finder, const char *text, size_t len,
                     uint16_t *ret_owners, size_t max);

#endif
