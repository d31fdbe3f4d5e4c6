/* SPDX-License-Identifier: MIT */
/*
 * Bench of the store, one JSON line per figure.
 *   bench_store [SECONDS [FOLDER]]
 * A step is what the control center writes for one: the workflow's row, one event, the
 * outcome of an effect and the next effect. Run it also with an fsync of ordinary speed.
 */
#include <sys/resource.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "store/store.h"

#define BATCH       64
#define N_LIVE      10000
#define N_HISTORY   100000
#define STEPS_OF_WF 5

static double seconds(struct mono from)
{
    return (double)(mono_now().ns - from.ns) / 1e9;
}

static void must(bool is_good, const struct err *err)
{
    if (!is_good) {
        (void)fprintf(stderr, "bench_store: %s\n", err->msg);
        exit(1);
    }
}

static double rss_mib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage); /* cannot fail with these arguments */
    return (double)usage.ru_maxrss / 1024.0;
}

/* Of this process, user and system: what others do on the machine is not in it. */
static double cpu_seconds(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage); /* cannot fail with these arguments */
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print(const char *figure, double value, const char *unit, const char *more)
{
    (void)printf(
        "{\"fig\":\"%s\",\"who\":\"signalbox\",\"value\":%.4g,\"unit\":\"%s\"%s}\n",
        figure, value, unit, more);
    (void)fflush(stdout);
}

static int compare(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static struct workflow_row workflow_at(int64_t id, int step)
{
    static char repo[64], title[64], branch[64];
    (void)snprintf(repo, sizeof(repo), "/srv/git/service-%d", (int)(id % 40));
    (void)snprintf(title, sizeof(title), "retry the payment of order %lld",
                   (long long)id);
    (void)snprintf(branch, sizeof(branch), "signalbox/wf-%lld", (long long)id);
    bool is_done = step >= STEPS_OF_WF;
    return (struct workflow_row){
        .id = id,
        .pipeline = "payments",
        .pipeline_id = 1,
        .repo = repo,
        .title = title,
        .submitter = "ada",
        .priority = 5,
        .state =
            is_done ? STATE_COMPLETED : (enum workflow_state)(STATE_PLANNING + step % 4),
        .step = step,
        .iteration = 1,
        .attempt = 1,
        .effect_seq = step + 1,
        .is_active = !is_done,
        .created_at = {1700000000000 + id * 1000},
        .started_at = {1700000000000 + id * 1000},
        .state_since = {1700000000000 + id * 1000 + step},
        .finished_at = {is_done ? 1700000000000 + id * 1000 + step : 0},
        .deadline_at = {1700003600000 + id * 1000},
        .branch = branch,
        .base_sha = "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        .head_sha = step > 1 ? "9c3f0f1b9a4dbe6e1a1f9a0e6c9d2c37f2f0a111" : "",
        .merge_sha = "",
        .pr_number = step > 2 ? id : 0,
        .reason = "",
    };
}

static void put_step(struct store *store, int64_t id, int step)
{
    static const char *const kinds[] = {"start",     "plan-passed",  "code-passed",
                                        "pr-opened", "check-passed", "merged"};
    struct workflow_row row = workflow_at(id, step);
    struct effect_row effect = {.workflow = id,
                                .seq = step,
                                .kind = EFFECT_CHECK,
                                .status = STATUS_PASSED,
                                .name = "unit tests",
                                .iteration = 1,
                                .attempt = 1,
                                .asked_at = row.state_since,
                                .started_at = row.state_since,
                                .finished_at = row.state_since,
                                .deadline_at = row.deadline_at,
                                .params = "{\"branch\":\"signalbox/wf-1\",\"index\":3}",
                                .summary = "passed",
                                .log = "wf-1/fx-1/step"};
    store_put_workflow(store, &row);
    (void)store_add_event(store, &(struct event_row){.at = row.state_since,
                                                     .workflow = id,
                                                     .kind = kinds[step],
                                                     .actor = "engine",
                                                     .from = STATE_PLANNING,
                                                     .to = row.state,
                                                     .iteration = 1,
                                                     .attempt = 1,
                                                     .effect = step,
                                                     .text = ""});
    if (step > 0) {
        store_put_effect(store, &effect);
    }
    if (step < STEPS_OF_WF) {
        effect.seq = step + 1;
        effect.status = STATUS_PENDING;
        effect.summary = "";
        store_put_effect(store, &effect);
    }
}

static void commit(struct store *store)
{
    struct err err = ERR_INIT;
    must(store_commit(store, &err), &err);
}

/* `live` workflows in flight at random; one that ends is replaced by a new one. */
static void bench_steps(const char *path, const char *figure, int live, int batch,
                        double for_seconds)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(path, STORE_FULL, &err);
    must(store != NULL, &err);
    int64_t *ids = mem_array((size_t)live, sizeof(*ids));
    int *steps = mem_array((size_t)live, sizeof(*steps));
    int64_t next_id;
    struct totals totals;
    must(store_load_counters(store, &next_id, &totals, &err), &err);
    for (int i = 0; i < live; i++) {
        ids[i] = ++next_id;
        put_step(store, ids[i], 0);
    }
    commit(store);
    double *latencies = mem_array(1 << 20, sizeof(*latencies));
    size_t n_commits = 0;
    long n_steps = 0;
    uint32_t random = 1;
    double cpu = cpu_seconds();
    struct mono start = mono_now();
    while (seconds(start) < for_seconds && n_commits < 1 << 20) {
        for (int k = 0; k < batch; k++) {
            random = random * 1103515245u + 12345u;
            int i = (int)((random >> 8) % (uint32_t)live);
            if (live == batch) {
                i = k;
            }
            if (steps[i] == STEPS_OF_WF) {
                ids[i] = ++next_id;
                steps[i] = -1;
            }
            put_step(store, ids[i], ++steps[i]);
        }
        totals.by_state[STATE_CODING] += 1;
        totals.by_state[STATE_COMPLETED] += 1;
        store_put_totals(store, &totals);
        struct mono before = mono_now();
        commit(store);
        latencies[n_commits++] = seconds(before) * 1e3;
        n_steps += batch;
    }
    double elapsed = seconds(start);
    cpu = cpu_seconds() - cpu;
    qsort(latencies, n_commits, sizeof(*latencies), compare);
    AUTO_FREE char *more =
        mem_printf(",\"live\":%d,\"batch\":%d,\"cpu_us\":%.1f,\"commit_p50_ms\":%.3f,"
                   "\"commit_p99_ms\":%.3f,"
                   "\"commit_max_ms\":%.3f",
                   live, batch, cpu * 1e6 / (double)n_steps, latencies[n_commits / 2],
                   latencies[n_commits * 99 / 100], latencies[n_commits - 1]);
    print(figure, (double)n_steps / elapsed, "1/s", more);
    free(latencies);
    free(ids);
    free(steps);
    store_close(store);
}

static void build(const char *path)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(path, STORE_OFF, &err);
    must(store != NULL, &err);
    for (int64_t id = 1; id <= N_HISTORY + N_LIVE; id++) {
        int last = id <= N_HISTORY ? STEPS_OF_WF : (int)(id % STEPS_OF_WF);
        for (int step = 0; step <= last; step++) {
            put_step(store, id, step);
        }
        if (id % 500 == 0) {
            commit(store);
        }
    }
    commit(store);
    store_checkpoint(store);
    store_close(store);
}

static void count_row(void *user, const struct workflow_row *row)
{
    int *n = user;
    *n += row->id > 0;
}

static void bench_load(const char *path)
{
    struct err err = ERR_INIT;
    int n = 0;
    struct mono start = mono_now();
    struct store *store = store_open(path, STORE_FULL, &err);
    must(store != NULL, &err);
    must(store_load_live(store, count_row, &n, &err), &err);
    print("store.load", seconds(start) * 1e3, "ms",
          ",\"what\":\"10,000 live of 110,000\"");
    store_close(store);
    if (n != N_LIVE) {
        (void)fprintf(stderr, "bench_store: %d live\n", n);
        exit(1);
    }
}

static void bench_list(struct reader *reader, const char *what, struct list_query query)
{
    struct err err = ERR_INIT;
    struct arena *arena = arena_new();
    const struct workflow_row *rows;
    size_t n = 0;
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        arena_reset(arena);
        struct mono start = mono_now();
        must(reader_list(reader, arena, &query, &rows, &n, &err), &err);
        double took = seconds(start) * 1e3;
        best = took < best ? took : best;
    }
    AUTO_FREE char *more = mem_printf(",\"what\":\"%s\",\"rows\":%zu", what, n);
    print("store.list", best, "ms", more);
    arena_free(arena);
}

static void bench_lists(const char *path)
{
    struct err err = ERR_INIT;
    unsigned final = STATE_BIT(STATE_COMPLETED) | STATE_BIT(STATE_FAILED) |
                     STATE_BIT(STATE_CANCELLED) | STATE_BIT(STATE_ROLLED_BACK);
    struct mono start = mono_now();
    struct reader *reader = reader_open(path, &err);
    must(reader != NULL, &err);
    print("store.reader_open", seconds(start) * 1e3, "ms", "");
    bench_list(reader, "history, newest",
               (struct list_query){.states = final, .max = 50});
    bench_list(reader, "history, page in the middle",
               (struct list_query){.states = final, .max = 50, .after_id = 50000});
    bench_list(reader, "all, newest", (struct list_query){.max = 50});
    for (int sort = 0; sort < SORT_COUNT; sort++) {
        AUTO_FREE char *live = mem_printf("live by %s", sort_word((enum sort_key)sort));
        AUTO_FREE char *all = mem_printf("all by %s", sort_word((enum sort_key)sort));
        bench_list(reader, live,
                   (struct list_query){.states = STATE_MASK_ALL & ~final,
                                       .sort = (enum sort_key)sort,
                                       .max = 50});
        bench_list(reader, all,
                   (struct list_query){.sort = (enum sort_key)sort, .max = 50});
    }
    bench_list(reader, "needs human",
               (struct list_query){.needs_human = true, .max = 50});
    bench_list(reader, "text that few have",
               (struct list_query){.text = "order 777", .max = 50});
    bench_list(reader, "one repository",
               (struct list_query){.repo = "/srv/git/service-7", .max = 50});
    reader_close(reader);
    print("store.rss", rss_mib(), "MiB", ",\"what\":\"high water of this process\"");
}

/* Webhook deliveries of 21 KB, each batch committed at FULL; beside them the same in one
 * transaction each. */
static void bench_deliveries(const char *path, int batch, double for_seconds)
{
    enum { LEN = 21 * 1024 };
    struct err err = ERR_INIT;
    struct store *store = store_open(path, STORE_FULL, &err);
    must(store != NULL, &err);
    char *body = mem_alloc(LEN);
    memset(body, 'x', LEN);
    int64_t n = 0;
    struct mono start = mono_now();
    while (seconds(start) < for_seconds) {
        for (int i = 0; i < batch; i++, n++) {
            char guid[64];
            uint64_t mixed = (uint64_t)(n + batch * 1000003) * 0x9e3779b97f4a7c15u;
            (void)snprintf(guid, sizeof(guid), "%016llx-%012llx",
                           (unsigned long long)mixed, (unsigned long long)n);
            store_add_delivery(store,
                               &(struct delivery_row){.at = wall_now(),
                                                      .guid = guid,
                                                      .event = "pull_request",
                                                      .action = "synchronize",
                                                      .repository = "acme/payments",
                                                      .pull = n,
                                                      .sha = guid,
                                                      .workflow = n % 3,
                                                      .text = "new commits",
                                                      .body = body,
                                                      .body_len = LEN},
                               NULL);
        }
        must(store_commit(store, &err), &err);
    }
    AUTO_FREE char *more = mem_printf(",\"bytes\":%d,\"batch\":%d,\"goal\":%d", LEN,
                                      batch, batch == 1 ? 3000 : 6500);
    print("store.deliveries", (double)n / seconds(start), "1/s", more);
    free(body);
    store_close(store);
}

int main(int argc, char **argv)
{
    double for_seconds = argc > 1 ? strtod(argv[1], NULL) : 3;
    AUTO_FREE char *folder =
        mem_printf("%s/signalbox-bench-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    AUTO_FREE char *few = file_join(folder, "few.db");
    AUTO_FREE char *many = file_join(folder, "many.db");
    bench_steps(few, "store.steps", 64, BATCH, for_seconds);
    bench_steps(few, "store.steps", 1, 1, for_seconds);
    build(many);
    bench_steps(many, "store.steps", N_LIVE, BATCH, for_seconds);
    AUTO_FREE char *hooks = file_join(folder, "hooks.db");
    bench_deliveries(hooks, 16, for_seconds);
    bench_deliveries(hooks, 1, for_seconds);
    AUTO_FREE char *lists = file_join(folder, "lists.db");
    build(lists);
    bench_load(lists);
    bench_lists(lists);
    struct err err = ERR_INIT;
    must(file_remove_tree(folder, &err), &err);
    return 0;
}
