/* SPDX-License-Identifier: MIT */

/* The repository itself, deployments, GraphQL, the rate limit, and people at work. */

#include "tests/fakes/fake_github_model.h"

void gh_repo_get(struct gh_call *call)
{
    jsonw_init(&call->w, &call->reply->body);
    gh_put_repo(call->gh, &call->w, NULL, true);
}

static void put_rate(struct gh_call *call, const char *key)
{
    const struct fake_github *gh = call->gh;
    jsonw_open(&call->w, key, '{');
    jsonw_int(&call->w, "limit", gh->set->limit);
    jsonw_int(&call->w, "remaining", gh->set->limit - gh->used);
    jsonw_int(&call->w, "reset", gh->reset.ms / 1000);
    jsonw_int(&call->w, "used", gh->used);
    jsonw_close(&call->w, '}');
}

void gh_rate_get(struct gh_call *call)
{
    gh_object(call, 200);
    jsonw_open(&call->w, "resources", '{');
    put_rate(call, "core");
    put_rate(call, "search");
    put_rate(call, "graphql");
    jsonw_close(&call->w, '}');
    put_rate(call, "rate");
    gh_close(call);
}

void gh_root_get(struct gh_call *call)
{
    static const char *const words[] = {"current_user",
                                        "current_user_authorizations_html",
                                        "authorizations",
                                        "code_search",
                                        "commit_search",
                                        "emails",
                                        "emojis",
                                        "events",
                                        "feeds",
                                        "followers",
                                        "following",
                                        "gists",
                                        "hub",
                                        "issue_search",
                                        "issues",
                                        "keys",
                                        "label_search",
                                        "notifications",
                                        "organization",
                                        "organization_repositories",
                                        "organization_teams",
                                        "public_gists",
                                        "rate_limit",
                                        "repository",
                                        "repository_search",
                                        "current_user_repositories",
                                        "starred",
                                        "starred_gists",
                                        "user",
                                        "user_organizations",
                                        "user_repositories",
                                        "user_search"};
    gh_object(call, 200);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        AUTO_FREE char *key = mem_printf("%s_url", words[i]);
        fake_put(&call->w, key, "%s/%s", call->gh->set->url, words[i]);
    }
    gh_close(call);
}

void gh_user_get(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    struct buf AUTO_BUF user;
    struct jsonw w;
    buf_init(&user, 64 * 1024);
    jsonw_init(&w, &user);
    gh_put_user(gh, &w, NULL, GH_BOT);
    /* The same object with more fields: its closing brace is opened again. */
    buf_add(&call->reply->body, user.data, user.len - 1);
    jsonw_init(&call->w, &call->reply->body);
    call->w.needs_comma = true;
    static const char *const nulls[] = {"name",  "company",  "blog", "location",
                                        "email", "hireable", "bio"};
    static const char *const counts[] = {"public_repos", "public_gists", "followers",
                                         "following"};
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        jsonw_null(&call->w, nulls[i]);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        jsonw_int(&call->w, counts[i], 0);
    fake_put_time(&call->w, "created_at", gh->born);
    fake_put_time(&call->w, "updated_at", gh->born);
    jsonw_close(&call->w, '}');
}

void gh_dispatch(struct gh_call *call)
{
    if (*gh_body_str(call, "event_type", "") == '\0')
        gh_invalid(call, "Repository", "event_type", "missing_field", NULL);
    else
        gh_empty(call, 204);
}

/* ---- deployments -------------------------------------------------------------------- */

void gh_deployments_list(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    AUTO_FREE char *sha = fake_request_param(call->request, "sha");
    AUTO_FREE char *environment = fake_request_param(call->request, "environment");
    gh_page_open(call, NULL);
    for (size_t i = gh->n_deployments; i > 0; i--) {
        const struct gh_deployment *deployment = &gh->deployments[i - 1];
        if ((sha == NULL || strcmp(sha, deployment->sha) == 0) &&
            (environment == NULL || strcmp(environment, deployment->environment) == 0) &&
            gh_page_wants(call))
            gh_put_deployment(gh, &call->w, NULL, deployment);
    }
    gh_page_close(call, NULL);
}

void gh_deployment_create(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const char *ref = gh_body_str(call, "ref", "");
    AUTO_FREE char *sha = gh_resolve(gh, ref);
    if (sha == NULL) {
        gh_fail(call, 422, "No ref found for: %s", ref);
        return;
    }
    size_t n;
    const struct json *contexts = json_get(call->body, "required_contexts");
    if (contexts == NULL && strcmp(gh_combined_state(gh, sha, &n), "success") != 0 &&
        n > 0) {
        gh_fail(call, 409, "Conflict: Commit status checks failed for %s.", ref);
        return;
    }
    struct gh_deployment *deployment = FAKE_ADD(gh->deployments, gh->n_deployments);
    *deployment = (struct gh_deployment){
        gh_id(gh),
        TAKE(sha),
        mem_str(ref),
        mem_str(gh_body_str(call, "environment", "production")),
        mem_str(gh_body_str(call, "description", "")),
        call->now,
    };
    call->reply->status = 201;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_deployment(gh, &call->w, NULL, deployment);
}

static struct gh_deployment *deployment_of(struct gh_call *call)
{
    int64_t id = fake_number(call->arg[0], 0);
    for (size_t i = 0; i < call->gh->n_deployments; i++)
        if (call->gh->deployments[i].id == id)
            return &call->gh->deployments[i];
    gh_fail(call, 404, "Not Found");
    return NULL;
}

void gh_deployment_get(struct gh_call *call)
{
    const struct gh_deployment *deployment = deployment_of(call);
    if (deployment == NULL)
        return;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_deployment(call->gh, &call->w, NULL, deployment);
}

void gh_deployment_statuses_list(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const struct gh_deployment *deployment = deployment_of(call);
    if (deployment == NULL)
        return;
    gh_page_open(call, NULL);
    for (size_t i = gh->n_deployment_statuses; i > 0; i--)
        if (gh->deployment_statuses[i - 1].deployment == deployment->id &&
            gh_page_wants(call))
            gh_put_deployment_status(gh, &call->w, NULL, &gh->deployment_statuses[i - 1]);
    gh_page_close(call, NULL);
}

void gh_deployment_status_create(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const struct gh_deployment *deployment = deployment_of(call);
    if (deployment == NULL)
        return;
    struct gh_deployment_status *status =
        FAKE_ADD(gh->deployment_statuses, gh->n_deployment_statuses);
    *status = (struct gh_deployment_status){
        gh_id(gh),
        deployment->id,
        mem_str(gh_body_str(call, "state", "")),
        mem_str(gh_body_str(call, "description", "")),
        mem_str(gh_body_str(call, "target_url", gh->web)),
        call->now,
    };
    struct gh_event event;
    gh_event_open(&event, "deployment_status", "created");
    gh_put_deployment_status(gh, &event.w, "deployment_status", status);
    gh_put_deployment(gh, &event.w, "deployment", deployment);
    gh_event_send(gh, &event, GH_BOT, call->now);
    call->reply->status = 201;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_deployment_status(gh, &call->w, NULL, status);
}

/* ---- GraphQL ------------------------------------------------------------------------ */

static void graph_error(struct gh_call *call, const char *type, const char *message)
{
    gh_object(call, 200);
    jsonw_open(&call->w, "data", '{');
    jsonw_null(&call->w, "revertPullRequest");
    jsonw_close(&call->w, '}');
    jsonw_open(&call->w, "errors", '[');
    jsonw_open(&call->w, NULL, '{');
    jsonw_str(&call->w, "type", type);
    jsonw_str(&call->w, "message", message);
    jsonw_close(&call->w, '}');
    jsonw_close(&call->w, ']');
    gh_close(call);
}

/* docs.github.com/graphql/reference/mutations#revertpullrequest; the variable's name is the
 * caller's choice, so the first object with a pullRequestId is the input. */
void gh_graphql(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const struct json *variables = json_get(call->body, "variables"), *input = NULL,
                      *value;
    const char *key;
    void *iter = NULL;
    while (json_next(variables, &iter, &key, &value))
        if (json_get(value, "pullRequestId") != NULL)
            input = value;
    const char *id = json_str(input, "pullRequestId", "");
    if (strstr(gh_body_str(call, "query", ""), "revertPullRequest") == NULL) {
        graph_error(call, "UNDEFINED_FIELD", "Only revertPullRequest is simulated");
        return;
    }
    struct gh_pull *pull =
        strncmp(id, "PR_", 3) == 0 ? gh_pull_find(gh, (int)fake_number(id + 3, 0)) : NULL;
    if (pull == NULL || !pull->is_merged) {
        graph_error(call, "NOT_FOUND", "Could not resolve to a merged pull request");
        return;
    }
    struct gh_pull *revert = gh_revert(gh, pull, json_str(input, "title", NULL),
                                       json_str(input, "body", NULL), call->now);
    if (revert == NULL) {
        graph_error(call, "UNPROCESSABLE", "The pull request cannot be reverted cleanly");
        return;
    }
    gh_object(call, 200);
    jsonw_open(&call->w, "data", '{');
    jsonw_open(&call->w, "revertPullRequest", '{');
    jsonw_open(&call->w, "revertPullRequest", '{');
    jsonw_int(&call->w, "number", revert->number);
    fake_put(&call->w, "url", "%s/pull/%d", gh->web, revert->number);
    fake_put(&call->w, "id", "PR_%d", revert->number);
    jsonw_close(&call->w, '}');
    jsonw_close(&call->w, '}');
    jsonw_close(&call->w, '}');
    gh_close(call);
}

/* ---- people ------------------------------------------------------------------------- */

static bool act(struct fake_github *gh, const struct json *what, struct wall now,
                struct jsonw *w)
{
    const char *action = json_str(what, "action", "");
    const char *who = json_str(what, "who", "alice");
    const char *branch = json_str(what, "branch", "");
    struct gh_pull *pull = gh_pull_find(gh, (int)json_int(what, "number", 0));
    if (strcmp(action, "commit") == 0) {
        AUTO_FREE char *sha = fake_github_commit(
            gh, branch, json_str(what, "base", gh_default_branch(gh)),
            json_str(what, "path", "notes.txt"), json_str(what, "text", "by hand\n"),
            json_str(what, "message", "a commit by hand"), who, now);
        jsonw_str(w, "sha", sha);
        return sha != NULL;
    }
    if (strcmp(action, "pull") == 0) {
        pull = gh_pull_add(gh, branch, json_str(what, "base", gh_default_branch(gh)),
                           json_str(what, "title", "By hand"), json_str(what, "body", ""),
                           who, json_bool(what, "draft", false), now);
        jsonw_int(w, "number", pull != NULL ? pull->number : 0);
        return pull != NULL;
    }
    if (pull == NULL)
        return false;
    if (strcmp(action, "close") == 0 || strcmp(action, "reopen") == 0) {
        gh_pull_set_closed(gh, pull, *action == 'c', who, now);
    } else if (strcmp(action, "review") == 0) {
        (void)gh_review_add(gh, pull, json_str(what, "state", "APPROVED"),
                            json_str(what, "body", ""), who, now);
    } else if (strcmp(action, "merge") == 0) {
        AUTO_FREE char *sha = gh_merge(gh, pull, "merge", NULL, NULL, who, now);
        jsonw_str(w, "sha", sha);
        return sha != NULL;
    } else {
        return false;
    }
    return true;
}

void fake_github_human(struct fake_github *gh, const struct json *what, struct wall now,
                       struct fake_reply *reply)
{
    struct jsonw w;
    jsonw_init(&w, &reply->body);
    jsonw_open(&w, NULL, '{');
    bool is_done = act(gh, what, now, &w);
    jsonw_bool(&w, "done", is_done);
    jsonw_close(&w, '}');
    reply->status = is_done ? 200 : 422;
}

/* ---- state -------------------------------------------------------------------------- */

static void put_pulls(struct fake_github *gh, struct jsonw *w)
{
    jsonw_open(w, "pulls", '[');
    for (size_t i = 0; i < gh->n_pulls; i++) {
        const struct gh_pull *pull = gh->pulls[i];
        jsonw_open(w, NULL, '{');
        jsonw_int(w, "number", pull->number);
        jsonw_str(w, "head", pull->head);
        jsonw_str(w, "head_sha", pull->head_sha);
        jsonw_str(w, "author", pull->author);
        jsonw_str(w, "state",
                  pull->is_merged   ? "merged"
                  : pull->is_closed ? "closed"
                                    : "open");
        jsonw_str(w, "merge_sha", pull->merge_sha);
        jsonw_int(w, "labels", (int64_t)pull->n_labels);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

void fake_github_state(struct fake_github *gh, struct jsonw *w)
{
    int64_t failed = 0;
    for (size_t i = 0; i < gh->n_deliveries; i++)
        failed += gh->deliveries[i].is_done &&
                  (gh->deliveries[i].status < 200 || gh->deliveries[i].status > 299);
    jsonw_int(w, "pull_requests", gh->n_opened);
    jsonw_int(w, "merges", gh->n_merges);
    jsonw_int(w, "reverts", gh->n_reverts);
    jsonw_int(w, "comments", (int64_t)gh->n_comments);
    jsonw_int(w, "hook_deliveries", (int64_t)gh->n_deliveries);
    jsonw_int(w, "hook_sent", gh->n_sent);
    jsonw_int(w, "hook_dropped", gh->n_dropped);
    jsonw_int(w, "hook_duplicated", gh->n_duplicated);
    jsonw_int(w, "hook_failed", failed);
    jsonw_int(w, "hook_waiting", (int64_t)gh->n_sends);
    jsonw_int(w, "quota_used", gh->used);
    put_pulls(gh, w);
    jsonw_open(w, "calls", '{');
    for (size_t i = 0; i < gh->n_counts; i++)
        jsonw_int(w, gh->counts[i].name, gh->counts[i].n);
    jsonw_close(w, '}');
}
