/* SPDX-License-Identifier: MIT */
#include "engine/base/clock.h"

#include <ctype.h>

#define SPAN_MAX_MS (10LL * 366 * 86400 * 1000)

struct wall wall_now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail with these arguments */
    return (struct wall){(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000};
}

struct mono mono_now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with these arguments */
    return (struct mono){(int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec};
}

static bool split(struct wall at, struct tm *ret_tm)
{
    time_t seconds = (time_t)(at.ms / 1000);
    return at.ms > 0 && gmtime_r(&seconds, ret_tm) != NULL;
}

const char *wall_format(struct wall at, bool is_precise, char text[CLOCK_TEXT_MAX])
{
    struct tm tm;
    if (!split(at, &tm)) {
        text[0] = '\0';
        return text;
    }
    size_t len = strftime(text, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    if (is_precise) {
        (void)snprintf(text + len, CLOCK_TEXT_MAX - len, ".%03dZ", (int)(at.ms % 1000));
    } else {
        (void)snprintf(text + len, CLOCK_TEXT_MAX - len, "Z");
    }
    return text;
}

const char *wall_format_time(struct wall at, bool has_seconds, char text[CLOCK_TEXT_MAX])
{
    struct tm tm;
    if (!split(at, &tm)) {
        text[0] = '\0';
        return text;
    }
    (void)strftime(text, CLOCK_TEXT_MAX, has_seconds ? "%H:%M:%SZ" : "%H:%MZ", &tm);
    return text;
}

bool wall_parse(const char *text, struct wall *ret_at)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest == NULL) {
        return false;
    }
    int64_t ms = 0;
    if (*rest == '.') {
        int64_t unit = 100;
        for (rest++; isdigit((unsigned char)*rest); rest++) {
            ms += (*rest - '0') * unit;
            unit /= 10;
        }
    }
    int64_t offset = 0;
    if (*rest == '+' || *rest == '-') {
        int hours, minutes, used;
        if (sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) !=
            2) { // NOLINT(cert-err34-c): two digits each
            return false;
        }
        offset = (hours * 3600LL + minutes * 60LL) * (*rest == '-' ? -1 : 1);
        rest += 1 + used;
    } else if (*rest == 'Z') {
        rest++;
    } else {
        return false;
    }
    if (*rest != '\0') {
        return false;
    }
    ret_at->ms = ((int64_t)timegm(&tm) - offset) * 1000 + ms;
    return true;
}

const char *span_format(struct span span, char text[CLOCK_TEXT_MAX])
{
    const char *sign = span.ms < 0 ? "-" : "";
    long long ms = span.ms < 0 ? -(long long)span.ms : (long long)span.ms;
    long long s = ms / 1000;
    if (ms < 1000) {
        (void)snprintf(text, CLOCK_TEXT_MAX, "%s%lldms", sign, ms);
    } else if (s < 60) {
        (void)snprintf(text, CLOCK_TEXT_MAX, "%s%llds", sign, s);
    } else if (s < 3600) {
        (void)snprintf(text, CLOCK_TEXT_MAX, "%s%lldm%02llds", sign, s / 60, s % 60);
    } else if (s < 86400) {
        (void)snprintf(text, CLOCK_TEXT_MAX, "%s%lldh%02lldm", sign, s / 3600,
                       s / 60 % 60);
    } else if (s < 10 * 86400) {
        (void)snprintf(text, CLOCK_TEXT_MAX, "%s%lldd%02lldh", sign, s / 86400,
                       s / 3600 % 24);
    } else {
        (void)snprintf(text, CLOCK_TEXT_MAX, "%s%lldd", sign, s / 86400);
    }
    return text;
}

static int64_t unit_ms(const char **text)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        {"ms", 1       },
        {"s",  1000    },
        {"m",  60000   },
        {"h",  3600000 },
        {"d",  86400000}
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t len = strlen(units[i].name);
        if (strncmp(*text, units[i].name, len) == 0 &&
            !isalpha((unsigned char)(*text)[len])) {
            *text += len;
            return units[i].ms;
        }
    }
    return **text == '\0' ? 1000 : 0;
}

bool span_parse(const char *text, struct span *ret_span)
{
    int64_t total = 0;
    if (*text == '\0') {
        return false;
    }
    while (*text != '\0') {
        int64_t n = 0;
        if (!isdigit((unsigned char)*text)) {
            return false;
        }
        for (; isdigit((unsigned char)*text); text++) {
            n = n * 10 + (*text - '0');
            if (n > SPAN_MAX_MS) {
                return false;
            }
        }
        int64_t unit = unit_ms(&text);
        if (unit == 0 || n > SPAN_MAX_MS / unit) {
            return false;
        }
        total += n * unit;
        if (total > SPAN_MAX_MS) {
            return false;
        }
    }
    ret_span->ms = total;
    return true;
}

double minutes_scale(double minutes, const char **ret_unit)
{
    bool is_short = minutes > -1 && minutes < 1;
    *ret_unit = is_short ? " s" : " min";
    return is_short ? 60 : 1;
}

double without_minus(double value)
{
    return value > -0.05 && value < 0 ? 0 : value;
}
