/* SPDX-License-Identifier: MIT */
#include "tests/lib/cases.h"

#include <math.h>
#include <string.h>

#define MINUTE  60000
#define DAY     (24 * 60 * MINUTE)
#define UNKNOWN ((double)NAN)

/* clang-format off */
/* Moments in these are ages, turned into moments by cases_make. */
static const struct failure_row failures[] = {
    {.id = 31, .at = {9 * MINUTE}, .workflow = 2207, .effect = 12, .state = STATE_VALIDATING,
     .step = "unit tests", .repo = "payments-api", .provider = "local", .class_ = CLASS_TEST,
     .category = CATEGORY_WORKFLOW, .severity = SEVERITY_MEDIUM, .complexity = 3,
     .confidence = 0.93, .fingerprint = "5c1f0a77b3e9d214",
     .text = "AssertionError: expected 12.50, got 12.49 in test_price_list_expired",
     .rule = "pytest-assert", .cause = "change",
     .detail = "{\"lines\":[{\"line\":412,\"text\":\"E  AssertionError: expected 12.50, got "
               "12.49\"},{\"line\":418,\"text\":\"FAILED tests/test_price.py::"
               "test_price_list_expired\"},{\"line\":419,\"text\":\"2 failed, 416 passed in "
               "71.02s\"}],\"causes\":[{\"node\":\"change\",\"weight\":0.81,\"why\":\"the files of "
               "the failing test were changed\"},{\"node\":\"step:unit tests\",\"weight\":0.12,"
               "\"since\":\"2026-11-22T13:41:00Z\",\"why\":\"failed for 2 other workflows\"}],"
               "\"classes\":[{\"class\":\"test\",\"p\":0.93},{\"class\":\"flaky\",\"p\":0.05}],"
               "\"complexity\":\"the agent must change its work\",\"blast\":{\"workflows\":1,"
               "\"queued\":0,\"repositories\":[\"payments-api\"],\"branches\":1,"
               "\"environments\":[],\"affected\":[\"wf-2207\"]}}",
     .status = FAILURE_OPEN, .n_rungs = 2, .labelled_by = ""},
    {.id = 30, .at = {12 * MINUTE}, .workflow = 2210, .problem = 2, .state = STATE_PR_CREATED,
     .step = "create pull request", .repo = "billing-api", .provider = "github_api",
     .class_ = CLASS_QUOTA, .category = CATEGORY_INTEGRATION, .severity = SEVERITY_HIGH,
     .complexity = 1, .confidence = 0.99, .fingerprint = "00d1e2f3a4b5c697",
     .text = "403 API rate limit exceeded for installation", .rule = "status",
     .cause = "service:github_api", .detail = "{}", .status = FAILURE_OPEN, .n_rungs = 1,
     .labelled_by = ""},
    {.id = 29, .at = {13 * MINUTE}, .workflow = 2209, .problem = 2, .state = STATE_PR_CREATED,
     .step = "create pull request", .repo = "payments-api", .provider = "github_api",
     .class_ = CLASS_QUOTA, .category = CATEGORY_INTEGRATION, .severity = SEVERITY_HIGH,
     .complexity = 1, .confidence = 0.99, .fingerprint = "00d1e2f3a4b5c697",
     .text = "403 API rate limit exceeded for installation", .rule = "status",
     .cause = "service:github_api", .detail = "{}", .status = FAILURE_OPEN, .n_rungs = 1,
     .labelled_by = ""},
    {.id = 28, .at = {35 * MINUTE}, .workflow = 2203, .state = STATE_VALIDATING,
     .step = "web evaluation", .repo = "shop-web", .provider = "web_eval", .class_ = CLASS_INFRA,
     .category = CATEGORY_SERVICE, .severity = SEVERITY_HIGH, .complexity = 2, .confidence = 0.71,
     .fingerprint = "ab00cd11ef22aa33", .text = "web_eval does not answer: connection refused",
     .rule = "errno", .cause = "service:web_eval", .detail = "{}", .status = FAILURE_OPEN,
     .n_rungs = 2, .labelled_by = ""},
    {.id = 27, .at = {80 * MINUTE}, .workflow = 2201, .state = STATE_CODING, .step = "agent",
     .repo = "grainchain", .provider = "codegen", .class_ = CLASS_AUTH,
     .category = CATEGORY_INTEGRATION, .severity = SEVERITY_HIGH, .complexity = 4,
     .confidence = 0.98, .fingerprint = "77aa88bb99cc00dd",
     .text = "401 the token has expired", .rule = "status", .cause = "service:codegen",
     .detail = "{}", .status = FAILURE_ESCALATED, .n_rungs = 2, .labelled_by = "ada",
     .was_class = CLASS_NETWORK},
    {.id = 26, .at = {3 * 60 * MINUTE}, .workflow = 2190, .state = STATE_VALIDATING,
     .step = "unit tests", .repo = "payments-api", .provider = "local", .class_ = CLASS_FLAKY,
     .category = CATEGORY_WORKFLOW, .severity = SEVERITY_LOW, .complexity = 1, .confidence = 0.84,
     .is_flaky = true, .fingerprint = "1234123412341234", .text = "timed out waiting for port 8080",
     .rule = "model", .cause = "step:unit tests", .detail = "{}", .status = FAILURE_RECOVERED,
     .settled_at = {3 * 60 * MINUTE - 2 * MINUTE}, .n_rungs = 1, .labelled_by = ""},
    {.id = 19, .at = {6 * (int64_t)DAY}, .workflow = 2044, .state = STATE_VALIDATING,
     .step = "unit tests", .repo = "payments-api", .provider = "local", .class_ = CLASS_TEST,
     .category = CATEGORY_WORKFLOW, .severity = SEVERITY_MEDIUM, .complexity = 3,
     .confidence = 0.91, .fingerprint = "5c1f0a77b3e9d214",
     .text = "AssertionError: expected 9.99, got 9.98 in test_price_list", .rule = "pytest-assert",
     .cause = "change", .detail = "{}", .status = FAILURE_RECOVERED,
     .settled_at = {6 * (int64_t)DAY - 20 * MINUTE}, .n_rungs = 1, .labelled_by = ""},
    {.id = 11, .at = {9 * (int64_t)DAY}, .workflow = 1987, .state = STATE_VALIDATING,
     .step = "unit tests", .repo = "payments-api", .provider = "local", .class_ = CLASS_TEST,
     .category = CATEGORY_WORKFLOW, .severity = SEVERITY_MEDIUM, .complexity = 3,
     .confidence = 0.9, .fingerprint = "5c1f0a77b3e9d214",
     .text = "AssertionError: expected 9.99, got 9.98 in test_price_list", .rule = "pytest-assert",
     .cause = "change", .detail = "{}", .status = FAILURE_HELPED,
     .settled_at = {9 * (int64_t)DAY - 90 * MINUTE}, .n_rungs = 3, .labelled_by = ""},
};

static const struct problem_row problems[] = {
    {.id = 2, .cause = "service:github_api", .class_ = CLASS_QUOTA,
     .fingerprint = "00d1e2f3a4b5c697", .severity = SEVERITY_HIGH,
     .text = "github_api: API rate limit exceeded", .opened_at = {13 * MINUTE},
     .seen_at = {12 * MINUTE}, .n_failures = 9, .n_workflows = 7, .incident = 17,
     .rung = RUNG_BREAKER,
     .detail = "{\"blast\":{\"workflows\":7,\"queued\":4,\"repositories\":[\"billing-api\","
               "\"payments-api\"],\"branches\":7,\"environments\":[\"production\"],"
               "\"affected\":[\"wf-2209\",\"wf-2210\",\"wf-2211\"]}}"},
};

static const struct recovery_row recoveries[] = {
    {.id = 45, .failure = 31, .workflow = 2207, .decision = 52, .service = "",
     .rung = RUNG_HAND_BACK, .number = 2, .status = RECOVERY_RUNNING, .decider = DECIDER_LEARNED,
     .odds = 0.71, .odds_low = 0.52, .odds_high = 0.86, .trials = 14.5,
     .reason = "worked 10 of 14 times for this fingerprint", .expected = "unit tests pass",
     .inverse = "", .outcome = "", .asked_at = {7 * MINUTE}, .started_at = {7 * MINUTE},
     .window_end = {-23 * MINUTE}, .cost_s = UNKNOWN},
    {.id = 44, .problem = 2, .decision = 51, .service = "github_api", .rung = RUNG_BREAKER,
     .number = 1, .status = RECOVERY_RUNNING, .decider = DECIDER_RULES, .odds = 0.93,
     .odds_low = 0.84, .odds_high = 0.98, .trials = 31, .reason = "the limit is reset at 14:00",
     .expected = "one of the waiting workflows gets an answer",
     .inverse = "the breaker is let go", .outcome = "", .asked_at = {12 * MINUTE},
     .started_at = {12 * MINUTE}, .window_end = {-8 * MINUTE}, .cost_s = UNKNOWN},
    {.id = 43, .failure = 31, .workflow = 2207, .decision = 50, .service = "", .rung = RUNG_RETRY,
     .number = 1, .status = RECOVERY_FAILED, .decider = DECIDER_RULES, .odds = 0.41,
     .odds_low = 0.3, .odds_high = 0.52, .trials = 62, .reason = "first rung of its class",
     .expected = "unit tests pass", .inverse = "", .outcome = "the same failure came again",
     .asked_at = {9 * MINUTE}, .started_at = {9 * MINUTE}, .window_end = {4 * MINUTE},
     .ended_at = {7 * MINUTE}, .cost_s = 71},
    {.id = 42, .failure = 28, .workflow = 2203, .decision = 49, .service = "web_eval",
     .rung = RUNG_RESTART, .number = 2, .status = RECOVERY_ASKED, .decider = DECIDER_RULES,
     .odds = 0.6, .odds_low = 0.3, .odds_high = 0.85, .trials = 5,
     .reason = "it did not come back by itself", .expected = "web_eval answers",
     .inverse = "", .outcome = "", .asked_at = {20 * MINUTE}, .cost_s = UNKNOWN},
    {.id = 40, .failure = 27, .workflow = 2201, .service = "", .rung = RUNG_ESCALATE, .number = 2,
     .status = RECOVERY_RUNNING, .decider = DECIDER_LIMIT, .odds = UNKNOWN, .odds_low = UNKNOWN,
     .odds_high = UNKNOWN, .trials = 0, .reason = "no rung helps against wrong credentials",
     .expected = "a person renews the token", .inverse = "", .outcome = "",
     .asked_at = {79 * MINUTE}, .started_at = {79 * MINUTE}, .cost_s = UNKNOWN},
    {.id = 39, .failure = 26, .workflow = 2190, .service = "", .rung = RUNG_RETRY, .number = 1,
     .status = RECOVERY_PASSED, .decider = DECIDER_RULES, .odds = 0.8, .odds_low = 0.7,
     .odds_high = 0.88, .trials = 40, .reason = "flaky", .expected = "unit tests pass",
     .inverse = "", .outcome = "passed, counted as flaky", .asked_at = {180 * MINUTE},
     .started_at = {180 * MINUTE}, .ended_at = {178 * MINUTE}, .cost_s = 70},
    {.id = 20, .failure = 19, .workflow = 2044, .service = "", .rung = RUNG_HAND_BACK, .number = 1,
     .status = RECOVERY_PASSED, .decider = DECIDER_LEARNED, .odds = 0.66, .odds_low = 0.4,
     .odds_high = 0.86, .trials = 9, .reason = "", .expected = "unit tests pass", .inverse = "",
     .outcome = "unit tests passed", .asked_at = {6 * (int64_t)DAY},
     .started_at = {6 * (int64_t)DAY}, .ended_at = {6 * (int64_t)DAY - 20 * MINUTE},
     .cost_s = 1200},
};

static const struct decision_row decisions[] = {
    {.id = 53, .at = {5 * MINUTE}, .kind = DECISION_ADMISSION, .subject = "engine", .choice = "8",
     .confidence = 0.66, .risk = 0.02, .decider = DECIDER_RULES,
     .reason = "8 at once: the wait is short and nothing is near its limit",
     .alternatives = "[]", .context = "{\"running\":6,\"queued\":4}", .shadow = "",
     .verdict = VERDICT_UNCLEAR, .reward = UNKNOWN, .outcome = "no queue to judge by"},
    {.id = 52, .at = {7 * MINUTE}, .kind = DECISION_RECOVERY, .workflow = 2207, .failure = 31,
     .subject = "wf-2207", .choice = "hand_back", .confidence = 0.88, .risk = 0.05,
     .decider = DECIDER_LEARNED,
     .reason = "hand_back helps in 71% (52 to 86) of 14.5 trials of this fingerprint; retry has "
               "just failed",
     .alternatives = "[{\"choice\":\"hand_back\",\"p\":0.71,\"low\":0.52,\"high\":0.86,\"trials\":"
                     "14.5,\"value\":0.62,\"cost_s\":610,\"level\":\"fingerprint\"},"
                     "{\"choice\":\"other_agent\",\"p\":0.55,\"low\":0.3,\"high\":0.78,\"trials\":"
                     "6.2,\"value\":0.41,\"cost_s\":1380,\"level\":\"class:test\"},"
                     "{\"choice\":\"escalate\",\"p\":0.9,\"low\":0.7,\"high\":0.98,\"trials\":3,"
                     "\"value\":0.1,\"cost_s\":5400,\"level\":\"all\"},"
                     "{\"choice\":\"retry\",\"why_not\":\"has failed on this fingerprint, and "
                     "nothing is new\"},"
                     "{\"choice\":\"fallback\",\"why_not\":\"no other provider performs this "
                     "step\"}]",
     .context = "{\"class\":\"test\",\"attempt\":2,\"time_left_s\":2460,\"health\":\"degraded\"}",
     .shadow = "other_agent", .verdict = VERDICT_OPEN, .reward = UNKNOWN, .outcome = ""},
    {.id = 51, .at = {12 * MINUTE}, .kind = DECISION_PROBLEM, .problem = 2,
     .subject = "service:github_api", .choice = "breaker", .confidence = 0.97, .risk = 0.01,
     .decider = DECIDER_RULES, .reason = "9 failures of one cause: held until the limit is reset",
     .alternatives = "[{\"choice\":\"breaker\",\"p\":0.93,\"low\":0.84,\"high\":0.98,\"trials\":31,"
                     "\"value\":0.91,\"level\":\"service:github_api\"},{\"choice\":\"restart\","
                     "\"why_not\":\"no restart command is configured\"}]",
     .context = "{}", .shadow = "", .verdict = VERDICT_OPEN, .reward = UNKNOWN, .outcome = ""},
    {.id = 50, .at = {9 * MINUTE}, .kind = DECISION_RECOVERY, .workflow = 2207, .failure = 31,
     .subject = "wf-2207", .choice = "retry", .confidence = 0.6, .risk = 0.01,
     .decider = DECIDER_RULES, .reason = "once more first: 5% of these are flaky",
     .alternatives = "[]", .context = "{}", .shadow = "hand_back", .verdict = VERDICT_BAD,
     .reward = 0.1, .outcome = "the same failure came again", .settled_at = {7 * MINUTE}},
    {.id = 49, .at = {20 * MINUTE}, .kind = DECISION_RECOVERY, .workflow = 2203, .failure = 28,
     .subject = "wf-2203", .choice = "restart", .confidence = 0.7, .risk = 0.3,
     .decider = DECIDER_RULES, .reason = "web_eval did not come back by itself within 15m",
     .alternatives = "[]", .context = "{}", .shadow = "", .verdict = VERDICT_OPEN,
     .reward = UNKNOWN, .outcome = ""},
    {.id = 48, .at = {178 * MINUTE}, .kind = DECISION_MERGE, .workflow = 2190,
     .subject = "wf-2190", .choice = "merge", .confidence = 0.94, .risk = 0.04,
     .decider = DECIDER_LEARNED, .reason = "checks are green, the change is small",
     .alternatives = "[]", .context = "{}", .shadow = "ask", .verdict = VERDICT_GOOD, .reward = 1,
     .outcome = "nothing failed after it", .settled_at = {60 * MINUTE}},
};

#define ODDS(of, what, p, lo, hi, evidence, passed, all, seconds, bits, n_bits, ...)     \
    {.key = (of), .rung = (what), .mean = (p), .low = (lo), .high = (hi),                \
     .trials = (evidence), .n_passed = (passed), .n = (all), .cost_s = (seconds),        \
     .recent = (bits), .n_recent = (n_bits), .updated_at = {7 * MINUTE}, __VA_ARGS__}
static const struct odds_row odds[] = {
    ODDS("all", "breaker", 0.91, 0.85, 0.96, 58, 71, 77, 640, 0xfbfe, 16, .alpha = 53, .beta = 5),
    ODDS("all", "hand_back", 0.68, 0.61, 0.75, 92.4, 140, 204, 702, 0xb6d7, 16, .alpha = 63, .beta = 29),
    ODDS("all", "retry", 0.47, 0.42, 0.52, 188, 301, 640, 66, 0x4a52, 16, .alpha = 88, .beta = 100),
    ODDS("class:flaky", "retry", 0.86, 0.78, 0.92, 61, 88, 101, 70, 0xdfb7, 16, .alpha = 52, .beta = 9),
    ODDS("class:flaky", "hand_back", 0.31, 0.15, 0.5, 9.5, 4, 13, 700, 0x12, 6, .alpha = 3, .beta = 6.5, .is_demoted = true),
    ODDS("class:quota", "breaker", 0.93, 0.84, 0.98, 31, 36, 38, 660, 0xffef, 16, .alpha = 29, .beta = 2),
    ODDS("class:test", "hand_back", 0.71, 0.62, 0.79, 64.2, 98, 140, 610, 0xddb7, 16, .alpha = 45, .beta = 19),
    ODDS("class:test", "other_agent", 0.55, 0.3, 0.78, 6.2, 4, 7, 1380, 0x2d, 7, .alpha = 3.4, .beta = 2.8),
    ODDS("class:test", "retry", 0.12, 0.07, 0.18, 74, 12, 96, 71, 0x0201, 16, .alpha = 9, .beta = 65, .is_demoted = true),
    ODDS("class:test", "smaller_task", 0.5, 0.2, 0.8, 2, 1, 2, UNKNOWN, 0x1, 2, .alpha = 1, .beta = 1, .is_killed = true),
    ODDS("fingerprint:5c1f0a77b3e9d214", "hand_back", 0.71, 0.52, 0.86, 14.5, 10, 14, 610, 0x3b7, 10, .alpha = 10, .beta = 4),
};
/* clang-format on */

static void since(struct wall now, struct wall *age)
{
    *age = (struct wall){age->ms == 0 ? 0 : now.ms - age->ms};
}

struct cases cases_make(struct arena *arena, struct wall now)
{
    struct failure_row *f = arena_array(arena, ARRAY_LEN(failures), sizeof(*f));
    struct problem_row *p = arena_array(arena, ARRAY_LEN(problems), sizeof(*p));
    struct recovery_row *r = arena_array(arena, ARRAY_LEN(recoveries), sizeof(*r));
    struct decision_row *d = arena_array(arena, ARRAY_LEN(decisions), sizeof(*d));
    struct odds_row *o = arena_array(arena, ARRAY_LEN(odds), sizeof(*o));
    memcpy(f, failures, sizeof(failures));
    memcpy(p, problems, sizeof(problems));
    memcpy(r, recoveries, sizeof(recoveries));
    memcpy(d, decisions, sizeof(decisions));
    memcpy(o, odds, sizeof(odds));
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        since(now, &f[i].at);
        since(now, &f[i].settled_at);
    }
    for (size_t i = 0; i < ARRAY_LEN(problems); i++) {
        since(now, &p[i].opened_at);
        since(now, &p[i].seen_at);
    }
    for (size_t i = 0; i < ARRAY_LEN(recoveries); i++) {
        since(now, &r[i].asked_at);
        since(now, &r[i].started_at);
        since(now, &r[i].window_end);
        since(now, &r[i].ended_at);
    }
    for (size_t i = 0; i < ARRAY_LEN(decisions); i++) {
        since(now, &d[i].at);
        since(now, &d[i].settled_at);
    }
    for (size_t i = 0; i < ARRAY_LEN(odds); i++) {
        since(now, &o[i].updated_at);
    }
    return (struct cases){
        .failures = f,
        .n_failures = ARRAY_LEN(failures),
        .problems = p,
        .n_problems = ARRAY_LEN(problems),
        .recoveries = r,
        .n_recoveries = ARRAY_LEN(recoveries),
        .decisions = d,
        .n_decisions = ARRAY_LEN(decisions),
        .odds = o,
        .n_odds = ARRAY_LEN(odds),
    };
}

void cases_put(struct store *store, struct arena *arena, struct wall now)
{
    struct cases cases = cases_make(arena, now);
    for (size_t i = 0; i < cases.n_failures; i++) {
        (void)store_put_failure(store, &cases.failures[i]);
    }
    for (size_t i = 0; i < cases.n_problems; i++) {
        (void)store_put_problem(store, &cases.problems[i]);
    }
    for (size_t i = 0; i < cases.n_recoveries; i++) {
        (void)store_put_recovery(store, &cases.recoveries[i]);
    }
    for (size_t i = 0; i < cases.n_decisions; i++) {
        (void)store_put_decision(store, &cases.decisions[i]);
    }
    for (size_t i = 0; i < cases.n_odds; i++) {
        store_put_odds(store, &cases.odds[i]);
    }
}
