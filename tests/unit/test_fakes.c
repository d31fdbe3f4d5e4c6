/* SPDX-License-Identifier: MIT */

/* The simulated services themselves: what tests of the adapters believe of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/fakes/fake_codegen.h"
#include "tests/fakes/fake_fault.h"

struct house {
    char *dir;
    struct fake_settings *set;
    struct fake_git *git;
    struct fake_github *github;
    struct fake_codegen *codegen;
    struct wall now;
    struct fake_reply reply;
    struct json *json; /* of the last answer */
};

static const char profile[] =
    "seed: 3\n"
    "codegen: {run_time: 1s, statuses: [ACTIVE, 'null', Odd], creates: 2}\n"
    "github:\n"
    "  repository: acme/payments\n"
    "  checks:\n"
    "    - {name: build, kind: actions, conclusions: [failure, success], queue: 100ms,\n"
    "       time: 200ms}\n"
    "hooks: {duplicate: 100}\n"
    "faults:\n"
    "  - {service: github, kind: hang, match: /pulls, method: GET, count: 2}\n";

/* A bare repository with one empty commit on main. */
static struct fake_git *make_git(const char *dir)
{
    AUTO_FREE char *path = mem_printf("%s/r.git", dir);
    AUTO_FREE char *objects = mem_printf("%s/objects", path);
    AUTO_FREE char *refs = mem_printf("%s/refs/heads", path);
    AUTO_FREE char *head = mem_printf("%s/HEAD", path);
    AUTO_FREE char *config = mem_printf("%s/config", path);
    struct err err = ERR_INIT;
    static const char bare[] = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
    assert_true(file_make_dirs(objects, &err));
    assert_true(file_make_dirs(refs, &err));
    assert_true(file_write(head, "ref: refs/heads/main\n", 21, &err));
    assert_true(file_write(config, bare, sizeof bare - 1, &err));
    struct fake_git *git = fake_git_open(path);
    assert_non_null(git);
    struct buf AUTO_BUF tree;
    buf_init(&tree, 100);
    assert_int_equal(
        fake_git_run(git, NULL, 0, &tree, (const char *const[]){"mktree", NULL}), 0);
    tree.data[40] = '\0';
    AUTO_FREE char *first =
        fake_git_commit_tree(git, tree.data, "first\n", "tester", NULL, NULL);
    assert_non_null(first);
    assert_true(fake_git_update_ref(git, "refs/heads/main", first, ""));
    return git;
}

static int set_up(void **state)
{
    struct house *house = mem_alloc(sizeof *house);
    struct err err = ERR_INIT;
    char dir[] = "/tmp/signalbox-fakes-XXXXXX";
    assert_non_null(mkdtemp(dir));
    house->dir = mem_str(dir);
    AUTO_FREE char *path = file_join(dir, "profile.yaml");
    assert_true(file_write(path, profile, sizeof profile - 1, &err));
    house->set = fake_settings_read(path, &err);
    assert_non_null(house->set);
    fake_keep(&house->set->github.url, "http://127.0.0.1:1");
    fake_keep(&house->set->codegen.url, "http://127.0.0.1:2");
    house->git = make_git(dir);
    house->now.ms = INT64_C(1700000000000);
    house->github = fake_github_new(house->set, house->git, house->now);
    house->codegen = fake_codegen_new(&house->set->codegen, house->github);
    fake_reply_init(&house->reply);
    *state = house;
    return 0;
}

static int tear_down(void **state)
{
    struct house *house = *state;
    struct err err = ERR_INIT;
    json_free(house->json);
    fake_reply_fini(&house->reply);
    fake_codegen_free(house->codegen);
    fake_github_free(house->github);
    fake_git_close(house->git);
    fake_settings_free(house->set);
    assert_true(file_remove_tree(house->dir, &err));
    free(house->dir);
    free(house);
    return 0;
}

/* Status of the answer; its body is house->json. */
static int ask(struct house *house, bool is_github, const char *method, const char *path,
               const char *body, const char *etag)
{
    char agent[] = "User-Agent", name[] = "test", match[] = "If-None-Match";
    AUTO_FREE char *tag = mem_str(etag != NULL ? etag : "");
    struct fake_header headers[] = {
        {agent, name},
        {match, tag },
    };
    struct fake_request request = {.method = method,
                                   .path = path,
                                   .query = "",
                                   .headers = headers,
                                   .n_headers = etag != NULL ? 2 : 1,
                                   .body = body,
                                   .body_len = body != NULL ? strlen(body) : 0};
    fake_reply_fini(&house->reply);
    fake_reply_init(&house->reply);
    json_free(house->json);
    house->json = NULL;
    if (is_github)
        fake_github_serve(house->github, &request, house->now, &house->reply);
    else
        fake_codegen_serve(house->codegen, &request, house->now, &house->reply);
    struct err err = ERR_INIT;
    if (house->reply.body.len > 0) {
        house->json = json_parse(house->reply.body.data, house->reply.body.len, &err);
        assert_non_null(house->json);
    }
    return house->reply.status;
}

static void pass(struct house *house, int64_t ms)
{
    house->now.ms += ms;
    fake_codegen_tick(house->codegen, house->now);
    fake_github_tick(house->github, house->now);
}

#define RUNS "/v1/organizations/42/agent/"
#define REPO "/repos/acme/payments"

static void signs_as_published(void **state)
{
    char hex[65];
    (void)state;
    /* FIPS 180-4 examples; docs.github.com, "Validating webhook deliveries" */
    fake_sha256("abc", 3, hex);
    assert_string_equal(
        hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    fake_sha256("", 0, hex);
    assert_string_equal(
        hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    fake_hmac("It's a Secret to Everybody", "Hello, World!", 13, hex);
    assert_string_equal(
        hex, "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
}

static void a_run_leaves_a_commit(void **state)
{
    struct house *house = *state;
    static const char body[] =
        "{\"prompt\":\"Do it on branch `signalbox/wf-1`, made from `main`\"}";
    assert_int_equal(ask(house, false, "POST", RUNS "run", body, NULL), 200);
    assert_string_equal(json_str(house->json, "status", ""), "ACTIVE");
    int64_t id = json_int(house->json, "id", 0);
    AUTO_FREE char *path = mem_printf(RUNS "run/%lld", (long long)id);
    pass(house, 400);
    assert_int_equal(ask(house, false, "GET", path, NULL, NULL), 200);
    assert_null(json_str(house->json, "status", NULL));
    pass(house, 400);
    assert_int_equal(ask(house, false, "GET", path, NULL, NULL), 200);
    assert_string_equal(json_str(house->json, "status", ""), "Odd");
    AUTO_FREE char *none = fake_git_resolve(house->git, "refs/heads/signalbox/wf-1");
    assert_null(none);
    pass(house, 400);
    assert_int_equal(ask(house, false, "GET", path, NULL, NULL), 200);
    assert_string_equal(json_str(house->json, "status", ""), "COMPLETE");
    AUTO_FREE char *sha = fake_git_resolve(house->git, "refs/heads/signalbox/wf-1");
    assert_non_null(sha);
    /* ten a minute in life, two here */
    assert_int_equal(ask(house, false, "POST", RUNS "run", body, NULL), 200);
    assert_int_equal(ask(house, false, "POST", RUNS "run", body, NULL), 429);
    pass(house, 60000);
    assert_int_equal(ask(house, false, "POST", RUNS "run", body, NULL), 200);
}

static const char *conclusion(struct house *house, const char *sha)
{
    AUTO_FREE char *path = mem_printf(REPO "/commits/%s/check-runs", sha);
    assert_int_equal(ask(house, true, "GET", path, NULL, NULL), 200);
    const struct json *runs = json_get(house->json, "check_runs");
    assert_int_equal(json_len(runs), 1);
    return json_str(json_at(runs, 0), "conclusion", "");
}

static void checks_run_and_the_second_head_is_green(void **state)
{
    struct house *house = *state;
    AUTO_FREE char *one = fake_github_commit(house->github, "fix", "main", "a", "1\n",
                                             "one\n", "alice", house->now);
    pass(house, 150);
    assert_string_equal(conclusion(house, one), "");
    pass(house, 200);
    assert_string_equal(conclusion(house, one), "failure");
    AUTO_FREE char *two = fake_github_commit(house->github, "fix", "main", "a", "2\n",
                                             "two\n", "alice", house->now);
    pass(house, 400);
    assert_string_equal(conclusion(house, two), "success");
}

static void a_merge_names_the_head(void **state)
{
    struct house *house = *state;
    AUTO_FREE char *sha = fake_github_commit(house->github, "fix", "main", "a", "1\n",
                                             "one\n", "alice", house->now);
    assert_int_equal(ask(house, true, "POST", REPO "/pulls",
                         "{\"title\":\"t\",\"head\":\"fix\",\"base\":\"main\"}", NULL),
                     201);
    assert_int_equal(ask(house, true, "POST", REPO "/pulls",
                         "{\"title\":\"t\",\"head\":\"fix\",\"base\":\"main\"}", NULL),
                     422);
    assert_int_equal(ask(house, true, "PUT", REPO "/pulls/1/merge",
                         "{\"sha\":\"0000000000000000000000000000000000000000\"}", NULL),
                     409);
    AUTO_FREE char *body =
        mem_printf("{\"sha\":\"%s\",\"merge_method\":\"squash\"}", sha);
    assert_int_equal(ask(house, true, "PUT", REPO "/pulls/1/merge", body, NULL), 200);
    AUTO_FREE char *main_sha = fake_git_resolve(house->git, "refs/heads/main");
    assert_string_equal(json_str(house->json, "sha", ""), main_sha);
    assert_int_equal(ask(house, true, "PUT", REPO "/pulls/1/merge", body, NULL), 405);
}

static void what_did_not_change_is_not_sent_again(void **state)
{
    struct house *house = *state;
    assert_int_equal(ask(house, true, "GET", REPO, NULL, NULL), 200);
    char *tag = strstr(house->reply.headers.data, "ETag: ");
    assert_non_null(tag);
    AUTO_FREE char *etag = mem_strn(tag + 6, strcspn(tag + 6, "\r"));
    assert_int_equal(ask(house, true, "GET", REPO, NULL, etag), 304);
    assert_int_equal(house->reply.body.len, 0);
    assert_int_equal(ask(house, true, "GET", REPO, NULL, "W/\"other\""), 200);
    assert_int_equal(ask(house, true, "GET", "/repos/acme/none", NULL, NULL), 404);
}

static void webhooks_come_twice(void **state)
{
    struct house *house = *state;
    struct fake_hook_call first, second;
    (void)fake_github_add_hook(house->github, "http://127.0.0.1:9/", "s", house->now);
    assert_true(fake_github_next_hook(house->github, house->now, &first));
    assert_true(fake_github_next_hook(house->github, house->now, &second));
    assert_string_equal(first.event, "ping");
    assert_string_equal(first.guid, second.guid);
    struct fake_hook_call *const both[] = {&first, &second};
    for (size_t i = 0; i < 2; i++) {
        char *const texts[] = {both[i]->url, both[i]->secret, both[i]->event,
                               both[i]->guid, both[i]->body};
        for (size_t k = 0; k < 5; k++)
            free(texts[k]);
    }
    assert_false(fake_github_next_hook(house->github, house->now, &first));
}

static void faults_strike_where_they_are_sent(void **state)
{
    struct house *house = *state;
    struct fake_faults faults;
    struct wall now = house->now;
    fake_faults_init(&faults, house->set, now);
    assert_null(fake_faults_choose(&faults, FAKE_CODEGEN, "GET", "/pulls", now));
    assert_null(fake_faults_choose(&faults, FAKE_GITHUB, "POST", "/pulls", now));
    assert_null(fake_faults_choose(&faults, FAKE_GITHUB, "GET", "/user", now));
    assert_non_null(fake_faults_choose(&faults, FAKE_GITHUB, "GET", "/x/pulls", now));
    assert_non_null(fake_faults_choose(&faults, FAKE_GITHUB, "GET", "/x/pulls", now));
    assert_null(fake_faults_choose(&faults, FAKE_GITHUB, "GET", "/x/pulls", now));
    fake_faults_fini(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_as_published),
        cmocka_unit_test_setup_teardown(a_run_leaves_a_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_run_and_the_second_head_is_green, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_merge_names_the_head, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_did_not_change_is_not_sent_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(webhooks_come_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_strike_where_they_are_sent, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
