/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_ROUTE_H
#define SIGNALBOX_SERVICE_ROUTE_H

/*
 * Route: who may perform an effect, and all that he needs for it.
 *
 * From a row of the outbox and what the store and the settings say, route_task makes the
 * task for the desk: the order, the chain of providers, the documents. It performs
 * nothing and decides nothing that depends on how services are doing: that is the desk's.
 *
 *   effect                          chain
 *   plan                            local
 *   workspace, commit               local; with a remote forge and an agent that is a
 *                                   Codegen service: the forge. Which agent: for the
 *                                   commit who performed the newest `code`, for the
 *                                   workspace the first of the agent chain
 *   code                            agent chain
 *   pull-request, forge-checks,     the forge's service; local with the local forge
 *   merge, revert, close
 *   sandbox                         sandbox chain
 *   setup, check                    who performed the newest `sandbox`, alone: the files
 *                                   are there
 *   evaluate                        evaluator chain
 *   watch                           local; the forge's service when its checks are waited
 *                                   for
 *   confirm, restart                local
 *   cleanup                         see below
 *
 * "local" is left out where it has nothing to run (an agent or evaluator without
 * command), unless nothing else is left.
 *
 * A local agent with a remote forge works on a mirror (local_mirror.h): plan, workspace,
 * code, commit, sandbox and cleanup are the same local providers, on a bare clone. When
 * `code` falls back to local after a workspace that the forge's service made, local_code
 * makes the worktree first; local_evaluate makes its sandbox when the one of the checks
 * is elsewhere.
 *
 * Cleanup has two places to clean when a sandbox was made elsewhere. Then the chain has
 * that service alone and task->then_local is set:
 *   - way HTTP: the desk drives the op (delete the sandbox), and when it is done,
 *     whatever its outcome, gives the order to a runner with provider "local". A gate
 *     that does not admit: the runner at once.
 *   - way runner: one runner, order->provider the service, removes both. A gate that does
 *     not admit: provider "local".
 *   Result is the runner's. What could not be removed at the service is said in its
 *   summary; sandboxes there have an end of their own.
 *
 * What the caller adds, for it knows the folders: memo, memo_provider, keep, is_adopted.
 * An effect with memo_provider, or a runner that lives, goes on with that provider
 * wherever it stands in the chain.
 *
 * Errors: ERR_CONFIG when pipeline and services do not fit (unknown service, wrong port):
 * REFUSED, setup. Anything else is a broken store.
 * Thread: any; the reader's.
 */

#include "engine/service/desk.h"

struct route {
    struct reader *reader;
    const struct pipeline *pipeline;
    const struct workflow_row *workflow;
    const struct effect_row *effect;
    const struct service_spec *services;
    size_t n_services;
    const struct scale_spec *scales;
    size_t n_scales;
    struct order_paths paths;
};

NODISCARD struct desk_task *route_task(const struct route *route, struct err *err);

/* The chain alone, from the effects of the workflow by seq; pure, the reader is not used.
 * Names are malloc'd, and so is the array. *ret_then_local: see above. */
NODISCARD bool route_chain(const struct route *route, const struct effect_row *history,
                           size_t n_history, char ***ret_chain, size_t *ret_n,
                           bool *ret_then_local, struct err *err);

/* A provider that a recovery under way goes round is put last; part of route_task. */
NODISCARD bool route_detour(const struct route *route, struct desk_task *task,
                            struct err *err);

#endif
