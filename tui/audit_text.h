/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_AUDIT_TEXT_H
#define SIGNALBOX_TUI_AUDIT_TEXT_H

/*
 * Audit text: a row of the audit, and what a check found, in words. The same on the command
 * line and in the console.
 */

#include "engine/base/json.h"
#include "store/audit.h"

/* What of its detail is for people, in one clean line: the reason, then what was answered or
 * said; "" none. In arena. */
const char *audit_summary(struct arena *arena, const struct audit_row *row);
/* The members of an object: n, at, actor, role, origin, act, subject, outcome, detail (an
 * object, when it is one), prev, hash. */
void audit_write(struct jsonw *w, const struct audit_row *row);

#endif
