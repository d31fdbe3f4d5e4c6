/* SPDX-License-Identifier: MIT */
/*
 * Two consoles, one engine, one approval: both decide at the same moment. One decision holds, and who
 * lost reads who decided, and what.
 *
 * SIGNALBOX_RACES=1000 runs so many rounds; the times in which the loser was told are printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "store/approval.h"
#include "store/sqlite_private.h"
#include "tests/lib/desk.h"
#include "tests/lib/flavour.h"

#define SOON_MS 20000
#define ROUNDS  10
#define FEW     3

/* The plan waits; what comes after it ends at once. */
static const char pipeline[] = "name: race\n"
                               "agent: {command: \"true\"}\n"
                               "plan: {mode: ask, command: echo the plan}\n"
                               "validate: []\n"
                               "limits: {retries: 0, iterations: 1}\n";

struct races {
    struct desk *desk, other; /* other: the same place, a second console */
    struct reader *reader;
    int n_approved, n_rejected;
    int64_t told_ms[100000];
    int n_told;
};

static int64_t now_ms(void)
{
    return mono_now().ns / 1000000;
}

static void must_see(struct pty *pty, const char *text)
{
    if (!pty_wait_text(pty, text, SOON_MS)) {
        AUTO_FREE char *screen = pty_screen(pty);
        fail_msg("missing '%s' in:\n%s", text, screen);
    }
}

static void run(const struct desk *desk, const char *const argv[])
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        (void)!chdir(desk->folder);
        (void)!freopen("/dev/null", "w", stdout);
        (void)putenv(desk->home);
        (void)putenv(desk->xdg_config);
        (void)putenv(desk->xdg_state);
        (void)setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_msg("%s %s: status %d", argv[0], argv[1], status);
    }
}

static int64_t number(struct races *races, const char *sql)
{
    struct err err = ERR_INIT;
    int64_t n = -1;
    if (!database_number(&races->reader->database, sql, &n, &err)) {
        fail_msg("%s: %s", sql, err.msg);
    }
    return n;
}

/* An approval for each round, made by the engine itself. */
static void submit(const struct desk *desk, int n)
{
    const char *given = getenv("SIGNALBOX");
    AUTO_FREE char *here = getcwd(NULL, 0);
    AUTO_FREE char *program =
        given != NULL ? mem_str(given) : mem_printf("%s/build/signalbox", here);
    for (int i = 0; i < n; i++) {
        AUTO_FREE char *task = mem_printf("race %d", i + 1);
        run(desk, (const char *const[]){program, "--config", desk->config, "--store",
                                        desk->store, "submit", "-p", "race.yaml",
                                        "--repo", "repo", "--task", task, NULL});
    }
}

static void set_up_place(const struct desk *desk)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(desk->folder, "race.yaml");
    assert_true(file_write(path, pipeline, strlen(pipeline), &err));
    run(desk, (const char *const[]){"git", "init", "-q", "-b", "main", "repo", NULL});
    run(desk, (const char *const[]){"git", "-C", "repo", "-c", "user.name=t", "-c",
                                    "user.email=t@example.org", "commit", "-q",
                                    "--allow-empty", "-m", "first", NULL});
    desk_configure(desk, "on_hangup: stop\nmax_running: 2000\n");
}

/* The card of this round, painted, in one console. */
static void open_card(struct pty *pty, int round)
{
    AUTO_FREE char *command = mem_printf(":a-%d\r", round);
    AUTO_FREE char *asked = mem_printf("a-%d, asked by", round);
    pty_send(pty, command);
    must_see(pty, asked);
    assert_true(pty_wait_quiet(pty, 60, SOON_MS));
}

/* Until the one who lost reads of it; both terminals go on being read. */
static void wait_told(struct races *races, struct pty *approver, struct pty *rejecter,
                      int round)
{
    AUTO_FREE char *approved = mem_printf("a-%d was approved by", round);
    AUTO_FREE char *rejected = mem_printf("a-%d was rejected by", round);
    int64_t begun = now_ms();
    bool has_lost[2] = {false, false}; /* who approves, who rejects */
    while (!has_lost[0] && !has_lost[1]) {
        (void)pty_wait_quiet(approver, 3, 3);
        (void)pty_wait_quiet(rejecter, 3, 3);
        AUTO_FREE char *one = pty_screen(approver);
        AUTO_FREE char *two = pty_screen(rejecter);
        has_lost[0] = strstr(one, rejected) != NULL;
        has_lost[1] = strstr(two, approved) != NULL;
        if (now_ms() - begun > SOON_MS) {
            print_message("%s\n", one);
            print_message("%s\n", two);
            fail_msg("round %d: nobody was told", round);
        }
    }
    races->told_ms[races->n_told++] = now_ms() - begun;
    assert_false(has_lost[0] && has_lost[1]);
}

/* What stands in the store: one answer was done, and the status is its. */
static void check(struct races *races, int round)
{
    AUTO_FREE char *status =
        mem_printf("SELECT status FROM approval WHERE id = %d", round);
    AUTO_FREE char *done = mem_printf("SELECT count(*) FROM command WHERE answer = 0 AND "
                                      "verb IN ('approve', 'reject') AND "
                                      "args LIKE '%%\"approval\":%d,%%'",
                                      round);
    int64_t now = number(races, status);
    assert_true(now == APPROVAL_APPROVED || now == APPROVAL_REJECTED);
    races->n_approved += now == APPROVAL_APPROVED;
    races->n_rejected += now == APPROVAL_REJECTED;
    assert_int_equal(number(races, done), 1);
}

/* What is typed before the question is on the screen is dropped: then once more. */
static void type_reason(struct pty *pty)
{
    int64_t end = now_ms() + SOON_MS;
    do {
        assert_true(now_ms() < end);
        assert_true(pty_wait_quiet(pty, 60, SOON_MS));
        pty_send(pty, "too late");
    } while (!pty_wait_text(pty, "too late", 2000));
    assert_true(pty_wait_quiet(pty, 60, SOON_MS));
}

static void race(struct races *races, int round)
{
    bool is_swapped = round / 2 % 2 == 1;
    struct pty *first = is_swapped ? races->other.pty : races->desk->pty;
    struct pty *second = is_swapped ? races->desk->pty : races->other.pty;
    AUTO_FREE char *prompt = mem_printf("reject a-%d, reason", round);
    AUTO_FREE char *crumb = mem_printf("› a-%d", round);
    open_card(first, round);
    open_card(second, round);
    pty_send(second, "r");
    must_see(second, prompt);
    type_reason(second);
    if (round % 2 == 0) { /* who writes first has no advantage over many rounds */
        pty_send(first, "a");
        pty_send(second, "\r");
    } else {
        pty_send(second, "\r");
        pty_send(first, "a");
    }
    wait_told(races, first, second, round);
    check(races, round);
    pty_send(first, "\x1b");
    pty_send(second, "\x1b");
    assert_true(pty_wait_no_text(first, crumb, SOON_MS));
    assert_true(pty_wait_no_text(second, crumb, SOON_MS));
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void of_two_consoles_one_decides(void **state)
{
    const char *wanted = getenv("SIGNALBOX_RACES");
    int n = wanted != NULL ? (int)strtol(wanted, NULL, 10) : FEWER(ROUNDS, FEW);
    struct err err = ERR_INIT;
    struct races *races = mem_alloc(sizeof(*races));
    races->desk = *state;
    assert_in_range(n, 1, (int)ARRAY_LEN(races->told_ms));
    set_up_place(races->desk);
    races->other = *races->desk;
    races->other.pty = NULL;
    desk_start(races->desk, 80, 24, NULL, NULL, NULL);
    must_see(races->desk->pty, "engine up");
    submit(races->desk, n);
    desk_start(&races->other, 80, 24, NULL, NULL, NULL);
    must_see(races->other.pty, "engine up");
    races->reader = reader_open(races->desk->store, &err);
    assert_non_null(races->reader);
    for (int64_t end = now_ms() + SOON_MS + 100 * n;
         number(races, "SELECT count(*) FROM approval") < n;) {
        assert_true(now_ms() < end);
        (void)pty_wait_quiet(races->desk->pty, 20, 50);
    }
    for (int round = 1; round <= n; round++) {
        race(races, round);
    }
    qsort(races->told_ms, (size_t)races->n_told, sizeof(races->told_ms[0]), by_size);
    print_message(
        "%d races: %d approved, %d rejected; the loser was told within %lld ms in "
        "the middle, %lld ms at most\n",
        n, races->n_approved, races->n_rejected,
        (long long)races->told_ms[races->n_told / 2],
        (long long)races->told_ms[races->n_told - 1]);
    assert_int_equal(races->n_approved + races->n_rejected, n);
    pty_free(races->other.pty);
    reader_close(races->reader);
    free(races);
}

int main(void)
{
    const struct CMUnitTest tests[] = {DESK_TEST(of_two_consoles_one_decides)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
