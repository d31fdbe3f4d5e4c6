/* SPDX-License-Identifier: MIT */

/* signalbox metrics: every series with its newest value, or the points of one. Reads the metrics
 * file alone, so it needs no engine. */
#include <ctype.h>
#include <math.h>

#include "engine/base/json.h"
#include "engine/base/sketch.h"
#include "engine/base/text.h"
#include "engine/monitor/metric.h"
#include "store/metric_store.h"
#include "tui/cli/columns.h"
#include "tui/cli/record.h"
#include "tui/cli/rows.h"

#define SINCE_DEFAULT INT64_C(3600) /* seconds */
#define SPARK_MAX     160           /* cells */
#define SPARK_DEFAULT 60
#define KEY_MAX       200
#define VALUE_MAX     512

static bool is_asked(const struct cli *cli, const char *name)
{
    return cli_has(cli, name);
}

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

static const char *title_of(struct cli *cli, const struct metric_series *row)
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
static const char *value_text(struct cli *cli, const struct metric_series *row,
                              double value)
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
        columns_cell(table, "%s", title_of(cli, &rows[i]));
        columns_cell(table, "%s", kind_of(&rows[i]));
        columns_cell(table, "%s", value_text(cli, &rows[i], rows[i].newest));
        columns_cell(table, "%s",
                     is_known ? span_format(wall_since(now, rows[i].newest_at), age)
                              : "");
        columns_cell(table, "%s", rows[i].component);
    }
    columns_print(table, stdout, is_asked(cli, "plain"), columns_terminal(), 0);
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
    if (is_asked(cli, "json")) {
        print_list_json(rows, n_kept);
    } else if (n_kept > 0 || is_asked(cli, "plain")) {
        print_list(cli, rows, n_kept);
        if (!is_asked(cli, "plain")) {
            print_notes(reader);
        }
    } else {
        puts(n > 0 ? "no series with these words" : "no series yet");
    }
    return CLI_OK;
}

/* ---- points of one -------------------------------------------------------------------- */

struct range {
    struct metric_query query;
    struct wall from, to;
};

/* What a person would call the value of an interval. */
static double figure_of(const struct metric_point *point)
{
    struct sketch sketch;
    if (point->sketch != NULL &&
        sketch_parse(point->sketch, point->sketch_len, &sketch)) {
        return sketch_quantile(&sketch, METRIC_JUDGED_QUANTILE);
    }
    return point->sum / (double)point->n;
}

/* The points, mean by mean, in as many slots as there are cells. */
struct spark {
    int width;
    double means[SPARK_MAX]; /* NAN: unknown */
    double low, high;
};

static void fill_spark(struct spark *spark, const struct range *range,
                       const struct metric_point *points, size_t n)
{
    int counts[SPARK_MAX] = {0};
    int64_t all = range->to.ms - range->from.ms;
    for (size_t i = 0; i < n; i++) {
        int64_t slot = (points[i].at.ms - range->from.ms) * spark->width / all;
        slot = slot < 0 ? 0 : slot >= spark->width ? spark->width - 1 : slot;
        double sum = counts[slot] > 0 ? spark->means[slot] * counts[slot] : 0;
        spark->means[slot] = (sum + figure_of(&points[i])) / ++counts[slot];
    }
    spark->low = (double)INFINITY;
    spark->high = -(double)INFINITY;
    for (int i = 0; i < spark->width; i++) {
        if (counts[i] == 0) {
            spark->means[i] = (double)NAN;
        }
        spark->low =
            fmin(spark->low, spark->means[i]); /* of a number and NAN: the number */
        spark->high = fmax(spark->high, spark->means[i]);
    }
}

static void print_spark(const struct range *range, const struct metric_point *points,
                        size_t n)
{
    static const char *const marks[2][8] = {
        {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
        {"_",   ".",   ",",   "-",   "=",   "+",   "*",   "#"  }
    };
    struct spark spark = {.width = columns_terminal()};
    if (spark.width <= 0 || spark.width > SPARK_MAX) {
        spark.width = SPARK_DEFAULT;
    }
    fill_spark(&spark, range, points, n);
    for (int i = 0; i < spark.width; i++) {
        double width = spark.high - spark.low;
        double share = width > 0 ? (spark.means[i] - spark.low) / width : 0.5;
        bool is_known = !isnan(spark.means[i]); /* a gap is not a low value */
        fputs(is_known ? marks[columns_is_ascii()][(size_t)(share * 7.999)] : " ",
              stdout);
    }
    putchar('\n');
}

static void print_people(struct cli *cli, const struct metric_series *row,
                         const struct range *range, const struct metric_point *points,
                         size_t n)
{
    double min = (double)INFINITY, max = -(double)INFINITY, sum = 0;
    int64_t count = 0;
    cli_print_clean(stdout, title_of(cli, row));
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        min = points[i].min < min ? points[i].min : min;
        max = points[i].max > max ? points[i].max : max;
        sum += points[i].sum;
        count += points[i].n;
    }
    if (count == 0) {
        puts("  no points in this time");
        return;
    }
    char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
    print_spark(range, points, n);
    printf("  %s to %s, a point each %s", wall_format(range->from, false, from),
           wall_format(range->to, false, to), metric_level_word(range->query.level));
    printf("; min %s, mean %s, ", value_text(cli, row, min),
           value_text(cli, row, sum / (double)count));
    printf("max %s, last %s\n", value_text(cli, row, max),
           value_text(cli, row, points[n - 1].last));
}

static void put_quantiles(struct jsonw *w, const struct metric_point *point)
{
    struct sketch sketch;
    if (point->sketch != NULL &&
        sketch_parse(point->sketch, point->sketch_len, &sketch)) {
        jsonw_num(w, "p50", sketch_quantile(&sketch, 0.5));
        jsonw_num(w, "p95", sketch_quantile(&sketch, 0.95));
        jsonw_num(w, "p99", sketch_quantile(&sketch, 0.99));
    }
}

static void print_point_json(struct buf *out, const char *title,
                             const struct metric_point *point)
{
    struct jsonw w;
    buf_clear(out);
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "series", title);
    record_wall(&w, "at", point->at);
    jsonw_int(&w, "n", point->n);
    jsonw_num(&w, "min", point->min);
    jsonw_num(&w, "max", point->max);
    jsonw_num(&w, "mean", point->sum / (double)point->n);
    jsonw_num(&w, "last", point->last);
    put_quantiles(&w, point);
    jsonw_close(&w, '}');
    puts(out->data);
}

/* RFC 4180: quotes inside of quotes are doubled. */
static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            putchar('"');
        }
        putchar(*text);
    }
    putchar('"');
}

/* As short as reads back as the same. */
static const char *number_text(double number, char text[32])
{
    for (int digits = 6; digits <= 17; digits++) {
        (void)snprintf(text, 32, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    return text;
}

static void print_point_csv(const char *title, const struct metric_point *point)
{
    char at[CLOCK_TEXT_MAX], number[32];
    struct sketch sketch;
    printf("%s,", wall_format(point->at, point->at.ms % 1000 != 0, at));
    print_quoted(title);
    printf(",%s,%lld", number_text(point->sum / (double)point->n, number),
           (long long)point->n);
    printf(",%s", number_text(point->min, number));
    printf(",%s", number_text(point->max, number));
    printf(",%s", number_text(point->last, number));
    if (point->sketch != NULL &&
        sketch_parse(point->sketch, point->sketch_len, &sketch)) {
        printf(",%.6g,%.6g,%.6g\n", sketch_quantile(&sketch, 0.5),
               sketch_quantile(&sketch, 0.95), sketch_quantile(&sketch, 0.99));
    } else {
        puts(",,,");
    }
}

static bool print_points(struct cli *cli, struct metric_reader *reader,
                         const struct metric_series *row, struct range *range,
                         struct err *err)
{
    AUTO_BUF struct buf out;
    struct metric_point *points = NULL;
    size_t n = 0;
    buf_init(&out, CLI_JSON_MAX);
    range->query.series = row->id;
    if (!metric_reader_points(reader, cli->arena, &range->query, &points, &n, err)) {
        return false;
    }
    if (!is_asked(cli, "json") && !is_asked(cli, "csv")) {
        print_people(cli, row, range, points, n);
        return true;
    }
    const char *title = title_of(cli, row);
    for (size_t i = 0; i < n; i++) {
        if (is_asked(cli, "json")) {
            print_point_json(&out, title, &points[i]);
        } else {
            print_point_csv(title, &points[i]); /* "value" is the second for `detect` */
        }
    }
    return true;
}

static int range_of(struct cli *cli, struct metric_reader *reader,
                    const struct metric_series *rows, size_t n)
{
    struct err err = ERR_INIT;
    struct range range = {.to = wall_now()};
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
        if (n_found++ == 0 && is_asked(cli, "csv")) {
            puts("timestamp,series,value,n,min,max,last,p50,p95,p99");
        }
        if (!print_points(cli, reader, &rows[i], &range, &err)) {
            return cli_fail(&err);
        }
    }
    if (n_found == 0) {
        err_set(&err, ERR_NOT_FOUND, "there is no series '%.200s'", cli->args[0]);
        return cli_fail(&err);
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
        if (is_asked(cli, "json")) {
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
    if (!is_asked(cli, "json")) {
        columns_print(out, stdout, is_asked(cli, "plain"), columns_terminal(), 0);
    }
    return CLI_OK;
}

/* ---- the command ---------------------------------------------------------------------- */

/* Points are asked for by an option, or by naming one series exactly. */
static bool wants_points(struct cli *cli, const struct metric_series *rows, size_t n)
{
    if (is_asked(cli, "since") || is_asked(cli, "step") || is_asked(cli, "csv")) {
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
    if (is_asked(cli, "table")) {
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
