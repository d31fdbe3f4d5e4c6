/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_APPROVAL_RISK_H
#define SIGNALBOX_APPROVAL_RISK_H

/*
 * Risk: how much can go wrong, by rules that can be read, and with that what confirms an
 * approval (RISK_LIST of store/approval.h).
 *
 * The first rule of the configuration that fits says the tier, whatever the built-in ones say, but
 * what cannot be taken back is high at least: no single key approves it. When none fits,
 * every built-in rule that fits counts, and the highest tier wins; none: low. The rule that set the
 * tier is shown with the card, in words.
 *
 *   approvals:
 *     rules:
 *       - {name: payments are merged by two, action: merge, repo: "*payments*", risk: critical}
 *       - {name: the sandbox host is a toy, environment: dev, risk: low}
 *
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "store/approval.h"

/* What is known of an effect when it is judged. */
struct risk_facts {
    enum act action;
    const char *repo, *environment; /* "" = not said */
    bool is_reversible;             /* the exact inverse is known */
    bool is_degraded;               /* what should have judged it did not */
    bool decides;      /* it changes what decides about merges: a check, an evaluator */
    bool is_novel;     /* nobody has approved this class here before */
    double confidence; /* 0..1 that it helps; NAN = not known */
    int n_workflows, n_repos, n_environments, n_queued; /* blast radius */
};

/* A rule of the configuration. What is not said fits everything. */
struct risk_rule {
    char *name;
    int action;               /* + 1 */
    char *repo, *environment; /* patterns of fnmatch(3), "" = any */
    bool is_irreversible;     /* only what cannot be taken back */
    bool is_novel;
    double confidence_below; /* 0 = any */
    int workflows_above;     /* -1 = any */
    enum risk risk;
};

#define RISK_RULE_TEXT 120
enum risk risk_judge(const struct risk_facts *facts, const struct risk_rule *rules,
                     size_t n_rules, char ret_rule[RISK_RULE_TEXT]);

/* The built-in rules, for the manual: false at the end. */
bool risk_builtin(size_t index, enum risk *ret_risk, const char **ret_text);

/* Is this environment one where mistakes are dear? "production", "prod", "live" and what begins
 * with one of them and '-'. */
bool risk_is_production(const char *environment);

#endif
