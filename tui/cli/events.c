/* SPDX-License-Identifier: MIT */

/* signalbox events: what happened, in order, and what happens now. */
#include "engine/base/text.h"
#include "engine/control/event_kind.h"
#include "store/store.h"
#include "tui/cli/columns.h"
#include "tui/cli/record.h"
#include "tui/cli/rows.h"
#include "tui/cli/watch.h"

#define PAGE          500
#define LIMIT_DEFAULT 50
#define LIMIT_MAX     100000

struct filter {
    int64_t workflow;
    const char *kind;
};

static bool fits(const struct filter *filter, const struct event_row *row)
{
    return (filter->workflow == 0 || row->workflow == filter->workflow) &&
           (filter->kind == NULL || strcmp(row->kind, filter->kind) == 0);
}

static void print_json(const struct event_row *row)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    record_event(&w, row);
    jsonw_close(&w, '}');
    puts(out.data);
}

/* A stream has no widths to align by: what is short stands first. */
static void print_line(const struct event_row *row)
{
    char at[CLOCK_TEXT_MAX];
    printf("%lld  %s  ", (long long)row->seq, wall_format(row->at, false, at));
    if (row->workflow != 0) {
        printf("wf-%lld  ", (long long)row->workflow);
    }
    cli_print_clean(stdout, row->kind);
    if (row->from != row->to) {
        printf("  %s -> %s", state_name(row->from), state_name(row->to));
    }
    if (strcmp(row->actor, "engine") != 0) {
        fputs("  by ", stdout);
        cli_print_clean(stdout, row->actor);
    }
    if (row->text[0] != '\0') {
        fputs("  ", stdout);
        cli_print_clean(stdout, row->text);
    }
    putchar('\n');
}

/* All events after `*after`; moves it. */
static bool print_new(struct cli *cli, const struct filter *filter, int64_t *after,
                      struct err *err)
{
    for (;;) {
        const struct event_row *rows;
        size_t n;
        arena_reset(cli->arena);
        if (!reader_events(cli->reader, cli->arena, filter->workflow, *after, PAGE, &rows,
                           &n, err)) {
            return false;
        }
        for (size_t i = 0; i < n; i++) {
            *after = rows[i].seq;
            if (!fits(filter, &rows[i])) {
                continue;
            }
            if (cli_has(cli, "json")) {
                print_json(&rows[i]);
            } else {
                print_line(&rows[i]);
            }
        }
        if (n < PAGE) {
            return fflush(stdout) == 0;
        }
    }
}

static bool find_start(struct cli *cli, const struct filter *filter, int64_t limit,
                       int64_t *ret_after, struct err *err)
{
    const struct event_row *rows;
    size_t n;
    if (!reader_last_events(cli->reader, cli->arena, filter->workflow, (size_t)limit,
                            &rows, &n, err)) {
        return false;
    }
    *ret_after = n > 0 ? rows[0].seq - 1 : 0;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int complain_of_kind(struct cli *cli, const char *kind)
{
    struct buf AUTO_BUF out = {0};
    size_t n = 0;
    while (event_kind(n) != NULL) {
        n++;
    }
    const char **kinds = arena_array(cli->arena, n, sizeof(*kinds));
    for (size_t i = 0; i < n; i++) {
        kinds[i] = event_kind(i);
    }
    qsort(kinds, n, sizeof(*kinds), by_name);
    buf_init(&out, CLI_JSON_MAX);
    for (size_t i = 0; i < n; i++) {
        if (event_kind_is_known(kinds[i]) &&
            (i == 0 || strcmp(kinds[i], kinds[i - 1]) != 0)) {
            (void)buf_printf(&out, " %s", kinds[i]);
        }
    }
    int status = cli_complain(cli, "--kind: there is no kind of event '%.40s'", kind);
    fprintf(stderr, "Kinds:%s\n", out.data);
    return status;
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct filter filter = {.kind = cli_value(cli, "kind")};
    const char *workflow = cli_value(cli, "workflow");
    int64_t after = -1, limit;
    if (!cli_number(cli, "since", 0, INT64_MAX, -1, &after, &err) ||
        !cli_number(cli, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit, &err)) {
        return cli_complain(cli, "%s", err.msg);
    }
    if (workflow != NULL && !cli_parse_id(workflow, &filter.workflow)) {
        return cli_complain(cli, "--workflow: '%.80s' is no workflow", workflow);
    }
    if (filter.kind != NULL && !event_kind_is_known(filter.kind)) {
        return complain_of_kind(cli, filter.kind);
    }
    if (after < 0 && !find_start(cli, &filter, limit, &after, &err)) {
        return cli_fail(&err);
    }
    if (!cli_has(cli, "follow")) {
        return print_new(cli, &filter, &after, &err) ? CLI_OK : cli_fail(&err);
    }
    struct watch *watch = watch_new(cli->store);
    bool is_good = true;
    while (is_good && (is_good = print_new(cli, &filter, &after, &err)) &&
           !ferror(stdout)) {
        (void)watch_wait(watch, WATCH_FOREVER); /* a wake for nothing costs one look */
    }
    watch_free(watch);
    return err.code == ERR_NONE ? CLI_OK : cli_fail(&err);
}

static const struct cli_option options[] = {
    {"follow",                            'f', NULL, "go on: a line for each event as it happens"},
    {"since",                               0, "N", "from the event after number N on"},
    {"limit",                                   'n', "N", "begin with the last N; default 50"},
    {"workflow",    0, "ID", "only of this workflow"},
    {"kind", 0, "KIND", "only of this kind: passed, pause, breaker-open"},
    {0                            },
};

const struct cli_command cli_events = {
    .name = "events",
    .args = "",
    .options = options,
    .access = ACCESS_READ,
    .help = "print what happened, and follow what happens",
    .more = "Each event has a number without gap; --since goes on where an earlier run "
            "ended, and "
            "nothing is missed or repeated.",
    .run = run,
};
