/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DECISION_PROACTIVE_H
#define SIGNALBOX_DECISION_PROACTIVE_H

/*
 * Proactive: from what is likely to come to a prepared, reversible action before it comes.
 *
 *   omen (what may come, how likely, when)            action
 *     outage   of a service, within the hour            warm_backup     probe the next provider
 *     disk     or its inodes will be full               free_disk       prune what may go, now
 *     load     memory, tasks, files, quota used up      slow_admission  fewer workflows at once
 *     expiry   a credential ends                        renew_token     fetch the credential anew
 *   A disk that free_disk did not help (it ended within PREPARED_AGAIN) counts as load.
 *
 * Rules, the same for all, with the numbers of prepared_rule:
 *   - Only what is measured (a fact: 93 % full, ends on Friday) or comes from a model whose scorecard
 *     is trusted can trigger. Others are kept, and proactive_why_not says so.
 *   - Hysteresis: an action begins at p >= on and is taken back below off; what is in between changes
 *     nothing. It begins only when the omen is due within `lead`, and is over beyond 5/4 of that.
 *   - One of a kind at a time: of several omens the likeliest, of equals the first by name.
 *   - It is held for `window` at most, then there is a pause of `cool`; at most `per_hour` begin in an
 *     hour.
 *   - It is taken back when the omen is over: likely no more, not said again for OMEN_FRESH (who
 *     predicts says it again at least each OMEN_FRESH / 2, so that a prediction that nobody
 *     stands for ends by itself), come true, or the window has ended.
 *
 * Who carries it out (engine/control/proactive.c) does what proactive_decide says, in the order
 * given, and writes a decision row for each beginning, its verdict with each end.
 *
 * Pure, deterministic, bounded: OMENS_MAX omens (beyond: the oldest goes). Saved and loaded exactly.
 */

#include "engine/base/buf.h"
#include "store/recovery.h"

#define OMENS_MAX      64
#define OMEN_FRESH     span_s(600)
#define PREPARED_AGAIN span_s(2 * 3600)
#define OMEN_SUBJECT   96
#define OMEN_TEXT      160

/* X(identifier, word, help) */
#define OMEN_LIST(X)                                                                     \
    X(OMEN_OUTAGE, "outage", "a service is likely to fail")                              \
    X(OMEN_DISK, "disk", "a disk will be full")                                          \
    X(OMEN_LOAD, "load", "memory, tasks, files or a quota will be used up")              \
    X(OMEN_EXPIRY, "expiry", "a credential ends")
enum omen_kind {
#define X(id, word, help) id,
    OMEN_LIST(X)
#undef X
        OMEN_COUNT
};

/* X(identifier, word, expected effect, inverse ("" = nothing to take back)) */
#define PREPARED_LIST(X)                                                                 \
    X(PREPARED_WARM_BACKUP, "warm_backup",                                               \
      "the next provider has answered before it is needed", "")                          \
    X(PREPARED_SLOW_ADMISSION, "slow_admission",                                         \
      "the limit is not reached, for a third fewer workflows run at once",               \
      "as many workflows as are configured run at once again")                           \
    X(PREPARED_FREE_DISK, "free_disk",                                                   \
      "what may go is removed now, and the disk has room for longer", "")                \
    X(PREPARED_RENEW_TOKEN, "renew_token",                                               \
      "the credential that is fetched anew holds for longer", "")
enum prepared {
#define X(id, word, effect, inverse) id,
    PREPARED_LIST(X)
#undef X
        PREPARED_COUNT
};
const char *omen_word(enum omen_kind kind); /* "?" for a newer program's */
const char *prepared_word(enum prepared action);
const char *prepared_effect(enum prepared action);
const char *prepared_inverse(enum prepared action);

struct prepared_rule {
    double on, off; /* chance */
    struct span lead, window, cool;
    int per_hour;
    double risk; /* harm when it was for nothing, 0..1 */
};
const struct prepared_rule *prepared_rule(enum prepared action);

struct omen {
    enum omen_kind kind;
    const char *
        subject; /* "service:github_api", "disk:/var", "memory", "credential:github_api" */
    const char *text; /* one clean line: what is said, by whom */
    double p;         /* chance that it comes, 0..1; else it is dropped */
    bool is_measured; /* a fact; else a prediction */
    bool is_trusted;  /* of a prediction: its scorecard is */
    struct wall due;  /* when; unset: now */
};

struct proactive;
NODISCARD struct proactive *proactive_new(void);
void proactive_free(struct proactive *proactive); /* accepts NULL */
/* A switch for each action, all on at first (and after a load: who loads sets them). What runs is
 * taken back with the next decide. */
void proactive_allow(struct proactive *proactive, enum prepared action, bool is_allowed);
/* The newest word of this subject; p 0: it is over. */
void proactive_hear(struct proactive *proactive, const struct omen *omen,
                    struct wall now);
/* What was predicted has come. */
void proactive_came(struct proactive *proactive, enum omen_kind kind, const char *subject,
                    struct wall now);

struct prepared_step {
    bool is_end; /* take it back; else begin */
    enum prepared action;
    char subject[OMEN_SUBJECT];
    double p;
    struct wall until; /* of a beginning: when its window ends */
    char reason[2 * OMEN_TEXT];
    enum verdict verdict;    /* of an end */
    char outcome[OMEN_TEXT]; /* of an end: one line */
    int64_t decision;        /* of an end: see proactive_number */
};
/* What is to be done now: ends first. At most 2 * PREPARED_COUNT. */
size_t proactive_decide(struct proactive *proactive, struct wall now,
                        struct prepared_step *ret_steps, size_t max);
/* The number of the decision row of what has begun; comes back with its end. */
void proactive_number(struct proactive *proactive, enum prepared action,
                      int64_t decision);
/* It could not be done (no other provider): nothing to take back, the pause runs. */
void proactive_refuse(struct proactive *proactive, enum prepared action, struct wall now);
/* Is what it would answer still as likely as what is begun must stay? */
bool proactive_is_likely(const struct proactive *proactive, enum prepared action,
                         const char *subject, struct wall now);
/* A person has allowed it: begins whatever pause or cap there is. False: one of this kind holds, it
 * is switched off, or it is not likely any more. */
NODISCARD bool proactive_start(struct proactive *proactive, enum prepared action,
                               const char *subject, struct wall now,
                               struct prepared_step *ret_step);
/* Does it hold now? Its subject, or NULL. */
const char *proactive_active(const struct proactive *proactive, enum prepared action);
/* Why nothing (more) is done for the likeliest omen of this action; "" when there is none, or it is
 * acted upon. Borrowed until the next call. */
const char *proactive_why_not(struct proactive *proactive, enum prepared action,
                              struct wall now);
/* When proactive_decide has something to do without news; unset: never. */
struct wall proactive_wake_at(const struct proactive *proactive);
void proactive_save(const struct proactive *proactive, struct buf *out);
/* False: not what was saved; empty then. */
NODISCARD bool proactive_load(struct proactive *proactive, const void *data, size_t len);

#endif
