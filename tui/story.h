/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_STORY_H
#define SIGNALBOX_TUI_STORY_H

/*
 * Story: everything that the store knows of one incident, put together and in order, for the
 * report, the console's page and --json alike.
 *
 * To an incident belong its anomalies; the problems that were joined to it or that have the same
 * cause at the same time; their failures, and failures of that cause; the recoveries, decisions
 * and approvals of these; and of the events those that tell of the incident itself, of the
 * breakers of its services, of what operators did to either, and of how the workflows ended that
 * it touched. What the monitor knows nothing of has a story as well: a problem, a failure that is
 * alone, and a breaker that is open.
 *
 * Rows are as stored; who shows a text cleans it. What is too much is left out at the old end,
 * and `has_more` says so. Everything lives in the arena. Threads: none of its own.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/recovery/case.h"
#include "store/approval.h"
#include "store/store.h"

enum story_of { STORY_OF_INCIDENT, STORY_OF_PROBLEM, STORY_OF_FAILURE, STORY_OF_BREAKER };

/* What is told of. */
#define STORY_SERVICE_MAX 80
struct story_subject {
    enum story_of of;
    int64_t id;                      /* 0 of a breaker */
    char service[STORY_SERVICE_MAX]; /* of a breaker; "" */
};
/* "17", "i-17", "p-2", "f-31" or "service:github_api". */
NODISCARD bool story_parse(const char *text, struct story_subject *ret_subject);
/* The same back. Returns text. */
#define STORY_ID_MAX (STORY_SERVICE_MAX + 16)
const char *story_id(const struct story_subject *subject, char text[STORY_ID_MAX]);
/* "incident 17", "problem p-2", "failure f-31", "breaker of github_api". Returns text. */
#define STORY_NAME_MAX (STORY_SERVICE_MAX + 24)
const char *story_name(const struct story_subject *subject, char text[STORY_NAME_MAX]);

/* What a line of the timeline tells of. X(identifier, word) */
#define STORY_LIST(X)                                                                    \
    X(STORY_INCIDENT, "incident")                                                        \
    X(STORY_ANOMALY, "anomaly")                                                          \
    X(STORY_FAILURE, "failure")                                                          \
    X(STORY_PROBLEM, "problem")                                                          \
    X(STORY_BREAKER, "breaker")                                                          \
    X(STORY_DECISION, "decision")                                                        \
    X(STORY_RECOVERY, "recovery")                                                        \
    X(STORY_APPROVAL, "approval")                                                        \
    X(STORY_OPERATOR, "operator")                                                        \
    X(STORY_WORKFLOW, "workflow")                                                        \
    X(STORY_ENGINE, "engine")
enum story_kind {
#define X(id, word) id,
    STORY_LIST(X)
#undef X
        STORY_KIND_COUNT
};
const char *story_word(enum story_kind kind);

struct story_line {
    struct wall at;
    enum story_kind kind;
    const char *subject; /* "f-31", "anomaly 41"; "" */
    const char *actor;   /* who: a user, "engine", "monitor", "rules", "learned"; "" */
    const char *text;
};

/* A node of the blast radius, in the order in which a tree is drawn. */
struct story_node {
    int depth;        /* 0: the cause itself */
    bool is_last;     /* of its siblings */
    unsigned bars;    /* bit d: the ancestor at depth d has a younger sibling */
    const char *text; /* "service:github", "payments-api", "wf-2209" */
    const char *note; /* "2 workflows", "PR_CREATED: rate limit exceeded"; "" */
    int64_t workflow; /* 0 = none */
};

/* What is held to be behind it, from all failures: the mean of their weights. */
struct story_cause {
    const char *node, *why;
    double weight;
    int n; /* failures that name it */
};

/* An earlier one of the same cause, and what ended it. */
struct story_past {
    struct story_subject subject;
    struct wall at;
    struct span lasted; /* 0 = not known */
    enum severity severity;
    const char *text;
    const char *helped; /* "breaker (r-12)", "closed by ada"; "" = it ended by itself */
    const char *note;   /* of who looked after it; "" */
};

#define STORY_LINES_MAX    600
#define STORY_FAILURES_MAX 100
#define STORY_PAST_MAX     5

struct story {
    struct story_subject subject;
    struct incident_row incident; /* of STORY_OF_INCIDENT */
    enum severity severity;
    const char *cause, *text;
    struct wall from, to; /* to unset: not over */
    struct wall now;

    /* oldest first */
    const struct anomaly_row *anomalies;
    const struct problem_row *problems;
    const struct failure_row *failures;
    const struct recovery_row *recoveries;
    const struct decision_row *decisions;
    const struct approval_row *approvals;
    const struct workflow_row
        *workflows; /* that it touched, as far as they are kept; by id */
    const struct service_row *services; /* that it is about */
    const struct silence_row *silences; /* that cover it now */
    size_t n_anomalies, n_problems, n_failures, n_recoveries, n_decisions, n_approvals,
        n_workflows, n_services, n_silences;
    bool has_more_failures;

    int64_t n_touched, n_queued; /* workflows; n_queued -1 = not known */
    const char *const *repositories, *const *environments;
    size_t n_repositories, n_environments;

    const struct story_node *nodes;
    const struct story_cause *causes; /* heaviest first */
    const struct story_line *lines;   /* oldest first */
    const struct story_past *past;    /* newest first */
    const char *const *questions;     /* what is open: sentences */
    size_t n_nodes, n_causes, n_lines, n_past, n_questions;
    bool has_more_lines; /* older ones */
};

/* The story of a problem that belongs to an incident is the incident's, that of a failure which
 * belongs to a problem the problem's. */
enum found story_read(struct reader *reader, struct arena *arena,
                      const struct story_subject *subject, struct wall now,
                      struct story *ret_story, struct err *err);

/* Does a failure's or problem's cause name something that others share? */
bool story_is_cause(const char *node);
/* Does this breaker refuse calls, or try whether the service is back? How bad is that? */
bool story_is_open_breaker(enum breaker_state state);
enum severity story_breaker_severity(enum breaker_state state);

/* As Markdown (CommonMark 0.30), a draft of a postmortem: text from outside is clean and
 * escaped, so that it is text in every renderer and on a terminal. */
void story_markdown(const struct story *story, struct buf *out);
/* Members of the object that is open. */
void story_json(const struct story *story, struct jsonw *w);

#endif
