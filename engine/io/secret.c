/* SPDX-License-Identifier: MIT */
#include "engine/io/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/mem.h"

#define EVENTS 16

/* A command that is to print a secret. */
struct fetch {
    pid_t pid;
    int pid_fd, pipe_fd;  /* -1 = none */
    struct mono deadline; /* 0: it was killed, and only its end is waited for */
    char *text;           /* SECRET_MAX + 1 bytes */
    size_t len;
};

struct entry {
    const struct secret_source *source;
    char *value; /* NULL = none */
    int64_t generation;
    struct mono fetched_at;
    struct mono keep_until; /* value; or, without one, the failure */
    struct err why;
    struct fetch fetch;
};

struct secrets {
    struct secret_options options;
    int epoll, timer;
    struct entry **entries;
    size_t n_entries;
    int64_t generation;
};

/* What an event of the epoll instance is about. */
enum event_kind { EVENT_TIMER, EVENT_PIPE, EVENT_PROCESS };

static struct mono in_ms(int64_t ms)
{
    return (struct mono){mono_now().ns + ms * 1000000};
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* read only */
        *fd = -1;
    }
}

bool secret_is_set(const struct secret_source *source)
{
    return source->command.argv != NULL || (source->file != NULL && *source->file) ||
           (source->env != NULL && *source->env);
}

void secret_wipe(char *value)
{
    if (value != NULL) {
        explicit_bzero(value, strlen(value));
        free(value);
    }
}

/* ---- values ---------------------------------------------------------------------------
 */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* First line of text without blanks around it, malloc'd; NULL with err. A secret becomes
 * part of a header, so a control character in it would be another header (RFC 9110, 5.5). */
static char *first_line(const char *text, size_t len, const char *whose, struct err *err)
{
    const char *newline = memchr(text, '\n', len);
    size_t end = newline != NULL ? (size_t)(newline - text) : len, start = 0;
    while (start < end && is_blank(text[start])) {
        start++;
    }
    while (end > start && is_blank(text[end - 1])) {
        end--;
    }
    if (start == end) {
        err_set(err, ERR_CONFIG, "%s gives no secret", whose);
        return NULL;
    }
    for (size_t i = start; i < end; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            err_set(err, ERR_CONFIG, "the secret of %s has control characters", whose);
            return NULL;
        }
    }
    return mem_strn(text + start, end - start);
}

static char *from_env(const char *name, struct err *err)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no thread sets it
    const char *value = getenv(name);
    AUTO_FREE char *whose = mem_printf("the variable %s", name);
    if (value == NULL) {
        err_set(err, ERR_CONFIG, "%s is not set", whose);
        return NULL;
    }
    if (strlen(value) > SECRET_MAX) {
        err_set(err, ERR_CONFIG, "%s is too long", whose);
        return NULL;
    }
    return first_line(value, strlen(value), whose, err);
}

static bool is_private(int fd, const char *path, struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return err_sys(err, "%s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return err_set(err, ERR_CONFIG, "%s is no regular file", path);
    }
    if (status.st_uid != geteuid()) {
        return err_set(err, ERR_CONFIG, "%s belongs to another user", path);
    }
    if ((status.st_mode & 077) != 0) {
        return err_set(err, ERR_CONFIG, "%s can be used by others (mode %04o): chmod 600",
                       path, (unsigned)status.st_mode & 07777U);
    }
    return true;
}

static char *from_file(const char *path, struct err *err)
{
    /* O_NONBLOCK: a pipe in its place is refused below, not waited for. */
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        err_sys(err, "%s", path);
        return NULL;
    }
    if (!is_private(fd, path, err)) {
        return NULL;
    }
    char *text = mem_alloc(SECRET_MAX + 1), *value = NULL;
    ssize_t len = read(fd, text, SECRET_MAX + 1);
    if (len < 0) {
        err_sys(err, "%s", path);
    } else if (len > SECRET_MAX) {
        err_set(err, ERR_CONFIG, "%s is too large for a secret", path);
    } else {
        value = first_line(text, (size_t)len, path, err);
    }
    explicit_bzero(text, SECRET_MAX + 1);
    free(text);
    return value;
}

/* ---- commands -------------------------------------------------------------------------
 */

static bool spawn(char *const *argv, int out, pid_t *ret_pid, struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none); /* cannot fail */
    (void)sigfillset(&all);   /* cannot fail */
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR,
                                           0);
    (void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_RDWR,
                                           0);
    (void)posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    (void)posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    errno = posix_spawnp(ret_pid, argv[0], &actions, &attributes, argv, environ);
    bool done = errno == 0 || err_sys(err, "starting %s for a secret", argv[0]);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return done;
}

static uint64_t tag(size_t entry, enum event_kind kind)
{
    return (uint64_t)entry << 2 | (uint64_t)kind;
}

static bool watch(const struct secrets *secrets, int fd, uint64_t what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = what};
    return fd >= 0 && epoll_ctl(secrets->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void unwatch(const struct secrets *secrets, int *fd)
{
    if (*fd >= 0) {
        (void)epoll_ctl(secrets->epoll, EPOLL_CTL_DEL, *fd, NULL); /* it is in there */
        close_fd(fd);
    }
}

static void arm(struct secrets *secrets)
{
    struct mono first = {0};
    for (size_t i = 0; i < secrets->n_entries; i++) {
        struct mono at = secrets->entries[i]->fetch.deadline;
        if (at.ns > 0 && (first.ns == 0 || at.ns < first.ns)) {
            first = at;
        }
    }
    struct itimerspec spec = {
        .it_value = {.tv_sec = first.ns / 1000000000, .tv_nsec = first.ns % 1000000000}
    };
    (void)timerfd_settime(secrets->timer, TFD_TIMER_ABSTIME, &spec,
                          NULL); /* valid arguments cannot fail */
}

/* Everything that it started is in its session's first group, unless it hid. Once it is
 * reaped, the number may be another's. */
static void kill_group(const struct fetch *fetch)
{
    if (fetch->pid_fd >= 0) {
        (void)kill(-fetch->pid, SIGKILL); /* or nobody is left */
    }
}

static void forget_text(struct fetch *fetch)
{
    if (fetch->text != NULL) {
        explicit_bzero(fetch->text, SECRET_MAX + 1);
        free(fetch->text);
        fetch->text = NULL;
    }
}

static bool begin_fetch(struct secrets *secrets, size_t index, struct err *err)
{
    struct entry *entry = secrets->entries[index];
    struct fetch *fetch = &entry->fetch;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return err_sys(err, "starting a command for a secret");
    }
    /* The program gets a blocking end, as programs expect. */
    (void)fcntl(ends[1], F_SETFL, 0); /* ours, valid */
    bool is_started = spawn(entry->source->command.argv, ends[1], &fetch->pid, err);
    close_fd(&ends[1]);
    if (!is_started) {
        close_fd(&ends[0]);
        return false;
    }
    fetch->pipe_fd = ends[0];
    fetch->pid_fd = (int)syscall(SYS_pidfd_open, fetch->pid, 0U);
    fetch->text = mem_alloc(SECRET_MAX + 1);
    fetch->len = 0;
    fetch->deadline = in_ms(secrets->options.time.ms);
    if (!watch(secrets, fetch->pipe_fd, tag(index, EVENT_PIPE)) ||
        !watch(secrets, fetch->pid_fd, tag(index, EVENT_PROCESS))) {
        err_sys(err, "watching a command for a secret");
        (void)kill(-fetch->pid, SIGKILL);   /* or nobody is left */
        (void)waitpid(fetch->pid, NULL, 0); /* killed: it ends */
        unwatch(secrets, &fetch->pipe_fd);
        unwatch(secrets, &fetch->pid_fd);
        forget_text(fetch);
        fetch->deadline.ns = 0;
        return false;
    }
    arm(secrets);
    return true;
}

/* True while more may come. */
static bool read_text(struct fetch *fetch)
{
    while (fetch->len <= SECRET_MAX) {
        ssize_t n =
            read(fetch->pipe_fd, fetch->text + fetch->len, SECRET_MAX + 1 - fetch->len);
        if (n > 0) {
            fetch->len += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            return n < 0 && errno == EAGAIN;
        }
    }
    return false;
}

/* ---- settling -------------------------------------------------------------------------
 */

static void settle(struct secrets *secrets, struct entry *entry, char *value,
                   const struct err *why)
{
    entry->fetched_at = mono_now();
    entry->keep_until =
        in_ms(value != NULL ? secrets->options.keep.ms : secrets->options.pause.ms);
    entry->value = value;
    if (value != NULL) {
        log_hide(value, strlen(value));
        entry->generation = ++secrets->generation;
    } else {
        entry->why = *why;
    }
}

/* The outcome of a command is known; its end may still be to come. */
static void settle_fetch(struct secrets *secrets, struct entry *entry, char *value,
                         const struct err *why)
{
    struct fetch *fetch = &entry->fetch;
    kill_group(fetch);
    unwatch(secrets, &fetch->pipe_fd);
    forget_text(fetch);
    fetch->deadline.ns = 0;
    settle(secrets, entry, value, why);
    if (secrets->options.on_settled != NULL) {
        secrets->options.on_settled(secrets->options.user);
    }
}

static void on_pipe(struct secrets *secrets, struct entry *entry)
{
    struct fetch *fetch = &entry->fetch;
    if (fetch->pipe_fd < 0 || read_text(fetch)) {
        return;
    }
    if (fetch->len > SECRET_MAX) {
        struct err err = ERR_INIT;
        err_set(&err, ERR_CONFIG, "the command for a secret prints too much");
        settle_fetch(secrets, entry, NULL, &err);
        return;
    }
    unwatch(secrets, &fetch->pipe_fd); /* its end is what counts */
}

static void on_process(struct secrets *secrets, struct entry *entry)
{
    struct fetch *fetch = &entry->fetch;
    struct err err = ERR_INIT;
    siginfo_t info = {0};
    if (fetch->pid_fd < 0) {
        return;
    }
    bool is_waited_for = fetch->deadline.ns > 0;
    if (is_waited_for && fetch->pipe_fd >= 0) {
        (void)read_text(fetch); /* what it left behind */
    }
    kill_group(fetch);
    (void)waitid(P_PIDFD, (id_t)fetch->pid_fd, &info, WEXITED | WNOHANG); /* it ended */
    unwatch(secrets, &fetch->pid_fd);
    if (!is_waited_for) {
        return;
    }
    char *value = NULL;
    if (info.si_code != CLD_EXITED) {
        err_set(&err, ERR_CONFIG, "the command for a secret was killed");
    } else if (info.si_status != 0) {
        err_set(&err, ERR_CONFIG, "the command for a secret ended with status %d",
                info.si_status);
    } else if (fetch->len > SECRET_MAX) {
        err_set(&err, ERR_CONFIG, "the command for a secret prints too much");
    } else {
        value = first_line(fetch->text, fetch->len, "the command for a secret", &err);
    }
    settle_fetch(secrets, entry, value, &err);
}

static void on_timer(struct secrets *secrets)
{
    uint64_t count;
    ssize_t got = read(secrets->timer, &count, sizeof(count));
    (void)got; /* deadlines say themselves what is due */
    int64_t now = mono_now().ns;
    for (size_t i = 0; i < secrets->n_entries; i++) {
        struct entry *entry = secrets->entries[i];
        if (entry->fetch.deadline.ns > 0 && entry->fetch.deadline.ns <= now) {
            struct err err = ERR_INIT;
            err_set(&err, ERR_CONFIG,
                    "the command for a secret did not end within %lld ms",
                    (long long)secrets->options.time.ms);
            settle_fetch(secrets, entry, NULL, &err);
        }
    }
    arm(secrets);
}

void secrets_run(struct secrets *secrets)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(secrets->epoll, events, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        uint64_t what = events[i].data.u64;
        switch ((enum event_kind)(what & 3)) {
        case EVENT_TIMER:
            on_timer(secrets);
            break;
        case EVENT_PIPE:
            on_pipe(secrets, secrets->entries[what >> 2]);
            break;
        case EVENT_PROCESS:
            on_process(secrets, secrets->entries[what >> 2]);
            break;
        }
    }
}

/* ---- asking ---------------------------------------------------------------------------
 */

static size_t index_of(struct secrets *secrets, const struct secret_source *source)
{
    for (size_t i = 0; i < secrets->n_entries; i++) {
        if (secrets->entries[i]->source == source) {
            return i;
        }
    }
    struct entry *entry = mem_alloc(sizeof(*entry));
    entry->source = source;
    entry->fetch.pid_fd = entry->fetch.pipe_fd = -1;
    secrets->entries =
        mem_grow(secrets->entries, secrets->n_entries + 1,
                 sizeof(struct entry *)); // NOLINT(bugprone-sizeof-expression)
    secrets->entries[secrets->n_entries] = entry;
    return secrets->n_entries++;
}

static void renew(struct secrets *secrets, size_t index)
{
    struct entry *entry = secrets->entries[index];
    const struct secret_source *source = entry->source;
    struct err err = ERR_INIT;
    secret_wipe(TAKE(entry->value));
    if (source->command.argv != NULL) {
        if (!begin_fetch(secrets, index, &err)) {
            settle(secrets, entry, NULL, &err);
        }
        return;
    }
    char *value = source->file != NULL && *source->file ? from_file(source->file, &err)
                                                        : from_env(source->env, &err);
    settle(secrets, entry, value, &err);
}

enum secret_state secrets_get(struct secrets *secrets, const struct secret_source *source,
                              struct secret *ret_secret, struct err *err)
{
    if (!secret_is_set(source)) {
        return SECRET_NONE;
    }
    size_t index = index_of(secrets, source);
    struct entry *entry = secrets->entries[index];
    /* One that was given up and does not die is not given a second one beside it. */
    bool is_running = entry->fetch.pid_fd >= 0;
    if (!is_running && entry->keep_until.ns <= mono_now().ns) {
        renew(secrets, index);
    }
    if (entry->fetch.deadline.ns > 0) {
        return SECRET_PENDING;
    }
    if (entry->value == NULL) {
        *err = entry->why;
        return SECRET_FAILED;
    }
    *ret_secret = (struct secret){entry->value, entry->generation};
    return SECRET_READY;
}

void secrets_distrust(struct secrets *secrets, const struct secret_source *source)
{
    if (!secret_is_set(source)) {
        return;
    }
    struct entry *entry = secrets->entries[index_of(secrets, source)];
    if (entry->value != NULL &&
        entry->fetched_at.ns + secrets->options.pause.ms * 1000000 <= mono_now().ns) {
        entry->keep_until.ns = 0;
    }
}

int secrets_fd(const struct secrets *secrets)
{
    return secrets->epoll;
}

static struct span or_else(struct span span, int64_t ms)
{
    return span.ms > 0 ? span : (struct span){ms};
}

struct secrets *secrets_new(const struct secret_options *options, struct err *err)
{
    struct secrets *secrets = mem_alloc(sizeof(*secrets));
    secrets->options = *options;
    secrets->options.time = or_else(options->time, SECRET_TIME);
    secrets->options.keep = or_else(options->keep, SECRET_KEEP);
    secrets->options.pause = or_else(options->pause, SECRET_PAUSE);
    secrets->epoll = epoll_create1(EPOLL_CLOEXEC);
    secrets->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (secrets->epoll < 0 || !watch(secrets, secrets->timer, tag(0, EVENT_TIMER))) {
        err_sys(err, "getting ready for secrets");
        secrets_free(secrets);
        return NULL;
    }
    return secrets;
}

void secrets_free(struct secrets *secrets)
{
    if (secrets == NULL) {
        return;
    }
    for (size_t i = 0; i < secrets->n_entries; i++) {
        struct entry *entry = secrets->entries[i];
        if (entry->fetch.pid_fd >= 0) {
            siginfo_t info;
            kill_group(&entry->fetch);
            (void)waitid(P_PIDFD, (id_t)entry->fetch.pid_fd, &info, WEXITED | WNOHANG);
        }
        close_fd(&entry->fetch.pid_fd);
        close_fd(&entry->fetch.pipe_fd);
        forget_text(&entry->fetch);
        secret_wipe(entry->value);
        free(entry);
    }
    free(secrets->entries);
    close_fd(&secrets->epoll);
    close_fd(&secrets->timer);
    free(secrets);
}

bool secret_fetch(const struct secret_source *source, char **ret_value, struct err *err)
{
    struct secret secret;
    if (!secret_is_set(source)) {
        return err_set(err, ERR_CONFIG, "no secret is configured");
    }
    struct secrets *secrets = secrets_new(&(struct secret_options){0}, err);
    if (secrets == NULL) {
        return false;
    }
    enum secret_state state;
    while ((state = secrets_get(secrets, source, &secret, err)) == SECRET_PENDING) {
        struct pollfd wait = {.fd = secrets_fd(secrets), .events = POLLIN};
        (void)poll(&wait, 1, SECRET_TIME); /* its own timer ends it */
        secrets_run(secrets);
    }
    if (state == SECRET_READY) {
        *ret_value = mem_str(secret.value);
    }
    secrets_free(secrets);
    return state == SECRET_READY;
}
