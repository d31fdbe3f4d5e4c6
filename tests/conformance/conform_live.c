/* SPDX-License-Identifier: MIT */

/*
 * All calls to a simulated GitHub behind a validating proxy, so that both sides of each are
 * judged: what we send, and what the simulation answers. The order makes sense: a branch, a
 * pull request, its checks, its Actions, hooks, deployments, the merge, the end of it.
 */
#include "engine/base/mem.h"
#include "engine/service/github_answer.h"
#include "tests/conformance/conform.h"

#define LOOKS_MAX 200 /* for what takes the simulation a moment */

struct live {
    struct ask *proxy, *fake;
    struct sample sample;
    char *sha, *tree, *parent, *node_id; /* of the head of our branch */
    bool is_done[GITHUB_CALL_COUNT];
};

/* One call. `also`: a status that is as good (a run that cannot be cancelled any more). */
static struct http_response *step(struct live *live, enum github_call call,
                                  struct http_request *request, int also)
{
    char why[WHY_MAX] = "";
    AUTO_FREE char *name = mem_printf("live %s", github_call_row(call)->name);
    request->has_etag = false;
    struct http_response *response = ask_once(live->proxy, request);
    bool is_fine = is_conformant(response, true, why);
    bool is_success = github_is_success(call, response->status);
    if (is_fine && !is_success && (also == 0 || response->status != also)) {
        is_fine = false;
        (void)snprintf(why, sizeof(why), "status %d %.300s", response->status,
                       response->body);
    }
    if (is_fine && is_success && response->status != 404 &&
        !is_readable(call, response)) {
        is_fine = false;
        (void)snprintf(why, sizeof(why), "cannot read %.300s", response->body);
    }
    report(is_fine, name, why);
    live->is_done[call] = true;
    return response;
}

static void make(struct live *live, enum github_call call, int also)
{
    http_response_free(step(live, call, sample_request(call, &live->sample), also));
}

static int64_t make_id(struct live *live, enum github_call call)
{
    struct http_response *response =
        step(live, call, sample_request(call, &live->sample), 0);
    int64_t id = github_id_read(response);
    http_response_free(response);
    return id;
}

/* A person pushes a commit, in the control room of the simulation. */
static void push(struct live *live, const char *branch, const char *path)
{
    struct http_request *request =
        http_request_new("human", CALL_WRITE, HTTP_POST, mem_str("/_fake/human"));
    char *body = mem_printf("{\"action\":\"commit\",\"branch\":\"%s\",\"base\":\"main\","
                            "\"path\":\"%s\",\"text\":\"new\\n\"}",
                            branch, path);
    http_request_body(request, body, strlen(body));
    struct http_response *response = ask_once(live->fake, request);
    char why[WHY_MAX];
    (void)snprintf(why, sizeof(why), "%d %.300s", response->status, response->body);
    report(response->status / 100 == 2, "live: a person pushes", why);
    http_response_free(response);
}

static char *head_of(struct live *live, const char *branch)
{
    char *sha = NULL;
    struct http_response *response = step(
        live, GITHUB_BRANCH_GET,
        github_request(GITHUB_BRANCH_GET,
                       &(struct github_path){.repo = live->sample.repo, .text = branch}),
        0);
    (void)github_sha_read(response, &sha); /* told above */
    http_response_free(response);
    return sha != NULL ? sha : mem_str("none");
}

static void branches(struct live *live)
{
    struct sample *sample = &live->sample;
    make(live, GITHUB_REPO_GET, 0);
    make(live, GITHUB_RATE_LIMIT, 0);
    make(live, GITHUB_CONTENT_GET, 0);
    AUTO_FREE char *main_sha = head_of(live, sample->base);
    sample->sha = main_sha;
    make(live, GITHUB_REF_CREATE, 0);
    push(live, sample->branch, "a.txt");
    live->sha = head_of(live, sample->branch);
    sample->sha = live->sha;
    make(live, GITHUB_REF_GET, 0);
    make(live, GITHUB_REF_UPDATE, 0);
    make(live, GITHUB_COMPARE, 0);
    struct github_commit commit = {.sha = NULL};
    struct http_response *response =
        step(live, GITHUB_COMMIT_GET, sample_request(GITHUB_COMMIT_GET, sample), 0);
    if (github_commit_read(response, &commit)) {
        live->tree = TAKE(commit.tree);
        live->parent = TAKE(commit.parent);
    }
    github_commit_fini(&commit);
    http_response_free(response);
    sample->tree = live->tree != NULL ? live->tree : "none";
    sample->parent = live->parent != NULL ? live->parent : "none";
    make(live, GITHUB_TREE_GET, 0);
    make(live, GITHUB_COMMIT_CREATE, 0);
    push(live, sample->base, "b.txt");
    make(live, GITHUB_MERGE_BRANCH, 0);
    free(live->sha);
    live->sha = head_of(live, sample->branch);
    sample->sha = live->sha;
}

static void pull_request(struct live *live)
{
    struct sample *sample = &live->sample;
    struct github_pull pull = {.number = 0};
    struct http_response *response =
        step(live, GITHUB_PULL_CREATE, sample_request(GITHUB_PULL_CREATE, sample), 0);
    if (github_pull_read(response, &pull)) {
        sample->pull = pull.number;
        live->node_id = TAKE(pull.node_id);
    }
    github_pull_fini(&pull);
    http_response_free(response);
    static const enum github_call calls[] = {
        GITHUB_PULL_LIST,      GITHUB_PULL_GET,     GITHUB_PULL_UPDATE,
        GITHUB_PULL_IS_MERGED, GITHUB_PULL_FILES,   GITHUB_PULL_COMMITS,
        GITHUB_REVIEW_CREATE,  GITHUB_REVIEW_LIST,  GITHUB_REVIEWERS_GET,
        GITHUB_COMMENT_CREATE, GITHUB_COMMENT_LIST, GITHUB_LABEL_ADD,
        GITHUB_LABEL_LIST,
    };
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        make(live, calls[i], 0);
    }
}

static void checks(struct live *live)
{
    struct sample *sample = &live->sample;
    make(live, GITHUB_STATUS_CREATE, 0);
    make(live, GITHUB_STATUS_COMBINED, 0);
    sample->check = make_id(live, GITHUB_CHECK_CREATE);
    make(live, GITHUB_CHECK_UPDATE, 0);
    make(live, GITHUB_CHECK_LIST, 0);
    struct github_suites suites = {.n = 0};
    struct http_response *response =
        step(live, GITHUB_SUITE_LIST, sample_request(GITHUB_SUITE_LIST, sample), 0);
    if (github_suites_read(response, &suites) && suites.n > 0) {
        sample->suite = suites.rows[0].id;
    }
    github_suites_fini(&suites);
    http_response_free(response);
    make(live, GITHUB_SUITE_GET, 0);
    make(live, GITHUB_SUITE_CHECKS, 0);
    make(live, GITHUB_SUITE_REREQUEST, 0);
}

/* Id of the first of a list of runs or jobs; asks until there is one that has ended. */
static int64_t first_of(struct live *live, enum github_call call)
{
    int64_t id = 0;
    for (int i = 0; i < LOOKS_MAX && id == 0; i++) {
        struct github_runs runs = {.n = 0};
        struct http_response *response =
            ask_once(live->proxy, sample_request(call, &live->sample));
        if (github_runs_read(response, &runs)) {
            for (size_t k = 0; k < runs.n && id == 0; k++) {
                id = strcmp(runs.rows[k].status, "completed") == 0 ? runs.rows[k].id : 0;
            }
        }
        github_runs_fini(&runs);
        http_response_free(response);
    }
    make(live, call, 0);
    return id;
}

/* The proxy follows redirects itself, so the simulation is asked; the text is at another
 * port, and with an Authorization it would refuse. */
static void see_logs(struct live *live, enum github_call call)
{
    char why[WHY_MAX];
    AUTO_FREE char *name = mem_printf("live %s", github_call_row(call)->name);
    struct http_response *place =
        ask_once(live->fake, sample_request(call, &live->sample));
    struct http_request *request = github_request_log(place);
    struct http_response *log = request != NULL && place->status == 302
                                    ? ask_once(live->fake, request)
                                    : http_response_new(HTTP_UNREACHED, 0);
    (void)snprintf(why, sizeof(why), "%d, then %d %.300s", place->status, log->status,
                   log->body);
    report(call == GITHUB_RUN_LOGS ? place->status == 302 : log->status == 200, name,
           why);
    live->is_done[call] = true;
    http_response_free(place);
    http_response_free(log);
}

static void actions(struct live *live)
{
    struct sample *sample = &live->sample;
    sample->run = first_of(live, GITHUB_RUN_LIST);
    sample->job = first_of(live, GITHUB_RUN_JOBS);
    make(live, GITHUB_RUN_GET, 0);
    make(live, GITHUB_RUN_ATTEMPT, 0);
    make(live, GITHUB_JOB_GET, 0);
    see_logs(live, GITHUB_JOB_LOGS);
    see_logs(live, GITHUB_RUN_LOGS);
    make(live, GITHUB_RUN_RERUN, 0);
    make(live, GITHUB_RUN_CANCEL, 409);
    make(live, GITHUB_RUN_FORCE_CANCEL, 409);
    make(live, GITHUB_RUN_RERUN_FAILED, 403);
    make(live, GITHUB_JOB_RERUN, 403);
    make(live, GITHUB_WORKFLOW_DISPATCH, 0);
    make(live, GITHUB_REPO_DISPATCH, 0);
}

static int64_t first_delivery(struct live *live)
{
    int64_t id = 0;
    for (int i = 0; i < LOOKS_MAX && id == 0; i++) {
        struct github_deliveries deliveries = {.n = 0};
        struct http_response *response =
            ask_once(live->proxy, sample_request(GITHUB_DELIVERY_LIST, &live->sample));
        if (github_deliveries_add(&deliveries, response) && deliveries.n > 0) {
            id = deliveries.rows[0].id;
        }
        github_deliveries_fini(&deliveries);
        http_response_free(response);
    }
    make(live, GITHUB_DELIVERY_LIST, 0);
    return id;
}

static void hooks(struct live *live)
{
    struct sample *sample = &live->sample;
    sample->hook = make_id(live, GITHUB_HOOK_CREATE);
    make(live, GITHUB_HOOK_LIST, 0);
    make(live, GITHUB_HOOK_GET, 0);
    make(live, GITHUB_HOOK_UPDATE, 0);
    make(live, GITHUB_HOOK_PING, 0);
    make(live, GITHUB_HOOK_TEST, 0);
    sample->delivery = first_delivery(live);
    make(live, GITHUB_DELIVERY_GET, 0);
    make(live, GITHUB_DELIVERY_AGAIN, 0);
    make(live, GITHUB_HOOK_DELETE, 0);
}

/* GraphQL is in no OpenAPI description: it goes to the simulation itself. */
static void revert(struct live *live)
{
    struct github_reverted reverted;
    struct http_response *response =
        ask_once(live->fake, github_revert(live->node_id != NULL ? live->node_id : "none",
                                           "Revert \"Pay faster\"", "Takes it back."));
    char why[WHY_MAX];
    (void)snprintf(why, sizeof(why), "%d %.300s", response->status, response->body);
    bool is_made = github_reverted_read(response, &reverted);
    github_reverted_fini(&reverted);
    report(is_made, "live graphql revertPullRequest (not described in OpenAPI)", why);
    http_response_free(response);
    live->is_done[GITHUB_GRAPHQL] = true;
}

void conform_live(const char *base, const char *fake)
{
    struct live live = {
        .proxy = ask_open(base),
        .fake = ask_open(fake),
        .sample = {.repo = "acme/payments",
                   .base = "main",
                   .branch = "signalbox/wf-12",
                   .sha = "none",
                   .workflow = "ci.yml",
                   .content = "README.md",
                   .check_name = "by hand"},
    };
    branches(&live);
    pull_request(&live);
    checks(&live);
    actions(&live);
    hooks(&live);
    live.sample.deployment = make_id(&live, GITHUB_DEPLOYMENT_CREATE);
    make(&live, GITHUB_DEPLOYMENT_LIST, 0);
    make(&live, GITHUB_DEPLOYMENT_REPORT, 0);
    make(&live, GITHUB_DEPLOYMENT_STATUSES, 0);
    make(&live, GITHUB_PULL_UPDATE_BRANCH, 422);
    make(&live, GITHUB_PULL_MERGE, 0);
    revert(&live);
    make(&live, GITHUB_REF_DELETE, 0);
    for (int i = 0; i < GITHUB_CALL_COUNT; i++) {
        if (!live.is_done[i]) { /* the mock has them all */
            printf("# not simulated: %s\n", github_call_row((enum github_call)i)->name);
        }
    }
    ask_close(live.proxy);
    ask_close(live.fake);
    free(live.sha);
    free(live.tree);
    free(live.parent);
    free(live.node_id);
}
