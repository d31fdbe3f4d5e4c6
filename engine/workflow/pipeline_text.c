/* SPDX-License-Identifier: MIT */

/* Parts of a pipeline as people read them. */
#include "engine/base/buf.h"
#include "engine/workflow/pipeline.h"

const char *pipeline_check_names(const struct pipeline *pipeline, uint64_t checks,
                                 char ret_text[CHECKS_TEXT_MAX])
{
    struct buf text;
    int n_more = 0;
    buf_init(&text, CHECKS_TEXT_MAX * 4);
    for (size_t i = 0; i < pipeline->n_checks && i < PIPELINE_STEPS_MAX; i++) {
        if ((checks >> i & 1) == 0) {
            continue;
        }
        if (text.len + strlen(pipeline->checks[i].name) + 24 > CHECKS_TEXT_MAX) {
            n_more++;
            continue;
        }
        (void)buf_printf(&text, "%s'%s'", text.len > 0 ? ", " : "",
                         pipeline->checks[i].name);
    }
    if (n_more > 0) {
        (void)buf_printf(&text, " and %d more", n_more);
    }
    (void)snprintf(ret_text, CHECKS_TEXT_MAX, "%s",
                   text.len > 0 ? text.data : "the checks of the forge");
    buf_fini(&text);
    return ret_text;
}
