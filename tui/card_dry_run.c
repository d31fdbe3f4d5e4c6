/* SPDX-License-Identifier: MIT */
#include "tui/card_dry_run.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/learning/dry_run.h"

#define LINES_MAX 12

struct lines {
    struct arena *arena;
    const char *texts[LINES_MAX];
    size_t n;
};

static void add(struct lines *lines, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(struct lines *lines, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (lines->n < LINES_MAX) {
        lines->texts[lines->n++] = arena_str(lines->arena, text);
    }
}

static struct card_list finish(const struct lines *lines)
{
    const char **texts = arena_array(lines->arena, lines->n + 1, sizeof(*texts));
    memcpy(texts, lines->texts, lines->n * sizeof(*texts));
    return (struct card_list){texts, lines->n};
}

struct card_list card_dry_run_of_optimization(struct arena *arena,
                                              const struct optimization_row *row,
                                              const struct run_list *list)
{
    char texts[DRY_RUN_LINES_MAX][DRY_RUN_TEXT];
    struct lines lines = {.arena = arena};
    struct dry_run dry;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const struct dry_run_ask ask = {.kind = row->kind,
                                    .setting = row->setting,
                                    .scope = row->scope,
                                    .from = row->from,
                                    .to = row->to,
                                    .until = row->applied_at,
                                    .processors = processors > 0 ? (double)processors
                                                                 : (double)NAN};
    dry_run(&ask, list->runs, list->n, list->words, &dry);
    size_t n = dry_run_tell(&dry, &ask, texts);
    for (size_t i = 0; i < n; i++) {
        add(&lines, "%s", texts[i]);
    }
    return finish(&lines);
}

/* ---- those that are like it ---------------------------------------------------------------- */

/* "82 % (75 to 87)" of so many, with what the data allow (Jeffreys, 90 %). */
static void tell_share(struct lines *lines, const char *what, size_t n_yes, size_t n)
{
    struct estimate share = stat_share((double)n_yes, (double)n, 0.9);
    add(lines, "%s: %zu of %zu, %.0f%% (%.0f to %.0f)", what, n_yes, n, 100 * share.value,
        100 * share.low, 100 * share.high);
}

struct likes {
    const struct run_list *list;
    uint16_t repo; /* 0: any */
    double *values;
};

static bool is_like(const struct likes *likes, const struct run_features *run)
{
    return likes->repo == 0 || run->repo == likes->repo;
}

static void tell_merges(struct lines *lines, const struct likes *likes, bool is_degraded)
{
    size_t n = 0, n_bad = 0, n_backup = 0, n_backup_bad = 0;
    for (size_t i = 0; i < likes->list->n; i++) {
        const struct run_features *run = likes->list->runs[i];
        double failed = run_measure(run, RUN_MERGE_FAILURES);
        if (!is_like(likes, run) || !isfinite(failed)) {
            continue;
        }
        n++;
        n_bad += failed > 0 ? 1 : 0;
        n_backup += run->is_degraded ? 1 : 0;
        n_backup_bad += run->is_degraded && failed > 0 ? 1 : 0;
    }
    if (n == 0) {
        add(lines, "no merge into this repository is recorded");
        return;
    }
    tell_share(lines, "merges here that failed or broke the base", n_bad, n);
    if (is_degraded && n_backup > 0) {
        tell_share(lines, "of those that a backup validated, as it did this one",
                   n_backup_bad, n_backup);
    }
}

static void tell_plans(struct lines *lines, const struct likes *likes)
{
    char middle[CLOCK_TEXT_MAX], most[CLOCK_TEXT_MAX];
    size_t n = 0, n_done = 0;
    double runs = 0;
    for (size_t i = 0; i < likes->list->n; i++) {
        const struct run_features *run = likes->list->runs[i];
        double done = run_measure(run, RUN_COMPLETED);
        if (is_like(likes, run) && isfinite(done)) {
            likes->values[n++] = run_measure(run, RUN_WORK);
            n_done += done > 0 ? 1 : 0;
            runs += run->agent_runs;
        }
    }
    if (n == 0) {
        add(lines, "no workflow of this repository has ended yet");
        return;
    }
    tell_share(lines, "workflows here that completed without help", n_done, n);
    double p50 = stat_quantile(likes->values, n, 0.5);
    double p90 = stat_sorted_quantile(likes->values, n, 0.9);
    add(lines,
        "at work for %s in the middle, nine of ten within %s; %.1f agent runs each",
        span_format((struct span){llround(p50 * 60) * 1000}, middle),
        span_format((struct span){llround(p90 * 60) * 1000}, most), runs / (double)n);
}

static void tell_budgets(struct lines *lines, const struct likes *likes, int64_t used)
{
    size_t n = 0, n_done = 0;
    for (size_t i = 0; i < likes->list->n; i++) {
        const struct run_features *run = likes->list->runs[i];
        bool is_more = run->agent_runs > used && run->state != STATE_CANCELLED;
        n += is_like(likes, run) && is_more ? 1 : 0;
        n_done += is_like(likes, run) && is_more && run->state == STATE_COMPLETED ? 1 : 0;
    }
    if (n == 0) {
        add(lines, "no workflow here has used more than %lld agent runs yet",
            (long long)used);
        return;
    }
    add(lines,
        "workflows here that were given more than %lld agent runs:", (long long)used);
    tell_share(lines, "completed", n_done, n);
}

static void tell_restarts(struct lines *lines, const struct likes *likes)
{
    size_t n = 0, n_passed = 0;
    for (size_t i = 0; i < likes->list->n; i++) {
        const struct run_features *run = likes->list->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            bool is_it = run->steps[k].kind == EFFECT_RESTART;
            n += is_it ? 1 : 0;
            n_passed += is_it && run_step_has_passed(&run->steps[k]) ? 1 : 0;
        }
    }
    if (n > 0) {
        tell_share(lines, "restarts that ended well", n_passed, n);
    } else {
        add(lines, "it cannot be tried on recorded history");
    }
}

struct card_list card_dry_run_of_approval(struct arena *arena,
                                          const struct approval_row *row,
                                          const struct run_list *list)
{
    struct lines lines = {.arena = arena};
    struct err ignored = ERR_INIT;
    struct likes likes = {.list = list,
                          .repo = words_find(list->words, row->repo),
                          .values = arena_array(arena, list->n + 1, sizeof(double))};
    struct json *effect = json_parse(row->effect, strlen(row->effect), &ignored);
    bool is_here = row->repo[0] == '\0' || likes.repo != 0;
    if (!is_here) {
        add(&lines, "no workflow of this repository has ended yet");
    } else if (row->action == ACT_MERGE || row->action == ACT_REVERT) {
        tell_merges(&lines, &likes, json_int(effect, "degraded", 0) != 0);
    } else if (row->action == ACT_PLAN || row->action == ACT_REWORK) {
        tell_plans(&lines, &likes);
    } else if (row->action == ACT_BUDGET) {
        tell_budgets(&lines, &likes, json_int(effect, "granted_runs", 0) + 1);
    } else {
        tell_restarts(&lines, &likes);
    }
    json_free(effect);
    return finish(&lines);
}
