/* SPDX-License-Identifier: MIT */

/* Bytes of the metrics file, which may be damaged: chunks, blocks, intervals, sketches. What is
 * read whole is written as the same again. */
#include "engine/base/mem.h"
#include "engine/base/sketch.h"
#include "store/metric_chunk.h"
#include "tests/fuzz/fuzz.h"

static void check_chunk(const uint8_t *bytes, size_t len)
{
    struct chunk_reader reader, again;
    struct chunk chunk = {0};
    struct wall at;
    double value;
    size_t n = 0, n_kept = 0;
    chunk_reader_init(&reader, bytes, len);
    while (chunk_next(&reader, &at, &value)) {
        n++;
        n_kept += at.ms > 0 && at.ms < INT64_C(1) << 46 && chunk_add(&chunk, at, value);
    }
    MUST(n <= UINT16_MAX && n_kept <= n);
    uint8_t out[CHUNK_BYTES + 3];
    chunk_reader_init(&again, out, chunk_format(&chunk, out));
    for (n = 0; chunk_next(&again, &at, &value); n++) {
    }
    MUST(n == n_kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    struct block_reader block = {.bytes = bytes, .len = size};
    const uint8_t *entry;
    struct metric_point point;
    struct sketch sketch, other;
    size_t len;
    int member;
    memcpy(bytes, data, size);
    check_chunk(bytes, size);
    while (block_next(&block, &member, &entry, &len)) {
        MUST(member >= 0 && member < METRIC_BLOCK);
        MUST(entry >= bytes && entry + len <= bytes + size);
        check_chunk(entry, len);
        if (interval_parse(entry, len, &point) && point.sketch != NULL) {
            MUST(point.sketch + point.sketch_len <= bytes + size);
        }
    }
    if (sketch_parse(bytes, size, &sketch)) {
        uint8_t out[SKETCH_BLOB_MAX];
        size_t out_len = sketch_format(&sketch, out);
        MUST(sketch_parse(out, out_len, &other));
        (void)sketch_quantile(&sketch, 0.5);
        sketch_merge(&other, &sketch);
        MUST(sketch_add(&other, 1));
    }
    free(bytes);
    return 0;
}
