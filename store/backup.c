/* SPDX-License-Identifier: MIT */
/*
 * Backup: https://sqlite.org/backup.html, from inside one read transaction, so that what
 * the engine commits meanwhile neither waits nor makes the copy start again. The copy
 * gets its name only when it is whole and sound.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/sqlite_private.h"

#define PAGES_PER_STEP 256 /* 1 MiB, then others have a turn */

static bool copy_pages(struct database *from, sqlite3 *to, const char *name,
                       struct err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from->db, "main");
    if (backup == NULL) {
        return err_set(err, ERR_IO, "%s: %s", name, sqlite3_errmsg(to));
    }
    int code;
    const struct timespec pause = {.tv_nsec = 1000000};
    while ((code = sqlite3_backup_step(backup, PAGES_PER_STEP)) == SQLITE_OK) {
        (void)nanosleep(&pause, NULL); /* a signal may shorten it */
    }
    (void)sqlite3_backup_finish(backup); /* repeats the code */
    if (code == SQLITE_DONE) {
        return true;
    }
    int number = sqlite3_system_errno(to);
    bool is_full =
        code == SQLITE_FULL || number == ENOSPC || number == EDQUOT || number == EFBIG;
    return err_set(err, is_full ? ERR_FULL : ERR_IO, "%s: %s", name,
                   sqlite3_errstr(code));
}

static bool is_sound(struct database *database, const char *sql, struct err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(database->db, sql, -1, &s, NULL) != SQLITE_OK ||
        sqlite3_step(s) != SQLITE_ROW) {
        (void)database_fail(database, err);
        (void)sqlite3_finalize(s); /* repeats the failure that was seen */
        return false;
    }
    const char *finding = (const char *)sqlite3_column_text(s, 0);
    bool is_good = finding != NULL && strcmp(finding, "ok") == 0;
    if (!is_good) {
        (void)err_set(err, ERR_CORRUPT, "%s: %s", database->path,
                      finding != NULL ? finding : "?");
    }
    (void)sqlite3_finalize(s); /* a row was read */
    return is_good;
}

/* Write the copy under its temporary name. */
static bool write_copy(const char *path, const char *temporary, const char *copy,
                       struct err *err)
{
    struct database from = {0}, to = {0};
    int64_t version = 0, ignored = 0;
    bool is_good =
        database_open(&from, path, DATABASE_READ, err) &&
        schema_check(&from, &version, err) && database_exec(&from, "BEGIN", err) &&
        database_number(&from, "SELECT count(*) FROM total", &ignored, err) &&
        database_open(&to, temporary, DATABASE_WRITE, err) &&
        database_exec(&to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", err);
    is_good = is_good && copy_pages(&from, to.db, copy, err) &&
              is_sound(&to, "PRAGMA quick_check(1)", err);
    database_close(&to);
    database_close(&from);
    return is_good;
}

static bool sync_path(const char *path, int flags, struct err *err)
{
    AUTO_CLOSE int fd = open(path, flags | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) || err_sys(err, "%s", path);
}

/* The file gets its name only if nobody has it: link, unlike rename, replaces nothing. */
static bool give_name(const char *temporary, const char *copy, struct err *err)
{
    AUTO_FREE char *folder = mem_str(copy);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    if (!sync_path(temporary, O_RDONLY, err)) {
        return false;
    }
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, copy, RENAME_NOREPLACE) != 0 &&
        (errno != EINVAL || link(temporary, copy) != 0)) {
        return err_sys(err, "%s", copy);
    }
    return sync_path(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY, err);
}

bool store_backup(const char *path, const char *copy, struct err *err)
{
    struct stat st;
    if (lstat(copy, &st) == 0) {
        return err_set(err, ERR_EXISTS, "%s: exists, and is not overwritten", copy);
    }
    AUTO_FREE char *temporary = mem_printf("%s.%ld.tmp", copy, (long)getpid());
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_sys(err, "%s", temporary);
    }
    bool is_private = fchmod(fd, 0600) == 0 || err_sys(err, "%s", temporary);
    (void)close(fd); /* nothing was written */
    bool is_good = is_private && write_copy(path, temporary, copy, err) &&
                   give_name(temporary, copy, err);
    (void)unlink(temporary); /* gone already when it got its name by rename */
    return is_good;
}

bool store_verify(const char *path, struct err *err)
{
    struct database database = {0};
    int64_t version = 0, n_orphans = 0;
    bool is_good =
        database_open(&database, path, DATABASE_READ, err) &&
        schema_check(&database, &version, err) &&
        is_sound(&database, "PRAGMA integrity_check(1)", err) &&
        database_number(&database, "SELECT count(*) FROM pragma_foreign_key_check",
                        &n_orphans, err);
    if (is_good && n_orphans != 0) {
        is_good = err_set(err, ERR_CORRUPT, "%s: %lld rows without their workflow", path,
                          (long long)n_orphans);
    }
    database_close(&database);
    return is_good;
}

int64_t store_room(const char *path)
{
    struct statvfs fs;
    return statvfs(path, &fs) == 0 ? (int64_t)(fs.f_bavail * (uint64_t)fs.f_frsize) : -1;
}
