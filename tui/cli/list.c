/* SPDX-License-Identifier: MIT */

/* signalbox list: workflows, filtered, sorted, a page at a time. */
#include <ctype.h>

#include "engine/base/file.h"
#include "store/store.h"
#include "tui/cli/at.h"
#include "tui/cli/columns.h"
#include "tui/cli/record.h"
#include "tui/cli/rows.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     10000

/* "coding,failed" to a mask. */
static bool parse_states(const char *text, unsigned *ret_states, struct err *err)
{
    unsigned states = 0;
    while (*text != '\0') {
        char word[32];
        enum workflow_state state;
        size_t len = strcspn(text, ",");
        (void)snprintf(word, sizeof(word), "%.*s", len < 31 ? (int)len : 31, text);
        if (!state_find(word, &state)) {
            return err_set(err, ERR_USAGE,
                           "--state: '%s' is no state; see 'signalbox help list'", word);
        }
        states |= STATE_BIT(state);
        text += len + (text[len] == ',');
    }
    *ret_states = states;
    return true;
}

static bool parse_sort(const char *text, struct list_query *query, struct err *err)
{
    if (text == NULL) {
        return true;
    }
    for (int i = 0; i < SORT_COUNT; i++) {
        if (strcmp(text, sort_word((enum sort_key)i)) == 0) {
            query->sort = (enum sort_key)i;
            return true;
        }
    }
    return err_set(err, ERR_USAGE,
                   "--sort: '%.40s'; expected "
#define X(id, word, title) word " "
                   SORT_LIST(X)
#undef X
                       "",
                   text);
}

static bool parse_query(struct cli *cli, struct list_query *query, struct err *err)
{
    const char *states = cli_value(cli, "state");
    const char *after = cli_value(cli, "after");
    const char *repo = cli_value(cli, "repo");
    int64_t limit;
    if ((states != NULL && !parse_states(states, &query->states, err)) ||
        !parse_sort(cli_value(cli, "sort"), query, err) ||
        !cli_number(cli, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit, err)) {
        return false;
    }
    if (after != NULL && !cli_parse_id(after, &query->after_id)) {
        return err_set(err, ERR_USAGE, "--after: '%.80s' is no workflow", after);
    }
    if (repo != NULL) {
        /* as submit stores it; what is no folder here is taken as written */
        struct err missing = ERR_INIT;
        AUTO_FREE char *real = file_real(repo, &missing);
        query->repo = arena_str(cli->arena, real != NULL ? real : repo);
    }
    query->needs_human = cli_has(cli, "needs-human");
    query->text = cli_value(cli, "text");
    query->is_reversed = cli_has(cli, "reverse");
    query->max = (size_t)limit + 1; /* one more says whether there is a next page */
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static void print_people(struct cli *cli, const struct at *at,
                         const struct workflow_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"ID",        true,  false},
        {"STATE",     false, false},
        {"WAITS FOR", false, false},
        {"SINCE",     true,  false},
        {"TRY",       true,  false},
        {"P",         true,  false},
        {"REPO",      false, false},
        {"PIPELINE",  false, false},
        {"TITLE",     false, true },
    };
    bool is_plain = cli_has(cli, "plain");
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct workflow_row *row = &rows[i];
        char since[CLOCK_TEXT_MAX];
        columns_cell(table, "wf-%lld", (long long)row->id);
        columns_cell(table, "%s", state_name(row->state));
        columns_cell(table, "%s", wait_word(row->wait));
        columns_cell(table, "%s",
                     span_format(wall_since(at->now, row->state_since), since));
        columns_cell(table, "%d", row->iteration);
        columns_cell(table, "%d", row->priority);
        columns_cell(table, "%s", is_plain ? row->repo : base_name(row->repo));
        columns_cell(table, "%s", row->pipeline);
        columns_cell(table, "%s", row->title);
    }
    columns_print(table, stdout, is_plain, columns_terminal(), 0);
}

static void print_json(const struct at *at, const struct workflow_row *rows, size_t n)
{
    struct buf AUTO_BUF out = {0};
    buf_init(&out, CLI_JSON_MAX);
    for (size_t i = 0; i < n; i++) {
        struct jsonw w;
        buf_clear(&out);
        jsonw_init(&w, &out);
        jsonw_open(&w, NULL, '{');
        record_workflow(&w, &rows[i]);
        at_json(at, &w);
        jsonw_close(&w, '}');
        puts(out.data);
    }
}

/* A table for a program begins with its rows. */
static void print_head(const struct cli *cli, const struct at *at)
{
    if (!cli_has(cli, "plain")) {
        at_print(at);
    }
}

static int run(struct cli *cli)
{
    struct list_query query = {0};
    struct err err = ERR_INIT;
    const struct workflow_row *rows;
    size_t n;
    if (!parse_query(cli, &query, &err)) {
        return cli_complain(cli, "%s", err.msg);
    }
    struct at at;
    int status = at_begin(cli, &at);
    if (status != CLI_OK) {
        return status;
    }
    if (!reader_list(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    bool has_more = n == query.max;
    n -= has_more;
    if (cli_has(cli, "json")) {
        print_json(&at, rows, n);
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_head(cli, &at);
        print_people(cli, &at, rows, n);
    } else {
        print_head(cli, &at);
        puts("no workflows");
    }
    if (has_more) {
        fprintf(stderr, "There are more: --after wf-%lld shows the next page.\n",
                (long long)rows[n - 1].id);
    }
    return CLI_OK;
}

#define X(id, name, brief, help) name " "
#define Y(id, word, title)       word " "
static const struct cli_option options[] = {
    {"state",                         0, "STATE", "some of " STATE_LIST(X) "between commas"},
    {"needs-human",                        0, NULL, "only what waits for a person"},
    {"repo",                               0, "DIR", "only this repository"},
    {"text",       0, "TEXT", "only where title, repository, pipeline or id contains it"},
    {"sort", 0, "KEY", "one of " SORT_LIST(Y) "to order by; default id"},
    {"reverse",                          'r', NULL, "the other way round"},
    {"limit",                          'n', "N", "at most N rows; default 100"},
    {"after",                               0, "ID", "the page that follows this workflow"},
    AT_OPTION,
    {0                       },
};
#undef X
#undef Y

const struct cli_command cli_list = {
    .name = "list",
    .args = "",
    .options = options,
    .access = ACCESS_READ,
    .help = "list workflows",
    .more =
        "Newest first unless --sort says otherwise. SINCE is the time in the state, TRY "
        "counts the times through PLANNING, P is the priority.",
    .run = run,
};
