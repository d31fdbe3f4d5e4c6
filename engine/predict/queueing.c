/* SPDX-License-Identifier: MIT */
#include "engine/predict/queueing.h"

#include <math.h>

double queueing_erlang_c(double offered, int servers)
{
    if (!(offered > 0) || servers < 1) {
        return offered > 0 ? 1 : 0;
    }
    if (offered >= servers) {
        return 1;
    }
    /* Erlang B by its recursion, which neither overflows nor cancels; then C from B. */
    double blocked = 1;
    for (int i = 1; i <= servers; i++) {
        blocked = offered * blocked / (i + offered * blocked);
    }
    double busy = offered / servers;
    return blocked / (1 - busy + busy * blocked);
}

static bool is_load(const struct queueing_load *load, int servers)
{
    return load->arrival_rate >= 0 && isfinite(load->arrival_rate) && load->service > 0 &&
           isfinite(load->service) && servers >= 1 && servers <= QUEUEING_SERVERS_MAX &&
           !(load->scv_arrival < 0) && !(load->scv_service < 0);
}

/* The wait that a share `quantile` of arrivals does not exceed. */
static double wait_quantile(double p_wait, double mean_of_waiting, double quantile)
{
    double beyond = 1 - quantile;
    return p_wait <= beyond ? 0 : mean_of_waiting * log(p_wait / beyond);
}

static void saturate(struct queueing_answer *answer, double arrival_rate, double done)
{
    double never = (double)INFINITY;
    answer->is_stable = false;
    answer->utilization = answer->p_wait = 1;
    answer->wait = answer->wait_p50 = answer->wait_p90 = answer->wait_p95 = never;
    answer->queue = never;
    answer->throughput = done;
    answer->growth = arrival_rate - done;
}

struct queueing_answer queueing_run(const struct queueing_load *load, int servers)
{
    double unknown = (double)NAN;
    if (!is_load(load, servers)) {
        return (struct queueing_answer){
            .offered = unknown,
            .utilization = unknown,
            .p_wait = unknown,
            .wait = unknown,
            .wait_p50 = unknown,
            .wait_p90 = unknown,
            .wait_p95 = unknown,
            .queue = unknown,
            .throughput = unknown,
            .growth = unknown,
        };
    }
    struct queueing_answer answer = {.is_known = true, .is_stable = true};
    double rate = load->arrival_rate, service = load->service;
    answer.offered = rate * service;
    if (answer.offered >= servers) {
        saturate(&answer, rate, servers / service);
        return answer;
    }
    double arrival = isnan(load->scv_arrival) ? 1 : load->scv_arrival;
    double serving = isnan(load->scv_service) ? 1 : load->scv_service;
    double variation = (arrival + serving) / 2; /* Allen-Cunneen */
    answer.utilization = answer.offered / servers;
    answer.p_wait = queueing_erlang_c(answer.offered, servers);
    double waiting = variation * service / (servers - answer.offered);
    answer.wait = answer.p_wait * waiting;
    answer.wait_p50 = wait_quantile(answer.p_wait, waiting, .5);
    answer.wait_p90 = wait_quantile(answer.p_wait, waiting, .9);
    answer.wait_p95 = wait_quantile(answer.p_wait, waiting, .95);
    answer.queue = rate * answer.wait; /* Little's law */
    answer.throughput = rate;
    return answer;
}

int queueing_servers_for(const struct queueing_load *load, double wait, int servers_max)
{
    if (!is_load(load, 1) || !(wait >= 0)) {
        return 0;
    }
    double least = floor(load->arrival_rate * load->service) + 1;
    int most = servers_max < QUEUEING_SERVERS_MAX ? servers_max : QUEUEING_SERVERS_MAX;
    if (least > most || queueing_run(load, most).wait > wait) {
        return 0;
    }
    int low = (int)least, high = most; /* the wait falls with the number: halve */
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (queueing_run(load, middle).wait <= wait) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Mean and squared coefficient of variation of what was added, by Welford's update. */
struct moments {
    size_t n;
    double mean, square;
};

static void moments_add(struct moments *moments, double value)
{
    double from = value - moments->mean;
    moments->n++;
    moments->mean += from / (double)moments->n;
    moments->square += from * (value - moments->mean);
}

static double moments_scv(const struct moments *moments)
{
    if (moments->n < 2 || !(moments->mean > 0)) {
        return (double)NAN;
    }
    return moments->square / (double)(moments->n - 1) / (moments->mean * moments->mean);
}

/* 90 of 100 waits, without a sorted copy: halve the range between least and most. */
static double wait_p90(const struct queueing_row *rows, size_t n, size_t n_known)
{
    double low = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        double wait = rows[i].started - rows[i].arrived;
        high = wait > high ? wait : high;
    }
    for (int round = 0; round < 60 && high - low > 1e-9 * high; round++) {
        double middle = low + (high - low) / 2;
        size_t n_below = 0;
        for (size_t i = 0; i < n; i++) {
            n_below += rows[i].started - rows[i].arrived <= middle ? 1 : 0;
        }
        if ((double)n_below >= .9 * (double)n_known) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

struct queueing_history queueing_observe(const struct queueing_row *rows, size_t n)
{
    struct moments between = {0}, serving = {0}, waiting = {0};
    double last = (double)NAN;
    for (size_t i = 0; i < n; i++) {
        const struct queueing_row *row = &rows[i];
        if (!isnan(last) && row->arrived >= last) {
            moments_add(&between, row->arrived - last);
        }
        last = isnan(row->arrived) ? last : row->arrived;
        if (row->ended >= row->started) {
            moments_add(&serving, row->ended - row->started);
        }
        if (row->started >= row->arrived) {
            moments_add(&waiting, row->started - row->arrived);
        }
    }
    double unknown = (double)NAN;
    return (struct queueing_history){
        .n = n,
        .load = {.arrival_rate = between.mean > 0 ? 1 / between.mean : unknown,
                 .service = serving.n > 0 ? serving.mean : unknown,
                 .scv_arrival = moments_scv(&between),
                 .scv_service = moments_scv(&serving)},
        .wait = waiting.n > 0 ? waiting.mean : unknown,
        .wait_p90 = waiting.n > 0 ? wait_p90(rows, n, waiting.n) : unknown,
    };
}

struct queueing_check queueing_check(const struct queueing_history *history, int servers)
{
    struct queueing_answer answer = queueing_run(&history->load, servers);
    struct queueing_check check = {
        .n = history->n,
        .observed = history->wait,
        .predicted = answer.wait,
        .error = (double)NAN,
    };
    if (history->n < QUEUEING_CHECK_MIN || !answer.is_known || isnan(history->wait)) {
        return check;
    }
    check.is_known = true;
    if (!answer.is_stable) {
        check.error = (double)INFINITY; /* a history has an end: its wait is finite */
        return check;
    }
    double small = QUEUEING_SMALL * history->load.service;
    check.error = log(fmax(answer.wait, small) / fmax(history->wait, small));
    check.is_credible = fabs(check.error) <= log(QUEUEING_FACTOR);
    return check;
}
