/* SPDX-License-Identifier: MIT */
#include "engine/io/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/io/runner.h"
#include "engine/service/local_env.h"

#define STOP_TIME 5000 /* ms from SIGTERM to SIGKILL of a runner */
#define DEADLINE_SLACK                                                                   \
    30000 /* ms that a runner may be late before it is taken for stuck */
#define TRIES           6
#define BLOCKED_PAUSE   100 /* ms between two looks for a place that is taken */
#define EARLIER_RUNNERS 4   /* effects of a workflow whose runners may still end */
#define EARLIER_NUMBERS (2 * PIPELINE_STEPS_MAX) /* among so many numbers at most */
#define FIRST_PAUSE     50                       /* ms; doubled with each try */

struct job {
    struct job *next;         /* of its bucket */
    struct effect_row effect; /* name and params are ours */
    char *name, *params, *folder;
    const struct order *ready; /* made by whom this job is for; NULL: from the store */
    int pid_fd;                /* of the runner, -1 = none is watched */
    int tries; /* runners that ended without a result, and failures to start one */
    bool is_stopping;
    bool is_blocked; /* waits for an earlier effect of its workflow to leave the place */
    bool is_orphan;  /* nobody waits for its result */
    bool is_held;    /* not started, because everything is halted */
    struct mono look_at; /* look at the folder again; 0 = no */
    struct mono kill_at; /* the runner is stuck then; 0 = no */
};

struct job *job_new(const struct effect_row *effect)
{
    struct job *job = mem_alloc(sizeof(*job));
    job->effect = *effect;
    job->effect.summary = job->effect.log = "";
    job->effect.name = job->name = mem_str(effect->name);
    job->effect.params = job->params = mem_str(effect->params);
    job->pid_fd = -1;
    return job;
}

void job_free(struct job *job)
{
    if (job == NULL) {
        return;
    }
    if (job->pid_fd >= 0) {
        (void)close(job->pid_fd); /* the runner goes on */
    }
    free(job->name);
    free(job->params);
    free(job->folder);
    free(job);
}

const struct effect_row *job_effect(const struct job *job)
{
    return &job->effect;
}

/* ---- the shop -------------------------------------------------------------------------
 */

bool job_shop_init(struct job_shop *shop, const struct io_options *options, int epoll,
                   struct err *err)
{
    *shop = (struct job_shop){
        .store = mem_str(options->store),
        .work = mem_str(options->work),
        .logs = mem_str(options->logs),
        .log_max = options->log_max_bytes,
        .scales = options->scales,
        .n_scales = options->n_scales,
        .on_result = options->on_result,
        .user = options->user,
        .epoll = epoll,
    };
    job_program_init(shop, options->self_exe);
    AUTO_FREE char *live = file_join(shop->work, "live");
    return file_make_dirs(live, err) && file_make_dirs(shop->logs, err);
}

void job_shop_fini(struct job_shop *shop)
{
    for (size_t i = 0; i < JOB_BUCKETS; i++) {
        for (struct job *job = shop->buckets[i], *next; job != NULL; job = next) {
            next = job->next;
            job_free(job);
        }
    }
    for (size_t i = 0; i < JOB_PIPELINES; i++) {
        pipeline_free(shop->pipelines[i].pipeline);
    }
    reader_close(shop->reader);
    free(shop->store);
    free(shop->work);
    free(shop->logs);
    job_program_fini(shop);
}

static struct job **bucket_of(struct job_shop *shop, int64_t workflow)
{
    return &shop->buckets[(uint64_t)workflow % JOB_BUCKETS];
}

static struct job *find(struct job_shop *shop, int64_t workflow, int64_t seq)
{
    struct job *job = *bucket_of(shop, workflow);
    while (job != NULL && (job->effect.workflow != workflow || job->effect.seq != seq)) {
        job = job->next;
    }
    return job;
}

static void note_time(struct job_shop *shop, struct mono at)
{
    if (at.ns > 0 && (shop->next.ns == 0 || at.ns < shop->next.ns)) {
        shop->next = at;
    }
}

static void drop(struct job_shop *shop, struct job *job)
{
    struct job **at = bucket_of(shop, job->effect.workflow);
    for (struct job *other = *at; other != NULL; other = other->next) {
        if (other->is_blocked && other->effect.workflow == job->effect.workflow) {
            other->look_at = mono_now();
            note_time(shop, other->look_at);
        }
    }
    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
    shop->n_jobs--;
    job_free(job);
}

static char *live_mark(const struct job_shop *shop, const struct job *job)
{
    return mem_printf("%s/live/wf-%lld.%lld", shop->work, (long long)job->effect.workflow,
                      (long long)job->effect.seq);
}

static struct mono in_ms(int64_t ms)
{
    return (struct mono){mono_now().ns + ms * 1000000};
}

struct mono job_next_time(const struct job_shop *shop)
{
    return shop->next;
}

/* ---- delivering -----------------------------------------------------------------------
 */

static void deliver(struct job_shop *shop, struct job *job, struct effect_result *result)
{
    AUTO_FREE char *mark = live_mark(shop, job);
    (void)unlink(mark); /* only a hint for the sweep */
    enum effect_kind kind = job->effect.kind;
    if ((kind == EFFECT_CLEANUP && result->status == STATUS_PASSED) ||
        kind == EFFECT_WATCH || kind == EFFECT_CONFIRM) { /* nothing comes after these */
        struct err err;
        AUTO_FREE char *folder =
            mem_printf("%s/wf-%lld", shop->work, (long long)job->effect.workflow);
        bool is_removed = file_remove_tree(job->folder, &err);
        (void)is_removed;    /* the last few files; nothing depends on it */
        (void)rmdir(folder); /* unless the cleanup has left something on purpose */
    }
    if (job->is_orphan) {
        effect_result_free(result);
    } else {
        shop->on_result(shop->user, result);
    }
    drop(shop, job);
}

static void deliver_failure(struct job_shop *shop, struct job *job,
                            enum effect_status status, enum blame blame, const char *text)
{
    struct effect_result *result =
        effect_result_new(job->effect.workflow, job->effect.seq);
    result->status = status;
    result->blame = blame;
    result->started_at = result->finished_at = wall_now();
    result->summary = mem_str(text);
    deliver(shop, job, result);
}

/* It did not work this time: again after a pause, or, when it was tried often, no more.
 */
static void try_later(struct job_shop *shop, struct job *job, const char *text)
{
    if (++job->tries > TRIES) {
        deliver_failure(shop, job, STATUS_LOST, BLAME_WORLD, text);
        return;
    }
    job->look_at = in_ms(FIRST_PAUSE << (job->tries - 1));
    note_time(shop, job->look_at);
}

/* ---- watching -------------------------------------------------------------------------
 */

static bool watch(struct job_shop *shop, struct job *job, pid_t pid)
{
    job->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0U); /* close-on-exec by nature */
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = job};
    if (job->pid_fd < 0) {
        return false;
    }
    if (epoll_ctl(shop->epoll, EPOLL_CTL_ADD, job->pid_fd, &event) != 0) {
        (void)close(job->pid_fd); /* nothing was done with it */
        job->pid_fd = -1;
        return false;
    }
    if (wall_is_set(job->effect.deadline_at)) {
        int64_t left = wall_since(job->effect.deadline_at, wall_now()).ms;
        job->kill_at = in_ms((left > 0 ? left : 0) + DEADLINE_SLACK);
        note_time(shop, job->kill_at);
    }
    return true;
}

/* Closing alone is not enough: a child between fork and exec has a copy of the
 * descriptor, and epoll would go on to report a job that may be freed. */
static void unwatch(struct job_shop *shop, struct job *job)
{
    (void)epoll_ctl(shop->epoll, EPOLL_CTL_DEL, job->pid_fd, NULL);
    (void)close(job->pid_fd);
    job->pid_fd = -1;
}

static void signal_runner(const struct job *job, int number)
{
    if (job->pid_fd >= 0) {
        (void)syscall(SYS_pidfd_send_signal, job->pid_fd, number, NULL, 0U); /* or gone */
    }
}

static void ask_to_stop(struct job_shop *shop, struct job *job)
{
    AUTO_FREE char *path = file_join(job->folder, "stop");
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void)fd; /* without it, the signal alone has to do */
    job->is_stopping = true;
    signal_runner(job, SIGTERM);
    job->kill_at = in_ms(STOP_TIME);
    note_time(shop, job->kill_at);
}

/* ---- starting -------------------------------------------------------------------------
 */

/* Written into the folder, and what a runner of it may know of our environment into env.
 * An orphan is only cleaned up after, by the order that it had. */
static bool prepare(struct job_shop *shop, const struct job *job, struct env *env,
                    struct err *err)
{
    if (job->ready != NULL) {
        struct reader *reader = job_reader(shop, err);
        if (reader == NULL || !order_write(job->ready, reader, err)) {
            return false;
        }
        env_for_runner(env, job->ready);
        return true;
    }
    struct order *order = job->is_orphan ? order_read(job->folder, err)
                                         : job_order(shop, &job->effect, err);
    if (order == NULL) {
        return false;
    }
    env_for_runner(env, order);
    order_free(order);
    return true;
}

static void start(struct job_shop *shop, struct job *job)
{
    struct err err = ERR_INIT;
    struct env env = {0};
    pid_t pid;
    if (!prepare(shop, job, &env, &err)) {
        env_fini(&env);
        if (err.code == ERR_CONFIG) {
            deliver_failure(shop, job, STATUS_REFUSED, BLAME_SETUP, err.msg);
        } else {
            try_later(shop, job, err.msg);
        }
        return;
    }
    AUTO_FREE char *mark = live_mark(shop, job);
    AUTO_CLOSE int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void)fd; /* without it, only the sweep misses this one */
    bool is_started = job_spawn(shop, job->folder, env.entries, &pid, &err);
    env_fini(&env);
    if (!is_started) {
        try_later(shop, job, err.msg);
    } else if (!watch(shop, job, pid)) {
        try_later(shop, job,
                  "no descriptor to watch a runner"); /* it runs; adopted later */
    } else if (job->is_stopping) {
        job->kill_at = in_ms(STOP_TIME);
        note_time(shop, job->kill_at);
    }
}

/* ---- looking --------------------------------------------------------------------------
 */

static bool adopt(struct job_shop *shop, struct job *job, pid_t pid)
{
    if (!watch(shop, job, pid)) {
        return false;
    }
    if (!runner_is_same(job->folder, pid)) { /* it ended, and the number is another's */
        unwatch(shop, job);
        return false;
    }
    if (job->is_stopping || job->is_orphan) {
        ask_to_stop(shop, job);
    }
    return true;
}

/* Effects of one workflow share worktree and sandbox, so they follow each other: a
 * stopped agent has to be dead, a cleanup has to be over, before the next one begins.
 * Jobs of this engine are known; a runner that an earlier engine was told to stop shows
 * by its lock. */
static bool is_place_taken(struct job_shop *shop, const struct job *job)
{
    int64_t workflow = job->effect.workflow, seq = job->effect.seq;
    for (const struct job *other = *bucket_of(shop, workflow); other != NULL;
         other = other->next) {
        if (other->effect.workflow == workflow && other->effect.seq < seq) {
            return true;
        }
    }
    /* Of checks side by side only the last number has a folder. */
    int n_left = EARLIER_RUNNERS;
    int64_t first = seq > EARLIER_NUMBERS ? seq - EARLIER_NUMBERS : 1;
    for (int64_t before = seq - 1; before >= first && n_left > 0; before--) {
        AUTO_FREE char *folder = order_folder(shop->work, workflow, before);
        pid_t pid;
        if (runner_look(folder, &pid) == RUNNER_LIVES) {
            return true;
        }
        n_left -= file_exists(folder) ? 1 : 0;
    }
    return false;
}

static void look(struct job_shop *shop, struct job *job)
{
    struct err err = ERR_INIT;
    struct effect_result *result = NULL;
    pid_t pid;
    job->look_at = job->kill_at = (struct mono){0};
    enum found found = order_read_answer(job->folder, job->effect.workflow,
                                         job->effect.seq, &result, &err);
    if (found == FOUND) {
        deliver(shop, job, result);
        return;
    }
    if (found == FOUND_FAILED) {
        try_later(shop, job, err.msg);
        return;
    }
    if (runner_look(job->folder, &pid) == RUNNER_LIVES) {
        if (!adopt(shop, job, pid)) {
            try_later(shop, job, "its runner cannot be watched");
        }
        return;
    }
    AUTO_FREE char *begun = file_join(job->folder, "start");
    if (job->is_orphan && (job->tries > 1 || !file_exists(begun))) {
        deliver_failure(shop, job, STATUS_LOST, BLAME_WORLD, "nobody waits for it");
        return;
    }
    job->is_held = shop->is_halted && !job->is_orphan;
    if (job->is_held) {
        return;
    }
    job->is_blocked = !job->is_orphan && is_place_taken(shop, job);
    if (job->is_blocked) {
        job->look_at = in_ms(BLOCKED_PAUSE);
        note_time(shop, job->look_at);
        return;
    }
    if (job->is_orphan) {
        ask_to_stop(shop, job); /* the runner only kills what a dead one left */
    }
    start(shop, job);
}

void job_begin(struct job_shop *shop, struct job *job)
{
    if (find(shop, job->effect.workflow, job->effect.seq) != NULL) {
        job_free(job); /* asked for twice; the first is under way */
        return;
    }
    struct job **bucket = bucket_of(shop, job->effect.workflow);
    job->folder = order_folder(shop->work, job->effect.workflow, job->effect.seq);
    job->next = *bucket;
    *bucket = job;
    shop->n_jobs++;
    look(shop, job);
}

void job_begin_order(struct job_shop *shop, const struct order *order)
{
    const struct effect_row effect = {
        .workflow = order->workflow,
        .seq = order->seq,
        .kind = order->kind,
        .name = order->name,
        .params = "{}",
        .deadline_at = order->deadline_at,
    };
    struct job *job = job_new(&effect);
    job->ready = order;
    job_begin(shop, job);
}

static void begin_orphan(struct job_shop *shop, int64_t workflow, int64_t seq)
{
    const struct effect_row effect = {
        .workflow = workflow, .seq = seq, .name = "", .params = "{}"};
    struct job *job = job_new(&effect);
    job->is_orphan = true;
    job_begin(shop, job);
}

void job_stop(struct job_shop *shop, int64_t workflow, int64_t seq)
{
    struct job *job = find(shop, workflow, seq);
    if (job != NULL) {
        ask_to_stop(shop, job);
    } else if (shop->is_halted) { /* not given to this engine before the release */
        AUTO_FREE char *mark = mem_printf("%s/live/wf-%lld.%lld", shop->work,
                                          (long long)workflow, (long long)seq);
        if (file_exists(mark)) {
            begin_orphan(shop, workflow, seq);
        }
    }
}

static void go_on(struct job_shop *shop, struct job *job, int64_t ns)
{
    if (wall_is_set(job->effect.deadline_at)) {
        job->effect.deadline_at.ms += ns / 1000000;
    }
    if (job->kill_at.ns > 0 && !job->is_stopping) {
        job->kill_at.ns += ns;
    }
    if (job->is_held) {
        job->is_held = false;
        job->look_at = mono_now();
    }
    note_time(shop, job->kill_at);
    note_time(shop, job->look_at);
}

void job_halt(struct job_shop *shop, bool is_halted)
{
    struct mono now = mono_now();
    if (is_halted && !shop->is_halted) {
        shop->halted_at = now;
    }
    bool is_over = shop->is_halted && !is_halted;
    shop->is_halted = is_halted;
    for (size_t i = 0; i < JOB_BUCKETS; i++) {
        for (struct job *job = shop->buckets[i]; job != NULL; job = job->next) {
            signal_runner(job, HOLD_SIGNAL);
            if (is_over) {
                go_on(shop, job, now.ns - shop->halted_at.ns);
            }
        }
    }
}

void job_ended(struct job_shop *shop, struct job *job)
{
    siginfo_t info;
    (void)waitid(P_PIDFD, (id_t)job->pid_fd, &info,
                 WEXITED | WNOHANG); /* ECHILD: an adopted one is not ours to reap */
    unwatch(shop, job);
    job->look_at = job->kill_at = (struct mono){0};
    AUTO_FREE char *path = file_join(job->folder, "result.json");
    pid_t pid;
    if (file_exists(path) || runner_look(job->folder, &pid) == RUNNER_LIVES) {
        look(shop, job);
    } else {
        try_later(shop, job, "its runner ended without a result");
    }
}

/* ---- time -----------------------------------------------------------------------------
 */

static bool is_due(struct mono at, struct mono now)
{
    return at.ns > 0 && at.ns <= now.ns;
}

void job_run_timers(struct job_shop *shop, struct mono now)
{
    shop->next = (struct mono){0};
    for (size_t i = 0; i < JOB_BUCKETS; i++) {
        for (struct job *job = shop->buckets[i], *next; job != NULL; job = next) {
            next = job->next;
            bool stands = shop->is_halted && !job->is_stopping;
            if (!stands && is_due(job->kill_at, now)) {
                signal_runner(job, SIGKILL); /* its end is an event of its own */
                job->kill_at = (struct mono){0};
            }
            if (!stands) {
                note_time(shop, job->kill_at);
            }
            if (is_due(job->look_at, now)) {
                look(shop, job);
            } else {
                note_time(shop, job->look_at);
            }
        }
    }
}

void job_sweep(struct job_shop *shop,
               bool (*is_wanted)(const void *user, int64_t workflow, int64_t seq),
               const void *user)
{
    AUTO_FREE char *folder = file_join(shop->work, "live");
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char *end;
        if (strncmp(entry->d_name, "wf-", 3) != 0) {
            continue;
        }
        long long workflow = strtoll(entry->d_name + 3, &end, 10);
        long long seq = *end == '.' ? strtoll(end + 1, &end, 10) : 0;
        if (*end != '\0' || find(shop, workflow, seq) != NULL ||
            (is_wanted != NULL && is_wanted(user, workflow, seq))) {
            continue;
        }
        begin_orphan(shop, workflow, seq);
    }
    if (dir != NULL) {
        (void)closedir(dir); /* only read */
    }
}
