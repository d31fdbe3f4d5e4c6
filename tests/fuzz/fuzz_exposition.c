/* SPDX-License-Identifier: MIT */

/*
 * Text that others offer as figures: what comes out is bounded and harmless, canonical labels
 * are canonical, and one line does not change what the others say.
 */
#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/monitor/exposition.h"
#include "tests/fuzz/fuzz.h"

static void on_sample(void *context, const struct exposition_sample *sample)
{
    size_t *n = context;
    (*n)++;
    MUST(sample->name[0] != '\0' && strlen(sample->name) < SERIES_NAME_MAX);
    MUST(strlen(sample->labels) < SERIES_LABELS_MAX);
    MUST(is_harmless(sample->name) && is_harmless(sample->labels) &&
         is_harmless(sample->unit));
    MUST(sample->kind == KIND_GAUGE || sample->kind == KIND_COUNTER);
    MUST(sample->at.ms >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = 0, n_refused = 0;
    /* the exact end, so that a read beyond it is seen */
    char *text = malloc(size > 0 ? size : 1);
    memcpy(text, data, size);
    struct exposition_report report =
        exposition_parse(text, size, size % 2 == 0 ? "bare" : NULL, on_sample, &n);
    MUST(report.n_samples == n && n <= EXPOSITION_SAMPLES_MAX);
    MUST((report.n_wrong > 0) == (report.first_wrong > 0));
    MUST((report.n_wrong > 0) == (report.why[0] != '\0'));
    struct series_set *set = series_set_new(50);
    struct exposition_report again = scrape_push(
        set, "fuzz", text, size, (struct wall){1000000000000}, NULL, NULL, &n_refused);
    MUST(again.n_buckets == report.n_buckets && again.n_skipped == report.n_skipped);
    MUST(series_count(set) <= 50);
    for (int32_t i = 0; i < series_count(set); i++) {
        const struct series_info *info = series_get(set, i);
        MUST(series_find(set, info->name, info->labels) == i);
    }
    series_set_free(set);
    free(text);
    return 0;
}
