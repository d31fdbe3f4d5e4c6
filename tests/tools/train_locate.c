/* SPDX-License-Identifier: MIT */

/*
 * Fits the trees of engine/recovery/locate_model.c.
 *
 *   train_locate [--check] LOGS.jsonl LABELS.jsonl >engine/recovery/locate_model.c
 *
 * LOGS: {"id","log"} per line; LABELS: {"id","source","project","gold":[[first,last]..]}, lines
 * from 1: what a person (or a rule of the project) marked as the explanation of the failure.
 * --check prints instead how well logs are explained whose project was left out: hit@1, hit@5,
 * mean reciprocal rank, per source.
 *
 * Gradient boosting (Friedman, Annals of Statistics 29, 2001) of trees of one depth, with the
 * second-order step and the gain of Chen and Guestrin (XGBoost, KDD 2016). The loss is that of
 * lists (Cao et al., ICML 2007): the scores of a log's candidates are a distribution (softmax),
 * and the loss of a log is minus the logarithm of what all its gold lines get together: one of
 * them in front is enough. Each log has the same weight within its project, each project the
 * square root of its logs. Several ensembles, each of a part of the logs and features, are
 * averaged. Deterministic: the same input gives the same file.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/recovery/locate_private.h"

#define FILE_MAX ((size_t)256 << 20)
#define LOGS_MAX 2000
#define BINS     32
#define FOLDS    8
#define RANKED   10
#define BAGS     4
#define TREES    120 /* of a bag */
#define FINE     4   /* leaves are in 1/4000 while a bag grows, in 1/1000 in the end */

/* Chosen with --check; what is near to them does as well. */
#define RATE        0.08
#define LAMBDA      2.0
#define MIN_HESSIAN 0.6
#define SHARE_X     0.2 /* of the features, for a tree */
#define SHARE_LOGS  0.75

struct log_case {
    char *id, *source, *project;
    struct arena *arena;
    struct locate_candidate *candidates;
    size_t n, fold;
    bool *is_gold;
    uint8_t (*bins)[LOCATE_FEATURES];
    double weight;
};

struct corpus {
    struct log_case logs[LOGS_MAX];
    size_t n;
    int n_features;
    int16_t edges[LOCATE_FEATURES][BINS]; /* x <= edges[b] is bin <= b */
    int n_edges[LOCATE_FEATURES];
};

struct forest {
    struct locate_tree trees[1000];
    size_t n;
};

/* ---- input ---- */

static char *read_all(const char *path, size_t *ret_len)
{
    struct err err = ERR_INIT;
    char *text;
    if (!file_read(path, FILE_MAX, &text, ret_len, &err)) {
        (void)fprintf(stderr, "%s: %s\n", path, err.msg);
        exit(1);
    }
    return text;
}

typedef void each_fn(struct corpus *corpus, const struct json *line);

static void for_lines(struct corpus *corpus, const char *path, each_fn *each)
{
    size_t len;
    char *text = read_all(path, &len);
    for (char *at = text; at < text + len;) {
        char *end = memchr(at, '\n', (size_t)(text + len - at));
        end = end != NULL ? end : text + len;
        struct err err = ERR_INIT;
        struct json *line = json_parse(at, (size_t)(end - at), &err);
        if (line == NULL) {
            (void)fprintf(stderr, "%s: %s\n", path, err.msg);
            exit(1);
        }
        each(corpus, line);
        json_free(line);
        at = end + 1;
    }
    free(text);
}

static void add_label(struct corpus *corpus, const struct json *line)
{
    struct log_case *log = &corpus->logs[corpus->n++];
    log->id = mem_str(json_str(line, "id", ""));
    log->source = mem_str(json_str(line, "source", ""));
    log->project = mem_str(json_str(line, "project", ""));
    log->arena = arena_new();
    const struct json *gold = json_get(line, "gold");
    /* Kept as pairs until the log is read. */
    log->n = json_len(gold);
    log->is_gold = mem_array(log->n, 2 * sizeof(uint32_t));
    uint32_t *pairs = (uint32_t *)(void *)log->is_gold;
    for (size_t i = 0; i < log->n; i++) {
        char *pair = json_format(json_at(gold, i));
        (void)sscanf(pair, "[%u,%u]", &pairs[2 * i], &pairs[2 * i + 1]);
        free(pair);
    }
}

static void add_log(struct corpus *corpus, const struct json *line)
{
    struct log_case *log = NULL;
    for (size_t i = 0; i < corpus->n && log == NULL; i++) {
        log = strcmp(corpus->logs[i].id, json_str(line, "id", "")) == 0 ? &corpus->logs[i]
                                                                        : NULL;
    }
    if (log == NULL) {
        return;
    }
    const char *text = json_str(line, "log", "");
    char *kept = arena_str(log->arena, text);
    struct locate_log lines;
    uint32_t *pairs = (uint32_t *)(void *)log->is_gold;
    size_t n_pairs = log->n;
    locate_read(&lines, kept, strlen(kept), log->arena);
    log->n = locate_candidates(pattern_builtin(), &lines, log->arena, &log->candidates);
    log->is_gold = mem_array(log->n, sizeof(bool));
    for (size_t i = 0; i < log->n; i++) {
        for (size_t p = 0; p < n_pairs; p++) {
            log->is_gold[i] |= log->candidates[i].line + 1 >= pairs[2 * p] &&
                               log->candidates[i].line + 1 <= pairs[2 * p + 1];
        }
    }
    free(pairs);
}

static void weigh(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->n; i++) {
        size_t n = 0, first = i;
        uint64_t hash = 5381;
        for (size_t j = 0; j < corpus->n; j++) {
            bool is_same = strcmp(corpus->logs[i].project, corpus->logs[j].project) == 0;
            n += is_same;
            first = is_same && j < first ? j : first;
        }
        for (const char *c = corpus->logs[i].project; *c != '\0'; c++) {
            hash = hash * 33 + (unsigned char)*c;
        }
        corpus->logs[i].weight = 1.0 / sqrt((double)n);
        corpus->logs[i].fold = (size_t)(hash >> 3) % FOLDS;
    }
}

/* ---- bins ---- */

static int by_value(const void *a, const void *b)
{
    return *(const int16_t *)a - *(const int16_t *)b;
}

static void cut_bins(struct corpus *corpus)
{
    size_t n_all = 0;
    for (size_t i = 0; i < corpus->n; i++) {
        n_all += corpus->logs[i].n;
    }
    int16_t *values = mem_array(n_all, sizeof(*values));
    for (int f = 0; f < corpus->n_features; f++) {
        size_t n = 0;
        for (size_t i = 0; i < corpus->n; i++) {
            for (size_t j = 0; j < corpus->logs[i].n; j++) {
                values[n++] = corpus->logs[i].candidates[j].x[f];
            }
        }
        qsort(values, n, sizeof(*values), by_value);
        int n_edges = 0;
        size_t step = n / (BINS - 1) + 1;
        for (size_t at = 0; at < n && n_edges < BINS - 1;) {
            int16_t value = values[at];
            if (value == values[n - 1]) {
                break;
            }
            corpus->edges[f][n_edges++] = value;
            size_t next = at + step;
            while (next < n && values[next] == value) {
                next++;
            }
            at = next;
        }
        corpus->n_edges[f] = n_edges;
    }
    free(values);
    for (size_t i = 0; i < corpus->n; i++) {
        struct log_case *log = &corpus->logs[i];
        log->bins = mem_array(log->n, sizeof(*log->bins));
        for (size_t j = 0; j < log->n; j++) {
            for (int f = 0; f < corpus->n_features; f++) {
                int b = 0;
                while (b < corpus->n_edges[f] &&
                       log->candidates[j].x[f] > corpus->edges[f][b]) {
                    b++;
                }
                log->bins[j][f] = (uint8_t)b;
            }
        }
    }
}

/* ---- boosting ---- */

struct sample {
    const uint8_t *bins;
    double score, g, h;
    uint16_t node;
};

struct part {
    struct sample *samples; /* of all its logs, one after the other */
    const struct log_case **logs;
    size_t *first;
    size_t n_logs, n_samples;
};

static void part_new(struct part *part, const struct corpus *corpus, size_t left_out)
{
    *part = (struct part){.logs = mem_array(corpus->n, sizeof(*part->logs)),
                          .first = mem_array(corpus->n + 1, sizeof(*part->first))};
    for (size_t i = 0; i < corpus->n; i++) {
        bool has_gold = false;
        for (size_t j = 0; j < corpus->logs[i].n; j++) {
            has_gold |= corpus->logs[i].is_gold[j];
        }
        if (corpus->logs[i].fold != left_out && has_gold) {
            part->first[part->n_logs] = part->n_samples;
            part->logs[part->n_logs++] = &corpus->logs[i];
            part->n_samples += corpus->logs[i].n;
        }
    }
    part->first[part->n_logs] = part->n_samples;
    part->samples = mem_array(part->n_samples, sizeof(*part->samples));
    for (size_t i = 0; i < part->n_logs; i++) {
        for (size_t j = 0; j < part->logs[i]->n; j++) {
            part->samples[part->first[i] + j].bins = part->logs[i]->bins[j];
        }
    }
}

static void part_free(struct part *part)
{
    free(part->samples);
    free((void *)part->logs);
    free(part->first);
}

/* First and second derivative of the loss of one log; zero for one that sits this tree out. */
static void derive(const struct log_case *log, struct sample *samples, bool is_in)
{
    double most = -(double)INFINITY, sum = 0, gold = 0;
    for (size_t j = 0; j < log->n; j++) {
        most = fmax(most, samples[j].score);
    }
    for (size_t j = 0; j < log->n; j++) {
        double e = exp(samples[j].score - most);
        sum += e;
        gold += log->is_gold[j] ? e : 0;
    }
    for (size_t j = 0; j < log->n; j++) {
        double e = exp(samples[j].score - most);
        double p = e / sum, q = log->is_gold[j] ? e / gold : 0;
        double weight = is_in ? log->weight : 0;
        samples[j].g = weight * (p - q);
        samples[j].h = weight * fmax(fmax(p, q) * (1 - fmin(p, q)), 1e-6);
        samples[j].node = is_in ? 0 : UINT16_MAX;
    }
}

struct cell {
    double g, h;
};

static double gain_of(struct cell cell)
{
    return cell.g * cell.g / (cell.h + LAMBDA);
}

static struct cell (*histogram)[LOCATE_FEATURES][BINS];

static void fill(const struct part *part, const bool *uses, int n_features, size_t from,
                 size_t n_nodes)
{
    (void)memset(histogram, 0, n_nodes * sizeof(*histogram));
    for (size_t i = 0; i < part->n_samples; i++) {
        const struct sample *s = &part->samples[i];
        if (s->node == UINT16_MAX) {
            continue;
        }
        struct cell(*cells)[BINS] = histogram[s->node - from];
        for (int f = 0; f < n_features; f++) {
            if (uses[f]) {
                cells[f][s->bins[f]].g += s->g;
                cells[f][s->bins[f]].h += s->h;
            }
        }
    }
}

static void split(const struct corpus *corpus, const bool *uses, size_t node, size_t from,
                  struct locate_tree *tree, uint8_t *bin_of)
{
    double most = 1e-9;
    tree->feature[node] = 0;
    tree->threshold[node] = INT16_MAX;
    bin_of[node] = BINS;
    for (int f = 0; f < corpus->n_features; f++) {
        struct cell all = {0, 0}, left = {0, 0};
        const struct cell *cells = histogram[node - from][f];
        for (int b = 0; uses[f] && b < BINS; b++) {
            all.g += cells[b].g;
            all.h += cells[b].h;
        }
        for (int b = 0; uses[f] && b < corpus->n_edges[f]; b++) {
            left.g += cells[b].g;
            left.h += cells[b].h;
            struct cell right = {all.g - left.g, all.h - left.h};
            if (left.h < MIN_HESSIAN || right.h < MIN_HESSIAN) {
                continue;
            }
            double gain = gain_of(left) + gain_of(right) - gain_of(all);
            if (gain > most) {
                most = gain;
                tree->feature[node] = (uint8_t)f;
                tree->threshold[node] = corpus->edges[f][b];
                bin_of[node] = (uint8_t)b;
            }
        }
    }
}

static void grow(const struct corpus *corpus, struct part *part, const bool *uses,
                 struct locate_tree *tree)
{
    uint8_t bin_of[LOCATE_NODES];
    struct cell leaves[LOCATE_LEAVES] = {
        {0, 0}
    };
    for (int depth = 0; depth < LOCATE_DEPTH; depth++) {
        size_t from = ((size_t)1 << depth) - 1, n = (size_t)1 << depth;
        fill(part, uses, corpus->n_features, from, n);
        for (size_t node = from; node < from + n; node++) {
            split(corpus, uses, node, from, tree, bin_of);
        }
        for (size_t i = 0; i < part->n_samples; i++) {
            struct sample *s = &part->samples[i];
            if (s->node != UINT16_MAX) {
                bool is_right = s->bins[tree->feature[s->node]] > bin_of[s->node];
                s->node = (uint16_t)(2 * s->node + 1 + is_right);
            }
        }
    }
    for (size_t i = 0; i < part->n_samples; i++) {
        const struct sample *s = &part->samples[i];
        if (s->node != UINT16_MAX) {
            leaves[s->node - LOCATE_NODES].g += s->g;
            leaves[s->node - LOCATE_NODES].h += s->h;
        }
    }
    for (size_t i = 0; i < LOCATE_LEAVES; i++) {
        double step = -RATE * leaves[i].g / (leaves[i].h + LAMBDA);
        tree->leaf[i] = (int16_t)lrint(fmax(-8, fmin(8, step)) * LOCATE_LEAF);
    }
}

static void train(const struct corpus *corpus, size_t left_out, struct forest *forest)
{
    forest->n = 0;
    for (int bag = 0; bag < BAGS; bag++) {
        struct part part;
        struct rng rng;
        rng_init(&rng, (uint64_t)bag + 1);
        part_new(&part, corpus, left_out);
        for (int t = 0; t < TREES; t++) {
            struct locate_tree *tree = &forest->trees[forest->n++];
            bool uses[LOCATE_FEATURES];
            for (int f = 0; f < corpus->n_features; f++) {
                uses[f] = rng_unit(&rng) < SHARE_X;
            }
            for (size_t i = 0; i < part.n_logs; i++) {
                derive(part.logs[i], part.samples + part.first[i],
                       rng_unit(&rng) < SHARE_LOGS);
            }
            *tree = (struct locate_tree){{0}, {0}, {0}};
            grow(corpus, &part, uses, tree);
            for (size_t i = 0; i < part.n_logs; i++) {
                for (size_t j = 0; j < part.logs[i]->n; j++) {
                    part.samples[part.first[i] + j].score +=
                        locate_score(tree, 1, part.logs[i]->candidates[j].x);
                }
            }
        }
        part_free(&part);
    }
    for (size_t t = 0; t < forest->n; t++) {
        for (size_t i = 0; i < LOCATE_LEAVES; i++) {
            double leaf = (double)forest->trees[t].leaf[i] / BAGS;
            forest->trees[t].leaf[i] = (int16_t)lrint(leaf);
        }
    }
}

/* ---- check ---- */

struct tally {
    char source[40];
    double n, hit1, hit5, mrr, reach;
};

static size_t rank_of_gold(const struct forest *forest, const struct log_case *log)
{
    struct arena *arena = arena_new();
    uint32_t order[RANKED];
    double *scores = arena_array(arena, log->n, sizeof(*scores));
    for (size_t j = 0; j < log->n; j++) {
        scores[j] = locate_score(forest->trees, forest->n, log->candidates[j].x);
    }
    size_t n = locate_rank(log->candidates, scores, log->n, arena, order, RANKED);
    size_t rank = 0;
    for (size_t i = 0; i < n && rank == 0; i++) {
        rank = log->is_gold[order[i]] ? i + 1 : 0;
    }
    arena_free(arena);
    return rank;
}

static void tally_up(struct tally *tally, const struct log_case *log, size_t rank)
{
    bool is_reached = false;
    for (size_t j = 0; j < log->n; j++) {
        is_reached |= log->is_gold[j];
    }
    tally->n++;
    tally->reach += is_reached;
    tally->hit1 += rank == 1;
    tally->hit5 += rank >= 1 && rank <= 5;
    tally->mrr += rank > 0 ? 1.0 / (double)rank : 0;
}

static void check(const struct corpus *corpus)
{
    struct tally tallies[20] = {{.source = "all"}};
    struct forest *forest = mem_alloc(sizeof(*forest));
    for (size_t fold = 0; fold < FOLDS; fold++) {
        train(corpus, fold, forest);
        for (size_t i = 0; i < corpus->n; i++) {
            const struct log_case *log = &corpus->logs[i];
            if (log->fold != fold) {
                continue;
            }
            size_t at = 1, rank = rank_of_gold(forest, log);
            while (tallies[at].n > 0 && strcmp(tallies[at].source, log->source) != 0) {
                at++;
            }
            (void)snprintf(tallies[at].source, sizeof(tallies[at].source), "%s",
                           log->source);
            tally_up(&tallies[0], log, rank);
            tally_up(&tallies[at], log, rank);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(tallies) && tallies[i].n > 0; i++) {
        const struct tally *t = &tallies[i];
        printf("%-24s n=%.0f reach=%.3f hit@1=%.3f hit@5=%.3f MRR=%.3f\n", t->source,
               t->n, t->reach / t->n, t->hit1 / t->n, t->hit5 / t->n, t->mrr / t->n);
    }
    free(forest);
}

/* ---- output ---- */

static void print(const struct forest *forest)
{
    puts("/* SPDX-License-Identifier: MIT */\n\n"
         "/* Made by tests/tools/train_locate.c, which says how; do not edit. */\n"
         "#include \"engine/recovery/locate_private.h\"\n\n"
         "/* clang-format off */\n"
         "const struct locate_tree locate_trees[] = {");
    for (size_t t = 0; t < forest->n; t++) {
        const struct locate_tree *tree = &forest->trees[t];
        printf("    {{");
        for (int i = 0; i < LOCATE_NODES; i++) {
            printf("%s%d", i > 0 ? "," : "", tree->feature[i]);
        }
        printf("}, {");
        for (int i = 0; i < LOCATE_NODES; i++) {
            printf("%s%d", i > 0 ? "," : "", tree->threshold[i]);
        }
        printf("}, {");
        for (int i = 0; i < LOCATE_LEAVES; i++) {
            printf("%s%d", i > 0 ? "," : "", tree->leaf[i]);
        }
        printf("}},\n");
    }
    printf("};\nconst size_t locate_n_trees = %zu;\n", forest->n);
}

int main(int argc, char **argv)
{
    bool is_check = argc == 4 && strcmp(argv[1], "--check") == 0;
    if (argc != 3 && !is_check) {
        (void)fprintf(stderr, "usage: train_locate [--check] LOGS.jsonl LABELS.jsonl\n");
        return 2;
    }
    struct corpus *corpus = mem_alloc(sizeof(*corpus));
    histogram = mem_array(LOCATE_LEAVES, sizeof(*histogram));
    for_lines(corpus, argv[argc - 1], add_label);
    for_lines(corpus, argv[argc - 2], add_log);
    corpus->n_features = locate_feature_count();
    weigh(corpus);
    cut_bins(corpus);
    if (is_check) {
        check(corpus);
        return 0;
    }
    struct forest *forest = mem_alloc(sizeof(*forest));
    train(corpus, FOLDS, forest);
    print(forest);
    free(forest);
    return 0;
}
