/* SPDX-License-Identifier: MIT */

/* signalbox detect: how surprising each value of a series is, as it comes. */
#include <errno.h>
#include <math.h>

#include "engine/base/csv.h"
#include "engine/base/json.h"
#include "engine/monitor/detect.h"
#include "tui/cli/rows.h"

struct columns_of {
    int at, value;
};

/* By name where there is a heading, else the first two. */
static bool find_columns(const struct csv *csv, struct columns_of *ret)
{
    struct wall at;
    *ret = (struct columns_of){0, 1};
    if (csv->n_cells >= 2 && csv_time(csv->cells[0], &at)) {
        return false; /* no heading: the line is data */
    }
    int time = csv_find(csv, "timestamp"), value = csv_find(csv, "value");
    ret->at = time >= 0 ? time : 0;
    ret->value = value >= 0 ? value : 1;
    return true;
}

/* Unknown is empty; in JSON it is null. */
static void print_number(double value)
{
    if (isfinite(value)) {
        printf(",%.10g", value);
    } else {
        printf(",");
    }
}

static void print_alarm(struct cli *cli, const char *at,
                        const struct detect_result *result)
{
    if (!cli_has(cli, "json")) {
        printf("%s,%.6f,%s", at, result->score, detect_word(result->kind));
        print_number(result->value);
        print_number(result->low);
        print_number(result->high);
        printf("\n");
        return;
    }
    AUTO_BUF struct buf out;
    struct jsonw w;
    char since[CLOCK_TEXT_MAX];
    buf_init(&out, 4096);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "timestamp", at);
    jsonw_num(&w, "score", result->score);
    jsonw_str(&w, "type", detect_word(result->kind));
    jsonw_num(&w, "value", result->value);
    jsonw_num(&w, "expected", result->expected);
    jsonw_num(&w, "low", result->low);
    jsonw_num(&w, "high", result->high);
    jsonw_str(&w, "since", wall_format(result->since, false, since));
    jsonw_num(&w, "surprise", result->surprise);
    jsonw_num(&w, "chance", result->chance);
    jsonw_close(&w, '}');
    puts(out.data);
}

/* What is told of one point: first that none came for long. */
static void print_point(struct cli *cli, const char *text, struct wall at, double value,
                        struct detector *detector)
{
    struct detect_result silence = detect_silence(detector, at);
    struct detect_result result = detect_step(detector, at, value);
    if (!cli_has(cli, "alarms")) {
        printf("%s,%.9f\n", text, result.score);
        return;
    }
    if (silence.is_alarm) {
        print_alarm(cli, text, &silence);
    }
    if (result.is_alarm) {
        print_alarm(cli, text, &result);
    }
}

/* One line of the series; false: it is wrong, and said. */
static bool one_line(struct cli *cli, const char *name, const struct csv *csv,
                     const struct columns_of *columns, struct detector *detector)
{
    struct wall at;
    double value;
    if ((size_t)columns->at >= csv->n_cells || (size_t)columns->value >= csv->n_cells) {
        fprintf(stderr, "%s:%ld: %zu columns; expected timestamp and value\n", name,
                csv->line, csv->n_cells);
        return false;
    }
    if (!csv_time(csv->cells[columns->at], &at)) {
        fprintf(stderr, "%s:%ld: timestamp: ", name, csv->line);
        cli_print_clean(stderr, csv->cells[columns->at]);
        fputs(" is no time; expected like 2026-11-22 14:05:00\n", stderr);
        return false;
    }
    if (!csv_number(csv->cells[columns->value], &value)) {
        fprintf(stderr, "%s:%ld: value: ", name, csv->line);
        cli_print_clean(stderr, csv->cells[columns->value]);
        fputs(" is no number\n", stderr);
        return false;
    }
    print_point(cli, csv->cells[columns->at], at, value, detector);
    return true;
}

static int run_file(struct cli *cli, const char *name, FILE *file)
{
    struct err err = ERR_INIT;
    struct csv csv;
    struct columns_of columns;
    struct detector detector;
    bool is_good = true, is_first = true;
    detect_init(&detector);
    csv_init(&csv, file);
    if (!cli_has(cli, "json")) {
        puts(cli_has(cli, "alarms") ? "timestamp,anomaly_score,type,value,low,high"
                                    : "timestamp,anomaly_score");
    }
    while (is_good && csv_next(&csv, &err)) {
        bool is_heading = is_first && find_columns(&csv, &columns);
        is_first = false;
        is_good = is_heading || one_line(cli, name, &csv, &columns, &detector);
    }
    csv_fini(&csv);
    if (err.code != ERR_NONE) {
        (void)err_wrap(&err, "%s", name);
        return cli_fail(&err);
    }
    return is_good ? CLI_OK : CLI_USAGE;
}

static int run(struct cli *cli)
{
    const char *name = cli->args[0];
    struct err err = ERR_INIT;
    if (strcmp(name, "-") == 0) {
        (void)setvbuf(stdout, NULL, _IOLBF, 0); /* a stream: each answer at once */
        return run_file(cli, "standard input", stdin);
    }
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        err_sys(&err, "%s", name);
        return cli_fail(&err);
    }
    int status = run_file(cli, name, file);
    (void)fclose(file); /* only read */
    return status;
}

static const struct cli_option options[] = {
    {"alarms", 0, NULL, "only the alarms, with type and expected band"},
    {0   },
};

const struct cli_command cli_detect = {
    .name = "detect",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .access = ACCESS_NONE,
    .help = "say how surprising each value of a series is",
    .more =
        "FILE has the columns timestamp and value; - is standard input. A row comes "
        "out for each row, when it is read: the same code, with the same settings, that "
        "watches the engine's own figures; it looks at nothing that comes later. A score "
        "above 0.2857 is an alarm; what follows within the same event scores less, "
        "unless "
        "it is much worse. An alarm row tells the type (spike, shift, silence, noise, "
        "flat, "
        "drift, season, rare), the value and the band in which it was expected; one of "
        "type "
        "silence without a value says that no points had come until then.",
    .run = run,
};
