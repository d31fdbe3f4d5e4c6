/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_CLASSIFY_H
#define SIGNALBOX_RECOVERY_CLASSIFY_H

/*
 * Classify: what kind of failure this is, how sure that is, and which lines say so.
 *
 * Layers, each with its evidence, joined into one distribution over classes:
 *   1. what an operator said of this fingerprint (a label): certain
 *   2. exact knowledge: status of the effect, exit status and signal, errno, HTTP answer
 *   3. patterns (pattern.h) on the lines of the text
 *   4. a linear model over hashed n-grams of the text (classify_model.h), fitted with `make train`
 * The confidence is calibrated; below CLASSIFY_SURE the class is CLASS_UNKNOWN.
 *
 * Pure and immutable but for labels; bounded: of a long text the located lines (locate.h) and its
 * end are looked at.
 */

#include "engine/recovery/locate.h"
#include "engine/recovery/template.h"
#include "engine/service/port.h"

#define CLASSIFY_SURE  0.35
#define CLASSIFY_LINES 5

/* Labels of HTTP answers. X(identifier, word, class, help) */
#define HTTP_CLASS_LIST(X)                                                               \
    X(HTTP_NOT_FOUND, "not_found", CLASS_CONFIG, "no such thing, or not to be seen")     \
    X(HTTP_AUTH, "auth", CLASS_AUTH, "no valid credentials")                             \
    X(HTTP_PERMISSION, "permission", CLASS_AUTH, "valid credentials, not allowed")       \
    X(HTTP_RATE_LIMIT, "rate_limit", CLASS_QUOTA, "too fast; goes on later")             \
    X(HTTP_QUOTA, "quota", CLASS_QUOTA,                                                  \
      "used up; goes on when somebody pays or waits long")                               \
    X(HTTP_VALIDATION, "validation", CLASS_CONFIG, "the request is wrong")               \
    X(HTTP_CONFLICT, "conflict", CLASS_VCS, "does not fit what is there")                \
    X(HTTP_SERVER_ERROR, "server_error", CLASS_INFRA, "the service failed")              \
    X(HTTP_NETWORK, "network", CLASS_NETWORK, "no answer")                               \
    X(HTTP_REDIRECT, "redirect", CLASS_CONFIG, "it has moved")
enum http_class {
#define X(id, word, class_, help) id,
    HTTP_CLASS_LIST(X)
#undef X
        HTTP_CLASS_COUNT
};
const char *http_class_word(enum http_class class_);
enum failure_class http_class_class(enum http_class class_);

struct http_field {
    const char *name, *value; /* any case */
};
struct http_facts {
    const char *method, *url;
    int status; /* 0 = no answer */
    const struct http_field *fields;
    size_t n_fields;
    const char *body; /* NUL-terminated; at most 64 KiB are looked at */
};
struct http_judgement {
    enum http_class class_;
    double confidence;
    bool is_retryable;
    double retry_after_s; /* NAN: not said */
    const char *rule;     /* static */
};
void classify_http(const struct http_facts *facts, struct wall now,
                   struct http_judgement *ret_judgement);

/* What is known of a failure. Strings may be NULL. */
struct failure_input {
    enum effect_kind kind; /* EFFECT_NONE: of no effect */
    enum effect_status status;
    enum blame blame;
    int exit_status; /* -1 unknown, 128+n by signal n */
    const char *step, *provider, *summary;
    const char *text; /* log or excerpt, any bytes */
    size_t len;
    const struct http_facts *http; /* NULL = none */
};

struct failure_line {
    size_t line;    /* from 0 */
    char text[240]; /* clean, NUL-terminated */
};

struct failure_judgement {
    enum failure_class class_;
    enum failure_category category;
    enum severity severity;
    double confidence;     /* of class_, calibrated */
    double p[CLASS_COUNT]; /* sums to 1 */
    double p_flaky;        /* chance that the same again passes, by the text alone */
    char rule[64]; /* id of what decided: pattern, "model", "label", "status" ... */
    char fingerprint[FINGERPRINT_WORD];
    struct failure_line lines[CLASSIFY_LINES]; /* best first */
    size_t n_lines;
};

struct classifier;
/* Borrows the base (NULL: pattern_builtin()). The model is the one compiled in. Both are read
 * at the first failure. */
NODISCARD struct classifier *classifier_new(const struct pattern_base *base);
void classifier_free(struct classifier *classifier); /* accepts NULL */
/* Its templates, from which fingerprints are made; to be saved and loaded with them. Borrowed. */
struct template_book *classifier_book(struct classifier *classifier);
/* What an operator says: from now on certain for this fingerprint, and a lesson for the model
 * (one step of gradient descent on `text`, bounded). */
void classifier_label(struct classifier *classifier, const char *fingerprint,
                      enum failure_class class_, const char *text, size_t len);
void classify(struct classifier *classifier, const struct failure_input *input,
              struct failure_judgement *ret_judgement);
/* Flaky or real, by the text of a job's log: ret of 0..1. */
double classify_flaky(struct classifier *classifier, const char *text, size_t len);

#endif
