/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_UNTIL_H
#define SIGNALBOX_CLI_UNTIL_H

/* Until: follow one workflow, or all of them, a line for each transition. */

#include "store/model.h"
#include "tui/cli/cli.h"

struct request;

/* Follow the workflow that the answer of `request` names; waits for the answer first, as
 * long as it takes. Ends when the workflow ends or waits for a person; exit status. */
int until_end(struct cli *cli, const struct request *request);

/* One line: time, workflow, states, text. Or a JSON object. */
void until_print(const struct event_row *event, bool is_json);
/* Is this event worth a line: does it change the state, or what is waited for? */
bool until_is_transition(const struct event_row *event);

#endif
