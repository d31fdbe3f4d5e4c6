/* SPDX-License-Identifier: MIT */
#include "engine/base/findings.h"

#include <stdarg.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define FINDING_TEXT_MAX 4096

void findings_init(struct findings *findings)
{
    *findings = (struct findings){0};
}

void findings_fini(struct findings *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        free(findings->rows[i].file);
        free(findings->rows[i].field);
        free(findings->rows[i].text);
    }
    free(findings->rows);
    *findings = (struct findings){0};
}

/* Findings quote what a file says, and end on terminals. A carriage return would begin
 * the line again and take our own words away. */
static char *clean(const char *text)
{
    AUTO_FREE char *copy = mem_strn(text, strnlen(text, FINDING_TEXT_MAX));
    AUTO_BUF struct buf out;
    for (char *c = copy; *c != '\0'; c++) {
        if (*c == '\r') {
            *c = ' ';
        }
    }
    buf_init(&out, FINDING_TEXT_MAX * 4); /* a bad byte becomes three */
    text_clean(&out, copy, strlen(copy), TEXT_ONE_LINE);
    return buf_take(&out, NULL);
}

void findings_add(struct findings *findings, const char *file, int line,
                  const char *field, const char *format, ...)
{
    if (findings->n >= FINDINGS_MAX) {
        findings->n_dropped++;
        return;
    }
    if ((findings->n & (findings->n - 1)) == 0) {
        size_t cap = findings->n > 0 ? findings->n * 2 : 1;
        findings->rows = mem_grow(findings->rows, cap, sizeof(*findings->rows));
    }
    AUTO_FREE char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        BUG("out of memory");
    }
    va_end(args);
    findings->rows[findings->n++] = (struct finding){
        .file = mem_str(file), .line = line, .field = clean(field), .text = clean(text)};
}

void findings_sort(struct findings *findings, size_t from)
{
    for (size_t i = from + 1; i < findings->n; i++) {
        struct finding row = findings->rows[i];
        size_t at = i;
        for (; at > from && findings->rows[at - 1].line > row.line; at--) {
            findings->rows[at] = findings->rows[at - 1];
        }
        findings->rows[at] = row;
    }
}

bool findings_is_empty(const struct findings *findings)
{
    return findings->n == 0;
}

char *finding_format(const struct finding *finding)
{
    AUTO_FREE char *file = clean(finding->file);
    const char *colon = finding->field[0] != '\0' ? ": " : "";
    if (finding->line == 0) {
        return mem_printf("%s: %s%s%s", file, finding->field, colon, finding->text);
    }
    return mem_printf("%s:%d: %s%s%s", file, finding->line, finding->field, colon,
                      finding->text);
}
