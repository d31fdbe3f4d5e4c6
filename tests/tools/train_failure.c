/* SPDX-License-Identifier: MIT */

/*
 * The first weights of the net that predicts failures.
 *
 *     train_failure DIR > engine/predict/failure_prior.c    trained on all histories
 *     train_failure --judge DIR [SET]                       each history left out once
 *
 * DIR has files SET/NAME.csv with the columns started_at, failed, perhaps finished_at and
 * duration_s, and fields (see ../../engine/predict/failure_context.h). What is kept are weights
 * of inputs that mean the same in any repository; nothing of a name, and no run, goes in.
 *
 * Public histories often have no end of a run and only one kind of it. So that the net knows of
 * overlapping runs, of many kinds in one stream, and of fields that are missing, it also
 * sees each history with outcomes that come late, without lines and sizes, and several
 * histories as the kinds of one stream. With --judge a net that is tried on a history was
 * trained without every stream in which that one takes part; rates and
 * numbers of passes below were chosen by that figure.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "tests/tools/train_failure.h"

#ifndef PASSES
#define PASSES 3
#define RATE   0.002
#define SHRINK 0.01
#endif
#define BATCH      64
#define MIXED      48
#define STREAMS    256
#define MIXED_RUNS 1500 /* of one history in a mixed stream */
#define WEIGHTS    (sizeof(struct failure_net) / sizeof(float))
#define SEED       1

/* Inputs and outcomes of one pass through one or more histories. */
struct stream {
    uint64_t members; /* bit i: history i takes part */
    double weight;
    size_t n;
    float (*inputs)[FAILURE_INPUTS];
    bool *failed;
};

struct streams {
    size_t n;
    struct stream rows[STREAMS];
};

/* A run of a stream, in another time than it was. */
struct part {
    const struct history *history;
    const struct past_run *run;
    int64_t at_ms, end_ms;
};

/* What a stream shows of its runs. */
struct show {
    bool has_names;    /* the history's name, as a kind */
    bool has_lines;    /* branches */
    bool shares_lines; /* of the same name are the same */
    bool has_numbers;
    bool has_kinds; /* beside the name */
};

static bool is_a_text(const char *column)
{
    return strcmp(column, "is_pr") == 0 || strcmp(column, "job") == 0 ||
           strcmp(column, "workflow") == 0 || strcmp(column, "event") == 0;
}

static void fill(struct failure_context *context, const struct part *part, size_t id,
                 const struct show *show, char line[256])
{
    const struct history *history = part->history;
    failure_context_init(context, id, (struct wall){part->at_ms});
    if (show->has_names) {
        failure_context_text(context, "job", FAILURE_KIND, history->name);
    }
    for (size_t i = 0; i < history->n_columns; i++) {
        const char *column = history->columns[i], *text = part->run->cells[i];
        bool is_line = strcmp(column, "branch") == 0;
        if (history_is_hidden(column) || (is_line && !show->has_lines) ||
            (is_a_text(column) && !show->has_kinds) ||
            (!is_line && !is_a_text(column) && !show->has_numbers)) {
            continue;
        }
        if (is_line && !show->shares_lines && text[0] != '\0') {
            (void)snprintf(line, 256, "%s/%s", history->name, text);
            text = line;
        }
        failure_context_field(context, column, text);
    }
}

static void pass(struct stream *stream, const struct part *parts, size_t n,
                 const struct show *show)
{
    AUTO_FREE struct failure_past *past = mem_alloc(sizeof(*past));
    AUTO_FREE struct failure_run *runs = mem_array(n, sizeof(*runs));
    AUTO_FREE int64_t *at = mem_array(n, sizeof(*at)), *end = mem_array(n, sizeof(*end));
    stream->n = n;
    stream->inputs = mem_array(n, sizeof(*stream->inputs));
    stream->failed = mem_array(n, sizeof(*stream->failed));
    for (size_t i = 0; i < n; i++) {
        at[i] = parts[i].at_ms;
        end[i] = parts[i].end_ms;
        stream->failed[i] = parts[i].run->has_failed;
    }
    AUTO_FREE struct replay_step *steps = replay_order(at, end, n);
    int64_t now_ms = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        size_t run = steps[i].run;
        struct failure_context context;
        char line[256];
        if (steps[i].is_outcome) {
            failure_input_end(past, &runs[run], stream->failed[run], now_ms);
        } else {
            fill(&context, &parts[run], run, show, line);
            failure_input_start(past, &context, &runs[run]);
            now_ms = at[run] > now_ms ? at[run] : now_ms;
            memcpy(stream->inputs[run], runs[run].inputs, sizeof(runs[run].inputs));
        }
    }
}

/* When a run may have ended whose end is not known. */
static int64_t end_of(const struct history *history, const struct past_run *run,
                      struct rng *rng)
{
    if (history->has_end) {
        return run->end_ms - run->at_ms;
    }
    double took = run->took > 0 ? run->took / 3 : 1500;
    return (int64_t)(1000 * took * (0.6 + 0.8 * rng_unit(rng)));
}

static struct stream *next(struct streams *streams, uint64_t members, double weight)
{
    struct stream *stream = &streams->rows[streams->n++];
    stream->members = members;
    stream->weight = weight;
    return stream;
}

static void add_plain(struct streams *streams, const struct histories *histories,
                      size_t which, struct rng *rng)
{
    const struct history *history = &histories->rows[which];
    AUTO_FREE struct part *parts = mem_array(history->n_runs, sizeof(*parts));
    const struct show all = {
        .has_lines = true, .shares_lines = true, .has_numbers = true, .has_kinds = true};
    uint64_t members = UINT64_C(1) << which;
    for (size_t i = 0; i < history->n_runs; i++) {
        const struct past_run *run = &history->runs[i];
        parts[i] = (struct part){history, run, run->at_ms, run->end_ms};
    }
    pass(next(streams, members, 1), parts, history->n_runs, &all);
    if (history->has_end) {
        return;
    }
    for (size_t i = 0; i < history->n_runs; i++) {
        parts[i].end_ms = parts[i].at_ms + end_of(history, parts[i].run, rng);
    }
    pass(next(streams, members, 0.5), parts, history->n_runs, &all);
    pass(next(streams, members, 0.5), parts, history->n_runs,
         &(struct show){.has_kinds = true});
}

static int by_time(const void *a, const void *b)
{
    int64_t x = ((const struct part *)a)->at_ms, y = ((const struct part *)b)->at_ms;
    return (x > y) - (x < y);
}

/* Some runs of a history, stretched or squeezed to last span_ms. */
static size_t cut(const struct history *history, int64_t span_ms, struct rng *rng,
                  struct part *parts)
{
    size_t n = history->n_runs < MIXED_RUNS ? history->n_runs : MIXED_RUNS;
    const struct past_run *runs = history->runs + rng_below(rng, history->n_runs - n + 1);
    int64_t first = runs[0].at_ms, last = runs[n - 1].at_ms;
    double by = (double)span_ms / (double)(last - first + 1);
    for (size_t i = 0; i < n; i++) {
        int64_t at =
            INT64_C(1500000000000) + (int64_t)((double)(runs[i].at_ms - first) * by);
        parts[i] =
            (struct part){history, &runs[i], at, at + end_of(history, &runs[i], rng)};
    }
    return n;
}

static void add_mixed(struct streams *streams, const struct histories *histories,
                      struct rng *rng)
{
    AUTO_FREE struct part *parts = mem_array(5 * MIXED_RUNS, sizeof(*parts));
    size_t n = 0, n_members = 2 + rng_below(rng, 4);
    uint64_t members = 0;
    int64_t span_ms = INT64_C(86400000) * (int64_t)(40 + rng_below(rng, 200));
    for (size_t i = 0, tries = 0; i < n_members && tries < 100; tries++) {
        size_t which = rng_below(rng, histories->n);
        if (!histories->rows[which].has_end && (members >> which & 1) == 0) {
            members |= UINT64_C(1) << which;
            n += cut(&histories->rows[which], span_ms, rng, parts + n);
            i++;
        }
    }
    qsort(parts, n, sizeof(*parts), by_time);
    const struct show show = {
        .has_names = true,
        .has_lines = rng_below(rng, 3) != 0,
        .shares_lines = rng_below(rng, 2) == 0,
        .has_numbers = rng_below(rng, 2) == 0,
        .has_kinds = rng_below(rng, 2) == 0,
    };
    pass(next(streams, members, 0.7), parts, n, &show);
}

/* ---- training ---- */

/* What a group tells is left to each stream to learn: too few histories have groups, and what one
 * project does with them is no rule. */
static bool is_of_group(size_t input)
{
    return input / IN_BLOCK_COUNT == BLOCK_GROUP || input == IN_SAME + 2 ||
           input >= IN_SIBLING;
}

/* Mean and deviation of each input, each stream counting as its weight says. */
static void measure(const struct streams *streams, struct failure_prior *prior)
{
    for (size_t input = 0; input < FAILURE_SHARED; input++) {
        double n = 0, sum = 0, squares = 0;
        for (size_t i = 0; i < streams->n; i++) {
            const struct stream *stream = &streams->rows[i];
            double weight = stream->n > 0 ? stream->weight / (double)stream->n : 0;
            for (size_t j = 0; j < stream->n; j++) {
                double x = (double)stream->inputs[j][input];
                n += weight;
                sum += weight * x;
                squares += weight * x * x;
            }
        }
        double mean = sum / n, variance = squares / n - mean * mean;
        prior->mean[input] = (float)mean;
        prior->scale[input] = (float)(variance > 1e-6 ? 1 / sqrt(variance) : 0);
    }
    prior->scale[BLOCK_ALL * IN_BLOCK_COUNT + IN_N] =
        0; /* how old a stream is says nothing */
}

struct sample {
    const float *inputs;
    float weight;
    bool has_failed;
};

static struct sample *gather(const struct streams *streams, uint64_t without,
                             size_t *ret_n)
{
    size_t n = 0;
    double sum = 0;
    for (size_t i = 0; i < streams->n; i++) {
        n += (streams->rows[i].members & without) != 0 ? 0 : streams->rows[i].n;
    }
    struct sample *samples = mem_array(n + 1, sizeof(*samples));
    *ret_n = n;
    n = 0;
    for (size_t i = 0; i < streams->n; i++) {
        const struct stream *stream = &streams->rows[i];
        bool is_left_out = (stream->members & without) != 0 || stream->n == 0;
        for (size_t j = 0; j < stream->n && !is_left_out; j++) {
            double weight = stream->weight / sqrt((double)stream->n);
            samples[n++] =
                (struct sample){stream->inputs[j], (float)weight, stream->failed[j]};
            sum += weight;
        }
    }
    for (size_t i = 0; i < n; i++) {
        samples[i].weight *= (float)((double)n / sum / BATCH);
    }
    return samples;
}

static void slope_of(const struct failure_net *net, const struct sample *sample,
                     struct failure_net *slope)
{
    float hidden[FAILURE_HIDDEN];
    double p = failure_sigmoid(failure_net_say(net, sample->inputs, hidden));
    float error = (float)(p - sample->has_failed) * sample->weight;
    for (size_t h = 0; h < FAILURE_HIDDEN; h++) {
        float inner = error * net->out[h] * (1 - hidden[h] * hidden[h]);
        slope->out[h] += error * hidden[h];
        slope->offset[h] += inner;
        for (size_t i = 0; i < FAILURE_SHARED; i++) {
            slope->hidden[h][i] += inner * sample->inputs[i];
        }
    }
    for (size_t i = 0; i < FAILURE_SHARED; i++) {
        slope->direct[i] += error * sample->inputs[i];
    }
    slope->bias += error;
}

/* AdamW (Loshchilov and Hutter, ICLR 2019) with a rate that goes down to 0. */
struct adam {
    float first[WEIGHTS], second[WEIGHTS];
    double n, of;
};

static void step(struct adam *adam, float *weights, const float *slope)
{
    adam->n++;
    double rate = RATE * (1 - adam->n / (adam->of + 1));
    double first = 1 - pow(0.9, adam->n), second = 1 - pow(0.999, adam->n);
    for (size_t i = 0; i < WEIGHTS; i++) {
        adam->first[i] = 0.9f * adam->first[i] + 0.1f * slope[i];
        adam->second[i] = 0.999f * adam->second[i] + 0.001f * slope[i] * slope[i];
        double by = (double)adam->first[i] / first /
                    (sqrt((double)adam->second[i] / second) + 1e-8);
        weights[i] -= (float)(rate * (by + SHRINK * (double)weights[i]));
    }
}

static void train(const struct streams *streams, uint64_t without,
                  struct failure_net *net)
{
    struct rng rng;
    size_t n;
    AUTO_FREE struct sample *samples = gather(streams, without, &n);
    AUTO_FREE struct adam *adam = mem_alloc(sizeof(*adam));
    rng_init(&rng, SEED);
    memset(net, 0, sizeof(*net));
    for (size_t h = 0; h < FAILURE_HIDDEN; h++) {
        net->out[h] = (float)(0.2 * (rng_unit(&rng) - 0.5));
        for (size_t i = 0; i < FAILURE_SHARED; i++) {
            float first = (float)(0.3 * (rng_unit(&rng) - 0.5));
            net->hidden[h][i] = is_of_group(i) ? 0 : first;
        }
    }
    adam->of = (double)(PASSES * (n / BATCH));
    for (int turn = 0; turn < PASSES; turn++) {
        for (size_t i = n - 1; i > 0; i--) {
            size_t other = rng_below(&rng, i + 1);
            struct sample sample = samples[i];
            samples[i] = samples[other];
            samples[other] = sample;
        }
        for (size_t i = 0; i + BATCH <= n; i += BATCH) {
            struct failure_net slope = {0};
            for (size_t j = 0; j < BATCH; j++) {
                slope_of(net, &samples[i + j], &slope);
            }
            step(adam, (float *)net, (const float *)&slope);
        }
    }
}

/* ---- the two things to do ---- */

static void print_floats(const char *name, const float *floats, size_t n)
{
    printf("    .%s = {", name);
    for (size_t i = 0; i < n; i++) {
        printf("%s%#.4gF,", i % 8 == 0 ? "\n        " : " ", (double)floats[i]);
    }
    puts("\n    },");
}

static void print_prior(const struct failure_prior *prior)
{
    puts("/* SPDX-License-Identifier: MIT */\n\n"
         "/* Made by tests/tools/train_failure.c, which says how; do not edit. */\n"
         "#include \"engine/predict/failure_private.h\"\n\n"
         "/* clang-format off */\n"
         "const struct failure_prior failure_prior = {");
    print_floats("mean", prior->mean, FAILURE_SHARED);
    print_floats("scale", prior->scale, FAILURE_SHARED);
    for (size_t h = 0; h < FAILURE_HIDDEN; h++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "net.hidden[%zu]", h);
        print_floats(name, prior->net.hidden[h], FAILURE_SHARED);
    }
    print_floats("net.offset", prior->net.offset, FAILURE_HIDDEN);
    print_floats("net.out", prior->net.out, FAILURE_HIDDEN);
    print_floats("net.direct", prior->net.direct, FAILURE_SHARED);
    printf("    .net.bias = %#.4gF,\n};\n", (double)prior->net.bias);
}

/* The model of the program over one history. */
static void replay(const struct history *history, const struct failure_prior *prior,
                   double *p)
{
    struct failure_model *model = failure_new();
    AUTO_FREE int64_t *at = mem_array(history->n_runs, sizeof(*at));
    AUTO_FREE int64_t *end = mem_array(history->n_runs, sizeof(*end));
    const struct show all = {
        .has_lines = true, .shares_lines = true, .has_numbers = true, .has_kinds = true};
    model->prior = *prior;
    model->net = prior->net;
    for (size_t i = 0; i < history->n_runs; i++) {
        at[i] = history->runs[i].at_ms;
        end[i] = history->runs[i].end_ms;
    }
    AUTO_FREE struct replay_step *steps = replay_order(at, end, history->n_runs);
    int64_t now_ms = 0; /* an outcome without a time came at the last time seen */
    for (size_t i = 0; i < 2 * history->n_runs; i++) {
        size_t run = steps[i].run;
        struct part part = {history, &history->runs[run], at[run], end[run]};
        struct failure_context context;
        struct failure_answer answer;
        char line[256];
        if (steps[i].is_outcome) {
            (void)failure_observe(model, run, part.run->has_failed,
                                  (struct wall){now_ms}); /* unless displaced */
        } else {
            fill(&context, &part, run, &all, line);
            failure_predict(model, &context, &answer);
            p[run] = answer.p;
            now_ms = at[run] > now_ms ? at[run] : now_ms;
        }
    }
    failure_free(model);
}

static void print_scores(const char *set, const char *name,
                         const struct judgement *scores)
{
    printf("%-10s %-20s AUC %.4f AP %.4f skill %+.4f F1 %.4f ECE %.4f\n", set, name,
           scores->auc, scores->precision, scores->skill, scores->f1, scores->ece);
}

static void judge_all(const struct histories *histories, const struct streams *streams,
                      struct failure_prior *prior, const char *only)
{
    struct judgement sum = {0};
    double n = 0;
    for (size_t i = 0; i < histories->n; i++) {
        const struct history *history = &histories->rows[i];
        if (only != NULL && strcmp(only, history->set) != 0) {
            continue;
        }
        AUTO_FREE double *p = mem_array(history->n_runs, sizeof(*p));
        train(streams, UINT64_C(1) << i, &prior->net);
        replay(history, prior, p);
        struct judgement scores = judge(history, p);
        print_scores(history->set, history->name, &scores);
        sum.auc += scores.auc;
        sum.precision += scores.precision;
        sum.skill += scores.skill;
        sum.f1 += scores.f1;
        sum.ece += scores.ece;
        n++;
        if (i + 1 == histories->n || strcmp(history->set, history[1].set) != 0) {
            sum = (struct judgement){sum.auc / n, sum.precision / n, sum.skill / n,
                                     sum.f1 / n, sum.ece / n};
            print_scores(history->set, "mean", &sum);
            sum = (struct judgement){0};
            n = 0;
        }
    }
}

int main(int argc, char **argv)
{
    bool is_judge = argc >= 3 && strcmp(argv[1], "--judge") == 0;
    struct histories *histories = mem_alloc(sizeof(*histories));
    struct streams *streams = mem_alloc(sizeof(*streams));
    struct failure_prior *prior = mem_alloc(sizeof(*prior));
    struct rng rng;
    if (argc < 2 || argc > (is_judge ? 4 : 2)) {
        fputs("usage: train_failure DIR | train_failure --judge DIR [SET]\n", stderr);
        return 2;
    }
    histories_load(histories, argv[is_judge ? 2 : 1]);
    rng_init(&rng, SEED);
    for (size_t i = 0; i < histories->n; i++) {
        add_plain(streams, histories, i, &rng);
    }
    for (size_t i = 0; i < MIXED; i++) {
        add_mixed(streams, histories, &rng);
    }
    measure(streams, prior);
    for (size_t i = 0; i < streams->n; i++) {
        for (size_t j = 0; j < streams->rows[i].n; j++) {
            float *inputs = streams->rows[i].inputs[j];
            failure_standardise(prior, inputs);
            for (size_t input = 0; input < FAILURE_SHARED; input++) {
                inputs[input] = is_of_group(input) ? 0 : inputs[input];
            }
        }
    }
    if (is_judge) {
        judge_all(histories, streams, prior, argc == 4 ? argv[3] : NULL);
    } else {
        train(streams, 0, &prior->net);
        print_prior(prior);
    }
    return 0;
}
