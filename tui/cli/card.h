/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_CARD_H
#define SIGNALBOX_CLI_CARD_H

/*
 * Card, on the command line: what `approvals`, `optimizations` and `approve` have in common.
 */

#include "tui/card.h"
#include "tui/cli/cli.h"

/* Print the lines of a card, as wide as the terminal. */
void card_print(const struct card_line *lines, size_t n);
/* Width for card_of_...: of the terminal, at most 120; 80 when there is none. */
int card_width(void);
/* The approval of "a-3". MISSING with err set. */
enum found card_read_approval(struct cli *cli, const char *text,
                              struct approval_row *ret_row, struct err *err);
/* "dry_run" of a card replayed on all that is recorded; false with err. approval or optimization
 * NULL. */
NODISCARD bool card_replay(struct cli *cli, const struct approval_row *approval,
                           const struct optimization_row *optimization,
                           struct card_list *ret_lines, struct err *err);
/* The lines, as text or as a JSON object. */
void card_print_replay(struct cli *cli, const char *id, const struct card_list *lines);
/* Its whole card on stdout. */
void card_print_approval(struct cli *cli, const struct approval_row *row);

#endif
