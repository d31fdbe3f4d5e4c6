/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FUZZ_FUZZ_H
#define SIGNALBOX_TESTS_FUZZ_FUZZ_H

/*
 * Fuzz: what the targets have in common.
 *
 * A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput. It does not only look for
 * crashes: MUST states what holds for every input. `make fuzz` explores with clang's
 * libFuzzer, beginning with tests/fuzz/corpus/NAME; an input that broke something moves
 * to tests/fuzz/regression/NAME, and both folders are replayed by `make check` with any
 * compiler.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/findings.h"
#include "engine/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : BUG("broken: " #condition))

/* Text that may reach a terminal: UTF-8 without control characters. */
static inline bool is_harmless(const char *text)
{
    for (size_t i = 0, len = strlen(text); i < len;) {
        uint32_t rune = 0;
        size_t used = text_decode(text + i, len - i, &rune);
        if (used == 0 || rune < 0x20 || (rune >= 0x7F && rune < 0xA0) ||
            (rune >= 0x202A && rune <= 0x202E) || (rune >= 0x2066 && rune <= 0x2069)) {
            return false;
        }
        i += used;
    }
    return true;
}

/* What holds for the findings of any file. */
static inline void check_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *row = &findings->rows[i];
        char *line = finding_format(row);
        MUST(row->line >= 0);
        MUST(row->text[0] != '\0');
        MUST(strlen(line) < 4096);
        MUST(is_harmless(line));
        free(line);
    }
}

#endif
