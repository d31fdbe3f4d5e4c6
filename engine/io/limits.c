/* SPDX-License-Identifier: MIT */
#include "engine/io/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

#define ENGINE_LEAF "signalbox-engine"
#define SMALL_FILE  65536

static char *read_small(const char *path)
{
    char *text;
    struct err err = ERR_INIT;
    return file_read(path, SMALL_FILE, &text, NULL, &err) ? text : NULL;
}

static bool write_small(const char *folder, const char *name, const char *value)
{
    AUTO_FREE char *path = file_join(folder, name);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
}

static bool write_number(const char *folder, const char *name, int64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    return write_small(folder, name, text);
}

static int64_t read_number(const char *folder, const char *name)
{
    AUTO_FREE char *path = file_join(folder, name);
    AUTO_FREE char *text = read_small(path);
    char *end;
    if (text == NULL) {
        return -1;
    }
    long long value = strtoll(text, &end, 10);
    return end != text ? value : -1;
}

/* Does the comma-separated list of a line have the word? */
static bool has_word(const char *list, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; (size_t)(at - list) + n <= len; at++) {
        bool starts = at == list || at[-1] == ',';
        bool ends = (size_t)(at - list) + n == len || at[n] == ',';
        if (starts && ends && strncmp(at, word, n) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Our own control group in the tree of a controller, as a folder, or NULL. controller ""
 * is v2. /proc/self/cgroup has lines "ID:CONTROLLERS:PATH"; trees are mounted where
 * systemd and containers put them.
 */
static char *own_group(const char *controller)
{
    AUTO_FREE char *text = read_small("/proc/self/cgroup");
    for (char *line = text; line != NULL && *line != '\0';) {
        char *end = strchrnul(line, '\n');
        char *list = memchr(line, ':', (size_t)(end - line));
        char *path =
            list != NULL ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
        if (path != NULL &&
            (controller[0] != '\0'
                 ? has_word(list + 1, (size_t)(path - list - 1), controller)
                 : path == list + 1)) {
            int len = (int)(end - path - 1);
            if (controller[0] != '\0') {
                return mem_printf("/sys/fs/cgroup/%s%.*s", controller, len, path + 1);
            }
            bool is_hybrid = file_exists("/sys/fs/cgroup/unified/cgroup.controllers");
            return mem_printf("/sys/fs/cgroup%s%.*s", is_hybrid ? "/unified" : "", len,
                              path + 1);
        }
        line = *end == '\n' ? end + 1 : end;
    }
    return NULL;
}

/* A new group below ours for v1's tree of a controller, or NULL. */
static char *make_group(const char *parent, const char *name)
{
    AUTO_FREE char *folder = mem_printf("%s/signalbox-%s", parent, name);
    (void)rmdir(folder); /* left behind by a runner that was killed */
    return mkdir(folder, 0755) == 0 || errno == EEXIST ? TAKE(folder) : NULL;
}

static bool use_v2(struct limits *limits, const char *name)
{
    AUTO_FREE char *own = own_group("");
    if (own == NULL) {
        return false;
    }
    char *leaf = strrchr(own, '/');
    if (leaf == NULL || strcmp(leaf + 1, ENGINE_LEAF) != 0) {
        return false; /* not delegated: limits_delegate would have moved the engine */
    }
    *leaf = '\0';
    char *group = make_group(own, name);
    if (group == NULL) {
        return false;
    }
    limits->groups[limits->n_groups++] = group;
    limits->has_memory_group = limits->bounds.memory > 0 &&
                               write_number(group, "memory.max", limits->bounds.memory);
    (void)write_small(group, "memory.swap.max", "0"); /* absent without swap accounting */
    limits->has_process_group = limits->bounds.processes > 0 &&
                                write_number(group, "pids.max", limits->bounds.processes);
    return true;
}

static bool use_v1(struct limits *limits, const char *controller, const char *file,
                   int64_t value, const char *name)
{
    if (value <= 0) {
        return false;
    }
    AUTO_FREE char *own = own_group(controller);
    AUTO_FREE char *group = own != NULL ? make_group(own, name) : NULL;
    if (group == NULL) {
        return false;
    }
    if (!write_number(group, file, value)) {
        (void)rmdir(group); /* made a moment ago, empty */
        return false;
    }
    limits->groups[limits->n_groups++] = TAKE(group);
    return true;
}

/* Threads of this user, all of them; what RLIMIT_NPROC counts. */
static long count_tasks(void)
{
    long n = 0;
    DIR *proc = opendir("/proc");
    if (proc == NULL) {
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        struct stat st;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            fstatat(dirfd(proc), entry->d_name, &st, 0) != 0 || st.st_uid != getuid()) {
            continue;
        }
        AUTO_FREE char *tasks = mem_printf("/proc/%s/task", entry->d_name);
        n += stat(tasks, &st) == 0 && st.st_nlink > 2 ? (long)st.st_nlink - 2 : 1;
    }
    (void)closedir(proc); /* only read */
    return n;
}

void limits_init(struct limits *limits, const struct bounds *bounds, const char *name)
{
    *limits = (struct limits){.bounds = {.has_network = true}};
    if (bounds == NULL) {
        return;
    }
    limits->bounds = *bounds;
    if (bounds->memory <= 0 && bounds->processes <= 0) {
        return;
    }
    if (!use_v2(limits, name)) {
        limits->has_memory_group =
            use_v1(limits, "memory", "memory.limit_in_bytes", bounds->memory, name);
        limits->has_process_group =
            use_v1(limits, "pids", "pids.max", bounds->processes, name);
    }
    if (bounds->processes > 0 && !limits->has_process_group) {
        limits->n_tasks = count_tasks();
    }
}

void limits_adopt(const struct limits *limits, pid_t pid)
{
    for (size_t i = 0; i < limits->n_groups; i++) {
        (void)write_number(limits->groups[i], "cgroup.procs", pid); /* it may be gone */
    }
}

static void set_rlimit(__rlimit_resource_t resource, int64_t soft, int64_t hard)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) {
        return;
    }
    limit.rlim_cur = (rlim_t)soft < limit.rlim_max ? (rlim_t)soft : limit.rlim_max;
    limit.rlim_max = (rlim_t)hard < limit.rlim_max ? (rlim_t)hard : limit.rlim_max;
    (void)setrlimit(resource, &limit); /* lowering is always allowed */
}

void limits_apply(const struct limits *limits)
{
    const struct bounds *bounds = &limits->bounds;
    set_rlimit(RLIMIT_CORE, 0, 0);
    if (bounds->cpu.ms > 0) {
        int64_t seconds = (bounds->cpu.ms + 999) / 1000;
        set_rlimit(RLIMIT_CPU, seconds, seconds + 5); /* SIGXCPU, then SIGKILL */
    }
    if (bounds->file_size > 0) {
        set_rlimit(RLIMIT_FSIZE, bounds->file_size, bounds->file_size);
    }
    if (bounds->memory > 0 && !limits->has_memory_group) {
        set_rlimit(RLIMIT_DATA, bounds->memory, bounds->memory);
    }
    if (bounds->processes > 0 && !limits->has_process_group) {
        int64_t n = limits->n_tasks + bounds->processes;
        set_rlimit(RLIMIT_NPROC, n, n);
    }
}

static bool write_proc(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int kept = errno;
    (void)close(fd); /* written or not is known by now */
    errno = kept;
    return done;
}

/* Servers that tests start on 127.0.0.1 must work. */
static void raise_loopback(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    struct ifreq request = {.ifr_name = "lo"};
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    (void)ioctl(fd, SIOCSIFFLAGS, &request); /* no loopback is still no network */
    (void)close(fd);                         /* nothing was written */
}

bool limits_cut_network(void)
{
    uid_t uid = getuid();
    gid_t gid = getgid();
    if (unshare(CLONE_NEWNET) == 0) {
        raise_loopback();
        return true;
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        return false;
    }
    char map[64];
    (void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
    (void)write_proc("/proc/self/setgroups", "deny"); /* absent before Linux 3.19 */
    if (!write_proc("/proc/self/uid_map", map)) {
        return false;
    }
    (void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
    if (!write_proc("/proc/self/gid_map", map)) {
        return false;
    }
    raise_loopback();
    return true;
}

static void kill_group(const char *group)
{
    if (write_small(group, "cgroup.kill", "1")) {
        return;
    }
    AUTO_FREE char *path = file_join(group, "cgroup.procs");
    /* A group that forks faster than it is read is bounded by its limit of processes. */
    for (int round = 0; round < 100; round++) {
        AUTO_FREE char *text = read_small(path);
        if (text == NULL || text[0] == '\0') {
            return;
        }
        char *at = text;
        for (char *end; *at != '\0'; at = end + (*end == '\n')) {
            long pid = strtol(at, &end, 10);
            if (end == at) {
                break;
            }
            if (pid > 1) {
                (void)kill((pid_t)pid, SIGKILL); /* gone is as good */
            }
        }
    }
}

void limits_kill(const struct limits *limits)
{
    for (size_t i = 0; i < limits->n_groups; i++) {
        kill_group(limits->groups[i]);
    }
}

int64_t limits_peak_kib(const struct limits *limits)
{
    for (size_t i = 0; i < limits->n_groups && limits->has_memory_group; i++) {
        int64_t peak = read_number(limits->groups[i], "memory.peak");
        if (peak < 0) {
            peak = read_number(limits->groups[i], "memory.max_usage_in_bytes");
        }
        if (peak >= 0) {
            return peak / 1024;
        }
    }
    return -1;
}

bool limits_ran_out_of_memory(const struct limits *limits)
{
    for (size_t i = 0; i < limits->n_groups && limits->has_memory_group; i++) {
        AUTO_FREE char *events = file_join(limits->groups[i], "memory.events");
        AUTO_FREE char *control = file_join(limits->groups[i], "memory.oom_control");
        AUTO_FREE char *text = read_small(events);
        AUTO_FREE char *old = read_small(control);
        const char *at = text != NULL  ? strstr(text, "oom_kill ")
                         : old != NULL ? strstr(old, "oom_kill ")
                                       : NULL;
        if (at != NULL && strtoll(at + strlen("oom_kill "), NULL, 10) > 0) {
            return true;
        }
    }
    return false;
}

void limits_fini(struct limits *limits)
{
    for (size_t i = 0; i < limits->n_groups; i++) {
        kill_group(limits->groups[i]);
        (void)rmdir(limits->groups[i]); /* removed by the next one of this name */
        free(limits->groups[i]);
    }
    limits->n_groups = 0;
}

void limits_delegate(void)
{
    AUTO_FREE char *own = own_group("");
    if (own == NULL) {
        return;
    }
    AUTO_FREE char *procs = file_join(own, "cgroup.procs");
    AUTO_FREE char *controllers = file_join(own, "cgroup.controllers");
    AUTO_FREE char *offered = read_small(controllers);
    if (offered == NULL || strstr(offered, "pids") == NULL ||
        strstr(offered, "memory") == NULL || access(procs, W_OK) != 0 ||
        strcmp(strrchr(own, '/') + 1, ENGINE_LEAF) == 0) {
        return;
    }
    AUTO_FREE char *leaf = file_join(own, ENGINE_LEAF);
    if (mkdir(leaf, 0755) != 0 && errno != EEXIST) {
        return;
    }
    /* cgroup v2: a group has processes or controllers for its children, not both. */
    if (!write_small(leaf, "cgroup.procs", "0")) {
        (void)rmdir(leaf); /* made a moment ago, empty */
        return;
    }
    if (!write_small(own, "cgroup.subtree_control", "+memory +pids")) {
        (void)write_small(own, "cgroup.procs", "0"); /* others live there: as it was */
        (void)rmdir(leaf);                           /* empty again */
    }
}
