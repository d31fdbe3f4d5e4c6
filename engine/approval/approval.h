/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_APPROVAL_APPROVAL_H
#define SIGNALBOX_APPROVAL_APPROVAL_H

/*
 * Approval: what an act on an approval needs, and what it makes of it.
 *
 *   approve   needs the digest of the effect that was shown, what the tier of risk asks for
 *             (the target's name from high on), and as many people as it needs; who asked for
 *             the effect does not count from high on
 *   reject    needs a reason; one person is enough, the one who asked for it too
 *   snooze    until a time; it comes back by itself, and never counts as an answer
 *   delegate  to somebody; others may still decide
 *   claim     "I look at it": for a quarter of an hour
 *
 * Whoever comes second is told who came first, and when. An approval whose effect has changed
 * since it was shown is not approved: it is shown again.
 *
 * Pure: a row and an act in; what changes in the row out. `row` is changed in place; new texts
 * are in the arena.
 */

#include "engine/approval/access.h"
#include "engine/base/mem.h"
#include "store/approval.h"

/* X(identifier, verb) */
#define APPROVAL_ACT_LIST(X)                                                             \
    X(APPROVAL_APPROVE, "approve")                                                       \
    X(APPROVAL_REJECT, "reject")                                                         \
    X(APPROVAL_SNOOZE, "snooze")                                                         \
    X(APPROVAL_DELEGATE, "delegate")                                                     \
    X(APPROVAL_CLAIM, "claim")
enum approval_verb {
#define X(id, verb) id,
    APPROVAL_ACT_LIST(X)
#undef X
        APPROVAL_VERB_COUNT
};
NODISCARD bool approval_verb_find(const char *verb, enum approval_verb *ret_verb);

#define CLAIM_TIME  span_s(900)
#define SNOOZE_MAX  span_s(7 * 86400)
#define SNOOZE_TIME span_s(3600) /* when nothing is said */

/* What the configuration says of approvals. */
struct approval_policy {
    enum risk self_max; /* up to this tier who asked may approve */
    enum user_role
        critical_second; /* one of those who approve what is critical has this role */
};
struct approval_policy approval_policy_default(void);

struct approval_input {
    enum approval_verb verb;
    const char *actor;
    enum user_role role;
    const char *digest;  /* of what was shown; "" = not said */
    const char *confirm; /* the name that was typed; "" = none */
    const char *reason;  /* "" = none */
    const char *to;      /* delegate: whom */
    struct span time;    /* snooze; 0 = SNOOZE_TIME */
};

enum approval_result {
    APPROVAL_DONE,   /* the row has changed: decided, snoozed, delegated, claimed */
    APPROVAL_MORE,   /* a vote was counted; somebody else must approve too */
    APPROVAL_DENIED, /* nothing changed; text says why */
    APPROVAL_MISTAKE /* the act itself is wrong; text says what is missing */
};

#define APPROVAL_TEXT_MAX 320
enum approval_result approval_act(struct approval_row *row,
                                  const struct approval_input *input,
                                  const struct approval_policy *policy, struct wall now,
                                  struct arena *arena, char ret_text[APPROVAL_TEXT_MAX]);

/* The effect has another digest now: it waits again, without the votes so far. */
void approval_drift(struct approval_row *row, const char *effect, struct arena *arena);

/* How many people a tier needs. */
int approval_people(enum risk risk);
/* "approved by ada 12s ago: looks good" */
const char *approval_decided_text(const struct approval_row *row, struct wall now,
                                  char ret_text[APPROVAL_TEXT_MAX]);

#endif
