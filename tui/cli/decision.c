/* SPDX-License-Identifier: MIT */
#include "tui/cli/decision.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/control/verb.h"
#include "engine/recovery/case.h"
#include "store/store.h"
#include "tui/cli/card.h"
#include "tui/cli/send.h"

#define LINE_LEN 256

bool cli_decides(const struct verb *verb)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (strcmp(arg->name, "approval") == 0) {
            return true;
        }
    }
    return false;
}

bool cli_is_approval(const char *word)
{
    enum case_kind kind;
    int64_t id;
    return case_id_parse(word, &kind, &id) && kind == CASE_APPROVAL;
}

static bool takes(const struct verb *verb, const char *name)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (strcmp(arg->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- asking ---- */

/* What cannot be taken back asks for the name, whatever its risk. */
static enum risk tier_of(struct cli *cli, const struct approval_row *row)
{
    struct card card;
    card_parse(cli->arena, row->card, &card);
    return row->risk < RISK_HIGH && card.undo[0] == '\0' ? RISK_HIGH : row->risk;
}

static const char *read_line(struct cli *cli)
{
    char line[LINE_LEN];
    (void)fflush(stdout);
    if (fgets(line, sizeof(line), stdin) == NULL) {
        return "";
    }
    line[strcspn(line, "\n")] = '\0';
    return arena_str(cli->arena, line);
}

static bool has_terminal(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

/* The name that was typed, "" where none is needed; NULL: not confirmed, said why. Scripts that
 * name a workflow were there before approvals were: the command is their yes. */
static const char *confirm(struct cli *cli, const struct approval_row *row,
                           bool is_by_workflow, int *ret_status)
{
    enum risk tier = tier_of(cli, row);
    const char *given = cli_value(cli, "confirm");
    *ret_status = CLI_USAGE;
    if (tier >= RISK_HIGH) {
        if (given == NULL && has_terminal()) {
            fputs("Type ", stdout);
            cli_print_clean(stdout, row->target);
            fputs(" to approve: ", stdout);
            given = read_line(cli);
        }
        if (given == NULL) {
            (void)cli_complain(cli,
                               "a-%lld: --confirm NAME is needed, the name of what "
                               "it is about",
                               (long long)row->id);
            return NULL;
        }
        if (strcmp(given, row->target) != 0) {
            (void)cli_complain(cli, "a-%lld: '%.60s' is not %.60s; nothing was sent",
                               (long long)row->id, given, row->target);
            return NULL;
        }
        return given;
    }
    if (tier == RISK_MEDIUM && !cli_has(cli, "yes") &&
        (has_terminal() || !is_by_workflow)) {
        if (!has_terminal()) {
            (void)cli_complain(cli, "a-%lld: --yes is needed", (long long)row->id);
            return NULL;
        }
        printf("Approve a-%lld? [y/N] ", (long long)row->id);
        const char *answer = read_line(cli);
        if (strcmp(answer, "y") != 0 && strcmp(answer, "yes") != 0) {
            puts("nothing was sent");
            *ret_status = CLI_FAILURE;
            return NULL;
        }
    }
    return given != NULL ? given : "";
}

/* ---- sending ---- */

static void put(struct jsonw *w, const struct verb *verb, const char *name,
                const char *text)
{
    if (text != NULL && text[0] != '\0' && takes(verb, name)) {
        jsonw_str(w, name, text);
    }
}

static void put_number(struct jsonw *w, const struct verb *verb, const char *name,
                       const char *text)
{
    char *end = NULL;
    long long number = text != NULL ? strtoll(text, &end, 10) : 0;
    if (text == NULL || !takes(verb, name)) {
        return;
    }
    if (end != text && *end == '\0') {
        jsonw_int(w, name, number);
    } else {
        jsonw_str(w, name, text); /* verb_check names what it expected */
    }
}

static const char *args_of(struct cli *cli, const struct verb *verb,
                           const struct approval_row *row, const char *typed,
                           const char *reason, struct err *err)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    const char *digest = cli_value(cli, "digest");
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "approval", row->id);
    put(&w, verb, "digest", digest != NULL ? digest : row->digest);
    put_number(&w, verb, "effect", cli_value(cli, "effect"));
    put(&w, verb, "confirm", typed);
    const char *to = cli_value(cli, "to");
    bool is_name = takes(verb, "to") && to == NULL; /* delegate a-3 grace */
    put(&w, verb, "reason", is_name ? cli_value(cli, "reason") : reason);
    put(&w, verb, "for", cli_value(cli, "for"));
    put(&w, verb, "to", is_name ? reason : to);
    jsonw_close(&w, '}');
    struct json *args = json_parse(out.data, out.len, err);
    bool is_good = args != NULL && verb_check(verb, args, err);
    json_free(args);
    return is_good ? arena_strn(cli->arena, out.data, out.len) : NULL;
}

/* It was approved, and waits all the same. */
static bool waits_for_others(struct cli *cli, int64_t id)
{
    struct approval_row row;
    struct err ignored = ERR_INIT;
    return reader_approval(cli->reader, cli->arena, id, &row, &ignored) == FOUND &&
           approval_waits(row.status);
}

/* "a-3", or the workflow that waits for it. MISSING: the workflow has none; else err is set. */
static enum found find_row(struct cli *cli, const char *word, bool *ret_is_by_workflow,
                           struct approval_row *ret_row, struct err *err)
{
    struct approval_query query = {
        .is_open = true, .has_snoozed = true, .now = wall_now(), .max = 1};
    const struct approval_row *rows;
    size_t n = 0;
    *ret_is_by_workflow = !cli_is_approval(word);
    if (!*ret_is_by_workflow) {
        return card_read_approval(cli, word, ret_row, err) == FOUND ? FOUND
                                                                    : FOUND_FAILED;
    }
    if (!cli_parse_id(word, &query.workflow)) {
        (void)err_set(err, ERR_USAGE,
                      "'%.60s' is no approval (a-3) and no workflow (wf-12)", word);
        return FOUND_FAILED;
    }
    if (!reader_approvals(cli->reader, cli->arena, &query, &rows, &n, err)) {
        return FOUND_FAILED;
    }
    *ret_row = n > 0 ? rows[0] : (struct approval_row){.id = 0};
    return n > 0 ? FOUND : MISSING;
}

static int send_one(struct cli *cli, struct request *request)
{
    struct err err = ERR_INIT;
    return requests_send(cli, request, 1, &err) ? requests_report(cli, request, 1)
                                                : cli_fail(&err);
}

/* A workflow without an approval: the engine says what is the matter. */
static int ask_of_workflow(struct cli *cli, const struct verb *verb, const char *word,
                           const char *reason)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    struct request request = {.verb = verb->name};
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    put(&w, verb, "reason", reason);
    if (cli_value(cli, "effect") != NULL && takes(verb, "effect")) {
        int64_t effect = 0;
        struct err err = ERR_INIT;
        if (!cli_number(cli, "effect", 0, INT64_MAX, 0, &effect, &err)) {
            return cli_fail(&err);
        }
        jsonw_int(&w, "effect", effect);
    }
    put(&w, verb, "for", cli_value(cli, "for"));
    put(&w, verb, "to", cli_value(cli, "to"));
    jsonw_close(&w, '}');
    request.args = out.data;
    return cli_parse_id(word, &request.workflow) ? send_one(cli, &request) : CLI_USAGE;
}

static int decide_one(struct cli *cli, const struct verb *verb, const char *word,
                      const char *reason)
{
    struct err err = ERR_INIT;
    struct approval_row row;
    const char *typed = "";
    int status = CLI_OK;
    bool is_approve = strcmp(verb->name, "approve") == 0, is_by_workflow;
    enum found found = find_row(cli, word, &is_by_workflow, &row, &err);
    if (found == FOUND_FAILED) {
        return cli_fail(&err);
    }
    if (found == MISSING) {
        return ask_of_workflow(cli, verb, word, reason);
    }
    if (is_approve) {
        bool is_shown = !cli_has(cli, "json") && approval_waits(row.status) &&
                        (has_terminal() || !is_by_workflow);
        if (is_shown) {
            card_print_approval(cli, &row);
            putchar('\n');
        }
        typed = confirm(cli, &row, is_by_workflow, &status);
        if (typed == NULL) {
            return status;
        }
    }
    struct request request = {.verb = verb->name};
    request.args = args_of(cli, verb, &row, typed, reason, &err);
    if (request.args == NULL) {
        return cli_complain(cli, "%s", err.msg);
    }
    status = send_one(cli, &request);
    bool is_done = request.is_answered && request.answer == 0;
    return is_approve && is_done && waits_for_others(cli, row.id) ? CLI_HUMAN : status;
}

static bool is_id(const char *word)
{
    int64_t ignored;
    return cli_is_approval(word) || cli_parse_id(word, &ignored);
}

int cli_run_decision(struct cli *cli, const struct verb *verb)
{
    struct err err = ERR_INIT;
    const char *reason = cli_value(cli, "reason");
    int n = cli->n_args, status = CLI_OK;
    if (cli->reader == NULL && !cli_open_reader(cli, &err)) {
        return cli_fail(&err);
    }
    if (n > 1 && reason == NULL && !is_id(cli->args[n - 1])) {
        reason = cli->args[--n]; /* reject a-3 'wait for the runner' */
    }
    for (int i = 0; i < n; i++) {
        int one = decide_one(cli, verb, cli->args[i], reason);
        status = one > status ? one : status;
    }
    return status;
}
