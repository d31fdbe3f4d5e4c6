/* SPDX-License-Identifier: MIT */

/* A file of keys of any bytes: findings and nothing changed, or keys that can be asked
 * for. What key_parse takes, key_format gives back. */
#include "tests/fuzz/fuzz.h"
#include "tui/keymap.h"

static void check_key(const uint8_t *data, size_t size)
{
    char text[KEY_TEXT_MAX], again[KEY_TEXT_MAX], label[KEY_TEXT_MAX];
    uint32_t key = 0, key_again = 0;
    size_t len = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
    if (len > 0) {
        memcpy(text, data, len);
    }
    text[len] = '\0';
    if (key_parse(text, &key)) {
        key_format(key, again);
        MUST(key_parse(again, &key_again));
        MUST(key == key_again);
        MUST(is_harmless(key_label(key, label)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings;
    findings_init(&findings);
    struct keymap *keymap = keymap_new();
    char before[4096], after[4096];
    keymap_labels(keymap, CONTEXT_GLOBAL, ACTION_QUIT, before, sizeof(before));
    bool is_good = keymap_add(keymap, "f", (const char *)data, size, &findings);
    MUST(is_good == findings_is_empty(&findings));
    check_findings(&findings);
    keymap_labels(keymap, CONTEXT_GLOBAL, ACTION_QUIT, after, sizeof(after));
    MUST(is_good || strcmp(before, after) == 0);
    keymap_free(keymap);
    findings_fini(&findings);
    check_key(data, size);
    return 0;
}
