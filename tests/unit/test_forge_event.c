/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/forge_event.h"

#define SHA    "6dcb09b5b57875f334f61aebed695e2e4193db5e"
#define BEFORE "5dcb09b5b57875f334f61aebed695e2e4193db5e"
#define NOBODY "0000000000000000000000000000000000000000"
#define TAIL   "\"repository\":{\"full_name\":\"acme/pay\"},\"sender\":{\"login\":\"ann\"}}"

static struct forge_event parse(const char *name, const char *body)
{
    struct forge_event event;
    struct err err = ERR_INIT;
    if (!forge_event_parse(name, body, strlen(body), &event, &err)) {
        fail_msg("%s: %s", name, err.msg);
    }
    return event;
}

static void assert_refused(const char *name, const char *body, const char *why)
{
    struct forge_event event;
    struct err err = ERR_INIT;
    assert_false(forge_event_parse(name, body, strlen(body), &event, &err));
    assert_int_equal(err.code, ERR_PROTOCOL);
    if (strstr(err.msg, why) == NULL) {
        fail_msg("'%s' does not say '%s'", err.msg, why);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int i = FORGE_OTHER + 1; i < FORGE_EVENT_COUNT; i++) {
        const char *name = forge_event_name((enum forge_event_kind)i);
        assert_true(name[0] != '\0');
        assert_int_equal(forge_event_kind(name), i);
    }
    assert_int_equal(forge_event_kind("issues"), FORGE_OTHER);
    assert_int_equal(forge_event_kind(""), FORGE_OTHER);
    assert_string_equal(forge_event_name(FORGE_OTHER), "");
}

static void test_pull_request(void **state)
{
    (void)state;
    struct forge_event event =
        parse("pull_request",
              "{\"action\":\"synchronize\",\"number\":7,\"before\":\"" BEFORE
              "\",\"after\":\"" SHA "\",\"pull_request\":{\"id\":99,\"number\":7,"
              "\"state\":\"open\",\"draft\":true,\"merged\":false,\"title\":\"Pay\","
              "\"merge_commit_sha\":\"" BEFORE "\",\"html_url\":\"https://h/7\","
              "\"head\":{\"ref\":\"topic\",\"sha\":\"" SHA
              "\"},\"base\":{\"ref\":\"main\"}}," TAIL);
    assert_int_equal(event.kind, FORGE_PULL_REQUEST);
    assert_string_equal(event.action, "synchronize");
    assert_string_equal(event.repository, "acme/pay");
    assert_string_equal(event.branch, "topic");
    assert_string_equal(event.base, "main");
    assert_string_equal(event.sha, SHA);
    assert_string_equal(event.before, BEFORE);
    assert_string_equal(event.actor, "ann");
    assert_string_equal(event.url, "https://h/7");
    assert_string_equal(event.conclusion, "");
    assert_string_equal(event.merge_sha, ""); /* a trial merge is none */
    assert_int_equal(event.pull, 7);
    assert_true(event.is_draft);
    assert_false(event.is_closed);
    assert_false(event.is_merged);
    struct forge_event *copy = forge_event_copy(&event);
    forge_event_fini(&event);
    assert_string_equal(copy->sha, SHA);
    assert_string_equal(copy->merge_sha, "");
    assert_int_equal(copy->pull, 7);
    forge_event_free(copy);
    forge_event_free(NULL);
}

static void test_merged(void **state)
{
    (void)state;
    struct forge_event event = parse(
        "pull_request",
        "{\"action\":\"closed\",\"number\":7,\"pull_request\":{\"state\":\"closed\","
        "\"merged\":true,\"merge_commit_sha\":\"" BEFORE
        "\",\"head\":{\"ref\":\"topic\",\"sha\":\"" SHA
        "\"},\"base\":{\"ref\":\"main\"}}," TAIL);
    assert_true(event.is_closed);
    assert_true(event.is_merged);
    assert_string_equal(event.merge_sha, BEFORE);
    forge_event_fini(&event);
}

static void test_review(void **state)
{
    (void)state;
    struct forge_event event = parse(
        "pull_request_review",
        "{\"action\":\"submitted\",\"review\":{\"id\":3,\"state\":\"changes_requested\","
        "\"commit_id\":\"" SHA "\",\"html_url\":\"https://h/r\"},\"pull_request\":{"
        "\"number\":8,\"state\":\"open\",\"head\":{\"ref\":\"topic\",\"sha\":\"" BEFORE
        "\"}}," TAIL);
    assert_int_equal(event.pull, 8);
    assert_string_equal(event.conclusion, "changes_requested");
    assert_string_equal(event.sha, SHA);
    forge_event_fini(&event);
}

static void test_push(void **state)
{
    (void)state;
    struct forge_event event =
        parse("push", "{\"ref\":\"refs/heads/a/b\",\"before\":\"" NOBODY
                      "\",\"after\":\"" SHA "\",\"deleted\":false," TAIL);
    assert_string_equal(event.branch, "a/b");
    assert_string_equal(event.sha, SHA);
    assert_string_equal(event.before, "");
    assert_false(event.is_closed);
    forge_event_fini(&event);
    event = parse("push",
                  "{\"ref\":\"refs/tags/v1\",\"before\":\"" SHA "\",\"after\":\"" NOBODY
                  "\",\"deleted\":true,\"head_commit\":null," TAIL);
    assert_string_equal(event.branch, "refs/tags/v1");
    assert_string_equal(event.sha, "");
    assert_true(event.is_closed);
    forge_event_fini(&event);
}

static void test_checks(void **state)
{
    (void)state;
    struct forge_event event =
        parse("check_run",
              "{\"action\":\"completed\",\"check_run\":{\"id\":5,\"name\":\"unit\","
              "\"head_sha\":\"" SHA "\",\"status\":\"completed\",\"conclusion\":"
              "\"failure\",\"check_suite\":{\"head_branch\":\"topic\"},"
              "\"pull_requests\":[{\"number\":12}]}," TAIL);
    assert_int_equal(event.id, 5);
    assert_int_equal(event.pull, 12);
    assert_string_equal(event.branch, "topic");
    assert_string_equal(event.name, "unit");
    assert_string_equal(event.status, "completed");
    assert_string_equal(event.conclusion, "failure");
    forge_event_fini(&event);
    /* A fork's: no pull request, no branch, not finished. */
    event =
        parse("check_suite",
              "{\"action\":\"requested\",\"check_suite\":{\"id\":6,\"head_branch\":null,"
              "\"head_sha\":\"" SHA "\",\"status\":\"queued\",\"conclusion\":null,"
              "\"pull_requests\":[],\"app\":{\"slug\":\"ci\"}}," TAIL);
    assert_int_equal(event.pull, 0);
    assert_string_equal(event.branch, "");
    assert_string_equal(event.name, "ci");
    assert_string_equal(event.conclusion, "");
    forge_event_fini(&event);
    event = parse(
        "status",
        "{\"id\":9,\"sha\":\"" SHA "\",\"state\":\"error\",\"context\":\"lint\","
        "\"target_url\":null,\"branches\":[{\"name\":\"old\",\"commit\":{\"sha\":"
        "\"" BEFORE "\"}},{\"name\":\"topic\",\"commit\":{\"sha\":\"" SHA "\"}}]," TAIL);
    assert_string_equal(event.branch, "topic");
    assert_string_equal(event.status, "error");
    assert_string_equal(event.name, "lint");
    assert_string_equal(event.action, "");
    forge_event_fini(&event);
}

static void test_actions(void **state)
{
    (void)state;
    struct forge_event event = parse(
        "workflow_run",
        "{\"action\":\"in_progress\",\"workflow_run\":{\"id\":30433642,\"name\":\"CI\","
        "\"head_branch\":\"topic\",\"head_sha\":\"" SHA
        "\",\"status\":\"in_progress\",\"conclusion\":null,\"html_url\":\"https://h/w\","
        "\"pull_requests\":[]}," TAIL);
    assert_int_equal(event.id, 30433642);
    assert_string_equal(event.status, "in_progress");
    assert_string_equal(event.url, "https://h/w");
    forge_event_fini(&event);
    event =
        parse("workflow_job",
              "{\"action\":\"completed\",\"workflow_job\":{\"id\":31,\"name\":\"build\","
              "\"head_sha\":\"" SHA
              "\",\"status\":\"completed\",\"conclusion\":\"timed_out\"}," TAIL);
    assert_string_equal(event.name, "build");
    assert_string_equal(event.conclusion, "timed_out");
    forge_event_fini(&event);
    event =
        parse("deployment_status",
              "{\"action\":\"created\",\"deployment_status\":{\"state\":\"failure\","
              "\"environment\":\"prod\",\"target_url\":\"https://h/d\",\"log_url\":\"\"},"
              "\"deployment\":{\"id\":44,\"sha\":\"" SHA "\",\"ref\":\"main\"}," TAIL);
    assert_int_equal(event.id, 44);
    assert_string_equal(event.status, "failure");
    assert_string_equal(event.name, "prod");
    assert_string_equal(event.branch, "main");
    assert_string_equal(event.url, "https://h/d");
    forge_event_fini(&event);
}

static void test_ping_and_others(void **state)
{
    (void)state;
    struct forge_event event =
        parse("ping", "{\"zen\":\"Keep it logically awesome.\",\"hook_id\":17}");
    assert_int_equal(event.kind, FORGE_PING);
    assert_int_equal(event.id, 17);
    assert_string_equal(event.repository, "");
    forge_event_fini(&event);
    event = parse("a_new_event", "{\"action\":\"made\"," TAIL);
    assert_int_equal(event.kind, FORGE_OTHER);
    assert_string_equal(event.action, "made");
    assert_string_equal(event.repository, "acme/pay");
    forge_event_fini(&event);
}

static void test_refused(void **state)
{
    (void)state;
    assert_refused("push", "", "JSON");
    assert_refused("push", "[]", "push");
    assert_refused("issues", "3", "webhook");
    assert_refused("push", "{\"ref\":\"refs/heads/a\"," TAIL, "push");
    assert_refused("push", "{\"after\":\"" SHA "\"," TAIL, "push");
    assert_refused("pull_request", "{\"number\":7,\"pull_request\":null," TAIL,
                   "pull_request");
    assert_refused("check_run", "{\"check_run\":{\"id\":1}," TAIL, "check_run");
    assert_refused("status", "{\"sha\":\"" SHA "\"," TAIL, "status");
    assert_refused("status", "{\"sha\":\"" SHA "\",\"state\":\"success\"}", "status");
    assert_refused("deployment_status", "{" TAIL, "deployment_status");
}

/* Text of strangers is made harmless and bounded. */
static void test_hostile(void **state)
{
    (void)state;
    char name[5000];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    AUTO_FREE char *body =
        mem_printf("{\"sha\":\"" SHA
                   "\",\"state\":\"success\\u001b[2J\\n\",\"context\":\"%s\"," TAIL,
                   name);
    struct forge_event event = parse("status", body);
    assert_string_equal(event.status, "success ");
    assert_int_equal(strlen(event.name), FORGE_TEXT_MAX);
    forge_event_fini(&event);
}

/* ---- recorded payloads, when they are at hand ----------------------------------------- */

struct expectation {
    const char *event;
    size_t field; /* of a text */
    const char *path;
};
#define TEXT(field) offsetof(struct forge_event, field)
/* clang-format off */
static const struct expectation expectations[] = {
    {"push",                TEXT(before),     "before"},
    {"push",                TEXT(url),        "compare"},
    {"pull_request",        TEXT(action),     "action"},
    {"pull_request",        TEXT(sha),        "pull_request.head.sha"},
    {"pull_request",        TEXT(branch),     "pull_request.head.ref"},
    {"pull_request",        TEXT(base),       "pull_request.base.ref"},
    {"pull_request",        TEXT(status),     "pull_request.state"},
    {"pull_request",        TEXT(url),        "pull_request.html_url"},
    {"pull_request_review", TEXT(conclusion), "review.state"},
    {"pull_request_review", TEXT(sha),        "review.commit_id"},
    {"check_run",           TEXT(sha),        "check_run.head_sha"},
    {"check_run",           TEXT(name),       "check_run.name"},
    {"check_run",           TEXT(status),     "check_run.status"},
    {"check_run",           TEXT(conclusion), "check_run.conclusion"},
    {"check_suite",         TEXT(sha),        "check_suite.head_sha"},
    {"check_suite",         TEXT(branch),     "check_suite.head_branch"},
    {"check_suite",         TEXT(conclusion), "check_suite.conclusion"},
    {"status",              TEXT(sha),        "sha"},
    {"status",              TEXT(status),     "state"},
    {"status",              TEXT(name),       "context"},
    {"workflow_run",        TEXT(sha),        "workflow_run.head_sha"},
    {"workflow_run",        TEXT(branch),     "workflow_run.head_branch"},
    {"workflow_run",        TEXT(status),     "workflow_run.status"},
    {"workflow_run",        TEXT(conclusion), "workflow_run.conclusion"},
    {"workflow_job",        TEXT(sha),        "workflow_job.head_sha"},
    {"workflow_job",        TEXT(name),       "workflow_job.name"},
    {"workflow_job",        TEXT(status),     "workflow_job.status"},
    {"workflow_job",        TEXT(conclusion), "workflow_job.conclusion"},
    {"deployment_status",   TEXT(status),     "deployment_status.state"},
    {"deployment_status",   TEXT(sha),        "deployment.sha"},
    {"deployment_status",   TEXT(name),       "deployment_status.environment"},
};
/* clang-format on */

static const char *text_at(const struct json *at, const char *path)
{
    char key[64];
    for (const char *dot = strchr(path, '.'); dot != NULL; dot = strchr(path, '.')) {
        memcpy(key, path, (size_t)(dot - path));
        key[dot - path] = '\0';
        at = json_get(at, key);
        path = dot + 1;
    }
    return json_str(at, path, "");
}

static void check_payload(const char *name, const char *file, const char *body,
                          size_t len)
{
    struct err err = ERR_INIT;
    struct forge_event event;
    if (!forge_event_parse(name, body, len, &event, &err)) {
        fail_msg("%s: %s", file, err.msg);
    }
    struct json *root = json_parse(body, len, &err);
    assert_string_equal(event.repository, text_at(root, "repository.full_name"));
    for (size_t i = 0; i < ARRAY_LEN(expectations); i++) {
        const struct expectation *row = &expectations[i];
        if (strcmp(row->event, name) == 0) {
            char *text;
            memcpy(&text, (const char *)&event + row->field, sizeof(text));
            const char *expected = text_at(root, row->path);
            if (strspn(expected, "0") == strlen(expected)) {
                expected = "";
            }
            if (strcmp(text, expected) != 0) {
                fail_msg("%s: %s is '%s', not '%s'", file, row->path, text, expected);
            }
        }
    }
    if (event.kind == FORGE_PULL_REQUEST) {
        assert_int_equal(event.pull, json_int(root, "number", -1));
    }
    json_free(root);
    forge_event_fini(&event);
}

static void test_recorded(void **state)
{
    (void)state;
    const char *folder = getenv("WEBHOOK_EXAMPLES");
    folder = folder != NULL ? folder : "../shared/services/webhook-examples";
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        print_message("# no recorded payloads here: WEBHOOK_EXAMPLES names no folder\n");
        skip();
        return;
    }
    int by_kind[FORGE_EVENT_COUNT] = {0};
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char name[64];
        size_t len = strcspn(entry->d_name, ".");
        if (entry->d_name[0] == '.' || len >= sizeof(name) ||
            strcmp(entry->d_name, "index.json") == 0) {
            continue;
        }
        memcpy(name, entry->d_name, len);
        name[len] = '\0';
        AUTO_FREE char *path = file_join(folder, entry->d_name);
        char *body = NULL;
        size_t body_len = 0;
        struct err err = ERR_INIT;
        assert_true(file_read(path, 25u << 20, &body, &body_len, &err));
        check_payload(name, entry->d_name, body, body_len);
        by_kind[forge_event_kind(name)]++;
        free(body);
    }
    (void)closedir(dir);
    for (int i = FORGE_OTHER + 1; i < FORGE_EVENT_COUNT; i++) {
        if (by_kind[i] == 0) {
            fail_msg("no payload of %s", forge_event_name((enum forge_event_kind)i));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),    cmocka_unit_test(test_pull_request),
        cmocka_unit_test(test_merged),   cmocka_unit_test(test_review),
        cmocka_unit_test(test_push),     cmocka_unit_test(test_checks),
        cmocka_unit_test(test_actions),  cmocka_unit_test(test_ping_and_others),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
