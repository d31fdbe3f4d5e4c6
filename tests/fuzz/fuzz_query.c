/* SPDX-License-Identifier: MIT */

/* What a subscriber asks for: each line a parameter, the first two the headers with the
 * token. What was taken is bounded and decides the same way twice. */
#include "engine/base/mem.h"
#include "engine/io/listener_query.h"
#include "tests/fuzz/fuzz.h"

static void check_headers(const char *text)
{
    size_t len = 0;
    const char *token = query_bearer(text);
    MUST(token == NULL || (token >= text + 7 && token <= text + strlen(text)));
    token = query_protocol_bearer(text, &len);
    MUST(token == NULL ||
         (len > 0 && token > text && token + len <= text + strlen(text)));
    for (size_t i = 0; token != NULL && i < len; i++) {
        MUST(token[i] != ',' && token[i] != ' ');
    }
}

static void check_query(const struct query *query)
{
    MUST(query->n_workflows <= QUERY_VALUES && query->n_repos <= QUERY_VALUES &&
         query->n_kinds <= QUERY_VALUES);
    MUST(query->since >= 0);
    const char *repo = query->n_repos > 0 ? query->repos[query->n_repos - 1] : "any";
    const char *kind = query->n_kinds > 0 ? query->kinds[query->n_kinds - 1] : "any";
    int64_t workflow = query->n_workflows > 0 ? query->workflows[0] : 7;
    MUST(query_wants(query, workflow, kind, repo));
    MUST(query_wants(query, workflow, "\x01", repo) == (query->n_kinds == 0) ||
         strcmp(kind, "\x01") == 0 || query->n_kinds > 1);
    MUST(query_wants(query, -1, kind, repo) == (query->n_workflows == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query query = {0};
    const char *at = (const char *)data, *end = at + size;
    for (int i = 0; at < end && i < 100; i++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        const char *why = NULL;
        if (i < 2) {
            AUTO_FREE char *text = mem_strn(at, (size_t)(stop - at));
            check_headers(text);
        } else if (!query_take(&query, at, (size_t)(stop - at), &why)) {
            MUST(why != NULL && why[0] != '\0');
        }
        at = stop < end ? stop + 1 : end;
    }
    check_query(&query);
    query_fini(&query);
    return 0;
}
