/* SPDX-License-Identifier: MIT */

/* A profile of any bytes: findings, or one whose logs can be filled in and whose truth holds. */
#include <stdlib.h>
#include <string.h>

#include "engine/drill/profile.h"
#include "engine/drill/world.h"
#include "tests/fuzz/fuzz.h"

static void check_fault(const struct drill_fault *fault)
{
    MUST(fault->share >= 0 && fault->share <= 1);
    MUST(fault->at >= 0 && fault->at <= 1);
    MUST(fault->windows == 0 || fault->length.ms > 0);
    MUST((fault->what == DRILL_ANSWERS) == (fault->http > 0));
    for (int rung = 0; rung < RUNG_COUNT; rung++) {
        double before = drill_helps(fault, (enum rung)rung, false);
        double after = drill_helps(fault, (enum rung)rung, true);
        MUST(before >= 0 && before <= 1 && after >= 0 && after <= 1);
        MUST(!fault->needs_person || (before <= 0 && after <= 0));
    }
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct rng luck, again;
        rng_init(&luck, seed);
        rng_init(&again, seed);
        char *text = drill_text(fault, &luck), *same = drill_text(fault, &again);
        MUST(strlen(text) < EXCERPT_MAX);
        MUST(strcmp(text, same) == 0);
        free(text);
        free(same);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings;
    findings_init(&findings);
    struct drill_profile *profile =
        drill_profile_parse("/etc/p.yaml", (const char *)data, size, &findings);
    MUST((profile == NULL) == (findings.n > 0));
    check_findings(&findings);
    if (profile != NULL) {
        MUST(profile->n_pipelines > 0 && profile->config != NULL);
        MUST(profile->n_faults <= DRILL_FAULTS_MAX);
        for (size_t i = 0; i < profile->n_pipelines; i++) {
            MUST(profile->pipelines[i].pipeline != NULL);
        }
        for (size_t i = 0; i < profile->n_faults; i++) {
            check_fault(&profile->faults[i]);
        }
    }
    drill_profile_free(profile);
    findings_fini(&findings);
    return 0;
}
