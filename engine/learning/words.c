/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/learning/words.h"

#define SLOTS 8192 /* a power of two, about twice WORDS_MAX */

struct words {
    size_t n; /* of names; 0 is "" */
    char *names[WORDS_MAX];
    uint16_t slots[SLOTS]; /* word; 0 = free */
};

struct words *words_new(void)
{
    struct words *words = mem_alloc(sizeof(*words));
    words->names[0] = mem_str("");
    words->n = 1;
    return words;
}

void words_free(struct words *words)
{
    if (words == NULL) {
        return;
    }
    for (size_t i = 0; i < words->n; i++) {
        free(words->names[i]);
    }
    free(words);
}

/* FNV-1a (Fowler, Noll, Vo). */
static size_t slot_of(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *at = name; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
    }
    return (size_t)(hash ^ (hash >> 32)) % SLOTS;
}

/* Where the name is, or would be. */
static size_t find_slot(const struct words *words, const char *name)
{
    size_t slot = slot_of(name);
    while (words->slots[slot] != 0 &&
           strcmp(words->names[words->slots[slot]], name) != 0) {
        slot = (slot + 1) % SLOTS;
    }
    return slot;
}

uint16_t words_put(struct words *words, const char *name)
{
    char clean[WORD_LEN];
    (void)text_clean_into(clean, sizeof(clean), name != NULL ? name : "");
    if (clean[0] == '\0') {
        return 0;
    }
    size_t slot = find_slot(words, clean);
    if (words->slots[slot] == 0 && words->n < WORDS_MAX) {
        words->slots[slot] = (uint16_t)words->n;
        words->names[words->n++] = mem_str(clean);
    }
    return words->slots[slot];
}

uint16_t words_find(const struct words *words, const char *name)
{
    char clean[WORD_LEN];
    (void)text_clean_into(clean, sizeof(clean), name != NULL ? name : "");
    return clean[0] == '\0' ? 0 : words->slots[find_slot(words, clean)];
}

const char *words_name(const struct words *words, uint16_t word)
{
    return word < words->n ? words->names[word] : "";
}

size_t words_count(const struct words *words)
{
    return words->n;
}

void words_save(const struct words *words, struct buf *out)
{
    blob_put(out, (int64_t)words->n);
    for (size_t i = 1; i < words->n; i++) {
        blob_put_text(out, words->names[i]);
    }
}

bool words_load(struct words *words, struct blob *blob)
{
    int64_t n = blob_take(blob, 1, WORDS_MAX);
    for (int64_t i = 1; i < n && !blob->is_bad; i++) {
        char name[WORD_LEN];
        blob_take_text(blob, name, sizeof(name));
        if (words_put(words, name) != i) {
            return false; /* twice the same, or the book was not empty */
        }
    }
    return !blob->is_bad;
}
