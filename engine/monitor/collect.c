/* SPDX-License-Identifier: MIT */
#include "engine/monitor/collect.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/monitor/collect_parse.h"

#define TEXT_MAX 65536 /* bytes of a file that are looked at */

struct collector {
    char *root;
    char *folders[COLLECT_FOLDERS_MAX];
    size_t n_folders;
    struct cpu_times cpu; /* of the round before */
    bool has_cpu;
    /* of this round */
    struct series_set *set;
    struct wall now;
    collect_fn *each;
    void *context;
    char text[TEXT_MAX];
};

struct collector *collector_new(const char *root, const char *const *folders,
                                size_t n_folders)
{
    struct collector *collector = mem_alloc(sizeof(*collector));
    collector->root = mem_str(root);
    for (size_t i = 0; i < n_folders && i < COLLECT_FOLDERS_MAX; i++) {
        collector->folders[collector->n_folders++] = mem_str(folders[i]);
    }
    return collector;
}

void collector_free(struct collector *collector)
{
    if (collector == NULL) {
        return;
    }
    for (size_t i = 0; i < collector->n_folders; i++) {
        free(collector->folders[i]);
    }
    free(collector->root);
    free(collector);
}

/* ---- points --------------------------------------------------------------------------- */

static void put_with(struct collector *collector, enum metric_id metric,
                     const struct series_label *labels, size_t n, const char *component,
                     double value)
{
    struct series_signal signal;
    if (!isfinite(value)) {
        return; /* unknown: no point, and no series that was never known */
    }
    int32_t id = series_open(collector->set, metric, labels, n, component);
    if (series_push(collector->set, id, collector->now, value, &signal) &&
        collector->each != NULL) {
        collector->each(collector->context, &signal);
    }
}

static void put(struct collector *collector, enum metric_id metric, const char *component,
                double value)
{
    put_with(collector, metric, NULL, 0, component, value);
}

/* The file's text, "" when it cannot be read: then nothing in it is known. */
static const char *read_text(struct collector *collector, const char *path)
{
    char whole[COLLECT_PATH_MAX * 2];
    size_t len = 0;
    collector->text[0] = '\0';
    int n = snprintf(whole, sizeof(whole), "%s%s", collector->root, path);
    if (n < 0 || (size_t)n >= sizeof(whole)) {
        return collector->text;
    }
    AUTO_CLOSE int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (fd >= 0 && len < TEXT_MAX - 1) {
        ssize_t got = read(fd, collector->text + len, TEXT_MAX - 1 - len);
        if (got <= 0) {
            break;
        }
        len += (size_t)got;
    }
    collector->text[len] = '\0';
    return collector->text;
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}

/* ---- the host ------------------------------------------------------------------------- */

static void put_cpu(struct collector *collector)
{
    struct cpu_times now = collect_parse_stat(read_text(collector, "/proc/stat"));
    struct cpu_times before = collector->cpu;
    bool has_before = collector->has_cpu;
    collector->cpu = now;
    collector->has_cpu = !isnan(now.total);
    double total = now.total - before.total;
    if (!has_before || !(total > 0)) {
        return;
    }
    /* counters of idle time may go back a little (proc_stat(5)) */
    double idle = now.idle - before.idle, waits = now.iowait - before.iowait;
    double steal = now.steal - before.steal;
    double busy = total - idle - (isnan(waits) ? 0 : waits) - (isnan(steal) ? 0 : steal);
    put(collector, METRIC_HOST_CPU, "host", fmin(fmax(busy / total, 0), 1));
    if (!isnan(waits)) {
        put(collector, METRIC_HOST_IOWAIT, "host", fmin(fmax(waits / total, 0), 1));
    }
    if (!isnan(steal)) {
        put(collector, METRIC_HOST_STEAL, "host", fmin(fmax(steal / total, 0), 1));
    }
}

static void put_memory(struct collector *collector)
{
    struct memory_figures m =
        collect_parse_meminfo(read_text(collector, "/proc/meminfo"));
    put(collector, METRIC_HOST_MEMORY, "host", share(m.total - m.available, m.total));
    put(collector, METRIC_HOST_MEMORY_LEFT, "host", m.available);
    put(collector, METRIC_HOST_SWAP, "host",
        share(m.swap_total - m.swap_free, m.swap_total));
}

static void put_pressure(struct collector *collector)
{
    static const char *const resources[] = {"cpu", "memory", "io"};
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/pressure/%s", resources[i]);
        struct pressure_figures p = collect_parse_pressure(read_text(collector, path));
        const struct series_label some[] = {
            {"kind",     "some"      },
            {"resource", resources[i]}
        };
        const struct series_label full[] = {
            {"kind",     "full"      },
            {"resource", resources[i]}
        };
        put_with(collector, METRIC_HOST_PRESSURE, some, 2, "host", p.some);
        put_with(collector, METRIC_HOST_PRESSURE, full, 2, "host", p.full);
    }
}

static void put_network(struct collector *collector)
{
    struct device_figures devices[COLLECT_DEVICES_MAX];
    size_t n = collect_parse_net(read_text(collector, "/proc/net/dev"), devices);
    for (size_t i = 0; i < n; i++) {
        const struct series_label label = {"device", devices[i].name};
        put_with(collector, METRIC_HOST_RECEIVED, &label, 1, "host", devices[i].received);
        put_with(collector, METRIC_HOST_SENT, &label, 1, "host", devices[i].sent);
    }
}

static void put_disks(struct collector *collector)
{
    dev_t seen[COLLECT_FOLDERS_MAX];
    size_t n_seen = 0;
    for (size_t i = 0; i < collector->n_folders; i++) {
        const char *folder = collector->folders[i];
        struct statvfs fs;
        struct stat st;
        bool is_seen = false;
        if (stat(folder, &st) != 0 || statvfs(folder, &fs) != 0) {
            continue;
        }
        for (size_t k = 0; k < n_seen; k++) {
            is_seen |= seen[k] == st.st_dev;
        }
        if (is_seen) {
            continue;
        }
        seen[n_seen++] = st.st_dev;
        const struct series_label label = {"folder", folder};
        /* as df(1): what is kept for root is neither used nor free */
        double used = (double)(fs.f_blocks - fs.f_bfree), left = (double)fs.f_bavail;
        double nodes = (double)fs.f_files, free_nodes = (double)fs.f_favail;
        put_with(collector, METRIC_DISK_USED, &label, 1, "host",
                 share(used, used + left));
        put_with(collector, METRIC_DISK_FREE, &label, 1, "host",
                 fs.f_blocks > 0 ? left * (double)fs.f_frsize : (double)NAN);
        put_with(collector, METRIC_DISK_INODES, &label, 1, "host",
                 share(nodes - free_nodes, nodes)); /* some file systems have no number */
    }
}

/* ---- our control group ---------------------------------------------------------------- */

/* A file of our group in v2, in the v1 tree of the controller, or at the top of that tree,
 * which is what a container without a namespace of its own sees. */
static const char *read_group(struct collector *collector, const char *controller,
                              const char *v2, const char *v1)
{
    char groups[4096], group[COLLECT_PATH_MAX], path[COLLECT_PATH_MAX * 2];
    (void)snprintf(groups, sizeof(groups), "%s",
                   read_text(collector, "/proc/self/cgroup"));
    const struct {
        const char *tree, *group, *file;
    } places[] = {
        {"/sys/fs/cgroup",         "",         v2},
        {"/sys/fs/cgroup/unified", "",         v2},
        {"/sys/fs/cgroup/",        controller, v1},
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        (void)collect_parse_group(groups, places[i].group, group);
        for (int is_top = 0; is_top < 2 && places[i].file != NULL; is_top++) {
            int n = snprintf(path, sizeof(path), "%s%s%s/%s", places[i].tree,
                             places[i].group, is_top ? "" : group, places[i].file);
            if (n > 0 && (size_t)n < sizeof(path) &&
                read_text(collector, path)[0] != '\0') {
                return collector->text;
            }
        }
    }
    collector->text[0] = '\0';
    return collector->text;
}

static void put_group(struct collector *collector)
{
    double max = collect_parse_number(
        read_group(collector, "memory", "memory.max", "memory.limit_in_bytes"));
    double now = collect_parse_number(
        read_group(collector, "memory", "memory.current", "memory.usage_in_bytes"));
    const char *stat = read_group(collector, "memory", "memory.stat", "memory.stat");
    double cache =
        collect_parse_field(stat, "total_inactive_file"); /* v1, with all below */
    cache = isnan(cache) ? collect_parse_field(stat, "inactive_file") : cache;
    /* file cache goes when something else needs the room */
    put(collector, METRIC_GROUP_MEMORY, "engine",
        share(fmax(now - (isnan(cache) ? 0 : cache), 0), max));
    max = collect_parse_number(read_group(collector, "pids", "pids.max", "pids.max"));
    now = collect_parse_number(
        read_group(collector, "pids", "pids.current", "pids.current"));
    put(collector, METRIC_GROUP_TASKS, "engine", share(now, max));
    const char *cpu = read_group(collector, "cpu", "cpu.stat", "cpu.stat");
    double micro = collect_parse_field(cpu, "throttled_usec");
    double nano = collect_parse_field(cpu, "throttled_time");
    put(collector, METRIC_GROUP_THROTTLED, "engine",
        isnan(micro) ? nano / 1e9 : micro / 1e6);
}

/* ---- this process --------------------------------------------------------------------- */

static double open_files(const struct collector *collector)
{
    AUTO_FREE char *path = mem_printf("%s/proc/self/fd", collector->root);
    DIR *folder = opendir(path);
    double n = 0;
    if (folder == NULL) {
        return (double)NAN;
    }
    while (readdir(folder) !=
           NULL) { // NOLINT(concurrency-mt-unsafe): a stream of our own
        n++;
    }
    (void)closedir(folder);   /* only read */
    return n > 3 ? n - 3 : 0; /* "." and "..", and the folder itself */
}

static void put_own(struct collector *collector)
{
    struct process_figures p =
        collect_parse_self(read_text(collector, "/proc/self/stat"));
    struct rlimit limit;
    put(collector, METRIC_ENGINE_CPU, "engine", p.ticks / (double)sysconf(_SC_CLK_TCK));
    put(collector, METRIC_ENGINE_THREADS, "engine", p.threads);
    put(collector, METRIC_ENGINE_MEMORY, "engine",
        p.pages * (double)sysconf(_SC_PAGESIZE));
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        put(collector, METRIC_ENGINE_FILES, "engine",
            share(open_files(collector), (double)limit.rlim_cur));
    }
}

void collector_round(struct collector *collector, struct series_set *set, struct wall now,
                     collect_fn *each, void *context)
{
    collector->set = set;
    collector->now = now;
    collector->each = each;
    collector->context = context;
    put_cpu(collector);
    put_memory(collector);
    put_pressure(collector);
    put(collector, METRIC_HOST_LOAD, "host",
        collect_parse_load(read_text(collector, "/proc/loadavg")) /
            (double)sysconf(_SC_NPROCESSORS_ONLN));
    put(collector, METRIC_HOST_FILES, "host",
        collect_parse_file_nr(read_text(collector, "/proc/sys/fs/file-nr")));
    put_network(collector);
    put_disks(collector);
    put_group(collector);
    put_own(collector);
}
