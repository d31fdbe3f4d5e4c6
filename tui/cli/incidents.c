/* SPDX-License-Identifier: MIT */

/* signalbox incidents and signalbox anomalies: what the monitor found. */
#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/monitor/health.h"
#include "engine/monitor/reading.h"
#include "store/store.h"
#include "tui/cli/columns.h"
#include "tui/cli/record.h"
#include "tui/cli/rows.h"

#define LIST_MAX 1000

/* ---- JSON: an object a line ------------------------------------------------------------ */

static void print_incident_json(const struct incident_row *row)
{
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    health_write_incident(&w, row);
    jsonw_close(&w, '}');
    puts(out.data);
}

static void print_anomaly_json(const struct anomaly_row *row)
{
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    health_write_anomaly(&w, row);
    jsonw_close(&w, '}');
    puts(out.data);
}

/* ---- lists ----------------------------------------------------------------------------- */

/* Who claimed it now, who has taken it, or to whom it was given. */
static const char *holder(const struct incident_row *row, struct wall now)
{
    return row->claimed_until.ms > now.ms ? row->claimed_by
           : row->owner[0] != '\0'        ? row->owner
                                          : row->assignee;
}

static void print_incidents(struct cli *cli, const struct incident_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"ID",       true,  false},
        {"SEVERITY", false, false},
        {"STATE",    false, false},
        {"SINCE",    true,  false},
        {"OPEN",     true,  false},
        {"OWNER",    false, false},
        {"WHAT",     false, true },
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct incident_row *row = &rows[i];
        char since[CLOCK_TEXT_MAX];
        columns_cell(table, "%lld", (long long)row->id);
        columns_cell(table, "%s", severity_word(row->severity));
        columns_cell(table, "%s",
                     wall_is_set(row->closed_at)    ? "closed"
                     : row->inhibited_by[0] != '\0' ? "quiet"
                                                    : incident_word(row->state));
        columns_cell(table, "%s", span_format(wall_since(now, row->opened_at), since));
        columns_cell(table, "%d of %d", row->n_open, row->n_anomalies);
        columns_cell(table, "%s", holder(row, now));
        columns_cell(table, "%s", row->text);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static void print_anomalies(struct cli *cli, const struct anomaly_row *rows, size_t n,
                            int indent)
{
    static const struct column titles[] = {
        {"ID",       true,  false},
        {"SEVERITY", false, false},
        {"TYPE",     false, false},
        {"SINCE",    true,  false},
        {"END",      false, false},
        {"WHAT",     false, true },
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        char since[CLOCK_TEXT_MAX];
        columns_cell(table, "%lld", (long long)rows[i].id);
        columns_cell(table, "%s", severity_word(rows[i].severity));
        columns_cell(table, "%s", anomaly_word(rows[i].type));
        columns_cell(table, "%s", span_format(wall_since(now, rows[i].began_at), since));
        columns_cell(table, "%s",
                     rows[i].closed_by[0] != '\0' ? rows[i].closed_by : "open");
        columns_cell(table, "%s", rows[i].text);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), indent);
}

/* ---- one of them ----------------------------------------------------------------------- */

static void fact(const char *label, const char *text)
{
    if (text[0] != '\0') {
        printf("  %-13s ", label);
        cli_print_clean(stdout, text);
        putchar('\n');
    }
}

static void print_texts(const struct json *list, const char *label)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const char *text = json_text(json_at(list, i));
        fact(i == 0 ? label : "", text != NULL ? text : "");
    }
}

static void print_contributing(struct cli *cli, const struct json *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        const char *name = json_str(one, "series", "");
        char value[READING_MAX];
        fact(
            i == 0 ? "contributing" : "",
            arena_printf(cli->arena, "%s %s (score %.2f)", name,
                         reading_format(name, json_num(one, "value", (double)NAN), value),
                         json_num(one, "score", 0)));
    }
}

static void print_similar(struct cli *cli, const struct json *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        char lasted[CLOCK_TEXT_MAX];
        struct span span = {(int64_t)(json_num(one, "lasted_s", 0) * 1000)};
        fact(i == 0 ? "similar" : "",
             arena_printf(cli->arena, "%lld at %s: %s after %s",
                          (long long)json_int(one, "id", 0), json_str(one, "at", ""),
                          json_str(one, "closed_by", ""), span_format(span, lasted)));
    }
}

static void print_anomaly(struct cli *cli, const struct anomaly_row *row)
{
    struct err ignored = ERR_INIT;
    char value[READING_MAX], low[READING_MAX], high[READING_MAX], at[CLOCK_TEXT_MAX];
    printf("anomaly %lld, %s, %s\n", (long long)row->id, severity_word(row->severity),
           anomaly_word(row->type));
    fact("what", row->text);
    fact("series", row->series);
    fact("component", row->component);
    fact("value", arena_printf(cli->arena, "%s, expected %s to %s",
                               reading_format(row->series, row->value, value),
                               reading_format(row->series, row->low, low),
                               reading_format(row->series, row->high, high)));
    fact("rule", row->rule);
    fact("began", wall_format(row->began_at, false, at));
    fact("told", wall_format(row->opened_at, false, at));
    fact("newest", wall_format(row->seen_at, false, at));
    fact("closed",
         wall_is_set(row->closed_at)
             ? arena_printf(cli->arena, "%s, %s", wall_format(row->closed_at, false, at),
                            row->closed_by)
             : "");
    struct json *detail = json_parse(row->detail, strlen(row->detail), &ignored);
    print_texts(json_get(detail, "affected"), "affected");
    print_contributing(cli, json_get(detail, "contributing"));
    print_similar(cli, json_get(detail, "similar"));
    print_texts(json_get(detail, "actions"), "do");
    fact("quiet by", json_str(detail, "inhibited_by", ""));
    json_free(detail);
}

static void print_incident(struct cli *cli, const struct incident_row *row)
{
    struct err ignored = ERR_INIT;
    char at[CLOCK_TEXT_MAX];
    printf("incident %lld, %s, %s\n", (long long)row->id, severity_word(row->severity),
           wall_is_set(row->closed_at) ? "closed" : incident_word(row->state));
    fact("what", row->text);
    fact("cause", row->cause);
    fact("opened", wall_format(row->opened_at, false, at));
    fact("closed", wall_format(row->closed_at, false, at));
    fact("quiet by", row->inhibited_by);
    fact("owner", row->owner);
    if (row->claimed_until.ms > wall_now().ms) {
        fact("claimed by", arena_printf(cli->arena, "%s until %s", row->claimed_by,
                                        wall_format(row->claimed_until, false, at)));
    }
    fact("assigned to", row->assignee);
    fact("note", row->note);
    struct json *links = json_parse(row->links, strlen(row->links), &ignored);
    print_texts(links, "linked");
    json_free(links);
    struct json *detail = json_parse(row->detail, strlen(row->detail), &ignored);
    print_texts(json_get(detail, "affected"), "affected");
    print_texts(json_get(detail, "evidence"), "evidence");
    json_free(detail);
}

static bool read_number(const char *text, int64_t *ret_id, struct err *err)
{
    char *end = NULL;
    long long id = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || id <= 0) {
        return err_set(err, ERR_USAGE, "'%.40s' is no number of one", text);
    }
    *ret_id = id;
    return true;
}

/* ---- commands -------------------------------------------------------------------------- */

static int show_incident(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct incident_row row = {0};
    const struct anomaly_row *anomalies;
    size_t n = 0;
    int64_t id = 0;
    if (!read_number(cli->args[0], &id, &err)) {
        return cli_fail(&err);
    }
    enum found found = reader_incident(cli->reader, cli->arena, id, &row, &err);
    if (found == MISSING) {
        err_set(&err, ERR_NOT_FOUND, "there is no incident %lld", (long long)id);
    }
    const struct anomaly_query query = {.incident = id, .max = LIST_MAX};
    if (found != FOUND ||
        !reader_anomalies(cli->reader, cli->arena, &query, &anomalies, &n, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        print_incident_json(&row);
        for (size_t i = 0; i < n; i++) {
            print_anomaly_json(&anomalies[i]);
        }
        return CLI_OK;
    }
    print_incident(cli, &row);
    for (size_t i = n; i > 0; i--) { /* earliest first */
        putchar('\n');
        print_anomaly(cli, &anomalies[i - 1]);
    }
    return CLI_OK;
}

static int run_incidents(struct cli *cli)
{
    struct err err = ERR_INIT;
    const struct incident_row *rows;
    size_t n = 0;
    if (cli->n_args == 1) {
        return show_incident(cli);
    }
    const struct incident_query query = {.is_open = !cli_has(cli, "all"),
                                         .max = LIST_MAX};
    if (!reader_incidents(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < n; i++) {
            print_incident_json(&rows[i]);
        }
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_incidents(cli, rows, n);
    } else {
        puts(cli_has(cli, "all") ? "no incident so far" : "no incident is open");
    }
    return CLI_OK;
}

static int show_anomaly(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct anomaly_row row = {0};
    int64_t id = 0;
    if (!read_number(cli->args[0], &id, &err)) {
        return cli_fail(&err);
    }
    enum found found = reader_anomaly(cli->reader, cli->arena, id, &row, &err);
    if (found == MISSING) {
        err_set(&err, ERR_NOT_FOUND, "there is no anomaly %lld", (long long)id);
    }
    if (found != FOUND) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        print_anomaly_json(&row);
    } else {
        print_anomaly(cli, &row);
    }
    return CLI_OK;
}

static int run_anomalies(struct cli *cli)
{
    struct err err = ERR_INIT;
    const struct anomaly_row *rows;
    size_t n = 0;
    if (cli->n_args == 1) {
        return show_anomaly(cli);
    }
    const struct anomaly_query query = {.is_open = !cli_has(cli, "all"), .max = LIST_MAX};
    if (!reader_anomalies(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < n; i++) {
            print_anomaly_json(&rows[i]);
        }
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_anomalies(cli, rows, n, 0);
    } else {
        puts(cli_has(cli, "all") ? "no anomaly so far" : "no anomaly is open");
    }
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"all", 'a', NULL, "also what is over"},
    {0},
};

const struct cli_command cli_incidents = {
    .name = "incidents",
    .args = "[ID]",
    .max_args = 1,
    .options = options,
    .access = ACCESS_READ,
    .help = "list open incidents, or show one with its anomalies",
    .more =
        "An incident is one trouble: anomalies that began together at what needs each "
        "other. Quiet: its breaker is open, or a silence covers it.",
    .run = run_incidents,
};

const struct cli_command cli_anomalies = {
    .name = "anomalies",
    .args = "[ID]",
    .max_args = 1,
    .options = options,
    .access = ACCESS_READ,
    .help = "list open anomalies, or show one of them whole",
    .more = "Value and expected band, what else was odd at that moment, what was like it "
            "before and how that ended, and what to do.",
    .run = run_anomalies,
};
