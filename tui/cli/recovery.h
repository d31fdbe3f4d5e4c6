/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_RECOVERY_H
#define SIGNALBOX_CLI_RECOVERY_H

/*
 * Recovery, on the command line: what `failures`, `recoveries` and `decisions` have in common.
 */

#include "engine/recovery/case.h"
#include "tui/cli/cli.h"

#define RECOVERY_LIMIT_DEFAULT 100
#define RECOVERY_LIMIT_MAX     9999

/* Options of the lists, in this order; the command adds its own before. */
#define RECOVERY_OPTIONS {"all", 'a', NULL, "also what is over"}, RECOVERY_OPTIONS_BUT_ALL
#define RECOVERY_OPTIONS_BUT_ALL                                                         \
    {"class", 'c', "CLASS", "only failures of this class, such as test or quota"},       \
        {"workflow", 'w', "ID", "only of this workflow"},                                \
        {"text", 't', "TEXT", "only rows with this text, of any case"},                  \
        {"limit", 'n', "N", "at most N rows (100)"},                                     \
        {"before", 0, "ID", "only rows older than this one: the next page"},             \
    {                                                                                    \
        0                                                                                \
    }

/* The query that the options ask for. False with what is wrong. kind: of the ids listed. */
NODISCARD bool recovery_parse_query(const struct cli *cli, enum case_kind kind,
                                    struct recovery_query *ret_query, struct err *err);
/* "f-31" or "31" of this kind. */
NODISCARD bool recovery_parse_id(const char *text, enum case_kind kind, int64_t *ret_id,
                                 struct err *err);
/* One object a line: open it, let `write` fill it, print it. */
void recovery_print_json(void (*write)(struct jsonw *w, const void *row),
                         const void *row);

#endif
