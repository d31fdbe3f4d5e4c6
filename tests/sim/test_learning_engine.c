/* SPDX-License-Identifier: MIT */

/*
 * The learning engine on what the real engine stores: a fleet lives through the faults of a drill
 * (engine/drill: real control center, machine, recovery and store; played steps), and its rows are
 * learned from. What the features say must add up with what the store says.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/drill/drill.h"
#include "engine/learning/bottleneck.h"
#include "engine/learning/learning.h"
#include "engine/learning/tuning.h"
#include "store/store.h"

#define WORKFLOWS 500
#define MADE_MAX  40

struct history {
    struct reader *reader;
    struct arena *arena;
    struct learning *learning;
    const struct workflow_row **rows; /* in the order in which they ended */
    size_t n, n_learned;
    char *folder;
    struct pipeline *pipeline; /* of the newest workflow; all have the same text */
};

/* A quarter of the runs of the unit tests fails for nothing; a few changes do not build. */
static const char flaky[] =
    "name: flaky\n"
    "fleet: {arrivals: 60s}\n"
    "pipelines:\n"
    "  - text: |\n"
    "      name: web\n"
    "      repository: /srv/git/web\n"
    "      base: main\n"
    "      agent: {command: agent}\n"
    "      validate:\n"
    "        - {name: build, command: make}\n"
    "        - {name: unit tests, command: make test}\n"
    "      merge: {mode: auto}\n"
    "faults:\n"
    "  - {name: flake, where: {step: unit tests}, share: 25%, class: flaky,\n"
    "     logs: ['FAILED tests/test_{module}.py::{test} - ConnectionResetError'],\n"
    "     helps: {retry: 80%, checkpoint: 80%, hand_back: 30%, wait: 80%}}\n"
    "  - {name: wrong, where: {step: build}, share: 4%, class: compile,\n"
    "     logs: ['src/a.c:{line}:9: error: expected expression'], helps: {hand_back: "
    "1}}\n";

static int by_end(const void *left, const void *right)
{
    const struct workflow_row *a = *(const struct workflow_row *const *)left;
    const struct workflow_row *b = *(const struct workflow_row *const *)right;
    if (a->finished_at.ms != b->finished_at.ms) {
        return a->finished_at.ms < b->finished_at.ms ? -1 : 1;
    }
    return a->id < b->id ? -1 : a->id > b->id;
}

static void read_rows(struct history *history)
{
    struct err err = ERR_INIT;
    const struct workflow_row *rows;
    const struct list_query query = {.sort = SORT_ID, .max = 10000};
    assert_true(
        reader_list(history->reader, history->arena, &query, &rows, &history->n, &err));
    history->rows =
        arena_array(history->arena, history->n + 1, sizeof(struct workflow_row *));
    for (size_t i = 0; i < history->n; i++) {
        history->rows[i] = &rows[i];
    }
    qsort(history->rows, history->n, sizeof(struct workflow_row *), by_end);
}

static struct pipeline *read_pipeline(struct history *history, int64_t id)
{
    struct err err = ERR_INIT;
    struct findings findings;
    const char *name, *text;
    size_t len;
    assert_int_equal(
        reader_pipeline(history->reader, history->arena, id, &name, &text, &len, &err),
        FOUND);
    findings_init(&findings);
    struct pipeline *pipeline = pipeline_parse(name, text, len, &findings);
    assert_non_null(pipeline);
    findings_fini(&findings);
    return pipeline;
}

static void learn(struct history *history, const struct workflow_row *row)
{
    struct err err = ERR_INIT;
    struct feature_source source = {.workflow = row, .diff_lines = (double)NAN};
    const struct recovery_query query = {.workflow = row->id, .max = 1000};
    pipeline_free(history->pipeline);
    history->pipeline = read_pipeline(history, row->pipeline_id);
    source.pipeline = history->pipeline;
    assert_true(reader_events(history->reader, history->arena, row->id, 0, 10000,
                              &source.events, &source.n_events, &err));
    assert_true(reader_effects(history->reader, history->arena, row->id, &source.effects,
                               &source.n_effects, &err));
    const struct failure_row *failures;
    assert_true(reader_failures(history->reader, history->arena, &query, &failures,
                                &source.n_failures, &err));
    source.failures = failures;
    history->n_learned += learning_add(history->learning, &source) ? 1 : 0;
}

static bool lookup(void *user, const char *setting, const char *scope,
                   struct setting_now *now)
{
    const struct history *history = user;
    struct buf value;
    buf_init(&value, TUNING_VALUE_MAX);
    bool is_known = strncmp(scope, "pipeline:", 9) == 0 &&
                    tuning_of_pipeline(history->pipeline, setting, &value);
    (void)snprintf(now->value, sizeof(now->value), "%.300s", is_known ? value.data : "");
    buf_fini(&value);
    return is_known;
}

static struct drill_profile *read_profile(const char *text)
{
    struct findings findings;
    findings_init(&findings);
    struct drill_profile *profile =
        drill_profile_parse("profile", text, strlen(text), &findings);
    findings_fini(&findings);
    assert_non_null(profile);
    return profile;
}

static void history_open(struct history *history, const char *profile_text)
{
    const char *base = getenv("TMPDIR");
    struct err err = ERR_INIT;
    struct drill_report report;
    struct drill_profile *profile = read_profile(profile_text);
    *history = (struct history){.arena = arena_new(), .learning = learning_new(1)};
    history->folder = mem_printf("%s/signalbox-test-learning.%ld",
                                 base != NULL ? base : "/tmp", (long)getpid());
    const struct drill_options options = {.profile = profile,
                                          .n_workflows = WORKFLOWS,
                                          .seed = 1,
                                          .folder = history->folder,
                                          .is_kept = true};
    drill_run(&options, &report);
    assert_string_equal(report.failure, "");
    drill_profile_free(profile);
    AUTO_FREE char *store = mem_printf("%s/drill.db", history->folder);
    history->reader = reader_open(store, &err);
    assert_non_null(history->reader);
    read_rows(history);
    for (size_t i = 0; i < history->n; i++) {
        learn(history, history->rows[i]);
    }
}

static void history_close(struct history *history)
{
    struct err err = ERR_INIT;
    pipeline_free(history->pipeline);
    reader_close(history->reader);
    arena_free(history->arena);
    learning_free(history->learning);
    assert_true(file_remove_tree(history->folder, &err));
    free(history->folder);
}

/* Each part of a run lies within the run, and the parts add up. */
static void check_run(const struct run_features *run)
{
    double lead = run_measure(run, RUN_MINUTES) * 60, sum = 0;
    for (size_t i = 0; i < STATE_COUNT; i++) {
        assert_true(run->state_s[i] >= 0);
        sum += (double)run->state_s[i];
    }
    assert_true(fabs(sum - lead) < 1 + 0.01 * lead); /* all time was in some state */
    double work = run_measure(run, RUN_WORK) * 60;
    assert_true(work >= 0 && work <= lead + 0.1);
    assert_true(run_measure(run, RUN_WASTED) * 60 <= lead + 1);
    for (size_t i = 0; i < run->n_visits; i++) {
        const struct run_visit *visit = &run->visits[i];
        assert_true(visit->active >= 0 && (double)(visit->at + visit->active) < lead + 1);
    }
    for (size_t i = 0; i < run->n_steps; i++) {
        const struct run_step *step = &run->steps[i];
        assert_true(step->name != 0 && step->at >= 0);
        assert_true(!isfinite(step->wait) || step->wait >= 0);
        assert_true(!isfinite(step->run) || step->run >= 0);
    }
}

static void what_it_says_adds_up(void **state)
{
    (void)state;
    struct history history;
    struct bottleneck rows[BOTTLENECKS_MAX];
    history_open(&history, flaky);
    struct learning_runs runs = learning_runs(history.learning);
    assert_int_equal(history.n, WORKFLOWS);
    assert_true(history.n_learned > WORKFLOWS * 95 / 100);
    assert_int_equal(runs.n, history.n_learned);
    double share = 0;
    for (size_t i = 0; i < runs.n; i++) {
        check_run(runs.runs[i]);
    }
    size_t n = bottlenecks(runs.runs, runs.n, 0, (struct wall){0}, rows, BOTTLENECKS_MAX);
    for (size_t i = 0; i < n; i++) {
        char text[BOTTLENECK_TEXT_MAX];
        print_message("# %s\n", bottleneck_text(runs.words, &rows[i], text));
        share += rows[i].share;
    }
    assert_true(share > 0.97 && share < 1.03);
    history_close(&history);
}

/* That is seen in what the engine stored. */
static void a_flaky_check_is_seen(void **state)
{
    (void)state;
    struct history history;
    struct learning_world world = {
        .lookup = lookup, .user = &history, .processors = (double)NAN};
    AUTO_FREE struct proposal *made = mem_array(MADE_MAX, sizeof(*made));
    size_t n = 0;
    history_open(&history, flaky);
    struct wall now = history.rows[history.n - 1]->finished_at;
    for (int kind = 0; kind < OPTIMIZATION_KIND_COUNT; kind++) {
        n += learning_propose(history.learning, &world, now, made + n, MADE_MAX - n);
    }
    bool is_seen = false;
    for (size_t i = 0; i < n; i++) {
        print_message("# %s -> %s: %s\n", made[i].title, made[i].to, made[i].reason);
        is_seen =
            is_seen || (made[i].kind == OPT_QUARANTINE &&
                        strcmp(made[i].setting, "checks/unit tests.quarantine") == 0);
    }
    assert_true(is_seen);
    history_close(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says_adds_up),
        cmocka_unit_test(a_flaky_check_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
