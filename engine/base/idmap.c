/* SPDX-License-Identifier: MIT */
#include "engine/base/idmap.h"

#include <stdlib.h>

#include "engine/base/mem.h"

void idmap_fini(struct idmap *map)
{
    free(map->keys);
    free(map->values);
    *map = (struct idmap){0};
}

/* Fibonacci hashing: consecutive ids spread. */
static size_t home(const struct idmap *map, int64_t key)
{
    return (size_t)(((uint64_t)key * 0x9e3779b97f4a7c15u) >> 20) & (map->cap - 1);
}

static size_t find(const struct idmap *map, int64_t key)
{
    size_t i = home(map, key);
    while (map->keys[i] != 0 && map->keys[i] != key) {
        i = (i + 1) & (map->cap - 1);
    }
    return i;
}

void *idmap_get(const struct idmap *map, int64_t key)
{
    if (map->n == 0) {
        return NULL;
    }
    size_t i = find(map, key);
    return map->keys[i] == key ? map->values[i] : NULL;
}

static void grow(struct idmap *map)
{
    struct idmap old = *map;
    map->cap = old.cap > 0 ? old.cap * 2 : 64;
    map->keys = mem_array(map->cap, sizeof(*map->keys));
    map->values = mem_array(map->cap, sizeof(*map->values));
    for (size_t i = 0; i < old.cap; i++) {
        if (old.keys[i] != 0) {
            size_t at = find(map, old.keys[i]);
            map->keys[at] = old.keys[i];
            map->values[at] = old.values[i];
        }
    }
    free(old.keys);
    free(old.values);
}

void idmap_put(struct idmap *map, int64_t key, void *value)
{
    if ((map->n + 1) * 4 > map->cap * 3) {
        grow(map);
    }
    size_t i = find(map, key);
    if (map->keys[i] == 0) {
        map->keys[i] = key;
        map->n++;
    }
    map->values[i] = value;
}

void *idmap_take(struct idmap *map, int64_t key)
{
    if (map->n == 0) {
        return NULL;
    }
    size_t hole = find(map, key);
    if (map->keys[hole] != key) {
        return NULL;
    }
    void *value = map->values[hole];
    map->keys[hole] = 0;
    map->n--;
    /* Close the gap (Knuth, TAOCP 3, 6.4 algorithm R). */
    for (size_t i = (hole + 1) & (map->cap - 1); map->keys[i] != 0;
         i = (i + 1) & (map->cap - 1)) {
        size_t wanted = home(map, map->keys[i]);
        if (((i - wanted) & (map->cap - 1)) >= ((i - hole) & (map->cap - 1))) {
            map->keys[hole] = map->keys[i];
            map->values[hole] = map->values[i];
            map->keys[i] = 0;
            hole = i;
        }
    }
    return value;
}

void *idmap_next(const struct idmap *map, size_t *iter)
{
    while (*iter < map->cap) {
        size_t i = (*iter)++;
        if (map->keys[i] != 0) {
            return map->values[i];
        }
    }
    return NULL;
}
