/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_DETECT_PRIVATE_H
#define SIGNALBOX_MONITOR_DETECT_PRIVATE_H

/* What the files of detect share: detect.c judges, detect_kind.c finds the word for it. */

#include "engine/monitor/detect.h"

#define TINY 1e-12

enum member {
    MEMBER_SHIFT,  /* the last points lie off the level of the past */
    MEMBER_DRIFT,  /* they lie off it for long already */
    MEMBER_SEASON, /* they lie off what is usual at this hour */
    MEMBER_HOUR,   /* the last one does */
    MEMBER_COUNT
};
_Static_assert((int)MEMBER_COUNT == DETECT_MEMBERS, "a tail for each member");

enum range {
    RANGE_VALUE,
    RANGE_SLOW,   /* mean of the last tens of points */
    RANGE_SEASON, /* what the last points lie off the hour's usual */
    RANGE_HOUR,   /* what the last one does */
    RANGE_COUNT
};
_Static_assert((int)RANGE_COUNT == DETECT_RANGES, "as many as are kept");

/* What one point showed. */
struct look {
    double x;                    /* value, measured from the origin */
    double scale;                /* deviation, never 0 */
    double rarity[MEMBER_COUNT]; /* digits */
    double novelty[RANGE_COUNT]; /* digits */
    double stuck;                /* digits: the value does not move any more */
    double low, high;            /* band */
    bool is_seasonal;            /* the hour foretells it better than the level */
};

static inline double newest(const struct detector *detector)
{
    return detector->window[(detector->n + DETECT_WINDOW - 1) % DETECT_WINDOW];
}

/* `evidence` is what surprised most: DETECT_NONE, _SPIKE, _SHIFT, _DRIFT, _SEASON or _FLAT. */
enum detect_kind detect_kind_of(const struct detector *detector, const struct look *look,
                                enum detect_kind evidence);

#endif
