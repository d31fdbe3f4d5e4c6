/* SPDX-License-Identifier: MIT */
#include "engine/base/findings.h"

#include <stdarg.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

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
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        BUG("out of memory");
    }
    va_end(args);
    findings->rows[findings->n++] = (struct finding){
        .file = mem_str(file), .line = line, .field = mem_str(field), .text = text};
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
    if (finding->line == 0) {
        return mem_printf("%s: %s%s%s", finding->file, finding->field,
                          finding->field[0] != '\0' ? ": " : "", finding->text);
    }
    return mem_printf("%s:%d: %s%s%s", finding->file, finding->line, finding->field,
                      finding->field[0] != '\0' ? ": " : "", finding->text);
}
