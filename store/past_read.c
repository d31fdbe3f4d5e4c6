/* SPDX-License-Identifier: MIT */
/*
 * Past, read: temporary views that stand before the tables, made and filled inside one read
 * transaction, so that its rollback takes them away again.
 *
 * The view of T is: the rows of T of which no image is stamped later than the moment, and of
 * the others the first such image, unless it says that there was no row. Those images are
 * looked up once, into a temporary table then_T; but for effects and documents, which are
 * always asked for one workflow, and of which the view looks itself. SQLite flattens the
 * union into the queries of the readers (https://sqlite.org/optoverview.html#flattening), so
 * they use the indexes of T as ever.
 */
#include "store/past_private.h"

#include "engine/base/buf.h"

#define SQL_MAX     16384
#define COLUMNS_MAX 2048

/* How the images of a table are found. */
enum way {
    BY_CHANGED, /* through workflow.changed: the others have too many */
    BY_ROW,     /* for each row of today: few rows, many images */
    BY_IMAGE,   /* through the keys of all images: rows may have gone */
    IN_VIEW     /* not at all: the view does */
};

static const enum way ways[PAST_COUNT] = {
    [PAST_WORKFLOW] = BY_CHANGED,   [PAST_EFFECT] = IN_VIEW,
    [PAST_DOC] = IN_VIEW,           [PAST_APPROVAL] = BY_IMAGE,
    [PAST_OPTIMIZATION] = BY_IMAGE, [PAST_TUNING] = BY_IMAGE,
    [PAST_AUTONOMY] = BY_IMAGE,     [PAST_FAILURE] = BY_IMAGE,
    [PAST_PROBLEM] = BY_IMAGE,      [PAST_RECOVERY] = BY_IMAGE,
    [PAST_DECISION] = BY_IMAGE,     [PAST_ODDS] = BY_IMAGE,
    [PAST_ANOMALY] = BY_IMAGE,      [PAST_INCIDENT] = BY_IMAGE,
    [PAST_SILENCE] = BY_IMAGE,      [PAST_SERVICE] = BY_ROW,
    [PAST_HOUR] = BY_ROW,           [PAST_TOTAL] = BY_ROW,
    [PAST_SETTING] = BY_ROW,
};

/* Numbers of these rows are given in the order of time: those above one are all later. */
static bool is_numbered(enum past past)
{
    return past == PAST_WORKFLOW || past == PAST_APPROVAL || past == PAST_FAILURE ||
           past == PAST_PROBLEM || past == PAST_RECOVERY || past == PAST_DECISION;
}

struct pin {
    struct database *db;
    struct err *err;
    int64_t seq, at; /* images stamped later than this count */
    int64_t shown;   /* the time of the moment */
    struct buf sql;
    struct buf columns;
};

static bool run(struct pin *pin)
{
    bool is_good = database_exec(pin->db, pin->sql.data, pin->err);
    buf_clear(&pin->sql);
    return is_good;
}

static bool number(struct pin *pin, int64_t *ret_number)
{
    bool is_good = database_number(pin->db, pin->sql.data, ret_number, pin->err);
    buf_clear(&pin->sql);
    return is_good;
}

static void add_later(struct pin *pin, const char *alias)
{
    (void)buf_printf(&pin->sql, "(%s.upto_seq, %s.upto_at) > (%lld, %lld)", alias, alias,
                     (long long)pin->seq, (long long)pin->at);
}

/* "a.id = b.id AND ..." */
static void add_same(struct pin *pin, const struct past_table *table, const char *a,
                     const char *b)
{
    (void)buf_printf(&pin->sql, "%s.%s = %s.%s", a, table->key, b, table->key);
    if (table->second != NULL) {
        (void)buf_printf(&pin->sql, " AND %s.%s = %s.%s", a, table->second, b,
                         table->second);
    }
}

static bool is_word_in(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; at != NULL && (at = strstr(at, word)) != NULL; at++) {
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

/* A column of an image: as it stands, or where it is not repeated that of the next image that
 * has it, at last that of the row. */
static void add_column(struct pin *pin, const struct past_table *table, const char *name)
{
    if (!is_word_in(table->thinned, name)) {
        (void)buf_printf(&pin->columns, "p.%s", name);
        return;
    }
    (void)buf_printf(&pin->columns,
                     "coalesce(p.%s, (SELECT q.%s FROM main.past_%s q WHERE q.id = p.id"
                     " AND q.rowid > p.rowid AND q.%s IS NOT NULL ORDER BY q.rowid LIMIT"
                     " 1), (SELECT t.%s FROM main.%s t WHERE t.id = p.id)) AS %s",
                     name, name, table->table, name, name, table->table, name);
}

/* The columns of T, as the images have them. */
static bool list_columns(struct pin *pin, const struct past_table *table)
{
    sqlite3_stmt *s = NULL;
    buf_clear(&pin->columns);
    if (sqlite3_prepare_v2(pin->db->db, "SELECT name FROM pragma_table_info(?1, 'main')",
                           -1, &s, NULL) != SQLITE_OK) {
        return database_fail(pin->db, pin->err);
    }
    bind_text(s, 1, table->table);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        (void)buf_str(&pin->columns, pin->columns.len > 0 ? ", " : "");
        add_column(pin, table, (const char *)sqlite3_column_text(s, 0));
    }
    bool is_good = code == SQLITE_DONE || database_fail(pin->db, pin->err);
    (void)sqlite3_finalize(s); /* repeats the failure that was seen */
    return is_good;
}

/* ---- the newest number that was given ---------------------------------------------- */

static bool is_born_later(struct pin *pin, const struct past_table *table, int64_t id,
                          bool *ret_is_later)
{
    int64_t is_later = 0;
    (void)buf_printf(&pin->sql,
                     "SELECT count(*) FROM main.past_%s p WHERE p.id = %lld AND"
                     " p.gone = 1 AND ",
                     table->table, (long long)id);
    add_later(pin, "p");
    bool is_good = number(pin, &is_later);
    *ret_is_later = is_later != 0;
    return is_good;
}

/* The highest id that there was: by halves. */
static bool find_last(struct pin *pin, const struct past_table *table, int64_t *ret_last)
{
    int64_t low = 0, high = 0; /* low was there, or is 0; above high nothing was */
    (void)buf_printf(&pin->sql, "SELECT ifnull(max(id), 0) FROM main.%s", table->table);
    if (!number(pin, &high)) {
        return false;
    }
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2, id = 0;
        bool is_later = false;
        (void)buf_printf(&pin->sql,
                         "SELECT ifnull(max(id), 0) FROM main.%s WHERE id <= %lld",
                         table->table, (long long)middle);
        if (!number(pin, &id) ||
            (id > low && !is_born_later(pin, table, id, &is_later))) {
            return false;
        }
        if (id <= low) {
            low = middle;
        } else if (is_later) {
            high = id - 1;
        } else {
            low = middle;
        }
    }
    *ret_last = low;
    return true;
}

/* ---- views ------------------------------------------------------------------------- */

/* Rowids of the first images later than the moment, by key. */
static void add_images(struct pin *pin, enum past past, int64_t last)
{
    const struct past_table *table = &past_tables[past];
    switch (ways[past]) {
    case BY_IMAGE:
        (void)buf_printf(&pin->sql, "SELECT min(p.rowid) FROM main.past_%s p WHERE ",
                         table->table);
        add_later(pin, "p");
        if (last >= 0) {
            (void)buf_printf(&pin->sql, " AND p.id <= %lld", (long long)last);
        }
        (void)buf_printf(&pin->sql, " GROUP BY p.%s%s%s", table->key,
                         table->second != NULL ? ", p." : "",
                         table->second != NULL ? table->second : "");
        return;
    case BY_ROW:
    case BY_CHANGED:
        (void)buf_printf(&pin->sql, "SELECT (SELECT p.rowid FROM main.past_%s p WHERE ",
                         table->table);
        add_same(pin, table, "p", "t");
        (void)buf_str(&pin->sql, " AND ");
        add_later(pin, "p");
        (void)buf_printf(&pin->sql,
                         " ORDER BY p.upto_seq, p.upto_at LIMIT 1) FROM main.%s t",
                         table->table);
        if (ways[past] == BY_CHANGED) {
            (void)buf_printf(&pin->sql, " WHERE t.id <= %lld AND t.changed >= %lld",
                             (long long)last, (long long)pin->seq);
        }
        return;
    case IN_VIEW:
        break;
    }
    BUG("no table of its own");
}

static bool fill_then(struct pin *pin, enum past past, int64_t last)
{
    const struct past_table *table = &past_tables[past];
    const char *name = table->table;
    (void)buf_printf(&pin->sql,
                     "CREATE TEMP TABLE then_%s AS SELECT %s FROM main.past_%s p"
                     " WHERE p.gone = 0 AND p.rowid IN (",
                     name, pin->columns.data, name);
    add_images(pin, past, last);
    (void)buf_str(&pin->sql, ")");
    if (!run(pin)) {
        return false;
    }
    (void)buf_printf(&pin->sql, "CREATE INDEX temp.then_%s_key ON then_%s (%s%s%s)", name,
                     name, table->key, table->second != NULL ? ", " : "",
                     table->second != NULL ? table->second : "");
    if (past == PAST_WORKFLOW) {
        (void)buf_str(&pin->sql,
                      "; CREATE INDEX temp.then_live ON then_workflow (live) WHERE"
                      " live = 1; CREATE INDEX temp.then_human ON then_workflow (human)"
                      " WHERE human = 1");
    }
    return run(pin);
}

/* What is shown of a row of today (t), or of an image (p). The figures of a service are those
 * of its last look, which may be later. */
static void add_shown(struct pin *pin, enum past past, char alias)
{
    if (past == PAST_SERVICE) {
        (void)buf_printf(
            &pin->sql,
            "name, kind, state, since, until,"
            " CASE WHEN updated_at > %lld THEN 0 ELSE updated_at END AS updated_at,"
            " reason, CASE WHEN updated_at > %lld THEN '' ELSE detail END AS detail,"
            " '' AS memo",
            (long long)pin->shown, (long long)pin->shown);
    } else if (ways[past] == IN_VIEW && alias == 'p') {
        (void)buf_str(&pin->sql, pin->columns.data);
    } else {
        (void)buf_printf(&pin->sql, "%c.*", alias);
    }
}

/* An effect that was asked for by then. */
static void add_born(struct pin *pin, char alias)
{
    (void)buf_printf(&pin->sql,
                     " AND (%c.born < %lld OR (%c.born = %lld AND %c.asked_at <= %lld))",
                     alias, (long long)pin->seq, alias, (long long)pin->seq, alias,
                     (long long)pin->at);
}

/* Rows of today that nothing has changed since. */
static void add_unchanged(struct pin *pin, enum past past, int64_t last)
{
    static const char *const settings[] = {PAST_SETTINGS};
    const struct past_table *table = &past_tables[past];
    (void)buf_printf(&pin->sql, " FROM main.%s t WHERE ", table->table);
    if (past == PAST_WORKFLOW) {
        (void)buf_printf(&pin->sql, "(t.changed < %lld OR ", (long long)pin->seq);
    }
    (void)buf_printf(&pin->sql, "NOT EXISTS (SELECT 1 FROM main.past_%s p WHERE ",
                     table->table);
    add_same(pin, table, "p", "t");
    (void)buf_str(&pin->sql, " AND ");
    add_later(pin, "p");
    (void)buf_str(&pin->sql, past == PAST_WORKFLOW ? "))" : ")");
    if (last >= 0) {
        (void)buf_printf(&pin->sql, " AND t.id <= %lld", (long long)last);
    }
    if (past == PAST_EFFECT) {
        add_born(pin, 't');
    }
    if (past == PAST_SETTING) {
        (void)buf_str(&pin->sql, " AND t.key IN (''");
        for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
            (void)buf_printf(&pin->sql, ", '%s'", settings[i]);
        }
        (void)buf_char(&pin->sql, ')');
    }
}

static bool make_view(struct pin *pin, enum past past)
{
    const struct past_table *table = &past_tables[past];
    int64_t last = -1;
    if ((is_numbered(past) && !find_last(pin, table, &last)) ||
        !list_columns(pin, table) ||
        (ways[past] != IN_VIEW && !fill_then(pin, past, last))) {
        return false;
    }
    (void)buf_printf(&pin->sql, "CREATE TEMP VIEW %s AS SELECT ", table->table);
    add_shown(pin, past, 't');
    add_unchanged(pin, past, last);
    if (ways[past] != IN_VIEW) {
        (void)buf_str(&pin->sql, " UNION ALL SELECT ");
        add_shown(pin, past, 'p');
        (void)buf_printf(&pin->sql, " FROM temp.then_%s p", table->table);
    } else if (past == PAST_EFFECT) {
        (void)buf_str(&pin->sql, " UNION ALL SELECT ");
        add_shown(pin, past, 'p');
        (void)buf_str(&pin->sql, " FROM main.past_effect p WHERE p.gone = 0 AND ");
        add_later(pin, "p");
        (void)buf_str(&pin->sql, " AND NOT EXISTS (SELECT 1 FROM main.past_effect q WHERE"
                                 " q.id = p.id AND q.rowid < p.rowid AND ");
        add_later(pin, "q");
        (void)buf_char(&pin->sql, ')');
        add_born(pin, 'p');
    }
    return run(pin);
}

/* What is never overwritten. */
static bool make_cuts(struct pin *pin, const struct moment *moment)
{
    long long at = moment->at.ms;
    (void)buf_printf(
        &pin->sql,
        "CREATE TEMP VIEW event AS SELECT * FROM main.event WHERE seq <="
        " %lld;"
        "CREATE TEMP VIEW audit AS SELECT * FROM main.audit WHERE at <= %lld;"
        "CREATE TEMP VIEW label AS SELECT * FROM main.label WHERE at <= %lld;"
        "CREATE TEMP VIEW span AS SELECT * FROM main.span WHERE end_us <="
        " %lld;"
        "CREATE TEMP VIEW delivery AS SELECT seq, at, event, action,"
        " repository, pull, workflow, status, 0 AS repeats, body_len, guid,"
        " sha, text FROM main.delivery WHERE at <= %lld",
        (long long)moment->seq, at, at, at * 1000 + 999, at);
    return run(pin);
}

static bool make_past(struct reader *reader, const struct moment *moment, struct err *err)
{
    struct pin pin = {.db = &reader->database,
                      .err = err,
                      .seq = reader->pin_seq,
                      .at = reader->pin_at,
                      .shown = moment->at.ms};
    buf_init(&pin.sql, SQL_MAX);
    buf_init(&pin.columns, COLUMNS_MAX);
    bool is_good = database_exec(pin.db, "PRAGMA query_only=OFF", err);
    for (int past = 0; is_good && past < PAST_COUNT; past++) {
        is_good = make_view(&pin, (enum past)past);
    }
    is_good = is_good && make_cuts(&pin, moment) &&
              database_exec(pin.db, "PRAGMA query_only=ON", err);
    buf_fini(&pin.sql);
    buf_fini(&pin.columns);
    return is_good;
}

bool reader_pin(struct reader *reader, const struct moment *moment, struct err *err)
{
    if (reader->is_begun) {
        BUG("pinned while something else is read");
    }
    if (!reader_begin(reader, err)) {
        return false;
    }
    reader->pin_seq = moment->seq + 1;
    reader->pin_at = moment->is_event ? -1 : moment->at.ms;
    reader->is_pinned = reader->database.is_past = true;
    if (!make_past(reader, moment, err)) {
        reader_unpin(reader);
        return false;
    }
    return true;
}

void reader_unpin(struct reader *reader)
{
    if (!reader->is_pinned) {
        return;
    }
    struct err ignored = ERR_INIT;
    reader->is_pinned = reader->database.is_past = false;
    reader_end(reader);
    /* A connection opened to read writes nothing anyway. */
    if (!database_exec(&reader->database, "PRAGMA query_only=ON", &ignored)) {
        /* Then the next query of this connection tells. */
    }
}

bool reader_is_pinned(const struct reader *reader)
{
    return reader->is_pinned;
}

bool reader_doc_is_later(struct reader *reader, int64_t workflow, enum doc_kind doc)
{
    struct err ignored = ERR_INIT;
    int64_t was_there = 0;
    char sql[200];
    if (!reader->is_pinned) {
        return false;
    }
    (void)snprintf(sql, sizeof(sql),
                   "SELECT gone = 0 FROM main.past_doc WHERE id = %lld AND"
                   " (upto_seq, upto_at) > (%lld, %lld) ORDER BY rowid LIMIT 1",
                   (long long)doc_key(workflow, doc), (long long)reader->pin_seq,
                   (long long)reader->pin_at);
    return database_number(&reader->database, sql, &was_there, &ignored) &&
           was_there != 0;
}
