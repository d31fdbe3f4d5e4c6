/* SPDX-License-Identifier: MIT */
/*
 * Migration 7: the tables and views of store/approval.h.
 */
#include "store/sqlite_private.h"

/* What waits for a decision, what was proposed, what was changed, how much is allowed. An
 * unknown number is NULL. */
const char *const schema_approval[] = {
    "CREATE TABLE approval ("
    " id INTEGER PRIMARY KEY,"
    " action INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " risk INTEGER NOT NULL,"
    " workflow INTEGER NOT NULL,"
    " recovery INTEGER NOT NULL,"
    " optimization INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " shown_at INTEGER NOT NULL,"
    " expires_at INTEGER NOT NULL,"
    " on_expiry INTEGER NOT NULL,"
    " snoozed_until INTEGER NOT NULL,"
    " claimed_until INTEGER NOT NULL,"
    " decided_at INTEGER NOT NULL,"
    " n_needed INTEGER NOT NULL,"
    " n_drifts INTEGER NOT NULL,"
    " rule TEXT NOT NULL,"
    " target TEXT NOT NULL,"
    " repo TEXT NOT NULL,"
    " environment TEXT NOT NULL,"
    " title TEXT NOT NULL,"
    " requester TEXT NOT NULL,"
    " assignee TEXT NOT NULL,"
    " claimed_by TEXT NOT NULL,"
    " decided_by TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " votes TEXT NOT NULL,"
    " effect TEXT NOT NULL,"
    " digest TEXT NOT NULL,"
    " effect_before TEXT NOT NULL,"
    " card TEXT NOT NULL) STRICT",
    "CREATE INDEX approval_open ON approval (id) WHERE status IN (0, 1, 2)",
    "CREATE INDEX approval_workflow ON approval (workflow) WHERE workflow <> 0",
    "CREATE INDEX approval_recovery ON approval (recovery) WHERE recovery <> 0",
    "CREATE INDEX approval_optimization ON approval (optimization)"
    " WHERE optimization <> 0",

    "CREATE TABLE optimization ("
    " id INTEGER PRIMARY KEY,"
    " kind INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " risk INTEGER NOT NULL,"
    " expected REAL,"
    " expected_low REAL,"
    " expected_high REAL,"
    " measured REAL,"
    " measured_low REAL,"
    " measured_high REAL,"
    " confidence REAL,"
    " n_evidence INTEGER NOT NULL,"
    " approval INTEGER NOT NULL,"
    " proposed_at INTEGER NOT NULL,"
    " applied_at INTEGER NOT NULL,"
    " guard_until INTEGER NOT NULL,"
    " settled_at INTEGER NOT NULL,"
    " setting TEXT NOT NULL,"
    " scope TEXT NOT NULL,"
    " from_value TEXT NOT NULL,"
    " to_value TEXT NOT NULL,"
    " title TEXT NOT NULL,"
    " metric TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " if_wrong TEXT NOT NULL,"
    " outcome TEXT NOT NULL,"
    " actor TEXT NOT NULL,"
    " evidence TEXT NOT NULL,"
    " guard TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL) STRICT",
    "CREATE INDEX optimization_status ON optimization (status)",

    "CREATE TABLE tuning ("
    " setting TEXT NOT NULL,"
    " scope TEXT NOT NULL,"
    " value TEXT NOT NULL,"
    " was TEXT NOT NULL,"
    " since INTEGER NOT NULL,"
    " until INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " optimization INTEGER NOT NULL,"
    " PRIMARY KEY (setting, scope)) STRICT, WITHOUT ROWID",

    "CREATE TABLE autonomy_level ("
    " action INTEGER NOT NULL,"
    " repo TEXT NOT NULL,"
    " level INTEGER NOT NULL,"
    " since INTEGER NOT NULL,"
    " until INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " n_done INTEGER NOT NULL,"
    " PRIMARY KEY (action, repo)) STRICT, WITHOUT ROWID",

    "CREATE VIEW approvals AS SELECT 'a-' || id AS approval,"
    " (SELECT name FROM code WHERE list = 'approval' AND id = status) AS status,"
    " (SELECT name FROM code WHERE list = 'action' AND id = action) AS action,"
    " (SELECT name FROM code WHERE list = 'risk' AND id = risk) AS risk, rule, title,"
    " target, repo, environment, requester,"
    " CASE workflow WHEN 0 THEN '' ELSE 'wf-' || workflow END AS workflow,"
    " CASE recovery WHEN 0 THEN '' ELSE 'r-' || recovery END AS recovery,"
    " CASE optimization WHEN 0 THEN '' ELSE 'o-' || optimization END AS optimization,"
    " datetime(created_at / 1000, 'unixepoch') AS created_at,"
    " CASE expires_at WHEN 0 THEN '' ELSE datetime(expires_at / 1000, 'unixepoch') END"
    " AS expires_at,"
    " (SELECT name FROM code WHERE list = 'expiry' AND id = on_expiry) AS on_expiry,"
    " CASE snoozed_until WHEN 0 THEN '' ELSE datetime(snoozed_until / 1000, 'unixepoch')"
    " END AS snoozed_until, assignee, claimed_by,"
    " CASE decided_at WHEN 0 THEN '' ELSE datetime(decided_at / 1000, 'unixepoch') END"
    " AS decided_at, decided_by, reason, n_needed, votes, n_drifts, digest, effect,"
    " effect_before, card FROM approval",

    "CREATE VIEW optimizations AS SELECT 'o-' || id AS optimization,"
    " (SELECT name FROM code WHERE list = 'optimized' AND id = status) AS status,"
    " (SELECT name FROM code WHERE list = 'optimization' AND id = kind) AS kind,"
    " (SELECT name FROM code WHERE list = 'risk' AND id = risk) AS risk, setting, scope,"
    " from_value, to_value, title, metric, expected, expected_low, expected_high,"
    " measured, measured_low, measured_high, confidence, n_evidence,"
    " CASE approval WHEN 0 THEN '' ELSE 'a-' || approval END AS approval, reason,"
    " if_wrong, outcome, actor,"
    " datetime(proposed_at / 1000, 'unixepoch') AS proposed_at,"
    " CASE applied_at WHEN 0 THEN '' ELSE datetime(applied_at / 1000, 'unixepoch') END"
    " AS applied_at,"
    " CASE settled_at WHEN 0 THEN '' ELSE datetime(settled_at / 1000, 'unixepoch') END"
    " AS settled_at, fingerprint, guard, evidence FROM optimization",

    "CREATE VIEW tunings AS SELECT setting, scope, value, was,"
    " datetime(since / 1000, 'unixepoch') AS since,"
    " CASE until WHEN 0 THEN '' ELSE datetime(until / 1000, 'unixepoch') END AS until,"
    " actor, reason,"
    " CASE optimization WHEN 0 THEN '' ELSE 'o-' || optimization END AS optimization"
    " FROM tuning",

    "CREATE VIEW autonomy AS SELECT"
    " (SELECT name FROM code WHERE list = 'action' AND id = action) AS action, repo,"
    " (SELECT name FROM code WHERE list = 'level' AND id = level) AS level,"
    " datetime(since / 1000, 'unixepoch') AS since,"
    " CASE until WHEN 0 THEN '' ELSE datetime(until / 1000, 'unixepoch') END AS until,"
    " actor, reason, n_done FROM autonomy_level",
    NULL,
};
