/* SPDX-License-Identifier: MIT */

/*
 * Choice: from the outcome of a step that failed to what is done about it: classify, explain,
 * put into a problem, climb the ladder, decide. All rows are in the batch of the outcome.
 */

#include <limits.h>
#include <math.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/approval.h"
#include "engine/control/recovery_hand.h"

#define WAIT_AT_MOST span_s(1800)
#define BASE_SILENT  span_s(240) /* no pass for so long: the base is broken */
#define WAIT_FIRST   span_s(180)
#define WINDOW_MORE  span_s(300)

const struct provider_chain *chain_of_kind(const struct pipeline *pipeline,
                                           enum effect_kind kind)
{
    switch (kind) {
    case EFFECT_CODE:
        return &pipeline->agent_chain;
    case EFFECT_SANDBOX:
    case EFFECT_SETUP:
    case EFFECT_CHECK:
        return &pipeline->sandbox_chain;
    case EFFECT_EVALUATE:
        return &pipeline->evaluator_chain;
    default:
        return NULL;
    }
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static enum blame blame_of(const struct machine_input *input)
{
    if (input->result == NULL) {
        return BLAME_WORLD; /* the deadline of the state */
    }
    return input->result->blame != BLAME_NONE ? input->result->blame : BLAME_WORLD;
}

/* ---- what it is ---- */

static void judge(struct hand *hand)
{
    struct recovery *recovery = hand->control->recovery;
    const struct effect_result *result = hand->input->result;
    AUTO_FREE char *text = NULL;
    struct failure_input input = {
        .kind = hand->step.kind,
        .status = STATUS_TIMED_OUT,
        .blame = blame_of(hand->input),
        .exit_status = -1,
        .step = hand->step.name,
    };
    if (result != NULL) {
        bool has_lines = result->excerpt != NULL && result->excerpt[0] != '\0';
        text = mem_str(has_lines ? result->excerpt : or_empty(result->summary));
        input.status = result->status;
        input.exit_status = result->exit_status;
        input.provider = result->provider;
        input.summary = result->summary;
        input.text = text;
        input.len = strlen(text);
    }
    classify(recovery->classifier, &input, &recovery->judgement);
    recovery->is_dirty = true;
}

static const char *best_line(const struct hand *hand)
{
    const struct failure_judgement *judgement = &hand->control->recovery->judgement;
    const struct effect_result *result = hand->input->result;
    if (judgement->n_lines > 0) {
        return judgement->lines[0].text;
    }
    return result != NULL ? or_empty(result->summary)
                          : "the deadline of the state passed";
}

/* The failure that it is, new or once more. */
static void open_trouble(struct hand *hand)
{
    struct control *control = hand->control;
    const struct failure_judgement *judgement = &control->recovery->judgement;
    const struct workflow_row *row = &hand->live->workflow->row;
    const struct effect_result *result = hand->input->result;
    struct trouble *trouble = trouble_find(hand->live, row->state, hand->step.name);
    int n_rungs = 0;
    if (trouble != NULL) {
        trouble_end_rung(control, trouble, RECOVERY_FAILED, 0, best_line(hand),
                         hand->now);
        if (trouble->row.problem > 0) {
            problem_tried(control->recovery->problems, trouble->row.problem, row->id,
                          false, hand->now);
        }
        if (trouble->row.class_ != judgement->class_ &&
            trouble->row.labelled_by[0] == '\0') {
            n_rungs = trouble->row.n_rungs;
            trouble_settle(control, hand->live, trouble, FAILURE_RECOVERED,
                           "gone; another failure has come", hand->now);
            trouble = NULL;
        }
    }
    if (trouble == NULL) {
        trouble = trouble_add(control, hand->live);
        trouble->row.at = hand->now;
        trouble->row.n_rungs = n_rungs; /* a text that changes opens no new account */
    }
    if (strcmp(trouble->row.fingerprint, judgement->fingerprint) != 0) {
        memset(trouble->tried, 0, sizeof(trouble->tried)); /* new evidence */
    }
    trouble->row.workflow = row->id;
    trouble->row.effect = result != NULL ? effect_result_of(result) : row->effect_seq;
    trouble->row.state = row->state;
    trouble->row.class_ = judgement->class_;
    trouble->row.category = judgement->category;
    trouble->row.severity = judgement->severity;
    trouble->row.confidence = judgement->confidence;
    trouble->row.status = FAILURE_OPEN;
    memcpy(trouble->row.fingerprint, judgement->fingerprint,
           sizeof(trouble->row.fingerprint));
    trouble_set(&trouble->step, &trouble->row.step, hand->step.name);
    trouble_set(&trouble->repo, &trouble->row.repo, row->repo);
    trouble_set(&trouble->provider, &trouble->row.provider,
                result != NULL ? result->provider : NULL);
    trouble_set(&trouble->text, &trouble->row.text, best_line(hand));
    trouble_set(&trouble->rule, &trouble->row.rule, judgement->rule);
    hand->trouble = trouble;
}

static bool has_failed(const struct trouble *trouble, const char *provider)
{
    for (size_t i = 0; i < trouble->n_providers; i++) {
        if (strcmp(trouble->providers[i], provider) == 0) {
            return true;
        }
    }
    return false;
}

static void note_provider(struct trouble *trouble)
{
    if (trouble->row.provider[0] != '\0' && !has_failed(trouble, trouble->provider) &&
        trouble->n_providers < TROUBLE_PROVIDERS) {
        char *slot = trouble->providers[trouble->n_providers++];
        (void)snprintf(slot, sizeof(trouble->providers[0]), "%s", trouble->provider);
    }
}

/* ---- why, and what it touches ---- */

static void explain(struct hand *hand)
{
    struct trouble *trouble = hand->trouble;
    cause_explain(hand->control, hand->live, hand->now, hand->causes, &hand->n_causes);
    const char *cause = hand->n_causes > 0 ? hand->causes[0].node : "";
    trouble_set(&trouble->cause, &trouble->row.cause, cause);
    cause_blast(hand->control, cause, &hand->blast);
}

/* Another node that may as well be meant. */
static const char *other_cause(const struct hand *hand)
{
    const struct graph_cause *causes = hand->causes;
    if (hand->n_causes < 2 || causes[1].weight * 2 < causes[0].weight) {
        return NULL;
    }
    for (size_t i = 0; i < 2; i++) {
        enum node_kind kind = node_kind(causes[i].node);
        if (kind != NODE_SERVICE && kind != NODE_ENDPOINT && kind != NODE_HOST) {
            return NULL;
        }
    }
    return causes[1].node;
}

static void join_problem(struct hand *hand)
{
    struct control *control = hand->control;
    struct recovery *recovery = control->recovery;
    struct trouble *trouble = hand->trouble;
    if (trouble->row.id == 0) {
        trouble_put(control, trouble); /* gets its number */
    }
    const struct problem_failure failure = {
        .failure = trouble->row.id,
        .workflow = trouble->row.workflow,
        .cause = trouble->row.cause,
        .also = {other_cause(hand)},
        .repo = trouble->row.repo,
        .class_ = trouble->row.class_,
        .fingerprint = trouble->row.fingerprint,
        .severity = trouble->row.severity,
        .text = trouble->row.text,
        .at = hand->now,
    };
    problem_add(recovery->problems, &failure, &hand->problem);
    trouble->row.problem = hand->problem.id != 0 ? remedy_join(control, hand->live,
                                                               &hand->problem, hand->now)
                                                 : 0;
    hand->problem.id = trouble->row.problem;
    recovery->is_dirty = true;
}

/* ---- what can be done ---- */

static bool has_other_provider(const struct hand *hand)
{
    const struct provider_chain *chain =
        chain_of_kind(hand->live->workflow->pipeline, hand->step.kind);
    if (chain == NULL || chain->n_backups == 0) {
        return false;
    }
    if (!has_failed(hand->trouble, chain->first)) {
        return true;
    }
    for (size_t i = 0; i < chain->n_backups; i++) {
        if (!has_failed(hand->trouble, chain->backups[i])) {
            return true;
        }
    }
    return false;
}

static int left(int max, int used)
{
    return max - used > 0 ? max - used : 0;
}

static double storm_of(struct recovery *recovery, enum failure_class class_, double add,
                       struct wall now)
{
    double age = (double)(now.ms - recovery->storm_at[class_].ms) / 3600000;
    recovery->storm[class_] = recovery->storm[class_] * exp(age > 0 ? -age : 0) + add;
    recovery->storm_at[class_] = now;
    return recovery->storm[class_];
}

/* Services and machines need longer to come back than a process to start again. */
static double pause_of(const struct hand *hand)
{
    const struct machine_limits *limits = &hand->control->options.limits;
    const struct workflow_row *row = &hand->live->workflow->row;
    enum failure_class class_ = hand->trouble->row.class_;
    double pause = (double)limits->backoff.ms / 1000,
           most = (double)limits->backoff_max.ms / 1000;
    if (class_ == CLASS_QUOTA || class_ == CLASS_RESOURCE || class_ == CLASS_INFRA) {
        pause *= 4;
    }
    for (int i = 0; i < row->retries && pause < most; i++) {
        pause *= 2;
    }
    return pause < most ? pause : most;
}

/* The problem is none of the change: a service, or the base branch, on which nobody passes this
 * step any more. */
static bool is_outside(const struct hand *hand)
{
    const char *cause = hand->problem.id > 0 ? hand->problem.cause : "";
    if (strncmp(cause, "service:", strlen("service:")) == 0) {
        return true;
    }
    if (strncmp(cause, "repo:", strlen("repo:")) != 0) {
        return false;
    }
    struct wall last = passes_last(hand->control->recovery, hand->step.name,
                                   hand->live->workflow->row.repo);
    return wall_since(hand->now, last).ms > BASE_SILENT.ms;
}

static void look(struct hand *hand)
{
    struct control *control = hand->control;
    struct recovery *recovery = control->recovery;
    struct trouble *trouble = hand->trouble;
    const struct workflow *workflow = hand->live->workflow;
    const struct workflow_row *row = &workflow->row;
    const struct pipeline *pipeline = workflow->pipeline;
    struct ladder_context *context = &hand->context;
    *context = (struct ladder_context){
        .judgement = &recovery->judgement,
        .blame = blame_of(hand->input),
        .state = row->state,
        .kind = hand->step.kind,
        .n_rungs = trouble->row.n_rungs,
        .n_storm = (int)storm_of(recovery, trouble->row.class_, 0, hand->now),
        .is_changed = strcmp(trouble->head, row->head_sha) != 0,
        .has_agent = pipeline->agent.argv != NULL ||
                     pipeline->agent_chain.n_backups > 0 ||
                     strcmp(pipeline->agent_chain.first, "local") != 0,
        .has_other_agent = pipeline->agent_chain.n_backups > 0,
        .has_other_provider = has_other_provider(hand),
        .has_head = row->head_sha[0] != '\0',
        .retries_left = left(pipeline->max_retries, row->retries),
        .iterations_left = left(pipeline->max_iterations, row->iteration),
        .runs_left = pipeline->max_attempts > 0
                         ? left(pipeline->max_attempts, row->agent_runs)
                         : INT_MAX,
        .wall_left_s = (double)INFINITY,
        .pause_s = pause_of(hand),
        .step_s = (double)NAN,
        .agent_s = (double)NAN,
        .is_in_problem = hand->problem.id > 0,
        .problem_text = hand->problem.id > 0 ? hand->problem.text : NULL,
    };
    memcpy(context->tried, trouble->tried, sizeof(context->tried));
    if (pipeline->max_wall.ms > 0 && wall_is_set(row->started_at)) {
        context->wall_left_s =
            (double)(row->started_at.ms + pipeline->max_wall.ms - hand->now.ms) / 1000;
    }
    context->is_outside = is_outside(hand);
    bool may_hold = ladder_may_hold(trouble->row.class_) || context->is_outside;
    if (hand->problem.id > 0 && may_hold &&
        context->tried[RUNG_WAIT] < ladder_waits(context)) {
        context->is_held =
            !problem_admit(recovery->problems, hand->problem.id, row->id, hand->now);
    }
    const char *why;
    trouble->row.complexity = ladder_complexity(context, &why);
    trouble->row.is_flaky =
        recovery->judgement.p_flaky >= 0.6 || trouble->row.class_ == CLASS_FLAKY;
}

/* ---- the rung ---- */

/* Nothing but a person, and the table ends the workflow here too: its limits are used up. */
static bool table_fails(const struct hand *hand)
{
    const struct ladder_context *context = &hand->context;
    switch (context->blame) {
    case BLAME_SETUP:
        return true;
    case BLAME_CHANGE:
        return context->iterations_left == 0;
    case BLAME_OPERATOR:
        return true; /* it waits for a person anyway */
    default:
        return context->retries_left == 0;
    }
}

static double share(double p)
{
    return isnan(p) ? 0 : p * 100;
}

struct span choice_window(const struct workflow *workflow, enum workflow_state state,
                          enum rung rung, struct span pause)
{
    const struct pipeline *pipeline = workflow->pipeline;
    int64_t ms = pause.ms + WINDOW_MORE.ms;
    switch (rung) {
    case RUNG_HAND_BACK:
    case RUNG_OTHER_AGENT:
    case RUNG_SMALLER_TASK:
    case RUNG_OTHER_ORDER:
        ms += pipeline->planning.ms + pipeline->coding.ms + pipeline->validation.ms;
        break;
    default:
        ms += state == STATE_CODING ? pipeline->coding.ms : pipeline->validation.ms;
        break;
    }
    return (struct span){ms};
}

static void begin_rung(struct hand *hand, enum rung rung, struct span pause)
{
    struct control *control = hand->control;
    struct recovery *recovery = control->recovery;
    struct trouble *trouble = hand->trouble;
    const struct decide_answer *answer = &recovery->answer;
    static const struct decide_belief unknown = {(double)NAN, (double)NAN, (double)NAN, 0,
                                                 0,           (double)NAN, ""};
    const struct decide_belief *belief =
        answer->choice >= 0 ? &answer->beliefs[answer->choice] : &unknown;
    bool avoids = rung == RUNG_FALLBACK || rung == RUNG_OTHER_AGENT;
    trouble->rung = rung;
    trouble->began_at = hand->now;
    trouble->window_end =
        wall_add(hand->now, choice_window(hand->live->workflow,
                                          hand->live->workflow->row.state, rung, pause));
    trouble->is_asked = hand->is_asked;
    if (rung == RUNG_ESCALATE || hand->is_asked) {
        trouble->window_end.ms = 0; /* people take the time they need */
    }
    bool is_free = rung == RUNG_WAIT && hand->context.is_in_problem &&
                   ladder_may_hold(trouble->row.class_);
    trouble->row.n_rungs += !is_free && rung != RUNG_ESCALATE;
    trouble->tried[rung]++;
    const struct recovery_row row = {
        .failure = trouble->row.id,
        .problem = trouble->row.problem,
        .workflow = trouble->row.workflow,
        .decision = trouble->decision,
        .service = avoids ? trouble->row.provider : "",
        .rung = rung,
        .number = trouble->row.n_rungs + (rung == RUNG_ESCALATE || rung == RUNG_WAIT),
        .status = hand->is_asked ? RECOVERY_ASKED : RECOVERY_RUNNING,
        .decider = trouble->decider,
        .odds = belief->p,
        .odds_low = belief->low,
        .odds_high = belief->high,
        .trials = belief->trials,
        .reason = answer->reason,
        .expected = ladder_expected(rung),
        .inverse = ladder_inverse(rung),
        .outcome = "",
        .asked_at = hand->now,
        .started_at.ms = hand->is_asked ? 0 : hand->now.ms,
        .window_end = trouble->window_end,
        .cost_s = (double)NAN,
    };
    trouble->recovery = store_put_recovery(control->store, &row);
    audit_recovery(control, trouble->recovery, &row, hand->now);
    if (rung != RUNG_ESCALATE && !hand->is_asked) {
        autonomy_done(control, rung_act(rung), hand->live->workflow->row.repo);
    }
    if (rung != RUNG_WAIT && rung != RUNG_ESCALATE) {
        (void)storm_of(recovery, trouble->row.class_, 1, hand->now);
    }
    if (rung == RUNG_HAND_BACK || rung == RUNG_OTHER_AGENT || rung == RUNG_SMALLER_TASK ||
        rung == RUNG_OTHER_ORDER) {
        (void)snprintf(trouble->head, sizeof(trouble->head), "%s",
                       hand->live->workflow->row.head_sha);
    }
}

struct span choice_wait(int tried)
{
    struct span wait = WAIT_FIRST;
    for (int i = 0; i < tried && wait.ms < WAIT_AT_MOST.ms; i++) {
        wait.ms *= 2;
    }
    return wait.ms > WAIT_AT_MOST.ms ? WAIT_AT_MOST : wait;
}

/* Held by a problem: until others have passed. Else a pause that grows. */
static struct span wait_of(const struct hand *hand)
{
    return hand->context.is_held ? WAIT_AT_MOST
                                 : choice_wait(hand->context.tried[RUNG_WAIT]);
}

/* The sandbox is made by somebody else. */
enum rung choice_rung(enum rung rung, enum effect_kind kind)
{
    bool makes_anew =
        rung == RUNG_FALLBACK && (kind == EFFECT_SETUP || kind == EFFECT_CHECK);
    return makes_anew ? RUNG_CHECKPOINT : rung;
}

static void make_plan(struct hand *hand, enum rung rung, struct machine_plan *plan)
{
    struct recovery *recovery = hand->control->recovery;
    const struct decide_answer *answer = &recovery->answer;
    double p = answer->choice >= 0 ? answer->beliefs[answer->choice].p : (double)NAN;
    plan->rung = rung;
    plan->checkpoint = ladder_checkpoint(&hand->context);
    plan->advice = ladder_advice(rung);
    plan->pause.ms = 0;
    if (rung == RUNG_RETRY) {
        double jitter = 0.75 + rng_unit(&hand->control->rng) / 2;
        plan->pause.ms = (int64_t)(hand->context.pause_s * jitter * 1000);
    } else if (rung == RUNG_FALLBACK) {
        plan->pause.ms = 1000;
    } else if (rung == RUNG_WAIT) {
        plan->pause = wait_of(hand);
    }
    plan->is_asked = hand->is_asked;
    if (hand->is_gone) {
        plan->words = "its pull request was closed; a person is asked";
    } else if (hand->observed < RUNG_COUNT) {
        plan->words = arena_printf(recovery->arena, "%s: would be %s, only observed",
                                   class_word(hand->trouble->row.class_),
                                   rung_strategy(hand->observed));
    } else if (rung == RUNG_ESCALATE) {
        plan->words = arena_printf(recovery->arena, "%s; a person is asked",
                                   class_word(hand->trouble->row.class_));
    } else {
        plan->words =
            arena_printf(recovery->arena, "%s: %s, %.0f %% (%s)",
                         class_word(hand->trouble->row.class_), rung_strategy(rung),
                         share(p), decider_word(answer->decider));
    }
    plan->rung = choice_rung(rung, hand->step.kind);
    bool is_left =
        hand->is_gone || hand->observed < RUNG_COUNT; /* something could be done */
    if (rung == RUNG_ESCALATE && !is_left && table_fails(hand)) {
        plan->rung = RUNG_COUNT;
    }
}

static void count_failure(struct recovery *recovery, struct wall now)
{
    double age = (double)(now.ms - recovery->failed_at.ms) / 300000;
    recovery->n_failed = recovery->n_failed * exp(age > 0 ? -age : 0) + 1;
    recovery->failed_at = now;
}

void choice_make(struct control *control, struct live *live,
                 const struct machine_input *input, struct wall now,
                 struct machine_plan *ret_plan)
{
    struct recovery *recovery = control->recovery;
    struct hand hand = {.control = control,
                        .live = live,
                        .input = input,
                        .now = now,
                        .step = trouble_step(live->workflow),
                        .observed = RUNG_COUNT};
    count_failure(recovery, now);
    judge(&hand);
    open_trouble(&hand);
    note_provider(hand.trouble);
    explain(&hand);
    join_problem(&hand);
    look(&hand);
    enum rung rung = hand_decide(&hand);
    make_plan(&hand, rung, ret_plan);
    begin_rung(&hand, rung, ret_plan->pause);
    hand.trouble->row.status =
        rung == RUNG_ESCALATE || hand.is_asked ? FAILURE_ESCALATED : FAILURE_OPEN;
    (void)snprintf(hand.trouble->failed_head, sizeof(hand.trouble->failed_head), "%s",
                   live->workflow->row.head_sha);
    trouble_set(&hand.trouble->detail, &hand.trouble->row.detail,
                text_detail(control, hand.trouble, &hand.context, hand.causes,
                            hand.n_causes, &hand.blast));
    trouble_put(control, hand.trouble);
    remedy_count(control, live->workflow, hand.trouble->row.provider, false, now);
}
