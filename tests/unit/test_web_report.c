/* SPDX-License-Identifier: MIT */
/* What a report of a web evaluation is taken for. And base64, in which images come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/base/base64.h"
#include "engine/base/mem.h"
#include "engine/service/web_report.h"

#define HEAD                                                                             \
    "📊 Web Evaluation Report for http://localhost:3000 complete!\n"                   \
    "📝 Completed Task: log in\n\n"
#define STEPS "🔍 Agent Steps:\n  📍 Step 1: 🔗 Navigated\n  🏁 done\n"
#define GOOD  "\n📋 Conclusion:\nThe login works and no errors were found.\n"
#define CONSOLE                                                                          \
    "\n🔴 Console Errors: (2 items)\n  1. GET /favicon.ico 404\n  2. TypeError: x\n"
#define FAILED                                                                           \
    "\n❌ Failed Network Requests: (1 items)\n  1. POST http://localhost:3000/pay - "   \
    "Status: 500\n"
#define LOGS                                                                             \
    "\n🖥️ All Console Logs: (1 items)\n  1. [log] fine\n❌ Error: printed by the " \
    "page\n"                                                                             \
    "📋 Conclusion:\nthe page says it failed\n"                                        \
    "\n🌐 All Network Requests: No items found.\n"                                     \
    "\n\n⏱️ Chronological Timeline of All Events:\n  10:00 ❌ Console [error]: x\n" \
    "\n\n👁️ See the dashboard.\nWeb Evaluation completed!"

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum effect_status status;
        enum blame blame;
        const char *summary;
        size_t n_reasons;
    } cases[] = {
        {HEAD STEPS GOOD LOGS,                                                             STATUS_PASSED,  BLAME_NONE,   "no console error",                                 0},
        {HEAD STEPS GOOD CONSOLE LOGS,                                                     STATUS_FAILED,  BLAME_CHANGE,
         "console error: 2. TypeError: x",                                                                                                                                   1},
        {HEAD STEPS GOOD FAILED LOGS,                                                      STATUS_FAILED,  BLAME_CHANGE,
         "failed request: 1. POST http://localhost:3000/pay - Status: 500",                                                                                                  1},
        {HEAD STEPS "\n📋 Conclusion:\nThe button does not work.\n" CONSOLE FAILED LOGS,
         STATUS_FAILED,                                                                                    BLAME_CHANGE, "conclusion: The button does not work.",            3},
        {HEAD "❌ Error: browser crashed\n\n👁️ See\nWeb Evaluation completed!",
         STATUS_FAILED,                                                                                    BLAME_CHANGE, "evaluation: Error: browser crashed",               1},
        {"❌ Error: API Key validation failed when running the tool.\n   Reason: x",
         STATUS_REFUSED,                                                                                   BLAME_SETUP,  "key: ",                                            1},
        {"Error executing web_eval_agent: no browser\n\nTraceback:\n",                     STATUS_FAILED,
         BLAME_WORLD,                                                                                                    "tool: Error executing web_eval_agent: no browser", 1},
        {"Error: 'url' must be a non-empty string",                                        STATUS_REFUSED, BLAME_SETUP,
         "tool: ",                                                                                                                                                           1},
        {HEAD LOGS,                                                                        STATUS_FAILED,  BLAME_WORLD,  "empty report: ",                                   1},
        {HEAD STEPS "⚠️ Result parsing failed: x\nRaw result: y\n",                    STATUS_FAILED,
         BLAME_WORLD,                                                                                                    "tool: ",                                           1},
        {"hello",                                                                          STATUS_FAILED,  BLAME_WORLD,  "no report: hello",                                 1},
        {"",                                                                               STATUS_FAILED,  BLAME_WORLD,  "no report: ",                                      1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct web_verdict verdict;
        web_report_judge(cases[i].text, strlen(cases[i].text), "log in", &verdict);
        if (verdict.status != cases[i].status || verdict.blame != cases[i].blame ||
            strncmp(verdict.summary, cases[i].summary, strlen(cases[i].summary)) != 0 ||
            verdict.n_reasons != cases[i].n_reasons) {
            fail_msg("case %zu: %s/%s %zu: %s", i, status_name(verdict.status),
                     blame_word(verdict.blame), verdict.n_reasons, verdict.summary);
        }
        web_verdict_fini(&verdict);
    }
}

static void test_task_is_not_judged(void **state)
{
    (void)state;
    static const char task[] = "find out why\n❌ Error: is shown\n📋 Conclusion:\nfailed";
    struct web_verdict verdict;
    AUTO_FREE char *text =
        mem_printf("📊 Web Evaluation Report for u complete!\n📝 Completed Task: %s\n\n%s",
                   task, STEPS GOOD LOGS);
    web_report_judge(text, strlen(text), task, &verdict);
    assert_int_equal(verdict.status, STATUS_PASSED);
    web_verdict_fini(&verdict);
}

static void test_many_reasons_and_hostile_bytes(void **state)
{
    (void)state;
    struct buf text;
    struct web_verdict verdict;
    buf_init(&text, 1 << 20);
    (void)buf_str(&text, HEAD STEPS "\n🔴 Console Errors: (500 items)\n");
    for (int i = 1; i <= 500; i++) {
        (void)buf_printf(&text, "  %d. \x1b[31m\xff %0500d\n", i, i);
    }
    web_report_judge(text.data, text.len, "t", &verdict);
    assert_int_equal(verdict.status, STATUS_FAILED);
    assert_int_equal(verdict.n_reasons, WEB_REASONS_MAX);
    assert_int_equal(verdict.n_more, 500 - WEB_REASONS_MAX);
    assert_null(strchr(verdict.summary, '\x1b'));
    assert_true(strlen(verdict.summary) <= WEB_REASON_LEN);
    web_verdict_fini(&verdict);
    buf_fini(&text);
}

static void test_conclusions(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "The checkout failed.",
        "An error occurred after login",
        "I was unable to find the button",
        "The form could not be submitted.",
        "No errors in the console, but the menu is broken",
        "The page crashed",
        "The price is missing",
        "The task was not completed",
    };
    static const char *const good[] = {
        "The checkout works as expected.",
        "No errors, no failures and no issues.",
        "Everything passed without any errors",
        "An error message is shown when the password is wrong, as asked",
        "The login did not fail once",
        "All good; nothing is broken",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (!web_report_is_bad(bad[i], strlen(bad[i]))) {
            fail_msg("'%s' was taken for good", bad[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (web_report_is_bad(good[i], strlen(good[i]))) {
            fail_msg("'%s' was taken for bad", good[i]);
        }
    }
}

static void test_json(void **state)
{
    (void)state;
#define SCENARIO(name, passed, rest)                                                     \
    "{\"scenario_name\":\"" name "\",\"passed\":" passed rest "}"
#define CHECKED ",\"validation_results\":[{\"ok\":true}]"
    static const struct {
        const char *text;
        int status;
        enum effect_status want;
        enum blame blame;
        const char *summary;
    } cases[] = {
        {"{\"test_results\":[" SCENARIO("a",        "true",                     CHECKED) "],\"errors\":[]}",                                                 0,
         STATUS_PASSED,                                                                                                                                                                                                                                                                                                                                                                                                                                                                       BLAME_NONE, "1 scenario passed"},
        {"{\"test_results\":[" SCENARIO("a",                      "true",                                                "") "," SCENARIO(
             "b",                                                                                          "false",                                                                                                                                                     ",\"error_message\":\"no button\"") "]}",
         1, STATUS_FAILED, BLAME_CHANGE, "scenario: b: no button"},
        {"{\"test_results\":[" SCENARIO("a", "true",                                                                     ",\"validation_results\":[]") "]}",
         0,                                                                                                                                                                                                             STATUS_FAILED,                                                                                                                                                                                                                                                                                                                                                                                                                            BLAME_OPERATOR, "no validations: a validated nothing"},
        {"{\"test_results\":[" SCENARIO("a",        "true",
         ",\"validation_results\":{\"x\":1}") "]}",
         0,                                                                                                                                                                                                                                          STATUS_PASSED,                                                                                                                                                                                                                                                        BLAME_NONE, "1 scenario passed"},
        {"{\"test_results\":[],\"errors\":[]}",    0,                              STATUS_FAILED,                                                                        BLAME_WORLD,
         "empty report"                                                                                                                                                                                                                                                                                                                                                                                                                                          },
        {"{\"test_results\":[" SCENARIO("a",                            "true",                                            CHECKED) "]}",                                                                                                    1,STATUS_FAILED,
         BLAME_WORLD, "command: exit status 1"},
        {"{\"test_results\":[" SCENARIO("a",                            "true",              CHECKED) "]}",                                                                                                                                     130,                                                                                                                                                                                                                           STATUS_FAILED,
         BLAME_WORLD, "command: it was interrupted"},
        {"{\"errors\":[\"GEMINI_API_KEY is not set\"]}",                            1,          STATUS_REFUSED,BLAME_SETUP,
         "error: GEMINI_API_KEY"                                                                                                                                                                                                                                                                                                                                                                                                                                              },
        {"{\"errors\":[{\"message\":\"browser gone\"}]}",        1, STATUS_FAILED,                                                  BLAME_WORLD,
         "error: browser gone"},
        {"[]",            0,                                      STATUS_FAILED,                                                                    BLAME_WORLD,                                                                                                                              "no report: it is no JSON object"                                                                                                                                                                                                                                                                                                                                             },
        {"",                   1,                                             STATUS_FAILED,                                                                          BLAME_WORLD,                                                                                                                                                        "no report: JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct web_verdict verdict;
        web_report_judge_json(cases[i].text, strlen(cases[i].text), cases[i].status,
                              &verdict);
        if (verdict.status != cases[i].want || verdict.blame != cases[i].blame ||
            strncmp(verdict.summary, cases[i].summary, strlen(cases[i].summary)) != 0) {
            fail_msg("case %zu: %s/%s: %s", i, status_name(verdict.status),
                     blame_word(verdict.blame), verdict.summary);
        }
        web_verdict_fini(&verdict);
    }
}

static void test_base64(void **state)
{
    (void)state;
    /* RFC 4648, section 10 */
    static const char *const pairs[][2] = {
        {"",       ""        },
        {"f",      "Zg=="    },
        {"fo",     "Zm8="    },
        {"foo",    "Zm9v"    },
        {"foob",   "Zm9vYg=="},
        {"fooba",  "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    static const char *const wrong[] = {"Z", "Zg=x", "Zm9v!", "Zm9vY"};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf there, back;
        buf_init(&there, 100);
        buf_init(&back, 100);
        assert_true(base64_encode(&there, pairs[i][0], strlen(pairs[i][0])));
        assert_string_equal(there.data, pairs[i][1]);
        assert_true(base64_decode(&back, there.data, there.len));
        assert_string_equal(back.data, pairs[i][0]);
        buf_fini(&there);
        buf_fini(&back);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct buf back;
        buf_init(&back, 100);
        assert_false(base64_decode(&back, wrong[i], strlen(wrong[i])));
        buf_fini(&back);
    }
    struct buf small, all;
    unsigned char bytes[256];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (unsigned char)i;
    }
    buf_init(&all, 1000);
    buf_init(&small, 255);
    assert_true(base64_encode(&all, bytes, sizeof(bytes)));
    assert_false(base64_decode(&small, all.data, all.len)); /* passes the cap */
    buf_fini(&small);
    buf_init(&small, 256);
    assert_true(base64_decode(&small, all.data, all.len));
    assert_memory_equal(small.data, bytes, sizeof(bytes));
    buf_fini(&small);
    buf_fini(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_task_is_not_judged),
        cmocka_unit_test(test_many_reasons_and_hostile_bytes),
        cmocka_unit_test(test_conclusions),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
