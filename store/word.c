/* SPDX-License-Identifier: MIT */
/*
 * Word: strings that come again and again (repositories, pipelines, people, event kinds)
 * stand once in the table `word` and as numbers everywhere else. A word is never changed
 * and never deleted, so a cache of the newest ones is always right; only a rolled back
 * transaction takes words away, and then the cache is emptied.
 */
#include "store/sqlite_private.h"

static size_t place_of(const char *text, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    }
    return (size_t)(hash ^ (hash >> 32)) % WORD_CACHE;
}

static void keep(struct word_entry *entry, int64_t id, const char *text, size_t len)
{
    free(entry->text);
    entry->text = mem_strn(text, len);
    entry->id = id;
}

void word_forget(struct database *database)
{
    for (size_t i = 0; i < WORD_CACHE; i++) {
        free(database->by_text[i].text);
        free(database->by_id[i].text);
        database->by_text[i] = database->by_id[i] = (struct word_entry){0};
    }
}

int64_t word_find(struct database *database, const char *text)
{
    size_t len = strlen(text);
    struct word_entry *entry = &database->by_text[place_of(text, len)];
    if (entry->id != 0 && strcmp(entry->text, text) == 0) {
        return entry->id;
    }
    sqlite3_stmt *s =
        database_get(database, SLOT_WORD_FIND, "SELECT id FROM word WHERE text = ?1");
    if (s == NULL) {
        return 0;
    }
    bind_bytes(s, 1, text, len);
    int64_t id = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_reset(s); /* a failure shows in what follows */
    if (id != 0 && len <= WORD_LONG_MAX) {
        keep(entry, id, text, len);
    }
    return id;
}

int64_t word_put(struct database *database, const char *text)
{
    int64_t id = word_find(database, text != NULL ? text : "");
    if (id != 0) {
        return id;
    }
    sqlite3_stmt *s =
        database_get(database, SLOT_WORD_ADD, "INSERT INTO word (text) VALUES (?1)");
    if (s == NULL) {
        return 0;
    }
    bind_text(s, 1, text);
    return database_run(s) ? sqlite3_last_insert_rowid(database->db) : 0;
}

bool word_put_some(struct database *database, const char *text, int64_t *ret_id)
{
    if (text == NULL || text[0] == '\0') {
        *ret_id = 0;
        return true;
    }
    *ret_id = word_put(database, text);
    return *ret_id != 0;
}

const char *word_text(struct database *database, int64_t id)
{
    if (id == 0) {
        return ""; /* see word_put_some */
    }
    struct word_entry *entry = &database->by_id[(uint64_t)id % WORD_CACHE];
    if (entry->id == id) {
        return entry->text;
    }
    sqlite3_stmt *s =
        database_get(database, SLOT_WORD_TEXT, "SELECT text FROM word WHERE id = ?1");
    if (s == NULL) {
        return "";
    }
    bind_int(s, 1, id);
    const char *text = "";
    if (sqlite3_step(s) == SQLITE_ROW) {
        keep(entry, id, (const char *)sqlite3_column_text(s, 0),
             (size_t)sqlite3_column_bytes(s, 0));
        text = entry->text;
    }
    (void)sqlite3_reset(s); /* a failure shows in the query that asked */
    return text;
}
