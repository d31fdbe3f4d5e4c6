/* SPDX-License-Identifier: MIT */
#include "engine/io/openmetrics.h"

#include <math.h>
#include <string.h>

#include "engine/base/text.h"

static const char *const kind_words[] = {
    [OPENMETRICS_GAUGE] = "gauge",
    [OPENMETRICS_COUNTER] = "counter",
    [OPENMETRICS_SUMMARY] = "summary",
    [METRIC_STATESET] = "stateset",
};

void openmetrics_begin(struct openmetrics *metrics, struct buf *out)
{
    *metrics = (struct openmetrics){.out = out, .family = ""};
}

/* Escaped-string: backslash, quote and line feed. */
static void put_escaped(struct buf *out, const char *text)
{
    for (size_t i = 0, len = strlen(text); i < len;) {
        uint32_t rune = 0;
        size_t used = text_decode(text + i, len - i, &rune);
        if (used == 0) {
            (void)buf_str(out, "\xEF\xBF\xBD");
            used = 1;
        } else if (rune == '\\' || rune == '"') {
            (void)buf_char(out, '\\');
            (void)buf_char(out, (char)rune);
        } else if (rune == '\n') {
            (void)buf_str(out, "\\n");
        } else {
            (void)buf_add(out, text + i, used);
        }
        i += used;
    }
}

void openmetrics_family(struct openmetrics *metrics, const char *name,
                        enum openmetrics_kind kind, const char *unit, const char *help)
{
    metrics->family = name;
    metrics->kind = kind;
    (void)buf_printf(metrics->out, "# TYPE %s %s\n", name, kind_words[kind]);
    if (unit[0] != '\0') { /* the name ends in it */
        (void)buf_printf(metrics->out, "# UNIT %s %s\n", name, unit);
    }
    (void)buf_printf(metrics->out, "# HELP %s ", name);
    put_escaped(metrics->out, help);
    (void)buf_char(metrics->out, '\n');
}

static void put_number(struct buf *out, double value)
{
    if (isnan(value)) {
        (void)buf_str(out, "NaN");
    } else if (isinf(value)) {
        (void)buf_str(out, value > 0 ? "+Inf" : "-Inf");
    } else if (value >= -9e15 && value <= 9e15 && value == floor(value)) {
        (void)buf_printf(out, "%lld", (long long)value);
    } else {
        (void)buf_printf(out, "%.17g", value);
    }
}

void openmetrics_sample(struct openmetrics *metrics, const char *const *labels,
                        double value)
{
    struct buf *out = metrics->out;
    (void)buf_str(out, metrics->family);
    (void)buf_str(out, metrics->kind == OPENMETRICS_COUNTER ? "_total" : "");
    for (size_t i = 0; labels != NULL && labels[i] != NULL; i += 2) {
        (void)buf_printf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i]);
        put_escaped(out, labels[i + 1]);
        (void)buf_char(out, '"');
    }
    (void)buf_str(out, labels != NULL && labels[0] != NULL ? "} " : " ");
    put_number(out, value);
    (void)buf_char(out, '\n');
}

void openmetrics_end(struct openmetrics *metrics)
{
    (void)buf_str(metrics->out, "# EOF\n");
}
