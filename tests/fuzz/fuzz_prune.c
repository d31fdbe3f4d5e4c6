/* SPDX-License-Identifier: MIT */

/* Pruned JSON: of any document that parses there remains one that parses, with the same
 * values under the names that were asked for; pruning that changes nothing. */
#include "engine/base/json.h"
#include "engine/base/json_prune.h"
#include "engine/base/mem.h"
#include "tests/fuzz/fuzz.h"

static const char *const names[] = {"a", "id", "list", "head"};

static bool is_container(const struct json *value)
{
    return json_is_an_object(value) || json_len(value) > 0;
}

static void check_values(const struct json *full, const struct json *pruned)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct json *a = json_get(full, names[i]);
        const struct json *b = json_get(pruned, names[i]);
        MUST((a == NULL) == (b == NULL));
        MUST(json_is_an_object(a) == json_is_an_object(b) && json_len(a) == json_len(b));
        if (a != NULL && !is_container(a)) {
            AUTO_FREE char *one = json_format(a);
            AUTO_FREE char *other = json_format(b);
            MUST((one == NULL) == (other == NULL));
            MUST(one == NULL || strcmp(one, other) == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BUF struct buf once, twice;
    struct err err = ERR_INIT;
    buf_init(&once, size + 1);
    buf_init(&twice, size + 1);
    bool is_pruned = json_prune(&once, (const char *)data, size, names, ARRAY_LEN(names));
    struct json *full = json_parse((const char *)data, size, &err);
    /* The parser takes a NUL between two values for white space; pruning is not sure. */
    MUST(is_pruned || !json_is_an_object(full) || memchr(data, '\0', size) != NULL);
    if (is_pruned && json_is_an_object(full)) {
        struct json *pruned = json_parse(once.data, once.len, &err);
        MUST(pruned != NULL);
        check_values(full, pruned);
        check_values(json_get(full, "head"), json_get(pruned, "head"));
        MUST(json_prune(&twice, once.data, once.len, names, ARRAY_LEN(names)));
        MUST(twice.len == once.len && memcmp(twice.data, once.data, once.len) == 0);
        json_free(pruned);
    }
    json_free(full);
    return 0;
}
