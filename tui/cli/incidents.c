/* SPDX-License-Identifier: MIT */

/* signalbox incidents and signalbox anomalies: what the monitor found. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "engine/base/json.h"
#include "engine/monitor/health.h"
#include "engine/monitor/reading.h"
#include "store/store.h"
#include "tui/cause.h"
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

static void print_cause_json(const struct cause_row *row)
{
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    if (row->incident != NULL) {
        health_write_incident(&w, row->incident);
    }
    cause_json(row, &w);
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

/* A breaker is known by its service, which the text begins with. */
static void print_causes(struct cli *cli, const struct causes *causes)
{
    static const struct column titles[] = {
        {"ID",       true,  false},
        {"SEVERITY", false, false},
        {"STATE",    false, false},
        {"SINCE",    true,  false},
        {"INSIDE",   true,  false},
        {"WHO",      false, false},
        {"WHAT",     false, true },
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < causes->n; i++) {
        const struct cause_row *row = &causes->rows[i];
        char since[CLOCK_TEXT_MAX];
        columns_cell(table, "%s", row->id);
        columns_cell(table, "%s", severity_word(row->severity));
        columns_cell(table, "%s", cause_state_word(row->state));
        columns_cell(table, "%s", span_format(wall_since(now, row->from), since));
        columns_cell(table, "%lld", (long long)row->n_inside);
        columns_cell(table, "%s", row->who);
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

/* With what is in its row, in one transaction. */
static bool read_causes(struct cli *cli, bool has_all, struct causes *ret_causes,
                        struct err *err)
{
    if (!reader_begin(cli->reader, err)) {
        return false;
    }
    bool is_read =
        causes_read(cli->reader, cli->arena, wall_now(), has_all, ret_causes, err);
    reader_end(cli->reader);
    return is_read;
}

static void print_cause(struct cli *cli, const struct cause_row *row)
{
    char at[CLOCK_TEXT_MAX], text[200];
    printf("%s, %s, %s\n", row->id, severity_word(row->severity),
           cause_state_word(row->state));
    fact("what", row->text);
    fact("cause", row->cause);
    fact("opened", wall_format(row->from, false, at));
    fact("closed", wall_format(row->to, false, at));
    fact("inside", cause_inside(row, text, sizeof(text)));
    for (size_t i = 0; i < row->n_parts; i++) {
        const struct cause_part *part = &row->parts[i];
        fact("", arena_printf(cli->arena, "%s, %s since %s: %s", part->name, part->state,
                              wall_format(part->at, false, at), part->text));
    }
}

static int show_cause(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct causes causes = {0};
    size_t at = 0;
    if (!read_causes(cli, true, &causes, &err)) {
        return cli_fail(&err);
    }
    while (at < causes.n && strcasecmp(causes.rows[at].id, cli->args[0]) != 0) {
        at++;
    }
    if (at == causes.n) {
        err_set(&err, ERR_NOT_FOUND, "no row has %.80s: see 'signalbox report %.80s'",
                cli->args[0], cli->args[0]);
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        print_cause_json(&causes.rows[at]);
    } else {
        print_cause(cli, &causes.rows[at]);
    }
    return CLI_OK;
}

static int show_incident(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct incident_row row = {0};
    const struct anomaly_row *anomalies;
    size_t n = 0;
    int64_t id = 0;
    struct story_subject subject;
    if (story_parse(cli->args[0], &subject) && subject.of != STORY_OF_INCIDENT) {
        return show_cause(cli); /* the monitor knows nothing of it */
    }
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
    struct causes causes = {0};
    if (cli->n_args == 1) {
        return show_incident(cli);
    }
    if (!read_causes(cli, cli_has(cli, "all"), &causes, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < causes.n; i++) {
            print_cause_json(&causes.rows[i]);
        }
    } else if (causes.n > 0 || cli_has(cli, "plain")) {
        print_causes(cli, &causes);
    } else {
        puts(cli_has(cli, "all") ? "nothing was wrong so far" : "nothing is wrong");
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
    .help = "list what is wrong, a row for each cause, or show one with its anomalies",
    .more =
        "A row is one trouble: an incident (anomalies that began together at what needs "
        "each other), or what the monitor knows nothing of: a problem (p-2: failures of "
        "one cause), a breaker that opened (service:NAME), a failure that waits for a "
        "person (f-31). What has the same cause is inside, and no row of its own; the "
        "JSON names its parts. Quiet: a silence or an open breaker covers it. See "
        "report.",
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
