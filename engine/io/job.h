/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_JOB_H
#define SIGNALBOX_IO_JOB_H

/*
 * Job: one effect in the hands of the io thread, from perform to result.
 *
 * A job looks at its folder and does the next thing: a result is there: deliver; a runner
 * lives: watch it; else start one. It looks again whenever the runner ended. So adopting
 * after a crash and starting afresh are the same path.
 *
 * io thread only, but for job_new and job_free.
 */

#include <sys/types.h>

#include "engine/base/clock.h"
#include "engine/io/io.h"
#include "engine/service/order.h"

#define JOB_BUCKETS   1024
#define JOB_PIPELINES 16

struct job;

struct job_shop {
    char *store, *work, *logs;
    char *program;  /* of runners */
    int program_fd; /* keeps it, -1 = nothing to keep */
    int64_t log_max;
    const struct scale_spec *scales; /* of the configuration */
    size_t n_scales;
    void (*on_result)(void *user, struct effect_result *result);
    void *user;
    int epoll;
    struct reader *reader; /* opened when first needed */
    struct job *buckets[JOB_BUCKETS];
    size_t n_jobs;
    struct mono next; /* earliest time of any job; 0 = none */
    bool is_halted;   /* nothing is started; runners are adopted, and watched */
    struct mono halted_at;
    struct {
        int64_t id;
        struct pipeline *pipeline;
    } pipelines[JOB_PIPELINES]; /* parsed lately */
    size_t n_pipelines;
};

NODISCARD bool job_shop_init(struct job_shop *shop, const struct io_options *options,
                             int epoll, struct err *err);
void job_shop_fini(struct job_shop *shop);

NODISCARD struct job *job_new(const struct effect_row *effect); /* copies */
void job_free(struct job *job);                                 /* accepts NULL */
const struct effect_row *job_effect(const struct job *job);

void job_begin(struct job_shop *shop, struct job *job); /* takes the job */
/* By an order that somebody else made, who keeps it until the result came. */
void job_begin_order(struct job_shop *shop, const struct order *order);
void job_stop(struct job_shop *shop, int64_t workflow, int64_t seq);
/* Stop runners of effects that are neither here nor, says is_wanted (may be NULL), known to
 * whom it asks. */
void job_sweep(struct job_shop *shop,
               bool (*is_wanted)(const void *user, int64_t workflow, int64_t seq),
               const void *user);
/* Everything is halted, or goes on (engine/io/hold.h): tell the runners. While it stands no
 * time runs here but that of jobs that were told to stop. */
void job_halt(struct job_shop *shop, bool is_halted);
/* Its runner has ended. */
void job_ended(struct job_shop *shop, struct job *job);
void job_run_timers(struct job_shop *shop, struct mono now);
struct mono job_next_time(const struct job_shop *shop);

/* ---- job_order.c: of the store; NULL with err ---- */
NODISCARD struct reader *job_reader(struct job_shop *shop, struct err *err);
/* Borrowed until the next call. ERR_CONFIG when it does not parse. */
NODISCARD const struct pipeline *job_pipeline(struct job_shop *shop, int64_t id,
                                              struct err *err);
/* Made and written into the effect's folder. */
NODISCARD struct order *job_order(struct job_shop *shop, const struct effect_row *effect,
                                  struct err *err);

/* ---- job_start.c ---- */
void job_program_init(struct job_shop *shop, const char *self_exe);
void job_program_fini(struct job_shop *shop);
NODISCARD bool job_spawn(const struct job_shop *shop, const char *folder,
                         char *const *env, pid_t *ret_pid, struct err *err);

#endif
