/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_WORKFLOW_MACHINE_H
#define SIGNALBOX_WORKFLOW_MACHINE_H

/*
 * Machine: the life of one workflow, as one transition table.
 *
 * Pure: a workflow and an input go in; the workflow is changed, and what follows from it
 * (the event to record, effects to ask for, documents, an effect to stop) comes out. No
 * I/O, no clock, no globals. One door: machine_step looks up (state, event, guard),
 * applies the state and runs the action. No row means that the event is refused (an
 * operator's) or ignored (an outcome that nobody waits for); both are counted by the
 * caller, neither changes anything.
 *
 * A state is a sequence of steps, each one effect: stage_step() says which. A workflow
 * has at most one of these effects in flight; its number is row.effect_seq. Cleaning up
 * (CLOSE, CLEANUP) goes beside it and is not waited for.
 *
 * Checks side by side (limits.parallel): from the first check that is left all are asked for at
 * once, each with its row; the last of them is in flight for all, and one result comes.
 * row.step stays at the first until machine_arrive() takes the workflow to the check that the
 * result speaks of: those before it have passed. From there on it is as if that one had been
 * asked for alone.
 *
 * Slots: a workflow that may go on has wait WAIT_SLOT until the scheduler gives it
 * EV_START.
 *
 * Services: an effect that no provider could begin (EV_SERVICE) uses up nothing. The
 * workflow is PARKED with WAIT_SERVICE, its clock stands, and EV_RELEASE lets it go on
 * with the same attempt. A rollback waits in RECOVERING, without a slot.
 *
 * An adopted workflow begins with somebody's pull request, in PR_CREATED; cancelling it
 * leaves the pull request open.
 *
 * tests/unit/machine.golden holds the whole table as text.
 */

#include "engine/base/rng.h"
#include "engine/service/port.h"
#include "engine/workflow/pipeline.h"
#include "store/recovery.h"

/* X(identifier, name, comes from, help) */
#define EVENT_LIST(X)                                                                    \
    X(EV_NONE, "none", "", "")                                                           \
    X(EV_START, "start", "scheduler", "a slot is free")                                  \
    X(EV_PASSED, "passed", "outcome", "the step is done")                                \
    X(EV_CHANGE, "change-failed", "outcome", "the step says the change is wrong")        \
    X(EV_WORLD, "world-failed", "outcome", "the surroundings failed")                    \
    X(EV_SETUP, "setup-failed", "outcome", "settings are wrong")                         \
    X(EV_OPERATOR, "operator-needed", "outcome", "a person must put something right")    \
    X(EV_DEADLINE, "deadline", "timer", "the state took longer than its deadline")       \
    X(EV_BUDGET, "budget", "timer", "80 % of the budget of wall time are used, or all")  \
    X(EV_TIMER, "timer", "timer", "the pause before a retry is over")                    \
    X(EV_PAUSE, "pause", "operator", "")                                                 \
    X(EV_RESUME, "resume", "operator", "")                                               \
    X(EV_CANCEL, "cancel", "operator", "")                                               \
    X(EV_RETRY, "retry", "operator", "")                                                 \
    X(EV_SKIP, "skip", "operator", "")                                                   \
    X(EV_APPROVE, "approve", "operator", "")                                             \
    X(EV_REJECT, "reject", "operator", "")                                               \
    X(EV_ROLLBACK, "rollback", "operator", "")                                           \
    X(EV_SERVICE, "service-blocked", "outcome", "not begun: no provider is available")   \
    X(EV_RELEASE, "release", "engine", "the service is available again")                 \
    X(EV_EXTEND, "extend", "operator", "")

/* The store keeps numbers of these (workflow_row.held): new ones go to the end. */
enum machine_event {
#define X(id, name, from, help) id,
    EVENT_LIST(X)
#undef X
        EV_COUNT
};
const char *event_name(enum machine_event event);
/* Event of an operator's verb, or EV_NONE when the verb is none of the machine's. */
enum machine_event event_of_verb(const char *verb);
/* Event of an outcome. */
enum machine_event event_of_result(const struct effect_result *result);

struct workflow;
/* The same for the step in hand: a failure that its pipeline allows counts as passed. */
enum machine_event machine_event_here(const struct workflow *workflow,
                                      const struct effect_result *result,
                                      struct wall now);

/* One step of a state. */
struct stage_step {
    enum effect_kind kind; /* EFFECT_NONE: the state has no such step */
    int index;             /* in pipeline->setup or ->checks */
    const char *name;      /* borrowed from the pipeline, or static */
};
struct stage_step stage_step(const struct pipeline *pipeline, enum workflow_state state,
                             int step);

/* Checks that are asked for together from this step on; 1: it goes alone. */
int stage_together(const struct pipeline *pipeline, enum workflow_state state, int step);

/* A live workflow. row's strings are owned by it: set them with workflow_set. */
struct workflow {
    struct workflow_row row;
    const struct pipeline *pipeline; /* shared, outlives the workflow */
};
/* *slot gets its own copy of text (NULL: ""); the old one is freed. */
void workflow_set(const char **slot, const char *text);
/* Deep copy of row; pipeline as given. */
struct workflow *workflow_new(const struct workflow_row *row,
                              const struct pipeline *pipeline);
void workflow_free(struct workflow *workflow); /* accepts NULL */

struct machine_limits {
    struct span backoff, backoff_max; /* of retries: first pause, longest pause */
};

/* What is done about a failure, when somebody has thought about it (engine/recovery/ladder.h).
 * The machine's own bounds hold all the same: a retry needs a retry that is left, another
 * iteration an iteration. */
struct machine_plan {
    enum rung rung;    /* of a workflow; RUNG_COUNT = as the table says */
    struct span pause; /* RETRY, FALLBACK, WAIT; 0 = one that grows */
    bool is_free;      /* WAIT: uses up no retry */
    bool is_asked; /* not yet: a person is asked first, and EV_APPROVE brings it again */
    enum workflow_state checkpoint; /* CHECKPOINT */
    const char *words; /* one clean line for the event: what is done and why; "" = none */
    const char *advice; /* for the agent, appended to the error context; "" = none */
};

struct machine_input {
    enum machine_event event;
    const char *actor;                  /* user, or "engine" */
    const char *reason;                 /* operator's words or NULL */
    enum workflow_state checkpoint;     /* EV_RETRY: STATE_COUNT = where it is */
    const struct effect_result *result; /* outcomes, else NULL */
    bool asks_plan, asks_merge;   /* a person is asked, whatever the pipeline says */
    bool asks_retry, asks_rework; /* where the table would try again without a plan */
    int granted_runs;             /* EV_EXTEND: how much more */
    struct span granted_wall;
    struct usage granted;
    const char *spent; /* one clean line: a budget that is not the workflow's own (of its
                          repository, of the day) allows no agent run now; NULL = it does */
    struct wall spent_until; /* when it does again */
    const struct machine_plan
        *plan; /* failures: what is done; NULL = as the table says */
};

#define MACHINE_EFFECTS_MAX (PIPELINE_STEPS_MAX + 2)
#define MACHINE_EVENTS_MAX                                                               \
    4 /* a state without steps is passed at once, with its own event */

/* What follows. Strings are borrowed from the workflow, the pipeline, the input or
 * `text`. */
struct machine_output {
    struct event_row events[MACHINE_EVENTS_MAX];
    int n_events;
    struct effect_row effects[MACHINE_EFFECTS_MAX]; /* asked for, seq given */
    int n_effects;
    bool is_stopped; /* stop_effect is to be marked stop_status and killed */
    int64_t stop_effect;
    enum effect_status stop_status;
    bool has_errors; /* error context to add to DOC_ERRORS */
    char errors[EXCERPT_MAX + 1024];
    char text[MACHINE_EVENTS_MAX][400]; /* what events[].text points to */
    char params[320];                   /* what effects[].params points to */
    char with[40];                      /* the same, of checks side by side */
};

/* row.budget_told */
#define BUDGET_LINE_MAX    120
#define BUDGET_TOLD_RUNS   1
#define BUDGET_TOLD_WALL   2
#define BUDGET_TOLD_TOKENS 4
#define BUDGET_TOLD_COST   8
/* Budgets of a workflow, with what operators granted; 0 = none. */
int budget_runs(const struct workflow *workflow);
struct span budget_wall(const struct workflow *workflow);
struct usage budget_usage(const struct workflow *workflow);
/* "1200000 of 4000000 tokens" or "12.50 of 25.00 of money": the budget of the two that is used up,
 * or does not have room for another run like the last one. False: neither. */
bool budget_is_used(const struct workflow *workflow, char ret_text[BUDGET_LINE_MAX]);
/* An agent run was asked for: true when that makes 80 % of a budget, told once for each; then text
 * says so. Ask again until it is false. */
bool budget_warns(struct workflow *workflow, char ret_text[BUDGET_LINE_MAX]);
/* Does the next step of CODING, or the end of PLANNING, lead to an agent run? */
bool budget_is_asked(const struct workflow *workflow);

enum machine_verdict {
    MACHINE_DONE,    /* state changed as the table says */
    MACHINE_REFUSED, /* operator's verb does not fit; output.text[0] says why */
    MACHINE_IGNORED  /* outcome or timer that nobody waits for */
};

enum machine_verdict machine_step(struct workflow *workflow,
                                  const struct machine_input *input,
                                  const struct machine_limits *limits, struct wall now,
                                  struct rng *rng, struct machine_output *ret_output);

/* The awaited result has come: to be called before it is looked at in any other way. Moves the
 * workflow to the check that it speaks of, when it is about several; a failure that no check is
 * known for is told of the first (result->of). */
void machine_arrive(struct workflow *workflow, struct effect_result *result);

/* When the workflow wants EV_DEADLINE, EV_BUDGET or EV_TIMER next (and which); unset:
 * never. */
struct wall machine_wake_at(const struct workflow *workflow,
                            enum machine_event *ret_event);
/* Does it occupy one of the slots of running workflows? */
bool machine_holds_slot(const struct workflow *workflow);

/* The table as text, for the golden file and the manual: one line per row, then for each
 * state x event pair what happens. */
void machine_print(FILE *out);

#endif
