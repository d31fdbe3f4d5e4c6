/* SPDX-License-Identifier: MIT */

/* signalbox decide: retry or escalate, learned from what it earned; as a stream of JSON lines. */
#include <errno.h>

#include "engine/decision/decide_stream.h"
#include "tui/cli/rows.h"

#define ANSWER_MAX 65536

/* The next line into `line`: its bytes without the newline, -1 at the end, -2 when it is longer
 * than a line may be (its rest is read and gone). */
static long read_line(FILE *file, char line[DECIDE_STREAM_LINE_MAX + 1])
{
    long n = 0;
    int c;
    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        if (n < DECIDE_STREAM_LINE_MAX) {
            line[n] = (char)c;
        }
        n += n <= DECIDE_STREAM_LINE_MAX;
    }
    if (c == EOF && n == 0) {
        return -1;
    }
    return n > DECIDE_STREAM_LINE_MAX ? -2 : n;
}

static bool is_blank(const char *line, long len)
{
    for (long i = 0; i < len; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* A wrong line is said and ends the stream: whoever writes it waits for an answer that would
 * never come. */
static bool run_line(struct decide_stream *stream, const char *line, long len,
                     long number, struct buf *out)
{
    struct err err = ERR_INIT;
    if (len == -2) {
        err_set(&err, ERR_TOO_LARGE, "a line of more than %d bytes",
                DECIDE_STREAM_LINE_MAX);
    } else if (is_blank(line, len) ||
               decide_stream_line(stream, line, (size_t)len, out, &err)) {
        return true;
    }
    fprintf(stderr, "signalbox: standard input:%ld: ", number);
    cli_print_clean(stderr, err.msg);
    fputc('\n', stderr);
    return false;
}

static int run(struct cli *cli)
{
    static char line[DECIDE_STREAM_LINE_MAX + 1]; /* only the main thread runs commands */
    struct decide_stream stream;
    AUTO_BUF struct buf out;
    bool is_good = true;
    long len, number = 0;
    if (!cli_has(cli, "stream")) {
        return cli_complain(cli, "say --stream: failures are read from standard input");
    }
    decide_stream_init(&stream);
    stream.has_reasons = cli_has(cli, "reasons");
    buf_init(&out, ANSWER_MAX);
    while (is_good && (len = read_line(stdin, line)) != -1) {
        buf_clear(&out);
        is_good = run_line(&stream, line, len, ++number, &out);
        if (out.len > 0) {
            (void)fwrite(out.data, 1, out.len, stdout); /* cli_close_output looks */
            (void)fflush(stdout);                       /* someone waits for it */
        }
    }
    if (is_good && cli_has(cli, "score")) {
        buf_clear(&out);
        decide_stream_score(&stream, &out);
        fputs(out.data, stdout);
    }
    decide_stream_fini(&stream);
    return is_good ? CLI_OK : CLI_USAGE;
}

static const struct cli_option options[] = {
    {"stream", 0, NULL, "read JSON lines from standard input, answer each decide line"},
    {"reasons",    0, NULL, "say with each answer why"},
    {"score",        0, NULL, "at the end, print how many were decided and what they earned"},
    {0   },
};

const struct cli_command cli_decide = {
    .name = "decide",
    .args = "",
    .min_args = 0,
    .max_args = 0,
    .options = options,
    .access = ACCESS_NONE,
    .help = "choose between retrying a failure and escalating it, and learn",
    .more = "Lines are JSON objects. {\"op\":\"decide\",\"id\":ID,FIELD:VALUE,...} with "
            "whatever is known of a failure is answered with one line "
            "{\"action\":\"retry\"|\"escalate\",\"p_flaky\":P,\"confidence\":C}; "
            "{\"op\":\"reward\",\"id\":ID,\"action\":ACTION,\"reward\":NUMBER} tells "
            "what the "
            "action earned: above 0 it was right, otherwise the other one would have "
            "been. It "
            "is the model that chooses among the engine's own recoveries, and it knows "
            "nothing but what the stream told it; rewards of decisions that it does not "
            "remember are counted and left out. A line that is wrong ends the stream "
            "with its "
            "number.",
    .run = run,
};
