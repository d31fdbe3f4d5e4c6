/* SPDX-License-Identifier: MIT */
/*
 * Migration: what takes a store from one schema to the next. One is never edited after a
 * release; a new one goes at the end.
 */
#include "store/sqlite_private.h"

/* One statement each, so that no string outgrows what a compiler must take. */
static const char *const first[] = {
    "CREATE TABLE word ("
    " id INTEGER PRIMARY KEY,"
    " text TEXT NOT NULL UNIQUE) STRICT",

    "CREATE TABLE code ("
    " list TEXT NOT NULL,"
    " id INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " PRIMARY KEY (list, id)) STRICT, WITHOUT ROWID",

    "CREATE TABLE pipeline ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL,"
    " digest INTEGER NOT NULL,"
    " text TEXT NOT NULL) STRICT",
    "CREATE INDEX pipeline_digest ON pipeline (digest)",

    /* What changes with every step. */
    "CREATE TABLE workflow ("
    " id INTEGER PRIMARY KEY,"
    " live INTEGER NOT NULL,"
    " human INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " resume_state INTEGER NOT NULL,"
    " wait INTEGER NOT NULL,"
    " resume_wait INTEGER NOT NULL,"
    " priority INTEGER NOT NULL,"
    " step INTEGER NOT NULL,"
    " iteration INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " retries INTEGER NOT NULL,"
    " agent_runs INTEGER NOT NULL,"
    " held INTEGER NOT NULL,"
    " effect_seq INTEGER NOT NULL,"
    " is_active INTEGER NOT NULL,"
    " started_at INTEGER NOT NULL,"
    " state_since INTEGER NOT NULL,"
    " finished_at INTEGER NOT NULL,"
    " deadline_at INTEGER NOT NULL,"
    " time_left INTEGER NOT NULL,"
    " retry_at INTEGER NOT NULL,"
    " pr_number INTEGER NOT NULL,"
    " branch TEXT NOT NULL,"
    " base_sha TEXT NOT NULL,"
    " head_sha TEXT NOT NULL,"
    " merge_sha TEXT NOT NULL,"
    " reason TEXT NOT NULL) STRICT",
    "CREATE INDEX workflow_live ON workflow (live) WHERE live = 1",
    "CREATE INDEX workflow_human ON workflow (human) WHERE human = 1",
    "CREATE INDEX workflow_finished ON workflow (finished_at) WHERE live = 0",

    /* What is written once. */
    "CREATE TABLE submission ("
    " workflow INTEGER PRIMARY KEY REFERENCES workflow (id) ON DELETE CASCADE,"
    " pipeline INTEGER NOT NULL,"    /* word */
    " pipeline_id INTEGER NOT NULL," /* its text */
    " repo INTEGER NOT NULL,"        /* word */
    " submitter INTEGER NOT NULL,"   /* word */
    " created_at INTEGER NOT NULL,"
    " title TEXT NOT NULL) STRICT",
    "CREATE INDEX submission_repo ON submission (repo)",
    "CREATE INDEX submission_pipeline ON submission (pipeline)",

    /* Append-only; seq has no gaps. */
    "CREATE TABLE event ("
    " seq INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " workflow INTEGER NOT NULL,"
    " kind INTEGER NOT NULL,"  /* word */
    " actor INTEGER NOT NULL," /* word */
    " from_state INTEGER NOT NULL,"
    " to_state INTEGER NOT NULL,"
    " wait INTEGER NOT NULL,"
    " iteration INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " effect INTEGER NOT NULL,"
    " text TEXT NOT NULL) STRICT",
    "CREATE INDEX event_workflow ON event (workflow);" /* and seq, the rowid */

    /* id = workflow << 20 | seq */
    "CREATE TABLE effect ("
    " id INTEGER PRIMARY KEY,"
    " kind INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " step INTEGER NOT NULL,"
    " name INTEGER NOT NULL," /* word */
    " iteration INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " asked_at INTEGER NOT NULL,"
    " started_at INTEGER NOT NULL,"
    " finished_at INTEGER NOT NULL,"
    " deadline_at INTEGER NOT NULL,"
    " exit_status INTEGER NOT NULL,"
    " cpu_ms INTEGER NOT NULL,"
    " peak_rss_kib INTEGER NOT NULL,"
    " out_bytes INTEGER NOT NULL,"
    " params TEXT NOT NULL,"
    " summary TEXT NOT NULL,"
    " log TEXT NOT NULL) STRICT",
    "CREATE INDEX effect_pending ON effect (status) WHERE status = 0",

    /* id = workflow << 6 | kind of document */
    "CREATE TABLE doc ("
    " id INTEGER PRIMARY KEY,"
    " text TEXT NOT NULL) STRICT",

    "CREATE TABLE command ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT," /* an id is never given twice */
    " at INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " verb TEXT NOT NULL,"
    " workflow INTEGER NOT NULL,"
    " args TEXT NOT NULL,"
    " answer INTEGER NOT NULL,"
    " message TEXT NOT NULL) STRICT",
    "CREATE INDEX command_open ON command (answer) WHERE answer = -1",
    "CREATE INDEX command_workflow ON command (workflow)",

    "CREATE TABLE total ("
    " code INTEGER PRIMARY KEY,"
    " value INTEGER NOT NULL) STRICT",

    "CREATE TABLE hour ("
    " hour INTEGER PRIMARY KEY,"
    " completed INTEGER NOT NULL,"
    " failed INTEGER NOT NULL,"
    " cancelled INTEGER NOT NULL,"
    " submitted INTEGER NOT NULL,"
    " duration_ms INTEGER NOT NULL) STRICT",

    "CREATE TABLE setting ("
    " key TEXT PRIMARY KEY,"
    " value TEXT NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE VIEW workflows AS SELECT 'wf-' || w.id AS workflow,"
    " (SELECT name FROM code WHERE list = 'state' AND id = w.state) AS state,"
    " (SELECT name FROM code WHERE list = 'wait' AND id = w.wait) AS wait,"
    " w.iteration, w.attempt, w.priority,"
    " (SELECT text FROM word WHERE id = s.pipeline) AS pipeline,"
    " (SELECT text FROM word WHERE id = s.repo) AS repo,"
    " (SELECT text FROM word WHERE id = s.submitter) AS submitter,"
    " datetime(s.created_at / 1000, 'unixepoch') AS created_at,"
    " datetime(w.state_since / 1000, 'unixepoch') AS state_since,"
    " s.title, w.branch, w.pr_number, w.head_sha, w.merge_sha, w.reason"
    " FROM workflow w JOIN submission s ON s.workflow = w.id",

    "CREATE VIEW events AS SELECT seq, datetime(at / 1000, 'unixepoch') AS at,"
    " 'wf-' || workflow AS workflow,"
    " (SELECT text FROM word WHERE id = kind) AS kind,"
    " (SELECT text FROM word WHERE id = actor) AS actor,"
    " (SELECT name FROM code WHERE list = 'state' AND id = from_state) AS from_state,"
    " (SELECT name FROM code WHERE list = 'state' AND id = to_state) AS to_state,"
    " (SELECT name FROM code WHERE list = 'wait' AND id = wait) AS wait,"
    " iteration, attempt, effect, text FROM event",

    "CREATE VIEW effects AS SELECT 'wf-' || (id >> 20) || '.' || (id & 1048575) AS "
    "effect,"
    " (SELECT name FROM code WHERE list = 'effect' AND id = kind) AS kind,"
    " (SELECT name FROM code WHERE list = 'status' AND id = status) AS status,"
    " (SELECT text FROM word WHERE id = effect.name) AS name,"
    " step, iteration, attempt,"
    " datetime(asked_at / 1000, 'unixepoch') AS asked_at,"
    " finished_at - started_at AS run_ms, exit_status, summary, log, params FROM effect",

    "CREATE VIEW commands AS SELECT id, datetime(at / 1000, 'unixepoch') AS at, actor, "
    "verb,"
    " 'wf-' || workflow AS workflow, args, answer, message FROM command",
    NULL,
};

/* Services, webhook deliveries, and who performed an effect. A delivery's body stands apart
 * from its row, so that a list of deliveries reads no bodies and old bodies go first. */
static const char *const second[] = {
    "ALTER TABLE workflow ADD COLUMN service INTEGER NOT NULL DEFAULT 0", /* word, or 0 */
    "ALTER TABLE workflow ADD COLUMN is_degraded INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE workflow ADD COLUMN is_adopted INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE effect ADD COLUMN provider INTEGER NOT NULL DEFAULT 0", /* word, or 0 */
    "ALTER TABLE effect ADD COLUMN is_fallback INTEGER NOT NULL DEFAULT 0",

    "CREATE TABLE service ("
    " name TEXT PRIMARY KEY,"
    " kind TEXT NOT NULL,"
    " state INTEGER NOT NULL,"
    " since INTEGER NOT NULL,"
    " until INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " memo TEXT NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE TABLE delivery ("
    " seq INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " event INTEGER NOT NULL,"      /* word */
    " action INTEGER NOT NULL,"     /* word, or 0 */
    " repository INTEGER NOT NULL," /* word, or 0 */
    " pull INTEGER NOT NULL,"
    " workflow INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " repeats INTEGER NOT NULL,"
    " body_len INTEGER NOT NULL,"
    " guid TEXT NOT NULL,"
    " sha TEXT NOT NULL,"
    " text TEXT NOT NULL) STRICT",
    "CREATE UNIQUE INDEX delivery_guid ON delivery (guid) WHERE guid <> ''",
    "CREATE INDEX delivery_workflow ON delivery (workflow) WHERE workflow <> 0",
    "CREATE TABLE delivery_body ("
    " seq INTEGER PRIMARY KEY," /* of the delivery */
    " body BLOB NOT NULL) STRICT",

    "DROP VIEW workflows",
    "CREATE VIEW workflows AS SELECT 'wf-' || w.id AS workflow,"
    " (SELECT name FROM code WHERE list = 'state' AND id = w.state) AS state,"
    " (SELECT name FROM code WHERE list = 'wait' AND id = w.wait) AS wait,"
    " ifnull((SELECT text FROM word WHERE id = w.service), '') AS service,"
    " w.iteration, w.attempt, w.priority,"
    " (SELECT text FROM word WHERE id = s.pipeline) AS pipeline,"
    " (SELECT text FROM word WHERE id = s.repo) AS repo,"
    " (SELECT text FROM word WHERE id = s.submitter) AS submitter,"
    " datetime(s.created_at / 1000, 'unixepoch') AS created_at,"
    " datetime(w.state_since / 1000, 'unixepoch') AS state_since,"
    " s.title, w.branch, w.pr_number, w.head_sha, w.merge_sha, w.is_degraded,"
    " w.is_adopted, w.reason"
    " FROM workflow w JOIN submission s ON s.workflow = w.id",

    "DROP VIEW effects",
    "CREATE VIEW effects AS SELECT 'wf-' || (id >> 20) || '.' || (id & 1048575) AS "
    "effect,"
    " (SELECT name FROM code WHERE list = 'effect' AND id = kind) AS kind,"
    " (SELECT name FROM code WHERE list = 'status' AND id = status) AS status,"
    " (SELECT text FROM word WHERE id = effect.name) AS name,"
    " ifnull((SELECT text FROM word WHERE id = provider), '') AS provider, is_fallback,"
    " step, iteration, attempt,"
    " datetime(asked_at / 1000, 'unixepoch') AS asked_at,"
    " finished_at - started_at AS run_ms, exit_status, summary, log, params FROM effect",

    "CREATE VIEW services AS SELECT name, kind,"
    " (SELECT c.name FROM code c WHERE list = 'breaker' AND id = state) AS state,"
    " datetime(since / 1000, 'unixepoch') AS since,"
    " CASE until WHEN 0 THEN '' ELSE datetime(until / 1000, 'unixepoch') END AS until,"
    " reason, datetime(updated_at / 1000, 'unixepoch') AS updated_at, detail"
    " FROM service",

    "CREATE VIEW deliveries AS SELECT seq, datetime(at / 1000, 'unixepoch') AS at, guid,"
    " (SELECT text FROM word WHERE id = event) AS event,"
    " ifnull((SELECT text FROM word WHERE id = action), '') AS action,"
    " ifnull((SELECT text FROM word WHERE id = repository), '') AS repository,"
    " pull, sha, CASE workflow WHEN 0 THEN '' ELSE 'wf-' || workflow END AS workflow,"
    " (SELECT name FROM code WHERE list = 'delivery' AND id = status) AS status,"
    " repeats, body_len, text FROM delivery",
    NULL,
};

/* What the monitor found, silences, and spans of traces. An unknown number is NULL. */
static const char *const third[] = {
    "ALTER TABLE event ADD COLUMN ended INTEGER NOT NULL DEFAULT 0", /* effect, or 0 */

    "CREATE TABLE anomaly ("
    " id INTEGER PRIMARY KEY,"
    " incident INTEGER NOT NULL,"
    " type INTEGER NOT NULL,"
    " severity INTEGER NOT NULL,"
    " began_at INTEGER NOT NULL,"
    " opened_at INTEGER NOT NULL,"
    " seen_at INTEGER NOT NULL,"
    " closed_at INTEGER NOT NULL,"
    " series TEXT NOT NULL,"
    " component TEXT NOT NULL,"
    " value REAL,"
    " low REAL,"
    " high REAL,"
    " score REAL,"
    " text TEXT NOT NULL,"
    " rule TEXT NOT NULL,"
    " closed_by TEXT NOT NULL,"
    " detail TEXT NOT NULL) STRICT",
    "CREATE INDEX anomaly_open ON anomaly (id) WHERE closed_at = 0",
    "CREATE INDEX anomaly_incident ON anomaly (incident)",

    "CREATE TABLE incident ("
    " id INTEGER PRIMARY KEY,"
    " severity INTEGER NOT NULL,"
    " cause TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " opened_at INTEGER NOT NULL,"
    " changed_at INTEGER NOT NULL,"
    " closed_at INTEGER NOT NULL,"
    " n_anomalies INTEGER NOT NULL,"
    " n_open INTEGER NOT NULL,"
    " inhibited_by TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " state INTEGER NOT NULL," /* from here on an operator's */
    " owner TEXT NOT NULL,"
    " note TEXT NOT NULL,"
    " acked_at INTEGER NOT NULL) STRICT",
    "CREATE INDEX incident_open ON incident (id) WHERE closed_at = 0",

    "CREATE TABLE silence ("
    " id INTEGER PRIMARY KEY,"
    " match TEXT NOT NULL,"
    " author TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " from_at INTEGER NOT NULL,"
    " until_at INTEGER NOT NULL,"
    " is_ended INTEGER NOT NULL,"
    " is_told INTEGER NOT NULL) STRICT",

    "CREATE TABLE span ("
    " seq INTEGER PRIMARY KEY,"
    " workflow INTEGER NOT NULL,"
    " trace BLOB NOT NULL,"     /* 16 bytes */
    " span INTEGER NOT NULL,"   /* the 8 bytes as one number */
    " parent INTEGER NOT NULL," /* 0 = the root */
    " kind INTEGER NOT NULL,"   /* word */
    " start_us INTEGER NOT NULL,"
    " end_us INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " attributes TEXT NOT NULL) STRICT",
    "CREATE INDEX span_workflow ON span (workflow) WHERE workflow <> 0",

    "CREATE VIEW anomalies AS SELECT id, CASE closed_at WHEN 0 THEN 'open' ELSE closed_by"
    " END AS state,"
    " (SELECT name FROM code WHERE list = 'severity' AND id = severity) AS severity,"
    " (SELECT name FROM code WHERE list = 'anomaly' AND id = type) AS type,"
    " datetime(opened_at / 1000, 'unixepoch') AS opened_at,"
    " CASE closed_at WHEN 0 THEN '' ELSE datetime(closed_at / 1000, 'unixepoch') END"
    " AS closed_at, incident, series, component, value, low, high, score, rule, text,"
    " detail FROM anomaly",

    "CREATE VIEW incidents AS SELECT id,"
    " (SELECT name FROM code WHERE list = 'incident' AND id = state) AS state,"
    " (SELECT name FROM code WHERE list = 'severity' AND id = severity) AS severity,"
    " datetime(opened_at / 1000, 'unixepoch') AS opened_at,"
    " CASE closed_at WHEN 0 THEN '' ELSE datetime(closed_at / 1000, 'unixepoch') END"
    " AS closed_at, cause, n_open, n_anomalies, inhibited_by, owner, note, text, detail"
    " FROM incident",

    "CREATE VIEW silences AS SELECT id, match, author, reason,"
    " datetime(from_at / 1000, 'unixepoch') AS from_at,"
    " datetime(until_at / 1000, 'unixepoch') AS until_at, is_ended FROM silence",

    "CREATE VIEW spans AS SELECT seq, CASE workflow WHEN 0 THEN '' ELSE 'wf-' || workflow"
    " END AS workflow, lower(hex(trace)) AS trace, printf('%016x', span) AS span,"
    " CASE parent WHEN 0 THEN '' ELSE printf('%016x', parent) END AS parent,"
    " (SELECT text FROM word WHERE id = kind) AS kind, name,"
    " datetime(start_us / 1000000, 'unixepoch') AS start_at,"
    " (end_us - start_us) / 1000 AS run_ms, status, attributes FROM span",
    NULL,
};

/* Failures, what was done about them, and what was learned. An unknown number is NULL. */
static const char *const fourth[] = {
    "CREATE TABLE failure ("
    " id INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " workflow INTEGER NOT NULL,"
    " effect INTEGER NOT NULL,"
    " problem INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " class INTEGER NOT NULL,"
    " category INTEGER NOT NULL,"
    " severity INTEGER NOT NULL,"
    " complexity INTEGER NOT NULL,"
    " confidence REAL,"
    " is_flaky INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " settled_at INTEGER NOT NULL,"
    " n_rungs INTEGER NOT NULL,"
    " was_class INTEGER NOT NULL,"
    " fingerprint TEXT NOT NULL,"
    " step TEXT NOT NULL,"
    " repo TEXT NOT NULL,"
    " provider TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " rule TEXT NOT NULL,"
    " cause TEXT NOT NULL,"
    " labelled_by TEXT NOT NULL,"
    " detail TEXT NOT NULL) STRICT",
    "CREATE INDEX failure_open ON failure (id) WHERE status IN (0, 2)",
    "CREATE INDEX failure_settled ON failure (status, settled_at) WHERE settled_at <> 0",
    "CREATE INDEX failure_workflow ON failure (workflow)",
    "CREATE INDEX failure_problem ON failure (problem) WHERE problem <> 0",
    "CREATE INDEX failure_fingerprint ON failure (fingerprint) WHERE fingerprint <> ''",

    "CREATE TABLE problem ("
    " id INTEGER PRIMARY KEY,"
    " class INTEGER NOT NULL,"
    " severity INTEGER NOT NULL,"
    " opened_at INTEGER NOT NULL,"
    " seen_at INTEGER NOT NULL,"
    " closed_at INTEGER NOT NULL,"
    " n_failures INTEGER NOT NULL,"
    " n_workflows INTEGER NOT NULL,"
    " incident INTEGER NOT NULL,"
    " rung INTEGER NOT NULL," /* one that is no rung: none as yet */
    " cause TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " detail TEXT NOT NULL) STRICT",
    "CREATE INDEX problem_open ON problem (id) WHERE closed_at = 0",

    "CREATE TABLE recovery ("
    " id INTEGER PRIMARY KEY,"
    " failure INTEGER NOT NULL,"
    " problem INTEGER NOT NULL,"
    " workflow INTEGER NOT NULL,"
    " decision INTEGER NOT NULL,"
    " rung INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " decider INTEGER NOT NULL,"
    " odds REAL,"
    " odds_low REAL,"
    " odds_high REAL,"
    " trials REAL,"
    " asked_at INTEGER NOT NULL,"
    " started_at INTEGER NOT NULL,"
    " window_end INTEGER NOT NULL,"
    " ended_at INTEGER NOT NULL,"
    " cost_s REAL,"
    " service TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " expected TEXT NOT NULL,"
    " inverse TEXT NOT NULL,"
    " outcome TEXT NOT NULL) STRICT",
    "CREATE INDEX recovery_open ON recovery (id) WHERE status IN (0, 1)",
    "CREATE INDEX recovery_failure ON recovery (failure) WHERE failure <> 0",
    "CREATE INDEX recovery_problem ON recovery (problem) WHERE problem <> 0",
    "CREATE INDEX recovery_workflow ON recovery (workflow) WHERE workflow <> 0",

    "CREATE TABLE decision ("
    " id INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " kind INTEGER NOT NULL,"
    " workflow INTEGER NOT NULL,"
    " failure INTEGER NOT NULL,"
    " problem INTEGER NOT NULL,"
    " decider INTEGER NOT NULL,"
    " verdict INTEGER NOT NULL,"
    " settled_at INTEGER NOT NULL,"
    " confidence REAL,"
    " risk REAL,"
    " reward REAL,"
    " subject TEXT NOT NULL,"
    " choice TEXT NOT NULL,"
    " shadow TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " alternatives TEXT NOT NULL,"
    " context TEXT NOT NULL,"
    " outcome TEXT NOT NULL) STRICT",
    "CREATE INDEX decision_open ON decision (id) WHERE verdict = 0",
    "CREATE INDEX decision_failure ON decision (failure) WHERE failure <> 0",
    "CREATE INDEX decision_problem ON decision (problem) WHERE problem <> 0",
    "CREATE INDEX decision_workflow ON decision (workflow) WHERE workflow <> 0",

    "CREATE TABLE odds ("
    " key TEXT NOT NULL,"
    " rung TEXT NOT NULL,"
    " alpha REAL,"
    " beta REAL,"
    " low REAL,"
    " mean REAL,"
    " high REAL,"
    " trials REAL,"
    " n INTEGER NOT NULL,"
    " n_passed INTEGER NOT NULL,"
    " cost_s REAL,"
    " recent INTEGER NOT NULL," /* bits, the newest trial in bit 0 */
    " n_recent INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL,"
    " is_demoted INTEGER NOT NULL,"
    " is_killed INTEGER NOT NULL,"
    " PRIMARY KEY (key, rung)) STRICT, WITHOUT ROWID",

    "CREATE TABLE label ("
    " id INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " class INTEGER NOT NULL,"
    " fingerprint TEXT NOT NULL,"
    " author TEXT NOT NULL,"
    " text TEXT NOT NULL) STRICT",

    "CREATE VIEW failures AS SELECT 'f-' || id AS failure,"
    " datetime(at / 1000, 'unixepoch') AS at,"
    " (SELECT name FROM code WHERE list = 'failure' AND id = status) AS status,"
    " CASE workflow WHEN 0 THEN '' ELSE 'wf-' || workflow END AS workflow,"
    " (SELECT name FROM code WHERE list = 'state' AND id = state) AS state, step, repo,"
    " provider,"
    " (SELECT name FROM code WHERE list = 'class' AND id = class) AS class,"
    " (SELECT name FROM code WHERE list = 'category' AND id = category) AS category,"
    " (SELECT name FROM code WHERE list = 'severity' AND id = severity) AS severity,"
    " confidence, is_flaky, n_rungs, cause, fingerprint, rule, labelled_by, text, detail"
    " FROM failure",

    "CREATE VIEW problems AS SELECT 'p-' || id AS problem,"
    " datetime(opened_at / 1000, 'unixepoch') AS opened_at,"
    " CASE closed_at WHEN 0 THEN '' ELSE datetime(closed_at / 1000, 'unixepoch') END"
    " AS closed_at, cause,"
    " (SELECT name FROM code WHERE list = 'class' AND id = class) AS class,"
    " (SELECT name FROM code WHERE list = 'severity' AND id = severity) AS severity,"
    " n_failures, n_workflows, incident,"
    " ifnull((SELECT name FROM code WHERE list = 'rung' AND id = rung), '') AS rung,"
    " fingerprint, text, detail FROM problem",

    "CREATE VIEW recoveries AS SELECT 'r-' || id AS recovery,"
    " CASE failure WHEN 0 THEN '' ELSE 'f-' || failure END AS failure,"
    " CASE problem WHEN 0 THEN '' ELSE 'p-' || problem END AS problem,"
    " CASE workflow WHEN 0 THEN '' ELSE 'wf-' || workflow END AS workflow, service,"
    " (SELECT name FROM code WHERE list = 'rung' AND id = rung) AS rung, number,"
    " (SELECT name FROM code WHERE list = 'recovery' AND id = status) AS status,"
    " (SELECT name FROM code WHERE list = 'decider' AND id = decider) AS decider, odds,"
    " odds_low, odds_high, trials, reason, expected, inverse, outcome,"
    " datetime(asked_at / 1000, 'unixepoch') AS asked_at,"
    " CASE ended_at WHEN 0 THEN '' ELSE datetime(ended_at / 1000, 'unixepoch') END"
    " AS ended_at, cost_s FROM recovery",

    "CREATE VIEW decisions AS SELECT 'd-' || id AS decision,"
    " datetime(at / 1000, 'unixepoch') AS at,"
    " (SELECT name FROM code WHERE list = 'decision' AND id = kind) AS kind, subject,"
    " choice,"
    " (SELECT name FROM code WHERE list = 'decider' AND id = decider) AS decider,"
    " confidence, risk, reason, shadow,"
    " (SELECT name FROM code WHERE list = 'verdict' AND id = verdict) AS verdict,"
    " reward, outcome, alternatives, context FROM decision",

    "CREATE VIEW strategies AS SELECT key, rung, mean, low, high, trials, n, n_passed,"
    " cost_s, is_demoted, is_killed,"
    " datetime(updated_at / 1000, 'unixepoch') AS updated_at FROM odds",

    "CREATE VIEW labels AS SELECT id, datetime(at / 1000, 'unixepoch') AS at,"
    " (SELECT name FROM code WHERE list = 'class' AND id = class) AS class, fingerprint,"
    " author, text FROM label",
    NULL,
};

/* What operators granted on top of a budget, what was told of it, what a run costs. */
static const char *const fifth[] = {
    "ALTER TABLE workflow ADD COLUMN granted_runs INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE workflow ADD COLUMN granted_wall INTEGER NOT NULL DEFAULT 0", /* ms */
    "ALTER TABLE workflow ADD COLUMN budget_told INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE workflow ADD COLUMN last_run INTEGER NOT NULL DEFAULT 0", /* ms */
    NULL,
};

/* Who did what, as a chain: see audit.h. Its rows are never changed and never go. */
static const char *const sixth[] = {
    "CREATE TABLE audit ("
    " n INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " role TEXT NOT NULL,"
    " origin TEXT NOT NULL,"
    " act TEXT NOT NULL,"
    " subject TEXT NOT NULL,"
    " outcome TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " prev BLOB NOT NULL,"
    " hash BLOB NOT NULL) STRICT",
    "CREATE VIEW audits AS SELECT n, datetime(at / 1000, 'unixepoch') AS at, actor, role,"
    " origin, act, subject, outcome, detail, lower(hex(prev)) AS prev,"
    " lower(hex(hash)) AS hash FROM audit",
    NULL,
};

/* From which front end a command came. */
static const char *const eighth[] = {
    "ALTER TABLE command ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
    NULL,
};

/* As which user the process ran, when that is not the person who asked; and what a client calls
 * its own request, so that the same one sent twice is carried out once. */
static const char *const ninth[] = {
    "ALTER TABLE command ADD COLUMN account TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE command ADD COLUMN key TEXT NOT NULL DEFAULT ''",
    "CREATE UNIQUE INDEX command_key ON command (actor, key) WHERE key <> ''",
    NULL,
};

/* Who looks at an incident, to whom it was given, and what belongs to it. */
#define INCIDENT_MORE(table)                                                             \
    "ALTER TABLE " table " ADD COLUMN claimed_by TEXT NOT NULL DEFAULT ''",              \
        "ALTER TABLE " table " ADD COLUMN claimed_until INTEGER NOT NULL DEFAULT 0",     \
        "ALTER TABLE " table " ADD COLUMN assignee TEXT NOT NULL DEFAULT ''",            \
        "ALTER TABLE " table " ADD COLUMN links TEXT NOT NULL DEFAULT ''"
static const char *const eleventh[] = {INCIDENT_MORE("incident"),
                                       INCIDENT_MORE("past_incident"), NULL};

/* What agents have used, what the newest run did, what was granted on top. */
#define WORKFLOW_USAGE(table)                                                            \
    "ALTER TABLE " table " ADD COLUMN used_tokens INTEGER DEFAULT 0",                    \
        "ALTER TABLE " table " ADD COLUMN used_micros INTEGER DEFAULT 0",                \
        "ALTER TABLE " table " ADD COLUMN last_tokens INTEGER DEFAULT 0",                \
        "ALTER TABLE " table " ADD COLUMN last_micros INTEGER DEFAULT 0",                \
        "ALTER TABLE " table " ADD COLUMN granted_tokens INTEGER DEFAULT 0",             \
        "ALTER TABLE " table " ADD COLUMN granted_micros INTEGER DEFAULT 0"
static const char *const twelfth[] = {WORKFLOW_USAGE("workflow"),
                                      WORKFLOW_USAGE("past_workflow"), NULL};

const char *const *const schema_migrations[] = {
    first,           second, third, fourth,      fifth,    sixth,
    schema_approval, eighth, ninth, schema_past, eleventh, twelfth};
const size_t n_schema_migrations = ARRAY_LEN(schema_migrations);
