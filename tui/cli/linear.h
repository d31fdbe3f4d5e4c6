/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_LINEAR_H
#define SIGNALBOX_CLI_LINEAR_H

/*
 * Linear: the console as lines, for screen readers, braille displays and terminals that can
 * do nothing else (TERM=dumb).
 *
 * No cursor is moved, no escape sequence is written, nothing is ever drawn over: what changes
 * is told in a line at the end, at most once a second, what needs a person first. A line that
 * is typed is a command of the command line (tui/cli/linear_line.h says what else it may be).
 * It runs in a process of its own with the terminal, so that it asks for the same
 * confirmations in the same way, and Ctrl-C ends it and nothing else.
 *
 * It reads the same store as every other front end and changes it in no other way.
 */

#include "tui/cli/cli.h"

/* Body of the console process (tui/host.h): until `quit`, the end of input, or of the
 * terminal. Needs cli->config. Exit status. */
int linear_run(struct cli *cli);

#endif
