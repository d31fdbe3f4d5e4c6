/* SPDX-License-Identifier: MIT */
#include "engine/base/err.h"

#include <errno.h>
#include <stdarg.h>

PRINTF_LIKE(2, 0)
static void write_message(struct err *err, const char *format, va_list args)
{
    if (vsnprintf(err->msg, sizeof(err->msg), format, args) < 0) {
        err->msg[0] = '\0';
    }
}

bool err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list args;
    err->code = code;
    err->sys = 0;
    va_start(args, format);
    write_message(err, format, args);
    va_end(args);
    return false;
}

static enum err_code code_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EROFS:
    case EACCES:
    case EPERM:
        return ERR_READ_ONLY;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    default:
        return ERR_IO;
    }
}

bool err_sys(struct err *err, const char *format, ...)
{
    int number = errno;
    char reason[96];
    va_list args;
    err->code = code_of_errno(number);
    err->sys = number;
    va_start(args, format);
    write_message(err, format, args);
    va_end(args);
    size_t len = strlen(err->msg);
    const char *text = strerror_r(number, reason, sizeof(reason));
    (void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", text);
    return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
    char old[sizeof(err->msg)];
    va_list args;
    memcpy(old, err->msg, sizeof(old));
    va_start(args, format);
    write_message(err, format, args);
    va_end(args);
    size_t len = strlen(err->msg);
    (void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %.*s",
                   (int)(sizeof(err->msg) - len - 3 > 0 ? sizeof(err->msg) - len - 3 : 0),
                   old);
    return false;
}

static const struct {
    const char *word;
    int status;
} codes[] = {
#define X(id, text, exit_status) [id] = {text, exit_status},
    ERR_LIST(X)
#undef X
};

const char *err_word(enum err_code code)
{
    return (unsigned)code < ERR_CODE_COUNT ? codes[code].word : "unknown";
}

int err_exit_status(enum err_code code)
{
    return (unsigned)code < ERR_CODE_COUNT ? codes[code].status : 1;
}

void bug_at(const char *file, int line, const char *message)
{
    (void)fprintf(stderr, "signalbox: bug at %s:%d: %s\n", file, line, message);
    abort();
}
