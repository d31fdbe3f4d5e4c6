/* SPDX-License-Identifier: MIT */
#include "tests/lib/past.h"

#include "engine/base/mem.h"
#include "store/past_private.h"

#define FNV_START 14695981039346656037u
#define FNV_TIMES 1099511628211u

/* Every table that changes, in the form in which it is known later. */
static const char *const queries[] = {
    "SELECT * FROM workflow ORDER BY id",
    "SELECT * FROM effect ORDER BY id",
    "SELECT * FROM approval ORDER BY id",
    "SELECT * FROM optimization ORDER BY id",
    "SELECT * FROM tuning ORDER BY setting, scope",
    "SELECT * FROM autonomy_level ORDER BY action, repo",
    "SELECT * FROM failure ORDER BY id",
    "SELECT * FROM problem ORDER BY id",
    "SELECT * FROM recovery ORDER BY id",
    "SELECT * FROM decision ORDER BY id",
    "SELECT * FROM odds ORDER BY key, rung",
    "SELECT * FROM anomaly ORDER BY id",
    "SELECT * FROM incident ORDER BY id",
    "SELECT * FROM silence ORDER BY id",
    "SELECT name, kind, state, since, until, reason FROM service ORDER BY name",
    "SELECT * FROM hour ORDER BY hour",
    "SELECT * FROM total ORDER BY code",
    "SELECT * FROM setting WHERE key IN ('engine', 'fault', 'started_at', 'halt',"
    " 'autonomy_configured') ORDER BY key",
    "SELECT * FROM event ORDER BY seq",
};
#define N_QUERIES ARRAY_LEN(queries)

struct doc_note {
    int64_t id;
    uint64_t hash;
};

struct page {
    int64_t seq; /* newest event; of_time: as found */
    struct wall at;
    bool of_time;
    uint64_t hashes[N_QUERIES];
    struct doc_note *docs;
    size_t n_docs;
};

struct past_book {
    struct page *pages;
    size_t n, cap;
    char text[300];
};

struct past_book *past_book_new(void)
{
    return mem_alloc(sizeof(struct past_book));
}

void past_book_free(struct past_book *book)
{
    if (book == NULL) {
        return;
    }
    for (size_t i = 0; i < book->n; i++) {
        free(book->pages[i].docs);
    }
    free(book->pages);
    free(book);
}

static uint64_t hash_column(uint64_t hash, sqlite3_stmt *s, int column)
{
    const unsigned char *text = sqlite3_column_text(s, column);
    int len = sqlite3_column_bytes(s, column);
    hash = (hash ^ (unsigned)sqlite3_column_type(s, column)) * FNV_TIMES;
    for (int i = 0; text != NULL && i < len; i++) {
        hash = (hash ^ text[i]) * FNV_TIMES;
    }
    return (hash ^ (unsigned)len) * FNV_TIMES;
}

static sqlite3_stmt *must_prepare(struct reader *reader, const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(reader->database.db, sql, -1, &s, NULL) != SQLITE_OK) {
        BUG(sqlite3_errmsg(reader->database.db));
    }
    return s;
}

static void read_docs(struct reader *reader, struct page *page)
{
    size_t cap = 0;
    sqlite3_stmt *s = must_prepare(reader, "SELECT id, text FROM doc ORDER BY id");
    while (sqlite3_step(s) == SQLITE_ROW) {
        if (page->n_docs == cap) {
            cap = cap > 0 ? cap * 2 : 64;
            page->docs = mem_grow(page->docs, cap, sizeof(*page->docs));
        }
        page->docs[page->n_docs++] =
            (struct doc_note){sqlite3_column_int64(s, 0), hash_column(FNV_START, s, 1)};
    }
    (void)sqlite3_finalize(s);
}

static void read_page(struct reader *reader, struct page *page)
{
    for (size_t i = 0; i < N_QUERIES; i++) {
        uint64_t hash = FNV_START;
        sqlite3_stmt *s = must_prepare(reader, queries[i]);
        while (sqlite3_step(s) == SQLITE_ROW) {
            for (int c = 0; c < sqlite3_column_count(s); c++) {
                hash = hash_column(hash, s, c);
            }
        }
        (void)sqlite3_finalize(s);
        page->hashes[i] = hash;
    }
    read_docs(reader, page);
}

static struct page *add_page(struct past_book *book)
{
    if (book->n == book->cap) {
        book->cap = book->cap > 0 ? book->cap * 2 : 64;
        book->pages = mem_grow(book->pages, book->cap, sizeof(*book->pages));
    }
    book->pages[book->n] = (struct page){0};
    return &book->pages[book->n++];
}

static struct reader *must_open(const char *path)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(path, &err);
    if (reader == NULL) {
        BUG(err.msg);
    }
    return reader;
}

/* Of an event only the first commit with it, of a time only the last one counts. */
void past_book_note(struct past_book *book, const char *path, struct wall now)
{
    struct reader *reader = must_open(path);
    struct totals totals;
    struct err err = ERR_INIT;
    bool is_known = false;
    struct page *at_time = NULL;
    if (!reader_totals(reader, &totals, &err)) {
        BUG(err.msg);
    }
    for (size_t i = 0; i < book->n; i++) {
        struct page *page = &book->pages[i];
        is_known = is_known || (!page->of_time && page->seq == totals.last_event);
        at_time = page->of_time && page->at.ms == now.ms ? page : at_time;
    }
    if (!is_known && totals.last_event > 0) {
        struct page *page = add_page(book);
        page->seq = totals.last_event;
        page->at = now;
        read_page(reader, page);
    }
    if (at_time == NULL) {
        at_time = add_page(book);
    }
    free(at_time->docs);
    *at_time = (struct page){.of_time = true, .at = now, .seq = totals.last_event};
    read_page(reader, at_time);
    reader_close(reader);
}

static const struct doc_note *find_doc(const struct page *page, int64_t id)
{
    for (size_t i = 0; i < page->n_docs; i++) {
        if (page->docs[i].id == id) {
            return &page->docs[i];
        }
    }
    return NULL;
}

/* What is shown of a document is what it was; what is not is said to be later. */
static int64_t wrong_doc(struct reader *reader, const struct page *was,
                         const struct page *is)
{
    for (size_t i = 0; i < is->n_docs; i++) {
        const struct doc_note *note = find_doc(was, is->docs[i].id);
        if (note == NULL || note->hash != is->docs[i].hash) {
            return is->docs[i].id;
        }
    }
    for (size_t i = 0; i < was->n_docs; i++) {
        int64_t id = was->docs[i].id;
        if (find_doc(is, id) == NULL &&
            !reader_doc_is_later(reader, id >> DOC_BITS,
                                 (enum doc_kind)(id & ((1 << DOC_BITS) - 1)))) {
            return id;
        }
    }
    return 0;
}

static bool compare(struct past_book *book, struct reader *reader, const struct page *was)
{
    struct page is = {0};
    read_page(reader, &is);
    for (size_t i = 0; i < N_QUERIES && book->text[0] == '\0'; i++) {
        if (is.hashes[i] != was->hashes[i]) {
            (void)snprintf(book->text, sizeof(book->text), "%s %lld: %s",
                           was->of_time ? "time" : "event",
                           (long long)(was->of_time ? was->at.ms : was->seq), queries[i]);
        }
    }
    int64_t doc = wrong_doc(reader, was, &is);
    if (doc != 0 && book->text[0] == '\0') {
        (void)snprintf(book->text, sizeof(book->text), "event %lld: document %lld",
                       (long long)was->seq, (long long)doc);
    }
    free(is.docs);
    return book->text[0] == '\0';
}

const char *past_book_check(struct past_book *book, const char *path, size_t max,
                            size_t *ret_n)
{
    struct reader *reader = must_open(path);
    size_t n = 0, step = book->n > max ? book->n / max : 1;
    book->text[0] = '\0';
    for (size_t i = book->n % step; i < book->n && book->text[0] == '\0'; i += step) {
        const struct page *page = &book->pages[i];
        struct moment_ask ask = {.event = page->of_time ? 0 : page->seq, .at = page->at};
        struct moment moment;
        struct err err = ERR_INIT;
        if (!reader_find_moment(reader, &ask, &moment, &err) ||
            !reader_pin(reader, &moment, &err)) {
            (void)snprintf(book->text, sizeof(book->text), "event %lld: %.200s",
                           (long long)page->seq, err.msg);
            break;
        }
        n += compare(book, reader, page);
        reader_unpin(reader);
    }
    reader_close(reader);
    *ret_n += n;
    return book->text;
}
