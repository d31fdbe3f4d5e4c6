/* SPDX-License-Identifier: MIT */
#include "tui/headless.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/config.h"
#include "engine/engine.h"
#include "store/store.h"
#include "tui/cli/cli.h"
#include "tui/cli/until.h"
#include "tui/cli/watch.h"

#define TRY_AGAIN_MS 2000 /* after a failed start */
#define KEPT_ORDERS  3    /* descriptor after the three standard ones */

/* Stop signals through a descriptor. They are blocked before the engine's threads begin.
 */
static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGPIPE);
    (void)pthread_sigmask(SIG_SETMASK, &set, NULL);
    /* SIGHUP stays blocked: an engine has no terminal to lose. SIGPIPE becomes EPIPE. */
    (void)sigdelset(&set, SIGHUP);
    (void)sigdelset(&set, SIGPIPE);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- beside a console
 * -------------------------------------------------------------------- */

enum told { TOLD_NOTHING, TOLD_STOP, TOLD_HUNG_UP, TOLD_ENDED };

/* Wait for an order, a signal, the engine's own end, or the time. orders -1: none come.
 */
static enum told wait_for_order(int orders, int signals, int engine, int timeout_ms)
{
    char byte;
    struct pollfd fds[3] = {
        {.fd = orders,  .events = POLLIN},
        {.fd = signals, .events = POLLIN},
        {.fd = engine,  .events = POLLIN},
    };
    int n = poll(fds, 3, timeout_ms);
    if (n <= 0) {
        return TOLD_NOTHING;
    }
    if (fds[1].revents != 0) {
        return TOLD_STOP;
    }
    if (fds[2].revents != 0) {
        return TOLD_ENDED;
    }
    return read(orders, &byte, 1) == 1 && byte == ORDER_STOP ? TOLD_STOP : TOLD_HUNG_UP;
}

/* What the engine does when its console is gone. False: stop. */
static bool goes_on(const struct config *config, struct engine *engine)
{
    switch (config->on_hangup) {
    case HANGUP_CONTINUE:
        return true;
    case HANGUP_DRAIN:
        engine_drain(engine);
        return true;
    case HANGUP_STOP:
        return false;
    }
    return false;
}

/* Until it is told to stop, or has drained. */
static void attend(const struct config *config, struct engine *engine, int orders,
                   int signals)
{
    for (;;) {
        switch (wait_for_order(orders, signals, engine_fd(engine), -1)) {
        case TOLD_STOP:
        case TOLD_ENDED:
            return;
        case TOLD_HUNG_UP:
            orders = -1;
            if (!goes_on(config, engine)) {
                return;
            }
            break;
        case TOLD_NOTHING:
            break;
        }
    }
}

/* Out of the terminal's reach; returns where `news` is now. What the engine says in its
 * last moment (an assertion, a sanitizer) goes into a file beside the store, begun anew
 * each time. */
static int leave_terminal(const struct config *config, int *orders, int news)
{
    AUTO_FREE char *path = mem_printf("%s-engine.log", config->store);
    (void)setsid(); /* a child is never a group leader, so this cannot fail */
    (void)prctl(PR_SET_NAME, "signalbox-engine");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int last = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(last >= 0 ? last : null, STDERR_FILENO);
    /* Nothing that the shell left open (an SSH channel, a pipe) may be held open by an
     * engine that lives for weeks: only these two are taken along, from above what they
     * replace. */
    int high = fcntl(*orders, F_DUPFD, KEPT_ORDERS + 2);
    int higher = fcntl(news, F_DUPFD, KEPT_ORDERS + 2);
    *orders = dup3(high, KEPT_ORDERS, O_CLOEXEC);
    news = dup3(higher, KEPT_ORDERS + 1, O_CLOEXEC);
    (void)close_range(KEPT_ORDERS + 2, ~0u, 0);
    if (chdir("/") != 0) {
        /* stays where it is; all paths are absolute */
    }
    return news;
}

static struct headless_note *the_note; /* set before the forks, then only read */

const struct headless_note *headless_note_get(void)
{
    return the_note;
}

struct headless_note *headless_note_make(void)
{
    struct headless_note *note = mmap(NULL, sizeof(*note), PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (note == MAP_FAILED) {
        return NULL;
    }
    note->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    the_note = note->news >= 0 ? note : NULL;
    return the_note;
}

static void say(struct headless_note *note, int news, enum headless_phase phase,
                const char *why)
{
    char clean[HEADLESS_WHY_MAX];
    text_clean_into(clean, sizeof(clean), why);
    for (size_t i = 0; i < sizeof(clean) - 1; i++) {
        note->why[i] = clean[i]; /* the last byte stays 0 for whoever reads now */
        if (clean[i] == '\0') {
            break;
        }
    }
    atomic_store(&note->phase, (int)phase);
    (void)eventfd_write(news, 1); /* full: readable anyway */
}

int headless_run(const struct config *config, int orders, struct headless_note *note)
{
    int news = leave_terminal(config, &orders, note->news);
    int signals = open_signals();
    for (;;) {
        struct engine *engine = NULL;
        struct err err = ERR_INIT;
        int pid = 0;
        switch (engine_start(config, &engine, &pid, &err)) {
        case ENGINE_STARTED:
            say(note, news, HEADLESS_HERE, "");
            attend(config, engine, orders, signals);
            engine_stop(engine);
            return CLI_OK;
        case ENGINE_ELSEWHERE:
            say(note, news, HEADLESS_ELSEWHERE, "");
            return CLI_OK;
        case ENGINE_FAILED:
            say(note, news, HEADLESS_FAILED, err.msg);
            break;
        }
        if (wait_for_order(orders, signals, -1, TRY_AGAIN_MS) != TOLD_NOTHING) {
            return CLI_FAILURE;
        }
    }
}

/* ---- for a service manager
 * ------------------------------------------------------------------ */

/* sd_notify(3): one datagram to the socket that NOTIFY_SOCKET names; '@' is the abstract
 * namespace. Nobody listens: nothing to do. */
static void notify(const char *message)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path != NULL ? strlen(path) : 0;
    if (len < 2 || len >= sizeof(address.sun_path) ||
        (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
        ssize_t n = sendto(fd, message, strlen(message), MSG_NOSIGNAL,
                           (const struct sockaddr *)&address, size);
        (void)n; /* the manager's own timeout is the answer to a lost message */
    }
}

struct lines {
    struct reader *reader; /* NULL: print nothing */
    struct watch *watch;
    struct arena *arena;
    int64_t seen;
    bool is_json;
};

static bool lines_open(struct lines *lines, const char *store, struct err *err)
{
    struct totals totals;
    lines->reader = reader_open(store, err);
    if (lines->reader == NULL || !reader_totals(lines->reader, &totals, err)) {
        return false;
    }
    lines->seen = totals.last_event;
    lines->arena = arena_new();
    lines->watch = watch_new(store);
    return true;
}

static void lines_print(struct lines *lines)
{
    const struct event_row *events;
    size_t n;
    struct err err = ERR_INIT;
    arena_reset(lines->arena);
    if (!reader_events(lines->reader, lines->arena, 0, lines->seen, 1000, &events, &n,
                       &err)) {
        return; /* a store in trouble: the next look shows them */
    }
    for (size_t i = 0; i < n; i++) {
        if (until_is_transition(&events[i])) {
            until_print(&events[i], lines->is_json);
        }
        lines->seen = events[i].seq;
    }
    (void)fflush(stdout); /* a failure is reported at the end */
}

static void lines_close(struct lines *lines)
{
    watch_free(lines->watch);
    arena_free(lines->arena);
    reader_close(lines->reader);
}

static void serve_until_told(struct engine *engine, int signals, struct lines *lines)
{
    if (lines->reader == NULL) {
        while (wait_for_order(-1, signals, engine_fd(engine), -1) == TOLD_NOTHING) {
            /* interrupted: go on waiting */
        }
        return;
    }
    watch_fd(lines->watch, signals);
    watch_fd(lines->watch, engine_fd(engine));
    do {
        (void)watch_wait(lines->watch, WATCH_FOREVER);
        lines_print(lines);
    } while (wait_for_order(-1, signals, engine_fd(engine), 0) == TOLD_NOTHING);
}

int headless_serve(const struct config *config, bool is_verbose, bool is_json)
{
    struct err err = ERR_INIT;
    struct engine *engine = NULL;
    struct lines lines = {.is_json = is_json};
    int pid = 0;
    AUTO_CLOSE int signals = open_signals();
    switch (engine_start(config, &engine, &pid, &err)) {
    case ENGINE_STARTED:
        break;
    case ENGINE_ELSEWHERE:
        err_set(&err, ERR_BUSY, "an engine runs already for %s (pid %d)", config->store,
                pid);
        return cli_fail(&err);
    case ENGINE_FAILED:
        return cli_fail(&err);
    }
    if (is_verbose && !lines_open(&lines, config->store, &err)) {
        (void)cli_fail(&err); /* the engine works, only its lines are missing */
        err = ERR_INIT;
        reader_close(lines.reader);
        lines.reader = NULL;
    }
    notify("READY=1");
    serve_until_told(engine, signals, &lines);
    notify("STOPPING=1");
    engine_stop(engine);
    if (lines.reader != NULL) {
        lines_print(&lines);
    }
    lines_close(&lines);
    return CLI_OK;
}
