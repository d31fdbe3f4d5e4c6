/* SPDX-License-Identifier: MIT */
/*
 * Bench of the past (store/past.h), one JSON line per figure.
 *   bench_asof [EVENTS [FOLDER]]
 * A store of a million events: workflows of twenty events each, a thousand of them live at
 * any time, each with its effects, an approval with a card of three KiB and, of every fifth,
 * a failure. Then moments at random: find it, pin a reader to it and read what the overview
 * needs. Goal: below 100 ms.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "store/approval.h"
#include "store/past.h"
#include "store/recovery.h"

#define EVENTS     1000000
#define OF_ONE     20
#define LIVE       1000
#define BATCH      50
#define MOMENTS    60
#define CARD       3072
#define START_MS   1700000000000
#define MS_BETWEEN 2000

static void must(bool is_good, const struct err *err)
{
    if (!is_good) {
        (void)fprintf(stderr, "bench_asof: %s\n", err->msg);
        exit(1);
    }
}

static double ms_since(struct mono from)
{
    return (double)(mono_now().ns - from.ns) / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static long long size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (long long)st.st_size : -1;
}

static void put_workflow(struct store *store, int64_t id, int step, struct wall at)
{
    bool is_done = step == OF_ONE - 1;
    enum workflow_state state =
        is_done ? STATE_COMPLETED : (enum workflow_state)(STATE_PLANNING + step / 5);
    store_put_workflow(store, &(struct workflow_row){
                                  .id = id,
                                  .pipeline = "payments",
                                  .pipeline_id = 1,
                                  .repo = "/srv/git/service",
                                  .title = "retry the payment of an order",
                                  .submitter = "ada",
                                  .priority = 5,
                                  .state = state,
                                  .wait = step == 15 ? WAIT_MERGE : WAIT_NONE,
                                  .step = step,
                                  .iteration = 1,
                                  .attempt = 1,
                                  .effect_seq = step + 1,
                                  .is_active = !is_done,
                                  .created_at = at,
                                  .started_at = at,
                                  .state_since = at,
                                  .finished_at = {is_done ? at.ms : 0},
                                  .branch = "signalbox/wf",
                                  .base_sha = "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
                                  .head_sha = "9c3f0f1b9a4dbe6e1a1f9a0e6c9d2c37f2f0a111",
                                  .merge_sha = "",
                                  .pr_number = id,
                                  .reason = "",
                              });
}

static void put_effect(struct store *store, int64_t id, int step, struct wall at)
{
    struct effect_row effect = {.workflow = id,
                                .seq = step / 2 + 1,
                                .kind = EFFECT_CHECK,
                                .status = step % 2 == 0 ? STATUS_PENDING : STATUS_PASSED,
                                .name = "unit tests",
                                .iteration = 1,
                                .attempt = 1,
                                .asked_at = at,
                                .params = "{\"branch\":\"signalbox/wf-1\",\"index\":3}",
                                .summary = step % 2 == 0 ? "" : "passed",
                                .log = step % 2 == 0 ? "" : "wf-1/fx-1/step"};
    store_put_effect(store, &effect);
}

static void put_approval(struct store *store, int64_t id, bool is_decided, struct wall at)
{
    static char card[CARD + 1];
    memset(card, 'x', CARD);
    (void)store_put_approval(
        store,
        &(struct approval_row){.id = id,
                               .status = is_decided ? APPROVAL_APPROVED : APPROVAL_OPEN,
                               .workflow = id,
                               .created_at = at,
                               .decided_at = {is_decided ? at.ms : 0},
                               .title = "merge",
                               .card = card});
}

static void put_step(struct store *store, int64_t id, int step, struct wall at)
{
    put_effect(store, id, step, at);
    (void)store_add_event(store, &(struct event_row){.at = at,
                                                     .workflow = id,
                                                     .kind = "check-passed",
                                                     .actor = "engine",
                                                     .from = STATE_PLANNING,
                                                     .to = STATE_CODING,
                                                     .iteration = 1,
                                                     .attempt = 1,
                                                     .text = ""});
    put_workflow(store, id, step, at);
    if (step == 15 || step == 16) {
        put_approval(store, id, step == 16, at);
    }
    if (id % 5 == 0 && (step == 10 || step == 12)) {
        (void)store_put_failure(
            store,
            &(struct failure_row){.id = id / 5,
                                  .at = at,
                                  .workflow = id,
                                  .status = step == 12 ? FAILURE_RECOVERED : FAILURE_OPEN,
                                  .settled_at = {step == 12 ? at.ms : 0},
                                  .step = "unit tests",
                                  .text = "2 of 418 failed"});
    }
}

/* LIVE workflows, a thousandth of their life apart; who ends gives its place to a new one. */
static void build(const char *path, int64_t n_events)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(path, STORE_OFF, &err);
    must(store != NULL, &err);
    struct totals totals = {0};
    int64_t ids[LIVE] = {0}, last = 0;
    int steps[LIVE] = {0};
    for (int64_t n = 0; n < n_events; n++) {
        size_t i = (size_t)(n % LIVE);
        if (ids[i] == 0 || steps[i] == OF_ONE) {
            ids[i] = ++last;
            steps[i] = ids[i] <= LIVE ? (int)(i % OF_ONE) : 0;
            totals.n_workflows++;
        }
        put_step(store, ids[i], steps[i]++, (struct wall){START_MS + n * MS_BETWEEN});
        totals.by_state[n % STATE_COUNT]++;
        if (n % BATCH == BATCH - 1) {
            store_put_totals(store, &totals);
            must(store_commit(store, &err), &err);
        }
    }
    must(store_commit(store, &err), &err);
    store_checkpoint(store);
    store_close(store);
}

/* What the overview and the table of workflows ask for. */
static void read_overview(struct reader *reader, struct arena *arena)
{
    struct err err = ERR_INIT;
    const struct workflow_row *rows;
    const struct event_row *events;
    const struct approval_row *approvals;
    const struct failure_row *failures;
    struct totals totals;
    size_t n;
    must(reader_totals(reader, &totals, &err), &err);
    must(reader_list(reader, arena,
                     &(struct list_query){.states = STATE_BIT(STATE_PLANNING) |
                                                    STATE_BIT(STATE_CODING) |
                                                    STATE_BIT(STATE_PR_CREATED) |
                                                    STATE_BIT(STATE_VALIDATING),
                                          .sort = SORT_AGE,
                                          .max = 50},
                     &rows, &n, &err),
         &err);
    must(reader_list(reader, arena, &(struct list_query){.needs_human = true, .max = 50},
                     &rows, &n, &err),
         &err);
    must(reader_list(reader, arena, &(struct list_query){.max = 50}, &rows, &n, &err),
         &err);
    must(reader_last_events(reader, arena, 0, 50, &events, &n, &err), &err);
    must(reader_approvals(reader, arena,
                          &(struct approval_query){.is_open = true, .max = 100},
                          &approvals, &n, &err),
         &err);
    must(reader_failures(reader, arena,
                         &(struct recovery_query){.is_open = true, .max = 100}, &failures,
                         &n, &err),
         &err);
}

static void bench_moments(const char *path, int64_t n_events)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(path, &err);
    must(reader != NULL, &err);
    struct arena *arena = arena_new();
    double opened[MOMENTS], shown[MOMENTS];
    uint32_t random = 1;
    for (int i = 0; i < MOMENTS; i++) {
        random = random * 1103515245u + 12345u;
        struct moment_ask ask = {
            .at = {START_MS + (int64_t)(random >> 8) % n_events * MS_BETWEEN + 1}};
        ask.at.ms = i == 0 ? START_MS + 1 : ask.at.ms;
        struct moment moment;
        struct mono start = mono_now();
        must(reader_find_moment(reader, &ask, &moment, &err), &err);
        must(reader_pin(reader, &moment, &err), &err);
        opened[i] = ms_since(start);
        read_overview(reader, arena);
        shown[i] = ms_since(start);
        reader_unpin(reader);
        arena_reset(arena);
    }
    qsort(opened, MOMENTS, sizeof(*opened), compare);
    qsort(shown, MOMENTS, sizeof(*shown), compare);
    (void)printf("{\"fig\":\"asof.open\",\"who\":\"signalbox\",\"value\":%.4g,\"unit\":"
                 "\"ms\",\"events\":%lld,\"p50_ms\":%.4g,\"with_overview_p50_ms\":%.4g,"
                 "\"with_overview_max_ms\":%.4g,\"goal_ms\":100}\n",
                 opened[MOMENTS - 1], (long long)n_events, opened[MOMENTS / 2],
                 shown[MOMENTS / 2], shown[MOMENTS - 1]);
    arena_free(arena);
    reader_close(reader);
}

int main(int argc, char *argv[])
{
    struct err err = ERR_INIT;
    int64_t n_events = argc > 1 ? strtoll(argv[1], NULL, 10) : EVENTS;
    const char *base = argc > 2 ? argv[2] : getenv("TMPDIR");
    AUTO_FREE char *folder =
        mem_printf("%s/bench-asof.%ld", base != NULL ? base : "/tmp", (long)getpid());
    must(file_make_dirs(folder, &err), &err);
    AUTO_FREE char *path = file_join(folder, "s.db");
    struct mono start = mono_now();
    build(path, n_events);
    (void)printf("{\"fig\":\"asof.build\",\"who\":\"signalbox\",\"value\":%.4g,\"unit\":"
                 "\"s\",\"events\":%lld,\"bytes\":%lld}\n",
                 ms_since(start) / 1e3, (long long)n_events, size_of(path));
    (void)fflush(stdout);
    bench_moments(path, n_events);
    if (argc <= 3) {
        must(file_remove_tree(folder, &err), &err);
    }
    return 0;
}
