/* SPDX-License-Identifier: MIT */

/* Workspace, commit, pull request and close at GitHub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/service/github.h"
#include "engine/service/github_call.h"
#include "tests/lib/script.h"

#define R     "/repos/acme/pay"
#define OTHER "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PULL(number, state, head, more)                                                  \
    "{\"number\":" number ",\"state\":\"" state "\",\"html_url\":\"https://h/" number    \
    "\",\"node_id\":\"N\",\"title\":\"t\",\"head\":{\"ref\":\"signalbox/wf-12\","        \
    "\"sha\":\"" head "\",\"repo\":{\"full_name\":\"acme/pay\"}},\"base\":{\"ref\":"     \
    "\"main\",\"sha\":\"b\"},\"draft\":false,\"mergeable\":true" more "}"
#define LIST                                                                             \
    "GET " R "/pulls?state=open&head=acme:signalbox%2Fwf-12&base=main&per_page=100"
#define FILES   "GET " R "/pulls/7/files?per_page=100"
#define COMMITS "GET " R "/pulls/7/commits?per_page=100"
#define FILES_BODY                                                                       \
    "[{\"filename\":\"a.c\",\"status\":\"modified\",\"patch\":\"@@ -1 +1 "               \
    "@@\\n-x\\n+y\"}]"
#define COMMITS_BODY                                                                     \
    "[{\"sha\":\"1111111aa\",\"commit\":{\"message\":\"first\\nmore\"}},"                \
    "{\"sha\":\"2222222aa\",\"commit\":{\"message\":\"second\"}}]"
#define DOCS                                                                             \
    {.call = FILES, 200, FILES_BODY},                                                    \
    {                                                                                    \
        .call = COMMITS, 200, COMMITS_BODY                                               \
    }
#define MARKED ",\"body\":\"text\\n---\\nSignalbox-Workflow: wf-12\\n\""
#define ERROR(text)                                                                      \
    "{\"message\":\"Validation Failed\",\"errors\":[{\"message\":\"" text "\"}]}"

static void assert_ended(struct effect_result *result, enum effect_status status,
                         enum blame blame, const char *words)
{
    if (result->status != status || result->blame != blame ||
        strstr(result->summary, words) == NULL) {
        fail_msg("%s, %s: %s", status_name(result->status), blame_word(result->blame),
                 result->summary);
    }
    effect_result_free(result);
}

/* ---- workspace and commit -------------------------------------------------------------- */

static void test_workspace(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_WORKSPACE);
    char none[] = "";
    script.order.branch = none;
    struct effect_result *result = SCRIPT(
        &script,
        {.call = "GET " R, 200, "{\"full_name\":\"acme/pay\",\"archived\":false}"},
        {.call = "GET " R "/branches/main", 200, "{\"commit\":{\"sha\":\"" OTHER "\"}}"},
        {.call = "GET " R "/git/ref/heads%2Fsignalbox%2Fwf-12",
         200,
         "{\"object\":{\"sha\":\"x\"}}"},
        {.call = "GET " R "/git/ref/heads%2Fsignalbox%2Fwf-12-2", 404, "{}"});
    assert_string_equal(result->branch, "signalbox/wf-12-2");
    assert_string_equal(result->base_sha, OTHER);
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "signalbox/wf-12-2");
    script_init(&script, EFFECT_WORKSPACE); /* a later iteration keeps it */
    result = SCRIPT(
        &script, {.call = "GET " R, 200, "{\"full_name\":\"acme/pay\"}"},
        {.call = "GET " R "/branches/main", 200, "{\"commit\":{\"sha\":\"" OTHER "\"}}"});
    assert_string_equal(result->branch, "signalbox/wf-12");
    effect_result_free(result);
    assert_ended(SCRIPT(&script, {.call = "GET " R, 404, "{\"message\":\"Not Found\"}"}),
                 STATUS_REFUSED, BLAME_SETUP, "Not Found (404)");
    assert_ended(
        SCRIPT(&script,
               {.call = "GET " R, 200, "{\"full_name\":\"a/b\",\"archived\":true}"}),
        STATUS_REFUSED, BLAME_SETUP, "archived");
    assert_ended(
        SCRIPT(&script, {.call = "GET " R, 401, "{\"message\":\"Bad credentials\"}"}),
        STATUS_REFUSED, BLAME_OPERATOR, "Bad credentials");
    script.order.forge.repository = NULL;
    char nowhere[] = "/srv/git/pay";
    script.order.repo = nowhere;
    assert_string_equal(script_refusal(&script),
                        "github_api: a repository is named owner/name");
}

/* Before the agent runs once more: a pull request that a person has closed or merged is no goal. */
static void test_workspace_of_what_is_closed(void **state)
{
    static const struct {
        const char *pull, *words;
        enum effect_status status;
        enum blame blame;
    } rows[] = {
        {PULL("7", "open",   SCRIPT_HEAD, ""),                                            "signalbox/wf-12",           STATUS_PASSED,
         BLAME_NONE                                                                                                                                 },
        {PULL("7", "closed", SCRIPT_HEAD, ""),                                            "#7 was closed by a person", STATUS_FAILED,
         BLAME_OPERATOR                                                                                                                             },
        {PULL("7", "closed", SCRIPT_HEAD, ",\"merged\":true,\"merge_commit_sha\":\"m\""),
         "#7 was merged by a person",                                                                                  STATUS_FAILED, BLAME_OPERATOR},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script script;
        script_init(&script, EFFECT_WORKSPACE);
        script.order.iteration = 2;
        struct effect_result *result =
            SCRIPT(&script, {.call = "GET " R, 200, "{\"full_name\":\"acme/pay\"}"},
                   {.call = "GET " R "/branches/main",
                    200,
                    "{\"commit\":{\"sha\":\"" OTHER "\"}}"},
                   {.call = "GET " R "/pulls/7", 200, rows[i].pull});
        assert_null(result->merge_sha);
        assert_ended(result, rows[i].status, rows[i].blame, rows[i].words);
    }
}

/* A renamed repository is found, with the same method, at the same service. */
static void test_redirect(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_WORKSPACE);
    assert_ended(
        SCRIPT(&script,
               {.call = "GET " R,
                301,
                "{}",
                .headers = "location: https://api.github.com/repositories/9\n"},
               {.call = "GET /repositories/9", 200, "{\"full_name\":\"acme/pay2\"}"},
               {.call = "GET " R "/branches/main",
                307,
                "",
                .headers = "location: https://elsewhere.example/repositories/9/b\n"},
               {.call = "GET /repositories/9/b",
                200,
                "{\"commit\":{\"sha\":\"" OTHER "\"}}"}),
        STATUS_PASSED, BLAME_NONE, "signalbox/wf-12");
    struct script_line loop[7];
    loop[0] =
        (struct script_line){.call = "GET " R, 301, "", .headers = "location: /a\n"};
    for (size_t i = 1; i < 6; i++) {
        loop[i] =
            (struct script_line){.call = "GET /a", 301, "", .headers = "location: /a\n"};
    }
    assert_ended(script_run(&script, loop, 6), STATUS_FAILED, BLAME_WORLD, "(301)");
}

static void test_commit(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_COMMIT);
    script.order.pr_number = 0;
    struct effect_result *result = SCRIPT(
        &script,
        {.call = "GET " R "/git/ref/heads%2Fsignalbox%2Fwf-12",
         200,
         "{\"ref\":\"refs/heads/x\",\"object\":{\"sha\":\"" OTHER "\"}}"},
        {.call = "GET " R "/compare/main..." OTHER "?per_page=100",
         200,
         "{\"ahead_by\":2,\"behind_by\":0,\"files\":[{},{},{}],\"commits\":" COMMITS_BODY
         ",\"merge_base_commit\":{\"sha\":\"b1\"}}"});
    assert_string_equal(result->head_sha, OTHER);
    assert_string_equal(result->branch, "signalbox/wf-12");
    assert_string_equal(result->base_sha, "b1");
    assert_string_equal(result->commits, "2222222 second\n1111111 first\n");
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "2 commits, 3 files");
    assert_ended(
        SCRIPT(&script,
               {.call = "GET " R "/git/ref/heads%2Fsignalbox%2Fwf-12", 404, "{}"}),
        STATUS_FAILED, BLAME_CHANGE, "left no branch");
    assert_ended(SCRIPT(&script,
                        {.call = "GET " R "/git/ref/heads%2Fsignalbox%2Fwf-12",
                         200,
                         "{\"object\":{\"sha\":\"" OTHER "\"}}"},
                        {.call = "GET " R "/compare/main..." OTHER "?per_page=100",
                         200,
                         "{\"ahead_by\":0,\"files\":[]}"}),
                 STATUS_FAILED, BLAME_CHANGE, "changed nothing");
    script.order.pr_number = 7; /* the agent named the branch itself */
    result = SCRIPT(&script,
                    {.call = "GET " R "/git/ref/heads%2Fsignalbox%2Fwf-12", 404, "{}"},
                    {.call = "GET " R "/pulls/7", 200, PULL("7", "open", OTHER, "")},
                    {.call = "GET " R "/compare/main..." OTHER "?per_page=100",
                     200,
                     "{\"ahead_by\":1,\"files\":[{}]}"});
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "1 commit, 1 file changed");
    char none[] = "";
    script.order.branch = none;
    assert_string_equal(script_refusal(&script), "the workflow has no branch");
}

/* ---- pull request ---------------------------------------------------------------------- */

static void test_open(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_PULL_REQUEST);
    char label[] = "signalbox", *labels[] = {label};
    script.order.pr_number = 0;
    script.order.forge.labels = labels;
    script.order.forge.n_labels = 1;
    struct effect_result *result = SCRIPT(
        &script, {.call = LIST, 200, "[]"},
        {.call = "POST " R "/pulls",
         201,
         PULL("7", "open", SCRIPT_HEAD, MARKED),
         .has = "\"head\":\"signalbox/wf-12\",\"base\":\"main\",\"body\":\"Make it "
                "faster.\\n\\n---\\nSignalbox-Workflow: wf-12\\n\",\"draft\":false"},
        {.call = "POST " R "/issues/7/labels", 200, "[]", .has = "[\"signalbox\"]"},
        DOCS);
    assert_int_equal(result->pr_number, 7);
    assert_string_equal(result->head_sha, SCRIPT_HEAD);
    assert_string_equal(result->commits, "2222222 second\n1111111 first\n");
    assert_string_equal(result->diff, "diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n"
                                      "@@ -1 +1 @@\n-x\n+y\n");
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "opened #7: https://h/7");
    /* labels, files and commits may fail */
    result =
        SCRIPT(&script, {.call = LIST, 200, "[]"},
               {.call = "POST " R "/pulls", 201, PULL("7", "open", SCRIPT_HEAD, MARKED)},
               {.call = "POST " R "/issues/7/labels", .fault = HTTP_BLOCKED},
               {.call = FILES, .fault = HTTP_LOST}, {.call = COMMITS, 500, "x"});
    assert_null(result->diff);
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "opened #7");
    assert_non_null(strstr(script.log, "labels were not put on"));
}

/* Whatever is lost, there is one pull request. */
static void test_open_once(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_PULL_REQUEST);
    script.order.pr_number = 0;
    assert_ended(
        SCRIPT(&script, {.call = LIST, 200, "[]"},
               {.call = "POST " R "/pulls", .fault = HTTP_TIMEOUT}, {.call = "sleep"},
               {.call = LIST, 200, "[" PULL("7", "open", SCRIPT_HEAD, MARKED) "]"}, DOCS),
        STATUS_PASSED, BLAME_NONE, "#7");
    assert_ended(
        SCRIPT(&script, {.call = LIST, 200, "[]"}, {.call = "POST " R "/pulls", 502, "x"},
               {.call = "sleep"}, {.call = LIST, .fault = HTTP_BLOCKED},
               {.call = "sleep"}, {.call = LIST, 200, "[]"},
               {.call = "POST " R "/pulls", 201, PULL("7", "open", SCRIPT_HEAD, MARKED)},
               DOCS),
        STATUS_PASSED, BLAME_NONE, "#7");
    assert_ended(
        SCRIPT(&script, {.call = LIST, 200, "[]"}, {.call = "crash"},
               {.call = LIST, 200, "[" PULL("7", "open", SCRIPT_HEAD, MARKED) "]"}, DOCS),
        STATUS_PASSED, BLAME_NONE, "#7");
    assert_ended(SCRIPT(&script, {.call = LIST, 200, "[]"},
                        {.call = "POST " R "/pulls",
                         422,
                         ERROR("A pull request already exists for acme:x.")},
                        {.call = "sleep"},
                        {.call = LIST, 200, "[" PULL("7", "open", SCRIPT_HEAD, "") "]"},
                        DOCS),
                 STATUS_PASSED, BLAME_NONE, "#7");
}

static void test_open_refused(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_PULL_REQUEST);
    script.order.pr_number = 0;
    script.order.forge.is_draft = true;
    assert_ended(SCRIPT(&script, {.call = LIST, 200, "[]"},
                        {.call = "POST " R "/pulls",
                         422,
                         ERROR("Draft pull requests are not supported in this repo."),
                         .has = "\"draft\":true"},
                        {.call = "sleep"}, {.call = LIST, 200, "[]"},
                        {.call = "POST " R "/pulls",
                         201,
                         PULL("7", "open", SCRIPT_HEAD, MARKED),
                         .has = "\"draft\":false"},
                        DOCS),
                 STATUS_PASSED, BLAME_NONE, "#7");
    assert_ended(SCRIPT(&script, {.call = LIST, 200, "[]"},
                        {.call = "POST " R "/pulls",
                         422,
                         ERROR("No commits between main and signalbox/wf-12")}),
                 STATUS_FAILED, BLAME_CHANGE, "changed nothing");
    assert_ended(SCRIPT(&script, {.call = LIST, 200, "[]"},
                        {.call = "POST " R "/pulls",
                         422,
                         "{\"message\":\"Validation Failed\",\"errors\":[{\"resource\":"
                         "\"PullRequest\",\"field\":\"base\",\"code\":\"invalid\"}]}"}),
                 STATUS_REFUSED, BLAME_SETUP, "PullRequest base invalid");
    assert_ended(SCRIPT(&script, {.call = LIST, .fault = HTTP_BLOCKED}), STATUS_DEFERRED,
                 BLAME_SERVICE, "github_api");
    assert_ended(SCRIPT(&script, {.call = LIST, .fault = HTTP_NO_TOKEN}), STATUS_REFUSED,
                 BLAME_OPERATOR, "github_api");
    assert_ended(SCRIPT(&script, {.call = LIST, 200, "<html>"}, {.call = "sleep"},
                        {.call = LIST, 200, "{}"}, {.call = "sleep"},
                        {.call = LIST, 200, "[{}]"}),
                 STATUS_FAILED, BLAME_WORLD, "3 times");
}

static void test_update(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_PULL_REQUEST);
    script.order.iteration = 2;
    assert_ended(
        SCRIPT(&script,
               {.call = "GET " R "/pulls/7", 200, PULL("7", "open", SCRIPT_HEAD, MARKED)},
               {.call = "PATCH " R "/pulls/7", 200, "{}", .has = "Iteration 2"}, DOCS),
        STATUS_PASSED, BLAME_NONE, "#7");
    /* the text of an agent or a person stays */
    assert_ended(
        SCRIPT(&script,
               {.call = "GET " R "/pulls/7", 200, PULL("7", "open", SCRIPT_HEAD, "")},
               DOCS),
        STATUS_PASSED, BLAME_NONE, "#7");
    /* a push takes a moment to be seen */
    assert_ended(
        SCRIPT(&script, {.call = "GET " R "/pulls/7", 200, PULL("7", "open", OTHER, "")},
               {.call = "sleep"},
               {.call = "GET " R "/pulls/7", 200, PULL("7", "open", SCRIPT_HEAD, "")},
               DOCS),
        STATUS_PASSED, BLAME_NONE, "#7");
    struct script_line moved[9];
    for (size_t i = 0; i < 9; i++) {
        moved[i] = i % 2 == 1 ? (struct script_line){.call = "sleep"}
                              : (struct script_line){.call = "GET " R "/pulls/7",
                                                     200,
                                                     PULL("7", "open", OTHER, "")};
    }
    struct effect_result *result = script_run(&script, moved, 9);
    assert_string_equal(result->head_sha, OTHER);
    assert_ended(result, STATUS_REFUSED, BLAME_WORLD, "moved");
}

static void test_settled(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_PULL_REQUEST);
    assert_ended(
        SCRIPT(&script,
               {.call = "GET " R "/pulls/7", 200, PULL("7", "closed", OTHER, "")}),
        STATUS_FAILED, BLAME_OPERATOR, "closed by a person");
    struct effect_result *result = SCRIPT(
        &script,
        {.call = "GET " R "/pulls/7",
         200,
         PULL("7", "closed", OTHER, ",\"merged\":true,\"merge_commit_sha\":\"abc\"")});
    assert_string_equal(result->merge_sha, "abc");
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "was merged as abc");
    script.order.is_adopted = true;
    char none[] = "", develop[] = "develop";
    script.order.head_sha = none;
    result = SCRIPT(&script,
                    {.call = "GET " R "/pulls/7", 200, PULL("7", "open", OTHER, MARKED)},
                    DOCS);
    assert_string_equal(result->head_sha, OTHER);
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "#7");
    script.order.base = develop;
    assert_ended(
        SCRIPT(&script, {.call = "GET " R "/pulls/7", 200, PULL("7", "open", OTHER, "")}),
        STATUS_REFUSED, BLAME_SETUP, "goes into main, the pipeline into develop");
}

/* ---- close ----------------------------------------------------------------------------- */

#define GONE                                                                             \
    {                                                                                    \
        .call = "DELETE " R "/git/refs/heads%2Fsignalbox%2Fwf-12", 204, ""               \
    }

static void test_close(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_CLOSE);
    assert_ended(
        SCRIPT(&script,
               {.call = "GET " R "/pulls/7", 200, PULL("7", "open", SCRIPT_HEAD, MARKED)},
               {.call = "POST " R "/issues/7/comments",
                201,
                "{}",
                .has = "Signalbox-Workflow: wf-12"},
               {.call = "PATCH " R "/pulls/7", 200, "{}", .has = "\"state\":\"closed\""},
               GONE),
        STATUS_PASSED, BLAME_NONE, "#7 closed, branch deleted");
    /* it died behind the comment: one comment, whatever happened to the answer */
    script_init(&script, EFFECT_CLOSE);
    assert_ended(
        SCRIPT(&script,
               {.call = "GET " R "/pulls/7", 200, PULL("7", "open", SCRIPT_HEAD, MARKED)},
               {.call = "crash"},
               {.call = "GET " R "/pulls/7", 200, PULL("7", "open", SCRIPT_HEAD, MARKED)},
               {.call = "GET " R "/issues/7/comments?per_page=100",
                200,
                "[{\"body\":\"x\"},{\"body\":\"Signalbox-Workflow: wf-12\\n\"}]"},
               {.call = "PATCH " R "/pulls/7", 200, "{}"},
               {.call = "DELETE " R "/git/refs/heads%2Fsignalbox%2Fwf-12", 422, "{}"}),
        STATUS_PASSED, BLAME_NONE, "branch deleted");
    script_init(&script, EFFECT_CLOSE);
    assert_ended(SCRIPT(&script, {.call = "GET " R "/pulls/7",
                                  200,
                                  PULL("7", "closed", OTHER, ",\"merged\":true")}),
                 STATUS_PASSED, BLAME_NONE, "was merged already");
    assert_ended(SCRIPT(&script, {.call = "GET " R "/pulls/7", 404, "{}"}, GONE),
                 STATUS_PASSED, BLAME_NONE, "#7 closed");
    script.order.is_adopted = true;
    assert_ended(script_run(&script, NULL, 0), STATUS_PASSED, BLAME_NONE, "left open");
    script_init(&script, EFFECT_CLOSE);
    script.order.pr_number = 0;
    assert_ended(SCRIPT(&script, GONE), STATUS_PASSED, BLAME_NONE, "none to close");
    char theirs[] = "topic"; /* a branch that is not ours is nobody's to delete */
    script.order.branch = theirs;
    assert_ended(script_run(&script, NULL, 0), STATUS_PASSED, BLAME_NONE, "closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workspace),
        cmocka_unit_test(test_workspace_of_what_is_closed),
        cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_commit),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_open_once),
        cmocka_unit_test(test_open_refused),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_settled),
        cmocka_unit_test(test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
