/* SPDX-License-Identifier: MIT */

/*
 * Budgets, as far as they are not the machine's: telling of 80 %.
 */

#include "engine/control/control_private.h"

static void tell(struct control *control, const struct workflow_row *row,
                 const char *text, struct wall now)
{
    control_note(control, &(struct event_row){.at = now,
                                              .workflow = row->id,
                                              .kind = event_name(EV_BUDGET),
                                              .actor = "engine",
                                              .from = row->state,
                                              .to = row->state,
                                              .wait = row->wait,
                                              .iteration = row->iteration,
                                              .attempt = row->attempt,
                                              .effect = row->effect_seq,
                                              .text = text});
}

void budget_count(struct control *control, const struct live *live, struct wall now)
{
    const struct machine_output *out = control->out;
    char text[BUDGET_LINE_MAX];
    if (out->n_effects == 0 || out->effects[0].kind != EFFECT_CODE) {
        return;
    }
    if (budget_warns(live->workflow, text)) {
        tell(control, &live->workflow->row, text, now);
    }
}
