/* SPDX-License-Identifier: MIT */

/*
 * Asked: a rung of a workflow that its class of actions does not allow without a person. The
 * workflow waits (WAIT_RECOVERY) with an approval (approval_card.c), and what is decided is
 * carried out here; whatever else ends the waiting makes the rung obsolete.
 */

#include <math.h>
#include <string.h>

#include "engine/control/approval.h"
#include "engine/control/recovery_private.h"

struct trouble *trouble_asked(const struct live *live)
{
    struct trouble *trouble = live->troubles;
    while (trouble != NULL && !trouble->is_asked) {
        trouble = trouble->next;
    }
    return trouble;
}

static enum effect_kind kind_of_step(const struct workflow *workflow,
                                     const struct trouble *trouble)
{
    struct stage_step step;
    for (int i = 0; (step = stage_step(workflow->pipeline, trouble->row.state, i)).kind !=
                    EFFECT_NONE;
         i++) {
        if (strcmp(step.name, trouble->step) == 0) {
            return step.kind;
        }
    }
    return EFFECT_NONE;
}

static void make_plan(struct control *control, const struct live *live,
                      const struct trouble *trouble, struct machine_plan *ret_plan)
{
    enum rung rung = trouble->rung;
    *ret_plan = (struct machine_plan){
        .rung = choice_rung(rung, kind_of_step(live->workflow, trouble)),
        .checkpoint = trouble->row.state,
        .advice = ladder_advice(rung),
        .words =
            arena_printf(control->recovery->arena, "%s, approved", rung_strategy(rung)),
    };
    if (rung == RUNG_FALLBACK) {
        ret_plan->pause.ms = 1000;
    } else if (rung == RUNG_WAIT) {
        ret_plan->pause = choice_wait(trouble->tried[RUNG_WAIT] - 1);
    } /* else the machine's, which grows with its retries */
}

static void begin(struct control *control, struct live *live, struct trouble *trouble,
                  struct wall now)
{
    struct arena *arena = arena_new();
    struct recovery_row row;
    struct err ignored = ERR_INIT; /* then the commit fails as well, and says why */
    const struct workflow_row *is = &live->workflow->row;
    struct span pause = {is->retry_at.ms > now.ms ? is->retry_at.ms - now.ms : 0};
    trouble->is_asked = false;
    trouble->is_helped = true; /* it did not recover by itself */
    trouble->began_at = now;
    trouble->window_end = wall_add(
        now, choice_window(live->workflow, trouble->row.state, trouble->rung, pause));
    if (store_load_recovery(control->store, arena, trouble->recovery, &row, &ignored) ==
        FOUND) {
        row.status = RECOVERY_RUNNING;
        row.started_at = now;
        row.window_end = trouble->window_end;
        (void)store_put_recovery(control->store, &row);
        audit_recovery(control, trouble->recovery, &row, now);
    }
    trouble->row.status = FAILURE_OPEN;
    trouble_put(control, trouble);
    arena_free(arena);
}

const struct machine_plan *recovery_given(struct control *control, struct live *live,
                                          int64_t recovery)
{
    const struct trouble *trouble = trouble_asked(live);
    if (control->recovery == NULL || trouble == NULL || trouble->recovery != recovery) {
        return NULL;
    }
    arena_reset(control->recovery->arena);
    make_plan(control, live, trouble, &control->recovery->plan);
    return &control->recovery->plan;
}

void asked_follow(struct control *control, struct live *live,
                  const struct workflow_row *before, const struct machine_input *input,
                  struct wall now)
{
    const struct workflow_row *row = &live->workflow->row;
    struct trouble *trouble = trouble_asked(live);
    enum workflow_wait wait = row->state == STATE_PARKED ? row->resume_wait : row->wait;
    char outcome[200];
    if (trouble == NULL || wait == WAIT_RECOVERY) {
        return;
    }
    if (before->wait == WAIT_RECOVERY && input->event == EV_APPROVE) {
        begin(control, live, trouble, now);
    } else if (before->wait == WAIT_RECOVERY && input->event == EV_REJECT) {
        (void)snprintf(outcome, sizeof(outcome), "rejected by %.60s: %.100s",
                       input->actor, input->reason != NULL ? input->reason : "");
        trouble_end_rung(control, trouble, RECOVERY_REFUSED, (double)NAN, outcome, now);
        trouble_put(control, trouble);
    } else {
        (void)snprintf(outcome, sizeof(outcome), "%.60s: %s before it was decided",
                       input->actor, event_name(input->event));
        trouble_end_rung(control, trouble, RECOVERY_OBSOLETE, (double)NAN, outcome, now);
        trouble_put(control, trouble);
    }
}
