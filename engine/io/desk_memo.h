/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_DESK_MEMO_H
#define SIGNALBOX_IO_DESK_MEMO_H

/*
 * Desk memo: the files of engine/io/desk_shell.h that survive an engine.
 *
 * A memo says what an op is about to do outside, or has done. It is durable when
 * desk_memo_write returns: file, folder and the folders above that it made.
 */

#include <stdbool.h>

#include "engine/base/err.h"
#include "store/store.h"

#define DESK_MEMO_MAX (8 * 1024 * 1024) /* bytes of one file */

enum desk_memo_kind { DESK_MEMO_EFFECT, DESK_MEMO_KEPT };

/* FOLDER/memo.json, or FOLDER/keep-PORT.json. malloc'd. */
NODISCARD char *desk_memo_path(const char *folder, enum desk_memo_kind kind,
                               const char *port);
/* A JSON object, or "" to remove the file. */
NODISCARD bool desk_memo_write(const char *path, enum desk_memo_kind kind,
                               const char *provider, const char *json, struct err *err);
/* malloc'd. MISSING is the usual case. */
enum found desk_memo_read(const char *path, enum desk_memo_kind kind, char **ret_provider,
                          char **ret_json, struct err *err);

#endif
