/* SPDX-License-Identifier: MIT */
#include "tui/cli/insight.h"

#include <inttypes.h>
#include <math.h>

#include "engine/base/clock.h"

bool insight_read_runs(struct cli *cli, struct runs **ret_runs, struct run_list *ret_list,
                       struct err *err)
{
    int64_t max;
    bool is_done = false;
    if (!cli_number(cli, "runs", 1, RUNS_MAX, RUNS_MAX, &max, err)) {
        return false;
    }
    struct runs *runs = runs_new((size_t)max);
    while (!is_done) {
        if (!runs_read(runs, cli->reader, RUNS_MAX, &is_done, err)) {
            runs_free(runs);
            return false;
        }
    }
    *ret_runs = runs;
    *ret_list = runs_list(runs);
    return true;
}

static bool read_filter(const struct cli *cli, struct insight_filter *ret_filter,
                        struct err *err)
{
    const char *length = cli_value(cli, "since");
    struct span ago;
    *ret_filter = (struct insight_filter){.repo = cli_value(cli, "repo"),
                                          .pipeline = cli_value(cli, "pipeline")};
    if (length != NULL) {
        if (!span_parse(length, &ago) || ago.ms == 0) {
            return err_set(err, ERR_USAGE,
                           "--since: '%.40s' is no length; expected one like 2h or 7d",
                           length);
        }
        ret_filter->since.ms = wall_now().ms - ago.ms;
    }
    return true;
}

bool insight_read(struct cli *cli, struct insight *ret_insight, struct err *err)
{
    struct runs *runs;
    struct run_list list;
    struct insight_filter filter;
    if (!read_filter(cli, &filter, err) || !insight_read_runs(cli, &runs, &list, err)) {
        return false;
    }
    insight_make(cli->arena, &list, &filter, ret_insight);
    runs_free(runs);
    return true;
}

void insight_print_head(const struct insight *insight)
{
    char since[CLOCK_TEXT_MAX], lead[CLOCK_TEXT_MAX];
    if (insight->n_runs == 0) {
        puts("no workflow has ended yet that could be looked at");
        return;
    }
    printf("%zu workflow%s submitted since %s: %s from submitted to ended in the mean",
           insight->n_runs, insight->n_runs == 1 ? "" : "s",
           wall_format(insight->since, false, since),
           span_format((struct span){llround(insight->lead * 60) * 1000}, lead));
    if (isfinite(insight->at_once)) {
        printf(", %.1f under way at once", insight->at_once);
    }
    putchar('\n');
}
