/* SPDX-License-Identifier: MIT */

/* Any bytes as the log of a failure, as an answer of HTTP and as a model file: the judgement is a
 * distribution, what is shown of it is clean text, and nothing depends on the terminator. */
#include <math.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/recovery/classify_model.h"
#include "engine/recovery/classify_private.h"
#include "tests/fuzz/fuzz.h"

static void check_judgement(const struct failure_judgement *judgement)
{
    double sum = 0;
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        MUST(judgement->p[i] >= 0 && judgement->p[i] <= 1);
        sum += judgement->p[i];
    }
    MUST(fabs(sum - 1) < 1e-6);
    MUST((unsigned)judgement->class_ < CLASS_COUNT);
    MUST(judgement->p_flaky >= 0 && judgement->p_flaky <= 1);
    MUST(strlen(judgement->fingerprint) == FINGERPRINT_WORD - 1);
    MUST(judgement->rule[0] != '\0');
    for (size_t i = 0; i < judgement->n_lines; i++) {
        const char *text = judgement->lines[i].text;
        MUST(text_is_utf8(text, strlen(text)) && strchr(text, '\n') == NULL &&
             strchr(text, 27) == NULL);
    }
}

static void check_http(const char *text, size_t len)
{
    char body[4096];
    size_t n = len < sizeof(body) - 1 ? len : sizeof(body) - 1;
    memcpy(body, text, n);
    body[n] = '\0';
    struct http_field field = {"Retry-After", body};
    struct http_facts facts = {.url = body,
                               .status = n > 1 ? (unsigned char)body[0] * 3 : 0,
                               .fields = &field,
                               .n_fields = 1,
                               .body = body};
    struct http_judgement answer;
    classify_http(&facts, (struct wall){1700000000000}, &answer);
    MUST((unsigned)answer.class_ < HTTP_CLASS_COUNT && answer.rule != NULL);
    MUST(answer.confidence > 0 && answer.confidence <= 1);
    MUST(isnan(answer.retry_after_s) || answer.retry_after_s >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct classifier *classifier;
    struct failure_judgement judgement;
    struct err err = ERR_INIT;
    const char *text = (const char *)data;
    if (classifier == NULL) {
        classifier = classifier_new(NULL);
    }
    struct failure_input input = {
        .status = size > 0 ? (enum effect_status)(data[0] % STATUS_COUNT) : STATUS_FAILED,
        .exit_status = size > 1 ? data[1] : -1,
        .text = text,
        .len = size};
    classify(classifier, &input, &judgement);
    check_judgement(&judgement);
    double p = classify_flaky(classifier, text, size);
    MUST(p >= 0 && p <= 1);
    if (size % 7 == 0) {
        classifier_label(classifier, judgement.fingerprint,
                         (enum failure_class)(size % CLASS_COUNT), text, size);
        classify(classifier, &input, &judgement);
        check_judgement(&judgement);
        MUST(strcmp(judgement.rule, "label") == 0);
    }
    check_http(text, size);
    free(text_model_load(text, size, "a", &err));
    return 0;
}
