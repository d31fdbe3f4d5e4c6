/* SPDX-License-Identifier: MIT */
/* A request of each call, and whether its answer can be read. */
#include "engine/base/mem.h"
#include "engine/service/github_answer.h"
#include "tests/conformance/conform.h"

static char login[] = "octocat", label[] = "signalbox";
static char *const logins[] = {login};
static char *const labels[] = {label};

static int64_t number_of(enum github_call call, const struct sample *sample)
{
    const char *path = github_call_row(call)->path;
    return strstr(path, "/actions/runs/") != NULL   ? sample->run
           : strstr(path, "/actions/jobs/") != NULL ? sample->job
           : strstr(path, "/check-suites/") != NULL ? sample->suite
           : strstr(path, "/check-runs/") != NULL   ? sample->check
           : strstr(path, "/hooks/") != NULL        ? sample->hook
           : strstr(path, "/deployments/") != NULL  ? sample->deployment
                                                    : sample->pull;
}

static struct http_request *without_body(enum github_call call,
                                         const struct sample *sample)
{
    AUTO_FREE char *ref = mem_printf("heads/%s", sample->branch);
    struct github_path path = {.repo = sample->repo,
                               .number = number_of(call, sample),
                               .second = 1,
                               .text = sample->sha,
                               .other = sample->branch};
    bool is_list = false;
    switch (call) {
    case GITHUB_BRANCH_GET:
    case GITHUB_COMPARE:
        path.text = sample->base;
        break;
    case GITHUB_CONTENT_GET:
        path.text = sample->content;
        break;
    case GITHUB_REF_GET:
    case GITHUB_REF_DELETE:
        path.text = ref;
        break;
    case GITHUB_TREE_GET:
        path.text = sample->tree;
        break;
    case GITHUB_DELIVERY_GET:
    case GITHUB_DELIVERY_AGAIN:
        path.second = sample->delivery;
        break;
    case GITHUB_PULL_LIST:
        path.query = "state=all&sort=created&direction=desc&per_page=100";
        break;
    case GITHUB_RUN_JOBS:
        path.query = "filter=latest&per_page=100";
        break;
    case GITHUB_CHECK_LIST:
    case GITHUB_STATUS_COMBINED:
    case GITHUB_COMMENT_LIST:
    case GITHUB_PULL_FILES:
    case GITHUB_PULL_COMMITS:
    case GITHUB_DELIVERY_LIST:
    case GITHUB_RUN_LIST:
        is_list = true;
        break;
    default:
        break;
    }
    path.query = is_list ? "per_page=100" : path.query;
    return github_request(call, &path);
}

static struct http_request *of_check(enum github_call call, const struct sample *sample)
{
    const struct github_new_check check = {.name = sample->check_name,
                                           .sha = sample->sha,
                                           .status = "completed",
                                           .conclusion = "success",
                                           .title = "Fine",
                                           .summary = "Nothing to say.",
                                           .url = "https://example.com/check"};
    struct github_new_check update = check;
    update.sha = NULL;
    return call == GITHUB_CHECK_CREATE
               ? github_check_create(sample->repo, &check)
               : github_check_update(sample->repo, sample->check, &update);
}

static struct http_request *of_hook(enum github_call call, const struct sample *sample)
{
    static const char *const events[] = {"push", "pull_request", "check_run"};
    const struct github_new_hook hook = {.url = "https://example.com/webhooks/github",
                                         .secret = "sample",
                                         .events = events,
                                         .n_events = ARRAY_LEN(events),
                                         .is_active = true};
    return call == GITHUB_HOOK_CREATE
               ? github_hook_create(sample->repo, &hook)
               : github_hook_update(sample->repo, sample->hook, &hook);
}

static struct http_request *of_pull(enum github_call call, const struct sample *sample)
{
    const struct github_new_pull pull = {.title = "Pay faster",
                                         .body = "Make it faster.\n",
                                         .head = sample->branch,
                                         .base = sample->base};
    switch (call) {
    case GITHUB_PULL_CREATE:
        return github_pull_create(sample->repo, &pull);
    case GITHUB_PULL_UPDATE:
        return github_pull_update(sample->repo, sample->pull, "Pay faster", "Text.\n",
                                  "open");
    case GITHUB_PULL_MERGE:
        return github_pull_merge(sample->repo, sample->pull, sample->sha, "squash",
                                 "Pay faster (#1)", "Signalbox-Workflow: wf-12\n");
    case GITHUB_PULL_UPDATE_BRANCH:
        return github_pull_update_branch(sample->repo, sample->pull, sample->sha);
    case GITHUB_REVIEW_CREATE:
        return github_review_create(sample->repo, sample->pull, "COMMENT", "Seen.",
                                    sample->sha);
    case GITHUB_COMMENT_CREATE:
        return github_comment_create(sample->repo, sample->pull, "A comment.");
    case GITHUB_LABEL_ADD:
        return github_label_add(sample->repo, sample->pull, labels, ARRAY_LEN(labels));
    case GITHUB_REVIEWERS_ADD:
    case GITHUB_REVIEWERS_REMOVE:
        return github_reviewers(call, sample->repo, sample->pull, logins,
                                ARRAY_LEN(logins));
    default:
        return NULL;
    }
}

static struct http_request *of_git(enum github_call call, const struct sample *sample)
{
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", sample->branch);
    switch (call) {
    case GITHUB_REF_CREATE:
        return github_ref_create(sample->repo, ref, sample->sha);
    case GITHUB_REF_UPDATE:
        return github_ref_update(sample->repo, ref + strlen("refs/"), sample->sha, true);
    case GITHUB_COMMIT_CREATE:
        return github_commit_create(sample->repo, "A commit", sample->tree,
                                    sample->parent);
    case GITHUB_TREE_CREATE:
        return github_tree_create(sample->repo, sample->tree, "a.txt", "text\n");
    case GITHUB_MERGE_BRANCH:
        return github_merge_branch(sample->repo, sample->branch, sample->base, "Merge");
    default:
        return NULL;
    }
}

struct http_request *sample_request(enum github_call call, const struct sample *sample)
{
    const struct github_new_status status = {.state = "success",
                                             .context = "signalbox",
                                             .description = "Fine",
                                             .url = "https://example.com/status"};
    struct http_request *request = of_pull(call, sample);
    request = request != NULL ? request : of_git(call, sample);
    if (request != NULL) {
        return request;
    }
    switch (call) {
    case GITHUB_STATUS_CREATE:
        return github_status_create(sample->repo, sample->sha, &status);
    case GITHUB_CHECK_CREATE:
    case GITHUB_CHECK_UPDATE:
        return of_check(call, sample);
    case GITHUB_HOOK_CREATE:
    case GITHUB_HOOK_UPDATE:
        return of_hook(call, sample);
    case GITHUB_WORKFLOW_DISPATCH:
        return github_workflow_dispatch(sample->repo, sample->workflow, sample->base,
                                        "{\"why\":\"asked\"}");
    case GITHUB_REPO_DISPATCH:
        return github_repo_dispatch(sample->repo, "signalbox",
                                    "{\"workflow\":\"wf-12\"}");
    case GITHUB_DEPLOYMENT_CREATE:
        return github_deployment_create(sample->repo, sample->base, "production", "Go");
    case GITHUB_DEPLOYMENT_REPORT:
        return github_deployment_report(sample->repo, sample->deployment, "success",
                                        "Done");
    default:
        return without_body(call, sample);
    }
}

/* ---- answers -------------------------------------------------------------------------- */

static bool reads_text(char *text)
{
    bool is_text = text != NULL;
    free(text);
    return is_text;
}

static bool reads_checks(enum github_call call, const struct http_response *response)
{
    struct github_checks checks = {.n = 0};
    bool done = call == GITHUB_STATUS_COMBINED
                    ? github_checks_add_statuses(&checks, response)
                    : github_checks_add_runs(&checks, response);
    github_checks_fini(&checks);
    return done;
}

static bool reads_pull(enum github_call call, const struct http_response *response)
{
    struct github_pull pull = {.number = 0};
    struct github_pulls pulls = {.n = 0};
    bool done = call == GITHUB_PULL_LIST ? github_pulls_read(response, &pulls)
                                         : github_pull_read(response, &pull);
    github_pull_fini(&pull);
    github_pulls_fini(&pulls);
    return done;
}

static bool reads_git(enum github_call call, const struct http_response *response)
{
    struct github_commit commit = {.sha = NULL};
    struct github_compare compare = {.merge_base = NULL};
    char *sha = NULL;
    bool done = call == GITHUB_COMPARE ? github_compare_read(response, &compare)
                : call == GITHUB_COMMIT_GET || call == GITHUB_COMMIT_CREATE
                    ? github_commit_read(response, &commit)
                    : github_sha_read(response, &sha);
    github_commit_fini(&commit);
    github_compare_fini(&compare);
    free(sha);
    return done;
}

static bool reads_house(enum github_call call, const struct http_response *response)
{
    struct github_repo repo = {.name = NULL};
    struct github_rate rate;
    struct github_merge merge = {.sha = NULL};
    struct github_deliveries deliveries = {.n = 0};
    bool done = call == GITHUB_REPO_GET     ? github_repo_read(response, &repo)
                : call == GITHUB_RATE_LIMIT ? github_rate_read(response, &rate)
                : call == GITHUB_PULL_MERGE
                    ? github_merge_read(response, &merge)
                    : github_deliveries_add(&deliveries, response);
    github_repo_fini(&repo);
    github_merge_fini(&merge);
    github_deliveries_fini(&deliveries);
    return done;
}

static bool reads_actions(enum github_call call, const struct http_response *response)
{
    struct github_runs runs = {.n = 0};
    struct github_suites suites = {.n = 0};
    bool done = call == GITHUB_SUITE_LIST || call == GITHUB_SUITE_GET
                    ? github_suites_read(response, &suites)
                    : github_runs_read(response, &runs);
    github_runs_fini(&runs);
    github_suites_fini(&suites);
    return done;
}

bool is_readable(enum github_call call, const struct http_response *response)
{
    switch (call) {
    case GITHUB_REPO_GET:
    case GITHUB_RATE_LIMIT:
    case GITHUB_PULL_MERGE:
    case GITHUB_DELIVERY_LIST:
        return reads_house(call, response);
    case GITHUB_PULL_LIST:
    case GITHUB_PULL_GET:
    case GITHUB_PULL_CREATE:
    case GITHUB_PULL_UPDATE:
        return reads_pull(call, response);
    case GITHUB_BRANCH_GET:
    case GITHUB_COMPARE:
    case GITHUB_REF_GET:
    case GITHUB_REF_CREATE:
    case GITHUB_REF_UPDATE:
    case GITHUB_COMMIT_GET:
    case GITHUB_COMMIT_CREATE:
    case GITHUB_TREE_GET:
    case GITHUB_TREE_CREATE:
        return reads_git(call, response);
    case GITHUB_PULL_FILES:
        return reads_text(github_diff_read(response, 65536));
    case GITHUB_PULL_COMMITS:
        return reads_text(github_commits_read(response, 65536));
    case GITHUB_CHECK_LIST:
    case GITHUB_SUITE_CHECKS:
    case GITHUB_STATUS_COMBINED:
        return reads_checks(call, response);
    case GITHUB_SUITE_LIST:
    case GITHUB_SUITE_GET:
    case GITHUB_RUN_LIST:
    case GITHUB_RUN_GET:
    case GITHUB_RUN_ATTEMPT:
    case GITHUB_RUN_JOBS:
    case GITHUB_JOB_GET:
        return reads_actions(call, response);
    case GITHUB_COMMENT_CREATE:
    case GITHUB_STATUS_CREATE:
    case GITHUB_CHECK_CREATE:
    case GITHUB_CHECK_UPDATE:
    case GITHUB_REVIEW_CREATE:
    case GITHUB_HOOK_CREATE:
    case GITHUB_HOOK_GET:
    case GITHUB_HOOK_UPDATE:
    case GITHUB_DEPLOYMENT_CREATE:
    case GITHUB_DEPLOYMENT_REPORT:
        return github_id_read(response) > 0;
    default:
        return true;
    }
}
