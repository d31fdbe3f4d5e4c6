/* SPDX-License-Identifier: MIT */

/* Commit statuses, check runs and suites; how they run by themselves after a push. */

#include "tests/fakes/fake_github_model.h"

#define OTHER_APP "quality-app"

struct gh_suite *gh_suite_find(struct fake_github *gh, int64_t id)
{
    for (size_t i = 0; i < gh->n_suites; i++)
        if (gh->suites[i].id == id)
            return &gh->suites[i];
    return NULL;
}

struct gh_check *gh_check_find(struct fake_github *gh, int64_t id)
{
    for (size_t i = 0; i < gh->n_checks; i++)
        if (gh->checks[i].id == id)
            return &gh->checks[i];
    return NULL;
}

struct gh_run *gh_run_find(struct fake_github *gh, int64_t id)
{
    for (size_t i = 0; i < gh->n_runs; i++)
        if (gh->runs[i].id == id)
            return &gh->runs[i];
    return NULL;
}

/* ---- webhooks ----------------------------------------------------------------------- */

static void event_check(struct fake_github *gh, const struct gh_check *check,
                        const char *action, struct wall now)
{
    struct gh_event event;
    gh_event_open(&event, "check_run", action);
    gh_put_check(gh, &event.w, "check_run", check);
    gh_event_send(gh, &event, GH_BOT, now);
    if (check->run == 0)
        return;
    const char *word = strcmp(action, "created") == 0 ? "queued" : action;
    gh_event_open(&event, "workflow_job", word);
    gh_put_job(gh, &event.w, "workflow_job", check);
    gh_event_send(gh, &event, GH_BOT, now);
}

static void event_suite(struct fake_github *gh, const struct gh_suite *suite,
                        const char *action, struct wall now)
{
    struct gh_event event;
    gh_event_open(&event, "check_suite", action);
    gh_put_suite(gh, &event.w, "check_suite", suite);
    gh_event_send(gh, &event, GH_BOT, now);
}

static void event_run(struct fake_github *gh, const struct gh_run *run,
                      const char *action, struct wall now)
{
    struct gh_event event;
    gh_event_open(&event, "workflow_run", action);
    gh_put_run(gh, &event.w, "workflow_run", run);
    gh_put_workflow(gh, &event.w, "workflow");
    gh_event_send(gh, &event, GH_BOT, now);
}

static void event_status(struct fake_github *gh, const struct gh_status *status,
                         struct wall now)
{
    struct gh_event event;
    gh_event_open(&event, "status", "");
    jsonw_int(&event.w, "id", status->id);
    jsonw_str(&event.w, "sha", status->sha);
    jsonw_str(&event.w, "name", gh->full);
    jsonw_str(&event.w, "target_url", *status->target != '\0' ? status->target : NULL);
    jsonw_str(&event.w, "context", status->context);
    jsonw_str(&event.w, "description", status->text);
    jsonw_str(&event.w, "state", status->state);
    gh_put_commit(gh, &event.w, "commit", status->sha);
    jsonw_open(&event.w, "branches", '[');
    for (size_t i = 0; i < gh->n_branches; i++) {
        if (strcmp(gh->branches[i].sha, status->sha) != 0)
            continue;
        jsonw_open(&event.w, NULL, '{');
        jsonw_str(&event.w, "name", gh->branches[i].name);
        jsonw_open(&event.w, "commit", '{');
        jsonw_str(&event.w, "sha", status->sha);
        fake_put(&event.w, "url", "%s/commits/%s", gh->api, status->sha);
        jsonw_close(&event.w, '}');
        jsonw_bool(&event.w, "protected", false);
        jsonw_close(&event.w, '}');
    }
    jsonw_close(&event.w, ']');
    fake_put_time(&event.w, "created_at", status->at);
    fake_put_time(&event.w, "updated_at", status->at);
    gh_event_send(gh, &event, status->author, now);
}

/* ---- judging ------------------------------------------------------------------------ */

bool gh_status_is_newest(const struct fake_github *gh, size_t index)
{
    for (size_t i = index + 1; i < gh->n_statuses; i++)
        if (strcmp(gh->statuses[i].sha, gh->statuses[index].sha) == 0 &&
            strcmp(gh->statuses[i].context, gh->statuses[index].context) == 0)
            return false;
    return true;
}

/* docs.github.com, "Get the combined status": failure when any context is error or failure,
 * pending when there are none or one is pending. */
const char *gh_combined_state(struct fake_github *gh, const char *sha, size_t *ret_n)
{
    size_t n = 0, bad = 0, open = 0;
    for (size_t i = 0; i < gh->n_statuses; i++) {
        const char *state = gh->statuses[i].state;
        if (strcmp(gh->statuses[i].sha, sha) != 0 || !gh_status_is_newest(gh, i))
            continue;
        n++;
        bad += strcmp(state, "failure") == 0 || strcmp(state, "error") == 0;
        open += strcmp(state, "pending") == 0;
    }
    *ret_n = n;
    return bad > 0 ? "failure" : open > 0 || n == 0 ? "pending" : "success";
}

static bool is_good(const char *conclusion)
{
    return strcmp(conclusion, "success") == 0 || strcmp(conclusion, "neutral") == 0 ||
           strcmp(conclusion, "skipped") == 0;
}

void gh_suite_judge(const struct fake_github *gh, const struct gh_suite *suite,
                    const char **ret_status, const char **ret_conclusion, size_t *ret_n)
{
    size_t n = 0, open = 0, begun = 0;
    const char *worst = "success";
    for (size_t i = 0; i < gh->n_checks; i++) {
        const struct gh_check *check = &gh->checks[i];
        if (check->suite != suite->id || check->is_old)
            continue;
        n++;
        begun += strcmp(check->status, "queued") != 0;
        if (strcmp(check->status, "completed") != 0)
            open++;
        else if (!is_good(check->conclusion))
            worst = check->conclusion;
    }
    *ret_n = n;
    *ret_status =
        open > 0 || n == 0 ? (begun > 0 ? "in_progress" : "queued") : "completed";
    *ret_conclusion = open > 0 || n == 0 ? "" : worst;
}

bool gh_context_is_green(struct fake_github *gh, const char *sha, const char *name)
{
    for (size_t i = 0; i < gh->n_checks; i++)
        if (!gh->checks[i].is_old && strcmp(gh->checks[i].sha, sha) == 0 &&
            strcmp(gh->checks[i].name, name) == 0)
            return is_good(gh->checks[i].conclusion);
    for (size_t i = 0; i < gh->n_statuses; i++)
        if (strcmp(gh->statuses[i].sha, sha) == 0 && gh_status_is_newest(gh, i) &&
            strcmp(gh->statuses[i].context, name) == 0)
            return strcmp(gh->statuses[i].state, "success") == 0;
    return false;
}

/* ---- making ------------------------------------------------------------------------- */

struct gh_suite *gh_suite_of(struct fake_github *gh, const char *sha, const char *branch,
                             const char *app, struct wall now)
{
    for (size_t i = 0; i < gh->n_suites; i++)
        if (strcmp(gh->suites[i].sha, sha) == 0 && strcmp(gh->suites[i].app, app) == 0)
            return &gh->suites[i];
    struct gh_suite *suite = FAKE_ADD(gh->suites, gh->n_suites);
    *suite = (struct gh_suite){.id = gh_id(gh),
                               .sha = mem_str(sha),
                               .branch = mem_str(branch),
                               .app = mem_str(app),
                               .created = now,
                               .updated = now};
    return suite;
}

struct gh_status *gh_status_add(struct fake_github *gh, const char *sha,
                                const char *state, const char *context, const char *text,
                                const char *target, const char *author, struct wall now)
{
    struct gh_status *status = FAKE_ADD(gh->statuses, gh->n_statuses);
    *status = (struct gh_status){
        gh_id(gh),       mem_str(sha),  mem_str(state),  mem_str(context),
        mem_str(target), mem_str(text), mem_str(author), now};
    event_status(gh, status, now);
    return status;
}

static struct gh_check *check_add(struct fake_github *gh, struct gh_suite *suite,
                                  const char *name, struct wall now)
{
    struct gh_check *check = FAKE_ADD(gh->checks, gh->n_checks);
    *check = (struct gh_check){.id = gh_id(gh),
                               .suite = suite->id,
                               .attempt = 1,
                               .sha = mem_str(suite->sha),
                               .name = mem_str(name),
                               .status = mem_str("queued"),
                               .conclusion = mem_str(""),
                               .external = mem_str(""),
                               .title = mem_str(""),
                               .summary = mem_str(""),
                               .text = mem_str(""),
                               .details = mem_str(""),
                               .will = mem_str("success"),
                               .queued = now};
    suite->is_done = false;
    suite->updated = now;
    return check;
}

static struct gh_run *run_add(struct fake_github *gh, struct gh_suite *suite,
                              const char *event, struct wall now)
{
    struct gh_run *run = FAKE_ADD(gh->runs, gh->n_runs);
    *run = (struct gh_run){.id = gh_id(gh),
                           .suite = suite->id,
                           .number = ++gh->last_run,
                           .attempt = 1,
                           .sha = mem_str(suite->sha),
                           .branch = mem_str(suite->branch),
                           .event = mem_str(event),
                           .status = mem_str("queued"),
                           .conclusion = mem_str(""),
                           .created = now,
                           .updated = now};
    suite->run = run->id;
    event_run(gh, run, "requested", now);
    return run;
}

static void check_begin(struct fake_github *gh, const struct fake_check_spec *spec,
                        const char *branch, const char *sha, int head, const char *event,
                        struct wall now)
{
    size_t nth =
        (size_t)head < spec->n_conclusions ? (size_t)head : spec->n_conclusions - 1;
    const char *will = spec->n_conclusions > 0 ? spec->conclusions[nth] : "success";
    bool is_job = spec->kind == FAKE_CHECK_ACTIONS;
    /* A status is also a check here, hidden from the lists, until it speaks. */
    const char *app = is_job ? GH_APP : spec->kind == FAKE_CHECK_APP ? OTHER_APP : "";
    struct gh_suite *suite = gh_suite_of(gh, sha, branch, app, now);
    int64_t suite_id = suite->id, run = 0;
    if (is_job) {
        struct gh_run *made = suite->run != 0 ? gh_run_find(gh, suite->run)
                                              : run_add(gh, suite, event, now);
        run = made->id;
    }
    struct gh_check *check = check_add(gh, gh_suite_find(gh, suite_id), spec->name, now);
    check->spec = spec;
    check->run = run;
    fake_keep(&check->will, will);
    if (spec->kind == FAKE_CHECK_STATUS)
        (void)gh_status_add(gh, sha, "pending", spec->name, "queued", "", "ci-bot", now);
    else
        event_check(gh, check, "created", now);
}

void gh_checks_begin(struct fake_github *gh, const char *branch, const char *sha,
                     int head, const char *event, struct wall now)
{
    for (size_t i = 0; i < gh->n_suites; i++)
        if (strcmp(gh->suites[i].sha, sha) == 0)
            return; /* they have run for this commit */
    for (size_t i = 0; i < gh->set->n_checks; i++)
        check_begin(gh, &gh->set->checks[i], branch, sha, head, event, now);
}

/* ---- running ------------------------------------------------------------------------ */

static void check_conclude(struct fake_github *gh, struct gh_check *check,
                           struct wall now)
{
    fake_keep(&check->status, "completed");
    fake_keep(&check->conclusion, check->will);
    check->completed = now;
    AUTO_FREE char *title =
        mem_printf("%s: %s", check->name, is_good(check->will) ? "passed" : "failed");
    fake_keep(&check->title, title);
    fake_keep(&check->summary, is_good(check->will) ? "" : check->spec->log);
    if (check->spec->kind == FAKE_CHECK_STATUS) {
        (void)gh_status_add(gh, check->sha, is_good(check->will) ? "success" : "failure",
                            check->name, title, "", "ci-bot", now);
    } else {
        event_check(gh, check, "completed", now);
    }
}

static void check_tick(struct fake_github *gh, size_t index, struct wall now)
{
    struct gh_check *check = &gh->checks[index];
    if (check->spec == NULL || strcmp(check->status, "completed") == 0)
        return;
    int64_t age = now.ms - check->queued.ms;
    if (strcmp(check->status, "queued") == 0 && age >= check->spec->queue.ms) {
        fake_keep(&check->status, "in_progress");
        check->started = now;
        if (check->spec->kind != FAKE_CHECK_STATUS)
            event_check(gh, check, "in_progress", now);
        struct gh_run *run = gh_run_find(gh, check->run);
        if (run != NULL && strcmp(run->status, "queued") == 0) {
            fake_keep(&run->status, "in_progress");
            run->updated = now;
            event_run(gh, run, "in_progress", now);
        }
    }
    if (strcmp(check->status, "in_progress") == 0 &&
        age >= check->spec->queue.ms + check->spec->time.ms)
        check_conclude(gh, check, now);
}

static void suite_tick(struct fake_github *gh, size_t index, struct wall now)
{
    struct gh_suite *suite = &gh->suites[index];
    const char *status, *conclusion;
    size_t n;
    if (suite->is_done)
        return;
    gh_suite_judge(gh, suite, &status, &conclusion, &n);
    if (strcmp(status, "completed") != 0)
        return;
    suite->is_done = true;
    suite->updated = now;
    if (*suite->app == '\0')
        return;
    struct gh_run *run = gh_run_find(gh, suite->run);
    if (run != NULL) {
        fake_keep(&run->status, "completed");
        fake_keep(&run->conclusion, run->is_cancelled ? "cancelled" : conclusion);
        run->updated = now;
        event_run(gh, run, "completed", now);
    }
    event_suite(gh, suite, "completed", now);
}

void gh_checks_tick(struct fake_github *gh, struct wall now)
{
    for (size_t i = 0; i < gh->n_checks; i++)
        check_tick(gh, i, now);
    for (size_t i = 0; i < gh->n_suites; i++)
        suite_tick(gh, i, now);
}

void fake_github_finish(struct fake_github *gh, struct wall now)
{
    for (size_t i = 0; i < gh->n_checks; i++) {
        struct gh_check *check = &gh->checks[i];
        if (check->spec != NULL && strcmp(check->status, "completed") != 0) {
            check->started = wall_is_set(check->started) ? check->started : now;
            check_conclude(gh, check, now);
        }
    }
    gh_checks_tick(gh, now); /* the suites that have ended with them */
}

/* A new attempt of a check: on GitHub it has a new id. */
static void check_again(struct fake_github *gh, size_t index, int attempt,
                        struct wall now)
{
    struct gh_check old = gh->checks[index];
    gh->checks[index].is_old = true;
    struct gh_check *check = check_add(gh, gh_suite_find(gh, old.suite), old.name, now);
    check->spec = old.spec;
    check->run = old.run;
    check->attempt = attempt;
    fake_keep(&check->will,
              old.spec != NULL && *old.spec->rerun != '\0' ? old.spec->rerun : old.will);
    event_check(gh, check, "created", now);
}

static void suite_again(struct fake_github *gh, int64_t suite_id, bool only_failed,
                        int64_t only, struct wall now)
{
    struct gh_suite *suite = gh_suite_find(gh, suite_id);
    struct gh_run *run = gh_run_find(gh, suite->run);
    int attempt = run != NULL ? ++run->attempt : 2;
    if (run != NULL) {
        fake_keep(&run->status, "queued");
        fake_keep(&run->conclusion, "");
        run->updated = now;
        run->is_cancelled = false;
        event_run(gh, run, "requested", now);
    }
    size_t n = gh->n_checks;
    for (size_t i = 0; i < n; i++) {
        const struct gh_check *check = &gh->checks[i];
        if (check->suite == suite_id && !check->is_old &&
            (only == 0 || check->id == only) &&
            (!only_failed || !is_good(check->conclusion)))
            check_again(gh, i, attempt, now);
    }
}

/* ---- routes: statuses --------------------------------------------------------------- */

/* Commit of the path; 404 or 422 when there is none. */
static char *commit_of(struct gh_call *call)
{
    char *sha = gh_resolve(call->gh, call->arg[0]);
    if (sha == NULL)
        gh_fail(call, 404, "Not Found");
    return sha;
}

void gh_status_create(struct gh_call *call)
{
    const char *state = gh_body_str(call, "state", "");
    AUTO_FREE char *sha = commit_of(call);
    if (sha == NULL)
        return;
    if (strcmp(state, "success") != 0 && strcmp(state, "failure") != 0 &&
        strcmp(state, "error") != 0 && strcmp(state, "pending") != 0) {
        gh_invalid(call, "Status", "state", "custom",
                   "state is not included in the list");
        return;
    }
    const struct gh_status *status =
        gh_status_add(call->gh, sha, state, gh_body_str(call, "context", "default"),
                      gh_body_str(call, "description", ""),
                      gh_body_str(call, "target_url", ""), GH_BOT, call->now);
    call->reply->status = 201;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_status(call->gh, &call->w, NULL, status);
}

void gh_status_combined(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    AUTO_FREE char *sha = commit_of(call);
    if (sha == NULL)
        return;
    size_t n;
    const char *state = gh_combined_state(gh, sha, &n);
    gh_page_open(call, "statuses");
    for (size_t i = 0; i < gh->n_statuses; i++)
        if (strcmp(gh->statuses[i].sha, sha) == 0 && gh_status_is_newest(gh, i) &&
            gh_page_wants(call))
            gh_put_status(gh, &call->w, NULL, &gh->statuses[i]);
    jsonw_close(&call->w, ']');
    jsonw_str(&call->w, "state", state);
    jsonw_str(&call->w, "sha", sha);
    jsonw_int(&call->w, "total_count", (int64_t)n);
    gh_put_repo(gh, &call->w, "repository", false);
    fake_put(&call->w, "commit_url", "%s/commits/%s", gh->api, sha);
    fake_put(&call->w, "url", "%s/commits/%s/status", gh->api, sha);
    jsonw_close(&call->w, '}');
}

void gh_status_list(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    AUTO_FREE char *sha = commit_of(call);
    if (sha == NULL)
        return;
    gh_page_open(call, NULL);
    for (size_t i = gh->n_statuses; i > 0; i--)
        if (strcmp(gh->statuses[i - 1].sha, sha) == 0 && gh_page_wants(call))
            gh_put_status(gh, &call->w, NULL, &gh->statuses[i - 1]);
    gh_page_close(call, NULL);
}

/* ---- routes: checks ----------------------------------------------------------------- */

static bool is_status(const struct gh_check *check)
{
    return check->spec != NULL && check->spec->kind == FAKE_CHECK_STATUS;
}

static void list_checks(struct gh_call *call, const char *sha, int64_t suite)
{
    struct fake_github *gh = call->gh;
    AUTO_FREE char *name = fake_request_param(call->request, "check_name");
    AUTO_FREE char *status = fake_request_param(call->request, "status");
    AUTO_FREE char *filter = fake_request_param(call->request, "filter");
    bool has_old = filter != NULL && strcmp(filter, "all") == 0;
    gh_page_open(call, "check_runs");
    for (size_t i = gh->n_checks; i > 0; i--) {
        const struct gh_check *check = &gh->checks[i - 1];
        if (is_status(check) || (check->is_old && !has_old) ||
            (sha != NULL && strcmp(check->sha, sha) != 0) ||
            (suite != 0 && check->suite != suite) ||
            (name != NULL && strcmp(check->name, name) != 0) ||
            (status != NULL && strcmp(check->status, status) != 0))
            continue;
        if (gh_page_wants(call))
            gh_put_check(gh, &call->w, NULL, check);
    }
    gh_page_close(call, "check_runs");
}

void gh_checks_of_ref(struct gh_call *call)
{
    AUTO_FREE char *sha = commit_of(call);
    if (sha != NULL)
        list_checks(call, sha, 0);
}

void gh_suites_of_ref(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    AUTO_FREE char *sha = commit_of(call);
    if (sha == NULL)
        return;
    gh_page_open(call, "check_suites");
    for (size_t i = 0; i < gh->n_suites; i++)
        if (*gh->suites[i].app != '\0' && strcmp(gh->suites[i].sha, sha) == 0 &&
            gh_page_wants(call))
            gh_put_suite(gh, &call->w, NULL, &gh->suites[i]);
    gh_page_close(call, "check_suites");
}

static struct gh_check *check_of(struct gh_call *call)
{
    struct gh_check *check = gh_check_find(call->gh, fake_number(call->arg[0], 0));
    if (check == NULL || is_status(check)) {
        gh_fail(call, 404, "Not Found");
        return NULL;
    }
    return check;
}

static void answer_check(struct gh_call *call, const struct gh_check *check, int status)
{
    call->reply->status = status;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_check(call->gh, &call->w, NULL, check);
}

static void check_take(struct gh_call *call, struct gh_check *check)
{
    const struct json *output = json_get(call->body, "output");
    const char *status = gh_body_str(call, "status", NULL);
    const char *conclusion = gh_body_str(call, "conclusion", NULL);
    fake_keep(&check->title, json_str(output, "title", check->title));
    fake_keep(&check->summary, json_str(output, "summary", check->summary));
    fake_keep(&check->text, json_str(output, "text", check->text));
    fake_keep(&check->external, gh_body_str(call, "external_id", check->external));
    fake_keep(&check->details, gh_body_str(call, "details_url", check->details));
    if (conclusion != NULL) {
        fake_keep(&check->conclusion, conclusion);
        status = "completed";
        check->completed = call->now;
    }
    if (status != NULL)
        fake_keep(&check->status, status);
    if (strcmp(check->status, "queued") != 0 && !wall_is_set(check->started))
        check->started = call->now;
}

void gh_check_create(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const char *name = gh_body_str(call, "name", "");
    AUTO_FREE char *sha = gh_resolve(gh, gh_body_str(call, "head_sha", ""));
    if (*name == '\0' || sha == NULL) {
        gh_fail(call, 422, "No commit found for SHA: %s",
                gh_body_str(call, "head_sha", ""));
        return;
    }
    struct gh_suite *suite = gh_suite_of(gh, sha, "", "signalbox", call->now);
    struct gh_check *check = check_add(gh, suite, name, call->now);
    check_take(call, check);
    event_check(gh, check, *check->conclusion != '\0' ? "completed" : "created",
                call->now);
    answer_check(call, check, 201);
}

void gh_check_get(struct gh_call *call)
{
    const struct gh_check *check = check_of(call);
    if (check != NULL)
        answer_check(call, check, 200);
}

void gh_check_patch(struct gh_call *call)
{
    struct gh_check *check = check_of(call);
    if (check == NULL)
        return;
    check_take(call, check);
    if (*check->conclusion != '\0')
        event_check(call->gh, check, "completed", call->now);
    answer_check(call, check, 200);
}

void gh_check_rerequest(struct gh_call *call)
{
    const struct gh_check *check = check_of(call);
    if (check == NULL)
        return;
    suite_again(call->gh, check->suite, false, check->id, call->now);
    gh_object(call, 201);
    gh_close(call);
}

void gh_check_annotations(struct gh_call *call)
{
    if (check_of(call) == NULL)
        return;
    gh_page_open(call, NULL);
    gh_page_close(call, NULL);
}

static struct gh_suite *suite_of(struct gh_call *call)
{
    struct gh_suite *suite = gh_suite_find(call->gh, fake_number(call->arg[0], 0));
    if (suite == NULL)
        gh_fail(call, 404, "Not Found");
    return suite;
}

void gh_suite_get(struct gh_call *call)
{
    const struct gh_suite *suite = suite_of(call);
    if (suite == NULL)
        return;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_suite(call->gh, &call->w, NULL, suite);
}

void gh_suite_checks(struct gh_call *call)
{
    const struct gh_suite *suite = suite_of(call);
    if (suite != NULL)
        list_checks(call, NULL, suite->id);
}

void gh_suite_rerequest(struct gh_call *call)
{
    const struct gh_suite *suite = suite_of(call);
    if (suite == NULL)
        return;
    suite_again(call->gh, suite->id, false, 0, call->now);
    gh_object(call, 201);
    gh_close(call);
}

/* ---- routes: running again ---------------------------------------------------------- */

static struct gh_run *run_of(struct gh_call *call)
{
    struct gh_run *run = gh_run_find(call->gh, fake_number(call->arg[0], 0));
    if (run == NULL)
        gh_fail(call, 404, "Not Found");
    return run;
}

static void run_again(struct gh_call *call, bool only_failed)
{
    const struct gh_run *run = run_of(call);
    if (run == NULL)
        return;
    if (strcmp(run->status, "completed") != 0) {
        gh_fail(call, 403, "This workflow is already running");
        return;
    }
    suite_again(call->gh, run->suite, only_failed, 0, call->now);
    gh_object(call, 201);
    gh_close(call);
}

void gh_run_rerun(struct gh_call *call)
{
    run_again(call, false);
}

void gh_run_rerun_failed(struct gh_call *call)
{
    run_again(call, true);
}

void gh_job_rerun(struct gh_call *call)
{
    const struct gh_check *job = gh_check_find(call->gh, fake_number(call->arg[0], 0));
    if (job == NULL || job->run == 0) {
        gh_fail(call, 404, "Not Found");
        return;
    }
    suite_again(call->gh, job->suite, false, job->id, call->now);
    gh_object(call, 201);
    gh_close(call);
}

void gh_run_cancel(struct gh_call *call)
{
    struct gh_run *run = run_of(call);
    if (run == NULL)
        return;
    if (strcmp(run->status, "completed") == 0) {
        gh_fail(call, 409, "Cannot cancel a workflow run that is completed.");
        return;
    }
    run->is_cancelled = true;
    int64_t id = run->id;
    for (size_t i = 0; i < call->gh->n_checks; i++) {
        struct gh_check *check = &call->gh->checks[i];
        if (check->run != id || check->is_old || strcmp(check->status, "completed") == 0)
            continue;
        fake_keep(&check->will, "cancelled");
        check_conclude(call->gh, check, call->now);
    }
    gh_object(call, 202);
    gh_close(call);
}

void gh_workflow_dispatch(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    AUTO_FREE char *sha = gh_resolve(gh, gh_body_str(call, "ref", ""));
    if (sha == NULL) {
        gh_fail(call, 422, "No ref found for: %s", gh_body_str(call, "ref", ""));
        return;
    }
    struct gh_suite *suite =
        gh_suite_of(gh, sha, gh_body_str(call, "ref", ""), GH_APP, call->now);
    const struct gh_run *run = run_add(gh, suite, "workflow_dispatch", call->now);
    int64_t run_id = run->id, suite_id = suite->id;
    for (size_t i = 0; i < gh->set->n_checks; i++) {
        if (gh->set->checks[i].kind != FAKE_CHECK_ACTIONS)
            continue;
        struct gh_check *check = check_add(gh, gh_suite_find(gh, suite_id),
                                           gh->set->checks[i].name, call->now);
        check->spec = &gh->set->checks[i];
        check->run = run_id;
        event_check(gh, check, "created", call->now);
    }
    if (!json_bool(call->body, "return_run_details", false)) {
        gh_empty(call, 204);
        return;
    }
    gh_object(call, 200);
    jsonw_int(&call->w, "workflow_run_id", run_id);
    fake_put(&call->w, "run_url", "%s/actions/runs/%lld", gh->api, (long long)run_id);
    fake_put(&call->w, "html_url", "%s/actions/runs/%lld", gh->web, (long long)run_id);
    gh_close(call);
}
