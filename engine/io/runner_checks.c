/* SPDX-License-Identifier: MIT */
#include "engine/io/runner_checks.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/process_kill.h"
#include "engine/service/local_command.h"
#include "engine/workflow/machine.h"

#define EARLY_MS   5000 /* before the deadline of the state, at most */
#define EARLY_PART 10   /* and of the time that is left at most this part */

struct lane {
    size_t check;
    pid_t pid; /* of the worker; 0 = the lane is free */
    int pid_fd;
    bool is_told; /* to end */
};

struct beside {
    const struct runner *runner;
    const struct order *order;
    struct effect_result *result;
    struct wall deadline;
    struct lane lanes[PIPELINE_LANES_MAX];
    size_t n_lanes;
    size_t next;   /* check to begin */
    size_t failed; /* the first that failed; n_checks: none */
    bool is_stopped;
};

static char *folder_of(const struct order *order, size_t check)
{
    return mem_printf("%s/check-%lld", order->folder,
                      (long long)order->checks[check].seq);
}

/* ---- the worker -------------------------------------------------------------------------
 */

/* An order of its own for one of them. Borrows, but for folder. */
static struct order order_of(const struct beside *beside, size_t check)
{
    struct order part = *beside->order;
    const struct order_check *of = &beside->order->checks[check];
    part.seq = of->seq;
    part.step = of->step;
    part.name = of->command.name;
    part.command = of->command;
    part.log = of->log;
    part.traceparent = of->traceparent;
    part.deadline_at = beside->deadline;
    part.folder = folder_of(beside->order, check);
    part.checks = NULL;
    part.n_checks = 0;
    return part;
}

NORETURN static void work(const struct beside *beside, size_t check, pid_t parent)
{
    struct err err = ERR_INIT;
    struct order part = order_of(beside, check);
    struct runner runner = *beside->runner;
    struct effect_result *result = effect_result_new(part.workflow, part.seq);
    runner.order = &part;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(1);
    }
    result->started_at = wall_now();
    result->provider = mem_str(part.provider);
    if (file_make_dirs(part.folder, &err)) {
        local_check(&runner, result);
    } else {
        result->status = STATUS_REFUSED;
        result->blame = BLAME_WORLD;
        result->summary = mem_str(err.msg);
    }
    runner_answer(&runner, result);
    _exit(0);
}

/* ---- outcomes ---------------------------------------------------------------------------
 */

/* Does it end the others? */
static bool decides(const struct beside *beside, size_t check)
{
    const struct effect_result *part = beside->result->parts[check];
    enum machine_event event = event_of_result(part);
    return event != EV_PASSED &&
           !(event == EV_CHANGE && beside->order->checks[check].command.may_fail);
}

static struct effect_result *new_part(const struct beside *beside, size_t check,
                                      enum effect_status status, enum blame blame,
                                      char *summary)
{
    const struct order *order = beside->order;
    struct effect_result *part =
        effect_result_new(order->workflow, order->checks[check].seq);
    part->status = status;
    part->blame = blame;
    part->started_at = part->finished_at = wall_now();
    part->provider = mem_str(order->provider);
    part->summary = summary;
    return part;
}

/* What is on disk of it; NULL: nothing that counts. One that was only ended runs again. */
static struct effect_result *read_part(const struct beside *beside, size_t check)
{
    struct err err = ERR_INIT;
    const struct order *order = beside->order;
    struct effect_result *part = NULL;
    AUTO_FREE char *folder = folder_of(order, check);
    if (order_read_answer(folder, order->workflow, order->checks[check].seq, &part,
                          &err) != FOUND) {
        return NULL;
    }
    if (part->status == STATUS_CANCELLED) {
        effect_result_free(part);
        part = NULL;
    }
    return part;
}

static void take_part(struct beside *beside, size_t check, struct effect_result *part)
{
    beside->result->parts[check] = part;
    if (check < beside->failed && decides(beside, check)) {
        beside->failed = check;
    }
}

/* ---- lanes ------------------------------------------------------------------------------
 */

static void tell(struct lane *lane)
{
    lane->is_told = true;
    (void)kill(lane->pid, SIGTERM); /* ours, and not reaped: the number is its own */
}

static bool begin(struct beside *beside, struct lane *lane, size_t check)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        work(beside, check, parent);
    }
    if (pid < 0) {
        struct err err = ERR_INIT;
        err_sys(&err, "starting %s", beside->order->checks[check].command.name);
        take_part(beside, check,
                  new_part(beside, check, STATUS_REFUSED, BLAME_WORLD, mem_str(err.msg)));
        return false;
    }
    *lane = (struct lane){
        .check = check, .pid = pid, .pid_fd = (int)syscall(SYS_pidfd_open, pid, 0U)};
    return true;
}

/* Fill the lanes that are free, in order, with what no failure stands before. */
static void begin_some(struct beside *beside)
{
    for (size_t i = 0; i < beside->n_lanes && !beside->is_stopped; i++) {
        struct lane *lane = &beside->lanes[i];
        while (lane->pid == 0 && beside->next < beside->failed) {
            size_t check = beside->next++;
            if (beside->result->parts[check] == NULL) {
                (void)begin(beside, lane, check); /* else the next one may */
            }
        }
    }
}

static size_t n_running(const struct beside *beside)
{
    size_t n = 0;
    for (size_t i = 0; i < beside->n_lanes; i++) {
        n += beside->lanes[i].pid != 0;
    }
    return n;
}

/* What cannot change the outcome any more is ended. */
static void end_some(struct beside *beside)
{
    for (size_t i = 0; i < beside->n_lanes; i++) {
        struct lane *lane = &beside->lanes[i];
        bool is_vain = beside->is_stopped || lane->check > beside->failed;
        if (lane->pid != 0 && is_vain && !lane->is_told) {
            tell(lane);
        }
    }
}

static void reap(struct beside *beside, struct lane *lane)
{
    if (waitpid(lane->pid, NULL, WNOHANG) != lane->pid) {
        return;
    }
    struct effect_result *part = read_part(beside, lane->check);
    if (part == NULL && !lane->is_told) {
        part = new_part(beside, lane->check, STATUS_LOST, BLAME_WORLD,
                        mem_printf("%s vanished without a result",
                                   beside->order->checks[lane->check].command.name));
    }
    if (part != NULL) {
        take_part(beside, lane->check, part);
    }
    if (lane->pid_fd >= 0) {
        (void)close(lane->pid_fd); /* nothing was written */
    }
    lane->pid = 0;
}

/* Everything is halted, or goes on: each worker sees to what it runs. */
static void look_at_hold(struct beside *beside)
{
    struct hold *hold = beside->runner->hold;
    if (hold == NULL || !hold_look(hold)) {
        return;
    }
    for (size_t i = 0; i < beside->n_lanes; i++) {
        if (beside->lanes[i].pid != 0) {
            (void)kill(beside->lanes[i].pid, HOLD_SIGNAL); /* as above */
        }
    }
}

static void wait_for_some(struct beside *beside)
{
    struct pollfd fds[PIPELINE_LANES_MAX + 2];
    struct hold *hold = beside->runner->hold;
    size_t n = beside->n_lanes;
    for (size_t i = 0; i < n; i++) {
        fds[i] = (struct pollfd){.fd = beside->lanes[i].pid != 0 ? beside->lanes[i].pid_fd
                                                                 : -1,
                                 .events = POLLIN};
    }
    fds[n] = (struct pollfd){.fd = beside->is_stopped ? -1 : beside->runner->stop_fd,
                             .events = POLLIN};
    fds[n + 1] = (struct pollfd){.fd = hold != NULL ? hold->fd : -1, .events = POLLIN};
    /* once a second as well: a descriptor may be missing, a halt may end unheard */
    int n_ready = poll(fds, n + 2, HOLD_LOOK);
    beside->is_stopped = beside->is_stopped || (n_ready > 0 && fds[n].revents != 0);
    look_at_hold(beside);
    for (size_t i = 0; i < n; i++) {
        if (beside->lanes[i].pid != 0) {
            reap(beside, &beside->lanes[i]);
        }
    }
}

/* ---- the outcome of all -----------------------------------------------------------------
 */

static const char *name_of(const struct beside *beside, size_t check)
{
    return beside->order->checks[check].command.name;
}

/* Those without an outcome of their own. */
static void fill_up(struct beside *beside)
{
    for (size_t i = 0; i < beside->order->n_checks; i++) {
        if (beside->result->parts[i] != NULL) {
            continue;
        }
        if (beside->failed == beside->order->n_checks) {
            beside->result->parts[i] =
                new_part(beside, i, STATUS_CANCELLED, BLAME_NONE, mem_str("stopped"));
            continue;
        }
        AUTO_FREE char *folder = folder_of(beside->order, i);
        bool has_begun = file_exists(folder);
        beside->result->parts[i] =
            new_part(beside, i, has_begun ? STATUS_CANCELLED : STATUS_SKIPPED, BLAME_NONE,
                     mem_printf("%s: '%s' has failed", has_begun ? "ended" : "not begun",
                                name_of(beside, beside->failed)));
        if (has_begun) {
            beside->result->parts[i]->log = mem_str(beside->order->checks[i].log);
        }
    }
}

static void add_measures(struct effect_result *to, const struct effect_result *from)
{
    if (from->cpu_ms >= 0) {
        to->cpu_ms = (to->cpu_ms > 0 ? to->cpu_ms : 0) + from->cpu_ms;
    }
    if (from->out_bytes >= 0) {
        to->out_bytes = (to->out_bytes > 0 ? to->out_bytes : 0) + from->out_bytes;
    }
    if (from->peak_rss_kib > to->peak_rss_kib) {
        to->peak_rss_kib = from->peak_rss_kib;
    }
}

/* "3 checks passed, flaky: 'a', failed and may: 'b'" */
static char *passed_text(const struct beside *beside)
{
    static const char *const kinds[] = {"flaky", "failed, as they may"};
    struct buf text;
    size_t n = 0;
    buf_init(&text, 400);
    for (size_t i = 0; i < beside->order->n_checks; i++) {
        n += event_of_result(beside->result->parts[i]) == EV_PASSED;
    }
    (void)buf_printf(&text, "%zu check%s passed", n, n == 1 ? "" : "s");
    for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
        size_t n_named = 0;
        for (size_t i = 0; i < beside->order->n_checks; i++) {
            const struct effect_result *part = beside->result->parts[i];
            bool is_it = kind == 0 ? part->status == STATUS_FLAKY
                                   : event_of_result(part) != EV_PASSED;
            if (is_it && n_named++ == 0) {
                (void)buf_printf(&text, "; %s: %s", kinds[kind], name_of(beside, i));
            } else if (is_it) {
                (void)buf_printf(&text, ", %s", name_of(beside, i));
            }
        }
    }
    return buf_take(&text, NULL);
}

/* That of the first check that did not pass; of the last one when all have. */
static void conclude(struct beside *beside)
{
    struct effect_result *result = beside->result;
    size_t n = beside->order->n_checks;
    bool is_passed = beside->failed == n && !beside->is_stopped;
    fill_up(beside);
    size_t at = beside->failed < n ? beside->failed : n - 1;
    struct effect_result *part = result->parts[at];
    for (size_t i = 0; i < n; i++) {
        add_measures(result, result->parts[i]);
    }
    result->of = part->seq;
    result->status = part->status;
    result->blame = part->blame;
    result->exit_status = part->exit_status;
    result->tries = part->tries;
    result->log = part->log != NULL ? mem_str(part->log) : NULL;
    result->excerpt = TAKE(part->excerpt);
    result->summary = mem_str(part->summary);
    if (is_passed) {
        free(result->summary);
        result->summary = passed_text(beside);
        result->status = STATUS_PASSED;
        result->blame = BLAME_NONE;
    } else if (beside->failed == n) {
        free(result->summary);
        result->summary = mem_str("stopped");
        result->status = STATUS_CANCELLED;
        result->blame = BLAME_NONE;
    }
    for (size_t i = 0; i < n; i++) {
        free(TAKE(result->parts[i]->excerpt)); /* nobody reads them; the logs are there */
    }
}

static struct wall early(const struct order *order)
{
    struct wall at = order->deadline_at;
    if (wall_is_set(at)) {
        int64_t left = wall_since(at, wall_now()).ms;
        int64_t part = left > 0 ? left / EARLY_PART : 0;
        at.ms -= part < EARLY_MS ? part : EARLY_MS;
    }
    return at;
}

void runner_checks(const struct runner *runner, struct effect_result *result)
{
    const struct order *order = runner->order;
    struct beside beside = {.runner = runner,
                            .order = order,
                            .result = result,
                            .deadline = early(order),
                            .failed = order->n_checks};
    beside.n_lanes = order->lanes < 1                    ? 1
                     : order->lanes > PIPELINE_LANES_MAX ? PIPELINE_LANES_MAX
                                                         : (size_t)order->lanes;
    effect_result_make_parts(result, order->n_checks);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* known since Linux 3.4 */
    for (size_t i = 0; i < order->n_checks; i++) {
        struct effect_result *part = read_part(&beside, i);
        if (part != NULL) {
            take_part(&beside, i, part);
        }
    }
    begin_some(&beside);
    while (n_running(&beside) > 0) {
        wait_for_some(&beside);
        end_some(&beside);
        begin_some(&beside);
    }
    process_kill_descendants(); /* of a worker that was killed */
    conclude(&beside);
}
