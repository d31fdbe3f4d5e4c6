/* SPDX-License-Identifier: MIT */
/*
 * Schema: PRAGMA user_version is the number of the migrations (migration.c) that were run.
 *
 * Busy tables hold numbers where they can: words (see word.c) for repeated strings, codes
 * for the lists of model.h, finding.h, recovery.h and approval.h, milliseconds since 1970 for times (of
 * spans microseconds). The views workflows, events, effects, commands, services,
 * deliveries, anomalies, incidents, silences, spans, failures, problems, recoveries,
 * decisions, strategies, labels, approvals, optimizations, tunings and autonomy show the
 * same with names, for people with the sqlite3 shell.
 *
 * `live` and `human` repeat what state and wait say, as the keys of two small indexes: a
 * step that keeps both touches no index at all (see apply.c).
 */
#include "store/approval.h"
#include "store/recovery.h"
#include "store/sqlite_private.h"

static const struct code {
    const char *list;
    int id;
    const char *name;
} codes[] = {
#define X(id, name, brief, help) {"state", id, name},
    STATE_LIST(X)
#undef X
#define X(id, word, human, help) {"wait", id, word},
        WAIT_LIST(X)
#undef X
#define X(id, name, port, help) {"effect", id, name},
            EFFECT_LIST(X)
#undef X
#define X(id, name, help) {"status", id, name},
                STATUS_LIST(X)
#undef X
#define X(id, name, help) {"doc", id, name},
                    DOC_LIST(X)
#undef X
#define X(id, word, help) {"breaker", id, word},
                        BREAKER_LIST(X)
#undef X
#define X(id, word, help) {"delivery", id, word},
                            DELIVERY_LIST(X)
#undef X
#define X(id, word, help) {"severity", id, word},
                                SEVERITY_LIST(X)
#undef X
#define X(id, word, help) {"anomaly", id, word},
                                    ANOMALY_LIST(X)
#undef X
#define X(id, word, help) {"incident", id, word},
                                        INCIDENT_LIST(X)
#undef X
#define X(id, word, help) {"category", id, word},
                                            CATEGORY_LIST(X)
#undef X
#define X(id, word, category, help) {"class", id, word},
                                                CLASS_LIST(X)
#undef X
#define X(id, word, help) {"failure", id, word},
                                                    FAILURE_STATUS_LIST(X)
#undef X
#define X(id, word, strategy, category, subject, approval, help) {"rung", id, word},
                                                        RUNG_LIST(X)
#undef X
#define X(id, word, help) {"recovery", id, word},
                                                            RECOVERY_STATUS_LIST(X)
#undef X
#define X(id, word, help) {"decision", id, word},
                                                                DECISION_LIST(X)
#undef X
#define X(id, word, help) {"decider", id, word},
                                                                    DECIDER_LIST(X)
#undef X
#define X(id, word, help) {"verdict", id, word},
                                                                        VERDICT_LIST(X)
#undef X
#define X(id, word, level, help) {"action", id, word},
                                                                            ACT_LIST(X)
#undef X
#define X(id, word, help) {"level", id, word},
                                                                                LEVEL_LIST(
                                                                                    X)
#undef X
#define X(id, word, help) {"risk", id, word},
                                                                                    RISK_LIST(
                                                                                        X)
#undef X
#define X(id, word, waits, help) {"approval", id, word},
                                                                                        APPROVAL_LIST(
                                                                                            X)
#undef X
#define X(id, word, help) {"expiry", id, word},
                                                                                            EXPIRY_LIST(
                                                                                                X)
#undef X
#define X(id, word, help) {"optimization", id, word},
                                                                                                OPTIMIZATION_LIST(
                                                                                                    X)
#undef X
#define X(id, word, settled, help) {"optimized", id, word},
                                                                                                    OPT_STATUS_LIST(
                                                                                                        X)
#undef X
};

int store_schema_version(void)
{
    return (int)n_schema_migrations;
}

/* All three of one moment: between two of them another process may make the store. */
static bool look(struct database *database, int64_t *ret_application,
                 int64_t *ret_version, int64_t *ret_n_tables, struct err *err)
{
    if (!database_exec(database, "SAVEPOINT look", err)) {
        return false;
    }
    bool is_good =
        database_number(database, "PRAGMA application_id", ret_application, err) &&
        database_number(database, "PRAGMA user_version", ret_version, err) &&
        database_number(database, "SELECT count(*) FROM sqlite_schema", ret_n_tables,
                        err);
    /* Nothing was written: only a failure that was seen already can be repeated. */
    (void)sqlite3_exec(database->db, "RELEASE look", NULL, NULL, NULL);
    return is_good;
}

bool schema_check(struct database *database, int64_t *ret_version, struct err *err)
{
    int64_t application = 0, version = 0, n_tables = 0;
    if (!look(database, &application, &version, &n_tables, err)) {
        return false;
    }
    if (application != SCHEMA_APPLICATION_ID && (application != 0 || n_tables != 0)) {
        return err_set(err, ERR_CORRUPT, "%s: not a store of signalbox", database->path);
    }
    if (version > store_schema_version()) {
        return err_set(err, ERR_TOO_NEW,
                       "%s: written by a newer signalbox (schema %lld; this one reads up "
                       "to %d)",
                       database->path, (long long)version, store_schema_version());
    }
    *ret_version = version;
    return true;
}

/* Names for the views; a new name in model.h needs no migration. */
static bool write_codes(struct database *database, struct err *err)
{
    sqlite3_stmt *s = NULL;
    bool is_good = sqlite3_prepare_v2(database->db,
                                      "INSERT OR REPLACE INTO code VALUES (?1, ?2, ?3)",
                                      -1, &s, NULL) == SQLITE_OK;
    for (size_t i = 0; is_good && i < ARRAY_LEN(codes); i++) {
        bind_text(s, 1, codes[i].list);
        bind_int(s, 2, codes[i].id);
        bind_text(s, 3, codes[i].name);
        is_good = database_run(s);
    }
    if (!is_good) {
        (void)database_fail(database, err);
    }
    (void)sqlite3_finalize(s); /* repeats the failure that was seen */
    return is_good;
}

static bool run_migrations(struct database *database, int64_t from, int64_t to,
                           struct err *err)
{
    for (int64_t i = from; i < to; i++) {
        for (const char *const *sql = schema_migrations[i]; *sql != NULL; sql++) {
            if (!database_exec(database, *sql, err)) {
                return err_wrap(err, "migration to schema %lld", (long long)i + 1);
            }
        }
    }
    AUTO_FREE char *sql = mem_printf("PRAGMA application_id=%d; PRAGMA user_version=%lld",
                                     SCHEMA_APPLICATION_ID, (long long)to);
    return database_exec(database, sql, err) && write_codes(database, err);
}

/* All or nothing, and by one process only: who comes second finds it done. */
bool schema_migrate_to(struct database *database, int64_t to, struct err *err)
{
    int64_t version = 0;
    if (!database_begin(database)) {
        return database_fail(database, err);
    }
    if (!schema_check(database, &version, err) ||
        !run_migrations(database, version, to, err)) {
        database_rollback(database);
        return false;
    }
    if (!database_commit(database)) {
        (void)database_fail(database, err);
        database_rollback(database);
        return false;
    }
    return true;
}

bool schema_migrate(struct database *database, struct err *err)
{
    int64_t version = 0, n_codes = 0;
    if (!schema_check(database, &version, err)) {
        return false;
    }
    if (version == store_schema_version()) {
        if (!database_number(database, "SELECT count(*) FROM code", &n_codes, err)) {
            return false;
        }
        if (n_codes >= (int64_t)ARRAY_LEN(codes)) {
            return true;
        }
    }
    return schema_migrate_to(database, store_schema_version(), err);
}

bool schema_open(struct database *database, const char *path, enum database_mode mode,
                 enum store_durability durability, struct err *err)
{
    int64_t version = 0;
    return database_open(database, path, mode, err) &&
           schema_check(database, &version, err) &&
           database_set_up(database, durability, err) && schema_migrate(database, err);
}

const char *store_library(void)
{
    static char text[48];
    (void)snprintf(text, sizeof(text), "SQLite %s", sqlite3_libversion());
    return text;
}
