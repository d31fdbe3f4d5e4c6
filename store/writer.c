/* SPDX-License-Identifier: MIT */
/*
 * Writer: the batch is a list of changes in memory, applied in one transaction at
 * store_commit. So the write lock is held for the shortest time, and a commit that failed
 * (disk full, lock held, file system gone read-only) is simply applied again later, on a
 * new connection when the old one may have been damaged by the failure.
 */
#include "store/sqlite_private.h"

#define LOCKED_OUT_MS 250

/* A batch that held large documents gives its memory back. */
#define BATCH_KEPT_BYTES (1024 * 1024)

struct op *batch_add(struct store *store, enum op_kind kind)
{
    struct op *op = arena_alloc(store->arena, sizeof(*op));
    op->kind = kind;
    op->previous = store->last;
    if (store->last != NULL) {
        store->last->next = op;
    } else {
        store->first = op;
    }
    store->last = op;
    return op;
}

static void clear_batch(struct store *store)
{
    store->first = store->last = NULL;
    if (arena_bytes(store->arena) > BATCH_KEPT_BYTES) {
        arena_free(store->arena);
        store->arena = arena_new();
    } else {
        arena_reset(store->arena);
    }
}

const struct op *batch_find(const struct store *store, enum op_kind kind, int64_t id)
{
    for (const struct op *op = store->last; op != NULL; op = op->previous) {
        if (op->kind == kind &&
            ((kind == OP_WORKFLOW && op->workflow.id == id) ||
             (kind == OP_PIPELINE && op->pipeline.id == id) ||
             (kind == OP_HOUR && op->hour.hour == id) || kind == OP_PRUNE ||
             kind == OP_PRUNE_DELIVERIES || kind == OP_PRUNE_FINDINGS ||
             kind == OP_PRUNE_RECOVERY || kind == OP_PRUNE_APPROVALS ||
             kind == OP_PRUNE_COMMANDS)) {
            return op;
        }
    }
    return NULL;
}

/* Numbers that were given, as the file has them. */
static bool load_numbers(struct store *store, struct numbers *ret_numbers,
                         struct audit_mark *ret_audit, struct err *err)
{
    struct database *db = &store->database;
    struct totals totals;
    struct numbers numbers;
    int64_t last_workflow;
    if (!get_totals(db, &totals, &last_workflow, err) ||
        !database_number(db, "SELECT max(id) FROM pipeline", &numbers.pipeline, err) ||
        !database_number(db, "SELECT max(id) FROM silence", &numbers.silence, err) ||
        !database_number(db, "SELECT max(seq) FROM span", &numbers.span, err) ||
        !recovery_numbers(db, numbers.recovery, err) ||
        !approval_numbers(db, numbers.approval, err) || !audit_load(db, ret_audit, err)) {
        return false;
    }
    numbers.audit = ret_audit->n;
    numbers.event = totals.last_event;
    *ret_numbers = numbers;
    return true;
}

struct store *store_open(const char *path, enum store_durability durability,
                         struct err *err)
{
    struct store *store = mem_alloc(sizeof(*store));
    store->durability = durability;
    store->arena = arena_new();
    if (!schema_open(&store->database, path, DATABASE_CREATE, durability, err) ||
        !load_numbers(store, &store->given, &store->audit, err)) {
        store_close(store);
        return NULL;
    }
    store->committed_event = store->given.event;
    return store;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    database_close(&store->database);
    digest_sum_free(store->sum);
    arena_free(store->arena);
    free(store);
}

/* ---- collecting ----------------------------------------------------------------------
 */

void store_put_workflow(struct store *store, const struct workflow_row *row)
{
    struct arena *arena = store->arena;
    struct workflow_row *copy = &batch_add(store, OP_WORKFLOW)->workflow;
    *copy = *row;
    copy->pipeline = arena_str(arena, row->pipeline);
    copy->repo = arena_str(arena, row->repo);
    copy->title = arena_str(arena, row->title);
    copy->submitter = arena_str(arena, row->submitter);
    copy->branch = arena_str(arena, row->branch);
    copy->base_sha = arena_str(arena, row->base_sha);
    copy->head_sha = arena_str(arena, row->head_sha);
    copy->merge_sha = arena_str(arena, row->merge_sha);
    copy->reason = arena_str(arena, row->reason);
    copy->service = arena_str(arena, row->service);
}

int64_t store_add_event(struct store *store, const struct event_row *event)
{
    struct event_row *copy = &batch_add(store, OP_EVENT)->event;
    *copy = *event;
    copy->seq = ++store->given.event;
    copy->kind = arena_str(store->arena, event->kind);
    copy->actor = arena_str(store->arena, event->actor);
    copy->text = arena_str(store->arena, event->text);
    return copy->seq;
}

void store_put_effect(struct store *store, const struct effect_row *row)
{
    if (row->seq >> EFFECT_SEQ_BITS != 0) {
        BUG("effect number too large");
    }
    struct effect_row *copy = &batch_add(store, OP_EFFECT)->effect;
    *copy = *row;
    copy->name = arena_str(store->arena, row->name);
    copy->params = arena_str(store->arena, row->params);
    copy->summary = arena_str(store->arena, row->summary);
    copy->log = arena_str(store->arena, row->log);
    copy->provider = arena_str(store->arena, row->provider);
}

static void add_doc(struct store *store, enum op_kind kind, int64_t workflow,
                    enum doc_kind doc, const char *text, size_t len)
{
    struct op *op = batch_add(store, kind);
    op->doc.workflow = workflow;
    op->doc.kind = doc;
    op->doc.text = arena_strn(store->arena, text, len);
    op->doc.len = len;
}

void store_put_doc(struct store *store, int64_t workflow, enum doc_kind doc,
                   const char *text, size_t len)
{
    add_doc(store, OP_DOC, workflow, doc, text, len);
}

void store_append_doc(struct store *store, int64_t workflow, enum doc_kind doc,
                      const char *text, size_t len)
{
    add_doc(store, OP_DOC_APPEND, workflow, doc, text, len);
}

static int64_t pipeline_digest(const char *name, const char *text, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *p = name; *p != '\0'; p++) {
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    }
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    }
    return (int64_t)(hash >> 1);
}

/* Same name and text, in the store or in the batch? */
static int64_t find_pipeline(struct store *store, int64_t digest, const char *name,
                             const char *text, size_t len)
{
    for (const struct op *op = store->last; op != NULL; op = op->previous) {
        if (op->kind == OP_PIPELINE && op->pipeline.digest == digest &&
            op->pipeline.len == len && strcmp(op->pipeline.name, name) == 0 &&
            memcmp(op->pipeline.text, text, len) == 0) {
            return op->pipeline.id;
        }
    }
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_PIPELINE_FIND,
                     "SELECT id FROM pipeline WHERE digest=?1 AND name=?2 AND text=?3");
    if (s == NULL) {
        return 0;
    }
    bind_int(s, 1, digest);
    bind_text(s, 2, name);
    bind_bytes(s, 3, text, len);
    int64_t id = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_reset(
        s); /* unreadable: the text is stored once more, and commit tells */
    return id;
}

int64_t store_put_pipeline(struct store *store, const char *name, const char *text,
                           size_t len)
{
    int64_t digest = pipeline_digest(name, text, len);
    int64_t id = find_pipeline(store, digest, name, text, len);
    if (id != 0) {
        return id;
    }
    struct op *op = batch_add(store, OP_PIPELINE);
    op->pipeline.id = ++store->given.pipeline;
    op->pipeline.digest = digest;
    op->pipeline.name = arena_str(store->arena, name);
    op->pipeline.text = arena_strn(store->arena, text, len);
    op->pipeline.len = len;
    return op->pipeline.id;
}

void store_answer_command(struct store *store, int64_t id, int answer,
                          const char *message, int64_t workflow)
{
    struct op *op = batch_add(store, OP_ANSWER);
    op->answer.id = id;
    op->answer.answer = answer;
    op->answer.message = arena_str(store->arena, message);
    op->answer.workflow = workflow;
}

void store_put_totals(struct store *store, const struct totals *totals)
{
    batch_add(store, OP_TOTALS)->totals = *totals;
}

void store_put_hour(struct store *store, const struct hour_row *row)
{
    batch_add(store, OP_HOUR)->hour = *row;
}

void store_put_setting(struct store *store, const char *key, const char *value)
{
    struct op *op = batch_add(store, OP_SETTING);
    op->setting.key = arena_str(store->arena, key);
    op->setting.value = arena_str(store->arena, value);
}

size_t store_prune(struct store *store, struct wall before, size_t max)
{
    if (max == 0 || batch_find(store, OP_PRUNE, 0) != NULL) {
        return 0; /* what goes is known, but not gone yet */
    }
    sqlite3_stmt *s = database_get(&store->database, SLOT_PRUNE_FIND,
                                   "SELECT id FROM workflow WHERE live = 0"
                                   " AND finished_at < ?1 ORDER BY finished_at LIMIT ?2");
    if (s == NULL) {
        return 0;
    }
    bind_int(s, 1, before.ms);
    bind_int(s, 2, (int64_t)max);
    int64_t *ids = NULL;
    size_t n = 0;
    while (n < max && sqlite3_step(s) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(s, 0);
        if (batch_find(store, OP_WORKFLOW, id) == NULL) { /* else it is being retried */
            if (ids == NULL) {
                ids = arena_array(store->arena, max, sizeof(*ids));
            }
            ids[n++] = id;
        }
    }
    (void)sqlite3_reset(s); /* unreadable: pruned another time */
    if (n > 0) {
        struct op *op = batch_add(store, OP_PRUNE);
        op->prune.ids = ids;
        op->prune.n = n;
    }
    return n;
}

/* ---- committing ----------------------------------------------------------------------
 */

bool store_has_batch(const struct store *store)
{
    return store->first != NULL;
}

/* Full and busy pass by themselves. After the others the file may have been repaired or
 * the file system mounted anew, and a connection keeps what it knew of the old one. */
bool store_suspect(struct store *store, const struct err *err)
{
    if (err->code != ERR_FULL && err->code != ERR_BUSY &&
        !database_is_memory(store->database.path)) {
        store->needs_reopen = true;
    }
    return false;
}

static bool reopen(struct store *store, struct err *err)
{
    struct database fresh = {0};
    struct numbers last = {0};
    struct audit_mark audit; /* ours goes on: what was changed meanwhile shows */
    if (!schema_open(&fresh, store->database.path, DATABASE_WRITE, store->durability,
                     err)) {
        database_close(&fresh);
        return false;
    }
    struct database old = store->database;
    store->database = fresh;
    database_close(&old);
    store->needs_reopen = store->is_locked_out = false;
    if (!load_numbers(store, &last, &audit, err)) {
        return store_suspect(store, err);
    }
    if (last.event != store->committed_event) {
        (void)err_set(
            err, ERR_CORRUPT,
            "%s: replaced by another state (event %lld, expected %lld): stop the "
            "engine and start it again",
            store->database.path, (long long)last.event,
            (long long)store->committed_event);
        return store_suspect(store, err);
    }
    return true;
}

/* A lock that outlives our patience may last: the caller has other things to do, such as
 * to tell people, and tries again soon. */
static void note_lock(struct store *store, bool is_locked_out)
{
    if (store->is_locked_out != is_locked_out) {
        store->is_locked_out = is_locked_out;
        database_be_patient(&store->database,
                            is_locked_out ? LOCKED_OUT_MS : STORE_BUSY_MS);
    }
}

static bool write_batch(struct store *store)
{
    if (!database_begin(&store->database)) {
        return false;
    }
    memset(store->n_deliveries, 0, sizeof(store->n_deliveries));
    store->audit_next = store->audit;
    store->stamp_seq = store->committed_event + 1;
    for (const struct op *op = store->first; op != NULL; op = op->next) {
        if (!apply_op(store, op)) {
            return false;
        }
    }
    return apply_delivery_totals(store) && apply_audit_head(store) &&
           database_commit(&store->database);
}

bool store_commit(struct store *store, struct err *err)
{
    if (store->first == NULL) {
        return true;
    }
    if (!store->needs_reopen && database_has_moved(&store->database)) {
        store->needs_reopen = true;
    }
    if (store->needs_reopen && !reopen(store, err)) {
        return false;
    }
    if (!write_batch(store)) {
        (void)database_fail(&store->database, err);
        database_rollback(&store->database);
        word_forget(&store->database);
        store->is_written_known = false;
        note_lock(store, err->code == ERR_BUSY);
        return store_suspect(store, err);
    }
    note_lock(store, false);
    store->committed_event = store->given.event;
    store->audit = store->audit_next;
    clear_batch(store);
    return true;
}

void store_checkpoint(struct store *store)
{
    if (store->needs_reopen) {
        return;
    }
    /* Passive: what readers still need stays in the log, nobody waits. */
    (void)sqlite3_wal_checkpoint_v2(store->database.db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                    NULL, NULL);
    (void)sqlite3_db_release_memory(store->database.db); /* what was cached for a burst */
}
