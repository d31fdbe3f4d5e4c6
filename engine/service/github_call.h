/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_GITHUB_CALL_H
#define SIGNALBOX_SERVICE_GITHUB_CALL_H

/*
 * GitHub call: every call of GitHub's REST API that is made, as one table.
 *
 * Requests, statistics, tests and the conformance run are made from it. Names are those
 * of the API's own operation ids. API version 2022-11-28 (docs.github.com "API versions");
 * GraphQL serves what REST has not.
 *
 * In a path {repo} is "owner/name", {number} and {second} are numbers, {text} and {other}
 * are texts, percent-encoded whole, so that a branch's "/" becomes %2F.
 *
 * Redirects are never followed by the transport: github_op.c repeats the call at the new
 * path of the same service, by the same method, and logs are fetched without the token.
 */

#include "engine/service/github_link.h"
#include "engine/service/http.h"

/* clang-format off */
/* X(identifier, name, class, method, path, status of success, another or 0) */
#define GITHUB_CALL_LIST(X)                                                                                                                                                 \
    X(GITHUB_RATE_LIMIT,          "rateLimit.get",                         CALL_PROBE,  HTTP_GET,    "/rate_limit",                                               200, 0)   \
    X(GITHUB_GRAPHQL,             "graphql",                               CALL_CREATE, HTTP_POST,   "/graphql",                                                  200, 0)   \
    X(GITHUB_REPO_GET,            "repos.get",                             CALL_READ,   HTTP_GET,    "/repos/{repo}",                                             200, 0)   \
    X(GITHUB_BRANCH_GET,          "repos.getBranch",                       CALL_READ,   HTTP_GET,    "/repos/{repo}/branches/{text}",                             200, 0)   \
    X(GITHUB_COMPARE,             "repos.compareCommits",                  CALL_READ,   HTTP_GET,    "/repos/{repo}/compare/{text}...{other}",                    200, 0)   \
    X(GITHUB_CONTENT_GET,         "repos.getContent",                      CALL_READ,   HTTP_GET,    "/repos/{repo}/contents/{text}",                             200, 0)   \
    X(GITHUB_MERGE_BRANCH,        "repos.merge",                           CALL_WRITE,  HTTP_POST,   "/repos/{repo}/merges",                                      201, 204) \
    X(GITHUB_PULL_LIST,           "pulls.list",                            CALL_READ,   HTTP_GET,    "/repos/{repo}/pulls",                                       200, 0)   \
    X(GITHUB_PULL_CREATE,         "pulls.create",                          CALL_CREATE, HTTP_POST,   "/repos/{repo}/pulls",                                       201, 0)   \
    X(GITHUB_PULL_GET,            "pulls.get",                             CALL_READ,   HTTP_GET,    "/repos/{repo}/pulls/{number}",                              200, 0)   \
    X(GITHUB_PULL_UPDATE,         "pulls.update",                          CALL_WRITE,  HTTP_PATCH,  "/repos/{repo}/pulls/{number}",                              200, 0)   \
    X(GITHUB_PULL_IS_MERGED,      "pulls.checkIfMerged",                   CALL_READ,   HTTP_GET,    "/repos/{repo}/pulls/{number}/merge",                        204, 404) \
    X(GITHUB_PULL_MERGE,          "pulls.merge",                           CALL_WRITE,  HTTP_PUT,    "/repos/{repo}/pulls/{number}/merge",                        200, 0)   \
    X(GITHUB_PULL_UPDATE_BRANCH,  "pulls.updateBranch",                    CALL_WRITE,  HTTP_PUT,    "/repos/{repo}/pulls/{number}/update-branch",                202, 0)   \
    X(GITHUB_PULL_FILES,          "pulls.listFiles",                       CALL_READ,   HTTP_GET,    "/repos/{repo}/pulls/{number}/files",                        200, 0)   \
    X(GITHUB_PULL_COMMITS,        "pulls.listCommits",                     CALL_READ,   HTTP_GET,    "/repos/{repo}/pulls/{number}/commits",                      200, 0)   \
    X(GITHUB_REVIEW_LIST,         "pulls.listReviews",                     CALL_READ,   HTTP_GET,    "/repos/{repo}/pulls/{number}/reviews",                      200, 0)   \
    X(GITHUB_REVIEW_CREATE,       "pulls.createReview",                    CALL_CREATE, HTTP_POST,   "/repos/{repo}/pulls/{number}/reviews",                      200, 0)   \
    X(GITHUB_REVIEWERS_GET,       "pulls.listRequestedReviewers",          CALL_READ,   HTTP_GET,    "/repos/{repo}/pulls/{number}/requested_reviewers",          200, 0)   \
    X(GITHUB_REVIEWERS_ADD,       "pulls.requestReviewers",                CALL_CREATE, HTTP_POST,   "/repos/{repo}/pulls/{number}/requested_reviewers",          201, 0)   \
    X(GITHUB_REVIEWERS_REMOVE,    "pulls.removeRequestedReviewers",        CALL_WRITE,  HTTP_DELETE, "/repos/{repo}/pulls/{number}/requested_reviewers",          200, 0)   \
    X(GITHUB_COMMENT_LIST,        "issues.listComments",                   CALL_READ,   HTTP_GET,    "/repos/{repo}/issues/{number}/comments",                    200, 0)   \
    X(GITHUB_COMMENT_CREATE,      "issues.createComment",                  CALL_CREATE, HTTP_POST,   "/repos/{repo}/issues/{number}/comments",                    201, 0)   \
    X(GITHUB_LABEL_LIST,          "issues.listLabelsOnIssue",              CALL_READ,   HTTP_GET,    "/repos/{repo}/issues/{number}/labels",                      200, 0)   \
    X(GITHUB_LABEL_ADD,           "issues.addLabels",                      CALL_WRITE,  HTTP_POST,   "/repos/{repo}/issues/{number}/labels",                      200, 0)   \
    X(GITHUB_STATUS_CREATE,       "repos.createCommitStatus",              CALL_CREATE, HTTP_POST,   "/repos/{repo}/statuses/{text}",                             201, 0)   \
    X(GITHUB_STATUS_COMBINED,     "repos.getCombinedStatusForRef",         CALL_READ,   HTTP_GET,    "/repos/{repo}/commits/{text}/status",                       200, 0)   \
    X(GITHUB_CHECK_LIST,          "checks.listForRef",                     CALL_READ,   HTTP_GET,    "/repos/{repo}/commits/{text}/check-runs",                   200, 0)   \
    X(GITHUB_CHECK_CREATE,        "checks.create",                         CALL_CREATE, HTTP_POST,   "/repos/{repo}/check-runs",                                  201, 0)   \
    X(GITHUB_CHECK_UPDATE,        "checks.update",                         CALL_WRITE,  HTTP_PATCH,  "/repos/{repo}/check-runs/{number}",                         200, 0)   \
    X(GITHUB_SUITE_LIST,          "checks.listSuitesForRef",               CALL_READ,   HTTP_GET,    "/repos/{repo}/commits/{text}/check-suites",                 200, 0)   \
    X(GITHUB_SUITE_GET,           "checks.getSuite",                       CALL_READ,   HTTP_GET,    "/repos/{repo}/check-suites/{number}",                       200, 0)   \
    X(GITHUB_SUITE_CHECKS,        "checks.listForSuite",                   CALL_READ,   HTTP_GET,    "/repos/{repo}/check-suites/{number}/check-runs",            200, 0)   \
    X(GITHUB_SUITE_REREQUEST,     "checks.rerequestSuite",                 CALL_WRITE,  HTTP_POST,   "/repos/{repo}/check-suites/{number}/rerequest",             201, 0)   \
    X(GITHUB_RUN_LIST,            "actions.listWorkflowRunsForRepo",       CALL_READ,   HTTP_GET,    "/repos/{repo}/actions/runs",                                200, 0)   \
    X(GITHUB_RUN_GET,             "actions.getWorkflowRun",                CALL_READ,   HTTP_GET,    "/repos/{repo}/actions/runs/{number}",                       200, 0)   \
    X(GITHUB_RUN_ATTEMPT,         "actions.getWorkflowRunAttempt",         CALL_READ,   HTTP_GET,    "/repos/{repo}/actions/runs/{number}/attempts/{second}",     200, 0)   \
    X(GITHUB_RUN_JOBS,            "actions.listJobsForWorkflowRun",        CALL_READ,   HTTP_GET,    "/repos/{repo}/actions/runs/{number}/jobs",                  200, 0)   \
    X(GITHUB_RUN_LOGS,            "actions.downloadWorkflowRunLogs",       CALL_READ,   HTTP_GET,    "/repos/{repo}/actions/runs/{number}/logs",                  302, 0)   \
    X(GITHUB_RUN_RERUN,           "actions.reRunWorkflow",                 CALL_WRITE,  HTTP_POST,   "/repos/{repo}/actions/runs/{number}/rerun",                 201, 0)   \
    X(GITHUB_RUN_RERUN_FAILED,    "actions.reRunWorkflowFailedJobs",       CALL_WRITE,  HTTP_POST,   "/repos/{repo}/actions/runs/{number}/rerun-failed-jobs",     201, 0)   \
    X(GITHUB_RUN_CANCEL,          "actions.cancelWorkflowRun",             CALL_WRITE,  HTTP_POST,   "/repos/{repo}/actions/runs/{number}/cancel",                202, 0)   \
    X(GITHUB_RUN_FORCE_CANCEL,    "actions.forceCancelWorkflowRun",        CALL_WRITE,  HTTP_POST,   "/repos/{repo}/actions/runs/{number}/force-cancel",          202, 0)   \
    X(GITHUB_JOB_GET,             "actions.getJobForWorkflowRun",          CALL_READ,   HTTP_GET,    "/repos/{repo}/actions/jobs/{number}",                       200, 0)   \
    X(GITHUB_JOB_LOGS,            "actions.downloadJobLogsForWorkflowRun", CALL_READ,   HTTP_GET,    "/repos/{repo}/actions/jobs/{number}/logs",                  302, 0)   \
    X(GITHUB_JOB_RERUN,           "actions.reRunJobForWorkflowRun",        CALL_WRITE,  HTTP_POST,   "/repos/{repo}/actions/jobs/{number}/rerun",                 201, 0)   \
    X(GITHUB_WORKFLOW_DISPATCH,   "actions.createWorkflowDispatch",        CALL_CREATE, HTTP_POST,   "/repos/{repo}/actions/workflows/{text}/dispatches",         204, 200) \
    X(GITHUB_REPO_DISPATCH,       "repos.createDispatchEvent",             CALL_CREATE, HTTP_POST,   "/repos/{repo}/dispatches",                                  204, 0)   \
    X(GITHUB_REF_GET,             "git.getRef",                            CALL_READ,   HTTP_GET,    "/repos/{repo}/git/ref/{text}",                              200, 0)   \
    X(GITHUB_REF_CREATE,          "git.createRef",                         CALL_CREATE, HTTP_POST,   "/repos/{repo}/git/refs",                                    201, 0)   \
    X(GITHUB_REF_UPDATE,          "git.updateRef",                         CALL_WRITE,  HTTP_PATCH,  "/repos/{repo}/git/refs/{text}",                             200, 0)   \
    X(GITHUB_REF_DELETE,          "git.deleteRef",                         CALL_WRITE,  HTTP_DELETE, "/repos/{repo}/git/refs/{text}",                             204, 0)   \
    X(GITHUB_COMMIT_GET,          "git.getCommit",                         CALL_READ,   HTTP_GET,    "/repos/{repo}/git/commits/{text}",                          200, 0)   \
    X(GITHUB_COMMIT_CREATE,       "git.createCommit",                      CALL_CREATE, HTTP_POST,   "/repos/{repo}/git/commits",                                 201, 0)   \
    X(GITHUB_TREE_GET,            "git.getTree",                           CALL_READ,   HTTP_GET,    "/repos/{repo}/git/trees/{text}",                            200, 0)   \
    X(GITHUB_TREE_CREATE,         "git.createTree",                        CALL_CREATE, HTTP_POST,   "/repos/{repo}/git/trees",                                   201, 0)   \
    X(GITHUB_HOOK_LIST,           "repos.listWebhooks",                    CALL_READ,   HTTP_GET,    "/repos/{repo}/hooks",                                       200, 0)   \
    X(GITHUB_HOOK_CREATE,         "repos.createWebhook",                   CALL_CREATE, HTTP_POST,   "/repos/{repo}/hooks",                                       201, 0)   \
    X(GITHUB_HOOK_GET,            "repos.getWebhook",                      CALL_READ,   HTTP_GET,    "/repos/{repo}/hooks/{number}",                              200, 0)   \
    X(GITHUB_HOOK_UPDATE,         "repos.updateWebhook",                   CALL_WRITE,  HTTP_PATCH,  "/repos/{repo}/hooks/{number}",                              200, 0)   \
    X(GITHUB_HOOK_DELETE,         "repos.deleteWebhook",                   CALL_WRITE,  HTTP_DELETE, "/repos/{repo}/hooks/{number}",                              204, 0)   \
    X(GITHUB_HOOK_PING,           "repos.pingWebhook",                     CALL_WRITE,  HTTP_POST,   "/repos/{repo}/hooks/{number}/pings",                        204, 0)   \
    X(GITHUB_HOOK_TEST,           "repos.testPushWebhook",                 CALL_WRITE,  HTTP_POST,   "/repos/{repo}/hooks/{number}/tests",                        204, 0)   \
    X(GITHUB_DELIVERY_LIST,       "repos.listWebhookDeliveries",           CALL_READ,   HTTP_GET,    "/repos/{repo}/hooks/{number}/deliveries",                   200, 0)   \
    X(GITHUB_DELIVERY_GET,        "repos.getWebhookDelivery",              CALL_READ,   HTTP_GET,    "/repos/{repo}/hooks/{number}/deliveries/{second}",          200, 0)   \
    X(GITHUB_DELIVERY_AGAIN,      "repos.redeliverWebhookDelivery",        CALL_WRITE,  HTTP_POST,   "/repos/{repo}/hooks/{number}/deliveries/{second}/attempts", 202, 0)   \
    X(GITHUB_DEPLOYMENT_LIST,     "repos.listDeployments",                 CALL_READ,   HTTP_GET,    "/repos/{repo}/deployments",                                 200, 0)   \
    X(GITHUB_DEPLOYMENT_CREATE,   "repos.createDeployment",                CALL_CREATE, HTTP_POST,   "/repos/{repo}/deployments",                                 201, 202) \
    X(GITHUB_DEPLOYMENT_STATUSES, "repos.listDeploymentStatuses",          CALL_READ,   HTTP_GET,    "/repos/{repo}/deployments/{number}/statuses",               200, 0)   \
    X(GITHUB_DEPLOYMENT_REPORT,   "repos.createDeploymentStatus",          CALL_CREATE, HTTP_POST,   "/repos/{repo}/deployments/{number}/statuses",               201, 0)
/* clang-format on */

enum github_call {
#define X(id, name, class, method, path, status, other) id,
    GITHUB_CALL_LIST(X)
#undef X
        GITHUB_CALL_COUNT
};

struct github_call_row {
    const char *name;
    enum call_class class;
    enum http_method method;
    const char *path;
    int status, other;
};
const struct github_call_row *github_call_row(enum github_call call);
/* Is the status one of success? */
bool github_is_success(enum github_call call, int status);

/* What a path is made of; NULL and 0 where its call has no use for it. */
struct github_path {
    const char *repo; /* "owner/name", see github_is_repo */
    int64_t number, second;
    const char *text, *other;
    const char *query; /* without "?", encoded already; NULL: none */
};

/* "owner/name" of letters, digits, '-', '_' and '.', none of them "." or "..". */
bool github_is_repo(const char *repo);

/* A request of this call. */
NODISCARD struct http_request *github_request(enum github_call call,
                                              const struct github_path *path);
/* The same call at another path below the service (next page, redirect); takes url. */
NODISCARD struct http_request *github_request_at(enum github_call call, char *url);
/* The text behind a 302 of the logs calls, at a host that gets no token. NULL when the
 * answer has no location. */
NODISCARD struct http_request *github_request_log(const struct http_response *response);

/*
 * Requests with a body. A text that is NULL is left out.
 */
struct github_new_pull {
    const char *title, *body, *head, *base;
    bool is_draft;
};
NODISCARD struct http_request *github_pull_create(const char *repo,
                                                  const struct github_new_pull *pull);
/* state: "open" or "closed". */
NODISCARD struct http_request *github_pull_update(const char *repo, int64_t number,
                                                  const char *title, const char *body,
                                                  const char *state);
/* sha: the head that was validated; the merge is refused (409) when it has moved. */
NODISCARD struct http_request *github_pull_merge(const char *repo, int64_t number,
                                                 const char *sha, const char *method,
                                                 const char *title, const char *message);
NODISCARD struct http_request *github_pull_update_branch(const char *repo, int64_t number,
                                                         const char *head);
/* event: APPROVE, REQUEST_CHANGES or COMMENT. */
NODISCARD struct http_request *github_review_create(const char *repo, int64_t number,
                                                    const char *event, const char *body,
                                                    const char *sha);
/* Logins; call is GITHUB_REVIEWERS_ADD or GITHUB_REVIEWERS_REMOVE. */
NODISCARD struct http_request *github_reviewers(enum github_call call, const char *repo,
                                                int64_t number, char *const *logins,
                                                size_t n);
NODISCARD struct http_request *github_comment_create(const char *repo, int64_t number,
                                                     const char *body);
NODISCARD struct http_request *github_label_add(const char *repo, int64_t number,
                                                char *const *labels, size_t n);
/* state: error, failure, pending or success; at most 1000 for a sha and context. */
struct github_new_status {
    const char *state, *context, *description, *url;
};
NODISCARD struct http_request *
github_status_create(const char *repo, const char *sha,
                     const struct github_new_status *status);
/* For GitHub Apps alone; others make statuses. conclusion needs status "completed". */
struct github_new_check {
    const char *name, *sha, *status, *conclusion, *title, *summary, *url;
};
NODISCARD struct http_request *github_check_create(const char *repo,
                                                   const struct github_new_check *check);
NODISCARD struct http_request *github_check_update(const char *repo, int64_t id,
                                                   const struct github_new_check *check);
/* inputs: JSON object or NULL. workflow: id or file name. */
NODISCARD struct http_request *github_workflow_dispatch(const char *repo,
                                                        const char *workflow,
                                                        const char *ref,
                                                        const char *inputs);
NODISCARD struct http_request *github_repo_dispatch(const char *repo, const char *type,
                                                    const char *payload);
/* ref: "refs/heads/x" to create, "heads/x" to update. */
NODISCARD struct http_request *github_ref_create(const char *repo, const char *ref,
                                                 const char *sha);
NODISCARD struct http_request *github_ref_update(const char *repo, const char *ref,
                                                 const char *sha, bool is_forced);
NODISCARD struct http_request *github_commit_create(const char *repo, const char *message,
                                                    const char *tree, const char *parent);
/* One file in a tree made from another. */
NODISCARD struct http_request *github_tree_create(const char *repo, const char *base,
                                                  const char *path, const char *content);
NODISCARD struct http_request *github_merge_branch(const char *repo, const char *base,
                                                   const char *head, const char *message);
/* events: names of events. secret: as it is; the caller wipes its copy. */
struct github_new_hook {
    const char *url, *secret;
    const char *const *events;
    size_t n_events;
    bool is_active;
};
NODISCARD struct http_request *github_hook_create(const char *repo,
                                                  const struct github_new_hook *hook);
NODISCARD struct http_request *github_hook_update(const char *repo, int64_t id,
                                                  const struct github_new_hook *hook);
NODISCARD struct http_request *github_deployment_create(const char *repo, const char *ref,
                                                        const char *environment,
                                                        const char *description);
/* state: error failure inactive in_progress queued pending success. */
NODISCARD struct http_request *github_deployment_report(const char *repo, int64_t id,
                                                        const char *state,
                                                        const char *description);
/* There is no REST call that reverts a pull request or makes a draft ready. */
NODISCARD struct http_request *github_revert(const char *node_id, const char *title,
                                             const char *body);
NODISCARD struct http_request *github_mark_ready(const char *node_id);

#endif
