/* SPDX-License-Identifier: MIT */

/* What a prediction of failure and duration costs, with its outcome, and how large the models
 * are; the worst step is one in which a tree is grown. */
#include <stdio.h>
#include <time.h>

#include "engine/base/rng.h"
#include "engine/predict/duration.h"
#include "engine/predict/failure.h"

#define RUNS 20000

/* Of this thread: what others do at the same time is not counted. */
static int64_t cpu_ns(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at); /* cannot fail */
    return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static void start(struct failure_model *failure, struct duration_model *duration,
                  struct rng *rng, uint64_t id)
{
    struct failure_context context;
    struct failure_answer answer;
    struct duration_answer takes;
    char branch[32], job[32];
    (void)snprintf(branch, sizeof(branch), "topic-%d", (int)rng_below(rng, 500));
    (void)snprintf(job, sizeof(job), "job-%d", (int)rng_below(rng, 30));
    failure_context_init(&context, id,
                         (struct wall){INT64_C(1700000000000) + (int64_t)id * 60000});
    failure_context_text(&context, "branch", FAILURE_LINE, branch);
    failure_context_text(&context, "job", FAILURE_KIND, job);
    failure_context_text(&context, "agent", FAILURE_KIND, "local");
    for (int i = 0; i < 8; i++) {
        static const char *const names[] = {"churn", "files", "queue", "health",
                                            "load",  "open",  "hour",  "tests"};
        failure_context_number(&context, names[i], i < 2 ? FAILURE_SIZE : FAILURE_NUMBER,
                               (double)rng_below(rng, 200));
    }
    failure_predict(failure, &context, &answer);
    duration_predict(duration, &context, &takes);
}

int main(void)
{
    struct failure_model *failure = failure_new();
    struct duration_model *duration = duration_new();
    struct rng rng;
    int64_t worst = 0, begin = cpu_ns();
    rng_init(&rng, 1);
    for (uint64_t id = 1; id <= RUNS; id++) {
        int64_t from = cpu_ns();
        bool has_failed = rng_below(&rng, 4) == 0;
        start(failure, duration, &rng, id);
        (void)failure_observe(
            failure, id, has_failed,
            (struct wall){INT64_C(1700000000000) + (int64_t)id * 60000});
        (void)duration_observe(duration, id, has_failed,
                               60 + (double)rng_below(&rng, 100)); /* just predicted */
        int64_t took = cpu_ns() - from;
        worst = took > worst ? took : worst;
    }
    double all = (double)(cpu_ns() - begin);
    printf("predict: %.0f us a run with its outcome (goal: well below 1000), worst %.1f "
           "ms\n",
           all / RUNS / 1e3, (double)worst / 1e6);
    printf("predict: %.0f KiB of memory for failures, %.0f KiB for durations, flat\n",
           (double)failure_bytes() / 1024, (double)duration_bytes() / 1024);
    failure_free(failure);
    duration_free(duration);
    return 0;
}
