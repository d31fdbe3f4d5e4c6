/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_WORKFLOW_MERGED_H
#define SIGNALBOX_WORKFLOW_MERGED_H

/*
 * Merged: what follows a merge, when the pipeline has after_merge.watch.
 *
 * Pure, beside the machine: the workflow is COMPLETED and stays so; the looks at the base are
 * effects that nobody waits for, one after the other, and which one ended is all the state
 * there is. So a crash between two of them loses nothing, and repeats at most a look.
 *
 *   cleanup ended      -> WATCH: the checks on the base, or those of the forge on the merge
 *   WATCH red          -> CONFIRM: what was red again, on the merge (the culprit)
 *   CONFIRM red        -> CONFIRM: what is still red, on the commit before it (the parent)
 *   parent passes      -> confirmed: this merge broke it
 *
 * Culprit red and parent green is what "restart to confirm" asks for before work is taken back
 * (PyTorch, "autorevert": github.com/pytorch/test-infra, 2025). One confident look that says
 * otherwise ends it: the culprit passes (flaky, or something merged later), or the parent fails
 * as well (not our change). A look that says nothing (no sandbox, killed, too late) is repeated
 * once; then the first is told, and the later ones, behind something red, ask an operator.
 *
 * Confirmed, after_merge.revert decides: auto takes it back (EV_ROLLBACK by "engine", the
 * caller's), ask waits for an operator (WAIT_REVERT: approve, rollback or reject), never tells.
 * A merge that is a revert itself, and what the caller has against it (a cap), turn auto into
 * ask.
 */

#include "engine/workflow/machine.h"

struct merged_input {
    const struct effect_row *effect;    /* that ended, as it was asked for */
    const struct effect_result *result; /* its outcome */
    const char *objection; /* one clean line: why the engine may not revert now; "" may */
};

struct merged_output {
    bool has_event;
    const char *kind; /* of the event, static: one of merged_kinds */
    char text[400];
    bool has_effect;
    struct effect_row effect; /* asked for, its seq given */
    char params[240];         /* what effect.params points to */
    bool is_confirmed;        /* the merge is the culprit */
    bool reverts;             /* EV_ROLLBACK is the caller's to give, with reason */
    char reason[300];
};

/* False: nothing follows, output is empty. May change workflow->row (wait, reason,
 * effect_seq). */
bool merged_step(struct workflow *workflow, const struct merged_input *input,
                 struct wall now, struct merged_output *ret_output);
/* Would the next step ask whether the engine may revert? For callers to whom an objection
 * costs something to find out. */
bool merged_may_revert(const struct workflow *workflow, const struct merged_input *input);
/* Is it an effect of this kind, which runs checks beside all workflows? */
bool merged_is_look(enum effect_kind kind);

/* Kinds of its events; NULL after the last. */
const char *merged_kind(size_t index);

#endif
