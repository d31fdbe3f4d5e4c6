/* SPDX-License-Identifier: MIT */

/* A configuration of any bytes: findings, or settings within their ranges. */
#include "engine/control/config.h"
#include "tests/fuzz/fuzz.h"

static void check_config(const struct config *c)
{
    MUST(is_harmless(c->environment));
    MUST(c->store[0] == '/');
    MUST(c->max_running >= 1 && c->max_running <= 100000);
    MUST(c->on_hangup <= HANGUP_STOP && c->ascii <= ASCII_NEVER);
    MUST(c->log_max_bytes > 0 && c->log_keep.ms > 0 && c->history_keep.ms > 0);
    MUST(c->backoff.ms > 0 && c->backoff.ms <= c->backoff_max.ms);
    MUST(c->theme[0] != '\0' && c->keys != NULL);
    for (size_t i = 0; i < c->n_pipeline_dirs; i++) {
        MUST(c->pipeline_dirs[i][0] == '/');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings;
    findings_init(&findings);
    struct config *config =
        config_parse("/etc/f.yaml", (const char *)data, size, &findings);
    MUST((config == NULL) == (findings.n > 0));
    check_findings(&findings);
    if (config != NULL) {
        check_config(config);
    }
    config_free(config);
    findings_fini(&findings);
    return 0;
}
