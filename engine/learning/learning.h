/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_LEARNING_H
#define SIGNALBOX_LEARNING_LEARNING_H

/*
 * Learning: the state of the learning engine. What ended goes in; models, bottlenecks, patterns and
 * proposals come out; what people and the guard say of proposals goes back in.
 *
 *   learning_add       once for each workflow that has ended (and whose merge is no longer
 *                      watched): a copy of what it says. A few microseconds.
 *   learning_propose   one kind of optimization per call, in turn: at most a few milliseconds
 *   learning_verdict   what became of a proposal
 *
 * The last LEARNING_RUNS runs are kept, and models of each state, step and queue.
 *
 * The same proposal (kind, setting and scope) is not made again while one is open; and afterwards
 * only with materially new evidence: as many new runs as the old one rested on, or an effect outside
 * the interval that was expected; a kept one that goes on from the value it was kept at needs no
 * more than the generator does. A rejection is a label: it counts against the kind at that scope, and a
 * quarter against the kind at all scopes, half of it forgotten after LABEL_HALF_LIFE_DAYS. How often
 * proposals of a kind are accepted (acceptance) raises what one must be worth, and below
 * ACCEPTANCE_LEAST none is made.
 *
 * Pure: state in, state out; time and random numbers come in. One thread. State is saved as a blob
 * of at most LEARNING_BLOB_MAX; loaded, it goes on as if nothing had been.
 */

#include "engine/learning/model.h"
#include "engine/learning/optimize.h"

#define LEARNING_RUNS        3000
#define LEARNING_MODELS      768
#define LEARNING_CHANGES     1000
#define LEARNING_PROPOSALS   512
#define LEARNING_BLOB_MAX    ((size_t)16 * 1024 * 1024)
#define LABEL_HALF_LIFE_DAYS 30.0
#define ACCEPTANCE_LEAST     0.3

struct learning;
NODISCARD struct learning *learning_new(uint64_t seed);
void learning_free(struct learning *learning); /* accepts NULL */

/* False: there is nothing to learn from it (never begun), or it is known already. */
bool learning_add(struct learning *learning, const struct feature_source *source);
/* The breaker of a service has changed: open, half-open or closed (others are not of the service).
 * The last LEARNING_CHANGES are kept. */
void learning_change(struct learning *learning, const char *service,
                     enum breaker_state state, struct wall at);
/* Number of the newest workflow that was added by id, and how many there were in all. */
int64_t learning_count(const struct learning *learning);

/* What the engine knows of itself and the generators need. */
struct learning_world {
    setting_lookup *lookup; /* never NULL */
    void *user;
    double processors; /* NAN unknown */
    /* When the oldest workflow that has not ended was created; unset: not known. What was created
     * before it has ended, the slow ones too. Later than all: none is open. */
    struct wall open_since;
    const struct scale_choice *scales;
    size_t n_scales;
};
/* The next kind in turn. At most max; each counts as proposed (open) from now on until there is a
 * verdict. Returns how many. A full turn is OPTIMIZATION_KIND_COUNT calls. */
size_t learning_propose(struct learning *learning, const struct learning_world *world,
                        struct wall now, struct proposal *out, size_t max);
/* The next kind in turn; and to go on from there after a restart. Random numbers of a search belong
 * to the seed, the kind and what was added, so that a search is the same whatever came before it. */
enum optimization_kind learning_turn(const struct learning *learning);
void learning_turn_to(struct learning *learning, enum optimization_kind kind);

/* status: OPT_KEPT, OPT_TAKEN_BACK, OPT_REJECTED, OPT_UNDONE, OPT_WITHDRAWN (no label), or
 * OPT_GUARDED (applied, still open). scope as it was proposed. Unknown ones are taken as new. */
void learning_verdict(struct learning *learning, const struct optimization_row *row,
                      enum optimization_status status, struct wall now);
/* Is this one known, with the status that it has? */
bool learning_has(const struct learning *learning, const struct optimization_row *row);
/* Share of proposals of this kind at this scope that people take, 0..1; 1 = nothing known. */
double learning_acceptance(const struct learning *learning, enum optimization_kind kind,
                           const char *scope, struct wall now);

/* The runs and their book, for bottlenecks and patterns; oldest first by when they were added.
 * Borrowed until the next add. */
struct learning_runs {
    const struct run_features *const *runs;
    size_t n;
    const struct words *words;
};
struct learning_runs learning_runs(struct learning *learning);

/* What a model is of. X(identifier, word, unit, help) */
#define MODEL_OF_LIST(X)                                                                 \
    X(MODEL_WORKFLOW, "workflow", "s", "from begun to ended, by pipeline")               \
    X(MODEL_STATE, "state", "s", "at work in a state, by pipeline")                      \
    X(MODEL_STEP, "step", "s", "a try of a step, by pipeline")                           \
    X(MODEL_PROVIDER, "provider", "s", "a call or run, by service")                      \
    X(MODEL_SLOT, "slot", "s", "waiting for a slot, by pipeline")                        \
    X(MODEL_LINE, "line", "s", "waiting in line, by service")
enum model_of {
#define X(id, word, unit, help) id,
    MODEL_OF_LIST(X)
#undef X
        MODEL_OF_COUNT
};
const char *model_of_word(enum model_of of);
struct model_row {
    enum model_of of;
    const char *scope; /* pipeline or service */
    const char *name;  /* state or step; "" */
    struct model_view view;
};
/* All models, in the order in which they came up; rows in arena. */
size_t learning_models(const struct learning *learning, struct arena *arena,
                       const struct model_row **ret_rows);

NODISCARD bool learning_save(const struct learning *learning, struct buf *out);
/* NULL: not a state of this program; begin with learning_new(). */
NODISCARD struct learning *learning_load(const void *bytes, size_t len);

#endif
