/* SPDX-License-Identifier: MIT */

/* signalbox metrics: every series with its newest value, or the points of one. Reads the metrics
 * file alone, so it needs no engine. */
#include <math.h>

#include "engine/base/json.h"
#include "engine/monitor/metric.h"
#include "tui/cli/columns.h"
#include "tui/cli/metrics.h"
#include "tui/cli/record.h"
#include "tui/cli/rows.h"

#define SINCE_DEFAULT INT64_C(3600) /* seconds */
#define KEY_MAX       200
#define VALUE_MAX     512

static const char *family_of(const struct metric_series *row)
{
    enum metric_id id = METRIC_SCRAPED;
    bool is_known =
        strncmp(row->component, "scrape:", 7) != 0 && metric_find(row->name, &id);
    return family_name(metric_get(is_known ? id : METRIC_SCRAPED).family);
}

static const char *kind_of(const struct metric_series *row)
{
    return row->kind >= 0 && row->kind < METRIC_KIND_COUNT
               ? metric_kind_word((enum metric_kind)row->kind)
               : "gauge";
}

const char *metrics_title(struct cli *cli, const struct metric_series *row)
{
    return row->labels[0] == '\0'
               ? row->name
               : arena_printf(cli->arena, "%s{%s}", row->name, row->labels);
}

/* ---- labels --------------------------------------------------------------------------- */

/* The next one of key="value",key=value; false at the end or where it is none. */
static bool next_label(const char **at, char key[KEY_MAX], char value[VALUE_MAX])
{
    const char *text = *at + strspn(*at, ", ");
    size_t len = strcspn(text, "=,}"), n = 0;
    if (len == 0 || len >= KEY_MAX || text[len] != '=') {
        return false;
    }
    memcpy(key, text, len);
    key[len] = '\0';
    text += len + 1;
    bool is_quoted = *text == '"';
    for (text += is_quoted; *text != '\0' && n + 1 < VALUE_MAX; text++) {
        if (is_quoted ? *text == '"' : *text == ',' || *text == '}') {
            break;
        }
        text += is_quoted && text[0] == '\\' && text[1] != '\0';
        value[n++] = *text;
    }
    value[n] = '\0';
    *at = text + (is_quoted && *text == '"');
    return true;
}

static bool has_label(const char *labels, const char *key, const char *value)
{
    char one_key[KEY_MAX], one_value[VALUE_MAX];
    for (const char *at = labels; next_label(&at, one_key, one_value);) {
        if (strcmp(one_key, key) == 0 && strcmp(one_value, value) == 0) {
            return true;
        }
    }
    return false;
}

/* NAME or NAME{some of its labels} */
static bool is_named(const struct metric_series *row, const char *asked)
{
    char key[KEY_MAX], value[VALUE_MAX];
    size_t len = strcspn(asked, "{");
    if (strlen(row->name) != len || strncmp(row->name, asked, len) != 0) {
        return false;
    }
    const char *at = asked[len] == '{' ? asked + len + 1 : asked + len;
    while (next_label(&at, key, value)) {
        if (!has_label(row->labels, key, value)) {
            return false;
        }
    }
    return true;
}

static void put_labels(struct jsonw *w, const char *labels)
{
    char key[KEY_MAX], value[VALUE_MAX];
    jsonw_open(w, "labels", '{');
    for (const char *at = labels; next_label(&at, key, value);) {
        jsonw_str(w, key, value);
    }
    jsonw_close(w, '}');
}

/* ---- the list ------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct metric_series *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->labels, y->labels);
}

/* Every word stands somewhere in it. */
static bool is_listed(struct cli *cli, const struct metric_series *row)
{
    for (int i = 0; i < cli->n_args; i++) {
        const char *word = cli->args[i];
        if (strcasestr(row->name, word) == NULL &&
            strcasestr(row->labels, word) == NULL &&
            strcasestr(row->component, word) == NULL &&
            strcasestr(family_of(row), word) == NULL) {
            return false;
        }
    }
    return true;
}

static const char *bytes_text(struct cli *cli, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t i = 0;
    for (; fabs(bytes) >= 1024 && i + 1 < ARRAY_LEN(units); i++) {
        bytes /= 1024;
    }
    return arena_printf(cli->arena, "%.4g %s", bytes, units[i]);
}

/* A counter is its rate. */
const char *metrics_value(struct cli *cli, const struct metric_series *row, double value)
{
    const char *rate = row->kind == KIND_COUNTER ? "/s" : "";
    if (!isfinite(value)) {
        return "";
    }
    if (strcmp(row->unit, "bytes") == 0) {
        return arena_printf(cli->arena, "%s%s", bytes_text(cli, value), rate);
    }
    if (strcmp(row->unit, "ratio") == 0) {
        return arena_printf(cli->arena, "%.4g%%", value * 100);
    }
    if (strcmp(row->unit, "seconds") == 0) {
        return arena_printf(cli->arena, "%.4g s%s", value, rate);
    }
    return arena_printf(cli->arena, "%.6g%s%s%s", value, row->unit[0] != '\0' ? " " : "",
                        row->unit, rate);
}

static void print_list(struct cli *cli, const struct metric_series *rows, size_t n)
{
    static const struct column titles[] = {
        {"SERIES", false, true },
        {"KIND",   false, false},
        {"VALUE",  true,  false},
        {"AGE",    true,  false},
        {"ABOUT",  false, false},
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        char age[CLOCK_TEXT_MAX];
        bool is_known = wall_is_set(rows[i].newest_at);
        columns_cell(table, "%s", metrics_title(cli, &rows[i]));
        columns_cell(table, "%s", kind_of(&rows[i]));
        columns_cell(table, "%s", metrics_value(cli, &rows[i], rows[i].newest));
        columns_cell(table, "%s",
                     is_known ? span_format(wall_since(now, rows[i].newest_at), age)
                              : "");
        columns_cell(table, "%s", rows[i].component);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static void print_list_json(const struct metric_series *rows, size_t n)
{
    AUTO_BUF struct buf out;
    struct wall now = wall_now();
    buf_init(&out, CLI_JSON_MAX);
    for (size_t i = 0; i < n; i++) {
        struct jsonw w;
        bool is_known = wall_is_set(rows[i].newest_at);
        buf_clear(&out);
        jsonw_init(&w, &out);
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "name", rows[i].name);
        put_labels(&w, rows[i].labels);
        jsonw_str(&w, "component", rows[i].component);
        jsonw_str(&w, "family", family_of(&rows[i]));
        jsonw_str(&w, "kind", kind_of(&rows[i]));
        jsonw_str(&w, "unit", rows[i].unit);
        jsonw_num(&w, "value", rows[i].newest); /* of a counter its rate per second */
        record_wall(&w, "at", rows[i].newest_at);
        jsonw_num(&w, "age_s",
                  is_known ? (double)wall_since(now, rows[i].newest_at).ms / 1000
                           : (double)NAN);
        jsonw_close(&w, '}');
        puts(out.data);
    }
}

/* What is not in the list, or not whole. */
static void print_notes(struct metric_reader *reader)
{
    static const struct {
        const char *setting, *text;
    } notes[] = {
        {SERIES_SETTING_REFUSED, "points of series that had no place"},
        {SERIES_SETTING_LATE,    "points that came too late"         },
        {SERIES_SETTING_UNKEPT,
         "raw values that had no place until the file was written"   },
    };
    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        struct err err = ERR_INIT;
        int64_t n = 0;
        if (metric_reader_setting(reader, notes[i].setting, 0, &n, &err) && n > 0) {
            fprintf(stderr, "Since the engine started, %lld %s.\n", (long long)n,
                    notes[i].text);
        }
    }
}

static int list(struct cli *cli, struct metric_reader *reader, struct metric_series *rows,
                size_t n)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_listed(cli, &rows[i])) {
            rows[n_kept++] = rows[i];
        }
    }
    if (cli_has(cli, "json")) {
        print_list_json(rows, n_kept);
    } else if (n_kept > 0 || cli_has(cli, "plain")) {
        print_list(cli, rows, n_kept);
        if (!cli_has(cli, "plain")) {
            print_notes(reader);
        }
    } else {
        puts(n > 0 ? "no series with these words" : "no series yet");
    }
    return CLI_OK;
}

/* ---- the table of metrics ------------------------------------------------------------- */

static void print_metric_json(const struct metric *metric)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    buf_init(&out, 4096);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "name", metric->name);
    jsonw_str(&w, "family", family_name(metric->family));
    jsonw_str(&w, "kind", metric_kind_word(metric->kind));
    jsonw_str(&w, "unit", metric->unit);
    jsonw_str(&w, "labels", metric->labels);
    jsonw_bool(&w, "is_judged", metric->is_judged);
    jsonw_num(&w, "limit", metric->has_limit ? metric->limit : (double)NAN);
    jsonw_str(&w, "help", metric->help);
    jsonw_close(&w, '}');
    puts(out.data);
}

static int table(struct cli *cli)
{
    static const struct column titles[] = {
        {"NAME",   false, false},
        {"FAMILY", false, false},
        {"KIND",   false, false},
        {"UNIT",   false, false},
        {"LABELS", false, false},
        {"WHAT",   false, true },
    };
    struct columns *out = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (int i = METRIC_SCRAPED + 1; i < METRIC_COUNT; i++) {
        struct metric metric = metric_get((enum metric_id)i);
        if (cli_has(cli, "json")) {
            print_metric_json(&metric);
            continue;
        }
        columns_cell(out, "%s", metric.name);
        columns_cell(out, "%s", family_name(metric.family));
        columns_cell(out, "%s", metric_kind_word(metric.kind));
        columns_cell(out, "%s", metric.unit);
        columns_cell(out, "%s", metric.labels);
        columns_cell(out, "%s", metric.help);
    }
    if (!cli_has(cli, "json")) {
        columns_print(out, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
    }
    return CLI_OK;
}

/* ---- the command ---------------------------------------------------------------------- */

static int range_of(struct cli *cli, struct metric_reader *reader,
                    const struct metric_series *rows, size_t n)
{
    struct err err = ERR_INIT;
    struct metrics_range range = {.to = wall_now()};
    struct span since = span_s(SINCE_DEFAULT);
    const char *step = cli_value(cli, "step"), *length = cli_value(cli, "since");
    range.query.level = LEVEL_MINUTE;
    if (length != NULL && (!span_parse(length, &since) || since.ms == 0)) {
        return cli_complain(cli, "--since: '%.40s' is no length; expected like 2h",
                            length);
    }
    if (step != NULL && !metric_level_find(step, &range.query.level)) {
        return cli_complain(cli, "--step: '%.40s'; expected raw, minute, hour or day",
                            step);
    }
    range.from.ms = range.to.ms - since.ms;
    range.query.from = range.from;
    size_t n_found = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_named(&rows[i], cli->args[0])) {
            continue;
        }
        if (n_found++ == 0 && cli_has(cli, "csv")) {
            puts("timestamp,series,value,n,min,max,last,p50,p95,p99");
        }
        if (!metrics_print_points(cli, reader, &rows[i], &range, &err)) {
            return cli_fail(&err);
        }
    }
    if (n_found == 0) {
        err_set(&err, ERR_NOT_FOUND, "there is no series '%.200s'", cli->args[0]);
        return cli_fail(&err);
    }
    return CLI_OK;
}

/* Points are asked for by an option, or by naming one series exactly. */
static bool wants_points(struct cli *cli, const struct metric_series *rows, size_t n)
{
    if (cli_has(cli, "since") || cli_has(cli, "step") || cli_has(cli, "csv")) {
        return true;
    }
    for (size_t i = 0; cli->n_args == 1 && i < n; i++) {
        if (is_named(&rows[i], cli->args[0])) {
            return true;
        }
    }
    return cli->n_args == 1 && strchr(cli->args[0], '{') != NULL;
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct metric_series *rows = NULL;
    size_t n = 0;
    if (cli_has(cli, "table")) {
        return table(cli);
    }
    int status = cli_open_config(cli);
    if (status != CLI_OK) {
        return status;
    }
    AUTO_FREE char *path = metric_store_path(cli->store);
    struct metric_reader *reader = metric_reader_open(path, &err);
    if (reader == NULL) {
        return cli_fail(&err);
    }
    if (!metric_reader_series(reader, cli->arena, &rows, &n, &err)) {
        status = cli_fail(&err);
    } else {
        qsort(rows, n, sizeof(*rows), compare);
        bool is_range = wants_points(cli, rows, n);
        status = is_range && cli->n_args != 1
                     ? cli_complain(cli, "points are those of one NAME or NAME{labels}")
                 : is_range ? range_of(cli, reader, rows, n)
                            : list(cli, reader, rows, n);
    }
    metric_reader_close(reader);
    return status;
}

static const struct cli_option options[] = {
    {"since",                                                  0, "LENGTH", "points of the last LENGTH, like 2h; default 1h"},
    {"step",                                                0, "LEVEL", "a point each raw, minute, hour or day; default minute"},
    {"csv",                                                        0, NULL, "points as lines with timestamp, series, value and sums"},
    {"table",        0, NULL, "what is measured: names, kinds, units, labels"},
    {0},
};

const struct cli_command cli_metrics = {
    .name = "metrics",
    .args = "[WORD...]",
    .max_args = -1,
    .options = options,
    .access = ACCESS_NONE,
    .help = "list what is measured with its newest values, or show one series",
    .more =
        "Words select by name, label, component or family. One argument that is the name "
        "of a series, alone or with some of its labels as NAME{state=\"CODING\"}, shows "
        "its "
        "points. The value of a counter is its rate per second, that of a summary its "
        "95 % quantile in a minute. Works without an engine.",
    .run = run,
};
