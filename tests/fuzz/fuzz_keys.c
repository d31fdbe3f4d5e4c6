/* SPDX-License-Identifier: MIT */

/* A key file is taken whole or not at all; a key that is read is written back the same.
 */
#include "tests/fuzz/fuzz.h"
#include "tui/keymap.h"

static void check_key(const char *text)
{
    uint32_t key, again;
    char out[KEY_TEXT_MAX];
    if (key_parse(text, &key)) {
        EXPECT(key_parse(key_format(key, out), &again));
        EXPECT(key == again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[KEY_TEXT_MAX + 8];
    struct findings findings;
    struct keymap *keymap = keymap_new();
    findings_init(&findings);
    bool is_whole = keymap_add(keymap, "my.keys", (const char *)data, size, &findings);
    EXPECT(is_whole == findings_is_empty(&findings));
    findings_fini(&findings);
    keymap_free(keymap);

    size_t len = size < sizeof(text) ? size : sizeof(text) - 1;
    memcpy(text, data, len);
    text[len] = '\0';
    check_key(text);
    return 0;
}
