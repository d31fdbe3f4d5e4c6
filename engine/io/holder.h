/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_HOLDER_H
#define SIGNALBOX_IO_HOLDER_H

/*
 * Holder: the process that keeps a bridge alive between the effects of a workflow.
 *
 * A sandbox behind a bridge dies with the bridge, and the bridge is the child of somebody.
 * Runners come and go with their effects, and the engine may die; so the runner of SANDBOX
 * starts `signalbox-run __hold FX-FOLDER`, in a session of its own, and leaves. The holder
 * owns the bridge and serves one request at a time:
 *
 *   WORK/wf-12/hold.sock    unix socket, 0600: a client sends a line (grainchain.h), gets
 *                           the line that the bridge answered, and the connection ends
 *   WORK/wf-12/hold.end     why it ended; for whoever finds it gone
 *
 * Deadlines are the holder's, because bridges come back late from commands that hang: an
 * answer that does not come in the request's time_ms ends the bridge, all that it started,
 * and the holder. So does a client that hangs up before the answer: what it had asked for
 * cannot be stopped otherwise.
 *
 * It ends with the request "end", on SIGTERM, when the bridge ends, when the workflow's
 * folder is gone, and when nobody asked for anything in HOLDER_IDLE.
 *
 * Environment: SIGNALBOX_HOLDER=WORK/wf-12 marks it and what it starts.
 */

#include <stdbool.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/json.h"
#include "engine/service/local_env.h"
#include "engine/service/order.h"

#define HOLDER_IDLE ((struct span){12LL * 3600 * 1000})
#define HOLDER_MESSAGE_MAX                                                               \
    (64 * 1024 * 1024) /* bytes of a line, when order says nothing */

/* Body of the hidden subcommand. */
int holder_main(const char *folder);

/* Start one for the order's workflow with its service_command; an earlier one is ended
 * first. Returns when the bridge runs. env: for holder and bridge; SIGNALBOX_HOLDER is
 * added. False: err->sys says whether the program is missing (ENOENT). A caller must not
 * use process_run or talk_close afterwards: they kill every descendant. */
NODISCARD bool holder_start(const struct order *order, struct env *env, struct err *err);

enum holder_end {
    HOLDER_ANSWERED, /* the answer is in ret_answer, owned by the caller */
    HOLDER_LATE,     /* no answer in time: the bridge was killed */
    HOLDER_GONE,     /* there is none, or it ended: err says why */
    HOLDER_STOPPED   /* stop_fd became readable: the bridge was killed */
};
/* Ask with one line. time: that of the request, beyond which the holder gives up. */
enum holder_end holder_ask(const struct order *order, const struct buf *request,
                           struct span time, int stop_fd, struct json **ret_answer,
                           struct err *err);
/* Is there one? */
bool holder_exists(const struct order *order);
/* End it: sandboxes are closed, nothing of it is left. Harmless when there is none. */
void holder_stop(const struct order *order);

#endif
