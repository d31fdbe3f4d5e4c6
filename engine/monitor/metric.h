/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_METRIC_H
#define SIGNALBOX_MONITOR_METRIC_H

/*
 * Metric: the table of everything that signalbox measures about what it runs, what it depends
 * on and the host under it. Names, units and kinds follow Prometheus and OpenMetrics
 * (https://prometheus.io/docs/practices/naming/): the unit ends the name, a counter ends in
 * _total, a share of something is a ratio in [0, 1]. Outside (OpenMetrics) a name has
 * "signalbox_" in front. The table makes the help, the manual page, the exposition and the
 * tests.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/compiler.h"

/* Families. X(identifier, name, help) */
#define FAMILY_LIST(X)                                                                   \
    X(FAMILY_WORKFLOW, "workflow_performance", "how work moves and where it waits")      \
    X(FAMILY_SERVICE, "service_health", "what services answer, how fast, how often")     \
    X(FAMILY_RESOURCE, "resource_usage", "processor, memory, disk, files, network")      \
    X(FAMILY_ERROR, "error_patterns", "failures by their fingerprint")                   \
    X(FAMILY_SATISFACTION, "user_satisfaction", "what people overrule, reject, undo")    \
    X(FAMILY_SCRAPED, "scraped", "series from outside")
enum metric_family {
#define X(id, name, help) id,
    FAMILY_LIST(X)
#undef X
        FAMILY_COUNT
};

/* Stored as numbers: only append. X(identifier, word, help) */
#define METRIC_KIND_LIST(X)                                                              \
    X(KIND_GAUGE, "gauge", "a level")                                                    \
    X(KIND_COUNTER, "counter", "only grows; its rate per second is what is judged")      \
    X(KIND_SUMMARY, "summary",                                                           \
      "single measurements: kept as a sketch, judged by their 95 % quantile per minute")
enum metric_kind {
#define X(id, word, help) id,
    METRIC_KIND_LIST(X)
#undef X
        METRIC_KIND_COUNT
};

/* Where a metric's trouble lies. */
enum metric_bad { BAD_BOTH, BAD_HIGH, BAD_LOW };

/* The quantile of a summary that is judged. */
#define METRIC_JUDGED_QUANTILE 0.95

/* X(identifier, name, help). The rest of a row is in metric.c. */
#define METRIC_LIST(X)                                                                   \
    X(METRIC_SCRAPED, "", "from outside: name, kind and unit are its own")               \
    X(METRIC_WORKFLOW_ACTIVE, "workflow_active", "workflows that are being worked on")   \
    X(METRIC_WORKFLOW_QUEUED, "workflow_queued", "workflows that wait for a place")      \
    X(METRIC_WORKFLOW_WAITING, "workflow_waiting", "workflows by what they wait for")    \
    X(METRIC_WORKFLOW_SUBMITTED, "workflow_submitted_total", "workflows submitted")      \
    X(METRIC_WORKFLOW_FINISHED, "workflow_finished_total",                               \
      "workflows that have ended, by state")                                             \
    X(METRIC_WORKFLOW_THROUGHPUT, "workflow_throughput_per_hour",                        \
      "workflows completed in the last hour")                                            \
    X(METRIC_WORKFLOW_COMPLETION, "workflow_completion_seconds",                         \
      "from submission to completion")                                                   \
    X(METRIC_WORKFLOW_SUCCESS, "workflow_success_ratio",                                 \
      "completed of those that ended lately")                                            \
    X(METRIC_WORKFLOW_STATE_TIME, "workflow_time_in_state_seconds",                      \
      "how long a workflow stays in a state")                                            \
    X(METRIC_WORKFLOW_WAIT_TIME, "workflow_wait_seconds",                                \
      "how long a workflow waits, by what for")                                          \
    X(METRIC_WORKFLOW_BOTTLENECK, "workflow_bottleneck_ratio",                           \
      "share of all waiting that a state holds")                                         \
    X(METRIC_WORKFLOW_ITERATIONS, "workflow_iterations",                                 \
      "times through planning of a workflow that ended")                                 \
    X(METRIC_WORKFLOW_RETRIES, "workflow_retries_total", "attempts repeated, by state")  \
    X(METRIC_LIMIT_USED, "limit_used_ratio",                                             \
      "used share of a limit: max_running, bulkhead:NAME, rate:NAME")                    \
    X(METRIC_LIMIT_SIZE, "limit_size", "the limit itself")                               \
    X(METRIC_SERVICE_LATENCY, "service_latency_seconds", "time of a call")               \
    X(METRIC_SERVICE_CALLS, "service_calls_total", "calls")                              \
    X(METRIC_SERVICE_ERROR, "service_error_ratio",                                       \
      "failed share of the calls in the breaker's window")                               \
    X(METRIC_SERVICE_SLOW, "service_slow_ratio",                                         \
      "slow share of the calls in the breaker's window")                                 \
    X(METRIC_SERVICE_BREAKER, "service_breaker_open",                                    \
      "1 while the breaker refuses calls, 0.5 while it tries")                           \
    X(METRIC_SERVICE_QUOTA, "service_quota_left", "calls that the service still allows") \
    X(METRIC_SERVICE_QUOTA_LEFT, "service_quota_left_ratio",                             \
      "share of its quota that the service still allows")                                \
    X(METRIC_SERVICE_PROBE, "service_probe_ok", "1 when the last probe was answered")    \
    X(METRIC_SERVICE_IN_FLIGHT, "service_in_flight", "calls in flight")                  \
    X(METRIC_SERVICE_WAITING, "service_waiting", "calls that wait for a place")          \
    X(METRIC_SERVICE_FALLBACK, "service_fallback_active",                                \
      "1 while another one stands in")                                                   \
    X(METRIC_HOST_CPU, "host_cpu_used_ratio", "busy share of all processors")            \
    X(METRIC_HOST_IOWAIT, "host_cpu_iowait_ratio",                                       \
      "share of time that processors wait for disks")                                    \
    X(METRIC_HOST_STEAL, "host_cpu_steal_ratio",                                         \
      "share of time that the hypervisor gave to others")                                \
    X(METRIC_HOST_MEMORY, "host_memory_used_ratio",                                      \
      "memory that is not available to a new program")                                   \
    X(METRIC_HOST_MEMORY_LEFT, "host_memory_available_bytes",                            \
      "memory that a new program can have")                                              \
    X(METRIC_HOST_SWAP, "host_swap_used_ratio", "used share of the swap space")          \
    X(METRIC_HOST_PRESSURE, "host_pressure_ratio",                                       \
      "time that some or all tasks stood still for want of it, average of 10 s")         \
    X(METRIC_HOST_LOAD, "host_load_per_cpu", "load of one minute for each processor")    \
    X(METRIC_HOST_FILES, "host_files_used_ratio",                                        \
      "open files of the whole system, of what the kernel allows")                       \
    X(METRIC_HOST_RECEIVED, "host_network_receive_bytes_total",                          \
      "bytes received by an interface")                                                  \
    X(METRIC_HOST_SENT, "host_network_transmit_bytes_total",                             \
      "bytes sent by an interface")                                                      \
    X(METRIC_DISK_USED, "disk_used_ratio", "used share of a file system")                \
    X(METRIC_DISK_FREE, "disk_free_bytes", "space that is left for us")                  \
    X(METRIC_DISK_INODES, "disk_inodes_used_ratio", "used share of the inodes")          \
    X(METRIC_GROUP_MEMORY, "cgroup_memory_used_ratio",                                   \
      "used share of the memory that our control group may use")                         \
    X(METRIC_GROUP_TASKS, "cgroup_tasks_used_ratio",                                     \
      "used share of the tasks that our control group may have")                         \
    X(METRIC_GROUP_THROTTLED, "cgroup_cpu_throttled_seconds_total",                      \
      "time that our control group was kept from running")                               \
    X(METRIC_ENGINE_CPU, "engine_cpu_seconds_total", "processor time of the engine")     \
    X(METRIC_ENGINE_MEMORY, "engine_memory_bytes", "resident memory of the engine")      \
    X(METRIC_ENGINE_THREADS, "engine_threads", "threads of the engine")                  \
    X(METRIC_ENGINE_FILES, "engine_files_used_ratio",                                    \
      "open files of the engine, of what it may open")                                   \
    X(METRIC_STORE_SIZE, "store_size_bytes", "size of a file of the store")              \
    X(METRIC_STEP_CPU, "step_cpu_seconds", "processor time of a step")                   \
    X(METRIC_STEP_MEMORY, "step_peak_memory_bytes", "highest memory use of a step")      \
    X(METRIC_STEP_TIME, "step_duration_seconds", "how long a step takes")                \
    X(METRIC_ERROR_FINGERPRINT, "error_fingerprint_total",                               \
      "failures that look the same, by fingerprint")                                     \
    X(METRIC_ERROR_ALL, "error_failures_total", "failures of steps and calls, by kind")  \
    X(METRIC_ERROR_NEW, "error_new_per_hour",                                            \
      "fingerprints never seen before, in the last hour")                                \
    X(METRIC_ERROR_RETURNING, "error_returning_per_hour",                                \
      "fingerprints that had been away, in the last hour")                               \
    X(METRIC_OVERRIDE, "operator_override_total", "decisions that a person overruled")   \
    X(METRIC_REJECTION, "approval_rejection_total", "approvals refused")                 \
    X(METRIC_APPROVAL_TIME, "approval_wait_seconds",                                     \
      "how long an approval waited for a person")                                        \
    X(METRIC_REVERT, "merge_revert_total", "merged work that was taken back")            \
    X(METRIC_REVIEW, "review_total", "reviews by their outcome")                         \
    X(METRIC_REOPENED, "task_reopened_total", "finished tasks that began again")         \
    X(METRIC_FEEDBACK, "feedback_total", "thumbs up and down given in the console")      \
    X(METRIC_CAPACITY_DAYS, "capacity_days_left",                                        \
      "days until a limit is reached, while that is likely and the forecast trusted")
enum metric_id {
#define X(id, name, help) id,
    METRIC_LIST(X)
#undef X
        METRIC_COUNT
};

/* A row of the table. */
struct metric {
    const char *name, *help;
    enum metric_family family;
    enum metric_kind kind;
    const char *unit;   /* "seconds", "bytes", "ratio", "" = a plain number */
    const char *labels; /* keys, sorted, separated by a blank; "" = none */
    bool is_judged;     /* the detector looks at it */
    bool has_limit;     /* a capacity: trouble is certain at `limit` */
    double limit;
    enum metric_bad bad;
};

/* Any id below METRIC_COUNT. */
struct metric metric_get(enum metric_id id);
/* By name; false when there is none, and for "". */
NODISCARD bool metric_find(const char *name, enum metric_id *ret_id);
const char *family_name(enum metric_family family);
const char *family_help(enum metric_family family);
const char *metric_kind_word(enum metric_kind kind);

#endif
