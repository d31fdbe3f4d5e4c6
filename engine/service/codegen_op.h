/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_CODEGEN_OP_H
#define SIGNALBOX_SERVICE_CODEGEN_OP_H

/*
 * Codegen op: EFFECT_CODE at a Codegen service.
 *
 *   first time     repos.list (id of the repository) ─► runs.create ─► poll
 *   later rounds   runs.get (of keep) ─► runs.resume with the errors ─► poll
 *                  gone, forbidden, failed or stopped by a person: a new run
 *   poll           runs.get, pauses from 2 s to 60 s; runs.logs into the step's log
 *
 * Nothing twice. The API has no idempotency key, so a run carries metadata.signalbox_id.
 * The id is in the memo before runs.create is called; when the answer does not come, or an
 * engine died in between, runs.list is searched for it, twice with a pause, before another
 * run is created. A resumption has no such mark: when its answer does not come and the
 * run is not in flight, it is asked for again. At worst the agent is told a thing twice.
 *
 * memo {"phase": create | resume | run, "uid", "at", "repo", "run", "logs", "pull",
 *       "resumes"}
 * keep {"service", "repo", "run", "logs", "pull", "iteration", "open", "banned"}
 *      open: its outcome was never delivered (the same round goes on with it); without a
 *      run and with "uid", "at": it is not known whether there is one.
 *
 * Outcomes
 *   COMPLETE                       PASSED: branch and number of its pull request; without
 *                                  one (asked a second time) the branch that it was told
 *                                  to use, where commit and pull-request look further
 *   MAX_ITERATIONS_REACHED,        resumed once; then FAILED, change: a smaller step or a
 *   TIMEOUT                        better plan may help
 *   OUT_OF_TOKENS                  resumed once; then FAILED, operator: it is bought
 *   FAILED, ERROR                  first attempt FAILED, world: the API does not say why,
 *                                  and mostly it is its machine; a new run is cheap. A
 *                                  second time FAILED, change, with the agent's last error
 *   CANCELLED, STOPPED             FAILED, operator: a person stopped it there
 *   402                            FAILED, operator, with the message (plan used up)
 *   401, 403, 404, 422 of a create REFUSED, setup, with the message
 *   the run vanished               FAILED, world; the next attempt begins a new one
 *
 * Stop: the API cannot stop a run. With a pull request, runs.ban stops its agents (and
 * is taken back by runs.unban when the workflow goes on); without one the run is left to
 * itself, and the summary says so.
 */

#include "engine/service/op.h"

extern const struct op_table codegen_ops; /* one row: "codegen.code" */

#endif
