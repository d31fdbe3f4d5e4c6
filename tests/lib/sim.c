/* SPDX-License-Identifier: MIT */
#include "tests/lib/sim.h"

#include <inttypes.h>
#include <stdarg.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "store/audit.h"
#include "tests/lib/sim_world.h"

#define SIM_START   ((struct wall){1767225600000}) /* 2026-01-01T00:00:00Z */
#define SIM_ROUNDS  4000000
#define SIM_DELIVER 64 /* outcomes in one batch */

#define SIM_REVERTS 8 /* that the engine may do by itself in an hour */

struct sim {
    const struct sim_options *options;
    struct sim_report *report;
    struct rng rng;
    struct sim_world world;
    char *path;
    struct store *store;
    struct control *control;
    int n_submitted;
    int64_t n_final;
    int64_t reverts[SIM_REVERTS]; /* times of the newest */
    size_t n_reverts;
};

static void complain(struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);
static void complain(struct sim *sim, const char *format, ...)
{
    va_list args;
    if (sim->report->failure[0] != '\0') {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(sim->report->failure, sizeof(sim->report->failure), format, args);
    va_end(args);
}

/* ---- the engine -----------------------------------------------------------------------
 */

/* clang-format off */
static const struct {
    const char *name, *text;
} pipelines[] = {
    {"sim",
     "name: sim\nrepository: /srv/sim\nbase: main\nagent: {command: agent}\n"
     "plan: {mode: auto, command: plan}\nsetup: [deps]\n"
     "validate:\n  - {name: unit, command: unit}\n"
     "  - {name: lint, command: lint, allow_failure: true}\n"
     "evaluator: {command: judge}\nmerge: {mode: auto}\n"
     "after_merge: {watch: checks, revert: auto}\n"
     "limits: {iterations: 4, retries: 3}\nbudget: {attempts: 12, when_spent: fail}\n"   },
    {"asking",
     "name: asking\nrepository: /srv/asking\nbase: main\nagent: {command: agent}\n"
     "plan: {mode: ask}\nvalidate:\n  - {name: unit, command: unit}\n"
     "merge: {mode: ask, method: squash}\nlimits: {iterations: 3, retries: 1}\n"},
    {"never",
     "name: never\nrepository: /srv/never\nbase: main\nagent: {command: agent}\n"
     "validate: []\nmerge: {mode: never}\nbudget: {wall: 2h, when_spent: fail}\n"              },
    {"beside",
     "name: beside\nrepository: /srv/beside\nbase: main\nagent: {command: agent}\n"
     "validate:\n  - {name: unit, command: unit}\n  - {name: docs, command: docs}\n"
     "  - {name: lint, command: lint, allow_failure: true}\n"
     "  - {name: types, command: types}\n"
     "merge: {mode: auto}\nlimits: {iterations: 6, retries: 3, parallel: 2}\n"    },
    {"served",
     "name: served\nbase: main\nagent: {provider: codegen_api, backups: [codegen_eu]}\n"
     "forge: {provider: github_api, repository: acme/served}\n"
     "sandbox: {provider: grainchain}\nvalidate:\n  - {name: unit, command: unit}\n"
     "evaluator: {provider: web_eval, url: \"http://x\", task: look}\n"
     "merge: {mode: auto}\nlimits: {iterations: 4, retries: 3}\n"             },
};
#define SERVED 4
/* clang-format on */

static void on_halt(void *self, bool is_on)
{
    struct sim *sim = self;
    sim->world.is_halted = is_on;
}

static bool open_engine(struct sim *sim)
{
    struct err err = ERR_INIT;
    sim->store = store_open(sim->path, STORE_OFF, &err);
    if (sim->store == NULL) {
        complain(sim, "open: %s", err.msg);
        return false;
    }
    struct control_options options = {
        .max_running = sim->options->max_running,
        .limits = {span_s(5),                   span_s(300)},
        .revert_per_hour = SIM_REVERTS,
        .revert_per_day = 4 * SIM_REVERTS,
        .services = sim_services,
        .n_services = SIM_SERVICES,
        .seed = sim->options->seed + (uint64_t)sim->report->n_crashes,
        .outlet = {                                    .self = sim,            .halt = on_halt           },
        .recovery = { .is_on = sim->options->seed % 2 == 0,
                   .ladder = ladder_defaults(),
                   .decide = decide_defaults()},
    };
    sim->control = control_new(&options, sim->store);
    if (!control_load(sim->control, sim->world.now, &err)) {
        complain(sim, "load: %s", err.msg);
        return false;
    }
    sim->world.is_halted = control_is_halted(sim->control);
    return true;
}

static void close_engine(struct sim *sim)
{
    control_free(sim->control);
    store_close(sim->store);
    sim->control = NULL;
    sim->store = NULL;
}

static bool crash(struct sim *sim)
{
    sim->report->n_crashes++;
    close_engine(sim);
    sim_world_restart(&sim->world);
    return open_engine(sim);
}

/* ---- operators
 * -------------------------------------------------------------------------- */

static void send(struct sim *sim, const char *verb, int64_t workflow, const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = sim->world.now,
                              .actor = "ops",
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    if (command_send(sim->path, &row, &err) < 0) {
        complain(sim, "command: %s", err.msg);
    }
    sim->report->n_commands++;
}

static void submit_one(struct sim *sim)
{
    uint64_t pick = rng_below(&sim->rng, 10);
    size_t i = pick < 5 ? 0 : pick < 7 ? 3 : pick < 9 ? 1 : 2;
    bool is_adopted = false;
    sim->n_submitted++;
    if (rng_unit(&sim->rng) < sim->options->service_rate) {
        i = SERVED;
        is_adopted = rng_below(&sim->rng, 4) == 0;
        sim_world_serve(&sim->world, sim->n_submitted);
    }
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, 8192);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", pipelines[i].name);
    jsonw_str(&w, "text", pipelines[i].text);
    jsonw_str(&w, "task", "Make it better\nand keep it simple");
    jsonw_int(&w, "priority", (int64_t)rng_below(&sim->rng, 10));
    if (is_adopted) {
        jsonw_int(&w, "pull", sim->n_submitted);
    }
    jsonw_close(&w, '}');
    send(sim, is_adopted ? "adopt" : "submit", 0, buf.data);
}

static void random_verb(struct sim *sim)
{
    static const struct {
        const char *verb, *args;
    } acts[] = {
        {"pause",    "{\"reason\":\"lunch\"}"   },
        {"resume",   "{}"                       },
        {"cancel",   "{}"                       },
        {"retry",    "{}"                       },
        {"retry",    "{\"from\":\"CODING\"}"    },
        {"retry",    "{\"from\":\"PLANNING\"}"  },
        {"retry",    "{\"from\":\"VALIDATING\"}"},
        {"skip",     "{}"                       },
        {"approve",  "{}"                       },
        {"reject",   "{\"reason\":\"no\"}"      },
        {"rollback", "{}"                       },
        {"priority", "{\"value\":3}"            },
    };
    if (sim->n_submitted > 0) {
        size_t i = (size_t)rng_below(&sim->rng, ARRAY_LEN(acts));
        int64_t id = 1 + (int64_t)rng_below(&sim->rng, (uint64_t)sim->n_submitted);
        if (strcmp(acts[i].verb, "approve") == 0) {
            sim_world_approve(&sim->world, id);
        }
        char digest[DIGEST_HEX], args[128];
        bool is_shown = strcmp(acts[i].verb, "approve") == 0 &&
                        control_digest(sim->control, id, digest);
        (void)snprintf(args, sizeof(args), "{\"digest\":\"%s\"}", is_shown ? digest : "");
        send(sim, acts[i].verb, id, is_shown ? args : acts[i].args);
    }
}

/* Halts and releases at random moments; while it stands, hours go by. */
static void halt_some(struct sim *sim)
{
    const double rate = sim->options->halt_rate;
    if (rate <= 0) {
        return;
    }
    if (sim->world.is_halted) {
        int64_t ms = (int64_t)rng_below(&sim->rng, 7200000);
        sim->world.now = wall_add(sim->world.now, (struct span){ms});
        if (rng_unit(&sim->rng) < 0.3) {
            send(sim, "release", 0, "{}");
        }
    } else if (rng_unit(&sim->rng) < rate) {
        send(sim, "halt", 0, "{\"reason\":\"drill\"}");
        sim->report->n_halts++;
    }
}

/* The patient operator: answers whatever waits for a person. */
static void answer_waiting(struct sim *sim)
{
    size_t iter = 0;
    const struct workflow *workflow;
    while ((workflow = control_next_live(sim->control, &iter)) != NULL) {
        const struct workflow_row *row = &workflow->row;
        if (row->wait == WAIT_PLAN || row->wait == WAIT_MERGE) {
            char digest[DIGEST_HEX] = "", args[128];
            (void)control_digest(sim->control, row->id, digest);
            (void)snprintf(args, sizeof(args), "{\"digest\":\"%s\"}", digest);
            send(sim, "approve", row->id, args);
            sim_world_approve(&sim->world, row->id);
        } else if (row->wait == WAIT_OPERATOR || row->wait == WAIT_PAUSE) {
            send(sim, "resume", row->id, "{}");
        }
    }
}

/* ---- invariants
 * ---------------------------------------------------------------------------- */

static void check_workflow(struct sim *sim, const struct workflow *workflow)
{
    const struct workflow_row *row = &workflow->row;
    /* clang-format off */
    const struct {
        bool is_broken;
        const char *what;
    } rules[] = {
        {row->is_active && !control_is_pending(sim->control, row->id, row->effect_seq),
         "waits for an effect that nobody performs"            },
        {machine_holds_slot(workflow) && !row->is_active,
         "holds a slot and does nothing"                       },
        {machine_holds_slot(workflow) && !wall_is_set(row->deadline_at),
         "runs without a deadline"                             },
        {row->wait == WAIT_RETRY && !wall_is_set(row->retry_at),
         "waits for a retry that has no time"                  },
        {row->retries > workflow->pipeline->max_retries, "retried too often"},
        {(row->state == STATE_PARKED) !=
             (row->wait == WAIT_PAUSE ||
              (row->wait == WAIT_SERVICE && row->state != STATE_RECOVERING)),
         "is parked and waits for something else"              },
        {(row->wait == WAIT_SERVICE) != (row->service[0] != '\0'),
         "waits for a service without a name, or has one"      },
        {row->wait == WAIT_SERVICE && (row->is_active || wall_is_set(row->deadline_at)),
         "waits for a service while its clock runs"            },
        {sim->options->operator_rate == 0 &&
             row->agent_runs - sim_world_merges(&sim->world, row->id).n_agent_starts !=
                 0 && !row->is_active,
         "paid for an agent run that was never begun"          },
        {sim_world_merges(&sim->world, row->id).n_merges -
                 sim_world_merges(&sim->world, row->id).n_reverts >
             1,
         "was merged twice"                                    },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (rules[i].is_broken) {
            complain(sim, "wf-%" PRId64 " %s (%s, wait '%s', step %d)", row->id,
                     rules[i].what, state_name(row->state), wait_word(row->wait),
                     row->step);
        }
    }
}

static void check_totals(struct sim *sim, const int64_t live[STATE_COUNT])
{
    struct totals stored;
    struct err err = ERR_INIT;
    int64_t last, sum = 0;
    if (!store_load_counters(sim->store, &last, &stored, &err)) {
        complain(sim, "counters: %s", err.msg);
        return;
    }
    sim->n_final = 0;
    for (int s = 0; s < STATE_COUNT; s++) {
        sum += stored.by_state[s];
        sim->report->n_by_state[s] = stored.by_state[s];
        if (state_is_final((enum workflow_state)s)) {
            sim->n_final += stored.by_state[s];
        } else if (stored.by_state[s] != live[s]) {
            complain(sim, "totals say %" PRId64 " %s, there are %" PRId64,
                     stored.by_state[s], state_name((enum workflow_state)s), live[s]);
        }
    }
    if (sum != stored.n_workflows) {
        complain(sim, "totals: %" PRId64 " of %" PRId64 " workflows", sum,
                 stored.n_workflows);
    }
}

static void check_all(struct sim *sim)
{
    int64_t live[STATE_COUNT] = {0};
    size_t iter = 0;
    const struct workflow *workflow;
    int running = 0;
    while ((workflow = control_next_live(sim->control, &iter)) != NULL) {
        check_workflow(sim, workflow);
        running += machine_holds_slot(workflow);
        live[workflow->row.state]++;
    }
    if (running > sim->options->max_running) {
        complain(sim, "%d run, allowed are %d", running, sim->options->max_running);
    }
    check_totals(sim, live);
    if (sim->world.n_while_halted > 0) {
        complain(sim, "%" PRId64 " effects left while halted", sim->world.n_while_halted);
    }
    if (sim->world.was_merged_unseen) {
        complain(sim, "a degraded validation was merged without an approval");
    }
    if (sim_world_most_starts(&sim->world) > 1) {
        complain(sim, "an effect was started %d times",
                 sim_world_most_starts(&sim->world));
    }
}

/* ---- the run
 * ---------------------------------------------------------------------------------- */

static bool commit(struct sim *sim, struct err *err)
{
    const struct executor executor = sim_world_executor(&sim->world);
    store_set_now(sim->store, sim->world.now);
    if (!control_commit(sim->control, &executor, err)) {
        return false;
    }
    if (sim->options->on_commit != NULL) {
        sim->options->on_commit(sim->options->user, sim->path, sim->world.now);
    }
    return true;
}

static void one_batch(struct sim *sim)
{
    struct err err = ERR_INIT;
    struct effect_result *result;
    struct service_report *report;
    int n = 0;
    while ((report = sim_world_report(&sim->world)) != NULL) {
        control_report(sim->control, report, sim->world.now);
    }
    while (n++ < SIM_DELIVER && (result = sim_world_due(&sim->world)) != NULL) {
        control_result(sim->control, result, sim->world.now);
    }
    if (control_commands(sim->control, 1000, sim->world.now, &err) < 0) {
        complain(sim, "commands: %s", err.msg);
    }
    control_tick(sim->control, sim->world.now);
    sim->report->n_batches++;
    if (rng_unit(&sim->rng) < sim->options->crash_rate && !crash(sim)) { /* before */
        return;
    }
    if (!commit(sim, &err)) {
        complain(sim, "commit: %s", err.msg);
    }
    if (rng_unit(&sim->rng) < sim->options->crash_rate && crash(sim) && /* after */
        !commit(sim, &err)) {
        complain(sim, "commit after start: %s", err.msg);
    }
}

static void advance(struct sim *sim)
{
    struct wall at = control_wake_at(sim->control);
    struct wall due = sim_world_next(&sim->world);
    if (wall_is_set(due) && (!wall_is_set(at) || due.ms < at.ms)) {
        at = due;
    }
    if (wall_is_set(at) && at.ms > sim->world.now.ms) {
        sim->world.now = at;
    }
}

static void live_through(struct sim *sim)
{
    const struct sim_options *options = sim->options;
    int64_t last_day = options->n_workflows * 9 / 10;
    while (sim->report->failure[0] == '\0' && sim->n_final < options->n_workflows) {
        int64_t round = sim->report->n_batches;
        int n = (int)rng_below(&sim->rng, 20);
        while (n-- > 0 && sim->n_submitted < options->n_workflows) {
            submit_one(sim);
        }
        if (sim->n_final < last_day && rng_unit(&sim->rng) < options->operator_rate) {
            random_verb(sim);
        }
        halt_some(sim);
        if (round % 16 == 0) {
            answer_waiting(sim);
        }
        one_batch(sim);
        if (sim->control == NULL) {
            return;
        }
        if (round % 64 == 0 || sim->n_final + 100 > options->n_workflows) {
            check_all(sim);
        }
        advance(sim);
        if (round > SIM_ROUNDS) {
            complain(sim, "no end: %" PRId64 " of %d final", sim->n_final,
                     options->n_workflows);
        }
    }
}

static void hash_text(uint64_t *hash, const char *text)
{
    for (; *text != '\0'; text++) {
        *hash = (*hash ^ (unsigned char)*text) * 1099511628211u;
    }
}

/* Only what broke the base is blamed, and the engine takes back no more than it may. */
static void check_merged(struct sim *sim, const struct event_row *e)
{
    if (strcmp(e->kind, "watch-begun") == 0) {
        sim->report->n_bad += sim_world_is_bad(&sim->world, e->workflow);
    } else if (strcmp(e->kind, "watch-confirmed") == 0) {
        sim->report->n_confirmed++;
        if (!sim_world_is_bad(&sim->world, e->workflow)) {
            complain(sim, "wf-%" PRId64 " is blamed for nothing", e->workflow);
        }
    } else if (strcmp(e->kind, "rollback") == 0 && strcmp(e->actor, "engine") == 0) {
        int64_t *at = &sim->reverts[sim->n_reverts++ % SIM_REVERTS];
        if (*at > 0 && e->at.ms - *at < 3600000) {
            complain(sim, "wf-%" PRId64 ": more than %d reverts an hour", e->workflow,
                     SIM_REVERTS);
        }
        *at = e->at.ms;
        sim->report->n_taken_back++;
    }
}

static size_t hash_page(struct sim *sim, struct reader *reader, struct arena *arena,
                        int64_t *after)
{
    struct err err = ERR_INIT;
    const struct event_row *rows = NULL;
    size_t n = 0;
    if (!reader_events(reader, arena, 0, *after, 1000, &rows, &n, &err)) {
        complain(sim, "events: %s", err.msg);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct event_row *e = &rows[i];
        char *line = arena_printf(arena,
                                  "%" PRId64 " %" PRId64 " %" PRId64
                                  " %s %s %s %s %d %d %d %" PRId64 " %s\n",
                                  e->seq, e->at.ms, e->workflow, e->kind, e->actor,
                                  state_name(e->from), state_name(e->to), (int)e->wait,
                                  e->iteration, e->attempt, e->effect, e->text);
        if (e->seq != *after + 1) {
            complain(sim, "event %" PRId64 " follows %" PRId64, e->seq, *after);
        }
        *after = e->seq;
        hash_text(&sim->report->log_hash, line);
        check_merged(sim, e);
        if (sim->options->is_verbose) {
            (void)fputs(line, stdout);
        }
    }
    return n;
}

/* Through every crash and failed commit. */
static void check_audit(struct sim *sim, struct reader *reader)
{
    struct err err = ERR_INIT;
    struct audit_check *check = audit_check_new(NULL, 0);
    enum audit_step step = audit_check_step(check, reader, SIZE_MAX, &err);
    const struct audit_verdict *verdict = audit_check_verdict(check);
    if (step != AUDIT_END || verdict->good.n == 0) {
        complain(sim, "audit: %" PRId64 " rows, %s%s", verdict->good.n, verdict->text,
                 err.msg);
    }
    audit_check_free(check);
}

/* Checks side by side: none is left without an outcome, and nothing is merged before the newest of
 * each, in the iteration that was merged, has passed ("lint" need not). */
static void check_beside(struct sim *sim, const struct effect_row *rows, size_t n,
                         const struct workflow_row *row)
{
    for (int step = 0; step < 4; step++) {
        const struct effect_row *newest = NULL;
        for (size_t i = 0; i < n; i++) {
            bool is_it = rows[i].kind == EFFECT_CHECK && rows[i].step == step &&
                         rows[i].iteration == row->iteration;
            newest = is_it ? &rows[i] : newest;
            if (rows[i].kind == EFFECT_CHECK && rows[i].status == STATUS_PENDING) {
                complain(sim, "wf-%" PRId64 ": check %" PRId64 " has no outcome", row->id,
                         rows[i].seq);
            }
        }
        bool has_passed = newest != NULL && (newest->status == STATUS_PASSED ||
                                             newest->status == STATUS_FLAKY);
        if (row->merge_sha[0] != '\0' && step != 2 && !has_passed &&
            sim->options->operator_rate == 0) {
            complain(sim, "wf-%" PRId64 " is merged, and its check %d is %s", row->id,
                     step, newest == NULL ? "not there" : status_name(newest->status));
        }
    }
}

static void check_checks(struct sim *sim, struct reader *reader, struct arena *arena)
{
    struct err err = ERR_INIT;
    for (int64_t id = 1; id <= sim->n_submitted; id++) {
        struct workflow_row row;
        const struct effect_row *rows = NULL;
        size_t n = 0;
        arena_reset(arena);
        if (reader_workflow(reader, arena, id, &row, &err) != FOUND ||
            strcmp(row.pipeline, "beside") != 0) {
            continue;
        }
        if (!reader_effects(reader, arena, id, &rows, &n, &err)) {
            complain(sim, "effects: %s", err.msg);
        }
        sim->report->n_beside++;
        check_beside(sim, rows, n, &row);
    }
}

static void hash_log(struct sim *sim)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(sim->path, &err);
    if (reader == NULL) {
        complain(sim, "reader: %s", err.msg);
        return;
    }
    struct arena *arena = arena_new();
    sim->report->log_hash = 14695981039346656037u;
    while (hash_page(sim, reader, arena, &sim->report->n_events) > 0) {
        arena_reset(arena);
    }
    check_checks(sim, reader, arena);
    arena_free(arena);
    check_audit(sim, reader);
    reader_close(reader);
}

void sim_run(const struct sim_options *options, struct sim_report *ret_report)
{
    struct err err = ERR_INIT;
    struct sim sim = {.options = options, .report = ret_report};
    *ret_report = (struct sim_report){0};
    sim_world_init(&sim.world, options->seed, SIM_START, options->service_rate > 0);
    rng_init(&sim.rng, options->seed);
    if (!file_remove_tree(options->folder, &err) ||
        !file_make_dirs(options->folder, &err)) {
        complain(&sim, "%s", err.msg);
        return;
    }
    sim.path = file_join(options->folder, "sim.db");
    if (open_engine(&sim)) {
        live_through(&sim);
        hash_log(&sim);
    }
    ret_report->virtual_days = (double)(sim.world.now.ms - SIM_START.ms) / 86400000.0;
    ret_report->n_agent_starts = sim.world.n_agent_starts;
    ret_report->n_merges = sim.world.n_merges;
    ret_report->n_deferrals = sim.world.n_deferrals;
    ret_report->n_outages = sim.world.n_outages;
    ret_report->n_degraded = sim.world.n_degraded;
    close_engine(&sim);
    sim_world_fini(&sim.world);
    free(sim.path);
    (void)file_remove_tree(options->folder,
                           &err); /* it may stay; the next run removes it */
}
