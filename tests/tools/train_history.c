/* SPDX-License-Identifier: MIT */

/* Histories of runs: files, order of events, scores. */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/csv.h"
#include "engine/base/mem.h"
#include "tests/tools/train_failure.h"

bool history_is_hidden(const char *column)
{
    static const char *const hidden[] = {
        "id", "started_at", "finished_at", "failed", "status", "duration_s",
    };
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        if (strcmp(column, hidden[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *cell(const struct csv *csv, int column)
{
    return column >= 0 && (size_t)column < csv->n_cells ? csv->cells[column] : "";
}

static void add_run(struct history *history, const struct csv *csv, const int columns[4])
{
    struct wall at = {0}, end = {0};
    struct past_run *run;
    if ((history->n_runs & (history->n_runs - 1)) == 0) {
        size_t cap = history->n_runs == 0 ? 1 : history->n_runs * 2;
        history->runs = mem_grow(history->runs, cap, sizeof(*history->runs));
    }
    run = &history->runs[history->n_runs++];
    if (!csv_time(cell(csv, columns[0]), &at)) {
        BUG("a run without started_at");
    }
    run->at_ms = at.ms;
    run->end_ms = csv_time(cell(csv, columns[1]), &end) ? end.ms : at.ms;
    run->has_failed = strcmp(cell(csv, columns[2]), "1") == 0;
    if (!csv_number(cell(csv, columns[3]), &run->took)) {
        run->took = (double)NAN;
    }
    run->cells = mem_array(history->n_columns, sizeof(*run->cells));
    for (size_t i = 0; i < history->n_columns; i++) {
        run->cells[i] = mem_str(cell(csv, (int)i));
    }
}

static void load_file(struct history *history, const char *path)
{
    struct err err = ERR_INIT;
    struct csv csv;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        BUG("a file that is gone");
    }
    csv_init(&csv, file);
    if (!csv_next(&csv, &err)) {
        BUG("an empty file");
    }
    for (; history->n_columns < csv.n_cells; history->n_columns++) {
        history->columns[history->n_columns] = mem_str(csv.cells[history->n_columns]);
    }
    const int columns[4] = {
        csv_find(&csv, "started_at"),
        csv_find(&csv, "finished_at"),
        csv_find(&csv, "failed"),
        csv_find(&csv, "duration_s"),
    };
    history->has_end = columns[1] >= 0;
    while (csv_next(&csv, &err)) {
        add_run(history, &csv, columns);
    }
    csv_fini(&csv);
    (void)fclose(file); /* only read */
}

void histories_load(struct histories *histories, const char *folder)
{
    AUTO_FREE char *pattern = mem_printf("%s/*/*.csv", folder);
    glob_t found;
    histories->n = 0;
    if (glob(pattern, 0, NULL, &found) != 0) {
        return;
    }
    for (size_t i = 0; i < found.gl_pathc && i < HISTORIES_MAX; i++) {
        struct history *history = &histories->rows[histories->n++];
        const char *path = found.gl_pathv[i], *name = strrchr(path, '/') + 1;
        const char *set = name - 1;
        while (set > path && set[-1] != '/') {
            set--;
        }
        *history = (struct history){
            .set = mem_strn(set, (size_t)(name - 1 - set)),
            .name = mem_strn(name, strlen(name) - strlen(".csv")),
        };
        load_file(history, path);
    }
    globfree(&found);
}

/* ---- order ---- */

struct replay_step *replay_order(const int64_t *at_ms, const int64_t *end_ms, size_t n)
{
    struct replay_step *steps = mem_array(2 * n + 1, sizeof(*steps));
    AUTO_FREE size_t *waiting = mem_array(n + 1, sizeof(*waiting));
    size_t n_steps = 0, n_waiting = 0;
    for (size_t i = 0; i <= n; i++) {
        for (;;) {
            size_t first = 0;
            for (size_t j = 1; j < n_waiting; j++) {
                int64_t a = end_ms[waiting[j]], b = end_ms[waiting[first]];
                if (a < b || (a == b && waiting[j] < waiting[first])) {
                    first = j;
                }
            }
            if (n_waiting == 0 || (i < n && end_ms[waiting[first]] > at_ms[i])) {
                break;
            }
            steps[n_steps++] = (struct replay_step){waiting[first], true};
            waiting[first] = waiting[--n_waiting];
        }
        if (i < n) {
            steps[n_steps++] = (struct replay_step){i, false};
        }
        if (i < n && end_ms[i] <= at_ms[i]) {
            steps[n_steps++] = (struct replay_step){i, true};
        } else if (i < n) {
            waiting[n_waiting++] = i;
        }
    }
    return steps;
}

/* ---- scores ---- */

struct said {
    double p;
    bool has_failed;
};

static int by_p(const void *a, const void *b)
{
    double x = ((const struct said *)a)->p, y = ((const struct said *)b)->p;
    return (x > y) - (x < y);
}

/* Area under the curve (Mann and Whitney) and average precision of sorted rows. */
static void rank(const struct said *said, size_t n, double failed, struct judgement *ret)
{
    double ranks = 0, hits = 0, precision = 0;
    for (size_t i = 0, end; i < n; i = end) {
        double here = 0;
        for (end = i; end < n && said[end].p <= said[i].p; end++) {
            here += said[end].has_failed;
        }
        ranks += here * (double)(i + end + 1) / 2;
    }
    for (size_t i = n, end; i > 0; i = end) {
        double here = 0;
        for (end = i; end > 0 && said[end - 1].p >= said[i - 1].p; end--) {
            here += said[end - 1].has_failed;
        }
        hits += here;
        precision += here / failed * hits / (double)(n - end);
    }
    ret->auc = (ranks - failed * (failed + 1) / 2) / (failed * ((double)n - failed));
    ret->precision = precision;
}

struct judgement judge(const struct history *history, const double *p)
{
    struct judgement ret = {0};
    size_t warm = (size_t)((double)history->n_runs * 0.3), n = 0, before = 0;
    AUTO_FREE struct said *said = mem_array(history->n_runs, sizeof(*said));
    double brier = 0, base = 0, hit = 0, called = 0, failed = 0, bins[10] = {0};
    for (size_t i = 0; i < history->n_runs; i++) {
        double came = history->runs[i].has_failed;
        double q = fmin(1 - 1e-6, fmax(1e-6, p[i]));
        double counted = ((double)before + 1) / ((double)i + 2);
        if (i >= warm) {
            brier += (q - came) * (q - came);
            base += (counted - came) * (counted - came);
            hit += q >= 0.5 ? came : 0;
            called += q >= 0.5;
            failed += came;
            bins[(int)(q * 10)] += q - came;
            said[n++] = (struct said){q, history->runs[i].has_failed};
        }
        before += history->runs[i].has_failed;
    }
    qsort(said, n, sizeof(*said), by_p);
    rank(said, n, failed, &ret);
    ret.skill = 1 - brier / base;
    ret.f1 = 2 * hit / (called + failed);
    for (int i = 0; i < 10; i++) {
        ret.ece += fabs(bins[i]) / (double)n;
    }
    return ret;
}
