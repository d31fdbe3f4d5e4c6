/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_ENV_H
#define SIGNALBOX_SERVICE_LOCAL_ENV_H

/*
 * Local env: environments, made from nothing. Nothing is inherited by accident.
 */

#include "engine/base/err.h"
#include "engine/service/order.h"

struct env {
    char **entries; /* "NAME=value", NULL-terminated */
    size_t n;
};

void env_fini(struct env *env);
/* Replaces an earlier entry of this name. */
void env_set(struct env *env, const char *name, const char *value);
bool env_has(const struct env *env, const char *name);
/* Copies a variable of this process when it is set. */
void env_inherit(struct env *env, const char *name);

/* What the io thread gives to a runner: the variables of order.h and those that the order
 * borrows, for the command, for its service, and for the forge's token. */
void env_for_runner(struct env *env, const struct order *order);
/* What a runner gives to git: those of the operator, and a fixed language. */
void env_for_git(struct env *env, const struct order *order);

enum env_kind { ENV_AGENT, ENV_SANDBOX };
/* What a runner gives to a command (local_command.h). ERR_CONFIG when a borrowed variable
 * is not set. */
NODISCARD bool env_for_command(struct env *env, const struct order *order,
                               enum env_kind kind, struct err *err);

#endif
