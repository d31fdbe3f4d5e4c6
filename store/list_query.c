/* SPDX-License-Identifier: MIT */
/*
 * List query: the ids of the rows of a list, in order, one page.
 *
 * Paging is by key, never by offset and never with a count: the next page starts behind
 * the key of the last row seen, ties broken by id, so that each page costs what it shows.
 * Which table leads the join decides the cost: rows that live, or wait for a person   the
 * partial indexes (thousands at most) by repository or pipeline, all rows    the words in
 * order, then their submissions else                                   the workflows from
 * the newest
 */
#include <strings.h>

#include "engine/base/buf.h"
#include "store/sqlite_private.h"

#define LIST_MAX    10000
#define SQL_MAX     4096
#define PATTERN_MAX 4096

/* Directions are those without is_reversed. */
static const struct sort {
    const char *word;
    const char *key;  /* "" = the id alone */
    const char *join; /* column of submission that leads to the key's word, or "" */
    bool is_key_down, is_id_down;
} sorts[] = {
    [SORT_ID] = {"id",       "",              "",         false, true },
    [SORT_STATE] = {"state",    "w.state",       "",         false, true },
    [SORT_AGE] = {"age",      "w.state_since", "",         false, false},
    [SORT_PRIORITY] = {"priority", "w.priority",    "",         true,  false},
    [SORT_REPO] = {"repo",     "k.text",        "repo",     false, true },
    [SORT_PIPELINE] = {"pipeline", "k.text",        "pipeline", false, true },
};

const char *sort_word(enum sort_key key)
{
    return (unsigned)key < SORT_COUNT ? sorts[key].word : "?";
}

/* Parameters by number, so that the same text serves every page. */
enum { P_ID = 1, P_KEY, P_REPO, P_TEXT, P_MAX, P_OWN_ID };

static unsigned live_mask(void)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        mask |= state_is_final((enum workflow_state)i) ? 0 : STATE_BIT(i);
    }
    return mask;
}

struct plan {
    const struct list_query *query;
    const struct sort *sort;
    unsigned states;
    bool is_key_down, is_id_down;
    bool has_submission; /* s is needed for the filter or the key */
    bool is_word_first;  /* the words lead */
    bool is_past;        /* views stand before the tables: past.h */
    const char *id;      /* w.id, or s.workflow when submissions lead */
};

static void add_from(struct buf *sql, const struct plan *plan)
{
    const struct list_query *query = plan->query;
    if (plan->is_word_first) {
        (void)buf_printf(sql,
                         " FROM word k CROSS JOIN submission s ON s.%s = k.id"
                         " CROSS JOIN workflow w ON w.id = s.workflow",
                         plan->sort->join);
        return;
    }
    const char *index = "";
    if (plan->is_past) {
        index = ""; /* a view has none; those of the tables behind it are found */
    } else if (query->needs_human) {
        index = " INDEXED BY workflow_human";
    } else if ((plan->states & ~live_mask()) == 0) {
        index = " INDEXED BY workflow_live";
    } else if (query->repo != NULL) {
        (void)buf_str(sql, " FROM submission s INDEXED BY submission_repo"
                           " CROSS JOIN workflow w ON w.id = s.workflow");
        if (plan->sort->join[0] != '\0') {
            (void)buf_printf(sql, " JOIN word k ON k.id = s.%s", plan->sort->join);
        }
        return;
    }
    (void)buf_printf(sql, " FROM workflow w%s", index);
    if (plan->has_submission) {
        (void)buf_str(sql, " CROSS JOIN submission s ON s.workflow = w.id");
    }
    if (plan->sort->join[0] != '\0') {
        (void)buf_printf(sql, " CROSS JOIN word k ON k.id = s.%s", plan->sort->join);
    }
}

static void add_filter(struct buf *sql, const struct plan *plan)
{
    const struct list_query *query = plan->query;
    (void)buf_str(sql, " WHERE 1");
    if (query->needs_human) {
        (void)buf_str(sql, " AND w.human = 1");
    } else if ((plan->states & ~live_mask()) == 0) {
        (void)buf_str(sql, " AND w.live = 1");
    }
    if ((plan->states & STATE_MASK_ALL) != STATE_MASK_ALL) {
        (void)buf_printf(sql, " AND (%u >> w.state) & 1", plan->states);
    }
    if (query->repo != NULL) {
        (void)buf_printf(sql, " AND s.repo = ?%d", P_REPO);
    }
    if (query->text != NULL) {
        (void)buf_printf(
            sql,
            " AND (s.title LIKE ?%d ESCAPE '\\' OR w.id = ?%d"
            " OR s.repo IN (SELECT id FROM word WHERE text LIKE ?%d ESCAPE '\\')"
            " OR s.pipeline IN"
            " (SELECT id FROM word WHERE text LIKE ?%d ESCAPE '\\'))",
            P_TEXT, P_OWN_ID, P_TEXT, P_TEXT);
    }
}

static void add_order(struct buf *sql, const struct plan *plan)
{
    const char *key = plan->sort->key;
    char key_sign = plan->is_key_down ? '<' : '>';
    char id_sign = plan->is_id_down ? '<' : '>';
    if (plan->query->after_id != 0) {
        if (key[0] == '\0') {
            (void)buf_printf(sql, " AND %s %c ?%d", plan->id, id_sign, P_ID);
        } else {
            (void)buf_printf(sql, " AND %s %c= ?%d AND (%s %c ?%d OR %s %c ?%d)", key,
                             key_sign, P_KEY, key, key_sign, P_KEY, plan->id, id_sign,
                             P_ID);
        }
    }
    (void)buf_str(sql, " ORDER BY ");
    if (key[0] != '\0') {
        (void)buf_printf(sql, "%s %s, ", key, plan->is_key_down ? "DESC" : "ASC");
    }
    (void)buf_printf(sql, "%s %s LIMIT ?%d", plan->id, plan->is_id_down ? "DESC" : "ASC",
                     P_MAX);
}

static void make_plan(struct plan *plan, const struct list_query *query, bool is_past)
{
    const struct sort *sort = &sorts[query->sort];
    *plan = (struct plan){.query = query, .sort = sort, .is_past = is_past};
    plan->states = query->states != 0 ? query->states & STATE_MASK_ALL : STATE_MASK_ALL;
    plan->is_key_down = sort->is_key_down != query->is_reversed;
    plan->is_id_down = sort->is_id_down != query->is_reversed;
    plan->has_submission =
        sort->join[0] != '\0' || query->repo != NULL || query->text != NULL;
    bool is_few = query->needs_human || (plan->states & ~live_mask()) == 0;
    bool leads = !is_few && !is_past; /* another table than that of the workflows */
    plan->is_word_first = sort->join[0] != '\0' && leads && query->repo == NULL;
    plan->id =
        plan->is_word_first || (leads && query->repo != NULL) ? "s.workflow" : "w.id";
}

/* %text% with its own % _ and \ escaped. */
static void make_pattern(struct buf *pattern, const char *text)
{
    (void)buf_char(pattern, '%');
    for (const char *p = text; *p != '\0' && pattern->len < PATTERN_MAX - 4; p++) {
        if (*p == '%' || *p == '_' || *p == '\\') {
            (void)buf_char(pattern, '\\');
        }
        (void)buf_char(pattern, *p);
    }
    (void)buf_char(pattern, '%');
}

/* "wf-12" or "12": that workflow's number, else -1. */
static int64_t own_id(const char *text)
{
    if (strncasecmp(text, "wf-", 3) == 0) {
        text += 3;
    }
    char *end = NULL;
    long long id = strtoll(text, &end, 10);
    return end != text && *end == '\0' && id > 0 ? id : -1;
}

/* Bind the key of the row after_id; false when that row is gone. */
static enum found bind_key(struct database *database, const struct plan *plan,
                           sqlite3_stmt *s, sqlite3_stmt **ret_key, struct err *err)
{
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_MAX);
    (void)buf_printf(&sql,
                     "SELECT %s FROM workflow w JOIN submission s ON s.workflow = w.id",
                     plan->sort->key);
    if (plan->sort->join[0] != '\0') {
        (void)buf_printf(&sql, " JOIN word k ON k.id = s.%s", plan->sort->join);
    }
    (void)buf_str(&sql, " WHERE w.id = ?1");
    if (sqlite3_prepare_v2(database->db, sql.data, -1, ret_key, NULL) != SQLITE_OK) {
        (void)database_fail(database, err);
        return FOUND_FAILED;
    }
    bind_int(*ret_key, 1, plan->query->after_id);
    int code = sqlite3_step(*ret_key);
    if (code == SQLITE_ROW) {
        (void)sqlite3_bind_value(s, P_KEY, sqlite3_column_value(*ret_key, 0));
        return FOUND;
    }
    if (code != SQLITE_DONE) {
        (void)database_fail(database, err);
        return FOUND_FAILED;
    }
    return MISSING;
}

static bool run_list(struct database *database, const struct plan *plan, sqlite3_stmt *s,
                     struct arena *arena, int64_t **ret_ids, size_t *ret_n,
                     struct err *err)
{
    const struct list_query *query = plan->query;
    size_t max = query->max < LIST_MAX ? query->max : LIST_MAX;
    AUTO_BUF struct buf pattern;
    buf_init(&pattern, PATTERN_MAX);
    if (query->text != NULL) {
        make_pattern(&pattern, query->text);
        bind_bytes(s, P_TEXT, pattern.data, pattern.len);
        bind_int(s, P_OWN_ID, own_id(query->text));
    }
    if (query->repo != NULL) {
        bind_int(s, P_REPO, word_find(database, query->repo));
    }
    bind_int(s, P_ID, query->after_id);
    bind_int(s, P_MAX, (int64_t)max);
    int64_t *ids = arena_array(arena, max, sizeof(*ids));
    size_t n = 0;
    int code = SQLITE_DONE;
    while (n < max && (code = sqlite3_step(s)) == SQLITE_ROW) {
        ids[n++] = sqlite3_column_int64(s, 0);
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return database_fail(database, err);
    }
    *ret_ids = ids;
    *ret_n = n;
    return true;
}

static void plan_sql(const struct plan *plan, struct buf *sql)
{
    (void)buf_printf(sql, "SELECT %s", plan->id);
    add_from(sql, plan);
    add_filter(sql, plan);
    add_order(sql, plan);
}

void list_sql(const struct list_query *query, struct buf *sql)
{
    struct plan plan;
    make_plan(&plan, query, false);
    plan_sql(&plan, sql);
}

bool list_ids(struct database *database, struct arena *arena,
              const struct list_query *query, int64_t **ret_ids, size_t *ret_n,
              struct err *err)
{
    if ((unsigned)query->sort >= SORT_COUNT) {
        BUG("unknown sort key");
    }
    struct plan plan;
    make_plan(&plan, query, database->is_past);
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_MAX);
    plan_sql(&plan, &sql);
    sqlite3_stmt *s = NULL, *key = NULL;
    if (sqlite3_prepare_v2(database->db, sql.data, -1, &s, NULL) != SQLITE_OK) {
        return database_fail(database, err);
    }
    enum found found = FOUND;
    if (query->after_id != 0 && plan.sort->key[0] != '\0') {
        found = bind_key(database, &plan, s, &key, err);
    }
    bool is_good = found == MISSING;
    if (found == MISSING) { /* the row was pruned: nothing tells where to go on */
        *ret_n = 0;
    } else if (found == FOUND) {
        is_good = run_list(database, &plan, s, arena, ret_ids, ret_n, err);
    }
    (void)sqlite3_finalize(key); /* repeats the failure that was seen */
    (void)sqlite3_finalize(s);   /* same */
    return is_good;
}
