/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/asset.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/recovery/classify_model.h"
#include "engine/recovery/classify_private.h"

#define LABELS_MAX  4096
#define WHOLE_MAX   16384 /* bytes of a text that the model sees whole */
#define END_MAX     4096  /* of a longer one: what was located, and its end */
#define HITS_MAX    256
#define LEARN_RATE  0.3F
#define LEARN_MOST  12.0F /* no weight grows beyond it, whatever is taught */
#define LINE_SHARE  0.2   /* of the score of the best line, for others to be shown */
#define RULE_SURE   0.5   /* weight of a rule that may be named as the reason */
#define KIND_YIELDS 0.8

struct label {
    char fingerprint[FINGERPRINT_WORD];
    enum failure_class class_;
};

struct classifier {
    const struct pattern_base *base; /* NULL: the shipped ones, until they are needed */
    struct text_model *model;        /* a copy of its own: labels teach it */
    enum failure_class classes[MODEL_CLASSES];
    struct text_model *flaky; /* likewise */
    struct template_book *book;
    struct arena *arena;        /* scratch of one call */
    struct text_reader *reader; /* NULL: not ready, and neither are the models */
    struct text_feature *features;
    struct label labels[LABELS_MAX];
    size_t n_labels, next_label; /* a ring when full */
};

/* The models are part of the program: that one does not load is a bug. */
static struct text_model *load_model(const char *name)
{
    struct err err = ERR_INIT;
    const struct asset *asset = asset_find("recovery/classify.model");
    struct text_model *model =
        asset == NULL ? NULL : text_model_load(asset->data, asset->len, name, &err);
    if (model == NULL) {
        BUG("a text model that is part of the program does not load");
    }
    return model;
}

struct classifier *classifier_new(const struct pattern_base *base)
{
    struct classifier *classifier = mem_alloc(sizeof(*classifier));
    classifier->base = base;
    classifier->book = template_book_new();
    classifier->arena = arena_new();
    return classifier;
}

/* Patterns and models are megabytes, and milliseconds: a program in which nothing fails does
 * without them. */
static void get_ready(struct classifier *classifier)
{
    if (classifier->reader != NULL) {
        return;
    }
    if (classifier->base == NULL) {
        classifier->base = pattern_builtin();
    }
    classifier->model = load_model("category");
    for (size_t k = 0; k < classifier->model->n_classes; k++) {
        if (!class_find(classifier->model->classes[k], &classifier->classes[k])) {
            BUG("the text model has a class that is none");
        }
    }
    classifier->reader = mem_alloc(sizeof(*classifier->reader));
    classifier->features = mem_array(TEXT_BUCKETS, sizeof(*classifier->features));
}

void classifier_free(struct classifier *classifier)
{
    if (classifier != NULL) {
        text_model_free(classifier->model);
        text_model_free(classifier->flaky);
        template_book_free(classifier->book);
        arena_free(classifier->arena);
        free(classifier->reader);
        free(classifier->features);
        free(classifier);
    }
}

/* ---- the text ---------------------------------------------------------------------- */

struct evidence {
    const char *text;
    size_t len;
    struct located lines[LOCATE_LINES];
    size_t n_lines;
    const char *seen; /* what the model and the rules look at */
    size_t n_seen;
    bool is_empty;
};

static bool has_letters(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z')) {
            return true;
        }
    }
    return false;
}

/* The located lines in their order and the end of the text. */
static void cut_text(struct classifier *classifier, struct evidence *evidence)
{
    size_t end = evidence->len - END_MAX, at = 0;
    bool taken[LOCATE_LINES] = {false};
    char *out =
        arena_alloc(classifier->arena, LOCATE_LINES * (PATTERN_LINE_MAX + 1) + END_MAX);
    for (size_t round = 0; round < evidence->n_lines; round++) {
        size_t next = evidence->n_lines;
        for (size_t i = 0; i < evidence->n_lines; i++) {
            if (!taken[i] && (next == evidence->n_lines ||
                              evidence->lines[i].at < evidence->lines[next].at)) {
                next = i;
            }
        }
        const struct located *line = &evidence->lines[next];
        taken[next] = true;
        if (line->at < end) {
            size_t n = line->len < PATTERN_LINE_MAX ? line->len : PATTERN_LINE_MAX;
            memcpy(out + at, evidence->text + line->at, n);
            out[at + n] = '\n';
            at += n + 1;
        }
    }
    memcpy(out + at, evidence->text + end, END_MAX);
    evidence->seen = out;
    evidence->n_seen = at + END_MAX;
}

static void find_evidence(struct classifier *classifier,
                          const struct failure_input *input, struct evidence *evidence)
{
    memset(evidence, 0, sizeof(*evidence));
    evidence->text = input->text == NULL ? "" : input->text;
    evidence->len = input->text == NULL ? 0 : input->len;
    if (!has_letters(evidence->text, evidence->len) && input->summary != NULL) {
        evidence->text = input->summary;
        evidence->len = strlen(input->summary);
    }
    evidence->is_empty = !has_letters(evidence->text, evidence->len);
    if (evidence->is_empty) {
        return;
    }
    evidence->n_lines = locate(classifier->base, evidence->text, evidence->len,
                               classifier->arena, evidence->lines, LOCATE_LINES);
    evidence->seen = evidence->text;
    evidence->n_seen = evidence->len;
    if (evidence->len > WHOLE_MAX) {
        cut_text(classifier, evidence);
    }
}

/* Scaled features of what is seen, in classifier->features. */
static size_t find_features(const struct classifier *classifier,
                            const struct text_model *model, struct text_reader *reader,
                            struct text_feature *features, const char *text, size_t len)
{
    size_t n = text_features(reader, classifier->base, text, len, features), kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (model->idf[features[i].bucket] > 0) {
            features[kept++] = features[i];
        }
    }
    text_model_scale(model->idf, model->scale, features, kept);
    return kept;
}

/* What the text alone says; nothing at all when there is none. */
static void judge_text(struct classifier *classifier, const struct evidence *evidence,
                       double p[CLASS_COUNT])
{
    double of_model[MODEL_CLASSES];
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        p[i] = evidence->is_empty ? 1.0 / CLASS_COUNT : 1e-4;
    }
    if (evidence->is_empty) {
        return;
    }
    size_t n = find_features(classifier, classifier->model, classifier->reader,
                             classifier->features, evidence->seen, evidence->n_seen);
    text_model_apply(classifier->model, classifier->features, n, of_model);
    for (size_t k = 0; k < classifier->model->n_classes; k++) {
        p[classifier->classes[k]] = of_model[k];
    }
}

/* ---- joining ----------------------------------------------------------------------- */

/* Both sources are taken as independent: what one says is multiplied with what the other says. */
static void join(double p[CLASS_COUNT], const struct exact *exact)
{
    double sum = 0;
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (exact->confidence > 0) {
            p[i] *= i == exact->class_ ? exact->confidence
                                       : (1 - exact->confidence) / (CLASS_COUNT - 1);
        }
        sum += p[i];
    }
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        p[i] /= sum;
    }
}

static enum failure_class best_class(const double p[CLASS_COUNT])
{
    size_t best = 0;
    for (size_t i = 1; i < CLASS_COUNT; i++) {
        best = p[i] > p[best] ? i : best;
    }
    return (enum failure_class)best;
}

/* The strongest rule that matches and speaks for the class; NULL = none. */
static const struct pattern *best_rule(const struct classifier *classifier,
                                       const struct evidence *evidence,
                                       enum failure_class class_)
{
    struct pattern_hit hits[HITS_MAX];
    const struct pattern *best = NULL;
    size_t n = evidence->is_empty ? 0
                                  : pattern_scan(classifier->base, evidence->seen,
                                                 evidence->n_seen, hits, HITS_MAX);
    for (size_t i = 0; i < n && i < HITS_MAX; i++) {
        if (hits[i].pattern->class_ == class_ &&
            (best == NULL || hits[i].pattern->weight > best->weight)) {
            best = hits[i].pattern;
        }
    }
    return best;
}

/* What the kind of the step says is only a guess: a rule that is sure of the text knows. */
static bool has_sure_rule(const struct classifier *classifier,
                          const struct evidence *evidence)
{
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        const struct pattern *rule =
            best_rule(classifier, evidence, (enum failure_class)i);
        if (rule != NULL && rule->weight >= KIND_YIELDS) {
            return true;
        }
    }
    return false;
}

/* How often the same again passes, by class: what is assumed where no rule says it, and what
 * the history of each class then corrects (engine/decision). */
static const struct {
    double flaky;
    enum severity severity;
} of_class[CLASS_COUNT] = {
    [CLASS_UNKNOWN] = {.3,  SEVERITY_MEDIUM},
      [CLASS_TEST] = {.15, SEVERITY_MEDIUM},
    [CLASS_COMPILE] = {.02, SEVERITY_MEDIUM},
      [CLASS_LINT] = {.01, SEVERITY_LOW   },
    [CLASS_DEPENDENCY] = {.15, SEVERITY_MEDIUM},
      [CLASS_CONFIG] = {.03, SEVERITY_MEDIUM},
    [CLASS_NETWORK] = {.8,  SEVERITY_MEDIUM},
      [CLASS_TIMEOUT] = {.5,  SEVERITY_MEDIUM},
    [CLASS_RESOURCE] = {.35, SEVERITY_HIGH  },
      [CLASS_CRASH] = {.25, SEVERITY_MEDIUM},
    [CLASS_INFRA] = {.8,  SEVERITY_HIGH  },
      [CLASS_VCS] = {.2,  SEVERITY_MEDIUM},
    [CLASS_AUTH] = {.05, SEVERITY_HIGH  },
      [CLASS_QUOTA] = {.6,  SEVERITY_HIGH  },
    [CLASS_FLAKY] = {.9,  SEVERITY_LOW   },
};

static double flaky_of(const double p[CLASS_COUNT], const struct pattern *rule)
{
    double sum = 0;
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        sum += p[i] * of_class[i].flaky;
    }
    return rule == NULL || isnan(rule->flaky) ? sum : .7 * rule->flaky + .3 * sum;
}

/* ---- labels ------------------------------------------------------------------------ */

static const struct label *find_label(const struct classifier *classifier,
                                      const char *fingerprint)
{
    for (size_t i = 0; i < classifier->n_labels; i++) {
        if (strcmp(classifier->labels[i].fingerprint, fingerprint) == 0) {
            return &classifier->labels[i];
        }
    }
    return NULL;
}

static void teach(struct classifier *classifier, enum failure_class class_,
                  const char *text, size_t len)
{
    struct failure_input input = {.text = text, .len = len};
    struct evidence evidence;
    get_ready(classifier);
    arena_reset(classifier->arena);
    find_evidence(classifier, &input, &evidence);
    for (size_t k = 0; k < classifier->model->n_classes && !evidence.is_empty; k++) {
        if (classifier->classes[k] == class_) {
            size_t n =
                find_features(classifier, classifier->model, classifier->reader,
                              classifier->features, evidence.seen, evidence.n_seen);
            text_model_learn(classifier->model, classifier->features, n, k, LEARN_RATE,
                             LEARN_MOST);
        }
    }
}

struct template_book *classifier_book(struct classifier *classifier)
{
    return classifier->book;
}

void classifier_label(struct classifier *classifier, const char *fingerprint,
                      enum failure_class class_, const char *text, size_t len)
{
    const struct label *known = find_label(classifier, fingerprint);
    size_t at =
        known != NULL ? (size_t)(known - classifier->labels) : classifier->next_label;
    if (known == NULL) {
        classifier->next_label = (at + 1) % LABELS_MAX;
        classifier->n_labels += classifier->n_labels < LABELS_MAX;
    }
    struct label *label = &classifier->labels[at];
    (void)snprintf(label->fingerprint, sizeof(label->fingerprint), "%s", fingerprint);
    label->class_ = class_;
    if (text != NULL) {
        teach(classifier, class_, text, len);
    }
}

/* ---- judgement --------------------------------------------------------------------- */

static void keep_lines(struct failure_judgement *judgement,
                       const struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->n_lines && i < CLASSIFY_LINES; i++) {
        const struct located *line = &evidence->lines[i];
        if (line->score < evidence->lines[0].score * LINE_SHARE) {
            break; /* they come best first */
        }
        struct failure_line *kept = &judgement->lines[judgement->n_lines++];
        struct buf clean;
        buf_init(&clean, 4 * sizeof(kept->text));
        text_clean(&clean, evidence->text + line->at,
                   line->len < 4 * sizeof(kept->text) ? line->len
                                                      : 4 * sizeof(kept->text),
                   TEXT_ONE_LINE);
        kept->line = line->line;
        (void)text_clean_into(kept->text, sizeof(kept->text), clean.data);
        buf_fini(&clean);
    }
}

/* Of the line and of what is known without reading it, not of the class: it stays the same when
 * the model learns. */
static void make_fingerprint(struct classifier *classifier,
                             const struct failure_input *input,
                             const struct evidence *evidence, const struct exact *exact,
                             char ret[FINGERPRINT_WORD])
{
    enum failure_class class_ = exact->confidence >= .9 ? exact->class_ : CLASS_UNKNOWN;
    if (evidence->n_lines > 0) {
        template_fingerprint(classifier->book, class_,
                             evidence->text + evidence->lines[0].at,
                             evidence->lines[0].len, ret);
        return;
    }
    int n = evidence->len < TEMPLATE_TEXT ? (int)evidence->len : TEMPLATE_TEXT;
    AUTO_FREE char *line =
        mem_printf("%s %s %.*s", exact->rule, input->step == NULL ? "" : input->step, n,
                   evidence->text);
    template_fingerprint(classifier->book, class_, line, strlen(line), ret);
}

static void settle(struct failure_judgement *judgement, const char *rule)
{
    (void)snprintf(judgement->rule, sizeof(judgement->rule), "%s", rule);
    judgement->category = class_category(judgement->class_);
    judgement->severity = of_class[judgement->class_].severity;
}

static void obey_label(struct failure_judgement *judgement, enum failure_class class_)
{
    memset(judgement->p, 0, sizeof(judgement->p));
    judgement->p[class_] = 1;
    judgement->class_ = class_;
    judgement->confidence = 1;
    judgement->p_flaky = flaky_of(judgement->p, NULL);
    settle(judgement, "label");
}

void classify(struct classifier *classifier, const struct failure_input *input,
              struct failure_judgement *ret_judgement)
{
    struct evidence evidence;
    struct exact exact = classify_exact(input);
    memset(ret_judgement, 0, sizeof(*ret_judgement));
    get_ready(classifier);
    arena_reset(classifier->arena);
    find_evidence(classifier, input, &evidence);
    judge_text(classifier, &evidence, ret_judgement->p);
    if (strncmp(exact.rule, "kind-", 5) == 0 && has_sure_rule(classifier, &evidence)) {
        exact = (struct exact){CLASS_UNKNOWN, 0, ""};
    }
    join(ret_judgement->p, &exact);

    enum failure_class best = best_class(ret_judgement->p);
    const struct pattern *rule = best_rule(classifier, &evidence, best);
    ret_judgement->confidence = ret_judgement->p[best];
    ret_judgement->class_ =
        ret_judgement->confidence < CLASSIFY_SURE ? CLASS_UNKNOWN : best;
    ret_judgement->p_flaky = flaky_of(ret_judgement->p, rule);
    bool is_exact = exact.confidence >= .5 && exact.class_ == best;
    bool is_rule = rule != NULL && rule->weight >= RULE_SURE;
    settle(ret_judgement, is_exact ? exact.rule : is_rule ? rule->id : "model");
    if (is_rule && !is_exact && rule->severity > ret_judgement->severity) {
        ret_judgement->severity = rule->severity;
    }

    keep_lines(ret_judgement, &evidence);
    make_fingerprint(classifier, input, &evidence, &exact, ret_judgement->fingerprint);
    const struct label *label = find_label(classifier, ret_judgement->fingerprint);
    if (label != NULL) {
        obey_label(ret_judgement, label->class_);
    }
}

double classify_flaky(struct classifier *classifier, const char *text, size_t len)
{
    get_ready(classifier);
    if (classifier->flaky == NULL) {
        classifier->flaky = load_model("flaky");
    }
    const struct text_model *model = classifier->flaky;
    AUTO_FREE struct text_reader *reader = mem_alloc(sizeof(*reader));
    AUTO_FREE struct text_feature *features = mem_array(TEXT_BUCKETS, sizeof(*features));
    double p[MODEL_CLASSES];
    size_t cut = len > MODEL_TAIL ? len - MODEL_TAIL : 0;
    size_t n = find_features(classifier, model, reader, features, text + cut, len - cut);
    text_model_apply(model, features, n, p);
    return strcmp(model->classes[0], "flaky") == 0 ? p[0] : p[1];
}
