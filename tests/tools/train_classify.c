/* SPDX-License-Identifier: MIT */

/*
 * The weights of the text model of failures (engine/recovery/classify_model.h).
 *
 *     train_classify DATA EXAMPLES > engine/recovery/classify.model
 *     train_classify --judge DATA EXAMPLES          each project left out once
 *
 * DATA has dev/classification/category.jsonl and flaky_veloren.jsonl; EXAMPLES
 * (tests/tools/train_examples.txt) are texts written for this purpose, "=== CLASS" above each.
 * Features are counted by the program's own code, so training and use cannot differ. Fitted is
 * the log loss with an L2 penalty by L-BFGS (Nocedal and Wright, "Numerical Optimization",
 * algorithm 7.4), classes balanced by the square root of their number; the same bytes come out
 * each time. A feature counts only when two projects have it: what only one project
 * says is its own words.
 */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/recovery/classify_model.h"

#define DOCS_MAX 8192
#define HISTORY  8
#define LINE_MIN 16 /* bytes of a line that is an example of its own */
#define FOLDS    10
#define ROUNDS   60

struct doc {
    char *id, *source, *project;
    int label;
    int fold;      /* -1: an example, never judged */
    double weight; /* of the loss */
    struct text_feature *raw;
    size_t n;
};

struct docs {
    struct doc rows[DOCS_MAX];
    size_t n;
    size_t n_classes;
    char classes[MODEL_CLASSES][MODEL_NAME];
};

struct settings {
    const char *name;
    double penalty;      /* L2 */
    double balance;      /* weight of a text: (share of its class) ^ -balance */
    double lines, rules; /* weight of a line of an example, of an example of a rule */
    int min_projects;    /* that must have a feature */
    float scale[GROUP_COUNT];
};

/* ---- reading ----------------------------------------------------------------------- */

static int find_class(const struct docs *docs, const char *word)
{
    for (size_t k = 0; k < docs->n_classes; k++) {
        if (strcmp(docs->classes[k], word) == 0) {
            return (int)k;
        }
    }
    return -1;
}

static int make_class(struct docs *docs, const char *word)
{
    int k = find_class(docs, word);
    if (k < 0) {
        k = (int)docs->n_classes++;
        (void)snprintf(docs->classes[k], MODEL_NAME, "%s", word);
    }
    return k;
}

static void add_doc(struct docs *docs, const char *id, const char *source,
                    const char *project, int label, int fold, const char *text,
                    size_t len)
{
    static struct text_reader reader;
    static struct text_feature features[TEXT_BUCKETS];
    if (docs->n == DOCS_MAX) {
        return;
    }
    struct doc *doc = &docs->rows[docs->n++];
    doc->id = mem_str(id);
    doc->source = mem_str(source);
    doc->project = mem_str(project);
    doc->label = label;
    doc->fold = fold;
    doc->weight = 1;
    doc->n = text_features(&reader, pattern_builtin(), text, len, features);
    doc->raw = mem_array(doc->n, sizeof(*doc->raw));
    memcpy(doc->raw, features, doc->n * sizeof(*doc->raw));
}

static unsigned hash_text(const char *text)
{
    unsigned hash = 2166136261u;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    }
    return hash ^ hash >> 15;
}

/* Whole projects share a fold; of a source that is one project, neighbours in time do. */
static int fold_of(const char *id, const char *source, const char *project, size_t number)
{
    if (strcmp(source, "logchunks") == 0) {
        return (int)(hash_text(project) % FOLDS);
    }
    if (strcmp(source, "nodejs-reliability") == 0) {
        return (int)(number / 13 % FOLDS);
    }
    return (int)(hash_text(id) % FOLDS);
}

/* Of texts longer than `tail` only the end, when tail is not 0. */
static void read_jsonl(struct docs *docs, const char *dir, const char *name, size_t tail)
{
    AUTO_FREE char *path = mem_printf("%s/dev/classification/%s", dir, name);
    FILE *file = fopen(path, "re");
    AUTO_FREE char *line = NULL;
    size_t cap = 0, of_source = 0;
    ssize_t n;
    if (file == NULL) {
        (void)fprintf(stderr, "train_classify: no %s: nothing is trained\n", path);
        exit(1);
    }
    while ((n = getline(&line, &cap, file)) > 0 && docs->n < DOCS_MAX) {
        struct err err = ERR_INIT;
        struct json *doc = json_parse(line, (size_t)n, &err);
        const char *text = json_str(doc, "text", "");
        const char *id = json_str(doc, "id", ""),
                   *source = json_str(doc, "source", "one");
        const char *project = json_str(doc, "project", id);
        size_t len = strlen(text), cut = tail > 0 && len > tail ? len - tail : 0;
        of_source += strcmp(source, "nodejs-reliability") == 0;
        add_doc(docs, id, source, project, make_class(docs, json_str(doc, "label", "")),
                fold_of(id, source, project, of_source), text + cut, len - cut);
        json_free(doc);
    }
    (void)fclose(file);
}

/* An example as a whole, and each of its lines: they are often messages that come alone. */
static void add_example(struct docs *docs, const char *word, struct buf *text, int number,
                        double of_lines)
{
    char id[32];
    int label =
        strcmp(word, "quota") == 0 ? make_class(docs, word) : find_class(docs, word);
    (void)snprintf(id, sizeof(id), "example-%d", number);
    if (label >= 0 && text->len > 0) {
        add_doc(docs, id, "example", id, label, -1, text->data, text->len);
        for (char *at = text->data; *at != '\0';) {
            size_t n = strcspn(at, "\n");
            if (n >= LINE_MIN && n + 2 < text->len) {
                add_doc(docs, id, "example", id, label, -1, at, n);
                docs->rows[docs->n - 1].weight = of_lines;
            }
            at += n + (at[n] == '\n');
        }
    }
    buf_clear(text);
}

static void read_examples(struct docs *docs, const char *path, double of_lines)
{
    FILE *file = fopen(path, "re");
    AUTO_FREE char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    char word[MODEL_NAME] = "";
    int number = 0;
    AUTO_BUF struct buf text;
    buf_init(&text, 1024 * 1024);
    if (file == NULL) {
        return;
    }
    while ((n = getline(&line, &cap, file)) > 0) {
        if (strncmp(line, "===", 3) == 0) {
            add_example(docs, word, &text, number++, of_lines);
            buf_clear(&text);
            (void)sscanf(line, "=== %23s", word);
        } else if (line[0] != '#' || number > 0) {
            (void)buf_add(&text, line, (size_t)n);
        }
    }
    add_example(docs, word, &text, number, of_lines);
    (void)fclose(file);
}

/* The text of a YAML scalar between single quotes, in place; NULL when it is none. */
static char *unquote(char *at)
{
    at += strspn(at, " ");
    if (*at != '\'') {
        at[strcspn(at, "\n")] = '\0';
        return *at == '\0' || *at == '|' || *at == '"' ? NULL : at;
    }
    char *from = at + 1, *to = at;
    while (*from != '\0' && !(from[0] == '\'' && from[1] != '\'')) {
        from += *from == '\'' ? 1 : 0;
        *to++ = *from++;
    }
    *to = '\0';
    return at;
}

/* The examples of the rules: what the tools print, each with the class of its rule. */
static void read_rule_file(struct docs *docs, const char *path, double weight)
{
    FILE *file = fopen(path, "re");
    AUTO_FREE char *line = NULL;
    size_t cap = 0;
    char id[64] = "", word[MODEL_NAME] = "";
    bool is_in_examples = false;
    while (file != NULL && getline(&line, &cap, file) > 0) {
        (void)sscanf(line, "  - id: %63s", id);
        if (sscanf(line, "    class: %23s", word) == 1 ||
            strncmp(line, "    not:", 8) == 0) {
            is_in_examples = false;
        }
        if (strncmp(line, "    examples:", 13) == 0) {
            is_in_examples = true;
        } else if (is_in_examples && strncmp(line, "      - ", 8) == 0) {
            const char *text = unquote(line + 8);
            int label = find_class(docs, word);
            if (text != NULL && label >= 0) {
                add_doc(docs, id, "example", id, label, -1, text, strlen(text));
                docs->rows[docs->n - 1].weight = weight;
            }
        } else {
            is_in_examples = is_in_examples && line[0] == ' ' && line[4] == ' ';
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void read_rules(struct docs *docs, double weight)
{
    glob_t files;
    if (glob("engine/recovery/patterns/*.yaml", 0, NULL, &files) == 0) {
        for (size_t i = 0; i < files.gl_pathc; i++) {
            read_rule_file(docs, files.gl_pathv[i], weight);
        }
        globfree(&files);
    }
}

/* ---- fitting ----------------------------------------------------------------------- */

struct row {
    struct text_feature *features;
    size_t n;
    int label;
    float weight;
};

struct problem {
    struct row *rows;
    size_t n_rows, n_classes, n_weights; /* the last n_classes are the bias */
    double penalty;
    float (*p)[MODEL_CLASSES];
};

static void row_logits(const struct problem *problem, const struct row *row,
                       const float *w, float out[MODEL_CLASSES])
{
    memcpy(out, w + TEXT_BUCKETS * MODEL_CLASSES, sizeof(float) * MODEL_CLASSES);
    for (size_t i = 0; i < row->n; i++) {
        const float *at = w + (size_t)row->features[i].bucket * MODEL_CLASSES;
        float value = row->features[i].value;
        for (size_t k = 0; k < MODEL_CLASSES; k++) {
            out[k] += at[k] * value;
        }
    }
    (void)problem;
}

static double softmax(float *logits, size_t n, int label)
{
    double top = -1e30, sum = 0;
    for (size_t k = 0; k < n; k++) {
        top = (double)logits[k] > top ? (double)logits[k] : top;
    }
    for (size_t k = 0; k < n; k++) {
        sum += exp((double)logits[k] - top);
    }
    double loss = log(sum) + top - (double)logits[label];
    for (size_t k = 0; k < n; k++) {
        logits[k] = (float)(exp((double)logits[k] - top) / sum);
    }
    return loss;
}

/* Loss at w and its gradient. */
static double evaluate(const struct problem *problem, const float *w, float *gradient)
{
    double loss = 0;
    for (size_t i = 0; i < problem->n_weights; i++) {
        bool is_bias = i >= TEXT_BUCKETS * MODEL_CLASSES;
        gradient[i] = is_bias ? 0 : (float)problem->penalty * w[i];
        loss += is_bias ? 0 : problem->penalty / 2 * (double)w[i] * (double)w[i];
    }
    for (size_t r = 0; r < problem->n_rows; r++) {
        const struct row *row = &problem->rows[r];
        float p[MODEL_CLASSES];
        row_logits(problem, row, w, p);
        loss += (double)row->weight * softmax(p, problem->n_classes, row->label);
        p[row->label] -= 1;
        for (size_t k = 0; k < MODEL_CLASSES; k++) {
            p[k] = k < problem->n_classes ? p[k] * row->weight : 0;
        }
        for (size_t i = 0; i < row->n; i++) {
            float *at = gradient + (size_t)row->features[i].bucket * MODEL_CLASSES;
            float value = row->features[i].value;
            for (size_t k = 0; k < MODEL_CLASSES; k++) {
                at[k] += p[k] * value;
            }
        }
        float *bias = gradient + TEXT_BUCKETS * MODEL_CLASSES;
        for (size_t k = 0; k < MODEL_CLASSES; k++) {
            bias[k] += p[k];
        }
    }
    return loss;
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

struct memory {
    float *s[HISTORY], *y[HISTORY];
    double rho[HISTORY];
    size_t n; /* pairs ever kept */
};

/* direction = -H gradient, the two-loop recursion. */
static void find_direction(const struct memory *m, const float *gradient,
                           float *direction, size_t n)
{
    double alpha[HISTORY];
    size_t kept = m->n < HISTORY ? m->n : HISTORY;
    for (size_t i = 0; i < n; i++) {
        direction[i] = -gradient[i];
    }
    for (size_t j = 0; j < kept; j++) {
        size_t at = (m->n - 1 - j) % HISTORY;
        alpha[at] = m->rho[at] * dot(m->s[at], direction, n);
        for (size_t i = 0; i < n; i++) {
            direction[i] -= (float)alpha[at] * m->y[at][i];
        }
    }
    if (kept > 0) {
        size_t at = (m->n - 1) % HISTORY;
        double by = 1 / (m->rho[at] * dot(m->y[at], m->y[at], n));
        for (size_t i = 0; i < n; i++) {
            direction[i] *= (float)by;
        }
    }
    for (size_t j = kept; j-- > 0;) {
        size_t at = (m->n - 1 - j) % HISTORY;
        double beta = m->rho[at] * dot(m->y[at], direction, n);
        for (size_t i = 0; i < n; i++) {
            direction[i] += (float)(alpha[at] - beta) * m->s[at][i];
        }
    }
}

static void fit(const struct problem *problem, float *w, int rounds)
{
    size_t n = problem->n_weights;
    struct memory m = {0};
    float *gradient = mem_array(n, sizeof(float)), *next = mem_array(n, sizeof(float));
    float *direction = mem_array(n, sizeof(float)), *at = mem_array(n, sizeof(float));
    for (size_t j = 0; j < HISTORY; j++) {
        m.s[j] = mem_array(n, sizeof(float));
        m.y[j] = mem_array(n, sizeof(float));
    }
    double loss = evaluate(problem, w, gradient);
    for (int round = 0; round < rounds; round++) {
        find_direction(&m, gradient, direction, n);
        double slope = dot(direction, gradient, n), step = m.n == 0 ? .1 : 1, was = loss;
        for (int tries = 0; tries < 20; tries++, step /= 2) {
            for (size_t i = 0; i < n; i++) {
                at[i] = w[i] + (float)step * direction[i];
            }
            loss = evaluate(problem, at, next);
            if (loss <= was + 1e-4 * step * slope) {
                break;
            }
        }
        size_t slot = m.n % HISTORY;
        for (size_t i = 0; i < n; i++) {
            m.s[slot][i] = at[i] - w[i];
            m.y[slot][i] = next[i] - gradient[i];
        }
        double sy = dot(m.s[slot], m.y[slot], n);
        memcpy(w, at, n * sizeof(float));
        memcpy(gradient, next, n * sizeof(float));
        if (sy > 1e-10) {
            m.rho[slot] = 1 / sy;
            m.n++;
        }
        if (was - loss < 1e-6 * was) {
            break;
        }
    }
    for (size_t j = 0; j < HISTORY; j++) {
        free(m.s[j]);
        free(m.y[j]);
    }
    free(gradient);
    free(next);
    free(direction);
    free(at);
}

/* ---- one model --------------------------------------------------------------------- */

static bool is_in(const struct doc *doc, int fold, const char *source)
{
    if (source != NULL) {
        return doc->fold < 0 || strcmp(doc->source, source) != 0;
    }
    return doc->fold < 0 || doc->fold != fold;
}

/* In how many projects a feature is, of those that are trained on; then its idf. */
static void count_idf(const struct docs *docs, int fold, const char *source,
                      int min_projects, float idf[TEXT_BUCKETS])
{
    static uint32_t last[TEXT_BUCKETS], seen[TEXT_BUCKETS], df[TEXT_BUCKETS];
    size_t n = 0;
    memset(last, 0, sizeof(last));
    memset(seen, 0, sizeof(seen));
    memset(df, 0, sizeof(df));
    for (size_t d = 0; d < docs->n; d++) {
        const struct doc *doc = &docs->rows[d];
        if (!is_in(doc, fold, source)) {
            continue;
        }
        uint32_t mark = hash_text(doc->project) | 1;
        n++;
        for (size_t i = 0; i < doc->n; i++) {
            uint32_t bucket = doc->raw[i].bucket;
            df[bucket]++;
            seen[bucket] +=
                last[bucket] != mark; /* projects come together in the files */
            last[bucket] = mark;
        }
    }
    for (size_t i = 0; i < TEXT_BUCKETS; i++) {
        enum text_group group = text_group_of((uint32_t)i);
        bool is_used = seen[i] >= (group >= GROUP_RULES ? 1u : (uint32_t)min_projects);
        float value = logf((1 + (float)n) / (1 + (float)df[i])) + 1;
        value = group >= GROUP_RULES ? 1 : value;
        idf[i] = is_used ? roundf(value * MODEL_IDF_UNIT) / MODEL_IDF_UNIT : 0;
    }
}

static size_t used_features(const struct doc *doc, const float *idf, const float *scale,
                            struct text_feature *out)
{
    size_t n = 0;
    for (size_t i = 0; i < doc->n; i++) {
        if (idf[doc->raw[i].bucket] > 0) {
            out[n++] = doc->raw[i];
        }
    }
    text_model_scale(idf, scale, out, n);
    return n;
}

/* Weights for all but one fold or source. */
static void train(const struct docs *docs, int fold, const char *source,
                  const struct settings *settings, float *idf, float *w)
{
    struct problem problem = {.n_classes = docs->n_classes,
                              .n_weights = (TEXT_BUCKETS + 1) * MODEL_CLASSES,
                              .penalty = settings->penalty};
    double per_class[MODEL_CLASSES] = {0}, all = 0;
    problem.rows = mem_array(docs->n, sizeof(*problem.rows));
    count_idf(docs, fold, source, settings->min_projects, idf);
    for (size_t d = 0; d < docs->n; d++) {
        const struct doc *doc = &docs->rows[d];
        if (is_in(doc, fold, source)) {
            struct row *row = &problem.rows[problem.n_rows++];
            row->features = mem_array(doc->n, sizeof(*row->features));
            row->n = used_features(doc, idf, settings->scale, row->features);
            row->label = doc->label;
            row->weight = (float)doc->weight;
            per_class[doc->label] += (double)row->weight;
            all += (double)row->weight;
        }
    }
    for (size_t r = 0; r < problem.n_rows; r++) {
        double share = per_class[problem.rows[r].label] * (double)docs->n_classes / all;
        problem.rows[r].weight *= (float)pow(share, -settings->balance);
    }
    memset(w, 0, problem.n_weights * sizeof(float));
    fit(&problem, w, ROUNDS);
    for (size_t r = 0; r < problem.n_rows; r++) {
        free(problem.rows[r].features);
    }
    free(problem.rows);
}

static void predict(const struct docs *docs, const struct doc *doc, const float *idf,
                    const struct settings *settings, const float *w,
                    float logits[MODEL_CLASSES])
{
    static struct text_feature features[TEXT_BUCKETS];
    struct problem problem = {.n_classes = docs->n_classes};
    struct row row = {features, used_features(doc, idf, settings->scale, features), 0, 1};
    row_logits(&problem, &row, w, logits);
}

/* ---- judging ----------------------------------------------------------------------- */

/* Softmax of softened logits, a share of it spread; returns the log loss of `label`. */
static double calibrate(const struct docs *docs, const float logits[MODEL_CLASSES],
                        double softness, double doubt, int label, float p[MODEL_CLASSES])
{
    for (size_t k = 0; k < docs->n_classes; k++) {
        p[k] = logits[k] / (float)softness;
    }
    (void)softmax(p, docs->n_classes, label);
    for (size_t k = 0; k < docs->n_classes; k++) {
        p[k] = (float)((1 - doubt) * (double)p[k] + doubt / (double)docs->n_classes);
    }
    return -log((double)p[label]);
}

static double log_loss(const struct docs *docs, float (*logits)[MODEL_CLASSES],
                       double softness, double doubt)
{
    double sum = 0;
    for (size_t d = 0; d < docs->n; d++) {
        float p[MODEL_CLASSES];
        if (docs->rows[d].fold < 0) {
            continue;
        }
        sum += calibrate(docs, logits[d], softness, doubt, docs->rows[d].label, p);
    }
    return sum;
}

static void find_softness(const struct docs *docs, float (*logits)[MODEL_CLASSES],
                          double *ret_softness, double *ret_doubt)
{
    double least = 1e30;
    for (double s = .1; s < 4; s *= 1.03) {
        for (double doubt = .002; doubt < .2; doubt *= 1.3) {
            double loss = log_loss(docs, logits, s, doubt);
            if (loss < least) {
                least = loss;
                *ret_softness = s;
                *ret_doubt = doubt;
            }
        }
    }
}

/* Area under the curve of one class against the other, by the difference of logits. */
static double area(const struct docs *docs, float (*logits)[MODEL_CLASSES], int positive)
{
    double above = 0, pairs = 0;
    int other = 1 - positive;
    for (size_t a = 0; a < docs->n; a++) {
        for (size_t b = 0; b < docs->n; b++) {
            if (docs->rows[a].label == positive && docs->rows[b].label == other) {
                float x = logits[a][positive] - logits[a][other];
                float y = logits[b][positive] - logits[b][other];
                above += x > y ? 1 : x == y ? .5 : 0;
                pairs++;
            }
        }
    }
    return above / pairs;
}

/* Of one of two classes. */
static double f1_of(const struct docs *docs, float (*logits)[MODEL_CLASSES], int positive)
{
    double right = 0, said = 0, is = 0;
    for (size_t d = 0; d < docs->n; d++) {
        bool says = logits[d][positive] > logits[d][1 - positive];
        said += says;
        is += docs->rows[d].label == positive;
        right += says && docs->rows[d].label == positive;
    }
    return 2 * right / (said + is);
}

struct tally {
    double right[MODEL_CLASSES], said[MODEL_CLASSES], is[MODEL_CLASSES];
    double sure[10], hits[10], n, ok;
};

static void count(const struct docs *docs, const struct doc *doc, const float *p,
                  struct tally *tally)
{
    int best = 0;
    for (size_t k = 1; k < docs->n_classes; k++) {
        best = p[k] > p[best] ? (int)k : best;
    }
    int bin = (int)(p[best] * 10) > 9 ? 9 : (int)(p[best] * 10);
    tally->n++;
    tally->is[doc->label]++;
    tally->said[best]++;
    tally->right[doc->label] += best == doc->label;
    tally->ok += best == doc->label;
    tally->sure[bin] += (double)p[best];
    tally->hits[bin] += best == doc->label;
}

static void report(const struct docs *docs, float (*logits)[MODEL_CLASSES],
                   double softness, double doubt, const char *only)
{
    struct tally tally = {0};
    double f1 = 0, n_f1 = 0, ece = 0;
    for (size_t d = 0; d < docs->n; d++) {
        const struct doc *doc = &docs->rows[d];
        float p[MODEL_CLASSES];
        if (doc->fold >= 0 && (only == NULL || strcmp(only, doc->source) == 0)) {
            (void)calibrate(docs, logits[d], softness, doubt, doc->label, p);
            count(docs, doc, p, &tally);
        }
    }
    for (size_t k = 0; k < docs->n_classes; k++) {
        double f =
            tally.is[k] > 0 ? 2 * tally.right[k] / (tally.is[k] + tally.said[k]) : 0;
        f1 += f;
        n_f1 += tally.is[k] > 0;
        if (only == NULL && tally.is[k] > 0) {
            printf("  %-12s n %3g F1=%.3f\n", docs->classes[k], tally.is[k], f);
        }
    }
    for (int b = 0; b < 10; b++) {
        ece += fabs(tally.sure[b] - tally.hits[b]) / tally.n;
    }
    printf("%-24s n %3g accuracy=%.4f macro_F1=%.4f ECE=%.4f\n",
           only == NULL ? "all" : only, tally.n, tally.ok / tally.n, f1 / n_f1, ece);
}

static void predict_fold(const struct docs *docs, int fold, const char *source,
                         const struct settings *settings, float (*logits)[MODEL_CLASSES])
{
    float *w = mem_array((TEXT_BUCKETS + 1) * MODEL_CLASSES, sizeof(float));
    float *idf = mem_array(TEXT_BUCKETS, sizeof(float));
    train(docs, fold, source, settings, idf, w);
    for (size_t d = 0; d < docs->n; d++) {
        const struct doc *doc = &docs->rows[d];
        if (doc->fold >= 0 && !is_in(doc, fold, source)) {
            predict(docs, doc, idf, settings, w, logits[d]);
        }
    }
    free(w);
    free(idf);
}

/* Each project (or fold) left out once; how well, and what calibrates it. */
static void cross_validate(const struct docs *docs, const struct settings *settings,
                           bool is_judged, double *ret_softness, double *ret_doubt)
{
    static const char *const sources[] = {"logchunks", "nodejs-reliability",
                                          "elastic-recheck", "pytorch-log-classifier"};
    float(*logits)[MODEL_CLASSES] = mem_array(docs->n, sizeof(*logits));
    for (int fold = 0; fold < FOLDS; fold++) {
        predict_fold(docs, fold, NULL, settings, logits);
    }
    find_softness(docs, logits, ret_softness, ret_doubt);
    if (is_judged) {
        printf("%s: whole projects left out (calibrated on the same)\n", settings->name);
        report(docs, logits, *ret_softness, *ret_doubt, NULL);
    }
    if (is_judged && docs->n_classes == 2) {
        printf("AUC=%.4f flaky_F1=%.4f\n", area(docs, logits, find_class(docs, "flaky")),
               f1_of(docs, logits, find_class(docs, "flaky")));
    } else if (is_judged) {
        for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
            report(docs, logits, *ret_softness, *ret_doubt, sources[i]);
        }
        for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
            predict_fold(docs, FOLDS, sources[i], settings, logits);
        }
        printf("%s: whole sources left out\n", settings->name);
        report(docs, logits, *ret_softness, *ret_doubt, NULL);
    }
    free(logits);
}

/* ---- writing ----------------------------------------------------------------------- */

static float find_step(const float *w, enum text_group group)
{
    float most = 1e-6F;
    for (size_t i = 0; i < TEXT_BUCKETS; i++) {
        for (size_t k = 0; k < MODEL_CLASSES && text_group_of((uint32_t)i) == group;
             k++) {
            float size = fabsf(w[i * MODEL_CLASSES + k]);
            most = size > most ? size : most;
        }
    }
    return most / (float)MODEL_STEPS;
}

/* Weights are rounded to steps. Rows of zeros stay: their idf is part of a group's length. */
static void write_model(const struct docs *docs, const struct settings *settings,
                        const float *idf, const float *w, double softness, double doubt)
{
    const float *bias = w + TEXT_BUCKETS * MODEL_CLASSES;
    float steps[GROUP_COUNT];
    printf("model %s %zu %.4f %.4f\n", settings->name, docs->n_classes, softness, doubt);
    for (size_t k = 0; k < docs->n_classes; k++) {
        printf("class %s %.4f\n", docs->classes[k], (double)bias[k]);
    }
    printf("scale");
    for (int g = 0; g < GROUP_COUNT; g++) {
        printf(" %g", (double)settings->scale[g]);
    }
    printf("\nstep");
    for (int g = 0; g < GROUP_COUNT; g++) {
        steps[g] = find_step(w, (enum text_group)g);
        printf(" %.6f", (double)steps[g]);
    }
    putchar('\n');
    for (size_t i = 0; i < TEXT_BUCKETS; i++) {
        const float *row = w + i * MODEL_CLASSES;
        if (idf[i] == 0) {
            continue;
        }
        printf("%zu %ld ", i, lroundf(idf[i] * MODEL_IDF_UNIT));
        for (size_t k = 0; k < docs->n_classes; k++) {
            putchar(MODEL_ZERO_CHAR +
                    (int)lroundf(row[k] / steps[text_group_of((uint32_t)i)]));
        }
        putchar('\n');
    }
    puts("end");
}

static void make_model(const struct docs *docs, const struct settings *settings,
                       bool is_judged)
{
    double softness = 1, doubt = 0;
    cross_validate(docs, settings, is_judged, &softness, &doubt);
    if (!is_judged) {
        float *w = mem_array((TEXT_BUCKETS + 1) * MODEL_CLASSES, sizeof(float));
        float *idf = mem_array(TEXT_BUCKETS, sizeof(float));
        train(docs, FOLDS, NULL, settings, idf, w);
        write_model(docs, settings, idf, w, softness, doubt);
        free(w);
        free(idf);
    }
}

int main(int argc, char **argv)
{
    static const struct settings category = {
        .name = "category",
        .penalty = .05,
        .balance = .5,
        .lines = .3,
        .rules = .05,
        .min_projects = 2,
        .scale = {1, 1, .7F, .7F, .4F, .2F},
    };
    static const struct settings flaky = {
        .name = "flaky",
        .penalty = .1,
        .balance = .5,
        .min_projects = 1,
        .scale = {1, 1, .7F, .7F, .7F, .2F},
    };
    static struct docs texts, logs;
    bool is_judged = argc == 4 && strcmp(argv[1], "--judge") == 0;
    if (argc != 3 && !is_judged) {
        (void)fprintf(stderr, "usage: train_classify [--judge] DATA EXAMPLES\n");
        return 2;
    }
    read_jsonl(&texts, argv[argc - 2], "category.jsonl", 0);
    read_examples(&texts, argv[argc - 1], category.lines);
    read_rules(&texts, category.rules);
    read_jsonl(&logs, argv[argc - 2], "flaky_veloren.jsonl", MODEL_TAIL);
    if (!is_judged) {
        printf("signalbox-text-model 1\n");
    }
    make_model(&texts, &category, is_judged);
    make_model(&logs, &flaky, is_judged);
    return 0;
}
