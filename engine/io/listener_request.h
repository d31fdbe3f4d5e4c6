/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LISTENER_REQUEST_H
#define SIGNALBOX_IO_LISTENER_REQUEST_H

/*
 * Request: a command as it comes over the network, the same over HTTP and WebSocket. Pure.
 *
 *   {"verb": "approve",             a verb of the table (engine/control/verb.h)
 *    "workflow": "wf-12",           or 12; for verbs that act on one
 *    "args": {"approval": 3, ...},  as the verb takes them, "a-3" too; may be left out
 *    "key": "2d9c-1"}               what the client calls this request, see below
 *
 * It is judged here as a front end does, with the words of verb_check, so that nonsense is not
 * stored; the engine judges again. An approval must name the digest that was shown.
 *
 * The key is the idempotency key of the IETF draft draft-ietf-httpapi-idempotency-key-header-07:
 * over HTTP also as a header, a string in quotes or as it is. A second request with the same key
 * and the same user is the first one again; with another content it is refused (422).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/control/verb.h"
#include "store/model.h"

#define REQUEST_MAX                                                                      \
    (2 * DOC_MAX + 65536)   /* bytes of a body: a task, a pipeline, the rest */
#define REQUEST_KEY_MAX 128 /* bytes of a key: visible ASCII */

struct request {
    const struct verb *verb;
    int64_t workflow; /* 0 = none */
    char *args;       /* compact JSON object; owned */
    char *key;        /* "" = none; owned */
};
struct request_problem {
    int status;     /* of HTTP */
    char field[80]; /* "args.reason"; "" = the whole */
    char text[400]; /* one line */
    char key[REQUEST_KEY_MAX +
             1]; /* of the request, so that its sender knows it; "" = none */
};
/* False: *ret_problem says why; nothing is to be freed. header_key: of the header
 * Idempotency-Key, NULL = not there. */
NODISCARD bool request_parse(const char *text, size_t len, const char *header_key,
                             struct request *ret_request,
                             struct request_problem *ret_problem);
void request_free(struct request *request);
/* Is it the same command? A key stands for one. */
bool request_is_same(const struct request *request, const struct command_row *row);

/* Status of HTTP for a command: 202 while it is not answered, 200 done, 400 malformed, 403 the
 * role is not enough, 409 refused. */
int request_status(const struct command_row *row);
/* {"command":7,"verb":"pause","workflow":4,"is_answered":true,"answer":0,"message":"..."}, as
 * `signalbox VERB --json` prints it, and the key when there is one. type, status: for a WebSocket
 * ("answer", 200), else NULL. */
void request_put_answer(struct buf *out, const struct command_row *row, const char *type,
                        int status);
/* {"error":"...","field":"args.reason"}; likewise. */
void request_put_problem(struct buf *out, const struct request_problem *problem,
                         const char *type);

#endif
