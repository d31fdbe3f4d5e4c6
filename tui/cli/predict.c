/* SPDX-License-Identifier: MIT */

/* signalbox predict: will a run fail, and how long will it take; as a stream of JSON lines. */
#include "engine/predict/failure_stream.h"
#include "tui/cli/line_stream.h"
#include "tui/cli/rows.h"

#define ANSWER_MAX 65536

static bool answer(void *stream, const char *line, size_t len, struct buf *out,
                   struct err *err)
{
    return failure_stream_line(stream, line, len, out, err);
}

static int run(struct cli *cli)
{
    struct failure_stream stream;
    const struct line_stream lines = {.name = "standard input",
                                      .line_max = FAILURE_STREAM_LINE_MAX,
                                      .out_max = ANSWER_MAX,
                                      .is_live = true,
                                      .answer = answer,
                                      .user = &stream};
    if (!cli_has(cli, "stream")) {
        return cli_complain(cli, "say --stream: runs are read from standard input");
    }
    failure_stream_init(&stream);
    stream.has_reasons = cli_has(cli, "reasons");
    int status = line_stream_run(&lines, stdin);
    if (status == CLI_OK && cli_has(cli, "score")) {
        AUTO_BUF struct buf out;
        buf_init(&out, ANSWER_MAX);
        failure_stream_score(&stream, &out);
        fputs(out.data, stdout);
    }
    failure_stream_fini(&stream);
    return status;
}

static const struct cli_option options[] = {
    {"stream", 0, NULL, "read JSON lines from standard input, answer each predict line"},
    {"reasons",    0, NULL, "say with each answer what moved it most"},
    {"score",        0, NULL, "at the end, print how good the answers were"},
    {0   },
};

const struct cli_command cli_predict = {
    .name = "predict",
    .args = "",
    .min_args = 0,
    .max_args = 0,
    .options = options,
    .access = ACCESS_NONE,
    .help = "say how likely runs fail and how long they take",
    .more =
        "Lines are JSON objects. {\"op\":\"predict\",\"id\":ID,\"started_at\":TIME,...} "
        "with "
        "whatever is known of a run at its start is answered with one line "
        "{\"p_fail\":P,\"duration_s\":SECONDS,...}; "
        "{\"op\":\"observe\",\"id\":ID,\"failed\":0|1,\"duration_s\":SECONDS} tells what "
        "became "
        "of it, {\"op\":\"forget\",\"id\":ID} that nothing did. It is the model that "
        "watches "
        "the engine's own runs, and it knows nothing but what the stream told it. A line "
        "that is wrong ends the stream with its number.",
    .run = run,
};
