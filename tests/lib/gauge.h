/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_GAUGE_H
#define SIGNALBOX_TESTS_GAUGE_H

/*
 * Gauge: a program on a pty of 160x48, and what it costs: bytes with their times, the cells
 * that they change, processor time, wake-ups and memory of it and of all that it started.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define GAUGE_COLUMNS 160
#define GAUGE_LINES   48

struct gauge_chunk {
    double at; /* seconds */
    size_t from, len;
};

struct gauge {
    const char *name; /* in the figures */
    int fd;
    pid_t pid;
    char *bytes;
    size_t n_bytes;
    struct gauge_chunk *chunks;
    size_t n_chunks;
    bool is_over;
    double started;
};

struct gauge_cost {
    double cpu_s;
    long wakeups;
    double
        memory_mib; /* PSS where the kernel tells it: pages that are shared count once */
    int n_processes;
};

struct gauge_frames {
    int n;
    double cells; /* that look otherwise after a frame than before it */
    double bytes;
};

/* Other programs beside it: one that is waited for (false: it failed), one that is not (-1: did
 * not start), and its end. */
bool gauge_run(const char *const argv[]);
pid_t gauge_start(const char *const argv[]);
void gauge_stop(pid_t pid);

double gauge_now(void); /* seconds, monotonic */
/* A line of JSON; goal 0: none. */
void gauge_figure(const struct gauge *h, const char *name, double value, const char *unit,
                  double goal);
void gauge_begin(struct gauge *h, const char *name, const char *const argv[],
                 const char *folder);
void gauge_end(struct gauge *h, const char *quit);
/* Read until `until`, or until a pause of `quiet` after something came (0: no such end).
 * Returns when the last bytes came, 0 = none. */
double gauge_pump(struct gauge *h, double until, double quiet);
struct gauge_cost gauge_cost_of(pid_t root); /* with all below it */
/* Seconds from before fork until 95 % of the rows are painted that are at last. */
double gauge_full_paint(const struct gauge *h, size_t n_chunks);
/* Frames among the chunks of this range. */
struct gauge_frames gauge_frames(const struct gauge *h, size_t from, size_t to);
double gauge_quantile(double *values, int n, double q); /* sorts */

#endif
