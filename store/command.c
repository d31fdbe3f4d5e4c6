/* SPDX-License-Identifier: MIT */
/*
 * Command: the one thing that front ends write, each on a connection of its own that
 * lives for one row. The threads of a process take turns; between processes SQLite's lock
 * decides. The engine answers them, and takes the old ones out again.
 */
#include <pthread.h>

#include "store/sqlite_private.h"

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

/* An older store is migrated by whoever comes first, but not under a running engine that
 * knows the old schema only. */
static bool may_migrate(struct database *database, struct err *err)
{
    int64_t version = 0;
    if (!schema_check(database, &version, err)) {
        return false;
    }
    int pid = 0;
    if (version == 0 || version == store_schema_version() ||
        !lease_is_held(database->path, &pid)) {
        return true;
    }
    return err_set(err, ERR_REFUSED,
                   "%s: an older signalbox runs on it (process %d, schema %lld, this one "
                   "writes %d)",
                   database->path, pid, (long long)version, store_schema_version());
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* The command that came under the same key before; -1: not found. */
static int64_t find_by_key(struct database *database, const struct command_row *command)
{
    sqlite3_stmt *s = NULL;
    int64_t id = -1;
    if (or_empty(command->key)[0] == '\0') {
        return -1;
    }
    if (sqlite3_prepare_v2(database->db,
                           "SELECT id FROM command WHERE actor = ?1 AND key = ?2"
                           " AND key <> ''",
                           -1, &s, NULL) == SQLITE_OK) {
        bind_text(s, 1, command->actor);
        bind_text(s, 2, or_empty(command->key));
        if (sqlite3_step(s) == SQLITE_ROW) {
            id = sqlite3_column_int64(s, 0);
        }
    }
    (void)sqlite3_finalize(s); /* repeats the failure that was seen */
    return id;
}

static int64_t insert(struct database *database, const struct command_row *command,
                      struct err *err)
{
    sqlite3_stmt *s = NULL;
    int64_t id = find_by_key(database, command);
    if (id > 0) {
        return id;
    }
    /* Two who send the same at once: the second one finds it all the same. */
    if (sqlite3_prepare_v2(database->db,
                           "INSERT INTO command (at, actor, verb, workflow, args, answer,"
                           " message, origin, account, key)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, -1, '', ?6, ?7, ?8)"
                           " ON CONFLICT DO NOTHING",
                           -1, &s, NULL) == SQLITE_OK) {
        bind_int(s, 1, command->at.ms);
        bind_text(s, 2, command->actor);
        bind_text(s, 3, command->verb);
        bind_int(s, 4, command->workflow);
        bind_text(s, 5, command->args);
        bind_text(s, 6, or_empty(command->origin));
        bind_text(s, 7, or_empty(command->account));
        bind_text(s, 8, or_empty(command->key));
        if (database_run(s)) {
            id = sqlite3_changes(database->db) > 0
                     ? sqlite3_last_insert_rowid(database->db)
                     : find_by_key(database, command);
        }
    }
    if (id < 0) {
        (void)database_fail(database, err);
    }
    (void)sqlite3_finalize(s); /* repeats the failure that was seen */
    return id;
}

static bool open_for_one(struct database *database, const char *path, struct err *err)
{
    return database_open(database, path, DATABASE_CREATE, err) &&
           may_migrate(database, err) && database_set_up(database, STORE_FULL, err) &&
           schema_migrate(database, err);
}

int64_t command_send(const char *path, const struct command_row *command, struct err *err)
{
    struct database database = {0};
    int64_t id = -1;
    (void)pthread_mutex_lock(&turn); /* cannot fail: not recursive, not robust */
    if (open_for_one(&database, path, err)) {
        /* No engine: the last one out takes the log back into the file (SQLite's
         * default), or each visitor would have to read all of a log that only grows. */
        id = insert(&database, command, err);
    }
    database_close(&database);
    (void)pthread_mutex_unlock(&turn);
    return id;
}

struct command_line {
    struct database database;
};

struct command_line *command_line_open(const char *path, struct err *err)
{
    struct command_line *line = mem_alloc(sizeof(*line));
    if (!open_for_one(&line->database, path, err) ||
        !database_set_up(&line->database, STORE_OFF, err)) {
        command_line_close(line);
        return NULL;
    }
    return line;
}

void command_line_close(struct command_line *line)
{
    if (line != NULL) {
        database_close(&line->database);
        free(line);
    }
}

int64_t command_line_send(struct command_line *line, const struct command_row *command,
                          struct err *err)
{
    return insert(&line->database, command, err);
}

/* ---- pruning: of the engine ---- */

/* Who gave a key may ask again with it: a day longer. */
#define OLD_COMMANDS                                                                     \
    "SELECT id FROM command WHERE at < ?1 AND (key = '' OR at < ?1 - 86400000)"          \
    " AND answer <> -1 AND (workflow = 0 OR"                                             \
    " NOT EXISTS (SELECT 1 FROM workflow w WHERE w.id = command.workflow))"              \
    " ORDER BY id LIMIT ?2"

size_t store_prune_commands(struct store *store, struct wall before, size_t max)
{
    if (max == 0 || batch_find(store, OP_PRUNE_COMMANDS, 0) != NULL) {
        return 0;
    }
    sqlite3_stmt *s = database_get(&store->database, SLOT_PRUNE_COMMANDS_FIND,
                                   "SELECT count(*) FROM (" OLD_COMMANDS ")");
    if (s == NULL) {
        return 0; /* pruned another time, and the commit tells */
    }
    bind_int(s, 1, before.ms);
    bind_int(s, 2, (int64_t)max);
    size_t n = sqlite3_step(s) == SQLITE_ROW ? (size_t)sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_reset(s); /* unreadable: pruned another time */
    if (n > 0) {
        struct op *op = batch_add(store, OP_PRUNE_COMMANDS);
        op->prune_commands.before = before;
        op->prune_commands.max = (int64_t)max;
    }
    return n;
}

bool apply_prune_commands(struct store *store, const struct op *op)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_PRUNE_COMMANDS,
                                   "DELETE FROM command WHERE id IN (" OLD_COMMANDS ")");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, op->prune_commands.before.ms);
    bind_int(s, 2, op->prune_commands.max);
    return database_run(s);
}
