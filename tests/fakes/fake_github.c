/* SPDX-License-Identifier: MIT */

/* The door of the simulated GitHub: who may come in, limits, routes, conditional requests,
 * pages. What the routes do stands in the other fake_github_*.c. */

#include <stdarg.h>
#include <strings.h>

#include "tests/fakes/fake_github_model.h"

#define PAGE_DEFAULT 30
#define PAGE_MAX     100
#define PRIMARY_TIME 3600

struct fake_github *fake_github_new(const struct fake_settings *settings,
                                    struct fake_git *git, struct wall now)
{
    struct fake_github *gh = mem_alloc(sizeof *gh);
    gh->set = &settings->github;
    gh->hooking = &settings->hooks;
    gh->git = git;
    gh->born = now;
    gh->last_id = 1000;
    rng_init(&gh->rng, settings->seed);
    gh->full = mem_printf("%s/%s", gh->set->owner, gh->set->name);
    gh->api = mem_printf("%s/repos/%s", gh->set->url, gh->full);
    gh->web = mem_printf("%s/%s", gh->set->url, gh->full);
    gh_look(gh, now);
    return gh;
}

static void pull_free(struct gh_pull *pull)
{
    char *const texts[] = {pull->title,     pull->body,   pull->author,
                           pull->head,      pull->base,   pull->head_sha,
                           pull->merge_sha, pull->merger, pull->base_sha};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    for (size_t i = 0; i < pull->n_labels; i++)
        free(pull->labels[i]);
    free(pull->labels);
    free(pull);
}

static void texts_free(char *const texts[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
}
/* Free these members of every item of an array, and the array. */
#define FREE_ALL(items, n, ...)                                                          \
    do {                                                                                 \
        for (size_t i_ = 0; i_ < (n); i_++) {                                            \
            const __typeof__(*(items)) *item = &(items)[i_];                             \
            char *const texts[] = {__VA_ARGS__};                                         \
            texts_free(texts, sizeof texts / sizeof *texts);                             \
        }                                                                                \
        free(items);                                                                     \
    } while (0)

static void free_checks(struct fake_github *gh)
{
    FREE_ALL(gh->statuses, gh->n_statuses, item->sha, item->state, item->context,
             item->target, item->text, item->author);
    FREE_ALL(gh->suites, gh->n_suites, item->sha, item->branch, item->app);
    FREE_ALL(gh->checks, gh->n_checks, item->sha, item->name, item->status,
             item->conclusion, item->external, item->title, item->summary, item->text,
             item->details, item->will);
    FREE_ALL(gh->runs, gh->n_runs, item->sha, item->branch, item->event, item->status,
             item->conclusion);
}

void fake_github_free(struct fake_github *gh)
{
    if (gh == NULL)
        return;
    for (size_t i = 0; i < gh->n_pulls; i++)
        pull_free(gh->pulls[i]);
    for (size_t i = 0; i < gh->n_hooks; i++) {
        texts_free(gh->hooks[i].events, gh->hooks[i].n_events);
        free(gh->hooks[i].events);
    }
    free_checks(gh);
    FREE_ALL(gh->comments, gh->n_comments, item->body, item->author);
    FREE_ALL(gh->reviews, gh->n_reviews, item->body, item->author, item->state,
             item->sha);
    FREE_ALL(gh->hooks, gh->n_hooks, item->url, item->secret);
    FREE_ALL(gh->deliveries, gh->n_deliveries, item->guid, item->event, item->action,
             item->body);
    FREE_ALL(gh->deployments, gh->n_deployments, item->sha, item->ref, item->environment,
             item->text);
    FREE_ALL(gh->deployment_statuses, gh->n_deployment_statuses, item->state, item->text,
             item->target);
    FREE_ALL(gh->branches, gh->n_branches, item->name, item->sha);
    FREE_ALL(gh->counts, gh->n_counts, item->name);
    free(gh->sends);
    free(gh->pulls);
    fake_window_fini(&gh->writes);
    free(gh->full);
    free(gh->api);
    free(gh->web);
    free(gh);
}

int64_t gh_id(struct fake_github *gh)
{
    return ++gh->last_id;
}

const char *gh_default_branch(const struct fake_github *gh)
{
    (void)gh;
    return "main";
}

/* ---- answers ------------------------------------------------------------------------ */

void gh_object(struct gh_call *call, int status)
{
    call->reply->status = status;
    buf_clear(&call->reply->body);
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '{');
}

void gh_close(struct gh_call *call)
{
    jsonw_close(&call->w, '}');
}

void gh_empty(struct gh_call *call, int status)
{
    call->reply->status = status;
    buf_clear(&call->reply->body);
}

void gh_fail(struct gh_call *call, int status, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    gh_object(call, status);
    jsonw_str(&call->w, "message", text);
    jsonw_str(&call->w, "documentation_url", "https://docs.github.com/rest");
    fake_put(&call->w, "status", "%d", status);
    gh_close(call);
}

void gh_invalid(struct gh_call *call, const char *resource, const char *field,
                const char *code, const char *message)
{
    gh_object(call, 422);
    jsonw_str(&call->w, "message", "Validation Failed");
    jsonw_open(&call->w, "errors", '[');
    jsonw_open(&call->w, NULL, '{');
    jsonw_str(&call->w, "resource", resource);
    if (field != NULL)
        jsonw_str(&call->w, "field", field);
    jsonw_str(&call->w, "code", code);
    if (message != NULL)
        jsonw_str(&call->w, "message", message);
    jsonw_close(&call->w, '}');
    jsonw_close(&call->w, ']');
    jsonw_str(&call->w, "documentation_url", "https://docs.github.com/rest");
    jsonw_str(&call->w, "status", "422");
    gh_close(call);
}

const char *gh_body_str(const struct gh_call *call, const char *key, const char *fallback)
{
    return json_str(call->body, key, fallback);
}

/* ---- pages -------------------------------------------------------------------------- */

bool gh_page_wants(struct gh_call *call)
{
    int64_t at = call->n_items++;
    return at >= (call->page - 1) * call->per_page && at < call->page * call->per_page;
}

void gh_page_open(struct gh_call *call, const char *key)
{
    call->per_page = fake_request_number(call->request, "per_page", PAGE_DEFAULT);
    call->page = fake_request_number(call->request, "page", 1);
    if (call->per_page < 1 || call->per_page > PAGE_MAX)
        call->per_page = PAGE_MAX;
    if (call->page < 1)
        call->page = 1;
    buf_clear(&call->reply->body);
    jsonw_init(&call->w, &call->reply->body);
    if (key == NULL) {
        jsonw_open(&call->w, NULL, '[');
    } else {
        jsonw_open(&call->w, NULL, '{');
        jsonw_open(&call->w, key, '[');
    }
}

/* The query without "page". */
static char *query_rest(const struct fake_request *request)
{
    struct buf AUTO_BUF out;
    buf_init(&out, 8192);
    for (const char *at = request->query; *at != '\0';) {
        size_t len = strcspn(at, "&");
        if (strncmp(at, "page=", 5) != 0) {
            buf_add(&out, at, len);
            buf_char(&out, '&');
        }
        at += len + (at[len] == '&');
    }
    return buf_take(&out, NULL);
}

/* docs.github.com, "Using pagination in the REST API" */
void gh_page_close(struct gh_call *call, const char *key)
{
    jsonw_close(&call->w, ']');
    if (key != NULL) {
        jsonw_int(&call->w, "total_count", call->n_items);
        jsonw_close(&call->w, '}');
    }
    int64_t last = (call->n_items + call->per_page - 1) / call->per_page;
    if (last <= 1)
        return;
    AUTO_FREE char *rest = query_rest(call->request);
    AUTO_FREE char *url =
        mem_printf("%s%s?%s", call->gh->set->url, call->request->path, rest);
    struct buf AUTO_BUF link;
    buf_init(&link, 8192);
    if (call->page > 1)
        buf_printf(&link, "<%spage=%lld>; rel=\"prev\", <%spage=1>; rel=\"first\"", url,
                   (long long)call->page - 1, url);
    if (call->page < last)
        buf_printf(&link, "%s<%spage=%lld>; rel=\"next\", <%spage=%lld>; rel=\"last\"",
                   link.len > 0 ? ", " : "", url, (long long)call->page + 1, url,
                   (long long)last);
    fake_reply_header(call->reply, "Link", "%s", link.data);
}

/* ---- routes ------------------------------------------------------------------------- */

struct route {
    const char *method;
    const char *path; /* "*" = one part, "**" = all that is left; below the repository */
    gh_handler *handle;
};

/* clang-format off */
static const struct route routes[] = {
    {"GET", "", gh_repo_get},
    {"GET", "pulls", gh_pulls_list},
    {"POST", "pulls", gh_pulls_create},
    {"GET", "pulls/*", gh_pulls_get},
    {"PATCH", "pulls/*", gh_pulls_patch},
    {"GET", "pulls/*/merge", gh_pulls_merged},
    {"PUT", "pulls/*/merge", gh_pulls_merge},
    {"PUT", "pulls/*/update-branch", gh_pulls_update},
    {"GET", "pulls/*/commits", gh_pulls_commits},
    {"GET", "pulls/*/files", gh_pulls_files},
    {"GET", "pulls/*/reviews", gh_pulls_reviews},
    {"POST", "pulls/*/reviews", gh_pulls_review},
    {"GET", "pulls/*/requested_reviewers", gh_pulls_reviewers},
    {"GET", "issues/*/comments", gh_comments_list},
    {"POST", "issues/*/comments", gh_comments_create},
    {"GET", "issues/comments/*", gh_comments_get},
    {"PATCH", "issues/comments/*", gh_comments_patch},
    {"DELETE", "issues/comments/*", gh_comments_delete},
    {"GET", "issues/*/labels", gh_labels_list},
    {"POST", "issues/*/labels", gh_labels_add},
    {"POST", "statuses/*", gh_status_create},
    {"GET", "commits/*/status", gh_status_combined},
    {"GET", "commits/*/statuses", gh_status_list},
    {"GET", "commits/*/check-runs", gh_checks_of_ref},
    {"GET", "commits/*/check-suites", gh_suites_of_ref},
    {"GET", "commits/*/pulls", gh_commit_pulls},
    {"GET", "commits/**", gh_commit_get},
    {"GET", "commits", gh_commits_list},
    {"POST", "check-runs", gh_check_create},
    {"GET", "check-runs/*", gh_check_get},
    {"PATCH", "check-runs/*", gh_check_patch},
    {"POST", "check-runs/*/rerequest", gh_check_rerequest},
    {"GET", "check-runs/*/annotations", gh_check_annotations},
    {"GET", "check-suites/*", gh_suite_get},
    {"GET", "check-suites/*/check-runs", gh_suite_checks},
    {"POST", "check-suites/*/rerequest", gh_suite_rerequest},
    {"GET", "actions/runs", gh_runs_list},
    {"GET", "actions/runs/*", gh_run_get},
    {"DELETE", "actions/runs/*", gh_run_delete},
    {"GET", "actions/runs/*/attempts/*", gh_run_attempt},
    {"GET", "actions/runs/*/attempts/*/jobs", gh_run_attempt_jobs},
    {"GET", "actions/runs/*/jobs", gh_run_jobs},
    {"GET", "actions/runs/*/logs", gh_run_logs},
    {"GET", "actions/runs/*/artifacts", gh_run_artifacts},
    {"POST", "actions/runs/*/rerun", gh_run_rerun},
    {"POST", "actions/runs/*/rerun-failed-jobs", gh_run_rerun_failed},
    {"POST", "actions/runs/*/cancel", gh_run_cancel},
    {"POST", "actions/runs/*/force-cancel", gh_run_cancel},
    {"GET", "actions/jobs/*", gh_job_get},
    {"GET", "actions/jobs/*/logs", gh_job_logs},
    {"POST", "actions/jobs/*/rerun", gh_job_rerun},
    {"GET", "actions/workflows", gh_workflows_list},
    {"GET", "actions/workflows/*", gh_workflow_get},
    {"POST", "actions/workflows/*/dispatches", gh_workflow_dispatch},
    {"GET", "actions/workflows/*/runs", gh_runs_list},
    {"POST", "dispatches", gh_dispatch},
    {"GET", "git/ref/**", gh_ref_get},
    {"GET", "git/matching-refs/**", gh_refs_matching},
    {"POST", "git/refs", gh_ref_create},
    {"PATCH", "git/refs/**", gh_ref_update},
    {"DELETE", "git/refs/**", gh_ref_delete},
    {"GET", "git/commits/*", gh_git_commit_get},
    {"POST", "git/commits", gh_git_commit_create},
    {"GET", "git/trees/*", gh_git_tree_get},
    {"POST", "merges", gh_merges_create},
    {"GET", "compare/**", gh_compare},
    {"GET", "branches/**", gh_branch_get},
    {"GET", "contents/**", gh_contents_get},
    {"GET", "hooks", gh_hooks_list},
    {"POST", "hooks", gh_hook_create},
    {"GET", "hooks/*", gh_hook_get},
    {"PATCH", "hooks/*", gh_hook_patch},
    {"DELETE", "hooks/*", gh_hook_delete},
    {"POST", "hooks/*/pings", gh_hook_ping},
    {"POST", "hooks/*/tests", gh_hook_test},
    {"GET", "hooks/*/deliveries", gh_deliveries_list},
    {"GET", "hooks/*/deliveries/*", gh_delivery_get},
    {"POST", "hooks/*/deliveries/*/attempts", gh_delivery_again},
    {"GET", "deployments", gh_deployments_list},
    {"POST", "deployments", gh_deployment_create},
    {"GET", "deployments/*", gh_deployment_get},
    {"GET", "deployments/*/statuses", gh_deployment_statuses_list},
    {"POST", "deployments/*/statuses", gh_deployment_status_create},
};
static const struct route root_routes[] = {
    {"GET", "", gh_root_get},
    {"GET", "rate_limit", gh_rate_get},
    {"GET", "user", gh_user_get},
    {"POST", "graphql", gh_graphql},
};
/* clang-format on */

/* Parts of the path into arg; frees and forgets them when it does not fit. */
static bool matches(const char *pattern, const char *path, char *arg[4])
{
    size_t n = 0;
    for (;;) {
        size_t p = strcspn(pattern, "/"), q = strcspn(path, "/");
        if (p == 2 && strncmp(pattern, "**", 2) == 0 && *path != '\0') {
            arg[n++] = fake_unescape(path, strlen(path));
            return true;
        }
        if (p == 1 && *pattern == '*' && q > 0 && n < 4)
            arg[n++] = fake_unescape(path, q);
        else if (p != q || strncmp(pattern, path, p) != 0)
            break;
        pattern += p;
        path += q;
        if (*pattern == '\0' && *path == '\0')
            return true;
        if (*pattern != '/' || *path != '/')
            break;
        pattern++;
        path++;
    }
    for (size_t i = 0; i < n; i++) {
        free(arg[i]);
        arg[i] = NULL;
    }
    return false;
}

static void count(struct fake_github *gh, const char *method, const char *path)
{
    AUTO_FREE char *name = mem_printf("%s %s", method, path);
    for (size_t i = 0; i < gh->n_counts; i++)
        if (strcmp(gh->counts[i].name, name) == 0) {
            gh->counts[i].n++;
            return;
        }
    *FAKE_ADD(gh->counts, gh->n_counts) = (struct gh_call_count){TAKE(name), 1};
}

static void dispatch(struct gh_call *call, const struct route *rows, size_t n,
                     const char *path)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].method, call->request->method) != 0 ||
            !matches(rows[i].path, path, call->arg))
            continue;
        count(call->gh, rows[i].method, rows[i].path);
        rows[i].handle(call);
        for (size_t k = 0; k < 4; k++)
            free(call->arg[k]);
        return;
    }
    gh_fail(call, 404, "Not Found");
}

static void route(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const char *path = call->request->path;
    AUTO_FREE char *own = mem_printf("/repos/%s", gh->full);
    AUTO_FREE char *old = mem_printf("/repos/%s", gh->set->moved_from);
    size_t len = strlen(own), old_len = strlen(old);
    if (strncasecmp(path, own, len) == 0 && (path[len] == '/' || path[len] == '\0')) {
        dispatch(call, routes, sizeof routes / sizeof *routes,
                 path[len] == '/' ? path + len + 1 : path + len);
    } else if (*gh->set->moved_from != '\0' && strncasecmp(path, old, old_len) == 0 &&
               (path[old_len] == '/' || path[old_len] == '\0')) {
        int status = strcmp(call->request->method, "GET") == 0 ? 301 : 307;
        fake_reply_header(call->reply, "Location", "%s%s%s%s", gh->api, path + old_len,
                          *call->request->query != '\0' ? "?" : "", call->request->query);
        gh_fail(call, status, "Moved Permanently");
    } else if (strncmp(path, "/repos/", 7) == 0) {
        gh_fail(call, 404, "Not Found");
    } else {
        dispatch(call, root_routes, sizeof root_routes / sizeof *root_routes,
                 path + (*path == '/'));
    }
}

/* ---- the door ----------------------------------------------------------------------- */

/* docs.github.com, "Getting started with the REST API": User-Agent is required; 401 without
 * a good token. */
static bool may_enter(struct gh_call *call)
{
    const struct fake_github *gh = call->gh;
    const char *agent = fake_request_header(call->request, "User-Agent");
    const char *token = fake_request_header(call->request, "Authorization");
    const char *version = fake_request_header(call->request, "X-GitHub-Api-Version");
    if (agent == NULL || *agent == '\0') {
        gh_fail(
            call, 403,
            "Request forbidden by administrative rules. Please make sure your request "
            "has a User-Agent header");
        return false;
    }
    if (version != NULL && strcmp(version, "2022-11-28") != 0 &&
        strcmp(version, "2026-03-10") != 0) {
        gh_fail(call, 400, "\"%s\" is not a valid API version", version);
        return false;
    }
    if (*gh->set->token == '\0')
        return true;
    if (token == NULL) {
        gh_fail(call, 401, "Requires authentication");
        return false;
    }
    const char *word = strncasecmp(token, "Bearer ", 7) == 0  ? token + 7
                       : strncasecmp(token, "token ", 6) == 0 ? token + 6
                                                              : "";
    if (strcmp(word, gh->set->token) != 0) {
        gh_fail(call, 401, "Bad credentials");
        return false;
    }
    return true;
}

static bool is_read(const struct fake_request *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

/* docs.github.com, "Rate limits for the REST API" */
static bool has_quota(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    if (!wall_is_set(gh->reset) || call->now.ms >= gh->reset.ms) {
        gh->reset = wall_add(call->now, span_s(PRIMARY_TIME));
        gh->used = 0;
    }
    if (strcmp(call->request->path, "/rate_limit") == 0)
        return true;
    if (gh->used >= gh->set->limit) {
        gh_fail(call, 403, "API rate limit exceeded for user ID 1.");
        return false;
    }
    gh->used++;
    if (gh->set->writes > 0 && !is_read(call->request) &&
        !fake_window_take(&gh->writes, gh->set->writes, span_s(60), call->now)) {
        fake_reply_header(call->reply, "Retry-After", "%d", 60);
        gh_fail(call, 403,
                "You have exceeded a secondary rate limit. Please wait a few minutes "
                "before you try again.");
        return false;
    }
    return true;
}

static void limit_headers(struct gh_call *call)
{
    const struct fake_github *gh = call->gh;
    struct fake_reply *reply = call->reply;
    fake_reply_header(reply, "X-RateLimit-Limit", "%lld", (long long)gh->set->limit);
    fake_reply_header(reply, "X-RateLimit-Remaining", "%lld",
                      (long long)(gh->set->limit - gh->used));
    fake_reply_header(reply, "X-RateLimit-Used", "%lld", (long long)gh->used);
    fake_reply_header(reply, "X-RateLimit-Reset", "%lld", (long long)gh->reset.ms / 1000);
    fake_reply_header(reply, "X-RateLimit-Resource", "core");
    fake_reply_header(reply, "X-GitHub-Request-Id", "FAKE:%llX",
                      (unsigned long long)call->now.ms);
    fake_reply_header(reply, "X-GitHub-Media-Type", "github.v3; format=json");
}

/* docs.github.com, "Best practices": a 304 does not count against the primary limit. */
static void conditional(struct gh_call *call)
{
    struct fake_reply *reply = call->reply;
    if (!is_read(call->request) || reply->status != 200)
        return;
    char hex[65];
    fake_sha256(reply->body.data, reply->body.len, hex);
    AUTO_FREE char *etag = mem_printf("W/\"%s\"", hex);
    fake_reply_header(reply, "ETag", "%s", etag);
    fake_reply_header(reply, "Cache-Control", "private, max-age=60, s-maxage=60");
    const char *known = fake_request_header(call->request, "If-None-Match");
    if (known != NULL && strcmp(known, etag) == 0) {
        gh_empty(call, 304);
        call->gh->used--;
    }
}

void fake_github_serve(struct fake_github *gh, const struct fake_request *request,
                       struct wall now, struct fake_reply *reply)
{
    struct gh_call call = {.gh = gh, .request = request, .reply = reply, .now = now};
    struct err err = ERR_INIT;
    gh_checks_tick(gh, now);
    if (request->body_len > 0)
        call.body = json_parse(request->body, request->body_len, &err);
    if (may_enter(&call) && has_quota(&call)) {
        if (request->body_len > 0 && call.body == NULL)
            gh_fail(&call, 400, "Problems parsing JSON");
        else
            route(&call);
    }
    conditional(&call);
    limit_headers(&call);
    json_free(call.body);
}

void fake_github_tick(struct fake_github *gh, struct wall now)
{
    gh_look(gh, now);
    gh_checks_tick(gh, now);
}
