/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_APPROVAL_PRIVATE_H
#define SIGNALBOX_CONTROL_APPROVAL_PRIVATE_H

/*
 * What approval.c, approval_card.c, approval_verb.c and autonomy.c share.
 */

#include "engine/control/approval.h"
#include "engine/decision/proactive.h"

#define CARD_MAX     (16 * 1024)
#define BEFORE_MAX   20 /* earlier decisions that are looked at */
#define BEFORE_SHOWN 3
#define SOON         span_s(600) /* before it expires this is told */
#define LEVELS_MAX   200
#define UNSEEN_TIMES 3 /* as long as when it was seen, unless configured */

/* An approval that waits. */
struct waiting {
    int64_t id, workflow, recovery, optimization;
    enum act act;
    bool is_told; /* that it expires soon */
    struct heap_node expiry;
};

/* A level in force. */
struct level {
    struct autonomy_row row;
    char *repo, *actor, *reason; /* what row points to */
};

/* A prepared action that was asked for, noted or refused; subject "": none. */
struct prepared_asked {
    int64_t approval; /* that waits; 0 = none does */
    struct wall look_from;
    char subject[OMEN_SUBJECT];
};

struct approvals {
    struct prepared_asked prepared[PREPARED_COUNT];
    struct idmap by_id, by_workflow; /* -> struct waiting */
    struct heap expiries;
    struct level levels[LEVELS_MAX];
    size_t n_levels;
};

struct waiting *waiting_find(const struct control *control, int64_t id);
struct waiting *waiting_of_workflow(const struct control *control, int64_t workflow);
/* The row into the batch, and remembered or forgotten. */
void waiting_put(struct control *control, const struct approval_row *row);
/* It was on screen for the first time: its time to decide begins. False: it was before. The row is
 * changed, not put. */
bool approval_seen(struct control *control, struct approval_row *row, struct wall now);
/* Its effect is another one now: asked again, and not seen yet. */
void approval_changed(struct control *control, struct approval_row *row,
                      const char *effect, struct arena *arena, struct wall now);
void approval_end(struct control *control, int64_t id, enum approval_status status,
                  const char *why, struct wall now);
/* What follows when nobody decided in time (approval_verb.c); `was` is forgotten by now. */
void approval_expired(struct control *control, const struct waiting *was,
                      struct wall now);

/* ---- prepared actions (proactive_ask.c) ---- */
/* The effect as it would be now. In arena. */
const char *prepared_effect_now(struct control *control, struct arena *arena,
                                const struct approval_row *row);
void prepared_answer(struct control *control, const struct approval_row *row,
                     bool is_approved, struct wall now, struct answer *answer);
/* Nobody allowed it: not asked again before what is coming is over. */
void prepared_over(struct control *control, int64_t approval);
void prepared_restore(struct control *control, const struct approval_row *row,
                      struct wall now);

/* Does the workflow wait for a person to allow something, and what? Also while it is paused. */
bool card_act(const struct live *live, enum act *ret_act);
/* What it asks for. In arena. */
void card_draft(struct control *control, const struct live *live, enum act act,
                struct arena *arena, struct approval_draft *ret_draft);

/* ---- levels (autonomy.c) ---- */
void autonomy_restore(struct control *control, const struct autonomy_row *row);
void autonomy_tick(struct control *control, struct wall now);
struct wall autonomy_wake_at(const struct control *control);
void autonomy_fini(struct control *control);
void autonomy_tell(
    const struct control *control); /* what is configured, for the screens */

#endif
