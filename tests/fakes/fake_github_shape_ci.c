/* SPDX-License-Identifier: MIT */

/* Objects of checks, Actions, deployments and hooks. */

#include "tests/fakes/fake_github_model.h"

static void put_or_null(struct jsonw *w, const char *key, const char *text)
{
    jsonw_str(w, key, text != NULL && *text != '\0' ? text : NULL);
}

void gh_put_app(struct fake_github *gh, struct jsonw *w, const char *key,
                const char *slug)
{
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", strcmp(slug, GH_APP) == 0 ? 15368 : 29310);
    jsonw_str(w, "slug", slug);
    fake_put(w, "node_id", "A_%s", slug);
    gh_put_user(gh, w, "owner", gh->set->owner);
    jsonw_str(w, "name", slug);
    jsonw_str(w, "description", "");
    fake_put(w, "external_url", "%s/apps/%s", gh->set->url, slug);
    fake_put(w, "html_url", "%s/apps/%s", gh->set->url, slug);
    fake_put_time(w, "created_at", gh->born);
    fake_put_time(w, "updated_at", gh->born);
    jsonw_open(w, "permissions", '{');
    jsonw_str(w, "checks", "write");
    jsonw_close(w, '}');
    jsonw_open(w, "events", '[');
    jsonw_close(w, ']');
    jsonw_close(w, '}');
}

void gh_put_status(struct fake_github *gh, struct jsonw *w, const char *key,
                   const struct gh_status *status)
{
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", status->id);
    fake_put(w, "node_id", "SC_%lld", (long long)status->id);
    fake_put(w, "url", "%s/statuses/%s", gh->api, status->sha);
    fake_put(w, "avatar_url", "%s/avatars/%s", gh->set->url, status->author);
    jsonw_str(w, "state", status->state);
    jsonw_str(w, "context", status->context);
    put_or_null(w, "description", status->text);
    put_or_null(w, "target_url", status->target);
    fake_put_time(w, "created_at", status->at);
    fake_put_time(w, "updated_at", status->at);
    gh_put_user(gh, w, "creator", status->author);
    jsonw_close(w, '}');
}

void gh_put_check(struct fake_github *gh, struct jsonw *w, const char *key,
                  const struct gh_check *check)
{
    const struct gh_suite *suite = gh_suite_find(gh, check->suite);
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", check->id);
    fake_put(w, "node_id", "CR_%lld", (long long)check->id);
    jsonw_str(w, "name", check->name);
    jsonw_str(w, "head_sha", check->sha);
    jsonw_str(w, "external_id", check->external);
    fake_put(w, "url", "%s/check-runs/%lld", gh->api, (long long)check->id);
    fake_put(w, "html_url", "%s/runs/%lld", gh->web, (long long)check->id);
    if (*check->details != '\0')
        jsonw_str(w, "details_url", check->details);
    else
        fake_put(w, "details_url", "%s/actions/runs/%lld/job/%lld", gh->web,
                 (long long)check->run, (long long)check->id);
    jsonw_str(w, "status", check->status);
    put_or_null(w, "conclusion", check->conclusion);
    fake_put_time(w, "started_at",
                  wall_is_set(check->started) ? check->started : check->queued);
    fake_put_time(w, "completed_at", check->completed);
    jsonw_open(w, "output", '{');
    put_or_null(w, "title", check->title);
    put_or_null(w, "summary", check->summary);
    put_or_null(w, "text", check->text);
    jsonw_int(w, "annotations_count", 0);
    fake_put(w, "annotations_url", "%s/check-runs/%lld/annotations", gh->api,
             (long long)check->id);
    jsonw_close(w, '}');
    jsonw_open(w, "check_suite", '{');
    jsonw_int(w, "id", check->suite);
    jsonw_close(w, '}');
    gh_put_app(gh, w, "app", suite != NULL ? suite->app : GH_APP);
    gh_put_pulls_min(gh, w, check->sha);
    jsonw_close(w, '}');
}

void gh_put_suite(struct fake_github *gh, struct jsonw *w, const char *key,
                  const struct gh_suite *suite)
{
    const char *status, *conclusion;
    size_t n;
    gh_suite_judge(gh, suite, &status, &conclusion, &n);
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", suite->id);
    fake_put(w, "node_id", "CS_%lld", (long long)suite->id);
    put_or_null(w, "head_branch", suite->branch);
    jsonw_str(w, "head_sha", suite->sha);
    jsonw_str(w, "status", status);
    put_or_null(w, "conclusion", conclusion);
    fake_put(w, "url", "%s/check-suites/%lld", gh->api, (long long)suite->id);
    jsonw_null(w, "before");
    jsonw_str(w, "after", suite->sha);
    gh_put_pulls_min(gh, w, suite->sha);
    gh_put_app(gh, w, "app", suite->app);
    gh_put_repo(gh, w, "repository", false);
    fake_put_time(w, "created_at", suite->created);
    fake_put_time(w, "updated_at", suite->updated);
    gh_put_simple_commit(gh, w, "head_commit", suite->sha);
    jsonw_int(w, "latest_check_runs_count", (int64_t)n);
    fake_put(w, "check_runs_url", "%s/check-suites/%lld/check-runs", gh->api,
             (long long)suite->id);
    jsonw_close(w, '}');
}

void gh_put_run(struct fake_github *gh, struct jsonw *w, const char *key,
                const struct gh_run *run)
{
    long long id = run->id;
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", id);
    jsonw_str(w, "name", "ci");
    fake_put(w, "node_id", "WFR_%lld", id);
    jsonw_int(w, "check_suite_id", run->suite);
    fake_put(w, "check_suite_node_id", "CS_%lld", (long long)run->suite);
    put_or_null(w, "head_branch", run->branch);
    jsonw_str(w, "head_sha", run->sha);
    jsonw_str(w, "path", GH_WORKFLOW_FILE);
    jsonw_int(w, "run_number", run->number);
    jsonw_int(w, "run_attempt", run->attempt);
    jsonw_str(w, "event", run->event);
    jsonw_str(w, "status", run->status);
    put_or_null(w, "conclusion", run->conclusion);
    jsonw_int(w, "workflow_id", GH_WORKFLOW_ID);
    jsonw_str(w, "display_title", "ci");
    fake_put(w, "url", "%s/actions/runs/%lld", gh->api, id);
    fake_put(w, "html_url", "%s/actions/runs/%lld", gh->web, id);
    gh_put_pulls_min(gh, w, run->sha);
    fake_put_time(w, "created_at", run->created);
    fake_put_time(w, "updated_at", run->updated);
    fake_put_time(w, "run_started_at", run->created);
    gh_put_user(gh, w, "actor", GH_BOT);
    gh_put_user(gh, w, "triggering_actor", GH_BOT);
    fake_put(w, "jobs_url", "%s/actions/runs/%lld/jobs", gh->api, id);
    fake_put(w, "logs_url", "%s/actions/runs/%lld/logs", gh->api, id);
    fake_put(w, "check_suite_url", "%s/check-suites/%lld", gh->api,
             (long long)run->suite);
    fake_put(w, "artifacts_url", "%s/actions/runs/%lld/artifacts", gh->api, id);
    fake_put(w, "cancel_url", "%s/actions/runs/%lld/cancel", gh->api, id);
    fake_put(w, "rerun_url", "%s/actions/runs/%lld/rerun", gh->api, id);
    jsonw_null(w, "previous_attempt_url");
    fake_put(w, "workflow_url", "%s/actions/workflows/%d", gh->api, GH_WORKFLOW_ID);
    gh_put_simple_commit(gh, w, "head_commit", run->sha);
    gh_put_repo(gh, w, "repository", false);
    gh_put_repo(gh, w, "head_repository", false);
    jsonw_close(w, '}');
}

static void put_step(struct jsonw *w, const struct gh_check *job, const char *name,
                     int number, bool is_it)
{
    bool is_done = strcmp(job->status, "completed") == 0;
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "name", name);
    jsonw_str(w, "status", job->status);
    if (is_done)
        jsonw_str(w, "conclusion", is_it ? job->conclusion : "success");
    else
        jsonw_null(w, "conclusion");
    jsonw_int(w, "number", number);
    fake_put_time(w, "started_at", job->started);
    fake_put_time(w, "completed_at", job->completed);
    jsonw_close(w, '}');
}

void gh_put_job(struct fake_github *gh, struct jsonw *w, const char *key,
                const struct gh_check *job)
{
    const struct gh_run *run = gh_run_find(gh, job->run);
    long long id = job->id, run_id = job->run;
    bool has_runner = wall_is_set(job->started);
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", id);
    jsonw_int(w, "run_id", run_id);
    jsonw_int(w, "run_attempt", job->attempt);
    fake_put(w, "run_url", "%s/actions/runs/%lld", gh->api, run_id);
    fake_put(w, "node_id", "CR_%lld", id);
    jsonw_str(w, "head_sha", job->sha);
    jsonw_str(w, "head_branch", run != NULL ? run->branch : NULL);
    fake_put(w, "url", "%s/actions/jobs/%lld", gh->api, id);
    fake_put(w, "html_url", "%s/actions/runs/%lld/job/%lld", gh->web, run_id, id);
    jsonw_str(w, "status", job->status);
    put_or_null(w, "conclusion", job->conclusion);
    fake_put_time(w, "created_at", job->queued);
    fake_put_time(w, "started_at", has_runner ? job->started : job->queued);
    fake_put_time(w, "completed_at", job->completed);
    jsonw_str(w, "name", job->name);
    jsonw_str(w, "workflow_name", "ci");
    fake_put(w, "check_run_url", "%s/check-runs/%lld", gh->api, id);
    jsonw_open(w, "labels", '[');
    jsonw_str(w, NULL, "ubuntu-latest");
    jsonw_close(w, ']');
    if (has_runner) {
        jsonw_int(w, "runner_id", 1);
        jsonw_str(w, "runner_name", "runner 1");
        jsonw_int(w, "runner_group_id", 2);
        jsonw_str(w, "runner_group_name", "GitHub Actions");
    } else {
        jsonw_null(w, "runner_id");
        jsonw_null(w, "runner_name");
        jsonw_null(w, "runner_group_id");
        jsonw_null(w, "runner_group_name");
    }
    jsonw_open(w, "steps", '[');
    if (has_runner) {
        put_step(w, job, "Set up job", 1, false);
        put_step(w, job, job->name, 2, true);
    }
    jsonw_close(w, ']');
    jsonw_close(w, '}');
}

void gh_put_workflow(struct fake_github *gh, struct jsonw *w, const char *key)
{
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", GH_WORKFLOW_ID);
    jsonw_str(w, "node_id", "W_ci");
    jsonw_str(w, "name", "ci");
    jsonw_str(w, "path", GH_WORKFLOW_FILE);
    jsonw_str(w, "state", "active");
    fake_put_time(w, "created_at", gh->born);
    fake_put_time(w, "updated_at", gh->born);
    fake_put(w, "url", "%s/actions/workflows/%d", gh->api, GH_WORKFLOW_ID);
    fake_put(w, "html_url", "%s/blob/main/%s", gh->web, GH_WORKFLOW_FILE);
    fake_put(w, "badge_url", "%s/workflows/ci/badge.svg", gh->web);
    jsonw_close(w, '}');
}

void gh_put_deployment(struct fake_github *gh, struct jsonw *w, const char *key,
                       const struct gh_deployment *deployment)
{
    long long id = deployment->id;
    jsonw_open(w, key, '{');
    fake_put(w, "url", "%s/deployments/%lld", gh->api, id);
    jsonw_int(w, "id", id);
    fake_put(w, "node_id", "DE_%lld", id);
    jsonw_str(w, "sha", deployment->sha);
    jsonw_str(w, "ref", deployment->ref);
    jsonw_str(w, "task", "deploy");
    jsonw_open(w, "payload", '{');
    jsonw_close(w, '}');
    jsonw_str(w, "environment", deployment->environment);
    jsonw_str(w, "original_environment", deployment->environment);
    put_or_null(w, "description", deployment->text);
    gh_put_user(gh, w, "creator", GH_BOT);
    fake_put_time(w, "created_at", deployment->at);
    fake_put_time(w, "updated_at", deployment->at);
    fake_put(w, "statuses_url", "%s/deployments/%lld/statuses", gh->api, id);
    jsonw_str(w, "repository_url", gh->api);
    jsonw_bool(w, "transient_environment", false);
    jsonw_bool(w, "production_environment", false);
    jsonw_close(w, '}');
}

void gh_put_deployment_status(struct fake_github *gh, struct jsonw *w, const char *key,
                              const struct gh_deployment_status *status)
{
    long long id = status->id, deployment = status->deployment;
    const char *environment = "";
    for (size_t i = 0; i < gh->n_deployments; i++)
        if (gh->deployments[i].id == status->deployment)
            environment = gh->deployments[i].environment;
    jsonw_open(w, key, '{');
    fake_put(w, "url", "%s/deployments/%lld/statuses/%lld", gh->api, deployment, id);
    jsonw_int(w, "id", id);
    fake_put(w, "node_id", "DES_%lld", id);
    jsonw_str(w, "state", status->state);
    gh_put_user(gh, w, "creator", GH_BOT);
    jsonw_str(w, "description", status->text);
    jsonw_str(w, "environment", environment);
    jsonw_str(w, "target_url", status->target);
    fake_put_time(w, "created_at", status->at);
    fake_put_time(w, "updated_at", status->at);
    fake_put(w, "deployment_url", "%s/deployments/%lld", gh->api, deployment);
    jsonw_str(w, "repository_url", gh->api);
    jsonw_close(w, '}');
}

void gh_put_hook(struct fake_github *gh, struct jsonw *w, const char *key,
                 const struct gh_hook *hook)
{
    long long id = hook->id;
    jsonw_open(w, key, '{');
    jsonw_str(w, "type", "Repository");
    jsonw_int(w, "id", id);
    jsonw_str(w, "name", "web");
    jsonw_bool(w, "active", hook->is_active);
    jsonw_open(w, "events", '[');
    for (size_t i = 0; i < hook->n_events; i++)
        jsonw_str(w, NULL, hook->events[i]);
    jsonw_close(w, ']');
    jsonw_open(w, "config", '{');
    jsonw_str(w, "content_type", "json");
    jsonw_str(w, "insecure_ssl", "0");
    jsonw_str(w, "url", hook->url);
    if (*hook->secret != '\0')
        jsonw_str(w, "secret", "********");
    jsonw_close(w, '}');
    fake_put_time(w, "updated_at", hook->created);
    fake_put_time(w, "created_at", hook->created);
    fake_put(w, "url", "%s/hooks/%lld", gh->api, id);
    fake_put(w, "test_url", "%s/hooks/%lld/test", gh->api, id);
    fake_put(w, "ping_url", "%s/hooks/%lld/pings", gh->api, id);
    fake_put(w, "deliveries_url", "%s/hooks/%lld/deliveries", gh->api, id);
    jsonw_open(w, "last_response", '{');
    if (hook->last_status > 0)
        jsonw_int(w, "code", hook->last_status);
    else
        jsonw_null(w, "code");
    jsonw_str(w, "status", hook->last_status > 0 ? "active" : "unused");
    jsonw_null(w, "message");
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}
