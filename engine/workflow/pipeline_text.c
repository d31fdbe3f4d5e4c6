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

#define DAY_MS INT64_C(86400000)

static int minute_of(struct wall at)
{
    int64_t ms = at.ms % DAY_MS;
    return (int)((ms < 0 ? ms + DAY_MS : ms) / 60000);
}

bool hours_have(struct hours hours, struct wall at)
{
    int minute = minute_of(at);
    if (hours.from == hours.to) {
        return true;
    }
    return hours.from < hours.to ? minute >= hours.from && minute < hours.to
                                 : minute >= hours.from || minute < hours.to;
}

struct wall hours_next(struct hours hours, struct wall at)
{
    if (hours_have(hours, at)) {
        return at;
    }
    int64_t midnight = at.ms - at.ms % DAY_MS;
    struct wall next = {midnight + (int64_t)hours.from * 60000};
    return next.ms >= at.ms ? next : (struct wall){next.ms + DAY_MS};
}
