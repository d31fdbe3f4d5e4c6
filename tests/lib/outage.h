/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_OUTAGE_H
#define SIGNALBOX_TESTS_OUTAGE_H

/*
 * Outage: the real control center, store, routes and desk over services that are played.
 *
 * Four services as they are configured by default: codegen_api and github_api over HTTP
 * (tests/lib/model.h), grainchain and web_eval_agent through runners. One of them is away
 * for a while. Time is virtual; the engine may crash now and then, what is outside stays.
 */

#include "engine/resilience/settings.h"
#include "tests/lib/model.h"

enum outage_service {
    OUTAGE_CODEGEN,
    OUTAGE_GITHUB,
    OUTAGE_GRAINCHAIN,
    OUTAGE_WEB_EVAL,
    OUTAGE_SERVICES,
    OUTAGE_NONE = OUTAGE_SERVICES
};

struct outage_options {
    const char *folder; /* for the store; removed before and after */
    int n_workflows, max_running;
    enum outage_service down;
    struct span begin, length; /* of the outage, from the start */
    enum model_fault fault;
    struct span crash_every; /* 0 = never */
    uint64_t seed;
    bool has_backups; /* a second agent service and the local sandbox */
};

struct outage_report {
    char failure[300]; /* "" when it came to its end */
    int64_t n_completed, n_failed;
    int64_t n_parked_peak; /* workflows that waited for a service at once */
    int64_t n_retries;     /* that workflows had to make, in all */

    int64_t n_degraded, n_crashes;
    int64_t n_down; /* calls that reached the service while it was down */
    int64_t n_down_probes, n_half_open, n_opened, n_repeats;
    int64_t n_twice;    /* things made a second time */
    int64_t n_fallback; /* effects that somebody else than the first performed */

    int64_t peak_second; /* calls in the busiest second after it */
    struct span took;
};

void outage_run(const struct outage_options *options, struct outage_report *ret_report);

#endif
