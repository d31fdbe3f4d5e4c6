/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/lib/flow.h"

/* ---- the main path --------------------------------------------------------------------
 */

static void test_from_branch_to_merge(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 12, "echo new > new.txt; echo more >> a.txt");
    assert_string_equal(flow.branch, "signalbox/wf-12");
    assert_int_equal(flow.pr_number, 1);
    flow_pass(&flow, EFFECT_SANDBOX);
    AUTO_FREE char *copy = mem_printf("%s/wf-12/sandbox", flow_lab.work);
    AUTO_FREE char *content = lab_read(copy, "new.txt");
    assert_string_equal(content, "new\n");
    flow_pass(&flow, EFFECT_MERGE);
    flow_sh("cat new.txt; git status --porcelain", "new");
    flow_sh("git log --first-parent --format=%s main",
            "Merge pull request #1 from signalbox/wf-12\nfirst");
    flow_sh(
        "git log -1 --format='%(trailers:key=Signalbox-Workflow,valueonly)' | head -1",
        "wf-12");
    AUTO_FREE char *record =
        lab_sh(&flow_lab, flow_lab.repo, "cat .git/signalbox/pull/1.json");
    assert_non_null(strstr(record, "\"state\":\"merged\""));
    flow_pass(&flow, EFFECT_CLEANUP);
    AUTO_FREE char *folder = mem_printf("ls '%s/wf-12' | wc -l", "store-work");
    AUTO_FREE char *left = lab_sh(&flow_lab, flow_lab.root, folder);
    assert_string_equal(left, "1"); /* the folder of the cleanup itself */
    flow_sh("git worktree list | wc -l", "1");
    flow_sh("git rev-parse --verify -q refs/pull/1/head | wc -c", "41");
    flow_fini(&flow);
}

static void test_squash(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "echo x > x; git add x; git commit -qm one; echo y > y");
    flow.method = METHOD_SQUASH;
    flow_pass(&flow, EFFECT_MERGE);
    flow_sh("git log --format=%s main", "Add a thing (#1)\nfirst");
    flow_sh("ls", "a.txt\nb.txt\nx\ny");
    flow_fini(&flow);
}

static void test_commit_keeps_the_agents_commits_and_says_what_changed(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 3);
    flow.task = "Add a thing\n\nwith $(reboot) and `more`\n";
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow,
              "echo x > x; git add x; git commit -qm 'from the agent'; echo y > y");
    struct effect_result *result = flow_step(&flow, EFFECT_COMMIT);
    flow_check(result, STATUS_PASSED, BLAME_NONE);
    assert_non_null(strstr(result->commits, "from the agent"));
    assert_non_null(strstr(result->commits, "Add a thing"));
    assert_string_equal(result->summary, "2 files changed, 2 insertions(+)");
    effect_result_free(result);
    flow_sh("git log -1 --format=%B signalbox/wf-3",
            "Add a thing\n\nAdd a thing\n\nwith $(reboot) and `more`\n\n"
            "Signalbox-Workflow: wf-3\nSignalbox-Effect: wf-3.2");
    flow_sh("git log -1 --format='%an <%ae>' signalbox/wf-3",
            "Tester <tester@example.org>");
    flow_fini(&flow);
}

static void test_identity_of_our_own(void **state)
{
    (void)state;
    struct flow flow;
    LAB_SH(&flow_lab, "git config --unset user.name; git config --unset user.email");
    flow_to_pull(&flow, 1, "echo x > x");
    flow_pass(&flow, EFFECT_MERGE);
    flow_sh("git log -1 --format='%an <%ae>'", "signalbox <signalbox@localhost>");
    flow_fini(&flow);
}

/* ---- what is wrong with the repository ------------------------------------------------
 */

static void test_bad_repositories(void **state)
{
    (void)state;
    static const struct {
        const char *repo, *base, *words;
    } cases[] = {
        {"no/such",  "main",     "there is no folder"                    },
        {"home",     "main",     "is no git repository"                  },
        {"repo dir", "dev $(x)", "has no branch 'dev $(x)'; it has: main"},
        {"empty",    "main",     "has no commit yet"                     },
        {"repo dir", "--all",    "has no branch '--all'"                 },
    };
    LAB_SH(&flow_lab, "git init -q -b main ../empty");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct order *order = lab_order(&flow_lab, 1, (int64_t)i + 1, EFFECT_WORKSPACE);
        AUTO_FREE char *path = file_join(flow_lab.root, cases[i].repo);
        lab_set(&order->repo, path);
        lab_set(&order->base, cases[i].base);
        struct effect_result *result = lab_run(order);
        flow_check(result, STATUS_REFUSED, BLAME_SETUP);
        if (strstr(result->summary, cases[i].words) == NULL) {
            fail_msg("%s", result->summary);
        }
        effect_result_free(result);
        order_free(order);
    }
    struct order *order = lab_order(&flow_lab, 1, 99, EFFECT_WORKSPACE);
    lab_set(&order->repo, "https://example.org/x.git");
    struct effect_result *result = lab_run(order);
    flow_check(result, STATUS_REFUSED, BLAME_SETUP);
    effect_result_free(result);
    order_free(order);
}

static void test_bare_repository_and_subfolder(void **state)
{
    (void)state;
    LAB_SH(&flow_lab, "git clone -q --bare . ../bare.git");
    struct flow flow;
    char *repo = flow_lab.repo;
    flow_lab.repo = file_join(flow_lab.root, "bare.git");
    flow_to_pull(&flow, 1, "echo x > x");
    flow_pass(&flow, EFFECT_MERGE);
    flow_sh("git log --first-parent --format=%s main | wc -l", "2");
    flow_fini(&flow);
    free(flow_lab.repo);
    LAB_SH(&(struct lab){.repo = repo}, "mkdir -p sub/dir");
    flow_lab.repo = mem_printf("%s/sub/dir", repo);
    flow_init(&flow, 2);
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_fini(&flow);
    free(flow_lab.repo);
    flow_lab.repo = repo;
}

/* ---- branches and worktrees -----------------------------------------------------------
 */

static void test_branch_name_that_is_taken(void **state)
{
    (void)state;
    LAB_SH(&flow_lab, "git branch signalbox/wf-5");
    struct flow flow;
    flow_init(&flow, 5);
    flow_pass(&flow, EFFECT_WORKSPACE);
    assert_string_equal(flow.branch, "signalbox/wf-5-2");
    flow_pass(&flow, EFFECT_WORKSPACE); /* again: the same one */
    assert_string_equal(flow.branch, "signalbox/wf-5-2");
    flow_fini(&flow);
}

static void test_branch_that_cannot_be_made(void **state)
{
    (void)state;
    struct flow flow;
    LAB_SH(&flow_lab, "git branch signalbox");
    flow_init(&flow, 5);
    flow_reject(&flow, EFFECT_WORKSPACE, STATUS_REFUSED, BLAME_SETUP,
                "'refs/heads/signalbox' exists");
    flow_fini(&flow);
}

static void test_base_that_is_gone(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "echo x > x");
    flow_pass(&flow, EFFECT_COMMIT);
    LAB_SH(&flow_lab, "git branch -m main trunk");
    flow_reject(&flow, EFFECT_PULL_REQUEST, STATUS_REFUSED, BLAME_SETUP,
                "no branch 'main'; it has: signalbox/wf-1 trunk");
    LAB_SH(&flow_lab, "git branch -m trunk main");
    flow_pass(&flow, EFFECT_PULL_REQUEST);
    LAB_SH(&flow_lab, "git branch -m main trunk");
    flow_reject(&flow, EFFECT_MERGE, STATUS_REFUSED, BLAME_SETUP, "no branch 'main'");
    flow_fini(&flow);
}

static void test_workspace_again_keeps_edits(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "echo half > half");
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "test -f half");
    flow_fini(&flow);
}

static void test_workspace_after_an_interrupted_checkout(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "rm ../tree.ready a.txt");
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "test -f a.txt");
    flow_fini(&flow);
}

static void test_base_that_moved_is_merged_in(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "echo x > x");
    LAB_SH(&flow_lab, "echo c > c.txt; git add c.txt; git commit -qm moved");
    flow_edit(&flow, "echo unfinished > u");
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow,
              "test -f c.txt && test -f u && test -z \"$(git status --porcelain)\"");
    flow_pass(&flow, EFFECT_COMMIT);
    flow_pass(&flow, EFFECT_PULL_REQUEST);
    assert_int_equal(flow.pr_number, 1); /* updated, not a second one */
    flow_sh("git rev-parse refs/pull/1/head", flow.head_sha);
    flow_fini(&flow);
}

static void test_conflict_is_left_to_the_agent(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "echo ours > a.txt");
    LAB_SH(&flow_lab, "echo theirs > a.txt; git commit -qam theirs");
    flow_reject(&flow, EFFECT_MERGE, STATUS_FAILED, BLAME_CHANGE,
                "merge conflict in a.txt");
    struct effect_result *result = flow_step(&flow, EFFECT_WORKSPACE);
    flow_check(result, STATUS_PASSED, BLAME_NONE);
    assert_non_null(strstr(result->summary, "conflict with main in a.txt"));
    assert_string_equal(result->excerpt, "a.txt\n");
    effect_result_free(result);
    flow_pass(&flow, EFFECT_WORKSPACE); /* again, in the middle of the merge */
    flow_reject(&flow, EFFECT_COMMIT, STATUS_FAILED, BLAME_CHANGE,
                "conflict markers are left in a.txt");
    flow_edit(&flow, "git add a.txt"); /* which does not resolve it */
    flow_reject(&flow, EFFECT_COMMIT, STATUS_FAILED, BLAME_CHANGE, "conflict markers");
    flow_edit(&flow, "echo both > a.txt");
    flow_pass(&flow, EFFECT_COMMIT);
    flow_pass(&flow, EFFECT_PULL_REQUEST);
    flow_pass(&flow, EFFECT_MERGE);
    flow_sh("cat a.txt", "both");
    flow_fini(&flow);
}

static void test_conflict_in_a_strange_name(void **state)
{
    (void)state;
    struct flow flow;
    LAB_SH(&flow_lab,
           "n=$(printf '\303\244 \"q\"\\t\\\\n\\nm'); echo 1 > \"$n\"; git add .;"
           "git commit -qm one");
    flow_to_pull(&flow, 1, "for n in *q*; do echo 2 > \"$n\"; done");
    LAB_SH(&flow_lab, "for n in *q*; do echo 3 > \"$n\"; done; git commit -qam three");
    struct effect_result *result = flow_step(&flow, EFFECT_WORKSPACE);
    flow_check(result, STATUS_PASSED, BLAME_NONE);
    assert_non_null(strstr(result->summary, "left for the agent"));
    effect_result_free(result);
    flow_reject(&flow, EFFECT_COMMIT, STATUS_FAILED, BLAME_CHANGE,
                "conflict markers are left in");
    flow_edit(&flow, "for n in *q*; do echo 4 > \"$n\"; done");
    flow_pass(&flow, EFFECT_COMMIT);
    flow_fini(&flow);
}

static void test_nothing_changed(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_reject(&flow, EFFECT_COMMIT, STATUS_FAILED, BLAME_CHANGE, "changed nothing");
    flow_fini(&flow);
}

static void test_agent_that_plays_with_git(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1,
                 "git checkout -q -b elsewhere; echo x > x; git add x;"
                 "git commit -qm x; echo y > y; touch \"$(git rev-parse "
                 "--git-path index.lock)\"");
    flow_sh("git log --format=%s main..signalbox/wf-1", "Add a thing\nx");
    flow_edit(&flow, "git checkout -q --detach; echo z > z");
    flow_pass(&flow, EFFECT_COMMIT);
    flow_sh("git log --format=%s main..signalbox/wf-1", "Add a thing\nAdd a thing\nx");
    flow_edit(&flow, "rm .git; git init -q; echo w > w");
    flow_pass(&flow, EFFECT_COMMIT);
    flow_sh("git ls-tree --name-only signalbox/wf-1 | tail -4", "w\nx\ny\nz");
    flow_fini(&flow);
}

static void test_agent_that_destroys(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "echo x > x; git update-ref -d refs/heads/signalbox/wf-1");
    flow_sh("git log --format=%s signalbox/wf-1", "Add a thing\nfirst");
    flow_edit(&flow, "git init -q inner; cd inner; echo y > y; git add y;"
                     "git -c user.name=a -c user.email=b commit -qm y");
    flow_reject(&flow, EFFECT_COMMIT, STATUS_FAILED, BLAME_CHANGE,
                "inner is a git repository of its own");
    flow_edit(&flow, "rm -rf inner/.git");
    flow_pass(&flow, EFFECT_COMMIT);
    flow_sh("git show signalbox/wf-1:inner/y", "y");
    flow_edit(&flow, "rm -rf \"$PWD\"");
    flow_reject(&flow, EFFECT_COMMIT, STATUS_FAILED, BLAME_CHANGE,
                "removed its worktree");
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "test -e x && echo z > z");
    flow_pass(&flow, EFFECT_COMMIT);
    flow_fini(&flow);
}

static void test_submodule_that_is_known(void **state)
{
    (void)state;
    struct flow flow;
    LAB_SH(&flow_lab, "git clone -q . ../other");
    flow_init(&flow, 1);
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "git -c protocol.file.allow=always submodule --quiet add "
                     "\"$PWD/../../../other\" 'a module'");
    flow_pass(&flow, EFFECT_COMMIT);
    flow_sh("git ls-tree signalbox/wf-1 'a module' | cut -c1-6", "160000");
    flow_fini(&flow);
}

static void test_strange_names_and_bytes(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    lab_set(&flow.title, "-m $(touch /tmp/pwned) \"; `x` #1");
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow,
              "printf 'x\\000\\377' > 'bin $(y) \xc3\xa4'; printf '\\377\\376' > -rf;"
              "printf 'a\\000b\\n' > \"$(printf 'new\\nline')\"");
    flow_pass(&flow, EFFECT_COMMIT);
    struct effect_result *result = flow_step(&flow, EFFECT_PULL_REQUEST);
    flow_check(result, STATUS_PASSED, BLAME_NONE);
    assert_non_null(strstr(result->diff, "bin $(y) \xc3\xa4"));
    effect_result_free(result);
    flow_pass(&flow, EFFECT_MERGE);
    flow_sh("git log -1 --format=%B | sed -n 3p", "-m $(touch /tmp/pwned) \"; `x` #1");
    flow_fini(&flow);
}

static void test_strange_base(void **state)
{
    (void)state;
    struct flow flow;
    LAB_SH(&flow_lab, "git branch \"re\\$(touch>pwned)l;'x'\" && git branch main.x");
    flow_init(&flow, 1);
    flow.base = "re$(touch>pwned)l;'x'";
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "echo x > x");
    flow_pass(&flow, EFFECT_COMMIT);
    flow_pass(&flow, EFFECT_PULL_REQUEST);
    flow_pass(&flow, EFFECT_MERGE);
    flow_pass(&flow, EFFECT_REVERT);
    flow_sh("git rev-list --count --first-parent 're$(touch>pwned)l;'\\''x'\\'; ls",
            "3\na.txt\nb.txt");
    flow_fini(&flow);
}

static void test_large_diff_is_cut_at_a_line(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    flow_pass(&flow, EFFECT_WORKSPACE);
    flow_edit(&flow, "seq 1 400000 > numbers");
    flow_pass(&flow, EFFECT_COMMIT);
    struct effect_result *result = flow_step(&flow, EFFECT_PULL_REQUEST);
    flow_check(result, STATUS_PASSED, BLAME_NONE);
    size_t len = strlen(result->diff);
    assert_true(len > DOC_MAX - 4096 && len <= DOC_MAX);
    assert_non_null(strstr(result->diff + len - 100, "\n[the diff is longer"));
    effect_result_free(result);
    flow_fini(&flow);
}

static void test_close(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "echo x > x");
    flow_pass(&flow, EFFECT_CLOSE);
    flow_pass(&flow, EFFECT_CLOSE);
    AUTO_FREE char *record =
        lab_sh(&flow_lab, flow_lab.repo, "cat .git/signalbox/pull/1.json");
    assert_non_null(strstr(record, "\"state\":\"closed\""));
    flow_sh("git rev-parse signalbox/wf-1 refs/pull/1/head | uniq | wc -l", "1");
    flow_fini(&flow);
    flow_init(&flow, 2);
    flow_pass(&flow, EFFECT_CLOSE); /* without a pull request */
    flow_fini(&flow);
}

static void test_numbers_of_pull_requests_do_not_collide(void **state)
{
    (void)state;
    enum { N = 6 };
    struct flow flows[N];
    struct order *orders[N];
    pid_t pids[N];
    unsigned seen = 0;
    LAB_SH(&flow_lab, "git update-ref refs/pull/3/head HEAD"); /* of another forge */
    for (int i = 0; i < N; i++) {
        flow_init(&flows[i], i + 1);
        flow_pass(&flows[i], EFFECT_WORKSPACE);
        flow_edit(&flows[i], "echo x > x");
        flow_pass(&flows[i], EFFECT_COMMIT);
        orders[i] = flow_order(&flows[i], EFFECT_PULL_REQUEST);
    }
    for (int i = 0; i < N; i++) {
        pids[i] = lab_start(orders[i]);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
        struct effect_result *result = lab_answer(orders[i]);
        flow_check(result, STATUS_PASSED, BLAME_NONE);
        seen |= 1u << result->pr_number;
        effect_result_free(result);
        order_free(orders[i]);
        flow_fini(&flows[i]);
    }
    assert_int_equal(seen, 0x3fu << 4);
    flow_sh("ls .git/signalbox/pull | wc -l; ls .git/signalbox/branch | wc -l;"
            "ls .git/signalbox",
            "6\n6\nbranch\npull");
}

static void test_cleanup_without_repository(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "mkdir d; echo x > d/x; chmod 500 d");
    flow_pass(&flow, EFFECT_SANDBOX);
    LAB_SH(&flow_lab, "cd ..; rm -rf 'repo dir'; mkdir 'repo dir'");
    flow_pass(&flow, EFFECT_CLEANUP);
    AUTO_FREE char *left = lab_sh(&flow_lab, flow_lab.work, "ls wf-1 | wc -l");
    assert_string_equal(left, "1");
    flow_fini(&flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(test_from_branch_to_merge),
        FLOW_TEST(test_squash),
        FLOW_TEST(test_commit_keeps_the_agents_commits_and_says_what_changed),
        FLOW_TEST(test_identity_of_our_own),
        FLOW_TEST(test_bad_repositories),
        FLOW_TEST(test_bare_repository_and_subfolder),
        FLOW_TEST(test_branch_name_that_is_taken),
        FLOW_TEST(test_branch_that_cannot_be_made),
        FLOW_TEST(test_base_that_is_gone),
        FLOW_TEST(test_workspace_again_keeps_edits),
        FLOW_TEST(test_workspace_after_an_interrupted_checkout),
        FLOW_TEST(test_base_that_moved_is_merged_in),
        FLOW_TEST(test_conflict_is_left_to_the_agent),
        FLOW_TEST(test_conflict_in_a_strange_name),
        FLOW_TEST(test_nothing_changed),
        FLOW_TEST(test_agent_that_plays_with_git),
        FLOW_TEST(test_agent_that_destroys),
        FLOW_TEST(test_submodule_that_is_known),
        FLOW_TEST(test_strange_names_and_bytes),
        FLOW_TEST(test_strange_base),
        FLOW_TEST(test_large_diff_is_cut_at_a_line),
        FLOW_TEST(test_close),
        FLOW_TEST(test_numbers_of_pull_requests_do_not_collide),
        FLOW_TEST(test_cleanup_without_repository),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
