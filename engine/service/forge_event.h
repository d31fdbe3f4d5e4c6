/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_FORGE_EVENT_H
#define SIGNALBOX_SERVICE_FORGE_EVENT_H

/*
 * Forge event: what a GitHub webhook says, as a value.
 *
 * A webhook is a hint, never a command: events come late, twice and out of order, so
 * whoever is told looks again over REST (docs.github.com, "Best practices for using
 * webhooks"). Only while the API cannot be reached do facts of events stand in for it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"

/* The events that are used; others are accepted and ignored. X(identifier, name) */
#define FORGE_EVENT_LIST(X)                                                              \
    X(FORGE_OTHER, "")                                                                   \
    X(FORGE_PING, "ping")                                                                \
    X(FORGE_PUSH, "push")                                                                \
    X(FORGE_PULL_REQUEST, "pull_request")                                                \
    X(FORGE_REVIEW, "pull_request_review")                                               \
    X(FORGE_CHECK_RUN, "check_run")                                                      \
    X(FORGE_CHECK_SUITE, "check_suite")                                                  \
    X(FORGE_STATUS, "status")                                                            \
    X(FORGE_WORKFLOW_RUN, "workflow_run")                                                \
    X(FORGE_WORKFLOW_JOB, "workflow_job")                                                \
    X(FORGE_DEPLOYMENT_STATUS, "deployment_status")
enum forge_event_kind {
#define X(id, name) id,
    FORGE_EVENT_LIST(X)
#undef X
        FORGE_EVENT_COUNT
};
enum forge_event_kind forge_event_kind(const char *name);
const char *forge_event_name(enum forge_event_kind kind);

/* Strings are malloc'd, clean (base/text.h) and never NULL; "" = not said. */
struct forge_event {
    enum forge_event_kind kind;
    char *action;     /* "opened", "completed"; "" for push, status */
    char *repository; /* "owner/name" */
    char *branch;     /* head branch, or the ref pushed to without refs/heads/ */
    char *base;       /* base branch of a pull request */
    char *sha;        /* head commit; "" when a push deleted the branch */
    char *before;     /* push, synchronize: the commit before */
    int64_t pull;     /* number of the pull request, 0 = not said */
    int64_t id;       /* of the check run, suite, workflow run, job, status, deployment */
    char *name;       /* check, context, workflow, job, environment */
    char *status;     /* queued in_progress completed; a status's or deployment's state */
    char *conclusion; /* success failure ...; a review's state */
    char *actor;      /* login of who did it */
    char *url;        /* for people */
    bool is_merged, is_draft;
    bool is_closed;  /* the pull request, or by a push the branch, is gone */
    char *merge_sha; /* "" unless is_merged */
};

#define FORGE_TEXT_MAX 1024 /* bytes of each string; a longer one is cut */

/* From a payload. False with err (ERR_PROTOCOL) when it is no JSON object, or an event that
 * is used has lost the fields that make it one; then ret_event needs no fini. A ping may
 * have no repository (one of an organization's hook), and a check of a fork's pull
 * request has `pull` 0: it is known by its sha. */
NODISCARD bool forge_event_parse(const char *name, const char *body, size_t len,
                                 struct forge_event *ret_event, struct err *err);
void forge_event_fini(struct forge_event *event);
NODISCARD struct forge_event *forge_event_copy(const struct forge_event *event);
void forge_event_free(struct forge_event *event); /* fini and free; accepts NULL */

#endif
