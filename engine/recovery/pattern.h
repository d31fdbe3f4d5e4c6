/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_PATTERN_H
#define SIGNALBOX_RECOVERY_PATTERN_H

/*
 * Pattern: the rule base that recognises failures in the text of tools.
 *
 * Rules are YAML (signalbox-patterns(5)), each with examples that it must match and, where it
 * matters, texts that it must not match; the shipped base (engine/recovery/patterns/) is
 * compiled into the program, further files come from the configuration.
 *
 * A rule looks at single lines as they are meant: escape sequences, what a lone carriage return
 * wrote over, a time at the beginning, and marks of who prints it ("##[error]", the "#12 3.4 " of a
 * container build) are left out, and lines are cut at PATTERN_LINE_MAX bytes, so that ^ is where
 * the tool's own words begin. Rules have literals that a line must hold, found for all rules in
 * one pass (literal.h), so that most lines cost nothing more.
 *
 * Bounded for any text: a match gives up after REGEX_STEPS (regex.h), a rule that gave up
 * PATTERN_GIVE_UPS times is left out for the rest of the text, a line has at most
 * PATTERN_CANDIDATES rules tried, and after PATTERN_BYTES_MAX of tried text only the end of the
 * text (PATTERN_TAIL) is looked at.
 *
 * Pure but for pattern_builtin, which compiles once (any thread; some 50 ms). A base is
 * immutable.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/yaml.h"
#include "store/recovery.h"

#define PATTERN_LINE_MAX   2000
#define PATTERN_TEXT_MAX   YAML_TEXT_MAX /* bytes of one YAML file */
#define PATTERN_ID_MAX     48            /* with the NUL; tool as well */
#define PATTERN_HELP_MAX   200           /* likewise */
#define PATTERNS_MAX       2000          /* of a base */
#define PATTERN_GIVE_UPS   4
#define PATTERN_CANDIDATES 128
#define PATTERN_BYTES_MAX  (64u * 1024 * 1024)
#define PATTERN_TAIL       (64u * 1024)

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

/* The rules of one file. NULL when anything is wrong; then findings ("FILE:LINE: field: what")
 * has a line. */
NODISCARD struct pattern_base *pattern_base_new(const char *file, const char *text,
                                                size_t len, struct findings *findings);
/* Rules of several files, on top of the shipped ones when with_shipped. A rule takes the place of
 * one of an earlier file with the same id; one of weight 0 only takes it away. */
struct pattern_text {
    const char *file, *text;
    size_t len;
};
NODISCARD struct pattern_base *pattern_base_join(const struct pattern_text *texts,
                                                 size_t n, bool with_shipped,
                                                 struct findings *findings);
void pattern_base_free(struct pattern_base *base); /* accepts NULL */
/* The shipped rules. */
const struct pattern_base *pattern_builtin(void);
/* Rules in the order of the files. */
size_t pattern_count(const struct pattern_base *base);
const struct pattern *pattern_at(const struct pattern_base *base, size_t i);
/* By id; NULL when there is none. */
const struct pattern *pattern_find(const struct pattern_base *base, const char *id);

struct pattern_hit {
    const struct pattern *pattern;
    size_t line;    /* number of the line, from 0 */
    size_t at, len; /* the line in the text, without its end */
};

/* All matches, in the order of lines, at most one per line and rule, at most max (the rest is
 * counted only). Returns how many there were. Any bytes. */
size_t pattern_scan(const struct pattern_base *base, const char *text, size_t len,
                    struct pattern_hit *ret_hits, size_t max);
/* Best match of one line by weight, the first of equal ones; NULL = none. */
const struct pattern *pattern_line(const struct pattern_base *base, const char *line,
                                   size_t len);

/* The line as rules see it: a part of it, or of `room` when something had to be left out inside. */
const char *pattern_line_clean(const char *line, size_t len, char room[PATTERN_LINE_MAX],
                               size_t *ret_len);

#endif
