/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_DURATION_PRIVATE_H
#define SIGNALBOX_PREDICT_DURATION_PRIVATE_H

/*
 * Duration, inside. Everything is a flat value.
 */

#include "engine/predict/duration.h"

#define DURATION_FORMAT 1
#define DURATION_KEYS                                                                    \
    2048 /* rows, in sets of DURATION_WAYS; the least recently used goes */
#define DURATION_WAYS        8
#define DURATION_WINDOW      20 /* durations of a key */
#define DURATION_LENGTHS     4  /* of windows: so many experts look at a key */
#define DURATION_SCOPES      6  /* keys of a run */
#define DURATION_EXPERTS     (DURATION_SCOPES * DURATION_LENGTHS)
#define DURATION_KIND_ERRORS 24
#define DURATION_ERRORS      200
#define DURATION_PENDING_MAX 512

enum { SCOPE_ALL, SCOPE_KIND, SCOPE_LINE, SCOPE_NUMBER };

struct duration_key {
    uint64_t hash; /* 0: free */
    uint32_t touched, n, n_errors;
    float logs[DURATION_WINDOW];
    float errors[DURATION_KIND_ERRORS]; /* log of took / p50; of kinds only */
    float loss[DURATION_EXPERTS];       /* fading; of kinds only */
};

struct duration_run {
    uint64_t id;
    int64_t number;                 /* of this start, 1..; 0: free */
    uint64_t keys[DURATION_SCOPES]; /* 0: none */
    float said[DURATION_EXPERTS];   /* log seconds; NAN: nothing yet */
    float p50;                      /* the answer, log seconds */
};

struct duration_model {
    uint32_t format, bytes; /* DURATION_FORMAT, sizeof(struct duration_model) */
    int64_t n, n_started;
    uint32_t n_errors;
    float errors[DURATION_ERRORS];
    struct duration_key keys[DURATION_KEYS];
    struct duration_run pending[DURATION_PENDING_MAX];
};

#endif
