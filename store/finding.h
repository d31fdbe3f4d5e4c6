/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_FINDING_H
#define SIGNALBOX_STORE_FINDING_H

/*
 * Finding: what the monitor found, as it is stored and shown: anomalies, the incidents that
 * group them, silences that operators set, and spans of traces. Conventions of rows as in
 * store/model.h.
 *
 * The monitor numbers its findings 1, 2, 3 ... and keeps each in its own file until the control
 * thread has committed it (setting "monitor_finding": the newest number taken), so that none is
 * lost or taken twice.
 */

#include "store/model.h"

/* Severities, mildest first. X(identifier, word, help) */
#define SEVERITY_LIST(X)                                                                 \
    X(SEVERITY_INFO, "info", "worth knowing")                                            \
    X(SEVERITY_LOW, "low", "look when there is time")                                    \
    X(SEVERITY_MEDIUM, "medium", "look today")                                           \
    X(SEVERITY_HIGH, "high", "look now")                                                 \
    X(SEVERITY_CRITICAL, "critical", "work stands or will stand")
enum severity {
#define X(id, word, help) id,
    SEVERITY_LIST(X)
#undef X
        SEVERITY_COUNT
};
const char *severity_word(enum severity severity);
NODISCARD bool severity_find(const char *word, enum severity *ret_severity);

/* Types of anomalies. X(identifier, word, help) */
#define ANOMALY_LIST(X)                                                                  \
    X(ANOMALY_LEVEL_SHIFT, "level_shift", "runs on another level than before")           \
    X(ANOMALY_SPIKE, "spike", "a value far outside of its band")                         \
    X(ANOMALY_SILENCE, "silence", "nothing comes any more, or it has gone flat")         \
    X(ANOMALY_VARIANCE, "variance", "varies much more or less than before")              \
    X(ANOMALY_DRIFT, "drift", "has moved away slowly")                                   \
    X(ANOMALY_SEASONAL, "seasonal", "not what is usual at this hour")                    \
    X(ANOMALY_RARE, "rare_event", "something that hardly ever happens")                  \
    X(ANOMALY_DEGRADATION, "performance_degradation", "too little of the work succeeds") \
    X(ANOMALY_EXHAUSTION, "resource_exhaustion", "a limit is nearly reached")            \
    X(ANOMALY_RULE, "rule", "a rule of the configuration")                               \
    X(ANOMALY_FORECAST, "forecast", "a limit will be reached")
enum anomaly_type {
#define X(id, word, help) id,
    ANOMALY_LIST(X)
#undef X
        ANOMALY_TYPE_COUNT
};
const char *anomaly_word(enum anomaly_type type);
const char *anomaly_help(enum anomaly_type type);

/* One anomaly, from its opening to its end. */
struct anomaly_row {
    int64_t id; /* given by the monitor, grows */
    int64_t incident;
    enum anomaly_type type;
    enum severity severity;
    struct wall began_at;  /* first suspicious point */
    struct wall opened_at; /* when it was certain enough to say so */
    struct wall seen_at;   /* newest point that belongs to it */
    struct wall closed_at; /* unset: open */
    const char *series;    /* name{labels} */
    const char *component; /* what is affected first: "service:github" */
    double value, low, high; /* newest value; band in which it was expected; NAN unknown */
    double score;            /* 0..1, the highest so far */
    const char *text;        /* one clean line: what is wrong */
    const char *rule;        /* name of the rule; "" = a detector */
    const char *closed_by;   /* "" open, "recovered", "adapted", "silent", "operator" */
    /* JSON object: "affected": [component], "contributing": [{"series","score","value"}]
     * (<= 3, strongest first), "similar": [{"id","at","text","closed_by","lasted_s"}] (<= 3),
     * "actions": [text], "inhibited_by": text or "", "profile": text */
    const char *detail;
};

/* Anomalies of one cause. */
enum incident_state { INCIDENT_OPEN, INCIDENT_ACKED, INCIDENT_RESOLVED };
const char *incident_word(enum incident_state state);
struct incident_row {
    int64_t id; /* given by the monitor, grows */
    enum severity severity; /* of its worst open anomaly; of its worst when all are closed */
    const char *cause;      /* component that explains it best */
    const char *text;       /* one clean line */
    struct wall opened_at, changed_at;
    struct wall closed_at; /* unset: an anomaly of it is open */
    int n_anomalies, n_open;
    const char *inhibited_by; /* "breaker:github" or "silence:4": shown, but not told; "" */
    const char *detail;       /* JSON object: "affected", "evidence" (texts, earliest first) */
    /* The operator's part: */
    enum incident_state state;
    const char *owner; /* who acknowledged it */
    const char *note;
    struct wall acked_at;
};

/* "Don't tell me about these until then." */
struct silence_row {
    int64_t id;
    const char *match; /* glob over "series{labels}" or "component"; see fnmatch(3) */
    const char *author, *reason;
    struct wall from, until; /* `until` is always set */
    bool is_ended;           /* by an operator, before its time */
};

/* A part of a trace (https://opentelemetry.io/docs/specs/otel/trace/api/). Ids are the hex
 * of W3C trace context (https://www.w3.org/TR/trace-context/). */
struct span_row {
    int64_t seq;   /* given by the store, grows */
    int64_t workflow; /* 0 = none */
    char trace[33], span[17], parent[17]; /* parent "" = the root */
    const char *kind; /* "workflow" "state" "step" "call" "recovery" */
    const char *name;
    int64_t start_us, end_us; /* since 1970; end 0 = still open */
    int status;               /* 0 unset, 1 ok, 2 error */
    const char *attributes;   /* JSON object, flat */
};

#endif
