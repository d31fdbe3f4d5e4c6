/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_GITHUB_ANSWER_H
#define SIGNALBOX_SERVICE_GITHUB_ANSWER_H

/*
 * GitHub answer: the bodies of answers as values.
 *
 * A parser takes the body of a successful answer and reads the fields that are used;
 * others may be missing, null or new. False: not what the call answers (ERR_PROTOCOL
 * would say no more than "not a pull request").
 *
 * Ownership: texts are malloc'd, clean, bounded (GITHUB_TEXT_MAX) and never NULL after a
 * parser was true; *_fini accepts an all-zero struct.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/service/http.h"

#define GITHUB_TEXT_MAX 512
#define GITHUB_LIST_MAX 1000 /* rows that are kept of all pages of a list */

enum github_maybe { GITHUB_UNKNOWN, GITHUB_NO, GITHUB_YES };

struct github_repo {
    char *name, *default_branch; /* "owner/name" */
    bool is_archived, may_push;
    bool allows_merge, allows_squash; /* true when it is not said */
};
bool github_repo_read(const struct http_response *response, struct github_repo *ret_repo);
void github_repo_fini(struct github_repo *repo);

struct github_pull {
    int64_t number;
    char *node_id, *title, *url;
    char *head_ref, *head_sha, *head_repo; /* repository "" when it was deleted */
    char *base_ref, *base_sha;
    char *merge_sha; /* "" unless merged */
    char *state;     /* mergeable_state: clean unstable dirty blocked behind draft ... */
    enum github_maybe mergeable; /* unknown: being computed, ask again */
    bool is_open, is_merged, is_draft;
    bool is_ours;    /* its body has our mark of a workflow */
    char *mark;      /* that mark, "wf-12"; "" = none */
    int64_t reverts; /* number of the pull request that it takes back, 0 = none */
};
/* Lines of a pull request's body: whose it is, and which one it takes back. */
#define GITHUB_MARK    "Signalbox-Workflow: "
#define GITHUB_REVERTS "Signalbox-Reverts: #"
bool github_pull_read(const struct http_response *response, struct github_pull *ret_pull);
void github_pull_fini(struct github_pull *pull);
/* A list; the pulls are malloc'd. */
struct github_pulls {
    struct github_pull *rows;
    size_t n;
};
bool github_pulls_read(const struct http_response *response,
                       struct github_pulls *ret_pulls);
void github_pulls_fini(struct github_pulls *pulls);

/* What became of a check, of either kind. */
enum github_verdict {
    CHECK_PENDING,
    CHECK_GREEN,  /* success, neutral, skipped */
    CHECK_RED,    /* failure, timed_out, error */
    CHECK_PERSON, /* action_required, cancelled, stale, startup_failure: who knows why */
};
struct github_check {
    bool is_run; /* a check run; else a commit status */
    int64_t id;
    char *name;  /* of the run, or context of the status */
    char *word;  /* conclusion or status as GitHub says it */
    char *title; /* of its output, or the status's description */
    char *url;   /* for people */
    char *app;   /* slug; "github-actions" has job logs */
    int64_t job; /* Actions: number of the job, 0 = none */
    enum github_verdict verdict;
};
struct github_checks {
    struct github_check *rows;
    size_t n;
    bool is_cut; /* more than GITHUB_LIST_MAX */
};
/* Add a page of check runs, or of a combined status; false: it is none. */
bool github_checks_add_runs(struct github_checks *checks,
                            const struct http_response *response);
bool github_checks_add_statuses(struct github_checks *checks,
                                const struct http_response *response);
void github_checks_fini(struct github_checks *checks);
enum github_verdict github_verdict_of_run(const char *status, const char *conclusion);
enum github_verdict github_verdict_of_status(const char *state);

/*
 * The gate rule: may this head be merged as far as checks go?
 *   CHECKS_GREEN    at least one check, all of them green, and all expected ones among them
 *   CHECKS_NONE     no check at all, and none is expected
 *   CHECKS_PENDING  something runs, or an expected one has not come
 *   CHECKS_RED      one is red;  CHECKS_PERSON  one is neither, and waits for a person
 */
enum github_gate { CHECKS_GREEN, CHECKS_NONE, CHECKS_PENDING, CHECKS_RED, CHECKS_PERSON };
enum github_gate github_gate(const struct github_checks *checks, char *const *expected,
                             size_t n_expected);
/* "3 green, 1 red (unit), 2 pending (lint, docs), not there: deploy"; malloc'd, clean. */
NODISCARD char *github_gate_text(const struct github_checks *checks,
                                 char *const *expected, size_t n_expected);

struct github_merge {
    char *sha, *message;
    bool is_merged;
};
bool github_merge_read(const struct http_response *response,
                       struct github_merge *ret_merge);
void github_merge_fini(struct github_merge *merge);

/* sha of a ref, a branch or a created commit. */
bool github_sha_read(const struct http_response *response, char **ret_sha);

struct github_commit {
    char *sha, *tree, *parent; /* the first parent */
};
bool github_commit_read(const struct http_response *response,
                        struct github_commit *ret_commit);
void github_commit_fini(struct github_commit *commit);

struct github_compare {
    int64_t ahead, behind;
    size_t n_files;
    char *merge_base; /* sha */
    char *commits;    /* "1234567 subject" lines, newest first; "" none */
};
bool github_compare_read(const struct http_response *response,
                         struct github_compare *ret_compare);
void github_compare_fini(struct github_compare *compare);

/* The files of a pull request as one unified diff, and its commits as lines; malloc'd, at
 * most `max` bytes, NULL when it is no such list. */
NODISCARD char *github_diff_read(const struct http_response *response, size_t max);
NODISCARD char *github_commits_read(const struct http_response *response, size_t max);

/* Does a list of comments have one with this text in it? */
bool github_has_comment(const struct http_response *response, const char *text);

/*
 * The lines of a job's log that say what failed (excerpt.h), without the times in front. Clean,
 * at most max bytes, malloc'd.
 */
NODISCARD char *github_log_excerpt(const char *log, size_t len, size_t max);

/* Id of what was made: a comment, status, hook, deployment, check run. 0 = none. */
int64_t github_id_read(const struct http_response *response);

struct github_run { /* of Actions: a workflow run, or one of its jobs */
    int64_t id, run, suite;
    int attempt;
    char *name, *status, *conclusion, *sha, *branch, *url;
    char *failed_step; /* of a job; "" none */
};
struct github_runs {
    struct github_run *rows;
    size_t n;
};
/* One run or job, or a list of them. */
bool github_runs_read(const struct http_response *response, struct github_runs *ret_runs);
void github_runs_fini(struct github_runs *runs);

struct github_suite {
    int64_t id, n_runs;
    char *status, *conclusion, *app;
};
struct github_suites {
    struct github_suite *rows;
    size_t n;
};
bool github_suites_read(const struct http_response *response,
                        struct github_suites *ret_suites);
void github_suites_fini(struct github_suites *suites);

struct github_delivery {
    int64_t id;
    char *guid, *event;
    struct wall at;
    bool is_fine, is_again;
};
struct github_deliveries {
    struct github_delivery *rows;
    size_t n;
};
/* Add a page. */
bool github_deliveries_add(struct github_deliveries *deliveries,
                           const struct http_response *response);
void github_deliveries_fini(struct github_deliveries *deliveries);

/* resources.core of rate_limit (its top level is going away). */
struct github_rate {
    int64_t limit, remaining, reset_s;
};
bool github_rate_read(const struct http_response *response, struct github_rate *ret_rate);

/* The pull request that a GraphQL revert made. False: none; `why` has the first error. */
struct github_reverted {
    int64_t number;
    char *url, *why;
};
bool github_reverted_read(const struct http_response *response,
                          struct github_reverted *ret_reverted);
void github_reverted_fini(struct github_reverted *reverted);

#endif
