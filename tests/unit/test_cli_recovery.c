/* SPDX-License-Identifier: MIT */
/* signalbox failures, recoveries, strategies, decisions and why, over a store without engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <locale.h>
#include <math.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/recovery/case.h"
#include "tests/lib/cases.h"
#include "tests/lib/place.h"
#include "tui/cli/cli.h"

static void fill(const struct place *place)
{
    struct store *store = place_store(place);
    cases_put(store, place->arena, wall_now());
    must_commit(store);
    store_close(store);
}

/* What the command prints, and its status. */
static char *output(const struct place *place, int expected, const char *const words[])
{
    struct err err = ERR_INIT;
    struct cli cli;
    const char *argv[16] = {"signalbox", *words, "--store", place->path};
    int argc = 4;
    for (words++; *words != NULL; words++) {
        argv[argc++] = *words;
    }
    AUTO_FREE char *path = file_join(place->folder, "out");
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_non_null(freopen(path, "we", stdout));
    cli_init(&cli);
    bool is_parsed = cli_parse(&cli, argc, argv, &err);
    int status = is_parsed ? cli_run(&cli) : -1;
    cli_fini(&cli);
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    if (!is_parsed) {
        fail_msg("%s", err.msg);
    }
    char *text = NULL;
    size_t len = 0;
    assert_true(file_read(path, 10 << 20, &text, &len, &err));
    if (status != expected) {
        fail_msg("status %d: %s", status, text);
    }
    return text;
}
#define STATUS(status, ...)                                                              \
    output(place, status, (const char *const[]){__VA_ARGS__, NULL})
#define OUTPUT(...) STATUS(CLI_OK, __VA_ARGS__)

/* It fails so, and prints nothing. */
static void refuses(const struct place *place, int expected, const char *const words[])
{
    AUTO_FREE char *text = output(place, expected, words);
    assert_string_equal(text, "");
}
#define REFUSES(status, ...)                                                             \
    refuses(place, status, (const char *const[]){__VA_ARGS__, NULL})

static void says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("missing '%s' in:\n%s", part, text);
    }
}

static void says_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("'%s' in:\n%s", part, text);
    }
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

static void test_failures(void **state)
{
    struct place *place = *state;
    fill(place);
    AUTO_FREE char *open = OUTPUT("failures");
    says(open, "4 recovering, 2 waiting for you, 1 recovered in 24h (50%)");
    says(open, "f-31  open");
    says(open, "f-27  escalated");
    says(open, "unit tests");
    says_not(open, "f-26");
    AUTO_FREE char *plain = OUTPUT("failures", "--plain", "--all");
    assert_int_equal(count_lines(plain), 8);
    says(plain, "f-31\topen\ttest\t93%\twf-2207\tunit tests\t2\t");
    AUTO_FREE char *quota = OUTPUT("failures", "--plain", "--class", "quota");
    assert_int_equal(count_lines(quota), 2);
    AUTO_FREE char *page =
        OUTPUT("failures", "--plain", "-a", "--before", "f-30", "--limit", "2");
    assert_int_equal(count_lines(page), 2);
    says(page, "f-29\t");
    says(page, "f-28\t");
    AUTO_FREE char *text = OUTPUT("failures", "--plain", "--text", "EXPIRED");
    assert_int_equal(count_lines(text), 2);
    AUTO_FREE char *one = OUTPUT("failures", "--plain", "-w", "wf-2207");
    assert_int_equal(count_lines(one), 1);
    AUTO_FREE char *problems = OUTPUT("failures", "--problems", "--plain");
    says(problems, "p-2\topen\tquota\tservice:github_api\t9\t7\tbreaker\t");
    REFUSES(CLI_USAGE, "failures", "--class", "weather");
    REFUSES(CLI_USAGE, "failures", "--before", "d-3");
}

static void test_json_is_json(void **state)
{
    static const char *const commands[] = {"failures", "recoveries", "decisions",
                                           "strategies"};
    struct place *place = *state;
    struct err err = ERR_INIT;
    fill(place);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        AUTO_FREE char *text = OUTPUT(commands[i], "--json");
        size_t n = 0;
        char *rest = NULL;
        for (char *line = strtok_r(text, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest), n++) {
            struct json *json = json_parse(line, strlen(line), &err);
            assert_true(json_is_an_object(json));
            json_free(json);
        }
        assert_true(n >= 4);
    }
    AUTO_FREE char *text = OUTPUT("why", "f-31", "--json");
    struct json *json = json_parse(text, strlen(text), &err);
    assert_non_null(json);
    const struct json *failure = json_get(json, "failure");
    assert_string_equal(json_str(failure, "id", ""), "f-31");
    assert_string_equal(json_str(failure, "workflow", ""), "wf-2207");
    assert_null(json_str(failure, "problem", NULL));
    assert_int_equal(json_len(json_get(json_get(failure, "detail"), "lines")), 3);
    assert_int_equal(json_len(json_get(json, "recoveries")), 2);
    assert_int_equal(json_len(json_get(json, "decisions")), 2);
    const struct json *past = json_get(json, "past");
    assert_int_equal(json_len(past), 2);
    assert_string_equal(json_str(json_at(past, 0), "helped", ""), "hand_back");
    assert_null(json_str(json_at(past, 1), "helped", NULL));
    json_free(json);
}

static void test_recoveries(void **state)
{
    struct place *place = *state;
    fill(place);
    AUTO_FREE char *open = OUTPUT("recoveries");
    says(open, "r-45");
    says(open, "2. hand_back");
    says(open, "71% (52 to 86)");
    says(open, "asked");
    says_not(open, "r-43");
    AUTO_FREE char *all =
        OUTPUT("recoveries", "--all", "--text", "same failure", "--plain");
    assert_int_equal(count_lines(all), 1);
    says(all, "r-43\tfailed\t1. retry\twf-2207\tf-31\t41% (30 to 52)\trules\t");
    AUTO_FREE char *class_ = OUTPUT("recoveries", "-a", "--class", "test", "--plain");
    assert_int_equal(count_lines(class_), 3);
}

static void test_strategies(void **state)
{
    struct place *place = *state;
    fill(place);
    AUTO_FREE char *text = OUTPUT("strategies");
    says(text, "class:test");
    says(text, "71% (62 to 79)");
    says(text, "98 of 140");
    says(text, "10m10s");
    says(text, "++-+++-++-++-+++");
    says(text, "demoted");
    says(text, "off");
    says_not(text, "fingerprint:");
    AUTO_FREE char *one = OUTPUT("strategies", "--class", "quota", "--plain");
    assert_int_equal(count_lines(one), 1);
    AUTO_FREE char *key = OUTPUT("strategies", "--key", "fingerprint:5c", "--plain");
    says(key, "fingerprint:5c1f0a77b3e9d214\thand_back\t");
    AUTO_FREE char *all = OUTPUT("strategies", "--all", "--plain");
    assert_int_equal(count_lines(all), 11);
    REFUSES(CLI_USAGE, "strategies", "--class", "weather");
}

static void test_decisions(void **state)
{
    struct place *place = *state;
    fill(place);
    AUTO_FREE char *text = OUTPUT("decisions");
    says(text, "d-52");
    says(text, "hand_back");
    says(text, "unclear");
    AUTO_FREE char *open = OUTPUT("decisions", "--open", "--plain");
    assert_int_equal(count_lines(open), 3);
    AUTO_FREE char *of = OUTPUT("decisions", "-w", "2207", "--plain");
    assert_int_equal(count_lines(of), 2);
}

static void test_why(void **state)
{
    struct place *place = *state;
    fill(place);
    AUTO_FREE char *text = OUTPUT("why", "f-31");
    says(text, "WHAT      ");
    says(text, "AssertionError: expected 12.50, got 12.49 in test_price_list_expired");
    says(text, "f-31, open, wf-2207 in payments-api");
    says(text, "test, 93% sure");
    says(text, "rule pytest-assert");
    says(text, "else flaky 5%");
    says(text, "  412  E  AssertionError");
    says(text, " 81%  change: the files of the failing test were changed");
    says(text, "TOUCHES     1 workflow, 1 repository, 1 branch");
    says(text, "1. retry         41% (30 to 52)   failed after 2m");
    says(text, "2. hand_back     71% (52 to 86)   running, 23m left");
    says(text, "looks for: unit tests pass");
    says(text, "hand_back for wf-2207, by learned");
    says(text, "hand_back     71% (52 to 86)    14.5   0.62    10m  fingerprint");
    says(text, "the rules would have chosen other_agent");
    says(text, "retry         has failed on this fingerprint, and nothing is new");
    says(text, "learning would have chosen hand_back"); /* of d-50 */
    says(text, "f-19     wf-2044      6d ago  recovered by hand_back, 1 rung tried");
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        assert_true(len <= 80);
        line += len + (line[len] == '\n');
    }
    /* Each way leads to the same case. */
    AUTO_FREE char *wf = OUTPUT("why", "wf-2207");
    assert_string_equal(wf, text);
    AUTO_FREE char *recovery = OUTPUT("why", "r-43");
    assert_string_equal(recovery, text);
    AUTO_FREE char *decision = OUTPUT("why", "d-50");
    assert_ptr_equal(strstr(decision, "WHY       x retry for wf-2207"), decision);
    says(decision, "f-31, open, wf-2207 in payments-api");
}

static void test_why_of_others(void **state)
{
    struct place *place = *state;
    fill(place);
    AUTO_FREE char *problem = OUTPUT("why", "p-2");
    says(problem, "p-2, open, service:github_api: 9 failures of 7 workflows");
    says(problem, "one recovery for all: breaker");
    says(problem, "f-30     wf-2210  open");
    says(problem, "restart       no restart command is configured");
    AUTO_FREE char *member = OUTPUT("why", "f-30");
    says(member, "PROBLEM");
    AUTO_FREE char *alone = OUTPUT("why", "d-53");
    says(alone, "8 for engine, by rules");
    says(alone, "knew: running 6, queued 4");
    AUTO_FREE char *human = STATUS(CLI_HUMAN, "why", "f-27");
    says(human, "auth, says ada; was network");
    says(human, "escalated");
    REFUSES(CLI_FAILURE, "why", "wf-1");
    REFUSES(CLI_FAILURE, "why", "d-999");
    REFUSES(CLI_USAGE, "why", "31");
}

static void test_an_empty_store_says_so(void **state)
{
    struct place *place = *state;
    store_close(place_store(place));
    AUTO_FREE char *failures = OUTPUT("failures");
    says(failures,
         "0 recovering, 0 waiting for you, 0 recovered in 24h\nno failure is open");
    AUTO_FREE char *recoveries = OUTPUT("recoveries");
    says(recoveries, "no recovery is under way");
    AUTO_FREE char *strategies = OUTPUT("strategies");
    says(strategies, "nothing was learned yet: the rules decide");
    AUTO_FREE char *decisions = OUTPUT("decisions", "--plain");
    assert_string_equal(decisions, "");
}

static void test_ids(void **state)
{
    (void)state;
    enum case_kind kind = CASE_WORKFLOW;
    int64_t id = 0;
    char text[CASE_ID_MAX];
    assert_string_equal(case_id(CASE_FAILURE, 31, text), "f-31");
    assert_string_equal(case_id(CASE_FAILURE, 0, text), "");
    assert_true(case_id_parse("WF-12", &kind, &id));
    assert_true(kind == CASE_WORKFLOW && id == 12);
    assert_true(case_id_parse("d-5", &kind, &id));
    assert_true(kind == CASE_DECISION && id == 5);
    static const char *const bad[] = {
        "",   "f",    "f-",  "f-0",  "f-x",
        "31", "f-1x", "x-1", "f--1", "f-12345678901234567890"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(case_id_parse(bad[i], &kind, &id));
    }
    struct odds_row row = {.recent = 0x5, .n_recent = 4};
    char recent[CASE_RECENT_MAX];
    assert_string_equal(case_recent(&row, 64, recent), "-+-+");
    assert_string_equal(case_recent(&row, 2, recent), "-+");
    row.n_recent = 0;
    assert_string_equal(case_recent(&row, 64, recent), "");
}

/* What is no JSON, or of another shape, gives what can be read of it. */
static void test_details_of_any_shape(void **state)
{
    struct place *place = *state;
    static const char *const texts[] = {
        "", "[]", "{", "{\"lines\":3,\"causes\":[4]}", "{\"blast\":[]}", "null"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct case_detail detail;
        const struct case_option *options;
        const struct case_fact *facts;
        case_parse_detail(place->arena, texts[i], &detail);
        assert_int_equal(detail.n_lines, 0);
        assert_int_equal(detail.n_workflows, -1);
        assert_int_equal(case_parse_options(place->arena, texts[i], &options), 0);
        (void)case_parse_facts(place->arena, texts[i], &facts);
    }
    const struct case_fact *facts;
    assert_int_equal(
        case_parse_facts(place->arena, "{\"a\":{\"b\":1.5},\"c\":\"x\"}", &facts), 2);
    assert_string_equal(facts[0].name, "a.b");
    assert_string_equal(facts[0].value, "1.5");
    assert_string_equal(facts[1].value, "x");
}

int main(void)
{
    (void)setlocale(LC_ALL, "C");
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_failures),      PLACE_TEST(test_json_is_json),
        PLACE_TEST(test_recoveries),    PLACE_TEST(test_strategies),
        PLACE_TEST(test_decisions),     PLACE_TEST(test_why),
        PLACE_TEST(test_why_of_others), PLACE_TEST(test_an_empty_store_says_so),
        cmocka_unit_test(test_ids),     PLACE_TEST(test_details_of_any_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
