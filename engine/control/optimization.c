/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/approval.h"
#include "engine/control/guarding.h"
#include "engine/control/optimization_private.h"
#include "engine/control/tuning.h"
#include "engine/learning/tuning.h"
#include "engine/service/service.h"
#include "engine/workflow/schema.h"
#include "store/store.h"

#define FOUND_MAX 8 /* proposals per search */
#define CARD_MAX  16384

/* ---- settings in force ------------------------------------------------------------------- */

/* The value of a pipeline's setting: what lies over it, else what its newest workflow has. */
static bool pipeline_setting(struct control *control, const char *setting,
                             const char *scope, struct buf *value)
{
    struct err err = ERR_INIT;
    const struct known_pipeline *known = learned_pipeline(control->optimizing, scope);
    const struct pipeline *pipeline =
        known != NULL ? control_pipeline(control, known->pipeline, &err) : NULL;
    return pipeline != NULL && tuning_of_pipeline(pipeline, setting, value);
}

/* In the units of the generators: seconds, MiB, counts. */
static void put_bounds(const struct tuning_spec *spec, struct setting_now *now)
{
    const struct field *field = tuning_field(spec);
    double unit = field == NULL                   ? 0
                  : field->type == FIELD_DURATION ? 1000
                  : field->type == FIELD_BYTES    ? 1024.0 * 1024
                  : field->type == FIELD_INT      ? 1
                                                  : 0;
    if (field != NULL && unit > 0) {
        now->least = (double)field->min / unit;
        now->most = (double)field->max / unit;
    }
}

/* What of a scale is in force: "" nothing. False: there is no such command. */
static bool look_up_scale(const struct control *control, const char *setting,
                          struct setting_now *now)
{
    char name[TUNING_NAME_MAX];
    const struct tuning_row *tuned = tuning_in_force(control, setting, "");
    const struct scale_spec *scale = scale_find(
        control->options.scales, control->options.n_scales, tuning_name(setting, name));
    if (scale == NULL || scale_command(scale, "up") == NULL) {
        return false;
    }
    (void)snprintf(now->value, sizeof(now->value), "%s",
                   tuned != NULL ? tuned->value : "");
    now->since = tuned != NULL ? tuned->since : now->since;
    return true;
}

/* Places that are machines: what they add is there, and the limit is not raised without them. */
static void count_scaled(const struct control *control, const char *service,
                         struct setting_now *now)
{
    for (size_t i = 0; i < control->options.n_scales; i++) {
        const struct scale_spec *scale = &control->options.scales[i];
        const char *of = scale->service != NULL ? scale->service : "";
        if (scale->adds > 0 && strcmp(of, service) == 0) {
            int places = service[0] == '\0' ? control->options.max_running
                                            : (int)strtol(now->value, NULL, 10) +
                                                  tuning_scaled(control, service);
            (void)snprintf(now->value, sizeof(now->value), "%d", places);
            now->most = places;
            return;
        }
    }
}

/* Its breaker opens after failures in a row, which is what the generator knows. */
static bool counts_rows(const struct control *control, const char *scope)
{
    const char *name = tuning_scope_name(TUNING_SERVICE, scope);
    const struct service_spec *service =
        name != NULL
            ? service_find(control->options.services, control->options.n_services, name)
            : NULL;
    return service != NULL && service->gate.breaker.window == BREAKER_CONSECUTIVE;
}

/* Looks at a service are only worth a thought where nothing else tells how far it is. */
static bool is_polled(const struct control *control, const char *scope)
{
    const char *name = tuning_scope_name(TUNING_SERVICE, scope);
    const struct service_spec *service =
        name != NULL
            ? service_find(control->options.services, control->options.n_services, name)
            : NULL;
    return service != NULL &&
           (service->kind == SERVICE_CODEGEN ||
            (service->kind == SERVICE_GITHUB && !control->options.has_listener));
}

static bool look_up(void *user, const char *setting, const char *scope,
                    struct setting_now *now)
{
    struct control *control = user;
    const struct tuning_row *tuned = tuning_in_force(control, setting, scope);
    AUTO_BUF struct buf value = {0};
    buf_init(&value, TUNING_VALUE_MAX);
    const struct tuning_spec *spec = tuning_find(setting);
    if (spec != NULL && spec->kind == OPT_SCALE) {
        return look_up_scale(control, setting, now);
    }
    if (spec == NULL || (spec->kind == OPT_POLL && !is_polled(control, scope)) ||
        (strcmp(setting, "breaker.failures") == 0 && !counts_rows(control, scope)) ||
        !(pipeline_setting(control, setting, scope, &value) ||
          tuning_present(control, setting, scope, &value))) {
        return false;
    }
    (void)snprintf(now->value, sizeof(now->value), "%s",
                   tuned != NULL ? tuned->value : value.data);
    now->since = tuned != NULL ? tuned->since : now->since;
    put_bounds(spec, now);
    if (spec->kind == OPT_CONCURRENCY || spec->kind == OPT_BULKHEAD) {
        const char *service = tuning_scope_name(TUNING_SERVICE, scope);
        count_scaled(control, service != NULL ? service : "", now);
    }
    return value.len < sizeof(now->value);
}

/* ---- rows -------------------------------------------------------------------------------- */

static struct optimization_row row_of(const struct proposal *proposal, struct wall now)
{
    struct optimization_row row = {
        .kind = proposal->kind,
        .status = OPT_PROPOSED,
        .setting = proposal->setting,
        .scope = proposal->scope,
        .from = proposal->from,
        .to = proposal->to,
        .title = proposal->title,
        .metric = run_metric_word(proposal->metric),
        .expected = proposal->expected.value,
        .expected_low = proposal->expected.low,
        .expected_high = proposal->expected.high,
        .measured = (double)NAN,
        .measured_low = (double)NAN,
        .measured_high = (double)NAN,
        .confidence = proposal->confidence,
        .n_evidence = proposal->n_evidence,
        .reason = proposal->reason,
        .if_wrong = proposal->if_wrong,
        .outcome = "",
        .actor = "",
        .evidence = proposal->evidence,
        .guard = "{}",
        .proposed_at = now,
    };
    (void)snprintf(row.fingerprint, sizeof(row.fingerprint), "%s", proposal->fingerprint);
    return row;
}

static void tell_learner(struct control *control, const struct optimization_row *row,
                         struct wall now)
{
    if (control->optimizing->learning != NULL) {
        learning_verdict(control->optimizing->learning, row, row->status, now);
        control->optimizing->is_changed = true;
        control->optimizing->is_urgent = true;
    }
}

/* Its row with a new status, and what is behind it. */
static void settle(struct control *control, struct optimization_row *row,
                   enum optimization_status status, const char *actor,
                   const char *outcome, struct wall now)
{
    row->status = status;
    row->actor = actor;
    row->outcome = outcome;
    row->settled_at = optimization_is_settled(status) ? now : row->settled_at;
    (void)store_put_optimization(control->store, row);
    tell_learner(control, row, now);
}

/* In force, and watched. False with err: nothing is changed. */
static bool apply(struct control *control, struct optimization_row *row,
                  const char *actor, struct wall now, struct err *err)
{
    struct learning_runs runs = {NULL, 0, NULL};
    char reason[64];
    (void)snprintf(reason, sizeof(reason), "o-%lld", (long long)row->id);
    const struct tuning_row tuning = {.setting = row->setting,
                                      .scope = row->scope,
                                      .value = row->to,
                                      .was = "",
                                      .actor = actor,
                                      .reason = reason,
                                      .optimization = row->id};
    if (control->optimizing->learning == NULL) {
        return err_set(err, ERR_REFUSED, "nothing is learned here that could watch it");
    }
    if (!tuning_apply(control, &tuning, now, err)) {
        return false;
    }
    runs = learning_runs(control->optimizing->learning);
    row->actor = actor;
    if (!guarding_begin(control, row, &runs, now, err)) {
        struct err ignored = ERR_INIT;
        (void)!tuning_drop(control, row->setting, row->scope, row->id, "engine",
                           "it could not be watched", now, &ignored);
        return false;
    }
    row->status = OPT_GUARDED;
    tell_learner(control, row, now);
    control_audit(control, now, actor, "optimization", reason, "applied", "%s: %s -> %s",
                  row->setting, row->from, row->to);
    return true;
}

/* ---- asking ------------------------------------------------------------------------------ */

static void ask(struct control *control, struct optimization_row *row,
                const struct risk_facts *facts, struct wall now)
{
    const struct effect_field fields[] = {
        {.name = "operation",    .text = row->kind == OPT_SCALE ? "scale" : "tune"},
        {.name = "setting",      .text = row->setting                             },
        {.name = "scope",        .text = row->scope                               },
        {.name = "from",         .text = row->from                                },
        {.name = "to",           .text = row->to                                  },
        {.name = "policy",       .number = EFFECT_POLICY                          },
        {.name = "optimization", .number = row->id                                }
    };
    AUTO_BUF struct buf card = {0};
    buf_init(&card, CARD_MAX);
    optimization_card(control, row, facts, &card);
    const char *name = strchr(row->scope, ':');
    const struct approval_draft draft = {.facts = *facts,
                                         .optimization = row->id,
                                         .target = name != NULL ? name + 1 : row->setting,
                                         .title = row->title,
                                         .requester = "engine",
                                         .fields = fields,
                                         .n_fields = ARRAY_LEN(fields),
                                         .card = card.is_cut ? "{}" : card.data};
    row->approval = approval_ask(control, &draft, now);
    (void)store_put_optimization(control->store, row);
}

/* How many workflows it touches now. */
static int count_touched(const struct control *control, const char *scope)
{
    const char *name = tuning_scope_name(TUNING_PIPELINE, scope);
    size_t iter = 0;
    const struct live *live;
    int n = 0;
    while ((live = idmap_next(&control->live, &iter)) != NULL) {
        n += name == NULL || strcmp(live->workflow->row.pipeline, name) == 0 ? 1 : 0;
    }
    return n;
}

static struct risk_facts facts_of(const struct control *control,
                                  const struct proposal *proposal)
{
    const struct known_pipeline *known =
        learned_pipeline(control->optimizing, proposal->scope);
    const char *environment = control->options.environment;
    return (struct risk_facts){
        .action = proposal->kind == OPT_SCALE ? ACT_SCALE : ACT_TUNE,
        .repo = known != NULL ? known->repo : "",
        .environment = environment != NULL ? environment : "",
        .is_reversible = (proposal->traits & PROPOSAL_REVERSIBLE) != 0,
        .decides = (proposal->traits & PROPOSAL_JUDGES) != 0,
        .confidence = proposal->confidence,
        .n_workflows = count_touched(control, proposal->scope),
        .n_repos = 1,
    };
}

static void take_proposal(struct control *control, const struct proposal *proposal,
                          struct wall now)
{
    struct err err = ERR_INIT;
    char rule[RISK_RULE_TEXT];
    struct optimization_row row = row_of(proposal, now);
    AUTO_BUF struct buf value = {0};
    buf_init(&value, TUNING_VALUE_MAX);
    bool is_allowed = tuning_check(row.setting, row.scope, row.to, &value, &err);
    row.to = is_allowed ? value.data : row.to;
    learning_verdict(control->optimizing->learning, &row,
                     is_allowed ? OPT_PROPOSED : OPT_WITHDRAWN, now);
    if (!is_allowed) {
        return; /* out of the bounds of the setting */
    }
    struct risk_facts facts = facts_of(control, proposal);
    row.risk = approval_judge(control, &facts, rule);
    row.id = store_put_optimization(control->store, &row);
    control_tell(control, now, "optimization-proposed", 0, "o-%lld: %s",
                 (long long)row.id, row.title);
    enum autonomy_level level = control_level(control, facts.action, facts.repo, now);
    if (level == LEVEL_AUTO && row.risk == RISK_LOW &&
        apply(control, &row, "engine", now, &err)) {
        return;
    }
    if (level != LEVEL_OBSERVE) {
        ask(control, &row, &facts, now);
    }
}

/* The oldest that has not ended, or now. */
static struct wall open_since(const struct control *control, struct wall now)
{
    size_t iter = 0;
    const struct live *live;
    while ((live = idmap_next(&control->live, &iter)) != NULL) {
        const struct workflow_row *row = &live->workflow->row;
        if (!state_is_final(row->state) && row->created_at.ms < now.ms) {
            now = row->created_at;
        }
    }
    return now;
}

static void search(struct control *control, struct wall now)
{
    struct optimizing *optimizing = control->optimizing;
    AUTO_FREE struct proposal *found = mem_array(FOUND_MAX, sizeof(*found));
    const struct control_options *options = &control->options;
    AUTO_FREE struct scale_choice *scales =
        mem_array(options->n_scales + 1, sizeof(*scales));
    for (size_t i = 0; i < options->n_scales; i++) {
        const struct scale_spec *scale = &options->scales[i];
        scales[i] =
            (struct scale_choice){.name = scale->name,
                                  .service = scale->service != NULL ? scale->service : "",
                                  .adds = scale->adds,
                                  .has_down = scale_command(scale, "down") != NULL};
    }
    const struct learning_world world = {
        .lookup = look_up,
        .user = control,
        .processors = options->processors > 0 ? options->processors : (double)NAN,
        .open_since = open_since(control, now),
        .scales = scales,
        .n_scales = options->n_scales};
    size_t n = learning_propose(optimizing->learning, &world, now, found, FOUND_MAX);
    for (size_t i = 0; i < n; i++) {
        take_proposal(control, &found[i], now);
    }
    optimizing->is_changed = optimizing->is_changed || n > 0;
    optimizing->has_moved = true;
    optimizing->n_turns--;
    optimizing->next_search = wall_add(now, (struct span){OPTIMIZE_PAUSE});
}

/* ---- time -------------------------------------------------------------------------------- */

void optimization_tick(struct control *control, struct wall now)
{
    struct optimizing *optimizing = control->optimizing;
    if (optimizing->learning == NULL) {
        return;
    }
    learned_read(control, now);
    int64_t n = learning_count(optimizing->learning);
    if (optimizing->n_turns == 0 && n - optimizing->searched >= OPTIMIZE_RUNS) {
        optimizing->searched = n;
        optimizing->n_turns = OPTIMIZATION_KIND_COUNT;
        optimizing->next_search = now;
        optimizing->has_moved = true;
    }
    if (optimizing->n_turns > 0 && optimizing->next_search.ms <= now.ms) {
        search(control, now);
    }
    if (optimizing->is_changed && optimizing->next_save.ms <= now.ms) {
        optimization_save(control);
        optimizing->next_save = wall_add(now, span_s(OPTIMIZE_SAVE));
    }
}

struct wall optimization_wake_at(const struct control *control)
{
    const struct optimizing *optimizing = control->optimizing;
    struct wall at = {0};
    if (optimizing->n_ready > 0) {
        return (struct wall){1}; /* at once */
    }
    if (optimizing->n_turns > 0) {
        at = optimizing->next_search;
    }
    bool is_sooner =
        optimizing->is_changed && (!wall_is_set(at) || optimizing->next_save.ms < at.ms);
    return is_sooner ? optimizing->next_save : at;
}

/* ---- answers ------------------------------------------------------------------------------ */

static void on_settled(struct control *control, const struct optimization_row *row,
                       struct wall now)
{
    tell_learner(control, row, now);
}

/* What it was found under is still so. */
static bool is_as_shown(struct control *control, const struct optimization_row *row)
{
    struct setting_now present = {.value = ""};
    return look_up(control, row->setting, row->scope, &present) &&
           tuning_is_same(row->setting, present.value, row->from);
}

static void answer_proposal(struct control *control, struct optimization_row *row,
                            bool is_approved, const char *actor, const char *reason,
                            struct wall now, struct answer *answer)
{
    struct err err = ERR_INIT;
    if (!is_approved) {
        settle(control, row, OPT_REJECTED, actor, reason, now);
        answer_set(answer, ANSWER_DONE, "o-%lld is rejected", (long long)row->id);
    } else if (!is_as_shown(control, row)) {
        settle(control, row, OPT_WITHDRAWN, actor, "the setting was changed meanwhile",
               now);
        answer_set(answer, ANSWER_REFUSED, "%s was changed since this was proposed",
                   row->setting);
    } else if (!apply(control, row, actor, now, &err)) {
        answer_set(answer, ANSWER_REFUSED, "%s", err.msg);
    } else {
        answer_set(answer, ANSWER_DONE, "%s is %s from now on, and watched", row->setting,
                   row->to);
    }
}

static bool take_back(struct control *control, struct optimization_row *row,
                      enum optimization_status status, const char *actor,
                      const char *reason, struct wall now, struct answer *answer)
{
    struct err err = ERR_INIT;
    if (!tuning_drop(control, row->setting, row->scope, row->id, actor, reason, now,
                     &err)) {
        answer_set(answer, ANSWER_REFUSED, "%s", err.msg);
        return false;
    }
    guarding_stop(control, row->id);
    settle(control, row, status, actor, reason, now);
    answer_set(answer, ANSWER_DONE, "%s is as it was before o-%lld", row->setting,
               (long long)row->id);
    return true;
}

static bool load_row(struct control *control, struct arena *arena, int64_t id,
                     struct optimization_row *ret_row, struct answer *answer)
{
    struct err err = ERR_INIT;
    enum found found = store_load_optimization(control->store, arena, id, ret_row, &err);
    if (found != FOUND) {
        answer_set(answer, ANSWER_REFUSED, "there is no optimization o-%lld",
                   (long long)id);
    }
    return found == FOUND;
}

void optimization_answer(struct control *control, int64_t id, bool is_approved,
                         const char *actor, const char *reason, struct wall now,
                         struct answer *answer)
{
    struct arena *arena = arena_new();
    struct optimization_row row;
    if (!load_row(control, arena, id, &row, answer)) {
        arena_free(arena);
        return;
    }
    if (row.status == OPT_PROPOSED) {
        answer_proposal(control, &row, is_approved, actor, reason, now, answer);
    } else if (row.status == OPT_INCONCLUSIVE && is_approved) {
        settle(control, &row, OPT_KEPT, actor, reason, now);
        answer_set(answer, ANSWER_DONE, "o-%lld is kept", (long long)id);
    } else if (row.status == OPT_INCONCLUSIVE) {
        (void)take_back(control, &row, OPT_TAKEN_BACK, actor, reason, now, answer);
    } else {
        answer_set(answer, ANSWER_REFUSED, "o-%lld is %s already", (long long)id,
                   optimization_status_word(row.status));
    }
    arena_free(arena);
}

void optimization_scale_failed(struct control *control, const char *name,
                               const char *direction, const char *reason, struct wall now)
{
    char setting[160];
    struct err err = ERR_INIT;
    struct optimization_row row;
    (void)snprintf(setting, sizeof(setting), "scale/%.100s", name);
    int64_t id = tuning_scale_failed(control, setting, direction, reason, now);
    struct arena *arena = arena_new();
    if (id > 0 &&
        store_load_optimization(control->store, arena, id, &row, &err) == FOUND &&
        !optimization_is_settled(row.status)) {
        guarding_stop(control, id);
        settle(control, &row, OPT_TAKEN_BACK, "engine", reason, now);
    }
    arena_free(arena);
}

bool is_optimization_verb(const char *verb)
{
    return strcmp(verb, "undo") == 0;
}

void control_optimization_verb(struct control *control, const struct command_row *command,
                               const struct json *args, struct wall now,
                               struct answer *answer)
{
    struct arena *arena = arena_new();
    struct optimization_row row;
    int64_t id = json_int(args, "optimization", 0);
    const char *reason = json_str(args, "reason", "");
    if (load_row(control, arena, id, &row, answer)) {
        bool is_in_force = row.status == OPT_GUARDED || row.status == OPT_KEPT ||
                           row.status == OPT_INCONCLUSIVE;
        if (!is_in_force) {
            answer_set(answer, ANSWER_REFUSED, "o-%lld is %s: there is nothing to undo",
                       (long long)id, optimization_status_word(row.status));
        } else if (take_back(control, &row, OPT_UNDONE, command->actor, reason, now,
                             answer)) {
            approval_withdraw(control, approval_of_optimization(control, id), "undone",
                              now);
        }
    }
    arena_free(arena);
}

/* ---- start and end ------------------------------------------------------------------------ */

void optimization_init(struct control *control)
{
    control->optimizing = mem_alloc(sizeof(*control->optimizing));
    if (control->options.is_learning) {
        control->optimizing->learning = learning_new(control->options.seed);
        control->optimizing->arena = arena_new();
    }
    guarding_on_settled(control, on_settled);
}

void optimization_fini(struct control *control)
{
    learning_free(control->optimizing->learning);
    arena_free(control->optimizing->arena);
    free(control->optimizing);
}

/* Those that are open are known even when what was saved is older. */
static void on_open(void *user, const struct optimization_row *row)
{
    const struct control *control = user;
    if (!learning_has(control->optimizing->learning, row)) {
        learning_verdict(control->optimizing->learning, row, row->status,
                         row->status == OPT_GUARDED ? row->applied_at : row->proposed_at);
    }
}

bool optimization_load(struct control *control, struct err *err)
{
    const struct approval_sink sink = {.user = control, .optimization = on_open};
    return control->optimizing->learning == NULL ||
           (learned_load(control, err) &&
            store_load_approvals(control->store, &sink, err));
}
