/* SPDX-License-Identifier: MIT */
/*
 * Audit, written: a row gets its number when it is collected, and its hash when it is
 * applied, from the head as the transaction has it. A transaction that was rolled back leaves
 * the head as it was, so the same batch applied again gives the same chain.
 *
 * Where the writer goes on after a start is said by the head that it noted in the store with
 * each commit. Rows that somebody took off the end, or put there, while no engine ran, are so
 * a gap in the numbers or in the hashes, for ever.
 */
#include "store/audit.h"

#include "engine/base/text.h"
#include "store/sqlite_private.h"

#define MAGIC "signalbox audit 1\n"

static const char *const words[] = {
#define X(id, word, help) word,
    AUDIT_FAULT_LIST(X)
#undef X
};
static const char *const helps[] = {
#define X(id, word, help) help,
    AUDIT_FAULT_LIST(X)
#undef X
};

const char *audit_fault_word(enum audit_fault fault)
{
    return (unsigned)fault < AUDIT_FAULT_COUNT ? words[fault] : "?";
}

const char *audit_fault_help(enum audit_fault fault)
{
    return (unsigned)fault < AUDIT_FAULT_COUNT ? helps[fault] : "";
}

/* ---- marks --------------------------------------------------------------------------- */

const char *audit_mark_format(const struct audit_mark *mark, char text[AUDIT_MARK_TEXT])
{
    char hex[DIGEST_TEXT_MAX];
    (void)snprintf(text, AUDIT_MARK_TEXT, "%lld:%s", (long long)mark->n,
                   digest_format(mark->hash, hex));
    return text;
}

bool audit_mark_parse(const char *text, struct audit_mark *ret_mark)
{
    struct audit_mark mark = {0};
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && p - text < 18; p++) {
        mark.n = mark.n * 10 + (*p - '0');
    }
    if (mark.n == 0 || *p != ':' || !digest_parse(p + 1, strlen(p + 1), mark.hash)) {
        return false;
    }
    *ret_mark = mark;
    return true;
}

/* ---- hashes -------------------------------------------------------------------------- */

/* Small pieces are put together first: a call into libcrypto costs more than they do. */
struct encoder {
    struct digest_sum *sum;
    size_t len;
    uint8_t bytes[1024];
};

static void put_bytes(struct encoder *e, const void *bytes, size_t len)
{
    if (len > sizeof(e->bytes) - e->len) {
        digest_sum_add(e->sum, e->bytes, e->len);
        e->len = 0;
    }
    if (len > sizeof(e->bytes)) {
        digest_sum_add(e->sum, bytes, len);
    } else if (len > 0) {
        memcpy(e->bytes + e->len, bytes, len);
        e->len += len;
    }
}

static void put_number(struct encoder *e, int64_t number)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
    }
    put_bytes(e, bytes, sizeof(bytes));
}

void audit_hash(struct digest_sum *sum, const struct audit_fields *fields,
                uint8_t ret_hash[DIGEST_LEN])
{
    struct encoder e;
    e.sum = sum;
    e.len = 0;
    put_bytes(&e, MAGIC, sizeof(MAGIC) - 1);
    put_bytes(&e, fields->prev, DIGEST_LEN);
    put_number(&e, fields->n);
    put_number(&e, fields->at);
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        put_number(&e, (int64_t)fields->texts[i].len);
        put_bytes(&e, fields->texts[i].bytes, fields->texts[i].len);
    }
    digest_sum_add(sum, e.bytes, e.len);
    digest_sum_end(sum, ret_hash);
}

/* ---- collecting ------------------------------------------------------------------------ */

/* At most `max` bytes, whole characters of them. */
static const char *cut(struct arena *arena, const char *text, size_t max)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (len > max) {
        for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--) {
        }
    }
    return arena_strn(arena, text != NULL ? text : "", len);
}

int64_t store_add_audit(struct store *store, const struct audit_row *row)
{
    struct arena *arena = store->arena;
    struct audit_row *copy = &batch_add(store, OP_AUDIT)->audit;
    bool is_long = row->detail != NULL && strlen(row->detail) > AUDIT_DETAIL_MAX;
    *copy = (struct audit_row){.n = ++store->given.audit, .at = row->at};
    copy->actor = cut(arena, row->actor, AUDIT_TEXT_MAX);
    copy->role = cut(arena, row->role, AUDIT_TEXT_MAX);
    copy->origin = cut(arena, row->origin, AUDIT_TEXT_MAX);
    copy->act = cut(arena, row->act, AUDIT_TEXT_MAX);
    copy->subject = cut(arena, row->subject, AUDIT_TEXT_MAX);
    copy->outcome = cut(arena, row->outcome, AUDIT_TEXT_MAX);
    copy->detail = is_long ? "{\"cut\":true}" : cut(arena, row->detail, AUDIT_DETAIL_MAX);
    return copy->n;
}

struct audit_mark store_audit_head(const struct store *store)
{
    return store->audit;
}

/* ---- inside the transaction -------------------------------------------------------------- */

/* A row that somebody else put where ours belongs makes way: it must not stop the engine. */
bool apply_audit(struct store *store, const struct audit_row *row)
{
    const char *const texts[AUDIT_TEXTS] = {row->actor, row->role,    row->origin,
                                            row->act,   row->subject, row->outcome,
                                            row->detail};
    struct audit_fields fields = {
        .n = row->n, .at = row->at.ms, .prev = store->audit_next.hash};
    struct audit_mark next = {.n = row->n};
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_AUDIT_ADD,
                     "INSERT OR REPLACE INTO audit (" AUDIT_COLUMNS
                     ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    if (s == NULL) {
        return false;
    }
    if (store->sum == NULL) {
        store->sum = digest_sum_new();
    }
    bind_int(s, 1, row->n);
    bind_int(s, 2, row->at.ms);
    for (int i = 0; i < AUDIT_TEXTS; i++) {
        fields.texts[i].bytes = texts[i];
        fields.texts[i].len = strlen(texts[i]);
        bind_text(s, AUDIT_TEXT_FIRST + 1 + i, texts[i]);
    }
    audit_hash(store->sum, &fields, next.hash);
    bind_blob(s, 10, store->audit_next.hash, DIGEST_LEN);
    bind_blob(s, 11, next.hash, DIGEST_LEN);
    if (!database_run(s)) {
        return false;
    }
    store->audit_next = next;
    return true;
}

bool apply_audit_head(struct store *store)
{
    char text[AUDIT_MARK_TEXT];
    return store->audit_next.n == store->audit.n ||
           apply_setting(store, AUDIT_HEAD_SETTING,
                         audit_mark_format(&store->audit_next, text));
}

/* ---- where the chain ends ---------------------------------------------------------------- */

/* Row numbers that no engine of ours gives are left out: they must not use up the rest. */
#define HEAD_SQL                                                                         \
    "SELECT ifnull(n, 0), hash, (SELECT value FROM setting WHERE key = "                 \
    "'" AUDIT_HEAD_SETTING                                                               \
    "') FROM (SELECT max(n) AS last FROM audit WHERE n < 1 << 62)"                       \
    " LEFT JOIN audit ON n = last"

static void read_head(sqlite3_stmt *s, struct audit_mark *head)
{
    struct audit_mark noted;
    const void *hash = sqlite3_column_blob(s, 1);
    const char *text = (const char *)sqlite3_column_text(s, 2);
    head->n = sqlite3_column_int64(s, 0);
    if (text != NULL && audit_mark_parse(text, &noted)) {
        memcpy(head->hash, noted.hash, DIGEST_LEN);
        head->n = head->n > noted.n ? head->n : noted.n;
    } else if (hash != NULL && sqlite3_column_bytes(s, 1) == DIGEST_LEN) {
        memcpy(head->hash, hash, DIGEST_LEN);
    }
}

bool audit_load(struct database *database, struct audit_mark *ret_head, struct err *err)
{
    sqlite3_stmt *s = NULL;
    struct audit_mark head = {0};
    int code = sqlite3_prepare_v2(database->db, HEAD_SQL, -1, &s, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
        read_head(s, &head);
        *ret_head = head;
    } else {
        (void)database_fail(database, err);
    }
    (void)sqlite3_finalize(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW;
}
