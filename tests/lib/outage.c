/* SPDX-License-Identifier: MIT */
#include "tests/lib/outage_private.h"

#include <inttypes.h>

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/route.h"

#define BEGIN      ((struct wall){1767225600000}) /* 2026-01-01T00:00:00Z */
#define ROUNDS_MAX 3000000

static const char config_text[] =
    "services:\n"
    "  - {name: codegen_api, kind: codegen, organization: 1, token: {env: A}}\n"
    "  - {name: github_api, kind: github, token: {env: B}}\n"
    "  - {name: grainchain, kind: grainchain, command: [bridge]}\n"
    "  - {name: web_eval_agent, kind: web_eval, command: [webEvalAgent]}\n"
    "  - {name: codegen_eu, kind: codegen, organization: 1, token: {env: A}}\n";

static const char plain[] =
    "name: outage\nbase: main\nagent: {provider: codegen_api}\n"
    "forge: {provider: github_api, repository: acme/pay}\n"
    "sandbox: {provider: grainchain}\nvalidate:\n  - {name: unit, command: unit}\n"
    "evaluator: {provider: web_eval_agent, url: \"http://localhost:3000\", task: look}\n"
    "merge: {mode: auto}\n";
static const char backed[] =
    "name: outage\nbase: main\n"
    "agent: {provider: codegen_api, backups: [codegen_eu, local], command: agent}\n"
    "forge: {provider: github_api, repository: acme/pay}\n"
    "sandbox: {provider: grainchain, backups: [local]}\n"
    "validate:\n  - {name: unit, command: unit}\n"
    "evaluator: {provider: web_eval_agent, backups: [local], command: judge,\n"
    "            url: \"http://localhost:3000\", task: look}\n"
    "merge: {mode: auto}\n";

/* ---- the engine ------------------------------------------------------------------------
 */

static const struct workflow *workflow_of(struct world *world, int64_t id)
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

static void on_perform(void *self, const struct effect_row *effect)
{
    struct world *world = self;
    struct err err = ERR_INIT;
    const struct workflow *live = workflow_of(world, effect->workflow);
    if (live == NULL) {
        outage_complain(world, "an effect of nobody");
        return;
    }
    const struct route route = {
        .reader = world->reader,
        .pipeline = live->pipeline,
        .workflow = &live->row,
        .effect = effect,
        .services = world->config->services,
        .n_services = world->config->n_services,
        .paths = {.work = world->options->folder, .logs = world->options->folder}
    };
    struct desk_task *task = route_task(&route, &err);
    if (task == NULL) {
        outage_complain(world, "route: %s", err.msg);
        return;
    }
    int64_t key = outage_key(effect->workflow, effect->seq);
    const struct memo *memo = idmap_get(&world->memos, key);
    const struct due *runner = idmap_get(&world->runners, key);
    const char *owner = runner != NULL ? runner->provider
                        : memo != NULL ? memo->provider
                                       : NULL;
    if (owner != NULL) {
        free(task->memo_provider);
        task->memo_provider = mem_str(owner);
        free(task->memo);
        task->memo = mem_str(memo != NULL ? memo->text : "");
        task->is_adopted = runner != NULL;
    }
    desk_perform(world->desk, task, world->now);
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    struct world *world = self;
    desk_stop(world->desk, workflow, seq, world->now);
}

static void on_service(void *user, const struct service_row *row)
{
    struct world *world = user;
    desk_restore(world->desk, row, world->now);
}

static bool open_engine(struct world *world)
{
    struct err err = ERR_INIT;
    const struct desk_options desk = {.services = world->config->services,
                                      .n_services = world->config->n_services,
                                      .seed = rng_next(&world->rng),
                                      .report_every = {1000},
                                      .find_op = model_op};
    const struct control_options control = {
        .max_running = world->options->max_running,
        .limits = {span_s(5), span_s(300)},
        .seed = rng_next(&world->rng),
        .services = world->config->services,
        .n_services = world->config->n_services
    };
    world->store = store_open(world->path, STORE_OFF, &err);
    if (world->store == NULL) {
        outage_complain(world, "open: %s", err.msg);
        return false;
    }
    world->reader = reader_open(world->path, &err);
    if (world->reader == NULL) {
        outage_complain(world, "reader: %s", err.msg);
        return false;
    }
    world->desk = desk_new(&desk, world->now);
    world->control = control_new(&control, world->store);
    if (!store_load_services(world->store, on_service, world, &err) ||
        !control_load(world->control, world->now, &err)) {
        outage_complain(world, "load: %s", err.msg);
        return false;
    }
    return true;
}

static void close_engine(struct world *world)
{
    desk_free(world->desk);
    control_free(world->control);
    reader_close(world->reader);
    store_close(world->store);
    world->desk = NULL;
    world->control = NULL;
    world->reader = NULL;
    world->store = NULL;
}

/* Answers to the dead engine go nowhere; runners live on. */
static bool crash(struct world *world)
{
    world->report->n_crashes++;
    close_engine(world);
    for (size_t i = 0; i < world->due.n;) {
        struct due *due = HEAP_ITEM(world->due.nodes[i], struct due, node);
        if (due->result == NULL) {
            heap_remove(&world->due, &due->node);
            outage_due_free(due);
            i = 0;
        } else {
            i++;
        }
    }
    return open_engine(world);
}

/* ---- people ----------------------------------------------------------------------------
 */

static void send(struct world *world, const char *verb, int64_t workflow,
                 const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = world->now,
                              .actor = "ops",
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    if (command_send(world->path, &row, &err) < 0) {
        outage_complain(world, "command: %s", err.msg);
    }
}

static void submit(struct world *world)
{
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, 8192);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", "outage");
    jsonw_str(&w, "text", world->options->has_backups ? backed : plain);
    jsonw_str(&w, "task", "Make it better");
    jsonw_close(&w, '}');
    for (int i = 0; i < world->options->n_workflows; i++) {
        send(world, "submit", 0, buf.data);
    }
}

static void approve(struct world *world, int64_t workflow)
{
    char digest[DIGEST_HEX] = "", args[128];
    (void)control_digest(world->control, workflow, digest);
    (void)snprintf(args, sizeof(args), "{\"digest\":\"%s\"}", digest);
    send(world, "approve", workflow, args);
}

/* Approves what was not evaluated, and looks around. */
static void look(struct world *world)
{
    size_t iter = 0;
    const struct workflow *live = NULL;
    int64_t n_parked = 0;
    while ((live = control_next_live(world->control, &iter)) != NULL) {
        n_parked += live->row.wait == WAIT_SERVICE;
        if (live->row.wait == WAIT_MERGE) {
            world->report->n_degraded++;
            approve(world, live->row.id);
        } else if (live->row.wait == WAIT_OPERATOR) {
            outage_complain(world, "wf-%" PRId64 " waits for a person: %s", live->row.id,
                            live->row.reason);
        }
    }
    if (n_parked > world->report->n_parked_peak) {
        world->report->n_parked_peak = n_parked;
    }
}

/* ---- the run ---------------------------------------------------------------------------
 */

static void turn(struct world *world)
{
    struct err err = ERR_INIT;
    const struct executor executor = {world, on_perform, on_stop};
    outage_deliver(world);
    desk_tick(world->desk, world->now);
    outage_drain(world);
    if (control_commands(world->control, 1000, world->now, &err) < 0) {
        outage_complain(world, "commands: %s", err.msg);
    }
    control_tick(world->control, world->now);
    if (!control_commit(world->control, &executor, &err)) {
        outage_complain(world, "commit: %s", err.msg);
    }
    outage_drain(world);
}

static void sooner(struct wall *at, struct wall other)
{
    if (wall_is_set(other) && (!wall_is_set(*at) || other.ms < at->ms)) {
        *at = other;
    }
}

static void advance(struct world *world)
{
    const struct heap_node *first = heap_first(&world->due);
    struct wall at = {first != NULL ? first->key : 0};
    sooner(&at, control_wake_at(world->control));
    sooner(&at, desk_wake_at(world->desk));
    if (!wall_is_set(at)) {
        outage_complain(world, "nothing will ever happen again");
    }
    /* A turn at the same moment may be due; time never stands still for long. */
    world->now.ms = at.ms > world->now.ms ? at.ms : world->now.ms + 1;
}

static void count_final(struct world *world)
{
    struct err err = ERR_INIT;
    struct totals totals;
    int64_t last = 0;
    if (!store_load_counters(world->store, &last, &totals, &err)) {
        outage_complain(world, "counters: %s", err.msg);
        return;
    }
    world->report->n_completed = totals.by_state[STATE_COMPLETED];
    world->report->n_failed = totals.by_state[STATE_FAILED];
}

static void live_through(struct world *world)
{
    const struct outage_options *options = world->options;
    submit(world);
    for (int round = 0; world->report->failure[0] == '\0'; round++) {
        turn(world);
        if (round % 16 == 0) {
            look(world);
        }
        struct control_stats stats;
        control_stats(world->control, &stats);
        if (round > 0 && stats.n_live == 0) {
            count_final(world);
            return;
        }
        if (options->crash_every.ms > 0 && world->now.ms >= world->crash_at.ms) {
            world->crash_at = wall_add(world->now, options->crash_every);
            if (!crash(world)) {
                return;
            }
        }
        advance(world);
        if (round > ROUNDS_MAX) {
            outage_complain(world, "no end: %" PRId64 " of %d live", stats.n_live,
                            options->n_workflows);
        }
    }
}

static void count_retries(struct world *world)
{
    struct err err = ERR_INIT;
    const struct event_row *rows = NULL;
    struct arena *arena = arena_new();
    int64_t after = 0;
    size_t n = 1;
    while (n > 0 && world->reader != NULL) {
        n = 0;
        arena_reset(arena);
        if (!reader_events(world->reader, arena, 0, after, 1000, &rows, &n, &err)) {
            outage_complain(world, "events: %s", err.msg);
        }
        for (size_t i = 0; i < n; i++) {
            after = rows[i].seq;
            world->report->n_retries += rows[i].to == STATE_RECOVERING;
        }
    }
    arena_free(arena);
}

static void world_init(struct world *world)
{
    static const char *const names[N_MODELS] = {"codegen_api", "github_api", "grainchain",
                                                "web_eval_agent", "codegen_eu"};
    const struct outage_options *options = world->options;
    struct findings findings;
    findings_init(&findings);
    world->config =
        config_parse("outage.yaml", config_text, strlen(config_text), &findings);
    for (size_t i = 0; i < findings.n; i++) {
        outage_complain(world, "config: %s", findings.rows[i].text);
    }
    findings_fini(&findings);
    rng_init(&world->rng, options->seed);
    world->now = BEGIN;
    world->crash_at = wall_add(BEGIN, options->crash_every);
    world->up_at = wall_add(wall_add(BEGIN, options->begin), options->length);
    for (int i = 0; i < N_MODELS; i++) {
        struct model_service *model = &world->models[i];
        *model = (struct model_service){.name = names[i],
                                        .latency = {120},
                                        .work = {i == OUTAGE_CODEGEN ? 180000 : 15000},
                                        .fault = options->fault};
        if (i == (int)options->down) {
            model->down_from = wall_add(BEGIN, options->begin);
            model->down_until = world->up_at;
        }
    }
}

static void world_fini(struct world *world)
{
    struct heap_node *first = NULL;
    size_t iter = 0;
    struct memo *memo = NULL;
    while ((first = heap_first(&world->due)) != NULL) {
        heap_remove(&world->due, first);
        outage_due_free(HEAP_ITEM(first, struct due, node));
    }
    while ((memo = idmap_next(&world->memos, &iter)) != NULL) {
        free(memo->text);
        free(memo->provider);
        free(memo);
    }
    for (int i = 0; i < N_MODELS; i++) {
        model_fini(&world->models[i]);
    }
    heap_fini(&world->due);
    idmap_fini(&world->memos);
    idmap_fini(&world->runners);
    config_free(world->config);
    free(world->path);
}

void outage_run(const struct outage_options *options, struct outage_report *ret_report)
{
    struct err err = ERR_INIT;
    struct world world = {.options = options, .report = ret_report};
    *ret_report = (struct outage_report){0};
    if (!file_remove_tree(options->folder, &err) ||
        !file_make_dirs(options->folder, &err)) {
        outage_complain(&world, "%s", err.msg);
        return;
    }
    world_init(&world);
    world.path = file_join(options->folder, "outage.db");
    if (ret_report->failure[0] == '\0' && open_engine(&world)) {
        live_through(&world);
        count_retries(&world);
    }
    if (options->down != OUTAGE_NONE) {
        const struct model_service *model = &world.models[options->down];
        ret_report->n_down = model->n_down;
        ret_report->n_down_probes = model->n_down_probes;
    }
    for (int i = 0; i < N_MODELS; i++) {
        ret_report->n_twice += world.models[i].n_twice;
    }
    ret_report->took = wall_since(world.now, BEGIN);
    close_engine(&world);
    world_fini(&world);
    (void)file_remove_tree(options->folder, &err); /* the next run removes it, too */
}
