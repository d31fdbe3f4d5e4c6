/* SPDX-License-Identifier: MIT */
/*
 * Drills: three faults at once, in a live engine, handled from the keyboard.
 *
 * Of three kinds: a figure that is odd, a check that fails four workflows (a problem), and a
 * service that does not answer (its breaker opens). Seen in one list, the figure taken with a note
 * and followed to its end, the breaker held open with a reason, the work tried again when the check
 * is mended, and the report of each written.
 *
 * And three of one kind: one silenced, one closed, one claimed, given, linked and reported.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/compiler.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "tests/lib/desk.h"

#define SOON_MS 10000
#define LATE_MS 60000 /* the monitor looks once a second, on a machine that may be busy */

static const struct fault {
    const char *name, *metric;
} faults[] = {
    {"depot",  "wagons_waiting"},
    {"yard",   "trains_late"   },
    {"bridge", "boats_waiting" },
};

static void put(const struct desk *desk, const char *name, const char *text)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(desk->folder, name);
    if (!file_write(path, text, strlen(text), &err)) {
        fail_msg("%s", err.msg);
    }
}

static void set_all(const struct desk *desk, int value)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        AUTO_FREE char *text = mem_printf("%s %d\n", faults[i].metric, value);
        put(desk, faults[i].name, text);
    }
}

static void configure(const struct desk *desk)
{
    AUTO_BUF struct buf yaml;
    buf_init(&yaml, 8192);
    (void)buf_str(&yaml, "on_hangup: stop\nmonitor:\n  interval: 1s\n  scrape:\n");
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        (void)buf_printf(&yaml,
                         "    - {name: %s, command: [cat, %s/%s], interval: 1s, "
                         "timeout: 1s}\n",
                         faults[i].name, desk->folder, faults[i].name);
    }
    (void)buf_str(&yaml, "  rules:\n");
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        (void)buf_printf(&yaml,
                         "    - {name: %s, metric: %s, above: 100, resolve_below: 50, "
                         "for: 0s, severity: high, summary: '%s trouble'}\n",
                         faults[i].name, faults[i].metric, faults[i].name);
    }
    desk_configure(desk, yaml.data);
}

static void see(const struct desk *desk, const char *text, int ms)
{
    if (!pty_wait_text(desk->pty, text, ms)) {
        AUTO_FREE char *screen = pty_screen(desk->pty);
        fail_msg("missing '%s' in:\n%s", text, screen);
    }
}

static void see_no_more(const struct desk *desk, const char *text, int ms)
{
    if (!pty_wait_no_text(desk->pty, text, ms)) {
        AUTO_FREE char *screen = pty_screen(desk->pty);
        fail_msg("still '%s' in:\n%s", text, screen);
    }
}

/* A key, and what it shows. */
static void press(const struct desk *desk, const char *keys, const char *text)
{
    pty_send(desk->pty, keys);
    see(desk, text, SOON_MS);
}

/* Is the cursor on the line that says so? */
static bool is_on(const char *screen, const char *text)
{
    const char *found = strstr(screen, text);
    const char *start = found;
    while (start != NULL && start > screen && start[-1] != '\n') {
        start--;
    }
    return start != NULL && strncmp(start, "▸", strlen("▸")) == 0;
}

/* Down from the top to that line: a busy machine may have incidents of its own. */
static void go_to(const struct desk *desk, const char *text)
{
    pty_send(desk->pty, "g");
    for (int i = 0; i < 20; i++) {
        assert_true(pty_wait_quiet(desk->pty, 150, SOON_MS));
        AUTO_FREE char *screen = pty_screen(desk->pty);
        if (is_on(screen, text)) {
            return;
        }
        pty_send(desk->pty, "j");
    }
    AUTO_FREE char *screen = pty_screen(desk->pty);
    fail_msg("the cursor does not come to '%s' in:\n%s", text, screen);
}

static void says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("missing '%s' in:\n%s", part, text);
    }
}

/* The first one is known: nobody wants to hear of it for an hour. */
static void silence_first(const struct desk *desk)
{
    go_to(desk, "depot trouble");
    press(desk, "\r", "cause ");
    press(desk, "s", "silence for");
    press(desk, "\r", "reason");
    press(desk, "shunting until noon\r", "shown, but not told");
    press(desk, "\033", "WRONG NOW");
}

/* The second one is none: its values are usual from now on. */
static void close_second(const struct desk *desk)
{
    see(desk, "quiet", SOON_MS);
    go_to(desk, "yard trouble");
    press(desk, "\r", "state     open");
    press(desk, "z", "state     resolved");
    press(desk, "\033", "WRONG NOW");
}

static void take_third(const struct desk *desk)
{
    go_to(desk, "bridge trouble");
    press(desk, "\r", "state     open");
    press(desk, "c", "claimed   ");
    press(desk, "A", "state     acked");
    press(desk, "D", "give it to");
    press(desk, "grace\r", "assigned  grace");
    press(desk, "l", "link to");
    press(desk, "https://status.example.org/7\r", "linked    https:");
    press(desk, "N", "note");
    press(desk, "a locomotive is on its way\r", "note      a locomotive is on its way");
}

static void export_report(const struct desk *desk)
{
    struct err err = ERR_INIT;
    char *text = NULL;
    size_t len = 0;
    press(desk, "e", "write the report to");
    press(desk, "\x15~/report.md\r", "written to ~/report.md");
    AUTO_FREE char *path = file_join(desk->folder, "report.md");
    if (!file_read(path, 1 << 20, &text, &len, &err)) {
        fail_msg("%s", err.msg);
    }
    says(text, "# Incident ");
    says(text, ": bridge trouble");
    says(text, "| Severity | high |");
    says(text, "| State | over, looked after by ");
    says(text, "a locomotive is on its way");
    says(text, "## Impact");
    says(text, "- scrape:bridge");
    says(text, "| operator ack |");
    says(text, "| Assigned to | grace |");
    says(text, "status.example.org");
    says(text, "| operator note |");
    says(text, "ended, recovered: ");
    says(text, "closed: each of its anomalies has ended");
    says(text, "## Similar before");
    free(text);
    press(desk, "e", "write the report to");
    press(desk, "\x15~/report.md\r", "is there already"); /* nothing is lost */
}

/* ---- three of a kind ---- */

static void three_anomalies_at_once(void **state)
{
    struct desk *desk = *state;
    int status = -1;
    configure(desk);
    set_all(desk, 5);
    desk_start(desk, 100, 40, NULL, NULL, NULL);
    see(desk, "engine up", SOON_MS);
    press(desk, "i", "WRONG NOW");
    set_all(desk, 500);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        AUTO_FREE char *text = mem_printf("%s trouble", faults[i].name);
        see(desk, text, LATE_MS);
    }
    silence_first(desk);
    close_second(desk);
    take_third(desk);
    set_all(desk, 5);
    see(desk, "closed    2", LATE_MS);
    see(desk, "ended, recovered", SOON_MS); /* its timeline */
    export_report(desk);
    press(desk, "\033", "WRONG NOW");
    see_no_more(desk, " trouble", LATE_MS);
    press(desk, ":handoff\r", "SILENCES");
    see(desk, "shunting until noon", SOON_MS);
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, SOON_MS, &status));
    assert_true(WIFEXITED(status));
    assert_string_equal(pty_damage(desk->pty), "");
}

/* ---- of three kinds ---- */

/* A command beside the console, from outside: what makes the faults. */
static void run(const struct desk *desk, const char *const *argv)
{
    const char *env[] = {desk->home,     desk->xdg_config, desk->xdg_state,
                         desk->xdg_data, "NOBODY=none",    NULL};
    struct pty_options options = {.w = 200, .h = 24, .env = env};
    struct pty *pty = pty_start(&options, argv);
    int status = -1;
    bool has_ended = pty_wait_exit(pty, LATE_MS, &status);
    AUTO_FREE char *screen = pty_screen(pty);
    if (!has_ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_msg("%s failed:\n%s", argv[0], screen);
    }
    pty_free(pty);
}

static void submit(const struct desk *desk, const char *pipeline, const char *repo)
{
    const char *program = getenv("SIGNALBOX");
    AUTO_FREE char *path = file_join(desk->folder, pipeline);
    const char *argv[] = {program != NULL ? program : "build/signalbox",
                          "submit",
                          "--config",
                          desk->config,
                          "--store",
                          desk->store,
                          "--pipeline",
                          path,
                          "--task",
                          "lay rails",
                          repo != NULL ? "--repo" : NULL,
                          repo,
                          NULL};
    run(desk, argv);
}

/* The check fails while there is a file; nothing answers at port 9 (discard). */
static void configure_kinds(const struct desk *desk)
{
    AUTO_FREE char *yaml = mem_printf(
        "on_hangup: stop\n"
        "services:\n"
        "  - {name: harbour, kind: github, url: 'http://127.0.0.1:9',\n"
        "     token: {env: NOBODY}, breaker: {window: consecutive,\n"
        "     failures: 1, open: 1h, open_max: 1h}}\n"
        "monitor:\n  interval: 1s\n  scrape:\n"
        "    - {name: depot, command: [cat, %s/depot], interval: 1s, "
        "timeout: 1s}\n"
        "  rules:\n"
        "    - {name: depot, metric: wagons_waiting, above: 100, "
        "resolve_below: 50, for: 0s, severity: high, summary: 'depot trouble'}\n",
        desk->folder);
    AUTO_FREE char *yard = mem_printf(
        "name: yard\n"
        "agent: {command: [sh, -c, 'echo rail >rail.$$']}\n"
        "validate:\n"
        "  - name: rails\n"
        "    run: [sh, -c, 'test ! -e %s/bent || { echo \"error: rails are bent: "
        "test_rails.c:7\"; exit 1; }']\n"
        "limits: {iterations: 1}\n",
        desk->folder);
    AUTO_FREE char *bridge =
        mem_printf("name: bridge\n"
                   "forge: {provider: harbour, repository: o/r, clone: %s/bare.git}\n"
                   "agent: {command: [sh, -c, 'echo plank >plank.$$']}\n"
                   "validate:\n  - {name: planks, run: [\"true\"]}\n",
                   desk->folder);
    const char *script =
        "cd \"$HOME\" && export GIT_CONFIG_NOSYSTEM=1 && "
        "git -c init.defaultBranch=main init -q repo && cd repo && echo x >f && "
        "git config user.name t && git config user.email t@example.org && "
        "git add f && git commit -qm first && git clone -q --bare . ../bare.git";
    desk_configure(desk, yaml);
    put(desk, "yard.yaml", yard);
    put(desk, "bridge.yaml", bridge);
    put(desk, "bent", "");
    put(desk, "depot", "wagons_waiting 5\n");
    run(desk, (const char *const[]){"/bin/sh", "-c", script, NULL});
}

static void cause_faults(const struct desk *desk)
{
    AUTO_FREE char *repo = file_join(desk->folder, "repo");
    put(desk, "depot", "wagons_waiting 500\n");
    submit(desk, "bridge.yaml", NULL);
    for (int i = 0; i < 4; i++) { /* so many make a problem: engine/recovery/problem.h */
        submit(desk, "yard.yaml", repo);
    }
    see(desk, "depot trouble", LATE_MS);
    see(desk, "harbour: breaker open", LATE_MS);
    see(desk, "p-1", LATE_MS);
}

/* The figure is odd: somebody takes it, and says what is done. */
static void take_anomaly(const struct desk *desk)
{
    go_to(desk, "depot trouble");
    press(desk, "A", "acked");
    press(desk, "N", "note");
    press(desk, "a locomotive is on its way\r", "note: a locomotive is on its way");
}

/* The service is away: its breaker is held open, so that nothing is tried meanwhile. */
static void hold_breaker(const struct desk *desk)
{
    go_to(desk, "harbour: breaker");
    press(desk, "\033[C", "└ harbour"); /* what is inside */
    pty_send(desk->pty, "j");
    press(desk, "\r", "LAST ERRORS");
    press(desk, "f", "open 10m");
    press(desk, "open 20m\r", "reason");
    press(desk, "the harbour is frozen\r", "forced-open");
    press(desk, "\033", "INSIDE");
    see(desk, "held", SOON_MS);
}

/* The check is mended, and the work tried again. */
static void mend_check(const struct desk *desk)
{
    AUTO_FREE char *bent = file_join(desk->folder, "bent");
    go_to(desk, "rails are bent");
    press(desk, "h", "PROBLEM");
    press(desk, "\033", "INSIDE");
    assert_int_equal(unlink(bent), 0);
    press(desk, "w", "WORKFLOWS");
    see(desk, "wf-2", SOON_MS);
    press(desk, "M", "marked");
    press(desk, "R", "Retry 5 workflows?");
    pty_send(desk->pty, "y");
    see_no_more(desk, "Retry 5 workflows?", SOON_MS);
    see(desk, "COMPLETED", LATE_MS);
    press(desk, "I", "INCIDENTS");
}

static char *export_to(const struct desk *desk, const char *keys, const char *name)
{
    struct err err = ERR_INIT;
    char *text = NULL;
    size_t len = 0;
    AUTO_FREE char *answer = mem_printf("\x15~/%s\r", name);
    AUTO_FREE char *said = mem_printf("written to ~/%s", name);
    AUTO_FREE char *path = file_join(desk->folder, name);
    press(desk, keys, "write the report to");
    press(desk, answer, said);
    if (!file_read(path, 1 << 20, &text, &len, &err)) {
        fail_msg("%s", err.msg);
    }
    press(desk, "\033", "INCIDENTS");
    return text;
}

static void must_say(const char *text, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        says(text, parts[i]);
    }
}

static void export_each(const struct desk *desk)
{
    static const char *const of_anomaly[] = {
        "# Incident ",        ": scrape:depot: depot trouble",
        "| State | over, ",   "a locomotive is on its way",
        "| operator ack |",   "| operator note |",
        "ended, recovered: ", "closed: each of its anomalies has ended"};
    static const char *const of_problem[] = {"# Problem p-1: error: rails are bent",
                                             "4 steps of 4 workflows failed",
                                             "4 failures of 4 workflows)",
                                             "| problem p-1 |",
                                             "| failure f-1 |",
                                             "| decision d-",
                                             "| operator wf-",
                                             "## Similar before"};
    static const char *const of_breaker[] = {
        "# harbour: breaker forced-open, the harbour is frozen",
        "- Workflows: 1",
        "PARKED; waits for harbour",
        "| breaker-open |",
        "| operator breaker |",
        "The breaker of harbour is forced-open until"};
    go_to(desk, "depot trouble");
    AUTO_FREE char *anomaly = export_to(desk, "e", "anomaly.md");
    must_say(anomaly, of_anomaly, ARRAY_LEN(of_anomaly));
    AUTO_FREE char *problem = export_to(desk, ":report p-1\r", "problem.md");
    must_say(problem, of_problem, ARRAY_LEN(of_problem));
    go_to(desk, "harbour: breaker");
    AUTO_FREE char *breaker = export_to(desk, ":report\r", "breaker.md");
    must_say(breaker, of_breaker, ARRAY_LEN(of_breaker));
}

static void three_kinds_at_once(void **state)
{
    struct desk *desk = *state;
    int status = -1;
    configure_kinds(desk);
    desk_start(desk, 100, 40, NULL, "NOBODY=none", NULL);
    see(desk, "engine up", SOON_MS);
    press(desk, "I", "Nothing is wrong.");
    cause_faults(desk);
    take_anomaly(desk);
    hold_breaker(desk);
    mend_check(desk);
    put(desk, "depot", "wagons_waiting 5\n");
    see_no_more(desk, "depot trouble", LATE_MS);
    press(desk, "f", "closed"); /* what is over as well */
    export_each(desk);
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, SOON_MS, &status));
    assert_true(WIFEXITED(status));
    assert_string_equal(pty_damage(desk->pty), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(three_kinds_at_once),
        DESK_TEST(three_anomalies_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
