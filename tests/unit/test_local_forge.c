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
#include "tests/lib/lab.h"

static struct lab lab;

static int setup(void **state)
{
    (void)state;
    lab_open(&lab);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lab_close(&lab);
    return 0;
}

/* What the control center knows of one workflow between its effects. */
struct flow {
    int64_t id, seq, pr_number;
    char *branch, *base_sha, *head_sha, *merge_sha, *title;
    enum merge_method method;
    const char *base, *task;
};

static void flow_init(struct flow *flow, int64_t id)
{
    *flow = (struct flow){.id = id, .base = "main", .task = "Add a thing\n"};
    flow->branch = mem_str("");
    flow->base_sha = mem_str("");
    flow->head_sha = mem_str("");
    flow->merge_sha = mem_str("");
    flow->title = mem_str("Add a thing");
}

static void flow_fini(struct flow *flow)
{
    free(flow->branch);
    free(flow->base_sha);
    free(flow->head_sha);
    free(flow->merge_sha);
    free(flow->title);
}

static void learn(char **field, const char *text)
{
    if (text != NULL) {
        lab_set(field, text);
    }
}

static struct order *flow_order(struct flow *flow, enum effect_kind kind)
{
    struct order *order = lab_order(&lab, flow->id, ++flow->seq, kind);
    lab_set(&order->branch, flow->branch);
    lab_set(&order->base_sha, flow->base_sha);
    lab_set(&order->head_sha, flow->head_sha);
    lab_set(&order->merge_sha, flow->merge_sha);
    lab_set(&order->title, flow->title);
    lab_set(&order->base, flow->base);
    order->pr_number = flow->pr_number;
    order->method = flow->method;
    lab_file(order, "task.md", flow->task);
    return order;
}

static void flow_learn(struct flow *flow, const struct effect_result *result)
{
    learn(&flow->branch, result->branch);
    learn(&flow->base_sha, result->base_sha);
    learn(&flow->head_sha, result->head_sha);
    learn(&flow->merge_sha, result->merge_sha);
    if (result->pr_number > 0) {
        flow->pr_number = result->pr_number;
    }
}

/* Perform one effect; the result is the caller's. */
static struct effect_result *step(struct flow *flow, enum effect_kind kind)
{
    struct order *order = flow_order(flow, kind);
    struct effect_result *result = lab_run(order);
    flow_learn(flow, result);
    order_free(order);
    return result;
}

static void check_status(const struct effect_result *result, enum effect_status status,
                         enum blame blame)
{
    if (result->status != status || result->blame != blame) {
        fail_msg("%s/%s: %s\n%s", status_name(result->status), blame_word(result->blame),
                 result->summary, result->excerpt != NULL ? result->excerpt : "");
    }
}

static void pass(struct flow *flow, enum effect_kind kind)
{
    struct effect_result *result = step(flow, kind);
    check_status(result, STATUS_PASSED, BLAME_NONE);
    effect_result_free(result);
}

static void reject(struct flow *flow, enum effect_kind kind, enum effect_status status,
                   enum blame blame, const char *words)
{
    struct effect_result *result = step(flow, kind);
    check_status(result, status, blame);
    if (strstr(result->summary, words) == NULL) {
        fail_msg("'%s' is not in '%s'", words, result->summary);
    }
    effect_result_free(result);
}

static void edit(const struct flow *flow, const char *text)
{
    AUTO_FREE char *tree = mem_printf("%s/wf-%lld/tree", lab.work, (long long)flow->id);
    free(lab_sh(&lab, tree, text));
}

static void check_sh(const char *text, const char *want)
{
    AUTO_FREE char *out = lab_sh(&lab, lab.repo, text);
    assert_string_equal(out, want);
}

static void up_to_pull(struct flow *flow, int64_t id, const char *edits)
{
    flow_init(flow, id);
    pass(flow, EFFECT_WORKSPACE);
    edit(flow, edits);
    pass(flow, EFFECT_COMMIT);
    pass(flow, EFFECT_PULL_REQUEST);
}

/* ---- the main path --------------------------------------------------------------------
 */

static void test_from_branch_to_merge(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 12, "echo new > new.txt; echo more >> a.txt");
    assert_string_equal(flow.branch, "signalbox/wf-12");
    assert_int_equal(flow.pr_number, 1);
    pass(&flow, EFFECT_SANDBOX);
    AUTO_FREE char *copy = mem_printf("%s/wf-12/sandbox", lab.work);
    AUTO_FREE char *content = lab_read(copy, "new.txt");
    assert_string_equal(content, "new\n");
    pass(&flow, EFFECT_MERGE);
    check_sh("cat new.txt; git status --porcelain", "new");
    check_sh("git log --first-parent --format=%s main",
             "Merge pull request #1 from signalbox/wf-12\nfirst");
    check_sh(
        "git log -1 --format='%(trailers:key=Signalbox-Workflow,valueonly)' | head -1",
        "wf-12");
    AUTO_FREE char *record = lab_sh(&lab, lab.repo, "cat .git/signalbox/pull/1.json");
    assert_non_null(strstr(record, "\"state\":\"merged\""));
    pass(&flow, EFFECT_CLEANUP);
    AUTO_FREE char *folder = mem_printf("ls '%s/wf-12' | wc -l", "store-work");
    AUTO_FREE char *left = lab_sh(&lab, lab.root, folder);
    assert_string_equal(left, "1"); /* the folder of the cleanup itself */
    check_sh("git worktree list | wc -l", "1");
    check_sh("git rev-parse --verify -q refs/pull/1/head | wc -c", "41");
    flow_fini(&flow);
}

static void test_squash(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1, "echo x > x; git add x; git commit -qm one; echo y > y");
    flow.method = METHOD_SQUASH;
    pass(&flow, EFFECT_MERGE);
    check_sh("git log --format=%s main", "Add a thing (#1)\nfirst");
    check_sh("ls", "a.txt\nb.txt\nx\ny");
    flow_fini(&flow);
}

static void test_commit_keeps_the_agents_commits_and_says_what_changed(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 3);
    flow.task = "Add a thing\n\nwith $(reboot) and `more`\n";
    pass(&flow, EFFECT_WORKSPACE);
    edit(&flow, "echo x > x; git add x; git commit -qm 'from the agent'; echo y > y");
    struct effect_result *result = step(&flow, EFFECT_COMMIT);
    check_status(result, STATUS_PASSED, BLAME_NONE);
    assert_non_null(strstr(result->commits, "from the agent"));
    assert_non_null(strstr(result->commits, "Add a thing"));
    assert_string_equal(result->summary, "2 files changed, 2 insertions(+)");
    effect_result_free(result);
    check_sh("git log -1 --format=%B signalbox/wf-3",
             "Add a thing\n\nAdd a thing\n\nwith $(reboot) and `more`\n\n"
             "Signalbox-Workflow: wf-3\nSignalbox-Effect: wf-3.2");
    check_sh("git log -1 --format='%an <%ae>' signalbox/wf-3",
             "Tester <tester@example.org>");
    flow_fini(&flow);
}

static void test_identity_of_our_own(void **state)
{
    (void)state;
    struct flow flow;
    LAB_SH(&lab, "git config --unset user.name; git config --unset user.email");
    up_to_pull(&flow, 1, "echo x > x");
    pass(&flow, EFFECT_MERGE);
    check_sh("git log -1 --format='%an <%ae>'", "signalbox <signalbox@localhost>");
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
    LAB_SH(&lab, "git init -q -b main ../empty");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct order *order = lab_order(&lab, 1, (int64_t)i + 1, EFFECT_WORKSPACE);
        AUTO_FREE char *path = file_join(lab.root, cases[i].repo);
        lab_set(&order->repo, path);
        lab_set(&order->base, cases[i].base);
        struct effect_result *result = lab_run(order);
        check_status(result, STATUS_REFUSED, BLAME_SETUP);
        if (strstr(result->summary, cases[i].words) == NULL) {
            fail_msg("%s", result->summary);
        }
        effect_result_free(result);
        order_free(order);
    }
    struct order *order = lab_order(&lab, 1, 99, EFFECT_WORKSPACE);
    lab_set(&order->repo, "https://example.org/x.git");
    struct effect_result *result = lab_run(order);
    check_status(result, STATUS_REFUSED, BLAME_SETUP);
    effect_result_free(result);
    order_free(order);
}

static void test_bare_repository_and_subfolder(void **state)
{
    (void)state;
    LAB_SH(&lab, "git clone -q --bare . ../bare.git");
    struct flow flow;
    char *repo = lab.repo;
    lab.repo = file_join(lab.root, "bare.git");
    up_to_pull(&flow, 1, "echo x > x");
    pass(&flow, EFFECT_MERGE);
    check_sh("git log --first-parent --format=%s main | wc -l", "2");
    flow_fini(&flow);
    free(lab.repo);
    LAB_SH(&(struct lab){.repo = repo}, "mkdir -p sub/dir");
    lab.repo = mem_printf("%s/sub/dir", repo);
    flow_init(&flow, 2);
    pass(&flow, EFFECT_WORKSPACE);
    flow_fini(&flow);
    free(lab.repo);
    lab.repo = repo;
}

/* ---- branches and worktrees -----------------------------------------------------------
 */

static void test_branch_name_that_is_taken(void **state)
{
    (void)state;
    LAB_SH(&lab, "git branch signalbox/wf-5");
    struct flow flow;
    flow_init(&flow, 5);
    pass(&flow, EFFECT_WORKSPACE);
    assert_string_equal(flow.branch, "signalbox/wf-5-2");
    pass(&flow, EFFECT_WORKSPACE); /* again: the same one */
    assert_string_equal(flow.branch, "signalbox/wf-5-2");
    flow_fini(&flow);
}

static void test_workspace_again_keeps_edits(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    pass(&flow, EFFECT_WORKSPACE);
    edit(&flow, "echo half > half");
    pass(&flow, EFFECT_WORKSPACE);
    edit(&flow, "test -f half");
    flow_fini(&flow);
}

static void test_workspace_after_an_interrupted_checkout(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    pass(&flow, EFFECT_WORKSPACE);
    edit(&flow, "rm ../tree.ready a.txt");
    pass(&flow, EFFECT_WORKSPACE);
    edit(&flow, "test -f a.txt");
    flow_fini(&flow);
}

static void test_base_that_moved_is_merged_in(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1, "echo x > x");
    LAB_SH(&lab, "echo c > c.txt; git add c.txt; git commit -qm moved");
    edit(&flow, "echo unfinished > u");
    pass(&flow, EFFECT_WORKSPACE);
    edit(&flow, "test -f c.txt && test -f u && test -z \"$(git status --porcelain)\"");
    pass(&flow, EFFECT_COMMIT);
    pass(&flow, EFFECT_PULL_REQUEST);
    assert_int_equal(flow.pr_number, 1); /* updated, not a second one */
    check_sh("git rev-parse refs/pull/1/head", flow.head_sha);
    flow_fini(&flow);
}

static void test_conflict_is_left_to_the_agent(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1, "echo ours > a.txt");
    LAB_SH(&lab, "echo theirs > a.txt; git commit -qam theirs");
    reject(&flow, EFFECT_MERGE, STATUS_FAILED, BLAME_CHANGE, "merge conflict in a.txt");
    struct effect_result *result = step(&flow, EFFECT_WORKSPACE);
    check_status(result, STATUS_PASSED, BLAME_NONE);
    assert_non_null(strstr(result->summary, "conflict with main in a.txt"));
    assert_string_equal(result->excerpt, "a.txt\n");
    effect_result_free(result);
    pass(&flow, EFFECT_WORKSPACE); /* again, in the middle of the merge */
    reject(&flow, EFFECT_COMMIT, STATUS_FAILED, BLAME_CHANGE,
           "conflict markers are left in a.txt");
    edit(&flow, "git add a.txt"); /* which does not resolve it */
    reject(&flow, EFFECT_COMMIT, STATUS_FAILED, BLAME_CHANGE, "conflict markers");
    edit(&flow, "echo both > a.txt");
    pass(&flow, EFFECT_COMMIT);
    pass(&flow, EFFECT_PULL_REQUEST);
    pass(&flow, EFFECT_MERGE);
    check_sh("cat a.txt", "both");
    flow_fini(&flow);
}

static void test_nothing_changed(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    pass(&flow, EFFECT_WORKSPACE);
    reject(&flow, EFFECT_COMMIT, STATUS_FAILED, BLAME_CHANGE, "changed nothing");
    flow_fini(&flow);
}

static void test_agent_that_plays_with_git(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1,
               "git checkout -q -b elsewhere; echo x > x; git add x;"
               "git commit -qm x; echo y > y; touch \"$(git rev-parse "
               "--git-path index.lock)\"");
    check_sh("git log --format=%s main..signalbox/wf-1", "Add a thing\nx");
    edit(&flow, "git checkout -q --detach; echo z > z");
    pass(&flow, EFFECT_COMMIT);
    check_sh("git log --format=%s main..signalbox/wf-1", "Add a thing\nAdd a thing\nx");
    edit(&flow, "rm .git; git init -q; echo w > w");
    pass(&flow, EFFECT_COMMIT);
    check_sh("git ls-tree --name-only signalbox/wf-1 | tail -4", "w\nx\ny\nz");
    flow_fini(&flow);
}

static void test_strange_names_and_bytes(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    lab_set(&flow.title, "-m $(touch /tmp/pwned) \"; `x` #1");
    pass(&flow, EFFECT_WORKSPACE);
    edit(&flow, "printf 'x\\000\\377' > 'bin $(y) \xc3\xa4'; printf '\\377\\376' > -rf;"
                "printf 'a\\000b\\n' > \"$(printf 'new\\nline')\"");
    pass(&flow, EFFECT_COMMIT);
    struct effect_result *result = step(&flow, EFFECT_PULL_REQUEST);
    check_status(result, STATUS_PASSED, BLAME_NONE);
    assert_non_null(strstr(result->diff, "bin $(y) \xc3\xa4"));
    effect_result_free(result);
    pass(&flow, EFFECT_MERGE);
    check_sh("git log -1 --format=%B | sed -n 3p", "-m $(touch /tmp/pwned) \"; `x` #1");
    flow_fini(&flow);
}

static void test_large_diff_is_cut_at_a_line(void **state)
{
    (void)state;
    struct flow flow;
    flow_init(&flow, 1);
    pass(&flow, EFFECT_WORKSPACE);
    edit(&flow, "seq 1 400000 > numbers");
    pass(&flow, EFFECT_COMMIT);
    struct effect_result *result = step(&flow, EFFECT_PULL_REQUEST);
    check_status(result, STATUS_PASSED, BLAME_NONE);
    size_t len = strlen(result->diff);
    assert_true(len > DOC_MAX - 4096 && len <= DOC_MAX);
    assert_non_null(strstr(result->diff + len - 100, "\n[the diff is longer"));
    effect_result_free(result);
    flow_fini(&flow);
}

/* ---- merging --------------------------------------------------------------------------
 */

static void test_merge_twice_is_one_merge(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 2; id++) {
        struct flow flow;
        AUTO_FREE char *edits = mem_printf("echo x > x%lld", (long long)id);
        up_to_pull(&flow, id, edits);
        flow.method = id == 1 ? METHOD_MERGE : METHOD_SQUASH;
        pass(&flow, EFFECT_MERGE);
        AUTO_FREE char *first = mem_str(flow.merge_sha);
        AUTO_FREE char *count = lab_sh(&lab, lab.repo, "git rev-list --count main");
        LAB_SH(&lab, "git commit -q --allow-empty -m later");
        pass(&flow, EFFECT_MERGE); /* a new effect, the same head */
        assert_string_equal(flow.merge_sha, first);
        LAB_SH(&lab, "git reset -q --hard HEAD~1");
        check_sh("git rev-list --count main", count);
        flow_fini(&flow);
    }
}

static void test_merge_by_hand_is_found(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1, "echo x > x");
    LAB_SH(&lab, "git merge -q --no-ff -m 'by hand' signalbox/wf-1;"
                 "git commit -q --allow-empty -m later");
    pass(&flow, EFFECT_MERGE);
    check_sh("git rev-parse main~1", flow.merge_sha);
    flow_fini(&flow);
}

static void test_merge_of_a_branch_that_moved(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1, "echo x > x");
    edit(&flow, "git commit -q --allow-empty -m sneaky");
    reject(&flow, EFFECT_MERGE, STATUS_FAILED, BLAME_CHANGE, "which was validated");
    check_sh("git rev-list --count main", "1");
    flow_fini(&flow);
}

static void test_merge_into_a_dirty_checkout(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1, "echo x > x; echo more >> a.txt");
    LAB_SH(&lab, "echo mine >> a.txt");
    reject(&flow, EFFECT_MERGE, STATUS_FAILED, BLAME_OPERATOR,
           "uncommitted changes in a.txt");
    check_sh("git rev-list --count main; tail -1 a.txt", "1\nmine");
    LAB_SH(&lab, "git checkout -q a.txt; echo mine > x"); /* untracked, in the way */
    reject(&flow, EFFECT_MERGE, STATUS_FAILED, BLAME_OPERATOR,
           "uncommitted changes in x");
    check_sh("cat x", "mine");
    LAB_SH(&lab, "rm x; echo mine >> b.txt"); /* dirty elsewhere: not in the way */
    pass(&flow, EFFECT_MERGE);
    check_sh("cat x; tail -1 b.txt; git diff --name-only", "x\nmine\nb.txt");
    flow_fini(&flow);
}

static void test_merge_when_base_is_not_checked_out(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1, "echo x > x");
    LAB_SH(&lab, "git checkout -q -b other");
    pass(&flow, EFFECT_MERGE);
    check_sh("git rev-parse main", flow.merge_sha);
    check_sh("ls", "a.txt\nb.txt");
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
        up_to_pull(&flows[i], i + 1, edits);
        orders[i] = flow_order(&flows[i], EFFECT_MERGE);
    }
    LAB_SH(&lab, prepare);
    for (int i = 0; i < N; i++) {
        pids[i] = lab_start(orders[i]);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
        struct effect_result *result = lab_answer(orders[i]);
        check_status(result, STATUS_PASSED, BLAME_NONE);
        effect_result_free(result);
        order_free(orders[i]);
        flow_fini(&flows[i]);
    }
    check_sh("git rev-list --count --first-parent main", count);
    check_sh("git ls-tree --name-only main | grep -c file", "6");
}

static void test_merges_race_on_a_checked_out_base(void **state)
{
    (void)state;
    race("true", "7");
    check_sh("git status --porcelain", "");
}

static void test_merges_race_on_a_ref(void **state)
{
    (void)state;
    race("git checkout -q --detach", "7");
}

static void test_hooks_are_not_run(void **state)
{
    (void)state;
    LAB_SH(&lab,
           "mkdir -p .git/hooks; for h in pre-commit commit-msg post-checkout "
           "post-merge pre-merge-commit reference-transaction; do "
           "printf '#!/bin/sh\\ntouch \"$HOME/hooked\"; exit 1\\n' > .git/hooks/$h; "
           "chmod +x .git/hooks/$h; done");
    struct flow flow;
    up_to_pull(&flow, 1, "echo x > x");
    pass(&flow, EFFECT_MERGE);
    AUTO_FREE char *hooked = file_join(lab.home, "hooked");
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
        up_to_pull(&flow, id, "echo x > x; echo more >> a.txt");
        flow.method = id == 1 ? METHOD_MERGE : METHOD_SQUASH;
        pass(&flow, EFFECT_MERGE);
        LAB_SH(&lab, "echo later > later; git add later; git commit -qm later");
        pass(&flow, EFFECT_REVERT);
        check_sh("cat a.txt; ls", "one\ntwo\nthree\na.txt\nb.txt\nlater");
        AUTO_FREE char *count = lab_sh(&lab, lab.repo, "git rev-list --count main");
        pass(&flow, EFFECT_REVERT);
        check_sh("git rev-list --count main", count);
        reject(&flow, EFFECT_MERGE, STATUS_FAILED, BLAME_CHANGE, "taken back");
        LAB_SH(&lab, "git rm -q later; git commit -qm 'no more'");
        flow_fini(&flow);
    }
}

static void test_revert_in_the_way_of_later_work(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1, "echo x > x");
    pass(&flow, EFFECT_MERGE);
    LAB_SH(&lab, "echo changed > x; git commit -qam later");
    reject(&flow, EFFECT_REVERT, STATUS_FAILED, BLAME_OPERATOR, "in x");
    check_sh("cat x", "changed");
    flow_fini(&flow);
}

static void test_close(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1, "echo x > x");
    pass(&flow, EFFECT_CLOSE);
    pass(&flow, EFFECT_CLOSE);
    AUTO_FREE char *record = lab_sh(&lab, lab.repo, "cat .git/signalbox/pull/1.json");
    assert_non_null(strstr(record, "\"state\":\"closed\""));
    check_sh("git rev-parse signalbox/wf-1 refs/pull/1/head | uniq | wc -l", "1");
    flow_fini(&flow);
    flow_init(&flow, 2);
    pass(&flow, EFFECT_CLOSE); /* without a pull request */
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
    LAB_SH(&lab, "git update-ref refs/pull/3/head HEAD"); /* of another forge */
    for (int i = 0; i < N; i++) {
        flow_init(&flows[i], i + 1);
        pass(&flows[i], EFFECT_WORKSPACE);
        edit(&flows[i], "echo x > x");
        pass(&flows[i], EFFECT_COMMIT);
        orders[i] = flow_order(&flows[i], EFFECT_PULL_REQUEST);
    }
    for (int i = 0; i < N; i++) {
        pids[i] = lab_start(orders[i]);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
        struct effect_result *result = lab_answer(orders[i]);
        check_status(result, STATUS_PASSED, BLAME_NONE);
        seen |= 1u << result->pr_number;
        effect_result_free(result);
        order_free(orders[i]);
        flow_fini(&flows[i]);
    }
    assert_int_equal(seen, 0x3fu << 4);
    check_sh("ls .git/signalbox/pull | wc -l; ls .git/signalbox/branch | wc -l;"
             "ls .git/signalbox",
             "6\n6\nbranch\npull");
}

static void test_cleanup_without_repository(void **state)
{
    (void)state;
    struct flow flow;
    up_to_pull(&flow, 1, "mkdir d; echo x > d/x; chmod 500 d");
    pass(&flow, EFFECT_SANDBOX);
    LAB_SH(&lab, "cd ..; rm -rf 'repo dir'; mkdir 'repo dir'");
    pass(&flow, EFFECT_CLEANUP);
    AUTO_FREE char *left = lab_sh(&lab, lab.work, "ls wf-1 | wc -l");
    assert_string_equal(left, "1");
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
        up_to_pull(&flow, id, edits);
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
        check_status(result, STATUS_PASSED, BLAME_NONE);
        effect_result_free(result);
        order_free(order);
        flow_fini(&flow);
    }
    check_sh("git rev-list --count --first-parent main; git status --porcelain", "13");
    check_sh("git log --first-parent --format=%B main | grep -c Signalbox-Head", "12");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_from_branch_to_merge),
        TEST(test_squash),
        TEST(test_commit_keeps_the_agents_commits_and_says_what_changed),
        TEST(test_identity_of_our_own),
        TEST(test_bad_repositories),
        TEST(test_bare_repository_and_subfolder),
        TEST(test_branch_name_that_is_taken),
        TEST(test_workspace_again_keeps_edits),
        TEST(test_workspace_after_an_interrupted_checkout),
        TEST(test_base_that_moved_is_merged_in),
        TEST(test_conflict_is_left_to_the_agent),
        TEST(test_nothing_changed),
        TEST(test_agent_that_plays_with_git),
        TEST(test_strange_names_and_bytes),
        TEST(test_large_diff_is_cut_at_a_line),
        TEST(test_merge_twice_is_one_merge),
        TEST(test_merge_by_hand_is_found),
        TEST(test_merge_of_a_branch_that_moved),
        TEST(test_merge_into_a_dirty_checkout),
        TEST(test_merge_when_base_is_not_checked_out),
        TEST(test_merges_race_on_a_checked_out_base),
        TEST(test_merges_race_on_a_ref),
        TEST(test_hooks_are_not_run),
        TEST(test_revert),
        TEST(test_revert_in_the_way_of_later_work),
        TEST(test_close),
        TEST(test_numbers_of_pull_requests_do_not_collide),
        TEST(test_cleanup_without_repository),
        TEST(test_merge_is_exactly_once_under_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
