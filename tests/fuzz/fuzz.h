/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FUZZ_H
#define SIGNALBOX_TESTS_FUZZ_H

/*
 * Fuzz: what a fuzz target and its promises share.
 *
 * A target takes any bytes, must not crash, and checks what the header of the parser
 * promises with EXPECT, which aborts. clang's libFuzzer or tests/tools/fuzz_replay.c
 * calls it.
 */

#include <stddef.h>
#include <stdint.h>

#define EXPECT(what)                                                                     \
    do {                                                                                 \
        if (!(what)) {                                                                   \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);           \
            abort();                                                                     \
        }                                                                                \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
