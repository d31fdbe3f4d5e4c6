/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DECISION_OUTLOOK_H
#define SIGNALBOX_DECISION_OUTLOOK_H

/*
 * Outlook: the chance that an option works out, from the factors of the case.
 *
 * It knows no factor by name. Every value of a factor, and every pair of values, is a key with
 * the outcomes of the option so far, at three rates of forgetting. An input is by how much such a
 * rate, shrunk towards what the coarser keys say, differs from them, in log-odds; it is nothing
 * without evidence. Further inputs: how much of it there is, and how many cases with that key are
 * still open (what fails together shares a cause). Numbers are cut into steps that grow with their size.
 *   A linear model over the inputs, whose weights belong to the factor (or the pair) and not to
 * its value, begins as a careful average and learns online (AdaGrad: Duchi, Hazan and Singer,
 * JMLR 2011), together with a small weight of each key alone. Five of them, which learn at
 * different speeds and with or without a look at what is open, are weighed by what each has cost
 * lately (exponentially weighted average: Cesa-Bianchi and Lugosi, "Prediction, Learning, and
 * Games", 2006), so that drift is followed as fast as it moves.
 *   Where the levels of the question know a chance, the models move it as far as there are
 * outcomes that they rest on and as far as they have been better than it lately.
 *   Outcomes that come together (no case was asked about between them) count less than as many
 * that came one by one: they are one event seen many times.
 *
 * Pure and deterministic. Bounded: the numbers given to outlook_new; the key unused for longest
 * of its set goes, and the case that has been open for longest.
 */

#include "engine/base/buf.h"
#include "engine/decision/decide.h"

#define OUTLOOK_FACTORS 24  /* of a case; more are left out */
#define OUTLOOK_KEYS    96  /* of a case: all values, then pairs as far as they fit */
#define OUTLOOK_INPUTS  400 /* 5, and 4 for each value or pair */
#define OUTLOOK_SPEEDS  5

struct outlook;

/* What is asked about: an option in a context. */
struct outlook_case {
    enum decision_kind kind;
    const char *option;
    double prior; /* chance before anything is known, (0, 1) */
    double level; /* chance by the levels of the question; NAN = they know nothing */
    const struct decide_factor *factors;
    size_t n_factors;
};

/* How a case looked when it was asked about. */
struct outlook_sight {
    uint64_t id; /* 0 = free */
    double p;
    double trials; /* outcomes of the option so far, fading */
    uint32_t n_keys, n_inputs;
    uint64_t keys[OUTLOOK_KEYS];
    float x[OUTLOOK_INPUTS];
    uint16_t weight[OUTLOOK_INPUTS]; /* which one */
    float said[OUTLOOK_SPEEDS];      /* log-odds */
    float level, mixed; /* log-odds of the levels and of the models together */
    uint32_t has_level, kind;
};

/* n_keys: a power of two, 1024 or more; n_open: cases that are remembered until their outcome. */
NODISCARD struct outlook *outlook_new(size_t n_keys, size_t n_open);
void outlook_free(struct outlook *outlook); /* accepts NULL */
/* Fills ret_sight but for the id, and returns its p. */
double outlook_say(struct outlook *outlook, const struct outlook_case *about,
                   struct outlook_sight *ret_sight);
/* Remember a case by an id that is not 0 until its outcome; the same id takes its place. */
void outlook_keep(struct outlook *outlook, uint64_t id,
                  const struct outlook_sight *sight);
/* Learn an outcome, 0..1, of a case as it looked then. */
void outlook_learn(struct outlook *outlook, const struct outlook_sight *sight,
                   double success);
/* Of a case that was kept; false when it is not remembered. It is forgotten. */
bool outlook_learn_kept(struct outlook *outlook, uint64_t id, double success);

void outlook_save(const struct outlook *outlook, struct buf *out);
/* False: data[0..len) is not what outlook_save of an outlook of the same size wrote, and nothing
 * was changed. */
NODISCARD bool outlook_load(struct outlook *outlook, const void *data, size_t len);

#endif
