/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FAKES_FAKE_SETTINGS_H
#define SIGNALBOX_TESTS_FAKES_FAKE_SETTINGS_H

/*
 * Settings of the simulated services: how they behave, read from a profile (YAML).
 *
 *   seed: 7
 *   codegen:
 *     organization: 42
 *     run_time: 400ms              # from ACTIVE to COMPLETE
 *     statuses: [ACTIVE, "null", Running, POLISHING, evaluation]   # on the way
 *     end: COMPLETE                # or FAILED, ERROR, MAX_ITERATIONS_REACHED ...
 *     opens_pull: false            # the run opens the pull request itself
 *     lists_pull: true             # ... and says so in github_pull_requests
 *     sparse: true                 # leave out what may be missing
 *     creates: 10 / calls: 60      # limits in 60 s / 30 s; 0 = none
 *     runs_left: -1                # of the billing plan; -1 = no bound
 *   github:
 *     repository: acme/payments
 *     moved_from: acme/old         # answers 301
 *     limit: 5000                  # calls an hour
 *     mergeable_after: 100ms       # null until then
 *     checks:                      # run by themselves after a push
 *       - {name: build, kind: actions, conclusions: [failure, success], time: 200ms}
 *       - {name: ci/style, kind: status, conclusions: [success], time: 50ms}
 *     required: [build]            # protection of the base branch
 *   hooks: {drop: 50, duplicate: 20, shuffle: 300ms, delay: 10ms}
 *   faults:
 *     - {service: github, kind: status, status: 503, percent: 20, from: 1s, for: 10s}
 *
 * Tokens do not stand in the profile: see fake_services.c. All strings are malloc'd and
 * never NULL but where said.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"

enum fake_check_kind {
    FAKE_CHECK_ACTIONS, /* a job of a workflow run */
    FAKE_CHECK_APP,     /* a check run of another app */
    FAKE_CHECK_STATUS   /* a commit status */
};

struct fake_check_spec {
    char *name;
    enum fake_check_kind kind;
    char *
        *conclusions; /* of the first head of a branch, the second ...; the last stays */
    size_t n_conclusions;
    char *rerun;             /* conclusion when it is run again; "" = the same */
    char *log;               /* lines of the job's log when it fails */
    struct span queue, time; /* queued, in progress */
};

struct fake_codegen_settings {
    int64_t organization;
    char *token, *url;
    char *repository; /* "owner/name" that runs work on */
    struct span run_time;
    char **statuses;
    size_t n_statuses;
    char *end;
    bool opens_pull, lists_pull, is_sparse;
    int64_t creates, calls, runs_left;
};

struct fake_github_settings {
    char *owner, *name, *moved_from;
    char *token, *url, *logs_url;
    int64_t limit;
    int64_t writes; /* a minute, then the secondary limit answers; 0 = none */
    struct span mergeable_after;
    struct fake_check_spec *checks;
    size_t n_checks;
    char **required;
    size_t n_required;
};

struct fake_hook_settings {
    int drop, duplicate; /* percent */
    struct span shuffle, delay;
};

enum fake_service { FAKE_ANY, FAKE_CODEGEN, FAKE_GITHUB };

/* X(identifier, word, help) */
#define FAKE_FAULT_LIST(X)                                                               \
    X(FAULT_LATENCY, "latency", "the answer comes `time` later")                         \
    X(FAULT_STATUS, "status", "answer `status` (with `retry_after` seconds)")            \
    X(FAULT_REFUSE, "refuse", "connection closed before a word is said")                 \
    X(FAULT_RESET, "reset", "connection reset in the middle of the answer")              \
    X(FAULT_HANG, "hang", "no answer, connection held")                                  \
    X(FAULT_GARBAGE, "garbage", "bytes that are no HTTP")                                \
    X(FAULT_TRUNCATE, "truncate", "half of the body, then the end")                      \
    X(FAULT_NOT_JSON, "not-json", "status 200 and a body that is no JSON")               \
    X(FAULT_PRIMARY, "primary", "403, x-ratelimit-remaining 0, reset in `time`")         \
    X(FAULT_SECONDARY, "secondary", "403, secondary rate limit (with `retry_after`)")
enum fake_fault_kind {
#define X(id, word, help) id,
    FAKE_FAULT_LIST(X)
#undef X
        FAULT_KIND_COUNT
};

struct fake_fault {
    enum fake_service service;
    enum fake_fault_kind kind;
    char *method; /* "" = all */
    char *match;  /* part of the path; "" = all */
    int percent;
    int status;
    int64_t retry_after;    /* s; -1: no header */
    struct span time;       /* latency, hang, window of a limit */
    struct span from, span; /* since the start; span 0 = for good */
    int64_t count;          /* so many times; -1 = always */
    bool is_after;          /* the call is carried out, and only its answer is lost */
};

struct fake_settings {
    uint64_t seed;
    struct fake_codegen_settings codegen;
    struct fake_github_settings github;
    struct fake_hook_settings hooks;
    struct fake_fault *faults;
    size_t n_faults;
};

/* Defaults. */
struct fake_settings *fake_settings_new(void);
/* Defaults with the profile's values on top; NULL with err. */
struct fake_settings *fake_settings_read(const char *path, struct err *err);
void fake_settings_free(struct fake_settings *settings); /* accepts NULL */

NODISCARD bool fake_fault_find(const char *word, enum fake_fault_kind *ret_kind);
struct fake_fault fake_fault_init(void);
void fake_fault_fini(struct fake_fault *fault);

#endif
