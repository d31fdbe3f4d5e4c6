/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_IDMAP_H
#define SIGNALBOX_BASE_IDMAP_H

/*
 * Idmap: int64 key (not 0) to pointer; open addressing with linear probing. Owns no
 * values.
 */

#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"

struct idmap {
    int64_t *keys; /* 0 = free */
    void **values;
    size_t n, cap; /* cap is 0 or a power of two */
};

void idmap_fini(struct idmap *map); /* an all-zero map is empty and ready */
void *idmap_get(const struct idmap *map, int64_t key); /* or NULL */
void idmap_put(struct idmap *map, int64_t key, void *value);
void *idmap_take(struct idmap *map, int64_t key); /* removes; value or NULL */
/* Walk: *iter starts at 0; NULL at the end. The map must not change meanwhile. */
void *idmap_next(const struct idmap *map, size_t *iter);

#endif
