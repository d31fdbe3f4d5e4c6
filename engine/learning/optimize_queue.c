/* SPDX-License-Identifier: MIT */

/*
 * Queues: slots of the engine, places at a service, and machines that are such places.
 *
 * The dry run lets the recorded work arrive when it did and take as long as it did, with another
 * number of servers (Kiefer and Wolfowitz, "On the theory of queues with many servers", 1955). It is
 * believed only if with the present number it tells the waits that were recorded. Rule: WAITED_LEAST
 * waited, and the model is right within MODEL_FACTOR.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/replay.h"

#define RUNS_LEAST                                                                       \
    500 /* a queue shows what it is like only over many of its busy spells */
#define WAITED_LEAST 30
#define WAIT_LEAST   0.02 /* of what a piece of work takes: less is not worth a slot */
#define MODEL_FACTOR 1.4
#define SERVERS_MOST 2000
#define QUOTA_MOST   0.01 /* of calls that were throttled: then more is no help */
#define BLOCKS       12
/* Near saturation the mean wait of one week says little about that of the next, and seldom too
 * much: the long waits are rare. */
#define WAIT_LESS 0.35
#define WAIT_MORE 0.7

int by_arrival(const void *left, const void *right)
{
    const struct work *a = left, *b = right;
    if (a->arrived < b->arrived || a->arrived > b->arrived) {
        return a->arrived < b->arrived ? -1 : 1;
    }
    return a->run < b->run ? -1 : a->run > b->run;
}

double replay_queue(const struct work *work, size_t n, size_t n_servers, double *out)
{
    AUTO_FREE double *free_at = mem_array(n_servers, sizeof(*free_at));
    double sum = 0;
    for (size_t i = 0; i < n_servers; i++) {
        free_at[i] = -1e300;
    }
    for (size_t i = 0; i < n; i++) {
        size_t best = 0;
        for (size_t k = 1; k < n_servers; k++) {
            best = free_at[k] < free_at[best] ? k : best;
        }
        double begun = fmax(free_at[best], work[i].arrived);
        free_at[best] = begun + work[i].took;
        out[i] = begun - work[i].arrived;
        sum += out[i];
    }
    return sum / (double)n;
}

struct queue_search {
    struct work *work;
    size_t n, n_waited;
    double mean_wait, mean_took, *waits;
    const char *what; /* "slots", "places" */
};

static void sum_work(struct queue_search *queue)
{
    for (size_t i = 0; i < queue->n; i++) {
        queue->mean_wait += queue->work[i].waited / (double)queue->n;
        queue->mean_took += queue->work[i].took / (double)queue->n;
        queue->n_waited += queue->work[i].waited > 1 ? 1 : 0;
    }
    qsort(queue->work, queue->n, sizeof(*queue->work), by_arrival);
}

/* The least number that leaves little of the wait; 0: none is better, or the model is wrong. */
static size_t pick_servers(const struct search *search, struct queue_search *queue,
                           size_t now, double *ret_model)
{
    double model = replay_queue(queue->work, queue->n, now, queue->waits);
    double ratio = model / queue->mean_wait;
    *ret_model = model;
    if (!(ratio < MODEL_FACTOR && ratio > 1 / MODEL_FACTOR)) {
        return 0;
    }
    double most = isfinite(search->now.most) ? search->now.most : SERVERS_MOST;
    size_t to = now;
    for (int step = 1; step <= 8; step++) {
        size_t next = now + (size_t)ceil((double)now * 0.125 * step);
        if ((double)next > most) {
            break;
        }
        to = next;
        double wait = replay_queue(queue->work, queue->n, next, queue->waits);
        if (wait < 0.1 * model || wait < WAIT_LEAST * queue->mean_took) {
            break;
        }
    }
    return to > now ? to : 0;
}

/* Deltas in minutes: what each waited against what it would have. The recorded wait is scaled to
 * the model's, so that its error does not count as an effect. */
static double replay_servers(struct search *search, struct queue_search *queue, size_t to,
                             double model)
{
    double wait = replay_queue(queue->work, queue->n, to, queue->waits);
    for (size_t i = 0; i < queue->n; i++) {
        const struct work *work = &queue->work[i];
        search->delta[work->run] +=
            (queue->waits[i] * queue->mean_wait / model - work->waited) / 60;
    }
    return wait;
}

static void propose_servers(struct search *search, struct queue_search *queue)
{
    struct proposal *draft = &search->draft;
    double now = search_value(search), model;
    sum_work(queue);
    if (!(now >= 1 && now < SERVERS_MOST) || queue->n_waited < WAITED_LEAST ||
        queue->mean_wait < WAIT_LEAST * queue->mean_took) {
        return;
    }
    size_t to = pick_servers(search, queue, (size_t)now, &model);
    if (to == 0) {
        return;
    }
    double wait = replay_servers(search, queue, to, model);
    double from_s = queue->work[0].arrived, to_s = queue->work[queue->n - 1].arrived;
    double rate = (double)queue->n / fmax(to_s - from_s, 1);
    draft->traits = PROPOSAL_REVERSIBLE | PROPOSAL_SPENDS;
    draft_text(draft->to, sizeof(draft->to), "%zu", to);
    search_expect(search, search->n_runs / BLOCKS, WAIT_LESS, WAIT_MORE);
    draft_text(draft->title, sizeof(draft->title), "%s%s%zu %s, not %s", search->scope,
               search->scope[0] != '\0' ? ": " : "", to, queue->what, draft->from);
    draft_text(draft->reason, sizeof(draft->reason),
               "%.0f %% of the %s are busy; %zu of %zu waited, %.1f minutes in the mean, "
               "%.1f at work at once",
               100 * fmin(1, rate * queue->mean_took / now), queue->what, queue->n_waited,
               queue->n, queue->mean_wait / 60, rate * queue->mean_took);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "up to %zu more at once load what is behind them", to - (size_t)now);
    search_fact(search, rate * queue->mean_took,
                "L = lambda W: %.2f per minute x %.1f minutes = %.1f busy of %s",
                rate * 60, queue->mean_took / 60, rate * queue->mean_took, draft->from);
    search_fact(search, model / 60,
                "the model tells a mean wait of %.1f minutes, %.1f was", model / 60,
                queue->mean_wait / 60);
    search_line(search, "the recorded work would have waited %.1f minutes, not %.1f",
                wait * queue->mean_wait / model / 60, queue->mean_wait / 60);
    search_propose(search);
}

static double seconds_of(struct wall at)
{
    return (double)at.ms / 1000;
}

/* Workflows that want a slot; room for n_runs of them. */
static void take_slots(struct search *search, struct queue_search *queue)
{
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        queue->work[i] =
            (struct work){seconds_of(run->created_at),
                          seconds_of(run->started_at) - seconds_of(run->created_at),
                          seconds_of(run->finished_at) - seconds_of(run->started_at), i};
    }
    queue->n = search->n_runs;
    queue->what = "slots";
}

static size_t count_steps(const struct search *search)
{
    size_t n = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        n += search->runs[i]->n_steps;
    }
    return n;
}

/* Calls that want a place at a service; room for count_steps of them. How many were throttled. */
static size_t take_calls(struct search *search, uint16_t service,
                         struct queue_search *queue)
{
    size_t n_quota = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (step->provider == service && isfinite(step->run) &&
                isfinite(step->wait)) {
                double arrived = seconds_of(run->created_at) + (double)step->at;
                queue->work[queue->n++] =
                    (struct work){arrived, (double)step->wait, (double)step->run, i};
                n_quota += step->class_ == CLASS_QUOTA ? 1 : 0;
            }
        }
    }
    queue->what = "places";
    return n_quota;
}

void generate_concurrency(struct search *search)
{
    struct queue_search queue = {.n = 0};
    if (!search_begin(search, "max_running", RUNS_LEAST)) {
        return;
    }
    AUTO_FREE struct work *work = mem_array(search->n_runs, sizeof(*work));
    AUTO_FREE double *waits = mem_array(search->n_runs, sizeof(*waits));
    queue.work = work;
    queue.waits = waits;
    take_slots(search, &queue);
    search->draft.metric = RUN_QUEUE;
    propose_servers(search, &queue);
}

void generate_bulkhead(struct search *search)
{
    struct queue_search queue = {.n = 0};
    if (!search_begin(search, "concurrency", RUNS_LEAST)) {
        return;
    }
    size_t cap = count_steps(search) + 1;
    AUTO_FREE struct work *work = mem_array(cap, sizeof(*work));
    AUTO_FREE double *waits = mem_array(cap, sizeof(*waits));
    queue.work = work;
    queue.waits = waits;
    size_t n_quota = take_calls(search, search->name, &queue);
    if (queue.n == 0 || (double)n_quota > QUOTA_MOST * (double)queue.n) {
        return;
    }
    search->draft.metric = RUN_LINE;
    propose_servers(search, &queue);
}

/* ---- machines ----------------------------------------------------------------------------- */

/*
 * Places that are machines: a configured command adds some, which costs money and is asked for. The
 * same queue with so many more, whatever else could be changed. Rule: as above, and at least
 * SCALE_GAIN of the wait would go.
 */
#define SCALE_GAIN 0.5

static void propose_scale(struct search *search, const struct scale_choice *scale,
                          struct queue_search *queue, double now)
{
    struct proposal *draft = &search->draft;
    double model = replay_queue(queue->work, queue->n, (size_t)now, queue->waits);
    double ratio = model / queue->mean_wait;
    if (!(ratio < MODEL_FACTOR && ratio > 1 / MODEL_FACTOR)) {
        return;
    }
    size_t to = (size_t)now + (size_t)scale->adds;
    double wait = replay_servers(search, queue, to, model);
    if (wait > (1 - SCALE_GAIN) * model) {
        return;
    }
    const char *where = scale->service[0] != '\0' ? scale->service : "the engine";
    draft->traits = PROPOSAL_SPENDS | (scale->has_down ? PROPOSAL_REVERSIBLE : 0u);
    draft_text(draft->to, sizeof(draft->to), "up");
    search_expect(search, search->n_runs / BLOCKS, WAIT_LESS, WAIT_MORE);
    draft_text(draft->title, sizeof(draft->title), "scale %.40s up: %d more %s of %.40s",
               scale->name, scale->adds, queue->what, where);
    draft_text(draft->reason, sizeof(draft->reason),
               "%zu of %zu waited for one of %.0f %s of %.40s, %.1f minutes in the mean",
               queue->n_waited, queue->n, now, queue->what, where, queue->mean_wait / 60);
    draft_text(draft->if_wrong, sizeof(draft->if_wrong),
               "the machines cost what they cost, and stand idle");
    search_fact(search, model / 60,
                "the model tells a mean wait of %.1f minutes, %.1f was", model / 60,
                queue->mean_wait / 60);
    search_line(search, "the recorded work would have waited %.1f minutes, not %.1f",
                wait * queue->mean_wait / model / 60, queue->mean_wait / 60);
    search_propose(search);
}

/* How many there are now, and what arrived at them; 0: not known. */
static double take_queue(struct search *search, const struct scale_choice *scale,
                         struct queue_search *queue)
{
    bool is_service = scale->service[0] != '\0';
    char scope[sizeof(search->scope)];
    struct setting_now places = {.value = ""};
    draft_text(scope, sizeof(scope), "%s%s", is_service ? "service:" : "",
               scale->service);
    if (!search->input->lookup(search->input->user,
                               is_service ? "concurrency" : "max_running", scope,
                               &places)) {
        return 0;
    }
    if (!is_service) {
        take_slots(search, queue);
    } else if (take_calls(search, words_find(search->input->words, scale->service),
                          queue) > 0) {
        return 0; /* more at once would only be throttled more */
    }
    return strtod(places.value, NULL);
}

static void fit_scale(struct search *search, const struct scale_choice *scale)
{
    char setting[sizeof(search->draft.setting)];
    struct queue_search queue = {.n = 0};
    draft_text(setting, sizeof(setting), "scale/%s", scale->name);
    if (scale->adds <= 0 || !search_begin(search, setting, RUNS_LEAST) ||
        strcmp(search->now.value, "up") == 0) {
        return;
    }
    size_t cap = count_steps(search) + search->n_runs + 1;
    AUTO_FREE struct work *work = mem_array(cap, sizeof(*work));
    AUTO_FREE double *waits = mem_array(cap, sizeof(*waits));
    queue.work = work;
    queue.waits = waits;
    double now = take_queue(search, scale, &queue);
    for (size_t i = 0; i < search->n_runs; i++) {
        search->delta[i] = 0;
    }
    if (queue.n == 0 || !(now >= 1 && now < SERVERS_MOST)) {
        return;
    }
    sum_work(&queue);
    search->draft.metric = scale->service[0] != '\0' ? RUN_LINE : RUN_QUEUE;
    if (queue.n_waited >= WAITED_LEAST &&
        queue.mean_wait >= WAIT_LEAST * queue.mean_took) {
        propose_scale(search, scale, &queue, now);
    }
}

void generate_scale(struct search *search)
{
    for (size_t i = 0; i < search->input->n_scales; i++) {
        fit_scale(search, &search->input->scales[i]);
    }
}
