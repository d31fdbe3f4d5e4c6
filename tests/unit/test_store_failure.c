/* SPDX-License-Identifier: MIT */
/*
 * Store, when the world fails: full disk, I/O error, lock held elsewhere, read-only,
 * damaged, removed. Each time the cause is told, readers see nothing of the batch, and
 * the same batch goes in when the cause is gone.
 *
 * The program brings its own pwrite64 and fdatasync, which SQLite then calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "store/sqlite_private.h"
#include "tests/lib/place.h"

static struct {
    long writes_left, syncs_left; /* < 0: all succeed */
    int error;
    bool is_short; /* the failing write leaves half of its bytes */
    bool has_failed;
} fault = {.writes_left = -1, .syncs_left = -1};

static void no_fault(void)
{
    fault.writes_left = fault.syncs_left = -1;
    fault.has_failed = false;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
    if (fault.writes_left == 0) {
        fault.has_failed = true;
        if (fault.is_short) {
            (void)syscall(SYS_pwrite64, fd, bytes, len / 2, offset);
        }
        errno = fault.error;
        return -1;
    }
    fault.writes_left -= fault.writes_left > 0;
    return syscall(SYS_pwrite64, fd, bytes, len, offset);
}

int fdatasync(int fd)
{
    if (fault.syncs_left == 0) {
        fault.has_failed = true;
        errno = fault.error;
        return -1;
    }
    fault.syncs_left -= fault.syncs_left > 0;
    return (int)syscall(SYS_fdatasync, fd);
}

/* One batch: n workflows with an event and a document each. */
static void put_batch(struct store *store, int64_t first, int n)
{
    for (int64_t id = first; id < first + n; id++) {
        struct workflow_row row = sample_workflow(id);
        AUTO_FREE char *kind = mem_printf("kind-%lld", (long long)id / 2); /* new words */
        store_put_workflow(store, &row);
        (void)store_add_event(
            store, &(struct event_row){
                       .workflow = id, .kind = kind, .actor = "engine", .text = "x"});
        store_append_doc(store, id, DOC_ERRORS, "line\n", 5);
    }
    store_put_totals(store, &(struct totals){.n_workflows = first + n - 1});
}

/* What a reader finds: workflows 1..n whole, and nothing more. */
static void assert_holds(const struct place *place, int64_t n)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(place);
    const struct workflow_row *rows;
    const struct event_row *events;
    struct totals totals;
    const char *text;
    size_t n_rows, n_events, len;
    assert_true(reader_list(reader, place->arena, &(struct list_query){.max = 10000},
                            &rows, &n_rows, &err));
    assert_int_equal(n_rows, n);
    assert_true(
        reader_events(reader, place->arena, 0, 0, 10000, &events, &n_events, &err));
    assert_int_equal(n_events, n);
    assert_true(reader_totals(reader, &totals, &err));
    assert_int_equal(totals.n_workflows, n);
    assert_int_equal(totals.last_event, n);
    for (int64_t id = 1; id <= n; id++) {
        AUTO_FREE char *kind = mem_printf("kind-%lld", (long long)id / 2);
        assert_int_equal(events[id - 1].seq, id);
        assert_string_equal(events[id - 1].kind, kind);
        assert_int_equal(
            reader_doc(reader, place->arena, id, DOC_ERRORS, &text, &len, &err), FOUND);
        assert_string_equal(text, "line\n"); /* appended once, however often tried */
    }
    reader_close(reader);
}

static void must_fail(struct store *store, enum err_code code, const char *path)
{
    struct err err = ERR_INIT;
    assert_false(store_commit(store, &err));
    if (err.code != code || strstr(err.msg, path) == NULL) {
        fail_msg("%s: %s", err_word(err.code), err.msg);
    }
    assert_true(store_has_batch(store));
}

/* Fail the Nth write of a commit, for each N, in three ways; then the Nth sync. */
static void test_each_write_fails_once(void **state)
{
    struct place *place = *state;
    static const struct {
        int error;
        enum err_code code;
        bool is_short, is_sync;
    } ways[] = {
        {ENOSPC, ERR_FULL, false, false},
        {EIO,    ERR_IO,   false, false},
        {EIO,    ERR_IO,   true,  false},
        {EDQUOT, ERR_FULL, true,  false},
        {EIO,    ERR_IO,   false, true }
    };
    struct store *store = place_store(place);
    int64_t n = 0;
    int n_failed = 0;
    for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
        for (long left = 0; left < 100; left++) {
            put_batch(store, n + 1, 3);
            fault.error = ways[w].error;
            fault.is_short = ways[w].is_short;
            fault.writes_left = ways[w].is_sync ? -1 : left;
            fault.syncs_left = ways[w].is_sync ? left : -1;
            struct err err = ERR_INIT;
            bool is_committed = store_commit(store, &err);
            bool was_hit = fault.has_failed;
            no_fault();
            if (!is_committed) {
                assert_true(was_hit);
                assert_int_equal(err.code, ways[w].code);
                assert_holds(place, n);
                must_commit(store);
                assert_holds(place, n + 3);
                n_failed++;
            }
            n += 3;
            if (!was_hit) {
                break; /* the commit has fewer writes than that */
            }
        }
        assert_holds(place, n);
    }
    assert_true(n_failed > 20);
    store_close(store);
    struct err err = ERR_INIT;
    assert_true(store_verify(place->path, &err));
    assert_holds(place, n);
}

/* A failing checkpoint is no failing commit: the log holds all. */
static void test_checkpoint_fails(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    put_batch(store, 1, 10);
    must_commit(store);
    fault.error = ENOSPC;
    fault.writes_left = 0;
    store_checkpoint(store);
    assert_true(fault.has_failed);
    no_fault();
    assert_holds(place, 10);
    put_batch(store, 11, 10);
    must_commit(store);
    store_checkpoint(store);
    assert_holds(place, 20);
    store_close(store);
}

static void test_file_size_limit(void **state)
{
    struct place *place = *state;
    struct rlimit old, low;
    struct store *store = place_store(place);
    put_batch(store, 1, 1);
    must_commit(store);
    AUTO_FREE char *wal = mem_printf("%s-wal", place->path);
    struct stat st;
    assert_int_equal(stat(wal, &st), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = (rlim_t)st.st_size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    put_batch(store, 2, 200);
    for (int i = 0; i < 3; i++) {
        must_fail(store, ERR_FULL, place->path);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_holds(place, 1);
    must_commit(store);
    assert_holds(place, 201);
    store_close(store);
}

/* ---- locks
 * ----------------------------------------------------------------------------- */

/* Another program holds the write lock: for hold_ms, or until it is killed. */
static pid_t hold_lock(const char *path, int hold_ms)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sqlite3 *db = NULL;
        bool has_lock =
            sqlite3_open(path, &db) == SQLITE_OK &&
            sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
        if (write(ready[1], has_lock ? "y" : "n", 1) != 1) {
            _exit(1);
        }
        const struct timespec span = {.tv_sec = hold_ms / 1000,
                                      .tv_nsec = hold_ms % 1000 * 1000000L};
        (void)nanosleep(&span, NULL); /* the time that the lock is held is the test */
        _exit(0);
    }
    char answer = 0;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    (void)close(ready[0]);
    (void)close(ready[1]);
    return child;
}

/* 2 s at full size; a shorter lock shows the same. */
static bool is_full_size(void)
{
    return getenv("SIGNALBOX_TEST_FULL") != NULL; // NOLINT(concurrency-mt-unsafe)
}

static int hold_time_ms(void)
{
    return is_full_size() ? 2000 : 200;
}

static void test_lock_is_waited_for(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    put_batch(store, 1, 3);
    struct mono start = mono_now();
    pid_t child = hold_lock(place->path, hold_time_ms());
    must_commit(store);
    assert_true(mono_now().ns - start.ns >= hold_time_ms() * 900000L);
    assert_int_equal(waitpid(child, NULL, 0), child);
    child = hold_lock(place->path, hold_time_ms());
    struct command_row command = {.actor = "ada", .verb = "pause", .args = "{}"};
    assert_int_equal(command_send(place->path, &command, &err), 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_holds(place, 3);
    store_close(store);
}

static void test_lock_outlasts_the_wait(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    if (!is_full_size()) {
        (void)sqlite3_busy_timeout(store->database.db, 20); /* patience is not the test */
    }
    put_batch(store, 1, 3);
    pid_t child = hold_lock(place->path, 60000);
    must_fail(store, ERR_BUSY, place->path);
    must_fail(store, ERR_BUSY, place->path);
    assert_holds(place, 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    must_commit(store);
    assert_holds(place, 3);
    store_close(store);
}

/* ---- damage
 * ---------------------------------------------------------------------------- */

static void overwrite(const char *path, off_t from, off_t to)
{
    char noise[4096];
    memset(noise, 0xa5, sizeof(noise));
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = from; at < to; at += (off_t)sizeof(noise)) {
        assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
    }
}

static void test_damaged_pages(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    put_batch(store, 1, 2000);
    must_commit(store);
    store_close(store); /* all in the main file, no cache */
    AUTO_FREE char *sound = NULL;
    size_t len = 0;
    assert_true(file_read(place->path, 64u << 20, &sound, &len, &err));

    store = place_store(place);
    put_batch(store, 2001, 2);
    overwrite(place->path, 4096, (off_t)len);
    must_fail(store, ERR_CORRUPT, place->path);
    must_fail(store, ERR_CORRUPT, place->path); /* by the new connection too */
    struct reader *reader = reader_open(place->path, &err);
    if (reader != NULL) {
        const struct workflow_row *rows;
        size_t n;
        assert_false(reader_list(reader, place->arena, &(struct list_query){.max = 10},
                                 &rows, &n, &err));
        reader_close(reader);
    }
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_false(store_verify(place->path, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    /* The operator puts the sound bytes back. */
    AUTO_CLOSE int fd = open(place->path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && pwrite(fd, sound, len, 0) == (ssize_t)len);
    must_commit(store);
    store_close(store);
    assert_true(store_verify(place->path, &err));
    assert_holds(place, 2002);
}

static void test_no_store_at_all(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct command_row command = {.actor = "ada", .verb = "pause", .args = "{}"};
    assert_null(reader_open(place->path, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    static const char text[] = "this is a letter, and no store at all, but long enough: "
                               "................................................";
    assert_true(file_write(place->path, text, sizeof(text), &err));
    assert_null(store_open(place->path, STORE_FULL, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_null(reader_open(place->path, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_int_equal(command_send(place->path, &command, &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT);
    AUTO_FREE char *data = NULL;
    size_t len = 0;
    assert_true(file_read(place->path, 1000, &data, &len, &err));
    assert_int_equal(len, sizeof(text));
    assert_memory_equal(data, text, len);

    /* A database of another program stays what it is. */
    assert_int_equal(unlink(place->path), 0);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_null(store_open(place->path, STORE_FULL, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "not a store"));
    assert_int_equal(command_send(place->path, &command, &err), -1);

    AUTO_FREE char *below = mem_printf("%s/s.db", place->path); /* a file as folder */
    assert_null(store_open(below, STORE_FULL, &err));
    assert_null(store_open(place->folder, STORE_FULL, &err)); /* a folder as file */
    AUTO_FREE char *dangling = mem_printf("%s/link", place->folder);
    AUTO_FREE char *target = mem_printf("%s/target", place->folder);
    assert_int_equal(symlink(target, dangling), 0);
    assert_null(store_open(dangling, STORE_FULL, &err));
    assert_false(file_exists(target));
}

static void test_removed_and_replaced(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    put_batch(store, 1, 3);
    must_commit(store);
    AUTO_FREE char *copy = mem_printf("%s/copy.db", place->folder);
    AUTO_FREE char *away = mem_printf("%s/away.db", place->folder);
    struct err err = ERR_INIT;
    assert_true(store_backup(place->path, copy, &err));
    put_batch(store, 4, 3);
    must_commit(store);
    put_batch(store, 7, 3);
    assert_int_equal(rename(place->path, away), 0);
    must_fail(store, ERR_NOT_FOUND, place->path);
    assert_false(file_exists(place->path)); /* no empty store in its place */
    assert_int_equal(rename(away, place->path), 0);
    must_commit(store);
    assert_holds(place, 9);
    /* An older state in its place is not written on. */
    put_batch(store, 10, 3);
    static const char *const suffixes[] = {"-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        AUTO_FREE char *name = mem_printf("%s%s", place->path, suffixes[i]);
        assert_int_equal(unlink(name), 0);
    }
    assert_int_equal(rename(copy, place->path), 0);
    must_fail(store, ERR_CORRUPT, place->path);
    assert_holds(place, 3);
    store_close(store);
}

/* ---- read-only
 * --------------------------------------------------------------------------- */

static void test_connection_turns_read_only(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    put_batch(store, 1, 3);
    assert_true(database_exec(&store->database, "PRAGMA query_only=ON", &err));
    must_fail(store, ERR_READ_ONLY, place->path);
    must_commit(store); /* on a new connection */
    assert_holds(place, 3);
    store_close(store);
}

static const char *read_only_life(const struct place *place)
{
    struct err err = ERR_INIT;
    struct command_row command = {.actor = "ada", .verb = "pause", .args = "{}"};
    if (store_open(place->path, STORE_FULL, &err) != NULL || err.code != ERR_READ_ONLY) {
        return "store_open";
    }
    if (command_send(place->path, &command, &err) != -1 || err.code != ERR_READ_ONLY) {
        return "command_send";
    }
    struct reader *reader = reader_open(place->path, &err);
    if (reader == NULL) {
        return "reader_open";
    }
    struct workflow_row row;
    bool is_found = reader_workflow(reader, place->arena, 2, &row, &err) == FOUND;
    reader_close(reader);
    return is_found ? NULL : "reader_workflow";
}

static void test_read_only_file_system(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    put_batch(store, 1, 3);
    must_commit(store);
    store_close(store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const char *folder = place->folder;
        if (unshare(CLONE_NEWNS) != 0 ||
            mount("", "/", "", MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount(folder, folder, "", MS_BIND, NULL) != 0 ||
            mount(folder, folder, "", MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0) {
            _exit(77);
        }
        const char *what = read_only_life(place);
        if (what != NULL) {
            (void)fprintf(stderr, "read-only: %s\n", what);
        }
        _exit(what != NULL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("no right to mount here\n");
        skip();
    }
    assert_int_equal(status, 0);
    store = place_store(place); /* writable again */
    put_batch(store, 4, 1);
    must_commit(store);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_each_write_fails_once),
        PLACE_TEST(test_checkpoint_fails),
        PLACE_TEST(test_file_size_limit),
        PLACE_TEST(test_lock_is_waited_for),
        PLACE_TEST(test_lock_outlasts_the_wait),
        PLACE_TEST(test_damaged_pages),
        PLACE_TEST(test_no_store_at_all),
        PLACE_TEST(test_removed_and_replaced),
        PLACE_TEST(test_connection_turns_read_only),
        PLACE_TEST(test_read_only_file_system),
    };
    return cmocka_run_group_tests_name("store failure", tests, NULL, NULL);
}
