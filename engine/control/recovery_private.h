/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_RECOVERY_PRIVATE_H
#define SIGNALBOX_CONTROL_RECOVERY_PRIVATE_H

/*
 * What these share, all of the control thread:
 *   recovery.c          the door: a step failed, passed, time went by; start
 *   recovery_trouble.c  the open failure of a workflow: its question, its rung, its end
 *   recovery_choice.c   what failed and what is done about it (recovery_hand.h)
 *   recovery_decide.c   which rung
 *   recovery_cause.c    what explains it and what it touches
 *   recovery_problem.c  many failures of one cause: what is done about a service
 *   recovery_verb.c     what operators say: label, kill
 *   recovery_asked.c    rungs of a workflow that a person must allow first
 *   recovery_text.c     rows' JSON and sentences
 *
 * Judgement is in engine/recovery and engine/decision, pure; here it meets the store and the
 * machine. All that is decided at a failure is in the transaction of its outcome.
 */

#include "engine/control/control_private.h"
#include "engine/decision/decide.h"
#include "engine/recovery/classify.h"
#include "engine/recovery/graph.h"
#include "engine/recovery/ladder.h"
#include "engine/recovery/problem.h"
#include "engine/service/service.h"
#include "store/approval.h"

#define TROUBLE_PROVIDERS  6
#define LEVEL_MAX          160
#define FACTORS_MAX        16
#define OPEN_ANOMALIES_MAX 512

/* A factor of a question, kept until its outcome is known. */
struct kept_factor {
    char name[24], word[72];
    double number;
};

/* A question as it was asked: what its outcome is learned for. */
struct kept_question {
    enum decision_kind kind;
    char levels[4][LEVEL_MAX];
    size_t n_levels;
    struct kept_factor factors[FACTORS_MAX];
    size_t n_factors;
};

/* The open failure of a workflow. Strings are owned. */
struct trouble {
    struct trouble *next;
    struct failure_row row; /* text fields point to what follows */
    char *step, *repo, *provider, *text, *rule, *cause, *detail, *labelled_by;
    int tried[RUNG_COUNT];
    char head[72];                         /* head commit when the agent was asked last */
    char failed_head[72];                  /* head commit on which the step failed last */
    char providers[TROUBLE_PROVIDERS][64]; /* that failed */
    size_t n_providers;
    double pause_s;           /* of the newest retry */
    bool is_helped;           /* an operator acted */
    enum rung operators_rung; /* what he did; RUNG_COUNT */
    /* the rung under way; recovery 0 = none */
    int64_t recovery, decision;
    enum rung rung;
    struct wall began_at, window_end;
    enum decider decider;
    struct kept_question question;
    bool is_asked; /* a person must approve the rung first */
};
void trouble_free(struct trouble *trouble); /* accepts NULL */

struct open_anomaly {
    int64_t id, incident;
    char component[96], text[120];
    enum severity severity;
    struct wall began_at;
};

struct recovery;

/* What is done about a problem. */
struct remedy {
    int64_t problem, recovery, decision;
    enum rung rung;
    char service[64];
    struct wall began_at, window_end;
    int n_passed, n_failed; /* of what depends on it, since */
    bool is_asked;          /* waits for a person */
    int tried[RUNG_COUNT];
    struct kept_question question;
};

/* When a step of a repository passed last, as far as it is remembered. */
struct step_pass {
    uint64_t key;
    struct wall at;
};
#define STEP_PASSES 256
void passes_note(struct recovery *recovery, const char *step, const char *repo,
                 struct wall at);
struct wall passes_last(const struct recovery *recovery, const char *step,
                        const char *repo); /* unset: not known */

struct recovery {
    struct step_pass passes[STEP_PASSES]; /* by key; the newer of two that meet */
    struct classifier *classifier;
    struct template_book *templates; /* the classifier's */
    struct graph *graph;
    struct problem_book *problems;
    struct decide *decide;
    struct remedy remedies[PROBLEMS_OPEN];
    size_t n_remedies;
    struct open_anomaly anomalies[OPEN_ANOMALIES_MAX];
    size_t n_anomalies;
    double storm[CLASS_COUNT]; /* rungs of a class within the last hour, decayed */
    struct wall storm_at[CLASS_COUNT];
    double n_failed; /* within the last minutes, decayed; a factor */
    struct wall failed_at;
    bool is_dirty;                      /* something to put with the next commit */
    struct wall tick_at, wake_at;       /* wake_at unset: nobody */
    struct wall now, saved_at;          /* of the newest input; of the books */
    struct idmap kept;                  /* troubles of workflows that are not in memory */
    struct machine_plan plan;           /* given to the machine */
    struct arena *arena;                /* of the call in hand */
    struct failure_judgement judgement; /* large; one at a time */
    struct ladder ladder;
    struct decide_answer answer;
};

/* ---- recovery_trouble.c: troubles of a workflow and their ends ---- */
/* The step in hand, of the state that counts. */
struct stage_step trouble_step(const struct workflow *workflow);
struct trouble *trouble_find(const struct live *live, enum workflow_state state,
                             const char *step);
/* A new one; strings are set. */
struct trouble *trouble_add(struct control *control, struct live *live);
void trouble_put(struct control *control, struct trouble *trouble);
/* The rung under way has ended like this. */
void trouble_end_rung(struct control *control, struct trouble *trouble,
                      enum recovery_status status, double success, const char *outcome,
                      struct wall now);
/* It is over: out of the workflow's list. */
void trouble_settle(struct control *control, struct live *live, struct trouble *trouble,
                    enum failure_status status, const char *outcome, struct wall now);
void trouble_set(char **slot, const char **field, const char *text);
/* What became of a decision. */
void decision_settle(struct control *control, int64_t id, enum verdict verdict,
                     double reward, const char *outcome, struct wall now);
/* Nothing can be said about it any more; *decision is 0 then. */
void decision_forget(struct control *control, int64_t *decision, const char *why,
                     struct wall now);
/* At the start: one without a verdict. */
void decision_restore(struct control *control, const struct decision_row *row,
                      struct wall now);
/* A question out of what was kept; levels and factors point into `kept`. */
void question_of(const struct kept_question *kept, struct decide_factor *factors,
                 struct decide_question *ret_question);
/* Learn the outcome of the option of this name. */
void question_learn(struct control *control, const struct kept_question *kept,
                    const char *option, const struct decide_outcome *outcome,
                    struct wall now);

/* ---- decision.c: choices beside those about failures ---- */
struct asked {
    struct decide_option options[8];
    const char *labels
        [8]; /* what its row calls them: the option's name, if nothing else is set */
    size_t n;
    struct kept_question question;
};
/* The rules' first choice comes first. */
void asked_option(struct asked *asked, const char *name, double prior, double cost_s,
                  double risk);
void asked_level(struct asked *asked, const char *format, const char *what);
/* Index of the choice, with recovery->answer behind it; and its row, of which who asks sets
 * workflow, subject and (if it has one) the reason. */
int asked_ask(struct control *control, struct asked *asked, struct wall now);
int64_t asked_put(struct control *control, const struct asked *asked, int choice,
                  struct decision_row row, struct wall now);

/* ---- recovery_choice.c: a failure and what is done about it ---- */
/* The chain of who may perform steps of this kind; NULL: only one can. */
const struct provider_chain *chain_of_kind(const struct pipeline *pipeline,
                                           enum effect_kind kind);
/* Under which class of actions a rung is; RUNG_ESCALATE is under none. */
enum act rung_act(enum rung rung);
/* How long a rung of a workflow has to show that it helped; how long the n-th wait is; the rung as
 * the machine knows it. */
struct span choice_window(const struct workflow *workflow, enum workflow_state state,
                          enum rung rung, struct span pause);
struct span choice_wait(int tried);
enum rung choice_rung(enum rung rung, enum effect_kind kind);
/* A failure of the step in hand: its trouble is opened or goes on, a rung is chosen, rows are put.
 * ret_plan says what the machine is to do (rung RUNG_COUNT: as its table says). */
void choice_make(struct control *control, struct live *live,
                 const struct machine_input *input, struct wall now,
                 struct machine_plan *ret_plan);

/* ---- recovery_asked.c ---- */
/* Whose rung waits for a person; NULL = none. */
struct trouble *trouble_asked(const struct live *live);
/* After a step of the machine: what was asked begins, is refused, or is over. */
void asked_follow(struct control *control, struct live *live,
                  const struct workflow_row *before, const struct machine_input *input,
                  struct wall now);

/* ---- recovery_cause.c ---- */
void cause_explain(struct control *control, const struct live *live, struct wall now,
                   struct graph_cause *ret_causes, size_t *ret_n);
void cause_blast(struct control *control, const char *node, struct blast *ret_blast);
void cause_anomaly(struct control *control, const struct anomaly_row *row);

/* ---- recovery_problem.c ---- */
/* The failure belongs to this problem now (id -1 or above 0). */
int64_t remedy_join(struct control *control, struct live *live,
                    struct problem_row *problem, struct wall now);
/* Something that uses these has passed or failed. */
void remedy_count(struct control *control, const struct workflow *workflow,
                  const char *provider, bool has_passed, struct wall now);
/* What a remedy was about to do cannot be done: it has failed, and the next one is chosen with
 * the next failure. */
void remedy_could_not(struct control *control, const char *service, enum rung rung,
                      const char *why, struct wall now);
void remedy_tick(struct control *control, struct wall now);
/* How long a remedy holds before it is judged. */
struct span remedy_hold(enum rung rung);
/* Is a person asked first, by its level of autonomy? */
bool remedy_asks(const struct control *control, enum rung rung, struct wall now);
/* It begins without a person: counted with the level that allows it. */
void remedy_done(struct control *control, enum rung rung);
/* The approval of a remedy that waits (remedy_card.c). */
void remedy_ask(struct control *control, const struct problem_row *problem,
                enum rung rung, const struct recovery_row *row, struct wall now);
void remedy_answer(struct control *control, const struct recovery_row *row,
                   bool is_approved, const char *actor, const char *reason,
                   struct wall now, struct answer *answer);
void remedy_restore(struct control *control, const struct recovery_row *row);

/* ---- recovery_text.c ---- */
/* In recovery->arena. */
const char *text_detail(struct control *control, const struct trouble *trouble,
                        const struct ladder_context *context,
                        const struct graph_cause *causes, size_t n_causes,
                        const struct blast *blast);
const char *text_alternatives(struct control *control, const struct ladder *ladder,
                              const struct decide_answer *answer);
const char *text_context(struct control *control, const struct kept_question *question);
void text_restore_ladder(struct trouble *trouble, const char *detail);
void text_restore(struct kept_question *ret_question, const char *context);
const char *text_blast(struct control *control, const struct blast *blast);

#endif
