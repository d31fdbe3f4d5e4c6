/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_CASE_H
#define SIGNALBOX_RECOVERY_CASE_H

/*
 * Case: how failures, problems, recoveries and decisions are named and told, alike for people,
 * for scripts and for the API: ids ("f-31"), JSON objects, and the JSON columns of their rows
 * taken apart.
 *
 * Keys of the JSON are the names of the fields in store/recovery.h; ids are texts as people see
 * them, moments RFC 3339, what is not set or not known is null. Scripts rely on them: a key is
 * added, never renamed.
 *
 * Pure. What is parsed lives in the arena; text that is no JSON, or of another shape, gives what
 * can be read of it. Nothing here is cleaned: whoever shows it does that.
 */

#include "engine/base/json.h"
#include "store/recovery.h"

/* X(identifier, prefix, word) */
#define CASE_LIST(X)                                                                     \
    X(CASE_WORKFLOW, "wf", "workflow")                                                   \
    X(CASE_FAILURE, "f", "failure")                                                      \
    X(CASE_PROBLEM, "p", "problem")                                                      \
    X(CASE_RECOVERY, "r", "recovery")                                                    \
    X(CASE_DECISION, "d", "decision")                                                    \
    X(CASE_APPROVAL, "a", "approval")                                                    \
    X(CASE_OPTIMIZATION, "o", "optimization")
enum case_kind {
#define X(id, prefix, word) id,
    CASE_LIST(X)
#undef X
        CASE_KIND_COUNT
};

#define CASE_ID_MAX 32
const char *case_word(enum case_kind kind);
/* "f-31"; "" for id 0. Returns text. */
const char *case_id(enum case_kind kind, int64_t id, char text[CASE_ID_MAX]);
/* "f-31", "F-31"; a bare number is none. */
NODISCARD bool case_id_parse(const char *text, enum case_kind *ret_kind, int64_t *ret_id);

/* Fields of the row into the object that is open. */
void case_write_failure(struct jsonw *w, const struct failure_row *row);
void case_write_problem(struct jsonw *w, const struct problem_row *row);
void case_write_recovery(struct jsonw *w, const struct recovery_row *row);
void case_write_decision(struct jsonw *w, const struct decision_row *row);
void case_write_odds(struct jsonw *w, const struct odds_row *row);

/* ---- what failure_row.detail and problem_row.detail say ------------------------------ */

struct case_evidence {
    int64_t line; /* 0 = not known */
    const char *text;
};
struct case_cause {
    const char *node, *why;
    double weight; /* NAN = not known */
    const char *since;
};
struct case_class {
    const char *word;
    double p;
};
struct case_detail {
    const struct case_evidence *lines;
    const struct case_cause *causes;
    const struct case_class *classes;
    size_t n_lines, n_causes, n_classes;
    const char *complexity;
    int64_t n_workflows, n_queued, n_branches; /* -1 = not known */
    const char *const *repositories, *const *environments, *const *affected;
    size_t n_repositories, n_environments, n_affected;
};
void case_parse_detail(struct arena *arena, const char *text,
                       struct case_detail *ret_detail);

/* ---- decision_row.alternatives and .context ------------------------------------------- */

struct case_option {
    const char *choice, *level, *why_not;       /* why_not "": it was allowed */
    double p, low, high, trials, value, cost_s; /* NAN = not known */
};
size_t case_parse_options(struct arena *arena, const char *text,
                          const struct case_option **ret_options);
struct case_fact {
    const char *name, *value;
};
/* The members of an object, in its order; those of an inner object as "outer.inner". */
size_t case_parse_facts(struct arena *arena, const char *text,
                        const struct case_fact **ret_facts);

/* Newest trials last, "++-+": + passed, - failed; at most `max` of them. Returns text. */
#define CASE_RECENT_MAX 65
const char *case_recent(const struct odds_row *row, int max, char text[CASE_RECENT_MAX]);

#endif
