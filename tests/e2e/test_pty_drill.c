/* SPDX-License-Identifier: MIT */
/*
 * A drill: three faults at once, in a live engine, handled from the keyboard: seen, one silenced,
 * one closed, one taken with a note and followed to its end, and its report written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

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

static void three_faults_at_once(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {DESK_TEST(three_faults_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
