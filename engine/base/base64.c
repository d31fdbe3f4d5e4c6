/* SPDX-License-Identifier: MIT */
#include "engine/base/base64.h"

#include <stdint.h>
#include <string.h>

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool base64_encode(struct buf *out, const void *bytes, size_t len)
{
    const unsigned char *in = bytes;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)in[i] << 16 | (n > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                        (n > 2 ? in[i + 2] : 0);
        char group[4] = {letters[bits >> 18], letters[bits >> 12 & 63],
                         n > 1 ? letters[bits >> 6 & 63] : '=',
                         n > 2 ? letters[bits & 63] : '='};
        (void)buf_add(out, group, sizeof(group)); /* is_cut says it */
    }
    return !out->is_cut;
}

static int value_of(char c)
{
    const char *at = c != '\0' ? strchr(letters, c) : NULL;
    return at != NULL ? (int)(at - letters) : -1;
}

bool base64_decode(struct buf *out, const char *text, size_t len)
{
    uint32_t bits = 0;
    size_t n = 0; /* letters of the group */
    size_t i = 0;
    for (; i < len && text[i] != '='; i++) {
        if (text[i] == '\n' || text[i] == '\r' || text[i] == ' ' || text[i] == '\t') {
            continue;
        }
        int value = value_of(text[i]);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        if (++n == 4) {
            const char group[3] = {(char)(bits >> 16 & 255), (char)(bits >> 8 & 255),
                                   (char)(bits & 255)};
            (void)buf_add(out, group, sizeof(group)); /* is_cut says it */
            n = 0;
            bits = 0;
        }
    }
    for (; i < len; i++) {
        if (strchr("=\r\n \t", text[i]) == NULL || text[i] == '\0') {
            return false;
        }
    }
    if (n > 1) {
        const char rest[2] = {(char)(bits >> (n == 3 ? 10 : 4) & 255),
                              (char)(bits >> 2 & 255)};
        (void)buf_add(out, rest, n - 1); /* is_cut says it */
    }
    return n != 1 && !out->is_cut;
}
