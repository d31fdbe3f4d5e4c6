/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_STORE_H
#define SIGNALBOX_STORE_STORE_H

/*
 * Store: what signalbox knows, in one place, for one writer and many readers.
 *
 * The engine is the only writer of state. It collects a batch (events, changed rows,
 * effects asked for and answered, commands answered) and commits it as one transaction:
 * all of it is there after a crash, or nothing. Readers (console feed, command line,
 * other consoles) have their own handle and see the last commit, never half of one. A
 * front end writes one thing only: a command row.
 *
 * Backend: SQLite (https://sqlite.org/wal.html), WAL, synchronous=FULL. No type of it
 * appears here, so that another backend can stand behind the same header.
 *
 * Threads: a handle belongs to one thread at a time. Errors: ERR_FULL, ERR_READ_ONLY,
 * ERR_CORRUPT, ERR_BUSY, ERR_TOO_NEW, ERR_IO tell the cause; after a failed commit the
 * batch is kept, so that store_commit may be called again once the cause is gone.
 *
 * Files: PATH, PATH-wal, PATH-shm (0600), PATH-lock (the lease), PATH-bell (see bell.h), PATH-pulse
 * (see pulse.h), PATH-audit (see audit_file.h).
 */

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "store/model.h"

/* A lock that another program holds for less than this is waited for. */
#define STORE_BUSY_MS 5000

/* ---- the engine's lease: at most one engine per store ---------------------- */

struct lease;
enum lease_result { LEASE_TAKEN, LEASE_HELD, LEASE_FAILED };
/* Lock PATH-lock (open file description lock: the kernel gives it back when the process
 * dies). LEASE_HELD: *ret_pid is the holder or 0. */
enum lease_result lease_take(const char *path, struct lease **ret_lease, int *ret_pid,
                             struct err *err);
void lease_give_back(struct lease *lease); /* accepts NULL */
/* Is an engine alive for this store? Any process, takes nothing. */
bool lease_is_held(const char *path, int *ret_pid);

/* Result of looking for one thing. FOUND_FAILED: err says why nobody could tell. */
enum found { FOUND, MISSING, FOUND_FAILED };

/* ---- writer ---------------------------------------------------------------- */

struct store;

enum store_durability {
    STORE_FULL,   /* every commit survives power loss */
    STORE_NORMAL, /* every commit survives kill -9; power loss may take the newest */
    STORE_OFF     /* tests and simulation only */
};

/* Opens or creates, and migrates to the newest schema. path ":memory:" is for tests. */
NODISCARD struct store *store_open(const char *path, enum store_durability durability,
                                   struct err *err);
void store_close(struct store *store); /* accepts NULL; an open batch is lost */

/* The time of what is committed next, for the stamps of old images (past.h); it never goes
 * back. Without it that of the newest event. */
void store_set_now(struct store *store, struct wall now);

/* Collect into the batch. The calls copy what they need, fail never, and nothing is
 * visible to readers before store_commit. Of several writes to one row in a batch the
 * last counts.
 *
 * Upsert. id, pipeline, pipeline_id, repo, title, submitter and created_at are written
 * once, when the row is new. */
void store_put_workflow(struct store *store, const struct workflow_row *row);
/* Appends; event->seq is ignored, the next number is given and returned. */
int64_t store_add_event(struct store *store, const struct event_row *event);
void store_put_effect(struct store *store, const struct effect_row *row); /* upsert */
void store_put_doc(struct store *store, int64_t workflow, enum doc_kind doc,
                   const char *text, size_t len);
/* Add to the end of a document; when it passes DOC_MAX the oldest bytes go, at a line
 * end. */
void store_append_doc(struct store *store, int64_t workflow, enum doc_kind doc,
                      const char *text, size_t len);
/* Text of a pipeline as submitted; the same name and text give the same id again. Returns
 * the id at once. */
int64_t store_put_pipeline(struct store *store, const char *name, const char *text,
                           size_t len);
void store_answer_command(struct store *store, int64_t id, int answer,
                          const char *message, int64_t workflow);
void store_put_service(struct store *store, const struct service_row *row); /* upsert */
/* A webhook delivery, or what polling found in place of one; seq and repeats are the
 * store's. *ret_is_new (may be NULL) is set by the commit: false when a delivery of this
 * guid is there already; then only its `repeats` grows. It and the body must stay in place
 * until store_commit returned true: the body is not copied, strings are. A body of NULL is
 * not kept, its body_len is. The totals by_delivery are the store's own: they count what
 * came, and a repetition as DELIVERY_DUPLICATE. */
void store_add_delivery(struct store *store, const struct delivery_row *row,
                        bool *ret_is_new);
/* Rejected ones are only counted (their flood must not write). */
void store_count_rejected(struct store *store, int64_t n);
/* Deliveries before `before` go, the oldest first, at most max, never the newest; bodies
 * of those before `bodies_before` go too. Part of the batch; returns how many rows; a
 * second call before the commit gives 0. Totals go on counting what came. */
size_t store_prune_deliveries(struct store *store, struct wall before,
                              struct wall bodies_before, size_t max);
void store_put_totals(struct store *store, const struct totals *totals);
void store_put_hour(struct store *store, const struct hour_row *row);
/* Small named values of the engine ("state", "started_at", "fault", "limits" ...). */
void store_put_setting(struct store *store, const char *key, const char *value);
/* Commits everything collected since the last commit. An empty batch is a cheap success.
 * On failure nothing of it is visible, and calling again tries again with the same batch,
 * on a new connection when the file may have been repaired or mounted anew. More may be
 * collected in between; the batch grows in memory, so the engine takes in no new work
 * meanwhile. ERR_NOT_FOUND: the file was removed. ERR_CORRUPT also when another state
 * than the last committed one stands in its place (a backup put back under a running
 * engine). */
NODISCARD bool store_commit(struct store *store, struct err *err);
bool store_has_batch(const struct store *store);

/* Write-ahead log back into the main file, and cached pages to the system; called by the
 * engine when idle. */
void store_checkpoint(struct store *store);
/* Delete finished workflows (rows, effects, docs, events, answered commands) that ended
 * before `before`, the oldest first, at most max of them; returns how many. Part of the
 * batch; a second call before the commit gives 0. Totals are the caller's: they go on
 * counting what ended. */
size_t store_prune(struct store *store, struct wall before, size_t max);
/* The same for answered commands that were given before `before` and are of no workflow that
 * is there. Their numbers are not given again. */
size_t store_prune_commands(struct store *store, struct wall before, size_t max);

/* ---- loading for the writer, after a start --------------------------------- */

/* The look-ups by id see what waits in the batch; the lists see the last commit. */

/* Calls on_row for each workflow that is not final, by id. The row lives for the call. */
NODISCARD bool store_load_live(struct store *store,
                               void (*on_row)(void *user, const struct workflow_row *row),
                               void *user, struct err *err);
/* Each effect without outcome, by (workflow, seq). */
NODISCARD bool store_load_pending(struct store *store,
                                  void (*on_row)(void *user,
                                                 const struct effect_row *row),
                                  void *user, struct err *err);
/* Commands without answer, oldest first, at most max; the writer's own view (includes
 * other processes' commits). Rows in arena. Returns the number, or -1 with err. */
NODISCARD int store_take_commands(struct store *store, struct arena *arena,
                                  int64_t after_id, size_t max,
                                  const struct command_row **ret_rows, struct err *err);
/* One workflow's row, live or final, in arena; the writer's own view. */
enum found store_load_workflow(struct store *store, struct arena *arena, int64_t id,
                               struct workflow_row *ret_row, struct err *err);
/* Text of a pipeline by id, in arena. */
enum found store_load_pipeline(struct store *store, struct arena *arena, int64_t id,
                               const char **ret_name, const char **ret_text,
                               size_t *ret_len, struct err *err);
/* A document of a workflow, in arena; with what waits in the batch, but for what is appended
 * there. MISSING: "". */
enum found store_load_doc(struct store *store, struct arena *arena, int64_t workflow,
                          enum doc_kind doc, const char **ret_text, size_t *ret_len,
                          struct err *err);
/* Every service that an earlier engine left. */
NODISCARD bool store_load_services(struct store *store,
                                   void (*on_row)(void *user,
                                                  const struct service_row *row),
                                   void *user, struct err *err);
/* A setting as last put, in arena; "" when unset. The look-up sees the batch. */
NODISCARD bool store_load_setting(struct store *store, struct arena *arena,
                                  const char *key, const char **ret_value,
                                  struct err *err);
/* Highest workflow id ever given, and totals as stored. */
NODISCARD bool store_load_counters(struct store *store, int64_t *ret_last_workflow,
                                   struct totals *ret_totals, struct err *err);
NODISCARD bool store_load_hour(struct store *store, int64_t hour,
                               struct hour_row *ret_row,
                               struct err *err); /* zeros when there is none */

/* ---- readers --------------------------------------------------------------- */

struct reader;

/* A missing or still empty file is ERR_NOT_FOUND, an older schema ERR_REFUSED. A reader
 * never creates, migrates or blocks the writer. */
NODISCARD struct reader *reader_open(const char *path, struct err *err);
void reader_close(struct reader *reader); /* accepts NULL */

/* Several queries of one moment. End it soon: the log cannot shrink meanwhile. */
NODISCARD bool reader_begin(struct reader *reader, struct err *err);
void reader_end(struct reader *reader);

/* A number that changes when anything was committed, also by other processes. Cheap. -1:
 * the file was removed or replaced, or cannot be read; open a new reader. */
int64_t reader_version(struct reader *reader);

/* Columns to sort by. X(identifier, word, title) */
#define SORT_LIST(X)                                                                     \
    X(SORT_ID, "id", "newest first")                                                     \
    X(SORT_STATE, "state", "by state")                                                   \
    X(SORT_AGE, "age", "longest in its state first")                                     \
    X(SORT_PRIORITY, "priority", "highest first")                                        \
    X(SORT_REPO, "repo", "by repository")                                                \
    X(SORT_PIPELINE, "pipeline", "by pipeline")
enum sort_key {
#define X(id, word, title) id,
    SORT_LIST(X)
#undef X
        SORT_COUNT
};
const char *sort_word(enum sort_key key);

struct list_query {
    unsigned states;  /* STATE_BIT mask; 0 = all */
    bool needs_human; /* only those that wait for a person */
    const char *repo; /* exact, or NULL */
    const char *text; /* part of title, repo, pipeline or "wf-<id>"; NULL = any */
    enum sort_key sort;
    bool is_reversed;
    int64_t after_id; /* paging: the id of the last row seen; 0 = from the start */
    size_t max;       /* rows wanted, 1..10000 */
};
/* Rows in arena, in order; ties by id, newest first (AGE, PRIORITY: oldest first). A row
 * after_id that was pruned meanwhile gives no rows, except with SORT_ID. */
NODISCARD bool reader_list(struct reader *reader, struct arena *arena,
                           const struct list_query *query,
                           const struct workflow_row **ret_rows, size_t *ret_n,
                           struct err *err);

enum found reader_workflow(struct reader *reader, struct arena *arena, int64_t id,
                           struct workflow_row *ret_row, struct err *err);
/* Events with seq > after, oldest first; workflow 0 = all. */
NODISCARD bool reader_events(struct reader *reader, struct arena *arena, int64_t workflow,
                             int64_t after, size_t max, const struct event_row **ret_rows,
                             size_t *ret_n, struct err *err);
/* The newest `max` events, oldest of them first; workflow 0 = all. */
NODISCARD bool reader_last_events(struct reader *reader, struct arena *arena,
                                  int64_t workflow, size_t max,
                                  const struct event_row **ret_rows, size_t *ret_n,
                                  struct err *err);
/* Number of the newest event that happened before `at`; 0 = none. What followed is what
 * reader_events gives after it. Looks at about twenty rows, however many there are. A clock
 * that was set back makes it inexact by as much. */
NODISCARD bool reader_event_before(struct reader *reader, struct wall at,
                                   int64_t *ret_seq, struct err *err);
/* All effects of a workflow by seq. */
NODISCARD bool reader_effects(struct reader *reader, struct arena *arena,
                              int64_t workflow, const struct effect_row **ret_rows,
                              size_t *ret_n, struct err *err);
/* One of them. */
enum found reader_effect(struct reader *reader, struct arena *arena, int64_t workflow,
                         int64_t seq, struct effect_row *ret_row, struct err *err);
/* Document in arena (NUL-terminated), or MISSING. */
enum found reader_doc(struct reader *reader, struct arena *arena, int64_t workflow,
                      enum doc_kind doc, const char **ret_text, size_t *ret_len,
                      struct err *err);
enum found reader_pipeline(struct reader *reader, struct arena *arena, int64_t id,
                           const char **ret_name, const char **ret_text, size_t *ret_len,
                           struct err *err);
NODISCARD bool reader_totals(struct reader *reader, struct totals *ret_totals,
                             struct err *err);
/* Hours first..last inclusive, one row each, zeros where nothing happened; ret_rows holds
 * last - first + 1 rows in arena. */
NODISCARD bool reader_hours(struct reader *reader, struct arena *arena, int64_t first,
                            int64_t last, const struct hour_row **ret_rows,
                            struct err *err);
/* All services by name. */
NODISCARD bool reader_services(struct reader *reader, struct arena *arena,
                               const struct service_row **ret_rows, size_t *ret_n,
                               struct err *err);
struct delivery_query {
    unsigned statuses;  /* 1u << enum delivery_status; 0 = all. DELIVERY_DUPLICATE:
                           those that came more than once */
    const char *text;   /* part of event, action, repository, sha or guid; NULL = any */
    int64_t workflow;   /* 0 = any */
    int64_t before_seq; /* paging: only older ones; 0 = from the newest */
    size_t max;         /* 1..10000 */
};
/* Newest first, without bodies. */
NODISCARD bool reader_deliveries(struct reader *reader, struct arena *arena,
                                 const struct delivery_query *query,
                                 const struct delivery_row **ret_rows, size_t *ret_n,
                                 struct err *err);
/* One with its body. */
enum found reader_delivery(struct reader *reader, struct arena *arena, int64_t seq,
                           struct delivery_row *ret_row, struct err *err);
/* Live workflow of this repository with this pull request (pull > 0) or head commit or
 * head branch, the first of these that fits, then the newest; 0 = none. Looks at all live
 * workflows: for screens, not for a flood (the engine has its own index). */
int64_t reader_workflow_of(struct reader *reader, const char *repo, int64_t pull,
                           const char *sha, const char *branch);
/* "" when unset. In arena. */
const char *reader_setting(struct reader *reader, struct arena *arena, const char *key);

/* ---- what front ends may write --------------------------------------------- */

/* Insert a command (id, answer, message ignored). Creates the store if it is missing, so
 * that a task may be handed over before an engine runs. Returns its id, or -1 with err.
 * With a key that this actor has used before nothing is inserted: the id is that of the
 * command then, which may be another one.
 */
NODISCARD int64_t command_send(const char *path, const struct command_row *command,
                               struct err *err);
/* The same for one who sends many, on one connection, without waiting for the disk: for
 * simulations. */
struct command_line;
NODISCARD struct command_line *command_line_open(const char *path, struct err *err);
void command_line_close(struct command_line *line); /* accepts NULL */
NODISCARD int64_t command_line_send(struct command_line *line,
                                    const struct command_row *command, struct err *err);
/* answer == -1 while not answered. */
enum found reader_command(struct reader *reader, struct arena *arena, int64_t id,
                          struct command_row *ret_row, struct err *err);

/* ---- whole store ----------------------------------------------------------- */

/* Consistent copy while an engine runs (SQLite backup interface); file 0600, an existing
 * file is refused, on failure nothing is left behind. */
NODISCARD bool store_backup(const char *path, const char *copy, struct err *err);
/* Full integrity check: true when sound; else err names the first finding. */
NODISCARD bool store_verify(const char *path, struct err *err);
int store_schema_version(void); /* of this program */

/* Room left for us in the file system of the store, in bytes; -1 unknown. Below the
 * minimum it is shown as full: steps write their results and logs there too, and cannot
 * say that they wait for room. */
#define STORE_ROOM_MIN (8 * 1024 * 1024)
int64_t store_room(const char *path);

/* Name and version of the library behind the store, for a bug report. */
const char *store_library(void);

#endif
