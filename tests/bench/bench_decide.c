/* SPDX-License-Identifier: MIT */

/* What a decision among recoveries costs, with its outcome: by odds alone, and with factors. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/decision/decide.h"

#define ROUNDS    20000
#define N_OPTIONS 8
#define N_FACTORS 12

/* Of this thread: what others do at the same time is not counted. */
static int64_t cpu_ns(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at); /* cannot fail */
    return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static void measure(const char *what, size_t n_factors)
{
    static const char *const names[N_OPTIONS] = {"retry",       "checkpoint", "hand_back",
                                                 "other_agent", "fallback",   "backup",
                                                 "wait",        "escalate"};
    struct decide_settings settings = decide_defaults();
    struct decide *decide = decide_new(&settings);
    struct rng rng;
    int64_t asked = 0, learned = 0;
    rng_init(&rng, 1);
    for (int64_t i = 0; i < ROUNDS; i++) {
        char fingerprint[40], values[N_FACTORS][16];
        struct decide_option options[N_OPTIONS];
        struct decide_factor factors[N_FACTORS];
        struct decide_answer answer;
        memset(options, 0, sizeof(options));
        (void)snprintf(fingerprint, sizeof(fingerprint), "fingerprint:%016x",
                       (unsigned)rng_below(&rng, 200));
        for (int j = 0; j < N_OPTIONS; j++) {
            options[j] =
                (struct decide_option){names[j], j, 0.5, 4, 60, 0.1, 0, NULL, NULL};
        }
        for (int j = 0; j < N_FACTORS; j++) {
            (void)snprintf(values[j], sizeof(values[j]), "%d", (int)rng_below(&rng, 20));
            factors[j] = (struct decide_factor){names[j % N_OPTIONS], values[j], 0};
        }
        struct decide_question question = {
            .levels = {fingerprint, "step:unit tests", "class:test", "all"},
            .n_levels = 4,
            .factors = factors,
            .n_factors = n_factors,
            .options = options,
            .n_options = N_OPTIONS,
            .worth_s = 3600,
            .aversion = 0.5,
            .risk_max = 1,
        };
        struct wall now = {INT64_C(1700000000000) + i * 60000};
        int64_t from = cpu_ns();
        decide_ask(decide, &question, now, &rng, &answer);
        int64_t then = cpu_ns();
        bool has_passed = rng_below(&rng, N_OPTIONS + 2) < (uint64_t)answer.choice + 1;
        decide_learn(decide, &question, answer.choice,
                     &(struct decide_outcome){has_passed, 60, false, answer.decider},
                     now);
        learned += cpu_ns() - then;
        asked += then - from;
    }
    struct buf blob;
    buf_init(&blob, 1u << 28);
    decide_save(decide, &blob);
    printf("decide: %s: %.1f us a question of %d options (goal: below 1000), %.1f us an "
           "outcome, %.0f KiB saved\n",
           what, (double)asked / ROUNDS / 1e3, N_OPTIONS, (double)learned / ROUNDS / 1e3,
           (double)blob.len / 1024);
    buf_fini(&blob);
    decide_free(decide);
}

int main(void)
{
    measure("odds alone", 0);
    measure("with 12 factors", N_FACTORS);
    return 0;
}
