/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_SANDBOX_H
#define SIGNALBOX_SERVICE_SANDBOX_H

/*
 * Sandbox: what is the same for every sandbox that is not on this machine.
 *
 * The files of the head commit lie in the folder "signalbox" of the sandbox's home, put
 * there from an archive of a clean worktree, without git. A step of the pipeline is run
 * there as one shell command, because that is all that providers take. Its words are
 * quoted; nothing of theirs is a shell word.
 *
 * Status. Providers disagree on it: some answer -1 with the message in stderr for their
 * own errors and for any status but 0 (grainchain/providers/e2b.py). So the command says
 * it itself: the last line of the output is a word made for this run, and the status. No
 * such line: the provider failed, and not the step.
 *
 * Deadline. The command is run under timeout(1) where the sandbox has it, which ends what
 * it started too; whoever waits has a deadline of its own beyond that.
 *
 * The limits of a pipeline (memory, processes) are those of the provider; network: false
 * is refused where it cannot be taken away.
 *
 * Pure, but for sandbox_env, which reads variables of this process.
 */

#include "engine/base/buf.h"
#include "engine/service/order.h"

#define SANDBOX_FOLDER    "signalbox"
#define SANDBOX_BODY      "archive.body" /* in the workflow's folder, see runner_sandbox.h */
#define SANDBOX_BOUNDARY  "signalbox-3b1f6a2e9c4d7085"
#define SANDBOX_OUT_MAX   (32 * 1024 * 1024) /* of one step */
#define SANDBOX_MARK_LEN  33                 /* with NUL */
#define SANDBOX_KILL_TIME ((struct span){5000})
#define SANDBOX_SLACK     ((struct span){10000}) /* before we give up waiting */

/* Which snapshots a provider has, as the detail of a service says it: "real", "copy" (of
 * the files only), "none". provider: of grainchain, "" its own choice. */
const char *sandbox_snapshots(enum service_kind kind, const char *provider);

/* Variables of a step: those of local_command.h that mean something elsewhere, and the
 * pipeline's. ERR_CONFIG when one that is borrowed is not set. Malloc'd, freed with
 * sandbox_env_free. */
NODISCARD bool sandbox_env(const struct order *order, struct env_var **ret_env,
                           size_t *ret_n, struct err *err);
void sandbox_env_free(struct env_var *env, size_t n);

/* The shell text of a step, malloc'd. mark: a word that nobody can guess. span 0: no
 * bound. hidden: names of variables that the step must not see; NULL-terminated or NULL. */
NODISCARD char *sandbox_script(const struct order *order, const char *mark,
                               struct span span, char *const *hidden);
/* The text that makes the folder from an archive (tar, gzip) of these parts. */
NODISCARD char *sandbox_unpack(const char *parts, const char *mark);
/* In single quotes. */
void sandbox_quote(struct buf *out, const char *word);

/* Status behind the mark; *ret_len: bytes of the output before it. False: no mark. */
NODISCARD bool sandbox_status(const char *out, size_t len, const char *mark,
                              int *ret_status, size_t *ret_len);

/* Outcome of a step that ended with this status after `took`; as local_command.h says. */
void sandbox_judge(const struct order *order, int status, struct span took,
                   struct span bound, struct effect_result *result);

#endif
