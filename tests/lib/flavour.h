/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FLAVOUR_H
#define SIGNALBOX_TESTS_FLAVOUR_H

/*
 * Flavour: how much of a long test does this run do?
 *
 * Under a sanitizer or valgrind a simulation takes five to fifty times as long, and what they
 * find shows in a few of its rounds. What needs many of them, the plain run looks for.
 */

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

/* n; or few, in a sanitizer's build and where tests/tools/run_tests wraps its programs. */
#define FEWER(n, few) (IS_SANITIZED || getenv("TEST_WRAP") != NULL ? (few) : (n))

#endif
