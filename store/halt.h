/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_HALT_H
#define SIGNALBOX_STORE_HALT_H

/*
 * Halt: whether everything autonomous stands still, as it is stored (setting HALT_SETTING,
 * store/approval.h) and shown. Written by the control thread alone.
 */

#include <signal.h>

#include "store/store.h"

struct halt_row {
    bool is_on;
    struct wall at;
    const char *by, *reason; /* clean lines; "" = not said; in arena */
};

void reader_halt(struct reader *reader, struct arena *arena, struct halt_row *ret_row);
/* The same from the setting's text. What cannot be read is a halt by nobody known: somebody
 * has put it there. */
void halt_row_parse(struct arena *arena, const char *text, struct halt_row *ret_row);

/* In WORK (STORE-work) while everything stands still, and what its runners are woken with:
 * engine/io/hold.h. */
#define HALT_FILE   "halted"
#define HALT_SIGNAL SIGURG
/* No engine lives that could tell the runners, which go on without one: make the file, and wake
 * them. Returns how many were told. The engine that takes the command decides; when it refuses,
 * it takes the file away. */
int halt_without_engine(const char *store);

#endif
