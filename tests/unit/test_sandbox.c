/* SPDX-License-Identifier: MIT */
/* Sandboxes behind a bridge: real runners, a real holder, commands that really run. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/holder.h"
#include "engine/service/grainchain.h"
#include "engine/service/sandbox.h"
#include "tests/fakes/bridge.h"
#include "tests/lib/lab.h"

#define BRIDGE "engine/grainchain-bridge.py" /* tests run in the checkout */

static struct lab lab;
static int64_t seq;
static char *self, *trace;

static int setup(void **state)
{
    (void)state;
    lab_open(&lab);
    seq = 0;
    trace = file_join(lab.root, "trace");
    return 0;
}

static struct order *order_of(enum effect_kind kind, const char *command,
                              const char *const *env);

static int teardown(void **state)
{
    (void)state;
    struct order *order = order_of(EFFECT_CLEANUP, "true", NULL);
    holder_stop(order);
    order_free(order);
    free(trace);
    lab_close(&lab);
    return 0;
}

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void set_command(struct command_spec *spec, const char *const *argv,
                        const char *const *env)
{
    size_t n = 0;
    for (size_t i = 0; spec->argv != NULL && spec->argv[i] != NULL; i++) {
        free(spec->argv[i]);
    }
    free(spec->argv);
    while (argv[n] != NULL) {
        n++;
    }
    spec->argv = mem_array(n + 1, sizeof(char *));
    for (size_t i = 0; i < n; i++) {
        spec->argv[i] = mem_str(argv[i]);
    }
    for (size_t i = 0; i < spec->n_env; i++) {
        free(spec->env[i].name);
        free(spec->env[i].value);
    }
    free(spec->env);
    for (n = 0; env != NULL && env[2 * n] != NULL; n++) {
    }
    spec->env = mem_array(n, sizeof(struct env_var));
    spec->n_env = n;
    for (size_t i = 0; i < n; i++) {
        spec->env[i] = (struct env_var){.name = mem_str(env[2 * i]),
                                        .value = mem_str(env[2 * i + 1])};
    }
}

static struct order *order_of(enum effect_kind kind, const char *command,
                              const char *const *env)
{
    struct order *order = lab_order(&lab, 1, ++seq, kind);
    order->provider = mem_str("grainchain");
    order->service_kind = SERVICE_GRAINCHAIN;
    order->service_provider = mem_str("local");
    set_command(&order->service_command, (const char *const[]){self, "bridge", NULL},
                env);
    order->service_command.name = mem_str("");
    order->service_command.text = mem_str("");
    AUTO_FREE char *sha = lab_sh(&lab, lab.repo, "git rev-parse HEAD");
    lab_set(&order->head_sha, sha);
    lab_command(order, command);
    return order;
}

static void check(const struct effect_result *result, enum effect_status status,
                  enum blame blame, const char *words)
{
    if (result->status != status || result->blame != blame ||
        strstr(result->summary, words) == NULL) {
        fail_msg("%s/%s: %s\n%s", status_name(result->status), blame_word(result->blame),
                 result->summary, result->excerpt != NULL ? result->excerpt : "");
    }
}

/* Runs it, frees it, and gives the log. */
static char *expect_order(struct order *order, enum effect_status status,
                          enum blame blame, const char *words)
{
    struct effect_result *result = lab_run(order);
    AUTO_FREE char *name = mem_printf("%s.log", order->log);
    char *log = lab_read(lab.logs, name);
    check(result, status, blame, words);
    effect_result_free(result);
    order_free(order);
    return log;
}

static char *expect(enum effect_kind kind, const char *command, const char *const *env,
                    enum effect_status status, enum blame blame, const char *words)
{
    return expect_order(order_of(kind, command, env), status, blame, words);
}

static void make_sandbox(const char *const *env)
{
    free(
        expect(EFFECT_SANDBOX, "true", env, STATUS_PASSED, BLAME_NONE, "of local with "));
}

static char *check_passes(const char *command)
{
    return expect(EFFECT_CHECK, command, NULL, STATUS_PASSED, BLAME_NONE, "passed");
}

static void check_no_bridge_is_left(void)
{
    AUTO_FREE char *text =
        mem_printf("! grep -lsz 'SIGNALBOX_HOLDER=[^=]*%.20s/[^=]*/wf-1$' "
                   "/proc/[0-9]*/environ | grep -v /self/",
                   strstr(lab.work, "signalbox-lab-"));
    lab_wait(&lab, "/", text);
}

/* ---- the way it should go -------------------------------------------------------------
 */

static void test_files_of_the_head_and_what_setup_made_are_there(void **state)
{
    (void)state;
    LAB_SH(&lab, "echo 'tests export-ignore' > .gitattributes; mkdir tests; "
                 "echo t > 'tests/it'\"'\"'s t'; ln -s a.txt link; echo x > run.sh; "
                 "chmod +x run.sh; git add .; git commit -qm more");
    make_sandbox(NULL);
    AUTO_FREE char *log = check_passes(
        "cat a.txt; ls tests; test -L link && test -x run.sh && test ! -e .git && "
        "echo whole; pwd");
    assert_non_null(strstr(log, "one\ntwo\nthree\nit's t\nwhole\n"));
    assert_null(strstr(log, lab.repo));
    free(expect(EFFECT_SETUP, "echo made > made", NULL, STATUS_PASSED, BLAME_NONE, ""));
    AUTO_FREE char *later = check_passes("cat made; echo words >&2");
    assert_non_null(strstr(later, "made\nwords\n"));
    assert_null(strstr(later, "signalbox-archive"));
}

static void test_environment(void **state)
{
    (void)state;
    static const char *const keys[] = {"E2B_API_KEY", "${SIGNALBOX_TEST_KEY}",
                                       "MODEL_KEY", "${SIGNALBOX_TEST_KEY}", NULL};
    assert_int_equal(setenv("SIGNALBOX_TEST_KEY", "hunter2-secret", 1), 0);
    make_sandbox(keys);
    struct order *order = order_of(EFFECT_CHECK, "env | sort; exit 1", keys);
    struct env_var vars[] = {
        {(char[]){"MODEL"},     (char[]){"small $(x) 'y'"}       },
        {(char[]){"MODEL_KEY"}, (char[]){"${SIGNALBOX_TEST_KEY}"}}
    };
    order->command.env = vars;
    order->command.n_env = 2;
    struct effect_result *result = lab_run(order);
    check(result, STATUS_FAILED, BLAME_CHANGE, "failed with exit status 1");
    AUTO_FREE char *name = mem_printf("%s.log", order->log);
    AUTO_FREE char *log = lab_read(lab.logs, name);
    assert_non_null(strstr(log, "CI=true\n"));
    assert_non_null(strstr(log, "MODEL=small $(x) 'y'\n"));
    assert_non_null(strstr(log, "SIGNALBOX_WORKFLOW=wf-1\n"));
    assert_non_null(strstr(log, "MODEL_KEY=**************\n")); /* the pipeline's own */
    assert_null(strstr(log, "E2B_API_KEY"));                    /* the bridge's */
    assert_null(strstr(log, "hunter2"));
    assert_null(strstr(result->excerpt, "hunter2"));
    effect_result_free(result);
    order->command.env = NULL;
    order->command.n_env = 0;
    order_free(order);
    assert_int_equal(unsetenv("SIGNALBOX_TEST_KEY"), 0);
}

static void test_judged_like_local_checks(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        enum effect_status status;
        enum blame blame;
        const char *words;
    } cases[] = {
        {"exit 3",              STATUS_FAILED,  BLAME_CHANGE, "failed with exit status 3"  },
        {"kill -9 $$",          STATUS_FAILED,  BLAME_CHANGE, "killed by signal 9"         },
        {"no-such-program",     STATUS_REFUSED, BLAME_SETUP,  "not found in the sandbox"   },
        {"printf 'no newline'", STATUS_PASSED,  BLAME_NONE,   "passed"                     },
        {"exit 124",            STATUS_FAILED,  BLAME_CHANGE, "failed with exit status 124"},
    };
    make_sandbox(ENV("NOISE", "1"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        free(expect(EFFECT_CHECK, cases[i].command, NULL, cases[i].status, cases[i].blame,
                    cases[i].words));
    }
    struct order *order = order_of(EFFECT_CHECK, "", NULL);
    lab_argv(order, (const char *const[]){"printf", "%s|", "a b", "it's", "$(id)", NULL});
    AUTO_FREE char *log = expect_order(order, STATUS_PASSED, BLAME_NONE, "");
    assert_non_null(strstr(log, "a b|it's|$(id)|"));
}

static void test_status_is_known_where_the_provider_hides_it(void **state)
{
    (void)state;
    make_sandbox(ENV("MINUS", "1"));
    AUTO_FREE char *log = expect(EFFECT_CHECK, "echo words; exit 7", NULL, STATUS_FAILED,
                                 BLAME_CHANGE, "failed with exit status 7");
    assert_non_null(strstr(log, "words\n"));
}

static void test_retries_begin_with_the_snapshot(void **state)
{
    (void)state;
    make_sandbox(ENV("TRACE", trace));
    struct order *order =
        order_of(EFFECT_CHECK, "echo x >> tries; wc -l < tries; exit 1", NULL);
    order->command.retries = 2;
    AUTO_FREE char *log =
        expect_order(order, STATUS_FAILED, BLAME_CHANGE, "exit status 1");
    assert_non_null(strstr(log, "try 3 of 3 --\n-- restored from snapshot"));
    assert_null(strstr(log, "\n2\n"));
    AUTO_FREE char *seen = lab_read(lab.root, "trace");
    assert_non_null(strstr(seen, "snapshot\nexecute\nrestore\nexecute\nrestore\n"));
    AUTO_FREE char *mark = file_join(lab.root, "second");
    AUTO_FREE char *flaky =
        mem_printf("test -e \"%s\" || { touch \"%s\"; exit 1; }", mark, mark);
    order = order_of(EFFECT_CHECK, flaky, NULL);
    order->command.retries = 1;
    free(expect_order(order, STATUS_FLAKY, BLAME_NONE, "passed at try 2 of 2"));
}

static void test_large_archive_in_parts(void **state)
{
    (void)state;
    LAB_SH(&lab, "head -c 9500000 /dev/urandom > big; git add .; git commit -qm big");
    make_sandbox(ENV("TRACE", trace));
    AUTO_FREE char *log = check_passes("wc -c < big; ls ..");
    assert_non_null(strstr(log, "9500000\n"));
    assert_null(strstr(log, "archive"));
    AUTO_FREE char *seen = lab_read(lab.root, "trace");
    assert_non_null(strstr(seen, "create\nupload\nupload\nupload\nexecute\n"));
}

static void test_cleanup(void **state)
{
    (void)state;
    make_sandbox(ENV("TRACE", trace));
    free(expect(EFFECT_CLEANUP, "true", NULL, STATUS_PASSED, BLAME_NONE, "removed"));
    check_no_bridge_is_left();
    AUTO_FREE char *seen = lab_read(lab.root, "trace");
    assert_non_null(strstr(seen, "close\nend of stdin\n"));
    /* and where there never was a sandbox; order->provider "local" comes here too */
    struct order *order = order_of(EFFECT_CLEANUP, "true", NULL);
    lab_set(&order->provider, "local");
    free(expect_order(order, STATUS_PASSED, BLAME_NONE, "removed"));
}

static void test_next_iteration_replaces_the_sandbox(void **state)
{
    (void)state;
    make_sandbox(ENV("TRACE", trace));
    free(check_passes("touch old"));
    make_sandbox(NULL);
    free(check_passes("test ! -e old"));
    AUTO_FREE char *seen = lab_read(lab.root, "trace");
    assert_non_null(strstr(seen, "end of stdin\n"));
}

/* ---- the way it goes ------------------------------------------------------------------
 */

static void test_sandbox_outlives_runner_and_engine(void **state)
{
    (void)state;
    struct order *order = order_of(EFFECT_SANDBOX, "true", NULL);
    pid_t pid = lab_start(order);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct stat st;
    AUTO_FREE char *path = mem_printf("%s/wf-1/hold.sock", lab.work);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(holder_exists(order));
    order_free(order);
    free(check_passes("test -f a.txt"));
}

static void test_hanging_command_is_killed_in_time(void **state)
{
    (void)state;
    make_sandbox(NULL);
    struct order *order = order_of(
        EFFECT_CHECK, "echo begun; (trap '' TERM; sleep 1000) & sleep 1000", NULL);
    order->command.timeout = span_s(3);
    struct mono before = mono_now();
    AUTO_FREE char *log = expect_order(order, STATUS_TIMED_OUT, BLAME_CHANGE,
                                       "did not end in 3s and was killed");
    assert_true(mono_now().ns - before.ns < 60000000000);
    assert_non_null(strstr(log, "begun\n"));
    free(check_passes("true")); /* the sandbox is still there */
}

static void test_bridge_that_hangs_is_killed(void **state)
{
    (void)state;
    struct order *order = order_of(EFFECT_SANDBOX, "true", ENV("HANG", "create"));
    order->deadline_at = wall_add(wall_now(), (struct span){1500});
    free(expect_order(order, STATUS_TIMED_OUT, BLAME_WORLD,
                      "grainchain did not answer in time and was killed"));
    check_no_bridge_is_left();
}

static void test_bridge_that_dies(void **state)
{
    (void)state;
    free(expect(EFFECT_SANDBOX, "true", ENV("DIE", "upload"), STATUS_REFUSED, BLAME_WORLD,
                "the bridge ended with exit status 3: fatal: the provider is gone"));
    check_no_bridge_is_left();
    make_sandbox(ENV("DIE", "snapshot"));
    free(expect(EFFECT_CHECK, "true", NULL, STATUS_REFUSED, BLAME_WORLD,
                "the sandbox is gone (the bridge ended with exit status 3"));
    check_no_bridge_is_left();
    free(expect(EFFECT_CHECK, "true", NULL, STATUS_REFUSED, BLAME_WORLD,
                "the sandbox is gone"));
    make_sandbox(NULL); /* the machine starts the state again */
    free(check_passes("true"));
}

static void test_holder_that_is_killed(void **state)
{
    (void)state;
    make_sandbox(NULL);
    LAB_SH(&lab, "for p in /proc/[0-9]*; do { tr '\\0' ' ' < $p/cmdline; } 2>/dev/null | "
                 "grep -q \"__hold $(cd ../store-work && pwd)\" && "
                 "kill -9 ${p#/proc/}; done; true");
    struct order *order = order_of(EFFECT_CHECK, "true", NULL);
    lab_wait(&lab, "/", "true");
    free(expect_order(order, STATUS_REFUSED, BLAME_WORLD, "the sandbox is gone"));
    free(expect(EFFECT_CLEANUP, "true", NULL, STATUS_PASSED, BLAME_NONE, ""));
    check_no_bridge_is_left();
}

static void test_lost_sandbox_is_restored_from_a_real_snapshot(void **state)
{
    (void)state;
    AUTO_FREE char *once = file_join(lab.root, "once");
    const char *const env[] = {"DIE", "execute", "DIE_ONCE", once, "TRACE", trace, NULL};
    LAB_SH(&lab, "touch ../once");
    struct order *order = order_of(EFFECT_SANDBOX, "true", env);
    lab_set(&order->service_provider, "morph");
    free(expect_order(order, STATUS_PASSED, BLAME_NONE, "of morph with "));
    order = order_of(EFFECT_SETUP, "echo made > made", env);
    free(expect_order(order, STATUS_PASSED, BLAME_NONE, ""));
    LAB_SH(&lab, "rm ../once");
    order = order_of(EFFECT_CHECK, "cat made", env);
    lab_set(&order->service_provider, "morph");
    AUTO_FREE char *log = expect_order(order, STATUS_PASSED, BLAME_NONE, "passed");
    assert_non_null(strstr(log, "-- the sandbox is gone"));
    assert_non_null(strstr(log, "made\n"));
}

static void test_stop_kills_the_command(void **state)
{
    (void)state;
    make_sandbox(NULL);
    AUTO_FREE char *mark = file_join(lab.root, "up");
    AUTO_FREE char *command = mem_printf("touch \"%s\"; sleep 1000", mark);
    struct order *order = order_of(EFFECT_CHECK, command, NULL);
    pid_t pid = lab_start(order);
    lab_wait(&lab, lab.root, "test -e up");
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct effect_result *result = lab_answer(order);
    check(result, STATUS_CANCELLED, BLAME_NONE, "stopped");
    check_no_bridge_is_left();
    effect_result_free(result);
    order_free(order);
}

static void test_holder_ends_with_its_folder(void **state)
{
    (void)state;
    make_sandbox(NULL);
    AUTO_FREE char *text = mem_printf("%s/wf-1", lab.work);
    struct err err = ERR_INIT;
    assert_true(file_remove_tree(text, &err));
    check_no_bridge_is_left();
}

static void test_setup_that_is_wrong(void **state)
{
    (void)state;
    free(expect(EFFECT_SANDBOX, "true", ENV("REFUSE", "AuthenticationError"),
                STATUS_REFUSED, BLAME_SETUP, "AuthenticationError: no such luck"));
    free(expect(EFFECT_SANDBOX, "true", ENV("REFUSE", "ResourceError"), STATUS_FAILED,
                BLAME_WORLD, "ResourceError: no such luck"));
    struct order *order = order_of(EFFECT_SANDBOX, "true", NULL);
    set_command(&order->service_command, (const char *const[]){"no-such-bridge", NULL},
                NULL);
    free(expect_order(order, STATUS_REFUSED, BLAME_SETUP,
                      "program 'no-such-bridge' of service grainchain was not found"));
    order = order_of(EFFECT_SANDBOX, "true", NULL);
    order->bounds.has_network = false;
    free(expect_order(order, STATUS_REFUSED, BLAME_SETUP, "asks for no network"));
    free(expect(EFFECT_CHECK, "true", NULL, STATUS_REFUSED, BLAME_WORLD,
                "there is no sandbox"));
}

/* ---- pure parts -----------------------------------------------------------------------
 */

static void test_snapshots_of_providers(void **state)
{
    (void)state;
    assert_string_equal(sandbox_snapshots(SERVICE_GRAINCHAIN, "local"), "copy");
    assert_string_equal(sandbox_snapshots(SERVICE_GRAINCHAIN, "morph"), "real");
    assert_string_equal(sandbox_snapshots(SERVICE_GRAINCHAIN, "e2b"), "none");
    assert_string_equal(sandbox_snapshots(SERVICE_GRAINCHAIN, ""), "none");
    assert_string_equal(sandbox_snapshots(SERVICE_E2B, ""), "real");
    assert_string_equal(sandbox_snapshots(SERVICE_DAYTONA, ""), "real");
    assert_string_equal(sandbox_snapshots(SERVICE_GITHUB, ""), "");
}

static void test_status_line(void **state)
{
    (void)state;
    static const struct {
        const char *out;
        int status; /* -1 = no mark */
        size_t len;
    } cases[] = {
        {"words\nMARK:0\n",      0,   5 },
        {"\nMARK:255\n",         255, 0 },
        {"a\nMARK:1\nb\nMARK:2", 2,   10}, /* the last one counts */
        {"words",                -1,  0 },
        {"MARK:0",               -1,  0 },
        {"\nMARK:",              -1,  0 },
        {"\nMARK:x\n",           -1,  0 },
        {"\nMARK:999\n",         -1,  0 },
        {"\nMARK:-1\n",          -1,  0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status = -1;
        size_t len = 0;
        bool is_found =
            sandbox_status(cases[i].out, strlen(cases[i].out), "MARK", &status, &len);
        assert_int_equal(is_found, cases[i].status >= 0);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(len, cases[i].len);
    }
}

/* ---- the real library -----------------------------------------------------------------
 */

/* GRAINCHAIN_FOLDER: a checkout of the library, with its dependencies installed. */
static void test_real_library(void **state)
{
    (void)state;
    const char *library = getenv("GRAINCHAIN_FOLDER"); // NOLINT(concurrency-mt-unsafe)
    struct err err = ERR_INIT;
    if (library == NULL || !file_exists(BRIDGE)) {
        print_message("no GRAINCHAIN_FOLDER: the bridge was not tried with grainchain\n");
        skip();
    }
    AUTO_FREE char *bridge = file_real(BRIDGE, &err);
    struct order *order = order_of(EFFECT_SANDBOX, "true", ENV("PYTHONPATH", library));
    set_command(&order->service_command, (const char *const[]){"python3", bridge, NULL},
                ENV("PYTHONPATH", library));
    free(expect_order(order, STATUS_PASSED, BLAME_NONE, "of local with "));
    AUTO_FREE char *log = check_passes("cat a.txt; pwd");
    assert_non_null(strstr(log, "one\ntwo\nthree\n"));
    order = order_of(EFFECT_CHECK, "echo x >> tries; wc -l < tries; exit 1", NULL);
    order->command.retries = 1;
    AUTO_FREE char *again = expect_order(order, STATUS_FAILED, BLAME_CHANGE, "status 1");
    assert_non_null(strstr(again, "-- restored from snapshot local_snapshot_"));
    assert_null(strstr(again, "\n2\n"));
    order = order_of(EFFECT_CHECK, "sleep 1000 & sleep 1000", NULL);
    order->command.timeout = (struct span){800};
    struct mono before = mono_now();
    free(expect_order(order, STATUS_TIMED_OUT, BLAME_CHANGE, "did not end in 800ms"));
    assert_true(mono_now().ns - before.ns < 60000000000);
    free(expect(EFFECT_CLEANUP, "true", NULL, STATUS_PASSED, BLAME_NONE, "removed"));
    check_no_bridge_is_left();
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "bridge") == 0) {
        return fake_bridge();
    }
    if (argc == 3 && strcmp(argv[1], "__hold") == 0) {
        return holder_main(argv[2]);
    }
    self = realpath("/proc/self/exe", NULL);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_files_of_the_head_and_what_setup_made_are_there),
        TEST(test_environment),
        TEST(test_judged_like_local_checks),
        TEST(test_status_is_known_where_the_provider_hides_it),
        TEST(test_retries_begin_with_the_snapshot),
        TEST(test_large_archive_in_parts),
        TEST(test_cleanup),
        TEST(test_next_iteration_replaces_the_sandbox),
        TEST(test_sandbox_outlives_runner_and_engine),
        TEST(test_hanging_command_is_killed_in_time),
        TEST(test_bridge_that_hangs_is_killed),
        TEST(test_bridge_that_dies),
        TEST(test_holder_that_is_killed),
        TEST(test_lost_sandbox_is_restored_from_a_real_snapshot),
        TEST(test_stop_kills_the_command),
        TEST(test_holder_ends_with_its_folder),
        TEST(test_setup_that_is_wrong),
        cmocka_unit_test(test_snapshots_of_providers),
        cmocka_unit_test(test_status_line),
        TEST(test_real_library),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(self);
    return failed;
}
