/* SPDX-License-Identifier: MIT */

/* A file of rules of any bytes: findings, or rules that can be matched, stepped and told. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/monitor/rule.h"
#include "tests/fuzz/fuzz.h"

static void check_rule(const struct rule *rule)
{
    static const struct series_info series = {
        .name = "disk_used_ratio", .labels = "mount=\"/srv\"", .component = "host"};
    struct rule_state state = {0};
    char text[RULE_SUMMARY_MAX];
    MUST(rule->condition == RULE_ABSENT || isfinite(rule->limit));
    MUST(rule->condition == RULE_ABSENT || isfinite(rule->resolve));
    MUST(rule->condition != RULE_ABOVE || rule->resolve <= rule->limit);
    MUST(rule->condition != RULE_BELOW || rule->resolve >= rule->limit);
    MUST(rule->n_labels <= RULE_LABELS_MAX);
    for (int i = 0; i < 40; i++) {
        struct wall at = {1000000 + i * 60000};
        struct rule_result result = rule_step(rule, &state, at, i % 7 * 0.2);
        MUST(!(result.has_begun && result.has_ended));
        MUST(!result.has_begun || result.is_firing);
        result = rule_tick(rule, &state, (struct wall){at.ms + 30000});
        MUST(!(result.has_begun && result.has_ended));
    }
    rule_text(rule, &series, 0.93, text);
    MUST(is_harmless(text) && strlen(text) < RULE_SUMMARY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct series_info series = {.name = "workflow_time_in_state_seconds",
                                              .labels = "state=\"CODING\"",
                                              .component = "engine"};
    struct findings findings;
    findings_init(&findings);
    struct rule_set *set =
        rule_set_parse("/etc/r.yaml", (const char *)data, size, &findings);
    MUST((set == NULL) == (findings.n > 0));
    check_findings(&findings);
    if (set != NULL) {
        MUST(set->n <= RULES_MAX);
        uint64_t rules = rule_match(set, &series);
        MUST(set->n == RULES_MAX || rules >> set->n == 0);
        for (size_t i = 0; i < set->n; i++) {
            check_rule(&set->rules[i]);
        }
    }
    rule_set_free(set);
    findings_fini(&findings);
    return 0;
}
