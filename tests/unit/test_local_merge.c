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
#include "engine/service/local_merge.h"
#include "tests/lib/flow.h"

/* ---- merging --------------------------------------------------------------------------
 */

static void test_merge_twice_is_one_merge(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 2; id++) {
        struct flow flow;
        AUTO_FREE char *edits = mem_printf("echo x > x%lld", (long long)id);
        flow_to_pull(&flow, id, edits);
        flow.method = id == 1 ? METHOD_MERGE : METHOD_SQUASH;
        flow_pass(&flow, EFFECT_MERGE);
        AUTO_FREE char *first = mem_str(flow.merge_sha);
        AUTO_FREE char *count =
            lab_sh(&flow_lab, flow_lab.repo, "git rev-list --count main");
        LAB_SH(&flow_lab, "git commit -q --allow-empty -m later");
        flow_pass(&flow, EFFECT_MERGE); /* a new effect, the same head */
        assert_string_equal(flow.merge_sha, first);
        LAB_SH(&flow_lab, "git reset -q --hard HEAD~1");
        flow_sh("git rev-list --count main", count);
        flow_fini(&flow);
    }
}

static void test_merge_by_hand_is_found(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "echo x > x");
    LAB_SH(&flow_lab, "git merge -q --no-ff -m 'by hand' signalbox/wf-1;"
                      "git commit -q --allow-empty -m later");
    flow_pass(&flow, EFFECT_MERGE);
    flow_sh("git rev-parse main~1", flow.merge_sha);
    flow_fini(&flow);
}

static void test_merge_of_a_branch_that_moved(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "echo x > x");
    flow_edit(&flow, "git commit -q --allow-empty -m sneaky");
    flow_reject(&flow, EFFECT_MERGE, STATUS_FAILED, BLAME_CHANGE, "which was validated");
    flow_sh("git rev-list --count main", "1");
    flow_fini(&flow);
}

static void test_merge_into_a_dirty_checkout(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "echo x > x; echo more >> a.txt");
    LAB_SH(&flow_lab, "echo mine >> a.txt");
    flow_reject(&flow, EFFECT_MERGE, STATUS_FAILED, BLAME_OPERATOR,
                "uncommitted changes in a.txt");
    flow_sh("git rev-list --count main; tail -1 a.txt", "1\nmine");
    LAB_SH(&flow_lab, "git checkout -q a.txt; echo mine > x"); /* untracked, in the way */
    flow_reject(&flow, EFFECT_MERGE, STATUS_FAILED, BLAME_OPERATOR,
                "uncommitted changes in x");
    flow_sh("cat x", "mine");
    LAB_SH(&flow_lab, "rm x; echo mine >> b.txt"); /* dirty elsewhere: not in the way */
    flow_pass(&flow, EFFECT_MERGE);
    flow_sh("cat x; tail -1 b.txt; git diff --name-only", "x\nmine\nb.txt");
    flow_fini(&flow);
}

static void test_merge_when_base_is_not_checked_out(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "echo x > x");
    LAB_SH(&flow_lab, "git checkout -q -b other");
    flow_pass(&flow, EFFECT_MERGE);
    flow_sh("git rev-parse main", flow.merge_sha);
    flow_sh("ls", "a.txt\nb.txt");
    flow_fini(&flow);
}

/* Many runners merge into one base at once; each merge is there once, none is lost. */
static void race(const char *prepare, const char *count)
{
    enum { N = 6 };
    struct flow flows[N];
    struct order *orders[N];
    pid_t pids[N];
    for (int i = 0; i < N; i++) {
        AUTO_FREE char *edits = mem_printf("echo x > file%d", i);
        flow_to_pull(&flows[i], i + 1, edits);
        orders[i] = flow_order(&flows[i], EFFECT_MERGE);
    }
    LAB_SH(&flow_lab, prepare);
    for (int i = 0; i < N; i++) {
        pids[i] = lab_start(orders[i]);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
        struct effect_result *result = lab_answer(orders[i]);
        flow_check(result, STATUS_PASSED, BLAME_NONE);
        effect_result_free(result);
        order_free(orders[i]);
        flow_fini(&flows[i]);
    }
    flow_sh("git rev-list --count --first-parent main", count);
    flow_sh("git ls-tree --name-only main | grep -c file", "6");
}

static void test_merges_race_on_a_checked_out_base(void **state)
{
    (void)state;
    race("true", "7");
    flow_sh("git status --porcelain", "");
}

static void test_merges_race_on_a_ref(void **state)
{
    (void)state;
    race("git checkout -q --detach", "7");
}

static void test_hooks_are_not_run(void **state)
{
    (void)state;
    LAB_SH(&flow_lab,
           "mkdir -p .git/hooks; for h in pre-commit commit-msg post-checkout "
           "post-merge pre-merge-commit reference-transaction; do "
           "printf '#!/bin/sh\\ntouch \"$HOME/hooked\"; exit 1\\n' > .git/hooks/$h; "
           "chmod +x .git/hooks/$h; done");
    struct flow flow;
    flow_to_pull(&flow, 1, "echo x > x");
    flow_pass(&flow, EFFECT_MERGE);
    AUTO_FREE char *hooked = file_join(flow_lab.home, "hooked");
    assert_false(file_exists(hooked));
    flow_fini(&flow);
}

/* ---- taking back, closing -------------------------------------------------------------
 */

static void test_revert(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 2; id++) {
        struct flow flow;
        flow_to_pull(&flow, id, "echo x > x; echo more >> a.txt");
        flow.method = id == 1 ? METHOD_MERGE : METHOD_SQUASH;
        flow_pass(&flow, EFFECT_MERGE);
        LAB_SH(&flow_lab, "echo later > later; git add later; git commit -qm later");
        flow_pass(&flow, EFFECT_REVERT);
        flow_sh("cat a.txt; ls", "one\ntwo\nthree\na.txt\nb.txt\nlater");
        AUTO_FREE char *count =
            lab_sh(&flow_lab, flow_lab.repo, "git rev-list --count main");
        flow_pass(&flow, EFFECT_REVERT);
        flow_sh("git rev-list --count main", count);
        flow_reject(&flow, EFFECT_MERGE, STATUS_FAILED, BLAME_CHANGE, "taken back");
        LAB_SH(&flow_lab, "git rm -q later; git commit -qm 'no more'");
        flow_fini(&flow);
    }
}

static void test_revert_in_the_way_of_later_work(void **state)
{
    (void)state;
    struct flow flow;
    flow_to_pull(&flow, 1, "echo x > x");
    flow_pass(&flow, EFFECT_MERGE);
    LAB_SH(&flow_lab, "echo changed > x; git commit -qam later");
    flow_reject(&flow, EFFECT_REVERT, STATUS_FAILED, BLAME_OPERATOR, "in x");
    flow_sh("cat x", "changed");
    flow_fini(&flow);
}

/* An older git has no merge in memory: the other way gives the same tree and conflicts.
 */
static void test_merge_without_merge_tree(void **state)
{
    (void)state;
    struct flow flow;
    struct git git;
    char a[SHA_MAX] = "", b[SHA_MAX] = "";
    char *files = NULL;
    flow_to_pull(&flow, 1, "echo ours > a.txt; mkdir -p 'd d'; echo x > 'd d/x'");
    struct order *order = flow_order(&flow, EFFECT_MERGE);
    struct runner runner = {.order = order, .lock_fd = -1, .stop_fd = -1};
    struct effect_result *result = effect_result_new(1, 1);
    assert_true(git_open(&git, &runner, result));
    assert_int_equal(merge_in_memory(&git, "main", flow.branch, a, &files), MERGE_CLEAN);
    assert_int_equal(merge_in_worktree(&git, "main", flow.branch, b, &files),
                     MERGE_CLEAN);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 40);
    LAB_SH(&flow_lab, "echo theirs > a.txt; git commit -qam theirs");
    assert_int_equal(merge_in_memory(&git, "main", flow.branch, a, &files),
                     MERGE_CONFLICT);
    assert_string_equal(files, "a.txt");
    free(files);
    assert_int_equal(merge_in_worktree(&git, "main", flow.branch, a, &files),
                     MERGE_CONFLICT);
    assert_string_equal(files, "a.txt");
    free(files);
    flow_sh("git worktree list | wc -l", "2");
    git_close(&git);
    effect_result_free(result);
    order_free(order);
    flow_fini(&flow);
}

/* The base moves only from where it is thought to be. */
static void test_compare_and_swap(void **state)
{
    (void)state;
    struct flow flow;
    struct git git;
    char old[SHA_MAX], head[SHA_MAX];
    char *why = NULL;
    flow_to_pull(&flow, 1, "echo x > x");
    struct order *order = flow_order(&flow, EFFECT_MERGE);
    struct runner runner = {.order = order, .lock_fd = -1, .stop_fd = -1};
    struct effect_result *result = effect_result_new(1, 1);
    assert_true(git_open(&git, &runner, result));
    git_commit_of(&git, "main", old);
    git_commit_of(&git, flow.branch, head);
    LAB_SH(&flow_lab, "git commit -q --allow-empty -m moved");
    assert_int_equal(move_base(&git, "main", old, head, &why), MOVE_LOST);
    LAB_SH(&flow_lab, "git checkout -q --detach");
    assert_int_equal(move_base(&git, "main", old, head, &why), MOVE_LOST);
    LAB_SH(&flow_lab, "touch .git/refs/heads/main.lock");
    git_commit_of(&git, "main", old);
    assert_int_equal(move_base(&git, "main", old, head, &why), MOVE_BUSY);
    free(why);
    LAB_SH(&flow_lab, "rm .git/refs/heads/main.lock; git checkout -q main;"
                      "touch .git/index.lock");
    assert_int_equal(move_base(&git, "main", old, old, &why), MOVE_DONE);
    git_close(&git);
    effect_result_free(result);
    LAB_SH(&flow_lab, "rm .git/index.lock");
    flow_sh("git log -1 --format=%s main", "moved");
    order_free(order);
    flow_fini(&flow);
}

/* kill -9 at many instants of a merge, then performed again until it is done. */
static void test_merge_is_exactly_once_under_kills(void **state)
{
    (void)state;
    struct flow flow;
    for (int64_t id = 1; id <= 12; id++) {
        AUTO_FREE char *edits = mem_printf("echo x > f%lld; seq 1 2000 > big%lld",
                                           (long long)id, (long long)id);
        flow_to_pull(&flow, id, edits);
        struct order *order = flow_order(&flow, EFFECT_MERGE);
        struct effect_result *result = NULL;
        struct err err = ERR_INIT;
        for (int64_t i = 0; result == NULL; i++) {
            pid_t pid = lab_start(order);
            struct timespec pause = {.tv_nsec = (id * 3 + i * 17) % 60 * 1000000};
            (void)nanosleep(&pause, NULL);
            if (i < 3) {
                (void)kill(pid, SIGKILL);
            }
            assert_int_equal(waitpid(pid, NULL, 0), pid);
            (void)order_read_answer(order->folder, id, order->seq, &result, &err);
        }
        flow_check(result, STATUS_PASSED, BLAME_NONE);
        effect_result_free(result);
        order_free(order);
        flow_fini(&flow);
    }
    flow_sh("git rev-list --count --first-parent main; git status --porcelain", "13");
    flow_sh("git log --first-parent --format=%B main | grep -c Signalbox-Head", "12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(test_merge_twice_is_one_merge),
        FLOW_TEST(test_merge_by_hand_is_found),
        FLOW_TEST(test_merge_of_a_branch_that_moved),
        FLOW_TEST(test_merge_into_a_dirty_checkout),
        FLOW_TEST(test_merge_when_base_is_not_checked_out),
        FLOW_TEST(test_merges_race_on_a_checked_out_base),
        FLOW_TEST(test_merges_race_on_a_ref),
        FLOW_TEST(test_hooks_are_not_run),
        FLOW_TEST(test_revert),
        FLOW_TEST(test_revert_in_the_way_of_later_work),
        FLOW_TEST(test_merge_without_merge_tree),
        FLOW_TEST(test_compare_and_swap),
        FLOW_TEST(test_merge_is_exactly_once_under_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
