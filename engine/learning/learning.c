/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/learning_private.h"

#define MS_PER_DAY   86400000.0
#define OTHER_SCOPES 0.25 /* of a label counts for the kind at other scopes */

static const char *const model_words[] = {
#define X(id, word, unit, help) word,
    MODEL_OF_LIST(X)
#undef X
};

const char *model_of_word(enum model_of of)
{
    return (size_t)of < ARRAY_LEN(model_words) ? model_words[of] : "?";
}

struct learning *learning_new(uint64_t seed)
{
    struct learning *learning = mem_alloc(sizeof(*learning));
    learning->words = words_new();
    learning->seed = seed;
    return learning;
}

void learning_free(struct learning *learning)
{
    if (learning == NULL) {
        return;
    }
    for (size_t i = 0; i < learning->n_runs; i++) {
        free(learning->runs[i]);
    }
    words_free(learning->words);
    free(learning);
}

/* ---- models --------------------------------------------------------------------------- */

/* The model of that, made when there is none; NULL: there are LEARNING_MODELS. */
static struct model *model_for(struct learning *learning, enum model_of of,
                               uint16_t scope, uint16_t name)
{
    for (size_t i = 0; i < learning->n_models; i++) {
        struct keyed_model *keyed = &learning->models[i];
        if (keyed->of == of && keyed->scope == scope && keyed->name == name) {
            return &keyed->model;
        }
    }
    if (learning->n_models == LEARNING_MODELS) {
        return NULL;
    }
    struct keyed_model *keyed = &learning->models[learning->n_models++];
    *keyed = (struct keyed_model){.of = (uint8_t)of, .scope = scope, .name = name};
    model_init(&keyed->model);
    return &keyed->model;
}

static void teach(struct learning *learning, enum model_of of, uint16_t scope,
                  uint16_t name, struct wall at, double value, bool has_failed)
{
    struct model *model = model_for(learning, of, scope, name);
    if (model != NULL) {
        model_add(model, at, value, has_failed);
    }
}

static struct wall time_in(const struct run_features *run, float at)
{
    return (struct wall){run->created_at.ms +
                         (isfinite(at) ? (int64_t)((double)at * 1000) : 0)};
}

static void teach_models(struct learning *learning, const struct run_features *run)
{
    double work_s = run_measure(run, RUN_WORK) * 60;
    teach(learning, MODEL_WORKFLOW, run->pipeline, 0, run->finished_at, work_s,
          run->state != STATE_COMPLETED);
    teach(learning, MODEL_SLOT, run->pipeline, 0, run->started_at,
          (double)run->wait[WAIT_SLOT], false);
    for (size_t i = 0; i < run->n_visits; i++) {
        const struct run_visit *visit = &run->visits[i];
        if (visit->state == STATE_PARKED) {
            continue;
        }
        uint16_t name =
            words_put(learning->words, state_name((enum workflow_state)visit->state));
        teach(learning, MODEL_STATE, run->pipeline, name, time_in(run, visit->at),
              visit->end == VISIT_DONE ? (double)visit->active : (double)NAN,
              visit->end == VISIT_DEADLINE);
    }
    for (size_t i = 0; i < run->n_steps; i++) {
        const struct run_step *step = &run->steps[i];
        bool has_failed = run_step_has_failed(step);
        double took = run_step_has_passed(step) ? (double)step->run : (double)NAN;
        struct wall at = time_in(run, step->at);
        if (has_failed || isfinite(took)) {
            teach(learning, MODEL_STEP, run->pipeline, step->name, at, took, has_failed);
            teach(learning, MODEL_PROVIDER, step->provider, 0, at, took, has_failed);
            teach(learning, MODEL_LINE, step->provider, 0, at, (double)step->wait, false);
        }
    }
}

size_t learning_models(const struct learning *learning, struct arena *arena,
                       const struct model_row **ret_rows)
{
    struct model_row *rows = arena_array(arena, learning->n_models + 1, sizeof(*rows));
    for (size_t i = 0; i < learning->n_models; i++) {
        const struct keyed_model *keyed = &learning->models[i];
        rows[i] = (struct model_row){
            .of = (enum model_of)keyed->of,
            .scope = arena_str(arena, words_name(learning->words, keyed->scope)),
            .name = arena_str(arena, words_name(learning->words, keyed->name)),
            .view = model_see(&keyed->model),
        };
    }
    *ret_rows = rows;
    return learning->n_models;
}

/* ---- runs ----------------------------------------------------------------------------- */

/* Added again after a restart that came between adding and saving where the log was read to. */
static bool is_known(const struct learning *learning, int64_t workflow)
{
    for (size_t i = learning->n_runs; i-- > 0;) {
        if (learning->runs[i]->workflow == workflow) {
            return true;
        }
    }
    return false;
}

bool learning_add(struct learning *learning, const struct feature_source *source)
{
    if (is_known(learning, source->workflow->id)) {
        return false;
    }
    struct run_features *run = features_of(learning->words, source);
    if (run == NULL) {
        return false;
    }
    if (learning->n_runs == LEARNING_RUNS) {
        /* the oldest tenth at once, so that not each run moves all the others */
        size_t n_gone = LEARNING_RUNS / 10;
        for (size_t i = 0; i < n_gone; i++) {
            free(learning->runs[i]);
        }
        learning->n_runs -= n_gone;
        memmove(learning->runs, learning->runs + n_gone,
                learning->n_runs * sizeof(struct run_features *));
    }
    learning->runs[learning->n_runs++] = run;
    learning->n_added++;
    teach_models(learning, run);
    return true;
}

void learning_change(struct learning *learning, const char *service,
                     enum breaker_state state, struct wall at)
{
    if (state != BREAKER_OPEN && state != BREAKER_HALF_OPEN && state != BREAKER_CLOSED) {
        return;
    }
    if (learning->n_changes == LEARNING_CHANGES) {
        size_t n_gone = LEARNING_CHANGES / 10;
        learning->n_changes -= n_gone;
        memmove(learning->changes, learning->changes + n_gone,
                learning->n_changes * sizeof(learning->changes[0]));
    }
    struct service_change *change = &learning->changes[learning->n_changes++];
    memset(change, 0, sizeof(*change));
    change->service = words_put(learning->words, service);
    change->state = (uint8_t)state;
    change->at = at;
}

int64_t learning_count(const struct learning *learning)
{
    return learning->n_added;
}

struct learning_runs learning_runs(struct learning *learning)
{
    return (struct learning_runs){(const struct run_features *const *)learning->runs,
                                  learning->n_runs, learning->words};
}

/* ---- proposals ------------------------------------------------------------------------ */

/* Its index; n_proposed: it was never made. */
static size_t find_proposed(const struct learning *learning, const char *fingerprint)
{
    size_t i = 0;
    while (i < learning->n_proposed &&
           strcmp(learning->proposed[i].fingerprint, fingerprint) != 0) {
        i++;
    }
    return i;
}

static size_t settled_for_longest(const struct learning *learning)
{
    size_t best = 0;
    for (size_t i = 1; i < learning->n_proposed; i++) {
        const struct proposed *one = &learning->proposed[i];
        const struct proposed *other = &learning->proposed[best];
        bool is_better =
            !optimization_is_settled(other->status) || one->at.ms < other->at.ms;
        best = optimization_is_settled(one->status) && is_better ? i : best;
    }
    return best;
}

/* An empty one of that fingerprint; when the book is full another makes room. */
static struct proposed *make_proposed(struct learning *learning, const char *fingerprint)
{
    size_t at = find_proposed(learning, fingerprint);
    if (at == LEARNING_PROPOSALS) {
        at = settled_for_longest(learning);
    } else if (at == learning->n_proposed) {
        learning->n_proposed++;
    }
    struct proposed *proposed = &learning->proposed[at];
    memset(proposed, 0, sizeof(*proposed));
    (void)snprintf(proposed->fingerprint, sizeof(proposed->fingerprint), "%s",
                   fingerprint);
    return proposed;
}

/* How many of the runs that a proposal rests on have ended since then. */
static int64_t new_evidence(const struct learning *learning,
                            const struct proposal *proposal, struct wall since)
{
    const char *colon = strchr(proposal->scope, ':');
    uint16_t name = colon != NULL ? words_find(learning->words, colon + 1) : 0;
    bool is_pipeline = strncmp(proposal->scope, "pipeline:", 9) == 0;
    int64_t n = 0;
    for (size_t i = 0; i < learning->n_runs; i++) {
        const struct run_features *run = learning->runs[i];
        bool is_its = !is_pipeline || run->pipeline == name;
        n += is_its && run->finished_at.ms > since.ms ? 1 : 0;
    }
    return n;
}

static bool is_news(const struct learning *learning, const struct proposal *proposal)
{
    size_t at = find_proposed(learning, proposal->fingerprint);
    if (at == learning->n_proposed) {
        return true;
    }
    const struct proposed *before = &learning->proposed[at];
    if (!optimization_is_settled(before->status)) {
        return false;
    }
    if (before->status == OPT_KEPT && strcmp(before->to, proposal->from) == 0) {
        return true; /* one step on from where it helped */
    }
    bool has_moved = before->metric == proposal->metric &&
                     (proposal->expected.value < before->expected.low ||
                      proposal->expected.value > before->expected.high);
    int64_t n = new_evidence(learning, proposal, before->at);
    return n >= before->n_evidence ||
           (has_moved && n >= before->n_evidence / NEWS_LEAST_PART);
}

static double decay(const struct label_count *label, struct wall now)
{
    double days = (double)(now.ms - label->at.ms) / MS_PER_DAY;
    return days > 0 ? exp2(-days / LABEL_HALF_LIFE_DAYS) : 1;
}

double learning_acceptance(const struct learning *learning, enum optimization_kind kind,
                           const char *scope, struct wall now)
{
    double taken = 1, all = 1;
    for (size_t i = 0; i < learning->n_labels; i++) {
        const struct label_count *label = &learning->labels[i];
        if (label->kind == kind) {
            double weight = decay(label, now);
            weight *= strcmp(label->scope, scope) == 0 ? 1 : OTHER_SCOPES;
            taken += weight * label->n_taken;
            all += weight * (label->n_taken + label->n_refused);
        }
    }
    return taken / all;
}

static double metric_mean(const struct learning *learning, enum run_metric metric)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < learning->n_runs; i++) {
        double value = run_measure(learning->runs[i], metric);
        sum += isfinite(value) ? value : 0;
        n += isfinite(value) ? 1 : 0;
    }
    return n > 0 ? sum / n : 0;
}

/* What people do not take must be worth more to be shown to them. */
static bool is_welcome(const struct learning *learning, const struct proposal *proposal,
                       struct wall now)
{
    double acceptance =
        learning_acceptance(learning, proposal->kind, proposal->scope, now);
    double worth = fabs(proposal->expected.value);
    double mean = metric_mean(learning, proposal->metric);
    return acceptance >= ACCEPTANCE_LEAST &&
           worth >= OPTIMIZE_WORTH / (acceptance * acceptance) * mean;
}

static void note_proposed(struct learning *learning, const struct proposal *proposal,
                          struct wall now)
{
    struct proposed *proposed = make_proposed(learning, proposal->fingerprint);
    proposed->kind = proposal->kind;
    proposed->status = OPT_PROPOSED;
    proposed->metric = proposal->metric;
    proposed->at = now;
    proposed->n_evidence = proposal->n_evidence;
    proposed->expected = proposal->expected;
    (void)snprintf(proposed->to, sizeof(proposed->to), "%s", proposal->to);
}

enum optimization_kind learning_turn(const struct learning *learning)
{
    return (enum optimization_kind)learning->next_kind;
}

void learning_turn_to(struct learning *learning, enum optimization_kind kind)
{
    learning->next_kind = (int)kind;
}

static struct rng rng_of(const struct learning *learning)
{
    struct rng rng;
    rng_init(&rng, learning->seed + (uint64_t)learning->n_added);
    rng_init(&rng, rng_next(&rng) + (uint64_t)learning->next_kind);
    return rng;
}

size_t learning_propose(struct learning *learning, const struct learning_world *world,
                        struct wall now, struct proposal *out, size_t max)
{
    struct optimize_input input = {
        .words = learning->words,
        .runs = (const struct run_features *const *)learning->runs,
        .n_runs = learning->n_runs,
        .lookup = world->lookup,
        .user = world->user,
        .processors = world->processors,
        .now = now,
        .open_since = world->open_since,
        .changes = learning->changes,
        .n_changes = learning->n_changes,
        .scales = world->scales,
        .n_scales = world->n_scales,
    };
    struct rng rng = rng_of(learning);
    enum optimization_kind kind = learning_turn(learning);
    learning->next_kind = (learning->next_kind + 1) % OPTIMIZATION_KIND_COUNT;
    size_t n = optimize_kind(&input, kind, &rng, out, max), n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_news(learning, &out[i]) && is_welcome(learning, &out[i], now)) {
            note_proposed(learning, &out[i], now);
            if (n_kept != i) {
                out[n_kept] = out[i];
            }
            n_kept++;
        }
    }
    return n_kept;
}

/* ---- verdicts ------------------------------------------------------------------------- */

static struct label_count *label_for(struct learning *learning,
                                     enum optimization_kind kind, const char *scope)
{
    struct label_count *oldest = &learning->labels[0];
    for (size_t i = 0; i < learning->n_labels; i++) {
        struct label_count *label = &learning->labels[i];
        if (label->kind == kind && strcmp(label->scope, scope) == 0) {
            return label;
        }
        oldest = label->at.ms < oldest->at.ms ? label : oldest;
    }
    if (learning->n_labels < LABELS_MAX) {
        oldest = &learning->labels[learning->n_labels++];
    }
    memset(oldest, 0, sizeof(*oldest));
    oldest->kind = kind;
    (void)snprintf(oldest->scope, sizeof(oldest->scope), "%s", scope);
    return oldest;
}

static double known(double number)
{
    return isfinite(number) ? number : 0;
}

static struct proposed *proposed_of(struct learning *learning,
                                    const struct optimization_row *row)
{
    size_t at = find_proposed(learning, row->fingerprint);
    if (at < learning->n_proposed) {
        return &learning->proposed[at];
    }
    struct proposed *proposed = make_proposed(learning, row->fingerprint);
    proposed->kind = row->kind;
    proposed->n_evidence = row->n_evidence;
    proposed->expected = (struct estimate){known(row->expected), known(row->expected_low),
                                           known(row->expected_high)};
    if (!run_metric_find(row->metric, &proposed->metric)) {
        proposed->metric = RUN_METRIC_COUNT - 1; /* a word of another program */
    }
    return proposed;
}

bool learning_has(const struct learning *learning, const struct optimization_row *row)
{
    size_t at = find_proposed(learning, row->fingerprint);
    return at < learning->n_proposed && learning->proposed[at].status == row->status;
}

void learning_verdict(struct learning *learning, const struct optimization_row *row,
                      enum optimization_status status, struct wall now)
{
    struct proposed *proposed = proposed_of(learning, row);
    proposed->status = status;
    proposed->at = now;
    (void)snprintf(proposed->to, sizeof(proposed->to), "%s", row->to);
    bool is_taken = status == OPT_KEPT;
    bool is_refused =
        status == OPT_REJECTED || status == OPT_UNDONE || status == OPT_TAKEN_BACK;
    if (is_taken || is_refused) {
        struct label_count *label = label_for(learning, row->kind, row->scope);
        double keep = label->at.ms != 0 ? decay(label, now) : 1;
        label->n_taken = label->n_taken * keep + (is_taken ? 1 : 0);
        label->n_refused = label->n_refused * keep + (is_refused ? 1 : 0);
        label->at = now;
    }
}
