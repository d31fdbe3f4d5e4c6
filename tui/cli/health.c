/* SPDX-License-Identifier: MIT */

/* signalbox health: how it goes, what is wrong, what will be, what to do. */
#include <math.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/text.h"
#include "engine/control/config.h"
#include "engine/monitor/reading.h"
#include "tui/cli/columns.h"
#include "tui/cli/rows.h"
#include "tui/health_read.h"

#define WIDTH       80
#define METRICS_OF  6 /* of a family, in the text */
#define NAME_CELLS  54
#define VALUE_CELLS 12

/* One line of at most 80 cells: "label      text". */
static void line(const char *label, const char *text)
{
    char clean[1024], cut[WIDTH * 4 + 4];
    text_clean_into(clean, sizeof(clean), text);
    printf("%-11s %s\n", label,
           text_ellipsis(cut, sizeof(cut), clean, WIDTH - 12, columns_is_ascii()));
}

static const char *band(struct cli *cli, const struct health_metric *metric)
{
    char low[READING_MAX], high[READING_MAX];
    return isfinite(metric->low) && isfinite(metric->high)
               ? arena_printf(cli->arena, "expected %s to %s",
                              reading_format(metric->name, metric->low, low),
                              reading_format(metric->name, metric->high, high))
               : "";
}

/* "  name labels          value  how it is" */
static void print_metric(struct cli *cli, const struct health_metric *metric)
{
    char clean[1024], cut[NAME_CELLS * 4 + 4], value[READING_MAX];
    bool is_ascii = columns_is_ascii();
    text_clean_into(clean, sizeof(clean),
                    arena_printf(cli->arena, "%s%s%s%s", metric->name,
                                 metric->labels[0] != '\0' ? "{" : "", metric->labels,
                                 metric->labels[0] != '\0' ? "}" : ""));
    text_ellipsis(cut, sizeof(cut), clean, NAME_CELLS, is_ascii);
    printf("  %s%*s %*s", cut, NAME_CELLS - text_cells(cut, strlen(cut)), "", VALUE_CELLS,
           reading_format(metric->name, metric->value, value));
    if (metric->status == HEALTH_METRIC_STALE ||
        metric->status == HEALTH_METRIC_ANOMALOUS) {
        printf("  %s", health_metric_word(metric->status));
    }
    putchar('\n');
    if (metric->status == HEALTH_METRIC_ANOMALOUS && band(cli, metric)[0] != '\0') {
        printf("    %s\n", band(cli, metric));
    }
}

/* What is not as usual first; the rest is counted. */
static void print_family(struct cli *cli, const struct health *health,
                         enum metric_family family)
{
    size_t shown = 0, n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < health->n_metrics; i++) {
            const struct health_metric *metric = &health->metrics[i];
            bool is_odd = metric->status == HEALTH_METRIC_ANOMALOUS;
            if (metric->family != family || is_odd != (pass == 0)) {
                continue;
            }
            if (n++ == 0) {
                printf("\n%s\n", family_name(family));
            }
            if (shown < METRICS_OF) {
                print_metric(cli, metric);
                shown++;
            }
        }
    }
    if (n > shown) {
        printf("  and %zu more: signalbox metrics\n", n - shown);
    }
}

static void print_outlooks(const struct health_outlook *rows, size_t n, const char *label)
{
    for (size_t i = 0; i < n && i < METRICS_OF; i++) {
        line(i == 0 ? label : "", rows[i].text);
        if (rows[i].verdict[0] != '\0') {
            line("", rows[i].verdict);
        }
    }
}

static void print_text(struct cli *cli, const struct health *health)
{
    line("health", health_word(health->status));
    for (size_t i = 0; i < health->n_reasons; i++) {
        line(i == 0 ? "because" : "", health->reasons[i]);
    }
    for (size_t i = 0; i < health->n_advice; i++) {
        line(i == 0 ? "do" : "",
             arena_printf(cli->arena, "%zu. %s", i + 1, health->advice[i].text));
    }
    for (size_t i = 0; i < health->n_incidents; i++) {
        const struct incident_row *row = &health->incidents[i];
        line(i == 0 ? "incidents" : "",
             arena_printf(cli->arena, "%lld %s%s%s: %s", (long long)row->id,
                          severity_word(row->severity),
                          row->inhibited_by[0] != '\0' ? ", quiet by " : "",
                          row->inhibited_by, row->text));
    }
    if (health->n_incidents == 0) {
        line("incidents", "none is open");
    }
    print_outlooks(health->forecasts, health->n_forecasts, "limits");
    print_outlooks(health->predictions, health->n_predictions, "expected");
    if (health->n_metrics == 0) {
        line("metrics", "none yet: an engine writes them while it runs");
    }
    for (int family = 0; family < FAMILY_COUNT; family++) {
        print_family(cli, health, (enum metric_family)family);
    }
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct health health = {0};
    struct metric_reader *metrics = NULL;
    if (file_exists(cli->store) && !cli_open_reader(cli, &err)) {
        return cli_fail(&err);
    }
    AUTO_FREE char *path = metric_store_path(cli->store);
    if (file_exists(path)) {
        metrics = metric_reader_open(path, &err);
        if (metrics == NULL) {
            return cli_fail(&err);
        }
    }
    bool is_read = health_read(cli->store, cli->reader, metrics, cli->arena, wall_now(),
                               &health, &err);
    metric_reader_close(metrics);
    if (!is_read) {
        return cli_fail(&err);
    }
    health.max_running = cli->config->max_running;
    if (cli_has(cli, "json")) {
        AUTO_BUF struct buf out;
        buf_init(&out, CLI_JSON_MAX);
        health_write(&health, &out);
        puts(out.data);
    } else {
        print_text(cli, &health);
    }
    return health_exit_status(health.status);
}

const struct cli_command cli_health = {
    .name = "health",
    .args = "",
    .access = ACCESS_CONFIG,
    .help = "say how it goes: metrics, incidents, forecasts, what to do",
    .more =
        "The exit status is 0 when all is well, 1 when something is degraded, 3 when a "
        "person is needed. With --json one object with everything; its field version "
        "changes when a key changes its meaning. Works without an engine.",
    .run = run,
};
