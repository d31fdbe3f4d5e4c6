/* SPDX-License-Identifier: MIT */
/*
 * Store as a whole: schemas, backup, many processes at once, kill -9.
 * SIGNALBOX_TEST_FULL=1 runs the crowd at full size (64 threads, 1000 commands each).
 */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "store/sqlite_private.h"
#include "tests/lib/place.h"

static bool is_full_size(void)
{
    return getenv("SIGNALBOX_TEST_FULL") != NULL; // NOLINT(concurrency-mt-unsafe)
}

/* ---- schema
 * ----------------------------------------------------------------------------- */

static void read_schema(const char *path, struct buf *out)
{
    struct err err = ERR_INIT;
    struct database database;
    assert_true(database_open(&database, path, DATABASE_READ, &err));
    sqlite3_stmt *s = NULL;
    assert_int_equal(
        sqlite3_prepare_v2(database.db,
                           "SELECT type, name, ifnull(sql, '') FROM sqlite_schema"
                           " UNION ALL SELECT list, id, name FROM code ORDER BY 1, 2",
                           -1, &s, NULL),
        SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
        (void)buf_printf(out, "%s %s %s\n", (const char *)sqlite3_column_text(s, 0),
                         (const char *)sqlite3_column_text(s, 1),
                         (const char *)sqlite3_column_text(s, 2));
    }
    (void)sqlite3_finalize(s);
    database_close(&database);
}

/* A store of each older schema ends up like a new one, and can be written. */
static void test_each_migration(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    AUTO_BUF struct buf fresh;
    buf_init(&fresh, 1 << 20);
    store_close(place_store(place));
    read_schema(place->path, &fresh);
    assert_non_null(strstr(fresh.data, "table workflow CREATE TABLE workflow"));
    for (int version = 0; version <= store_schema_version(); version++) {
        AUTO_FREE char *path = mem_printf("%s/v%d.db", place->folder, version);
        struct database old;
        assert_true(database_open(&old, path, DATABASE_CREATE, &err));
        if (version > 0) {
            assert_true(schema_migrate_to(&old, version, &err));
        }
        int64_t seen = -1;
        assert_true(schema_check(&old, &seen, &err));
        assert_int_equal(seen, version);
        database_close(&old);
        struct store *store = store_open(path, STORE_FULL, &err);
        assert_non_null(store);
        struct workflow_row row = sample_workflow(1);
        store_put_workflow(store, &row);
        must_commit(store);
        store_close(store);
        AUTO_BUF struct buf now;
        buf_init(&now, 1 << 20);
        read_schema(path, &now);
        assert_string_equal(now.data, fresh.data);
        assert_true(store_verify(path, &err));
    }
}

static void set_version(const char *path, const char *sql)
{
    struct err err = ERR_INIT;
    struct database database;
    assert_true(database_open(&database, path, DATABASE_WRITE, &err));
    assert_true(database_exec(&database, sql, &err));
    database_close(&database);
}

static void must_name_both(const struct err *err, const char *path)
{
    AUTO_FREE char *own = mem_printf("%d", store_schema_version());
    assert_int_equal(err->code, ERR_TOO_NEW);
    assert_non_null(strstr(err->msg, path));
    assert_non_null(strstr(err->msg, "4711"));
    assert_non_null(strstr(err->msg, own));
}

static void test_newer_schema_is_refused(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct command_row command = {.actor = "ada", .verb = "pause", .args = "{}"};
    store_close(place_store(place));
    set_version(place->path, "PRAGMA user_version=4711");
    AUTO_FREE char *before = NULL;
    AUTO_FREE char *after = NULL;
    size_t len_before, len_after;
    assert_true(file_read(place->path, 1 << 20, &before, &len_before, &err));
    assert_null(store_open(place->path, STORE_FULL, &err));
    must_name_both(&err, place->path);
    assert_null(reader_open(place->path, &err));
    must_name_both(&err, place->path);
    assert_int_equal(command_send(place->path, &command, &err), -1);
    must_name_both(&err, place->path);
    AUTO_FREE char *copy = mem_printf("%s/copy", place->folder);
    assert_false(store_backup(place->path, copy, &err));
    must_name_both(&err, place->path);
    assert_true(file_read(place->path, 1 << 20, &after, &len_after, &err));
    assert_int_equal(len_before, len_after);
    assert_memory_equal(before, after, len_after);
}

static void test_views_have_names(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct workflow_row row = sample_workflow(12);
    store_put_workflow(store, &row);
    store_put_effect(store, &(struct effect_row){.workflow = 12,
                                                 .seq = 3,
                                                 .kind = EFFECT_MERGE,
                                                 .name = "merge",
                                                 .params = "",
                                                 .summary = "",
                                                 .log = ""});
    (void)store_add_event(
        store,
        &(struct event_row){
            .workflow = 12, .kind = "k", .actor = "ada", .to = STATE_PARKED, .text = ""});
    must_commit(store);
    static const char *const questions[] = {
        "SELECT count(*) FROM workflows WHERE workflow = 'wf-12' AND state = 'CODING'"
        " AND repo = '/srv/git/even' AND pipeline = 'payments' AND submitter = 'ada'",
        "SELECT count(*) FROM effects WHERE effect = 'wf-12.3' AND kind = 'merge'"
        " AND status = 'pending' AND name = 'merge'",
        "SELECT count(*) FROM events WHERE seq = 1 AND workflow = 'wf-12' AND kind = 'k'"
        " AND actor = 'ada' AND from_state = 'IDLE' AND to_state = 'PARKED'",
        "SELECT 1 - count(*) FROM commands",
    };
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        int64_t n = 0;
        assert_true(database_number(&store->database, questions[i], &n, &err));
        if (n != 1) {
            fail_msg("%s: %lld", questions[i], (long long)n);
        }
    }
    store_close(store);
}

/* ---- many at once
 * ------------------------------------------------------------------------ */

struct crowd {
    const char *path;
    int n_each;
    atomic_int n_failed;
    atomic_bool is_over;
    pthread_mutex_t lock;
    struct err first; /* under lock */
};

static void *send_many(void *argument)
{
    struct crowd *crowd = argument;
    struct command_row command = {.actor = "ada", .verb = "pause", .args = "{}"};
    for (int i = 0; i < crowd->n_each; i++) {
        struct err err = ERR_INIT;
        command.workflow = i + 1;
        if (command_send(crowd->path, &command, &err) < 0) {
            (void)pthread_mutex_lock(&crowd->lock);
            crowd->first = crowd->first.code == ERR_NONE ? err : crowd->first;
            (void)pthread_mutex_unlock(&crowd->lock);
            atomic_fetch_add(&crowd->n_failed, 1);
        }
    }
    return NULL;
}

/* Another program that writes, then reads, each for a while, until it is killed. */
static pid_t disturb(const char *path, int hold_ms)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct timespec span = {.tv_sec = hold_ms / 1000,
                                      .tv_nsec = hold_ms % 1000 * 1000000L};
        sqlite3 *db = NULL;
        (void)sqlite3_open(path, &db);
        (void)sqlite3_busy_timeout(db, 60000);
        for (;;) {
            (void)sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
            (void)nanosleep(&span, NULL); /* the lock that the others meet */
            (void)sqlite3_exec(db, "COMMIT; BEGIN; SELECT count(*) FROM command", NULL,
                               NULL, NULL);
            for (int i = 0; i < 3; i++) {
                (void)nanosleep(&span, NULL);
            }
            (void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
        }
    }
    return child;
}

/* The engine meanwhile: takes commands and answers them. */
static void *answer_all(void *argument)
{
    struct crowd *crowd = argument;
    struct err err = ERR_INIT;
    struct store *store = store_open(crowd->path, STORE_FULL, &err);
    struct arena *arena = arena_new();
    bool is_last = false;
    while (store != NULL && !is_last) {
        is_last = atomic_load(&crowd->is_over);
        const struct command_row *rows;
        int n;
        do {
            arena_reset(arena);
            n = store_take_commands(store, arena, 0, 64, &rows, &err);
            for (int i = 0; i < n; i++) {
                store_answer_command(store, rows[i].id, 0, "done", rows[i].workflow);
            }
            if (n < 0 || !store_commit(store, &err)) {
                atomic_fetch_add(&crowd->n_failed, 1);
                crowd->first = err;
                n = 0;
            }
        } while (n > 0);
        (void)sched_yield();
    }
    arena_free(arena);
    store_close(store);
    return NULL;
}

static void test_crowd(void **state)
{
    struct place *place = *state;
    struct crowd crowd = {.path = place->path,
                          .n_each = is_full_size() ? 1000 : 8,
                          .lock = PTHREAD_MUTEX_INITIALIZER};
    enum { N = 64 };
    pthread_t threads[N], engine;
    pid_t child = 0;
    store_close(place_store(place));
    child = disturb(place->path, is_full_size() ? 2000 : 100);
    assert_int_equal(pthread_create(&engine, NULL, answer_all, &crowd), 0);
    for (int i = 0; i < N; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &crowd), 0);
    }
    for (int i = 0; i < N; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    atomic_store(&crowd.is_over, true);
    (void)pthread_join(engine, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    int n_failed = atomic_load(&crowd.n_failed);
    if (n_failed != 0) {
        fail_msg("%d failed, first: %s", n_failed, crowd.first.msg);
    }
    struct store *store = place_store(place);
    struct err err = ERR_INIT;
    int64_t n = 0;
    assert_true(database_number(
        &store->database, "SELECT count(*) FROM command WHERE answer = 0", &n, &err));
    assert_int_equal(n, N * crowd.n_each);
    store_close(store);
}

/* ---- a store that several make at once
 * --------------------------------------------------- */

/* What `serve`, `submit` and `list` do on a path where there is nothing yet. */
static bool come_first(const char *path, int who, struct err *err)
{
    if (who == 0) {
        struct store *store = store_open(path, STORE_FULL, err);
        store_close(store);
        return store != NULL;
    }
    if (who == 1) {
        struct reader *reader = reader_open(path, err);
        reader_close(reader);
        return reader != NULL || err->code == ERR_NOT_FOUND;
    }
    const struct command_row row = {.actor = "a", .verb = "submit", .args = ""};
    return command_send(path, &row, err) > 0;
}

static void test_all_come_first(void **state)
{
    struct place *place = *state;
    enum { N = 4 };
    int n_rounds = is_full_size() ? 2000 : 60;
    for (int round = 0; round < n_rounds; round++) {
        AUTO_FREE char *path = mem_printf("%s.%d", place->path, round);
        int gate[2];
        pid_t children[N];
        assert_int_equal(pipe(gate), 0);
        for (int i = 0; i < N; i++) {
            children[i] = fork();
            assert_true(children[i] >= 0);
            if (children[i] == 0) {
                struct err err = ERR_INIT;
                char ignored;
                (void)close(gate[1]);
                (void)!read(gate[0], &ignored, 1); /* until all are there */
                bool is_good = come_first(path, i, &err);
                if (!is_good) {
                    (void)fprintf(stderr, "# %d: %s\n", i, err.msg);
                }
                _exit(!is_good);
            }
        }
        (void)close(gate[0]);
        (void)close(gate[1]);
        int n_failed = 0;
        for (int i = 0; i < N; i++) {
            int status = 0;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            n_failed += status != 0;
        }
        assert_int_equal(n_failed, 0);
    }
}

/* ---- backup
 * ------------------------------------------------------------------------------ */

struct engine {
    struct store *store;
    atomic_bool is_over;
    int64_t n;
};

/* Each commit adds one workflow and one event: any sound copy has as many of both. */
static void *write_on(void *argument)
{
    struct engine *engine = argument;
    struct err err = ERR_INIT;
    while (!atomic_load(&engine->is_over)) {
        struct workflow_row row = sample_workflow(++engine->n);
        store_put_workflow(engine->store, &row);
        (void)store_add_event(engine->store, &(struct event_row){.workflow = engine->n,
                                                                 .kind = "k",
                                                                 .actor = "a",
                                                                 .text = ""});
        if (!store_commit(engine->store, &err)) {
            return engine;
        }
    }
    return NULL;
}

static void test_backup_while_writing(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct engine engine = {.store = place_store(place)};
    for (engine.n = 0; engine.n < 3000;) {
        struct workflow_row row = sample_workflow(++engine.n);
        store_put_workflow(engine.store, &row);
        (void)store_add_event(engine.store, &(struct event_row){.workflow = engine.n,
                                                                .kind = "k",
                                                                .actor = "a",
                                                                .text = ""});
    }
    AUTO_FREE char *large = mem_alloc(DOC_MAX); /* so that it takes many steps */
    for (int64_t id = 1; id <= 8; id++) {
        store_put_doc(engine.store, id, DOC_DIFF, large, DOC_MAX);
    }
    must_commit(engine.store);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &engine), 0);
    mode_t old = umask(0);
    for (int i = 0; i < 3; i++) {
        AUTO_FREE char *copy = mem_printf("%s/copy%d.db", place->folder, i);
        if (!store_backup(place->path, copy, &err)) {
            fail_msg("%s", err.msg);
        }
        struct stat st;
        assert_int_equal(stat(copy, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_true(store_verify(copy, &err));
        struct store *restored = store_open(copy, STORE_FULL, &err);
        assert_non_null(restored);
        int64_t last = 0;
        struct totals totals;
        assert_true(store_load_counters(restored, &last, &totals, &err));
        assert_true(last >= 3000);
        assert_int_equal(last, totals.last_event);
        store_close(restored);
        assert_false(store_backup(place->path, copy, &err)); /* never overwritten */
        assert_int_equal(err.code, ERR_EXISTS);
    }
    (void)umask(old);
    atomic_store(&engine.is_over, true);
    void *failed = NULL;
    (void)pthread_join(thread, &failed);
    assert_null(failed);
    store_close(engine.store);
}

static int count_files(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) { // NOLINT: one thread
        n += entry->d_name[0] != '.';
    }
    (void)closedir(dir);
    return n;
}

static void test_failed_backup_leaves_nothing(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct rlimit old, low;
    struct store *store = place_store(place);
    store_put_doc(store, 1, DOC_DIFF, "", 0);
    AUTO_FREE char *large = mem_alloc(DOC_MAX);
    store_put_doc(store, 1, DOC_TASK, large, DOC_MAX);
    must_commit(store);
    AUTO_FREE char *folder = mem_printf("%s/copies", place->folder);
    assert_true(file_make_dirs(folder, &err));
    AUTO_FREE char *copy = file_join(folder, "c.db");
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 300000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    assert_false(store_backup(place->path, copy, &err));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(err.code, ERR_FULL);
    assert_non_null(strstr(err.msg, copy));
    assert_int_equal(count_files(folder), 0);
    AUTO_FREE char *missing = mem_printf("%s/none.db", place->folder);
    assert_false(store_backup(missing, copy, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(count_files(folder), 0);
    AUTO_FREE char *nowhere = mem_printf("%s/none/c.db", place->folder);
    assert_false(store_backup(place->path, nowhere, &err));
    assert_int_equal(symlink("/nowhere", copy), 0);
    assert_false(store_backup(place->path, copy, &err)); /* a link is not followed */
    assert_int_equal(err.code, ERR_EXISTS);
    assert_int_equal(unlink(copy), 0);
    assert_true(store_backup(place->path, copy, &err));
    assert_int_equal(count_files(folder), 1);
    store_close(store);
}

/* ---- kill -9
 * ----------------------------------------------------------------------------- */

/* Batches of five until killed; tells each one that was acknowledged. */
static void write_until_killed(const char *path, int tell)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(path, STORE_FULL, &err);
    while (store != NULL) {
        int64_t seq = 0;
        for (int i = 0; i < 5; i++) {
            seq = store_add_event(
                store, &(struct event_row){
                           .workflow = 1, .kind = "k", .actor = "a", .text = ""});
            struct workflow_row row = sample_workflow(seq);
            store_put_workflow(store, &row);
        }
        if (!store_commit(store, &err) || write(tell, &seq, sizeof(seq)) < 0) {
            break;
        }
    }
    _exit(1);
}

static void test_kill(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    store_close(place_store(place));
    uint32_t random = 3;
    for (int round = 0; round < 8; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            write_until_killed(place->path, ends[1]);
        }
        (void)close(ends[1]);
        int64_t acknowledged = 0, seq;
        random = random * 1103515245u + 12345u;
        for (uint32_t i = 0; i < 1 + (random >> 8) % 40; i++) {
            if (read(ends[0], &seq, sizeof(seq)) == sizeof(seq)) {
                acknowledged = seq;
            }
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while (read(ends[0], &seq, sizeof(seq)) == sizeof(seq)) {
            acknowledged = seq; /* told before the kill */
        }
        (void)close(ends[0]);
        struct store *store = place_store(place);
        struct totals totals;
        int64_t last = 0, n = 0;
        assert_true(store_load_counters(store, &last, &totals, &err));
        assert_true(totals.last_event >= acknowledged); /* nothing is lost ... */
        assert_int_equal(totals.last_event % 5, 0);     /* ... and no batch is torn */
        assert_int_equal(last, totals.last_event);
        assert_true(
            database_number(&store->database, "SELECT count(*) FROM event", &n, &err));
        assert_int_equal(n, last);
        store_close(store);
        assert_true(store_verify(place->path, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_each_migration),
        PLACE_TEST(test_newer_schema_is_refused),
        PLACE_TEST(test_views_have_names),
        PLACE_TEST(test_crowd),
        PLACE_TEST(test_all_come_first),
        PLACE_TEST(test_backup_while_writing),
        PLACE_TEST(test_failed_backup_leaves_nothing),
        PLACE_TEST(test_kill),
    };
    return cmocka_run_group_tests_name("store whole", tests, NULL, NULL);
}
