/* SPDX-License-Identifier: MIT */
#include "engine/io/openmetrics.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "engine/base/text.h"

static const char *const kind_words[] = {
    [OPENMETRICS_GAUGE] = "gauge",         [OPENMETRICS_COUNTER] = "counter",
    [OPENMETRICS_SUMMARY] = "summary",     [METRIC_STATESET] = "stateset",
    [OPENMETRICS_HISTOGRAM] = "histogram",
};

/* ---- Accept ---------------------------------------------------------------------------
 */

/* Weight of the media range that begins at text[0..len): "a/b;version=1;q=0.5". */
static double weight(const char *text, size_t len)
{
    for (size_t i = 0; i + 2 < len; i++) {
        size_t k = i + 1;
        while (text[i] == ';' && k < len && (text[k] == ' ' || text[k] == '\t')) {
            k++;
        }
        if (text[i] == ';' && k + 1 < len && (text[k] | 0x20) == 'q' &&
            text[k + 1] == '=') {
            char number[8] = "";
            size_t n =
                len - k - 2 < sizeof(number) - 1 ? len - k - 2 : sizeof(number) - 1;
            memcpy(number, text + k + 2, n);
            double q = strtod(number, NULL);
            return q >= 0 && q <= 1 ? q : 0;
        }
    }
    return 1;
}

enum openmetrics_format openmetrics_accept(const char *accept)
{
    double open = 0, plain = 0;
    for (const char *at = accept; at != NULL && *at != '\0';) {
        at += strspn(at, " \t,");
        size_t len = strcspn(at, ",");
        size_t name = strcspn(at, ";, \t");
        static const char ours[] = "application/openmetrics-text";
        if (name == strlen(ours) && strncasecmp(at, ours, name) == 0) {
            double q = weight(at, len);
            open = q > open ? q : open;
        } else if (name > 0) {
            double q = weight(at, len);
            bool is_text = name == 10 && strncasecmp(at, "text/plain", name) == 0;
            plain = is_text && q > plain ? q : plain;
        }
        at += len;
    }
    return open > 0 && open >= plain ? OPENMETRICS_1_0 : OPENMETRICS_TEXT_0_0_4;
}

const char *openmetrics_type(enum openmetrics_format format)
{
    return format == OPENMETRICS_1_0 ? OPENMETRICS_TYPE : OPENMETRICS_PLAIN;
}

/* ---- text -----------------------------------------------------------------------------
 */

void openmetrics_begin(struct openmetrics *metrics, struct buf *out,
                       enum openmetrics_format format)
{
    *metrics = (struct openmetrics){.out = out, .format = format};
}

/* Escaped-string: backslash, quote and line feed; of help 0.0.4 escapes no quotes. */
static void put_escaped(struct buf *out, const char *text, bool has_quotes)
{
    for (size_t i = 0, len = strlen(text); i < len;) {
        uint32_t rune = 0;
        size_t used = text_decode(text + i, len - i, &rune);
        if (used == 0) {
            (void)buf_str(out, "\xEF\xBF\xBD");
            used = 1;
        } else if (rune == '\\' || (rune == '"' && has_quotes)) {
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

/* FNV-1a. */
static uint64_t hash(const char *text)
{
    uint64_t h = 14695981039346656037u;
    for (; *text != '\0'; text++) {
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    }
    return h;
}

static bool is_new(struct openmetrics *metrics, const char *name)
{
    uint64_t h = hash(name);
    for (size_t i = 0; i < metrics->n_families; i++) {
        if (metrics->families[i] == h) {
            return false;
        }
    }
    if (metrics->n_families == OPENMETRICS_FAMILIES) {
        return false;
    }
    metrics->families[metrics->n_families++] = h;
    return true;
}

/* Does the name end in _unit? Only then it may be said (OpenMetrics, "Unit"). */
static bool has_unit(const char *name, const char *unit)
{
    size_t n = strlen(name), u = strlen(unit);
    return u > 0 && n > u + 1 && name[n - u - 1] == '_' &&
           strcmp(name + n - u, unit) == 0;
}

void openmetrics_family(struct openmetrics *metrics, const char *name,
                        enum openmetrics_kind kind, const char *unit, const char *help)
{
    bool is_plain = metrics->format == OPENMETRICS_TEXT_0_0_4;
    bool is_state = kind == METRIC_STATESET;
    const char *word = kind_words[is_plain && is_state ? OPENMETRICS_GAUGE : kind];
    const char *suffix = is_plain && kind == OPENMETRICS_COUNTER ? "_total" : "";
    (void)snprintf(metrics->family, sizeof(metrics->family), "%s", name);
    metrics->kind = kind;
    metrics->is_skipping = !is_new(metrics, name);
    if (metrics->is_skipping) {
        return;
    }
    (void)buf_printf(metrics->out, "# TYPE %s%s %s\n", name, suffix, word);
    if (!is_plain && has_unit(name, unit)) {
        (void)buf_printf(metrics->out, "# UNIT %s %s\n", name, unit);
    }
    (void)buf_printf(metrics->out, "# HELP %s%s ", name, suffix);
    put_escaped(metrics->out, help, !is_plain);
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

/* True when one was written. */
static bool put_labels(struct buf *out, const char *const *labels)
{
    size_t i = 0;
    for (; labels != NULL && labels[i] != NULL; i += 2) {
        (void)buf_printf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i]);
        put_escaped(out, labels[i + 1], true);
        (void)buf_char(out, '"');
    }
    return i > 0;
}

void openmetrics_sample(struct openmetrics *metrics, const char *const *labels,
                        double value)
{
    struct buf *out = metrics->out;
    if (metrics->is_skipping) {
        return;
    }
    (void)buf_str(out, metrics->family);
    (void)buf_str(out, metrics->kind == OPENMETRICS_COUNTER ? "_total" : "");
    (void)buf_str(out, put_labels(out, labels) ? "} " : " ");
    put_number(out, value);
    (void)buf_char(out, '\n');
}

void openmetrics_sample_text(struct openmetrics *metrics, const char *labels,
                             double value)
{
    struct buf *out = metrics->out;
    if (metrics->is_skipping) {
        return;
    }
    (void)buf_str(out, metrics->family);
    (void)buf_str(out, metrics->kind == OPENMETRICS_COUNTER ? "_total" : "");
    if (labels[0] != '\0') {
        (void)buf_printf(out, "{%s}", labels);
    }
    (void)buf_char(out, ' ');
    put_number(out, value);
    (void)buf_char(out, '\n');
}

/* ---- histograms -----------------------------------------------------------------------
 */

/* A bound is a float, and always written the same way (OpenMetrics, "Considerations:
 * Canonical Numbers"). */
static void put_bound(struct buf *out, double upper)
{
    if (isinf(upper)) {
        (void)buf_str(out, "+Inf");
    } else if (upper == floor(upper)) {
        (void)buf_printf(out, "%.1f", upper);
    } else {
        (void)buf_printf(out, "%g", upper);
    }
}

static void put_exemplar(struct buf *out, const struct openmetrics_exemplar *exemplar)
{
    if (exemplar->trace[0] != '\0') {
        (void)buf_printf(out, " # {trace_id=\"%s\",span_id=\"%s\"} ", exemplar->trace,
                         exemplar->span);
        put_number(out, exemplar->value);
        (void)buf_printf(out, " %lld.%03d", (long long)(exemplar->at.ms / 1000),
                         (int)(exemplar->at.ms % 1000));
    }
}

static void put_part(const struct openmetrics *metrics, const char *suffix,
                     const char *const *labels, double value)
{
    (void)buf_printf(metrics->out, "%s%s", metrics->family, suffix);
    (void)buf_str(metrics->out, put_labels(metrics->out, labels) ? "} " : " ");
    put_number(metrics->out, value);
    (void)buf_char(metrics->out, '\n');
}

void openmetrics_histogram(struct openmetrics *metrics, const char *const *labels,
                           const double *upper, const int64_t *counts, size_t n,
                           double sum, const struct openmetrics_exemplar *exemplars)
{
    struct buf *out = metrics->out;
    int64_t all = 0;
    if (metrics->is_skipping) {
        return;
    }
    for (size_t i = 0; i <= n; i++) {
        all += counts[i];
        (void)buf_printf(out, "%s_bucket", metrics->family);
        (void)buf_str(out, put_labels(out, labels) ? ",le=\"" : "{le=\"");
        put_bound(out, i < n ? upper[i] : (double)INFINITY);
        (void)buf_printf(out, "\"} %lld", (long long)all);
        if (exemplars != NULL && metrics->format == OPENMETRICS_1_0) {
            put_exemplar(out, &exemplars[i]);
        }
        (void)buf_char(out, '\n');
    }
    put_part(metrics, "_sum", labels, sum);
    put_part(metrics, "_count", labels, (double)all);
}

void openmetrics_end(struct openmetrics *metrics)
{
    if (metrics->format == OPENMETRICS_1_0) {
        (void)buf_str(metrics->out, "# EOF\n");
    }
}
