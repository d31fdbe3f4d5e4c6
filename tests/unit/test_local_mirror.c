/* SPDX-License-Identifier: MIT */

/* Local agents and sandboxes with a forge that is elsewhere: the mirror, pushes, and what
 * others do to the branch meanwhile. The forge is a bare repository. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/service/local_mirror.h"
#include "tests/lib/flow.h"

/* The forge's repository, beside the lab's, which is some developer's clone of it. */
static char *remote(void)
{
    return mem_printf("%s/remote.git", flow_lab.root);
}

static int set_up(void **state)
{
    (void)flow_set_up(state);
    AUTO_FREE char *path = remote();
    AUTO_FREE char *text = mem_printf("git clone -q --bare . \"%s\" && "
                                      "git remote add origin \"%s\" && git fetch -q",
                                      path, path);
    LAB_SH(&flow_lab, text);
    return 0;
}
#define MIRROR_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, flow_tear_down)

static void at_forge(struct order *order)
{
    AUTO_FREE char *path = remote();
    lab_set(&order->repo, "acme/payments");
    lab_set(&order->forge.repository, "acme/payments");
    lab_set(&order->forge.clone, path);
}

static struct order *remote_order(struct flow *flow, enum effect_kind kind)
{
    struct order *order = flow_order(flow, kind);
    at_forge(order);
    return order;
}

static void learn(struct flow *flow, const struct effect_result *result)
{
    if (result->branch != NULL) {
        lab_set(&flow->branch, result->branch);
    }
    if (result->base_sha != NULL) {
        lab_set(&flow->base_sha, result->base_sha);
    }
    if (result->head_sha != NULL) {
        lab_set(&flow->head_sha, result->head_sha);
    }
}

static struct effect_result *step(struct flow *flow, enum effect_kind kind)
{
    struct order *order = remote_order(flow, kind);
    if (kind == EFFECT_CODE || kind == EFFECT_EVALUATE || kind == EFFECT_PLAN) {
        lab_command(order, "cat *.txt && echo agent >> a.txt");
    }
    struct effect_result *result = lab_run(order);
    assert_string_equal(result->provider, "local");
    learn(flow, result);
    order_free(order);
    return result;
}

static void passes(struct flow *flow, enum effect_kind kind)
{
    struct effect_result *result = step(flow, kind);
    flow_check(result, STATUS_PASSED, BLAME_NONE);
    effect_result_free(result);
}

static void fails(struct flow *flow, enum effect_kind kind, enum effect_status status,
                  enum blame blame, const char *words)
{
    struct effect_result *result = step(flow, kind);
    flow_check(result, status, blame);
    if (strstr(result->summary, words) == NULL) {
        fail_msg("'%s' is not in '%s'", words, result->summary);
    }
    effect_result_free(result);
}

/* Shell text in the forge's repository, and what it prints. */
static void at_remote(const char *text, const char *want)
{
    AUTO_FREE char *path = remote();
    AUTO_FREE char *out = lab_sh(&flow_lab, path, text);
    assert_string_equal(out, want);
}

static void remote_has(const char *branch, const char *sha)
{
    AUTO_FREE char *text = mem_printf("git rev-parse refs/heads/%s", branch);
    at_remote(text, sha);
}

static void test_work_ends_on_the_forge(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    passes(&flow, EFFECT_WORKSPACE);
    assert_string_equal(flow.branch, "signalbox/wf-1");
    flow_edit(&flow, "echo four >> a.txt");
    passes(&flow, EFFECT_COMMIT);
    remote_has("signalbox/wf-1", flow.head_sha);
    at_remote("git show signalbox/wf-1:a.txt | tail -1", "four");
    passes(&flow, EFFECT_COMMIT); /* again: the same */
    remote_has("signalbox/wf-1", flow.head_sha);
    passes(&flow, EFFECT_SANDBOX);
    AUTO_FREE char *sandbox = mem_printf("%s/wf-1/sandbox", flow_lab.work);
    AUTO_FREE char *text = lab_sh(&flow_lab, sandbox, "tail -1 a.txt");
    assert_string_equal(text, "four");
    /* the developer's own clone was not touched */
    flow_sh("git branch --list 'signalbox/*'", "");
    passes(&flow, EFFECT_CLEANUP);
    AUTO_FREE char *left = lab_sh(&flow_lab, flow_lab.work,
                                  "ls -d wf-1/tree wf-1/sandbox 2>&1 | "
                                  "grep -c 'No such'; ls mirror");
    assert_string_equal(left, "2\nacme+payments.git");
    flow_fini(&flow);
}

static void test_branch_of_another_store(void **state)
{
    struct flow flow;
    (void)state;
    at_remote("git branch signalbox/wf-1 main", "");
    flow_init(&flow, 1);
    passes(&flow, EFFECT_WORKSPACE);
    assert_string_equal(flow.branch, "signalbox/wf-1-2");
    flow_fini(&flow);
}

static void test_base_and_branch_move(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    passes(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "echo four >> a.txt");
    passes(&flow, EFFECT_COMMIT);
    /* a person pushes to the branch, and another one to main */
    LAB_SH(&flow_lab, "git fetch -q && git checkout -q -b help origin/signalbox/wf-1 && "
                      "echo help > help.txt && git add . && git commit -qm help && "
                      "git push -q origin help:signalbox/wf-1 && git checkout -q main && "
                      "echo new > new.txt && git add . && git commit -qm new && "
                      "git push -q origin main");
    passes(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "test -f help.txt && test -f new.txt && echo five >> a.txt");
    passes(&flow, EFFECT_COMMIT);
    remote_has("signalbox/wf-1", flow.head_sha);
    at_remote("git ls-tree --name-only signalbox/wf-1 | tr '\\n' ' '",
              "a.txt b.txt help.txt new.txt ");
    flow_fini(&flow);
}

/* Somebody pushes between our workspace and our commit. */
static void test_push_is_late(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    passes(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "echo four >> a.txt");
    passes(&flow, EFFECT_COMMIT);
    LAB_SH(&flow_lab, "git fetch -q && git checkout -q -b help origin/signalbox/wf-1 && "
                      "echo help > help.txt && git add . && git commit -qm help && "
                      "git push -q origin help:signalbox/wf-1");
    flow_edit(&flow, "echo five >> a.txt");
    passes(&flow, EFFECT_COMMIT); /* merged, then pushed */
    remote_has("signalbox/wf-1", flow.head_sha);
    at_remote(
        "git show signalbox/wf-1:help.txt && git show signalbox/wf-1:a.txt | tail -1",
        "help\nfive");
    /* and once more, with a conflict */
    LAB_SH(&flow_lab, "git fetch -q && git reset -q --hard origin/signalbox/wf-1 && "
                      "echo theirs > b.txt && git commit -qam theirs && "
                      "git push -q origin help:signalbox/wf-1");
    flow_edit(&flow, "echo ours > b.txt");
    fails(&flow, EFFECT_COMMIT, STATUS_FAILED, BLAME_CHANGE, "b.txt");
    at_remote("git show signalbox/wf-1:b.txt", "theirs"); /* nothing of theirs is lost */
    struct effect_result *result = step(&flow, EFFECT_WORKSPACE);
    flow_check(result, STATUS_PASSED, BLAME_NONE);
    assert_non_null(strstr(result->summary, "left for the agent"));
    effect_result_free(result);
    flow_edit(&flow, "echo both > b.txt");
    passes(&flow, EFFECT_COMMIT);
    at_remote("git show signalbox/wf-1:b.txt", "both");
    flow_fini(&flow);
}

/* An agent that amends its commit: our own branch may be rewritten ... */
static void test_own_branch_may_be_rewritten(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    passes(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "echo four >> a.txt");
    passes(&flow, EFFECT_COMMIT);
    flow_edit(&flow, "echo five >> a.txt && git -c user.name=A -c user.email=a@b commit "
                     "-qa --amend -m other");
    passes(&flow, EFFECT_COMMIT);
    remote_has("signalbox/wf-1", flow.head_sha);
    at_remote("git log --format=%s -1 signalbox/wf-1", "other");
    at_remote("git rev-list --count main..signalbox/wf-1", "1");
    flow_fini(&flow);
}

/* ... and a person's branch may not. */
static void test_persons_branch_only_grows(void **state)
{
    struct flow flow;
    (void)state;
    LAB_SH(&flow_lab,
           "git checkout -q -b feature && echo mine > mine.txt && git add . && "
           "git commit -qm mine && git push -q origin feature");
    AUTO_FREE char *before = lab_sh(&flow_lab, flow_lab.repo, "git rev-parse feature");
    flow_init(&flow, 1);
    lab_set(&flow.branch, "feature");
    lab_set(&flow.head_sha, before);
    passes(&flow, EFFECT_WORKSPACE);
    assert_string_equal(flow.branch, "feature");
    flow_edit(&flow,
              "test -f mine.txt && echo x > x.txt && git add . && "
              "git -c user.name=A -c user.email=a@b commit -qa --amend -m rewritten");
    passes(&flow, EFFECT_COMMIT);
    AUTO_FREE char *text =
        mem_printf("git merge-base --is-ancestor %s feature && echo kept", before);
    at_remote(text, "kept");
    flow_fini(&flow);
}

/* A service made the commit: the sandbox fetches it. */
static void test_commit_from_elsewhere(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    LAB_SH(&flow_lab, "git checkout -q -b codegen/x && echo x > x.txt && git add . && "
                      "git commit -qm x && git push -q origin codegen/x");
    AUTO_FREE char *head = lab_sh(&flow_lab, flow_lab.repo, "git rev-parse HEAD");
    lab_set(&flow.branch, "codegen/x");
    lab_set(&flow.head_sha, head);
    passes(&flow, EFFECT_SANDBOX);
    AUTO_FREE char *sandbox = mem_printf("%s/wf-1/sandbox", flow_lab.work);
    free(lab_sh(&flow_lab, sandbox, "test -f x.txt"));
    /* only a pull request holds it, as from a fork */
    LAB_SH(&flow_lab, "echo y > y.txt && git add . && git commit -qm y && "
                      "git push -q origin HEAD:refs/pull/7/head");
    AUTO_FREE char *fork = lab_sh(&flow_lab, flow_lab.repo, "git rev-parse HEAD");
    lab_set(&flow.head_sha, fork);
    flow.pr_number = 7;
    passes(&flow, EFFECT_SANDBOX);
    free(lab_sh(&flow_lab, sandbox, "test -f y.txt"));
    lab_set(&flow.head_sha, "0123456789012345678901234567890123456789");
    fails(&flow, EFFECT_SANDBOX, STATUS_FAILED, BLAME_WORLD, "commit 0123456789");
    flow_fini(&flow);
}

/* A service was to do the work, named the branch, and is away: the local agent does it. */
static void test_fallback_to_the_local_agent(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    lab_set(&flow.branch, "signalbox/wf-1");
    passes(&flow, EFFECT_CODE);
    assert_string_equal(flow.branch, "signalbox/wf-1");
    assert_true(flow.base_sha[0] != '\0');
    passes(&flow, EFFECT_COMMIT);
    remote_has("signalbox/wf-1", flow.head_sha);
    at_remote("git show signalbox/wf-1:a.txt | tail -1", "agent");
    /* the service is back for one round, and pushes; then it is away again */
    LAB_SH(&flow_lab, "git fetch -q && git checkout -q -b s origin/signalbox/wf-1 && "
                      "echo service > s.txt && git add . && git commit -qm s && "
                      "git push -q origin s:signalbox/wf-1");
    struct order *order = remote_order(&flow, EFFECT_CODE);
    order->iteration = 3;
    lab_command(order, "test -f s.txt && echo again >> a.txt");
    struct effect_result *result = lab_run(order);
    flow_check(result, STATUS_PASSED, BLAME_NONE);
    learn(&flow, result);
    effect_result_free(result);
    order_free(order);
    passes(&flow, EFFECT_COMMIT);
    at_remote("git show signalbox/wf-1:a.txt | tail -1", "again");
    flow_fini(&flow);
}

/* The evaluator is here and the sandbox of the checks is not. */
static void test_evaluator_without_sandbox(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    passes(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "echo four >> a.txt");
    passes(&flow, EFFECT_COMMIT);
    passes(&flow, EFFECT_EVALUATE);
    flow_fini(&flow);
}

static void test_plan_reads_the_base(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    struct effect_result *result = step(&flow, EFFECT_PLAN);
    flow_check(result, STATUS_PASSED, BLAME_NONE);
    assert_string_equal(result->plan, "one\ntwo\nthree\nb\n");
    effect_result_free(result);
    LAB_SH(&flow_lab,
           "echo five > a.txt && git commit -qam five && git push -q origin main");
    result = step(&flow, EFFECT_PLAN);
    assert_string_equal(result->plan, "five\nb\n");
    effect_result_free(result);
    flow_fini(&flow);
}

static void test_what_is_missing(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    flow.base = "trunk";
    fails(&flow, EFFECT_WORKSPACE, STATUS_REFUSED, BLAME_SETUP,
          "acme/payments has no branch 'trunk'; it has: main");
    flow.base = "main";
    /* a forge that is not there; when it is, the same mirror goes on */
    AUTO_FREE char *path = remote();
    AUTO_FREE char *away = mem_printf("mv \"%s\" \"%s.away\"", path, path);
    AUTO_FREE char *back = mem_printf("mv \"%s.away\" \"%s\"", path, path);
    LAB_SH(&flow_lab, away);
    fails(&flow, EFFECT_WORKSPACE, STATUS_REFUSED, BLAME_SETUP, "asking the forge");
    LAB_SH(&flow_lab, back);
    passes(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "echo four >> a.txt");
    LAB_SH(&flow_lab, away);
    fails(&flow, EFFECT_COMMIT, STATUS_REFUSED, BLAME_SETUP, "pushing");
    LAB_SH(&flow_lab, back);
    passes(&flow, EFFECT_COMMIT);
    remote_has("signalbox/wf-1", flow.head_sha);
    flow_fini(&flow);
}

/* A fetch that broke off anywhere leaves temporary files, and no more. */
static void test_mirror_survives_a_broken_fetch(void **state)
{
    struct flow flow;
    (void)state;
    AUTO_FREE char *path = remote();
    AUTO_FREE char *good = mem_printf("mkdir ../o && cp -r \"%s\"/objects ../o/", path);
    LAB_SH(&flow_lab, good);
    AUTO_FREE char *loose =
        mem_printf("cd \"%s\" && git rev-parse main:b.txt | sed 's,^..,&/,' | (read n && "
                   "chmod u+w objects/$n && : > objects/$n)",
                   path);
    LAB_SH(&flow_lab, loose); /* the forge sends half of it and dies */
    flow_init(&flow, 1);
    struct effect_result *result = step(&flow, EFFECT_WORKSPACE);
    assert_int_equal(result->status, STATUS_FAILED);
    assert_int_equal(result->blame, BLAME_WORLD);
    effect_result_free(result);
    AUTO_FREE char *mend = mem_printf("cp -rf ../o/objects \"%s\"/", path);
    LAB_SH(&flow_lab, mend);
    passes(&flow, EFFECT_WORKSPACE);
    flow_fini(&flow);
}

/* Many begin at once, and none has a mirror yet. */
static void test_all_at_once(void **state)
{
    enum { N = 8 };
    struct flow flows[N];
    struct order *orders[N];
    pid_t pids[N];
    (void)state;
    for (int i = 0; i < N; i++) {
        flow_init(&flows[i], i + 1);
        orders[i] = remote_order(&flows[i], EFFECT_WORKSPACE);
        pids[i] = lab_start(orders[i]);
    }
    for (int i = 0; i < N; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        struct effect_result *result = lab_answer(orders[i]);
        flow_check(result, STATUS_PASSED, BLAME_NONE);
        effect_result_free(result);
        order_free(orders[i]);
        flow_fini(&flows[i]);
    }
    AUTO_FREE char *names = lab_sh(&flow_lab, flow_lab.work, "ls -A mirror");
    assert_string_equal(names, "acme+payments.git");
}

/* A pull request from a fork: its branch is not ours to make. */
static void test_branch_of_a_fork(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    lab_set(&flow.branch, "patch-1");
    fails(&flow, EFFECT_WORKSPACE, STATUS_REFUSED, BLAME_OPERATOR,
          "acme/payments has no branch patch-1");
    at_remote("git branch --list patch-1", "");
    flow_fini(&flow);
}

/* Killed anywhere, and begun again: the same end. */
static void test_killed_runners(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct flow flow;
        struct order *orders[2];
        static const enum effect_kind kinds[] = {EFFECT_WORKSPACE, EFFECT_COMMIT};
        flow_init(&flow, i + 1);
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            orders[k] = remote_order(&flow, kinds[k]);
            pid_t pid = lab_start(orders[k]);
            struct timespec pause = {.tv_nsec = i * (k == 0 ? 15000000L : 25000000L)};
            (void)nanosleep(&pause, NULL); /* another instant each time */
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
            struct effect_result *result = lab_run(orders[k]);
            flow_check(result, STATUS_PASSED, BLAME_NONE);
            learn(&flow, result);
            effect_result_free(result);
            order_free(orders[k]);
            if (k == 0) {
                flow_edit(&flow, "echo more >> a.txt");
            }
        }
        remote_has(flow.branch, flow.head_sha);
        AUTO_FREE char *text = mem_printf("git rev-list --count main..%s", flow.branch);
        at_remote(text, "1");
        flow_fini(&flow);
    }
    AUTO_FREE char *names = lab_sh(&flow_lab, flow_lab.work, "ls mirror");
    assert_string_equal(names, "acme+payments.git");
}

/* A run that goes on elsewhere is not forgotten with the files. */
static void test_cleanup_keeps_an_open_run(void **state)
{
    static const struct {
        const char *text, *left;
    } cases[] = {
        {"{\"provider\":\"c\",\"keep\":{\"run\":7,\"open\":true}}",  "keep-agent.json"},
        {"{\"provider\":\"c\",\"keep\":{\"run\":7,\"open\":false}}", ""               },
        {"garbage",                                                  ""               },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct flow flow;
        struct err err = ERR_INIT;
        flow_init(&flow, (int64_t)i + 1);
        passes(&flow, EFFECT_WORKSPACE);
        AUTO_FREE char *place = mem_printf("%s/wf-%zu", flow_lab.work, i + 1);
        AUTO_FREE char *path = mem_printf("%s/keep-agent.json", place);
        assert_true(file_write(path, cases[i].text, strlen(cases[i].text), &err));
        passes(&flow, EFFECT_CLEANUP);
        AUTO_FREE char *left = lab_sh(&flow_lab, place, "ls | grep -v '^fx-' || true");
        assert_string_equal(left, cases[i].left);
        flow_fini(&flow);
    }
}

static void test_cleanup_without_mirror(void **state)
{
    struct flow flow;
    (void)state;
    flow_init(&flow, 1);
    passes(&flow, EFFECT_CLEANUP);
    AUTO_FREE char *names = lab_sh(&flow_lab, flow_lab.work, "ls");
    assert_string_equal(names, "wf-1");
    flow_fini(&flow);
}

static void test_urls(void **state)
{
    static const struct {
        const char *service, *clone, *repository, *want; /* NULL: refused */
    } cases[] = {
        {"https://api.github.com",         "",                                    "acme/payments",
         "https://github.com/acme/payments.git"                                                                                     },
        {"https://api.github.com/",        "",                                    "acme/.github",
         "https://github.com/acme/.github.git"                                                                                      },
        {"https://ghe.example.com/api/v3", "",                                    "a/b",           "https://ghe.example.com/a/b.git"},
        {"http://127.0.0.1:4090",          "",                                    "a/b",           "http://127.0.0.1:4090/a/b.git"  },
        {"https://api.github.com",         "git@github.com:a/b.git",              "a/b",
         "git@github.com:a/b.git"                                                                                                   },
        {"https://api.github.com",         "/srv/git/b.git",                      "a/b",           "/srv/git/b.git"                 },
        {"https://api.github.com",         "https://me@example.com/b.git",        "a/b",
         "https://me@example.com/b.git"                                                                                             },
        {"https://api.github.com",         "https://me:secret@example.com/b.git", "a/b",           NULL                             },
        {"https://api.github.com",         "--upload-pack=evil",                  "a/b",           NULL                             },
        {"https://api.github.com",         "ext::sh -c evil",                     "a/b",           NULL                             },
        {"https://api.github.com",         "",                                    "../b",          NULL                             },
        {"https://api.github.com",         "",                                    "a/..",          NULL                             },
        {"https://api.github.com",         "",                                    "a/b/c",         NULL                             },
        {"https://api.github.com",         "",                                    "a",             NULL                             },
        {"https://api.github.com",         "",                                    "a/",            NULL                             },
        {"https://api.github.com",         "",                                    "-a/b",          NULL                             },
        {"https://api.github.com",         "",                                    "a b/c",         NULL                             },
        {"",                               "",                                    "a/b",           NULL                             },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = ERR_INIT;
        AUTO_FREE char *service = mem_str(cases[i].service);
        AUTO_FREE char *clone = mem_str(cases[i].clone);
        AUTO_FREE char *repository = mem_str(cases[i].repository);
        const struct order order = {
            .forge = {.repository = repository, .clone = clone},
              .forge_url = service
        };
        AUTO_FREE char *url = mirror_url(&order, &err);
        if (cases[i].want == NULL) {
            assert_null(url);
            assert_int_equal(err.code, ERR_CONFIG);
            assert_null(strstr(err.msg, "secret"));
        } else {
            assert_string_equal(url, cases[i].want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIRROR_TEST(test_work_ends_on_the_forge),
        MIRROR_TEST(test_branch_of_another_store),
        MIRROR_TEST(test_base_and_branch_move),
        MIRROR_TEST(test_push_is_late),
        MIRROR_TEST(test_own_branch_may_be_rewritten),
        MIRROR_TEST(test_persons_branch_only_grows),
        MIRROR_TEST(test_commit_from_elsewhere),
        MIRROR_TEST(test_fallback_to_the_local_agent),
        MIRROR_TEST(test_evaluator_without_sandbox),
        MIRROR_TEST(test_plan_reads_the_base),
        MIRROR_TEST(test_what_is_missing),
        MIRROR_TEST(test_mirror_survives_a_broken_fetch),
        MIRROR_TEST(test_all_at_once),
        MIRROR_TEST(test_branch_of_a_fork),
        MIRROR_TEST(test_killed_runners),
        MIRROR_TEST(test_cleanup_keeps_an_open_run),
        MIRROR_TEST(test_cleanup_without_mirror),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
