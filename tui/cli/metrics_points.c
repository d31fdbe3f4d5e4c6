/* SPDX-License-Identifier: MIT */

/* Points of a series: a line of marks, JSON, or CSV. */
#include <math.h>

#include "engine/base/json.h"
#include "engine/base/sketch.h"
#include "engine/monitor/metric.h"
#include "tui/cli/columns.h"
#include "tui/cli/metrics.h"
#include "tui/cli/record.h"

#define SPARK_MAX     160 /* cells */
#define SPARK_DEFAULT 60

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

static void fill_spark(struct spark *spark, const struct metrics_range *range,
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

static void print_spark(const struct metrics_range *range,
                        const struct metric_point *points, size_t n)
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
                         const struct metrics_range *range,
                         const struct metric_point *points, size_t n)
{
    double min = (double)INFINITY, max = -(double)INFINITY, sum = 0;
    int64_t count = 0;
    cli_print_clean(stdout, metrics_title(cli, row));
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
    printf("; min %s, mean %s, ", metrics_value(cli, row, min),
           metrics_value(cli, row, sum / (double)count));
    printf("max %s, last %s\n", metrics_value(cli, row, max),
           metrics_value(cli, row, points[n - 1].last));
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

bool metrics_print_points(struct cli *cli, struct metric_reader *reader,
                          const struct metric_series *row, struct metrics_range *range,
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
    if (!cli_has(cli, "json") && !cli_has(cli, "csv")) {
        print_people(cli, row, range, points, n);
        return true;
    }
    const char *title = metrics_title(cli, row);
    for (size_t i = 0; i < n; i++) {
        if (cli_has(cli, "json")) {
            print_point_json(&out, title, &points[i]);
        } else {
            print_point_csv(title, &points[i]); /* "value" is the second for `detect` */
        }
    }
    return true;
}
