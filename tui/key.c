/* SPDX-License-Identifier: MIT */
/* Names of keys; the tables of keys are in keymap.c. */
#include <strings.h>

#include "engine/base/text.h"
#include "tui/keymap.h"

struct key_name {
    uint32_t key;
    const char *name;
};

/* clang-format off */
static const struct key_name names[] = {
#define X(id, name) {id, name},
    KEYC_LIST(X)
#undef X
    {' ', "Space"},
    {',', "Comma"},
    {'<', "Lt"},
    {'#', "Hash"},
};
/* clang-format on */

static const char *name_of(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].key == code) {
            return names[i].name;
        }
    }
    return NULL;
}

static void write_code(uint32_t code, char out[16])
{
    const char *name = name_of(code);
    if (name != NULL) {
        (void)snprintf(out, 16, "%s", name);
    } else {
        out[text_encode(code, out)] = '\0';
    }
}

const char *key_format(uint32_t key, char out[KEY_TEXT_MAX])
{
    char code[16];
    write_code(KEY_CODE(key), code);
    bool is_named = (key & ~0xFFFFFFu) != 0 || name_of(KEY_CODE(key)) != NULL;
    (void)snprintf(out, KEY_TEXT_MAX, "%s%s%s%s%s%s", is_named ? "<" : "",
                   (key & KEY_MOD_CTRL) != 0 ? "C-" : "",
                   (key & KEY_MOD_ALT) != 0 ? "A-" : "",
                   (key & KEY_MOD_SHIFT) != 0 ? "S-" : "", code, is_named ? ">" : "");
    return out;
}

const char *key_label(uint32_t key, char out[KEY_TEXT_MAX])
{
    char code[16];
    uint32_t rune = KEY_CODE(key);
    if (rune == ',' || rune == '<' || rune == '#') {
        code[0] = (char)rune;
        code[1] = '\0';
    } else {
        write_code(rune, code);
    }
    bool is_caret = (key & KEY_MOD_CTRL) != 0 && rune < 0x7F && rune != ' ';
    if (is_caret && code[0] >= 'a' && code[0] <= 'z') {
        code[0] = (char)(code[0] - 'a' + 'A');
    }
    (void)snprintf(out, KEY_TEXT_MAX, "%s%s%s%s",
                   is_caret                    ? "^"
                   : (key & KEY_MOD_CTRL) != 0 ? "Ctrl-"
                                               : "",
                   (key & KEY_MOD_ALT) != 0 ? "Alt-" : "",
                   (key & KEY_MOD_SHIFT) != 0 ? "Shift-" : "", code);
    return out;
}

/* What the terminal sends for some Ctrl keys is another key. */
static bool is_other_key(uint32_t code)
{
    return code == 'i' || code == 'm' || code == 'j' || code == '[' || code == 'h';
}

static bool parse_name(const char *text, size_t len, uint32_t *ret_code)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strlen(names[i].name) == len && strncasecmp(names[i].name, text, len) == 0) {
            *ret_code = names[i].key;
            return true;
        }
    }
    return len > 0 && text_decode(text, len, ret_code) == len && *ret_code >= 0x20 &&
           *ret_code != 0x7F && text_rune_cells(*ret_code) > 0;
}

bool key_parse(const char *text, uint32_t *ret_key)
{
    size_t len = strlen(text);
    uint32_t mods = 0;
    uint32_t code;
    if (len < 3 || text[0] != '<' || text[len - 1] != '>') {
        if (text[0] == '<' || text[0] == ',' || !parse_name(text, len, &code) ||
            text_decode(text, len, &code) != len) {
            return false;
        }
        *ret_key = code;
        return true;
    }
    text++;
    len -= 2;
    while (len > 2 && text[1] == '-') {
        switch (text[0]) {
        case 'C':
            mods |= KEY_MOD_CTRL;
            break;
        case 'A':
            mods |= KEY_MOD_ALT;
            break;
        case 'S':
            mods |= KEY_MOD_SHIFT;
            break;
        default:
            return false;
        }
        text += 2;
        len -= 2;
    }
    if (!parse_name(text, len, &code)) {
        return false;
    }
    if ((mods & KEY_MOD_CTRL) != 0 && code >= 'A' && code <= 'Z') {
        code += 'a' - 'A';
    }
    if (((mods & KEY_MOD_CTRL) != 0 && is_other_key(code)) ||
        ((mods & KEY_MOD_SHIFT) != 0 && code < KEYC_FIRST)) {
        return false;
    }
    *ret_key = code | mods;
    return true;
}
