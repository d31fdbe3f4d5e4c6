/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_ENGINE_ENGINE_H
#define SIGNALBOX_ENGINE_ENGINE_H

/*
 * Engine: the only face of the engine that a front end sees.
 *
 * engine_start takes the store's lease, opens it, continues what was going on, and starts the
 * control and io threads; both block all signals. Front ends talk to a running engine, in
 * this process or another, through the store and its bell only.
 */

#include <stdbool.h>

#include "engine/base/err.h"

struct config;
struct engine;

enum engine_start_result { ENGINE_STARTED, ENGINE_ELSEWHERE, ENGINE_FAILED };

/* ENGINE_ELSEWHERE: another process has the lease, *ret_pid says which. `config` must outlive
 * the engine. The store is config->store. */
enum engine_start_result engine_start(const struct config *config,
                                      struct engine **ret_engine, int *ret_pid,
                                      struct err *err);
/* Commit what is in hand, stop the threads, give the lease back. Steps that run go on under
 * their runners and are adopted by the next engine. Accepts NULL. */
void engine_stop(struct engine *engine);
/* No new workflow starts; returns at once. For on_hangup: drain. */
void engine_drain(struct engine *engine);
/* Readable when the engine ended by itself (drained, or its store is gone for good). */
int engine_fd(const struct engine *engine);

/* Body of the hidden subcommand that runs one effect (see engine/io/runner.h); exit status. */
int engine_run_effect(const char *folder);
/* Body of the one that keeps a bridge alive (engine/io/holder.h). */
int engine_hold_sandbox(const char *folder);

#endif
