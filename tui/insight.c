/* SPDX-License-Identifier: MIT */
#include "tui/insight.h"

#include <math.h>
#include <string.h>

#include "engine/base/text.h"

static const struct {
    const char *word, *help;
} successes[SUCCESS_OF_COUNT] = {
    [SUCCESS_COMPLETED] = {"completed", "completed without a person"       },
    [SUCCESS_FIRST] = {"first",     "completed in the first iteration" },
    [SUCCESS_MERGE] = {"merge",     "the base was good after the merge"},
};

const char *insight_success_word(enum success_of of)
{
    return (size_t)of < ARRAY_LEN(successes) ? successes[of].word : "?";
}

const char *insight_success(enum success_of of)
{
    return (size_t)of < ARRAY_LEN(successes) ? successes[of].help : "?";
}

static const char *clean(struct arena *arena, const char *text)
{
    char line[400];
    return arena_str(arena, text_clean_into(line, sizeof(line), text));
}

static const char *what_of(struct arena *arena, const struct words *words,
                           const struct bottleneck *row)
{
    const char *name = words_name(words, row->name);
    switch (row->kind) {
    case BOTTLENECK_SLOT:
        return "waiting for a slot";
    case BOTTLENECK_HUMAN:
        return "waiting for a person";
    case BOTTLENECK_SERVICE:
        return "waiting for a service";
    case BOTTLENECK_RETRY:
        return "pauses before retries";
    case BOTTLENECK_ENGINE:
        return "between steps";
    case BOTTLENECK_LINE:
        return clean(arena, arena_printf(arena, "in line at %s",
                                         name[0] != '\0' ? name : "a service"));
    case BOTTLENECK_STEP:
    case BOTTLENECK_KIND_COUNT:
        break;
    }
    return clean(arena, arena_printf(arena, "step %s", name[0] != '\0' ? name : "?"));
}

static void add_bottlenecks(struct arena *arena, const struct run_list *list,
                            const struct run_features *const *runs,
                            struct insight *insight)
{
    struct bottleneck rows[INSIGHT_BOTTLENECKS];
    size_t n = bottlenecks(runs, insight->n_runs, 0, (struct wall){0}, rows,
                           INSIGHT_BOTTLENECKS);
    struct insight_bottleneck *out = arena_array(arena, n + 1, sizeof(*out));
    for (size_t i = 0; i < n; i++) {
        out[i] =
            (struct insight_bottleneck){rows[i], what_of(arena, list->words, &rows[i])};
    }
    insight->bottlenecks = out;
    insight->n_bottlenecks = n;
}

static void add_patterns(struct arena *arena, const struct run_list *list,
                         const struct run_features *const *runs, struct insight *insight)
{
    struct success_row rows[INSIGHT_PATTERNS];
    char text[SUCCESS_TEXT_MAX];
    struct insight_pattern *out =
        arena_array(arena, (size_t)SUCCESS_OF_COUNT * INSIGHT_PATTERNS, sizeof(*out));
    for (int of = 0; of < SUCCESS_OF_COUNT; of++) {
        size_t n = success_find(runs, insight->n_runs, (enum success_of)of, rows,
                                INSIGHT_PATTERNS);
        for (size_t i = 0; i < n; i++) {
            out[insight->n_patterns++] = (struct insight_pattern){
                rows[i], (enum success_of)of,
                clean(arena, success_what(list->words, &rows[i], text))};
        }
    }
    insight->patterns = out;
}

static void count(const struct run_features *const *runs, struct insight *insight)
{
    double lead = 0;
    int64_t last = 0;
    for (size_t i = 0; i < insight->n_runs; i++) {
        const struct run_features *run = runs[i];
        lead += run_measure(run, RUN_MINUTES);
        last = run->finished_at.ms > last ? run->finished_at.ms : last;
        if (!wall_is_set(insight->since) || run->created_at.ms < insight->since.ms) {
            insight->since = run->created_at;
        }
    }
    double minutes = (double)(last - insight->since.ms) / 60000;
    if (insight->n_runs > 0) {
        insight->lead = lead / (double)insight->n_runs;
        insight->at_once = minutes > 0 ? lead / minutes : (double)NAN;
    }
}

static bool has(const char *name, const char *text)
{
    return text == NULL || strcasestr(name, text) != NULL;
}

static bool is_wanted(const struct run_list *list, const struct run_features *run,
                      const struct insight_filter *filter)
{
    const char *repo = words_name(list->words, run->repo);
    const char *pipeline = words_name(list->words, run->pipeline);
    return run->created_at.ms >= filter->since.ms && has(repo, filter->repo) &&
           has(pipeline, filter->pipeline) &&
           (has(repo, filter->text) || has(pipeline, filter->text));
}

void insight_make(struct arena *arena, const struct run_list *list,
                  const struct insight_filter *filter, struct insight *ret_insight)
{
    const struct run_features **runs =
        arena_array(arena, list->n + 1, sizeof(struct run_features *));
    *ret_insight = (struct insight){
        .n_all = list->n_all, .lead = (double)NAN, .at_once = (double)NAN};
    for (size_t i = 0; i < list->n; i++) {
        if (is_wanted(list, list->runs[i], filter)) {
            runs[ret_insight->n_runs++] = list->runs[i];
        }
    }
    count(runs, ret_insight);
    add_bottlenecks(arena, list, runs, ret_insight);
    add_patterns(arena, list, runs, ret_insight);
}

struct insight insight_copy(struct arena *arena, const struct insight *insight)
{
    struct insight copy = *insight;
    struct insight_bottleneck *rows =
        arena_array(arena, copy.n_bottlenecks + 1, sizeof(*rows));
    struct insight_pattern *patterns =
        arena_array(arena, copy.n_patterns + 1, sizeof(*patterns));
    for (size_t i = 0; i < copy.n_bottlenecks; i++) {
        rows[i] = insight->bottlenecks[i];
        rows[i].what = arena_str(arena, rows[i].what);
    }
    for (size_t i = 0; i < copy.n_patterns; i++) {
        patterns[i] = insight->patterns[i];
        patterns[i].what = arena_str(arena, patterns[i].what);
    }
    copy.bottlenecks = rows;
    copy.patterns = patterns;
    return copy;
}
