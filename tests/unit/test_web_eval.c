/* SPDX-License-Identifier: MIT */
/* The evaluators that are services, in real runners against a server that misbehaves. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/fakes/mcp.h"
#include "tests/lib/lab.h"

#define STUB "../shared/services/webeval-mcp-stub.mjs" /* beside a checkout, if at all */

static struct lab lab;
static int64_t seq;
static char *self;

static int setup(void **state)
{
    (void)state;
    lab_open(&lab);
    seq = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lab_close(&lab);
    return 0;
}

/* An order for the evaluator at a service whose command is `argv`; env: name, value ... */
static struct order *order_of(enum service_kind kind, const char *const *argv,
                              const char *const *env)
{
    struct order *order = lab_order(&lab, 1, ++seq, EFFECT_EVALUATE);
    size_t n = 0;
    order->provider = mem_str("web_eval_agent");
    order->service_kind = kind;
    while (argv[n] != NULL) {
        n++;
    }
    order->service_command.argv = mem_array(n + 1, sizeof(char *));
    for (size_t i = 0; i < n; i++) {
        order->service_command.argv[i] = mem_str(argv[i]);
    }
    for (n = 0; env != NULL && env[2 * n] != NULL; n++) {
    }
    order->service_command.env = mem_array(n, sizeof(struct env_var));
    order->service_command.n_env = n;
    for (size_t i = 0; i < n; i++) {
        order->service_command.env[i] = (struct env_var){
            .name = mem_str(env[2 * i]), .value = mem_str(env[2 * i + 1])};
    }
    order->service_command.name = mem_str("");
    order->service_command.text = mem_str("");
    order->evaluator_url = mem_str("http://localhost:3000");
    order->evaluator_task = mem_str("log in");
    lab_file(order, "task.md", "the task\n");
    return order;
}

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct order *server_order(const char *const *env)
{
    return order_of(SERVICE_WEB_EVAL, (const char *const[]){self, "mcp-server", NULL},
                    env);
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

/* Runs it and gives the log. */
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

static char *expect(const char *const *env, enum effect_status status, enum blame blame,
                    const char *words)
{
    return expect_order(server_order(env), status, blame, words);
}

static char *trace_path(void)
{
    return file_join(lab.root, "trace");
}

/* Nothing that was started for the effect is left. */
static void check_nobody_is_left(const struct order *order)
{
    AUTO_FREE char *entry = mem_printf("%s", strrchr(order->folder, '/') + 1);
    AUTO_FREE char *text =
        mem_printf("! grep -lsz 'SIGNALBOX_EFFECT=[^=]*%.20s/[^=]*/wf-1/%s$' "
                   "/proc/[0-9]*/environ | grep -v /self/",
                   strstr(lab.work, "signalbox-lab-"), entry);
    lab_wait(&lab, "/", text);
}

/* ---- the server -----------------------------------------------------------------------
 */

static void test_good_report(void **state)
{
    (void)state;
    AUTO_FREE char *trace = trace_path();
    AUTO_FREE char *log = expect(ENV("TRACE", trace, "DISPLAY_IS", "x"), STATUS_PASSED,
                                 BLAME_NONE, "no console error");
    assert_non_null(strstr(log, "-- Operative 1.6.0, protocol 2024-11-05 --\n"));
    assert_non_null(strstr(log, "browsing ...\n"));
    assert_non_null(strstr(log, "All is well, no errors were found."));
    AUTO_FREE char *seen = lab_read(lab.root, "trace");
    assert_non_null(strstr(seen, "no terminal\nno display\ntrue\n"));
    assert_non_null(strstr(seen, "\"arguments\":{\"url\":\"http://localhost:3000\","
                                 "\"task\":\"log in\",\"headless_browser\":true}"));
    assert_non_null(strstr(seen, "end of stdin"));
}

static void test_image_is_saved_and_shown(void **state)
{
    (void)state;
    AUTO_FREE char *first = mem_printf("%s/wf-1/1-evaluate-1.jpg", lab.logs);
    AUTO_FREE char *third = mem_printf("%s/wf-1/1-evaluate-3.jpg", lab.logs);
    AUTO_FREE char *words = mem_printf("; 3 images: %s ...", first);
    AUTO_FREE char *log = expect(ENV("IMAGES", "3"), STATUS_PASSED, BLAME_NONE, words);
    assert_non_null(strstr(log, third));
    AUTO_FREE char *image = lab_read("/", third + 1);
    assert_memory_equal(image, "\xff\xd8\xff\xe0", 4);
}

static void test_bad_reports(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum effect_status status;
        enum blame blame;
        const char *words;
    } cases[] = {
        {"FAIL",     STATUS_FAILED,  BLAME_CHANGE, "evaluation: Error: browser crashed"  },
        {"CONSOLE",  STATUS_FAILED,  BLAME_CHANGE, "console error: 2. TypeError"         },
        {"REQUESTS", STATUS_FAILED,  BLAME_CHANGE, "failed request: 1. POST"             },
        {"UNHAPPY",  STATUS_FAILED,  BLAME_CHANGE, "conclusion: The login button"        },
        {"CRASH",    STATUS_FAILED,  BLAME_WORLD,  "tool: Error executing web_eval_agent"},
        {"KEY",      STATUS_REFUSED, BLAME_SETUP,  "key: "                               },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct order *order = server_order(ENV(cases[i].what, "1"));
        struct effect_result *result = lab_run(order);
        check(result, cases[i].status, cases[i].blame, cases[i].words);
        assert_non_null(result->excerpt);
        assert_non_null(strstr(result->excerpt, cases[i].words));
        effect_result_free(result);
        order_free(order);
    }
}

static void test_noise_disorder_pages_and_ping(void **state)
{
    (void)state;
    AUTO_FREE char *log = expect(ENV("NOISE", "1", "DISORDER", "1", "PAGES", "1", "PING",
                                     "1", "NOISE_LONG", "300000"),
                                 STATUS_PASSED, BLAME_NONE, "");
    assert_non_null(strstr(log, "Error: No API key provided."));
    assert_non_null(strstr(log, "warming up\n"));
}

static void test_megabyte_line_and_the_bound(void **state)
{
    (void)state;
    AUTO_FREE char *log = expect(ENV("HUGE", "8000000"), STATUS_PASSED, BLAME_NONE, "");
    assert_non_null(strstr(log, "-2.png --\n"));
    struct order *order = server_order(ENV("HUGE", "8000000"));
    order->message_max = 1000000;
    free(expect_order(order, STATUS_FAILED, BLAME_WORLD,
                      "a message of the server is longer than 1000000 bytes"));
}

static void test_server_that_dies(void **state)
{
    (void)state;
    static const char *const places[] = {"initialize", "list", "call"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        AUTO_FREE char *log =
            expect(ENV("DIE", places[i]), STATUS_FAILED, BLAME_WORLD,
                   "the server of service web_eval_agent ended with exit status 3");
        assert_non_null(strstr(log, "fatal: I die\n"));
    }
    free(expect(ENV("ERROR", "call"), STATUS_FAILED, BLAME_WORLD,
                "answered web_eval_agent with error -32603: out of order"));
    free(expect(ENV("VERSION", "1999-01-01"), STATUS_FAILED, BLAME_WORLD, "1999-01-01"));
    free(expect(ENV("TOOLS", "none"), STATUS_REFUSED, BLAME_SETUP, "has no tool"));
}

static void test_deadline_is_ours(void **state)
{
    (void)state;
    AUTO_FREE char *trace = trace_path();
    struct order *order = server_order(ENV("HANG", "call", "TRACE", trace));
    order->command.timeout = span_s(3); /* it has to begin first */
    struct mono before = mono_now();
    struct effect_result *result = lab_run(order);
    check(result, STATUS_TIMED_OUT, BLAME_WORLD, "did not end in 3s and was killed");
    assert_true(mono_now().ns - before.ns < 60000000000);
    effect_result_free(result);
    order_free(order);
    AUTO_FREE char *seen = lab_read(lab.root, "trace");
    assert_non_null(strstr(seen, "end of stdin")); /* it was let end by itself */
    order = server_order(ENV("HANG", "initialize"));
    order->deadline_at = wall_add(wall_now(), (struct span){700});
    free(expect_order(order, STATUS_TIMED_OUT, BLAME_WORLD,
                      "did not answer initialize in time"));
}

static void test_stubborn_server_is_killed_with_its_children(void **state)
{
    (void)state;
    AUTO_FREE char *trace = trace_path();
    struct order *order =
        server_order(ENV("HANG", "call", "STUBBORN", "1", "TRACE", trace));
    order->command.timeout = span_s(3);
    struct effect_result *result = lab_run(order);
    check(result, STATUS_TIMED_OUT, BLAME_WORLD, "");
    check_nobody_is_left(order);
    effect_result_free(result);
    order_free(order);
}

static void test_server_that_never_stops_talking(void **state)
{
    (void)state;
    struct order *order = server_order(ENV("HANG", "call", "CHATTER", "1"));
    order->command.timeout = span_s(3);
    struct mono before = mono_now();
    free(expect_order(order, STATUS_TIMED_OUT, BLAME_WORLD, "did not end in 3s"));
    assert_true(mono_now().ns - before.ns < 60000000000);
}

static void test_stop(void **state)
{
    (void)state;
    AUTO_FREE char *trace = trace_path();
    struct order *order = server_order(ENV("HANG", "call", "TRACE", trace));
    pid_t pid = lab_start(order);
    lab_wait(&lab, lab.root, "grep -q tools/call trace");
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct effect_result *result = lab_answer(order);
    check(result, STATUS_CANCELLED, BLAME_NONE, "stopped");
    check_nobody_is_left(order);
    effect_result_free(result);
    order_free(order);
}

static void test_runner_that_died_is_repeated(void **state)
{
    (void)state;
    AUTO_FREE char *trace = trace_path();
    struct order *order =
        server_order(ENV("HANG", "call", "STUBBORN", "1", "TRACE", trace));
    pid_t pid = lab_start(order);
    lab_wait(&lab, lab.root, "grep -q tools/call trace");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    order->service_command.n_env = 0; /* it behaves now */
    struct effect_result *result = lab_run(order);
    check(result, STATUS_PASSED, BLAME_NONE, "");
    order->service_command.n_env = 3;
    check_nobody_is_left(order);
    effect_result_free(result);
    order_free(order);
}

static void test_setup_that_is_wrong(void **state)
{
    (void)state;
    struct order *order =
        order_of(SERVICE_WEB_EVAL, (const char *const[]){"no-such-server", NULL}, NULL);
    free(
        expect_order(order, STATUS_REFUSED, BLAME_SETUP,
                     "program 'no-such-server' of service web_eval_agent was not found"));
    order = server_order(ENV("KEY_OF_MINE", "${NO_SUCH_VARIABLE}"));
    free(expect_order(order, STATUS_REFUSED, BLAME_SETUP,
                      "service web_eval_agent needs the variable NO_SUCH_VARIABLE"));
    order = server_order(NULL);
    lab_set(&order->evaluator_url, "");
    free(expect_order(order, STATUS_REFUSED, BLAME_SETUP, "no evaluator.url"));
    order = server_order(NULL);
    order->kind = EFFECT_MERGE;
    free(expect_order(order, STATUS_REFUSED, BLAME_SETUP, "does not perform 'merge'"));
}

static void test_secrets_do_not_reach_the_log(void **state)
{
    (void)state;
    static const char program[] =
        "echo key=$OPERATIVE_API_KEY >&2; echo \"Error: $OPERATIVE_API_KEY\"; exit 1";
    assert_int_equal(setenv("SIGNALBOX_TEST_KEY", "op-hunter2-secret", 1), 0);
    struct order *order =
        order_of(SERVICE_WEB_EVAL, (const char *const[]){"/bin/sh", "-c", program, NULL},
                 ENV("OPERATIVE_API_KEY", "${SIGNALBOX_TEST_KEY}"));
    AUTO_FREE char *folder = mem_str(order->folder);
    AUTO_FREE char *log =
        expect_order(order, STATUS_FAILED, BLAME_WORLD, "exit status 1");
    assert_null(strstr(log, "hunter2"));
    assert_non_null(strstr(log, "key=*****************\n"));
    AUTO_FREE char *answer = lab_read(folder, "result.json");
    assert_null(strstr(answer, "hunter2"));
    assert_int_equal(unsetenv("SIGNALBOX_TEST_KEY"), 0);
}

static void test_task_of_the_workflow_stands_in(void **state)
{
    (void)state;
    AUTO_FREE char *trace = trace_path();
    struct order *order = server_order(ENV("TRACE", trace));
    lab_set(&order->evaluator_task, "");
    free(expect_order(order, STATUS_PASSED, BLAME_NONE, ""));
    AUTO_FREE char *seen = lab_read(lab.root, "trace");
    assert_non_null(strstr(seen, "\"task\":\"the task\\n\""));
}

/* ---- the real SDK ---------------------------------------------------------------------
 */

/* Folder with node_modules/@modelcontextprotocol/sdk; NULL with a word about it. */
static char *find_sdk(char **ret_stub)
{
    const char *modules = getenv("MCP_SDK_FOLDER"); // NOLINT(concurrency-mt-unsafe)
    static const char *const stubs[] = {STUB,
                                        "../../shared/services/webeval-mcp-stub.mjs"};
    struct err err = ERR_INIT;
    AUTO_FREE char *sdk = mem_printf("%s/node_modules/@modelcontextprotocol/sdk",
                                     modules != NULL ? modules : ".");
    *ret_stub = NULL;
    for (size_t i = 0; i < ARRAY_LEN(stubs) && *ret_stub == NULL; i++) {
        *ret_stub = file_exists(stubs[i]) ? file_real(stubs[i], &err) : NULL;
    }
    if (*ret_stub == NULL || !file_exists(sdk)) {
        print_message("no %s: not tried against the SDK of the protocol (npm i "
                      "@modelcontextprotocol/sdk in MCP_SDK_FOLDER)\n",
                      *ret_stub == NULL ? STUB : sdk);
        free(*ret_stub);
        return NULL;
    }
    return mem_str(modules != NULL ? modules : ".");
}

static void test_real_sdk(void **state)
{
    (void)state;
    char *stub;
    AUTO_FREE char *modules = find_sdk(&stub);
    if (modules == NULL) {
        skip();
    }
    /* modules are looked for beside the script */
    AUTO_FREE char *command = mem_printf("cp '%s' '%s/stub.mjs'", stub, modules);
    free(lab_sh(&lab, ".", command));
    AUTO_FREE char *script = mem_printf("%s/stub.mjs", modules);
    AUTO_FREE char *full = realpath(script, NULL);
    const char *const argv[] = {"node", full, NULL};
    AUTO_FREE char *log =
        expect_order(order_of(SERVICE_WEB_EVAL, argv, ENV("NOISE", "1")), STATUS_PASSED,
                     BLAME_NONE, "; image: ");
    assert_non_null(strstr(log, "Error: No API key provided."));
    struct order *order = order_of(SERVICE_WEB_EVAL, argv, NULL);
    lab_set(&order->evaluator_task, "FAIL");
    free(expect_order(order, STATUS_FAILED, BLAME_CHANGE, "browser crashed"));
    free(stub);
}

/* ---- the command ----------------------------------------------------------------------
 */

/* A web-eval that looks at its options and writes `json`. */
static struct order *cli_order(const char *json, int status, const char *then)
{
    AUTO_FREE char *program = mem_printf(
        "test \"$1 $3 $5 $6 $7 $9\" = '--url --instructions --format json --output "
        "--headless' && test -s \"$4\" || exit 9; echo looking at \"$2\"; "
        "printf '%%s' '%s' > \"$8\"; %s exit %d",
        json, then, status);
    return order_of(SERVICE_WEB_EVAL_CLI,
                    (const char *const[]){"/bin/sh", "-c", program, "web-eval", NULL},
                    NULL);
}

static void test_command(void **state)
{
    (void)state;
    static const char good[] =
        "{\"test_results\":[{\"scenario_name\":\"a\",\"passed\":true,"
        "\"validation_results\":[1],\"screenshots\":[\"shot.png\","
        "\"iVBORw0KGgoAAAANSUhEUg"
        "AAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\"]}]"
        "}";
    AUTO_FREE char *log = expect_order(cli_order(good, 0, ""), STATUS_PASSED, BLAME_NONE,
                                       "1 scenario passed; image: ");
    assert_non_null(strstr(log, "looking at http://localhost:3000\n"));
    assert_non_null(strstr(log, "image: shot.png"));
    free(expect_order(cli_order("{\"test_results\":[{\"scenario_name\":\"a\",\"passed\":"
                                "false,\"error_message\":\"no button\"}]}",
                                1, ""),
                      STATUS_FAILED, BLAME_CHANGE, "scenario: a: no button"));
    free(expect_order(cli_order("{\"test_results\":[{\"scenario_name\":\"a\",\"passed\":"
                                "true}]}",
                                0, ""),
                      STATUS_FAILED, BLAME_OPERATOR, "a validated nothing"));
    free(expect_order(cli_order("{}", 130, ""), STATUS_FAILED, BLAME_WORLD,
                      "it was interrupted"));
    free(expect_order(cli_order("", 1, "rm \"$8\";"), STATUS_FAILED, BLAME_WORLD,
                      "no report: the command ended with exit status 1"));
    free(expect_order(cli_order("", 0, "kill -9 $$;"), STATUS_FAILED, BLAME_WORLD,
                      "was killed by SIGKILL"));
    struct order *order = cli_order("{}", 0, "sleep 1000;");
    order->command.timeout = (struct span){300};
    free(expect_order(order, STATUS_TIMED_OUT, BLAME_WORLD, "did not end in 300ms"));
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "mcp-server") == 0) {
        return fake_mcp();
    }
    self = realpath("/proc/self/exe", NULL);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_good_report),
        TEST(test_image_is_saved_and_shown),
        TEST(test_bad_reports),
        TEST(test_noise_disorder_pages_and_ping),
        TEST(test_megabyte_line_and_the_bound),
        TEST(test_server_that_dies),
        TEST(test_deadline_is_ours),
        TEST(test_stubborn_server_is_killed_with_its_children),
        TEST(test_server_that_never_stops_talking),
        TEST(test_stop),
        TEST(test_runner_that_died_is_repeated),
        TEST(test_setup_that_is_wrong),
        TEST(test_secrets_do_not_reach_the_log),
        TEST(test_task_of_the_workflow_stands_in),
        TEST(test_real_sdk),
        TEST(test_command),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(self);
    return failed;
}
