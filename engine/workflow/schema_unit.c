/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <inttypes.h>

#include "engine/base/clock.h"
#include "engine/workflow/schema_value.h"

static const struct unit {
    const char *name;
    int64_t factor;
} byte_units[] = {
    {"",    1                  },
    {"B",   1                  },
    {"KiB", INT64_C(1) << 10   },
    {"MiB", INT64_C(1) << 20   },
    {"GiB", INT64_C(1) << 30   },
    {"TiB", INT64_C(1) << 40   },
    {"kB",  INT64_C(1000)      },
    {"MB",  INT64_C(1000000)   },
    {"GB",  INT64_C(1000000000)},
    {"TB",  1000000000000      },
    {"K",   INT64_C(1) << 10   },
    {"M",   INT64_C(1) << 20   },
    {"G",   INT64_C(1) << 30   },
    {"T",   INT64_C(1) << 40   },
    {"Ki",  INT64_C(1) << 10   },
    {"Mi",  INT64_C(1) << 20   },
    {"Gi",  INT64_C(1) << 30   },
    {"Ti",  INT64_C(1) << 40   },
};

bool value_take_number(const char **text, int64_t *ret_number)
{
    const char *at = *text;
    int64_t number = 0;
    if (!isdigit((unsigned char)*at)) {
        return false;
    }
    for (; isdigit((unsigned char)*at); at++) {
        int digit = *at - '0';
        number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : number * 10 + digit;
    }
    *text = at;
    *ret_number = number;
    return true;
}

bool value_parse_bytes(const char *text, int64_t *ret_bytes)
{
    int64_t number = 0;
    if (!value_take_number(&text, &number)) {
        return false;
    }
    text += *text == ' ' ? 1 : 0;
    for (size_t i = 0; i < ARRAY_LEN(byte_units); i++) {
        if (strcasecmp(text, byte_units[i].name) == 0) {
            int64_t factor = byte_units[i].factor;
            *ret_bytes = number > INT64_MAX / factor ? INT64_MAX : number * factor;
            return true;
        }
    }
    return false;
}

bool bytes_parse(const char *text, int64_t *ret_bytes)
{
    int64_t bytes = 0;
    if (!value_parse_bytes(text, &bytes) || bytes == INT64_MAX) {
        return false;
    }
    *ret_bytes = bytes;
    return true;
}

const char *bytes_format(int64_t bytes, char text[BYTES_TEXT_MAX])
{
    static const struct unit units[] = {
        {"TiB", INT64_C(1) << 40},
        {"TB",  1000000000000   },
        {"GiB", INT64_C(1) << 30},
        {"GB",  1000000000      },
        {"MiB", INT64_C(1) << 20},
        {"MB",  1000000         },
        {"KiB", INT64_C(1) << 10},
        {"kB",  1000            }
    };
    for (size_t i = 0; i < ARRAY_LEN(units) && bytes > 0; i++) {
        if (bytes % units[i].factor == 0) {
            snprintf(text, BYTES_TEXT_MAX, "%" PRId64 "%s", bytes / units[i].factor,
                     units[i].name);
            return text;
        }
    }
    snprintf(text, BYTES_TEXT_MAX, "%" PRId64, bytes);
    return text;
}

const char *value_format_duration(int64_t ms, char text[CLOCK_TEXT_MAX])
{
    static const struct unit units[] = {
        {"d",  86400000},
        {"h",  3600000 },
        {"m",  60000   },
        {"s",  1000    },
        {"ms", 1       }
    };
    if (ms == 0) {
        snprintf(text, CLOCK_TEXT_MAX, "0s");
        return text;
    }
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(units) && len < CLOCK_TEXT_MAX; i++) {
        if (ms >= units[i].factor) {
            len += (size_t)snprintf(text + len, CLOCK_TEXT_MAX - len, "%" PRId64 "%s",
                                    ms / units[i].factor, units[i].name);
            ms %= units[i].factor;
        }
    }
    return text;
}

bool value_is_long_duration(const char *text)
{
    char small[64];
    size_t len = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool is_digit = isdigit((unsigned char)text[i]) != 0;
        if (is_digit && len > 0 && small[len - 1] == '1') {
            continue;
        }
        if (len + 1 >= sizeof(small)) {
            return false;
        }
        small[len] = text[i];
        if (is_digit) {
            small[len] = '1';
        }
        len++;
    }
    small[len] = '\0';
    struct span span;
    return span_parse(small, &span);
}
