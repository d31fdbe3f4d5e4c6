/* SPDX-License-Identifier: MIT */
#include "engine/control/optimization.h"

#include <math.h>

#include "engine/base/base64.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/approval.h"
#include "engine/control/guarding.h"
#include "engine/control/tuning.h"
#include "engine/learning/learning.h"
#include "engine/learning/tuning.h"
#include "store/history.h"
#include "store/store.h"

#define ENDED_MAX  4000 /* that wait to be read; the rest is not learned from */
#define READ_MAX   20   /* per tick */
#define FOUND_MAX  8    /* proposals per search */
#define KNOWN_MAX  256  /* pipelines */
#define CARD_MAX   16384
#define NAME_BYTES 160

/* What the newest workflow of a pipeline was run with. */
struct known_pipeline {
    char name[NAME_BYTES], repo[NAME_BYTES];
    int64_t pipeline; /* id of its text */
};

struct optimizing {
    struct learning *learning; /* NULL: off */
    struct arena *arena;       /* of what is in hand */
    int64_t ended[ENDED_MAX];
    size_t n_ended, n_ready; /* ready: committed */
    struct known_pipeline known[KNOWN_MAX];
    size_t n_known;
    int n_turns;      /* kinds that are still to be searched */
    int64_t searched; /* learning_count() when the last search began */
    struct wall next_search, next_save;
    bool is_changed; /* since it was saved */
};

/* ---- what ended ------------------------------------------------------------------------- */

void optimization_ended(struct control *control, int64_t workflow)
{
    struct optimizing *optimizing = control->optimizing;
    if (optimizing->learning != NULL && optimizing->n_ended < ENDED_MAX) {
        optimizing->ended[optimizing->n_ended++] = workflow;
    }
}

void optimization_committed(struct control *control)
{
    control->optimizing->n_ready = control->optimizing->n_ended;
}

static void know_pipeline(struct optimizing *optimizing, const struct workflow_row *row)
{
    size_t i = 0;
    while (i < optimizing->n_known &&
           strcmp(optimizing->known[i].name, row->pipeline) != 0) {
        i++;
    }
    if (i == KNOWN_MAX) {
        return;
    }
    struct known_pipeline *known = &optimizing->known[i];
    optimizing->n_known += i == optimizing->n_known ? 1 : 0;
    (void)snprintf(known->name, sizeof(known->name), "%s", row->pipeline);
    (void)snprintf(known->repo, sizeof(known->repo), "%s", row->repo);
    known->pipeline = row->pipeline_id;
}

static const struct known_pipeline *find_pipeline(const struct optimizing *optimizing,
                                                  const char *scope)
{
    const char *name = tuning_scope_name(TUNING_PIPELINE, scope);
    for (size_t i = 0; name != NULL && i < optimizing->n_known; i++) {
        if (strcmp(optimizing->known[i].name, name) == 0) {
            return &optimizing->known[i];
        }
    }
    return NULL;
}

/* Read back and learned from; what cannot be read is left out. */
static void learn_from(struct control *control, int64_t workflow, struct wall now)
{
    struct optimizing *optimizing = control->optimizing;
    struct err err = ERR_INIT;
    struct workflow_history history;
    if (store_load_history(control->store, optimizing->arena, workflow, &history, &err) !=
        FOUND) {
        return;
    }
    const struct pipeline *pipeline =
        control_pipeline(control, history.workflow.pipeline_id, &err);
    const struct feature_source source = {
        .workflow = &history.workflow,
        .events = history.events,
        .n_events = history.n_events,
        .effects = history.effects,
        .n_effects = history.n_effects,
        .failures = history.failures,
        .n_failures = history.n_failures,
        .pipeline = pipeline,
        .diff_lines = (double)NAN,
    };
    if (!learning_add(optimizing->learning, &source)) {
        return;
    }
    optimizing->is_changed = true;
    know_pipeline(optimizing, &history.workflow);
    struct learning_runs runs = learning_runs(optimizing->learning);
    guarding_ended(control, runs.runs[runs.n - 1], history.workflow.pipeline, now);
}

static void read_ended(struct control *control, struct wall now)
{
    struct optimizing *optimizing = control->optimizing;
    size_t n = optimizing->n_ready < READ_MAX ? optimizing->n_ready : READ_MAX;
    for (size_t i = 0; i < n; i++) {
        arena_reset(optimizing->arena);
        learn_from(control, optimizing->ended[i], now);
    }
    optimizing->n_ended -= n;
    optimizing->n_ready -= n;
    memmove(optimizing->ended, optimizing->ended + n,
            optimizing->n_ended * sizeof(optimizing->ended[0]));
}

/* ---- settings in force ------------------------------------------------------------------- */

/* The value of a pipeline's setting: what lies over it, else what its newest workflow has. */
static bool pipeline_setting(struct control *control, const char *setting,
                             const char *scope, struct buf *value)
{
    struct err err = ERR_INIT;
    const struct known_pipeline *known = find_pipeline(control->optimizing, scope);
    const struct pipeline *pipeline =
        known != NULL ? control_pipeline(control, known->pipeline, &err) : NULL;
    return pipeline != NULL && tuning_of_pipeline(pipeline, setting, value);
}

static bool look_up(void *user, const char *setting, const char *scope,
                    struct setting_now *now)
{
    struct control *control = user;
    const struct tuning_row *tuned = tuning_in_force(control, setting, scope);
    AUTO_BUF struct buf value = {0};
    buf_init(&value, TUNING_VALUE_MAX);
    if (tuning_find(setting) == NULL ||
        !(pipeline_setting(control, setting, scope, &value) ||
          tuning_present(control, setting, scope, &value))) {
        return false;
    }
    (void)snprintf(now->value, sizeof(now->value), "%s",
                   tuned != NULL ? tuned->value : value.data);
    now->since = tuned != NULL ? tuned->since : now->since;
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

static void put_member(struct jsonw *w, const struct json *object, const char *key)
{
    const struct json *item = json_get(object, key);
    if (item != NULL) {
        AUTO_FREE char *text = json_format(item);
        jsonw_raw(w, key, text, strlen(text));
    }
}

static void put_card(const struct optimization_row *row, struct buf *out)
{
    struct err err = ERR_INIT;
    struct jsonw w;
    char text[200];
    struct json *evidence = json_parse(row->evidence, strlen(row->evidence), &err);
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "why", '[');
    jsonw_str(&w, NULL, row->reason);
    jsonw_close(&w, ']');
    (void)snprintf(text, sizeof(text),
                   "%s %+.3g per workflow (%+.3g to %+.3g), %d %% sure", row->metric,
                   row->expected, row->expected_low, row->expected_high,
                   (int)(100 * row->confidence));
    jsonw_str(&w, "expected", text);
    jsonw_str(&w, "if_wrong", row->if_wrong);
    jsonw_open(&w, "change", '{');
    jsonw_str(&w, "setting", row->setting);
    jsonw_str(&w, "scope", row->scope);
    jsonw_str(&w, "from", row->from);
    jsonw_str(&w, "to", row->to);
    jsonw_close(&w, '}');
    (void)snprintf(text, sizeof(text),
                   "%s and completed of the workflows after it; harm takes it back",
                   row->metric);
    jsonw_str(&w, "guard", text);
    (void)snprintf(text, sizeof(text), "%s back to %.80s: undo o-%lld, any time",
                   row->setting, row->from[0] != '\0' ? row->from : "what it was",
                   (long long)row->id);
    jsonw_str(&w, "undo", text);
    put_member(&w, evidence, "evidence");
    put_member(&w, evidence, "dry_run");
    jsonw_close(&w, '}');
    json_free(evidence);
}

static void ask(struct control *control, struct optimization_row *row,
                const struct risk_facts *facts, struct wall now)
{
    const struct effect_field fields[] = {
        {.name = "operation",    .text = "tune"         },
        {.name = "setting",      .text = row->setting   },
        {.name = "scope",        .text = row->scope     },
        {.name = "from",         .text = row->from      },
        {.name = "to",           .text = row->to        },
        {.name = "policy",       .number = EFFECT_POLICY},
        {.name = "optimization", .number = row->id      }
    };
    AUTO_BUF struct buf card = {0};
    buf_init(&card, CARD_MAX);
    put_card(row, &card);
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
        find_pipeline(control->optimizing, proposal->scope);
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
    if (!tuning_check(row.setting, row.scope, row.to, &value, &err)) {
        return; /* out of the bounds of the setting */
    }
    row.to = value.data;
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

static void search(struct control *control, struct wall now)
{
    struct optimizing *optimizing = control->optimizing;
    AUTO_FREE struct proposal *found = mem_array(FOUND_MAX, sizeof(*found));
    const struct learning_world world = {
        look_up, control,
        control->options.processors > 0 ? control->options.processors : (double)NAN};
    size_t n = learning_propose(optimizing->learning, &world, now, found, FOUND_MAX);
    for (size_t i = 0; i < n; i++) {
        take_proposal(control, &found[i], now);
    }
    optimizing->is_changed = optimizing->is_changed || n > 0;
    optimizing->n_turns--;
    optimizing->next_search = wall_add(now, span_s(OPTIMIZE_PAUSE));
}

/* ---- time -------------------------------------------------------------------------------- */

void optimization_tick(struct control *control, struct wall now)
{
    struct optimizing *optimizing = control->optimizing;
    if (optimizing->learning == NULL) {
        return;
    }
    read_ended(control, now);
    int64_t n = learning_count(optimizing->learning);
    if (optimizing->n_turns == 0 && n - optimizing->searched >= OPTIMIZE_RUNS) {
        optimizing->searched = n;
        optimizing->n_turns = OPTIMIZATION_KIND_COUNT;
        optimizing->next_search = now;
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

void optimization_save(struct control *control)
{
    struct optimizing *optimizing = control->optimizing;
    AUTO_BUF struct buf blob = {0}, text = {0};
    if (optimizing->learning == NULL || !optimizing->is_changed) {
        return;
    }
    buf_init(&blob, LEARNING_BLOB_MAX);
    buf_init(&text, 2 * LEARNING_BLOB_MAX);
    if (learning_save(optimizing->learning, &blob) &&
        base64_encode(&text, blob.data, blob.len)) {
        store_put_setting(control->store, LEARNING_SETTING, text.data);
        optimizing->is_changed = false;
    }
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
    tell_learner(user, row, row->proposed_at);
}

static void know_again(struct control *control)
{
    struct optimizing *optimizing = control->optimizing;
    struct learning_runs runs = learning_runs(optimizing->learning);
    struct err err = ERR_INIT;
    for (size_t i = 0; i < runs.n; i++) {
        struct workflow_row row;
        bool is_last = true; /* of its pipeline */
        for (size_t k = i + 1; k < runs.n && is_last; k++) {
            is_last = runs.runs[k]->pipeline != runs.runs[i]->pipeline;
        }
        if (is_last && store_load_workflow(control->store, optimizing->arena,
                                           runs.runs[i]->workflow, &row, &err) == FOUND) {
            know_pipeline(optimizing, &row);
        }
    }
    arena_reset(optimizing->arena);
}

bool optimization_load(struct control *control, struct err *err)
{
    struct optimizing *optimizing = control->optimizing;
    if (optimizing->learning == NULL) {
        return true;
    }
    const struct approval_sink sink = {.user = control, .optimization = on_open};
    const char *text = "";
    AUTO_BUF struct buf blob = {0};
    buf_init(&blob, LEARNING_BLOB_MAX);
    bool is_read = store_load_setting(control->store, optimizing->arena, LEARNING_SETTING,
                                      &text, err);
    if (is_read && text[0] != '\0' && base64_decode(&blob, text, strlen(text))) {
        struct learning *saved = learning_load(blob.data, blob.len);
        if (saved != NULL) {
            learning_free(optimizing->learning);
            optimizing->learning = saved;
            optimizing->searched = learning_count(saved);
            know_again(control);
        }
    }
    arena_reset(optimizing->arena);
    return is_read && store_load_approvals(control->store, &sink, err);
}
