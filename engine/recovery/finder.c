/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/recovery/literal.h"

/* A row of the table has COLUMNS entries: one for each byte that is common in texts, one that
 * the others share, one (0) for bytes that are in no text. An entry is the next state, and
 * whether texts end there. */
#define COLUMN_BITS 6
#define COLUMNS     (1u << COLUMN_BITS)
#define SHARED      (COLUMNS - 1)
#define STATES_MAX  0x8000u
#define STATE       0x7FFFu
#define ENDS        0x8000u

struct owned {
    uint16_t owner;
    uint32_t next; /* index + 1; 0 = the last */
};

struct finder {
    uint8_t column[256];
    uint8_t n_columns; /* given, 0 and the shared one not counted */
    uint16_t *table;   /* n_states rows */
    size_t n_states, cap;
    uint32_t *owned_of; /* of a state: index + 1 of its first; 0 none */
    uint16_t
        *shorter; /* of a state: the next shorter suffix at which a text ends; 0 none */
    struct owned *owned;
    size_t n_owned, cap_owned;
};

static uint16_t add_state(struct finder *finder)
{
    if (finder->n_states == finder->cap) {
        size_t cap = finder->cap > 0 ? finder->cap * 2 : 256;
        finder->table = mem_grow(finder->table, cap * COLUMNS, sizeof(*finder->table));
        finder->owned_of = mem_grow(finder->owned_of, cap, sizeof(*finder->owned_of));
        finder->shorter = mem_grow(finder->shorter, cap, sizeof(*finder->shorter));
        finder->cap = cap;
    }
    size_t state = finder->n_states++;
    memset(finder->table + state * COLUMNS, 0, COLUMNS * sizeof(*finder->table));
    finder->owned_of[state] = 0;
    finder->shorter[state] = 0;
    return (uint16_t)state;
}

struct finder *finder_new(void)
{
    struct finder *finder = mem_alloc(sizeof(*finder));
    (void)add_state(finder);
    return finder;
}

void finder_free(struct finder *finder)
{
    if (finder != NULL) {
        free(finder->table);
        free(finder->owned_of);
        free(finder->shorter);
        free(finder->owned);
        free(finder);
    }
}

static uint8_t column_of(struct finder *finder, unsigned char lower)
{
    if (finder->column[lower] == 0) {
        uint8_t column =
            finder->n_columns + 1u < SHARED ? ++finder->n_columns : (uint8_t)SHARED;
        finder->column[lower] = column;
        finder->column[toupper(lower)] = column;
    }
    return finder->column[lower];
}

static void own(struct finder *finder, size_t state, uint16_t owner)
{
    if (finder->n_owned == finder->cap_owned) {
        finder->cap_owned = finder->cap_owned > 0 ? finder->cap_owned * 2 : 64;
        finder->owned =
            mem_grow(finder->owned, finder->cap_owned, sizeof(*finder->owned));
    }
    finder->owned[finder->n_owned++] = (struct owned){owner, finder->owned_of[state]};
    finder->owned_of[state] = (uint32_t)finder->n_owned;
}

bool finder_add(struct finder *finder, const struct literals *literals, uint16_t owner)
{
    for (size_t i = 0; i < literals->n; i++) {
        const struct literal *literal = &literals->items[i];
        size_t state = 0;
        for (size_t k = 0; k < literal->len; k++) {
            size_t at = (state << COLUMN_BITS) + column_of(finder, literal->text[k]);
            if (finder->table[at] == 0) {
                if (finder->n_states == STATES_MAX) {
                    return false;
                }
                uint16_t added = add_state(finder); /* moves the table */
                finder->table[at] = added;
            }
            state = finder->table[at];
        }
        own(finder, state, owner);
    }
    return true;
}

/* Breadth first: the table of a state's longest proper suffix is whole before its own. */
void finder_finish(struct finder *finder)
{
    AUTO_FREE uint16_t *queue = mem_array(finder->n_states, sizeof(*queue));
    AUTO_FREE uint16_t *suffix = mem_array(finder->n_states, sizeof(*suffix));
    size_t head = 0, tail = 1; /* the root is first */
    while (head < tail) {
        size_t state = queue[head++];
        uint16_t *row = finder->table + (state << COLUMN_BITS);
        const uint16_t *other = finder->table + ((size_t)suffix[state] << COLUMN_BITS);
        for (size_t c = 0; c < COLUMNS; c++) {
            if (row[c] == 0) {
                row[c] = state == 0 ? 0 : other[c];
                continue;
            }
            uint16_t next = row[c];
            suffix[next] = state == 0 ? 0 : other[c] & STATE;
            finder->shorter[next] = finder->owned_of[suffix[next]] != 0
                                        ? suffix[next]
                                        : finder->shorter[suffix[next]];
            if (finder->owned_of[next] != 0 || finder->shorter[next] != 0) {
                row[c] |= ENDS;
            }
            queue[tail++] = next;
        }
    }
}

/* Adds the owners of what ends in this state. */
static size_t collect(const struct finder *finder, size_t state, uint16_t *owners,
                      size_t n, size_t max)
{
    for (; state != 0; state = finder->shorter[state]) {
        for (uint32_t at = finder->owned_of[state]; at != 0;
             at = finder->owned[at - 1].next) {
            uint16_t owner = finder->owned[at - 1].owner;
            size_t i = 0;
            while (i < n && owners[i] != owner) {
                i++;
            }
            if (i == n && n < max) {
                owners[n++] = owner;
            }
        }
    }
    return n;
}

size_t finder_search(const struct finder *finder, const char *text, size_t len,
                     uint16_t *ret_owners, size_t max)
{
    const unsigned char *bytes = (const unsigned char *)text;
    const uint16_t *table = finder->table;
    size_t n = 0, state = 0;
    for (size_t i = 0; i < len; i++) {
        uint16_t next = table[(state << COLUMN_BITS) + finder->column[bytes[i]]];
        state = next & STATE;
        if ((next & ENDS) != 0) {
            n = collect(finder, state, ret_owners, n, max);
        }
    }
    return n;
}
