/* SPDX-License-Identifier: MIT */

/*
 * Crash campaign: kill -9 under load, then count from the outside.
 *
 * A real repository, real agent processes, the real program. First the engine is killed
 * once before and once after each of its first commit points (kill_at_sync.so), then
 * KILLS times at random instants, now and then together with every runner. After each
 * kill it is started again; at the end every workflow must have come to its end, and what
 * happened is counted where it left its marks: agent starts in a file that the agent
 * appends to, branches, pull requests and merges in the repository.
 *
 *   KILLS (100)  COMMIT_POINTS (40)  SEED (time)  SIGNALBOX (build/signalbox)
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "store/audit_file.h"
#include "store/bell.h"
#include "store/finding.h"
#include "store/store.h"

#define LOAD        24  /* workflows kept in flight */
#define END_SECONDS 180 /* for the rest to finish after the last kill */
#define OUTPUT_MAX  (64 * 1024 * 1024)

extern char **environ;

struct campaign {
    char *folder, *repo, *store, *starts, *program, *shim, *pipeline;
    struct rng rng;
    pid_t engine;
    int64_t n_submitted;
    int n_kills, n_passed, n_failed;
};

static void die(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "crash: %s: %s\n", what, err->msg);
    exit(1);
}

static long setting(const char *name, long fallback)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtol(text, NULL, 10) : fallback;
}

/* Run a program to its end; its output in out (may be NULL). */
static int run(const char *const argv[], struct buf *out)
{
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0) {
        abort();
    }
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
                     environ) != 0) {
        abort();
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    char chunk[65536];
    ssize_t n;
    while ((n = read(ends[0], chunk, sizeof(chunk))) > 0) {
        if (out != NULL) {
            (void)buf_add(out, chunk, (size_t)n);
        }
    }
    (void)close(ends[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static void put_file(const char *path, const char *text, mode_t mode)
{
    struct err err = ERR_INIT;
    if (!file_write(path, text, strlen(text), &err) || chmod(path, mode) != 0) {
        die(path, &err);
    }
}

static void prepare(struct campaign *c)
{
    struct err err = ERR_INIT;
    char template[] = "/tmp/signalbox-crash.XXXXXX";
    c->folder = mem_str(mkdtemp(template));
    c->repo = file_join(c->folder, "repo");
    c->store = file_join(c->folder, "signalbox.db");
    c->starts = file_join(c->folder, "starts");
    char *agent = file_join(c->folder, "agent.sh");
    char *seed = file_join(c->repo, "seed.txt");
    char *script =
        mem_printf("#!/bin/sh\necho \"$SIGNALBOX_EFFECT\" >>'%s'\nsleep 0.05\n"
                   "echo \"$SIGNALBOX_WORKFLOW\" >\"$SIGNALBOX_WORKFLOW.txt\"\n",
                   c->starts);
    put_file(agent, script, 0755);
    char *config = file_join(c->folder, "signalbox.yaml");
    put_file(config,
             "max_running: 16\nrecovery: {backoff: 100ms, backoff_max: 1s}\n"
             "access: {operator: {users: [crash]}}\n",
             0644);
    c->pipeline =
        mem_printf("name: crash\nrepository: %s\nbase: main\nagent: {command: %s}\n"
                   "validate:\n  - {name: test, command: 'test -s seed.txt'}\n"
                   "  - {name: size, command: 'test $(wc -l <seed.txt) -eq 1'}\n"
                   "  - {name: own, command: 'test -s \"$SIGNALBOX_WORKFLOW.txt\"'}\n"
                   "merge: {mode: auto}\n"
                   "limits: {iterations: 20, retries: 50, parallel: 2}\n",
                   c->repo, agent);
    const char *init[] = {"git", "init", "-q", "-b", "main", c->repo, NULL};
    const char *add[] = {"git", "-C", c->repo, "add", "-A", NULL};
    const char *commit[] = {"git",         "-C", c->repo,          "-c",
                            "user.name=t", "-c", "user.email=t@t", "commit",
                            "-q",          "-m", "seed",           NULL};
    const char *detach[] = {"git", "-C", c->repo, "checkout", "-q", "--detach", NULL};
    if (run(init, NULL) != 0) {
        die("git init", &err);
    }
    put_file(seed, "seed\n", 0644);
    if (run(add, NULL) != 0 || run(commit, NULL) != 0 || run(detach, NULL) != 0) {
        die("git commit", &err);
    }
    free(agent);
    free(seed);
    free(script);
    free(config);
}

/* ---- the engine
 * -------------------------------------------------------------------------- */

static void start_engine(struct campaign *c, const char *variable, long n)
{
    AUTO_FREE char *config = file_join(c->folder, "signalbox.yaml");
    AUTO_FREE char *out = file_join(c->folder, "engine.out");
    char number[32];
    (void)snprintf(number, sizeof(number), "%ld", n);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (variable != NULL) {
            (void)setenv("LD_PRELOAD", c->shim, 1);
            (void)setenv(variable, number, 1);
        }
        (void)execl(c->program, c->program, "serve", "--store", c->store, "--config",
                    config, (char *)NULL);
        _exit(127);
    }
    c->engine = pid;
}

/* True when the engine ended by itself within the bound. */
static bool wait_engine(struct campaign *c, int timeout_ms)
{
    int fd = (int)syscall(SYS_pidfd_open, c->engine, 0);
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int n = poll(&poller, 1, timeout_ms);
    (void)close(fd);
    if (n > 0) {
        (void)waitpid(c->engine, NULL, 0);
    }
    return n > 0;
}

static void kill_engine(struct campaign *c)
{
    (void)kill(c->engine, SIGKILL);
    (void)waitpid(c->engine, NULL, 0);
    c->n_kills++;
}

/* Every runner, and so what it runs: a power cut but for the page cache. */
static void kill_runners(const struct campaign *c)
{
    const char *argv[] = {"pkill", "-KILL", "-f", c->folder, NULL};
    (void)run(argv, NULL);
}

/* ---- load
 * ------------------------------------------------------------------------------------ */

static bool totals(const struct campaign *c, struct totals *ret_totals)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(c->store, &err);
    bool is_read = reader != NULL && reader_totals(reader, ret_totals, &err);
    reader_close(reader);
    return is_read;
}

static int64_t n_final(const struct totals *t)
{
    int64_t n = 0;
    for (int s = 0; s < STATE_COUNT; s++) {
        n += state_is_final((enum workflow_state)s) ? t->by_state[s] : 0;
    }
    return n;
}

static void submit(struct campaign *c)
{
    struct err err = ERR_INIT;
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 65536);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", "crash");
    jsonw_str(&w, "text", c->pipeline);
    jsonw_str(&w, "task", "add a file of your own");
    jsonw_close(&w, '}');
    struct command_row row = {.at = wall_now(),
                              .actor = "crash",
                              .verb = "submit",
                              .args = args.data,
                              .message = ""};
    if (command_send(c->store, &row, &err) < 0) {
        die("submit", &err);
    }
    struct bell_client *bell = bell_connect(c->store);
    if (bell != NULL) {
        bell_client_ring(bell);
        bell_disconnect(bell);
    }
    c->n_submitted++;
}

/* A campaign in which every submission is refused would test nothing, for half an hour. */
static void check_load(struct campaign *c)
{
    struct totals t = {0};
    struct err err = ERR_INIT;
    if (!totals(c, &t) || t.n_workflows == 0) {
        (void)err_set(&err, ERR_REFUSED, "no workflow was taken");
        die("load", &err);
    }
}

static void keep_load(struct campaign *c)
{
    struct totals t = {0};
    int64_t done = totals(c, &t) ? n_final(&t) : 0;
    while (c->n_submitted - done < LOAD) {
        submit(c);
    }
}

/* ---- counting
 * ---------------------------------------------------------------------------------- */

static void expect(struct campaign *c, bool is_so, const char *name, int64_t found,
                   int64_t wanted)
{
    (void)printf("%s %d - %s: %" PRId64 ", expected %" PRId64 "\n",
                 is_so ? "ok" : "not ok", c->n_passed + c->n_failed + 1, name, found,
                 wanted);
    c->n_passed += is_so;
    c->n_failed += !is_so;
}

static int compare_text(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* Lines of text, and how many of them are repetitions. */
static void count_lines(char *text, int64_t *ret_lines, int64_t *ret_repeated)
{
    size_t n = 0, cap = 1024;
    char **lines = mem_array(cap, sizeof(*lines));
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (n == cap) {
            cap *= 2;
            lines = mem_grow(lines, cap, sizeof(*lines));
        }
        lines[n++] = line;
    }
    qsort(lines, n, sizeof(*lines), compare_text);
    *ret_lines = (int64_t)n;
    *ret_repeated = 0;
    for (size_t i = 1; i < n; i++) {
        *ret_repeated += strcmp(lines[i - 1], lines[i]) == 0;
    }
    free(lines);
}

static void count_git(struct campaign *c, const char *what, const char *const argv[],
                      int64_t wanted)
{
    AUTO_BUF struct buf out;
    int64_t n = 0, repeated = 0;
    buf_init(&out, OUTPUT_MAX);
    (void)run(argv, &out);
    count_lines(out.data, &n, &repeated);
    expect(c, n == wanted && repeated == 0, what, n, wanted);
}

static void count_agent_starts(struct campaign *c)
{
    struct err err = ERR_INIT;
    char *text = NULL;
    size_t len = 0;
    int64_t n = 0, repeated = 0;
    if (!file_read(c->starts, OUTPUT_MAX, &text, &len, &err)) {
        die("starts", &err);
    }
    count_lines(text, &n, &repeated);
    expect(c, n >= c->n_submitted, "agent starts", n, c->n_submitted);
    expect(c, repeated == 0, "agent starts repeated under one key", repeated, 0);
    free(text);
}

/* Effects that have an outcome. */
static int64_t count_outcomes(struct campaign *c, struct reader *reader)
{
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    int64_t n_outcomes = 0;
    for (int64_t id = 1; id <= c->n_submitted; id++) {
        const struct effect_row *rows;
        size_t n;
        if (!reader_effects(reader, arena, id, &rows, &n, &err)) {
            die("effects", &err);
        }
        for (size_t i = 0; i < n; i++) {
            n_outcomes += rows[i].status != STATUS_PENDING;
        }
        arena_reset(arena);
    }
    arena_free(arena);
    return n_outcomes;
}

/* Ids of the spans of a kind, a line each. */
static void list_spans(struct reader *reader, const char *kind, struct buf *out)
{
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    int64_t after = 0;
    size_t n = 1;
    while (n > 0) {
        const struct span_row *rows;
        if (!reader_spans(reader, arena, 0, after, 1000, &rows, &n, &err)) {
            die("spans", &err);
        }
        for (size_t i = 0; i < n; i++) {
            after = rows[i].seq;
            if (strcmp(rows[i].kind, kind) == 0) {
                (void)buf_printf(out, "%s-%s\n", rows[i].trace, rows[i].span);
            }
        }
        arena_reset(arena);
    }
    arena_free(arena);
}

/* Each outcome left its span in its own transaction: none is missing, none is there twice. */
static void count_spans(struct campaign *c)
{
    static const char *const kinds[] = {"workflow", "step", "state"};
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(c->store, &err);
    if (reader == NULL) {
        die("store", &err);
    }
    int64_t wanted[] = {c->n_submitted, count_outcomes(c, reader), -1};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        AUTO_BUF struct buf out;
        AUTO_FREE char *name = mem_printf("spans of kind %s", kinds[i]);
        int64_t n = 0, repeated = 0;
        buf_init(&out, OUTPUT_MAX);
        list_spans(reader, kinds[i], &out);
        count_lines(out.data, &n, &repeated);
        if (wanted[i] >= 0) {
            expect(c, n == wanted[i], name, n, wanted[i]);
        }
        AUTO_FREE char *again = mem_printf("%s that are there twice", name);
        expect(c, repeated == 0, again, repeated, 0);
    }
    reader_close(reader);
}

/* The chain is whole and has every head that an engine noted before it was killed. */
static void check_audit(struct campaign *c)
{
    struct err err = ERR_INIT;
    struct audit_notes notes = {0};
    enum found found = audit_file_read(c->store, &notes, &err);
    struct reader *reader = reader_open(c->store, &err);
    if (reader == NULL) {
        die("store", &err);
    }
    struct audit_check *check = audit_check_new(notes.marks, notes.n);
    enum audit_step step = audit_check_step(check, reader, SIZE_MAX, &err);
    const struct audit_verdict *verdict = audit_check_verdict(check);
    if (step != AUDIT_END) {
        (void)printf("# %s%s\n", verdict->text, err.msg);
    }
    expect(c, step == AUDIT_END, "audit is whole", step, AUDIT_END);
    expect(c, found == FOUND && notes.n_bad == 0 && verdict->n_marks == notes.n,
           "heads noted beside it agree", (int64_t)verdict->n_marks, (int64_t)notes.n);
    audit_check_free(check);
    audit_notes_fini(&notes);
    reader_close(reader);
}

static void count_everything(struct campaign *c)
{
    struct totals t = {0};
    bool is_read = totals(c, &t);
    expect(c, is_read && t.n_workflows == c->n_submitted, "workflows kept", t.n_workflows,
           c->n_submitted);
    expect(c, t.by_state[STATE_COMPLETED] == c->n_submitted, "workflows completed",
           t.by_state[STATE_COMPLETED], c->n_submitted);
    count_agent_starts(c);
    const char *merges[] = {
        "git",
        "-C",
        c->repo,
        "log",
        "--first-parent",
        "--merges",
        "--format=%(trailers:key=Signalbox-Workflow,valueonly,separator=)",
        "main",
        NULL};
    count_git(c, "merges on main", merges, c->n_submitted);
    const char *pulls[] = {
        "git", "-C", c->repo, "for-each-ref", "--format=%(refname)", "refs/pull/*/head",
        NULL};
    count_git(c, "pull requests", pulls, c->n_submitted);
    const char *files[] = {"git", "-C", c->repo, "ls-tree", "--name-only", "main", NULL};
    count_git(c, "files on main", files, c->n_submitted + 1);
    count_spans(c);
    check_audit(c);
    struct err err = ERR_INIT;
    bool is_sound = store_verify(c->store, &err);
    expect(c, is_sound, "store is sound", is_sound, 1);
}

/* ---- the campaign
 * ---------------------------------------------------------------------------------- */

static void kill_at_commit_points(struct campaign *c, long n_points)
{
    for (long n = 1; n <= n_points; n++) {
        for (int side = 0; side < 2; side++) {
            keep_load(c);
            start_engine(c, side == 0 ? "KILL_AT_SYNC" : "KILL_AFTER_SYNC", n);
            if (wait_engine(c, 3000)) {
                c->n_kills++;
            } else {
                kill_engine(c);
            }
        }
    }
}

static void kill_at_random(struct campaign *c, long n_kills)
{
    for (long i = 0; i < n_kills; i++) {
        keep_load(c);
        start_engine(c, NULL, 0);
        if (!wait_engine(c, (int)rng_below(&c->rng, 250))) {
            kill_engine(c);
        }
        if (rng_below(&c->rng, 20) == 0) {
            kill_runners(c);
        }
        if (i % 100 == 99) {
            (void)printf("# %ld kills, %" PRId64 " workflows submitted\n", i + 1,
                         c->n_submitted);
            (void)fflush(stdout);
        }
    }
}

static void finish(struct campaign *c)
{
    struct totals t = {0};
    start_engine(c, NULL, 0);
    struct mono end = {mono_now().ns + END_SECONDS * 1000000000LL};
    while (mono_now().ns < end.ns) {
        if (totals(c, &t) && n_final(&t) == c->n_submitted) {
            break;
        }
        struct bell_client *bell = bell_connect(c->store);
        struct pollfd poller = {.fd = bell != NULL ? bell_client_fd(bell) : -1,
                                .events = POLLIN};
        (void)poll(&poller, 1, 200); /* a commit, or a look all the same */
        bell_disconnect(bell);
    }
    (void)kill(c->engine, SIGTERM);
    if (!wait_engine(c, 10000)) {
        kill_engine(c);
    }
}

int main(void)
{
    const char *program = getenv("SIGNALBOX");
    struct err err = ERR_INIT;
    struct campaign c = {0};
    long n_kills = setting("KILLS", 100);
    uint64_t seed = (uint64_t)setting("SEED", (long)wall_now().ms);
    rng_init(&c.rng, seed);
    c.program = file_real(program != NULL ? program : "build/signalbox", &err);
    const char *shim = getenv("KILL_SHIM");
    c.shim = file_real(shim != NULL ? shim : "build/release/tests/crash/kill_at_sync.so",
                       &err);
    if (c.program == NULL || c.shim == NULL) {
        die("crash", &err);
    }
    prepare(&c);
    (void)printf("# seed %" PRIu64 ", %ld kills, in %s\n", seed, n_kills, c.folder);
    struct mono begin = mono_now();
    kill_at_commit_points(&c, setting("COMMIT_POINTS", 40));
    check_load(&c);
    kill_at_random(&c, n_kills);
    finish(&c);
    count_everything(&c);
    (void)printf("# %d kills, %" PRId64 " workflows, %.0f s\n1..%d\n", c.n_kills,
                 c.n_submitted, (double)(mono_now().ns - begin.ns) / 1e9,
                 c.n_passed + c.n_failed);
    if (c.n_failed == 0) {
        (void)file_remove_tree(c.folder, &err); /* in /tmp it may stay */
    }
    return c.n_failed == 0 ? 0 : 1;
}
