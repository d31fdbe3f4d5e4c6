/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FAKES_FAKE_CODEGEN_H
#define SIGNALBOX_TESTS_FAKES_FAKE_CODEGEN_H

/*
 * Fake Codegen: agent runs that go from ACTIVE to COMPLETE and leave a real commit.
 *
 * A run works on the branch that its prompt names ("branch `NAME`", made from `BASE`), or on
 * one of its own. What it writes is one file per branch, with the prompt and the number of
 * the turn in it, so that a check can tell the first try from the second. Shapes follow the
 * published OpenAPI of the service; its traps are switched on by the settings (statuses in
 * any case, null, unknown ones, both formats of time, fields left out).
 */

#include "tests/fakes/fake_github.h"

struct fake_codegen;

/* Settings and GitHub outlive it. `github` NULL: runs commit nothing. */
struct fake_codegen *fake_codegen_new(const struct fake_codegen_settings *settings,
                                      struct fake_github *github);
void fake_codegen_free(struct fake_codegen *codegen); /* accepts NULL */
void fake_codegen_serve(struct fake_codegen *codegen, const struct fake_request *request,
                        struct wall now, struct fake_reply *reply);
void fake_codegen_tick(struct fake_codegen *codegen, struct wall now);
/* Whoever works is done now: for tests that cannot wait by the clock. */
void fake_codegen_finish(struct fake_codegen *codegen, struct wall now);
/* Counts for tests, into an open object. */
void fake_codegen_state(struct fake_codegen *codegen, struct jsonw *w);

#endif
