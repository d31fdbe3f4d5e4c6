/* SPDX-License-Identifier: MIT */
/*
 * Audit: whatever is done to the rows behind the engine's back, the check sees it and names
 * the first row that is wrong. The tests write into the file as somebody with the sqlite3
 * shell would; who is clever computes hashes anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "store/audit_file.h"
#include "store/sqlite_private.h"
#include "tests/lib/place.h"

#define N_ROWS 9

static int64_t add_row(struct store *store, int i)
{
    AUTO_FREE char *subject = mem_printf("wf-%d", i);
    return store_add_audit(store, &(struct audit_row){.at = {1700000000000 + i},
                                                      .actor = i % 2 ? "ada" : "grace",
                                                      .role = "operator",
                                                      .origin = "cli",
                                                      .act = i % 3 ? "approve" : "cancel",
                                                      .subject = subject,
                                                      .outcome = "done",
                                                      .detail = "{\"reason\":\"why\"}"});
}

/* Rows 1..n, in batches of two. */
static void fill(const struct place *place, int n)
{
    struct store *store = place_store(place);
    for (int i = 1; i <= n; i++) {
        assert_int_equal(add_row(store, i), i);
        if (i % 2 == 0) {
            must_commit(store);
        }
    }
    must_commit(store);
    assert_int_equal(store_audit_head(store).n, n);
    store_close(store);
}

static void tamper(const struct place *place, const char *sql)
{
    struct err err = ERR_INIT;
    struct database database;
    assert_true(database_open(&database, place->path, DATABASE_WRITE, &err));
    if (!database_exec(&database, sql, &err)) {
        fail_msg("%s: %s", sql, err.msg);
    }
    database_close(&database);
}

/* From the row n on everything follows as it should, the head too. */
static void hash_anew(const struct place *place, int64_t from)
{
    struct err err = ERR_INIT;
    struct database database;
    struct digest_sum *sum = digest_sum_new();
    struct audit_mark head = {0};
    assert_true(database_open(&database, place->path, DATABASE_WRITE, &err));
    sqlite3_stmt *get = NULL, *put = NULL;
    assert_int_equal(sqlite3_prepare_v2(database.db,
                                        "SELECT " AUDIT_COLUMNS
                                        " FROM audit WHERE n >= ?1 - 1 ORDER BY n",
                                        -1, &get, NULL),
                     SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(database.db,
                           "UPDATE audit SET prev = ?2, hash = ?3 WHERE n = ?1", -1, &put,
                           NULL),
        SQLITE_OK);
    bind_int(get, 1, from);
    while (sqlite3_step(get) == SQLITE_ROW) {
        struct audit_fields fields = {.n = sqlite3_column_int64(get, 0),
                                      .at = sqlite3_column_int64(get, 1)};
        uint8_t prev[DIGEST_LEN];
        memcpy(prev, head.hash, DIGEST_LEN);
        head.n = fields.n;
        if (fields.n < from) {
            memcpy(head.hash, sqlite3_column_blob(get, 10), DIGEST_LEN);
            continue;
        }
        for (int i = 0; i < AUDIT_TEXTS; i++) {
            fields.texts[i].bytes = sqlite3_column_text(get, AUDIT_TEXT_FIRST + i);
            fields.texts[i].len = (size_t)sqlite3_column_bytes(get, AUDIT_TEXT_FIRST + i);
        }
        fields.prev = prev;
        audit_hash(sum, &fields, head.hash);
        (void)sqlite3_reset(put);
        bind_int(put, 1, fields.n);
        bind_blob(put, 2, prev, DIGEST_LEN);
        bind_blob(put, 3, head.hash, DIGEST_LEN);
        assert_int_equal(sqlite3_step(put), SQLITE_DONE);
    }
    (void)sqlite3_finalize(get);
    (void)sqlite3_finalize(put);
    digest_sum_free(sum);
    char text[AUDIT_MARK_TEXT];
    AUTO_FREE char *sql =
        mem_printf("INSERT OR REPLACE INTO setting VALUES ('audit_head', '%s')",
                   audit_mark_format(&head, text));
    assert_true(database_exec(&database, sql, &err));
    database_close(&database);
}

/* The whole check, in steps of `max` rows. */
static struct audit_verdict verify_in(const struct place *place, size_t max,
                                      const struct audit_mark *marks, size_t n)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(place);
    struct audit_check *check = audit_check_new(marks, n);
    enum audit_step step;
    while ((step = audit_check_step(check, reader, max, &err)) == AUDIT_MORE) {
    }
    struct audit_verdict verdict = *audit_check_verdict(check);
    assert_int_equal(step, verdict.fault == AUDIT_WHOLE ? AUDIT_END : AUDIT_BROKEN);
    assert_int_equal(verdict.text[0] == '\0', verdict.fault == AUDIT_WHOLE);
    audit_check_free(check);
    reader_close(reader);
    return verdict;
}

static struct audit_verdict verify(const struct place *place)
{
    struct audit_verdict verdict = verify_in(place, SIZE_MAX, NULL, 0);
    for (size_t max = 1; max < 4; max++) { /* however it is divided */
        struct audit_verdict other = verify_in(place, max, NULL, 0);
        assert_int_equal(other.fault, verdict.fault);
        assert_int_equal(other.broken, verdict.broken);
        assert_int_equal(other.good.n, verdict.good.n);
    }
    return verdict;
}

static void must_be(struct audit_verdict verdict, enum audit_fault fault, int64_t broken)
{
    if (verdict.fault != fault || verdict.broken != broken) {
        fail_msg("%s %lld (%s), not %s %lld", audit_fault_word(verdict.fault),
                 (long long)verdict.broken, verdict.text, audit_fault_word(fault),
                 (long long)broken);
    }
    if (fault != AUDIT_WHOLE && fault != AUDIT_REWRITTEN && broken > 0 && broken <= 20) {
        assert_int_equal(verdict.good.n, broken - 1);
    }
}

/* ---- writing ---- */

static void rows_come_back_chained(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    const struct audit_row *rows;
    size_t n;
    fill(place, 3);
    struct reader *reader = place_reader(place);
    assert_true(reader_audit(reader, place->arena, &(struct audit_query){.max = 10},
                             &rows, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(rows[0].n, 3);
    assert_string_equal(rows[0].actor, "ada");
    assert_string_equal(rows[0].act, "cancel");
    assert_string_equal(rows[0].subject, "wf-3");
    assert_string_equal(rows[0].detail, "{\"reason\":\"why\"}");
    assert_memory_equal(rows[0].prev, rows[1].hash, DIGEST_LEN);
    assert_memory_equal(rows[1].prev, rows[2].hash, DIGEST_LEN);
    static const uint8_t none[DIGEST_LEN];
    assert_memory_equal(rows[2].prev, none, DIGEST_LEN);
    struct audit_row one;
    assert_int_equal(reader_audit_row(reader, place->arena, 2, &one, &err), FOUND);
    assert_memory_equal(one.hash, rows[1].hash, DIGEST_LEN);
    assert_int_equal(reader_audit_row(reader, place->arena, 4, &one, &err), MISSING);
    struct audit_mark head;
    assert_true(reader_audit_head(reader, &head, &err));
    assert_int_equal(head.n, 3);
    assert_memory_equal(head.hash, rows[0].hash, DIGEST_LEN);
    reader_close(reader);
}

/* Computed by hand, as the header says (and by sha256sum for this text). */
static void the_hash_is_as_documented(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    (void)store_add_audit(store, &(struct audit_row){.at = {0x0102030405060708},
                                                     .actor = "ada",
                                                     .act = "pause",
                                                     .subject = "wf-12",
                                                     .outcome = "done",
                                                     .detail = "{}"});
    must_commit(store);
    AUTO_BUF struct buf text;
    buf_init(&text, 4096);
    static const char zeros[DIGEST_LEN];
    (void)buf_str(&text, "signalbox audit 1\n");
    (void)buf_add(&text, zeros, DIGEST_LEN);
    (void)buf_add(&text, "\0\0\0\0\0\0\0\1\1\2\3\4\5\6\7\10", 16);
    (void)buf_add(&text, "\0\0\0\0\0\0\0\3ada", 11);
    (void)buf_add(&text, zeros, 16); /* role, origin */
    (void)buf_add(&text, "\0\0\0\0\0\0\0\5pause", 13);
    (void)buf_add(&text, "\0\0\0\0\0\0\0\5wf-12", 13);
    (void)buf_add(&text, "\0\0\0\0\0\0\0\4done", 12);
    (void)buf_add(&text, "\0\0\0\0\0\0\0\2{}", 10);
    uint8_t wanted[DIGEST_LEN];
    digest_sha256(text.data, text.len, wanted);
    struct reader *reader = place_reader(place);
    struct audit_row row;
    assert_int_equal(reader_audit_row(reader, place->arena, 1, &row, &err), FOUND);
    assert_memory_equal(row.hash, wanted, DIGEST_LEN);
    reader_close(reader);
    store_close(store);
}

static void long_texts_are_cut(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    char actor[400], detail[AUDIT_DETAIL_MAX + 2];
    memset(actor, 'a', sizeof(actor));
    memcpy(actor + 253, "\xe2\x82\xac", 3); /* bytes 253 to 255: one too many */
    actor[sizeof(actor) - 1] = '\0';
    memset(detail, 'd', sizeof(detail));
    detail[sizeof(detail) - 1] = '\0';
    struct store *store = place_store(place);
    (void)store_add_audit(store, &(struct audit_row){.actor = actor, .detail = detail});
    must_commit(store);
    store_close(store);
    struct reader *reader = place_reader(place);
    struct audit_row row;
    assert_int_equal(reader_audit_row(reader, place->arena, 1, &row, &err), FOUND);
    assert_int_equal(strlen(row.actor), 253);
    assert_string_equal(row.detail, "{\"cut\":true}");
    reader_close(reader);
    must_be(verify(place), AUDIT_WHOLE, 0);
}

/* Filters, one at a time and together; the stream gives the same, oldest first. */
static bool on_row(void *user, const struct audit_row *row)
{
    (void)buf_printf(user, "%lld ", (long long)row->n);
    return row->n < 8;
}

static void must_list(const struct place *place, struct audit_query query,
                      const char *wanted)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(place);
    const struct audit_row *rows;
    size_t n;
    AUTO_BUF struct buf text;
    buf_init(&text, 1000);
    query.max = query.max > 0 ? query.max : 100;
    assert_true(reader_audit(reader, place->arena, &query, &rows, &n, &err));
    for (size_t i = 0; i < n; i++) {
        (void)buf_printf(&text, "%lld ", (long long)rows[i].n);
    }
    assert_string_equal(text.data, wanted);
    reader_close(reader);
}

static void lists_are_filtered(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    fill(place, N_ROWS);
    must_list(place, (struct audit_query){0}, "9 8 7 6 5 4 3 2 1 ");
    must_list(place, (struct audit_query){.max = 2}, "9 8 ");
    must_list(place, (struct audit_query){.before_n = 8, .max = 2}, "7 6 ");
    must_list(place, (struct audit_query){.actor = "ada"}, "9 7 5 3 1 ");
    must_list(place, (struct audit_query){.actor = "ad"}, "");
    must_list(place, (struct audit_query){.act = "cancel"}, "9 6 3 ");
    must_list(place, (struct audit_query){.act = "cancel", .actor = "ada"}, "9 3 ");
    must_list(place, (struct audit_query){.subject = "wf-4"}, "4 ");
    must_list(place, (struct audit_query){.text = "WF-4"}, "4 ");
    must_list(place, (struct audit_query){.text = "race"}, "8 6 4 2 ");
    must_list(place,
              (struct audit_query){.since = {1700000000003}, .until = {1700000000005}},
              "4 3 ");
    AUTO_BUF struct buf text;
    buf_init(&text, 1000);
    struct reader *reader = place_reader(place);
    assert_true(reader_audit_each(reader, &(struct audit_query){.actor = "ada"}, on_row,
                                  &text, &err));
    assert_string_equal(text.data, "1 3 5 7 9 ");
    buf_clear(&text);
    assert_true(reader_audit_each(reader, &(struct audit_query){0}, on_row, &text, &err));
    assert_string_equal(text.data, "1 2 3 4 5 6 7 8 "); /* it said that it was enough */
    reader_close(reader);
}

/* ---- what is seen ---- */

static void an_untouched_chain_is_whole(void **state)
{
    struct place *place = *state;
    store_close(place_store(place));
    must_be(verify(place), AUDIT_WHOLE, 0); /* also an empty one */
    fill(place, N_ROWS);
    struct audit_verdict verdict = verify(place);
    must_be(verdict, AUDIT_WHOLE, 0);
    assert_int_equal(verdict.good.n, N_ROWS);
}

/* Each field of each row, by an ordinary UPDATE. */
static void each_edit_is_seen(void **state)
{
    struct place *place = *state;
    static const char *const edits[] = {
        "at = at + 1",
        "actor = actor || 'x'",
        "actor = 'eve'",
        "role = ''",
        "origin = 'console'",
        "act = 'pause'",
        "subject = subject || '1'",
        "outcome = 'refused'",
        "detail = '{}'",
        "detail = detail || char(0) || 'x'",
        "role = role || substr(origin, 1, 1), origin = substr(origin, 2)",
        "prev = zeroblob(31)",
        "prev = randomblob(32)",
        "hash = randomblob(32)",
        "hash = x''",
        "hash = CAST(hash || x'00' AS BLOB)",
    };
    fill(place, N_ROWS);
    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        for (int n = 1; n <= N_ROWS; n += 4) {
            AUTO_FREE char *edit =
                mem_printf("CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM audit;"
                           "UPDATE audit SET %s WHERE n = %d",
                           edits[i], n);
            tamper(place, edit);
            must_be(verify(place), AUDIT_EDITED, n);
            tamper(place, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
            must_be(verify(place), AUDIT_WHOLE, 0);
        }
    }
    tamper(place, "UPDATE audit SET outcome = 'x' WHERE n IN (4, 7)");
    must_be(verify(place), AUDIT_EDITED, 4); /* the first */
}

/* Who edits and makes the row's own hash right is seen by the row after. */
static void an_edit_with_its_hash_is_seen(void **state)
{
    struct place *place = *state;
    fill(place, N_ROWS);
    tamper(place, "CREATE TABLE kept AS SELECT * FROM audit WHERE n <> 5;"
                  "CREATE TABLE head AS SELECT * FROM setting WHERE key = 'audit_head';"
                  "UPDATE audit SET actor = 'eve' WHERE n = 5");
    hash_anew(place, 5);
    tamper(place, "DELETE FROM audit WHERE n <> 5; INSERT INTO audit SELECT * FROM kept;"
                  "INSERT OR REPLACE INTO setting SELECT * FROM head");
    must_be(verify(place), AUDIT_EDITED, 5);
}

static void deletions_are_seen(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *sql;
        int64_t broken;
    } cases[] = {
        {"DELETE FROM audit WHERE n = 1",                                                  1},
        {"DELETE FROM audit WHERE n = 5",                                                  5},
        {"DELETE FROM audit WHERE n IN (4, 5, 6)",                                         4},
        {"DELETE FROM audit WHERE n = 5; UPDATE audit SET n = -n WHERE n > 5;"
         "UPDATE audit SET n = -n - 1 WHERE n < 0",                               5},
        {"DELETE FROM audit WHERE n IN (5, 6, 7); UPDATE audit SET n = n - 3 WHERE n > 7",
         5                                                                                  },
        {"DELETE FROM audit WHERE n = 8; UPDATE audit SET n = 8 WHERE n = 9",              8},
        {"DELETE FROM audit WHERE n = 1; UPDATE audit SET n = -n WHERE n > 1;"
         "UPDATE audit SET n = -n - 1 WHERE n < 0",                               1},
    };
    fill(place, N_ROWS);
    tamper(place, "CREATE TABLE kept AS SELECT * FROM audit");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        tamper(place, cases[i].sql);
        must_be(verify(place), AUDIT_DELETED, cases[i].broken);
        tamper(place, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
    }
}

static void new_orders_are_seen(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *sql;
        int64_t broken;
    } cases[] = {
        {"UPDATE audit SET n = -5 WHERE n = 5; UPDATE audit SET n = 5 WHERE n = 7;"
         "UPDATE audit SET n = 7 WHERE n = -5",    5},
        {"UPDATE audit SET n = -5 WHERE n = 5; UPDATE audit SET n = 5 WHERE n = 6;"
         "UPDATE audit SET n = 6 WHERE n = -5",    5},
        {"UPDATE audit SET n = -1 WHERE n = 1; UPDATE audit SET n = 1 WHERE n = 9;"
         "UPDATE audit SET n = 9 WHERE n = -1",    1},
        {"UPDATE audit SET n = -8 WHERE n = 8; UPDATE audit SET n = 8 WHERE n = 9;"
         "UPDATE audit SET n = 9 WHERE n = -8",    8},
        {"UPDATE audit SET n = -n WHERE n >= 4; UPDATE audit SET n = 4 WHERE n = -9;"
         "UPDATE audit SET n = 1 - n WHERE n < 0", 4},
    };
    fill(place, N_ROWS);
    tamper(place, "CREATE TABLE kept AS SELECT * FROM audit");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        tamper(place, cases[i].sql);
        must_be(verify(place), AUDIT_REORDERED, cases[i].broken);
        tamper(place, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
    }
}

/* A copy of row 2 as a new row n; those from n on were moved by one before. */
#define MAKE_ROOM                                                                        \
    "UPDATE audit SET n = -n WHERE n >= 5; UPDATE audit SET n = 1 - n WHERE n < 0;"
#define COPY(n)                                                                          \
    "INSERT INTO audit SELECT " n ", at, 'eve', role, origin, act, subject, outcome,"    \
    " detail, prev, hash FROM audit WHERE n = 2"

static void insertions_are_seen(void **state)
{
    struct place *place = *state;
    fill(place, N_ROWS);
    tamper(place, "CREATE TABLE kept AS SELECT * FROM audit;"
                  "CREATE TABLE head AS SELECT * FROM setting WHERE key = 'audit_head'");
    tamper(place, MAKE_ROOM COPY("5"));
    must_be(verify(place), AUDIT_INSERTED, 5);

    tamper(place, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
    tamper(place, COPY("0"));
    must_be(verify(place), AUDIT_INSERTED, 0);
    tamper(place, "UPDATE audit SET n = -77 WHERE n = 0");
    must_be(verify(place), AUDIT_INSERTED, -77);

    tamper(place, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
    tamper(place, COPY("10"));
    must_be(verify(place), AUDIT_INSERTED, 10);
    tamper(place, "UPDATE audit SET n = 4000000000 WHERE n = 10");
    must_be(verify(place), AUDIT_INSERTED, 4000000000);

    /* One that follows the row before it, with those after as they were. */
    tamper(place, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
    tamper(place, "DELETE FROM audit WHERE n >= 5;" COPY("5"));
    hash_anew(place, 5);
    tamper(place, "INSERT INTO audit SELECT n + 1, at, actor, role, origin, act, subject,"
                  " outcome, detail, prev, hash FROM kept WHERE n >= 5;"
                  "INSERT OR REPLACE INTO setting SELECT * FROM head");
    struct audit_verdict verdict = verify(place);
    must_be(verdict, AUDIT_INSERTED, 5);
    assert_non_null(strstr(verdict.text, "row 5 is put in"));
}

static void a_cut_end_is_seen(void **state)
{
    struct place *place = *state;
    fill(place, N_ROWS);
    tamper(place, "CREATE TABLE kept AS SELECT * FROM audit");
    tamper(place, "DELETE FROM audit WHERE n > 6");
    must_be(verify(place), AUDIT_TRUNCATED, 7);
    tamper(place, "DELETE FROM audit");
    must_be(verify(place), AUDIT_TRUNCATED, 1);
    tamper(place, "INSERT INTO audit SELECT * FROM kept;"
                  "DELETE FROM setting WHERE key = 'audit_head'");
    must_be(verify(place), AUDIT_REWRITTEN, 9);
    tamper(place, "INSERT INTO setting VALUES ('audit_head', 'nonsense')");
    must_be(verify(place), AUDIT_REWRITTEN, 9);
}

static struct audit_mark mark_of(const struct place *place, int64_t n)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(place);
    struct audit_row row;
    assert_int_equal(reader_audit_row(reader, place->arena, n, &row, &err), FOUND);
    reader_close(reader);
    struct audit_mark mark = {.n = n};
    memcpy(mark.hash, row.hash, DIGEST_LEN);
    return mark;
}

/* Who cuts the end and notes the new head in the store, or makes the whole chain anew, is
 * seen by what was noted outside only. */
static void what_was_noted_outside_counts(void **state)
{
    struct place *place = *state;
    fill(place, N_ROWS);
    const struct audit_mark marks[] = {mark_of(place, 8), mark_of(place, 3),
                                       mark_of(place, 3)};
    struct audit_verdict verdict = verify_in(place, 2, marks, ARRAY_LEN(marks));
    must_be(verdict, AUDIT_WHOLE, 0);
    assert_int_equal(verdict.n_marks, 3);

    tamper(place, "CREATE TABLE kept AS SELECT * FROM audit;"
                  "DELETE FROM audit WHERE n > 6");
    hash_anew(place, 6);
    must_be(verify(place), AUDIT_WHOLE, 0);
    verdict = verify_in(place, 2, marks, ARRAY_LEN(marks));
    must_be(verdict, AUDIT_TRUNCATED, 7);
    assert_non_null(strstr(verdict.text, "rows 7 to 8 are missing"));

    tamper(place, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept;"
                  "UPDATE audit SET actor = 'eve' WHERE n = 5");
    hash_anew(place, 5);
    must_be(verify(place), AUDIT_WHOLE, 0);
    must_be(verify_in(place, 2, marks, 1), AUDIT_REWRITTEN, 8);
    verdict = verify_in(place, 2, marks, ARRAY_LEN(marks));
    must_be(verdict, AUDIT_REWRITTEN, 8);
    assert_int_equal(verdict.good.n, 3);
    assert_non_null(strstr(verdict.text, "one of 4 to 8"));
    must_be(verify_in(place, 2, marks + 1, 2), AUDIT_WHOLE,
            0); /* noted before the edit */
}

/* A check goes on with what comes after, and stays at what it found. */
static void a_check_goes_on(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    fill(place, 3);
    struct reader *reader = place_reader(place);
    struct audit_check *check = audit_check_new(NULL, 0);
    assert_int_equal(audit_check_step(check, reader, 2, &err), AUDIT_MORE);
    assert_int_equal(audit_check_step(check, reader, 2, &err), AUDIT_END);
    assert_int_equal(audit_check_step(check, reader, 2, &err), AUDIT_END);
    struct store *store = place_store(place);
    assert_int_equal(add_row(store, 4), 4);
    must_commit(store);
    assert_int_equal(audit_check_step(check, reader, 2, &err), AUDIT_END);
    assert_int_equal(audit_check_verdict(check)->good.n, 4);
    assert_int_equal(add_row(store, 5), 5);
    must_commit(store);
    tamper(place, "UPDATE audit SET act = 'x' WHERE n = 5");
    assert_int_equal(audit_check_step(check, reader, 2, &err), AUDIT_BROKEN);
    tamper(place, "UPDATE audit SET act = 'approve' WHERE n = 5");
    assert_int_equal(audit_check_step(check, reader, 2, &err), AUDIT_BROKEN);
    assert_int_equal(audit_check_verdict(check)->broken, 5);
    store_close(store);
    audit_check_free(check);
    reader_close(reader);
}

/* ---- the writer goes on ---- */

/* What was done while no engine ran is not covered up by what it writes afterwards. */
static void the_engine_covers_nothing_up(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *sql;
        enum audit_fault fault;
        int64_t broken;
    } cases[] = {
        {"DELETE FROM audit WHERE n > 6",                    AUDIT_DELETED,  7                  },
        {"DELETE FROM audit",                                AUDIT_DELETED,  1                  },
        {COPY("10"),                                         AUDIT_EDITED,   10                 },
        {COPY("3000000000000000000"),                        AUDIT_DELETED,  10                 },
        {COPY("9000000000000000000"),                        AUDIT_INSERTED, 9000000000000000000},
        {"UPDATE audit SET hash = zeroblob(32) WHERE n = 9", AUDIT_EDITED,   9                  },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)unlink(place->path);
        fill(place, N_ROWS);
        tamper(place, cases[i].sql);
        struct store *store = place_store(place);
        (void)add_row(store, 20);
        must_commit(store);
        store_close(store);
        must_be(verify(place), cases[i].fault, cases[i].broken);
    }
    /* One that follows, as far as it can be told without the engine's note. */
    (void)unlink(place->path);
    fill(place, N_ROWS);
    tamper(place,
           "CREATE TABLE head AS SELECT * FROM setting WHERE key = 'audit_head';" COPY(
               "10"));
    hash_anew(place, 10);
    tamper(place, "INSERT OR REPLACE INTO setting SELECT * FROM head");
    must_be(verify(place), AUDIT_INSERTED, 10);
    struct store *store = place_store(place);
    assert_int_equal(add_row(store, 20), 11);
    must_commit(store);
    store_close(store);
    must_be(verify(place), AUDIT_INSERTED, 10);
}

/* A batch that fails once or twice leaves no trace in the chain. */
static void a_failed_commit_keeps_the_chain(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    fill(place, 3);
    struct store *store = place_store(place);
    struct database other;
    assert_true(database_open(&other, place->path, DATABASE_WRITE, &err));
    assert_true(database_exec(&other,
                              "CREATE TRIGGER no BEFORE INSERT ON event BEGIN"
                              " SELECT RAISE(ABORT, 'not now'); END",
                              &err));
    assert_int_equal(add_row(store, 4), 4);
    (void)store_add_event(store, &(struct event_row){.kind = "k", .actor = "a"});
    for (int i = 0; i < 3; i++) {
        assert_false(store_commit(store, &err));
        assert_int_equal(store_audit_head(store).n, 3);
        must_be(verify(place), AUDIT_WHOLE, 0);
        assert_int_equal(add_row(store, 5 + i), 5 + i); /* between the tries */
    }
    assert_true(database_exec(&other, "DROP TRIGGER no", &err));
    must_commit(store);
    assert_int_equal(store_audit_head(store).n, 7);
    assert_int_equal(add_row(store, 8), 8);
    must_commit(store);
    struct audit_verdict verdict = verify(place);
    must_be(verdict, AUDIT_WHOLE, 0);
    assert_int_equal(verdict.good.n, 8);
    assert_memory_equal(verdict.good.hash, store_audit_head(store).hash, DIGEST_LEN);
    database_close(&other);
    store_close(store);
}

/* A row that somebody put where the next one belongs makes way for it. */
static void a_row_in_the_way_makes_way(void **state)
{
    struct place *place = *state;
    fill(place, 3);
    struct store *store = place_store(place);
    tamper(place, COPY("4"));
    must_be(verify(place), AUDIT_INSERTED, 4);
    assert_int_equal(add_row(store, 4), 4);
    must_commit(store);
    must_be(verify(place), AUDIT_WHOLE, 0);
    store_close(store);
}

/* ---- the side file ---- */

static struct audit_mark some_mark(int64_t n)
{
    struct audit_mark mark = {.n = n};
    memset(mark.hash, (int)(n & 255), DIGEST_LEN);
    return mark;
}

static void must_note(struct audit_file *file, int64_t n, int64_t at, bool is_last)
{
    struct err err = ERR_INIT;
    struct audit_mark mark = some_mark(n);
    assert_true(audit_file_note(file, &mark, (struct wall){at}, is_last, &err));
}

static void must_hold(const struct place *place, const char *wanted, size_t n_bad)
{
    struct err err = ERR_INIT;
    struct audit_notes notes = {0};
    AUTO_BUF struct buf text;
    buf_init(&text, 10000);
    assert_int_equal(audit_file_read(place->path, &notes, &err), FOUND);
    for (size_t i = 0; i < notes.n; i++) {
        (void)buf_printf(&text, "%lld ", (long long)notes.marks[i].n);
        struct audit_mark mark = some_mark(notes.marks[i].n);
        assert_memory_equal(notes.marks[i].hash, mark.hash, DIGEST_LEN);
    }
    assert_string_equal(text.data, wanted);
    assert_int_equal(notes.n_bad, n_bad);
    audit_notes_fini(&notes);
}

#define T0 INT64_C(1700000000000)

static void heads_are_noted_each_second(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct stat st;
    struct audit_notes notes = {0};
    AUTO_FREE char *path = mem_printf("%s-audit", place->path);
    struct audit_file *file = audit_file_new(place->path);
    assert_int_equal(audit_file_read(place->path, &notes, &err), MISSING);
    must_note(file, 0, T0, true); /* nothing to tell */
    assert_false(file_exists(path));
    must_note(file, 1, T0, false);
    assert_false(wall_is_set(audit_file_wake_at(file)));
    must_note(file, 2, T0 + 500, false);
    must_note(file, 3, T0 + 999, false);
    assert_int_equal(audit_file_wake_at(file).ms, T0 + 1000);
    must_hold(place, "1 ", 0);
    must_note(file, 3, T0 + 1000, false);
    assert_false(wall_is_set(audit_file_wake_at(file)));
    must_note(file, 3, T0 + 5000, true); /* told already */
    must_note(file, 4, T0 + 1001, false);
    must_note(file, 4, T0 + 1002, true);
    must_hold(place, "1 3 4 ", 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    must_note(file, 5, T0 - 1000000, false);        /* the clock went back */
    assert_int_equal(rename(path, place->path), 0); /* somebody takes it away */
    must_note(file, 6, T0 + 3000, false);
    must_hold(place, "6 ", 0);
    audit_file_free(file);
    assert_int_equal(audit_file_read(place->path, &notes, &err), FOUND);
    assert_int_equal(notes.last.ms, T0 + 3000);
    audit_notes_fini(&notes);
}

static void what_is_no_line_is_counted(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    AUTO_FREE char *path = mem_printf("%s-audit", place->path);
    char hex[DIGEST_TEXT_MAX];
    struct audit_mark mark = some_mark(7);
    (void)digest_format(mark.hash, hex);
    AUTO_FREE char *text =
        mem_printf("7 %s 2026-11-22T14:03:07Z\n"
                   "\n"
                   "x %s 2026-11-22T14:03:07Z\n"
                   "0 %s 2026-11-22T14:03:07Z\n"
                   "1234567890123456789 %s 2026-11-22T14:03:07Z\n"
                   "7 %.63s 2026-11-22T14:03:07Z\n"
                   "7 %sf 2026-11-22T14:03:07Z\n"
                   "7 %s yesterday\n"
                   "7 %s \n"
                   "7 %s\n"
                   "7\n"
                   "7 %s 2026-11-22T14:03:07Z and so on for longer than any time is\n"
                   "7 %s 2026-11-22T14:03:07Z\n"
                   "8 %s 2026-11-22T14:",
                   hex, hex, hex, hex, hex, hex, hex, hex, hex, hex, hex, hex);
    assert_true(file_write(path, text, strlen(text), &err));
    must_hold(place, "7 7 ", 11);
    /* The torn line is ended before the next one begins. */
    struct audit_file *file = audit_file_new(place->path);
    must_note(file, 9, T0, false);
    audit_file_free(file);
    must_hold(place, "7 7 9 ", 12);
    for (size_t len = 0; len < strlen(text); len++) { /* torn anywhere */
        struct audit_notes notes = {0};
        assert_true(file_write(path, text, len, &err));
        assert_int_equal(audit_file_read(place->path, &notes, &err), FOUND);
        audit_notes_fini(&notes);
    }
}

/* Two days at a line each ten seconds: the file stays small, and a number that went back stays. */
static void old_lines_are_thinned_out(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct audit_notes notes = {0};
    struct audit_file *file = audit_file_new(place->path);
    struct stat st;
    AUTO_FREE char *path = mem_printf("%s-audit", place->path);
    int64_t n = 0, max = 0;
    for (int64_t i = 0; i < 17280; i++) {
        n = i == 1000 ? 500 : n + 1;
        must_note(file, n, T0 + i * 10000, false);
        if (i % 100 == 0) {
            assert_int_equal(stat(path, &st), 0);
            max = st.st_size > max ? st.st_size : max;
        }
    }
    audit_file_free(file);
    assert_in_range(max, 500000, 550000);
    assert_int_equal(audit_file_read(place->path, &notes, &err), FOUND);
    assert_in_range(notes.n, 360, 6000);
    assert_int_equal(notes.n_bad, 0);
    bool has_gone_back = false;
    for (size_t i = 1; i < notes.n; i++) {
        has_gone_back |= notes.marks[i - 1].n == 1000;
    }
    assert_true(has_gone_back);
    assert_int_equal(notes.marks[notes.n - 1].n, n);
    audit_notes_fini(&notes);
}

static void a_full_disk_is_told_and_tried_again(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    AUTO_FREE char *path = mem_printf("%s-audit", place->path);
    assert_int_equal(symlink("/dev/full", path), 0); /* not followed */
    struct audit_file *file = audit_file_new(place->path);
    struct audit_mark mark = some_mark(1);
    assert_false(audit_file_note(file, &mark, (struct wall){T0}, false, &err));
    assert_true(audit_file_note(file, &mark, (struct wall){T0 + 10}, false, &err));
    assert_int_equal(audit_file_wake_at(file).ms, T0 + 1000);
    assert_int_equal(unlink(path), 0);
    assert_true(audit_file_note(file, &mark, (struct wall){T0 + 1000}, false, &err));
    must_hold(place, "1 ", 0);
    audit_file_free(file);
}

static void marks_are_parsed_exactly(void **state)
{
    (void)state;
    struct audit_mark mark;
    char text[AUDIT_MARK_TEXT + 8];
    struct audit_mark given = some_mark(42);
    (void)audit_mark_format(&given, text);
    assert_true(audit_mark_parse(text, &mark));
    assert_int_equal(mark.n, 42);
    assert_memory_equal(mark.hash, given.hash, DIGEST_LEN);
    AUTO_FREE char *longer = mem_printf("%s0", text);
    AUTO_FREE char *blank = mem_printf(" %s", text);
    AUTO_FREE char *zero = mem_printf("0%s", text + 2);
    assert_false(audit_mark_parse(longer, &mark));
    assert_false(audit_mark_parse(blank, &mark));
    assert_false(audit_mark_parse(zero, &mark));
    text[strlen(text) - 1] = '\0';
    assert_false(audit_mark_parse(text, &mark));
    assert_false(audit_mark_parse("42:", &mark));
    assert_false(audit_mark_parse("42", &mark));
    assert_false(audit_mark_parse("", &mark));
    assert_false(audit_mark_parse("-1:00", &mark));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(rows_come_back_chained),
        PLACE_TEST(the_hash_is_as_documented),
        PLACE_TEST(long_texts_are_cut),
        PLACE_TEST(lists_are_filtered),
        PLACE_TEST(an_untouched_chain_is_whole),
        PLACE_TEST(each_edit_is_seen),
        PLACE_TEST(an_edit_with_its_hash_is_seen),
        PLACE_TEST(deletions_are_seen),
        PLACE_TEST(new_orders_are_seen),
        PLACE_TEST(insertions_are_seen),
        PLACE_TEST(a_cut_end_is_seen),
        PLACE_TEST(what_was_noted_outside_counts),
        PLACE_TEST(a_check_goes_on),
        PLACE_TEST(the_engine_covers_nothing_up),
        PLACE_TEST(a_failed_commit_keeps_the_chain),
        PLACE_TEST(a_row_in_the_way_makes_way),
        PLACE_TEST(heads_are_noted_each_second),
        PLACE_TEST(what_is_no_line_is_counted),
        PLACE_TEST(old_lines_are_thinned_out),
        PLACE_TEST(a_full_disk_is_told_and_tried_again),
        cmocka_unit_test(marks_are_parsed_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
