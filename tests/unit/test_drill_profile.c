/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/drill/profile.h"
#include "tests/lib/wrong.h"

static void parse_quietly(const char *file, const char *text, size_t len,
                          struct findings *findings)
{
    drill_profile_free(drill_profile_parse(file, text, len, findings));
}

static void test_wrong_files(void **state)
{
    (void)state;
    size_t n = 0;
    wrong_check("tests/unit/wrong/drill", parse_quietly, &n);
    assert_true(n >= 10);
}

static const char good[] =
    "name: all of it\n"
    "fleet: {arrivals: 20s, crash_every: 2h, restart: 3s, operator: 10m, drift: 50%}\n"
    "settings: |\n  max_running: 7\n  services:\n"
    "    - {name: gh, kind: github, token: {env: A}}\n"
    "pipelines:\n  - share: 25%\n    text: |\n      name: web\n      repository: /srv/w\n"
    "      base: main\n      agent: {command: agent}\n"
    "      validate: [{name: unit, command: make test}]\n"
    "times: [{step: unit, takes: 3m}]\n"
    "faults:\n"
    "  - name: red\n    where: {step: unit, pipeline: web}\n    share: 0.3\n    at: 10%\n"
    "    for: 5m\n    windows: 3\n    group: g\n    class: test\n    exit: 2\n"
    "    logs: [one, {text: two}]\n    lasts: 20m\n    bound: 3\n    person: cancels\n"
    "    helps: {retry: 0.25, hand_back: 75%}\n    then: {retry: 1}\n"
    "  - {name: away, where: {service: gh}, what: answers, http: 503, retry_after: 9s}\n"
    "  - {name: key, where: {step: code}, needs_person: true, shared: true}\n";

static void test_every_field(void **state)
{
    (void)state;
    struct findings findings;
    findings_init(&findings);
    struct drill_profile *p = drill_profile_parse("p", good, strlen(good), &findings);
    assert_int_equal(findings.n, 0);
    assert_non_null(p);
    assert_string_equal(p->name, "all of it");
    assert_int_equal(p->arrivals.ms, 20000);
    assert_int_equal(p->crash_every.ms, 7200000);
    assert_int_equal(p->restart.ms, 3000);
    assert_int_equal(p->operator_delay.ms, 600000);
    assert_true(fabs(p->drift - 0.5) < 1e-9);
    assert_int_equal(p->config->max_running, 7);
    assert_int_equal(p->n_pipelines, 1);
    assert_string_equal(p->pipelines[0].pipeline->name, "web");
    assert_int_equal(p->times[0].takes.ms, 180000);
    assert_int_equal(p->n_faults, 3);
    const struct drill_fault *red = &p->faults[0];
    assert_int_equal(red->class_, CLASS_TEST);
    assert_int_equal(red->n_logs, 2);
    assert_string_equal(red->logs[1].text, "two");
    assert_true(fabs(drill_helps(red, RUNG_RETRY, false) - 0.25) < 1e-9);
    assert_true(fabs(drill_helps(red, RUNG_RETRY, true) - 1) < 1e-9);
    assert_true(drill_helps(red, RUNG_HAND_BACK, true) <= 0);
    assert_true(drill_is_recoverable(red, false));
    assert_int_equal(p->faults[1].http, 503);
    assert_true(drill_is_of_calls(p->faults[1].what));
    assert_true(drill_is_recoverable(&p->faults[1], false));
    assert_false(drill_is_recoverable(&p->faults[2], false));
    drill_profile_free(p);
    findings_fini(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
