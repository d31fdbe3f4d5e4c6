/* SPDX-License-Identifier: MIT */
/* signalbox metrics over a metrics file that no engine has open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/monitor/series.h"
#include "tests/lib/place.h"
#include "tui/cli/cli.h"

static void save(struct series_set *set, struct metric_store *store)
{
    struct err err = ERR_INIT;
    metric_store_begin(store);
    series_save(set, store, false);
    assert_true(metric_store_commit(store, &err));
    series_saved(set);
}

/* Two hours until now, a point each 10 s. */
static void make_file(const struct place *place)
{
    AUTO_FREE char *path = metric_store_path(place->path);
    struct err err = ERR_INIT;
    char *broken = NULL;
    struct metric_store *store = metric_store_open(path, wall_now(), &broken, &err);
    assert_non_null(store);
    struct series_set *set = series_set_new(100);
    const struct series_label coding = {"state", "CODING"},
                              planning = {"state", "PLANNING"};
    int32_t cpu = series_open(set, METRIC_HOST_CPU, NULL, 0, "host");
    int32_t memory = series_open(set, METRIC_ENGINE_MEMORY, NULL, 0, "engine");
    int32_t states[] = {
        series_open(set, METRIC_WORKFLOW_STATE_TIME, &coding, 1, "state:CODING"),
        series_open(set, METRIC_WORKFLOW_STATE_TIME, &planning, 1, "state:PLANNING")};
    int32_t sent = series_open(set, METRIC_WORKFLOW_SUBMITTED, NULL, 0, "engine");
    struct series_signal signal;
    struct wall now = wall_now();
    for (int i = 0; i < 720; i++) {
        struct wall at = {now.ms - 7200000 + i * 10000};
        (void)series_push(set, cpu, at, 0.25 + (i % 2) * 0.5, &signal);
        (void)series_push(set, memory, at, 3 << 20, &signal);
        (void)series_push(set, states[0], at, 1 + i % 10, &signal);
        (void)series_push(set, sent, at, i * 20, &signal);
        if (i % 60 == 59) {
            save(set, store);
        }
    }
    series_set_free(set);
    metric_store_close(store);
}

/* What the command prints, and its status. */
static char *output(const struct place *place, int expected, const char *const words[])
{
    struct err err = ERR_INIT;
    struct cli cli;
    const char *argv[16] = {"signalbox", "metrics", "--store", place->path};
    int argc = 4;
    for (; *words != NULL; words++) {
        argv[argc++] = *words;
    }
    AUTO_FREE char *path = file_join(place->folder, "out");
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_non_null(freopen(path, "we", stdout));
    cli_init(&cli);
    bool is_parsed = cli_parse(&cli, argc, argv, &err);
    int status = is_parsed ? cli_run(&cli) : -1;
    cli_fini(&cli);
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    if (!is_parsed) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(status, expected);
    char *text = NULL;
    size_t len = 0;
    assert_true(file_read(path, 10 << 20, &text, &len, &err));
    return text;
}
/* It fails so, and prints nothing. */
static void refuses(const struct place *place, int expected, const char *const words[])
{
    AUTO_FREE char *text = output(place, expected, words);
    assert_string_equal(text, "");
}
#define REFUSES(status, ...)                                                             \
    refuses(place, status, (const char *const[]){__VA_ARGS__, NULL})
#define OUTPUT(...) output(place, CLI_OK, (const char *const[]){__VA_ARGS__, NULL})

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

static void says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("missing '%s' in: %s", part, text);
    }
}

static void test_list(void **state)
{
    struct place *place = *state;
    make_file(place);
    AUTO_FREE char *all = OUTPUT("--plain");
    assert_int_equal(count_lines(all), 5);
    says(all, "engine_memory_bytes\tgauge\t3 MiB\t");
    says(all, "workflow_submitted_total\tcounter\t2/s\t");
    says(all, "workflow_time_in_state_seconds{state=\"PLANNING\"}\tsummary\t\t\t");
    AUTO_FREE char *some = OUTPUT("--plain", "workflow", "CODING");
    assert_int_equal(count_lines(some), 1);
    AUTO_FREE char *none = OUTPUT("nothing");
    says(none, "no series with these words");
    AUTO_FREE char *json = OUTPUT("--json", "CODING");
    says(json,
         "\"labels\":{\"state\":\"CODING\"},\"component\":\"state:CODING\",\"family\":"
         "\"workflow_performance\",\"kind\":\"summary\",\"unit\":\"seconds\"");
    AUTO_FREE char *family = OUTPUT("--plain", "resource_usage");
    assert_int_equal(count_lines(family), 2);
}

static void test_points(void **state)
{
    struct place *place = *state;
    make_file(place);
    AUTO_FREE char *people = OUTPUT("host_cpu_used_ratio");
    says(people, "min 25%");
    says(people, "max 75%");
    AUTO_FREE char *csv =
        OUTPUT("host_cpu_used_ratio", "--since", "3h", "--step", "raw", "--csv");
    assert_int_equal(count_lines(csv), 721);
    says(csv, "timestamp,series,value,n,min,max,last,p50,p95,p99\n");
    AUTO_FREE char *hours =
        OUTPUT("host_cpu_used_ratio", "--since", "3h", "--step", "hour", "--csv");
    assert_true(count_lines(hours) == 3 || count_lines(hours) == 4);
    AUTO_FREE char *json = OUTPUT("workflow_time_in_state_seconds{state=\"CODING\"}",
                                  "--since", "3h", "--json");
    assert_true(count_lines(json) >= 119 && count_lines(json) <= 121);
    says(json,
         "\"series\":\"workflow_time_in_state_seconds{state=\\\"CODING\\\"}\",\"at\":");
    says(json, "\"p95\":");
    /* both states, by the name alone */
    AUTO_FREE char *both = OUTPUT("workflow_time_in_state_seconds");
    says(both, "{state=\"PLANNING\"}\n  no points");
    REFUSES(CLI_FAILURE, "a{b=c}");
    REFUSES(CLI_USAGE, "x", "--step", "year");
    REFUSES(CLI_USAGE, "x", "--since", "-5");
}

static void test_none(void **state)
{
    struct place *place = *state;
    REFUSES(CLI_FAILURE, "--plain");
    AUTO_FREE char *table = OUTPUT("--table", "--plain");
    assert_int_equal(count_lines(table), METRIC_COUNT - 1);
}

int main(void)
{
    (void)setenv("HOME", "/nonexistent", 1);
    (void)unsetenv("XDG_CONFIG_HOME");
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_list),
        PLACE_TEST(test_points),
        PLACE_TEST(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
