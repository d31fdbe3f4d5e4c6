/* SPDX-License-Identifier: MIT */
/*
 * Migration: the tables behind store/past.h. A table past_T has the columns of T after its
 * own three, in the same order: whoever adds a column to T adds it to past_T as well.
 */
#include "store/sqlite_private.h"

/* What leaves T because it is old leaves past_T with it. (INSERT OR REPLACE does not fire
 * this: https://sqlite.org/lang_conflict.html, recursive triggers are off.) */
#define PAST(table, keys)                                                                \
    "CREATE TABLE past_" table " AS SELECT 0 AS upto_seq, 0 AS upto_at, 0 AS gone, t.*"  \
    " FROM " table " t WHERE 0",                                                         \
        "CREATE INDEX past_" table "_key ON past_" table " (" keys                       \
        ", upto_seq, upto_at)"
#define PAST_PRUNED(table, key, more)                                                    \
    PAST(table, key),                                                                    \
        "CREATE TRIGGER past_" table "_pruned AFTER DELETE ON " table                    \
        " BEGIN DELETE FROM past_" table " WHERE " key " = OLD." key ";" more " END"
/* A moment before the end of what is no longer there cannot be shown whole. */
#define NOT_BEFORE(end)                                                                  \
    " INSERT OR IGNORE INTO setting VALUES ('past_pruned', '0');"                        \
    " UPDATE setting SET value = CAST(OLD." end " AS TEXT)"                              \
    " WHERE key = 'past_pruned' AND CAST(value AS INTEGER) < OLD." end ";"

const char *const schema_past[] = {
    "ALTER TABLE workflow ADD COLUMN changed INTEGER NOT NULL DEFAULT 0", /* its stamp */
    "ALTER TABLE effect ADD COLUMN born INTEGER NOT NULL DEFAULT 0", /* that of its first */

    PAST("workflow", "id"),
    PAST("effect", "id"),
    PAST("doc", "id"),
    PAST_PRUNED("approval", "id", NOT_BEFORE("decided_at")),
    PAST_PRUNED("optimization", "id", NOT_BEFORE("settled_at")),
    PAST("tuning", "setting, scope"),
    PAST("autonomy_level", "action, repo"),
    PAST_PRUNED("failure", "id", NOT_BEFORE("settled_at")),
    PAST_PRUNED("problem", "id", NOT_BEFORE("closed_at")),
    PAST_PRUNED("recovery", "id", NOT_BEFORE("ended_at")),
    PAST_PRUNED("decision", "id", NOT_BEFORE("at")),
    PAST("odds", "key, rung"),
    PAST_PRUNED("anomaly", "id", NOT_BEFORE("closed_at")),
    PAST_PRUNED("incident", "id", NOT_BEFORE("closed_at")),
    PAST_PRUNED("silence", "id", ""),
    PAST("service", "name"),
    PAST_PRUNED("hour", "hour", ""),
    PAST("total", "code"),
    PAST("setting", "key"),

    "CREATE TRIGGER past_workflow_pruned AFTER DELETE ON workflow BEGIN"
    " DELETE FROM past_workflow WHERE id = OLD.id;"
    " DELETE FROM past_effect WHERE id >= OLD.id << 20 AND id < (OLD.id + 1) << 20;"
    " DELETE FROM past_doc WHERE id >= OLD.id << 6 AND id < (OLD.id + 1) << "
    "6;" NOT_BEFORE("finished_at") " END",

    /* What an older program overwrote is not known. */
    "INSERT INTO setting SELECT 'past_begins', CAST(max(seq) AS TEXT) FROM event"
    " HAVING max(seq) IS NOT NULL",
    NULL,
};
