/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_RECOVERY_HAND_H
#define SIGNALBOX_CONTROL_RECOVERY_HAND_H

/*
 * A failure in hand: what recovery_choice.c (what it is, why, what can be done, the rung) and
 * recovery_decide.c (which rung) share.
 */

#include "engine/control/recovery_private.h"

/* A failure in hand. */
struct hand {
    struct control *control;
    struct live *live;
    const struct machine_input *input;
    struct wall now;
    struct stage_step step;
    struct trouble *trouble;
    struct problem_row problem; /* id 0: none */
    struct graph_cause causes[GRAPH_CAUSES];
    size_t n_causes;
    struct blast blast;
    struct ladder_context context;
    struct kept_question question;
    enum rung observed; /* not taken, for it is only observed; RUNG_COUNT = none */
    bool is_asked;      /* a person must approve the rung first */
    bool is_gone;       /* its pull request was closed */
};

/* The ladder is climbed and asked; the decision is a row. `context` is there; sets `question`,
 * `observed`, `is_asked`, `is_gone`, and leaves ladder and answer in control->recovery. */
enum rung hand_decide(struct hand *hand);

#endif
