/* SPDX-License-Identifier: MIT */
#include "tui/rank.h"

#include <math.h>

#include "engine/base/mem.h"

const char *const rank_approval_words[] = {"attention", "risk",   "age",
                                           "expires",   "target", NULL};
const char *const rank_optimization_words[] = {"newest", "predicted", "measured",
                                               "setting", NULL};
const char *const rank_service_words[] = {"name", "breaker", "errors",
                                          "p95",  "load",    NULL};
const char *const rank_metric_words[] = {"series", "odd", "now", "seen", NULL};
const char *const rank_strategy_words[] = {"works", "trials", "takes", "rung", NULL};

/* Of rows n values: a number, or a text where numbers are alike; then the place that it had. */
struct key {
    double value; /* the greater first; NAN last */
    const char *text;
    size_t at;
};

static int compare(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    bool has_x = isfinite(x->value), has_y = isfinite(y->value);
    if (has_x != has_y)
        return has_x ? -1 : 1;
    if (has_x && x->value > y->value)
        return -1;
    if (has_x && x->value < y->value)
        return 1;
    int order = strcmp(x->text, y->text);
    return order != 0 ? order : x->at < y->at ? -1 : x->at > y->at;
}

/* Rows of `size` bytes into the order of their keys. What is not known stays last, reversed too. */
static void arrange(void *rows, size_t n, size_t size, struct key *keys, bool is_reversed)
{
    char *all = rows;
    if (n > 1) {
        AUTO_FREE char *copy = mem_array(n, size);
        size_t n_known = 0;
        memcpy(copy, all, n * size);
        qsort(keys, n, sizeof *keys, compare);
        while (n_known < n && isfinite(keys[n_known].value))
            n_known++;
        for (size_t i = 0; i < n; i++) {
            size_t from = is_reversed && i < n_known ? n_known - 1 - i : i;
            memcpy(all + i * size, copy + keys[from].at * size, size);
        }
    }
    free(keys);
}

static struct key *keys_new(size_t n)
{
    struct key *keys = mem_array(n + 1, sizeof *keys);
    for (size_t i = 0; i < n; i++)
        keys[i] = (struct key){.value = 0, .text = "", .at = i};
    return keys;
}

/* Known figures are 0 and more. */
static double known(int64_t value)
{
    return value < 0 ? (double)NAN : (double)value;
}

void rank_approvals(struct approval_row *rows, size_t n, int order, bool is_reversed)
{
    struct key *keys = keys_new(n);
    for (size_t i = 0; i < n; i++) {
        struct key *key = &keys[i];
        bool has_end = wall_is_set(rows[i].expires_at);
        switch (order) {
        case 1:
            key->value = rows[i].risk;
            break;
        case 2:
            key->value = -(double)rows[i].created_at.ms;
            break;
        case 3:
            key->value = has_end ? -(double)rows[i].expires_at.ms : (double)NAN;
            break;
        case 4:
            key->text = rows[i].target;
            break;
        default:
            key->value = -(double)i;
            break;
        }
    }
    arrange(rows, n, sizeof *rows, keys, is_reversed);
}

void rank_optimizations(struct optimization_row *rows, size_t n, int order,
                        bool is_reversed)
{
    struct key *keys = keys_new(n);
    for (size_t i = 0; i < n; i++) {
        if (order == 1)
            keys[i].value = rows[i].expected;
        else if (order == 2)
            keys[i].value = rows[i].measured;
        else if (order == 3)
            keys[i].text = rows[i].setting;
        else
            keys[i].value = -(double)i;
    }
    arrange(rows, n, sizeof *rows, keys, is_reversed);
}

void rank_services(struct frame_service *rows, size_t n, int order, bool is_reversed)
{
    /* What is forced or open first, then what tries, then what is closed. */
    static const int worst[BREAKER_STATE_COUNT] = {
        [BREAKER_OPEN] = 6,    [BREAKER_FORCED_OPEN] = 5, [BREAKER_HALF_OPEN] = 4,
        [BREAKER_METRICS] = 3, [BREAKER_DISABLED] = 2,    [BREAKER_FORCED_CLOSED] = 1};
    struct key *keys = keys_new(n);
    for (size_t i = 0; i < n; i++) {
        const struct service_detail *detail = &rows[i].detail;
        switch (order) {
        case 1:
            keys[i].value = worst[rows[i].row.state];
            break;
        case 2:
            keys[i].value = known(detail->failure_percent);
            break;
        case 3:
            keys[i].value = known(detail->p95_ms);
            break;
        case 4:
            keys[i].value = detail->limit > 0
                                ? (double)detail->in_flight / (double)detail->limit
                                : (double)NAN;
            break;
        default:
            keys[i].value = -(double)i;
            break;
        }
    }
    arrange(rows, n, sizeof *rows, keys, is_reversed);
}

void rank_metrics(struct metric_row *rows, size_t n, int order, bool is_reversed)
{
    struct key *keys = keys_new(n);
    for (size_t i = 0; i < n; i++) {
        if (order == 1)
            keys[i].value = rows[i].anomaly ? 1 : 0;
        else if (order == 2)
            keys[i].value = rows[i].newest;
        else if (order == 3)
            keys[i].value = wall_is_set(rows[i].newest_at) ? (double)rows[i].newest_at.ms
                                                           : (double)NAN;
        else
            keys[i].value = -(double)i;
    }
    arrange(rows, n, sizeof *rows, keys, is_reversed);
}

static void rank_rungs(struct odds_row *rows, size_t n, int order, bool is_reversed)
{
    struct key *keys = keys_new(n);
    for (size_t i = 0; i < n; i++) {
        if (order == 1)
            keys[i].value = rows[i].trials;
        else if (order == 2)
            keys[i].value = rows[i].cost_s;
        else if (order == 3)
            keys[i].text = rows[i].rung;
        else
            keys[i].value = -(double)i;
    }
    arrange(rows, n, sizeof *rows, keys, is_reversed);
}

void rank_strategies(struct odds_row *rows, size_t n, int order, bool is_reversed)
{
    for (size_t i = 0, end; i < n; i = end) {
        end = i + 1;
        while (end < n && strcmp(rows[end].key, rows[i].key) == 0)
            end++;
        rank_rungs(&rows[i], end - i, order, is_reversed);
    }
}
