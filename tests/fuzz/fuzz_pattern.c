/* SPDX-License-Identifier: MIT */

/* A file of rules of any bytes, and a log of any bytes. What stands before the first NUL is the
 * file, the rest the log; each is tried with the shipped rules as well. */
#include <math.h>

#include "engine/recovery/pattern.h"
#include "tests/fuzz/fuzz.h"

#define HITS_MAX 32

static void check_rules(const struct pattern_base *base)
{
    for (size_t i = 0; i < pattern_count(base); i++) {
        const struct pattern *p = pattern_at(base, i);
        MUST(p->id[0] != '\0' && strlen(p->id) < PATTERN_ID_MAX && is_harmless(p->id));
        MUST(p->tool[0] != '\0' && is_harmless(p->tool));
        MUST(p->help[0] != '\0' && is_harmless(p->help));
        MUST(p->class_ > CLASS_UNKNOWN && p->class_ < CLASS_COUNT);
        MUST(p->weight > 0 && p->weight <= 1);
        MUST(isnan(p->flaky) || (p->flaky >= 0 && p->flaky <= 1));
        MUST((unsigned)p->severity < SEVERITY_COUNT);
        MUST(pattern_find(base, p->id) == p);
    }
}

static void check_scan(const struct pattern_base *base, const char *text, size_t len)
{
    struct pattern_hit hits[HITS_MAX];
    size_t n = pattern_scan(base, text, len, hits, HITS_MAX);
    for (size_t i = 0; i < n && i < HITS_MAX; i++) {
        MUST(hits[i].at <= len && hits[i].len <= len - hits[i].at);
        MUST(memchr(text + hits[i].at, '\n', hits[i].len) == NULL);
        MUST(i == 0 || hits[i].line >= hits[i - 1].line);
        const struct pattern *best = pattern_line(base, text + hits[i].at, hits[i].len);
        MUST(best != NULL && best->weight >= hits[i].pattern->weight);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t file_len = nul != NULL ? (size_t)(nul - data) : size;
    size_t log_at = nul != NULL ? file_len + 1 : 0;
    struct findings findings;
    findings_init(&findings);
    struct pattern_base *base = pattern_base_new("f", text, file_len, &findings);
    MUST((base == NULL) == (findings.n > 0));
    check_findings(&findings);
    if (base != NULL) {
        check_rules(base);
        check_scan(base, text + log_at, size - log_at);
    }
    check_scan(pattern_builtin(), text + log_at, size - log_at);
    pattern_base_free(base);
    findings_fini(&findings);
    return 0;
}
