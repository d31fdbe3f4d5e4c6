/* SPDX-License-Identifier: MIT */
#include "engine/monitor/metric.h"

#include <string.h>

static const struct {
    const char *name, *help;
} families[FAMILY_COUNT] = {
#define X(id, name, help) [id] = {name, help},
    FAMILY_LIST(X)
#undef X
};

static const char *const kinds[METRIC_KIND_COUNT] = {
#define X(id, word, help) [id] = word,
    METRIC_KIND_LIST(X)
#undef X
};

static const char *const names[METRIC_COUNT] = {
#define X(id, name, help) [id] = name,
    METRIC_LIST(X)
#undef X
};

static const char *const helps[METRIC_COUNT] = {
#define X(id, name, help) [id] = help,
    METRIC_LIST(X)
#undef X
};

/* clang-format off */
#define ROW(metric_, family_, kind_, unit_, labels_, ...)                                \
    [metric_] = {.family = family_, .kind = kind_, .unit = unit_, .labels = labels_, __VA_ARGS__}
#define JUDGED    .is_judged = true
#define HIGH      .is_judged = true, .bad = BAD_HIGH
#define LOW       .is_judged = true, .bad = BAD_LOW
#define FULL      .is_judged = true, .bad = BAD_HIGH, .has_limit = true, .limit = 1
#define EMPTY     .is_judged = true, .bad = BAD_LOW, .has_limit = true, .limit = 0
#define RULE_HIGH .bad = BAD_HIGH /* jumps between few values: only rules look at it */
#define RULE_LOW  .bad = BAD_LOW
/* Name and help are put in by metric_get. */
static const struct metric rows[METRIC_COUNT] = {
    ROW(METRIC_SCRAPED, FAMILY_SCRAPED, KIND_GAUGE, "", "", JUDGED),

    ROW(METRIC_WORKFLOW_ACTIVE, FAMILY_WORKFLOW, KIND_GAUGE, "", "", JUDGED),
    ROW(METRIC_WORKFLOW_QUEUED, FAMILY_WORKFLOW, KIND_GAUGE, "", "", HIGH),
    ROW(METRIC_WORKFLOW_WAITING, FAMILY_WORKFLOW, KIND_GAUGE, "", "wait", HIGH),
    ROW(METRIC_WORKFLOW_SUBMITTED, FAMILY_WORKFLOW, KIND_COUNTER, "", "", JUDGED),
    ROW(METRIC_WORKFLOW_FINISHED, FAMILY_WORKFLOW, KIND_COUNTER, "", "state", JUDGED),
    ROW(METRIC_WORKFLOW_THROUGHPUT, FAMILY_WORKFLOW, KIND_GAUGE, "", "", LOW),
    ROW(METRIC_WORKFLOW_COMPLETION, FAMILY_WORKFLOW, KIND_SUMMARY, "seconds", "pipeline", HIGH),
    ROW(METRIC_WORKFLOW_SUCCESS, FAMILY_WORKFLOW, KIND_GAUGE, "ratio", "pipeline", LOW),
    ROW(METRIC_WORKFLOW_STATE_TIME, FAMILY_WORKFLOW, KIND_SUMMARY, "seconds", "state", HIGH),
    ROW(METRIC_WORKFLOW_WAIT_TIME, FAMILY_WORKFLOW, KIND_SUMMARY, "seconds", "wait", HIGH),
    ROW(METRIC_WORKFLOW_BOTTLENECK, FAMILY_WORKFLOW, KIND_GAUGE, "ratio", "state", JUDGED),
    ROW(METRIC_WORKFLOW_ITERATIONS, FAMILY_WORKFLOW, KIND_SUMMARY, "", "pipeline", HIGH),
    ROW(METRIC_WORKFLOW_RETRIES, FAMILY_WORKFLOW, KIND_COUNTER, "", "state", HIGH),
    ROW(METRIC_LIMIT_USED, FAMILY_WORKFLOW, KIND_GAUGE, "ratio", "limit", FULL),
    ROW(METRIC_LIMIT_SIZE, FAMILY_WORKFLOW, KIND_GAUGE, "", "limit", RULE_LOW),

    ROW(METRIC_SERVICE_LATENCY, FAMILY_SERVICE, KIND_SUMMARY, "seconds", "service", HIGH),
    ROW(METRIC_SERVICE_CALLS, FAMILY_SERVICE, KIND_COUNTER, "", "service", JUDGED),
    ROW(METRIC_SERVICE_ERROR, FAMILY_SERVICE, KIND_GAUGE, "ratio", "service", HIGH),
    ROW(METRIC_SERVICE_SLOW, FAMILY_SERVICE, KIND_GAUGE, "ratio", "service", HIGH),
    ROW(METRIC_SERVICE_BREAKER, FAMILY_SERVICE, KIND_GAUGE, "", "service", RULE_HIGH),
    ROW(METRIC_SERVICE_QUOTA, FAMILY_SERVICE, KIND_GAUGE, "", "service", EMPTY),
    ROW(METRIC_SERVICE_QUOTA_LEFT, FAMILY_SERVICE, KIND_GAUGE, "ratio", "service", EMPTY),
    ROW(METRIC_SERVICE_PROBE, FAMILY_SERVICE, KIND_GAUGE, "", "service", RULE_LOW),
    ROW(METRIC_SERVICE_IN_FLIGHT, FAMILY_SERVICE, KIND_GAUGE, "", "service", HIGH),
    ROW(METRIC_SERVICE_WAITING, FAMILY_SERVICE, KIND_GAUGE, "", "service", HIGH),
    ROW(METRIC_SERVICE_FALLBACK, FAMILY_SERVICE, KIND_GAUGE, "", "service", RULE_HIGH),

    ROW(METRIC_HOST_CPU, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "", HIGH),
    ROW(METRIC_HOST_IOWAIT, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "", HIGH),
    ROW(METRIC_HOST_STEAL, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "", HIGH),
    ROW(METRIC_HOST_MEMORY, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "", FULL),
    ROW(METRIC_HOST_MEMORY_LEFT, FAMILY_RESOURCE, KIND_GAUGE, "bytes", "", LOW),
    ROW(METRIC_HOST_SWAP, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "", FULL),
    ROW(METRIC_HOST_PRESSURE, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "kind resource", HIGH),
    ROW(METRIC_HOST_LOAD, FAMILY_RESOURCE, KIND_GAUGE, "", "", HIGH),
    ROW(METRIC_HOST_FILES, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "", FULL),
    ROW(METRIC_HOST_RECEIVED, FAMILY_RESOURCE, KIND_COUNTER, "bytes", "device", JUDGED),
    ROW(METRIC_HOST_SENT, FAMILY_RESOURCE, KIND_COUNTER, "bytes", "device", JUDGED),
    ROW(METRIC_DISK_USED, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "folder", FULL),
    ROW(METRIC_DISK_FREE, FAMILY_RESOURCE, KIND_GAUGE, "bytes", "folder", EMPTY),
    ROW(METRIC_DISK_INODES, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "folder", FULL),
    ROW(METRIC_GROUP_MEMORY, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "", FULL),
    ROW(METRIC_GROUP_TASKS, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "", FULL),
    ROW(METRIC_GROUP_THROTTLED, FAMILY_RESOURCE, KIND_COUNTER, "seconds", "", HIGH),
    ROW(METRIC_ENGINE_CPU, FAMILY_RESOURCE, KIND_COUNTER, "seconds", "", HIGH),
    ROW(METRIC_ENGINE_MEMORY, FAMILY_RESOURCE, KIND_GAUGE, "bytes", "", HIGH),
    ROW(METRIC_ENGINE_THREADS, FAMILY_RESOURCE, KIND_GAUGE, "", "", HIGH),
    ROW(METRIC_ENGINE_FILES, FAMILY_RESOURCE, KIND_GAUGE, "ratio", "", FULL),
    ROW(METRIC_STORE_SIZE, FAMILY_RESOURCE, KIND_GAUGE, "bytes", "file", RULE_HIGH),
    ROW(METRIC_STEP_CPU, FAMILY_RESOURCE, KIND_SUMMARY, "seconds", "step", HIGH),
    ROW(METRIC_STEP_MEMORY, FAMILY_RESOURCE, KIND_SUMMARY, "bytes", "step", HIGH),
    ROW(METRIC_STEP_TIME, FAMILY_RESOURCE, KIND_SUMMARY, "seconds", "step", HIGH),

    ROW(METRIC_ERROR_FINGERPRINT, FAMILY_ERROR, KIND_COUNTER, "", "fingerprint", HIGH),
    ROW(METRIC_ERROR_ALL, FAMILY_ERROR, KIND_COUNTER, "", "kind", HIGH),
    ROW(METRIC_ERROR_NEW, FAMILY_ERROR, KIND_GAUGE, "", "", HIGH),
    ROW(METRIC_ERROR_RETURNING, FAMILY_ERROR, KIND_GAUGE, "", "", HIGH),

    ROW(METRIC_OVERRIDE, FAMILY_SATISFACTION, KIND_COUNTER, "", "verb", HIGH),
    ROW(METRIC_REJECTION, FAMILY_SATISFACTION, KIND_COUNTER, "", "reason", HIGH),
    ROW(METRIC_APPROVAL_TIME, FAMILY_SATISFACTION, KIND_SUMMARY, "seconds", "", HIGH),
    ROW(METRIC_REVERT, FAMILY_SATISFACTION, KIND_COUNTER, "", "", HIGH),
    ROW(METRIC_REVIEW, FAMILY_SATISFACTION, KIND_COUNTER, "", "outcome", JUDGED),
    ROW(METRIC_REOPENED, FAMILY_SATISFACTION, KIND_COUNTER, "", "", HIGH),
    ROW(METRIC_FEEDBACK, FAMILY_SATISFACTION, KIND_COUNTER, "", "thumb", JUDGED),
    ROW(METRIC_CAPACITY_DAYS, FAMILY_RESOURCE, KIND_GAUGE, "days", "limit", RULE_LOW),
};
/* clang-format on */

struct metric metric_get(enum metric_id id)
{
    struct metric metric = rows[id];
    metric.name = names[id];
    metric.help = helps[id];
    return metric;
}

bool metric_find(const char *name, enum metric_id *ret_id)
{
    for (int i = METRIC_SCRAPED + 1; i < METRIC_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_id = (enum metric_id)i;
            return true;
        }
    }
    return false;
}

const char *family_name(enum metric_family family)
{
    return families[family].name;
}

const char *family_help(enum metric_family family)
{
    return families[family].help;
}

const char *metric_kind_word(enum metric_kind kind)
{
    return kinds[kind];
}
