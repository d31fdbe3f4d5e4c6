/* SPDX-License-Identifier: MIT */

/*
 * Small drills: the same seed gives the same report, every shipped profile comes to its end with
 * nothing repeated, and the judge says what the truth of a profile makes right.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <glob.h>
#include <math.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/drill/drill.h"
#include "tests/lib/flavour.h"

static struct drill_profile *parse(const char *name, const char *text)
{
    struct findings findings;
    findings_init(&findings);
    struct drill_profile *profile =
        drill_profile_parse(name, text, strlen(text), &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_message("# %s\n", line);
    }
    findings_fini(&findings);
    assert_non_null(profile);
    return profile;
}

static struct drill_report run(const struct drill_profile *profile, int n, uint64_t seed)
{
    const char *base = getenv("TMPDIR");
    AUTO_FREE char *folder = mem_printf("%s/signalbox-test-drill.%ld",
                                        base != NULL ? base : "/tmp", (long)getpid());
    struct drill_report report;
    const struct drill_options options = {
        .profile = profile, .n_workflows = n, .seed = seed, .folder = folder};
    drill_run(&options, &report);
    assert_string_equal(report.failure, "");
    assert_false(file_exists(folder));
    return report;
}

#define PIPELINE                                                                         \
    "pipelines:\n  - text: |\n      name: p\n      repository: /srv/p\n      base: "     \
    "main\n"                                                                             \
    "      agent: {command: agent}\n      validate: [{name: unit, command: make "        \
    "test}]\n"                                                                           \
    "      merge: {mode: auto}\n      limits: {iterations: 4, retries: 2}\n"

static void nothing_goes_wrong(void **state)
{
    (void)state;
    struct drill_profile *profile = parse("p", "name: quiet\n" PIPELINE);
    struct drill_report report = run(profile, 100, 1);
    assert_int_equal(report.n_completed, 100);
    assert_int_equal(report.n_cases, 0);
    assert_int_equal(report.n_asked_rightly + report.n_asked_wrongly, 0);
    assert_true(report.availability >= 1);
    assert_true(drill_is_good(&report));
    drill_profile_free(profile);
}

/* The agent mends every red test at once. */
static void what_helps_is_found(void **state)
{
    (void)state;
    struct drill_profile *profile = parse(
        "p", "name: easy\n" PIPELINE
             "faults:\n  - {name: red, where: {step: unit}, share: 50%, class: test,\n"
             "     logs: ['assert {n} == {n}'], helps: {hand_back: 1}}\n");
    struct drill_report report = run(profile, 200, 3);
    assert_int_equal(report.n_completed, 200);
    assert_in_range(report.n_cases, 60, 140);
    assert_int_equal(report.n_recoverable, report.n_cases);
    assert_int_equal(report.n_recovered, report.n_cases);
    assert_true(report.recover_p50.ms > 60000);
    drill_profile_free(profile);
}

/* Nothing helps against an impossible task: a person is asked, rightly, and cancels it. */
static void a_person_is_asked(void **state)
{
    (void)state;
    struct drill_profile *profile = parse(
        "p", "name: poison\n" PIPELINE
             "faults:\n  - {name: red, where: {step: unit}, share: 50%, class: test,\n"
             "     person: cancels}\n");
    struct drill_report report = run(profile, 100, 5);
    assert_true(report.n_cases > 20);
    assert_int_equal(report.n_recoverable, 0);
    assert_int_equal(report.n_cancelled, report.n_cases);
    assert_int_equal(report.n_asked_rightly, report.n_cases);
    assert_int_equal(report.n_asked_wrongly, 0);
    assert_int_equal(report.n_lost, report.n_cases);
    drill_profile_free(profile);
}

/* A token that only a person can renew: the first who is asked mends it for all. */
static void one_person_mends_it_for_all(void **state)
{
    (void)state;
    struct drill_profile *profile = parse(
        "p", "name: token\nfleet: {arrivals: 60s, operator: 60s}\n" PIPELINE
             "faults:\n  - {name: key, where: {step: code}, shared: true, class: auth,\n"
             "     needs_person: true, bound: 100, logs: ['401 invalid x-api-key']}\n");
    struct drill_report report = run(profile, 100, 5);
    assert_int_equal(report.n_completed, 100);
    assert_true(report.n_cases > 0 && report.n_cases < 60);
    assert_true(report.n_asked_rightly > 0);
    drill_profile_free(profile);
}

/* An outage of a service without backup: work is parked, and goes on. */
static void an_outage_is_waited_for(void **state)
{
    (void)state;
    struct drill_profile *profile = parse(
        "p", "name: outage\nsettings: |\n  services:\n"
             "    - {name: gh, kind: github, token: {env: A}}\n"
             "    - {name: cg, kind: codegen, organization: 1, token: {env: A}}\n"
             "pipelines:\n  - text: |\n      name: r\n      base: main\n"
             "      agent: {provider: cg}\n      forge: {provider: gh, repository: a/r}\n"
             "      validate: []\n      merge: {mode: auto}\n"
             "faults:\n  - {name: away, where: {service: gh}, what: unreached, at: 20%,\n"
             "     for: 5m, class: network}\n");
    struct drill_report report = run(profile, 100, 2);
    assert_int_equal(report.n_completed, 100);
    assert_true(report.n_parked > 3);
    assert_int_equal(report.n_recovered, report.n_cases);
    assert_int_equal(report.n_repeated, 0);
    drill_profile_free(profile);
}

static bool are_equal(const struct drill_report *a, const struct drill_report *b)
{
    return a->n_cases == b->n_cases && a->n_recovered == b->n_recovered &&
           a->n_tries == b->n_tries && a->n_wasted == b->n_wasted &&
           a->n_calls == b->n_calls && a->took.ms == b->took.ms &&
           a->recover_p95.ms == b->recover_p95.ms && a->n_crashes == b->n_crashes &&
           memcmp(&a->availability, &b->availability, sizeof(double)) == 0 &&
           memcmp(&a->regret, &b->regret, sizeof(double)) == 0;
}

static void every_shipped_profile_runs(void **state)
{
    (void)state;
    glob_t found;
    size_t n_cases = 0;
    const int n = FEWER(120, 40);
    assert_int_equal(glob("drills/*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 12);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct err err = ERR_INIT;
        AUTO_FREE char *text = NULL;
        size_t len = 0;
        assert_true(file_read(found.gl_pathv[i], YAML_TEXT_MAX, &text, &len, &err));
        struct drill_profile *profile = parse(found.gl_pathv[i], text);
        struct drill_report a = run(profile, n, 7), b = run(profile, n, 7);
        struct drill_report c = run(profile, n, 8);
        print_message("%s: %d failures, %.1f %% recovered, %.1f %% asked rightly\n",
                      profile->name, (int)a.n_cases, 100 * drill_recovered(&a),
                      100 * drill_asked_rightly(&a));
        assert_true(are_equal(&a, &b));
        assert_false(are_equal(&a, &c));
        assert_int_equal(a.n_repeated, 0);
        assert_int_equal(a.n_completed + a.n_cancelled + a.n_failed + a.n_rolled_back, n);
        n_cases += (size_t)a.n_cases;
        drill_profile_free(profile);
    }
    assert_true(n_cases > FEWER(100, 30));
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_goes_wrong),
        cmocka_unit_test(what_helps_is_found),
        cmocka_unit_test(a_person_is_asked),
        cmocka_unit_test(one_person_mends_it_for_all),
        cmocka_unit_test(an_outage_is_waited_for),
        cmocka_unit_test(every_shipped_profile_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
