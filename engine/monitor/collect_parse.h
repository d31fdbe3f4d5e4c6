/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_COLLECT_PARSE_H
#define SIGNALBOX_MONITOR_COLLECT_PARSE_H

/*
 * Collect, parsers: texts of proc(5) and of control groups
 * (https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html) to numbers.
 *
 * Pure. The text ends with NUL. What a text does not say is NAN, also when all of it makes no
 * sense: old kernels say less, and nobody may read a 0 that nobody wrote.
 */

#include <stddef.h>

#include "engine/base/compiler.h"

/* Time since boot in ticks, of all processors together. */
struct cpu_times {
    double total, idle, iowait, steal;
};
struct cpu_times collect_parse_stat(const char *text); /* /proc/stat */

struct memory_figures {
    double total, available, swap_total, swap_free; /* bytes */
};
struct memory_figures collect_parse_meminfo(const char *text); /* /proc/meminfo */

/* /proc/pressure/RESOURCE: share of the last 10 s, [0, 1]. */
struct pressure_figures {
    double some, full;
};
struct pressure_figures collect_parse_pressure(const char *text);

double collect_parse_load(const char *text);    /* /proc/loadavg: of one minute */
double collect_parse_file_nr(const char *text); /* /proc/sys/fs/file-nr: used share */

/* /proc/net/dev, without loopback and the ends of containers. */
struct device_figures {
    char name[32];
    double received, sent; /* bytes since it is there */
};
#define COLLECT_DEVICES_MAX 16
/* Their number. */
size_t collect_parse_net(const char *text,
                         struct device_figures ret_devices[COLLECT_DEVICES_MAX]);

/* /proc/self/stat */
struct process_figures {
    double ticks, threads, pages; /* processor time; ...; resident */
};
struct process_figures collect_parse_self(const char *text);

/* A file that is one number. "max", and what is too large to be a limit: NAN. */
double collect_parse_number(const char *text);
/* The number after a key at the start of a line: memory.stat, cpu.stat. */
double collect_parse_field(const char *text, const char *key);
/* /proc/self/cgroup: path of the group in the tree of that controller ("memory"), or, with "",
 * in the one tree of v2. Empty: there is none, or it does not fit. */
#define COLLECT_PATH_MAX 512
const char *collect_parse_group(const char *text, const char *controller,
                                char out[COLLECT_PATH_MAX]);

#endif
