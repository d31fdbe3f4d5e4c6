/* SPDX-License-Identifier: MIT */

/*
 * Figures of the engine, a JSON line each, goals beside them:
 *
 *   durable.steps     workflow steps a second, 64 in flight, every batch committed at
 * FULL: the outcome of the step, the event, the state and the next effect are one
 *                     transaction; effects are answered at once, in this process
 *   durable.alone     milliseconds of one step when one workflow runs alone
 *   restart           kill -9 with 10,000 effects in flight, then: open, load, and every
 * effect given to the executor again soak.rss          growth of resident memory over a
 * million events store.fill        (with --fill FILE) 100,000 finished and 10,000 live
 * workflows, for the figures of the whole program
 *
 * Run under a preload that makes fsync slower for the figures of an ordinary disk.
 */

#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/identity.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "store/bell.h"

static const char plain[] =
    "name: bench\nrepository: /srv/bench\nbase: main\nagent: {command: agent}\n"
    "validate:\n  - {name: unit, command: unit}\nmerge: {mode: auto}\n";
static const char asking[] =
    "name: asking\nrepository: /srv/asking\nbase: main\nagent: {command: agent}\n"
    "plan: {mode: ask}\nvalidate: []\nmerge: {mode: ask}\n";

struct bench {
    struct store *store;
    struct control *control;
    char *path;
    struct effect_result **ready; /* answered, in the order asked */
    size_t n_ready, cap_ready;
    int64_t n_performed;
    bool is_silent; /* keep effects in flight */
};

static void die(const struct err *err)
{
    (void)fprintf(stderr, "bench: %s\n", err->msg);
    exit(1);
}

static void figure(const char *name, double value, const char *unit, double goal)
{
    (void)printf("{\"fig\":\"%s\",\"who\":\"signalbox\",\"value\":%.6g,\"unit\":\"%s\","
                 "\"goal\":%g}\n",
                 name, value, unit, goal);
    (void)fflush(stdout);
}

static double seconds_since(struct mono begin)
{
    return (double)(mono_now().ns - begin.ns) / 1e9;
}

static double rss_mib(void)
{
    struct err err = ERR_INIT;
    char *text = NULL;
    size_t len = 0;
    double kib = 0;
    if (file_read("/proc/self/status", 65536, &text, &len, &err)) {
        const char *line = strstr(text, "VmRSS:");
        kib = line != NULL ? strtod(line + 6, NULL) : 0;
        free(text);
    }
    return kib / 1024;
}

static void on_perform(void *self, const struct effect_row *effect)
{
    struct bench *bench = self;
    bench->n_performed++;
    if (bench->is_silent) {
        return;
    }
    if (bench->n_ready == bench->cap_ready) {
        bench->cap_ready = bench->cap_ready > 0 ? bench->cap_ready * 2 : 256;
        bench->ready = mem_grow(bench->ready, bench->cap_ready, sizeof(*bench->ready));
    }
    struct effect_result *result = effect_result_new(effect->workflow, effect->seq);
    result->status = STATUS_PASSED;
    if (effect->kind == EFFECT_COMMIT) {
        result->head_sha = mem_str("1f0e2d3c4b5a69788796a5b4c3d2e1f001122334");
    } else if (effect->kind == EFFECT_MERGE) {
        result->merge_sha = mem_str("2f0e2d3c4b5a69788796a5b4c3d2e1f001122334");
    } else if (effect->kind == EFFECT_PULL_REQUEST) {
        result->pr_number = effect->workflow;
    }
    bench->ready[bench->n_ready++] = result;
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    (void)self;
    (void)workflow;
    (void)seq;
}

static struct executor executor_of(struct bench *bench)
{
    return (struct executor){bench, on_perform, on_stop};
}

static void open_bench(struct bench *bench, int max_running,
                       enum store_durability durability)
{
    struct err err = ERR_INIT;
    bench->store = store_open(bench->path, durability, &err);
    if (bench->store == NULL) {
        die(&err);
    }
    struct control_options options = {
        .max_running = max_running, .limits = {span_s(5), span_s(300)},
             .seed = 1
    };
    bench->control = control_new(&options, bench->store);
    if (!control_load(bench->control, wall_now(), &err)) {
        die(&err);
    }
}

static void close_bench(struct bench *bench)
{
    control_free(bench->control);
    store_close(bench->store);
    for (size_t i = 0; i < bench->n_ready; i++) {
        effect_result_free(bench->ready[i]);
    }
    free(bench->ready);
    bench->ready = NULL;
    bench->n_ready = bench->cap_ready = 0;
}

static void submit(struct bench *bench, const char *name, const char *text, int n)
{
    struct err err = ERR_INIT;
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 65536);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", name);
    jsonw_str(&w, "text", text);
    jsonw_str(&w, "task", "Cache the price list lookups");
    jsonw_close(&w, '}');
    struct command_row row = {.at = wall_now(),
                              .actor = "bench",
                              .verb = "submit",
                              .args = args.data,
                              .message = ""};
    struct err problem = ERR_INIT;
    const struct executor executor = executor_of(bench);
    for (int i = 0; i < n; i++) {
        if (command_send(bench->path, &row, &err) < 0) {
            die(&err);
        }
        if (i % 256 == 255 || i == n - 1) {
            if (control_commands(bench->control, 256, wall_now(), &problem) < 0 ||
                !control_commit(bench->control, &executor, &problem)) {
                die(&problem);
            }
        }
    }
}

/* One batch: what is answered, a commit, the next effects. Returns outcomes taken. */
static size_t turn(struct bench *bench)
{
    struct err err = ERR_INIT;
    const struct executor executor = executor_of(bench);
    struct wall now = wall_now();
    size_t n = bench->n_ready;
    struct effect_result **taken = bench->ready;
    bench->ready = NULL;
    bench->n_ready = bench->cap_ready = 0;
    for (size_t i = 0; i < n; i++) {
        control_result(bench->control, taken[i], now);
    }
    free(taken);
    control_tick(bench->control, now);
    if (!control_commit(bench->control, &executor, &err)) {
        die(&err);
    }
    return n;
}

static char *fresh(const char *folder)
{
    struct err err = ERR_INIT;
    if (!file_remove_tree(folder, &err) || !file_make_dirs(folder, &err)) {
        die(&err);
    }
    return file_join(folder, "bench.db");
}

static void durable(const char *folder, int in_flight, int n, const char *name,
                    double goal)
{
    struct bench bench = {.path = fresh(folder)};
    open_bench(&bench, in_flight, STORE_FULL);
    submit(&bench, "bench", plain, n);
    struct control_stats stats = {0};
    int64_t n_steps = 0;
    (void)turn(&bench);
    struct mono begin = mono_now();
    do {
        n_steps += (int64_t)turn(&bench);
        control_stats(bench.control, &stats);
    } while (stats.n_live > 0);
    double seconds = seconds_since(begin);
    if (in_flight == 1) {
        figure(name, seconds * 1000 / (double)n_steps, "ms", goal);
    } else {
        figure(name, (double)n_steps / seconds, "1/s", goal);
    }
    close_bench(&bench);
    free(bench.path);
}

static void restart(const char *folder)
{
    char *path = fresh(folder);
    pid_t pid = fork();
    if (pid == 0) {
        struct bench bench = {.path = path};
        open_bench(&bench, 10000, STORE_FULL);
        submit(&bench, "bench", plain, 10000);
        (void)turn(&bench);
        for (int i = 0; i < 3; i++) { /* somewhere in the middle, not all at the start */
            (void)turn(&bench);
        }
        (void)kill(getpid(), SIGKILL);
    }
    (void)waitpid(pid, NULL, 0);
    struct bench bench = {.path = path, .is_silent = true};
    struct mono begin = mono_now();
    open_bench(&bench, 10000, STORE_FULL);
    (void)turn(&bench);
    figure("restart", seconds_since(begin) * 1000, "ms", 150);
    figure("restart.scheduled", (double)bench.n_performed, "effects", 10000);
    figure("restart.rss", rss_mib(), "MiB", 40);
    close_bench(&bench);
    free(path);
}

static void soak(const char *folder)
{
    struct bench bench = {.path = fresh(folder)};
    open_bench(&bench, 64, STORE_OFF);
    double first = 0;
    struct control_stats stats = {0};
    for (int round = 0; round < 11; round++) {
        submit(&bench, "bench", plain, 10000);
        (void)turn(&bench);
        do {
            (void)turn(&bench);
            control_stats(bench.control, &stats);
        } while (stats.n_live > 0);
        first = round == 0 ? rss_mib() : first; /* warm */
    }
    struct totals t = {0};
    struct err err = ERR_INIT;
    int64_t last = 0;
    if (!store_load_counters(bench.store, &last, &t, &err)) {
        die(&err);
    }
    figure("soak.events", (double)t.last_event, "events", 1000000);
    figure("soak.rss", rss_mib() - first, "MiB", 1);
    close_bench(&bench);
    free(bench.path);
}

static void fill(const char *path, int n_finished, int n_live)
{
    struct bench bench = {.path = mem_str(path)};
    open_bench(&bench, 1000, STORE_OFF);
    struct control_stats stats = {0};
    submit(&bench, "bench", plain, n_finished);
    (void)turn(&bench);
    do {
        (void)turn(&bench);
        control_stats(bench.control, &stats);
    } while (stats.n_live > 0);
    submit(&bench, "asking", asking, n_live);
    do {
        (void)turn(&bench);
        control_stats(bench.control, &stats);
    } while (stats.n_queued > 0);
    close_bench(&bench);
    free(bench.path);
}

static void busy(const char *path)
{
    struct bench bench = {.path = mem_str(path)};
    struct err err = ERR_INIT;
    struct lease *lease = NULL;
    int pid = 0;
    struct control_stats stats = {0};
    if (lease_take(path, &lease, &pid, &err) != LEASE_TAKEN) {
        die(&err);
    }
    open_bench(&bench, 64, STORE_FULL);
    struct bell *bell = bell_open(path, &err);
    if (bell == NULL) {
        die(&err);
    }
    for (;;) {
        control_stats(bench.control, &stats);
        if (stats.n_queued < 500) {
            submit(&bench, "bench", plain, 1000);
        }
        (void)turn(&bench);
        (void)bell_serve(bell);
        bell_ring(bell);
    }
}

static bool send_priority(const char *path, const struct identity *me, int64_t workflow,
                          int value, struct err *err)
{
    char args[32];
    (void)snprintf(args, sizeof(args), "{\"value\":%d}", value);
    const struct command_row row = {.at = wall_now(),
                                    .actor = me->actor,
                                    .account = me->account,
                                    .verb = "priority",
                                    .workflow = workflow,
                                    .args = args,
                                    .message = ""};
    return command_send(path, &row, err) >= 0;
}

/* To the engine of a store: so many commands a second, each an event and a line of the audit,
 * until killed. Priorities of the live workflows, the newest first. */
static void drive(const char *path, double rate)
{
    struct err err = ERR_INIT;
    struct arena *arena = arena_new();
    struct reader *reader = reader_open(path, &err);
    const struct list_query query = {.states = STATE_BIT(STATE_PLANNING), .max = 1000};
    const struct workflow_row *rows = NULL;
    size_t n = 0;
    if (reader == NULL || !reader_list(reader, arena, &query, &rows, &n, &err)) {
        die(&err);
    }
    struct identity me; /* who may do it is who runs the engine */
    identity_of_process(&me);
    struct bell_client *bell = bell_connect(path);
    if (bell == NULL || n == 0) {
        err_set(&err, ERR_NOT_FOUND, "%s: no engine, or nothing is live", path);
        die(&err);
    }
    struct mono begin = mono_now();
    for (size_t i = 0; send_priority(path, &me, rows[i % n].id, (int)(i / n % 10), &err);
         i++) {
        bell_client_ring(bell);
        double ahead = (double)(i + 1) / rate - seconds_since(begin);
        if (ahead > 0) {
            (void)usleep((useconds_t)(ahead * 1e6)); /* a load, not a test */
        }
    }
    (void)fprintf(stderr, "bench: %s\n", err.msg);
    bell_disconnect(bell);
    reader_close(reader);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    const char *base = getenv("TMPDIR");
    AUTO_FREE char *folder = mem_printf("%s/signalbox-bench.%ld",
                                        base != NULL ? base : "/tmp", (long)getpid());
    if (argc >= 3 && strcmp(argv[1], "--fill") == 0) {
        fill(argv[2], argc > 3 ? (int)strtol(argv[3], NULL, 10) : 100000,
             argc > 4 ? (int)strtol(argv[4], NULL, 10) : 10000);
        return 0;
    }
    (void)prctl(PR_SET_PDEATHSIG,
                SIGKILL); /* a load ends with the bench that asked for it */
    if (argc >= 3 && strcmp(argv[1], "--busy") == 0) {
        busy(argv[2]);
    }
    if (argc >= 4 && strcmp(argv[1], "--drive") == 0) {
        drive(argv[2], strtod(argv[3], NULL));
        return 0;
    }
    bool is_all = argc < 2;
    if (is_all || strcmp(argv[1], "durable") == 0) {
        durable(folder, 64, 5000, "durable.steps", 20000);
        durable(folder, 1, 300, "durable.alone", 0.15);
    }
    if (is_all || strcmp(argv[1], "restart") == 0) {
        restart(folder);
    }
    if (is_all || strcmp(argv[1], "soak") == 0) {
        soak(folder);
    }
    struct err err = ERR_INIT;
    (void)file_remove_tree(folder, &err); /* in a scratch folder it may stay */
    return 0;
}
