/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "store/sqlite_private.h"

/* Page cache of one connection. Reads go through the kernel's cache, so that these few
 * hundred pages serve what is hot; the console's whole memory goal is 16 MiB. With 10,000 live
 * workflows three times as much for the writer saves reads, but no time that can be measured. */
#define WRITER_CACHE_KIB 2048
#define READER_CACHE_KIB 512
/* Checkpoint after so many pages. Larger is a little faster and makes the longest commit
 * several times longer; the engine also checkpoints when idle. */
#define WAL_PAGES      1000
#define WAL_KEPT_BYTES (8 * 1024 * 1024)

static void configure_library(void)
{
    /* Nobody asks for the statistics, and they take a global mutex per allocation. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_initialize(); /* a failure shows at the first open */
}

bool database_is_memory(const char *path)
{
    return strcmp(path, ":memory:") == 0;
}

static enum err_code code_of_system(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case EROFS:
    case EACCES:
    case EPERM:
        return ERR_READ_ONLY;
    default:
        return ERR_IO;
    }
}

static enum err_code code_of_sqlite(int code, int number)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ERR_READ_ONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return ERR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return ERR_BUSY;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return code_of_system(number);
    default:
        return ERR_IO;
    }
}

bool database_fail(const struct database *database, struct err *err)
{
    /* SQLite keeps errno for most calls, not for a failing COMMIT. */
    int kept = errno;
    int code = sqlite3_extended_errcode(database->db);
    int number = sqlite3_system_errno(database->db);
    number = number != 0 ? number : kept;
    enum err_code mapped = code_of_sqlite(code, number);
    const char *path = database->path;
    switch (mapped) {
    case ERR_FULL:
        (void)err_set(err, mapped, "%s: no space left to write", path);
        break;
    case ERR_READ_ONLY:
        (void)err_set(err, mapped, "%s: cannot be written (%s)", path,
                      sqlite3_errmsg(database->db));
        break;
    case ERR_CORRUPT:
        (void)err_set(err, mapped, "%s: the file is damaged (%s)", path,
                      sqlite3_errmsg(database->db));
        break;
    case ERR_BUSY:
        (void)err_set(err, mapped, "%s: another program has held its lock for %d s", path,
                      STORE_BUSY_MS / 1000);
        break;
    default:
        if (number != 0 &&
            ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN)) {
            errno = number;
            (void)err_sys(err, "%s", path);
            err->code = mapped;
            break;
        }
        (void)err_set(err, mapped, "%s: %s (SQLite error %d, errno %d)", path,
                      sqlite3_errmsg(database->db), code, number);
    }
    err->sys = number;
    return false;
}

/* SQLite gives -wal and -shm the mode of the main file, so making that 0600 before SQLite
 * sees it is enough, whatever the umask. O_EXCL does not follow a dangling link. */
static bool make_file(const char *path, struct err *err)
{
    if (file_exists(path)) {
        return true;
    }
    AUTO_FREE char *folder = mem_str(path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        if (!file_make_dirs(folder, err)) {
            return false;
        }
    }
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST ||
               err_sys(err, "%s", path); /* another process was first */
    }
    return fchmod(fd, 0600) == 0 || err_sys(err, "%s", path);
}

bool database_exec(struct database *database, const char *sql, struct err *err)
{
    return sqlite3_exec(database->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           database_fail(database, err);
}

bool database_number(struct database *database, const char *sql, int64_t *ret_number,
                     struct err *err)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        return database_fail(database, err);
    }
    int code = sqlite3_step(statement);
    int64_t number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    bool is_good = code == SQLITE_ROW || code == SQLITE_DONE;
    if (!is_good) {
        (void)database_fail(database, err);
    }
    (void)sqlite3_finalize(statement); /* repeats the failure that was seen */
    if (is_good) {
        *ret_number = number;
    }
    return is_good;
}

static void pause_briefly(struct mono now)
{
    const struct timespec pause = {.tv_nsec = 500000 + (now.ns >> 8) % 3000000};
    (void)nanosleep(&pause, NULL); /* a signal may shorten it */
}

/*
 * Wait for a lock: often and unevenly. SQLite's own handler soon looks ten times a second
 * only, and who shares the file with a busy writer can then miss every gap for seconds.
 */
static int on_busy(void *patience, int n_calls)
{
    static _Thread_local struct mono since;
    struct mono now = mono_now();
    if (n_calls == 0) {
        since = now;
    }
    if (now.ns - since.ns >= (intptr_t)patience * 1000000LL) {
        return 0; /* give up: SQLITE_BUSY */
    }
    pause_briefly(now);
    return 1;
}

void database_be_patient(struct database *database, int ms)
{
    void *patience = (void *)(intptr_t)ms; // NOLINT(performance-no-int-to-ptr): a number
    (void)sqlite3_busy_handler(database->db, on_busy, patience); /* cannot fail */
}

/* One attempt at the write-ahead log; SQLite's code. */
static int switch_to_wal(struct database *database, bool *ret_is_wal)
{
    sqlite3_stmt *statement = NULL;
    int code =
        sqlite3_prepare_v2(database->db, "PRAGMA journal_mode=WAL", -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    if (code == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(statement, 0);
        *ret_is_wal = mode != NULL && strcmp(mode, "wal") == 0;
    }
    (void)sqlite3_finalize(statement); /* repeats what step said */
    return code;
}

/* Two processes that switch a new file at once stand in each other's way with their read
 * locks: SQLite then says busy without asking the busy handler, so both let go and try
 * again. */
static bool is_wal_mode(struct database *database, bool *ret_is_wal, struct err *err)
{
    struct mono since = mono_now(), now = since;
    int code = switch_to_wal(database, ret_is_wal);
    while ((code & 0xff) == SQLITE_BUSY &&
           now.ns - since.ns < STORE_BUSY_MS * 1000000LL) {
        pause_briefly(now);
        code = switch_to_wal(database, ret_is_wal);
        now = mono_now();
    }
    return code == SQLITE_ROW || database_fail(database, err);
}

bool database_set_up(struct database *database, enum store_durability durability,
                     struct err *err)
{
    static const char *const synchronous[] = {
        [STORE_FULL] = "FULL", [STORE_NORMAL] = "NORMAL", [STORE_OFF] = "OFF"};
    bool is_wal = false;
    if (!is_wal_mode(database, &is_wal, err)) {
        return false;
    }
    if (!is_wal && !database_is_memory(database->path)) {
        return err_set(err, ERR_IO, "%s: this file system cannot hold a write-ahead log",
                       database->path);
    }
    AUTO_FREE char *sql = mem_printf(
        "PRAGMA synchronous=%s; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
        "PRAGMA cache_size=-%d; PRAGMA wal_autocheckpoint=%d; PRAGMA "
        "journal_size_limit=%d",
        synchronous[durability], WRITER_CACHE_KIB, WAL_PAGES, WAL_KEPT_BYTES);
    return database_exec(database, sql, err);
}

static bool set_up_reader(struct database *database, struct err *err)
{
    AUTO_FREE char *sql = mem_printf("PRAGMA query_only=ON; PRAGMA temp_store=MEMORY;"
                                     "PRAGMA cache_size=-%d",
                                     READER_CACHE_KIB);
    return database_exec(database, sql, err);
}

/* On a read-only file system a store without -wal can only be read as immutable: SQLite
 * cannot make the shared memory file, and nobody can be writing. */
static bool is_frozen(const char *path)
{
    struct statvfs fs;
    struct stat st;
    AUTO_FREE char *wal = mem_printf("%s-wal", path);
    return statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0 &&
           (stat(wal, &st) != 0 || st.st_size == 0);
}

static char *immutable_uri(const char *path)
{
    static const char hex[] = "0123456789abcdef";
    char *uri = mem_alloc(strlen(path) * 3 + 32);
    char *to = stpcpy(uri, "file:");
    for (const unsigned char *from = (const unsigned char *)path; *from != '\0'; from++) {
        if (*from == '%' || *from == '?' || *from == '#') {
            *to++ = '%';
            *to++ = hex[*from >> 4];
            *to++ = hex[*from & 15];
        } else {
            *to++ = (char)*from;
        }
    }
    (void)stpcpy(to, "?immutable=1");
    return uri;
}

static int open_handle(struct database *database, enum database_mode mode)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (mode == DATABASE_READ) {
        AUTO_FREE char *uri =
            is_frozen(database->path) ? immutable_uri(database->path) : NULL;
        flags |= SQLITE_OPEN_READONLY | (uri != NULL ? SQLITE_OPEN_URI : 0);
        return sqlite3_open_v2(uri != NULL ? uri : database->path, &database->db, flags,
                               NULL);
    }
    flags |= SQLITE_OPEN_READWRITE;
    if (database_is_memory(database->path)) {
        flags |= SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
    }
    return sqlite3_open_v2(database->path, &database->db, flags, NULL);
}

bool database_open(struct database *database, const char *path, enum database_mode mode,
                   struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, configure_library); /* cannot fail with a valid control */
    *database = (struct database){.path = mem_str(path)};
    bool is_memory = database_is_memory(path);
    if (!is_memory && mode == DATABASE_CREATE && !make_file(path, err)) {
        return false;
    }
    if (!is_memory && mode != DATABASE_CREATE && !file_exists(path)) {
        return err_set(err, ERR_NOT_FOUND, "%s: there is no store", path);
    }
    if (open_handle(database, mode) != SQLITE_OK) {
        return database_fail(database, err);
    }
    /* Before all else: each later statement may meet a lock. */
    database_be_patient(database, STORE_BUSY_MS);
    if (mode == DATABASE_READ) {
        return set_up_reader(database, err);
    }
    /* SQLite opens what it may not write as read-only without a word. */
    if (sqlite3_db_readonly(database->db, "main") == 1) {
        return err_set(err, ERR_READ_ONLY, "%s: may not be written", path);
    }
    return true;
}

void database_close(struct database *database)
{
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        (void)sqlite3_finalize(database->slots[i]); /* repeats old failures */
        database->slots[i] = NULL;
    }
    word_forget(database);
    (void)sqlite3_close_v2(database->db); /* no statement is left that could keep it */
    database->db = NULL;
    free(database->path);
    database->path = NULL;
}

sqlite3_stmt *database_get(struct database *database, enum slot slot, const char *sql)
{
    sqlite3_stmt *statement = database->slots[slot];
    if (statement == NULL) {
        if (sqlite3_prepare_v3(database->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                               &statement, NULL) != SQLITE_OK) {
            return NULL;
        }
        database->slots[slot] = statement;
    } else {
        (void)sqlite3_reset(statement); /* repeats old failures */
    }
    return statement;
}

bool database_run(sqlite3_stmt *statement)
{
    if (statement == NULL) {
        return false;
    }
    int code = sqlite3_step(statement);
    (void)sqlite3_reset(statement); /* repeats the code */
    return code == SQLITE_DONE || code == SQLITE_ROW;
}

bool database_begin(struct database *database)
{
    errno = 0; /* see database_fail */
    return database_run(database_get(database, SLOT_BEGIN, "BEGIN IMMEDIATE"));
}

bool database_commit(struct database *database)
{
    return database_run(database_get(database, SLOT_COMMIT, "COMMIT"));
}

void database_rollback(struct database *database)
{
    if (database->db != NULL && sqlite3_get_autocommit(database->db) == 0) {
        sqlite3_stmt *s = database_get(database, SLOT_ROLLBACK, "ROLLBACK");
        if (s == NULL || !database_run(s)) {
            /* No memory or a dead file: closing the connection rolls back too. */
        }
    }
}

bool database_has_moved(const struct database *database)
{
    int has_moved = 0;
    if (database_is_memory(database->path)) {
        return false;
    }
    (void)sqlite3_file_control(database->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    return has_moved != 0;
}

void bind_int(sqlite3_stmt *statement, int index, int64_t number)
{
    (void)sqlite3_bind_int64(statement, index, number); /* fails on a wrong index only */
}

void bind_bytes(sqlite3_stmt *statement, int index, const char *text, size_t len)
{
    /* Too long is refused by the table's limit when the statement runs. */
    (void)sqlite3_bind_text64(statement, index, text, len, SQLITE_STATIC, SQLITE_UTF8);
}

void bind_blob(sqlite3_stmt *statement, int index, const void *bytes, size_t len)
{
    (void)sqlite3_bind_blob64(statement, index, bytes, len, SQLITE_STATIC);
}

void bind_number(sqlite3_stmt *statement, int index, double number)
{
    if (isnan(number)) {
        (void)sqlite3_bind_null(statement, index); /* a wrong index shows in the run */
    } else {
        (void)sqlite3_bind_double(statement, index, number);
    }
}

void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    bind_bytes(statement, index, text != NULL ? text : "",
               text != NULL ? strlen(text) : 0);
}
