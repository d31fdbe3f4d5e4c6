/* SPDX-License-Identifier: MIT */

/*
 * Figures of the console, a JSON line each: what a terminal, an SSH link and a person
 * see.
 *
 * The program runs on a pty of 160x48. Processor time, wake-ups and memory are summed
 * over every process that it starts (guardian, engine, console), so nothing hides in a
 * child. Memory is PSS where the kernel tells it. The yardsticks (htop, btop, tig) run in
 * the same harness right after; one that is not installed is named and left out.
 *
 *   bench_console [--quick] [NAME ...]    NAME: ours ours-full ours-busy htop btop tig
 */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vterm.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

#define COLUMNS    160
#define LINES      48
#define MEMBERS    64 /* processes of one program */
#define KEYS_MAX   400
#define PAUSE_S    0.030 /* a frame is over when nothing came for so long */
#define CHUNKS_MAX 200000
#define BYTES_MAX  (64u << 20)

extern char **environ;

struct chunk {
    double at;
    size_t from, len;
};

struct harness {
    const char *name;
    int fd;
    pid_t pid;
    char *bytes;
    size_t n_bytes;
    struct chunk *chunks;
    size_t n_chunks;
    bool is_over;
    double started;
};

struct cost {
    double cpu_s;
    long wakeups;
    double rss_mib;
    int n_processes;
};

static double now(void)
{
    return (double)mono_now().ns / 1e9;
}

static void figure(const struct harness *h, const char *name, double value,
                   const char *unit, double goal)
{
    (void)printf("{\"fig\":\"console.%s\",\"who\":\"%s\",\"value\":%.4g,\"unit\":\"%s\"",
                 name, h->name, value, unit);
    if (goal > 0) {
        (void)printf(",\"goal\":%g", goal);
    }
    (void)printf("}\n");
    (void)fflush(stdout);
}

/* ---- the pty
 * ------------------------------------------------------------------------------ */

static void take(struct harness *h)
{
    ssize_t n = read(h->fd, h->bytes + h->n_bytes, 65536);
    if (n <= 0) {
        h->is_over = n == 0 || (errno != EINTR && errno != EAGAIN);
        return;
    }
    if (h->n_chunks < CHUNKS_MAX) {
        h->chunks[h->n_chunks++] = (struct chunk){now(), h->n_bytes, (size_t)n};
    }
    h->n_bytes += (size_t)n;
    if (h->n_bytes > BYTES_MAX - 65536) {
        h->n_bytes = 0; /* enough was seen; the early chunks are judged by then */
    }
}

/* Read until `until`, or until a pause of `quiet` after something came (0: no such end).
 * Returns when the last bytes came, 0 = none. */
static double pump(struct harness *h, double until, double quiet)
{
    double last = 0;
    while (!h->is_over) {
        double end = quiet > 0 && last > 0 && last + quiet < until ? last + quiet : until;
        double left = end - now();
        if (left <= 0) {
            break;
        }
        struct pollfd poller = {.fd = h->fd, .events = POLLIN};
        struct timespec wait = {(time_t)left,
                                (long)((left - (double)(time_t)left) * 1e9)};
        if (ppoll(&poller, 1, &wait, NULL) > 0) {
            take(h);
            last = now();
        }
    }
    return last;
}

static void begin(struct harness *h, const char *name, const char *const argv[],
                  const char *folder)
{
    struct winsize size = {LINES, COLUMNS, 0, 0};
    *h = (struct harness){.name = name};
    h->bytes = mem_alloc(BYTES_MAX);
    h->chunks = mem_array(CHUNKS_MAX, sizeof(*h->chunks));
    h->started = now();
    h->pid = forkpty(&h->fd, NULL, NULL, &size);
    if (h->pid == 0) {
        (void)setenv("TERM", "xterm-256color", 1);
        (void)setenv("LANG", "C.UTF-8", 1);
        (void)setenv("HOME", folder, 1);
        (void)unsetenv("LINES");
        (void)unsetenv("COLUMNS");
        if (chdir(folder) == 0) {
            (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        }
        _exit(127);
    }
}

static void end(struct harness *h, const char *quit)
{
    ssize_t n = write(h->fd, quit, strlen(quit));
    (void)n; /* what does not quit is killed */
    (void)pump(h, now() + 1.5, 0);
    if (!h->is_over) {
        (void)kill(h->pid, SIGTERM);
        (void)pump(h, now() + 1.0, 0);
        (void)kill(h->pid, SIGKILL);
    }
    (void)close(h->fd);
    (void)waitpid(h->pid, NULL, 0);
    free(h->bytes);
    free(h->chunks);
}

/* ---- processes
 * ------------------------------------------------------------------------------ */

static long number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at != NULL ? strtol(at + strlen(key), NULL, 10) : 0;
}

static char *proc_file(pid_t pid, const char *name)
{
    struct err err = ERR_INIT;
    char path[64];
    char *text = NULL;
    size_t len = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return file_read(path, 1 << 20, &text, &len, &err) ? text : NULL;
}

static pid_t parent_of(pid_t pid)
{
    AUTO_FREE char *status = proc_file(pid, "status");
    return status != NULL ? (pid_t)number_after(status, "\nPPid:") : 0;
}

/* The program and everything below it. */
static int members(pid_t root, pid_t list[MEMBERS])
{
    int n = 0;
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL && n < MEMBERS) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        pid_t up = pid;
        for (int depth = 0; up > 1 && up != root && depth < 8; depth++) {
            up = parent_of(up);
        }
        if (pid > 1 && up == root) {
            list[n++] = pid;
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return n;
}

static long switches(pid_t pid)
{
    long sum = 0;
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char name[300];
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(name, sizeof(name), "task/%s/status", entry->d_name);
        AUTO_FREE char *status = proc_file(pid, name);
        sum += status != NULL ? number_after(status, "\nvoluntary_ctxt_switches:") : 0;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return sum;
}

static struct cost cost_of(pid_t root)
{
    pid_t list[MEMBERS];
    struct cost cost = {.n_processes = members(root, list)};
    for (int i = 0; i < cost.n_processes; i++) {
        clockid_t clock;
        struct timespec spent;
        if (clock_getcpuclockid(list[i], &clock) == 0 &&
            clock_gettime(clock, &spent) == 0) {
            cost.cpu_s += (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
        }
        cost.wakeups += switches(list[i]);
        AUTO_FREE char *rollup = proc_file(list[i], "smaps_rollup");
        AUTO_FREE char *status = proc_file(list[i], "status");
        long kib = rollup != NULL ? number_after(rollup, "\nPss:") : 0;
        if (kib == 0 && status != NULL) {
            kib = number_after(status, "\nVmRSS:");
        }
        cost.rss_mib += (double)kib / 1024;
    }
    return cost;
}

/* ---- judging the screen
 * ----------------------------------------------------------------------- */

static int painted_rows(VTermScreen *screen, bool rows[LINES])
{
    int n = 0;
    for (int row = 0; row < LINES; row++) {
        rows[row] = false;
        for (int column = 0; column < COLUMNS && !rows[row]; column++) {
            VTermScreenCell cell;
            (void)vterm_screen_get_cell(screen, (VTermPos){row, column}, &cell);
            rows[row] =
                (cell.chars[0] != 0 && cell.chars[0] != ' ') || cell.attrs.reverse;
        }
        n += rows[row];
    }
    return n;
}

static VTerm *new_terminal(VTermScreen **ret_screen)
{
    VTerm *terminal = vterm_new(LINES, COLUMNS);
    vterm_set_utf8(terminal, 1);
    *ret_screen = vterm_obtain_screen(terminal);
    vterm_screen_enable_altscreen(*ret_screen, 1);
    vterm_screen_reset(*ret_screen, 1);
    return terminal;
}

/* From before fork until 95 % of the rows that are painted after settling are painted. */
static double full_paint(const struct harness *h, size_t n_chunks)
{
    VTermScreen *screen;
    bool rows[LINES], wanted[LINES];
    VTerm *terminal = new_terminal(&screen);
    for (size_t i = 0; i < n_chunks; i++) {
        (void)vterm_input_write(terminal, h->bytes + h->chunks[i].from, h->chunks[i].len);
    }
    int n_wanted = painted_rows(screen, wanted);
    vterm_free(terminal);
    terminal = new_terminal(&screen);
    double at = -1;
    for (size_t i = 0; i < n_chunks && at < 0; i++) {
        (void)vterm_input_write(terminal, h->bytes + h->chunks[i].from, h->chunks[i].len);
        (void)painted_rows(screen, rows);
        int n = 0;
        for (int row = 0; row < LINES; row++) {
            n += rows[row] && wanted[row];
        }
        if (n * 100 >= n_wanted * 95) {
            at = h->chunks[i].at - h->started;
        }
    }
    vterm_free(terminal);
    return at;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, int n, double q)
{
    qsort(values, (size_t)n, sizeof(*values), compare);
    return n > 0 ? values[(int)(q * (n - 1) + 0.5)] : -1;
}

/* ---- one program
 * --------------------------------------------------------------------------------- */

struct subject {
    const char *name, *const *argv, *keys, *before, *quit;
    double settle_s, idle_s;
    int n_keys;
    bool is_ours, is_busy, is_full;
};

static void idle(struct harness *h, const struct subject *s)
{
    struct cost before = cost_of(h->pid);
    size_t bytes = h->n_bytes;
    double from = now();
    (void)pump(h, from + s->idle_s, 0);
    double seconds = now() - from;
    struct cost after = cost_of(h->pid);
    bool judged = s->is_ours && !s->is_busy;
    figure(h, s->is_busy ? "busy_bytes" : "idle_bytes",
           (double)(h->n_bytes - bytes) / seconds, "B/s",
           !s->is_ours  ? 0
           : s->is_busy ? 8192
                        : 64);
    figure(h, s->is_busy ? "busy_wakeups" : "idle_wakeups",
           (double)(after.wakeups - before.wakeups) / seconds, "1/s", judged ? 5 : 0);
    figure(h, s->is_busy ? "busy_cpu" : "idle_cpu",
           (after.cpu_s - before.cpu_s) / seconds * 100, "% of a core", judged ? 0.3 : 0);
    figure(h, "memory", after.rss_mib, "MiB", !s->is_ours ? 0 : s->is_full ? 40 : 16);
    figure(h, "processes", after.n_processes, "", 0);
}

static void keys(struct harness *h, const struct subject *s)
{
    double paint[KEYS_MAX];
    double bytes[KEYS_MAX];
    int n = 0, n_silent = 0;
    unsigned spread = 1;
    for (int i = 0; i < s->n_keys && !h->is_over; i++) {
        spread = spread * 1103515245u + 12345u;
        (void)pump(h, now() + 0.05 + (double)(spread >> 16 & 63) / 1000, 0);
        size_t had = h->n_bytes, chunk = h->n_chunks;
        double at = now();
        if (write(h->fd, &s->keys[(size_t)i % strlen(s->keys)], 1) != 1) {
            break;
        }
        double last = pump(h, at + 1.0, PAUSE_S);
        if (last == 0 || chunk >= h->n_chunks) {
            n_silent++;
            continue;
        }
        /* Under load frames follow each other without a pause: the first one counts. */
        paint[n] = ((s->is_busy ? h->chunks[chunk].at : last) - at) * 1000;
        bytes[n++] = (double)(h->n_bytes - had);
    }
    figure(h, s->is_busy ? "busy_key_p50" : "key_p50", quantile(paint, n, 0.5), "ms",
           s->is_ours && !s->is_busy ? 0.6 : 0);
    figure(h, s->is_busy ? "busy_key_p99" : "key_p99", quantile(paint, n, 0.99), "ms",
           !s->is_ours  ? 0
           : s->is_busy ? 8
                        : 3);
    figure(h, "key_bytes", quantile(bytes, n, 0.5), "B", 0);
    if (n_silent > 0) {
        figure(h, "keys_without_paint", n_silent, "", 0);
    }
}

static void repaint(struct harness *h, const struct subject *s)
{
    double bytes[5];
    for (int i = 0; i < 5; i++) {
        struct winsize narrow = {LINES, COLUMNS - 1, 0, 0}, full = {LINES, COLUMNS, 0, 0};
        (void)ioctl(h->fd, TIOCSWINSZ, &narrow);
        (void)pump(h, now() + 1.0, 0.12);
        size_t had = h->n_bytes;
        (void)ioctl(h->fd, TIOCSWINSZ, &full);
        (void)pump(h, now() + 1.0, 0.12);
        bytes[i] = (double)(h->n_bytes - had);
    }
    figure(h, "repaint", quantile(bytes, 5, 0.5), "B", s->is_ours ? 9000 : 0);
}

/* A store that was filled at once is read by the monitor as history first: for idle figures
 * that work must be over. At most two minutes. */
static void calm_down(struct harness *h)
{
    double end = now() + 120, cpu = cost_of(h->pid).cpu_s;
    while (now() < end) {
        (void)pump(h, now() + 2, 0);
        double after = cost_of(h->pid).cpu_s;
        if (after - cpu < 0.04) {
            return;
        }
        cpu = after;
    }
}

static void measure(const struct subject *s, const char *folder, int n_starts)
{
    struct harness h;
    double starts[9];
    for (int i = 0; i < n_starts; i++) {
        begin(&h, s->name, s->argv, folder);
        (void)pump(&h, now() + s->settle_s, 0);
        starts[i] = full_paint(&h, h.n_chunks) * 1000;
        if (i < n_starts - 1) {
            end(&h, s->quit);
        }
    }
    if (h.is_over) {
        (void)printf("{\"fig\":\"console.missing\",\"who\":\"%s\"}\n", s->name);
        end(&h, s->quit);
        return;
    }
    if (!s->is_busy) {
        figure(&h, "full_paint", quantile(starts, n_starts, 0.5), "ms",
               !s->is_ours  ? 0
               : s->is_full ? 60
                            : 20);
    }
    if (s->is_full) {
        calm_down(&h);
    }
    if (s->before != NULL && write(h.fd, s->before, strlen(s->before)) > 0) {
        (void)pump(&h, now() + 1.0, 0);
    }
    idle(&h, s);
    keys(&h, s);
    if (!s->is_busy) {
        repaint(&h, s);
    }
    end(&h, s->quit);
}

/* ---- the programs
 * -------------------------------------------------------------------------------- */

static void run(const char *const argv[])
{
    pid_t pid;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv,
                     environ) == 0) {
        (void)waitpid(pid, NULL, 0);
    }
}

static pid_t start(const char *const argv[])
{
    pid_t pid = -1;
    (void)posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv,
                       environ);
    return pid;
}

static bool is_wanted(int argc, char **argv, const char *name)
{
    int n_names = 0;
    for (int i = 1; i < argc; i++) {
        n_names += argv[i][0] != '-';
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return n_names == 0;
}

static void ours(int argc, char **argv, const char *folder, bool is_quick)
{
    struct err err = ERR_INIT;
    const char *program = getenv("SIGNALBOX");
    AUTO_FREE char *binary =
        file_real(program != NULL ? program : "build/signalbox", &err);
    AUTO_FREE char *filler = file_real("build/release/tests/bench/bench_engine", &err);
    AUTO_FREE char *empty = file_join(folder, "empty.db");
    AUTO_FREE char *thousand = file_join(folder, "thousand.db");
    AUTO_FREE char *full = file_join(folder, "full.db");
    AUTO_FREE char *busy = file_join(folder, "busy.db");
    if (binary == NULL || filler == NULL) {
        (void)fprintf(stderr, "bench_console: %s\n", err.msg);
        return;
    }
    int n_keys = is_quick ? 60 : 300;
    double idle_s = is_quick ? 8 : 60;
    const char *on_empty[] = {binary, "--store", empty, NULL};
    const char *on_thousand[] = {binary, "--store", thousand, NULL};
    const char *on_full[] = {binary, "--store", full, NULL};
    const char *on_busy[] = {binary, "--store", busy, NULL};
    if (is_wanted(argc, argv, "ours-empty")) {
        measure(&(struct subject){"ours-empty", on_empty, "?", NULL, "q", 1, 2, 0, true,
                                  false, false},
                folder, is_quick ? 3 : 7);
    }
    if (is_wanted(argc, argv, "ours")) {
        const char *fill[] = {filler, "--fill", thousand, "0", "1000", NULL};
        run(fill);
        measure(&(struct subject){"ours", on_thousand, "jjk", "w", "q", 2, idle_s, n_keys,
                                  true, false, false},
                folder, 3);
    }
    if (is_wanted(argc, argv, "ours-full")) {
        const char *fill[] = {filler,
                              "--fill",
                              full,
                              is_quick ? "20000" : "100000",
                              is_quick ? "2000" : "10000",
                              NULL};
        run(fill);
        measure(&(struct subject){"ours-full", on_full, "jjk", "w", "q", 2, idle_s,
                                  n_keys, true, false, true},
                folder, is_quick ? 3 : 7);
    }
    if (is_wanted(argc, argv, "ours-busy")) {
        const char *load[] = {filler, "--busy", busy, NULL};
        pid_t engine = start(load);
        (void)usleep(1000000); /* a measurement, not a test: it fills up first */
        measure(&(struct subject){"ours-busy", on_busy, "jjk", "w", "q", 2,
                                  is_quick ? 5 : 20, n_keys, true, true, false},
                folder, 1);
        (void)kill(engine, SIGKILL);
        (void)waitpid(engine, NULL, 0);
    }
}

static void yardsticks(int argc, char **argv, const char *folder, bool is_quick)
{
    static const char *const htop[] = {"htop", NULL},
                             *const btop[] = {"btop", "--utf-force", NULL},
                             *const tig[] = {"tig", NULL};
    const struct subject subjects[] = {
        {"htop", htop, "hjk", NULL, "q", 3, is_quick ? 8 : 30, is_quick ? 30 : 100, false,
         false, false},
        {"btop", btop, "jk",  NULL, "q", 4, is_quick ? 8 : 30, is_quick ? 30 : 100, false,
         false, false},
        {"tig",  tig,  "jjk", NULL, "Q", 3, is_quick ? 8 : 30, is_quick ? 30 : 100, false,
         false, false},
    };
    char *here = getcwd(NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        if (is_wanted(argc, argv, subjects[i].name)) {
            bool needs_history = strcmp(subjects[i].name, "tig") == 0;
            measure(&subjects[i], needs_history ? here : folder, 1);
        }
    }
    free(here);
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    char folder[] = "/tmp/signalbox-console.XXXXXX";
    bool is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    ours(argc, argv, folder, is_quick);
    yardsticks(argc, argv, folder, is_quick);
    (void)file_remove_tree(folder, &err); /* in /tmp it may stay */
    return 0;
}
