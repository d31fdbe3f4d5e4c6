/* SPDX-License-Identifier: MIT */
/*
 * Audit, checked: each row is hashed as it stands in the file, by the bytes that are there,
 * and must carry the hash of the row before. What is wrong with a row that does not hold is
 * found out then, and may look around: a row keeps its hash when it is moved, so that the
 * place for which its hash is right tells what happened to it.
 */
#include "store/audit.h"
#include "store/sqlite_private.h"

/* Places around a row that are tried for the one that it was made for; and beyond the last
 * that is known of. */
#define SEARCH_MAX    200000
#define SEARCH_BEYOND 1000

struct row {
    struct audit_fields fields;
    const uint8_t *hash; /* as the row says; NULL when it or prev has another length */
    bool is_own;         /* it is what the row is made of */
};

struct audit_check {
    struct digest_sum *sum;
    struct audit_mark *marks; /* by n */
    size_t n_marks, next_mark;
    struct audit_mark agreed; /* the last of them that the chain agreed with */
    struct audit_mark head;   /* as the engine noted it, in this step; n 0: none */
    struct audit_verdict verdict;
};

static int by_number(const void *a, const void *b)
{
    const struct audit_mark *left = a, *right = b;
    return (left->n > right->n) - (left->n < right->n);
}

struct audit_check *audit_check_new(const struct audit_mark *marks, size_t n)
{
    struct audit_check *check = mem_alloc(sizeof(*check));
    check->sum = digest_sum_new();
    if (n > 0) {
        check->marks = mem_array(n, sizeof(*marks));
        memcpy(check->marks, marks, n * sizeof(*marks));
        qsort(check->marks, n, sizeof(*marks), by_number);
    }
    check->n_marks = n;
    return check;
}

void audit_check_free(struct audit_check *check)
{
    if (check != NULL) {
        digest_sum_free(check->sum);
        free(check->marks);
        free(check);
    }
}

const struct audit_verdict *audit_check_verdict(const struct audit_check *check)
{
    return &check->verdict;
}

static bool is_same(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, DIGEST_LEN) == 0;
}

static const uint8_t *column_hash(sqlite3_stmt *s, int column)
{
    const void *bytes = sqlite3_column_blob(s, column);
    return bytes != NULL && sqlite3_column_bytes(s, column) == DIGEST_LEN ? bytes : NULL;
}

static bool is_made_for(const struct audit_check *check, const struct row *row, int64_t n)
{
    struct audit_fields fields = row->fields;
    uint8_t hash[DIGEST_LEN];
    fields.n = n;
    audit_hash(check->sum, &fields, hash);
    return is_same(hash, row->hash);
}

/* Borrowed from the statement. */
static void read_row(const struct audit_check *check, sqlite3_stmt *s,
                     struct row *ret_row)
{
    struct row row = {
        .fields = {.n = sqlite3_column_int64(s, 0),
                   .at = sqlite3_column_int64(s, 1),
                   .prev = column_hash(s, AUDIT_TEXT_FIRST + AUDIT_TEXTS)},
        .hash = column_hash(s, AUDIT_TEXT_FIRST + AUDIT_TEXTS + 1)
    };
    for (int i = 0; i < AUDIT_TEXTS; i++) {
        row.fields.texts[i].bytes = sqlite3_column_text(s, AUDIT_TEXT_FIRST + i);
        row.fields.texts[i].len = (size_t)sqlite3_column_bytes(s, AUDIT_TEXT_FIRST + i);
    }
    if (row.fields.prev == NULL) {
        row.hash = NULL;
    }
    row.is_own = row.hash != NULL && is_made_for(check, &row, row.fields.n);
    *ret_row = row;
}

/* ---- what is wrong -------------------------------------------------------------------- */

/* Each may find the file unreadable; then it answers as if the row were not there, and the
 * next reading tells. */
static sqlite3_stmt *find_row(struct database *db, int64_t n)
{
    sqlite3_stmt *s = database_get(db, SLOT_AUDIT_GET, AUDIT_GET);
    if (s == NULL) {
        return NULL;
    }
    bind_int(s, 1, n);
    return sqlite3_step(s) == SQLITE_ROW ? s : NULL;
}

/* Is there a row n that says this of itself (column 10) or of the one before (9)? */
static bool row_says(struct database *db, int64_t n, int column, const uint8_t *hash)
{
    sqlite3_stmt *s = find_row(db, n);
    const uint8_t *said = s != NULL ? column_hash(s, column) : NULL;
    bool is_so = said != NULL && is_same(said, hash);
    if (s != NULL) {
        (void)sqlite3_reset(s); /* it gave its row */
    }
    return is_so;
}

/* The chain holds up to n only. */
static void step_back(struct audit_check *check, struct database *db, int64_t n)
{
    struct audit_mark *good = &check->verdict.good;
    *good = (struct audit_mark){.n = n > 0 ? n : 0};
    sqlite3_stmt *s = n > 0 ? find_row(db, n) : NULL;
    const uint8_t *hash = s != NULL ? column_hash(s, 10) : NULL;
    if (hash != NULL) {
        memcpy(good->hash, hash, DIGEST_LEN);
    }
    if (s != NULL) {
        (void)sqlite3_reset(s); /* it gave its row */
    }
}

static enum audit_step broken(struct audit_check *check, enum audit_fault fault,
                              int64_t n, const char *format, ...) PRINTF_LIKE(4, 5);
static enum audit_step broken(struct audit_check *check, enum audit_fault fault,
                              int64_t n, const char *format, ...)
{
    struct audit_verdict *verdict = &check->verdict;
    va_list args;
    verdict->fault = fault;
    verdict->broken = n;
    va_start(args, format);
    (void)vsnprintf(verdict->text, sizeof(verdict->text), format, args);
    va_end(args);
    return AUDIT_BROKEN;
}

static const char *rows_text(int64_t first, int64_t last, char text[64])
{
    if (first == last) {
        (void)snprintf(text, 64, "row %lld is", (long long)first);
    } else {
        (void)snprintf(text, 64, "rows %lld to %lld are", (long long)first,
                       (long long)last);
    }
    return text;
}

static int64_t last_place(const struct audit_check *check, int64_t n)
{
    int64_t last = check->head.n > n ? check->head.n : n;
    if (check->n_marks > 0 && check->marks[check->n_marks - 1].n > last) {
        last = check->marks[check->n_marks - 1].n;
    }
    return last + SEARCH_BEYOND;
}

/* The place for which a row's hash is right, the nearest first; 0: none around. */
static int64_t place_of(const struct audit_check *check, const struct row *row)
{
    int64_t n = row->fields.n, last = last_place(check, n);
    if (row->hash == NULL) {
        return 0;
    }
    for (int64_t by = 1; by <= SEARCH_MAX && (n > by || n + by <= last); by++) {
        if (n + by <= last && is_made_for(check, row, n + by)) {
            return n + by;
        }
        if (n > by && is_made_for(check, row, n - by)) {
            return n - by;
        }
    }
    return 0;
}

/* The same of the row that stands at n: n when it is right, 0 when there is none. */
static int64_t place_at(const struct audit_check *check, struct database *db, int64_t n)
{
    struct row row;
    sqlite3_stmt *s = find_row(db, n);
    if (s == NULL) {
        return 0;
    }
    read_row(check, s, &row);
    int64_t place = row.is_own ? n : place_of(check, &row);
    (void)sqlite3_reset(s); /* it gave its row */
    return place;
}

static bool is_there(struct database *db, int64_t n)
{
    sqlite3_stmt *s = find_row(db, n);
    if (s != NULL) {
        (void)sqlite3_reset(s); /* it gave its row */
    }
    return s != NULL;
}

/* The hash of the row is not that of what it says. */
static enum audit_step say_not_own(struct audit_check *check, struct database *db,
                                   const struct row *row)
{
    int64_t n = row->fields.n;
    int64_t place = place_of(check, row);
    char text[64];
    if (place == 0 && place_at(check, db, n + 1) == n) {
        return broken(check, AUDIT_INSERTED, n,
                      "row %lld was put in: the real row %lld comes after it",
                      (long long)n, (long long)n);
    }
    if (place == 0) {
        return broken(check, AUDIT_EDITED, n,
                      "row %lld was edited: its content is not what its hash was made of",
                      (long long)n);
    }
    if (place > n && (!is_there(db, n + 1) || place_at(check, db, n + 1) == place + 1)) {
        return broken(check, AUDIT_DELETED, n,
                      "%s missing: those after were given their numbers",
                      rows_text(n, place - 1, text));
    }
    if (place < n && row_says(db, place - 1, 10, row->fields.prev)) {
        step_back(check, db, place - 1);
        return broken(check, AUDIT_INSERTED, place,
                      "%s put in: what stands at %lld is the real row %lld",
                      rows_text(place, n - 1, text), (long long)n, (long long)place);
    }
    return broken(check, AUDIT_REORDERED, n,
                  "what stands at row %lld is the real row %lld", (long long)n,
                  (long long)place);
}

/* The newest row before n with this hash; 0: none. */
static int64_t find_hash(struct database *db, int64_t n, const uint8_t *hash)
{
    sqlite3_stmt *s = NULL;
    int64_t found = 0;
    if (sqlite3_prepare_v2(db->db, "SELECT max(n) FROM audit WHERE n < ?1 AND hash = ?2",
                           -1, &s, NULL) == SQLITE_OK) {
        bind_int(s, 1, n);
        bind_blob(s, 2, hash, DIGEST_LEN);
        found = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    }
    (void)sqlite3_finalize(s); /* see find_row */
    return found;
}

/* The row's hash is right, but it does not follow the row before. */
static enum audit_step say_not_next(struct audit_check *check, struct database *db,
                                    const struct row *row)
{
    static const uint8_t none[DIGEST_LEN];
    int64_t n = row->fields.n;
    char text[64];
    bool is_first = is_same(row->fields.prev, none);
    int64_t before = is_first ? 0 : find_hash(db, n, row->fields.prev);
    if (before > 0 || (is_first && n > 1)) {
        step_back(check, db, before);
        return broken(check, AUDIT_INSERTED, before + 1,
                      "%s put in: row %lld was written after row %lld",
                      rows_text(before + 1, n - 1, text), (long long)n,
                      (long long)before);
    }
    bool is_vouched = row_says(db, n + 1, 9, row->hash) ||
                      (check->head.n == n && is_same(check->head.hash, row->hash));
    if (is_vouched && n > 1) {
        step_back(check, db, n - 2);
        return broken(check, AUDIT_EDITED, n - 1,
                      "row %lld was edited, and its hash with it: row %lld was written "
                      "after another one",
                      (long long)n - 1, (long long)n);
    }
    return broken(check, AUDIT_EDITED, n,
                  "row %lld was edited, and its hash with it: it does not follow the row "
                  "before",
                  (long long)n);
}

static enum audit_step say_wrong(struct audit_check *check, struct database *db,
                                 const struct row *row)
{
    int64_t n = row->fields.n, next = check->verdict.good.n + 1;
    char text[64];
    if (n < 1) {
        return broken(check, AUDIT_INSERTED, n, "row %lld was put before the first",
                      (long long)n);
    }
    if (check->head.n > 0 && n > check->head.n && next > check->head.n) {
        return broken(check, AUDIT_INSERTED, n,
                      "row %lld was put at the end: the engine's last is row %lld",
                      (long long)n, (long long)check->head.n);
    }
    if (n > next) {
        return broken(check, AUDIT_DELETED, next, "%s missing",
                      rows_text(next, n - 1, text));
    }
    return row->is_own ? say_not_next(check, db, row) : say_not_own(check, db, row);
}

/* ---- what was noted outside ---------------------------------------------------------------- */

/* Between the last mark that agrees and this one the chain says of itself that it is whole. */
static enum audit_step say_rewritten(struct audit_check *check, int64_t n)
{
    int64_t first = check->agreed.n + 1;
    check->verdict.good = check->agreed;
    if (first == n) {
        return broken(check, AUDIT_REWRITTEN, n,
                      "row %lld is not the one that was noted outside", (long long)n);
    }
    return broken(check, AUDIT_REWRITTEN, n,
                  "row %lld is not the one that was noted outside; the first that was "
                  "changed is one of %lld to %lld",
                  (long long)n, (long long)first, (long long)n);
}

static enum audit_step meet_marks(struct audit_check *check, const struct row *row)
{
    struct audit_verdict *verdict = &check->verdict;
    for (; check->next_mark < check->n_marks &&
           check->marks[check->next_mark].n <= row->fields.n;
         check->next_mark++) {
        const struct audit_mark *mark = &check->marks[check->next_mark];
        if (!is_same(mark->hash, row->hash)) {
            return say_rewritten(check, mark->n);
        }
        check->agreed = *mark;
        verdict->n_marks++;
    }
    return AUDIT_MORE;
}

static enum audit_step meet_end(struct audit_check *check, bool is_head_noted)
{
    const struct audit_mark *good = &check->verdict.good, *head = &check->head;
    int64_t last = head->n;
    char text[64];
    if (check->next_mark < check->n_marks && check->marks[check->n_marks - 1].n > last) {
        last = check->marks[check->n_marks - 1].n;
    }
    if (last > good->n) {
        return broken(check, AUDIT_TRUNCATED, good->n + 1, "%s missing from the end",
                      rows_text(good->n + 1, last, text));
    }
    if (good->n > 0 && (!is_head_noted || !is_same(head->hash, good->hash))) {
        return broken(check, AUDIT_REWRITTEN, good->n,
                      "row %lld is not the one that the engine noted as its last",
                      (long long)good->n);
    }
    return AUDIT_END;
}

/* ---- steps -------------------------------------------------------------------------------------- */

static enum audit_step check_row(struct audit_check *check, struct database *db,
                                 sqlite3_stmt *s)
{
    struct audit_mark *good = &check->verdict.good;
    struct row row;
    read_row(check, s, &row);
    if (row.fields.n != good->n + 1 || !row.is_own ||
        !is_same(row.fields.prev, good->hash) ||
        (check->head.n > 0 && row.fields.n > check->head.n)) {
        return say_wrong(check, db, &row);
    }
    good->n = row.fields.n;
    memcpy(good->hash, row.hash, DIGEST_LEN);
    return meet_marks(check, &row);
}

static enum audit_step check_page(struct audit_check *check, struct database *db,
                                  size_t max, bool *ret_is_end)
{
    int64_t after = check->verdict.good.n;
    enum audit_step step = AUDIT_MORE;
    size_t n = 0;
    int code = SQLITE_DONE;
    sqlite3_stmt *s = database_get(db, SLOT_AUDIT_PAGE,
                                   "SELECT " AUDIT_COLUMNS
                                   " FROM audit WHERE n > ?1 ORDER BY n LIMIT ?2");
    if (s == NULL) {
        return AUDIT_FAILED;
    }
    bind_int(s, 1, after > 0 ? after : INT64_MIN);
    bind_int(s, 2, max < INT64_MAX ? (int64_t)max : INT64_MAX);
    while (step == AUDIT_MORE && (code = sqlite3_step(s)) == SQLITE_ROW) {
        step = check_row(check, db, s);
        n++;
    }
    if (step == AUDIT_MORE && code != SQLITE_DONE) {
        step = AUDIT_FAILED;
    }
    *ret_is_end = n < max;
    return step;
}

static enum audit_step check_now(struct audit_check *check, struct reader *reader,
                                 size_t max, struct err *err)
{
    struct arena *arena = arena_new();
    const char *head = reader_setting(reader, arena, AUDIT_HEAD_SETTING);
    bool is_noted = audit_mark_parse(head, &check->head), is_end = false;
    arena_free(arena);
    if (!is_noted) {
        check->head = (struct audit_mark){0};
    }
    enum audit_step step = check_page(check, &reader->database, max, &is_end);
    if (step == AUDIT_FAILED) {
        (void)database_fail(&reader->database, err);
    }
    if (reader->database.slots[SLOT_AUDIT_PAGE] != NULL) {
        (void)sqlite3_reset(reader->database.slots[SLOT_AUDIT_PAGE]); /* as above */
    }
    return step == AUDIT_MORE && is_end ? meet_end(check, is_noted) : step;
}

enum audit_step audit_check_step(struct audit_check *check, struct reader *reader,
                                 size_t max, struct err *err)
{
    if (check->verdict.fault != AUDIT_WHOLE) {
        return AUDIT_BROKEN;
    }
    bool is_ours = !reader->is_begun; /* rows and head must be of one moment */
    if (is_ours && !reader_begin(reader, err)) {
        return AUDIT_FAILED;
    }
    enum audit_step step = check_now(check, reader, max, err);
    if (is_ours) {
        reader_end(reader);
    }
    return step;
}
