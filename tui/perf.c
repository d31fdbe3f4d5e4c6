/* SPDX-License-Identifier: MIT */
#include "tui/perf.h"

#include "engine/base/compiler.h"

static struct perf_slot *slot_of(struct perf *perf, struct mono now)
{
    int64_t second = now.ns / 1000000000;
    struct perf_slot *slot = &perf->slots[second % (PERF_SECONDS + 1)];
    if (slot->second != second) {
        *slot = (struct perf_slot){.second = second};
    }
    return slot;
}

void perf_wake(struct perf *perf, struct mono now)
{
    slot_of(perf, now)->wakes++;
}

void perf_frame(struct perf *perf, struct mono now, uint64_t bytes, int64_t cpu_us)
{
    struct perf_slot *slot = slot_of(perf, now);
    slot->frames++;
    slot->bytes += bytes;
    slot->cpu_us += cpu_us - perf->last_cpu_us;
    perf->last_cpu_us = cpu_us;
}

void perf_key(struct perf *perf, int64_t us)
{
    perf->key_us[perf->n_keys++ % PERF_KEYS] = us;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

void perf_format(const struct perf *perf, struct mono now, char *out, size_t cap)
{
    int64_t second = now.ns / 1000000000;
    struct perf_slot sum = {0};
    int64_t sorted[PERF_KEYS];
    size_t n = perf->n_keys < PERF_KEYS ? perf->n_keys : PERF_KEYS;
    for (size_t i = 0; i < ARRAY_LEN(perf->slots); i++) {
        const struct perf_slot *slot = &perf->slots[i];
        if (slot->second > second - PERF_SECONDS) {
            sum.bytes += slot->bytes;
            sum.frames += slot->frames;
            sum.wakes += slot->wakes;
            sum.cpu_us += slot->cpu_us;
        }
    }
    int used = snprintf(
        out, cap, "%.0f B/s  %.1f frames/s  %.1f wakes/s  cpu %.1f%%",
        (double)sum.bytes / PERF_SECONDS, (double)sum.frames / PERF_SECONDS,
        (double)sum.wakes / PERF_SECONDS, (double)sum.cpu_us / (PERF_SECONDS * 1e4));
    if (n == 0 || used < 0 || (size_t)used >= cap) {
        return;
    }
    memcpy(sorted, perf->key_us, n * sizeof(sorted[0]));
    qsort(sorted, n, sizeof(sorted[0]), by_size);
    (void)snprintf(out + used, cap - (size_t)used,
                   "  key to paint p50 %.2f ms  p99 %.2f ms  (%zu keys)",
                   (double)sorted[n / 2] / 1000, (double)sorted[(n * 99) / 100] / 1000,
                   n);
}
