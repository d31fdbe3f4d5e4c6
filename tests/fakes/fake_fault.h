/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FAKES_FAKE_FAULT_H
#define SIGNALBOX_TESTS_FAKES_FAKE_FAULT_H

/*
 * Fake fault: which call has a bad day. Pure: the caller does what is decided here.
 */

#include "engine/base/rng.h"
#include "tests/fakes/fake.h"
#include "tests/fakes/fake_settings.h"

struct fake_faults {
    struct fake_fault *list;
    size_t n;
    struct wall born;
    struct rng rng;
    int64_t done[FAULT_KIND_COUNT]; /* how often each has struck */
};

/* Copies of those of the settings. */
void fake_faults_init(struct fake_faults *faults, const struct fake_settings *settings,
                      struct wall now);
void fake_faults_fini(struct fake_faults *faults);
/* {"clear": true}, or a fault as in a profile: service, kind, method, match, percent,
 * status, retry_after, count, after, time_ms, for_ms. False: no such fault. */
bool fake_faults_order(struct fake_faults *faults, const struct json *what,
                       struct wall now);
/* NULL: this call goes well. Borrowed until the next order. */
const struct fake_fault *fake_faults_choose(struct fake_faults *faults,
                                            enum fake_service service, const char *method,
                                            const char *path, struct wall now);
/* What FAULT_STATUS, PRIMARY, SECONDARY and NOT_JSON answer. */
void fake_fault_reply(const struct fake_fault *fault, struct wall now,
                      struct fake_reply *reply);
void fake_faults_state(const struct fake_faults *faults, struct jsonw *w);

#endif
