/* SPDX-License-Identifier: MIT */

/* What it costs to understand a failure: 10 MB of a build's log, and logs that are made to be
 * slow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/recovery/classify.h"

#define LOG_BYTES ((size_t)10 * 1000 * 1000)
#define ROUNDS    3

/* Of this thread: what others do at the same time is not counted. */
static int64_t cpu_ns(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at); /* cannot fail */
    return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static char *build_log(size_t *ret_len)
{
    char *log = mem_alloc(LOG_BYTES + 4096);
    size_t len = 0;
    struct rng rng;
    rng_init(&rng, 1);
    while (len < LOG_BYTES) {
        int number = (int)rng_below(&rng, 60);
        switch (rng_below(&rng, 10)) { /* literal formats, as the compiler wants them */
#define LINE(i, text)                                                                    \
    case i:                                                                              \
        len += (size_t)snprintf(log + len, 200, text, number);                           \
        break;
            LINE(0, "  cc   engine/control/part_%d.c\n")
            LINE(1, "ok %d - the sum of two numbers is a number\n")
            LINE(2, "[%d/4096] Building CXX object src/CMakeFiles/core.dir/part.cpp.o\n")
            LINE(3, "2026-01-05T10:00:%d.1234567Z npm http fetch GET 200 "
                    "https://registry.example.org/a 8ms\n")
            LINE(4, "\x1b[32mPASS\x1b[0m src/components/list/list_%d.test.ts (5.12 s)\n")
            LINE(5, "warning: unused variable 'x%d' [-Wunused-variable]\n")
            LINE(6, "\tat org.example.server.Handler.handle(Handler.java:%d)\n")
            LINE(7, "Downloading package-%d.tar.gz (1.2 MB) |########| 100%%\n")
            LINE(8, "test_error_%d (tests.test_errors.ErrorTest) ... ok\n")
#undef LINE
        default:
            log[len++] = '\n';
        }
    }
    len += (size_t)snprintf(log + len, 400,
                            "src/main.c: In function 'main':\n"
                            "src/main.c:12:5: error: 'answer' undeclared (first use in "
                            "this function)\n"
                            "   12 |     answer();\n"
                            "make: *** [Makefile:10: main.o] Error 1\n");
    *ret_len = len;
    return log;
}

static double best_ms(struct classifier *classifier, const char *log, size_t len)
{
    double best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        struct failure_judgement judgement;
        struct failure_input input = {.kind = EFFECT_CHECK,
                                      .status = STATUS_FAILED,
                                      .blame = BLAME_CHANGE,
                                      .exit_status = 2,
                                      .text = log,
                                      .len = len};
        int64_t from = cpu_ns();
        classify(classifier, &input, &judgement);
        double took = (double)(cpu_ns() - from) / 1e6;
        best = took < best ? took : best;
    }
    return best;
}

static void parts(const char *log, size_t len)
{
    struct arena *arena = arena_new();
    struct located lines[LOCATE_LINES];
    static struct pattern_hit hits[1000];
    int64_t from = cpu_ns();
    (void)pattern_scan(pattern_builtin(), log, len, hits, ARRAY_LEN(hits));
    int64_t middle = cpu_ns();
    (void)locate(pattern_builtin(), log, len, arena, lines, LOCATE_LINES);
    printf("classify: of it patterns %.1f ms, locate %.1f ms\n",
           (double)(middle - from) / 1e6, (double)(cpu_ns() - middle) / 1e6);
    arena_free(arena);
}

int main(void)
{
    struct classifier *classifier = classifier_new(NULL);
    size_t len;
    char *log = build_log(&len);
    printf("classify: %.1f ms for a log of 10 MB (goal: below 100)\n",
           best_ms(classifier, log, len));
    parts(log, len);
    (void)memset(log, 'e', LOG_BYTES);
    printf("classify: %.1f ms for one line of 10 MB, ",
           best_ms(classifier, log, LOG_BYTES));
    for (size_t i = 0; i + 12 < LOG_BYTES; i += 12) {
        (void)memcpy(log + i, "error: fail\n", 12);
    }
    printf("%.1f ms for 800,000 lines that say error, ",
           best_ms(classifier, log, LOG_BYTES));
    (void)memset(log, '\n', LOG_BYTES);
    printf("%.1f ms for 10,000,000 empty lines\n", best_ms(classifier, log, LOG_BYTES));
    free(log);
    classifier_free(classifier);
    return 0;
}
