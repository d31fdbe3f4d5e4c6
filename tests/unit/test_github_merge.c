/* SPDX-License-Identifier: MIT */

/* Waiting for checks, merging, reverting, and failed deliveries at GitHub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/service/github.h"
#include "tests/lib/script.h"

#define R     "/repos/acme/pay"
#define OTHER "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PULL(state, head, more)                                                          \
    "{\"number\":7,\"state\":\"" state "\",\"node_id\":\"N7\",\"title\":\"Pay\","        \
    "\"head\":{\"ref\":\"signalbox/wf-12\",\"sha\":\"" head "\"},\"base\":{\"ref\":"     \
    "\"main\"}" more "}"
#define OPEN                                                                             \
    PULL("open", SCRIPT_HEAD, ",\"mergeable\":true,\"mergeable_state\":\"clean\"")
#define MERGED   PULL("closed", SCRIPT_HEAD, ",\"merged\":true,\"merge_commit_sha\":\"M1\"")
#define CONFLICT PULL("open", SCRIPT_HEAD, ",\"mergeable\":false")
#define UNKNOWN  PULL("open", SCRIPT_HEAD, ",\"mergeable\":null")
#define BEHIND                                                                           \
    PULL("open", SCRIPT_HEAD, ",\"mergeable\":true,\"mergeable_state\":\"behind\"")
#define LOOK(body_)                                                                      \
    {                                                                                    \
        .call = "GET " R "/pulls/7", 200, (body_)                                        \
    }
#define RUNS_URL "GET " R "/commits/" SCRIPT_HEAD "/check-runs?per_page=100"
#define RUNS(rows)                                                                       \
    {                                                                                    \
        .call = RUNS_URL, 200, "{\"total_count\":9,\"check_runs\":[" rows "]}"           \
    }
#define STATUS_URL "GET " R "/commits/" SCRIPT_HEAD "/status?per_page=100"
#define STATUSES(rows)                                                                   \
    {                                                                                    \
        .call = STATUS_URL, 200,                                                         \
        "{\"state\":\"pending\",\"total_count\":0,\"statuses\":[" rows "]}"              \
    }
#define RUN(name, status, conclusion)                                                    \
    "{\"id\":31,\"name\":\"" name "\",\"status\":\"" status                              \
    "\",\"conclusion\":" conclusion                                                      \
    ",\"details_url\":\"https://h/actions/runs/5/job/31\",\"app\":{\"slug\":"            \
    "\"github-actions\"},\"output\":{\"title\":null}}"
#define GREEN(name)   RUN(name, "completed", "\"success\"")
#define PENDING(name) RUN(name, "in_progress", "null")
#define RED(name)     RUN(name, "completed", "\"failure\"")
#define SLEEP                                                                            \
    {                                                                                    \
        .call = "sleep"                                                                  \
    }

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

/* ---- checks ---------------------------------------------------------------------------- */

static void test_green(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_FORGE_CHECKS);
    assert_ended(SCRIPT(&script, LOOK(OPEN),
                        RUNS(GREEN("unit") "," RUN("docs", "completed", "\"skipped\"")),
                        STATUSES("{\"context\":\"lint\",\"state\":\"success\"}")),
                 STATUS_PASSED, BLAME_NONE, "3 green");
    assert_true(script.had_etag);
    assert_false(script.is_reconciled); /* at the first look */
    /* pauses grow, and what polling finds is told */
    assert_ended(SCRIPT(&script, LOOK(OPEN), RUNS(PENDING("unit")), STATUSES(""), SLEEP,
                        LOOK(OPEN), RUNS(PENDING("unit")), STATUSES(""), SLEEP,
                        LOOK(OPEN), RUNS(GREEN("unit")), STATUSES("")),
                 STATUS_PASSED, BLAME_NONE, "1 green");
    assert_true(script.is_reconciled);
    assert_in_range(script.slept_ms, 12500, 15000);
    assert_non_null(strstr(script.log, "1 pending (unit)"));
}

/* After the merge: the checks of the merge commit, without a look at the pull request, and
 * what is expected of a pull request is not expected there. */
static void test_watch(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_WATCH);
    char deploy[] = "deploy", *expected[] = {deploy};
    script.order.forge.expected = expected;
    script.order.forge.n_expected = 1;
    assert_ended(SCRIPT(&script, RUNS(PENDING("unit")), STATUSES(""), SLEEP,
                        RUNS(GREEN("unit")), STATUSES("")),
                 STATUS_PASSED, BLAME_NONE, "1 green");
    assert_ended(SCRIPT(&script, RUNS(RED("unit")), STATUSES(""),
                        {.call = "GET " R "/actions/jobs/31/logs", 404, "{}"}),
                 STATUS_FAILED, BLAME_CHANGE, "1 red (unit)");
}

static void test_expected(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_FORGE_CHECKS);
    char deploy[] = "deploy", *expected[] = {deploy};
    script.order.forge.expected = expected;
    script.order.forge.n_expected = 1;
    assert_ended(SCRIPT(&script, LOOK(OPEN), RUNS(GREEN("unit")), STATUSES(""), SLEEP,
                        LOOK(OPEN), RUNS(GREEN("unit") "," GREEN("deploy")),
                        STATUSES("")),
                 STATUS_PASSED, BLAME_NONE, "2 green");
    assert_non_null(strstr(script.log, "not there: deploy"));
}

/* None at all: they may be about to begin. */
static void test_none(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_FORGE_CHECKS);
#define NOTHING LOOK(OPEN), RUNS(""), STATUSES("")
#define SUITES(rows)                                                                     \
    {.call = "GET " R "/commits/" SCRIPT_HEAD "/check-suites?per_page=100",              \
     200,                                                                                \
     "{\"total_count\":1,\"check_suites\":[" rows "]}"}
#define IDLE_APP                                                                         \
    "{\"id\":1,\"status\":\"queued\",\"latest_check_runs_count\":0,\"app\":{\"slug\":"   \
    "\"x\"}}"
#define ACTIONS_APP                                                                      \
    "{\"id\":2,\"status\":\"queued\",\"app\":{\"slug\":\"github-actions\"}}"
    assert_ended(SCRIPT(&script, NOTHING, SLEEP, NOTHING, SLEEP, NOTHING, SLEEP, NOTHING,
                        SLEEP, NOTHING, SUITES(IDLE_APP)),
                 STATUS_PASSED, BLAME_NONE, "no checks");
    assert_in_range(script.slept_ms, GITHUB_GRACE.ms - 2000, GITHUB_GRACE.ms);
    script_init(&script, EFFECT_FORGE_CHECKS);
    script.now.ms += 60000; /* begun again after a restart */
    assert_ended(SCRIPT(&script, NOTHING, SUITES("")), STATUS_PASSED, BLAME_NONE,
                 "no checks");
    assert_ended(SCRIPT(&script, NOTHING, SUITES(IDLE_APP "," ACTIONS_APP), SLEEP,
                        LOOK(OPEN), RUNS(RED("unit")), STATUSES(""),
                        {.call = "GET " R "/actions/jobs/31/logs", 404, "{}"}),
                 STATUS_FAILED, BLAME_CHANGE, "1 red (unit)");
}

static void test_pages(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_FORGE_CHECKS);
    assert_ended(
        SCRIPT(&script, LOOK(OPEN),
               {.call = RUNS_URL,
                200,
                "{\"total_count\":2,\"check_runs\":[" GREEN("a") "]}",
                .headers = "link: <https://api.github.com/repositories/1/x?page=2>; "
                           "rel=\"next\"\n"},
               {.call = "GET /repositories/1/x?page=2",
                200,
                "{\"total_count\":2,\"check_runs\":[" PENDING("b") "]}"},
               STATUSES(""), SLEEP, LOOK(OPEN), RUNS(GREEN("a") "," GREEN("b")),
               {.call = STATUS_URL,
                200,
                "{\"state\":\"success\",\"statuses\":[{\"context\":\"c\",\"state\":"
                "\"success\"}]}",
                .headers = "link: <https://api.github.com/s2>; rel=\"next\"\n"},
               {.call = "GET /s2",
                200,
                "{\"state\":\"success\",\"statuses\":[{\"context\":\"d\",\"state\":"
                "\"success\"}]}"}),
        STATUS_PASSED, BLAME_NONE, "4 green");
}

#define LOG_BODY                                                                         \
    "2023-07-01T12:00:00.1234567Z compiling\n"                                           \
    "2023-07-01T12:00:01.1234567Z assertion failed: a == b\n"                            \
    "2023-07-01T12:00:01.1234567Z ##[error]Process completed with exit code 2.\n"        \
    "2023-07-01T12:00:02.1234567Z cleaning up\n"

static void test_red(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_FORGE_CHECKS);
    struct effect_result *result =
        SCRIPT(&script, LOOK(OPEN), RUNS(RED("unit") "," PENDING("slow")),
               STATUSES("{\"context\":\"lint\",\"state\":\"failure\",\"description\":"
                        "\"3 findings\"}"),
               {.call = "GET " R "/actions/jobs/31/logs",
                302,
                "",
                .headers = "location: https://logs.example/31?sig=x\n"},
               {.call = "GET https://logs.example/31?sig=x", 200, LOG_BODY});
    assert_true(script.was_foreign); /* no token goes there */
    assert_string_equal(result->excerpt, "unit: failure\n"
                                         "compiling\n"
                                         "assertion failed: a == b\n"
                                         "##[error]Process completed with exit code 2.\n"
                                         "cleaning up\n"
                                         "lint: failure, 3 findings\n");
    assert_ended(result, STATUS_FAILED, BLAME_CHANGE,
                 "2 red (unit, lint), 1 pending (slow)");
    /* a log that cannot be had is no reason to wait */
    result = SCRIPT(&script, LOOK(OPEN), RUNS(RED("unit")), STATUSES(""),
                    {.call = "GET " R "/actions/jobs/31/logs", 404, "{}"});
    assert_string_equal(result->excerpt, "unit: failure\n");
    effect_result_free(result);
    assert_ended(SCRIPT(&script, LOOK(OPEN),
                        RUNS(RUN("unit", "completed", "\"action_required\"")),
                        STATUSES("")),
                 STATUS_FAILED, BLAME_OPERATOR, "1 for a person (unit)");
    assert_ended(SCRIPT(&script, LOOK(OPEN), RUNS(RUN("u", "completed", "\"brand_new\"")),
                        STATUSES("")),
                 STATUS_FAILED, BLAME_OPERATOR, "for a person");
}

static void test_pull_changes(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_FORGE_CHECKS);
    assert_ended(SCRIPT(&script, LOOK(PULL("closed", SCRIPT_HEAD, ""))), STATUS_FAILED,
                 BLAME_OPERATOR, "closed by a person");
    struct effect_result *result = SCRIPT(&script, LOOK(MERGED));
    assert_string_equal(result->merge_sha, "M1");
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "merged as M1");
    result = SCRIPT(&script, LOOK(PULL("open", OTHER, "")));
    assert_string_equal(result->head_sha, OTHER);
    assert_ended(result, STATUS_REFUSED, BLAME_WORLD, "moved");
    assert_ended(SCRIPT(&script, LOOK(CONFLICT)), STATUS_FAILED, BLAME_CHANGE,
                 "merge conflict with main");
    script.order.forge.updates_branch = true;
    result = SCRIPT(&script, LOOK(BEHIND),
                    {.call = "PUT " R "/pulls/7/update-branch",
                     202,
                     "{}",
                     .has = "\"expected_head_sha\":\"" SCRIPT_HEAD "\""},
                    SLEEP, LOOK(PULL("open", OTHER, "")));
    assert_string_equal(result->head_sha, OTHER);
    effect_result_free(result);
    script.order.pr_number = 0;
    assert_string_equal(script_refusal(&script), "there is no pull request to check");
}

#define TEXT(literal) ((char *)(uintptr_t)(literal))
static struct forge_event event_of(enum forge_event_kind kind)
{
    struct forge_event event = {.kind = kind, .pull = 7};
    event.action = event.base = event.before = event.name = event.status =
        event.conclusion = event.actor = event.url = event.merge_sha = TEXT("");
    event.repository = TEXT("Acme/Pay");
    event.branch = TEXT("signalbox/wf-12");
    event.sha = TEXT(SCRIPT_HEAD);
    return event;
}

static void test_hints(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_FORGE_CHECKS);
    struct forge_event green = event_of(FORGE_CHECK_RUN), other = green, red = green;
    green.status = red.status = TEXT("completed");
    green.conclusion = TEXT("success");
    red.conclusion = TEXT("failure");
    red.name = TEXT("unit");
    other.repository = TEXT("acme/else");
    /* a hint makes it look soon, and many make it look once; one for another repository
     * does not */
    assert_ended(
        SCRIPT(&script, LOOK(OPEN), RUNS(PENDING("unit")), STATUSES(""),
               {.call = "hint", .event = &other}, {.call = "hint", .event = &green},
               {.call = "hint", .event = &green}, {.call = "hint", .event = &green},
               SLEEP, LOOK(OPEN), RUNS(GREEN("unit")), STATUSES("")),
        STATUS_PASSED, BLAME_NONE, "green");
    assert_false(script.is_reconciled);
    assert_in_range(script.slept_ms, 1, 1000);
    /* with the API there a red hint is asked about, too */
    assert_ended(SCRIPT(&script, LOOK(OPEN), RUNS(PENDING("unit")), STATUSES(""),
                        {.call = "hint", .event = &red}, SLEEP, LOOK(OPEN),
                        RUNS(GREEN("unit")), STATUSES("")),
                 STATUS_PASSED, BLAME_NONE, "green");
    /* without it bad news ends the waiting, good news does not */
    struct effect_result *result =
        SCRIPT(&script, {.call = "GET " R "/pulls/7", .fault = HTTP_BLOCKED},
               {.call = "hint", .event = &green}, SLEEP,
               {.call = "GET " R "/pulls/7", .fault = HTTP_BLOCKED},
               {.call = "hint", .event = &red});
    assert_string_equal(result->excerpt, "unit: failure\n");
    assert_ended(result, STATUS_FAILED, BLAME_CHANGE, "told by a webhook");
    struct forge_event moved = event_of(FORGE_PULL_REQUEST);
    moved.action = TEXT("synchronize");
    moved.before = moved.sha;
    moved.sha = TEXT(OTHER);
    result = SCRIPT(&script, {.call = "GET " R "/pulls/7", .fault = HTTP_BLOCKED},
                    {.call = "hint", .event = &moved});
    assert_string_equal(result->head_sha, OTHER);
    effect_result_free(result);
}

/* Blind for a while: the webhooks; then parked. */
static void test_blind(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_FORGE_CHECKS);
    struct script_line lines[60];
    size_t n = 0;
    for (int64_t at = 0; at < 11; at++) {
        lines[n++] =
            (struct script_line){.call = "GET " R "/pulls/7", .fault = HTTP_BLOCKED};
        lines[n++] = (struct script_line)SLEEP;
    }
    lines[n++] = (struct script_line){.call = "GET " R "/pulls/7", .fault = HTTP_BLOCKED};
    struct effect_result *result = script_run(&script, lines, n);
    assert_string_equal(result->service, "github_api");
    assert_ended(result, STATUS_DEFERRED, BLAME_SERVICE, "github_api");
    assert_in_range(script.slept_ms, GITHUB_BLIND.ms, GITHUB_BLIND.ms + 15000);
}

/* ---- merge ----------------------------------------------------------------------------- */

#define MERGE "PUT " R "/pulls/7/merge"
#define DONE                                                                             \
    {                                                                                    \
        .call = MERGE, 200, "{\"sha\":\"M2\",\"merged\":true,\"message\":\"m\"}"         \
    }
#define SAYS(text) "{\"message\":\"" text "\"}"

static void test_merge(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_MERGE);
    script.order.method = METHOD_SQUASH;
    struct effect_result *result = SCRIPT(
        &script, LOOK(UNKNOWN), SLEEP, LOOK(OPEN),
        {.call = MERGE,
         200,
         "{\"sha\":\"M2\",\"merged\":true,\"message\":\"m\"}",
         .has = "{\"sha\":\"" SCRIPT_HEAD
                "\",\"merge_method\":\"squash\",\"commit_title\":\"Pay faster (#7)\","
                "\"commit_message\":\"Signalbox-Workflow: wf-12\\n"
                "Signalbox-Effect: wf-12.3\\nSignalbox-Head: " SCRIPT_HEAD});
    assert_string_equal(result->merge_sha, "M2");
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "squashed into main as M2");
    script.order.method = METHOD_MERGE;
    assert_ended(SCRIPT(&script, LOOK(OPEN), DONE), STATUS_PASSED, BLAME_NONE,
                 "merged into main");
    script.order.is_adopted = true; /* its author's title */
    assert_ended(SCRIPT(&script, LOOK(OPEN),
                        {.call = MERGE,
                         200,
                         "{\"sha\":\"M2\",\"merged\":true}",
                         .has = "\"commit_message\":\"Pay\\n\\nSignalbox-Workflow"}),
                 STATUS_PASSED, BLAME_NONE, "merged into main");
}

/* One merge, whatever is lost; never of another head. */
static void test_merge_once(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_MERGE);
    assert_ended(SCRIPT(&script, LOOK(OPEN), {.call = MERGE, .fault = HTTP_LOST}, SLEEP,
                        LOOK(MERGED)),
                 STATUS_PASSED, BLAME_NONE, "merged as M1");
    assert_ended(SCRIPT(&script, LOOK(OPEN), {.call = MERGE, .fault = HTTP_TIMEOUT},
                        SLEEP, {.call = "GET " R "/pulls/7", .fault = HTTP_BLOCKED},
                        SLEEP, LOOK(OPEN), DONE),
                 STATUS_PASSED, BLAME_NONE, "merged");
    assert_ended(SCRIPT(&script, LOOK(OPEN), {.call = "crash"}, LOOK(MERGED)),
                 STATUS_PASSED, BLAME_NONE, "M1");
    assert_ended(SCRIPT(&script, LOOK(OPEN),
                        {.call = MERGE,
                         409,
                         SAYS("Head branch was "
                              "modified")},
                        SLEEP, LOOK(PULL("open", OTHER, ""))),
                 STATUS_REFUSED, BLAME_WORLD, "moved");
    assert_ended(SCRIPT(&script, LOOK(OPEN), {.call = MERGE, .fault = HTTP_BLOCKED}),
                 STATUS_DEFERRED, BLAME_SERVICE, "github_api");
}

static void test_merge_refused(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_MERGE);
    assert_ended(SCRIPT(&script, LOOK(CONFLICT)), STATUS_FAILED, BLAME_CHANGE,
                 "merge conflict");
    assert_ended(
        SCRIPT(&script, LOOK(OPEN),
               {.call = MERGE, 405, SAYS("At least 1 approving review is required.")}),
        STATUS_FAILED, BLAME_OPERATOR, "approving review");
    assert_ended(SCRIPT(&script, LOOK(OPEN),
                        {.call = MERGE,
                         405,
                         SAYS("Squash merges are not allowed on this repository.")}),
                 STATUS_REFUSED, BLAME_SETUP, "not allowed");
    assert_ended(
        SCRIPT(
            &script, LOOK(OPEN),
            {.call = MERGE, 405, SAYS("Base branch was modified. Review and try again.")},
            SLEEP, LOOK(OPEN), DONE),
        STATUS_PASSED, BLAME_NONE, "merged");
    assert_ended(SCRIPT(&script, LOOK(OPEN),
                        {.call = MERGE, 405, SAYS("Pull Request is not mergeable")},
                        SLEEP, LOOK(CONFLICT)),
                 STATUS_FAILED, BLAME_CHANGE, "conflict");
    assert_ended(SCRIPT(&script, LOOK(OPEN),
                        {.call = MERGE, 403, SAYS("Resource not accessible")}),
                 STATUS_REFUSED, BLAME_SETUP, "not accessible");
    assert_ended(SCRIPT(&script, LOOK(PULL("open", SCRIPT_HEAD, ",\"draft\":true"))),
                 STATUS_FAILED, BLAME_OPERATOR, "is a draft");
    script.order.forge.is_draft = true;
    assert_ended(SCRIPT(&script, LOOK(PULL("open", SCRIPT_HEAD, ",\"draft\":true")),
                        {.call = "POST /graphql",
                         200,
                         "{\"data\":{}}",
                         .has = "\"pullRequestId\":\"N7\""},
                        SLEEP, LOOK(OPEN), DONE),
                 STATUS_PASSED, BLAME_NONE, "merged");
    script.order.forge.updates_branch = true;
    assert_ended(SCRIPT(&script, LOOK(BEHIND),
                        {.call = "PUT " R "/pulls/7/update-branch", 202, "{}"}, SLEEP,
                        LOOK(BEHIND), SLEEP, LOOK(PULL("open", OTHER, ""))),
                 STATUS_REFUSED, BLAME_WORLD, "moved");
}

/* ---- revert ---------------------------------------------------------------------------- */

#define LIST                                                                             \
    "GET " R "/pulls?state=all&base=main&sort=created&direction=desc&per_page=100"
#define TIP(sha_)                                                                        \
    {                                                                                    \
        .call = "GET " R "/branches/main", 200, "{\"commit\":{\"sha\":\"" sha_ "\"}}"    \
    }
#define REVERT(state_, more)                                                             \
    "{\"number\":9,\"state\":\"" state_ "\",\"head\":{\"ref\":\"r\",\"sha\":\"RS\"},"    \
    "\"base\":{\"ref\":\"main\"},\"body\":\"x\\nSignalbox-Reverts: #7\\n"                \
    "Signalbox-Workflow: wf-12\\n\"" more "}"
#define CLEAN ",\"mergeable\":true,\"mergeable_state\":\"clean\""
#define MADE                                                                             \
    "{\"data\":{\"revertPullRequest\":{\"revertPullRequest\":{\"number\":9,\"url\":"     \
    "\"https://h/9\"}}}}"
#define LOOK9(body_)                                                                     \
    {                                                                                    \
        .call = "GET " R "/pulls/9", 200, (body_)                                        \
    }

static void test_revert(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_REVERT);
    struct effect_result *result = SCRIPT(
        &script, LOOK(MERGED), {.call = LIST, 200, "[]"}, TIP("M1"),
        {.call = "POST /graphql", 200, MADE, .has = "\"pullRequestId\":\"N7\""},
        LOOK9(REVERT("open", ",\"mergeable\":null")), SLEEP, LOOK9(REVERT("open", CLEAN)),
        {.call = "PUT " R "/pulls/9/merge",
         200,
         "{\"sha\":\"U1\",\"merged\":true}",
         .has = "\"sha\":\"RS\""});
    assert_string_equal(result->merge_sha, "U1");
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "#7 taken back by #9 as U1");
    assert_string_equal(script.memo, "{\"pull\":9}");
    /* something landed since: people merge it, and the next try finds it */
    script_init(&script, EFFECT_REVERT);
    assert_ended(SCRIPT(&script, LOOK(MERGED), {.call = LIST, 200, "[]"}, TIP("M5"),
                        {.call = "POST /graphql", .fault = HTTP_LOST}, SLEEP,
                        LOOK(MERGED), {.call = LIST, 200, "[" REVERT("open", "") "]"},
                        TIP("M5"), LOOK9(REVERT("open", CLEAN))),
                 STATUS_FAILED, BLAME_OPERATOR, "#9 takes #7 back");
    script_init(&script, EFFECT_REVERT);
    result =
        SCRIPT(&script, LOOK(MERGED),
               {.call = LIST,
                200,
                "[" REVERT("closed", ",\"merged_at\":\"2023-01-01T00:00:00Z\"") "]"},
               TIP("M9"),
               LOOK9(REVERT("closed", ",\"merged\":true,\"merge_commit_sha\":\"U2\"")));
    assert_string_equal(result->merge_sha, "U2");
    assert_ended(result, STATUS_PASSED, BLAME_NONE, "taken back");
    assert_ended(SCRIPT(&script, LOOK(OPEN)), STATUS_PASSED, BLAME_NONE,
                 "nothing to take back");
}

static void test_revert_by_rest(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_REVERT);
#define NO_GRAPHQL                                                                       \
    {.call = "POST /graphql", 200, "{\"errors\":[{\"message\":\"FORBIDDEN\"}]}"}
    assert_ended(
        SCRIPT(
            &script, LOOK(MERGED), {.call = LIST, 200, "[]"}, TIP("M1"), NO_GRAPHQL,
            {.call = "GET " R "/git/commits/M1",
             200,
             "{\"sha\":\"M1\",\"tree\":{\"sha\":\"T1\"},\"parents\":[{\"sha\":\"P1\"}]}"},
            {.call = "GET " R "/git/commits/P1",
             200,
             "{\"sha\":\"P1\",\"tree\":{\"sha\":\"T0\"},\"parents\":[]}"},
            {.call = "POST " R "/git/commits",
             201,
             "{\"sha\":\"C1\"}",
             .has = "\"tree\":\"T0\",\"parents\":[\"M1\"]"},
            {.call = "POST " R "/git/refs",
             422,
             SAYS("Reference already exists"),
             .has = "refs/heads/signalbox/revert-wf-12"},
            {.call = "PATCH " R "/git/refs/heads%2Fsignalbox%2Frevert-wf-12",
             200,
             "{}",
             .has = "{\"sha\":\"C1\",\"force\":true}"},
            {.call = "POST " R "/pulls",
             201,
             REVERT("open", ""),
             .has = "Signalbox-Reverts: #7"},
            LOOK9(REVERT("open", ",\"mergeable\":true,\"mergeable_state\":\"blocked\""))),
        STATUS_FAILED, BLAME_OPERATOR, "left to people (blocked)");
    script_init(&script, EFFECT_REVERT);
    assert_ended(
        SCRIPT(&script, LOOK(MERGED), {.call = LIST, 200, "[]"}, TIP("M5"), NO_GRAPHQL),
        STATUS_FAILED, BLAME_OPERATOR, "by hand");
}

/* ---- deliveries ------------------------------------------------------------------------ */

#define DELIVERY(id, guid, status)                                                       \
    "{\"id\":" id ",\"guid\":\"" guid "\",\"status\":\"" status                          \
    "\",\"delivered_at\":\"2023-11-14T22:00:00Z\",\"event\":\"push\"}"

static void test_redeliver(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, EFFECT_NONE);
    char hook[] = "acme/pay#55";
    script.service.hook = hook;
    script.order.workflow = 0;
    script.order.forge.repository = NULL;
    assert_ended(
        SCRIPT(
            &script,
            {.call = "GET " R "/hooks/55/deliveries?per_page=100",
             200,
             "[" DELIVERY("9", "a", "OK") "," DELIVERY(
                 "8", "b", "timed out") "," DELIVERY("7", "a", "failed") "]",
             .headers = "link: <https://api.github.com/d?cursor=v1_2>; rel=\"next\"\n"},
            {.call = "GET /d?cursor=v1_2",
             200,
             "[" DELIVERY("6", "b", "failed") "," DELIVERY(
                 "5", "c", "failed") "," DELIVERY("4", "old", "OK") "]"},
            {.call = "POST " R "/hooks/55/deliveries/8/attempts", 202, "{}"},
            {.call = "POST " R "/hooks/55/deliveries/5/attempts", 202, "{}"}),
        STATUS_PASSED, BLAME_NONE, "asked for 2 failed deliveries again");
    assert_true(script.is_reconciled);
    script.is_reconciled = false;
    assert_ended(
        SCRIPT(&script,
               {.call = "GET " R "/hooks/55/deliveries?per_page=100", 200, "[]"}),
        STATUS_PASSED, BLAME_NONE, "no delivery has failed");
    assert_false(script.is_reconciled);
    char bad[] = "acme/pay";
    script.service.hook = bad;
    assert_string_equal(script_refusal(&script),
                        "github_api: hook is written as owner/name#id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_green),        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_expected),     cmocka_unit_test(test_none),
        cmocka_unit_test(test_pages),        cmocka_unit_test(test_red),
        cmocka_unit_test(test_pull_changes), cmocka_unit_test(test_hints),
        cmocka_unit_test(test_blind),        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_once),   cmocka_unit_test(test_merge_refused),
        cmocka_unit_test(test_revert),       cmocka_unit_test(test_revert_by_rest),
        cmocka_unit_test(test_redeliver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
