/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_VERB_H
#define SIGNALBOX_CLI_VERB_H

/*
 * Verb commands: one subcommand for each verb, but submit and adopt.
 *
 * Made from the table of verbs: `VERB ID... [--ARG VALUE]...`. An argument that the verb
 * requires may also stand as the last word (`signalbox priority wf-12 8`), because nobody
 * likes to type an option that cannot be left out. A verb that acts on something else than
 * workflows takes what it requires as words, in order, and behind them its note or reason
 * (`signalbox ack 3 'looking at it'`).
 */

#include "tui/cli/cli.h"

struct verb;

/* Fill at most max rows, return how many. The rows live for ever. */
size_t cli_verb_commands(const struct cli_command **ret_rows, size_t max);

/* JSON arguments of `verb` from the options, with the required one from the last word
 * when its option is missing; *ret_n_ids words of cli->args are ids. In cli->arena.
 * Checked with verb_check. */
NODISCARD const char *cli_verb_args(struct cli *cli, const struct verb *verb,
                                    int *ret_n_ids, struct err *err);

#endif
