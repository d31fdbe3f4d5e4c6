/* SPDX-License-Identifier: MIT */

/* A pipeline is whole, or there is a finding that says why not. */
#include "engine/base/findings.h"
#include "engine/workflow/pipeline.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings;
    findings_init(&findings);
    struct pipeline *pipeline =
        pipeline_parse("input.yaml", (const char *)data, size, &findings);
    EXPECT((pipeline != NULL) == findings_is_empty(&findings));
    if (pipeline != NULL) {
        EXPECT(pipeline->agent.argv != NULL && pipeline->agent.argv[0] != NULL);
        EXPECT(pipeline->base[0] != '\0' && pipeline->name[0] != '\0');
        EXPECT(pipeline->max_iterations >= 1 && pipeline->max_iterations <= 100);
        EXPECT(pipeline->n_checks <= PIPELINE_STEPS_MAX);
    }
    for (size_t i = 0; i < findings.n; i++) {
        char *line = finding_format(&findings.rows[i]);
        EXPECT(strncmp(line, "input.yaml:", 11) == 0 && strchr(line, '\n') == NULL);
        free(line);
    }
    pipeline_free(pipeline);
    findings_fini(&findings);
    return 0;
}
