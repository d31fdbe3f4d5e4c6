/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_ERR_H
#define SIGNALBOX_BASE_ERR_H

/*
 * Err: how a failure of the world is returned.
 *
 * A function that can fail returns bool (true = done) or a pointer (NULL = failed) and takes
 * `struct err *err` last, never NULL. On success err is untouched. The origin writes the
 * fact; a boundary may add context once with err_wrap; exactly one place shows it.
 *
 * Ownership: a value without allocation; copy it into a message for another thread.
 * A bug is BUG(): message to stderr, abort. The terminal's abort handler restores the tty.
 */

#include <stdbool.h>

#include "engine/base/compiler.h"

/* X(identifier, word, exit status of the command line) */
#define ERR_LIST(X)                                                                      \
    X(ERR_NONE, "none", 0)                                                               \
    X(ERR_USAGE, "usage", 2)                                                             \
    X(ERR_CONFIG, "configuration", 2)                                                    \
    X(ERR_NOT_FOUND, "not found", 1)                                                     \
    X(ERR_REFUSED, "refused", 1)                                                         \
    X(ERR_EXISTS, "exists", 1)                                                           \
    X(ERR_IO, "input/output", 1)                                                         \
    X(ERR_FULL, "no space", 1)                                                           \
    X(ERR_READ_ONLY, "read-only", 1)                                                     \
    X(ERR_BUSY, "busy", 1)                                                               \
    X(ERR_CORRUPT, "corrupt", 1)                                                         \
    X(ERR_TOO_NEW, "newer version", 2)                                                   \
    X(ERR_TOO_LARGE, "too large", 1)                                                     \
    X(ERR_PROTOCOL, "protocol", 1)                                                       \
    X(ERR_TIMEOUT, "timeout", 1)

enum err_code {
#define X(id, word, status) id,
    ERR_LIST(X)
#undef X
        ERR_CODE_COUNT
};

struct err {
    enum err_code code;
    int sys; /* errno at the origin, or 0 */
    char msg[400];
};

/* Fill *err and return false, so that a caller can write `return err_set(...)`. */
bool err_set(struct err *err, enum err_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* As err_set with ": strerror(errno)" appended and err->sys set; call right after the
 * failed call. ENOSPC/EDQUOT become ERR_FULL, EROFS/EACCES/EPERM ERR_READ_ONLY, ENOENT
 * ERR_NOT_FOUND, the rest `ERR_IO`. */
bool err_sys(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Put "context: " before the message. Returns false. */
bool err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

const char *err_word(enum err_code code);
int err_exit_status(enum err_code code);

#define ERR_INIT ((struct err){.code = ERR_NONE})

NORETURN void bug_at(const char *file, int line, const char *message);
#define BUG(message) bug_at(__FILE__, __LINE__, message)

#endif
