/* SPDX-License-Identifier: MIT */

/* signalbox services: every external service, or one of them whole. */
#include "store/service_detail.h"
#include "store/store.h"
#include "tui/cli/columns.h"
#include "tui/cli/record.h"
#include "tui/cli/rows.h"

static const char *milliseconds(struct cli *cli, int64_t ms)
{
    char span[CLOCK_TEXT_MAX];
    return ms < 0 ? "" : arena_str(cli->arena, span_format((struct span){ms}, span));
}

static const char *number(struct cli *cli, int64_t n, const char *unit)
{
    return n < 0 ? "" : arena_printf(cli->arena, "%lld%s", (long long)n, unit);
}

static const char *quota(struct cli *cli, const struct service_detail *detail)
{
    if (detail->rate_remaining < 0) {
        return "";
    }
    return detail->rate_limit < 0 ? number(cli, detail->rate_remaining, "")
                                  : arena_printf(cli->arena, "%lld of %lld",
                                                 (long long)detail->rate_remaining,
                                                 (long long)detail->rate_limit);
}

static void print_list(struct cli *cli, const struct service_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"NAME",    false, false},
        {"KIND",    false, false},
        {"BREAKER", false, false},
        {"SINCE",   true,  false},
        {"P95",     true,  false},
        {"ERRORS",  true,  false},
        {"AT ONCE", true,  false},
        {"QUOTA",   true,  false},
        {"INSTEAD", false, false},
        {"REASON",  false, true },
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        char since[CLOCK_TEXT_MAX];
        struct service_detail detail;
        service_detail_parse(cli->arena, rows[i].detail, &detail);
        columns_cell(table, "%s", rows[i].name);
        columns_cell(table, "%s", rows[i].kind);
        columns_cell(table, "%s", breaker_state_word(rows[i].state));
        columns_cell(table, "%s", span_format(wall_since(now, rows[i].since), since));
        columns_cell(table, "%s", milliseconds(cli, detail.p95_ms));
        columns_cell(table, "%s", number(cli, detail.failure_percent, "%"));
        columns_cell(table, "%s%s%s", number(cli, detail.in_flight, ""),
                     detail.limit >= 0 ? "/" : "", number(cli, detail.limit, ""));
        columns_cell(table, "%s", quota(cli, &detail));
        columns_cell(table, "%s", detail.fallback_to);
        columns_cell(table, "%s", rows[i].reason);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static void print_json(const struct service_row *rows, size_t n)
{
    struct buf AUTO_BUF out = {0};
    buf_init(&out, CLI_JSON_MAX);
    for (size_t i = 0; i < n; i++) {
        struct jsonw w;
        buf_clear(&out);
        jsonw_init(&w, &out);
        jsonw_open(&w, NULL, '{');
        record_service(&w, &rows[i]);
        jsonw_close(&w, '}');
        puts(out.data);
    }
}

static void fact(const char *label, const char *text)
{
    if (text[0] != '\0') {
        printf("  %-12s ", label);
        cli_print_clean(stdout, text);
        putchar('\n');
    }
}

static void print_calls(struct cli *cli, const struct service_detail *detail)
{
    if (detail->calls >= 0) {
        fact("window",
             arena_printf(cli->arena, "%s: %lld calls, %lld failed (%s), %s slow",
                          detail->window, (long long)detail->calls,
                          (long long)detail->failures,
                          number(cli, detail->failure_percent, "%"),
                          number(cli, detail->slow_percent, "%")));
        fact("last calls", detail->recent);
    }
    if (detail->latency_n > 0) {
        fact("latency", arena_printf(cli->arena, "p50 %s, p95 %s, p99 %s of %lld calls",
                                     milliseconds(cli, detail->p50_ms),
                                     milliseconds(cli, detail->p95_ms),
                                     milliseconds(cli, detail->p99_ms),
                                     (long long)detail->latency_n));
    }
    if (detail->limit >= 0) {
        fact("bulkhead",
             arena_printf(cli->arena,
                          "%lld of %lld at once, %lld wait, %lld were refused",
                          (long long)detail->in_flight, (long long)detail->limit,
                          (long long)detail->waiting, (long long)detail->refused));
    }
}

static void print_one(struct cli *cli, const struct service_row *row)
{
    struct service_detail detail;
    char at[CLOCK_TEXT_MAX];
    service_detail_parse(cli->arena, row->detail, &detail);
    cli_print_clean(stdout, row->name);
    printf("  %s\n", breaker_state_word(row->state));
    fact("kind", row->kind);
    fact("url", detail.url);
    fact("since", wall_format(row->since, false, at));
    fact("until", wall_format(row->until, false, at));
    fact("reason", row->reason);
    print_calls(cli, &detail);
    fact("quota", quota(cli, &detail));
    fact("all again", wall_format(detail.rate_reset_at, false, at));
    fact("creations", number(cli, detail.creates_left, " left"));
    fact("repetitions", number(cli, detail.retry_left_percent, "% of the budget left"));
    fact("instead", detail.fallback_to);
    fact("hosts", number(cli, detail.healthy_percent, "% healthy"));
    fact("snapshots", detail.snapshots);
    for (size_t i = 0; i < detail.n_endpoints; i++) {
        const struct service_endpoint *e = &detail.endpoints[i];
        fact(i == 0 ? "endpoints" : "",
             arena_printf(cli->arena, "%s: %lld calls, %lld errors, p95 %s", e->name,
                          (long long)e->calls, (long long)e->errors,
                          milliseconds(cli, e->p95_ms)));
    }
    for (size_t i = 0; i < detail.n_errors; i++) {
        const struct service_error *e = &detail.errors[i];
        fact(i == 0 ? "last errors" : "",
             arena_printf(cli->arena, "%s %s: %s", wall_format(e->at, false, at), e->call,
                          e->text));
    }
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    const struct service_row *rows;
    size_t n, at = 0;
    if (!reader_services(cli->reader, cli->arena, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    if (cli->n_args == 1) {
        while (at < n && strcmp(rows[at].name, cli->args[0]) != 0) {
            at++;
        }
        if (at == n) {
            err_set(&err, ERR_NOT_FOUND, "there is no service '%.80s'", cli->args[0]);
            return cli_fail(&err);
        }
        rows = &rows[at];
        n = 1;
    }
    if (cli_has(cli, "json")) {
        print_json(rows, n);
    } else if (cli->n_args == 1) {
        print_one(cli, rows);
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_list(cli, rows, n);
    } else {
        puts("no external services; everything is done on this machine");
    }
    return CLI_OK;
}

const struct cli_command cli_services = {
    .name = "services",
    .args = "[NAME]",
    .max_args = 1,
    .access = ACCESS_READ,
    .help = "list external services, or show one of them",
    .more =
        "State of its breaker, calls in the window, latency, limits, what is left of its "
        "quota, who stands in for it, and its last errors.",
    .run = run,
};
