/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_FINDINGS_H
#define SIGNALBOX_BASE_FINDINGS_H

/*
 * Findings: every mistake of a file that a person wrote, all at once.
 *
 * One line each: "file:line: field: what is wrong; expected what". Sorted by file as
 * added, then line. Bounded: after FINDINGS_MAX the rest is counted. Field and text may
 * quote the file: findings_add makes them harmless for a terminal (text_clean). The name
 * of the file is kept as it is, and made harmless by finding_format.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/compiler.h"

#define FINDINGS_MAX 200

struct finding {
    char *file;
    int line;    /* 1.. ; 0 = the whole file */
    char *field; /* "validate[1].timeout", "" = none */
    char *text;  /* "'soon' is no duration; expected 90s, 10m, 1h30m" */
};

struct findings {
    struct finding *rows;
    size_t n, n_dropped;
};

void findings_init(struct findings *findings);
void findings_fini(struct findings *findings);
void findings_add(struct findings *findings, const char *file, int line,
                  const char *field, const char *format, ...) PRINTF_LIKE(5, 6);
/* Order the rows from index `from` on by line; rows of one line stay as they were added.
 */
void findings_sort(struct findings *findings, size_t from);
bool findings_is_empty(const struct findings *findings);
/* "file:line: field: text" malloc'd. */
NODISCARD char *finding_format(const struct finding *finding);

#endif
