/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_REGEX_H
#define SIGNALBOX_BASE_REGEX_H

/*
 * Regex: regular expressions with a bound on each match (PCRE2's only user).
 *
 * Syntax as in pcre2pattern(3), over bytes: no UTF mode, so that any text can be matched and a
 * character beyond ASCII is the sequence of its bytes. Compiled to machine code where the
 * library can (JIT), interpreted elsewhere; both count their steps and give up at REGEX_STEPS
 * (pcre2api(3), match limit), so that no expression and no text takes longer than some tenths of
 * a millisecond; the interpreter's memory is bounded as well.
 *
 * Threads: a struct regex is immutable and may be used by many threads at once; each caller has
 * its own struct regex_room.
 */

#include "engine/base/err.h"

#define REGEX_TEXT_MAX 1000  /* bytes of an expression */
#define REGEX_STEPS    20000 /* of one match */

struct regex;
/* Expected failure: ERR_CONFIG, with what is wrong and where. */
NODISCARD struct regex *regex_new(const char *text, size_t len, struct err *err);
void regex_free(struct regex *regex); /* accepts NULL */

/* What matching needs beside the expression. */
struct regex_room;
NODISCARD struct regex_room *regex_room_new(void);
void regex_room_free(struct regex_room *room); /* accepts NULL */

enum regex_result { REGEX_NONE, REGEX_FOUND, REGEX_GAVE_UP };
/* Does it match anywhere in text[0..len)? text may be NULL when len is 0. */
enum regex_result regex_match(const struct regex *regex, struct regex_room *room,
                              const char *text, size_t len);

/* Name and version of the library behind it, for a bug report. */
const char *regex_library(void);

#endif
