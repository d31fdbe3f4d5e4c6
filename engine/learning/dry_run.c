/* SPDX-License-Identifier: MIT */
#include "engine/learning/dry_run.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/dry_run_private.h"
#include "engine/learning/tuning.h"

#define SEED 0x5eed /* the same records give the same interval */

/* clang-format off */
static const struct {
    enum optimization_kind kind;
    enum run_metric metric;
    replay *replay;
} replays[] = {
    {OPT_DEADLINE,     RUN_WASTED,         replay_limit},
    {OPT_LIMITS,       RUN_WASTED,         replay_limit},
    {OPT_RETRIES,      RUN_WORK,           replay_retry_count},
    {OPT_BACKOFF,      RUN_WORK,           replay_backoff},
    {OPT_ORDER,        RUN_VALIDATION,     replay_order},
    {OPT_PARALLEL,     RUN_VALIDATION,     replay_parallel},
    {OPT_CONCURRENCY,  RUN_QUEUE,          replay_slots},
    {OPT_BULKHEAD,     RUN_LINE,           replay_places},
    {OPT_POLL,         RUN_WORK,           replay_poll},
    {OPT_BREAKER,      RUN_WASTED,         replay_breaker},
    {OPT_AGENT,        RUN_WORK,           replay_agent},
    {OPT_EVALUATOR,    RUN_WORK,           replay_evaluator},
    {OPT_QUARANTINE,   RUN_WORK,           replay_no_verdict},
    {OPT_MERGE_WINDOW, RUN_MERGE_FAILURES, replay_merge_window},
    {OPT_SCALE,        RUN_QUEUE,          replay_nothing},
};
/* clang-format on */

bool dry_run_refuse(struct replaying *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(r->out->why, sizeof(r->out->why), format, args);
    va_end(args);
    return false;
}

void dry_run_note(struct replaying *r, const char *format, ...)
{
    va_list args;
    if (r->out->n_notes == DRY_RUN_NOTES) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(r->out->notes[r->out->n_notes++], DRY_RUN_TEXT, format, args);
    va_end(args);
}

uint16_t dry_run_check(const struct replaying *r)
{
    char name[TUNING_NAME_MAX];
    return words_find(r->search->input->words, tuning_name(r->ask->setting, name));
}

bool replay_nothing(struct replaying *r)
{
    return dry_run_refuse(r, "what a command of yours would have done is not recorded");
}

/* ---- which runs ---------------------------------------------------------------------------- */

static uint16_t name_of(const struct words *words, const char *scope)
{
    const char *colon = strchr(scope, ':');
    return colon != NULL ? words_find(words, colon + 1) : 0;
}

static bool uses(const struct run_features *run, uint16_t service)
{
    for (size_t i = 0; i < run->n_steps; i++) {
        if (run->steps[i].provider == service) {
            return true;
        }
    }
    return false;
}

static bool is_in_scope(const struct dry_run_ask *ask, const struct run_features *run,
                        uint16_t name)
{
    bool is_late = wall_is_set(ask->until) && run->created_at.ms >= ask->until.ms;
    if (is_late || ask->scope[0] == '\0') {
        return !is_late;
    }
    bool is_service = strncmp(ask->scope, "service:", 8) == 0;
    return name != 0 && (is_service ? uses(run, name) : run->pipeline == name);
}

static void take_runs(struct search *search, const struct dry_run_ask *ask,
                      const struct run_features *const *runs, size_t n)
{
    search->name = name_of(search->input->words, ask->scope);
    size_t from = n > OPTIMIZE_RUNS_MAX ? n - OPTIMIZE_RUNS_MAX : 0;
    for (size_t i = from; i < n; i++) {
        if (is_in_scope(ask, runs[i], search->name)) {
            search->delta[search->n_runs] = 0;
            search->runs[search->n_runs++] = runs[i];
        }
    }
}

/* ---- what came out ------------------------------------------------------------------------- */

struct change {
    int64_t workflow;
    double change;
};

static int by_size(const void *left, const void *right)
{
    double a = fabs(((const struct change *)left)->change);
    double b = fabs(((const struct change *)right)->change);
    return a > b ? -1 : a < b;
}

static void count(struct replaying *r)
{
    struct search *search = r->search;
    struct dry_run *out = r->out;
    double sum = 0, n = 0, sign = run_metric_is_more_better(out->metric) ? 1 : -1;
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        double value = run_measure(run, out->metric);
        sum += isfinite(value) ? value : 0;
        n += isfinite(value) ? 1 : 0;
        out->n_better += sign * search->delta[i] > 1e-6 ? 1 : 0;
        out->n_worse += sign * search->delta[i] < -1e-6 ? 1 : 0;
        if (!wall_is_set(out->since) || run->created_at.ms < out->since.ms) {
            out->since = run->created_at;
        }
        out->until.ms =
            run->created_at.ms > out->until.ms ? run->created_at.ms : out->until.ms;
    }
    out->was = n > 0 ? sum / n : (double)NAN;
    out->n_runs = search->n_runs;
    out->change = stat_mean(search->delta, search->n_runs, 1, search->rng);
}

static void pick_cases(struct replaying *r)
{
    const struct search *search = r->search;
    AUTO_FREE struct change *changes = mem_array(search->n_runs + 1, sizeof(*changes));
    for (size_t i = 0; i < search->n_runs; i++) {
        changes[i] = (struct change){search->runs[i]->workflow, search->delta[i]};
    }
    qsort(changes, search->n_runs, sizeof(*changes), by_size);
    for (size_t i = 0; i < search->n_runs && i < DRY_RUN_CASES; i++) {
        if (fabs(changes[i].change) > 1e-6) {
            r->out->cases[r->out->n_cases].workflow = changes[i].workflow;
            r->out->cases[r->out->n_cases++].change = changes[i].change;
        }
    }
}

static double number_of(const char *value)
{
    struct search search = {.n_runs = 0};
    (void)snprintf(search.now.value, sizeof(search.now.value), "%s", value);
    return search_value(&search);
}

void dry_run(const struct dry_run_ask *ask, const struct run_features *const *runs,
             size_t n, const struct words *words, struct dry_run *ret)
{
    struct rng rng;
    AUTO_FREE const struct run_features **some =
        mem_array(n + 1, sizeof(struct run_features *));
    AUTO_FREE double *delta = mem_array(n + 1, sizeof(*delta));
    AUTO_FREE struct search *search = mem_alloc(sizeof(*search));
    const struct optimize_input input = {
        .words = words, .runs = runs, .n_runs = n, .processors = ask->processors};
    struct replaying r = {.ask = ask,
                          .search = search,
                          .out = ret,
                          .from = number_of(ask->from),
                          .to = number_of(ask->to)};
    *ret = (struct dry_run){.was = (double)NAN};
    rng_init(&rng, SEED);
    search->input = &input;
    search->rng = &rng;
    search->runs = some;
    search->delta = delta;
    search->now.most = (double)NAN;
    search->now.least = (double)NAN;
    take_runs(search, ask, runs, n);
    size_t row = 0;
    while (row < ARRAY_LEN(replays) && replays[row].kind != ask->kind) {
        row++;
    }
    if (row == ARRAY_LEN(replays)) {
        (void)dry_run_refuse(&r, "this program does not know such a change");
        return;
    }
    ret->metric = replays[row].metric;
    if (search->n_runs == 0) {
        (void)dry_run_refuse(&r, "no workflow that it touches is recorded");
    } else if (replays[row].replay(&r) && search->n_runs > 1) {
        count(&r);
        pick_cases(&r);
    } else if (ret->why[0] == '\0') {
        (void)dry_run_refuse(&r, "too few of the workflows it touches are recorded");
    }
}

/* ---- words --------------------------------------------------------------------------------- */

static const char *day(struct wall at, char text[CLOCK_TEXT_MAX])
{
    const int date = 10; /* "2026-11-03" of the whole moment */
    (void)wall_format(at, false, text);
    text[date] = '\0';
    return text;
}

#define PLAIN_MAX 120

/* "wasted" of "wasted_minutes": the unit stands behind the number. */
static const char *plain_metric(enum run_metric metric, char text[PLAIN_MAX])
{
    (void)snprintf(text, PLAIN_MAX, "%s", run_metric_word(metric));
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '_' ? ' ' : *at;
    }
    char *end = strstr(text, " minutes");
    if (end != NULL) {
        *end = '\0';
    }
    return text;
}

/* A list without brackets and quotes. */
static const char *plain(const char *value, char text[PLAIN_MAX])
{
    size_t n = 0;
    for (const char *at = value; *at != '\0' && n < PLAIN_MAX - 2; at++) {
        if (strchr("[]\"", *at) == NULL || value[0] != '[') {
            text[n++] = *at;
            if (*at == ',' && at[1] != ' ') {
                text[n++] = ' ';
            }
        }
    }
    text[n] = '\0';
    return value[0] != '\0' ? text : "none";
}

static void tell_cases(const struct dry_run *dry, double by, const char *unit,
                       char line[DRY_RUN_TEXT])
{
    size_t len = (size_t)snprintf(line, DRY_RUN_TEXT, "most: ");
    for (size_t i = 0; i < dry->n_cases && len < DRY_RUN_TEXT - 1; i++) {
        int n = snprintf(line + len, DRY_RUN_TEXT - len, "%swf-%lld %+.1f%s",
                         i > 0 ? ", " : "", (long long)dry->cases[i].workflow,
                         without_minus(dry->cases[i].change * by), unit);
        len += n > 0 ? (size_t)n : 0;
    }
}

size_t dry_run_tell(const struct dry_run *dry, const struct dry_run_ask *ask,
                    char lines[DRY_RUN_LINES_MAX][DRY_RUN_TEXT])
{
    char since[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];
    char from[PLAIN_MAX], to[PLAIN_MAX], metric[PLAIN_MAX];
    size_t n = 0;
    bool is_share = strcmp(run_metric_unit(dry->metric), "share") == 0;
    const char *unit = "%";
    double by = is_share ? 100 : minutes_scale(dry->change.value, &unit);
    if (dry->why[0] != '\0') {
        (void)snprintf(lines[0], DRY_RUN_TEXT, "it cannot be replayed: %.150s", dry->why);
        return 1;
    }
    (void)snprintf(lines[n++], DRY_RUN_TEXT, "%.50s: %.60s in place of %.60s",
                   ask->setting, plain(ask->to, to), plain(ask->from, from));
    (void)snprintf(lines[n++], DRY_RUN_TEXT, "%zu recorded workflows, submitted %s to %s",
                   dry->n_runs, day(dry->since, since), day(dry->until, until));
    (void)snprintf(lines[n++], DRY_RUN_TEXT,
                   "%s of each: %.1f%s would have been %.1f%s; %+.2f (%+.2f to %+.2f)",
                   plain_metric(dry->metric, metric), dry->was * by, unit,
                   (dry->was + dry->change.value) * by, unit, dry->change.value * by,
                   dry->change.low * by, dry->change.high * by);
    (void)snprintf(lines[n++], DRY_RUN_TEXT,
                   "better for %zu, worse for %zu, the same for %zu", dry->n_better,
                   dry->n_worse, dry->n_runs - dry->n_better - dry->n_worse);
    for (size_t i = 0; i < dry->n_notes; i++) {
        (void)snprintf(lines[n++], DRY_RUN_TEXT, "%s", dry->notes[i]);
    }
    if (dry->n_cases > 0) {
        tell_cases(dry, by, unit, lines[n++]);
    }
    return n;
}
