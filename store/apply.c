/* SPDX-License-Identifier: MIT */
/*
 * Apply: one change of the batch, written inside the open transaction.
 *
 * A failure is told by false alone; the connection knows the cause. Everything here may
 * run twice for the same batch, the first time having been rolled back.
 */
#include "store/past.h"
#include "store/sqlite_private.h"

static void bind_workflow(sqlite3_stmt *s, const struct workflow_row *row,
                          int64_t service)
{
    bind_int(s, 1, row->id);
    bind_int(s, 2, !state_is_final(row->state));
    bind_int(s, 3, wait_needs_human(row->wait));
    bind_int(s, 4, row->state);
    bind_int(s, 5, row->resume_state);
    bind_int(s, 6, row->wait);
    bind_int(s, 7, row->resume_wait);
    bind_int(s, 8, row->priority);
    bind_int(s, 9, row->step);
    bind_int(s, 10, row->iteration);
    bind_int(s, 11, row->attempt);
    bind_int(s, 12, row->retries);
    bind_int(s, 13, row->agent_runs);
    bind_int(s, 14, row->held);
    bind_int(s, 15, row->effect_seq);
    bind_int(s, 16, row->is_active);
    bind_int(s, 17, row->started_at.ms);
    bind_int(s, 18, row->state_since.ms);
    bind_int(s, 19, row->finished_at.ms);
    bind_int(s, 20, row->deadline_at.ms);
    bind_int(s, 21, row->time_left.ms);
    bind_int(s, 22, row->retry_at.ms);
    bind_int(s, 23, row->pr_number);
    bind_text(s, 24, row->branch);
    bind_text(s, 25, row->base_sha);
    bind_text(s, 26, row->head_sha);
    bind_text(s, 27, row->merge_sha);
    bind_text(s, 28, row->reason);
    bind_int(s, 29, service);
    bind_int(s, 30, row->is_degraded);
    bind_int(s, 31, row->is_adopted);
    bind_int(s, 32, row->granted_runs);
    bind_int(s, 33, row->granted_wall.ms);
    bind_int(s, 34, row->budget_told);
    bind_int(s, 35, row->last_run.ms);
    bind_int(s, 37, row->used.tokens);
    bind_int(s, 38, row->used.micros);
    bind_int(s, 39, row->last_used.tokens);
    bind_int(s, 40, row->last_used.micros);
    bind_int(s, 41, row->granted.tokens);
    bind_int(s, 42, row->granted.micros);
}

/* Column `changed` tells a reader of the past which rows it need not ask further. */
#define CHANGED 36

#define WORKFLOW_CHANGES                                                                 \
    "state=?4, resume_state=?5, wait=?6, resume_wait=?7, priority=?8, step=?9, "         \
    "iteration=?10, attempt=?11, retries=?12, agent_runs=?13, held=?14, "                \
    "effect_seq=?15, "                                                                   \
    "is_active=?16, started_at=?17, state_since=?18, deadline_at=?20, time_left=?21, "   \
    "retry_at=?22, pr_number=?23, branch=?24, base_sha=?25, head_sha=?26, "              \
    "merge_sha=?27, reason=?28, service=?29, is_degraded=?30, is_adopted=?31, "          \
    "granted_runs=?32, granted_wall=?33, budget_told=?34, last_run=?35, changed=?36, "   \
    "used_tokens=?37, used_micros=?38, last_tokens=?39, last_micros=?40, "               \
    "granted_tokens=?41, granted_micros=?42"

static bool run_workflow(struct store *store, enum slot slot, const char *sql,
                         const struct workflow_row *row)
{
    int64_t service = 0;
    sqlite3_stmt *s = database_get(&store->database, slot, sql);
    if (s == NULL || !word_put_some(&store->database, row->service, &service)) {
        return false;
    }
    bind_workflow(s, row, service);
    bind_int(s, CHANGED, store->stamp_seq);
    return database_run(s);
}

static bool insert_submission(struct store *store, const struct workflow_row *row)
{
    struct database *db = &store->database;
    int64_t pipeline = word_put(db, row->pipeline);
    int64_t repo = word_put(db, row->repo);
    int64_t submitter = word_put(db, row->submitter);
    sqlite3_stmt *s =
        database_get(db, SLOT_SUBMISSION_INSERT,
                     "INSERT INTO submission (workflow, pipeline, pipeline_id,"
                     " repo, submitter, created_at, title)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    if (s == NULL || pipeline == 0 || repo == 0 || submitter == 0) {
        return false;
    }
    bind_int(s, 1, row->id);
    bind_int(s, 2, pipeline);
    bind_int(s, 3, row->pipeline_id);
    bind_int(s, 4, repo);
    bind_int(s, 5, submitter);
    bind_int(s, 6, row->created_at.ms);
    bind_text(s, 7, row->title);
    return database_run(s);
}

/*
 * Most steps leave `live` and `human` as they are: then the first statement fits, which
 * sets no column of an index. Else the second one moves the index entries too. When that
 * finds no row either, the workflow is new.
 */
static bool apply_workflow(struct store *store, const struct workflow_row *row)
{
    sqlite3 *db = store->database.db;
    if (!state_is_final(row->state)) {
        if (!run_workflow(store, SLOT_WORKFLOW_STEP,
                          "UPDATE workflow SET " WORKFLOW_CHANGES
                          " WHERE id=?1 AND live=?2 AND human=?3 AND finished_at=?19",
                          row)) {
            return false;
        }
        if (sqlite3_changes(db) != 0) {
            return true;
        }
    }
    if (!run_workflow(
            store, SLOT_WORKFLOW_UPDATE,
            "UPDATE workflow SET live=?2, human=?3, finished_at=?19, " WORKFLOW_CHANGES
            " WHERE id=?1",
            row)) {
        return false;
    }
    if (sqlite3_changes(db) != 0) {
        return true;
    }
    return run_workflow(
               store, SLOT_WORKFLOW_INSERT,
               "INSERT INTO workflow (id, live, human, state, resume_state, wait,"
               " resume_wait, priority, step, iteration, attempt, retries,"
               " agent_runs, held, effect_seq, is_active, started_at, state_since,"
               " finished_at, deadline_at, time_left, retry_at, pr_number, branch,"
               " base_sha, head_sha, merge_sha, reason, service, is_degraded,"
               " is_adopted, granted_runs, granted_wall, budget_told, last_run, changed,"
               " used_tokens, used_micros, last_tokens, last_micros, granted_tokens,"
               " granted_micros)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
               " ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26,"
               " ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38,"
               " ?39, ?40, ?41, ?42)",
               row) &&
           insert_submission(store, row);
}

static bool apply_event(struct store *store, const struct event_row *event)
{
    struct database *db = &store->database;
    int64_t kind = word_put(db, event->kind);
    int64_t actor = word_put(db, event->actor);
    sqlite3_stmt *s = database_get(
        db, SLOT_EVENT_INSERT,
        "INSERT INTO event (seq, at, workflow, kind, actor, from_state, to_state, wait,"
        " iteration, attempt, effect, ended, text)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
    if (s == NULL || kind == 0 || actor == 0) {
        return false;
    }
    bind_int(s, 1, event->seq);
    bind_int(s, 2, event->at.ms);
    bind_int(s, 3, event->workflow);
    bind_int(s, 4, kind);
    bind_int(s, 5, actor);
    bind_int(s, 6, event->from);
    bind_int(s, 7, event->to);
    bind_int(s, 8, event->wait);
    bind_int(s, 9, event->iteration);
    bind_int(s, 10, event->attempt);
    bind_int(s, 11, event->effect);
    bind_int(s, 12, event->ended);
    bind_text(s, 13, event->text);
    store->stamp_seq = event->seq;
    store_set_now(store, event->at);
    return database_run(s);
}

static bool apply_effect(struct store *store, const struct effect_row *row)
{
    struct database *db = &store->database;
    int64_t name = word_put(db, row->name);
    int64_t provider = 0;
    sqlite3_stmt *s = database_get(
        db, SLOT_EFFECT_PUT,
        "INSERT INTO effect (id, kind, status, step, name, iteration, attempt, asked_at,"
        " started_at, finished_at, deadline_at, exit_status, cpu_ms, peak_rss_kib,"
        " out_bytes, params, summary, log, provider, is_fallback, born)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
        " ?17, ?18, ?19, ?20, ?21) ON CONFLICT (id) DO UPDATE SET kind=?2, status=?3, "
        "step=?4, name=?5,"
        " iteration=?6, attempt=?7, asked_at=?8, started_at=?9, finished_at=?10,"
        " deadline_at=?11, exit_status=?12, cpu_ms=?13, peak_rss_kib=?14, out_bytes=?15,"
        " params=?16, summary=?17, log=?18, provider=?19, is_fallback=?20");
    if (s == NULL || name == 0 || !word_put_some(db, row->provider, &provider)) {
        return false;
    }
    bind_int(s, 1, effect_key(row->workflow, row->seq));
    bind_int(s, 2, row->kind);
    bind_int(s, 3, row->status);
    bind_int(s, 4, row->step);
    bind_int(s, 5, name);
    bind_int(s, 6, row->iteration);
    bind_int(s, 7, row->attempt);
    bind_int(s, 8, row->asked_at.ms);
    bind_int(s, 9, row->started_at.ms);
    bind_int(s, 10, row->finished_at.ms);
    bind_int(s, 11, row->deadline_at.ms);
    bind_int(s, 12, row->exit_status);
    bind_int(s, 13, row->cpu_ms);
    bind_int(s, 14, row->peak_rss_kib);
    bind_int(s, 15, row->out_bytes);
    bind_text(s, 16, row->params);
    bind_text(s, 17, row->summary);
    bind_text(s, 18, row->log);
    bind_int(s, 19, provider);
    bind_int(s, 20, row->is_fallback);
    bind_int(s, 21, store->stamp_seq);
    return database_run(s);
}

static bool put_doc(struct database *db, int64_t key, const char *text, size_t len)
{
    sqlite3_stmt *s = database_get(db, SLOT_DOC_PUT,
                                   "INSERT INTO doc (id, text) VALUES (?1, ?2)"
                                   " ON CONFLICT (id) DO UPDATE SET text=?2");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, key);
    bind_bytes(s, 2, text, len);
    return database_run(s);
}

/* The newest DOC_MAX bytes, from the start of a line. */
static size_t first_kept(const char *text, size_t len)
{
    if (len <= DOC_MAX) {
        return 0;
    }
    size_t from = len - DOC_MAX;
    const char *end = memchr(text + from - 1, '\n', len - from + 1);
    return end != NULL && end + 1 < text + len ? (size_t)(end + 1 - text) : from;
}

static bool append_doc(struct database *db, int64_t key, const char *text, size_t len)
{
    sqlite3_stmt *s =
        database_get(db, SLOT_DOC_GET, "SELECT text FROM doc WHERE id = ?1");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, key);
    int code = sqlite3_step(s);
    const void *old = code == SQLITE_ROW ? sqlite3_column_text(s, 0) : NULL;
    size_t old_len = old != NULL ? (size_t)sqlite3_column_bytes(s, 0) : 0;
    AUTO_FREE char *whole = mem_alloc(old_len + len + 1);
    if (old_len > 0) {
        memcpy(whole, old, old_len);
    }
    memcpy(whole + old_len, text, len);
    (void)sqlite3_reset(s); /* repeats the code */
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return false;
    }
    size_t from = first_kept(whole, old_len + len);
    return put_doc(db, key, whole + from, old_len + len - from);
}

static bool apply_pipeline(struct store *store, const struct op *op)
{
    sqlite3_stmt *s = database_get(
        &store->database, SLOT_PIPELINE_INSERT,
        "INSERT INTO pipeline (id, name, digest, text) VALUES (?1, ?2, ?3, ?4)");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, op->pipeline.id);
    bind_text(s, 2, op->pipeline.name);
    bind_int(s, 3, op->pipeline.digest);
    bind_bytes(s, 4, op->pipeline.text, op->pipeline.len);
    return database_run(s);
}

static bool apply_answer(struct store *store, const struct op *op)
{
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_COMMAND_ANSWER,
                     "UPDATE command SET answer=?2, message=?3, workflow=?4 WHERE id=?1");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, op->answer.id);
    bind_int(s, 2, op->answer.answer);
    bind_text(s, 3, op->answer.message);
    bind_int(s, 4, op->answer.workflow);
    return database_run(s);
}

static bool put_total(struct store *store, int64_t code, int64_t value)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_TOTAL_PUT,
                                   "INSERT INTO total (code, value) VALUES (?1, ?2)"
                                   " ON CONFLICT (code) DO UPDATE SET value=?2");
    if (s == NULL || !past_keep(store, PAST_TOTAL, code)) {
        return false;
    }
    bind_int(s, 1, code);
    bind_int(s, 2, value);
    return database_run(s);
}

/* A batch changes two or three of the numbers; only those are written. */
static bool apply_totals(struct store *store, const struct totals *now)
{
    const struct totals *old = &store->written;
    bool is_all = !store->is_written_known;
    bool is_good = true;
    for (int i = 0; i < STATE_COUNT; i++) {
        if (is_all || now->by_state[i] != old->by_state[i]) {
            is_good = is_good && put_total(store, TOTAL_STATE + i, now->by_state[i]);
        }
    }
    for (int i = 0; i < WAIT_COUNT; i++) {
        if (is_all || now->by_wait[i] != old->by_wait[i]) {
            is_good = is_good && put_total(store, TOTAL_WAIT + i, now->by_wait[i]);
        }
    }
    if (is_all || now->n_workflows != old->n_workflows) {
        is_good = is_good && put_total(store, TOTAL_WORKFLOWS, now->n_workflows);
    }
    store->written = *now;
    store->is_written_known = is_good;
    return is_good;
}

static bool apply_hour(struct store *store, const struct hour_row *row)
{
    struct database *db = &store->database;
    sqlite3_stmt *s = database_get(
        db, SLOT_HOUR_PUT,
        "INSERT INTO hour (hour, completed, failed, cancelled, submitted, duration_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (hour) DO UPDATE SET completed=?2,"
        " failed=?3, cancelled=?4, submitted=?5, duration_ms=?6");
    sqlite3_stmt *trim =
        database_get(db, SLOT_HOUR_TRIM, "DELETE FROM hour WHERE hour <= ?1");
    if (s == NULL || trim == NULL) {
        return false;
    }
    bind_int(s, 1, row->hour);
    bind_int(s, 2, row->completed);
    bind_int(s, 3, row->failed);
    bind_int(s, 4, row->cancelled);
    bind_int(s, 5, row->submitted);
    bind_int(s, 6, row->duration_ms);
    bind_int(trim, 1, row->hour - HOURS_KEPT);
    return database_run(s) && database_run(trim);
}

bool apply_setting(struct store *store, const char *key, const char *value)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_SETTING_PUT,
                                   "INSERT INTO setting (key, value) VALUES (?1, ?2)"
                                   " ON CONFLICT (key) DO UPDATE SET value=?2");
    if (s == NULL) {
        return false;
    }
    bind_text(s, 1, key);
    bind_text(s, 2, value);
    return database_run(s);
}

#define IMAGES_OF_WORKFLOW 400 /* more than one leaves in any table */

/* The numbers that were given survive the rows that had them. */
static bool apply_prune(struct store *store, const struct op *op)
{
    static const char *const sql[] = {
        "INSERT OR REPLACE INTO total SELECT 2001, max(value) FROM (SELECT max(seq) AS "
        "value"
        " FROM event UNION ALL SELECT value FROM total WHERE code = 2001)"
        " WHERE ?1 = ?1 HAVING max(value) IS NOT NULL",
        "INSERT OR REPLACE INTO total SELECT 2002, max(value) FROM (SELECT max(id) AS "
        "value"
        " FROM workflow UNION ALL SELECT value FROM total WHERE code = 2002)"
        " WHERE ?1 = ?1 HAVING max(value) IS NOT NULL",
        "DELETE FROM event WHERE workflow = ?1",
        "DELETE FROM effect WHERE id >= ?1 << 20 AND id < (?1 + 1) << 20",
        "DELETE FROM doc WHERE id >= ?1 << 6 AND id < (?1 + 1) << 6",
        "DELETE FROM command WHERE workflow = ?1 AND answer <> -1",
        "DELETE FROM submission WHERE workflow = ?1",
        "DELETE FROM workflow WHERE id = ?1",
    };
    _Static_assert(EFFECT_SEQ_BITS == 20 && DOC_BITS == 6, "as in the SQL");
    _Static_assert(ARRAY_LEN(sql) == SLOT_PRUNE_LAST - SLOT_PRUNE_FIRST + 1,
                   "one slot each");
    for (size_t i = 0; i < op->prune.n; i++) {
        for (size_t k = i == 0 ? 0 : 2; k < ARRAY_LEN(sql); k++) {
            sqlite3_stmt *s = database_get(
                &store->database, (enum slot)(SLOT_PRUNE_FIRST + (int)k), sql[k]);
            if (s == NULL) {
                return false;
            }
            bind_int(s, 1, op->prune.ids[i]);
            if (!database_run(s)) {
                return false;
            }
        }
    }
    return past_trim(store, (int64_t)op->prune.n * IMAGES_OF_WORKFLOW);
}

bool apply_op(struct store *store, const struct op *op)
{
    struct database *db = &store->database;
    if (!past_before(store, op)) {
        return false;
    }
    switch (op->kind) {
    case OP_WORKFLOW:
        return apply_workflow(store, &op->workflow);
    case OP_EVENT:
        return apply_event(store, &op->event);
    case OP_EFFECT:
        return apply_effect(store, &op->effect);
    case OP_DOC:
        return put_doc(db, doc_key(op->doc.workflow, op->doc.kind), op->doc.text,
                       op->doc.len);
    case OP_DOC_APPEND:
        return append_doc(db, doc_key(op->doc.workflow, op->doc.kind), op->doc.text,
                          op->doc.len);
    case OP_PIPELINE:
        return apply_pipeline(store, op);
    case OP_ANSWER:
        return apply_answer(store, op);
    case OP_TOTALS:
        return apply_totals(store, &op->totals);
    case OP_HOUR:
        return apply_hour(store, &op->hour);
    case OP_SETTING:
        return apply_setting(store, op->setting.key, op->setting.value);
    case OP_PRUNE:
        return apply_prune(store, op);
    case OP_SERVICE:
        return apply_service(store, &op->service);
    case OP_DELIVERY:
        return apply_delivery(store, op);
    case OP_REJECTED:
        store->n_deliveries[DELIVERY_REJECTED] += op->n_rejected;
        return true;
    case OP_PRUNE_DELIVERIES:
        return apply_prune_deliveries(store, op);
    case OP_ANOMALY:
        return apply_anomaly(store, &op->anomaly);
    case OP_INCIDENT:
        return apply_incident(store, &op->incident);
    case OP_INCIDENT_ACK:
        return apply_incident_ack(store, &op->incident);
    case OP_SILENCE:
        return apply_silence(store, &op->silence);
    case OP_SPAN:
        return apply_span(store, &op->span);
    case OP_PRUNE_FINDINGS:
        return apply_prune_findings(store, op);
    case OP_RECOVERY:
        return apply_recovery(store, op);
    case OP_PRUNE_RECOVERY:
        return apply_prune_recovery(store, op);
    case OP_APPROVAL:
        return apply_approval(store, op);
    case OP_DROP_TUNING:
        return apply_drop_tuning(store, op);
    case OP_DROP_AUTONOMY:
        return apply_drop_autonomy(store, op);
    case OP_PRUNE_APPROVALS:
        return apply_prune_approvals(store, op);
    case OP_PRUNE_COMMANDS:
        return apply_prune_commands(store, op);
    case OP_AUDIT:
        return apply_audit(store, &op->audit);
    }
    BUG("unknown op");
}
