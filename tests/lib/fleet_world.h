/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FLEET_WORLD_H
#define SIGNALBOX_TESTS_FLEET_WORLD_H

/* Fleet world: the constants, shared by fleet.c (truth, settings) and fleet_run.c (time). */

#include "engine/base/rng.h"
#include "tests/lib/fleet.h"

/* Truth of a check. */
struct world_check {
    const char *name;
    double minutes, sigma;       /* median, of the logarithm */
    double p_wrong;              /* the change is wrong, and this check says so */
    double p_flake;              /* of a try */
    double memory, memory_sigma; /* MiB: median, of the logarithm */
    double processors;           /* busy while it runs */
    double p_hang;               /* of a try: it never ends */
};

struct world_pipeline {
    char name[8], repo[32];
    /* truth */
    struct world_check checks[FLEET_CHECKS];
    size_t n_checks;
    double plan_minutes, code_minutes, code_sigma;
    double skill[FLEET_SERVICES]; /* factor on p_wrong, by agent */
    double speed[FLEET_SERVICES]; /* factor on code_minutes */
    double p_other;               /* the other agent begins, for reasons of its own */
    double p_find, judge_minutes; /* evaluator */
    double p_merge, p_merge_bad;  /* the base is bad after the merge; at bad hours */
    int bad_from, bad_hours;
    /* settings */
    int order[FLEET_CHECKS];         /* index of checks, by place in the list */
    int check_retries[FLEET_CHECKS]; /* by index of checks */
    bool is_quarantined[FLEET_CHECKS];
    double coding, validation, planning; /* minutes */
    double memory;                       /* MiB */
    double cpu;                          /* minutes of processor time */
    double timeouts[FLEET_CHECKS];       /* minutes, by index of checks */
    int retries, parallel, agent;
    bool has_evaluator;
    double window_from, window_to; /* hours; 0 to 24: any time */
};

struct fleet {
    uint64_t seed;
    struct world_pipeline pipelines[FLEET_PIPELINES];
    double arrivals;               /* per minute */
    double p_world, outage;        /* of a try; mean minutes that a trouble lasts on */
    int places[FLEET_SERVICES];    /* setting: concurrency */
    int max_running;               /* setting */
    double p_call[FLEET_SERVICES]; /* that a call fails, whatever others do */
    int failures[FLEET_SERVICES];  /* setting: in a row, that open the breaker */
    double open[FLEET_SERVICES];   /* setting, minutes: its first stay */
    fleet_change *on_change;
    void *change_user;
    struct scale_choice scale;   /* adds 0: there is none */
    bool is_scaled;              /* up */
    double poll[FLEET_SERVICES]; /* setting, minutes */
    double backoff;              /* setting, minutes */
    char scopes[FLAW_COUNT][32]; /* where flaws are; "-" = not planted */
};

extern const char *const fleet_services[FLEET_SERVICES];

/* Draws that belong to what they are for. */
struct rng world_rng(const struct fleet *fleet, int64_t workflow, int what, int which,
                     int attempt);
double world_normal(struct rng *rng);
double world_lognormal(struct rng *rng, double median, double sigma);

#endif
