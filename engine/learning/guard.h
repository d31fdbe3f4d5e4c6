/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_GUARD_H
#define SIGNALBOX_LEARNING_GUARD_H

/*
 * Guard: was a changed setting good, harmless or harmful, judged while its runs come in.
 *
 * The change is judged against what would have been expected without it: the mean of the runs
 * before it, moved by what happened to others in the meantime (difference in differences). The
 * others are pipelines whose settings were not changed; each is compared with itself. How far
 * the surroundings moved is not known exactly: the shift is shrunk towards none as far as the
 * others' runs are few, and its uncertainty is carried on.
 *
 * It may be looked at after every run. The estimates at successive looks have the canonical
 * joint distribution (Jennison & Turnbull, "Group Sequential Methods", 2000, ch. 3 and 11), that
 * of a Brownian motion at time 1/variance; a mixture over normal effects (Robbins, "Statistical
 * methods related to the law of the iterated logarithm", Ann. Math. Stat. 41, 1970; Johari,
 * Pekelis & Walsh, "Always valid inference", 2017; Howard, Ramdas, McAuliffe & Sekhon, Ann.
 * Stat. 49, 2021) gives an interval that holds at all looks at once. Its lower end above no harm
 * is harm; its upper end below the margin is "not harmful". When the window ends without either,
 * one last look is taken with an ordinary one-sided bound of 95 %: below the margin it is kept.
 *
 *   before the change  guard_before(): runs that began under the old setting, oldest first
 *   after it           guard_end(): runs of the changed pipeline that BEGAN after the change,
 *                      and of the others
 *   guard_release(), guard_look()
 *
 * Runs that end first are short ones. A run therefore counts only when all with a lower number
 * have ended: guard_end() keeps it until guard_release(). One that began before the change is
 * nobody's: leave it out.
 *
 * A flat value without pointers; zero, then guard_init. Pure; any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"

/* X(identifier, word, help) */
#define GUARD_KIND_LIST(X)                                                               \
    X(GUARD_SHARE, "share", "0 or 1 per run; margin and effect in shares")               \
    X(GUARD_RATIO, "ratio", "a positive amount; margin 0.15 is 15 % more")               \
    X(GUARD_MEAN, "mean", "any amount; margin and effect in its unit")
enum guard_kind {
#define X(id, word, help) id,
    GUARD_KIND_LIST(X)
#undef X
        GUARD_KIND_COUNT
};

/* X(identifier, word) */
#define GUARD_VERDICT_LIST(X)                                                            \
    X(GUARD_WAITS, "waits")     /* nothing can be said yet */                            \
    X(GUARD_HARM, "harm")       /* take it back */                                       \
    X(GUARD_KEEP, "keep")       /* no harm within the margin */                          \
    X(GUARD_UNCLEAR, "unclear") /* the window has ended: a person decides */
enum guard_verdict {
#define X(id, word) id,
    GUARD_VERDICT_LIST(X)
#undef X
        GUARD_VERDICT_COUNT
};
const char *guard_kind_word(enum guard_kind kind);
const char *guard_verdict_word(enum guard_verdict verdict);

struct guard_settings {
    enum guard_kind kind;
    bool is_more_better;            /* completed: true; minutes: false */
    double margin;                  /* harm that would be put up with; > 0 */
    double alpha;                   /* chance that a harmless change is called harmful */
    int min_runs, max_runs;         /* of the changed pipeline, after the change */
    struct span min_time, max_time; /* of the window */
};
/* For shares: 0.12 of harm, for ratios 15 %, for means a third of the standard deviation
 * (margin 0 = that, found out of the runs before); 20 to 1000 runs, 1 h to 14 days. With 500
 * runs before it, a change without harm is kept after 100 to 170 runs in the middle (test_guard). */
struct guard_settings guard_defaults(enum guard_kind kind, bool is_more_better);

#define GUARD_GROUPS  9 /* 0 is the changed pipeline */
#define GUARD_PENDING 64
#define GUARD_BLOCK   25 /* runs of a block: does the mean wander by itself? */

struct guard_sum {
    double n, sum, sum_sq;
};

struct guard {
    struct guard_settings settings;
    struct wall since;
    uint64_t names[GUARD_GROUPS]; /* hash of the other pipelines' names; 0 = free */
    struct guard_sum before[GUARD_GROUPS], after[GUARD_GROUPS];
    struct guard_sum plain;       /* runs before, as they were measured */
    struct guard_sum block;       /* of the changed pipeline before, in hand */
    struct guard_sum block_means; /* of whole blocks */
    struct {
        int64_t run;
        int64_t group;
        double value;
    } pending[GUARD_PENDING]; /* ended, not counted yet; by run */
    int64_t n_pending;
    int64_t verdict; /* enum guard_verdict: stays once it is given */
    struct wall decided_at;
};

void guard_init(struct guard *guard, const struct guard_settings *settings,
                struct wall applied_at);
/* Group of another pipeline, 1..; -1 when there is no more room. */
int guard_group(struct guard *guard, const char *name);
void guard_before(struct guard *guard, int group, double value);
/* A run that began after the change has ended. Numbers grow in the order in which runs began. */
void guard_end(struct guard *guard, int group, int64_t run, double value);
/* Count those that have ended and whose number is below `oldest_open`, the lowest number of a
 * run of any group that began after the change and still goes on; INT64_MAX: none. */
void guard_release(struct guard *guard, int64_t oldest_open);

struct guard_result {
    enum guard_verdict verdict;
    /* Change of the metric per run, in its unit, against what was expected; of ratios relative
     * to 1 (0.2 = 20 % more). The interval holds at all looks, at 1 - 2 alpha. NAN: not known. */
    double effect, low, high;
    double expected, measured; /* the metric itself; NAN = not known */
    double shift;              /* what happened to the others */
    int n_before, n_after, n_others;
    bool has_others;
};
/* The verdict now; a verdict that was given stays. */
struct guard_result guard_look(struct guard *guard, struct wall now);
/* One clean line: "34 runs: 0.81 completed, 0.92 expected (-0.19 to -0.03); harm". */
#define GUARD_TEXT_MAX 200
const char *guard_text(const struct guard *guard, const struct guard_result *result,
                       const char *metric, char ret_text[GUARD_TEXT_MAX]);

/* JSON object, and back: exactly what was saved. */
void guard_save(const struct guard *guard, struct buf *out);
NODISCARD bool guard_load(struct guard *guard, const char *text, size_t len,
                          struct err *err);

#endif
