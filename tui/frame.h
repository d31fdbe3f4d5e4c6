/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_FRAME_H
#define SIGNALBOX_TUI_FRAME_H

/*
 * Frame: an immutable picture of what the visible view shows, as the store had it at one
 * moment.
 *
 * The feed thread builds it from one read transaction; the ui thread draws it. It knows
 * nothing of terminals: no colours, no cells. Ages and what is left of a deadline are not
 * in it either: a view computes them from the moment of drawing, so that a frame stays
 * true while nothing happens.
 *
 * Unknown is not zero: a part that was not asked for is NULL (or n = 0 with has_* false),
 * and so is a part that could not be read; `trouble` then says why.
 *
 * Ownership: frame_ref/frame_unref; everything reached through a frame lives in its arena
 * as long as the last reference. Rows are borrowed. Threads:   any thread may hold, read
 * and unref. Only the feed (or a test) builds. Text:      as stored. Views clean it again
 * on the way to a canvas.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/trace/waterfall.h"
#include "store/audit.h"
#include "store/finding.h"
#include "store/halt.h"
#include "store/model.h"
#include "store/past.h"
#include "store/presence.h"
#include "store/progress.h"
#include "store/pulse.h"
#include "store/segment.h"
#include "store/service_detail.h"
#include "store/store.h"
#include "tui/card.h"
#include "tui/case_read.h"
#include "tui/insight.h"
#include "tui/levels.h"
#include "tui/log_rows.h"
#include "tui/metric_read.h"

struct handoff;        /* tui/handoff.h */
struct causes;         /* tui/cause.h */
struct story;          /* tui/story.h */
struct health;         /* engine/monitor/health.h */
struct monitor_cards;  /* engine/monitor/monitor.h */
struct health_outlook; /* engine/monitor/health.h */

/* ---- what a view asks for ---------------------------------------------------------- */

/* Parts of a frame; a view asks for the ones it draws. Totals, engine and answers are
 * always there. */
enum frame_part {
    PART_OVERVIEW = 1u << 0,    /* needs, wrong, live, moves, hours */
    PART_LIST = 1u << 1,        /* page of the list */
    PART_DETAIL = 1u << 2,      /* one workflow: row, events, spans, effects */
    PART_LOG = 1u << 3,         /* lines of one step's log; needs PART_DETAIL */
    PART_DOCS = 1u << 4,        /* the documents in `docs`; needs PART_DETAIL */
    PART_SUBMIT = 1u << 5,      /* choices and findings for the submit form */
    PART_STATUS = 1u << 6,      /* facts about store and engine */
    PART_SERVICES = 1u << 7,    /* every external service */
    PART_DELIVERIES = 1u << 8,  /* webhook deliveries */
    PART_HEALTH = 1u << 9,      /* report of the monitor, and how good its models were */
    PART_INCIDENT = 1u << 10,   /* one incident, or what is like it, whole */
    PART_FAILURES = 1u << 11,   /* failures and open problems */
    PART_DECISIONS = 1u << 12,  /* what was decided */
    PART_STRATEGIES = 1u << 13, /* odds of the rungs */
    PART_CASE = 1u << 14,       /* one failure, problem, recovery or decision, whole */
    PART_TRACE = 1u << 15,      /* the waterfall of a workflow; needs PART_DETAIL */
    PART_APPROVALS = 1u << 16,  /* what waits for a decision, or was decided */
    PART_APPROVAL = 1u << 17,   /* one approval with its card */
    PART_OPTIMIZATIONS = 1u << 18, /* what was found to run better */
    PART_OPTIMIZATION = 1u << 19,  /* one of it, whole */
    PART_AUTONOMY = 1u << 20,      /* levels, and tunings in force */
    PART_AUDIT = 1u << 21,         /* who did what, and whether the chain holds */
    PART_INSIGHT = 1u << 22,       /* what holds work back, and what passes */
    PART_DRY_RUN = 1u << 23,       /* of the approval or optimization that is whole */
    PART_METRICS = 1u << 24,       /* list of the series, or a chart of some */
    PART_HANDOFF = 1u << 25,       /* what the next shift must know */
    PART_CAUSES = 1u << 26         /* what is wrong, a row for each cause */
};

#define FRAME_FILTER_MAX 200 /* bytes of a filter or search text */
#define FRAME_ACT_MAX    40
#define FRAME_STORY_MAX  100
#define FRAME_PATH_MAX   4096 /* bytes of a path typed by a person */
#define DOC_BIT(doc)     (1u << (doc))

enum log_place {
    LOG_AUTO, /* first failing line of a failed step, else the tail */
    LOG_TAIL, /* the newest lines: following */
    LOG_LINE, /* from line (or row, see log_filter) `log_first` */
    LOG_NEAR  /* with rows: around line `log_first` */
};

/* What a search in a log looks for. */
enum log_target {
    LOG_FIND_TEXT,
    LOG_FIND_FAILURE, /* the next line that looks like a failure */
    LOG_FIND_CHANGE /* with log_compare: the next row that is new or gone; log_find_from is a
                         row */
};

/* A moment that is over, and then so many events later or earlier. */
struct past_ask {
    bool is_on;
    int64_t event;  /* after it, MOMENT_NEWEST after the newest; 0 = at the time `at` */
    struct wall at; /* with `event` the time it had, when known */
    int64_t by;
};

/* Plain value, copied between threads. All zero asks for totals and engine only. */
struct frame_query {
    unsigned parts; /* enum frame_part bits */

    /* list: rows around an anchor, in order. after_id and max of list_query are not used.
     */
    unsigned states; /* STATE_BIT mask; 0 = all */
    bool needs_human;
    char text[FRAME_FILTER_MAX];
    enum sort_key sort;
    int order; /* of the rows of other lists: tui/rank.h; with is_reversed and `text` */
    bool is_reversed;
    int64_t anchor;   /* id of the row that the page is built around; 0 = the first row */
    bool is_from_end; /* with anchor 0: the last rows */
    int n_before, n_after; /* rows wanted on each side of the anchor */
    bool is_held; /* list is paused: commits do not rebuild, only a new query does */

    /* overview: most rows of each kind */
    int n_rows;

    /* detail */
    int64_t workflow;
    unsigned docs;       /* DOC_BIT mask */
    bool has_all_events; /* else the newest FRAME_EVENTS */

    /* log */
    int64_t
        log_effect; /* seq of the step; 0 = the running one, else the failed, else last */
    enum log_place log_place;
    int64_t log_first;
    int log_rows;
    /* search, done once per find_serial: the first line containing log_find (ASCII case
     * ignored) from log_find_from on, backwards when log_find_back; wraps round. */
    char log_find[FRAME_FILTER_MAX];
    int64_t log_find_from;
    bool log_find_back;
    enum log_target log_target;
    unsigned log_find_serial;
    /* rows instead of lines: only those with log_filter, or what is new or gone against the
     * last green run of the step, with log_around lines around each */
    char log_filter[FRAME_FILTER_MAX];
    bool log_compare;
    int log_around;
    unsigned log_rows_serial; /* given back by the frame */

    /* deliveries, newest first; `text` filters them too */
    unsigned delivery_statuses; /* 1u << enum delivery_status; 0 = all */
    int64_t delivery_before; /* only older ones than this number; 0 = from the newest */
    int64_t delivery;        /* the one whose body is wanted; 0 = none */

    /* trace: the span whose attributes are wanted, by its id; "" = the workflow's */
    char trace_span[SPAN_MAX];
    char story[FRAME_STORY_MAX]; /* what the story is wanted of: "17", "p-2"; "" = none */

    /* failures and decisions, newest first; `text` filters them too */
    bool is_unsettled;        /* only those that are not settled */
    int64_t recovery_before;  /* only older ones than this number; 0 = from the newest */
    enum case_kind case_kind; /* PART_CASE, with case_id != 0 */
    int64_t case_id;

    /* approvals and optimizations: is_unsettled, `text` and recovery_before count for them */
    int64_t approval, optimization; /* the one that is wanted whole; 0 = none */
    /* audit, newest first; `text` filters it too */
    char audit_act[FRAME_ACT_MAX]; /* only this; "" = all */
    int64_t audit_before; /* only older rows than this number; 0 = from the newest */
    int64_t audit_row;    /* the one that is wanted whole; 0 = none */

    /* metrics: a list (`text` filters it; sparks for rows from metric_first on), or with
     * n_metrics > 0 a chart */
    int metric_first, metric_sparks;
    int32_t metrics[PLOT_LINES_MAX];
    int n_metrics;
    int64_t metric_span;    /* ms that are shown */
    struct wall metric_end; /* unset: now */
    int metric_slots;
    bool has_metric_forecast;

    /* submit: pipeline (name or path) and repository to be checked, "" = not yet */
    char submit_pipeline[FRAME_PATH_MAX];
    char submit_repo[FRAME_PATH_MAX];
    struct past_ask past;
};

#define FRAME_EVENTS     400
#define FRAME_EVENTS_ALL 20000
#define FRAME_HOURS      24
#define FRAME_COMING_MAX 4

/* ---- what it gets ------------------------------------------------------------------ */

/* Can the store be read? X(identifier, word for people) */
#define TROUBLE_LIST(X)                                                                  \
    X(TROUBLE_NONE, "")                                                                  \
    X(TROUBLE_LOADING, "opening the store")                                              \
    X(TROUBLE_MISSING, "there is no store yet")                                          \
    X(TROUBLE_NEWER, "the store was written by a newer signalbox")                       \
    X(TROUBLE_CORRUPT, "the store is damaged")                                           \
    X(TROUBLE_BUSY, "another program holds the store")                                   \
    X(TROUBLE_DENIED, "the store cannot be read")                                        \
    X(TROUBLE_IO, "the store cannot be read")
enum trouble {
#define X(id, word) id,
    TROUBLE_LIST(X)
#undef X
        TROUBLE_COUNT
};

/* Who does the work. X(identifier, word) */
#define ENGINE_HEALTH_LIST(X)                                                            \
    X(ENGINE_UNKNOWN, "unknown")   /* not looked yet */                                  \
    X(ENGINE_STARTING, "starting") /* holds the lease, its bell is not there yet */      \
    X(ENGINE_RUNNING, "running")                                                         \
    X(ENGINE_DRAINING, "draining") /* starts nothing new */                              \
    X(ENGINE_GONE, "not running")
enum engine_health {
#define X(id, word) id,
    ENGINE_HEALTH_LIST(X)
#undef X
        ENGINE_HEALTH_COUNT
};
const char *engine_health_word(enum engine_health health);
const char *trouble_word(enum trouble trouble);

struct frame_engine {
    enum engine_health health;
    int pid;                  /* 0 = unknown */
    const char *version;      /* "" = unknown */
    struct wall started_at;   /* unset = unknown */
    int max_running;          /* 0 = unknown */
    int admitted;             /* how many of them may run now; 0 = unknown */
    struct wall gone_since;   /* ENGINE_GONE: since when this console sees none */
    enum err_code fault_code; /* what keeps it from committing, as its bell says */
    const char *fault; /* what the engine cannot do now, in its words; "" = all is well */
    bool has_silent;   /* one of its threads is stuck (store/pulse.h) */
    enum pulse_thread silent;
    struct wall silent_since;
};

struct frame_rows {
    const struct workflow_row *rows;
    size_t n;
    bool has_more;
};

/* What a pipeline allows, for "2 of 10": from its text as submitted. */
struct frame_pipeline {
    int64_t id;
    const char *name;
    int max_iterations, max_retries;
    int64_t max_tokens, max_cost; /* 0 = no budget */
    struct span planning, coding, validation;
    const char *agent; /* as written, for people */
    bool asks_plan, asks_merge, never_merges;
    const char *const *setup; /* names of steps, in order */
    const char *const *checks;
    const int *check_retries;
    const bool *check_may_fail;
    size_t n_setup, n_checks;
    bool has_plan, has_evaluator;
    const char *evaluator; /* name of the step */
};

struct frame_overview {
    struct frame_rows needs; /* waits for a person, longest first */
    struct frame_rows wrong; /* recovering, then failed in the last 24 h, newest first */
    struct frame_rows
        live; /* planning to validating without the first two, longest first */
    const struct event_row *moves; /* newest events that changed a state, oldest first */
    size_t n_moves;
    int64_t last_hour; /* hours since 1970 of hours[FRAME_HOURS - 1] */
    struct hour_row hours[FRAME_HOURS];
    struct wall last_failed_at; /* newest failure still in the store; unset = none */
    const struct incident_row *incidents; /* open ones, newest first, at most 8 */
    size_t n_incidents;
    const struct approval_row *approvals; /* that wait, in the order of attention */
    size_t n_approvals;
    const struct optimization_row *inconclusive; /* that a person must look at */
    size_t n_inconclusive;
    const struct health_outlook *coming; /* health_coming(), at most FRAME_COMING_MAX */
    size_t n_coming;
    bool has_recovery;
    struct frame_recovery {
        struct recovery_totals totals;
        int64_t settled[FAILURE_STATUS_COUNT]; /* of the last 24 h */
    } recovery;
};

struct frame_list {
    struct frame_rows page;
    bool has_before, has_after; /* rows beyond the page */
    int64_t n_all;              /* rows that match, -1 = not known without counting */
    struct wall taken_at;       /* of the page; older than the frame's when held */
};

/* One stay in one state, for the timeline. */
enum span_end { SPAN_OPEN, SPAN_PASSED, SPAN_FAILED, SPAN_STOPPED };
struct state_span {
    enum workflow_state state;
    enum span_end end;
    int iteration;
    struct wall from, to; /* to unset: still there */
    const char *text;     /* why it ended, or what it waits for; "" */
};

struct frame_text {
    const char *text;
    size_t len;
    size_t n_lines;
    const uint32_t *starts; /* n_lines + 1 offsets: line i is [starts[i], starts[i+1]) */
    int64_t n_added, n_removed; /* DOC_DIFF: lines */
    int64_t n_files;
};

struct frame_log_row {
    enum log_row_kind kind;
    bool is_hit;              /* LOG_ROW_LINE: has log_filter, or is new */
    struct segment_line line; /* LOG_ROW_LINE; LOG_ROW_GONE: of the green run */
    int64_t n;                /* LOG_ROW_GAP: lines left out */
};

struct frame_log {
    int64_t effect;
    const char *name;
    enum effect_status status;
    struct segment_info info;
    bool is_missing;                  /* the step has no log (yet) */
    const char *why;                  /* is_missing: for people */
    const struct segment_line *lines; /* consecutive numbers, but for the gap */
    size_t n_lines;
    unsigned find_serial; /* search that `found` answers */
    int64_t found;        /* line number, with rows the row; 0 = nothing found */
    int64_t found_index;  /* 1 = the first of n_hits; 0 = nothing, or not counted */
    int64_t n_hits;       /* lines with log_find that are known so far */
    bool is_indexing;     /* its end is not known yet, nor perhaps its first failure */
    int percent;          /* of the log that was read for search, filter and comparison */

    /* when rows were asked for; then `lines` is empty */
    bool has_rows;
    unsigned rows_serial;
    const struct frame_log_row *rows; /* from row_first (0 = the first) on */
    size_t n_rows;
    int64_t row_first, rows_all;
    int64_t row_near;  /* LOG_NEAR: the row of that line */
    bool is_near;      /* row_near is known, and will not change */
    int64_t n_matches; /* lines with log_filter; new lines of a comparison */
    int64_t n_gone;
    bool is_bounded;        /* more than is remembered or was looked at */
    int64_t green_workflow; /* compared with; 0 = there is none (yet) */
    int64_t green_effect;
    struct wall green_at;
    const char *green_why; /* why there is none; "" = it is looked for */
};

struct frame_detail {
    bool is_missing; /* no such workflow */
    struct workflow_row row;
    const struct frame_pipeline *pipeline; /* NULL = unknown */
    const struct event_row *events;        /* oldest first */
    size_t n_events;
    bool has_more_events; /* older ones exist */
    const struct state_span *spans;
    size_t n_spans;
    const struct effect_row *effects; /* by seq */
    size_t n_effects;
    const struct frame_text *docs[DOC_COUNT]; /* NULL = not asked, or there is none */
    unsigned docs_read;                       /* DOC_BIT mask of the ones looked for */
    const struct frame_log *log;              /* NULL = not asked */
    const struct progress *progress; /* of the agent that runs; NULL = none, or unknown */
    const struct failure_row *failure;   /* the newest that is not settled; NULL = none */
    const struct recovery_row *recovery; /* what is tried on it now; NULL = nothing */
    int64_t approval; /* that waits for a decision about it; 0 = none */
};

struct frame_choice {
    const char *name; /* what is submitted: name or path */
    const char *from; /* where it comes from, for people */
};
struct frame_submit {
    const struct frame_choice *pipelines;
    size_t n_pipelines;
    const char *const *repos; /* used before, newest first */
    size_t n_repos;
    /* what was checked, and what is wrong with it */
    const char *checked_pipeline;
    const char *checked_repo;
    bool is_pipeline_good, is_repo_good;
    bool is_repo_fixed;          /* a remote forge's; none can be given */
    const char *const *findings; /* "file:line: field: text" */
    size_t n_findings;
    const char *repo_problem;  /* "" */
    const char *pipeline_repo; /* repository that the pipeline names, "" */
    const char *pipeline_help; /* one line: steps and merge mode */
};

struct frame_status {
    const char *store_path;
    int64_t store_bytes, wal_bytes; /* -1 unknown */
    int schema;                     /* of this program */
    bool is_lease_held;
    int lease_pid;
    const char *log_dir;
    int64_t free_bytes; /* of the store's file system, -1 unknown */
    int64_t version;    /* reader_version */
};

struct frame_service {
    struct service_row row;
    struct service_detail detail;
};
struct frame_services {
    const struct frame_service *services; /* by name, or as asked for */
    size_t n;
};

#define FRAME_DELIVERIES 400
struct frame_deliveries {
    const struct delivery_row *rows; /* newest first */
    size_t n;
    bool has_more;                 /* older ones */
    bool is_missing;               /* the one that was asked for */
    struct delivery_row one;       /* with body_len; seq 0 = not asked for */
    const struct frame_text *body; /* of it, clean lines; NULL = none is kept */
};

struct frame_attribute {
    const char *key, *value;
};
struct frame_trace {
    int64_t workflow;
    struct waterfall fall; /* of what is open, ends as of frame->taken_at */
    char span[SPAN_MAX];   /* whose attributes these are; "" = it is not there */
    const struct frame_attribute *attributes;
    size_t n_attributes;
};

#define FRAME_ANOMALIES 200 /* of one incident */
/* List and chart of metrics. */
struct frame_metrics {
    bool has_file; /* false: nothing was ever measured */
    const struct metric_row *rows;
    size_t n, n_all;
    struct metric_chart chart; /* no lines when none was asked for */
};

struct frame_incident {
    bool is_missing;
    bool has_row; /* it is an incident of the monitor: */
    struct incident_row row;
    const struct anomaly_row *anomalies; /* newest first */
    size_t n_anomalies;
    const struct story *story; /* all that belongs to it; NULL = not read */
};

#define FRAME_FAILURES 400
#define FRAME_PROBLEMS 20
struct frame_failures {
    /* Newest first; when all are here, those that wait for a person before the others. */
    const struct failure_row *rows;
    const struct recovery_row *const
        *recoveries; /* under way for each row; NULL = none */
    size_t n;
    bool has_more;                      /* older ones */
    const struct problem_row *problems; /* open ones, newest first */
    size_t n_problems;
    struct frame_recovery recovery;
};
struct frame_decisions {
    const struct decision_row *rows; /* newest first */
    size_t n;
    bool has_more;
};
struct frame_strategies {
    const struct odds_row *rows; /* by key, the best first; not of single fingerprints */
    size_t n;
};
struct frame_case {
    enum case_kind kind; /* as asked for */
    int64_t id;
    bool is_missing;
    struct case_file file;
};

#define FRAME_APPROVALS 200
struct frame_approvals {
    const struct approval_row *rows; /* in the order of attention, or newest first */
    const char *const *whys;         /* of each: why now, one line; "" */
    size_t n;
    bool has_more;
};
struct frame_approval {
    int64_t id; /* as asked for */
    bool is_missing;
    struct approval_row row;
    struct card card;
};
struct frame_optimizations {
    const struct optimization_row *rows; /* newest first */
    size_t n;
    bool has_more;
};
struct frame_optimization {
    int64_t id; /* as asked for */
    bool is_missing;
    struct optimization_row row;
    struct card card;
};
/* Recorded workflows are read some for each frame, and again when others have ended. */
struct frame_insight {
    bool is_reading; /* more is to be read: another frame comes soon */
    size_t n_read, n_all;
    struct insight data; /* of those whose repository or pipeline has `text` */
};
struct frame_autonomy {
    const struct level_line *levels;
    size_t n_levels;
    const struct tuning_row *tunings;
    size_t n_tunings;
};

/* The chain is read a piece for each frame, from its first row, and again after a while. */
struct frame_audit_check {
    bool is_running; /* more is to be read: another frame comes soon */
    enum audit_fault fault;
    int64_t n, n_all;        /* rows that hold, and that there are */
    int64_t broken;          /* with a fault: its row */
    const char *text;        /* with a fault: what is wrong, one line */
    struct wall at;          /* when the last row was reached; unset = not yet */
    bool has_file;           /* heads are noted beside the store */
    size_t n_notes, n_agree; /* of them the chain has these */
};
#define FRAME_AUDIT 400
struct frame_audit {
    const struct audit_row *rows; /* newest first */
    const char *const *texts;     /* of each: its detail in one line; "" */
    size_t n;
    bool has_more;                   /* older ones */
    bool is_missing;                 /* the one that was asked for */
    struct audit_row one;            /* n 0 = not asked for */
    const struct frame_text *detail; /* of it, clean lines */
    struct frame_audit_check check;
};

/* What became of an order that was sent through the feed. */
struct frame_answer {
    uint64_t ticket; /* as feed_send returned it */
    const char *verb;
    int64_t workflow; /* the only or first one; for submit the new one, 0 = none */
    int n, n_done, n_refused; /* the rest waits for the engine */
    bool is_failed;           /* not handed over at all: message says why */
    const char *message;      /* one clean line of the last refusal, or of the engine */
};
#define FRAME_ANSWERS 16

struct frame {
    uint64_t generation; /* grows with each frame of one feed */
    uint64_t query;      /* number of the newest feed_ask that it answers */
    unsigned parts;      /* asked for */
    struct wall taken_at;

    enum trouble trouble;
    const char *trouble_text; /* cause as found, for people; "" */
    const char *store_path;
    bool is_past; /* all of it is as it was at: */
    struct moment moment;
    const char *past_why; /* why the moment that was asked for cannot be shown; NULL */
    struct wall read_at;  /* when the store was last read well; unset = never */

    struct frame_engine engine;
    bool has_totals;
    struct totals totals;
    struct approval_totals asks; /* with has_totals */
    struct halt_row halt;        /* with has_totals: does everything stand still? */

    const struct presence_row *here; /* consoles on this store, this one among them */
    size_t n_here;

    const struct frame_overview *overview;
    const struct frame_list *list;
    const struct frame_detail *detail;
    const struct frame_submit *submit;
    const struct frame_status *status;
    const struct frame_services *services;
    const struct frame_deliveries *deliveries;
    const struct frame_audit *audit;
    const struct frame_metrics *metrics;
    const struct frame_trace *trace;
    const struct health *health;
    const struct monitor_cards *cards;
    const struct frame_incident *incident;
    const struct handoff *handoff;
    const struct causes *causes;
    const struct frame_failures *failures;
    const struct frame_decisions *decisions;
    const struct frame_strategies *strategies;
    const struct frame_case *case_;
    const struct frame_approvals *approvals;
    const struct frame_approval *approval;
    const struct frame_optimizations *optimizations;
    const struct frame_optimization *optimization;
    const struct frame_autonomy *autonomy;
    const struct frame_insight *insight;
    bool
        is_replaying; /* the dry run needs more of the records: another frame comes soon */

    const struct frame_answer *answers; /* oldest first */
    size_t n_answers;

    const struct frame_pipeline
        *pipelines; /* of the rows in this frame, as far as known */
    size_t n_pipelines;

    struct feed_cost {
        int64_t build_us; /* of this frame */
        int64_t n_frames; /* built since the start */
        int64_t n_wakes;  /* of the feed thread */
    } cost;
};

/* Show the parts of `older`, which was read well, because nothing newer can be read:
 * frame borrows them and holds a reference. */
void frame_borrow(struct frame *frame, const struct frame *older);
/* Copy rows with their strings, for a page that is held while the frame around it renews.
 */
struct frame_rows frame_copy_rows(struct arena *arena, const struct frame_rows *rows);

/* Frame with its own arena and one reference; the maker fills it before it is shared. */
NODISCARD struct frame *frame_new(void);
struct arena *frame_arena(struct frame *frame);
const struct frame *frame_ref(const struct frame *frame);
void frame_unref(const struct frame *frame); /* accepts NULL */

/* How many wait for a person, work, or stand in the queue; -1 = not known. */
int64_t frame_needs_human(const struct frame *frame);
/* The same with approvals that belong to no waiting workflow, for the top line. */
int64_t frame_attention(const struct frame *frame);
int64_t frame_running(const struct frame *frame);
int64_t frame_queued(const struct frame *frame);
/* Failures that were given to a person, and recoveries that wait for approval. */
int64_t frame_failures_for_person(const struct frame_overview *overview);
/* Limits of a pipeline, or NULL when unknown. */
const struct frame_pipeline *frame_find_pipeline(const struct frame *frame, int64_t id);

/* Name of step `step` of a state, "" when there is none or the pipeline is not known. */
const char *frame_step_name(const struct frame_pipeline *pipeline,
                            enum workflow_state state, int step);

/* Pure helpers of the builder, exposed for tests. Stays in states from events (oldest
 * first) of one workflow; the last one is open unless `row` is final. */
size_t frame_spans(struct arena *arena, const struct event_row *events, size_t n,
                   const struct workflow_row *row, const struct state_span **ret_spans);
/* Cut a document into lines. */
const struct frame_text *frame_text(struct arena *arena, const char *text, size_t len,
                                    bool is_diff);
/* Index of the effect whose log a person wants: the running, else the newest failed one
 * of this iteration, else the newest with a log. n when none. */
size_t frame_pick_log(const struct effect_row *effects, size_t n);

#endif
