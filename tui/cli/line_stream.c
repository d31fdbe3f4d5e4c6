/* SPDX-License-Identifier: MIT */
#include "tui/cli/line_stream.h"

#include "tui/cli/cli.h"

/* The next line without its newline; false at the end. */
static bool read_line(FILE *file, struct buf *line)
{
    int c;
    buf_clear(line);
    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        (void)buf_char(line, (char)c); /* is_cut tells */
    }
    return c != EOF || line->len > 0;
}

static bool answer_line(const struct line_stream *stream, const struct buf *line,
                        struct buf *out, struct err *err)
{
    buf_clear(out);
    if (line->is_cut) {
        return err_set(err, ERR_TOO_LARGE, "a line of more than %zu bytes",
                       stream->line_max);
    }
    if (strspn(line->data, " \t\r") == line->len) {
        return true;
    }
    return stream->answer(stream->user, line->data, line->len, out, err);
}

int line_stream_run(const struct line_stream *stream, FILE *file)
{
    AUTO_BUF struct buf line;
    AUTO_BUF struct buf out;
    struct err err = ERR_INIT;
    buf_init(&line, stream->line_max);
    buf_init(&out, stream->out_max);
    for (long number = 1; read_line(file, &line); number++) {
        bool is_good = answer_line(stream, &line, &out, &err);
        (void)fwrite(out.data, 1, is_good ? out.len : 0,
                     stdout); /* cli_close_output looks */
        if (stream->is_live) {
            (void)fflush(stdout);
        }
        if (!is_good) {
            fprintf(stderr, "signalbox: %s:%ld: ", stream->name, number);
            cli_print_clean(stderr, err.msg);
            fputc('\n', stderr);
            return CLI_USAGE;
        }
    }
    if (ferror(file)) {
        err_sys(&err, "%s", stream->name);
        return cli_fail(&err);
    }
    return CLI_OK;
}
