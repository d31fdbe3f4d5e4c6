/* SPDX-License-Identifier: MIT */

/* Rules that need no configuration. */
#include <stddef.h>

#include "engine/monitor/rule_private.h"

#define MINUTE 60

/* Names as in engine/monitor/metric.h; the test of this table holds both together. */
/* clang-format off */
const struct rule_row rule_rows[] = {
    {"success rate", "workflow_success_ratio", NULL, RULE_VALUE, 0, RULE_BELOW, 0.85, 0.88, 0,
     SEVERITY_HIGH, ANOMALY_DEGRADATION, "only {value} of the work succeeds, less than {threshold}"},
    {"utilization", "limit_used_ratio", NULL, RULE_VALUE, 0, RULE_ABOVE, 0.9, 0.85, 5 * MINUTE,
     SEVERITY_CRITICAL, ANOMALY_EXHAUSTION, "the limit {label:limit} is used to {value}, more than {threshold} for {for}"},
    {"disk nearly full", "disk_used_ratio", NULL, RULE_VALUE, 0, RULE_ABOVE, 0.9, 0.88, MINUTE,
     SEVERITY_CRITICAL, ANOMALY_EXHAUSTION, "the disk of {label:folder} is used to {value}"},
    {"inodes nearly used", "disk_inodes_used_ratio", NULL, RULE_VALUE, 0, RULE_ABOVE, 0.9, 0.88, MINUTE,
     SEVERITY_CRITICAL, ANOMALY_EXHAUSTION, "the inodes of {label:folder} are used to {value}"},
    {"host memory", "host_memory_used_ratio", NULL, RULE_VALUE, 0, RULE_ABOVE, 0.95, 0.9, 5 * MINUTE,
     SEVERITY_HIGH, ANOMALY_EXHAUSTION, "the memory of the host is used to {value}"},
    {"group memory", "cgroup_memory_used_ratio", NULL, RULE_VALUE, 0, RULE_ABOVE, 0.9, 0.85, 2 * MINUTE,
     SEVERITY_CRITICAL, ANOMALY_EXHAUSTION, "the memory of our control group is used to {value}"},
    {"group tasks", "cgroup_tasks_used_ratio", NULL, RULE_VALUE, 0, RULE_ABOVE, 0.9, 0.85, MINUTE,
     SEVERITY_CRITICAL, ANOMALY_EXHAUSTION, "the tasks of our control group are used to {value}"},
    {"files of the engine", "engine_files_used_ratio", NULL, RULE_VALUE, 0, RULE_ABOVE, 0.8, 0.75, MINUTE,
     SEVERITY_HIGH, ANOMALY_EXHAUSTION, "the engine has {value} of the files open that it may open"},
    {"files of the host", "host_files_used_ratio", NULL, RULE_VALUE, 0, RULE_ABOVE, 0.9, 0.85, MINUTE,
     SEVERITY_CRITICAL, ANOMALY_EXHAUSTION, "open files of the host: {value} of the limit"},
    {"processors", "host_cpu_used_ratio", NULL, RULE_MEAN, 15 * MINUTE, RULE_ABOVE, 0.95, 0.9, 0,
     SEVERITY_MEDIUM, ANOMALY_EXHAUSTION, "all processors are busy: {value} in the mean"},
    {"pressure", "host_pressure_ratio", NULL, RULE_MEAN, 5 * MINUTE, RULE_ABOVE, 0.4, 0.3, 0,
     SEVERITY_HIGH, ANOMALY_EXHAUSTION, "{label:kind} tasks wait for {label:resource} {value} of the time"},
    {"breaker open long", "service_breaker_open", NULL, RULE_VALUE, 0, RULE_ABOVE, 0.75, 0.25, 15 * MINUTE,
     SEVERITY_HIGH, ANOMALY_DEGRADATION, "{component}: its breaker has been open for {for}"},
    {"errors of a service", "service_error_ratio", NULL, RULE_VALUE, 0, RULE_ABOVE, 0.5, 0.3, 2 * MINUTE,
     SEVERITY_HIGH, ANOMALY_DEGRADATION, "{component}: {value} of its calls fail"},
    {"probe", "service_probe_ok", NULL, RULE_VALUE, 0, RULE_BELOW, 0.5, 0.5, 3 * MINUTE,
     SEVERITY_HIGH, ANOMALY_DEGRADATION, "{component} does not answer its probe"},
    {"quota", "service_quota_left_ratio", NULL, RULE_VALUE, 0, RULE_BELOW, 0.1, 0.15, MINUTE,
     SEVERITY_HIGH, ANOMALY_EXHAUSTION, "{component}: {value} of its quota is left"},
    {"queue grows", "workflow_queued", NULL, RULE_RATE, 30 * MINUTE, RULE_ABOVE, 0.01, 0, 10 * MINUTE,
     SEVERITY_MEDIUM, ANOMALY_DEGRADATION, "more work comes than is done: the queue grows by {value}"},
    {"limit in three days", "capacity_days_left", NULL, RULE_VALUE, 0, RULE_BELOW, 3, 4, 0,
     SEVERITY_MEDIUM, ANOMALY_FORECAST, "{label:limit} is reached in {value} days, if it goes on like this"},
    {"limit within a day", "capacity_days_left", NULL, RULE_VALUE, 0, RULE_BELOW, 1, 1.5, 0,
     SEVERITY_HIGH, ANOMALY_FORECAST, "{label:limit} is reached in {value} days, if it goes on like this"},
    {.name = NULL},
};
/* clang-format on */
