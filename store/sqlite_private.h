/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_SQLITE_PRIVATE_H
#define SIGNALBOX_STORE_SQLITE_PRIVATE_H

/*
 * Sqlite, private: what the files of this backend share. Nothing outside store/ includes
 * it; it is the only place that includes sqlite3.h.
 *
 *   database.c  one connection: opening, settings, prepared statements, errors
 *   schema.c    checks and migrates; migration.c: tables, indexes, readable views
 *   word.c      repeated strings (repository, actor, event kind) stored once, as numbers
 *   row.c       columns to rows
 *   writer.c    the batch, and its commit (apply.c writes the single rows)
 *   loader.c    what the engine reads back
 *   reader.c, list_query.c   what screens read
 *   delivery.c               webhook deliveries: collected, written, read, pruned
 *   service.c                services
 *   finding.c, finding_read.c   anomalies, incidents, silences; span.c: spans
 *   recovery.c, recovery_read.c, recovery_row.c   failures, problems, recoveries, decisions,
 *                            odds, labels; approval*.c   approvals, optimizations, tunings,
 *                            levels of autonomy; row_shape.c   their columns from one list
 *   audit.c, audit_read.c    the audit: chained, written, read; audit_check.c: checked
 *   past.c, past_read.c, moment.c   old images of rows, and the store as of a moment (past.h)
 *   command.c, backup.c      command rows; copy and check of the whole file
 */

#include <sqlite3.h>

#include "engine/base/err.h"
#include "store/approval.h"
#include "store/audit.h"
#include "store/finding.h"
#include "store/recovery.h"
#include "store/store.h"

/* Tables of store/recovery.h; those with a number as key come first. */
enum recovery_table {
    TABLE_FAILURE,
    TABLE_PROBLEM,
    TABLE_RECOVERY,
    TABLE_DECISION,
    TABLE_LABEL,
    TABLE_ODDS
};
#define RECOVERY_TABLES 6
#define RECOVERY_PRUNED 4 /* of the first of them, old rows go */

/* Tables of store/approval.h; those with a number as key come first. */
enum approval_table { TABLE_APPROVAL, TABLE_OPTIMIZATION, TABLE_TUNING, TABLE_AUTONOMY };
#define APPROVAL_TABLES    4
#define APPROVALS_NUMBERED 2 /* and of these, old rows go */

/* Tables whose old images are kept: past.h. */
enum past {
    PAST_WORKFLOW,
    PAST_EFFECT,
    PAST_DOC,
    PAST_APPROVAL,
    PAST_OPTIMIZATION,
    PAST_TUNING,
    PAST_AUTONOMY,
    PAST_FAILURE,
    PAST_PROBLEM,
    PAST_RECOVERY,
    PAST_DECISION,
    PAST_ODDS,
    PAST_ANOMALY,
    PAST_INCIDENT,
    PAST_SILENCE,
    PAST_SERVICE,
    PAST_HOUR,
    PAST_TOTAL,
    PAST_SETTING
};
#define PAST_COUNT 19

/* Statements that a connection keeps prepared. */
enum slot {
    SLOT_BEGIN,
    SLOT_COMMIT,
    SLOT_ROLLBACK,
    SLOT_BEGIN_READ,
    SLOT_VERSION,
    SLOT_WORD_TEXT,
    SLOT_WORD_FIND,
    SLOT_WORD_ADD,
    SLOT_WORKFLOW_STEP,
    SLOT_WORKFLOW_UPDATE,
    SLOT_WORKFLOW_INSERT,
    SLOT_SUBMISSION_INSERT,
    SLOT_EVENT_INSERT,
    SLOT_EFFECT_PUT,
    SLOT_DOC_PUT,
    SLOT_DOC_GET,
    SLOT_PIPELINE_INSERT,
    SLOT_PIPELINE_FIND,
    SLOT_PIPELINE_GET,
    SLOT_COMMAND_ANSWER,
    SLOT_COMMAND_OPEN,
    SLOT_COMMAND_GET,
    SLOT_TOTAL_PUT,
    SLOT_TOTAL_GET,
    SLOT_HOUR_PUT,
    SLOT_HOUR_TRIM,
    SLOT_HOUR_GET,
    SLOT_SETTING_PUT,
    SLOT_SETTING_GET,
    SLOT_PRUNE_FIND,
    SLOT_PRUNE_COMMANDS_FIND,
    SLOT_PRUNE_COMMANDS,
    SLOT_PRUNE_FIRST,
    SLOT_PRUNE_LAST = SLOT_PRUNE_FIRST + 7,
    SLOT_LAST_EVENT,
    SLOT_WORKFLOW_GET,
    SLOT_WORKFLOW_LIVE,
    SLOT_EFFECT_PENDING,
    SLOT_EFFECT_ALL,
    SLOT_EVENT_ALL,
    SLOT_EVENT_OF,
    SLOT_EVENT_LAST_ALL,
    SLOT_EVENT_LAST_OF,
    SLOT_SERVICE_PUT,
    SLOT_SERVICE_ALL,
    SLOT_DELIVERY_ADD,
    SLOT_DELIVERY_BODY,
    SLOT_DELIVERY_REPEAT,
    SLOT_DELIVERY_OLDEST,
    SLOT_BODY_OLDEST,
    SLOT_DELIVERY_DELETE,
    SLOT_BODY_DELETE,
    SLOT_DELIVERY_LIST,
    SLOT_DELIVERY_OF,
    SLOT_DELIVERY_GET,
    SLOT_BODY_GET,
    SLOT_TOTAL_ADD,
    SLOT_WORKFLOW_OF,
    SLOT_EFFECT_GET,
    SLOT_ANOMALY_PUT,
    SLOT_ANOMALY_GET,
    SLOT_ANOMALY_LIST,
    SLOT_ANOMALY_OPEN,
    SLOT_ANOMALY_OF,
    SLOT_ANOMALY_OPEN_OF,
    SLOT_ANOMALY_OLDEST,
    SLOT_ANOMALY_DELETE,
    SLOT_INCIDENT_PUT,
    SLOT_INCIDENT_ACK,
    SLOT_INCIDENT_GET,
    SLOT_INCIDENT_LIST,
    SLOT_INCIDENT_OPEN,
    SLOT_INCIDENT_OLDEST,
    SLOT_INCIDENT_DELETE,
    SLOT_SILENCE_PUT,
    SLOT_SILENCE_GET,
    SLOT_SILENCE_LIST,
    SLOT_SILENCE_OLDEST,
    SLOT_SILENCE_DELETE,
    SLOT_SPAN_ADD,
    SLOT_SPAN_ALL,
    SLOT_SPAN_OF,
    SLOT_SPAN_LAST,
    SLOT_SPAN_OLDEST,
    SLOT_SPAN_DELETE,
    SLOT_RECOVERY_PUT, /* + enum recovery_table; so are the four that follow */
    SLOT_RECOVERY_GET = SLOT_RECOVERY_PUT + RECOVERY_TABLES,
    SLOT_RECOVERY_OLDEST = SLOT_RECOVERY_GET + RECOVERY_TABLES,
    SLOT_RECOVERY_DELETE = SLOT_RECOVERY_OLDEST + RECOVERY_TABLES,
    SLOT_RECOVERY_OPEN = SLOT_RECOVERY_DELETE + RECOVERY_TABLES,
    SLOT_FAILURE_STATUS = SLOT_RECOVERY_OPEN + RECOVERY_TABLES,
    SLOT_FAILURE_COUNT,
    SLOT_RECOVERY_TOTALS,
    SLOT_SETTLED_SINCE,
    SLOT_APPROVAL_PUT, /* + enum approval_table; so are the four that follow */
    SLOT_APPROVAL_GET = SLOT_APPROVAL_PUT + APPROVAL_TABLES,
    SLOT_APPROVAL_OLDEST = SLOT_APPROVAL_GET + APPROVAL_TABLES,
    SLOT_APPROVAL_DELETE = SLOT_APPROVAL_OLDEST + APPROVAL_TABLES,
    SLOT_APPROVAL_OPEN = SLOT_APPROVAL_DELETE + APPROVAL_TABLES,
    SLOT_TUNING_DROP = SLOT_APPROVAL_OPEN + APPROVAL_TABLES,
    SLOT_AUTONOMY_DROP,
    SLOT_APPROVAL_TOTALS,
    SLOT_AUDIT_ADD,
    SLOT_AUDIT_LIST,
    SLOT_AUDIT_GET,
    SLOT_AUDIT_PAGE,
    SLOT_APPROVAL_DECIDED,
    SLOT_FAILURE_OF,
    SLOT_ENDED,
    SLOT_PAST_KEEP, /* + enum past; so are the three that follow */
    SLOT_PAST_BIRTH = SLOT_PAST_KEEP + PAST_COUNT,
    SLOT_PAST_THIN = SLOT_PAST_BIRTH + PAST_COUNT,
    SLOT_PAST_TRIM = SLOT_PAST_THIN + PAST_COUNT,
    SLOT_PAST_SAME_SERVICE = SLOT_PAST_TRIM + PAST_COUNT,
    SLOT_EVENT_BEFORE,
    SLOT_COUNT
};

#define WORD_CACHE    256 /* a power of two */
#define WORD_LONG_MAX 512 /* a longer word is looked up each time */

struct word_entry {
    int64_t id; /* 0 = empty */
    char *text;
};

struct database {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *slots[SLOT_COUNT];
    struct word_entry by_text[WORD_CACHE], by_id[WORD_CACHE];
    bool is_past; /* views stand before some tables: no index can be named */
};

enum database_mode {
    DATABASE_READ,  /* never writes, never creates */
    DATABASE_WRITE, /* must exist */
    DATABASE_CREATE /* made 0600, folders too, when missing */
};

/* Open and set up; *ret_database is closed with database_close, also after a failure. */
NODISCARD bool database_open(struct database *database, const char *path,
                             enum database_mode mode, struct err *err);
/* Write-ahead log, durability, caches: changes the file, so after schema_check. */
NODISCARD bool database_set_up(struct database *database,
                               enum store_durability durability, struct err *err);
void database_close(struct database *database); /* accepts all zero */
/* The statement of a slot, prepared at first use, reset, or NULL. */
sqlite3_stmt *database_get(struct database *database, enum slot slot, const char *sql);
/* Put the connection's newest failure into *err, with the file's name; returns false. */
bool database_fail(const struct database *database, struct err *err);
NODISCARD bool database_exec(struct database *database, const char *sql, struct err *err);
/* First column of the first row, 0 when there is none. */
NODISCARD bool database_number(struct database *database, const char *sql,
                               int64_t *ret_number, struct err *err);
/* Step a statement that gives no rows and reset it. */
NODISCARD bool database_run(sqlite3_stmt *statement);
/* BEGIN IMMEDIATE ... ROLLBACK; rollback is harmless without a transaction. */
NODISCARD bool database_begin(struct database *database);
NODISCARD bool database_commit(struct database *database);
void database_rollback(struct database *database);
/* How long to wait for a lock; STORE_BUSY_MS after opening. */
void database_be_patient(struct database *database, int ms);
/* Has the file been removed or replaced since it was opened? */
bool database_has_moved(const struct database *database);
bool database_is_memory(const char *path);

void bind_int(sqlite3_stmt *statement, int index, int64_t number);
/* Text must live until the statement has run. */
void bind_text(sqlite3_stmt *statement, int index, const char *text);
void bind_bytes(sqlite3_stmt *statement, int index, const char *text, size_t len);
void bind_blob(sqlite3_stmt *statement, int index, const void *bytes, size_t len);
void bind_number(sqlite3_stmt *statement, int index, double number); /* NAN: NULL */

/* Statements of each migration, NULL at their end. */
extern const char *const *const schema_migrations[];
extern const size_t n_schema_migrations;
extern const char *const schema_approval[]; /* migration_approval.c */
extern const char *const schema_past[];     /* migration_past.c */
/* Bring an empty or older store up to date. */
NODISCARD bool schema_migrate(struct database *database, struct err *err);
NODISCARD bool schema_migrate_to(struct database *database, int64_t to, struct err *err);
/* Open for writing, check, set up, migrate: the whole way. */
NODISCARD bool schema_open(struct database *database, const char *path,
                           enum database_mode mode, enum store_durability durability,
                           struct err *err);
/* Is it a store of this program, and of a schema that this program reads? */
NODISCARD bool schema_check(struct database *database, int64_t *ret_version,
                            struct err *err);
#define SCHEMA_APPLICATION_ID 0x53426f78 /* "SBox", PRAGMA application_id */

/* Number of a word, added when new; inside a write transaction. 0 = failed. */
int64_t word_put(struct database *database, const char *text);
/* The same, but "" is 0: for columns that are mostly empty. False = failed. */
NODISCARD bool word_put_some(struct database *database, const char *text,
                             int64_t *ret_id);
/* Number of a word that may be missing: 0. */
int64_t word_find(struct database *database, const char *text);
/* Text of a word, "" when there is none. Borrowed until the next call. */
const char *word_text(struct database *database, int64_t id);
void word_forget(struct database *database); /* after a rollback, and on close */

/* An effect's key as one number, so that all of a workflow stand together in the table
 * and no second index is needed on the busiest rows. */
#define EFFECT_SEQ_BITS 20
#define DOC_BITS        6
static inline int64_t effect_key(int64_t workflow, int64_t seq)
{
    return (workflow << EFFECT_SEQ_BITS) | seq;
}
static inline int64_t doc_key(int64_t workflow, enum doc_kind doc)
{
    return (workflow << DOC_BITS) | (int64_t)doc;
}

/* Rows of totals: a code for each number. */
enum total_code {
    TOTAL_STATE = 0,   /* + enum workflow_state */
    TOTAL_WAIT = 1000, /* + enum workflow_wait */
    TOTAL_WORKFLOWS = 2000,
    TOTAL_LAST_EVENT, /* numbers given before the newest rows were pruned */
    TOTAL_LAST_WORKFLOW,
    TOTAL_DELIVERY = 3000, /* + enum delivery_status */
    TOTAL_FAILURE = 4000   /* + enum failure_status */
};

/* Columns for row_*, in this order. */
#define WORKFLOW_COLUMNS                                                                 \
    "w.id, s.pipeline, s.pipeline_id, s.repo, s.title, s.submitter, w.priority, "        \
    "w.state, "                                                                          \
    "w.resume_state, w.wait, w.resume_wait, w.step, w.iteration, w.attempt, w.retries, " \
    "w.agent_runs, w.held, w.effect_seq, w.is_active, s.created_at, w.started_at, "      \
    "w.state_since, w.finished_at, "                                                     \
    "w.deadline_at, w.time_left, w.retry_at, w.branch, w.base_sha, w.head_sha, "         \
    "w.merge_sha, w.pr_number, w.reason, w.service, w.is_degraded, w.is_adopted, "       \
    "w.granted_runs, w.granted_wall, w.budget_told, w.last_run, "                        \
    "w.used_tokens, w.used_micros, w.last_tokens, w.last_micros, w.granted_tokens, "     \
    "w.granted_micros"
#define EVENT_COLUMNS                                                                    \
    "seq, at, workflow, kind, actor, from_state, to_state, wait, iteration, attempt, "   \
    "effect, ended, text"
#define EFFECT_COLUMNS                                                                   \
    "id, kind, status, step, name, iteration, attempt, asked_at, started_at, "           \
    "finished_at, "                                                                      \
    "deadline_at, params, summary, log, exit_status, cpu_ms, peak_rss_kib, out_bytes, "  \
    "provider, is_fallback"
#define COMMAND_COLUMNS                                                                  \
    "id, at, actor, origin, account, key, verb, workflow, args, answer, message"

/* Room for row n of an array that grows in arena: the array, moved or not. */
void *rows_room(struct arena *arena, void *rows, size_t n, size_t *cap, size_t size);
void row_workflow(struct database *database, sqlite3_stmt *s, struct arena *arena,
                  struct workflow_row *ret_row);
void row_event(struct database *database, sqlite3_stmt *s, struct arena *arena,
               struct event_row *ret_row);
void row_effect(struct database *database, sqlite3_stmt *s, struct arena *arena,
                struct effect_row *ret_row);
void row_command(sqlite3_stmt *s, struct arena *arena, struct command_row *ret_row);
void row_hour(sqlite3_stmt *s, struct hour_row *ret_row);
#define SERVICE_COLUMNS                                                                  \
    "name, kind, state, since, until, updated_at, reason, detail, memo"
void row_service(sqlite3_stmt *s, struct arena *arena, struct service_row *ret_row);
#define DELIVERY_COLUMNS                                                                 \
    "seq, at, event, action, repository, pull, workflow, status, repeats, body_len, "    \
    "guid, sha, text"
void row_delivery(struct database *database, sqlite3_stmt *s, struct arena *arena,
                  struct delivery_row *ret_row);
#define ANOMALY_COLUMNS                                                                  \
    "id, incident, type, severity, began_at, opened_at, seen_at, closed_at, series, "    \
    "component, value, low, high, score, text, rule, closed_by, detail"
void row_anomaly(sqlite3_stmt *s, struct arena *arena, struct anomaly_row *ret_row);
#define INCIDENT_COLUMNS                                                                 \
    "id, severity, cause, text, opened_at, changed_at, closed_at, n_anomalies, n_open, " \
    "inhibited_by, detail, state, owner, note, acked_at, claimed_by, claimed_until, "    \
    "assignee, links"
void row_incident(sqlite3_stmt *s, struct arena *arena, struct incident_row *ret_row);
#define SILENCE_COLUMNS "id, match, author, reason, from_at, until_at, is_ended, is_told"
void row_silence(sqlite3_stmt *s, struct arena *arena, struct silence_row *ret_row);
#define SPAN_COLUMNS                                                                     \
    "seq, workflow, trace, span, parent, kind, name, start_us, end_us, status, "         \
    "attributes"
#define SPAN_TRACE_BYTES 16
void row_span(struct database *database, sqlite3_stmt *s, struct arena *arena,
              struct span_row *ret_row);

/* Queries that the engine's loader and the readers share. */
enum found get_workflow(struct database *database, struct arena *arena, int64_t id,
                        struct workflow_row *ret_row, struct err *err);
enum found get_pipeline(struct database *database, struct arena *arena, int64_t id,
                        const char **ret_name, const char **ret_text, size_t *ret_len,
                        struct err *err);
NODISCARD bool get_totals(struct database *database, struct totals *ret_totals,
                          int64_t *ret_last_workflow, struct err *err);

/* ids of the rows of a list, in order (list_query.c). */
NODISCARD bool list_ids(struct database *database, struct arena *arena,
                        const struct list_query *query, int64_t **ret_ids, size_t *ret_n,
                        struct err *err);

struct buf;
/* The statement behind a list, for the test of its query plan. */
void list_sql(const struct list_query *query, struct buf *sql);

/* One change of the batch. Strings live in the batch's arena. */
enum op_kind {
    OP_WORKFLOW,
    OP_EVENT,
    OP_EFFECT,
    OP_DOC,
    OP_DOC_APPEND,
    OP_PIPELINE,
    OP_ANSWER,
    OP_TOTALS,
    OP_HOUR,
    OP_SETTING,
    OP_PRUNE,
    OP_SERVICE,
    OP_DELIVERY,
    OP_REJECTED,
    OP_PRUNE_DELIVERIES,
    OP_ANOMALY,
    OP_INCIDENT,
    OP_INCIDENT_ACK,
    OP_SILENCE,
    OP_SPAN,
    OP_PRUNE_FINDINGS,
    OP_RECOVERY, /* a row of one of enum recovery_table */
    OP_PRUNE_RECOVERY,
    OP_APPROVAL, /* a row of one of enum approval_table */
    OP_DROP_TUNING,
    OP_DROP_AUTONOMY,
    OP_PRUNE_APPROVALS,
    OP_PRUNE_COMMANDS,
    OP_AUDIT
};

/* Tables of which store_prune_findings takes single rows. */
enum finding_table { TABLE_ANOMALY, TABLE_INCIDENT, TABLE_SILENCE, FINDING_TABLE_COUNT };

struct op {
    struct op *next, *previous;
    enum op_kind kind;
    union {
        struct workflow_row workflow;
        struct event_row event;
        struct effect_row effect;
        struct {
            int64_t workflow;
            enum doc_kind kind;
            const char *text;
            size_t len;
        } doc;
        struct {
            int64_t id, digest;
            const char *name, *text;
            size_t len;
        } pipeline;
        struct {
            int64_t id, workflow;
            int answer;
            const char *message;
        } answer;
        struct totals totals;
        struct hour_row hour;
        struct {
            const char *key, *value;
        } setting;
        struct {
            const int64_t *ids;
            size_t n;
        } prune;
        struct service_row service;
        struct {
            struct delivery_row row; /* the body is the caller's */
            bool *ret_is_new;
        } delivery;
        int64_t n_rejected;
        struct {
            int64_t rows_to, bodies_to; /* up to these numbers */
        } prune_deliveries;
        struct anomaly_row anomaly;
        struct incident_row incident; /* OP_INCIDENT, OP_INCIDENT_ACK */
        struct silence_row silence;
        struct span_row span;
        struct {
            const int64_t *ids[FINDING_TABLE_COUNT];
            size_t n[FINDING_TABLE_COUNT];
            int64_t spans_to; /* up to this number */
        } prune_findings;
        struct {
            enum recovery_table table;
            union {
                int64_t id; /* each row but that of odds begins with it */
                struct failure_row failure;
                struct problem_row problem;
                struct recovery_row recovery;
                struct decision_row decision;
                struct label_row label;
                struct odds_row odds;
            };
        } recovery;
        struct {
            const int64_t *ids[RECOVERY_PRUNED];
            size_t n[RECOVERY_PRUNED];
        } prune_recovery;
        struct {
            enum approval_table table;
            void *row; /* of that table; a number as key is its first member */
        } approval;
        struct {
            const char *setting, *scope;
        } drop_tuning;
        struct {
            int action;
            const char *repo;
        } drop_autonomy;
        struct {
            const int64_t *ids[APPROVALS_NUMBERED];
            size_t n[APPROVALS_NUMBERED];
        } prune_approvals;
        struct {
            struct wall before;
            int64_t max;
        } prune_commands;
        struct audit_row audit; /* without prev and hash */
    };
};

/* The highest number of each kind that was given. */
struct numbers {
    int64_t event, pipeline, silence, span, audit;
    int64_t recovery[RECOVERY_TABLES]; /* by enum recovery_table; none of odds */
    int64_t approval[APPROVALS_NUMBERED];
};

struct store {
    struct database database;
    enum store_durability durability;
    bool needs_reopen; /* the connection saw a failure that may outlive its cause */
    struct numbers given;
    int64_t committed_event; /* given.event at the last commit */
    struct arena *arena;     /* of the batch */
    struct op *first, *last;
    struct totals written; /* as committed, so that only what changed is written */
    bool is_written_known;
    bool
        is_locked_out; /* the last commit met a lock; it is tried again with less patience */
    int64_t n_deliveries[DELIVERY_STATUS_COUNT]; /* counted in this transaction */
    struct audit_mark audit;                     /* the newest row that is committed */
    struct audit_mark audit_next;                /* and in this transaction */
    struct digest_sum *sum; /* for the hashes of rows; NULL: none was needed yet */
    int64_t stamp_seq;      /* of old images: the newest event of this transaction */
    struct wall stamp_at;
    bool has_image; /* the last past_keep found a row, and put its image there: */
    int64_t image;
};

struct reader {
    struct database database;
    bool is_begun;
    bool is_pinned;          /* to a moment: past.h */
    int64_t pin_seq, pin_at; /* images stamped later than this count */
};

/* The old image of what this change will overwrite (past.c); apply_op calls it. */
NODISCARD bool past_before(struct store *store, const struct op *op);
/* The same for one row, by number or by text; second may be NULL. */
NODISCARD bool past_keep(struct store *store, enum past past, int64_t number);
NODISCARD bool past_keep_text(struct store *store, enum past past, const char *key,
                              const char *second);
/* After the change: large texts that it left as they were go from the image. */
NODISCARD bool past_thin(struct store *store, enum past past, int64_t id);
/* Of each table at most `max` of the oldest images, when they are before all that is kept. */
NODISCARD bool past_trim(struct store *store, int64_t max);

/* A new change at the end of the batch (writer.c). */
struct op *batch_add(struct store *store, enum op_kind kind);
/* Changes of deliveries and services; apply_op calls these. */
NODISCARD bool apply_delivery(struct store *store, const struct op *op);
NODISCARD bool apply_prune_deliveries(struct store *store, const struct op *op);
NODISCARD bool apply_service(struct store *store, const struct service_row *row);
NODISCARD bool apply_anomaly(struct store *store, const struct anomaly_row *row);
NODISCARD bool apply_incident(struct store *store, const struct incident_row *row);
NODISCARD bool apply_incident_ack(struct store *store, const struct incident_row *row);
NODISCARD bool apply_silence(struct store *store, const struct silence_row *row);
NODISCARD bool apply_span(struct store *store, const struct span_row *span);
NODISCARD bool apply_prune_findings(struct store *store, const struct op *op);
NODISCARD bool apply_recovery(struct store *store, const struct op *op);
NODISCARD bool apply_prune_recovery(struct store *store, const struct op *op);
NODISCARD bool apply_setting(struct store *store, const char *key, const char *value);
NODISCARD bool apply_audit(struct store *store, const struct audit_row *row);
/* Where the chain ends: as noted, and as its rows say. */
NODISCARD bool audit_load(struct database *database, struct audit_mark *ret_head,
                          struct err *err);
/* The head, when this transaction has moved it. */
NODISCARD bool apply_audit_head(struct store *store);
#define AUDIT_COLUMNS                                                                    \
    "n, at, actor, role, origin, act, subject, outcome, detail, prev, hash"
#define AUDIT_TEXTS      7 /* of them, from column AUDIT_TEXT_FIRST on */
#define AUDIT_TEXT_FIRST 2
/* What a row's hash is made of; texts with their lengths, as they stand in the file. */
struct audit_fields {
    int64_t n, at;
    struct {
        const void *bytes;
        size_t len;
    } texts[AUDIT_TEXTS];
    const uint8_t *prev;
};
#define AUDIT_GET "SELECT " AUDIT_COLUMNS " FROM audit WHERE n = ?1"
void audit_hash(struct digest_sum *sum, const struct audit_fields *fields,
                uint8_t ret_hash[DIGEST_LEN]);
/* "N:HASH". */
#define AUDIT_MARK_TEXT (20 + 1 + DIGEST_TEXT_MAX)
const char *audit_mark_format(const struct audit_mark *mark, char text[AUDIT_MARK_TEXT]);
#define AUDIT_HEAD_SETTING "audit_head"

/* The highest ids of the tables of store/recovery.h. */
NODISCARD bool recovery_numbers(struct database *database,
                                int64_t ret_numbers[RECOVERY_TABLES], struct err *err);
NODISCARD bool apply_approval(struct store *store, const struct op *op);
NODISCARD bool apply_drop_tuning(struct store *store, const struct op *op);
NODISCARD bool apply_drop_autonomy(struct store *store, const struct op *op);
NODISCARD bool apply_prune_approvals(struct store *store, const struct op *op);
NODISCARD bool apply_prune_commands(struct store *store, const struct op *op);
/* The highest ids of the tables of store/approval.h. */
NODISCARD bool approval_numbers(struct database *database,
                                int64_t ret_numbers[APPROVALS_NUMBERED], struct err *err);
/* Spans that are beyond their bound or ended before `before`, the oldest at most max of
 * them (span.c); the number of the last one. */
size_t span_count_old(struct store *store, struct wall before, size_t max,
                      int64_t *ret_last);
NODISCARD bool span_delete_to(struct store *store, int64_t seq);
/* The totals by_delivery grow by what this transaction counted. */
NODISCARD bool apply_delivery_totals(struct store *store);

/* Write one change inside the open transaction (apply.c). On false the connection says
 * why. */
NODISCARD bool apply_op(struct store *store, const struct op *op);
/* The newest change of this kind to this id (workflow, pipeline, hour) in the batch, or
 * NULL. */
const struct op *batch_find(const struct store *store, enum op_kind kind, int64_t id);
/* A failed read may mean a connection that a later call must not trust. Returns false. */
bool store_suspect(struct store *store, const struct err *err);

#endif
