/* SPDX-License-Identifier: MIT */

/* A configuration is whole, or there is a finding that says why not. */
#include "engine/control/config.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings;
    findings_init(&findings);
    struct config *config =
        config_parse("signalbox.yaml", (const char *)data, size, &findings);
    EXPECT((config != NULL) == findings_is_empty(&findings));
    if (config != NULL) {
        EXPECT(config->store[0] == '/');
        EXPECT(config->max_running >= 1);
    }
    config_free(config);
    findings_fini(&findings);
    return 0;
}
