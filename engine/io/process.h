/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_PROCESS_H
#define SIGNALBOX_IO_PROCESS_H

/*
 * Process: run one command to its end, inside a runner.
 *
 * The command gets its own session, /dev/null or a file as stdin, and one pipe for stdout
 * and stderr (or two, when stdout is wanted apart). It ends when the program itself ends,
 * when its deadline passes, or when process_stop_fd becomes readable; then everything
 * that it started is killed, also what left the group and the session: SIGTERM to the
 * group, a grace, SIGKILL to every descendant. Nothing that holds the pipe open can make
 * process_run wait longer.
 *
 * For a single-threaded process only (a runner): it forks, reaps every child, and makes
 * the caller a subreaper. It never blocks beyond deadline + grace + a second.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/io/hold.h"
#include "engine/io/stall.h"
#include "engine/workflow/pipeline.h"
#include "store/segment.h"

struct process_spec {
    char *const *argv;
    char *const *envp;
    const char *folder;          /* working directory */
    const char *stdin_path;      /* NULL: /dev/null */
    const struct bounds *bounds; /* NULL: none */
    const char *name;            /* for control groups, unique on this machine */
    bool has_no_network;
    struct wall deadline; /* unset: none */
    struct span grace;
    /* Where output goes. out takes stdout (what passes its cap ends the program with
     * SIGPIPE and sets out->is_cut); all else goes to log, or into errors, or is dropped.
     */
    struct buf *out;
    struct buf *errors; /* the first bytes of stderr, when there is no log */
    struct segment_writer *log;
    int keep_fd;         /* stays open in the program, -1 = none */
    int keep_too_fd;     /* another one, 0 = none */
    int stop_fd;         /* readable = stop; -1 = none */
    struct stall *stall; /* watches the program and may end it; NULL = nothing does */
    struct hold *hold;   /* it stands still with this, and its deadline; NULL = never */
    bool outlives_us;    /* not killed when the runner dies: must end in its own time */
};

enum process_end {
    PROCESS_EXITED,    /* status: exit status */
    PROCESS_SIGNALLED, /* status: signal */
    PROCESS_TIMED_OUT,
    PROCESS_STOPPED,
    PROCESS_NOT_STARTED,    /* err says why; status: errno */
    PROCESS_NO_NETWORK_OFF, /* the kernel does not let us take the network away */
    PROCESS_STALLED         /* spec->stall saw no sign of life any more */
};

struct process_outcome {
    enum process_end end;
    int status;
    bool is_out_of_memory; /* a bound of memory was hit */
    bool is_log_short;     /* the log could not be written whole */
    int64_t cpu_ms, peak_rss_kib, out_bytes;
    struct err err;
};

void process_run(const struct process_spec *spec, struct process_outcome *ret_outcome);

/* SIGKILL to every process of this user whose environment has the entry "NAME=value", or
 * "NAME=value/..." (a folder below): what a runner that died has left. Itself excepted. */
void process_kill_marked(const char *entry);

/* "SIGSEGV" for a signal number. */
const char *process_signal_name(int number);

#endif
