/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_COMPLETION_H
#define SIGNALBOX_CLI_COMPLETION_H

/* Completion: the bash function that completes what the table of commands knows, on
 * stdout. */
void completion_print(void);

#endif
