/* SPDX-License-Identifier: MIT */
#include "engine/io/listener_query.h"

#include <strings.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

static bool parse_number(const char *text, size_t len, int64_t *ret_n)
{
    int64_t n = 0;
    if (len == 0 || len > 18) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        n = n * 10 + (text[i] - '0');
    }
    *ret_n = n;
    return true;
}

static bool add(char *values[QUERY_VALUES], size_t *n, const char *text, size_t len)
{
    if (*n == QUERY_VALUES || len == 0 || memchr(text, '\0', len) != NULL ||
        !text_is_utf8(text, len)) {
        return false;
    }
    values[(*n)++] = mem_strn(text, len);
    return true;
}

static bool take_workflow(struct query *query, const char *text, size_t len)
{
    int64_t id = 0;
    size_t skip = len > 3 && strncasecmp(text, "wf-", 3) == 0 ? 3 : 0;
    if (query->n_workflows == QUERY_VALUES ||
        !parse_number(text + skip, len - skip, &id)) {
        return false;
    }
    query->workflows[query->n_workflows++] = id;
    return true;
}

bool query_take(struct query *query, const char *arg, size_t len, const char **ret_why)
{
    const char *equals = len <= QUERY_ARG_MAX ? memchr(arg, '=', len) : NULL;
    if (equals == NULL) {
        *ret_why = "a parameter is name=value";
        return false;
    }
    size_t name = (size_t)(equals - arg);
    const char *value = equals + 1;
    size_t n = len - name - 1;
    if (name == 5 && memcmp(arg, "since", 5) == 0) {
        *ret_why = "since is the number of an event";
        query->has_since = true;
        return parse_number(value, n, &query->since);
    }
    if (name == 8 && memcmp(arg, "workflow", 8) == 0) {
        *ret_why = "workflow is wf-N or N, at most 16 of them";
        return take_workflow(query, value, n);
    }
    if (name == 4 && memcmp(arg, "repo", 4) == 0) {
        *ret_why = "repo is a repository, at most 16 of them";
        return add(query->repos, &query->n_repos, value, n);
    }
    if (name == 4 && memcmp(arg, "kind", 4) == 0) {
        *ret_why = "kind is the kind of an event, at most 16 of them";
        return add(query->kinds, &query->n_kinds, value, n);
    }
    *ret_why = "parameters are since, repo, workflow and kind";
    return false;
}

void query_fini(struct query *query)
{
    for (size_t i = 0; i < query->n_repos; i++) {
        free(query->repos[i]);
    }
    for (size_t i = 0; i < query->n_kinds; i++) {
        free(query->kinds[i]);
    }
    *query = (struct query){0};
}

static bool is_among(char *const values[QUERY_VALUES], size_t n, const char *text)
{
    bool is_found = n == 0;
    for (size_t i = 0; i < n && !is_found; i++) {
        is_found = strcmp(values[i], text) == 0;
    }
    return is_found;
}

bool query_wants(const struct query *query, int64_t workflow, const char *kind,
                 const char *repo)
{
    bool is_wanted = query->n_workflows == 0;
    for (size_t i = 0; i < query->n_workflows && !is_wanted; i++) {
        is_wanted = query->workflows[i] == workflow;
    }
    return is_wanted && is_among(query->repos, query->n_repos, repo) &&
           is_among(query->kinds, query->n_kinds, kind);
}

const char *query_bearer(const char *authorization)
{
    /* RFC 6750 2.1; the scheme in any case (RFC 9110 11.1) */
    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0) {
        return NULL;
    }
    const char *token = authorization + 7;
    return token + strspn(token, " ");
}

const char *query_protocol_bearer(const char *protocols, size_t *ret_len)
{
    static const char prefix[] = "bearer.";
    const char *at = protocols != NULL ? protocols : "";
    while (*at != '\0') {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ", \t");
        if (len >= sizeof(prefix) && strncmp(at, prefix, sizeof(prefix) - 1) == 0) {
            *ret_len = len - (sizeof(prefix) - 1);
            return at + sizeof(prefix) - 1;
        }
        at += len;
    }
    return NULL;
}
