/* SPDX-License-Identifier: MIT */

/* signalbox forecast: how a series goes on, many series at once, and when something is full. */
#include <math.h>

#include "engine/base/json.h"
#include "engine/predict/capacity.h"
#include "engine/predict/forecast.h"
#include "tui/cli/history.h"
#include "tui/cli/rows.h"

/* ---- one series ----------------------------------------------------------------------- */

static void print_step(bool is_json, size_t number, const struct forecast_step *step)
{
    if (!is_json) {
        printf("%zu,%.9g,%.9g,%.9g,%.9g,%.9g\n", number, step->value, step->lo80,
               step->hi80, step->lo95, step->hi95);
        return;
    }
    AUTO_BUF struct buf out;
    struct jsonw w;
    buf_init(&out, 4096);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "step", (int64_t)number);
    jsonw_num(&w, "forecast", step->value);
    jsonw_num(&w, "lo80", step->lo80);
    jsonw_num(&w, "hi80", step->hi80);
    jsonw_num(&w, "lo95", step->lo95);
    jsonw_num(&w, "hi95", step->hi95);
    jsonw_close(&w, '}');
    puts(out.data);
}

static int one_series(struct cli *cli, const char *name, FILE *file, int horizon,
                      int season)
{
    struct history history;
    struct forecast_report report;
    if (!history_read(name, file, cli->arena, &history)) {
        return CLI_USAGE;
    }
    struct forecast_step *steps =
        arena_array(cli->arena, (size_t)horizon, sizeof(*steps));
    struct forecast_task task = {
        .values = history.values, .n = history.n, .season = season, .horizon = horizon};
    if (!forecast_run(&task, cli->arena, steps, &report)) {
        fprintf(stderr, "%s: fewer than %d known values, nothing to go by\n", name,
                FORECAST_POINTS_MIN);
        return CLI_USAGE;
    }
    bool is_json = cli_has(cli, "json");
    if (!is_json) {
        puts("step,forecast,lo80,hi80,lo95,hi95");
    }
    for (size_t i = 0; i < (size_t)horizon; i++) {
        print_step(is_json, i + 1, &steps[i]);
    }
    return CLI_OK;
}

/* ---- a table of series ---------------------------------------------------------------- */

enum { BATCH_SERIES, BATCH_ORIGIN, BATCH_HORIZON, BATCH_SEASON, BATCH_VALUES, BATCH_N };
enum { FULL_ID, FULL_CAPACITY, FULL_USED, FULL_N };

/* A table in work: its columns are known when its first line is read. */
struct table {
    struct cli *cli;
    const char *name;
    struct csv csv;
    int columns[BATCH_N];
    struct arena *arena; /* for one row */
    double horizon;      /* of --horizon */
};

static void print_cell(const char *text)
{
    bool needs_quotes = strpbrk(text, ",\" ") != NULL;
    fputs(needs_quotes ? "\"" : "", stdout);
    for (const char *at = text; *at != '\0'; at++) {
        fputs(needs_quotes && *at == '"' ? "\"" : "", stdout);
        putchar(*at);
    }
    fputs(needs_quotes ? "\"" : "", stdout);
}

static double value_of(const struct forecast_step *step)
{
    return step->value;
}
static double low_of(const struct forecast_step *step)
{
    return step->lo80;
}
static double high_of(const struct forecast_step *step)
{
    return step->hi80;
}

static void print_values(const struct forecast_step *steps, size_t n,
                         double (*take)(const struct forecast_step *step))
{
    for (size_t i = 0; i < n; i++) {
        printf("%s%.9g", i == 0 ? "," : " ", take(&steps[i]));
    }
}

static void print_batch(const char *series, const char *origin,
                        const struct forecast_step *steps, size_t n)
{
    print_cell(series);
    if (origin != NULL) {
        putchar(',');
        print_cell(origin);
    }
    print_values(steps, n, value_of);
    print_values(steps, n, low_of);
    print_values(steps, n, high_of);
    putchar('\n');
}

static void write_values(struct jsonw *w, const char *key,
                         const struct forecast_step *steps, size_t n,
                         double (*take)(const struct forecast_step *step))
{
    jsonw_open(w, key, '[');
    for (size_t i = 0; i < n; i++) {
        jsonw_num(w, NULL, take(&steps[i]));
    }
    jsonw_close(w, ']');
}

static void print_batch_json(const char *series, const char *origin,
                             const struct forecast_step *steps, size_t n)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "series", series);
    if (origin != NULL) {
        jsonw_str(&w, "origin", origin);
    }
    write_values(&w, "values", steps, n, value_of);
    write_values(&w, "lo80", steps, n, low_of);
    write_values(&w, "hi80", steps, n, high_of);
    jsonw_close(&w, '}');
    puts(out.data);
}

/* One row of --batch; false: it is wrong, and said. */
static bool batch_row(struct table *table)
{
    const struct csv *csv = &table->csv;
    const char *name = table->name;
    const int *columns = table->columns;
    double horizon, season, *values;
    size_t n;
    const char *series = history_cell(name, csv, columns[BATCH_SERIES], "series");
    if (series == NULL ||
        !history_number(name, csv, "horizon",
                        history_cell(name, csv, columns[BATCH_HORIZON], "horizon"), 1,
                        FORECAST_HORIZON_MAX, &horizon) ||
        !history_number(name, csv, "season",
                        history_cell(name, csv, columns[BATCH_SEASON], "season"), 0,
                        FORECAST_SEASON_MAX, &season) ||
        !history_list(name, csv, "values",
                      history_cell(name, csv, columns[BATCH_VALUES], "values"),
                      table->arena, &values, &n)) {
        return false;
    }
    struct forecast_report report;
    struct forecast_task task = {
        .values = values, .n = n, .season = (int)season, .horizon = (int)horizon};
    struct forecast_step *steps =
        arena_array(table->arena, (size_t)task.horizon, sizeof(*steps));
    if (!forecast_run(&task, table->arena, steps, &report)) {
        fprintf(stderr, "%s:%ld: values: fewer than %d known ones, nothing to go by\n",
                name, csv->line, FORECAST_POINTS_MIN);
        return false;
    }
    const char *origin = columns[BATCH_ORIGIN] < 0
                             ? NULL
                             : history_cell(name, csv, columns[BATCH_ORIGIN], "origin");
    if (cli_has(table->cli, "json")) {
        print_batch_json(series, origin, steps, (size_t)task.horizon);
    } else {
        print_batch(series, origin, steps, (size_t)task.horizon);
    }
    return true;
}

static void print_days(double days)
{
    if (isnan(days)) {
        putchar(','); /* unknown: empty */
    } else {
        printf(",%.6g", days);
    }
}

/* Days that are not finite are null: the verdict says why. */
static void print_capacity_json(const char *id, const struct capacity_answer *answer)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "id", id);
    jsonw_str(&w, "verdict", capacity_word(answer->verdict));
    jsonw_num(&w, "p_within", answer->p_within);
    jsonw_num(&w, "days_to_full", answer->at);
    jsonw_num(&w, "lo80", answer->lo);
    jsonw_num(&w, "hi80", answer->hi);
    jsonw_num(&w, "lo95", answer->lo95);
    jsonw_num(&w, "hi95", answer->hi95);
    jsonw_num(&w, "used", answer->used);
    jsonw_num(&w, "rate_per_day", answer->rate);
    jsonw_close(&w, '}');
    puts(out.data);
}

/* One row of --capacity; false: it is wrong, and said. */
static bool capacity_row(struct table *table)
{
    const struct csv *csv = &table->csv;
    const char *name = table->name;
    double limit, *used;
    size_t n;
    const char *id = history_cell(name, csv, table->columns[FULL_ID], "id");
    if (id == NULL ||
        !history_number(
            name, csv, "capacity_bytes",
            history_cell(name, csv, table->columns[FULL_CAPACITY], "capacity_bytes"),
            -1e300, 1e300, &limit) ||
        !history_list(
            name, csv, "used_bytes_daily",
            history_cell(name, csv, table->columns[FULL_USED], "used_bytes_daily"),
            table->arena, &used, &n)) {
        return false;
    }
    struct capacity_task task = {
        .used = used, .n = n, .limit = limit, .step = 1, .horizon = table->horizon};
    struct capacity_answer answer = capacity_run(&task, table->arena);
    if (cli_has(table->cli, "json")) {
        print_capacity_json(id, &answer);
        return true;
    }
    print_cell(id);
    print_days(answer.at);
    print_days(answer.lo);
    print_days(answer.hi);
    putchar('\n');
    return true;
}

static int all_rows(struct table *table, FILE *file, bool is_capacity)
{
    static const char *const batch[BATCH_N] = {"series", "?origin", "horizon", "season",
                                               "values"};
    static const char *const capacity[FULL_N] = {"id", "capacity_bytes",
                                                 "used_bytes_daily"};
    struct err err = ERR_INIT;
    bool is_good = true, is_first = true;
    csv_init(&table->csv, file);
    table->arena = arena_new();
    while (is_good && csv_next(&table->csv, &err)) {
        arena_reset(table->arena);
        if (!is_first) {
            is_good = is_capacity ? capacity_row(table) : batch_row(table);
            continue;
        }
        is_first = false;
        is_good = history_columns(table->name, &table->csv,
                                  is_capacity ? capacity : batch, table->columns,
                                  is_capacity ? (size_t)FULL_N : (size_t)BATCH_N);
        if (cli_has(table->cli, "json")) {
            continue;
        }
        if (is_good && is_capacity) {
            puts("id,days_to_full,lo,hi");
        } else if (is_good) {
            puts(table->columns[BATCH_ORIGIN] >= 0 ? "series,origin,values,lo,hi"
                                                   : "series,values,lo,hi");
        }
    }
    csv_fini(&table->csv);
    arena_free(table->arena);
    if (err.code != ERR_NONE) {
        (void)err_wrap(&err, "%s", table->name);
        return cli_fail(&err);
    }
    if (is_first) {
        fprintf(stderr, "%s:1: empty; expected a heading\n", table->name);
    }
    return is_good && !is_first ? CLI_OK : CLI_USAGE;
}

/* ---- command -------------------------------------------------------------------------- */

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    int64_t horizon, season;
    bool is_batch = cli_has(cli, "batch"), is_capacity = cli_has(cli, "capacity");
    bool is_table = is_batch || is_capacity;
    if (!cli_number(cli, "horizon", 1,
                    is_capacity ? CAPACITY_HORIZON_MAX : FORECAST_HORIZON_MAX,
                    is_capacity ? CAPACITY_HORIZON : 0, &horizon, &err) ||
        !cli_number(cli, "season", 1, FORECAST_SEASON_MAX, 0, &season, &err)) {
        return cli_fail(&err);
    }
    if (is_batch && is_capacity) {
        return cli_complain(cli, "--batch and --capacity exclude each other");
    }
    if (!is_table && horizon == 0) {
        return cli_complain(cli, "--horizon is missing: how many steps?");
    }
    const char *name;
    FILE *file = history_open(cli, &name);
    if (file == NULL) {
        return CLI_FAILURE;
    }
    struct table table = {.cli = cli, .name = name, .horizon = (double)horizon};
    int status = is_table ? all_rows(&table, file, is_capacity)
                          : one_series(cli, name, file, (int)horizon, (int)season);
    history_close(file);
    return status;
}

static const struct cli_option options[] = {
    {"horizon",                                  0, "N", "how many steps; with --capacity days (120)"},
    {"season",                                       0, "S", "steps of a season; found when not given"},
    {"batch",                                          0, NULL, "a line per series: series,[origin,]horizon,season,values"},
    {"capacity",   0, NULL, "when is it full: id,capacity_bytes,used_bytes_daily"},
    {0},
};

const struct cli_command cli_forecast = {
    .name = "forecast",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .access = ACCESS_NONE,
    .help = "say how a series goes on, and when something is full",
    .more =
        "FILE has the columns timestamp and value; - is standard input. A row comes out "
        "for each step ahead, with the intervals that hold 80 and 95 of 100 outcomes. "
        "With --batch and --capacity a cell holds many values, between spaces. Of "
        "--capacity the days are those of the futures that reach the limit within the "
        "horizon; 'inf' says that none does, and --json how likely it is at all.",
    .run = run,
};
