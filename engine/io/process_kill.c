/* SPDX-License-Identifier: MIT */
#include "engine/io/process_kill.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/process.h"

#define ENVIRON_MAX (4 * 1024 * 1024)
#define KILL_TIME   1000 /* ms */

struct family {
    pid_t *pids, *parents;
    bool *is_ours;
    size_t n, cap;
};

static void family_fini(struct family *family)
{
    free(family->pids);
    free(family->parents);
    free(family->is_ours);
}

/* Parent of a process, or -1. The name in /proc/PID/stat may hold anything, ')' included.
 */
static pid_t parent_of(int proc, const char *pid)
{
    char text[512];
    AUTO_FREE char *name = mem_printf("%s/stat", pid);
    AUTO_CLOSE int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (n <= 0) {
        return -1;
    }
    text[n] = '\0';
    const char *after = strrchr(text, ')');
    return after != NULL && strlen(after) > 4 ? (pid_t)strtol(after + 4, NULL, 10) : -1;
}

static void list_all(struct family *family)
{
    family->n = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') {
            continue;
        }
        if (family->n == family->cap) {
            family->cap = family->cap * 2 + 64;
            family->pids = mem_grow(family->pids, family->cap, sizeof(pid_t));
            family->parents = mem_grow(family->parents, family->cap, sizeof(pid_t));
            family->is_ours = mem_grow(family->is_ours, family->cap, sizeof(bool));
        }
        family->pids[family->n] = (pid_t)strtol(entry->d_name, NULL, 10);
        family->parents[family->n] = parent_of(dirfd(proc), entry->d_name);
        family->is_ours[family->n++] = false;
    }
    if (proc != NULL) {
        (void)closedir(proc); /* only read */
    }
}

static bool is_descendant(const struct family *family, size_t i)
{
    pid_t self = getpid();
    if (family->parents[i] == self) {
        return true;
    }
    for (size_t k = 0; k < family->n; k++) {
        if (family->is_ours[k] && family->pids[k] == family->parents[i]) {
            return true;
        }
    }
    return false;
}

/* Mark the descendants of this process; returns how many. */
static size_t mark(struct family *family)
{
    size_t n = 0, before;
    do {
        before = n;
        for (size_t i = 0; i < family->n; i++) {
            if (!family->is_ours[i] && is_descendant(family, i)) {
                family->is_ours[i] = true;
                n++;
            }
        }
    } while (n > before);
    return n;
}

static void signal_all(const struct family *family, int number)
{
    for (size_t i = 0; i < family->n; i++) {
        if (family->is_ours[i]) {
            (void)kill(family->pids[i], number); /* gone is as good */
        }
    }
}

/* Reap what is dead. True when no child is left at all. */
static bool reap_some(void)
{
    pid_t pid;
    do {
        pid = waitpid(-1, NULL, WNOHANG);
    } while (pid > 0);
    return pid < 0 && errno == ECHILD;
}

/* Fields 14 to 17 of /proc/PID/stat (proc(5)): own time, and that of children it waited for. */
static int64_t ticks_of(pid_t pid)
{
    AUTO_FREE char *path = mem_printf("/proc/%ld/stat", (long)pid);
    AUTO_FREE char *text = NULL;
    struct err err = ERR_INIT;
    int64_t ticks = 0;
    if (!file_read(path, 4096, &text, NULL, &err)) {
        return 0; /* gone */
    }
    char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 17; field++) {
        at = strchr(at + 1, ' ');
        if (at != NULL && field + 1 >= 14) {
            ticks += strtoll(at, NULL, 10);
        }
    }
    return ticks;
}

int64_t process_descendants_cpu(void)
{
    struct family family = {0};
    struct rusage usage = {0};
    int64_t ticks = 0, per_second = sysconf(_SC_CLK_TCK);
    (void)getrusage(RUSAGE_CHILDREN, &usage); /* zeros when it cannot be had */
    list_all(&family);
    (void)mark(&family);
    for (size_t i = 0; i < family.n; i++) {
        ticks += family.is_ours[i] ? ticks_of(family.pids[i]) : 0;
    }
    family_fini(&family);
    return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000 +
           (per_second > 0 ? ticks * 1000 / per_second : 0);
}

/* Until no new one is found: a stopped one does not fork. */
static void stop_all(struct family *family)
{
    for (size_t n = 0, seen;; n = seen) {
        list_all(family);
        seen = mark(family);
        signal_all(family, SIGSTOP);
        if (seen <= n) {
            break;
        }
    }
}

void process_stop_descendants(void)
{
    struct family family = {0};
    stop_all(&family);
    family_fini(&family);
}

void process_continue_descendants(void)
{
    struct family family = {0};
    list_all(&family);
    (void)mark(&family);
    signal_all(&family, SIGCONT);
    family_fini(&family);
}

void process_kill_descendants(void)
{
    /* Every descendant hangs below a child of ours: without a child there is none. */
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) {
        return;
    }
    struct family family = {0};
    struct wall until = wall_add(wall_now(), (struct span){KILL_TIME});
    do {
        stop_all(&family);
        signal_all(&family, SIGKILL);
        /* Children of what dies come to us and die in the next round. A process that the
         * kernel holds in a disk wait dies later; nobody waits for it here. */
        struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL); /* an early return is as good */
        if (reap_some()) {
            break;
        }
    } while (wall_since(wall_now(), until).ms < 0);
    family_fini(&family);
}

/* ---- what a dead runner left ----------------------------------------------------------
 */

static bool has_entry(const char *pid, const char *entry)
{
    AUTO_FREE char *path = mem_printf("/proc/%s/environ", pid);
    AUTO_FREE char *text = NULL;
    size_t len;
    struct err err = ERR_INIT;
    if (!file_read(path, ENVIRON_MAX, &text, &len, &err)) {
        return false;
    }
    size_t n = strlen(entry);
    for (const char *at = text; at < text + len; at += strlen(at) + 1) {
        if (strncmp(at, entry, n) == 0 && (at[n] == '\0' || at[n] == '/')) {
            return true;
        }
    }
    return false;
}

void process_kill_marked(const char *entry)
{
    size_t n;
    int rounds = 0;
    do {
        n = 0;
        DIR *proc = opendir("/proc");
        for (struct dirent *item; proc != NULL && (item = readdir(proc)) != NULL;) {
            pid_t pid = (pid_t)strtol(item->d_name, NULL, 10);
            if (pid > 1 && pid != getpid() && has_entry(item->d_name, entry)) {
                (void)kill(pid, SIGKILL); /* gone is as good */
                n++;
            }
        }
        if (proc != NULL) {
            (void)closedir(proc); /* only read */
        }
    } while (n > 0 && ++rounds < 100);
}

const char *process_signal_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {SIGHUP,  "SIGHUP" },
        {SIGINT,  "SIGINT" },
        {SIGQUIT, "SIGQUIT"},
        {SIGILL,  "SIGILL" },
        {SIGTRAP, "SIGTRAP"},
        {SIGABRT, "SIGABRT"},
        {SIGBUS,  "SIGBUS" },
        {SIGFPE,  "SIGFPE" },
        {SIGKILL, "SIGKILL"},
        {SIGUSR1, "SIGUSR1"},
        {SIGSEGV, "SIGSEGV"},
        {SIGUSR2, "SIGUSR2"},
        {SIGPIPE, "SIGPIPE"},
        {SIGALRM, "SIGALRM"},
        {SIGTERM, "SIGTERM"},
        {SIGXCPU, "SIGXCPU"},
        {SIGXFSZ, "SIGXFSZ"},
        {SIGSYS,  "SIGSYS" }
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].number == number) {
            return names[i].name;
        }
    }
    return "a signal";
}
