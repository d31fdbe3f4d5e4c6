/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_RUNNER_STEP_H
#define SIGNALBOX_IO_RUNNER_STEP_H

/*
 * Runner step: what an effect at a service that runs as a process needs in its runner: a
 * log, an environment, a deadline, and an outcome.
 *
 * Environment: that of an agent (local_command.h), so the account's HOME is there, but no
 * DISPLAY; BROWSER=true, so that nothing opens a browser of its own; on top the `env` of
 * the service ("${NAME}" borrows a variable of the engine).
 *
 * Secrets: values that the service's env borrows are replaced by "***" in whatever goes
 * into the log and the summary. The log is written line by line for that.
 */

#include "engine/base/buf.h"
#include "engine/io/runner.h"
#include "engine/service/local_env.h"
#include "store/segment.h"

#define STEP_LINE_MAX 65536 /* bytes of a log line that are looked at as one */

struct step {
    const struct runner *runner;
    const struct order *order;
    struct effect_result *result;
    struct segment_writer *log;
    struct env env;
    struct buf line; /* of the log, not ended yet */
    bool is_log_short;
};

/* Log, folders, environment. False: the result says what is wrong. Close it either way. */
NODISCARD bool step_open(struct step *step, const struct runner *runner,
                         struct effect_result *result);
/* Writes the rest of the log, takes the excerpt of a failure from it. */
void step_close(struct step *step);

void step_log(struct step *step, const char *bytes, size_t len);
/* A line of ours: "-- text --". */
void step_note(struct step *step, const char *format, ...) PRINTF_LIKE(2, 3);

/* Outcome; takes the summary. */
void step_end(struct step *step, enum effect_status status, enum blame blame,
              char *summary);
/* Of the state, or the command's own timeout from now on, what comes first; unset: none */
struct wall step_deadline(const struct runner *runner);
/* Wait while everything is halted; false: it was stopped meanwhile, and the outcome says so. */
NODISCARD bool step_may_begin(struct step *step);
/* Is the outcome STATUS_TIMED_OUT because of the command's own timeout? Its summary. */
NODISCARD char *step_timeout_text(const struct order *order);

#endif
