/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_DECISION_H
#define SIGNALBOX_CLI_DECISION_H

/*
 * Decision: approve, reject, snooze, delegate and claim on approvals.
 *
 * `VERB a-3...`: each approval is read and its card printed; what is sent is bound to the digest
 * of what was printed, or to --digest, what a script saw before. How much is asked goes by the
 * tier of risk, as in the console: nothing, y, or the name typed; without a terminal --yes or
 * --confirm NAME says it. The engine checks all of it again.
 */

#include "tui/cli/cli.h"

struct verb;

/* Does the verb act on approvals? */
bool cli_decides(const struct verb *verb);
/* Is this word an approval, as "a-3"? */
bool cli_is_approval(const char *word);
/* The subcommand `verb`; an id is an approval, or a workflow that waits for one. Exit status:
 * CLI_HUMAN when somebody else must approve too. */
int cli_run_decision(struct cli *cli, const struct verb *verb);

#endif
