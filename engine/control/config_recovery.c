/* SPDX-License-Identifier: MIT */
/* The section recovery: what the engine does by itself after failures, and its limits. */
#include "engine/base/money.h"
#include "engine/control/config_schema.h"

#define SECOND INT64_C(1000)
#define DAY    (86400 * SECOND)

#define AT(member) offsetof(struct config, member)

/* clang-format off */
static const char *const mode_words[] = {"off", "rules", "learn", NULL};

static const struct field recovery_fields[] = {
    {.name = "mode", .type = FIELD_WORD, .offset = AT(recovery.mode), .words = mode_words,
     .fallback = "learn",
     .help = "What answers failures: the transition table alone (off), fixed rules by the class "
             "of the failure (rules), or what has worked before, where there is enough of it and "
             "it does better than the rules (learn)."},
    {.name = "attempts", .type = FIELD_INT, .offset = AT(recovery.attempts), .min = 1, .max = 100,
     .fallback = "8", .help = "Rungs that are tried on one failure before a person is asked."},
    {.name = "storm", .type = FIELD_INT, .offset = AT(recovery.storm), .min = 1, .max = 1000000,
     .fallback = "600",
     .help = "Rungs on one class of failures within an hour, of all workflows; then they wait."},
    {.name = "patterns", .type = FIELD_PATH, .offset = AT(recovery.patterns),
     .may_be_empty = true, .fallback = "", .shown = "none",
     .help = "Path of a file of own rules that recognise failures, see signalbox-patterns(5)."},
    {.name = "backoff", .type = FIELD_DURATION, .offset = AT(backoff), .min = 10, .max = DAY,
     .fallback = "5s",
     .help = "Pause before the first retry after a failure of the surroundings; it doubles with "
             "each further one."},
    {.name = "backoff_max", .type = FIELD_DURATION, .offset = AT(backoff_max), .min = 10,
     .max = DAY, .fallback = "5m", .help = "Longest pause before a retry."},
    {.name = "revert_per_hour", .type = FIELD_INT, .offset = AT(recovery.revert_per_hour),
     .min = 0, .max = 1000, .fallback = "2",
     .help = "How many merges of one repository the engine takes back by itself in an hour; "
             "beyond that an operator is asked."},
    {.name = "revert_per_day", .type = FIELD_INT, .offset = AT(recovery.revert_per_day),
     .min = 0, .max = 1000, .fallback = "6", .help = "The same in 24 hours."},
    {.name = "agent_runs_per_day", .type = FIELD_INT, .offset = AT(recovery.runs_per_day),
     .min = 1, .max = 1000000, .has_zero = true, .fallback = "0", .shown = "no cap",
     .help = "Agent runs in one repository in a day (UTC). Beyond that no agent run begins until "
             "the next day; what was made is still committed, validated and merged."},
    {.name = "agent_time_per_day", .type = FIELD_DURATION,
     .offset = AT(recovery.agent_time_per_day), .min = 60 * SECOND, .max = 365 * DAY,
     .has_zero = true, .fallback = "0", .shown = "no cap",
     .help = "The same for the time of agent runs, and a run begins only when as much is left as "
             "the one before took."},
    {.name = "agent_tokens_per_day", .type = FIELD_INT, .offset = AT(recovery.tokens_per_day),
     .min = 1, .max = 2000000000, .has_zero = true, .fallback = "0", .shown = "no cap",
     .help = "The same for tokens that agent and plan runs say they have used."},
    {.name = "agent_cost_per_day", .type = FIELD_MONEY, .offset = AT(recovery.cost_per_day),
     .min = 1, .max = MONEY_MAX, .has_zero = true, .fallback = "0", .shown = "no cap",
     .help = "The same for money, in the unit in which the agents say it, like 100.00."},
    {.name = "proactive", .type = FIELD_BOOL, .offset = AT(recovery.is_proactive),
     .fallback = "true",
     .help = "Whether what is likely to come leads to a prepared action that is taken back "
             "afterwards: a backup is probed, fewer workflows run at once, what may go is removed "
             "from the disk, a credential is fetched anew."},
    {.name = "admission", .type = FIELD_BOOL, .offset = AT(recovery.is_admission),
     .fallback = "true",
     .help = "Whether fewer workflows than max_running run at once while much of what they do ends "
             "in a way that too much at once brings: timeouts, no memory or disk, quotas, overloaded "
             "services. When it does not any more, as many as are configured run again."},
};
const struct schema recovery_schema = {
    .name = "recovery", .size = sizeof(struct config), .fields = recovery_fields,
    .n_fields = ARRAY_LEN(recovery_fields),
    .help = "What is done by itself after failures, and how much of it."};
/* clang-format on */

void config_check_recovery(const char *file, const struct config *config,
                           const struct yaml_item *root, struct findings *findings)
{
    const struct yaml_item *recovery = yaml_item_get(root, "recovery");
    const struct yaml_item *last = yaml_item_get(recovery, "backoff_max");
    if (last == NULL) {
        last = yaml_item_get(recovery, "backoff");
    }
    if (last != NULL && config->backoff.ms > config->backoff_max.ms) {
        char path[YAML_PATH_MAX], first[CLOCK_TEXT_MAX], longest[CLOCK_TEXT_MAX];
        findings_add(
            findings, file, last->line, yaml_item_path(last, NULL, path),
            "the first pause (%s) is above the longest (%s); expected backoff to be "
            "at most backoff_max",
            span_format(config->backoff, first),
            span_format(config->backoff_max, longest));
    }
}
