/* SPDX-License-Identifier: MIT */

/* signalbox report: an incident as a draft of a postmortem. */
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "tui/cli/rows.h"
#include "tui/story.h"

static const struct cli_option options[] = {
    {"output", 'o', "FILE", "write it there, a file that does not exist yet"},
    {0 },
};

static void write_story(struct cli *cli, const struct story *story, struct buf *out)
{
    struct jsonw w;
    if (!cli_has(cli, "json")) {
        story_markdown(story, out);
        return;
    }
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    story_json(story, &w);
    jsonw_close(&w, '}');
    (void)buf_char(out, '\n');
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct story story = {0};
    struct story_subject subject;
    char name[STORY_NAME_MAX];
    AUTO_BUF struct buf out;
    buf_init(&out, CLI_JSON_MAX);
    const char *path = cli_value(cli, "output");
    if (!story_parse(cli->args[0], &subject)) {
        return cli_complain(cli,
                            "'%.40s' is no incident (17), problem (p-2), failure (f-31) "
                            "or service (service:NAME)",
                            cli->args[0]);
    }
    if (path != NULL && file_exists(path)) {
        (void)err_set(&err, ERR_REFUSED, "%s: is there already", path);
        return cli_fail(&err);
    }
    bool is_begun = reader_begin(cli->reader, &err);
    enum found found =
        is_begun ? story_read(cli->reader, cli->arena, &subject, wall_now(), &story, &err)
                 : FOUND_FAILED;
    if (is_begun) {
        reader_end(cli->reader);
    }
    if (found == MISSING) {
        (void)err_set(&err, ERR_NOT_FOUND, "there is no %s", story_name(&subject, name));
    }
    if (found != FOUND) {
        return cli_fail(&err);
    }
    write_story(cli, &story, &out);
    if (path == NULL) {
        (void)fwrite(out.data, 1, out.len, stdout); /* looked at when stdout is closed */
    } else if (!file_write(path, out.data, out.len, &err)) {
        return cli_fail(&err);
    }
    return CLI_OK;
}

const struct cli_command cli_report = {
    .name = "report",
    .args = "INCIDENT",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .access = ACCESS_READ,
    .help = "write an incident down as Markdown, a draft of a postmortem",
    .more =
        "INCIDENT is a number or an id as 'signalbox incidents' lists them: an incident "
        "(17), or what the monitor knows nothing of: a problem (p-2), a failure "
        "(f-31), a breaker (service:NAME). "
        "Summary, impact with the blast radius, timeline (anomalies, failures, breakers, "
        "decisions and who made them, approvals, what operators did), root cause with "
        "weights, what was done and what helped, open questions, and similar ones "
        "before. Text from outside is escaped.",
    .run = run,
};
