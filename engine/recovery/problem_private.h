/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_PROBLEM_PRIVATE_H
#define SIGNALBOX_RECOVERY_PROBLEM_PRIVATE_H

/* Problem: what problem.c (which failures belong together), problem_storm.c (who may try) and
 * problem_save.c share. */

#include "engine/recovery/graph.h"
#include "engine/recovery/problem.h"

#define PROBLEM_TEXT 240
#define SCOUTS_MAX   64 /* who may try at once beyond this is not counted any more */

/* Keys are FNV-1a hashes of what failures can share; 0 = nothing. */
struct member {
    int64_t failure, workflow;
    int64_t problem; /* open; 0 = none */
    struct wall at;
    uint64_t cause; /* below the change */
    uint64_t also[PROBLEM_ALSO];
    uint64_t
        print; /* of its fingerprint where the cause is unknown; with its repository where it
                     * is the change's own */
    uint64_t bare_print; /* of its fingerprint alone, 0 where it is the change's own */
    enum failure_class class_;
    enum severity severity;
    char fingerprint[FINGERPRINT_WORD];
};

struct scout {
    int64_t workflow;
    struct wall since;
};

struct problem {
    struct problem_row row; /* its texts are those below: problem_tie */
    char cause[GRAPH_NAME];
    char text[PROBLEM_TEXT];
    uint64_t key; /* of the cause; 0 = unknown */
    struct wall passed_at;
    struct wall pause_until; /* unset: no pause */
    int n_failed;            /* scouts in a row */
    int limit;               /* who may try at once; SCOUTS_MAX: everybody */
    int n_scouts;
    struct scout scouts[SCOUTS_MAX];
};

struct problem_book {
    struct wall newest; /* of all failures */
    size_t n_members, n_problems, n_closed;
    struct member members[PROBLEM_FAILURES]; /* in the order in which they came */
    struct problem problems[PROBLEMS_OPEN];  /* in the order in which they opened */
    struct problem closed[PROBLEMS_OPEN];    /* by the last tick, whose rows are lent */
};

void problem_tie(struct problem *problem);
struct problem *problem_of(struct problem_book *book, int64_t id); /* open; NULL */

#endif
