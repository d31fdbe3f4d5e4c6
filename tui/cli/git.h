/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_GIT_H
#define SIGNALBOX_CLI_GIT_H

/* Git: is this a repository that a task can be given for? Asks the git program. */

#include "engine/base/compiler.h"
#include "engine/base/err.h"

/* Absolute path of the repository at `path` (its top folder, or a bare repository), which
 * has the branch `base`; malloc'd, or NULL with err. */
NODISCARD char *git_check_repo(const char *path, const char *base, struct err *err);

#endif
