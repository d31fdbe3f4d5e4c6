/* SPDX-License-Identifier: MIT */

/* A theme is whole, or there is a finding that says why not; it can always be degraded.
 */
#include "tests/fuzz/fuzz.h"
#include "tui/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum colour_depth depths[] = {DEPTH_RGB, DEPTH_256, DEPTH_16, DEPTH_8,
                                               DEPTH_MONO};
    struct findings findings;
    struct theme theme;
    findings_init(&findings);
    bool is_whole = theme_parse("x.theme", (const char *)data, size, &theme, &findings);
    EXPECT(is_whole == findings_is_empty(&findings));
    for (size_t i = 0; is_whole && i < sizeof(depths) / sizeof(depths[0]); i++) {
        theme_degrade(&theme, depths[i]);
        for (int role = 0; role < ROLE_COUNT; role++) {
            (void)theme_style(&theme, (enum theme_role)role, ROLE_CURSOR);
        }
    }
    findings_fini(&findings);
    return 0;
}
