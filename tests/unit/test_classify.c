/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/recovery/classify_model.h"
#include "engine/recovery/classify_private.h"

static struct failure_judgement judge(struct classifier *classifier,
                                      const struct failure_input *input)
{
    struct failure_judgement judgement;
    classify(classifier, input, &judgement);
    double sum = 0;
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        assert_true(judgement.p[i] >= 0 && judgement.p[i] <= 1);
        sum += judgement.p[i];
    }
    assert_float_equal(sum, 1, 1e-6);
    assert_true(judgement.confidence >= 0 && judgement.confidence <= 1);
    assert_true(judgement.p_flaky >= 0 && judgement.p_flaky <= 1);
    assert_int_equal(strlen(judgement.fingerprint), FINGERPRINT_WORD - 1);
    assert_true(judgement.n_lines <= CLASSIFY_LINES);
    return judgement;
}

static struct failure_judgement judge_text(struct classifier *classifier,
                                           const char *text)
{
    struct failure_input input = {.exit_status = -1, .text = text, .len = strlen(text)};
    return judge(classifier, &input);
}

/* Texts that the trainer never saw in these words. */
static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum failure_class class_;
    } cases[] = {
        {"+ ./configure\nfoo.c:3:1: error: expected ';' before '}' token\nmake: *** "
         "[foo.o] Error 1\n",                                                     CLASS_COMPILE   },
        {"FAILED test_shop.py::test_basket - assert 3 == 4\n1 failed, 8 passed in 0.4s\n",
         CLASS_TEST                                                                                        },
        {"curl: (6) Could not resolve host: mirror.example.net\n",                         CLASS_NETWORK   },
        {"cp: error writing 'x.img': No space left on device\n",                           CLASS_RESOURCE  },
        {"Segmentation fault (core dumped)\n",                                             CLASS_CRASH     },
        {"ModuleNotFoundError: No module named 'pandas'\n",                                CLASS_DEPENDENCY},
        {"CONFLICT (content): Merge conflict in lib/util.rb\nAutomatic merge failed; fix "
         "conflicts and then commit the result.\n",                               CLASS_VCS       },
        {"remote: Invalid username or password.\nfatal: Authentication failed for "
         "'https://git.example.org/x.git/'\n",                                    CLASS_AUTH      },
        {"x.js\n  1:1  error  'y' is assigned a value but never used  "
         "no-unused-vars\n\n1 problem (1 error, 0 warnings)\n",                   CLASS_LINT      },
        {"/bin/sh: 1: terraform: not found\n",                                             CLASS_CONFIG    },
        {"Build timed out (after 45 minutes). Marking the build as aborted.\n",
         CLASS_TIMEOUT                                                                                     },
        {"You have exceeded a secondary rate limit. Please wait a few minutes before you "
         "try again.\n",                                                          CLASS_QUOTA     },
    };
    struct classifier *classifier = classifier_new(NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct failure_judgement judgement = judge_text(classifier, cases[i].text);
        if (judgement.class_ != cases[i].class_) {
            print_message("%s: %s %.2f\n", cases[i].text, class_word(judgement.class_),
                          judgement.confidence);
        }
        assert_int_equal(judgement.class_, cases[i].class_);
        assert_true(judgement.n_lines > 0);
        assert_int_equal(judgement.category, class_category(judgement.class_));
    }
    classifier_free(classifier);
}

static void test_what_is_known_without_text(void **state)
{
    (void)state;
    struct classifier *classifier = classifier_new(NULL);
    struct failure_input input = {.status = STATUS_TIMED_OUT, .exit_status = -1};
    struct failure_judgement judgement = judge(classifier, &input);
    assert_int_equal(judgement.class_, CLASS_TIMEOUT);
    assert_string_equal(judgement.rule, "status-timed-out");

    input = (struct failure_input){.status = STATUS_FAILED, .exit_status = 128 + 11};
    assert_int_equal(judge(classifier, &input).class_, CLASS_CRASH);
    input.exit_status = 1;
    judgement = judge(classifier, &input);
    assert_int_equal(judgement.class_, CLASS_UNKNOWN);
    assert_true(judgement.confidence < CLASSIFY_SURE);

    struct http_facts http = {.status = 401, .body = ""};
    input.http = &http;
    assert_int_equal(judge(classifier, &input).class_, CLASS_AUTH);
    classifier_free(classifier);
}

/* A deadline that passed is a timeout, whatever the last words were. */
static void test_status_beats_text(void **state)
{
    (void)state;
    const char *text = "ok 1 - first\nok 2 - second\nrunning third\n";
    struct classifier *classifier = classifier_new(NULL);
    struct failure_input input = {.status = STATUS_TIMED_OUT,
                                  .exit_status = 128 + 9,
                                  .text = text,
                                  .len = strlen(text)};
    assert_int_equal(judge(classifier, &input).class_, CLASS_TIMEOUT);
    classifier_free(classifier);
}

static void test_fingerprints(void **state)
{
    (void)state;
    struct classifier *classifier = classifier_new(NULL);
    struct failure_judgement a = judge_text(
        classifier, "2024-01-02T03:04:05Z curl: (28) Operation timed out after 30001 "
                    "milliseconds with 0 bytes received\n");
    struct failure_judgement b = judge_text(
        classifier, "2025-11-12T13:14:15Z curl: (28) Operation timed out after 30277 "
                    "milliseconds with 12 bytes received\n");
    struct failure_judgement c =
        judge_text(classifier, "Segmentation fault (core dumped)\n");
    assert_string_equal(a.fingerprint, b.fingerprint);
    assert_string_not_equal(a.fingerprint, c.fingerprint);
    classifier_free(classifier);
}

static void test_labels(void **state)
{
    (void)state;
    const char *text = "frobnicator: the gizmo 17 has lost its wobble\n";
    const char *other = "frobnicator: some gizmo has lost its way and its wobble\n";
    struct classifier *classifier = classifier_new(NULL);
    struct failure_judgement before = judge_text(classifier, text);
    double p_other = judge_text(classifier, other).p[CLASS_INFRA];
    assert_int_not_equal(before.class_, CLASS_INFRA);
    classifier_label(classifier, before.fingerprint, CLASS_INFRA, text, strlen(text));
    struct failure_judgement after = judge_text(classifier, text);
    assert_int_equal(after.class_, CLASS_INFRA);
    assert_string_equal(after.rule, "label");
    assert_string_equal(after.fingerprint, before.fingerprint);
    assert_true(after.confidence == 1);
    /* ... and what is like it is seen in this light */
    assert_true(judge_text(classifier, other).p[CLASS_INFRA] > p_other);
    /* said again, other */
    classifier_label(classifier, before.fingerprint, CLASS_TEST, NULL, 0);
    assert_int_equal(judge_text(classifier, text).class_, CLASS_TEST);
    classifier_free(classifier);
}

static void test_long_and_strange_texts(void **state)
{
    (void)state;
    const size_t len = 3 * 1024 * 1024;
    AUTO_FREE char *text = mem_alloc(len + 1);
    struct classifier *classifier = classifier_new(NULL);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)(i * 2654435761u >> 13);
    }
    struct failure_input input = {.exit_status = -1, .text = text, .len = len};
    (void)judge(classifier, &input);
    memset(text, 'x', len);
    (void)judge(classifier, &input);
    for (size_t i = 0; i < len; i++) {
        text[i] = i % 40 == 39 ? '\n' : 'a';
    }
    const char cause[] = "\ncurl: (6) Could not resolve host: example.com\n";
    memcpy(text + len / 2, cause, sizeof(cause) - 1);
    struct failure_judgement judgement = judge(classifier, &input);
    assert_int_equal(judgement.class_, CLASS_NETWORK);
    assert_non_null(strstr(judgement.lines[0].text, "Could not resolve host"));
    classifier_free(classifier);
}

static void test_flaky(void **state)
{
    (void)state;
    const char *infra =
        "ERROR: Job failed (system failure): Cannot connect to the Docker "
        "daemon at unix:///var/run/docker.sock. Is the docker daemon "
        "running?\n";
    const char *real =
        "error[E0308]: mismatched types\n  --> src/main.rs:3:5\nerror: could "
        "not compile `app` due to previous error\nERROR: Job failed: exit "
        "code 1\n";
    struct classifier *classifier = classifier_new(NULL);
    assert_true(classify_flaky(classifier, infra, strlen(infra)) > .5);
    assert_true(classify_flaky(classifier, real, strlen(real)) < .5);
    assert_true(judge_text(classifier, infra).p_flaky >
                judge_text(classifier, real).p_flaky);
    classifier_free(classifier);
}

static void test_model_files(void **state)
{
    (void)state;
    static const char good[] = "signalbox-text-model 1\n"
                               "model a 2 1 0\nclass yes 0\nclass no 0.5\n"
                               "scale 1 1 1 1 1 1\nstep 0.1 0.1 0.1 0.1 0.1 0.1\n"
                               "7 16 ZP\nend\n";
    struct err err = ERR_INIT;
    struct text_model *model = text_model_load(good, sizeof(good) - 1, "a", &err);
    assert_non_null(model);
    struct text_feature feature = {7, 3};
    double p[MODEL_CLASSES];
    text_model_scale(model->idf, model->scale, &feature, 1);
    assert_float_equal(feature.value, 1, 1e-6);
    text_model_apply(model, &feature, 1, p);
    assert_float_equal((float)p[0], .622459F, 1e-5F);
    text_model_free(model);
    assert_null(text_model_load(good, sizeof(good) - 1, "b", &err));
    for (size_t cut = 0; cut < sizeof(good) - 2; cut++) { /* its last newline may go */
        assert_null(text_model_load(good, cut, "a", &err));
        assert_int_equal(err.code, ERR_PROTOCOL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_what_is_known_without_text),
        cmocka_unit_test(test_status_beats_text),
        cmocka_unit_test(test_fingerprints),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_long_and_strange_texts),
        cmocka_unit_test(test_flaky),
        cmocka_unit_test(test_model_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
