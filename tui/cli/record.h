/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_RECORD_H
#define SIGNALBOX_CLI_RECORD_H

/*
 * Record: rows of the store as JSON objects, as --json prints them.
 *
 * Keys are the names of the fields in store/model.h; moments are RFC 3339 text, lengths
 * end in _ms, what is not set is null. Scripts rely on them: a key is added, never
 * renamed.
 */

#include "engine/base/json.h"
#include "store/model.h"

/* Fields of the row into the object that is open. */
void record_workflow(struct jsonw *w, const struct workflow_row *row);
void record_event(struct jsonw *w, const struct event_row *row);
void record_effect(struct jsonw *w, const struct effect_row *row);
void record_service(struct jsonw *w, const struct service_row *row);
void record_delivery(struct jsonw *w, const struct delivery_row *row); /* without body */
void record_totals(struct jsonw *w, const struct totals *totals);

/* "key": moment or null. */
void record_wall(struct jsonw *w, const char *key, struct wall at);

#endif
