#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static int n_checks, n_wrong;

#define NEAR(got, want)                                                                       \
    do {                                                                                      \
        double got_ = (got), want_ = (want);                                                  \
        n_checks++;                                                                           \
        if (got_ < want_ - 1e-6 || got_ > want_ + 1e-6) {                                     \
            n_wrong++;                                                                        \
            printf("%s:%d: FAILED: %s is %g, expected %g\n", __FILE__, __LINE__, #got, got_, want_); \
        }                                                                                     \
    } while (0)

#define DONE() (printf("%d checks, %d wrong\n", n_checks, n_wrong), n_wrong > 0)

#endif
