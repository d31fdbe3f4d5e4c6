/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CASE_READ_H
#define SIGNALBOX_TUI_CASE_READ_H

/*
 * Case read: everything that the store knows of a failure, a problem, a recovery or a decision,
 * put together for one page: `signalbox why` and the console's page alike.
 *
 * An id of a workflow stands for its newest failure, one that is not settled first; one of a
 * recovery or decision for the failure or problem that it is about, or for itself. Everything
 * lives in the arena.
 */

#include "engine/recovery/case.h"
#include "store/approval.h"
#include "store/store.h"

#define CASE_ROWS_MAX 50 /* decisions, recoveries, members, of one case */
#define CASE_PAST_MAX 6

/* An earlier failure of the same fingerprint, and the rung that ended it. */
struct case_past {
    struct failure_row failure;
    const char *helped; /* word of the rung; "" = none did */
};

struct case_file {
    enum case_kind kind; /* what was asked for */
    int64_t id;
    bool has_failure, has_problem;
    struct failure_row failure;
    struct case_detail detail; /* of the failure, else of the problem */
    struct problem_row problem;
    const struct decision_row *decisions; /* oldest first */
    size_t n_decisions;
    const struct recovery_row *recoveries; /* oldest first */
    size_t n_recoveries;
    const struct failure_row *members; /* of a problem that was asked for, newest first */
    size_t n_members;
    const struct case_past *past; /* newest first */
    size_t n_past;
    bool has_more_past;
    int64_t approval; /* that waits for one of the recoveries; 0 = none */
};

enum found case_read(struct reader *reader, struct arena *arena, enum case_kind kind,
                     int64_t id, struct case_file *ret_case, struct err *err);

#endif
