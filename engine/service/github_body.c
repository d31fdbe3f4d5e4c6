/* SPDX-License-Identifier: MIT */
/* Calls of github_call.h that have a body. */
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/github_call.h"

/* A title and a body of a pull request may hold 256 and 65536 characters. */
#define BODY_MAX ((size_t)1024 * 1024)

struct body {
    struct http_request *request;
    struct buf buf;
    struct jsonw json;
};

static void begin(struct body *body, enum github_call call,
                  const struct github_path *path)
{
    body->request = github_request(call, path);
    buf_init(&body->buf, BODY_MAX);
    jsonw_init(&body->json, &body->buf);
    jsonw_open(&body->json, NULL, '{');
}

static struct http_request *end(struct body *body)
{
    size_t len = 0;
    jsonw_close(&body->json, '}');
    char *bytes = buf_take(&body->buf, &len);
    http_request_body(body->request, bytes, len);
    return body->request;
}

static void add(struct body *body, const char *key, const char *text)
{
    if (text != NULL) {
        jsonw_str(&body->json, key, text);
    }
}

static void add_list(struct body *body, const char *key, char *const *texts, size_t n)
{
    jsonw_open(&body->json, key, '[');
    for (size_t i = 0; i < n; i++) {
        jsonw_str(&body->json, NULL, texts[i]);
    }
    jsonw_close(&body->json, ']');
}

static void add_raw(struct body *body, const char *key, const char *json)
{
    if (json != NULL) {
        jsonw_raw(&body->json, key, json, strlen(json));
    }
}

#define AT(...) (&(struct github_path){__VA_ARGS__})

struct http_request *github_pull_create(const char *repo,
                                        const struct github_new_pull *pull)
{
    struct body body;
    begin(&body, GITHUB_PULL_CREATE, AT(.repo = repo));
    add(&body, "title", pull->title);
    add(&body, "head", pull->head);
    add(&body, "base", pull->base);
    add(&body, "body", pull->body);
    jsonw_bool(&body.json, "draft", pull->is_draft);
    return end(&body);
}

struct http_request *github_pull_update(const char *repo, int64_t number,
                                        const char *title, const char *text,
                                        const char *state)
{
    struct body body;
    begin(&body, GITHUB_PULL_UPDATE, AT(.repo = repo, .number = number));
    add(&body, "title", title);
    add(&body, "body", text);
    add(&body, "state", state);
    return end(&body);
}

struct http_request *github_pull_merge(const char *repo, int64_t number, const char *sha,
                                       const char *method, const char *title,
                                       const char *message)
{
    struct body body;
    begin(&body, GITHUB_PULL_MERGE, AT(.repo = repo, .number = number));
    add(&body, "sha", sha);
    add(&body, "merge_method", method);
    add(&body, "commit_title", title);
    add(&body, "commit_message", message);
    return end(&body);
}

struct http_request *github_pull_update_branch(const char *repo, int64_t number,
                                               const char *head)
{
    struct body body;
    begin(&body, GITHUB_PULL_UPDATE_BRANCH, AT(.repo = repo, .number = number));
    add(&body, "expected_head_sha", head);
    return end(&body);
}

struct http_request *github_review_create(const char *repo, int64_t number,
                                          const char *event, const char *text,
                                          const char *sha)
{
    struct body body;
    begin(&body, GITHUB_REVIEW_CREATE, AT(.repo = repo, .number = number));
    add(&body, "event", event);
    add(&body, "body", text);
    add(&body, "commit_id", sha);
    return end(&body);
}

struct http_request *github_reviewers(enum github_call call, const char *repo,
                                      int64_t number, char *const *logins, size_t n)
{
    struct body body;
    begin(&body, call, AT(.repo = repo, .number = number));
    add_list(&body, "reviewers", logins, n);
    return end(&body);
}

struct http_request *github_comment_create(const char *repo, int64_t number,
                                           const char *text)
{
    struct body body;
    begin(&body, GITHUB_COMMENT_CREATE, AT(.repo = repo, .number = number));
    add(&body, "body", text);
    return end(&body);
}

struct http_request *github_label_add(const char *repo, int64_t number,
                                      char *const *labels, size_t n)
{
    struct body body;
    begin(&body, GITHUB_LABEL_ADD, AT(.repo = repo, .number = number));
    add_list(&body, "labels", labels, n);
    return end(&body);
}

struct http_request *github_status_create(const char *repo, const char *sha,
                                          const struct github_new_status *status)
{
    struct body body;
    begin(&body, GITHUB_STATUS_CREATE, AT(.repo = repo, .text = sha));
    add(&body, "state", status->state);
    add(&body, "context", status->context);
    add(&body, "description", status->description);
    add(&body, "target_url", status->url);
    return end(&body);
}

static struct http_request *end_check(struct body *body,
                                      const struct github_new_check *check)
{
    add(body, "name", check->name);
    add(body, "head_sha", check->sha);
    add(body, "status", check->status);
    add(body, "conclusion", check->conclusion);
    add(body, "details_url", check->url);
    if (check->title != NULL && check->summary != NULL) { /* both or none */
        jsonw_open(&body->json, "output", '{');
        add(body, "title", check->title);
        add(body, "summary", check->summary);
        jsonw_close(&body->json, '}');
    }
    return end(body);
}

struct http_request *github_check_create(const char *repo,
                                         const struct github_new_check *check)
{
    struct body body;
    begin(&body, GITHUB_CHECK_CREATE, AT(.repo = repo));
    return end_check(&body, check);
}

struct http_request *github_check_update(const char *repo, int64_t id,
                                         const struct github_new_check *check)
{
    struct body body;
    begin(&body, GITHUB_CHECK_UPDATE, AT(.repo = repo, .number = id));
    return end_check(&body, check);
}

struct http_request *github_workflow_dispatch(const char *repo, const char *workflow,
                                              const char *ref, const char *inputs)
{
    struct body body;
    begin(&body, GITHUB_WORKFLOW_DISPATCH, AT(.repo = repo, .text = workflow));
    add(&body, "ref", ref);
    add_raw(&body, "inputs", inputs);
    return end(&body);
}

struct http_request *github_repo_dispatch(const char *repo, const char *type,
                                          const char *payload)
{
    struct body body;
    begin(&body, GITHUB_REPO_DISPATCH, AT(.repo = repo));
    add(&body, "event_type", type);
    add_raw(&body, "client_payload", payload);
    return end(&body);
}

struct http_request *github_ref_create(const char *repo, const char *ref, const char *sha)
{
    struct body body;
    begin(&body, GITHUB_REF_CREATE, AT(.repo = repo));
    add(&body, "ref", ref);
    add(&body, "sha", sha);
    return end(&body);
}

struct http_request *github_ref_update(const char *repo, const char *ref, const char *sha,
                                       bool is_forced)
{
    struct body body;
    begin(&body, GITHUB_REF_UPDATE, AT(.repo = repo, .text = ref));
    add(&body, "sha", sha);
    jsonw_bool(&body.json, "force", is_forced);
    return end(&body);
}

struct http_request *github_commit_create(const char *repo, const char *message,
                                          const char *tree, const char *parent)
{
    struct body body;
    begin(&body, GITHUB_COMMIT_CREATE, AT(.repo = repo));
    add(&body, "message", message);
    add(&body, "tree", tree);
    jsonw_open(&body.json, "parents", '[');
    add(&body, NULL, parent);
    jsonw_close(&body.json, ']');
    return end(&body);
}

struct http_request *github_tree_create(const char *repo, const char *base,
                                        const char *path, const char *content)
{
    struct body body;
    begin(&body, GITHUB_TREE_CREATE, AT(.repo = repo));
    add(&body, "base_tree", base);
    jsonw_open(&body.json, "tree", '[');
    jsonw_open(&body.json, NULL, '{');
    add(&body, "path", path);
    add(&body, "mode", "100644");
    add(&body, "type", "blob");
    add(&body, "content", content);
    jsonw_close(&body.json, '}');
    jsonw_close(&body.json, ']');
    return end(&body);
}

struct http_request *github_merge_branch(const char *repo, const char *base,
                                         const char *head, const char *message)
{
    struct body body;
    begin(&body, GITHUB_MERGE_BRANCH, AT(.repo = repo));
    add(&body, "base", base);
    add(&body, "head", head);
    add(&body, "commit_message", message);
    return end(&body);
}

static struct http_request *end_hook(struct body *body,
                                     const struct github_new_hook *hook)
{
    jsonw_bool(&body->json, "active", hook->is_active);
    jsonw_open(&body->json, "events", '[');
    for (size_t i = 0; i < hook->n_events; i++) {
        jsonw_str(&body->json, NULL, hook->events[i]);
    }
    jsonw_close(&body->json, ']');
    jsonw_open(&body->json, "config", '{');
    add(body, "url", hook->url);
    add(body, "content_type", "json");
    add(body, "secret", hook->secret);
    add(body, "insecure_ssl", "0");
    jsonw_close(&body->json, '}');
    return end(body);
}

struct http_request *github_hook_create(const char *repo,
                                        const struct github_new_hook *hook)
{
    struct body body;
    begin(&body, GITHUB_HOOK_CREATE, AT(.repo = repo));
    add(&body, "name", "web");
    return end_hook(&body, hook);
}

struct http_request *github_hook_update(const char *repo, int64_t id,
                                        const struct github_new_hook *hook)
{
    struct body body;
    begin(&body, GITHUB_HOOK_UPDATE, AT(.repo = repo, .number = id));
    return end_hook(&body, hook);
}

struct http_request *github_deployment_create(const char *repo, const char *ref,
                                              const char *environment,
                                              const char *description)
{
    struct body body;
    begin(&body, GITHUB_DEPLOYMENT_CREATE, AT(.repo = repo));
    add(&body, "ref", ref);
    add(&body, "environment", environment);
    add(&body, "description", description);
    jsonw_bool(&body.json, "auto_merge", false); /* else the base may be merged into it */
    return end(&body);
}

struct http_request *github_deployment_report(const char *repo, int64_t id,
                                              const char *state, const char *description)
{
    struct body body;
    begin(&body, GITHUB_DEPLOYMENT_REPORT, AT(.repo = repo, .number = id));
    add(&body, "state", state);
    add(&body, "description", description);
    return end(&body);
}

/* docs.github.com GraphQL "Mutations": revertPullRequest, markPullRequestReadyForReview */
struct http_request *github_revert(const char *node_id, const char *title,
                                   const char *text)
{
    struct body body;
    begin(&body, GITHUB_GRAPHQL, AT(.repo = NULL));
    add(&body, "query",
        "mutation($i:RevertPullRequestInput!){revertPullRequest(input:$i)"
        "{revertPullRequest{number url}}}");
    jsonw_open(&body.json, "variables", '{');
    jsonw_open(&body.json, "i", '{');
    add(&body, "pullRequestId", node_id);
    add(&body, "title", title);
    add(&body, "body", text);
    jsonw_close(&body.json, '}');
    jsonw_close(&body.json, '}');
    return end(&body);
}

struct http_request *github_mark_ready(const char *node_id)
{
    struct body body;
    begin(&body, GITHUB_GRAPHQL, AT(.repo = NULL));
    add(&body, "query",
        "mutation($i:MarkPullRequestReadyForReviewInput!)"
        "{markPullRequestReadyForReview(input:$i){pullRequest{isDraft}}}");
    jsonw_open(&body.json, "variables", '{');
    jsonw_open(&body.json, "i", '{');
    add(&body, "pullRequestId", node_id);
    jsonw_close(&body.json, '}');
    jsonw_close(&body.json, '}');
    return end(&body);
}
