/* SPDX-License-Identifier: MIT */
#include "engine/approval/risk.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SURE 0.6 /* less is a guess */
#define FEW  5   /* workflows that one person can look after */
#define MANY 25

bool risk_is_production(const char *environment)
{
    static const char *const names[] = {"production", "prod", "live"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);
        if (strncmp(environment, names[i], len) == 0 &&
            (environment[len] == '\0' || environment[len] == '-')) {
            return true;
        }
    }
    return false;
}

static bool reaches_outside(const struct risk_facts *facts)
{
    return facts->action == ACT_MERGE || facts->action == ACT_REVERT ||
           facts->action == ACT_RESTART || facts->action == ACT_SCALE;
}

static bool is_outside_act(const struct risk_facts *facts)
{
    return reaches_outside(facts);
}

static bool is_irreversible(const struct risk_facts *facts)
{
    return !facts->is_reversible;
}

static bool is_last_in_production(const struct risk_facts *facts)
{
    return !facts->is_reversible && risk_is_production(facts->environment);
}

static bool is_in_production(const struct risk_facts *facts)
{
    return reaches_outside(facts) && risk_is_production(facts->environment);
}

static bool is_degraded(const struct risk_facts *facts)
{
    return facts->is_degraded;
}

static bool decides(const struct risk_facts *facts)
{
    return facts->decides;
}

static bool is_a_guess(const struct risk_facts *facts)
{
    return facts->confidence < SURE; /* not for what is not known */
}

static bool is_novel(const struct risk_facts *facts)
{
    return facts->is_novel && facts->action != ACT_PLAN;
}

static bool touches_some(const struct risk_facts *facts)
{
    return facts->n_workflows > FEW || facts->n_repos > 1;
}

static bool touches_many(const struct risk_facts *facts)
{
    return facts->n_workflows > MANY || facts->n_environments > 1;
}

static const struct {
    enum risk risk;
    bool (*fits)(const struct risk_facts *facts);
    const char *text;
} builtins[] = {
    {RISK_CRITICAL, is_last_in_production, "cannot be taken back, in production"                   },
    {RISK_HIGH,     is_irreversible,       "cannot be taken back exactly"                          },
    {RISK_HIGH,     is_in_production,      "changes production"                                    },
    {RISK_HIGH,     decides,               "changes what decides about merges"                     },
    {RISK_HIGH,     touches_many,          "touches more than 25 workflows or several environments"},
    {RISK_MEDIUM,   is_degraded,           "a fallback judged it, or nobody"                       },
    {RISK_MEDIUM,   is_a_guess,            "less than 60 % sure that it helps"                     },
    {RISK_MEDIUM,   touches_some,          "touches more than 5 workflows or several repositories" },
    {RISK_MEDIUM,   is_novel,              "nobody has allowed this here before"                   },
    {RISK_MEDIUM,   is_outside_act,        "reaches outside of signalbox"                          },
};

bool risk_builtin(size_t index, enum risk *ret_risk, const char **ret_text)
{
    if (index >= ARRAY_LEN(builtins)) {
        return false;
    }
    *ret_risk = builtins[index].risk;
    *ret_text = builtins[index].text;
    return true;
}

static bool fits_text(const char *pattern, const char *text)
{
    return pattern == NULL || pattern[0] == '\0' || fnmatch(pattern, text, 0) == 0;
}

static bool fits(const struct risk_rule *rule, const struct risk_facts *facts)
{
    return (rule->action == 0 || rule->action == (int)facts->action + 1) &&
           fits_text(rule->repo, facts->repo) &&
           fits_text(rule->environment, facts->environment) &&
           (!rule->is_irreversible || !facts->is_reversible) &&
           (!rule->is_novel || facts->is_novel) &&
           (rule->confidence_below <= 0 || facts->confidence < rule->confidence_below) &&
           (rule->workflows_above < 0 || facts->n_workflows > rule->workflows_above);
}

enum risk risk_judge(const struct risk_facts *facts, const struct risk_rule *rules,
                     size_t n_rules, char ret_rule[RISK_RULE_TEXT])
{
    enum risk risk = RISK_LOW;
    (void)snprintf(ret_rule, RISK_RULE_TEXT, "%s", "no rule says more");
    for (size_t i = 0; i < n_rules; i++) {
        if (fits(&rules[i], facts)) {
            /* What has no way back is never approved with a single key, whatever a rule says. */
            bool is_raised = !facts->is_reversible && rules[i].risk < RISK_HIGH;
            (void)snprintf(ret_rule, RISK_RULE_TEXT, "%s%s", rules[i].name,
                           is_raised ? "; but cannot be taken back exactly" : "");
            return is_raised ? RISK_HIGH : rules[i].risk;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
        if (builtins[i].risk > risk && builtins[i].fits(facts)) {
            risk = builtins[i].risk;
            (void)snprintf(ret_rule, RISK_RULE_TEXT, "%s", builtins[i].text);
        }
    }
    return risk;
}
