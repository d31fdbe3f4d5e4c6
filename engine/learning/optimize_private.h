/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_OPTIMIZE_PRIVATE_H
#define SIGNALBOX_LEARNING_OPTIMIZE_PRIVATE_H

/* Optimize, private: what generators share. */

#include "engine/learning/optimize.h"

#define SEARCH_LINES 6

/* The search of one generator at one scope. */
struct search {
    const struct optimize_input *input;
    struct rng *rng;
    enum optimization_kind kind;
    char scope[160];
    uint16_t name;     /* word of the pipeline or the service; 0 = the engine */
    struct wall until; /* runs created later are not looked at, see settled_until */
    const struct run_features **runs; /* of the scope, oldest first; scratch */
    size_t n_runs;
    double *delta; /* of each run: change of the metric; scratch */
    struct setting_now now;
    struct proposal draft;
    char facts[SEARCH_LINES][160], lines[SEARCH_LINES][160]; /* evidence, dry run */
    double values[SEARCH_LINES];                             /* NAN: none */
    size_t n_facts, n_lines;
    struct proposal *out;
    size_t n_out, max_out;
};

typedef void generator(struct search *search);
generator generate_deadline, generate_retries, generate_backoff, generate_order,
    generate_parallel, generate_concurrency, generate_bulkhead, generate_agent,
    generate_evaluator, generate_quarantine, generate_merge_window, generate_limits,
    generate_timeout, generate_poll, generate_scale, generate_breaker;

/* Begin with a setting: the draft is empty, the runs are those of the scope since it is in force.
 * False: it cannot be changed, or there are fewer runs than `least`. */
bool search_begin(struct search *search, const char *setting, size_t least);
/* series: one number for each run, NAN where it says nothing (scratch; overwritten). When its level
 * has changed (Pettitt's test), runs from before the last clear change are left out, so that evidence
 * from before is not mixed with evidence after it. False: fewer than `least` are left. */
bool search_forget(struct search *search, double *series, size_t least);
/* Takes the first runs away. */
void search_drop(struct search *search, size_t n);
/* The value in force as a number: seconds, MiB, or a count; NAN. */
double search_value(const struct search *search);

/* As snprintf, cut at a whole character. */
void draft_text(char *out, size_t cap, const char *format, ...) PRINTF_LIKE(3, 4);
void search_fact(struct search *search, double value, const char *format, ...)
    PRINTF_LIKE(3, 4);
void search_line(struct search *search, const char *format, ...) PRINTF_LIKE(2, 3);

/* The draft's expected change from delta[], one for each run, and how far the truth may be
 * from the model: a share of the change on the side of less and of more effect. */
void search_expect(struct search *search, size_t block, double less, double more);
/* Hands the draft out if it is sure and worth it. */
void search_propose(struct search *search);

/* Values as they are written in YAML, rounded up to what people write. */
void write_span(char *out, size_t cap, double seconds);
void write_mib(char *out, size_t cap, double mib);
double nice_seconds(double seconds); /* rounded up: 5 s, 1 min, 5 min, 30 min steps */
double nice_mib(double mib);
/* "4m12s" for sentences. */
const char *say_span(double seconds, char text[CLOCK_TEXT_MAX]);

/* ---- limits and what was killed at them (optimize_limit.c) ---- */

#define LIMIT_HUNG 0.5  /* who has not ended by half of the limit never will */
#define LIMIT_ROOM 1.5  /* times the slowest that ended by itself */
#define LIMIT_SAME 0.01 /* relative: settings are rounded to seconds and bytes */
#define LIVES_MAX  ((size_t)OPTIMIZE_RUNS_MAX * 2)

struct limit_search {
    struct lifetime *lives;
    size_t n, n_cut;
    double limit; /* in force */
    struct lifetime_fit fit;
};
/* Often enough to say something, and `fit` is made. */
bool limit_is_met_often(struct limit_search *limit);
/* Share of what was killed at the limit that ends below another one: by the two models. */
struct estimate limit_saved(const struct limit_search *limit, double to);
/* The least limit that saves enough, at most `most` (NAN: no bound) and FACTOR_MOST times it. */
double limit_pick(const struct limit_search *limit, double most, double nice(double));
/* search_expect of an effect that is proportional to the share that is saved. */
void limit_expect(struct search *search, struct estimate saved);

/* Processors that other work on this machine kept busy while the checks of the scope ran, on
 * average; as far as it is ours and was measured. NAN: not known (optimize_parallel.c). */
double search_busy_beside(const struct search *search);

/* Tries of the same check in one iteration: runs on one commit. */
bool is_same_check(const struct run_step *a, const struct run_step *b);

#endif
