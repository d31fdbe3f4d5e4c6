/* SPDX-License-Identifier: MIT */
/*
 * Bench of the monitor, one JSON line per figure.
 *   bench_monitor [SERIES [SECONDS [FOLDER]]]
 * SERIES at 1 Hz for a simulated hour (SECONDS) on the whole path: push, detector, sums, chunk,
 * a flush into a real file every 10 s, what is too old cut every minute. Against it, in the
 * same run and over the same numbers, a bare EWMA.
 */
#include <math.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/monitor/series.h"

#define BEGIN INT64_C(1763800000000)
#define NUMBERS                                                                          \
    8192 /* a power of two: values are made before, not while it is measured */
#define SUMMARIES 100 /* one of so many series is a summary, another a counter */

static double cpu_seconds(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage); /* cannot fail with these arguments */
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void must(bool is_good, const struct err *err)
{
    if (!is_good) {
        (void)fprintf(stderr, "bench_monitor: %s\n", err->msg);
        exit(1);
    }
}

/* Resident now, not the high water. */
static double rss_bytes(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        (void)!fscanf(file, "%ld %ld", &pages, &resident);
        (void)fclose(file); /* only read */
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void print(const char *figure, const char *who, double value, const char *unit,
                  const char *more)
{
    (void)printf("{\"fig\":\"%s\",\"who\":\"%s\",\"value\":%.4g,\"unit\":\"%s\"%s}\n",
                 figure, who, value, unit, more);
    (void)fflush(stdout);
}

static double numbers[NUMBERS];

/* Ratios of a busy machine: noise of limited digits around a slow wave, as /proc gives it. */
static void make_numbers(void)
{
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < NUMBERS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        double noise = (double)(x >> 40) / 16777216.0 - 0.5;
        numbers[i] = round((50 + 20 * sin(i / 700.0) + 8 * noise) * 100) / 100;
    }
}

static double number_at(int32_t id, int t)
{
    return numbers[(id * 131 + t) & (NUMBERS - 1)];
}

static enum metric_kind kind_at(int32_t id)
{
    return id % SUMMARIES == 0 ? KIND_SUMMARY : id % 4 == 1 ? KIND_COUNTER : KIND_GAUGE;
}

static void open_all(struct series_set *set, int n)
{
    for (int32_t i = 0; i < n; i++) {
        char name[48];
        (void)snprintf(name, sizeof(name), "bench_metric_%d", i % 200);
        char labels[64];
        (void)snprintf(labels, sizeof(labels), "instance=\"host-%d\"", i / 200);
        (void)series_open_scraped(set, name, kind_at(i), "", labels, "scrape:bench");
    }
}

struct times {
    double push, save, trim;
    double longest_s; /* wall time of one flush */
    int64_t n_signals;
};

static void flush(struct series_set *set, struct metric_store *store, bool is_all,
                  struct times *times)
{
    struct err err = ERR_INIT;
    double cpu = cpu_seconds();
    struct mono begin = mono_now();
    metric_store_begin(store);
    series_save(set, store, is_all);
    must(metric_store_commit(store, &err), &err);
    series_saved(set);
    double took = (double)(mono_now().ns - begin.ns) / 1e9;
    times->longest_s = took > times->longest_s ? took : times->longest_s;
    times->save += cpu_seconds() - cpu;
}

/* What a monitor asks between points. */
static void look(struct series_set *set, struct wall now, bool is_for_silence)
{
    struct series_signal signal;
    int32_t iter = 0;
    while (series_next_due(set, now, &iter, &signal)) {
    }
    iter = 0;
    while (is_for_silence && series_next_silent(set, now, &iter, &signal)) {
    }
}

static void run(struct series_set *set, struct metric_store *store, int seconds,
                struct times *times)
{
    struct err err = ERR_INIT;
    struct metric_bounds bounds = metric_bounds_default();
    bounds.bytes = INT64_MAX; /* disk per point is asked */
    struct series_signal signal;
    int32_t n = series_count(set);
    for (int t = 0; t < seconds; t++) {
        double cpu = cpu_seconds();
        struct wall now = {BEGIN + t * 1000};
        for (int32_t i = 0; i < n; i++) {
            double value = number_at(i, t);
            value = kind_at(i) == KIND_COUNTER ? t * 100.0 + round(value) : value;
            times->n_signals += series_push(set, i, now, value, &signal);
        }
        look(set, now, t % 10 == 9);
        times->push += cpu_seconds() - cpu;
        if (t % 10 == 9) {
            flush(set, store, false, times);
        }
        if (t % 60 == 59) {
            cpu = cpu_seconds();
            must(metric_store_trim(store, &bounds, now, &err), &err);
            times->trim += cpu_seconds() - cpu;
        }
    }
}

/* The cheapest that could be called watching: one average for each series. */
static double bare_ns(int n, int seconds)
{
    double *levels = mem_array((size_t)n, sizeof(*levels));
    double cpu = cpu_seconds();
    for (int t = 0; t < seconds; t++) {
        for (int32_t i = 0; i < n; i++) {
            levels[i] += 0.01 * (number_at(i, t) - levels[i]);
        }
    }
    cpu = cpu_seconds() - cpu;
    volatile double sink = levels[n / 2];
    (void)sink;
    free(levels);
    return cpu * 1e9 / ((double)n * seconds);
}

static int64_t file_bytes(struct metric_store *store)
{
    struct err err = ERR_INIT;
    int64_t bytes = 0;
    must(metric_reader_size(metric_store_reader(store), &bytes, &err), &err);
    return bytes;
}

static void bench_restart(const char *path, int n)
{
    struct err err = ERR_INIT;
    char *broken = NULL;
    struct mono begin = mono_now();
    struct metric_store *store = metric_store_open(path, wall_now(), &broken, &err);
    must(store != NULL, &err);
    struct series_set *set = series_set_new(n);
    must(series_load(set, store, &err), &err);
    print("monitor.restart", "signalbox", (double)(mono_now().ns - begin.ns) / 1e6, "ms",
          ",\"what\":\"after kill -9: states, and raw points since they were saved\"");
    struct times times = {0};
    flush(set, store, true, &times);
    series_set_free(set);
    metric_store_close(store);
    begin = mono_now();
    store = metric_store_open(path, wall_now(), &broken, &err);
    must(store != NULL, &err);
    set = series_set_new(n);
    must(series_load(set, store, &err), &err);
    print("monitor.restart", "signalbox", (double)(mono_now().ns - begin.ns) / 1e6, "ms",
          ",\"what\":\"after an orderly stop\"");
    series_set_free(set);
    metric_store_close(store);
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 10000;
    int seconds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 3600;
    struct err err = ERR_INIT;
    char *broken = NULL;
    AUTO_FREE char *folder =
        mem_printf("%s/signalbox-bench-XXXXXX", argc > 3 ? argv[3] : "/tmp");
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    AUTO_FREE char *path = file_join(folder, "s.db-metrics");
    make_numbers();
    double bare = bare_ns(n, 1000);
    double rss = rss_bytes();
    struct metric_store *store =
        metric_store_open(path, (struct wall){BEGIN}, &broken, &err);
    must(store != NULL, &err);
    struct series_set *set = series_set_new(n);
    struct times times = {0};
    open_all(set, n);
    run(set, store, seconds, &times);
    double points = (double)n * seconds, all = times.push + times.save + times.trim;
    AUTO_FREE char *more =
        mem_printf(",\"series\":%d,\"seconds\":%d,\"goal\":2", n, seconds);
    print("monitor.core_share", "signalbox", 100 * all / seconds, "%", more);
    print("monitor.point", "bare EWMA", bare, "ns", "");
    print("monitor.point", "signalbox", all * 1e9 / points, "ns",
          ",\"what\":\"all of it\"");
    print("monitor.push", "signalbox", times.push * 1e9 / points, "ns",
          ",\"what\":\"detector, sums, chunk, silences\"");
    print("monitor.save", "signalbox", (times.save + times.trim) * 1e9 / points, "ns",
          ",\"what\":\"flush every 10 s, trim every minute\"");
    print("monitor.longest_flush", "signalbox", times.longest_s * 1e3, "ms", "");
    AUTO_FREE char *size =
        mem_printf(",\"what\":\"of it %zu for the detector\"", sizeof(struct detector));
    print("monitor.rss_per_series", "signalbox", (rss_bytes() - rss) / n, "bytes", size);
    print("monitor.disk_per_point", "signalbox", (double)file_bytes(store) / points,
          "bytes", ",\"what\":\"raw, minutes, models; uncompressed 16\"");
    series_set_free(set); /* as by kill -9 */
    metric_store_close(store);
    bench_restart(path, n);
    must(file_remove_tree(folder, &err), &err);
    return 0;
}
