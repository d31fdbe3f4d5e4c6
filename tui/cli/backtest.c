/* SPDX-License-Identifier: MIT */

/*
 * signalbox backtest: what forecasts and predictions would have been worth on a history.
 *
 * The history is cut at origins of its last part; at each the very code of the engine forecasts
 * from what was known then, and what came later judges it. Every model is asked alone, then all
 * combined. A history of runs (JSON lines as 'signalbox predict --stream' reads them) goes through
 * the failure model line by line, which has to say each outcome before it is shown.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/base/json.h"
#include "engine/predict/failure_stream.h"
#include "engine/predict/forecast.h"
#include "tui/cli/history.h"
#include "tui/cli/rows.h"

#define ORIGINS_MAX 24

/* A model on trial. */
struct trial {
    size_t n; /* outcomes */
    double error,
        naive; /* sums: of the model, of the seasonal naive at the same outcomes */
    size_t in80, in95;
};

struct plan {
    const struct history *history;
    int season, horizon;
    size_t origins[ORIGINS_MAX]; /* values known at each, growing */
    size_t n_origins;
    double size; /* mean change over a season; 0 = it never changes */
};

static const char *span_word(int64_t step_ms, char text[CLOCK_TEXT_MAX])
{
    return span_format((struct span){step_ms}, text);
}

static double change_of(const struct history *history, int season)
{
    double sum = 0;
    size_t n = 0;
    for (size_t t = (size_t)season; t < history->n; t++) {
        double change = fabs(history->values[t] - history->values[t - (size_t)season]);
        if (!isnan(change)) {
            sum += change;
            n++;
        }
    }
    return n > 0 ? sum / (double)n : 0;
}

/* Origins over the last half, a season apart where there is room. */
static void choose_origins(struct plan *plan)
{
    size_t n = plan->history->n, horizon = (size_t)plan->horizon;
    size_t first = n / 2 > FORECAST_POINTS_MIN ? n / 2 : FORECAST_POINTS_MIN;
    if (n < first + horizon) {
        return;
    }
    size_t room = n - horizon - first, step = (size_t)plan->season;
    step = step < (horizon + 1) / 2 ? (horizon + 1) / 2 : step;
    step = room / step >= ORIGINS_MAX ? room / (ORIGINS_MAX - 1) : step;
    size_t count = room / step + 1;
    for (size_t i = 0; i < count && i < ORIGINS_MAX; i++) {
        plan->origins[plan->n_origins++] = n - horizon - (count - 1 - i) * step;
    }
}

/* What a season ago was, as known at the origin; NAN = unknown. */
static double naive_of(const struct plan *plan, size_t origin, size_t h)
{
    size_t season = (size_t)plan->season;
    if (season > origin) {
        return plan->history->values[origin - 1];
    }
    return plan->history->values[origin - season + h % season];
}

static void judge(const struct plan *plan, size_t origin,
                  const struct forecast_step *steps, struct trial *trial)
{
    for (size_t h = 0; h < (size_t)plan->horizon; h++) {
        double outcome = plan->history->values[origin + h];
        double naive = naive_of(plan, origin, h);
        if (isnan(outcome) || isnan(naive)) {
            continue;
        }
        const struct forecast_step *step = &steps[h];
        trial->n++;
        trial->error += fabs(outcome - step->value);
        trial->naive += fabs(outcome - naive);
        trial->in80 += outcome >= step->lo80 && outcome <= step->hi80 ? 1 : 0;
        trial->in95 += outcome >= step->lo95 && outcome <= step->hi95 ? 1 : 0;
    }
}

static void try_models(const struct plan *plan, struct trial *trials)
{
    struct arena *arena = arena_new();
    for (size_t o = 0; o < plan->n_origins; o++) {
        for (unsigned model = 0; model < FORECAST_MODEL_COUNT; model++) {
            arena_reset(arena);
            struct forecast_step *steps =
                arena_array(arena, (size_t)plan->horizon, sizeof(*steps));
            struct forecast_report report;
            struct forecast_task task = {
                .values = plan->history->values,
                .n = plan->origins[o],
                .season = plan->season,
                .horizon = plan->horizon,
                .models = model == FORECAST_COMBINED ? 0 : 1u << model,
            };
            if (forecast_run(&task, arena, steps, &report)) {
                judge(plan, plan->origins[o], steps, &trials[model]);
            }
        }
    }
    arena_free(arena);
}

/* ---- print ---------------------------------------------------------------------------- */

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}

static void print_share(double share, int digits)
{
    if (isnan(share)) {
        putchar(','); /* unknown: empty */
    } else {
        printf(",%.*f", digits, share);
    }
}

static void print_row(bool is_json, const struct plan *plan, enum forecast_model model,
                      const struct trial *trial)
{
    double n = (double)trial->n;
    double mase = plan->size > 0 ? ratio(trial->error / plan->size, n) : (double)NAN;
    double skill = 1 - ratio(trial->error, trial->naive);
    double in80 = ratio((double)trial->in80, n), in95 = ratio((double)trial->in95, n);
    if (!is_json) {
        printf("%s,%zu", forecast_word(model), trial->n);
        print_share(mase, 4);
        print_share(skill, 4);
        print_share(in80, 3);
        print_share(in95, 3);
        putchar('\n');
        return;
    }
    AUTO_BUF struct buf out;
    struct jsonw w;
    buf_init(&out, 4096);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "model", forecast_word(model));
    jsonw_int(&w, "n", (int64_t)trial->n);
    jsonw_num(&w, "mase", mase);
    jsonw_num(&w, "skill", skill);
    jsonw_num(&w, "coverage80", in80);
    jsonw_num(&w, "coverage95", in95);
    jsonw_close(&w, '}');
    puts(out.data);
}

/* For people, on stderr, so that the table stays a table. */
static void say(const struct plan *plan, const struct trial *trials)
{
    char text[CLOCK_TEXT_MAX];
    const struct trial *all = &trials[FORECAST_COMBINED];
    double skill = 1 - ratio(all->error, all->naive);
    fprintf(stderr, "%zu values %s apart, season %d, %zu origins, %d steps ahead: ",
            plan->history->n, span_word(plan->history->step_ms, text), plan->season,
            plan->n_origins, plan->horizon);
    if (isnan(skill)) {
        fputs("the seasonal naive is never wrong, nothing to beat\n", stderr);
    } else if (skill > 0) {
        fprintf(stderr, "%.0f %% less error than the seasonal naive\n", 100 * skill);
    } else {
        fputs("no better than the seasonal naive, not to be relied on\n", stderr);
    }
}

/* ---- a series ------------------------------------------------------------------------- */

static int run_history(struct cli *cli, const char *name, FILE *file)
{
    struct err err = ERR_INIT;
    struct history history;
    int64_t horizon, season;
    if (!cli_number(cli, "horizon", 1, FORECAST_HORIZON_MAX, 0, &horizon, &err) ||
        !cli_number(cli, "season", 1, FORECAST_SEASON_MAX, 0, &season, &err)) {
        return cli_fail(&err);
    }
    if (!history_read(name, file, cli->arena, &history)) {
        return CLI_USAGE;
    }
    struct plan plan = {.history = &history, .season = (int)season};
    if (season == 0) {
        plan.season = forecast_find_season(history.values, history.n, cli->arena);
    }
    int64_t wanted = plan.season > 1 ? 2 * plan.season : 14;
    int64_t most = (int64_t)(history.n / 4);
    plan.horizon = (int)(horizon > 0 ? horizon : wanted < most ? wanted : most);
    plan.size = change_of(&history, plan.season);
    if (plan.horizon >= 1) {
        choose_origins(&plan);
    }
    if (plan.n_origins == 0) {
        fprintf(stderr, "%s: %zu values are too few to try %s on the past\n", name,
                history.n, "forecasts");
        return CLI_USAGE;
    }
    struct trial trials[FORECAST_MODEL_COUNT] = {{0}};
    try_models(&plan, trials);
    bool is_json = cli_has(cli, "json");
    if (!is_json) {
        puts("model,n,mase,skill,coverage80,coverage95");
    }
    for (unsigned model = 0; model < FORECAST_MODEL_COUNT; model++) {
        print_row(is_json, &plan, (enum forecast_model)model, &trials[model]);
    }
    (void)fflush(stdout);
    say(&plan, trials);
    return CLI_OK;
}

/* ---- runs ----------------------------------------------------------------------------- */

static void print_reliability(const struct scorecard *card)
{
    puts("p_from,p_to,n,said,failed");
    for (int i = 0; i < SCORECARD_BINS; i++) {
        const struct scorecard_bin *bin = &card->bins[i];
        double n = (double)bin->n;
        printf("%.1f,%.1f,%lld", (double)i / SCORECARD_BINS,
               (double)(i + 1) / SCORECARD_BINS, (long long)bin->n);
        print_share(ratio(bin->sum_p, n), 4);
        print_share(ratio((double)bin->failed, n), 4);
        putchar('\n');
    }
}

static void print_measures(const struct scorecard *card)
{
    struct scorecard_skill all = scorecard_all(card), recent = scorecard_recent(card);
    const struct {
        const char *name;
        double all, recent;
    } rows[] = {
        {"brier",               all.brier,    recent.brier   },
        {"brier_of_base_rate",  all.base,     recent.base    },
        {"brier_skill",         all.skill,    recent.skill   },
        {"calibration_error",   all.ece,      recent.ece     },
        {"duration_coverage80", all.coverage, recent.coverage},
        {"duration_error",      all.error,    recent.error   },
    };
    puts("measure,all,last_50");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fputs(rows[i].name, stdout);
        print_share(rows[i].all, 4);
        print_share(rows[i].recent, 4);
        putchar('\n');
    }
}

static int run_stream(struct cli *cli, const char *name, FILE *file)
{
    struct err err = ERR_INIT;
    struct failure_stream stream;
    AUTO_BUF struct buf out;
    AUTO_FREE char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    long number = 0;
    bool is_good = true;
    failure_stream_init(&stream);
    buf_init(&out, FAILURE_STREAM_LINE_MAX);
    while (is_good && (len = getline(&line, &cap, file)) >= 0) {
        number++;
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
            len--;
        }
        buf_clear(&out);
        if (len > FAILURE_STREAM_LINE_MAX) {
            is_good = err_set(&err, ERR_TOO_LARGE, "a line of more than %d bytes",
                              FAILURE_STREAM_LINE_MAX);
        } else if (len > 0) {
            is_good = failure_stream_line(&stream, line, (size_t)len, &out, &err);
        }
    }
    if (!is_good) {
        fprintf(stderr, "%s:%ld: ", name, number);
        cli_print_clean(stderr, err.msg);
        fputc('\n', stderr);
    } else if (cli_has(cli, "json")) {
        buf_clear(&out);
        failure_stream_score(&stream, &out);
        fputs(out.data, stdout);
    } else {
        print_reliability(&stream.card);
        print_measures(&stream.card);
        (void)fflush(stdout);
        fprintf(stderr, "%lld runs with an outcome, %lld failed: %s\n",
                (long long)stream.card.n, (long long)stream.card.failed,
                scorecard_verdict(&stream.card));
    }
    failure_stream_fini(&stream);
    return is_good ? CLI_OK : CLI_USAGE;
}

/* ---- command -------------------------------------------------------------------------- */

static int run(struct cli *cli)
{
    const char *name;
    FILE *file = history_open(cli, &name);
    if (file == NULL) {
        return CLI_FAILURE;
    }
    int first = getc(file);
    if (first == EOF && ferror(file) != 0) { /* a folder, say */
        struct err err = ERR_INIT;
        err_sys(&err, "reading %s", name);
        history_close(file);
        return cli_fail(&err);
    }
    if (first != EOF) {
        (void)ungetc(first, file); /* one character always fits */
    }
    int status =
        first == '{' ? run_stream(cli, name, file) : run_history(cli, name, file);
    history_close(file);
    return status;
}

static const struct cli_option options[] = {
    {"horizon", 0, "N", "how many steps ahead; two seasons when not given"},
    {"season",      0, "S", "steps of a season; found when not given"},
    {0        },
};

const struct cli_command cli_backtest = {
    .name = "backtest",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .access = ACCESS_NONE,
    .help = "say what forecasts and predictions would have been worth on a history",
    .more =
        "FILE has the columns timestamp and value; - is standard input. Each model, and "
        "all "
        "of them combined, forecasts from origins of the last half with what was known "
        "there. mase is the mean error, 1 = that of a value a season ago inside the "
        "history; skill is how much less error than that of the seasonal naive; the "
        "coverages are the shares of outcomes inside of the intervals. When the file "
        "begins with "
        "'{' its lines are runs as 'signalbox predict' reads them: each is predicted "
        "before its "
        "outcome is shown, and the table says how often what was said came true.",
    .run = run,
};
