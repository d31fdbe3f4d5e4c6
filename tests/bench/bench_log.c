/* SPDX-License-Identifier: MIT */
/*
 * Bench of the log view's reading (tui/source_log.c), one JSON line per figure.
 *   bench_log [MEBIBYTES [FOLDER]]
 * Two logs of that size (default 64), one of a failed step whose first failing line stands at two
 * thirds, one of the last green run; a line in ten is coloured. Then what an operator does: open it
 * at the failing line, jump about, search for what is not there, filter, compare; and open it
 * without its index. Goals at 1024: first frame below 100 ms, resident below 64 MiB.
 */
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "engine/control/config.h"
#include "store/segment.h"
#include "tui/source.h"

#define JUMPS 200

static void must(bool is_good, const struct err *err)
{
    if (!is_good) {
        (void)fprintf(stderr, "bench_log: %s\n", err->msg);
        exit(1);
    }
}

static double ms_since(struct mono from)
{
    return (double)(mono_now().ns - from.ns) / 1e6;
}

static void tell(const char *name, double value, const char *unit)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("{\"bench\":\"log\",\"what\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"peak_"
           "mib\":%ld}"
           "\n",
           name, value, unit, usage.ru_maxrss / 1024);
    (void)fflush(stdout);
}

/* ---- the logs ------------------------------------------------------------------------ */

static void write_log(const char *path, int64_t bytes, bool is_failed)
{
    struct err err = ERR_INIT;
    struct segment_writer *writer = segment_create(path, 2 * bytes, &err);
    must(writer != NULL, &err);
    struct rng rng;
    rng_init(&rng, 7);
    char block[65536];
    bool has_failure = !is_failed;
    for (int64_t n = 1; segment_bytes(writer) < bytes;) {
        size_t len = 0;
        for (; len + 200 < sizeof block; n++) {
            const char *colour = n % 10 == 0 ? "\033[32m" : "";
            len += (size_t)snprintf(
                block + len, sizeof block - len,
                "2026-11-23T12:%02d:%02d.%03dZ module_%c%c: %stest case %d passed%s in "
                "%d ms"
                "\n",
                (int)(n / 60 % 60), (int)(n % 60), (int)rng_below(&rng, 1000),
                'a' + (int)rng_below(&rng, 26), 'a' + (int)rng_below(&rng, 26), colour,
                (int)n, colour[0] != '\0' ? "\033[0m" : "", (int)rng_below(&rng, 900));
        }
        if (!has_failure && segment_bytes(writer) > bytes / 3 * 2) {
            has_failure = true;
            len += (size_t)snprintf(block + len, sizeof block - len,
                                    "cache.c:17: error: expected 3 entries, found 4\n");
        }
        must(segment_write(writer, block, len, &err), &err);
    }
    segment_close(writer);
}

static void put_step(struct store *store, const char *folder, int64_t workflow,
                     int64_t bytes)
{
    struct err err = ERR_INIT;
    bool is_failed = workflow == 2;
    struct workflow_row row = {
        .id = workflow,
        .pipeline = "bench",
        .repo = "/srv/bench",
        .title = "bench",
        .submitter = "ada",
        .state = is_failed ? STATE_FAILED : STATE_COMPLETED,
    };
    AUTO_FREE char *log = mem_printf("wf-%d/1-tests", (int)workflow);
    struct effect_row effect = {.workflow = workflow,
                                .seq = 1,
                                .kind = EFFECT_CHECK,
                                .status = is_failed ? STATUS_FAILED : STATUS_PASSED,
                                .name = "tests",
                                .params = "{}",
                                .summary = "",
                                .log = log};
    store_put_workflow(store, &row);
    store_put_effect(store, &effect);
    AUTO_FREE char *path = mem_printf("%s/s.db-logs/%s", folder, log);
    AUTO_FREE char *dir = mem_printf("%s/s.db-logs/wf-%d", folder, (int)workflow);
    must(file_make_dirs(dir, &err), &err);
    write_log(path, bytes, is_failed);
}

static void make(const char *folder, int64_t bytes)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = mem_printf("%s/s.db", folder);
    struct store *store = store_open(path, STORE_OFF, &err);
    must(store != NULL, &err);
    put_step(store, folder, 1, bytes);
    put_step(store, folder, 2, bytes);
    store_put_totals(store, &(struct totals){.n_workflows = 2});
    must(store_commit(store, &err), &err);
    store_close(store);
}

/* ---- reading ------------------------------------------------------------------------- */

struct desk {
    struct source *source;
    struct reader *reader;
    struct frame_query query;
    double longest; /* ms that the feed was busy at a time */
};

static struct frame *look(struct desk *desk)
{
    struct err err = ERR_INIT;
    struct frame *frame = frame_new();
    must(source_read(desk->source, desk->reader, &desk->query, frame, &err), &err);
    return frame;
}

/* All that goes on in the background; returns the last frame. */
static struct frame *finish(struct desk *desk)
{
    desk->longest = 0;
    struct mono begun = mono_now();
    struct frame *frame = look(desk);
    desk->longest = ms_since(begun);
    frame_unref(frame);
    while (source_has_work(desk->source)) {
        begun = mono_now();
        (void)source_work(desk->source);
        double ms = ms_since(begun);
        desk->longest = ms > desk->longest ? ms : desk->longest;
    }
    return look(desk);
}

static void timed(struct desk *desk, const char *name)
{
    struct mono begun = mono_now();
    struct frame *frame = finish(desk);
    tell(name, ms_since(begun), "ms");
    AUTO_FREE char *longest = mem_printf("%s, longest at a time", name);
    tell(longest, desk->longest, "ms");
    const struct frame_log *log = frame->detail->log;
    printf("{\"bench\":\"log\",\"what\":\"%s, found\",\"hits\":%lld,\"matches\":%lld,"
           "\"gone\":%lld,\"is_bounded\":%s}\n",
           name, (long long)log->n_hits, (long long)log->n_matches,
           (long long)log->n_gone, log->is_bounded ? "true" : "false");
    frame_unref(frame);
}

static void open_it(struct desk *desk, const char *name)
{
    struct mono begun = mono_now();
    struct frame *frame = look(desk);
    tell(name, ms_since(begun), "ms");
    const struct frame_log *log = frame->detail->log;
    if (log->n_lines == 0) {
        (void)fprintf(stderr, "bench_log: no line was read\n");
        exit(1);
    }
    frame_unref(frame);
}

static void jump(struct desk *desk)
{
    struct rng rng;
    rng_init(&rng, 3);
    struct frame *frame = look(desk);
    int64_t n = frame->detail->log->info.n_lines;
    frame_unref(frame);
    double longest = 0, all = 0;
    desk->query.log_place = LOG_LINE;
    for (int i = 0; i < JUMPS; i++) {
        desk->query.log_first = 1 + (int64_t)rng_below(&rng, (uint64_t)n);
        struct mono begun = mono_now();
        frame_unref(look(desk));
        double ms = ms_since(begun);
        all += ms;
        longest = ms > longest ? ms : longest;
    }
    tell("any line, mean", all / JUMPS, "ms");
    tell("any line, longest", longest, "ms");
}

static void run(struct desk *desk, const char *folder)
{
    open_it(desk, "first frame, at the failing line");
    jump(desk);
    (void)snprintf(desk->query.log_find, sizeof desk->query.log_find, "not there");
    desk->query.log_find_serial = 1;
    timed(desk, "search");
    desk->query.log_find[0] = '\0';
    (void)snprintf(desk->query.log_filter, sizeof desk->query.log_filter, "module_xy");
    desk->query.log_around = 3;
    timed(desk, "filter");
    desk->query.log_filter[0] = '\0';
    desk->query.log_compare = true;
    timed(desk, "compare");
    desk->query.log_compare = false;
    AUTO_FREE char *index = mem_printf("%s/s.db-logs/wf-2/1-tests.idx", folder);
    desk->query.parts = 0;
    frame_unref(look(desk)); /* lets go of the log */
    if (unlink(index) != 0)
        (void)fprintf(stderr, "bench_log: no index\n");
    desk->query.parts = PART_DETAIL | PART_LOG;
    desk->query.log_place = LOG_AUTO;
    open_it(desk, "first frame, without an index");
    timed(desk, "index");
}

int main(int argc, char **argv)
{
    int64_t bytes = (argc > 1 ? strtoll(argv[1], NULL, 10) : 64) << 20;
    struct err err = ERR_INIT;
    char name[] = "/tmp/bench-log-XXXXXX";
    const char *folder = argc > 2 ? argv[2] : mkdtemp(name);
    pid_t child = fork(); /* so that writing does not count as resident */
    if (child == 0) {
        make(folder, bytes);
        _exit(0);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return 1;
    struct config *config = config_default();
    free(config->store);
    config->store = mem_printf("%s/s.db", folder);
    struct desk desk = {
        .source = source_new(config),
        .reader = reader_open(config->store, &err),
        .query = {.parts = PART_DETAIL | PART_LOG, .workflow = 2, .log_rows = 66}
    };
    must(desk.reader != NULL, &err);
    run(&desk, folder);
    source_free(desk.source);
    reader_close(desk.reader);
    config_free(config);
    must(argc > 2 || file_remove_tree(folder, &err), &err);
    return 0;
}
