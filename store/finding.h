/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_FINDING_H
#define SIGNALBOX_STORE_FINDING_H

/*
 * Finding: what the monitor found, as it is stored and shown: anomalies, the incidents that
 * group them, silences that operators set, and spans of traces. Conventions of rows as in
 * store/model.h.
 *
 * The monitor numbers its findings 1, 2, 3 ... and keeps each in its own file until the control
 * thread has committed it (setting FINDING_SETTING: the newest number taken), so that none is
 * lost or taken twice.
 *
 * Each table has a bound. Beyond it, or when older than the history that is kept, the oldest
 * rows go that nothing open needs: spans in the order in which they ended, anomalies and
 * incidents that are closed, silences that are over.
 */

#include "store/store.h"

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
const char *severity_word(enum severity severity); /* "?" for a newer program's number */
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
NODISCARD bool anomaly_find(const char *word, enum anomaly_type *ret_type);

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
    double value, low,
        high;              /* newest value; band in which it was expected; NAN unknown */
    double score;          /* 0..1, the highest so far */
    const char *text;      /* one clean line: what is wrong */
    const char *rule;      /* name of the rule; "" = a detector */
    const char *closed_by; /* "" open, "recovered", "adapted", "silent", "operator" */
    /* JSON object: "affected": [component], "contributing": [{"series","score","value"}]
     * (<= 3, strongest first), "similar": [{"id","at","text","closed_by","lasted_s"}] (<= 3),
     * "actions": [text], "inhibited_by": text or "", "profile": text */
    const char *detail;
};

/* What an operator has said of an incident. X(identifier, word, help) */
#define INCIDENT_LIST(X)                                                                 \
    X(INCIDENT_OPEN, "open", "nobody has taken it yet")                                  \
    X(INCIDENT_ACKED, "acked", "somebody looks after it")                                \
    X(INCIDENT_RESOLVED, "resolved", "closed by an operator")
enum incident_state {
#define X(id, word, help) id,
    INCIDENT_LIST(X)
#undef X
        INCIDENT_STATE_COUNT
};
const char *incident_word(enum incident_state state);

/* Anomalies of one cause. */
struct incident_row {
    int64_t id; /* given by the monitor, grows */
    enum severity
        severity;      /* of its worst open anomaly; of its worst when all are closed */
    const char *cause; /* component that explains it best */
    const char *text;  /* one clean line */
    struct wall opened_at, changed_at;
    struct wall closed_at; /* unset: an anomaly of it is open */
    int n_anomalies, n_open;
    const char
        *inhibited_by;  /* "breaker:github" or "silence:4": shown, but not told; "" */
    const char *detail; /* JSON object: "affected", "evidence" (texts, earliest first) */
    /* The operator's part: */
    enum incident_state state;
    const char *owner; /* who acknowledged it; "" nobody */
    const char *note;
    struct wall acked_at;
    const char *claimed_by; /* who looks at it now; ends by itself */
    struct wall claimed_until;
    const char *assignee; /* to whom it was given */
    const char *links;    /* JSON array of texts: "p-2", "wf-9", "17", a URL; "" = none */
};

/* "Don't tell me about these until then." */
struct silence_row {
    int64_t id;
    const char *match; /* glob over "series{labels}" or "component"; see fnmatch(3) */
    const char *author, *reason;
    struct wall from, until; /* `until` is always set */
    bool is_ended;           /* by an operator, before its time */
    bool is_told;            /* that it ends soon */
};

/* A part of a trace (https://opentelemetry.io/docs/specs/otel/trace/api/). Ids are the hex
 * of W3C trace context (https://www.w3.org/TR/trace-context/). */
struct span_row {
    int64_t seq;                          /* given by the store, grows */
    int64_t workflow;                     /* 0 = none */
    char trace[33], span[17], parent[17]; /* lower case hex; parent "" = the root */
    const char *kind; /* "workflow" "state" "step" "call" "recovery" */
    const char *name;
    int64_t start_us, end_us; /* since 1970; end 0 = still open */
    int status;               /* 0 unset, 1 ok, 2 error */
    const char *attributes;   /* JSON object, flat */
};

#define SPANS_KEPT     200000
#define ANOMALIES_KEPT 20000 /* closed ones */
#define INCIDENTS_KEPT 5000  /* closed ones */
#define SILENCES_KEPT  1000  /* that are over */

/* Setting: number of the monitor's newest finding that was taken. */
#define FINDING_SETTING "monitor_finding"

/* ---- writer: part of the batch, as in store/store.h ------------------------ */

void store_put_anomaly(struct store *store, const struct anomaly_row *row); /* upsert */
/* Upsert of the monitor's part. The operator's part of `row` is not looked at, and that of
 * a row which is there already is kept. */
void store_put_incident(struct store *store, const struct incident_row *row);
/* The operator's part of an incident that is there: id, and from `state` on. */
void store_put_incident_ack(struct store *store, const struct incident_row *row);
/* Upsert; id 0: a new one. Returns its id at once. */
int64_t store_put_silence(struct store *store, const struct silence_row *row);
/* Appends; span->seq is ignored, the next number is given and returned. */
int64_t store_add_span(struct store *store, const struct span_row *span);
/* What is older than `before` (unset: no age is too old) or beyond the bounds, oldest
 * first, at most max of each kind; never the newest of a kind, so that no number is given
 * twice. Returns the most that goes of one kind: max = there is more. A second call
 * before the commit gives 0. */
size_t store_prune_findings(struct store *store, struct wall now, struct wall before,
                            size_t max);

/* What the engine reads back; with what waits in the batch. Rows in arena. */
enum found store_load_anomaly(struct store *store, struct arena *arena, int64_t id,
                              struct anomaly_row *ret_row, struct err *err);
enum found store_load_incident(struct store *store, struct arena *arena, int64_t id,
                               struct incident_row *ret_row, struct err *err);
enum found store_load_silence(struct store *store, struct arena *arena, int64_t id,
                              struct silence_row *ret_row, struct err *err);
/* As committed: each silence that is in force at `now`. */
NODISCARD bool store_load_silences(struct store *store, struct wall now,
                                   void (*on_row)(void *user,
                                                  const struct silence_row *row),
                                   void *user, struct err *err);

/* ---- readers: rows in arena, newest first unless said ----------------------- */

struct anomaly_query {
    bool is_open;      /* only those that are open */
    int64_t incident;  /* 0 = of any */
    const char *text;  /* part of series, component, text or rule, any case; NULL = any */
    int64_t before_id; /* paging: only older ones; 0 = from the newest */
    size_t max;        /* 1..10000 */
};
NODISCARD bool reader_anomalies(struct reader *reader, struct arena *arena,
                                const struct anomaly_query *query,
                                const struct anomaly_row **ret_rows, size_t *ret_n,
                                struct err *err);
enum found reader_anomaly(struct reader *reader, struct arena *arena, int64_t id,
                          struct anomaly_row *ret_row, struct err *err);
struct incident_query {
    bool is_open;      /* only those with an open anomaly that no operator has resolved */
    const char *text;  /* part of cause, text, owner or note, any case; NULL = any */
    int64_t before_id; /* paging: only older ones; 0 = from the newest */
    size_t max;        /* 1..10000 */
};
NODISCARD bool reader_incidents(struct reader *reader, struct arena *arena,
                                const struct incident_query *query,
                                const struct incident_row **ret_rows, size_t *ret_n,
                                struct err *err);
enum found reader_incident(struct reader *reader, struct arena *arena, int64_t id,
                           struct incident_row *ret_row, struct err *err);
/* now unset: all that are kept; else those in force at that moment. */
NODISCARD bool reader_silences(struct reader *reader, struct arena *arena,
                               struct wall now, const struct silence_row **ret_rows,
                               size_t *ret_n, struct err *err);
/* The highest ids that are stored; 0 = none. Rows of these are never pruned, so that a
 * monitor that has lost its own file can number on. */
NODISCARD bool reader_finding_ids(struct reader *reader, int64_t *ret_anomaly,
                                  int64_t *ret_incident, struct err *err);
/* Spans with seq > after, oldest first; workflow 0 = all, those of no workflow too. */
NODISCARD bool reader_spans(struct reader *reader, struct arena *arena, int64_t workflow,
                            int64_t after, size_t max, const struct span_row **ret_rows,
                            size_t *ret_n, struct err *err);
/* Number of the newest span; 0 = none, or the store cannot be read. */
int64_t reader_last_span(struct reader *reader);

#endif
