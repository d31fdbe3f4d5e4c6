/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CAUSE_H
#define SIGNALBOX_TUI_CAUSE_H

/*
 * Cause: everything that is wrong, a row for each cause, whoever saw it first: the monitor (an
 * incident of anomalies), the engine (a problem of many failures, or a failure that waits for a
 * person), or a breaker that opened.
 *
 * What has one cause stands in one row, as the story of it has it (tui/story.h): a problem that
 * was joined to an incident, was linked to it, or is of the same component within half an hour; a
 * breaker of that component; failures and decisions of either. A row is of the first of incident,
 * problem, breaker, failure that it has; the others are its parts. A failure that is being
 * recovered and shares its cause with nothing is daily work, and no row.
 *
 * Rows are as stored; who shows a text cleans it. Everything lives in the arena. Threads: none of
 * its own. Cost: seven queries of at most CAUSE_ROWS_MAX rows.
 */

#include "engine/base/json.h"
#include "tui/story.h"

/* In words, the most pressing first. X(identifier, word, help) */
#define CAUSE_STATE_LIST(X)                                                              \
    X(CAUSE_NEEDS, "needs you", "something of it waits for a person")                    \
    X(CAUSE_OPEN, "open", "nobody has taken it, and nothing is done about it")           \
    X(CAUSE_RECOVERING, "recovering", "the engine is at it; nobody has taken it")        \
    X(CAUSE_CLAIMED, "claimed", "somebody looks at it now")                              \
    X(CAUSE_ACKED, "acked", "somebody looks after it")                                   \
    X(CAUSE_ASSIGNED, "assigned", "it was given to somebody")                            \
    X(CAUSE_HELD, "held", "an operator holds the breaker open")                          \
    X(CAUSE_QUIET, "quiet", "a silence or an open breaker covers it: not told")          \
    X(CAUSE_RESOLVED, "resolved", "closed by an operator")                               \
    X(CAUSE_CLOSED, "closed", "it is over")
enum cause_state {
#define X(id, word, help) id,
    CAUSE_STATE_LIST(X)
#undef X
        CAUSE_STATE_COUNT
};
const char *cause_state_word(enum cause_state state);

/* What stands under a cause. X(identifier, word, plural) */
#define CAUSE_PART_LIST(X)                                                               \
    X(CAUSE_PROBLEM, "problem", "problems")                                              \
    X(CAUSE_BREAKER, "breaker", "breakers")                                              \
    X(CAUSE_FAILURE, "failure", "failures")                                              \
    X(CAUSE_ANOMALY, "anomaly", "anomalies")                                             \
    X(CAUSE_DECISION, "decision", "decisions")
enum cause_part_kind {
#define X(id, word, plural) id,
    CAUSE_PART_LIST(X)
#undef X
        CAUSE_PART_COUNT
};
const char *cause_part_word(enum cause_part_kind kind, int64_t n);

struct cause_part {
    enum cause_part_kind kind;
    int64_t id;       /* 0 of a breaker */
    const char *name; /* "p-2", "github_api", "f-31", "anomaly 41", "d-5" */
    struct wall at;
    bool is_over, needs_human;
    const char *state; /* "breaker running", "forced-open", "escalated", "by rules" */
    const char *text;
};

#define CAUSES_MAX     200
#define CAUSE_ROWS_MAX 400
#define CAUSE_PARTS    24 /* shown of one cause */

struct cause_row {
    struct story_subject subject;
    const char *id; /* "17", "p-2", "f-31", "service:github_api"; unique */
    enum severity severity;
    enum cause_state state;
    const char *cause; /* component; "" unknown */
    const char *text;
    const char *who;                     /* who looks at it, after it, or has it; "" */
    struct wall from, to;                /* to unset: not over */
    const struct incident_row *incident; /* NULL: the monitor knows nothing of it */
    int64_t n[CAUSE_PART_COUNT];         /* all that there are */
    int64_t n_inside;                    /* without problems: their failures count */
    const struct cause_part *parts;
    size_t n_parts;
};

struct causes {
    const struct cause_row *rows; /* in the order of severity */
    size_t n;
    bool has_more;
};

/* has_all: what is over as well, as far as it is kept; of breakers that is the timeline's. */
NODISCARD bool causes_read(struct reader *reader, struct arena *arena, struct wall now,
                           bool has_all, struct causes *ret_causes, struct err *err);

/* X(identifier, word) */
#define CAUSE_SORT_LIST(X)                                                               \
    X(CAUSE_BY_SEVERITY, "severity")                                                     \
    X(CAUSE_BY_STATE, "state")                                                           \
    X(CAUSE_BY_WHO, "who")                                                               \
    X(CAUSE_BY_INSIDE, "inside")                                                         \
    X(CAUSE_BY_AGE, "age")
enum cause_sort {
#define X(id, word) id,
    CAUSE_SORT_LIST(X)
#undef X
        CAUSE_SORT_COUNT
};
const char *cause_sort_word(enum cause_sort sort);
/* The rows that have `text` somewhere, in any case, in that order: indices to ret_order, which has
 * room for all. What is over stands behind what is not, always. Returns how many. */
size_t causes_order(const struct causes *causes, const char *text, enum cause_sort sort,
                    bool is_reversed, size_t *ret_order);
/* "2 anomalies, 9 failures, 1 breaker". Returns text. */
const char *cause_inside(const struct cause_row *row, char *text, size_t cap);
/* Members "id" (a number of an incident), "severity", "state", "cause", "text", "from", "to",
 * "who", and "inside", an object, into the object that is open; of an incident only the last. */
void cause_json(const struct cause_row *row, struct jsonw *w);

#endif
