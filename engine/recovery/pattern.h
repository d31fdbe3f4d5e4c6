/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_PATTERN_H
#define SIGNALBOX_RECOVERY_PATTERN_H

/*
 * Pattern: the rule base that recognises failures in the text of tools.
 *
 * Rules are YAML (signalbox-patterns(5)), each with examples that it must match and, where it
 * matters, texts that it must not match; the shipped base (engine/recovery/patterns/) is
 * compiled into the program, further files come from the configuration. A rule looks at single
 * lines: lines are cut at PATTERN_LINE_MAX bytes, and a match is bounded (PCRE2 match limit), so
 * no text can make it slow. Rules have literals that a line must contain, found for all rules in
 * one pass, so that most lines cost nothing more.
 *
 * Pure but for pattern_builtin, which compiles once (any thread). A base is immutable.
 */

#include <stdbool.h>
#include <stddef.h>

#include "store/recovery.h"

#define PATTERN_LINE_MAX 2000
#define PATTERN_TEXT_MAX (1024 * 1024) /* bytes of one YAML file */
#define PATTERNS_MAX     2000

struct pattern {
    const char *id;   /* "gcc-error": unique in the base */
    const char *tool; /* "gcc": who prints it */
    enum failure_class class_;
    /* How sure a match makes of the class, 0..1: 0.95 says it all, 0.5 is a hint */
    double weight;
    /* Chance that running the same again passes, as far as the text alone tells; NAN unknown */
    double flaky;
    enum severity severity;
    const char *help; /* one line for people: what it means, what usually helps */
};

struct pattern_base;
struct findings;

/* NULL when anything is wrong; then findings ("FILE:LINE: field: what") has a line. */
NODISCARD struct pattern_base *pattern_base_new(const char *file, const char *text,
                                                size_t len, struct findings *findings);
void pattern_base_free(struct pattern_base *base); /* accepts NULL */
/* The shipped rules. */
const struct pattern_base *pattern_builtin(void);
size_t pattern_count(const struct pattern_base *base);
const struct pattern *pattern_at(const struct pattern_base *base, size_t i);

struct pattern_hit {
    const struct pattern *pattern;
    size_t line;    /* number of the line, from 0 */
    size_t at, len; /* the line in the text, without its end */
};

/* All matches, in the order of lines, at most one per line and rule, at most max (the rest is
 * counted only). Returns how many there were. Any bytes. */
size_t pattern_scan(const struct pattern_base *base, const char *text, size_t len,
                    struct pattern_hit *ret_hits, size_t max);
/* Best match of one line by weight; NULL = none. */
const struct pattern *pattern_line(const struct pattern_base *base, const char *line,
                                   size_t len);

#endif
