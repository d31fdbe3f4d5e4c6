/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_PAST_H
#define SIGNALBOX_STORE_PAST_H

/*
 * Past: the store as it was at any moment that is still kept.
 *
 * A row that is overwritten, or taken away, leaves its old image in the same transaction:
 * table past_T beside each T (migration_past.c), stamped with the newest event up to which it
 * held, and the time. Nothing is folded and nothing guessed: the state after event N is the
 * first image stamped later than N, or the row itself when there is none.
 *
 * A reader that is pinned to a moment lays temporary views of the same names over the tables,
 * so that every function of a reader (store.h, finding.h, recovery.h, approval.h, audit.h)
 * tells of that moment. Events, spans, deliveries, labels and the audit are never
 * overwritten: of them it sees what there was. Not known at a moment, and then empty: the
 * figures of a service (detail, memo) that were written later; documents that changed later
 * (reader_doc_is_later); how often a delivery came again; settings but those of
 * PAST_SETTINGS. Commands are always those of now.
 *
 * Exactness: what was committed together with several events is told apart by the order in
 * which it was put: a row belongs to the event before it, and at the start of a batch to the
 * first one of the batch. Totals belong to the last event of their batch.
 *
 * What was before the schema came (past_begins) or before the end of a workflow, approval,
 * failure, problem, recovery, decision, anomaly or incident that was pruned (past_pruned) is
 * not known, and refused: ERR_REFUSED.
 *
 * Cost: an old image is one row more per change. A pin costs a pass over the workflows and
 * over the keys of what was kept of the shorter tables; see bench_asof.
 */

#include "store/store.h"

/* A moment as a person gives it. */
struct moment_ask {
    int64_t event;  /* after this event; 0 = at the time */
    struct wall at; /* event 0: then */
};

#define MOMENT_NEWEST INT64_MAX /* event: the newest there is */

#define MOMENT_HELP "2026-11-22T03:12:00Z, 03:12 (UTC, the last one), -2h or #EVENT"

/* "2026-11-22T03:12:00Z", "2026-11-22", "03:12", "03:12:30", "-2h", "#1204"; times without a
 * day are UTC and the last one not after `now`. ERR_USAGE says what was expected. Pure. */
NODISCARD bool moment_parse(const char *text, struct wall now, struct moment_ask *ret_ask,
                            struct err *err);

struct moment {
    int64_t seq;      /* the newest event that had happened; 0: none had */
    struct wall at;   /* of that event, or the time that was asked for */
    bool is_event;    /* right after event seq; else all that was committed until `at` */
    char kind[48];    /* of event seq; "" = there is none */
    int64_t workflow; /* of event seq, 0 = none */
    int64_t last;     /* the newest event there is now */
};

/* Which moment is it? ERR_REFUSED: before what is kept, or not yet. Times are looked up by
 * halves: where the clock was set back, one of the moments is found. Not while pinned. */
NODISCARD bool reader_find_moment(struct reader *reader, const struct moment_ask *ask,
                                  struct moment *ret_moment, struct err *err);
/* The moment `by` events later (negative: earlier); at the ends the first or last that is
 * kept. Not while pinned. */
NODISCARD bool reader_step_moment(struct reader *reader, const struct moment *from,
                                  int64_t by, struct moment *ret_moment, struct err *err);

/* From here to reader_unpin every query is of that moment. reader_begin and reader_end
 * change nothing meanwhile: it is one snapshot. */
NODISCARD bool reader_pin(struct reader *reader, const struct moment *moment,
                          struct err *err);
void reader_unpin(struct reader *reader); /* accepts one that is not pinned */
bool reader_is_pinned(const struct reader *reader);

/* Pinned: there was such a document then or later, but what it said then is not kept. */
bool reader_doc_is_later(struct reader *reader, int64_t workflow, enum doc_kind doc);

#endif
