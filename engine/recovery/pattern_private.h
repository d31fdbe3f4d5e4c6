/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_PATTERN_PRIVATE_H
#define SIGNALBOX_RECOVERY_PATTERN_PRIVATE_H

/* What pattern.c (bases, search) and pattern_file.c (the YAML of rules) share. */

#include <stdint.h>

#include "engine/base/mem.h"
#include "engine/base/regex.h"
#include "engine/recovery/literal.h"
#include "engine/recovery/pattern.h"

struct rule {
    struct pattern pattern; /* texts in the base's arena */
    struct regex *regex;    /* owned */
    struct literals *literals;
    size_t file; /* number of the file that it comes from */
};

struct pattern_base {
    struct arena *arena;
    struct rule *rules;
    size_t n, cap;
    struct finder *finder;
};

/* Adds the rules of a file; what is wrong becomes findings, and is left out. */
void pattern_file_read(struct pattern_base *base, size_t number, const char *file,
                       const char *text, size_t len, struct findings *findings);

#endif
