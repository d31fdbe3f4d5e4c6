/* SPDX-License-Identifier: MIT */
/* Checks side by side in one runner: what runs at once, who ends whom, whose outcome it is, and
 * what a kill in the middle leaves. Nothing here is timed: checks wait for each other through
 * pipes with names, so that they can only pass when they run at the same time. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/hold.h"
#include "store/checks.h"
#include "tests/lib/lab.h"

#define N_MAX 4

static struct lab lab;
static char *box; /* the sandbox */

static int setup(void **state)
{
    (void)state;
    struct err err;
    lab_open(&lab);
    box = mem_printf("%s/wf-1/sandbox", lab.work);
    assert_true(file_make_dirs(box, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(box);
    lab_close(&lab);
    return 0;
}

/* Numbers 1..n, in so many lanes; the last one is the effect that is performed. */
static struct order *order_of(int lanes, size_t n, const char *const *commands)
{
    static const char *const names[N_MAX] = {"one", "two", "three", "four"};
    struct order *order = lab_order(&lab, 1, (int64_t)n, EFFECT_CHECK);
    lab_command(order, commands[n - 1]);
    order->step = (int)n - 1;
    order->lanes = lanes;
    order->n_checks = n;
    order->checks = mem_array(n, sizeof(*order->checks));
    for (size_t i = 0; i < n; i++) {
        struct order_check *check = &order->checks[i];
        check->seq = (int64_t)i + 1;
        check->step = (int)i;
        check->log = mem_printf("wf-1/%zu-%s", i + 1, names[i]);
        check->traceparent = mem_printf("00-%032d-%016zu-01", 7, i + 1);
        check->command.name = mem_str(names[i]);
        check->command.text = mem_str(commands[i]);
        check->command.argv = mem_array(4, sizeof(char *));
        check->command.argv[0] = mem_str("/bin/sh");
        check->command.argv[1] = mem_str("-c");
        check->command.argv[2] = mem_str(commands[i]);
    }
    return order;
}

static void pipes(const char *names)
{
    AUTO_FREE char *text = mem_printf("mkfifo %s", names);
    free(lab_sh(&lab, box, text));
}

static void check_part(const struct effect_result *result, size_t i,
                       enum effect_status status, const char *words)
{
    assert_true(i < result->n_parts);
    const struct effect_result *part = result->parts[i];
    assert_int_equal(part->seq, i + 1);
    if (part->status != status || strstr(part->summary, words) == NULL) {
        fail_msg("%zu is %s: %s", i + 1, status_name(part->status), part->summary);
    }
}

static void check_log(const struct effect_result *result, size_t i, const char *words)
{
    const struct effect_result *part = result->parts[i];
    assert_non_null(part->log);
    AUTO_FREE char *name = mem_printf("%s.log", part->log);
    AUTO_FREE char *text = lab_read(lab.logs, name);
    assert_string_equal(text, words);
}

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

/* ---- at once ------------------------------------------------------------------------------
 */

static void three_run_at_once(void **state)
{
    (void)state;
    pipes("ab bc ca");
    struct order *order = order_of(
        3, 3,
        (const char *const[]){"echo 1; echo x > ab; read y < ca",
                              "echo 2; read x < ab; echo y > bc",
                              "echo 3; read x < bc; echo y > ca; echo $TRACEPARENT"});
    struct effect_result *result = lab_run(order);
    assert_int_equal(result->status, STATUS_PASSED);
    assert_string_equal(result->summary, "3 checks passed");
    assert_int_equal(result->n_parts, 3);
    assert_int_equal(result->of, 3);
    for (size_t i = 0; i < 3; i++) {
        check_part(result, i, STATUS_PASSED, "passed");
        assert_int_equal(result->parts[i]->exit_status, 0);
        assert_true(result->parts[i]->cpu_ms >= 0 && result->parts[i]->peak_rss_kib > 0);
        assert_string_equal(result->parts[i]->provider, "local");
        assert_true(wall_is_set(result->parts[i]->started_at));
    }
    check_log(result, 0, "1\n");
    check_log(result, 1, "2\n");
    check_log(result, 2, "3\n00-00000000000000000000000000000007-0000000000000003-01\n");
    check_nobody_is_left();
    effect_result_free(result);
    order_free(order);
}

/* The first two wait for each other; four in all, of which never more than two are seen. */
static void not_more_than_the_lanes(void **state)
{
    (void)state;
#define COUNTED(text)                                                                    \
    ": > run.$$; ls run.* | wc -l >> seen; " text "; ls run.* | wc -l >> seen; rm "      \
    "run.$$"
    pipes("ab ba");
    struct order *order =
        order_of(2, 4,
                 (const char *const[]){COUNTED("echo x > ab; read y < ba"),
                                       COUNTED("read x < ab; echo y > ba"),
                                       COUNTED("true"), COUNTED("true")});
    struct effect_result *result = lab_run(order);
    assert_int_equal(result->status, STATUS_PASSED);
    AUTO_FREE char *seen = lab_sh(&lab, box, "sort -n seen | tail -n 1");
    assert_string_equal(seen, "2");
    effect_result_free(result);
    order_free(order);
}

/* ---- failures -----------------------------------------------------------------------------
 */

/* What a screen sees of four that are pending, while they run. */
static void check_looks(enum effect_status first, enum effect_status second)
{
    struct arena *arena = arena_new();
    struct effect_row rows[N_MAX + 1] = {
        {.workflow = 1, .seq = 9, .kind = EFFECT_CHECK, .status = STATUS_LOST}
    };
    AUTO_FREE char *store = mem_strn(lab.work, strlen(lab.work) - strlen("-work"));
    for (int i = 0; i < N_MAX; i++) {
        rows[i + 1] = (struct effect_row){.workflow = 1,
                                          .seq = i + 1,
                                          .kind = EFFECT_CHECK,
                                          .status = STATUS_PENDING,
                                          .summary = "",
                                          .log = ""};
    }
    const struct effect_row *seen = checks_look(store, arena, rows, N_MAX + 1);
    assert_int_equal(seen[0].status, STATUS_LOST);
    assert_int_equal(seen[1].status, first);
    assert_int_equal(seen[2].status, second);
    assert_string_equal(seen[2].summary, "two failed with exit status 3");
    assert_string_equal(seen[2].log, "wf-1/2-two");
    assert_int_equal(seen[2].exit_status, 3);
    assert_int_equal(seen[4].status, STATUS_PENDING);
    assert_int_equal(rows[2].status, STATUS_PENDING);
    assert_ptr_equal(checks_look(store, arena, rows, 2), rows); /* one alone */
    arena_free(arena);
}

/* two fails while one and three run: three is ended, four is not begun, one is waited for. */
static void a_failure_ends_those_behind_it(void **state)
{
    (void)state;
    pipes("up never");
    struct order *order = order_of(
        3, 4,
        (const char *const[]){"while ! test -e over; do sleep 0.01; done; echo one",
                              "read x < up; echo 'a.c:1: error: no'; exit 3",
                              "echo three; echo x > up; read x < never", "touch four"});
    pid_t pid = lab_start(order);
    lab_wait(&lab, order->folder,
             "test -e check-2/result.json -a -e check-3/result.json");
    check_looks(STATUS_PENDING, STATUS_FAILED);
    free(lab_sh(&lab, box,
                "touch over")); /* the others are settled; only one still runs */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct effect_result *result = lab_answer(order);
    assert_int_equal(result->of, 2);
    assert_int_equal(result->status, STATUS_FAILED);
    assert_int_equal(result->blame, BLAME_CHANGE);
    assert_int_equal(result->exit_status, 3);
    assert_string_equal(result->summary, "two failed with exit status 3");
    assert_string_equal(result->log, "wf-1/2-two");
    assert_non_null(strstr(result->excerpt, "a.c:1: error: no"));
    assert_null(strstr(result->excerpt, "three"));
    check_part(result, 0, STATUS_PASSED, "one passed");
    check_part(result, 1, STATUS_FAILED, "two failed with exit status 3");
    check_part(result, 2, STATUS_CANCELLED, "ended: 'two' has failed");
    check_part(result, 3, STATUS_SKIPPED, "not begun: 'two' has failed");
    check_log(result, 0, "one\n");
    check_log(result, 2, "three\n");
    AUTO_FREE char *none = lab_sh(&lab, box, "test ! -e four && echo none");
    assert_string_equal(none, "none");
    check_nobody_is_left();
    effect_result_free(result);
    order_free(order);
}

/* three fails first, then one: the outcome is that of one, as it would have been in turn. */
static void the_first_in_their_order_is_told(void **state)
{
    (void)state;
    pipes("ab");
    struct order *order = order_of(
        3, 3,
        (const char *const[]){"read x < ab; echo 'first: error: 1'; exit 4", "true",
                              "echo 'third: error: 3'; echo x > ab; exit 5"});
    struct effect_result *result = lab_run(order);
    assert_int_equal(result->of, 1);
    assert_string_equal(result->summary, "one failed with exit status 4");
    assert_non_null(strstr(result->excerpt, "first: error: 1"));
    assert_null(strstr(result->excerpt, "third"));
    check_part(result, 0, STATUS_FAILED, "one failed with exit status 4");
    assert_int_not_equal(result->parts[2]->status, STATUS_PASSED); /* failed, or ended */
    effect_result_free(result);
    order_free(order);
}

static void one_that_may_fail_ends_nobody(void **state)
{
    (void)state;
    struct order *order =
        order_of(2, 3,
                 (const char *const[]){"exit 1", "echo x >> tries; test -s over",
                                       "echo yes > over"});
    order->checks[0].command.may_fail = true;
    order->checks[1].command.retries = 100;
    struct effect_result *result = lab_run(order);
    assert_int_equal(result->status, STATUS_PASSED);
    check_part(result, 0, STATUS_FAILED, "one failed with exit status 1");
    assert_true(result->parts[1]->status == STATUS_PASSED ||
                result->parts[1]->status == STATUS_FLAKY);
    check_part(result, 2, STATUS_PASSED, "three passed");
    assert_non_null(strstr(result->summary, "2 checks passed"));
    assert_non_null(strstr(result->summary, "failed, as they may: one"));
    effect_result_free(result);
    order_free(order);
}

static void each_has_its_retries_and_its_time(void **state)
{
    (void)state;
    struct order *order =
        order_of(3, 3,
                 (const char *const[]){"echo x >> tries; test $(wc -l < tries) -ge 3",
                                       "true", "sleep 1000"});
    order->checks[0].command.retries = 2;
    order->checks[2].command.timeout = (struct span){300};
    struct effect_result *result = lab_run(order);
    check_part(result, 0, STATUS_FLAKY, "one passed at try 3 of 3");
    assert_int_equal(result->parts[0]->tries, 3);
    check_part(result, 2, STATUS_TIMED_OUT, "three did not end in 300ms and was killed");
    assert_int_equal(result->of, 3);
    assert_int_equal(result->status, STATUS_TIMED_OUT);
    assert_int_equal(result->blame, BLAME_CHANGE);
    check_nobody_is_left();
    effect_result_free(result);
    order_free(order);
}

/* ---- ends from outside --------------------------------------------------------------------
 */

static void a_stop_ends_all(void **state)
{
    (void)state;
    struct order *order = order_of(
        2, 3,
        (const char *const[]){"touch a; sleep 1000", "touch b; sleep 1000", "true"});
    pid_t pid = lab_start(order);
    lab_wait(&lab, box, "test -e a -a -e b");
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct effect_result *result = lab_answer(order);
    assert_int_equal(result->status, STATUS_CANCELLED);
    for (size_t i = 0; i < 3; i++) {
        check_part(result, i, STATUS_CANCELLED, "stopped");
    }
    check_nobody_is_left();
    effect_result_free(result);
    order_free(order);
}

/* One is over, two and three stand in the middle. */
static void killed_in_the_middle_no_check_counts_twice(void **state)
{
    (void)state;
    pipes("hang");
    /* one and two begin together, three when one has ended */
    struct order *order = order_of(
        2, 3,
        (const char *const[]){"echo x >> runs-one",
                              "echo x >> runs-two; test -e go || read x < hang",
                              "test -e go || read x < hang; echo x >> runs-three"});
    pid_t pid = lab_start(order);
    lab_wait(&lab, order->folder, "test -e check-1/result.json");
    lab_wait(&lab, box, "test -e runs-two");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    free(lab_sh(&lab, box, "touch go"));
    struct effect_result *result = lab_run(order);
    assert_int_equal(result->status, STATUS_PASSED);
    for (size_t i = 0; i < 3; i++) {
        check_part(result, i, STATUS_PASSED, "passed");
    }
    AUTO_FREE char *runs = lab_sh(&lab, box, "cat runs-one runs-three | wc -l");
    assert_string_equal(runs, "2");
    AUTO_FREE char *two = lab_sh(&lab, box, "wc -l < runs-two");
    assert_string_equal(two, "2");
    check_nobody_is_left();
    effect_result_free(result);
    order_free(order);
}

/* A worker that is killed is lost; what it ran is not left. */
static void a_worker_that_vanishes_is_lost(void **state)
{
    (void)state;
    struct order *order =
        order_of(2, 2,
                 (const char *const[]){
                     "(setsid sleep 1000 &) ; kill -9 $PPID; sleep 1000", "true"});
    struct effect_result *result = lab_run(order);
    check_part(result, 0, STATUS_LOST, "one vanished without a result");
    assert_int_equal(result->status, STATUS_LOST);
    assert_int_equal(result->blame, BLAME_WORLD);
    assert_int_equal(result->of, 1);
    check_nobody_is_left();
    effect_result_free(result);
    order_free(order);
}

/* Halted, what they run is stopped; let go on, it ends. */
static void a_halt_stops_all_of_them(void **state)
{
    (void)state;
    pipes("go-one go-two");
    /* no child is between fork and exec when it is stopped: its shell would not be "T" then */
    struct order *order =
        order_of(2, 2,
                 (const char *const[]){"echo $$ > pid-one; read -r x < go-one",
                                       "echo $$ > pid-two; read -r x < go-two"});
    AUTO_FREE char *file = file_join(lab.work, HOLD_FILE);
    pid_t pid = lab_start(order);
    lab_wait(&lab, box, "test -s pid-one -a -s pid-two");
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(kill(pid, HOLD_SIGNAL), 0);
    lab_wait(&lab, box,
             "for f in pid-one pid-two; do grep -q '^State:.T' "
             "/proc/$(cat $f)/status || exit 1; done");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(kill(pid, HOLD_SIGNAL), 0);
    free(lab_sh(&lab, box, "echo x > go-one; echo x > go-two"));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct effect_result *result = lab_answer(order);
    assert_int_equal(result->status, STATUS_PASSED);
    effect_result_free(result);
    order_free(order);
}

/* ---- files --------------------------------------------------------------------------------
 */

static void the_order_survives_writing(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct order *order = order_of(5, 3, (const char *const[]){"a \"b'", "true", "c"});
    order->checks[1].command.may_fail = true;
    order->checks[1].command.retries = 7;
    order->checks[2].command.timeout = (struct span){1234};
    assert_true(order_write(order, NULL, &err));
    struct order *back = order_read(order->folder, &err);
    assert_non_null(back);
    assert_int_equal(back->lanes, 5);
    assert_int_equal(back->n_checks, 3);
    assert_int_equal(back->checks[2].seq, 3);
    assert_int_equal(back->checks[2].step, 2);
    assert_string_equal(back->checks[0].command.argv[2], "a \"b'");
    assert_true(back->checks[1].command.may_fail && !back->checks[0].command.may_fail);
    assert_int_equal(back->checks[1].command.retries, 7);
    assert_int_equal(back->checks[2].command.timeout.ms, 1234);
    assert_string_equal(back->checks[1].log, "wf-1/2-two");
    order_free(back);
    order_free(order);
}

/* A service that runs one command at a time never gets several as if they were one. */
static void a_service_refuses_them(void **state)
{
    (void)state;
    struct order *order = order_of(2, 2, (const char *const[]){"touch ran", "touch ran"});
    lab_set(&order->provider, "grainchain");
    order->service_kind = SERVICE_GRAINCHAIN;
    struct effect_result *result = lab_run(order);
    assert_int_equal(result->status, STATUS_REFUSED);
    assert_int_equal(result->blame, BLAME_SETUP);
    assert_int_equal(result->n_parts, 0);
    effect_result_free(result);
    order_free(order);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(three_run_at_once),
        TEST(not_more_than_the_lanes),
        TEST(a_failure_ends_those_behind_it),
        TEST(the_first_in_their_order_is_told),
        TEST(one_that_may_fail_ends_nobody),
        TEST(each_has_its_retries_and_its_time),
        TEST(a_stop_ends_all),
        TEST(killed_in_the_middle_no_check_counts_twice),
        TEST(a_worker_that_vanishes_is_lost),
        TEST(a_halt_stops_all_of_them),
        TEST(the_order_survives_writing),
        TEST(a_service_refuses_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
