/* SPDX-License-Identifier: MIT */

/* signalbox deliveries: webhooks that came, and what was found without one. */
#include "store/store.h"
#include "tui/cli/columns.h"
#include "tui/cli/record.h"
#include "tui/cli/rows.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     9999

static bool parse_status(const char *text, unsigned *ret_statuses, struct err *err)
{
    for (int i = 0; i < DELIVERY_STATUS_COUNT; i++) {
        if (strcmp(text, delivery_status_word((enum delivery_status)i)) == 0) {
            *ret_statuses = 1u << i;
            return true;
        }
    }
    return err_set(err, ERR_USAGE,
                   "--status: '%.40s'; expected "
#define X(id, word, help) word " "
                   DELIVERY_LIST(X)
#undef X
                       "",
                   text);
}

static void print_people(struct cli *cli, const struct delivery_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"N",      true,  false},
        {"TIME",   false, false},
        {"STATUS", false, false},
        {"EVENT",  false, false},
        {"FOR",    false, false},
        {"REPO",   false, false},
        {"PULL",   true,  false},
        {"AGAIN",  true,  false},
        {"WHAT",   false, true },
    };
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct delivery_row *row = &rows[i];
        char at[CLOCK_TEXT_MAX];
        columns_cell(table, "%lld", (long long)row->seq);
        columns_cell(table, "%s", wall_format(row->at, false, at));
        columns_cell(table, "%s", delivery_status_word(row->status));
        columns_cell(table, "%s%s%s", row->event, row->action[0] != '\0' ? " " : "",
                     row->action);
        if (row->workflow != 0) {
            columns_cell(table, "wf-%lld", (long long)row->workflow);
        } else {
            columns_cell(table, "%s", "");
        }
        columns_cell(table, "%s", row->repository);
        if (row->pull != 0) {
            columns_cell(table, "#%lld", (long long)row->pull);
        } else {
            columns_cell(table, "%s", "");
        }
        columns_cell(table, "%d", row->repeats);
        columns_cell(table, "%s", row->text);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static void print_json(const struct delivery_row *rows, size_t n)
{
    struct buf AUTO_BUF out = {0};
    buf_init(&out, CLI_JSON_MAX);
    for (size_t i = 0; i < n; i++) {
        struct jsonw w;
        buf_clear(&out);
        jsonw_init(&w, &out);
        jsonw_open(&w, NULL, '{');
        record_delivery(&w, &rows[i]);
        jsonw_close(&w, '}');
        puts(out.data);
    }
}

/* One delivery: the body as it came, or the facts when it is not kept. */
static int print_one(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct delivery_row row;
    char *end;
    int64_t seq = strtoll(cli->args[0], &end, 10);
    if (*end != '\0' || seq <= 0) {
        return cli_complain(cli, "'%.80s' is no number of a delivery", cli->args[0]);
    }
    enum found found = reader_delivery(cli->reader, cli->arena, seq, &row, &err);
    if (found == MISSING) {
        err_set(&err, ERR_NOT_FOUND, "there is no delivery %lld", (long long)seq);
    }
    if (found != FOUND) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "body") && row.body != NULL) {
        (void)fwrite(row.body, 1, row.body_len, stdout); /* as it came: for a program */
        return CLI_OK;
    }
    if (cli_has(cli, "body")) {
        err_set(&err, ERR_NOT_FOUND, "what delivery %lld brought is not kept any more",
                (long long)seq);
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        print_json(&row, 1);
    } else {
        print_people(cli, &row, 1);
    }
    return CLI_OK;
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct delivery_query query = {.text = cli_value(cli, "text")};
    const char *status = cli_value(cli, "status");
    const char *workflow = cli_value(cli, "workflow");
    const struct delivery_row *rows;
    int64_t limit;
    size_t n;
    if (cli->n_args == 1) {
        return print_one(cli);
    }
    if (cli_has(cli, "body")) {
        return cli_complain(cli, "--body: of which delivery? expected its number");
    }
    if ((status != NULL && !parse_status(status, &query.statuses, &err)) ||
        !cli_number(cli, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit, &err) ||
        !cli_number(cli, "before", 1, INT64_MAX, 0, &query.before_seq, &err)) {
        return cli_complain(cli, "%s", err.msg);
    }
    if (workflow != NULL && !cli_parse_id(workflow, &query.workflow)) {
        return cli_complain(cli, "--workflow: '%.80s' is no workflow", workflow);
    }
    query.max = (size_t)limit + 1;
    if (!reader_deliveries(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    bool has_more = n == query.max;
    n -= has_more;
    if (cli_has(cli, "json")) {
        print_json(rows, n);
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_people(cli, rows, n);
    } else {
        puts("no deliveries");
    }
    if (has_more) {
        fprintf(stderr, "There are more: --before %lld shows the next page.\n",
                (long long)rows[n - 1].seq);
    }
    return CLI_OK;
}

#define X(id, word, help) word " "
static const struct cli_option options[] = {
    {"status",                                                       0, "STATUS", "only one of " DELIVERY_LIST(X)},
    {"text",                                                      0, "TEXT", "only where event, action, repository, sha or id contains it"},
    {"workflow",                                                              0, "ID", "only those for this workflow"},
    {"limit",        'n', "N", "at most N rows; default 100"},
    {"before", 0, "N", "the page of older ones than this"},
    {"body",                                                     0, NULL, "of one delivery: what it brought, byte for byte"},
    {0                                                         },
};
#undef X

const struct cli_command cli_deliveries = {
    .name = "deliveries",
    .args = "[N]",
    .max_args = 1,
    .options = options,
    .access = ACCESS_READ,
    .help = "list webhook deliveries, newest first",
    .more = "With the number of one, only that. AGAIN counts how often it came again. "
            "Rejected ones "
            "are counted and not kept, see 'signalbox status --json'.",
    .run = run,
};
