/* SPDX-License-Identifier: MIT */
#include "tui/term.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "tui/paint.h"
#include "tui/term_info.h"

#define RESET_MAX 256
#define NOTES_MAX 4096 /* bytes of standard error shown after the end */

/* What puts the terminal back. Written before the screen is taken; then only read, also
 * by signal handlers and, after a fork, by the parent. */
static struct {
    bool is_saved;
    struct termios before;
    char reset[RESET_MAX];
    size_t reset_len;
    int notes;     /* standard error while the screen is up; -1 = none */
    int stderr_fd; /* the real one */
    volatile sig_atomic_t *is_taken; /* in shared memory */
} saved = {.notes = -1, .stderr_fd = -1};

struct term {
    int fd;
    bool is_own_fd;
    bool is_ascii, has_mouse;
    int w, h;
    struct term_info can;
    struct termios raw;
    struct painter *painter;
    struct input *input;
    struct buf out; /* what the line did not take yet */
    size_t written; /* of out */
    uint64_t n_bytes;
    bool is_gone;
};

/* ---- giving it back ---- */

static const char *name_of_term(void)
{
    const char *name = getenv("TERM");
    return name != NULL ? name : "";
}

static bool find_ascii(const struct term_options *options, const struct term_info *can)
{
    if (options->wants_ascii || options->wants_utf8) {
        return options->wants_ascii;
    }
    /* The console's font has 256 or 512 glyphs, and ours are not among them. */
    return strcasecmp(nl_langinfo(CODESET), "UTF-8") != 0 || can->is_linux_console ||
           strncmp(name_of_term(), "vt1", 3) == 0;
}

/* ---- giving it back ---- */

/* Everything that could be set, by us or by what ran before us. Private modes that a
 * terminal does not know it ignores. */
static void make_reset(void)
{
    struct err err = ERR_INIT;
    struct term_info can = {.has_alternate_screen = true, .paint.has_cursor_mode = true};
    if (!term_info_find(&can, &err)) {
        can.paint.has_cursor_mode = true; /* term_open will say what is wrong */
    }
    bool is_modern = can.paint.has_cursor_mode;
    int n = snprintf(saved.reset, sizeof(saved.reset), "%s\x1b[0m%s%s%s",
                     is_modern ? "\x1b[?2026l\x1b[?2004l"
                                 "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l"
                               : "",
                     is_modern ? "\x1b[?25h" : "", can.is_linux_console ? "\x1b[?0c" : "",
                     can.has_alternate_screen ? "\x1b[?1049l" : "\x1b[H\x1b[J");
    saved.reset_len = (size_t)n;
}

void term_save(void)
{
    if (saved.is_saved || tcgetattr(STDIN_FILENO, &saved.before) != 0) {
        return;
    }
    void *shared = mmap(NULL, sizeof(*saved.is_taken), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        static volatile sig_atomic_t own;
        saved.is_taken = &own; /* good enough for all but kill -9 */
    } else {
        saved.is_taken = shared;
    }
    make_reset();
    saved.is_saved = true;
}

#define LINE_MS 2000 /* a line that takes nothing for so long is not waited for */

bool term_takes(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    int n;
    do {
        n = poll(&ready, 1, LINE_MS);
    } while (n < 0 && errno == EINTR);
    return n > 0 && (ready.revents & POLLOUT) != 0;
}

/* Standard error as kept, to where it belongs. */
static void show_notes(void)
{
    char text[NOTES_MAX];
    off_t size = lseek(saved.notes, 0, SEEK_END);
    off_t from = size > NOTES_MAX ? size - NOTES_MAX : 0;
    ssize_t n = pread(saved.notes, text, sizeof(text), from);
    if (n > 0 && term_takes(saved.stderr_fd) &&
        write(saved.stderr_fd, text, (size_t)n) < 0) {
        return; /* nothing can be said any more */
    }
}

/* Write all, but never wait for a line that takes nothing. */
static void write_out(const char *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && term_takes(STDOUT_FILENO)) {
        ssize_t n = write(STDOUT_FILENO, bytes + at, len - at);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (n <= 0) {
            return;
        }
        at += (size_t)n;
    }
}

void term_restore(void)
{
    int error = errno;
    if (!saved.is_saved || *saved.is_taken == 0) {
        return;
    }
    *saved.is_taken = 0;
    (void)tcflow(STDIN_FILENO, TCOON); /* Ctrl-S: the line must move to be put back */
    write_out(saved.reset, saved.reset_len);
    /* Keys typed for the console are not commands for the shell. */
    (void)tcflush(STDIN_FILENO, TCIFLUSH);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &saved.before);
    if (saved.notes >= 0) {
        (void)dup2(saved.stderr_fd, STDERR_FILENO);
        show_notes();
    }
    errno = error;
}

static void on_deadly(int signal_number)
{
    term_restore();
    (void)raise(signal_number); /* SA_RESETHAND: now it kills */
}

static void catch_deadly(void)
{
    static const int deadly[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE,
                                 SIGILL,  SIGTRAP, SIGSYS, SIGXCPU};
    static char stack[64 * 1024]; /* a stack overflow needs another one */
    stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_handler = on_deadly,
                               .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK | SA_NODEFER)};
    (void)sigaltstack(&other, NULL);
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
        (void)sigaction(deadly[i], &action, NULL);
    }
}

/* Standard error goes to memory while the screen is up. */
static void keep_notes(void)
{
    saved.stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (saved.stderr_fd < 0 || !isatty(STDERR_FILENO)) {
        return; /* it goes to a file already */
    }
    saved.notes = memfd_create("signalbox-notes", MFD_CLOEXEC);
    if (saved.notes >= 0) {
        (void)dup2(saved.notes, STDERR_FILENO);
    }
}

/* ---- opening ---- */

static void take(struct term *term)
{
    *saved.is_taken = 1;
    (void)tcsetattr(term->fd, TCSADRAIN, &term->raw);
    if (term->can.has_alternate_screen) {
        (void)buf_str(&term->out, "\x1b[?1049h");
    }
    if (term->can.paint.has_cursor_mode) {
        (void)buf_str(&term->out, "\x1b[?2004h"); /* a paste is no typing */
        (void)buf_str(&term->out, term->has_mouse ? "\x1b[?1000h\x1b[?1006h" : "");
    }
    painter_forget(term->painter);
}

static void make_raw(struct termios *raw, const struct termios *before)
{
    *raw = *before;
    raw->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR |
                                ICRNL | IXON | IXOFF);
    raw->c_oflag &= ~(tcflag_t)OPOST;
    raw->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw->c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    raw->c_cflag |= CS8;
    raw->c_cc[VMIN] = 1;
    raw->c_cc[VTIME] = 0;
}

bool term_open(const struct term_options *options, struct term **ret_term,
               struct err *err)
{
    struct term_info can;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return err_set(err, ERR_USAGE,
                       "the console needs a terminal; without one use the subcommands "
                       "(signalbox --help)");
    }
    if (!term_info_find(&can, err)) {
        return false;
    }
    term_save();
    if (!saved.is_saved) {
        return err_sys(err, "reading the terminal's settings");
    }
    struct term *term = mem_alloc(sizeof(*term));
    term->can = can;
    term->is_ascii = find_ascii(options, &can);
    term->painter = painter_new();
    term->input = input_new();
    term->has_mouse = options->wants_mouse;
    input_take_wheel(term->input, options->wants_mouse);
    buf_init(&term->out, PAINT_FRAME_MAX);
    make_raw(&term->raw, &saved.before);
    /* A description of our own; where the device cannot be opened (su) the shell's. */
    term->fd = open("/proc/self/fd/0", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    term->is_own_fd = term->fd >= 0;
    if (!term->is_own_fd) {
        term->fd = STDIN_FILENO;
    }
    (void)term_resize(term);
    keep_notes();
    catch_deadly();
    take(term);
    *ret_term = term;
    return true;
}

void term_close(struct term *term)
{
    if (term == NULL) {
        return;
    }
    term_restore();
    if (term->is_own_fd) {
        (void)close(term->fd);
    }
    painter_free(term->painter);
    input_free(term->input);
    buf_fini(&term->out);
    free(term);
}

void term_suspend(struct term *term)
{
    term_restore();
    (void)raise(SIGSTOP); /* the parent sees it, and stops too where a shell waits */
    take(term);
    (void)term_resize(term);
}

/* ---- facts ---- */

bool term_is_ascii(const struct term *term)
{
    return term->is_ascii;
}

enum colour_depth term_depth(const struct term *term)
{
    return term->can.paint.depth;
}

void term_size(const struct term *term, int *ret_w, int *ret_h)
{
    *ret_w = term->w;
    *ret_h = term->h;
}

#define SIZE_MAX_CELLS 1000 /* of one side; a larger window is used up to here */

bool term_resize(struct term *term)
{
    struct winsize size = {0};
    if (ioctl(term->fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        size.ws_col = 80; /* a serial line does not know */
        size.ws_row = 24;
    }
    int w = size.ws_col < SIZE_MAX_CELLS ? size.ws_col : SIZE_MAX_CELLS;
    int h = size.ws_row < SIZE_MAX_CELLS ? size.ws_row : SIZE_MAX_CELLS;
    bool is_changed = w != term->w || h != term->h;
    term->w = w;
    term->h = h;
    return is_changed;
}

int term_fd(const struct term *term)
{
    return term->fd;
}

uint64_t term_bytes(const struct term *term)
{
    return term->n_bytes;
}

/* ---- input ---- */

bool term_read(struct term *term)
{
    char bytes[4096];
    if (!term->is_own_fd) { /* it may block: only when there is something */
        struct pollfd ready = {.fd = term->fd, .events = POLLIN};
        if (poll(&ready, 1, 0) <= 0) {
            return true;
        }
    }
    ssize_t n = read(term->fd, bytes, sizeof(bytes));
    if (n > 0) {
        input_feed(term->input, bytes, (size_t)n);
        return true;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

bool term_next(struct term *term, struct input_event *ret_event)
{
    return input_next(term->input, ret_event);
}

int term_timeout(const struct term *term)
{
    return input_is_waiting(term->input) ? INPUT_ESC_MS : -1;
}

void term_expire(struct term *term)
{
    input_expire(term->input);
}

/* ---- output ---- */

bool term_is_busy(const struct term *term)
{
    return term->written < term->out.len;
}

static void flush_out(struct term *term)
{
    while (term_is_busy(term) && !term->is_gone) {
        ssize_t n = write(term->fd, term->out.data + term->written,
                          term->out.len - term->written);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0 && errno != EINTR) {
            term->is_gone = true;
        }
        term->written += n > 0 ? (size_t)n : 0;
        term->n_bytes += n > 0 ? (uint64_t)n : 0;
    }
    buf_clear(&term->out);
    term->written = 0;
}

bool term_flush(struct term *term)
{
    flush_out(term);
    return !term->is_gone;
}

size_t term_show(struct term *term, const struct surface *surface,
                 const struct theme *theme)
{
    size_t n = painter_show(term->painter, surface, theme, &term->can.paint, &term->out);
    flush_out(term);
    return n;
}

void term_forget(struct term *term)
{
    painter_forget(term->painter);
}

void term_ask_status(struct term *term)
{
    (void)buf_str(&term->out, "\x1b[5n"); /* DSR, ECMA-48 8.3.35 */
    flush_out(term);
}

#define COPY_MAX 74994 /* bytes: what xterm and tmux take as OSC 52 */

static void add_base64(struct buf *out, const char *text, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++) {
            bits = bits << 8 | (i + j < len ? (unsigned char)text[i + j] : 0u);
        }
        (void)buf_char(out, digits[bits >> 18 & 63]);
        (void)buf_char(out, digits[bits >> 12 & 63]);
        (void)buf_char(out, i + 1 < len ? digits[bits >> 6 & 63] : '=');
        (void)buf_char(out, i + 2 < len ? digits[bits & 63] : '=');
    }
}

bool term_copy(struct term *term, const char *text, size_t len)
{
    if (len > COPY_MAX || term->can.is_linux_console) {
        return false;
    }
    bool is_tmux = getenv("TMUX") != NULL;
    bool is_screen = !is_tmux && strncmp(name_of_term(), "screen", 6) == 0;
    (void)buf_str(&term->out, is_tmux     ? "\x1bPtmux;\x1b\x1b]52;c;"
                              : is_screen ? "\x1bP\x1b]52;c;"
                                          : "\x1b]52;c;");
    add_base64(&term->out, text, len);
    (void)buf_str(&term->out, is_tmux || is_screen ? "\x07\x1b\\" : "\x07");
    flush_out(term);
    return true;
}

void term_call(struct term *term, enum call_mode mode, const char *text)
{
    bool is_tmux = getenv("TMUX") != NULL;
    bool is_screen = !is_tmux && strncmp(name_of_term(), "screen", 6) == 0;
    /* the console of the kernel would print what it does not know */
    enum call_mode known =
        term->can.is_linux_console && mode != CALL_OFF ? CALL_BELL : mode;
    call_put(&term->out, known,
             is_tmux     ? CALL_TMUX
             : is_screen ? CALL_SCREEN
                         : CALL_PLAIN,
             text);
    flush_out(term);
}
