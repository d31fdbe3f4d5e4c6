/* SPDX-License-Identifier: MIT */
/* Calls of GitHub to Prism's mock, and recorded scenarios. */
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/service/github_answer.h"
#include "tests/conformance/conform.h"

static void prefer(struct http_request *request, int status)
{
    char value[32];
    (void)snprintf(value, sizeof(value), "code=%d", status);
    http_request_header(request, "Prefer", value);
}

/* Refusals that ops live on, as GitHub's description shows them. */
static const struct {
    enum github_call call;
    int status;
} refusals[] = {
    {GITHUB_PULL_MERGE,         405},
    {GITHUB_PULL_MERGE,         409},
    {GITHUB_PULL_MERGE,         403},
    {GITHUB_PULL_CREATE,        422},
    {GITHUB_PULL_GET,           304},
    {GITHUB_PULL_GET,           404},
    {GITHUB_PULL_UPDATE_BRANCH, 422},
    {GITHUB_PULL_IS_MERGED,     404},
    {GITHUB_REPO_GET,           301},
    {GITHUB_REPO_GET,           404},
    {GITHUB_REF_CREATE,         422},
    {GITHUB_REF_GET,            404},
    {GITHUB_RUN_CANCEL,         409},
    {GITHUB_LABEL_ADD,          404},
    {GITHUB_DEPLOYMENT_CREATE,  409},
    {GITHUB_DELIVERY_AGAIN,     422},
};

static void mock_one(struct ask *asker, enum github_call call,
                     const struct sample *sample, int status, bool is_read)
{
    char why[WHY_MAX] = "", reason[GITHUB_REASON_MAX + 1];
    AUTO_FREE char *name = mem_printf("mock %s %d", github_call_row(call)->name, status);
    struct http_request *request = sample_request(call, sample);
    request->has_etag = false;
    prefer(request, status);
    struct http_response *response = ask_once(asker, request);
    bool is_fine = is_conformant(response, false, why);
    if (is_fine && response->status != status) {
        is_fine = false;
        (void)snprintf(why, sizeof(why), "status %d", response->status);
    }
    if (is_fine && is_read && !is_readable(call, response)) {
        is_fine = false;
        (void)snprintf(why, sizeof(why), "cannot read %.300s", response->body);
    }
    if (is_fine && !is_read && github_reason(response, reason)[0] == '\0') {
        is_fine = false;
        (void)snprintf(why, sizeof(why), "no reason in %.300s", response->body);
    }
    report(is_fine, name, why);
    http_response_free(response);
}

void conform_mock(const char *base)
{
    const struct sample sample = {.repo = "octo-org/hello_world.c",
                                  .base = "main",
                                  .branch = "signalbox/wf-12",
                                  .sha = "6dcb09b5b57875f334f61aebed695e2e4193db5e",
                                  .tree = "9fb037999f264ba9a7fc6274d15fa3ae2ab98312",
                                  .parent = "7d1b31e74ee336d15cbd21741bc88a537ed063a0",
                                  .workflow = "ci.yml",
                                  .content = "docs/READ ME.md",
                                  .check_name = "unit tests",
                                  .pull = 1,
                                  .run = 2,
                                  .job = 3,
                                  .suite = 4,
                                  .check = 5,
                                  .hook = 6,
                                  .delivery = 7,
                                  .deployment = 8};
    struct ask *asker = ask_open(base);
    for (int i = 0; i < GITHUB_CALL_COUNT; i++) {
        enum github_call call = (enum github_call)i;
        const struct github_call_row *row = github_call_row(call);
        if (call == GITHUB_GRAPHQL) { /* not REST: described elsewhere */
            continue;
        }
        mock_one(asker, call, &sample, row->status, true);
        if (row->other != 0) {
            mock_one(asker, call, &sample, row->other, false);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        mock_one(asker, refusals[i].call, &sample, refusals[i].status, false);
    }
    ask_close(asker);
}

/* ---- recorded scenarios ----------------------------------------------------------------
 */

#define ORG "/repos/octokit-fixture-org/"
#define SHA "0000000000000000000000000000000000000001"

/* Ask; a redirect is followed the way ops do it. */
static struct http_response *follow(struct ask *asker, const char *base,
                                    struct http_request *request)
{
    struct http_request *again = http_request_copy(request);
    struct http_response *response = ask_once(asker, request);
    const char *location = http_header_of(response, "location");
    char *path = (response->status == 301 || response->status == 307) && location != NULL
                     ? github_below(base, location)
                     : NULL;
    if (path == NULL) {
        http_request_free(again);
        return response;
    }
    http_response_free(response);
    free(again->url);
    again->url = path;
    return ask_once(asker, again);
}

static void expect(struct http_response *response, const char *name, int status,
                   bool is_read)
{
    char why[WHY_MAX];
    (void)snprintf(why, sizeof(why), "status %d %s: %.300s", response->status,
                   response->text, response->body);
    report(response->status == status && is_read, name, why);
    http_response_free(response);
}

static struct http_request *bare(enum http_method method, const char *path,
                                 const char *body)
{
    struct http_request *request = http_request_new(
        "recorded", method == HTTP_GET ? CALL_READ : CALL_WRITE, method, mem_str(path));
    http_request_header(request, "Accept", "application/vnd.github+json");
    if (body != NULL) {
        http_request_body(request, mem_str(body), strlen(body));
    }
    return request;
}

static void repository(struct ask *asker, const char *base)
{
    struct github_repo repo = {.name = NULL};
    const struct github_path path = {.repo = "octokit-fixture-org/hello-world"};
    struct http_response *response =
        follow(asker, base, github_request(GITHUB_REPO_GET, &path));
    bool is_read = github_repo_read(response, &repo) &&
                   strcmp(repo.name, "octokit-fixture-org/hello-world") == 0 &&
                   http_header_of(response, "etag") != NULL;
    github_repo_fini(&repo);
    expect(response, "get-repository", 200, is_read);
}

static void issues(struct ask *asker, const char *base)
{
    char *path = mem_str(ORG "paginate-issues/issues?per_page=3");
    int n_pages = 0;
    for (; path != NULL && n_pages < 10; n_pages++) {
        struct http_response *response = ask_once(asker, bare(HTTP_GET, path, NULL));
        const char *header = http_header_of(response, "link");
        AUTO_FREE char *url = header != NULL ? github_link(header, "next") : NULL;
        free(path);
        path = url != NULL ? github_below(base, url) : NULL;
        expect(response, "paginate-issues", 200, true);
    }
    free(path);
    report(n_pages == 5, "paginate-issues: five pages", "another number");
}

static void renamed(struct ask *asker, const char *base)
{
    struct github_repo repo = {.name = NULL};
    const struct github_path path = {.repo = "octokit-fixture-org/rename-repository"};
    expect(follow(asker, base,
                  bare(HTTP_PATCH, ORG "rename-repository",
                       "{\"name\":\"rename-repository-newname\"}")),
           "rename-repository: the rename", 200, true);
    struct http_response *response =
        follow(asker, base, github_request(GITHUB_REPO_GET, &path));
    bool is_read =
        github_repo_read(response, &repo) &&
        strcmp(repo.name, "octokit-fixture-org/rename-repository-newname") == 0;
    github_repo_fini(&repo);
    expect(response, "rename-repository: 301 by the same method", 200, is_read);
    expect(follow(asker, base,
                  bare(HTTP_PATCH, ORG "rename-repository",
                       "{\"name\":\"rename-repository-newname\",\"description\":\"test "
                       "description\"}")),
           "rename-repository: 307 with the same body", 200, true);
}

static void errors(struct ask *asker)
{
    char reason[GITHUB_REASON_MAX + 1];
    struct http_response *response =
        ask_once(asker, bare(HTTP_POST, ORG "errors/labels",
                             "{\"name\":\"foo\",\"color\":\"invalid\"}"));
    bool is_told = strcmp(github_reason(response, reason),
                          "Validation Failed; Label color invalid") == 0;
    expect(response, "errors: 422 says what is wrong", 422, is_told);
}

static void statuses(struct ask *asker)
{
    static const char *const states[] = {"failure", "success"};
    for (int i = 0; i < 2; i++) {
        char context[16], text[64];
        (void)snprintf(context, sizeof(context), "example/%d", i + 1);
        (void)snprintf(text, sizeof(text), "create-status %s test", states[i]);
        const struct github_new_status status = {states[i], context, text,
                                                 "https://example.com"};
        struct http_response *response =
            ask_once(asker, github_status_create("octokit-fixture-org/create-status", SHA,
                                                 &status));
        bool is_read = github_id_read(response) > 0;
        expect(response, "create-status", 201, is_read);
    }
    expect(ask_once(asker,
                    bare(HTTP_GET, ORG "create-status/commits/" SHA "/statuses", NULL)),
           "create-status: list", 200, true);
    struct github_checks checks = {.n = 0};
    const struct github_path path = {.repo = "octokit-fixture-org/create-status",
                                     .text = SHA};
    struct http_response *response =
        ask_once(asker, github_request(GITHUB_STATUS_COMBINED, &path));
    bool is_read = github_checks_add_statuses(&checks, response) && checks.n == 2 &&
                   github_gate(&checks, NULL, 0) == CHECKS_RED;
    github_checks_fini(&checks);
    expect(response, "create-status: combined is red", 200, is_read);
}

static void refs(struct ask *asker)
{
    const char *repo = "octokit-fixture-org/git-refs";
    char *sha = NULL;
    expect(ask_once(asker, bare(HTTP_GET, ORG "git-refs/git/refs/", NULL)),
           "git-refs: list", 200, true);
    struct http_response *response =
        ask_once(asker, github_ref_create(repo, "refs/heads/test",
                                          "0000000000000000000000000000000000000002"));
    bool is_read = github_sha_read(response, &sha) &&
                   strcmp(sha, "0000000000000000000000000000000000000002") == 0;
    free(sha);
    expect(response, "git-refs: create", 201, is_read);
    sha = NULL;
    response = ask_once(asker, github_ref_update(repo, "heads/test", SHA, false));
    is_read = github_sha_read(response, &sha) && strcmp(sha, SHA) == 0;
    free(sha);
    expect(response, "git-refs: update", 200, is_read);
    expect(ask_once(asker, bare(HTTP_GET, ORG "git-refs/git/refs/", NULL)),
           "git-refs: list again", 200, true);
    const struct github_path path = {.repo = repo, .text = "heads/test"};
    expect(ask_once(asker, github_request(GITHUB_REF_DELETE, &path)), "git-refs: delete",
           204, true);
}

void conform_fixtures(const char *name, const char *base)
{
    struct ask *asker = ask_open(base);
    if (strcmp(name, "get-repository") == 0) {
        repository(asker, base);
    } else if (strcmp(name, "paginate-issues") == 0) {
        issues(asker, base);
    } else if (strcmp(name, "rename-repository") == 0) {
        renamed(asker, base);
    } else if (strcmp(name, "errors") == 0) {
        errors(asker);
    } else if (strcmp(name, "create-status") == 0) {
        statuses(asker);
    } else if (strcmp(name, "git-refs") == 0) {
        refs(asker);
    } else {
        report(false, name, "no such scenario");
    }
    struct http_response *left = ask_once(asker, bare(HTTP_GET, "/_left", NULL));
    AUTO_FREE char *line = mem_printf("%s: every recorded call was made", name);
    char why[WHY_MAX];
    (void)snprintf(why, sizeof(why), "%.300s", left->body);
    report(left->status == 200 && strcmp(left->body, "0") == 0, line, why);
    http_response_free(left);
    ask_close(asker);
}
