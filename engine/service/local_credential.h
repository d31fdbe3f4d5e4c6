/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_CREDENTIAL_H
#define SIGNALBOX_SERVICE_LOCAL_CREDENTIAL_H

/*
 * Local credential: the forge's token for git over http(s), asked for by git itself.
 *
 * Git is given a credential helper (git-credential(1), gitcredentials(7)) that is this
 * program again, in the process that git starts:
 *
 *   runner ─► git push ─► git-remote-https ─► sh ─► signalbox-run __run FOLDER
 *                                 ◄── username=, password= (a pipe) ──┘
 *
 * The helper reads from FOLDER/spec.json where the token comes from (order->forge_token:
 * a variable, a file, a command), fetches it there and then, and prints it into git's
 * pipe, for the scheme and host of the clone URL only. So the token is in no argument, no
 * file, no configuration and not in the memory of the runner. When it comes from a
 * variable, that variable, and only it, is in the environment of the runner and of git,
 * as it is in the engine's; it does not reach agents and checks, whose environments are
 * made anew (local_env.h).
 */

#include <stdbool.h>

#include "engine/service/local_env.h"
#include "engine/service/order.h"

/* Does git get a token for this URL? */
bool credential_is_wanted(const struct order *order, const char *url);
/* What git needs in its environment to call the helper. */
void credential_env(struct env *env, const struct order *order);
/* Value of the setting credential.helper. */
extern const char credential_helper[];

/* In the helper: is this process one? */
bool credential_is_asked(const char *folder);
/* Answers git's question on stdin; exit status. */
int credential_main(const char *folder);

/* Does git's question (protocol= and host= lines) concern this URL? */
bool credential_fits(const char *question, const char *url);

#endif
