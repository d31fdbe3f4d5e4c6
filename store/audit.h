/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_AUDIT_H
#define SIGNALBOX_STORE_AUDIT_H

/*
 * Audit: who did what, in a chain that shows when somebody changed it afterwards.
 *
 * Each verb, decision and act that the engine does by itself is a row, written in the same
 * transaction as what it tells of. A row carries the hash of the row before it, and its own:
 *
 *   hash = SHA-256("signalbox audit 1\n" || prev || i64(n) || i64(at) || text(actor) ||
 *                  text(role) || text(origin) || text(act) || text(subject) ||
 *                  text(outcome) || text(detail))
 *   i64(x)  = 8 bytes, most significant first, two's complement; `at` in milliseconds
 *   text(t) = i64(length in bytes) || its bytes
 *   prev    = hash of row n - 1; 32 zero bytes before the first
 *
 * So no row can be edited, taken out, put in or moved without one being wrong. Who can write
 * the file can also compute the whole chain anew, or cut off its end; therefore its head
 * (number and hash of the newest row) is noted outside: in a side file (store/audit_file.h),
 * in the event stream, and by whoever was told it. A check compares the chain with these.
 *
 * Rows are never changed and never pruned. Their numbers are 1, 2, 3 ... without a gap.
 * Conventions of rows as in store/model.h: borrowed strings, never NULL, "" means none.
 */

#include "engine/base/digest.h"
#include "store/store.h"

#define AUDIT_TEXT_MAX   255  /* bytes of each text but the detail; what is more is cut */
#define AUDIT_DETAIL_MAX 8192 /* a longer detail is replaced by {"cut":true} */

struct audit_row {
    int64_t n;
    struct wall at;
    const char *actor;   /* a user, or "engine" */
    const char *role;    /* the actor's when it acted; "" not known */
    const char *origin;  /* "console", "cli", "network", "engine" */
    const char *act;     /* a verb, or "merge", "recovery", "tune", "engine-start" ... */
    const char *subject; /* "wf-12", "a-3", "service:x" */
    const char *outcome; /* "done", "refused", "asked" ... */
    const char *detail;  /* JSON object: "digest", "args", "reason" ... */
    uint8_t prev[DIGEST_LEN], hash[DIGEST_LEN];
};

/* A place in the chain. */
struct audit_mark {
    int64_t n; /* 0: before the first row; its hash is all zero */
    uint8_t hash[DIGEST_LEN];
};

/* ---- writer: part of the batch, as in store/store.h ----------------------------------- */

/* Appends; n, prev and hash are the store's. Returns n at once. */
int64_t store_add_audit(struct store *store, const struct audit_row *row);
/* The newest row that is committed. */
struct audit_mark store_audit_head(const struct store *store);

/* ---- readers ---------------------------------------------------------------------------- */

struct audit_query {
    struct wall since, until;          /* since <= at < until; unset: no bound */
    const char *actor, *act, *subject; /* exactly; NULL = any */
    const char *text; /* part of any of the texts but the detail; NULL = any */
    int64_t before_n; /* paging; 0 = from the newest */
    size_t max;       /* 1..10000 */
};
/* Newest first, rows in arena. */
NODISCARD bool reader_audit(struct reader *reader, struct arena *arena,
                            const struct audit_query *query,
                            const struct audit_row **ret_rows, size_t *ret_n,
                            struct err *err);
enum found reader_audit_row(struct reader *reader, struct arena *arena, int64_t n,
                            struct audit_row *ret_row, struct err *err);
/* All that match, oldest first, one at a time (before_n and max are ignored); the row lives
 * for the call. False from on_row ends it; that is a success. */
NODISCARD bool reader_audit_each(struct reader *reader, const struct audit_query *query,
                                 bool (*on_row)(void *user, const struct audit_row *row),
                                 void *user, struct err *err);
/* The newest row, as the engine noted it in the store; n 0: there is none. */
NODISCARD bool reader_audit_head(struct reader *reader, struct audit_mark *ret_head,
                                 struct err *err);

/* ---- the check ---------------------------------------------------------------------------- */

/* What is wrong with the first row that is. X(identifier, word, help) */
#define AUDIT_FAULT_LIST(X)                                                              \
    X(AUDIT_WHOLE, "whole", "nothing is wrong")                                          \
    X(AUDIT_EDITED, "edited", "its content is not what its hash was made of")            \
    X(AUDIT_DELETED, "deleted", "it is missing")                                         \
    X(AUDIT_REORDERED, "reordered", "it is a row from another place")                    \
    X(AUDIT_INSERTED, "inserted", "it was put between rows that follow each other")      \
    X(AUDIT_TRUNCATED, "truncated", "it is missing, with all after it")                  \
    X(AUDIT_REWRITTEN, "rewritten",                                                      \
      "it is another row than the one that was noted outside")
enum audit_fault {
#define X(id, word, help) id,
    AUDIT_FAULT_LIST(X)
#undef X
        AUDIT_FAULT_COUNT
};
const char *audit_fault_word(enum audit_fault fault);
const char *audit_fault_help(enum audit_fault fault);

/*
 * A check reads the chain from its first row in steps, and goes on later where it stopped;
 * what it needs does not grow with the chain. It ends at the first fault.
 */
struct audit_check;
/* The marks are what was noted outside, in any order; they are copied. Read them before the
 * reader begins: the chain must not be older. */
NODISCARD struct audit_check *audit_check_new(const struct audit_mark *marks, size_t n);
void audit_check_free(struct audit_check *check); /* accepts NULL */
enum audit_step { AUDIT_MORE, AUDIT_END, AUDIT_BROKEN, AUDIT_FAILED };
/* At most max rows. END: all rows there are hold, and reach every mark; a later step looks at
 * what has come since. BROKEN: see the verdict, and all later steps. FAILED: err; try again. */
enum audit_step audit_check_step(struct audit_check *check, struct reader *reader,
                                 size_t max, struct err *err);
struct audit_verdict {
    struct audit_mark good; /* the chain holds up to here */
    enum audit_fault fault; /* AUDIT_WHOLE so far */
    int64_t broken;         /* unless whole: number of the first row that is wrong */
    size_t n_marks;         /* marks that the chain agreed with */
    char text[240];         /* one line: what is wrong; "" */
};
const struct audit_verdict *audit_check_verdict(const struct audit_check *check);

/* "N:HASH" with 64 hexadecimal digits, nothing else. */
NODISCARD bool audit_mark_parse(const char *text, struct audit_mark *ret_mark);

#endif
