/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_PAST_PRIVATE_H
#define SIGNALBOX_STORE_PAST_PRIVATE_H

/* Past, private: the tables whose old images are kept, for writing and for reading. */

#include "store/past.h"
#include "store/sqlite_private.h"

/* The settings that are part of what an operator sees. */
#define PAST_SETTINGS "engine", "fault", "started_at", HALT_SETTING, LEVELS_SETTING

struct past_table {
    const char *table;
    const char *key, *second; /* columns; second may be NULL */
    const char *keep;         /* ?1, ?2 stamp, ?3, ?4 key: the image, if there is a row */
    const char *birth;        /* same: that there was none; NULL: told otherwise */
    const char *thin;         /* ?1 id, ?2 rowid of the image; NULL: not needed */
    const char *thinned; /* columns that are NULL in an image when they did not change */
};
extern const struct past_table past_tables[PAST_COUNT];

struct past_key {
    int64_t upto_seq, upto_at;
    int64_t number;       /* the first key, when texts[0] is NULL */
    const char *texts[2]; /* NULL: it is a number, or there is none */
};

#endif
