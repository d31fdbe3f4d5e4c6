/* SPDX-License-Identifier: MIT */

/*
 * Figures of the console, a JSON line each with its goal: what a terminal, an SSH link and a
 * person see.
 *
 * The program runs on a pty of 160x48. Processor time, wake-ups and memory are summed
 * over every process that it starts (guardian, engine, console), so nothing hides in a
 * child. Memory is PSS where the kernel tells it. The yardsticks (htop, btop, tig) run in
 * the same harness right after; one that is not installed is named and left out.
 *
 *   bench_console [--quick] [NAME ...]
 *     ours-empty   no workflow yet
 *     ours         1,000 live workflows, nothing happens
 *     ours-full    10,000 live ones and 100,000 finished
 *     ours-load    the same, and 50 events a second
 *     ours-busy    an engine that does what it can, 64 at once
 *     ours-ssh     like ours, through an sshd of its own on 127.0.0.1, where there is one
 *     htop btop tig
 *   bench_console --soak MINUTES    1,000 live workflows, 50 events a second: is memory flat?
 */

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/lib/gauge.h"

#define KEYS_MAX 400
#define PAUSE_S  0.030 /* a frame is over when nothing came for so long */
#define RATE     "50"  /* events a second */
#define SSH_PORT "2299"
#define SAMPLE_S 5
#define SAMPLES  4000
#define SOAK_MIB 1.0 /* that memory may grow by */

/* What runs beside: it is ended before the bench ends. */
enum load {
    LOAD_NONE,
    LOAD_EVENTS, /* RATE commands a second to the engine that the console starts */
    LOAD_ENGINE, /* another engine, saturated */
};

struct subject {
    const char *name, *const *argv, *keys, *before, *quit;
    double settle_s, idle_s;
    int n_keys, n_starts;
    bool is_ours, is_full, is_remote;
    enum load load;
    const char *const *load_argv;
};

static double p50_here; /* of the keys of "ours", for what SSH adds */

static double goal_of(const struct subject *s, double quiet, double events, double busy)
{
    return !s->is_ours              ? 0
           : s->load == LOAD_NONE   ? quiet
           : s->load == LOAD_EVENTS ? events
                                    : busy;
}

/* What a changed cell costs, and how many frames there are, since the chunk `from`. */
static void frames(const struct gauge *h, const struct subject *s, const char *when,
                   size_t from, double seconds)
{
    struct gauge_frames f = gauge_frames(h, from, h->n_chunks);
    char name[64];
    if (f.cells > 0) {
        (void)snprintf(name, sizeof(name), "%s_bytes_per_cell", when);
        gauge_figure(h, name, f.bytes / f.cells, "B", s->is_ours ? 4 : 0);
    }
    if (seconds > 0) {
        (void)snprintf(name, sizeof(name), "%s_frames", when);
        gauge_figure(h, name, f.n / seconds, "1/s", s->is_ours ? 10 : 0);
    }
}

static void idle(struct gauge *h, const struct subject *s)
{
    const char *when = s->load == LOAD_NONE ? "idle" : "busy";
    struct gauge_cost before = gauge_cost_of(h->pid);
    size_t bytes = h->n_bytes, chunk = h->n_chunks;
    double from = gauge_now();
    char name[64];
    (void)gauge_pump(h, from + s->idle_s, 0);
    double seconds = gauge_now() - from;
    struct gauge_cost after = gauge_cost_of(h->pid);
    (void)snprintf(name, sizeof(name), "%s_bytes", when);
    gauge_figure(h, name, (double)(h->n_bytes - bytes) / seconds, "B/s",
                 goal_of(s, 64, 8192, 8192));
    (void)snprintf(name, sizeof(name), "%s_wakeups", when);
    gauge_figure(h, name, (double)(after.wakeups - before.wakeups) / seconds, "1/s",
                 goal_of(s, 5, 0, 0));
    (void)snprintf(name, sizeof(name), "%s_cpu", when);
    gauge_figure(h, name, (after.cpu_s - before.cpu_s) / seconds * 100, "% of a core",
                 goal_of(s, 0.3, 0, 0));
    gauge_figure(h, "memory", after.memory_mib, "MiB",
                 !s->is_ours  ? 0
                 : s->is_full ? 40
                              : 16);
    gauge_figure(h, "processes", after.n_processes, "", 0);
    frames(h, s, when, chunk, seconds);
}

static void tell_keys(const struct gauge *h, const struct subject *s, double *paint,
                      double *bytes, int n)
{
    const char *when = s->load == LOAD_NONE ? "" : "busy_";
    char name[64];
    double p50 = gauge_quantile(paint, n, 0.5);
    (void)snprintf(name, sizeof(name), "%skey_p50", when);
    gauge_figure(h, name, p50, "ms", s->is_remote ? 0 : goal_of(s, 0.6, 0.6, 0));
    (void)snprintf(name, sizeof(name), "%skey_p99", when);
    gauge_figure(h, name, gauge_quantile(paint, n, 0.99), "ms",
                 s->is_remote ? 0 : goal_of(s, 3, 3, 8));
    gauge_figure(h, "key_bytes", gauge_quantile(bytes, n, 0.5), "B", 0);
    if (strcmp(s->name, "ours") == 0) {
        p50_here = p50;
    } else if (s->is_remote && p50_here > 0) {
        gauge_figure(h, "key_p50_added", p50 - p50_here, "ms", 0.5);
    }
}

static void keys(struct gauge *h, const struct subject *s)
{
    double paint[KEYS_MAX];
    double bytes[KEYS_MAX];
    int n = 0, n_silent = 0;
    unsigned spread = 1;
    size_t first = h->n_chunks;
    for (int i = 0; i < s->n_keys && !h->is_over; i++) {
        spread = spread * 1103515245u + 12345u;
        (void)gauge_pump(h, gauge_now() + 0.05 + (double)(spread >> 16 & 63) / 1000, 0);
        size_t had = h->n_bytes, chunk = h->n_chunks;
        double at = gauge_now();
        if (write(h->fd, &s->keys[(size_t)i % strlen(s->keys)], 1) != 1) {
            break;
        }
        double last = gauge_pump(h, at + 1.0, PAUSE_S);
        if (last == 0 || chunk >= h->n_chunks) {
            n_silent++;
            continue;
        }
        /* Under load frames follow each other without a pause: the first one counts. */
        paint[n] = ((s->load != LOAD_NONE ? h->chunks[chunk].at : last) - at) * 1000;
        bytes[n++] = (double)(h->n_bytes - had);
    }
    tell_keys(h, s, paint, bytes, n);
    frames(h, s, "key", first, 0);
    if (n_silent > 0) {
        gauge_figure(h, "keys_without_paint", n_silent, "", 0);
    }
}

static void repaint(struct gauge *h, const struct subject *s)
{
    double bytes[5];
    for (int i = 0; i < 5; i++) {
        struct winsize narrow = {GAUGE_LINES, GAUGE_COLUMNS - 1, 0, 0},
                       full = {GAUGE_LINES, GAUGE_COLUMNS, 0, 0};
        (void)ioctl(h->fd, TIOCSWINSZ, &narrow);
        (void)gauge_pump(h, gauge_now() + 1.0, 0.12);
        size_t had = h->n_bytes;
        (void)ioctl(h->fd, TIOCSWINSZ, &full);
        (void)gauge_pump(h, gauge_now() + 1.0, 0.12);
        bytes[i] = (double)(h->n_bytes - had);
    }
    gauge_figure(h, "repaint", gauge_quantile(bytes, 5, 0.5), "B", s->is_ours ? 7000 : 0);
}

/* A store that was filled at once is read by the monitor as history first: for idle figures
 * that work must be over. At most two minutes. */
static void calm_down(struct gauge *h)
{
    double end = gauge_now() + 120, cpu = gauge_cost_of(h->pid).cpu_s;
    while (gauge_now() < end) {
        (void)gauge_pump(h, gauge_now() + 2, 0);
        double after = gauge_cost_of(h->pid).cpu_s;
        if (after - cpu < 0.04) {
            return;
        }
        cpu = after;
    }
}

/* ---- a program
 * ----------------------------------------------------------------------------------- */

static bool begin_subject(struct gauge *h, const struct subject *s, const char *folder)
{
    double starts[9];
    for (int i = 0; i < s->n_starts; i++) {
        gauge_begin(h, s->name, s->argv, folder);
        (void)gauge_pump(h, gauge_now() + s->settle_s, 0);
        starts[i] = gauge_full_paint(h, h->n_chunks) * 1000;
        if (i < s->n_starts - 1) {
            gauge_end(h, s->quit);
        }
    }
    if (h->is_over) {
        (void)printf("{\"fig\":\"console.missing\",\"who\":\"%s\"}\n", s->name);
        gauge_end(h, s->quit);
        return false;
    }
    if (s->load == LOAD_NONE && !s->is_remote) {
        gauge_figure(h, "full_paint", gauge_quantile(starts, s->n_starts, 0.5), "ms",
                     goal_of(s, s->is_full ? 60 : 20, 0, 0));
    }
    return true;
}

static void measure(const struct subject *s, const char *folder)
{
    struct gauge h;
    pid_t load = -1;
    if (s->load == LOAD_ENGINE) {
        load = gauge_start(s->load_argv);
        (void)usleep(1000000); /* it fills up first */
    }
    if (!begin_subject(&h, s, folder)) {
        gauge_stop(load);
        return;
    }
    if (s->is_full) {
        calm_down(&h);
    }
    if (s->load == LOAD_EVENTS) {
        load = gauge_start(s->load_argv);
    }
    if (s->before != NULL && write(h.fd, s->before, strlen(s->before)) > 0) {
        (void)gauge_pump(&h, gauge_now() + 1.0, 0);
    }
    if (!s->is_remote) { /* there the processes are not below ours */
        idle(&h, s);
    }
    keys(&h, s);
    if (s->load == LOAD_NONE) {
        repaint(&h, s);
    }
    gauge_stop(load);
    gauge_end(&h, s->quit);
}

/* ---- soak
 * ----------------------------------------------------------------------------------------- */

/* Memory in the last third of the time against that in the middle: the first third warms
 * caches up. */
static void soak(const struct subject *s, const char *folder, double minutes)
{
    static double memory[SAMPLES];
    struct gauge h;
    int n = 0;
    if (!begin_subject(&h, s, folder)) {
        return;
    }
    pid_t load = gauge_start(s->load_argv);
    double from = gauge_now(), cpu = gauge_cost_of(h.pid).cpu_s;
    while (gauge_now() < from + minutes * 60 && n < SAMPLES && !h.is_over) {
        (void)gauge_pump(&h, gauge_now() + SAMPLE_S, 0);
        /* A view each time, as somebody who looks around. */
        ssize_t written = write(h.fd, &"owiamj"[n % 6], 1);
        (void)written; /* a console that has ended shows at the next look */
        memory[n++] = gauge_cost_of(h.pid).memory_mib;
    }
    double seconds = gauge_now() - from;
    gauge_figure(&h, "soak_minutes", seconds / 60, "min", 0);
    gauge_figure(&h, "soak_bytes", (double)h.n_bytes / seconds, "B/s", 8192);
    gauge_figure(&h, "soak_cpu", (gauge_cost_of(h.pid).cpu_s - cpu) / seconds * 100,
                 "% of a core", 0);
    int third = n / 3;
    double middle = gauge_quantile(memory + third, third, 0.5);
    double last = gauge_quantile(memory + 2 * third, n - 2 * third, 0.5);
    gauge_figure(&h, "soak_memory", last, "MiB", 16);
    gauge_figure(&h, "soak_growth", last - middle, "MiB", SOAK_MIB);
    gauge_stop(load);
    gauge_end(&h, s->quit);
}

/* ---- SSH
 * ------------------------------------------------------------------------------------------ */

struct ssh {
    char *folder, *host, *id, *authorized, *target, *command, *authorized_option;
    pid_t sshd;
};

static const char *sshd_path(void)
{
    const char *given = getenv("SSHD"); /* the full path: it starts itself again */
    return given != NULL ? given : "/usr/sbin/sshd";
}

static bool make_key(const char *path)
{
    const char *make[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N",
                          "",           "-f", path, NULL};
    return gauge_run(make);
}

/* An sshd of its own: keys made for it, no configuration, this machine only. */
static bool ssh_start(struct ssh *ssh, const char *folder, const char *const argv[])
{
    struct err err = ERR_INIT;
    const struct passwd *user = getpwuid(getuid());
    ssh->folder = file_join(folder, "ssh");
    ssh->host = file_join(ssh->folder, "host");
    ssh->id = file_join(ssh->folder, "id");
    ssh->authorized = file_join(ssh->folder, "id.pub");
    if (user == NULL || access(sshd_path(), X_OK) != 0 ||
        !file_make_dirs(ssh->folder, &err) || !make_key(ssh->host) ||
        !make_key(ssh->id)) {
        return false;
    }
    ssh->target = mem_printf("%s@127.0.0.1", user->pw_name);
    ssh->command =
        mem_printf("HOME=%s LANG=C.UTF-8 exec %s --store %s", folder, argv[0], argv[2]);
    ssh->authorized_option = mem_printf("AuthorizedKeysFile=%s", ssh->authorized);
    const char *sshd[] = {sshd_path(), "-D",
                          "-f",        "/dev/null",
                          "-h",        ssh->host,
                          "-p",        SSH_PORT,
                          "-o",        "ListenAddress=127.0.0.1",
                          "-o",        ssh->authorized_option,
                          "-o",        "StrictModes=no",
                          "-o",        "UsePAM=no",
                          "-o",        "PasswordAuthentication=no",
                          "-o",        "PermitRootLogin=prohibit-password",
                          "-o",        "PidFile=none",
                          NULL};
    ssh->sshd = gauge_start(sshd);
    (void)usleep(500000); /* a measurement, not a test */
    return ssh->sshd > 0 && waitpid(ssh->sshd, NULL, WNOHANG) == 0;
}

static void ssh_stop(struct ssh *ssh)
{
    gauge_stop(ssh->sshd);
    free(ssh->folder);
    free(ssh->host);
    free(ssh->id);
    free(ssh->authorized);
    free(ssh->target);
    free(ssh->command);
    free(ssh->authorized_option);
}

static void over_ssh(struct subject s, const char *folder)
{
    struct ssh ssh = {.sshd = -1};
    if (ssh_start(&ssh, folder, s.argv)) {
        const char *argv[] = {"ssh",
                              "-F",
                              "none",
                              "-i",
                              ssh.id,
                              "-o",
                              "StrictHostKeyChecking=no",
                              "-o",
                              "UserKnownHostsFile=/dev/null",
                              "-o",
                              "LogLevel=ERROR",
                              "-p",
                              SSH_PORT,
                              "-tt",
                              ssh.target,
                              ssh.command,
                              NULL};
        s.argv = argv;
        measure(&s, folder);
    } else {
        (void)printf("{\"fig\":\"console.missing\",\"who\":\"%s\",\"why\":\"no sshd"
                     " that starts at %s\"}\n",
                     s.name, sshd_path());
    }
    ssh_stop(&ssh);
}

/* ---- the programs
 * -------------------------------------------------------------------------------- */

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

struct stage {
    char *binary, *filler;
    char *empty, *thousand, *full, *busy;
    bool is_quick;
};

static void fill(const struct stage *stage, const char *store, const char *n_finished,
                 const char *n_live)
{
    const char *argv[] = {stage->filler, "--fill", store, n_finished, n_live, NULL};
    if (!file_exists(store)) {
        (void)gauge_run(argv); /* without it the figures show an empty console */
    }
}

/* Quiet ones. */
static void ours(int argc, char **argv, const struct stage *stage, const char *folder)
{
    const char *on_empty[] = {stage->binary, "--store", stage->empty, NULL};
    const char *on_thousand[] = {stage->binary, "--store", stage->thousand, NULL};
    struct subject s = {.name = "ours-empty",
                        .argv = on_empty,
                        .keys = "?",
                        .quit = "q",
                        .settle_s = 1,
                        .idle_s = 2,
                        .is_ours = true,
                        .n_starts = stage->is_quick ? 3 : 7};
    if (is_wanted(argc, argv, s.name)) {
        measure(&s, folder);
    }
    s = (struct subject){.name = "ours",
                         .argv = on_thousand,
                         .keys = "jjk",
                         .before = "w",
                         .quit = "q",
                         .settle_s = 2,
                         .idle_s = stage->is_quick ? 8 : 60,
                         .n_keys = stage->is_quick ? 60 : 300,
                         .n_starts = 3,
                         .is_ours = true};
    if (is_wanted(argc, argv, s.name)) {
        fill(stage, stage->thousand, "0", "1000");
        measure(&s, folder);
    }
    s.name = "ours-ssh";
    s.n_starts = 1;
    s.is_remote = true;
    if (is_wanted(argc, argv, s.name)) {
        fill(stage, stage->thousand, "0", "1000");
        over_ssh(s, folder);
    }
}

static void ours_loaded(int argc, char **argv, const struct stage *stage,
                        const char *folder)
{
    const char *n_finished = stage->is_quick ? "20000" : "100000";
    const char *n_live = stage->is_quick ? "2000" : "10000";
    const char *on_full[] = {stage->binary, "--store", stage->full, NULL};
    const char *on_busy[] = {stage->binary, "--store", stage->busy, NULL};
    const char *events[] = {stage->filler, "--drive", stage->full, RATE, NULL};
    const char *engine[] = {stage->filler, "--busy", stage->busy, NULL};
    struct subject s = {.name = "ours-full",
                        .argv = on_full,
                        .keys = "jjk",
                        .before = "w",
                        .quit = "q",
                        .settle_s = 2,
                        .idle_s = stage->is_quick ? 8 : 60,
                        .n_keys = stage->is_quick ? 60 : 300,
                        .n_starts = stage->is_quick ? 3 : 7,
                        .is_ours = true,
                        .is_full = true};
    if (is_wanted(argc, argv, s.name)) {
        fill(stage, stage->full, n_finished, n_live);
        measure(&s, folder);
    }
    s.name = "ours-load";
    s.n_starts = 1;
    s.load = LOAD_EVENTS;
    s.load_argv = events;
    if (is_wanted(argc, argv, s.name)) {
        fill(stage, stage->full, n_finished, n_live);
        measure(&s, folder);
    }
    s.name = "ours-busy";
    s.argv = on_busy;
    s.idle_s = stage->is_quick ? 5 : 20;
    s.is_full = false;
    s.load = LOAD_ENGINE;
    s.load_argv = engine;
    if (is_wanted(argc, argv, s.name)) {
        measure(&s, folder);
    }
}

static void ours_soaked(const struct stage *stage, const char *folder, double minutes)
{
    const char *argv[] = {stage->binary, "--store", stage->thousand, NULL};
    const char *events[] = {stage->filler, "--drive", stage->thousand, RATE, NULL};
    fill(stage, stage->thousand, "0", "1000");
    soak(&(struct subject){.name = "ours-soak",
                           .argv = argv,
                           .quit = "q",
                           .settle_s = 2,
                           .n_starts = 1,
                           .is_ours = true,
                           .load = LOAD_EVENTS,
                           .load_argv = events},
         folder, minutes);
}

static void yardsticks(int argc, char **argv, const char *folder, bool is_quick)
{
    static const char *const htop[] = {"htop", NULL},
                             *const btop[] = {"btop", "--utf-force", NULL},
                             *const tig[] = {"tig", NULL};
    const struct subject subjects[] = {
        {.name = "htop", .argv = htop, .keys = "hjk", .quit = "q", .settle_s = 3},
        {.name = "btop", .argv = btop, .keys = "jk",  .quit = "q", .settle_s = 4},
        {.name = "tig",  .argv = tig,  .keys = "jjk", .quit = "Q", .settle_s = 3},
    };
    AUTO_FREE char *here = getcwd(NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        struct subject s = subjects[i];
        s.idle_s = is_quick ? 8 : 30;
        s.n_keys = is_quick ? 30 : 100;
        s.n_starts = 1;
        if (is_wanted(argc, argv, s.name)) {
            bool needs_history = strcmp(s.name, "tig") == 0;
            measure(&s, needs_history ? here : folder);
        }
    }
}

static void stage_fini(struct stage *stage)
{
    free(stage->binary);
    free(stage->filler);
    free(stage->empty);
    free(stage->thousand);
    free(stage->full);
    free(stage->busy);
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    char folder[] = "/tmp/signalbox-console.XXXXXX";
    const char *program = getenv("SIGNALBOX");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    struct stage stage = {
        .binary = file_real(program != NULL ? program : "build/signalbox", &err),
        .filler = file_real("build/release/tests/bench/bench_engine", &err),
        .empty = file_join(folder, "empty.db"),
        .thousand = file_join(folder, "thousand.db"),
        .full = file_join(folder, "full.db"),
        .busy = file_join(folder, "busy.db"),
        .is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0,
    };
    if (stage.binary == NULL || stage.filler == NULL) {
        (void)fprintf(stderr, "bench_console: %s\n", err.msg);
    } else if (argc > 2 && strcmp(argv[1], "--soak") == 0) {
        ours_soaked(&stage, folder, strtod(argv[2], NULL));
    } else {
        ours(argc, argv, &stage, folder);
        ours_loaded(argc, argv, &stage, folder);
        yardsticks(argc, argv, folder, stage.is_quick);
    }
    stage_fini(&stage);
    (void)file_remove_tree(folder, &err); /* in /tmp it may stay */
    return 0;
}
