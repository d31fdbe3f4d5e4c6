/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_PRESENCE_H
#define SIGNALBOX_STORE_PRESENCE_H

/*
 * Presence: which consoles look at a store, so that operators see each other.
 *
 * Each console has a file of its own in the folder PATH-here, held with flock(2) for as long as it
 * lives: nothing is written to the store, and whoever was killed is gone at once, because the
 * kernel lets go of the lock. What is left of the dead is removed by whoever looks.
 *
 * The folder can be used by whoever can use the store (its permissions). What stands in a file is
 * what a console says of itself: it is shown, cleaned and bounded, and decides nothing.
 *
 * Threads: a struct presence belongs to one; presence_list is for any.
 */

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"

#define PRESENCE_MAX      64  /* consoles that are told of */
#define PRESENCE_TEXT_MAX 120 /* bytes of each text, with NUL */

struct presence_row {
    int pid;
    char user[PRESENCE_TEXT_MAX]; /* the person */
    char tty[PRESENCE_TEXT_MAX];  /* "" = none */
    char from[PRESENCE_TEXT_MAX]; /* address of an SSH client; "" = none */
    char view[PRESENCE_TEXT_MAX]; /* what is looked at: "workflow wf-12" */
    struct wall since;
    bool is_read_only;
};

struct presence;
/* Of this process; row->pid is ignored. */
NODISCARD struct presence *
presence_begin(const char *store_path, const struct presence_row *row, struct err *err);
/* What is looked at now. Writes only when it is something else. Accepts NULL. */
void presence_tell(struct presence *presence, const char *view);
void presence_end(struct presence *presence); /* accepts NULL */

/* Those who are here, by the time they came; at most max. None when there is no folder. */
size_t presence_list(const char *store_path, struct presence_row *rows, size_t max);

#endif
