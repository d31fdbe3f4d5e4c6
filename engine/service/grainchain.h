/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_GRAINCHAIN_H
#define SIGNALBOX_SERVICE_GRAINCHAIN_H

/*
 * Grainchain: what is said to a bridge around the grainchain library.
 *
 * grainchain is a Python library without a server (github.com/codegen-sh/grainchain), so
 * a small program of the operator's drives it: JSON, one object per line, on its stdin
 * and stdout, one request at a time; the end of stdin closes all sandboxes.
 *
 *   {"id":1,"method":"create","params":{"provider":"local"}}
 *   {"id":1,"result":{"sandbox_id":"local_1","provider":"local","status":"running"}}
 *   {"id":2,"error":{"type":"ProviderError","message":"..."}}
 *
 *   create    provider, timeout (s), cwd, env       sandbox_id, provider, status
 *   execute   sandbox_id, command, timeout, env     stdout, stderr, return_code
 *   upload    sandbox_id, path, b64                 {}
 *   download  sandbox_id, path                      b64
 *   snapshot  sandbox_id                            snapshot_id
 *   restore   sandbox_id, snapshot_id               {}
 *   close     sandbox_id                            {}
 *
 * No working directory is given with execute: the local provider takes it for one of this
 * machine (grainchain/providers/local.py); the command changes into it itself.
 *
 * Requests are made here without id and with "time_ms", for the holder
 * (engine/io/holder.h), which passes them on. Pure.
 */

#include "engine/base/buf.h"
#include "engine/base/json.h"
#include "engine/service/order.h"

#define GRAINCHAIN_PART (4 * 1024 * 1024) /* bytes of one upload, before base64 */

/* Each replaces what is in `out` with one line. */
void grainchain_create(struct buf *out, const char *provider, struct span life,
                       struct span time);
void grainchain_execute(struct buf *out, const char *sandbox, const char *command,
                        const struct env_var *env, size_t n_env, struct span bound,
                        struct span time);
void grainchain_upload(struct buf *out, const char *sandbox, const char *path,
                       const void *bytes, size_t len, struct span time);
void grainchain_snapshot(struct buf *out, const char *sandbox, struct span time);
void grainchain_restore(struct buf *out, const char *sandbox, const char *snapshot,
                        struct span time);
void grainchain_close(struct buf *out, const char *sandbox, struct span time);

/* The "result" of an answer; NULL with err when it is an error: ERR_CONFIG when settings
 * or keys are wrong, else ERR_REFUSED. */
NODISCARD const struct json *grainchain_result(const struct json *answer,
                                               struct err *err);

#endif
