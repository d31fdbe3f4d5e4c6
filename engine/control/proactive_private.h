/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_PROACTIVE_PRIVATE_H
#define SIGNALBOX_CONTROL_PROACTIVE_PRIVATE_H

/*
 * What proactive.c (prepared actions are carried out) and proactive_ask.c (where a person must
 * allow them first) share.
 */

#include "engine/control/approval.h"
#include "engine/decision/proactive.h"

#define PREPARED_TEXT_MAX 480

/* How an action would be carried out now. */
struct prepared_place {
    const char *service; /* that is called; borrowed from the configuration; "" = none */
    int slots;           /* how many workflows would run at once; 0 = as many as ever */
    char what[PREPARED_TEXT_MAX]; /* in words */
};

/* False: there is nothing that could be done. */
bool prepared_find(const struct control *control, enum prepared action,
                   const char *subject, struct prepared_place *ret_place);
/* It holds in control->proactive already: done, and its decision row. */
void prepared_begin(struct control *control, const struct prepared_step *step,
                    const struct prepared_place *place, struct wall now);
/* One clean line of it: an event, and a row of the audit. */
void prepared_note(struct control *control, const struct prepared_step *step,
                   const char *kind, const char *outcome, const char *what,
                   struct wall now);
/* What holds into the batch. */
void prepared_keep(struct control *control);

/* Its class of actions does not allow it without a person: it is noted, or asked for. */
bool prepared_asks(struct control *control, const struct prepared_step *step,
                   const struct prepared_place *place, struct wall now);
/* What is asked for and not likely any more is withdrawn. */
void prepared_look(struct control *control, struct wall now);
struct wall prepared_look_at(const struct control *control); /* unset: never */

#endif
