/* SPDX-License-Identifier: MIT */
/* Event time: which event was the newest at a moment. Numbers grow with time, so by halves. */
#include "store/sqlite_private.h"

struct spot {
    int64_t seq; /* 0 = there is none */
    struct wall at;
};

/* The newest event that is not newer than number `seq`: some may be pruned. */
static bool at_or_before(struct database *db, int64_t seq, struct spot *ret_spot,
                         struct err *err)
{
    sqlite3_stmt *s = database_get(db, SLOT_EVENT_BEFORE,
                                   "SELECT seq, at FROM event WHERE seq <= ?1"
                                   " ORDER BY seq DESC LIMIT 1");
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_int(s, 1, seq);
    int code = sqlite3_step(s);
    *ret_spot = (struct spot){0};
    if (code == SQLITE_ROW) {
        *ret_spot =
            (struct spot){sqlite3_column_int64(s, 0), {sqlite3_column_int64(s, 1)}};
    }
    bool is_good = code == SQLITE_ROW || code == SQLITE_DONE || database_fail(db, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

bool reader_event_before(struct reader *reader, struct wall at, int64_t *ret_seq,
                         struct err *err)
{
    struct spot spot = {0};
    if (!at_or_before(&reader->database, INT64_MAX, &spot, err)) {
        return false;
    }
    int64_t low = 0, high = spot.seq; /* the one that is wanted: low <= it <= high */
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (!at_or_before(&reader->database, middle, &spot, err)) {
            return false;
        }
        if (spot.seq <= low) {
            low = middle; /* pruned: none in this half */
        } else if (spot.at.ms < at.ms) {
            low = middle;
        } else {
            high = spot.seq - 1;
        }
    }
    if (!at_or_before(&reader->database, low, &spot, err)) {
        return false;
    }
    *ret_seq = spot.seq;
    return true;
}
