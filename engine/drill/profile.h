/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DRILL_PROFILE_H
#define SIGNALBOX_DRILL_PROFILE_H

/*
 * Profile of a drill: a fleet, the faults that befall it, and the hidden truth about what
 * helps. A YAML file; signalbox-drill(5) is made from the table in profile.c.
 *
 *   name: rate limits
 *   fleet: {arrivals: 10s, crash_every: 2h}
 *   settings: |
 *     max_running: 100
 *     services: [{name: github_api, kind: github, token: {env: X}}]
 *   pipelines:
 *     - share: 70%
 *       text: |
 *         name: web
 *         ...
 *   faults:
 *     - name: registry is slow to answer
 *       where: {step: deps}
 *       share: 20%
 *       class: network
 *       logs:
 *         - "npm ERR! network request to https://registry.npmjs.org/{package} failed"
 *       helps: {retry: 70%, checkpoint: 70%}
 *
 * The engine never sees `class`, `helps`, `lasts`, `person`: they are the truth that its
 * decisions are judged by.
 */

#include "engine/control/config.h"
#include "engine/workflow/pipeline.h"
#include "store/recovery.h"

/* X(identifier, word, it is of calls to a service, help) */
#define DRILL_WHAT_LIST(X)                                                               \
    X(DRILL_FAILS, "fails", false, "the step runs, and fails")                           \
    X(DRILL_HANGS, "hangs", false, "the step never ends, and is killed at its deadline") \
    X(DRILL_VANISHES, "vanishes", false, "what performs the step dies without a word")   \
    X(DRILL_MISSING, "missing", false, "the step cannot be begun: a program is missing") \
    X(DRILL_SLOW, "slow", false, "the step, or each call, takes longer")                 \
    X(DRILL_UNREACHED, "unreached", true, "no connection to the service")                \
    X(DRILL_ANSWERS, "answers", true, "the service answers with an error status")        \
    X(DRILL_SILENT, "silent", true, "the service takes calls, and never answers")        \
    X(DRILL_LOSES, "loses", true, "what was asked for is done, the answer gets lost")
enum drill_what {
#define X(id, word, of_calls, help) id,
    DRILL_WHAT_LIST(X)
#undef X
        DRILL_WHAT_COUNT
};
bool drill_is_of_calls(enum drill_what what);

enum drill_person { DRILL_FIXES, DRILL_CANCELS };
enum drill_begins { DRILL_BY_ITSELF, DRILL_WITH_A_MERGE };

/* Text of a log, with {words} to be filled in, see drill_text. */
struct drill_log {
    char *text;
};

struct drill_fault {
    char *name;
    char *service, *step, *pipeline; /* where; "" = any */
    enum drill_what what;
    double share; /* of the workflows that come by; of the calls; of the merges */
    enum drill_begins begins;
    double at;          /* share of the campaign when it begins */
    struct span length; /* of the window; 0 = to the end */
    int windows;        /* at random moments; 0 = one, that begins at `at` */
    char *group;        /* faults of one group have their windows together */
    bool is_shared;     /* one condition of the surroundings for all that it hits */
    enum failure_class class_;
    int http;
    struct span retry_after;
    int exit_status;
    int times; /* DRILL_SLOW */
    struct drill_log *logs;
    size_t n_logs;
    double helps[RUNG_COUNT], then[RUNG_COUNT]; /* before and after the drift */
    struct span lasts; /* it goes away by itself; 0 = it does not */
    bool needs_person; /* nothing but a person helps */
    enum drill_person person;
    int bound;     /* attempts that may be spent on what can never be recovered */
    bool has_then; /* the file has `then` */
};

struct drill_time {
    char *step;
    struct span takes;
};

struct drill_pipeline {
    char *text, *file;
    double share;
    struct pipeline *pipeline;
    char *source; /* its text, wherever it came from */
};

struct drill_profile {
    char *name;
    struct span arrivals, crash_every, restart;
    struct span operator_delay;
    double drift; /* share of the campaign; 1 = never */
    char *settings, *settings_file;
    struct config *config;
    struct drill_pipeline *pipelines;
    size_t n_pipelines;
    struct drill_time *times;
    size_t n_times;
    struct drill_fault *faults;
    size_t n_faults;
};

#define DRILL_FAULTS_MAX 64

/* NULL when anything is wrong; then findings has at least one line. Relative paths in it
 * are relative to the folder of `file`. */
NODISCARD struct drill_profile *drill_profile_parse(const char *file, const char *text,
                                                    size_t len,
                                                    struct findings *findings);
void drill_profile_free(struct drill_profile *profile); /* accepts NULL */
/* Chance that `rung` helps against this fault. */
double drill_helps(const struct drill_fault *fault, enum rung rung, bool has_drifted);
/* Can it be overcome without a person? */
bool drill_is_recoverable(const struct drill_fault *fault, bool has_drifted);

struct schema;
const struct schema *drill_profile_schema(void);

#endif
