/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_CLOCK_H
#define SIGNALBOX_BASE_CLOCK_H

/*
 * Clock: units of time as types, so that no integer is a time by itself.
 *
 * struct wall  a moment of the calendar, milliseconds since 1970-01-01 UTC; 0 = none. What is
 *              stored and what deadlines are (they survive a restart).
 * struct mono  a moment of CLOCK_MONOTONIC in nanoseconds; for measuring inside one process.
 * struct span  a length in milliseconds.
 * Only the shell calls *_now(); pure components get `now` as an argument.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"

struct wall {
    int64_t ms;
};
struct mono {
    int64_t ns;
};
struct span {
    int64_t ms;
};

struct wall wall_now(void);
struct mono mono_now(void);

static inline struct wall wall_add(struct wall at, struct span by)
{
    return (struct wall){at.ms + by.ms};
}
static inline struct span wall_since(struct wall now, struct wall then)
{
    return (struct span){now.ms - then.ms};
}
static inline struct span span_s(int64_t seconds)
{
    return (struct span){seconds * 1000};
}
static inline bool wall_is_set(struct wall at)
{
    return at.ms != 0;
}

#define CLOCK_TEXT_MAX 32

/* "2026-11-22T14:03:07Z", with ".123" when is_precise. Writes at most CLOCK_TEXT_MAX bytes
 * and returns text. An unset wall gives "". */
const char *wall_format(struct wall at, bool is_precise, char text[CLOCK_TEXT_MAX]);
/* "14:03Z" or "14:03:07Z". */
const char *wall_format_time(struct wall at, bool has_seconds, char text[CLOCK_TEXT_MAX]);
/* RFC 3339 back to wall; false when it is not one. */
NODISCARD bool wall_parse(const char *text, struct wall *ret_at);
/* For people, at most 6 cells: "640ms" "7s" "0m41s" "38m12s" "2h05m" "6d04h" "88d". Negative
 * gives "-" in front. */
const char *span_format(struct span span, char text[CLOCK_TEXT_MAX]);
/* The unit in which so many minutes are told, " s" below one minute and else " min", and by what
 * minutes are multiplied for it. */
double minutes_scale(double minutes, const char **ret_unit);
/* For one decimal: what would be written as -0.0 is 0. */
double without_minus(double value);
/* "90", "90s", "1h30m", "250ms", "2d": a bare number is seconds. False when malformed,
 * negative or above 10 years. */
NODISCARD bool span_parse(const char *text, struct span *ret_span);

#endif
