/* SPDX-License-Identifier: MIT */

/*
 * What is known of a failure without reading its log: how the effect ended and its exit status
 * (POSIX shells: 126 and 127; coreutils timeout: 124; 128+n by signal n, signal(7)).
 */
#include "engine/recovery/classify_private.h"

static const struct {
    int exit_status;
    struct exact exact;
} exits[] = {
    {124,      {CLASS_TIMEOUT, .9, "exit-timeout"}             },
    {126,      {CLASS_CONFIG, .75, "exit-not-executable"}      },
    {127,      {CLASS_CONFIG, .85, "exit-command-not-found"}   },
    {128 + 3,  {CLASS_CRASH, .8, "signal-quit"}                },
    {128 + 4,  {CLASS_CRASH, .93, "signal-illegal-instruction"}},
    {128 + 5,  {CLASS_CRASH, .85, "signal-trap"}               },
    {128 + 6,  {CLASS_CRASH, .85, "signal-abort"}              },
    {128 + 7,  {CLASS_CRASH, .9, "signal-bus"}                 },
    {128 + 8,  {CLASS_CRASH, .93, "signal-arithmetic"}         },
    {128 + 9,  {CLASS_RESOURCE, .6, "signal-kill"}             }, /* most often the OOM killer */
    {128 + 11, {CLASS_CRASH, .95, "signal-segv"}               },
    {128 + 15, {CLASS_TIMEOUT, .45, "signal-term"}             },
    {128 + 24, {CLASS_TIMEOUT, .9, "signal-cpu-limit"}         },
    {128 + 25, {CLASS_RESOURCE, .95, "signal-file-size-limit"} },
    {128 + 31, {CLASS_CRASH, .9, "signal-bad-system-call"}     },
};

static struct exact of_status(const struct failure_input *input)
{
    switch (input->status) {
    case STATUS_TIMED_OUT:
        return (struct exact){CLASS_TIMEOUT, .97, "status-timed-out"};
    case STATUS_LOST:
        return (struct exact){CLASS_INFRA, .8, "status-lost"};
    case STATUS_REFUSED:
        return (struct exact){CLASS_CONFIG, .7, "status-refused"};
    case STATUS_DEFERRED:
        return (struct exact){CLASS_INFRA, .7, "status-deferred"};
    case STATUS_FLAKY:
        return (struct exact){CLASS_FLAKY, .97, "status-flaky"};
    default:
        return (struct exact){CLASS_UNKNOWN, 0, ""};
    }
}

/* What an effect can at all fail of, where its kind says much. */
static struct exact of_kind(const struct failure_input *input)
{
    switch (input->kind) {
    case EFFECT_WORKSPACE:
    case EFFECT_COMMIT:
    case EFFECT_MERGE:
    case EFFECT_REVERT:
        return (struct exact){CLASS_VCS, .2, "kind-vcs"};
    case EFFECT_SANDBOX:
    case EFFECT_CLEANUP:
        return (struct exact){CLASS_INFRA, .4, "kind-infra"};
    case EFFECT_SETUP:
        return (struct exact){CLASS_DEPENDENCY, .4, "kind-setup"};
    default:
        return (struct exact){CLASS_UNKNOWN, 0, ""};
    }
}

struct exact classify_exact(const struct failure_input *input)
{
    struct exact best = of_status(input);
    if (input->http != NULL) {
        struct http_judgement answer;
        classify_http(input->http, (struct wall){0}, &answer);
        if (answer.confidence > best.confidence) {
            best = (struct exact){http_class_class(answer.class_), answer.confidence,
                                  answer.rule};
        }
    }
    for (size_t i = 0; best.confidence < .5 && i < ARRAY_LEN(exits); i++) {
        if (input->exit_status == exits[i].exit_status) {
            best = exits[i].exact;
        }
    }
    if (best.confidence == 0 && input->blame == BLAME_SERVICE) {
        best = (struct exact){CLASS_INFRA, .6, "blame-service"};
    }
    return best.confidence == 0 ? of_kind(input) : best;
}
