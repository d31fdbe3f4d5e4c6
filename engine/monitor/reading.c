/* SPDX-License-Identifier: MIT */
#include "engine/monitor/reading.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"

#define SECONDS_MAX 1e12 /* more does not fit a span */

static bool ends_in(const char *name, size_t len, const char *end)
{
    size_t n = strlen(end);
    return len >= n && strncmp(name + len - n, end, n) == 0;
}

static const char *format_seconds(double value, char out[READING_MAX])
{
    char text[CLOCK_TEXT_MAX];
    double size = fabs(value);
    if (size >= 10 && size < SECONDS_MAX) {
        snprintf(out, READING_MAX, "%s",
                 span_format((struct span){(int64_t)(value * 1000)}, text));
    } else if (size >= 1 || value == 0 || size >= SECONDS_MAX) {
        snprintf(out, READING_MAX, "%.3gs", value);
    } else if (size >= 1e-3) {
        snprintf(out, READING_MAX, "%.3gms", value * 1e3);
    } else {
        snprintf(out, READING_MAX, "%.3gus", value * 1e6);
    }
    return out;
}

static const char *format_bytes(double value, char out[READING_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t i = 0;
    while (fabs(value) >= 1024 && i + 1 < sizeof(units) / sizeof(*units)) {
        value /= 1024;
        i++;
    }
    snprintf(out, READING_MAX, fabs(value) < 100 ? "%.3g%s" : "%.0f%s", value, units[i]);
    return out;
}

const char *reading_format(const char *name, double value, char out[READING_MAX])
{
    size_t len = strcspn(name, "{");
    if (isnan(value)) {
        snprintf(out, READING_MAX, "unknown");
    } else if (isinf(value)) {
        snprintf(out, READING_MAX, value > 0 ? "without end" : "-without end");
    } else if (ends_in(name, len, "_total")) { /* a counter is kept as its rate */
        snprintf(out, READING_MAX, "%.3g/s", value);
    } else if (ends_in(name, len, "_seconds")) {
        return format_seconds(value, out);
    } else if (ends_in(name, len, "_bytes")) {
        return format_bytes(value, out);
    } else if (ends_in(name, len, "_ratio")) {
        snprintf(out, READING_MAX, fabs(value) < 0.1 ? "%.2g%%" : "%.3g%%", value * 100);
    } else {
        snprintf(out, READING_MAX,
                 fabs(value) >= 1000 && fabs(value) < 1e9 ? "%.0f" : "%.3g", value);
    }
    return out;
}
