/* SPDX-License-Identifier: MIT */
#include "tests/lib/gauge.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vterm.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

#define MEMBERS    64 /* processes of one program */
#define CHUNKS_MAX 400000
#define BYTES_MAX  (64u << 20)
extern char **environ;

#define FRAME_S 0.040 /* so long without output ends a frame */

double gauge_now(void)
{
    return (double)mono_now().ns / 1e9;
}

void gauge_figure(const struct gauge *h, const char *name, double value, const char *unit,
                  double goal)
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

static void take(struct gauge *h)
{
    ssize_t n = read(h->fd, h->bytes + h->n_bytes, 65536);
    if (n <= 0) {
        h->is_over = n == 0 || (errno != EINTR && errno != EAGAIN);
        return;
    }
    if (h->n_chunks < CHUNKS_MAX) {
        h->chunks[h->n_chunks++] =
            (struct gauge_chunk){gauge_now(), h->n_bytes, (size_t)n};
    }
    h->n_bytes += (size_t)n;
    if (h->n_bytes > BYTES_MAX - 65536) {
        h->n_bytes = 0; /* enough was seen; the early chunks are judged by then */
    }
}

/* Read until `until`, or until a pause of `quiet` after something came (0: no such end).
 * Returns when the last bytes came, 0 = none. */
double gauge_pump(struct gauge *h, double until, double quiet)
{
    double last = 0;
    while (!h->is_over) {
        double end = quiet > 0 && last > 0 && last + quiet < until ? last + quiet : until;
        double left = end - gauge_now();
        if (left <= 0) {
            break;
        }
        struct pollfd poller = {.fd = h->fd, .events = POLLIN};
        struct timespec wait = {(time_t)left,
                                (long)((left - (double)(time_t)left) * 1e9)};
        if (ppoll(&poller, 1, &wait, NULL) > 0) {
            take(h);
            last = gauge_now();
        }
    }
    return last;
}

void gauge_begin(struct gauge *h, const char *name, const char *const argv[],
                 const char *folder)
{
    struct winsize size = {GAUGE_LINES, GAUGE_COLUMNS, 0, 0};
    *h = (struct gauge){.name = name};
    h->bytes = mem_alloc(BYTES_MAX);
    h->chunks = mem_array(CHUNKS_MAX, sizeof(*h->chunks));
    h->started = gauge_now();
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

void gauge_end(struct gauge *h, const char *quit)
{
    ssize_t n = write(h->fd, quit, strlen(quit));
    (void)n; /* what does not quit is killed */
    (void)gauge_pump(h, gauge_now() + 1.5, 0);
    if (!h->is_over) {
        (void)kill(h->pid, SIGTERM);
        (void)gauge_pump(h, gauge_now() + 1.0, 0);
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

struct gauge_cost gauge_cost_of(pid_t root)
{
    pid_t list[MEMBERS];
    struct gauge_cost cost = {.n_processes = members(root, list)};
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
        cost.memory_mib += (double)kib / 1024;
    }
    return cost;
}

bool gauge_run(const char *const argv[])
{
    pid_t pid;
    int status = -1;
    return posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv,
                        environ) == 0 &&
           waitpid(pid, &status, 0) == pid && status == 0;
}

pid_t gauge_start(const char *const argv[])
{
    pid_t pid = -1;
    (void)posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv,
                       environ);
    return pid;
}

void gauge_stop(pid_t pid)
{
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
}

/* ---- judging the screen
 * ----------------------------------------------------------------------- */

static int painted_rows(VTermScreen *screen, bool rows[GAUGE_LINES])
{
    int n = 0;
    for (int row = 0; row < GAUGE_LINES; row++) {
        rows[row] = false;
        for (int column = 0; column < GAUGE_COLUMNS && !rows[row]; column++) {
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
    VTerm *terminal = vterm_new(GAUGE_LINES, GAUGE_COLUMNS);
    vterm_set_utf8(terminal, 1);
    *ret_screen = vterm_obtain_screen(terminal);
    vterm_screen_enable_altscreen(*ret_screen, 1);
    vterm_screen_reset(*ret_screen, 1);
    return terminal;
}

/* From before fork until 95 % of the rows that are painted after settling are painted. */
double gauge_full_paint(const struct gauge *h, size_t n_chunks)
{
    VTermScreen *screen;
    bool rows[GAUGE_LINES], wanted[GAUGE_LINES];
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
        for (int row = 0; row < GAUGE_LINES; row++) {
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

double gauge_quantile(double *values, int n, double q)
{
    qsort(values, (size_t)n, sizeof(*values), compare);
    return n > 0 ? values[(int)(q * (n - 1) + 0.5)] : -1;
}

/* ---- frames
 * ------------------------------------------------------------------------------- */

static bool is_same(const VTermScreenCell *a, const VTermScreenCell *b)
{
    return a->chars[0] == b->chars[0] && a->chars[1] == b->chars[1] &&
           vterm_color_is_equal(&a->fg, &b->fg) && vterm_color_is_equal(&a->bg, &b->bg) &&
           a->attrs.bold == b->attrs.bold && a->attrs.reverse == b->attrs.reverse &&
           a->attrs.underline == b->attrs.underline;
}

/* Cells that look otherwise than in `cells`, which is brought up to date. */
static int changed_cells(VTermScreen *screen, VTermScreenCell *cells)
{
    int n = 0;
    for (int row = 0; row < GAUGE_LINES; row++) {
        for (int column = 0; column < GAUGE_COLUMNS; column++) {
            VTermScreenCell now, *was = &cells[row * GAUGE_COLUMNS + column];
            (void)vterm_screen_get_cell(screen, (VTermPos){row, column}, &now);
            n += !is_same(&now, was);
            *was = now;
        }
    }
    return n;
}

struct gauge_frames gauge_frames(const struct gauge *h, size_t from, size_t to)
{
    struct gauge_frames frames = {0};
    VTermScreen *screen;
    VTerm *terminal = new_terminal(&screen);
    VTermScreenCell *cells =
        mem_array((size_t)GAUGE_LINES * GAUGE_COLUMNS, sizeof(*cells));
    for (size_t i = 0; i < to; i++) {
        const struct gauge_chunk *chunk = &h->chunks[i];
        if (i == from) {
            (void)changed_cells(screen, cells);
        }
        (void)vterm_input_write(terminal, h->bytes + chunk->from, chunk->len);
        if (i < from) {
            continue;
        }
        frames.bytes += (double)chunk->len;
        if (i + 1 == to || chunk[1].at - chunk->at > FRAME_S) {
            frames.n++;
            frames.cells += changed_cells(screen, cells);
        }
    }
    vterm_free(terminal);
    free(cells);
    return frames;
}
