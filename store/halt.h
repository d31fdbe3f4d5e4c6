/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_HALT_H
#define SIGNALBOX_STORE_HALT_H

/*
 * Halt: whether everything autonomous stands still, as it is stored (setting HALT_SETTING,
 * store/approval.h) and shown. Written by the control thread alone.
 */

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

#endif
