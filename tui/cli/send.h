/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_SEND_H
#define SIGNALBOX_CLI_SEND_H

/*
 * Send: the one way of the command line to change anything.
 *
 * A request becomes a command row; the bell is rung; when an engine runs, its answer is
 * waited for, at most REQUEST_WAIT. Without an engine the request stays in the store and
 * the next engine takes it.
 */

#include "tui/cli/cli.h"

#define REQUEST_WAIT ((struct span){10 * 1000})

struct request {
    /* asked */
    const char *verb;
    int64_t workflow; /* 0 = none */
    const char *args; /* JSON object */
    /* what became of it */
    int64_t command; /* id of its row; 0: not handed over */
    bool is_answered;
    int answer;          /* 0 done, 1 refused, 2 bad */
    const char *message; /* clean; "" */
    int64_t result;      /* workflow that the answer speaks of, 0 = none */
};

/* Send all, then wait for all. False when not all could be handed over (err); the ones
 * before stay handed over. */
NODISCARD bool requests_send(struct cli *cli, struct request *requests, size_t n,
                             struct err *err);
/* One line for each on stdout (refusals on stderr), or a JSON object each; exit status.
 */
int requests_report(struct cli *cli, const struct request *requests, size_t n);
/* Why there is no answer, one line for people. In cli->arena. */
const char *requests_unanswered(struct cli *cli);

#endif
