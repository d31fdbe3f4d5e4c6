/* SPDX-License-Identifier: MIT */
#include "engine/io/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/io/process.h"
#include "engine/io/runner_checks.h"
#include "engine/io/runner_eval.h"
#include "engine/io/runner_sandbox.h"
#include "engine/service/local_command.h"
#include "engine/service/local_credential.h"
#include "engine/service/local_forge.h"
#include "engine/service/local_sandbox.h"
#include "engine/service/local_watch.h"

#define LEFTOVER_TIME 30000 /* ms that git children of a dead runner may take to end */

/* ---- the lock -------------------------------------------------------------------------
 */

/* Start time of a process in clock ticks since boot: field 22 of /proc/PID/stat. 0 =
 * gone. */
static long long start_time(pid_t pid)
{
    AUTO_FREE char *path = mem_printf("/proc/%ld/stat", (long)pid);
    AUTO_FREE char *text = NULL;
    struct err err = ERR_INIT;
    if (!file_read(path, 4096, &text, NULL, &err)) {
        return 0;
    }
    char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL ? strtoll(at, NULL, 10) : 0;
}

static bool read_holder(const char *folder, pid_t *ret_pid, long long *ret_start)
{
    AUTO_FREE char *path = file_join(folder, "lock");
    AUTO_FREE char *text = NULL;
    char *end;
    struct err err = ERR_INIT;
    if (!file_read(path, 256, &text, NULL, &err)) {
        return false;
    }
    *ret_pid = (pid_t)strtol(text, &end, 10);
    *ret_start = strtoll(end, &end, 10);
    return *ret_pid > 0 && *end == '\n';
}

bool runner_is_same(const char *folder, pid_t pid)
{
    pid_t holder;
    long long start;
    return read_holder(folder, &holder, &start) && holder == pid &&
           start_time(pid) == start;
}

enum runner_life runner_look(const char *folder, pid_t *ret_pid)
{
    AUTO_FREE char *path = file_join(folder, "lock");
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) {
        return RUNNER_NONE;
    }
    pid_t pid;
    long long start;
    if (!read_holder(folder, &pid, &start) || start_time(pid) != start) {
        return RUNNER_LEFTOVER;
    }
    *ret_pid = pid;
    return RUNNER_LIVES;
}

static bool try_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* Take the lock; when a dead runner's children hold it, wait for them, then kill them.
 * -1: another runner lives. */
static int take_lock(const char *folder, const char *mark)
{
    AUTO_FREE char *path = file_join(folder, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -1;
    }
    struct wall until = wall_add(wall_now(), (struct span){LEFTOVER_TIME});
    while (!try_lock(fd)) {
        pid_t pid;
        if (runner_look(folder, &pid) == RUNNER_LIVES) {
            (void)close(fd); /* nothing was done with it */
            return -1;
        }
        if (wall_since(wall_now(), until).ms >= 0) {
            process_kill_marked(mark);
            until = wall_add(wall_now(), (struct span){LEFTOVER_TIME});
        }
        (void)poll(NULL, 0, 20);
    }
    AUTO_FREE char *text = mem_printf("%ld %lld\n", (long)getpid(), start_time(getpid()));
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0) {
        (void)close(fd); /* and with it the lock goes */
        return -1;
    }
    return fd; /* not TAKE: it would leave 0, which is a descriptor */
}

/* ---- performing -----------------------------------------------------------------------
 */

typedef void perform_fn(const struct runner *runner, struct effect_result *result);

static const struct {
    perform_fn *perform;
    bool is_once; /* must not be begun a second time */
} performers[EFFECT_COUNT] = {
    [EFFECT_PLAN] = {local_plan,         true },
    [EFFECT_WORKSPACE] = {local_workspace,    false},
    [EFFECT_CODE] = {local_code,         true },
    [EFFECT_COMMIT] = {local_commit,       false},
    [EFFECT_PULL_REQUEST] = {local_pull_request, false},
    [EFFECT_SANDBOX] = {local_sandbox,      false},
    [EFFECT_SETUP] = {local_setup,        false},
    [EFFECT_CHECK] = {local_check,        false},
    [EFFECT_EVALUATE] = {local_evaluate,     false},
    [EFFECT_MERGE] = {local_merge,        false},
    [EFFECT_REVERT] = {local_revert,       false},
    [EFFECT_CLOSE] = {local_close,        false},
    [EFFECT_CLEANUP] = {sandbox_cleanup,    false},
    [EFFECT_WATCH] = {local_watch,        false},
    [EFFECT_CONFIRM] = {local_watch,        false},
    [EFFECT_RESTART] = {local_restart,      true },
    [EFFECT_SCALE] = {local_restart,      true },
};

/* Who performs it: the providers on this machine, or a service that runs as a process.
 * NULL: nobody. */
static perform_fn *find_performer(const struct order *order)
{
    bool is_evaluation = order->kind == EFFECT_EVALUATE;
    if (order->provider[0] == '\0' || strcmp(order->provider, SERVICE_LOCAL) == 0) {
        return order->n_checks > 0 ? runner_checks : performers[order->kind].perform;
    }
    if (order->n_checks > 0) {
        return NULL; /* a pipeline that says so is refused */
    }
    switch (order->service_kind) {
    case SERVICE_WEB_EVAL:
        return is_evaluation ? eval_mcp : NULL;
    case SERVICE_WEB_EVAL_CLI:
        return is_evaluation ? eval_cli : NULL;
    case SERVICE_GRAINCHAIN:
        return order->kind == EFFECT_SANDBOX ? grainchain_make
               : order->kind == EFFECT_SETUP || order->kind == EFFECT_CHECK
                   ? grainchain_step
               : order->kind == EFFECT_CLEANUP ? sandbox_cleanup
                                               : NULL;
    case SERVICE_DAYTONA:
    case SERVICE_E2B: /* the rest is done over HTTP */
        return order->kind == EFFECT_SANDBOX ? archive_make : NULL;
    default:
        return NULL;
    }
}

struct wall runner_deadline(const struct runner *runner)
{
    struct wall at = runner->order->deadline_at;
    return wall_is_set(at) ? wall_add(at, hold_stood(runner->hold)) : at;
}

bool runner_is_stopped(const struct runner *runner)
{
    struct pollfd fd = {.fd = runner->stop_fd, .events = POLLIN};
    AUTO_FREE char *path = file_join(runner->order->folder, "stop");
    return poll(&fd, 1, 0) > 0 || file_exists(path);
}

/* *ret_is_again: it was there already. Only what must not begin twice is worth the wait
 * for the disk: after a power failure nothing runs any more, and the rest may be done
 * again. */
static bool mark_start(const char *folder, bool is_once, bool *ret_is_again,
                       struct err *err)
{
    AUTO_FREE char *path = file_join(folder, "start");
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    *ret_is_again = fd < 0 && errno == EEXIST;
    if (fd < 0 && !*ret_is_again) {
        return err_sys(err, "%s", path);
    }
    AUTO_CLOSE int dir = is_once ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir >= 0 && fsync(dir) != 0) {
        return err_sys(err, "%s", path);
    }
    return true;
}

static void perform(struct runner *runner, struct effect_result *result)
{
    const struct order *order = runner->order;
    struct err err = ERR_INIT;
    AUTO_FREE char *mark = mem_printf("SIGNALBOX_EFFECT=%s", order->folder);
    perform_fn *performer = find_performer(order);
    if (performer == NULL) {
        result->status = STATUS_REFUSED;
        result->blame = BLAME_SETUP;
        result->summary =
            mem_printf("service %s (%s) does not perform '%s'", order->provider,
                       service_kind_word(order->service_kind), effect_name(order->kind));
        return;
    }
    if (!mark_start(order->folder, performers[order->kind].is_once, &runner->is_again,
                    &err)) {
        result->status = STATUS_REFUSED;
        result->blame = BLAME_WORLD;
        result->summary = mem_str(err.msg);
        return;
    }
    if (runner->is_again) {
        process_kill_marked(mark);
    }
    if (runner_is_stopped(runner)) {
        result->status = STATUS_CANCELLED;
        result->summary = mem_str("stopped");
    } else if (runner->is_again && performers[order->kind].is_once) {
        result->status = STATUS_LOST;
        result->blame = BLAME_WORLD;
        result->summary = mem_printf("%s vanished without a result", order->name);
    } else {
        performer(runner, result);
    }
}

/* ---- the answer -----------------------------------------------------------------------
 */

static void clean(char **text, enum text_lines lines, size_t max)
{
    if (*text == NULL) {
        return;
    }
    struct buf buf;
    buf_init(&buf, max);
    text_clean(&buf, *text, strlen(*text), lines);
    /* the cap may have cut inside of a character */
    while (buf.is_cut && buf.len > 0 && !text_is_utf8(buf.data, buf.len)) {
        buf.data[--buf.len] = '\0';
    }
    free(*text);
    *text = buf_take(&buf, NULL);
}

void runner_answer(const struct runner *runner, struct effect_result *result)
{
    result->finished_at = wall_now();
    clean(&result->summary, TEXT_ONE_LINE, 400);
    clean(&result->excerpt, TEXT_KEEP_NEWLINES, EXCERPT_MAX);
    struct err err = ERR_INIT;
    while (!order_answer(runner->order->folder, result, &err)) {
        struct pollfd fd = {.fd = runner->stop_fd, .events = POLLIN};
        AUTO_FREE char *folder = mem_str(runner->order->folder);
        if (!file_exists(folder) || poll(&fd, 1, 1000) > 0) {
            return; /* nobody waits for it any more */
        }
    }
}

static int open_stop_fd(void)
{
    sigset_t set;
    (void)sigemptyset(&set); /* cannot fail */
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* cannot fail */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int runner_main(const char *folder)
{
    struct err err = ERR_INIT;
    if (credential_is_asked(folder)) { /* not by the engine, but by git */
        return credential_main(folder);
    }
    AUTO_CLOSE int stop_fd = open_stop_fd();
    struct hold hold;
    AUTO_FREE char *mark = mem_printf("SIGNALBOX_EFFECT=%s", folder);
    AUTO_FREE char *done = file_join(folder, "result.json");
    AUTO_CLOSE int lock_fd = take_lock(folder, mark);
    if (lock_fd < 0) {
        return 1;
    }
    if (file_exists(done)) {
        return 0;
    }
    struct order *order = order_read(folder, &err);
    if (order == NULL) {
        return 1; /* the engine writes it again */
    }
    struct runner runner = {
        .order = order, .lock_fd = lock_fd, .stop_fd = stop_fd, .hold = &hold};
    hold_open(&hold, folder);
    struct effect_result *result = effect_result_new(order->workflow, order->seq);
    result->started_at = wall_now();
    result->provider = mem_str(order->provider);
    perform(&runner, result);
    runner_answer(&runner, result);
    hold_close(&hold);
    effect_result_free(result);
    order_free(order);
    return 0;
}
