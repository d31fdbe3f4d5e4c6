/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_OPTIMIZATION_PRIVATE_H
#define SIGNALBOX_CONTROL_OPTIMIZATION_PRIVATE_H

/* Optimization, private: what learned.c (what ended, and what is kept of it) and optimization.c
 * (proposals and answers) share. */

#include "engine/approval/risk.h"
#include "engine/control/optimization.h"
#include "engine/learning/learning.h"

#define ENDED_MAX     4000 /* that wait to be read; the rest is not learned from */
#define LEARNED_MAX   256  /* since the last save; then it is saved */
#define PIPELINES_MAX 256  /* known by name */
#define NAME_BYTES    160

/* What the newest workflow of a pipeline was run with. */
struct known_pipeline {
    char name[NAME_BYTES], repo[NAME_BYTES];
    int64_t pipeline; /* id of its text */
};

struct optimizing {
    struct learning *learning;    /* NULL: off */
    struct arena *arena;          /* of what is in hand */
    int64_t ended[ENDED_MAX];     /* left the memory, not learned yet; in that order */
    size_t n_ended, n_ready;      /* ready: committed */
    int64_t learned[LEARNED_MAX]; /* since the last save, in that order */
    size_t n_learned;
    struct {
        char service[80];
        enum breaker_state state;
        struct wall at;
        size_t after;       /* so many of `learned` */
    } changes[LEARNED_MAX]; /* of breakers, since the last save */
    size_t n_changes;
    struct known_pipeline known[PIPELINES_MAX];
    size_t n_known;
    int n_turns;      /* kinds that are still to be searched */
    int64_t searched; /* learning_count() when the last search began */
    struct wall next_search, next_save;
    bool is_changed; /* since it was saved */
    bool is_urgent;  /* a verdict, which nothing else keeps: saved with this commit */
    bool has_moved;  /* LEARNED_SETTING is not what is in the store */
};

/* ---- optimization_card.c ---- */

/* The card of an approval (store/approval.h) that asks for it. */
void optimization_card(const struct control *control, const struct optimization_row *row,
                       const struct risk_facts *facts, struct buf *out);

/* ---- learned.c ---- */

const struct known_pipeline *learned_pipeline(const struct optimizing *optimizing,
                                              const char *scope);
/* Some of those that wait. */
void learned_read(struct control *control, struct wall now);
/* State, and what was learned since; open proposals are told by the caller. */
NODISCARD bool learned_load(struct control *control, struct err *err);

#endif
