/* SPDX-License-Identifier: MIT */

/* The engine of a drill, its crashes, and the course of time. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/drill/world.h"

#define MINUTE     60000
#define QUANTUM    2000 /* what happens in so many ms is one batch of the engine */
#define ROUNDS_MAX 20000000
#define LONGEST    (INT64_C(400) * 86400000)

struct rng drill_luck(const struct drill_world *world, int64_t a, int64_t b, int64_t c)
{
    struct rng rng;
    rng_init(&rng, world->options->seed * UINT64_C(0x9e3779b97f4a7c15) ^
                       (uint64_t)a * UINT64_C(0xbf58476d1ce4e5b9) ^
                       (uint64_t)b * UINT64_C(0x94d049bb133111eb) ^
                       (uint64_t)c * UINT64_C(0xd6e8feb86659fd93));
    (void)rng_next(&rng);
    return rng;
}

void drill_complain(struct drill_world *world, const char *format, ...)
{
    va_list args;
    if (world->report->failure[0] != '\0') {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(world->report->failure, sizeof(world->report->failure), format, args);
    va_end(args);
}

struct drill_flow *drill_flow_of(struct drill_world *world, int64_t workflow)
{
    return &world->flows[workflow - 1];
}

/* ---- the engine ----------------------------------------------------------------------- */

static const struct workflow *workflow_of(struct drill_world *world, int64_t id)
{
    size_t iter = 0;
    const struct workflow *live = NULL;
    while ((live = control_next_live(world->control, &iter)) != NULL) {
        if (live->row.id == id) {
            return live;
        }
    }
    return NULL;
}

static const struct command_spec *command_of(const struct pipeline *pipeline,
                                             const struct effect_row *effect)
{
    size_t step = (size_t)effect->step;
    if (effect->kind == EFFECT_CHECK && step < pipeline->n_checks) {
        return &pipeline->checks[step];
    }
    if (effect->kind == EFFECT_SETUP && step < pipeline->n_setup) {
        return &pipeline->setup[step];
    }
    return NULL;
}

static struct drill_job *job_of(struct drill_world *world,
                                const struct effect_row *effect,
                                const struct pipeline *pipeline)
{
    int64_t key = drill_key(effect->workflow, effect->seq);
    struct drill_job *job = idmap_get(&world->jobs, key);
    if (job == NULL) {
        const struct command_spec *command = command_of(pipeline, effect);
        job = mem_alloc(sizeof(*job));
        job->workflow = effect->workflow;
        job->seq = effect->seq;
        job->kind = effect->kind;
        job->step = effect->step;
        job->deadline_at = effect->deadline_at;
        job->stall = pipeline->stall;
        job->timeout = command != NULL ? command->timeout : (struct span){0};
        (void)snprintf(job->name, sizeof(job->name), "%s", effect->name);
        idmap_put(&world->jobs, key, job);
    }
    return job;
}

static struct desk_task *task_of(struct drill_world *world, const struct workflow *live,
                                 const struct effect_row *effect, struct err *err)
{
    const struct drill_flow *flow = drill_flow_of(world, effect->workflow);
    const struct config *config = world->profile->config;
    const struct route route = {
        .reader = world->reader,
        .pipeline = live->pipeline,
        .workflow = &live->row,
        .effect = effect,
        .services = config->services,
        .n_services = config->n_services,
        .paths = {.work = world->options->folder, .logs = world->options->folder}
    };
    struct desk_task *task = mem_alloc(sizeof(*task));
    task->memo = mem_str("");
    task->keep = mem_str("");
    task->memo_provider = mem_str("");
    if (!route_chain(&route, flow->history, flow->n_history, &task->chain, &task->n_chain,
                     &task->then_local, err)) {
        desk_task_free(task);
        return NULL;
    }
    task->order = order_build(live->pipeline, &live->row, effect, &route.paths, err);
    if (task->order == NULL || !route_detour(&route, task, err)) {
        desk_task_free(task);
        return NULL;
    }
    return task;
}

static void on_perform(void *self, const struct effect_row *effect)
{
    struct drill_world *world = self;
    struct err err = ERR_INIT;
    const struct workflow *live = workflow_of(world, effect->workflow);
    if (live == NULL) {
        drill_complain(world, "an effect of nobody");
        return;
    }
    struct desk_task *task = task_of(world, live, effect, &err);
    if (task == NULL) {
        drill_complain(world, "route: %s", err.msg);
        return;
    }
    const struct drill_job *job = job_of(world, effect, live->pipeline);
    const char *owner = job->runner != NULL ? job->runner : job->memo_provider;
    if (owner != NULL) {
        free(task->memo_provider);
        task->memo_provider = mem_str(owner);
        free(task->memo);
        task->memo = mem_str(job->memo != NULL ? job->memo : "");
        task->is_adopted = job->runner != NULL;
    }
    desk_perform(world->desk, task, world->now);
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    struct drill_world *world = self;
    desk_stop(world->desk, workflow, seq, world->now);
}

static void on_service(void *user, const struct service_row *row)
{
    struct drill_world *world = user;
    desk_restore(world->desk, row, world->now);
}

static void on_order(void *self, struct service_order *order)
{
    struct drill_world *world = self;
    desk_order(world->desk, order, world->now);
    service_order_free(order);
}

/* As engine.c does. */
static struct control_recovery recovery_options(const struct config *config)
{
    struct control_recovery recovery = {.is_on =
                                            config->recovery.mode != RECOVERY_MODE_OFF,
                                        .ladder = ladder_defaults(),
                                        .decide = decide_defaults()};
    recovery.ladder.attempts = config->recovery.attempts;
    recovery.ladder.storm = config->recovery.storm;
    recovery.decide.is_learning_off = config->recovery.mode == RECOVERY_MODE_RULES;
    return recovery;
}

static bool open_engine(struct drill_world *world)
{
    struct err err = ERR_INIT;
    const struct config *config = world->profile->config;
    uint64_t seed = world->options->seed + (uint64_t)world->report->n_crashes * 7919u;
    const struct desk_options desk = {.services = config->services,
                                      .n_services = config->n_services,
                                      .seed = seed,
                                      .report_every = {30000},
                                      .find_op = drill_op};
    const struct control_options control = {
        .max_running = config->max_running,
        .limits = {config->backoff, config->backoff_max},
        .revert_per_hour = config->recovery.revert_per_hour,
        .revert_per_day = config->recovery.revert_per_day,
        .seed = seed,
        .services = config->services,
        .n_services = config->n_services,
        .outlet = {.self = world,   .order = on_order  },
        .environment = config->environment,
        .is_admission_off = !config->recovery.is_admission,
        .recovery = recovery_options(config)
    };
    world->store = store_open(world->path, STORE_OFF, &err);
    if (world->store == NULL) {
        drill_complain(world, "open: %s", err.msg);
        return false;
    }
    world->reader = reader_open(world->path, &err);
    world->line = world->reader != NULL ? command_line_open(world->path, &err) : NULL;
    if (world->line == NULL) {
        drill_complain(world, "reader: %s", err.msg);
        return false;
    }
    world->desk = desk_new(&desk, world->now);
    world->control = control_new(&control, world->store);
    if (!store_load_services(world->store, on_service, world, &err) ||
        !control_load(world->control, world->now, &err)) {
        drill_complain(world, "load: %s", err.msg);
        return false;
    }
    return true;
}

static void close_engine(struct drill_world *world)
{
    desk_free(world->desk);
    control_free(world->control);
    command_line_close(world->line);
    reader_close(world->reader);
    store_close(world->store);
    world->desk = NULL;
    world->control = NULL;
    world->reader = NULL;
    world->line = NULL;
    world->store = NULL;
}

/* ---- work comes ----------------------------------------------------------------------- */

static double draw(struct rng *rng, struct span mean)
{
    return -(double)mean.ms * log(1 - rng_unit(rng));
}

static int pick_pipeline(struct drill_world *world)
{
    const struct drill_profile *profile = world->profile;
    double sum = 0;
    for (size_t i = 0; i < profile->n_pipelines; i++) {
        sum += profile->pipelines[i].share;
    }
    double at = rng_unit(&world->arrivals) * sum;
    for (size_t i = 0; i + 1 < profile->n_pipelines; i++) {
        at -= profile->pipelines[i].share;
        if (at < 0) {
            return (int)i;
        }
    }
    return (int)profile->n_pipelines - 1;
}

static void submit(struct drill_world *world)
{
    int which = pick_pipeline(world);
    const struct drill_pipeline *row = &world->profile->pipelines[which];
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, 2 * YAML_TEXT_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", row->pipeline->name);
    jsonw_str(&w, "text", row->source);
    if (row->pipeline->repository[0] == '\0' && !pipeline_is_remote(row->pipeline)) {
        jsonw_str(&w, "repo", "/srv/drill");
    }
    jsonw_str(&w, "task", "Make it better");
    jsonw_close(&w, '}');
    struct drill_flow *flow = &world->flows[world->n_flows++];
    flow->id = world->n_flows;
    flow->pipeline = which;
    world->active[world->n_active++] = flow->id;
    drill_send(world, "submit", 0, buf.data);
}

static void arrive(struct drill_world *world)
{
    while (world->n_flows < world->options->n_workflows &&
           world->next_arrival.ms <= world->now.ms) {
        submit(world);
        world->next_arrival.ms +=
            1 + (int64_t)draw(&world->arrivals, world->profile->arrivals);
    }
}

/* ---- time ----------------------------------------------------------------------------- */

static void turn(struct drill_world *world)
{
    struct err err = ERR_INIT;
    const struct executor executor = {world, on_perform, on_stop};
    drill_deliver(world);
    desk_tick(world->desk, world->now);
    drill_drain(world);
    if (world->has_commands) {
        world->has_commands = false;
        if (control_commands(world->control, 1000, world->now, &err) < 0) {
            drill_complain(world, "commands: %s", err.msg);
        }
    }
    control_tick(world->control, world->now);
    store_set_now(world->store, world->now);
    if (!control_commit(world->control, &executor, &err)) {
        drill_complain(world, "commit: %s", err.msg);
    }
    drill_drain(world);
}

static void crash(struct drill_world *world)
{
    world->report->n_crashes++;
    close_engine(world);
    drill_forget_calls(world);
    world->now = wall_add(world->now, world->profile->restart);
    world->away_ms += world->profile->restart.ms;
    world->next_crash.ms =
        world->now.ms + 1 + (int64_t)draw(&world->crashes, world->profile->crash_every);
    world->has_commands = true;
    (void)open_engine(world); /* told */
}

static void sooner(struct wall *at, struct wall other)
{
    if (wall_is_set(other) && (!wall_is_set(*at) || other.ms < at->ms)) {
        *at = other;
    }
}

static void advance(struct drill_world *world)
{
    const struct heap_node *first = heap_first(&world->due);
    struct wall at = world->next_minute;
    sooner(&at, (struct wall){first != NULL ? first->key : 0});
    sooner(&at, control_wake_at(world->control));
    sooner(&at, desk_wake_at(world->desk));
    if (world->n_flows < world->options->n_workflows) {
        sooner(&at, world->next_arrival);
    }
    int64_t next = world->now.ms + QUANTUM;
    world->now.ms = at.ms > next ? at.ms : next;
}

static void live_through(struct drill_world *world)
{
    for (int64_t round = 0; world->report->failure[0] == '\0'; round++) {
        arrive(world);
        turn(world);
        if (world->now.ms >= world->next_minute.ms) {
            drill_look(world);
            world->next_minute.ms = world->now.ms - world->now.ms % MINUTE + MINUTE;
        }
        if (world->n_flows == world->options->n_workflows && world->n_active == 0) {
            return;
        }
        if (wall_is_set(world->next_crash) && world->now.ms >= world->next_crash.ms) {
            crash(world);
            if (world->control == NULL) {
                return;
            }
        }
        advance(world);
        if (round > ROUNDS_MAX || world->now.ms - DRILL_START.ms > LONGEST) {
            drill_complain(world, "no end: %zu workflows are not done", world->n_active);
        }
    }
}

static void world_init(struct drill_world *world)
{
    const struct drill_options *options = world->options;
    const struct drill_profile *profile = options->profile;
    world->profile = profile;
    world->now = DRILL_START;
    double length = (double)profile->arrivals.ms * options->n_workflows;
    world->end_at.ms = DRILL_START.ms + (int64_t)length;
    world->drift_at.ms = profile->drift < 1
                             ? DRILL_START.ms + (int64_t)(length * profile->drift)
                             : INT64_MAX;
    world->flows = mem_array((size_t)options->n_workflows, sizeof(*world->flows));
    world->active = mem_array((size_t)options->n_workflows, sizeof(*world->active));
    world->arrivals = drill_luck(world, 31, 0, 0);
    world->crashes = drill_luck(world, 32, 0, 0);
    world->next_arrival = DRILL_START;
    world->next_minute.ms = DRILL_START.ms + MINUTE;
    if (profile->crash_every.ms > 0) {
        world->next_crash.ms =
            DRILL_START.ms + 1 + (int64_t)draw(&world->crashes, profile->crash_every);
    }
    drill_faults_init(world);
}

void drill_run(const struct drill_options *options, struct drill_report *ret_report)
{
    struct err err = ERR_INIT;
    struct drill_world world = {.options = options, .report = ret_report};
    *ret_report = (struct drill_report){.n_workflows = options->n_workflows};
    if (!file_remove_tree(options->folder, &err) ||
        !file_make_dirs(options->folder, &err)) {
        drill_complain(&world, "%s", err.msg);
        return;
    }
    world_init(&world);
    world.path = file_join(options->folder, "drill.db");
    if (open_engine(&world)) {
        live_through(&world);
    }
    if (world.control != NULL) {
        drill_score(&world);
    }
    close_engine(&world);
    drill_world_fini(&world);
    if (!options->is_kept) {
        (void)file_remove_tree(options->folder, &err); /* the next run removes it, too */
    }
}
