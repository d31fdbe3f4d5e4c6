/* SPDX-License-Identifier: MIT */
#include "tests/lib/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <vterm.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define BYTES_MAX (64 * 1024 * 1024)

struct pty {
    int master;
    int slave; /* kept open, so that the settings can be read after the end */
    pid_t pid;
    bool has_ended;
    int status;
    struct termios before;
    VTerm *vt;
    VTermScreen *screen;
    int w, h;
    bool is_stalled;
    bool is_alternate, is_cursor_hidden, has_mouse;
    struct buf bytes;
    char damage[200];
};

/* ---- the terminal ---- */

static int64_t now_ms(void)
{
    return mono_now().ns / 1000000;
}

static int on_property(VTermProp property, VTermValue *value, void *user)
{
    struct pty *pty = user;
    if (property == VTERM_PROP_ALTSCREEN) {
        pty->is_alternate = value->boolean;
    } else if (property == VTERM_PROP_CURSORVISIBLE) {
        pty->is_cursor_hidden = !value->boolean;
    } else if (property == VTERM_PROP_MOUSE) {
        pty->has_mouse = value->number != VTERM_PROP_MOUSE_NONE;
    }
    return 1;
}

static void on_answer(const char *bytes, size_t len, void *user)
{
    const struct pty *pty = user;
    if (pty->master >= 0 && write(pty->master, bytes, len) < 0) {
        return; /* the program has ended: nobody wants the answer */
    }
}

static void start_terminal(struct pty *pty)
{
    static const VTermScreenCallbacks callbacks = {.settermprop = on_property};
    pty->vt = vterm_new(pty->h, pty->w);
    vterm_set_utf8(pty->vt, 1);
    vterm_output_set_callback(pty->vt, on_answer, pty);
    pty->screen = vterm_obtain_screen(pty->vt);
    vterm_screen_enable_altscreen(pty->screen, 1);
    vterm_screen_set_callbacks(pty->screen, &callbacks, pty);
    vterm_screen_reset(pty->screen, 1);
}

/* ---- the program ---- */

static void set_env(const char *pair)
{
    char name[128];
    const char *equals = strchr(pair, '=');
    size_t len = equals != NULL ? (size_t)(equals - pair) : strlen(pair);
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, pair);
    if (equals != NULL) {
        (void)setenv(name, equals + 1, 1);
    } else {
        (void)unsetenv(name);
    }
}

NORETURN static void run_child(const struct pty_options *options,
                               const char *const argv[], int slave)
{
    static const char *const plain[] = {"LC_ALL=C.UTF-8", "NO_COLOR", "COLORTERM",
                                        "TMUX",           "SSH_TTY",  "SSH_CONNECTION"};
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGHUP, options->ignores_hangup ? SIG_IGN : SIG_DFL);
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        set_env(plain[i]);
    }
    (void)setenv("TERM", options->term != NULL ? options->term : "xterm-256color", 1);
    for (size_t i = 0; options->env != NULL && options->env[i] != NULL; i++) {
        set_env(options->env[i]);
    }
    if (login_tty(slave) == 0) {
        char *args[32] = {0};
        for (size_t i = 0; argv[i] != NULL && i + 1 < ARRAY_LEN(args); i++) {
            args[i] = mem_str(argv[i]);
        }
        (void)execv(args[0], args);
    }
    _exit(127);
}

struct pty *pty_start(const struct pty_options *options, const char *const argv[])
{
    struct pty *pty = mem_alloc(sizeof(*pty));
    struct winsize size = {.ws_col = (unsigned short)options->w,
                           .ws_row = (unsigned short)options->h};
    pty->w = options->w;
    pty->h = options->h;
    buf_init(&pty->bytes, BYTES_MAX);
    if (openpty(&pty->master, &pty->slave, NULL, NULL, &size) != 0 ||
        fcntl(pty->master, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(pty->slave, F_SETFD, FD_CLOEXEC) != 0 ||
        tcgetattr(pty->slave, &pty->before) != 0) {
        BUG("no pseudo-terminal");
    }
    start_terminal(pty);
    pty->pid = fork();
    if (pty->pid == 0) {
        run_child(options, argv, pty->slave);
    }
    return pty;
}

void pty_free(struct pty *pty)
{
    if (pty == NULL) {
        return;
    }
    if (!pty->has_ended) {
        (void)kill(-pty->pid, SIGKILL);
        (void)waitpid(pty->pid, NULL, 0);
    }
    pty_hang_up(pty);
    (void)close(pty->slave);
    vterm_free(pty->vt);
    buf_fini(&pty->bytes);
    free(pty);
}

pid_t pty_pid(const struct pty *pty)
{
    return pty->pid;
}

void pty_sendn(struct pty *pty, const char *bytes, size_t len)
{
    while (len > 0 && pty->master >= 0) {
        ssize_t n = write(pty->master, bytes, len);
        if (n <= 0) {
            return;
        }
        bytes += n;
        len -= (size_t)n;
    }
}

void pty_send(struct pty *pty, const char *bytes)
{
    pty_sendn(pty, bytes, strlen(bytes));
}

void pty_resize(struct pty *pty, int w, int h)
{
    struct winsize size = {.ws_col = (unsigned short)w, .ws_row = (unsigned short)h};
    pty->w = w;
    pty->h = h;
    vterm_set_size(pty->vt, h, w);
    (void)ioctl(pty->master, TIOCSWINSZ, &size);
}

void pty_stall(struct pty *pty)
{
    pty->is_stalled = true;
}

bool pty_choke(struct pty *pty, const char *key, int ms)
{
    struct pollfd room = {.fd = pty->slave, .events = POLLOUT};
    struct pollfd keys = {.fd = pty->master, .events = POLLOUT};
    struct pollfd none = {.fd = -1};
    int64_t end = now_ms() + ms;
    pty_stall(pty);
    while (poll(&room, 1, 0) > 0 && (room.revents & POLLOUT) != 0) {
        if (now_ms() > end) {
            return false;
        }
        if (poll(&keys, 1, 0) > 0) {
            pty_send(pty, key);
        }
        (void)poll(&none, 1, 5);
    }
    return true;
}

void pty_hang_up(struct pty *pty)
{
    if (pty->master >= 0) {
        (void)close(pty->master);
        pty->master = -1;
    }
}

/* ---- waiting ---- */

/* Read what is there within ms; bytes read. */
static size_t pump(struct pty *pty, int ms)
{
    char bytes[16384];
    struct pollfd fd = {.fd = pty->master, .events = POLLIN};
    if (pty->is_stalled) {
        fd.fd = -1; /* only time passes */
    }
    if (pty->master < 0 || poll(&fd, 1, ms) <= 0 || (fd.revents & POLLIN) == 0) {
        return 0;
    }
    ssize_t n = read(pty->master, bytes, sizeof(bytes));
    if (n <= 0) {
        return 0;
    }
    (void)buf_add(&pty->bytes, bytes, (size_t)n);
    (void)vterm_input_write(pty->vt, bytes, (size_t)n);
    return (size_t)n;
}

char *pty_screen(struct pty *pty)
{
    struct buf out;
    buf_init(&out, BYTES_MAX);
    for (int y = 0; y < pty->h; y++) {
        size_t start = out.len;
        for (int x = 0; x < pty->w; x++) {
            VTermScreenCell cell;
            VTermPos pos = {.row = y, .col = x};
            char bytes[4];
            if (vterm_screen_get_cell(pty->screen, pos, &cell) == 0 ||
                cell.chars[0] == UINT32_MAX) {
                continue;
            }
            uint32_t rune = cell.chars[0] != 0 ? cell.chars[0] : ' ';
            (void)buf_add(&out, bytes, text_encode(rune, bytes));
        }
        while (out.len > start && out.data[out.len - 1] == ' ') {
            out.len--;
        }
        (void)buf_char(&out, '\n');
    }
    return buf_take(&out, NULL);
}

static bool shows(struct pty *pty, const char *text)
{
    AUTO_FREE char *screen = pty_screen(pty);
    return strstr(screen, text) != NULL;
}

static bool wait_shown(struct pty *pty, const char *text, bool is_wanted, int ms)
{
    int64_t end = now_ms() + ms;
    while (shows(pty, text) != is_wanted) {
        int64_t left = end - now_ms();
        if (left <= 0) {
            AUTO_FREE char *screen = pty_screen(pty);
            (void)fprintf(stderr, "# %s: \"%s\"\n%s",
                          is_wanted ? "not seen" : "still seen", text, screen);
            return false;
        }
        (void)pump(pty, left < 50 ? (int)left : 50);
    }
    return true;
}

bool pty_wait_text(struct pty *pty, const char *text, int ms)
{
    return wait_shown(pty, text, true, ms);
}

bool pty_wait_no_text(struct pty *pty, const char *text, int ms)
{
    return wait_shown(pty, text, false, ms);
}

bool pty_wait_exit(struct pty *pty, int ms, int *ret_status)
{
    int64_t end = now_ms() + ms;
    while (!pty->has_ended && now_ms() < end) {
        (void)pump(pty, 10);
        pty->has_ended = waitpid(pty->pid, &pty->status, WNOHANG) == pty->pid;
    }
    while (pump(pty, 0) > 0) {
        /* what it wrote last */
    }
    if (pty->has_ended && ret_status != NULL) {
        *ret_status = pty->status;
    }
    return pty->has_ended;
}

bool pty_wait_stop(struct pty *pty, int ms)
{
    int64_t end = now_ms() + ms;
    while (now_ms() < end) {
        int status;
        (void)pump(pty, 10);
        if (waitpid(pty->pid, &status, WNOHANG | WUNTRACED) == pty->pid) {
            pty->has_ended = !WIFSTOPPED(status);
            return WIFSTOPPED(status);
        }
    }
    return false;
}

bool pty_wait_quiet(struct pty *pty, int quiet_ms, int ms)
{
    int64_t end = now_ms() + ms;
    while (pump(pty, quiet_ms) > 0) {
        if (now_ms() >= end) {
            return false;
        }
    }
    return true;
}

size_t pty_written(const struct pty *pty)
{
    return pty->bytes.len;
}

const char *pty_bytes(const struct pty *pty)
{
    return pty->bytes.data;
}

/* ---- what is left behind ---- */

/* Last one of "set" and "reset" among the bytes: is a mode on? */
static bool is_mode_on(const struct pty *pty, const char *mode)
{
    char set[32];
    char reset[32];
    (void)snprintf(set, sizeof(set), "\x1b[?%sh", mode);
    (void)snprintf(reset, sizeof(reset), "\x1b[?%sl", mode);
    const char *last_set = NULL;
    const char *last_reset = NULL;
    for (const char *p = pty->bytes.data; (p = strstr(p, "\x1b[?")) != NULL; p++) {
        last_set = strncmp(p, set, strlen(set)) == 0 ? p : last_set;
        last_reset = strncmp(p, reset, strlen(reset)) == 0 ? p : last_reset;
    }
    return last_set != NULL && (last_reset == NULL || last_set > last_reset);
}

const char *pty_damage(struct pty *pty)
{
    static const char *const modes[] = {"1",    "1000", "1002", "1003",
                                        "1006", "1049", "2004", "2026"};
    struct termios now;
    size_t len = 0;
    pty->damage[0] = '\0';
    if (tcgetattr(pty->slave, &now) != 0 || now.c_iflag != pty->before.c_iflag ||
        now.c_oflag != pty->before.c_oflag || now.c_lflag != pty->before.c_lflag ||
        now.c_cflag != pty->before.c_cflag ||
        memcmp(now.c_cc, pty->before.c_cc, sizeof(now.c_cc)) != 0) {
        len += (size_t)snprintf(pty->damage, sizeof(pty->damage), "settings ");
    }
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (is_mode_on(pty, modes[i])) {
            len += (size_t)snprintf(pty->damage + len, sizeof(pty->damage) - len,
                                    "mode-%s ", modes[i]);
        }
    }
    (void)snprintf(pty->damage + len, sizeof(pty->damage) - len, "%s%s%s",
                   pty->is_alternate ? "alternate-screen " : "",
                   pty->is_cursor_hidden ? "no-cursor " : "",
                   pty->has_mouse ? "mouse" : "");
    return pty->damage;
}

bool pty_wait_mended(struct pty *pty, int ms)
{
    int64_t end = now_ms() + ms;
    while (pty_damage(pty)[0] != '\0') {
        if (now_ms() >= end) {
            (void)fprintf(stderr, "# left behind: %s\n", pty->damage);
            return false;
        }
        (void)pump(pty, 10);
    }
    return true;
}

/* Controlling terminal and parent from /proc/PID/stat (proc(5)); false when it is gone.
 */
static bool read_stat(pid_t pid, pid_t *ret_parent, int *ret_terminal)
{
    char path[64];
    char text[1024];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (n <= 0) {
        return false;
    }
    text[n] = '\0';
    const char *after = strrchr(text, ')'); /* the name may hold anything */
    int parent;
    int terminal;
    if (after == NULL ||
        sscanf(after + 1, " %*c %d %*d %*d %d", &parent, &terminal) != 2) {
        return false;
    }
    *ret_parent = parent;
    *ret_terminal = terminal;
    return true;
}

pid_t pty_find_child(pid_t parent, bool has_terminal, int ms)
{
    int64_t end = now_ms() + ms;
    do {
        char path[64];
        char text[4096];
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent,
                       (int)parent);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
        if (fd >= 0) {
            (void)close(fd);
        }
        text[n > 0 ? n : 0] = '\0';
        for (char *p = text; *p != '\0';) {
            pid_t above;
            int terminal;
            pid_t pid = (pid_t)strtol(p, &p, 10);
            p += strspn(p, " \n");
            if (pid > 0 && read_stat(pid, &above, &terminal) && above == parent &&
                (terminal != 0) == has_terminal) {
                return pid;
            }
        }
        struct pollfd none = {.fd = -1};
        (void)poll(&none, 1, 5);
    } while (now_ms() < end);
    return 0;
}

/* Ticks of the processor that it has used (proc(5)); -1 when it is gone. */
static long ticks_of(pid_t pid)
{
    char path[64];
    char text[1024];
    long user;
    long kernel;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    const char *after = strrchr(text, ')');
    if (after == NULL || after[1] == '\0' || after[2] == 'Z' ||
        sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user,
               &kernel) != 2) {
        return -1;
    }
    return user + kernel;
}

bool pty_wait_calm(pid_t pid, int ms)
{
    int64_t end = now_ms() + ms;
    struct pollfd none = {.fd = -1};
    const int window = 300;
    long busy = sysconf(_SC_CLK_TCK) * window / 1000 / 3;
    do {
        long before = ticks_of(pid);
        (void)poll(&none, 1, window);
        long after = ticks_of(pid);
        if (after < 0 || (before >= 0 && after - before < busy)) {
            return true;
        }
    } while (now_ms() < end);
    return false;
}
