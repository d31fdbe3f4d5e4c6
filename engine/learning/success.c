/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/success.h"

#define VALUES_MAX   24 /* of one factor; the most frequent */
#define MS_PER_HOUR  3600000
#define HOURS_OF_DAY 24
#define QUARTERS     4
#define DAYS_OF_WEEK 7
#define NO_VALUE     WORDS_MAX /* no word has it */

static const char *const factor_words[] = {
#define X(id, word, help) word,
    FACTOR_LIST(X)
#undef X
};

const char *factor_word(enum factor factor)
{
    return (size_t)factor < ARRAY_LEN(factor_words) ? factor_words[factor] : "?";
}

/* ---- the table: a row per run, a column per factor ---------------------------------------- */

struct case_row {
    uint16_t values[FACTOR_COUNT];
    bool has_passed;
};

struct value {
    uint16_t value;
    int64_t n;
};

struct table {
    struct case_row *rows;
    size_t n;
    double n_passed;
    struct value values[FACTOR_COUNT][VALUES_MAX]; /* those with enough runs */
    size_t n_values[FACTOR_COUNT];
};

static bool has_flag(const struct run_features *run, unsigned flag)
{
    for (size_t i = 0; i < run->n_steps; i++) {
        if ((run->steps[i].flags & flag) != 0) {
            return true;
        }
    }
    return false;
}

static bool had_trouble(const struct run_features *run)
{
    for (size_t i = 0; i < run->n_steps; i++) {
        uint8_t class_ = run->steps[i].class_;
        if (class_ == CLASS_INFRA || class_ == CLASS_NETWORK || class_ == CLASS_QUOTA) {
            return true;
        }
    }
    return false;
}

static uint16_t quarter_of(double size, const double cuts[QUARTERS - 1])
{
    uint16_t quarter = 0;
    if (!isfinite(size)) {
        return NO_VALUE;
    }
    while (quarter < QUARTERS - 1 && size > cuts[quarter]) {
        quarter++;
    }
    return quarter;
}

static void read_case(const struct run_features *run, const double cuts[QUARTERS - 1],
                      struct case_row *row)
{
    int64_t hour = run->started_at.ms / MS_PER_HOUR;
    int64_t day = hour / HOURS_OF_DAY % DAYS_OF_WEEK; /* 0 = Thursday, 1970-01-01 */
    row->values[FACTOR_PIPELINE] = run->pipeline;
    row->values[FACTOR_REPO] = run->repo;
    row->values[FACTOR_AGENT] = run->agent != 0 ? run->agent : NO_VALUE;
    row->values[FACTOR_HOUR] =
        (uint16_t)(hour % HOURS_OF_DAY / (HOURS_OF_DAY / QUARTERS));
    row->values[FACTOR_WEEKEND] = day == 2 || day == 3 ? 1 : 0;
    row->values[FACTOR_SIZE] = quarter_of((double)run->diff_lines, cuts);
    row->values[FACTOR_PRIORITY] = run->priority;
    row->values[FACTOR_QUEUED] = run->wait[WAIT_SLOT] > 60 ? 1 : 0;
    row->values[FACTOR_FALLBACK] = has_flag(run, STEP_FALLBACK) ? 1 : 0;
    row->values[FACTOR_TROUBLE] = had_trouble(run) ? 1 : 0;
}

/* 1, 0, or NAN: no verdict. */
static double outcome(const struct run_features *run, enum success_of of)
{
    double done = run_measure(run, RUN_COMPLETED);
    switch (of) {
    case SUCCESS_FIRST:
        return isfinite(done) ? (done > 0 && run->iterations <= 1 ? 1 : 0) : done;
    case SUCCESS_MERGE:
        return 1 - run_measure(run, RUN_MERGE_FAILURES);
    case SUCCESS_COMPLETED:
    case SUCCESS_OF_COUNT:
        break;
    }
    return done;
}

static void cut_sizes(const struct run_features *const *runs, size_t n,
                      double cuts[QUARTERS - 1])
{
    AUTO_FREE double *sizes = mem_array(n + 1, sizeof(*sizes));
    size_t n_sizes = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(runs[i]->diff_lines)) {
            sizes[n_sizes++] = (double)runs[i]->diff_lines;
        }
    }
    cuts[0] = stat_quantile(sizes, n_sizes, 0.25);
    cuts[1] = stat_sorted_quantile(sizes, n_sizes, 0.5);
    cuts[2] = stat_sorted_quantile(sizes, n_sizes, 0.75);
}

static int by_count(const void *left, const void *right)
{
    int64_t a = ((const struct value *)left)->n, b = ((const struct value *)right)->n;
    return a > b ? -1 : a < b;
}

/* Values that enough runs have, and enough have not. */
static void count_values(struct table *table, int factor)
{
    AUTO_FREE struct value *all = mem_array((size_t)NO_VALUE + 1, sizeof(*all));
    for (size_t i = 0; i < table->n; i++) {
        uint16_t value = table->rows[i].values[factor];
        all[value].value = value;
        all[value].n++;
    }
    all[NO_VALUE].n = 0;
    qsort(all, (size_t)NO_VALUE + 1, sizeof(*all), by_count);
    size_t n = 0;
    for (size_t i = 0; i < VALUES_MAX && all[i].n >= SUCCESS_LEAST; i++) {
        if ((int64_t)table->n - all[i].n >= SUCCESS_LEAST) {
            table->values[factor][n++] = all[i];
        }
    }
    table->n_values[factor] = n;
}

static void make_table(struct table *table, const struct run_features *const *runs,
                       size_t n, enum success_of of)
{
    double cuts[QUARTERS - 1];
    cut_sizes(runs, n, cuts);
    for (size_t i = 0; i < n; i++) {
        double passed = outcome(runs[i], of);
        if (isfinite(passed)) {
            struct case_row *row = &table->rows[table->n++];
            read_case(runs[i], cuts, row);
            row->has_passed = passed > 0.5;
            table->n_passed += row->has_passed ? 1 : 0;
        }
    }
    for (int factor = 0; factor < FACTOR_COUNT; factor++) {
        count_values(table, factor);
    }
}

/* ---- the search --------------------------------------------------------------------------- */

struct tried {
    struct success_row *rows;
    double *p;
    size_t n, max;
};

static bool has_it(const struct case_row *row, const struct success_row *what)
{
    for (int i = 0; i < what->n_factors; i++) {
        if (row->values[what->is[i].factor] != what->is[i].value) {
            return false;
        }
    }
    return true;
}

static void test_row(const struct table *table, struct success_row *row, double *ret_p)
{
    long passed = 0;
    row->n = 0;
    for (size_t i = 0; i < table->n; i++) {
        if (has_it(&table->rows[i], row)) {
            row->n++;
            passed += table->rows[i].has_passed ? 1 : 0;
        }
    }
    long out = (long)table->n - (long)row->n;
    long out_passed = (long)table->n_passed - passed;
    row->share = stat_share((double)passed, (double)row->n, 0.9);
    row->others = out > 0 ? (double)out_passed / (double)out : (double)NAN;
    row->lift = row->share.value / (table->n_passed / (double)table->n);
    *ret_p = stat_fisher(passed, (long)row->n - passed, out_passed, out - out_passed);
}

/* Kept for the correction whatever it says, if there are enough runs of it. */
static void try_row(const struct table *table, struct tried *found,
                    const struct success_row *what)
{
    if (found->n == found->max) {
        return;
    }
    struct success_row *row = &found->rows[found->n];
    *row = *what;
    test_row(table, row, &found->p[found->n]);
    if (row->n >= SUCCESS_LEAST && (int64_t)table->n - row->n >= SUCCESS_LEAST) {
        found->n++;
    }
}

static void try_pairs(const struct table *table, struct tried *found, int a, int b)
{
    for (size_t i = 0; i < table->n_values[a]; i++) {
        for (size_t k = 0; k < table->n_values[b]; k++) {
            struct success_row what = {
                .n_factors = 2,
                .is = {{(enum factor)a, table->values[a][i].value},
                       {(enum factor)b, table->values[b][k].value}}
            };
            try_row(table, found, &what);
        }
    }
}

static void try_all(const struct table *table, struct tried *found)
{
    for (int a = 0; a < FACTOR_COUNT; a++) {
        for (size_t i = 0; i < table->n_values[a]; i++) {
            struct success_row what = {
                .n_factors = 1, .is = {{(enum factor)a, table->values[a][i].value}}};
            try_row(table, found, &what);
        }
    }
    for (int a = 0; a < FACTOR_COUNT; a++) {
        for (int b = a + 1; b < FACTOR_COUNT; b++) {
            try_pairs(table, found, a, b);
        }
    }
}

/* A pair says no more than its part when the part's runs are the same, or fare the same. */
static bool says_more(const struct table *table, const struct success_row *pair)
{
    for (int i = 0; i < 2; i++) {
        struct success_row part = {.n_factors = 1, .is = {pair->is[i]}};
        double p;
        test_row(table, &part, &p);
        bool is_apart =
            pair->share.value < part.share.low || pair->share.value > part.share.high;
        bool holds =
            part.share.value < pair->share.low || part.share.value > pair->share.high;
        if (part.n == pair->n || !is_apart || !holds) {
            return false;
        }
    }
    return true;
}

static int by_p(const void *left, const void *right)
{
    const struct success_row *a = left, *b = right;
    if (a->p < b->p || a->p > b->p) {
        return a->p < b->p ? -1 : 1;
    }
    return a->n > b->n ? -1 : a->n < b->n;
}

/* A repository with one pipeline says what the pipeline says: the same runs, told once. */
static bool is_told(const struct success_row *rows, size_t n,
                    const struct success_row *row)
{
    for (size_t i = 0; i < n; i++) {
        double distance = fabs(rows[i].share.value - row->share.value);
        if (rows[i].n == row->n && distance < 1e-12 &&
            rows[i].n_factors <= row->n_factors) {
            return true;
        }
    }
    return false;
}

#define TRIES_MAX 4096

size_t success_find(const struct run_features *const *runs, size_t n, enum success_of of,
                    struct success_row *out, size_t max)
{
    AUTO_FREE struct table *table = mem_alloc(sizeof(*table));
    AUTO_FREE struct case_row *rows = mem_array(n + 1, sizeof(*rows));
    AUTO_FREE struct success_row *tried = mem_array(TRIES_MAX, sizeof(*tried));
    AUTO_FREE double *p = mem_array(TRIES_MAX, sizeof(*p));
    struct tried found = {tried, p, 0, TRIES_MAX};
    size_t n_out = 0;
    table->rows = rows;
    make_table(table, runs, n, of);
    try_all(table, &found);
    stat_adjust(p, found.n);
    for (size_t i = 0; i < found.n; i++) {
        tried[i].p = p[i];
    }
    if (found.n > 0) {
        qsort(tried, found.n, sizeof(*tried), by_p);
    }
    for (size_t i = 0; i < found.n && n_out < max && tried[i].p <= SUCCESS_FDR; i++) {
        bool is_of_use = fabs(tried[i].lift - 1) >= SUCCESS_LIFT_LEAST;
        is_of_use = is_of_use && !is_told(out, n_out, &tried[i]);
        if (is_of_use && (tried[i].n_factors == 1 || says_more(table, &tried[i]))) {
            out[n_out++] = tried[i];
        }
    }
    return n_out;
}

/* ---- words -------------------------------------------------------------------------------- */

static void write_factor(const struct words *words, enum factor factor, uint16_t value,
                         char *out, size_t cap)
{
    static const char *const quarters[] = {"smallest", "smaller", "larger", "largest"};
    switch (factor) {
    case FACTOR_PIPELINE:
    case FACTOR_REPO:
    case FACTOR_AGENT:
        (void)snprintf(out, cap, "%s %.28s", factor_word(factor),
                       words_name(words, value));
        break;
    case FACTOR_HOUR:
        (void)snprintf(out, cap, "%02d:00 to %02d:00 UTC", value % QUARTERS * 6,
                       (value % QUARTERS * 6 + 6) % HOURS_OF_DAY);
        break;
    case FACTOR_SIZE:
        (void)snprintf(out, cap, "%s quarter of changes", quarters[value % QUARTERS]);
        break;
    case FACTOR_PRIORITY:
        (void)snprintf(out, cap, "priority %d", value);
        break;
    default:
        (void)snprintf(out, cap, "%s%s", value == 0 ? "no " : "", factor_word(factor));
        break;
    }
}

const char *success_what(const struct words *words, const struct success_row *row,
                         char ret_text[SUCCESS_TEXT_MAX])
{
    char parts[2][48] = {"", ""};
    for (int i = 0; i < row->n_factors; i++) {
        write_factor(words, row->is[i].factor, row->is[i].value, parts[i],
                     sizeof(parts[i]));
    }
    (void)snprintf(ret_text, SUCCESS_TEXT_MAX, "%s%s%s", parts[0],
                   row->n_factors > 1 ? ", " : "", parts[1]);
    return ret_text;
}

const char *success_text(const struct words *words, const struct success_row *row,
                         char ret_text[SUCCESS_TEXT_MAX])
{
    char what[SUCCESS_TEXT_MAX];
    (void)snprintf(ret_text, SUCCESS_TEXT_MAX,
                   "%.100s: %.0f %% of %lld (%.0f to %.0f), %.0f %% of the others",
                   success_what(words, row, what), 100 * row->share.value,
                   (long long)row->n, 100 * row->share.low, 100 * row->share.high,
                   100 * row->others);
    return ret_text;
}
