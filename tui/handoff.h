/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_HANDOFF_H
#define SIGNALBOX_TUI_HANDOFF_H

/*
 * Handoff: what the next shift must know, out of the store: what is open and who has it, and what
 * somebody has set that will end, or must be ended: silences, overrides, raised autonomy, and
 * changes that are still watched, each with its way back.
 *
 * Rows are as stored; who shows a text cleans it. Everything lives in the arena.
 */

#include "engine/base/json.h"
#include "store/approval.h"
#include "store/store.h"

/* X(identifier, key, title) */
#define HANDOFF_LIST(X)                                                                  \
    X(HANDOFF_INCIDENTS, "incidents", "Open incidents")                                  \
    X(HANDOFF_PROBLEMS, "problems", "Open problems")                                     \
    X(HANDOFF_BREAKERS, "breakers", "Breakers that opened")                              \
    X(HANDOFF_APPROVALS, "approvals", "Waits for a decision")                            \
    X(HANDOFF_WORKFLOWS, "workflows", "Workflows that wait for a person")                \
    X(HANDOFF_FAILURES, "failures", "Failures that were given to a person")              \
    X(HANDOFF_SILENCES, "silences", "Silences")                                          \
    X(HANDOFF_OVERRIDES, "overrides", "Overrides")                                       \
    X(HANDOFF_AUTONOMY, "autonomy", "Autonomy that was changed")                         \
    X(HANDOFF_CHANGES, "changes", "Changes that are still watched")
enum handoff_part {
#define X(id, key, title) id,
    HANDOFF_LIST(X)
#undef X
        HANDOFF_PART_COUNT
};
const char *handoff_key(enum handoff_part part);
const char *handoff_title(enum handoff_part part);

struct handoff_item {
    enum handoff_part part;
    const char *id;           /* "incident 17", "a-3", "silence 4", "github_api" */
    const char *text;         /* what it is */
    const char *who;          /* whose it is, or who set it; "" nobody */
    struct wall since, until; /* until unset: no end */
    const char *next;         /* its way back, or what is to be done; "" */
};

#define HANDOFF_ROWS_MAX 200 /* of one part */

struct handoff {
    struct wall now;
    const struct handoff_item *items; /* by part, in the order of attention */
    size_t n;
    size_t n_of[HANDOFF_PART_COUNT];
    int64_t n_running, n_queued; /* workflows */
};

NODISCARD bool handoff_read(struct reader *reader, struct arena *arena, struct wall now,
                            struct handoff *ret_handoff, struct err *err);
/* As Markdown, see markdown.h. */
void handoff_markdown(const struct handoff *handoff, struct buf *out);
/* Members of the object that is open. */
void handoff_json(const struct handoff *handoff, struct jsonw *w);

#endif
