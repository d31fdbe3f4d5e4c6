/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/recovery/classify_private.h"

#define LABELS_MAX 4096

struct label {
    char fingerprint[FINGERPRINT_WORD];
    enum failure_class class_;
};

struct classifier {
    const struct pattern_base *base; /* immutable after new */
    struct label labels[LABELS_MAX];
    size_t n_labels, next_label; /* a ring when full */
};

struct classifier *classifier_new(const struct pattern_base *base)
{
    struct classifier *classifier = mem_alloc(sizeof(*classifier));
    classifier->base = base;
    return classifier;
}

void classifier_free(struct classifier *classifier)
{
    free(classifier);
}

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

void classifier_label(struct classifier *classifier, const char *fingerprint,
                      enum failure_class class_, const char *text, size_t len)
{
    (void)text;
    (void)len;
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
}

/* ---- lines ------------------------------------------------------------------------- */

struct line {
    size_t number, at, len;
};

/* The next line of text from *at on; false at the end. */
static bool next_line(const char *text, size_t len, struct line *line)
{
    size_t at = line->at + line->len;
    if (line->number != SIZE_MAX) {
        at += at < len; /* its newline */
    }
    if (at >= len) {
        return false;
    }
    const char *end = memchr(text + at, '\n', len - at);
    line->number++;
    line->at = at;
    line->len = end == NULL ? len - at : (size_t)(end - (text + at));
    return true;
}

static bool is_blank(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r')) {
        i++;
    }
    return i == len;
}

static void keep_line(struct failure_judgement *judgement, const char *text,
                      const struct line *line)
{
    struct failure_line *kept = &judgement->lines[0];
    struct buf clean;
    buf_init(&clean, sizeof(kept->text) - 1);
    text_clean(&clean, text + line->at, line->len < 960 ? line->len : 960, TEXT_ONE_LINE);
    kept->line = line->number;
    (void)snprintf(kept->text, sizeof(kept->text), "%s", clean.data);
    buf_fini(&clean);
    judgement->n_lines = 1;
}

static void read_text(const char *text, size_t len, struct failure_judgement *judgement,
                      struct exact *exact)
{
    struct line line = {SIZE_MAX, 0, 0};
    double best = -1;
    while (next_line(text, len, &line)) {
        struct exact said = classify_errno(text + line.at, line.len);
        if (!is_blank(text + line.at, line.len) && said.confidence >= best) {
            best = said.confidence;
            keep_line(judgement, text, &line);
        }
        if (said.confidence > exact->confidence) {
            *exact = said;
        }
    }
}

static void make_fingerprint(const char *line, char ret[FINGERPRINT_WORD])
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; line[i] != '\0'; i++) {
        bool is_digit = line[i] >= '0' && line[i] <= '9';
        if (is_digit && i > 0 && line[i - 1] >= '0' && line[i - 1] <= '9') {
            continue;
        }
        hash = (hash ^ (unsigned char)(is_digit ? '0' : line[i])) * 1099511628211u;
    }
    (void)snprintf(ret, FINGERPRINT_WORD, "%016llx", (unsigned long long)hash);
}

static enum severity class_severity(enum failure_class class_)
{
    switch (class_) {
    case CLASS_RESOURCE:
    case CLASS_INFRA:
    case CLASS_AUTH:
    case CLASS_QUOTA:
        return SEVERITY_HIGH;
    case CLASS_FLAKY:
    case CLASS_LINT:
        return SEVERITY_LOW;
    default:
        return SEVERITY_MEDIUM;
    }
}

static void settle(struct failure_judgement *judgement, const struct exact *exact)
{
    double rest = (1 - exact->confidence) / (CLASS_COUNT - 1);
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        judgement->p[i] = exact->confidence == 0 ? 1.0 / CLASS_COUNT : rest;
    }
    if (exact->confidence > 0) {
        judgement->p[exact->class_] = exact->confidence;
    }
    judgement->confidence = judgement->p[exact->class_];
    judgement->class_ =
        judgement->confidence < CLASSIFY_SURE ? CLASS_UNKNOWN : exact->class_;
    (void)snprintf(judgement->rule, sizeof(judgement->rule), "%s", exact->rule);
}

void classify(struct classifier *classifier, const struct failure_input *input,
              struct failure_judgement *ret_judgement)
{
    struct failure_judgement *judgement = ret_judgement;
    const char *text = input->text,
               *summary = input->summary == NULL ? "" : input->summary;
    size_t len = text == NULL ? 0 : input->len;
    struct exact exact = classify_exact(input), said = {CLASS_UNKNOWN, 0, ""};
    memset(judgement, 0, sizeof(*judgement));
    if (len == 0) {
        text = summary;
        len = strlen(summary);
    }
    read_text(text, len, judgement, &said);
    settle(judgement, exact.confidence >= said.confidence ? &exact : &said);
    make_fingerprint(judgement->n_lines > 0 ? judgement->lines[0].text : "",
                     judgement->fingerprint);
    const struct label *label = find_label(classifier, judgement->fingerprint);
    if (label != NULL) {
        struct exact certain = {label->class_, 1, "label"};
        settle(judgement, &certain);
    }
    judgement->category = class_category(judgement->class_);
    judgement->severity = class_severity(judgement->class_);
    judgement->p_flaky = judgement->class_ == CLASS_FLAKY ? .9 : .5;
}

double classify_flaky(const struct classifier *classifier, const char *text, size_t len)
{
    (void)classifier;
    (void)text;
    (void)len;
    return .5;
}
