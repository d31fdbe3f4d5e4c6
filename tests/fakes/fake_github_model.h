/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FAKES_FAKE_GITHUB_MODEL_H
#define SIGNALBOX_TESTS_FAKES_FAKE_GITHUB_MODEL_H

/* Private to fake_github*.c: the state behind fake_github.h, and what its parts share. */

#include "engine/base/mem.h"
#include "tests/fakes/fake_github.h"

struct gh_comment {
    int64_t id;
    int number;
    char *body, *author;
    struct wall at;
};

struct gh_review {
    int64_t id;
    int number;
    char *body, *author, *state, *sha;
    struct wall at;
};

struct gh_pull {
    int64_t id;
    int number;
    char *title, *body, *author;
    char *head, *base;         /* branches */
    char *head_sha, *base_sha; /* base: where it stood when last looked at */
    bool is_draft, is_closed, is_merged;
    char *merge_sha, *merger;
    struct wall created, updated, closed;
    struct wall known; /* from then on mergeable is said */
    char **labels;
    size_t n_labels;
};

struct gh_status {
    int64_t id;
    char *sha, *state, *context, *target, *text, *author;
    struct wall at;
};

/* Several on one head and app make a suite. */
struct gh_suite {
    int64_t id;
    char *sha, *branch, *app;
    struct wall created, updated;
    int64_t run; /* workflow run, 0 = none */
    bool is_done;
};

struct gh_check {
    int64_t id, suite, run; /* run: workflow run that it is a job of, 0 = none */
    int attempt;
    char *sha, *name, *status, *conclusion; /* conclusion "" = none yet */
    char *external, *title, *summary, *text, *details;
    const struct fake_check_spec
        *spec;  /* NULL: made by a caller, who also concludes it */
    char *will; /* conclusion that it comes to */
    struct wall queued, started, completed;
    bool is_old; /* a later attempt has taken its place */
};

struct gh_run {
    int64_t id, suite;
    int number, attempt;
    char *sha, *branch, *event, *status, *conclusion;
    struct wall created, updated;
    bool is_cancelled;
};

struct gh_hook {
    int64_t id;
    char *url, *secret;
    char **events;
    size_t n_events;
    bool is_active;
    int last_status;
    struct wall created;
};

struct gh_delivery {
    int64_t id, hook;
    char *guid, *event, *action, *body;
    struct wall at;
    struct span took;
    int status; /* 0 = not tried or not answered */
    bool is_again, is_done;
};

struct gh_send {
    int64_t delivery;
    struct wall at;
};

struct gh_deployment {
    int64_t id;
    char *sha, *ref, *environment, *text;
    struct wall at;
};
struct gh_deployment_status {
    int64_t id, deployment;
    char *state, *text, *target;
    struct wall at;
};

/* What a branch was last seen at, and how many heads it has had. */
struct gh_branch {
    char *name, *sha;
    int heads;
    bool is_gone;
};

struct gh_call_count {
    char *name;
    int64_t n;
};

struct fake_github {
    const struct fake_github_settings *set;
    const struct fake_hook_settings *hooking;
    struct fake_git *git;
    struct rng rng;
    int64_t last_id;
    int last_number, last_run;
    char *full; /* "owner/name" */
    char *api;  /* URL of the repository */
    char *web;  /* ... for people */
    struct wall born, looked;
    struct gh_pull **pulls;
    struct gh_comment *comments;
    struct gh_review *reviews;
    struct gh_status *statuses;
    struct gh_suite *suites;
    struct gh_check *checks;
    struct gh_run *runs;
    struct gh_hook *hooks;
    struct gh_delivery *deliveries;
    struct gh_send *sends;
    struct gh_deployment *deployments;
    struct gh_deployment_status *deployment_statuses;
    struct gh_branch *branches;
    struct gh_call_count *counts;
    size_t n_pulls, n_comments, n_reviews, n_statuses, n_suites, n_checks, n_runs,
        n_hooks, n_deliveries, n_sends, n_deployments, n_deployment_statuses, n_branches,
        n_counts;
    int64_t n_merges, n_opened, n_reverts, n_dropped, n_duplicated, n_sent;
    struct fake_window writes;
    struct wall reset; /* of the primary limit */
    int64_t used;
};

/* One request on its way. */
struct gh_call {
    struct fake_github *gh;
    const struct fake_request *request;
    struct fake_reply *reply;
    struct wall now;
    char *arg[4]; /* parts of the path that the route leaves open, decoded */
    struct json *body;
    struct jsonw w;
    /* pages */
    int64_t per_page, page, n_items;
};

typedef void gh_handler(struct gh_call *call);

/* ---- answers ---- */
/* {"message": ...} with a status. */
void gh_fail(struct gh_call *call, int status, const char *format, ...) PRINTF_LIKE(3, 4);
/* 422 with errors[]. */
void gh_invalid(struct gh_call *call, const char *resource, const char *field,
                const char *code, const char *message);
void gh_empty(struct gh_call *call, int status);
void gh_object(struct gh_call *call, int status); /* opens {, close with gh_close */
void gh_close(struct gh_call *call);
/* Does this item stand on the page that was asked for? Counts it. */
bool gh_page_wants(struct gh_call *call);
void gh_page_open(struct gh_call *call, const char *key); /* key NULL: a bare array */
void gh_page_close(struct gh_call *call, const char *key);
const char *gh_body_str(const struct gh_call *call, const char *key,
                        const char *fallback);

/* ---- state ---- */
int64_t gh_id(struct fake_github *gh);
struct gh_pull *gh_pull_find(struct fake_github *gh, int number);
struct gh_pull *gh_pull_open_for(struct fake_github *gh, const char *branch,
                                 const char *base);
/* Head of a branch, malloc'd, or NULL. */
char *gh_branch_sha(struct fake_github *gh, const char *branch);
/* Commit that a path's {ref} names: branch, tag or commit. */
char *gh_resolve(struct fake_github *gh, const char *ref);
/* See what was pushed: webhooks, synchronised pull requests, checks. */
void gh_look(struct fake_github *gh, struct wall now);
const char *gh_default_branch(const struct fake_github *gh);
/* NULL and a reason when it cannot be merged; else the new commit of the base. */
char *gh_merge(struct fake_github *gh, struct gh_pull *pull, const char *method,
               const char *title, const char *text, const char *who, struct wall now);
/* GraphQL revertPullRequest: a new pull request, or NULL. */
struct gh_pull *gh_revert(struct fake_github *gh, struct gh_pull *pull, const char *title,
                          const char *text, struct wall now);
struct gh_pull *gh_pull_add(struct fake_github *gh, const char *head, const char *base,
                            const char *title, const char *text, const char *author,
                            bool is_draft, struct wall now);
void gh_pull_set_closed(struct fake_github *gh, struct gh_pull *pull, bool is_closed,
                        const char *who, struct wall now);
struct gh_review *gh_review_add(struct fake_github *gh, struct gh_pull *pull,
                                const char *state, const char *text, const char *who,
                                struct wall now);

/* ---- checks ---- */
void gh_checks_begin(struct fake_github *gh, const char *branch, const char *sha,
                     int head, const char *event, struct wall now);
void gh_checks_tick(struct fake_github *gh, struct wall now);
struct gh_suite *gh_suite_find(struct fake_github *gh, int64_t id);
struct gh_check *gh_check_find(struct fake_github *gh, int64_t id);
struct gh_run *gh_run_find(struct fake_github *gh, int64_t id);
struct gh_suite *gh_suite_of(struct fake_github *gh, const char *sha, const char *branch,
                             const char *app, struct wall now);
struct gh_status *gh_status_add(struct fake_github *gh, const char *sha,
                                const char *state, const char *context, const char *text,
                                const char *target, const char *author, struct wall now);
/* "success", "failure" or "pending" of the newest of each context. */
const char *gh_combined_state(struct fake_github *gh, const char *sha, size_t *ret_n);
bool gh_status_is_newest(const struct fake_github *gh, size_t index);
/* Of a suite, from its checks; conclusion "" while it is not completed. */
void gh_suite_judge(const struct fake_github *gh, const struct gh_suite *suite,
                    const char **ret_status, const char **ret_conclusion, size_t *ret_n);
bool gh_context_is_green(struct fake_github *gh, const char *sha, const char *name);

/* ---- shapes: each writes one whole object ---- */
void gh_put_user(struct fake_github *gh, struct jsonw *w, const char *key,
                 const char *login);
void gh_put_repo(struct fake_github *gh, struct jsonw *w, const char *key, bool is_full);
void gh_put_pull(struct fake_github *gh, struct jsonw *w, const char *key,
                 struct gh_pull *pull, bool is_full, struct wall now);
void gh_put_pulls_min(struct fake_github *gh, struct jsonw *w, const char *sha);
void gh_put_commit(struct fake_github *gh, struct jsonw *w, const char *key,
                   const char *sha);
void gh_put_git_commit(struct fake_github *gh, struct jsonw *w, const char *sha);
void gh_put_simple_commit(struct fake_github *gh, struct jsonw *w, const char *key,
                          const char *sha);
void gh_put_status(struct fake_github *gh, struct jsonw *w, const char *key,
                   const struct gh_status *status);
void gh_put_check(struct fake_github *gh, struct jsonw *w, const char *key,
                  const struct gh_check *check);
void gh_put_suite(struct fake_github *gh, struct jsonw *w, const char *key,
                  const struct gh_suite *suite);
void gh_put_run(struct fake_github *gh, struct jsonw *w, const char *key,
                const struct gh_run *run);
void gh_put_job(struct fake_github *gh, struct jsonw *w, const char *key,
                const struct gh_check *job);
void gh_put_workflow(struct fake_github *gh, struct jsonw *w, const char *key);
void gh_put_app(struct fake_github *gh, struct jsonw *w, const char *key,
                const char *slug);
void gh_put_comment(struct fake_github *gh, struct jsonw *w, const char *key,
                    const struct gh_comment *comment);
void gh_put_review(struct fake_github *gh, struct jsonw *w, const char *key,
                   const struct gh_review *review);
void gh_put_deployment(struct fake_github *gh, struct jsonw *w, const char *key,
                       const struct gh_deployment *deployment);
void gh_put_deployment_status(struct fake_github *gh, struct jsonw *w, const char *key,
                              const struct gh_deployment_status *status);
void gh_put_ref(struct fake_github *gh, struct jsonw *w, const char *ref,
                const char *sha);
void gh_put_hook(struct fake_github *gh, struct jsonw *w, const char *key,
                 const struct gh_hook *hook);

void gh_put_file(struct fake_github *gh, struct jsonw *w, const char *base,
                 const char *head, const char *line);

/* ---- webhooks ---- */
/* A payload begun: write the event's own fields, then gh_event_send. */
struct gh_event {
    struct buf buf;
    struct jsonw w;
    const char *name, *action;
};
void gh_event_open(struct gh_event *event, const char *name, const char *action);
void gh_event_send(struct fake_github *gh, struct gh_event *event, const char *who,
                   struct wall now);
void gh_event_pull(struct fake_github *gh, struct gh_pull *pull, const char *action,
                   const char *before, const char *who, struct wall now);

#define GH_WORKFLOW_ID   161335
#define GH_WORKFLOW_FILE ".github/workflows/ci.yml"
#define GH_APP           "github-actions"
#define GH_BOT           "signalbox-bot" /* whose the token is */

/* ---- routes ---- */
gh_handler gh_pulls_list, gh_pulls_create, gh_pulls_get, gh_pulls_patch, gh_pulls_merged,
    gh_pulls_merge, gh_pulls_update, gh_pulls_commits, gh_pulls_files, gh_pulls_reviews,
    gh_pulls_review, gh_pulls_reviewers, gh_comments_list, gh_comments_create,
    gh_comments_get, gh_comments_patch, gh_comments_delete, gh_labels_list, gh_labels_add,
    gh_commit_pulls;
gh_handler gh_status_create, gh_status_combined, gh_status_list, gh_checks_of_ref,
    gh_suites_of_ref, gh_check_create, gh_check_get, gh_check_patch, gh_check_rerequest,
    gh_check_annotations, gh_suite_get, gh_suite_checks, gh_suite_rerequest;
gh_handler gh_runs_list, gh_run_get, gh_run_attempt, gh_run_jobs, gh_run_attempt_jobs,
    gh_run_logs, gh_run_rerun, gh_run_rerun_failed, gh_run_cancel, gh_run_artifacts,
    gh_run_delete, gh_job_get, gh_job_logs, gh_job_rerun, gh_workflows_list,
    gh_workflow_get, gh_workflow_dispatch;
gh_handler gh_ref_get, gh_refs_matching, gh_ref_create, gh_ref_update, gh_ref_delete,
    gh_git_commit_get, gh_git_commit_create, gh_git_tree_get, gh_merges_create,
    gh_compare, gh_branch_get, gh_commit_get, gh_commits_list, gh_contents_get;
gh_handler gh_hooks_list, gh_hook_create, gh_hook_get, gh_hook_patch, gh_hook_delete,
    gh_hook_ping, gh_hook_test, gh_deliveries_list, gh_delivery_get, gh_delivery_again;
gh_handler gh_deployments_list, gh_deployment_create, gh_deployment_get,
    gh_deployment_statuses_list, gh_deployment_status_create, gh_repo_get, gh_rate_get,
    gh_user_get, gh_root_get, gh_dispatch, gh_graphql;

#endif
