/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_FAILURE_CONTEXT_H
#define SIGNALBOX_PREDICT_FAILURE_CONTEXT_H

/*
 * Failure context: what is known of a run at its start, as a bounded list of named fields.
 *
 * A run is whatever starts, takes a while and ends well or badly: a workflow, a step, a job
 * of someone else's CI. The models of engine/predict know no field by name; what a field
 * may tell follows from its role:
 *
 *   kind    what is run: repository, pipeline, step, job, agent, platform, event. The same
 *           value comes again and again.
 *   line    a line of work that comes back for a while: branch, author, pull request.
 *   group   what starts together and shares a fate: run, commit. The outcome of one says
 *           something about those that are still on their way.
 *   size    a number that measures the change: lines, files, commits.
 *   number  any other number: queue length, anomalies open, health of a service.
 *
 * Fields that are absent are not added; NAN and "" are absent, too. Unknown is not zero.
 *
 * Ownership: names and texts are borrowed until the call that gets the context returns; models
 *            keep hashes of them, and the first FAILURE_NAME_MAX bytes of names of numbers.
 * Threads:   none; a value.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"

#define FAILURE_FIELDS_MAX 32 /* more are left out */
#define FAILURE_NAME_MAX   24

/* X(identifier, word, help) */
#define FAILURE_ROLE_LIST(X)                                                             \
    X(FAILURE_NUMBER, "number", "a number that is known at the start")                   \
    X(FAILURE_SIZE, "size", "a number that measures the change")                         \
    X(FAILURE_KIND, "kind", "what is run")                                               \
    X(FAILURE_LINE, "line", "a line of work that comes back for a while")                \
    X(FAILURE_GROUP, "group", "what starts together and shares a fate")
enum failure_role {
#define X(id, word, help) id,
    FAILURE_ROLE_LIST(X)
#undef X
        FAILURE_ROLE_COUNT
};
const char *failure_role_word(enum failure_role role);

struct failure_field {
    const char *name; /* as people know it: "branch" */
    enum failure_role role;
    const char *text; /* NULL for numbers and sizes */
    double number;
};

struct failure_context {
    uint64_t
        id; /* of the run; its outcome is told under the same (failure_hash of a text) */
    struct wall at; /* when it starts; never goes back by much */
    size_t n_fields;
    struct failure_field fields[FAILURE_FIELDS_MAX];
};

void failure_context_init(struct failure_context *context, uint64_t id, struct wall at);
/* Absent values and what is above FAILURE_FIELDS_MAX are left out. */
void failure_context_text(struct failure_context *context, const char *name,
                          enum failure_role role, const char *text);
void failure_context_number(struct failure_context *context, const char *name,
                            enum failure_role role, double number);

/*
 * A field as it comes from outside, where everything is a text: "12" becomes a number unless
 * the name is one that names things ("run", "branch"); what measures a change is told by the
 * words in its name ("src_churn", "files_added").
 */
void failure_context_field(struct failure_context *context, const char *name,
                           const char *text);

/* 64 bits of a text; the same on every machine (FNV-1a with a final mix). */
uint64_t failure_hash(const char *text);
/* Mix a further word in. */
uint64_t failure_hash_with(uint64_t hash, uint64_t word);

#endif
