/* SPDX-License-Identifier: MIT */

/* Reading Actions: runs, jobs, logs. */

#include "tests/fakes/fake_github_model.h"

static bool is_same(const char *wanted, const char *value)
{
    return wanted == NULL || strcmp(wanted, value) == 0;
}

void gh_runs_list(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    AUTO_FREE char *branch = fake_request_param(call->request, "branch");
    AUTO_FREE char *sha = fake_request_param(call->request, "head_sha");
    AUTO_FREE char *event = fake_request_param(call->request, "event");
    AUTO_FREE char *status = fake_request_param(call->request, "status");
    int64_t suite = fake_request_number(call->request, "check_suite_id", 0);
    gh_page_open(call, "workflow_runs");
    for (size_t i = gh->n_runs; i > 0; i--) {
        const struct gh_run *run = &gh->runs[i - 1];
        bool fits = status == NULL || strcmp(status, run->status) == 0 ||
                    strcmp(status, run->conclusion) == 0;
        if (fits && is_same(branch, run->branch) && is_same(sha, run->sha) &&
            is_same(event, run->event) && (suite == 0 || suite == run->suite) &&
            gh_page_wants(call))
            gh_put_run(gh, &call->w, NULL, run);
    }
    gh_page_close(call, "workflow_runs");
}

static struct gh_run *run_of(struct gh_call *call)
{
    struct gh_run *run = gh_run_find(call->gh, fake_number(call->arg[0], 0));
    if (run == NULL)
        gh_fail(call, 404, "Not Found");
    return run;
}

void gh_run_get(struct gh_call *call)
{
    const struct gh_run *run = run_of(call);
    if (run == NULL)
        return;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_run(call->gh, &call->w, NULL, run);
}

void gh_run_attempt(struct gh_call *call)
{
    const struct gh_run *run = run_of(call);
    if (run == NULL)
        return;
    int64_t attempt = fake_number(call->arg[1], 0);
    if (attempt < 1 || attempt > run->attempt) {
        gh_fail(call, 404, "Not Found");
        return;
    }
    jsonw_init(&call->w, &call->reply->body);
    gh_put_run(call->gh, &call->w, NULL, run);
}

/* attempt 0: the latest of each job; -1: all. */
static void list_jobs(struct gh_call *call, const struct gh_run *run, int64_t attempt)
{
    struct fake_github *gh = call->gh;
    gh_page_open(call, "jobs");
    for (size_t i = 0; i < gh->n_checks; i++) {
        const struct gh_check *job = &gh->checks[i];
        if (job->run != run->id || (attempt == 0 && job->is_old) ||
            (attempt > 0 && job->attempt != attempt))
            continue;
        if (gh_page_wants(call))
            gh_put_job(gh, &call->w, NULL, job);
    }
    gh_page_close(call, "jobs");
}

void gh_run_jobs(struct gh_call *call)
{
    const struct gh_run *run = run_of(call);
    AUTO_FREE char *filter = fake_request_param(call->request, "filter");
    if (run != NULL)
        list_jobs(call, run, filter != NULL && strcmp(filter, "all") == 0 ? -1 : 0);
}

void gh_run_attempt_jobs(struct gh_call *call)
{
    const struct gh_run *run = run_of(call);
    if (run != NULL)
        list_jobs(call, run, fake_number(call->arg[1], 0));
}

/* docs.github.com, "Download job logs": a redirect to another host, good for a minute. */
static void redirect(struct gh_call *call, const char *kind, int64_t id)
{
    AUTO_FREE char *signing =
        mem_printf("%s/%lld/%lld", kind, (long long)id, (long long)call->now.ms + 60000);
    char hex[65];
    fake_hmac("log store", signing, strlen(signing), hex);
    fake_reply_header(call->reply, "Location", "%s/logs/%s/%lld?se=%lld&sig=%.32s",
                      call->gh->set->logs_url, kind, (long long)id,
                      (long long)call->now.ms + 60000, hex);
    gh_empty(call, 302);
}

void gh_run_logs(struct gh_call *call)
{
    const struct gh_run *run = run_of(call);
    if (run != NULL)
        redirect(call, "run", run->id);
}

static struct gh_check *job_of(struct gh_call *call)
{
    struct gh_check *job = gh_check_find(call->gh, fake_number(call->arg[0], 0));
    if (job == NULL || job->run == 0) {
        gh_fail(call, 404, "Not Found");
        return NULL;
    }
    return job;
}

void gh_job_get(struct gh_call *call)
{
    const struct gh_check *job = job_of(call);
    if (job == NULL)
        return;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_job(call->gh, &call->w, NULL, job);
}

void gh_job_logs(struct gh_call *call)
{
    const struct gh_check *job = job_of(call);
    if (job == NULL)
        return;
    if (strcmp(job->status, "completed") != 0)
        gh_fail(call, 404, "Not Found");
    else
        redirect(call, "job", job->id);
}

static void put_log(struct fake_reply *reply, const struct gh_check *job)
{
    char at[CLOCK_TEXT_MAX];
    (void)wall_format(job->started, true, at);
    buf_printf(&reply->body, "%s ##[group]Run %s\n", at, job->name);
    buf_printf(&reply->body, "%s building commit %s\n", at, job->sha);
    buf_printf(&reply->body, "%s ##[endgroup]\n", at);
    if (strcmp(job->conclusion, "success") == 0) {
        buf_printf(&reply->body, "%s all good\n", at);
    } else {
        buf_printf(&reply->body, "%s %s\n", at,
                   job->spec != NULL ? job->spec->log : "failed");
        buf_printf(&reply->body, "%s ##[error]Process completed with exit code 1.\n", at);
    }
}

void fake_github_serve_log(struct fake_github *gh, const struct fake_request *request,
                           struct wall now, struct fake_reply *reply)
{
    reply->type = "text/plain";
    if (fake_request_header(request, "Authorization") != NULL) {
        /* What a signed URL answers to a second credential, and what a leaked token
         * deserves. */
        reply->status = 400;
        buf_str(&reply->body, "Only one auth mechanism allowed");
        return;
    }
    const char *id = strrchr(request->path, '/');
    const struct gh_check *job =
        id != NULL ? gh_check_find(gh, fake_number(id + 1, 0)) : NULL;
    int64_t until = fake_request_number(request, "se", 0);
    AUTO_FREE char *signature = fake_request_param(request, "sig");
    AUTO_FREE char *signing = mem_printf(
        "job/%lld/%lld", id != NULL ? strtoll(id + 1, NULL, 10) : 0, (long long)until);
    char hex[65];
    fake_hmac("log store", signing, strlen(signing), hex);
    if (job == NULL || signature == NULL || strncmp(signature, hex, 32) != 0 ||
        until < now.ms) {
        reply->status = job == NULL ? 404 : 403;
        buf_str(&reply->body, job == NULL ? "BlobNotFound" : "AuthenticationFailed");
        return;
    }
    put_log(reply, job);
}

void gh_run_artifacts(struct gh_call *call)
{
    if (run_of(call) == NULL)
        return;
    gh_page_open(call, "artifacts");
    gh_page_close(call, "artifacts");
}

void gh_run_delete(struct gh_call *call)
{
    if (run_of(call) != NULL)
        gh_empty(call, 204);
}

void gh_workflows_list(struct gh_call *call)
{
    gh_page_open(call, "workflows");
    if (gh_page_wants(call))
        gh_put_workflow(call->gh, &call->w, NULL);
    gh_page_close(call, "workflows");
}

void gh_workflow_get(struct gh_call *call)
{
    jsonw_init(&call->w, &call->reply->body);
    gh_put_workflow(call->gh, &call->w, NULL);
}
