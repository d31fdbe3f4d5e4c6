/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DECISION_ADMISSION_H
#define SIGNALBOX_DECISION_ADMISSION_H

/*
 * Admission: how many workflows run at once, within what is configured.
 *
 * What is known is the end of each effect: good, or bad in a way that too much at once brings
 * (timeout, memory, disk, quota, an overloaded service). Additive increase, multiplicative decrease
 * (Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance in
 * Computer Networks", 1989), one change for one window of results, as TCP does it (Jacobson,
 * "Congestion Avoidance and Control", 1988; RFC 5681), from what was really at work (flight size)
 * and not from the limit:
 *
 *   window   as many results of work begun since the last change as may run, 6..32, and a minute
 *   fewer    >= 30 % of it bad, three at least: half of what was at work, 1 at least
 *   more     <= 10 % bad: an eighth of what is configured more, at most all of it
 *   between  nothing: hysteresis
 *
 * The next window judges a change. Fewer that helped leaves a ceiling, where it was too much: below
 * it the limit grows at once, to it again only after a pause of 5 minutes that doubles each time
 * (at most 80) and is forgotten when a window there was good. Fewer that did not help, four times or
 * at 1, was not about load: all is as it was before, for 15 minutes at least. Without a window within
 * half an hour the evidence is old: a step more. So no decision is made without a change, and of a
 * steady overload one or two an hour.
 *
 * Pure and flat: saved as it is. `most` (1..) may change at any time; 1 <= limit <= most always.
 */

#include <stdbool.h>

#include "engine/base/clock.h"
#include "store/recovery.h"

#define ADMISSION_TEXT 200

enum admission_move { ADMIT_NONE, ADMIT_FEWER, ADMIT_MORE, ADMIT_BACK };

struct admission {
    int limit, most;
    struct wall since;  /* the window's begin: the last change, or the window before */
    int n, n_bad, peak; /* results in it; most at work at once */
    enum admission_move judged;         /* the change that this window judges */
    int before, n_before, n_bad_before; /* limit and window that led to it */
    double rate_before;                 /* good ends an hour then */
    int from, steps;      /* before the first of `steps` cuts that did not help */
    int ceiling;          /* was too much; 0 = none */
    struct wall probe_at; /* when it is tried again */
    int probes;           /* how often the pause has doubled */
    struct wall quiet;    /* nothing is cut before */
};

struct admission_step {
    /* what has become of the change before; VERDICT_OPEN: nothing to say */
    enum verdict verdict;
    enum admission_move judged;
    char outcome[ADMISSION_TEXT];
    /* what should be done now */
    enum admission_move move;
    int to;
    double share, rate; /* of the window: bad ones, 0..1; good ends an hour */
    char reason[ADMISSION_TEXT];
};

void admission_init(struct admission *admission, int most, struct wall now);
/* Another number is configured: who had all has all. */
void admission_most(struct admission *admission, int most);
/* An effect has ended that began at this time, while so many were at work. */
void admission_count(struct admission *admission, bool is_bad, struct wall began,
                     int at_work);
/* Is a window full, or old? Then what it says; it is begun anew. hold: why nothing more may be
 * admitted now, or NULL. */
bool admission_look(struct admission *admission, const char *hold, struct wall now,
                    struct admission_step *ret_step);
/* It is done, or it is not: then nothing of the kind is proposed again for a while. */
void admission_take(struct admission *admission, const struct admission_step *step,
                    struct wall now);
void admission_leave(struct admission *admission, const struct admission_step *step,
                     struct wall now);
/* All may run again, and nothing is known. */
void admission_reset(struct admission *admission, struct wall now);
/* When admission_look has something to say without news; unset: never. */
struct wall admission_wake_at(const struct admission *admission);

#endif
