/* SPDX-License-Identifier: MIT */
/*
 * Past, written: before a row changes, its image goes into past_T; before a row is new, a row
 * that says so. Inside the transaction of the change (apply.c).
 */
#include "store/past_private.h"

/* clang-format off */
#define KEEP(table, where)                                                               \
    "INSERT INTO past_" table " SELECT ?1, ?2, 0, t.* FROM " table " t WHERE " where
#define BIRTH(table, keys, places)                                                       \
    "INSERT INTO past_" table " (upto_seq, upto_at, gone, " keys ") VALUES (?1, ?2, 1, " \
    places ")"
#define ONE(table, key)                                                                  \
    {table, key, NULL, KEEP(table, key " = ?3"), BIRTH(table, key, "?3"), NULL, NULL}
#define TWO(table, key, second)                                                          \
    {table, key, second, KEEP(table, key " = ?3 AND " second " = ?4"),                   \
     BIRTH(table, key ", " second, "?3, ?4"), NULL, NULL}
/* Where a large text is the same afterwards, it need not stand twice. */
#define THIN(table, column)                                                              \
    column " = nullif(" column ", (SELECT t." column " FROM " table " t WHERE t.id = ?1))"

const struct past_table past_tables[PAST_COUNT] = {
    [PAST_WORKFLOW] = ONE("workflow", "id"),
    /* Each is written twice, no more: that it is new stands in itself (effect.born). */
    [PAST_EFFECT] = {"effect", "id", NULL, KEEP("effect", "id = ?3"), NULL, NULL, NULL},
    [PAST_DOC] = {"doc", "id", NULL,
                  "INSERT INTO past_doc (upto_seq, upto_at, gone, id)"
                  " SELECT ?1, ?2, 0, t.id FROM doc t WHERE t.id = ?3",
                  BIRTH("doc", "id", "?3"), NULL, NULL},
    [PAST_APPROVAL] = {"approval", "id", NULL, KEEP("approval", "id = ?3"),
                       BIRTH("approval", "id", "?3"),
                       "UPDATE past_approval SET " THIN("approval", "card") ", "
                       THIN("approval", "effect") ", " THIN("approval", "effect_before")
                       " WHERE rowid = ?2",
                       "card effect effect_before"},
    [PAST_OPTIMIZATION] = {"optimization", "id", NULL, KEEP("optimization", "id = ?3"),
                           BIRTH("optimization", "id", "?3"),
                           "UPDATE past_optimization SET "
                           THIN("optimization", "evidence") " WHERE rowid = ?2",
                           "evidence"},
    [PAST_TUNING] = TWO("tuning", "setting", "scope"),
    [PAST_AUTONOMY] = TWO("autonomy_level", "action", "repo"),
    [PAST_FAILURE] = ONE("failure", "id"),
    [PAST_PROBLEM] = ONE("problem", "id"),
    [PAST_RECOVERY] = ONE("recovery", "id"),
    [PAST_DECISION] = ONE("decision", "id"),
    [PAST_ODDS] = TWO("odds", "key", "rung"),
    [PAST_ANOMALY] = ONE("anomaly", "id"),
    [PAST_INCIDENT] = ONE("incident", "id"),
    [PAST_SILENCE] = ONE("silence", "id"),
    [PAST_SERVICE] = ONE("service", "name"),
    [PAST_HOUR] = ONE("hour", "hour"),
    [PAST_TOTAL] = ONE("total", "code"),
    [PAST_SETTING] = ONE("setting", "key"),
};
/* clang-format on */

static const char *const kept_settings[] = {PAST_SETTINGS};

static void bind_key(sqlite3_stmt *s, const struct past_key *key)
{
    bind_int(s, 1, key->upto_seq);
    bind_int(s, 2, key->upto_at);
    if (key->texts[0] != NULL) {
        bind_text(s, 3, key->texts[0]);
    } else {
        bind_int(s, 3, key->number);
    }
    if (key->texts[1] != NULL) {
        bind_text(s, 4, key->texts[1]);
    }
}

/* The stamp is of the newest event of this transaction, else of the one that will be next. */
static bool keep(struct store *store, enum past past, struct past_key key)
{
    const struct past_table *table = &past_tables[past];
    struct database *db = &store->database;
    key.upto_seq = store->stamp_seq;
    key.upto_at = store->stamp_at.ms;
    sqlite3_stmt *s =
        database_get(db, (enum slot)(SLOT_PAST_KEEP + (int)past), table->keep);
    if (s == NULL) {
        return false;
    }
    bind_key(s, &key);
    if (!database_run(s)) {
        return false;
    }
    store->has_image = sqlite3_changes(db->db) != 0;
    store->image = sqlite3_last_insert_rowid(db->db);
    if (store->has_image || table->birth == NULL) {
        return true;
    }
    s = database_get(db, (enum slot)(SLOT_PAST_BIRTH + (int)past), table->birth);
    if (s == NULL) {
        return false;
    }
    bind_key(s, &key);
    return database_run(s);
}

bool past_keep(struct store *store, enum past past, int64_t number)
{
    return keep(store, past, (struct past_key){.number = number});
}

bool past_keep_text(struct store *store, enum past past, const char *key,
                    const char *second)
{
    return keep(store, past,
                (struct past_key){
                    .texts = {key, second}
    });
}

bool past_thin(struct store *store, enum past past, int64_t id)
{
    if (!store->has_image) {
        return true;
    }
    struct database *db = &store->database;
    sqlite3_stmt *s =
        database_get(db, (enum slot)(SLOT_PAST_THIN + (int)past), past_tables[past].thin);
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, id);
    bind_int(s, 2, store->image);
    return database_run(s);
}

/* Its figures change every second; its state is what is kept. */
static bool keep_service(struct store *store, const struct service_row *row)
{
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_PAST_SAME_SERVICE,
                     "SELECT 1 FROM service WHERE name = ?1 AND kind = ?2 AND state = ?3"
                     " AND since = ?4 AND until = ?5 AND reason = ?6");
    if (s == NULL) {
        return false;
    }
    bind_text(s, 1, row->name);
    bind_text(s, 2, row->kind);
    bind_int(s, 3, row->state);
    bind_int(s, 4, row->since.ms);
    bind_int(s, 5, row->until.ms);
    bind_text(s, 6, row->reason);
    int code = sqlite3_step(s);
    (void)sqlite3_reset(s); /* repeats the code */
    return code == SQLITE_ROW ||
           (code == SQLITE_DONE && past_keep_text(store, PAST_SERVICE, row->name, NULL));
}

static bool keep_setting(struct store *store, const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(kept_settings); i++) {
        if (strcmp(key, kept_settings[i]) == 0) {
            return past_keep_text(store, PAST_SETTING, key, NULL);
        }
    }
    return true;
}

static bool keep_recovery(struct store *store, const struct op *op)
{
    static const enum past pasts[RECOVERY_TABLES] = {[TABLE_FAILURE] = PAST_FAILURE,
                                                     [TABLE_PROBLEM] = PAST_PROBLEM,
                                                     [TABLE_RECOVERY] = PAST_RECOVERY,
                                                     [TABLE_DECISION] = PAST_DECISION};
    switch (op->recovery.table) {
    case TABLE_LABEL: /* written once */
        return true;
    case TABLE_ODDS:
        return past_keep_text(store, PAST_ODDS, op->recovery.odds.key,
                              op->recovery.odds.rung);
    default:
        return past_keep(store, pasts[op->recovery.table], op->recovery.id);
    }
}

static bool keep_autonomy(struct store *store, int action, const char *repo)
{
    return keep(store, PAST_AUTONOMY,
                (struct past_key){
                    .number = action, .texts = {NULL, repo}
    });
}

static bool keep_approval(struct store *store, const struct op *op)
{
    const void *row = op->approval.row;
    const struct tuning_row *tuning = row;
    const struct autonomy_row *level = row;
    switch (op->approval.table) {
    case TABLE_TUNING:
        return past_keep_text(store, PAST_TUNING, tuning->setting, tuning->scope);
    case TABLE_AUTONOMY:
        return keep_autonomy(store, (int)level->action, level->repo);
    case TABLE_APPROVAL:
        return past_keep(store, PAST_APPROVAL, ((const struct approval_row *)row)->id);
    case TABLE_OPTIMIZATION:
        return past_keep(store, PAST_OPTIMIZATION,
                         ((const struct optimization_row *)row)->id);
    }
    BUG("unknown table");
}

/* Old images that nobody may ask for any more: those of tables whose rows do not go. */
bool past_trim(struct store *store, int64_t max)
{
    for (int past = 0; past < PAST_COUNT; past++) {
        AUTO_FREE char *sql = mem_printf(
            "DELETE FROM past_%s WHERE rowid <= (SELECT max(id) FROM (SELECT rowid AS id,"
            " upto_at FROM past_%s ORDER BY rowid LIMIT ?1) WHERE upto_at <"
            " (SELECT CAST(value AS INTEGER) FROM setting WHERE key = 'past_pruned'))",
            past_tables[past].table, past_tables[past].table);
        sqlite3_stmt *s =
            database_get(&store->database, (enum slot)(SLOT_PAST_TRIM + past), sql);
        if (s == NULL) {
            return false;
        }
        bind_int(s, 1, max);
        if (!database_run(s)) {
            return false;
        }
    }
    return true;
}

void store_set_now(struct store *store, struct wall now)
{
    store->stamp_at = now.ms > store->stamp_at.ms ? now : store->stamp_at;
}

bool past_before(struct store *store, const struct op *op)
{
    switch (op->kind) {
    case OP_WORKFLOW:
        return past_keep(store, PAST_WORKFLOW, op->workflow.id);
    case OP_EFFECT:
        return past_keep(store, PAST_EFFECT,
                         effect_key(op->effect.workflow, op->effect.seq));
    case OP_DOC:
    case OP_DOC_APPEND:
        return past_keep(store, PAST_DOC, doc_key(op->doc.workflow, op->doc.kind));
    case OP_HOUR:
        return past_keep(store, PAST_HOUR, op->hour.hour);
    case OP_SETTING:
        return keep_setting(store, op->setting.key);
    case OP_SERVICE:
        return keep_service(store, &op->service);
    case OP_ANOMALY:
        return past_keep(store, PAST_ANOMALY, op->anomaly.id);
    case OP_INCIDENT:
        return past_keep(store, PAST_INCIDENT, op->incident.id);
    case OP_INCIDENT_ACK:
        return past_keep(store, PAST_INCIDENT, op->incident.id);
    case OP_SILENCE:
        return past_keep(store, PAST_SILENCE, op->silence.id);
    case OP_RECOVERY:
        return keep_recovery(store, op);
    case OP_APPROVAL:
        return keep_approval(store, op);
    case OP_DROP_TUNING:
        return past_keep_text(store, PAST_TUNING, op->drop_tuning.setting,
                              op->drop_tuning.scope);
    case OP_DROP_AUTONOMY:
        return keep_autonomy(store, op->drop_autonomy.action, op->drop_autonomy.repo);
    default: /* written once, or kept where it is written (totals) */
        return true;
    }
}
