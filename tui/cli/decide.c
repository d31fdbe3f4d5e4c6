/* SPDX-License-Identifier: MIT */

/* signalbox decide: retry or escalate, learned from what it earned; as a stream of JSON lines. */
#include "engine/decision/decide_stream.h"
#include "tui/cli/line_stream.h"
#include "tui/cli/rows.h"

#define ANSWER_MAX 65536

static bool answer(void *stream, const char *line, size_t len, struct buf *out,
                   struct err *err)
{
    return decide_stream_line(stream, line, len, out, err);
}

static int run(struct cli *cli)
{
    struct decide_stream stream;
    const struct line_stream lines = {.name = "standard input",
                                      .line_max = DECIDE_STREAM_LINE_MAX,
                                      .out_max = ANSWER_MAX,
                                      .is_live = true,
                                      .answer = answer,
                                      .user = &stream};
    if (!cli_has(cli, "stream")) {
        return cli_complain(cli, "say --stream: failures are read from standard input");
    }
    decide_stream_init(&stream);
    stream.has_reasons = cli_has(cli, "reasons");
    int status = line_stream_run(&lines, stdin);
    if (status == CLI_OK && cli_has(cli, "score")) {
        AUTO_BUF struct buf out;
        buf_init(&out, ANSWER_MAX);
        decide_stream_score(&stream, &out);
        fputs(out.data, stdout);
    }
    decide_stream_fini(&stream);
    return status;
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
