/* SPDX-License-Identifier: MIT */
#include "engine/base/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DECIMALS 6

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool money_parse(const char *text, int64_t *ret_micros)
{
    int64_t micros = 0;
    int decimals = -1; /* no point yet */
    size_t n_digits = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '.' && decimals < 0 && n_digits > 0) {
            decimals = 0;
        } else if (is_digit(*c) && decimals < DECIMALS && micros <= MONEY_MAX) {
            micros = micros * 10 + (*c - '0');
            decimals += decimals >= 0;
            n_digits++;
        } else {
            return false;
        }
    }
    for (int i = decimals > 0 ? decimals : 0; i < DECIMALS && micros <= MONEY_MAX; i++) {
        micros *= 10;
    }
    *ret_micros = micros;
    return n_digits > 0 && decimals != 0 && micros <= MONEY_MAX;
}

const char *money_format(int64_t micros, char out[MONEY_TEXT_MAX])
{
    (void)snprintf(out, MONEY_TEXT_MAX, "%" PRId64 ".%06" PRId64, micros / MONEY_UNIT,
                   micros % MONEY_UNIT);
    size_t len = strlen(out);
    char *point = strchr(out, '.');
    while (point != NULL && out + len > point + 3 && out[len - 1] == '0') {
        out[--len] = '\0';
    }
    return out;
}
