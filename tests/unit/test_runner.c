/* SPDX-License-Identifier: MIT */
/* Commands in runners: environment, judgement, limits, deadlines, exactly once. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/limits.h"
#include "engine/io/runner.h"
#include "store/segment.h"
#include "tests/lib/lab.h"

static struct lab lab;
static int64_t seq;

static int setup(void **state)
{
    (void)state;
    struct err err;
    static const char *const folders[] = {"tree", "sandbox"};
    lab_open(&lab);
    seq = 0;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        AUTO_FREE char *path = mem_printf("%s/wf-1/%s", lab.work, folders[i]);
        assert_true(file_make_dirs(path, &err));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lab_close(&lab);
    return 0;
}

static struct order *order_of(enum effect_kind kind, const char *command)
{
    struct order *order = lab_order(&lab, 1, ++seq, kind);
    lab_command(order, command);
    lab_file(order, "task.md", "the task\n");
    lab_file(order, "plan.md", "the plan\n");
    lab_file(order, "errors.md", "the errors\n");
    return order;
}

static struct effect_result *run(enum effect_kind kind, const char *command)
{
    struct order *order = order_of(kind, command);
    struct effect_result *result = lab_run(order);
    order_free(order);
    return result;
}

static void check(struct effect_result *result, enum effect_status status,
                  enum blame blame, const char *words)
{
    if (result->status != status || result->blame != blame ||
        strstr(result->summary, words) == NULL) {
        fail_msg("%s/%s: %s\n%s", status_name(result->status), blame_word(result->blame),
                 result->summary, result->excerpt != NULL ? result->excerpt : "");
    }
}

static void expect(enum effect_kind kind, const char *command, enum effect_status status,
                   enum blame blame, const char *words)
{
    struct effect_result *result = run(kind, command);
    check(result, status, blame, words);
    effect_result_free(result);
}

/* The whole log of a result. */
static char *log_of(const struct effect_result *result)
{
    AUTO_FREE char *name = mem_printf("%s.log", result->log);
    return lab_read(lab.logs, name);
}

static char *work_file(const char *name)
{
    AUTO_FREE char *folder = file_join(lab.work, "wf-1");
    return lab_read(folder, name);
}

/* ---- what commands are given ----------------------------------------------------------
 */

static void test_agent_is_told_everything(void **state)
{
    (void)state;
    struct effect_result *result = run(
        EFFECT_CODE, "cat > stdin; cat \"$SIGNALBOX_TASK_FILE\" \"$SIGNALBOX_PLAN_FILE\""
                     " \"$SIGNALBOX_ERRORS_FILE\" > docs; "
                     "cmp stdin \"$SIGNALBOX_PROMPT_FILE\" && pwd > where; "
                     "echo \"$HOME\" > home; echo out; echo err >&2");
    check(result, STATUS_PASSED, BLAME_NONE, "code passed");
    AUTO_FREE char *prompt = work_file("tree/stdin");
    assert_non_null(strstr(prompt, "the task"));
    assert_non_null(strstr(prompt, "the plan"));
    assert_non_null(strstr(prompt, "the errors"));
    assert_non_null(strstr(prompt, "Exit with status 0 when the work is done"));
    AUTO_FREE char *docs = work_file("tree/docs");
    assert_string_equal(docs, "the task\nthe plan\nthe errors\n");
    AUTO_FREE char *home = work_file("tree/home");
    assert_memory_equal(home, lab.home, strlen(lab.home));
    AUTO_FREE char *where = work_file("tree/where");
    assert_non_null(strstr(where, "/wf-1/tree"));
    AUTO_FREE char *log = log_of(result);
    assert_string_equal(log, "out\nerr\n");
    assert_int_equal(result->exit_status, 0);
    assert_int_equal(result->out_bytes, 8);
    assert_true(result->cpu_ms >= 0 && result->peak_rss_kib > 0);
    assert_true(result->finished_at.ms >= result->started_at.ms);
    effect_result_free(result);
}

static void test_agent_says_what_it_used(void **state)
{
    (void)state;
    struct effect_result *result =
        run(EFFECT_CODE,
            "echo '{\"tokens\": 1200, \"cost\": 0.42}' > \"$SIGNALBOX_RESULT_FILE\"");
    check(result, STATUS_PASSED, BLAME_NONE, "code passed");
    assert_int_equal(result->tokens, 1200);
    assert_int_equal(result->micros, 420000);
    effect_result_free(result);
    result = run(EFFECT_CODE, "echo '{\"tokens\": -5}' > \"$SIGNALBOX_RESULT_FILE\"");
    check(result, STATUS_PASSED, BLAME_NONE, "code passed");
    AUTO_FREE char *log = log_of(result);
    assert_non_null(strstr(log, "tokens: expected a whole number from 0 on"));
    assert_int_equal(result->tokens, 0);
    effect_result_free(result);
}

static void test_environment_is_scrubbed(void **state)
{
    (void)state;
    assert_int_equal(setenv("SECRET_TOKEN", "hunter2", 1), 0);
    struct order *order = order_of(EFFECT_CHECK, "env | sort");
    struct env_var vars[] = {
        {(char[]){"MODEL"}, (char[]){"small $(x)"}     },
        {(char[]){"TOKEN"}, (char[]){"${SECRET_TOKEN}"}}
    };
    order->command.env = vars;
    order->command.n_env = 2;
    order->traceparent = mem_str("00-abc-def-01");
    struct effect_result *result = lab_run(order);
    AUTO_FREE char *log = log_of(result);
    check(result, STATUS_PASSED, BLAME_NONE, "");
    assert_null(strstr(log, "SECRET_TOKEN="));
    assert_non_null(strstr(log, "\nTOKEN=hunter2\n"));
    assert_non_null(strstr(log, "\nMODEL=small $(x)\n"));
    assert_non_null(strstr(log, "CI=true\n"));
    assert_non_null(strstr(log, "\nLANG=C.UTF-8\n"));
    assert_non_null(strstr(log, "\nSIGNALBOX_WORKFLOW=wf-1\n"));
    assert_non_null(strstr(log, "\nTRACEPARENT=00-abc-def-01\n"));
    assert_non_null(strstr(log, "\nSIGNALBOX_BASE=main\n"));
    assert_non_null(strstr(log, "/wf-1/home\n"));
    assert_null(strstr(log, "SIGNALBOX_TASK_FILE"));
    effect_result_free(result);
    assert_int_equal(unsetenv("SECRET_TOKEN"), 0);
    order->seq = ++seq;
    free(order->folder);
    order->folder = order_folder(lab.work, 1, order->seq);
    result = lab_run(order);
    check(result, STATUS_REFUSED, BLAME_SETUP, "needs the variable SECRET_TOKEN");
    effect_result_free(result);
    order->command.env = mem_alloc(1);
    order->command.n_env = 0;
    order_free(order);
}

static void test_no_descriptor_and_no_signal_mask_is_inherited(void **state)
{
    (void)state;
    struct effect_result *result =
        run(EFFECT_CHECK, "ls /proc/self/fd | wc -l; grep SigBlk /proc/self/status");
    AUTO_FREE char *log = log_of(result);
    assert_string_equal(log,
                        "4\nSigBlk:\t0000000000000000\n"); /* ls has one of its own */
    effect_result_free(result);
}

static void test_task_of_one_megabyte(void **state)
{
    (void)state;
    struct order *order =
        order_of(EFFECT_CODE, "cat > stdin; cp \"$SIGNALBOX_TASK_FILE\" t");
    char *task = mem_alloc(DOC_MAX + 1);
    for (int i = 0; i < DOC_MAX; i++) {
        task[i] = (char)(i % 80 == 79 ? '\n' : "$(`\"'\\;|&\x1b\xff"[i % 11]);
    }
    lab_file(order, "task.md", task);
    struct effect_result *result = lab_run(order);
    check(result, STATUS_PASSED, BLAME_NONE, "");
    AUTO_FREE char *copy = work_file("tree/t");
    assert_string_equal(copy, task);
    AUTO_FREE char *prompt = work_file("tree/stdin");
    assert_non_null(strstr(prompt, "# Rules"));
    free(task);
    effect_result_free(result);
    order_free(order);
}

/* ---- judgement ------------------------------------------------------------------------
 */

static void test_missing_programs(void **state)
{
    (void)state;
    static const struct {
        const char *program, *words;
    } cases[] = {
        {"./agent.sh",     "agent program './agent.sh' not found in the worktree"},
        {"no-such-agent",  "agent program 'no-such-agent' not found in PATH"     },
        {"/no/such/agent", "not found in the file system"                        },
        {"./plain",        "agent program './plain' cannot be executed"          }
    };
    AUTO_FREE char *tree = mem_printf("%s/wf-1/tree", lab.work);
    free(lab_sh(&lab, tree, "touch plain"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct order *order = order_of(EFFECT_CODE, "");
        lab_argv(order, (const char *const[]){cases[i].program, NULL});
        struct effect_result *result = lab_run(order);
        check(result, STATUS_REFUSED, BLAME_SETUP, cases[i].words);
        effect_result_free(result);
        order_free(order);
    }
    expect(EFFECT_CODE, "./agent.sh --fast", STATUS_REFUSED, BLAME_SETUP,
           "agent program './agent.sh' not found (exit status 127)");
    expect(EFFECT_CHECK, "./plain", STATUS_REFUSED, BLAME_SETUP, "not found");
}

static void test_who_is_to_blame(void **state)
{
    (void)state;
    expect(EFFECT_CODE, "exit 3", STATUS_FAILED, BLAME_WORLD,
           "failed with exit status 3");
    expect(EFFECT_CODE, "kill -SEGV $$", STATUS_FAILED, BLAME_WORLD,
           "was killed by SIGSEGV");
    expect(EFFECT_CODE, "sh -c 'kill -SEGV $$'; exit $?", STATUS_FAILED, BLAME_WORLD,
           "was killed by SIGSEGV");
    expect(EFFECT_CHECK, "exit 1", STATUS_FAILED, BLAME_CHANGE, "exit status 1");
    expect(EFFECT_SETUP, "exit 2", STATUS_FAILED, BLAME_CHANGE, "exit status 2");
    expect(EFFECT_EVALUATE, "exit 1", STATUS_FAILED, BLAME_CHANGE, "exit status 1");
    expect(EFFECT_EVALUATE, "exit 2", STATUS_FAILED, BLAME_WORLD, "exit status 2");
    expect(EFFECT_EVALUATE, "test -s \"$SIGNALBOX_TASK_FILE\"", STATUS_PASSED, BLAME_NONE,
           "passed");
}

static void test_excerpt_says_what_failed(void **state)
{
    (void)state;
    struct effect_result *result =
        run(EFFECT_CHECK, "seq 1 5000; echo 'a.c:3: error: bad \\033[31mthing\\033[0m'; "
                          "seq 1 5000; echo last; exit 1");
    check(result, STATUS_FAILED, BLAME_CHANGE, "");
    assert_non_null(strstr(result->excerpt, "a.c:3: error: bad thing\n"));
    assert_non_null(strstr(result->excerpt, "\nlast\n"));
    assert_true(strlen(result->excerpt) <= EXCERPT_MAX);
    effect_result_free(result);
}

static void test_any_output(void **state)
{
    (void)state;
    struct effect_result *result = run(
        EFFECT_CHECK, "head -c 300000 /dev/urandom; printf '\\000\\377\\033]0;x\\007'; "
                      "exit 1");
    check(result, STATUS_FAILED, BLAME_CHANGE, "");
    assert_int_equal(result->out_bytes, 300000 + 8);
    effect_result_free(result);
}

static void test_flaky(void **state)
{
    (void)state;
    struct order *order =
        order_of(EFFECT_CHECK, "echo x >> tries; echo try; test $(wc -l < tries) -ge 3");
    order->command.retries = 2;
    struct effect_result *result = lab_run(order);
    check(result, STATUS_FLAKY, BLAME_NONE, "passed at try 3 of 3");
    assert_int_equal(result->tries, 3);
    AUTO_FREE char *log = log_of(result);
    assert_non_null(strstr(log, "try 3 of 3 --\ntry\n"));
    effect_result_free(result);
    order_free(order);
    order = order_of(EFFECT_CHECK, "false");
    order->command.retries = 1;
    result = lab_run(order);
    check(result, STATUS_FAILED, BLAME_CHANGE, "");
    assert_int_equal(result->tries, 2);
    effect_result_free(result);
    order_free(order);
}

static void test_plan(void **state)
{
    (void)state;
    struct effect_result *result =
        run(EFFECT_PLAN, "echo thinking >&2; grep -q 'the task' && echo '1. do it'");
    check(result, STATUS_PASSED, BLAME_NONE, "");
    assert_string_equal(result->plan, "1. do it\n");
    AUTO_FREE char *log = log_of(result);
    assert_string_equal(log, "thinking\n");
    AUTO_FREE char *seen = work_file("plan/a.txt"); /* a copy of the base branch */
    assert_string_equal(seen, "one\ntwo\nthree\n");
    effect_result_free(result);
    expect(EFFECT_PLAN, "true", STATUS_FAILED, BLAME_WORLD, "printed no plan");
    result = run(EFFECT_PLAN, "yes");
    check(result, STATUS_PASSED, BLAME_NONE, "plan cut at");
    assert_int_equal(strlen(result->plan), DOC_MAX);
    effect_result_free(result);
    struct order *order = order_of(EFFECT_PLAN, "");
    lab_argv(order, (const char *const[]){NULL});
    free(order->command.argv);
    order->command.argv = NULL;
    result = lab_run(order);
    check(result, STATUS_PASSED, BLAME_NONE, "the task is the plan");
    assert_string_equal(result->plan, "the task\n");
    effect_result_free(result);
    order_free(order);
}

/* ---- deadlines and descendants --------------------------------------------------------
 */

/* No process is left that works in this lab. Others may run at the same time, or have left
 * something behind: the lab is told by the name of its folder, as its path has an apostrophe
 * that a shell's word cannot hold. */
static void check_nobody_is_left(void)
{
    static const char made[] = "signalbox-lab-XXXXXX";
    const char *name = strstr(lab.work, "signalbox-lab-");
    assert_non_null(name);
    AUTO_FREE char *text =
        mem_printf("! grep -lsz 'SIGNALBOX_EFFECT=[^=]*%.*s/[^=]*store-work/wf-1/' "
                   "/proc/[0-9]*/environ | grep -v /self/",
                   (int)strlen(made), name);
    lab_wait(&lab, "/", text);
}

static void test_hanging_step_is_killed_with_all_it_started(void **state)
{
    (void)state;
    struct order *order =
        order_of(EFFECT_CHECK,
                 "trap '' TERM; setsid sh -c 'trap \"\" TERM HUP; echo up; sleep 1000' &"
                 "(setsid setsid sleep 1000 &) ; sleep 1000");
    order->command.timeout = (struct span){300};
    struct mono before = mono_now();
    struct effect_result *result = lab_run(order);
    check(result, STATUS_TIMED_OUT, BLAME_CHANGE, "did not end in 300ms and was killed");
    assert_true(mono_now().ns - before.ns < 60000000000);
    check_nobody_is_left();
    effect_result_free(result);
    order_free(order);
    order = order_of(EFFECT_CODE, "sleep 1000");
    order->deadline_at = wall_add(wall_now(), (struct span){300});
    result = lab_run(order);
    check(result, STATUS_TIMED_OUT, BLAME_WORLD, "deadline");
    effect_result_free(result);
    order_free(order);
}

static void test_term_is_heard_before_kill(void **state)
{
    (void)state;
    struct order *order = order_of(
        EFFECT_CHECK, "trap 'echo bye; exit 0' TERM; echo up; sleep 1000 & wait");
    order->command.timeout = span_s(3); /* for a shell to begin on a busy machine */
    order->grace = span_s(60);
    struct effect_result *result = lab_run(order);
    check(result, STATUS_TIMED_OUT, BLAME_CHANGE, "");
    AUTO_FREE char *log = log_of(result);
    assert_string_equal(log, "up\nbye\n");
    effect_result_free(result);
    order_free(order);
}

static void test_grandchild_that_holds_the_pipe(void **state)
{
    (void)state;
    struct mono before = mono_now();
    struct effect_result *result = run(
        EFFECT_CHECK, "setsid sh -c 'while :; do echo noise; sleep 0.01; done' & echo "
                      "done; exit 0");
    check(result, STATUS_PASSED, BLAME_NONE, "");
    assert_true(mono_now().ns - before.ns < 60000000000);
    check_nobody_is_left();
    effect_result_free(result);
}

static void test_late_output_is_kept(void **state)
{
    (void)state;
    struct effect_result *result = run(EFFECT_CHECK, "(sleep 0.05; echo late) & exit 0");
    AUTO_FREE char *log = log_of(result);
    assert_string_equal(log, "late\n");
    effect_result_free(result);
}

static void test_stop(void **state)
{
    (void)state;
    struct order *order = order_of(EFFECT_CODE, "echo up > up; sleep 1000");
    pid_t pid = lab_start(order);
    AUTO_FREE char *tree = mem_printf("%s/wf-1/tree", lab.work);
    lab_wait(&lab, tree, "test -s up");
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct effect_result *result = lab_answer(order);
    check(result, STATUS_CANCELLED, BLAME_NONE, "stopped");
    check_nobody_is_left();
    effect_result_free(result);
    order_free(order);
    order = order_of(EFFECT_CODE, "echo ran > ran");
    lab_file(order, "stop", "");
    result = lab_run(order);
    check(result, STATUS_CANCELLED, BLAME_NONE, "stopped");
    AUTO_FREE char *ran = work_file("tree/ran");
    assert_string_equal(ran, "");
    effect_result_free(result);
    order_free(order);
}

/* ---- limits ---------------------------------------------------------------------------
 */

static void test_limit_of_file_size(void **state)
{
    (void)state;
    struct order *order = order_of(EFFECT_CHECK, "exec head -c 300000 /dev/zero > big");
    order->bounds.file_size = 100000;
    struct effect_result *result = lab_run(order);
    check(result, STATUS_FAILED, BLAME_CHANGE, "the limit of file size was reached");
    assert_int_equal(result->exit_status, 128 + SIGXFSZ);
    effect_result_free(result);
    order_free(order);
}

static void test_limit_of_cpu_time(void **state)
{
    (void)state;
    struct order *order = order_of(EFFECT_CHECK, "while :; do :; done");
    order->bounds.cpu = span_s(1);
    struct effect_result *result = lab_run(order);
    check(result, STATUS_FAILED, BLAME_CHANGE, "the limit of CPU time was reached");
    /* The kernel counts ticks towards the limit and precise time in what it reports. */
    if (result->cpu_ms <= 200 || result->cpu_ms >= 3000) {
        fail_msg("%lld ms", (long long)result->cpu_ms);
    }
    effect_result_free(result);
    order_free(order);
}

static void test_limit_of_memory(void **state)
{
    (void)state;
    struct order *order =
        order_of(EFFECT_CHECK, "dd if=/dev/zero of=/dev/null bs=200M count=1");
    order->bounds.memory = 50 << 20;
    struct effect_result *result = lab_run(order);
    check(result, STATUS_FAILED, BLAME_CHANGE, "");
    effect_result_free(result);
    order_free(order);
}

static void test_fork_bomb(void **state)
{
    (void)state;
    struct order *order =
        order_of(EFFECT_CHECK, "b() { sleep 1000 & b & }; i=0; while [ $i -lt 200 ]; do "
                               "setsid sleep 1000 & i=$((i+1)); done; b; sleep 1000");
    order->bounds.processes = 60;
    order->command.timeout = (struct span){1500};
    struct limits limits;
    limits_init(&limits, &order->bounds, "probe");
    bool is_bounded = limits.has_process_group || geteuid() != 0;
    limits_fini(&limits);
    if (!is_bounded) { /* root, and no control group to be had */
        order_free(order);
        skip();
    }
    struct mono before = mono_now();
    struct effect_result *result = lab_run(order);
    assert_true(result->status == STATUS_FAILED || result->status == STATUS_TIMED_OUT);
    assert_true(mono_now().ns - before.ns < 60000000000);
    AUTO_FREE char *log = log_of(result);
    assert_non_null(strstr(log, "fork"));
    check_nobody_is_left();
    effect_result_free(result);
    order_free(order);
}

static void test_no_network(void **state)
{
    (void)state;
    struct order *order =
        order_of(EFFECT_CHECK, "cat /proc/net/dev | tail -n +3 | cut -d: "
                               "-f1; grep -c . /proc/net/route; id -u");
    order->bounds.has_network = false;
    struct effect_result *result = lab_run(order);
    if (result->status != STATUS_REFUSED) {
        check(result, STATUS_PASSED, BLAME_NONE, "");
        AUTO_FREE char *log = log_of(result);
        AUTO_FREE char *want = mem_printf("lo\n1\n%u\n", getuid());
        const char *from = log + strspn(log, " ");
        assert_string_equal(from, want);
    } else {
        check(result, STATUS_REFUSED, BLAME_SETUP, "asks for no network");
    }
    effect_result_free(result);
    order_free(order);
}

/* ---- exactly once ---------------------------------------------------------------------
 */

static void test_agent_is_never_started_twice(void **state)
{
    (void)state;
    struct order *order =
        order_of(EFFECT_CODE, "echo start >> starts; setsid sleep 1000 & sleep 1000");
    pid_t pid = lab_start(order);
    AUTO_FREE char *tree = mem_printf("%s/wf-1/tree", lab.work);
    lab_wait(&lab, tree, "test -s starts");
    pid_t seen;
    assert_int_equal(runner_look(order->folder, &seen), RUNNER_LIVES);
    assert_int_equal(seen, pid);
    /* a second runner leaves quietly */
    int status;
    pid_t second = lab_start(order);
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct effect_result *result = lab_run(order);
    check(result, STATUS_LOST, BLAME_WORLD, "vanished without a result");
    check_nobody_is_left();
    AUTO_FREE char *starts = work_file("tree/starts");
    assert_string_equal(starts, "start\n");
    effect_result_free(result);
    /* and a result that is there stays */
    result = lab_run(order);
    check(result, STATUS_LOST, BLAME_WORLD, "");
    effect_result_free(result);
    order_free(order);
}

static void test_agent_under_kills_at_any_instant(void **state)
{
    (void)state;
    int n_lost = 0;
    for (long i = 0; i < 40; i++) {
        struct order *order =
            order_of(EFFECT_CODE, "echo start >> $SIGNALBOX_EFFECT/starts");
        pid_t pid = lab_start(order);
        struct timespec pause = {.tv_nsec = i * 300000};
        (void)nanosleep(&pause, NULL);
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        struct effect_result *result = lab_run(order);
        AUTO_FREE char *starts = lab_read(order->folder, "starts");
        if (result->status == STATUS_LOST) {
            n_lost++;
            assert_true(strcmp(starts, "") == 0 || strcmp(starts, "start\n") == 0);
        } else {
            check(result, STATUS_PASSED, BLAME_NONE, "");
            assert_string_equal(starts, "start\n");
        }
        effect_result_free(result);
        order_free(order);
    }
    assert_true(n_lost > 0);
}

static void test_check_is_run_again(void **state)
{
    (void)state;
    struct order *order = order_of(EFFECT_CHECK, "test -f go || sleep 1000; echo ok");
    pid_t pid = lab_start(order);
    lab_wait(&lab, order->folder, "test -f start");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    AUTO_FREE char *box = mem_printf("%s/wf-1/sandbox", lab.work);
    free(lab_sh(&lab, box, "touch go"));
    struct effect_result *result = lab_run(order);
    check(result, STATUS_PASSED, BLAME_NONE, "");
    check_nobody_is_left();
    effect_result_free(result);
    order_free(order);
}

static void test_order_survives_writing(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct order *order = order_of(EFFECT_CHECK, "echo \"$x\" 'y' \\ \n\t\x01 \xc3\xa4");
    order->bounds = (struct bounds){{1}, 2, 3, 4, true};
    order->method = METHOD_SQUASH;
    order->command.may_fail = true;
    assert_true(order_write(order, NULL, &err));
    struct order *back = order_read(order->folder, &err);
    assert_non_null(back);
    assert_string_equal(back->command.argv[2], order->command.argv[2]);
    assert_null(back->command.argv[3]);
    assert_int_equal(back->bounds.processes, 4);
    assert_true(back->bounds.has_network && back->command.may_fail);
    assert_int_equal(back->method, METHOD_SQUASH);
    assert_int_equal(back->kind, EFFECT_CHECK);
    assert_string_equal(back->workflow_folder, order->workflow_folder);
    order_free(back);
    order_free(order);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_agent_is_told_everything),
        TEST(test_agent_says_what_it_used),
        TEST(test_environment_is_scrubbed),
        TEST(test_no_descriptor_and_no_signal_mask_is_inherited),
        TEST(test_task_of_one_megabyte),
        TEST(test_missing_programs),
        TEST(test_who_is_to_blame),
        TEST(test_excerpt_says_what_failed),
        TEST(test_any_output),
        TEST(test_flaky),
        TEST(test_plan),
        TEST(test_hanging_step_is_killed_with_all_it_started),
        TEST(test_term_is_heard_before_kill),
        TEST(test_grandchild_that_holds_the_pipe),
        TEST(test_late_output_is_kept),
        TEST(test_stop),
        TEST(test_limit_of_file_size),
        TEST(test_limit_of_cpu_time),
        TEST(test_limit_of_memory),
        TEST(test_fork_bomb),
        TEST(test_no_network),
        TEST(test_agent_is_never_started_twice),
        TEST(test_agent_under_kills_at_any_instant),
        TEST(test_check_is_run_again),
        TEST(test_order_survives_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
