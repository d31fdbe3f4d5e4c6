/* SPDX-License-Identifier: MIT */
/*
 * Finding: anomalies, incidents and silences: their words, collected, written, pruned.
 */
#include "store/finding.h"

#include "store/sqlite_private.h"

/* ---- words ---- */

const char *severity_word(enum severity severity)
{
    static const char *const words[] = {
#define X(id, word, help) [id] = word,
        SEVERITY_LIST(X)
#undef X
    };
    return (unsigned)severity < SEVERITY_COUNT ? words[severity] : "?";
}

bool severity_find(const char *word, enum severity *ret_severity)
{
    for (unsigned i = 0; i < SEVERITY_COUNT; i++) {
        if (strcmp(severity_word((enum severity)i), word) == 0) {
            *ret_severity = (enum severity)i;
            return true;
        }
    }
    return false;
}

static const struct {
    const char *word, *help;
} anomaly_types[] = {
#define X(id, word, help) [id] = {word, help},
    ANOMALY_LIST(X)
#undef X
};

const char *anomaly_word(enum anomaly_type type)
{
    return (unsigned)type < ANOMALY_TYPE_COUNT ? anomaly_types[type].word : "?";
}

const char *anomaly_help(enum anomaly_type type)
{
    return (unsigned)type < ANOMALY_TYPE_COUNT ? anomaly_types[type].help : "";
}

bool anomaly_find(const char *word, enum anomaly_type *ret_type)
{
    for (unsigned i = 0; i < ANOMALY_TYPE_COUNT; i++) {
        if (strcmp(anomaly_types[i].word, word) == 0) {
            *ret_type = (enum anomaly_type)i;
            return true;
        }
    }
    return false;
}

const char *incident_word(enum incident_state state)
{
    static const char *const words[] = {
#define X(id, word, help) [id] = word,
        INCIDENT_LIST(X)
#undef X
    };
    return (unsigned)state < INCIDENT_STATE_COUNT ? words[state] : "?";
}

/* ---- collecting ---- */

void store_put_anomaly(struct store *store, const struct anomaly_row *row)
{
    struct arena *arena = store->arena;
    struct anomaly_row *copy = &batch_add(store, OP_ANOMALY)->anomaly;
    *copy = *row;
    copy->series = arena_str(arena, row->series);
    copy->component = arena_str(arena, row->component);
    copy->text = arena_str(arena, row->text);
    copy->rule = arena_str(arena, row->rule);
    copy->closed_by = arena_str(arena, row->closed_by);
    copy->detail = arena_str(arena, row->detail);
}

static void put_incident(struct store *store, enum op_kind kind,
                         const struct incident_row *row)
{
    struct arena *arena = store->arena;
    struct incident_row *copy = &batch_add(store, kind)->incident;
    *copy = *row;
    copy->cause = arena_str(arena, row->cause);
    copy->text = arena_str(arena, row->text);
    copy->inhibited_by = arena_str(arena, row->inhibited_by);
    copy->detail = arena_str(arena, row->detail);
    copy->owner = arena_str(arena, row->owner);
    copy->note = arena_str(arena, row->note);
    copy->claimed_by = arena_str(arena, row->claimed_by);
    copy->assignee = arena_str(arena, row->assignee);
    copy->links = arena_str(arena, row->links);
}

void store_put_incident(struct store *store, const struct incident_row *row)
{
    put_incident(store, OP_INCIDENT, row);
}

void store_put_incident_ack(struct store *store, const struct incident_row *row)
{
    put_incident(store, OP_INCIDENT_ACK, row);
}

int64_t store_put_silence(struct store *store, const struct silence_row *row)
{
    struct arena *arena = store->arena;
    struct silence_row *copy = &batch_add(store, OP_SILENCE)->silence;
    *copy = *row;
    copy->id = row->id != 0 ? row->id : ++store->given.silence;
    copy->match = arena_str(arena, row->match);
    copy->author = arena_str(arena, row->author);
    copy->reason = arena_str(arena, row->reason);
    return copy->id;
}

/* ---- writing ---- */

bool apply_anomaly(struct store *store, const struct anomaly_row *row)
{
    sqlite3_stmt *s = database_get(
        &store->database, SLOT_ANOMALY_PUT,
        "INSERT INTO anomaly (" ANOMALY_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
        " ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) ON CONFLICT (id) DO UPDATE"
        " SET incident=?2, type=?3, severity=?4, began_at=?5, opened_at=?6, seen_at=?7,"
        " closed_at=?8, series=?9, component=?10, value=?11, low=?12, high=?13,"
        " score=?14, text=?15, rule=?16, closed_by=?17, detail=?18");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, row->id);
    bind_int(s, 2, row->incident);
    bind_int(s, 3, row->type);
    bind_int(s, 4, row->severity);
    bind_int(s, 5, row->began_at.ms);
    bind_int(s, 6, row->opened_at.ms);
    bind_int(s, 7, row->seen_at.ms);
    bind_int(s, 8, row->closed_at.ms);
    bind_text(s, 9, row->series);
    bind_text(s, 10, row->component);
    bind_number(s, 11, row->value);
    bind_number(s, 12, row->low);
    bind_number(s, 13, row->high);
    bind_number(s, 14, row->score);
    bind_text(s, 15, row->text);
    bind_text(s, 16, row->rule);
    bind_text(s, 17, row->closed_by);
    bind_text(s, 18, row->detail);
    return database_run(s);
}

bool apply_incident(struct store *store, const struct incident_row *row)
{
    sqlite3_stmt *s = database_get(
        &store->database, SLOT_INCIDENT_PUT,
        "INSERT INTO incident (" INCIDENT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
        " ?8, ?9, ?10, ?11, 0, '', '', 0, '', 0, '', '') ON CONFLICT (id) DO UPDATE"
        " SET severity=?2, cause=?3, text=?4, opened_at=?5, changed_at=?6, closed_at=?7,"
        " n_anomalies=?8, n_open=?9, inhibited_by=?10, detail=?11");
    _Static_assert(INCIDENT_OPEN == 0, "as in the SQL");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, row->id);
    bind_int(s, 2, row->severity);
    bind_text(s, 3, row->cause);
    bind_text(s, 4, row->text);
    bind_int(s, 5, row->opened_at.ms);
    bind_int(s, 6, row->changed_at.ms);
    bind_int(s, 7, row->closed_at.ms);
    bind_int(s, 8, row->n_anomalies);
    bind_int(s, 9, row->n_open);
    bind_text(s, 10, row->inhibited_by);
    bind_text(s, 11, row->detail);
    return database_run(s);
}

bool apply_incident_ack(struct store *store, const struct incident_row *row)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_INCIDENT_ACK,
                                   "UPDATE incident SET state=?2, owner=?3, note=?4,"
                                   " acked_at=?5, claimed_by=?6, claimed_until=?7,"
                                   " assignee=?8, links=?9 WHERE id=?1");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, row->id);
    bind_int(s, 2, row->state);
    bind_text(s, 3, row->owner);
    bind_text(s, 4, row->note);
    bind_int(s, 5, row->acked_at.ms);
    bind_text(s, 6, row->claimed_by);
    bind_int(s, 7, row->claimed_until.ms);
    bind_text(s, 8, row->assignee);
    bind_text(s, 9, row->links);
    return database_run(s);
}

bool apply_silence(struct store *store, const struct silence_row *row)
{
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_SILENCE_PUT,
                     "INSERT INTO silence (" SILENCE_COLUMNS ") VALUES (?1, ?2, ?3, ?4,"
                     " ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET match=?2,"
                     " author=?3, reason=?4, from_at=?5, until_at=?6, is_ended=?7,"
                     " is_told=?8");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, row->id);
    bind_text(s, 2, row->match);
    bind_text(s, 3, row->author);
    bind_text(s, 4, row->reason);
    bind_int(s, 5, row->from.ms);
    bind_int(s, 6, row->until.ms);
    bind_int(s, 7, row->is_ended);
    bind_int(s, 8, row->is_told);
    return database_run(s);
}

/* ---- pruning ---- */

/* ?1 before, ?2 how many may stay, ?3 at most. Tables of bounded length, once an hour. */
#define OLDEST(table, is_over, ended_at)                                                 \
    "SELECT id FROM " table " WHERE " is_over " AND id < (SELECT max(id) FROM " table    \
    ") AND (" ended_at " < ?1 OR id <= (SELECT id FROM " table " WHERE " is_over         \
    " ORDER BY id DESC LIMIT 1 OFFSET ?2)) ORDER BY id LIMIT ?3"

static const struct {
    enum slot oldest, gone;
    int64_t kept;
    const char *find, *take;
} tables[] = {
    [TABLE_ANOMALY] = {SLOT_ANOMALY_OLDEST,  SLOT_ANOMALY_DELETE,  ANOMALIES_KEPT,
                       OLDEST("anomaly",  "closed_at <> 0",                  "closed_at"),
                       "DELETE FROM anomaly WHERE id = ?1" },
    [TABLE_INCIDENT] = {SLOT_INCIDENT_OLDEST, SLOT_INCIDENT_DELETE, INCIDENTS_KEPT,
                       OLDEST("incident", "closed_at <> 0",                  "closed_at"),
                       "DELETE FROM incident WHERE id = ?1"},
    [TABLE_SILENCE] = {SLOT_SILENCE_OLDEST,  SLOT_SILENCE_DELETE,  SILENCES_KEPT,
                       OLDEST("silence",  "(is_ended = 1 OR until_at < ?4)", "until_at"),
                       "DELETE FROM silence WHERE id = ?1" },
};
_Static_assert(ARRAY_LEN(tables) == FINDING_TABLE_COUNT, "one row each");

static size_t find_old(struct store *store, enum finding_table table, struct wall now,
                       struct wall before, size_t max, const int64_t **ret_ids)
{
    sqlite3_stmt *s =
        database_get(&store->database, tables[table].oldest, tables[table].find);
    if (s == NULL) {
        return 0; /* pruned another time, and the commit tells */
    }
    bind_int(s, 1, before.ms);
    bind_int(s, 2, tables[table].kept);
    bind_int(s, 3, (int64_t)max);
    if (table == TABLE_SILENCE) {
        bind_int(s, 4, now.ms);
    }
    int64_t *ids = NULL;
    size_t n = 0;
    while (n < max && sqlite3_step(s) == SQLITE_ROW) {
        if (ids == NULL) {
            ids = arena_array(store->arena, max, sizeof(*ids));
        }
        ids[n++] = sqlite3_column_int64(s, 0);
    }
    (void)sqlite3_reset(s); /* unreadable: pruned another time */
    *ret_ids = ids;
    return n;
}

size_t store_prune_findings(struct store *store, struct wall now, struct wall before,
                            size_t max)
{
    const int64_t *ids[FINDING_TABLE_COUNT] = {0};
    size_t n[FINDING_TABLE_COUNT] = {0}, most;
    int64_t spans_to = 0;
    if (max == 0 || batch_find(store, OP_PRUNE_FINDINGS, 0) != NULL) {
        return 0;
    }
    most = span_count_old(store, before, max, &spans_to);
    for (int i = 0; i < FINDING_TABLE_COUNT; i++) {
        n[i] = find_old(store, (enum finding_table)i, now, before, max, &ids[i]);
        most = n[i] > most ? n[i] : most;
    }
    if (most > 0) {
        struct op *op = batch_add(store, OP_PRUNE_FINDINGS);
        memcpy(op->prune_findings.ids, ids, sizeof(ids));
        memcpy(op->prune_findings.n, n, sizeof(n));
        op->prune_findings.spans_to = spans_to;
    }
    return most;
}

bool apply_prune_findings(struct store *store, const struct op *op)
{
    for (int table = 0; table < FINDING_TABLE_COUNT; table++) {
        for (size_t i = 0; i < op->prune_findings.n[table]; i++) {
            sqlite3_stmt *s =
                database_get(&store->database, tables[table].gone, tables[table].take);
            if (s == NULL) {
                return false;
            }
            bind_int(s, 1, op->prune_findings.ids[table][i]);
            if (!database_run(s)) {
                return false;
            }
        }
    }
    return span_delete_to(store, op->prune_findings.spans_to);
}
