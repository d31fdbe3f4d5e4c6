/* SPDX-License-Identifier: MIT */

/* A file of any bytes as a history: refused, or values of which every forecast is a number, with
 * intervals that contain one another; and as lists of numbers. */
#include <math.h>
#include <stdlib.h>

#include "engine/predict/capacity.h"
#include "engine/predict/forecast.h"
#include "tests/fuzz/fuzz.h"
#include "tui/cli/history.h"

#define HORIZON    5
#define VALUES_MAX 300 /* so that a run stays short */

static FILE *open_bytes(const uint8_t *data, size_t size)
{
    static const uint8_t newline[] = "\n";
    FILE *file = tmpfile();
    MUST(file != NULL);
    MUST(fwrite(size > 0 ? data : newline, size > 0 ? size : 1, 1, file) == 1);
    rewind(file);
    return file;
}

/* What is wrong with a file is of no interest here; what is wrong with the program is: glibc lets the
 * stream be changed, and descriptor 2 stays what it is. */
static FILE *set_stderr(FILE *file)
{
    FILE *before = stderr;
    stderr = file;
    return before;
}

static FILE *nowhere(void)
{
    static FILE *file;
    if (file == NULL) {
        file = fopen("/dev/null", "we");
        MUST(file != NULL);
    }
    return file;
}

static void check_forecast(const double *values, size_t n, struct arena *arena)
{
    struct forecast_step steps[HORIZON];
    struct forecast_report report;
    struct forecast_task task = {.values = values, .n = n, .horizon = HORIZON};
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        most = isfinite(values[i]) ? fmax(most, fabs(values[i])) : most;
    }
    if (most > 1e150 || !forecast_run(&task, arena, steps, &report)) {
        return; /* sums of squares do not hold more */
    }
    for (int h = 0; h < HORIZON; h++) {
        MUST(isfinite(steps[h].value));
        MUST(steps[h].lo95 <= steps[h].lo80 && steps[h].lo80 <= steps[h].value);
        MUST(steps[h].value <= steps[h].hi80 && steps[h].hi80 <= steps[h].hi95);
    }
}

static void check_capacity(const double *values, size_t n, struct arena *arena)
{
    struct capacity_task task = {
        .used = values, .n = n, .limit = 1000, .step = 1, .horizon = 10};
    struct capacity_answer answer = capacity_run(&task, arena);
    if (answer.verdict == CAPACITY_WITHIN) {
        MUST(answer.lo95 <= answer.at && answer.at <= answer.hi95);
        MUST(answer.at > 0 && answer.at <= 10);
    }
}

static void read_lists(const uint8_t *data, size_t size, struct arena *arena)
{
    struct err err = ERR_INIT;
    struct csv csv;
    FILE *file = open_bytes(data, size);
    csv_init(&csv, file);
    while (csv_next(&csv, &err)) {
        double *values = NULL;
        size_t n = 0;
        FILE *usual = set_stderr(nowhere());
        bool is_good = history_list("f", &csv, "values", csv.cells[csv.n_cells - 1],
                                    arena, &values, &n);
        set_stderr(usual);
        if (is_good) {
            MUST(n <= HISTORY_LIST_MAX);
            check_capacity(values, n < VALUES_MAX ? n : VALUES_MAX, arena);
        }
    }
    csv_fini(&csv);
    (void)fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct history history;
    if (size > 16384) {
        return 0;
    }
    struct arena *arena = arena_new();
    FILE *file = open_bytes(data, size);
    FILE *usual = set_stderr(nowhere());
    bool is_good = history_read("f", file, arena, &history);
    set_stderr(usual);
    if (is_good) {
        MUST(history.n <= HISTORY_POINTS_MAX && history.step_ms >= 0);
        size_t n = history.n < VALUES_MAX ? history.n : VALUES_MAX;
        check_forecast(history.values + history.n - n, n, arena);
    }
    (void)fclose(file);
    read_lists(data, size, arena);
    arena_free(arena);
    return 0;
}
