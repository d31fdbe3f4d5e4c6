/* SPDX-License-Identifier: MIT */

/* A theme of any bytes: findings, or a theme; and it can be brought down to any terminal.
 */
#include "tests/fuzz/fuzz.h"
#include "tui/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings;
    struct theme theme;
    findings_init(&findings);
    bool is_good = theme_parse("f", (const char *)data, size, &theme, &findings);
    MUST(is_good == findings_is_empty(&findings));
    check_findings(&findings);
    for (int depth = DEPTH_MONO; is_good && depth <= DEPTH_RGB; depth++) {
        struct theme shown = theme;
        theme_degrade(&shown, (enum colour_depth)depth);
        for (int role = 0; role < ROLE_COUNT; role++) {
            struct style style = theme_style(&shown, (enum theme_role)role, ROLE_CURSOR);
            MUST(style.fg.kind != COLOUR_KEEP && style.bg.kind != COLOUR_KEEP);
            MUST(depth != DEPTH_MONO || style.fg.kind == COLOUR_DEFAULT);
        }
    }
    findings_fini(&findings);
    return 0;
}
