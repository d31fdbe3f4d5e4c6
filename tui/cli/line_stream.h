/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_LINE_STREAM_H
#define SIGNALBOX_CLI_LINE_STREAM_H

/*
 * Line stream: lines of JSON read one after another, each answered before the next is read.
 *
 * Blank lines are passed over. A line that is too long or wrong is said with its number and
 * ends the stream: whoever writes it waits for an answer that would never come.
 */
#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

struct line_stream {
    const char *name; /* of what is read, for messages */
    size_t line_max;  /* bytes of a line without its newline */
    size_t out_max;   /* bytes of an answer */
    bool is_live;     /* someone waits for each answer: it is not held back */
    /* Answers one line into `out`, which may stay empty; false with err when it is wrong. */
    bool (*answer)(void *user, const char *line, size_t len, struct buf *out,
                   struct err *err);
    void *user;
};

/* Reads `file` to its end; answers go to standard output. The exit status: CLI_OK, CLI_USAGE
 * after a wrong line, CLI_FAILED when the file could not be read. All is said already. */
NODISCARD int line_stream_run(const struct line_stream *stream, FILE *file);

#endif
