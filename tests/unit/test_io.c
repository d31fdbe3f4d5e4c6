/* SPDX-License-Identifier: MIT */
/* The io thread with real runners: this program is the runner, too. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/io.h"
#include "engine/io/runner.h"
#include "store/store.h"
#include "tests/lib/lab.h"

#define WAIT_S    90
#define N_RESULTS 512

static struct lab lab;
static char *path;
static struct store *store;
static int64_t pipeline_id;

/* results, in order of arrival; under lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static struct effect_result *results[N_RESULTS];
static size_t n_results;

static void take_result(void *user, struct effect_result *result)
{
    (void)user;
    (void)pthread_mutex_lock(&lock);
    if (n_results < N_RESULTS) {
        results[n_results++] = result;
    }
    (void)pthread_cond_broadcast(&arrived);
    (void)pthread_mutex_unlock(&lock);
}

static void wait_results(size_t n)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    (void)pthread_mutex_lock(&lock);
    while (n_results < n && pthread_cond_timedwait(&arrived, &lock, &until) == 0) {
    }
    size_t got = n_results;
    (void)pthread_mutex_unlock(&lock);
    if (got < n) {
        fail_msg("%zu results of %zu", got, n);
    }
}

static void forget_results(void)
{
    for (size_t i = 0; i < n_results; i++) {
        effect_result_free(results[i]);
    }
    n_results = 0;
}

/* A service that nobody uses: then effects come to their runners by way of the desk. */
static char service_name[] = "hub", service_url[] = "http://127.0.0.1:9";
static const struct service_spec service = {
    .name = service_name,
    .kind = SERVICE_GITHUB,
    .url = service_url,
    .gate = {.breaker = {.failures = 3,
                         .open = {60000},
                         .open_max = {60000},
                         .half_open_calls = 1},
             .concurrency = 1}
};
static bool has_service;
static char *lab_memo;                  /* of the newest report of that state */
static atomic_int n_forced, n_restored; /* reports that say so */

static void take_report(void *user, struct service_report *report)
{
    (void)user;
    if (report->event != NULL && strcmp(report->event, "breaker-forced-open") == 0) {
        atomic_fetch_add(&n_forced, 1);
    }
    if (report->row.state == BREAKER_FORCED_OPEN) {
        atomic_fetch_add(&n_restored, 1);
        free(lab_memo);
        lab_memo = mem_str(report->row.memo);
    }
    service_report_free(report);
}

static struct io *start_io(void)
{
    struct err err = ERR_INIT;
    struct io_options options = {.store = path,
                                 .work = lab.work,
                                 .logs = lab.logs,
                                 .log_max_bytes = 1 << 20,
                                 .max_running = 200,
                                 .on_result = take_result,
                                 .on_report = take_report,
                                 .services = has_service ? &service : NULL,
                                 .n_services = has_service};
    struct io *io = io_start(&options, &err);
    if (io == NULL) {
        fail_msg("%s", err.msg);
    }
    return io;
}

static void put_pipeline(const char *agent, const char *check)
{
    AUTO_FREE char *text = mem_printf("name: p\nrepository: '%s'\nbase: main\n"
                                      "agent: {command: [/bin/sh, -c, \"%s\"]}\n"
                                      "validate:\n- {name: unit, command: \"%s\"}\n",
                                      "/x", agent, check);
    pipeline_id = store_put_pipeline(store, "p", text, strlen(text));
}

static void put_workflow(int64_t id, const struct effect_result *last)
{
    struct workflow_row row = {.id = id,
                               .pipeline = "p",
                               .pipeline_id = pipeline_id,
                               .repo = lab.repo,
                               .title = "Add a thing",
                               .submitter = "ada",
                               .branch = "",
                               .base_sha = "",
                               .head_sha = "",
                               .merge_sha = "",
                               .reason = "",
                               .state = STATE_CODING,
                               .iteration = 1,
                               .attempt = 1};
    if (last != NULL) {
        row.branch = last->branch;
        row.base_sha = last->base_sha != NULL ? last->base_sha : "";
        row.head_sha = last->head_sha;
    }
    store_put_workflow(store, &row);
    store_put_doc(store, id, DOC_TASK, "Add a thing\n", 12);
}

static struct effect_row effect_of(int64_t workflow, int64_t seq, enum effect_kind kind)
{
    return (struct effect_row){.workflow = workflow,
                               .seq = seq,
                               .kind = kind,
                               .name = effect_name(kind),
                               .iteration = 1,
                               .attempt = 1,
                               .asked_at = {1700000000000},
                               .deadline_at = wall_add(wall_now(), span_s(120)),
                               .params = "{}",
                               .summary = "",
                               .log = ""};
}

static void commit(void)
{
    struct err err = ERR_INIT;
    if (!store_commit(store, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void perform(struct io *io, const struct effect_row *effect)
{
    struct executor executor = io_executor(io);
    executor.perform(executor.self, effect);
}

static int setup(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    lab_open(&lab);
    path = file_join(lab.root, "s.db");
    store = store_open(path, STORE_OFF, &err);
    assert_non_null(store);
    return 0;
}

static int setup_with_service(void **state)
{
    has_service = true;
    return setup(state);
}

static int teardown(void **state)
{
    (void)state;
    forget_results();
    has_service = false;
    store_close(store);
    free(path);
    lab_close(&lab);
    return 0;
}

static void check_result(size_t i, enum effect_status status, enum blame blame)
{
    if (results[i]->status != status || results[i]->blame != blame) {
        fail_msg("%s/%s: %s", status_name(results[i]->status),
                 blame_word(results[i]->blame), results[i]->summary);
    }
}

/* Workflow 1 with this agent. The pipeline of a workflow never changes. */
static void begin(const char *agent)
{
    put_pipeline(agent, "true");
    put_workflow(1, NULL);
    commit();
}

static struct effect_result *run_one(struct io *io, int64_t seq, enum effect_kind kind)
{
    struct effect_row effect = effect_of(1, seq, kind);
    size_t before = n_results;
    perform(io, &effect);
    wait_results(before + 1);
    check_result(before, STATUS_PASSED, BLAME_NONE);
    return results[before];
}

static void test_through_to_a_merge(void **state)
{
    (void)state;
    begin("echo start >> ../starts; echo x > x");
    struct io *io = start_io();
    struct effect_result *workspace = run_one(io, 1, EFFECT_WORKSPACE);
    put_workflow(1, workspace);
    commit();
    (void)run_one(io, 2, EFFECT_CODE);
    struct effect_result *head = run_one(io, 3, EFFECT_COMMIT);
    head->base_sha = mem_str(workspace->base_sha);
    put_workflow(1, head);
    commit();
    assert_int_equal(run_one(io, 4, EFFECT_PULL_REQUEST)->pr_number, 1);
    (void)run_one(io, 5, EFFECT_SANDBOX);
    struct effect_result *checked = run_one(io, 6, EFFECT_CHECK);
    assert_string_equal(checked->log, "wf-1/6-check");
    (void)run_one(io, 7, EFFECT_MERGE);
    (void)run_one(io, 8, EFFECT_CLEANUP);
    AUTO_FREE char *log =
        lab_sh(&lab, lab.repo, "git log --first-parent --format=%s main; cat x");
    assert_string_equal(log, "Merge pull request from signalbox/wf-1\nfirst\nx");
    AUTO_FREE char *left = lab_sh(&lab, lab.work, "find . -mindepth 1");
    assert_string_equal(left, "./live");
    io_stop(io);
}

static void test_refusals_come_as_results(void **state)
{
    (void)state;
    begin("echo start >> ../starts; echo x > x");
    struct io *io = start_io();
    struct effect_row effect = effect_of(1, 1, EFFECT_CHECK);
    effect.step = 7;
    perform(io, &effect);
    wait_results(1);
    check_result(0, STATUS_REFUSED, BLAME_SETUP);
    assert_non_null(strstr(results[0]->summary, "has no check step number 8"));
    effect = effect_of(77, 1, EFFECT_CHECK); /* the store has no such workflow */
    perform(io, &effect);
    wait_results(2);
    check_result(1, STATUS_LOST, BLAME_WORLD);
    io_stop(io);
}

static void test_same_key_twice(void **state)
{
    (void)state;
    begin("echo start >> ../starts; echo x > x");
    struct io *io = start_io();
    struct effect_row effect = effect_of(1, 1, EFFECT_WORKSPACE);
    perform(io, &effect);
    perform(io, &effect);
    wait_results(1);
    (void)run_one(io, 2, EFFECT_WORKSPACE);
    assert_int_equal(n_results, 2);
    perform(io, &effect); /* and after its end: the same result again */
    wait_results(3);
    check_result(2, STATUS_PASSED, BLAME_NONE);
    io_stop(io);
}

static void make_tree(const char *name)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *tree = mem_printf("%s/%s", lab.work, name);
    assert_true(file_make_dirs(tree, &err));
}

/* An engine of its own process that performs the effect and is killed. */
static void doomed_engine(const struct effect_row *effects, size_t n, int64_t pause_ns,
                          const char *until)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct io *io = start_io();
        for (size_t i = 0; i < n; i++) {
            perform(io, &effects[i]);
        }
        for (;;) {
            (void)pause();
        }
    }
    if (until != NULL) {
        lab_wait(&lab, lab.work, until);
    } else {
        struct timespec pause = {.tv_nsec = pause_ns};
        (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_running_agent_is_adopted(void **state)
{
    (void)state;
    make_tree("wf-1/tree");
    begin("echo start >> ../starts; until test -f ../go; do sleep 0.01; done");
    struct effect_row effect = effect_of(1, 1, EFFECT_CODE);
    doomed_engine(&effect, 1, 0, "test -s wf-1/starts");
    doomed_engine(&effect, 1, 20000000, NULL); /* adopts, and dies too */
    struct io *io = start_io();
    perform(io, &effect);
    io_sweep(io); /* does not touch what was performed */
    free(lab_sh(&lab, lab.work, "touch wf-1/go"));
    wait_results(1);
    check_result(0, STATUS_PASSED, BLAME_NONE);
    AUTO_FREE char *starts = lab_sh(&lab, lab.work, "cat wf-1/starts");
    assert_string_equal(starts, "start");
    io_stop(io);
}

static void test_result_that_came_while_no_engine_lived(void **state)
{
    (void)state;
    begin("echo start >> ../starts; echo x > x");
    make_tree("wf-1/tree");
    struct effect_row effect = effect_of(1, 1, EFFECT_CODE);
    doomed_engine(&effect, 1, 0, "test -s wf-1/starts");
    lab_wait(&lab, lab.work, "test -f wf-1/fx-1/result.json");
    struct io *io = start_io();
    perform(io, &effect);
    wait_results(1);
    check_result(0, STATUS_PASSED, BLAME_NONE);
    AUTO_FREE char *starts = lab_sh(&lab, lab.work, "cat wf-1/starts");
    assert_string_equal(starts, "start");
    io_stop(io);
}

/* Engines die at many instants, runners too; every effect is answered, none began twice.
 */
static void test_engines_and_runners_under_kills(void **state)
{
    (void)state;
    enum { N = 8, ROUNDS = 6 };
    struct effect_row effects[N];
    put_pipeline("echo start >> ../starts; sleep 0.05", "true");
    for (int i = 0; i < N; i++) {
        AUTO_FREE char *tree = mem_printf("wf-%d/tree", i + 1);
        make_tree(tree);
        put_workflow(i + 1, NULL);
        effects[i] = effect_of(i + 1, 1, EFFECT_CODE);
    }
    commit();
    for (int round = 0; round < ROUNDS; round++) {
        doomed_engine(effects, N, round * 4000000, NULL);
        AUTO_FREE char *kills = mem_printf(
            "test -f wf-%d/fx-1/lock && kill -9 $(cut -d' ' -f1 wf-%d/fx-1/lock) "
            "2>/dev/null; true",
            round + 1, round + 1);
        free(lab_sh(&lab, lab.work, kills));
    }
    struct io *io = start_io();
    for (int i = 0; i < N; i++) {
        perform(io, &effects[i]);
    }
    wait_results(N);
    unsigned seen = 0;
    for (int i = 0; i < N; i++) {
        int64_t id = results[i]->workflow;
        AUTO_FREE char *name = mem_printf("wf-%lld/starts", (long long)id);
        AUTO_FREE char *starts = lab_read(lab.work, name);
        seen |= 1u << id;
        if (results[i]->status == STATUS_PASSED) {
            assert_string_equal(starts, "start\n");
        } else {
            check_result((size_t)i, STATUS_LOST, BLAME_WORLD);
            assert_true(starts[0] == '\0' || strcmp(starts, "start\n") == 0);
        }
    }
    assert_int_equal(seen, ((1u << N) - 1) << 1);
    io_stop(io);
}

static void test_stop(void **state)
{
    (void)state;
    make_tree("wf-1/tree");
    begin("echo start >> ../starts; sleep 1000");
    struct io *io = start_io();
    struct executor executor = io_executor(io);
    struct effect_row effect = effect_of(1, 1, EFFECT_CODE);
    perform(io, &effect);
    lab_wait(&lab, lab.work, "test -s wf-1/starts");
    executor.stop(executor.self, 1, 1);
    wait_results(1);
    check_result(0, STATUS_CANCELLED, BLAME_NONE);
    executor.stop(executor.self, 1, 1); /* gone already */
    effect = effect_of(1, 2, EFFECT_CODE);
    perform(io, &effect);
    executor.stop(executor.self, 1, 2); /* before it began, or a moment later */
    wait_results(2);
    check_result(1, STATUS_CANCELLED, BLAME_NONE);
    io_stop(io);
}

static void test_stop_of_a_runner_that_hangs(void **state)
{
    (void)state;
    make_tree("wf-1/tree");
    begin("echo start >> ../starts; sleep 1000");
    struct io *io = start_io();
    struct executor executor = io_executor(io);
    struct effect_row effect = effect_of(1, 1, EFFECT_CODE);
    perform(io, &effect);
    lab_wait(&lab, lab.work, "test -s wf-1/starts");
    free(lab_sh(&lab, lab.work, "kill -STOP $(cut -d' ' -f1 wf-1/fx-1/lock)"));
    executor.stop(executor.self, 1, 1);
    wait_results(1); /* SIGKILL after five seconds, then a runner that cleans up */
    check_result(0, STATUS_CANCELLED, BLAME_NONE);
    lab_wait(&lab, lab.work, "test $(cat wf-1/starts | wc -l) = 1");
    io_stop(io);
}

static void test_sweep(void **state)
{
    (void)state;
    make_tree("wf-1/tree");
    begin("echo start >> ../starts; setsid sleep 1000 & sleep 1000");
    struct effect_row effect = effect_of(1, 1, EFFECT_CODE);
    doomed_engine(&effect, 1, 0, "test -s wf-1/starts");
    struct io *io = start_io();
    io_sweep(io);
    lab_wait(&lab, lab.work, "test -f wf-1/fx-1/result.json && ! ls live | grep -q .");
    AUTO_FREE char *text = lab_sh(&lab, lab.work, "cat wf-1/fx-1/result.json");
    assert_non_null(strstr(text, "\"cancelled\""));
    assert_int_equal(n_results, 0);
    /* and one whose runner is dead, but not what it started */
    effect = effect_of(1, 2, EFFECT_CODE);
    io_stop(io);
    doomed_engine(&effect, 1, 0, "test $(cat wf-1/starts | wc -l) = 2");
    free(lab_sh(&lab, lab.work, "kill -9 $(cut -d' ' -f1 wf-1/fx-2/lock)"));
    io = start_io();
    io_sweep(io);
    lab_wait(&lab, lab.work, "! ls live | grep -q .");
    lab_wait(&lab, lab.work,
             "! grep -lsz 'SIGNALBOX_EFFECT=.*store-work/wf-1/fx-2' "
             "/proc/[0-9]*/environ | grep -v /self/");
    io_stop(io);
}

static void test_many_at_once(void **state)
{
    (void)state;
    enum { N = 100 };
    put_pipeline("true", "/bin/true");
    for (int i = 1; i <= N; i++) {
        AUTO_FREE char *box = mem_printf("wf-%d/sandbox", i);
        make_tree(box);
        put_workflow(i, NULL);
    }
    commit();
    struct io *io = start_io();
    struct mono before = mono_now();
    for (int i = 1; i <= N; i++) {
        struct effect_row effect = effect_of(i, 1, EFFECT_CHECK);
        perform(io, &effect);
    }
    wait_results(N);
    struct mono after = mono_now();
    for (size_t i = 0; i < N; i++) {
        check_result(i, STATUS_PASSED, BLAME_NONE);
    }
    forget_results();
    double one = 0;
    for (int i = 1; i <= 20; i++) {
        struct effect_row effect = effect_of(i, 2, EFFECT_CHECK);
        struct mono start = mono_now();
        perform(io, &effect);
        wait_results((size_t)i);
        one += (double)(mono_now().ns - start.ns) / 1e6 / 20;
    }
    print_message("%d at once: %.1f ms each; alone: %.1f ms from perform to result\n", N,
                  (double)(after.ns - before.ns) / 1e6 / N, one);
    io_stop(io);
}

static void nap(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* Everything is halted while an agent runs, for longer than its deadline and a stall allow, and
 * over the end of the engine; then it goes on where it stood. */
static void test_halt(void **state)
{
    (void)state;
    AUTO_FREE char *agent = mem_printf("until test -e ../../../finish; do echo . >> "
                                       "../../../ticks; sleep 0.01; done; : mark-%ld-",
                                       (long)getpid());
    AUTO_FREE char *stands =
        mem_printf("ps axo stat,args | grep -q '^T.*mark-%ld-'", (long)getpid());
    begin(agent);
    struct io *io = start_io();
    (void)run_one(io, 1, EFFECT_WORKSPACE);
    struct effect_row effect = effect_of(1, 2, EFFECT_CODE);
    effect.deadline_at = wall_add(wall_now(), (struct span){1500});
    perform(io, &effect);
    lab_wait(&lab, lab.root, "test -s ticks");
    io_halt(io, true);
    io_halt(io, true);
    lab_wait(&lab, lab.root, stands);
    AUTO_FREE char *before = lab_sh(&lab, lab.root, "wc -c < ticks");
    io_stop(io);
    io = start_io();
    io_halt(io, true); /* the next engine knows of it */
    nap(2000);
    AUTO_FREE char *after = lab_sh(&lab, lab.root, "wc -c < ticks; touch finish");
    assert_string_equal(before, after);
    assert_int_equal(n_results, 1);
    effect.deadline_at = wall_add(effect.deadline_at, span_s(2)); /* as control does */
    io_halt(io, false);
    perform(io, &effect);
    wait_results(2);
    check_result(1, STATUS_PASSED, BLAME_NONE);
    io_stop(io);
}

/* What is asked for meanwhile waits, and what is stopped ends: also a runner of an engine that
 * is gone, and without a grace. */
static void test_halt_holds_and_stops(void **state)
{
    (void)state;
    AUTO_FREE char *agent = mem_printf("trap '' TERM; echo . > ../../../begun; "
                                       "while :; do sleep 0.02; done; : mark-%ld-",
                                       (long)getpid());
    AUTO_FREE char *stands =
        mem_printf("ps axo stat,args | grep -q '^T.*mark-%ld-'", (long)getpid());
    AUTO_FREE char *gone =
        mem_printf("! ps axo args | grep -q '[m]ark-%ld-'", (long)getpid());
    begin(agent);
    struct io *io = start_io();
    (void)run_one(io, 1, EFFECT_WORKSPACE);
    struct effect_row effect = effect_of(1, 2, EFFECT_CODE);
    io_halt(io, true);
    perform(io, &effect);
    nap(300);
    assert_int_equal(n_results, 1);
    AUTO_FREE char *begun = file_join(lab.root, "begun");
    assert_false(file_exists(begun));
    io_halt(io, false);
    lab_wait(&lab, lab.root, "test -s begun");
    io_halt(io, true);
    lab_wait(&lab, lab.root, stands);
    io_stop(io);
    io = start_io();
    io_halt(io, true);
    struct executor executor = io_executor(io);
    executor.stop(executor.self, 1, 2);
    lab_wait(&lab, lab.root, gone);
    io_halt(io, false);
    io_stop(io);
}

static void wait_for(atomic_int *count)
{
    struct mono end = {mono_now().ns + WAIT_S * INT64_C(1000000000)};
    while (atomic_load(count) == 0) {
        assert_true(mono_now().ns < end.ns);
        (void)sched_yield();
    }
}

/* Orders reach the desk, reports come back, and its state survives an engine. */
static void test_orders_and_reports(void **state)
{
    (void)state;
    atomic_store(&n_forced, 0);
    struct io *io = start_io();
    struct service_order *order = mem_alloc(sizeof(*order));
    order->service = mem_str(service_name);
    order->has_force = true;
    order->force = FORCE_OPEN;
    order->actor = mem_str("ada");
    order->reason = mem_str("test");
    io_order(io, order);
    for (int i = 0; i < 2000; i++) { /* more than there is room for: none is waited for */
        struct forge_event *event = mem_alloc(sizeof(*event));
        io_hint(io, event);
    }
    wait_for(&n_forced);
    io_stop(io);
    char *memo = TAKE(lab_memo);
    assert_non_null(memo);
    atomic_store(&n_restored, 0);
    io = start_io();
    io_restore(io, &(struct service_row){.name = service_name, .memo = memo});
    wait_for(&n_restored);
    io_stop(io);
    free(memo);
    free(TAKE(lab_memo));
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "__run") == 0) {
        return runner_main(argv[2]);
    }
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_through_to_a_merge),
        TEST(test_refusals_come_as_results),
        TEST(test_same_key_twice),
        TEST(test_running_agent_is_adopted),
        TEST(test_result_that_came_while_no_engine_lived),
        TEST(test_engines_and_runners_under_kills),
        TEST(test_stop),
        TEST(test_stop_of_a_runner_that_hangs),
        TEST(test_sweep),
        TEST(test_many_at_once),
        TEST(test_halt),
        TEST(test_halt_holds_and_stops),
#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_with_service, teardown)
        TEST(test_through_to_a_merge),
        TEST(test_refusals_come_as_results),
        TEST(test_same_key_twice),
        TEST(test_running_agent_is_adopted),
        TEST(test_result_that_came_while_no_engine_lived),
        TEST(test_engines_and_runners_under_kills),
        TEST(test_stop),
        TEST(test_stop_of_a_runner_that_hangs),
        TEST(test_sweep),
        TEST(test_many_at_once),
        TEST(test_halt),
        TEST(test_halt_holds_and_stops),
        TEST(test_orders_and_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
