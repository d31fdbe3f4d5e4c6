/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LIMITS_H
#define SIGNALBOX_IO_LIMITS_H

/*
 * Limits: what one command may use.
 *
 * Memory and number of processes are bounded for the whole group by a control group where
 * one can be made (cgroup v2 delegated to us, as under systemd with Delegate=yes, or a
 * writable v1 hierarchy). Where none can be made: RLIMIT_DATA for each process, and
 * RLIMIT_NPROC set to what the user runs now plus the bound, because that limit counts
 * all of the user's threads; root is not subject to it. RLIMIT_DATA and not RLIMIT_AS,
 * because sanitizers, Go, Java and node reserve address space that they never use. CPU
 * time and file size are rlimits of each process. Core dumps are off.
 *
 * No network is an empty network namespace with a loopback interface, inside a user
 * namespace unless we are root.
 *
 * Threads: any. limits_apply and limits_cut_network are for a forked child: no
 * allocation.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/err.h"
#include "engine/workflow/pipeline.h"

#define LIMITS_GROUPS 2 /* v1 has a tree for memory and one for processes */

struct limits {
    struct bounds bounds;
    char *groups[LIMITS_GROUPS]; /* folders of control groups that were made */
    size_t n_groups;
    bool has_memory_group, has_process_group;
    long n_tasks; /* of this user, when RLIMIT_NPROC is needed */
};

/* Makes control groups named `name` where possible. bounds NULL: no bounds. Never fails:
 * what cannot be had is replaced as told above. */
void limits_init(struct limits *limits, const struct bounds *bounds, const char *name);
/* Kills what is left in the groups and removes them. */
void limits_fini(struct limits *limits);
/* Parent, after fork: put the child into the groups. */
void limits_adopt(const struct limits *limits, pid_t pid);
/* Child: rlimits. */
void limits_apply(const struct limits *limits);
/* Child: false with errno when the kernel does not let us. */
bool limits_cut_network(void);
/* SIGKILL to everything in the groups, also what has left its session. */
void limits_kill(const struct limits *limits);
/* Highest memory use of the group in KiB, or -1. */
int64_t limits_peak_kib(const struct limits *limits);
/* Did a process die for want of memory? */
bool limits_ran_out_of_memory(const struct limits *limits);

/* Engine, once: when our own control group is delegated to us, move into a leaf of it and
 * open it for the groups of commands. Harmless where it is not. */
void limits_delegate(void);

#endif
