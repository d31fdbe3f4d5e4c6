/* SPDX-License-Identifier: MIT */

/*
 * signalbox submit: hand a task over. signalbox adopt: hand a pull request over.
 *
 * What a person can get wrong is checked here, where the person is: the pipeline's text,
 * the repository and its base branch, the task. The pipeline goes into the command as
 * text, so that a later change of its file does not reach this workflow.
 */
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/control/config.h"
#include "engine/control/verb.h"
#include "engine/workflow/pipeline.h"
#include "store/store.h"
#include "tui/cli/git.h"
#include "tui/cli/rows.h"
#include "tui/cli/send.h"
#include "tui/cli/until.h"

struct submission {
    struct pipeline *pipeline;
    char *pipeline_text;
    size_t pipeline_len;
    char *repo; /* absolute */
    char *task;
    size_t task_len;
    int64_t priority;
    const char *metadata; /* JSON object, or NULL */
    int64_t pull;         /* adopt; else 0 */
};

static void submission_fini(struct submission *submission)
{
    pipeline_free(submission->pipeline);
    free(submission->pipeline_text);
    free(submission->repo);
    free(submission->task);
}

/* ---- parts
 * ------------------------------------------------------------------------------- */

static int read_pipeline(struct cli *cli, struct submission *submission)
{
    struct findings findings;
    struct err err = ERR_INIT;
    const char *name = cli_value(cli, "pipeline");
    if (name == NULL) {
        return cli_complain(cli, "--pipeline is needed: a name or a file");
    }
    AUTO_FREE char *path =
        config_find_pipeline(cli->config, name, cli_value(cli, "repo"), &err);
    if (path == NULL || !file_read(path, PIPELINE_TEXT_MAX, &submission->pipeline_text,
                                   &submission->pipeline_len, &err)) {
        (void)cli_fail(&err);
        return CLI_USAGE;
    }
    findings_init(&findings);
    submission->pipeline = pipeline_parse(path, submission->pipeline_text,
                                          submission->pipeline_len, &findings);
    cli_print_findings(&findings);
    findings_fini(&findings);
    return submission->pipeline != NULL ? CLI_OK : CLI_USAGE;
}

static int read_repo(struct cli *cli, struct submission *submission)
{
    struct err err = ERR_INIT;
    const struct pipeline *pipeline = submission->pipeline;
    const char *repo = cli_value(cli, "repo");
    if (pipeline == NULL) {
        return CLI_USAGE;
    }
    if (pipeline_is_remote(pipeline)) { /* the engine refuses another one */
        submission->repo = mem_str(repo != NULL ? repo : pipeline->forge.repository);
        return CLI_OK;
    }
    if (repo == NULL) {
        repo = pipeline->repository;
    }
    if (repo[0] == '\0') {
        return cli_complain(cli,
                            "--repo is needed: the pipeline '%s' names no repository",
                            pipeline->name);
    }
    submission->repo = git_check_repo(repo, pipeline->base, &err);
    if (submission->repo == NULL) {
        (void)cli_fail(&err);
        return CLI_USAGE;
    }
    return CLI_OK;
}

static bool read_stdin(char **ret_text, size_t *ret_len, struct err *err)
{
    struct buf AUTO_BUF all = {0};
    char some[65536];
    ssize_t n;
    buf_init(&all, DOC_MAX + 1);
    while ((n = read(STDIN_FILENO, some, sizeof(some))) > 0) {
        if (!buf_add(&all, some, (size_t)n)) {
            break; /* too long, as the caller sees */
        }
    }
    if (n < 0) {
        return err_sys(err, "reading the task from standard input");
    }
    *ret_text = buf_take(&all, ret_len);
    return true;
}

/* From --task, --task-file or "-". */
static bool take_task(struct cli *cli, struct submission *submission, struct err *err)
{
    const char *text = cli_value(cli, "task");
    const char *file = cli_value(cli, "task-file");
    bool is_stdin = (cli->n_args == 1) || (file != NULL && strcmp(file, "-") == 0);
    if (cli->n_args == 1 && strcmp(cli->args[0], "-") != 0) {
        return err_set(err, ERR_USAGE,
                       "'%.80s': the task goes with --task TEXT, "
                       "--task-file FILE, or - for standard input",
                       cli->args[0]);
    }
    if ((text != NULL) + (file != NULL) + (cli->n_args == 1) != 1) {
        return err_set(err, ERR_USAGE,
                       "one of --task TEXT, --task-file FILE and - is needed");
    }
    if (is_stdin) {
        return read_stdin(&submission->task, &submission->task_len, err);
    }
    if (file != NULL) {
        return file_read(file, DOC_MAX, &submission->task, &submission->task_len, err);
    }
    submission->task = mem_str(text);
    submission->task_len = strlen(text);
    return true;
}

static int read_task(struct cli *cli, struct submission *submission)
{
    struct err err = ERR_INIT;
    if (!take_task(cli, submission, &err)) {
        if (err.code == ERR_USAGE) {
            return cli_complain(cli, "%s", err.msg);
        }
        (void)cli_fail(&err);
        return CLI_USAGE;
    }
    if (submission->task_len > DOC_MAX) {
        return cli_complain(cli, "the task is longer than %d bytes", DOC_MAX);
    }
    bool is_empty = true;
    for (size_t i = 0; i < submission->task_len; i++) {
        /* A NUL would end the text for everybody who reads it later. */
        if (submission->task[i] == '\0') {
            submission->task[i] = ' ';
        }
        is_empty = is_empty && strchr(" \t\r\n", submission->task[i]) != NULL;
    }
    if (is_empty) {
        return cli_complain(cli, "the task is empty");
    }
    return CLI_OK;
}

static int read_rest(struct cli *cli, struct submission *submission)
{
    struct err err = ERR_INIT;
    if (!cli_number(cli, "priority", 0, 9, 5, &submission->priority, &err)) {
        return cli_complain(cli, "%s", err.msg);
    }
    submission->metadata = cli_value(cli, "metadata");
    if (submission->metadata == NULL) {
        return CLI_OK;
    }
    size_t len = strlen(submission->metadata);
    struct json *object = json_parse(submission->metadata, len, &err);
    bool is_object = object != NULL && json_is_an_object(object);
    json_free(object);
    if (object == NULL) {
        return cli_complain(cli, "--metadata: %s", err.msg);
    }
    return is_object ? CLI_OK : cli_complain(cli, "--metadata: expected a JSON object");
}

/* ---- command
 * ------------------------------------------------------------------------------- */

static const char *make_args(struct cli *cli, const struct submission *submission,
                             struct err *err)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", submission->pipeline->name);
    jsonw_strn(&w, "text", submission->pipeline_text, submission->pipeline_len);
    if (submission->pull > 0) {
        jsonw_int(&w, "pull", submission->pull);
    } else {
        jsonw_str(&w, "repo", submission->repo);
    }
    if (submission->task != NULL) {
        jsonw_strn(&w, "task", submission->task, submission->task_len);
    }
    jsonw_int(&w, "priority", submission->priority);
    if (submission->metadata != NULL) {
        jsonw_raw(&w, "metadata", submission->metadata, strlen(submission->metadata));
    }
    jsonw_close(&w, '}');
    struct json *args = json_parse(out.data, out.len, err);
    bool is_good = args != NULL && verb_check(verb_find(cli->command->name), args, err);
    json_free(args);
    return is_good ? arena_strn(cli->arena, out.data, out.len) : NULL;
}

static int send_it(struct cli *cli, const struct submission *submission)
{
    struct err err = ERR_INIT;
    struct request request = {.verb = cli->command->name};
    request.args = make_args(cli, submission, &err);
    if (request.args == NULL) {
        return cli_complain(cli, "%s", err.msg);
    }
    if (!requests_send(cli, &request, 1, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "wait") && (!request.is_answered || request.answer == 0)) {
        return until_end(cli, &request);
    }
    bool is_made = request.is_answered && request.answer == 0 && request.result != 0;
    if (is_made && !cli_has(cli, "json")) {
        printf("wf-%lld\n", (long long)request.result);
        return CLI_OK;
    }
    return requests_report(cli, &request, 1);
}

static int run(struct cli *cli)
{
    struct submission submission = {0};
    int status = read_pipeline(cli, &submission);
    if (status == CLI_OK) {
        status = read_repo(cli, &submission);
    }
    if (status == CLI_OK) {
        status = read_task(cli, &submission);
    }
    if (status == CLI_OK) {
        status = read_rest(cli, &submission);
    }
    if (status == CLI_OK) {
        status = send_it(cli, &submission);
    }
    submission_fini(&submission);
    return status;
}

static const struct cli_option options[] = {
    {"pipeline",                                                  'p', "FILE",
     "pipeline: a file, or a name that is looked up in the "
     "configured folders and in DIR/.signalbox"},
    {"repo",                                                     0, "DIR", "git repository; default: the one that the pipeline names"},
    {"task",                                                           't', "TEXT", "what is to be done"},
    {"task-file",      0, "FILE", "the same from a file; - is standard input"},
    {"priority", 0, "N", "0 to 9, 9 goes first; default 5"},
    {"metadata",                                                      0, "JSON", "a JSON object that is kept with the workflow"},
    {"wait",                                                     'w', NULL, "follow the workflow to its end, a line for each transition"},
    {0                                                          },
};

const struct cli_command cli_submit = {
    .name = "submit",
    .args = "[-]",
    .max_args = 1,
    .options = options,
    .access = ACCESS_WRITE,
    .help = "hand over a task",
    .more =
        "Prints the name of the workflow. Without a running engine the task is stored, "
        "and "
        "the next engine starts it. With --wait the exit status is 0 when the workflow "
        "completed, 1 when it failed or was cancelled, 3 when it waits for a person.",
    .run = run,
};

/* ---- adopt ---- */

static int run_adopt(struct cli *cli)
{
    struct submission submission = {0};
    char *end;
    submission.pull = strtoll(cli->args[0], &end, 10);
    if (end == cli->args[0] || *end != '\0' || submission.pull < 1) {
        return cli_complain(cli, "'%.80s' is no number of a pull request", cli->args[0]);
    }
    const char *task = cli_value(cli, "task");
    if (task != NULL) {
        submission.task = mem_str(task);
        submission.task_len = strlen(task);
    }
    int status = read_pipeline(cli, &submission);
    if (status == CLI_OK) {
        status = read_rest(cli, &submission);
    }
    if (status == CLI_OK) {
        status = send_it(cli, &submission);
    }
    submission_fini(&submission);
    return status;
}

/* clang-format off */
static const struct cli_option adopt_options[] = {
    {"pipeline", 'p', "FILE", "pipeline: a file, or a name that is looked up in the "
                              "configured folders; it names the forge"},
    {"task", 't', "TEXT", "what the agent is told when something must be mended"},
    {"priority", 0, "N", "0 to 9, 9 goes first; default 5"},
    {"metadata", 0, "JSON", "a JSON object that is kept with the workflow"},
    {"wait", 'w', NULL, "follow the workflow to its end, a line for each transition"},
    {0},
};
/* clang-format on */

const struct cli_command cli_adopt = {
    .name = "adopt",
    .args = "PULL",
    .min_args = 1,
    .max_args = 1,
    .options = adopt_options,
    .access = ACCESS_WRITE,
    .help = "take over a pull request that somebody opened",
    .more =
        "Its workflow starts with the pull request: it is validated and merged as the "
        "pipeline says, and mended by the agent when a check fails. Cancelling the "
        "workflow leaves the pull request open. Exit status as of submit.",
    .run = run_adopt,
};
