/* SPDX-License-Identifier: MIT */

/* Effects and their digests, rules of risk, acts on approvals, the gate of roles. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/approval/approval.h"
#include "engine/approval/effect.h"
#include "engine/approval/risk.h"
#include "engine/control/verb.h"

static const struct effect_field merge[] = {
    {.name = "operation", .text = "merge" },
    {.name = "base",      .text = "main"  },
    {.name = "head",      .text = "abc"   },
    {.name = "pull",      .number = 7     },
    {.name = "method",    .text = "squash"},
};

/* ---- effects ---- */

static void order_and_wording_make_no_difference(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct effect_field turned[ARRAY_LEN(merge)];
    for (size_t i = 0; i < ARRAY_LEN(merge); i++) {
        turned[i] = merge[ARRAY_LEN(merge) - 1 - i];
    }
    const char *one = effect_canonical(arena, merge, ARRAY_LEN(merge));
    assert_string_equal(one, "{\"base\":\"main\",\"head\":\"abc\",\"method\":\"squash\","
                             "\"operation\":\"merge\",\"pull\":7}");
    assert_string_equal(one, effect_canonical(arena, turned, ARRAY_LEN(turned)));
    arena_free(arena);
}

static void each_field_changes_the_digest(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char before[DIGEST_HEX], after[DIGEST_HEX];
    const char *one = effect_canonical(arena, merge, ARRAY_LEN(merge));
    effect_digest(one, before);
    for (size_t i = 0; i < ARRAY_LEN(merge); i++) {
        struct effect_field changed[ARRAY_LEN(merge)];
        struct effect_change change[4];
        memcpy(changed, merge, sizeof(merge));
        changed[i].text = merge[i].text != NULL ? "other" : NULL;
        changed[i].number++;
        const char *other = effect_canonical(arena, changed, ARRAY_LEN(changed));
        effect_digest(other, after);
        assert_string_not_equal(before, after);
        assert_int_equal(effect_diff(arena, one, other, change, ARRAY_LEN(change)), 1);
        assert_string_equal(change[0].field, merge[i].name);
    }
    char text[EFFECT_DIFF_TEXT];
    assert_string_equal(effect_diff_text("{\"a\":1}", "{\"b\":\"x\"}", text),
                        "a 1 -> nothing, b nothing -> x");
    arena_free(arena);
}

/* ---- risk ---- */

static void risk_follows_rules_that_can_be_read(void **state)
{
    (void)state;
    static char name[] = "payments by two", repo[] = "*payments*";
    static char toy[] = "a toy", dev[] = "dev";
    const struct risk_rule own[] = {
        {.name = name,
         .action = ACT_MERGE + 1,
         .repo = repo,
         .workflows_above = -1,
         .risk = RISK_CRITICAL},
        {.name = toy,            .environment = dev,           .workflows_above = -1, .risk = RISK_LOW},
    };
    static const struct {
        struct risk_facts facts;
        enum risk risk;
        const char *rule;
    } cases[] = {
        {{.action = ACT_PLAN,
          .repo = "",
          .environment = "",
          .is_reversible = true,
          .confidence = 1},
         RISK_LOW,      "no rule says more"                  },
        {{.action = ACT_MERGE,
          .repo = "web",
          .environment = "",
          .is_reversible = true,
          .confidence = 1},
         RISK_MEDIUM,   "outside"                            },
        {{.action = ACT_MERGE,
          .repo = "payments-api",
          .environment = "",
          .is_reversible = true},
         RISK_CRITICAL, "payments by two"                    },
        {{.action = ACT_MERGE,
          .repo = "web",
          .environment = "production-eu",
          .is_reversible = true},
         RISK_HIGH,     "production"                         },
        {{.action = ACT_MERGE,
          .repo = "web",
          .environment = "dev",
          .is_reversible = true},
         RISK_LOW,      "a toy"                              },
        {{.action = ACT_RESTART,
          .repo = "",
          .environment = "dev",
          .is_reversible = false},
         RISK_HIGH,     "a toy; but cannot be taken back"    },
        {{.action = ACT_RESTART,
          .repo = "",
          .environment = "prod",
          .is_reversible = false},
         RISK_CRITICAL, "cannot be taken back, in production"},
        {{.action = ACT_TUNE,
          .repo = "web",
          .environment = "",
          .is_reversible = true,
          .decides = true},
         RISK_HIGH,     "decides"                            },
        {{.action = ACT_TUNE,
          .repo = "web",
          .environment = "",
          .is_reversible = true,
          .confidence = 0.5},
         RISK_MEDIUM,   "60 %"                               },
        {{.action = ACT_TUNE,
          .repo = "web",
          .environment = "",
          .is_reversible = true,
          .confidence = (double)NAN},
         RISK_LOW,      "no rule"                            },
        {{.action = ACT_TUNE,
          .repo = "",
          .environment = "",
          .is_reversible = true,
          .confidence = 1,
          .n_workflows = 26},
         RISK_HIGH,     "25 workflows"                       },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char rule[RISK_RULE_TEXT];
        assert_int_equal(risk_judge(&cases[i].facts, own, ARRAY_LEN(own), rule),
                         cases[i].risk);
        assert_non_null(strstr(rule, cases[i].rule));
    }
    assert_false(risk_is_production("products"));
}

/* ---- acts ---- */

static const struct wall now = {1000000};

static struct approval_row open_row(enum risk risk)
{
    struct approval_row row = {.id = 3,
                               .action = ACT_MERGE,
                               .status = APPROVAL_OPEN,
                               .risk = risk,
                               .rule = "",
                               .target = "payments",
                               .repo = "",
                               .environment = "",
                               .title = "",
                               .requester = "ada",
                               .assignee = "",
                               .claimed_by = "",
                               .decided_by = "",
                               .reason = "",
                               .n_needed = approval_people(risk),
                               .votes = "[]",
                               .effect = "{\"head\":\"abc\"}",
                               .effect_before = "",
                               .card = "{}"};
    effect_digest(row.effect, row.digest);
    return row;
}

static struct approval_input input_of(enum approval_verb verb, const char *actor,
                                      const struct approval_row *row)
{
    return (struct approval_input){.verb = verb,
                                   .actor = actor,
                                   .role = USER_ADMIN,
                                   .digest = row->digest,
                                   .confirm = "",
                                   .reason = "",
                                   .to = ""};
}

static void expect(struct approval_row *row, const struct approval_input *input,
                   enum approval_result wanted, const char *text)
{
    static struct arena *arena;
    struct approval_policy policy = {.self_max = RISK_MEDIUM,
                                     .critical_second = USER_ADMIN};
    char said[APPROVAL_TEXT_MAX];
    if (arena == NULL) {
        arena = arena_new();
    }
    assert_int_equal(approval_act(row, input, &policy, now, arena, said), wanted);
    if (strstr(said, text) == NULL) {
        fail_msg("'%s' does not say '%s'", said, text);
    }
    if (row->status == APPROVAL_REJECTED) { /* the last act of the tests */
        arena_free(arena);
        arena = NULL;
    }
}

static void each_tier_asks_what_it_asks(void **state)
{
    (void)state;
    for (int risk = RISK_LOW; risk < RISK_COUNT; risk++) {
        struct approval_row row = open_row((enum risk)risk);
        struct approval_input input = input_of(APPROVAL_APPROVE, "ada", &row);
        bool is_dear = risk >= RISK_HIGH;
        struct approval_input blind = input;
        blind.digest = "";
        expect(&row, &blind, APPROVAL_MISTAKE, "digest is missing");
        blind.digest = "00";
        expect(&row, &blind, APPROVAL_DENIED, "changed since it was shown");
        expect(&row, &input, is_dear ? APPROVAL_DENIED : APPROVAL_DONE,
               is_dear ? "asked for by you" : "is approved");
        if (!is_dear) {
            expect(&row, &input, APPROVAL_DENIED, "approved by ada");
            continue;
        }
        input.actor = "grace";
        expect(&row, &input, APPROVAL_MISTAKE, "the name payments");
        input.confirm = "payment";
        expect(&row, &input, APPROVAL_MISTAKE, "the name payments");
        input.confirm = "payments";
        expect(&row, &input, risk == RISK_HIGH ? APPROVAL_DONE : APPROVAL_MORE,
               "approved");
        if (risk == RISK_CRITICAL) {
            expect(&row, &input, APPROVAL_DENIED, "another person");
            input.actor = "lin";
            input.role = USER_APPROVER;
            expect(&row, &input, APPROVAL_DONE, "is approved");
            assert_string_equal(row.decided_by, "grace and lin");
        }
    }
}

static void a_critical_one_needs_the_other_role(void **state)
{
    (void)state;
    struct approval_row row = open_row(RISK_CRITICAL);
    struct approval_input input = input_of(APPROVAL_APPROVE, "grace", &row);
    input.confirm = "payments";
    input.role = USER_APPROVER;
    expect(&row, &input, APPROVAL_MORE, "1 more");
    input.actor = "lin";
    expect(&row, &input, APPROVAL_MORE, "who is admin");
    input.actor = "root";
    input.role = USER_ADMIN;
    expect(&row, &input, APPROVAL_DONE, "is approved");
}

static void what_drifts_loses_its_votes(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct approval_row row = open_row(RISK_CRITICAL);
    struct approval_input input = input_of(APPROVAL_APPROVE, "grace", &row);
    char shown[DIGEST_HEX];
    memcpy(shown, row.digest, sizeof(shown));
    input.confirm = "payments";
    input.digest = shown;
    expect(&row, &input, APPROVAL_MORE, "1 more");
    approval_drift(&row, "{\"head\":\"def\"}", arena);
    assert_int_equal(row.status, APPROVAL_DRIFTED);
    assert_string_equal(row.votes, "[]");
    input.actor = "lin";
    expect(&row, &input, APPROVAL_DENIED, "head abc -> def");
    arena_free(arena);
}

static void put_off_given_away_taken(void **state)
{
    (void)state;
    struct approval_row row = open_row(RISK_LOW);
    struct approval_input input = input_of(APPROVAL_SNOOZE, "grace", &row);
    expect(&row, &input, APPROVAL_DONE, "comes back in 1h");
    assert_true(row.snoozed_until.ms == now.ms + 3600000 && approval_waits(row.status));
    input.time = span_s(8 * 86400);
    expect(&row, &input, APPROVAL_MISTAKE, "at most 7d");
    input.verb = APPROVAL_DELEGATE;
    expect(&row, &input, APPROVAL_MISTAKE, "expected a user");
    input.to = "lin";
    expect(&row, &input, APPROVAL_DONE, "is for lin");
    input.verb = APPROVAL_CLAIM;
    expect(&row, &input, APPROVAL_DONE, "yours for 15m");
    input.actor = "lin";
    expect(&row, &input, APPROVAL_DENIED, "grace looks at a-3");
    input.verb = APPROVAL_REJECT;
    input.reason = " ";
    expect(&row, &input, APPROVAL_MISTAKE, "expected why");
    input.reason = "not now";
    expect(&row, &input, APPROVAL_DONE, "is rejected");
}

/* ---- the gate ---- */

static void each_verb_has_its_least_role(void **state)
{
    (void)state;
    char why[ACCESS_TEXT_MAX];
    for (size_t i = 0; i < n_verbs; i++) {
        const struct verb *verb = &verbs[i];
        assert_true(verb->role >= USER_OBSERVER && verb->role < USER_ROLE_COUNT);
        assert_true(!verb->changes || verb->role > USER_OBSERVER);
        for (int role = USER_NONE; role < USER_ROLE_COUNT; role++) {
            bool is_allowed = access_allows(verb, (enum user_role)role, "ada", why);
            assert_int_equal(is_allowed, role >= (int)verb->role);
            assert_int_equal(is_allowed, why[0] == '\0');
        }
    }
}

static void the_highest_role_counts(void **state)
{
    (void)state;
    static char name[] = "ada", group[] = "ops", any[] = "*";
    char *ada[] = {name}, *ops[] = {group}, *all[] = {any};
    const struct access_spec spec = {
        .roles = {[USER_OBSERVER] = {.users = all, .n_users = 1},
                  [USER_OPERATOR] = {.groups = ops, .n_groups = 1},
                  [USER_ADMIN] = {.users = ada, .n_users = 1}}
    };
    const char *groups[] = {"users", "ops"};
    assert_int_equal(access_role(&spec, "ada", groups, 2), USER_ADMIN);
    assert_int_equal(access_role(&spec, "lin", groups, 2), USER_OPERATOR);
    assert_int_equal(access_role(&spec, "lin", groups, 1), USER_OBSERVER);
    assert_true(access_is_configured(&spec));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_and_wording_make_no_difference),
        cmocka_unit_test(each_field_changes_the_digest),
        cmocka_unit_test(risk_follows_rules_that_can_be_read),
        cmocka_unit_test(each_tier_asks_what_it_asks),
        cmocka_unit_test(a_critical_one_needs_the_other_role),
        cmocka_unit_test(what_drifts_loses_its_votes),
        cmocka_unit_test(each_verb_has_its_least_role),
        cmocka_unit_test(the_highest_role_counts),
        cmocka_unit_test(put_off_given_away_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
