/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_EVENT_KIND_H
#define SIGNALBOX_CONTROL_EVENT_KIND_H

/*
 * Event kind: the words that can stand in event_row.kind, for whoever asks for one: those
 * of the machine's table, the verbs, the states of a breaker, and what the engine and the
 * monitor say by themselves. Pure; made from the tables where there are tables.
 */

#include <stdbool.h>
#include <stddef.h>

/* All of them, in no order; NULL behind the last one. A word may come twice. */
const char *event_kind(size_t index);
bool event_kind_is_known(const char *kind);

#endif
