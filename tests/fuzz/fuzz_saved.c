/* SPDX-License-Identifier: MIT */

/* A file of saved views of any bytes: findings, or views that are written and read the same. */
#include "tests/fuzz/fuzz.h"
#include "tui/saved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings;
    struct saved_views views, again;
    findings_init(&findings);
    bool is_good = saved_parse("f", (const char *)data, size, &views, &findings);
    MUST(is_good == findings_is_empty(&findings));
    check_findings(&findings);
    if (is_good) {
        AUTO_BUF struct buf out;
        buf_init(&out, 16u << 20);
        saved_format(&views, &out);
        MUST(saved_parse("f", out.data, out.len, &again, &findings));
        MUST(again.n == views.n);
        saved_fini(&again);
        saved_fini(&views);
    }
    findings_fini(&findings);
    return 0;
}
