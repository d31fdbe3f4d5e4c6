/* SPDX-License-Identifier: MIT */
#include "tui/cli/history.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

FILE *history_open(const struct cli *cli, const char **ret_name)
{
    const char *name = cli->args[0];
    if (strcmp(name, "-") == 0) {
        *ret_name = "standard input";
        return stdin;
    }
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        struct err err = ERR_INIT;
        err_sys(&err, "%s", name);
        (void)cli_fail(&err);
        return NULL;
    }
    *ret_name = name;
    return file;
}

void history_close(FILE *file)
{
    if (file != stdin) {
        (void)fclose(file); /* only read */
    }
}

static bool complain(const char *name, const struct csv *csv, const char *field,
                     const char *text, const char *what)
{
    fprintf(stderr, "%s:%ld: %s: ", name, csv->line, field);
    cli_print_clean(stderr, text);
    fprintf(stderr, " %s\n", what);
    return false;
}

bool history_columns(const char *name, const struct csv *csv, const char *const names[],
                     int *ret_columns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool is_optional = names[i][0] == '?';
        const char *wanted = names[i] + (is_optional ? 1 : 0);
        ret_columns[i] = csv_find(csv, wanted);
        if (ret_columns[i] < 0 && !is_optional) {
            fprintf(stderr, "%s:%ld: %s: no column of that name\n", name, csv->line,
                    wanted);
            return false;
        }
    }
    return true;
}

const char *history_cell(const char *name, const struct csv *csv, int column,
                         const char *field)
{
    if (column < 0 || (size_t)column >= csv->n_cells) {
        fprintf(stderr, "%s:%ld: %s: missing, the line has %zu columns\n", name,
                csv->line, field, csv->n_cells);
        return NULL;
    }
    return csv->cells[column];
}

bool history_number(const char *name, const struct csv *csv, const char *field,
                    const char *text, double least, double most, double *ret_number)
{
    double number;
    if (text == NULL) {
        return false; /* said */
    }
    if (!csv_number(text, &number) || isnan(number)) {
        return complain(name, csv, field, text, "is no number");
    }
    if (number < least || number > most) {
        fprintf(stderr, "%s:%ld: %s: %g is not between %g and %g\n", name, csv->line,
                field, number, least, most);
        return false;
    }
    *ret_number = number;
    return true;
}

bool history_list(const char *name, const struct csv *csv, const char *field,
                  const char *text, struct arena *arena, double **ret_values,
                  size_t *ret_n)
{
    if (text == NULL) {
        return false; /* said */
    }
    size_t n = 0, cap = strlen(text) / 2 + 1;
    double *values = arena_array(arena, cap, sizeof(double));
    for (const char *at = text + strspn(text, " "); *at != '\0'; at += strspn(at, " ")) {
        char number[64];
        size_t len = strcspn(at, " ");
        if (n == HISTORY_LIST_MAX) {
            fprintf(stderr, "%s:%ld: %s: more than %d numbers\n", name, csv->line, field,
                    HISTORY_LIST_MAX);
            return false;
        }
        size_t kept = len < sizeof(number) - 1 ? len : sizeof(number) - 1;
        memcpy(number, at, kept);
        number[kept] = '\0';
        if (kept < len || !csv_number(number, &values[n++])) {
            return complain(name, csv, field, number, "is no number");
        }
        at += len;
    }
    *ret_values = values;
    *ret_n = n;
    return true;
}

/* ---- timestamp,value ------------------------------------------------------------------ */

struct rows {
    int64_t *at;
    double *values;
    size_t n, cap;
};

static void rows_free(struct rows *rows)
{
    free(rows->at);
    free(rows->values);
}

static void rows_add(struct rows *rows, int64_t at, double value)
{
    if (rows->n == 2 * HISTORY_POINTS_MAX) { /* only the newest count */
        rows->n = HISTORY_POINTS_MAX;
        memmove(rows->at, rows->at + rows->n, rows->n * sizeof(rows->at[0]));
        memmove(rows->values, rows->values + rows->n, rows->n * sizeof(rows->values[0]));
    }
    if (rows->n == rows->cap) {
        rows->cap = rows->cap == 0 ? 1024 : 2 * rows->cap;
        rows->at = mem_grow(rows->at, rows->cap, sizeof(rows->at[0]));
        rows->values = mem_grow(rows->values, rows->cap, sizeof(rows->values[0]));
    }
    rows->at[rows->n] = at;
    rows->values[rows->n++] = value;
}

static bool add_line(const char *name, const struct csv *csv, const int columns[2],
                     struct rows *rows)
{
    struct wall at;
    double value;
    const char *time = history_cell(name, csv, columns[0], "timestamp");
    const char *number =
        time == NULL ? NULL : history_cell(name, csv, columns[1], "value");
    if (number == NULL) {
        return false;
    }
    if (!csv_time(time, &at)) {
        return complain(name, csv, "timestamp", time,
                        "is no time; expected like 2026-11-22 14:05:00");
    }
    if (!csv_number(number, &value)) {
        return complain(name, csv, "value", number, "is no number");
    }
    if (rows->n > 0 && at.ms < rows->at[rows->n - 1]) {
        return complain(name, csv, "timestamp", time, "is before that of the line above");
    }
    if (rows->n > 0 && at.ms == rows->at[rows->n - 1]) {
        rows->values[rows->n - 1] = value; /* said again: the last word counts */
        return true;
    }
    rows_add(rows, at.ms, value);
    return true;
}

static int compare_steps(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int64_t usual_step(const struct rows *rows)
{
    if (rows->n < 2) {
        return 0;
    }
    size_t n = rows->n - 1;
    AUTO_FREE int64_t *steps = mem_array(n, sizeof(*steps));
    for (size_t i = 0; i < n; i++) {
        steps[i] = rows->at[i + 1] - rows->at[i];
    }
    qsort(steps, n, sizeof(*steps), compare_steps);
    return steps[n / 2];
}

/* Rows onto the grid of steps, from the newest backwards. */
static void lay_out(const struct rows *rows, struct arena *arena, struct history *history)
{
    history->step_ms = usual_step(rows);
    history->values = arena_array(arena, HISTORY_POINTS_MAX + 1, sizeof(double));
    size_t n = 0;
    double *newest = history->values + HISTORY_POINTS_MAX; /* one past */
    for (size_t i = rows->n; i-- > 0 && n < HISTORY_POINTS_MAX;) {
        *(newest - ++n) = rows->values[i];
        int64_t gap = i > 0 ? rows->at[i] - rows->at[i - 1] : history->step_ms;
        int64_t missing = history->step_ms > 0
                              ? (gap + history->step_ms / 2) / history->step_ms - 1
                              : 0;
        for (; missing > 0 && n < HISTORY_POINTS_MAX; missing--) {
            *(newest - ++n) = (double)NAN;
        }
    }
    history->values = newest - n;
    history->n = n;
}

bool history_read(const char *name, FILE *file, struct arena *arena,
                  struct history *ret_history)
{
    struct err err = ERR_INIT;
    struct csv csv;
    struct rows rows = {0};
    int columns[2] = {0, 1};
    bool is_good = true, is_first = true;
    csv_init(&csv, file);
    while (is_good && csv_next(&csv, &err)) {
        struct wall at;
        bool is_heading = is_first && !csv_time(csv.cells[0], &at);
        is_first = false;
        if (!is_heading) {
            is_good = add_line(name, &csv, columns, &rows);
            continue;
        }
        int time = csv_find(&csv, "timestamp"), value = csv_find(&csv, "value");
        columns[0] = time >= 0 ? time : 0;
        columns[1] = value >= 0 ? value : 1;
    }
    csv_fini(&csv);
    if (err.code != ERR_NONE) {
        (void)err_wrap(&err, "%s", name);
        (void)cli_fail(&err);
        is_good = false;
    } else if (is_good) {
        lay_out(&rows, arena, ret_history);
    }
    rows_free(&rows);
    return is_good;
}
